"""What the studies compute, against loops that give the same numbers; and how fast an explorer answers."""

import asyncio
import statistics
import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from research_lib import explore
from research_lib.data import load_prices, open_source
from research_lib.data.policy import load_target_changes
from research_lib.params import validate
from research_lib.stats.policy import CycleRule, policy_events
from research_lib.stats.specification import DRAWS, specification_curve
from research_lib.studies.claims.study import Claims
from research_lib.studies.study import study_class
from tests.benchmarks.measure import compare, growth, measured

HORIZONS, BETA_SESSIONS, LOOPED = (1, 5, 21, 63, 126, 252), 252, 4
CHANGES = {  # by explorer: a control, and values that it takes in turn
    "03_record_sigma": ("threshold", (2.2, 2.6, 3.0)),
    "01_rate_cut_regimes": ("min_cut_bp", (50.0, 25.0, 40.0)),
    "02_leverage_net_debt": ("stress_share", (0.3, 0.6, 0.9)),
}


def pair(periods):
    """Two legs of business days; how long the work takes does not hang on their values."""
    index = pd.bdate_range("1987-09-10", periods=periods, name="date")
    small, large = (pd.Series(leg, index) for leg in np.random.default_rng(0).normal(4e-4, 0.012, (2, periods)))
    return small, large, large


def curve(made, changes):
    options = {"rule": CycleRule(25, 50, 365), "monthly": False, "beta_periods": BETA_SESSIONS}
    return specification_curve({"small minus large": made}, changes, HORIZONS, **options)


def one_specification(made, changes, row):
    """Answer one specification in plain pandas: mean and p of the data, then of each draw of random signs."""
    cuts = policy_events(changes, "first cut", CycleRule(row.min_cut_bp, row.min_tightening_bp, row.pause_days)).index
    index = made[0].index
    cuts = cuts[(cuts >= index[0]) & (cuts <= index[-1])]
    days = [day for day in index[index.searchsorted(cuts)] if day.year >= row.start_year]
    draws = np.random.default_rng(0).integers(0, 2, size=(DRAWS, len(index)), dtype=np.int8) * 2 - 1
    found = []
    for signs in [None, *draws]:
        legs = [leg if signs is None else (leg - leg.mean()) * signs for leg in made[:2]]
        if row.measure == "compounded":
            grown = [(1 + leg).cumprod() for leg in legs]
            outcome = np.subtract(*[level.shift(-row.horizon) / level - 1 for level in grown])
        else:
            outcome = (legs[0] - legs[1]).cumsum().diff(row.horizon).shift(-row.horizon)
        chosen = outcome[days].dropna().to_numpy()
        flipped = [abs(np.dot(pattern, chosen)) for pattern in product((1, -1), repeat=len(chosen))]
        found.append((chosen.mean(), np.mean(np.array(flipped) >= abs(chosen.sum()) * (1 - 1e-10))))
    return np.array(found)


def test_specification_curve(request):
    """The same curve, specification by specification; in a test on short data, measured on daily data since 1987."""
    enabled = request.config.getoption("benchmark_enable")
    made, changes = pair(9700 if enabled else 7000), load_target_changes()
    found = curve(made, changes)
    table = found.ways
    asked = table[~table["measure"].str.contains("beta") & (table["n"] >= 6)]
    asked = asked.sample(LOOPED if enabled else 1, random_state=1)
    for at, row in asked.iterrows():
        mean, p = one_specification(made, changes, row).T
        np.testing.assert_allclose(found.means[:, at], mean, atol=1e-12)
        np.testing.assert_allclose(found.p_values[:, at], p, atol=1e-12)
    if enabled:
        loop = lambda: [one_specification(made, changes, row) for _, row in asked.iterrows()]
        what = f"{len(table):,} specifications x {1 + DRAWS} draws, against a loop"
        compare(what, lambda: curve(made, changes), loop, part=LOOPED / len(table))


def claims(number):
    """As many different claims as asked for: changes and their ranks of one line, over many spans and days."""
    days = pd.bdate_range("1990-01-02", "2017-12-29", freq="5B")
    made = []
    for n in range(number):
        say, stated, day = ("value", "rank")[n % 2], ("1%", "1")[n % 2], str(days[n % len(days)].date())
        check = {"of": "GSPC", "take": f"change {1 + n % 97}", "say": say, "at": day}
        made.append({"id": f"C{n}", "article": "A", "says": "a claim", "check": check, "is": stated})
    articles = {"A": {"title": "Many claims", "as_of": "2018-06-29"}}
    return validate(Claims.Parameters, {"articles": articles, "claims": made}, origin="claims")


def plainly(asked):
    """Give the same figures in plain pandas, the price read once."""
    close = load_prices(open_source("bundled"), ["GSPC"])["GSPC"]
    for check in (claim.check for claim in asked.claims):
        changes = close[: check["at"]].pct_change(int(check["take"].split()[1]))
        changes.rank(ascending=False).iloc[-1] if check["say"] == "rank" else changes.iloc[-1]


@measured
def test_claims():
    asked = claims(5000)
    compare("5,000 claims, against their figures in pandas", lambda: Claims(asked).results, lambda: plainly(asked))


@measured
def test_growth_of_claims():
    made = {n: Claims(claims(n)) for n in (10, 100, 1000, 10_000)}
    growth("claims", made, lambda n: made[n].results)


async def answers(explorer, view, name, values, rounds=6):
    """Return the seconds of each answer of a view after the first."""
    took, explorer.view.value = [], view
    for turn in range(rounds + 1):
        start = time.perf_counter()
        explorer.controls[name].value = values[turn % len(values)]
        await explorer._pending
        took.append(time.perf_counter() - start)
    return took[1:]


@measured
@pytest.mark.parametrize("notebook", CHANGES)
def test_explorers(notebook):
    """A change of a control, against the same exhibits of a study made anew, which is what running the cells again does."""
    explorer, study, (name, values) = explore.open_explorer(notebook), study_class(notebook), CHANGES[notebook]
    for view, exhibits in study.VIEWS.items():
        took = asyncio.run(answers(explorer, view, name, values))
        start = time.perf_counter()
        anew = study.from_params(**{name: values[0]})
        for exhibit in ("summary", *exhibits):
            DisplayFormatter().format(anew.show(exhibit))
        again = time.perf_counter() - start
        print(f"\n| explorer {notebook}, {view} | {statistics.median(took):.3f} s | {again:.3f} s | "
              f"{again / statistics.median(took):.2f} (best answer {min(took):.3f} s) |", end="")  # fmt: skip
