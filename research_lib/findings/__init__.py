"""The named numbers of a report: value, unit, n, interval, definition; and the machine-readable form of all of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from research_lib.data.card import DataCard

FINDINGS_MIME = "application/vnd.research-lib.findings+json"


@dataclass(frozen=True)
class Finding:
    """One number of a report.

    Attributes
    ----------
    name : str
        The name that other programs look it up by.
    value : float, int, str or None
        In `unit`; a date as ISO text; None where this data cannot give it, or it is infinite.
    unit : str
        `sigma`, `fraction` (0.01 is 1%), `years`, `sessions`, `rank`, `date` …
    n : int or None
        What it was computed from: sessions, episodes or events.
    low, high : float or None
        Its 95% interval, where it has one.
    definition : str
        What exactly it is.
    """

    name: str
    value: float | int | str | None
    unit: str
    n: int | None
    definition: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Findings:
    """All named numbers of a report, and the data they rest on; shown as a table, and read by the runner."""

    cards: tuple[DataCard, ...]
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        names = [finding.name for finding in self.findings]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"findings named twice: {', '.join(sorted(twice))}")

    def __getitem__(self, name: str) -> Finding:
        """Return a finding by its name."""
        return next(finding for finding in self.findings if finding.name == name)

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values: no NaN, no infinity, dates as ISO texts."""
        order = ("name", "value", "unit", "n", "low", "high", "definition")
        records = [asdict(finding) for finding in self.findings]
        return {
            "data": [card.as_record() for card in self.cards],
            "findings": [{name: _plain(record[name]) for name in order} for record in records],
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from research_lib.exhibits.table import findings_table

        return {**findings_table(self.findings)._repr_mimebundle_(), FINDINGS_MIME: self.as_record()}


def join_cards(*groups: Sequence[DataCard]) -> tuple[DataCard, ...]:
    """Put the cards of several data sets one after the other, each series once."""
    return tuple({card.id: card for group in groups for card in group}.values())


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
