"""Every kind of p-value and interval that is printed, drawn through the studies' own functions where nothing is to be found."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import product

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from research_lib.data import DataSet, load_prices, load_series, open_source
from research_lib.data.companies import load_statements
from research_lib.data.policy import load_target_changes
from research_lib.exhibits.format import plural
from research_lib.stats.bootstrap import correlation, ratio_of_sums
from research_lib.stats.cross_section import event_days, fama_macbeth, leverage_rate_interaction, monthly_slopes
from research_lib.stats.leverage import LARGE, SMALL, prepare
from research_lib.stats.regression import ols
from research_lib.studies.claims.language import read_checks
from research_lib.studies.claims.lines import Lines, Values
from research_lib.studies.claims.verdict import read_all
from research_lib.studies.rate_cuts import RateCuts, ReturnPair
from research_lib.studies.record_sigma import RecordSigma
from tests.conftest import read_table

ROWS = read_table("validity/rows.yaml")
SESSIONS = 9284  # as many as the Russell 2000 has

# --- returns in which nothing is to be found: independent, GARCH, stochastic volatility, real ones with random signs

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


# --- what is measured


@dataclass(frozen=True)
class Quantity:
    """A printed p-value or interval, and how to draw it once where nothing is to be found."""

    name: str  # as a reader knows it: "mean after first cuts, 126 sessions: p"
    null: str  # what the data are drawn from
    draw: Callable  # of a random generator: the p-value, or whether the interval missed; NaN or None: too few to say
    fast: bool = False  # quick enough for `make test`


def misses(found, truth=0.0):
    """Say whether a 95% interval, of an estimate or a printed row, misses the truth; None where there is none."""
    return None if np.isnan(found.low) else bool(found.low > truth or found.high < truth)


def printed(name, null, row, part="p", *, fast=False):
    """Declare the printed p, or the interval, of the row that `row` draws."""
    draw = {"p": lambda rng: float(row(rng)["p"]), "interval": lambda rng: misses(row(rng))}[part]
    return Quantity(f"{name}: {part}", null, draw, fast)


# --- what small caps do around rate cuts. The decisions are the real ones, with the real calendar: cuts come in turmoil,
# which is where other tests fail.

CUTS, DECISIONS = ROWS["rate_cuts"], load_target_changes(as_of=pd.Timestamp("2025-12-31"))
DAYS = pd.date_range("1987-09-11", "2025-12-31", freq="B")  # since the Russell 2000 began
MONTH_ENDS = pd.date_range("1987-10-31", "2025-12-31", freq="ME")
SENSITIVITIES = [what for what, (table, _) in CUTS.items() if table == "sensitivity"]  # by months: days take long
MONTHLY = ["easing", "on hold", "easing less tightening", "all periods", *SENSITIVITIES]
PS = [*((what, False) for what in CUTS if what not in SENSITIVITIES), *((what, True) for what in MONTHLY)]
# Where a p could hide a fault.
INTERVALS = [("first cuts, 12 months", False), ("easing less tightening", False), (SENSITIVITIES[0], True)]
FAST = {("independent", "all cuts, 12 months", False), ("stochastic volatility", "unscheduled cuts, 1 week", False),
        ("stochastic volatility", "easing less tightening", True)}  # fmt: skip


def around_cuts(what, null, monthly, rng):
    """Return the printed row of study 01 of a pair."""
    index = MONTH_ENDS if monthly else DAYS
    if null == REAL:
        returns = random_signs((1 + real_pair()).resample("ME").prod() - 1 if monthly else real_pair(), rng)
    else:
        market, own = (NULLS[null](len(index), rng, sd=sd) for sd in ((0.05, 0.03) if monthly else (0.012, 0.007)))
        returns = pd.DataFrame({"small": market + own, "large": market}, index)
    daily = {"frequency": "daily", "small": "RUT", "large": "GSPC", "horizon": 252}
    study = RateCuts.from_params(**{"frequency": "monthly"} if monthly else daily)
    small, large = returns["small"], returns["large"]
    levels = pd.DataFrame({"10-year yield": 0.05 + rng.normal(0, 0.0006, len(returns)).cumsum() * 0.5}, returns.index)
    vars(study).update(
        pair=ReturnPair("small minus large", small, large, large, monthly, dividends=False, cards=()),
        broad=ReturnPair("large", large, None, large, monthly, dividends=False, cards=()),
        rates=DataSet(levels, ()), changes=DECISIONS,
    )  # fmt: skip
    table, query = CUTS[what]
    return getattr(study, table).query(query).iloc[0]


RATE_CUTS = (
    printed(f"{what}{', months' if monthly else ''}", null, partial(around_cuts, what, null, monthly), part,
            fast=part == "p" and (null, what, monthly) in FAST)
    for null in (*NULLS, REAL) for part, rows in (("p", PS), ("interval", INTERVALS)) for what, monthly in rows
)  # fmt: skip

# --- what followed sigma episodes: both sides, short and long horizons

AFTER = ((2.5, 1, "p"), (2.5, 21, "p"), (2.5, 252, "p"), (-2.5, 21, "p"), (-2.5, 21, "interval"))


def after(null, threshold, horizon, sessions, rng):
    """Return the row of study 03's table of what followed, of an index."""
    real = lambda n, rng: random_signs(real_pair()[["small"]], rng)["small"].to_numpy()[:n]  # the Russell 2000
    returns = NULLS.get(null, real)(sessions, rng)
    dates = pd.bdate_range("1987-09-10", periods=len(returns), name="date")
    study = RecordSigma.from_params(asset="NONE", benchmark="", threshold=threshold)
    vars(study)["prices"] = DataSet(pd.DataFrame({"NONE": 100 * np.cumprod(1 + returns)}, dates), ())
    return study.after.set_index("horizon", drop=False).loc[horizon]


