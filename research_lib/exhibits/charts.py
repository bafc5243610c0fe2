"""The forms of picture: series, paths, curve, intervals, bars, stacked bars, histogram, heat map; a sparkline for a table's cell.

Each takes plain frames and gives a `Figure`. Names stand beside what they name, not in a legend. A value axis has horizontal
lines, and an axis starts and ends with its data. Values are decimals where the unit is a fraction, a change or points.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, log10
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.exhibits.figure import (
    BAND,
    CONTEXT,
    DAY,
    INK,
    LARGE_CAPS,
    NEGATIVE,
    PAPER,
    POINTS_PER_PX,
    POSITIVE,
    QUIET,
    SMALL_CAPS,
    SMALL_CAPS_WORDS,
    SMALL_TEXT_PX,
    TEXT_PX,
    WIDE_PX,
    Figure,
    Words,
    ink_on,
    picture,
)
from research_lib.exhibits.format import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Characters a line, wide and narrow: in the margin, of a row's name, of what stands above the axes.
MARGIN_TEXT, ROW_TEXT, NAME_TEXT = (26, 14), (34, 17), (110, 48)
LINE_PX, ROW_PX = 15.5, 34.0
TEXT, SMALL_TEXT, PHONE_TEXT = (px * POINTS_PER_PX for px in (TEXT_PX, SMALL_TEXT_PX, 10.5))
IN_PERCENT = {"fraction", "share", "change", "points"}
AT_THE_EDGE = 0.97  # of an axis: a mark beyond it is named in the margin
WORD_COLOURS = {CONTEXT: QUIET, SMALL_CAPS: SMALL_CAPS_WORDS}  # what is too light to be read
Values = pd.Series  # of numbers; dates or numbers as index
Place = Any  # a date or a number
MarginLabel = tuple[float, str, str, bool]  # beside which value, words, colour, whether bold


@dataclass(frozen=True)
class Line:
    """A line of a panel; its label stands at its end."""

    values: "Values[Any]"
    label: str = ""
    colour: str = INK
    dashed: bool = False
    width: float = 1.3


@dataclass(frozen=True)
class Band:
    """An area between two series; its label stands at the end of its upper side."""

    low: "Values[Any]"
    high: "Values[Any]"
    label: str = ""
    colour: str = BAND


@dataclass(frozen=True)
class Mark:
    """A named point."""

    at: Place
    value: float
    label: str
    colour: str = DAY


@dataclass(frozen=True)
class Panel:
    """One of the panels of a `series` chart, which stand below each other.

    Attributes
    ----------
    name, x_name : str
        What stands up and what along, each with its unit; dates need no name.
    lines, bands, marks : sequence
        What is drawn.
    levels : mapping
        Horizontal lines: label -> value; with an empty label, plain.
    spans : sequence of (start, end)
        Parts on a shaded ground.
    points : Series, optional
        Single observations, drawn as dots.
    unit, x_unit : str
        Of the values, for the axes.
    log, log_x : bool
        Whether an axis is logarithmic, in plain numbers.
    height : float
        Relative to the other panels.
    """

    name: str
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    levels: Mapping[str, float] = field(default_factory=dict)
    spans: Sequence[tuple[Place, Place]] = ()
    points: "Values[Any] | None" = None
    unit: str = "number"
    log: bool = False
    height: float = 1.0
    x_name: str = ""
    x_unit: str = "number"
    log_x: bool = False


def series(panels: Sequence[Panel], *, height_px: float = 0, **words: Unpack[Words]) -> Figure:
    """Draw one or more panels of lines, with bands, marks, levels and shaded spans, over time or another quantity.

    Parameters
    ----------
    panels : sequence of Panel
        From top to bottom.
    height_px : float, optional
        Of the whole; by default 300 for the first panel and as much for the others as their heights ask.
    """
    if not any(len(line.values.dropna()) > 1 for panel in panels for line in panel.lines):
        raise InsufficientDataError("there are not two values to draw a line through")
    shares = [panel.height / sum(panel.height for panel in panels) for panel in panels]
    heights = (height_px or 300 / shares[0], 200.0 * len(panels) + 100)

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        drawn = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=shares)[:, 0]
        for axes, panel, share in zip(drawn, panels, shares, strict=True):
            _panel(axes, panel, narrow=narrow, height_px=heights[narrow] * share)

    return picture(draw, heights, **words)


def paths(  # what may differ between cases
    values: pd.DataFrame,
    *,
    name: str,
    unit: str = "points",
    mean: "Values[Any] | None" = None,
    highlight: Sequence[str] = (),
    colours: Mapping[Any, str] | None = None,
    marks: Sequence[Mark] = (),
    x_name: str = "",
    **words: Unpack[Words],
) -> Figure:
    """Draw one path a column, over time from an event (the index; 0 is the event), each named at its end.

    Parameters
    ----------
    values : DataFrame
        Index: sessions or months from the event; one column a case, named as it is to be labelled.
    mean : Series, optional
        Drawn bold.
    highlight : sequence of str, optional
        Columns to draw in ink; the others are context.
    colours : mapping, optional
        Column -> colour, where groups are told apart.
    """
    chosen = {**dict.fromkeys(highlight, INK), **(colours or {})}
    lines = [
        Line(values[one], str(one), chosen.get(one, CONTEXT), width=1.6 if one in chosen else 1.0) for one in values
    ]
    if mean is not None:
        lines.append(Line(mean, "mean", DAY, width=2.6))
    return series([Panel(name, lines, marks=marks, levels={"": 0.0}, unit=unit, x_name=x_name)], height_px=420, **words)


def curve(  # noqa: PLR0913  # the parts of a panel
    lines: Sequence[Line],
    *,
    name: str,
    x_name: str,
    unit: str = "number",
    x_unit: str = "number",
    bands: Sequence[Band] = (),
    points: "Values[Any] | None" = None,
    marks: Sequence[Mark] = (),
    levels: Mapping[str, float] | None = None,
    log_x: bool = False,
    **words: Unpack[Words],
) -> Figure:
    """Draw values over another quantity than time (return levels, a specification curve); arguments as of `Panel`."""
    panel = Panel(
        name, lines, bands, marks, levels or {}, points=points, unit=unit, x_name=x_name, x_unit=x_unit, log_x=log_x
    )
    return series([panel], height_px=380, **words)


def intervals(  # the parts of a row
    frame: pd.DataFrame,
    *,
    name: str,
    unit: str = "points",
    colours: Mapping[Any, str] | None = None,
    log: bool = False,
    as_bars: bool = False,
    **words: Unpack[Words],
) -> Figure:
    """Draw a dot with its interval for each row; rows are named at the left and their values written at the right.

    Parameters
    ----------
    frame : DataFrame
        Index: the rows' names. Columns: `value`; if there, `low` and `high` (NaN: no interval), `group` (rows of one name stand
        together, coloured by group), `text` (in place of the value at the right), `filled` (False draws a ring), `quoted` (a
        figure that somebody named, drawn as a red line).
    name : str
        What is drawn and its unit; stands above the axes.
    colours : mapping, optional
        Group or row name -> colour; "small" and "large" have theirs.
    log : bool
        Whether the value axis is logarithmic.
    """
    if not frame["value"].notna().any():
        raise InsufficientDataError("no row has a value")
    names = list(dict.fromkeys(str(row) for row in frame.index))
    groups = list(dict.fromkeys(frame["group"])) if "group" in frame else [""]
    chosen = {"small": SMALL_CAPS, "large": LARGE_CAPS, **(colours or {})}
    step = 0.76 / len(groups)
    rows: list[Any] = frame.assign(row=[str(row) for row in frame.index]).to_dict("records")
    for row in rows:
        group = row.setdefault("group", "")
        row["place"] = len(names) - 1 - names.index(row["row"]) + step * ((len(groups) - 1) / 2 - groups.index(group))
        row["colour"] = chosen.get(group or row["row"], CONTEXT if as_bars else INK)
        row["text"] = row.get("text") or f"{group} {show(row['value'], unit)}".strip()

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes = canvas.subplots()
        axes.set_xscale("log" if log else "linear")
        for row in rows:
            _row(axes, row, unit, bar=0.8 * step if as_bars else 0)
            _write(axes, row["text"], (1, row["place"]), MARGIN_TEXT[narrow], right=False, bold=as_bars)
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

    def height(narrow: bool) -> float:
        texts = [(row["text"], MARGIN_TEXT) for row in rows] + [(one, ROW_TEXT) for one in names]
        lines = max(len(textwrap.wrap(text, width[narrow])) for text, width in texts)
        row_px = max(ROW_PX * max(0.62 * len(groups), 1.9 * ("quoted" in frame)), LINE_PX * lines + 8, ROW_PX)
        return 75 + row_px * len(names)

    return picture(draw, (height(False), height(True)), **words)


def bars(frame: pd.DataFrame, **options: Any) -> Figure:  # noqa: ANN401  # as of intervals
    """Draw a bar from zero for each row, with its interval and a quoted figure; arguments as of `intervals`."""
    return intervals(frame, as_bars=True, **options)


def stacked(frame: pd.DataFrame, *, colours: Mapping[str, str], name: str = "", **words: Unpack[Words]) -> Figure:
    """Draw one bar a row, divided by column: counts of verdicts by article, for one. The counts stand in the parts.

    Parameters
    ----------
    frame : DataFrame
        Counts; a row a bar, a column a part.
    colours : mapping
        Column -> colour.
    """

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes, left = canvas.subplots(), np.zeros(len(frame))
        places, least = np.arange(len(frame))[::-1], frame.sum(axis=1).max() * (0.06 if narrow else 0.022)
        for column in frame:
            counts, colour = frame[column].to_numpy(float), colours[str(column)]
            axes.barh(places, counts, 0.62, left=left, color=colour, edgecolor=PAPER, linewidth=1)
            for place, count, start in zip(places, counts, left, strict=True):
                if count > least:
                    axes.text(start + count / 2, place, f"{count:.0f}", ha="center", va="center", color=ink_on(colour))
            left = left + counts
        _name_rows(axes, places, frame.index, narrow=narrow)
        _name(axes, name, narrow=narrow)
        axes.grid(visible=False)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    return picture(draw, 40 + ROW_PX * len(frame), **words)


def histogram(
    values: "Values[Any]",
    *,
    name: str,
    unit: str = "number",
    marks: Mapping[str, float] | None = None,
    bins: int = 60,
    **words: Unpack[Words],
) -> Figure:
    """Draw how often values occur, with named ones marked.

    Parameters
    ----------
    marks : mapping, optional
        Label -> value; lines in the colour of the day in question.
    """
    known = values.dropna().to_numpy(float)
    if len(known) < 2:
        raise InsufficientDataError("there are not two values to draw a distribution of")
    named = sorted((marks or {}).items(), key=lambda mark: mark[1])
    counts, edges = np.histogram(known, bins=bins)

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes, top = canvas.subplots(), float(counts.max())
        axes.stairs(counts, edges, fill=True, color=BAND)
        for i, (label, value) in enumerate(named):
            height = top * (1.02 + 0.11 * (len(named) - i))
            axes.vlines(value, 0, height, color=DAY, linewidth=1.4)
            left = value > edges.mean()
            axes.annotate(label, (value, height), xytext=(-5 if left else 5, 0), textcoords="offset points", va="top",
                          ha="right" if left else "left", color=DAY, weight="bold", annotation_clip=False)  # fmt: skip
        axes.set_ylim(0, top * (1.05 + 0.11 * len(named)))
        axes.margins(x=0.02)
        _name(axes, name, narrow=narrow)
        axes.yaxis.set_visible(False)
        _number_ticks(axes.xaxis, unit, most=5 if narrow else 9)

    return picture(draw, (320, 280), **words)


def heat_map(  # the parts of a map
    frame: pd.DataFrame,
    *,
    unit: str = "points",
    digits: int | None = None,
    positive: str = POSITIVE,
    negative: str = NEGATIVE,
    apart: Sequence[str] = (),
    most: float | None = None,
    **words: Unpack[Words],
) -> Figure:
    """Draw a table of numbers whose ground says their size: none at zero, the ends' colours at the largest.

    Parameters
    ----------
    frame : DataFrame
        Numbers; NaN leaves its cell empty.
    unit : str
        Of all of them; it stands in the deck, not in the cells.
    positive, negative : str
        Colours of the ends. Of small minus large, give `SMALL_CAPS` and `LARGE_CAPS`.
    apart : sequence of str, optional
        Names of columns and rows before which a gap stands; such a row is bold (a mean below its cases).
    most : float, optional
        The value at which the ground is deepest; by default the largest.
    """
    values, rows, columns = frame.to_numpy(float), [str(row) for row in frame.index], [str(one) for one in frame]
    if not np.isfinite(values).any():
        raise InsufficientDataError("no cell has a value")
    deepest = most or float(np.nanmax(np.abs(values))) or 1.0
    across = [i + 0.12 * sum(one in apart for one in columns[: i + 1]) for i in range(len(columns))]
    down = [i + 0.35 * sum(one in apart for one in rows[: i + 1]) for i in range(len(rows))]

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        from matplotlib.patches import Rectangle

        axes, size = canvas.subplots(), PHONE_TEXT if narrow else TEXT
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                ground = positive if value > 0 else negative
                depth = 0.05 + 0.6 * min(abs(value) / deepest, 1.0)
                axes.add_patch(Rectangle((across[j], down[i]), 1, 1, facecolor=ground, alpha=depth, linewidth=0))
                axes.text(across[j] + 0.5, down[i] + 0.5, _bare(value, unit, digits), ha="center", va="center", size=size,
                          weight="bold" if rows[i] in apart else "normal")  # fmt: skip
        axes.set_xlim(0, across[-1] + 1)
        axes.set_ylim(down[-1] + 1, 0)
        axes.set_xticks([place + 0.5 for place in across], columns)
        _name_rows(axes, [place + 0.5 for place in down], rows, narrow=narrow)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelsize=size)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return picture(draw, 50 + 36 * len(frame), **words)


def sparkline(values: "Values[Any]", *, mark: float | None = None) -> str:
    """Return a line of 120 by 24 px for a table's cell: the values in their order, the last one (or `mark`) as a dot."""
    known = _thinned(values.dropna(), 60).to_numpy(float)
    if len(known) < 2:
        return ""
    low, high = known.min(), known.max()
    last = known[-1] if mark is None else min(max(mark, low), high)
    y = 21 - 18 * (np.append(known, last) - low) / ((high - low) or 1.0)
    line = " ".join(f"{x:.0f},{up:.1f}" for x, up in zip(np.linspace(2, 112, len(known)), y, strict=False))
    return (
        f'<svg class="sparkline" aria-hidden="true" width="120" height="24" viewBox="0 0 120 24"><polyline points="{line}" '
        f'fill="none" stroke="var(--quiet, {QUIET})"/><circle cx="112" cy="{y[-1]:.1f}" r="3" fill="var(--day, {DAY})"/></svg>'
    )


