"""Every form of chart: what it draws, on a page and on a phone; its frame, its links and its bytes."""

import csv
import io
import re
from dataclasses import replace
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree  # of what the kit itself draws

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research_lib.errors import InsufficientDataError
from research_lib.exhibits import charts
from research_lib.exhibits.charts import Band, Line, Mark, Panel
from research_lib.exhibits.exhibit import FRAME_STYLE, as_csv
from research_lib.exhibits.figure import LARGE_CAPS, SMALL_CAPS, VARIABLES, VERDICT_LOOK, badge, ink_on, wide_only
from research_lib.exhibits.findings import VERDICTS
from research_lib.exhibits.format import UNITS
from tests.conftest import random_walk

EVIL = '<script>alert("1")</script>'
WORDS = {"title": "It rose", "alt": "The line rises from 1 to 3."}
CLOSE = random_walk(800, seed=3)
DAY = CLOSE.index[-1]
ROWS = pd.DataFrame({"value": [1.4, 2.7], "low": [1.1, np.nan], "high": [1.8, np.nan]}, ["large firms", "small firms"])
MAP = pd.DataFrame([[0.05, -0.12], [np.nan, 0.0], [0.01, -0.02]], ["Nov 1987", "Jun 1989", "Mean"], ["+1m", "+12m"])
COUNTS = pd.DataFrame({"holds": [5, 1], "fails": [0, 40]}, ["An article", "Another"])
PATHS = pd.DataFrame({"Nov 1987": [-0.01, 0, 0.02], "Jun 1989": [0.02, 0, -0.03]}, [-1, 0, 1])


def price_and_history():
    average = CLOSE.rolling(50).mean()
    price = Panel("the price", [Line(CLOSE), Line(average, "50-day average", LARGE_CAPS, dashed=True)],
                  [Band(average * 0.9, average * 1.1, "ten percent")], [Mark(DAY, CLOSE.iloc[-1], "the day itself")])  # fmt: skip
    peak = CLOSE.idxmax()
    below = Panel("its history", [Line(CLOSE / 100)], marks=[Mark(peak, CLOSE.max() / 100, "the highest")], unit="sigma",
                  levels={"": 0.0, "threshold 1": 1.0}, height=0.5)  # fmt: skip
    return charts.series([price, below], data=CLOSE.to_frame(), **WORDS)


# A form, and words that it must draw.
FORMS = {
    "series": (price_and_history, ["50-day average", "ten percent", "the day itself", "the highest", "threshold 1"]),
    "paths": (
        lambda: charts.paths(PATHS, mean=PATHS.mean(axis=1), colours={"Nov 1987": SMALL_CAPS}, name="points", **WORDS),
        ["Nov 1987", "Jun 1989", "mean", "+2", "−2"],
    ),
    "curve": (
        lambda: charts.curve(
            [Line(pd.Series([2.5, 4.0], [1.0, 100.0]), "the tail")], points=pd.Series([3.0], [10.0]), log_x=True,
            name="sigma", x_name="years", x_unit="years", marks=[Mark(20, 3.5, "a record")], **WORDS,
        ),
        ["the tail", "a record", "years", "10", "100"],
    ),
    "intervals": (
        lambda: charts.intervals(ROWS.assign(text=["1.4 of 9", "n too small"]), name="a ratio", unit="turns", **WORDS),
        ["large firms", "1.4 of 9", "n too small", "a ratio"],
    ),
    "groups": (
        lambda: charts.intervals(pd.concat([ROWS.assign(group="small"), ROWS.assign(group="large")]), name="x", **WORDS),
        ["small +140.0 pp", "large +270.0 pp"],
    ),
    "ranks": (
        lambda: charts.intervals(
            pd.DataFrame({"value": [1, 493], "filled": [True, False]}, ["usual", "other"]), name="rank", unit="rank", log=True, **WORDS
        ),
        ["1", "493", "100"],
    ),
    "bars": (
        lambda: charts.bars(ROWS.assign(quoted=[1.4, 4.0]), name="net debt", unit="turns", **WORDS),
        ["quoted 4.00", "2.70", "0"],
    ),
    "stacked": (
        lambda: charts.stacked(COUNTS, colours={"holds": "#1d7a46", "fails": "#b2271f"}, **WORDS),
        ["An article", "holds", "fails", "40", "5"],
    ),
    "heat_map": (
        lambda: charts.heat_map(MAP, apart=("Mean",), positive=SMALL_CAPS, negative=LARGE_CAPS, **WORDS),
        ["+5.0", "−12.0", "0.0", "Mean", "+12m"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    return {name: draw() for name, (draw, _) in FORMS.items()}


def parsed(svg):
    return ElementTree.fromstring(svg)  # noqa: S314


def texts(svg):
    return [node.text.strip() for node in parsed(svg).iter() if node.tag.endswith("}text") and node.text]


def ids(html):
    return set(re.findall(r'\bid="([^"]*)"', html))


def references(html):
    return set(re.findall(r'(?:url\(|href=")#(\w+)', html))


@pytest.mark.parametrize("name", FORMS)
def test_a_form_writes_the_names_of_what_it_shows_on_page_and_phone(drawn, name):
    for svg in (drawn[name].svg, drawn[name].narrow):
        words = " ".join(texts(svg))
        for expected in FORMS[name][1]:
            assert expected in words, (expected, words)
        assert not re.search(r"\bnan\b|None|∞|\binf\b", words)
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: [^;\"]*?([\d.]+)px", drawn[name].svg)]
    assert sizes
    assert min(sizes) / 0.72 >= 11  # of the 860 px that it is shown at


def test_charts_are_the_same_bytes_each_time_and_share_no_names(drawn):
    for name in ("series", "bars"):
        assert FORMS[name][0]()._repr_html_() == drawn[name]._repr_html_()
    titled = [
        charts.series([Panel("p", [Line(CLOSE)], marks=[Mark(DAY, 100.0, "m")])], title="A", alt="a"),
        charts.bars(ROWS, name="p", title="B", alt="b"),
    ]
    names = [ids(svg) for one in titled for svg in (one.svg, one.narrow)]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))
    assert all(references(one.svg) <= ids(one.svg) for one in titled)


