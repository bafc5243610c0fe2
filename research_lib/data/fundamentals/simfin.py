"""SimFin's bulk files: income, balance and cash flow by company and fiscal year, separated by semicolons."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from research_lib.data.fundamentals.columns import DATE, INTEGER, NUMBER, TEXT
from research_lib.data.fundamentals.tables import TableFile, read_table, require_unique
from research_lib.data.quality import Fault, FaultKind

FOLDER = "simfin"
INCOME, BALANCE, CASH_FLOW = "us-income-annual.csv", "us-balance-annual.csv", "us-cashflow-annual.csv"
PRICES = "Annual_Stock_Price_Performance.csv"
COMPANIES, INDUSTRIES = "us-companies.csv", "industries.csv"

KEYS = {"Ticker": "company", "Fiscal Year": "fiscal_year"}
DATES = {"Report Date": "period_end", "Publish Date": "known_from", "Restated Date": "restated_on"}
VALUES = {
    INCOME: {
        "Shares (Basic)": "shares",
        "Shares (Diluted)": "shares_diluted",
        "Revenue": "revenue",
        "Operating Income (Loss)": "operating_income",
        "Interest Expense, Net": "net_interest",
        "Depreciation & Amortization": "depreciation_income",
    },
    BALANCE: {
        "Cash, Cash Equivalents & Short Term Investments": "cash",
        "Short Term Debt": "short_term_debt",
        "Long Term Debt": "long_term_debt",
        "Total Assets": "total_assets",
        "Total Liabilities": "total_liabilities",
        "Total Equity": "total_equity",
    },
    CASH_FLOW: {"Depreciation & Amortization": "depreciation_cash_flow"},
}

# A price from the first session on or after publication: a weekend and a holiday at most.
PRICE_WITHIN_DAYS = 6


@dataclass(frozen=True)
class Parts:
    """Rows in the kit's columns, the index the row in the income file; and what was found wrong."""

    rows: pd.DataFrame
    faults: tuple[Fault, ...]


def has_files(directory: Path) -> bool:
    """Say whether a data folder holds SimFin's files."""
    return (directory / FOLDER / INCOME).is_file()


def read_simfin(directory: Path) -> Parts:
    """Join the three statements on company and fiscal year, and the price at publication where there is one.

    A debt item that is absent is zero here: SimFin leaves out what a company does not report. Depreciation is taken
    from the cash flow, which nearly always has it, else from the income statement, where it is negative. Interest is
    net of interest income, negative in the file where it is a cost.
    """
    income = _read_statement(directory, INCOME)
    joined, faults = income, []
    for name in (BALANCE, CASH_FLOW):
        other = _read_statement(directory, name).drop(columns=["period_end", "restated_on", "currency"])
        joined, unmatched = _join(joined, other, name)
        faults += unmatched
    joined["known_from"] = joined[["known_from", f"known_from {BALANCE}", f"known_from {CASH_FLOW}"]].max(axis=1)
    rows, bad_prices = _with_price(_in_our_terms(joined), directory)
    return Parts(_with_sector(rows, directory), (*faults, *bad_prices))


def _read_statement(directory: Path, name: str) -> pd.DataFrame:
    values = VALUES[name]
    kinds = {"Ticker": TEXT, "Fiscal Year": INTEGER, "Currency": TEXT} | dict.fromkeys(DATES, DATE)
    kinds |= dict.fromkeys(values, NUMBER)
    shown = f"{FOLDER}/{name}"
    frame = read_table(TableFile(directory / FOLDER / name, shown, kinds, {}, delimiter=";"))
    frame = frame.rename(columns={**KEYS, **DATES, **values, "Currency": "currency"})
    require_unique(frame, list(KEYS.values()), shown)
    return frame


def _join(left: pd.DataFrame, right: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[Fault]]:
    keys = list(KEYS.values())
    right = right.rename(columns={"known_from": f"known_from {name}"})
    numbered = left.assign(row=left.index)
    joined = numbered.merge(right, on=keys, how="left", validate="one_to_one", indicator=True).set_index("row")
    absent = joined["_merge"].eq("left_only")
    faults = [
        Fault(FaultKind.UNMATCHED, int(row), str(known)[:10], f"{company} {year} is not in {FOLDER}/{name}")
        for row, company, year, known in joined.loc[absent, [*keys, "known_from"]].itertuples()
    ]
    return joined[~absent].drop(columns="_merge"), faults


