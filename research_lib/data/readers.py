"""One reader for every table: prices, series, statements, panels and facts, CSV and Parquet alike.

A file goes from bytes to text, header, columns of texts, dates and numbers; each step finds the form from the content.
A cell that cannot be converted is refused with its row; so is one that could mean two things, with both readings.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data.calendar import EXCHANGE_ZONE
from research_lib.data.catalog import fact_rows
from research_lib.errors import DataError, MissingDataError, clipped, listed

Array: TypeAlias = NDArray[Any]
Columns: TypeAlias = "dict[str, pd.Series[Any]]"  # by their names in the file, all on its rows

TEXT, INTEGER, NUMBER, DATE = "text", "whole number", "number", "date (yyyy-mm-dd)"  # kinds of cells in messages
# In numbers; a text NA is a text. A single hyphen stands for zero in some vendors' files, and is refused.
MISSING = ("", ".", "na", "n/a", "n.a.", "<na>", "@na", "nan", "null", "none", "nd", "nm", "--", "#n/a", "#n/a n/a")
CALLED = {name: [name, *row["also_called"].split("|")] for name, row in fact_rows("columns.csv").items()}
# Dates and more: a header, also below titles.
HEADER = rf"(?i)(?!.*\W\d{{4}})\W*(?:{'|'.join(CALLED['date']).replace('_', '[ _]')})\W*[,;\t|]\W*[^\W\d]"
FIELDS = {"open", "high", "low", "close", "adj_close", "volume", "dividends", "stock_splits", "capital_gains"}
SHOWN = 3  # cases that an error names
STRING = pd.StringDtype(na_value=np.nan)  # which pandas calls "str", and takes longer to look up

DATE_FORMS = ("%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d", "%b-%d-%Y", "%B-%d-%Y", "%d-%b-%Y", "%d-%B-%Y", "%d%b%Y",
              "%Y-%m", "%m-%Y", "%b-%Y", "%B-%Y", "%Y-%b")  # fmt: skip
EARLIEST, LATEST = np.datetime64("1700-01-01"), np.datetime64("2200-01-01")
DAY_AND_MONTH = r"(0?\d|1[0-2])[/.-](?!\1\D)(0?\d|1[0-2])[/.-](\d{4})$"  # which of them is which?
MIDNIGHT = r"[ T](?:0?0:00(?::00(?:\.0+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?|12:00(?::00)? AM)$"
ZONED = r"\d[ T]\d\d:.*(?:Z|[+-]\d\d:?\d\d)$"
TO_HYPHENS = {MIDNIGHT: "", r"^\d{4}[.-]\d$": "", r"[\s/.,:-]+": "-", r"^(\d{4})(\d\d)(\d\d)(?:-0)?$": r"\1-\2-\3",
              r"^(\d{4})-?M?(\d\d)$": r"\1-\2", r"^(\d{4})$": r"\1-12", r"(?i)^(Q[1-4])-?(\d{4})$": r"\2\1",
              **{rf"(?i)^(\d{{4}})-?Q{n}$": rf"\1-{3 * n:02}" for n in (1, 2, 3, 4)}}  # fmt: skip
POINT = r"[+-]?(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|(?=\.\d))(?:\.\d*)?(?:[eE][+-]?\d+)?"  # 3010.39 or 3,010.39
COMMA = r"[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?"  # 3010,39 or 3.010,39
PARTED = r"[+-]?[1-9]\d{0,2}\.\d{3}"  # between semicolons or tabs a point may part thousands, or may not
UNCLEAR = rf"(?i){PARTED}|[+-]?\d{{1,3}}|{'|'.join(map(re.escape, MISSING))}"
NO_ROW = r"\s*(?:(?!\d)[^,;\t|]*[^\W\d_][^,;\t|]*)?"  # blanks, or words with nothing to part cells
# Before or after an amount, and between thousands where no fraction can be; a minus sign, or an accountant's brackets.
MARKS = r"(?:^|(?<=^-))[$€£]\s*|\s*€$|(?<=\d)['’\s](?=\d{3}(?!\d))"
NEGATIVE = r"^\((.+)\)$|^\u2212(.+)$"
NO_TABLE = r"\s*(?:<!doctype|<html|<\?xml|\[?\{|PK\x03\x04)"  # web pages, answers of servers, workbooks


@dataclass(frozen=True)
class Sheet:
    """An open table: its columns as they are named in the file, and how to read some.

    Of a header with two levels a name is `close`, or `AAA:close` where there are several symbols. The index of what is
    read is the row in the file: the line of CSV, the number, from 1, in Parquet. Cells of CSV stay texts.
    """

    shown: str  # what messages call the file
    names: Sequence[str]
    cells: Callable[[Sequence[str]], Columns]

    def read(self, names: Iterable[str]) -> Columns:
        """Read some columns, each once."""
        columns = self.cells(list(dict.fromkeys(names)))
        if not all(map(len, columns.values())):
            raise DataError(f"{self.shown}: holds a header but no rows")
        return columns

    def find(self, *names: str) -> str | None:
        """Return, as the file names it, the first of some columns (in their plain form) that is there."""
        for name in names:
            found = [own for own in self.names if plain(own) == name]
            if len(found) > 1:
                raise DataError(f"{self.shown}: column {listed(dict.fromkeys(found))} stands twice in the header")
            if found:
                return found[0]
        return None

    @property
    def date(self) -> str:
        """The name of the column of dates; a first column without a name is an index that pandas wrote."""
        found = self.find(*CALLED["date"])
        if found is None and plain(self.names[0]):
            raise DataError(f"{self.shown}: no column date; it has {listed(self.names)}; call the right one date")
        return found or self.names[0]


def read_table(
    sheet: Sheet,
    kinds: Mapping[str, str],
    *,
    needed: Collection[str] | None = None,
    keys: Collection[str] = (),
    called: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Read typed columns of a table, whatever capitals, blanks and underscores are in their names; the index is the row.

    `kinds` are the columns to look for; the `needed` ones (all, unless said) must be there. `called` has their names in
    the file, the first that is there counts. In `keys` no cell may be empty, as none may in INTEGER columns.
    """
    names = {name: (called or {}).get(name, [name]) for name in kinds}
    found = {name: own for name in kinds if (own := sheet.find(*map(plain, names[name]))) is not None}
    if missing := [names[name][0] for name in (kinds if needed is None else needed) if name not in found]:
        near = get_close_matches(plain(missing[0]), map(plain, sheet.names), n=1)
        hint = f"; did {missing[0]!r} become {sheet.find(*near)!r}?" if near else ""
        raise DataError(f"{sheet.shown}: no column {listed(missing)}; it has {listed(sheet.names)}{hint}")
    cells, shown = sheet.read(found.values()), sheet.shown
    read = {name: (cells[own], kinds[name], f"{shown}, column {clipped(own)}") for name, own in found.items()}
    rows = next(iter(cells.values())).index
    return pd.DataFrame({name: convert(*column, filled=name in keys) for name, column in read.items()}, rows)


