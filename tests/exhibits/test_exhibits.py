"""Every exhibit says what it shows, in words too; text from data is escaped."""

import re
from html import escape as html_escape

import numpy as np
import pandas as pd
import pytest

from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Figure, Prose
from research_lib.exhibits.sigma import figures, prose, tables
from research_lib.exhibits.table import Table, data_cards, findings_table, table
from research_lib.findings import FINDINGS_MIME, Finding, Findings
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies import sigma
from research_lib.studies.result import Unavailable
from tests.conftest import random_walk


@pytest.fixture(scope="module")
def shown():
    """Every exhibit of the study, by name."""
    close, benchmark, volatility = (random_walk(1300, seed=seed, name=f"A{seed}") for seed in range(3))
    options = SigmaSettings()
    day = sigma.sigma_of_day(close, "price_z", options)
    study = sigma.study_episodes(
        sigma_path(close, "price_z"), "price_z", threshold=1.6, cluster_gap_sessions=10, seed=0
    )
    outcomes, moves = sigma.followed(close, study), sigma.moves(close, benchmark)
    together, trend = sigma.spot_volatility(close, volatility), sigma.trend_of_day(close, benchmark)
    grid = sigma.robustness(close, study, options)
    months = pd.Series(
        np.random.default_rng(0).normal(0, 0.03, 60), pd.date_range("2000-01-31", periods=60, freq="ME"), name="SMB"
    )
    records = sigma.records_across(pd.concat([close, benchmark], axis=1, sort=True), "price_z", options)
    return {
        "of_day": tables.of_day(day),
        "records": tables.records(records, day),
        "moves": tables.moves(moves, asset="A0"),
        "relative": tables.relative_moves(moves, asset="A0", benchmark="A1"),
        "streaks": tables.streaks(sigma.streaks_of_day(close)),
        "episodes": tables.episodes(study),
        "rarity": tables.rarity(study),
        "followed": tables.followed(outcomes, of="A0"),
        "volatility": tables.spot_volatility(together, of="A0"),
        "trend": tables.trend(trend),
        "long": tables.long_view(sigma.long_view(months)),
        "robustness": tables.robustness(grid),
        "price figure": figures.price_and_sigma(close, study, day),
        "relative figure": figures.relative_move_history(close, benchmark, sessions=5),
        "levels figure": figures.return_levels(study),
        "followed figure": figures.followed(outcomes, of="A0"),
        "volatility figure": figures.spot_volatility(together, of="A0"),
        "records figure": figures.record_closes(trend, asset="A0"),
        "long figure": figures.long_view(months),
        "robust figure": figures.robustness(grid),
        "headline": prose.headline(day, study, outcomes),
        "records prose": prose.records(records),
        "robust prose": prose.robustness(grid),
    }  # fmt: skip


def test_every_figure_has_a_title_a_caption_and_words_with_a_number(shown):
    found = [exhibit for exhibit in shown.values() if isinstance(exhibit, Figure)]
    assert len(found) == 8
    for figure in found:
        assert figure.title
        assert figure.caption
        assert re.search(r"\d", figure.alt)
        assert figure.svg.startswith("<svg")
        assert re.search(rf'(?:alt|aria-label)="{re.escape(figure.alt[:20])}', figure._repr_html_())


def test_every_table_has_a_title_a_note_and_row_headings(shown):
    found = [exhibit for exhibit in shown.values() if isinstance(exhibit, Table)]
    assert len(found) == 12
    for one in found:
        html = one._repr_html_()
        assert one.title
        assert html_escape(one.note.split()[0]) in html
        assert html.count('<th scope="row"') == len(one.cells)
        assert not one.cells.isin(["nan", "None", "NaT"]).any(axis=None)


def test_the_same_exhibit_is_the_same_bytes(shown):
    assert shown["of_day"]._repr_html_() == shown["of_day"]._repr_html_()


def test_sentences_hold_no_missing_number(shown):
    for exhibit in shown.values():
        if isinstance(exhibit, Prose):
            assert exhibit.text
            assert "nan" not in exhibit.text
            assert "None" not in exhibit.text


def test_what_is_unavailable_is_said():
    missing = Unavailable("no such data here.")
    for made in (
        tables.followed(missing, of="A"), tables.spot_volatility(missing, of="A"), tables.trend(missing),
        tables.long_view(missing), figures.followed(missing, of="A"), figures.spot_volatility(missing, of="A"),
        figures.record_closes(missing, asset="A"),
    ):  # fmt: skip
        assert isinstance(made, Prose)
        assert "no such data here" in made.text


def test_text_from_data_is_escaped():
    evil = "<script>alert(1)</script>"
    html = table(evil, [{"a": evil, "b": evil}], note=evil)._repr_html_()
    assert "<script" not in html
    assert '"><script' not in Figure("t", evil, f'">{evil}', b"")._repr_html_()


def test_numbers_as_they_are_shown():
    assert show.number(-1.234) == "−1.23"
    assert show.number(float("inf")) == "∞"
    assert show.percent(0.1154) == "11.54%"
    assert show.percent_change(-0.001) == "−0.10%"
    assert show.p_value(0.0004) == "< 0.001"
    assert show.years(109.85) == "110"
    assert show.years(6.58) == "6.6"
    assert show.years(2e5) == "over 100,000"
    assert show.interval(1, float("nan"), show.number) == show.NONE
    for one in (show.number, show.percent, show.percent_change, show.count, show.p_value, show.date, show.years):
        assert one(None) == show.NONE


def test_findings_are_plain_json_and_named_once(bundled_prices):
    one = Finding("a", np.float64("inf"), "years", np.int64(3), "never", float("nan"), 1.0)
    record = Findings(bundled_prices.cards, (one,)).as_record()
    assert record["findings"][0] == {
        "name": "a", "value": None, "unit": "years", "n": 3, "low": None, "high": 1.0, "definition": "never",
    }  # fmt: skip
    assert list(record["data"][0]) == ["source", "id", "first", "last", "rows", "gaps", "sha256"]
    assert FINDINGS_MIME in Findings((), (one,))._repr_mimebundle_()
    assert "∞" in findings_table([one])._repr_html_()
    with pytest.raises(ValueError, match="named twice: a"):
        Findings((), (one, one))


def test_data_cards_show_what_was_found(bundled_prices):
    html = data_cards(bundled_prices.cards)._repr_html_()
    assert "no value (left out): 46" in html
    assert "S&amp;P 500" in html
    assert "&amp;amp;" not in html
