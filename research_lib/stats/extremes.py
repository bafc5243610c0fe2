"""How rare an extreme is: clustering of exceedances, and the return period of a level."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from research_lib.shown import Shown
from research_lib.stats.inference import CONFIDENCE

Floats = NDArray[np.float64]

SESSIONS_PER_YEAR = 252
MINIMUM_PEAKS = 10  # fewer peaks do not tell a shape from a scale
BOOTSTRAP_DRAWS = 500
EXPONENTIAL_SHAPE = 1e-8  # below it the generalised Pareto's formula loses its digits; its limit is the exponential
PROFILE_SHAPES = (-0.1, 0.0, 0.3)  # where the profile's search starts if it cannot from the fit
IRREGULAR_SHAPE = -0.5  # from here on the likelihood is not regular (Smith, 1985): an upper end would be invented
SEARCH_STEP = 0.15  # in the shape and the logarithm of a scale; scipy's own is 5% of the start: nothing near zero
FAR = 25  # times the allowed fall of a likelihood: further need not be told apart
IMPOSSIBLE = 1e12  # a likelihood of zero, as a number that the optimiser can subtract
RAREST_RATE = 1e-6  # once in a million years: an interval that reaches it has no upper end


@dataclass(frozen=True)
class ExtremalIndex(Shown):
    """The share of exceedances that start a cluster: 1 where they come singly, 1/5 where in fives.

    Attributes
    ----------
    value, low, high : float
        The estimate and its 95% bootstrap interval; NaN with fewer than three exceedances.
    n : int
        Exceedances.
    """

    value: float
    low: float
    high: float
    n: int


def extremal_index(exceeds: NDArray[np.bool_], *, seed: int) -> ExtremalIndex:
    """Estimate the extremal index from the times between exceedances.

    Parameters
    ----------
    exceeds : bool array of shape (sessions,)
        Whether each session is above the threshold.
    seed : int
        Of the bootstrap.

    Notes
    -----
    The intervals estimator and its bootstrap of Ferro and Segers (2003), J. R. Statist. Soc. B 65, 545-556: the
    longest times separate clusters; clusters, and the times between them, are drawn with replacement.
    """
    times = np.diff(np.flatnonzero(exceeds)).astype(float)
    n = int(exceeds.sum())
    if len(times) < 2:
        return ExtremalIndex(np.nan, np.nan, np.nan, n)
    value = _intervals_estimator(times)
    draws = _resampled_indices(times, value, np.random.default_rng(seed))
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return ExtremalIndex(value, float(low), float(high), n)


def _intervals_estimator(times: Floats) -> float:
    if times.max() <= 2:
        return float(min(1.0, 2 * times.sum() ** 2 / (len(times) * (times**2).sum())))
    return float(min(1.0, 2 * (times - 1).sum() ** 2 / (len(times) * ((times - 1) * (times - 2)).sum())))


def _resampled_indices(times: Floats, value: float, rng: np.random.Generator) -> list[float]:
    clusters = max(int(value * (len(times) + 1)), 1)
    between = np.sort(np.argsort(-times, kind="stable")[: clusters - 1])  # the longest times part the clusters
    within = [np.delete(part, -1) if i < len(between) else part for i, part in enumerate(np.split(times, between + 1))]
    return [_intervals_estimator(_draw_times(times[between], within, rng)) for _ in range(BOOTSTRAP_DRAWS)]


def _draw_times(between: Floats, within: list[Floats], rng: np.random.Generator) -> Floats:
    drawn = [within[i] for i in rng.integers(len(within), size=len(within))]
    times = np.concatenate([*drawn, rng.choice(between, len(between))] if len(between) else drawn)
    return times if len(times) else np.array([1.0])


@dataclass(frozen=True)
class Tail(Shown):
    """A generalised Pareto tail of episode peaks over a threshold.

    Attributes
    ----------
    threshold : float
        u.
    shape, scale : float
        xi and sigma of the excesses over u; NaN with fewer than `MINIMUM_PEAKS` peaks.
    peaks : float array of shape (n,)
        The episodes' peaks.
    years : float
        The time in which they were counted, in years of 252 sessions.
    """

    threshold: float
    shape: float
    scale: float
    peaks: Floats
    years: float

    @property
    def n(self) -> int:
        """The number of peaks."""
        return len(self.peaks)

    @property
    def upper_end(self) -> float:
        """The level that the fitted tail cannot pass; infinite where its shape is not negative."""
        return self.threshold - self.scale / self.shape if self.shape < 0 else np.inf


@dataclass(frozen=True)
class ReturnPeriod(Shown):
    """How often episodes reach a level.

    Attributes
    ----------
    level : float
        The level.
    years, low, high : float
        Mean time between episodes that reach it, and its 95% profile-likelihood interval; infinite where the tail
        ends below the level; NaN where there are too few peaks or the level is not above the threshold.
    n : int
        Episodes that the tail was fitted to.
    normal_years : float
        What a normal table would say of independent days, for contrast only.
    """

    level: float
    years: float
    low: float
    high: float
    n: int
    normal_years: float


def fit_tail(peaks: Floats, *, threshold: float, sessions: int) -> Tail:
    """Fit a generalised Pareto distribution to the excesses of episode peaks, by maximum likelihood.

    Parameters
    ----------
    peaks : array of shape (n,)
        The highest value of each episode, all above `threshold`.
    threshold : float
        u.
    sessions : int
        The sessions in which the episodes were found.
    """
    years = sessions / SESSIONS_PER_YEAR
    if len(peaks) < MINIMUM_PEAKS:
        return Tail(threshold, np.nan, np.nan, peaks, years)
    excesses = peaks - threshold
    (log_scale, shape), _ = _minimise(lambda x: -_log_likelihood(excesses, *x), _start(excesses))
    return Tail(threshold, shape, float(np.exp(log_scale)), peaks, years)


def return_period(tail: Tail, level: float) -> ReturnPeriod:
    """Estimate how many years lie between episodes that reach a level.

    Notes
    -----
    Episodes arrive as a Poisson process of rate r, and their peaks are generalised Pareto; those that reach level x
    arrive at rate r (1 + xi (x - u)/sigma)^(-1/xi), the return period's inverse. Its interval holds the rates whose
    profile likelihood, of the arrivals and the peaks together, is within 1.92 of the greatest (Coles, 2001,
    section 4.3.3).
    """
    from scipy import stats

    normal = 1 / (stats.norm.sf(level) * SESSIONS_PER_YEAR)
    if np.isnan(tail.shape) or level <= tail.threshold:
        return ReturnPeriod(level, np.nan, np.nan, np.nan, tail.n, float(normal))
    reach = _reach(level - tail.threshold, np.log(tail.scale), tail.shape)
    years = tail.years / (tail.n * reach) if reach > 0 else np.inf
    low, high = _profile_interval(tail, level, years)
    high = np.inf if tail.shape <= IRREGULAR_SHAPE else high
    return ReturnPeriod(level, float(years), low, high, tail.n, float(normal))


def _reach(excess: float, log_scale: float, shape: float) -> float:
    """Give the probability that a peak's excess is greater."""
    ratio = excess / np.exp(log_scale)
    if abs(shape) < EXPONENTIAL_SHAPE:
        return float(np.exp(-ratio))
    inner = 1 + shape * ratio
    return float(inner ** (-1 / shape)) if inner > 0 else 0.0


