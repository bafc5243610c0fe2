"""What happened around events: one event study for rate decisions, sigma episodes and claims.

Outcomes are made for every period, not for the events only: what followed all other days is what events are held
against. A few events that share causes are tested by flipping signs, many events by a regression on an event dummy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from research_lib.stats.estimate import NORMAL_QUANTILE, Estimate, Floats, holm
from research_lib.stats.randomization import sign_flip
from research_lib.stats.regression import rolling_beta

Test = Literal["dummy", "sign flip", "sign flip from base"]

FEW_CYCLES = 20  # so many are tested by flipping signs
LEAST_EVENTS = 5  # of the dummy: fewer events do not tell their own spread
COLUMNS = ("horizon", "n", "n_apart", "n_cut", "mean", "share_positive", "base", "value", "low", "high", "p", "p_smallest",
           "p_holm", "jackknife_low", "jackknife_high")  # fmt: skip


@dataclass(frozen=True)
class Legs:
    """Simple returns a period of a leg, or of one leg less another, on one calendar without gaps; shape (periods,) each.

    Outcomes are compounded returns, and their difference (BHAR), or sums of returns, and of differences (CAR). With
    `market` they are beta-adjusted: less the market's outcome times the beta of (returns - less) on it, fitted on the
    `beta_periods` before the window, never inside it.
    """

    returns: "pd.Series[float]"
    less: "pd.Series[float] | None" = None
    compounded: bool = True
    market: "pd.Series[float] | None" = None
    beta_periods: int = 252


def event_study(
    legs: Legs, positions: ArrayLike, horizons: Sequence[int], *, groups: ArrayLike | None = None, test: Test = "dummy"
) -> pd.DataFrame:
    """Study what happened in windows around events; the windows are those of `window_outcomes`.

    `positions`, shape (events,), are places in the returns, -1 outside the data. Events of one label in `groups`, and those
    whose windows share a period, are flipped, and left out, as one. `test` is `event_dummy` for events among many periods,
    or `sign_flip` for cycles: of a difference against zero, or ("from base") of a leg, which rises over time, against base.

    Returns a row a horizon with `COLUMNS`: n events, n_apart as one, n_cut whose window the data does not cover; base, the
    mean of all other periods; value, which is tested; p_holm over all rows; the range of the mean without one group.
    """
    labels = np.arange(len(np.asarray(positions))) if groups is None else np.asarray(groups)
    at, labels = np.sort(np.asarray(positions, dtype=np.intp)), labels[np.argsort(positions, kind="stable")]
    rows = []
    for horizon in horizons:
        outcomes = window_outcomes(legs, horizon)
        inside = (at >= 0) & np.isfinite(outcomes[at])
        values, own, others = outcomes[at[inside]], labels[inside], np.isfinite(outcomes)
        others[at[inside]] = False
        base = float(outcomes[others].mean()) if others.any() else np.nan
        row = {"horizon": horizon, "n": len(values), "n_cut": len(at) - len(values), "base": base}
        if len(values):
            if test == "dummy":
                found = event_dummy(legs, at[inside], horizon)
            else:
                own = np.append(0, np.cumsum((np.diff(at[inside]) >= abs(horizon)) & (own[1:] != own[:-1])))
                found = sign_flip(values - (0.0 if test == "sign flip" else base), groups=own)
            without = [values[own != label].mean() for label in np.unique(own) if (own != label).any()]
            row = vars(found) | row | {
                "n_apart": len(np.unique(own)), "mean": float(values.mean()), "share_positive": float(np.mean(values > 0)),
                "jackknife_low": min(without, default=np.nan), "jackknife_high": max(without, default=np.nan)}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS)).assign(p_holm=lambda found: holm(found["p"]))


def mean_outcome(
    outcomes: "pd.Series[float]",
    horizon: int,
    *,
    days: pd.DatetimeIndex | None = None,
    prices: Sequence["pd.Series[float]"] = (),
    cycles: "pd.Series[int] | None" = None,
    less_base: bool = False,
) -> Estimate:
    """Return the mean of what followed some periods with its 95% interval, by the test that suits them.

    `outcomes`, by the day before each, are over `horizon` periods. `days` are those of all periods; without them the
    outcomes are of all periods, and such as do not overlap say how sure their mean is. Else outcomes that overlap are
    flipped as one; but those of `prices`, a leg or one less another, are flipped by `cycles`, the number of each decision
    by its day, if there are at most 20 outcomes, and else tested by `event_dummy`. `less_base`: outcomes are less the mean
    of all other periods. n counts those that overlap as one.
    """
    length = abs(horizon)
    if days is None:
        apart = outcomes.iloc[:: max(length, 1)]
        return sign_flip(apart + (outcomes.mean() - apart.mean()))
    at = days.get_indexer(outcomes.index)
    joined = np.cumsum(np.diff(at, prepend=-length) >= length)
    if not prices:
        return sign_flip(outcomes, groups=joined)
    legs: list[Any] = [one.pct_change().iloc[1:] for one in prices]
    if cycles is None or len(outcomes) > FEW_CYCLES:
        found = event_dummy(Legs(*legs), at - 1, horizon, less_base=less_base)
        return replace(found, n=len(np.unique(joined)))
    groups = cycles.iloc[np.maximum(cycles.index.searchsorted(outcomes.index, side="right") - 1, 0)]
    test: Test = "sign flip from base" if less_base else "sign flip"
    row = event_study(Legs(*legs), at - 1, [horizon], groups=groups, test=test).iloc[0]
    return Estimate(row["value"], int(row["n_apart"]), row["low"], row["high"])


def window_outcomes(legs: Legs, horizon: int) -> Floats:
    """Return what the legs made over a window around each period; decimals, shape (periods,).

    The window is the next h periods for h > 0, the period itself for 0, the h periods up to the close before it for -h;
    where it runs past either end of the data, the outcome is NaN.
    """
    (first, last), periods = _window(horizon), np.arange(len(legs.returns))
    start, end = periods + first, periods + last + 1
    found = made_between(legs.returns, start, end, less=legs.less, compounded=legs.compounded)
    if legs.market is None:
        return found
    difference = legs.returns if legs.less is None else np.subtract(legs.returns, legs.less)
    beta = pd.Series(rolling_beta(difference, legs.market, periods=legs.beta_periods)).shift(1 - first)
    return found - beta.to_numpy(dtype=float) * made_between(legs.market, start, end, compounded=legs.compounded)


def made_between(
    returns: ArrayLike, start: ArrayLike, end: ArrayLike, *, less: ArrayLike | None = None, compounded: bool = True
) -> Floats:
    """Return what a leg, or one leg less another, made from the start of one period to the start of another.

    `returns` and `less` have periods on their last axis, whose places are `start` and `end`, shaped alike; the outcomes
    have their shape behind the other axes of `returns`. NaN where a place is past either end of the data.
    """
    own, *other = (np.asarray(leg, dtype=np.float64) for leg in (returns, less) if leg is not None)
    legs, n = [own, *other] if compounded else [own - sum(other)], own.shape[-1]
    at, to = np.broadcast_arrays(start, end)
    inside = (np.minimum(at, to) >= 0) & (np.maximum(at, to) <= n)
    at, to, levels = np.where(inside, at, 0), np.where(inside, to, 0), (_level(leg, compounded) for leg in legs)
    made, *less_made = (x[..., to] / x[..., at] - 1 if compounded else x[..., to] - x[..., at] for x in levels)
    return np.where(inside, made - sum(less_made), np.nan)


def event_paths(legs: Legs, positions: ArrayLike, *, before: int, after: int) -> pd.DataFrame:
    """Follow the legs, without the market, around every event inside the data; at the event's close each path is 0.

    Returns a row a period from the event and a column an event; before it, minus what was made from there to its close.
    """
    at = np.asarray(positions, dtype=np.intp)
    at, offsets = at[at >= 0], np.arange(-before, after + 1)
    ends = at + 1 + offsets[:, None]
    found = made_between(legs.returns, at + 1, ends, less=legs.less, compounded=legs.compounded)
    return pd.DataFrame(found, pd.Index(offsets, name="offset"), legs.returns.index[at])


def event_dummy(legs: Legs, positions: ArrayLike, horizon: int, *, less_base: bool = True) -> Estimate:
    """Compare what followed events with what followed all other periods: a regression on an event dummy, without the market.

    Returns the events' mean less `base`, the mean of all other periods, or the mean itself (without `less_base`, which is
    the regression's constant); n events; no p and no interval under five. The error is 1B of Hodrick (1992). What the
    dummy explains of sums of h returns is a sum over periods: that period's return times the number of event windows
    open in it, so no overlapping sum enters. A compounded return is the sum of each period's return times the growth
    since its window opened, which is then the weight. The returns inside the events' own windows make the error: it is
    right also when events come in turmoil.
    """
    outcomes, compounded = window_outcomes(replace(legs, market=None), horizon), legs.compounded
    covered = np.isfinite(outcomes)
    inside = covered & np.isin(np.arange(len(outcomes)), positions)
    n, n_others = int(inside.sum()), int((covered & ~inside).sum())
    if n == 0 or (n_others == 0 and less_base):
        return Estimate(np.nan, n)
    base = float(outcomes[covered & ~inside].mean()) if less_base else 0.0
    value = float(outcomes[inside].mean()) - base
    dummy = np.where(covered, inside - (n / (n + n_others) if less_base else 0), 0.0)
    own, *other = (np.asarray(leg, dtype=np.float64) for leg in (legs.returns, legs.less) if leg is not None)
    parts = [own, *other] if compounded else [own - sum(other)]
    score, *less_score = (_hodrick_scores(part, dummy, horizon, compounded=compounded) for part in parts)
    total = score - sum(less_score)
    error = float(np.sqrt(total @ total) / (dummy @ dummy))
    if n < LEAST_EVENTS or error == 0:
        return Estimate(value, n, base=base)
    reach, p = NORMAL_QUANTILE * error, float(2 * ndtr(-abs(value) / error))
    # By Cauchy and Schwarz no t exceeds the root of the number of returns that make it.
    p_smallest = float(2 * ndtr(-np.sqrt(n * max(abs(horizon), 1))))
    return Estimate(value, n, value - reach, value + reach, p, p_smallest, base)


def _hodrick_scores(returns: Floats, dummy: Floats, horizon: int, *, compounded: bool) -> Floats:
    """Return each period's part of the covariance of dummy and outcome, under the null of a constant mean return."""
    (first, last), n, mean = _window(horizon), len(returns), float(returns.mean())
    periods = np.arange(n)
    level = _level((1 + returns) / (1 + mean) - 1, True) if compounded else np.ones(n + 1)
    opened = np.append(0.0, np.cumsum(dummy / level[np.clip(periods + first, 0, n)]))
    now_open = opened[np.clip(periods - first + 1, 0, n)] - opened[np.clip(periods - last, 0, n)]
    scale = (1 + mean) ** (last - first) if compounded else 1.0
    return np.asarray(scale * (returns - mean) * level[:-1] * now_open, dtype=np.float64)


def _window(horizon: int) -> tuple[int, int]:
    """Return the first and the last period of a window, relative to its event."""
    return (min(horizon, 1), horizon) if horizon >= 0 else (horizon, -1)


def _level(returns: Floats, compounded: bool) -> Floats:
    """Return wealth, or the running sum of returns, at the start and after each period, on the last axis."""
    level = np.cumprod(1 + returns, axis=-1) if compounded else np.cumsum(returns, axis=-1)
    return np.insert(level, 0, float(compounded), axis=-1)
