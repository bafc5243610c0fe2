"""Tables, by great_tables."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from research_lib.data.card import DataCard
from research_lib.exhibits import format as show
from research_lib.findings import Finding
from research_lib.params import show_setting

if TYPE_CHECKING:
    from great_tables import GT


@dataclass(frozen=True)
class Table:
    """A table that shows itself.

    Attributes
    ----------
    title : str
        Its subject.
    cells : DataFrame
        Texts as they are shown; the first column names the row.
    note : str
        How to read it: units, n, what counts.
    """

    title: str
    cells: pd.DataFrame
    note: str = ""
    left: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        names, name = list(self.cells.columns), _identifier(self.title)
        table = _great_table(self.cells, name)
        table = table.tab_header(title=self.title).tab_stubhead(label=names[0])
        table = table.cols_align("right", columns=[name for name in names[1:] if name not in self.left])
        table = table.cols_align("left", columns=[name for name in names if name in self.left or name == names[0]])
        table = table.tab_options(table_width="auto", table_font_size="14px", container_overflow_x="auto")
        shown = str((table.tab_source_note(self.note) if self.note else table).as_raw_html())
        # Wider than a phone it scrolls: by keyboard too, and a screen reader names it.
        frame = f'<div id="{name}" role="region" tabindex="0" aria-labelledby="{name}-title"'
        return shown.replace(f'<div id="{name}"', frame, 1)

    def __repr__(self) -> str:
        return f"{self.title}\n{self.cells.to_string(index=False)}\n{self.note}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


def _great_table(cells: pd.DataFrame, name: str) -> "GT":
    """Give great_tables an Arrow table: into a pandas frame it writes each cell in 0.3 ms, a third of a page's time."""
    import pyarrow as pa
    from great_tables import GT

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PyArrow Table support is currently experimental")
        return GT(pa.Table.from_pandas(cells, preserve_index=False), rowname_col=str(cells.columns[0]), id=name)


def table(title: str, rows: Sequence[Mapping[str, str]], *, note: str = "", left: Sequence[str] = ()) -> Table:
    """Make a table of rows, each a mapping of column to shown text; columns in `left` hold words, not numbers."""
    return Table(title, pd.DataFrame(list(rows)), note, tuple(left))


def data_cards(cards: Sequence[DataCard]) -> Table:
    """Show which data a report rests on, and what was found wrong with it."""
    rows = [
        {
            "series": card.id,
            "name": card.name,
            "from": f"{card.source}: {card.origin}",
            "first": card.first,
            "last": card.last,
            "rows": show.count(card.rows),
            "gaps": show.count(card.gaps),
            "found": card.fault_summary(),
            "sha256": card.sha256[:12],
        }
        for card in cards
    ]
    note = (
        "gaps: exchange sessions without a value, counted from 1970 on. found: faults that do not stop a run. "
        "sha256: of the dates and values used, first 12 digits."
    )
    return table("What was read", rows, note=note, left=["name", "from", "found", "sha256"])


def parameters_table(values: Mapping[str, object]) -> Table:
    """Show the validated parameters."""
    rows = [{"parameter": name, "value": show_setting(value)} for name, value in values.items()]
    return table("Parameters", rows, left=["value"])


def findings_table(findings: Sequence[Finding]) -> Table:
    """Show the named numbers of a report."""
    rows = [
        {
            "finding": finding.name,
            "value": _value(finding.value),
            "unit": finding.unit,
            "n": show.count(finding.n),
            "95% interval": show.interval(finding.low, finding.high, _value),
            "definition": finding.definition,
        }
        for finding in findings
    ]
    return table("By name", rows, note="fraction: 0.01 is 1%.", left=["unit", "definition"])


def _value(value: float | int | str | None) -> str:
    if isinstance(value, float):
        return show.years(value) if abs(value) >= 1000 else show.number(value, 4)
    return show.count(value) if isinstance(value, int) else value or show.NONE


def _identifier(title: str) -> str:
    """Make the style's anchor from the title, so that the same report is the same bytes each time."""
    return "t-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
