import ast
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.stats.inference import hodrick_regression
from research_lib.stats.regimes import (
    agreement,
    fit_markov,
    known_before,
    local_projections,
    newey_west_lags,
    rate_sensitivity,
    regime_difference,
    regime_means,
    rolling_sensitivity,
    sensitivity_by_regime,
    split_moves,
)

MONTHS = pd.date_range("1960-01-31", periods=600, freq="ME", name="date")


@pytest.fixture(scope="module")
def states() -> "pd.Series[str]":
    spells = np.random.default_rng(1).integers(5, 40, 200)
    labels = np.tile(["easing", "hold", "tightening", "hold"], 50)
    return pd.Series(np.repeat(labels, spells)[:600], MONTHS)


def test_the_state_of_a_period_was_known_before_it(states: "pd.Series[str]") -> None:
    before = known_before(states)
    assert pd.isna(before.iloc[0])
    assert (before.iloc[1:].to_numpy() == states.iloc[:-1].to_numpy()).all()


def test_planted_regime_means_are_found(states: "pd.Series[str]") -> None:
    planted = {"easing": 0.010, "hold": 0.0, "tightening": -0.008}
    returns = pd.Series(np.random.default_rng(2).normal(0, 0.01, 600), MONTHS) + states.map(planted)
    means = {mean.state: mean for mean in regime_means(returns, states)}
    assert {state: mean.n for state, mean in means.items()} == states.value_counts().to_dict()
    for state, value in planted.items():
        assert means[state].low < value < means[state].high
        assert means[state].mean == pytest.approx(returns[states == state].mean())
    found = regime_difference(returns, states, "easing", "tightening")
    assert found.low < 0.018 < found.high
    assert found.low > 0
    assert found.p_shift < 0.05
    assert found.p_smallest == pytest.approx(1 / 600)


def test_spells_are_counted_and_unknown_states_left_out() -> None:
    labels = pd.Series([None, "a", "a", "b", "a", "b", "b", "a", "c"], MONTHS[:9], dtype="str")
    means = regime_means(pd.Series(np.arange(9.0), MONTHS[:9]), labels)
    assert [(mean.state, mean.n, mean.spells) for mean in means] == [("a", 4, 3), ("b", 3, 2)]
    with pytest.raises(InsufficientDataError, match="regime c: 1 periods"):
        regime_difference(pd.Series(np.arange(9.0), MONTHS[:9]), labels, "a", "c")


def published(file: str, name: str) -> "pd.Series[float]":
    """Read a series that stands in statsmodels' own tests; importing them would need their pytest markers."""
    package = find_spec("statsmodels.tsa.regime_switching")
    assert package is not None
    assert package.origin is not None
    tree = ast.parse((Path(package.origin).parent / "tests" / file).read_text(encoding="utf-8"))
    values = next(
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    )
    return pd.Series(ast.literal_eval(values), dtype=float)


def test_markov_is_statas_federal_funds_example() -> None:
    """Stata, mswitch dr fedfunds: the table of its manual."""
    fit = fit_markov(published("test_markov_regression.py", "fedfunds"), switching_variance=False)
    assert fit.means == pytest.approx([3.70877, 9.556793], abs=5e-4)
    assert np.sqrt(fit.variances) == pytest.approx([2.107562] * 2, abs=5e-4)
    assert np.diag(fit.transition) == pytest.approx([0.9820939, 1 - 0.0503587], abs=5e-4)
    assert fit.log_likelihood == pytest.approx(-508.63592, abs=5e-4)


def test_markov_is_hamiltons_gnp() -> None:
    """Hamilton (1989), table 1, as recomputed by Kim and Nelson and by Stata's manual."""
    rgnp = published("test_markov_autoregression.py", "rgnp")
    fit = fit_markov(rgnp, switching_variance=False, order=4)
    assert fit.means == pytest.approx([-0.3588, 1.1635], abs=5e-4)
    assert np.diag(fit.transition) == pytest.approx([0.7547, 0.9041], abs=5e-4)
    assert fit.autoregression == pytest.approx([0.0135, -0.0575, -0.2470, -0.2129], abs=5e-4)
    assert np.sqrt(fit.variances[0]) == pytest.approx(0.7690, abs=5e-4)
    assert len(fit.filtered) == len(rgnp) - 4


def filter_by_hand(
    values: "np.ndarray", fit_means: "np.ndarray", variances: "np.ndarray", moves: "np.ndarray"
) -> "np.ndarray":
    """Hamilton's filter as a loop: predict, weigh by the density, normalise."""
    leaving = 1 - np.diag(moves)
    likely = np.array([leaving[1], leaving[0]]) / leaving.sum()
    found = []
    for value in values:
        density = np.exp(-((value - fit_means) ** 2) / 2 / variances) / np.sqrt(variances)
        likely = density * likely / (density * likely).sum()
        found.append(likely)
        likely = likely @ moves
    return np.array(found)


def test_filtered_probabilities_by_hand_and_planted_regimes() -> None:
    rng = np.random.default_rng(3)
    calm = np.repeat(np.tile([True, False], 10), 30)
    values = np.where(calm, rng.normal(0.01, 0.01, 600), rng.normal(-0.03, 0.03, 600))
    fit = fit_markov(pd.Series(values, MONTHS))
    by_hand = filter_by_hand(values, fit.means, fit.variances, fit.transition)
    np.testing.assert_allclose(fit.filtered.to_numpy(), by_hand, atol=1e-6)
    told = agreement(fit.filtered[1] > 0.5, pd.Series(calm, MONTHS))
    assert told.share > 0.9
    assert told.kappa > 0.8


