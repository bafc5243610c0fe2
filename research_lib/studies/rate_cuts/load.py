"""Small and large caps on one calendar, and the yields and spreads beside them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from research_lib.data import DataCard, DataSet, Source, load_prices, load_series, load_series_if_any
from research_lib.data.catalog import describe_asset
from research_lib.errors import InsufficientDataError
from research_lib.studies.study import require_sessions

# By months: a name, and the series that a leg is the mean of; a fifth by size has three book-to-market portfolios.
MONTHLY = {"S1": ("smallest fifth", ["S1V1", "S1V3", "S1V5"]), "S5": ("largest fifth", ["S5V1", "S5V3", "S5V5"]),
           "SMB": ("SMB, the small minus big factor", ["SMB"])}  # fmt: skip
PAIRS = {"daily": (("RUT", "GSPC"), ("IWM:total", "SPY:total"), ("IWC:total", "SPY:total")),
         "monthly": (("S1", "S5"), ("SMB", ""))}  # fmt: skip
TOTAL_FIELDS = (":total", ":adj_close")
SPREADS = ("BAMLH0A0HYM2", "BAA10Y")
RATES = {"daily": ("DGS2", "DGS10", *SPREADS), "monthly": ("RF", "AAA", "BAA")}
YIELDS = {"2-year yield": ("DGS2", 1), "10-year yield": ("DGS10", 1), "bill rate": ("RF", 12)}  # 12: of a month, a year

STALE_DAYS = 7  # a yield is carried over holidays of the bond market, not over gaps
LEAST_SPREAD_DAYS = 504  # a credit spread that has just begun gives way to the next one


@dataclass(frozen=True)
class ReturnPair:
    """Simple returns a period of small and large caps, decimals, without gaps, on one calendar."""

    name: str  # as a sentence says it: "Russell 2000 minus S&P 500"
    small: "pd.Series[float]"
    large: "pd.Series[float] | None"  # None: `small` is a difference published as one series (SMB), or a market alone
    market: "pd.Series[float]"  # what betas are fitted on: of months the whole market, of sessions the large leg
    monthly: bool  # months, dated by their last day; otherwise sessions
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

    @property
    def measure(self) -> dict[str, Any]:
        """How the pair's outcomes are made, as `event_study` takes it: compounded where there are two legs."""
        return {"less": self.large, "compounded": self.large is not None}


def pair_name(small: str, large: str = "") -> str:
    """Return how a sentence says it."""
    names = [MONTHLY[leg][0] if leg in MONTHLY else describe_asset(leg).name for leg in (small, large) if leg]
    return " minus ".join(names)


def load_pair(source: Source, small: str, large: str = "", *, as_of: date | None = None) -> ReturnPair:
    """Load small and large caps, or one market alone: `S1`, `S5` and `SMB` by months, prices such as RUT by sessions."""
    name, legs, monthly = pair_name(small, large), [leg for leg in (small, large) if leg], small in MONTHLY
    if monthly:
        parts = [MONTHLY[leg][1] for leg in legs]
        data = load_series(source, [*(one for part in parts for one in part), "MKT_RF", "RF"], as_of=as_of)
        returns = data.values.dropna()
        made, market = [returns[part].mean(axis=1) for part in parts], returns["MKT_RF"] + returns["RF"]
    else:
        data = load_prices(source, legs, as_of=as_of)
        prices = data.values.dropna()
        require_sessions(prices[small])
        returns = prices.pct_change().iloc[1:]
        made, market = [returns[leg] for leg in legs], returns[legs[-1]]
    if len(returns) < 2:
        raise InsufficientDataError(f"{name}: {len(returns)} periods have a value; two are needed")
    dividends = monthly or small.endswith(TOTAL_FIELDS)
    return ReturnPair(name, made[0], made[1] if large else None, market, monthly, dividends, data.cards)


def load_rates(source: Source, frequency: str, *, as_of: date | None) -> DataSet:
    """Load the yields and one credit spread that the source has, decimals: a column each.

    Daily: 2-year and 10-year yields, the high-yield spread, else Baa less 10-year. Monthly: the bill rate, Baa less Aaa.
    """
    loaded = {name: load_series_if_any(source, [name], as_of=as_of) for name in RATES[frequency]}
    known = {name: data[name] for name, data in loaded.items() if data}
    levels = {words: a_year * known[name] for words, (name, a_year) in YIELDS.items() if name in known}
    spreads = [known[name] for name in SPREADS if name in known]
    if {"AAA", "BAA"} <= set(known):
        spreads.append((known["BAA"] - known["AAA"]).dropna())
    if spreads:
        levels["credit spread"] = next((one for one in spreads if len(one) >= LEAST_SPREAD_DAYS), spreads[-1])
    return DataSet(pd.DataFrame(levels), tuple(card for data in loaded.values() if data for card in data.cards))


def carried(levels: pd.DataFrame, days: pd.DatetimeIndex, *, longest_days: int = STALE_DAYS) -> pd.DataFrame:
    """Return the levels that were known on some days, each carried over so long at most."""
    longest = pd.Timedelta(days=longest_days)
    return levels.apply(lambda level: level.dropna().reindex(days, method="ffill", tolerance=longest))
