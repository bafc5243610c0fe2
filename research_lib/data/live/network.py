"""How to ask a vendor for data: few at once, no sooner than it says, and never in silence when it fails."""

import random
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Event, Lock
from time import monotonic
from typing import TypeVar

from curl_cffi import CurlECode
from curl_cffi.requests import Response
from curl_cffi.requests.exceptions import DNSError, ProxyError, RequestException, Timeout

from research_lib.errors import DataError

T = TypeVar("T")


class RefusedError(DataError):
    """A vendor answered, and will answer the same again: no such symbol, or something that is no data."""


class TransientError(OSError):
    """A vendor did not answer, or with something that may pass; an OSError, so that yfinance goes on without a cookie.

    `for_all`: it would meet any other request too; not `again`: nor would it pass.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0, for_all: bool = False, again: bool = True) -> None:
        super().__init__(message)
        self.retry_after_s, self.for_all, self.again = retry_after_s, for_all, again


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently to ask."""

    at_once: int = 4  # requests under way at one time
    attempts: int = 5  # for each item, the first one included
    first_wait_s: float = 1.0  # before the second attempt; doubled for each further one, and up to as much at random
    longest_wait_s: float = 60.0  # a vendor that asks for more is left alone
    timeout_s: float = 30.0  # of a request
    max_age: timedelta = timedelta(hours=6)  # what is younger is not asked for: an interrupted pull goes on


class RateLimiter:
    """One source's requests: a gap apart; after a 429 none until the wait is over; none at all once it is closed."""

    def __init__(self, policy: RetryPolicy, *, gap_s: float = 0.0) -> None:
        self._policy, self._gap_s, self._stop, self._lock = policy, gap_s, Event(), Lock()
        self._open_at, self._closed = 0.0, ""

    def stop(self) -> None:
        """Let nothing more through, and wake all who wait: their `ask` raises `CancelledError`."""
        self._stop.set()

    def ask(self, call: Callable[[], T]) -> T:
        """Call until it answers; `TransientError` is the last attempt's, and closes the source if it is for all."""
        if self._closed:
            raise TransientError(f"not asked: {self._closed}")
        policy, attempt = self._policy, 1
        while True:
            with self._lock:
                turn = max(self._open_at, monotonic())
                self._open_at = turn + self._gap_s
            self._wait(turn - monotonic())
            try:
                return call()
            except TransientError as error:
                if not error.again or error.retry_after_s > policy.longest_wait_s or attempt == policy.attempts:
                    self._closed = self._closed or (str(error) if error.for_all else "")
                    raise
                jittered = policy.first_wait_s * 2.0 ** (attempt - 1) * random.uniform(1, 2)  # noqa: S311  # no secret
                wait_s = max(min(jittered, policy.longest_wait_s), error.retry_after_s)
                if error.for_all:
                    with self._lock:
                        self._open_at = max(self._open_at, monotonic() + wait_s)
            self._wait(wait_s)
            attempt += 1

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(max(seconds, 0.0)):
            raise CancelledError


def check_answer(vendor: str, response: Response) -> None:
    """Raise where an answer's status says that it should be asked for again, or a web page stands in place of data."""
    status, asked_s = response.status_code, read_retry_after(response.headers.get("Retry-After"))
    shown = f"; it asks to wait {asked_s:.0f} s" if asked_s else ""
    if status == 429:
        raise TransientError(f"{vendor} is throttling (429){shown}", retry_after_s=asked_s, for_all=True)
    if status >= 500:
        raise TransientError(f"{vendor} has a fault ({status}){shown}", retry_after_s=asked_s)
    if status < 400 and response.content.lstrip()[:1] == b"<":
        raise TransientError(f"{vendor} sent a web page in place of data")


def connection_fault(vendor: str, error: RequestException, timeout_s: float) -> TransientError:
    """Say what went wrong on the way to a vendor."""
    if "certificate" in str(error).lower():
        said = (
            f"{vendor} shows a certificate that this machine does not trust (a proxy that reads along?): set "
            f"REQUESTS_CA_BUNDLE to the file of your company's certificates"
        )
        return TransientError(said, for_all=True, again=False)
    if isinstance(error, ProxyError):
        return TransientError(f"the proxy on the way to {vendor} lets nothing through: see HTTPS_PROXY", for_all=True)
    if isinstance(error, DNSError) or error.code == CurlECode.COULDNT_CONNECT:
        return TransientError(f"{vendor} cannot be reached", for_all=True)
    if isinstance(error, Timeout):
        return TransientError(f"{vendor} did not answer within {timeout_s:g} s")
    if error.code == CurlECode.BAD_CONTENT_ENCODING:
        return TransientError(f"{vendor} sent an answer that cannot be unpacked")
    half = " in the middle of its answer" if error.code == CurlECode.PARTIAL_FILE else ""
    return TransientError(f"{vendor} cut the connection{half}")


def read_retry_after(text: str | None) -> float:
    """Read the header Retry-After, seconds or a date, as seconds; 0 where it is absent or neither."""
    for read in (float, lambda date: (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()):
        with suppress(ValueError, TypeError):
            return max(0.0, read(text or ""))
    return 0.0


def reason(error: Exception) -> str:
    """Say in one line why an item could not be had, whatever was raised: what a changed answer does to its reader."""
    if isinstance(error, (DataError, OSError)):  # a vendor, the network, or the disk
        return str(error)
    return f"the answer is not in the form it was ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
