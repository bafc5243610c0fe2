"""One reader for every table: prices, series, statements, panels and facts, CSV and Parquet alike.

The form of a file is found from its content: encoding, delimiter, header, decimal sign, order of day and month. Then
its cells are converted. A cell that cannot be converted is refused with its row; so is one that could mean two things,
with both readings.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from research_lib.errors import DataError, MissingDataError

TEXT, INTEGER, NUMBER, DATE = "text", "integer", "number", "date"
WORDS = {TEXT: "text", INTEGER: "whole number", NUMBER: "number", DATE: "date (yyyy-mm-dd)"}

# From the names in a file: the columns to read, each with what to call it.
Pick = Callable[[Sequence[str]], Mapping[str, str]]

MISSING = ("", ".", "na", "n/a", "nan", "null", "none", "nd", "#n/a", "#n/a n/a")  # in numbers; a text NA is a text
DATE_NAMES = ("date", "observation_date", "")  # a first column without a name is an index that pandas wrote
FIELDS = frozenset(
    {"open", "high", "low", "close", "adj_close", "volume", "dividends", "stock_splits", "capital_gains"}
)
EXCHANGE_ZONE = "America/New_York"
LONGEST_HEADER, LARGEST_UNZIPPED = 1 << 20, 1 << 30  # bytes
SHOWN = 3  # faults, or their rows, that an error names

DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y")
DAY_AND_MONTH = r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})$"
MIDNIGHT = r"[ T]0?0:00(?::00(?:\.0+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?$"
NOT_MIDNIGHT = "not midnight, write yyyy-mm-dd"
UNCLEAR = "day or month first, write yyyy-mm-dd"
POINT_NUMBER = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"  # 3,010.39
COMMA_NUMBER = r"[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+),\d+"  # 3.010,39 or 3010,39
POINT_FRACTION = r"[+-]?\d+\.(?:\d{1,2}|\d{4,})"  # not three digits, which could be thousands
PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?"
NEW_LINE = r"\r\n|\r|\n"

FILE_STARTS = {
    (b"pk\x03\x04", b"\xd0\xcf\x11\xe0"): "an Excel workbook or zip file; save the sheet as CSV",
    (b"<!doctype", b"<html", b"<?xml", b"{", b"[{"): "a web page or a server's answer, not a table; download it again",
}


def read_table(
    path: Path,
    shown: str,
    kinds: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
    *,
    keys: Collection[str] = (),
) -> pd.DataFrame:
    """Read typed columns of a table, whatever capitals, blanks and underscores are in their names.

    `kinds` are the columns that must be there, `optional` those that may be, each with TEXT, INTEGER, NUMBER or DATE;
    in `keys` no cell may be empty, as none may in INTEGER columns. Messages call the file `shown`. The result is named
    as asked for: str, int64, float64 or datetime64[us]. Its index is the row in the file: the line of CSV, the number,
    from 1, in Parquet.

    Raises
    ------
    DataError
        The file cannot be read, columns are missing, or a cell is not of its kind.
    """
    wanted = {**kinds, **(optional or {})}

    def pick(names: Sequence[str]) -> dict[str, str]:
        known = by_plain_name(names)
        missing = [name for name in kinds if plain(name) not in known]
        if missing:
            near = get_close_matches(plain(missing[0]), known, n=1)
            hint = f"; did {missing[0]!r} become {known[near[0]]!r}?" if near else ""
            raise DataError(f"{shown}: no column {listed(missing)}; it has {listed(names)}{hint}")
        return {known[plain(name)]: name for name in wanted if plain(name) in known}

    frame = read_cells(path, shown, pick)
    columns = {name: _convert(frame[name], wanted[name], shown, filled=name in keys) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def read_panel(path: Path, shown: str) -> pd.DataFrame:
    """Read a wide table of prices: dates (a column or a Parquet index), and a column of numbers for each company.

    Two rows of header (field and symbol) give the adjusted closes, else the closes; Stooq's `.US` is left out. The
    index is as in the file (unsorted, perhaps with doubles), tz-naive, named `date`; values are float64.
    """

    def pick(names: Sequence[str]) -> dict[str, str]:
        date = find_date(names, shown)
        field = next((f for f in (":adj_close", ":close") if any(name.endswith(f) for name in names)), "")
        symbols = {name: name.removesuffix(field) for name in names if name != date and name.endswith(field)}
        stooq = all(symbol.upper().endswith(".US") for symbol in symbols.values())
        return {date: "date"} | {name: symbol[:-3] if stooq else symbol for name, symbol in symbols.items()}

    frame = read_cells(path, shown, pick)
    index = pd.DatetimeIndex(to_dates(frame.pop("date"), shown), name="date")
    if not all(map(pd.api.types.is_float_dtype, frame.dtypes)):
        frame = pd.DataFrame({name: _convert(frame[name], NUMBER, shown) for name in frame}, index=frame.index)
    return frame.astype(np.float64).set_axis(index)


def read_cells(path: Path, shown: str, pick: Pick) -> pd.DataFrame:
    """Read chosen columns of a table; cells of CSV stay texts until they are converted.

    `pick` is given the names in the file (of a header with two levels: `close`, or `AAA:close` where there are
    several symbols) and returns those to read, each with what to call it. The index is the row in the file.
    """

    def pick_from(names: Sequence[str]) -> dict[str, str]:
        twice = [name for name, many in Counter(filter(None, names)).items() if many > 1]
        if twice:
            raise DataError(f"{shown}: a column's name stands twice in its header ({listed(twice)})")
        return dict(pick(names))

    try:
        with path.open("rb") as file:
            is_parquet = path.suffix == ".parquet" or file.read(4) == b"PAR1"
        frame = (_read_parquet if is_parquet else _read_csv)(path, shown, pick_from)
    except FileNotFoundError:
        raise MissingDataError(f"{shown}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{shown}: cannot be read ({clipped(error.strerror or error)})") from None
    if frame.empty:
        raise DataError(f"{shown}: holds a header but no rows")
    return frame


def columns_of(path: Path, shown: str) -> list[str]:
    """Return the columns' names of a table in their plain form, without reading its cells."""
    from pyarrow import parquet

    if path.suffix == ".parquet":
        return [plain(name) for name in parquet.read_schema(path).names]
    return [plain(name) for name in _find_header(_decode(path.read_bytes(), shown), shown)[1]]