@njit(cache=True, error_model="numpy")
def _log_likelihood(excesses: Floats, log_scale: float, shape: float) -> float:
    n, scale = len(excesses), np.exp(log_scale)
    if abs(shape) < EXPONENTIAL_SHAPE:
        return float(-n * log_scale - excesses.sum() / scale)
    if shape < -1 or 1 + shape * excesses.max() / scale <= 0:  # below -1 the likelihood has no maximum
        return -np.inf
    return float(-n * log_scale - (1 + 1 / shape) * np.log(1 + shape / scale * excesses).sum())


@njit(cache=True, error_model="numpy")
def _joint_log_likelihood(excesses: Floats, years: float, excess: float, log_rate: float, x: Floats) -> float:
    """Give the likelihood of arrivals and peaks, where episodes reach the level `excess` at a rate a year.

    `x` holds the shape and the logarithm of the arrivals a year. The tail's scale follows from the shape, and from the
    share of arrivals that reach the level.
    """
    shape, log_arrivals = x
    log_reach = log_rate - log_arrivals
    if log_reach >= 0:
        return -np.inf
    scale = excess / -log_reach if abs(shape) < EXPONENTIAL_SHAPE else excess * shape / np.expm1(-shape * log_reach)
    arrivals = len(excesses) * log_arrivals - np.exp(log_arrivals) * years
    return float(arrivals + _log_likelihood(excesses, np.log(scale), shape))


