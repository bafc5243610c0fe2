"""Company statements in files: one's own table, or SimFin's bulk files; and what cannot be true in them.

A row is a company and fiscal year (or the last four quarters), with the day from which its values were known.
`facts/statements.csv` says what each column means.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import pandas as pd

from research_lib.data.calendar import last_finished
from research_lib.data.catalog import fact_rows
from research_lib.data.quality import DataCard, Fault
from research_lib.data.readers import DATE, INTEGER, NUMBER, TEXT, open_sheet, read_table, require_unique
from research_lib.data.source import Folder, find_table
from research_lib.errors import DataError, InsufficientDataError

COLUMNS = fact_rows("statements.csv")
KINDS = {name: row["kind"] for name, row in COLUMNS.items()}
SECTORS = {code: row["sector"] for code, row in fact_rows("gics.csv").items()}
CALLED = {name: [name, *filter(None, row["also_called"].split("|"))] for name, row in COLUMNS.items()}
DTYPES = {TEXT: "str", INTEGER: "int64", NUMBER: "float64", DATE: "datetime64[us]"}
FLOWS, AMOUNTS = ([name for name, row in COLUMNS.items() if trait in row["traits"]] for trait in ("flow", "amount"))
POSITIVE = {name: int(row["positive_from"]) for name, row in COLUMNS.items() if row["positive_from"]}
# Medians over total assets that no group of companies has: those of a thousand, either way.
OTHER_UNIT = {name: (float(row["low"]), float(row["high"])) for name, row in COLUMNS.items() if row["low"]}

SIMFIN = "simfin"
INCOME, BALANCE, CASH_FLOW = "us-income-annual.csv", "us-balance-annual.csv", "us-cashflow-annual.csv"
DAILY_PRICES = "us-shareprices-daily"  # SimFin's bulk prices
PANELS = "price_panel", f"{SIMFIN}/daily_adj_close", f"{SIMFIN}/{DAILY_PRICES}"  # of prices; the user's own first
CLOSES = {f"{DAILY_PRICES}.csv": "Close", "Annual_Stock_Price_Performance.csv": "Open Price"}  # as they were paid

# From publication to the next session with a price: a weekend and a holiday at most.
PRICE_WITHIN = pd.Timedelta(days=6)
PERIODS = ["FY", "Q1", "Q2", "Q3", "Q4"]
THREE_QUARTERS_DAYS = (265, 285)  # from the first of four quarters' ends to the last: of 13 weeks, or 14 at most
GROWN_IN_A_YEAR = 2.5  # the fourth figure over the first, where each is the year's so far (about 4) and no quarter's
TOO_EARLY_DAYS = 7  # nobody reports so soon: a date of publication that was made up from the period's end
YEAR_APART = 1  # a fiscal year's number and the year in which it ends, at most
UNIT_STEP = (300, 3000)  # from one year to the next: a thousand, and growth
DEBT_TOLERANCE = 0.005

About: TypeAlias = tuple[str, str, str, str]  # source, id, name and origin


@dataclass(frozen=True)
class Table:
    """A table of companies and its card."""

    values: pd.DataFrame
    card: DataCard

    @classmethod
    def described(cls, values: pd.DataFrame, days: Any, about: About, faults: Sequence[Fault] = ()) -> Self:  # noqa: ANN401
        """Make the card of values that span some days; an index that is not of dates only counts rows."""
        hashed = pd.util.hash_pandas_object(values, index=values.index.name == "date").to_numpy().tobytes()
        digest = hashlib.sha256("\n".join(map(str, values)).encode() + hashed).hexdigest()
        span = str(days.min().date()), str(days.max().date())
        return cls(values, DataCard(*about, *span, len(values), digest, tuple(faults)))


class Found(NamedTuple):
    """Rows in the kit's columns (the index is the row in the file), what was found wrong, and where they are from."""

    rows: pd.DataFrame
    faults: list[Fault]
    origin: str
    no_price: str = "no price on publication"  # why there is none where there is none


@lru_cache(maxsize=1)
def read_statements(folder: Folder) -> Found | None:
    """Read an opened folder's statements, once: its own table `fundamentals`, else SimFin's bulk files in `simfin/`."""
    directory = folder.directory
    if own := find_table(directory, "fundamentals"):  # in the kit's names or Compustat's
        sheet = open_sheet(own, own.name)
        must = ("yes",) if sheet.find("debt") else ("yes", "split")
        needed = [name for name, row in COLUMNS.items() if row["needed"] in must]
        rows = read_table(sheet, KINDS, needed=needed, keys=("company", "currency"), called=CALLED)
        return Found(rows, [], own.name)  # missing debt stays missing: no one said it is zero
    return _read_simfin(directory / SIMFIN) if (directory / SIMFIN / INCOME).is_file() else None


