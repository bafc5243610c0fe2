"""Rate decisions and recessions: the tables of public facts, checked, and cut at `as_of` like every other data.

Nothing here is estimated. What follows from the tables (cycles, states) is worked out in `stats.policy_cycles`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import pandas as pd

from research_lib.data.catalog import PERCENT
from research_lib.errors import DataError, InsufficientDataError

FACTS = files("research_lib.data") / "facts"
CHANGES_FILE = FACTS / "fomc_target_changes.csv"
UNSCHEDULED_FILE = FACTS / "fomc_unscheduled.csv"
RECESSIONS_FILE = FACTS / "nber_recessions.csv"

ANNOUNCED_SINCE = pd.Timestamp("1994-02-04")  # the first decision that was announced on its day
RANGE_SINCE = pd.Timestamp("2008-12-16")  # a range in place of one rate
RANGE_WIDTH_BP = 25.0
EMERGENCY_SUNDAYS = frozenset({pd.Timestamp("2020-03-15")})
LONGEST_DELAY_DAYS = 1  # from a decision to the day it takes effect
TOLERANCE_BP = 1e-6  # rates are whole sixteenths of a percent, exact in binary: only scaling rounds

# No announcement of a peak came more than a year after it; before 1980 there were none.
UNANNOUNCED_LAG = pd.DateOffset(months=12)

# It strayed most in the first week of the table (87 bp), and in late 2008, when reserves became ample (71 bp).
STRAY_BP = 100.0
LARGE_CHANGE_BP = 25.0

CHANGE_COLUMNS = ("decision_date", "effective_date", "target_lower_pct", "target_upper_pct", "change_bp", "announced")
RECESSION_COLUMNS = ("peak", "trough", "peak_announced", "trough_announced")


@dataclass(frozen=True)
class EffectiveRateCheck:
    """How the effective federal funds rate went with the target table.

    Attributes
    ----------
    n : int
        Targets in force while the rate is known.
    median_gap_bp : float
        Median over targets of the absolute gap between the median effective rate and the target's middle.
    largest_gap_bp : float
        The largest such gap, with its sign.
    largest_on : str
        The decision it followed.
    n_large, same_direction : int, float
        Changes of at least 25 bp, and the share of them that the median effective rate followed in sign.
    """

    n: int
    median_gap_bp: float
    largest_gap_bp: float
    largest_on: str
    n_large: int
    same_direction: float


def load_target_changes(*, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
    """Load every change of the federal funds target that was decided up to `as_of`.

    Returns
    -------
    DataFrame
        Index `decision_date`, ascending; columns `effective_date`, `target_lower`, `target_upper` (decimals),
        `change_bp` (of the upper bound), `announced`, and `scheduled` (missing before 1994, when nobody was told).

    Raises
    ------
    DataError
        A row contradicts another, or itself; the message names it.
    InsufficientDataError
        Nothing was decided up to `as_of`.
    """
    changes = read_target_changes(CHANGES_FILE, as_of=as_of)
    return changes.assign(scheduled=_mark_scheduled(changes.index, _read(UNSCHEDULED_FILE, ("decision_date",))))


def read_target_changes(file: Traversable, *, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
    """Read and check a table of target changes; as `load_target_changes`, without the column `scheduled`."""
    table = _read(file, CHANGE_COLUMNS)
    decided = _dates(table, "decision_date", file)
    known = decided <= as_of if as_of is not None else decided.notna()
    table, decided = table[known], decided[known]
    if table.empty:
        raise InsufficientDataError(f"{file.name}: no target change is known up to as_of {as_of:%Y-%m-%d}")
    lower, upper = (_numbers(table, f"target_{side}_pct", file) for side in ("lower", "upper"))
    changes = pd.DataFrame(
        {
            "decision_date": decided,
            "effective_date": _dates(table, "effective_date", file),
            "target_lower": lower * PERCENT,
            "target_upper": upper * PERCENT,
            "change_bp": _numbers(table, "change_bp", file),
            "announced": _flags(table, "announced", file),
        }
    )
    _stop_at(_dating_faults(changes), changes, file)
    _stop_at(_target_faults(changes), changes, file)
    return changes.set_index("decision_date")


def load_recessions(*, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
    """Load the US recessions that were known by `as_of`.

    Returns
    -------
    DataFrame
        One row a recession, ascending; `peak` and `trough` are the last days of the months, `peak_announced` and
        `trough_announced` the days they became known. NaT where there was no announcement (before 1980), and for
        a trough that was not known yet.

    Raises
    ------
    DataError
        A row contradicts another, or itself; the message names it.
    """
    return read_recessions(RECESSIONS_FILE, as_of=as_of)


def read_recessions(file: Traversable, *, as_of: pd.Timestamp | None = None) -> pd.DataFrame:
    """Read and check a table of recessions; as `load_recessions`."""
    table = _read(file, RECESSION_COLUMNS)
    months = {name: _dates(table, name, file, form="%Y-%m") + pd.offsets.MonthEnd(0) for name in ("peak", "trough")}
    announced = {name: _dates(table, name, file, optional=True) for name in ("peak_announced", "trough_announced")}
    recessions = pd.DataFrame({**months, **announced})
    _stop_at(_recession_faults(recessions), recessions, file)
    if as_of is None:
        return recessions.reset_index(drop=True)
    known = recessions[known_from(recessions, "peak") <= as_of]
    unknown = known_from(known, "trough") > as_of
    hidden = known.assign(**{name: known[name].mask(unknown) for name in ("trough", "trough_announced")})
    return hidden.reset_index(drop=True)


def known_from(recessions: pd.DataFrame, turn: str) -> "pd.Series[pd.Timestamp]":
    """Say when each `peak` or `trough` could be known: when announced; without announcement, a year after it."""
    return recessions[f"{turn}_announced"].fillna(recessions[turn] + UNANNOUNCED_LAG)


def check_effective_rate(changes: pd.DataFrame, effective: "pd.Series[float]") -> EffectiveRateCheck:
    """Check that the effective federal funds rate moved with the target table.

    Parameters
    ----------
    changes : DataFrame
        As `load_target_changes` gives it.
    effective : Series of shape (days,)
        Daily effective rate (FRED's DFF), decimals.

    Raises
    ------
    DataError
        While a target was in force the rate's median was further from it than it ever was.
    InsufficientDataError
        The rate ends before the second target.
    """
    spans = _median_rates(changes, effective)
    if len(spans) < 2:
        raise InsufficientDataError("DFF: it covers fewer than two of the table's targets, so that nothing is checked")
    gaps = ((spans["rate"] - spans["target"]) * 1e4).to_numpy()
    worst = int(np.abs(gaps).argmax())
    decision = f"{spans.index[worst]:%Y-%m-%d}"
    if abs(gaps[worst]) > STRAY_BP:
        raise DataError(
            f"{CHANGES_FILE.name}, decision {decision}: the effective rate was {gaps[worst]:+.0f} bp from the target "
            f"while it was in force; at most {STRAY_BP:.0f} bp is allowed"
        )
    moved, meant = spans["rate"].diff(), spans["change_bp"]
    large = (meant.abs() >= LARGE_CHANGE_BP) & moved.notna()
    followed = float((np.sign(moved[large]) == np.sign(meant[large])).mean())
    gap = float(np.median(np.abs(gaps)))
    return EffectiveRateCheck(len(spans), gap, float(gaps[worst]), decision, int(large.sum()), followed)


def _median_rates(changes: pd.DataFrame, effective: "pd.Series[float]") -> pd.DataFrame:
    """Take the effective rate's median while each target was in force: a year's last day has seen 14%."""
    starts = pd.DatetimeIndex(changes["effective_date"])
    row = starts.searchsorted(effective.index, side="right") - 1
    medians = effective[row >= 0].groupby(row[row >= 0]).median()
    spans = changes.iloc[medians.index.to_numpy()]
    middle = (spans["target_lower"] + spans["target_upper"]) / 2
    return pd.DataFrame({"rate": medians.to_numpy(), "target": middle, "change_bp": spans["change_bp"]})


def _dating_faults(changes: pd.DataFrame) -> Iterator[tuple[int, str]]:
    decided, effective = changes["decision_date"], changes["effective_date"]
    previous = decided.shift()
    for row in _lines(changes):
        day = decided[row]
        if day.day_of_week >= 5 and day not in EMERGENCY_SUNDAYS:
            allowed = ", ".join(f"{sunday:%Y-%m-%d}" for sunday in sorted(EMERGENCY_SUNDAYS))
            yield row, f"decided on a {day:%A}; only emergency Sundays are known ({allowed})"
        if day <= previous[row]:
            yield row, f"not after the row before ({previous[row]:%Y-%m-%d})"
        if not 0 <= (effective[row] - day).days <= LONGEST_DELAY_DAYS:
            yield row, f"takes effect on {effective[row]:%Y-%m-%d}; allowed is the same day or the next"
        if changes["announced"][row] != (day >= ANNOUNCED_SINCE):
            needed = day >= ANNOUNCED_SINCE
            yield row, f"announced must be {needed}: announcements began on {ANNOUNCED_SINCE:%Y-%m-%d}"


def _target_faults(changes: pd.DataFrame) -> Iterator[tuple[int, str]]:
    """Compare upper bounds: through 2008-12-16 too, when 1.00% became 0 to 0.25%, which counts as 75 bp."""
    moved = changes["target_upper"].diff() * 1e4
    width = (changes["target_upper"] - changes["target_lower"]) * 1e4
    for row in _lines(changes):
        day = changes["decision_date"][row]
        stated, needed = changes["change_bp"][row], RANGE_WIDTH_BP if day >= RANGE_SINCE else 0.0
        if abs(width[row] - needed) > TOLERANCE_BP:
            yield row, f"the target is {width[row]:g} bp wide; it must be {needed:g}"
        if abs(stated) <= TOLERANCE_BP:
            yield row, "change_bp is 0: the table holds changes only"
        if abs(moved[row] - stated) > TOLERANCE_BP:  # never true of the first row, which has none before it
            yield row, f"the target moved {moved[row]:g} bp, but change_bp is {stated:g}: a wrong sum, or a gap"


def _recession_faults(recessions: pd.DataFrame) -> Iterator[tuple[int, str]]:
    previous = recessions["trough"].shift()
    for row in _lines(recessions):
        turns = recessions.loc[row]
        if not turns["peak"] < turns["trough"]:
            yield row, "the trough is not after the peak"
        if turns["peak"] <= previous[row]:
            yield row, f"the peak is not after the trough of the row before ({previous[row]:%Y-%m})"
        for turn in ("peak", "trough"):
            if turns[f"{turn}_announced"] <= turns[turn]:
                yield row, f"the {turn} was announced before its month was over"


def _mark_scheduled(decided: pd.Index, unscheduled: pd.DataFrame) -> "pd.Series[bool]":
    between = _dates(unscheduled, "decision_date", UNSCHEDULED_FILE)
    unknown = between[~between.isin(decided) & (between <= decided[-1])]
    if not unknown.empty:
        row = _lines(unknown)[0]
        raise DataError(f"{UNSCHEDULED_FILE.name}, row {row} ({unknown.iloc[0]:%Y-%m-%d}): no change of that day")
    scheduled = pd.Series(~decided.isin(between), decided, dtype="boolean")
    return scheduled.mask(decided < ANNOUNCED_SINCE)


def _read(file: Traversable, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table of texts whose index is the line number in the file."""
    with file.open(encoding="utf-8") as lines:
        table = pd.read_csv(lines, dtype=str, keep_default_na=False)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise DataError(f"{file.name}: no column {missing[0]}; it must have {', '.join(columns)}")
    return table.set_axis(range(2, len(table) + 2))


def _dates(
    table: pd.DataFrame, column: str, file: Traversable, *, form: str = "%Y-%m-%d", optional: bool = False
) -> "pd.Series[pd.Timestamp]":
    dates = pd.to_datetime(table[column], format=form, errors="coerce").astype("datetime64[us]")
    bad = dates.isna() & ~(table[column].eq("") & optional)
    _stop_at(((row, f"{column} {table[column][row]!r} is no date") for row in _lines(table[bad])), None, file)
    return dates


def _numbers(table: pd.DataFrame, column: str, file: Traversable) -> "pd.Series[float]":
    numbers = pd.to_numeric(table[column], errors="coerce").astype(float)
    bad = ~np.isfinite(numbers)
    _stop_at(((row, f"{column} {table[column][row]!r} is no number") for row in _lines(table[bad])), None, file)
    return numbers


def _flags(table: pd.DataFrame, column: str, file: Traversable) -> "pd.Series[bool]":
    bad = ~table[column].isin(["True", "False"])
    faults = ((row, f"{column} {table[column][row]!r} must be True or False") for row in _lines(table[bad]))
    _stop_at(faults, None, file)
    return table[column] == "True"


def _stop_at(faults: Iterator[tuple[int, str]], table: pd.DataFrame | None, file: Traversable) -> None:
    for row, fault in faults:
        when = "" if table is None else f" ({table.iloc[:, 0][row]:%Y-%m-%d})"
        raise DataError(f"{file.name}, row {row}{when}: {fault}")


def _lines(table: "pd.DataFrame | pd.Series[Any]") -> list[int]:
    """Return the line numbers that are a table's index."""
    return [int(line) for line in table.index]
