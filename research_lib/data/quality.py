"""What is wrong with a series, found before it is used; and the card that says so, with what the series was made from.

A fault stops the run where no number made from such data could be trusted. Else it is on the data card, with its
number and first case: it is harmless, a row was left out, or it may be true. Nothing is ever repaired.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from research_lib.data.calendar import CHECKED_FROM, is_finished, sessions_between
from research_lib.data.catalog import Listing
from research_lib.data.readers import EXCHANGE_ZONE, SHOWN, clipped, quoted, refusal, to_dates, to_numbers
from research_lib.data.source import RawSeries, Vintage
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


GAPS = (FaultKind.MISSING_SESSION, FaultKind.MISSING_PERIOD)
STEP = 1.25  # larger than any one-day move of a US index, 1987-10-19 (-20.5%) included
SPIKE_REVERSAL = 0.8  # at least this share of the jump is undone
SPIKE_SESSIONS = 5
# Volatility indices more than double in a day (2018-02-05), but do not quadruple.
LARGE_MOVES = {"index": STEP, "fund": STEP, "currency": STEP, "volatility": 4.0}
SPLIT_FACTORS = np.array([1.5, *range(2, 11), 15, 20, 25, 30, 50, 100])
SPLIT_TOLERANCE = 0.05  # a day's own move hides less than this share of the factor
STALE_SESSIONS = 6  # equal closes in a row; indices quoted to two digits repeat once or twice by chance
STALE_PERIODS = {"monthly": 12, "quarterly": 8}
STALE_DAYS = 25
PERIODS = {"monthly": "M", "quarterly": "Q"}
FEWEST_FOR_UNIT = 12  # values, before their median says something of their unit
MOSTLY = 0.9
SMALLEST_USUAL_RATE = 0.1  # percent; short rates were below it from 2009 to 2015
FAR_OUT_FACTOR = 5.0
OTHER_CALENDAR_SHARE = 0.02  # dates that are no sessions; a few are typing errors
LONGEST_GAP = pd.Timedelta(days=31)


@dataclass(frozen=True)
class Fault:
    """What was found: in which row of the source (None: in no row), on which date, and how many cases it stands for."""

    kind: str
    row: int | None
    date: str
    detail: str = ""
    n: int = 1

    def __str__(self) -> str:
        row = "" if self.row is None else f"row {self.row}"
        place = f"{row} ({self.date})" if row and self.date else row or self.date
        return ": ".join(filter(None, [place, self.kind, self.detail]))


@dataclass(frozen=True)
class DataCard:
    """One series of a study: where it is from, what it spans, its hash, and its faults."""

    source: str
    id: str
    name: str
    origin: str
    first: str
    last: str
    rows: int
    gaps: int  # exchange sessions (known from 1970 on) or months from first to last without a value
    sha256: str  # of the dates and values that the study saw, nothing after `as_of` among them
    faults: tuple[Fault, ...]
    vintage: Vintage | None = None  # the snapshot behind it, where it came from the network

    def as_record(self) -> dict[str, Any]:
        """Return what a report's record says of the data; `unfinished` where a session was left out as such."""
        names = ("source", "id", "first", "last", "rows", "gaps", "sha256")
        unfinished = any(fault.kind == FaultKind.UNFINISHED for fault in self.faults)
        special = {"unfinished": unfinished, "snapshot": self.vintage and asdict(self.vintage)}
        return {name: getattr(self, name) for name in names} | {name: said for name, said in special.items() if said}

    def fault_summary(self) -> str:
        """Say in one line what was found, each kind with its number and first case."""
        said = []
        for kind in dict.fromkeys(fault.kind for fault in self.faults):
            cases = [fault for fault in self.faults if fault.kind == kind]
            place, detail = cases[0].date or ("" if cases[0].row is None else f"row {cases[0].row}"), cases[0].detail
            case = f"{place} ({detail})" if place and detail else place or detail
            said.append(f"{kind}: {sum(fault.n for fault in cases):,}, first {case}")
        return "; ".join(said) or "none found"


def check_loads(raw: RawSeries, info: Listing) -> None:
    """Raise `DataError` where a fault would stop the load of a series."""
    with suppress(InsufficientDataError):  # nothing finished yet is no fault
        clean(raw, info)


