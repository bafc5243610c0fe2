"""What is wrong with a series, found before it is used; and the card that says so, with what the series was made from.

A fault stops the run where no number made from such data could be trusted. Else it is on the data card, and harmless,
or left out, or perhaps true. Nothing is ever repaired.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.offsets import BaseOffset, MonthEnd, QuarterEnd, YearEnd

from research_lib.data.calendar import CHECKED_FROM, last_finished, sessions_between
from research_lib.data.catalog import Listing
from research_lib.data.readers import DATE, LATEST, NUMBER, convert, quoted, refusal, to_values
from research_lib.data.source import RawSeries, Vintage
from research_lib.errors import DataError, InsufficientDataError

Days: TypeAlias = NDArray[np.datetime64]
Values: TypeAlias = NDArray[np.floating[Any]]

BAD_PRICE = "a price that is not positive (left out)"
UNFINISHED = "the session is not over yet (left out)"
MISSING_SESSION, MISSING_PERIOD = "an exchange session is missing", "a month or quarter is missing"
STEP = 1.25  # larger than any one-day move of a US index, 1987-10-19 (-20.5%) included
# Volatility indices more than double in a day (2018-02-05), but do not quadruple.
LARGE_MOVES = {"index": STEP, "fund": STEP, "currency": STEP, "volatility": 4.0}
SPLIT_FACTORS = np.array([1.5, *range(2, 11), 15, 20, 25, 30, 50, 100])
SPLIT_TOLERANCE = 0.05  # a day's own move hides less than this share of the factor
STALE_SESSIONS = 6  # equal closes in a row; indices quoted to two digits repeat once or twice by chance
STALE_DAYS = 25
# Months of a period, its end, and how many equal values in a row are too many.
PERIODS = {"annual": (12, YearEnd(), 5), "quarterly": (3, QuarterEnd(), 8), "monthly": (1, MonthEnd(), 12)}
FEWEST_FOR_UNIT = 12  # values, before their median says something of their unit
MOSTLY = 0.9
SMALLEST_USUAL_RATE = 0.1  # percent; short rates were below it from 2009 to 2015
FAR_OUT_FACTOR = 5.0
LONGEST_GAP_DAYS = 31


@dataclass(frozen=True)
class Fault:
    """What was found, on which date first (empty: on none), the first case in words, and how many cases there are."""

    kind: str
    date: str = ""
    detail: str = ""
    n: int = 1

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.date, self.kind, self.detail]))


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
        return sum(fault.n for fault in self.faults if fault.kind in {MISSING_SESSION, MISSING_PERIOD})

    def as_record(self) -> dict[str, Any]:
        """Return what a report's record says of the data; `unfinished` where a session was left out as such."""
        record = {name: getattr(self, name) for name in ("source", "id", "first", "last", "rows", "gaps", "sha256")}
        unfinished = any(fault.kind == UNFINISHED for fault in self.faults)
        special = {"unfinished": unfinished, "snapshot": self.vintage and asdict(self.vintage)}
        return record | {name: said for name, said in special.items() if said}

    def fault_summary(self) -> str:
        """Say in one line what was found, each kind with its number and first case."""
        said = []
        for kind in dict.fromkeys(fault.kind for fault in self.faults):
            cases = [fault for fault in self.faults if fault.kind == kind]
            day, detail = cases[0].date, cases[0].detail
            case = f"{day} ({detail})" if day and detail else day or detail
            said.append(f"{kind}: {sum(fault.n for fault in cases):,}, first {case}")
        return "; ".join(said) or "none found"


