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
    """One series as its source holds it, before anything is checked, sorted or left out.

    Attributes
    ----------
    id : str
        The asset or series, as asked for.
    origin : str
        Where the user would look for it: a file and column, or a package's data set.
    dates, values : Series
        Texts, or timestamps and floats, in the source's order; the index is the row in the source.
    volume, splits : Series or None
        Of the same index, where the source has them: shares traded, and the factor of a split on its day (else 0).
    decimal : bool
        The values are decimals already, whatever unit the series is published in.
    source : str
        The source that served it, where several are joined; empty is the one that was asked.
    vintage : Vintage or None
        The snapshot it was read from; None for files.
    """

    id: str
    origin: str
    dates: "pd.Series[Any]"
    values: "pd.Series[Any]"
    volume: "pd.Series[float] | None" = None
    splits: "pd.Series[float] | None" = None
    decimal: bool = False
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
        """List the series that are here."""
        ...

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol; `MissingDataError` where it is not here."""
        ...

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit; `MissingDataError` where it is not here."""
        ...


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
        return self._first(
            lambda source: series_id in source.series_ids(), lambda source: source.read_series(series_id)
        )

    def _first(self, has: Callable[[Source], bool], read: Callable[[Source], RawSeries]) -> RawSeries:
        faults = []
        for source in sorted(self.sources, key=lambda source: not has(source)):  # stable: those that have it first
            try:
                raw = read(source)
            except MissingDataError as error:
                if has(source):
                    raise
                faults.append(str(error))
            else:
                return raw if raw.source else replace(raw, source=source.name)
        raise MissingDataError("; ".join(faults))


def parts_of(source: Source) -> tuple[Source, ...]:
    """Return the sources that one is made of."""
    return source.sources if isinstance(source, Joined) else (source,)
