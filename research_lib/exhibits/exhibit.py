"""What shows itself in a report: the frame that tables, figures and cards share, and tables.

`Column` says once, in glossary.csv, how a quantity is shown; a table is a title, a frame and a list of such columns. The HTML
stands in templates of our own: tables of great_tables bring fixed colours, which dark mode cannot change, and are slow.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, FileSystemLoader

from research_lib.exhibits.format import interval, show

HERE = Path(__file__).parent
TEMPLATES = Environment(loader=FileSystemLoader(HERE), autoescape=True)
# A narrow frame shows the narrow drawing. The page has these rules once, a notebook's output brings them along.
STYLE = (HERE / "exhibit.css").read_text(encoding="utf-8")
FRAME_STYLE = f"""<style>{STYLE}.exhibit {{ --link: var(--jp-content-link-color, #0b5a8f);
--ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1d1d1f)); --quiet: var(--jp-content-font-color2, #5b5b63);
--grid: var(--jp-border-color2, #e6e6ea); --paper: var(--jp-layout-color0, #ffffff); }}</style>"""
TEMPLATES.filters["address"] = partial(quote, safe=" /:;,=()!*'+@&?")  # of what a data: link in double quotes holds
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
