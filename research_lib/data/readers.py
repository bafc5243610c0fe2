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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research_lib.errors import DataError, MissingDataError

TEXT, INTEGER, NUMBER, DATE = "text", "integer", "number", "date"
WORDS = {INTEGER: "whole number", NUMBER: "number", DATE: "date (yyyy-mm-dd)"}

# From the names in a file: the columns to read, each with what to call it.
Pick = Callable[[Sequence[str]], Mapping[str, str]]

MISSING = ("", ".", "na", "n/a", "nan", "null", "none", "nd", "#n/a", "#n/a n/a")  # in numbers; a text NA is a text
DATE_NAMES = ("date", "observation_date", "")  # a first column without a name is an index that pandas wrote
FIELDS = frozenset(
    {"open", "high", "low", "close", "adj_close", "volume", "dividends", "stock_splits", "capital_gains"}
)
EXCHANGE_ZONE = "America/New_York"
LONGEST_HEADER = 1 << 20
LARGEST_UNZIPPED = 1 << 30
SHOWN = 3  # faults, or their rows, that an error names

DATE_FORMS = ("%Y/%m/%d", "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y")
DAY_AND_MONTH = r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})"
POINT_NUMBER = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"  # 3,010.39
COMMA_NUMBER = r"[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+),\d+"  # 3.010,39 or 3010,39
POINT_FRACTION = r"[+-]?\d+\.(?:\d{1,2}|\d{4,})"  # not three digits, which could be thousands


