"""Ranks, records, spells, falls and breakouts, against plain loops over the same values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_lib.stats import history
from tests.conftest import random_walk

values = st.lists(st.integers(-4, 4), min_size=1, max_size=40)
NAN = np.nan


def series(numbers):
    return pd.Series(np.array(numbers, dtype=float), pd.bdate_range("2000-01-03", periods=len(numbers)))


@given(values)
def test_a_rank_counts_from_both_ends(numbers):
    line, last = series(numbers), numbers[-1]
    found, dates = history.rank_in_history(line), line.index
    other = max((at for at, one in enumerate(numbers) if one != last), default=-1)  # after it the values are equal
    as_high = [at for at, one in enumerate(numbers) if one >= last and at <= other]
    as_low = [at for at, one in enumerate(numbers) if one <= last and at <= other]
    expected = {
        "value": last, "date": dates[-1], "first": dates[0], "n": len(numbers), "rank": 1 + sum(line > last),
        "lowest_rank": 1 + sum(line < last), "ties": numbers[:-1].count(last), "percentile": np.mean(line <= last),
        "highest_since": dates[as_high[-1]] if as_high else None, "lowest_since": dates[as_low[-1]] if as_low else None,
        "highest": max(numbers), "highest_date": dates[numbers.index(max(numbers))],
        "lowest": min(numbers), "lowest_date": dates[numbers.index(min(numbers))],
    }  # fmt: skip
    assert {name: getattr(found, name) for name in expected} == expected
    nearer, end = found.from_nearer_end(), "highest" if found.rank <= found.lowest_rank else "lowest"
    at_end = {"highest": ("rank", "highest_since"), "lowest": ("lowest_rank", "lowest_since")}[end]
    assert [nearer[name] for name in ("end", "rank", "since")] == [end, *(expected[name] for name in at_end)]


EPISODES = [  # days 0, 1 and 3 are one episode with a gap of 1, day 8 another; day 11 belongs to the last move
    ([9, 9, 0, 9, 0, 0, 0, 0, 9, 0, 0, 6, 5], {0: 3, 1: 2, 20: 0}),
    ([9, *[0] * 10, 5], {10: 0}),
    ([9, *[0] * 11, 5], {10: 1}),
    ([NAN, 9, NAN, *[0] * 11, 5], {10: 1}),
]


@pytest.mark.parametrize(("numbers", "episodes"), EPISODES)
def test_a_rank_counts_episodes_not_days(numbers, episodes):
    line = series(numbers)
    for gap, expected in episodes.items():
        given_gap = {} if gap == 10 else {"gap": gap}
        assert history.rank_in_history(line, **given_gap).higher_episodes == expected
        assert history.rank_in_history(-line, **given_gap).lower_episodes == expected
    with pytest.raises(ValueError, match="at least one value"):
        history.rank_in_history(series([NAN]))


@given(values)
def test_records_spells_and_ages_follow_their_definition(numbers):
    line = series(numbers)
    records = [at > 0 and one > max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line).tolist() == history.records(-line, low=True).tolist() == records
    ties = [at > 0 and one >= max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line, ties=True).tolist() == ties
    condition, run, since, lengths, ages = line > 0, 0, NAN, [], []
    for met in condition:
        run, since = (run + 1, 0) if met else (0, since + 1)
        lengths.append(run)
        ages.append(since)
    assert history.spell_lengths(condition).tolist() == lengths
    np.testing.assert_array_equal(history.age(condition), ages)
    ends = [at for at, one in enumerate(lengths) if one and (lengths[at + 1 :] or [0])[0] == 0]
    assert history.run_ends(history.spell_lengths(condition).astype(float)).index.equals(condition.index[ends])


def test_crossings_changes_and_drawdowns_by_hand():
    found = history.crossings(series([1, -1, 0, 0.2, NAN, 3, -1]))
    assert [np.flatnonzero(found[side]).tolist() for side in ("above", "below")] == [[3], [1, 6]]
    line = series([100, 110, -5])
    expected = {"percent": [NAN, 0.1, -115 / 110], "points": [NAN, 10, -115], "log": [NAN, np.log(1.1), NAN]}
    for kind, changes in expected.items():
        assert history.change(line, 1, kind).tolist() == pytest.approx(changes, nan_ok=True)
    assert np.isnan(history.change(series([0, 5]), 1).iloc[1])  # from nothing
    assert history.drawdown(series([100, 80, 120, 90])).tolist() == pytest.approx([0, -0.2, 0, -0.25])
    assert history.drawdown(series([100, 80, 60]), 2).tolist() == pytest.approx([0, -0.2, -0.25])
    to_20 = history.periods_to(series([10, 12, 11, 20]), 20, 1)
    assert to_20.tolist() == pytest.approx([NAN, 4, np.inf, 0], nan_ok=True)


def test_what_came_before_is_the_last_value_up_to_then_and_a_rolling_correlation_is_numpys():
    line, other, month = random_walk(60, seed=1), random_walk(60, seed=2), pd.DateOffset(months=1)
    last = lambda end: next(iter(line[:end].to_numpy()[::-1]), NAN)
    a_month_ago, before = (
        [day - month for day in line.index],
        [day.replace(day=1) - pd.Timedelta(days=1) for day in line.index],
    )
    for found, ends in ((history.before_offset(line, month), a_month_ago), (history.before_period(line, "M"), before)):
        assert found.tolist() == pytest.approx([last(end) for end in ends], nan_ok=True)
    expected = [NAN] * 4 + [np.corrcoef(line[at - 4 : at + 1], other[at - 4 : at + 1])[0, 1] for at in range(4, 60)]
    for n in (4, 5, 60):
        assert history.rolling_correlation(line[:n], other, 5).tolist() == pytest.approx(expected[:n], nan_ok=True)
    assert history.rolling_correlation(line, 0 * line, 5).isna().all()


FALLS = [  # of a fifth: places of peak, trough and the day that the fall reached it; whether it is under way
    ([100, 81, 100, 80, 70, 83, 84, 67, 66], [(2, 4, 3, False), (6, 8, 7, True)]),  # the last of equal peaks counts
    ([50, 100, 79, 60, 71, 59, 70.8, 80, 90], [(1, 5, 2, False)]),
    ([100, 80, 96, 76, 91.2], [(0, 1, 1, False), (2, 3, 3, False)]),  # ends as it begins, at just a fifth
    ([100, 80.1, 99, 81], []),
]


@pytest.mark.parametrize(("prices", "expected"), FALLS)
def test_falls_end_once_the_price_has_risen_as_much(prices, expected):
    line = series(prices)
    found = history.fall_episodes(line, 0.2)
    days = [line.index.get_indexer(found[name]).tolist() for name in ("peak", "trough", "known")]
    assert [*zip(*days, found["ongoing"], strict=True)] == expected
    assert found["depth"].tolist() == pytest.approx([prices[low] / prices[top] - 1 for top, low, *_ in expected])
    assert found["sessions"].tolist() == [low - top for top, low, *_ in expected]


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
        found = history.breakouts(series([90.0, *prices, 150.0]), 400, name)
        assert found.tolist() == pytest.approx([150 / np.exp(one) - 1])
    assert history.breakouts(series([*np.arange(1.0, 402)]), 400, "falling peaks").isna().all()  # no peak
    latest = history.breakouts(series([*prices, 150.0, 140.0]), 400, "highest", 3)
    assert latest.tolist() == pytest.approx([150 / prices.max() - 1, 140 / 150 - 1])
    assert history.breakouts(series([*prices]), 400, "highest").empty
