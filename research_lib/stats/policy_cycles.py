"""Easing cycles and the state of policy, decided with what was known at the time.

Everything rests on one series: changes of the target in basis points (cuts negative), indexed by decision date.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.shown import Shown

DAYS_PER_MONTH = 365.25 / 12

# No recession's beginning took longer than a year to be announced.
ANNOUNCEMENT_LAG = pd.DateOffset(months=12)


class PolicyState(StrEnum):
    """What policy is doing, as known on the day."""

    EASING = "easing"
    TIGHTENING = "tightening"
    HOLD = "hold"


@dataclass(frozen=True)
class CycleRule(Shown):
    """What makes a cut the first of an easing cycle.

    Attributes
    ----------
    min_cut_bp : float
        The cut has at least this size.
    min_tightening_bp : float
        The target rose by at least this in total since the last cut of the cycle before, or
    pause_days : int
        this many days have passed since then.
    """

    min_cut_bp: float = 25.0
    min_tightening_bp: float = 50.0
    pause_days: int = 365


DEFAULT_RULE = CycleRule()


@dataclass(frozen=True)
class Cycle(Shown):
    """One easing cycle.

    Attributes
    ----------
    first_cut, last_cut : Timestamp
        Decision dates; the last cut is the last so far.
    cuts : tuple of Timestamp
        All of its cuts, small ones among them.
    total_bp : float
        Sum of its cuts, negative; hikes between them are not netted.
    last_hike : Timestamp or None
        The hike before the first cut; None where the table knows of none.
    cut_off : bool
        The table starts within the cycle, so that its first cut is not known.
    """

    first_cut: pd.Timestamp
    last_cut: pd.Timestamp
    cuts: tuple[pd.Timestamp, ...]
    total_bp: float
    last_hike: pd.Timestamp | None
    cut_off: bool

    @property
    def length_days(self) -> int:
        """Days from the first to the last cut."""
        return (self.last_cut - self.first_cut).days

    @property
    def months_on_hold(self) -> float:
        """Months from the last hike to the first cut; NaN without a hike."""
        return float("nan") if self.last_hike is None else (self.first_cut - self.last_hike).days / DAYS_PER_MONTH


@dataclass
class _Reader:
    """Where one stands while walking through the changes."""

    rule: CycleRule
    since: pd.Timestamp  # the cycle's last cut; before any cycle, the table's start
    tightened_bp: float = 0.0
    last_hike: pd.Timestamp | None = None
    cycles: list[Cycle] = field(default_factory=list)

    def hike(self, day: pd.Timestamp, size_bp: float) -> None:
        self.tightened_bp += size_bp
        self.last_hike = day

    def cut(self, day: pd.Timestamp, size_bp: float) -> bool:
        """Take a cut in; say whether it belongs to a cycle. A small one after a cycle's end starts nothing."""
        over = self.tightened_bp >= self.rule.min_tightening_bp or (day - self.since).days >= self.rule.pause_days
        large = -size_bp >= self.rule.min_cut_bp
        if (over or not self.cycles) and not large:
            return False
        if over or not self.cycles:
            self.cycles.append(Cycle(day, day, (day,), size_bp, self.last_hike, cut_off=not over))
        else:
            cycle = self.cycles[-1]
            total = cycle.total_bp + size_bp
            self.cycles[-1] = Cycle(
                cycle.first_cut, day, (*cycle.cuts, day), total, cycle.last_hike, cut_off=cycle.cut_off
            )
        self.since, self.tightened_bp = day, 0.0
        return True


def easing_cycles(changes_bp: "pd.Series[float]", *, rule: CycleRule = DEFAULT_RULE) -> list[Cycle]:
    """Find the easing cycles.

    Parameters
    ----------
    changes_bp : Series of shape (changes,)
        Changes of the target, basis points, none of them zero; index: decision dates, ascending.
    rule : CycleRule
        What makes a cut the first one.

    Returns
    -------
    list of Cycle
        In order; one that is `cut_off` can only be the first.
    """
    reader = _Reader(rule, since=changes_bp.index[0])
    for _ in _walk(changes_bp, reader):
        pass
    return reader.cycles


def first_cuts(changes_bp: "pd.Series[float]", *, rule: CycleRule = DEFAULT_RULE) -> pd.DatetimeIndex:
    """Return the decision dates of the first cuts, without a cycle that the table's start cuts off."""
    return pd.DatetimeIndex([cycle.first_cut for cycle in easing_cycles(changes_bp, rule=rule) if not cycle.cut_off])


def cycle_of(dates: pd.DatetimeIndex, cycles: list[Cycle]) -> NDArray[np.intp]:
    """Return the number of the cycle that began last up to each date; -1 before the first; shape (dates,)."""
    starts = pd.DatetimeIndex([cycle.first_cut for cycle in cycles])
    return np.asarray(starts.searchsorted(dates, side="right") - 1, dtype=np.intp)


def policy_states(
    changes_bp: "pd.Series[float]", dates: pd.DatetimeIndex, *, rule: CycleRule = DEFAULT_RULE, hold_days: int = 180
) -> "pd.Series[str]":
    """Say for each date what policy was doing, by the decisions up to that day.

    Parameters
    ----------
    changes_bp : Series of shape (changes,)
        As in `easing_cycles`.
    dates : DatetimeIndex of shape (dates,)
        The days to judge; a decision counts on its own day.
    rule : CycleRule
        What makes a cut the first one.
    hold_days : int
        Without a change for this long, policy is on hold.

    Returns
    -------
    Series of shape (dates,)
        Values of `PolicyState`; missing before the table's first change.

    Notes
    -----
    Easing begins at a first cut, and again at a later cut of the same cycle after a hike in between. A cut too small
    to start a cycle ends a tightening but starts no easing: that is a hold.
    """
    reader = _Reader(rule, since=changes_bp.index[0])
    states = [*_walk(changes_bp, reader), None]
    last = changes_bp.index.searchsorted(dates, side="right") - 1
    known = np.array(states, dtype=object)[last]  # -1, before the first change, is the None at the end
    changed = pd.DatetimeIndex(changes_bp.index[np.maximum(last, 0)])
    idle = (last >= 0) & ((dates - changed).days >= hold_days)
    return pd.Series(np.where(idle, PolicyState.HOLD.value, known), dates, dtype="str")


