"""Figures of the claims study."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from research_lib.exhibits.claims import SHAPES
from research_lib.exhibits.figure import BLUE, GREY, LIGHT_BLUE, ORANGE, Figure, Prose, canvas, finish
from research_lib.studies.claims import Result, Verdict, scaled, score, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = dict(zip(Verdict, (BLUE, LIGHT_BLUE, ORANGE, "#f6d9a8", "#d9d9d9", "#f2f2f2"), strict=True))
HATCHES = dict(zip(Verdict, ("", "..", "", "//", "", ""), strict=True))
INKS = {Verdict.HOLDS: "white"}
PANELS, COLUMNS = 6, 3
LONG_ENOUGH = 250  # values, for a move to be shown in its history
FARTHEST = 60.0  # percent; figures farther off are drawn at the edge, with their number
LABEL_SIZE = 8
SHOWN_FIRST = (Verdict.FAILS, Verdict.DEPENDS, Verdict.ROUGHLY, Verdict.HOLDS, Verdict.NOT_ENOUGH_DATA)


def scorecard(results: Sequence[Result]) -> Figure:
    """Draw each article's verdicts as one bar, every part with its shape and number."""
    counts = score(results)
    with canvas(height_inches=0.6 * len(counts) + 1.5) as drawn:
        axes = drawn.subplots()
        start = np.zeros(len(counts))
        for verdict in Verdict:
            width = counts[str(verdict)].to_numpy()
            axes.barh(
                counts.index, width, left=start, color=COLOURS[verdict], hatch=HATCHES[verdict], edgecolor="white",
                label=f"{SHAPES[verdict]} {verdict}",
            )  # fmt: skip
            for row, n in enumerate(width):
                if n:
                    axes.text(
                        start[row] + n / 2,
                        row,
                        f"{SHAPES[verdict]} {n}",
                        ha="center",
                        va="center",
                        size=LABEL_SIZE,
                        color=INKS.get(verdict, "black"),
                    )
            start += width
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xlabel("checks")
        drawn.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=LABEL_SIZE)
    words = "; ".join(f"{name}: {_counted(counts.loc[name])}" for name in counts.index)
    return finish(
        drawn,
        title="Verdicts by article",
        caption="Each part with its shape and the number of checks.",
        alt=f"{words}.",
    )


def _counted(row: "pd.Series[int]") -> str:
    return ", ".join(f"{n} {verdict}" for verdict, n in row.items() if n)


def how_far_off(results: Sequence[Result]) -> Figure | Prose:
    """Draw how far each published figure is from the computed one, in percent of what was published."""
    found = {
        one.claim.id: (100 * one.difference / abs(one.claim.asserted.value), one)
        for one in results
        if one.difference is not None and one.claim.asserted and one.claim.asserted.value
        and one.claim.asserted.comparison == "about" and one.claim.kind == "number"
    }  # fmt: skip
    if not found:
        return Prose("*No published figure can be recomputed on this source.*")
    with canvas(height_inches=0.22 * len(found) + 1.2) as drawn:
        axes = drawn.subplots()
        for row, (name, (off, one)) in enumerate(found.items()):
            _draw_off(axes, row, (name, off, one))
        axes.axvline(0, color=GREY, linewidth=1)
        axes.set_yticks(range(len(found)), list(found))
        axes.tick_params(axis="y", labelsize=LABEL_SIZE)
        axes.invert_yaxis()
        axes.set_xlim(-FARTHEST * 1.5, FARTHEST * 1.5)
        axes.set_xlabel("computed less published, in percent of what was published")
    worst = max(found.values(), key=lambda pair: abs(pair[0]))[1]
    return finish(
        drawn,
        title="How far off the published figures are",
        caption="● holds, ◐ roughly, ✕ fails, ◆ depends, ○ open; in words: published, then computed.",
        alt=f"Of {len(found)} published figures {sum(one.verdict is Verdict.HOLDS for _, one in found.values())} hold; the "
        f"farthest off is {worst.claim.id}, {worst.asserted} against {show_value(worst.computed, worst.unit)}.",
    )


