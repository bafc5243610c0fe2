"""Returns beside what was known when they began to be earned.

What is known of a company on a date is the latest period published before that date; the return is earned after it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.shown import Shown
from research_lib.stats.inference import Floats
from research_lib.stats.ratios import LARGE, SMALL

Positions = NDArray[np.intp]

MAX_AGE_DAYS = 550  # a year's report is followed by the next within about 15 months; 18 allow for a late one
WINSOR = 0.05  # of each end: net debt / EBITDA has no bounds where EBITDA nears zero, and a slope hangs on its ends
BETA_SESSIONS, BETA_MIN_SESSIONS = 252, 126


@dataclass(frozen=True)
class Known(Shown):
    """Which row of a table was the latest known, on each date and for each company.

    Attributes
    ----------
    dates : DatetimeIndex of length T
        The dates on which someone looks.
    companies : Index of length N
        Columns of the price panel.
    positions : array of shape (T, N)
        The row's position in the table; -1 where nothing was known, or only something too old.
    """

    dates: pd.DatetimeIndex
    companies: pd.Index
    positions: Positions

    def take(self, values: Floats) -> Floats:
        """Lay out one column of the table, shape (rows,), as it was known: shape (T, N), NaN where nothing was."""
        return np.append(np.asarray(values, dtype=np.float64), np.nan)[self.positions]


def latest_known(
    rows: pd.DataFrame,
    dates: pd.DatetimeIndex,
    companies: pd.Index,
    *,
    max_age_days: int = MAX_AGE_DAYS,
) -> Known:
    """Find the latest row that was known before each date.

    Parameters
    ----------
    rows : DataFrame
        Fundamentals with `company`, `period_end` and `known_from`; companies without prices are passed over.
    dates : DatetimeIndex
        Sorted.
    companies : Index
        The price panel's columns.
    max_age_days : int
        Days from the period's end after which a row says nothing any more.

    Notes
    -----
    Strictly before: a report may come after the close of its day. A row published late does not replace one of a
    later period.
    """
    column = companies.get_indexer(pd.Index(rows["company"]))
    effective = dates.searchsorted(pd.DatetimeIndex(rows["known_from"]), side="right")
    usable = (column >= 0) & (effective < len(dates)) & rows["known_from"].notna().to_numpy()
    order = np.argsort(rows["period_end"].to_numpy(), kind="stable")
    rank = np.full((len(dates), len(companies)), -1, dtype=np.intp)
    # The later period has the higher rank; carried forward by the running maximum.
    np.maximum.at(rank, (effective[order][usable[order]], column[order][usable[order]]), np.flatnonzero(usable[order]))
    rank = np.maximum.accumulate(rank, axis=0)
    positions = np.append(order, -1)[rank]
    ends = np.append(rows["period_end"].to_numpy().astype("datetime64[D]").astype(np.int64), 0)
    age = dates.to_numpy().astype("datetime64[D]").astype(np.int64)[:, None] - ends[positions]
    return Known(dates, companies, np.where(age <= max_age_days, positions, -1))


def build_panel(
    firms: pd.DataFrame,
    prices: pd.DataFrame,
    dates: pd.DatetimeIndex,
    *,
    market: "pd.Series[float] | None" = None,
    groups: tuple[int, int] = (500, 2000),
) -> pd.DataFrame:
    """Put next-period returns beside what was known when the period began.

    Parameters
    ----------
    firms : DataFrame
        From `stats.ratios.measure`, impossible rows left out.
    prices : DataFrame of shape (sessions, companies)
        Adjusted prices.
    dates : DatetimeIndex
        Ends of the holding periods, each the beginning of the next; among the sessions of `prices`.
    market : Series, optional
        Index closes for beta; without it, the equally weighted mean return of all companies.
    groups : tuple of int
        Companies in `large`, then in `small`, by market value known at the period's beginning.

    Returns
    -------
    DataFrame
        Indexed by `company` and `date` (the period's end); `return` (simple, of the period), `ratio` (net debt /
        EBITDA, NaN where EBITDA is not positive), `negative` (1.0 where it is not), `leverage` (the ratio,
        winsorised at 5% and 95% of the date; 0 where `negative`), `size` (log of market value), `beta` (on daily
        returns of the 252 sessions before), `group`, `sector`. Rows have a return and a known EBITDA and net debt.
    """
    # Groups are of all companies, with a price or without; the panel is of those with one.
    everyone = prices.columns.append(pd.Index(firms["company"].unique()).difference(prices.columns))
    known = latest_known(firms, dates[:-1], everyone)
    group = size_groups(known.take(firms["market_value"].to_numpy()), *groups)[:, : prices.shape[1]]
    known = Known(known.dates, prices.columns, known.positions[:, : prices.shape[1]])
    net_debt, ebitda = known.take(firms["net_debt"].to_numpy()), known.take(firms["ebitda"].to_numpy())
    # Extremes are those of the companies that can be bought.
    priced = np.isfinite(period_prices(prices, dates[:-1]))
    ratio = np.where(priced, defined_ratio(net_debt, ebitda), np.nan)
    value = known.take(firms["market_value"].to_numpy())
    columns = {
        "return": period_returns(prices, dates)[1:],
        "ratio": ratio,
        "negative": np.where(np.isnan(ebitda) | np.isnan(net_debt), np.nan, ebitda <= 0),
        "leverage": np.where(ebitda <= 0, 0.0, winsorise(ratio)),
        "size": np.log(value, out=np.full_like(value, np.nan), where=value > 0),
        "beta": rolling_beta(prices, market, on=dates[:-1]),
    }
    usable = np.isfinite(columns["return"]) & np.isfinite(columns["negative"])
    panel = _long(columns, usable, dates[1:], prices.columns)
    sectors = np.append(firms["sector"].to_numpy(dtype=object), np.nan)[known.positions]
    return panel.assign(group=group.T[usable.T], sector=sectors.T[usable.T])


def defined_ratio(net_debt: Floats, ebitda: Floats) -> Floats:
    """Return net debt / EBITDA where EBITDA is positive, NaN elsewhere; any shape."""
    return np.asarray(np.divide(net_debt, ebitda, out=np.full_like(ebitda, np.nan), where=ebitda > 0))


def period_prices(prices: pd.DataFrame, dates: pd.DatetimeIndex) -> Floats:
    """Return prices on some of their sessions, shape (T, N)."""
    return np.asarray(prices.to_numpy(dtype=np.float64)[prices.index.get_indexer(dates)])


def period_returns(prices: pd.DataFrame, dates: pd.DatetimeIndex) -> Floats:
    """Return simple returns to each date from the one before, shape (T, N); NaN on the first, or without a price."""
    at = period_prices(prices, dates)
    return np.vstack([np.full((1, at.shape[1]), np.nan), at[1:] / at[:-1] - 1])


def winsorise(values: Floats, *, share: float = WINSOR) -> Floats:
    """Pull each date's extremes, shape (T, N), in to its own quantiles; NaN stays."""
    ordered = np.sort(values, axis=1)  # NaN last
    last = np.maximum(np.isfinite(values).sum(axis=1, keepdims=True) - 1, 0)

    def quantile(share: float) -> Floats:
        """Interpolate as numpy's nanquantile does, which takes one row at a time."""
        below = np.floor(share * last).astype(np.intp)
        low, high = (np.take_along_axis(ordered, np.minimum(place, last), axis=1) for place in (below, below + 1))
        return np.asarray(low + (high - low) * (share * last - below))

    return np.clip(values, quantile(share), quantile(1 - share))


