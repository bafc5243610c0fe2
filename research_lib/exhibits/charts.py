"""The forms of picture: series, paths, curve; intervals, bars, stacked bars; heat map; a sparkline for a table's cell.

Each takes plain frames and gives a `Figure`. Names stand beside what they name, not in a legend. A value axis has horizontal
lines, and an axis starts and ends with its data. Values are decimals where the unit is a fraction, a change or points.
"""
# ruff: noqa: ANN401  # options that another function types, and matplotlib's own

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.exhibits import figure as style
from research_lib.exhibits.figure import CONTEXT, DAY, INK, LARGE_CAPS, QUIET, SMALL_CAPS, Figure, Words, picture
from research_lib.exhibits.format import WHOLE, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Characters a line, wide and narrow: in the margin, of a row's name, of what stands above the axes.
MARGIN_TEXT, ROW_TEXT, NAME_TEXT = (26, 14), (34, 17), (110, 48)
LINE_PX, LETTER_PX = 15.5, 7.0
TEXT, SMALL_TEXT, PHONE_TEXT = (px * style.POINTS_PER_PX for px in (style.TEXT_PX, style.SMALL_TEXT_PX, 10.5))
IN_PERCENT = {"fraction", "share", "change", "points"}
LEGIBLE = {CONTEXT: QUIET, SMALL_CAPS: style.SMALL_CAPS_WORDS}  # of words about what is too light for words
MOST_DECIMALS = 7  # columns of a heat map with decimals, on a phone
AT_THE_EDGE = 0.97  # of an axis: a mark beyond it is named in the margin


@dataclass(frozen=True)
class Line:
    """A line of a panel; its label stands at its end."""

    values: "pd.Series[Any]"
    label: str = ""
    colour: str = INK
    dashed: bool = False
    width: float = 1.3


@dataclass(frozen=True)
class Band:
    """An area between two series; its label stands at the end of its upper side."""

    low: "pd.Series[Any]"
    high: "pd.Series[Any]"
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """A named point."""

    at: Any  # a date or a number
    value: float
    label: str
    colour: str = DAY


@dataclass(frozen=True)
class Panel:
    """One of the panels of a `series` chart, which stand below each other."""

    name: str  # what is drawn and its unit
    lines: Sequence[Line]  # over dates or numbers
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    levels: Mapping[str, float] = field(default_factory=dict)  # horizontal lines by label; with an empty one, plain
    points: "pd.Series[Any] | None" = None  # single observations
    unit: str = "number"
    height: float = 1.0  # relative to the other panels
    x_name: str = ""  # of an axis that is not time, with its unit
    x_unit: str = "number"
    log_x: bool = False


def series(panels: Sequence[Panel], *, height_px: float = 0, **words: Unpack[Words]) -> Figure:
    """Draw one or more panels of lines, with bands, marks and levels, over time or another quantity."""
    if not any(len(line.values.dropna()) > 1 for panel in panels for line in panel.lines):
        raise InsufficientDataError("there are not two values to draw a line through")
    shares = [panel.height / sum(panel.height for panel in panels) for panel in panels]
    first = 260 if len(panels) == 1 else 230
    heights = (height_px or first / shares[0], 145.0 * len(panels) + 65)

    def draw(canvas: Any, narrow: bool) -> None:
        drawn = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=shares)[:, 0]
        for axes, panel, share in zip(drawn, panels, shares, strict=True):
            _panel(axes, panel, narrow=narrow, height_px=heights[narrow] * share)

    return picture(draw, heights, **words)


def paths(
    values: pd.DataFrame, *, mean: "pd.Series[Any] | None" = None, colours: Mapping[Any, str] = {}, **options: Any
) -> Figure:
    """Draw one path a column, over time from an event at 0, each named at its end; the mean is bold.

    Paths with a colour of their own stand out; the others are context. Further options as of `curve`.
    """
    lines = [Line(values[one], str(one), colours.get(one, CONTEXT), width=1 + 0.6 * (one in colours)) for one in values]
    lines += [] if mean is None else [Line(mean, "mean", DAY, width=2.6)]
    return curve(lines, **{"unit": "points", "levels": {"": 0.0}, **options})


def curve(lines: Sequence[Line], *, height_px: float = 340, **options: Any) -> Figure:
    """Draw one panel of lines over another quantity than time; options as of `Panel` and `Figure`."""
    words = {name: options.pop(name) for name in Words.__annotations__ if name in options}
    return series([Panel(lines=lines, **options)], height_px=height_px, **words)


