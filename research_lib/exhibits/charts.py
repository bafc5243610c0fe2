"""The seven forms of picture: series, paths, intervals, bars, histogram, heat map, curve; and a sparkline for a table's cell.

Each takes plain frames and gives a `Figure`. Names stand beside what they name, not in a legend; a value axis has horizontal
lines and starts and ends with the data. All values are in the unit's own measure (decimals for fractions and points).
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.exhibits import figure as style
from research_lib.exhibits.figure import BAND, CONTEXT, DAY, INK, LARGE_CAPS, NEGATIVE, POSITIVE, QUIET, Figure, picture
from research_lib.exhibits.format import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MARGIN_TEXT, ROW_TEXT, NAME_TEXT = (26, 13), (34, 18), (100, 46)  # characters a line: wide, narrow
ROW_PX = 34
IN_PERCENT = {"fraction", "share", "change", "points"}
AT_THE_EDGE = 0.97  # of an axis: a mark beyond it is named in the margin
Place = Any  # a date or a number
MarginLabel = tuple[float, str, str, bool]  # at which value, words, colour, whether bold


@dataclass(frozen=True)
class Line:
    """A line of a panel: dates or numbers as index; its label stands at its end."""

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
    name : str
        What is drawn and its unit; stands above the panel.
    lines, bands, marks : sequence
        What is drawn.
    levels : mapping
        Horizontal lines: label -> value.
    spans : sequence of (start, end)
        Times on a shaded ground.
    unit : str
        Of the values, for the axis.
    log : bool
        Whether the value axis is logarithmic.
    height : float
        Relative to the other panels.
    """

    name: str
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    levels: Mapping[str, float] | None = None
    spans: Sequence[tuple[Place, Place]] = ()
    unit: str = "number"
    log: bool = False
    height: float = 1.0


def series(
    panels: Sequence[Panel],
    *,
    title: str,
    alt: str,
    height_px: float = 0,
    **words: Any,  # noqa: ANN401  # deck, data, note
) -> Figure:
    """Draw one or more panels of lines over time, with bands, marks, levels and shaded spans.

    Parameters
    ----------
    panels : sequence of Panel
        From top to bottom. Panels whose times are the same share nothing but their width.
    height_px : float, optional
        Of the whole; by default 300 for the first panel's height and as much for the others as they ask.
    """
    if not any(len(line.values.dropna()) > 1 for panel in panels for line in panel.lines):
        raise InsufficientDataError("there are not two values to draw a line through")
    heights = [panel.height for panel in panels]
    whole = height_px or 300 * sum(heights) / heights[0]

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        drawn = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(drawn, panels, strict=True):
            _panel(axes, panel, narrow=narrow, height_px=whole * panel.height / sum(heights))

    return picture(draw, title=title, alt=alt, height_px=(whole, min(whole, 190.0 * len(panels) + 60)), **words)


def paths(  # noqa: PLR0913
    values: pd.DataFrame,
    *,
    title: str,
    alt: str,
    name: str,
    unit: str = "points",
    mean: "pd.Series[Any] | None" = None,
    highlight: Sequence[str] = (),
    colours: Mapping[str, str] | None = None,
    marks: Sequence[Mark] = (),
    **words: Any,  # noqa: ANN401
) -> Figure:
    """Draw one path a column, over time from an event (the index; 0 is the event), each named at its end.

    Parameters
    ----------
    values : DataFrame
        Index: sessions or months from the event; one column a case, named as it is to be labelled.
    name : str
        What is drawn and its unit; stands above the axes.
    mean : Series, optional
        Drawn bold.
    highlight : sequence of str, optional
        Columns to draw in ink; the others are context.
    colours : mapping, optional
        Column -> colour, where groups are told apart.
    """
    chosen: Mapping[Any, str] = colours or {}
    lines = [
        Line(
            values[column], str(column), chosen.get(column, INK if column in highlight else CONTEXT),
            width=1.6 if column in highlight else 1.0,
        )
        for column in values
    ]  # fmt: skip
    if mean is not None:
        lines.append(Line(mean, "mean", style.SMALL_CAPS if not chosen else INK, width=2.6))

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes = canvas.subplots()
        _panel(axes, Panel(name, lines, marks=marks, levels={"": 0.0}, unit=unit), narrow=narrow, height_px=400)
        axes.axvline(0, color=CONTEXT, linewidth=0.8, linestyle=":")

    return picture(draw, title=title, alt=alt, height_px=(420, 380), **words)


