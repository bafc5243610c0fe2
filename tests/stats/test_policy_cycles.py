from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.stats.policy_cycles import (
    CycleRule,
    bill_rate_steps,
    cycle_of,
    easing_cycles,
    first_cuts,
    in_recession,
    last_hikes,
    policy_states,
    recession_announced,
    recession_within,
    to_sessions,
)

# The design's list, for its default rule.
FIRST_CUTS = [
    "1984-09-20", "1987-11-04", "1989-06-06", "1995-07-06", "1998-09-29", "2001-01-03", "2007-09-18", "2019-07-31",
    "2024-09-18",
]  # fmt: skip


@pytest.fixture(scope="module")
def changes() -> "pd.Series[float]":
    return load_target_changes()["change_bp"]


def test_first_cuts_are_those_of_the_design(changes: "pd.Series[float]") -> None:
    assert list(first_cuts(changes).strftime("%Y-%m-%d")) == FIRST_CUTS


def test_the_cycle_that_the_table_cuts_off_is_flagged(changes: "pd.Series[float]") -> None:
    cycles = easing_cycles(changes)
    assert [cycle.cut_off for cycle in cycles] == [True] + [False] * len(FIRST_CUTS)
    assert cycles[0].first_cut == pd.Timestamp("1982-10-01")


def brute_first_cuts(changes: "pd.Series[float]", rule: CycleRule) -> list[pd.Timestamp]:
    """Judge each cut by looking back over the whole table, with nothing carried along."""
    members: list[pd.Timestamp] = []  # cuts of any cycle so far
    found: list[pd.Timestamp] = []
    for day, size in changes[changes < 0].items():
        since = members[-1] if members else changes.index[0]
        between = changes[(changes.index < day) & (changes.index >= since)]
        ended = between[between > 0].sum() >= rule.min_tightening_bp or (day - since).days >= rule.pause_days
        if -size >= rule.min_cut_bp and ended:
            found.append(day)
        if (members and not ended) or -size >= rule.min_cut_bp:
            members.append(day)
    return found


@pytest.mark.parametrize("min_cut_bp", [5.0, 25.0, 50.0])
@pytest.mark.parametrize("min_tightening_bp", [10.0, 50.0, 150.0])
@pytest.mark.parametrize("pause_days", [100, 365, 1000])
def test_first_cuts_by_brute_force(
    changes: "pd.Series[float]", min_cut_bp: float, min_tightening_bp: float, pause_days: int
) -> None:
    rule = CycleRule(min_cut_bp, min_tightening_bp, pause_days)
    assert list(first_cuts(changes, rule=rule)) == brute_first_cuts(changes, rule)


def test_a_cycle_is_described(changes: "pd.Series[float]") -> None:
    cycle = next(cycle for cycle in easing_cycles(changes) if cycle.first_cut == pd.Timestamp("2007-09-18"))
    assert (len(cycle.cuts), cycle.total_bp) == (10, -500.0)
    assert cycle.last_cut == pd.Timestamp("2008-12-16")
    assert cycle.length_days == (date(2008, 12, 16) - date(2007, 9, 18)).days
    assert cycle.last_hike == pd.Timestamp("2006-06-29")
    assert cycle.months_on_hold == pytest.approx(14.65, abs=0.01)
    assert len(last_hikes(changes)) == len(FIRST_CUTS)


def test_a_table_that_starts_with_hikes_is_not_cut_off(changes: "pd.Series[float]") -> None:
    announced = changes["1994-02-04":]
    assert list(first_cuts(announced).strftime("%Y-%m-%d")) == FIRST_CUTS[3:]
    assert not easing_cycles(announced)[0].cut_off


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("1982-09-30", None),
        ("1984-09-19", "tightening"),
        ("1984-09-20", "easing"),
        ("1985-01-24", "tightening"),  # a hike within the cycle
        ("1985-04-25", "easing"),  # and its resumption
        ("1987-07-02", "hold"),  # 12.5 bp after 87.5 of hikes: too little for a cycle
        ("2019-06-16", "tightening"),
        ("2019-06-17", "hold"),  # 180 days after 2018-12-19
        ("2019-07-31", "easing"),
        ("2025-09-16", "hold"),
        ("2025-09-17", "easing"),
    ],
)
def test_state_of_a_day(changes: "pd.Series[float]", day: str, state: str | None) -> None:
    found = policy_states(changes, pd.DatetimeIndex([day])).iloc[0]
    assert pd.isna(found) if state is None else found == state