def _in_our_terms(joined: pd.DataFrame) -> pd.DataFrame:
    short, long = joined["short_term_debt"], joined["long_term_debt"]
    cash_flow, income = joined["depreciation_cash_flow"], -joined["depreciation_income"]
    none = short.isna() & long.isna()
    return joined.assign(
        fiscal_period="FY",
        short_term_debt=short.fillna(0.0),
        long_term_debt=long.fillna(0.0),
        depreciation_amortization=cash_flow.fillna(income),
        interest_expense=-joined["net_interest"],
        shares=joined["shares"].fillna(joined["shares_diluted"]),
        debt_from=np.where(none, "no debt item: zero, by SimFin's convention", "balance sheet"),
        depreciation_from=np.select([cash_flow.notna(), income.notna()], ["cash flow", "income statement"], "missing"),
    )


def _with_price(rows: pd.DataFrame, directory: Path) -> tuple[pd.DataFrame, list[Fault]]:
    if not (directory / FOLDER / PRICES).is_file():
        return rows.assign(price=np.nan, market_value=np.nan, market_value_from=f"no {FOLDER}/{PRICES}"), []
    prices, faults = _read_prices(directory)
    price = _nearest_price(rows, prices)
    market_value = price * rows["shares"]
    origin = np.where(market_value.notna(), "price at publication x basic shares", "no price or no shares")
    return rows.assign(price=price, market_value=market_value, market_value_from=origin), faults


def _read_prices(directory: Path) -> tuple[pd.DataFrame, list[Fault]]:
    kinds = {"Ticker": TEXT, "Open Price": NUMBER, "Date": DATE}
    prices = read_table(TableFile(directory / FOLDER / PRICES, f"{FOLDER}/{PRICES}", kinds, {}))
    prices = prices.rename(columns={"Ticker": "company", "Open Price": "price", "Date": "date"})
    bad = prices[prices["price"] <= 0]
    faults = [
        Fault(FaultKind.BAD_PRICE, int(row), str(day)[:10], f"{FOLDER}/{PRICES}, {company}: {price:g}")
        for row, company, day, price in bad[["company", "date", "price"]].itertuples()
    ]
    usable = prices["price"].gt(0) & prices["date"].notna()
    return prices[usable].drop_duplicates(["company", "date"]), faults


def _nearest_price(rows: pd.DataFrame, prices: pd.DataFrame) -> "pd.Series[float]":
    wanted = rows[["company", "known_from"]].assign(row=rows.index).dropna().sort_values("known_from")
    found = pd.merge_asof(
        wanted,
        prices.sort_values("date"),
        left_on="known_from",
        right_on="date",
        by="company",
        direction="forward",
        tolerance=pd.Timedelta(days=PRICE_WITHIN_DAYS),
    )
    return found.set_index("row")["price"].reindex(rows.index)


def _with_sector(rows: pd.DataFrame, directory: Path) -> pd.DataFrame:
    """Add the sector from SimFin's two files on companies, where they are there."""
    folder = directory / FOLDER
    if not (folder / COMPANIES).is_file() or not (folder / INDUSTRIES).is_file():
        return rows
    files = {COMPANIES: {"Ticker": TEXT, "IndustryId": NUMBER}, INDUSTRIES: {"IndustryId": NUMBER, "Sector": TEXT}}
    companies, industries = (
        read_table(TableFile(folder / name, f"{FOLDER}/{name}", kinds, {}, delimiter=";"))
        for name, kinds in files.items()
    )
    sector_of = industries.drop_duplicates("IndustryId").set_index("IndustryId")["Sector"]
    industry_of = companies.drop_duplicates("Ticker").set_index("Ticker")["IndustryId"]
    return rows.assign(sector=rows["company"].map(industry_of.map(sector_of)))
