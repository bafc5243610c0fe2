"""Figures: drawn off screen for a page and for a phone, shown in the frame that every exhibit has."""

import io
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Required, TypedDict, Unpack
from urllib.parse import quote

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WIDE_PX, NARROW_PX = 860, 358  # what a page and a phone have room for
POINTS_PER_PX = 0.72  # a canvas has 100 px an inch, and a font 72 points
TEXT_PX, SMALL_TEXT_PX = 13.0, 11.5

INK, QUIET, GRID, PAPER = "#1d1d1f", "#5b5b63", "#e6e6ea", "#ffffff"
SMALL_CAPS, LARGE_CAPS = "#de8f05", "#0b6fae"  # these two and nothing else, on every page
SMALL_CAPS_WORDS = "#9a6200"  # the orange is too light for words
DAY, CONTEXT, BAND = "#b3261e", "#9a9aa2", "#a9cbe3"  # the day in question; what it is seen against
POSITIVE, NEGATIVE = "#2a6fb0", "#b5303a"  # the ends of a heat map
# In a page these colours are variables: dark mode and print set them, and elsewhere the light ones stand.
VARIABLES = {
    INK: "ink", QUIET: "quiet", GRID: "grid", PAPER: "paper", SMALL_CAPS: "small", LARGE_CAPS: "large", DAY: "day",
    SMALL_CAPS_WORDS: "small-words", CONTEXT: "context", BAND: "band", POSITIVE: "positive", NEGATIVE: "negative",
}  # fmt: skip

# A narrow frame shows the narrow drawing. The page has these rules once, a notebook's output brings them along.
STYLE = """
.exhibit { margin: 1.6rem 0; max-width: 860px; container-type: inline-size; color: var(--ink, #1d1d1f); }
.exhibit p { margin: 0; max-width: none; }
.exhibit .title { font-size: 1.1875rem; line-height: 1.35; font-weight: 700; }
.exhibit .deck { font-size: .875rem; line-height: 1.45; color: var(--quiet, #5b5b63); margin: .15rem 0 .5rem; }
.exhibit figcaption { font-size: .75rem; line-height: 1.5; color: var(--quiet, #5b5b63); margin-top: .3rem; }
.exhibit figcaption a { color: var(--link, #0b5a8f); margin-left: .7em; white-space: nowrap; }
.exhibit svg { display: block; width: 100%; height: auto; stroke-linejoin: round; font-family: system-ui, sans-serif; }
.exhibit .narrow { display: none; }
@container (max-width: 600px) { .exhibit .wide { display: none; } .exhibit .narrow { display: block; max-width: 480px; } }
"""
NOTEBOOK_STYLE = """
.exhibit { --ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1d1d1f));
  --quiet: var(--jp-content-font-color2, #5b5b63); --grid: var(--jp-border-color2, #e6e6ea);
  --paper: var(--jp-layout-color0, #ffffff); --link: var(--jp-content-link-color, #0b5a8f); }
"""
FRAME_STYLE = f"<style>{STYLE}{NOTEBOOK_STYLE}</style>"

