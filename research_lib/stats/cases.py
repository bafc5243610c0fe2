"""Cases in time: the days of a season, days some way apart, what followed each, and what a few of them say."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv

from research_lib.stats import history
from research_lib.stats.estimate import Estimate, Floats, Integers
from research_lib.stats.randomization import sign_flip
from research_lib.stats.regression import LEAST_MONTHS, cosine_mean


def seasons(
    index: pd.DatetimeIndex, next_day: pd.Timestamp, opens: tuple[int, str, int], closes: tuple[int, str, int]
) -> tuple[NDArray[np.bool_], Integers, pd.DataFrame]:
    """Mark a season's days, give each day its year, and list the seasons that are over before `next_day`.

    A season within one calendar year belongs to that year, one over New Year to the year in which it ends. The list has
    a row a year, but for a season that the data begins with: `before`, the place of the last day before it, and `last`.
    """
    (first_month, opened_by, n_first), (last_month, closed_by, n_last) = opens, closes
    days = pd.DatetimeIndex(index.append(pd.DatetimeIndex([next_day])))
    month, day, over_new_year = days.month.to_numpy(), days.day.to_numpy(), first_month > last_month
    from_start, from_end = _places_in_period(days, "M", next_day)
    opened = {"last": (from_end > 0) & (from_end <= n_first), "day": day >= n_first}.get(opened_by, True)
    not_closed = {"first": from_start <= n_last, "day": day <= n_last}.get(closed_by, True)
    after = (month > first_month) | ((month == first_month) & opened)
    before = (month < last_month) | ((month == last_month) & not_closed)
    inside = (after | before) if over_new_year else (after & before)
    year = days.year.to_numpy() + ((month > last_month) & over_new_year)
    under_way = year[-1] if inside[-1] else 0  # the season that goes on on the next day
    inside, year = inside[:-1], year[:-1]
    rows = pd.Series(np.flatnonzero(inside)).groupby(year[inside])
    listed = pd.DataFrame({"before": rows.min() - 1, "last": rows.max()})
    return inside, year, listed[(listed["before"] >= 0) & (listed.index != under_way)]


def nth_of_period(days: pd.DatetimeIndex, n: int, period: str, next_day: pd.Timestamp) -> NDArray[np.bool_]:
    """Mark the nth day of each period ("M": month), from its end if n is negative; if 0, in the place of the last of `days`.

    From the end, the period of `next_day` has none: its last days are not known.
    """
    from_start, from_end = _places_in_period(days, period, next_day)
    return np.asarray(from_end == -n if n < 0 else from_start == (n or from_start[-1]))


def _places_in_period(index: pd.DatetimeIndex, period: str, next_day: pd.Timestamp) -> tuple[Integers, Integers]:
    """Count each day's place from the start of its period and from the end, where it is 0 in the period of `next_day`."""
    periods = index.to_period(period)
    days = pd.Series(0, index=range(len(index))).groupby(periods)
    from_start, from_end = 1 + days.cumcount().to_numpy(), 1 + days.cumcount(ascending=False).to_numpy()
    return from_start.astype(np.intp), (from_end * (periods != next_day.to_period(period))).astype(np.intp)


def spaced(rows: ArrayLike, gap: int) -> Integers:
    """Return which of some ascending rows are at least `gap` after the one kept before them."""
    kept: list[int] = []
    numbers = np.asarray(rows, dtype=np.intp).tolist()
    for place, row in enumerate(numbers):
        if not kept or row - numbers[kept[-1]] >= gap:
            kept.append(place)
    return np.array(kept, dtype=np.intp)


