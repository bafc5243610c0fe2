"""The numbers of a report by name, and its summary: what the runner, the index and other programs read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from research_lib.exhibits.format import interval, show
from research_lib.exhibits.table import Table
from research_lib.stats.estimate import Estimate

FINDINGS_MIME = "application/vnd.research-lib.findings+json"
SUMMARY_MIME = "application/vnd.research-lib.summary+json"
VERDICTS = ("holds", "roughly", "depends", "fails", "open", "stand-in", "no data", "untestable", "finding")


@dataclass(frozen=True)
class Finding:
    """One number of a report.

    Attributes
    ----------
    name : str
        The name that other programs look it up by.
    value : float, int, str or None
        In `unit`; a date as ISO text; None where this data cannot give it.
    unit : str
        A unit of `format.show`.
    n : int or None
        What it rests on: sessions, episodes, cycles, firms.
    low, high : float or None
        Its 95% interval, where it has one.
    definition : str
        What exactly it is; of a missing one, why it is missing.
    """

    name: str
    value: float | int | str | None
    unit: str
    n: int | None
    definition: str
    low: float | None = None
    high: float | None = None

    def __format__(self, digits: str) -> str:
        """Show the value in its unit, so that a headline is a template: `{after_21}` or, in one place, `{after_21:1}`."""
        return show(self.value, self.unit, digits=int(digits) if digits else None)

    @property
    def interval(self) -> str:
        """Both ends of the interval, in the finding's unit."""
        return interval(np.nan if self.low is None else self.low, np.nan if self.high is None else self.high, self.unit)


@dataclass(frozen=True)
class Findings:
    """All named numbers of a report and the data they rest on; shown as a table, and read by the runner."""

    findings: tuple[Finding, ...]
    data: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        names = [finding.name for finding in self.findings]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"findings named twice: {', '.join(twice)}")

    def __getitem__(self, name: str) -> Finding:
        """Return a finding by its name."""
        return self.by_name[name]

    @property
    def by_name(self) -> dict[str, Finding]:
        """The findings by name, as a headline's template takes them."""
        return {finding.name: finding for finding in self.findings}

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values: no NaN, no infinity, dates as ISO texts."""
        order = ("name", "value", "unit", "n", "low", "high", "definition")
        records = [asdict(finding) for finding in self.findings]
        return {
            "data": list(self.data),
            "findings": [{name: plain(record[name]) for name in order} for record in records],
        }

    def table(self) -> Table:
        """Show all of them, a row each."""
        rows = [
            {
                "finding": one.name,
                "shown": show(one.value, one.unit),
                "n": one.n,
                "interval_text": one.interval,
                "meaning": one.definition,
            }
            for one in self.findings
        ]
        columns = ("finding", "shown", "n", "interval_text", "meaning")
        return Table("findings", "Findings by name", pd.DataFrame(rows, columns=list(columns)), columns)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = self.table()._repr_mimebundle_()
        return bundle | {FINDINGS_MIME: self.as_record()}, metadata


def show_findings(**named: float | Estimate | Mapping[str, Any]) -> Findings:
    """Show numbers of one's own notebook by name, so that the report, the index and `compare` have them.

    Parameters
    ----------
    **named
        Numbers, `Estimate`s, or mappings with `value` and any of `unit`, `n`, `low`, `high`, `definition`.

    Examples
    --------
    >>> show_findings(mean=0.012, gap=Estimate(0.01, n=40, low=-0.02, high=0.04)).findings[1].n
    40
    """
    return Findings(tuple(_own(name, value) for name, value in named.items()))


def _own(name: str, value: object) -> Finding:
    if isinstance(value, Estimate):
        return Finding(name, plain(value.value), "number", value.n, "", plain(value.low), plain(value.high))
    if isinstance(value, Mapping):
        if unknown := sorted(set(value) - {"value", "unit", "n", "low", "high", "definition"}):
            raise ValueError(
                f"finding {name}: unknown field {unknown[0]} (known: value, unit, n, low, high, definition)"
            )
        whole = {"value": None, "unit": "number", "n": None, "definition": ""} | dict(value)
        return Finding(name, **{key: plain(part) for key, part in whole.items()})
    return Finding(name, plain(value), "number", None, "")


@dataclass(frozen=True)
class Summary:
    """What the first screen of a report says.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`; `finding` where no claim is judged.
    headline : str
        The finding, at most 70 characters, without identifiers.
    standfirst : str
        At most 60 words: what, how sure, so what.
    numbers : tuple of (shown value, label)
        Four, with units; an interval stands in the label.
    hero : str
        The exhibit that is drawn first.
    limits : tuple of str
        Three limitations.
    change_mind : str
        What would change our mind.
    """

    verdict: str
    headline: str
    standfirst: str
    numbers: tuple[tuple[str, str], ...] = ()
    hero: str = ""
    limits: tuple[str, ...] = ()
    change_mind: str = ""
    question: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict {self.verdict!r} is none of {', '.join(VERDICTS)}")

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "numbers": [list(pair) for pair in self.numbers], "limits": list(self.limits)}

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        strip = "".join(f"<td><b>{escape(value)}</b><br>{escape(label)}</td>" for value, label in self.numbers)
        html = (
            f"<h2>{escape(self.headline)}</h2><p>{escape(self.standfirst)}</p>"
            f'<table class="numbers"><tbody><tr>{strip}</tr></tbody></table>'
        )
        text = "\n".join([self.headline, self.standfirst, *(f"{value}: {label}" for value, label in self.numbers)])
        return {"text/html": html, "text/plain": text, SUMMARY_MIME: self.as_record()}


def plain(value: Any) -> Any:  # noqa: ANN401  # any cell of a frame
    """Turn a value into one that JSON has: dates as ISO texts, None for NaN and infinity."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NaT or (isinstance(value, float) and not isfinite(value)):
        return None
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d"))
    return value


def join_cards(*groups: Sequence[Any]) -> tuple[Any, ...]:
    """Put the cards of several data sets one after the other, each series once."""
    return tuple({card.id: card for group in groups for card in group}.values())