def clean(
    raw: RawSeries, info: Listing, *, as_of: date | None = None, now: pd.Timestamp | None = None
) -> "tuple[pd.Series[float], DataCard]":
    """Cut a series at `as_of`, find its faults, leave out what cannot be used, and describe the rest.

    The values are decimals on a sorted, unique, tz-naive index named `date`, those of a period on its last day. No value
    dated after `as_of` is looked at, but a row whose date cannot be read stops the run. `now` (tz-aware) ends sessions.
    """
    day = convert(raw.dates, DATE, raw.origin.partition(", column ")[0], filled=True).astype("datetime64[D]")
    last = LATEST if as_of is None else np.datetime64(as_of, "D")
    frequency = _frequency(day[day <= last], info)
    _, end, longest = PERIODS.get(frequency, (0, None, STALE_DAYS if info.kind == "series" else STALE_SESSIONS))
    day = (pd.DatetimeIndex(day) + 0 * end).to_numpy("datetime64[D]") if end else day
    if not (day <= last).any():
        raise InsufficientDataError(f"{raw.id}: {raw.origin} begins on {day.min()}, after as_of {last}")
    day, value, faults = _usable(raw, info, day, last, np.datetime64(last_finished(now), "D"))
    faults += _unit_faults(day, value, info, raw)
    if frequency != info.frequency and info.frequency:
        faults += found(day[:1], "given less often than it is published", [f"{frequency}, not {info.frequency}"])
    faults += _period_faults(day, end) if info.kind in ("series", "currency") else session_faults(day)
    if info.kind in LARGE_MOVES:
        faults += jumps(day, value, LARGE_MOVES[info.kind])
    if not info.is_short_rate and info.kind != "volatility":  # they stand still for months
        faults += stale_runs(day, value, longest)
    digest = hashlib.sha256(day.astype("<i8").tobytes() + value.astype("<f8").tobytes())
    about = (raw.source, raw.id, info.name, raw.origin, str(day[0]), str(day[-1]), len(day), digest.hexdigest())
    series = pd.Series(value * info.scale, pd.DatetimeIndex(day.astype("datetime64[us]"), name="date"), name=raw.id)
    return series, DataCard(*about, tuple(faults), raw.vintage)


def _usable(
    raw: RawSeries, info: Listing, day: Days, last: np.datetime64, over: np.datetime64
) -> tuple[Days, Values, list[Fault]]:
    """Return the days and values that can be used, in order, and say what is left out; raise where a fault stops the run."""
    cells, day = (raw.values, day) if (day <= last).all() else (raw.values[day <= last], day[day <= last])
    (value, bad), order = to_values(cells, NUMBER), np.argsort(day, kind="stable")
    stops = {
        "not a number": np.flatnonzero(bad),
        "the date stands twice": np.sort(order[1:][day[order][1:] == day[order][:-1]]),
        "a price that is not positive": np.flatnonzero((value <= 0) & (info.kind != "series")),
    }
    if cases := [(int(at), kind) for kind, rows in stops.items() for at in rows]:
        said = (f"row {cells.index[at]} ({day[at]}): {kind}: {quoted(cells.iloc[at])}" for at, kind in cases)
        raise refusal(raw.origin, said, len(cases))
    missing, unfinished = np.isnan(value), day > over
    faults = [*found(day[missing], "no value (left out)"), *found(day[unfinished & ~missing], UNFINISHED)]
    order = order[~(missing | unfinished)[order]]
    if not len(order):
        raise InsufficientDataError(f"{raw.id}: {raw.origin} holds no finished session")
    return day[order], value[order], faults


def found(days: Days, kind: str, said: Sequence[str] = ()) -> list[Fault]:
    """Return one fault for all of some days, if there are any; `said` holds what to say of each, or nothing."""
    return [Fault(kind, str(days[0])[:10], "".join(said[:1]), len(days))] if len(days) else []


def _frequency(day: Days, info: Listing) -> str:
    """Return how often values come: as it is known of them, or less often where dates are firsts or lasts of months."""
    month, next_day = day.astype("datetime64[M]"), day + np.timedelta64(1, "D")
    edges = day == month, next_day == next_day.astype("datetime64[M]")
    if len(day) < 2 or max(map(np.mean, edges)) < MOSTLY:
        return info.frequency
    apart, known = np.diff(np.unique(month)).astype(int).min(initial=12), PERIODS.get(info.frequency, (0,))[0]
    return next((name for name, (size, *_) in PERIODS.items() if known < size <= apart), info.frequency)


