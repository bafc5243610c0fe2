"""What the runner recorded of a report, read back: for the index, and to compare two reports."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from pydantic import BaseModel, ConfigDict

from research_lib.project import NOTEBOOKS

MOST_KEY_FINDINGS = 4
NONE = "–"


class Number(BaseModel):
    """A finding: `value` in `unit`, computed from `n` cases, with its 95% interval where it has one."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: int | float | str | None
    unit: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None
    definition: str = ""

    @property
    def interval(self) -> str:
        """Show both ends of the interval; nothing where there is none."""
        return "" if self.low is None or self.high is None else f"{self.show(self.low)} to {self.show(self.high)}"

    def show(self, value: float | str | None) -> str:
        """Show a value in this finding's unit: fractions in percent, the others in four digits."""
        if value is None or isinstance(value, str):
            return value or NONE
        if self.unit == "fraction":
            return f"{100 * value:,.2f}%".replace("-", "−")
        whole = isinstance(value, int) or abs(value) >= 1000
        return (f"{value:,.0f}" if whole else f"{value:.4g}").replace("-", "−")


class Record(BaseModel):
    """One run of a report; `message` and `cell` say why and where it failed, `inputs` is the hash of what made it."""

    model_config = ConfigDict(frozen=True)

    notebook: str
    slug: str
    status: str
    answer: str = ""
    message: str = ""
    cell: int | None = None
    parameters: Mapping[str, Any] = {}
    data: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Number, ...] = ()
    started: str = ""
    duration_seconds: float | None = None
    inputs: str = ""

    @property
    def name(self) -> str:
        """Name the report as notebook/slug."""
        return f"{self.notebook}/{self.slug}"

    def key_findings(self) -> list[Number]:
        """Return the findings that the notebook's metadata names, else the first; only such as have a value."""
        known = {finding.name: finding for finding in self.findings if finding.value is not None}
        names = [Template(name).safe_substitute(self.parameters) for name in _named_by_notebook(self.notebook)]
        found = [known[name] for name in names if name in known]
        return (found or [*known.values()])[:MOST_KEY_FINDINGS]


def read_record(path: Path) -> Record:
    """Read a `.findings.json`, `.previous.json` or `.failed.json`.

    Raises
    ------
    ValueError
        The file is no record.
    """
    return Record.model_validate_json(path.read_bytes())


def read_record_if_any(path: Path) -> Record | None:
    """Read a record; None where there is none, or it is not one."""
    try:
        return read_record(path)
    except (OSError, ValueError):
        return None


def differing(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the keys that do not have the same value in all of several mappings."""
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    return [name for name in names if any(mapping.get(name) != mappings[0].get(name) for mapping in mappings)]


@cache
def _named_by_notebook(notebook: str) -> tuple[str, ...]:
    """Read which findings a notebook is about; `$horizon` in a name stands for that parameter's value."""
    path = NOTEBOOKS / f"{notebook}.ipynb"
    metadata = json.loads(path.read_bytes())["metadata"] if path.exists() else {}
    return tuple(metadata.get("research_lib", {}).get("key_findings", ()))
