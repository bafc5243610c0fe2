"""Real data that ships inside packages the kit depends on: offline, read at run time, never copied.

`facts/packaged.csv` lists the files, with what each must hold. The packages' own loaders are passed by: they import
their whole package (seconds), and arch's puts the French months into 1970 on pandas 3.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from research_lib.data.catalog import Asset, fact_rows
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, MissingDataError

FILES = fact_rows("packaged.csv")
PRICES, LARGE_COMPANIES = ("GSPC", "IXIC", "VIX"), "large_companies"
SERIES = tuple(name for name in FILES if name.split()[0] not in (*PRICES, LARGE_COMPANIES))
SPLICE_TOLERANCE = 1e-6  # the vintages of the S&P 500 are 1e-7 apart at most on their common days


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
        return _read(asset.symbol)

    def read_series(self, series_id: str) -> RawSeries:
        """Read a series, in the unit its publisher uses."""
        if series_id not in SERIES:
            raise MissingDataError(f"source bundled has no series {series_id}; it has {', '.join(SERIES)}")
        return _read(series_id)


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
    if file["dates"] == "year+quarter":
        texts = frame["year"].map("{:.0f}".format) + (frame["quarter"] * 3).map("-{:.0f}".format)
    else:  # 1947.01 is 1947.0099999 in the file
        texts = frame[file["dates"]].map("{:.2f}".format if file["format"] == "%Y.%m" else str)
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(texts, format=file["format"]), name="date")).sort_index()
    label = f"{file['package']} {version(file['package'])} {Path(file['path']).name}"
    found = [str(len(frame)), *(str(frame.index[end].date()) for end in (0, -1))]
    ends = frame[file["column"]].iloc[[0, -1]].to_numpy()
    if found != [file["rows"], file["first"], file["last"]] or not np.allclose(
        ends, [float(file["first_value"]), float(file["last_value"])], rtol=1e-7
    ):
        raise DataError(
            f"{label} is not the data set that the kit knows ({file['rows']} rows, {file['first']} to {file['last']}); "
            f"install the versions in requirements.lock"
        )
    return frame, label


def _read(name: str) -> RawSeries:
    """Join the vintages of a series, each used from the last one's end on, after a look at their common days."""
    values, origins = pd.Series(dtype=float), list[str]()
    for part in (part for part in FILES if part.split()[0] == name):
        (frame, label), column = load_packaged(part), FILES[part]["column"]
        common = values.index.intersection(frame.index)
        apart = (values[common] / frame.loc[common, column] - 1).abs().max()
        if apart > SPLICE_TOLERANCE:
            raise DataError(f"{label} differs by {apart:.1e} from the vintage before it: {origins[-1]}")
        values = pd.concat([values, frame[column][frame.index > values.index[-1]]]) if origins else frame[column]
        origins.append(f"{label}, column {column}")
    return RawSeries(name, ", then ".join(origins), pd.Series(values.index), values.reset_index(drop=True))
