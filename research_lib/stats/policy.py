"""Easing cycles, rate decisions and the state of policy, each decided with what was known at the time.

Everything rests on one series: changes of the target in basis points (cuts negative), by decision date, ascending.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from research_lib.stats.estimate import Integers

EventKind = Literal[
    "first cut", "last cut", "first hike", "pause", "last hike", "all cuts", "unscheduled cut", "cut", "hike"
]  # fmt: skip

EASING, TIGHTENING, ON_HOLD = "easing", "tightening", "on hold"
HOLD_DAYS = 180
LONGEST_WAIT_DAYS = 7  # a session later than this after a decision is behind a gap in the data
ANNOUNCEMENT_LAG = pd.DateOffset(months=12)  # no recession's start took longer to be announced


@dataclass(frozen=True)
class CycleRule:
    """What makes a cut the first of an easing cycle: its size, and what came since the last cut of the cycle before."""

    min_cut_bp: float = 25.0  # the cut has at least this size, and
    min_tightening_bp: float = 50.0  # the target rose by at least this in total since then, or
    pause_days: int = 365  # so many days have passed


def easing_cycles(changes_bp: "pd.Series[float]", rule: CycleRule = CycleRule()) -> pd.DataFrame:
    """Find the easing cycles in the changes of the target: a row each, by `first_cut`.

    Columns: `last_cut` so far; `cuts`, their number, and `total_bp`, their sum (hikes between are not netted);
    `last_hike` before the first cut (NaT: none known); `cut_off` where the table starts within the cycle, so that its
    first cut is not known.
    """
    day: Any = changes_bp.index.dtype
    columns = {"first_cut": day, "last_cut": day, "cuts": int, "total_bp": float, "last_hike": day, "cut_off": bool}
    return pd.DataFrame(_walk(changes_bp, rule)[0], columns=[*columns]).astype(columns).set_index("first_cut")


def policy_events(changes: pd.DataFrame, kind: EventKind, rule: CycleRule = CycleRule()) -> "pd.Series[Any]":
    """Return the number of the cycle that began last, from 0 (-1 before the first), by date of the decisions of a kind.

    Kinds: "first cut" and "last cut" of a cycle; "first hike" after one; "pause" or "last hike", the last hike before one,
    whose cycle is the one that comes next; "all cuts" of the cycles; "cut" and "hike", any, each with a number of its own;
    "unscheduled cut", between meetings. A cycle that the table's start cuts off does not count. That a cut or a hike was
    the last is known only at the next turn: the last of what is still on is left out. `changes` has `change_bp` and, for
    cuts between meetings, `scheduled`.
    """
    changes_bp = changes["change_bp"].astype(float)
    days, is_cut = pd.DatetimeIndex(changes_bp.index, name="decision_date"), changes_bp.to_numpy() < 0
    if kind in ("cut", "hike"):
        turns = days[is_cut == (kind == "cut")]
        return pd.Series(np.arange(len(turns)), turns, name="cycle")
    cycles, hikes = easing_cycles(changes_bp, rule), days[~is_cut]
    known = cycles[~cycles["cut_off"]]
    if kind == "first cut":
        turns = known.index
    elif kind in ("last cut", "first hike"):
        next_hike = known["last_cut"].map(lambda day: next(iter(hikes[hikes > day]), pd.NaT))
        is_over = next_hike.notna() | (known.index != known.index.max())
        turns = known["last_cut"][is_over] if kind == "last cut" else next_hike.dropna().unique()
    elif kind in ("pause", "last hike"):
        turns = known["last_hike"].dropna().unique()
    elif kind == "all cuts":
        turns = days[(np.array(_walk(changes_bp, rule)[1], dtype=object) == EASING) & (days >= known.index.min())]
    else:
        turns = days[is_cut & changes["scheduled"].eq(False).fillna(False).to_numpy(dtype=bool)]
    turns = pd.DatetimeIndex(turns, name="decision_date")
    number = known.index.searchsorted(turns, side="right") - (kind not in ("pause", "last hike"))
    return pd.Series(number.astype(np.int64), turns, name="cycle")


def policy_states(
    changes_bp: "pd.Series[float]", dates: pd.DatetimeIndex, rule: CycleRule = CycleRule()
) -> "pd.Series[str]":
    """Say for each date what policy was doing, by the decisions up to that day; missing before the first; shape (dates,).

    "easing" from a first cut to the next hike, and again from a later cut of the same cycle; "tightening" from a hike
    to the next cut; "on hold" 180 days after the last change, and after a cut too small to start a cycle.
    """
    states = np.array([*_walk(changes_bp, rule)[1], None], dtype=object)
    last = changes_bp.index.searchsorted(dates, side="right") - 1  # -1, before the first change, is the None at the end
    changed = pd.DatetimeIndex(changes_bp.index[np.maximum(last, 0)])
    idle = (last >= 0) & ((dates - changed).days >= HOLD_DAYS)
    return pd.Series(np.where(idle, ON_HOLD, states[last]), dates, dtype="str")


def _walk(changes_bp: "pd.Series[float]", rule: CycleRule) -> tuple[list[dict[str, Any]], list[str]]:
    """Read the changes in order; return the cycles, and the state that each change leads to."""
    cycles, states = list[dict[str, Any]](), list[str]()
    since, tightened_bp, last_hike = changes_bp.index[0], 0.0, None
    for day, size_bp in changes_bp.items():
        over = tightened_bp >= rule.min_tightening_bp or (day - since).days >= rule.pause_days
        if size_bp > 0:
            tightened_bp, last_hike = tightened_bp + size_bp, day
            states.append(TIGHTENING)
        elif (over or not cycles) and -size_bp < rule.min_cut_bp:
            states.append(ON_HOLD)  # too small to start a cycle
        else:
            if over or not cycles:
                cycles.append({"first_cut": day, "cuts": 0, "total_bp": 0, "last_hike": last_hike, "cut_off": not over})
            cycle = cycles[-1]
            cycle |= {"last_cut": day, "cuts": cycle["cuts"] + 1, "total_bp": cycle["total_bp"] + size_bp}
            since, tightened_bp = day, 0.0
            states.append(EASING)
    return cycles, states


def to_positions(decisions: pd.DatetimeIndex, index: pd.DatetimeIndex, *, monthly: bool = False) -> Integers:
    """Return the position in `index` at which each decision counts; -1 where it falls outside; shape (decisions,).

    A decision on a day without a session counts on the next session. A month is dated by its last day, and a decision
    counts in the month of the weekday on which it can first be traded.
    """
    days = pd.DatetimeIndex([pd.offsets.BDay().rollforward(day) for day in decisions])
    days = days + pd.offsets.MonthEnd(0) if monthly else days
    if not len(index):
        return np.full(len(days), -1, dtype=np.intp)
    found = index.searchsorted(days)
    waited = np.asarray((index[np.minimum(found, len(index) - 1)] - days).days)
    inside = (days >= index[0]) & (found < len(index)) & (waited <= (0 if monthly else LONGEST_WAIT_DAYS))
    return np.where(inside, found, -1).astype(np.intp)


def recession_within(
    dates: pd.DatetimeIndex, recessions: pd.DataFrame, *, known_to: pd.Timestamp, months: int = 12
) -> "pd.Series[bool]":
    """Say by hindsight whether a recession was on or began within `months` after each date; shape (dates,).

    `recessions` has `peak` and `trough`, last days of months: a recession begins the day after its peak's month, and a
    missing trough is still to come. Missing where none is known of, but one could still be announced after `known_to`.
    """
    ends, last = dates + pd.DateOffset(months=months), recessions["trough"].fillna(pd.Timestamp.max.normalize())
    begun = recessions["peak"].to_numpy() < ends.to_numpy()[:, None]
    found = (begun & (last.to_numpy() >= dates.to_numpy()[:, None])).any(axis=1)
    still_open = ~found & np.asarray(ends + ANNOUNCEMENT_LAG > known_to)
    return pd.Series(found, dates, dtype="boolean").mask(still_open)
