"""What a check gives, and what becomes of it: a verdict with what it hangs on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import product

import numpy as np
import pandas as pd

from research_lib.claims_file import Asserted, Claim
from research_lib.errors import InsufficientDataError
from research_lib.shown import Shown

Choices = tuple[tuple[str, str], ...]
Axes = Mapping[str, Sequence[object]]

# From the decimals that are computed with to the units that claims are made in.
SCALES: dict[str, float] = {"percent": 100.0, "percentage_points": 100.0, "basis_points": 10_000.0}
ROUNDING = 1e-9  # of a figure: what adding and dividing doubles may leave


class Verdict(StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    ROUGHLY = "roughly"
    FAILS = "fails"
    DEPENDS = "depends"
    NOT_ENOUGH_DATA = "not enough data"
    UNTESTABLE = "untestable"


@dataclass(frozen=True)
class Reading(Shown):
    """What one definition gives.

    Attributes
    ----------
    value : float or Timestamp
        In decimals, index points, sigma …; a date where the claim is about one.
    n : int
        What it was computed from: values in the history, events, or companies.
    first, last : Timestamp
        Of the data.
    basis : str
        Where the value comes from, in words.
    axes : tuple of (axis, choice)
        The definition, as far as there are others.
    low, high : float
        95% interval; NaN without one.
    p_value, p_smallest : float
        Of no effect; and the smallest value possible; NaN where none is tested.
    base : float
        The base rate that it is held against; NaN without one.
    reaches : (float, float), optional
        All values from the one to the other were true at some time of the day.
    history : Series, optional
        The same figure on every day up to this one, in `value`'s unit.
    """

    value: float | pd.Timestamp
    n: int
    first: pd.Timestamp
    last: pd.Timestamp
    basis: str
    axes: Choices = ()
    low: float = np.nan
    high: float = np.nan
    p_value: float = np.nan
    p_smallest: float = np.nan
    base: float = np.nan
    reaches: tuple[float, float] | None = None
    history: "pd.Series[float] | None" = field(default=None, compare=False)


@dataclass(frozen=True)
class Computed(Shown):
    """A check's readings, one a definition, the headline's first.

    Attributes
    ----------
    definition : str
        What was computed, in words.
    readings : tuple of Reading
        At least one.
    left_out : tuple of str
        Definitions that this source cannot give, and why.
    undecided_without : str
        Data without which a claim that holds so far remains open; empty where nothing is missing.
    proxy : str
        What stands in for the data that the claim is about: it decides nothing.
    """

    definition: str
    readings: tuple[Reading, ...]
    left_out: tuple[str, ...] = ()
    undecided_without: str = ""
    proxy: str = ""


@dataclass(frozen=True)
class Happened(Shown):
    """What came after a forecast, seen from the end of the data.

    Attributes
    ----------
    text : str
        In words, with its figure and dates.
    last : Timestamp
        The last session looked at.
    """

    text: str
    last: pd.Timestamp


@dataclass(frozen=True)
class Judged(Shown):
    """One definition's reading in the claim's unit, and its own verdict: holds, roughly, fails, not enough data."""

    axes: Choices
    value: float | pd.Timestamp
    verdict: Verdict

    @property
    def label(self) -> str:
        """Name the definition."""
        return ", ".join(choice for _, choice in self.axes)


@dataclass(frozen=True)
class Result(Shown):
    """A claim with its verdict.

    Attributes
    ----------
    claim : Claim
        As it stands in the file.
    verdict : Verdict
        On all definitions.
    computed, difference : float, Timestamp or None
        The headline definition's value, and that less the asserted one, in `unit`; None where there is none.
    asserted : str
        As a text, `at least 5`; empty for what cannot be tested.
    unit : str
        The claim's; empty for what cannot be tested.
    definition : str
        What was computed.
    as_of : Timestamp
        The session that counted.
    n, first, last
        Of the headline's reading; 0 and None without one.
    hangs_on : str
        One sentence made from the computation.
    grid : tuple of Judged
        Every definition.
    reading : Reading or None
        The headline's.
    happened : Happened or None
        Of a forecast, later.
    """

    claim: Claim
    verdict: Verdict
    computed: float | pd.Timestamp | None
    difference: float | None
    asserted: str
    unit: str
    definition: str
    as_of: pd.Timestamp
    n: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    hangs_on: str
    grid: tuple[Judged, ...] = ()
    reading: Reading | None = None
    happened: Happened | None = None

    def as_record(self) -> dict[str, object]:
        """Return plain JSON values, in the order in which programs read them."""
        return {
            "id": self.claim.id,
            "article": self.claim.article,
            "verdict": str(self.verdict),
            "computed": _plain(self.computed),
            "asserted": _asserted_value(self.claim.asserted),
            "unit": self.unit or None,
            "as_of": str(self.as_of.date()),
            "n": self.n,
            "first": _plain(self.first),
            "last": _plain(self.last),
            "hangs_on": self.hangs_on,
        }


def over(axes: Mapping[str, Sequence[object]], read: Callable[..., Reading], *, definition: str) -> Computed:
    """Read every definition of a grid; those that the data cannot give are left out.

    Parameters
    ----------
    axes : mapping of str to sequence
        Choices by axis, the headline's first; `read` takes one choice of each, in this order.
    read : callable
        Raises `InsufficientDataError` where the data cannot give it.
    definition : str
        What is computed.

    Raises
    ------
    InsufficientDataError
        No definition can be read.
    """
    readings: list[Reading] = []
    faults: dict[str, None] = {}
    for choices in product(*axes.values()):
        named = tuple((axis, str(choice)) for axis, choice in zip(axes, choices, strict=True))
        try:
            reading = read(*choices)
        except InsufficientDataError as error:
            faults[str(error)] = None
            continue
        readings.append(replace(reading, axes=tuple(one for one in named if len(axes[one[0]]) > 1)))
    if not readings:
        raise InsufficientDataError(next(iter(faults)))
    return Computed(definition, tuple(readings), tuple(faults))


def scaled(value: float | pd.Timestamp, unit: str) -> float | pd.Timestamp:
    """Put a value into a claim's unit."""
    return value if isinstance(value, pd.Timestamp) else float(value) * SCALES.get(unit, 1.0)


