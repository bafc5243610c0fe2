"""Read a typed table from a CSV or Parquet file, fast; a cell that is not of its type is named by its row."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from research_lib.data.fundamentals.columns import DATE, INTEGER, NUMBER
from research_lib.errors import DataError

SHOWN_ROWS = 3
FIRST_ROW = 2  # the header is row 1, as a spreadsheet shows it


@dataclass(frozen=True)
class TableFile:
    """A file to read: where, how messages name it, and the kind of each column that must be there."""

    path: Path
    shown: str
    kinds: Mapping[str, str]
    optional: Mapping[str, str]
    delimiter: str = ","


def read_table(file: TableFile) -> pd.DataFrame:
    """Read the columns asked for; the index is the row in the file.

    Raises
    ------
    DataError
        The file is absent, empty, otherwise separated, of other columns, or a cell is not of its column's kind.
    """
    frame = _read_parquet(file) if file.path.suffix == ".parquet" else _read_csv(file)
    if frame.empty:
        raise DataError(f"{file.shown}: holds a header but no rows")
    return frame.set_axis(range(FIRST_ROW, len(frame) + FIRST_ROW))


def require_unique(frame: pd.DataFrame, keys: Sequence[str], shown: str) -> None:
    """Raise where two rows have the same keys: no one can tell which of them is right."""
    twice = frame[frame.duplicated(list(keys), keep=False)].sort_values(list(keys), kind="stable")
    if not twice.empty:
        first = twice[list(keys)].iloc[0].tolist()
        rows = twice.index[twice.groupby(list(keys), sort=False).ngroup() == 0]
        many = int(frame.duplicated(list(keys)).sum())
        raise DataError(
            f"{shown}, rows {', '.join(map(str, rows[:SHOWN_ROWS]))}: {' '.join(map(str, first))} stands "
            f"{len(rows)} times ({many} rows too many in all); keep one row for each {', '.join(keys)}"
        )


def _read_csv(file: TableFile) -> pd.DataFrame:
    from pyarrow import ArrowInvalid
    from pyarrow import csv as arrow

    header = _read_header(file)
    kinds = _chosen(file, header)
    try:
        table = arrow.read_csv(
            file.path,
            parse_options=arrow.ParseOptions(delimiter=file.delimiter),
            convert_options=arrow.ConvertOptions(
                include_columns=list(kinds), column_types=_arrow_types(kinds), strings_can_be_null=True
            ),
            read_options=arrow.ReadOptions(column_names=header, skip_rows=1),
        )
    except ArrowInvalid as error:
        raise DataError(_locate(file, header, kinds) or f"{file.shown}: {error}") from None
    return _as_frame(table.to_pandas(date_as_object=False), kinds)


def _read_header(file: TableFile) -> list[str]:
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines, delimiter=file.delimiter), [])
    except FileNotFoundError:
        raise DataError(f"{file.shown}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file.shown}: not UTF-8 text (byte {error.start})") from None
    if not header:
        raise DataError(f"{file.shown}: the file is empty")
    if len(header) == 1:
        raise DataError(
            f"{file.shown}: its only column is {header[0]!r}; its cells must be separated by {file.delimiter!r}"
        )
    if len(set(header)) < len(header):
        raise DataError(f"{file.shown}: a column's name stands twice in its header")
    return header


def _chosen(file: TableFile, header: Sequence[str]) -> dict[str, str]:
    missing = [name for name in file.kinds if name not in header]
    if missing:
        near = get_close_matches(missing[0], header, n=1)
        hint = f"; did it become {near[0]!r}?" if near else f"; it has {', '.join(header)}"
        raise DataError(f"{file.shown}: no column {missing[0]!r}{hint}")
    return {**file.kinds, **{name: kind for name, kind in file.optional.items() if name in header}}


def _arrow_types(kinds: Mapping[str, str]) -> dict[str, object]:
    import pyarrow as pa

    types = {NUMBER: pa.float64(), INTEGER: pa.int64(), DATE: pa.date32()}
    return {name: types.get(kind, pa.string()) for name, kind in kinds.items()}


def _read_parquet(file: TableFile) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file.path)
        kinds = _chosen(file, list(map(str, frame.columns)))
        return _as_frame(frame[list(kinds)], kinds)
    except FileNotFoundError:
        raise DataError(f"{file.shown}: there is no such file") from None
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{file.shown}: cannot be read as Parquet of the known columns ({error})") from None


def _as_frame(frame: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    dates = {name: "datetime64[us]" for name, kind in kinds.items() if kind == DATE}
    numbers = {name: "float64" for name, kind in kinds.items() if kind == NUMBER}
    return frame.astype({**dates, **numbers})


def _locate(file: TableFile, header: Sequence[str], kinds: Mapping[str, str]) -> str:
    """Find the first row that made the fast reader give up; empty where none is found."""
    with file.path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter=file.delimiter)
        next(reader)
        for number, cells in enumerate(reader, start=FIRST_ROW):
            if cells and len(cells) != len(header):
                return f"{file.shown}, row {number}: {len(cells)} cells where the header has {len(header)}"
            for name, cell in zip(header, cells, strict=False):
                if not _is_of_kind(cell, kinds.get(name, "")):
                    return f"{file.shown}, row {number}, column {name!r}: {cell!r} is not a {_WORDS[kinds[name]]}"
    return ""


_WORDS = {NUMBER: "number", INTEGER: "whole number", DATE: "date (yyyy-mm-dd)"}
_EMPTY = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})


def _is_of_kind(cell: str, kind: str) -> bool:
    if kind not in _WORDS or (cell in _EMPTY and kind != INTEGER):
        return True
    try:
        if kind == DATE:
            pd.to_datetime(cell, format="%Y-%m-%d")
        else:
            int(cell) if kind == INTEGER else float(cell)
    except ValueError:
        return False
    return True
