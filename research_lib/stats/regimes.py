"""Means, sensitivities and responses by regime; a regime is what was known before the period that it is applied to."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.shown import Shown
from research_lib.stats.inference import (
    CONFIDENCE,
    DEFAULT_BLOCKS,
    Blocks,
    Floats,
    OverlapRegression,
    bootstrap_difference,
    bootstrap_mean,
    hodrick_regression,
    holm,
    shift_test,
)

CONSTANT = "constant"
SHOCK = 1  # the column after the constant
NORMAL_QUANTILE = 1.959963984540054  # of the standard normal at 97.5%
FIRST_ITERATIONS, MORE_ITERATIONS = 200, 2000


@dataclass(frozen=True)
class RegimeMean(Shown):
    """The mean return in one regime.

    Attributes
    ----------
    state : str
        The regime.
    n, spells : int
        Periods in it, and how many times it was entered: the smaller number is what is known of it.
    mean, low, high : float
        Per period, with the 95% block-bootstrap interval.
    positive_share : float
        Of its periods.
    """

    state: str
    n: int
    spells: int
    mean: float
    low: float
    high: float
    positive_share: float


@dataclass(frozen=True)
class RegimeDifference(Shown):
    """The mean in one regime less that in another.

    Attributes
    ----------
    first, second : str
        The regimes.
    n : int
        Periods in both together.
    difference, low, high : float
        Per period, with the 95% block-bootstrap interval.
    p_shift, p_smallest : float
        Two-sided, against all circular shifts of the regimes; and the smallest value that can give.
    """

    first: str
    second: str
    n: int
    difference: float
    low: float
    high: float
    p_shift: float
    p_smallest: float


def known_before(states: "pd.Series[str]") -> "pd.Series[str]":
    """Give each period the state that was known when it began, at the close of the one before."""
    return states.shift(1)


def regime_means(
    returns: "pd.Series[float]", states: "pd.Series[str]", *, blocks: Blocks = DEFAULT_BLOCKS
) -> list[RegimeMean]:
    """Take the mean return in each regime.

    Parameters
    ----------
    returns : Series of shape (periods,)
        One period each, not overlapping.
    states : Series of shape (periods,)
        The state known before each period (`known_before`); periods without one are left out.
    blocks : Blocks
        How to resample.

    Returns
    -------
    list of RegimeMean
        By the states' names; a regime of fewer than two periods is left out.
    """
    values, labels = _aligned(returns, states)
    found = [str(state) for state, n in pd.Series(labels).value_counts().sort_index().items() if n >= 2]
    return [_regime_mean(values, labels == state, state, blocks) for state in found]


def _regime_mean(values: Floats, members: NDArray[np.bool_], state: str, blocks: Blocks) -> RegimeMean:
    result = bootstrap_mean(values, members, blocks=blocks)
    spells = int(members[0]) + int((members[1:] & ~members[:-1]).sum())
    positive = float(np.mean(values[members] > 0))
    return RegimeMean(state, result.n, spells, result.mean, result.low, result.high, positive)


def regime_difference(
    returns: "pd.Series[float]", states: "pd.Series[str]", first: str, second: str, *, blocks: Blocks = DEFAULT_BLOCKS
) -> RegimeDifference:
    """Compare the mean returns of two regimes; as `regime_means`.

    Raises
    ------
    InsufficientDataError
        One of the two holds fewer than two periods.
    """
    values, labels = _aligned(returns, states)
    members = [labels == state for state in (first, second)]
    for state, member in zip((first, second), members, strict=True):
        if member.sum() < 2:
            raise InsufficientDataError(f"regime {state}: {member.sum()} periods; a mean with an interval needs two")
    result = bootstrap_difference(values, *members, blocks=blocks)
    p_value = shift_test(values, *members)
    return RegimeDifference(
        str(first), str(second), result.n, result.mean, result.low, result.high, p_value, 1 / len(values)
    )


def _aligned(returns: "pd.Series[float]", states: "pd.Series[str]") -> tuple[Floats, NDArray[np.object_]]:
    labels = states.reindex(returns.index)
    known = labels.notna() & returns.notna()
    return np.asarray(returns[known], dtype=np.float64), np.asarray(labels[known], dtype=object)


@dataclass(frozen=True)
class MarkovFit(Shown):
    """A Markov-switching model, its regimes in ascending order of their means.

    Attributes
    ----------
    means, variances : array of shape (regimes,)
        Of the series in each regime; one variance repeated where it does not switch.
    transition : array of shape (regimes, regimes)
        Row: from; column: to.
    filtered : DataFrame of shape (periods, regimes)
        Probability of each regime by what was seen up to each period. The parameters are those of the whole sample, so
        that only the probabilities, not the model, are of their time.
    autoregression : array of shape (order,)
        Coefficients of the deviations from the regime's mean.
    log_likelihood : float
        At its maximum.
    """

    means: Floats
    variances: Floats
    transition: Floats
    filtered: pd.DataFrame
    autoregression: Floats
    log_likelihood: float


def fit_markov(
    series: "pd.Series[float]", *, regimes: int = 2, switching_variance: bool = True, order: int = 0
) -> MarkovFit:
    """Fit a model whose mean (and variance) switch between hidden regimes.

    Parameters
    ----------
    series : Series of shape (periods,)
        Without gaps.
    regimes : int
        Their number.
    switching_variance : bool
        Whether the variance switches with the mean.
    order : int
        Of an autoregression of the deviations from the mean, that does not switch.

    Raises
    ------
    InsufficientDataError
        The likelihood has no maximum that can be found.

    Notes
    -----
    Hamilton (1989), by statsmodels; EM steps first, from values that depend on the data alone.
    """
    model = _markov_model(series, regimes, switching=switching_variance, order=order)
    result = _maximise(model)
    params = pd.Series(np.asarray(result.params), model.param_names)
    means = params[[f"const[{k}]" for k in range(regimes)]].to_numpy()
    names = [f"sigma2[{k}]" if switching_variance else "sigma2" for k in range(regimes)]
    rank = np.argsort(means)
    filtered = np.asarray(result.filtered_marginal_probabilities).reshape(-1, regimes)[:, rank]
    return MarkovFit(
        means=means[rank],
        variances=params[names].to_numpy()[rank],
        transition=np.asarray(result.regime_transition)[:, :, 0].T[np.ix_(rank, rank)],
        filtered=pd.DataFrame(filtered, index=series.index[order:], columns=range(regimes)),
        autoregression=params[[f"ar.L{lag}" for lag in range(1, order + 1)]].to_numpy(),
        log_likelihood=float(result.llf),
    )


def _markov_model(series: "pd.Series[float]", regimes: int, *, switching: bool, order: int) -> Any:  # noqa: ANN401  # statsmodels is untyped
    from statsmodels.tsa.regime_switching.markov_autoregression import MarkovAutoregression
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    values = series.to_numpy(dtype=np.float64)
    if order == 0:
        return MarkovRegression(values, k_regimes=regimes, switching_variance=switching)
    return MarkovAutoregression(
        values, k_regimes=regimes, order=order, switching_ar=False, switching_variance=switching
    )


def _maximise(model: Any) -> Any:  # noqa: ANN401  # statsmodels is untyped
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # asked of the result instead
        for iterations in (FIRST_ITERATIONS, MORE_ITERATIONS):
            result = model.fit(disp=False, maxiter=iterations, em_iter=20)
            if result.mle_retvals["converged"]:
                return result
    raise InsufficientDataError(f"Markov-switching model: no maximum found in {model.nobs} periods")


@dataclass(frozen=True)
class Agreement(Shown):
    """How often two ways of telling regimes agree.

    Attributes
    ----------
    n : int
        Periods that both judge.
    share : float
        Of them, judged the same.
    by_chance : float
        Share expected of two unrelated judges that call the regime as often as these.
    kappa : float
        (share - by_chance)/(1 - by_chance): 1 full, 0 chance (Cohen, 1960).
    """

    n: int
    share: float
    by_chance: float
    kappa: float


def agreement(first: "pd.Series[bool]", second: "pd.Series[bool]") -> Agreement:
    """Compare two yes-or-no series on their common periods."""
    pair = pd.concat([first, second], axis=1, join="inner").dropna().astype(bool).to_numpy()
    share = float(np.mean(pair[:, 0] == pair[:, 1]))
    yes = pair.mean(axis=0)
    chance = float(yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1]))
    kappa = (share - chance) / (1 - chance) if chance < 1 else np.nan
    return Agreement(len(pair), share, chance, kappa)


@dataclass(frozen=True)
class Sensitivity(Shown):
    """A regression of returns on what moved at the same time.

    Attributes
    ----------
    table : DataFrame
        Index: drivers, the constant first; columns `coefficient`, `standard_error`, `low`, `high`, `p_value`.
    n, lags : int
        Periods, and lags of the Newey-West covariance.
    r_squared : float
        Of the regression.
    p_equal : float
        That up and down moves have the same coefficient; NaN where moves were not split.
    """

    table: pd.DataFrame
    n: int
    lags: int
    r_squared: float
    p_equal: float = np.nan


def newey_west_lags(periods: int) -> int:
    """Return the usual number of lags, floor(4 (T/100)^(2/9)) (Newey and West, 1994)."""
    return int(4 * (periods / 100) ** (2 / 9))


def split_moves(drivers: pd.DataFrame, name: str) -> pd.DataFrame:
    """Put a driver's rises and falls into columns of their own, `name_up` and `name_down`; the other one is zero."""
    split = {f"{name}_up": drivers[name].clip(lower=0), f"{name}_down": drivers[name].clip(upper=0)}
    return drivers.drop(columns=name).assign(**split)