def curve(  # noqa: PLR0913
    lines: Sequence[Line],
    *,
    title: str,
    alt: str,
    name: str,
    x_name: str,
    unit: str = "number",
    x_unit: str = "number",
    bands: Sequence[Band] = (),
    points: "pd.Series[Any] | None" = None,
    marks: Sequence[Mark] = (),
    levels: Mapping[str, float] | None = None,
    log_x: bool = False,
    **words: Any,  # noqa: ANN401
) -> Figure:
    """Draw values over another quantity than time: return levels, a specification curve.

    Parameters
    ----------
    lines, bands : sequence
        Index: the quantity along the axis.
    name, x_name : str
        What stands up and what along, each with its unit.
    points : Series, optional
        Single observations, drawn as dots.
    log_x : bool
        Whether the axis along is logarithmic, in plain numbers.
    """

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes = canvas.subplots()
        if log_x:
            axes.set_xscale("log")
        if points is not None:
            axes.plot(points.index, points, "o", color=QUIET, markersize=3.5, alpha=0.75, linewidth=0, zorder=3)
        panel = Panel(name, lines, bands, marks, levels, unit=unit)
        _panel(axes, panel, narrow=narrow, height_px=360)
        axes.set_xlabel(x_name)
        _number_ticks(axes.xaxis, x_unit, most=4 if narrow else 8)

    return picture(draw, title=title, alt=alt, height_px=(380, 330), **words)


def intervals(frame: pd.DataFrame, *, title: str, alt: str, name: str, unit: str = "points", **options: Any) -> Figure:  # noqa: ANN401
    """Draw a dot with its interval for each row; rows are named at the left and their values written at the right.

    Parameters
    ----------
    frame : DataFrame
        Index: the rows' names. Columns: `value`; if there, `low` and `high` (NaN: no interval), `group` (rows of one name stand
        together, coloured by group), `text` (in place of the value at the right), `filled` (False draws a ring), `quoted` (a
        figure somebody named, drawn as a red line).
    name : str
        What is drawn and its unit; stands above the axes.
    colours : mapping, optional
        Group or row name -> colour; "small" and "large" have theirs.
    log : bool
        Whether the value axis is logarithmic.
    deck, data, note : optional
        As for `picture`.
    """
    return _by_row(frame, "dots", title=title, alt=alt, name=name, unit=unit, **options)


def bars(frame: pd.DataFrame, *, title: str, alt: str, name: str, unit: str = "number", **options: Any) -> Figure:  # noqa: ANN401
    """Draw a bar from zero for each row, with its interval and a quoted figure; arguments as for `intervals`."""
    return _by_row(frame, "bars", title=title, alt=alt, name=name, unit=unit, **options)


def stacked(
    frame: pd.DataFrame,
    *,
    title: str,
    alt: str,
    colours: Mapping[str, str],
    name: str = "",
    **words: Any,  # noqa: ANN401
) -> Figure:
    """Draw one bar a row, divided by column: counts of verdicts by article, for one. The numbers stand in the parts.

    Parameters
    ----------
    frame : DataFrame
        Counts; a row a bar, a column a part.
    colours : mapping
        Column -> colour.
    """

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes, left = canvas.subplots(), np.zeros(len(frame))
        places, widest = np.arange(len(frame))[::-1], float(frame.sum(axis=1).max())
        for column in frame:
            values = frame[column].to_numpy(float)
            axes.barh(places, values, 0.62, left=left, color=colours[str(column)], edgecolor=style.PAPER, linewidth=1)
            for place, value, start in zip(places, values, left, strict=True):
                if value and value / widest > (0.06 if narrow else 0.022):
                    ink = _ink_on(colours[str(column)])
                    axes.text(
                        start + value / 2, place, f"{value:.0f}", ha="center", va="center", color=ink, size=_small()
                    )
            left = left + values
        _row_names(axes, places, frame.index, narrow=narrow)
        axes.set_title(name)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    height = 40 + ROW_PX * len(frame)
    return picture(draw, title=title, alt=alt, height_px=height, **words)


