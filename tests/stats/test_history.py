"""Ranks, records, spells, falls and breakouts, against plain loops over the same values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_lib.stats import history
from tests.conftest import random_walk
from tests.stats.reference import CASES, dated

values = st.lists(st.integers(-4, 4), min_size=1, max_size=40)


@given(values)
def test_a_rank_counts_from_both_ends(numbers):
    line, last = dated(numbers), numbers[-1]
    found, dates = history.rank_in_history(line), line.index
    other = max((at for at, one in enumerate(numbers) if one != last), default=-1)  # after it the values are equal
    as_high = [at for at, one in enumerate(numbers) if one >= last and at <= other]
    expected = {
        "value": last, "date": dates[-1], "first": dates[0], "n": len(numbers), "rank": 1 + sum(line > last),
        "ties": numbers[:-1].count(last), "percentile": np.mean(line <= last), "highest": max(numbers),
        "highest_date": dates[numbers.index(max(numbers))], "highest_since": dates[as_high[-1]] if as_high else None,
    }  # fmt: skip
    assert {name: getattr(found, name) for name in expected} == expected
    mirror = history.rank_in_history(-line)
    assert (found.lowest, found.lowest_date) == (-mirror.highest, mirror.highest_date)
    assert (found.lowest_rank, found.lowest_since) == (mirror.rank, mirror.highest_since)
    nearer, end = found.from_nearer_end(), "lowest" if mirror.rank < found.rank else "highest"
    side = mirror if end == "lowest" else found
    assert (nearer["end"], nearer["rank"], nearer["since"]) == (end, side.rank, side.highest_since)
    above = found.percentile >= 0.5  # then as far is as high
    assert found.as_far == np.mean(line >= last if above else line <= last)


@pytest.mark.parametrize(("numbers", "episodes"), CASES["rank_episodes"])
def test_a_rank_counts_episodes_not_days(numbers, episodes):
    for gap, expected in episodes.items():
        given_gap = {} if gap == 10 else {"gap": gap}
        assert history.rank_in_history(dated(numbers), **given_gap).episode_rank == 1 + expected
        assert history.rank_in_history(-dated(numbers), **given_gap).lowest_episode_rank == 1 + expected
    with pytest.raises(ValueError, match="at least one value"):
        history.rank_in_history(dated([np.nan]))


@given(values)
def test_records_spells_and_ages_follow_their_definition(numbers):
    line = dated(numbers)
    records = [at > 0 and one > max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line).tolist() == records
    ties = [at > 0 and one >= max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line, ties=True).tolist() == ties
    condition, met = line > 0, [one > 0 for one in numbers]
    since = lambda at, wanted, none: next((back for back, one in enumerate(met[at::-1]) if one == wanted), none)
    lengths, ages = zip(*((since(at, False, at + 1), since(at, True, np.nan)) for at in range(len(met))), strict=True)
    assert history.spell_lengths(condition).tolist() == [*lengths]
    np.testing.assert_array_equal(history.age(condition), ages)
    ends = [at for at, one in enumerate(lengths) if one and (lengths[at + 1 :] or [0])[0] == 0]
    assert history.run_ends(history.spell_lengths(condition).astype(float)).index.equals(condition.index[ends])


@pytest.mark.parametrize(("function", "numbers", "options", "expected"), CASES["lines"])
def test_a_line_by_hand(function, numbers, options, expected):
    found = getattr(history, function)(dated(numbers), *options)
    np.testing.assert_allclose(found.to_numpy(dtype=float), expected, rtol=1e-9)


def test_what_came_before_is_the_last_value_up_to_then_and_a_rolling_correlation_is_numpys():
    line, other, month = random_walk(60, seed=1), random_walk(60, seed=2), pd.DateOffset(months=1)
    gaps = line.where(line.index.day_of_week != 3)
    np.testing.assert_array_equal(history.ago(gaps, 1, "month"), gaps.asof(line.index - month))
    expected = [np.nan] * 4 + [np.corrcoef(line[at - 4 : at + 1], other[at - 4 : at + 1])[0, 1] for at in range(4, 60)]
    for n in (4, 5, 60):
        np.testing.assert_allclose(history.rolling_correlation(line[:n], other, 5), expected[:n])
    assert history.rolling_correlation(line, 0 * line, 5).isna().all()
    weeks = [history.on_common_days(line[at::5], other[9::5], "W-FRI") for at in (3, 4)]
    assert [[a.index[0], *b] for a, b in weeks] == [[line.index[at], *other[9::5]] for at in (8, 9)]


@pytest.mark.parametrize(("prices", "expected"), CASES["falls"])
def test_falls_end_once_the_price_has_risen_as_much(prices, expected):
    line = dated(prices)
    found, over = history.falls(line, 0.2), [fall for fall in expected if fall[1] is not None]
    assert found.index.equals(line.index[[top for top, _ in expected]])
    assert found["trough"].dropna().tolist() == line.index[[low for _, low in over]].tolist()
    assert found["depth"].dropna().tolist() == pytest.approx([prices[low] / prices[top] - 1 for top, low in over])
    assert found["days"].dropna().tolist() == [(line.index[low] - line.index[top]).days for top, low in over]


def test_breakouts_are_held_against_what_was_before():
    """Peaks fall by 1% each 60 sessions between flat stretches; a jump ends above the line through them and the highest."""
    at = np.arange(400)
    prices = 100 * np.exp(-0.0005 * at) * np.where(at % 60 == 30, 1.1, 1.0)
    prices[[51, 379]] = prices[30] * np.exp([-0.0003 * 21, -0.0003 * 349])  # too near the highest, or the end: no peaks
    first, logs = 30, np.log(prices)
    slope = max((logs[one] - logs[first]) / (one - first) for one in range(90, 390, 60))
    fit = np.poly1d(np.polyfit(at, logs, 1))
    band = fit(400) + 2 * np.sqrt(((logs - fit(at)) ** 2).sum() / 398)
    level = {"band": band, "falling peaks": logs[first] + slope * (400 - first), "highest": logs.max()}
    for name, one in level.items():
        found = history.breakouts(dated([90.0, *prices, 150.0]), 400, name, 1)
        assert found.tolist() == pytest.approx([150 / np.exp(one) - 1])
    assert history.breakouts(dated(np.arange(1, 402)), 400, "falling peaks").isna().all()  # no peak
    latest = history.breakouts(dated([*prices, 150.0, 140.0]), 400, "highest", 3)
    assert latest.tolist() == pytest.approx([150 / prices.max() - 1, 140 / 150 - 1])
    assert history.breakouts(dated(prices), 400, "highest").empty
