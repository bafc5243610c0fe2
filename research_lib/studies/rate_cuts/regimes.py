"""Easing, tightening and hold; and what small less large has to do with rates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research_lib.shown import Shown
from research_lib.stats.inference import (
    DEFAULT_BLOCKS,
    Blocks,
    Floats,
)
from research_lib.stats.policy_cycles import (
    PolicyState,
    to_sessions,
)
from research_lib.stats.regimes import (
    Agreement,
    MarkovFit,
    RegimeDifference,
    RegimeMean,
    Response,
    Sensitivity,
    agreement,
    fit_markov,
    known_before,
    local_projections,
    rate_sensitivity,
    regime_difference,
    regime_means,
    rolling_sensitivity,
    sensitivity_by_regime,
)
from research_lib.studies.rate_cuts.load import STALE_DAYS, Market, Policy, Rates, to_months
from research_lib.studies.result import Unavailable

ROLLING_MONTHS, ROLLING_SESSIONS = 60, 504


@dataclass(frozen=True)
class RegimeStudy(Shown):
    """Small less large by the state of policy, and by a Markov-switching model.

    Attributes
    ----------
    means : tuple of RegimeMean
        By state, per period of the market.
    differences : tuple of RegimeDifference
        Easing less tightening, easing less hold, tightening less hold.
    markov : MarkovFit
        Of the months of small less large.
    markov_agreement : Agreement
        Of "the regime of the higher mean is likelier than not" (filtered) with "policy is easing", by months.
    """

    means: tuple[RegimeMean, ...]
    differences: tuple[RegimeDifference, ...]
    markov: MarkovFit
    markov_agreement: Agreement


def study_regimes(
    policy: Policy, market: Market, *, hold_days: int = 180, blocks: Blocks = DEFAULT_BLOCKS
) -> RegimeStudy:
    """Compare the states of policy, each as known before the period."""
    states = known_before(policy.states(market.legs.index, hold_days=hold_days))
    pairs = [
        (PolicyState.EASING, PolicyState.TIGHTENING),
        (PolicyState.EASING, PolicyState.HOLD),
        (PolicyState.TIGHTENING, PolicyState.HOLD),
    ]
    months = to_months(market).relative
    markov = fit_markov(months)
    judged = known_before(policy.states(pd.DatetimeIndex(months.index), hold_days=hold_days)).dropna()
    likelier = markov.filtered.iloc[:, -1] > 0.5
    return RegimeStudy(
        means=tuple(regime_means(market.relative, states, blocks=blocks)),
        differences=tuple(regime_difference(market.relative, states, *pair, blocks=blocks) for pair in pairs),
        markov=markov,
        markov_agreement=agreement(likelier, judged == PolicyState.EASING),
    )


@dataclass(frozen=True)
class SensitivityStudy(Shown):
    """Small less large against the market, yields and credit spreads.

    Attributes
    ----------
    full, split, by_regime : Sensitivity
        Of the whole sample; with up and down moves of one driver apart; with coefficients by state of policy.
    rolling : DataFrame
        Coefficients over a moving window, dated by its end.
    responses : tuple of Response
        Local projections on 25 bp of cuts in a period, the market's and the relative return of that period held fixed.
    """

    full: Sensitivity
    split: Sensitivity
    by_regime: Sensitivity
    rolling: pd.DataFrame
    responses: tuple[Response, ...]


def rate_drivers(market: Market, levels: pd.DataFrame) -> pd.DataFrame:
    """Put the market's return beside the changes of yields and spreads over the same periods.

    Parameters
    ----------
    levels : DataFrame
        Yields and spreads, decimals, each on its own dates.

    Returns
    -------
    DataFrame of shape (periods, 1 + levels)
        `market`, and `d_` before each name in small letters. A level is carried over at most a week.
    """
    index = market.legs.index
    known = {f"d_{name.lower()}": _levels_at(levels[name].dropna(), index).diff() for name in levels.columns}
    return pd.DataFrame({"market": market.broad, **known})


def _levels_at(levels: "pd.Series[float]", index: pd.DatetimeIndex) -> "pd.Series[float]":
    at = levels.index.searchsorted(index, side="right") - 1
    age: Floats = np.asarray((index - levels.index[np.maximum(at, 0)]).days)
    fresh = (at >= 0) & (age <= STALE_DAYS)
    return pd.Series(np.where(fresh, levels.to_numpy(dtype=np.float64)[at], np.nan), index)


def study_sensitivity(
    policy: Policy, market: Market, drivers: pd.DataFrame, *, split: str, window: int
) -> SensitivityStudy:
    """Regress small less large on its drivers, in the four ways of `SensitivityStudy`.

    Parameters
    ----------
    drivers : DataFrame
        As `rate_drivers` gives it.
    split : str
        The driver whose up and down moves are told apart.
    window : int
        Periods of the rolling regression.
    """
    relative = market.relative
    states = known_before(policy.states(market.legs.index))
    return SensitivityStudy(
        full=rate_sensitivity(relative, drivers),
        split=rate_sensitivity(relative, drivers, split=split),
        by_regime=sensitivity_by_regime(relative, drivers, states),
        rolling=rolling_sensitivity(relative, drivers, window=window),
        responses=tuple(cut_responses(policy, market)),
    )


def cut_responses(policy: Policy, market: Market, *, horizons: Sequence[int] = ()) -> list[Response]:
    """Project small less large over the next periods on 25 bp of cuts, since the first decision that is known of."""
    cuts = policy.changes_bp[policy.changes_bp < 0]
    at = to_sessions(pd.DatetimeIndex(cuts.index), market.legs.index, monthly=market.monthly)
    sizes = np.zeros(len(market.legs.index))
    np.add.at(sizes, at[at >= 0], -cuts.to_numpy()[at >= 0] / 25)
    shock = pd.Series(sizes, market.legs.index)[policy.changes_bp.index[0] :]
    controls = pd.DataFrame({"market": market.broad, "relative": market.relative})
    return local_projections(market.relative, shock, tuple(horizons) or market.horizons, controls=controls)


def sensitivity_to_rates(policy: Policy, market: Market, rates: Rates) -> SensitivityStudy | Unavailable:
    """Regress on the yields and spreads that the source has; five years a window of months, two of sessions."""
    if not rates.split:
        return Unavailable("this source has neither DGS10 nor, by months, the bill rate RF.")
    drivers = rate_drivers(market, rates.levels)
    window = ROLLING_MONTHS if market.monthly else ROLLING_SESSIONS
    return study_sensitivity(policy, market, drivers, split=rates.split, window=window)
