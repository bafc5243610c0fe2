"""Made-up companies with a planted effect of leverage, to test the study of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.data.companies import PricePanel, make_price_panel
from research_lib.data.statements import Found, Table, make_statements

FIRST_YEAR = 2004  # fiscal; the first report is published in the year after
# Ratios lie on a grid, each value as likely as another, so that winsorising the outer 5% leaves them as they are.
RATIOS = np.arange(-1.0, 7.0)
KEEPS_RATIO = 0.7  # of the companies, from one year to the next
LOSES_MONEY = 0.1
PUBLISHED_AFTER_DAYS = (45, 100)
INTEREST_RATE = 0.05
MARKET_MEAN, MARKET_SD, OWN_SD, RATE_SD = 0.0003, 0.01, 0.02, 0.0005  # a session


@dataclass(frozen=True)
class Planted:
    """What a company's return is made to hold, a month and for each unit of net debt to EBITDA, as decimals."""

    premium: float = 0.002  # in every month
    rate_up: float = -0.010  # for each percentage point that the rate rises in the month
    rate_down: float = -0.010  # and falls (falls count as negative)
    # Spread evenly from a year's end to the publication of its report, for each unit by which the new ratio is above
    # what the old one foretold: only who looks ahead can earn it.
    leak: float = 0.03


DEFAULT_PLANTED = Planted()


@dataclass(frozen=True)
class SimulatedPanel:
    """Made-up companies: a row a company and year, daily prices, a rate by session as a decimal, and the truth."""

    statements: Table
    panel: PricePanel
    rate: "pd.Series[float]"
    planted: Planted


def simulate_panel(*, companies=200, years=6, planted=DEFAULT_PLANTED, seed=0):
    """Make up companies whose returns depend on their leverage as it was known, in a known way.

    Daily return = beta x market + own noise + the month's effect spread over its sessions. The effect of a month is
    that of the ratio published before the last session of the month before. Companies with EBITDA of zero or less
    have none. Fiscal years from 2004 on, published 45 to 100 days after their end.
    """
    rng, shape = np.random.default_rng(seed), (companies, years)
    sessions = sessions_between(pd.Timestamp(f"{FIRST_YEAR + 1}-01-01"), pd.Timestamp(f"{FIRST_YEAR + years}-12-31"))
    sessions = pd.DatetimeIndex(sessions, name="date")
    ratio = rng.choice(RATIOS, shape)
    for year in range(1, years):
        keeps = rng.random(companies) < KEEPS_RATIO
        ratio[keeps, year] = ratio[keeps, year - 1]
    loses = rng.random(shape) < LOSES_MONEY
    ends = pd.DatetimeIndex([f"{FIRST_YEAR + year}-12-31" for year in range(years)])
    published = ends.to_numpy()[None, :] + rng.integers(*PUBLISHED_AFTER_DAYS, shape).astype("timedelta64[D]")
    rate = pd.Series(0.03 + np.cumsum(rng.normal(0, RATE_SD, len(sessions))), sessions, name="rate")
    earned = np.where(loses, 0.0, ratio)
    drawn_anew = (1 - KEEPS_RATIO) * RATIOS.mean()
    foretold = np.hstack([ratio[:, :1], (1 - LOSES_MONEY) * (KEEPS_RATIO * ratio[:, :-1] + drawn_anew)])
    effects = _monthly_effects(earned, published, sessions, rate, planted)
    effects += planted.leak * _leaks(earned - foretold, ends, published, sessions)
    noise = rng.normal(0, OWN_SD, (len(sessions), companies))
    market = rng.normal(MARKET_MEAN, MARKET_SD, len(sessions))
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
        "interest_expense": INTEREST_RATE * debt.ravel(), "shares": np.repeat(size / 5, years),
        "price": prices.to_numpy()[first, np.repeat(np.arange(companies), years)], "debt_from": "simulated",
    })  # fmt: skip
    about = {"source": "simulated", "origin": f"simulated panel, seed {seed}"}
    statements = make_statements(Found(rows, [], about["origin"]), source="simulated")
    return SimulatedPanel(statements, make_price_panel(prices, **about), rate, planted)


def _monthly_effects(earned, published, sessions, rate, planted):
    """Return the effect of each session, shape (sessions, companies)."""
    month = pd.factorize(sessions.year * 12 + sessions.month)[0]
    last = np.flatnonzero(np.diff(month, append=month[-1] + 1))
    ends = sessions.to_numpy()[last]
    move = 100 * np.diff(rate.to_numpy()[last], prepend=np.nan)
    weight = planted.premium + planted.rate_up * np.maximum(move, 0) + planted.rate_down * np.minimum(move, 0)
    weight[0] = 0.0
    # Reports published strictly before the last session of the month before; the first such month is the second.
    known = np.stack([(published < end).sum(axis=1) for end in ends[:-1]])
    padded = np.concatenate([np.zeros((len(earned), 1)), earned], axis=1)
    ratio = np.vstack([np.zeros(len(earned)), padded[np.arange(len(earned)), known]])
    return np.asarray((weight[:, None] * ratio / np.bincount(month)[:, None])[month])


def _leaks(news, ends, published, sessions):
    """Return what one unit of leak adds to each session, shape (sessions, companies)."""
    total = np.zeros((len(sessions), len(news)))
    for year in range(1, len(ends)):
        first, last = sessions.searchsorted([ends[year], published[:, year].max()], side="right")
        secret = sessions.to_numpy()[first:last, None] <= published[:, year]
        total[first:last] += secret * news[:, year] / np.maximum(secret.sum(axis=0), 1)
    return total
