"""What followed sigma episodes, through study 03 itself, in prices that cannot be foretold."""

from functools import partial

import numpy as np
import pandas as pd

from research_lib.data import DataSet
from research_lib.exhibits.format import plural
from research_lib.studies.record_sigma import RecordSigma
from tests.validity.measure import printed
from tests.validity.nulls import NULLS, REAL, random_signs, real_pair

SESSIONS, FAST_SESSIONS = 9284, 2520  # as many as the Russell 2000 has; ten years
# Both sides, short and long horizons.
ROWS = ((2.5, 1, "p"), (2.5, 21, "p"), (2.5, 252, "p"), (-2.5, 21, "p"), (-2.5, 21, "interval"))


def after(null, threshold, horizon, sessions, rng):
    """Return the row of the study's table of what followed, of an index in which nothing is to be found."""
    real = lambda n, rng: random_signs(real_pair()[["small"]], rng)["small"].to_numpy()[:n]  # the Russell 2000
    returns = NULLS.get(null, real)(sessions, rng)
    dates = pd.bdate_range("1987-09-10", periods=len(returns), name="date")
    study = RecordSigma.from_params(asset="NONE", benchmark="", threshold=threshold)
    vars(study)["prices"] = DataSet(pd.DataFrame({"NONE": 100 * np.cumprod(1 + returns)}, dates), ())
    return study.after.set_index("horizon", drop=False).loc[horizon]


def declare(null, threshold, horizon, part, sessions=SESSIONS, more=""):
    side = "rises" if threshold > 0 else "falls"
    name = f"what followed {side} beyond {abs(threshold):g} sigma, over {plural(horizon, 'session')}{more}"
    return printed(name, null, partial(after, null, threshold, horizon, sessions), part, fast=bool(more))


QUANTITIES = (
    *(declare(null, *row) for null in (*NULLS, REAL) for row in ROWS),
    declare("independent", 2.5, 21, "p", FAST_SESSIONS, " of ten years"),
)
