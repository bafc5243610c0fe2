"""Where a value stands in its own history: ranks, records, spells, crossings, drawdowns, falls and breakouts.

Every function but `falls` and `breakouts` looks back only: what it gives for a day never changes when later days
are added. Missing values (NaN) are left out of ranks and never meet a condition.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from research_lib.stats.estimate import Floats

Kind = Literal["percent", "points", "log"]

UNITS = {"week": pd.DateOffset(weeks=1), "month": pd.DateOffset(months=1), "year": pd.DateOffset(years=1)}
PEAK_SESSIONS = 21  # a peak is the highest of this many sessions before and after it
BAND_DEVIATIONS = 2.0  # of the residuals around a fitted trend line


@dataclass(frozen=True)
class HistoricalRank:
    """The last value of a series against all of its values, from both ends."""

    value: float
    date: pd.Timestamp
    first: pd.Timestamp  # the first day that has a value
    n: int  # days that have one
    ties: int  # earlier days with the same value
    percentile: float  # share of days at or below the value, 0 to 1
    rank: int  # 1 + the number of higher values: 1 is the highest on record
    episode_rank: int  # 1 + the runs of higher values, joined over gaps, but the one that the last value belongs to
    highest_since: pd.Timestamp | None  # the last day at least as high, before the equal values that end the series
    highest: float
    highest_date: pd.Timestamp  # the first day of the extreme
    lowest_rank: int  # the same from the lowest up, as are the next four
    lowest_episode_rank: int
    lowest_since: pd.Timestamp | None
    lowest: float
    lowest_date: pd.Timestamp

    @property
    def as_far(self) -> float:
        """Share of days at least as far from the middle, on the value's own side."""
        return ((self.rank if self.percentile >= 0.5 else self.lowest_rank) + self.ties) / self.n

    def from_nearer_end(self) -> dict[str, Any]:
        """Return all fields, with `rank`, `since` and `episode_rank` as counted from the nearer `end`, highest or lowest."""
        if self.rank <= self.lowest_rank:
            return vars(self) | {"end": "highest", "since": self.highest_since}
        own = {"rank": self.lowest_rank, "episode_rank": self.lowest_episode_rank}
        return vars(self) | own | {"end": "lowest", "since": self.lowest_since}


def rank_in_history(history: "pd.Series[float]", *, gap: int = 10) -> HistoricalRank:
    """Rank the last value of a series in all of it; days with at most `gap` others between are one episode."""
    known = history.dropna()
    if known.empty:
        raise ValueError("a rank needs at least one value")
    values, days = np.asarray(known, dtype=np.float64), known.index
    is_tied = values == values[-1]
    n_apart = np.append(0, np.flatnonzero(~is_tied) + 1)[-1]  # behind them all are equal

    def from_top(line: Floats) -> tuple[int, int, pd.Timestamp | None, float, pd.Timestamp]:
        """Say where the last value stands below the highest: rank, episode rank, since when; and the highest."""
        higher, since = np.flatnonzero(line > line[-1]), days[:n_apart][line[:n_apart] >= line[-1]]
        top, episodes = int(line.argmax()), int((np.diff(np.append(higher, len(line) - 1)) - 1 > gap).sum())
        return 1 + len(higher), 1 + episodes, next(iter(since[-1:]), None), float(values[top]), days[top]

    ties, percentile = int(is_tied.sum()) - 1, float((values <= values[-1]).mean())
    start = (float(values[-1]), days[-1], days[0], len(values), ties, percentile)
    return HistoricalRank(*start, *from_top(values), *from_top(-values))


def change(values: "pd.Series[float]", since: Any, kind: Kind = "percent") -> "pd.Series[float]":  # noqa: ANN401
    """Return the change since so many periods ago, or from a base of the same days: P/B - 1, P - B, or ln P/B.

    NaN where there is no base, or one that is divided by is not positive. Points are rounded to 15 decimals, so that
    0.0512 - 0.05 is 0.0412 - 0.04.
    """
    base = values.shift(since) if isinstance(since, int) else since
    if kind == "points":
        return (values - base).round(15)
    ratio = (values / base).where(base > 0)
    return ratio - 1 if kind == "percent" else pd.Series(np.log(ratio.where(ratio > 0)), index=values.index)


