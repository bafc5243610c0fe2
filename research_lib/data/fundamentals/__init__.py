"""What companies owe and earn, one row a company and fiscal year, with the date from which it was known."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from research_lib.data.card import DataCard
from research_lib.data.folder import Folder
from research_lib.data.fundamentals.columns import COLUMNS, NAMES, in_shape
from research_lib.data.fundamentals.own import find_own, read_own
from research_lib.data.fundamentals.sec import read_sec
from research_lib.data.fundamentals.simfin import FOLDER, INCOME, Parts, has_files, read_simfin
from research_lib.data.live.source import Snapshots, parts_of
from research_lib.data.quality import Fault, FaultKind
from research_lib.data.source import Source
from research_lib.errors import InsufficientDataError, MissingDataError

__all__ = ["COLUMNS", "Fundamentals", "load_fundamentals", "make_fundamentals"]


@dataclass(frozen=True)
class Fundamentals:
    """A table of fundamentals and its card.

    Attributes
    ----------
    rows : DataFrame
        The columns of `COLUMNS` in their order; amounts as reported, in the row's own currency; the index is the row
        in the file that `card.origin` names first. One row a company, fiscal year and fiscal period, sorted by
        company and period end. Nothing in it was set aside for its size: `stats.ratios.impossible_rows` does that.
    card : DataCard
        Source, span of `known_from`, hash and faults. `gaps` is zero: companies come and go.
    simulated : bool
        Not a real company among them; figures and findings have to say so.
    """

    rows: pd.DataFrame
    card: DataCard
    simulated: bool = False


def load_fundamentals(source: Source, *, as_of: date | None = None) -> Fundamentals:
    """Load fundamentals, cut at `as_of` by the date from which each row was known.

    Parameters
    ----------
    source : Source
        A folder: `fundamentals.csv` or `.parquet` in the kit's columns, else SimFin's bulk files in `simfin/`; or the
        SEC's snapshots, joined with a source of prices for market values. Of several, the first that has statements.
    as_of : date, optional
        Rows published later are left out before anything else is looked at.

    Returns
    -------
    Fundamentals

    Raises
    ------
    DataError
        The source has no fundamentals; a file's columns are others than expected, a cell is no number or date, or a
        company stands twice for a period.
    InsufficientDataError
        Nothing was known by `as_of`.

    Notes
    -----
    The bundled source has no amounts of debt: see `bundled_firms.load_bundled_firms` and `simulated`.
    """
    at_date = source.at(as_of)
    for part in parts_of(at_date):
        if isinstance(part, Folder):
            parts, origin = _read_folder(part.directory)
        elif isinstance(part, Snapshots) and part.companies():
            parts, origin = read_sec(part, at_date, as_of=as_of), "annual reports as filed"
        else:
            continue
        return make_fundamentals(parts.rows, source=part.name, origin=origin, faults=parts.faults, as_of=as_of)
    raise MissingDataError(
        f"source {source.name} has no company statements; use source: folder or sec, or the bundled cross-section of "
        f"142 firms (load_bundled_firms) and the simulated panel (simulate_panel)"
    )


def make_fundamentals(
    rows: pd.DataFrame,
    *,
    source: str,
    origin: str,
    faults: Sequence[Fault] = (),
    as_of: date | None = None,
) -> Fundamentals:
    """Bring rows into shape, leave out what cannot be dated, and describe the rest; `load_fundamentals` says how."""
    shaped = in_shape(rows)
    if as_of is not None:
        shaped = shaped[~(shaped["known_from"] > pd.Timestamp(as_of))]
        faults = [fault for fault in faults if fault.date <= str(as_of)]
    usable, found = _leave_out(shaped)
    if usable.empty:
        raise InsufficientDataError(f"{origin}: holds nothing{'' if as_of is None else f' known by as_of {as_of}'}")
    usable = usable.sort_values(["company", "period_end"], kind="stable")
    card = _make_card(usable, source=source, origin=origin, faults=(*faults, *found, *_other_currencies(usable)))
    return Fundamentals(usable, card, simulated=source == "simulated")


def _read_folder(directory: Path) -> tuple[Parts, str]:
    if (own := find_own(directory)) is not None:
        return read_own(own), own.name
    if has_files(directory):
        return read_simfin(directory), f"{FOLDER}/{INCOME} and the balance, cash-flow and price files beside it"
    raise MissingDataError(
        f"data_dir {directory}: no company statements; expected fundamentals.csv with columns "
        f"{', '.join(column.name for column in COLUMNS if column.required)}, or SimFin's {FOLDER}/{INCOME}"
    )


def _leave_out(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    undated = rows["known_from"].isna() | rows["period_end"].isna()
    early = rows["known_from"] < rows["period_end"]
    faults = [*_mark(rows[undated], FaultKind.UNDATED), *_mark(rows[early], FaultKind.PUBLISHED_EARLY)]
    return rows[~undated & ~early], faults


def _other_currencies(rows: pd.DataFrame) -> list[Fault]:
    usual = rows["currency"].mode()
    return _mark(rows[rows["currency"] != usual.iloc[0]], FaultKind.OTHER_CURRENCY) if len(usual) else []


def _mark(rows: pd.DataFrame, kind: FaultKind) -> list[Fault]:
    cells = rows[["company", "fiscal_year", "known_from"]]
    return [
        Fault(kind, int(row), "" if pd.isna(known) else str(known.date()), f"{company} {year}")
        for row, company, year, known in cells.itertuples()
    ]


def _make_card(rows: pd.DataFrame, *, source: str, origin: str, faults: tuple[Fault, ...]) -> DataCard:
    hashes = pd.util.hash_pandas_object(rows[list(NAMES)], index=False).to_numpy()
    return DataCard(
        source=source,
        id="fundamentals",
        name=f"Company statements ({rows['company'].nunique():,} companies)",
        origin=origin,
        first=str(rows["known_from"].min().date()),
        last=str(rows["known_from"].max().date()),
        rows=len(rows),
        gaps=0,
        sha256=hashlib.sha256(hashes.tobytes()).hexdigest(),
        faults=faults,
    )
