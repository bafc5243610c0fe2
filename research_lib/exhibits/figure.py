"""Figures: drawn off screen, shown as one element with its title, caption and alternative text."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas

WIDTH_INCHES = 8.0
DOTS_PER_INCH = 144

# Of seaborn's colour-blind palette, three that differ in lightness too; a second mark (dash, marker) goes with each.
BLUE, ORANGE, GREY, LIGHT_BLUE = "#0173b2", "#de8f05", "#6b6b6b", "#bcd9ea"


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
    """

    title: str
    caption: str
    alt: str
    png: bytes

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode()
        return (
            f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(self.alt)}" '
            f'style="width:100%;max-width:{WIDTH_INCHES * 100:.0f}px;height:auto">'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
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


def plain_log_ticks(axis: "Axis") -> None:
    """Write a logarithmic axis in plain numbers: 100, not 10²."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def finish(drawn: "Canvas", *, title: str, caption: str, alt: str) -> Figure:
    """Render a drawn canvas; its first axes take the title."""
    drawn.axes[0].set_title(title, loc="left", fontweight="bold")
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return Figure(title, caption, alt, buffer.getvalue())
