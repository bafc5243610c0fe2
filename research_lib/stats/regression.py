"""Regressions whose errors keep their size, and the mean of a series that may be autocorrelated.

Newey-West errors are not among them: with few months they reject up to 18% at a nominal 5%.
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL, Estimate, Floats

LEAST_MONTHS = 24  # of a mean with the cosine error: three degrees of freedom
PER_DRIVER = 10  # observations that a coefficient needs
DRAWS, BISECTIONS = 499, 40
CONSTANT, ROUNDING = "constant", 1e-20


def ols(y: "pd.Series[float]", drivers: pd.DataFrame, cov: Literal["wild", "HC3"], *, seed: int = 0) -> pd.DataFrame:
    """Regress y on drivers, shape (periods, drivers), and a constant, over the rows that have all values.

    `cov` is "wild", the restricted wild bootstrap-t (499 draws), right for months and sessions, whose volatility
    changes; or "HC3", for a cross-section. Returns value, low, high, p and n; a row for `constant` and each driver.

    Raises InsufficientDataError where fewer than ten rows a coefficient have all values, a driver is a combination of
    the others, or nothing is left to explain.
    """
    rows = pd.concat([y.rename("y"), drivers], axis=1, join="inner").dropna()
    n, k, names = len(rows), drivers.shape[1] + 1, ", ".join(map(str, drivers.columns))
    if n < PER_DRIVER * k:
        raise InsufficientDataError(f"{n} periods have all of {names}; {PER_DRIVER * k} are needed")
    target = rows["y"].to_numpy(float)
    known = np.column_stack([np.ones(n), rows[list(drivers.columns)].to_numpy(float)])
    if np.linalg.matrix_rank(known / np.maximum(np.abs(known).max(axis=0), np.finfo(float).tiny)) < k:
        raise InsufficientDataError(f"{names}: one of them does not vary, or follows from the others")
    bread = np.linalg.inv(known.T @ known)
    value = bread @ known.T @ target
    residuals = target - known @ value
    if residuals @ residuals <= ROUNDING * (target @ target):
        raise InsufficientDataError(f"{names} explain all: there is no residual to judge by")
    if cov == "wild":
        low, high, p = _wild_bootstrap_t(known, bread, residuals, value, seed=seed)
    else:
        leverage = np.einsum("ij,jk,ik->i", known, bread, known)
        weighted = known * (residuals / (1 - leverage))[:, None]
        error = np.sqrt(np.diag(bread @ (weighted.T @ weighted) @ bread))
        reach = stdtrit(n - k, 1 - LEVEL / 2) * error
        low, high, p = value - reach, value + reach, 2 * stdtr(n - k, -np.abs(value) / error)
    columns = {"value": value, "low": low, "high": high, "p": p, "n": n}
    return pd.DataFrame(columns, index=pd.Index([CONSTANT, *drivers.columns], name="driver"))


def _wild_bootstrap_t(known: Floats, bread: Floats, residuals: Floats, value: Floats, *, seed: int) -> Floats:
    """Return low, high and p of every coefficient by the restricted wild bootstrap-t (Davidson and Flachaire, 2008).

    Under the hypothesis that a coefficient is b, the residuals are u + (value - b) x, where x is its column without
    what the others explain. With random signs as weights, the numerator of each bootstrap t is linear and its squared
    error quadratic in (value - b), so that the test is inverted from sums that are made once.
    """
    n, k = known.shape
    apart = (known @ bread / np.diag(bread)).T  # row j: column j without what the others explain
    rows = [known.T * residuals]
    for x in apart:
        rows += [x * residuals, x * x, known.T * x, known.T * (x**2 * residuals), known.T * x**3]
    signs = np.random.default_rng(seed).integers(0, 2, size=(n, DRAWS), dtype=np.int8) * 2.0 - 1
    sums = np.vstack(rows) @ signs
    explained, own = bread @ sums[:k], sums[k:].reshape(k, 3 * k + 2, DRAWS)
    found = [_invert(known, residuals, apart[j], float(value[j]), (explained, bread, own[j])) for j in range(k)]
    return np.array(found).T


def _invert(
    known: Floats, residuals: Floats, x: Floats, value: float, drawn: tuple[Floats, Floats, Floats]
) -> tuple[float, float, float]:
    """Return low, high and p of one coefficient from its sums over the signs; see `_wild_bootstrap_t`."""
    explained, bread, sums = drawn
    top, (moved, *crossed) = sums[:2], sums[2:].reshape(3, known.shape[1], -1)
    parts, fitted, middle = (residuals, x), (explained, bread @ moved), (known.T * x**2) @ known

    def squares(a: int, b: int) -> Floats:
        """Return the part of the sum of x² times the squared bootstrap residuals that is due to parts a and b."""
        both = (fitted[a] * crossed[b] + fitted[b] * crossed[a] - fitted[a] * (middle @ fitted[b])).sum(axis=0)
        return np.asarray(x**2 @ (parts[a] * parts[b]) - both)

    level, slope, curve = squares(0, 0), 2 * squares(0, 1), squares(1, 1)
    observed = float((x @ x) ** 2 / (x**2 @ residuals**2))

    def p_value(distance: float) -> float:
        variance = np.maximum(level + distance * (slope + distance * curve), np.finfo(float).tiny)
        further = (top[0] + distance * top[1]) ** 2 / variance >= distance**2 * observed
        return float((1 + np.count_nonzero(further)) / (1 + DRAWS))

    def reach(side: int) -> float:
        inside, outside = 0.0, 1 / float(np.sqrt(observed))
        while p_value(side * outside) > LEVEL:
            inside, outside = outside, 2 * outside
        for _ in range(BISECTIONS):
            half = (inside + outside) / 2
            inside, outside = (half, outside) if p_value(side * half) > LEVEL else (inside, half)
        return outside

    return value - reach(1), value + reach(-1), p_value(value)


def cosine_mean(values: ArrayLike, *, independent: float | None = None) -> Estimate:
    """Return the mean of a monthly series with the equal-weighted cosine error, for series that may be autocorrelated.

    The long-run variance is the mean square of the first 0.41 T^(2/3) cosine transforms, and t has as many degrees of
    freedom (Lazarus, Lewis, Stock and Watson, 2018). T is the number of values, or of `independent` ones where states last
    for many values. NaN is left out; under 24 others raise `InsufficientDataError`.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    n, count = len(x), max(round(0.41 * (independent or len(x)) ** (2 / 3)), 1)
    if n < LEAST_MONTHS:
        raise InsufficientDataError(f"a mean with an interval needs {LEAST_MONTHS} months; there are {n}")
    angles = np.pi * np.outer(np.arange(1, count + 1), (np.arange(n) + 0.5) / n)
    error = float(np.sqrt(np.mean((np.sqrt(2 / n) * np.cos(angles) @ x) ** 2) / n))
    value, reach = float(x.mean()), float(stdtrit(count, 1 - LEVEL / 2)) * error
    p = float(2 * stdtr(count, -abs(value) / error)) if error > 0 else np.nan
    return Estimate(value, n, value - reach, value + reach, p, base=0.0)


def rolling_beta(returns: ArrayLike, market: ArrayLike, *, periods: int) -> Floats:
    """Return the market model's beta over the last `periods` up to and with each; NaN before; shape (periods,)."""
    y, m = pd.Series(np.asarray(returns, dtype=float)), pd.Series(np.asarray(market, dtype=float))
    return np.asarray(y.rolling(periods).cov(m) / m.rolling(periods).var(), dtype=np.float64)
