"""Bootstraps: correlations and R² of two series by circular blocks, ratios of sums by drawing firms."""

from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import Estimate

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
MIN_BLOCKS = 5  # fewer blocks say nothing of how much they differ
MIN_FIRMS = 200  # on 100 firms the 95% interval of a ratio of sums misses 12 times in 100


def correlation(x: ArrayLike, y: ArrayLike, *, block: int = 24, draws: int = 999, seed: int = 0) -> Estimate:
    """Correlate two series on the periods that have both; the interval resamples circular blocks of both together.

    Parameters
    ----------
    x, y : array of float, shape (periods,)
    block : int
        Periods in a block: as long as a correlation or a volatility lasts, such as 24 months or 63 sessions.

    Raises
    ------
    InsufficientDataError
        Fewer than five blocks, or a series that does not vary.

    Notes
    -----
    On Fisher's z, the interval is the correlation plus and minus Student's t (blocks - 1 degrees of freedom) times the
    standard deviation of the resampled z; p is of no correlation.
    """
    from scipy.stats import t as student

    columns = _complete(x, y)
    moments, blocks = _block_moments(columns, block=block, draws=draws, seed=seed)
    first, second = (columns - columns.mean(axis=0)).T
    value = float(first @ second / np.sqrt((first @ first) * (second @ second)))
    resampled = moments[:, 0, 1] / np.sqrt(moments[:, 0, 0] * moments[:, 1, 1])
    z, error = _fisher(np.array(value)), max(float(_fisher(resampled).std(ddof=1)), 1e-12)
    low, high = np.tanh(z + np.array([-1, 1]) * student.ppf(TAILS[1], blocks - 1) * error)
    p = 2 * student.sf(np.abs(z) / error, blocks - 1)
    return Estimate(value, len(columns), float(low), float(high), float(p), base=0.0)


def r_squared(y: ArrayLike, drivers: ArrayLike, *, block: int = 24, draws: int = 999, seed: int = 0) -> Estimate:
    """Return the share of a series' variance that its drivers explain together, by least squares with a constant.

    Parameters
    ----------
    y, drivers : arrays of float, shapes (periods,) and (periods,) or (periods, k)
    block : int
        As in `correlation`.

    Notes
    -----
    p is of no relation: how often random signs of y, one a period, give as high a share. The interval is that of resampled
    blocks; it begins at zero where p is 5% or more, because the estimate itself is never below zero.
    """
    columns = _complete(y, *np.atleast_2d(np.asarray(drivers, dtype=float).T))
    moments, _ = _block_moments(columns, block=block, draws=draws, seed=seed)
    outcome, *rest = (columns - columns.mean(axis=0)).T
    fitted = np.linalg.qr(np.column_stack(rest))[0].T
    value = float(((fitted @ outcome) ** 2).sum() / (outcome @ outcome))
    signed = outcome * np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, len(outcome)))
    null = ((signed @ fitted.T) ** 2).sum(axis=1) / (outcome @ outcome - len(outcome) * signed.mean(axis=1) ** 2)
    p = float((1 + (null >= value).sum()) / (1 + draws))
    slopes = np.linalg.solve(moments[:, 1:, 1:], moments[:, 1:, :1])[:, :, 0]
    low, high = np.quantile((slopes * moments[:, 1:, 0]).sum(axis=1) / moments[:, 0, 0], TAILS)
    return Estimate(value, len(columns), float(low) if p < 0.05 else 0.0, float(high), p, 1 / (1 + draws), base=0.0)