def intervals(
    frame: pd.DataFrame,
    *,
    name: str,
    unit: str = "points",
    colours: Mapping[Any, str] = {},
    log: bool = False,
    as_bars: bool = False,
    **words: Unpack[Words],
) -> Figure:
    """Draw a dot (or a bar from zero) with its interval for each row, named at the left, its value written at the right.

    Columns of `frame`, whose index names the rows: `value`; if there, `low` and `high` (NaN: no interval), `group` (rows of
    one name stand together, coloured by group), `text` (in place of the value at the right), `filled` (False draws a ring),
    `quoted` (a figure that somebody named, drawn as a red line). `colours` is by group or row; `log` by powers of ten.
    """
    if not frame["value"].notna().any():
        raise InsufficientDataError("no row has a value")
    names = list(dict.fromkeys(str(row) for row in frame.index))
    groups = list(dict.fromkeys(frame["group"])) if "group" in frame else [""]
    chosen = {"small": SMALL_CAPS, "large": LARGE_CAPS, **colours}
    step = 0.76 / len(groups)
    rows: list[Any] = frame.assign(row=[str(row) for row in frame.index]).to_dict("records")
    for row in rows:
        group = row.setdefault("group", "")
        row["place"] = len(names) - 1 - names.index(row["row"]) + step * ((len(groups) - 1) / 2 - groups.index(group))
        row["colour"] = chosen.get(group or row["row"], CONTEXT if as_bars else INK)
        row["text"] = row.get("text") or f"{group} {show(row['value'], unit)}".strip()

    def draw(canvas: Any, narrow: bool) -> None:
        axes, weight = canvas.subplots(), "bold" if as_bars else "normal"
        axes.set_xscale("log" if log else "linear")
        for row in rows:
            _row(axes, row, unit, bar=0.8 * step if as_bars else 0)
            _beside(axes, row["text"], row["place"], MARGIN_TEXT[narrow], weight=weight)
        axes.set_ylim(-0.6, len(names) - (0.1 if "quoted" in frame else 0.4))
        axes.margins(x=0.04)
        if as_bars and axes.dataLim.xmin >= 0:
            axes.set_xlim(left=0)
        elif not log and axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
            axes.axvline(0, color=CONTEXT, linewidth=0.9)
        _name_rows(axes, np.arange(len(names))[::-1], names, narrow=narrow)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        _name(axes, name, narrow=narrow)
        _number_ticks(axes.xaxis, unit, most=4 if narrow else 8)

    apart = max(1, 0.62 * len(groups), 2.2 * ("quoted" in frame))
    texts = [(row["text"], MARGIN_TEXT) for row in rows] + [(one, ROW_TEXT) for one in names]
    wide, narrow = _row_px(texts, apart)
    return picture(draw, (75 + wide * len(names), 75 + narrow * len(names)), **words)


bars = partial(intervals, as_bars=True)


def stacked(frame: pd.DataFrame, *, colours: Mapping[str, str], **words: Unpack[Words]) -> Figure:
    """Draw one bar a row, divided by column into parts of the columns' colours, with the counts in the parts."""

    def draw(canvas: Any, narrow: bool) -> None:
        axes, left = canvas.subplots(), np.zeros(len(frame))
        places, least = np.arange(len(frame))[::-1], frame.sum(axis=1).max() * (0.06 if narrow else 0.022)
        for column in frame:
            counts, colour = frame[column].to_numpy(float), colours[str(column)]
            look = {"color": colour, "edgecolor": style.PAPER, "linewidth": 1, "label": column}
            drawn = axes.barh(places, counts, 0.62, left=left, **look)
            texts = [f"{count:.0f}" if count > least else "" for count in counts]
            axes.bar_label(drawn, texts, label_type="center", color=style.ink_on(colour))
            left = left + counts
        _name_rows(axes, places, frame.index, narrow=narrow)
        axes.set_axis_off()
        canvas.legend(loc="outside upper left", ncols=3 if narrow else 8)

    wide, narrow = _row_px([(str(row), ROW_TEXT) for row in frame.index])
    return picture(draw, (75 + wide * len(frame), 100 + narrow * len(frame)), **words)


