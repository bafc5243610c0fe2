"""The specification curve: the same question in every defensible way, beside what random signs give."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.policy import CycleRule, policy_events, to_positions
from research_lib.stats.randomization import LEAST_GROUPS, LEVEL, TIES, signed_sums
from research_lib.stats.regression import rolling_beta
from research_lib.studies.rate_cuts.load import ReturnPair

Floats = NDArray[np.float64]

CUTS_BP, TIGHTENINGS_BP, PAUSES_DAYS = (12.5, 25.0, 50.0), (25.0, 50.0, 100.0), (270, 365, 730)
START_YEARS = (0, 1985, 1990, 1995, 2000)  # 0: all of the data
LEAST_EVENTS = 2
DRAWS = 199
AXES = ("pair", "start_year", "measure", "beta_adjusted", "horizon", "min_cut_bp", "min_tightening_bp", "pause_days")


def specification_curve(
    pairs: Sequence[ReturnPair],
    changes: pd.DataFrame,
    horizons: Sequence[int],
    *,
    rule: CycleRule,
    betas: int,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[pd.DataFrame, Floats, Floats]:
    """Vary the pair, the start, the measure, the adjustment for beta, the horizon and the rule for a first cut.

    Parameters
    ----------
    pairs : sequence of ReturnPair
        All by sessions, or all by months.
    changes : DataFrame
        Changes of the target, as `policy_events` takes them.
    horizons : sequence of int
        Periods after the cut.
    rule : CycleRule
        The headline's; it joins the 27 usual ones.
    betas : int
        Periods that a beta is fitted on.
    draws, seed : int
        Of the null: the same returns, less their mean, with a random sign for each period, the same for all pairs.

    Returns
    -------
    table : DataFrame of shape (specifications, 11)
        `AXES`, `n` events, `mean` outcome (decimals) and the sign-flip `p` of each specification with at least two
        events; p is NaN under six events, which never reject at 5%.
    means, p_values : array of shape (draws, specifications)
        The same under each draw of the null.

    Raises
    ------
    InsufficientDataError
        No specification has two events.
    """
    rules = list(dict.fromkeys([rule, *(CycleRule(*one) for one in product(CUTS_BP, TIGHTENINGS_BP, PAUSES_DAYS))]))
    cuts = [pd.DatetimeIndex(policy_events(changes, "first cut", one).index) for one in rules]
    days = sorted(set().union(*(pair.index for pair in pairs)))
    signs = np.random.default_rng(seed).integers(0, 2, size=(draws, len(days)), dtype=np.int8) * 2 - 1
    rows: list[tuple[object, ...]] = []
    means, p_values = [], []
    for pair in pairs:
        positions = [np.unique(to_positions(dates, pair.index, monthly=pair.monthly)) for dates in cuts]
        events = np.unique(np.concatenate(positions))
        events = events[events >= 0]
        members = [np.isin(events, at) for at in positions]
        own_signs = signs[:, pd.Index(days).get_indexer(pair.index)]
        known: dict[bytes, tuple[Floats, Floats]] = {}
        for (measure, adjusted, horizon), outcomes in _outcomes(pair, events, horizons, own_signs, betas).items():
            covered = np.isfinite(outcomes[0])
            known.clear()
            for year in _distinct_starts(pair.index[events], pair.index[0].year):
                late = covered & (pair.index[events].year >= year)
                for one, member in zip(rules, members, strict=True):
                    chosen = member & late
                    if chosen.sum() < LEAST_EVENTS:
                        continue
                    if chosen.tobytes() not in known:
                        known[chosen.tobytes()] = _mean_and_p(outcomes[:, chosen])
                    mean, p = known[chosen.tobytes()]
                    rule_values = (one.min_cut_bp, one.min_tightening_bp, one.pause_days)
                    rows.append((pair.name, year, measure, adjusted, horizon, *rule_values, int(chosen.sum())))
                    means.append(mean)
                    p_values.append(p)
    if not rows:
        raise InsufficientDataError(f"no way to ask the question has {LEAST_EVENTS} first cuts inside the data")
    all_means, all_p = np.array(means).T, np.array(p_values).T
    table = pd.DataFrame(rows, columns=[*AXES, "n"]).assign(mean=all_means[0], p=all_p[0])
    return table, all_means[1:], all_p[1:]


def _distinct_starts(events: pd.DatetimeIndex, first_year: int) -> list[int]:
    """Return the start years that leave different events; a year before the data begin is one with all of the data."""
    starts = {tuple(events.year >= year): year for year in reversed(START_YEARS) if year == 0 or year > first_year}
    return sorted(starts.values())


def _outcomes(
    pair: ReturnPair, events: NDArray[np.intp], horizons: Sequence[int], signs: NDArray[np.int8], betas: int
) -> dict[tuple[str, bool, int], Floats]:
    """Return the outcomes of the events by (measure, whether beta-adjusted, horizon); shape (1 + draws, events).

    The first row holds the returns as they were. A random sign common to all legs leaves betas as they were.
    """

    def draws_of(leg: "pd.Series[float]") -> Floats:
        actual = leg.to_numpy(dtype=np.float64)
        return np.vstack([actual, signs * (actual - actual.mean())])

    beta = rolling_beta(pair.difference, pair.market, window=betas)[events]
    legs = {"difference": draws_of(pair.difference), "market": draws_of(pair.market)}
    if pair.large is not None:
        legs |= {"small": draws_of(pair.small), "large": draws_of(pair.large)}
    sums = {name: np.cumsum(legs[name], axis=1) for name in ("difference", "market")}
    wealth = {name: np.cumprod(1 + leg, axis=1) for name, leg in legs.items() if name != "difference"}
    found: dict[tuple[str, bool, int], Floats] = {}
    for horizon in horizons:
        inside = events + horizon < len(pair.index)
        start, end = events, np.where(inside, events + horizon, events)
        added = {name: np.where(inside, level[:, end] - level[:, start], np.nan) for name, level in sums.items()}
        grown = {name: np.where(inside, level[:, end] / level[:, start] - 1, np.nan) for name, level in wealth.items()}
        found["sum", False, horizon] = added["difference"]
        found["sum", True, horizon] = added["difference"] - beta * added["market"]
        if pair.large is not None:
            compounded = grown["small"] - grown["large"]
            found["compounded", False, horizon] = compounded
            found["compounded", True, horizon] = compounded - beta * grown["market"]
    return found


def _mean_and_p(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and sign-flip p-value of each row of outcomes; shape (rows,) each."""
    mean = values.mean(axis=1)
    if values.shape[1] < LEAST_GROUPS:
        return mean, np.full(len(values), np.nan)
    sums = np.abs(signed_sums(values))
    return mean, np.asarray(np.mean(sums >= sums[:, :1] * (1 - TIES), axis=1))


def shares(means: Floats, p_values: Floats) -> tuple[Floats, Floats]:
    """Return the share of specifications with a positive mean, and of those that can, the share with p at most 5%."""
    tested = np.isfinite(p_values)
    differs = np.where(tested, p_values <= LEVEL + TIES, np.nan)
    share = np.nanmean(differs, axis=-1) if tested.any() else np.full(means.shape[:-1], np.nan)
    return np.asarray((means > 0).mean(axis=-1)), np.asarray(share)
