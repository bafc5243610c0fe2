"""The study as a whole: nothing from the future, the published figures, and what it says where it cannot say more."""

from datetime import date

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from research_lib.data import load_prices, open_source
from research_lib.errors import InsufficientDataError
from research_lib.findings.sigma import sigma_findings
from research_lib.names import SIGMA_NAMES
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies import sigma
from research_lib.studies.result import Unavailable
from tests.conftest import random_walk, write_prices

AS_OF = 700  # the session up to which the study may see


def everything(folder, as_of=None, threshold=1.5):
    """All that the notebook computes, as one comparable text."""
    prices = load_prices(open_source("folder", data_dir=str(folder)), ["ABC", "XYZ", "VOL"], as_of=as_of)
    close, benchmark = prices["ABC"], prices["XYZ"]
    options = SigmaSettings()
    episodes = sigma.study_episodes(
        sigma_path(close, "price_z", options), "price_z", threshold=threshold, cluster_gap_sessions=10, seed=0
    )
    outcomes = sigma.followed(close, episodes)
    day, moves = sigma.sigma_of_day(close, "price_z", options), sigma.moves(close, benchmark)
    results = [
        day,
        moves,
        sigma.records_across(prices.values, "price_z", options),
        sigma.streaks_of_day(close),
        (episodes.episodes, episodes.index, episodes.rarity),
        outcomes,
        sigma.followed_relative(close, episodes, benchmark),
        [(one.standing, one.share_positive) for one in sigma.spot_volatility(close, prices["VOL"])],
        str(sigma.trend_of_day(close, benchmark)),
        sigma.robustness(close, episodes, options),
        sigma_findings(prices.cards, day, moves=moves, episodes=episodes, outcomes=outcomes).as_record(),
    ]
    return "\n".join(map(repr, results))


def three_walks(sessions=760):
    return {name: random_walk(sessions, seed=seed, name=name) for seed, name in enumerate(["ABC", "XYZ", "VOL"], 20)}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    for name, close in three_walks().items():
        write_prices(folder, name, close)
    as_of = three_walks()["ABC"].index[AS_OF].date()
    return folder, as_of, everything(folder, as_of)


@settings(max_examples=15)
@given(st.data())
def test_nothing_after_as_of_changes_anything(known, tmp_path_factory, data):
    """Later prices are cut off, multiplied, removed or replaced by what would stop a run."""
    _, as_of, expected = known
    folder = tmp_path_factory.mktemp("altered")
    for name, close in three_walks().items():
        kept = AS_OF + 1 + data.draw(st.integers(0, 40))
        altered = close.iloc[:kept].copy()
        altered.iloc[AS_OF + 1 :] *= data.draw(st.floats(0.01, 100))
        path = write_prices(folder, name, altered)
        if data.draw(st.booleans()):
            with path.open("a", encoding="utf-8") as file:
                file.write("2025-01-02,abc\n2025-01-03,0\n2025-01-03,-1\n")
    assert everything(folder, as_of) == expected


def test_altering_a_value_before_as_of_changes_it(known, tmp_path):
    """The property above could not fail if nothing mattered."""
    _, as_of, expected = known
    for name, close in three_walks().items():
        altered = close.copy()
        altered.iloc[AS_OF] *= 1.0001
        write_prices(tmp_path, name, altered)
    assert everything(tmp_path, as_of) != expected


def test_as_of_between_sessions_is_the_session_before(known):
    folder, as_of, _ = known
    saturday = as_of + pd.Timedelta(days=(5 - as_of.weekday()) % 7)
    friday = saturday - pd.Timedelta(days=1)
    assert everything(folder, saturday) == everything(folder, friday)


def test_every_definition_is_in_the_table_of_the_day(walk):
    day = sigma.sigma_of_day(walk, "return_z", SigmaSettings())
    labels = [one.label for one in day.definitions]
    assert {one.name for one in day.definitions} == set(SIGMA_NAMES)
    assert {"distance_z, m 50", "distance_z, m 252", "return_z, k 1", "return_z, k 5"} <= set(labels)
    assert day.headline.label == "return_z, k 5"
    other = sigma.sigma_of_day(walk, "price_z", SigmaSettings(window_sessions=252))
    assert len({one.label for one in other.definitions}) == len(other.definitions) == 8
    assert day.limit == pytest.approx(49 / 50**0.5)


def test_ranks_across_assets_are_those_of_their_paths():
    prices = pd.concat([random_walk(600, seed=seed, name=f"A{seed}") for seed in range(3)], axis=1, sort=True)
    records = sigma.records_across(prices, "price_z", SigmaSettings())
    for record in records:
        path = sigma_path(prices[record.asset], "price_z")
        assert (record.record, record.record_date, record.n) == (path.max(), path.idxmax(), len(path))
    assert [record.record for record in records] == sorted((record.record for record in records), reverse=True)


