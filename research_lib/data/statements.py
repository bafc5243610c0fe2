"""Company statements in files: one's own table, or SimFin's bulk files; and what cannot be true in them.

A row is a company and fiscal year (or the last four quarters), with the day from which its values were known: that of
their publication, or of their restatement. `facts/statements.csv` says what each column means.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from research_lib.data.calendar import last_finished
from research_lib.data.catalog import fact_rows
from research_lib.data.quality import DataCard, Fault, FaultKind
from research_lib.data.readers import DATE, INTEGER, NUMBER, TEXT, Kinds, Names, open_sheet, read_table, require_unique
from research_lib.data.source import find_table
from research_lib.errors import DataError, InsufficientDataError, MissingDataError

COLUMNS = fact_rows("statements.csv")
NAMES = tuple(COLUMNS)
KINDS = {name: row["kind"] for name, row in COLUMNS.items()}
CALLED = {name: [name, *filter(None, row["also_called"].split("|"))] for name, row in COLUMNS.items()}
FLOWS = ["operating_income", "depreciation_amortization", "interest_expense", "revenue"]
AMOUNTS = ["debt", "cash", "revenue", "total_assets", "total_liabilities", "total_equity"]

SIMFIN = "simfin"
INCOME, BALANCE, CASH_FLOW = "us-income-annual.csv", "us-balance-annual.csv", "us-cashflow-annual.csv"
DAILY_PRICES, PRICES_AT_PUBLICATION = "us-shareprices-daily.csv", "Annual_Stock_Price_Performance.csv"

PRICE_WITHIN_DAYS = 6  # from publication to the next session with a price: a weekend and a holiday at most
PERIODS = ["FY", "Q1", "Q2", "Q3", "Q4"]
THREE_QUARTERS_DAYS = (265, 285)  # from the first of four quarters' ends to the last: of 13 weeks, or 14 at most
GROWN_IN_A_YEAR = 2.5  # the fourth figure over the first, where each is the year's so far (about 4) and no quarter's
YEAR_APART = 1  # a fiscal year's number and the year in which it ends, at most
COSTS, NOT_NEGATIVE = ["depreciation_amortization", "interest_expense"], ["debt", "cash", "revenue", "total_assets"]
OTHER_UNIT = 200  # median of market value over total assets, either way
UNIT_STEP = (300, 3000)  # from one year to the next: a thousand, and growth
DEBT_TOLERANCE = 0.005


@dataclass(frozen=True)
class Table:
    """A table of companies and its card."""

    values: pd.DataFrame
    card: DataCard

    @classmethod
    def described(cls, values: pd.DataFrame, days: pd.DatetimeIndex, **about: Any) -> Self:  # noqa: ANN401  # of a card
        """Make the card of values that span some days; an index that is not of dates only counts rows."""
        hashed = pd.util.hash_pandas_object(values, index=values.index.name == "date").to_numpy().tobytes()
        digest = hashlib.sha256("\n".join(map(str, values)).encode() + hashed).hexdigest()
        first, last = str(days.min().date()), str(days.max().date())
        return cls(values, DataCard(first=first, last=last, rows=len(values), sha256=digest, **about))


class Found(NamedTuple):
    """Rows in the kit's columns (the index is the row in the file), what was found wrong, and where they are from."""

    rows: pd.DataFrame
    faults: list[Fault]
    origin: str


def read_statements(directory: Path, *, as_of: date | None = None) -> Found:
    """Read a folder's statements: its own table `fundamentals`, else SimFin's bulk files in `simfin/`."""
    if own := find_table(directory, "fundamentals"):
        return read_own(own, as_of=as_of)
    if (directory / SIMFIN / INCOME).is_file():
        return read_simfin(directory / SIMFIN)
    needed = ", ".join(name for name, row in COLUMNS.items() if row["needed"] == "yes")
    raise MissingDataError(
        f"data_dir {directory}: no company statements; expected fundamentals.csv with columns {needed} and debt (or "
        f"short_term_debt and long_term_debt), or SimFin's {SIMFIN}/{INCOME}"
    )


