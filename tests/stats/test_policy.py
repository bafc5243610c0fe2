"""Cycles, events and states of policy, against the design's dates and by brute force."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.stats.policy import (
    CycleRule,
    easing_cycles,
    policy_events,
    policy_states,
    recession_within,
    to_positions,
)

# The design's list, for its default rule.
FIRST_CUTS = ["1984-09-20", "1987-11-04", "1989-06-06", "1995-07-06", "1998-09-29", "2001-01-03", "2007-09-18", "2019-07-31",
              "2024-09-18"]  # fmt: skip


@pytest.fixture(scope="module")
def changes() -> pd.DataFrame:
    return load_target_changes()


def dates(changes: pd.DataFrame, kind: str, rule: CycleRule | None = None) -> list[str]:
    found = policy_events(changes, kind, rule or CycleRule())  # type: ignore[arg-type]
    return list(pd.DatetimeIndex(found.index).strftime("%Y-%m-%d"))


def test_first_cuts_are_those_of_the_design(changes: pd.DataFrame) -> None:
    assert dates(changes, "first cut") == FIRST_CUTS
    assert policy_events(changes, "first cut").tolist() == list(range(9))
    cycles = easing_cycles(changes["change_bp"])
    assert cycles.index[cycles["cut_off"]].tolist() == [pd.Timestamp("1982-10-01")]


def brute_first_cuts(changes: "pd.Series[float]", rule: CycleRule) -> list[str]:
    """Judge each cut by looking back over the whole table, with nothing carried along."""
    members: list[pd.Timestamp] = []  # cuts of any cycle so far
    found: list[str] = []
    for day, size in changes[changes < 0].items():
        since = members[-1] if members else changes.index[0]
        between = changes[(changes.index < day) & (changes.index >= since)]
        ended = between[between > 0].sum() >= rule.min_tightening_bp or (day - since).days >= rule.pause_days
        if -size >= rule.min_cut_bp and ended:
            found.append(f"{day:%Y-%m-%d}")
        if (members and not ended) or -size >= rule.min_cut_bp:
            members.append(day)
    return found


@pytest.mark.parametrize("min_cut_bp", [5.0, 25.0, 50.0])
@pytest.mark.parametrize("min_tightening_bp", [10.0, 50.0, 150.0])
@pytest.mark.parametrize("pause_days", [100, 365, 1000])
def test_first_cuts_by_brute_force(
    changes: pd.DataFrame, min_cut_bp: float, min_tightening_bp: float, pause_days: int
) -> None:
    rule = CycleRule(min_cut_bp, min_tightening_bp, pause_days)
    assert dates(changes, "first cut", rule) == brute_first_cuts(changes["change_bp"], rule)


def test_a_cycle_is_described(changes: pd.DataFrame) -> None:
    cycle = easing_cycles(changes["change_bp"]).loc["2007-09-18"]
    assert (cycle["cuts"], cycle["total_bp"]) == (10, -500.0)
    assert (cycle["last_cut"], cycle["last_hike"]) == (pd.Timestamp("2008-12-16"), pd.Timestamp("2006-06-29"))


@pytest.mark.parametrize(
    ("kind", "last_three"),
    [
        ("last cut", ["2003-06-25", "2008-12-16", "2020-03-15"]),  # the cycle of 2024 has had no hike yet
        ("first hike", ["2004-06-30", "2015-12-16", "2022-03-16"]),
        ("pause", ["2006-06-29", "2018-12-19", "2023-07-26"]),
        ("unscheduled cut", ["2008-10-08", "2020-03-03", "2020-03-15"]),
    ],
)
def test_turns_of_policy(changes: pd.DataFrame, kind: str, last_three: list[str]) -> None:
    assert dates(changes, kind)[-3:] == last_three


def test_turns_are_numbered_by_their_cycle(changes: pd.DataFrame) -> None:
    pauses, cuts = policy_events(changes, "pause"), policy_events(changes, "all cuts")
    assert pauses.tolist() == list(range(9))
    firsts = policy_events(changes, "first cut")
    assert all(day < first for day, first in zip(pauses.index, firsts.index, strict=True))
    cycles = easing_cycles(changes["change_bp"])
    assert cuts.value_counts(sort=False).tolist() == cycles.loc[~cycles["cut_off"], "cuts"].tolist()


def test_no_event_needs_a_later_decision(changes: pd.DataFrame) -> None:
    """First cuts and cuts are known on their day; a last cut or hike only at the next turn."""
    for day in pd.to_datetime(["1990-01-01", "1998-10-10", "2008-10-10", "2019-07-31"]):
        known = changes[:day]
        for kind in ("first cut", "all cuts", "unscheduled cut"):
            assert dates(known, kind) == [one for one in dates(changes, kind) if pd.Timestamp(one) <= day]
        for kind in ("last cut", "pause", "first hike"):
            assert set(dates(known, kind)) <= set(dates(changes, kind))


def test_a_table_that_starts_with_hikes_is_not_cut_off(changes: pd.DataFrame) -> None:
    announced = changes["1994-02-04":]
    assert dates(announced, "first cut") == FIRST_CUTS[3:]
    assert not easing_cycles(announced["change_bp"])["cut_off"].any()


@pytest.mark.parametrize(
    ("day", "state"),
    [
        ("1982-09-30", None),
        ("1984-09-19", "tightening"),
        ("1984-09-20", "easing"),
        ("1985-01-24", "tightening"),  # a hike within the cycle
        ("1985-04-25", "easing"),  # and its resumption
        ("1987-07-02", "on hold"),  # 12.5 bp after 87.5 of hikes: too little for a cycle
        ("2019-06-16", "tightening"),
        ("2019-06-17", "on hold"),  # 180 days after 2018-12-19
        ("2019-07-31", "easing"),
        ("2025-09-16", "on hold"),
        ("2025-09-17", "easing"),
    ],
)
def test_state_of_a_day(changes: pd.DataFrame, day: str, state: str | None) -> None:
    found = policy_states(changes["change_bp"], pd.DatetimeIndex([day])).iloc[0]
    assert pd.isna(found) if state is None else found == state


def test_states_need_no_later_decision(changes: pd.DataFrame) -> None:
    days = pd.date_range("1982-10-01", "2025-12-31", freq="7D")[::40]
    whole = policy_states(changes["change_bp"], days)
    as_known = [policy_states(changes.loc[:day, "change_bp"], pd.DatetimeIndex([day])).iloc[0] for day in days]
    assert list(whole) == as_known


def test_decisions_count_on_their_session_or_the_next() -> None:
    sessions = pd.bdate_range("2020-03-02", "2020-03-31")
    decided = pd.DatetimeIndex(["2020-03-03", "2020-03-15", "2020-03-14", "2020-03-16", "2020-02-28", "2020-04-01"])
    monday = sessions.get_loc(pd.Timestamp("2020-03-16"))
    assert to_positions(decided, sessions).tolist() == [1, monday, monday, monday, -1, -1]


def test_a_decision_behind_a_gap_is_outside() -> None:
    sessions = pd.bdate_range("2020-01-01", "2020-06-30")
    gap = sessions[(sessions < "2020-03-01") | (sessions > "2020-04-15")]
    assert to_positions(pd.DatetimeIndex(["2020-03-03"]), gap).tolist() == [-1]
    closed = sessions[(sessions < "2020-03-03") | (sessions > "2020-03-06")]  # as in September 2001
    assert closed[to_positions(pd.DatetimeIndex(["2020-03-03"]), closed)[0]] == pd.Timestamp("2020-03-09")
    assert to_positions(pd.DatetimeIndex(["2020-03-03"]), sessions[:0]).tolist() == [-1]


def test_decisions_count_in_their_month() -> None:
    months = pd.date_range("2001-01-31", "2001-12-31", freq="ME")
    decided = pd.DatetimeIndex(["2001-01-03", "2001-01-31", "2000-12-29", "2001-03-31", "2002-01-02"])
    assert to_positions(decided, months, monthly=True).tolist() == [0, 0, -1, 3, -1]  # 2001-03-31 was a Saturday


def test_recession_within_a_year_is_hindsight_and_may_be_unknown() -> None:
    recessions = load_recessions()
    days = pd.DatetimeIndex(
        ["1989-06-06", "2001-01-03", "2007-12-31", "2009-06-30", "2009-07-01", "2019-07-31", "2024-09-18"]
    )
    found = recession_within(days, recessions, known_to=pd.Timestamp("2025-12-31"))
    assert found.iloc[:6].tolist() == [False, True, True, True, False, True]
    assert found.isna().tolist() == [False] * 6 + [True]
    then = pd.Timestamp("2001-06-30")
    assert recession_within(days[1:2], load_recessions(as_of=then), known_to=then).isna().all()
    assert np.asarray(recession_within(days[:0], recessions, known_to=then)).size == 0
