"""Ranks, records, spells, falls and breakouts, against plain loops over the same values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_lib.stats import history
from tests.conftest import random_walk

values = st.lists(st.integers(-4, 4), min_size=1, max_size=40)


def series(numbers: list[float]) -> pd.Series:
    return pd.Series(np.array(numbers, dtype=float), pd.bdate_range("2000-01-03", periods=len(numbers)))


@given(values)
def test_a_rank_counts_from_both_ends(numbers: list[int]) -> None:
    found, last = history.rank_in_history(series(numbers)), numbers[-1]
    assert found.rank == 1 + sum(one > last for one in numbers)
    assert found.lowest_rank == 1 + sum(one < last for one in numbers)
    assert found.ties == numbers[:-1].count(last)
    other = max((at for at, one in enumerate(numbers) if one != last), default=-1)  # after it the values are equal
    as_high = [at for at, one in enumerate(numbers) if one >= last and at <= other]
    dates = series(numbers).index
    assert found.highest_since == (dates[as_high[-1]] if as_high else None)
    assert (found.highest, found.lowest) == (max(numbers), min(numbers))


def test_a_rank_counts_episodes_not_days() -> None:
    """Days 0, 1 and 3 are one episode of higher values with a gap of 1, day 8 another; day 11 belongs to the last move."""
    numbers = [9, 9, 0, 9, 0, 0, 0, 0, 9, 0, 0, 6, 5]
    assert history.rank_in_history(series(numbers), gap=1).higher_episodes == 2
    assert history.rank_in_history(series(numbers), gap=0).higher_episodes == 3
    assert history.rank_in_history(series(numbers), gap=20).higher_episodes == 0


def test_a_rank_leaves_out_missing_values_and_needs_one() -> None:
    assert history.rank_in_history(series([np.nan, 3, np.nan, 2])).n == 2
    with pytest.raises(ValueError, match="at least one value"):
        history.rank_in_history(series([np.nan]))


@given(values)
def test_records_exceed_everything_before(numbers: list[int]) -> None:
    line = series(numbers)
    loop = [at > 0 and one > max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line).tolist() == loop
    assert history.records(-line, low=True).tolist() == loop
    ties = [at > 0 and one >= max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line, ties=True).tolist() == ties


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_spells_and_ages_count_periods(met: list[bool]) -> None:
    condition = pd.Series(met, pd.bdate_range("2000-01-03", periods=len(met)))
    run, since, lengths, ages = 0, np.nan, [], []
    for one in met:
        run = run + 1 if one else 0
        since = 0 if one else since + 1
        lengths.append(run)
        ages.append(since)
    assert history.spell_lengths(condition).tolist() == lengths
    np.testing.assert_array_equal(history.age(condition), ages)
    found = history.spells(condition)
    assert found["length"].sum() == sum(met)
    assert found["ongoing"].tolist() == [False] * (len(found) - 1) + ([met[-1]] if len(found) else [])


def test_crossings_mark_changes_of_side() -> None:
    found = history.crossings(series([1, -1, 0, 2, np.nan, 3, -1]))
    assert found["above"].tolist() == [False, False, False, True, False, False, False]
    assert found["below"].tolist() == [False, True, False, False, False, False, True]


def test_changes_are_of_the_kind_that_is_asked() -> None:
    line = series([100, 110, -5])
    assert history.change(line, 1).iloc[1] == pytest.approx(0.1)
    assert history.change(line, 1, "points").iloc[1] == 10
    assert history.change(line, 1, "log").iloc[1] == pytest.approx(np.log(1.1))
    assert np.isnan(history.change(line, 1, "log").iloc[2])


def falls_by_hand(prices: list[float], fall: float) -> list[tuple[float, float]]:
    """Walk through the prices once, in words of the definition."""
    found, top, low = [], prices[0], None
    for price in prices:
        if low is None:
            top = max(top, price)
            low = price if price <= top * (1 - fall) else None
        else:
            low = min(low, price)
            if price >= low * (1 + fall):
                found.append((top, low))
                top, low = price, None
    return found + ([(top, low)] if low is not None else [])


@given(st.lists(st.floats(1, 100), min_size=1, max_size=60), st.sampled_from([0.1, 0.2, 0.5]))
def test_falls_follow_their_definition(prices: list[float], fall: float) -> None:
    found = history.fall_episodes(series(prices), fall)
    by_hand = falls_by_hand(prices, fall)
    np.testing.assert_allclose(found["depth"], [low / top - 1 for top, low in by_hand])
    assert (found["depth"] <= -fall + 1e-12).all()
    assert (found["peak"] < found["trough"]).all()


def test_drawdowns_are_from_the_highest_so_far() -> None:
    assert history.drawdown(series([100, 80, 120, 90])).tolist() == pytest.approx([0, -0.2, 0, -0.25])
    assert history.drawdown(series([100, 80, 60]), 2).iloc[-1] == pytest.approx(-0.25)


def test_a_rolling_correlation_is_that_of_numpy() -> None:
    x, y = random_walk(60, seed=1), random_walk(60, seed=2)
    found = history.rolling_correlation(x, y, 5)
    assert found.iloc[30] == pytest.approx(np.corrcoef(x[26:31], y[26:31])[0, 1])
    assert found.iloc[:4].isna().all()
    flat = pd.Series(1.0, index=x.index)
    assert history.rolling_correlation(x, flat, 5).isna().all()


def test_breakouts_are_held_against_what_was_before() -> None:
    """Peaks fall by 1% each 60 sessions between flat stretches; a jump ends above the line through them and the highest."""
    at = np.arange(400)
    peaks = 100 * np.exp(-0.0005 * at) * np.where(at % 60 == 30, 1.1, 1.0)
    found = history.breakouts(series([*peaks, 150.0]), 400)
    assert (found["value"] > 0).all()
    assert found.loc["highest", "level"] == pytest.approx(peaks.max())
    first, later = 30, 390
    slope = max((np.log(peaks[one]) - np.log(peaks[first])) / (one - first) for one in range(90, later, 60))
    assert found.loc["falling peaks", "level"] == pytest.approx(peaks[first] * np.exp(slope * (400 - first)))
    with pytest.raises(ValueError, match="needs more than 400"):
        history.breakouts(series([*peaks]), 400)


@given(st.integers(50, 90))
def test_nothing_looks_ahead(cut: int) -> None:
    line = random_walk(120, seed=3)
    for taken in (
        lambda one: history.change(one, 5),
        history.records,
        lambda one: history.spell_lengths(one > 100),
        lambda one: history.age(one > 100),
        history.drawdown,
        lambda one: history.crossings(one, 100.0)["above"],
    ):
        pd.testing.assert_series_equal(taken(line).iloc[:cut], taken(line.iloc[:cut]), check_names=False)
