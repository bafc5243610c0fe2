"""The New York Stock Exchange's sessions, by exchange_calendars."""

import warnings
from functools import cache, lru_cache
from typing import Any

import pandas as pd

EXCHANGE_ZONE = "America/New_York"
# exchange_calendars knows the exchange's holidays from 1970 on; before, it would call each of them a missing session.
CHECKED_FROM = pd.Timestamp("1970-01-01")


@cache
def exchange_sessions() -> pd.DatetimeIndex:
    """Return every session from 1970 to the end of next year, tz-naive and sorted."""
    return pd.DatetimeIndex(_calendar().sessions).as_unit("us")


@lru_cache  # the files of a folder mostly begin and end on the same days
def sessions_between(first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the sessions from `first` to `last`, both included, where the calendar is known."""
    return exchange_sessions()[slice(*exchange_sessions().slice_locs(first, last))]


def next_session(day: pd.Timestamp) -> pd.Timestamp:
    """Return the first session after a day; where the calendar is not known, the next weekday."""
    sessions = exchange_sessions()
    row = int(sessions.searchsorted(day, side="right"))
    return sessions[row] if day >= sessions[0] and row < len(sessions) else day + pd.offsets.BDay()


def last_finished(now: pd.Timestamp | None = None) -> pd.Timestamp:
    """Return the last day that is over at `now` (tz-aware; else the clock's): a session is at its closing bell."""
    here = (now or pd.Timestamp.now("UTC")).tz_convert(EXCHANGE_ZONE)
    today = here.tz_localize(None).normalize()
    is_over = today in exchange_sessions() and here >= _calendar().session_close(today)
    return today if is_over else today - pd.Timedelta(days=1)


@cache
def _calendar() -> Any:  # noqa: ANN401  # exchange_calendars is untyped
    from exchange_calendars import get_calendar  # 0.1 s that only loading data needs

    with warnings.catch_warnings():
        # Its own use of Series.values, which pandas 3.1 deprecates; nothing of ours is reached from here.
        warnings.filterwarnings("ignore", "Series.values returning", pd.errors.Pandas4Warning)
        return get_calendar("XNYS", start=CHECKED_FROM, end=f"{pd.Timestamp.now('UTC').year + 1}-12-31")
