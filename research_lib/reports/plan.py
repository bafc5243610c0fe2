"""Which reports to make: parameter files found, notebooks found for them, settings and sweeps applied and validated."""

import hashlib
import itertools
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from research_lib.errors import ParameterError, nearest
from research_lib.params import read_values, validate
from research_lib.project import NOTEBOOKS, PARAMETERS, display_path
from research_lib.reports.own import model_from_cell, parameters_cell
from research_lib.reports.record import Record, Status
from research_lib.studies.parameters import MODELS

SMOKE = "smoke"  # small parameter files for tests
DEFAULTS = "defaults"  # the slug of a notebook's report that has no parameter file
LONGEST_SLUG = 120  # file systems allow 255 bytes; our suffixes and temporary names need some of them
ENDINGS = (".yaml", ".yml")
MOST_POINTS = 10_000  # of a sweep


@dataclass(frozen=True)
class Report:
    """A report to make: its notebook, its validated parameters, and the folder it goes to."""

    notebook: Path
    slug: str
    parameters: BaseModel
    folder: Path
    inputs: str = ""  # the hash of all that it depends on, once it is known

    @property
    def name(self) -> str:
        """The report's name, `notebook/slug`."""
        return f"{self.notebook.stem}/{self.slug}"

    @property
    def injected(self) -> dict[str, Any]:
        """What Papermill sets in the notebook; of an own one only what was asked for, with dates as dates."""
        own = self.notebook.stem not in MODELS
        return self.parameters.model_dump(exclude_unset=True) if own else self.parameters.model_dump(mode="json")

    def file(self, suffix: str) -> Path:
        """Return where one of the report's files stands."""
        return self.folder / f"{self.slug}.{suffix}"

    def record(self, status: Status, message: str = "") -> Record:
        """Begin the report's record."""
        asked = {"parameters": self.parameters.model_dump(mode="json"), "inputs": self.inputs}
        return Record(notebook=self.notebook.stem, slug=self.slug, status=status, message=message, **asked)


@dataclass(frozen=True)
class Plan:
    """What a command asks for: reports to make, and a record of status `wrong` for each that cannot be."""

    reports: list[Report]
    faults: list[Record]


def plan(
    words: Sequence[str],
    *,
    overrides: Mapping[str, object],
    grid: Mapping[str, Sequence[object]],
    output: Path,
    notebooks: Path | None = None,
) -> Plan:
    """Read and validate the parameter files that words name; a faulty one stops only its own report.

    `overrides` go before a file's values, and `grid` holds several values each. What is made with other values than the
    file's is a report of its own, `slug--name=value--…`, for each combination: it never takes the place of the file's.
    """
    made, faults, places = dict[str, Report](), list[Record](), Places(notebooks)
    axes = dict(sorted({**{name: [value] for name, value in overrides.items()}, **grid}.items()))
    if (many := math.prod(map(len, axes.values()))) > MOST_POINTS:
        raise ParameterError(f"--grid: {many:,} combinations of values; at most {MOST_POINTS:,} can be made at once")
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    files = dict[Path, None]()  # each once, however often it is named
    for word in words or [""]:
        try:
            files |= dict.fromkeys(path.absolute() for path in places.find(word))
        except ParameterError as error:
            faults.append(Record(notebook="", slug=word, status=Status.WRONG, message=str(error)))
    for path, point in itertools.product(files, points):
        bare = path.suffix == ".ipynb"
        slug = _slug(DEFAULTS if bare else path.stem, point)
        try:
            notebook = path if bare else places.notebook_of(path)
            parameters_cell(notebook)  # raises where it is no notebook, or would run on none of its parameters
            model = MODELS.get(notebook.stem) or model_from_cell(notebook)
            parameters = validate(model, dict(point) if bare else read_values(path, point), origin=display_path(path))
            report = Report(notebook, slug, parameters, output / notebook.stem)
            if made.setdefault(report.name, report) != report:
                raise ParameterError(f"{display_path(path)}: writes {report.name}, as another file does")
        except ParameterError as error:
            faults.append(Record(notebook=path.parent.name, slug=slug, status=Status.WRONG, message=str(error)))
    return Plan([*made.values()], faults)