def earlier(values: "pd.Series[float]", days: pd.DatetimeIndex) -> "pd.Series[float]":
    """Return for each day the last known value up to an earlier one, which `days` names; NaN where there is none."""
    return values.dropna().reindex(days, method="ffill").set_axis(values.index)


def ago(values: "pd.Series[float]", n: int, unit: str = "") -> "pd.Series[float]":
    """Return for each day the value n rows before, or the last known n weeks, months or years before ("month")."""
    if not unit:
        return values.shift(n)
    return earlier(values, pd.DatetimeIndex(values.index) - n * UNITS[unit])


def between(values: Any, first: pd.Timestamp, last: pd.Timestamp | None = None) -> Any:  # noqa: ANN401  # a series
    """Return the values from a day on, as `.loc` does, but without the table of all days that pandas then keeps."""
    end = None if last is None else values.index.searchsorted(last, side="right")
    return values.iloc[values.index.searchsorted(first) : end]


def volatility(price: "pd.Series[float]", periods: int, periods_a_year: float) -> "pd.Series[float]":
    """Return the standard deviation of the last log returns, a year; NaN until there are so many."""
    return change(price, 1, "log").rolling(periods).std().mul(np.sqrt(periods_a_year))


def periods_to(values: "pd.Series[float]", level: float, pace: int) -> "pd.Series[float]":
    """Return how many periods a line takes to a level if it goes on as over the last `pace`; infinite if it moves away."""
    left = level - values
    periods = left / (values.diff(pace) / pace)
    return periods.mask(periods < 0, np.inf).where(left != 0, 0.0)


def records(values: "pd.Series[float]", *, ties: bool = False) -> "pd.Series[bool]":
    """Mark the days above every earlier one; the first value is none, `ties` counts equal ones."""
    best = values.cummax().ffill().shift()
    return (values >= best) if ties else (values > best)


def spell_lengths(condition: "pd.Series[bool]") -> "pd.Series[int]":
    """Count for each period how many in a row, itself the last, meet the condition; 0 where it does not."""
    met, places = condition.to_numpy(dtype=bool), np.arange(1, len(condition) + 1)
    return pd.Series(places - np.maximum.accumulate(np.where(met, 0, places)), index=condition.index)


def run_ends(lengths: "pd.Series[float]") -> "pd.Series[float]":
    """Keep of counts of a run the last of each, and of the run that is under way the count so far."""
    known = lengths.dropna()
    return known[(known > 0) & ~(known.shift(-1) > known)]


def age(condition: "pd.Series[bool]") -> "pd.Series[float]":
    """Count the periods since the condition was last met; 0 where it is met, NaN before the first time."""
    return spell_lengths(~condition).where(condition.cummax()).astype(float)


def crossed(line: "pd.Series[float]") -> "pd.Series[float]":
    """Return 1 where a line comes to above zero, -1 where it leaves that side, else 0; a value of zero is not above."""
    return (line.dropna() > 0).astype(float).diff().reindex(line.index).fillna(0)


def falls(price: "pd.Series[float]", fall: float, *, to_record: bool = False) -> pd.DataFrame:
    """List the falls of at least `fall` (0.2: bear markets; 0.1: corrections) from a peak; a row each, by its peak's day.

    A fall begins at the highest close since the last one ended, and ends at its lowest close, once the price has risen
    from there by `fall` too, or is back at its peak (`to_record`). Columns: trough (its day), depth (negative), days from
    peak to trough; NaN of the last one while it is under way, since its lowest close so far is not yet its trough.
    """
    values, rows = price.to_numpy(dtype=float), list[tuple[int, int]]()
    peak, trough = 0, -1
    for at, value in enumerate(values.tolist()):
        if trough < 0:
            if value >= values[peak]:
                peak = at
            elif value <= values[peak] * (1 - fall):
                trough = at
        elif value < values[trough]:
            trough = at
        elif value >= (values[peak] if to_record else values[trough] * (1 + fall)):
            rows.append((peak, trough))
            peak, trough = at, -1
    peaks, troughs = np.array(rows, dtype=int).reshape(-1, 2).T
    index = pd.DatetimeIndex(price.index)
    depth, days = values[troughs] / values[peaks] - 1, (index[troughs] - index[peaks]).days
    found = pd.DataFrame({"trough": index[troughs], "depth": depth, "days": days}, index[peaks])
    return found.reindex(index[[*peaks, peak]]) if trough >= 0 else found


