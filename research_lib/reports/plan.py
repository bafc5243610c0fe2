"""Which reports to make: parameter files found, notebooks found for them, settings and sweeps applied and validated."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from research_lib.errors import ParameterError, nearest
from research_lib.params import model_from_cell, parameters_cell, read_values, validate
from research_lib.project import NOTEBOOKS, PARAMETERS, display_path, write_whole
from research_lib.reports.record import Record, Status

SMOKE = "smoke"  # small parameter files for tests
DEFAULTS = "defaults"  # the slug of a notebook's report that has no parameter file
LONGEST_SLUG = 120  # file systems allow 255 bytes; our suffixes and temporary names need some of them
ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Report:
    """A report to make: its notebook, its validated parameters, and the folder it goes to."""

    notebook: Path
    slug: str
    parameters: BaseModel
    folder: Path
    own: bool = False  # the user's own notebook: its parameters are what its cell sets

    @property
    def name(self) -> str:
        """The report's name, `notebook/slug`."""
        return f"{self.notebook.stem}/{self.slug}"

    @property
    def injected(self) -> dict[str, Any]:
        """What Papermill sets in the notebook; of an own one only what was asked for, with dates as dates."""
        return self.parameters.model_dump(exclude_unset=True) if self.own else self.parameters.model_dump(mode="json")

    def file(self, suffix: str) -> Path:
        """Return where one of the report's files stands."""
        return self.folder / f"{self.slug}.{suffix}"

    def record(self, status: Status, message: str = "", **values: object) -> Record:
        """Begin the report's record."""
        parameters = self.parameters.model_dump(mode="json")
        known = {"notebook": self.notebook.stem, "slug": self.slug, "status": status, "message": message}
        return Record.model_validate({**known, "parameters": parameters, **values})


@dataclass(frozen=True)
class Plan:
    """What a command asks for: reports to make, and a record of status `wrong` for each that cannot be."""

    reports: list[Report] = field(default_factory=list)
    faults: list[Record] = field(default_factory=list)


def plan(
    words: Sequence[str],
    *,
    overrides: Mapping[str, object],
    grid: Mapping[str, Sequence[object]],
    output: Path,
    notebooks: Path | None = None,
) -> Plan:
    """Read and validate parameter files; a faulty one stops only its own report.

    Parameters
    ----------
    words : sequence of str
        As `Places.find` takes them; none for every parameter file but the smoke ones.
    overrides : mapping
        Values that go before every file's.
    grid : mapping of str to sequence
        A sweep: each combination of these values is a report of its own, `slug--name=value--…`.
    output : Path
        The folder of all reports.
    notebooks : Path, optional
        Where notebooks stand, if not where `Places` looks for them.
    """
    made, places = Plan(), Places(notebooks)
    for word in words or [""]:
        try:
            files = places.find(word)
        except ParameterError as error:
            made.faults.append(_fault(Path(word), str(error)))
            continue
        for path, point in itertools.product(files, _points(grid)):
            try:
                report = _report(path, point, overrides, output, places)
            except ParameterError as error:
                made.faults.append(_fault(path, str(error), point))
                continue
            same = next((one for one in made.reports if one.name == report.name), None)
            if same is None:
                made.reports.append(report)
            elif same != report:
                made.faults.append(_fault(path, f"{display_path(path)}: writes {report.name}, as another file does"))
    return made


