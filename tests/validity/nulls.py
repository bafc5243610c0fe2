"""Returns in which nothing is to be found: independent, GARCH, stochastic volatility, real ones with random signs."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data import load_prices, open_source

Floats = NDArray[np.float64]

DAILY_SD, BURN_IN = 0.01, 500
SHARED_DATA, REAL = "../shared/data", "real returns with random signs"


def independent(periods: int, rng: np.random.Generator, *, sd: float = DAILY_SD) -> Floats:
    """Draw independent Student t returns with five degrees of freedom, of mean zero."""
    return np.asarray(sd * rng.standard_t(5, size=periods) / np.sqrt(5 / 3))


def gjr_garch(periods: int, rng: np.random.Generator, *, sd: float = DAILY_SD) -> Floats:
    """Draw from a GJR-GARCH(1, 1) with the leverage effect of daily stock indices (Glosten and others, 1993)."""
    arch, leverage, garch = 0.03, 0.10, 0.90
    constant = sd**2 * (1 - arch - leverage / 2 - garch)
    shocks = rng.standard_normal(periods + BURN_IN)
    returns, variance = np.empty_like(shocks), sd**2
    for t, shock in enumerate(shocks):
        returns[t] = np.sqrt(variance) * shock
        variance = constant + (arch + leverage * (shock < 0)) * returns[t] ** 2 + garch * variance
    return np.asarray(returns[BURN_IN:])


def stochastic_volatility(periods: int, rng: np.random.Generator, *, sd: float = DAILY_SD) -> Floats:
    """Draw returns whose log variance is an autoregression (Taylor, 1986): clusters without a leverage effect."""
    from scipy.signal import lfilter

    persistence, spread = 0.98, 0.20
    path = lfilter([spread], [1, -persistence], rng.standard_normal(periods + BURN_IN))[BURN_IN:]
    usual = spread**2 / (1 - persistence**2)
    return np.asarray(sd * np.exp((path - usual / 2) / 2) * rng.standard_normal(periods))


def random_signs(returns: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Take the mean out of real returns and give each period, all columns alike, a random sign.

    The calendar, the path of volatility and the correlation of the columns are the real ones; nothing can be foretold.
    """
    signs = rng.integers(0, 2, size=(len(returns), 1)) * 2.0 - 1
    return (returns - returns.mean()) * signs


NULLS = {"independent": independent, "GARCH": gjr_garch, "stochastic volatility": stochastic_volatility}


@cache
def real_pair(small: str = "RUT", large: str = "GSPC") -> pd.DataFrame:
    """Return the daily returns of a small and a large index from the shared folder, where it is; columns `small`, `large`."""
    prices = load_prices(open_source("folder", data_dir=SHARED_DATA), [small, large]).values.dropna()
    return prices.set_axis(["small", "large"], axis=1).pct_change().iloc[1:]