def after(
    values: "pd.Series[float]", n: int, next_day: pd.Timestamp, *, unit: str = "", path: str = "",
    kind: history.Kind = "percent",
) -> "pd.Series[float]":  # fmt: skip
    """Return what followed each day: the change over n periods, or n weeks, months or years ("month"); before it if negative.

    A window before a day ends with the value before it. With a `path`: the largest fall from a peak ("drawdown"), or the
    "highest" or "lowest" change from the first value, on the way; NaN where a value is not positive. NaN where the window
    is not over before `next_day`.
    """
    index, prices = pd.DatetimeIndex(values.index), np.asarray(values, dtype=np.float64)
    ends = np.arange(len(index)) + n - (n < 0)
    if unit:
        target = index + n * history.UNITS[unit]
        ends = np.where(target >= next_day, -1, index.searchsorted(target, side="right") - 1)
    days = np.flatnonzero((ends >= 0) & (ends < len(index)))
    first, last = (ends[days], days - 1) if n < 0 else (days, ends[days])
    if path:
        found = pd.Series(_on_the_way(prices, first, last, path), index[days])
    else:
        found = history.change(pd.Series(prices[last], index[days]), prices[first], kind)
    return found.reindex(index)


def _on_the_way(prices: Floats, first: Integers, last: Integers, path: str) -> Floats:
    """Go all ways at once, period by period; one that is over stays where it ended."""
    farther, nearest = (np.maximum, -np.inf) if path == "highest" else (np.minimum, np.inf)
    start = top = low = np.where(prices[first] > 0, prices[first], np.nan)
    found = np.full(len(first), nearest)
    for step in range(0 if path == "drawdown" else 1, int((last - first).max(initial=0)) + 1):
        price = prices[np.minimum(first + step, last)]
        top, low = np.maximum(top, price), np.minimum(low, price)
        found = farther(found, price / top if path == "drawdown" else price)
    ratio = found if path == "drawdown" else found / start
    return np.where((low > 0) & (last > first), ratio - 1, np.nan)


def mean_of_days(values: "pd.Series[float]", *, groups: ArrayLike | None = None) -> Estimate:
    """Return the mean of values by day, also of states that last for months or years; no interval under 24 days.

    By `cosine_mean`; where they are persistent its T counts years: with as many cosines as days make, 95% intervals of
    the share of days below a record missed 52% of the time over 90 simulated years, in place of 7%. Days of `groups` that
    are not persistent are flipped by group.
    """
    days, persists = pd.DatetimeIndex(values.index), is_persistent(values)
    if groups is not None and not persists:
        return sign_flip(values, groups=groups)
    if len(values) < LEAST_MONTHS:
        return Estimate(float(values.mean()), len(values))
    return cosine_mean(values, independent=(days[-1] - days[0]).days / 365.25 if persists else None)


def is_persistent(values: "pd.Series[float]") -> bool:
    """Say whether values are like those before them, as in a state that lasts: a lag-one autocorrelation above 0.7."""
    return bool(len(values) > 2 and values.std() > 0 and values.autocorr() > 0.7)


def share(marks: "pd.Series[bool]", apart: int, *, of_days: bool = False) -> Estimate:
    """Return a share with its 95% interval: exact for so many cases apart (Clopper and Pearson, 1934), or `mean_of_days`.

    Of under 24 days, or where all are the same, there is no interval.
    """
    value, hits = float(marks.mean()), float(marks.mean()) * apart
    if of_days:
        found = mean_of_days(marks.astype(float)) if 0 < value < 1 else Estimate(value, apart)
        return Estimate(value, apart, *np.clip((found.low, found.high), 0, 1).tolist())
    low = betaincinv(hits, apart - hits + 1, 0.025) if hits else 0.0
    high = betaincinv(hits + 1, apart - hits, 0.975) if value < 1 else 1.0
    return Estimate(value, apart, float(low), float(high))


def median(values: "pd.Series[float]", apart: int, *, of_days: bool = False) -> Estimate:
    """Return a median with its 95% interval by order statistics of so many cases apart; none of under six, or of days."""
    outside = int(np.searchsorted(bdtr(np.arange(apart + 1), apart, 0.5), 0.025))  # values left out at each end
    reach = 0.5 - (outside - 1) / (apart - 1) if outside and not of_days else np.nan
    ends = (np.nan, np.nan) if np.isnan(reach) else np.quantile(values, [0.5 - reach, 0.5 + reach])
    return Estimate(float(values.median()), apart, *map(float, ends))
