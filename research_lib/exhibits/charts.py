"""The forms of picture: series, history, paths, curve; intervals, bars, stacked bars; heat map; a sparkline; cards.

Each takes plain frames and gives a `Figure`. Names stand beside what they name, not in a legend. A value axis has horizontal
lines, and an axis starts and ends with its data. Values are decimals where the unit is a fraction, a change or points.
"""
# ruff: noqa: ANN401  # options that another function types, and matplotlib's own

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.exhibits import exhibit as style
from research_lib.exhibits.exhibit import CONTEXT, DAY, INK, LARGE_CAPS, QUIET, SMALL_CAPS, Exhibit, Figure, picture
from research_lib.exhibits.format import UNITS, WHOLE, show

# Characters a line, wide and narrow: in the margin, of a row's name, of what stands above the axes.
MARGIN_TEXT, ROW_TEXT, NAME_TEXT = (26, 14), (34, 17), (110, 48)
LINE_PX, LETTER_PX = 15.5, 7.0
POINTS_PER_PX = 0.72  # a canvas has 100 px an inch, and a font 72 points
TEXT, SMALL_TEXT, PHONE_TEXT = (POINTS_PER_PX * px for px in (13.0, 11.5, 10.5))
Colours = Mapping[Any, str]  # by the name of what is drawn
CAPS: Colours = {"small": SMALL_CAPS, "large": LARGE_CAPS}
LEGIBLE = {CONTEXT: QUIET, SMALL_CAPS: style.SMALL_CAPS_WORDS}  # of words about what is too light for words
MOST_DECIMALS = 7  # columns of a heat map with decimals, on a phone
AT_THE_EDGE = 0.97  # of an axis: a mark beyond it is named in the margin


class Line(NamedTuple):
    """A line of a panel; its label stands at its end."""

    values: "pd.Series[Any]"
    label: str = ""
    colour: str = INK
    dashed: bool = False
    width: float = 1.3


class Band(NamedTuple):
    """An area between two series; its label stands at the end of its upper side."""

    low: "pd.Series[Any]"
    high: "pd.Series[Any]"
    label: str = ""


class Mark(NamedTuple):
    """A named point."""

    at: Any  # a date or a number
    value: float
    label: str
    colour: str = DAY


class Panel(NamedTuple):
    """One of the panels of a `series` chart, which stand below each other."""

    name: str  # what is drawn and its unit
    lines: Sequence[Line]  # over dates or numbers
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    zero: bool = False  # has a line at zero
    points: "pd.Series[Any] | None" = None  # single observations
    unit: str = "number"
    height_px: float = 260
    x_name: str = ""  # of an axis that is not time, with its unit
    x_unit: str = "number"
    log_x: bool = False


def series(panels: Sequence[Panel], **words: Any) -> Figure:
    """Draw one or more panels of lines, with bands, marks and levels, over time or another quantity."""
    if not any(len(line.values.dropna()) > 1 for panel in panels for line in panel.lines):
        raise InsufficientDataError("there are not two values to draw a line through")
    heights = (sum(panel.height_px for panel in panels), 145.0 * len(panels) + 65)
    shares = [panel.height_px / heights[0] for panel in panels]

    def draw(canvas: Any, narrow: bool) -> None:
        drawn = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=shares)[:, 0]
        for axes, panel, share in zip(drawn, panels, shares, strict=True):
            _panel(axes, panel, narrow=narrow, height_px=heights[narrow] * share)

    return picture(draw, heights, **words)


def history(path: "pd.Series[Any]", cases: "pd.Series[Any] | None", *, shown: str, unit: str, **words: Any) -> Figure:
    """Draw a line with its last value, which is `shown`, or with the cases on it; of cases with other values these alone."""
    path, cases = path.dropna(), path[:0] if cases is None else cases.dropna()
    panel = Panel("history of the line", [Line(path)], unit=unit)
    if len(cases) < 2:
        panel = panel._replace(marks=[Mark(at, value, shown) for at, value in path[-1:].items()])
    elif cases.equals(path.reindex(cases.index)):
        panel = panel._replace(points=cases)
    else:
        path, mean = cases, Line(pd.Series(cases.mean(), cases.index), "mean", dashed=True)
        panel = Panel("each case", [mean], zero=True, points=cases, unit=unit)
    return series([panel], data=path.to_frame("value"), **words)


