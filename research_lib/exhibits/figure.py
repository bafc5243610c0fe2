"""Figures: drawn off screen for a page and for a phone, shown in the frame that every exhibit has."""

import io
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
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
    "ink": INK, "quiet": QUIET, "grid": GRID, "paper": PAPER, "small": SMALL_CAPS, "small-words": SMALL_CAPS_WORDS,
    "large": LARGE_CAPS, "day": DAY, "context": CONTEXT, "band": BAND, "positive": POSITIVE, "negative": NEGATIVE,
}  # fmt: skip
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

# A narrow frame shows the narrow drawing. The page has these rules once, a notebook's output brings them along.
HERE = Path(__file__).parent
STYLE = (HERE / "exhibit.css").read_text(encoding="utf-8")
FRAME_STYLE = f"""<style>{STYLE}.exhibit {{ --link: var(--jp-content-link-color, #0b5a8f);
--ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1d1d1f)); --quiet: var(--jp-content-font-color2, #5b5b63);
--grid: var(--jp-border-color2, #e6e6ea); --paper: var(--jp-layout-color0, #ffffff); }}</style>"""
SAFE = " /:;,=()!*'+@&?"  # what a data: link in double quotes may hold as it is
# What an SVG is better without: its prologue, one font list a word, a fixed size, names that nothing refers to, white space, no turn.
SVG_SAVINGS = (
    (r"^.*?(?=<svg)", ""),
    (r"<style.*?</style>|<metadata>.*?</metadata>", ""),
    (r" font-family: [^;\"]*;?", ""),
    (r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1"),
    (r'<g id="[^"]*"', "<g"),
    (r">\s+<", "><"),
    (r' ?\n(?=[A-Zz"])', ""),
    (r' transform="rotate\(-?0 [^"]*"', ""),
)
Draw = Callable[["Canvas", bool], None]
_WIDE_ONLY: ContextVar[bool] = ContextVar("wide_only", default=False)


class Words(TypedDict, total=False):
    """What is said about a drawing, and the frame it draws: see `Figure`."""

    title: Required[str]
    alt: Required[str]
    deck: str
    data: pd.DataFrame
    note: str


@dataclass(frozen=True)
class Figure:
    """A picture that shows itself; `charts` draws them, and a study adds id and source."""

    title: str  # a statement
    alt: str  # the same in a sentence or two, for a reader who does not see the picture
    svg: str
    narrow: str  # the drawing for a phone
    deck: str = ""  # what, when, how many and in which unit
    data: pd.DataFrame = field(default_factory=pd.DataFrame)  # what the CSV link holds
    note: str = ""  # how to read it
    id: str = ""
    source: str = ""

    def _repr_html_(self) -> str:
        # A page may show one drawing as two exhibits: the names inside it are each exhibit's own.
        drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{self.id}", f"{self.svg}{self.narrow}")
        body = f'<div class="picture" role="img" aria-label="{escape(self.alt)}">{drawn}</div>'
        links = {"SVG": ("svg", f"data:image/svg+xml,{quote(self.standalone(), safe=SAFE)}")}
        parts: Any = {"deck": self.deck, "note": self.note, "source": self.source, "data": self.data}
        return frame("figure", self.id, self.title, body, links=links, **parts)

    def __repr__(self) -> str:
        return f"{self.title}. {self.alt}"

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"id": self.id or exhibit_id(self.title), "title": self.title, "kind": "figure"}
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, {"research_lib": about}

    def standalone(self) -> str:
        """Return the picture as a file of its own: title, deck and source drawn in, colours fixed."""
        width, height = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', self.svg)[0])
        text, y = "", 0.0
        for said, letters, size, look in ((self.title, 66, 13.0, INK), (self.deck, 105, 9.5, QUIET)):
            weight = "bold" if look == INK else "normal"
            for words in textwrap.wrap(said, letters):
                y += 1.4 * size
                text += f'<text x="6" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{look}">{escape(words)}</text>'
        inner = re.sub(r"var\(--[\w-]+, ?(#\w+)\)", r"\1", self.svg)
        inner = inner.replace('<svg class="wide"', f'<svg y="{y + 8:.1f}" width="{width}" height="{height}"', 1)
        foot = f'<text x="6" y="{y + height + 21:.1f}" font-size="8.5" fill="{QUIET}">{escape(self.source)}</text>'
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" font-family="sans-serif" '
            f'viewBox="0 0 {width} {y + height + 30:.1f}"><rect width="100%" height="100%" fill="{PAPER}"/>'
            f"{text}{inner}{foot}</svg>"
        )


