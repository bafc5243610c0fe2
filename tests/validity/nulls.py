"""Returns in which nothing is to be found: independent, GARCH, stochastic volatility, real ones with random signs."""

from functools import cache

import numpy as np
from scipy.signal import lfilter

from research_lib.data import load_prices, open_source

DAILY_SD, BURN_IN = 0.01, 500
SHARED_DATA, REAL = "../shared/data", "real returns with random signs"


def independent(periods, rng, *, sd=DAILY_SD):
    """Draw independent Student t returns with five degrees of freedom, of mean zero."""
    return sd * rng.standard_t(5, size=periods) / np.sqrt(5 / 3)


def gjr_garch(periods, rng, *, sd=DAILY_SD):
    """Draw from a GJR-GARCH(1, 1) with the leverage effect of daily stock indices (Glosten and others, 1993)."""
    arch, leverage, garch = 0.03, 0.10, 0.90
    constant = sd**2 * (1 - arch - leverage / 2 - garch)
    shocks = rng.standard_normal(periods + BURN_IN)
    returns, variance = np.empty_like(shocks), sd**2
    for t, shock in enumerate(shocks):
        returns[t] = np.sqrt(variance) * shock
        variance = constant + (arch + leverage * (shock < 0)) * returns[t] ** 2 + garch * variance
    return returns[BURN_IN:]


def stochastic_volatility(periods, rng, *, sd=DAILY_SD):
    """Draw returns whose log variance is an autoregression (Taylor, 1986): clusters without a leverage effect."""
    persistence, spread = 0.98, 0.20
    path = lfilter([spread], [1, -persistence], rng.standard_normal(periods + BURN_IN))[BURN_IN:]
    usual = spread**2 / (1 - persistence**2)
    return sd * np.exp((path - usual / 2) / 2) * rng.standard_normal(periods)


def random_signs(returns, rng):
    """Take the mean out of real returns and give each period, all columns alike, a random sign.

    The calendar, the path of volatility and the correlation of the columns are the real ones; nothing can be foretold.
    """
    return (returns - returns.mean()) * (rng.integers(0, 2, size=(len(returns), 1)) * 2.0 - 1)


NULLS = {"independent": independent, "GARCH": gjr_garch, "stochastic volatility": stochastic_volatility}


@cache
def real_pair():
    """Return the daily returns of the Russell 2000, `small`, and the S&P 500, `large`, from the shared folder, where it is."""
    prices = load_prices(open_source("folder", data_dir=SHARED_DATA), ["RUT", "GSPC"]).values.dropna()
    return prices.set_axis(["small", "large"], axis=1).pct_change().iloc[1:]
