"""Symbol and series metadata: what is known of them before any of their data is read. The tables are in `facts/`."""

import csv
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

FACTS = Path(__file__).with_name("facts")
PERCENT = 0.01  # rates and factor returns are published in percent and used as decimals
NOT_THERE = "-"  # in a vendor's column: this vendor does not have it


def fact_rows(name: str) -> dict[str, dict[str, str]]:
    """Read a table of facts by its first column."""
    with (FACTS / name).open(encoding="utf-8", newline="") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}


# What is known whatever a source has.
KNOWN_SYMBOLS, KNOWN_SERIES = fact_rows("symbols.csv"), fact_rows("series.csv")


@dataclass(frozen=True)
class Listing:
    """A symbol or series: `scale` turns published values into decimals; their median size is a `usual` one."""

    symbol: str
    name: str
    kind: str = "index"  # fund, volatility, currency (it trades on the exchange's holidays too), series
    frequency: str = "daily"  # weekly, monthly, quarterly; empty: not known
    scale: float = 1.0
    usual: tuple[float, float] = (0.0, float("inf"))
    total_return: str = ""  # the index that reinvests its dividends

    @property
    def is_short_rate(self) -> bool:
        """Whether zero is a usual value, and large ones are not."""
        return not self.usual[0] and isfinite(self.usual[1])


def split_asset(asset: str) -> tuple[str, str]:
    """Split `RUT` (its close), `RSP:adj_close`, or `IWM:total` (dividends reinvested) into the symbol and the field."""
    symbol, _, field = asset.partition(":")
    return symbol, field or "close"


def describe_asset(asset: str) -> Listing:
    """Return an asset's metadata; one that is not listed is an index named by its own symbol."""
    return _describe(split_asset(asset)[0], KNOWN_SYMBOLS, kind="index", frequency="daily")


def describe_series(series_id: str) -> Listing:
    """Return a series' metadata; one that is not listed is kept in its file's unit."""
    return _describe(series_id, KNOWN_SERIES, kind="series", frequency="")


def in_words(name: str) -> str:
    """Name a price or series: `Russell 2000`, of other fields `Russell 2000 (high)` or `Russell 2000 with dividends`."""
    if name in KNOWN_SERIES:
        return describe_series(name).name
    with_dividends, field = " with dividends", split_asset(name)[1]
    fields = {"close": "", "total": with_dividends, "adj_close": with_dividends}
    return describe_asset(name).name + fields.get(field, f" ({field})")


def _describe(symbol: str, known: dict[str, dict[str, str]], **unlisted: str) -> Listing:
    row = {"name": symbol, **unlisted, **known.get(symbol, {})}
    scale = PERCENT if row.get("unit") == "percent" else 1.0
    usual = float(row.get("usual_low") or 0), float(row.get("usual_high") or "inf")
    return Listing(symbol, row["name"], row["kind"], row["frequency"], scale, usual, row.get("total_return", ""))


def vendor_name(source: str, name: str) -> str:
    """Return what a vendor calls a symbol or series: its own name where its column says nothing; empty: not there."""
    row = KNOWN_SYMBOLS.get(name, {}) | KNOWN_SERIES.get(name, {})
    called = row.get(source, NOT_THERE if source == "french" else "") or name  # French's names are files' and columns'
    return "" if called == NOT_THERE else called
