"""What tables, figures and cards share: title and deck above them; note, source and links below, in one frame of HTML."""

import re
from dataclasses import KW_ONLY, dataclass
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pandas as pd

HERE = Path(__file__).parent
# A narrow frame shows the narrow drawing. The page has these rules once, a notebook's output brings them along.
STYLE = (HERE / "exhibit.css").read_text(encoding="utf-8")
FRAME_STYLE = f"""<style>{STYLE}.exhibit {{ --link: var(--jp-content-link-color, #0b5a8f);
--ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1d1d1f)); --quiet: var(--jp-content-font-color2, #5b5b63);
--grid: var(--jp-border-color2, #e6e6ea); --paper: var(--jp-layout-color0, #ffffff); }}</style>"""
SAFE = " /:;,=()!*'+@&?"  # what a data: link in double quotes may hold as it is


@dataclass(frozen=True)
class Exhibit:
    """A part of a report that shows itself; a study adds id and source."""

    kind: ClassVar[str] = "table"

    id: str  # its anchor on the page; where empty, made of the title
    title: str  # the finding, or the subject
    data: pd.DataFrame  # numbers as computed; what the CSV link gives
    _: KW_ONLY
    deck: str = ""  # what, when, how many and in which unit
    note: str = ""  # how to read it
    source: str = ""

    def body(self) -> str:
        """Return what stands inside the frame, as HTML."""
        raise NotImplementedError

    def links(self) -> dict[str, str]:
        """Return what can be taken away: an address by the ending of its file's name."""
        csv = f"data:text/csv;charset=utf-8,{quote(as_csv(self.data), safe=SAFE)}"
        return {"csv": csv} if len(self.data.columns) else {}

    def reading(self) -> str:
        """Say how to read it."""
        return self.note

    def _repr_html_(self) -> str:
        source = escape(self.source.rstrip(".") + "." if self.source else "")
        tools = f'<a href="#{self.anchor}" aria-label="Link to this {self.kind}">#</a>'
        for kind, address in self.links().items():
            tools += f'<a download="{self.anchor}.{kind}" href="{address}">{kind.upper()}</a>'
        return (
            f'<figure class="exhibit {self.kind}" id="{self.anchor}" aria-labelledby="{self.anchor}-title">{FRAME_STYLE}'
            f'<p class="title" id="{self.anchor}-title">{escape(self.title)}</p>{_line("deck", self.deck)}{self.body()}'
            f'<figcaption>{_line("note", self.reading())}<p class="source">{source}{tools}</p></figcaption></figure>'
        )

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"id": self.anchor, "title": self.title, "kind": self.kind}
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, {"research_lib": about}

    @property
    def anchor(self) -> str:
        """The name that it is linked by."""
        return self.id or re.sub(r"\W+", "-", self.title.lower()).strip("-")


def as_csv(data: pd.DataFrame) -> str:
    """Write a frame as CSV: six digits, ISO dates, the index only where it is not a plain count."""
    return data.to_csv(index=not isinstance(data.index, pd.RangeIndex), float_format="%.6g", date_format="%Y-%m-%d")


def _line(kind: str, text: str) -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if text else ""
