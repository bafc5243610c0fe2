"""Two reports side by side: which findings differ, and by more than their intervals allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research_lib.errors import ReportError, nearest
from research_lib.reports.record import FAILED, GOOD, Finding, Record, differing, read_record

if TYPE_CHECKING:
    from rich.table import Table

KEY_FINDINGS = 6  # a study's first findings are those that it is about
DIFFERENCE_UNITS = {"fraction": "points", "share": "points", "change": "points"}


@dataclass(frozen=True)
class Pair:
    """A finding of two reports; None where one of them has no such finding."""

    name: str
    unit: str
    a: Finding | None
    b: Finding | None

    @property
    def difference(self) -> float | None:
        """B less A, in the finding's unit; None where there are no two numbers to subtract."""
        values = [one.value for one in (self.a, self.b) if one and isinstance(one.value, int | float)]
        return values[1] - values[0] if len(values) == 2 else None

    @property
    def apart(self) -> bool:
        """Whether both have intervals, and these do not overlap."""
        a, b = self.a, self.b
        if not a or not b or a.low is None or a.high is None or b.low is None or b.high is None:
            return False
        return a.high < b.low or b.high < a.low


@dataclass(frozen=True)
class Comparison:
    """Two reports; of parameters and data (by the id of a series) only what differs, as the pair of both values."""

    a: Record
    b: Record
    parameters: Mapping[str, tuple[Any, Any]]
    data: Mapping[str, tuple[Any, Any]]
    findings: tuple[Pair, ...]

    @property
    def key_findings(self) -> tuple[Pair, ...]:
        """The first findings that have a value, and all whose intervals do not overlap."""
        valued = [pair for pair in self.findings if any(one and one.value is not None for one in (pair.a, pair.b))]
        return tuple(pair for pair in self.findings if pair in valued[:KEY_FINDINGS] or pair.apart)

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values."""
        kept = {"value", "n", "low", "high"}
        return {
            "a": self.a.name,
            "b": self.b.name,
            "parameters": {name: list(values) for name, values in self.parameters.items()},
            "data": {name: list(cards) for name, cards in self.data.items()},
            "findings": [
                {
                    "name": pair.name,
                    "unit": pair.unit,
                    "a": pair.a and pair.a.model_dump(include=kept),
                    "b": pair.b and pair.b.model_dump(include=kept),
                    "difference": pair.difference,
                    "intervals_apart": pair.apart,
                }
                for pair in self.findings
            ],
        }


def compare(a: Record, b: Record) -> Comparison:
    """Compare two reports, in the order of the first one's findings."""
    cards = [{str(card.get("id")): {**card} for card in record.data} for record in (a, b)]
    found = [{finding.name: finding for finding in record.findings} for record in (a, b)]
    units = {name: finding.unit for findings in reversed(found) for name, finding in findings.items()}
    names = dict.fromkeys([*found[0], *found[1]])
    return Comparison(
        a=a,
        b=b,
        parameters=_both(a.parameters, b.parameters),
        data=_both(cards[0], cards[1]),
        findings=tuple(Pair(name, units[name], found[0].get(name), found[1].get(name)) for name in names),
    )


def find_record(name: str, *, output: Path) -> Record:
    """Read the record of a report.

    Parameters
    ----------
    name : str
        `notebook/slug` of a report below `output`, or the path of its record or page.
    output : Path
        The folder of the reports.

    Raises
    ------
    ReportError
        There is none by that name, or the file is no record.
    """
    given = Path(name).expanduser()
    path = given.with_suffix(f".{GOOD}") if given.suffix == ".html" else given
    if not (path.suffix == ".json" and path.is_file()):
        path = output / f"{name}.{GOOD}"
    if not path.is_file():
        known = [str(one.relative_to(output)).removesuffix(f".{GOOD}") for one in sorted(output.glob(f"*/*.{GOOD}"))]
        hint = nearest(name, known).partition(" (known")[0] or "; run it first"
        failed = "; its last run failed" if (output / f"{name}.{FAILED}").is_file() else ""
        raise ReportError(f"{name}: there is no such report in {output}{failed or hint}")
    record = read_record(path)
    if record is None:
        raise ReportError(f"{path}: not a record of findings")
    return record


def tables(comparison: Comparison, *, everything: bool) -> "list[Table]":
    """Show a comparison for a terminal: findings first, then what the two were made of.

    Parameters
    ----------
    comparison : Comparison
        What to show.
    everything : bool
        All findings; else the key ones.
    """
    from rich.table import Table
    from rich.text import Text

    from research_lib.exhibits.format import interval, show

    def value(one: Finding | None, unit: str) -> tuple[str, str]:
        if one is None:
            return "–", ""
        both = interval(one.low, one.high, unit) if one.low is not None and one.high is not None else ""
        return show(one.value, unit), both

    findings = Table("finding", "A", "95% interval", "n", "B", "95% interval", "n", "B less A", "", box=None)
    for pair in comparison.findings if everything else comparison.key_findings:
        counts = [f"{one.n:,}" if one and one.n is not None else "" for one in (pair.a, pair.b)]
        (a, a_interval), (b, b_interval) = value(pair.a, pair.unit), value(pair.b, pair.unit)
        difference = (
            "" if pair.difference is None else show(pair.difference, DIFFERENCE_UNITS.get(pair.unit, pair.unit))
        )
        cells = (pair.name, a, a_interval, counts[0], b, b_interval, counts[1], difference, "≠" if pair.apart else "")
        findings.add_row(*map(Text, cells))
    made_of = Table("made of", "A", "B", box=None)
    for name, values in comparison.parameters.items():
        made_of.add_row(Text(name), *(Text("–" if one is None else str(one)) for one in values))
    for name, cards in comparison.data.items():
        spans = [f"{card.get('first')} to {card.get('last')}" if card else "–" for card in cards]
        made_of.add_row(Text(name), *map(Text, spans))
    return [findings, made_of] if made_of.row_count else [findings]


def _both(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (a.get(name), b.get(name)) for name in differing([a, b])}
