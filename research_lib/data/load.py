"""Open a source, and load prices and series from it: cut at `as_of`, checked, side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from research_lib.data.bundled import Bundled
from research_lib.data.card import DataCard, make_card
from research_lib.data.catalog import Asset, describe_asset, describe_series, known_symbols
from research_lib.data.folder import Folder
from research_lib.data.live.source import SERVES, Snapshots
from research_lib.data.live.store import Store
from research_lib.data.quality import CleanSeries, clean, expect_of
from research_lib.data.source import Joined, RawSeries, Source
from research_lib.errors import DataError, InsufficientDataError, MissingDataError, nearest
from research_lib.project import data_folder, snapshots_folder


@dataclass(frozen=True)
class DataSet:
    """Series side by side, and a card for each.

    Attributes
    ----------
    values : DataFrame
        float64; columns are the ids asked for; the index is sorted, unique, tz-naive, named `date`. A row where a
        series has no value holds NaN.
    cards : tuple of DataCard
        In the columns' order.
    """

    values: pd.DataFrame
    cards: tuple[DataCard, ...]

    def __getitem__(self, name: str) -> "pd.Series[float]":
        """Return one series on its own dates."""
        return self.values[name].dropna()

    def get(self, name: str) -> "pd.Series[float] | None":
        """Return one series on its own dates, or None where it was not asked for."""
        return self[name] if name in self.values.columns else None


def open_source(name: str, *, data_dir: str = "") -> Source:
    """Return the source of a `source` parameter.

    Parameters
    ----------
    name : str
        `bundled`, `folder`, `yahoo`, `fred`, `french` or `sec`; or several joined by `+`: each price and series comes
        whole from the first that has it.
    data_dir : str
        For `folder`: the folder; a relative one starts at the project's folder.

    Raises
    ------
    DataError
        There is no such source or folder, or nothing was ever pulled from it.
    """
    sources = tuple(_open_one(part, data_dir) for part in name.split("+"))
    live = [source for source in sources if isinstance(source, Snapshots)]
    # One of several may be empty: a report can do without rates. Without company statements there is none.
    for source in live if not any(one.symbols() or one.series_ids() for one in live) else ():
        source.require_any()
    for source in live:
        if source.name == "sec":
            source.require_any()
    return sources[0] if len(sources) == 1 else Joined(sources)


def _open_one(name: str, data_dir: str) -> Source:
    if name == "bundled":
        return Bundled()
    if name in SERVES:
        return Snapshots(name, Store(snapshots_folder()))
    if name != "folder":
        raise DataError(f"unknown source {name}{nearest(name, ['bundled', 'folder', *SERVES])}")
    if not data_folder(data_dir).is_dir():
        raise MissingDataError(
            f"data_dir {data_dir}: there is no such folder (relative paths start at the project's folder)"
        )
    return Folder(data_folder(data_dir))


def load_prices(source: Source, assets: Iterable[str], *, as_of: date | None = None) -> DataSet:
    """Load daily prices, cut at `as_of` at the door.

    Parameters
    ----------
    source : Source
        Where from.
    assets : iterable of str
        `SYMBOL` for closes, `SYMBOL:field` for another column, `SYMBOL:total` with dividends reinvested; repeated
        ones are loaded once.
    as_of : date, optional
        The last date that may be known.

    Returns
    -------
    DataSet
        In the currency or index points of the source.

    Raises
    ------
    DataError
        The source lacks an asset, or a fault in it stops the run.
    InsufficientDataError
        An asset has nothing up to `as_of`.
    """
    source = source.at(as_of)

    def load(name: str) -> tuple[CleanSeries, DataCard]:
        info = describe_asset(name)
        raw = _read_price(source, Asset.parse(name))
        series = clean(raw, expect=expect_of(info), as_of=None if as_of is None else pd.Timestamp(as_of))
        return series, make_card(series, raw, source=source.name, name=info.name)

    return _side_by_side(load, list(dict.fromkeys(assets)))


def load_series(source: Source, ids: Sequence[str], *, as_of: date | None = None) -> DataSet:
    """Load economic series as decimals, cut at `as_of`; values of a month or quarter are dated by its last day.

    Raises
    ------
    DataError, InsufficientDataError
        As `load_prices` does.
    """
    source = source.at(as_of)

    def load(series_id: str) -> tuple[CleanSeries, DataCard]:
        info, raw = describe_series(series_id), source.read_series(series_id)
        series = clean(raw, expect=expect_of(info), as_of=None if as_of is None else pd.Timestamp(as_of))
        card = make_card(series, raw, source=source.name, name=info.name)
        return CleanSeries(series.values * info.scale, series.faults), card

    return _side_by_side(load, list(dict.fromkeys(ids)))


def load_prices_if_any(source: Source, assets: Iterable[str], *, as_of: date | None = None) -> DataSet | None:
    """Load prices that a report can do without: None where the source lacks one, or nothing of it up to `as_of`."""
    wanted, has = list(assets), set(source.symbols())
    if not wanted or any(Asset.parse(asset).symbol not in has for asset in wanted):
        return None
    try:
        return load_prices(source, wanted, as_of=as_of)
    except (InsufficientDataError, MissingDataError):
        return None


def load_series_if_any(source: Source, ids: Sequence[str], *, as_of: date | None = None) -> DataSet | None:
    """Load series that a report can do without: None where the source lacks one, or nothing of it up to `as_of`."""
    if not set(ids) <= set(source.series_ids()):
        return None
    try:
        return load_series(source, ids, as_of=as_of)
    except (InsufficientDataError, MissingDataError):
        return None


def _read_price(source: Source, asset: Asset) -> RawSeries:
    """Read a price; of an index, `total` is another index, for an index's adjusted close leaves its dividends out."""
    info = describe_asset(asset.symbol)
    if asset.field != "total" or info.kind != "index" or asset.symbol not in known_symbols():
        return source.read_price(asset)
    if info.total_return not in source.symbols():
        needed = f"the total-return index {info.total_return}" if info.total_return else "a total-return index"
        raise MissingDataError(f"{asset}: source {source.name} does not have {needed}")
    return replace(source.read_price(Asset(info.total_return)), id=str(asset))


def _side_by_side(load: Callable[[str], tuple[CleanSeries, DataCard]], ids: list[str]) -> DataSet:
    loaded = [load(series_id) for series_id in ids]
    days = [series.values.index.to_numpy() for series, _ in loaded]
    index = pd.DatetimeIndex(np.unique(np.concatenate(days)) if days else [], name="date").as_unit("us")
    values = np.full((len(index), len(ids)), np.nan)
    for column, (series, _) in enumerate(loaded):
        values[index.searchsorted(series.values.index), column] = series.values.to_numpy()
    return DataSet(pd.DataFrame(values, index, ids), tuple(card for _, card in loaded))
