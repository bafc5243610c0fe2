"""The user's own files, in one folder: prices/SYMBOL.csv, series/ID.csv, and Ken French's own files in french/.

Files are CSV or Parquet, in the kit's form or as Yahoo, yfinance, FRED, Stooq or Investing.com give them (`readers`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Self

import pandas as pd

from research_lib.data.catalog import PERCENT, Asset, describe_series
from research_lib.data.readers import (
    FIELDS,
    MISSING,
    by_plain_name,
    clipped,
    find_date,
    listed,
    plain,
    read_cells,
    to_numbers,
)
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, MissingDataError

SUFFIXES = (".csv.gz", ".csv", ".parquet")
FRENCH_FACTORS = "french/F-F_Research_Data_Factors.csv"
FRENCH_MISSING = ["-99.99", "-999"]
FRENCH_COLUMNS = {"MKT_RF": "Mkt-RF", "SMB": "SMB", "HML": "HML", "RF": "RF"}

# What other vendors call the kit's fields, where a file has no column of the field's own name.
FIELD_NAMES = {"close": ("price", "close_last", "last"), "total": ("adj_close",), "adj_close": ("adjusted_close",)}
VALUE_NAMES = ("value", "close", "price")


@dataclass(frozen=True)
class Folder:
    """The folder source; each of its folders is listed once."""

    directory: Path
    name: str = "folder"

    def at(self, as_of: date | None) -> Self:  # noqa: ARG002  # files are as they are
        """Return the same source."""
        return self

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""
        return list(self._prices)

    def series_ids(self) -> list[str]:
        """List the series that are here."""
        return [*self._series, *(FRENCH_COLUMNS if self._has_factors else ())]

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of `prices/SYMBOL.csv` or `.parquet`."""
        path = self._find("prices", asset.symbol, self._prices)
        names = (asset.field, *FIELD_NAMES.get(asset.field, ()))
        return self._read(path, str(asset), [*names, *(f"{asset.symbol.lower()}:{name}" for name in names)])

    def read_series(self, series_id: str) -> RawSeries:
        """Read `series/ID.csv` or `.parquet`, or a column of Ken French's monthly factors."""
        if series_id in FRENCH_COLUMNS and self._has_factors:
            frame = _read_french(self.directory / FRENCH_FACTORS)
            column = FRENCH_COLUMNS[series_id]
            if column not in frame:
                raise DataError(f"{FRENCH_FACTORS}: no column {column}; it has {listed(frame.columns)}")
            return RawSeries(series_id, f"{FRENCH_FACTORS}, column {column}", frame["date"], frame[column])
        path = self._find("series", series_id, self._series)
        raw = self._read(path, series_id, [plain(series_id), *VALUE_NAMES])
        return _without_percent_signs(raw) if pd.api.types.is_string_dtype(raw.values.dtype) else raw

    @cached_property
    def _prices(self) -> dict[str, list[Path]]:
        return _list_files(self.directory / "prices")

    @cached_property
    def _series(self) -> dict[str, list[Path]]:
        return _list_files(self.directory / "series")

    @cached_property
    def _has_factors(self) -> bool:
        return (self.directory / FRENCH_FACTORS).is_file()

    def _find(self, kind: str, name: str, files: dict[str, list[Path]]) -> Path:
        if name not in files:
            raise MissingDataError(f"source folder has no {kind} of {name}; {kind}/ has {listed(files) or 'none'}")
        if len(files[name]) > 1:
            both = " and ".join(path.name for path in files[name])
            raise DataError(f"{kind}/ holds {both}: remove one of them")
        return files[name][0]

    def _read(self, path: Path, name: str, wanted: Sequence[str]) -> RawSeries:
        """Read the dates and the first of the wanted columns that is there; of a table of two, the other one."""
        shown = str(path.relative_to(self.directory))

        def pick(names: Sequence[str]) -> dict[str, str]:
            day = find_date(names, shown)
            others = {one: name for one, name in by_plain_name(names).items() if one and name != day}
            fields = [one for one in others if one in FIELDS]
            only = next(iter(others)) if len(others) == 1 and not fields else None
            column = next((one for one in wanted if one in others), only)
            if column is None:
                hint = f"; ask for {Asset.parse(name).symbol}:{fields[0]}" if fields else ""
                raise MissingDataError(f"{shown}: no column {wanted[0]}; it has {listed(['date', *others])}{hint}")
            return {day: "date", others[column]: column}

        frame = read_cells(path, shown, pick)
        return RawSeries(name, f"{shown}, column {clipped(frame.columns[1])}", frame["date"], frame.iloc[:, 1])


def _list_files(directory: Path) -> dict[str, list[Path]]:
    """List the files of a folder by symbol."""
    files: dict[str, list[Path]] = {}
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), "")
        if suffix and path.is_file():
            files.setdefault(path.name.removesuffix(suffix), []).append(path)
    return files


def _without_percent_signs(raw: RawSeries) -> RawSeries:
    """Read 4.06% as 4.06 where the series is published in percent, else as 0.0406; other cells stay to be refused."""
    texts = raw.values.str.strip()
    numbers, bad = to_numbers(texts.str.removesuffix("%"))
    if bad.any() or not (texts.str.endswith("%") | texts.str.lower().isin(MISSING)).all():
        return raw
    return replace(raw, values=numbers if describe_series(raw.id).scale != 1 else numbers * PERCENT)


def _read_french(path: Path) -> pd.DataFrame:
    """Read the monthly block of a file as Ken French publishes it, with its header and footer texts."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    header = next((number for number, line in enumerate(lines) if "Mkt-RF" in line), None)
    if header is None:
        raise DataError(f"{FRENCH_FACTORS}: no line with the columns' names (Mkt-RF,SMB,HML,RF)")
    months = {n + 1: line for n, line in enumerate(lines) if n > header and re.match(r"\s*\d{6}\s*,", line)}
    names = ["month", *[name.strip() for name in lines[header].split(",")[1:]]]
    cells = [[cell.strip() for cell in line.split(",")] for line in months.values()]
    for number, row in zip(months, cells, strict=True):
        if len(row) != len(names):
            raise DataError(f"{FRENCH_FACTORS}, row {number}: {len(row)} cells where the header has {len(names)}")
    frame = pd.DataFrame(cells, index=pd.Index(months), columns=names, dtype=str)
    frame = frame.mask(frame.isin(FRENCH_MISSING), "")
    return frame.assign(date=frame["month"].str[:4] + "-" + frame["month"].str[4:] + "-01")