def test_colours_are_variables_in_a_page_and_fixed_in_a_file(drawn):
    for figure in drawn.values():
        for name, colour in VARIABLES.items():
            assert re.findall(rf"(?<!--{name}, ){colour}", figure.svg) == []
        assert "var(--small, #de8f05)" in drawn["groups"].svg
        alone = replace(figure, deck="Deck & more", source=f"Source: {EVIL}").standalone()
        parsed(alone)
        assert "var(" not in alone
        assert {"It rose", "Deck & more", f"Source: {EVIL}"} <= set(texts(alone))


def test_nothing_to_draw_is_said():
    with pytest.raises(InsufficientDataError, match="two values"):
        charts.series([Panel("p", [Line(CLOSE[:1])])], **WORDS)
    with pytest.raises(InsufficientDataError, match="no row"):
        charts.intervals(ROWS * np.nan, name="x", **WORDS)
    with pytest.raises(InsufficientDataError, match="no cell"):
        charts.heat_map(MAP * np.nan, **WORDS)


def test_an_axis_starts_and_ends_with_its_data(drawn):
    """The first point of the price line lies at the left edge of the axes, the last at the right one."""
    svg = drawn["series"].svg
    line = max(re.findall(r'<path d="(M[^"]*)"[^>]*stroke: var\(--ink', svg), key=len)
    x = [float(place.split()[0]) for place in re.split(r"[ML]", line) if place.strip()]
    axis = re.search(r'<path d="M ([\d.]+) [\d.]+L ([\d.]+) [\d.]+" style="fill: none; stroke: var\(--context', svg)
    assert (x[0], x[-1]) == pytest.approx((float(axis[1]), float(axis[2])), abs=0.5)


@given(st.lists(st.floats(-1e6, 1e6), min_size=200, max_size=600))
def test_thinning_keeps_what_can_be_seen(values):
    whole = pd.Series(values)
    kept = charts._thinned(whole, 20)
    assert len(kept) <= 42
    assert kept.index.is_monotonic_increasing
    assert (kept == whole[kept.index]).all()
    assert {0, len(whole) - 1} <= set(kept.index)
    assert (kept.min(), kept.max()) == (whole.min(), whole.max())


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.08)), min_size=1, max_size=10))
def test_names_in_the_margin_never_touch(wanted):
    ordered = sorted(wanted)
    sizes = [size for _, size in ordered]
    places = charts._spread([place for place, _ in ordered], sizes)
    for i in range(1, len(places)):
        assert places[i] - places[i - 1] >= (sizes[i] + sizes[i - 1]) / 2 - 1e-9
    assert places[-1] <= 1.0 + 1e-9
    if all(b - a >= (s + t) / 2 for (a, s), (b, t) in pairwise(ordered)) and len(ordered) > 1:
        assert places == pytest.approx([place for place, _ in ordered])


