"""Cases in time: the days of a season, days some way apart, what followed each, and what a few of them say."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from research_lib.stats.estimate import Estimate

Integers = NDArray[np.intp]
LAST_DAY_OF_MONTH = 31


@dataclass(frozen=True)
class SeasonEnd:
    """One end of a season: a whole month (`how` is ""), the first or last n sessions of it, or its day n."""

    month: int
    how: str = ""
    n: int = 0


def season_days(
    index: pd.DatetimeIndex, opens: SeasonEnd, closes: SeasonEnd, next_day: pd.Timestamp
) -> tuple[NDArray[np.bool_], Integers, int]:
    """Mark a season's days, give each day its year, and name the year whose season is not over before `next_day`.

    A season within one calendar year belongs to that year, one over New Year to the year in which it ends; a year of 0
    says that none is under way.
    """
    month, day, over_new_year = index.month.to_numpy(), index.day.to_numpy(), opens.month > closes.month
    from_start, from_end = places_in_period(index, "M")
    month_is_over = index.to_period("M") != next_day.to_period("M")  # else its last sessions are not known
    opened = {"last": month_is_over & (from_end <= opens.n), "day": day >= opens.n}.get(opens.how, True)
    not_closed = {"first": from_start <= closes.n, "day": day <= closes.n}.get(closes.how, True)
    after = (month > opens.month) | ((month == opens.month) & opened)
    before = (month < closes.month) | ((month == closes.month) & not_closed)
    inside = (after | before) if over_new_year else (after & before)
    year = index.year.to_numpy() + ((month > closes.month) & over_new_year)
    last = int(next_day.year + (next_day.month > closes.month and over_new_year))
    if closes.how == "first":
        is_over = ((year == last) & (month == closes.month)).sum() >= closes.n
    else:
        ends = (closes.month, closes.n if closes.how == "day" else LAST_DAY_OF_MONTH)
        is_over = (next_day.month, next_day.day) > ends and (not over_new_year or next_day.month == closes.month)
    return inside, year, 0 if is_over else last


def seasons_over(inside: NDArray[np.bool_], year: Integers, under_way: int) -> pd.DataFrame:
    """List the seasons that are over, from what `season_days` gives, but one that the data begins with.

    A row a year: `before`, the place of the last day before the season, and `last`, that of its own last day.
    """
    rows = pd.Series(np.flatnonzero(inside)).groupby(year[inside])
    found = pd.DataFrame({"before": rows.min() - 1, "last": rows.max()})
    return found[(found["before"] >= 0) & (found.index != under_way)]


def places_in_period(index: pd.DatetimeIndex, period: str) -> tuple[Integers, Integers]:
    """Count each day's place in its period ("M": month) from the start and from the end; the first is 1."""
    days = pd.Series(0, index=range(len(index))).groupby(index.to_period(period))
    from_start, from_end = days.cumcount().to_numpy(), days.cumcount(ascending=False).to_numpy()
    return (1 + from_start).astype(np.intp), (1 + from_end).astype(np.intp)


def spaced(rows: ArrayLike, gap: int) -> Integers:
    """Return which of some ascending rows are at least `gap` after the one kept before them."""
    kept: list[int] = []
    numbers = np.asarray(rows, dtype=np.intp).tolist()
    for place, row in enumerate(numbers):
        if not kept or row - numbers[kept[-1]] >= gap:
            kept.append(place)
    return np.array(kept, dtype=np.intp)


def windows_after(index: pd.DatetimeIndex, n: int, offset: pd.DateOffset | None, next_day: pd.Timestamp) -> Integers:
    """Find the window after each day: of n periods, or of a calendar's `offset`; before the day if n is negative.

    Returns a row a window that is over before `next_day`: the place of its day, and those of its first and last value.
    A window before a day ends with the value before it.
    """
    days = np.arange(len(index))
    if offset is not None:
        target = pd.DatetimeIndex(index + offset)
        ends = np.where(target >= next_day, -1, index.searchsorted(target, side="right") - 1)
    else:
        ends = days + n - (n < 0)
    known = np.flatnonzero((ends >= 0) & (ends < len(index)))
    first, last = (ends[known], known - 1) if n < 0 else (known, ends[known])
    return np.column_stack([known, first, last])


def on_the_way(prices: NDArray[np.float64], path: str) -> float:
    """Return the largest fall from a peak ("drawdown"), or the "highest" or "lowest" change from the first price.

    NaN where there is no second price, or one is not positive.
    """
    if len(prices) < 2 or not prices.min() > 0:
        return np.nan
    if path == "drawdown":
        return float((prices / np.maximum.accumulate(prices)).min() - 1)
    return float((prices[1:].max() if path == "highest" else prices[1:].min()) / prices[0] - 1)


def share(hits: int, n: int) -> Estimate:
    """Return a share with its exact 95% interval (Clopper and Pearson, 1934)."""
    from scipy.special import betaincinv

    low = betaincinv(hits, n - hits + 1, 0.025) if hits else 0.0
    high = betaincinv(hits + 1, n - hits, 0.975) if hits < n else 1.0
    return Estimate(hits / n, n, float(low), float(high))


def median(values: "pd.Series[float]") -> Estimate:
    """Return a median with its 95% interval by order statistics; without one under six cases."""
    from scipy.special import bdtr

    n, ordered = len(values), np.sort(values.to_numpy(dtype=float))
    outside = int(np.searchsorted(bdtr(np.arange(n + 1), n, 0.5), 0.025))  # values left out at each end
    ends = (ordered[outside - 1], ordered[n - outside]) if outside else (np.nan, np.nan)
    return Estimate(float(values.median()), n, *map(float, ends))