class Places:
    """Where parameter files are looked for, and their notebooks; that of `params/mine/a.yaml` is `mine.ipynb`."""

    def __init__(self, notebooks: Path | None = None) -> None:
        self.notebooks = notebooks and notebooks.absolute()
        if self.notebooks and not self.notebooks.is_dir():
            raise ParameterError(f"--notebooks {display_path(self.notebooks)}: there is no such folder")
        self.roots = [self.notebooks.parent / "params", self.notebooks] if self.notebooks else [PARAMETERS]

    def find(self, word: str = "") -> list[Path]:
        """List the parameter files that a word names (all for none): a file, folder, `notebook/slug`, or notebook.

        Smoke files and hidden ones must be named; a notebook without parameter files is listed itself.
        """
        if not word:
            return [file for root in self.roots for file in self._files(root)]
        path = Path(os.path.expanduser(word))  # noqa: PTH111  # an unknown ~name stays as it is
        places = [path, *(root / f"{word}{ending}" for root in self.roots for ending in (*ENDINGS, ""))]
        places.append((self.notebooks or NOTEBOOKS) / f"{word}.ipynb")
        if found := next(filter(None, map(self._files, places)), []):
            return found
        known = [f"{file.parent.name}/{file.stem}" for file in self.find()]
        like = nearest(str(path.with_suffix("")).removeprefix("params/"), known)
        raise ParameterError(f"{display_path(path)}: no parameter file is there{like}")

    def _files(self, place: Path) -> list[Path]:
        """List the parameter files of a folder or a notebook; a file is itself."""
        if place.is_dir():
            seen = [path for path in sorted(place.rglob("*")) if "/." not in f"/{path.relative_to(place).as_posix()}"]
            return [path for path in seen if path.suffix.lower() in ENDINGS and path.stem != SMOKE and path.is_file()]
        if place.suffix != ".ipynb":
            return [place] if place.suffix.lower() in {*ENDINGS, ".json"} and place.is_file() else []
        above = place.absolute().parent
        folders = [root / place.stem for root in (above.parent / "params", above / "params", above, *self.roots)]
        return next(filter(None, map(self._files, folders)), [place] if place.is_file() else [])

    def notebook_of(self, path: Path) -> Path:
        """Return a file's notebook: in the folder given, else in `notebooks` beside `params`, nearby, or the kit's."""
        name, above, folder = f"{path.parent.name}.ipynb", path.parent.parent, self.notebooks or path.parent
        places = [folder] if self.notebooks else [above.parent / "notebooks", above, folder, NOTEBOOKS]
        beside = [*folder.glob("*.ipynb")]
        tried = [*(place / name for place in places), folder / f"{path.stem}.ipynb", *beside[: len(beside) == 1]]
        if found := [notebook for notebook in tried if notebook.is_file()]:
            return found[0]
        known = sorted({one.stem for place in (*places, folder) for one in place.glob("*.ipynb")})
        raise ParameterError(f"{display_path(path)}: there is no notebook {name}{nearest(path.parent.name, known)}")


def _slug(stem: str, point: Mapping[str, object]) -> str:
    """Name a report of other values than its file's; a hash tells apart what no file may have in its name."""
    full = "--".join([stem, *(f"{name}={value}" for name, value in point.items())])
    safe = re.sub(r"[^\w.,=+-]", "_", full)
    if not point or (safe == full and len(full) <= LONGEST_SLUG):
        return full
    digest = hashlib.sha256(json.dumps(point, default=str).encode()).hexdigest()[:8]
    return f"{safe[:LONGEST_SLUG]}--{digest}"