def curve(lines: Sequence[Line], **options: Any) -> Figure:
    """Draw one panel of lines over another quantity than time; options as of `Panel` and `Figure`."""
    look = {"height_px": 340} | {name: options.pop(name) for name in Panel._fields if name in options}
    return series([Panel(lines=lines, **look)], **options)


def paths(values: pd.DataFrame, *, mean: Any = None, colours: Colours = CAPS, **options: Any) -> Figure:
    """Draw one path a column, over time from an event at 0, each named at its end; the mean, a series, is bold.

    Paths with a colour of their own stand out; the others are context. Further options as of `curve`.
    """
    lines = [Line(values[one], str(one), colours.get(one, CONTEXT), width=1 + 0.6 * (one in colours)) for one in values]
    lines += [] if mean is None else [Line(mean, "mean", DAY, width=2.6)]
    return curve(lines, **{"unit": "points", "zero": True, **options})


def intervals(
    rows: pd.DataFrame, *, name: str, unit: str = "points", colours: Colours = CAPS, bar: bool = False, **words: Any
) -> Figure:
    """Draw a dot (or a bar from zero) with its interval for each row, named at the left, its value written at the right.

    Columns of `rows`, whose index names them: `value`; if there, `low` and `high` (NaN: no interval), `group` (rows of
    one name stand together, coloured by group), `text` (in place of the value at the right), `filled` (False draws a ring),
    `quoted` (a figure that somebody named, drawn as a red line). `colours` is by group or row. Ranks are drawn by powers of ten.
    """
    if not rows["value"].notna().any():
        raise InsufficientDataError("no row has a value")
    rows = rows.assign(row=rows.index.astype(str), group=rows.get("group", ""))
    (down, names), (beside, groups) = pd.factorize(rows["row"]), pd.factorize(rows["group"])
    step = 0.76 / len(groups)
    places = len(names) - 1 - down + step * ((len(groups) - 1) / 2 - beside)
    chosen = {**CAPS, **colours}
    inks = [chosen.get(one.group or one.row, CONTEXT if bar else INK) for one in rows.itertuples()]
    texts = [getattr(one, "text", "") or f"{one.group} {show(one.value, unit)}".strip() for one in rows.itertuples()]

    def draw(canvas: Any, narrow: bool) -> None:
        axes = canvas.subplots()
        axes.set_xscale("log" if unit == "rank" else "linear")
        if bar:
            axes.barh(places, rows["value"], 0.8 * step, color=inks)
        else:
            faces = np.where(rows.get("filled", True), inks, style.PAPER)
            axes.scatter(rows["value"], places, 42, faces, edgecolors=inks, zorder=4)
        if "low" in rows:
            axes.hlines(places, rows["low"], rows["high"], colors=INK if bar else inks, linewidth=1.8)
        for quoted, place in zip(rows.get("quoted", ()), places, strict=False):
            axes.vlines(quoted, place - 0.42, place + 0.42, color=DAY, linewidth=2.2)
            look = {"ha": "center", "va": "bottom", "color": DAY, "weight": "bold", "size": SMALL_TEXT}
            _words(axes, f"quoted {show(quoted, unit)}", (quoted, place + 0.44), "data", (0, 0), **look)
        for text, place in zip(texts, places, strict=True):
            _beside(axes, text, place, MARGIN_TEXT[narrow], weight="bold" if bar else "normal")
        axes.set_ylim(-0.6, len(names) - (0.1 if "quoted" in rows else 0.4))
        axes.margins(x=0.04)
        if bar and axes.dataLim.xmin >= 0:
            axes.set_xlim(left=0)
        elif axes.get_xscale() == "linear" and axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
            axes.axvline(0, color=CONTEXT, linewidth=0.9)
        _name_rows(axes, np.arange(len(names))[::-1], names, narrow=narrow)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        _name(axes, name, narrow=narrow)
        _number_ticks(axes.xaxis, unit, most=4 if narrow else 8)

    apart = max(1, 0.62 * len(groups), 2.2 * ("quoted" in rows))
    return picture(draw, _heights([*names], texts, apart=apart), **words)


