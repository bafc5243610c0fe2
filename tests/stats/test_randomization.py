"""Sign flips against full enumeration, scipy and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL
from research_lib.stats.randomization import season_less_rest, sign_flip, sign_flip_difference, smallest_detectable
from tests.stats.reference import patterns

TEN = np.random.default_rng(8).normal(1, 2, 10)


def by_enumeration(values, groups=None):
    """Count the patterns of signs of the groups that leave a mean as far from zero as the observed one."""
    member = np.unique(np.arange(len(values)) if groups is None else groups, return_inverse=True)[1]
    apart = patterns(member.max() + 1)[:, member] @ np.asarray(values)
    return np.mean(np.abs(apart) >= abs(apart[0]) - 1e-9)


@given(st.lists(st.floats(-5, 5, width=16), min_size=1, max_size=9))
def test_p_is_full_enumeration(values):
    found = sign_flip(values)
    assert (found.value, found.n, found.base) == pytest.approx((np.mean(values), len(values), 0))
    assert (found.p, found.p_smallest) == pytest.approx((by_enumeration(values), 2 / 2 ** len(values)))


@pytest.mark.parametrize("groups", [[*range(10)], [8, 8, 1, 2, 3, 4, 5, 6, 7, 7], [0, 0, 1, 1, 2, 2, 3, 3, 4, 5]])
def test_groups_are_flipped_as_one_and_the_interval_holds_what_the_test_does_not_reject(groups):
    found = sign_flip(TEN, groups=groups)
    assert (found.value, found.n, found.p) == pytest.approx((TEN.mean(), len(set(groups)), by_enumeration(TEN, groups)))
    for end, inward in ((found.low, 1e-7), (found.high, -1e-7)):
        assert by_enumeration(TEN - end - inward, groups) > LEVEL >= by_enumeration(TEN - end + inward, groups)


def test_five_never_reject_and_have_no_interval():
    five = sign_flip(np.full(5, 7.0))
    assert (five.p, five.p_smallest, np.isnan(five.low)) == (2 / 2**5, 2 / 2**5, True)
    for bad in ([], [1.0, np.nan]):
        with pytest.raises(InsufficientDataError, match="at least one outcome"):
            sign_flip(bad)


def test_more_than_twenty_groups_are_flipped_at_random_and_repeatably():
    values = np.random.default_rng(5).normal(0.35, 1, 40)
    found, t_test = sign_flip(values, seed=1), stats.ttest_1samp(values, 0)
    assert found == sign_flip(values, seed=1) != sign_flip(values, seed=2)
    assert (found.p, found.p_smallest) == (pytest.approx(t_test.pvalue, abs=0.01), 1 / 10_000)
    assert (found.low, found.high) == pytest.approx(t_test.confidence_interval(), abs=0.05)
    assert sign_flip(values[:20], seed=1) == sign_flip(values[:20], seed=2)  # twenty are enumerated


def test_difference_of_regimes_by_enumeration():
    state = np.repeat([0, 1, 2, 0, 1, 0, 1], [5, 9, 4, 7, 3, 6, 8])
    values = np.random.default_rng(4).normal(size=len(state))
    found = sign_flip_difference(values, state == 0, state == 1)
    first, second, used = values[state == 0].mean(), values[state == 1].mean(), state != 2
    assert (found.value, found.n, found.base) == pytest.approx((first - second, 6, second))
    flipped = np.repeat(patterns(6), [5, 9, 7, 3, 6, 8], axis=1) * np.where(state[used] == 0, 1 / 18, -1 / 20)
    residual = flipped - flipped.mean(axis=1, keepdims=True)  # what an estimated mean leaves of the weights
    sizes = np.abs(flipped @ (values[used] - values[used].mean())) / np.linalg.norm(residual, axis=1)
    assert found.p == pytest.approx(np.mean(sizes >= sizes[0] - 1e-9))
    with pytest.raises(InsufficientDataError, match="a period of each"):
        sign_flip_difference(values, state == 0, state == 3)


def test_season_is_compared_with_the_rest_of_its_year():
    years, month = np.repeat(np.arange(1990, 2000), 12), np.tile(np.arange(1, 13), 10)
    values = np.random.default_rng(2).normal(size=120) + 0.1 * (years - 1990)  # a trend over years drops out
    found = season_less_rest(values, month >= 10, years)
    rest, season = (3 * part.mean(axis=1) for part in np.split(values.reshape(10, 12), [9], axis=1))  # of three months
    expected = (season - rest).mean(), 10, rest.mean(), by_enumeration(season - rest)
    assert (found.value, found.n, found.base, found.p) == pytest.approx(expected)
    begun = season_less_rest(values[:114], month[:114] >= 10, years[:114])  # the last year has no season yet
    assert (begun.value, begun.n) == pytest.approx(((season - rest)[:-1].mean(), 9))
    with pytest.raises(InsufficientDataError, match="no year has both"):
        season_less_rest(values[:3], month[:3] >= 1, years[:3])


def test_smallest_detectable_is_found_four_times_in_five():
    outcomes = np.random.default_rng(6).normal(0.01, 0.06, 900)
    effect, rng = smallest_detectable(outcomes, 8, seed=3), np.random.default_rng(7)
    found = [sign_flip(rng.choice(outcomes - outcomes.mean(), 8) + effect).p <= LEVEL for _ in range(1500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)
    with pytest.raises(InsufficientDataError, match="5 events never"):
        smallest_detectable(outcomes, 5)
    assert smallest_detectable(outcomes, 6) > effect