def picture(draw: Draw, heights_px: tuple[float, float], **words: Unpack[Words]) -> Figure:
    """Draw a figure for a page and for a phone: `draw(canvas, narrow)` fills an empty canvas in the kit's style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    drawn, both = {"narrow": ""}, (("wide", WIDE_PX, heights_px[0]), ("narrow", NARROW_PX, heights_px[1]))
    for kind, width, height in both[:1] if _WIDE_ONLY.get() else both:
        salt = (
            f"{kind} {words['title']} {words['alt']}"  # the same bytes each time, with names that no other figure has
        )
        with mpl.rc_context({"svg.hashsalt": salt}, fname=HERE / "kit.mplstyle"):
            canvas = Canvas(figsize=(width / 100, height / 100), layout="constrained")
            draw(canvas, kind == "narrow")
            drawn[kind] = _as_svg(canvas, kind)
    return Figure(svg=drawn["wide"], narrow=drawn["narrow"], **words)


@contextmanager
def wide_only() -> Iterator[None]:
    """Let figures be drawn for a wide screen alone, in half the time."""
    before = _WIDE_ONLY.set(True)
    try:
        yield
    finally:
        _WIDE_ONLY.reset(before)


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
    """Put a table or figure, as HTML, into its frame: title and deck above it; note, source and links below.

    An empty id is made from the title; `links` maps a word to a file name extension and an address.
    """
    name, offered = id or exhibit_id(title), dict(links or {})
    if kind == "table":  # wider than its frame it scrolls, by keyboard too
        body = f'<div class="scroll" role="group" tabindex="0" aria-label="Table">{body}</div>'
    if data is not None and len(data.columns):
        offered = {"CSV": ("csv", f"data:text/csv;charset=utf-8,{quote(as_csv(data), safe=SAFE)}"), **offered}
    tools = [f'<a href="#{name}" aria-label="Link to this {kind}">#</a>']
    tools += [f'<a download="{name}.{kind}" href="{to}">{word}</a>' for word, (kind, to) in offered.items()]
    above = f'<p class="title" id="{name}-title">{escape(title)}</p>'
    above += f'<p class="deck">{escape(deck)}</p>' if deck else ""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    below += f'<p class="source">{escape(source.rstrip(".") + "." if source else "")}{"".join(tools)}</p>'
    return (
        f'<figure class="exhibit {kind}" id="{name}" aria-labelledby="{name}-title">{FRAME_STYLE}{above}{body}'
        f"<figcaption>{below}</figcaption></figure>"
    )


def exhibit_id(title: str) -> str:
    """Make the name that an exhibit outside a study is linked by."""
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def as_csv(data: pd.DataFrame) -> str:
    """Write a frame as CSV: six digits, ISO dates, the index only where it is not a plain count."""
    return data.to_csv(index=not isinstance(data.index, pd.RangeIndex), float_format="%.6g", date_format="%Y-%m-%d")


def badge(verdict: str, *, short: bool = False) -> str:
    """Return a verdict as an element: its colour, its shape and its word; short, the word is for screen readers only."""
    colour, shape, word = VERDICT_LOOK[verdict]
    unseen = ' class="unseen"' if short else ""
    look = f'title="{word}" style="background:{colour};color:{ink_on(colour)}"'
    return f'<span class="badge" {look}><span aria-hidden="true">{shape} </span><span{unseen}>{word}</span></span>'


def ink_on(colour: str) -> str:
    """Return the ink, dark or light, that is read best on a colour; it stays so in dark mode."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return "#fffffe" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.18 else "#1d1d1e"


def _as_svg(canvas: "Canvas", kind: str) -> str:
    """Write a canvas as a small element."""
    buffer = io.StringIO()
    canvas.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = buffer.getvalue()
    for pattern, shorter in SVG_SAVINGS:
        svg = re.sub(pattern, shorter, svg, flags=re.DOTALL)
    # A hundredth of a point is enough for a place.
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda place: re.sub(r"(\.\d\d)\d+", r"\1", place[0]), svg).strip()
    for name, colour in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name}, {colour})")
    return svg.replace("<svg ", f'<svg class="{kind}" aria-hidden="true" ', 1)