def histogram(
    values: "pd.Series[Any]",
    *,
    title: str,
    alt: str,
    name: str,
    unit: str = "number",
    marks: Mapping[str, float] | None = None,
    bins: int = 60,
    **words: Any,  # noqa: ANN401
) -> Figure:
    """Draw how often values occur, with named ones marked.

    Parameters
    ----------
    marks : mapping, optional
        Label -> value; drawn as lines in the colour of the day in question.
    """
    known = values.dropna().to_numpy(float)
    if len(known) < 2:
        raise InsufficientDataError("there are not two values to draw a distribution of")
    named = dict(marks or {})
    counts, edges = np.histogram(known, bins=bins)

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes, top = canvas.subplots(), counts.max()
        axes.stairs(counts, edges, fill=True, color=BAND)
        axes.set_ylim(0, top * (1.05 + 0.11 * len(named)))
        low, high = min([edges[0], *named.values()]), max([edges[-1], *named.values()])
        room = 0.02 * (high - low)
        axes.set_xlim(low - room, high + room)
        for i, (label, value) in enumerate(sorted(named.items(), key=lambda item: item[1])):
            height = top * (1.02 + 0.11 * (len(named) - i))
            axes.vlines(value, 0, height, color=DAY, linewidth=1.4)
            right = value > (low + high) / 2
            axes.annotate(f"{label} " if right else f" {label}", (value, height), ha="right" if right else "left",
                          va="top", color=DAY, weight="bold")  # fmt: skip
        axes.set_title(name)
        axes.yaxis.set_visible(False)
        _number_ticks(axes.xaxis, unit, most=5 if narrow else 9)

    return picture(draw, title=title, alt=alt, height_px=(320, 280), **words)


def heat_map(  # noqa: PLR0913
    frame: pd.DataFrame,
    *,
    title: str,
    alt: str,
    unit: str = "points",
    digits: int | None = None,
    positive: str = POSITIVE,
    negative: str = NEGATIVE,
    apart: Sequence[str] = (),
    most: float | None = None,
    **words: Any,  # noqa: ANN401
) -> Figure:
    """Draw a table of numbers whose ground says their size: none at zero, the ends' colours at the largest.

    Parameters
    ----------
    frame : DataFrame
        Numbers; NaN leaves its cell empty.
    unit : str
        Of all of them; written in the deck, not in the cells.
    positive, negative : str
        Colours of the ends. Of small minus large, give `SMALL_CAPS` and `LARGE_CAPS`.
    apart : sequence of str, optional
        Names of columns and rows before which a gap stands; such a row is bold (a mean below its cases).
    most : float, optional
        The value at which the ground is deepest; by default the largest.
    """
    values = frame.to_numpy(float)
    if not np.isfinite(values).any():
        raise InsufficientDataError("no cell has a value")
    deepest = most or float(np.nanmax(np.abs(values))) or 1.0
    across = _places([str(column) for column in frame], apart, gap=0.12)
    down = _places([str(row) for row in frame.index], apart, gap=0.35)

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        from matplotlib.patches import Rectangle

        axes = canvas.subplots()
        for (i, j), value in np.ndenumerate(values):
            if not np.isfinite(value):
                continue
            depth = 0.05 + 0.6 * min(abs(value) / deepest, 1.0)
            colour = positive if value > 0 else negative
            axes.add_patch(Rectangle((across[j], down[i]), 1, 1, facecolor=colour, alpha=depth, linewidth=0))
            text = show(value, unit, digits=digits).removesuffix(" pp").removesuffix("%")
            axes.text(
                across[j] + 0.5, down[i] + 0.5, text, ha="center", va="center", size=_small(10.5) if narrow else None,
                weight="bold" if str(frame.index[i]) in apart else "normal",
            )  # fmt: skip
        axes.set_xlim(0, across[-1] + 1)
        axes.set_ylim(down[-1] + 1, 0)
        axes.set_xticks([place + 0.5 for place in across], [str(column) for column in frame])
        axes.set_yticks([place + 0.5 for place in down], [_wrapped(str(row), narrow=narrow) for row in frame.index])
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelsize=_small(10.5) if narrow else style.TEXT_PX * style.POINTS_PER_PX)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return picture(draw, title=title, alt=alt, height_px=50 + 36 * len(frame), **words)


def sparkline(values: "pd.Series[Any]", *, mark: float | None = None) -> str:
    """Return a line of 120 by 24 px for a table's cell: the values in their order, the last one (or `mark`) as a dot."""
    known = _thinned(values.dropna(), 60)
    if len(known) < 2:
        return ""
    heights = known.to_numpy(float)
    low, high = heights.min(), heights.max()
    last = heights[-1] if mark is None else min(max(mark, low), high)
    x = np.linspace(2, 112, len(heights))
    y = 21 - 18 * (np.append(heights, last) - low) / ((high - low) or 1.0)
    line = " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=False))
    return (
        f'<svg class="sparkline" aria-hidden="true" width="120" height="24" viewBox="0 0 120 24"><polyline points="{line}" '
        f'fill="none" stroke="var(--quiet, {QUIET})"/><circle cx="112" cy="{y[-1]:.1f}" r="3" fill="var(--day, {DAY})"/></svg>'
    )


