"""What is wrong with a series, found before it is used.

A fault stops the run where no number made from such data could be trusted. Else it is on the data card, with its
number and first case: it is harmless, a row was left out, or it may be true. Nothing is ever repaired.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data.calendar import CHECKED_FROM, is_finished, sessions_between
from research_lib.data.catalog import AssetInfo, SeriesInfo
from research_lib.data.readers import SHOWN, clipped, quoted, to_dates, to_numbers
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


STOPPING = frozenset({FaultKind.BAD_VALUE, FaultKind.DUPLICATE_DATE, FaultKind.NON_POSITIVE})

STEP = 1.25  # larger than any one-day move of a US index, 1987-10-19 (-20.5%) included
SPIKE_REVERSAL = 0.8  # at least this share of the jump is undone
SPIKE_SESSIONS = 5
# Volatility indices more than double in a day (2018-02-05), but do not quadruple.
LARGE_MOVES = {"index": STEP, "fund": STEP, "currency": STEP, "volatility": 4.0}
SPLIT_FACTORS = np.array([1.5, *range(2, 11), 15, 20, 25, 30, 50, 100])
SPLIT_TOLERANCE = 0.05  # a day's own move hides less than this share of the factor
STALE_SESSIONS = 6  # equal closes in a row; indices quoted to two digits repeat once or twice by chance
MONTHS = {"monthly": 1, "quarterly": 3}
STALE_PERIODS = {"monthly": 12, "quarterly": 8, "daily": 25}
FEWEST_FOR_UNIT = 12  # values, before their median says something of their unit
MOSTLY = 0.9
SMALLEST_USUAL_RATE = 0.1  # percent; short rates were below it from 2009 to 2015
FAR_OUT_FACTOR = 5.0
OTHER_CALENDAR_SHARE = 0.02  # dates that are no sessions; a few are typing errors
LONGEST_GAP = np.timedelta64(31, "D")


@dataclass(frozen=True)
class Fault:
    """What was found: in which row of the source (None: in no row), on which date, and how many cases it stands for."""

    kind: str
    row: int | None
    date: str
    detail: str = ""
    n: int = 1

    @property
    def case(self) -> str:
        """Name the case by its date, else its row, and its detail."""
        place = self.date or (f"row {self.row}" if self.row is not None else "")
        return f"{place} ({self.detail})" if place and self.detail else place or self.detail

    def __str__(self) -> str:
        row = f"row {self.row}" if self.row is not None else ""
        place = f"{row} ({self.date})" if row and self.date else row or self.date
        return ": ".join(filter(None, [place, self.kind, self.detail]))


@dataclass(frozen=True)
class CleanSeries:
    """A series that can be used: float64 on a sorted, unique, tz-naive index named `date`; and what was found."""

    values: "pd.Series[float]"
    faults: tuple[Fault, ...]


class Rows(NamedTuple):
    """The rows of a series: their numbers in the source, dates (datetime64[us]) and values."""

    number: NDArray[np.int64]
    date: NDArray[np.datetime64]
    value: NDArray[np.float64]

    def take(self, which: NDArray[Any]) -> "Rows":
        """Return some rows: where a mask is true, or in another order."""
        return Rows(*(column[which] for column in self))

    def find(
        self, where: NDArray[np.bool_], kind: FaultKind, detail: Callable[[int], str] | None = None
    ) -> list[Fault]:
        """Return the first cases; the last of them stands for those that come after it too."""
        at = np.flatnonzero(where)
        return [
            Fault(
                kind,
                int(self.number[row]),
                str(self.date[row].astype("datetime64[D]")),
                clipped(detail(int(row)), 80) if detail else "",
                n=len(at) - SHOWN + 1 if shown == SHOWN else 1,
            )
            for shown, row in enumerate(at[:SHOWN], start=1)
        ]


def check_loads(raw: RawSeries, info: AssetInfo | SeriesInfo) -> None:
    """Raise `DataError` where a fault would stop the load of a series."""
    with suppress(InsufficientDataError):  # nothing finished yet is no fault
        clean(raw, info)


def clean(
    raw: RawSeries, info: AssetInfo | SeriesInfo, *, as_of: pd.Timestamp | None = None, now: pd.Timestamp | None = None
) -> CleanSeries:
    """Cut a series at `as_of`, find its faults, and leave out what cannot be used.

    No value dated after `as_of` is looked at, so that it can change nothing; a row whose date cannot be read stops
    the run, for it could be any date. Monthly and quarterly values are dated by their period's last day, the first on
    which they can be known, whatever day of it the source writes. `now` (tz-aware) decides whether a session is over.

    Raises
    ------
    DataError
        A fault stops the run; the message names the first ones with their rows.
    InsufficientDataError
        Nothing is left.
    """
    dates = to_dates(raw.dates, raw.origin).to_numpy()
    last = dates.max() if as_of is None else as_of.to_datetime64()
    frequency = info.frequency or _infer_frequency(dates[dates <= last])
    dates = _period_ends(dates, frequency)
    known = dates <= (dates.max() if as_of is None else last)
    if not known.any():
        raise InsufficientDataError(
            f"{raw.id}: {raw.origin} begins on {dates.min().astype('datetime64[D]')}, after as_of {last.astype('datetime64[D]')}; "
            f"give a later as_of or leave {raw.id} out"
        )
    rows, faults = _parse_values(raw, dates, known, positive=info.kind != "series")
    over = _is_over(rows.date, now or pd.Timestamp.now("UTC"))
    faults += rows.find(~over, FaultKind.UNFINISHED)
    rows = rows.take(over)
    if not len(rows.value):
        raise InsufficientDataError(f"{raw.id}: {raw.origin} holds no finished session")
    backwards = np.diff(rows.date, prepend=rows.date[:1]) < np.timedelta64(0)
    if not backwards[1:].all():  # newest first is the order in which some vendors write
        faults += rows.find(backwards, FaultKind.UNSORTED)[:1]
    rows = rows.take(np.argsort(rows.date))
    faults += _unit_faults(rows, info, raw)
    faults += _period_faults(rows, frequency) if info.kind in ("series", "currency") else _session_faults(rows)
    faults += _jumps(rows, raw.splits, limit=LARGE_MOVES[info.kind]) if info.kind in LARGE_MOVES else []
    faults += _stale_runs(rows, info, frequency)
    return CleanSeries(pd.Series(rows.value, pd.DatetimeIndex(rows.date, name="date"), name=raw.id), tuple(faults))


def count_faults(faults: Iterable[Fault]) -> dict[str, int]:
    """Count the cases of each kind."""
    counts: dict[str, int] = {}
    for fault in faults:
        counts[fault.kind] = counts.get(fault.kind, 0) + fault.n
    return counts


def _infer_frequency(dates: NDArray[np.datetime64]) -> str:
    """Take firsts of months for how monthly and quarterly values are usually dated."""
    months = dates.astype("datetime64[M]")
    if len(dates) < 2 or (months != dates).any():
        return "daily"
    return "quarterly" if len(dates) > 3 and (months.astype(int) % 3 == 0).all() else "monthly"


def _period_ends(dates: NDArray[np.datetime64], frequency: str) -> NDArray[np.datetime64]:
    months = MONTHS.get(frequency)
    if months is None:
        return dates
    after = (dates.astype("datetime64[M]").astype(int) // months + 1) * months
    return (after.astype("datetime64[M]").astype("datetime64[D]") - 1).astype("datetime64[us]")


def _parse_values(
    raw: RawSeries, dates: NDArray[np.datetime64], known: NDArray[np.bool_], *, positive: bool
) -> tuple[Rows, list[Fault]]:
    """Return the known rows that have a value, and what was left out; raise where a cell stops the run."""
    cells = raw.values if known.all() else raw.values[known]
    numbers, no_numbers = to_numbers(cells)
    values, bad = np.asarray(numbers, np.float64), np.asarray(no_numbers, bool)
    rows = Rows(cells.index.to_numpy(), dates[known], values)
    missing = np.isnan(values) & ~bad
    traded = missing & (raw.volume[cells.index].gt(0).to_numpy() if raw.volume is not None else False)

    def text(row: int) -> str:
        return quoted(cells.iloc[row])

    stopping = [
        *rows.find(bad, FaultKind.BAD_VALUE, text),
        *rows.find(pd.Index(rows.date).duplicated(), FaultKind.DUPLICATE_DATE),
        *(rows.find(values <= 0, FaultKind.NON_POSITIVE, text) if positive else ()),
    ]
    if stopping:
        more = sum(fault.n for fault in stopping) - len(stopping[:SHOWN])
        shown = "; ".join(map(str, stopping[:SHOWN]))
        raise DataError(f"{raw.origin}, {shown}{f'; and {more:,} more' if more else ''}")
    left_out = rows.find(missing & ~traded, FaultKind.MISSING_VALUE) + rows.find(traded, FaultKind.VOLUME_ONLY)
    return rows.take(~missing), left_out


def _is_over(dates: NDArray[np.datetime64], now: pd.Timestamp) -> NDArray[np.bool_]:
    yesterday = (now.tz_localize(None).normalize() - pd.Timedelta(days=1)).to_datetime64()
    over = dates < yesterday
    over[~over] = [is_finished(pd.Timestamp(day), now) for day in dates[~over]]
    return over


def _unit_faults(rows: Rows, info: AssetInfo | SeriesInfo, raw: RawSeries) -> list[Fault]:
    """Stop where the values must be in another unit; report where some are, and rates that may be decimals."""
    (low, high), values = info.usual, rows.value
    if len(values) < FEWEST_FOR_UNIT:
        return []
    typical = float(np.median(np.abs(values)))
    if not low <= typical <= high:
        hint = "decimals in place of percent" if typical < low else "basis points, or percent in place of decimals"
        raise DataError(
            f"{raw.origin}: the median is {typical:.4g}, but for {raw.id} it lies between {low:g} and {high:g}: "
            f"another unit ({hint})? Write it in the unit in which it is published"
        )
    if low and float(np.mean(values < 0)) > MOSTLY:
        raise DataError(f"{raw.origin}: nearly all values are negative, which {raw.id} never was: a wrong sign?")
    if info.kind != "series":
        return []
    moves = np.diff(np.log(values), prepend=np.log(values[0])) if values.min() > 0 else np.zeros(len(values))
    other_unit = (np.abs(values) > FAR_OUT_FACTOR * high) | (np.abs(np.abs(moves) - np.log(100)) < SPLIT_TOLERANCE)
    small = (values < SMALLEST_USUAL_RATE) & (not low and np.isfinite(high) and typical < SMALLEST_USUAL_RATE)
    said = "{:g}".format
    return [
        *rows.find(other_unit, FaultKind.FAR_OUT, lambda row: said(values[row])),
        *rows.find(small, FaultKind.SMALL_RATE, lambda row: said(values[row])),
    ]


def _session_faults(rows: Rows) -> list[Fault]:
    sessions = sessions_between(pd.Timestamp(rows.date[0]), pd.Timestamp(rows.date[-1])).to_numpy()
    strange = (rows.date >= CHECKED_FROM.to_datetime64()) & ~np.isin(rows.date, sessions)
    if strange.mean() > OTHER_CALENDAR_SHARE and strange.sum() > SHOWN:
        return rows.find(strange, FaultKind.OTHER_CALENDAR)
    return [*_missing(sessions, rows, FaultKind.MISSING_SESSION), *rows.find(strange, FaultKind.NOT_A_SESSION)]


def _period_faults(rows: Rows, frequency: str) -> list[Fault]:
    """Find missing months or quarters; of days, gaps of more than a month."""
    if frequency in MONTHS:
        first, last = (rows.date[end].astype("datetime64[M]") for end in (0, -1))
        return _missing(
            _period_ends(np.arange(first, last, MONTHS[frequency]), frequency), rows, FaultKind.MISSING_PERIOD
        )
    days = np.diff(rows.date, prepend=rows.date[:1])
    return rows.find(days > LONGEST_GAP, FaultKind.GAP, lambda row: f"{days[row].astype('timedelta64[D]')}")


def _missing(wanted: NDArray[np.datetime64], rows: Rows, kind: FaultKind) -> list[Fault]:
    absent = wanted[~np.isin(wanted, rows.date)]
    return [Fault(kind, None, str(absent[0].astype("datetime64[D]")), n=len(absent))] if len(absent) else []


def _jumps(rows: Rows, splits: "pd.Series[float] | None", *, limit: float) -> list[Fault]:
    """Find jumps that reverse within a week, and steps that stay: near a whole factor they are like a split."""
    moves = np.diff(np.log(rows.value), prepend=np.log(rows.value[0]))
    kinds, reversed_until = np.full(len(moves), None, dtype=object), 0
    for row in map(int, np.flatnonzero(np.abs(moves) > np.log(limit))):
        undone = -np.cumsum(moves[row + 1 : row + 1 + SPIKE_SESSIONS]) / moves[row] >= SPIKE_REVERSAL
        if row <= reversed_until:
            continue
        if undone.any():
            kinds[row], reversed_until = FaultKind.SPIKE, row + 1 + int(undone.argmax())
        elif _split_factor(moves[row]):
            kinds[row] = FaultKind.SUSPECT_SPLIT
        elif moves[row] > 0 or moves[row] < np.log(2 - STEP):  # a fall of a quarter, not of a fifth
            kinds[row] = FaultKind.STEP

    def said(row: int) -> str:
        factor = _split_factor(moves[row])
        split = splits[rows.number[row]] if splits is not None else None
        known = f"; a split of {split:g} is recorded, but still in the prices" if split else "; none recorded"
        return f"x {np.exp(moves[row]):.4g}{f', near {factor:g}' if factor else ''}{known if factor and split is not None else ''}"

    found = (FaultKind.SPIKE, FaultKind.STEP, FaultKind.SUSPECT_SPLIT)
    return [fault for kind in found for fault in rows.find(kinds == kind, kind, said)]


def _split_factor(move: float) -> float:
    """Return the whole factor that a log move is near, or 0."""
    apart = np.abs(np.exp(abs(move)) / SPLIT_FACTORS - 1)
    return float(SPLIT_FACTORS[apart.argmin()]) if apart.min() < SPLIT_TOLERANCE else 0.0


def _stale_runs(rows: Rows, info: AssetInfo | SeriesInfo, frequency: str) -> list[Fault]:
    low, high = info.usual
    if (not low and np.isfinite(high)) or (info.kind == "volatility"):
        return []  # short rates stand still for months
    longest = STALE_PERIODS.get(frequency, STALE_PERIODS["daily"]) if info.kind == "series" else STALE_SESSIONS
    starts = np.flatnonzero(np.concatenate([[True], np.diff(rows.value) != 0]))
    lengths = np.zeros(len(rows.value), int)
    lengths[starts] = np.diff(np.append(starts, len(rows.value)))
    said = "{:g}, {:,} times in a row".format
    return rows.find(lengths >= longest, FaultKind.STALE, lambda row: said(rows.value[row], lengths[row]))