def test_states_need_no_later_decision(changes: "pd.Series[float]") -> None:
    days = pd.date_range("1982-10-01", "2025-12-31", freq="7D")
    whole = policy_states(changes, days)
    as_known = [policy_states(changes[:day], pd.DatetimeIndex([day])).iloc[0] for day in days[::40]]
    assert list(whole.iloc[::40]) == as_known


def test_decisions_count_on_their_session_or_the_next() -> None:
    sessions = pd.bdate_range("2020-03-02", "2020-03-31")
    decided = pd.DatetimeIndex(["2020-03-03", "2020-03-15", "2020-03-14", "2020-03-16", "2020-02-28", "2020-04-01"])
    found = to_sessions(decided, sessions)
    monday = sessions.get_loc(pd.Timestamp("2020-03-16"))
    assert found.tolist() == [1, monday, monday, monday, -1, -1]


def test_a_decision_behind_a_gap_is_outside() -> None:
    sessions = pd.bdate_range("2020-01-01", "2020-06-30")
    gap = sessions[(sessions < "2020-03-01") | (sessions > "2020-04-15")]
    assert to_sessions(pd.DatetimeIndex(["2020-03-03"]), gap).tolist() == [-1]
    closed = sessions[(sessions < "2020-03-03") | (sessions > "2020-03-06")]  # as in September 2001
    assert closed[to_sessions(pd.DatetimeIndex(["2020-03-03"]), closed)[0]] == pd.Timestamp("2020-03-09")


def test_decisions_count_in_their_month() -> None:
    months = pd.date_range("2001-01-31", "2001-12-31", freq="ME")
    decided = pd.DatetimeIndex(["2001-01-03", "2001-01-31", "2000-12-29", "2001-03-31", "2002-01-02"])
    assert to_sessions(decided, months, monthly=True).tolist() == [0, 0, -1, 3, -1]  # 2001-03-31 was a Saturday


def test_cycle_numbers(changes: "pd.Series[float]") -> None:
    cycles = easing_cycles(changes)
    assert cycle_of(pd.DatetimeIndex(["1982-01-01", "1982-10-01", "2001-09-17", "2026-01-01"]), cycles).tolist() == [
        -1, 0, 6, 9,
    ]  # fmt: skip


def test_bill_rate_steps_follow_a_target_and_need_nothing_later() -> None:
    months = pd.date_range("1970-01-31", periods=60, freq="ME")
    target = pd.Series(np.repeat([0.05, 0.06, 0.03], 20), months)
    steps = bill_rate_steps(target, months=1)
    assert steps.to_dict() == {months[20]: 100.0, months[40]: -300.0}
    noisy = target + np.random.default_rng(0).normal(0, 0.002, 60)
    whole, until = bill_rate_steps(noisy), bill_rate_steps(noisy.iloc[:45])
    pd.testing.assert_series_equal(whole[: months[44]], until)
    wander = noisy.iloc[:20] - target.iloc[:20]
    assert bill_rate_steps(wander + 0.05).empty


def test_recession_states() -> None:
    recessions = load_recessions()
    days = pd.DatetimeIndex(["2007-12-31", "2008-01-01", "2008-11-30", "2008-12-01", "2009-07-01", "2010-09-20"])
    assert in_recession(days, recessions).tolist() == [False, True, True, True, False, False]
    assert recession_announced(days, recessions).tolist() == [False, False, False, True, True, False]


def test_recession_within_a_year_is_hindsight_and_may_be_unknown() -> None:
    recessions, days = load_recessions(), pd.DatetimeIndex(["1989-06-06", "2001-01-03", "2019-07-31", "2024-09-18"])
    found = recession_within(days, recessions, known_to=pd.Timestamp("2025-12-31"))
    assert found.iloc[:3].tolist() == [False, True, True]
    assert found.isna().tolist() == [False, False, False, True]
    early = recession_within(
        days[1:2], load_recessions(as_of=pd.Timestamp("2001-06-30")), known_to=pd.Timestamp("2001-06-30")
    )
    assert early.isna().all()