def _walk(changes_bp: "pd.Series[float]", reader: _Reader) -> Iterator[PolicyState]:
    """Give the state that each change leads to."""
    for day, size_bp in zip(pd.DatetimeIndex(changes_bp.index), changes_bp.to_numpy(), strict=True):
        if size_bp > 0:
            reader.hike(day, float(size_bp))
            yield PolicyState.TIGHTENING
        else:
            yield PolicyState.EASING if reader.cut(day, float(size_bp)) else PolicyState.HOLD


def to_sessions(
    decisions: pd.DatetimeIndex, index: pd.DatetimeIndex, *, monthly: bool = False, longest_wait_days: int = 7
) -> NDArray[np.intp]:
    """Find the position in `index` at which each decision counts; -1 where it falls outside; shape (decisions,).

    A decision on a day without a session counts on the next session; a month's value is dated by its last day, so
    that a decision counts in the month of the weekday on which it can first be traded.

    Parameters
    ----------
    decisions : DatetimeIndex of shape (decisions,)
        Decision dates.
    index : DatetimeIndex of shape (periods,)
        Sessions, or the last days of months.
    monthly : bool
        Which of the two.
    longest_wait_days : int
        A session later than this after the decision is behind a gap in the data: the decision falls outside.
    """
    days = pd.DatetimeIndex([pd.offsets.BDay().rollforward(day) for day in decisions])
    days = days + pd.offsets.MonthEnd(0) if monthly else days
    found = index.searchsorted(days)
    waited = np.asarray((index[np.minimum(found, len(index) - 1)] - days).days)
    inside = (days >= index[0]) & (found < len(index)) & (waited <= (0 if monthly else longest_wait_days))
    return np.where(inside, found, -1).astype(np.intp)


def bill_rate_steps(
    bill_rate: "pd.Series[float]", *, months: int = 3, dead_band_bp: float = 75.0, step_bp: float = 25.0
) -> "pd.Series[float]":
    """Make a proxy of target changes from a bill rate, for the years before the table of decisions starts.

    The rate's mean over the last `months` is followed in whole steps once it is `dead_band_bp` away from where
    the proxy stands. Uses nothing later than each month.

    Parameters
    ----------
    bill_rate : Series of shape (months,)
        Annual rate, decimals, dated by month ends.

    Returns
    -------
    Series of shape (changes,)
        Changes in basis points, dated by the months' last days, as `easing_cycles` takes them.
    """
    smooth = bill_rate.rolling(months).mean().dropna() * 1e4
    stands, changes = round(float(smooth.iloc[0]) / step_bp) * step_bp, {}
    for day, rate in smooth.items():
        if abs(rate - stands) >= dead_band_bp:
            target = round(rate / step_bp) * step_bp
            changes[day], stands = target - stands, target
    return pd.Series(changes, dtype=float, index=pd.DatetimeIndex(list(changes), name="decision_date"))


def in_recession(dates: pd.DatetimeIndex, recessions: pd.DataFrame) -> NDArray[np.bool_]:
    """Say by hindsight whether each date lies in a recession: after the peak's month, up to the trough's.

    Parameters
    ----------
    recessions : DataFrame
        Columns `peak`, `trough`: last days of months; a missing trough is one still to come.
    """
    ends = recessions["trough"].fillna(pd.Timestamp.max.normalize())
    spans = zip(recessions["peak"], ends, strict=True)
    inside = [np.asarray((dates > peak) & (dates <= trough)) for peak, trough in spans]
    return np.logical_or.reduce(inside) if inside else np.zeros(len(dates), dtype=bool)


def recession_announced(dates: pd.DatetimeIndex, recessions: pd.DataFrame) -> NDArray[np.bool_]:
    """Say in real time whether a recession's start, but not yet its end, had been announced on each date."""
    told = recessions.dropna(subset="peak_announced")
    ends = told["trough_announced"].fillna(pd.Timestamp.max.normalize())
    spans = zip(told["peak_announced"], ends, strict=True)
    inside = [np.asarray((dates >= start) & (dates < end)) for start, end in spans]
    return np.logical_or.reduce(inside) if inside else np.zeros(len(dates), dtype=bool)


def recession_within(
    dates: pd.DatetimeIndex, recessions: pd.DataFrame, *, known_to: pd.Timestamp, months: int = 12
) -> "pd.Series[bool]":
    """Say by hindsight whether a recession was on or began within `months` after each date; shape (dates,).

    Missing where none is known of, but one could still be announced after `known_to`.
    """
    ends = dates + pd.DateOffset(months=months)
    # A recession begins the day after its peak's month.
    began = [
        bool(((recessions["peak"] >= day) & (recessions["peak"] < end)).any())
        for day, end in zip(dates, ends, strict=True)
    ]
    found = np.asarray(began) | in_recession(dates, recessions)
    open_still = ~found & np.asarray(ends + ANNOUNCEMENT_LAG > known_to)
    return pd.Series(found, dates, dtype="boolean").mask(open_still)
