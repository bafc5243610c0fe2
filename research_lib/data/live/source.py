"""The sources that read snapshots, and several sources as one. Nothing here touches the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from research_lib.data.catalog import Asset
from research_lib.data.live.snapshots import PULL_COMMAND, Item, Kind, Reading, Store
from research_lib.data.source import RawSeries, Source, Vintage
from research_lib.errors import DataError, MissingDataError

SERVES = {"yahoo": Kind.PRICES, "fred": Kind.SERIES, "french": Kind.SERIES, "sec": Kind.COMPANIES}


@dataclass(frozen=True)
class Snapshots:
    """What was pulled from one vendor, as of a date.

    Attributes
    ----------
    name : str
        The vendor's: yahoo, fred, french or sec.
    store : Store
    as_of : date or None
        Which vintages are read: `snapshots.in_order` is the rule.
    """

    name: str
    store: Store
    as_of: date | None = None

    def at(self, as_of: date | None) -> Self:
        """Return the source with the vintages that go with a date."""
        return replace(self, as_of=as_of)

    def symbols(self) -> list[str]:
        """List the symbols whose prices were pulled."""
        return self._names(Kind.PRICES)

    def series_ids(self) -> list[str]:
        """List the series that were pulled."""
        return self._names(Kind.SERIES)

    def companies(self) -> list[str]:
        """List the companies whose facts were pulled."""
        return self._names(Kind.COMPANIES)

    def read(self, kind: Kind, name: str) -> Reading:
        """Read an item; `MissingDataError` says what to run where it was never pulled."""
        if kind is not SERVES[self.name]:
            raise MissingDataError(f"source {self.name} has no {kind}, and so no {name}")
        return self.store.read(Item(self.name, kind, name), as_of=self.as_of)

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol, with its volume and splits."""
        reading = self.read(Kind.PRICES, asset.symbol)
        frame = reading.frame
        fields = [name for name in frame.columns if name != "date"]
        if asset.field not in fields:
            raise DataError(f"source {self.name} has no {asset.field} of {asset.symbol}; it has {', '.join(fields)}")
        raw = _raw(reading, str(asset), asset.field)
        return replace(raw, volume=frame["volume"], splits=frame["split"])

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit."""
        return _raw(self.read(Kind.SERIES, series_id), series_id, "value")

    def _names(self, kind: Kind) -> list[str]:
        return [item.name for item in self.store.items(self.name, kind)]


def _raw(reading: Reading, name: str, column: str) -> RawSeries:
    snapshot, frame = reading.snapshot, reading.frame
    asked = snapshot.query.get("symbol", snapshot.item.name)
    return RawSeries(
        id=name,
        origin=f"{asked}, column {column}, {describe(reading)}",
        dates=frame["date"],
        values=frame[column],
        source=snapshot.item.source,
        vintage=Vintage(snapshot.fetched_at, snapshot.sha256),
    )


def describe(reading: Reading) -> str:
    """Say from when a snapshot is, and whether it stands in for damaged ones."""
    damaged = f" ({reading.damaged} that would go before it damaged: data verify)" if reading.damaged else ""
    return f"pulled {reading.snapshot.fetched:%Y-%m-%d %H:%M} UTC, snapshot {reading.snapshot.sha256[:12]}{damaged}"


@dataclass(frozen=True)
class Joined:
    """Several sources as one: each price, series or table of companies comes whole from the first that has it.

    Attributes
    ----------
    sources : tuple of Source
        In the order in which they are asked.
    """

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
        """List the series that stand in any."""
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
        source = next((source for source in self.sources if has(source)), None)
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


def require_snapshots(sources: Sequence[Source]) -> None:
    """Raise where nothing was ever pulled that a report could be made of.

    One of several may be empty: a report can do without rates or factors. Without company statements there is none.

    Raises
    ------
    MissingDataError
        With the command to run.
    """
    live = [source for source in sources if isinstance(source, Snapshots)]
    empty = [source.name for source in live if not source.store.items(source.name)]
    if empty and (len(empty) == len(live) or "sec" in empty):
        raise MissingDataError(f"source {' and '.join(empty)}: no snapshot yet; run: {PULL_COMMAND}")


def parts_of(source: Source) -> tuple[Source, ...]:
    """Return the sources that one is made of."""
    return source.sources if isinstance(source, Joined) else (source,)
