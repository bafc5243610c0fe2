"""The specification curve: the same question in every defensible way, beside what random signs give."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL, Floats, Integers
from research_lib.stats.event_study import made_between
from research_lib.stats.policy import CycleRule, policy_events, to_positions
from research_lib.stats.randomization import LEAST_GROUPS, TIES, signed_sums
from research_lib.stats.regression import rolling_beta

CUTS_BP, TIGHTENINGS_BP, PAUSES_DAYS = (12.5, 25.0, 50.0), (25.0, 50.0, 100.0), (270, 365, 730)
START_YEARS = (0, 1985, 1990, 1995, 2000)  # 0: all of the data
LEAST_EVENTS = 2
DRAWS = 199
AXES = ("pair", "measure", "horizon", "start_year", "min_cut_bp", "min_tightening_bp", "pause_days")

# Simple returns a period, without gaps, of small caps, large caps and the market; without large, small is a difference.
Pair = tuple["pd.Series[float]", "pd.Series[float] | None", "pd.Series[float]"]


@dataclass(frozen=True)
class SpecificationCurve:
    """What every way to ask gives, as it was and with random signs."""

    ways: pd.DataFrame  # a row a way: `AXES`, n events, mean outcome (decimals), sign-flip p
    means: Floats  # shape (1 + draws, ways): as they were, then with a random sign for each period
    p_values: Floats  # the same; NaN under six events, which never reject at 5%

    def shares(self) -> pd.DataFrame:
        """Return the `share` of ways that are positive, and of those tested that differ at 5%.

        Columns n ways, value, and of random signs null_mean and the ends of their 90% range, null_low and null_high.
        """
        tested = self.p_values[:, self.ways["p"].notna()]
        rows = []
        for share, hits in (("positive", self.means > 0), ("significant", tested <= LEVEL + TIES)):
            value, *null = hits.mean(axis=1) if hits.size else np.full(len(hits), np.nan)
            low, high = np.quantile(null, (LEVEL, 1 - LEVEL))
            drawn = {"null_mean": np.mean(null), "null_low": low, "null_high": high}
            rows.append({"share": share, "n": hits.shape[1], "value": value, **drawn})
        return pd.DataFrame(rows)

    def quantiles(self, ranks: Floats) -> pd.DataFrame:
        """Return quantiles of the means by rank: `actual`, and the 90% range, low to high, with random signs."""
        actual, *null = np.quantile(self.means, ranks, axis=1).T
        low, high = np.quantile(null, (LEVEL, 1 - LEVEL), axis=0)
        return pd.DataFrame({"actual": actual, "low": low, "high": high}, index=ranks)


def specification_curve(
    pairs: Mapping[str, Pair],
    changes: pd.DataFrame,
    horizons: Sequence[int],
    *,
    rule: CycleRule,
    monthly: bool,
    beta_periods: int,
    seed: int = 0,
) -> SpecificationCurve:
    """Vary the pair, the measure, the horizon, the start, and what makes a first cut: the rule joins the 27 usual ones.

    `pairs`, by name, are all by months or all by sessions, as are horizons and the periods that a beta is fitted on;
    `changes` are those of `policy_events`. Random signs multiply returns less their mean, the same for all pairs.
    """
    rules = list(dict.fromkeys([rule, *(CycleRule(*one) for one in product(CUTS_BP, TIGHTENINGS_BP, PAUSES_DAYS))]))
    cuts = [pd.DatetimeIndex(policy_events(changes, "first cut", one).index) for one in rules]
    days = pd.Index(sorted(set().union(*(small.index for small, _, _ in pairs.values()))))
    signs = np.random.default_rng(seed).integers(0, 2, size=(DRAWS, len(days)), dtype=np.int8) * 2 - 1
    found: list[tuple[Any, ...]] = []
    for name, legs in pairs.items():
        index = pd.DatetimeIndex(legs[0].index)
        positions = [to_positions(dates, index, monthly=monthly) for dates in cuts]
        events = np.setdiff1d(np.concatenate(positions), [-1])  # what falls outside the data
        years = index[events].year
        # Of the start years that leave the same events, only the first is another way to ask.
        starts = {tuple(years >= year): year for year in START_YEARS[::-1] if not year or year > index[0].year}
        outcomes = _outcomes(legs, events, horizons, signs[:, days.get_indexer(index)], beta_periods)
        for (measure, horizon), values in outcomes.items():
            known: dict[bytes, tuple[Floats, Floats]] = {}
            for (one, at), (late, year) in product(zip(rules, positions, strict=True), starts.items()):
                chosen = np.isin(events, at) & np.array(late, dtype=bool) & np.isfinite(values[0])
                if chosen.sum() >= LEAST_EVENTS:
                    key = chosen.tobytes()
                    known[key] = known.get(key) or _mean_and_p(values[:, chosen])
                    found.append((name, measure, horizon, year, *astuple(one), int(chosen.sum()), *known[key]))
    if not found:
        raise InsufficientDataError(f"no way to ask the question has {LEAST_EVENTS} first cuts inside the data")
    *columns, mean, p = zip(*found, strict=True)
    means, p_values = np.array(mean).T, np.array(p).T
    ways = pd.DataFrame(dict(zip((*AXES, "n"), columns, strict=True))).assign(mean=means[0], p=p_values[0])
    return SpecificationCurve(ways, means, p_values)


def _outcomes(
    legs: Pair, events: Integers, horizons: Sequence[int], signs: NDArray[np.int8], beta_periods: int
) -> dict[tuple[str, int], Floats]:
    """Return outcomes by measure and horizon, shape (1 + draws, events): actual, then with random signs and the same betas."""

    def drawn(leg: "pd.Series[float]") -> Floats:
        actual = leg.to_numpy(dtype=np.float64)
        return np.vstack([actual, signs * (actual - actual.mean())])

    small, large, market = legs
    pair, start = small if large is None else small - large, events[:, None] + 1
    beta, ends = rolling_beta(pair, market, periods=beta_periods)[events][:, None], start + horizons
    sums, of_market = (made_between(drawn(leg), start, ends, compounded=False) for leg in (pair, market))
    found = {"sum": sums, "sum, beta-adjusted": sums - beta * of_market}
    if large is not None:
        grown = made_between(drawn(small), start, ends, less=drawn(large))
        adjusted = grown - beta * made_between(drawn(market), start, ends)
        found |= {"compounded": grown, "compounded, beta-adjusted": adjusted}
    return {(measure, h): made[..., k] for measure, made in found.items() for k, h in enumerate(horizons)}


def _mean_and_p(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and sign-flip p-value of each row of outcomes; shape (rows,) each."""
    if values.shape[1] < LEAST_GROUPS:
        return values.mean(axis=1), np.full(len(values), np.nan)
    sums = np.abs(signed_sums(values))
    return values.mean(axis=1), np.asarray(np.mean(sums >= sums[:, :1] * (1 - TIES), axis=1))
