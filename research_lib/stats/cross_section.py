"""Whether returns go with leverage across companies: sorts, Fama-MacBeth, rate moves and single days."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.shown import Shown
from research_lib.stats.inference import CONFIDENCE, Floats
from research_lib.stats.panel import defined_ratio, latest_known, period_returns, winsorise

Positions = NDArray[np.intp]

NEGATIVE = "negative EBITDA"
MIN_FIRMS = 20  # of a cross-section
MIN_PERIODS = 5


@dataclass(frozen=True)
class MeanReturn(Shown):
    """The mean of a series of returns.

    Attributes
    ----------
    n : int
        Periods.
    mean, low, high : float
        A period; 95% interval by Student's t with Newey-West standard errors.
    t_value, p_value : float
        Of a mean of zero.
    """

    n: int
    mean: float
    low: float
    high: float
    t_value: float
    p_value: float


def newey_west_mean(values: Floats, *, lags: int) -> MeanReturn:
    """Take the mean of a series, shape (periods,), NaN passed over; errors may be correlated up to `lags`."""
    import statsmodels.api as sm

    series = values[np.isfinite(values)]
    n = len(series)
    if n < MIN_PERIODS:
        return MeanReturn(n, float(series.mean()) if n else np.nan, np.nan, np.nan, np.nan, np.nan)
    options = {"maxlags": min(lags, n - 2), "use_correction": True}
    fit = sm.OLS(series, np.ones(n)).fit(cov_type="HAC", cov_kwds=options, use_t=True)
    low, high = fit.conf_int(1 - CONFIDENCE)[0]
    return MeanReturn(n, float(fit.params[0]), float(low), float(high), float(fit.tvalues[0]), float(fit.pvalues[0]))


@dataclass(frozen=True)
class PortfolioSort(Shown):
    """Returns of portfolios by net debt to EBITDA, equally weighted, formed anew each period.

    Attributes
    ----------
    returns : DataFrame of shape (periods, portfolios + 1)
        Columns 1 (least indebted) to `portfolios`, and `negative EBITDA`; a date without enough firms is absent.
    firms : DataFrame of the same shape
        Companies in each.
    means : dict of str to MeanReturn
        Of each column, by its name.
    premium : MeanReturn
        Most less least indebted.
    """

    returns: pd.DataFrame
    firms: pd.DataFrame
    means: dict[str, MeanReturn]
    premium: MeanReturn


def portfolio_sort(panel: pd.DataFrame, *, portfolios: int = 5, lags: int = 3) -> PortfolioSort:
    """Sort companies on net debt to EBITDA as it was known, and hold them for a period.

    Parameters
    ----------
    panel : DataFrame
        From `build_panel`. Companies with EBITDA of zero or less are a portfolio of their own.
    portfolios : int
        Of equal numbers of companies.
    lags : int
        Of the Newey-West standard errors, in periods.
    """
    date = panel.index.get_level_values("date")
    placed = panel["ratio"].notna() | panel["negative"].eq(1)
    rank = panel["ratio"].groupby(date).rank(pct=True, method="first")
    code = np.where(panel["negative"].eq(1), portfolios + 1, np.ceil(rank * portfolios))
    names = [*map(str, range(1, portfolios + 1)), NEGATIVE]
    by = panel.loc[placed, "return"].groupby([date[placed], code[placed].astype(int)])
    table = by.agg(["mean", "size"]).reset_index(names=["date", "portfolio"])
    wide = {kind: table.pivot_table(index="date", columns="portfolio", values=kind) for kind in ("mean", "size")}
    order = range(1, portfolios + 2)
    returns, firms = (wide[kind].reindex(columns=order).set_axis(names, axis=1) for kind in ("mean", "size"))
    enough = firms[names[:-1]].sum(axis=1) >= max(MIN_FIRMS, portfolios)
    returns, firms = returns[enough], firms[enough].fillna(0).astype(int)
    means = {name: newey_west_mean(returns[name].to_numpy(), lags=lags) for name in names}
    spread = (returns[names[portfolios - 1]] - returns[names[0]]).to_numpy()
    return PortfolioSort(returns, firms, means, newey_west_mean(spread, lags=lags))


@dataclass(frozen=True)
class Coefficient(Shown):
    """One coefficient with its 95% interval, and the p-value of zero."""

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Regression(Shown):
    """Coefficients and how sure they are.

    Attributes
    ----------
    table : DataFrame
        Indexed by regressor: `coefficient`, `standard_error`, `t_value`, `p_value`, `low`, `high` (95%); in units of
        the dependent per unit of the regressor.
    n, n_periods, n_companies : int
        Observations, and what they are of.
    """

    table: pd.DataFrame
    n: int
    n_periods: int
    n_companies: int

    def __getitem__(self, regressor: str) -> Coefficient:
        """Return one coefficient by its regressor."""
        values = self.table.loc[[regressor], ["coefficient", "low", "high", "p_value"]].to_numpy(dtype=float)[0]
        return Coefficient(*values.tolist())


def fama_macbeth(panel: pd.DataFrame, regressors: Sequence[str], *, lags: int = 3, within: str = "") -> Regression:
    """Regress returns on what was known, one cross-section a period, and average the slopes.

    Parameters
    ----------
    panel : DataFrame
        From `build_panel`, or any with index (company, date), `return` and the regressors; rows with a gap are
        passed over, and so are periods of fewer than 20 companies, or in which a regressor is the same for all.
    regressors : sequence of str
        Columns of the panel; a constant is added.
    lags : int
        Of the Newey-West standard errors of the mean slopes, in periods.
    within : str
        A column of categories, as `sector`: companies are compared with others of the same one only, as dummies for
        each would do (Frisch-Waugh). Without a category is one of its own.

    Raises
    ------
    InsufficientDataError
        Fewer than five periods are left.

    Notes
    -----
    Fama and MacBeth (1973); Student's t with periods - 1 degrees of freedom.
    """
    data = _estimable(_complete(panel, regressors))
    if within:
        date = data.index.get_level_values("date")
        data = data - data.groupby([date, panel.loc[data.index, within].fillna("")]).transform("mean")
    slopes = _cross_sections(data, regressors)
    means = {name: slopes[name].mean() for name in slopes}
    errors = {name: _newey_west_error(slopes[name].to_numpy(), lags=lags) for name in slopes}
    return _regression(pd.Series(means), pd.Series(errors), data, len(slopes) - 1)


def _cross_sections(data: pd.DataFrame, regressors: Sequence[str]) -> pd.DataFrame:
    """Regress each period's returns, and return its slopes and constant; without periods that cannot tell them apart."""
    data = data.sort_index(level="date", sort_remaining=False)
    x = np.column_stack([data[list(regressors)].to_numpy(), np.ones(len(data))])
    date = data.index.get_level_values("date")
    starts = np.flatnonzero(~date.duplicated())[1:]
    sections = zip(np.split(x, starts), np.split(data["return"].to_numpy(), starts), strict=True)
    fits = [np.linalg.lstsq(exog, outcome) for exog, outcome in sections]
    slopes = pd.DataFrame([fit[0] for fit in fits], index=date.unique(), columns=[*regressors, "constant"])
    return slopes[[int(fit[2]) == x.shape[1] for fit in fits]]


