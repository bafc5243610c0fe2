"""Symbol and series metadata: what is known of them before any of their data is read. The tables are in `facts/`."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

PERCENT = 0.01  # rates and factor returns are published in percent and used as decimals
NOT_THERE = "-"  # in a vendor's column: this vendor does not have it


@dataclass(frozen=True)
class AssetInfo:
    """A price: index, fund, volatility, or currency (which trades on days that the stock exchange does not)."""

    symbol: str
    name: str
    kind: str = "index"
    total_return: str = ""  # the index that reinvests its dividends
    frequency: str = "daily"
    scale: float = 1.0

    @property
    def usual(self) -> tuple[float, float]:
        """Between which the median lies; of prices it may be anything."""
        return (4.0, 120.0) if self.kind == "volatility" else (0.0, float("inf"))


@dataclass(frozen=True)
class SeriesInfo:
    """A series: `scale` turns published values into decimals; the median size of published ones is a `usual` one."""

    id: str
    name: str
    frequency: str = ""  # daily, weekly, monthly, quarterly; empty: not known
    scale: float = 1.0
    kind: str = "series"
    usual: tuple[float, float] = (0.0, float("inf"))


@dataclass(frozen=True)
class Asset:
    """One field of one symbol's prices: `SYMBOL` (its close), `SYMBOL:high`, or `SYMBOL:total` (dividends reinvested)."""

    symbol: str
    field: str = "close"

    @classmethod
    def parse(cls, text: str) -> "Asset":
        """Read `RUT` or `RSP:adj_close`."""
        symbol, _, name = text.partition(":")
        return cls(symbol, name or "close")

    def __str__(self) -> str:
        return self.symbol if self.field == "close" else f"{self.symbol}:{self.field}"


def describe_asset(asset: str) -> AssetInfo:
    """Return an asset's metadata; one that is not listed is an index named by its own symbol."""
    symbol = Asset.parse(asset).symbol
    row = fact_rows("symbols.csv").get(symbol)
    if row is None:
        return AssetInfo(symbol, symbol)
    return AssetInfo(symbol, row["name"], row["kind"], row["total_return"])


def describe_series(series_id: str) -> SeriesInfo:
    """Return a series' metadata; one that is not listed is kept in its file's unit."""
    row = fact_rows("series.csv").get(series_id)
    if row is None:
        return SeriesInfo(series_id, series_id)
    usual = float(row["usual_low"] or 0), float(row["usual_high"] or "inf")
    return SeriesInfo(
        series_id, row["name"], row["frequency"], PERCENT if row["unit"] == "percent" else 1.0, usual=usual
    )


def vendor_name(source: str, name: str) -> str:
    """Return what a vendor calls a symbol or series: its own name where its column says nothing; empty: not there."""
    table = "symbols.csv" if source == "yahoo" else "series.csv"
    unlisted = NOT_THERE if source == "french" else ""
    called = fact_rows(table).get(name, {}).get(source, unlisted) or name
    return "" if called == NOT_THERE else called


def known_symbols() -> list[str]:
    """List the symbols that are known whatever a source has."""
    return list(fact_rows("symbols.csv"))


def known_series() -> list[str]:
    """List the series that are known whatever a source has."""
    return list(fact_rows("series.csv"))


@cache
def fact_rows(name: str) -> dict[str, dict[str, str]]:
    """Read a table of facts by its first column."""
    with (files("research_lib.data") / "facts" / name).open(encoding="utf-8") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}
