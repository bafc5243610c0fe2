"""Study 03 against the published record, against loops, on both sides, and where the data cannot say."""

from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy.stats import norm

from research_lib.data import DataSet
from research_lib.stats.sigma import scan
from research_lib.studies.record_sigma import MOVES, RecordSigma
from research_lib.studies.study import Missing
from tests.conftest import random_walk, write_prices
from tests.studies.reports import SAID, check_summary, said_by


def study_of(close, benchmark=None, **values):
    """Return the study of prices that no source has."""
    columns = {"OWN": close} | ({} if benchmark is None else {"OTHER": benchmark})
    study = RecordSigma.from_params(**{"asset": "OWN", "benchmark": "" if benchmark is None else "OTHER"} | values)
    vars(study)["prices"] = DataSet(pd.DataFrame(columns), ())
    return study


@pytest.fixture(scope="module")
def study():
    return study_of(random_walk(3000, seed=11), random_walk(3000, seed=12), threshold=2.2)


def test_the_published_record(shared_data):
    folder, assets = {"source": "folder", "data_dir": str(shared_data)}, {"asset": "RUT", "benchmark": "GSPC"}
    study = RecordSigma.from_params(**folder, **assets, as_of="2024-07-16")
    summary, known = study.show.summary, SAID["published"]["record_sigma"]
    found = {one.name: one.value for one in study.findings.findings}
    assert summary.headline == "The Russell 2000's 4.4σ gap was a record. No signal shown."
    assert (summary.verdict, summary.numbers[1][0]) == ("holds", "2 of 7")
    assert "the highest of 9,235 sessions since 1987" in summary.standfirst
    assert summary.numbers[2] == ("1 in 37 years", "peaks of 4.4σ or beyond; the data cannot say how rare")
    assert (found["peak_date"], found["trough_date"]) == ("2024-07-16", "2020-02-27")
    assert (found["return_period_years"], round(found["return_period_shortest"], 1)) == (None, 62.8)  # to 700, or never
    rare = study.thresholds  # what numbers worked out another way give
    assert list(rare["n"]) == [115, 76, 37, 12]
    np.testing.assert_allclose(rare["value"], [696, 196, 110, 63], rtol=0.01)
    np.testing.assert_allclose(rare["without"].iloc[[0, 2, 3]], [np.inf, 729, 189], rtol=0.01)
    assert {name: found[name] for name in known} == pytest.approx(known, rel=1e-11)


def test_a_record_is_one_on_either_side():
    high, day = RecordSigma.from_params(benchmark="", as_of="1984-08-03"), {"benchmark": "", "as_of": "1987-10-19"}
    low, rises = RecordSigma.from_params(**day, threshold=-2.5), RecordSigma.from_params(**day)
    assert [one.show.summary.headline for one in (high, low, rises)] == SAID["record_headlines"]
    assert (low.show.summary.verdict, low.day.lowest_rank) == ("holds", 1)
    assert "the lowest of" in low.show.summary.standfirst
    assert (low.episodes["peak"] < -2.5).all()
    assert low.largest.iloc[0]["peak_date"] == pd.Timestamp("1987-10-19")
    known, excess = low.records.iloc[0], high.findings["forward_excess_21"]
    assert known[["highest", "lowest"]].tolist() == pytest.approx([4.06, -5.52], abs=0.005)
    assert known["highest_date"] == pd.Timestamp("1984-08-03") < known["lowest_date"] == pd.Timestamp("1987-10-19")
    error = (excess.high - excess.low) / (2 * norm.ppf(0.975))
    effect = error * (norm.ppf(0.975) + norm.ppf(0.8))  # which would be found four times in five
    assert f"less than {100 * effect:.1f} pp" in high.show.summary.limits[2]


def test_moves_count_episodes_and_sessions(study):
    """Two rises of 20% far apart, and one of 10% at the end: of 1-session moves fourth, in three episodes."""
    daily = np.full(300, 0.0)
    daily[[50, 52, 200]], daily[-1] = 0.2, 0.1
    close = pd.Series(100 * np.cumprod(1 + daily), pd.bdate_range("2000-01-03", periods=300, name="date"))
    for prices, end in ((close, "highest"), (1 / close, "lowest")):
        moves = study_of(prices).moves
        assert moves.loc[0, ["horizon", "rank", "n", "episode_rank", "end"]].tolist() == [1, 4, 299, 3, end]
    own, other, less = study.prices["OWN"], study.prices["OTHER"], study.relative_moves
    expected = [own.iloc[-1] / own.iloc[-1 - k] - other.iloc[-1] / other.iloc[-1 - k] for k in MOVES]
    np.testing.assert_allclose(less["value"], expected, atol=1e-12)


def test_nothing_after_as_of_is_used(tmp_path):
    close, found = random_walk(900, seed=4), []
    last = close.index[600]
    values = {"source": "folder", "data_dir": str(tmp_path), "asset": "OWN", "benchmark": "", "as_of": last.date()}
    for later in (1.0, 3.0):
        write_prices(tmp_path, "OWN", close.where(close.index <= last, close * later))
        study = RecordSigma.from_params(**values, threshold=2.0)
        found.append((study.findings.findings, study.show.summary))
    assert found[0] == found[1]