def read_panel(path: Path, shown: str) -> pd.DataFrame:
    """Read prices: dates (a column or a Parquet index, unsorted, perhaps with doubles), a column for each company.

    Two rows of header (field and symbol), or a column of symbols, give the adjusted closes, else the closes.
    """
    sheet = open_sheet(path, shown)
    date = sheet.date
    if symbol := sheet.find(*CALLED["symbol"][::-1]):  # a ticker, which statements have, before CRSP's number
        called = {"date": [date], "company": [symbol], "price": [*CALLED["adj_close"], "close", "price"]}
        kinds = {"date": DATE, "company": TEXT, "price": NUMBER}
        long = read_table(sheet, kinds, keys=["date"], called=called).dropna()
        require_unique(long, ["company", "date"], shown)
        return long.set_index(["date", "company"])["price"].unstack().rename_axis(columns=None)  # noqa: PD010
    fields = {name.rpartition(":")[2] for name in sheet.names if ":" in name} & FIELDS
    field = next((f":{one}" for one in ("adj_close", "close") if one in fields), "")
    if fields and not field:
        raise DataError(f"{shown}: no column adj_close or close of any symbol; it has {listed(sheet.names)}")
    names = [name for name in sheet.names if name and name != date and name.endswith(field)]
    symbols = pd.Index([name.removesuffix(field).removesuffix(".US") for name in names])
    if symbols.has_duplicates:
        raise DataError(f"{shown}: column {symbols[symbols.duplicated()][0]} stands twice in the header")
    cells, where = sheet.read([date, *names]), f"{shown}, column "
    days = pd.DatetimeIndex(convert(cells[date], DATE, shown, filled=True), name="date")
    columns = zip(symbols, names, strict=True)
    return pd.DataFrame({name: convert(cells[own], NUMBER, where + clipped(name)) for name, own in columns}, days)