def rolling_beta(
    prices: pd.DataFrame, market: "pd.Series[float] | None" = None, *, on: pd.DatetimeIndex | None = None
) -> Floats:
    """Return betas on the daily returns of the last 252 sessions, shape (sessions, N); NaN below 126 of them.

    With `on`, those of some of the sessions only, shape (T, N).

    Notes
    -----
    Cov(r, m) / Var(m) over the sessions on which both are known, by running sums.
    """
    closes = prices.to_numpy(dtype=np.float64)
    returns = np.vstack([np.full((1, closes.shape[1]), np.nan), closes[1:] / closes[:-1] - 1])
    index = _market_returns(returns) if market is None else market.reindex(prices.index).pct_change(fill_method=None)
    driver = np.broadcast_to(np.asarray(index, dtype=np.float64)[:, None], returns.shape)
    both = np.isfinite(returns) & np.isfinite(driver)
    r, m = np.where(both, returns, 0.0), np.where(both, driver, 0.0)
    rows = prices.index.get_indexer(prices.index if on is None else on)
    n, sum_r, sum_m, sum_rm, sum_mm = (_running_sum(x, rows) for x in (both.astype(np.float64), r, m, r * m, m * m))
    with np.errstate(invalid="ignore", divide="ignore"):  # few sessions: NaN below
        beta = (sum_rm - sum_r * sum_m / n) / (sum_mm - sum_m**2 / n)
    return np.where(n >= BETA_MIN_SESSIONS, beta, np.nan)


def size_groups(value: Floats, large: int, small: int) -> NDArray[np.object_]:
    """Name each company's size group on each date by its market value, shape (T, N); empty where in none.

    A date on which fewer than twice `large` companies are known has no groups: the first reports of a data set would
    all be among the largest.
    """
    descending = np.argsort(np.argsort(np.where(np.isnan(value), np.inf, -value), axis=1, kind="stable"), axis=1)
    group = np.select([descending < large, descending < large + small], [LARGE, SMALL], "")
    known = np.isfinite(value)
    enough = known.sum(axis=1, keepdims=True) >= 2 * large
    return np.asarray(np.where(known & enough, group, ""), dtype=object)


def _market_returns(returns: Floats) -> Floats:
    known = np.isfinite(returns)
    n = known.sum(axis=1)
    total = np.where(known, returns, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0))


def _running_sum(values: Floats, rows: NDArray[np.intp]) -> Floats:
    """Sum the last 252 sessions up to each of some rows."""
    total, before = np.cumsum(values, axis=0), rows - BETA_SESSIONS
    return total[rows] - np.where(before[:, None] >= 0, total[np.maximum(before, 0)], 0.0)


def _long(
    columns: dict[str, Floats], usable: NDArray[np.bool_], dates: pd.DatetimeIndex, companies: pd.Index
) -> pd.DataFrame:
    """Stack (T, N) arrays by company, then date."""
    company, date = np.nonzero(usable.T)
    index = pd.MultiIndex.from_arrays([companies[company], dates[date]], names=["company", "date"])
    return pd.DataFrame({name: values.T[usable.T] for name, values in columns.items()}, index=index)