def _newey_west_error(values: Floats, *, lags: int) -> float:
    """Return the standard error of a mean whose terms may be correlated up to `lags`."""
    n, apart = len(values), values - values.mean()
    kept = min(lags, n - 2)
    products = [apart[lag:] @ apart[: n - lag] for lag in range(kept + 1)]
    total = products[0] + 2 * sum((1 - lag / (kept + 1)) * products[lag] for lag in range(1, kept + 1))
    return float(np.sqrt(total / n / (n - 1)))


def rate_interaction(panel: pd.DataFrame, moves: pd.DataFrame, *, controls: Sequence[str] = ()) -> Regression:
    """Regress returns on leverage times what rates did in the same period.

    Parameters
    ----------
    panel : DataFrame
        From `build_panel`.
    moves : DataFrame
        Indexed by the periods' ends; one column a driver, as rate moves up and down apart (`rises_and_falls`), or a
        regime as 0 and 1.
    controls : sequence of str
        Further columns of the panel.

    Returns
    -------
    Regression
        With rows `leverage`, `negative`, and `leverage x <driver>`, `negative x <driver>` for each driver. The drivers
        themselves, and all else that companies share in a period, are absorbed.

    Raises
    ------
    InsufficientDataError
        Fewer than five periods are left.

    Notes
    -----
    Period effects; standard errors clustered by company and by period (Cameron, Gelbach and Miller, 2011), each part
    by the jackknife over clusters (CV3; MacKinnon, Nielsen and Webb, 2023) and never below the period part, with
    Student's t for the smaller number of clusters less one. Without the jackknife, 5% tests reject 10% on 57 months,
    because few months hold most of the variation of a rise or a fall.
    """
    dates = panel.index.get_level_values("date")
    own = {
        f"{name} x {driver}": panel[name].to_numpy() * moves[driver].reindex(dates).to_numpy()
        for driver in moves.columns
        for name in ("leverage", "negative")
    }
    regressors = ["leverage", "negative", *controls, *own]
    data = _complete(panel.assign(**own), regressors)
    names = _varying(data, regressors)
    within = data - data.groupby(level="date").transform("mean")
    x, y = within[names].to_numpy(), within["return"].to_numpy()
    clusters = [pd.factorize(data.index.get_level_values(level))[0] for level in ("company", "date")]
    params, errors = _two_way_clustered(x, y, clusters[0], clusters[1])
    freedom = min(int(codes.max()) for codes in clusters)
    return _regression(pd.Series(params, names), pd.Series(errors, names), data, freedom)


