"""Regressions against statsmodels and brute force; means and bootstraps by simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats import regression
from research_lib.stats.estimate import LEVEL
from research_lib.stats.regression import cosine_mean, ols, rolling_beta

Floats = NDArray[np.float64]
LIMIT = 3 * np.sqrt(LEVEL * (1 - LEVEL) / 1000)  # three Monte Carlo errors of 1,000 samples


def sample(seed: int, n: int = 120, effect: float = 0.3) -> tuple["pd.Series[float]", pd.DataFrame]:
    """Draw a regression whose errors grow with its first driver."""
    rng = np.random.default_rng(seed)
    drivers = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"]).assign(
        b=lambda frame: frame["b"] + 0.5 * frame["a"]
    )
    return effect * drivers["b"] + rng.normal(size=n) * (0.5 + drivers["a"].abs()), drivers


def test_a_cross_section_has_the_error_of_statsmodels() -> None:
    y, drivers = sample(0)
    found = ols(y, drivers, "HC3")
    fit = sm.OLS(y, sm.add_constant(drivers)).fit(cov_type="HC3", use_t=True)
    np.testing.assert_allclose(found["value"], fit.params, rtol=1e-9)
    np.testing.assert_allclose(found["p"], fit.pvalues, rtol=1e-7)
    np.testing.assert_allclose(found[["low", "high"]], fit.conf_int(), rtol=1e-9)
    assert found["r_squared"].iloc[0] == pytest.approx(fit.rsquared)
    assert list(found.index) == ["constant", "a", "b"]


def test_only_rows_with_all_values_count() -> None:
    y, drivers = sample(1)
    gaps = drivers.copy()
    gaps.iloc[:10, 0] = np.nan
    pd.testing.assert_frame_equal(ols(y, gaps, "wild"), ols(y.iloc[10:], drivers.iloc[10:], "wild"))


def test_what_cannot_be_regressed_is_said() -> None:
    y, drivers = sample(2)
    with pytest.raises(InsufficientDataError, match="20 periods have all of a, b; 30 are needed"):
        ols(y.iloc[:20], drivers, "wild")
    with pytest.raises(InsufficientDataError, match="does not vary, or follows from the others"):
        ols(y, drivers.assign(c=drivers["a"] - 2 * drivers["b"]), "wild")
    with pytest.raises(InsufficientDataError, match="no residual"):
        ols(drivers["a"] + 3, drivers, "HC3")


def brute_wild(y: Floats, x: Floats, column: int, null: float, *, draws: int, seed: int) -> float:
    """Do the restricted wild bootstrap-t as it is written in textbooks: refit each draw."""

    def t_value(target: Floats) -> float:
        fit = sm.OLS(target, x).fit(cov_type="HC1")
        return abs(float((fit.params[column] - null) / fit.bse[column]))

    others = np.delete(x, column, axis=1)
    restricted = others @ np.linalg.lstsq(others, y - null * x[:, column], rcond=None)[0] + null * x[:, column]
    signs = np.random.default_rng(seed).integers(0, 2, size=(len(y), draws), dtype=np.int8) * 2.0 - 1
    drawn = [t_value(restricted + (y - restricted) * signs[:, draw]) for draw in range(draws)]
    return (1 + sum(one >= t_value(y) for one in drawn)) / (1 + draws)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_wild_bootstrap_by_refitting(monkeypatch: pytest.MonkeyPatch, column: int) -> None:
    monkeypatch.setattr(regression, "DRAWS", 99)
    y, drivers = sample(3, n=60)
    found = ols(y, drivers, "wild", seed=5).iloc[column]
    known = np.column_stack([np.ones(60), drivers])
    assert found["p"] == pytest.approx(brute_wild(y.to_numpy(), known, column, 0.0, draws=99, seed=5))
    for null, rejected in ((found["low"] - 1e-6, True), (found["low"] + 1e-6, False), (found["high"] + 1e-6, True)):
        p = brute_wild(y.to_numpy(), known, column, null, draws=99, seed=5)
        assert (p <= LEVEL) is rejected


def test_wild_bootstrap_keeps_its_size_where_volatility_moves_with_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "DRAWS", 199)
    monkeypatch.setattr(regression, "BISECTIONS", 8)
    wild, plain, missed, samples = 0, 0, 0, 500
    for seed in range(samples):
        y, drivers = sample(seed + 10, n=50, effect=0.0)
        found = ols(y, drivers, "wild", seed=seed).loc["a"]
        wild += found["p"] <= LEVEL
        missed += not found["low"] <= 0 <= found["high"]
        plain += sm.OLS(y, sm.add_constant(drivers)).fit().pvalues["a"] <= LEVEL
    limit = 3 * np.sqrt(LEVEL * (1 - LEVEL) / samples)
    assert wild / samples == pytest.approx(LEVEL, abs=limit)
    assert missed / samples == pytest.approx(LEVEL, abs=limit)
    assert plain / samples > 0.15  # what it is for


def test_cosine_mean_written_out() -> None:
    x = np.random.default_rng(4).normal(0.3, 1, 90)
    found = cosine_mean(np.append(x, np.nan))
    count = round(0.41 * 90 ** (2 / 3))
    parts = [
        np.sqrt(2 / 90) * sum(x[t] * np.cos(np.pi * j * (t + 0.5) / 90) for t in range(90)) for j in range(1, count + 1)
    ]
    error = np.sqrt(np.mean(np.square(parts)) / 90)
    from scipy import stats

    assert (found.value, found.n) == (pytest.approx(x.mean()), 90)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(x.mean()) / error, count))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, count) * error)


@pytest.mark.parametrize(("months", "memory"), [(24, 0.0), (60, 0.0), (60, 0.2), (240, 0.2)])
def test_cosine_mean_keeps_its_size(months: int, memory: float) -> None:
    rng, rejected = np.random.default_rng(5), 0
    for _ in range(1000):
        noise = rng.standard_t(5, size=months + 20)
        for t in range(1, len(noise)):
            noise[t] += memory * noise[t - 1]
        rejected += cosine_mean(noise[20:]).p <= LEVEL
    assert rejected / 1000 == pytest.approx(LEVEL, abs=LIMIT + 0.01 * (memory > 0))


def test_a_mean_of_few_months_is_refused() -> None:
    with pytest.raises(InsufficientDataError, match="needs 24 months; there are 23"):
        cosine_mean(np.arange(23.0))
    assert np.isnan(cosine_mean(np.full(30, 0.0)).p)


def test_rolling_beta_sees_only_the_past() -> None:
    rng = np.random.default_rng(6)
    market = rng.normal(size=300)
    returns = 1.3 * market + rng.normal(size=300)
    found = rolling_beta(returns, market, periods=60)
    for at in (59, 150, 299):
        assert found[at] == pytest.approx(np.polyfit(market[at - 59 : at + 1], returns[at - 59 : at + 1], 1)[0])
    assert np.isnan(found[:59]).all()
    later = returns.copy()
    later[200:] = 9.0
    np.testing.assert_allclose(rolling_beta(later, market, periods=60)[:200], found[:200])
