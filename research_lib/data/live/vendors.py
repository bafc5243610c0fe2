"""The vendors' clients: the only code that touches the network. Heavy to import; only a pull does.

A new vendor is a class here, its kind in `store.SERVES`, and a column of names in the catalog.
"""

import json
import logging
import os
import re
import warnings
import zipfile
from importlib.metadata import version
from io import BytesIO, StringIO
from itertools import takewhile
from threading import Lock
from typing import Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit

import curl_cffi.requests as curl
import pandas as pd

from research_lib.data.catalog import PERCENT, describe_series, vendor_name
from research_lib.data.live.network import RefusedError, TransientError, check_answer, connection_fault
from research_lib.data.live.store import Item, Pulled, Store
from research_lib.data.sec import TAGS, facts_frame
from research_lib.errors import MissingDataError

CHART = "/v8/finance/chart/"
YAHOO_COLUMNS = {"Close": "close", "Adj Close": "adj_close", "Open": "open", "High": "high", "Low": "low",
                 "Volume": "volume", "Dividends": "dividend", "Stock Splits": "split"}  # fmt: skip


class Session(curl.Session[curl.Response]):
    """A vendor's session: the vendor judges what comes, before yfinance turns it into something else."""

    def __init__(self, vendor: "Vendor") -> None:
        super().__init__(impersonate=vendor.browser)
        self.vendor = vendor

    def request(self, method: str, url: str, **options: Any) -> curl.Response:  # type: ignore[override]  # noqa: ANN401
        """Ask, for no longer than the time-out."""
        timeout_s = self.vendor.timeout_s
        try:
            response = super().request(method, url, **{**options, "timeout": timeout_s})  # type: ignore[arg-type]
        except curl.exceptions.RequestException as error:
            raise connection_fault(self.vendor.label, error, timeout_s) from None
        self.vendor.judge(url, response)
        return response


class Vendor:
    """One vendor's client: its name among sources, and how to fetch an item's whole history."""

    source: ClassVar[str]
    label: ClassVar[str]
    browser: ClassVar[Literal["chrome"] | None] = "chrome"  # whose requests ours look like
    library: ClassVar[str] = f"curl_cffi {version('curl_cffi')}"

    def __init__(self, store: Store, *, timeout_s: float = 30.0) -> None:  # noqa: ARG002  # Yahoo keeps a cache there
        self.timeout_s, self.session, self._lock = timeout_s, Session(self), Lock()
        self._fetched: dict[str, Any] = {}  # what serves several items

    def judge(self, url: str, response: curl.Response) -> None:  # noqa: ARG002
        """Raise where an answer is none."""
        check_answer(self.label, response)
        if not response.ok:
            raise RefusedError(f"{self.label} answered {response.status_code} {response.reason}")

    def fetch(self, item: Item) -> Pulled:
        """Fetch an item; `RefusedError` or `TransientError` where there is no usable answer."""
        raise NotImplementedError

    def _series(self, item: Item, asked: str, values: "pd.Series[float]") -> Pulled:
        frame = pd.DataFrame({"date": pd.DatetimeIndex(values.index).as_unit("us"), "value": values.to_numpy()})
        return Pulled(item, frame, {"symbol": asked}, self.library)


class Yahoo(Vendor):
    """Daily prices through yfinance; neither its `download`, which swallows errors, nor `repair`, which invents splits."""

    source, label, library = "yahoo", "Yahoo", f"yfinance {version('yfinance')}"

    def __init__(self, store: Store, *, timeout_s: float = 30.0) -> None:
        """Let yfinance raise what it would log, and keep time zones of symbols with the snapshots."""
        import yfinance

        super().__init__(store, timeout_s=timeout_s)
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # it logs what it also raises
        yfinance.config.debug.hide_exceptions = False
        # It shows deprecation warnings of its own use of pandas, a few for each symbol; nothing of ours.
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning, module="yfinance")
        (zones := store.directory / "yfinance").mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(zones))

    def judge(self, url: str, response: curl.Response) -> None:
        """Judge answers for prices; a refused crumb (401, 403) passes, because yfinance fetches another."""
        path = unquote(urlsplit(url).path)
        if path.startswith(CHART) and response.status_code not in {401, 403}:
            check_answer(self.label, response)
            check_chart(path.removeprefix(CHART), response.content, response.status_code)

    def fetch(self, item: Item) -> Pulled:
        """Fetch a symbol's prices, that of a session under way among them."""
        import yfinance

        symbol, asked = vendor_name(self.source, item.name), {"period": "max", "interval": "1d", "auto_adjust": False}
        try:
            ticker = yfinance.Ticker(symbol, session=self.session)
            ticker._tz = "America/New_York"  # spares a second request a symbol; the answer itself says its zone
            history = ticker.history(**asked, actions=True, repair=False, keepna=True, timeout=None)
        except yfinance.exceptions.YFRateLimitError:
            raise TransientError("Yahoo is throttling", for_all=True) from None
        days = pd.DatetimeIndex(history.index).tz_localize(None).as_unit("us").rename("date")
        frame = history.set_axis(days)[list(YAHOO_COLUMNS)].rename(columns=YAHOO_COLUMNS).astype(float).reset_index()
        return Pulled(
            item, frame, {"symbol": symbol, **{name: str(value) for name, value in asked.items()}}, self.library
        )


