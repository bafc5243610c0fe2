"""The vendors' clients, the only code that touches the network. A new one is a class here and in `store.SERVES`."""

import logging
import os
import warnings
import zipfile
from functools import cached_property
from importlib.metadata import version
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
from curl_cffi.requests import Response

from research_lib.data.catalog import PERCENT, describe_series, vendor_name
from research_lib.data.live.network import Fetched, RefusedError, RetryPolicy, Vendor
from research_lib.data.live.store import Item
from research_lib.data.sec import TAGS, facts_frame
from research_lib.data.source import first_months
from research_lib.errors import MissingDataError

LIBRARY = {"library": f"curl_cffi {version('curl_cffi')}"}
YAHOO_COLUMNS = {"Close": "close", "Adj Close": "adj_close", "Open": "open", "High": "high", "Low": "low",
                 "Volume": "volume", "Stock Splits": "split"}  # fmt: skip


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
