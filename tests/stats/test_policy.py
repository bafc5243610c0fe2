"""Cycles, events and states of policy, against the design's dates and by brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.stats import policy
from research_lib.stats.policy import CycleRule, easing_cycles, policy_events
from tests.stats.reference import CASES

CHANGES = load_target_changes()


def dates(changes, kind, *rule):
    return [*policy_events(changes, kind, *rule).index.date]


@pytest.mark.parametrize(("kind", "expected"), CASES["policy_events"].items())
def test_turns_of_policy(kind, expected):
    assert dates(CHANGES, kind)[-len(expected) :] == expected
    assert kind not in ("first cut", "unscheduled cut") or len(policy_events(CHANGES, kind)) == len(expected)


def test_cycles_and_how_their_events_are_numbered():
    firsts, pauses = policy_events(CHANGES, "first cut"), policy_events(CHANGES, "pause")
    cycles = easing_cycles(CHANGES["change_bp"])
    assert cycles.index[cycles["cut_off"]].tolist() == [pd.Timestamp("1982-10-01")]
    expected = {"last_cut": pd.Timestamp("2008-12-16"), "cuts": 10, "total_bp": -500.0,
                "last_hike": pd.Timestamp("2006-06-29"), "cut_off": False}  # fmt: skip
    assert cycles.loc["2007-09-18"].to_dict() == expected
    assert firsts.tolist() == pauses.tolist() == list(range(9))
    assert (pauses.index < firsts.index).all()
    counts = policy_events(CHANGES, "all cuts").value_counts(sort=False)
    assert counts.tolist() == cycles.loc[~cycles["cut_off"], "cuts"].tolist()
    assert policy_events(CHANGES, "last hike").equals(pauses)
    for kind, sign in (("cut", -1), ("hike", 1)):
        days = CHANGES.index[sign * CHANGES["change_bp"] > 0]
        assert [*policy_events(CHANGES, kind).items()] == [(day, at) for at, day in enumerate(days)]
    assert policy_events(CHANGES["2022-03-16":"2023-07-26"], "last cut").empty  # hikes alone
    announced = CHANGES["1994-02-04":]  # a table that starts with hikes is not cut off
    assert dates(announced, "first cut") == CASES["policy_events"]["first cut"][3:]
    assert not easing_cycles(announced["change_bp"])["cut_off"].any()


STEPS = st.tuples(st.sampled_from([1, 100, 265, 365]), st.sampled_from([-50, -25, -12.5, 25, 37.5, 50]))  # days, bp


@given(st.lists(STEPS, min_size=1, max_size=12), st.sampled_from([(25, 50, 365), (50, 25, 730), (5, 100, 100)]))
def test_first_cuts_by_brute_force(steps, numbers):
    """Judge each cut by looking back over the whole table; the steps often add up to just what a rule asks for."""
    index = pd.Timestamp("2000-01-03") + pd.to_timedelta(np.cumsum([apart for apart, _ in steps]), unit="D")
    changes, rule = pd.Series([float(size) for _, size in steps], index), CycleRule(*numbers)
    members, expected = [], []  # cuts of any cycle so far; first cuts
    for day, size in changes[changes < 0].items():
        since = members[-1] if members else index[0]
        between = changes[(index < day) & (index >= since)]
        ended = between[between > 0].sum() >= rule.min_tightening_bp or (day - since).days >= rule.pause_days
        if -size >= rule.min_cut_bp and ended:
            expected.append(day.date())
        if (members and not ended) or -size >= rule.min_cut_bp:
            members.append(day)
    by_default = [] if numbers == (25, 50, 365) else [rule]
    assert dates(changes.to_frame("change_bp"), "first cut", *by_default) == expected


@pytest.mark.parametrize("day", ["1990-01-01", "1998-10-10", "2008-10-10", "2019-07-31"])
def test_no_event_needs_a_later_decision(day):
    """First cuts and cuts are known on their day; a last cut or hike only at the next turn."""
    for kind in ("first cut", "all cuts", "unscheduled cut"):
        assert dates(CHANGES[:day], kind) == [one for one in dates(CHANGES, kind) if str(one) <= day]
    for kind in ("last cut", "pause", "first hike"):
        assert set(dates(CHANGES[:day], kind)) <= set(dates(CHANGES, kind))


def test_states_of_days_and_no_state_needs_a_later_decision():
    states = lambda changes, days: policy.policy_states(changes["change_bp"], pd.DatetimeIndex(days))
    for state, dated in CASES["policy_states"].items():
        assert (states(CHANGES, dated).fillna("nothing") == state).all()
    every = pd.date_range("1982-10-01", "2025-12-31", freq="280D")
    as_known = [states(CHANGES[:day], every[[at]]).iloc[0] for at, day in enumerate(every)]
    assert list(states(CHANGES, every)) == as_known


INDEXES = {
    "sessions": pd.bdate_range("2020-03-02", "2020-03-31"),
    "months": pd.date_range("2001-01-31", periods=12, freq="ME"),
}


@pytest.mark.parametrize(("of", "closed", "places"), CASES["positions"])
def test_decisions_count_on_their_session_or_the_next_or_in_their_month(of, closed, places):
    index = INDEXES[of].drop(pd.bdate_range(*closed) if closed else [])
    assert policy.to_positions(pd.DatetimeIndex(places), index, monthly=of == "months").tolist() == [*places.values()]


def test_recession_within_a_year_is_hindsight_and_may_be_unknown():
    recessions, end, expected = load_recessions(), pd.Timestamp("2025-12-31"), CASES["recession_within"]
    found = policy.recession_within(pd.DatetimeIndex(expected), recessions, known_to=end)
    assert [None if pd.isna(one) else one for one in found] == list(expected.values())
    then, cut = pd.Timestamp("2001-06-30"), pd.DatetimeIndex(["2001-01-03"])
    assert policy.recession_within(cut, load_recessions(as_of=then), known_to=then).isna().all()
    assert not len(policy.recession_within(cut[:0], recessions, known_to=then))
