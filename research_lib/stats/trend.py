"""Where a price or a ratio of prices is in its trend: record closes, averages crossed, weekly closes, breakouts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.shown import Shown

PEAK_SESSIONS = 21  # a peak is the highest of this many sessions before and after it
BAND_DEVIATIONS = 2.0  # of the residuals around a fitted trend line


@dataclass(frozen=True)
class RecordCloses(Shown):
    """The closes that were higher than every close before.

    Attributes
    ----------
    last : Timestamp
        The most recent one.
    sessions_since : int
        Sessions after it; 0 where the last session is itself a record close.
    per_year : Series
        Their number in each calendar year of the data, the years without one included.
    """

    last: pd.Timestamp
    sessions_since: int
    per_year: "pd.Series[int]"


def record_closes(close: "pd.Series[float]") -> RecordCloses:
    """Find the record closes of a price's whole history; its first close, being the only one, does not count.

    Raises
    ------
    ValueError
        There are fewer than two closes.
    """
    if len(close) < 2:
        raise ValueError("record closes need at least two closes")
    is_record = (close > close.cummax().shift()).to_numpy()
    rows = np.flatnonzero(is_record)
    last = int(rows[-1]) if len(rows) else 0
    per_year = pd.Series(is_record.astype(int), pd.DatetimeIndex(close.index).year).groupby(level=0).sum()
    return RecordCloses(close.index[last], len(close) - 1 - last, per_year)


@dataclass(frozen=True)
class Crossings(Shown):
    """How a price crosses its moving average.

    Attributes
    ----------
    window_sessions : int
        Of the average.
    above : bool
        Whether the last close is above its average.
    last : Timestamp or None
        The last session on which the side changed, since when it has stayed; None where it never has.
    up, down : int
        Crossings in all history.
    share_above : float
        The share of sessions above.
    n : int
        Sessions that have an average.
    """

    window_sessions: int
    above: bool
    last: pd.Timestamp | None
    up: int
    down: int
    share_above: float
    n: int


def crossings(close: "pd.Series[float]", window_sessions: int) -> Crossings:
    """Count the sessions on which the close moves from one side of its average to the other; a tie is below.

    Raises
    ------
    ValueError
        The window is longer than the data.
    """
    average = close.rolling(window_sessions).mean().dropna()
    if average.empty:
        raise ValueError(f"an average over {window_sessions} sessions needs as many closes")
    above = close[average.index] > average
    changed = above.ne(above.shift(fill_value=above.iloc[0]))
    last = changed.index[changed][-1] if changed.any() else None
    up, down = int((changed & above).sum()), int((changed & ~above).sum())
    return Crossings(window_sessions, bool(above.iloc[-1]), last, up, down, float(above.mean()), len(above))


def weekly_closes(close: "pd.Series[float]") -> "pd.Series[float]":
    """Return the last close of each week that is over, indexed by its own session.

    A week is over on its Friday; where the last session is earlier in its week, that week is not counted yet.
    """
    week = pd.DatetimeIndex(close.index).to_period("W-FRI")
    is_over: NDArray[np.bool_] = week.end_time.normalize() <= close.index[-1]
    is_last: NDArray[np.bool_] = ~week.duplicated(keep="last")
    kept: pd.Series[float] = close.loc[is_over & is_last]
    return kept


@dataclass(frozen=True)
class WeeklyCloses(Shown):
    """Consecutive weekly closes above a level: how many up to now, and the session that made the last one."""

    level: float
    in_a_row: int
    last: pd.Timestamp


def weekly_closes_above(close: "pd.Series[float]", level: float) -> WeeklyCloses:
    """Count the weekly closes in a row, up to the last week that is over, that are above a level.

    Raises
    ------
    ValueError
        No week is over.
    """
    weeks = weekly_closes(close)
    if weeks.empty:
        raise ValueError("no week of the data is over")
    below = np.flatnonzero(weeks.to_numpy() <= level)
    in_a_row = len(weeks) - 1 - int(below[-1]) if len(below) else len(weeks)
    return WeeklyCloses(level, in_a_row, weeks.index[-1])


@dataclass(frozen=True)
class Breakout(Shown):
    """Whether the last value is above a resistance that was drawn from the sessions before it.

    Attributes
    ----------
    definition : str
        Which resistance.
    level : float
        Its height on the last session, in the series' unit; NaN where it cannot be drawn.
    value : float
        The series on the last session.
    n : int
        Sessions that the resistance was drawn from.
    """

    definition: str
    level: float
    value: float
    n: int

    @property
    def holds(self) -> bool | None:
        """Whether the value is above; None where there is no such resistance."""
        return None if np.isnan(self.level) else self.value > self.level


def fitted_line(series: "pd.Series[float]", *, lookback_sessions: int, deviations: float = 0.0) -> Breakout:
    """Judge a breakout against a line fitted to the logarithms of the sessions before, plus some residual deviations.

    Raises
    ------
    ValueError
        The series is not longer than the lookback.
    """
    if len(series) <= lookback_sessions:
        raise ValueError(f"a line over {lookback_sessions} sessions needs more than {len(series)} closes")
    before = np.log(series.to_numpy(dtype=float))[-lookback_sessions - 1 : -1]
    name = f"fitted line + {deviations:g} s.d." if deviations else "fitted line"
    level = float(np.exp(_fitted_line_end(before, deviations)))
    return Breakout(name, level, float(series.iloc[-1]), lookback_sessions)


def breakouts(series: "pd.Series[float]", *, lookback_sessions: int) -> list[Breakout]:
    """Judge a breakout by three definitions, each drawn from the sessions before the last one only.

    Parameters
    ----------
    series : Series
        A price, or a ratio of two; positive.
    lookback_sessions : int
        Sessions before the last one that the resistance is drawn from.

    Returns
    -------
    list of Breakout
        - above a line fitted to the logarithms by least squares, plus two residual standard deviations;
        - above the line through falling peaks: from the highest peak over the later peak that leaves all others
          below the line (a peak is the highest close of 21 sessions before and after it); there is no such line
          where no later peak is known;
        - above the highest close.

    Raises
    ------
    ValueError
        The series is not longer than the lookback.
    """
    if len(series) <= lookback_sessions:
        raise ValueError(f"a breakout over {lookback_sessions} sessions needs more than {len(series)} closes")
    logs = np.log(series.to_numpy(dtype=float))[-lookback_sessions - 1 :]
    before, value, n = logs[:-1], float(series.iloc[-1]), lookback_sessions
    return [
        fitted_line(series, lookback_sessions=n, deviations=BAND_DEVIATIONS),
        Breakout("line through falling peaks", float(np.exp(_falling_peaks_end(before))), value, n),
        Breakout("highest close", float(np.exp(before.max())), value, n),
    ]


def _fitted_line_end(before: NDArray[np.float64], deviations: float) -> float:
    time = np.arange(len(before))
    slope, intercept = np.polyfit(time, before, 1)
    residual = np.std(before - intercept - slope * time, ddof=2)
    return float(intercept + slope * len(before) + deviations * residual)


def _falling_peaks_end(before: NDArray[np.float64]) -> float:
    peaks = _peaks(before)
    if len(peaks) == 0:
        return np.nan
    top = peaks[np.argmax(before[peaks])]
    later = peaks[peaks > top]
    if len(later) == 0:
        return np.nan
    slope = ((before[later] - before[top]) / (later - top)).max()
    return float(before[top] + slope * (len(before) - top))


def _peaks(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the positions that are the highest of the sessions around them; the last ones cannot be known yet."""
    width = 2 * PEAK_SESSIONS + 1
    if len(values) < width:
        return np.array([], dtype=np.intp)
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    return np.flatnonzero(windows.max(axis=1) == windows[:, PEAK_SESSIONS]) + PEAK_SESSIONS
