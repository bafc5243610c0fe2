"""Each method drawn many times where the truth is known: 5 in 100 reject, and 5 in 100 intervals miss."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from research_lib.stats import regression
from research_lib.stats.bootstrap import ratio_of_sums
from research_lib.stats.estimate import LEVEL
from research_lib.stats.event_study import event_dummy
from research_lib.stats.randomization import sign_flip, sign_flip_difference
from research_lib.stats.regression import cosine_mean, ols
from tests.validity.measure import misses

OF_EIGHT = 12 / 256  # of the patterns of eight signs reject
TURMOIL = np.add.outer(np.arange(100, 1200, 250), np.arange(40)).ravel()
EBITDA = np.random.default_rng(4).lognormal(0, 1.2, 20_000) - 0.3  # with the heavy tails of real companies
FIRMS = np.column_stack([np.random.default_rng(5).normal(2.5, 2, 20_000) * EBITDA, EBITDA])


def outcomes_of_very_different_spreads(rng):
    found = sign_flip(rng.standard_t(4, 8) * [1, 1, 1, 1, 2, 3, 5, 8])
    return found.p <= LEVEL, misses(found)


def cuts(rng):
    """Draw the twelve overlapping months after four cuts in each of eight cycles."""
    after = np.add.outer(np.arange(20, 500, 60), [0, 2, 5, 9]).ravel()
    return np.convolve(rng.normal(size=551), np.ones(12), mode="valid")[after]


def cuts_flipped_by_cycle(rng):
    return sign_flip(cuts(rng), groups=np.repeat(np.arange(8), 4)).p <= LEVEL


def regimes(rng):
    """Draw spells of 20 to 60 periods, each in another state than the one before, and volatility in clusters."""
    state = np.repeat(np.cumsum(rng.integers(1, 3, size=800)) % 3, rng.integers(20, 60, size=800))[:800]
    values = rng.normal(size=800) * np.repeat(np.exp(rng.normal(0, 0.7, 40)), 20)
    apart = sign_flip_difference(values + 0.5 * (state == 0), state == 0, state == 1)
    return sign_flip_difference(values, state == 0, state == 1).p <= LEVEL, misses(apart, 0.5)


def events_in_turmoil(rng):
    """Events stand where volatility is three times the usual: placing them elsewhere would reject far too often."""
    returns = rng.normal(size=1200) * np.where(np.isin(np.arange(1200), TURMOIL), 0.03, 0.01)
    return [event_dummy(returns, TURMOIL[::18], horizon).p <= LEVEL for horizon in (1, 5, 21)]


def errors_that_grow_with_the_driver(rng):
    a, b = rng.normal(size=(2, 50))
    y = pd.Series(rng.normal(size=50) * (0.5 + np.abs(a)))
    found = ols(y, pd.DataFrame({"a": a, "b": b + 0.5 * a}), "wild", seed=int(rng.integers(2**31))).loc["a"]
    return found["p"] <= LEVEL, misses(found)


def months(rng):
    """Draw months of which each holds a fifth of the one before, and months that hold nothing of it."""
    drawn = [lfilter([1], [1, -0.2], rng.standard_t(5, size=n + 20))[20:] for n in (60, 240)]
    return [cosine_mean(one).p <= LEVEL for one in (*drawn, rng.standard_t(5, size=24), rng.standard_t(5, size=60))]


def samples_of_firms(rng):
    found = ratio_of_sums(rng.choice(FIRMS, 400), draws=300, seed=int(rng.integers(2**31)))
    return misses(found, FIRMS[:, 0].sum() / EBITDA.sum())


DRAWN = [  # what is drawn, how often, and the true size
    (outcomes_of_very_different_spreads, 3000, OF_EIGHT),
    (cuts_flipped_by_cycle, 1500, OF_EIGHT),
    (regimes, 1000, LEVEL),
    (events_in_turmoil, 600, LEVEL),
    (errors_that_grow_with_the_driver, 500, LEVEL),
    (months, 1000, [LEVEL + 0.01] * 2 + [LEVEL] * 2),  # so few months do not show all of their memory
    (samples_of_firms, 300, LEVEL),
]


@pytest.mark.parametrize(("draw", "samples", "size"), DRAWN, ids=lambda one: getattr(one, "__name__", ""))
def test_a_method_keeps_its_size(monkeypatch, draw, samples, size):
    monkeypatch.setattr(regression, "BISECTIONS", 12)  # of an end: quicker, and near enough
    rng = np.random.default_rng(0)
    shares = np.mean([draw(rng) for _ in range(samples)], axis=0)
    assert (np.abs(shares - size) <= 3.5 * np.sqrt(LEVEL * (1 - LEVEL) / samples)).all()


def test_cuts_of_one_cycle_must_be_flipped_as_one():
    rng = np.random.default_rng(1)
    assert np.mean([sign_flip(cuts(rng)).p <= LEVEL for _ in range(100)]) > 0.2