def _read_simfin(folder: Path) -> Found:
    """Join SimFin's three statements on company and fiscal year, and the price at publication where there is one.

    A debt item that is absent is zero here: SimFin leaves out what a company does not report. Depreciation is that of
    the cash flow, else of the income statement. There it is negative, as is interest, net of interest income.
    """
    keys, parts, faults = ["company", "fiscal_year"], [], []
    for name in (INCOME, BALANCE, CASH_FLOW):
        columns = {ours: row["column"] for ours, row in fact_rows("simfin.csv").items() if row["file"] in ("all", name)}
        part = _read_columns(folder, name, **columns)
        part["known_from"] = part["published"]
        nameless = part[part["company"].isna()]
        where = f"{SIMFIN}/{name}, row " + nameless.index.astype("str") + ", of"
        faults += _mark(nameless.assign(company=where), "no company name (left out)")
        parts.append(part.drop(index=nameless.index))
        require_unique(parts[-1], keys, f"{SIMFIN}/{name}")
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.merge(part.set_index(keys), left_on=keys, right_index=True, suffixes=("", f" {len(rows.columns)}"))
    alone = parts[0].drop(index=rows.index)
    faults += _mark(alone, "no row of this company and year in SimFin's other files (left out)")
    published, restated = (rows.filter(regex=f"^{day}").max(axis=1) for day in ("published", "restated_on"))
    none = rows["short_term_debt"].isna() & rows["long_term_debt"].isna()
    rows = rows.fillna({"short_term_debt": 0.0, "long_term_debt": 0.0, "shares": rows["shares_diluted"]})
    rows = rows.assign(published=published, known_from=published, restated_on=restated)
    rows["debt_from"] = np.where(none, "no debt item: zero, by SimFin's convention", "balance sheet")
    rows["depreciation_amortization"] = rows["depreciation_cash_flow"].fillna(-rows["depreciation_income"])
    rows["interest_expense"] = -rows["net_interest"]
    if all((folder / name).is_file() for name in ("us-companies.csv", "industries.csv")):
        industry = _read_columns(folder, "us-companies.csv", company="Ticker", industry="IndustryId").dropna()
        sectors = industry.merge(_read_columns(folder, "industries.csv", industry="IndustryId", sector="Sector"))
        rows["sector"] = rows["company"].map(sectors.drop_duplicates("company").set_index("company")["sector"])
    no_price = "no " + " or ".join(f"{SIMFIN}/{name}" for name in CLOSES)
    if name := next((name for name in CLOSES if (folder / name).is_file()), ""):
        prices = _read_columns(folder, name, company="Ticker", published="Date", price=CLOSES[name]).dropna()
        prices = prices[prices["company"].isin(rows["company"].unique())].drop_duplicates()
        require_unique(prices, ["company", "published"], f"{SIMFIN}/{name}")
        rows, no_price = add_price(rows, prices), "no price on publication"
    return Found(rows, faults, f"{SIMFIN}/{INCOME} and the balance, cash-flow and price files beside it", no_price)


def _read_columns(folder: Path, name: str, **columns: str) -> pd.DataFrame:
    """Read columns of one of SimFin's files, each by the kit's name and SimFin's."""
    kinds = {ours: KINDS.get(ours, NUMBER) for ours in columns}
    called = {ours: [theirs] for ours, theirs in columns.items()}
    return read_table(open_sheet(folder / name, f"{SIMFIN}/{name}"), kinds, called=called)


