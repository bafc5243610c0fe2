"""The vendors' clients, the only code that touches the network. A new one is a class here and in `store.SERVES`.

Each asks for a few things at once, no sooner than its vendor says, and never in silence when it fails.
"""

import json
import logging
import os
import random
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.metadata import version
from io import BytesIO, StringIO
from threading import Event, Lock
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import unquote, urlsplit

import pandas as pd
from curl_cffi import CurlECode
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import DNSError, ProxyError, RequestException, Timeout

from research_lib.data.catalog import PERCENT, describe_series, vendor_name
from research_lib.data.live.store import Item
from research_lib.data.sec import TAGS, facts_frame
from research_lib.data.source import first_months
from research_lib.errors import DataError, MissingDataError

T = TypeVar("T")
Fetched = tuple[pd.DataFrame, dict[str, str]]  # rows, and the query that asks for them again (never who asked)
LIBRARY = {"library": f"curl_cffi {version('curl_cffi')}"}
YAHOO_COLUMNS = {"Close": "close", "Adj Close": "adj_close", "Open": "open", "High": "high", "Low": "low",
                 "Volume": "volume", "Stock Splits": "split"}  # fmt: skip


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


class Yahoo(Vendor):
    """Daily prices through yfinance; neither its `download`, which swallows errors, nor `repair`, which invents splits."""

    source, label = "yahoo", "Yahoo"
    CHART, QUERY = "/v8/finance/chart/", {"period": "max", "interval": "1d", "auto_adjust": False}

    def __init__(self, policy: RetryPolicy) -> None:
        import yfinance

        super().__init__(policy)
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # it logs what it also raises
        yfinance.config.debug.hide_exceptions = False
        # It shows deprecation warnings of its own use of pandas, a few for each symbol; nothing of ours.
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning, module="yfinance")

    def judge(self, response: Response) -> None:
        """Judge answers for prices, before yfinance makes something else of them."""
        path = unquote(urlsplit(response.url).path)
        if not path.startswith(self.CHART):
            return
        is_second = self._fetched.pop(path, False)
        if response.status_code in {401, 403} and not is_second:
            self._fetched[path] = True  # yfinance asks a second time, with another cookie
            return
        if response.status_code not in {400, 404, 422} or b'"chart"' not in response.content:  # else it says why
            super().judge(response)
        check_chart(path.removeprefix(self.CHART), self.read_json(response)["chart"])

    def fetch(self, item: Item) -> Fetched:
        """Fetch a symbol's prices, that of a session under way among them."""
        import yfinance

        symbol = vendor_name(self.source, item.name)
        ticker = yfinance.Ticker(symbol, session=self)
        ticker._tz = "America/New_York"  # spares a second request a symbol; the answer itself says its zone
        history = self.ask(lambda: ticker.history(**self.QUERY, actions=True, repair=False, keepna=True))
        frame = history[list(YAHOO_COLUMNS)].rename(columns=YAHOO_COLUMNS).astype(float)
        frame.index = pd.DatetimeIndex(frame.index).tz_localize(None).as_unit("us").rename("date")
        query = {"symbol": symbol, "library": f"yfinance {version('yfinance')}"}
        return frame.reset_index(), query | {name: str(value) for name, value in self.QUERY.items()}


def check_chart(symbol: str, chart: Any) -> None:  # noqa: ANN401
    """Raise where an answer for daily prices holds none, those of another symbol or interval, or two for a day."""
    # Yfinance keeps the first of two rows of a day in silence, and takes closes for adjusted ones where there are none.
    if not chart["result"]:
        why = (chart.get("error") or {}).get("description", "its answer is empty")
        raise RefusedError(f"Yahoo has no {symbol}: {why}")
    result = chart["result"][0]
    meta, closes = result["meta"], result["indicators"]["quote"][0].get("close")
    adjusted = (result["indicators"].get("adjclose") or [{}])[0].get("adjclose")
    if meta["symbol"] != symbol:
        raise RefusedError(f"Yahoo answers for {meta['symbol']} when asked for {symbol}: was it renamed?")
    if meta["dataGranularity"] != "1d":
        raise RefusedError(f"Yahoo sent prices every {meta['dataGranularity']} for {symbol} when asked for daily ones")
    if not (closes and adjusted and result.get("timestamp")):
        raise RefusedError(f"Yahoo sent no closes for {symbol}, or none that are adjusted")
    # `gmtoffset` is today's, not that of each day.
    days = pd.to_datetime(result["timestamp"], unit="s", utc=True).tz_convert(meta["exchangeTimezoneName"]).normalize()
    pairs = pd.DataFrame({"day": days, "close": closes}).drop_duplicates()["day"]
    twice = pairs[pairs.duplicated() & (pairs < pairs.max())]  # on the last day the second is the latest price
    if len(twice):
        raise RefusedError(f"Yahoo sent two different closes for {symbol} on {twice.iloc[0]:%Y-%m-%d}")


