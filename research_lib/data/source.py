"""What every source gives, whatever vendor is behind it."""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from research_lib.data.catalog import Asset


@dataclass(frozen=True)
class RawSeries:
    """One series as its source holds it, before anything is checked, sorted or left out.

    Attributes
    ----------
    id : str
        The asset or series, as asked for.
    origin : str
        Where it stands, as the user would look for it: a file and column, or a package's data set.
    dates : Series
        ISO date texts or timestamps, in the source's order; the index is the row's number in the source.
    values : Series
        Texts or floats, of the same index; empty texts and NaN are missing values.
    """

    id: str
    origin: str
    dates: "pd.Series[str] | pd.Series[pd.Timestamp]"
    values: "pd.Series[str] | pd.Series[float]"


class Source(Protocol):
    """Where numbers come from."""

    @property
    def name(self) -> str:
        """The value of the `source` parameter."""
        ...

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""
        ...

    def series_ids(self) -> list[str]:
        """List the series that stand here."""
        ...

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol; `DataError` where it is not here."""
        ...

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit; `DataError` where it is not here."""
        ...
