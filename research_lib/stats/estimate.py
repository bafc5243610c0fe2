"""`Estimate`: a number and how sure it is; and Holm's adjustment. Frames have its fields as columns, and p_holm."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

LEVEL = 0.05  # of tests, and one less the coverage of intervals
NORMAL_QUANTILE = 1.959963984540054  # at one less half of it


@dataclass(frozen=True)
class Estimate:
    """A number and how sure it is; NaN where a method does not give a part."""

    value: float
    n: int  # how many independent cases it rests on: cycles, months, firms; never overlapping rows
    low: float = nan  # of the 95% interval, as is high
    high: float = nan
    p: float = nan  # two-sided, of the value against zero or `base`
    p_smallest: float = nan  # the smallest p that so few cases can give
    base: float = nan  # what the value is held against, such as the mean of all other days


def holm(p_values: ArrayLike) -> Floats:
    """Adjust p-values, shape (k,), by Holm's (1979) step-down method; NaN is no test and does not count."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return adjusted