def read_own(path: Path, *, as_of: date | None = None) -> Found:
    """Read one's own file, in the kit's names or Compustat's; missing debt stays missing: no one said it is zero.

    Flows of quarters are summed to the last four, so that a row always covers a year.
    """
    shown, sheet = path.name, open_sheet(path, path.name)
    must = ("yes",) if sheet.find("debt") else ("yes", "split")
    needed = {name: KINDS[name] for name, row in COLUMNS.items() if row["needed"] in must}
    frame = in_shape(read_table(sheet, needed, KINDS, keys=("company", "currency"), called=CALLED))
    bad = frame["fiscal_period"][~frame["fiscal_period"].isin(PERIODS)]
    if not bad.empty:
        raise DataError(f"{shown}, row {bad.index[0]}: fiscal_period {bad.iloc[0]!r}; allowed: {', '.join(PERIODS)}")
    require_unique(frame, ["company", "fiscal_year", "fiscal_period"], shown)
    sectors = {code: row["sector"] for code, row in fact_rows("gics.csv").items()}
    frame["sector"] = frame["sector"].str.removesuffix(".0").replace(sectors)
    frame = frame if as_of is None else frame[~(frame["known_from"] > pd.Timestamp(as_of))]
    rows, faults = _sum_quarters(frame, shown)
    valued = rows["price"] * rows["shares"]
    given, made = [rows["market_value"].notna(), valued.notna()], [shown, f"{shown}: price x shares"]
    origin = np.select(given, made, f"{shown} has neither market_value nor price and shares")
    rows["market_value_from"] = rows["market_value_from"].where(rows["market_value_from"].notna(), origin)
    rows["market_value"] = rows["market_value"].fillna(valued)
    return Found(rows.fillna({"debt_from": shown, "depreciation_from": shown}), faults, shown)


def _sum_quarters(frame: pd.DataFrame, shown: str) -> tuple[pd.DataFrame, list[Fault]]:
    """Sum flows to the last four quarters, known when the last of the four was; an annual report goes before them."""
    reports = frame[frame["fiscal_period"] == "FY"]
    quarters = frame[frame["fiscal_period"] != "FY"].sort_values(["company", "period_end"], kind="stable")
    if quarters.empty:
        return frame.copy(), []
    by_company = quarters.groupby("company", sort=False)
    whole = (quarters["period_end"] - by_company["period_end"].shift(3)).dt.days.between(*THREE_QUARTERS_DAYS)
    made = {name: quarters[name] + sum(by_company[name].shift(lag) for lag in (1, 2, 3)) for name in FLOWS}
    for name in ("published", "known_from"):
        made[name] = pd.concat([by_company[name].shift(lag) for lag in range(4)], axis=1).max(axis=1)
    years, ends = quarters.assign(**made)[whole], ["company", "period_end"]
    reported = pd.MultiIndex.from_frame(years[ends]).isin(pd.MultiIndex.from_frame(reports[ends]))
    faults = [*_year_to_date(quarters, shown), *_mark(quarters[~whole], FaultKind.PART_OF_A_YEAR)]
    return pd.concat([reports, years[~reported]]), faults


def _year_to_date(quarters: pd.DataFrame, shown: str) -> list[Fault]:
    """Name flows that rise from Q1 to Q4 and then fall like those of the year so far; raise where most of them do."""
    faults = []
    for name in FLOWS:
        wide = quarters.set_index(["company", "fiscal_year", "fiscal_period"])[name].unstack()  # noqa: PD010  # no means
        wide = wide.reindex(columns=PERIODS[1:]).abs()
        rises = wide.diff(axis=1).iloc[:, 1:].gt(wide["Q1"] / 4, axis=0).all(axis=1)
        rises &= wide["Q4"] > GROWN_IN_A_YEAR * wide["Q1"]
        suspect = (rises & ~(wide["Q1"].groupby(level="company").shift(-1) > wide["Q4"]))[wide.notna().all(axis=1)]
        cases = [f"{company} {year}" for company, year in suspect.index[suspect]]
        if len(cases) > len(suspect) / 2:
            raise DataError(
                f"{shown}, column {name}: in {len(cases)} of {len(suspect)} company years the quarters rise from Q1 to Q4 "
                f"like sums of the year so far (first {cases[0]}); give each quarter by itself"
            )
        faults += [Fault(FaultKind.YEAR_TO_DATE, None, "", f"{case}: {name}") for case in cases]
    return faults