def test_agreement_by_hand() -> None:
    first = pd.Series([True, True, False, False, True], MONTHS[:5])
    second = pd.Series([True, False, False, True, True, True], MONTHS[:6])
    found = agreement(first, second)
    assert (found.n, found.share) == (5, pytest.approx(0.6))
    assert found.by_chance == pytest.approx(0.6 * 0.6 + 0.4 * 0.4)
    assert found.kappa == pytest.approx((0.6 - 0.52) / 0.48)


@pytest.fixture(scope="module")
def drivers() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(rng.normal(0, [0.04, 0.002], (600, 2)), MONTHS, columns=["market", "d_dgs10"])


def newey_west_by_hand(y: "np.ndarray", x: "np.ndarray", lags: int) -> "np.ndarray":
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    scores = x * residuals[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (lags + 1)) * (cross + cross.T)
    bread = np.linalg.inv(x.T @ x)
    return np.sqrt(np.diag(bread @ meat @ bread) * len(y) / (len(y) - x.shape[1]))


def test_sensitivity_by_hand(drivers: pd.DataFrame) -> None:
    returns = 0.2 * drivers["market"] + np.random.default_rng(5).normal(0, 0.02, 600)
    found = rate_sensitivity(returns, drivers)
    assert (found.n, found.lags) == (600, newey_west_lags(600)) == (600, 5)
    x = np.column_stack([np.ones(600), drivers.to_numpy()])
    assert found.table["coefficient"].to_numpy() == pytest.approx(np.linalg.lstsq(x, returns, rcond=None)[0])
    assert found.table["standard_error"].to_numpy() == pytest.approx(newey_west_by_hand(returns.to_numpy(), x, 5))
    assert list(found.table.index) == ["constant", "market", "d_dgs10"]
    assert np.isnan(found.p_equal)
    assert rate_sensitivity(returns, drivers, lags=2).lags == 2


def test_up_and_down_moves_have_their_own_planted_betas(drivers: pd.DataFrame) -> None:
    noise = np.random.default_rng(6).normal(0, 0.002, 600)
    returns = 3 * drivers["d_dgs10"].clip(lower=0) - 2 * drivers["d_dgs10"].clip(upper=0) + noise
    found = rate_sensitivity(returns, drivers, split="d_dgs10")
    assert found.table.loc["d_dgs10_up", "coefficient"] == pytest.approx(3, abs=0.3)
    assert found.table.loc["d_dgs10_down", "coefficient"] == pytest.approx(-2, abs=0.3)
    assert found.p_equal < 0.001
    even = rate_sensitivity(2 * drivers["d_dgs10"] + noise, drivers, split="d_dgs10")
    assert even.p_equal > 0.01
    halves = split_moves(drivers, "d_dgs10")
    assert (halves["d_dgs10_up"] + halves["d_dgs10_down"]).equals(drivers["d_dgs10"])


def test_coefficients_by_regime_are_those_of_each_alone(drivers: pd.DataFrame, states: "pd.Series[str]") -> None:
    returns = drivers["market"] * states.map({"easing": 0.5, "hold": 0.0, "tightening": -0.5})
    returns = returns + np.random.default_rng(7).normal(0, 0.01, 600)
    found = sensitivity_by_regime(returns, drivers, states).table["coefficient"]
    for state in ("easing", "hold", "tightening"):
        inside = states == state
        alone = rate_sensitivity(returns[inside], drivers[inside]).table["coefficient"]
        assert found[[f"{name} [{state}]" for name in alone.index]].to_numpy() == pytest.approx(alone.to_numpy())


def test_rolling_betas_by_hand(drivers: pd.DataFrame) -> None:
    returns = pd.Series(np.random.default_rng(8).normal(0, 0.02, 600), MONTHS)
    rolling = rolling_sensitivity(returns, drivers, window=60)
    assert rolling.index[0] == MONTHS[59]
    last = rate_sensitivity(returns.iloc[-60:], drivers.iloc[-60:]).table["coefficient"]
    assert rolling.iloc[-1].to_numpy() == pytest.approx(last.to_numpy())
    until = rolling_sensitivity(returns[: MONTHS[300]], drivers, window=60)
    pd.testing.assert_frame_equal(rolling[: MONTHS[300]], until)  # nothing later is used
    with pytest.raises(InsufficientDataError, match="600 periods are fewer than the window of 700"):
        rolling_sensitivity(returns, drivers, window=700)


def test_too_few_periods_are_said(drivers: pd.DataFrame) -> None:
    with pytest.raises(InsufficientDataError, match="15 periods have all of market, d_dgs10"):
        rate_sensitivity(drivers["market"].iloc[:15], drivers)


def test_local_projections_find_a_planted_response() -> None:
    rng = np.random.default_rng(9)
    shock = pd.Series((rng.random(600) < 0.1).astype(float), MONTHS)
    noise = pd.Series(rng.normal(0, 0.02, 600), MONTHS)
    response = [0.01, 0.0, -0.01, 0.03]
    returns = noise + sum(size * shock.shift(lag, fill_value=0.0) for lag, size in enumerate(response, start=1))
    found = local_projections(returns, shock, [1, 2, 3, 4], controls=noise.to_frame("control"))
    for result, expected in zip(found, np.cumsum(response), strict=True):
        assert result.low < expected < result.high
    assert found[3].p_holm < 0.05
    x = np.column_stack([np.ones(600), shock, noise])
    by_hand = hodrick_regression(returns.to_numpy(), x, horizon=4)
    assert found[3].coefficient == pytest.approx(by_hand.coefficients[1])
    assert found[3].n == 596
