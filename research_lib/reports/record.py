"""A report's record: what was asked, what became of it, and what it found. Written once, read by everything else."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, JsonValue

# What follows a report's slug in the names of its files. A failure never replaces the last good report.
GOOD, PAGE, NOTEBOOK = "findings.json", "html", "ipynb"
FAILURE = FAILED, FAILED_PAGE, FAILED_NOTEBOOK = "failed.json", "failed.html", "failed.ipynb"
# How a report ended. `wrong`: its parameter file or data is faulty; `left_out`: its data is not here.
Status = StrEnum("Status", ["OK", "UNCHANGED", "FAILED", "INSUFFICIENT_DATA", "WRONG", "LEFT_OUT", "INTERRUPTED"])
MADE = {Status.OK, Status.UNCHANGED}  # of these the page is there


class Finding(BaseModel, frozen=True):
    """A number found: `value` in `unit`, from `n` cases, with its 95% interval where it has one."""

    name: str
    value: int | float | str | None
    unit: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None
    definition: str = ""


class Record(BaseModel, frozen=True):
    """One report."""

    notebook: str
    slug: str
    status: Status
    message: str = ""  # why, where it is not ok
    cell: int | None = None  # that failed: code cells, as the notebook's reader counts them
    started: str = ""
    duration_seconds: float = 0.0
    inputs: str = ""  # the hash of all that it depends on
    parameters: dict[str, JsonValue] = {}
    data: tuple[dict[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    title: str = ""  # the notebook's first heading
    # The study's summary; empty where the notebook shows none.
    question: str = ""
    claim: str = ""  # what the verdict is about
    verdict: str = ""
    headline: str = ""
    standfirst: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    hero: str = ""
    limits: tuple[str, ...] = ()
    change_mind: str = ""
    previous: "Record | None" = None  # the report that it replaced, of other inputs

    @property
    def name(self) -> str:
        """The report's name, `notebook/slug`."""
        return f"{self.notebook}/{self.slug}" if self.notebook else self.slug

    @property
    def data_to(self) -> str:
        """The last day of the first series, which the headline rests on; empty where it names none."""
        return str(self.data[0].get("last") or "") if self.data else ""

    def with_(self, **changes: object) -> Self:
        """Return the same record with other values."""
        return self.model_validate({**dict(self), **changes})

    def link(self) -> str:
        """Return the path of its page from the folder of all reports; of one that failed, of the page that says so."""
        return f"{self.name}.{PAGE if self.status in MADE else FAILED_PAGE}"


def read_record(path: Path) -> Record | None:
    """Read a record; None where the file is absent or is none."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def read_records(output: Path) -> list[Record]:
    """Read the records of all reports below a folder: the last good ones, then those of failures since."""
    paths = [path for ending in (GOOD, FAILED) for path in output.glob(f"*/*.{ending}")]
    return [record for path in paths if (record := read_record(path))]


def differing(mappings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return, by key, the values of all mappings where they are not the same."""
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    values = {name: [mapping.get(name) for mapping in mappings] for name in names}
    return {name: found for name, found in values.items() if any(one != found[0] for one in found)}
