"""Company statements in files: one's own table, or SimFin's bulk files; and what is wrong with them.

A row is a company and fiscal year (or the last four quarters), with the day from which its values were known: that of
their publication, or of their restatement.
"""

from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from research_lib.data.quality import Fault, FaultKind
from research_lib.data.readers import DATE, INTEGER, NUMBER, TEXT, columns_of, read_table, require_unique
from research_lib.errors import DataError, MissingDataError

# Kind and meaning of each column.
COLUMNS = {
    "company": (TEXT, "the symbol or name that a company has in the price panel too"),
    "fiscal_year": (INTEGER, "as the company or vendor counts it"),
    "fiscal_period": (TEXT, "FY, or Q1 to Q4: quarters are summed to the last four"),
    "period_end": (DATE, "the last day that the statements cover"),
    "published": (DATE, "first publication of the statements"),
    "known_from": (DATE, "publication of the values that stand here: of their restatement, where there was one"),
    "restated_on": (DATE, "when the values that stand here were last restated, if that is said"),
    "currency": (TEXT, "of all amounts, three letters"),
    "sector": (TEXT, "the sector, where the source has one"),
    "short_term_debt": (NUMBER, "debt due within a year"),
    "long_term_debt": (NUMBER, "all other debt"),
    "debt": (NUMBER, "all debt; enough where a file does not split it"),
    "cash": (NUMBER, "cash, equivalents and short-term investments"),
    "operating_income": (NUMBER, "of the year, before interest and tax"),
    "depreciation_amortization": (NUMBER, "of the year, positive"),
    "interest_expense": (NUMBER, "of the year, positive; net of interest income where only that is given"),
    "revenue": (NUMBER, "of the year"),
    "total_assets": (NUMBER, "at the period's end"),
    "total_liabilities": (NUMBER, "at the period's end"),
    "total_equity": (NUMBER, "at the period's end"),
    "shares": (NUMBER, "shares outstanding, on average over the year where that is what is given"),
    "price": (NUMBER, "of a share on the first session from publication on"),
    "market_value": (NUMBER, "price x shares, in the same currency"),
    "debt_from": (TEXT, "where the debt stands; or why it is zero"),
    "depreciation_from": (TEXT, "where depreciation and amortization stand"),
    "market_value_from": (TEXT, "how the market value was made"),
}
NAMES = tuple(COLUMNS)
REQUIRED = ("company", "fiscal_year", "period_end", "known_from", "currency", "cash", "operating_income",
            "depreciation_amortization", "interest_expense")  # fmt: skip
SPLIT = ("short_term_debt", "long_term_debt")
FLOWS = ("operating_income", "depreciation_amortization", "interest_expense", "revenue")
ALIASES = {  # Compustat's names, annual and quarterly
    "company": ("tic", "gvkey"), "fiscal_year": ("fyear", "fyearq"), "fiscal_period": ("fqtr",),
    "period_end": ("datadate",), "known_from": ("published", "rdq"), "currency": ("curcd", "curcdq"),
    "sector": ("gsector",), "short_term_debt": ("dlc", "dlcq"), "long_term_debt": ("dltt", "dlttq"),
    "cash": ("che", "cheq"), "operating_income": ("oiadp", "oiadpq"), "depreciation_amortization": ("dp", "dpq"),
    "interest_expense": ("xint", "xintq"), "revenue": ("sale", "saleq", "revt", "revtq"), "total_assets": ("at", "atq"),
    "total_liabilities": ("lt", "ltq"), "total_equity": ("seq", "seqq", "ceq", "ceqq"), "shares": ("csho", "cshoq"),
    "price": ("prcc_f", "prccq"), "market_value": ("mkvalt", "mkvaltq"),
}  # fmt: skip
GICS = {"10": "Energy", "15": "Materials", "20": "Industrials", "25": "Consumer Discretionary", "30": "Consumer Staples",
        "35": "Health Care", "40": "Financials", "45": "Information Technology", "50": "Communication Services",
        "55": "Utilities", "60": "Real Estate"}  # fmt: skip