def ratio_of_sums(above: ArrayLike, below: ArrayLike, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Return a group's sum over sum, such as net debt over EBITDA, NaN where the sum below is not positive.

    The 95% interval is a symmetric bootstrap-t over firms (Hall, 1988): it says which firms happen to be in the group. On
    real companies it misses 3 to 7 times in 100, the percentile interval up to 13. There is none with fewer than 200 firms,
    where it would be too narrow, nor where a resampled sum below is not positive.
    """
    group = np.column_stack([np.asarray(above, dtype=float), np.asarray(below, dtype=float)])
    ratio, error, drawn, errors = _resampled_ratio(group, draws, seed)
    return Estimate(ratio, len(group), *_symmetric(ratio, error, drawn, errors))


def difference_of_ratios(first: ArrayLike, second: ArrayLike, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Return the first group's ratio of sums less the second's; each of shape (firms, 2), above and below, no firm in both."""
    groups = [np.asarray(group, dtype=float) for group in (first, second)]
    # Seeds apart, because the groups are independent.
    (ratio, error, drawn, errors), other = (_resampled_ratio(group, draws, seed + k) for k, group in enumerate(groups))
    parts = (np.hypot(error, other[1]), drawn - other[2], np.hypot(errors, other[3]))
    return Estimate(ratio - other[0], sum(map(len, groups)), *_symmetric(ratio - other[0], *parts))


def _resampled_ratio(group: Floats, draws: int, seed: int) -> tuple[float, float, Floats, Floats]:
    """Return a ratio of sums and its linearised standard error; and both of resampled firms, NaN where undefined."""
    n = len(group)
    above, below = group.T
    terms = np.column_stack([above, below, above**2, above * below, below**2])

    def ratio(sums: Floats) -> tuple[Floats, Floats]:
        top, bottom, *squares = np.where(sums[..., 1:2] > 0, sums, nan).T
        value = top / bottom
        variance = (squares[0] - 2 * value * squares[1] + value**2 * squares[2]) * n / max(n - 1, 1)
        return value, np.sqrt(np.maximum(variance, 0.0)) / bottom

    value, error = ratio(terms.sum(axis=0))
    if n < MIN_FIRMS:
        return float(value), nan, np.full(draws, nan), np.full(draws, nan)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    return float(value), float(error), *ratio(counts @ terms)


def _symmetric(value: float, error: float, drawn: Floats, errors: Floats) -> tuple[float, float]:
    """Return the ends of the symmetric bootstrap-t interval; NaN where any resample is undefined.

    They stay inside what resampling can give: where one firm decides, resamples without it have hardly any error.
    """
    apart = np.abs(drawn - value)
    t = apart / np.maximum(errors, 1e-12 * max(abs(value), 1.0))  # firms may all have one ratio
    reach = float(np.minimum(np.quantile(t, CONFIDENCE) * error, apart.max()))
    return value - reach, value + reach


def _fisher(correlations: Floats) -> Floats:
    return np.asarray(np.arctanh(np.clip(correlations, -1 + 1e-12, 1 - 1e-12)))


def _complete(*series: ArrayLike) -> Floats:
    columns = np.column_stack([np.asarray(one, dtype=float) for one in series])
    columns = np.asarray(columns[np.isfinite(columns).all(axis=1)])
    if len(columns) == 0 or (np.ptp(columns, axis=0) == 0).any():
        raise InsufficientDataError("a correlation needs series that vary in the periods that they share")
    return columns


def _block_moments(columns: Floats, *, block: int, draws: int, seed: int) -> tuple[Floats, int]:
    """Return resampled covariances, shape (draws, k, k), and the number of blocks in each."""
    n, k = columns.shape
    blocks = -(-n // block)
    if n < MIN_BLOCKS * block:
        raise InsufficientDataError(f"{n} periods are too few; {MIN_BLOCKS} blocks of {block} are needed")
    centred = columns - columns.mean(axis=0)
    products = (centred[:, :, None] * centred[:, None, :]).reshape(n, k * k)
    both = np.column_stack([centred, products])
    running = np.cumsum(np.concatenate([np.zeros((1, k + k * k)), both, both[: block - 1]]), axis=0)
    starts = np.random.default_rng(seed).integers(0, n, size=(draws, blocks))
    of_block = (running[block:] - running[:-block]) / (blocks * block)
    means = sum(of_block[starts[:, place]] for place in range(blocks))
    first, second = np.split(np.asarray(means), [k], axis=1)
    return second.reshape(draws, k, k) - first[:, :, None] * first[:, None, :], blocks
