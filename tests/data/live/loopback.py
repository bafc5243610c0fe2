"""A server on this machine that plays the vendors, the real clients led to it, and answers in each vendor's form.

A host that the server does not play fails at once: no test leaves the loopback address.
"""

import io
import json
import threading
import time
import zipfile
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd
from yfinance.data import YfData

from research_lib.data.live.vendors import VENDORS

HOSTS = {"query2.finance.yahoo.com", "query1.finance.yahoo.com", "fc.yahoo.com", "guce.yahoo.com",
         "fred.stlouisfed.org", "mba.tuck.dartmouth.edu", "data.sec.gov", "www.sec.gov"}  # fmt: skip
OPENING = pd.Timedelta(hours=14, minutes=30)  # of the exchange, in UTC
FILED = "2023-02-20"


class Answer(NamedTuple):
    """What the server sends: `cut` closes the connection halfway, `delay_s` comes before the first byte."""

    body: bytes = b""
    status: int = 200
    headers: dict = {}  # noqa: RUF012  # never changed
    delay_s: float = 0.0
    cut: bool = False


class Vendors(ThreadingHTTPServer):
    """The server: what it answers by path, and what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.book, self.asked, self.users, self.port = {}, [], [], self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def server_close(self):  # at the end of `with` too
        self.shutdown()
        super().server_close()

    def answer(self, path, *answers):
        """Answer a path, each time with the next one; the last one stays."""
        self.book[path] = list(answers)

    def prices(self, symbol, *answers):
        self.answer(f"/v8/finance/chart/{symbol}", *answers)

    def times_asked(self, part):
        return sum(part in path for path in self.asked)

    def take(self, raw):
        parts = urlsplit(raw)
        path = unquote(parts.path) + ("?" + parse_qs(parts.query)["id"][0] if "fredgraph" in raw else "")
        self.asked.append(path)
        fault = {"description": "No data found, symbol may be delisted"}
        answers = self.book.get(path, [as_json({"chart": {"result": None, "error": fault}}, status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.users.append(self.headers["User-Agent"])
        answer = self.server.take(self.path)
        time.sleep(answer.delay_s)
        self.send_response(answer.status)
        for name, value in (answer.headers | {"Content-Length": str(len(answer.body))}).items():
            self.send_header(name, value)
        self.close_connection = True
        with suppress(OSError):  # who asked may have gone
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = answer.cut

    def log_message(self, *_):
        pass


def led(port):
    """What makes the real clients, by source, led to the server."""

    def make(vendor, policy):
        client = vendor(policy)
        ask = client.request

        def request(method, url, *args, **options):
            parts = urlsplit(url)
            assert parts.hostname in HOSTS, f"a test asks {parts.hostname}"
            return ask(method, parts._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl(), *args, **options)

        client.request = request
        if client.source == "yahoo":
            data = YfData(session=client)
            data._cookie, data._crumb = True, "crumb"
            data.cache_get.cache_clear()
        return client

    return {name: partial(make, vendor) for name, vendor in VENDORS.items()}


def as_json(content, **options):
    return Answer(json.dumps(content).encode(), **options)


def chart(symbol, days, closes=None, *, adjclose="the closes", stamps=None, meta=None):
    """Yahoo's answer for a symbol's prices, with the changes of a test."""
    closes = list(100 + np.arange(len(days)) * 0.1) if closes is None else list(closes)
    stamps = [int((day + OPENING).timestamp()) for day in days] if stamps is None else stamps
    usual = {"symbol": symbol, "dataGranularity": "1d", "exchangeTimezoneName": "America/New_York", "gmtoffset": -18000,
             "currency": "USD", "instrumentType": "EQUITY", "priceHint": 2, "validRanges": ["1d", "max"]}  # fmt: skip
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [1000] * len(closes)}
    adjusted = closes if adjclose == "the closes" else adjclose
    indicators = {"quote": [quote]} | ({"adjclose": [{"adjclose": adjusted}]} if adjusted else {})
    result = {"meta": usual | (meta or {}), "timestamp": stamps, "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


def fred_csv(series_id, values):
    lines = [f"{day:%Y-%m-%d},{'.' if np.isnan(value) else value}" for day, value in values.items()]
    return Answer("\n".join([f"observation_date,{series_id}", *lines, ""]).encode())


def french_zip(tables, *, first="", line_end="\r\n"):
    """A file as Ken French publishes it: text, then blocks of a title, a header and rows, each ended by an empty line."""
    blocks = ["This file was made up for a test."]
    for title, table in tables.items():
        rows = [f"{period},{','.join(f'{value:8.2f}' for value in row)}" for period, *row in table.itertuples()]
        blocks.append(line_end.join([f"  {title}", ",".join([first, *table.columns]), *rows]))
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as file:
        file.writestr("x.csv", (2 * line_end).join([*blocks, "Copyright"]))
    return Answer(buffer.getvalue())


def fact(value, filed=FILED, *, start="2022-01-01", end="2022-12-31", form="10-K", accession=None):
    """One of the SEC's facts of a company, by default of the year 2022."""
    dates = {"start": start, "end": end} if start else {"end": end}
    return {"val": value, "filed": filed, "form": form, "fy": 2022, "accn": accession or f"A-{filed}"} | dates


def stock(value, filed=FILED, **options):
    return fact(value, filed, start=None, **options)


def company(shares=10e6, **tags):
    """A company's facts: one annual report of 2022, filed on 2023-02-20, with what `tags` change (None: without)."""
    usual = {
        "OperatingIncomeLoss": [fact(100e6)], "DepreciationDepletionAndAmortization": [fact(20e6)],
        "InterestExpense": [fact(5e6)], "Revenues": [fact(900e6)], "LongTermDebtNoncurrent": [stock(300e6)],
        "Assets": [stock(2e9)], "CashAndCashEquivalentsAtCarryingValue": [stock(50e6)],
    }  # fmt: skip
    described = {tag: {"units": {"USD": facts}} for tag, facts in (usual | tags).items() if facts}
    cover = {"EntityCommonStockSharesOutstanding": {"units": {"shares": [stock(shares, end="2023-02-10")]}}}
    return {"facts": {"us-gaap": described, "dei": cover if shares else {}}}
