"""What every source gives, whatever vendor is behind it; several sources as one; the user's own files, and the bundled ones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research_lib.data.catalog import KNOWN_SERIES, KNOWN_SYMBOLS, fact_rows
from research_lib.data.readers import CALLED, FIELDS, open_sheet, plain
from research_lib.errors import DataError, MissingDataError, clipped, listed

PRICES, SERIES = "prices", "series"  # kinds of data, and folders
SUFFIXES = (".csv", ".csv.gz", ".parquet")
TABLE_NAME = rf"(?!\._|~\$)(.*?)(?:{'|'.join(map(re.escape, SUFFIXES))})$"
FRENCH = "french/F-F_Research_Data_Factors.csv"
FRENCH_COLUMNS = ("MKT_RF", "SMB", "HML", "RF")
FRENCH_MONTHS = r"[^\n]*(?:\n[ \t]*\d{6}[ \t]*,[^\n]*)+"  # a line of names and the months below it
FRENCH_MISSING = r"(?<=,)[ \t]*-99(?:\.99|9)[ \t]*(?=[,\n]|$)"
PACKAGED = fact_rows("packaged.csv")  # the bundled files

# A column that is alone beside the dates may have any name but one that says it holds no levels, by FRED's codes too.
NO_LEVEL = r"(?:.*_)?(?:log|ln|retx?|(?<!total_)returns?|change|chg|ch1|pch|pc1|pca|cch|cca|nbd\d*|vol|volume|dividends?|shares)(?:_.*)?"


@dataclass(frozen=True)
class Vintage:
    """The snapshot that a series was read from: when it was pulled (ISO 8601, UTC), and the hash of its file."""

    fetched_at: str
    sha256: str


@dataclass(frozen=True)
class RawSeries:
    """One series as its source holds it, before anything is checked; all columns have the row in the source as index."""

    id: str
    origin: str  # where the user would look for it: a file and column, or a package's data set
    dates: "pd.Series[Any]"  # texts, dates or timestamps
    values: "pd.Series[Any]"  # texts or floats
    splits: "pd.Series[float] | None" = None  # the factor of a split on its day, else 0
    source: str = ""  # which of several joined sources served it
    vintage: Vintage | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """Where numbers come from: what a vendor's class says in `names` and `read`. `name` is as in the `source` parameter."""

    name: str

    def names(self, kind: str) -> list[str]:
        """List the symbols that have PRICES here, or the SERIES."""
        raise NotImplementedError

    def read(self, kind: str, name: str, field: str, as_of: date | None = None) -> RawSeries:
        """Read one field of a symbol's prices, or a series in its published unit; `MissingDataError` where it is not here.

        All of it is read: `as_of` only says which of several vintages goes with a date, where a source keeps them.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Joined(Source):
    """Several sources as one: each price, series or table of companies comes whole from the first that has it."""

    parts: tuple[Source, ...]

    def names(self, kind: str) -> list[str]:
        """List what is in any."""
        return list(dict.fromkeys(name for source in self.parts for name in source.names(kind)))

    def read(self, kind: str, name: str, field: str, as_of: date | None = None) -> RawSeries:
        """Read from the first source that has the name."""
        for source in self.parts:
            if name in source.names(kind):
                return source.read(kind, name, field, as_of)
        raise MissingDataError(f"source {self.name} has no {kind} of {name}; it has {listed(self.names(kind))}")


def parts_of(source: Source) -> tuple[Source, ...]:
    """Return the sources that one is made of."""
    return source.parts if isinstance(source, Joined) else (source,)


@dataclass(frozen=True, eq=False)  # each is itself: what was read from it may be kept by it
class Folder(Source):
    """The user's own files in the forms that `readers` knows: prices/SYMBOL.csv, series/ID.csv, french/; listed once."""

    directory: Path

    @cached_property
    def _tables(self) -> dict[str, dict[str, None]]:
        paths = {kind: sorted((self.directory / kind).glob("*")) for kind in (PRICES, SERIES)}
        found = {kind: [re.match(TABLE_NAME, one.name) for one in paths[kind] if one.is_file()] for kind in paths}
        return {kind: dict.fromkeys(one[1] for one in matches if one) for kind, matches in found.items()}

    def names(self, kind: str) -> list[str]:
        """List the files of a kind, and the factors of Ken French's file."""
        has_french = kind == SERIES and (self.directory / FRENCH).is_file()
        return [*self._tables[kind], *(FRENCH_COLUMNS if has_french else ())]

    def read(self, kind: str, name: str, field: str, as_of: date | None = None) -> RawSeries:  # noqa: ARG002
        """Read a column of a file in `prices/` or `series/`, or of Ken French's monthly factors."""
        if name in self._tables[kind] and (path := find_table(self.directory / kind, name)):
            fields = CALLED.get(field, [field])
            if kind == SERIES:
                return self._read(path, name, [plain(name), *fields])
            return self._read(path, name, [*fields, *(f"{plain(name)}{mark}{one}" for mark in ":_" for one in fields)])
        if name in FRENCH_COLUMNS and name in self.names(kind):
            return self._read(self.directory / FRENCH, name, [plain(name)], first_months)
        missing = f"source folder has no {kind} of {name} (a file {name}.csv or {name}.parquet)"
        raise MissingDataError(f"{missing}; {kind}/ has {listed(self._tables[kind])}")

    def _read(self, path: Path, name: str, wanted: list[str], edit: Callable[[str], str] | None = None) -> RawSeries:
        """Read the dates and the first of the wanted columns that is there, or the only one."""
        sheet = open_sheet(path, str(path.relative_to(self.directory)), edit)
        day, symbol = sheet.date, sheet.find(*CALLED["symbol"])
        others = {plain(own): own for own in sheet.names if plain(own) and own not in (day, symbol)}
        of_others, column = {*KNOWN_SYMBOLS, *KNOWN_SERIES} - {name, name.upper()}, sheet.find(*wanted)
        field = next((called for called in others if called in FIELDS - {"volume"}), "")
        if column is None and len(others) == 1 and not field and not re.fullmatch(NO_LEVEL, next(iter(others))):
            column = next((own for called, own in others.items() if called not in map(plain, of_others)), None)
        if column is None:
            hint = f"ask for {name}:{field}" if field else f"call the one that is meant {wanted[0]}"
            raise MissingDataError(f"{sheet.shown}: no column {wanted[0]}; it has {listed(['date', *others])}; {hint}")
        cells = sheet.read([one for one in (day, column, symbol) if one is not None])
        if symbol is not None:
            symbols = cells[symbol].astype("str").str.strip().str.upper().str.removesuffix(".US").str.removeprefix("^")
            has = set(symbols.dropna())
            if len(has) > 1 or has & of_others:
                said = f"it has {listed(sorted(has))}; keep {name}'s rows, or drop the column"
                raise DataError(f"{sheet.shown}, column {clipped(symbol)}: {said}")
        origin = f"{sheet.shown}, column {clipped(plain(column))}"
        return RawSeries(name, origin, cells[day], cells[column], source=self.name)