def _panel(axes: "Axes", panel: Panel, *, narrow: bool, height_px: float) -> None:
    """Draw a panel, then the names of what it shows: in the margin what reaches it, at its place what does not."""
    axes.set_yscale("log" if panel.log else "linear")
    axes.set_xscale("log" if panel.log_x else "linear")
    lines = [(line, _dated(line.values).dropna()) for line in panel.lines]
    known = [values for _, values in lines if len(values)]
    first, last = min(values.index[0] for values in known), max(values.index[-1] for values in known)
    for start, end in panel.spans:
        axes.axvspan(start, end, color=BAND, alpha=0.4, linewidth=0)
    if panel.points is not None:
        axes.plot(panel.points.index, panel.points, "o", color=QUIET, markersize=3.5, linewidth=0, zorder=3)
    margin = _draw_bands(axes, panel.bands)
    for line, values in lines:
        seen = _thinned(values, WIDE_PX)
        axes.plot(seen.index, seen, color=line.colour, linewidth=line.width, linestyle="--" if line.dashed else "-")
        if line.label and len(values):
            margin.append((float(values.iloc[-1]), line.label, line.colour, line.width > 2))
    for label, level in panel.levels.items():
        axes.axhline(level, color=CONTEXT, linewidth=0.9, linestyle="--" if label else "-")
        margin += [(level, label, QUIET, False)] if label else []
    axes.set_xlim(first, last)
    if not isinstance(first, pd.Timestamp) and not panel.log_x and first < 0 < last:
        axes.axvline(0, color=CONTEXT, linewidth=0.8, linestyle=":")
    axes.set_ylim(*_value_limits(panel, known))
    at_the_edge = [mark for mark in panel.marks if _along(axes, mark.at) > AT_THE_EDGE]
    for mark in panel.marks:
        axes.plot([mark.at], [mark.value], "o", color=mark.colour, markersize=6, clip_on=False, zorder=5)
    _name_marks(axes, [mark for mark in panel.marks if mark not in at_the_edge], narrow=narrow)
    margin += [(mark.value, mark.label, mark.colour, True) for mark in at_the_edge]
    _name_in_margin(axes, margin, narrow=narrow, height_px=height_px)
    _name(axes, panel.name, narrow=narrow)
    axes.set_xlabel(panel.x_name)
    _number_ticks(axes.yaxis, panel.unit, most=5 if height_px < 200 else 7)
    if isinstance(first, pd.Timestamp):
        _date_ticks(axes.xaxis, most=5 if narrow else 10)
    else:
        _number_ticks(axes.xaxis, panel.x_unit, most=4 if narrow else 8)


