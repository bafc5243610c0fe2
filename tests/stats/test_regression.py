"""Regressions against statsmodels and refitting; means by their formula."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from research_lib.errors import InsufficientDataError
from research_lib.stats import regression
from research_lib.stats.estimate import LEVEL
from research_lib.stats.regression import cosine_mean, ols


def sample(seed, n=120):
    """Draw a regression whose errors grow with its first driver."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 2)).T
    drivers = pd.DataFrame({"a": a, "b": b + 0.5 * a})
    return 0.3 * drivers["b"] + rng.normal(size=n) * (0.5 + np.abs(a)), drivers


def test_a_cross_section_has_the_error_of_statsmodels():
    y, drivers = sample(0)
    found = ols(y, drivers, "HC3")
    fit = sm.OLS(y, sm.add_constant(drivers)).fit(cov_type="HC3", use_t=True)
    expected = fit.conf_int().set_axis(["low", "high"], axis=1).assign(value=fit.params, p=fit.pvalues, n=120)
    expected = expected.rename({"const": "constant"}).rename_axis("driver")
    pd.testing.assert_frame_equal(found, expected[found.columns], rtol=1e-7)


def test_rows_with_gaps_are_left_out_and_what_cannot_be_regressed_is_said():
    y, drivers = sample(2)
    gaps = drivers.assign(a=drivers["a"].where(np.arange(120) >= 10))
    pd.testing.assert_frame_equal(ols(y, gaps, "wild"), ols(y.iloc[10:], drivers.iloc[10:], "wild"))
    for message, target, known in (
        ("29 periods have all of a, b; 30 are needed", y.iloc[:29], drivers),
        ("does not vary, or follows from the others", y, drivers.assign(c=drivers["a"] - 2 * drivers["b"])),
        ("no residual", drivers["a"] + 3, drivers),
    ):
        with pytest.raises(InsufficientDataError, match=message):
            ols(target, known, "HC3")


@pytest.mark.parametrize("column", [0, 1, 2])
def test_wild_bootstrap_by_refitting(monkeypatch, column):
    """The restricted wild bootstrap-t as it is written in textbooks: each draw is fitted anew."""
    monkeypatch.setattr(regression, "DRAWS", 99)
    y, drivers = sample(3, n=60)
    found, x, y = ols(y, drivers, "wild", seed=5).iloc[column], np.column_stack([np.ones(60), drivers]), y.to_numpy()
    others, ones_or_zeros = np.delete(x, column, axis=1), np.random.default_rng(5).integers(0, 2, (60, 99), np.int8)
    signs = np.column_stack([np.ones(60), 2.0 * ones_or_zeros - 1])  # the observed ones first

    def p_of(null):
        target = y - null * x[:, column]
        restricted = others @ np.linalg.lstsq(others, target, rcond=None)[0]
        fits = [sm.OLS(one, x).fit(cov_type="HC1") for one in restricted + (target - restricted) * signs.T]
        t = np.abs([fit.params[column] / fit.bse[column] for fit in fits])
        return np.mean(t >= t[0])

    assert p_of(0.0) == pytest.approx(found["p"])
    around = [p_of(null) <= LEVEL for null in (found["low"] - 1e-6, found["low"] + 1e-6, found["high"] + 1e-6)]
    assert around == [True, False, True]


def test_cosine_mean_written_out():
    x = np.random.default_rng(4).normal(0.3, 1, 90)
    found, count = cosine_mean(np.append(x, np.nan)), round(0.41 * 90 ** (2 / 3))
    at = np.arange(90) + 0.5
    parts = [np.sqrt(2 / 90) * sum(x * np.cos(np.pi * j * at / 90)) for j in range(1, count + 1)]
    error = np.sqrt(np.mean(np.square(parts)) / 90)
    low, high = stats.t.interval(0.95, count, x.mean(), error)
    p = 2 * stats.t.sf(abs(x.mean()) / error, count)
    assert (found.value, found.n, found.low, found.high, found.p) == pytest.approx((x.mean(), 90, low, high, p))
    with pytest.raises(InsufficientDataError, match="needs 24 months; there are 23"):
        cosine_mean(np.arange(23.0))
    assert np.isnan(cosine_mean(np.full(30, 0.0)).p)
