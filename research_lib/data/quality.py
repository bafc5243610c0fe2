"""What is wrong with a series, found before it is used; and the card that says so, with what the series was made from.

A fault stops the run where no number made from such data could be trusted. Else it is on the data card, with its
number and first case: it is harmless, a row was left out, or it may be true. Nothing is ever repaired.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from research_lib.data.calendar import CHECKED_FROM, last_finished, sessions_between
from research_lib.data.catalog import Listing
from research_lib.data.readers import SHOWN, clipped, quoted, refusal, to_dates, to_numbers
from research_lib.data.source import RawSeries, Vintage
from research_lib.errors import DataError, InsufficientDataError

Days: TypeAlias = NDArray[np.datetime64]


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
    COARSE = "given less often than it is published"
    GAP = "no value for more than a month"
    SPIKE = "a jump that reverses within a week"
    STEP = "a step of 25% or more that stays"
    SUSPECT_SPLIT = "a step like a split"
    FAR_OUT = "a value far outside what is usual: another unit?"
    SMALL_RATE = "small for a rate in percent: decimals?"
    STALE = "the same value again and again"
    NAMELESS = "no company name (left out)"
    PLACEHOLDER = "zero or a placeholder, taken as missing"
    YEAR_TO_DATE = "quarters that rise like sums of the year so far"
    DEBT_UNLIKE_PARTS = "debt is not the sum of short-term and long-term debt (the total counts)"
    OTHER_YEAR = "a fiscal year that does not go with its period's end (left out)"
    UNMATCHED = "no row of this company and year in the other file (left out)"
    PUBLISHED_EARLY = "published before its period ended (left out)"
    UNDATED = "no past date on which it was known (left out)"
    OTHER_CURRENCY = "in another currency than most (set aside in sums)"
    PART_OF_A_YEAR = "a quarter without the three before it (left out)"
    BAD_PRICE = "a price that is not positive (left out)"
    NO_PRICE = "no price at all (left out)"
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
STALE_PERIODS = {"monthly": 12, "quarterly": 8, "annual": 5}
STALE_DAYS = 25
PERIOD_MONTHS = {"annual": 12, "quarterly": 3, "monthly": 1}
FEWEST_FOR_UNIT = 12  # values, before their median says something of their unit
MOSTLY = 0.9
SMALLEST_USUAL_RATE = 0.1  # percent; short rates were below it from 2009 to 2015
FAR_OUT_FACTOR = 5.0
LARGEST_RATE = 100  # percent
OTHER_CALENDAR_SHARE = 0.02  # dates that are no sessions; a few are typing errors
LONGEST_GAP_DAYS = 31


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
    sha256: str  # of the dates and values that the study saw, nothing after `as_of` among them
    faults: tuple[Fault, ...]
    vintage: Vintage | None = None  # the snapshot behind it, where it came from the network

    @property
    def gaps(self) -> int:
        """Exchange sessions (known from 1970 on) or periods from first to last without a value."""
        return sum(fault.n for fault in self.faults if fault.kind in GAPS)

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


def _date(day: Any) -> str:  # noqa: ANN401  # a numpy date
    return str(day)[:10]


class Rows(NamedTuple):
    """Rows of a series as arrays of one length: their numbers in the source, dates and values."""

    row: NDArray[np.int64]
    day: Days
    value: NDArray[np.floating[Any]]

    def take(self, chosen: NDArray[Any]) -> "Rows":
        """Return chosen rows, in the order of positions or where a condition holds."""
        return Rows(*(part[chosen] for part in self))

    def faults(self, where: ArrayLike, kind: FaultKind, said: Callable[[int], str] = lambda _: "") -> list[Fault]:
        """Return the first rows of a kind of fault; the last of them stands for those that come after it too."""
        at = np.flatnonzero(where).tolist()
        counts = [1] * (SHOWN - 1) + [len(at) - SHOWN + 1]
        return [
            Fault(kind, int(self.row[row]), _date(self.day[row]), clipped(said(row), 80), n)
            for row, n in zip(at, counts, strict=False)
        ]


def check_loads(raw: RawSeries, info: Listing) -> None:
    """Raise `DataError` where a fault would stop the load of a series."""
    with suppress(InsufficientDataError):  # nothing finished yet is no fault
        clean(raw, info)


def clean(
    raw: RawSeries, info: Listing, *, as_of: pd.Timestamp | None = None, now: pd.Timestamp | None = None
) -> "tuple[pd.Series[float], DataCard]":
    """Cut a series at `as_of`, find its faults, leave out what cannot be used, and describe the rest.

    The values are decimals (float64) on a sorted, unique, tz-naive index named `date`. No value dated after `as_of` is
    looked at; a row whose date cannot be read stops the run, for it could be any date. Values of a period are dated by
    its last day, the first on which they can be known. `now` (tz-aware) decides whether a session is over.
    """
    day = to_dates(raw.dates, raw.origin.partition(", column ")[0]).to_numpy()
    last = (pd.Timestamp.max if as_of is None else as_of).to_datetime64()
    frequency = _frequency(day[day <= last], info)
    if months := PERIOD_MONTHS.get(frequency):
        day = _period_ends(day, months)
    known = day <= last
    if not known.any():
        raise InsufficientDataError(
            f"{raw.id}: {raw.origin} begins on {_date(day.min())}, after as_of {_date(last)}; give a later as_of or leave "
            f"{raw.id} out"
        )
    rows, left_out = _usable(raw, info, day, known, last_finished(now).to_datetime64())
    if not len(rows.day):
        raise InsufficientDataError(f"{raw.id}: {raw.origin} holds no finished session")
    faults = [*left_out, *_unit_faults(rows, info, raw)]
    if frequency != info.frequency and info.frequency:
        faults.append(Fault(FaultKind.COARSE, None, _date(rows.day[0]), f"{frequency}, not {info.frequency}"))
    faults += _period_faults(rows, months) if info.kind in ("series", "currency") else session_faults(rows)
    if info.kind in LARGE_MOVES:
        faults += jumps(rows, LARGE_MOVES[info.kind], raw.splits)
    if not info.is_short_rate and info.kind != "volatility":  # they stand still for months
        longest = STALE_PERIODS.get(frequency, STALE_DAYS) if info.kind == "series" else STALE_SESSIONS
        faults += stale_runs(rows, longest)
    days, numbers = rows.day.astype("datetime64[D]").astype("<i8"), rows.value.astype("<f8")
    digest = hashlib.sha256(days.tobytes() + numbers.tobytes()).hexdigest()
    about = (raw.source, raw.id, info.name, raw.origin, _date(rows.day[0]), _date(rows.day[-1]), len(days), digest)
    series = pd.Series(rows.value * info.scale, pd.DatetimeIndex(rows.day, name="date"), name=raw.id)
    return series, DataCard(*about, tuple(faults), raw.vintage)


def _usable(
    raw: RawSeries, info: Listing, day: Days, known: NDArray[np.bool_], over: np.datetime64
) -> tuple[Rows, list[Fault]]:
    """Return the rows that can be used, in order, and say which are left out; raise where a fault stops the run."""
    cells = raw.values[known]
    numbers, bad = to_numbers(cells)
    values = numbers.to_numpy(np.float64)
    rows = Rows(cells.index.to_numpy(), day[known], values)
    said = lambda row: quoted(cells.iloc[row])
    stopping = [
        *rows.faults(bad, FaultKind.BAD_VALUE, said),
        *rows.faults(pd.Index(rows.day).duplicated(), FaultKind.DUPLICATE_DATE),
        *rows.faults((values <= 0) & (info.kind != "series"), FaultKind.NON_POSITIVE, said),
    ]
    if stopping:
        raise refusal(raw.origin, map(str, stopping), sum(fault.n for fault in stopping))
    missing, unfinished = np.isnan(values), rows.day > over
    traded = missing & (False if raw.volume is None else raw.volume.to_numpy()[known] > 0)
    faults = [
        *rows.faults(missing & ~traded, FaultKind.MISSING_VALUE),
        *rows.faults(traded, FaultKind.VOLUME_ONLY),
        *rows.faults(unfinished & ~missing, FaultKind.UNFINISHED),
    ]
    rows = rows.take(~(missing | unfinished))
    is_back = np.diff(rows.day, prepend=rows.day[:1]) < np.timedelta64(0, "D")
    if not is_back[1:].all():  # newest first is the order in which some vendors write
        faults += rows.faults(is_back, FaultKind.UNSORTED)[:1]
    return rows.take(np.argsort(rows.day, kind="stable")), faults


def _frequency(day: Days, info: Listing) -> str:
    """Return how often values come: as it is known of them, or less often where all dates are firsts of months."""
    if len(day) < 2 or (day != day.astype("datetime64[M]")).any():
        return info.frequency
    apart = int(np.diff(np.sort(day.astype("datetime64[M]"))).astype(int).min())
    found = next((name for name, size in PERIOD_MONTHS.items() if apart >= size), "")
    return found if PERIOD_MONTHS.get(found, 0) > PERIOD_MONTHS.get(info.frequency, 0) else info.frequency


def _period_ends(day: Days, months: int) -> Days:
    """Return the last days of the periods, of so many months, that days are in."""
    after = (day.astype("datetime64[M]").astype(int) // months + 1) * months
    return (after.astype("datetime64[M]").astype("datetime64[D]") - np.timedelta64(1, "D")).astype(day.dtype)


def _unit_faults(rows: Rows, info: Listing, raw: RawSeries) -> list[Fault]:
    """Stop where the values must be in another unit; report where some are, and rates that may be decimals."""
    (low, high), values = info.usual, rows.value
    if len(values) < FEWEST_FOR_UNIT:
        return []
    typical = float(np.median(np.abs(values)))
    if not low <= typical <= high:
        hint = "decimals in place of percent" if typical < low else "basis points, or percent in place of decimals"
        raise DataError(
            f"{raw.origin}: the median is {typical:.4g}, but for {raw.id} it lies between {low:g} and {high:g}: "
            f"another unit{f' ({hint})' if high <= LARGEST_RATE else ''}? Write it in the unit in which it is published"
        )
    if np.isfinite(high) and float(np.mean(values < 0)) > MOSTLY:
        raise DataError(f"{raw.origin}: nearly all values are negative, which {raw.id} never was: a wrong sign?")
    if info.kind != "series":
        return []
    moves = np.diff(np.log(values), prepend=np.log(values[0])) if values.min() > 0 else np.zeros(len(values))
    other_unit = (np.abs(values) > FAR_OUT_FACTOR * high) | (np.abs(np.abs(moves) - np.log(100)) < SPLIT_TOLERANCE)
    small = (values < SMALLEST_USUAL_RATE) & info.is_short_rate & (typical < SMALLEST_USUAL_RATE)
    said = lambda row: f"{values[row]:g}"
    return [*rows.faults(other_unit, FaultKind.FAR_OUT, said), *rows.faults(small, FaultKind.SMALL_RATE, said)]


def session_faults(rows: Rows) -> list[Fault]:
    """Compare dates, in order, with the exchange's sessions."""
    sessions = sessions_between(rows.day[0], rows.day[-1]).to_numpy()
    if np.array_equal(rows.day, sessions):
        return []
    strange = (rows.day >= CHECKED_FROM.to_datetime64()) & ~np.isin(rows.day, sessions)
    if strange.mean() > OTHER_CALENDAR_SHARE and strange.sum() > SHOWN:
        return rows.faults(strange, FaultKind.OTHER_CALENDAR)
    return [*_missing(sessions, rows.day, FaultKind.MISSING_SESSION), *rows.faults(strange, FaultKind.NOT_A_SESSION)]


