"""What is wrong with a series, found before it is used.

Each kind of fault either stops the run, because no number made from such data could be trusted, or is reported on
the data card, because it is harmless, mended by leaving a row out, or sometimes true. Nothing is ever repaired.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from research_lib.data.calendar import CHECKED_FROM, is_finished, sessions_between
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError


class FaultKind(StrEnum):
    """The kinds of fault, in the words that the user reads."""

    BAD_DATE = "not a date (yyyy-mm-dd)"
    BAD_VALUE = "not a number"
    DUPLICATE_DATE = "the date stands twice"
    NON_POSITIVE = "a price that is not positive"
    UNSORTED = "dates not in order (sorted)"
    MISSING_VALUE = "no value (left out)"
    UNFINISHED = "the session is not over yet (left out)"
    MISSING_SESSION = "an exchange session is missing"
    NOT_A_SESSION = "no exchange session on this date"
    SPIKE = "a jump that reverses the next session"
    STALE = "the same value again and again"
    UNMATCHED = "no row of this company and year in the other file (left out)"
    PUBLISHED_EARLY = "published before its period ended (left out)"
    UNDATED = "no date on which it was known (left out)"
    OTHER_CURRENCY = "in another currency than most (set aside in sums)"
    PART_OF_A_YEAR = "a quarter without the three before it (left out)"
    BAD_PRICE = "a price that is not positive (left out)"
    NO_ANNUAL_REPORT = "no annual report in US GAAP and dollars (left out)"
    VOLUME_ONLY = "a volume but no price (left out)"
    SUSPECT_SPLIT = "a move like a split"


STOPPING = frozenset({FaultKind.BAD_DATE, FaultKind.BAD_VALUE, FaultKind.DUPLICATE_DATE, FaultKind.NON_POSITIVE})

SPIKE_RETURN = 0.25  # larger than any one-day move of a US index, 1987-10-19 (-20.5%) included
SPIKE_REVERSAL = 0.8  # at least this share of the jump is undone the next session
STALE_SESSIONS = 6  # equal closes in a row; indices quoted to two digits repeat once or twice by chance
SHOWN_FAULTS = 3

# Splits in whole numbers are by far the most usual ones; a day's own move hides less than this share of the factor.
SPLIT_FACTORS = np.array([2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 50, 100], dtype=float)
SPLIT_TOLERANCE = 0.05


@dataclass(frozen=True)
class Fault:
    """One fault: what, in which row of the source (None where no row is there), on which date, with what text."""

    kind: FaultKind
    row: int | None
    date: str
    detail: str = ""

    @property
    def stops(self) -> bool:
        """Say whether the run stops."""
        return self.kind in STOPPING

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
        Jumps that reverse and stale runs are reported.
    daily : bool
        Missing exchange sessions are reported.
    monthly : bool
        Values are dated by the last day of their month, the first on which they can be known, whatever day of it the
        source writes (FRED writes the first).
    """

    positive: bool
    traded: bool
    daily: bool
    monthly: bool = False


