"""Repricing debt: arithmetic on made-up firms, and agreement with plain cover where nothing is repriced."""

import math

import numpy as np
import pandas as pd
import pytest

from research_lib.stats.ratios import below_one, zombie_flags
from research_lib.stats.refinancing import break_even, break_even_bp, repriced_interest, stress, stress_map
from tests.companies import company, measured

# Debt 60, interest 3, so 5%; operating income 3.3, 6 and 1.
FIRMS = measured(
    company("A EDGE", operating_income=3.3),
    company("B SAFE", operating_income=6.0),
    company("C GONE", operating_income=1.0),
    company("D FREE", short_term_debt=0, long_term_debt=0, interest_expense=0.0),
)
EVERYONE = pd.Series(True, FIRMS.index)


def test_interest_moves_with_the_repriced_share():
    moved = repriced_interest(np.array([3.0]), np.array([60.0]), rate_move_bp=200, debt_share=0.5)
    assert moved == pytest.approx(3 + 0.5 * 60 * 0.02)


def test_a_cut_turns_no_payer_into_a_lender():
    interest, debt = np.array([1.0, -2.0, -2.0]), np.array([500.0, 500.0, 0.0])
    cut = repriced_interest(interest, debt, rate_move_bp=-200, debt_share=1)
    np.testing.assert_array_equal(cut, [0, -2, -2])
    rise = repriced_interest(interest, debt, rate_move_bp=100, debt_share=1)
    np.testing.assert_array_equal(rise, [6, 3, -2])


def test_break_even_is_where_cover_is_one():
    income, interest, debt = (FIRMS[name].to_numpy() for name in ("operating_income", "interest", "debt"))
    moves = break_even_bp(income, interest, debt, debt_share=0.5)
    np.testing.assert_allclose(moves[:3], [100, 1000, -2000 / 3])  # by hand: 0.3 / 30, 3 / 30, -2 / 30
    assert math.isnan(moves[3])
    for move, own_income, own_interest, own_debt in zip(moves[:2], income, interest, debt, strict=False):
        after = repriced_interest(np.array([own_interest]), np.array([own_debt]), rate_move_bp=move, debt_share=0.5)
        assert own_income / after == pytest.approx(1)


def test_break_even_of_a_group_names_the_marginal_firm():
    result = break_even(FIRMS, debt_share=0.5)
    assert (result.n, result.marginal_firm) == (2, "A EDGE")
    assert result.marginal_bp == pytest.approx(100)
    assert result.median_bp == pytest.approx(100)
    assert result.median_debt_bp == pytest.approx(100)
    assert break_even(FIRMS[2:], debt_share=0.5).n == 0


def test_just_past_its_break_even_move_a_firm_falls():
    shares = [
        stress(FIRMS, EVERYONE, rate_move_bp=move, debt_share=0.5, zombie_years=1).below_one_share for move in (99, 101)
    ]
    assert shares == [1 / 4, 2 / 4]


def test_stress_is_arithmetic():
    result = stress(FIRMS, EVERYONE, rate_move_bp=200, debt_share=0.5, zombie_years=1)
    assert result.n == 4
    assert result.cover == pytest.approx((3.3 + 6 + 1) / (3 * 3.6))
    assert result.below_one_debt_share == 120 / 180
    assert result.zombie_share == 2 / 4


def test_without_a_move_stress_is_plain_cover():
    years = range(2017, 2021)
    rng = np.random.default_rng(0)
    firms = measured(
        *(company(f"F{n}", year, operating_income=float(rng.normal(3, 3))) for n in range(40) for year in years)
    )
    members = firms["fiscal_year"].eq(2020)
    below = below_one(firms["operating_income"].to_numpy(), firms["interest"].to_numpy())
    zombie = zombie_flags(firms, below, zombie_years=3)[members]
    for share in (0.1, 1.0):
        result = stress(firms, members, rate_move_bp=0, debt_share=share, zombie_years=3)
        assert result.zombie_share == zombie.mean() > 0
        assert result.below_one_share == below[members].mean()


def test_the_map_rises_with_the_move_and_the_share():
    rng = np.random.default_rng(1)
    firms = measured(*(company(f"F{n}", operating_income=float(rng.normal(5, 3))) for n in range(200)))
    table = stress_map(firms, pd.Series(True, firms.index), zombie_years=1)
    assert len(table) == 8 * 5
    grid = table.pivot_table(index="debt_share", columns="rate_move_bp", values="below_one_share")
    assert (grid.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (grid.loc[:, 100:].diff().iloc[1:] >= 0).all(axis=None)
    assert (grid.loc[:, :-100].diff().iloc[1:] <= 0).all(axis=None)
    assert grid[500].iloc[-1] > grid[0].iloc[-1] > grid[-200].iloc[-1]
    assert grid[0].max() == grid[0].min()


def test_unknown_interest_is_left_out():
    firms = measured(company("A"), company("B", interest_expense=np.nan))
    assert stress(firms, pd.Series(True, firms.index), rate_move_bp=0, debt_share=1, zombie_years=1).n == 1
