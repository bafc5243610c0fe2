"""Every form of chart: what it draws, on a page and on a phone; its frame, its links and its bytes."""

import csv
import io
import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree  # of what the kit itself draws

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure as Canvas

from research_lib.errors import InsufficientDataError
from research_lib.exhibits import charts
from research_lib.exhibits.charts import LARGE_CAPS, SMALL_CAPS, Band, Line, Mark, Panel
from research_lib.exhibits.exhibit import FRAME_STYLE, VARIABLES, VERDICT_LOOK, WIDE_ONLY, Exhibit, badge
from tests.conftest import random_walk, read_table

EVIL = '<script>alert("1")</script>'
WORDS = {"title": "It rose", "alt": "The line rises from 1 to 3."}
CLOSE = random_walk(800, seed=3)
DAY = CLOSE.index[-1]
ROWS = pd.DataFrame({"value": [1.4, 2.7], "low": [1.1, np.nan], "high": [1.8, np.nan]}, ["large firms", "small firms"])
MAP = pd.DataFrame([[0.05, -0.12], [np.nan, 0.0], [0.01, -0.02]], ["Nov 1987", "Jun 1989", "Mean"], ["+1m", "+12m"])
COUNTS = pd.DataFrame({"holds": [5, 1], "fails": [0, 40]}, ["An article", "Another"])
PATHS = pd.DataFrame({"Nov 1987": [-0.01, 0, 0.02], "Jun 1989": [0.02, 0, -0.03]}, [-1, 0, 1])


def price_and_history():
    average, peak = CLOSE.rolling(50).mean(), CLOSE.idxmax()
    near = CLOSE.index[CLOSE.index.get_loc(peak) - 9]
    lines = [Line(CLOSE), Line(average, "50-day average", LARGE_CAPS, dashed=True)]
    bands, day = [Band(average * 0.9, average * 1.1, "ten percent")], [Mark(DAY, CLOSE.iloc[-1], "the day itself")]
    marks = [Mark(near, CLOSE[near] / 100, "too near"), Mark(peak, CLOSE.max() / 100, "the highest")]
    history = Panel("its history", [Line(CLOSE / 100)], (), marks, zero=True, unit="sigma", height_px=130)
    return charts.series([Panel("the price", lines, bands, day), history], data=CLOSE.to_frame(), **WORDS)