def _two_way_clustered(x: Floats, y: Floats, company: Positions, period: Positions) -> tuple[Floats, Floats]:
    """Return least-squares coefficients, shape (k,), and their standard errors; `rate_interaction` says which."""
    bread = np.linalg.inv(x.T @ x)
    params = bread @ (x.T @ y)
    scores = x * (y - x @ params)[:, None]
    both = bread @ (scores.T @ scores) @ bread
    by_period = _jackknife_covariance(x, y, period)
    two_way = _jackknife_covariance(x, y, company) + by_period - both
    return params, np.sqrt(np.maximum(np.diag(two_way), np.diag(by_period)))


def _jackknife_covariance(x: Floats, y: Floats, cluster: Positions) -> Floats:
    """Return (G - 1)/G times the sum of squared moves of the coefficients when each of G clusters is left out."""
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
    parts = np.split(x[order], starts[1:])
    squares = np.array([part.T @ part for part in parts])
    products = np.add.reduceat(x[order] * y[order, None], starts)
    rest = squares.sum(axis=0) - squares, products.sum(axis=0) - products
    without = np.linalg.solve(rest[0], rest[1][:, :, None])[:, :, 0]
    moved = without - np.linalg.solve(squares.sum(axis=0), products.sum(axis=0))
    return np.asarray((len(starts) - 1) / len(starts) * moved.T @ moved)


