"""What prices did around events: before, on and after; with what a few events can and cannot say.

Outcomes are worked out for every period, not for the events only: what follows all other days is what the events
are judged against.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.shown import Shown
from research_lib.stats.inference import Floats, holm, leave_one_out, placement_test, sign_flip_test

Positions = NDArray[np.intp]


class Measure(StrEnum):
    """How returns are put together over a window; the two are never mixed."""

    CAR = "car"  # sum of differences
    BHAR = "bhar"  # difference of compounded returns


@dataclass(frozen=True)
class Window(Shown):
    """Periods around an event, both ends included; 0 is the event's own period.

    A window after the event starts from its close, at 1; one before it ends with the period before, at -1.
    """

    first: int
    last: int

    @classmethod
    def after(cls, periods: int) -> "Window":
        """Take the next `periods`, from the close of the event's period."""
        return cls(1, periods)

    @classmethod
    def before(cls, periods: int) -> "Window":
        """Take the `periods` that end with the close before the event."""
        return cls(-periods, -1)

    @property
    def name(self) -> str:
        """The window as it is written in tables."""
        if self.first == self.last:
            return f"{self.first:+d}" if self.first else "0"
        return f"{self.first:+d} to {self.last:+d}"


@dataclass(frozen=True)
class Legs(Shown):
    """Simple returns a period, without gaps, on one index; without a second leg (`large`) the first is alone.

    Attributes
    ----------
    small, large : Series of shape (periods,)
        Of a return difference that is published as one series (SMB), `small` is that series.
    """

    small: "pd.Series[float]"
    large: "pd.Series[float] | None" = None

    @property
    def index(self) -> pd.DatetimeIndex:
        """The periods."""
        return pd.DatetimeIndex(self.small.index)

    def difference(self) -> "pd.Series[float]":
        """Return small less large, period by period."""
        return self.small if self.large is None else self.small - self.large


@dataclass(frozen=True)
class Events(Shown):
    """Where events are, and which belong together.

    Attributes
    ----------
    positions : array of shape (events,)
        Of each event's period; -1 for one outside the data.
    cycles : array of shape (events,)
        The cycle that each event belongs to.
    """

    positions: Positions
    cycles: Positions

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def n_inside(self) -> int:
        """Events that fall inside the data."""
        return int((self.positions >= 0).sum())


@dataclass(frozen=True)
class WindowResult(Shown):
    """What happened in one window around the events.

    Attributes
    ----------
    window : Window
        The periods.
    n, n_left_out : int
        Events, and those whose window the data does not cover.
    mean, median : float
        Of the events' outcomes, decimals.
    positive_share : float
        Of the events.
    low, high : float
        95% interval of the mean: the effects that the sign-flip test does not reject.
    base : float
        Mean outcome over all periods.
    p_sign_flip, p_sign_flip_smallest : float
        Two-sided, cycles flipped as one; and the smallest value that so few cycles can give.
    p_sign_flip_holm : float
        Adjusted for the number of horizons; NaN until `adjust_for_horizons`.
    p_placement, p_placement_holm : float
        Against all circular shifts of the events; and adjusted.
    without_one_low, without_one_high : float
        Range of the mean when each cycle is left out.
    outcomes : array of shape (n,)
        Of each event, in order.
    """

    window: Window
    n: int
    n_left_out: int
    mean: float = np.nan
    median: float = np.nan
    positive_share: float = np.nan
    low: float = np.nan
    high: float = np.nan
    base: float = np.nan
    p_sign_flip: float = np.nan
    p_sign_flip_smallest: float = np.nan
    p_sign_flip_holm: float = np.nan
    p_placement: float = np.nan
    p_placement_holm: float = np.nan
    without_one_low: float = np.nan
    without_one_high: float = np.nan
    outcomes: Floats = field(default_factory=lambda: np.empty(0))


def window_outcomes(legs: Legs, window: Window, *, measure: Measure = Measure.CAR) -> Floats:
    """Work out the outcome of a window around every period.

    Parameters
    ----------
    legs : Legs
        Returns.
    window : Window
        Periods relative to each.
    measure : Measure
        CAR: sum of differences. BHAR: difference of compounded returns.

    Returns
    -------
    array of shape (periods,)
        Decimals; NaN where the window runs past either end of the data.
    """
    if measure is Measure.CAR:
        return _over_window(np.asarray(legs.difference(), dtype=np.float64), window)
    small = _compounded(legs.small, window)
    return small if legs.large is None else small - _compounded(legs.large, window)