def read_simfin(folder: Path) -> Found:
    """Join SimFin's three statements on company and fiscal year, and the price at publication where there is one.

    A debt item that is absent is zero here: SimFin leaves out what a company does not report. Depreciation is taken
    from the cash flow, which nearly always has it, else from the income statement, where it is negative. Interest is
    net of interest income, negative in the file where it is a cost.
    """
    keys, parts, faults = ["company", "fiscal_year"], {}, []
    for name in (INCOME, BALANCE, CASH_FLOW):
        called = {
            ours: [row["column"]] for ours, row in fact_rows("simfin.csv").items() if row["file"] in ("all", name)
        }
        part = _read_simfin(folder, name, {ours: KINDS.get(ours, NUMBER) for ours in called}, called)
        nameless = part.index[part["company"].isna()]
        faults += [Fault(FaultKind.NAMELESS, int(row), "", f"{SIMFIN}/{name}") for row in nameless]
        parts[name] = part.drop(index=nameless)
        require_unique(parts[name], keys, f"{SIMFIN}/{name}")
    joined = parts[INCOME]
    for name in (BALANCE, CASH_FLOW):
        part = parts[name].set_index(keys)
        found = joined.merge(part, left_on=keys, right_index=True, suffixes=("", f" {name}"))
        unmatched = joined.drop(index=found.index)
        faults += _mark(unmatched, FaultKind.UNMATCHED, f" is not in {SIMFIN}/{name}", day="published")
        joined = found
    published, restated = (joined.filter(regex=f"^{day}").max(axis=1) for day in ("published", "restated_on"))
    short, long = joined["short_term_debt"], joined["long_term_debt"]
    cash_flow, income = joined["depreciation_cash_flow"], -joined["depreciation_income"]
    none = short.isna() & long.isna()
    rows = joined.assign(
        published=published,
        restated_on=restated,
        known_from=published,
        short_term_debt=short.fillna(0.0),
        long_term_debt=long.fillna(0.0),
        depreciation_amortization=cash_flow.fillna(income),
        interest_expense=-joined["net_interest"],
        shares=joined["shares"].fillna(joined["shares_diluted"]),
        debt_from=np.where(none, "no debt item: zero, by SimFin's convention", "balance sheet"),
        depreciation_from=np.select([cash_flow.notna(), income.notna()], ["cash flow", "income statement"], "missing"),
    )
    rows, bad_prices = _with_price(rows, folder)
    if all((folder / name).is_file() for name in ("us-companies.csv", "industries.csv")):
        industry = _read_simfin(folder, "us-companies.csv", {"Ticker": TEXT, "IndustryId": NUMBER})
        sector = _read_simfin(folder, "industries.csv", {"IndustryId": NUMBER, "Sector": TEXT})
        sector_of = industry.dropna().merge(sector.drop_duplicates("IndustryId")).drop_duplicates("Ticker")
        rows["sector"] = rows["company"].map(sector_of.set_index("Ticker")["Sector"])
    return Found(rows, faults + bad_prices, f"{SIMFIN}/{INCOME} and the balance, cash-flow and price files beside it")


def _read_simfin(folder: Path, name: str, kinds: Kinds, called: Names | None = None) -> pd.DataFrame:
    return read_table(open_sheet(folder / name, f"{SIMFIN}/{name}"), kinds, called=called)


def _read_prices(folder: Path, name: str, column: str) -> pd.DataFrame:
    """Read one column of a file of SimFin's prices: company, date, price."""
    prices = _read_simfin(folder, name, {"Ticker": TEXT, "Date": DATE, column: NUMBER})
    return prices.set_axis(["company", "date", "price"], axis=1).dropna()


def read_simfin_panel(folder: Path) -> tuple[pd.DataFrame, str]:
    """Read SimFin's bulk prices, adjusted, as (sessions, companies), and say where they are from; empty where there are none."""
    origin = f"{SIMFIN}/{DAILY_PRICES}"
    if not (folder / DAILY_PRICES).is_file():
        return pd.DataFrame(), origin
    prices = _read_prices(folder, DAILY_PRICES, "Adj. Close")
    require_unique(prices, ["company", "date"], origin)
    return prices.set_index(["date", "company"])["price"].unstack().rename_axis(columns=None), origin  # noqa: PD010