def stacked(frame: pd.DataFrame, **words: Any) -> Figure:
    """Draw one bar a row, divided by column into parts in the colour of the verdict that it is named by, with their counts."""
    looks = {word: (colour, ink) for colour, _, word, ink in style.VERDICT_LOOK.values()}
    places, left = np.arange(len(frame))[::-1], frame.cumsum(axis=1) - frame

    def draw(canvas: Any, narrow: bool) -> None:
        axes, least = canvas.subplots(), frame.sum(axis=1).max() * (0.06 if narrow else 0.022)
        for name in map(str, frame):
            (colour, ink), bars = looks[name], {"left": left[name], "edgecolor": style.PAPER, "label": name}
            drawn = axes.barh(places, frame[name], 0.62, color=colour, **bars)
            texts = [f"{count:.0f}" if count > least else "" for count in frame[name]]
            axes.bar_label(drawn, texts, label_type="center", color=ink)
        _name_rows(axes, places, frame.index, narrow=narrow)
        axes.set_axis_off()
        canvas.legend(loc="outside upper left", ncols=3 if narrow else 8)

    wide, narrow = _heights([*map(str, frame.index)])
    return picture(draw, (wide, narrow + 25), **words)


def heat_map(
    frame: pd.DataFrame, *, ends: tuple[str, str] = (SMALL_CAPS, LARGE_CAPS), apart: Sequence[str] = (), **words: Any
) -> Figure:
    """Draw a table of points whose ground says their size: none at zero, the ends' colours at the largest above and below.

    The unit stands in the deck, not in the cells. Before the columns and rows named in `apart` is a gap; such a row is bold
    (a mean below its cases).
    """
    values, rows, columns = frame.to_numpy(float), [str(row) for row in frame.index], [str(one) for one in frame]
    if not np.isfinite(values).any():
        raise InsufficientDataError("no cell has a value")
    deepest = float(np.nanmax(np.abs(values))) or 1.0
    across: Any = np.arange(len(columns)) + 0.12 * np.cumsum(np.isin(columns, apart))
    down: Any = np.arange(len(rows)) + 0.35 * np.cumsum(np.isin(rows, apart))

    def draw(canvas: Any, narrow: bool) -> None:
        from matplotlib.patches import Rectangle

        axes, size = canvas.subplots(), PHONE_TEXT if narrow else TEXT
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                ground, depth = ends[0] if value > 0 else ends[1], 0.05 + 0.6 * abs(value) / deepest
                axes.add_patch(Rectangle((across[j], down[i]), 1, 1, facecolor=ground, alpha=depth, linewidth=0))
                digits = 0 if narrow and len(columns) > MOST_DECIMALS else None
                text = show(float(value), "points", digits=digits).removesuffix(" pp")
                # Not in the layout: to measure each cell takes half the time.
                look = {"size": size, "weight": "bold" if rows[i] in apart else "normal", "in_layout": False}
                axes.text(across[j] + 0.5, down[i] + 0.5, text, ha="center", va="center", **look)
        axes.set(xlim=(0, across[-1] + 1), ylim=(down[-1] + 1, 0))
        axes.set_xticks(across + 0.5, columns)
        _name_rows(axes, down + 0.5, rows, narrow=narrow)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelsize=size)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return picture(draw, (50 + 31 * len(frame), 45 + 25 * len(frame)), **words)


def sparkline(values: "pd.Series[Any]") -> list[tuple[str, str]]:
    """Return the places (x, y) in 120 by 24 px that a line through values in their order goes through; of one value none."""
    known = values[np.isfinite(values)].to_numpy(float)
    if len(known) < 2:
        return []
    if len(known) > 240:  # of more than can be seen, the lowest and the highest of each part
        known = np.array([*(pick(part) for part in np.array_split(known, 60) for pick in (min, max)), known[-1]])
    y = 21 - 18 * (known - known.min()) / (np.ptp(known) or 1.0)
    return [(f"{x:.0f}", f"{up:.1f}") for x, up in zip(np.linspace(2, 112, len(known)), y, strict=True)]


@dataclass(frozen=True)
class Cards(Exhibit):
    """Judged statements as cards: verdict, what is said, published and computed, the figure's history, what it rests on."""

    template: ClassVar[str] = "cards.html"
    badge, sparkline = staticmethod(style.badge), staticmethod(sparkline)  # for the template

    _: KW_ONLY
    cards: Sequence[Mapping[str, Any]]  # of each by name: id, verdict, kind, says, stated, shown, history, …

    def __repr__(self) -> str:
        return f"{self.title}\n{cards_text(self.cards)}"


def cards_text(cards: Sequence[Mapping[str, Any]], width: int = 80) -> str:
    """Write cards for a terminal: how many have each verdict, then each card, first what fails, depends or is not shown."""
    order = ["fails", "depends", "open", *style.VERDICT_LOOK]
    ranked = sorted(cards, key=lambda one: order.index(one["verdict"]))
    words = {"tally": style.tally(one["verdict"] for one in cards), "looks": style.VERDICT_LOOK, "width": width}
    return style.TEMPLATES.get_template("cards.txt").render(words, cards=ranked)


