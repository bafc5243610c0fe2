"""What small caps do around rate cuts, through study 01 itself, in returns that cannot be foretold.

The decisions are the real ones, with the real calendar: cuts come in turmoil, which is where other tests fail.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd

from research_lib.data import DataSet
from research_lib.data.policy import load_target_changes
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.rate_cuts.load import ReturnPair
from tests.validity.measure import Quantity, misses
from tests.validity.nulls import NULLS, random_signs, real_pair

REAL = "real returns with random signs"
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


@cache
def returns_of(monthly: bool) -> pd.DataFrame:
    """Return the real pair's days or months."""
    return (1 + real_pair()).resample("ME").prod() - 1 if monthly else real_pair()


@cache
def setting(monthly: bool) -> tuple[pd.DatetimeIndex, pd.DataFrame]:
    """Return the periods since the Russell 2000 began, without any data, and the real decisions."""
    decisions = load_target_changes(as_of=pd.Timestamp("2025-12-31"))
    if monthly:
        return pd.date_range("1987-10-31", "2025-12-31", freq="ME"), decisions
    return pd.bdate_range("1987-09-11", "2025-12-31"), decisions


def row_of(rng: np.random.Generator, what: str, null: str, monthly: bool) -> "pd.Series[float]":
    """Return the printed row of the study of a pair in which nothing is to be found."""
    index, decisions = setting(monthly)
    if null == REAL:
        returns = random_signs(returns_of(monthly), rng)
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


def printed(part: str, what: str, null: str, monthly: bool = False, *, fast: bool = False) -> Quantity:
    """Declare the printed p, or the interval, of a row."""
    drawn = lambda rng: row_of(rng, what, "independent" if fast else null, monthly)
    draw = {"p": lambda rng: float(drawn(rng)["p"]), "interval": lambda rng: misses(drawn(rng))}[part]
    return Quantity(f"{what}{', months' if monthly else ''}: {part}", null, draw, fast)


def quantities() -> Iterator[Quantity]:
    """Every kind of printed p, under every null; intervals where a p could hide a fault."""
    for null in (*NULLS, REAL):
        yield from (printed("p", what, null) for what in ROWS if what not in SENSITIVITIES)
        yield from (printed("p", what, null, monthly=True) for what in MONTHLY)
        yield from (printed("interval", what, null) for what in ("first cuts, 12 months", "easing less tightening"))
        yield printed("interval", SENSITIVITIES[0], null, monthly=True)
    yield printed("p", "easing", "independent, quick", monthly=True, fast=True)


QUANTITIES = tuple(quantities())