def followed(null, threshold, horizon, part, sessions=SESSIONS, more=""):
    side = "rises" if threshold > 0 else "falls"
    name = f"what followed {side} beyond {abs(threshold):g} sigma, over {plural(horizon, 'session')}{more}"
    return printed(name, null, partial(after, null, threshold, horizon, sessions), part, fast=bool(more))


SIGMA = (
    *(followed(null, *row) for null in (*NULLS, REAL) for row in AFTER),
    followed("independent", 2.5, 21, "p", 2520, " of ten years"),
)

# --- leverage, where it means nothing, and group ratios drawn from real companies

MONTHS, SESSIONS_A_MONTH, REAL_FIRMS = 60, 21, "real companies of 2021"
CHOSEN = pd.bdate_range("2010-01-04", periods=320)  # the last is


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


def _moves(rng, null, driver):
    panel, moves = _panel(rng, null)
    return leverage_rate_interaction(monthly_slopes(panel, ["leverage"]), moves).loc[driver, "p"]


@cache
def _spreads():
    """Return SMB and what the study holds it against, monthly since 1926, bundled."""
    values = load_series(open_source("bundled"), ["SMB", "MKT_RF", "AAA", "BAA"]).values.dropna()
    return values.assign(spread=(100 * (values["BAA"] - values["AAA"])).diff()).dropna()


def _spread_slope(rng):
    smb, drivers = random_signs(_spreads()[["SMB"]], rng)["SMB"], _spreads()[["spread", "MKT_RF"]]
    return ols(smb, drivers, cov="wild", seed=int(rng.integers(2**31))).loc["spread", "p"]


@cache
def _population(group):
    """Return net debt and EBITDA of the real companies of one group, fiscal 2021; the shared folder must be there."""
    firms = prepare(load_statements(open_source("folder", data_dir=SHARED_DATA)).values, exclude_financials=False)
    return firms[(firms["fiscal_year"] == 2021) & (firms["group"] == group)][["net_debt", "ebitda"]].dropna()


def ratio_missed(rng, n, groups):
    """Say whether the interval of a group's ratio, or of it less another's, misses that of the population."""
    populations = [_population(group) for group in groups]
    drawn, *less = [firms.iloc[rng.integers(0, len(firms), n)] for firms in populations]
    truth, *other = [firms["net_debt"].sum() / firms["ebitda"].sum() for firms in populations]
    found = ratio_of_sums(drawn, less=less[0] if less else None, draws=499, seed=int(rng.integers(2**31)))
    return misses(found, truth - sum(other))


PRINTED = {
    "return for a turn of leverage (Fama-MacBeth)": lambda rng, null: fama_macbeth(
        monthly_slopes(_panel(rng, null)[0], ["leverage", "negative"])
    ).loc["leverage", "p"],
    "leverage when the rate rises": partial(_moves, driver="rise"),
    "leverage when the rate falls": partial(_moves, driver="fall"),
    "leverage on a chosen day": lambda rng, null: event_days(
        pd.DataFrame({"slope": null(len(CHOSEN), rng), "n": 100}, CHOSEN), CHOSEN[-1:]
    )["p"].iloc[0],
    "correlation of two series": lambda rng, null: (  # the volatility is common
        correlation(*(np.abs(null(600, rng)) * rng.normal(size=(2, 600))), draws=199).p
    ),
}
LEVERAGE = (
    *(Quantity(f"{name}: p", null, partial(p, null=NULLS[null]), fast="rate" not in name)
      for null in ("independent", "stochastic volatility") for name, p in PRINTED.items()),
    Quantity("small minus large when spreads widen: p", "real returns, random signs", _spread_slope),
    *(Quantity(f"net debt / EBITDA of {group} companies, n = {n}: interval", REAL_FIRMS, partial(ratio_missed, n=n, groups=[group]))
      for group, n in product((LARGE, SMALL), (100, 200, 500))),
    Quantity("gap between the groups, n = 500 each: interval", REAL_FIRMS, partial(ratio_missed, n=500, groups=[SMALL, LARGE])),
)  # fmt: skip

# --- the intervals of tendencies, through the claims' own readings

SEASON = "a season less the rest of the year"


def claim_missed(line, null, sessions, rng):
    """Say whether the printed interval misses what is true of prices that follow the null."""
    lines, dates = Lines(open_source("bundled")), pd.bdate_range("1987-09-10", periods=sessions)
    prices = {name: pd.Series(100 * np.cumprod(1 + NULLS[null](sessions, rng)), dates) for name in ("X", "Y")}
    lines.raw = lambda name: Values(prices[name], "level")
    check, truth = ROWS["claims"][line]
    (found,) = read_all(read_checks(check)[0], lines, dates[-1], uncertain=True)
    return misses(found, truth)


CLAIMS = (
    *(Quantity(f"claims: {line}: interval", null, partial(claim_missed, line, null, SESSIONS))
      for line in ROWS["claims"] for null in NULLS),
    Quantity(f"claims: {SEASON}, fifteen years: interval", "independent", partial(claim_missed, SEASON, "independent", 3780), fast=True),
)  # fmt: skip

STUDIES = {"rate_cuts": RATE_CUTS, "sigma": SIGMA, "leverage": LEVERAGE, "claims": CLAIMS}
QUANTITIES = [(study, one) for study, quantities in STUDIES.items() for one in quantities]
