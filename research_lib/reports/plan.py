"""Which reports to make: parameter files found, notebooks found for them, settings and sweeps applied and validated."""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from research_lib.errors import ParameterError, nearest
from research_lib.params import parse_axis, parse_setting, read_values, validate
from research_lib.project import NOTEBOOKS, PARAMETERS, REPORTS, display_path
from research_lib.reports.own import model_of
from research_lib.reports.record import Record, Status
from research_lib.studies.parameters import MODELS

SMOKE = "smoke"  # small parameter files for tests
DEFAULTS = "defaults"  # the slug of a notebook's report that has no parameter file
LONGEST_SLUG = 120  # file systems allow 255 bytes; our suffixes and temporary names need some of them
ENDINGS = (".yaml", ".yml")
Words = Sequence[str]  # as they are typed


class Report(NamedTuple):
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
        values, asked = self.parameters.model_dump(mode="json"), {"notebook": self.notebook.stem, "slug": self.slug}
        return Record(**asked, status=status, message=message, parameters=values, inputs=self.inputs)


class Plan(NamedTuple):
    """What a command asks for: reports to make, and a record of status `wrong` for each that cannot be."""

    reports: list[Report]
    faults: list[Record]


def plan(
    words: Words, settings: Words = (), grid: Words = (), *, output: Path = REPORTS, notebooks: str | Path | None = None
) -> Plan:
    """Read and validate the parameter files that words name; a faulty one stops only its own report.

    Settings, and each combination of a grid's, go before a file's values. What is made with other values than the file's is a
    report of its own, `slug--name=value--…`: it never takes the place of the file's.
    """
    made, faults, places = dict[str, Report](), list[Record](), Places(Path(notebooks) if notebooks else None)
    if odd := [word for word in words if not word or ("=" in word and word.partition("=")[0].isidentifier())]:
        raise ParameterError(f"'{odd[0]}': no file has this name; a parameter is set by --set NAME=VALUE")
    axes = [*map(parse_axis, grid), *((name, [value]) for name, value in map(parse_setting, settings))]
    if len(dict(axes)) < len(axes):
        raise ParameterError("--set, --grid: give each parameter once; a grid takes all of its values, as a=1,2")
    if (many := math.prod(len(values) for _, values in axes)) > 10_000:
        raise ParameterError(f"--grid: {many:,} combinations of values; at most 10,000 can be made at once")
    points = map(dict, itertools.product(*([(name, one) for one in values] for name, values in sorted(axes))))
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
            notebook, values = (path, point) if bare else (places.notebook_of(path), read_values(path, point))
            parameters = validate(model_of(notebook), values, origin=display_path(path))
            report = Report(notebook, slug, parameters, output / notebook.stem)
            if made.setdefault(report.name, report) != report:
                raise ParameterError(f"{display_path(path)}: writes {report.name}, as another file does")
        except ParameterError as error:
            faults.append(Record(notebook=path.parent.name, slug=slug, status=Status.WRONG, message=str(error)))
    return Plan([*made.values()], faults)


class Places:
    """Where parameter files are looked for, and their notebooks; that of `params/mine/a.yaml` is `mine.ipynb`."""

    def __init__(self, notebooks: Path | None = None) -> None:
        if notebooks and not notebooks.is_dir():
            raise ParameterError(f"--notebooks {display_path(notebooks)}: there is no such folder")
        self.given = [notebooks.absolute()] if notebooks else []
        self.roots = [root for folder in self.given for root in (folder.parent / "params", folder)] or [PARAMETERS]

    def find(self, word: str = "") -> list[Path]:
        """List the parameter files that a word names; without a word, all but smoke files. A notebook without any is listed itself."""
        if not word:
            return [file for root in self.roots for file in self._files(root)]
        roots = [Path(), *self.roots, *(self.given or [NOTEBOOKS])]
        places = [root / f"{word}{ending}" for root in roots for ending in ("", *ENDINGS, ".ipynb")]
        if found := next(filter(None, map(self._files, places)), []):
            return found
        known = [f"{file.parent.name}/{file.stem}" for file in self.find()]
        like = nearest(str(Path(word).with_suffix("")).removeprefix("params/"), known)
        raise ParameterError(f"{display_path(Path(word))}: no parameter file is there{like}")

    def _files(self, place: Path) -> list[Path]:
        """List the parameter files of a folder or a notebook; a file is itself."""
        if place.is_dir():
            seen = [path for path in sorted(place.rglob("*")) if "/." not in f"/{path.relative_to(place).as_posix()}"]
            return [path for path in seen if path.suffix.lower() in ENDINGS and path.stem != SMOKE and path.is_file()]
        if place.suffix != ".ipynb" or not place.is_file():
            return [place] if place.suffix.lower() in {*ENDINGS, ".json"} and place.is_file() else []
        above = place.absolute().parent
        return self._files(above.parent / "params" / place.stem) or self._files(above / place.stem) or [place]

    def notebook_of(self, path: Path) -> Path:
        """Return a file's notebook: in the folder given, else in `notebooks` beside `params`, nearby, or the kit's."""
        name, above, beside = f"{path.parent.name}.ipynb", path.parent.parent, [*path.parent.glob("*.ipynb")]
        places = [*self.given, above.parent / "notebooks", above, path.parent, NOTEBOOKS]
        tried = [*(place / name for place in places), path.with_suffix(".ipynb"), *beside[: len(beside) == 1]]
        if found := next(filter(Path.is_file, tried), None):
            return found
        known = sorted({one.stem for place in places for one in place.glob("*.ipynb")})
        raise ParameterError(f"{display_path(path)}: there is no notebook {name}{nearest(path.parent.name, known)}")


def _slug(stem: str, point: Mapping[str, object]) -> str:
    """Name a report of other values than its file's; a hash tells apart what no file may have in its name."""
    full = "--".join([stem, *(f"{name}={value}" for name, value in point.items())])
    safe = re.sub(r"[^\w.,=+-]", "_", full)
    if not point or (safe == full and len(full) <= LONGEST_SLUG):
        return full
    digest = hashlib.sha256(json.dumps(point, default=str).encode()).hexdigest()[:8]
    return f"{safe[:LONGEST_SLUG]}--{digest}"
