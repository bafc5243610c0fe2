"""How often an extreme comes: sessions beyond a threshold joined into episodes, and the return period of a level.

Both sides count: a positive threshold asks for rises above it, a negative one for falls below it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import inv_boxcox

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import Estimate

MINIMUM_PEAKS = 10  # fewer peaks do not tell a shape from a scale
LEAST_SHAPE = -1.0  # below it the likelihood has no maximum
EXPONENTIAL_SHAPE = 1e-8  # below it the formula loses its digits; its limit is the exponential
DAYS_PER_YEAR = 365.25
# A return period is no number where its estimates lie further apart than this, or are longer than the history times it.
TOO_FAR_APART = 10
TAIL_SHARE = 0.99  # of a path lies below the threshold of `years_to`
THRESHOLD_SHARES = (0.8, 0.9, 1.0, 1.1)  # of the threshold: 2.0, 2.25, 2.5 and 2.75 around 2.5


def find_episodes(path: "pd.Series[float]", threshold: float, *, gap_sessions: int = 10) -> pd.DataFrame:
    """Find the episodes of a path, a value a session without gaps, beyond a threshold; a row each, in order.

    Sessions beyond it with at most `gap_sessions` others between them are one episode. Columns: `start` (its date:
    known on that close), `end`, `peak` and `peak_date` (known only in hindsight), `sessions` beyond the threshold,
    `position` of the start.
    """
    values, dates = path.to_numpy(dtype=np.float64), path.index
    side = np.sign(threshold) or 1.0
    rows = np.flatnonzero(side * values > abs(threshold))
    first = np.flatnonzero(np.diff(rows, prepend=-gap_sessions - 2) > gap_sessions + 1)
    sessions = np.diff(np.append(first, len(rows)))
    start, end = rows[first], rows[first + sessions - 1]
    peaks = np.array([at[(side * values[at]).argmax()] for at in np.split(rows, first[1:]) if len(at)], dtype=np.int64)
    columns = {"start": dates[start], "end": dates[end], "peak": values[peaks], "peak_date": dates[peaks]}
    return pd.DataFrame(columns | {"sessions": sessions, "position": start})


def fit_tail(peaks: ArrayLike, *, threshold: float, years: float) -> dict[str, float]:
    """Fit a generalised Pareto distribution to the excesses of episode peaks over a threshold, by maximum likelihood.

    `peaks`, shape (n,), are all beyond the threshold on its side, found in so many years. Returns `threshold`, `n`,
    `years`, and `shape` and `scale` of the excesses, which are NaN with fewer than ten peaks.
    """
    from scipy import optimize

    excesses = np.abs(np.asarray(peaks, dtype=np.float64)) - abs(threshold)
    tail = {"threshold": threshold, "n": len(excesses), "years": years, "shape": np.nan, "scale": np.nan}
    if len(excesses) < MINIMUM_PEAKS:
        return tail

    def surprise(x: NDArray[np.float64]) -> float:  # less scipy's logpdf, written out: ten times faster
        shape, log_scale = x
        scaled = excesses / np.exp(log_scale)
        if shape < LEAST_SHAPE or 1 + shape * scaled.max() <= 0:
            return np.inf
        tail = scaled if abs(shape) < EXPONENTIAL_SHAPE else (1 + 1 / shape) * np.log1p(shape * scaled)
        return float(len(excesses) * log_scale + tail.sum())

    start = [0.0, np.log(excesses.mean())]
    simplex = np.array([start, [0.15, start[1]], [0.0, start[1] + 0.15]])
    options: Any = {"initial_simplex": simplex, "xatol": 1e-7, "fatol": 1e-10}
    shape, log_scale = optimize.minimize(surprise, np.array(start), method="Nelder-Mead", options=options).x
    return tail | {"shape": float(shape), "scale": float(np.exp(log_scale))}


def years_between(tail: Mapping[str, float], level: ArrayLike) -> NDArray[np.float64]:
    """Return the mean years between episodes that reach a level, by a fitted tail (Coles, 2001, section 4.3).

    Infinite where the tail ends below the level, or at it but for rounding; NaN where the level is not beyond the threshold.
    """
    excess, shape = np.abs(np.asarray(level, dtype=np.float64)) - abs(tail["threshold"]), tail["shape"]
    scaled = excess / tail["scale"]
    beyond = np.where(1 + shape * scaled <= 1e-9, 0.0, inv_boxcox(-scaled, -shape))  # (1 + shape x)^(-1 / shape)
    with np.errstate(divide="ignore"):
        return np.where(excess > 0, tail["years"] / (tail["n"] * beyond), np.nan)


def return_periods(path: "pd.Series[float]", level: float, threshold: float, *, gap_sessions: int = 10) -> pd.DataFrame:
    """Estimate how often a level, on the threshold's side of zero, is reached: from four thresholds around the usual one.

    One row a threshold: the tail of `fit_tail`, `value` (years, from all episodes) and `without` (years, from all but
    the one with the most extreme peak); NaN where there are too few peaks, or the level is not beyond the threshold.
    """
    days, rows = pd.DatetimeIndex(path.index), []
    years = float((days[-1] - days[0]).days / DAYS_PER_YEAR)  # sessions a year differ among markets
    for one in (share * threshold for share in THRESHOLD_SHARES):
        peaks = find_episodes(path, one, gap_sessions=gap_sessions)["peak"].abs().sort_values()
        tail, rest = (fit_tail(part, threshold=one, years=years) for part in (peaks, peaks[:-1]))
        value, without = (years_between(fitted, level).item() for fitted in (tail, rest))
        rows.append(tail | {"value": value, "without": without})
    return pd.DataFrame(rows)


def return_period(periods: pd.DataFrame, threshold: float) -> Estimate:
    """Sum up `return_periods`: the estimate at one threshold, and the range over all, with and without the record.

    That range, `low` to `high`, is one of methods, not a confidence interval. The value is NaN where the data cannot
    say: the range spans a factor of ten or more, or its longest end is ten times the length of the history.
    """
    middle = periods.iloc[(periods["threshold"] - threshold).abs().argmin()]
    found = pd.concat([periods["value"], periods["without"]])
    low, high = float(found.min()), float(found.max())
    if np.isnan(low):
        raise InsufficientDataError(f"too few episodes ({middle['n']:.0f}) to say how often such a level comes")
    can_say = high < TOO_FAR_APART * min(low, middle["years"])
    return Estimate(float(middle["value"]) if can_say else np.nan, int(middle["n"]), low, high)


def years_to(path: "pd.Series[float]", level: float) -> Estimate:
    """Return the `return_period` of a level on a path, from the threshold that 1% of all values are beyond, on its side."""
    threshold = float(path.quantile(TAIL_SHARE if level > 0 else 1 - TAIL_SHARE))
    return return_period(return_periods(path, level, threshold), threshold)
