"""Small and large caps on one calendar, and the yields and spreads beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from research_lib.data import DataCard, Source, load_prices, load_series, load_series_if_any
from research_lib.data.catalog import describe_asset
from research_lib.errors import DataError, InsufficientDataError

# A fifth of companies by size is made of its three book-to-market portfolios, in equal parts.
SIZE_FIFTHS = {"S1": ("S1V1", "S1V3", "S1V5"), "S5": ("S5V1", "S5V3", "S5V5")}
SMB = "SMB"
NAMES = {"S1": "smallest fifth", "S5": "largest fifth", SMB: "SMB, the small minus big factor"}
PAIRS = (("RUT", "GSPC"), ("IWM:total", "SPY:total"), ("IWC:total", "SPY:total"))
MONTHLY_PAIRS = (("S1", "S5"), (SMB, ""))
TOTAL_FIELDS = (":total", ":adj_close")

LONGEST_STEP_DAYS = 20  # a daily series' median step is one day, a monthly one's thirty
STALE_DAYS = 7  # a yield is carried over holidays of the bond market, not over gaps
MONTHS_PER_YEAR = 12
LEAST_SPREAD_DAYS = 504  # a credit spread that has just begun gives way to the next one


@dataclass(frozen=True)
class ReturnPair:
    """Simple returns a period of small and large caps, decimals, without gaps, on one calendar.

    Attributes
    ----------
    name : str
        As a sentence says it: "Russell 2000 minus S&P 500".
    small, large : Series of shape (periods,)
        The legs; of a difference that is published as one series (SMB), that series and None.
    market : Series of shape (periods,)
        What betas are fitted on: of months the whole market, of sessions the large leg.
    monthly : bool
        Months, dated by their last day; otherwise sessions.
    dividends : bool
        Whether the returns include them.
    cards : tuple of DataCard
        The data behind it.
    """

    name: str
    small: "pd.Series[float]"
    large: "pd.Series[float] | None"
    market: "pd.Series[float]"
    monthly: bool
    dividends: bool
    cards: tuple[DataCard, ...]

    @property
    def index(self) -> pd.DatetimeIndex:
        """The periods."""
        return pd.DatetimeIndex(self.small.index)

    @property
    def difference(self) -> "pd.Series[float]":
        """Small minus large, period by period."""
        return self.small if self.large is None else self.small - self.large


def pair_name(small: str, large: str = "") -> str:
    """Return how a sentence says it."""
    return " minus ".join(NAMES.get(leg) or describe_asset(leg).name for leg in (small, large) if leg)


def load_pair(source: Source, small: str, large: str = "", *, as_of: date | None = None) -> ReturnPair:
    """Load small and large caps, or one market alone.

    Parameters
    ----------
    small, large : str
        By months `S1` and `S5`, the smallest and largest fifth of companies, or `SMB` alone; else prices such as RUT
        and GSPC, by sessions.

    Raises
    ------
    DataError
        The source lacks one of them, or the prices are not daily.
    InsufficientDataError
        Fewer than two periods have both.
    """
    name = pair_name(small, large)
    if small in NAMES:
        legs = [leg for leg in (small, large) if leg]
        series = [part for leg in legs for part in SIZE_FIFTHS.get(leg, (leg,))]
        data = load_series(source, [*series, "MKT_RF", "RF"], as_of=as_of)
        values = data.values.dropna()
        small_leg, *rest = [values[list(SIZE_FIFTHS.get(leg, (leg,)))].mean(axis=1) for leg in legs]
        market, dividends = values["MKT_RF"] + values["RF"], True
        large_leg = rest[0] if rest else None
    else:
        data = load_prices(source, [leg for leg in (small, large) if leg], as_of=as_of)
        prices = data.values.dropna()
        step = np.median(np.diff(prices.index.to_numpy()) / np.timedelta64(1, "D")) if len(prices) > 1 else 0
        if step > LONGEST_STEP_DAYS:
            raise DataError(f"{small}: its prices are {step:.0f} days apart; sessions are needed")
        values = prices.pct_change().iloc[1:]
        small_leg, large_leg = values[small], values[large] if large else None
        market, dividends = values[large or small], small.endswith(TOTAL_FIELDS)
    if len(values) < 2:
        raise InsufficientDataError(f"{name}: {len(values)} periods have a value; two are needed")
    return ReturnPair(name, small_leg, large_leg, market, small in NAMES, dividends, data.cards)


def load_rates(source: Source, monthly: bool, *, as_of: date | None = None) -> tuple[pd.DataFrame, tuple[DataCard, ...]]:
    """Load what the source has of yields and of one credit spread, decimals: a column each; and their cards.

    Daily: 2-year and 10-year yields, the high-yield spread, else Baa less 10-year. Monthly: the one-month bill rate, a
    year's, and Baa less Aaa.

    Raises
    ------
    InsufficientDataError
        The source has none of them.
    """
    wanted = ("RF", "AAA", "BAA") if monthly else ("DGS2", "DGS10", "BAMLH0A0HYM2", "BAA10Y")
    loaded = {name: load_series_if_any(source, [name], as_of=as_of) for name in wanted}
    known = {name: data[name] for name, data in loaded.items() if data}
    levels = {name: known[name] for name in ("DGS2", "DGS10") if name in known}
    if monthly and "RF" in known:
        levels["BILL"] = known["RF"] * MONTHS_PER_YEAR
    if {"AAA", "BAA"} <= set(known):
        levels["BAA_AAA"] = (known["BAA"] - known["AAA"]).dropna()
    spreads = [known[name] for name in ("BAMLH0A0HYM2", "BAA10Y") if name in known]
    if spreads:
        spread = next((one for one in spreads if len(one) >= LEAST_SPREAD_DAYS), spreads[-1])
        levels[str(spread.name)] = spread
    if not levels:
        raise InsufficientDataError(f"this source has none of {', '.join(wanted)}")
    return pd.DataFrame(levels), tuple(card for data in loaded.values() if data for card in data.cards)


def changes_of(levels: pd.DataFrame, index: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the changes of yields and spreads over the periods of `index`; a level is carried over at most a week."""
    found = {}
    for name, column in levels.items():
        known = column.dropna()
        at = known.index.searchsorted(index, side="right") - 1
        fresh = (at >= 0) & (np.asarray((index - known.index[np.maximum(at, 0)]).days) <= STALE_DAYS)
        found[f"d_{str(name).lower()}"] = pd.Series(np.where(fresh, known.to_numpy()[at], np.nan), index).diff()
    return pd.DataFrame(found)


def last_before(values: "pd.Series[float]", dates: pd.DatetimeIndex) -> Sequence[float]:
    """Return the last value dated before each date, NaN where there is none; shape (dates,)."""
    at = values.index.searchsorted(dates, side="left") - 1
    return list(np.where(at >= 0, values.to_numpy(dtype=np.float64)[at], np.nan)) if len(values) else [np.nan] * len(dates)
