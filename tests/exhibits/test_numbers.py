"""How numbers are shown: one formatter for tables, findings, headlines, the index and the terminal."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from research_lib.exhibits.exhibit import GLOSSARY, Column, Table
from research_lib.exhibits.format import NONE, UNITS, interval, ordinal, plural, prose_date, sentence, show, show_kind
from research_lib.stats.estimate import holm
from tests.conftest import read_table

SHOWN = read_table("exhibits/shown.yaml")


@pytest.mark.parametrize(("value", "unit", "text"), [*SHOWN, (np.int64(9235), "rank", "9,235")])
def test_a_value_in_its_unit(value, unit, text):
    assert show(value, unit) == text


@given(st.sampled_from(sorted(UNITS)), st.floats())
def test_nothing_shown_is_ever_infinite_or_not_a_number_which_is_a_dash(unit, value):
    text = show(value, unit)
    assert not [part for part in ("inf", "nan", "∞", "-") if part in text]  # a true minus sign
    assert np.isfinite(value) or text == NONE
    assert {show(none, unit) for none in (None, pd.NaT, pd.NA, "", np.float64("nan"))} == {NONE}


def test_intervals_and_words_of_sentences():
    assert interval(-0.01, 0.02, "points") == "−1.0 to +2.0 pp"
    assert interval(-0.01, 0.02, "change", digits=1) == "−1.0% to +2.0%"
    assert interval(-0.01, float("inf"), "change") == NONE
    words = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th"
    assert " ".join(ordinal(int(word[:-2])) for word in words.split()) == words
    counted = plural(1, "cycle"), plural(8, "cycle"), plural(2, "company", "companies")
    assert counted == ("1 cycle", "8 cycles", "2 companies")
    assert prose_date(date(2024, 7, 16)) == "16 July 2024"
    assert [*map(sentence, ("iShares fell -5%.", "no data"))] == ["iShares fell −5%.", "No data."]
    kinds = [show_kind(*one) for one in ((-0.0147, "yield", "bp"), (4.417, "sigma"), (None, "day"), (np.inf, "week"))]
    assert kinds == ["−147 bp", "4.42 σ", "never", "never"]


def test_every_column_has_a_heading_a_known_unit_and_a_plain_meaning():
    for name, column in GLOSSARY.items():
        assert column.heading, name
        assert column.unit in {"", *UNITS, "text", "date", "month"}, name
        assert "_" not in column.heading + column.meaning, name
        assert not column.meaning.endswith("."), name


def test_a_table_escapes_what_it_shows_keeps_its_numbers_and_says_none():
    frame = pd.DataFrame({"name": ["<script>alert(1)</script>", "B&C"], "value": [0.5, float("inf")]})
    made = Table("t", "A <b> title", frame, ("name", ("value", Column("the value", "share"))), note="Read me.")
    cell = '<th scope="row" class="words">&lt;script&gt;alert(1)&lt;/script&gt;</th><td>50%</td></tr>'
    frame = '<div class="scroll" role="group" tabindex="0" aria-label="Table"><table>'
    for part in ("A &lt;b&gt; title", cell, "Read me.", frame):
        assert part in made._repr_html_()
    assert "<script>alert" not in made._repr_html_()
    assert made.cells.iloc[:, 1].tolist() == ["50%", "–"]
    nothing = Table("", "What followed, RUT", pd.DataFrame(), ())._repr_html_()
    assert 'id="what-followed-rut"' in nothing  # named by its title
    assert (">none</td>" in nothing, "CSV" in nothing) == (True, False)


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(1).uniform(size=12)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    assert holm([]).shape == (0,)
