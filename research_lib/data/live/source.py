"""The sources that read snapshots. Nothing here touches the network."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Self

import pandas as pd

from research_lib.data.catalog import Asset
from research_lib.data.live.store import PULL_COMMAND, Item, Kind, Snapshot, Store
from research_lib.data.source import RawSeries, Vintage
from research_lib.errors import MissingDataError

SERVES = {"yahoo": Kind.PRICES, "fred": Kind.SERIES, "french": Kind.SERIES, "sec": Kind.COMPANIES}


@dataclass(frozen=True)
class Snapshots:
    """What was pulled from one vendor; `as_of` decides which vintages are read (`store.in_order`)."""

    name: str
    store: Store
    as_of: date | None = None

    def at(self, as_of: date | None) -> Self:
        """Return the source with the vintages that go with a date."""
        return replace(self, as_of=as_of)

    def symbols(self) -> list[str]:
        """List the symbols whose prices were pulled."""
        return [item.name for item in self.store.items(self.name, Kind.PRICES)]

    def series_ids(self) -> list[str]:
        """List the series that were pulled."""
        return [item.name for item in self.store.items(self.name, Kind.SERIES)]

    def companies(self) -> list[str]:
        """List the companies whose facts were pulled."""
        return [item.name for item in self.store.items(self.name, Kind.COMPANIES)]

    def require_any(self) -> None:
        """Raise where nothing was ever pulled from the vendor."""
        if not self.store.items(self.name):
            raise MissingDataError(f"source {self.name}: no snapshot yet; run: {PULL_COMMAND}")

    def read_company(self, name: str) -> pd.DataFrame:
        """Read a company's facts as filed, a row a fact and filing."""
        return self._read(Kind.COMPANIES, name)[0]

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol, with its volume and splits."""
        field = "adj_close" if asset.field == "total" else asset.field
        raw, frame = self._read_column(Kind.PRICES, asset.symbol, field)
        return replace(raw, id=str(asset), volume=frame["volume"], splits=frame["split"])

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit."""
        return self._read_column(Kind.SERIES, series_id, "value")[0]

    def _read_column(self, kind: Kind, name: str, column: str) -> tuple[RawSeries, pd.DataFrame]:
        frame, snapshot, damaged = self._read(kind, name)
        fields = [one for one in frame.columns if one != "date"]
        if column not in fields:
            raise MissingDataError(f"source {self.name} has no {column} of {name}; it has {', '.join(fields)}")
        origin = f"{snapshot.query.get('symbol', name)}, column {column}, pulled {snapshot.fetched:%Y-%m-%d %H:%M} UTC"
        origin += f", snapshot {snapshot.sha256[:12]}"
        origin += f" ({damaged} that would go before it damaged: data verify)" if damaged else ""
        vintage = Vintage(snapshot.fetched_at, snapshot.sha256)
        return RawSeries(name, origin, frame["date"], frame[column], source=self.name, vintage=vintage), frame

    def _read(self, kind: Kind, name: str) -> tuple[pd.DataFrame, Snapshot, int]:
        if kind is not SERVES[self.name]:
            raise MissingDataError(f"source {self.name} has no {kind}, and so no {name}")
        return self.store.read(Item(self.name, kind, name), as_of=self.as_of)
