"""Made-up companies with a planted effect of leverage, to test the study of it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.data.companies import make_price_panel
from research_lib.data.statements import Found, make_statements

FIRST_YEAR = 2004  # fiscal; the first report is published in the year after
# Ratios lie on a grid, each value as likely as another, so that winsorising the outer 5% leaves them as they are.
RATIOS = np.arange(-1.0, 7.0)
# What a month's return holds for each unit of net debt to EBITDA: in every month, and for each point that the rate rises.
PREMIUM, RATE_EFFECT = 0.002, -0.010


def simulate_panel(*, companies=200, years=6, seed=0):
    """Make up companies whose returns depend on their leverage as it was known, in a known way.

    Daily return = beta x market + own noise + the month's effect spread over its sessions: that of the ratio published
    before the last session of the month before. Companies with EBITDA of zero or less have none. Fiscal years from 2004
    on, published 45 to 100 days after their end. Returns `statements`, the `panel` of prices, and the `rate` by session.
    """
    rng, shape = np.random.default_rng(seed), (companies, years)
    sessions = sessions_between(pd.Timestamp(f"{FIRST_YEAR + 1}-01-01"), pd.Timestamp(f"{FIRST_YEAR + years}-12-31"))
    ratio = rng.choice(RATIOS, shape)
    for year in range(1, years):  # seven in ten keep theirs
        ratio[:, year] = np.where(rng.random(companies) < 0.7, ratio[:, year - 1], ratio[:, year])
    loses = rng.random(shape) < 0.1
    ends = pd.DatetimeIndex([f"{FIRST_YEAR + year}-12-31" for year in range(years)])
    published = ends.to_numpy()[None, :] + rng.integers(45, 100, shape).astype("timedelta64[D]")
    rate = pd.Series(0.03 + np.cumsum(rng.normal(0, 0.0005, len(sessions))), sessions, name="rate")
    effects = _monthly_effects(np.where(loses, 0.0, ratio), published, rate)
    noise = rng.normal(0, 0.02, (len(sessions), companies))
    market = rng.normal(0.0003, 0.01, len(sessions))
    returns = market[:, None] * rng.uniform(0.5, 1.5, companies) + noise + effects
    names = [f"SIM{number:04d}" for number in range(companies)]
    prices = pd.DataFrame(50 * np.cumprod(1 + returns, axis=0), sessions, names)
    size = rng.lognormal(18, 1.2, (companies, 1))
    ebitda = np.where(loses, -0.3, 1.0) * size * rng.lognormal(0, 0.1, shape)
    net_debt = ratio * np.abs(ebitda)
    debt = np.maximum(net_debt, 0) + 0.5 * size
    first = np.minimum(prices.index.searchsorted(pd.DatetimeIndex(published.ravel())), len(prices) - 1)
    rows = pd.DataFrame({
        "company": np.repeat(names, years), "fiscal_year": np.tile(ends.year, companies), "fiscal_period": "FY",
        "period_end": np.tile(ends, companies), "known_from": published.ravel(), "currency": "USD",
        "short_term_debt": 0.2 * debt.ravel(), "long_term_debt": 0.8 * debt.ravel(), "cash": (debt - net_debt).ravel(),
        "operating_income": (ebitda - 0.2 * size).ravel(), "depreciation_amortization": np.repeat(0.2 * size, years),
        "interest_expense": 0.05 * debt.ravel(), "shares": np.repeat(size / 5, years),
        "price": prices.to_numpy()[first, np.repeat(np.arange(companies), years)], "debt_from": "simulated",
    })  # fmt: skip
    statements = make_statements(Found(rows, [], "made up"), source="simulated")
    panel = make_price_panel(prices, source="simulated", origin="made up")
    return SimpleNamespace(statements=statements, panel=panel, rate=rate)


def _monthly_effects(earned, published, rate):
    """Return the effect of each session, shape (sessions, companies)."""
    month = pd.factorize(rate.index.year * 12 + rate.index.month)[0]
    last = np.flatnonzero(np.diff(month, append=month[-1] + 1))
    weight = PREMIUM + RATE_EFFECT * 100 * np.diff(rate.to_numpy()[last], prepend=np.nan)
    weight[0] = 0.0
    # Reports published strictly before the last session of the month before; the first such month is the second.
    known = np.stack([(published < end).sum(axis=1) for end in rate.index.to_numpy()[last[:-1]]])
    padded = np.concatenate([np.zeros((len(earned), 1)), earned], axis=1)
    ratio = np.vstack([np.zeros(len(earned)), padded[np.arange(len(earned)), known]])
    return np.asarray((weight[:, None] * ratio / np.bincount(month)[:, None])[month])
