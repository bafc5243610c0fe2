"""The intervals of tendencies, through the claims' own readings, in prices that cannot be foretold."""

from functools import partial

import numpy as np
import pandas as pd

from research_lib.data import open_source
from research_lib.studies.claims.evaluate import read_all
from research_lib.studies.claims.language import read_checks
from research_lib.studies.claims.lines import Lines, Values
from tests.validity.measure import Quantity, misses
from tests.validity.nulls import NULLS

SESSIONS, FAST_SESSIONS = 9284, 3780  # as many as the Russell 2000 has; fifteen years
LINES = {
    "a season less the rest of the year": ({"of": "X", "when": "season Q4", "less": "rest of year", "say": "mean"}, 0.0),
    "years in which a season rose": ({"of": "X", "when": "season Sep", "say": "share"}, 0.5),
    "what followed falls, less all days": (
        {"of": "X", "take": "change 1", "when": "below -2%", "quiet": 5, "after": 21, "less": "all days", "say": "mean"}, 0.0,
    ),
    "mean in times of tightening": ({"of": "X", "take": "change 1", "when": "policy tightening", "say": "mean"}, 0.0),
    "mean of all days": ({"of": "X", "take": "change 1", "say": "mean"}, 0.0),
    "correlation of two lines": ({"of": "X", "take": "change 1 then correlation with Y"}, 0.0),
}  # fmt: skip


def missed(line: str, null: str, sessions: int, rng: np.random.Generator) -> bool | None:
    """Say whether the printed interval misses what is true of prices that follow the null."""
    lines = Lines(open_source("bundled"))
    dates = pd.bdate_range("1987-09-10", periods=sessions)
    prices = {name: pd.Series(100 * np.cumprod(1 + NULLS[null](sessions, rng)), dates) for name in ("X", "Y")}
    lines.raw = lambda name: Values(prices[name], "level")
    raw, truth = LINES[line]
    (found,) = read_all(read_checks(raw)[0], lines, dates[-1], uncertain=True)
    return misses(found, truth)


SEASON = "a season less the rest of the year"
QUANTITIES = (
    *(Quantity(f"claims: {line}: interval", null, partial(missed, line, null, SESSIONS)) for line in LINES for null in NULLS),
    Quantity(f"claims: {SEASON}, fifteen years: interval", "independent",
             partial(missed, SEASON, "independent", FAST_SESSIONS), fast=True),
)  # fmt: skip