def clean(
    raw: RawSeries, info: Listing, *, as_of: pd.Timestamp | None = None, now: pd.Timestamp | None = None
) -> "tuple[pd.Series[float], DataCard]":
    """Cut a series at `as_of`, find its faults, leave out what cannot be used, and describe the rest.

    The values are decimals (float64) on a sorted, unique, tz-naive index named `date`. No value dated after `as_of` is
    looked at; a row whose date cannot be read stops the run, for it could be any date. Values of a month or quarter are
    dated by its last day, the first on which they can be known. `now` (tz-aware) decides whether a session is over.
    """
    dates = to_dates(raw.dates, raw.origin)
    known = dates.notna() if as_of is None else dates <= as_of
    frequency, starts = info.frequency, dates[known].dt
    if not frequency and known.sum() > 1 and starts.is_month_start.all():
        frequency = "quarterly" if known.sum() > 3 and starts.is_quarter_start.all() else "monthly"
    if frequency in PERIODS:
        dates = dates.dt.to_period(PERIODS[frequency]).dt.end_time.dt.normalize().astype("datetime64[us]")
        known = known if as_of is None else dates <= as_of
    if not known.any():
        raise InsufficientDataError(
            f"{raw.id}: {raw.origin} begins on {dates.min():%Y-%m-%d}, after as_of {as_of:%Y-%m-%d}; give a later as_of "
            f"or leave {raw.id} out"
        )
    cells = raw.values[known]
    values, bad = to_numbers(cells)
    rows = pd.DataFrame({"date": dates[known], "value": values})
    said = lambda row: quoted(cells.iloc[row])
    stopping = [
        *_find(rows, bad, FaultKind.BAD_VALUE, said),
        *_find(rows, rows["date"].duplicated(), FaultKind.DUPLICATE_DATE),
        *_find(rows, values.le(0) & (info.kind != "series"), FaultKind.NON_POSITIVE, said),
    ]
    if stopping:
        raise refusal(raw.origin, [str(fault) for fault in stopping], sum(fault.n for fault in stopping))
    traded = values.isna() & (False if raw.volume is None else raw.volume[cells.index].gt(0))
    now = pd.Timestamp.now(EXCHANGE_ZONE) if now is None else now.tz_convert(EXCHANGE_ZONE)
    today = now.tz_localize(None).normalize()
    over = rows["date"] <= (today if is_finished(today, now) else today - pd.Timedelta(days=1))
    faults = [
        *_find(rows, values.isna() & ~traded, FaultKind.MISSING_VALUE),
        *_find(rows, traded, FaultKind.VOLUME_ONLY),
        *_find(rows, values.notna() & ~over, FaultKind.UNFINISHED),
    ]
    rows = rows[values.notna() & over]
    if rows.empty:
        raise InsufficientDataError(f"{raw.id}: {raw.origin} holds no finished session")
    if not rows["date"].is_monotonic_decreasing:  # newest first is the order in which some vendors write
        faults += _find(rows, rows["date"].diff() < pd.Timedelta(0), FaultKind.UNSORTED)[:1]
    rows = rows.sort_values("date")
    faults += _unit_faults(rows, info, raw)
    faults += _period_faults(rows, frequency) if info.kind in ("series", "currency") else _session_faults(rows)
    faults += _jumps(rows, raw.splits, limit=LARGE_MOVES[info.kind]) if info.kind in LARGE_MOVES else []
    faults += _stale_runs(rows, info, frequency)
    series = rows.set_index("date")["value"].rename(raw.id)
    first, last = (f"{series.index[end]:%Y-%m-%d}" for end in (0, -1))
    gaps = sum(fault.n for fault in faults if fault.kind in GAPS)
    days, numbers = series.index.to_numpy().astype("datetime64[D]").astype("<i8"), series.to_numpy().astype("<f8")
    digest = hashlib.sha256(days.tobytes() + numbers.tobytes()).hexdigest()
    about = (raw.source, raw.id, info.name, raw.origin, first, last, len(series), gaps, digest)
    return series * info.scale, DataCard(*about, tuple(faults), raw.vintage)


def _find(
    rows: pd.DataFrame, where: ArrayLike, kind: FaultKind, said: Callable[[int], str] = lambda _: ""
) -> list[Fault]:
    """Return the first rows of a kind of fault; the last of them stands for those that come after it too."""
    at = np.flatnonzero(where)
    return [
        Fault(
            kind,
            int(rows.index[row]),
            f"{rows['date'].iloc[row]:%Y-%m-%d}",
            clipped(said(int(row)), 80),
            n=len(at) - SHOWN + 1 if shown == SHOWN else 1,
        )
        for shown, row in enumerate(at[:SHOWN], start=1)
    ]