def add_price(rows: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """Add the first price of the row's company (company, published, price) from its publication on, and its day."""
    wanted = rows[["company", "published"]].assign(row=rows.index).dropna().sort_values("published")
    paid = prices.assign(priced_on=prices["published"]).sort_values("published")
    found = pd.merge_asof(wanted, paid, on="published", by="company", direction="forward", tolerance=PRICE_WITHIN)
    return rows.join(found.set_index("row")[["price", "priced_on"]])


def in_shape(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with exactly the columns `COLUMNS`, in their types, filled in by what follows from others.

    Total debt is the sum where there is no total, a period the year, and known from the latest of its dates.
    """
    shaped = frame.reindex(columns=[*COLUMNS]).astype({name: DTYPES[kind] for name, kind in KINDS.items()})
    known, period = shaped["known_from"], shaped["fiscal_period"].fillna("FY").str.upper()
    return shaped.assign(
        debt=shaped["debt"].fillna(shaped["short_term_debt"] + shaped["long_term_debt"]),
        fiscal_period=period.str.replace(r"^([1-4])(\.0)?$", r"Q\1", regex=True),  # Compustat counts quarters
        published=shaped["published"].fillna(known),
        known_from=shaped[["known_from", "published", "restated_on"]].max(axis=1).where(known.notna()),
        currency=shaped["currency"].str.upper(),
        sector=shaped["sector"].str.removesuffix(".0").replace(SECTORS),
    )


def make_statements(found: Found, *, source: str, as_of: date | None = None) -> Table:
    """Bring rows into shape, cut them at `as_of`, leave out what cannot be dated or true, and describe the rest.

    One row a company, fiscal year and period, sorted by company and period end, with the columns `COLUMNS`; amounts in
    the row's own currency. The index is the row in the file that the card names first.
    """
    origin, cut = found.origin, pd.Timestamp(as_of or date.max)
    rows = in_shape(found.rows).fillna({"debt_from": origin})
    if not (odd := rows["fiscal_period"][~rows["fiscal_period"].isin(PERIODS)]).empty:
        raise DataError(f"{origin}, row {odd.index[0]}: fiscal_period {odd.iloc[0]!r}; allowed: {', '.join(PERIODS)}")
    require_unique(rows, ["company", "fiscal_year", "fiscal_period"], origin)
    if "priced_on" in found.rows:
        rows["price"] = rows["price"].mask(found.rows["priced_on"] > cut)
    rows, faults = _sum_quarters(rows[~(rows["known_from"] > cut)], origin)
    faults = [fault for fault in found.faults if fault.date <= str(cut.date())] + faults
    known, end = rows["known_from"], rows["period_end"]
    left_out = {
        "no past date on which it was known (left out)": known.isna() | end.isna() | (known > last_finished()),
        "published before its period ended (left out)": rows["published"] < end,
        "a fiscal year that does not go with its period's end (left out)":
            (rows["fiscal_year"] - end.dt.year).abs() > YEAR_APART,
    }  # fmt: skip
    why = np.select(list(left_out.values()), list(left_out), "")
    faults += [fault for words in left_out for fault in _mark(rows[why == words], words)]
    rows = rows[why == ""].sort_values(["company", "period_end"], kind="stable")
    if rows.empty:
        said = f" ({faults[0]})" if faults else ""
        raise InsufficientDataError(f"{origin}: holds nothing known by {f'as_of {as_of}' if as_of else 'today'}{said}")
    empty = rows[["market_value", "price", "shares"]] <= 0
    empty["market_value"] |= rows["market_value"].isin([1, *(10.0**n - 1 for n in range(3, 16))])  # one, or nines only
    for name, where in empty.items():
        faults += _mark(rows[where], "zero or a placeholder, taken as missing", f": {name}")
    rows[[*empty]] = rows[[*empty]].mask(empty)
    rows["market_value"] = rows["market_value"].fillna(rows["price"] * rows["shares"])
    _refuse_impossible(rows, origin)
    twin = _second_names(rows)
    faults += _mark(rows.loc[twin.index], "a second share class of the same company (left out)", " is " + twin)
    rows = rows.drop(index=twin.index)
    parts = rows["short_term_debt"] + rows["long_term_debt"]
    named = {
        "debt is not the sum of short-term and long-term debt (the total counts)":
            (rows["debt"] - parts).abs() > DEBT_TOLERANCE * rows["debt"].abs(),
        "amounts about 1,000 times those of the year before": _unit_steps(rows),
        "in another currency than most (set aside in sums)": rows["currency"].ne(next(iter(rows["currency"].mode()), "")),
        "published within a week of its period's end: too early for a report":
            (rows["published"] - rows["period_end"]).dt.days <= TOO_EARLY_DAYS,
        "restated: known from the restatement": rows["known_from"] > rows["published"],
    }  # fmt: skip
    faults += [replace(one, n=int(at.sum())) for words, at in named.items() for one in _mark(rows[at][:1], words)]
    n = rows.groupby("company")[["market_value", "shares"]].count()
    for company, counted in n["shares"][n["market_value"] == 0].items():
        faults.append(Fault("no market value", "", f"{company}: {found.no_price if counted else 'no count of shares'}"))
    made = ", ".join(f"{how} {many:,}" for how, many in rows["debt_from"].value_counts().items())
    name, origin = f"Company statements ({len(n):,} companies)", f"{origin}; debt from: {made}"
    return Table.described(rows, rows["known_from"], (source, "fundamentals", name, origin), faults)


def _sum_quarters(rows: pd.DataFrame, origin: str) -> tuple[pd.DataFrame, list[Fault]]:
    """Sum flows to the last four quarters, known when the last of the four was; an annual report goes before them.

    Quarters that rise like sums of the year so far are named; where most of them do, they are refused.
    """
    is_year = rows["fiscal_period"] == "FY"
    if is_year.all():
        return rows, []
    quarters = rows[~is_year].sort_values(["company", "period_end"], kind="stable")
    by_company = quarters.groupby("company", sort=False)
    whole = (quarters["period_end"] - by_company["period_end"].shift(3)).dt.days.between(*THREE_QUARTERS_DAYS)
    four = [by_company.shift(lag) for lag in range(4)]
    sums = {name: sum(one[name] for one in four) for name in FLOWS}
    days = {name: pd.concat([one[name] for one in four], axis=1).max(axis=1) for name in ("published", "known_from")}
    years = pd.concat([rows[is_year], quarters.assign(**sums, **days)[whole]])
    years = years[years["fiscal_period"].eq("FY") | ~years.duplicated(["company", "period_end"])]
    faults = _mark(quarters[~whole], "a quarter without the three before it (left out)")
    for name in FLOWS:
        wide = quarters.pivot(index=["company", "fiscal_year"], columns="fiscal_period", values=name)  # noqa: PD010
        wide = wide.reindex(columns=PERIODS[1:]).abs()
        rises = wide.diff(axis=1).iloc[:, 1:].gt(wide["Q1"] / 4, axis=0).all(axis=1)
        rises &= wide["Q4"] > GROWN_IN_A_YEAR * wide["Q1"]
        suspect = (rises & ~(wide["Q1"].groupby(level="company").shift(-1) > wide["Q4"]))[wide.notna().all(axis=1)]
        cases = [f"{company} {year}" for company, year in suspect.index[suspect]]
        if len(cases) > len(suspect) / 2:
            found = f"in {len(cases)} of {len(suspect)} company years quarters rise like sums of the year so far"
            raise DataError(f"{origin}, column {name}: {found}, first {cases[0]}; give each quarter by itself")
        faults += [Fault("quarters that rise like sums of the year so far", "", f"{case}: {name}") for case in cases]
    return years, faults


def _mark(rows: pd.DataFrame, words: str, said: "str | pd.Series[str]" = "") -> list[Fault]:
    """Name rows of statements as faults of a kind."""
    days = rows["known_from"].dt.strftime("%Y-%m-%d").fillna("")
    details = rows["company"] + " " + rows["fiscal_year"].astype("str") + said
    return [Fault(words, *one) for one in zip(days, details, strict=True)]


def _refuse_impossible(rows: pd.DataFrame, origin: str) -> None:
    """Raise where a column has the wrong sign, or market values and assets are in different units."""
    for name, fewest in POSITIVE.items():  # of interest a few may earn more than they pay
        negative, many = rows[rows[name] < 0], int(rows[name].abs().gt(0).sum())
        if many >= fewest and len(negative) > many / 2:
            found = f"negative in {len(negative):,} of {many:,} rows, first {_mark(negative, '')[0].detail}"
            raise DataError(f"{origin}, column {name}: {found}; it is positive here: turn the sign")
    sizes = rows[[*OTHER_UNIT]].abs().replace(0.0, np.nan)
    for column, times in sizes.div(rows["total_assets"].where(rows["total_assets"] > 0), axis=0).median().items():
        low, high = OTHER_UNIT[str(column)]
        if times < low or times > high:
            found = f"{column} is {times:.2g} times total_assets in most rows"
            raise DataError(f"{origin}: {found}: one of them is in another unit (thousands, millions)")


def _unit_steps(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Say where most amounts are a thousand times those of the company's year before, or the reverse; rows are sorted."""
    ratio = rows[AMOUNTS].abs().replace(0.0, np.nan).apply(np.log).diff().abs()
    in_several = rows["company"].eq(rows["company"].shift()) & (ratio.notna().sum(axis=1) >= 2)
    return in_several & ratio.median(axis=1).between(*np.log(UNIT_STEP))


def _second_names(rows: pd.DataFrame) -> "pd.Series[str]":
    """Name for each row with another's statements the company that is kept: with market values, else the first by name."""
    same = ["fiscal_period", "period_end", "operating_income", *AMOUNTS]
    priced = rows["market_value"].notna().groupby(rows["company"]).transform("any")
    alike = rows.assign(priced=priced)[rows.duplicated(same, keep=False)]
    alike = alike[alike[AMOUNTS].fillna(0.0).ne(0).sum(axis=1) >= 3]  # fewer can be equal by chance, or zero
    ordered = alike.sort_values(["priced", "company"], ascending=[False, True], kind="stable")
    first = ordered.groupby(same, dropna=False, sort=False)["company"].transform("first")
    return first[first != ordered["company"]]