def require_unique(frame: pd.DataFrame, keys: list[str], shown: str) -> None:
    """Raise where two rows have the same keys: no one can tell which of them is right."""
    if not (twice := frame[frame.duplicated(keys)]).empty:
        said = ((row, clipped(" ".join(map(str, key)))) for row, *key in twice[keys].itertuples())
        raise refusal(shown, (f"row {row}: a second row of {key}" for row, key in said), len(twice))


@lru_cache(maxsize=1 << 14)
def plain(name: str) -> str:
    """Return a column's name in lower case, with underscores for blanks and without marks: `<DATE>`, `Adj Close**`."""
    return re.sub(r"[^\w:]+", "_", re.sub(r"^\d\. ", "", name.strip().lower())).strip("_")  # Alpha Vantage: 4. close


def quoted(cell: object) -> str:
    """Show a cell in a message, and which two numbers or dates it could be."""
    text = "" if pd.isna(cell) else str(cell).strip()  # type: ignore[call-overload]
    if "," in text and re.fullmatch(POINT, text) and re.fullmatch(COMMA, text):
        return f"{text!r} ({text.replace(',', '')} or {text.replace(',', '.')}? write it without the comma)"
    if parts := re.match(DAY_AND_MONTH, text):
        one, other, year = parts.groups()
        return f"{text!r} is {year}-{one:0>2}-{other:0>2} or {year}-{other:0>2}-{one:0>2}"
    return clipped(repr(text)) + " (write the day at the exchange, without a time)" * bool(re.search(r"\d:\d\d", text))


def refusal(where: str, cases: Iterable[str], many: int) -> DataError:
    """Return the error that names the first cases in a file or column, and how many more there are."""
    more = f"; and {many - SHOWN:,} more" if many > SHOWN else ""
    return DataError(f"{where}, {'; '.join(islice(cases, SHOWN))}{more}")


def convert(cells: "pd.Series[Any]", kind: str, where: str, *, filled: bool = False) -> Any:  # noqa: ANN401  # of pandas
    """Convert cells to an array: tz-naive dates, floats, integers or stripped texts; empty ones, unless `filled`, have none.

    The first cells that are not of the kind are named by their rows; `where` is the file and column.
    """
    values, bad = to_values(cells, kind)
    if bad.any():
        rows = (f"row {row}: not a {kind}: {quoted(cell)}" for row, cell in cells[bad].items())
        raise refusal(where, rows, int(bad.sum()))
    if (filled or kind == INTEGER) and (empty := pd.isna(values)).any():
        raise DataError(f"{where}, row {listed(cells.index[empty], SHOWN)}: empty; each row needs a {kind} here")
    return values.astype("int64") if kind == INTEGER else values


def to_values(cells: "pd.Series[Any]", kind: str) -> tuple[Any, Array]:
    """Convert cells to an array, in which empty ones are missing; and say which are not of the kind."""
    import pyarrow as pa

    if kind == TEXT:
        return cells.astype("str").str.strip().replace("", None).array, np.zeros(len(cells), np.bool_)
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in ("M" if kind == DATE else "iuf"):
        empty = pd.isna(values := cells.to_numpy())
    else:
        texts = cells if cells.dtype == STRING else cells.astype(STRING)
        try:  # plain ones all at once, others by their forms
            plainly = pa.array(texts.array).cast("date32" if kind == DATE else "float64")
            values = plainly.to_numpy(zero_copy_only=False)
            empty = np.isnan(values)
        except pa.ArrowInvalid:
            texts = texts.str.strip()
            texts = texts.mask(texts.str.lower().isin(MISSING))
            values, empty = (_read_dates if kind == DATE else _read_numbers)(texts).to_numpy(), texts.isna().to_numpy()
    if kind == DATE:  # written as a day, or as a midnight in its own zone
        days = values.astype("datetime64[D]")
        right, values = (days == values) & (days >= EARLIEST) & (days <= LATEST), days.astype("datetime64[us]")
    else:
        values = values.astype(float)
        right = np.isfinite(values)
    if kind == INTEGER:
        right = (np.round(values) == values) & (np.abs(values) <= 2**53)
    return values, ~(right | empty)