def heat_map(
    frame: pd.DataFrame,
    *,
    unit: str = "points",
    positive: str = style.POSITIVE,
    negative: str = style.NEGATIVE,
    apart: Sequence[str] = (),
    **words: Unpack[Words],
) -> Figure:
    """Draw a table of numbers whose ground says their size: none at zero, the ends' colours at the largest.

    The unit stands in the deck, not in the cells. Before the columns and rows named in `apart` is a gap; such a row is bold
    (a mean below its cases). Of small minus large, give `SMALL_CAPS` and `LARGE_CAPS` as the ends.
    """
    values, rows, columns = frame.to_numpy(float), [str(row) for row in frame.index], [str(one) for one in frame]
    if not np.isfinite(values).any():
        raise InsufficientDataError("no cell has a value")
    deepest = float(np.nanmax(np.abs(values))) or 1.0
    across = [i + 0.12 * sum(one in apart for one in columns[: i + 1]) for i in range(len(columns))]
    down = [i + 0.35 * sum(one in apart for one in rows[: i + 1]) for i in range(len(rows))]

    def draw(canvas: Any, narrow: bool) -> None:
        from matplotlib.patches import Rectangle

        axes, size = canvas.subplots(), PHONE_TEXT if narrow else TEXT
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                ground, depth = positive if value > 0 else negative, 0.05 + 0.6 * abs(value) / deepest
                axes.add_patch(Rectangle((across[j], down[i]), 1, 1, facecolor=ground, alpha=depth, linewidth=0))
                digits = 0 if narrow and len(columns) > MOST_DECIMALS else None
                text = show(float(value), unit, digits=digits).removesuffix(" pp").removesuffix("%")
                # Not in the layout: to measure each cell takes half the time.
                look = {"size": size, "weight": "bold" if rows[i] in apart else "normal", "in_layout": False}
                axes.text(across[j] + 0.5, down[i] + 0.5, text, ha="center", va="center", **look)
        axes.set_xlim(0, across[-1] + 1)
        axes.set_ylim(down[-1] + 1, 0)
        axes.set_xticks([place + 0.5 for place in across], columns)
        _name_rows(axes, [place + 0.5 for place in down], rows, narrow=narrow)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelsize=size)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return picture(draw, (50 + 31 * len(frame), 45 + 25 * len(frame)), **words)


def sparkline(values: "pd.Series[Any]") -> str:
    """Return a line of 120 by 24 px for a table's cell: the values in their order, the last one as a dot."""
    known = _thinned(values[np.isfinite(values.to_numpy(float))], 60).to_numpy(float)
    if len(known) < 2:
        return ""
    y = 21 - 18 * (known - known.min()) / (np.ptp(known) or 1.0)
    line = " ".join(f"{x:.0f},{up:.1f}" for x, up in zip(np.linspace(2, 112, len(known)), y, strict=True))
    return (
        '<svg class="sparkline" aria-hidden="true" width="120" height="24" viewBox="0 0 120 24">'
        f'<polyline points="{line}" fill="none" stroke="var(--quiet, {QUIET})"/>'
        f'<circle cx="112" cy="{y[-1]:.1f}" r="3" fill="var(--day, {DAY})"/></svg>'
    )


