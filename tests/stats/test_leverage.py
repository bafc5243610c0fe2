"""Ratios, cover, zombies and refinancing of groups against arithmetic and plain loops; every rule catches its row."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from research_lib.errors import InsufficientDataError
from research_lib.stats.leverage import (
    LARGE,
    SMALL,
    assign_groups,
    by_year_and_group,
    cover_below_one,
    group_ratio,
    impossible_rows,
    interest_cover,
    prepare,
    stress,
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


def test_net_debt_ebitda_and_interest_are_their_definitions():
    firm = measured(company("A", short_term_debt=1, long_term_debt=2, cash=4, operating_income=8)).iloc[0]
    assert (firm["debt"], firm["net_debt"], firm["ebitda"], firm["interest"]) == (3, -1, 13, 3)


@pytest.mark.parametrize("name", ["short_term_debt", "long_term_debt", "cash"])
def test_a_missing_part_leaves_net_debt_unknown(name):
    assert math.isnan(measured(company("A", **{name: np.nan}))["net_debt"].iloc[0])


def test_total_debt_alone_is_enough():
    total = company("A", short_term_debt=np.nan, long_term_debt=np.nan, debt=60.0)
    found = group_ratio(measured(*[total] * 1))
    assert found["value"] == 40 / 20
    assert math.isnan(found["due_within_year"])  # the split is unknown, not zero


def test_no_interest_is_known_only_where_there_is_no_debt():
    free = company("A", short_term_debt=0, long_term_debt=0, interest_expense=np.nan)
    owing = company("B", interest_expense=np.nan)
    assert measured(free, owing)["interest"].fillna(-1).tolist() == [0, -1]


def test_the_last_row_of_a_fiscal_year_counts():
    early = company("A", cash=1, period_end=pd.Timestamp("2020-09-30"))
    assert measured(company("A", cash=2), early)["cash"].tolist() == [2]


def test_a_groups_ratio_is_arithmetic():
    found = group_ratio(measured(*FOUR))
    assert found["value"] == 150 / 50
    assert found["median"] == 2  # of 2, -1 and 3; D has none
    assert (found["n"], found["n_defined"], found["coverage"]) == (4, 3, 1)
    assert (found["share_no_ebitda"], found["share_net_cash"]) == (1 / 4, 1 / 4)
    assert found["due_within_year"] == 30 / 200
    assert math.isnan(found["low"])  # four firms give no interval


def test_a_firm_without_a_part_is_counted_and_left_out():
    found = group_ratio(measured(*FOUR, company("E", cash=np.nan, market_value=800.0)))
    assert (found["n"], found["coverage"], found["value"]) == (4, 0.8, 3)


def test_the_five_that_move_the_ratio_most_are_found_and_left_out():
    small = [company(f"S{number:02d}") for number in range(40)]
    heavy = [company(f"H{number}", long_term_debt=2000.0 + 100 * number) for number in range(5)]
    found = group_ratio(measured(*small, *heavy))
    assert found["top"] == "H4, H3, H2, H1, H0"
    assert found["without_top"] == 2  # what each of the others has
    assert found["top_share"] == pytest.approx(1 - 2 / found["value"])


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(-50, 100), st.integers(-10, 40)), min_size=8, max_size=30))
def test_the_most_influential_firm_is_that_of_a_loop(amounts):
    firms = measured(
        *(company(f"F{n:02d}", short_term_debt=0.0, long_term_debt=max(d, 0), cash=max(-d, 0), operating_income=e,
                  depreciation_amortization=0.0) for n, (d, e) in enumerate(amounts))
    )  # fmt: skip
    net_debt, ebitda = firms["net_debt"].to_numpy(), firms["ebitda"].to_numpy()
    rest = np.array([np.delete(ebitda, i).sum() for i in range(len(firms))])
    if ebitda.sum() <= 0 or (rest <= 0).any():
        return
    ratio = net_debt.sum() / ebitda.sum()
    assert group_ratio(firms)["value"] == pytest.approx(ratio, abs=1e-9)
    moved = [abs(np.delete(net_debt, i).sum() / rest[i] - ratio) for i in range(len(firms))]
    first = group_ratio(firms)["top"].split(", ")[0]
    assert moved[int(first[1:])] == pytest.approx(max(moved), abs=1e-9)


def test_a_group_without_positive_ebitda_has_no_ratio():
    found = group_ratio(measured(company("A", operating_income=-50.0)))
    assert math.isnan(found["value"])
    assert math.isnan(found["median"])
    assert found["share_no_ebitda"] == 1


def test_an_empty_group_says_nothing():
    found = group_ratio(measured(company("A"))[:0])
    assert (found["n"], found["top"]) == (0, "")
    assert math.isnan(found["value"])
    assert math.isnan(found["share_no_ebitda"])


def test_definitions_are_arithmetic():
    restated = company("C2", restated_on=pd.Timestamp("2022-03-01"), long_term_debt=1000.0)
    found = group_ratio(measured(*FOUR, restated))
    ratios = [2, -1, 3, 990 / 20]
    assert found["value"] == (150 + 990) / 70
    assert found["mean_of_ratios"] == pytest.approx(statistics.mean(ratios))
    assert found["median"] == 2.5
    assert found["positive_only"] == (120 + 990) / 80
    assert found["never_restated"] == 3


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
    rule = "assets in another unit than in an earlier year"
    later = [company("A", 2019, **millions), *(company("A", year, **thousandfold) for year in (2020, 2021))]
    assert impossible_rows(measured(*later)).tolist() == ["", rule, rule]
    for fine in (
        [company("A", 2019, **thousandfold), company("A", 2020, **millions)],
        [company("A", 2019, total_assets=1e5), company("A", 2020, **millions)],  # a shell that a merger filled
        [company("A", 2019, **millions), company("B", 2020, **thousandfold)],
    ):
        assert impossible_rows(measured(*fine)).tolist() == ["", ""]


def test_later_rows_change_no_verdict():
    past = [company("A", 2019), company("B", 2019, cash=-1.0)]
    firms = measured(*past, company("A", 2020, total_assets=1e-9, revenue=1e15))
    own = impossible_rows(firms)[firms["fiscal_year"] == 2019].tolist()
    assert own == impossible_rows(measured(*past)).tolist()


def test_groups_are_by_market_value_within_the_year():
    values = dict(zip("ABCDE", [5.0, 3.0, np.nan, 4.0, 1.0], strict=True))
    firms = measured(*(company(name, 2020, market_value=value) for name, value in values.items()),
                     company("E", 2021, market_value=9.0))  # fmt: skip
    group = assign_groups(firms, large=1, small=2)
    found = dict(zip(zip(firms["company"], firms["fiscal_year"], strict=True), group, strict=True))
    keys = [("A", 2020), ("B", 2020), ("C", 2020), ("D", 2020), ("E", 2020), ("E", 2021)]
    assert found == dict(zip(keys, [LARGE, SMALL, "", SMALL, "", ""], strict=True))  # one of 2021


def test_an_impossible_row_leaves_its_place_to_the_next_and_a_financial_does_not():
    ranked = [company(name, market_value=value) for name, value in (("A", 900.0), ("B", 800.0), ("C", 700.0))]
    wrong = company("WRONG", market_value=1000.0, cash=20_000.0)
    bank = company("BANK", market_value=950.0, sector="FINANCIAL services")
    firms = prepare(rows(*ranked, wrong, bank), large=2, small=1).set_index("company")
    assert firms["group"].to_dict() == {"A": LARGE, "B": SMALL, "C": "", "WRONG": "", "BANK": ""}
    assert firms["size_group"]["BANK"] == LARGE
    assert firms["group_as_filed"].to_dict() == {"WRONG": LARGE, "BANK": LARGE, "A": SMALL, "B": "", "C": ""}
    assert firms["rule"]["WRONG"] == "cash above total assets"


def test_financials_cannot_be_left_out_where_no_company_has_a_sector():
    with pytest.raises(InsufficientDataError, match="no sectors, so financials cannot be left out"):
        prepare(rows(company("A")))
    pair = rows(company("A"), company("B", market_value=200.0))
    assert prepare(pair, large=1, small=1, exclude_financials=False)["group"].tolist() == [LARGE, SMALL]


def test_cover_below_one_is_judged_only_where_there_is_interest():
    income, interest = np.array([5, 5, -5, -5, np.nan, 5.0]), np.array([6, 5, 0, -2, 1, np.nan])
    np.testing.assert_array_equal(cover_below_one(income, interest), [1, 0, 0, 0, np.nan, np.nan])


def zombies(*flags_by_firm, years=3):
    firms = [{"company": f"F{n}", "fiscal_year": year} for n, flags in enumerate(flags_by_firm) for year in flags]
    below = np.array([flag for flags in flags_by_firm for flag in flags.values()], dtype=float)
    return zombie_flags(pd.DataFrame(firms), below, zombie_years=years).tolist()


def test_zombies_need_unbroken_years():
    nan = pytest.approx(math.nan, nan_ok=True)
    assert zombies({2018: 1, 2019: 1, 2020: 1, 2021: 0}) == [nan, nan, 1, 0]
    assert zombies({2018: 1, 2020: 1, 2021: 1}) == [nan, nan, nan]  # 2019 is missing
    assert zombies({2018: 1, 2019: 1}, {2020: 1, 2021: 1}) == [nan] * 4  # of two firms
    assert zombies({2018: 1, 2019: math.nan, 2020: 1, 2021: 1}) == [nan] * 4
    assert zombies({2018: 1, 2019: 0}, years=1) == [1, 0]


def covered(*extra, years=(2018, 2019, 2020), each=15):
    """Prepared rows: as many firms with cover 1/3 as with cover 3, and others."""
    firms = [company(f"Z{n:02d}", y, operating_income=1.0, long_term_debt=90.0) for n in range(each) for y in years]
    firms += [company(f"OK{n:02d}", y, operating_income=9.0) for n in range(each) for y in years]
    return prepare(rows(*firms, *extra), exclude_financials=False)


def test_cover_and_zombies_are_arithmetic():
    extra = (
        company("NEW", 2020, operating_income=2.0),
        company("FREE", 2020, interest_expense=-1.0, operating_income=-5.0),
        company("?", 2020, operating_income=np.nan),
    )
    found = interest_cover(covered(*extra).query("fiscal_year == 2020"))
    assert (found["n"], found["coverage"]) == (31, 32 / 33)
    assert found["value"] == pytest.approx((15 * 1 + 15 * 9 + 2) / 93)
    assert found["median"] == pytest.approx(2 / 3)
    assert found["share_below_one"] == 16 / 32
    assert (found["n_history"], found["zombie_share"]) == (30, 15 / 30)
    wilson = proportion_confint(15, 30, method="wilson")
    assert (found["zombie_low"], found["zombie_high"]) == pytest.approx(wilson, abs=1e-6)


def test_interest_that_few_or_hardly_any_state_leaves_shares_unknown_not_zero():
    free = [company(f"FREE{n}", short_term_debt=0, long_term_debt=0, interest_expense=np.nan) for n in range(40)]
    unknown = [company(f"U{n}", interest_expense=np.nan) for n in range(60)]
    for firms in (
        prepare(rows(*free[:20]), exclude_financials=False),
        prepare(rows(*free, *unknown), exclude_financials=False),
    ):
        found = interest_cover(firms)
        assert found["n"] == 0
        for name in ("value", "low", "median", "share_below_one", "zombie_share", "zombie_low"):
            assert math.isnan(found[name]), name
        moved = stress(firms, np.ones(len(firms), dtype=bool), rate_move_bp=200, debt_share=1, zombie_years=1)
        assert moved["n"] == 0
        assert math.isnan(moved["share_below_one"])


def test_a_group_of_fewer_than_30_is_left_out_of_the_years():
    value = iter(range(1000, 2000))
    firms = [company(f"F{n:02d}", year, market_value=next(value)) for year in (2019, 2020) for n in range(70)]
    firms += [company(f"F{n:02d}", 2018, market_value=next(value)) for n in range(50)]
    grouped = prepare(rows(*firms), large=30, small=40, exclude_financials=False)
    found = by_year_and_group(grouped, group_ratio)
    assert found[["fiscal_year", "n"]].values.tolist() == [[2019, 30], [2019, 40], [2020, 30], [2020, 40]]
    with pytest.raises(InsufficientDataError, match="no group has 30 companies"):
        by_year_and_group(grouped[grouped["fiscal_year"] == 2018], group_ratio)


def test_a_cut_turns_no_payer_into_a_lender():
    firms = prepare(rows(*(company(f"F{n}", interest_expense=1.0) for n in range(30))), exclude_financials=False)
    cut = stress(firms, np.ones(30, dtype=bool), rate_move_bp=-500, debt_share=1, zombie_years=1)
    assert math.isnan(cut["cover"])  # nobody pays any more
    assert cut["share_below_one"] == 0


# Debt 60, interest 3, so 5%; operating income 3.3, 6, 1 and 15, ten firms each; the last without debt.
TENS = prepare(
    rows(
        *(company(f"A{n}", operating_income=3.3) for n in range(10)),
        *(company(f"B{n}", operating_income=6.0) for n in range(10)),
        *(company(f"C{n}", operating_income=1.0) for n in range(10)),
        *(company(f"D{n}", short_term_debt=0, long_term_debt=0, interest_expense=0.0) for n in range(10)),
    ),
    exclude_financials=False,
)
EVERYONE = np.ones(40, dtype=bool)


def test_stress_is_arithmetic():
    found = stress(TENS, EVERYONE, rate_move_bp=200, debt_share=0.5, zombie_years=1)
    assert found["n"] == 40
    assert found["cover"] == pytest.approx((3.3 + 6 + 1) / (3 * 3.6))
    assert found["share_below_one"] == found["zombie_share"] == 20 / 40
    assert found["below_one_debt_share"] == pytest.approx(120 / 180)


def test_a_firm_falls_just_past_the_move_at_which_its_cover_is_one():
    shares = [
        stress(TENS, EVERYONE, rate_move_bp=move, debt_share=0.5, zombie_years=1)["share_below_one"]
        for move in (99, 101)  # 3.3 = 3 + 0.5 x 60 x 1%
    ]
    assert shares == [10 / 40, 20 / 40]


def test_without_a_move_stress_is_plain_cover():
    rng = np.random.default_rng(0)
    years = range(2017, 2021)
    firms = prepare(
        rows(*(company(f"F{n}", y, operating_income=float(rng.normal(3, 3))) for n in range(40) for y in years)),
        exclude_financials=False,
    )
    now = firms["fiscal_year"].eq(2020).to_numpy()
    plain = interest_cover(firms[now])
    for share in (0.1, 1.0):
        found = stress(firms, now, rate_move_bp=0, debt_share=share, zombie_years=3)
        assert found["zombie_share"] == plain["zombie_share"] > 0
        assert found["share_below_one"] == plain["share_below_one"]


@settings(max_examples=25)
@given(st.lists(st.integers(-5, 20), min_size=30, max_size=40), st.floats(0.1, 1), st.floats(0.1, 1))
def test_more_debt_or_a_higher_rate_never_helps(incomes, share, other):
    firms = prepare(
        rows(*(company(f"F{n}", operating_income=income) for n, income in enumerate(incomes))), exclude_financials=False
    )
    everyone, (less, more) = np.ones(len(firms), dtype=bool), sorted([share, other])
    below = {
        (move, part): stress(firms, everyone, rate_move_bp=move, debt_share=part, zombie_years=1)["share_below_one"]
        for move in (-200, 0, 300)
        for part in (less, more)
    }
    assert below[-200, more] <= below[-200, less] <= below[0, less] == below[0, more]
    assert below[0, less] <= below[300, less] <= below[300, more]


def test_inputs_are_not_changed():
    table = rows(*FOUR)
    before = table.copy(deep=True)
    firms = prepare(table, exclude_financials=False)
    kept = firms.copy(deep=True)
    group_ratio(firms)
    interest_cover(firms)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(firms, kept)
