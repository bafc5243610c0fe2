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


def test_a_rank_counts_episodes_not_days():
    """Days 0, 1 and 3 are one episode of higher values with a gap of 1, day 8 another; day 11 belongs to the last move."""
    numbers = series([9, 9, 0, 9, 0, 0, 0, 0, 9, 0, 0, 6, 5])
    assert [history.rank_in_history(numbers, gap=gap).higher_episodes for gap in (1, 0, 20)] == [2, 3, 0]
    assert [history.rank_in_history(-numbers, gap=gap).lower_episodes for gap in (1, 0, 20)] == [2, 3, 0]
    apart = [[9, *[0] * between, 5] for between in (10, 11)]
    assert [history.rank_in_history(series(one)).higher_episodes for one in apart] == [0, 1]
    assert history.rank_in_history(series([NAN, 3, NAN, 2])).n == 2
    with pytest.raises(ValueError, match="at least one value"):
        history.rank_in_history(series([NAN]))


@given(values)
def test_records_exceed_everything_before(numbers):
    line = series(numbers)
    loop = [at > 0 and one > max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line).tolist() == history.records(-line, low=True).tolist() == loop
    ties = [at > 0 and one >= max(numbers[:at]) for at, one in enumerate(numbers)]
    assert history.records(line, ties=True).tolist() == ties


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_spells_and_ages_count_periods(met):
    condition = pd.Series(met, pd.bdate_range("2000-01-03", periods=len(met)))
    run, since, lengths, ages = 0, NAN, [], []
    for one in met:
        run, since = (run + 1, 0) if one else (0, since + 1)
        lengths.append(run)
        ages.append(since)
    assert history.spell_lengths(condition).tolist() == lengths
    np.testing.assert_array_equal(history.age(condition), ages)
    ends = [at for at, one in enumerate(lengths) if one and (lengths[at + 1 :] or [0])[0] == 0]
    dates = condition.index
    expected = [(dates[at - lengths[at] + 1], dates[at], lengths[at], at == len(met) - 1) for at in ends]
    assert list(history.spells(condition).itertuples(index=False, name=None)) == expected


def test_crossings_changes_and_drawdowns_by_hand():
    found = history.crossings(series([1, -1, 0, 2, NAN, 3, -1]))
    assert [np.flatnonzero(found[side]).tolist() for side in ("above", "below")] == [[3], [1, 6]]
    line = series([100, 110, -5])
    expected = {"percent": [NAN, 0.1, -115 / 110], "points": [NAN, 10, -115], "log": [NAN, np.log(1.1), NAN]}
    for kind, changes in expected.items():
        assert history.change(line, 1, kind).tolist() == pytest.approx(changes, nan_ok=True)
    assert np.isnan(history.change(series([0, 5]), 1).iloc[1])  # from nothing
    assert history.drawdown(series([100, 80, 120, 90])).tolist() == pytest.approx([0, -0.2, 0, -0.25])
    assert history.drawdown(series([100, 80, 60]), 2).tolist() == pytest.approx([0, -0.2, -0.25])


def falls_by_hand(prices, fall):
    """Walk through the prices once, in words of the definition; places of peak, trough and the day of the knowledge."""
    found, top, low, known = [], 0, None, 0
    for at, price in enumerate(prices):
        if low is None:
            top = at if price >= prices[top] else top
            low = known = at if price <= prices[top] * (1 - fall) else None
        else:
            low = at if price < prices[low] else low
            if price >= prices[low] * (1 + fall):
                found.append((top, low, known, False))
                top, low = at, None
    return found + ([(top, low, known, True)] if low is not None else [])


@given(st.lists(st.floats(1, 100), min_size=1, max_size=60), st.sampled_from([0.1, 0.2, 0.5]))
def test_falls_follow_their_definition(prices, fall):
    line = series(prices)
    found, by_hand = history.fall_episodes(line, fall), falls_by_hand(prices, fall)
    days = [tuple(line.index.get_indexer(found[name])) for name in ("peak", "trough", "known")]
    assert [*zip(*days, found["ongoing"], strict=True)] == by_hand
    np.testing.assert_allclose(found["depth"], [prices[low] / prices[top] - 1 for top, low, *_ in by_hand])
    assert found["sessions"].tolist() == [low - top for top, low, *_ in by_hand]
    assert (found["depth"] <= -fall + 1e-12).all()


def test_a_rolling_correlation_is_that_of_numpy():
    x, y = random_walk(60, seed=1), random_walk(60, seed=2)
    found = history.rolling_correlation(x, y, 5)
    expected = [NAN] * 4 + [np.corrcoef(x[at - 4 : at + 1], y[at - 4 : at + 1])[0, 1] for at in range(4, 60)]
    assert found.tolist() == pytest.approx(expected, nan_ok=True)
    assert history.rolling_correlation(x, pd.Series(1.0, index=x.index), 5).isna().all()
    assert history.rolling_correlation(x[:5], y, 5).isna().tolist() == [True] * 4 + [False]
    assert history.rolling_correlation(x[:4], y, 5).isna().tolist() == [True] * 4


def test_breakouts_are_held_against_what_was_before():
    """Peaks fall by 1% each 60 sessions between flat stretches; a jump ends above the line through them and the highest."""
    at = np.arange(400)
    prices = 100 * np.exp(-0.0005 * at) * np.where(at % 60 == 30, 1.1, 1.0)
    found = history.breakouts(series([90.0, *prices, 150.0]), 400)
    first, logs = 30, np.log(prices)
    slope = max((logs[one] - logs[first]) / (one - first) for one in range(90, 390, 60))
    fit = np.poly1d(np.polyfit(at, logs, 1))
    deviation = np.sqrt(((logs - fit(at)) ** 2).sum() / 398)
    level = {
        "band": fit(400) + 2 * deviation,
        "falling peaks": logs[first] + slope * (400 - first),
        "highest": logs.max(),
    }
    assert found["level"].to_dict() == pytest.approx({name: np.exp(one) for name, one in level.items()})
    np.testing.assert_allclose(found["value"], 150 / found["level"] - 1)
    assert (found["value"] > 0).all()
    assert np.isnan(history.breakouts(series([*np.arange(1.0, 402)]), 400).loc["falling peaks", "level"])  # no peak
    with pytest.raises(ValueError, match="needs more than 400"):
        history.breakouts(series([*prices]), 400)


@pytest.mark.parametrize(
    "taken",
    [
        lambda one: history.change(one, 5), history.records, lambda one: history.spell_lengths(one > 100),
        lambda one: history.age(one > 100), history.drawdown, lambda one: history.crossings(one, 100.0)["above"],
    ],
)  # fmt: skip
def test_nothing_looks_ahead(taken):
    line = random_walk(120, seed=3)
    for cut in range(50, 90):
        pd.testing.assert_series_equal(taken(line).iloc[:cut], taken(line.iloc[:cut]), check_names=False)