def _period_faults(rows: Rows, months: int | None) -> list[Fault]:
    """Find missing months, quarters or years; of days, gaps of more than a month."""
    if months:
        step = np.timedelta64(months, "M")
        every = np.arange(rows.day[0].astype("datetime64[M]"), rows.day[-1], step, dtype="datetime64[M]")
        return _missing(_period_ends(every.astype(rows.day.dtype), months), rows.day, FaultKind.MISSING_PERIOD)
    gaps = np.diff(rows.day, prepend=rows.day[:1]).astype("timedelta64[D]").astype(int)
    return rows.faults(gaps > LONGEST_GAP_DAYS, FaultKind.GAP, lambda row: f"{gaps[row]} days")


def _missing(wanted: Days, there: Days, kind: FaultKind) -> list[Fault]:
    absent = np.setdiff1d(wanted, there)
    return [Fault(kind, None, _date(absent[0]), n=len(absent))] if len(absent) else []


def jumps(rows: Rows, limit: float, splits: "pd.Series[float] | None" = None) -> list[Fault]:
    """Find jumps that reverse within a week, and steps that stay: near a whole factor they are like a split."""
    moves = np.diff(np.log(rows.value), prepend=np.log(rows.value[0]))
    kinds, said, reversed_until = np.full(len(moves), "", dtype=object), dict[int, str](), 0
    for row in np.flatnonzero(np.abs(moves) > np.log(limit)).tolist():
        undone = -np.cumsum(moves[row + 1 : row + 1 + SPIKE_SESSIONS]) / moves[row] >= SPIKE_REVERSAL
        if row <= reversed_until:
            continue
        apart = np.abs(np.exp(np.abs(moves[row])) / SPLIT_FACTORS - 1)
        is_split, said[row] = apart.min() < SPLIT_TOLERANCE, f"x {np.exp(moves[row]):.4g}"
        if is_split:
            said[row] += f", near {SPLIT_FACTORS[apart.argmin()]:g}"
            split = 0.0 if splits is None else splits[rows.row[row]]
            recorded = f"a split of {split:g} is recorded, but still in the prices" if split else "none recorded"
            said[row] += "" if splits is None else f"; {recorded}"
        if undone.any():
            kinds[row], reversed_until = FaultKind.SPIKE, row + 1 + int(undone.argmax())
        elif is_split:
            kinds[row] = FaultKind.SUSPECT_SPLIT
        elif moves[row] > 0 or moves[row] < np.log(2 - STEP):  # a fall of a quarter, not of a fifth
            kinds[row] = FaultKind.STEP
    found = (FaultKind.SPIKE, FaultKind.STEP, FaultKind.SUSPECT_SPLIT) if said else ()
    return [fault for kind in found for fault in rows.faults(kinds == kind, kind, said.__getitem__)]


def stale_runs(rows: Rows, longest: int) -> list[Fault]:
    """Find runs of equal values that are at least so long."""
    starts = np.flatnonzero(np.diff(rows.value, prepend=np.nan) != 0)
    runs, lengths = rows.take(starts), np.diff(starts, append=len(rows.value))
    said = lambda run: f"{runs.value[run]:g}, {lengths[run]:,} times in a row"
    return runs.faults(lengths >= longest, FaultKind.STALE, said)