def _panel(axes: "Axes", panel: Panel, *, narrow: bool, height_px: float) -> None:
    """Draw a panel, then the names of what it shows: in the margin what reaches it, at its place what does not."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.set_xscale("log" if panel.log_x else "linear")
    known = [line.values.dropna() for line in panel.lines]
    first, last = min(v.index[0] for v in known if len(v)), max(v.index[-1] for v in known if len(v))
    if panel.points is not None:
        axes.plot(panel.points.index, panel.points, "o", color=QUIET, markersize=3.5, linewidth=0, zorder=3)
    for line, values in zip(panel.lines, known, strict=True):
        seen, dash = _thinned(values, style.WIDE_PX), "--" if line.dashed else "-"
        axes.plot(seen.index, seen, color=line.colour, linewidth=line.width, linestyle=dash, zorder=2.5)
    for label, level in panel.levels.items():
        axes.axhline(level, color=CONTEXT, linewidth=0.9, linestyle="--" if label else "-")
    for mark in panel.marks:
        axes.plot([mark.at], [mark.value], "o", color=mark.colour, markersize=6, clip_on=False, zorder=5)
    axes.margins(y=0.3 if len(panel.marks) > 2 else 0.16 if panel.marks else 0.06)
    low, high = axes.get_ylim()
    for band in panel.bands:
        x = np.asarray(_thinned(band.high, style.WIDE_PX // 2).index)
        axes.fill_between(x, band.low[x], band.high[x], color=style.BAND, alpha=0.45, linewidth=0)
    room = (high - low) / 3  # by which bands may widen the value axis on each side; they are cut beyond
    axes.set_ylim(max(min(low, axes.dataLim.y0), low - room), min(max(high, axes.dataLim.y1), high + room))
    axes.set_xlim(first, last)
    inside = [mark for mark in panel.marks if _along(axes, mark.at) < AT_THE_EDGE]
    _name_marks(axes, inside, narrow=narrow)
    ends = [(line, values.iloc[-1]) for line, values in zip(panel.lines, known, strict=True) if len(values)]
    margin = [(float(end), line.label, line.colour, "bold" if line.width > 2 else "normal") for line, end in ends]
    margin += [(float(band.high.dropna().iloc[-1]), band.label, QUIET, "normal") for band in panel.bands]
    margin += [(level, label, QUIET, "normal") for label, level in panel.levels.items()]
    margin += [(mark.value, mark.label, mark.colour, "bold") for mark in panel.marks if mark not in inside]
    _name_in_margin(axes, [label for label in margin if label[1]], narrow=narrow, height_px=height_px)
    _name(axes, panel.name, narrow=narrow)
    axes.set_xlabel(panel.x_name)
    _number_ticks(axes.yaxis, panel.unit, most=5 if height_px < 200 else 7)
    if isinstance(first, pd.Timestamp):
        locator = AutoDateLocator(minticks=2, maxticks=5 if narrow else 10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    else:
        _number_ticks(axes.xaxis, panel.x_unit, most=4 if narrow else 8)
        if not panel.log_x and first < 0 < last:
            axes.axvline(0, color=CONTEXT, linewidth=0.8, linestyle=":")


def _name_marks(axes: "Axes", marks: Sequence[Mark], *, narrow: bool) -> None:
    """Name marks above them, low ones below; a name that would touch stands farther off, on a phone it is left out."""
    taken: list[tuple[float, float, bool, int]] = []
    letter = LETTER_PX / (230 if narrow else 640)  # of the axes' width
    for mark in sorted(marks, key=lambda one: -abs(one.value)):
        along, below = _along(axes, mark.at), mark.value < min(sum(axes.get_ylim()) / 2, 0)
        side, before = ("left", 0.0) if along < 0.2 else ("right", 1.0) if along > 0.8 else ("center", 0.5)
        width = letter * len(mark.label)
        left = along - before * width
        used = {at for start, end, low, at in taken if low == below and start < left + width and left < end}
        level = next(at for at in range(len(marks)) if at not in used)
        if narrow and level:
            continue
        taken.append((left, left + width, below, level))
        up = (-1 if below else 1) * (7 + 11 * level)
        look = {"ha": side, "va": "top" if below else "bottom", "size": SMALL_TEXT, "color": mark.colour}
        _words(axes, mark.label, (mark.at, mark.value), "data", (0, up), **look)


def _name_in_margin(axes: "Axes", labels: Sequence[tuple[Any, ...]], *, narrow: bool, height_px: float) -> None:
    """Write labels (value, words, colour, weight) at the right of the axes, as near to their heights as none touch."""
    ordered, (low, high) = sorted(labels), axes.get_ylim()
    line = LINE_PX / max(height_px - 65, 80)  # of the axes' height
    sizes = [line * len(textwrap.wrap(text, MARGIN_TEXT[narrow])) for _, text, _, _ in ordered]
    places = _spread([(value - low) / (high - low) for value, *_ in ordered], sizes)
    for (_, text, colour, weight), place in zip(ordered, places, strict=True):
        _beside(axes, text, low + place * (high - low), MARGIN_TEXT[narrow], weight=weight, color=colour)


def _spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Move ascending places apart until each has its size, and down again where they then pass the top, 1."""
    places = list(wanted)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + (sizes[i - 1] + sizes[i]) / 2)
    above = 1.0 + (sizes[-1] / 2 if sizes else 0)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], above - sizes[i] / 2)
        above = places[i] - sizes[i] / 2
    return places


def _row_px(texts: Sequence[tuple[str, tuple[int, int]]], apart: float = 1.0) -> Iterator[float]:
    """Give the height of a row, wide and narrow, that holds the longest of some texts, each within its width."""
    for i, (least, between) in enumerate(((28.0, 8.0), (23.0, 3.0))):
        lines = max(len(textwrap.wrap(text, width[i])) for text, width in texts)
        yield max(least * apart, lines * LINE_PX + between)


