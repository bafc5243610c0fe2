"""Two runs side by side: which findings differ, and by more than their intervals allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from research_lib.errors import ReportError
from research_lib.reports.past import Number, Record, differing, read_record

FINDINGS = ".findings.json"


@dataclass(frozen=True)
class Pair:
    """A finding of two runs; None where one of them has no such finding."""

    name: str
    unit: str
    a: Number | None
    b: Number | None

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
    """Two runs; of parameters and data (by the id of a series) only what differs, as the pair of both values."""

    a: Record
    b: Record
    parameters: Mapping[str, tuple[Any, Any]]
    data: Mapping[str, tuple[Any, Any]]
    findings: tuple[Pair, ...]

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "a": self.a.name,
            "b": self.b.name,
            "parameters": {name: list(values) for name, values in self.parameters.items()},
            "data": {name: list(cards) for name, cards in self.data.items()},
            "findings": [
                {
                    "name": pair.name,
                    "unit": pair.unit,
                    "a": pair.a and pair.a.model_dump(include={"value", "n", "low", "high"}),
                    "b": pair.b and pair.b.model_dump(include={"value", "n", "low", "high"}),
                    "difference": pair.difference,
                    "intervals_apart": pair.apart,
                }
                for pair in self.findings
            ],
        }


def compare(a: Record, b: Record) -> Comparison:
    """Compare two runs, in the order of the first one's findings."""
    cards = [{str(card["id"]): {**card} for card in record.data} for record in (a, b)]
    found = [{number.name: number for number in record.findings} for record in (a, b)]
    units = {name: number.unit for numbers in reversed(found) for name, number in numbers.items()}
    names = dict.fromkeys([*found[0], *found[1]])
    return Comparison(
        a=a,
        b=b,
        parameters=_both(a.parameters, b.parameters),
        data=_both(cards[0], cards[1]),
        findings=tuple(Pair(name, units[name], found[0].get(name), found[1].get(name)) for name in names),
    )


def find_record(name: str, *, output: Path) -> Record:
    """Read the record of a run.

    Parameters
    ----------
    name : str
        `notebook/slug` of a report below `output`, or the path of a record or of a report's page.
    output : Path
        The folder of the reports.

    Raises
    ------
    ReportError
        There is none by that name, or the file is no record.
    """
    given = Path(name)
    page = given.with_suffix(FINDINGS) if given.suffix == ".html" else given
    path = page if page.suffix == ".json" and page.is_file() else output / f"{name}{FINDINGS}"
    if not path.is_file():
        raise ReportError(f"{name}: there is no such report in {output}{_nearest(name, output)}")
    try:
        return read_record(path)
    except ValueError as error:
        raise ReportError(f"{path}: is no record of findings ({str(error).splitlines()[0]})") from error


def _both(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (a.get(name), b.get(name)) for name in differing([a, b])}


def _nearest(name: str, output: Path) -> str:
    known = [f"{path.parent.name}/{path.name.removesuffix(FINDINGS)}" for path in sorted(output.glob(f"*/*{FINDINGS}"))]
    nearest = get_close_matches(name, known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else "; run it first"