SIMFIN = "simfin"
INCOME, BALANCE, CASH_FLOW = "us-income-annual.csv", "us-balance-annual.csv", "us-cashflow-annual.csv"
DAILY_PRICES, PRICES_AT_PUBLICATION = "us-shareprices-daily.csv", "Annual_Stock_Price_Performance.csv"
SIMFIN_DATES = {"Report Date": "period_end", "Publish Date": "published", "Restated Date": "restated_on"}
SIMFIN_VALUES = {
    INCOME: {
        "Shares (Basic)": "shares", "Shares (Diluted)": "shares_diluted", "Revenue": "revenue",
        "Operating Income (Loss)": "operating_income", "Interest Expense, Net": "net_interest",
        "Depreciation & Amortization": "depreciation_income",
    },
    BALANCE: {
        "Cash, Cash Equivalents & Short Term Investments": "cash", "Short Term Debt": "short_term_debt",
        "Long Term Debt": "long_term_debt", "Total Assets": "total_assets", "Total Liabilities": "total_liabilities",
        "Total Equity": "total_equity",
    },
    CASH_FLOW: {"Depreciation & Amortization": "depreciation_cash_flow"},
}  # fmt: skip
PRICE_WITHIN_DAYS = 6  # from publication to the next session with a price: a weekend and a holiday at most

PERIODS = ("FY", "Q1", "Q2", "Q3", "Q4")
# From the first of four quarters' ends to the last: three quarters, of 13 weeks or of 14 at most.
THREE_QUARTERS_DAYS = (265, 285)
GROWN_IN_A_YEAR = 2.5  # the fourth figure over the first, where each is the year's so far (about 4) and not a quarter's
OTHER_UNIT = 200  # median of market value over total assets, either way
UNIT_STEP = (300, 3000)  # from one year to the next: a thousand, and growth


class Found(NamedTuple):
    """Rows in the kit's columns (the index is the row in the file), what was found wrong, and where they stand."""

    rows: pd.DataFrame
    faults: list[Fault]
    origin: str


def read_statements(directory: Path, *, as_of: date | None = None) -> Found:
    """Read a folder's statements: `fundamentals.csv` or `.parquet`, else SimFin's bulk files in `simfin/`."""
    for name in ("fundamentals.csv", "fundamentals.parquet"):
        if (directory / name).is_file():
            return read_own(directory / name, as_of=as_of)
    if (directory / SIMFIN / INCOME).is_file():
        return read_simfin(directory)
    raise MissingDataError(
        f"data_dir {directory}: no company statements; expected fundamentals.csv with columns {', '.join(REQUIRED)} and "
        f"debt (or short_term_debt and long_term_debt), or SimFin's {SIMFIN}/{INCOME}"
    )


def read_own(path: Path, *, as_of: date | None = None) -> Found:
    """Read one's own file, in the kit's names or Compustat's; missing debt stays missing: no one said it is zero.

    Flows of quarters are summed to the last four, so that a row always covers a year.

    Raises
    ------
    DataError
        A column is missing, a cell is not of its kind, or a company stands twice for a period.
    """
    there = set(columns_of(path, path.name))
    theirs = {name: next((one for one in (name, *ALIASES.get(name, ())) if one in there), name) for name in COLUMNS}
    needed = {*REQUIRED, *(() if "debt" in there else SPLIT)}
    kinds = {theirs[name]: COLUMNS[name][0] for name in COLUMNS if name in needed}
    optional = {theirs[name]: COLUMNS[name][0] for name in COLUMNS if name not in needed}
    frame = read_table(path, path.name, kinds, optional, keys=(theirs["company"],))
    frame = frame.rename(columns={one: name for name, one in theirs.items()})
    frame["fiscal_period"] = _periods(frame, path.name)
    if theirs["sector"] == "gsector" and "sector" in frame:
        frame["sector"] = frame["sector"].str.removesuffix(".0").map(GICS)
    require_unique(frame, ["company", "fiscal_year", "fiscal_period"], path.name)
    frame = frame.assign(published=frame.get("published", frame["known_from"]))
    dates = frame[[name for name in ("known_from", "published", "restated_on") if name in frame]]
    frame["known_from"] = dates.max(axis=1).where(frame["known_from"].notna())
    if as_of is not None:
        frame = frame[~(frame["known_from"] > pd.Timestamp(as_of))]
    rows, faults = _sum_quarters(frame, path.name)
    if "market_value" not in rows and {"price", "shares"} <= set(rows):
        rows = rows.assign(
            market_value=rows["price"] * rows["shares"], market_value_from=f"{path.name}: price x shares"
        )
    origins = dict.fromkeys(("debt_from", "depreciation_from", "market_value_from"), path.name)
    return Found(rows.assign(**{name: text for name, text in origins.items() if name not in rows}), faults, path.name)


def _periods(frame: pd.DataFrame, shown: str) -> "pd.Series[str]":
    if "fiscal_period" not in frame:
        return pd.Series("FY", frame.index, dtype="str")
    periods = frame["fiscal_period"].fillna("FY").str.upper().str.replace(r"^([1-4])(\.0)?$", r"Q\1", regex=True)
    bad = periods[~periods.isin(PERIODS)]
    if not bad.empty:
        raise DataError(f"{shown}, row {bad.index[0]}: fiscal_period {bad.iloc[0]!r}; allowed: {', '.join(PERIODS)}")
    return periods


