"""What small caps do around rate cuts, through study 01 itself, in returns that cannot be foretold.

The decisions are the real ones, with the real calendar: cuts come in turmoil, which is where other tests fail.
"""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import pandas as pd

from research_lib.data.policy import load_target_changes
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.rate_cuts.load import ReturnPair
from tests.validity.measure import Quantity
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
SENSITIVITIES = tuple(
    what for what, (table, _) in ROWS.items() if table == "sensitivity"
)  # by months: a day's takes long
MONTHLY = ("easing", "on hold", "easing less tightening", "all periods", *SENSITIVITIES)


@cache
def decisions() -> pd.DataFrame:
    """Return the real decisions."""
    return load_target_changes(as_of=pd.Timestamp("2025-12-31"))


@cache
def months() -> pd.DataFrame:
    """Return the months of the real pair."""
    return (1 + real_pair()).resample("ME").prod() - 1


@cache
def calendar(monthly: bool) -> pd.DatetimeIndex:
    """Return the periods since the Russell 2000 began, without any data."""
    return (
        pd.date_range("1987-10-31", "2025-12-31", freq="ME") if monthly else pd.bdate_range("1987-09-11", "2025-12-31")
    )


def study_of(null: str, monthly: bool, rng: np.random.Generator) -> RateCuts:
    """Return the study of a pair in which nothing is to be found."""
    if null == REAL:
        returns = random_signs(months() if monthly else real_pair(), rng)
    else:
        index, sd = calendar(monthly), (0.05, 0.03) if monthly else (0.012, 0.007)
        market, own = (NULLS[null](len(index), rng, sd=one) for one in sd)
        returns = pd.DataFrame({"small": market + own, "large": market}, index)
    frequency = (
        {"frequency": "monthly"} if monthly else {"frequency": "daily", "small": "RUT", "large": "GSPC", "horizon": 252}
    )
    study = RateCuts.from_params(**frequency)
    small, large = returns["small"], returns["large"]
    vars(study)["pair"] = ReturnPair("small minus large", small, large, large, monthly, dividends=False, cards=())
    levels = pd.DataFrame({"10-year yield": 0.05 + rng.normal(0, 0.0006, len(returns)).cumsum() * 0.5}, returns.index)
    broad = ReturnPair("large", large, None, large, monthly, dividends=False, cards=())
    vars(study).update(rates=(levels, ()), changes=decisions(), broad=broad)
    return study


def row_of(what: str, null: str, monthly: bool, rng: np.random.Generator) -> "pd.Series[float]":
    """Return the printed row."""
    table, query = ROWS[what]
    found: pd.DataFrame = getattr(study_of(null, monthly, rng), table)
    return found.query(query).iloc[0]


def p_value(what: str, null: str, monthly: bool, rng: np.random.Generator) -> float:
    """Return the printed p."""
    return float(row_of(what, null, monthly, rng)["p"])


def missed(what: str, null: str, monthly: bool, rng: np.random.Generator) -> bool | None:
    """Say whether the printed interval misses zero, which is the truth."""
    row = row_of(what, null, monthly, rng)
    return None if np.isnan(row["low"]) else bool(row["low"] > 0 or row["high"] < 0)


def quantities() -> Iterator[Quantity]:
    """Every kind of printed p, under every null; intervals where a p could hide a fault."""
    for null in (*NULLS, REAL):
        for what in (what for what in ROWS if what not in SENSITIVITIES):
            yield Quantity(f"{what}: p", null, partial(p_value, what, null, False))
        for what in MONTHLY:
            yield Quantity(
                f"{what}, months: p",
                null,
                partial(p_value, what, null, True),
                most=300 if what in SENSITIVITIES else 10**6,
            )
        for what in ("first cuts, 12 months", "easing less tightening"):
            yield Quantity(f"{what}: interval", null, partial(missed, what, null, False))
        yield Quantity(
            f"{SENSITIVITIES[0]}, months: interval", null, partial(missed, SENSITIVITIES[0], null, True), most=300
        )
    yield Quantity(
        "easing, months: p", "independent, quick", partial(p_value, "easing", "independent", True), fast=True
    )


QUANTITIES = tuple(quantities())
