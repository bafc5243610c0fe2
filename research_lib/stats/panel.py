"""Returns of companies beside what was known when they began to be earned.

What is known of a company on a date is its latest fiscal period among the values published before that date. A restated
value counts from its restatement, which is what `known_from` says.
"""

import numpy as np
import pandas as pd

from research_lib.stats.estimate import Floats, Integers

MAX_AGE_DAYS = 550  # a year's report is followed by the next within about 15 months; 18 allow for a late one
WINSOR = 0.05  # of each end: net debt / EBITDA has no bounds where EBITDA nears zero, and a slope hangs on its ends
BETA_SESSIONS, BETA_MIN_SESSIONS = 252, 126


def latest_known(rows: pd.DataFrame, dates: pd.DatetimeIndex, companies: pd.Index) -> Integers:
    """Find the row of a table (company, period_end, known_from) that was the latest known before each of sorted dates.

    Positions of shape (dates, companies), -1 where none was known. Strictly before: a report may come after the close
    of its day. A late row does not replace one of a later period; none counts 550 days after its period's end.
    """
    column = companies.get_indexer(pd.Index(rows["company"]))
    effective = dates.searchsorted(pd.DatetimeIndex(rows["known_from"]), side="right")
    usable = (column >= 0) & (effective < len(dates)) & rows["known_from"].notna().to_numpy()
    order = np.argsort(rows["period_end"].to_numpy(), kind="stable")
    rank = np.full((len(dates), len(companies)), -1, dtype=np.intp)
    # The later period has the higher rank, which the running maximum carries forward.
    np.maximum.at(rank, (effective[order][usable[order]], column[order][usable[order]]), np.flatnonzero(usable[order]))
    positions = np.append(order, -1)[np.maximum.accumulate(rank, axis=0)]
    ends = np.append(rows["period_end"].to_numpy().astype("datetime64[D]").astype(np.int64), 0)
    age = dates.to_numpy().astype("datetime64[D]").astype(np.int64)[:, None] - ends[positions]
    return np.where(age <= MAX_AGE_DAYS, positions, -1)


def as_known(values: "pd.Series[float]", known: Integers) -> Floats:
    """Lay out one column of a table as it was known, by `latest_known`; NaN where nothing was."""
    return np.append(values.to_numpy(dtype=np.float64), np.nan)[known]


def build_panel(
    firms: pd.DataFrame, prices: pd.DataFrame, dates: pd.DatetimeIndex, *, market: "pd.Series[float] | None" = None
) -> pd.DataFrame:
    """Put next-period returns beside what was known when the period began.

    `firms` are from `leverage.prepare`, without impossible rows; `prices`, shape (sessions, companies), are adjusted;
    `dates` are ends of the holding periods, each the beginning of the next, among those sessions; `market` are index
    closes for beta, by default the equally weighted mean return. Returns rows by company and date (the period's end):
    return (simple), negative (1.0 where EBITDA is not positive), leverage (net debt / EBITDA, winsorised at 5% and 95%
    of the date; 0 where negative), size (log of market value), beta and sector. All have a return, net debt and EBITDA.
    """
    begins = dates[:-1]
    known = latest_known(firms, begins, prices.columns)
    net_debt, ebitda, value = (as_known(firms[name], known) for name in ("net_debt", "ebitda", "market_value"))
    priced = np.isfinite(prices.reindex(begins).to_numpy(dtype=float))  # extremes are those of companies one can buy
    leverage = winsorised_ratio(net_debt, np.where(priced, ebitda, np.nan))
    columns = {
        "return": period_returns(prices, dates)[1:],
        "negative": np.where(np.isnan(ebitda) | np.isnan(net_debt), np.nan, ebitda <= 0),
        "leverage": np.where(ebitda <= 0, 0.0, leverage),
        "size": np.log(value, out=np.full_like(value, np.nan), where=value > 0),
        "beta": rolling_beta(prices, begins, market=market),
    }
    usable = (np.isfinite(columns["return"]) & np.isfinite(columns["negative"])).T
    company, date = np.nonzero(usable)
    index = pd.MultiIndex.from_arrays([prices.columns[company], dates[1:][date]], names=["company", "date"])
    sectors = np.append(firms["sector"].to_numpy(dtype=object), np.nan)[known]
    panel = pd.DataFrame({name: values.T[usable] for name, values in columns.items()}, index=index)
    return panel.assign(sector=sectors.T[usable])


def period_returns(prices: pd.DataFrame, dates: pd.DatetimeIndex) -> Floats:
    """Return simple returns to each date from the one before, shape (T, N); NaN on the first, or without a price."""
    return np.asarray(prices.reindex(dates).pct_change(fill_method=None).to_numpy(dtype=np.float64))


def winsorised_ratio(net_debt: Floats, ebitda: Floats) -> Floats:
    """Return net debt / EBITDA, shape (T, N), each date's extremes pulled in to 5% and 95%; NaN without positive EBITDA."""
    ratio = np.divide(net_debt, ebitda, out=np.full_like(ebitda, np.nan), where=ebitda > 0)
    low, high = pd.DataFrame(ratio.T).quantile([WINSOR, 1 - WINSOR]).to_numpy()
    return np.asarray(np.clip(ratio, low[:, None], high[:, None]))


def rolling_beta(prices: pd.DataFrame, dates: pd.DatetimeIndex, *, market: "pd.Series[float] | None" = None) -> Floats:
    """Return betas on the daily returns of the 252 sessions up to each date, shape (T, N); NaN below 126 of them."""
    r = period_returns(prices, pd.DatetimeIndex(prices.index))
    if market is None:
        n = np.isfinite(r).sum(axis=1)
        driver = np.divide(np.nansum(r, axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
    else:
        driver = market.reindex(prices.index).pct_change(fill_method=None).to_numpy()
    both = np.isfinite(r) & np.isfinite(driver)[:, None]
    r, m = np.where(both, r, 0.0), np.where(both, driver[:, None], 0.0)
    last = prices.index.get_indexer(dates)

    def window(values: Floats) -> Floats:
        running = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
        return np.asarray(running[last + 1] - running[np.maximum(last + 1 - BETA_SESSIONS, 0)])

    n, sum_r, sum_m, sum_rm, sum_mm = map(window, (both.astype(np.float64), r, m, r * m, m * m))
    n = np.where(n >= BETA_MIN_SESSIONS, n, np.nan)
    return np.asarray((sum_rm - sum_r * sum_m / n) / (sum_mm - sum_m**2 / n))