def _sum_quarters(frame: pd.DataFrame, shown: str) -> tuple[pd.DataFrame, list[Fault]]:
    quarters = frame[frame["fiscal_period"] != "FY"].sort_values(["company", "period_end"], kind="stable")
    if quarters.empty:
        return frame, []
    flows = [name for name in FLOWS if name in frame]
    _refuse_year_to_date(quarters, flows, shown)
    by_company = quarters.groupby("company", sort=False)
    whole = (quarters["period_end"] - by_company["period_end"].shift(3)).dt.days.between(*THREE_QUARTERS_DAYS)
    sums = sum((by_company[flows].shift(lag) for lag in (1, 2, 3)), start=quarters[flows])
    # The sum is known when the last of the four was published.
    known = {
        name: pd.concat([by_company[name].shift(lag) for lag in range(4)], axis=1).max(axis=1)
        for name in ("published", "known_from")
    }
    years = quarters.assign(**{name: sums[name] for name in flows}, **known)[whole]
    reports = frame[frame["fiscal_period"] == "FY"]
    ends = ["company", "period_end"]
    said_by_report = pd.MultiIndex.from_frame(years[ends]).isin(pd.MultiIndex.from_frame(reports[ends]))
    faults = [
        Fault(FaultKind.PART_OF_A_YEAR, int(row), str(day)[:10], str(company))
        for row, day, company in quarters.loc[~whole, ["known_from", "company"]].itertuples()
    ]
    return pd.concat([reports, years[~said_by_report]]), faults


def _refuse_year_to_date(quarters: pd.DataFrame, flows: list[str], shown: str) -> None:
    """Raise where most companies' flows rise from Q1 to Q4 and fall again: those of the year so far, not of a quarter."""
    for name in flows:
        wide = quarters.pivot(index=["company", "fiscal_year"], columns="fiscal_period", values=name)
        wide = wide.reindex(columns=list(PERIODS[1:])).dropna().abs()
        rises = (np.diff(wide.to_numpy()) > 0).all(axis=1) & (wide["Q4"] > GROWN_IN_A_YEAR * wide["Q1"])
        following = wide["Q1"].groupby(level="company").shift(-1)
        suspect = rises & ~(following > wide["Q4"])
        if len(wide) and suspect.mean() > 0.5:
            company, year = suspect.index[suspect][0]
            raise DataError(
                f"{shown}, column {name}: of {int(suspect.sum())} of {len(wide)} company years the quarters rise from Q1 "
                f"to Q4 like sums of the year so far (first {company} {year}); give each quarter by itself"
            )


def read_simfin(directory: Path) -> Found:
    """Join SimFin's three statements on company and fiscal year, and the price at publication where there is one.

    A debt item that is absent is zero here: SimFin leaves out what a company does not report. Depreciation is taken
    from the cash flow, which nearly always has it, else from the income statement, where it is negative. Interest is
    net of interest income, negative in the file where it is a cost.
    """
    keys, dates = ["company", "fiscal_year"], ["published", "restated_on"]
    joined, faults = _read_simfin_file(directory, INCOME)
    for name in (BALANCE, CASH_FLOW):
        other, nameless = _read_simfin_file(directory, name)
        other = other.drop(columns=["period_end", "currency"]).rename(columns={one: f"{one} {name}" for one in dates})
        joined = joined.assign(row=joined.index).merge(other, on=keys, how="left", indicator=True).set_index("row")
        absent = joined["_merge"].eq("left_only")
        faults += nameless + [
            Fault(FaultKind.UNMATCHED, int(row), str(known)[:10], f"{company} {year} is not in {SIMFIN}/{name}")
            for row, company, year, known in joined.loc[absent, [*keys, "published"]].itertuples()
        ]
        joined = joined[~absent].drop(columns="_merge")
    for one in dates:
        joined[one] = joined[[one, f"{one} {BALANCE}", f"{one} {CASH_FLOW}"]].max(axis=1)
    short, long = joined["short_term_debt"], joined["long_term_debt"]
    cash_flow, income = joined["depreciation_cash_flow"], -joined["depreciation_income"]
    none = short.isna() & long.isna()
    rows = joined.assign(
        fiscal_period="FY",
        known_from=joined[dates].max(axis=1).where(joined["published"].notna()),
        short_term_debt=short.fillna(0.0),
        long_term_debt=long.fillna(0.0),
        depreciation_amortization=cash_flow.fillna(income),
        interest_expense=-joined["net_interest"],
        shares=joined["shares"].fillna(joined["shares_diluted"]),
        debt_from=np.where(none, "no debt item: zero, by SimFin's convention", "balance sheet"),
        depreciation_from=np.select([cash_flow.notna(), income.notna()], ["cash flow", "income statement"], "missing"),
    )
    rows, bad_prices = _with_price(rows, directory / SIMFIN)
    origin = f"{SIMFIN}/{INCOME} and the balance, cash-flow and price files beside it"
    return Found(_with_sector(rows, directory / SIMFIN), faults + bad_prices, origin)


