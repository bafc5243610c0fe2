"""Open a source, and load prices and series from it: cut at `as_of`, checked, side by side."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import pandas as pd

from research_lib.data.catalog import KNOWN_SERIES, KNOWN_SYMBOLS, Listing, describe_asset, describe_series, split_asset
from research_lib.data.live.store import PULL_COMMAND, SERVES, Snapshots, Store
from research_lib.data.quality import DataCard, clean
from research_lib.data.source import PRICES, SERIES, Bundled, Folder, Joined, RawSeries, Source
from research_lib.errors import DataError, InsufficientDataError, MissingDataError, nearest
from research_lib.project import data_folder, snapshots_folder

PERIODS = {"weekly": "week", "monthly": "month", "quarterly": "quarter"}  # all else is of days
# By how many days a history may end before the day asked for (series come out with a delay), and begin after the first.
DAYS_OFF = {"session": (7, 45), "week": (21, 45), "month": (92, 45), "quarter": (200, 137), "year": (366, 45)}


@dataclass(frozen=True)
class DataSet:
    """Series side by side (float64, a column each, on sorted unique tz-naive dates; NaN where one has no value)."""

    values: pd.DataFrame
    cards: tuple[DataCard, ...]  # in the columns' order

    def __getitem__(self, name: str) -> "pd.Series[float]":
        """Return one series on its own dates."""
        return self.values[name].dropna()


def open_source(name: str, *, data_dir: str = "") -> Source:
    """Return the source of a `source` parameter: one, or several joined by `+`; `data_dir` is for `folder`."""
    sources = tuple(_open_one(part, data_dir) for part in name.split("+"))
    live = [source for source in sources if isinstance(source, Snapshots)]
    # One of several may be empty: a report can do without rates. Without company statements there is none.
    is_empty = not any(source.names(kind) for source in live for kind in (PRICES, SERIES))
    for source in live:
        if (is_empty or source.name == "sec") and not source.names(SERVES[source.name]):
            raise MissingDataError(f"source {source.name}: no snapshot yet; run: {PULL_COMMAND}")
    return sources[0] if len(sources) == 1 else Joined(name, sources)


def _open_one(name: str, data_dir: str) -> Source:
    if name == "bundled":
        return Bundled()
    if name in SERVES:
        return Snapshots(name, Store(snapshots_folder()))
    if name != "folder":
        raise DataError(f"unknown source {name}{nearest(name, ['bundled', 'folder', *SERVES])}")
    if not (folder := data_folder(data_dir)).is_dir():
        raise MissingDataError(f"data_dir {data_dir}: there is no such folder (relative to the project's folder)")
    return Folder(name, folder)


def load_prices(source: Source, assets: Iterable[str], *, as_of: date | None = None) -> DataSet:
    """Load daily prices, cut at `as_of` at the door, in the currency or index points of the source.

    An asset is `SYMBOL` for its closes, `SYMBOL:field` for another column, `SYMBOL:total` with dividends reinvested.
    `DataError` where the source lacks one, or a fault in it stops the run; `InsufficientDataError` where it begins later.
    """
    return _side_by_side(((name, _read_price(source, name, as_of), describe_asset(name)) for name in assets), as_of)


def require_sessions(closes: "pd.Series[float]") -> "pd.Series[float]":
    """Return prices by sessions as they are; `InsufficientDataError` where they are weeks or months apart."""
    step_days = closes.index.to_series().diff().dt.days.median()
    if step_days > 4:  # over a weekend of three days
        raise InsufficientDataError(f"{closes.name}: its prices are {step_days:.0f} days apart; sessions are needed")
    return closes


def require_history(days: pd.DatetimeIndex, period: str, name: str, *, first: date | None, last: pd.Timestamp) -> None:
    """Raise `InsufficientDataError` where days, a `period` apart, end too long before `last`, or begin too long after `first`."""
    (stale_days, late_days), known = DAYS_OFF[period], days[: int(days.searchsorted(last, side="right"))]
    if known.empty or (last - known[-1]).days > stale_days:
        ends = "has no value up to" if known.empty else f"ends on {known[-1].date()}, before"
        raise InsufficientDataError(f"{name} {ends} {last.date()}")
    if first and (days[0] - pd.Timestamp(first)).days > late_days:
        raise InsufficientDataError(f"{name} begins on {days[0].date()}, after {first}")


def load_series(source: Source, ids: Iterable[str], *, as_of: date | None = None) -> DataSet:
    """Load economic series as decimals, as `load_prices` does; values of a period are dated by its last day."""
    read = ((name, source.read(SERIES, name, "value", as_of), describe_series(name)) for name in ids)
    return _side_by_side(read, as_of)


def load_levels(
    source: Source, name: str, *, as_of: date | None = None
) -> tuple["pd.Series[float]", str, str, DataCard]:
    """Load a price or a series, whichever a name is of, as levels that can be compared over time.

    Returns the levels by day; their kind: "level" (of a price), "yield" (decimals) or "number"; how far apart they are:
    "session", "week", "month" or "quarter"; and the card. A factor's returns are a price that grows by them from 1, a series
    that has weekends too is given on its weekdays. `MissingDataError` also for a name that nobody knows.
    """
    prices, series = source.names(PRICES), source.names(SERIES)
    if split_asset(name)[0] in {*KNOWN_SYMBOLS, *prices}:
        loaded = load_prices(source, [name], as_of=as_of)
        return loaded[name], "level", "session", loaded.cards[0]
    if name not in {*KNOWN_SERIES, *series}:
        raise MissingDataError(f"unknown price or series {name}{nearest(name, sorted({*prices, *series}))}")
    loaded, info = load_series(source, [name], as_of=as_of), describe_series(name)
    values, period = loaded[name], PERIODS.get(info.frequency, "session")
    days = pd.DatetimeIndex(values.index)
    if period == "session" and (days[-1] - days[0]).days < len(days):
        values = values[days.day_of_week < 5]
    if "Fama-French" in info.name:
        start = pd.Series(1.0, days[:1] - pd.offsets.MonthEnd())
        return pd.concat([start, (1 + values).cumprod()]), "level", period, loaded.cards[0]
    return values, "yield" if info.scale != 1 else "number", period, loaded.cards[0]


def _if_any(
    load: Callable[..., DataSet], source: Source, names: Iterable[str], *, as_of: date | None = None
) -> DataSet | None:
    """Load what a report can do without: None where the source lacks one, has nothing up to `as_of`, or none is asked."""
    try:
        return load(source, names, as_of=as_of) if names else None
    except (InsufficientDataError, MissingDataError):
        return None


load_prices_if_any, load_series_if_any = partial(_if_any, load_prices), partial(_if_any, load_series)


def _read_price(source: Source, name: str, as_of: date | None) -> RawSeries:
    """Read a price; of an index, `total` is another index, for an index's adjusted close leaves its dividends out."""
    (symbol, field), info = split_asset(name), describe_asset(name)
    if field == "total" and info.kind == "index" and symbol in KNOWN_SYMBOLS:
        symbol, field = info.total_return, "close"
        if symbol not in source.names(PRICES):
            raise MissingDataError(f"{name}: source {source.name} lacks the total-return index {symbol or 'it needs'}")
    return replace(source.read(PRICES, symbol, field, as_of), id=name)


def _side_by_side(found: Iterable[tuple[str, RawSeries, Listing]], as_of: date | None) -> DataSet:
    """Clean series one after the other, and join them on all their dates."""
    loaded = {name: clean(raw, info, as_of=as_of) for name, raw, info in found}
    values = pd.DataFrame({name: series for name, (series, _) in loaded.items()})
    return DataSet(values, tuple(card for _, card in loaded.values()))
