"""Quantities of the leverage study, drawn where leverage means nothing, and group ratios drawn from real companies."""

from functools import cache

import numpy as np
import pandas as pd

from research_lib.data import load_series, open_source
from research_lib.data.companies import load_companies
from research_lib.errors import MissingDataError
from research_lib.stats.bootstrap import correlation, ratio_of_sums
from research_lib.stats.cross_section import event_days, fama_macbeth, leverage_rate_interaction, monthly_slopes
from research_lib.stats.leverage import LARGE, SMALL, prepare
from research_lib.stats.regression import ols
from tests.validity.measure import Quantity
from tests.validity.nulls import SHARED_DATA, independent, random_signs, stochastic_volatility

MONTHS, SESSIONS_A_MONTH = 60, 21


def made_panel(*, companies=80, periods=40, premium=0.0, rise=0.0, fall=0.0, seed=0, volatility=1.0):
    """Draw a panel of monthly returns with a common shock, a rate, and an effect of leverage."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2010-01-31", periods=periods, freq="ME", unit="us", name="date")
    names = [f"C{number:03d}" for number in range(companies)]
    index = pd.MultiIndex.from_product([names, dates], names=["company", "date"])
    ratio = np.repeat(rng.uniform(-1, 6, companies), periods) + rng.normal(0, 0.3, companies * periods)
    negative = rng.random(companies * periods) < 0.1
    move = rng.normal(0, 0.2, periods)
    moves = pd.DataFrame({"rise": move.clip(0), "fall": (-move).clip(0)}, index=dates)
    leverage = np.where(negative, 0.0, ratio)
    slope = premium + np.tile(rise * moves["rise"] + fall * moves["fall"], companies)
    noise = rng.normal(0, 0.08, companies * periods) + np.tile(rng.normal(0.01, 0.04, periods), companies)
    panel = pd.DataFrame(
        {
            "return": slope * leverage + noise * np.tile(np.broadcast_to(volatility, periods), companies),
            "negative": negative.astype(float),
            "leverage": leverage,
            "size": rng.normal(20, 2, companies * periods),
        },
        index=index,
    )
    return panel, moves


def _panel(rng, null):
    """Draw a panel without effect, whose months are as volatile as the months of a daily stochastic volatility."""
    daily = null(MONTHS * SESSIONS_A_MONTH, rng).reshape(MONTHS, -1).std(axis=1)
    return made_panel(companies=40, periods=MONTHS, seed=int(rng.integers(2**31)), volatility=daily / daily.mean())


def _premium(rng, null):
    return float(fama_macbeth(monthly_slopes(_panel(rng, null)[0], ["leverage", "negative"])).loc["leverage", "p"])


def _moves(rng, null, driver):
    panel, moves = _panel(rng, null)
    return float(leverage_rate_interaction(monthly_slopes(panel, ["leverage"]), moves).loc[driver, "p"])


def _chosen_day(rng, null):
    slopes = pd.DataFrame({"slope": null(320, rng), "n": 100}, pd.bdate_range("2010-01-04", periods=320))
    return float(event_days(slopes, [slopes.index[-1]])["p"].iloc[0])


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
    drawn = _spreads()
    smb = random_signs(drawn[["SMB"]], rng)["SMB"]
    return float(ols(smb, drawn[["spread", "market"]], cov="wild", seed=int(rng.integers(2**31))).loc["spread", "p"])


@cache
def _population(group):
    """Return net debt and EBITDA of the real companies of one group, fiscal 2021; the shared folder must be there."""
    statements = load_companies(open_source("folder", data_dir=SHARED_DATA)).statements
    if statements is None:
        raise MissingDataError("no company statements")
    firms = prepare(statements, exclude_financials=False)
    chosen = firms[(firms["fiscal_year"] == 2021) & (firms["group"] == group)]
    return chosen[["net_debt", "ebitda"]].dropna().reset_index(drop=True)


def _drawn(rng, group, n):
    population = _population(group)
    return population.iloc[rng.integers(0, len(population), n)]


def _truth(group):
    return _population(group)["net_debt"].sum() / _population(group)["ebitda"].sum()


def _ratio(rng, group, n):
    drawn = _drawn(rng, group, n)
    found = ratio_of_sums(drawn, draws=499, seed=int(rng.integers(2**31)))
    return not found.low <= _truth(group) <= found.high if found.has_interval else None


def _gap(rng, n):
    found = ratio_of_sums(_drawn(rng, SMALL, n), less=_drawn(rng, LARGE, n), draws=499, seed=int(rng.integers(2**31)))
    return not found.low <= _truth(SMALL) - _truth(LARGE) <= found.high if found.has_interval else None


def _of(function, *arguments):
    return lambda rng: function(rng, *arguments)


NULLS = {"independent": independent, "stochastic volatility": stochastic_volatility}
QUANTITIES = (
    *(
        Quantity(name, null, _of(draw, NULLS[null], *arguments), fast)
        for null in NULLS
        for name, draw, arguments, fast in (
            ("return for a turn of leverage (Fama-MacBeth): p", _premium, (), False),
            ("leverage when the rate rises: p", _moves, ("rise",), False),
            ("leverage when the rate falls: p", _moves, ("fall",), False),
            ("leverage on a chosen day: p", _chosen_day, (), False),
            ("correlation of two series: p", _correlation, (), True),
        )
    ),
    Quantity("small minus large when spreads widen: p", "real returns, random signs", _spread_slope),
    *(
        Quantity(
            f"net debt / EBITDA of {group} companies, n = {n}: interval",
            "real companies of 2021",
            _of(_ratio, group, n),
        )
        for group in (LARGE, SMALL)
        for n in (100, 200, 500)
    ),
    Quantity("gap between the groups, n = 500 each: interval", "real companies of 2021", _of(_gap, 500)),
)
