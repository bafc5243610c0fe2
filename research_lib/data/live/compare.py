"""What history a new snapshot changed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research_lib.data.live.snapshots import Kind

KEYS = {
    Kind.PRICES: ["date"],
    Kind.SERIES: ["date"],
    Kind.COMPANIES: ["taxonomy", "tag", "unit", "start", "end", "filed", "accession"],
}


@dataclass(frozen=True)
class ColumnChange:
    """Changed cells of one column: how many, from when to when, and the largest relative change."""

    column: str
    cells: int
    first: str
    last: str
    largest: float

    def __str__(self) -> str:
        return f"{self.column}: {self.cells:,} changed, {self.first} to {self.last}, by up to {self.largest:.2%}"


@dataclass(frozen=True)
class Changes:
    """How a snapshot differs from the one before it: rows that came, rows that went, and cells that changed."""

    added: int
    removed: int
    columns: tuple[ColumnChange, ...]

    def __str__(self) -> str:
        rows = [f"{self.added:,} rows added", *([f"{self.removed:,} REMOVED"] if self.removed else [])]
        return "; ".join([*rows, *(map(str, self.columns or ["no change in what was there"]))])


def compare(kind: Kind, older: pd.DataFrame, newer: pd.DataFrame) -> Changes:
    """Compare two snapshots of an item, row by row."""
    keys = KEYS[kind]
    old, new = (frame.drop_duplicates(keys).set_index(keys).sort_index() for frame in (older, newer))
    common = old.index.intersection(new.index)
    numbers = [name for name in old.columns if name in new.columns and pd.api.types.is_numeric_dtype(old[name])]
    changed = [_change(old.loc[common, name], new.loc[common, name]) for name in numbers]
    return Changes(
        len(new.index.difference(old.index)), len(old.index.difference(new.index)), tuple(filter(None, changed))
    )


def _change(old: "pd.Series[float]", new: "pd.Series[float]") -> ColumnChange | None:
    differs = ~((old == new) | (old.isna() & new.isna()))
    if not differs.any():
        return None
    level = "date" if "date" in old.index.names else "filed"
    days = old.index[differs].get_level_values(level)
    relative = (new[differs] / old[differs] - 1).abs().replace(np.inf, np.nan)
    largest = float(relative.max()) if relative.notna().any() else float("nan")
    return ColumnChange(str(old.name), int(differs.sum()), str(days.min().date()), str(days.max().date()), largest)