def rate_sensitivity(
    returns: "pd.Series[float]", drivers: pd.DataFrame, *, split: str = "", lags: int | None = None
) -> Sensitivity:
    """Regress returns on drivers of the same period.

    Parameters
    ----------
    returns : Series of shape (periods,)
        Small less large, simple returns.
    drivers : DataFrame of shape (periods, drivers)
        Market returns, changes of yields and spreads, decimals.
    split : str
        A driver whose rises and falls get their own coefficients.
    lags : int, optional
        Of the Newey-West covariance; by default `newey_west_lags`.

    Raises
    ------
    InsufficientDataError
        Fewer than ten periods a driver have all values.
    """
    used = split_moves(drivers, split) if split else drivers
    y, x = _complete(returns, used)
    x.insert(0, CONSTANT, 1.0)
    fit, chosen = _newey_west(y, x, lags)
    p_equal = float(fit.t_test(f"{split}_up = {split}_down").pvalue) if split else np.nan
    return Sensitivity(_coefficients(fit), len(y), chosen, float(fit.rsquared), p_equal)


def sensitivity_by_regime(
    returns: "pd.Series[float]", drivers: pd.DataFrame, states: "pd.Series[str]", *, lags: int | None = None
) -> Sensitivity:
    """Regress returns on drivers with coefficients of their own in each regime, in one regression.

    One regression keeps the periods in order, which the Newey-West covariance needs. Rows are named
    `driver [state]`; `constant [state]` is each regime's constant.
    """
    labels = states.reindex(drivers.index)
    found = sorted(labels.dropna().unique())
    columns = {}
    for state in found:
        inside = (labels == state).astype(float).where(labels.notna())
        columns[f"{CONSTANT} [{state}]"] = inside
        columns |= {f"{name} [{state}]": drivers[name] * inside for name in drivers.columns}
    y, x = _complete(returns, pd.DataFrame(columns))
    fit, chosen = _newey_west(y, x, lags)
    return Sensitivity(_coefficients(fit), len(y), chosen, float(fit.rsquared))


