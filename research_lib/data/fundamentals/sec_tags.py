"""Which of the SEC's tags make the kit's columns of company statements.

For each column, ways to make it in the order in which they are tried: the sum of some tags, where all of them are
there. Companies choose their tags, and change them over the years; tags of a company's own are not in the SEC's facts.
"""

Ways = tuple[tuple[str, ...], ...]

CASH, INVESTMENTS = "CashAndCashEquivalentsAtCarryingValue", "ShortTermInvestments"
DUE, BORROWED, PAPER = "LongTermDebtCurrent", "ShortTermBorrowings", "CommercialPaper"

FLOWS: dict[str, Ways] = {
    "operating_income": (("OperatingIncomeLoss",),),
    "depreciation_amortization": (
        ("DepreciationDepletionAndAmortization",),
        ("DepreciationAmortizationAndAccretionNet",),
        ("DepreciationAndAmortization",),
        ("Depreciation", "AmortizationOfIntangibleAssets"),
        ("Depreciation",),
    ),
    "interest_expense": (
        ("InterestExpense",),
        ("InterestExpenseNonoperating",),
        ("InterestExpenseDebt",),
        ("InterestAndDebtExpense",),
    ),
    "revenue": (
        ("Revenues",),
        ("RevenueFromContractWithCustomerExcludingAssessedTax",),
        ("RevenueFromContractWithCustomerIncludingAssessedTax",),
        ("SalesRevenueNet",),
    ),
}
STOCKS: dict[str, Ways] = {
    "short_term_debt": (
        ("DebtCurrent",),
        (DUE, BORROWED, PAPER),
        (DUE, BORROWED),
        (DUE, PAPER),
        (DUE,),
        (BORROWED, PAPER),
        (BORROWED,),
        (PAPER,),
        ("ConvertibleDebtCurrent",),
        ("ConvertibleNotesPayableCurrent",),
    ),
    "long_term_debt": (
        ("LongTermDebtNoncurrent",),
        ("LongTermDebtAndCapitalLeaseObligations",),
        ("ConvertibleNotesPayableNoncurrent",),
        ("ConvertibleLongTermNotesPayable",),
        ("ConvertibleDebtNoncurrent",),
        ("SeniorLongTermNotes",),
        ("LongTermDebt",),  # with what is due within a year; where it is not split
    ),
    "cash": (
        ("CashCashEquivalentsAndShortTermInvestments",),
        (CASH, INVESTMENTS),
        (CASH, "MarketableSecuritiesCurrent"),
        (CASH, "AvailableForSaleSecuritiesDebtSecuritiesCurrent"),
        (CASH,),
    ),
    "total_assets": (("Assets",),),
    "total_liabilities": (("Liabilities",),),
    "total_equity": (
        ("StockholdersEquity",),
        ("StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",),
    ),
}
DEBT = ("short_term_debt", "long_term_debt")
SHARES = "EntityCommonStockSharesOutstanding"  # on the cover of a report, some weeks after the period's end

TAGS = frozenset({SHARES} | {tag for ways in (*FLOWS.values(), *STOCKS.values()) for way in ways for tag in way})