def _draw_off(axes: "Axes", row: int, found: tuple[str, float, Result]) -> None:
    _, off, one = found
    at = float(np.clip(off, -FARTHEST, FARTHEST))
    colour = ORANGE if one.verdict in {Verdict.FAILS, Verdict.DEPENDS} else BLUE
    axes.plot([0, at], [row, row], color=colour, linewidth=1)
    axes.text(at, row, SHAPES[one.verdict], ha="center", va="center", size=LABEL_SIZE + 2, color=colour)
    side = 1 if at >= 0 else -1
    axes.text(
        at + side * 2.5, row, f"{one.asserted} → {show_value(one.computed, one.unit)}", size=LABEL_SIZE - 1,
        ha="left" if side > 0 else "right", va="center", color=GREY,
    )  # fmt: skip


def in_history(results: Sequence[Result]) -> Figure | Prose:
    """Draw the moves that were called wrong, extreme or definition-bound as distributions, the day's one marked."""
    order = list(SHOWN_FIRST)
    chosen = sorted((one for one in results if _has_history(one)), key=lambda one: order.index(one.verdict))[:PANELS]
    if not chosen:
        return Prose("*No claim about a move can be set into its history on this source.*")
    rows = -(-len(chosen) // COLUMNS)
    with canvas(height_inches=2.1 * rows + 0.4) as drawn:
        panels = np.atleast_1d(drawn.subplots(rows, COLUMNS)).ravel()
        for axes, one in zip(panels, chosen, strict=False):
            _draw_history(axes, one)
        for axes in panels[len(chosen) :]:
            axes.set_visible(False)
        title = "Published figures in the history of the same figure"
        drawn.suptitle(title, x=0.01, ha="left", size=12, fontweight="bold")
    words = "; ".join(_in_words(one) for one in chosen)
    shown = finish(
        drawn,
        title=chosen[0].claim.id,
        caption="All values of the same figure to the day. Solid line and ●: computed; dashed line: published.",
        alt=f"{words}.",
    )
    return replace(shown, title=title)


def _has_history(one: Result) -> bool:
    """Say whether a claim is about one value of a long history: not a rank in it, and not a bound of zero."""
    reading, asserted = one.reading, one.claim.asserted
    if reading is None or reading.history is None or asserted is None or not asserted.value:
        return False
    return len(reading.history) >= LONG_ENOUGH and bool(reading.history.iloc[-1] == reading.value)


def _draw_history(axes: "Axes", one: Result) -> None:
    reading, asserted = one.reading, one.claim.asserted
    if reading is None or reading.history is None or asserted is None or asserted.value is None:
        return
    scale: Any = scaled(1.0, asserted.unit)
    values = reading.history.to_numpy(dtype=float) * scale
    axes.hist(values, bins=60, color=LIGHT_BLUE)
    axes.set_yscale("log")
    computed = float(values[-1])
    axes.axvline(computed, color=BLUE, linewidth=1.5)
    axes.plot([computed], [1], "o", color=BLUE, markersize=4)
    axes.axvline(asserted.value, color=ORANGE, linewidth=1.5, linestyle="--")
    axes.set_title(f"{one.claim.id}", size=LABEL_SIZE + 1, loc="left", fontweight="bold")
    axes.set_xlabel(f"{show_value(computed, asserted.unit)} (published {one.asserted})", size=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)


def _in_words(one: Result) -> str:
    history = one.reading.history if one.reading else None
    rank = 0 if history is None else int((history > history.iloc[-1]).sum()) + 1
    n = 0 if history is None else len(history)
    return f"{one.claim.id}: {show_value(one.computed, one.unit)} is rank {rank:,} of {n:,}, published {one.asserted}"