def _newey_west(y: "pd.Series[float]", x: pd.DataFrame, lags: int | None) -> tuple[Any, int]:
    import statsmodels.api as sm

    chosen = newey_west_lags(len(y)) if lags is None else lags
    return sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": chosen, "use_correction": True}), chosen


def _coefficients(fit: Any) -> pd.DataFrame:  # noqa: ANN401  # statsmodels is untyped
    low, high = fit.conf_int(alpha=1 - CONFIDENCE).to_numpy().T
    columns = {"coefficient": fit.params, "standard_error": fit.bse, "low": low, "high": high, "p_value": fit.pvalues}
    return pd.DataFrame(columns)


def rolling_sensitivity(returns: "pd.Series[float]", drivers: pd.DataFrame, *, window: int) -> pd.DataFrame:
    """Regress over the last `window` periods, again and again; rows without a full window are left out."""
    from statsmodels.regression.rolling import RollingOLS

    y, x = _complete(returns, drivers)
    x.insert(0, CONSTANT, 1.0)
    if len(y) < window:
        raise InsufficientDataError(f"rolling sensitivity: {len(y)} periods are fewer than the window of {window}")
    return pd.DataFrame(RollingOLS(y, x, window=window).fit(params_only=True).params).dropna()


def _complete(returns: "pd.Series[float]", drivers: pd.DataFrame) -> "tuple[pd.Series[float], pd.DataFrame]":
    joined = pd.concat([returns.rename("returns"), drivers], axis=1, join="inner").dropna()
    if len(joined) < 10 * drivers.shape[1]:
        raise InsufficientDataError(
            f"rate sensitivity: {len(joined)} periods have all of {', '.join(map(str, drivers.columns))}; "
            f"ten a driver are needed"
        )
    return joined["returns"], joined.drop(columns="returns")


