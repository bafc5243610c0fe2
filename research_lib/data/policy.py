"""Rate decisions and recessions: tables of public facts that a test checks, cut at `as_of` like every other data."""

from functools import cache

import pandas as pd

from research_lib.data.catalog import FACTS, PERCENT
from research_lib.errors import InsufficientDataError

ANNOUNCED_SINCE = pd.Timestamp("1994-02-04")  # the first decision that was announced on its day
UNANNOUNCED_LAG = pd.DateOffset(months=12)  # no announcement came later after a peak; before 1980 there were none


def load_target_changes(*, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
    """Load every change of the federal funds target that was decided up to `as_of`.

    Index `decision_date`, ascending; columns `effective_date`, `target_lower`, `target_upper` (decimals), `change_bp`
    (of the upper bound), `announced`, and `scheduled` (missing before 1994, when nobody was told).
    """
    if (table := _target_changes().loc[:as_of]).empty:
        raise InsufficientDataError(f"no target change is known up to as_of {as_of:%Y-%m-%d}")
    return table


def load_recessions(*, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
    """Load the US recessions that were known by `as_of`.

    One row a recession, ascending; `peak` and `trough` are the last days of the months, `peak_announced` and
    `trough_announced` the days they became known: NaT before 1980, and for a trough that was not known yet.
    """
    days = ["peak", "trough", "peak_announced", "trough_announced"]
    recessions = pd.read_csv(FACTS / "nber_recessions.csv", parse_dates=days)
    recessions[["peak", "trough"]] += pd.offsets.MonthEnd()
    if as_of is not None:
        late = {turn: recessions[turn] + UNANNOUNCED_LAG for turn in ("peak", "trough")}
        peak_known, trough_known = (recessions[f"{turn}_announced"].fillna(day) for turn, day in late.items())
        trough = ["trough", "trough_announced"]
        recessions[trough] = recessions[trough].mask(trough_known > as_of)
        recessions = recessions[peak_known <= as_of]
    return recessions.reset_index(drop=True)


@cache
def _target_changes() -> pd.DataFrame:
    days = ["decision_date", "effective_date"]
    table = pd.read_csv(FACTS / "fomc_target_changes.csv", parse_dates=days, index_col="decision_date")
    for bound in ("target_lower", "target_upper"):
        table[bound] = table.pop(f"{bound}_pct") * PERCENT
    scheduled = table.pop("unscheduled").isna().astype("boolean").mask(table.index < ANNOUNCED_SINCE)
    return table.assign(scheduled=scheduled)