def require_unique(frame: pd.DataFrame, keys: Sequence[str], shown: str) -> None:
    """Raise where two rows have the same keys: no one can tell which of them is right."""
    twice = frame[frame.duplicated(list(keys), keep=False)].sort_values(list(keys), kind="stable")
    if not twice.empty:
        first = twice[list(keys)].iloc[0].tolist()
        rows = twice.index[twice.groupby(list(keys), sort=False, dropna=False).ngroup() == 0]
        many = int(frame.duplicated(list(keys)).sum())
        raise DataError(
            f"{shown}, rows {listed(rows, SHOWN)}: {' '.join(map(clipped, first))} stands {len(rows)} times "
            f"({many} rows too many in all); keep one row for each {', '.join(keys)}"
        )


def find_date(names: Sequence[str], shown: str) -> str:
    """Return the name of the column of dates, as it stands in the file."""
    known = by_plain_name(names)
    name = next((name for name in DATE_NAMES if name in known and (name or names[0] == known[name])), None)
    if name is None:
        raise DataError(f"{shown}: no column date; it has {listed(names)}; call the one with the dates date")
    return known[name]


def plain(name: str) -> str:
    """Return a column's name in lower case, with underscores for blanks and without marks: `<DATE>`, `Adj Close**`."""
    return re.sub(r"[^\w:]+", "_", name.strip().lower()).strip("_")


def by_plain_name(names: Sequence[str]) -> dict[str, str]:
    """Return names by their plain form, in their order; of two that are alike, the last."""
    return {plain(name): name for name in names}


def clipped(cell: object, most: int = 40) -> str:
    """Show a cell or name in a message, which stays a line."""
    text = " ".join(str(cell).split())
    return text if len(text) <= most else f"{text[:most]}…"


def listed(names: Iterable[object], most: int = 8) -> str:
    """List names in a message: the first ones, and how many more there are."""
    shown = [clipped(name, 30) for name in names]
    return ", ".join(shown[:most]) + _and_more(len(shown), most, " ")


