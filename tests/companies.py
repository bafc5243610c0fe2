"""Made-up companies and files that several tests share."""

import pandas as pd

from research_lib.data.statements import in_shape

PLAIN = {
    "fiscal_period": "FY", "currency": "USD", "short_term_debt": 10.0, "long_term_debt": 50.0, "cash": 20.0,
    "operating_income": 15.0, "depreciation_amortization": 5.0, "interest_expense": 3.0, "revenue": 100.0,
    "total_assets": 200.0, "total_liabilities": 120.0, "total_equity": 80.0, "shares": 10.0, "price": 30.0, "market_value": 300.0,
}  # fmt: skip


def company(name, year=2020, **values):
    """One row of fundamentals, sound unless a value says otherwise: net debt 40, EBITDA 20, cover 5."""
    dates = {"period_end": pd.Timestamp(f"{year}-12-31"), "known_from": pd.Timestamp(f"{year + 1}-03-01")}
    return {"company": name, "fiscal_year": year, **dates, **PLAIN, **values}


def rows(*companies):
    return in_shape(pd.DataFrame(list(companies), index=range(2, len(companies) + 2)))


IDENTITY = 'Ticker;SimFinId;Currency;"Fiscal Year";"Fiscal Period";"Report Date";"Publish Date";"Restated Date"'
HEADERS = {
    "income": '"Shares (Basic)";"Shares (Diluted)";Revenue;"Depreciation & Amortization";"Operating Income (Loss)";"Interest Expense, Net"',
    "balance": '"Cash, Cash Equivalents & Short Term Investments";"Total Assets";"Short Term Debt";"Long Term Debt";"Total Liabilities";"Total Equity"',
    "cashflow": '"Depreciation & Amortization"',
}


def write_simfin(folder, statements, prices=None):
    """Write SimFin's three files; `statements` maps (ticker, year) to the three rows' own cells.

    A fourth entry replaces the identity's currency and dates (report, publication, restatement).
    """
    (folder / "simfin").mkdir(parents=True, exist_ok=True)
    for number, (name, header) in enumerate(HEADERS.items()):
        lines = [f"{IDENTITY};{header}"]
        for (ticker, year), cells in statements.items():
            usual = ("USD", f"{year}-12-31", f"{year + 1}-03-01", f"{year + 1}-03-01")
            currency, *dates = cells[3] if len(cells) > 3 else usual
            if cells[number] is not None:
                lines.append(";".join([ticker, "1", currency, str(year), "FY", *dates, cells[number]]))
        (folder / "simfin" / f"us-{name}-annual.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if prices is not None:
        frame = pd.DataFrame(prices, columns=["Ticker", "Open Price", "Date"]).assign(Volume=1)
        frame.to_csv(folder / "simfin" / "Annual_Stock_Price_Performance.csv")
    return folder
