"""Company statements from what was filed with the SEC: a row a company and fiscal year, as it was known on a date."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from research_lib.data.catalog import Asset
from research_lib.data.fundamentals.sec_tags import DEBT, FLOWS, SHARES, STOCKS, Ways
from research_lib.data.fundamentals.simfin import Parts
from research_lib.data.live.snapshots import Kind
from research_lib.data.live.source import Snapshots
from research_lib.data.quality import Fault, FaultKind
from research_lib.data.source import Source
from research_lib.errors import InsufficientDataError

YEAR_DAYS = (350, 380)  # a fiscal year: 52 or 53 weeks
ANNUAL_FORMS = ("10-K", "10-K/A", "10-KT", "20-F", "40-F")
INTO_JANUARY = pd.Timedelta(days=7)  # years of 52 or 53 weeks end some days before or after the calendar's
CURRENCY = "USD"
FACT = ["company", "tag", "start", "end"]
PRICE_WITHIN_DAYS = 6  # from the filing to the next session with a price

# Later reports give earlier numbers in thousands or millions: no restatement. Nor is a change of less than half a
# percent: the earlier value stays, because to move the day on which the whole row was known would cost more.
ROUNDING_UNITS = (1e6, 1e5, 1e3)
RESTATED_SHARE = 0.005


def read_sec(source: Snapshots, prices: Source, *, as_of: date | None = None) -> Parts:
    """Read every company that was pulled.

    Parameters
    ----------
    source : Snapshots
        The SEC's.
    prices : Source
        Where prices are, for market values, if it has any.
    as_of : date, optional
        Nothing filed later is looked at.

    Returns
    -------
    Parts
        A fiscal year stands with the facts of its own report. Where one was restated by `as_of`, it is the restated
        value, and the row is `known_from` the day of that filing: no row shows a number before it was known.
        `fiscal_year` is the year in which the period ends, the first days of January counted to the year before.
    """
    facts = pd.concat([_read_one(source, name) for name in source.companies()], ignore_index=True)
    if as_of is not None:
        facts = facts[facts["filed"] <= pd.Timestamp(as_of)]
    if facts.empty:
        raise InsufficientDataError(f"source sec: nothing was filed by as_of {as_of}")
    annual = annual_reports(facts)
    rows = _statements(standing(facts), annual)
    rows = rows.merge(_shares(facts, annual), on="accession", how="left").drop(columns="accession")
    rows = _with_market_value(rows.set_axis(range(1, len(rows) + 1)), prices)
    absent = sorted(set(source.companies()) - set(rows["company"]))
    return Parts(rows, tuple(Fault(FaultKind.NO_ANNUAL_REPORT, None, "", company) for company in absent))


def standing(facts: pd.DataFrame) -> pd.DataFrame:
    """Return the value that stands for each fact, since when, and whether it replaced another one.

    Parameters
    ----------
    facts : DataFrame
        A row a fact and filing: the columns of a company's snapshot, with `company`.

    Returns
    -------
    DataFrame
        A row a fact, its last value but for rounding; `since` is the filing that first gave it, and `first` the one
        that first gave any.
    """
    ordered = facts.sort_values([*FACT, "filed", "accession"], kind="stable")
    before = ordered.groupby(FACT, dropna=False, sort=False)["value"].shift()
    unit = np.select([ordered["value"] % size == 0 for size in ROUNDING_UNITS], ROUNDING_UNITS, 1.0)
    first = before.isna()
    moved = (ordered["value"] - before).abs()
    changed = first | ((moved >= unit) & (moved > RESTATED_SHARE * before.abs()))
    earliest = ordered.groupby(FACT, dropna=False, sort=False)["filed"].transform("first")
    kept = ordered.assign(restated=~first, first=earliest)[changed]
    return kept.drop_duplicates(FACT, keep="last").rename(columns={"filed": "since"})


def annual_reports(facts: pd.DataFrame) -> pd.DataFrame:
    """Find each company's fiscal years: the last year in each annual report, and the first report that has it.

    Notes
    -----
    The `fiscal_year` of a fact is that of the report it stands in, comparatives of earlier years included, and companies
    count it differently from one report to the next: it is not used.
    """
    days = (facts["end"] - facts["start"]).dt.days
    years = facts[facts["form"].isin(ANNUAL_FORMS) & days.between(*YEAR_DAYS)]
    last = years.sort_values("end").drop_duplicates(["company", "accession"], keep="last")
    first = last.sort_values(["filed", "accession"]).drop_duplicates(["company", "end"], keep="first")
    first = first.assign(fiscal_year=(first["end"] - INTO_JANUARY).dt.year)
    first = first.drop_duplicates(["company", "fiscal_year"], keep="first")
    return first[["company", "end", "accession", "filed", "fiscal_year"]]


def _read_one(source: Snapshots, name: str) -> pd.DataFrame:
    frame = source.read(Kind.COMPANIES, name).frame
    return frame[frame["unit"].isin([CURRENCY, "shares"])].assign(company=name)


def _statements(values: pd.DataFrame, annual: pd.DataFrame) -> pd.DataFrame:
    days = (values["end"] - values["start"]).dt.days
    tables = [
        (FLOWS, values[days.between(*YEAR_DAYS)]),
        (STOCKS, values[values["start"].isna() & (values["tag"] != SHARES)]),
    ]
    rows = annual.reset_index(drop=True)
    known, restated = rows["filed"], pd.Series(pd.NaT, rows.index, dtype="datetime64[us]")
    columns: dict[str, pd.Series[float]] = {}
    for ways_of, table in tables:
        wide = _wide(table, rows)
        for column, ways in ways_of.items():
            value, since, replaced = _first_way(ways, wide, rows.index)
            columns[column] = value
            known = pd.concat([known, since], axis=1).max(axis=1)
            restated = pd.concat([restated, replaced], axis=1).max(axis=1)
    return _in_our_terms(rows.assign(**columns, known_from=known, restated_on=restated))


def _wide(table: pd.DataFrame, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Lay facts out by the rows they belong to: one table for each tag, with value, since and restated.

    A fact that only a later report gives is none of the row's: it was not known with it.
    """
    joined = rows[["company", "end", "filed"]].reset_index().merge(table, on=["company", "end"])
    joined = joined[joined["first"] <= joined["filed"]]
    return {
        str(tag): found.drop_duplicates("index", keep="last").set_index("index")[["value", "since", "restated"]]
        for tag, found in joined.groupby("tag")
    }


