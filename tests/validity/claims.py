"""The intervals of tendencies, through the claims' own readings, in prices that cannot be foretold."""

from functools import partial

import numpy as np
import pandas as pd

from research_lib.data import open_source
from research_lib.studies.claims.evaluate import read_all
from research_lib.studies.claims.language import read_checks
from research_lib.studies.claims.lines import Lines, Values
from tests.validity.measure import ROWS, Quantity, misses
from tests.validity.nulls import NULLS

SESSIONS, FAST_SESSIONS = 9284, 3780  # as many as the Russell 2000 has; fifteen years


def missed(line, null, sessions, rng):
    """Say whether the printed interval misses what is true of prices that follow the null."""
    lines, dates = Lines(open_source("bundled")), pd.bdate_range("1987-09-10", periods=sessions)
    prices = {name: pd.Series(100 * np.cumprod(1 + NULLS[null](sessions, rng)), dates) for name in ("X", "Y")}
    lines.raw = lambda name: Values(prices[name], "level")
    check, truth = ROWS["claims"][line]
    (found,) = read_all(read_checks(check)[0], lines, dates[-1], uncertain=True)
    return misses(found, truth)


SEASON = "a season less the rest of the year"
QUANTITIES = (
    *(Quantity(f"claims: {line}: interval", null, partial(missed, line, null, SESSIONS))
      for line in ROWS["claims"] for null in NULLS),
    Quantity(f"claims: {SEASON}, fifteen years: interval", "independent",
             partial(missed, SEASON, "independent", FAST_SESSIONS), fast=True),
)  # fmt: skip
