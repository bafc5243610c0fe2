"""The specification curve: the same question in every defensible way, beside what random signs give."""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL, Floats
from research_lib.stats.policy import CycleRule, policy_events, to_positions
from research_lib.stats.randomization import LEAST_GROUPS, TIES, signed_sums
from research_lib.stats.regression import rolling_beta
from research_lib.studies.rate_cuts.load import ReturnPair

CUTS_BP, TIGHTENINGS_BP, PAUSES_DAYS = (12.5, 25.0, 50.0), (25.0, 50.0, 100.0), (270, 365, 730)
START_YEARS = (0, 1985, 1990, 1995, 2000)  # 0: all of the data
LEAST_EVENTS = 2
DRAWS = 199
AXES = ("pair", "measure", "horizon", "start_year", "min_cut_bp", "min_tightening_bp", "pause_days")


def specification_curve(
    pairs: Sequence[ReturnPair],
    changes: pd.DataFrame,
    horizons: Iterable[int],
    *,
    rule: CycleRule,
    beta_periods: int,
    seed: int = 0,
) -> tuple[pd.DataFrame, Floats, Floats]:
    """Vary the pair, the measure, the horizon, the start, and what makes a first cut: the rule joins the 27 usual ones.

    Pairs are all by sessions, or all by months; so are horizons and the periods that a beta is fitted on.

    Returns a table of the specifications with at least two events: `AXES`, n events, mean outcome (decimals) and sign-flip
    p, NaN under six events, which never reject at 5%; then means and p-values, shape (199, specifications), of the same
    returns less their mean, with a random sign for each period, the same for all pairs.
    """
    rules = list(dict.fromkeys([rule, *(CycleRule(*one) for one in product(CUTS_BP, TIGHTENINGS_BP, PAUSES_DAYS))]))
    cuts = [pd.DatetimeIndex(policy_events(changes, "first cut", one).index) for one in rules]
    days = pd.Index(sorted(set().union(*(pair.index for pair in pairs))))
    signs = np.random.default_rng(seed).integers(0, 2, size=(DRAWS, len(days)), dtype=np.int8) * 2 - 1
    rows: list[tuple[object, ...]] = []
    means, p_values = [], []
    for pair in pairs:
        positions = [to_positions(dates, pair.index, monthly=pair.monthly) for dates in cuts]
        events = np.unique(np.concatenate(positions))
        events = events[events >= 0]
        years = pair.index[events].year
        # Of the start years that leave the same events, only the first is another way to ask.
        starts = {tuple(years >= year): year for year in START_YEARS[::-1] if not year or year > pair.index[0].year}
        found = _outcomes(pair, events, horizons, signs[:, days.get_indexer(pair.index)], beta_periods)
        for (measure, horizon), outcomes in found.items():
            known: dict[bytes, tuple[Floats, Floats]] = {}
            for (one, at), (late, year) in product(zip(rules, positions, strict=True), starts.items()):
                chosen = np.isin(events, at) & np.array(late, dtype=bool) & np.isfinite(outcomes[0])
                if chosen.sum() >= LEAST_EVENTS:
                    key = chosen.tobytes()
                    known[key] = mean, p = known.get(key) or _mean_and_p(outcomes[:, chosen])
                    by_rule = one.min_cut_bp, one.min_tightening_bp, one.pause_days
                    rows.append((pair.name, measure, horizon, year, *by_rule, int(chosen.sum())))
                    means.append(mean)
                    p_values.append(p)
    if not rows:
        raise InsufficientDataError(f"no way to ask the question has {LEAST_EVENTS} first cuts inside the data")
    all_means, all_p = np.array(means).T, np.array(p_values).T
    table = pd.DataFrame(rows, columns=[*AXES, "n"]).assign(mean=all_means[0], p=all_p[0])
    return table, all_means[1:], all_p[1:]


def _outcomes(
    pair: ReturnPair, events: NDArray[np.intp], horizons: Iterable[int], signs: NDArray[np.int8], beta_periods: int
) -> dict[tuple[str, int], Floats]:
    """Return the events' outcomes by measure and horizon; shape (1 + draws, events), the returns as they were first.

    A random sign common to all legs leaves betas as they were.
    """

    def drawn(leg: "pd.Series[float]") -> Floats:
        actual = leg.to_numpy(dtype=np.float64)
        return np.vstack([actual, signs * (actual - actual.mean())])

    beta = rolling_beta(pair.difference, pair.market, periods=beta_periods)[events]
    sums = {name: np.cumsum(drawn(leg), axis=1) for name, leg in (("pair", pair.difference), ("market", pair.market))}
    legs = {} if pair.large is None else {"small": pair.small, "large": pair.large, "market": pair.market}
    wealth = {name: np.cumprod(1 + drawn(leg), axis=1) for name, leg in legs.items()}
    found: dict[tuple[str, int], Floats] = {}
    for horizon in horizons:
        inside = events + horizon < len(pair.index)
        end = np.where(inside, events + horizon, events)
        added = {name: np.where(inside, level[:, end] - level[:, events], np.nan) for name, level in sums.items()}
        found["sum", horizon] = added["pair"]
        found["sum, beta-adjusted", horizon] = added["pair"] - beta * added["market"]
        if legs:
            grown = {name: np.where(inside, at[:, end] / at[:, events] - 1, np.nan) for name, at in wealth.items()}
            found["compounded", horizon] = grown["small"] - grown["large"]
            found["compounded, beta-adjusted", horizon] = found["compounded", horizon] - beta * grown["market"]
    return found


def _mean_and_p(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and sign-flip p-value of each row of outcomes; shape (rows,) each."""
    if values.shape[1] < LEAST_GROUPS:
        return values.mean(axis=1), np.full(len(values), np.nan)
    sums = np.abs(signed_sums(values))
    return values.mean(axis=1), np.asarray(np.mean(sums >= sums[:, :1] * (1 - TIES), axis=1))


def shares(means: ArrayLike, p_values: ArrayLike) -> tuple[Floats, Floats]:
    """Return the share of specifications (last axis) with a positive mean, and the share of those tested with p <= 5%."""
    means, p_values = np.asarray(means), np.asarray(p_values)
    tested = np.isfinite(p_values)
    differs = np.where(tested, p_values <= LEVEL + TIES, 0).sum(axis=-1) / np.maximum(tested.sum(axis=-1), 1)
    return np.asarray((means > 0).mean(axis=-1)), np.where(tested.any(axis=-1), differs, np.nan)
