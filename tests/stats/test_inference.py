"""The placement test against brute force, and its size and power by simulation."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats
from statsmodels.stats.multitest import multipletests

from research_lib.stats.inference import holm, placement_means, placement_test


def brute_force(outcomes, events):
    """Shift the events by every number of sessions, one after the other."""
    sessions = len(outcomes)
    return [np.mean([outcomes[(event + shift) % sessions] for event in events]) for shift in range(sessions)]


@pytest.mark.parametrize("sessions", [50, 101, 128])  # even, prime, a power of two
@pytest.mark.parametrize("n", [1, 3, 20])
def test_placement_against_brute_force(sessions, n):
    rng = np.random.default_rng(sessions + n)
    outcomes, events = rng.normal(size=sessions), rng.choice(sessions, n, replace=False)
    means = brute_force(outcomes, events)
    np.testing.assert_allclose(placement_means(outcomes, events), means, atol=1e-12)
    found = placement_test(outcomes, events)
    apart = np.abs(np.array(means) - outcomes.mean())
    assert found.p_value == pytest.approx(np.mean(apart >= apart[0] - 1e-12))
    assert (found.n, found.p_smallest) == (n, 1 / sessions)
    assert found.mean == pytest.approx(means[0])
    assert found.base == pytest.approx(outcomes.mean())


def test_ties_count_against_the_events():
    """Outcomes of 0 and 1: rounding in the FFT must not break the ties in the events' favour."""
    outcomes = np.array([1.0, 0.0] * 50)
    assert placement_test(outcomes, [0]).p_value == 1.0
    assert placement_test(np.zeros(64), [3, 5]).p_value == 1.0


def test_interval_and_p_value_agree():
    """The interval leaves out the base rate where the test rejects, up to the asymmetry of its two tails."""
    rng = np.random.default_rng(7)
    outcomes = rng.normal(size=997)
    for shift in (0.0, 0.3, 0.6, 0.9):
        moved = outcomes.copy()
        events = np.arange(0, 997, 40)
        moved[events] += shift
        found = placement_test(moved, events)
        if abs(found.p_value - 0.05) > 0.02:
            assert (found.p_value < 0.05) == (not found.excess_low <= 0 <= found.excess_high)


def autocorrelated_trial(rng, horizon):
    """Overlapping forward sums of noise, and clustered events that know nothing of them."""
    noise = rng.normal(size=700 + horizon)
    outcomes = np.convolve(noise, np.ones(horizon), mode="valid")[:700]
    states = np.convolve(rng.normal(size=720), np.ones(20), mode="valid")[:700]
    events = np.flatnonzero(states > np.quantile(states, 0.97))
    return outcomes, events


@pytest.mark.parametrize("horizon", [1, 21])
def test_size_is_right_under_no_effect(horizon):
    """p-values are uniform: the share below each level is that level, within Monte Carlo error."""
    rng = np.random.default_rng(horizon)
    trials = 1500
    p_values = np.array([placement_test(*autocorrelated_trial(rng, horizon)).p_value for _ in range(trials)])
    for level in (0.05, 0.1, 0.5):
        error = 3.3 * np.sqrt(level * (1 - level) / trials)
        assert abs((p_values <= level).mean() - level) < error
    assert stats.kstest(p_values, "uniform").pvalue > 0.001


@pytest.mark.parametrize("horizon", [5, 60])
def test_interval_covers_a_constant_effect(horizon):
    """The excess of the events over all sessions, which hold the events too; with overlapping windows as well."""
    rng = np.random.default_rng(11)
    covered, trials, effect = 0, 600, 0.7
    for _ in range(trials):
        outcomes, events = autocorrelated_trial(rng, horizon)
        shifted = outcomes.copy()
        shifted[events] += effect
        found = placement_test(shifted, events)
        covered += found.excess_low <= effect * (1 - len(events) / 700) <= found.excess_high
    assert abs(covered / trials - 0.95) < 3.3 * np.sqrt(0.05 * 0.95 / trials) + 0.01


def test_a_planted_effect_is_found():
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(200):
        outcomes, events = rng.normal(size=800), rng.choice(800, 20, replace=False)
        outcomes[events] += 1.0  # 20 events, one standard deviation: t of about 4.5
        found += placement_test(outcomes, events).p_value < 0.05
    assert found / 200 > 0.95


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="no event"):
        placement_test(np.zeros(5), [])
    with pytest.raises(ValueError, match="without gaps"):
        placement_test(np.array([1.0, np.nan]), [0])


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(p_values):
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], atol=1e-15)


def test_holm_keeps_what_is_missing():
    adjusted = holm([0.01, np.nan, 0.03])
    assert adjusted[0] == pytest.approx(0.02)
    assert np.isnan(adjusted[1])
    assert np.isnan(holm([np.nan])).all()