def _row(axes: "Axes", row: Mapping[str, Any], unit: str, *, bar: float) -> None:
    """Draw a row's bar or dot, its interval and what was quoted."""
    place, colour = row["place"], row["colour"]
    if bar:
        axes.barh(place, row["value"], bar, color=colour)
    if pd.notna(row.get("low")) and pd.notna(row.get("high")):
        axes.hlines(place, row["low"], row["high"], color=INK if bar else colour, linewidth=1.8)
    if not bar:
        face = colour if row.get("filled", True) else style.PAPER
        axes.plot([row["value"]], [place], "o", color=colour, markerfacecolor=face, markersize=6.5, zorder=4)
    if pd.notna(quoted := row.get("quoted")):
        axes.vlines(quoted, place - 0.42, place + 0.42, color=DAY, linewidth=2.2)
        look = {"ha": "center", "va": "bottom", "color": DAY, "weight": "bold", "size": SMALL_TEXT}
        _words(axes, f"quoted {show(quoted, unit)}", (quoted, place + 0.44), "data", (0, 0), **look)


def _beside(axes: "Axes", text: str, place: float, width: int, *, left: bool = False, **look: Any) -> None:
    """Write beside the axes, at a value's height, each line by itself: so it keeps its side in whatever font."""
    lines = textwrap.wrap(text, width)
    look = {"va": "center", "ha": "right" if left else "left", "color": INK, **look}
    for i, words in enumerate(lines):
        offset = (-7 if left else 7, ((len(lines) - 1) / 2 - i) * LINE_PX * style.POINTS_PER_PX)
        _words(axes, words, (0 if left else 1, place), ("axes fraction", "data"), offset, **look)


def _name_rows(axes: "Axes", places: Any, names: Any, *, narrow: bool) -> None:
    axes.set_yticks([])
    for place, name in zip(places, names, strict=True):
        _beside(axes, str(name), float(place), ROW_TEXT[narrow], left=True)


def _name(axes: "Axes", name: str, *, narrow: bool) -> None:
    """Write what is drawn above the axes, from the picture's left edge; a blank title keeps the room."""
    text, look = textwrap.fill(name, NAME_TEXT[narrow]), {"color": QUIET, "in_layout": False}
    axes.set_title("\n" * text.count("\n") + " ")
    _words(axes, text, (0, 1), ("figure fraction", "axes fraction"), (2, 6), **look)


def _words(axes: "Axes", text: str, at: tuple[Any, float], of: Any, offset: tuple[float, float], **look: Any) -> None:
    """Write words at a place, moved by an offset in points; also where the place lies outside the axes."""
    look["color"] = LEGIBLE.get(look["color"], look["color"])
    look |= {"xytext": offset, "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(text, at, xycoords=of, **look)


def _number_ticks(axis: "Axis", unit: str, *, most: int) -> None:
    """Write an axis in plain numbers of a unit, with as many digits as its steps need."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    logarithmic = axis.get_scale() == "log"
    if logarithmic:  # powers of ten are enough for more than one and a half of them
        locator: Any = LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0), numticks=most + 2)
    else:
        halves = [] if unit not in IN_PERCENT and high - low > 5 else [2.5]  # of months and counts are no numbers
        locator = MaxNLocator(most, steps=[1, 2, *halves, 5, 10], integer=unit in WHOLE)
    places = [float(place) for place in locator.tick_values(low, high) if low <= place <= high]
    texts = [_tick(place, unit, [place] if logarithmic else places) for place in places]
    axis.set_ticks(places, texts)
    axis.set_minor_locator(NullLocator())


def _tick(value: float, unit: str, beside: Sequence[float]) -> str:
    """Write a tick with the digits that tell it from those beside it; the unit stands in the axis' name."""
    scaled = np.array(beside) * (100 if unit in IN_PERCENT else 1)
    digits = next(n for n in range(12) if np.allclose(scaled, scaled.round(n), rtol=1e-6, atol=0) or n == 11)
    return show(value, unit, digits=digits).removesuffix(" pp").removesuffix(" bp")


def _thinned(values: "pd.Series[Any]", parts: int) -> "pd.Series[Any]":
    """Keep, of more values than can be seen, the lowest and the highest of each part, and both ends."""
    n = len(values)
    if n <= 4 * parts:
        return values
    numbers = np.nan_to_num(values.to_numpy(float), nan=float(values.min()))
    spans = [(a, numbers[a:b]) for a, b in pairwise(np.linspace(0, n, parts + 1).astype(int))]
    kept = {0, n - 1} | {a + int(pick(part)) for a, part in spans for pick in (np.argmin, np.argmax)}
    return values.iloc[sorted(kept)]


def _along(axes: "Axes", at: Any) -> float:
    """Say where a place lies along the axes, from 0 to 1."""
    number = float(np.asarray(axes.convert_xunits(at)))  # type: ignore[no-untyped-call]
    return float((axes.transData - axes.transAxes).transform((number, axes.get_ylim()[0]))[0])
