"""How sure one can be of what followed a few events, without pretending that they were independent draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95

# Means by FFT carry rounding of about 1e-16 times the values' size; shifts nearer than this are ties.
TIE_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Placement:
    """The mean outcome of events against the same events placed elsewhere in time.

    Attributes
    ----------
    n : int
        Events.
    mean : float
        Mean outcome of the events, in the outcomes' unit.
    base : float
        Mean outcome of all sessions: what a random placement expects.
    p_value : float
        Two-sided: the share of placements at least as far from `base` as the events are.
    p_smallest : float
        The smallest p-value that this test can give, 1/placements.
    low, high : float
        95% interval of the mean: the constant effects that the test does not reject, added to `base`.
    """

    n: int
    mean: float
    base: float
    p_value: float
    p_smallest: float
    low: float
    high: float


def placement_test(outcomes: Floats, events: Sequence[int] | NDArray[np.intp]) -> Placement:
    """Test events against all circular shifts of themselves, exactly.

    Shifting all events together keeps their clustering, and the overlap of the outcomes' windows; only the tie
    between the events and the calendar is broken.

    Parameters
    ----------
    outcomes : array of shape (sessions,)
        What followed each session, without gaps; the windows may overlap.
    events : array of shape (n,)
        Positions of the events in `outcomes`.

    Raises
    ------
    ValueError
        There is no event, or an outcome is missing.

    Notes
    -----
    With x the outcomes and e the events' indicator, the mean at shift s is sum_t e[t] x[(t + s) mod T] / n: a
    circular cross-correlation, computed for all T shifts at once by FFT. The identity is one of the shifts, so
    that the test is exact under exchangeability of shifts (Davison and Hinkley, 1997, section 4.3).
    """
    means = placement_means(outcomes, events)
    base = float(outcomes.mean())
    apart = means - base
    tolerance = TIE_TOLERANCE * max(float(np.abs(outcomes).max()), np.finfo(float).tiny)
    p_value = float(np.mean(np.abs(apart) >= abs(apart[0]) - tolerance))
    below, above = np.quantile(apart, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    mean = float(outcomes[np.asarray(events)].mean())
    return Placement(len(events), mean, base, p_value, 1 / len(outcomes), mean - float(above), mean - float(below))


def placement_means(outcomes: Floats, events: Sequence[int] | NDArray[np.intp]) -> Floats:
    """Return the events' mean outcome at every circular shift, the events themselves first; shape (sessions,)."""
    from scipy import fft

    if len(events) == 0:
        raise ValueError("there is no event to place")
    if not np.isfinite(outcomes).all():
        raise ValueError("outcomes must be without gaps")
    indicator = np.zeros(len(outcomes))
    np.add.at(indicator, np.asarray(events), 1.0)
    spectrum = np.conj(fft.rfft(indicator)) * fft.rfft(outcomes)
    return np.asarray(fft.irfft(spectrum, len(outcomes)), dtype=np.float64) / len(events)


def holm(p_values: Sequence[float]) -> Floats:
    """Adjust p-values of several horizons or definitions for their number (Holm, 1979); shape as given, NaN kept.

    Four lines instead of statsmodels' `multipletests`, which collects all garbage at each call (60 ms).
    """
    values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(np.isfinite(values))
    ordered = tested[np.argsort(values[tested])]
    adjusted = values.copy()
    steps = np.arange(len(ordered), 0, -1)
    adjusted[ordered] = np.minimum(np.maximum.accumulate(values[ordered] * steps), 1)
    return adjusted
