"""What is known of a symbol or series before any of its data is read."""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

PERCENT = 0.01  # rates and factor returns are published in percent and used as decimals


@dataclass(frozen=True)
class AssetInfo:
    """A price.

    Attributes
    ----------
    kind : str
        index, fund or volatility; or currency, which trades on days that the stock exchange does not.
    volatility_index : str
        Made from its options, if any is.
    yahoo : str
        What Yahoo calls it; empty where that is the symbol itself.
    """

    symbol: str
    name: str
    kind: str = "index"
    volatility_index: str = ""
    yahoo: str = ""


@dataclass(frozen=True)
class SeriesInfo:
    """A series: `scale` turns its published values into the kit's decimals; frequency is daily or monthly."""

    id: str
    name: str
    frequency: str
    scale: float


@dataclass(frozen=True)
class Asset:
    """One column of one symbol's prices, written `SYMBOL` (its close) or `SYMBOL:field`."""

    symbol: str
    field: str = "close"

    @classmethod
    def parse(cls, text: str) -> "Asset":
        """Read `RUT` or `RSP:adj_close`."""
        symbol, _, field = text.partition(":")
        return cls(symbol, field or "close")

    def __str__(self) -> str:
        return self.symbol if self.field == "close" else f"{self.symbol}:{self.field}"


def describe_asset(asset: str) -> AssetInfo:
    """Return what is known of an asset; one that is not listed is an index named by its own symbol."""
    symbol = Asset.parse(asset).symbol
    return _assets().get(symbol, AssetInfo(symbol, symbol))


@dataclass(frozen=True)
class SpotAndVolatility:
    """A price and the volatility index to compare it with; a proxy where the source lacks the asset's own."""

    asset: str
    volatility: str
    is_proxy: bool = False

    @property
    def assets(self) -> list[str]:
        """Both."""
        return [self.asset, self.volatility]

    @property
    def label(self) -> str:
        """Name both, and say so where they are a proxy."""
        names = f"{describe_asset(self.asset).name} and {describe_asset(self.volatility).name}"
        return f"{names}, a proxy" if self.is_proxy else names


def choose_volatility(asset: str, available: Collection[str]) -> SpotAndVolatility | None:
    """Find an asset's volatility index among a source's symbols; else take the S&P 500 and VIX, or None."""
    own = describe_asset(asset).volatility_index
    if own in available:
        return SpotAndVolatility(asset, own)
    if {"GSPC", "VIX"} <= set(available):
        return SpotAndVolatility("GSPC", "VIX", is_proxy=True)
    return None


def describe_series(series_id: str) -> SeriesInfo:
    """Return what is known of a series; one that is not listed is daily and kept in its file's unit."""
    return _series().get(series_id, SeriesInfo(series_id, series_id, "daily", 1.0))


def known_symbols() -> list[str]:
    """List the symbols that are known whatever a source has."""
    return list(_assets())


def known_series() -> list[str]:
    """List the series that are known whatever a source has."""
    return list(_series())


@cache
def _assets() -> dict[str, AssetInfo]:
    return {row["symbol"]: AssetInfo(**row) for row in _read("symbols.csv")}


@cache
def _series() -> dict[str, SeriesInfo]:
    rows = _read("series.csv")
    return {
        row["id"]: SeriesInfo(row["id"], row["name"], row["frequency"], PERCENT if row["unit"] == "percent" else 1.0)
        for row in rows
    }


def _read(name: str) -> list[dict[str, str]]:
    with (files("research_lib.data") / "facts" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
