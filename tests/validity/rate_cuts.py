"""What small caps do around rate cuts, through study 01 itself, in returns that cannot be foretold.

The decisions are the real ones, with the real calendar: cuts come in turmoil, which is where other tests fail.
"""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import pandas as pd

from research_lib.data import DataSet
from research_lib.data.policy import load_target_changes
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.rate_cuts.load import ReturnPair
from tests.validity.measure import Quantity, printed
from tests.validity.nulls import NULLS, REAL, random_signs, real_pair

ROWS = {  # a table of the study, and which row is drawn
    "first cuts, 1 day": ("compounded", "horizon == 1"),
    "first cuts, 12 months": ("compounded", "horizon == 252"),
    "first cuts, 6 months before": ("compounded", "horizon == -126"),
    "first cuts, 12 months, sums": ("sums", "horizon == 252"),
    "first cuts, 12 months, beta-adjusted": ("beta_adjusted", "horizon == 252"),
    "the broad market, day of the cut": ("market", "horizon == 0"),
    "the broad market, 5 sessions": ("market", "horizon == 5"),
    "all cuts, 1 week": ("all_cuts", "horizon == 5"),
    "all cuts, 12 months": ("all_cuts", "horizon == 252"),
    "unscheduled cuts, 1 week": ("unscheduled", "horizon == 5"),
    "unscheduled cuts, 12 months": ("unscheduled", "horizon == 252"),
    "easing": ("regimes", "regime == 'easing'"),
    "on hold": ("regimes", "regime == 'on hold'"),
    "easing less tightening": ("regimes", "regime == 'easing less tightening'"),
    "all periods": ("regimes", "regime == 'all periods'"),
    "sensitivity to a yield": ("sensitivity", "over == 'all periods' and driver == '10-year yield'"),
    "sensitivity to falls of a yield": ("sensitivity", "driver == '10-year yield, falls'"),
    "sensitivity in easing": ("sensitivity", "over == 'easing' and driver == '10-year yield'"),
}
SENSITIVITIES = tuple(what for what, (table, _) in ROWS.items() if table == "sensitivity")  # by months: days take long
MONTHLY = ("easing", "on hold", "easing less tightening", "all periods", *SENSITIVITIES)
FAST = {("independent", "all cuts, 12 months", False), ("stochastic volatility", "unscheduled cuts, 1 week", False),
        ("stochastic volatility", "easing less tightening", True)}  # fmt: skip


@cache
def setting(monthly: bool) -> tuple[pd.DatetimeIndex, pd.DataFrame]:
    """Return the periods since the Russell 2000 began, without any data, and the real decisions."""
    first, frequency = ("1987-10-31", "ME") if monthly else ("1987-09-11", "B")
    decisions = load_target_changes(as_of=pd.Timestamp("2025-12-31"))
    return pd.date_range(first, "2025-12-31", freq=frequency), decisions


def row_of(what: str, null: str, monthly: bool, rng: np.random.Generator) -> "pd.Series[float]":
    """Return the printed row of the study of a pair in which nothing is to be found."""
    index, decisions = setting(monthly)
    if null == REAL:
        real = (1 + real_pair()).resample("ME").prod() - 1 if monthly else real_pair()
        returns = random_signs(real, rng)
    else:
        market, own = (NULLS[null](len(index), rng, sd=sd) for sd in ((0.05, 0.03) if monthly else (0.012, 0.007)))
        returns = pd.DataFrame({"small": market + own, "large": market}, index)
    names = {"frequency": "monthly"} if monthly else {"small": "RUT", "large": "GSPC", "horizon": 252}
    study = RateCuts.from_params(**{"frequency": "daily", **names})
    small, large = returns["small"], returns["large"]
    levels = pd.DataFrame({"10-year yield": 0.05 + rng.normal(0, 0.0006, len(returns)).cumsum() * 0.5}, returns.index)
    vars(study).update(
        pair=ReturnPair("small minus large", small, large, large, monthly, dividends=False, cards=()),
        broad=ReturnPair("large", large, None, large, monthly, dividends=False, cards=()),
        rates=DataSet(levels, ()), changes=decisions,
    )  # fmt: skip
    table, query = ROWS[what]
    found: pd.DataFrame = getattr(study, table)
    return found.query(query).iloc[0]


def quantities() -> Iterator[Quantity]:
    """Every kind of printed p, under every null; intervals where a p could hide a fault."""
    for null in (*NULLS, REAL):
        ps = [(what, False) for what in ROWS if what not in SENSITIVITIES] + [(what, True) for what in MONTHLY]
        intervals = [("first cuts, 12 months", False), ("easing less tightening", False), (SENSITIVITIES[0], True)]
        for part, rows in {"p": ps, "interval": intervals}.items():
            for what, monthly in rows:
                name, row = f"{what}{', months' if monthly else ''}", partial(row_of, what, null, monthly)
                yield printed(name, null, row, part, fast=part == "p" and (null, what, monthly) in FAST)


QUANTITIES = tuple(quantities())
