"""The user's own files, in one folder: prices/SYMBOL.csv, series/ID.csv, and Ken French's own files in french/.

A file may be CSV or Parquet. Prices have columns date, close and any other fields (high, low, adj_close);
series have date, value. Dates are yyyy-mm-dd.
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import pandas as pd

from research_lib.data.catalog import Asset
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, MissingDataError

FRENCH_FACTORS = "french/F-F_Research_Data_Factors.csv"
FRENCH_MISSING = ["-99.99", "-999"]
FRENCH_COLUMNS = {"MKT_RF": "Mkt-RF", "SMB": "SMB", "HML": "HML", "RF": "RF"}


@dataclass(frozen=True)
class Folder:
    """The folder source."""

    directory: Path
    name: str = "folder"

    def at(self, as_of: date | None) -> Self:  # noqa: ARG002  # files are as they are
        """Return the same source."""
        return self

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""
        return _stems(self.directory / "prices")

    def series_ids(self) -> list[str]:
        """List the series that stand here."""
        factors = list(FRENCH_COLUMNS) if (self.directory / FRENCH_FACTORS).is_file() else []
        return _stems(self.directory / "series") + factors

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one column of `prices/SYMBOL.csv` or `.parquet`."""
        path = self._find("prices", asset.symbol, self.symbols())
        frame = _read_table(path, self._shown(path))
        return self._column(frame, path, asset=str(asset), column=asset.field)

    def read_series(self, series_id: str) -> RawSeries:
        """Read `series/ID.csv` or `.parquet`, or a column of Ken French's monthly factors."""
        factors = self.directory / FRENCH_FACTORS
        if series_id in FRENCH_COLUMNS and factors.is_file():
            frame = _read_french(factors, self._shown(factors))
            return self._column(frame, factors, asset=series_id, column=FRENCH_COLUMNS[series_id])
        path = self._find("series", series_id, self.series_ids())
        return self._column(_read_table(path, self._shown(path)), path, asset=series_id, column="value")

    def _find(self, kind: str, name: str, known: list[str]) -> Path:
        if not self.directory.is_dir():
            raise MissingDataError(f"data_dir {self.directory}: there is no such folder")
        for suffix in (".csv", ".parquet"):
            if (path := self.directory / kind / f"{name}{suffix}").is_file():
                return path
        has = ", ".join(known) or "none"
        raise MissingDataError(f"source folder has no {kind} of {name}; {kind}/ has {has}")

    def _column(self, frame: pd.DataFrame, path: Path, *, asset: str, column: str) -> RawSeries:
        shown = self._shown(path)
        if column not in frame.columns:
            fields = [name for name in frame.columns if name != "date"]
            hint = (
                f"; ask for {Asset.parse(asset).symbol}:{fields[0]}" if path.parent.name == "prices" and fields else ""
            )
            raise DataError(f"{shown}: no column {column}; it has {', '.join(frame.columns)}{hint}")
        return RawSeries(asset, f"{shown}, column {column}", frame["date"], frame[column])

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self.directory))


def _stems(directory: Path) -> list[str]:
    return sorted({path.stem for path in directory.glob("*") if path.suffix in {".csv", ".parquet"}})


def _read_table(path: Path, shown: str) -> pd.DataFrame:
    """Read a table whose index is the line number in its file; CSV cells stay texts until they are checked."""
    frame = _read_parquet(path, shown) if path.suffix == ".parquet" else _read_csv(path, shown)
    if "date" not in frame.columns:
        raise DataError(f"{shown}: no column date; its columns are {', '.join(map(str, frame.columns))}")
    if frame.empty:
        raise DataError(f"{shown}: holds a header but no rows")
    return frame


def _read_parquet(path: Path, shown: str) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{shown}: not a Parquet file ({error})") from error
    frame = frame.reset_index() if frame.index.name == "date" and "date" not in frame.columns else frame
    return frame.set_axis(range(1, len(frame) + 1))


def _read_csv(path: Path, shown: str) -> pd.DataFrame:
    reader = csv.reader(io.StringIO(_read_text(path, shown)))
    try:
        rows = [(reader.line_num, row) for row in reader if row]  # numbered by the file's own lines
    except csv.Error as error:
        raise DataError(f"{shown}, row {reader.line_num}: {error} (a quotation mark that is not closed?)") from error
    header = [name.strip().lower() for name in rows[0][1]]
    if len(header) == 1:
        found = next((delimiter for delimiter in ";\t|" if delimiter in header[0]), None)
        hint = f"; it seems to be separated by {found!r}: save it with commas" if found else ""
        raise DataError(f"{shown}: its only column is {header[0]!r}, needed are date and a value{hint}")
    if len(set(header)) < len(header):
        raise DataError(f"{shown}: a column's name stands twice in its header ({', '.join(header)})")
    lines = dict(rows[1:])
    for number, row in lines.items():
        if len(row) != len(header):
            raise DataError(f"{shown}, row {number}: {len(row)} cells where the header has {len(header)}")
    return pd.DataFrame(lines.values(), index=pd.Index(lines), columns=header, dtype=str)


def _read_text(path: Path, shown: str) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{shown}: not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise DataError(f"{shown}: the file is empty")
    return text


def _read_french(path: Path, shown: str) -> pd.DataFrame:
    """Read the monthly block of a file as Ken French publishes it, with its header and footer texts."""
    lines = _read_text(path, shown).splitlines()
    header = next((number for number, line in enumerate(lines) if "Mkt-RF" in line), None)
    if header is None:
        raise DataError(f"{shown}: no line with the columns' names (Mkt-RF,SMB,HML,RF)")
    months = {n + 1: line for n, line in enumerate(lines) if n > header and re.match(r"\s*\d{6}\s*,", line)}
    names = ["month", *[name.strip() for name in lines[header].split(",")[1:]]]
    cells = [[cell.strip() for cell in line.split(",")] for line in months.values()]
    for number, row in zip(months, cells, strict=True):
        if len(row) != len(names):
            raise DataError(f"{shown}, row {number}: {len(row)} cells where the header has {len(names)}")
    frame = pd.DataFrame(cells, index=pd.Index(months), columns=names, dtype=str)
    frame = frame.mask(frame.isin(FRENCH_MISSING), "")
    return frame.assign(date=frame["month"].str[:4] + "-" + frame["month"].str[4:] + "-01")