def _profile_interval(tail: Tail, level: float, years: float) -> tuple[float, float]:
    from scipy import optimize, stats

    best = tail.n * np.log(tail.n / tail.years) - tail.n
    best += _log_likelihood(tail.peaks - tail.threshold, np.log(tail.scale), tail.shape)
    allowed = stats.chi2.ppf(CONFIDENCE, 1) / 2

    def beyond(log_rate: float) -> float:
        """Say how much further the profile likelihood has fallen than the interval allows.

        Of both the root is taken: it falls nearly in a straight line, along which its zero is found in few steps.
        """
        fallen = max(best + _least(tail, level, log_rate), 0.0)
        return float(np.sqrt(min(fallen, FAR * allowed)) - np.sqrt(allowed))

    rarest, commonest = np.log(RAREST_RATE), np.log(SESSIONS_PER_YEAR)
    centre = -np.log(years) if years < 1 / RAREST_RATE else rarest
    if centre == rarest and beyond(rarest) > 0:
        return np.inf, np.inf  # every tail that reaches the level at all is rejected
    high = np.inf if beyond(rarest) <= 0 else np.exp(-optimize.brentq(beyond, rarest, centre, xtol=2e-4))
    low = np.exp(-optimize.brentq(beyond, centre, commonest, xtol=2e-4))
    return float(low), float(high)


def _least(tail: Tail, level: float, log_rate: float) -> float:
    """Minimise the negative joint likelihood at one rate, from the fit or, where that is impossible, other shapes."""
    log_arrivals, excesses = max(np.log(tail.n / tail.years), log_rate + 0.1), tail.peaks - tail.threshold

    def objective(x: Floats) -> float:
        return float(-_joint_log_likelihood(excesses, tail.years, level - tail.threshold, log_rate, x))

    shapes = [tail.shape, *PROFILE_SHAPES]
    start = next((shape for shape in shapes if np.isfinite(objective(np.array([shape, log_arrivals])))), tail.shape)
    return _minimise(objective, (start, log_arrivals), within=1e-4)[1]


def _start(excesses: Floats) -> tuple[float, float]:
    return float(np.log(excesses.mean())), 0.0


def _minimise(
    objective: Callable[[Floats], float], start: tuple[float, float], *, within: float = 1e-6
) -> tuple[tuple[float, float], float]:
    """Return the place of the minimum, to `within`, and the minimum, to its square times the curvature."""
    from scipy import optimize

    first, second = start
    simplex = np.array([[first, second], [first + SEARCH_STEP, second], [first, second + SEARCH_STEP]])
    options: Any = {"xatol": within, "fatol": within / 100, "initial_simplex": simplex}

    def possible(x: Floats) -> float:
        return min(objective(x), IMPOSSIBLE)

    found = optimize.minimize(possible, np.array(start), method="Nelder-Mead", options=options)
    return (float(found.x[0]), float(found.x[1])), float(found.fun)