# A form as it is called, and words that it must draw.
BOTH = pd.concat([ROWS.assign(group="small"), ROWS.assign(group="large")])
RANKS = pd.DataFrame({"value": [1, 493], "filled": [True, False]}, ["usual", "other"])
TAIL = {"points": pd.Series([3.0], [10.0]), "log_x": True, "marks": [Mark(20, 3.5, "a record")], "x_unit": "years"}
FORMS = {
    "series": (price_and_history, ["50-day average", "ten percent", "the day itself", "the highest"]),
    "history": (partial(charts.history, CLOSE, None, shown="120 at last", unit="price", **WORDS), ["history of the line", "120 at last"]),
    "cases": (partial(charts.history, CLOSE, CLOSE.pct_change()[::40], shown="", unit="change", **WORDS), ["each case", "mean", "+1", "%"]),
    "paths": (partial(charts.paths, PATHS, mean=PATHS.mean(axis=1), colours={"Nov 1987": SMALL_CAPS}, name="points", **WORDS),
              ["Nov 1987", "Jun 1989", "mean", "+2", "−2"]),
    "curve": (partial(charts.curve, [Line(pd.Series([2.5, 4.0], [1.0, 100.0]), "the tail")], name="sigma", x_name="years", **TAIL, **WORDS),
              ["the tail", "a record", "years", "10", "100"]),
    "intervals": (partial(charts.intervals, ROWS.assign(text=["1.4 of 9", "n too small"]), name="a ratio", unit="turns", **WORDS),
                  ["large firms", "1.4 of 9", "n too small", "a ratio"]),
    "groups": (partial(charts.intervals, BOTH, name="x", **WORDS), ["small +140.0 pp", "large +270.0 pp"]),
    "ranks": (partial(charts.intervals, RANKS, name="rank", unit="rank", **WORDS), ["1", "493", "100"]),
    "bars": (partial(charts.intervals, ROWS.assign(quoted=[1.4, 4.0]), name="net debt", unit="turns", bar=True, **WORDS), ["quoted 4.00", "2.70", "0"]),
    "stacked": (partial(charts.stacked, COUNTS, **WORDS), ["An article", "holds", "fails", "40", "5"]),
    "heat_map": (partial(charts.heat_map, MAP, apart=("Mean",), **WORDS), ["+5.0", "−12.0", "0.0", "Mean", "+12m"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    return {name: draw() for name, (draw, _) in FORMS.items()}


def texts(svg):
    nodes = ElementTree.fromstring(svg).iter()  # noqa: S314
    return [node.text.strip() for node in nodes if node.tag.endswith("}text") and node.text]


@pytest.mark.parametrize("name", FORMS)
def test_a_form_writes_the_names_of_what_it_shows_on_page_and_phone(drawn, name):
    for svg in (drawn[name].svg, drawn[name].narrow):
        words = " ".join(texts(svg))
        assert [expected for expected in FORMS[name][1] if expected not in words] == []
        assert not re.search(r"\bnan\b|None|∞|\binf\b|too near", words)
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: [^;\"]*?([\d.]+)px", drawn[name].svg)]
    assert min(sizes) / 0.72 >= 11  # of the 860 px that it is shown at


def test_charts_are_the_same_bytes_each_time_also_wide_alone_and_share_no_names(drawn):
    before = WIDE_ONLY.set(True)
    alone = FORMS["bars"][0]()
    WIDE_ONLY.reset(before)
    assert (alone.svg, alone.narrow) == (drawn["bars"].svg, "")
    for name in ("series", "bars"):
        assert FORMS[name][0]()._repr_html_() == drawn[name]._repr_html_()
    ids = lambda html: set(re.findall(r'\bid="([^"]*)"', html))
    assert not any(ids(one.svg) & ids(one.narrow) for one in drawn.values())
    # One drawing, twice on a page.
    both = [replace(drawn["series"], id=name)._repr_html_() for name in ("hero", "after")]
    assert not ids(both[0]) & ids(both[1])
    assert all(set(re.findall(r'(?:url\(|href=")#(\w+)', html)) <= ids(html) for html in both)


def test_colours_are_variables_in_a_page_and_fixed_in_a_file(drawn):
    for figure in drawn.values():
        assert [name for name, colour in VARIABLES.items() if re.search(rf"(?<!--{name}, ){colour}", figure.svg)] == []
        alone = replace(figure, deck="Deck & more", source=f"Source: {EVIL}").standalone()
        assert "var(" not in alone
        assert {"It rose", "Deck & more", f"Source: {EVIL}"} <= set(texts(alone))
    assert "var(--small, #de8f05)" in drawn["groups"].svg


@pytest.mark.parametrize(("draw", "said"), [
    (partial(charts.series, [Panel("p", [Line(CLOSE[:1])])]), "two values"), (partial(charts.history, CLOSE[:0], None, shown="", unit=""), "two"),
    (partial(charts.intervals, ROWS * np.nan, name="x"), "no row"), (partial(charts.heat_map, MAP * np.nan), "no cell"),
])  # fmt: skip
def test_nothing_to_draw_is_said(draw, said):
    with pytest.raises(InsufficientDataError, match=said):
        draw(**WORDS)


def longest(svg, colour="ink"):
    """The places that the longest line of a colour goes through, shape (points, 2)."""
    path = max(re.findall(rf'<path d="(M[^"]*)"[^>]*stroke: var\(--{colour}', svg), key=len)
    return np.array([place.split() for place in re.split("[ML]", path) if place.strip()], dtype=float)


def test_a_long_line_is_as_wide_as_its_axis_short_in_a_page_and_keeps_its_extremes():
    long = pd.Series(np.random.default_rng(1).normal(size=50_000))
    long[[777, 40_000]] = 9.0, -9.0
    svg = charts.curve([Line(long)], name="long", **WORDS).svg
    top, next_to_it, *_, before_last, bottom = sorted(longest(svg)[:, 1])
    assert len(svg) < 100_000
    assert min(next_to_it - top, bottom - before_last) > 20  # no other value comes near
    assert longest(svg)[[0, -1], 0] == pytest.approx(longest(svg, "context")[[0, -1], 0], abs=0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.08)), min_size=1, max_size=10))
def test_names_in_the_margin_never_touch(wanted):
    ordered, sizes = [place for place, _ in sorted(wanted)], [size for _, size in sorted(wanted)]
    places, apart = charts._spread(ordered, sizes), [(a + b) / 2 for a, b in pairwise(sizes)]
    assert all(b - a >= least - 1e-9 for (a, b), least in zip(pairwise(places), apart, strict=True))
    assert places[-1] <= 1.0
    if all(b - a >= least for (a, b), least in zip(pairwise(ordered), apart, strict=True)):
        assert places == pytest.approx(ordered)


