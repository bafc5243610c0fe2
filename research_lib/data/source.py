"""What every source gives, whatever vendor is behind it; several sources as one; and the user's own files as a source."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import pandas as pd

from research_lib.data.catalog import PERCENT, Asset, describe_series
from research_lib.data.readers import FIELDS, Edit, clipped, listed, open_sheet, plain, to_numbers
from research_lib.errors import DataError, MissingDataError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
TABLE = r"\.(csv|csv\.gz|parquet)$"
FRENCH = "french/F-F_Research_Data_Factors.csv"
FRENCH_COLUMNS = ("MKT_RF", "SMB", "HML", "RF")
FRENCH_MONTH, FRENCH_MISSING = r"^\s*(\d{4})(\d\d)\s*,", r"(?<=,)\s*-99(\.99|9)\s*(?=,|$)"

# What other vendors call the kit's fields, where a file has no column of the field's own name.
FIELD_NAMES = {"close": ("price", "close_last", "last"), "total": ("adj_close",), "adj_close": ("adjusted_close",)}
VALUE_NAMES = ("value", "close", "price")


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
    volume: "pd.Series[float] | None" = None  # shares traded
    splits: "pd.Series[float] | None" = None  # the factor of a split on its day, else 0
    source: str = ""  # which of several joined sources served it
    vintage: Vintage | None = None


class Source(Protocol):
    """Where numbers come from."""

    @property
    def name(self) -> str:
        """The value of the `source` parameter."""

    def at(self, as_of: date | None) -> Self:  # noqa: ARG002  # of snapshots, the vintages that go with a date
        """Return the source as one with `as_of` reads it."""
        return self

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""

    def series_ids(self) -> list[str]:
        """List the series that are here."""

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol; `MissingDataError` where it is not here."""

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit; `MissingDataError` where it is not here."""


@dataclass(frozen=True)
class Joined(Source):
    """Several sources as one: each price, series or table of companies comes whole from the first that has it."""

    sources: tuple[Source, ...]

    @property
    def name(self) -> str:
        """The value of the `source` parameter."""
        return "+".join(source.name for source in self.sources)

    def at(self, as_of: date | None) -> Self:
        """Return the sources as one with `as_of` reads them."""
        return replace(self, sources=tuple(source.at(as_of) for source in self.sources))

    def symbols(self) -> list[str]:
        """List the symbols that have prices in any."""
        return list(dict.fromkeys(symbol for source in self.sources for symbol in source.symbols()))

    def series_ids(self) -> list[str]:
        """List the series that are in any."""
        return list(dict.fromkeys(series_id for source in self.sources for series_id in source.series_ids()))

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol from the first source that has the symbol."""
        return self._first(lambda one: asset.symbol in one.symbols(), lambda one: one.read_price(asset))

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series from the first source that has it."""
        return self._first(lambda one: series_id in one.series_ids(), lambda one: one.read_series(series_id))

    def _first(self, has: Callable[[Source], bool], read: Callable[[Source], RawSeries]) -> RawSeries:
        faults = []
        for source in tuple(filter(has, self.sources))[:1] or self.sources:
            try:
                return read(source)
            except MissingDataError as error:
                faults.append(str(error))
        raise MissingDataError("; ".join(faults))


def parts_of(source: Source) -> tuple[Source, ...]:
    """Return the sources that one is made of."""
    return source.sources if isinstance(source, Joined) else (source,)


@dataclass(frozen=True)
class Folder(Source):
    """The user's own files in the forms that `readers` knows: prices/SYMBOL.csv, series/ID.csv, french/; listed once."""

    directory: Path
    name: str = "folder"

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""
        return self._files["prices"]

    def series_ids(self) -> list[str]:
        """List the series that are here."""
        return [*self._files["series"], *(FRENCH_COLUMNS if (self.directory / FRENCH).is_file() else ())]

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of a file in `prices/`."""
        names = (asset.field, *FIELD_NAMES.get(asset.field, ()))
        several = (f"{plain(asset.symbol)}{mark}{name}" for mark in ":_" for name in names)
        return self._read(self._find("prices", asset.symbol), str(asset), [*names, *several])

    def read_series(self, series_id: str) -> RawSeries:
        """Read a file in `series/`, or a column of Ken French's monthly factors."""
        if series_id in FRENCH_COLUMNS and (self.directory / FRENCH).is_file():
            return self._read(self.directory / FRENCH, series_id, [plain(series_id)], edit=_monthly_block)
        raw = self._read(self._find("series", series_id), series_id, [plain(series_id), *VALUE_NAMES])
        texts = raw.values.astype("str")
        values, bad = to_numbers(texts.str.replace(r"%\s*$", "", regex=True))
        if bad.any() or not (texts.str.contains("%") | values.isna()).all():
            return raw
        # 4.06% is 4.06 of a series that is published in percent, else 0.0406.
        return replace(raw, values=values * (PERCENT if describe_series(series_id).scale == 1 else 1))

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        return {kind: _table_names(self.directory / kind) for kind in ("prices", "series")}

    def _find(self, kind: str, name: str) -> Path:
        path = find_table(self.directory / kind, name) if name in self._files[kind] else None
        if path is None:
            shown = listed(self._files[kind]) or "none"
            raise MissingDataError(f"source folder has no {kind} of {name}; {kind}/ has {shown}")
        return path

    def _read(self, path: Path, name: str, wanted: Sequence[str], edit: Edit | None = None) -> RawSeries:
        """Read the dates and the first of the wanted columns that is there; of a table of two, the other one."""
        sheet = open_sheet(path, str(path.relative_to(self.directory)), edit)
        day, column = sheet.date, sheet.find(*wanted)
        others = {own: one for own, one in zip(sheet.names, sheet.plain_names, strict=True) if one and own != day}
        fields = [one for one in others.values() if one in FIELDS]
        if column is None and len(others) == 1 and not fields:
            column = next(iter(others))
        if column is None:
            hint = (
                f"ask for {Asset.parse(name).symbol}:{fields[0]}"
                if fields
                else f"call the one that is meant {wanted[0]}"
            )
            raise MissingDataError(
                f"{sheet.shown}: no column {wanted[0]}; it has {listed(['date', *others.values()])}; {hint}"
            )
        frame, origin = sheet.read([day, column]), f"{sheet.shown}, column {clipped(plain(column))}"
        return RawSeries(name, origin, frame[day], frame[column], source=self.name)


def find_table(folder: Path, name: str) -> Path | None:
    """Return the file of a table in a folder, whatever its form; two are refused, for one may be older."""
    found = [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        raise DataError(f"{folder.name}/ holds {' and '.join(path.name for path in found)}: remove one of them")
    return found[0] if found else None


def _table_names(folder: Path) -> list[str]:
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    return sorted({re.sub(TABLE, "", path.name) for path in files if re.search(TABLE, path.name)})


def _monthly_block(text: str) -> str:
    """Leave of a file as Ken French publishes it the names and the months: yyyy-mm, and nothing where a value is missing."""
    lines = text.split("\n")
    header = next((number for number, line in enumerate(lines) if "Mkt-RF" in line), None)
    if header is None:
        raise DataError(f"{FRENCH}: no line with the columns' names (Mkt-RF,SMB,HML,RF)")
    months = [re.sub(FRENCH_MONTH, r"\1-\2,", line) if re.match(FRENCH_MONTH, line) else "" for line in lines]
    kept = [*[""] * header, lines[header], *months[header + 1 :]]
    return re.sub(FRENCH_MISSING, "", "\n".join(kept), flags=re.M)
