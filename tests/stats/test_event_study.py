import numpy as np
import pandas as pd
import pytest

from research_lib.stats.event_study import (
    Events,
    Legs,
    Measure,
    Window,
    adjust_for_horizons,
    as_table,
    event_paths,
    study_window,
    window_outcomes,
)
from research_lib.stats.inference import placement_test, sign_flip_test

PERIODS = 300


@pytest.fixture(scope="module")
def legs() -> Legs:
    rng = np.random.default_rng(0)
    index = pd.bdate_range("2000-01-03", periods=PERIODS, name="date")
    small, large = rng.normal(0.0005, 0.012, (2, PERIODS))
    return Legs(pd.Series(small, index), pd.Series(large, index))


def by_hand(legs: Legs, at: int, window: Window, measure: Measure) -> float:
    """Buy at one close and sell at another, on price levels; or add up the differences one by one."""
    first, last = at + window.first, at + window.last
    if first < 0 or last >= PERIODS:
        return np.nan
    if measure is Measure.CAR:
        return sum(legs.small.iloc[t] - legs.large.iloc[t] for t in range(first, last + 1))
    prices = [np.concatenate([[1.0], np.cumprod(1 + leg.to_numpy())]) for leg in (legs.small, legs.large)]
    gains = [price[last + 1] / price[first] - 1 for price in prices]
    return gains[0] - gains[1]


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize("window", [Window.after(5), Window.before(21), Window(-1, 1), Window(0, 0), Window.after(252)])
def test_outcomes_by_hand(legs: Legs, window: Window, measure: Measure) -> None:
    found = window_outcomes(legs, window, measure=measure)
    expected = [by_hand(legs, at, window, measure) for at in range(PERIODS)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_windows_before_and_after_leave_the_event_out(legs: Legs) -> None:
    event = 100
    shocked = legs.small.copy()
    shocked.iloc[event] += 0.5
    changed = Legs(shocked, legs.large)
    for window, moves in (
        (Window.before(5), False),
        (Window.after(5), False),
        (Window(-1, 1), True),
        (Window(0, 0), True),
    ):
        difference = window_outcomes(changed, window)[event] - window_outcomes(legs, window)[event]
        assert difference == pytest.approx(0.5 if moves else 0.0, abs=1e-12)


def test_a_window_result_is_put_together_from_its_tests(legs: Legs) -> None:
    events = Events(np.array([2, 40, 43, 120, -1, 200, 290]), np.array([0, 1, 1, 2, 3, 4, 5]))
    window = Window.after(21)
    outcomes = window_outcomes(legs, window)
    result = study_window(outcomes, window, events)
    inside = np.array([2, 40, 43, 120, 200])
    values = outcomes[inside]
    assert (result.n, result.n_left_out) == (5, 2)
    np.testing.assert_array_equal(result.outcomes, values)
    assert (result.mean, result.median) == (pytest.approx(values.mean()), pytest.approx(np.median(values)))
    assert result.positive_share == np.mean(values > 0)
    assert result.p_sign_flip == sign_flip_test(values, groups=[0, 1, 1, 2, 4]).p_value
    assert result.p_sign_flip_smallest == pytest.approx(2 / 2**4)
    placed = placement_test(outcomes[: PERIODS - 21], inside)
    assert (result.p_placement, result.base) == (placed.p_value, placed.base)
    without = [values[np.array([0, 1, 1, 2, 4]) != cycle].mean() for cycle in (0, 1, 2, 4)]
    assert (result.without_one_low, result.without_one_high) == (
        pytest.approx(min(without)),
        pytest.approx(max(without)),
    )


def test_windows_before_are_placed_in_the_periods_that_they_cover(legs: Legs) -> None:
    window, events = Window.before(63), Events(np.array([70, 150, 299]), np.arange(3))
    outcomes = window_outcomes(legs, window)
    result = study_window(outcomes, window, events)
    placed = placement_test(outcomes[63:], np.array([7, 87, 236]))
    assert (result.p_placement, result.mean) == (placed.p_value, pytest.approx(placed.mean))


def test_a_leg_is_tested_against_all_periods(legs: Legs) -> None:
    window, events = Window.after(5), Events(np.array([10, 50, 90, 130, 170, 210]), np.arange(6))
    outcomes = window_outcomes(Legs(legs.small + 0.05), window)
    plain = study_window(outcomes, window, events)
    less_base = study_window(outcomes, window, events, less_base=True)
    assert plain.p_sign_flip == plain.p_sign_flip_smallest  # all up, as all periods are
    assert less_base.p_sign_flip == sign_flip_test(outcomes[events.positions] - less_base.base).p_value
    assert (less_base.low, less_base.high) == (pytest.approx(plain.low), pytest.approx(plain.high))


def test_without_events_all_is_missing(legs: Legs) -> None:
    window = Window.after(252)
    result = study_window(window_outcomes(legs, window), window, Events(np.array([-1, 200]), np.arange(2)))
    assert (result.n, result.n_left_out, len(result.outcomes)) == (0, 2, 0)
    assert np.isnan([result.mean, result.p_sign_flip, result.p_placement]).all()


def test_horizons_are_adjusted_by_holm(legs: Legs) -> None:
    events = Events(np.array([10, 50, 90, 130, 170]), np.arange(5))
    windows = [Window.after(periods) for periods in (1, 5, 21)]
    results = adjust_for_horizons([study_window(window_outcomes(legs, w), w, events) for w in windows])
    table = as_table(results)
    ordered = table["p_placement"].sort_values()
    by_hand = (ordered * [3, 2, 1]).cummax().clip(upper=1)
    pd.testing.assert_series_equal(table["p_placement_holm"], by_hand[table.index], check_names=False)
    assert list(table.index) == ["+1", "+1 to +5", "+1 to +21"]


@pytest.mark.parametrize("measure", list(Measure))
def test_paths_pass_through_the_windows_outcomes(legs: Legs, measure: Measure) -> None:
    positions = np.array([5, 100, -1, 295])
    paths = event_paths(legs, positions, before=21, after=21, measure=measure)
    assert paths.shape == (43, 3)
    assert list(paths.columns) == list(legs.index[[5, 100, 295]])
    np.testing.assert_allclose(paths.loc[0], 0, atol=1e-15)
    after = window_outcomes(legs, Window.after(21), measure=measure)
    np.testing.assert_allclose(paths.loc[21], after[[5, 100, 295]], atol=1e-12)
    assert paths.loc[-21].isna().tolist() == [True, False, False]
    if measure is Measure.CAR:
        to_close = window_outcomes(legs, Window(-20, 0))
        assert paths.loc[-21].iloc[1] == pytest.approx(-to_close[100])


def test_planted_effect_is_found_where_it_was_planted(legs: Legs) -> None:
    events = Events(np.arange(20, 280, 30), np.arange(9))
    small = legs.small.copy()
    for position in events.positions:
        small.iloc[position + 1 : position + 6] += 0.02
    results = {
        window: study_window(window_outcomes(Legs(small, legs.large), window), window, events)
        for window in (Window.before(5), Window.after(5))
    }
    assert results[Window.after(5)].p_sign_flip == pytest.approx(2 / 2**9)
    assert results[Window.after(5)].low > 0
    assert results[Window.before(5)].p_sign_flip > 0.05
