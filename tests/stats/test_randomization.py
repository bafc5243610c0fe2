"""Sign flips against full enumeration, scipy and simulation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from research_lib.errors import InsufficientDataError
from research_lib.stats.randomization import (
    LEVEL,
    season_less_rest,
    sign_flip,
    sign_flip_difference,
    smallest_detectable,
)

Floats = NDArray[np.float64]
SAMPLES = st.integers(1, 9).flatmap(lambda n: arrays(np.float64, n, elements=st.floats(-5, 5, width=16)))


def enumerate_signs(values: Floats, groups: list[int], center: float = 0.0) -> float:
    """Count every pattern of signs of the groups one by one."""
    labels = sorted(set(groups))
    apart = values - center
    observed, count = abs(apart.mean()), 0
    for signs in product((1, -1), repeat=len(labels)):
        flip = dict(zip(labels, signs, strict=True))
        count += abs(np.mean([flip[g] * v for g, v in zip(groups, apart, strict=True)])) >= observed - 1e-9
    return count / 2 ** len(labels)


@given(SAMPLES, st.floats(-2, 2, width=16))
def test_p_is_full_enumeration(values: Floats, center: float) -> None:
    found = sign_flip(values, center=center)
    assert found.p == pytest.approx(enumerate_signs(values, list(range(len(values))), center))
    assert (found.value, found.n, found.base) == (pytest.approx(values.mean()), len(values), center)
    assert found.p_smallest == pytest.approx(2 / 2 ** len(values))


def test_p_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).normal(0.4, 1, 9)
    other = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(values).p == pytest.approx(other.pvalue)


def test_groups_are_flipped_as_one() -> None:
    values, groups = np.random.default_rng(3).normal(0.5, 1, 12), [4, 4, 4, 7, 7, 1, 1, 1, 1, 2, 9, 9]
    found = sign_flip(values, groups=groups)
    assert (found.n, found.p) == (5, pytest.approx(enumerate_signs(values, groups)))
    assert found.value == pytest.approx(values.mean())


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 2, 3, 4, 5, 6, 7, 7]])
def test_interval_holds_exactly_what_the_test_does_not_reject(groups: list[int] | None) -> None:
    values = np.random.default_rng(8).normal(1, 2, 10)
    found = sign_flip(values, groups=groups)
    for inside, outside in ((found.low + 1e-7, found.low - 1e-7), (found.high - 1e-7, found.high + 1e-7)):
        assert sign_flip(values, groups=groups, center=inside).p > LEVEL
        assert sign_flip(values, groups=groups, center=outside).p <= LEVEL


def test_five_groups_have_no_interval_and_never_reject() -> None:
    found = sign_flip(np.full(5, 7.0))
    assert found.p == found.p_smallest == pytest.approx(2 / 2**5)
    assert np.isnan([found.low, found.high]).all()


def test_more_than_twenty_groups_are_flipped_at_random_and_repeatably() -> None:
    values = np.random.default_rng(5).normal(0.35, 1, 40)
    found = sign_flip(values, seed=1)
    assert found == sign_flip(values, seed=1) != sign_flip(values, seed=2)
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    reach = 1.96 * values.std(ddof=1) / np.sqrt(40)
    assert (found.low, found.high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.05)


@pytest.mark.parametrize("bad", [[], [1.0, np.nan]])
def test_gaps_are_refused(bad: list[float]) -> None:
    with pytest.raises(InsufficientDataError, match="at least one outcome"):
        sign_flip(bad)


def test_size_and_coverage() -> None:
    """Eight outcomes with fat tails and very different spreads: 12 of 256 patterns, 4.7%, reject."""
    samples, rng = 3000, np.random.default_rng(0)
    spreads = np.array([1, 1, 1, 1, 2, 3, 5, 8])
    found = [sign_flip(rng.standard_t(4, 8) * spreads) for _ in range(samples)]
    rejected = np.mean([one.p <= LEVEL for one in found])
    assert rejected == pytest.approx(12 / 256, abs=3 * np.sqrt(0.047 * 0.953 / samples))
    assert np.mean([not one.low <= 0 <= one.high for one in found]) == rejected


def test_cuts_of_one_cycle_must_be_flipped_as_one() -> None:
    """Several cuts a cycle, each judged over twelve overlapping months: single flips reject far too often."""
    rng, starts = np.random.default_rng(1), np.arange(20, 500, 60)
    events = np.concatenate([start + np.array([0, 2, 5, 9]) for start in starts])
    outcomes = [np.convolve(rng.normal(size=551), np.ones(12), mode="valid")[events] for _ in range(1500)]
    by_cycle = np.mean([sign_flip(one, groups=np.repeat(np.arange(8), 4)).p <= LEVEL for one in outcomes])
    singly = np.mean([sign_flip(one).p <= LEVEL for one in outcomes[:100]])
    assert by_cycle == pytest.approx(12 / 256, abs=3 * np.sqrt(0.05 * 0.95 / 1500))
    assert singly > 0.2


def spells(rng: np.random.Generator, periods: int, states: int = 3) -> NDArray[np.int64]:
    """Make spells of 30 to 90 periods, each in another state than the one before."""
    lengths = rng.integers(30, 90, size=periods)
    labels = np.cumsum(rng.integers(1, states, size=periods)) % states
    return np.repeat(labels, lengths)[:periods]


def test_difference_of_regimes_by_enumeration() -> None:
    rng = np.random.default_rng(4)
    state = np.repeat([0, 1, 2, 0, 1, 0, 1], [5, 9, 4, 7, 3, 6, 8])
    values = rng.normal(size=len(state))
    found = sign_flip_difference(values, state == 0, state == 1)
    assert found.value == pytest.approx(values[state == 0].mean() - values[state == 1].mean())
    assert (found.n, found.base) == (6, pytest.approx(values[state == 1].mean()))
    used = state != 2
    x, own = values[used] - values[used].mean(), np.where(state[used] == 0, 1 / 18, -1 / 20)
    bounds, counted, observed = np.array([5, 9, 7, 3, 6, 8]).cumsum()[:-1], 0, None
    for signs in product((1, -1), repeat=6):
        flipped = np.concatenate([s * part for s, part in zip(signs, np.split(own, bounds), strict=True)])
        residual = flipped - flipped.mean()  # what an estimated mean leaves of the weights
        size = abs(flipped @ x) / np.sqrt(residual @ residual)
        observed = size if observed is None else observed
        counted += size >= observed - 1e-9
    assert found.p == pytest.approx(counted / 64)


def test_difference_of_regimes_keeps_its_size_and_covers() -> None:
    rng, rejected, missed, samples = np.random.default_rng(6), 0, 0, 1000
    for _ in range(samples):
        state = spells(rng, 800)
        values = rng.normal(size=800) * np.repeat(np.exp(rng.normal(0, 0.7, 40)), 20)  # volatility in clusters
        found = sign_flip_difference(values + 0.5 * (state == 0), state == 0, state == 1)
        missed += not found.low <= 0.5 <= found.high
        rejected += sign_flip_difference(values, state == 0, state == 1).p <= LEVEL
    assert rejected / samples == pytest.approx(LEVEL, abs=3 * np.sqrt(0.05 * 0.95 / samples))
    assert missed / samples == pytest.approx(LEVEL, abs=3 * np.sqrt(0.05 * 0.95 / samples))


def test_difference_needs_both_regimes() -> None:
    with pytest.raises(InsufficientDataError, match="a period of each"):
        sign_flip_difference(np.ones(4), np.ones(4, dtype=bool), np.zeros(4, dtype=bool))


def test_season_is_compared_with_the_rest_of_its_year() -> None:
    years, month = np.repeat(np.arange(1990, 2000), 12), np.tile(np.arange(1, 13), 10)
    values = np.random.default_rng(2).normal(size=120) + 0.1 * (years - 1990)  # a trend over years drops out
    found = season_less_rest(values, month >= 10, years)
    apart = [
        values[(years == year) & (month >= 10)].mean() - values[(years == year) & (month < 10)].mean()
        for year in np.unique(years)
    ]
    assert (found.value, found.n) == (pytest.approx(np.mean(apart)), 10)
    assert found.p == pytest.approx(enumerate_signs(np.array(apart), list(range(10))))
    assert found.base == pytest.approx(np.mean([values[(years == y) & (month < 10)].mean() for y in np.unique(years)]))
    with pytest.raises(InsufficientDataError, match="no year has both"):
        season_less_rest(values[:3], month[:3] >= 1, years[:3])


def test_smallest_detectable_is_found_four_times_in_five() -> None:
    outcomes = np.random.default_rng(6).normal(0.01, 0.06, 900)
    effect = smallest_detectable(outcomes, 8, seed=3)
    rng = np.random.default_rng(7)
    found = [sign_flip(rng.choice(outcomes - outcomes.mean(), 8) + effect).p <= LEVEL for _ in range(1500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)
    with pytest.raises(InsufficientDataError, match="5 events never"):
        smallest_detectable(outcomes, 5)
