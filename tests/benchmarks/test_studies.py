"""What the studies compute, against loops that give the same numbers; and how fast an explorer answers."""

import asyncio
import statistics
import time

import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from research_lib import explore
from research_lib.data import load_prices, open_source
from research_lib.params import validate
from research_lib.stats.specification import DRAWS
from research_lib.studies.claims.study import Claims
from research_lib.studies.study import study_class
from tests.benchmarks.measure import compare, growth, measured
from tests.stats.test_specification import curve, one_specification, pair

LOOPED = 4
CHANGES = {  # by explorer: a control, and values that it takes in turn
    "03_record_sigma": ("threshold", (2.2, 2.6, 3.0)),
    "01_rate_cut_regimes": ("min_cut_bp", (50.0, 25.0, 40.0)),
    "02_leverage_net_debt": ("stress_share", (0.3, 0.6, 0.9)),
}


@measured
def test_specification_curve():
    """The whole curve on daily data since 1987, against a loop of which a few are timed."""
    made = pair(9700)
    ways = curve(made).ways
    asked = ways[ways["n"] >= 6].sample(LOOPED, random_state=1)
    loop = lambda: [one_specification(made, row) for _, row in asked.iterrows()]
    what = f"{len(ways):,} specifications x {1 + DRAWS} draws, against a loop"
    compare(what, lambda: curve(made), loop, part=LOOPED / len(ways))


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
