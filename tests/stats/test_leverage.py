"""Ratios, cover, zombies and refinancing of groups against arithmetic and plain loops; every rule catches its row."""

import numpy as np
import pandas as pd
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.stats import leverage
from research_lib.stats.estimate import Estimate
from research_lib.stats.leverage import LARGE, SMALL, add_ratios, prepare
from tests.companies import company, rows
from tests.stats.reference import CASES


@pytest.mark.parametrize(("values", "expected"), CASES["definitions"])
def test_net_debt_ebitda_and_interest_are_their_definitions(values, expected):
    early = company("A", cash=77, period_end=pd.Timestamp("2020-09-30"))  # the last row of a fiscal year counts
    (firm,) = add_ratios(rows(company("A", **values), early)).to_dict("records")
    assert {name: firm[name] for name in expected} == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("case", CASES["groups"].values(), ids=CASES["groups"])
def test_what_is_printed_of_a_group_is_arithmetic(case):
    made = [company("NONE")]  # of another group
    for kind, (number, values, *years) in enumerate([*case["of"], *case.get("and", [])]):
        made += [company(f"{kind}-{n}", year, **values) for n in range(number) for year in (years or [[2020]])[0]]
    firms = prepare(rows(*made), exclude_financials=False)
    inside = ((firms["company"] != "NONE") & (firms["fiscal_year"] == 2020)).to_numpy()
    if case.get("by") == "stress":
        options = {"rate_move_bp": case["move"], "debt_share": case.get("share", 0.5), "zombie_years": 1}
        found = leverage.stress(firms, inside, **options)
    else:
        found = getattr(leverage, case.get("by", "group_ratio"))(firms[inside])
    assert {name: found[name] for name in case["found"]} == pytest.approx(case["found"], nan_ok=True)


ALONE = (([["A", {}], ["B", {}], ["C", values]], ["", "", rule]) for rule, values in CASES["rules"])


@pytest.mark.parametrize(("firms", "rules"), [*ALONE, *CASES["histories"]])
def test_each_rule_catches_its_row_by_earlier_years_only_and_what_happens_is_not_impossible(firms, rules):
    table = add_ratios(rows(*(company(name, 2019 + at, **values) for at, (name, values) in enumerate(firms))))
    assert leverage.impossible_rows(table).tolist() == rules


@pytest.mark.parametrize("case", CASES["memberships"])
def test_who_is_in_which_group(case):
    firms = prepare(rows(*(company(name, year, **values) for name, year, values in case["firms"])), **case["options"])
    assert {column: firms[column].tolist() for column in case["found"]} == case["found"]


@pytest.mark.parametrize(("flags_by_firm", "years", "expected"), CASES["zombies"])
def test_zombies_need_unbroken_years(flags_by_firm, years, expected):
    firms = [(f"F{n}", year, 1 - flag, 0.5) for n, flags in enumerate(flags_by_firm) for year, flag in flags.items()]
    firms = pd.DataFrame(firms, columns=["company", "fiscal_year", "operating_income", "interest"])
    np.testing.assert_array_equal(leverage.zombie_flags(firms, zombie_years=years), expected)


def test_cover_is_below_one_where_less_is_earned_than_paid_and_unknown_where_a_part_is():
    firms = pd.DataFrame({"operating_income": [5, 5, -5, -5, np.nan, 5], "interest": [6, 5, 0, -2, 1, np.nan]})
    np.testing.assert_array_equal(leverage.cover_below_one(firms), [1, 0, 0, 0, np.nan, np.nan])


def test_a_group_of_fewer_than_30_is_left_out_of_the_years():
    sizes = {2018: 50, 2019: 70, 2020: 60}
    firms = (company(f"F{n}", year, market_value=1000.0 + n) for year, size in sizes.items() for n in range(size))
    found = prepare(rows(*firms), large=30, small=40, exclude_financials=False)
    table = leverage.by_year_and_group(found, leverage.group_ratio)
    expected = [(2019, LARGE, 30), (2019, SMALL, 40), (2020, LARGE, 30), (2020, SMALL, 30)]
    assert [*zip(table["fiscal_year"], table["group"], table["n"], strict=True)] == expected
    with pytest.raises(InsufficientDataError, match="no sectors, so financials cannot be left out"):
        prepare(rows(company("A")), exclude_financials=True)
    with pytest.raises(InsufficientDataError, match="no group has 30 companies"):
        leverage.by_year_and_group(found[found["fiscal_year"] == 2018], leverage.group_ratio)


@pytest.mark.parametrize(("found", "quoted", "more_than", "verdict"), CASES["quotes"])
def test_a_quoted_figure_is_held_against_point_and_interval(found, quoted, more_than, verdict):
    assert leverage.hold_quote(Estimate(*found), quoted, more_than=more_than) == verdict