def check_chart(symbol: str, content: bytes, status: int) -> None:
    """Raise where an answer for one symbol's prices holds none, those of another, another interval, or two for a day.

    Yfinance keeps the first of two rows of a day in silence; on the last day the second is only the latest price. And it
    takes closes for adjusted ones where there are none.
    """
    result = read_chart(symbol, content, status)
    meta = {"symbol": symbol, "dataGranularity": "1d", "exchangeTimezoneName": "UTC"} | (result.get("meta") or {})
    if meta["symbol"] != symbol:
        raise RefusedError(f"Yahoo answers for {meta['symbol']} when asked for {symbol}: was it renamed?")
    if meta["dataGranularity"] != "1d":
        raise RefusedError(f"Yahoo sent prices every {meta['dataGranularity']} for {symbol} when asked for daily ones")
    seconds, quotes = result.get("timestamp") or [], result["indicators"]["quote"][0].get("close") or []
    if len(seconds) != len(quotes):
        raise RefusedError(f"Yahoo sent {len(quotes)} prices on {len(seconds)} dates for {symbol}")
    if quotes and not result["indicators"].get("adjclose"):
        raise RefusedError(f"Yahoo sent no adjusted closes for {symbol}")
    times = pd.to_datetime(seconds, unit="s", utc=True)  # the offset (gmtoffset) is today's, not that of each day
    days = times.tz_convert(meta["exchangeTimezoneName"]).tz_localize(None).normalize()
    differing = pd.Series(quotes, days, dtype=float)[days < days.max()].groupby(level=0).nunique(dropna=False)
    if (differing > 1).any():
        raise RefusedError(f"Yahoo sent two different closes for {symbol} on {str(differing.idxmax())[:10]}")


def read_chart(symbol: str, content: bytes, status: int) -> Any:  # noqa: ANN401
    """Return what Yahoo answers for a symbol; raise where it says that there is nothing, or is no such answer."""
    try:
        answer = json.loads(content)
        if "Too Many Requests" in str(answer.get("finance")):
            raise TransientError("Yahoo is throttling", for_all=True)
        result, fault = answer["chart"]["result"], answer["chart"].get("error")
    except (ValueError, KeyError, TypeError, AttributeError):
        if status >= 400:
            raise RefusedError(f"Yahoo answered {status} for {symbol}") from None
        raise TransientError("Yahoo sent an answer that is cut off or no JSON") from None
    if fault:
        hint = (
            f"; a class of shares is {symbol.replace('.', '-')} there" if re.fullmatch(r"[A-Z]+\.[AB]", symbol) else ""
        )
        raise RefusedError(f"Yahoo has no {symbol}: {fault.get('description')}{hint}")
    if not result:
        raise RefusedError(f"Yahoo sent an empty answer for {symbol}")
    return result[0]


class Fred(Vendor):
    """FRED: one series a request, its newest vintage, no key needed."""

    source, label = "fred", "FRED"
    URL = "https://fred.stlouisfed.org/graph/fredgraph.csv?id="

    def fetch(self, item: Item) -> Pulled:
        """Fetch a series whole."""
        name = vendor_name(self.source, item.name)
        content = self.session.get(self.URL + name).content
        values = pd.read_csv(BytesIO(content), index_col=0, na_values=".")[name].astype(float)
        values.index = pd.to_datetime(values.index, format="%Y-%m-%d")
        return self._series(item, name, values)


