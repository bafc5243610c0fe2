"""Tests that flip signs: exact for a few events, seasons or spells of a regime, with the interval that belongs to them.

Under the null, independent groups are symmetric about zero, so that each pattern of signs was as likely as the one
observed (Fisher, 1935, section 21). Volatility may change from group to group, which is why these tests keep their
size around rate cuts, when markets are three times as volatile as usual.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import Estimate

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

LEVEL = 0.05
EXACT_GROUPS = 20  # 2^19 patterns of signs, up to the sign of the whole
LEAST_GROUPS = 6  # with five, the smallest p-value is 2/2^5 = 6%: no interval, and never a rejection at 5%
TIES = 1e-10  # sums nearer than this, relative to the largest, are equal: rounding must not decide a p-value
POWER_SAMPLES = 500


def sign_flip(
    values: ArrayLike, *, groups: ArrayLike | None = None, center: float = 0.0, draws: int = 9999, seed: int = 0
) -> Estimate:
    """Test whether the mean of a few outcomes is `center`, by flipping the signs of whole groups.

    Parameters
    ----------
    values : array of shape (n,)
        One outcome an event, without gaps, in any unit.
    groups : array of shape (n,), optional
        Outcomes that share a cause or overlap in time carry the same label and are flipped together; by default each
        outcome is its own group.
    center : float
        The mean under the null, in the unit of `values`.
    draws, seed : int
        Random patterns of signs where there are more than `EXACT_GROUPS` groups; up to there all are counted.

    Returns
    -------
    Estimate
        The mean, its two-sided p-value, the smallest p-value that so many groups can give, and the 95% interval: the
        means that the test does not reject (Hartigan, 1969). NaN ends where there are fewer than `LEAST_GROUPS`.
    """
    outcomes = _finite(values)
    labels = np.arange(len(outcomes)) if groups is None else np.asarray(groups)
    member = np.unique(labels, return_inverse=True)[1]
    sums, counts = _sums(member, outcomes), _sums(member, np.ones(len(outcomes)))
    n = len(outcomes)
    return _flip(sums / n, counts / n, n=n, center=center, draws=draws, seed=seed)


def sign_flip_difference(
    values: ArrayLike, first: ArrayLike, second: ArrayLike, *, draws: int = 9999, seed: int = 0
) -> Estimate:
    """Test whether a series has the same mean in two regimes, by flipping the contributions of whole spells.

    Parameters
    ----------
    values : array of shape (periods,)
        One value a period, in order of time, without gaps.
    first, second : boolean arrays of shape (periods,)
        The periods of the two regimes; a spell is an unbroken run of one of them.
    draws, seed : int
        As in `sign_flip`.

    Returns
    -------
    Estimate
        The mean of the first regime less that of the second; `base` is the mean of the second.

    Raises
    ------
    InsufficientDataError
        A regime has no period.

    Notes
    -----
    A spell contributes the sum of its deviations from the common mean, over the periods of its regime; the
    contributions add up to the difference. Because the common mean is estimated, the sum varies most with the signs
    as they were, so each pattern is measured in its own standard deviation (Hemerik, Goeman and Finos, 2020).
    """
    x, a, b = _finite(values), np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    n_a, n_b = int(a.sum()), int(b.sum())
    if not n_a or not n_b:
        raise InsufficientDataError("a difference between two regimes needs a period of each")
    regime = np.where(a, 1, np.where(b, -1, 0))
    spell = np.cumsum(np.diff(regime, prepend=0) != 0)[regime != 0]
    x, sign = x[regime != 0], regime[regime != 0]
    member = np.unique(spell, return_inverse=True)[1]
    per_period = np.where(sign > 0, 1 / n_a, -1 / n_b)
    sums = _sums(member, per_period * (x - x.mean()))
    loads = _sums(member, per_period)
    # Were the difference one unit larger, so would a spell's contribution be by this; these add up to one.
    weights = np.abs(loads) * np.where(loads > 0, n_b, n_a) / (n_a + n_b)
    result = _flip(sums, weights, n=len(x), loads=loads, noise=1 / n_a + 1 / n_b, draws=draws, seed=seed)
    return Estimate(
        result.value, result.n, result.low, result.high, result.p, result.p_smallest, float(x[sign < 0].mean())
    )


def season_less_rest(values: ArrayLike, season: ArrayLike, years: ArrayLike) -> Estimate:
    """Compare a season with the rest of its own year, and flip signs by year.

    Parameters
    ----------
    values : array of shape (periods,)
        One value a period.
    season : boolean array of shape (periods,)
        The periods of the season.
    years : array of shape (periods,)
        The year that each period belongs to; a season over New Year belongs to one year by the caller's labels.

    Returns
    -------
    Estimate
        Mean over the years of (season's mean less the mean of the rest); n years that have both; `base` is the mean
        over the years of the rest.

    Raises
    ------
    InsufficientDataError
        No year has both.
    """
    x, inside = _finite(values), np.asarray(season, dtype=bool)
    member = np.unique(np.asarray(years), return_inverse=True)[1]
    n_in, n_out = _sums(member, inside), _sums(member, ~inside)
    both = (n_in > 0) & (n_out > 0)
    if not both.any():
        raise InsufficientDataError("no year has both the season and another time to compare it with")
    rest = _sums(member, np.where(inside, 0.0, x))[both] / n_out[both]
    apart = _sums(member, np.where(inside, x, 0.0))[both] / n_in[both] - rest
    found = sign_flip(apart)
    return Estimate(found.value, found.n, found.low, found.high, found.p, found.p_smallest, float(rest.mean()))


def smallest_detectable(outcomes: ArrayLike, n: int, *, power: float = 0.8, seed: int = 0) -> float:
    """Return the smallest mean effect that `sign_flip` would find at 5% in four samples of five.

    Parameters
    ----------
    outcomes : array of shape (periods,)
        Outcomes of all periods: their spread around their mean is the noise that events are drawn from.
    n : int
        Independent events (or groups) in a sample.

    Raises
    ------
    InsufficientDataError
        So few events never give a p-value below 5%.

    Notes
    -----
    An effect is found where the interval of the noise, moved by the effect, leaves zero outside. The answer is
    therefore a quantile of the distance between the interval's lower end and zero, over simulated samples.
    """
    if n < LEAST_GROUPS:
        raise InsufficientDataError(f"{n} events never give a p-value below 5%; {LEAST_GROUPS} are needed")
    values = _finite(outcomes)
    noise = values - values.mean()
    rng = np.random.default_rng(seed)
    lows = [sign_flip(rng.choice(noise, size=n), draws=999, seed=seed).low for _ in range(POWER_SAMPLES)]
    return float(np.quantile(-np.asarray(lows), power))


def jackknife_range(values: ArrayLike, *, groups: ArrayLike | None = None) -> tuple[float, float]:
    """Return the lowest and highest mean of the outcomes when each group is left out; NaN with a single group."""
    outcomes = _finite(values)
    member = np.arange(len(outcomes)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    sums, counts = _sums(member, outcomes), _sums(member, np.ones(len(outcomes)))
    if len(sums) < 2:
        return np.nan, np.nan
    means = (sums.sum() - sums) / (counts.sum() - counts)
    return float(means.min()), float(means.max())


def signed_sums(parts: Floats, *, draws: int = 9999, seed: int = 0) -> Floats:
    """Return the sums of `parts` (last axis: groups) under patterns of signs (new last axis), as they were first.

    Up to `EXACT_GROUPS` groups the patterns are all of them, up to the sign of the whole, which a two-sided test
    ignores; beyond, they are random.
    """
    groups = parts.shape[-1]
    if groups > EXACT_GROUPS:
        signs = np.random.default_rng(seed).integers(0, 2, size=(groups, draws + 1)) * 2.0 - 1
        signs[:, 0] = 1.0
        return np.asarray(parts @ signs, dtype=np.float64)
    sums = parts[..., -1:]
    for group in range(groups - 1):
        part = parts[..., group : group + 1]
        sums = np.concatenate([sums + part, sums - part], axis=-1)
    return sums


def _flip(
    sums: Floats,
    weights: Floats,
    *,
    n: int,
    center: float = 0.0,
    loads: Floats | None = None,
    noise: float = 1.0,
    draws: int = 9999,
    seed: int = 0,
) -> Estimate:
    """Compare the sum of the groups' parts with their sums under all patterns of signs.

    A mean of c adds c times `weights` (which add up to one) to the parts. `loads` and `noise` are for sums whose
    spread depends on the pattern: variance is noise less the square of the signed loads over n.
    """
    rows = np.stack([sums, weights] if loads is None else [sums, weights, loads])
    total, share, *load = signed_sums(rows, draws=draws, seed=seed)
    scale = 1 / np.sqrt(np.maximum(1 - load[0] ** 2 / n / noise, TIES)) if load else np.ones_like(total)
    total, share, value = total * scale, share * scale, float(total[0])
    rounding = TIES * max(float(np.abs(sums).sum()) + abs(center), np.finfo(float).tiny)
    p = float(np.mean(np.abs(total - center * share) >= abs(value - center) - rounding))
    # A pattern is as far out as the observed one for all means between these two; the observed one itself for any.
    bounded = np.abs(share) < 1 - TIES
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(value - total) / (1 - share), (value + total) / (1 + share)])
    lows, highs = np.where(bounded, ends.min(axis=0), -np.inf), np.where(bounded, ends.max(axis=0), np.inf)
    rank = int(LEVEL * len(total) + TIES)
    low, high = float(np.partition(lows, rank)[rank]), float(-np.partition(-highs, rank)[rank])
    if not np.isfinite(low) or not np.isfinite(high):
        low, high = np.nan, np.nan
    return Estimate(value, len(sums), low, high, p, 1 / len(total), center)


def _sums(member: Integers, values: ArrayLike) -> Floats:
    """Return the sum of the values of each group."""
    return np.bincount(member, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)


def _finite(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not len(array) or not np.isfinite(array).all():
        raise InsufficientDataError("a sign-flip test needs at least one outcome, and no gaps")
    return array
