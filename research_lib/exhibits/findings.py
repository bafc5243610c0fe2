"""The numbers of a report by name, and its summary: what the runner, the index and other programs read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from research_lib.exhibits.exhibit import TEMPLATES, Table
from research_lib.exhibits.format import interval, show
from research_lib.stats.estimate import Estimate

FINDINGS_MIME = "application/vnd.research-lib.findings+json"
SUMMARY_MIME = "application/vnd.research-lib.summary+json"
FIELDS = ("name", "value", "unit", "n", "low", "high", "definition")  # of a finding, in a record and as CSV


@dataclass(frozen=True)
class Finding:
    """One number of a report."""

    name: str  # other programs look it up by this
    value: float | int | str | None  # a date as ISO text; None where this data cannot give it
    unit: str = "number"  # of `format.show`
    n: int | None = None  # what it rests on: sessions, episodes, cycles, firms
    definition: str = ""  # what exactly it is; of a missing one, why it is missing
    low: float | None = None  # its 95% interval, where it has one
    high: float | None = None

    def __format__(self, digits: str) -> str:
        """Show the value in its unit, so that a headline is a template: `{after_21}` or, in one place, `{after_21:1}`."""
        return show(self.value, self.unit, digits=int(digits) if digits else None)

    @property
    def interval(self) -> str:
        """Both ends of the interval, in the finding's unit."""
        return interval(self.low, self.high, self.unit)


@dataclass(frozen=True)
class Findings:
    """All named numbers of a report and the data they rest on; shown as a table, and read by the runner."""

    findings: tuple[Finding, ...]
    data: tuple[Mapping[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Finding:
        """Return a finding by its name."""
        return {finding.name: finding for finding in self.findings}[name]

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values: no NaN, no infinity, dates as ISO texts."""
        findings = [{name: plain(getattr(one, name)) for name in FIELDS} for one in self.findings]
        return {"data": list(self.data), "findings": findings}

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        columns = ["finding", "shown", "n", "interval_text", "meaning"]
        rows = [(one.name, f"{one}", one.n, one.interval, one.definition) for one in self.findings]
        table = Table("findings", "Findings by name", pd.DataFrame(rows, columns=columns), columns)
        bundle, metadata = table._repr_mimebundle_()
        return bundle | {FINDINGS_MIME: self.as_record()}, metadata


def show_findings(**named: float | Estimate | Mapping[str, Any]) -> Findings:
    """Show numbers of one's own notebook by name, so that the report, the index and `compare` have them.

    Each is a number, an `Estimate`, or a mapping with `value` and any of `unit`, `n`, `low`, `high`, `definition`.

    >>> show_findings(mean=0.012, gap=Estimate(0.01, n=40, low=-0.02, high=0.04)).findings[1].n
    40
    """
    found = []
    for name, given in named.items():
        parts: Mapping[str, Any] = given if isinstance(given, Mapping) else {"value": given}
        if isinstance(given, Estimate):
            parts = {part: getattr(given, part) for part in ("value", "n", "low", "high")}
        parts = {"value": None} | {part: plain(value) for part, value in parts.items()}
        for part, value in parts.items():
            if part not in FIELDS[1:] or not isinstance(value, int | float | str | None):
                known = f"write {', '.join(FIELDS[1:])}, each a number, a text or a date"
                raise ValueError(f"finding {name}: {part}={value!r:.80}: {known}")
        found.append(Finding(name, **parts))
    return Findings(tuple(found))


@dataclass(frozen=True)
class Summary:
    """What the first screen of a report says."""

    verdict: str  # one of `exhibit.VERDICT_LOOK`; `finding` where no claim is judged
    headline: str  # the finding, at most 70 characters, without identifiers
    standfirst: str  # at most 60 words: what, how sure, so what
    numbers: tuple[tuple[str, str], ...] = ()  # four shown values, each with its unit, and their labels
    hero: str = ""  # the exhibit that is drawn first
    limits: tuple[str, ...] = ()  # three limitations
    change_mind: str = ""  # what would change our mind
    question: str = field(default="", kw_only=True)
    claim: str = field(default="", kw_only=True)  # what the verdict judges; empty where nothing is judged

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        html = TEMPLATES.get_template("summary.html").render(one=self)
        text = "\n".join([self.headline, self.standfirst, *(f"{value}: {label}" for value, label in self.numbers)])
        return {"text/html": html, "text/plain": text, SUMMARY_MIME: asdict(self)}


def plain(value: Any) -> Any:  # noqa: ANN401  # any cell of a frame
    """Turn a value into one that JSON has: dates as ISO texts, None for NaN and infinity."""
    value = value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value
    if value is pd.NaT or value is pd.NA or (isinstance(value, float) and not isfinite(value)):
        return None
    return str(value.strftime("%Y-%m-%d")) if hasattr(value, "strftime") else value