def find_table(folder: Path, name: str) -> Path | None:
    """Return the file of a table in a folder, whatever its form; two are refused, for one may be older."""
    found = [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        raise DataError(f"{folder.name}/ holds {' and '.join(path.name for path in found)}: remove one of them")
    return found[0] if found else None


def first_months(text: str) -> str:
    """Leave of a file as Ken French publishes it its first table of months, on its lines; nothing where a value is missing."""
    if (block := re.search(FRENCH_MONTHS, text)) is None:
        return text
    return "\n" * text.count("\n", 0, block.start()) + re.sub(FRENCH_MISSING, "", block[0]) + "\n"


@dataclass(frozen=True)
class Bundled(Source):
    """The offline source: real data inside packages that the kit depends on; of prices it has closes alone."""

    name: str = "bundled"

    def names(self, kind: str) -> list[str]:
        """List the symbols or series that are here."""
        known = KNOWN_SYMBOLS if kind == PRICES else KNOWN_SERIES
        return list(dict.fromkeys(name for file in PACKAGED if (name := file.split()[0]) in known))

    def read(self, kind: str, name: str, field: str, as_of: date | None = None) -> RawSeries:  # noqa: ARG002
        """Join the vintages of a series, each used for days that those before it lack; on their common days they are equal."""
        if name not in self.names(kind):
            raise MissingDataError(f"source bundled has no {kind} of {name}; it has {', '.join(self.names(kind))}")
        if field not in {"close", "value"}:
            raise MissingDataError(f"source bundled has only the close of {name}, no {field}")
        loaded = {part: load_packaged(part) for part in PACKAGED if part.split()[0] == name}
        values = pd.concat([frame[PACKAGED[part]["column"]] for part, (frame, _) in loaded.items()])
        values = values[~values.index.duplicated()]
        origin = ", then ".join(f"{label}, column {PACKAGED[part]['column']}" for part, (_, label) in loaded.items())
        return RawSeries(name, origin, pd.Series(values.index), values.reset_index(drop=True), source=self.name)


@cache
def load_packaged(name: str) -> tuple[pd.DataFrame, str]:
    """Read the file of a row of `packaged.csv` by its dates in order, and name it with its package's version.

    The packages' own loaders import their whole package (seconds), and arch's puts French months into 1970 on pandas 3.
    """
    file, remedy = PACKAGED[name], "install the versions in requirements.lock"
    spec = find_spec(file["package"])
    if spec is None or spec.origin is None:
        raise DataError(f"package {file['package']} is not installed; {remedy}")
    frame = pd.read_csv(Path(spec.origin).parent / file["path"], na_values=".")
    days = pd.Series(frame.eval(file["dates"])).map(lambda day: day if isinstance(day, str) else f"{day:.0f}")
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(days, format=file["format"]), name="date")).sort_index()
    label = f"{file['package']} {version(file['package'])} {Path(file['path']).name}"
    found = [str(len(frame)), *(f"{frame.index[end]:%Y-%m-%d}" for end in (0, -1))]
    known, ends = [float(file["first_value"]), float(file["last_value"])], frame[file["column"]].iloc[[0, -1]]
    if found != [file["rows"], file["first"], file["last"]] or not np.allclose(ends, known, rtol=1e-7):
        span = f"{file['rows']} rows, {file['first']} to {file['last']}"
        raise DataError(f"{label} is not the data set that the kit knows ({span}); {remedy}")
    return frame, label
