"""Figures: drawn off screen, shown as one element with its title, caption and alternative text."""

import base64
import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas
    from matplotlib.transforms import Bbox

WIDTH_INCHES = 8.0
DOTS_PER_INCH = 144
SCREEN_DOTS_PER_INCH = 90
# Narrower than this its words are too small to read: it scrolls instead.
PICTURE_STYLE = f"width:100%;min-width:34rem;max-width:{WIDTH_INCHES * 100:.0f}px;height:auto"
SVG_STYLE = "stroke-linejoin:round;font-family:DejaVu Sans,Verdana,Arial,sans-serif"

# What an SVG is better without: its prologue, one font list a word, a size in points, names that nothing refers to (only
# clips and markers are referred to), white space.
SVG_SAVINGS = (
    (r"^.*?(?=<svg)", ""),
    (r"<style.*?</style>|<metadata>.*?</metadata>", ""),
    (r" font-family: [^;]*;", ""),
    (r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1"),
    (r'<g id="[^"]*"', "<g"),
    (r">\s+<", "><"),
)

# Of seaborn's colour-blind palette, three that differ in lightness too; a second mark (dash, marker) goes with each.
BLUE, ORANGE, GREY, LIGHT_BLUE = "#0173b2", "#de8f05", "#6b6b6b", "#bcd9ea"

# Where the axes of a figure stand, by its title: working that out takes as long as drawing it.
Places = dict[str, "list[Bbox]"]
_SKETCHED: ContextVar[Places | None] = ContextVar("sketched", default=None)


@dataclass(frozen=True)
class Figure:
    """A picture that shows itself.

    Attributes
    ----------
    title : str
        The subject of the finding.
    caption : str
        How to read it.
    alt : str
        The point of the picture, in words, for who does not see it.
    png : bytes
        The picture.
    svg : str
        The same picture as an element of a page, without its own words for who does not see it.
    """

    title: str
    caption: str
    alt: str
    png: bytes
    svg: str = ""

    def _repr_html_(self) -> str:
        """Show the smaller of the two pictures, in a frame that scrolls."""
        alt, data = html.escape(self.alt), base64.b64encode(self.png).decode()
        picture = f'<img src="data:image/png;base64,{data}" alt="{alt}" style="{PICTURE_STYLE}">'
        if self.svg and len(self.svg) < len(picture):
            words = f'role="img" aria-label="{alt}" style="{PICTURE_STYLE};{SVG_STYLE}"'
            picture = self.svg.replace("<svg ", f"<svg {words} ", 1)
        return (
            f'<figure><div class="picture" role="group" tabindex="0" aria-label="Figure: {html.escape(self.title)}" '
            f'style="overflow-x:auto">{picture}</div><figcaption>{html.escape(self.caption)}</figcaption></figure>'
        )

    def __repr__(self) -> str:
        return f"{self.title}. {self.alt}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


@dataclass(frozen=True)
class Prose:
    """Sentences whose numbers were computed; Markdown."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@contextmanager
def canvas(*, height_inches: float = 4.0) -> Iterator["Canvas"]:
    """Give an empty figure in the kit's style; no window, no global state is touched."""
    import matplotlib as mpl
    import seaborn as sns
    from matplotlib.figure import Figure as Canvas

    style = {
        **sns.axes_style("ticks", rc={"axes.spines.top": False, "axes.spines.right": False}),
        "axes.grid": True,
        "font.size": 10,
        "grid.color": "#e3e3e3",
    }
    with mpl.rc_context(style):
        yield Canvas(figsize=(WIDTH_INCHES, height_inches), layout="constrained")


@contextmanager
def sketches(places: Places) -> Iterator[None]:
    """Let figures be drawn for the screen alone, several times faster: fewer dots, no SVG, axes where they were.

    Parameters
    ----------
    places : dict
        Kept from one drawing to the next; what is new is put in.
    """
    before = _SKETCHED.set(places)
    try:
        yield
    finally:
        _SKETCHED.reset(before)


def plain_log_ticks(axis: "Axis") -> None:
    """Write a logarithmic axis in plain numbers: 100, not 10²."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def finish(drawn: "Canvas", *, title: str, caption: str, alt: str) -> Figure:
    """Render a drawn canvas; its first axes take the title."""
    drawn.axes[0].set_title(title, loc="left", fontweight="bold")
    places = _SKETCHED.get()
    if places is not None:
        return Figure(title, caption, alt, _sketch(drawn, places, title))
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    drawn.set_layout_engine(None)  # all is in its place: working that out again takes as long as drawing
    return Figure(title, caption, alt, buffer.getvalue(), _as_svg(drawn, salt=f"{title} {caption} {alt}"))


def _sketch(drawn: "Canvas", places: Places, title: str) -> bytes:
    known, buffer = places.get(title, []), io.BytesIO()
    if len(known) == len(drawn.axes):
        drawn.set_layout_engine(None)
        for axes, place in zip(drawn.axes, known, strict=True):
            axes.set_position(place)
    drawn.savefig(buffer, format="png", dpi=SCREEN_DOTS_PER_INCH, pil_kwargs={"compress_level": 1})
    places[title] = [axes.get_position() for axes in drawn.axes]
    return buffer.getvalue()


def _as_svg(drawn: "Canvas", *, salt: str) -> str:
    """Write a canvas as an element: the same bytes each time, small, with identifiers that no other figure has."""
    import matplotlib as mpl

    buffer = io.StringIO()
    # Words stay words: smaller than their outlines, and most other fonts are narrower than matplotlib's own.
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        drawn.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = buffer.getvalue()
    for pattern, replacement in SVG_SAVINGS:
        svg = re.sub(pattern, replacement, svg, flags=re.DOTALL)
    # A hundredth of a point is enough for a place.
    return re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda place: re.sub(r"(\.\d\d)\d+", r"\1", place[0]), svg).strip()
