"""Ratios of groups against arithmetic and plain loops; every rule catches its row and no sound one."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest

from research_lib.stats.ratios import (
    LARGE,
    SMALL,
    Limits,
    alternative_definitions,
    assign_groups,
    below_one,
    contributions,
    group_ratio,
    impossible_rows,
    is_financial,
    leave_one_out,
    measure,
    ratio_interval,
    solvency,
    zombie_flags,
)
from tests.companies import company, measured, rows

# Net debt 40, -10, 90, 30; EBITDA 20, 10, 30, -10: 150 / 50 = 3.
FOUR = (
    company("A"),
    company("B", short_term_debt=0, long_term_debt=10, cash=20, operating_income=8, depreciation_amortization=2),
    company("C", short_term_debt=20, long_term_debt=80, cash=10, operating_income=20, depreciation_amortization=10),
    company("D", short_term_debt=0, long_term_debt=30, cash=0, operating_income=-15, depreciation_amortization=5),
)


def test_measures_are_their_definitions():
    firm = measured(company("A", short_term_debt=1, long_term_debt=2, cash=4, operating_income=8)).iloc[0]
    assert (firm["debt"], firm["net_debt"], firm["ebitda"], firm["interest"]) == (3, -1, 13, 3)


@pytest.mark.parametrize("name", ["short_term_debt", "long_term_debt", "cash"])
def test_a_missing_part_leaves_net_debt_unknown(name):
    assert math.isnan(measured(company("A", **{name: np.nan}))["net_debt"].iloc[0])


def test_no_interest_is_known_only_where_there_is_no_debt():
    free = company("A", short_term_debt=0, long_term_debt=0, interest_expense=np.nan)
    owing = company("B", interest_expense=np.nan)
    assert measured(free, owing)["interest"].fillna(-1).tolist() == [0, -1]


def test_the_last_row_of_a_fiscal_year_counts():
    early = company("A", cash=1, period_end=pd.Timestamp("2020-09-30"))
    assert measured(company("A", cash=2), early)["cash"].tolist() == [2]


def test_group_ratio_is_arithmetic():
    result = group_ratio(measured(*FOUR), draws=0)
    assert result.ratio == 150 / 50
    assert result.median == 2  # of 2, -1 and 3; D has none
    assert result.negative_ebitda_share == 1 / 4
    assert result.net_cash_share == 1 / 4
    assert result.due_within_year == 30 / 200
    assert (result.n, result.n_used, result.coverage, result.value_coverage) == (4, 4, 1, 1)
    assert (result.net_debt, result.ebitda) == (150, 50)
    assert math.isnan(result.low)


def test_a_firm_without_a_part_is_counted_and_left_out():
    result = group_ratio(measured(*FOUR, company("E", cash=np.nan, market_value=800.0)), draws=0)
    assert (result.n, result.n_used, result.coverage) == (5, 4, 0.8)
    assert result.value_coverage == 1200 / 2000
    assert result.ratio == 3


def test_the_five_largest_contributors_are_found_and_left_out():
    small = [company(f"S{number:02d}") for number in range(40)]
    heavy = [company(f"H{number}", long_term_debt=2000.0 + 100 * number) for number in range(5)]
    result = group_ratio(measured(*small, *heavy), draws=0)
    assert result.top == ("H4", "H3", "H2", "H1", "H0")
    assert result.without_top == 2  # what each of the others has
    assert result.top_share == pytest.approx(1 - 2 / result.ratio)


def test_leave_one_out_agrees_with_a_loop():
    rng = np.random.default_rng(0)
    net_debt, ebitda = rng.normal(50, 100, 60), rng.normal(20, 15, 60)
    ratio = net_debt.sum() / ebitda.sum()
    loop = [abs(np.delete(net_debt, i).sum() / np.delete(ebitda, i).sum() - ratio) for i in range(60)]
    np.testing.assert_allclose(leave_one_out(net_debt, ebitda), loop, rtol=1e-9)
    table = contributions(measured(*FOUR))
    assert table.loc[table["company"] == "C", "ratio_without"].item() == 60 / 20
    assert set(table["company"].iloc[:2]) == {"B", "D"}  # without B 160 / 40, without D 120 / 60


def test_a_group_without_positive_ebitda_has_no_ratio():
    result = group_ratio(measured(company("A", operating_income=-50.0)), draws=50)
    assert math.isnan(result.ratio)
    assert math.isnan(result.median)
    assert result.negative_ebitda_share == 1


def test_an_empty_group_says_nothing():
    result = group_ratio(measured(company("A"))[:0], draws=10)
    assert (result.n, result.n_used, result.top) == (0, 0, ())
    assert math.isnan(result.ratio)
    assert math.isnan(result.negative_ebitda_share)


def test_the_bootstrap_interval_holds_the_truth_95_times_in_100():
    rng = np.random.default_rng(1)
    hits = 0
    for sample in range(400):
        ebitda = rng.lognormal(0, 0.5, 150)
        net_debt = 2.5 * ebitda + rng.normal(0, 1, 150)
        low, high = ratio_interval(net_debt, ebitda, draws=300, seed=sample)
        hits += low <= 2.5 <= high
    assert hits / 400 == pytest.approx(0.95, abs=0.03)  # Monte Carlo error 0.011


def test_the_bootstrap_is_seeded_and_wide_where_ebitda_may_vanish():
    net_debt, ebitda = np.array([10.0, 10.0, 10.0]), np.array([5.0, -4.0, 1.0])
    assert ratio_interval(net_debt, ebitda, draws=500, seed=3) == ratio_interval(net_debt, ebitda, draws=500, seed=3)
    assert ratio_interval(net_debt, ebitda, draws=500, seed=3)[1] == np.inf


def test_definitions_are_arithmetic():
    restated = company("C2", restated_on=pd.Timestamp("2022-03-01"), long_term_debt=1000.0)
    result = alternative_definitions(measured(*FOUR, restated))
    ratios = [2, -1, 3, 990 / 20]
    assert result.sum_over_sum == (150 + 990) / 70
    assert result.mean_of_ratios == pytest.approx(statistics.mean(ratios))
    assert result.median == 2.5
    assert result.positive_only == (120 + 990) / 80
    assert result.never_restated == 3
    assert (result.n, result.n_positive, result.n_never_restated) == (5, 4, 4)


def test_the_trimmed_mean_leaves_out_the_ends():
    firms = [company(f"F{number:02d}", cash=0.0, long_term_debt=10.0 + 20 * number) for number in range(19)]
    wild = company("W", long_term_debt=1e6)
    result = alternative_definitions(measured(*firms, wild))
    assert result.trimmed_mean == pytest.approx(statistics.mean(range(2, 20)))  # of 1..19 and 50,000: 1 of each end out
    assert result.mean_of_ratios > 2000


RULES = {
    "in another currency": {"currency": "JPY"},
    "negative debt": {"long_term_debt": -1.0},
    "negative cash": {"cash": -1.0},
    "no assets": {"total_assets": 0.0},
    "cash above total assets": {"cash": 210.0},
    "debt above total liabilities": {"long_term_debt": 115.0},
    "larger than any company": {"revenue": 8e11},
    "book value and market value in different units": {"shares": 0.01, "market_value": 0.3},
    "EBITDA out of proportion to market value and debt": {"operating_income": 2000.0},
}


@pytest.mark.parametrize(("rule", "values"), RULES.items())
def test_each_rule_catches_its_row(rule, values):
    firms = measured(company("A"), company("B"), company("WRONG", **values))
    assert impossible_rows(firms).tolist() == ["", "", rule]


@pytest.mark.parametrize(
    "values",
    [
        {"total_equity": -40.0, "total_liabilities": 240.0},
        {"operating_income": -300.0},  # a loss as large as the company's value
        {"price": 0.3, "market_value": 1.0},  # failed: the price of a company, not of a wrong number of shares
        {"market_value": np.nan, "price": np.nan, "revenue": np.nan, "total_assets": np.nan},
    ],
)
def test_what_happens_to_companies_is_not_impossible(values):
    assert impossible_rows(measured(company("A"), company("B", **values))).tolist() == ["", ""]


def test_a_change_of_unit_is_seen_from_earlier_years_only():
    millions = {"total_assets": 2e8, "total_liabilities": 1.2e8}
    thousandfold = {"total_assets": 2e11, "total_liabilities": 1.2e11}
    wrong_later = measured(
        company("A", 2019, **millions), company("A", 2020, **thousandfold), company("A", 2021, **thousandfold)
    )
    rule = "assets in another unit than in an earlier year"
    assert impossible_rows(wrong_later).tolist() == ["", rule, rule]
    wrong_first = measured(company("A", 2019, **thousandfold), company("A", 2020, **millions))
    assert impossible_rows(wrong_first).tolist() == ["", ""]
    shell = measured(company("A", 2019, total_assets=1e5), company("A", 2020, **millions))
    assert impossible_rows(shell).tolist() == ["", ""]
    neighbour = measured(company("A", 2019, **millions), company("B", 2020, **thousandfold))
    assert impossible_rows(neighbour).tolist() == ["", ""]


def test_later_rows_change_no_verdict():
    past = [company("A", 2019), company("B", 2019, cash=-1.0)]
    later = company("A", 2020, total_assets=1e-9, revenue=1e15)
    firms = measured(*past, later)
    before = impossible_rows(measured(*past))
    after = impossible_rows(firms[firms["fiscal_year"] == 2019])
    assert impossible_rows(firms)[firms["fiscal_year"] == 2019].tolist() == before.tolist() == after.tolist()


def test_limits_can_be_moved():
    firms = measured(company("A", revenue=5e11))
    assert impossible_rows(firms).tolist() == [""]
    assert impossible_rows(firms, limits=Limits(revenue=4e11)).tolist() == ["larger than any company"]


def test_groups_are_by_market_value_within_the_year():
    firms = measured(
        *(
            company(name, 2020, market_value=value)
            for name, value in zip("ABCDE", [5.0, 3.0, np.nan, 4.0, 1.0], strict=True)
        ),
        company("E", 2021, market_value=9.0),
    )
    group = assign_groups(firms, large=1, small=2)
    found = dict(zip(zip(firms["company"], firms["fiscal_year"], strict=True), group, strict=True))
    groups = [LARGE, SMALL, "", SMALL, "", LARGE]
    keys = [("A", 2020), ("B", 2020), ("C", 2020), ("D", 2020), ("E", 2020), ("E", 2021)]
    assert found == dict(zip(keys, groups, strict=True))


def test_financials_go_by_any_usual_name():
    sectors = pd.Series(["Financial Services", "REAL ESTATE", "Technology", None], dtype="str")
    assert is_financial(sectors).tolist() == [True, True, False, False]


def test_cover_below_one_is_judged_only_where_there_is_interest():
    income, interest = np.array([5, 5, -5, -5, np.nan, 5.0]), np.array([6, 5, 0, -2, 1, np.nan])
    np.testing.assert_array_equal(below_one(income, interest), [1, 0, 0, 0, np.nan, np.nan])


def zombies(*flags_by_firm, years=3):
    firms, below = [], []
    for number, flags in enumerate(flags_by_firm):
        for year, flag in flags.items():
            firms.append({"company": f"F{number}", "fiscal_year": year})
            below.append(flag)
    return zombie_flags(pd.DataFrame(firms), np.array(below, dtype=float), zombie_years=years).tolist()


def test_zombies_need_unbroken_years():
    nan = pytest.approx(math.nan, nan_ok=True)
    assert zombies({2018: 1, 2019: 1, 2020: 1, 2021: 0}) == [nan, nan, 1, 0]
    assert zombies({2018: 1, 2020: 1, 2021: 1}) == [nan, nan, nan]  # 2019 is missing
    assert zombies({2018: 1, 2019: 1}, {2020: 1, 2021: 1}) == [nan] * 4  # of two firms
    assert zombies({2018: 1, 2019: math.nan, 2020: 1, 2021: 1}) == [nan] * 4
    assert zombies({2018: 1, 2019: 0}, years=1) == [1, 0]


def test_solvency_is_arithmetic():
    years = (2018, 2019, 2020)
    firms = measured(
        *(company("Z", year, operating_income=1.0, long_term_debt=90.0) for year in years),  # cover 1/3: a zombie
        *(company("OK", year, operating_income=9.0) for year in years),
        company("NEW", 2020, operating_income=2.0),
        company("FREE", 2020, interest_expense=-1.0, operating_income=-5.0),
        company("?", 2020, operating_income=np.nan),
    )
    below = below_one(firms["operating_income"].to_numpy(), firms["interest"].to_numpy())
    firms = firms.assign(zombie=zombie_flags(firms, below, zombie_years=3))
    result = solvency(firms[firms["fiscal_year"] == 2020], draws=0)
    assert (result.n, result.n_payers) == (4, 3)
    assert result.cover == (1 + 9 + 2) / 9
    assert result.median_cover == 2 / 3
    assert result.below_one_share == 2 / 4
    assert (result.n_history, result.n_short_history) == (2, 3)
    assert result.zombie_share == 1 / 2
    assert result.zombie_debt_share == 100 / 160
    assert 0 < result.zombie_low < 0.5 < result.zombie_high < 1


def test_inputs_are_not_changed():
    table = rows(*FOUR)
    before = table.copy(deep=True)
    firms = measure(table)
    kept = firms.copy(deep=True)
    impossible_rows(firms)
    group_ratio(firms, draws=10)
    alternative_definitions(firms)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(firms, kept)