# What an SVG is better without: its prologue, one font list a word, a fixed size, names that nothing refers to, white space.
SVG_SAVINGS = (
    (r"^.*?(?=<svg)", ""),
    (r"<style.*?</style>|<metadata>.*?</metadata>", ""),
    (r" font-family: [^;\"]*;?", ""),
    (r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1"),
    (r'<g id="[^"]*"', "<g"),
    (r">\s+<", "><"),
    (r' transform="rotate\(-?0 [^"]*"', ""),
)


@dataclass(frozen=True)
class Figure:
    """A picture that shows itself; `charts` draws them.

    Attributes
    ----------
    title : str
        What it shows, as a statement.
    alt : str
        The same point in a sentence or two, for a reader who does not see it.
    svg, narrow : str
        The drawing for a page and the one for a phone, as elements.
    deck : str
        What, when, how many, in which unit.
    data : DataFrame
        What is drawn, for the CSV link.
    note : str
        How to read it, where that is not plain.
    id, source : str
        The name it is linked by, and where its data come from: a study gives both.
    """

    title: str
    alt: str
    svg: str
    narrow: str
    deck: str = ""
    data: pd.DataFrame = field(default_factory=pd.DataFrame)
    note: str = ""
    id: str = ""
    source: str = ""

    def _repr_html_(self) -> str:
        picture = f'<div class="picture" role="img" aria-label="{escape(self.alt)}">{self.svg}{self.narrow}</div>'
        links = {"SVG": ("svg", f"data:image/svg+xml,{quote(self.standalone(), safe=SAFE)}")}
        parts: Any = {"deck": self.deck, "note": self.note, "source": self.source, "data": self.data}
        return frame("figure", self.id, self.title, picture, links=links, **parts)

    def __repr__(self) -> str:
        return f"{self.title}. {self.alt}"

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        about = exhibit_metadata("figure", self.id, self.title)
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, about

    def standalone(self) -> str:
        """Return the picture as a file of its own: title, deck and source drawn in, colours fixed."""
        width, height = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', self.svg)[0])
        title, deck = textwrap.wrap(self.title, 66), textwrap.wrap(self.deck, 105)
        lines = [(text, 13.0, INK, "bold") for text in title] + [(text, 9.5, QUIET, "normal") for text in deck]
        text, y = "", 0.0
        for words, size, colour, weight in lines:
            y += 1.4 * size
            text += f'<text x="6" y="{y:.1f}" font-size="{size}" fill="{colour}" font-weight="{weight}">{escape(words)}</text>'
        top = y + 8
        inner = re.sub(r"var\(--\w+, ?(#\w+)\)", r"\1", self.svg)
        inner = re.sub(r'<svg class="wide"', f'<svg y="{top:.1f}" width="{width}" height="{height}"', inner, count=1)
        foot = f'<text x="6" y="{top + height + 13:.1f}" font-size="8.5" fill="{QUIET}">{escape(self.source)}</text>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {top + height + 22:.1f}" font-family="system-ui, sans-serif">'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>{text}{inner}{foot}</svg>'
        )


SAFE = " /:;,=()!*'+@&?"  # what a data: link in double quotes may hold as it is
Draw = Callable[["Canvas", bool], None]


class Words(TypedDict, total=False):
    """What is said about a drawing: see `Figure`."""

    title: Required[str]
    alt: Required[str]
    deck: str
    data: pd.DataFrame
    note: str


def picture(draw: Draw, height_px: float | tuple[float, float] = 380, **words: Unpack[Words]) -> Figure:
    """Draw a figure, wide and narrow: `draw(canvas, narrow)` fills an empty canvas in the kit's style.

    Parameters
    ----------
    height_px : float or (float, float)
        Height of the wide drawing (860 px wide), and of the narrow one (358 px wide).
    words : str, DataFrame
        Title and alt; deck, data, note where there are any.
    """
    heights = height_px if isinstance(height_px, tuple) else (height_px, height_px)
    drawn = {}
    for kind, width, height in (("wide", WIDE_PX, heights[0]), ("narrow", NARROW_PX, heights[1])):
        with canvas(width, height) as empty:
            draw(empty, kind == "narrow")
            drawn[kind] = _as_svg(empty, kind, salt=f"{kind} {words['title']} {words['alt']}")
    return Figure(svg=drawn["wide"], narrow=drawn["narrow"], **words)


def frame(  # noqa: PLR0913  # the parts of a frame
    kind: str,
    id: str,  # noqa: A002  # it becomes the attribute
    title: str,
    body: str,
    *,
    deck: str = "",
    note: str = "",
    source: str = "",
    data: pd.DataFrame | None = None,
    links: Mapping[str, tuple[str, str]] | None = None,
) -> str:
    """Put a body into the frame of an exhibit: title and deck above it, note, source and links below.

    Parameters
    ----------
    kind : str
        "figure" or "table".
    id : str
        The name it is linked by; made from the title where there is none.
    body : str
        The picture or the table, as HTML.
    data : DataFrame, optional
        What the CSV link holds.
    links : mapping
        Further links: word -> (file name extension, address).
    """
    name = id or exhibit_id(title)
    if kind == "table":  # wider than its frame it scrolls, by keyboard too
        body = f'<div class="scroll" role="group" tabindex="0" aria-label="Table">{body}</div>'
    offered = dict(links or {})
    if data is not None and len(data.columns):
        offered = {"CSV": ("csv", f"data:text/csv;charset=utf-8,{quote(as_csv(data), safe=SAFE)}"), **offered}
    tools = f'<a href="#{name}" aria-label="Link to this {kind}">#</a>'
    tools += "".join(
        f'<a download="{name}.{extension}" href="{address}">{word}</a>'
        for word, (extension, address) in offered.items()
    )
    above = f'<p class="title" id="{name}-title">{escape(title)}</p>'
    above += f'<p class="deck">{escape(deck)}</p>' if deck else ""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    below += f'<p class="source">{escape(source.rstrip(".") + "." if source else "")}{tools}</p>'
    return (
        f'<figure class="exhibit {kind}" id="{name}" aria-labelledby="{name}-title">{FRAME_STYLE}{above}{body}'
        f"<figcaption>{below}</figcaption></figure>"
    )


