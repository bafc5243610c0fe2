"""Which reports to make: parameter files found, settings and sweeps applied, all of it validated before anything runs."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from research_lib.errors import ParameterError
from research_lib.parameter_files import nearest_file, read_parameters, shown
from research_lib.params import NotebookParameters
from research_lib.project import NOTEBOOKS, PARAMETERS

SMOKE = "smoke"
LONGEST_SLUG = 120  # file systems allow 255 bytes; our suffixes and temporary names need some of them


@dataclass(frozen=True)
class Report:
    """A report to make: a parameter file, its validated parameters, and where the report goes."""

    notebook: str
    slug: str
    parameters: NotebookParameters
    folder: Path

    @property
    def name(self) -> str:
        """Name the report as notebook/slug."""
        return f"{self.notebook}/{self.slug}"

    @property
    def source_notebook(self) -> Path:
        """The notebook it is made from."""
        return NOTEBOOKS / f"{self.notebook}.ipynb"

    def file(self, suffix: str) -> Path:
        """Return where one of the report's files stands."""
        return self.folder / f"{self.slug}.{suffix}"


def plan(
    paths: Sequence[Path],
    *,
    overrides: Mapping[str, object],
    grid: Mapping[str, Sequence[object]],
    output: Path,
) -> list[Report]:
    """Read and validate parameter files; nothing runs unless all of them are right.

    Parameters
    ----------
    paths : sequence of Path
        Parameter files, folders of them, or glob patterns; none for every one of the project but the smoke ones.
    overrides : mapping
        Values that go before every file's.
    grid : mapping of str to sequence
        A sweep: each combination of these values is a report of its own, `slug--name=value--…`.
    output : Path
        The folder of all reports.

    Raises
    ------
    ParameterError
        With the faults of every file, one a line.
    """
    reports, faults = [], []
    for path, point in itertools.product(find_parameter_files(paths), _points(grid)):
        try:
            parameters = read_parameters(path, overrides={**overrides, **point})
            _check_notebook(path.resolve().parent.name)
        except ParameterError as error:
            faults += str(error).splitlines()
            continue
        notebook = path.resolve().parent.name
        reports.append(Report(notebook, _slug(path.stem, point), parameters, output / notebook))
    faults += _same_places(reports)
    if faults:
        raise ParameterError("\n".join(dict.fromkeys(faults)))
    return reports


def find_parameter_files(paths: Sequence[Path]) -> list[Path]:
    """List the parameter files that paths, folders and glob patterns name; of folders all but the smoke ones.

    Raises
    ------
    ParameterError
        A folder or pattern holds none.
    """
    found = [file for path in paths or [PARAMETERS] for file in _files(path)]
    return list(dict.fromkeys(found))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*.yaml")) if file.stem != SMOKE]
    elif re.search(r"[*?\[]", str(path)) and not path.exists():
        found = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
    else:
        return [path]
    if not found:
        raise ParameterError(f"{shown(path)}: no parameter file is there{nearest_file(path)}")
    return found


def _points(grid: Mapping[str, Sequence[object]]) -> list[dict[str, object]]:
    names = sorted(grid)
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(grid[name] for name in names))]


def _slug(stem: str, point: Mapping[str, object]) -> str:
    """Name a point of a sweep; a name that no file may have is made one, and told apart by a hash of the values."""
    full = "--".join([stem, *(f"{name}={value}" for name, value in point.items())])
    safe = re.sub(r"[^\w.,=+-]", "_", full)
    if not point or (safe == full and len(full) <= LONGEST_SLUG):
        return full
    digest = hashlib.sha256(json.dumps(point, default=str).encode()).hexdigest()[:8]
    return f"{safe[:LONGEST_SLUG]}--{digest}"


def _same_places(reports: Sequence[Report]) -> Iterator[str]:
    names = [report.name for report in reports]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: two parameter files would write this report; rename one"


def _check_notebook(notebook: str) -> None:
    path = NOTEBOOKS / f"{notebook}.ipynb"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except FileNotFoundError:
        raise ParameterError(f"{shown(path)}: there is no such notebook") from None
    except (ValueError, KeyError, TypeError):
        raise ParameterError(f"{shown(path)}: not a notebook") from None
    if not any("parameters" in cell.get("metadata", {}).get("tags", []) for cell in cells):
        raise ParameterError(f"{shown(path)}: no cell has the tag parameters, so it would run on none of them")