def to_dates(cells: "pd.Series[Any]", where: str, *, optional: bool = False) -> "pd.Series[pd.Timestamp]":
    """Convert cells (texts, timestamps or dates) to dates: tz-naive midnights in microseconds.

    Reads yyyy-mm-dd, yyyymmdd, months in words, and day and month by number where one row shows their order (a day
    after the twelfth). A time must be midnight where it was written; timestamps may all be midnight at the exchange.
    With `optional` empty cells are NaT. Others are refused with their rows; `where` is the file and column.
    """
    index = cells.index
    if not pd.api.types.is_datetime64_any_dtype(cells.dtype):
        cells = cells.astype("str").str.strip().fillna("")
    cells = cells[cells.notna() & (cells != "")] if optional else cells
    fast, fault = _cast(cells, "date32"), f"not a {WORDS[DATE]}"
    if fast is not None:
        dates = pd.Series(fast, cells.index).astype("datetime64[us]")
    elif pd.api.types.is_datetime64_any_dtype(cells.dtype):
        dates = cells.dt.tz_localize(None)
        if cells.dt.tz is not None and (dates != dates.dt.normalize()).any():
            there = cells.dt.tz_convert(EXCHANGE_ZONE).dt.tz_localize(None)
            dates = there if (there == there.dt.normalize()).all() else dates
        dates = dates.where(dates == dates.dt.normalize())
    else:
        dates = _parse_dates(cells.str.replace(MIDNIGHT, "", regex=True))
    bad = cells[~dates.between("1700-01-01", "2200-01-01")]
    if len(bad):
        first = str(bad.iloc[0])
        _refuse(bad, where, NOT_MIDNIGHT if ":" in first else UNCLEAR if re.match(DAY_AND_MONTH, first) else fault)
    return dates.astype("datetime64[us]").reindex(index)


def to_numbers(cells: "pd.Series[Any]") -> "tuple[pd.Series[float], pd.Series[bool]]":
    """Convert cells to numbers; return them, NaN where a cell is empty, and which cells are no finite number.

    Thousands (3,010.39) and decimal commas (3.010,39) are read where the column shows which of them it has; 3,010
    alone could be either and is no number.
    """
    fast = cells if pd.api.types.is_numeric_dtype(cells.dtype) else _cast(cells, "float64")
    if fast is not None:
        values = pd.Series(fast, cells.index, dtype=float)
        return values, values.abs() == np.inf
    texts = cells.astype("str").str.strip()
    texts = texts.mask(texts.str.lower().isin(MISSING))
    if not _matches(texts, PLAIN_NUMBER)[texts.notna()].all():
        texts = _without_separators(texts)
    values = texts.where(_matches(texts, PLAIN_NUMBER), "nan").astype(float)
    return values, (values.isna() & texts.notna()) | (values.abs() == np.inf)


def quoted(cell: object) -> str:
    """Show a cell in a message, and which two numbers or dates it could be."""
    text = str(cell).strip()
    if re.fullmatch(POINT_NUMBER, text) and re.fullmatch(COMMA_NUMBER, text):
        return f"{text!r} ({text.replace(',', '')} or {text.replace(',', '.')}? write it without the comma)"
    if parts := re.match(DAY_AND_MONTH, text):
        one, _, other, year = parts.groups()
        if one != other and int(one) <= 12 and int(other) <= 12:
            return f"{text!r} is {year}-{one:0>2}-{other:0>2} or {year}-{other:0>2}-{one:0>2}"
    return clipped(repr(text))


def _refuse(cells: "pd.Series[Any]", where: str, fault: str) -> NoReturn:
    """Name the first cells with their rows, and say how many more there are."""
    rows = "; ".join(f"row {row}: {fault}: {quoted(cell)}" for row, cell in cells[:SHOWN].items())
    raise DataError(f"{where}, {rows}{_and_more(len(cells))}")


def _and_more(many: int, shown: int = SHOWN, before: str = "; ") -> str:
    return f"{before}and {many - shown:,} more" if many > shown else ""


def _convert(cells: "pd.Series[Any]", kind: str, shown: str, *, filled: bool = False) -> "pd.Series[Any]":
    """Convert a column to its kind; the first cells that are not of it are named by their rows."""
    where, values = f"{shown}, column {clipped(cells.name)}", cells
    if kind == DATE:
        values = to_dates(cells, where, optional=True)
    elif kind == TEXT:
        values = cells.astype("str").str.strip()
        values = values.mask(values == "")
    else:
        values, bad = to_numbers(cells)
        bad |= values.notna() & (values % 1 != 0) & (kind == INTEGER)
        if bad.any():
            _refuse(cells[bad], where, f"not a {WORDS[kind]}")
    if (filled or kind == INTEGER) and values.hasnans:
        empty = listed(values.index[values.isna()], SHOWN)
        raise DataError(f"{where}, row {empty}: empty; each row needs a {WORDS[kind]} here")
    return values.astype("int64") if kind == INTEGER else values


