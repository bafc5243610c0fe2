"""What shows itself in a report: the frame that all exhibits share, tables, and figures, drawn for a page and for a phone.

`Column` says once, in glossary.csv, how a quantity is shown; a table is a title, a frame and a list of such columns. The HTML
stands in templates of our own: tables of great_tables bring fixed colours, which dark mode cannot change, and are slow.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader

from research_lib.exhibits.format import interval, plural, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

HERE = Path(__file__).parent
TEMPLATES = Environment(loader=FileSystemLoader(HERE), autoescape=True)
# A narrow frame shows the narrow drawing. The page has these rules once, a notebook's output brings them along.
STYLE = (HERE / "exhibit.css").read_text(encoding="utf-8")
FRAME_STYLE = f"<style>{STYLE}{(HERE / 'notebook.css').read_text(encoding='utf-8')}</style>"
TEMPLATES.filters["address"] = partial(quote, safe=" /:;,=()!*'+@?")  # of what a data: link in double quotes holds
TEMPLATES.filters["begun"] = lambda text: re.sub("^[a-z](?![A-Z])", lambda it: it[0].upper(), text)  # iShares stays
# Columns that show two others as a range.
ENDS = {"interval": ("low", "high"), "jackknife": ("jackknife_low", "jackknife_high")}


@dataclass(frozen=True)
class Exhibit:
    """A part of a report that shows itself; a study adds id and source."""

    kind: ClassVar[str] = "table"
    template: ClassVar[str]  # of its HTML, within the frame

    id: str  # its anchor on the page; where empty, made of the title
    title: str  # the finding, or the subject
    data: pd.DataFrame  # numbers as computed; what the CSV link gives
    _: KW_ONLY
    deck: str = ""  # what, when, how many and in which unit
    note: str = ""  # how to read it
    source: str = ""

    def csv(self) -> str:
        """Write the numbers as CSV: six digits, ISO dates, the index only where it is not a plain count."""
        has_names = not isinstance(self.data.index, pd.RangeIndex)
        return self.data.to_csv(index=has_names, float_format="%.6g", date_format="%Y-%m-%d")

    @property
    def anchor(self) -> str:
        """The name that it is linked by."""
        return self.id or re.sub(r"\W+", "-", self.title.lower()).strip("-")

    def _repr_html_(self) -> str:
        return TEMPLATES.get_template(self.template).render(one=self, frame_style=FRAME_STYLE)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"id": self.anchor, "title": self.title, "kind": self.kind}
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, {"research_lib": about}


@dataclass(frozen=True)
class Column:
    """How one quantity is shown wherever it appears."""

    heading: str
    unit: str = ""  # of `format.show`; empty takes the unit of the table; `text` stands at the left
    meaning: str = ""  # a sentence or clause for the note; empty where the heading says it all
    digits: int | None = None  # decimal places, where not the unit's own


ColumnName = str | tuple[str, Column]
_ROWS = pd.read_csv(HERE / "glossary.csv", dtype=str, index_col="name", na_filter=False)
GLOSSARY: Mapping[str, Column] = {
    name: Column(heading, unit, meaning, int(digits) if digits else None)
    for name, heading, unit, meaning, digits in _ROWS.itertuples()
}


@dataclass(frozen=True)
class Table(Exhibit):
    """A table that shows itself."""

    template: ClassVar[str] = "table.html"

    columns: Sequence[ColumnName]  # of `data`, as the glossary names them; `interval` shows `low` to `high`
    _: KW_ONLY
    unit: str = "number"  # of columns that have none of their own

    @property
    def looks(self) -> list[tuple[str, Column]]:
        """Its columns by name, each with how it is shown."""
        return [(name, GLOSSARY[name]) if isinstance(name, str) else name for name in self.columns]

    @property
    def cells(self) -> pd.DataFrame:
        """The texts as they are shown, under their headings."""
        shown = [self._shown(name, column) for name, column in self.looks]
        return pd.DataFrame(zip(*shown, strict=True), columns=[column.heading for _, column in self.looks])

    def _shown(self, name: str, column: Column) -> list[str]:
        look: Any = {"unit": column.unit or self.unit, "digits": column.digits}
        if name in ENDS and name not in self.data:
            low, high = (self.data[end] for end in ENDS[name])
            return [interval(*ends, **look) for ends in zip(low, high, strict=True)]
        return [show(value, **look) for value in self.data[name].tolist()]

    def reading(self) -> str:
        """Say how to read it: the table's own note, then what its columns mean."""
        meanings = [f"{one.heading}: {one.meaning}" for _, one in self.looks if one.meaning]
        return " ".join(filter(None, [self.note, "; ".join(meanings) + "." if meanings else ""]))

    def __repr__(self) -> str:
        return f"{self.title}\n{self.cells.to_string(index=False)}\n{self.reading()}"


WIDE_PX, NARROW_PX = 860, 358  # what a page and a phone have room for

