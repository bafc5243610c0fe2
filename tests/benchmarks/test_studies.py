"""What statistics and studies compute, against pandas or loops that give the same numbers; how fast an explorer answers."""

import asyncio
from functools import partial
from itertools import cycle

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from research_lib import explore
from research_lib.data import load_prices, open_source
from research_lib.params import validate
from research_lib.stats.sigma import SigmaSettings, scan
from research_lib.stats.specification import DRAWS
from research_lib.studies.claims.study import Claims
from research_lib.studies.study import study_class
from tests.benchmarks.measure import STATUS, alone, compare, growth, measured, memory
from tests.stats.test_sigma import by_hand
from tests.stats.test_specification import curve, one_specification, pair


def universe(sessions, assets):
    logs = np.random.default_rng(0).normal(0.0003, 0.015, size=(sessions, assets))
    np.exp(np.cumsum(logs, axis=0, out=logs), out=logs)
    return pd.DataFrame(logs, pd.bdate_range("1990-01-01", periods=sessions, name="date"), copy=False)


def peak_memory(sessions, assets):
    """Return the peak of this process during a scan, the prices included, in multiples of the prices."""
    before, prices = memory("VmRSS"), universe(sessions, assets)
    scan(prices)
    return (memory("VmHWM") - before) / prices.to_numpy().nbytes


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc to measure memory")
def test_memory_stays_below_four_times_the_input():
    assert 1 < alone(peak_memory, 5000, 1000) < 4


@measured
def test_speed_of_a_universe():
    prices = universe(7500, 5000)
    part = prices.iloc[:, :500].copy()
    with_pandas = lambda prices: (prices - prices.rolling(50).mean()) / prices.rolling(50).std()
    what = "price z of 5,000 assets x 7,500 sessions, against pandas' rolling"
    compare(what, lambda: scan(prices), lambda: with_pandas(part), part=0.1)
    exact = by_hand(prices[0].tolist(), SigmaSettings())["price_z"].iloc[-1]
    errors = [abs(path.iloc[-1, 0] / exact - 1) for path in (scan(part), with_pandas(part))]
    print("relative error {:.1e}, pandas' {:.1e}".format(*errors))
    print(f"peak memory {alone(peak_memory, 7500, 5000):.2f} x")
    prices = universe(2500, 10_000)
    growth("assets x 2,500 sessions", (2, 100, 1000, 10_000), lambda n: scan(prices.iloc[:, :n]))


@measured
def test_specification_curve():
    """The whole curve on daily data since 1987, against a loop of which a few are timed."""
    made = pair(9700)
    ways = curve(made).ways
    asked = ways[ways["n"] >= 6].sample(4, random_state=1)
    loop = lambda: [one_specification(made, row) for _, row in asked.iterrows()]
    what = f"{len(ways):,} specifications x {1 + DRAWS} draws, against a loop"
    compare(what, lambda: curve(made), loop, part=len(asked) / len(ways))


def claims(number):
    """As many different claims as asked for: changes and their ranks of one line, over many spans and days."""
    days = pd.bdate_range("1990-01-02", "2017-12-29", freq="5B")
    made = [{"id": f"C{n}", "article": "A", "says": "a claim", "is": ("1%", "1")[n % 2], "check": {
        "of": "GSPC", "take": f"change {1 + n % 97}", "say": ("value", "rank")[n % 2], "at": f"{days[n % len(days)]:%Y-%m-%d}",
    }} for n in range(number)]  # fmt: skip
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
    made = {n: Claims(claims(n)) for n in (10, 100, 1000, 10_000)}
    growth("claims", made, lambda n: made[n].results)


async def answer(explorer, view, name, values):
    explorer.view.value, explorer.controls[name].value = view, next(values)
    await explorer._pending


def anew(study, exhibits, **values):
    made = study.from_params(**values)
    for exhibit in ("summary", *exhibits):
        DisplayFormatter().format(made.show(exhibit))


@measured
@pytest.mark.parametrize(("notebook", "name", "values"), [  # a control, and values that it takes in turn
    ("03_record_sigma", "threshold", (2.2, 2.6, 3.0)), ("01_rate_cut_regimes", "min_cut_bp", (50.0, 25.0, 40.0)),
    ("02_leverage_net_debt", "stress_share", (0.3, 0.6, 0.9)),
])  # fmt: skip
def test_explorers(notebook, name, values):
    """A change of a control, against the same exhibits of a study made anew, which is what running the cells again does."""
    explorer, study, turns = explore.Explorer(notebook), study_class(notebook), cycle(values)
    for view, exhibits in study.VIEWS.items():
        ours = lambda view=view: asyncio.run(answer(explorer, view, name, turns))
        ours()
        compare(f"explorer {notebook}, {view}", ours, partial(anew, study, exhibits, **{name: values[0]}), rounds=6)
