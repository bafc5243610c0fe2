"""What small caps do around rate cuts, through study 01 itself, in returns that cannot be foretold.

The decisions are the real ones, with the real calendar: cuts come in turmoil, which is where other tests fail.
"""

from functools import cache, partial

import pandas as pd

from research_lib.data import DataSet
from research_lib.data.policy import load_target_changes
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.rate_cuts.load import ReturnPair
from tests.validity.measure import ROWS, printed
from tests.validity.nulls import NULLS, REAL, random_signs, real_pair

TABLES = ROWS["rate_cuts"]
SENSITIVITIES = [what for what, (table, _) in TABLES.items() if table == "sensitivity"]  # by months: days take long
MONTHLY = ["easing", "on hold", "easing less tightening", "all periods", *SENSITIVITIES]
PS = [*((what, False) for what in TABLES if what not in SENSITIVITIES), *((what, True) for what in MONTHLY)]
# Where a p could hide a fault.
INTERVALS = [("first cuts, 12 months", False), ("easing less tightening", False), (SENSITIVITIES[0], True)]
FAST = {("independent", "all cuts, 12 months", False), ("stochastic volatility", "unscheduled cuts, 1 week", False),
        ("stochastic volatility", "easing less tightening", True)}  # fmt: skip


@cache
def setting(monthly):
    """Return the periods since the Russell 2000 began, without any data, and the real decisions."""
    first, frequency = ("1987-10-31", "ME") if monthly else ("1987-09-11", "B")
    decisions = load_target_changes(as_of=pd.Timestamp("2025-12-31"))
    return pd.date_range(first, "2025-12-31", freq=frequency), decisions


def row_of(what, null, monthly, rng):
    """Return the printed row of the study of a pair in which nothing is to be found."""
    index, decisions = setting(monthly)
    if null == REAL:
        real = (1 + real_pair()).resample("ME").prod() - 1 if monthly else real_pair()
        returns = random_signs(real, rng)
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
        rates=DataSet(levels, ()), changes=decisions,
    )  # fmt: skip
    table, query = TABLES[what]
    return getattr(study, table).query(query).iloc[0]


QUANTITIES = tuple(
    printed(f"{what}{', months' if monthly else ''}", null, partial(row_of, what, null, monthly), part,
            fast=part == "p" and (null, what, monthly) in FAST)
    for null in (*NULLS, REAL) for part, rows in (("p", PS), ("interval", INTERVALS)) for what, monthly in rows
)  # fmt: skip
