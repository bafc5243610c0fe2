"""Sign flips, permutations, blocks, overlap: each against a number worked out another way, and by simulation."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from research_lib.stats.inference import (
    Blocks,
    bootstrap_difference,
    bootstrap_mean,
    hodrick_regression,
    leave_one_out,
    permutation_test,
    placement_test,
    placement_tests,
    shift_test,
    sign_flip_power,
    sign_flip_test,
)

Floats = NDArray[np.float64]
LEVEL = 0.05


def monte_carlo_bound(samples: int, *, level: float = LEVEL, deviations: float = 3.0) -> float:
    return deviations * float(np.sqrt(level * (1 - level) / samples))


def overlapping(returns: Floats, horizon: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(returns[1:], horizon).sum(axis=1)


def enumerate_signs(values: Floats, groups: list[int]) -> float:
    """Count every sign pattern of the groups one by one."""
    labels = sorted(set(groups))
    observed, count = abs(values.mean()), 0
    for signs in product((1, -1), repeat=len(labels)):
        flip = dict(zip(labels, signs, strict=True))
        mean = np.mean([flip[group] * value for group, value in zip(groups, values, strict=True)])
        count += abs(mean) >= observed - 1e-12
    return count / 2 ** len(labels)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 11])
def test_sign_flip_is_full_enumeration(n: int) -> None:
    values = np.random.default_rng(n).normal(0.4, 1, n)
    result = sign_flip_test(values)
    assert result.p_value == pytest.approx(enumerate_signs(values, list(range(n))))
    assert result.p_smallest == pytest.approx(2 ** (1 - n))
    assert result.exact


def test_groups_are_flipped_as_one() -> None:
    values, groups = np.random.default_rng(3).normal(0.5, 1, 12), [4, 4, 4, 7, 7, 1, 1, 1, 1, 2, 9, 9]
    result = sign_flip_test(values, groups=groups)
    assert (result.n, result.n_groups) == (12, 5)
    assert result.p_value == pytest.approx(enumerate_signs(values, groups))


def test_a_zero_outcome_raises_the_smallest_p() -> None:
    assert sign_flip_test(np.array([0.0, 1.0, 2.0, 3.0])).p_smallest == pytest.approx(2 / 2**3)


def test_many_events_are_flipped_at_random_and_repeatably() -> None:
    values = np.random.default_rng(5).normal(0.35, 1, 21)
    result = sign_flip_test(values, seed=1)
    assert not result.exact
    assert result == sign_flip_test(values, seed=1)
    exact = sign_flip_test(values[:20])
    assert sign_flip_test(values[:20], groups=range(20)).p_value == exact.p_value
    normal = 2 * (1 - 0.5 * (1 + np.tanh(0)))  # two-sided p of a zero mean
    assert sign_flip_test(values - values.mean(), seed=1).p_value == pytest.approx(normal, abs=0.01)
    assert result.p_smallest == pytest.approx(1e-4)


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 2, 3, 4, 5, 6, 7]])
def test_interval_holds_what_the_test_does_not_reject(groups: list[int] | None) -> None:
    values = np.random.default_rng(8).normal(1, 2, 9)
    result = sign_flip_test(values, groups=groups)
    step = 1e-9
    for inside, outside in ((result.low + step, result.low - step), (result.high - step, result.high + step)):
        assert sign_flip_test(values - inside, groups=groups).p_value > LEVEL
        assert sign_flip_test(values - outside, groups=groups).p_value <= LEVEL


def test_five_events_can_never_reject() -> None:
    result = sign_flip_test(np.full(5, 7.0))
    assert result.p_smallest > LEVEL
    assert (result.low, result.high) == (-np.inf, np.inf)


def test_size_of_sign_flip_and_interval() -> None:
    samples, rng = 2000, np.random.default_rng(0)
    results = [sign_flip_test(rng.standard_t(4, 8)) for _ in range(samples)]
    exact_level = 12 / 256  # the largest p-value up to 5% among multiples of 2/256
    rejected = np.mean([result.p_value <= LEVEL for result in results])
    missed = np.mean([not result.low <= 0 <= result.high for result in results])
    assert rejected == pytest.approx(exact_level, abs=monte_carlo_bound(samples))
    assert missed == rejected


def test_size_of_sign_flip_by_cycle_with_overlapping_years() -> None:
    """Several cuts a cycle, each judged over the next twelve months: single flips would reject far too often."""
    samples, horizon, rng = 1500, 12, np.random.default_rng(1)
    starts = np.arange(20, 500, 60)
    events = np.concatenate([start + np.array([0, 2, 5, 9]) for start in starts])
    cycles = np.repeat(np.arange(len(starts)), 4)
    by_cycle, singly = [], []
    for _ in range(samples):
        outcomes = overlapping(rng.normal(size=540), horizon)[events]
        by_cycle.append(sign_flip_test(outcomes, groups=cycles).p_value <= LEVEL)
        singly.append(sign_flip_test(outcomes, draws=199).p_value <= LEVEL) if len(singly) < 300 else None
    assert np.mean(by_cycle) == pytest.approx(12 / 256, abs=monte_carlo_bound(samples))
    assert np.mean(singly) > 0.2


def test_size_of_placement_with_overlapping_years() -> None:
    samples, rng = 1500, np.random.default_rng(2)
    events = np.array([3, 60, 61, 140, 210, 300, 380, 470])
    rejected = [placement_test(overlapping(rng.normal(size=600), 12), events).p_value <= LEVEL for _ in range(samples)]
    assert np.mean(rejected) == pytest.approx(LEVEL, abs=monte_carlo_bound(samples))


def test_placement_by_brute_force_and_in_batches() -> None:
    rng = np.random.default_rng(4)
    outcomes = rng.normal(size=(3, 97))
    event_sets = [np.array([0, 5, 5, 90]), np.array([11]), np.array([96, 2])]
    batch = placement_tests(outcomes, event_sets)
    for row, column in product(range(3), range(3)):
        x, events = outcomes[row], event_sets[column]
        shifted = np.array([x[(events + shift) % 97].mean() for shift in range(97)])
        p_value = np.mean(np.abs(shifted - x.mean()) >= abs(shifted[0] - x.mean()) - 1e-12)
        single = placement_test(x, events)
        assert batch.p_values[row, column] == pytest.approx(p_value) == pytest.approx(single.p_value)
        assert batch.means[row, column] == pytest.approx(single.mean)
        assert batch.z_values[row, column] == pytest.approx((shifted[0] - x.mean()) / shifted.std())
        assert batch.bases[row] == pytest.approx(single.base)


def test_power_of_a_planted_effect() -> None:
    """Eight cycles, 2% planted: counted a second time by a plain loop over samples."""
    outcomes = np.random.default_rng(6).normal(0.01, 0.06, 900)
    power = sign_flip_power(outcomes, n=8, effect=0.02, seed=3)
    rng, rejected, samples = np.random.default_rng(7), 0, 1500
    for _ in range(samples):
        drawn = rng.choice(outcomes, 8) - outcomes.mean() + 0.02
        rejected += sign_flip_test(drawn).p_value <= LEVEL
    apart = 3 * np.hypot(power.standard_error, np.sqrt(power.power * (1 - power.power) / samples))
    assert power.power == pytest.approx(rejected / samples, abs=apart)
    assert 0.05 < power.power < 0.3  # a third of a standard deviation is rarely found in eight
    assert sign_flip_power(outcomes, n=8, effect=0.12, seed=3).power > 0.98
    size = sign_flip_power(outcomes, n=8, effect=0.0, seed=3)
    assert size.power == pytest.approx(12 / 256, abs=3 * size.standard_error)
    with pytest.raises(ValueError, match="1 to 12 events, not 13"):
        sign_flip_power(outcomes, n=13, effect=0.02)


def test_leave_one_out_by_hand() -> None:
    values, groups = np.array([1.0, 2.0, 6.0, -5.0]), [3, 3, 8, 9]
    result = leave_one_out(values, groups=groups)
    assert (result.low, result.low_without) == (pytest.approx(-2 / 3), 8)
    assert (result.high, result.high_without) == (pytest.approx(3.0), 9)
    assert np.isnan(leave_one_out(values, groups=[1] * 4).low)


def test_permutation_by_hand_and_by_scipy() -> None:
    from scipy import stats

    rng = np.random.default_rng(9)
    values, first = rng.normal(size=9), np.array([1, 0, 1, 1, 0, 0, 0, 1, 0], dtype=bool)
    result = permutation_test(values, first)
    deals = [np.isin(np.arange(9), deal) for deal in combinations(range(9), 4)]
    apart = np.array([abs(values[deal].mean() - values[~deal].mean()) for deal in deals])
    assert result.p_value == pytest.approx(np.mean(apart >= abs(result.difference) - 1e-12))
    assert result.p_smallest == pytest.approx(np.mean(apart >= apart.max() - 1e-12))
    other = stats.permutation_test(
        (values[first], values[~first]),
        lambda a, b: abs(a.mean() - b.mean()),
        alternative="greater",
        n_resamples=np.inf,
    )
    assert result.p_value == pytest.approx(other.pvalue)


def test_permutation_of_many_is_random_and_near_scipy() -> None:
    from scipy import stats

    rng = np.random.default_rng(10)
    values, first = rng.normal(size=40), np.arange(40) < 15
    values[first] += 0.5
    welch = stats.ttest_ind(values[first], values[~first]).pvalue
    assert permutation_test(values, first, seed=2).p_value == pytest.approx(welch, abs=0.02)


def regimes(rng: np.random.Generator, periods: int) -> NDArray[np.bool_]:
    """Make spells of about 20 periods in the regime, 30 out of it."""
    spells = rng.geometric(1 / np.tile([20, 30], periods))
    return np.repeat(np.tile([True, False], periods), spells)[:periods]


@pytest.mark.parametrize(("method", "samples"), [("stationary", 1000), ("moving", 400)])
def test_bootstrap_covers_a_difference_of_regimes(method: str, samples: int) -> None:
    """White noise, where Welch's t-test is right: on the same samples the two must miss about equally often.

    Pairing takes the luck of the samples out: over 4,500 of them the interval misses 5.7%, and Welch 5.0%.
    """
    from scipy import stats

    rng, missed, welch = np.random.default_rng(12), 0, 0
    for sample in range(samples):
        values, first = rng.normal(size=400), regimes(rng, 400)
        blocks = Blocks(method=method, replications=199, seed=sample)
        result = bootstrap_difference(values + 0.3 * first, first, ~first, blocks=blocks)
        missed += not result.low <= 0.3 <= result.high
        welch += stats.ttest_ind(values[first], values[~first], equal_var=False).pvalue <= LEVEL
    assert missed / samples == pytest.approx(welch / samples, abs=0.02)
    assert missed / samples == pytest.approx(LEVEL, abs=monte_carlo_bound(samples))


def test_bootstrap_of_a_white_mean_is_the_textbook_interval() -> None:
    values = np.random.default_rng(12).normal(0.2, 1, 2000)
    result = bootstrap_mean(values, blocks=Blocks(length=1))
    reach = 1.96 * values.std(ddof=1) / np.sqrt(2000)
    assert result.mean == pytest.approx(values.mean())
    assert (result.low, result.high) == pytest.approx((values.mean() - reach, values.mean() + reach), rel=0.1)


def test_bootstrap_of_a_dependent_mean_is_wider_by_its_long_run_variance() -> None:
    noise = np.random.default_rng(13).normal(size=4000)
    values = noise[4:] + noise[3:-1] + noise[2:-2] + noise[1:-3] + noise[:-4]  # long-run sd 5, sd sqrt(5)
    result = bootstrap_mean(values, blocks=Blocks(method="moving", length=40, replications=999))
    assert (result.high - result.low) / 2 == pytest.approx(1.96 * 5 / np.sqrt(len(values)), rel=0.15)


def resampled_by_arch(method: str, arrays: tuple[NDArray[np.float64], ...], blocks: Blocks) -> float:
    """Return how far the interval reaches by arch's resampling; the mean and its error are Welch's."""
    from arch.bootstrap import MovingBlockBootstrap, StationaryBootstrap

    def mean_and_error(values: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = values[first > 0], values[first == 0]
        return np.array([parts[0].mean() - parts[1].mean(), np.sqrt(sum(x.var(ddof=1) / len(x) for x in parts))])

    sampler = {"moving": MovingBlockBootstrap, "stationary": StationaryBootstrap}[method]
    means, errors = sampler(blocks.length, *arrays, seed=blocks.seed).apply(mean_and_error, blocks.replications).T
    mean, error = mean_and_error(*arrays)
    return float(error * np.quantile(np.abs(means - mean) / errors, 0.95, method="weibull"))


@pytest.mark.parametrize(("method", "replications", "within"), [("moving", 499, 1e-9), ("stationary", 9999, 0.04)])
@pytest.mark.parametrize("length", [1, 7])
def test_bootstrap_agrees_with_arch(method: str, replications: int, within: float, length: int) -> None:
    """Blocks of a fixed length are drawn in the same order as arch draws them, so that even the draws are the same."""
    rng = np.random.default_rng(16)
    values, first = 5 + rng.normal(size=203), regimes(rng, 203)
    blocks = Blocks(method=method, length=length, replications=replications)
    result = bootstrap_difference(values, first, ~first, blocks=blocks)
    expected = resampled_by_arch(method, (values, first.astype(np.float64)), blocks)
    assert (result.high - result.low) / 2 == pytest.approx(expected, rel=within)


def test_a_resample_of_one_period_again_and_again_has_no_spread() -> None:
    """Of four periods a resample often holds one alone, whose spread is nothing but rounding: no error to divide by."""
    values = np.random.default_rng(0).normal(0.1, 1 / 7, 80)
    few = np.isin(np.arange(80), [10, 30, 50, 70])
    blocks = Blocks(method="moving", length=4, replications=499)
    result = bootstrap_mean(values, few, blocks=blocks)

    def mean_and_error(x: NDArray[np.float64], member: NDArray[np.float64]) -> NDArray[np.float64]:
        chosen = x[member > 0]
        several = len(set(chosen)) > 1
        return np.array([chosen.mean(), chosen.std(ddof=1) / np.sqrt(len(chosen))] if several else [0.0, 0.0])

    from arch.bootstrap import MovingBlockBootstrap

    means, errors = MovingBlockBootstrap(4, values, few.astype(float), seed=0).apply(mean_and_error, 499).T
    mean, error = mean_and_error(values, few.astype(float))
    spread = errors > 0
    assert result.replications == spread.sum() < 480
    reach = error * np.quantile(np.abs(means - mean)[spread] / errors[spread], 0.95, method="weibull")
    assert (result.high - result.low) / 2 == pytest.approx(reach, rel=1e-9)


def test_bootstrap_is_repeatable_and_says_what_is_wrong() -> None:
    values, first = np.random.default_rng(14).normal(size=100), np.arange(100) < 40
    assert bootstrap_difference(values, first, ~first) == bootstrap_difference(values, first, ~first)
    with pytest.raises(ValueError, match="unknown method circle; known: stationary, moving"):
        bootstrap_mean(values, blocks=Blocks(method="circle"))
    with pytest.raises(ValueError, match="fewer than two periods"):
        bootstrap_mean(values, np.arange(100) < 1)


def test_shift_test_by_brute_force() -> None:
    rng = np.random.default_rng(15)
    values, first = rng.normal(size=80), regimes(rng, 80)
    second = ~first & (np.arange(80) % 3 > 0)
    apart = [values[np.roll(first, shift)].mean() - values[np.roll(second, shift)].mean() for shift in range(80)]
    assert shift_test(values, first, second) == pytest.approx(np.mean(np.abs(apart) >= abs(apart[0]) - 1e-12))


def test_size_of_shift_test_with_dependent_values() -> None:
    samples, rng, rejected = 1000, np.random.default_rng(16), 0
    for _ in range(samples):
        noise = rng.normal(size=411)
        values = np.convolve(noise, np.ones(12), mode="valid")  # as dependent as returns over a year
        first = regimes(rng, 400)
        rejected += shift_test(values, first, ~first) <= LEVEL
    assert rejected / samples == pytest.approx(LEVEL, abs=monte_carlo_bound(samples))


def brute_hodrick(returns: Floats, regressors: Floats, horizon: int) -> tuple[Floats, Floats]:
    """Write Hodrick's 1B out as loops over time."""
    periods, count = regressors.shape
    ahead = np.array([returns[t + 1 : t + 1 + horizon].sum() for t in range(periods - horizon)])
    known = regressors[: periods - horizon]
    beta = np.linalg.lstsq(known, ahead, rcond=None)[0]
    meat, used = np.zeros((count, count)), 0
    for t in range(horizon - 1, periods - 1):
        score = (returns[t + 1] - returns.mean()) * sum(regressors[t - i] for i in range(horizon))
        meat, used = meat + np.outer(score, score), used + 1
    moments = sum(np.outer(x, x) for x in known) / len(known)
    covariance = np.linalg.solve(moments, np.linalg.solve(moments, meat / used).T) / len(known)
    return beta, np.sqrt(np.diag(covariance))