class Fred(Vendor):
    """FRED: one series a request, its newest vintage, no key needed."""

    source, label = "fred", "FRED"
    URL = "https://fred.stlouisfed.org/graph/fredgraph.csv"

    def fetch(self, item: Item) -> Fetched:
        """Fetch a series whole."""
        name = vendor_name(self.source, item.name)
        response = self.ask(lambda: self.get(self.URL, params={"id": name}))
        values = pd.read_csv(BytesIO(response.content), index_col=0, na_values=".")[name].astype(float)
        frame = pd.DataFrame({"date": pd.to_datetime(values.index, format="%Y-%m-%d"), "value": values.to_numpy()})
        return frame, {"symbol": name, **LIBRARY}


class French(Vendor):
    """Ken French's data library: monthly factors and portfolios, several in a file, which is fetched once."""

    source, label = "french", "Ken French's library"
    URL = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp/{}_CSV.zip"

    def fetch(self, item: Item) -> Fetched:
        """Take a series from its file."""
        dataset, _, column = vendor_name(self.source, item.name).partition("/")
        with self._once:
            if dataset not in self._fetched:
                content = self.ask(lambda: self.get(self.URL.format(dataset))).content
                with zipfile.ZipFile(BytesIO(content)) as file:
                    text = "\n".join(file.read(file.namelist()[0]).decode("latin-1").splitlines())
                rows = StringIO(first_months(text))  # the first table; of portfolios it is weighted by value
                table = pd.read_csv(rows, index_col=0, parse_dates=True, date_format="%Y%m").rename_axis("date")
                self._fetched[dataset] = table.rename(columns=str.strip).astype(float)
        table = self._fetched[dataset]
        if column not in table:
            raise RefusedError(f"{dataset}: no monthly column {column}; it has {', '.join(table)}")
        # What the catalog keeps as decimals (portfolios, as another of their publishers has them) comes in percent.
        values = table[column].rename("value") * (PERCENT if describe_series(item.name).scale == 1 else 1)
        return values.reset_index(), {"symbol": f"{dataset}, {column}", **LIBRARY}


class Sec(Vendor):
    """The SEC's company facts, over plain HTTPS: every number of every report as filed, with the day on which it was."""

    source, label, browser, gap_s = "sec", "the SEC", None, 0.125  # it allows ten requests a second
    LIST_URL = "https://www.sec.gov/files/company_tickers.json"
    FACTS_URL = "https://data.sec.gov/api/xbrl/companyfacts/CIK{:010d}.json"

    def __init__(self, policy: RetryPolicy) -> None:
        """Say who asks, as the SEC wants to know; it goes into one header and nowhere else."""
        super().__init__(policy)
        if not (who := os.environ.get("SEC_IDENTITY", "").strip()):
            raise MissingDataError("the SEC wants to know who asks: set SEC_IDENTITY to your name and e-mail address")
        self.headers["User-Agent"] = who

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number (CIK) of each company by its first ticker, the largest of today first; none that failed since."""
        rows = self.ask(lambda: self.read_json(self.get(self.LIST_URL))).values()
        if not rows:
            raise RefusedError("the SEC sent an empty list of companies")
        companies = pd.DataFrame(list(rows)).drop_duplicates("cik_str").astype({"cik_str": int})
        return dict(zip(companies["ticker"], companies["cik_str"], strict=True))

    def fetch(self, item: Item) -> Fetched:
        """Fetch the facts of a company."""
        number = self.numbers[item.name]
        frame = facts_frame(self.ask(lambda: self.read_json(self.get(self.FACTS_URL.format(number)))))
        if frame.empty:
            raise RefusedError(f"the SEC has none of the facts that the kit uses for {item.name}")
        return frame, {"symbol": f"CIK{number:010d}", "tags": ", ".join(sorted(TAGS)), **LIBRARY}


VENDORS: dict[str, type[Vendor]] = {vendor.source: vendor for vendor in (Yahoo, Fred, French, Sec)}