def exhibit_id(title: str) -> str:
    """Make the name that an exhibit outside a study is linked by."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def exhibit_metadata(kind: str, id: str, title: str) -> dict[str, Any]:  # noqa: A002  # as in `frame`
    """Say of an output which exhibit it is, for pages and programs."""
    return {"research_lib": {"id": id or exhibit_id(title), "title": title, "kind": kind}}


def as_csv(data: pd.DataFrame) -> str:
    """Write a frame as CSV: six digits, ISO dates, the index only where it is not a plain count."""
    return data.to_csv(index=not isinstance(data.index, pd.RangeIndex), float_format="%.6g", date_format="%Y-%m-%d")


@contextmanager
def canvas(width_px: float, height_px: float) -> Iterator["Canvas"]:
    """Give an empty figure in the kit's style; no window, no global state is touched."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    size = TEXT_PX * POINTS_PER_PX
    style: Any = {
        "font.size": size, "axes.titlesize": size, "axes.labelsize": size, "xtick.labelsize": size, "ytick.labelsize": size,
        "text.color": INK, "axes.labelcolor": QUIET, "axes.titlecolor": QUIET, "axes.titlelocation": "left",
        "xtick.color": CONTEXT, "xtick.labelcolor": QUIET, "ytick.labelcolor": QUIET, "ytick.major.size": 0,
        "axes.edgecolor": CONTEXT, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
        "axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.8,
        "figure.facecolor": "none", "axes.facecolor": "none", "axes.unicode_minus": True, "lines.linewidth": 1.3,
        "axes.xmargin": 0,
    }  # fmt: skip
    with mpl.rc_context(style):
        yield Canvas(figsize=(width_px / 100, height_px / 100), layout="constrained")


def _as_svg(drawn: "Canvas", kind: str, *, salt: str) -> str:
    """Write a canvas as an element: the same bytes each time, small, with identifiers that no other figure has."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    # Words stay words: smaller than their outlines, and most other fonts are narrower than matplotlib's own.
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(drawn).print_svg(buffer, metadata=metadata)  # type: ignore[no-untyped-call]
    svg = buffer.getvalue()
    for pattern, replacement in SVG_SAVINGS:
        svg = re.sub(pattern, replacement, svg, flags=re.DOTALL)
    # A hundredth of a point is enough for a place.
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda place: re.sub(r"(\.\d\d)\d+", r"\1", place[0]), svg).strip()
    for colour, name in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name}, {colour})")
    return svg.replace("<svg ", f'<svg class="{kind}" aria-hidden="true" ', 1)


def ink_on(colour: str) -> str:
    """Return the ink, dark or light, that is read best on a colour; it stays so in dark mode."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return "#fffffe" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.18 else "#1d1d1e"


# How a verdict looks on badges, in the index and in charts: its colour, its shape and its word.
VERDICT_LOOK = {
    "holds": ("#1d7a46", "●", "holds"),
    "roughly": ("#8cc5a2", "◕", "roughly"),
    "depends": ("#e0a100", "◆", "depends"),
    "fails": ("#b2271f", "✕", "fails"),
    "open": ("#b9bdc3", "○", "not shown"),
    "stand-in": ("#cdd9e5", "◇", "stand-in"),
    "no data": ("#dfe1e5", "–", "no data"),
    "untestable": ("#f0f1f3", "□", "untestable"),
    "finding": ("#3d4f66", "▸", "finding"),
}


def badge(verdict: str, *, short: bool = False) -> str:
    """Return a verdict as an element: its colour, its shape and its word; short, the word is for screen readers only."""
    colour, shape, word = VERDICT_LOOK[verdict]
    said = (
        f"{shape} {word}" if not short else f'<span aria-hidden="true">{shape}</span><span class="unseen">{word}</span>'
    )
    return f'<span class="badge" title="{word}" style="background:{colour};color:{ink_on(colour)}">{said}</span>'
