"""What is wrong with a series, found before it is used.

A fault stops the run where no number made from such data could be trusted. Else it is on the data card, with its
number and first case: it is harmless, a row was left out, or it may be true. Nothing is ever repaired.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data.calendar import CHECKED_FROM, is_finished, sessions_between
from research_lib.data.catalog import AssetInfo, SeriesInfo
from research_lib.data.readers import SHOWN, clipped, no_number, to_dates, to_numbers
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError


class FaultKind(StrEnum):
    """The kinds of fault, in the words that the user reads."""

    BAD_VALUE = "not a number"
    DUPLICATE_DATE = "the date stands twice"
    NON_POSITIVE = "a price that is not positive"
    UNSORTED = "dates not in order (sorted)"
    MISSING_VALUE = "no value (left out)"
    VOLUME_ONLY = "a volume but no price (left out)"
    UNFINISHED = "the session is not over yet (left out)"
    MISSING_SESSION = "an exchange session is missing"
    NOT_A_SESSION = "no exchange session on this date"
    OTHER_CALENDAR = "not a session in New York: another exchange's calendar?"
    MISSING_PERIOD = "a month or quarter is missing"
    GAP = "no value for more than a month"
    SPIKE = "a jump that reverses within a week"
    STEP = "a step of 25% or more that stays"
    SUSPECT_SPLIT = "a step like a split"
    FAR_OUT = "a value far outside what is usual: another unit?"
    SMALL_RATE = "small for a rate in percent: decimals?"
    STALE = "the same value again and again"
    UNMATCHED = "no row of this company and year in the other file (left out)"
    PUBLISHED_EARLY = "published before its period ended (left out)"
    UNDATED = "no date on which it was known (left out)"
    OTHER_CURRENCY = "in another currency than most (set aside in sums)"
    PART_OF_A_YEAR = "a quarter without the three before it (left out)"
    BAD_PRICE = "a price that is not positive (left out)"
    NO_ANNUAL_REPORT = "no annual report in US GAAP and dollars (left out)"
    NO_MARKET_VALUE = "no market value"
    NO_SHARES = "no count of shares on the report's cover"
    SHARE_CLASS = "a second share class of the same company (left out)"
    IFRS = "reports under IFRS, not US GAAP (left out)"
    OUTVOTED_DATE = "a period that the rest of its filing contradicts (left out)"
    RESTATED = "restated: known from the restatement"
    UNIT_STEP = "amounts about 1,000 times those of the year before"
    UNKNOWN_DEBT = "no debt tagged (unknown, not zero)"
    SHORTER_HISTORY = "an accepted snapshot is shorter than the one before"


STOPPING = frozenset({FaultKind.BAD_VALUE, FaultKind.DUPLICATE_DATE, FaultKind.NON_POSITIVE})

USUAL_VOLATILITY = (4.0, 120.0)  # in points
SPIKE_RETURN = 0.25  # larger than any one-day move of a US index, 1987-10-19 (-20.5%) included
SPIKE_REVERSAL = 0.8  # at least this share of the jump is undone
SPIKE_SESSIONS = 5
VOLATILITY_FACTOR = 4.0  # volatility indices more than double in a day (2018-02-05), but do not quadruple
STALE_SESSIONS = 6  # equal closes in a row; indices quoted to two digits repeat once or twice by chance
STALE_PERIODS = {"monthly": 12, "quarterly": 8}
STALE_DAYS = 25

# A day's own move hides less than the tolerance of a split's factor.
SPLIT_FACTORS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 50, 100], dtype=float)
SPLIT_TOLERANCE = 0.05

FEWEST_FOR_UNIT = 12  # values, before their median says something of their unit
MOSTLY = 0.9
SMALLEST_USUAL_RATE = 0.1  # percent; short rates were below it from 2009 to 2015
FAR_OUT_FACTOR = 5.0
OTHER_CALENDAR_SHARE = 0.02  # dates that are no sessions; a few are typing errors
LONGEST_GAP_DAYS = 31

Where: TypeAlias = "NDArray[np.bool_] | pd.Series[bool]"  # a mask over the rows of a table


@dataclass(frozen=True)
class Fault:
    """What was found: in which row of the source (None: in no row), on which date, and how many cases it stands for."""

    kind: str
    row: int | None
    date: str
    detail: str = ""
    n: int = 1

    @property
    def stops(self) -> bool:
        """Say whether the run stops."""
        return self.kind in STOPPING

    @property
    def case(self) -> str:
        """Name the case by its date, else its row, and its detail."""
        place = self.date or (f"row {self.row}" if self.row is not None else "")
        return f"{place} ({self.detail})" if place and self.detail else place or self.detail

    def __str__(self) -> str:
        place = f"row {self.row}" if self.row is not None else self.date
        shown = f" ({self.date})" if self.row is not None and self.date else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{place}{shown}: {self.kind}{detail}"


@dataclass(frozen=True)
class CleanSeries:
    """A series that can be used: float64 on a sorted, unique, tz-naive index named `date`; and what was found."""

    values: "pd.Series[float]"
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Expectation:
    """What a series should be.

    Attributes
    ----------
    positive : bool
        A price: zero or less stops the run.
    traded : bool
        A price of shares: steps and stale runs are reported.
    daily : bool
        Missing exchange sessions are reported.
    frequency : str
        Monthly and quarterly values are dated by their period's last day, the first on which they can be known,
        whatever day of it the source writes (FRED writes the first). Empty: as the dates show.
    usual : tuple of float
        The median size lies between these; else the series is in another unit, which stops the run.
    """

    positive: bool
    traded: bool
    daily: bool
    frequency: str = "daily"
    usual: tuple[float, float] = (0.0, float("inf"))


def expect_of(info: AssetInfo | SeriesInfo) -> Expectation:
    """Return what a price or series should be, by its metadata."""
    if isinstance(info, SeriesInfo):
        return Expectation(False, False, False, info.frequency, info.usual)
    volatility = info.kind == "volatility"
    usual = USUAL_VOLATILITY if volatility else (0.0, float("inf"))
    return Expectation(True, not volatility, info.kind != "currency", usual=usual)


def check_loads(raw: RawSeries, info: AssetInfo | SeriesInfo) -> None:
    """Raise `DataError` where a fault would stop the load of a series."""
    with suppress(InsufficientDataError):  # nothing finished yet is no fault
        clean(raw, expect=expect_of(info))


def clean(
    raw: RawSeries, *, expect: Expectation, as_of: pd.Timestamp | None = None, now: pd.Timestamp | None = None
) -> CleanSeries:
    """Cut a series at `as_of`, find its faults, and leave out what cannot be used.

    No value dated after `as_of` is looked at, so that it can change nothing; a row whose date cannot be read stops
    the run, for it could be any date.

    Parameters
    ----------
    raw : RawSeries
        The series as its source holds it.
    expect : Expectation
        What it should be.
    as_of : Timestamp, optional
        The last date that may be known; without it, all of the series.
    now : Timestamp, optional
        The present, tz-aware: decides whether the last session is over.

    Raises
    ------
    DataError
        A fault stops the run; the message names the first ones with their rows.
    InsufficientDataError
        Nothing is left.
    """
    dates = to_dates(raw.dates, raw.origin)
    frequency = expect.frequency or _infer_frequency(dates)
    if frequency in ("monthly", "quarterly"):
        dates = dates + (pd.offsets.MonthEnd(0) if frequency == "monthly" else pd.offsets.QuarterEnd(0))
    table = _cut(pd.DataFrame({"date": dates, "cell": raw.values}), as_of, raw)
    table, faults = _parse_values(table, expect, raw)
    table, unfinished = _leave_out_unfinished(table, now or pd.Timestamp.now("UTC"))
    if table.empty:
        raise InsufficientDataError(f"{raw.id}: {raw.origin} holds no finished session")
    if not table["date"].is_monotonic_increasing:
        backwards = (table["date"].diff() < pd.Timedelta(0)).to_numpy()
        newest_first = table["date"].is_monotonic_decreasing  # the order in which some vendors write
        faults += [] if newest_first else _find(table, backwards, FaultKind.UNSORTED)[:1]
        table = table.sort_values("date")
    _check_unit(table["value"].to_numpy(), expect, raw)
    checks = [
        *(_calendar_faults(table) if expect.daily else _period_faults(table, frequency)),
        *_jumps(table, expect, raw.splits),
        *_unusual(table, expect, raw),
        *_stale_runs(table, expect, frequency),
    ]
    values = pd.Series(table["value"].to_numpy(dtype=float), pd.DatetimeIndex(table["date"], name="date"), name=raw.id)
    return CleanSeries(values, (*faults, *unfinished, *checks))


def count_faults(faults: Iterable[Fault]) -> dict[str, int]:
    """Count the cases of each kind."""
    counts: dict[str, int] = {}
    for fault in faults:
        counts[fault.kind] = counts.get(fault.kind, 0) + fault.n
    return counts


def _infer_frequency(dates: "pd.Series[pd.Timestamp]") -> str:
    """Firsts of months are how monthly and quarterly values are usually dated."""
    if len(dates) < 2 or (dates.dt.day != 1).any():
        return "daily"
    return "quarterly" if len(dates) > 3 and dates.dt.month.isin([1, 4, 7, 10]).all() else "monthly"


def _cut(table: pd.DataFrame, as_of: pd.Timestamp | None, raw: RawSeries) -> pd.DataFrame:
    if as_of is None:
        return table
    kept = table[table["date"] <= as_of]
    if kept.empty and len(table):
        raise InsufficientDataError(
            f"{raw.id}: {raw.origin} begins on {table['date'].min().date()}, after as_of {as_of.date()}; "
            f"give a later as_of or leave {raw.id} out"
        )
    return kept


def _parse_values(table: pd.DataFrame, expect: Expectation, raw: RawSeries) -> tuple[pd.DataFrame, list[Fault]]:
    values, bad = to_numbers(table["cell"])
    missing = values.isna() & ~bad
    traded = missing & (raw.volume.reindex(table.index).gt(0) if raw.volume is not None else False)

    def text(row: int) -> str:
        return no_number(table["cell"].iloc[row])

    stopping = [
        *_find(table, bad, FaultKind.BAD_VALUE, text),
        *_find(table, table["date"].duplicated(), FaultKind.DUPLICATE_DATE),
        *(_find(table, values <= 0, FaultKind.NON_POSITIVE, text) if expect.positive else ()),
    ]
    if stopping:
        shown, many = stopping[:SHOWN], sum(fault.n for fault in stopping)
        more = f"; and {many - len(shown):,} more" if many > len(shown) else ""
        raise DataError(f"{raw.origin}, {'; '.join(map(str, shown))}{more}")
    left_out = [
        *_find(table, missing & ~traded, FaultKind.MISSING_VALUE),
        *_find(table, traded, FaultKind.VOLUME_ONLY),
    ]
    return table.assign(value=values)[~missing], left_out


def _leave_out_unfinished(table: pd.DataFrame, now: pd.Timestamp) -> tuple[pd.DataFrame, list[Fault]]:
    recent = table["date"] >= now.tz_localize(None).normalize() - pd.Timedelta(days=1)
    if not recent.any():
        return table, []
    unfinished = recent & ~table["date"].where(recent, pd.Timestamp.min).map(lambda day: is_finished(day, now))
    return table[~unfinished], _find(table, unfinished, FaultKind.UNFINISHED)


def _check_unit(values: NDArray[np.float64], expect: Expectation, raw: RawSeries) -> None:
    """Stop where the values are so small, large or negative that they must be in another unit."""
    if len(values) < FEWEST_FOR_UNIT or raw.decimal:
        return
    (low, high), typical = expect.usual, float(np.median(np.abs(values)))
    if not low <= typical <= high:
        hint = "decimals in place of percent" if typical < low else "basis points, or percent in place of decimals"
        raise DataError(
            f"{raw.origin}: the median is {typical:.4g}, but for {raw.id} it lies between {low:g} and {high:g}: "
            f"another unit ({hint})? Write it in the unit in which it is published"
        )
    if low and float(np.mean(values < 0)) > MOSTLY:
        raise DataError(f"{raw.origin}: nearly all values are negative, which {raw.id} never was: a wrong sign?")


def _calendar_faults(table: pd.DataFrame) -> list[Fault]:
    dates = pd.DatetimeIndex(table["date"])
    sessions = sessions_between(dates[0], dates[-1])
    strange = ((dates >= CHECKED_FROM) & ~dates.isin(sessions)).astype(bool)
    if strange.mean() > OTHER_CALENDAR_SHARE and strange.sum() > 3:
        return _find(table, strange, FaultKind.OTHER_CALENDAR)
    missing = sessions.difference(dates)
    absent = [Fault(FaultKind.MISSING_SESSION, None, str(missing[0].date()), n=len(missing))] if len(missing) else []
    return [*absent, *_find(table, strange, FaultKind.NOT_A_SESSION)]


def _period_faults(table: pd.DataFrame, frequency: str) -> list[Fault]:
    """Find missing months or quarters; of days, gaps of more than a month."""
    dates = table["date"]
    if frequency in ("monthly", "quarterly"):
        every = pd.date_range(dates.iloc[0], dates.iloc[-1], freq="ME" if frequency == "monthly" else "QE")
        missing = every.difference(pd.DatetimeIndex(dates))
        return [Fault(FaultKind.MISSING_PERIOD, None, str(missing[0])[:7], n=len(missing))] if len(missing) else []
    days = dates.diff().dt.days.to_numpy()
    return _find(table, days > LONGEST_GAP_DAYS, FaultKind.GAP, lambda row: f"{days[row]:.0f} days")


def _jumps(table: pd.DataFrame, expect: Expectation, splits: "pd.Series[float] | None") -> list[Fault]:
    """Find jumps that reverse within a week, and steps that stay: near a whole factor they are like a split."""
    if not expect.positive:
        return []
    values = table["value"].to_numpy()
    moves = np.diff(np.log(values))
    limit = np.log1p(SPIKE_RETURN) if expect.traded else np.log(VOLATILITY_FACTOR)
    found: dict[FaultKind, list[int]] = {FaultKind.SPIKE: [], FaultKind.STEP: [], FaultKind.SUSPECT_SPLIT: []}
    reversed_until = -1
    for start in map(int, np.flatnonzero(np.abs(moves) > limit)):
        if start <= reversed_until:
            continue
        undone = -np.cumsum(moves[start + 1 : start + 1 + SPIKE_SESSIONS]) / moves[start]
        reversal = np.flatnonzero(undone >= SPIKE_REVERSAL)
        factor = np.exp(abs(moves[start]))
        if reversal.size:
            found[FaultKind.SPIKE].append(start + 1)
            reversed_until = start + 1 + int(reversal[0])
        elif np.abs(factor / SPLIT_FACTORS - 1).min() < SPLIT_TOLERANCE:
            found[FaultKind.SUSPECT_SPLIT].append(start + 1)
        elif not 1 - SPIKE_RETURN < values[start + 1] / values[start] < 1 + SPIKE_RETURN:
            found[FaultKind.STEP].append(start + 1)

    def step(row: int) -> str:
        ratio = values[row] / values[row - 1]
        factor = max(ratio, 1 / ratio)
        nearest = SPLIT_FACTORS[np.abs(factor / SPLIT_FACTORS - 1).argmin()]
        like = f", near {nearest:g}" if abs(factor / nearest - 1) < SPLIT_TOLERANCE else ""
        recorded = float(splits[table.index[row]]) if splits is not None else np.nan
        known = f"; a split of {recorded:g} is recorded, but still in the prices" if recorded > 0 else "; none recorded"
        return f"x {ratio:.4g}{like}{known if splits is not None and like else ''}"

    masks = {kind: np.isin(np.arange(len(values)), rows) for kind, rows in found.items() if rows}
    return [fault for kind, mask in masks.items() for fault in _find(table, mask, kind, step)]


def _unusual(table: pd.DataFrame, expect: Expectation, raw: RawSeries) -> list[Fault]:
    """Find single values in another unit, and rates so small that they may be decimals."""
    low, high = expect.usual
    if np.isinf(high) or raw.decimal:
        return []
    values = table["value"].to_numpy()
    faults = _find(table, np.abs(values) > FAR_OUT_FACTOR * high, FaultKind.FAR_OUT, lambda row: f"{values[row]:g}")
    small = (
        not low and not expect.positive and len(values) >= FEWEST_FOR_UNIT and np.median(values) < SMALLEST_USUAL_RATE
    )
    return faults + (_find(table, values < SMALLEST_USUAL_RATE, FaultKind.SMALL_RATE) if small else [])


def _stale_runs(table: pd.DataFrame, expect: Expectation, frequency: str) -> list[Fault]:
    low, high = expect.usual
    if not low and np.isfinite(high):
        return []  # short rates stand still for months
    longest = STALE_SESSIONS if expect.traded else STALE_PERIODS.get(frequency, STALE_DAYS)
    values = table["value"].to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], np.diff(values) != 0]))
    lengths = np.diff(np.concatenate([starts, [len(values)]]))
    stale = dict(zip(starts[lengths >= longest], lengths[lengths >= longest], strict=True))
    mask = np.isin(np.arange(len(values)), list(stale))
    return _find(table, mask, FaultKind.STALE, lambda row: f"{values[row]:g}, {stale[row]:,} times in a row")


def _find(
    table: pd.DataFrame, where: Where, kind: FaultKind, detail: Callable[[int], str] = lambda _: ""
) -> list[Fault]:
    """Return the first cases; the last of them stands for those that come after it too."""
    at = np.flatnonzero(where)
    shown = at[:SHOWN]
    return [
        Fault(
            kind,
            int(table.index[row]),
            str(table["date"].iloc[row].date()),
            clipped(detail(row), 80),
            n=len(at) - len(shown) + 1 if row == shown[-1] else 1,
        )
        for row in shown
    ]