def _draw_bands(axes: "Axes", bands: Sequence[Band]) -> list[MarginLabel]:
    labels = []
    for band in bands:
        low, high = _dated(band.low), _dated(band.high)
        seen = _thinned(high, WIDE_PX // 2).index
        depth = 0.45 if band.colour == BAND else 0.2
        axes.fill_between(np.asarray(seen), low[seen], high[seen], color=band.colour, alpha=depth, linewidth=0)
        if band.label and high.notna().any():
            labels.append((float(high.dropna().iloc[-1]), band.label, QUIET, False))
    return labels


def _value_limits(panel: Panel, lines: Sequence["Values[Any]"]) -> tuple[float, float]:
    """Start and end an axis with what is drawn; a band may widen it by a third of the lines' range on each side."""
    scale, back = (np.log10, lambda power: 10.0**power) if panel.log else (np.asarray, float)
    named = [mark.value for mark in panel.marks] + list(panel.levels.values())
    points = [] if panel.points is None else [panel.points]
    drawn = scale(np.concatenate([np.asarray(one, dtype=float) for one in [*lines, *points, named]]))
    low, high = float(np.nanmin(drawn)), float(np.nanmax(drawn))
    room = (high - low) or abs(high) or 1.0
    for band in panel.bands:
        low = min(low, max(float(np.nanmin(scale(band.low.to_numpy(float)))), np.nanmin(drawn) - room / 3))
        high = max(high, min(float(np.nanmax(scale(band.high.to_numpy(float)))), np.nanmax(drawn) + room / 3))
    return back(low - 0.06 * room), back(high + (0.16 if panel.marks else 0.06) * room)


def _name_marks(axes: "Axes", marks: Sequence[Mark], *, narrow: bool) -> None:
    """Write the names of marks above them (below, where they are low), each a line farther off than a near one's."""
    written: list[tuple[float, bool]] = []
    letter = 7.0 / (230 if narrow else 640)  # of the axes' width
    for mark in sorted(marks, key=lambda one: _along(axes, one.at)):
        along, below = _along(axes, mark.at), mark.value < min(sum(axes.get_ylim()) / 2, 0)
        level = sum(side == below and along - other < letter * len(mark.label) for other, side in written)
        written.append((along, below))
        axes.annotate(
            mark.label, (mark.at, mark.value), xytext=(0, (-1 if below else 1) * (7 + 11 * level)),
            textcoords="offset points", ha="left" if along < 0.2 else "right" if along > 0.8 else "center",
            va="top" if below else "bottom", color=WORD_COLOURS.get(mark.colour, mark.colour), size=SMALL_TEXT,
            annotation_clip=False,
        )  # fmt: skip


def _name_in_margin(axes: "Axes", labels: Sequence[MarginLabel], *, narrow: bool, height_px: float) -> None:
    """Write names at the right of the axes, at their heights, or as near to them as they have room without touching."""
    ordered = sorted(labels)
    line = LINE_PX / max(height_px - 65, 80)  # of the axes' height
    sizes = [line * len(textwrap.wrap(text, MARGIN_TEXT[narrow])) for _, text, _, _ in ordered]
    to_axes = axes.transData + axes.transAxes.inverted()
    places = _spread([float(to_axes.transform((axes.get_xlim()[0], value))[1]) for value, *_ in ordered], sizes)
    for (_, text, colour, bold), place, size in zip(ordered, places, sizes, strict=True):
        for i, words in enumerate(textwrap.wrap(text, MARGIN_TEXT[narrow])):
            axes.annotate(words, (1, place + size / 2 - line * (i + 0.5)), xycoords="axes fraction", xytext=(7, 0),
                          textcoords="offset points", va="center", color=WORD_COLOURS.get(colour, colour),
                          weight="bold" if bold else "normal", annotation_clip=False)  # fmt: skip


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


def _row(axes: "Axes", row: Mapping[str, Any], unit: str, *, bar: float) -> None:
    """Draw a row's bar or dot, its interval and what was quoted."""
    place, colour = row["place"], row["colour"]
    if bar:
        axes.barh(place, row["value"], bar, color=colour)
    if pd.notna(row.get("low")) and pd.notna(row.get("high")):
        axes.hlines(place, row["low"], row["high"], color=INK if bar else colour, linewidth=1.8)
    if not bar:
        face = colour if row.get("filled", True) else PAPER
        axes.plot([row["value"]], [place], "o", color=colour, markerfacecolor=face, markersize=6.5, zorder=4)
    if pd.notna(row.get("quoted")):
        axes.vlines(row["quoted"], place - 0.42, place + 0.42, color=DAY, linewidth=2.2)
        axes.annotate(f"quoted {show(row['quoted'], unit)}", (row["quoted"], place + 0.44), ha="center", va="bottom",
                      color=DAY, weight="bold", size=SMALL_TEXT)  # fmt: skip


def _write(axes: "Axes", text: str, place: tuple[float, float], width: int, *, right: bool, bold: bool = False) -> None:
    """Write beside the axes, at a value's height, each line by itself: so it keeps its side in whatever font."""
    lines = textwrap.wrap(text, width)
    for i, words in enumerate(lines):
        down = (len(lines) - 1) / 2 - i
        axes.annotate(words, place, xycoords=("axes fraction", "data"), va="center", ha="right" if right else "left",
                      xytext=(-7 if right else 7, down * LINE_PX * POINTS_PER_PX), textcoords="offset points",
                      weight="bold" if bold else "normal", annotation_clip=False)  # fmt: skip


def _name_rows(axes: "Axes", places: Sequence[float] | Any, names: Any, *, narrow: bool) -> None:  # noqa: ANN401
    axes.set_yticks([])
    for place, name in zip(places, names, strict=True):
        _write(axes, str(name), (0, float(place)), ROW_TEXT[narrow], right=True)


def _name(axes: "Axes", name: str, *, narrow: bool) -> None:
    """Write what is drawn above the axes, from the picture's left edge; a blank title keeps the room."""
    lines = textwrap.wrap(name, NAME_TEXT[narrow])
    if lines:
        axes.set_title("\n".join(" " for _ in lines))
        axes.annotate("\n".join(lines), (0, 1), xycoords=("figure fraction", "axes fraction"), xytext=(2, 6),
                      textcoords="offset points", color=QUIET, annotation_clip=False).set_in_layout(False)  # fmt: skip


def _number_ticks(axis: "Axis", unit: str, *, most: int) -> None:
    """Write an axis in plain numbers of a unit, with as many digits as its steps need."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    logarithmic = axis.get_scale() == "log"
    low, high = axis.get_view_interval()
    if logarithmic:  # powers of ten are enough for more than one and a half of them
        axis.set_major_locator(LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0), numticks=most + 2))
    else:
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_formatter(NullFormatter())

    def write(value: float, _: object) -> str:
        places = axis.get_majorticklocs()
        step = abs(value) if logarithmic or len(places) < 2 else float(places[1] - places[0])
        scaled = step * (100 if unit in IN_PERCENT else 1)
        digits = max(0, -floor(log10(scaled))) if scaled else 0
        digits += not np.isclose(scaled, round(scaled, digits), rtol=1e-6, atol=0)
        text = show(float(value), unit, digits=digits).removesuffix(" pp").removesuffix(" bp")
        return text.lstrip("+") if value == 0 else text

    axis.set_major_formatter(FuncFormatter(write))


def _date_ticks(axis: "Axis", *, most: int) -> None:
    """Write an axis of dates with the year where it begins, and months or days between."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=2, maxticks=most)  # type: ignore[no-untyped-call]
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]