def _with_price(rows: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[Fault]]:
    files = {DAILY_PRICES: "Close", PRICES_AT_PUBLICATION: "Open Price"}
    name = next((name for name in files if (folder / name).is_file()), "")
    if not name:
        why = f"no {SIMFIN}/{DAILY_PRICES} (SimFin's bulk prices) or {SIMFIN}/{PRICES_AT_PUBLICATION}"
        return rows.assign(price=np.nan, market_value=np.nan, market_value_from=why), []
    prices = _read_prices(folder, name, files[name])
    own = set(rows["company"])
    faults = [
        Fault(FaultKind.BAD_PRICE, int(row), str(day)[:10], f"{SIMFIN}/{name}, {company}: {price:g}")
        for row, company, day, price in prices[prices["price"] <= 0].itertuples()
        if company in own
    ]
    price = first_price(rows, prices[prices["price"] > 0])
    market_value = price * rows["shares"]
    origin = np.where(market_value.notna(), "price at publication x basic shares", "no price or no shares")
    return rows.assign(price=price, market_value=market_value, market_value_from=origin), faults


def first_price(rows: pd.DataFrame, prices: pd.DataFrame) -> "pd.Series[float]":
    """Return for each row the first of a company's prices (company, date, price) from its publication on."""
    found = pd.merge_asof(
        rows[["company", "published"]].assign(row=rows.index).dropna().sort_values("published"),
        prices.drop_duplicates(["company", "date"]).sort_values("date"),
        left_on="published",
        right_on="date",
        by="company",
        direction="forward",
        tolerance=pd.Timedelta(days=PRICE_WITHIN_DAYS),
    )
    return found.set_index("row")["price"].reindex(rows.index)


def make_statements(found: Found, *, source: str, as_of: date | None = None) -> Table:
    """Bring rows into shape, leave out what cannot be dated or true, and describe the rest.

    One row a company, fiscal year and period, sorted by company and period end, with the columns `NAMES`; amounts in
    the row's own currency. The index is the row in the file that the card names first.
    """
    rows, faults = in_shape(found.rows), found.faults
    if as_of is not None:
        rows = rows[~(rows["known_from"] > pd.Timestamp(as_of))]
        faults = [fault for fault in faults if fault.date <= str(as_of)]
    known, end = rows["known_from"], rows["period_end"]
    left_out = {
        FaultKind.UNDATED: known.isna() | end.isna() | (known > last_finished()),
        FaultKind.PUBLISHED_EARLY: rows["published"] < end,
        FaultKind.OTHER_YEAR: (rows["fiscal_year"] - end.dt.year).abs() > YEAR_APART,
    }
    for kind, where in left_out.items():
        faults, rows = [*faults, *_mark(rows[where[rows.index]], kind)], rows[~where[rows.index]]
    if rows.empty:
        said = "" if as_of is None else f" known by as_of {as_of}"
        raise InsufficientDataError(f"{found.origin}: holds nothing{said}{f' ({faults[0]})' if faults else ''}")
    rows, impossible = check_statements(rows.sort_values(["company", "period_end"], kind="stable"), found.origin)
    foreign = rows["currency"].ne(next(iter(rows["currency"].mode()), ""))
    restated = rows[rows["known_from"] > rows["published"]]
    unvalued = rows[~rows["market_value"].notna().groupby(rows["company"]).transform("any")].drop_duplicates("company")
    faults = [
        *faults,
        *impossible,
        *_mark(rows[foreign], FaultKind.OTHER_CURRENCY),
        *(replace(fault, n=len(restated)) for fault in _mark(restated[:1], FaultKind.RESTATED)),
        *(Fault(FaultKind.NO_MARKET_VALUE, None, "", f"{company}: {why}")
          for company, why in unvalued[["company", "market_value_from"]].itertuples(index=False)),
    ]  # fmt: skip
    made = ", ".join(f"{origin} {n:,}" for origin, n in rows["debt_from"].value_counts().items())
    name, origin = f"Company statements ({rows['company'].nunique():,} companies)", f"{found.origin}; debt from: {made}"
    about = {"source": source, "id": "fundamentals", "name": name, "origin": origin, "faults": tuple(faults)}
    return Table.described(rows, pd.DatetimeIndex(rows["known_from"]), **about)


