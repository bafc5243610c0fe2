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
        ends = [one.low if side == "low" else one.high for one in (self.a, self.b) if one for side in ("low", "high")]
        found = [end for end in ends if end is not None]
        return len(found) == 4 and (found[1] < found[2] or found[3] < found[0])


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
        findings = [
            {"name": pair.name, "unit": pair.unit, "a": pair.a and pair.a.model_dump(include=kept),
             "b": pair.b and pair.b.model_dump(include=kept), "difference": pair.difference,
             "intervals_apart": pair.apart}
            for pair in self.findings
        ]  # fmt: skip
        made_of = {"parameters": dict(self.parameters), "data": dict(self.data)}
        return {"a": self.a.name, "b": self.b.name, **made_of, "findings": findings}


def compare(a: Record, b: Record) -> Comparison:
    """Compare two reports, in the order of the first one's findings."""
    found = [{finding.name: finding for finding in record.findings} for record in (a, b)]
    pairs = [(name, found[0].get(name), found[1].get(name)) for name in dict.fromkeys([*found[0], *found[1]])]
    findings = tuple(Pair(name, next(one.unit for one in two if one), *two) for name, *two in pairs)
    cards = [{str(card.get("id")): card for card in record.data} for record in (a, b)]
    return Comparison(a, b, _both(a.parameters, b.parameters), _both(*cards), findings)


def _both(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (a.get(name), b.get(name)) for name in differing([a, b])}


def find_record(name: str, *, output: Path) -> Record:
    """Read the record of a report, by `notebook/slug` below `output`, or by the path of its record or page.

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
        hint = "; its last run failed" if (output / f"{name}.{FAILED}").is_file() else ""
        hint = hint or nearest(name, known).partition(" (known")[0] or "; run it first"
        raise ReportError(f"{name}: there is no such report in {output}{hint}")
    if (record := read_record(path)) is None:
        raise ReportError(f"{path}: not a record of findings")
    return record


def tables(comparison: Comparison, *, everything: bool) -> "list[Table]":
    """Show a comparison for a terminal: its key findings (or everything), then what the two were made of."""
    from rich.table import Table
    from rich.text import Text

    from research_lib.exhibits.format import interval, show

    def cells(one: Finding | None, unit: str) -> tuple[str, str, str]:
        if one is None:
            return "–", "", ""
        both = "" if one.low is None or one.high is None else interval(one.low, one.high, unit)
        return show(one.value, unit), both, "" if one.n is None else f"{one.n:,}"

    findings = Table("finding", "A", "95% interval", "n", "B", "95% interval", "n", "B less A", "", box=None)
    for pair in comparison.findings if everything else comparison.key_findings:
        unit = DIFFERENCE_UNITS.get(pair.unit, pair.unit)
        less = "" if pair.difference is None else show(pair.difference, unit)
        mark = "≠" if pair.apart else ""
        findings.add_row(*map(Text, (pair.name, *cells(pair.a, pair.unit), *cells(pair.b, pair.unit), less, mark)))
    made_of = Table("made of", "A", "B", box=None)
    for name, values in comparison.parameters.items():
        made_of.add_row(*map(Text, (name, *("–" if one is None else str(one) for one in values))))
    for name, cards in comparison.data.items():
        made_of.add_row(*map(Text, (name, *(f"{one['first']} to {one['last']}" if one else "–" for one in cards))))
    return [findings, made_of] if made_of.row_count else [findings]