def _panel(axes: "Axes", panel: Panel, *, narrow: bool, height_px: float) -> None:
    """Draw a panel, then the names of what it shows: in the margin what reaches it, at its place what does not."""
    drawn = [(line, _plain_index(line.values).dropna()) for line in panel.lines]
    first, last = min(v.index[0] for _, v in drawn if len(v)), max(v.index[-1] for _, v in drawn if len(v))
    for start, end in panel.spans:
        axes.axvspan(start, end, color=BAND, alpha=0.6, linewidth=0)
    margin = _draw_bands(axes, panel.bands)
    for line, values in drawn:
        seen = _thinned(values, style.WIDE_PX)
        axes.plot(seen.index, seen, color=line.colour, linewidth=line.width, linestyle="--" if line.dashed else "-")
        if line.label and len(values):
            margin.append((float(values.iloc[-1]), line.label, line.colour, line.width > 2))
    for label, level in (panel.levels or {}).items():
        axes.axhline(level, color=CONTEXT, linewidth=0.9, linestyle="--" if label else "-")
        if label:
            margin.append((level, label, QUIET, False))
    axes.set_xlim(first, last)
    if panel.log:
        axes.set_yscale("log")
    _value_limits(axes, panel, [values for _, values in drawn])
    inside = []
    for mark in panel.marks:
        axes.plot([mark.at], [mark.value], "o", color=mark.colour, markersize=6, clip_on=False, zorder=5)
        if _along(axes, mark.at) > AT_THE_EDGE:
            margin.append((mark.value, mark.label, mark.colour, True))
        else:
            inside.append(mark)
    _name_marks(axes, inside, narrow=narrow)
    _name_in_margin(axes, margin, narrow=narrow, height_px=height_px)
    axes.set_title(_wrapped(panel.name, narrow=narrow, width=NAME_TEXT))
    _number_ticks(axes.yaxis, panel.unit, most=5 if height_px < 200 else 7)
    if isinstance(first, pd.Timestamp):
        _date_ticks(axes.xaxis, most=5 if narrow else 10)


