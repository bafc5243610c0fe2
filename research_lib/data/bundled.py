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

# Two vintages of the S&P 500 meet in the splice; over their 4,277 common days they are 5e-8 apart.
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

    @property
    def label(self) -> str:
        """Name the file with the version it belongs to."""
        return f"{self.package} {version(self.package)} {Path(self.path).name}"


SP500_OLD = PackagedFile(
    "great_tables", "data/04-sp500.csv", "date", "%Y-%m-%d",
    rows=16607, first="1950-01-03", last="2015-12-31", check=("close", 16.66, 2043.9399),
)  # fmt: skip
SP500_NEW = PackagedFile(
    "arch", "data/sp500/sp500.csv.gz", "Date", "%m/%d/%Y",
    rows=5031, first="1999-01-04", last="2018-12-31", check=("Close", 1228.099976, 2506.850098),
)  # fmt: skip
NASDAQ = PackagedFile(
    "arch", "data/nasdaq/nasdaq.csv.gz", "Date", "%m/%d/%Y",
    rows=5031, first="1999-01-04", last="2018-12-31", check=("Close", 2208.050049, 6635.279785),
)  # fmt: skip
VIX = PackagedFile(
    "arch", "data/vix/vix.csv.gz", "Date", "%m/%d/%Y",
    rows=1305, first="2014-01-03", last="2019-01-03", check=("vix", 13.76, 25.45),
)  # fmt: skip
FRENCH = PackagedFile(
    "arch", "data/frenchdata/frenchdata.csv.gz", "Date", "%Y%m",
    rows=1109, first="1926-07-01", last="2018-11-01", check=("SMB", -2.3, -0.75),
)  # fmt: skip
PORTFOLIOS = PackagedFile(
    "linearmodels", "datasets/french/french.csv.bz2", "dates", "%Y-%m-%d",
    rows=819, first="1949-01-01", last="2017-03-01", check=("S1V1", -0.0071, 0.0195),
)  # fmt: skip
YIELDS = PackagedFile(
    "arch", "data/default/default.csv.gz", "Date", "%m/%d/%Y",
    rows=1200, first="1919-01-01", last="2018-12-01", check=("BAA", 7.12, 5.13),
)  # fmt: skip


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
        """List the series that stand here."""
        return list(SERIES)

    def read_price(self, asset: Asset) -> RawSeries:
        """Read a close; there are no other fields here."""
        if asset.symbol not in PRICES:
            raise MissingDataError(f"source bundled has no prices of {asset.symbol}; it has {', '.join(PRICES)}")
        if asset.field != "close":
            raise DataError(f"source bundled has only the close of {asset.symbol}, no {asset.field}")
        return PRICES[asset.symbol](asset.symbol)

    def read_series(self, series_id: str) -> RawSeries:
        """Read a monthly series, in the unit its publisher uses."""
        if series_id not in SERIES:
            raise MissingDataError(f"source bundled has no series {series_id}; it has {', '.join(SERIES)}")
        return SERIES[series_id](series_id)


@cache
def load_packaged(file: PackagedFile) -> pd.DataFrame:
    """Read a packaged file, indexed by its dates in ascending order, and check that it is the one that is known."""
    frame = pd.read_csv(_locate(file), dtype={file.dates: str}, na_values=".")
    dates = pd.to_datetime(frame[file.dates], format=file.date_format)
    frame = frame.set_index(pd.DatetimeIndex(dates, name="date")).sort_index()
    column, first, last = file.check
    found = (len(frame), str(frame.index[0].date()), str(frame.index[-1].date()))
    ends = frame[column].iloc[[0, -1]].to_numpy()
    if found != (file.rows, file.first, file.last) or not np.allclose(ends, (first, last), rtol=1e-9):
        raise DataError(
            f"{file.label} is not the data set that the kit knows ({file.rows} rows, {file.first} to {file.last}); "
            f"install the versions in requirements.lock"
        )
    return frame


def _locate(file: PackagedFile) -> Path:
    spec = find_spec(file.package)
    if spec is None or spec.origin is None:
        raise DataError(f"package {file.package} is not installed; install the versions in requirements.lock")
    return Path(spec.origin).parent / file.path


def _column(file: PackagedFile, column: str) -> Callable[[str], RawSeries]:
    return lambda name: _raw(name, f"{file.label}, column {column}", load_packaged(file)[column])


def _splice_sp500(name: str) -> RawSeries:
    old, new = load_packaged(SP500_OLD)["close"], load_packaged(SP500_NEW)["Close"]
    common = old.index.intersection(new.index)
    apart = (old[common] / new[common] - 1).abs().max()
    if not apart < SPLICE_TOLERANCE:
        raise DataError(f"{SP500_OLD.label} and {SP500_NEW.label} differ by {apart:.1e} on their common days")
    spliced = pd.concat([old, new[new.index > old.index[-1]]])
    return _raw(name, f"{SP500_OLD.label} to {SP500_OLD.last}, then {SP500_NEW.label}", spliced)


def _raw(name: str, origin: str, values: "pd.Series[float]") -> RawSeries:
    return RawSeries(name, origin, pd.Series(values.index), values.reset_index(drop=True))


PRICES: dict[str, Callable[[str], RawSeries]] = {
    "GSPC": _splice_sp500,
    "IXIC": _column(NASDAQ, "Close"),
    "VIX": _column(VIX, "vix"),
}

SERIES: dict[str, Callable[[str], RawSeries]] = {
    "MKT_RF": _column(FRENCH, "Mkt-RF"),
    "SMB": _column(FRENCH, "SMB"),
    "HML": _column(FRENCH, "HML"),
    "RF": _column(FRENCH, "RF"),
    # Size portfolios are raw returns, not in excess of the bill rate.
    **{name: _column(PORTFOLIOS, name) for name in ("S1V1", "S1V3", "S1V5", "S5V1", "S5V3", "S5V5")},
    "AAA": _column(YIELDS, "AAA"),
    "BAA": _column(YIELDS, "BAA"),
}
