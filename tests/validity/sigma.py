"""What followed sigma episodes, through study 03 itself, in prices that cannot be foretold."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from research_lib.data import DataSet
from research_lib.exhibits.format import plural
from research_lib.studies.record_sigma import RecordSigma
from tests.validity.measure import Quantity
from tests.validity.nulls import NULLS, Floats, random_signs, real_pair

SESSIONS, FAST_SESSIONS = 9284, 2520  # as many as the Russell 2000 has; ten years


def study_of(returns: Floats, threshold: float) -> RecordSigma:
    """Return the study of an index that made these returns."""
    dates = pd.bdate_range("1987-09-10", periods=len(returns), name="date")
    study = RecordSigma.from_params(asset="NONE", benchmark="", threshold=threshold)
    vars(study)["prices"] = DataSet(pd.DataFrame({"NONE": 100 * np.cumprod(1 + returns)}, dates), ())
    return study


def real_signs(sessions: int, rng: np.random.Generator) -> Floats:
    """Return the Russell 2000's returns, each with a random sign."""
    signed: Floats = random_signs(real_pair()[["small"]], rng)["small"].to_numpy()[:sessions]
    return signed


def p_value(null: str, threshold: float, horizon: int, sessions: int, rng: np.random.Generator) -> float:
    """Return the printed p of what followed."""
    row = after(null, threshold, horizon, sessions, rng)
    return float(row["p"])


def missed(null: str, threshold: float, horizon: int, sessions: int, rng: np.random.Generator) -> bool | None:
    """Say whether the printed interval misses zero, which is the truth."""
    row = after(null, threshold, horizon, sessions, rng)
    return None if np.isnan(row["low"]) else bool(row["low"] > 0 or row["high"] < 0)


def after(null: str, threshold: float, horizon: int, sessions: int, rng: np.random.Generator) -> "pd.Series[float]":
    """Return the row of the study's table of what followed."""
    returns = ({"real returns with random signs": real_signs} | NULLS)[null](sessions, rng)
    table: pd.DataFrame = study_of(returns, threshold).after
    return table[table["horizon"] == horizon].iloc[0]


def quantities() -> Iterator[Quantity]:
    """Both sides, short and long horizons, under every null."""
    for null in (*NULLS, "real returns with random signs"):
        for threshold, horizon in ((2.5, 1), (2.5, 21), (2.5, 252), (-2.5, 21)):
            side = "rises" if threshold > 0 else "falls"
            name = f"what followed {side} beyond {abs(threshold):g} sigma, over {plural(horizon, 'session')}"
            yield Quantity(f"{name}: p", null, partial(p_value, null, threshold, horizon, SESSIONS))
        yield Quantity(f"{name}: interval", null, partial(missed, null, threshold, horizon, SESSIONS))
    yield Quantity("what followed rises beyond 2.5 sigma, over 21 sessions of ten years: p", "independent",
                   partial(p_value, "independent", 2.5, 21, FAST_SESSIONS), fast=True)  # fmt: skip


QUANTITIES = tuple(quantities())