def _draw_bands(axes: "Axes", bands: Sequence[Band]) -> list[MarginLabel]:
    labels = []
    for band in bands:
        low, high = _plain_index(band.low), _plain_index(band.high)
        kept = _thinned(high, style.WIDE_PX // 2).index
        axes.fill_between(np.asarray(kept), low[kept], high[kept], color=band.colour, alpha=0.45, linewidth=0)
        if band.label and high.notna().any():
            labels.append((float(high.dropna().iloc[-1]), band.label, QUIET, False))
    return labels


def _value_limits(axes: "Axes", panel: Panel, drawn: Sequence["pd.Series[Any]"]) -> None:
    """Start and end a value axis with the lines and marks; a band may widen it by a third of their range on each side."""
    to, back = (np.log10, lambda power: 10.0**power) if panel.log else (np.asarray, float)
    values = [float(v) for v in [mark.value for mark in panel.marks] + list((panel.levels or {}).values())]
    inner = to(np.concatenate([np.asarray(v, dtype=float) for v in drawn] + [np.asarray(values, dtype=float)]))
    low, high = float(np.nanmin(inner)), float(np.nanmax(inner))
    room = (high - low) or abs(high) or 1.0
    if panel.bands:
        bottom = min(float(np.nanmin(to(band.low.to_numpy(float)))) for band in panel.bands)
        top = max(float(np.nanmax(to(band.high.to_numpy(float)))) for band in panel.bands)
        low, high = max(min(low, bottom), low - room / 3), min(max(high, top), high + room / 3)
    axes.set_ylim(back(low - 0.06 * room), back(high + (0.16 if panel.marks else 0.06) * room))


def _name_marks(axes: "Axes", marks: Sequence[Mark], *, narrow: bool) -> None:
    """Write the names of marks above them (below, where they are low), each a line higher than a near one's."""
    taken: list[tuple[float, bool, int]] = []
    wide = 7.0 / (230 if narrow else 640)  # of the axes, a character
    middle = sum(axes.get_ylim()) / 2
    for mark in sorted(marks, key=lambda one: _along(axes, one.at)):
        along, below = _along(axes, mark.at), mark.value < min(middle, 0)
        level = sum(1 for other, side, _ in taken if side == below and along - other < wide * len(mark.label))
        taken.append((along, below, level))
        side = "left" if along < 0.2 else "right" if along > 0.8 else "center"
        up = (-1 if below else 1) * (7 + 11 * level)
        axes.annotate(mark.label, (mark.at, mark.value), xytext=(0, up), textcoords="offset points", ha=side,
                      va="top" if below else "bottom", color=mark.colour, size=_small())  # fmt: skip


def _name_in_margin(axes: "Axes", labels: Sequence[MarginLabel], *, narrow: bool, height_px: float) -> None:
    """Write names at the right of the axes, at their heights, or as near to them as they have room without touching."""
    if not labels:
        return
    transform = axes.transData + axes.transAxes.inverted()
    ordered = sorted(labels)
    texts = [_wrapped(text, narrow=narrow) for _, text, _, _ in ordered]
    line = 15.5 / max(height_px - 65, 80)  # of the axes' height
    sizes = [line * (text.count("\n") + 1) for text in texts]
    wanted = [float(transform.transform((0, value))[1]) for value, *_ in ordered]
    for place, text, (_, _, colour, bold) in zip(_spread(wanted, sizes), texts, ordered, strict=True):
        axes.annotate(text, (1, place), xycoords="axes fraction", xytext=(7, 0), textcoords="offset points", va="center",
                      color=colour, weight="bold" if bold else "normal", annotation_clip=False)  # fmt: skip


def _spread(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Move ascending places apart until each has its size, and down again where they then pass the top, 1."""
    places = list(wanted)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + (sizes[i - 1] + sizes[i]) / 2)
    above = 1.0 + sizes[-1] / 2
    for i in reversed(range(len(places))):
        places[i] = min(places[i], above - sizes[i] / 2)
        above = places[i] - sizes[i] / 2
    return places


def _by_row(
    frame: pd.DataFrame,
    form: str,
    *,
    title: str,
    alt: str,
    name: str,
    unit: str,
    colours: Mapping[str, str] | None = None,
    log: bool = False,
    **words: Any,  # noqa: ANN401
) -> Figure:
    """Draw rows of dots or bars; see `intervals`."""
    if frame.empty or not frame["value"].notna().any():
        raise InsufficientDataError("no row has a value")
    names = list(dict.fromkeys(str(row) for row in frame.index))
    groups = list(dict.fromkeys(frame["group"])) if "group" in frame else [""]
    chosen = {"small": style.SMALL_CAPS, "large": LARGE_CAPS, **(colours or {})}
    rows: list[Any] = frame.assign(row=[str(row) for row in frame.index]).to_dict("records")

    def draw(canvas: Any, narrow: bool) -> None:  # noqa: ANN401
        axes = canvas.subplots()
        if log:
            axes.set_xscale("log")
        for row in rows:
            group = row.get("group", "")
            step = 0.76 / len(groups)
            place = len(names) - 1 - names.index(row["row"]) + step * ((len(groups) - 1) / 2 - groups.index(group))
            colour = chosen.get(group or row["row"], INK if form == "dots" else CONTEXT)
            _draw_row(axes, row, form, place=place, colour=colour, step=step)
            text = row.get("text") or " ".join(filter(None, [str(group), show(row["value"], unit)]))
            axes.annotate(_wrapped(text, narrow=narrow), (1, place), xycoords=("axes fraction", "data"),
                          xytext=(7, 0), textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
            if pd.notna(row.get("quoted")):
                axes.vlines(
                    row["quoted"], place - 0.42 * step / 0.76, place + 0.42 * step / 0.76, color=DAY, linewidth=2.2
                )
                axes.annotate(f"quoted {show(row['quoted'], unit)}", (row["quoted"], place + 0.44 * step / 0.76),
                              ha="center", va="bottom", color=DAY, weight="bold", size=_small())  # fmt: skip
        axes.set_ylim(-0.6, len(names) - 0.3)
        axes.margins(x=0.04)
        if not log and axes.get_xlim()[0] < 0 < axes.get_xlim()[1]:
            axes.axvline(0, color=CONTEXT, linewidth=0.9)
        if form == "bars":
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]) if min(row["value"] for row in rows) < 0 else 0.0)
        _row_names(axes, np.arange(len(names))[::-1], names, narrow=narrow)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.set_title(_wrapped(name, narrow=narrow, width=NAME_TEXT))
        _number_ticks(axes.xaxis, unit, most=4 if narrow else 8)

    height = 70 + ROW_PX * max(1.0, 0.62 * len(groups), 1.9 * ("quoted" in frame)) * len(names)
    return picture(draw, title=title, alt=alt, height_px=height, **words)


def _draw_row(axes: "Axes", row: Mapping[str, Any], form: str, *, place: float, colour: str, step: float) -> None:
    if form == "bars":
        axes.barh(place, row["value"], 0.8 * step, color=colour)
    if pd.notna(row.get("low")) and pd.notna(row.get("high")):
        ink = INK if form == "bars" else colour
        axes.hlines(place, row["low"], row["high"], color=ink, linewidth=1.8)
    if form == "dots":
        hollow = row.get("filled") is not None and not row["filled"]
        face = style.PAPER if hollow else colour
        axes.plot([row["value"]], [place], "o", color=colour, markerfacecolor=face, markersize=6.5, zorder=4)


def _row_names(axes: "Axes", places: Sequence[float] | Any, names: Any, *, narrow: bool) -> None:  # noqa: ANN401
    axes.set_yticks(list(places), [_wrapped(str(name), narrow=narrow, width=ROW_TEXT) for name in names])
    axes.tick_params(axis="y", labelcolor=INK)


def _number_ticks(axis: "Axis", unit: str, *, most: int) -> None:
    """Write an axis in plain numbers of a unit, with as many digits as its steps need."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    logarithmic = axis.get_scale() == "log"
    if logarithmic:
        low, high = axis.get_view_interval()
        few = log10(high / low) > 1.5  # powers of ten are enough
        axis.set_major_locator(LogLocator(subs=(1.0,) if few else (1.0, 2.0, 5.0), numticks=most + 2))
    else:
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_formatter(NullFormatter())

    def write(value: float, _: object) -> str:
        places = axis.get_majorticklocs()
        step = abs(value) if logarithmic or len(places) < 2 else float(places[1] - places[0])
        scaled = step * (100 if unit in IN_PERCENT else 1)
        digits = max(0, -floor(log10(scaled))) if scaled else 0
        digits += not np.isclose(scaled, round(scaled, digits), rtol=1e-6, atol=0)
        return show(float(value), unit, digits=digits).removesuffix(" pp").removesuffix(" bp")

    axis.set_major_formatter(FuncFormatter(write))


def _date_ticks(axis: "Axis", *, most: int) -> None:
    """Write an axis of dates with the year where it begins, and months or days between."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=2, maxticks=most)  # type: ignore[no-untyped-call]
    axis.set_major_locator(locator)
    axis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]


def _places(names: Sequence[str], apart: Sequence[str], *, gap: float) -> list[float]:
    """Return places from 0 on, with a gap before those that stand apart."""
    gaps = np.cumsum([gap if name in apart else 0.0 for name in names])
    return [i + float(added) for i, added in enumerate(gaps)]


def _plain_index(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return values.to_timestamp() if isinstance(values.index, pd.PeriodIndex) else values


def _thinned(values: "pd.Series[Any]", parts: int) -> "pd.Series[Any]":
    """Keep, of more values than can be seen, the lowest and the highest of each part, and both ends."""
    n = len(values)
    if n <= 4 * parts:
        return values
    numbers = np.nan_to_num(values.to_numpy(float), nan=float(values.min()))
    edges = np.linspace(0, n, parts + 1).astype(int)
    spans = [(a, numbers[a:b]) for a, b in pairwise(edges)]
    kept = {0, n - 1} | {a + int(pick(part)) for a, part in spans for pick in (np.argmin, np.argmax)}
    return values.iloc[sorted(kept)]


def _along(axes: "Axes", at: Place) -> float:
    """Say where a place lies along the axes, from 0 to 1."""
    number = float(np.asarray(axes.convert_xunits(at)))  # type: ignore[no-untyped-call]
    place = axes.transData.transform((number, axes.get_ylim()[0]))
    return float(axes.transAxes.inverted().transform(place)[0])


def _wrapped(text: str, *, narrow: bool, width: tuple[int, int] = MARGIN_TEXT) -> str:
    return "\n".join(textwrap.wrap(text, width[narrow]))


def _small(px: float = style.SMALL_TEXT_PX) -> float:
    return px * style.POINTS_PER_PX


def _ink_on(colour: str) -> str:
    """Return the ink, dark or light, that is read best on a colour; it stays so in dark mode."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return "#fffffe" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.18 else "#1d1d1e"