@pytest.mark.parametrize("horizon", [1, 3, 12])
def test_hodrick_written_out(horizon: int) -> None:
    rng = np.random.default_rng(17)
    x = np.column_stack([np.ones(120), rng.normal(size=120), rng.random(120)])
    returns = rng.normal(size=120)
    result = hodrick_regression(returns, x, horizon=horizon)
    beta, errors = brute_hodrick(returns, x, horizon)
    assert result.coefficients == pytest.approx(beta)
    assert result.standard_errors == pytest.approx(errors)
    with pytest.raises(ValueError, match="20 periods are too few for a horizon of 12"):
        hodrick_regression(returns[:20], x[:20], horizon=12)


def newey_west_rejects(returns: Floats, x: Floats, horizon: int) -> bool:
    import statsmodels.api as sm

    y = overlapping(returns, horizon)
    fit = sm.OLS(y, x[: len(y)]).fit(cov_type="HAC", cov_kwds={"maxlags": horizon})
    return bool(fit.pvalues[1] <= LEVEL)


def test_size_of_hodrick_where_newey_west_fails() -> None:
    """Twelve-month overlap and 240 months; the regressor is as persistent as a yield."""
    samples, horizon, rng = 1000, 12, np.random.default_rng(18)
    hodrick, newey_west = 0, []
    for sample in range(samples):
        returns, shocks = rng.normal(size=(2, 240))
        x = np.zeros(240)
        for t in range(1, 240):
            x[t] = 0.9 * x[t - 1] + shocks[t]
        x = np.column_stack([np.ones(240), x])
        hodrick += hodrick_regression(returns, x, horizon=horizon).p_values[1] <= LEVEL
        if sample < 250:
            newey_west.append(newey_west_rejects(returns, x, horizon))
    assert hodrick / samples == pytest.approx(LEVEL, abs=monte_carlo_bound(samples))
    assert np.mean(newey_west) > 0.09


def test_size_of_hodrick_for_nine_events() -> None:
    samples, rng, rejected = 1000, np.random.default_rng(19), 0
    for _ in range(samples):
        x = np.zeros(500)
        x[rng.choice(500, 9, replace=False)] = 1.0
        fit = hodrick_regression(rng.normal(size=500), np.column_stack([np.ones(500), x]), horizon=12)
        rejected += fit.p_values[1] <= LEVEL
    assert rejected / samples == pytest.approx(LEVEL, abs=monte_carlo_bound(samples))
