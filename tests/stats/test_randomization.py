"""Sign flips against full enumeration, scipy and simulation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import LEVEL
from research_lib.stats.randomization import season_less_rest, sign_flip, sign_flip_difference, smallest_detectable

SAMPLES = st.integers(1, 9).flatmap(lambda n: arrays(np.float64, n, elements=st.floats(-5, 5, width=16)))


def enumerate_signs(values, groups, center=0.0):
    """Count every pattern of signs of the groups one by one."""
    labels, apart = sorted(set(groups)), np.asarray(values) - center
    observed, count = abs(apart.mean()), 0
    for signs in product((1, -1), repeat=len(labels)):
        flip = dict(zip(labels, signs, strict=True))
        count += abs(np.mean([flip[g] * v for g, v in zip(groups, apart, strict=True)])) >= observed - 1e-9
    return count / 2 ** len(labels)


@given(SAMPLES, st.floats(-2, 2, width=16))
def test_p_is_full_enumeration(values, center):
    found = sign_flip(values, center=center)
    assert found.p == pytest.approx(enumerate_signs(values, range(len(values)), center))
    assert (found.value, found.n, found.base) == (pytest.approx(values.mean()), len(values), center)
    assert found.p_smallest == pytest.approx(2 / 2 ** len(values))


def test_p_is_that_of_scipy():
    values = np.random.default_rng(1).normal(0.4, 1, 9)
    other = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(values).p == pytest.approx(other.pvalue)


def test_groups_are_flipped_as_one():
    values, groups = np.random.default_rng(3).normal(0.5, 1, 12), [4, 4, 4, 7, 7, 1, 1, 1, 1, 2, 9, 9]
    found = sign_flip(values, groups=groups)
    assert (found.n, found.p) == (5, pytest.approx(enumerate_signs(values, groups)))
    assert found.value == pytest.approx(values.mean())
    five = sign_flip(np.full(5, 7.0))  # no interval, and never a rejection at 5%
    assert five.p == five.p_smallest == pytest.approx(2 / 2**5)
    assert not five.has_interval
    for bad in ([], [1.0, np.nan]):
        with pytest.raises(InsufficientDataError, match="at least one outcome"):
            sign_flip(bad)


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 2, 3, 4, 5, 6, 7, 7], [0, 0, 1, 1, 2, 2, 3, 3, 4, 5]])
def test_interval_holds_exactly_what_the_test_does_not_reject(groups):
    values = np.random.default_rng(8).normal(1, 2, 10)
    found = sign_flip(values, groups=groups)
    for inside, outside in ((found.low + 1e-7, found.low - 1e-7), (found.high - 1e-7, found.high + 1e-7)):
        assert sign_flip(values, groups=groups, center=inside).p > LEVEL
        assert sign_flip(values, groups=groups, center=outside).p <= LEVEL


def test_more_than_twenty_groups_are_flipped_at_random_and_repeatably():
    values = np.random.default_rng(5).normal(0.35, 1, 40)
    found = sign_flip(values, seed=1)
    assert found == sign_flip(values, seed=1) != sign_flip(values, seed=2)
    assert (found.p, found.p_smallest) == (pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01), 1 / 10_000)
    reach = 1.96 * values.std(ddof=1) / np.sqrt(40)
    assert (found.low, found.high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.05)
    assert sign_flip(values[:20], seed=1) == sign_flip(values[:20], seed=2)  # twenty are enumerated


def test_size_and_coverage():
    """Eight outcomes with fat tails and very different spreads: 12 of 256 patterns, 4.7%, reject."""
    samples, rng = 3000, np.random.default_rng(0)
    found = [sign_flip(rng.standard_t(4, 8) * [1, 1, 1, 1, 2, 3, 5, 8]) for _ in range(samples)]
    rejected = np.mean([one.p <= LEVEL for one in found])
    assert rejected == pytest.approx(12 / 256, abs=3 * np.sqrt(0.047 * 0.953 / samples))
    assert np.mean([not one.low <= 0 <= one.high for one in found]) == rejected


def test_cuts_of_one_cycle_must_be_flipped_as_one():
    """Several cuts a cycle, each judged over twelve overlapping months: single flips reject far too often."""
    rng, events = np.random.default_rng(1), np.add.outer(np.arange(20, 500, 60), [0, 2, 5, 9]).ravel()
    outcomes = [np.convolve(rng.normal(size=551), np.ones(12), mode="valid")[events] for _ in range(1500)]
    by_cycle = np.mean([sign_flip(one, groups=np.repeat(np.arange(8), 4)).p <= LEVEL for one in outcomes])
    singly = np.mean([sign_flip(one).p <= LEVEL for one in outcomes[:100]])
    assert by_cycle == pytest.approx(12 / 256, abs=3 * np.sqrt(0.05 * 0.95 / 1500))
    assert singly > 0.2


def test_difference_of_regimes_by_enumeration():
    state = np.repeat([0, 1, 2, 0, 1, 0, 1], [5, 9, 4, 7, 3, 6, 8])
    values = np.random.default_rng(4).normal(size=len(state))
    found = sign_flip_difference(values, state == 0, state == 1)
    assert found.value == pytest.approx(values[state == 0].mean() - values[state == 1].mean())
    assert (found.n, found.base) == (6, pytest.approx(values[state == 1].mean()))
    used = state != 2
    x, own = values[used] - values[used].mean(), np.where(state[used] == 0, 1 / 18, -1 / 20)
    parts, sizes = np.split(own, np.cumsum([5, 9, 7, 3, 6])), []
    for signs in product((1, -1), repeat=6):
        flipped = np.concatenate([sign * part for sign, part in zip(signs, parts, strict=True)])
        residual = flipped - flipped.mean()  # what an estimated mean leaves of the weights
        sizes.append(abs(flipped @ x) / np.sqrt(residual @ residual))
    assert found.p == pytest.approx(np.mean(np.array(sizes) >= sizes[0] - 1e-9))
    with pytest.raises(InsufficientDataError, match="a period of each"):
        sign_flip_difference(values, state == 0, state == 3)


def test_difference_of_regimes_keeps_its_size_and_covers():
    rng, rejected, missed, samples = np.random.default_rng(6), 0, 0, 1000
    for _ in range(samples):  # spells of 30 to 90 periods, each in another state than the one before
        state = np.repeat(np.cumsum(rng.integers(1, 3, size=800)) % 3, rng.integers(30, 90, size=800))[:800]
        values = rng.normal(size=800) * np.repeat(np.exp(rng.normal(0, 0.7, 40)), 20)  # volatility in clusters
        found = sign_flip_difference(values + 0.5 * (state == 0), state == 0, state == 1)
        missed += not found.low <= 0.5 <= found.high
        rejected += sign_flip_difference(values, state == 0, state == 1).p <= LEVEL
    assert (rejected / samples, missed / samples) == pytest.approx((0.05, 0.05), abs=3 * np.sqrt(0.0475 / samples))


def test_season_is_compared_with_the_rest_of_its_year():
    years, month = np.repeat(np.arange(1990, 2000), 12), np.tile(np.arange(1, 13), 10)
    values = np.random.default_rng(2).normal(size=120) + 0.1 * (years - 1990)  # a trend over years drops out
    found = season_less_rest(values, month >= 10, years)
    by_year = values.reshape(10, 12)
    rest = by_year[:, :9].mean(axis=1)
    apart = by_year[:, 9:].mean(axis=1) - rest
    assert (found.value, found.n, found.base) == (pytest.approx(apart.mean()), 10, pytest.approx(rest.mean()))
    assert found.p == pytest.approx(enumerate_signs(apart, range(10)))
    begun = season_less_rest(values[:114], month[:114] >= 10, years[:114])  # the last year has no season yet
    assert (begun.value, begun.n) == (pytest.approx(apart[:-1].mean()), 9)
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
