"""Quantities of the leverage study, drawn where leverage means nothing, and group ratios drawn from real companies."""

from functools import cache, partial
from itertools import product

import numpy as np
import pandas as pd

from research_lib.data import load_series, open_source
from research_lib.data.companies import load_statements
from research_lib.stats.bootstrap import correlation, ratio_of_sums
from research_lib.stats.cross_section import event_days, fama_macbeth, leverage_rate_interaction, monthly_slopes
from research_lib.stats.leverage import LARGE, SMALL, prepare
from research_lib.stats.regression import ols
from tests.validity.measure import Quantity, misses
from tests.validity.nulls import SHARED_DATA, independent, random_signs, stochastic_volatility

MONTHS, SESSIONS_A_MONTH = 60, 21


def made_panel(*, companies=80, periods=40, premium=0.0, rise=0.0, fall=0.0, seed=0, volatility=1.0):
    """Draw a panel of monthly returns with a common shock, a rate, and an effect of leverage."""
    rng, n = np.random.default_rng(seed), companies * periods
    dates = pd.date_range("2010-01-31", periods=periods, freq="ME", unit="us", name="date")
    names = pd.Index([f"C{number:03d}" for number in range(companies)], name="company")
    ratio = np.repeat(rng.uniform(-1, 6, companies), periods) + rng.normal(0, 0.3, n)
    negative, move = rng.random(n) < 0.1, rng.normal(0, 0.2, periods)
    moves = pd.DataFrame({"rise": move.clip(0), "fall": (-move).clip(0)}, index=dates)
    leverage = np.where(negative, 0.0, ratio)
    slope = premium + np.tile(rise * moves["rise"] + fall * moves["fall"], companies)
    noise = rng.normal(0, 0.08, n) + np.tile(rng.normal(0.01, 0.04, periods), companies)
    returns = slope * leverage + noise * np.tile(np.broadcast_to(volatility, periods), companies)
    columns = {"return": returns, "negative": negative * 1.0, "leverage": leverage, "size": rng.normal(20, 2, n)}
    return pd.DataFrame(columns, index=pd.MultiIndex.from_product([names, dates])), moves


def _panel(rng, null):
    """Draw a panel without effect, whose months are as volatile as the months of a daily stochastic volatility."""
    daily = null(MONTHS * SESSIONS_A_MONTH, rng).reshape(MONTHS, -1).std(axis=1)
    return made_panel(companies=40, periods=MONTHS, seed=int(rng.integers(2**31)), volatility=daily / daily.mean())


def _premium(rng, null):
    panel, _ = _panel(rng, null)
    return fama_macbeth(monthly_slopes(panel, ["leverage", "negative"])).loc["leverage", "p"]


def _moves(rng, null, driver):
    panel, moves = _panel(rng, null)
    return leverage_rate_interaction(monthly_slopes(panel, ["leverage"]), moves).loc[driver, "p"]


def _chosen_day(rng, null):
    slopes = pd.DataFrame({"slope": null(320, rng), "n": 100}, pd.bdate_range("2010-01-04", periods=320))
    return event_days(slopes, [slopes.index[-1]])["p"].iloc[0]


def _correlation(rng, null):
    x, y = np.abs(null(600, rng)) * rng.normal(size=(2, 600))  # the volatility is common
    return correlation(x, y, draws=199).p


@cache
def _spreads():
    """Return SMB and what the study holds it against, monthly since 1926, bundled."""
    values = load_series(open_source("bundled"), ["SMB", "MKT_RF", "AAA", "BAA"]).values.dropna()
    spread = (100 * (values["BAA"] - values["AAA"])).diff()
    return pd.DataFrame({"SMB": values["SMB"], "spread": spread, "market": values["MKT_RF"]}).dropna()


def _spread_slope(rng):
    smb, drivers = random_signs(_spreads()[["SMB"]], rng)["SMB"], _spreads()[["spread", "market"]]
    return ols(smb, drivers, cov="wild", seed=int(rng.integers(2**31))).loc["spread", "p"]


@cache
def _population(group):
    """Return net debt and EBITDA of the real companies of one group, fiscal 2021; the shared folder must be there."""
    firms = prepare(load_statements(open_source("folder", data_dir=SHARED_DATA)).values, exclude_financials=False)
    return firms[(firms["fiscal_year"] == 2021) & (firms["group"] == group)][["net_debt", "ebitda"]].dropna()


def _missed(rng, n, groups):
    """Say whether the interval of a group's ratio, or of it less another's, misses that of the population."""
    populations = [_population(group) for group in groups]
    drawn, *less = [firms.iloc[rng.integers(0, len(firms), n)] for firms in populations]
    truth, *other = [firms["net_debt"].sum() / firms["ebitda"].sum() for firms in populations]
    found = ratio_of_sums(drawn, less=less[0] if less else None, draws=499, seed=int(rng.integers(2**31)))
    return misses(found, truth - sum(other))


PRINTED = {
    "return for a turn of leverage (Fama-MacBeth)": _premium,
    "leverage when the rate rises": partial(_moves, driver="rise"),
    "leverage when the rate falls": partial(_moves, driver="fall"),
    "leverage on a chosen day": _chosen_day,
    "correlation of two series": _correlation,
}
REAL = "real companies of 2021"
QUANTITIES = (
    *(Quantity(f"{name}: p", null.__name__.replace("_", " "), partial(p, null=null), fast="rate" not in name)
      for null in (independent, stochastic_volatility) for name, p in PRINTED.items()),
    Quantity("small minus large when spreads widen: p", "real returns, random signs", _spread_slope),
    *(Quantity(f"net debt / EBITDA of {group} companies, n = {n}: interval", REAL, partial(_missed, n=n, groups=[group]))
      for group, n in product((LARGE, SMALL), (100, 200, 500))),
    Quantity("gap between the groups, n = 500 each: interval", REAL, partial(_missed, n=500, groups=[SMALL, LARGE])),
)  # fmt: skip