def _first_way(
    ways: Ways, wide: dict[str, pd.DataFrame], index: pd.Index
) -> "tuple[pd.Series[float], pd.Series[pd.Timestamp], pd.Series[pd.Timestamp]]":
    value = pd.Series(np.nan, index)
    since = pd.Series(pd.NaT, index, dtype="datetime64[us]")
    replaced = since.copy()
    for way in ways:
        if not all(tag in wide for tag in way):
            continue
        parts = [wide[tag].reindex(index) for tag in way]
        usable = value.isna() & pd.concat([part["value"].notna() for part in parts], axis=1).all(axis=1)
        value = value.where(~usable, sum((part["value"] for part in parts), start=pd.Series(0.0, index)))
        since = since.where(~usable, pd.concat([part["since"] for part in parts], axis=1).max(axis=1))
        later = [part["since"].where(part["restated"].eq(True)) for part in parts]
        replaced = replaced.where(~usable, pd.concat(later, axis=1).max(axis=1))
    return value, since, replaced


def _in_our_terms(rows: pd.DataFrame) -> pd.DataFrame:
    """Fill one kind of debt with zero where the other is tagged: a balance sheet with debt on it lists all of it."""
    tagged = rows[list(DEBT)].notna()
    some = tagged.any(axis=1)
    debt = {column: rows[column].where(~some, rows[column].fillna(0.0)) for column in DEBT}
    kinds = np.select([tagged.all(axis=1), some], ["balance sheet", "balance sheet, one kind tagged"], "no debt tagged")
    return rows.rename(columns={"end": "period_end"}).assign(
        **debt,
        fiscal_year=rows["fiscal_year"].astype(int),
        fiscal_period="FY",
        currency=CURRENCY,
        debt_from=kinds,
        depreciation_from=np.where(rows["depreciation_amortization"].notna(), "as tagged", "missing"),
    )


def _shares(facts: pd.DataFrame, annual: pd.DataFrame) -> pd.DataFrame:
    """Sum the classes of shares on the cover of each annual report."""
    covers = facts[(facts["tag"] == SHARES) & facts["accession"].isin(annual["accession"])]
    return covers.groupby("accession")["value"].sum().rename("shares").reset_index()


def _with_market_value(rows: pd.DataFrame, prices: Source) -> pd.DataFrame:
    found = pd.concat([pd.Series(dtype=float), *_prices(rows, prices)]).reindex(rows.index)
    value = found * rows["shares"]
    origin = np.where(value.notna(), "close on the day it was known x shares on the cover", "no price or no shares")
    return rows.assign(price=found, market_value=value, market_value_from=origin)


def _prices(rows: pd.DataFrame, prices: Source) -> "Iterator[pd.Series[float]]":
    has = set(prices.symbols())
    for company, known in rows.groupby("company")["known_from"]:
        if company in has:
            yield prices_paid(prices, str(company), known)


def prices_paid(prices: Source, symbol: str, days: "pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    """Return the close that was paid on the first session from each day on, later splits put back; shape (days,)."""
    raw = prices.read_price(Asset(symbol))
    close = pd.Series(raw.values.to_numpy(dtype=float), pd.DatetimeIndex(raw.dates))
    if raw.splits is not None:
        factor = raw.splits.replace(0.0, 1.0).to_numpy()
        later = np.append(np.cumprod(factor[::-1])[::-1][1:], 1.0)
        close = close * later
    close = close.dropna().sort_index()
    at = close.index.searchsorted(pd.DatetimeIndex(days))
    inside = at < len(close)
    at = np.minimum(at, len(close) - 1)
    near = inside & ((close.index[at] - pd.DatetimeIndex(days)) <= pd.Timedelta(days=PRICE_WITHIN_DAYS))
    return pd.Series(np.where(near, close.to_numpy()[at], np.nan), days.index)
