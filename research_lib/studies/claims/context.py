"""What a check may see: everything up to one day, and nothing after it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Self, TypeVar

import pandas as pd

from research_lib.data import DataCard, DataSet, Source, load_prices, load_series
from research_lib.data.calendar import CHECKED_FROM, sessions_between
from research_lib.data.catalog import Asset, describe_asset, describe_series
from research_lib.data.fundamentals import Fundamentals, load_fundamentals
from research_lib.data.price_panel import PricePanel, load_price_panel
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError, MissingDataError
from research_lib.shown import Shown
from research_lib.stats.event_study import Legs
from research_lib.studies.rate_cuts import Market, Policy, load_policy

Made = TypeVar("Made")

# A daily series of the bond market misses holidays; a monthly one comes out with a delay.
STALE_DAYS = {"daily": 7, "monthly": 366}


@dataclass(frozen=True)
class Held(Shown):
    """A source of which one series was read already, so that no file is read twice."""

    source: Source
    raw: RawSeries

    @property
    def name(self) -> str:
        """The source's."""
        return self.source.name

    def at(self, as_of: date | None) -> Self:  # noqa: ARG002
        """Return itself: what was read is of one vintage."""
        return self

    def symbols(self) -> list[str]:
        """List the source's."""
        return self.source.symbols()

    def series_ids(self) -> list[str]:
        """List the source's."""
        return self.source.series_ids()

    def read_price(self, asset: Asset) -> RawSeries:  # noqa: ARG002
        """Return what was read."""
        return self.raw

    def read_series(self, series_id: str) -> RawSeries:  # noqa: ARG002
        """Return what was read."""
        return self.raw


class Archive:
    """A source whose prices and series are each read once, up to `as_of`; what it read is on its cards."""

    def __init__(self, source: Source, *, as_of: pd.Timestamp | None = None, seed: int = 0) -> None:
        self.source = source.at(None if as_of is None else as_of.date())
        self.as_of = as_of
        self.seed = seed
        self._loaded: dict[str, DataSet | InsufficientDataError] = {}

    @property
    def cards(self) -> tuple[DataCard, ...]:
        """What was read so far, in the order of reading."""
        sets = [data for data in self._loaded.values() if isinstance(data, DataSet)]
        firms = (self.fundamentals.card,) if "fundamentals" in self.__dict__ else ()
        panel = self.panel if "panel" in self.__dict__ else None
        return (*(card for data in sets for card in data.cards), *firms, *((panel.card,) if panel else ()))

    def price(self, asset: str) -> "pd.Series[float]":
        """Return a price; `InsufficientDataError` says what is needed where the source lacks it."""
        return self._once(asset)

    def series(self, name: str) -> "pd.Series[float]":
        """Return a series as decimals; as `price` otherwise."""
        return self._once(name, is_series=True)

    def _once(self, name: str, *, is_series: bool = False) -> "pd.Series[float]":
        if name not in self._loaded:
            self._loaded[name] = self._load(name, is_series=is_series)
        found = self._loaded[name]
        if isinstance(found, InsufficientDataError):
            raise found
        return found[name]

    def _load(self, name: str, *, is_series: bool) -> DataSet | InsufficientDataError:
        day = None if self.as_of is None else self.as_of.date()
        label = describe_series(name).name if is_series else describe_asset(name).name
        try:  # what is absent is a claim's own trouble; what is there and faulty stops the run
            raw = self.source.read_series(name) if is_series else self.source.read_price(Asset.parse(name))
        except DataError:
            shown = name if label == name else f"{name} ({label})"
            return InsufficientDataError(f"needs {shown}, which source {self.source.name} does not have")
        held = Held(self.source, raw)
        try:
            return load_series(held, [name], as_of=day) if is_series else load_prices(held, [name], as_of=day)
        except InsufficientDataError as error:
            return error

    @cached_property
    def fundamentals(self) -> Fundamentals:
        """Company statements, all of them."""
        try:
            return load_fundamentals(self.source, as_of=None if self.as_of is None else self.as_of.date())
        except MissingDataError as error:
            raise InsufficientDataError(f"needs company statements: {error}") from None

    @cached_property
    def panel(self) -> PricePanel | None:
        """Prices of companies, if the source has any."""
        return load_price_panel(self.source, as_of=None if self.as_of is None else self.as_of.date())


class Context:
    """What could be known at the close of one session.

    Attributes
    ----------
    day : Timestamp
        The date asked for.
    session : Timestamp
        The last exchange session up to it; before 1970, where no calendar is known, the day itself.
    seed : int
        Of what is resampled.
    """

    def __init__(self, archive: Archive, day: pd.Timestamp) -> None:
        self._archive = archive
        self.day = day
        known = sessions_between(max(CHECKED_FROM, day - pd.Timedelta(days=14)), day)
        self.session = known[-1] if len(known) else day
        self.seed = archive.seed
        self._made: dict[Hashable, object] = {}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Make what several checks share the first time, and return the same afterwards."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[return-value]

    def price(self, asset: str) -> "pd.Series[float]":
        """Return a price to the session; one that starts later or has no value there is too little data."""
        cut = self._cut(self._archive.price(asset), asset)
        if cut.index[-1] < self.session and (
            self.session >= CHECKED_FROM or self._days_since(cut) > STALE_DAYS["daily"]
        ):
            raise InsufficientDataError(f"{asset} ends on {cut.index[-1].date()}, before {self.session.date()}")
        return cut

    def series(self, name: str) -> "pd.Series[float]":
        """Return a series to the day; one that ended long before is too little data."""
        cut = self._cut(self._archive.series(name), name)
        if self._days_since(cut) > STALE_DAYS[describe_series(name).frequency]:
            raise InsufficientDataError(f"{name} ends on {cut.index[-1].date()}, before {self.day.date()}")
        return cut

    def spread(self, name: str, less: str) -> "pd.Series[float]":
        """Return one series less another on their common dates."""
        return (self.series(name) - self.series(less)).dropna().rename(f"{name} less {less}")

    def market(self, small: str, large: str) -> Market:
        """Return daily returns of two prices on their common sessions."""
        prices = pd.concat([self.price(small), self.price(large)], axis=1, keys=[small, large], sort=True).dropna()
        returns = prices.pct_change().iloc[1:]
        legs = Legs(returns[small], returns[large])
        return Market(f"{small} less {large}", legs, returns[large], monthly=False, cards=())

    def policy(self) -> Policy:
        """Return rate decisions and cycles as known on the day."""
        return self.once("policy", lambda: load_policy(as_of=self.day.date()))

    def fundamentals(self) -> Fundamentals:
        """Return company statements published by the day."""
        every = self._archive.fundamentals
        known = every.rows[every.rows["known_from"] <= self.day]
        if known.empty:
            raise InsufficientDataError(f"no company statement was published by {self.day.date()}")
        return replace(every, rows=known)

    def panel(self) -> PricePanel | None:
        """Return prices of companies to the day."""
        panel = self._archive.panel
        return None if panel is None else replace(panel, values=panel.values.loc[: self.day])

    def available(self) -> list[str]:
        """List the symbols that the source has, whatever their dates."""
        return self._archive.source.symbols()

    def _cut(self, values: "pd.Series[float]", name: str) -> "pd.Series[float]":
        cut = values.loc[: self.day]
        if cut.empty:
            raise InsufficientDataError(f"{name} begins on {values.index[0].date()}, after {self.day.date()}")
        return cut

    def _days_since(self, values: "pd.Series[float]") -> int:
        return int((self.day - values.index[-1]).days)