def _read_simfin_file(directory: Path, name: str) -> tuple[pd.DataFrame, list[Fault]]:
    values, shown = SIMFIN_VALUES[name], f"{SIMFIN}/{name}"
    kinds = {"Ticker": TEXT, "Fiscal Year": INTEGER, "Currency": TEXT, **dict.fromkeys(SIMFIN_DATES, DATE)}
    frame = read_table(directory / SIMFIN / name, shown, {**kinds, **dict.fromkeys(values, NUMBER)})
    names = {"Ticker": "company", "Fiscal Year": "fiscal_year", "Currency": "currency"}
    frame = frame.rename(columns={**names, **SIMFIN_DATES, **values})
    nameless = frame.index[frame["company"].isna()]
    faults = [Fault("no company name (left out)", int(row), "", shown) for row in nameless]
    frame = frame.drop(index=nameless)
    require_unique(frame, ["company", "fiscal_year"], shown)
    return frame, faults


def read_daily_prices(folder: Path, column: str) -> pd.DataFrame:
    """Read one column of SimFin's bulk prices: company, date, price."""
    shown = f"{SIMFIN}/{DAILY_PRICES}"
    prices = read_table(folder / DAILY_PRICES, shown, {"Ticker": TEXT, "Date": DATE, column: NUMBER})
    return prices.set_axis(["company", "date", "price"], axis=1).dropna()


def _with_price(rows: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[Fault]]:
    if (folder / DAILY_PRICES).is_file():
        name, prices = DAILY_PRICES, read_daily_prices(folder, "Close")
    elif (folder / PRICES_AT_PUBLICATION).is_file():
        name, kinds = PRICES_AT_PUBLICATION, {"Ticker": TEXT, "Date": DATE, "Open Price": NUMBER}
        prices = read_table(folder / name, f"{SIMFIN}/{name}", kinds).set_axis(["company", "date", "price"], axis=1)
    else:
        why = f"no {SIMFIN}/{DAILY_PRICES} (SimFin's bulk prices) or {SIMFIN}/{PRICES_AT_PUBLICATION}"
        return rows.assign(price=np.nan, market_value=np.nan, market_value_from=why), []
    faults = [
        Fault(FaultKind.BAD_PRICE, int(row), str(day)[:10], f"{SIMFIN}/{name}, {company}: {price:g}")
        for row, company, day, price in prices[prices["price"] <= 0].itertuples()
    ]
    prices = prices[prices["price"].gt(0) & prices["date"].notna() & prices["company"].isin(rows["company"].unique())]
    wanted = rows[["company", "published"]].assign(row=rows.index).dropna().sort_values("published")
    found = pd.merge_asof(
        wanted,
        prices.drop_duplicates(["company", "date"]).sort_values("date"),
        left_on="published",
        right_on="date",
        by="company",
        direction="forward",
        tolerance=pd.Timedelta(days=PRICE_WITHIN_DAYS),
    )
    price = found.set_index("row")["price"].reindex(rows.index)
    market_value = price * rows["shares"]
    origin = np.where(market_value.notna(), "price at publication x basic shares", "no price or no shares")
    return rows.assign(price=price, market_value=market_value, market_value_from=origin), faults