def clean(
    raw: RawSeries, *, expect: Expectation, as_of: pd.Timestamp | None = None, now: pd.Timestamp | None = None
) -> CleanSeries:
    """Cut a series at `as_of`, find its faults, and leave out what cannot be used.

    No row dated after `as_of` is looked at, so that it can change nothing; a row whose date cannot be read stops the
    run, for it could be any date.

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
    table, date_faults = _parse_dates(raw)
    _stop_at(date_faults, raw)
    if expect.monthly:
        table = table.assign(date=table["date"] + pd.offsets.MonthEnd(0))
    table = _cut(table, as_of, raw)
    table, value_faults = _parse_values(table, expect, raw.volume)
    _stop_at(value_faults, raw)
    table, unfinished = _leave_out_unfinished(table, now or pd.Timestamp.now("UTC"))
    faults = (*date_faults, *value_faults, *unfinished)
    if table.empty:
        raise InsufficientDataError(f"{raw.id}: {raw.origin} holds no finished session")
    unsorted = () if table["date"].is_monotonic_increasing else _unsorted(table)
    table = table.sort_values("date")
    checks = (
        *_calendar_faults(table, expect),
        *_jumps(table, expect),
        *_suspect_splits(table, raw.splits),
        *_stale_runs(table, expect),
    )
    values = pd.Series(table["value"].to_numpy(dtype=float), pd.DatetimeIndex(table["date"], name="date"), name=raw.id)
    return CleanSeries(values, (*faults, *unsorted, *checks))


def _parse_dates(raw: RawSeries) -> tuple[pd.DataFrame, list[Fault]]:
    if pd.api.types.is_datetime64_any_dtype(raw.dates.dtype):
        dates = pd.to_datetime(raw.dates).dt.tz_localize(None).dt.normalize()
    else:
        dates = pd.to_datetime(raw.dates.astype(str).str.strip(), format="%Y-%m-%d", errors="coerce")
    table = pd.DataFrame({"date": dates.astype("datetime64[us]"), "text": raw.values})
    bad = raw.dates[dates.isna()]
    return table, [Fault(FaultKind.BAD_DATE, _row(row), "", repr(text)) for row, text in bad.items()]


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


def _parse_values(
    table: pd.DataFrame, expect: Expectation, volume: "pd.Series[float] | None"
) -> tuple[pd.DataFrame, list[Fault]]:
    texts = table["text"]
    missing = texts.isna() | texts.astype(str).str.strip().isin(["", "NaN", "nan", "null", "."])
    values = pd.to_numeric(texts.where(~missing), errors="coerce").astype(float)
    bad = (values.isna() & ~missing) | np.isinf(values)
    duplicate = table["date"].duplicated(keep="first")
    traded = missing & (False if volume is None else volume.reindex(table.index).gt(0))
    faults = [
        *_mark(table, missing & ~traded, FaultKind.MISSING_VALUE),
        *_mark(table, traded, FaultKind.VOLUME_ONLY),
        *_mark(table, bad, FaultKind.BAD_VALUE, show=True),
        *_mark(table, duplicate, FaultKind.DUPLICATE_DATE),
        *(_mark(table, values <= 0, FaultKind.NON_POSITIVE, show=True) if expect.positive else ()),
    ]
    return table.assign(value=values)[~missing], faults


def _leave_out_unfinished(table: pd.DataFrame, now: pd.Timestamp) -> tuple[pd.DataFrame, list[Fault]]:
    recent = table["date"] >= now.tz_localize(None).normalize() - pd.Timedelta(days=1)
    if not recent.any():
        return table, []
    unfinished = recent & ~table["date"].where(recent).map(lambda day: is_finished(day, now), na_action="ignore").eq(
        True
    )
    return table[~unfinished], list(_mark(table, unfinished, FaultKind.UNFINISHED))


def _unsorted(table: pd.DataFrame) -> list[Fault]:
    backwards = table["date"].diff() < pd.Timedelta(0)
    return list(_mark(table, backwards, FaultKind.UNSORTED))[:1]


def _calendar_faults(table: pd.DataFrame, expect: Expectation) -> Iterator[Fault]:
    if not expect.daily:
        return
    dates = pd.DatetimeIndex(table["date"])
    for day in sessions_between(dates[0], dates[-1]).difference(dates):
        yield Fault(FaultKind.MISSING_SESSION, None, str(day.date()))
    known = table[table["date"] >= CHECKED_FROM]
    sessions = sessions_between(dates[0], dates[-1])
    yield from _mark(known, ~known["date"].isin(sessions), FaultKind.NOT_A_SESSION)


def _jumps(table: pd.DataFrame, expect: Expectation) -> Iterator[Fault]:
    if not expect.traded:
        return iter(())
    moves = np.log(table["value"]).diff()
    following = moves.shift(-1)
    reverses = (np.sign(following) != np.sign(moves)) & (following.abs() >= SPIKE_REVERSAL * moves.abs())
    return _mark(table, (moves.abs() > np.log1p(SPIKE_RETURN)) & reverses, FaultKind.SPIKE, show=True)


def _suspect_splits(table: pd.DataFrame, splits: "pd.Series[float] | None") -> Iterator[Fault]:
    """Find days on which the price moves by about a whole factor, where the source has taken its splits out."""
    if splits is None:
        return
    ratio = table["value"] / table["value"].shift()
    factor = ratio.where(ratio > 1, 1 / ratio)
    nearest = SPLIT_FACTORS[np.abs(factor.to_numpy()[:, None] / SPLIT_FACTORS - 1).argmin(axis=1)]
    suspect = (factor / nearest - 1).abs() < SPLIT_TOLERANCE
    for row, date, moved, whole in (
        table.assign(ratio=ratio, whole=nearest).loc[suspect, ["date", "ratio", "whole"]].itertuples()
    ):
        recorded = (
            f"a split of {splits[row]:g} is recorded, but still in the prices" if splits[row] else "none recorded"
        )
        yield Fault(FaultKind.SUSPECT_SPLIT, _row(row), str(date.date()), f"x {moved:.4g}, near {whole:g}; {recorded}")


def _stale_runs(table: pd.DataFrame, expect: Expectation) -> Iterator[Fault]:
    if not expect.traded:
        return
    run = table["value"].ne(table["value"].shift()).cumsum()
    for _, rows in table[table.groupby(run)["value"].transform("size") >= STALE_SESSIONS].groupby(run):
        detail = f"{rows['value'].iloc[0]:g} on {len(rows)} sessions in a row"
        yield Fault(FaultKind.STALE, _row(rows.index[0]), str(rows["date"].iloc[0].date()), detail)


def _mark(table: pd.DataFrame, where: "pd.Series[bool]", kind: FaultKind, *, show: bool = False) -> Iterator[Fault]:
    if not where.any():
        return
    for row, date, text in table.loc[where, ["date", "text"]].itertuples():
        yield Fault(kind, _row(row), str(date.date()), repr(text) if show else "")


def _row(label: object) -> int:
    return int(label)  # type: ignore[call-overload, no-any-return]  # row numbers are the index of a RawSeries


def _stop_at(faults: list[Fault], raw: RawSeries) -> None:
    stopping = [fault for fault in faults if fault.stops]
    if stopping:
        shown = "; ".join(str(fault) for fault in stopping[:SHOWN_FAULTS])
        more = f"; and {len(stopping) - SHOWN_FAULTS} more" if len(stopping) > SHOWN_FAULTS else ""
        raise DataError(f"{raw.origin}, {shown}{more}")
