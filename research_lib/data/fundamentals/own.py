"""One's own fundamentals: `fundamentals.csv` (or `.parquet`) in the data folder, in the kit's columns."""

from pathlib import Path

import pandas as pd

from research_lib.data.fundamentals.columns import COLUMNS, FLOWS
from research_lib.data.fundamentals.simfin import Parts
from research_lib.data.fundamentals.tables import TableFile, read_table, require_unique
from research_lib.data.quality import Fault, FaultKind
from research_lib.errors import DataError

STEM = "fundamentals"
PERIODS = ("FY", "Q1", "Q2", "Q3", "Q4")

# From the first of four quarters' ends to the last: three quarters, of 13 weeks or of 14 at most.
THREE_QUARTERS_DAYS = (265, 285)


def find_own(directory: Path) -> Path | None:
    """Return the user's own file, if there is one."""
    paths = (directory / f"{STEM}{suffix}" for suffix in (".csv", ".parquet"))
    return next((path for path in paths if path.is_file()), None)


def read_own(path: Path) -> Parts:
    """Read the user's own file; missing debt stays missing, because no one said that it is zero.

    Flows of quarters are summed to the last four, so that a row always covers a year.
    """
    required = {column.name: column.kind for column in COLUMNS if column.required}
    optional = {column.name: column.kind for column in COLUMNS if not column.required}
    frame = read_table(TableFile(path, path.name, required, optional))
    frame = frame.assign(fiscal_period=_periods(frame, path.name))
    require_unique(frame, ["company", "fiscal_year", "fiscal_period"], path.name)
    rows, faults = _sum_quarters(frame)
    return Parts(_with_origins(rows, path.name), faults)


def _periods(frame: pd.DataFrame, shown: str) -> "pd.Series[str]":
    if "fiscal_period" not in frame:
        return pd.Series("FY", frame.index, dtype="str")
    periods = frame["fiscal_period"].fillna("FY")
    bad = periods[~periods.isin(PERIODS)]
    if not bad.empty:
        raise DataError(f"{shown}, row {bad.index[0]}: fiscal_period {bad.iloc[0]!r}; allowed: {', '.join(PERIODS)}")
    return periods


def _sum_quarters(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Fault, ...]]:
    quarters = frame[frame["fiscal_period"] != "FY"].sort_values(["company", "period_end"], kind="stable")
    if quarters.empty:
        return frame, ()
    by_company = quarters.groupby("company", sort=False)
    days = (quarters["period_end"] - by_company["period_end"].shift(3)).dt.days
    whole = days.between(*THREE_QUARTERS_DAYS)
    flows = [name for name in FLOWS if name in frame]
    sums = quarters[flows] + by_company[flows].shift(1) + by_company[flows].shift(2) + by_company[flows].shift(3)
    # The sum is known when the last of the four was published.
    known = pd.concat([by_company["known_from"].shift(lag) for lag in range(4)], axis=1).max(axis=1)
    years = quarters.assign(**{name: sums[name] for name in flows}, known_from=known)[whole]
    faults = tuple(
        Fault(FaultKind.PART_OF_A_YEAR, int(row), str(day)[:10], str(company))
        for row, day, company in quarters.loc[~whole, ["known_from", "company"]].itertuples()
    )
    return pd.concat([frame[frame["fiscal_period"] == "FY"], years]), faults


def _with_origins(rows: pd.DataFrame, shown: str) -> pd.DataFrame:
    if "market_value" not in rows and {"price", "shares"} <= set(rows):
        rows = rows.assign(market_value=rows["price"] * rows["shares"], market_value_from=f"{shown}: price x shares")
    origins = dict.fromkeys(("debt_from", "depreciation_from", "market_value_from"), shown)
    return rows.assign(**{name: origin for name, origin in origins.items() if name not in rows})