def _bare(value: float, unit: str, digits: int | None) -> str:
    """Show a value without the unit that stands above."""
    return show(float(value), unit, digits=digits).removesuffix(" pp").removesuffix("%")


def _dated(values: "Values[Any]") -> "Values[Any]":
    return values.to_timestamp() if isinstance(values.index, pd.PeriodIndex) else values


def _thinned(values: "Values[Any]", parts: int) -> "Values[Any]":
    """Keep, of more values than can be seen, the lowest and the highest of each part, and both ends."""
    n = len(values)
    if n <= 4 * parts:
        return values
    numbers = np.nan_to_num(values.to_numpy(float), nan=float(values.min()))
    spans = [(a, numbers[a:b]) for a, b in pairwise(np.linspace(0, n, parts + 1).astype(int))]
    kept = {0, n - 1} | {a + int(pick(part)) for a, part in spans for pick in (np.argmin, np.argmax)}
    return values.iloc[sorted(kept)]


def _along(axes: "Axes", at: Place) -> float:
    """Say where a place lies along the axes, from 0 to 1."""
    number = float(np.asarray(axes.convert_xunits(at)))  # type: ignore[no-untyped-call]
    place = axes.transData.transform((number, axes.get_ylim()[0]))
    return float(axes.transAxes.inverted().transform(place)[0])