INK, QUIET, GRID, PAPER = "#1d1d1f", "#5b5b63", "#e6e6ea", "#ffffff"
SMALL_CAPS, LARGE_CAPS = "#de8f05", "#0b6fae"  # these two and nothing else, on every page
SMALL_CAPS_WORDS = "#9a6200"  # the orange is too light for words
DAY, CONTEXT, BAND = "#b3261e", "#9a9aa2", "#a9cbe3"  # the day in question; what it is seen against
# In a page these colours are variables: dark mode and print set them, and elsewhere the light ones stand.
VARIABLES = {
    "ink": INK, "quiet": QUIET, "grid": GRID, "paper": PAPER, "small": SMALL_CAPS, "small-words": SMALL_CAPS_WORDS,
    "large": LARGE_CAPS, "day": DAY, "context": CONTEXT, "band": BAND,
}  # fmt: skip
# Of each verdict its colour, its shape, its word, and its ink, dark or light, on the colour.
VERDICT_LOOK: Mapping[str, Sequence[str]] = yaml.safe_load((HERE / "verdicts.yaml").read_text(encoding="utf-8"))
JUDGED = ("holds", "roughly", "depends", "fails", "open")

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
WIDE_ONLY = ContextVar("WIDE_ONLY", default=False)  # set: figures are drawn for a wide screen alone, in half the time


@dataclass(frozen=True)
class Figure(Exhibit):
    """A picture that shows itself; `charts` draws them. Its title is a statement."""

    kind: ClassVar[str] = "figure"
    template: ClassVar[str] = "figure.html"

    alt: str  # the same in a sentence or two, for a reader who does not see the picture
    svg: str
    narrow: str  # the drawing for a phone

    def drawn(self) -> str:
        """Return both drawings; a page may show one as two exhibits, so that the names inside it are each exhibit's own."""
        return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{self.id}", f"{self.svg}{self.narrow}")

    def __repr__(self) -> str:
        return f"{self.title}. {self.alt}"

    def standalone(self) -> str:
        """Return the picture as a file of its own: title, deck and source drawn in, colours fixed."""
        width, height = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', self.svg)[0])
        drawn = re.sub(r"var\(--[\w-]+, ?(#\w+)\)", r"\1", self.svg)
        template = TEMPLATES.get_template("figure.svg")
        return template.render(VARIABLES, one=self, drawn=drawn, width=width, height=height)


def picture(draw: Draw, heights_px: tuple[float, float], **words: Any) -> Figure:  # noqa: ANN401  # fields of `Figure`
    """Draw a figure for a page and for a phone: `draw(canvas, narrow)` fills an empty canvas in the kit's style."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    drawn, both = {"narrow": ""}, (("wide", WIDE_PX, heights_px[0]), ("narrow", NARROW_PX, heights_px[1]))
    with mpl.rc_context(fname=HERE / "kit.mplstyle"):
        for kind, width, height in both[:1] if WIDE_ONLY.get() else both:
            # The same bytes each time, with names that no other figure has.
            mpl.rcParams["svg.hashsalt"] = f"{kind} {words['title']} {words['alt']}"
            canvas = Canvas(figsize=(width / 100, height / 100), layout="constrained")
            draw(canvas, kind == "narrow")
            drawn[kind] = _as_svg(canvas, kind)
    return Figure(**{"id": "", "data": pd.DataFrame(), **words}, svg=drawn["wide"], narrow=drawn["narrow"])


def badge(verdict: str, *, short: bool = False, of: str = "") -> str:
    """Return a verdict, `of` what, as an element of colour, shape and word; short, the word is for screen readers only."""
    of = f"{of} " if of and verdict in JUDGED else ""
    return TEMPLATES.get_template("badge.html").render(look=VERDICT_LOOK[verdict], of=of, short=short)


def tally(verdicts: Iterable[str]) -> str:
    """Count claims by verdict: 46 claims: holds 40, fails 6."""
    counts = Counter(verdicts)
    counted = ", ".join(f"{word} {counts[name]}" for name, (_, _, word, _) in VERDICT_LOOK.items() if counts[name])
    return f"{plural(counts.total(), 'claim')}: {counted}".rstrip(": ")


def _as_svg(canvas: "Canvas", kind: str) -> str:
    """Write a canvas as a small element; `savefig` would draw it twice, to the same end."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer, unsaid = io.StringIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(canvas).print_svg(buffer, metadata=unsaid)  # type: ignore[no-untyped-call]
    svg = buffer.getvalue()
    for pattern, shorter in SVG_SAVINGS:
        svg = re.sub(pattern, shorter, svg, flags=re.DOTALL)
    # A hundredth of a point is enough for a place.
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda place: re.sub(r"(\.\d\d)\d+", r"\1", place[0]), svg).strip()
    for name, colour in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name}, {colour})")
    return svg.replace("<svg ", f'<svg class="{kind}" aria-hidden="true" ', 1)