def judge_value(value: float | pd.Timestamp, asserted: Asserted, *, roughly: float) -> Verdict:
    """Compare a value, in the claim's unit, with what is asserted.

    Parameters
    ----------
    roughly : float
        How far beyond the tolerance still counts as roughly, as a share of the asserted value.
    """
    if isinstance(value, pd.Timestamp):
        inside = pd.Timestamp(asserted.first or value) <= value <= pd.Timestamp(asserted.last or value)
        return Verdict.HOLDS if inside else Verdict.FAILS
    distance = beyond(value, asserted)
    slack = ROUNDING * max(abs(value), 1.0)
    tolerance = (asserted.tolerance or 0.0) + slack
    if distance <= tolerance:
        return Verdict.HOLDS
    return (
        Verdict.ROUGHLY if distance <= max(tolerance, roughly * abs(asserted.value or 0.0) + slack) else Verdict.FAILS
    )


def beyond(value: float, asserted: Asserted) -> float:
    """Return by how much a value misses what is asserted, the tolerance not counted; NaN counts as infinite."""
    apart = value - (asserted.value or 0.0)
    missed = {"about": abs(apart), "at_least": -apart, "at_most": apart}[asserted.comparison]
    return float("inf") if np.isnan(missed) else missed


def weigh(verdict: Verdict, reading: Reading, asserted: Asserted, *, uncertain: bool) -> Verdict:
    """Let chance speak where a reading has an interval: what its interval leaves open is not enough data.

    Parameters
    ----------
    uncertain : bool
        A tendency or forecast: it holds only where the whole interval does. Of other claims only a failure is
        softened, where the interval reaches what is asserted.
    """
    if np.isnan(reading.low):
        return verdict
    value, tolerance = asserted.value or 0.0, asserted.tolerance or 0.0
    low, high = (float(end) * SCALES.get(asserted.unit, 1.0) for end in (reading.low, reading.high))
    least = -np.inf if asserted.comparison == "at_most" else value - tolerance
    most = np.inf if asserted.comparison == "at_least" else value + tolerance
    if verdict is Verdict.FAILS:
        return Verdict.FAILS if high < least or low > most else Verdict.NOT_ENOUGH_DATA
    inside = least <= low and high <= most
    return verdict if inside or not uncertain else Verdict.NOT_ENOUGH_DATA


def verdict_of(grid: Sequence[Judged]) -> Verdict:
    """Give the verdict on all definitions: it depends where some hold and others do not, else the headline's."""
    holding = sum(one.verdict in {Verdict.HOLDS, Verdict.ROUGHLY} for one in grid)
    return Verdict.DEPENDS if 0 < holding < len(grid) else grid[0].verdict


def _asserted_value(asserted: Asserted | None) -> float | str | None:
    if asserted is None:
        return None
    return f"{asserted.first} to {asserted.last}" if asserted.unit == "date" else asserted.value


def _plain(value: float | pd.Timestamp | None) -> float | str | None:
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return None if value is None or not np.isfinite(value) else float(value)