def _unit_faults(day: Days, value: Values, info: Listing, raw: RawSeries) -> list[Fault]:
    """Stop where the values must be in another unit; report where some are, and rates that may be decimals."""
    low, high = info.usual
    if len(value) < FEWEST_FOR_UNIT:
        return []
    typical = float(np.median(np.abs(value)))
    if not low <= typical <= high:
        median = f"the median is {typical:.4g}, but for {raw.id} it lies between {low:g} and {high:g}"
        raise DataError(f"{raw.origin}: {median}: another unit (decimals, percent, basis points, thousands)?")
    if np.isfinite(high) and float(np.mean(value < 0)) > MOSTLY:
        raise DataError(f"{raw.origin}: nearly all values are negative, which {raw.id} never was: a wrong sign?")
    if info.kind != "series":
        return []
    moves = np.diff(np.log(value), prepend=np.log(value[0])) if value.min() > 0 else np.zeros(len(value))
    other = (np.abs(value) > FAR_OUT_FACTOR * high) | (np.abs(np.abs(moves) - np.log(100)) < SPLIT_TOLERANCE)
    small = (value < SMALLEST_USUAL_RATE) & info.is_short_rate & (typical < SMALLEST_USUAL_RATE)
    kinds = {"a value far outside what is usual: another unit?": other, "small for a rate in percent: decimals?": small}
    return [one for kind, at in kinds.items() for one in found(day[at], kind, [f"{number:g}" for number in value[at]])]


def session_faults(day: Days) -> list[Fault]:
    """Compare dates, in order, with the exchange's sessions."""
    sessions, known = sessions_between(day[0], day[-1]).to_numpy(), day[day >= CHECKED_FROM.to_datetime64()]
    missing = found(np.setdiff1d(sessions, known, assume_unique=True), MISSING_SESSION)
    return missing + found(np.setdiff1d(known, sessions, assume_unique=True), "no exchange session on this date")


def _period_faults(day: Days, end: BaseOffset | None) -> list[Fault]:
    """Find missing months, quarters or years; of days, gaps of more than a month."""
    if end:
        return found(np.setdiff1d(pd.date_range(day[0], day[-1], freq=end), day), MISSING_PERIOD)
    gaps = np.diff(day, prepend=day[:1]).astype("timedelta64[D]").astype(int)
    long = gaps > LONGEST_GAP_DAYS
    return found(day[long], "no value for more than a month", [f"{gap} days" for gap in gaps[long]])


def jumps(day: Days, value: Values, limit: float) -> list[Fault]:
    """Find steps that no price takes in a session; near a whole factor they are like a split."""
    steps = value / np.append(value[:1], value[:-1])
    large = (steps > limit) | (steps < min(2 - STEP, 1 / limit))
    day, steps = day[large], steps[large]
    apart = np.abs(np.maximum(steps, 1 / steps)[:, None] / SPLIT_FACTORS - 1)
    near, split = SPLIT_FACTORS[apart.argmin(axis=1)], apart.min(axis=1) < SPLIT_TOLERANCE
    said = [f"x {step:.4g}, near {one:g}" for step, one in zip(steps[split], near[split], strict=True)]
    others = found(day[~split], "a step of 25% or more", [f"x {step:.4g}" for step in steps[~split]])
    return [*found(day[split], "a step like a split", said), *others]


def stale_runs(day: Days, value: Values, longest: int) -> list[Fault]:
    """Find runs of equal values that are at least so long."""
    starts = np.flatnonzero(np.diff(value, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(value))
    long = lengths >= longest
    said = [f"{value[at]:g}, {n:,} times in a row" for at, n in zip(starts[long], lengths[long], strict=True)]
    return found(day[starts[long]], "the same value again and again", said)
