"""Tables: a title, a frame and a list of column names; everything else about a column stands in the glossary.

Written by hand rather than by great_tables: its tables bring 10 kB of fixed colours each, which dark mode cannot change,
and write cell by cell, which took a third of a page's time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from research_lib.exhibits.figure import frame
from research_lib.exhibits.format import interval, show
from research_lib.exhibits.glossary import GLOSSARY, Column

ColumnName = str | tuple[str, Column]


# Columns that show two others as a range.
ENDS = {"interval": ("low", "high"), "jackknife": ("jackknife_low", "jackknife_high")}


@dataclass(frozen=True)
class Table:
    """A table that shows itself."""

    id: str  # its anchor on the page
    title: str  # the finding, or the subject
    data: pd.DataFrame  # numbers as computed; they are also what the CSV link gives
    columns: Sequence[ColumnName]  # of `data`, as the glossary names them; `interval` shows `low` to `high`
    unit: str = "number"  # of columns that have none of their own
    deck: str = ""  # what, when, n and unit
    note: str = ""  # how to read it, before the meanings of its columns
    source: str = ""

    @property
    def cells(self) -> pd.DataFrame:
        """The texts as they are shown, under their headings."""
        shown = [self._shown(name, column) for name, column in self._columns()]
        return pd.DataFrame(zip(*shown, strict=True), columns=[column.heading for _, column in self._columns()])

    def _columns(self) -> list[tuple[str, Column]]:
        return [(name, GLOSSARY[name]) if isinstance(name, str) else name for name in self.columns]

    def _shown(self, name: str, column: Column) -> list[str]:
        look: Any = {"unit": column.unit or self.unit, "digits": column.digits}
        if name in ENDS and name not in self.data:
            low, high = (self.data[end] for end in ENDS[name])
            return [interval(*ends, **look) for ends in zip(low, high, strict=True)]
        return [show(value, **look) for value in self.data[name].tolist()]

    def _note(self) -> str:
        meanings = [f"{one.heading}: {one.meaning}" for _, one in self._columns() if one.meaning]
        return " ".join(filter(None, [self.note, "; ".join(meanings) + "." if meanings else ""]))

    def body(self) -> str:
        """Return the table element alone."""
        columns = [column for _, column in self._columns()]
        head = "".join(_cell("th", one.heading, one, ' scope="col"') for one in columns)
        rows = [
            _cell("th", row[0], columns[0], ' scope="row"')
            + "".join(_cell("td", text, one) for text, one in zip(row[1:], columns[1:], strict=True))
            for row in self.cells.itertuples(index=False, name=None)
        ]
        body = "".join(f"<tr>{row}</tr>" for row in rows or [f'<td colspan="{len(columns)}">none</td>'])
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _repr_html_(self) -> str:
        parts: Any = {"deck": self.deck, "note": self._note(), "source": self.source}
        return frame("table", self.id, self.title, self.body(), data=self.data, **parts)

    def __repr__(self) -> str:
        return f"{self.title}\n{self.cells.to_string(index=False)}\n{self._note()}"

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"id": self.id, "title": self.title, "kind": "table"}
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, {"research_lib": about}


def _cell(tag: str, text: str, column: Column, scope: str = "") -> str:
    words = ' class="words"' if column.words else ""
    return f"<{tag}{scope}{words}>{escape(text)}</{tag}>"
