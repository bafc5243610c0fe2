"""How to ask a vendor for data: few at once, no sooner than it says, and never in silence when it fails."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Event, Lock
from time import monotonic
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from research_lib.errors import DataError

T = TypeVar("T")

THROTTLED = 429
FIRST_SERVER_ERROR = 500


class RefusedError(DataError):
    """A vendor answered, and will answer the same again: no such symbol, or something that is no data."""


class TransientError(OSError):
    """A vendor did not answer, or with something that may pass: throttled, down, cut off, too slow.

    An OSError, so that yfinance goes on without a cookie where only the cookie could not be had.

    Attributes
    ----------
    retry_after_s : float or None
        How long the vendor asks to wait.
    for_all : bool
        It would meet any other request too: throttled, or no connection.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, for_all: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.for_all = for_all


class StoppedError(Exception):
    """The user stopped the pull."""


@dataclass(frozen=True)
class Manners:
    """How politely to ask.

    Attributes
    ----------
    at_once : int
        Requests under way at one time.
    attempts : int
        For each item, the first one included.
    first_wait_s, longest_wait_s : float
        Before the second attempt, doubled (with up to as much again at random) for each further one; a vendor that asks
        for a longer wait than the longest is left alone.
    timeout_s : float
        Of a request.
    max_age : timedelta
        What was pulled within it is not asked for again: so an interrupted pull goes on where it was.
    """

    at_once: int = 4
    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    timeout_s: float = 30.0
    max_age: timedelta = timedelta(hours=6)


class Turnstile:
    """Lets requests through, a gap apart; after a 429 none, until the wait is over, whoever met it."""

    def __init__(self, manners: Manners, *, gap_s: float = 0.0) -> None:
        self._manners = manners
        self._gap_s = gap_s
        self._stop = Event()
        self._lock = Lock()
        self._open_at = 0.0

    def stop(self) -> None:
        """Let nothing more through, and wake all who wait."""
        self._stop.set()

    def ask(self, call: Callable[[], T]) -> T:
        """Call until it answers, at most `attempts` times.

        Raises
        ------
        TransientError
            The last attempt's.
        StoppedError
            The user stopped it.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=self._gives_up,
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        answer: T = retrying(self._pass, call)
        return answer

    def _pass(self, call: Callable[[], T]) -> T:
        with self._lock:
            turn = max(self._open_at, monotonic())
            self._open_at = turn + self._gap_s
        self._sleep(turn - monotonic())
        return call()

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(max(seconds, 0.0)):
            raise StoppedError

    def _gives_up(self, state: RetryCallState) -> bool:
        asks_too_long = (_fault(state).retry_after_s or 0.0) > self._manners.longest_wait_s
        return asks_too_long or state.attempt_number >= self._manners.attempts

    def _wait(self, state: RetryCallState) -> float:
        doubled = self._manners.first_wait_s * 2.0 ** (state.attempt_number - 1)
        jittered = min(doubled * random.uniform(1, 2), self._manners.longest_wait_s)  # noqa: S311  # no secret
        fault = _fault(state)
        wait = max(jittered, fault.retry_after_s or 0.0)
        if fault.for_all:
            with self._lock:
                self._open_at = max(self._open_at, monotonic() + wait)
        return wait


def judge_status(vendor: str, status: int, retry_after: str | None) -> None:
    """Raise where an answer's status says that it should be asked for again."""
    asked = read_retry_after(retry_after)
    shown = f"; it asks to wait {asked:.0f} s" if asked is not None else ""
    if status == THROTTLED:
        raise TransientError(f"{vendor} is throttling (429){shown}", retry_after_s=asked, for_all=True)
    if status >= FIRST_SERVER_ERROR:
        raise TransientError(f"{vendor} has a fault ({status}){shown}", retry_after_s=asked)


def judge_body(vendor: str, body: bytes) -> None:
    """Raise where a web page stands in place of data."""
    if body.lstrip()[:1] == b"<":
        raise TransientError(f"{vendor} sent a web page in place of data")


def read_retry_after(text: str | None) -> float | None:
    """Read the header Retry-After, seconds or a date; None where it is absent or neither."""
    if not text:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _fault(state: RetryCallState) -> TransientError:
    fault = state.outcome.exception() if state.outcome else None
    return fault if isinstance(fault, TransientError) else TransientError("")