def _panel(axes: Any, panel: Panel, *, narrow: bool, height_px: float) -> None:
    """Draw a panel, then the names of what it shows: in the margin what reaches it, at its place what does not."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.set_xscale("log" if panel.log_x else "linear")
    lines = [(line, known) for line in panel.lines if len(known := line.values.dropna())]
    if panel.points is not None:
        axes.plot(panel.points, "o", color=QUIET, markersize=3.5, zorder=3)
    margin: list[tuple[Any, ...]] = []
    for line, known in lines:
        axes.plot(known, "--" if line.dashed else "-", color=line.colour, linewidth=line.width, zorder=2.5)
        margin.append((known.iloc[-1], line.label, line.colour, "bold" if line.width > 2 else "normal"))
    if panel.zero:
        axes.axhline(0, color=CONTEXT, linewidth=0.9)
    for mark in panel.marks:
        axes.plot([mark.at], [mark.value], "o", color=mark.colour, markersize=6, clip_on=False, zorder=5)
    axes.margins(y=0.3 if len(panel.marks) > 2 else 0.16 if panel.marks else 0.06)
    low, high = axes.get_ylim()
    for band in panel.bands:
        axes.fill_between(band.high.index, band.low, band.high, color=style.BAND, alpha=0.45, linewidth=0)
        margin.append((band.high.dropna().iloc[-1], band.label, QUIET, "normal"))
    room = (high - low) / 3  # by which bands may widen the value axis on each side; they are cut beyond
    axes.set_ylim(max(min(low, axes.dataLim.y0), low - room), min(max(high, axes.dataLim.y1), high + room))
    axes.set_xlim(min(known.index[0] for _, known in lines), max(known.index[-1] for _, known in lines))
    inside = [mark for mark in panel.marks if _along(axes, mark.at) < AT_THE_EDGE]
    _name_marks(axes, inside, narrow=narrow)
    margin += [(mark.value, mark.label, mark.colour, "bold") for mark in panel.marks if mark not in inside]
    _name_in_margin(axes, sorted(label for label in margin if label[1]), narrow=narrow, height_px=height_px)
    _name(axes, panel.name, narrow=narrow)
    _number_ticks(axes.yaxis, panel.unit, most=5 if height_px < 200 else 7)
    axes.set_xlabel(panel.x_name)
    if isinstance(lines[0][1].index, pd.DatetimeIndex):
        locator: Any = AutoDateLocator(minticks=2, maxticks=5 if narrow else 10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    else:
        _number_ticks(axes.xaxis, panel.x_unit, most=4 if narrow else 8)
        if axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
            axes.axvline(0, color=CONTEXT, linewidth=0.8, linestyle=":")


def _name_marks(axes: Any, marks: Sequence[Mark], *, narrow: bool) -> None:
    """Name marks above them, low ones below: the day in question, then the farthest first; none that would touch another."""
    taken: list[tuple[float, float, bool]] = []
    for mark in sorted(marks, key=lambda one: (one.colour != DAY, -abs(one.value))):
        along, below = _along(axes, mark.at), mark.value < min(sum(axes.get_ylim()) / 2, 0)
        width = len(mark.label) * LETTER_PX / (230 if narrow else 640)  # of the axes' width
        side, before = ("left", 0) if along < width / 2 else ("right", 1) if along > 1 - width / 2 else ("center", 0.5)
        left = along - before * width
        if not any(low == below and start < left + width and left < end for start, end, low in taken):
            taken.append((left, left + width, below))
            look = {"ha": side, "va": "top" if below else "bottom", "size": SMALL_TEXT, "color": mark.colour}
            _words(axes, mark.label, (mark.at, mark.value), "data", (0, -7 if below else 7), **look)


def _name_in_margin(axes: Any, labels: Sequence[tuple[Any, ...]], *, narrow: bool, height_px: float) -> None:
    """Write labels (value, words, colour, weight; ascending) at the right, as near to their heights as none touch."""
    low, high = axes.get_ylim()
    line = LINE_PX / max(height_px - 65, 80)  # of the axes' height
    sizes = [line * len(textwrap.wrap(text, MARGIN_TEXT[narrow])) for _, text, _, _ in labels]
    places = _spread([(value - low) / (high - low) for value, *_ in labels], sizes)
    for (_, text, colour, weight), place in zip(labels, places, strict=True):
        _beside(axes, text, low + place * (high - low), MARGIN_TEXT[narrow], weight=weight, color=colour)


def _spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Move ascending places apart until each has its size, and down again where they then pass the top, 1."""
    places, apart = list(wanted), [(a + b) / 2 for a, b in pairwise(sizes)]
    for i, least in enumerate(apart):
        places[i + 1] = max(places[i + 1], places[i] + least)
    places[-1:] = [min(place, 1.0) for place in places[-1:]]
    for i, least in reversed(list(enumerate(apart))):
        places[i] = min(places[i], places[i + 1] - least)
    return places


