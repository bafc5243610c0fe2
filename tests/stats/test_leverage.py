"""Ratios, cover, zombies and refinancing of groups against arithmetic and plain loops; every rule catches its row."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from research_lib.errors import InsufficientDataError
from research_lib.stats import leverage
from research_lib.stats.estimate import Estimate
from research_lib.stats.leverage import LARGE, SMALL, group_ratio, interest_cover, prepare, stress
from tests.companies import company, measured, rows
from tests.stats.reference import CASES

NAN = np.nan
FREE = {"short_term_debt": 0.0, "long_term_debt": 0.0, "interest_expense": NAN}


# Net debt 40, -10, 90, 30; EBITDA 20, 10, 30, -10: 150 / 50 = 3.
def prepared(*companies):
    return prepare(rows(*companies), exclude_financials=False)


def check(found, **expected):
    """Hold the named parts of a row against what is expected."""
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def stressed(firms, move, share=0.5, years=1):
    return stress(firms, np.ones(len(firms), bool), rate_move_bp=move, debt_share=share, zombie_years=years)


@pytest.mark.parametrize(("values", "expected"), CASES["definitions"])
def test_net_debt_ebitda_and_interest_are_their_definitions(values, expected):
    early = company("A", cash=77, period_end=pd.Timestamp("2020-09-30"))  # the last row of a fiscal year counts
    (firm,) = measured(company("A", **values), early).to_dict("records")
    check(firm, **expected)


@pytest.mark.parametrize("case", CASES["ratios"].values(), ids=CASES["ratios"])
def test_a_groups_ratio_is_arithmetic(case):
    one_more = [case["and"]] if "and" in case else []
    firms = measured(company("NONE"), *(company(f"F{n}", **one) for n, one in enumerate([*case["firms"], *one_more])))
    check(group_ratio(firms[firms["company"] != "NONE"]), **case["found"])


def test_the_five_that_matter_most_are_named():
    firms = [company(f"S{n}") for n in range(40)]
    firms += [company(f"H{n}", long_term_debt=2000.0 + 100 * n) for n in range(5)]
    found = group_ratio(measured(*firms))
    check(found, top="H4, H3, H2, H1, H0", without_top=2, top_share=1 - 2 * 900 / 12550)


ALONE = (([["A", {}], ["B", {}], ["C", values]], ["", "", rule]) for rule, values in CASES["rules"])


@pytest.mark.parametrize(("firms", "rules"), [*ALONE, *CASES["histories"]])
def test_each_rule_catches_its_row_by_earlier_years_only_and_what_happens_is_not_impossible(firms, rules):
    table = measured(*(company(name, 2019 + at, **values) for at, (name, values) in enumerate(firms)))
    assert leverage.impossible_rows(table).tolist() == rules


@pytest.mark.parametrize(("large", "small", "groups"), [(1, 2, "LS.S.."), (2, 9, "LS.LS."), (3, 9, "......")])
def test_groups_are_by_market_value_within_the_year(large, small, groups):
    """Twice as many as are to be large are needed."""
    values = (("A", 2020, 5), ("B", 2020, 3), ("C", 2020, NAN), ("D", 2020, 4), ("E", 2020, 1), ("E", 2021, 9))
    firms = measured(*(company(name, year, market_value=value, price=NAN) for name, year, value in values))
    found = leverage.assign_groups(firms, large=large, small=small)
    assert "".join(found.map({LARGE: "L", SMALL: "S", "": "."})) == groups


def test_an_impossible_row_leaves_its_place_to_the_next_and_a_financial_does_not():
    ranked = [company(name, market_value=value) for name, value in (("A", 900.0), ("B", 800.0), ("C", 700.0))]
    wrong = company("WRONG", market_value=1000.0, cash=20_000.0)
    bank = company("BANK", market_value=950.0, sector="FINANCIAL services")
    firms = prepare(rows(*ranked, wrong, bank), large=2, small=1).set_index("company").sort_index()
    assert firms.index.tolist() == ["A", "B", "BANK", "C", "WRONG"]
    assert firms["group"].tolist() == [LARGE, SMALL, "", "", ""]
    assert firms["size_group"].tolist() == [LARGE, SMALL, LARGE, "", ""]
    assert firms["group_as_filed"].tolist() == [SMALL, "", LARGE, "", LARGE]
    assert firms["rule"].tolist() == ["", "", "", "", "cash above total assets"]
    without = rows(*ranked)
    assert prepare(without, large=1, small=1, exclude_financials=False)["group"].tolist() == [LARGE, SMALL, ""]
    with pytest.raises(InsufficientDataError, match="no sectors, so financials cannot be left out"):
        prepare(without)


@pytest.mark.parametrize(("flags_by_firm", "years", "expected"), CASES["zombies"])
def test_zombies_need_unbroken_years(flags_by_firm, years, expected):
    firms = [{"company": f"F{n}", "fiscal_year": year} for n, flags in enumerate(flags_by_firm) for year in flags]
    below = np.array([flag for flags in flags_by_firm for flag in flags.values()], dtype=float)
    np.testing.assert_array_equal(leverage.zombie_flags(pd.DataFrame(firms), below, zombie_years=years), expected)


def test_cover_and_zombies_are_arithmetic():
    """Fifteen firms have a cover of 1/3, fifteen of 3; of others one year is known, no income, or that they are paid."""
    income, interest = np.array([5, 5, -5, -5, NAN, 5.0]), np.array([6, 5, 0, -2, 1, NAN])
    np.testing.assert_array_equal(leverage.cover_below_one(income, interest), [1, 0, 0, 0, NAN, NAN])
    firms = [company(f"{n}{income}", year, operating_income=income) for n in range(15) for income in (1.0, 9.0)
             for year in (2018, 2019, 2020)]  # fmt: skip
    firms += [company("NEW", 2020, operating_income=2.0), company("?", 2020, operating_income=NAN),
              company("LENDER", 2020, interest_expense=-1.0, operating_income=-5.0)]  # fmt: skip
    found = interest_cover(prepared(*firms).query("fiscal_year == 2020"))
    low, high = proportion_confint(15, 30, method="wilson")
    check(found, n=31, coverage=32 / 33, value=(15 * 1 + 15 * 9 + 2) / 93, median=2 / 3, share_below_one=16 / 32, n_history=30,
          zombie_share=15 / 30, zombie_low=low, zombie_high=high)  # fmt: skip


@pytest.mark.parametrize(("free", "unknown"), [(29, 0), (40, 60), (30, 0), (40, 40)])
def test_interest_that_few_or_hardly_any_state_leaves_shares_unknown_not_zero(free, unknown):
    """Thirty firms and half of the group are needed; who has no debt is known to pay nothing."""
    firms = prepared(*(company(f"FREE{n}", **FREE) for n in range(free)),
                     *(company(f"U{n}", interest_expense=NAN) for n in range(unknown)))  # fmt: skip
    enough = free >= max(30, unknown)
    check(interest_cover(firms), n=0, value=NAN, median=NAN, share_below_one=0 if enough else NAN, zombie_low=NAN)
    check(stressed(firms, 200), n=free if enough else 0, share_below_one=0 if enough else NAN)


def test_a_group_of_fewer_than_30_is_left_out_of_the_years():
    sizes = {2018: 50, 2019: 70, 2020: 60}
    firms = (company(f"F{n}", year, market_value=1000.0 + n) for year, size in sizes.items() for n in range(size))
    found = prepare(rows(*firms), large=30, small=40, exclude_financials=False)
    table = leverage.by_year_and_group(found, group_ratio)
    expected = [(2019, LARGE, 30), (2019, SMALL, 40), (2020, LARGE, 30), (2020, SMALL, 30)]
    assert [*zip(table["fiscal_year"], table["group"], table["n"], strict=True)] == expected
    with pytest.raises(InsufficientDataError, match="no group has 30 companies"):
        leverage.by_year_and_group(found[found["fiscal_year"] == 2018], group_ratio)


def test_stress_is_arithmetic():
    """Debt 60, interest 3, so 5%; operating income 3.3, 6, 1 and 15, ten firms each; the last without debt."""
    kinds = ({"operating_income": 3.3}, {"operating_income": 6.0}, {"operating_income": 1.0}, FREE)
    tens = prepared(*(company(f"{kind}{n}", **values) for kind, values in enumerate(kinds) for n in range(10)))
    check(stressed(tens, 200), n=40, cover=(3.3 + 6 + 1) / (3 * 3.6), share_below_one=20 / 40, zombie_share=20 / 40,
          below_one_debt_share=120 / 180, n_history=40)  # fmt: skip
    # A firm falls just past the move at which its cover is one: 3.3 = 3 + 0.5 x 60 x 1%.
    assert [stressed(tens, move)["share_below_one"] for move in (99, 101)] == [10 / 40, 20 / 40]
    # A cut turns no payer into a lender: nobody pays any more.
    check(stressed(tens, -600, share=1), cover=NAN, share_below_one=0)


@pytest.mark.parametrize(("found", "quoted", "more_than", "verdict"), CASES["quotes"])
def test_a_quoted_figure_is_held_against_point_and_interval(found, quoted, more_than, verdict):
    assert leverage.hold_quote(Estimate(*found), quoted, more_than=more_than) == verdict