def _unit_faults(rows: pd.DataFrame, info: Listing, raw: RawSeries) -> list[Fault]:
    """Stop where the values must be in another unit; report where some are, and rates that may be decimals."""
    (low, high), values = info.usual, rows["value"].to_numpy()
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
    small = (values < SMALLEST_USUAL_RATE) & info.is_short_rate & (typical < SMALLEST_USUAL_RATE)
    return [
        *_find(rows, other_unit, FaultKind.FAR_OUT, lambda row: f"{values[row]:g}"),
        *_find(rows, small, FaultKind.SMALL_RATE, lambda row: f"{values[row]:g}"),
    ]


def _session_faults(rows: pd.DataFrame) -> list[Fault]:
    sessions = sessions_between(rows["date"].iloc[0], rows["date"].iloc[-1])
    strange = (rows["date"] >= CHECKED_FROM) & ~rows["date"].isin(sessions)
    if strange.mean() > OTHER_CALENDAR_SHARE and strange.sum() > SHOWN:
        return _find(rows, strange, FaultKind.OTHER_CALENDAR)
    return [*_missing(sessions, rows, FaultKind.MISSING_SESSION), *_find(rows, strange, FaultKind.NOT_A_SESSION)]


def _period_faults(rows: pd.DataFrame, frequency: str) -> list[Fault]:
    """Find missing months or quarters; of days, gaps of more than a month."""
    days = rows["date"]
    if frequency in PERIODS:
        every = pd.period_range(days.iloc[0], days.iloc[-1], freq=PERIODS[frequency])
        return _missing(every.end_time.normalize(), rows, FaultKind.MISSING_PERIOD)
    gaps = days.diff()
    return _find(rows, gaps > LONGEST_GAP, FaultKind.GAP, lambda row: f"{gaps.iloc[row].days} days")


def _missing(wanted: pd.DatetimeIndex, rows: pd.DataFrame, kind: FaultKind) -> list[Fault]:
    absent = wanted[~wanted.isin(rows["date"])]
    return [Fault(kind, None, f"{absent[0]:%Y-%m-%d}", n=len(absent))] if len(absent) else []


def _jumps(rows: pd.DataFrame, splits: "pd.Series[float] | None", *, limit: float) -> list[Fault]:
    """Find jumps that reverse within a week, and steps that stay: near a whole factor they are like a split."""
    logs = np.log(rows["value"].to_numpy())
    moves = np.diff(logs, prepend=logs[0])
    kinds, said, reversed_until = np.full(len(moves), "", dtype=object), dict[int, str](), 0
    for row in map(int, np.flatnonzero(np.abs(moves) > np.log(limit))):
        undone = -np.cumsum(moves[row + 1 : row + 1 + SPIKE_SESSIONS]) / moves[row] >= SPIKE_REVERSAL
        if row <= reversed_until:
            continue
        apart = np.abs(np.exp(np.abs(moves[row])) / SPLIT_FACTORS - 1)
        said[row] = f"x {np.exp(moves[row]):.4g}"
        if apart.min() < SPLIT_TOLERANCE:
            said[row] += f", near {SPLIT_FACTORS[apart.argmin()]:g}"
            split = 0.0 if splits is None else splits[rows.index[row]]
            recorded = f"a split of {split:g} is recorded, but still in the prices" if split else "none recorded"
            said[row] += "" if splits is None else f"; {recorded}"
        if undone.any():
            kinds[row], reversed_until = FaultKind.SPIKE, row + 1 + int(undone.argmax())
        elif apart.min() < SPLIT_TOLERANCE:
            kinds[row] = FaultKind.SUSPECT_SPLIT
        elif moves[row] > 0 or moves[row] < np.log(2 - STEP):  # a fall of a quarter, not of a fifth
            kinds[row] = FaultKind.STEP
    found = (FaultKind.SPIKE, FaultKind.STEP, FaultKind.SUSPECT_SPLIT)
    return [fault for kind in found for fault in _find(rows, kinds == kind, kind, lambda row: said[row])]


def _stale_runs(rows: pd.DataFrame, info: Listing, frequency: str) -> list[Fault]:
    if info.is_short_rate or info.kind == "volatility":
        return []  # they stand still for months
    longest = STALE_PERIODS.get(frequency, STALE_DAYS) if info.kind == "series" else STALE_SESSIONS
    values, lengths = rows["value"].to_numpy(), np.zeros(len(rows), int)
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    lengths[starts] = np.diff(np.append(starts, len(rows)))
    said = "{:g}, {:,} times in a row".format
    return _find(rows, lengths >= longest, FaultKind.STALE, lambda row: said(values[row], lengths[row]))
