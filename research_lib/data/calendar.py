"""The New York Stock Exchange's sessions, by exchange_calendars."""

import warnings
from functools import cache
from typing import Any

import pandas as pd

# exchange_calendars knows the exchange's holidays from 1970 on; before, it would call each of them a missing session.
CHECKED_FROM = pd.Timestamp("1970-01-01")


@cache
def exchange_sessions() -> pd.DatetimeIndex:
    """Return every session from 1970 to the end of next year, tz-naive and sorted."""
    return pd.DatetimeIndex(_calendar().sessions).as_unit("us")


def sessions_between(first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the sessions from `first` to `last`, both included, where the calendar is known."""
    sessions = exchange_sessions()
    return sessions[(sessions >= first) & (sessions <= last)]


def is_finished(session: pd.Timestamp, now: pd.Timestamp) -> bool:
    """Say whether a session's closing bell has rung at `now` (tz-aware); a day without a session ends at midnight."""
    if session in exchange_sessions():
        return bool(now >= _calendar().session_close(session))
    return bool(now >= (session + pd.Timedelta(days=1)).tz_localize("America/New_York"))


def last_close(now: pd.Timestamp) -> pd.Timestamp:
    """Return the last closing bell up to `now`; both tz-aware."""
    recent = exchange_sessions()[exchange_sessions() <= now.tz_localize(None)][-2:]
    return max(close for session in recent if (close := pd.Timestamp(_calendar().session_close(session))) <= now)


@cache
def _calendar() -> Any:  # noqa: ANN401  # exchange_calendars is untyped
    import exchange_calendars  # 0.1 s that only loading data needs

    last = f"{pd.Timestamp.now('UTC').year + 1}-12-31"
    with warnings.catch_warnings():
        # Its own use of Series.values, which pandas 3.1 deprecates; nothing of ours is reached from here.
        warnings.filterwarnings("ignore", "Series.values returning", pd.errors.Pandas4Warning)
        return exchange_calendars.get_calendar("XNYS", start=CHECKED_FROM, end=last)