LONG, WALK = random_walk(900, seed=2), random_walk(400, seed=1)
FLAT = pd.Series(100.0, WALK.index, name="OWN")
CLOSES = {
    "flat": FLAT, "one": FLAT[:1], "stopped": WALK.where(np.arange(400) < 300).ffill(),
    "monthly": WALK.set_axis(pd.date_range("1990-01-31", periods=400, freq="ME", name="date")).rename("OWN"),
    "long": LONG, "short": LONG[:200], "shorter": LONG[:60],
}  # fmt: skip


@pytest.mark.parametrize(("close", "values", "said"), SAID["record_sigma"])
def test_where_the_data_cannot_say_words_do(close, values, said):
    study = study_of(CLOSES[close], **values)
    assert said in said_by(study)
    if "never" in said:
        assert study.findings["forward_mean_21"].value is None
        assert said in str(study.show.what_followed)


def test_a_benchmark_that_ends_earlier_and_a_source_without_companies_are_said_and_the_rest_stands():
    study = study_of(LONG, LONG[:700] * 1.5)
    assert str(study.show.relative_moves).endswith(f"OTHER has no price on {LONG.index[-1]:%Y-%m-%d}")
    assert said_by(study).startswith("finding: OWN's")
    early = study_of(LONG, as_of="1960-01-01")
    assert all(isinstance(early.show(name), Missing) for name in ("breadth", "at_record"))
    assert not early.cards_of("panel")


def test_episodes_whose_window_is_not_over_are_counted_out_and_said(study):
    short = study_of(study.close[: study.close.index.get_loc(study.episodes["start"].iloc[-1]) + 5], threshold=2.2)
    n = len(short.episodes)
    assert short.after.set_index("horizon").loc[21, "n"] == n - 1
    assert f"After {n - 1} earlier episodes above 2.2σ its" in short.show.summary.standfirst


def test_too_few_episodes_have_no_interval_and_no_return_period():
    study = study_of(random_walk(700, seed=3), threshold=3.2)
    (number, label), summary = study.show.summary.numbers[2], study.show.summary
    assert 0 < len(study.episodes) < 5
    assert (number, "too few episodes" in label, "signal" in summary.headline) == ("–", True, False)
    assert "too few" in str(study.show.return_levels)
    assert study.signal.startswith("Too few episodes")


@settings(max_examples=25)
@given(st.integers(60, 1500), st.integers(0, 10_000), st.sampled_from([2.0, 2.5, -2.0, -2.5]), st.integers(10, 60))
def test_a_summary_is_short_and_without_codes(sessions, seed, threshold, window):
    study = study_of(random_walk(sessions + window, seed=seed), threshold=threshold, window=window)
    check_summary(study.show.summary)
    assert len(study.show.summary.numbers) == 4


def test_a_return_period_that_thresholds_agree_on_is_a_number():
    """A level that episodes reach every few years; the range over thresholds stands beside it."""
    study = study_of(random_walk(12_000, seed=8), threshold=2.0)
    vars(study)["level"] = 2.4
    (number, label, sentence), found = study.how_often, study.return_period
    assert found.low <= found.value <= found.high < 10 * found.low
    assert (number.endswith(" years"), "by other thresholds" in label) == (True, True)
    assert sentence.startswith("Peaks of 2.4σ come about every")


@pytest.mark.parametrize("side", [1, -1])
def test_companies_at_a_record_and_breadth(study, side):
    """Forty random walks, one of which ends at a record, and one with too short a history for a record."""
    prices = pd.concat([random_walk(500, seed=100 + i, name=f"C{i}") for i in range(40)], axis=1)
    prices.iloc[-1, [7, 9]] = prices.iloc[-2, [7, 9]] * 1.5
    prices.iloc[:400, 9] = np.nan
    fresh, sigma = study_of(study.close, threshold=2.0 * side), scan(prices)
    vars(fresh)["panel"] = SimpleNamespace(values=prices, still_quoted_share=1.0)
    found, old = fresh.at_record.set_index("company")["end"], sigma.drop(columns="C9")
    assert set(found.index) == {*old.columns[(old.iloc[-1] == old.max()) | (old.iloc[-1] == old.min())]}
    assert found["C7"] == "highest"
    assert fresh.breadth.data["share"].iloc[-1] == pytest.approx((side * sigma.iloc[-1].dropna() > 2.0).mean())


@pytest.mark.parametrize(("ranks", "of", "make"), [([2, np.nan, 3], "0 of 1", "make"), ([7, 4, 1], "1 of 2", "makes")])
def test_other_definitions_than_the_headlines_are_counted_in_words(ranks, of, make):
    study = RecordSigma.from_params()
    vars(study)["definitions"] = pd.DataFrame({"definition": [study.words, "b", "c"], "rank": ranks})
    assert study.on_definitions == (of, f"other definitions {make} it a record")