def on_common_days(left: "pd.Series[float]", right: "pd.Series[float]", period: str) -> list["pd.Series[float]"]:
    """Return two series on the left's days of the periods ("W-FRI", "M") that both have; "D": on their common days."""
    days = [one.index if period == "D" else pd.DatetimeIndex(one.index).to_period(period) for one in (left, right)]
    found = right.set_axis(days[1]).reindex(days[0]).set_axis(left.index)
    return [left[found.notna()], found.dropna()]


def rolling_correlation(x: "pd.Series[float]", y: "pd.Series[float]", window: int) -> "pd.Series[float]":
    """Return Pearson's correlation over the last `window` common dates; NaN where one side does not vary.

    Each window is computed by itself: windows of five leave nothing for the rounding errors of running sums.
    """
    pair = pd.concat([x, y], axis=1, keys=["x", "y"], sort=True).dropna()
    if len(pair) < window:
        return pd.Series(np.nan, index=pair.index)
    windows = sliding_window_view(pair.to_numpy(dtype=float), window, axis=0)
    apart = windows - windows.mean(axis=2, keepdims=True)
    varies = (np.ptp(windows, axis=2) > 0).all(axis=1)
    scale = np.sqrt((apart**2).sum(axis=2).prod(axis=1))
    found = (apart.prod(axis=1).sum(axis=1)[varies] / scale[varies]).clip(-1, 1)
    return pd.Series(found, pair.index[window - 1 :][varies]).reindex(pair.index)


def breakouts(price: "pd.Series[float]", lookback: int, resistance: str, last: int = 63) -> "pd.Series[float]":
    """Return a price over a resistance, less 1, on each of the last days, drawn anew from the `lookback` values before.

    - `band`: a line fitted to the logarithms by least squares, plus two deviations of the residuals;
    - `falling peaks`: the line from the highest peak over the later peak that leaves all others below it (a peak is the
      highest of 21 values before and after); NaN where no later peak is known;
    - `highest`: the highest value.
    """
    price = price.dropna()
    logs, time, levels = np.log(price.to_numpy(dtype=float)), np.arange(lookback), []
    rows = list(range(max(lookback, len(price) - last), len(price)))
    for row in rows:
        before = logs[row - lookback : row]
        if resistance == "band":
            slope, intercept = np.polyfit(time, before, 1)
            spread = np.std(before - intercept - slope * time, ddof=2)
            levels.append(intercept + slope * lookback + BAND_DEVIATIONS * spread)
        else:
            levels.append(before.max() if resistance == "highest" else _falling_peaks_end(before))
    return pd.Series(np.exp(logs[rows] - np.array(levels)) - 1, price.index[rows], dtype=float)


def _falling_peaks_end(before: Floats) -> float:
    if len(before) <= 2 * PEAK_SESSIONS:
        return np.nan
    windows = sliding_window_view(before, 2 * PEAK_SESSIONS + 1)
    peaks = np.flatnonzero(windows.max(axis=1) == windows[:, PEAK_SESSIONS]) + PEAK_SESSIONS
    top = peaks[np.argmax(before[peaks])] if len(peaks) else len(before)
    later = peaks[peaks > top]
    if not len(later):
        return np.nan
    slope = ((before[later] - before[top]) / (later - top)).max()
    return float(before[top] + slope * (len(before) - top))
