"""`Column`: heading, format, unit and meaning, once, in glossary.csv. A table is a title, a frame and a list of their names.

Written by hand rather than by great_tables: its tables bring 10 kB of fixed colours each, which dark mode cannot change,
and write cell by cell, which took a third of a page's time.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from research_lib.exhibits.exhibit import Exhibit
from research_lib.exhibits.format import interval, show

# Columns that show two others as a range.
ENDS = {"interval": ("low", "high"), "jackknife": ("jackknife_low", "jackknife_high")}


@dataclass(frozen=True)
class Column:
    """How one quantity is shown wherever it appears."""

    heading: str
    unit: str = ""  # of `format.show`; empty takes the unit of the table
    meaning: str = ""  # a sentence or clause for the note; empty where the heading says it all
    words: bool = False  # text, aligned left
    digits: int | None = None  # decimal places, where not the unit's own


ColumnName = str | tuple[str, Column]
with Path(__file__).with_name("glossary.csv").open(encoding="utf-8") as _file:
    GLOSSARY: Mapping[str, Column] = {
        name: Column(heading, unit, meaning, words=unit == "text", digits=int(digits) if digits else None)
        for name, heading, unit, meaning, digits in list(csv.reader(_file))[1:]
    }


@dataclass(frozen=True)
class Table(Exhibit):
    """A table that shows itself."""

    columns: Sequence[ColumnName]  # of `data`, as the glossary names them; `interval` shows `low` to `high`
    _: KW_ONLY
    unit: str = "number"  # of columns that have none of their own

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

    def reading(self) -> str:
        """Say how to read it: the table's own note, then what its columns mean."""
        meanings = [f"{one.heading}: {one.meaning}" for _, one in self._columns() if one.meaning]
        return " ".join(filter(None, [self.note, "; ".join(meanings) + "." if meanings else ""]))

    def body(self) -> str:
        """Return the table; wider than its frame it scrolls, by keyboard too."""
        looks, cells = [' class="words"' if column.words else "" for _, column in self._columns()], self.cells

        def row(texts: Iterable[Any], first: str, others: str) -> str:
            tags = [first, *[others] * len(looks)]
            shown = [f"<{t}{look}>{escape(str(x))}</{t[:2]}>" for t, look, x in zip(tags, looks, texts, strict=False)]
            return f"<tr>{''.join(shown)}</tr>"

        head = row(cells.columns, 'th scope="col"', 'th scope="col"')
        body = "".join(row(texts, 'th scope="row"', "td") for texts in cells.itertuples(index=False, name=None))
        body = body or f'<tr><td colspan="{len(looks)}">none</td></tr>'
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        return f'<div class="scroll" role="group" tabindex="0" aria-label="Table">{table}</div>'

    def __repr__(self) -> str:
        return f"{self.title}\n{self.cells.to_string(index=False)}\n{self.reading()}"
