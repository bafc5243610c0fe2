"""Companies as one study needs them: statements, prices, a market to move with, and a rate that moves them."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from research_lib.data import Bundled, DataCard, Source, load_prices_if_any, load_series_if_any
from research_lib.data.catalog import describe_series
from research_lib.data.fundamentals import Fundamentals, load_fundamentals
from research_lib.data.fundamentals.bundled_firms import LAST, BundledFirms, load_bundled_firms
from research_lib.data.policy import load_target_changes
from research_lib.data.price_panel import PricePanel, load_price_panel
from research_lib.data.simulated import Planted, simulate_panel
from research_lib.errors import InsufficientDataError

MARKET = "GSPC"
RATES = ("DGS2", "DGS3MO", "DFF", "DGS10")  # the first that is there: what floating-rate debt is priced by

# As many as the default size groups need: 500 large ones, and more than that small ones.
SIMULATED_COMPANIES, SIMULATED_YEARS = 1200, 8


@dataclass(frozen=True)
class Companies:
    """Companies and what moves them.

    Attributes
    ----------
    fundamentals : Fundamentals
    prices : PricePanel or None
    market : Series or None
        Closes of the S&P 500, for betas.
    rate : Series or None
        By date, as a decimal.
    rate_name : str
        What it is.
    changes_bp : Series or None
        Decisions on the federal funds target, by date; none for made-up companies.
    planted : Planted or None
        The truth, where the companies are made up.
    firms_1990 : BundledFirms or None
        The one cross-section of real firms that is bundled.
    cards : tuple of DataCard
    """

    fundamentals: Fundamentals
    prices: PricePanel | None
    market: "pd.Series[float] | None"
    rate: "pd.Series[float] | None"
    rate_name: str
    changes_bp: "pd.Series[float] | None"
    planted: Planted | None
    firms_1990: BundledFirms | None
    cards: tuple[DataCard, ...]


def load_companies(source: Source, *, as_of: date | None = None, seed: int = 0) -> Companies:
    """Load a folder's companies, cut at `as_of`; the bundled source has none, and gets made-up ones instead.

    Parameters
    ----------
    source : Source
        Where from.
    as_of : date, optional
        The last date that may be known; made-up companies are not cut.
    seed : int
        Of the made-up companies.

    Raises
    ------
    DataError, InsufficientDataError
        As `load_fundamentals` and `load_price_panel` do.
    """
    if isinstance(source, Bundled):
        return _simulated(as_of, seed)
    fundamentals, prices = load_fundamentals(source, as_of=as_of), load_price_panel(source, as_of=as_of)
    market = load_prices_if_any(source, [MARKET], as_of=as_of)
    rate_id = next((name for name in RATES if name in source.series_ids()), "")
    rate = load_series_if_any(source, [rate_id], as_of=as_of) if rate_id else None
    loaded = [data.cards for data in (market, rate) if data]
    return Companies(
        fundamentals=fundamentals,
        prices=prices,
        market=market[MARKET] if market else None,
        rate=rate[rate_id] if rate else None,
        rate_name=describe_series(rate_id).name if rate else "",
        changes_bp=_decisions(as_of),
        planted=None,
        firms_1990=None,
        cards=tuple(card for cards in [_own(fundamentals, prices), *loaded] for card in cards),
    )


def _simulated(as_of: date | None, seed: int) -> Companies:
    panel = simulate_panel(companies=SIMULATED_COMPANIES, years=SIMULATED_YEARS, seed=seed)
    real = load_bundled_firms() if as_of is None or as_of >= LAST else None
    cards = _own(panel.fundamentals, panel.prices)
    return Companies(
        fundamentals=panel.fundamentals,
        prices=panel.prices,
        market=None,
        rate=panel.rate,
        rate_name="simulated",
        changes_bp=None,
        planted=panel.planted,
        firms_1990=real,
        cards=(*cards, real.card) if real else cards,
    )


def _decisions(as_of: date | None) -> "pd.Series[float] | None":
    try:
        return load_target_changes(as_of=None if as_of is None else pd.Timestamp(as_of))["change_bp"]
    except InsufficientDataError:
        return None


def _own(fundamentals: Fundamentals, prices: PricePanel | None) -> tuple[DataCard, ...]:
    return (fundamentals.card, prices.card) if prices else (fundamentals.card,)