def _with_sector(rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Add the sector from SimFin's two files on companies, where they are there."""
    if not (folder / "us-companies.csv").is_file() or not (folder / "industries.csv").is_file():
        return rows
    files = {"us-companies.csv": {"Ticker": TEXT, "IndustryId": NUMBER}, "industries.csv": {"IndustryId": NUMBER, "Sector": TEXT}}  # fmt: skip
    companies, industries = (read_table(folder / name, f"{SIMFIN}/{name}", kinds) for name, kinds in files.items())
    sector_of = industries.drop_duplicates("IndustryId").set_index("IndustryId")["Sector"]
    industry_of = companies.dropna(subset="Ticker").drop_duplicates("Ticker").set_index("Ticker")["IndustryId"]
    return rows.assign(sector=rows["company"].map(industry_of.map(sector_of)))


def check_statements(rows: pd.DataFrame, origin: str) -> tuple[pd.DataFrame, list[Fault]]:
    """Find what cannot be true of statements: refuse it, leave it out, or name it.

    Raises
    ------
    DataError
        Costs are mostly negative, or market values are in another unit than the statements.
    """
    for name, fewest in {"depreciation_amortization": 1, "interest_expense": 3}.items():
        values = rows[name][rows[name].notna() & rows[name].ne(0)]
        negative = values[values < 0]
        if len(values) >= fewest and len(negative) > len(values) / 2:
            first = rows.loc[negative.index[0]]
            raise DataError(
                f"{origin}, column {name}: negative in {len(negative):,} of {len(values):,} rows, first "
                f"{first['company']} {first['fiscal_year']}; a cost is positive here: turn the sign"
            )
    rows, faults = _without_placeholders(rows)
    compared = (rows["market_value"] / rows["total_assets"].where(rows["total_assets"] > 0)).dropna()
    if len(compared) and not 1 / OTHER_UNIT <= compared.median() <= OTHER_UNIT:
        raise DataError(
            f"{origin}: market_value is {compared.median():.2g} times total_assets in the middle of {len(compared):,} "
            f"rows; one of them is in another unit (thousands, millions)"
        )
    rows, doubles = _without_second_names(rows)
    return rows, [*faults, *doubles, *_unit_steps(rows)]


def _without_placeholders(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Take market values, prices and shares of zero or less, of one, or of nines only as missing."""
    faults = []
    for name in ("market_value", "price", "shares"):
        values = rows[name]
        empty = values <= 0
        if name == "market_value":
            empty |= values.eq(1) | (values.ge(999) & (values + 1).eq(10 ** np.log10(values.clip(lower=1) + 1).round()))
        faults += [
            Fault(FaultKind.NO_MARKET_VALUE, int(row), "", f"{company} {year}: {name} {value:g} (taken as missing)")
            for row, company, year, value in rows.loc[empty, ["company", "fiscal_year", name]].itertuples()
        ]
        rows = rows.assign(**{name: values.mask(empty)})
    return rows, faults


def _without_second_names(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Keep one of rows with the same statements under two names: share classes, or a company that took another's.

    The one that has market values stays, else the first by name.
    """
    amounts = ["debt", "cash", "operating_income", "revenue", "total_assets", "total_liabilities", "total_equity"]
    same = ["fiscal_period", "period_end", *amounts]
    alike = rows[rows.duplicated(["operating_income", "total_assets"], keep=False)]
    alike = alike[alike.duplicated(same, keep=False)]
    alike = alike[alike[amounts].fillna(0.0).ne(0).sum(axis=1) >= 4]  # of empty and new companies, few amounts tell
    priced = alike["company"].isin(rows["company"][rows["market_value"].notna()])
    ordered = alike.assign(priced=priced).sort_values(["priced", "company"], ascending=[False, True], kind="stable")
    kept = ordered.groupby(same, dropna=False, sort=False)["company"].transform("first")
    second = ordered[ordered["company"] != kept]
    faults = [
        Fault(FaultKind.SHARE_CLASS, int(row), str(known.date()), f"{company} {year} is {kept[row]}")
        for row, known, company, year in second[["known_from", "company", "fiscal_year"]].itertuples()
    ]
    return rows.drop(index=second.index), faults


def _unit_steps(rows: pd.DataFrame) -> list[Fault]:
    """Find years in which most amounts of a company are a thousand times those of the year before, or the reverse."""
    amounts = ["debt", "cash", "revenue", "total_assets", "total_liabilities", "total_equity"]
    ordered = rows.sort_values(["company", "period_end"], kind="stable")
    sizes = ordered[amounts].abs().where(ordered[amounts].ne(0)).to_numpy()
    ratio = sizes[1:] / sizes[:-1]
    ratio[ordered["company"].to_numpy()[1:] != ordered["company"].to_numpy()[:-1]] = np.nan
    known = (~np.isnan(ratio)).sum(axis=1) >= 2
    middle = np.full(len(ratio), np.nan)
    middle[known] = np.nanmedian(ratio[known], axis=1)
    found = np.flatnonzero(pd.Series(np.maximum(middle, 1 / middle)).between(*UNIT_STEP)) + 1
    return [
        Fault(FaultKind.UNIT_STEP, int(row), str(known_from.date()), f"{company} {year}: x {middle[at - 1]:.3g}")
        for at, (row, known_from, company, year) in zip(
            found, ordered.iloc[found][["known_from", "company", "fiscal_year"]].itertuples(), strict=True
        )
    ]