@dataclass(frozen=True)
class Response(Shown):
    """The return over the next periods that goes with one unit of a shock.

    Attributes
    ----------
    horizon, n : int
        Periods ahead, and overlapping observations.
    coefficient, standard_error, low, high : float
        Sum of returns per unit of the shock, with Hodrick's standard error and 95% interval.
    p_value, p_holm : float
        Two-sided; and adjusted for the number of horizons.
    """

    horizon: int
    n: int
    coefficient: float
    standard_error: float
    low: float
    high: float
    p_value: float
    p_holm: float


def local_projections(
    returns: "pd.Series[float]",
    shock: "pd.Series[float]",
    horizons: Sequence[int],
    *,
    controls: pd.DataFrame | None = None,
) -> list[Response]:
    """Regress the returns over several horizons on a shock, each horizon by itself (Jordà, 2005).

    Parameters
    ----------
    returns : Series of shape (periods,)
        One-period returns.
    shock : Series of shape (periods,)
        What happened in each period; the returns are those after it.
    horizons : sequence of int
        Periods ahead.
    controls : DataFrame of shape (periods, controls), optional
        Known at the end of each period.
    """
    known = shock.to_frame("shock") if controls is None else controls.assign(shock=shock)[["shock", *controls.columns]]
    y, x = _complete(returns, known)
    x.insert(0, CONSTANT, 1.0)
    arrays = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    fits = [hodrick_regression(*arrays, horizon=horizon) for horizon in horizons]
    adjusted = holm([fit.p_values[SHOCK] for fit in fits])
    return [_response(fit, float(p_holm)) for fit, p_holm in zip(fits, adjusted, strict=True)]


def _response(fit: OverlapRegression, p_holm: float) -> Response:
    effect, error = float(fit.coefficients[SHOCK]), float(fit.standard_errors[SHOCK])
    reach = NORMAL_QUANTILE * error
    return Response(
        fit.horizon, fit.n, effect, error, effect - reach, effect + reach, float(fit.p_values[SHOCK]), p_holm
    )
