"""Whether returns go with leverage across companies: by month, when rates move, and on single days.

One cross-section gives one slope. How sure a mean of slopes is, is seen from how they differ from period to period:
companies are hit together, so that errors which take them as independent are far too small.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL, holm
from research_lib.stats.panel import as_known, latest_known, period_returns, winsorised_ratio
from research_lib.stats.regression import LEAST_MONTHS, cosine_mean, ols

MIN_FIRMS = 20  # of a cross-section
REFERENCE_DAYS, SCALE_DAYS, LEAST_REFERENCE = 252, 21, 120
STALE = pd.Timedelta(days=31)  # a rate by months is carried over one; an older one says nothing of a move


def monthly_slopes(panel: pd.DataFrame, regressors: Sequence[str], *, within: str = "") -> pd.DataFrame:
    """Regress each period's returns on what was known when it began; rows with a gap are passed over.

    `panel` is from `build_panel`, or has index (company, date), `return` and the regressors. `within` names a column
    such as `sector`: companies are compared with others of the same one only. Returns the slopes by date, and
    `companies`, how many each rests on; periods with fewer than 20, or whose regressors cannot be told apart, are left
    out, and fewer than 24 that are left raise InsufficientDataError.
    """
    data = panel[["return", *regressors]].dropna().sort_index(level="date", sort_remaining=False)
    day = data.index.get_level_values("date")
    alike = panel.loc[data.index, within].fillna("").to_numpy() if within else np.zeros(len(data))
    apart = (data - data.groupby([day, alike]).transform("mean")).to_numpy()
    rows = {}
    for first, section in zip(day.unique(), np.split(apart, np.flatnonzero(~day.duplicated()))[1:], strict=True):
        slopes, _, rank, _ = np.linalg.lstsq(section[:, 1:], section[:, 0], rcond=1e-10)
        if rank == len(regressors) and len(section) >= max(MIN_FIRMS, len(regressors) + 2):
            rows[first] = [*slopes, len(section)]
    if len(rows) < LEAST_MONTHS:
        raise InsufficientDataError(
            f"{len(rows)} months have {MIN_FIRMS} companies or more with a price and with statements published before; "
            f"{LEAST_MONTHS} are needed"
        )
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*regressors, "companies"]).rename_axis("date")


def fama_macbeth(slopes: pd.DataFrame) -> pd.DataFrame:
    """Average monthly slopes (Fama and MacBeth, 1973): a row a regressor; value, low, high, p and n, in months.

    The error is `cosine_mean`'s: it keeps its size in 24 to 74 months, where Newey-West's with 3 lags does not.
    """
    means = {name: vars(cosine_mean(slopes[name].to_numpy())) for name in slopes.columns.drop("companies")}
    return pd.DataFrame.from_dict(means, orient="index")[["value", "n", "low", "high", "p"]]


def rises_and_falls(level: "pd.Series[float]", dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Split the change of a rate (decimals) over each period into `rise` and `fall`, percentage points of zero or more.

    The last value of at most a month before counts. The first date has no row: it only begins a period.
    """
    change = 100 * level.dropna().sort_index().reindex(dates, method="ffill", tolerance=STALE).diff().iloc[1:]
    return pd.DataFrame({"rise": change.clip(lower=0), "fall": -change.clip(upper=0)})


def leverage_rate_interaction(slopes: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Regress the monthly slope of returns on leverage on what rates did in the month, by the restricted wild bootstrap-t.

    Returns value (what a point adds to the return for a turn of net debt to EBITDA), n (months), low, high and p, a row
    a column of `moves` that moved.
    """
    known = moves.reindex(slopes.index)
    moved = known.columns[known.max() > known.min()]
    if len(moved) == 0:
        raise InsufficientDataError("the rate did not move in these months")
    return ols(slopes["leverage"], known[moved], cov="wild").drop("constant")[["value", "n", "low", "high", "p"]]


def daily_slopes(firms: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """Return the least-squares `slope` of returns on leverage as it was known, and `n` companies, of every session."""
    sessions = pd.DatetimeIndex(prices.index)
    known, returns = latest_known(firms, sessions, prices.columns), period_returns(prices, sessions)
    net_debt, ebitda = as_known(firms["net_debt"], known), as_known(firms["ebitda"], known)
    leverage = winsorised_ratio(net_debt, np.where(np.isfinite(returns), ebitda, np.nan))
    both = np.isfinite(leverage) & np.isfinite(returns)
    n = both.sum(axis=1)
    x, y = np.where(both, leverage, 0.0), np.where(both, returns, 0.0)
    spread = (x * x).sum(axis=1) - x.sum(axis=1) ** 2 / np.maximum(n, 1)
    together = (x * y).sum(axis=1) - x.sum(axis=1) * y.sum(axis=1) / np.maximum(n, 1)
    enough = (n >= MIN_FIRMS) & (spread > 0)
    slope = np.divide(together, spread, out=np.full(len(n), np.nan), where=enough)
    return pd.DataFrame({"slope": slope, "n": n}, index=sessions)


def event_days(slopes: pd.DataFrame, events: Sequence[date]) -> pd.DataFrame:
    """Hold the slope of chosen days against the slopes of the days before them; `slopes` are from `daily_slopes`.

    A row an event: event, date (its session, or the next one), n (companies), value (return for a turn of net debt to
    EBITDA), low, high, p, p_smallest, n_reference (days), p_holm; NaN with fewer than 120 days before it. Slopes are
    larger in turmoil: each is scaled by the median absolute slope of the 21 sessions before it, and p is the share of
    the 252 sessions before, the day included, whose scaled slope is as large (Cohn, Johnson, Liu and Wardlaw, 2023).
    The interval holds what p does not reject.
    """
    known, rows = slopes["slope"].dropna(), []
    scale = known.abs().rolling(SCALE_DAYS).median().shift(1)
    scaled = (known / scale).abs()
    for event in events:
        day = slopes.index[slopes.index >= pd.Timestamp(event)][:1].intersection(known.index).min()
        before = scaled[scaled.index < day].tail(REFERENCE_DAYS).dropna().sort_values(ascending=False)
        row, n = {"event": event, "date": day, "n_reference": len(before)}, 1 + len(before)
        if n > LEAST_REFERENCE:
            value, reach = float(known[day]), float(before.iloc[int(LEVEL * n) - 1] * scale[day])
            row |= {"n": int(slopes["n"][day]), "value": value, "low": value - reach, "high": value + reach}
            row |= {"p": (1 + int((before >= scaled[day]).sum())) / n, "p_smallest": 1 / n}
        rows.append(row)
    columns = ["event", "date", "n", "value", "low", "high", "p", "p_smallest", "n_reference"]
    return pd.DataFrame(rows, columns=columns).assign(p_holm=lambda found: holm(found["p"]))