@pytest.mark.parametrize(("unit", "step", "texts"), [
    ("points", 0.025, ["−2.5", "0.0", "+2.5"]), ("fraction", 0.1, ["−10%", "0%", "10%"]), ("price", 200, ["−200", "0", "200"]),
    ("sigma", 0.5, ["−0.5", "0.0", "0.5"]),
])  # fmt: skip
def test_ticks_have_the_digits_that_their_steps_need(unit, step, texts):
    from matplotlib.figure import Figure as Canvas

    axes = Canvas().subplots()
    axes.set_ylim(-1.4 * step, 1.4 * step)
    charts._number_ticks(axes.yaxis, unit, most=3)
    assert [label.get_text() for label in axes.get_yticklabels()] == texts
    assert unit in UNITS
    axes.set_xlim(0, 3)
    charts._number_ticks(axes.xaxis, "count", most=8)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3"]  # each once


def test_a_frame_has_an_id_a_csv_link_a_source_and_escapes_all(drawn):
    data = pd.DataFrame({"date": pd.to_datetime(["2024-07-16"]), "sigma": [4.41712345], "said": ['a "b", c%']})
    figure = replace(drawn["series"], id="history", title=EVIL, alt=EVIL, deck=EVIL, note=EVIL, source=EVIL, data=data)
    html = figure._repr_html_()
    assert "<script" not in html
    assert f'<figure class="exhibit figure" id="history" aria-labelledby="history-title">{FRAME_STYLE}' in html
    assert '<a href="#history" aria-label="Link to this figure">#</a>' in html
    address = re.search(r'<a download="history.csv" href="data:text/csv;charset=utf-8,([^"]*)">CSV</a>', html)[1]
    assert list(csv.reader(io.StringIO(unquote(address)))) == [
        ["date", "sigma", "said"],
        ["2024-07-16", "4.41712", 'a "b", c%'],
    ]
    picture = re.search(r'<a download="history.svg" href="data:image/svg\+xml,([^"]*)">SVG</a>', html)[1]
    assert unquote(picture) == figure.standalone()
    bundle, about = figure._repr_mimebundle_()
    assert bundle["text/html"] == html
    assert about == {"research_lib": {"id": "history", "title": EVIL, "kind": "figure"}}


def test_one_drawing_may_be_two_exhibits_of_a_page(drawn):
    both = [replace(drawn["series"], id=name)._repr_html_() for name in ("hero", "after")]
    assert not ids(both[0]) & ids(both[1])
    assert all(references(html) <= ids(html) for html in both)


def test_csv_keeps_an_index_that_says_something():
    assert as_csv(pd.DataFrame({"x": [1.5]}, pd.Index([2021], name="year"))) == "year,x\n2021,1.5\n"
    assert as_csv(pd.DataFrame({"x": [1 / 3]})) == "x\n0.333333\n"


def test_verdicts_differ_in_colour_and_shape_and_can_be_read():
    assert set(VERDICT_LOOK) == set(VERDICTS)
    for position in (0, 1, 2):
        assert len({look[position] for look in VERDICT_LOOK.values()}) == len(VERDICT_LOOK)
    assert not {look[0] for look in VERDICT_LOOK.values()} & set(VARIABLES.values())  # dark mode does not change them
    for verdict, (colour, _, word) in VERDICT_LOOK.items():
        assert contrast(colour, ink_on(colour)) >= 4.5
        assert word in badge(verdict)


def contrast(*colours):
    """The ratio of WCAG 2."""
    parts = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ (0.2126, 0.7152, 0.0722))
    return (high + 0.05) / (low + 0.05)


def test_a_figure_may_be_drawn_for_a_wide_screen_alone(drawn):
    with wide_only():
        alone = FORMS["bars"][0]()
    assert (alone.svg, alone.narrow) == (drawn["bars"].svg, "")
    assert FORMS["bars"][0]().narrow


def test_a_sparkline_ends_where_its_values_end():
    svg = parsed(charts.sparkline(pd.Series([1.0, 3.0, 2.0])).replace("<svg", "<svg xmlns='http://s'"))
    line, dot = svg[0].get("points").split(), svg[1]
    assert [place.split(",")[1] for place in line] == ["21.0", "3.0", "12.0"]
    assert dot.get("cy") == "12.0"
    assert charts.sparkline(pd.Series([1.0])) == charts.sparkline(pd.Series([np.inf, 1.0, np.nan])) == ""
    assert "nan" not in charts.sparkline(pd.Series([np.inf, 1.0, np.nan, 2.0]))
    assert charts.sparkline(pd.Series([2.0, 2.0, 2.0]))


def test_a_figure_reads_as_text_too(drawn):
    assert repr(drawn["bars"]) == "It rose. The line rises from 1 to 3."