def _read_dates(texts: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Read texts in the form that most of them have; a month or quarter is its last day, the first on which it is known."""
    zoned = pd.to_datetime(texts.where(texts.str.contains(ZONED)), format="ISO8601", utc=True, errors="coerce")
    zoned = zoned.dt.tz_convert(EXCHANGE_ZONE).dt.tz_localize(None)
    for form, replaced in TO_HYPHENS.items():
        texts = texts.str.replace(form, replaced, regex=True)
    hyphens = set(texts.str.count("-"))  # forms with another number of them can read none
    readings = [pd.to_datetime(texts, format=one, errors="coerce") for one in DATE_FORMS if one.count("-") in hyphens]
    most = max((one.count() for one in readings), default=0)
    # 1/1/2024, 2/1/2024, 3/1/2024 are months: none but the first twelve days of Januaries would be no series.
    firsts = [one for one in readings if one.count() == most > 12 and set(one.dropna().dt.day) == {1}]
    dates = _most_read([*(firsts or readings), zoned.where(zoned == zoned.dt.normalize())])
    return dates.mask(texts.str.count("-") == 1, dates + pd.offsets.MonthEnd(0))


def _read_numbers(texts: "pd.Series[str]") -> "pd.Series[float]":
    """Read texts with a point or a comma before decimals, whichever more of them can have."""
    texts = texts.str.replace(NEGATIVE, r"-\1\2", regex=True).str.replace(MARKS, "", regex=True)
    point = texts.where(texts.str.fullmatch(POINT)).str.replace(",", "")
    comma = texts.where(texts.str.fullmatch(COMMA)).str.replace(".", "").str.replace(",", ".")
    has_comma = texts.str.contains(",").any()
    return _most_read([one.astype(float) for one in ([point, comma] if has_comma else [point])])


def _most_read(readings: "Sequence[pd.Series[Any]]") -> "pd.Series[Any]":
    """Return the reading of most cells; where several read as many, what they agree on."""
    most = max(one.count() for one in readings)
    best, *others = (one for one in readings if one.count() == most)
    return best.where(np.logical_and.reduce([best.notna(), *(best == other for other in others)]))


def open_sheet(path: Path, shown: str, edit: Callable[[str], str] | None = None) -> Sheet:
    """Open a table of CSV or Parquet, whatever it is packed in; `edit` makes CSV of a text of another form."""
    try:
        data = path.read_bytes()
        if path.suffix == ".parquet" or data.startswith(b"PAR1"):
            return _open_parquet(data, shown)
        text = _decode(data, shown)
        text = edit(text) if edit else text
        header = _find_header(text, shown)
    except FileNotFoundError:
        raise MissingDataError(f"{shown}: there is no such file") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{shown}: cannot be read ({clipped(getattr(error, 'strerror', None) or error)})") from None
    return Sheet(shown, header[1], lambda names: _read_csv(text, shown, header, names))


def _open_parquet(data: bytes, shown: str) -> Sheet:
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except Exception as error:  # a broken file may raise anything
        raise DataError(f"{shown}: not a Parquet file that can be read ({clipped(error, 80)})") from None
    named = frame.columns.to_list()
    frame = frame.set_axis(_join_levels(named) if frame.columns.nlevels == 2 else list(map(str, named)), axis=1)
    if not isinstance(frame.index, pd.RangeIndex):
        own = [str(name or "index" * level) for level, name in enumerate(frame.index.names)]  # one may have none
        frame = frame.drop(columns=own, errors="ignore").reset_index(names=own)
    frame = frame.set_axis(range(1, len(frame) + 1))
    return Sheet(shown, frame.columns.to_list(), lambda names: {name: frame[name] for name in names})


def _decode(data: bytes, shown: str) -> str:
    """Return a file's text, whatever it was packed in; each line ends with a line feed."""
    try:
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        text = "\0"
    if "\0" in text or re.match(NO_TABLE, text, re.IGNORECASE):
        raise DataError(f"{shown}: not a table (a workbook, a web page, a broken download?); it should be CSV in UTF-8")
    if not text.strip():
        raise DataError(f"{shown}: the file is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"


def _find_header(text: str, shown: str) -> tuple[str, list[str], int]:
    """Return the delimiter, the columns' names, and how many lines stand above the data."""
    lines = text.split("\n", maxsplit=50)[:50]
    data = next((number for number, line in enumerate(lines) if re.match(r"\W*\d", line)), len(lines))
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    start = next((number for number, line in enumerate(lines[:data]) if re.match(HEADER, line)), first)
    delimiter = max(",;\t|", key=lines[start].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines[start : start + 2], delimiter=delimiter)]
    if len(rows[0]) < 2:
        line = clipped(repr(lines[start]))
        raise DataError(f"{shown}: its only column is {line}; it needs a date and a value, with commas between")
    third = "".join(lines[start + 2 : start + 3]).strip(f" {delimiter}").lower()
    if third == "date" and len(rows[-1]) == len(rows[0]):
        return delimiter, ["date", *_join_levels(list(zip(rows[0][1:], rows[-1][1:], strict=True)))], start + 3
    return delimiter, rows[0], start + 1


def _join_levels(pairs: Iterable[Any]) -> list[str]:
    """Name columns of field and symbol (in either order) by field, or SYMBOL:field where there are several symbols."""
    levels = [list(map(str, level)) for level in zip(*pairs, strict=True)]
    fields, symbols = levels if {plain(name) for name in levels[0]} <= FIELDS else levels[::-1]
    several = len(set(symbols)) > 1
    return [f"{s}:{plain(f)}" if several else plain(f) for f, s in zip(fields, symbols, strict=True)]


def _read_csv(text: str, shown: str, header: tuple[str, list[str], int], chosen: Sequence[str]) -> Columns:
    """Read some columns as texts, by their lines in the file; blank lines are passed over."""
    from pyarrow import ArrowInvalid, BufferReader, large_string
    from pyarrow import csv as arrow

    delimiter, names, skipped = header
    passed = dict[int, str]()

    def pass_over(row: Any) -> str:  # noqa: ANN401  # pyarrow is untyped
        passed[row.number] = row.text.strip()
        return "skip" if re.fullmatch(NO_ROW, row.text) else "error"

    read = arrow.ReadOptions(column_names=names, skip_rows=skipped, use_threads=False, block_size=1 << 24)
    parse = arrow.ParseOptions(delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=pass_over)
    types = {"column_types": dict.fromkeys(chosen, large_string()), "null_values": [""], "strings_can_be_null": True}
    as_texts = arrow.ConvertOptions(include_columns=chosen, **types)
    try:
        table = arrow.read_csv(BufferReader(text.encode()), read, parse, as_texts)
    except ArrowInvalid as error:
        fault = str(error).replace("CSV parse error: Row #", "row ")
        raise DataError(f"{shown}, {clipped(fault, 80)}") from None
    every = pd.RangeIndex(skipped + 1, text.count("\n") + 1)
    rows = every.difference(list(passed)) if passed else every
    if len(rows) != len(table):
        row = next((row for row, line in enumerate(text.split("\n"), 1) if line.count('"') % 2), skipped + 1)
        raise DataError(f"{shown}, row {row}: a quotation mark is not closed, or a cell holds a line break")
    cells = {name: pd.Series(pd.array(table[name], STRING), rows) for name in chosen}
    for row, words in passed.items() if len(rows) else ():
        if words and row < rows[-1]:  # no line below the data
            raise DataError(f"{shown}, row {row}: Expected {len(names)} columns, got 1: {clipped(words, 80)}")
    if table[0].null_count:  # a row may be empty but for its commas
        filled = pd.DataFrame(cells).dropna(how="all")
        cells = {name: filled[name] for name in chosen}
    for name in chosen if delimiter in ";\t" else ():
        texts = cells[name].dropna().str.strip()
        parted = texts[texts.str.fullmatch(PARTED)]
        if len(parted) and texts.str.fullmatch(UNCLEAR).all():
            cell, row = parted.iloc[0], parted.index[0]
            readings = f"{float(cell):g} or {cell.replace('.', '')}; write it with two decimals, or without a point"
            raise DataError(f"{shown}, column {clipped(name)}, row {row}: {cell!r} could be {readings}")
    return cells