class French(Vendor):
    """Ken French's data library: monthly factors and portfolios, several in a file, which is fetched once."""

    source, label = "french", "Ken French's library"
    URL = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp/{}_CSV.zip"

    def fetch(self, item: Item) -> Pulled:
        """Take a series from its file."""
        dataset, _, column = vendor_name(self.source, item.name).partition("/")
        with self._lock:
            if dataset not in self._fetched:
                self._fetched[dataset] = read_monthly(self.session.get(self.URL.format(dataset)).content)
        table = self._fetched[dataset]
        if column not in table:
            raise RefusedError(f"{dataset}: no monthly column {column}; it has {', '.join(table)}")
        values = table[column].mask(table[column].isin([-99.99, -999.0]))
        # What the catalog keeps as decimals (portfolios, as another of their publishers has them) comes in percent.
        values *= PERCENT if describe_series(item.name).scale == 1 else 1
        return self._series(item, f"{dataset}, {column}", values)


def read_monthly(content: bytes) -> pd.DataFrame:
    """Read the first table of months in a file of Ken French's, of portfolios that by value; a column a series."""
    with zipfile.ZipFile(BytesIO(content)) as file:
        lines = file.read(file.namelist()[0]).decode("latin-1").splitlines()
    is_month = re.compile(r"\s*\d{6}\s*,").match
    first = [bool(is_month(line)) for line in lines].index(True)
    text = "\n".join([lines[first - 1], *takewhile(is_month, lines[first:])])
    table = pd.read_csv(StringIO(text), index_col=0).rename(columns=str.strip).astype(float)
    return table.set_axis(pd.to_datetime(table.index.astype(str), format="%Y%m"))


class Sec(Vendor):
    """The SEC's company facts, over plain HTTPS: every number of every report as filed, with the day on which it was."""

    source, label, browser = "sec", "the SEC", None
    LIST_URL = "https://www.sec.gov/files/company_tickers.json"
    FACTS_URL = "https://data.sec.gov/api/xbrl/companyfacts/CIK{:010d}.json"

    def __init__(self, store: Store, *, timeout_s: float = 30.0) -> None:
        """Say who asks, as the SEC wants to know; it goes into one header and nowhere else."""
        super().__init__(store, timeout_s=timeout_s)
        if not (who := os.environ.get("SEC_IDENTITY", "").strip()):
            raise MissingDataError("the SEC wants to know who asks: set SEC_IDENTITY to your name and e-mail address")
        self.session.headers["User-Agent"] = who

    def largest(self, count: int) -> list[str]:
        """Return the tickers of the largest companies by today's market value, each company once.

        Those of today: companies that failed or were bought since are not among them.
        """
        return list(pd.Series(self._numbers()).drop_duplicates().index[:count])

    def fetch(self, item: Item) -> Pulled:
        """Fetch the facts of a company."""
        if (number := self._numbers().get(item.name)) is None:
            raise RefusedError(f"the SEC lists no {item.name}")
        frame = facts_frame(self._ask(self.FACTS_URL.format(number)))
        if frame.empty:
            raise RefusedError(f"the SEC has none of the facts that the kit uses for {item.name}")
        notes = () if (frame["taxonomy"] == "us-gaap").any() else ("no facts in US GAAP: it will be left out",)
        query = {"symbol": f"CIK{number:010d}", "tags": ", ".join(sorted(TAGS))}
        return Pulled(item, frame, query, self.library, notes)

    def _numbers(self) -> dict[str, int]:
        """Return each ticker's company number (CIK), the largest company first."""
        with self._lock:
            if not self._fetched:
                self._fetched = {str(row["ticker"]): int(row["cik_str"]) for row in self._ask(self.LIST_URL).values()}
            if not self._fetched:
                raise RefusedError("the SEC sent an empty list of companies")
        return self._fetched

    def _ask(self, url: str) -> Any:  # noqa: ANN401
        try:
            return json.loads(self.session.get(url).content)
        except ValueError:
            raise TransientError("the SEC sent an answer that is cut off or no JSON") from None


VENDORS: dict[str, type[Vendor]] = {vendor.source: vendor for vendor in (Yahoo, Fred, French, Sec)}