def read_table(
    path: Path,
    shown: str,
    kinds: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
    *,
    keys: Collection[str] = (),
) -> pd.DataFrame:
    """Read typed columns of a table.

    Parameters
    ----------
    path, shown : Path, str
        The file, and how messages name it.
    kinds, optional : mapping
        The columns that must be there and those that may be, each with TEXT, INTEGER, NUMBER or DATE. Capitals,
        blanks and underscores in their names do not matter.
    keys : collection of str
        Columns in which no cell may be empty, as none may in INTEGER columns.

    Returns
    -------
    DataFrame
        The columns that are there, named as asked for: str, int64, float64 or datetime64[us]. The index is the row
        in the file: its line where it is CSV, counted from 1 where it is Parquet.

    Raises
    ------
    DataError
        The file cannot be read, columns are missing, or a cell is not of its kind.
    """
    wanted = {**kinds, **(optional or {})}

    def pick(names: Sequence[str]) -> dict[str, str]:
        known = {plain(name): name for name in reversed(names)}
        missing = [name for name in kinds if plain(name) not in known]
        if missing:
            near = {name: get_close_matches(plain(name), known, n=1) for name in missing}
            hints = [f"; did {name!r} become {known[close[0]]!r}?" for name, close in near.items() if close]
            raise DataError(f"{shown}: no column {listed(missing)}; it has {listed(names)}{''.join(hints[:1])}")
        return {known[plain(name)]: name for name in wanted if plain(name) in known}

    frame = read_cells(path, shown, pick)
    columns = {name: _convert(frame[name], wanted[name], shown, filled=name in keys) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def read_panel(path: Path, shown: str) -> pd.DataFrame:
    """Read a wide table: a column of dates (or a Parquet index), and a column of numbers for each company.

    Two rows of header (field and symbol) give the adjusted closes, or the closes where there are no adjusted ones;
    Stooq's ending `.US` is left out.

    Returns
    -------
    DataFrame of shape (dates, companies)
        float64; the index is as in the file (unsorted, perhaps with doubles), tz-naive, named `date`.
    """

    def pick(names: Sequence[str]) -> dict[str, str]:
        date = find_date(names, shown)
        field = next((f for f in (":adj_close", ":close") if any(name.endswith(f) for name in names)), "")
        symbols = {name: name.removesuffix(field) for name in names if name != date and name.endswith(field)}
        if all(symbol.upper().endswith(".US") for symbol in symbols.values()):
            symbols = {name: symbol[:-3] for name, symbol in symbols.items()}
        return {date: "date"} | symbols

    frame = read_cells(path, shown, pick)
    dates = to_dates(frame["date"], shown)
    values = frame.drop(columns="date")
    if not all(pd.api.types.is_float_dtype(dtype) for dtype in values.dtypes):
        values = pd.DataFrame({name: _convert(values[name], NUMBER, shown) for name in values}, index=frame.index)
    return values.astype(np.float64).set_axis(pd.DatetimeIndex(dates, name="date"))


def read_cells(path: Path, shown: str, pick: Pick) -> pd.DataFrame:
    """Read chosen columns of a table; cells of CSV stay texts until they are converted.

    `pick` is given the names in the file (of a header with two levels: `close`, or `AAA:close` where there are
    several symbols) and returns those to read, each with what to call it. The index is the row in the file.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        if path.suffix == ".parquet" and not is_parquet:
            raise DataError(f"{shown}: not a Parquet file")
        frame = _read_parquet(path, shown, pick) if is_parquet else _read_csv(path, shown, pick)
    except FileNotFoundError:
        raise MissingDataError(f"{shown}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{shown}: cannot be read ({clipped(error.strerror or str(error))})") from None
    if frame.empty:
        raise DataError(f"{shown}: holds a header but no rows")
    return frame


def columns_of(path: Path, shown: str) -> list[str]:
    """Return the columns' names of a table, in lower case with underscores, without reading its cells."""
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
    known = {plain(name): name for name in reversed(names)}
    for name in DATE_NAMES:
        if name in known and (name or names[0] == known[name]):
            return known[name]
    raise DataError(
        f"{shown}: no column date; its columns are {listed(names)}; rename the one with the dates (yyyy-mm-dd) to date"
    )


def plain(name: str) -> str:
    """Return a column's name in lower case, with underscores for blanks and without marks: `<DATE>`, `Adj Close**`."""
    return re.sub(r"[^\w:]+", "_", name.strip().lower()).strip("_")


def clipped(cell: object, most: int = 40) -> str:
    """Show a cell or name in a message, which stays a line."""
    text = " ".join(str(cell).split())
    return text if len(text) <= most else f"{text[:most]}…"


def listed(names: Iterable[object], most: int = 8) -> str:
    """List names in a message: the first ones, and how many more there are."""
    shown = [clipped(name, 30) for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most:,} more" if len(shown) > most else "")


def to_dates(cells: "pd.Series[Any]", where: str, *, optional: bool = False) -> "pd.Series[pd.Timestamp]":
    """Convert cells to dates: tz-naive midnights in microseconds.

    yyyy-mm-dd, yyyymmdd, months in words, and day and month by number where one row shows their order (a day after
    the twelfth). A time must be midnight: in its own zone, or all of them in the exchange's.

    Parameters
    ----------
    cells : Series
        Texts, timestamps or dates; the index is the row in the file.
    where : str
        The file and column, for the message.
    optional : bool
        Empty cells are NaT; else they are refused.

    Raises
    ------
    DataError
        A cell is no date, could be two, or has a time of day.
    """
    cells = cells.dropna() if optional else cells
    index = cells.index
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        dates, fault = _midnights(cells), "a time that is not midnight; write the session's date (yyyy-mm-dd)"
    else:
        cells = cells.astype("str").str.strip().fillna("")
        cells = cells[cells != ""] if optional else cells
        dates, fault = _parse_dates(cells)
    bad = cells[dates.isna()]
    if len(bad):
        rows = "; ".join(f"row {row}: {fault}: {_no_date(cell)}" for row, cell in bad[:SHOWN].items())
        raise DataError(f"{where}, {rows}{_and_more(len(bad))}")
    return dates.reindex(index).astype("datetime64[us]")


def to_numbers(cells: "pd.Series[Any]") -> "tuple[pd.Series[float], pd.Series[bool]]":
    """Convert cells to numbers; return them, NaN where a cell is empty, and which cells are no finite number.

    Thousands (3,010.39) and decimal commas (3.010,39) are read where the column shows which of them it has; 3,010
    alone could be either and is no number.
    """
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_complex_dtype(cells.dtype):
        values = cells.astype(float)
        return values, pd.Series(np.isinf(values), cells.index)
    texts = cells.astype("str").str.strip()
    texts = texts.mask(texts.str.lower().isin(MISSING))
    values = _floats(texts)
    if (values.isna() & texts.notna()).any():
        values = _floats(_without_separators(texts))
    return values, (values.isna() & texts.notna()) | np.isinf(values)  # type: ignore[return-value]  # of booleans


def no_number(cell: object) -> str:
    """Say of a cell that it is no number, and which two it could be."""
    text = str(cell).strip()
    both = re.fullmatch(POINT_NUMBER, text) and re.fullmatch(COMMA_NUMBER, text)
    readings = f" ({text.replace(',', '')} or {text.replace(',', '.')}? write it without the comma)" if both else ""
    return clipped(repr(text)) + readings


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
        bad |= values.notna() & (values % 1 != 0) if kind == INTEGER else False
        if bad.any():
            rows = "; ".join(
                f"row {row}: not a {WORDS[kind]}: {no_number(cell)}" for row, cell in cells[bad][:SHOWN].items()
            )
            raise DataError(f"{where}, {rows}{_and_more(int(bad.sum()))}")
    empty = values.index[values.isna()]
    if len(empty) and (filled or kind == INTEGER):
        raise DataError(f"{where}, row {listed(empty, SHOWN)}: empty; each row needs a {WORDS.get(kind, kind)} here")
    return values.astype("int64") if kind == INTEGER else values


def _and_more(many: int) -> str:
    return f"; and {many - SHOWN:,} more" if many > SHOWN else ""


def _floats(texts: "pd.Series[str]") -> "pd.Series[float]":
    """Parse texts exactly, all at once where they are plain; NaN where one is no number."""
    import pyarrow as pa

    try:
        values = pa.array(texts, pa.string(), from_pandas=True).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        numeric = texts.str.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", flags=re.I)
        values = texts.where(numeric.fillna(False).astype(bool), "nan").astype(float).to_numpy()
    return pd.Series(values, texts.index)


def _without_separators(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Write grouped numbers and decimal commas as plain numbers where a column shows which of them it has."""
    point, comma, fraction = (
        texts.str.fullmatch(form).fillna(False).astype(bool) for form in (POINT_NUMBER, COMMA_NUMBER, POINT_FRACTION)
    )
    surely_point, surely_comma = (point & ~comma).any() or fraction.any(), (comma & ~point).any()
    if surely_point and not surely_comma:
        return texts.where(~point, texts.str.replace(",", ""))
    if surely_comma and not surely_point:
        return texts.str.replace(".", "").str.replace(",", ".")
    return texts


def _midnights(times: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    """Return the dates of timestamps at midnight; NaT where one is at another time of day."""
    own = times.dt.tz_localize(None)
    if times.dt.tz is not None and (own != own.dt.normalize()).any():
        local = times.dt.tz_convert(EXCHANGE_ZONE).dt.tz_localize(None)
        own = local if (local == local.dt.normalize()).all() else own
    return own.where(own == own.dt.normalize())


def _parse_dates(texts: "pd.Series[str]") -> "tuple[pd.Series[pd.Timestamp], str]":
    """Read texts in the form that most of them have; NaT where one has another, and what is then to be said."""
    fault = f"not a {WORDS[DATE]}"
    dates = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
    if dates.notna().all():
        return dates, fault
    timed = texts.str.fullmatch(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}\S*")
    if timed.any():
        return _timed(texts, timed)
    parts = texts.str.replace(r" 0?0:00(?::00)?$", "", regex=True).str.extract(rf"^{DAY_AND_MONTH}$")
    numeric = parts[0].notna()
    if numeric.sum() > dates.notna().sum():
        first, second = (pd.to_numeric(parts[column]) for column in (0, 2))
        by_day, by_month = bool((first > 12).any()), bool((second > 12).any())
        if by_day != by_month or (first == second)[numeric].all():
            day, month = (first, second) if by_day else (second, first)
            written = parts[3] + "-" + month.astype("Int64").astype("str") + "-" + day.astype("Int64").astype("str")
            return pd.to_datetime(written, format="%Y-%m-%d", errors="coerce"), fault
        return dates.where(numeric & (first == second)), "day or month first? write yyyy-mm-dd"
    forms = [pd.to_datetime(texts, format=form, errors="coerce") for form in DATE_FORMS]
    return max([dates, *forms], key=lambda found: int(found.notna().sum())), fault


def _timed(texts: "pd.Series[str]", timed: "pd.Series[bool]") -> "tuple[pd.Series[pd.Timestamp], str]":
    """Read texts with a time of day: midnight where they were written, or all of them midnight at the exchange."""
    local = pd.to_datetime(texts.str[:10], format="%Y-%m-%d", errors="coerce").where(timed | (texts.str.len() == 10))
    midnight = texts.str[10:].str.fullmatch(r"(?:[ T]00:00(?::00(?:\.0+)?)?(?:\s*Z|\s*[+-]\d{2}:?\d{2})?)?")
    if not midnight.all() and texts.str.fullmatch(r".{16,}(?:Z|[+-]\d{2}:?\d{2})").all():
        there = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce").dt.tz_convert(EXCHANGE_ZONE)
        there = there.dt.tz_localize(None)
        if (there == there.dt.normalize()).all():
            return there, ""
    return local.where(midnight), "a time that is not midnight; write the session's date (yyyy-mm-dd)"


def _no_date(cell: object) -> str:
    """Show a cell that is no date, and which two it could be."""
    text = str(cell)
    if parts := re.fullmatch(DAY_AND_MONTH, text):
        first, _, second, year = parts.groups()
        if first != second and int(first) <= 12 and int(second) <= 12:
            return f"{text!r} is {year}-{first:0>2}-{second:0>2} or {year}-{second:0>2}-{first:0>2}"
    return clipped(repr(text))


def _read_parquet(path: Path, shown: str, pick: Pick) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise DataError(f"{shown}: not a Parquet file that can be read ({clipped(error, 80)})") from None
    pairs = [(str(one), str(other)) for one, other in frame] if frame.columns.nlevels == 2 else []
    frame = frame.set_axis(_join_levels(pairs) or [str(name) for name in frame.columns], axis=1)
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.rename_axis(index=str(frame.index.name or "")).reset_index()
    frame = frame.loc[:, ~frame.columns.duplicated()] if frame.index.name in frame.columns else frame
    _refuse_doubles(list(frame.columns), shown)
    chosen = pick(list(frame.columns))
    return frame[list(chosen)].rename(columns=dict(chosen)).set_axis(range(1, len(frame) + 1))


def _read_csv(path: Path, shown: str, pick: Pick) -> pd.DataFrame:
    data = _decode(path.read_bytes(), shown)
    delimiter, names, skipped = _find_header(data, shown)
    _refuse_doubles(names, shown)
    chosen = pick(names)
    from pyarrow import ArrowInvalid, string
    from pyarrow import csv as arrow

    def read(text: bytes, skip: int) -> Any:  # noqa: ANN401  # pyarrow is untyped
        numbers = [str(number) for number in range(len(names))]
        columns = [numbers[names.index(name)] for name in chosen]
        table = arrow.read_csv(
            io.BytesIO(text),
            read_options=arrow.ReadOptions(column_names=numbers, skip_rows=skip, block_size=1 << 24),
            parse_options=arrow.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            convert_options=arrow.ConvertOptions(
                include_columns=columns, column_types=dict.fromkeys(columns, string())
            ),
        )
        return table.to_pandas().set_axis(list(chosen.values()), axis=1)

    try:
        frame = read(data, skipped)
        frame = frame.set_axis(pd.RangeIndex(skipped + 1, skipped + 1 + len(frame)))
    except ArrowInvalid:  # an empty line, or a row that is broken: find which
        lines = _data_lines(data, skipped, len(names), (delimiter, shown))
        try:
            frame = (
                read("\n".join(lines.values()).encode(), 0) if lines else pd.DataFrame(columns=list(chosen.values()))
            )
        except ArrowInvalid as error:
            raise DataError(f"{shown}: {clipped(error, 200)}") from None
        frame = frame.set_axis(list(lines))
    _refuse_thousands(frame, delimiter, shown)
    return frame


def _decode(data: bytes, shown: str) -> bytes:
    """Return a file's text as UTF-8, whatever it was packed in."""
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(LARGEST_UNZIPPED + 1)
        except (OSError, EOFError) as error:
            raise DataError(f"{shown}: a gzip file that cannot be unpacked ({clipped(error)})") from None
        if len(data) > LARGEST_UNZIPPED:
            raise DataError(f"{shown}: holds more than 1 GB unpacked; split it")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    start = data[:500].lstrip().lower()
    if not start:
        raise DataError(f"{shown}: the file is empty")
    if start.startswith((b"pk\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{shown}: an Excel workbook or zip file; save the sheet as CSV")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"{", b"[{")):
        raise DataError(f"{shown}: a web page or an answer of a server, not a table; download the file again")
    if b"\0" in start:
        raise DataError(f"{shown}: not a text file; save it as CSV in UTF-8")
    return data


def _find_header(data: bytes, shown: str) -> tuple[str, list[str], int]:
    """Return the delimiter, the columns' names, and how many lines stand above the data."""
    lines = re.split(r"\r\n|\r|\n", data[:LONGEST_HEADER].decode("utf-8", errors="replace"))
    if len(lines) == 1 and len(data) > LONGEST_HEADER:
        raise DataError(f"{shown}: its first line is longer than 1 MB: not a table")
    start = next(number for number, line in enumerate(lines) if line.strip())
    if excel := re.fullmatch(r"sep=(.)", lines[start].strip(), flags=re.I):
        start += 1
    lines += [""] * 3
    rows = {sign: next(csv.reader([lines[start]], delimiter=sign), []) for sign in (excel[1] if excel else ",;\t|")}
    delimiter = max(rows, key=lambda sign: len(rows[sign]))
    header = [name.strip() for name in rows[delimiter]]
    if len(header) < 2:
        raise DataError(
            f"{shown}: its only column is {clipped(repr(lines[start]))}; it needs a date and a value, with commas between"
        )
    second, third = (next(csv.reader([line], delimiter=delimiter), []) for line in lines[start + 1 : start + 3])
    if len(second) == len(third) == len(header) and plain(third[0]) == "date" and not any(third[1:]):
        return delimiter, [third[0], *_join_levels(list(zip(header[1:], second[1:], strict=True)))], start + 3
    return delimiter, header, start + 1


def _join_levels(pairs: Sequence[tuple[str, ...]]) -> list[str]:
    """Name columns of two levels, field and symbol in either order: by field, or SYMBOL:field where there are several."""
    if not pairs:
        return []
    levels = list(zip(*pairs, strict=True))
    fields, symbols = levels if {plain(name) for name in levels[0]} <= FIELDS else levels[::-1]
    several = len({symbol.strip() for symbol in symbols}) > 1
    return [f"{s.strip()}:{plain(f)}" if several else plain(f) for f, s in zip(fields, symbols, strict=True)]


def _refuse_doubles(names: Sequence[str], shown: str) -> None:
    filled = [name for name in names if name]
    twice = (
        list(dict.fromkeys(name for name in filled if filled.count(name) > 1)) if len(set(filled)) < len(filled) else []
    )
    if twice:
        raise DataError(f"{shown}: a column's name stands twice in its header ({listed(twice)})")


def _data_lines(data: bytes, skipped: int, width: int, form: tuple[str, str]) -> dict[int, str]:
    """Return the lines that hold data by their number; raise at the first whose cells are not as many as the header's."""
    delimiter, shown = form
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{shown}: not UTF-8 text (byte {error.start}); save it as CSV in UTF-8") from None
    lines = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if number <= skipped or not line.strip():
            continue
        try:
            cells = next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise DataError(f"{shown}, row {number}: {clipped(error)} (a quotation mark that is not closed?)") from None
        if len(cells) != width:
            raise DataError(f"{shown}, row {number}: {len(cells):,} cells where the header has {width:,}")
        lines[number] = line
    return lines


def _refuse_thousands(frame: pd.DataFrame, delimiter: str, shown: str) -> None:
    """Refuse a column of 3.010 and the like between semicolons, where a point may part thousands."""
    for name in frame if delimiter in ";\t" else ():
        cells = frame[name][frame[name].notna() & (frame[name] != "")]
        if len(cells) and cells.str.fullmatch(r"[1-9]\d{0,2}\.\d{3}").all():
            thousands, decimals = cells.iloc[0].replace(".", ""), float(cells.iloc[0])
            raise DataError(
                f"{shown}, column {clipped(name)}, row {cells.index[0]}: {cells.iloc[0]!r} could be {decimals:g} or "
                f"{thousands}; write it with two decimals, or without a point"
            )