def _cast(cells: "pd.Series[Any]", kind: str) -> Any:  # noqa: ANN401  # pyarrow is untyped
    """Convert plain texts and empty ones all at once, exactly; None where one is neither."""
    import pyarrow as pa
    from pyarrow import compute

    if not isinstance(cells.dtype, pd.StringDtype):
        return None
    texts = pa.array(cells, pa.string(), from_pandas=True)
    try:
        return compute.if_else(compute.equal(texts, ""), None, texts).cast(kind).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def _matches(texts: "pd.Series[str]", form: str) -> "pd.Series[bool]":
    return texts.str.fullmatch(form, case=False).fillna(False).astype(bool)


def _without_separators(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Write grouped numbers and decimal commas as plain numbers where a column shows which of them it has."""
    point, comma, fraction = (_matches(texts, form) for form in (POINT_NUMBER, COMMA_NUMBER, POINT_FRACTION))
    surely_point, surely_comma = (point & ~comma).any() or fraction.any(), (comma & ~point).any()
    if surely_point and not surely_comma:
        return texts.where(~point, texts.str.replace(",", ""))
    if surely_comma and not surely_point:
        return texts.str.replace(".", "").str.replace(",", ".")
    return texts


def _parse_dates(texts: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Read texts in the form that most of them have; NaT where one has another, or day and month are not told apart."""
    parts = texts.str.extract(DAY_AND_MONTH)
    if parts[0].notna().mean() <= 0.5:
        forms = [pd.to_datetime(texts, format=form, errors="coerce") for form in DATE_FORMS]
        return max(forms, key=lambda found: int(found.notna().sum()))
    first, second = parts[0].astype(float), parts[2].astype(float)
    by_day, by_month = bool((first > 12).any()), bool((second > 12).any())
    form = "%d/%m/%Y" if by_day else "%m/%d/%Y"
    dates = pd.to_datetime(parts[0] + "/" + parts[2] + "/" + parts[3], format=form, errors="coerce")
    return dates if by_day != by_month else dates.where(first == second)


def _read_parquet(path: Path, shown: str, pick: Pick) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # a broken file may raise anything
        raise DataError(f"{shown}: not a Parquet file that can be read ({clipped(error, 80)})") from None
    names = [str(name) for name in frame.columns]
    if frame.columns.nlevels == 2:
        names = _join_levels([(str(one[0]), str(one[1])) for one in frame.columns.to_list()])
    frame = frame.set_axis(names, axis=1)
    if not isinstance(frame.index, pd.RangeIndex):
        index = str(frame.index.name or "")
        frame = frame.rename_axis(index=index).reset_index(drop=index in names)
    chosen = pick(list(frame.columns))
    return frame[list(chosen)].rename(columns=dict(chosen)).set_axis(range(1, len(frame) + 1))


def _read_csv(path: Path, shown: str, pick: Pick) -> pd.DataFrame:
    from pyarrow import ArrowInvalid, string
    from pyarrow import csv as arrow

    data = _decode(path.read_bytes(), shown)
    delimiter, names, skipped = _find_header(data, shown)
    chosen = pick(names)
    numbers = [str(number) for number in range(len(names))]
    columns = [numbers[names.index(name)] for name in chosen]
    options = {
        "parse_options": arrow.ParseOptions(delimiter=delimiter),
        "convert_options": arrow.ConvertOptions(include_columns=columns, column_types=dict.fromkeys(columns, string())),
    }

    def read(text: bytes, skip: int) -> pd.DataFrame:
        reading = arrow.ReadOptions(column_names=numbers, skip_rows=skip, block_size=1 << 24)
        table = arrow.read_csv(io.BytesIO(text), reading, **options)
        return pd.DataFrame(table.rename_columns(list(chosen.values())).to_pandas())

    last = (data.count(b"\n") or data.count(b"\r")) + (not data.endswith((b"\n", b"\r")))
    try:
        frame, rows = read(data, skipped), pd.Index(range(skipped + 1, last + 1))
        broken = len(frame) != len(rows)  # empty lines, or a quotation mark that takes the next line with it
    except ArrowInvalid:
        broken = True
    if broken:
        lines = _data_lines(data, skipped, len(names), delimiter, shown)
        frame, rows = read("\n".join(lines.values()).encode(), 0), pd.Index(list(lines))
    frame.index = rows
    if delimiter in ";\t":
        _refuse_thousands(frame.set_axis(list(chosen), axis=1), shown)
    return frame


def _decode(data: bytes, shown: str) -> bytes:
    """Return a file's text as UTF-8, whatever it was packed in."""
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(LARGEST_UNZIPPED + 1)
        except (OSError, EOFError, zlib.error):
            raise DataError(f"{shown}: a gzip file that cannot be unpacked; download it again") from None
        if len(data) > LARGEST_UNZIPPED:
            raise DataError(f"{shown}: holds more than 1 GB unpacked; split it")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    start = data[:500].lstrip().lower()
    fault = next((said for starts, said in FILE_STARTS.items() if start.startswith(starts)), "")
    if not start or fault or b"\0" in start:
        raise DataError(
            f"{shown}: {fault or ('not a text file; save it as CSV in UTF-8' if start else 'the file is empty')}"
        )
    return data


def _find_header(data: bytes, shown: str) -> tuple[str, list[str], int]:
    """Return the delimiter, the columns' names, and how many lines stand above the data."""
    lines = re.split(NEW_LINE, data[:LONGEST_HEADER].decode("utf-8", errors="replace"), maxsplit=50)
    if len(lines) == 1 and len(data) > LONGEST_HEADER:
        raise DataError(f"{shown}: its first line is longer than 1 MB: not a table")
    start = next(number for number, line in enumerate(lines) if line.strip())
    excel = re.fullmatch(r"sep=(.)", lines[start].strip(), flags=re.I)
    lines, start = [*lines, "", "", ""], start + bool(excel)
    delimiter = max(excel[1] if excel else ",;\t|", key=lines[start].count)
    header, second, third = (_split(line, delimiter) for line in lines[start : start + 3])
    if len(header) < 2:
        line = clipped(repr(lines[start]))
        raise DataError(f"{shown}: its only column is {line}; it needs a date and a value, with commas between")
    if len(second) == len(third) == len(header) and plain(third[0]) == "date" and not any(third[1:]):
        return delimiter, [third[0], *_join_levels(list(zip(header[1:], second[1:], strict=True)))], start + 3
    return delimiter, header, start + 1


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a cell of more than 128 KB
        return []


def _join_levels(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Name columns of field and symbol (in either order) by field, or SYMBOL:field where there are several symbols."""
    levels = list(zip(*pairs, strict=True))
    fields, symbols = levels if {plain(name) for name in levels[0]} <= FIELDS else levels[::-1]
    several = len(set(symbols)) > 1
    return [f"{s}:{plain(f)}" if several else plain(f) for f, s in zip(fields, symbols, strict=True)]


def _data_lines(data: bytes, skipped: int, width: int, delimiter: str, shown: str) -> dict[int, str]:
    """Return the lines that hold data by their number; raise at the first whose cells are not as many as the header's."""
    try:
        lines = dict(enumerate(re.split(NEW_LINE, data.decode()), start=1))
    except UnicodeDecodeError as error:
        raise DataError(f"{shown}: not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from None
    lines = {number: line for number, line in lines.items() if number > skipped and line.strip()}
    for number, line in lines.items():
        try:
            cells = next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise DataError(f"{shown}, row {number}: {error} (a quotation mark that is not closed?)") from None
        if len(cells) != width:
            raise DataError(f"{shown}, row {number}: {len(cells):,} cells where the header has {width:,}")
    if not lines:
        raise DataError(f"{shown}: holds a header but no rows")
    return lines


def _refuse_thousands(frame: pd.DataFrame, shown: str) -> None:
    """Refuse a column of 3.010 and the like between semicolons, where a point may part thousands."""
    for name in frame.columns:
        cells = frame[name][frame[name] != ""]
        form = r"[1-9]\d{0,2}\.\d{3}"
        if len(cells) and re.fullmatch(form, cells.iloc[0]) and cells.str.fullmatch(form).all():
            row, cell = cells.index[0], cells.iloc[0]
            readings = f"{float(cell):g} or {cell.replace('.', '')}; write it with two decimals, or without a point"
            raise DataError(f"{shown}, column {clipped(name)}, row {row}: {cell!r} could be {readings}")