@pytest.mark.parametrize(("unit", "most", "limits", "texts"), read_table("exhibits/ticks.yaml"))
def test_ticks_have_the_digits_that_their_steps_need(unit, most, limits, texts):
    axes = Canvas().subplots()
    axes.set(xscale="log" if unit == "rank" else "linear", xlim=limits)
    charts._number_ticks(axes.xaxis, unit, most=most)
    assert [label.get_text() for label in axes.get_xticklabels()] == texts


def test_a_frame_has_an_id_a_csv_link_a_source_and_escapes_all(drawn):
    data = pd.DataFrame({"date": pd.to_datetime(["2024-07-16"]), "sigma": [4.41712345], "said": ['a "b", c%']})
    figure = replace(drawn["series"], id="history", title=EVIL, alt=EVIL, deck=EVIL, note=EVIL, source=EVIL, data=data)
    html = figure._repr_html_()
    assert "<script" not in html
    assert f'<figure class="exhibit figure" id="history" aria-labelledby="history-title">{FRAME_STYLE}' in html
    assert '<a href="#history" aria-label="Link to this figure">#</a>' in html
    links = re.findall(r'<a download="history.(csv|svg)" href="data:([^,]*),([^"&]*)">(CSV|SVG)</a>', html)
    assert [link[:2] for link in links] == [("csv", "text/csv;charset=utf-8"), ("svg", "image/svg+xml")]
    table, picture = (unquote(link[2]) for link in links)
    assert [*csv.reader(io.StringIO(table))] == [["date", "sigma", "said"], ["2024-07-16", "4.41712", 'a "b", c%']]
    assert picture == figure.standalone()
    assert Exhibit("", "", pd.DataFrame({"x": [1.5]}, pd.Index([2021], name="year"))).csv() == "year,x\n2021,1.5\n"
    about = {"research_lib": {"id": "history", "title": EVIL, "kind": "figure"}}
    assert figure._repr_mimebundle_() == ({"text/html": html, "text/plain": f"{EVIL}. {EVIL}"}, about)


def test_verdicts_differ_in_colour_and_shape_and_can_be_read():
    colours, shapes, words, _ = (set(one) for one in zip(*VERDICT_LOOK.values(), strict=True))
    assert len(colours) == len(shapes) == len(words) == len(VERDICT_LOOK)
    assert not colours & set(VARIABLES.values())  # dark mode does not change them
    for verdict, (colour, _, word, ink) in VERDICT_LOOK.items():
        parts = np.array([[int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)] for one in (colour, ink)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        low, high = sorted(linear @ (0.2126, 0.7152, 0.0722))
        assert (high + 0.05) / (low + 0.05) >= 4.5  # the ratio of WCAG 2
        assert word in badge(verdict)


def test_a_sparkline_ends_where_its_values_end():
    heights = lambda *values: [y for _, y in charts.sparkline(pd.Series(values))]
    assert charts.sparkline(pd.Series([1.0, 3.0, 2.0])) == [("2", "21.0"), ("57", "3.0"), ("112", "12.0")]
    assert heights(1.0, np.inf, 3.0, np.nan, 2.0) == ["21.0", "3.0", "12.0"]
    assert heights(1.0) == heights(np.inf, 1.0, np.nan) == []
    assert len(set(heights(2.0, 2.0, 2.0))) == 1
    many = heights(*range(5000), 2500.0)
    assert (len(many), many[0], many[-1], min(map(float, many))) == (121, "21.0", "12.0", 3.0)


def test_cards_escape_what_they_say_and_a_terminal_has_first_what_fails():
    names = ("says", "reading", "quote", "by", "stated", "shown", "depends_on", "happened", "source")
    card = dict.fromkeys(names, EVIL) | {"id": "A", "verdict": "holds", "kind": "fact", "happened": None}
    both = [card | {"history": CLOSE}, card | {"id": "B", "verdict": "fails", "happened": "It rose.", "history": None}]
    cards = charts.Cards("", "Two", pd.DataFrame(), cards=both)
    html = cards._repr_html_()
    assert ("<script" in html, html.count("<polyline"), "happened:</b> It rose." in html) == (False, 1, True)
    many = replace(cards, cards=both * 4)._repr_html_().split("<details><summary>2 more claims</summary>")
    assert [part.count("<li") for part in many] == [6, 2]
    said = re.findall("2 claims: .*|^[A-Z]+ [AB]$", repr(cards), re.MULTILINE)
    assert said == ["2 claims: holds 1, fails 1.", "FAILS B", "HOLDS A"]
