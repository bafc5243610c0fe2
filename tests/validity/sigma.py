"""What followed sigma episodes, through study 03 itself, in prices that cannot be foretold."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from research_lib.data import DataSet
from research_lib.exhibits.format import plural
from research_lib.studies.record_sigma import RecordSigma
from tests.validity.measure import Quantity, misses
from tests.validity.nulls import NULLS, random_signs, real_pair

SESSIONS, FAST_SESSIONS = 9284, 2520  # as many as the Russell 2000 has; ten years
REAL = "real returns with random signs"


def after(
    rng: np.random.Generator, null: str, threshold: float, horizon: int, sessions: int = SESSIONS
) -> "pd.Series[float]":
    """Return the row of the study's table of what followed, of an index in which nothing is to be found."""
    real = lambda n, rng: random_signs(real_pair()[["small"]], rng)["small"].to_numpy()[:n]  # the Russell 2000
    returns = (NULLS | {REAL: real})[null](sessions, rng)
    dates = pd.bdate_range("1987-09-10", periods=len(returns), name="date")
    study = RecordSigma.from_params(asset="NONE", benchmark="", threshold=threshold)
    vars(study)["prices"] = DataSet(pd.DataFrame({"NONE": 100 * np.cumprod(1 + returns)}, dates), ())
    return study.after[study.after["horizon"] == horizon].iloc[0]


def quantities() -> Iterator[Quantity]:
    """Both sides, short and long horizons, under every null."""
    for null in (*NULLS, REAL):
        for threshold, horizon in ((2.5, 1), (2.5, 21), (2.5, 252), (-2.5, 21)):
            case, side = (null, threshold, horizon), "rises" if threshold > 0 else "falls"
            name = f"what followed {side} beyond {abs(threshold):g} sigma, over {plural(horizon, 'session')}"
            yield Quantity(f"{name}: p", null, lambda rng, case=case: float(after(rng, *case)["p"]))
        yield Quantity(f"{name}: interval", null, lambda rng, case=case: misses(after(rng, *case)))
    yield Quantity("what followed rises beyond 2.5 sigma, over 21 sessions of ten years: p", "independent",
                   lambda rng: float(after(rng, "independent", 2.5, 21, FAST_SESSIONS)["p"]), fast=True)  # fmt: skip


QUANTITIES = tuple(quantities())
