"""Tests that flip signs: exact for a few events, seasons or spells of a regime, with the interval that belongs to them.

Under the null, independent groups are symmetric about zero, so that each pattern of signs was as likely as the one
observed (Fisher, 1935, section 21). Volatility may change from group to group, which is why these tests keep their size
around rate cuts, when markets are two to three times as volatile as usual.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL, Estimate, Floats, Integers

EXACT_GROUPS = 20  # 2^19 patterns of signs, up to the sign of the whole; beyond, random ones
LEAST_GROUPS = 6  # with five, the smallest p-value is 2/2^5 = 6%: no interval, and never a rejection at 5%
RANDOM_PATTERNS = 9999
TIES = 1e-10  # sums nearer than this, relative to the largest, are equal: rounding must not decide a p-value
POWER, POWER_SAMPLES = 0.8, 500


def sign_flip(values: ArrayLike, *, groups: ArrayLike | None = None, seed: int = 0) -> Estimate:
    """Test whether the mean of a few outcomes is zero, by flipping the signs of whole groups.

    `values` and `groups` are of shape (events,): an outcome in any unit, and a label that events share which have a
    cause in common or overlap; by default each has its own. Returns the mean; n groups; the smallest p that so many can
    give; the interval of the means that the test does not reject (Hartigan, 1969), NaN under six groups. Patterns are
    random, by `seed`, beyond 20 groups.
    """
    x = _finite(values)
    member = np.arange(len(x)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    return _flip(_sums(member, x / len(x)), _sums(member, np.full(len(x), 1 / len(x))), seed=seed)


def sign_flip_difference(values: ArrayLike, first: ArrayLike, second: ArrayLike, *, seed: int = 0) -> Estimate:
    """Test whether a series has the same mean in two regimes, by flipping the contributions of whole spells.

    All arrays are of shape (periods,), in order of time; a spell is an unbroken run of one regime. Returns the mean of
    the first less that of the second, which is `base`; n spells. A spell contributes its deviations from the common
    mean, over the periods of its regime. As that mean is estimated, the sum varies most with the signs as they were, so
    each pattern is measured in its own standard deviation (Hemerik, Goeman and Finos, 2020).
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    n_a, n_b = int(a.sum()), int(b.sum())
    if not n_a or not n_b:
        raise InsufficientDataError("a difference between two regimes needs a period of each")
    used = a | b
    x, of_a = _finite(np.asarray(values)[used]), a[used]
    spells = np.cumsum(np.diff(np.where(a, 1, np.where(b, -1, 0)), prepend=0) != 0)[used]
    member = np.unique(spells, return_inverse=True)[1]
    share = np.where(of_a, 1 / n_a, -1 / n_b)
    loads = _sums(member, share)
    # Were the difference one unit larger, so would a spell's contribution be by this; these add up to one.
    weights = np.abs(loads) * np.where(loads > 0, n_b, n_a) / (n_a + n_b)
    spread = np.sqrt((n_a + n_b) * (1 / n_a + 1 / n_b))
    found = _flip(_sums(member, share * (x - x.mean())), weights, loads=loads / spread, seed=seed)
    return replace(found, base=float(x[~of_a].mean()))


def season_less_rest(values: ArrayLike, season: ArrayLike, years: ArrayLike) -> Estimate:
    """Compare a season with the rest of its own year, and flip signs by year; arrays of shape (periods,).

    A season over New Year has one label in `years` for both parts. Returns the mean over the n years that have both of
    the season's mean less that of the rest, times the periods of a usual season; `base` is the same of the rest.
    """
    x, inside = _finite(values), np.asarray(season, dtype=bool)
    member = np.unique(np.asarray(years), return_inverse=True)[1]
    n_in, n_out = _sums(member, inside), _sums(member, ~inside)
    both = (n_in > 0) & (n_out > 0)
    if not both.any():
        raise InsufficientDataError("no year has both the season and another time to compare it with")
    length = n_in[n_in > 0].mean()
    rest = length * _sums(member, np.where(inside, 0.0, x))[both] / n_out[both]
    found = sign_flip(length * _sums(member, np.where(inside, x, 0.0))[both] / n_in[both] - rest)
    return replace(found, base=float(rest.mean()))


def smallest_detectable(outcomes: ArrayLike, n: int, *, seed: int = 0) -> float:
    """Return the smallest mean effect that `sign_flip` finds at 5% in four samples of five, of n independent events.

    Events are drawn from the outcomes of all periods. An effect is found where the interval of the noise, moved by it,
    leaves zero out: the answer is a quantile of the distance of the interval's lower end from zero.
    """
    if n < LEAST_GROUPS:
        raise InsufficientDataError(f"{n} events never give a p-value below 5%; {LEAST_GROUPS} are needed")
    values = _finite(outcomes)
    samples = np.random.default_rng(seed).choice(values - values.mean(), size=(POWER_SAMPLES, n))
    return float(np.quantile([-sign_flip(sample, seed=seed).low for sample in samples], POWER))


def signed_sums(parts: Floats, *, seed: int = 0) -> Floats:
    """Return the sums of `parts` (last axis: groups) under patterns of signs (new last axis), the observed one first.

    Patterns are all there are up to the sign of the whole, which a two-sided test ignores; random beyond 20 groups.
    """
    groups = parts.shape[-1]
    if groups > EXACT_GROUPS:
        signs = np.random.default_rng(seed).integers(0, 2, size=(groups, RANDOM_PATTERNS + 1)) * 2.0 - 1
        signs[:, 0] = 1.0
        return np.asarray(parts @ signs, dtype=np.float64)
    sums = parts[..., -1:]
    for group in range(groups - 1):
        part = parts[..., group : group + 1]
        sums = np.concatenate([sums + part, sums - part], axis=-1)
    return sums


def _flip(sums: Floats, weights: Floats, *, loads: Floats | None = None, seed: int = 0) -> Estimate:
    """Compare the sum of the groups' parts with their sums under all patterns of signs.

    A mean of c adds c times `weights` (which add up to one) to the parts. `loads` are for sums whose variance depends
    on the pattern: it is one less the square of the signed loads, relative to that of the pattern observed.
    """
    total, share, *load = signed_sums(np.stack([sums, weights] if loads is None else [sums, weights, loads]), seed=seed)
    if load:
        scale = 1 / np.sqrt(np.maximum(1 - load[0] ** 2, TIES))
        total, share = total * scale, share * scale
    value, rounding = float(total[0]), TIES * max(float(np.abs(sums).sum()), np.finfo(float).tiny)
    p = float(np.mean(np.abs(total) >= abs(value) - rounding))
    # A pattern is at least as far out as the observed one for all means between two ends; the observed one for any.
    bounded = np.abs(share) < 1 - TIES
    ends = np.full((2, len(total)), [[-np.inf], [np.inf]])
    found = (value - total[bounded]) / (1 - share[bounded]), (value + total[bounded]) / (1 + share[bounded])
    ends[:, bounded] = np.minimum(*found), np.maximum(*found)
    rank = int(LEVEL * len(total) + TIES)
    low, high = float(np.partition(ends[0], rank)[rank]), float(-np.partition(-ends[1], rank)[rank])
    if not np.isfinite([low, high]).all():
        low, high = np.nan, np.nan
    return Estimate(value, len(sums), low, high, p, 1 / len(total), 0.0)


def _sums(member: Integers, values: ArrayLike) -> Floats:
    return np.bincount(member, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)


def _finite(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not len(array) or not np.isfinite(array).all():
        raise InsufficientDataError("a test needs at least one outcome, and no gaps")
    return array
