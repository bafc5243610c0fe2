"""What every source gives, whatever vendor is behind it."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol, Self

import pandas as pd

from research_lib.data.catalog import Asset


@dataclass(frozen=True)
class Vintage:
    """The snapshot that a series was read from.

    Attributes
    ----------
    fetched_at : str
        When it was pulled, ISO 8601 in UTC.
    sha256 : str
        Of the snapshot's file.
    """

    fetched_at: str
    sha256: str


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
    volume, splits : Series or None
        Of the same index, where the source has them: shares traded, and the factor of a split on its day (else 0).
    source : str
        The source that served it, where several are joined; empty is the one that was asked.
    vintage : Vintage or None
        The snapshot it was read from; None for files, which are as they are.
    """

    id: str
    origin: str
    dates: "pd.Series[str] | pd.Series[pd.Timestamp]"
    values: "pd.Series[str] | pd.Series[float]"
    volume: "pd.Series[float] | None" = None
    splits: "pd.Series[float] | None" = None
    source: str = ""
    vintage: Vintage | None = None


class Source(Protocol):
    """Where numbers come from."""

    @property
    def name(self) -> str:
        """The value of the `source` parameter."""
        ...

    def at(self, as_of: date | None) -> Self:
        """Return the source as one with `as_of` reads it: of snapshots, the vintages that go with that date."""
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