def _compounded(leg: "pd.Series[float]", window: Window) -> Floats:
    logs: Floats = np.asarray(np.log1p(leg), dtype=np.float64)
    return np.expm1(_over_window(logs, window))


def _over_window(values: Floats, window: Window) -> Floats:
    """Sum values over the window around each period, NaN where it is not covered."""
    periods = np.arange(len(values))
    starts, ends = periods + window.first, periods + window.last + 1
    covered = (starts >= 0) & (ends <= len(values))
    total = np.concatenate([[0.0], np.cumsum(values)])
    sums = np.full(len(values), np.nan)
    sums[covered] = total[ends[covered]] - total[starts[covered]]
    return sums


def study_window(
    outcomes: Floats, window: Window, events: Events, *, less_base: bool = False, seed: int = 0
) -> WindowResult:
    """Judge the events' outcomes in one window.

    Parameters
    ----------
    outcomes : array of shape (periods,)
        As `window_outcomes` gives them.
    window : Window
        What they were worked out over.
    events : Events
        Where they are; events of one cycle are flipped, and left out, as one.
    less_base : bool
        Test for a difference from the mean of all periods, not from zero: right for a leg that rises over time. The
        interval remains that of the mean itself.
    seed : int
        Of the random sign patterns, where there are too many cycles to count them all.
    """
    covered = np.isfinite(outcomes)
    positions = events.positions
    inside = (positions >= 0) & covered[positions]
    if not inside.any():
        return WindowResult(window, 0, len(positions))
    values, cycles = outcomes[positions[inside]], events.cycles[inside]
    first = int(np.flatnonzero(covered)[0])
    placed = placement_test(outcomes[covered], positions[inside] - first)
    shift = placed.base if less_base else 0.0
    flipped = sign_flip_test(values - shift, groups=cycles, seed=seed)
    without = leave_one_out(values, groups=cycles)
    return WindowResult(
        window=window,
        n=len(values),
        n_left_out=len(positions) - len(values),
        mean=float(values.mean()),
        median=float(np.median(values)),
        positive_share=float(np.mean(values > 0)),
        low=flipped.low + shift,
        high=flipped.high + shift,
        base=placed.base,
        p_sign_flip=flipped.p_value,
        p_sign_flip_smallest=flipped.p_smallest,
        p_placement=placed.p_value,
        without_one_low=without.low,
        without_one_high=without.high,
        outcomes=values,
    )


def adjust_for_horizons(results: Sequence[WindowResult]) -> list[WindowResult]:
    """Add Holm's p-values over a family of windows, as one table shows them."""
    flipped = holm([result.p_sign_flip for result in results])
    placed = holm([result.p_placement for result in results])
    return [
        replace(result, p_sign_flip_holm=float(by_sign), p_placement_holm=float(by_place))
        for result, by_sign, by_place in zip(results, flipped, placed, strict=True)
    ]


def event_paths(
    legs: Legs, events: Positions, *, before: int, after: int, measure: Measure = Measure.CAR
) -> pd.DataFrame:
    """Follow every single event, from the close of its own period.

    Parameters
    ----------
    legs, measure
        As in `window_outcomes`.
    events : array of shape (events,)
        Positions; those outside the data (-1) are left out.
    before, after : int
        Periods to follow on either side.

    Returns
    -------
    DataFrame of shape (before + 1 + after, events)
        Index `offset`, 0 at the event's close, where every path is 0; a column an event, by its date; decimals.
        Before the event, minus what was gained from there to the event's close; NaN where there is no data.
    """
    inside = events[events >= 0]
    offsets = np.arange(-before, after + 1)
    total = _levels(legs, measure)
    at = inside[None, :] + offsets[:, None] + 1
    known = (at >= 0) & (at < total.shape[1])
    levels, start = total[:, np.where(known, at, 0)], total[:, inside + 1][:, None, :]
    if measure is Measure.CAR:
        paths = (levels - start)[0]
    else:
        grown = np.expm1(levels - start)
        paths = grown[0] - grown[1]
    index = pd.Index(offsets, name="offset")
    return pd.DataFrame(np.where(known, paths, np.nan), index=index, columns=legs.index[inside])


def _levels(legs: Legs, measure: Measure) -> Floats:
    """Return running sums of what is summed, one row for a CAR, one a leg for a BHAR; shape (rows, periods + 1)."""
    if measure is Measure.CAR:
        rows = [legs.difference().to_numpy()]
    else:
        zeros = np.zeros(len(legs.small))
        rows = [np.log1p(legs.small.to_numpy()), zeros if legs.large is None else np.log1p(legs.large.to_numpy())]
    return np.stack([np.concatenate([[0.0], np.cumsum(row)]) for row in rows])