def _heights(names: Sequence[str], texts: Sequence[str] = (), *, apart: float = 1.0) -> tuple[float, float]:
    """Give the height of a picture, wide and narrow, each of whose rows holds the longest name and text."""
    said = [(name, ROW_TEXT) for name in names] + [(text, MARGIN_TEXT) for text in texts]
    wide, narrow = (LINE_PX * max(len(textwrap.wrap(one, width[i])) for one, width in said) for i in (0, 1))
    return 75 + len(names) * max(28 * apart, wide + 8), 75 + len(names) * max(23 * apart, narrow + 3)


def _beside(axes: Any, text: str, place: float, width: int, *, left: bool = False, **look: Any) -> None:
    """Write beside the axes, at a value's height, each line by itself: so it keeps its side in whatever font."""
    lines = textwrap.wrap(text, width)
    look = {"va": "center", "ha": "right" if left else "left", "color": INK, **look}
    for i, words in enumerate(lines):
        offset = (-7 if left else 7, ((len(lines) - 1) / 2 - i) * LINE_PX * POINTS_PER_PX)
        _words(axes, words, (0 if left else 1, place), ("axes fraction", "data"), offset, **look)


def _name_rows(axes: Any, places: Any, names: Any, *, narrow: bool) -> None:
    axes.set_yticks([])
    for place, name in zip(places, names, strict=True):
        _beside(axes, str(name), float(place), ROW_TEXT[narrow], left=True)


def _name(axes: Any, name: str, *, narrow: bool) -> None:
    """Write what is drawn above the axes, from the picture's left edge; a blank title keeps the room."""
    text, look = textwrap.fill(name, NAME_TEXT[narrow]), {"color": QUIET, "in_layout": False}
    axes.set_title("\n" * text.count("\n") + " ")
    _words(axes, text, (0, 1), ("figure fraction", "axes fraction"), (2, 6), **look)


def _words(axes: Any, text: str, at: tuple[Any, float], of: Any, offset: tuple[float, float], **look: Any) -> None:
    """Write words at a place, moved by an offset in points; also where the place lies outside the axes."""
    look["color"] = LEGIBLE.get(look["color"], look["color"])
    look |= {"xytext": offset, "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(text, at, xycoords=of, **look)


def _number_ticks(axis: Any, unit: str, *, most: int) -> None:
    """Write an axis in plain numbers, with the digits that tell each from its neighbours; the axis' name has the unit."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    (low, high), logarithmic = sorted(axis.get_view_interval()), axis.get_scale() == "log"
    scale = UNITS[unit][0] if unit in UNITS else 1
    if logarithmic:  # powers of ten are enough for more than one and a half of them
        locator: Any = LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0), numticks=most + 2)
    else:
        halves = [] if scale == 1 and high - low > 5 else [2.5]  # of months and counts are no numbers
        locator = MaxNLocator(most, steps=[1, 2, *halves, 5, 10], integer=unit in WHOLE)
    places = np.array([place for place in locator.tick_values(low, high) if low <= place <= high])
    places = places[:: max(1, len(places) // 2) if logarithmic and most < 5 else 1]  # on a phone they would touch
    numbers = (np.format_float_positional(scale * x, 6, fractional=False, trim="-") for x in places)
    digits = [len(number.partition(".")[2]) for number in numbers]
    digits = digits if logarithmic else [max(digits, default=0)] * len(places)
    texts = [show(float(x), unit, digits=n) for x, n in zip(places, digits, strict=True)]
    axis.set_ticks(places, [text.removesuffix(" pp").removesuffix(" bp") for text in texts])
    axis.set_minor_locator(NullLocator())


def _along(axes: Any, at: Any) -> float:
    """Say where a place lies along the axes, from 0 to 1."""
    number = float(np.asarray(axes.convert_xunits(at)))
    return float((axes.transData - axes.transAxes).transform((number, axes.get_ylim()[0]))[0])