def in_shape(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with exactly the columns `NAMES`, in their types, filled in by what follows from others.

    Total debt is the sum where there is no total, a period the year, and known from the latest of its dates.
    """
    dtypes = {TEXT: "str", INTEGER: "int64", NUMBER: "float64", DATE: "datetime64[us]"}
    shaped = frame.reindex(columns=NAMES).astype({name: dtypes[kind] for name, kind in KINDS.items()})
    known, period = shaped["known_from"], shaped["fiscal_period"].fillna("FY").str.upper()
    return shaped.assign(
        debt=shaped["debt"].fillna(shaped["short_term_debt"] + shaped["long_term_debt"]),
        fiscal_period=period.str.replace(r"^([1-4])(\.0)?$", r"Q\1", regex=True),  # Compustat counts quarters
        published=shaped["published"].fillna(known),
        known_from=shaped[["known_from", "published", "restated_on"]].max(axis=1).where(known.notna()),
        currency=shaped["currency"].str.upper(),
    )


def _mark(rows: pd.DataFrame, kind: FaultKind, said: str = "", *, day: str = "known_from") -> list[Fault]:
    """Name rows of statements as faults of a kind."""
    return [
        Fault(kind, int(row), "" if pd.isna(known) else str(known.date()), f"{company} {year}{said}")
        for row, company, year, known in rows[["company", "fiscal_year", day]].itertuples()
    ]


def check_statements(rows: pd.DataFrame, origin: str) -> tuple[pd.DataFrame, list[Fault]]:
    """Find what cannot be true of statements: refuse it (signs, units), leave it out, or name it."""
    for name in (*COSTS, *NOT_NEGATIVE):
        values = rows[name][rows[name].notna() & rows[name].ne(0)]
        negative = values[values < 0]
        fewest = 1 if name == COSTS[0] else 3  # a few may earn more interest than they pay
        if len(values) >= fewest and len(negative) > len(values) / 2:
            first = " ".join(map(str, rows.loc[negative.index[0], ["company", "fiscal_year"]]))
            raise DataError(
                f"{origin}, column {name}: negative in {len(negative):,} of {len(values):,} rows, first {first}; it is "
                f"positive here: turn the sign"
            )
    faults = []
    for name in ("market_value", "price", "shares"):
        empty = rows[name] <= 0
        if name == "market_value":  # one, or nines only
            empty |= rows[name].eq(1) | (rows[name] + 1).isin(10.0 ** np.arange(3, 16))
        faults += _mark(rows[empty], FaultKind.PLACEHOLDER, f": {name}")
        rows = rows.assign(**{name: rows[name].mask(empty)})
    compared = (rows["market_value"] / rows["total_assets"].where(rows["total_assets"] > 0)).median()
    if compared > OTHER_UNIT or compared < 1 / OTHER_UNIT:
        raise DataError(
            f"{origin}: market_value is {compared:.2g} times total_assets in most rows: one of them is in another unit "
            f"(thousands, millions)"
        )
    parts = rows["short_term_debt"] + rows["long_term_debt"]
    unlike = (rows["debt"] - parts).abs() > DEBT_TOLERANCE * rows["debt"].abs()
    faults += _mark(rows[unlike], FaultKind.DEBT_UNLIKE_PARTS)
    rows, second = _without_second_names(rows)
    # A thousand times the year before, or the reverse, in most amounts of a company; rows are sorted.
    ratio = rows[AMOUNTS].abs().replace(0.0, np.nan).apply(np.log).diff().abs()
    ratio = ratio[rows["company"].eq(rows["company"].shift())]
    ratio = ratio[(ratio > np.log(UNIT_STEP[0])).any(axis=1) & (ratio.notna().sum(axis=1) >= 2)]
    steps = rows.loc[ratio.index[np.exp(ratio.median(axis=1)).between(*UNIT_STEP)]]
    return rows, [*faults, *second, *_mark(steps, FaultKind.UNIT_STEP)]


def _without_second_names(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Keep one of rows with the same statements under two names: that with market values, else the first by name."""
    same = ["fiscal_period", "period_end", "operating_income", *AMOUNTS]
    priced = rows["market_value"].notna().groupby(rows["company"]).transform("any")
    alike = rows.assign(priced=priced)[rows.duplicated(["operating_income", "total_assets"], keep=False)]
    alike = alike[alike.duplicated(same, keep=False)]
    alike = alike[alike[AMOUNTS].fillna(0.0).ne(0).sum(axis=1) >= 3]  # fewer can be equal by chance, or zero
    ordered = alike.sort_values(["priced", "company"], ascending=[False, True], kind="stable")
    kept = ordered.groupby(same, dropna=False, sort=False)["company"].transform("first")
    faults = [
        fault
        for name, second in ordered[ordered["company"] != kept].groupby(kept)
        for fault in _mark(second, FaultKind.SHARE_CLASS, f" is {name}")
    ]
    return rows.drop(index=[fault.row for fault in faults]), faults