class Places:
    """Where parameter files and their notebooks are looked for.

    The notebook of `params/mine/a.yaml` is `mine.ipynb`: in the folder given, else in `notebooks` beside `params`,
    beside or in the file's own folder, or among the kit's.
    """

    def __init__(self, notebooks: Path | None = None) -> None:
        self.notebooks = notebooks and notebooks.expanduser().absolute()

    def find(self, word: str = "") -> list[Path]:
        """List the parameter files that a word names.

        Parameters
        ----------
        word : str
            A file, a folder, a glob pattern, `notebook/slug` or the name of a notebook, or a notebook's file: all its
            parameter files, or the notebook itself where it has none. Empty for all. Of folders, smoke files and hidden
            ones are left out.

        Raises
        ------
        ParameterError
            There is none.
        """
        path = Path(word).expanduser()
        if not word:
            return sorted({file for root in self.roots if root.is_dir() for file in _below(root)})
        if path.is_dir():
            found = _below(path)
        elif path.suffix == ".ipynb" and path.is_file():
            found = self._of_notebook(path)
        elif path.is_file():
            return [path]
        elif re.search(r"[*?\[]", word):
            found = sorted(file for file in Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
        else:
            found = self._named(word)
        if not found:
            raise ParameterError(f"{display_path(path)}: {self._nothing_there(path)}")
        return found

    def notebook_of(self, path: Path) -> Path:
        """Return the notebook of a parameter file.

        Raises
        ------
        ParameterError
            There is none.
        """
        if path.suffix == ".ipynb":
            return path.absolute()
        path = path.absolute()
        folder = path.parent
        above = [folder.parent.parent / "notebooks", folder.parent, folder, NOTEBOOKS]
        looked_in = [self.notebooks] if self.notebooks else above
        for place in looked_in:
            if (notebook := place / f"{folder.name}.ipynb").is_file():
                return notebook
        beside = sorted((self.notebooks or folder).glob("*.ipynb"))
        same_name = [notebook for notebook in beside if notebook.stem == path.stem]
        if len(found := same_name or beside) == 1:
            return found[0]
        known = sorted(
            {notebook.stem for place in looked_in[:1] + looked_in[-1:] for notebook in place.glob("*.ipynb")}
        )
        raise ParameterError(
            f"{display_path(path)}: there is no notebook {folder.name}.ipynb{nearest(folder.name, known)}"
        )

    @cached_property
    def roots(self) -> list[Path]:
        """The folders of parameter files."""
        if self.notebooks is None:
            return [PARAMETERS]
        return [root for root in (self.notebooks.parent / "params", self.notebooks) if root.is_dir()]

    def _of_notebook(self, path: Path) -> list[Path]:
        folder = path.absolute().parent
        roots = [folder.parent / "params", folder / "params", folder, *self.roots]
        found = next((_below(root / path.stem) for root in roots if (root / path.stem).is_dir()), [])
        return found or [path]

    def _named(self, word: str) -> list[Path]:
        """Find what `notebook/slug`, or a notebook's name, stands for."""
        for root in self.roots:
            for file in (root / f"{word}{ending}" for ending in ENDINGS):
                if file.is_file():
                    return [file]
            if (root / word).is_dir():
                return _below(root / word)
        notebook = (self.notebooks or NOTEBOOKS) / f"{word}.ipynb"
        return [notebook] if notebook.is_file() else []

    def _nothing_there(self, path: Path) -> str:
        if path.is_dir():
            return "no parameter file is there"
        files = [file for root in self.roots for file in _below(root)]
        names = [f"{file.parent.name}/{file.stem}" for file in files]
        if same := [name for name in names if name.rpartition("/")[2] == path.stem]:
            return f"there is no such file; did you mean {' or '.join(same)}?"
        beside = [file.name for file in _below(path.parent)] if path.parent.is_dir() else []
        if hint := (nearest(path.name, beside) if path.suffix else nearest(str(path), names)).partition(" (known")[0]:
            return f"there is no such file{hint}"
        return "there is no such file; parameter files stand in params/<notebook>/, see: python -m research_lib list"


def _below(folder: Path) -> list[Path]:
    """List a folder's parameter files, without the smoke ones and what is hidden (checkpoints, drafts)."""
    found = [path for path in folder.rglob("*") if path.suffix in ENDINGS and path.stem != SMOKE and path.is_file()]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _report(
    path: Path, point: Mapping[str, object], overrides: Mapping[str, object], output: Path, places: Places
) -> Report:
    from research_lib.studies.study import parameters_model

    notebook = places.notebook_of(path)
    values = {**overrides, **point}
    if path.suffix != ".ipynb":
        values = read_values(path, values)
    parameters_cell(notebook)  # raises where it is no notebook, or would run on none of its parameters
    studied = parameters_model(notebook.stem)
    model: type[BaseModel] = studied or model_from_cell(notebook)
    parameters = validate(model, values, origin=display_path(path))
    slug = _slug(DEFAULTS if path.suffix == ".ipynb" else path.stem, point)
    return Report(notebook, slug, parameters, output / notebook.stem, own=studied is None)


def _fault(path: Path, message: str, point: Mapping[str, object] | None = None) -> Record:
    return Record(
        notebook=path.absolute().parent.name, slug=_slug(path.stem, point or {}), status=Status.WRONG, message=message
    )


def _points(grid: Mapping[str, Sequence[object]]) -> Iterator[dict[str, object]]:
    names = sorted(grid)
    for values in itertools.product(*(grid[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def _slug(stem: str, point: Mapping[str, object]) -> str:
    """Name a point of a sweep; characters that no file may have are replaced, and a hash tells the values apart."""
    full = "--".join([stem, *(f"{name}={value}" for name, value in point.items())])
    safe = re.sub(r"[^\w.,=+-]", "_", full)
    if not point or (safe == full and len(full) <= LONGEST_SLUG):
        return full
    digest = hashlib.sha256(json.dumps(point, default=str).encode()).hexdigest()[:8]
    return f"{safe[:LONGEST_SLUG]}--{digest}"


def write_own(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a first notebook of the user's own and its parameter file, below a folder's `notebooks` and `params`.

    Raises
    ------
    ParameterError
        The name cannot be a file's, or is taken, or the folder cannot be written.
    """
    notebook, file = folder / "notebooks" / f"{name}.ipynb", folder / "params" / name / "first.yaml"
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise ParameterError(f"name {name!r}: write letters, digits, - and _, such as my_question")
    if taken := [path for path in (notebook, file) if path.exists()]:
        raise ParameterError(f"{display_path(taken[0])} is there already: take another name")
    text = (Path(__file__).parent / "templates" / "own.ipynb").read_text(encoding="utf-8").replace("NAME", name)
    try:
        write_whole({notebook: text.encode(), file: b"asset: IXIC\nwindow: 126\n"})
    except OSError as error:
        raise ParameterError(f"{folder}: cannot be written ({error.strerror})") from None
    return notebook, file
