"""Real data that ships inside packages the kit depends on: offline, read at run time, never copied.

`facts/packaged.csv` lists the files, with what each must hold. The packages' own loaders are passed by: they import
their whole package (seconds), and arch's puts the French months into 1970 on pandas 3.
"""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from research_lib.data.catalog import Asset, fact_rows
from research_lib.data.source import RawSeries, Source
from research_lib.errors import DataError, MissingDataError

FILES = fact_rows("packaged.csv")
PRICES, LARGE_COMPANIES = ("GSPC", "IXIC", "VIX"), "large_companies"
SERIES = tuple(name for name in FILES if name.split()[0] not in (*PRICES, LARGE_COMPANIES))


@dataclass(frozen=True)
class Bundled(Source):
    """The offline source."""

    name: str = "bundled"

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""
        return list(PRICES)

    def series_ids(self) -> list[str]:
        """List the series that are here."""
        return list(SERIES)

    def read_price(self, asset: Asset) -> RawSeries:
        """Read a close; there are no other fields here."""
        if asset.field != "close" and asset.symbol in PRICES:
            raise MissingDataError(f"source bundled has only the close of {asset.symbol}, no {asset.field}")
        return _read(asset.symbol, "prices of", PRICES)

    def read_series(self, series_id: str) -> RawSeries:
        """Read a series, in the unit its publisher uses."""
        return _read(series_id, "series", SERIES)


def load_large_companies() -> tuple[pd.DataFrame, str]:
    """Return adjusted closes (sessions x 20) of twenty of today's large companies from 1990, and where they are from.

    They were chosen by hindsight: each of them is still quoted.
    """
    frame, label = load_packaged(LARGE_COMPANIES)
    return frame.select_dtypes("number"), f"{label}, twenty of today's large companies"


@cache
def load_packaged(name: str) -> tuple[pd.DataFrame, str]:
    """Read the file of a row of `packaged.csv` by its dates in order, and name it with its package's version.

    `DataError` says that the package is absent, or that its file is not the one that is known.
    """
    file = FILES[name]
    spec = find_spec(file["package"])
    if spec is None or spec.origin is None:
        raise DataError(f"package {file['package']} is not installed; install the versions in requirements.lock")
    frame = pd.read_csv(Path(spec.origin).parent / file["path"], na_values=".")
    days = pd.Series(frame.eval(file["dates"])).map(lambda day: day if isinstance(day, str) else f"{day:.0f}")
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(days, format=file["format"]), name="date")).sort_index()
    label = f"{file['package']} {version(file['package'])} {Path(file['path']).name}"
    found = [str(len(frame)), *(f"{frame.index[end]:%Y-%m-%d}" for end in (0, -1))]
    known = [float(file["first_value"]), float(file["last_value"])]
    is_known = found == [file["rows"], file["first"], file["last"]]
    if not is_known or not np.allclose(frame[file["column"]].iloc[[0, -1]], known, rtol=1e-7):
        raise DataError(
            f"{label} is not the data set that the kit knows ({file['rows']} rows, {file['first']} to {file['last']}); "
            f"install the versions in requirements.lock"
        )
    return frame, label


def _read(name: str, what: str, has: tuple[str, ...]) -> RawSeries:
    """Join the vintages of a series, each used from the last one's end on; on their common days they are equal."""
    if name not in has:
        raise MissingDataError(f"source bundled has no {what} {name}; it has {', '.join(has)}")
    values, origin = pd.Series(dtype=float), ""
    for part in (part for part in FILES if part.split()[0] == name):
        (frame, label), column = load_packaged(part), FILES[part]["column"]
        values = pd.concat([values, frame[column][frame.index > values.index[-1]]]) if origin else frame[column]
        origin += f"{', then ' if origin else ''}{label}, column {column}"
    return RawSeries(name, origin, pd.Series(values.index), values.reset_index(drop=True), source="bundled")