def test_too_little_history_says_what_is_needed():
    short = random_walk(40, seed=1, name="ABC")
    with pytest.raises(InsufficientDataError, match=r"ABC: price_z over 50 sessions has no value .* session 40"):
        sigma.sigma_of_day(short, "price_z", SigmaSettings())
    with pytest.raises(InsufficientDataError, match="moves of ABC: 15 are known, at least 21 are needed"):
        sigma.moves(short.iloc[:15], None)


def test_a_last_session_without_a_value_is_not_replaced_by_an_older_one(walk):
    flat = walk.copy()
    flat.iloc[-60:] = flat.iloc[-60]
    with pytest.raises(InsufficientDataError, match="has no value on"):
        sigma.sigma_of_day(flat, "price_z", SigmaSettings())


def test_no_episode_no_benchmark_no_history_are_said_not_failed(walk):
    path = sigma_path(walk, "price_z")
    none = sigma.study_episodes(path, "price_z", threshold=6.5, cluster_gap_sessions=10, seed=0)
    assert isinstance(sigma.followed(walk, none), Unavailable)
    assert np.isnan(none.rarity.years)
    some = sigma.study_episodes(path, "price_z", threshold=1.5, cluster_gap_sessions=10, seed=0)
    assert isinstance(sigma.followed_relative(walk, some, None), Unavailable)
    assert isinstance(sigma.long_view(None), Unavailable)
    assert isinstance(sigma.trend_of_day(walk.iloc[:200], None), Unavailable)
    assert isinstance(sigma.followed(walk.iloc[:200], some), Unavailable)


def test_grid_thresholds_are_passed_as_often_as_the_headline(walk):
    path = sigma_path(walk, "price_z")
    study = sigma.study_episodes(path, "price_z", threshold=1.8, cluster_gap_sessions=10, seed=0)
    grid = sigma.robustness(walk, study, SigmaSettings())
    assert len(grid) == len(SIGMA_NAMES) * len(sigma.GRID_WINDOWS)
    share = (path > 1.8).mean()
    for one in grid:
        options = SigmaSettings(window_sessions=one.window_sessions)
        other = sigma_path(walk, one.definition, options)
        assert (other > one.threshold).mean() == pytest.approx(share, abs=2 / len(other))
        assert one.outcome.p_holm >= one.outcome.p_value


def russell(shared_data, **options):
    prices = load_prices(open_source("folder", data_dir=str(shared_data)), ["RUT", "GSPC"], as_of=date(2024, 7, 16))
    return prices, sigma.sigma_of_day(prices["RUT"], "price_z", SigmaSettings(**options))


def test_russell_2000_in_july_2024(shared_data):
    """The published figures, and the same by other means: pandas and plain arithmetic on the file."""
    prices, day = russell(shared_data)
    assert round(day.standing.value, 3) == 4.417
    assert day.standing.rank == 1
    assert round(russell(shared_data, ddof=0)[1].standing.value, 3) == 4.462
    move = sigma.moves(prices["RUT"], prices["GSPC"])[4]
    rut = pd.read_csv(shared_data / "prices" / "RUT.csv", index_col="date")["close"]
    gspc = pd.read_csv(shared_data / "prices" / "GSPC.csv", index_col="date")["close"]
    own = rut["2024-07-16"] / rut["2024-07-09"] - 1
    other = gspc["2024-07-16"] / gspc["2024-07-09"] - 1
    assert move.asset.value == pytest.approx(own, rel=1e-12)
    assert move.difference.value == pytest.approx(own - other, rel=1e-12)
    assert move.ratio.value == pytest.approx((1 + own) / (1 + other) - 1, rel=1e-12)
    assert (round(own, 4), round(own - other, 4), move.difference.rank) == (0.1154, 0.0992, 1)


def test_what_followed_july_2024_was_not_known_then(shared_data):
    prices, _ = russell(shared_data)
    path = sigma_path(prices["RUT"], "price_z")
    study = sigma.study_episodes(path, "price_z", threshold=2.5, cluster_gap_sessions=10, seed=0)
    outcomes = {outcome.horizon_sessions: outcome for outcome in sigma.followed(prices["RUT"], study)}
    assert study.starts[-1] == pd.Timestamp("2024-07-12")
    assert (outcomes[1].cut_off, outcomes[5].cut_off) == (0, 1)
    assert outcomes[21].n == len(study.starts) - 1
