"""Bootstraps: correlations of two series by circular blocks, ratios of sums by drawing firms."""

from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import Estimate

Floats = NDArray[np.float64]

LEVEL = 0.05
MIN_BLOCKS = 5  # fewer blocks say nothing of how much they differ
MIN_FIRMS = 200  # on 100 firms the interval of a ratio of sums misses 12 times in 100


def correlation(x: ArrayLike, y: ArrayLike, *, block: int = 24, draws: int = 999, seed: int = 0) -> Estimate:
    """Correlate two series on the periods that have both; p is of no correlation.

    Circular blocks of both are resampled; a block is as long as a correlation or a volatility lasts, such as 24 months or
    63 sessions. On Fisher's z, the interval is the correlation plus and minus Student's t (blocks - 1 degrees of freedom)
    times the standard deviation of the resampled z. Fewer than five blocks raise InsufficientDataError.
    """
    from scipy.stats import t as student

    pairs = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    n, blocks = len(pairs), -(-len(pairs) // block)
    if n < MIN_BLOCKS * block or (np.ptp(pairs, axis=0) == 0).any():
        raise InsufficientDataError(
            f"a correlation needs two series that vary and {MIN_BLOCKS * block} common periods; there are {n}"
        )
    a, b = ((pairs - pairs.mean(axis=0)) / pairs.std(axis=0)).T
    terms = np.column_stack([a, b, a * a, b * b, a * b])
    running = np.cumsum(np.vstack([np.zeros(5), terms, terms[: block - 1]]), axis=0)
    of_block = (running[block:] - running[:-block]) / (blocks * block)
    starts = np.random.default_rng(seed).integers(0, n, size=(draws, blocks))
    mean_a, mean_b, square_a, square_b, product = of_block[starts].sum(axis=1).T
    resampled = (product - mean_a * mean_b) / np.sqrt((square_a - mean_a**2) * (square_b - mean_b**2))
    value = float(np.mean(a * b))
    z, *others = np.arctanh(np.clip([value, *resampled], -1 + 1e-12, 1 - 1e-12))
    error = max(float(np.std(others, ddof=1)), 1e-12)
    low, high = np.tanh(z + np.array([-1, 1]) * student.ppf(1 - LEVEL / 2, blocks - 1) * error)
    p = 2 * student.sf(abs(z) / error, blocks - 1)
    return Estimate(value, n, float(low), float(high), float(p), base=0.0)


def ratio_of_sums(group: ArrayLike, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Return a group's sum over sum; `group` is of shape (firms, 2), such as net debt and EBITDA, without gaps.

    The 95% interval is a symmetric bootstrap-t over firms (Hall, 1988): it says which firms happen to be in the group. On
    real companies it misses 3 to 7 times in 100, the percentile interval up to 13. With fewer than 200 firms, where it is
    too narrow, there is none; nor where a resampled sum below is not positive.
    """
    rows = np.asarray(group, dtype=float)
    return Estimate(*_symmetric(*_resampled(rows, draws, seed), n=len(rows)))


def difference_of_ratios(first: ArrayLike, second: ArrayLike, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Return one group's ratio of sums minus another's, with which it shares no firm; arguments of `ratio_of_sums`."""
    groups = [np.asarray(group, dtype=float) for group in (first, second)]
    # Seeds apart, because the groups are independent.
    (ratio, error), (other, other_error) = (_resampled(group, draws, seed + k) for k, group in enumerate(groups))
    return Estimate(*_symmetric(ratio - other, np.hypot(error, other_error), n=sum(map(len, groups))))


def _resampled(group: Floats, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Return the ratio of sums and its linearised standard error, then those of resampled firms; NaN where undefined."""
    n = len(group)
    above, below = group.reshape(-1, 2).T
    terms = np.column_stack([above, below, above**2, above * below, below**2])
    counts = np.full((draws, n), nan)
    if n >= MIN_FIRMS:
        counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    sums = np.vstack([np.ones(n), counts]) @ terms
    top, bottom, *squares = np.where(sums[:, 1:2] > 0, sums, nan).T
    ratio = top / bottom
    variance = (squares[0] - 2 * ratio * squares[1] + ratio**2 * squares[2]) * n / max(n - 1, 1)
    return ratio, np.sqrt(np.maximum(variance, 0.0)) / bottom


def _symmetric(ratio: Floats, error: Floats, *, n: int) -> tuple[float, int, float, float]:
    """Return the estimate, n and the ends of its symmetric bootstrap-t interval, inside what resampling can give."""
    value, apart = float(ratio[0]), np.abs(ratio[1:] - ratio[0])
    t = apart / np.maximum(error[1:], 1e-12 * max(abs(value), 1.0))  # firms may all have one ratio
    reach = float(np.minimum(np.quantile(t, 1 - LEVEL) * error[0], apart.max()))
    return value, n, value - reach, value + reach
