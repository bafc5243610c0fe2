"""What every source gives, whatever vendor is behind it; and several sources as one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol, Self

import pandas as pd

from research_lib.data.catalog import Asset
from research_lib.errors import MissingDataError


@dataclass(frozen=True)
class Vintage:
    """The snapshot that a series was read from: when it was pulled (ISO 8601, UTC), and the hash of its file."""

    fetched_at: str
    sha256: str


@dataclass(frozen=True)
class RawSeries:
    """One series as its source holds it, before anything is checked; all columns have the row in the source as index.

    `origin` is where the user would look for it: a file and column, or a package's data set. Dates are texts, dates or
    timestamps; values texts or floats; `volume` are shares traded, `splits` the factor of a split on its day (else 0).
    `source` is which of several joined sources served it; `vintage` is of a snapshot.
    """

    id: str
    origin: str
    dates: "pd.Series[Any]"
    values: "pd.Series[Any]"
    volume: "pd.Series[float] | None" = None
    splits: "pd.Series[float] | None" = None
    source: str = ""
    vintage: Vintage | None = None


class Source(Protocol):
    """Where numbers come from."""

    @property
    def name(self) -> str:
        """The value of the `source` parameter."""

    def at(self, as_of: date | None) -> Self:
        """Return the source as one with `as_of` reads it: of snapshots, the vintages that go with that date."""

    def symbols(self) -> list[str]:
        """List the symbols that have prices here."""

    def series_ids(self) -> list[str]:
        """List the series that are here."""

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol; `MissingDataError` where it is not here."""

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit; `MissingDataError` where it is not here."""


@dataclass(frozen=True)
class Joined:
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
        return self._first(lambda source: asset.symbol in source.symbols(), lambda source: source.read_price(asset))

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series from the first source that has it."""
        return self._first(lambda one: series_id in one.series_ids(), lambda one: one.read_series(series_id))

    def _first(self, has: Callable[[Source], bool], read: Callable[[Source], RawSeries]) -> RawSeries:
        source = next(filter(has, self.sources), None)
        if source is not None:
            raw = read(source)
            return raw if raw.source else replace(raw, source=source.name)
        faults = []
        for source in self.sources:
            try:
                return read(source)
            except MissingDataError as error:
                faults.append(str(error))
        raise MissingDataError("; ".join(faults))


def parts_of(source: Source) -> tuple[Source, ...]:
    """Return the sources that one is made of."""
    return source.sources if isinstance(source, Joined) else (source,)
