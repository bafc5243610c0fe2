"""How to ask a vendor for data: few at once, no sooner than it says, and never in silence when it fails."""

import json
import random
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Lock
from typing import Any, ClassVar, Literal, TypeVar

import pandas as pd
from curl_cffi import CurlECode
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import DNSError, ProxyError, RequestException, Timeout

from research_lib.data.live.store import Item
from research_lib.errors import DataError

T = TypeVar("T")
Fetched = tuple[pd.DataFrame, dict[str, str]]  # rows, and the query that asks for them again (never who asked)


class RefusedError(DataError):
    """A vendor answered, and will answer the same again: no such symbol, or something that is no data."""


class TransientError(OSError):
    """A vendor did not answer, or with something that may pass; an OSError, so that yfinance goes on without a cookie."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0, for_all: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s, self.for_all = retry_after_s, for_all  # it would meet any other request too


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently to ask."""

    at_once: int = 4  # requests under way at one time
    attempts: int = 5  # for each item, the first one included
    first_wait_s: float = 1.0  # before the second attempt; doubled for each further one, and up to as much at random
    longest_wait_s: float = 60.0  # a vendor that asks for more is left alone
    timeout_s: float = 30.0  # of a request
    max_age: timedelta = timedelta(hours=6)  # what is younger is not asked for: an interrupted pull goes on


class Vendor(Session[Response]):
    """One vendor's client, a session whose answers are judged: its name among sources, and how to fetch an item."""

    source: ClassVar[str]
    label: ClassVar[str]
    browser: ClassVar[Literal["chrome"] | None] = "chrome"  # whose requests ours look like
    gap_s: ClassVar[float] = 0.0  # between requests

    def __init__(self, policy: RetryPolicy) -> None:
        super().__init__(impersonate=self.browser)
        self.policy, self.stop, self._turns, self._shut = policy, Event(), Lock(), ""
        self._once, self._fetched = Lock(), dict[str, Any]()  # what serves several items

    def fetch(self, item: Item) -> Fetched:
        """Fetch an item's whole history; `RefusedError` or `TransientError` where there is no usable answer."""
        raise NotImplementedError

    def ask(self, call: Callable[[], T]) -> T:
        """Call until it answers, as patiently as the policy says, `gap_s` apart; `CancelledError` once `stop` is set."""
        policy, attempt = self.policy, 0
        while not self._shut:
            with self._turns:
                if self.stop.wait(self.gap_s):
                    raise CancelledError
            try:
                return call()
            except TransientError as error:
                jittered_s = policy.first_wait_s * 2.0**attempt * random.uniform(1, 2)  # noqa: S311  # no secret
                wait_s, attempt = max(min(jittered_s, policy.longest_wait_s), error.retry_after_s), attempt + 1
                if wait_s > policy.longest_wait_s or attempt == policy.attempts:
                    self._shut = self._shut or (str(error) if error.for_all else "")
                    raise
            self.stop.wait(wait_s)
        raise TransientError(f"not asked: {self._shut}")

    def request(self, method: str, url: str, **options: Any) -> Response:  # type: ignore[override]  # noqa: ANN401
        """Ask once, for no longer than the time-out, and judge the answer."""
        try:
            response = super().request(method, url, **{**options, "timeout": self.policy.timeout_s})  # type: ignore[arg-type]
        except RequestException as error:
            if "certificate" in str(error).lower():
                said = f"{self.label} shows a certificate that this machine does not trust"
                remedy = "if a proxy reads along, set REQUESTS_CA_BUNDLE to the file of your company's certificates"
                raise RefusedError(f"{said}: {remedy}") from None
            said = "cut the connection, or sent an answer that cannot be unpacked"
            if is_away := isinstance(error, (DNSError, ProxyError)) or error.code == CurlECode.COULDNT_CONNECT:
                said = "cannot be reached (behind a proxy, see HTTPS_PROXY)"
            elif isinstance(error, Timeout):
                said = f"did not answer within {self.policy.timeout_s:g} s"
            raise TransientError(f"{self.label} {said}", for_all=is_away) from None
        self.judge(response)
        return response

    def judge(self, response: Response) -> None:
        """Raise where an answer is none, or a web page in place of data."""
        status, after = response.status_code, response.headers.get("Retry-After") or ""
        throttles = status == 429 or b"Too Many Requests" in response.content[:500]
        if throttles or status >= 500:
            asked_s = float(after) if after.replace(".", "", 1).isdecimal() else 0.0  # of a date, the usual waits do
            said = f"{self.label} {'is throttling' if throttles else 'has a fault'} ({status})"
            said += f"; it asks to wait {asked_s:.0f} s" if asked_s else ""
            raise TransientError(said, retry_after_s=asked_s, for_all=throttles)
        if status >= 400:
            raise RefusedError(f"{self.label} answered {status} {response.reason}")
        if response.content.lstrip()[:1] == b"<":
            raise TransientError(f"{self.label} sent a web page in place of data")

    def read_json(self, response: Response) -> Any:  # noqa: ANN401
        """Read an answer in JSON."""
        try:
            return json.loads(response.content)
        except ValueError:
            raise TransientError(f"{self.label} sent an answer that is cut off or no JSON") from None
