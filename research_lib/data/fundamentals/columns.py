"""The columns of a table of fundamentals, and what a value in each of them means."""

from dataclasses import dataclass

import pandas as pd

TEXT, INTEGER, NUMBER, DATE = "text", "integer", "number", "date"


@dataclass(frozen=True)
class Column:
    """One column: its name, the kind of its values, what they mean, and whether a user's own file must have it."""

    name: str
    kind: str
    meaning: str
    required: bool = False


COLUMNS = (
    Column("company", TEXT, "the symbol or name that a company has in the price panel too", required=True),
    Column("fiscal_year", INTEGER, "as the company or vendor counts it", required=True),
    Column("fiscal_period", TEXT, "FY, or Q1 to Q4: quarters are summed to the last four"),
    Column("period_end", DATE, "the last day that the statements cover", required=True),
    Column("known_from", DATE, "publication: the first day on which anyone could know the row", required=True),
    Column("restated_on", DATE, "when the values that stand here were last restated, if that is said"),
    Column("currency", TEXT, "of all amounts, three letters", required=True),
    Column("sector", TEXT, "the sector, where the source has one"),
    Column("short_term_debt", NUMBER, "debt due within a year", required=True),
    Column("long_term_debt", NUMBER, "all other debt", required=True),
    Column("cash", NUMBER, "cash, equivalents and short-term investments", required=True),
    Column("operating_income", NUMBER, "of the year, before interest and tax", required=True),
    Column("depreciation_amortization", NUMBER, "of the year, positive", required=True),
    Column("interest_expense", NUMBER, "of the year, positive; net of interest income where only that is given", True),
    Column("revenue", NUMBER, "of the year"),
    Column("total_assets", NUMBER, "at the period's end"),
    Column("total_liabilities", NUMBER, "at the period's end"),
    Column("total_equity", NUMBER, "at the period's end"),
    Column("shares", NUMBER, "shares outstanding, on average over the year where that is what is given"),
    Column("price", NUMBER, "of a share on the first session from known_from on"),
    Column("market_value", NUMBER, "price x shares, in the same currency"),
    Column("debt_from", TEXT, "where the debt stands; or why it is zero"),
    Column("depreciation_from", TEXT, "where depreciation and amortization stand"),
    Column("market_value_from", TEXT, "how the market value was made"),
)

NAMES = tuple(column.name for column in COLUMNS)
FLOWS = ("operating_income", "depreciation_amortization", "interest_expense", "revenue")
_DTYPES = {TEXT: "str", INTEGER: "int64", NUMBER: "float64", DATE: "datetime64[us]"}


def in_shape(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with exactly the known columns in their types; what is absent is empty. The index is kept."""
    missing = [name for name in NAMES if name not in frame.columns]
    empty = pd.DataFrame(index=frame.index, columns=missing, dtype="float64")
    return pd.concat([frame, empty], axis=1)[list(NAMES)].astype({c.name: _DTYPES[c.kind] for c in COLUMNS})
