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
def changes():
    return load_target_changes()


def days(*texts):
    return pd.DatetimeIndex(texts)


def dates(changes, kind, *rule):
    return list(pd.DatetimeIndex(policy_events(changes, kind, *rule).index).strftime("%Y-%m-%d"))


def test_first_cuts_are_those_of_the_design(changes):
    assert dates(changes, "first cut") == FIRST_CUTS
    assert policy_events(changes, "first cut").tolist() == list(range(9))
    cycles = easing_cycles(changes["change_bp"])
    assert cycles.index[cycles["cut_off"]].tolist() == [pd.Timestamp("1982-10-01")]
    expected = {"last_cut": pd.Timestamp("2008-12-16"), "cuts": 10, "total_bp": -500.0,
                "last_hike": pd.Timestamp("2006-06-29"), "cut_off": False}  # fmt: skip
    assert cycles.loc["2007-09-18"].to_dict() == expected
    announced = changes["1994-02-04":]  # a table that starts with hikes is not cut off
    assert dates(announced, "first cut") == FIRST_CUTS[3:]
    assert not easing_cycles(announced["change_bp"])["cut_off"].any()


def brute_first_cuts(changes, rule):
    """Judge each cut by looking back over the whole table, with nothing carried along."""
    members, found = [], []  # cuts of any cycle so far; first cuts
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
def test_first_cuts_by_brute_force(changes, min_cut_bp, min_tightening_bp, pause_days):
    rule = CycleRule(min_cut_bp, min_tightening_bp, pause_days)
    assert dates(changes, "first cut", rule) == brute_first_cuts(changes["change_bp"], rule)


@pytest.mark.parametrize(
    ("hiked_bp", "day", "cycles"),
    [(50, "2020-06-01", 2), (49, "2020-06-01", 1), (0, "2021-01-01", 2), (0, "2020-12-31", 1)],
)
def test_a_cycle_is_over_after_just_so_much_or_so_long(hiked_bp, day, cycles):
    """The last cut was on 2020-01-02, and 2021-01-01 is 365 days later."""
    sizes = {"2019-01-02": 50, "2020-01-02": -25, "2020-03-02": hiked_bp, day: -25}
    made = pd.Series([*sizes.values()], days(*sizes), dtype=float)
    assert len(easing_cycles(made[made != 0])) == cycles


LAST_THREE = {
    "last cut": ["2003-06-25", "2008-12-16", "2020-03-15"],  # the cycle of 2024 has had no hike yet
    "first hike": ["2004-06-30", "2015-12-16", "2022-03-16"],
    "pause": ["2006-06-29", "2018-12-19", "2023-07-26"],
    "unscheduled cut": ["2008-10-08", "2020-03-03", "2020-03-15"],
}


def test_turns_of_policy(changes):
    assert {kind: dates(changes, kind)[-3:] for kind in LAST_THREE} == LAST_THREE


def test_turns_are_numbered_by_their_cycle(changes):
    pauses, firsts = policy_events(changes, "pause"), policy_events(changes, "first cut")
    assert pauses.tolist() == list(range(9))
    assert all(day < first for day, first in zip(pauses.index, firsts.index, strict=True))
    cycles = easing_cycles(changes["change_bp"])
    counts = policy_events(changes, "all cuts").value_counts(sort=False)
    assert counts.tolist() == cycles.loc[~cycles["cut_off"], "cuts"].tolist()


@pytest.mark.parametrize("day", ["1990-01-01", "1998-10-10", "2008-10-10", "2019-07-31"])
def test_no_event_needs_a_later_decision(changes, day):
    """First cuts and cuts are known on their day; a last cut or hike only at the next turn."""
    for kind in ("first cut", "all cuts", "unscheduled cut"):
        assert dates(changes[:day], kind) == [one for one in dates(changes, kind) if one <= day]
    for kind in ("last cut", "pause", "first hike"):
        assert set(dates(changes[:day], kind)) <= set(dates(changes, kind))


STATES = {
    None: ["1982-09-30"],
    "easing": ["1984-09-20", "1985-04-25", "2019-07-31", "2025-09-17"],  # one resumed after a hike within the cycle
    "tightening": ["1984-09-19", "1985-01-24", "2019-06-16"],
    "on hold": ["1987-07-02", "2019-06-17", "2025-09-16"],  # 12.5 bp after 87.5 of hikes; 180 days after a change
}


def test_states_of_days_and_no_state_needs_a_later_decision(changes):
    for state, dated in STATES.items():
        found = policy_states(changes["change_bp"], days(*dated))
        assert found.isna().all() if state is None else (found == state).all()
    every = pd.date_range("1982-10-01", "2025-12-31", freq="280D")
    as_known = [policy_states(changes.loc[:day, "change_bp"], every[[at]]).iloc[0] for at, day in enumerate(every)]
    assert list(policy_states(changes["change_bp"], every)) == as_known


def test_decisions_count_on_their_session_or_the_next():
    sessions = pd.bdate_range("2020-03-02", "2020-03-31")
    decided = days("2020-03-03", "2020-03-15", "2020-03-14", "2020-03-16", "2020-02-28", "2020-04-01")
    assert to_positions(decided, sessions).tolist() == [1, 10, 10, 10, -1, -1]  # the 16th is a Monday
    sessions = pd.bdate_range("2020-01-01", "2020-06-30")
    for reopened, found in (
        ("2020-03-10", 0),
        ("2020-03-11", -1),
    ):  # seven days, as in September 2001, or a gap in the data
        known = sessions[(sessions < "2020-03-03") | (sessions >= reopened)]
        position = to_positions(days("2020-03-03"), known)[0]
        assert position == (known.get_loc(pd.Timestamp(reopened)) if found == 0 else -1)
    assert to_positions(days("2020-03-03"), sessions[:0]).tolist() == [-1]


def test_decisions_count_in_their_month():
    months = pd.date_range("2001-01-31", "2001-12-31", freq="ME")
    decided = days("2001-01-03", "2001-01-31", "2000-12-29", "2001-03-31", "2002-01-02")
    assert to_positions(decided, months, monthly=True).tolist() == [0, 0, -1, 3, -1]  # 2001-03-31 was a Saturday


def test_recession_within_a_year_is_hindsight_and_may_be_unknown():
    recessions, end = load_recessions(), pd.Timestamp("2025-12-31")
    expected = {"1989-06-06": False, "2001-01-03": True, "2007-12-31": True, "2009-06-30": True, "2009-07-01": False,
                "2000-03-31": False, "2000-04-01": True, "2019-07-31": True, "2023-12-31": False, "2024-01-01": None}  # fmt: skip
    found = recession_within(days(*expected), recessions, known_to=end)
    assert [None if pd.isna(one) else one for one in found] == list(expected.values())
    then = pd.Timestamp("2001-06-30")
    assert recession_within(days("2001-01-03"), load_recessions(as_of=then), known_to=then).isna().all()
    assert np.asarray(recession_within(days(), recessions, known_to=then)).size == 0