def rises_and_falls(level: "pd.Series[float]", dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Split the change of a rate over each period into its rises (`up`) and falls (`down`, negative).

    Parameters
    ----------
    level : Series
        The rate, decimals, by date; the last value known on a date counts.
    dates : DatetimeIndex
        The periods' ends.

    Returns
    -------
    DataFrame
        Indexed by `dates` without the first; percentage points.
    """
    at = level.dropna().sort_index().reindex(dates, method="ffill")
    change = 100 * at.diff().iloc[1:]
    return pd.DataFrame({"up": change.clip(lower=0), "down": change.clip(upper=0)})


@dataclass(frozen=True)
class EventDay(Shown):
    """How strongly one day's returns went with leverage, against all other days.

    Attributes
    ----------
    asked, session : str
        The date asked for, and the session it counts on; empty where there is none in the data.
    n : int
        Companies with a known ratio and a return.
    slope : float
        Return per unit of net debt to EBITDA.
    low, high : float
        Where 95% of the other days' slopes lie.
    p_value : float
        Two-sided: the share of days at least as far from the other days' median, this one included.
    p_smallest : float
        The smallest that so many days can give.
    n_placebo : int
        Other days.
    """

    asked: str
    session: str
    n: int
    slope: float
    low: float
    high: float
    p_value: float
    p_smallest: float
    n_placebo: int


def daily_slopes(returns: Floats, leverage: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return each day's least-squares slope of returns on leverage, and its companies; both of shape (T, N) go in."""
    both = np.isfinite(returns) & np.isfinite(leverage)
    n = both.sum(axis=1)
    x, y = np.where(both, leverage, 0.0), np.where(both, returns, 0.0)
    divisor = np.maximum(n, 1)
    spread = (x * x).sum(axis=1) - x.sum(axis=1) ** 2 / divisor
    together = (x * y).sum(axis=1) - x.sum(axis=1) * y.sum(axis=1) / divisor
    enough = (n >= MIN_FIRMS) & (spread > 0)
    return np.divide(together, spread, out=np.full(len(n), np.nan), where=enough), n


def event_days(
    firms: pd.DataFrame, prices: pd.DataFrame, events: Sequence[str]
) -> tuple[list[EventDay], "pd.Series[float]"]:
    """Compare the slope of returns on leverage on chosen days with the same slope on all other days.

    Companies are hit together, so that a t-statistic that takes them as independent finds something on most days. The
    other days show how large the slope is when nothing in particular happens.

    Parameters
    ----------
    firms, prices
        As in `build_panel`.
    events : sequence of str
        Dates (yyyy-mm-dd); one without a session counts on the next.

    Returns
    -------
    list of EventDay
        In the order asked for.
    Series
        The slope of every session that has one, events included.
    """
    known = latest_known(firms, pd.DatetimeIndex(prices.index), prices.columns)
    net_debt, ebitda = known.take(firms["net_debt"].to_numpy()), known.take(firms["ebitda"].to_numpy())
    returns = period_returns(prices, known.dates)
    ratio = np.where(np.isfinite(returns), defined_ratio(net_debt, ebitda), np.nan)
    slopes, n = daily_slopes(returns, winsorise(ratio))
    at = prices.index.searchsorted(pd.DatetimeIndex(list(events)))
    other = np.delete(slopes, [position for position in at if position < len(slopes)])
    placebo = other[np.isfinite(other)]
    days = [
        _event_day(asked, int(where), pd.Series(slopes, known.dates), n, placebo)
        for asked, where in zip(events, at, strict=True)
    ]
    return days, pd.Series(slopes, known.dates, name="slope").dropna()


def _event_day(asked: str, where: int, slopes: "pd.Series[float]", n: NDArray[np.intp], placebo: Floats) -> EventDay:
    if where >= len(slopes) or not np.isfinite(slopes.iloc[where]) or not len(placebo):
        return EventDay(asked, "", 0, np.nan, np.nan, np.nan, np.nan, np.nan, len(placebo))
    slope, middle, days = float(slopes.iloc[where]), float(np.median(placebo)), len(placebo) + 1
    low, high = np.quantile(placebo, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    as_far = int((np.abs(placebo - middle) >= abs(slope - middle)).sum())
    return EventDay(
        asked=asked,
        session=str(slopes.index[where].date()),
        n=int(n[where]),
        slope=slope,
        low=float(low),
        high=float(high),
        p_value=(1 + as_far) / days,
        p_smallest=1 / days,
        n_placebo=len(placebo),
    )


def exposures(returns: pd.DataFrame, drivers: pd.DataFrame, *, lags: int = 12) -> dict[str, Regression]:
    """Regress each of several return series on what moved in the same period.

    Parameters
    ----------
    returns, drivers : DataFrame
        On the same dates; periods with a gap are passed over.
    lags : int
        Of the Newey-West standard errors, in periods.

    Returns
    -------
    dict of str to Regression
        By column of `returns`; all drivers together in each, and a `constant`.
    """
    import statsmodels.api as sm

    fits = {}
    for name in returns.columns:
        data = pd.concat([returns[name].rename("return"), drivers.assign(constant=1.0)], axis=1, join="inner").dropna()
        exog = data.drop(columns="return")
        fit = sm.OLS(data["return"], exog).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
        freedom = len(data) - exog.shape[1]
        fits[str(name)] = Regression(_table(fit.params, fit.bse, freedom), len(data), len(data), 1)
    return fits


def _complete(panel: pd.DataFrame, regressors: Sequence[str]) -> pd.DataFrame:
    data = panel[["return", *regressors]].dropna()
    periods = data.groupby(level="date")["return"].transform("size")
    data = data[periods >= max(MIN_FIRMS, len(regressors) + 2)]
    return _enough_periods(data)


def _enough_periods(data: pd.DataFrame) -> pd.DataFrame:
    periods = data.index.get_level_values("date").nunique()
    if periods < MIN_PERIODS:
        raise InsufficientDataError(f"{periods} periods with {MIN_FIRMS} companies or more; {MIN_PERIODS} are needed")
    return data


def _estimable(data: pd.DataFrame) -> pd.DataFrame:
    """Leave out periods in which a regressor does not vary, so that its slope cannot be told from the constant."""
    by_date = data.drop(columns="return").groupby(level="date")
    varies = (by_date.max() > by_date.min()).all(axis=1)
    data = data[varies.reindex(data.index.get_level_values("date")).to_numpy()]
    return _enough_periods(data)


def _varying(data: pd.DataFrame, regressors: Sequence[str]) -> list[str]:
    return [name for name in regressors if data[name].max() > data[name].min()]


def _regression(params: "pd.Series[float]", errors: "pd.Series[float]", data: pd.DataFrame, freedom: int) -> Regression:
    companies, periods = (int(data.index.get_level_values(level).nunique()) for level in ("company", "date"))
    return Regression(_table(params, errors, freedom), len(data), periods, companies)


def _table(params: "pd.Series[float]", errors: "pd.Series[float]", freedom: int) -> pd.DataFrame:
    from scipy.stats import t as student

    t_values = params / errors
    half = student.ppf((1 + CONFIDENCE) / 2, freedom) * errors
    return pd.DataFrame(
        {
            "coefficient": params,
            "standard_error": errors,
            "t_value": t_values,
            "p_value": 2 * student.sf(t_values.abs(), freedom),
            "low": params - half,
            "high": params + half,
        }
    ).rename_axis("regressor")
