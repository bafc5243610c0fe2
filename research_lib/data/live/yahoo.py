"""Yahoo, through yfinance: daily prices, with what is wrong in an answer said in place of an empty frame.

`yfinance.download` swallows errors, and `repair=True` has invented splits: neither is used. Heavy to import; only
`pull` does.
"""

import json
import logging
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import curl_cffi
import numpy as np
import pandas as pd
import yfinance
from curl_cffi.requests import Response, Session
from curl_cffi.requests import exceptions as faults

from research_lib.data.calendar import is_finished
from research_lib.data.catalog import describe_asset
from research_lib.data.live.network import RefusedError, TransientError, judge_body, judge_status
from research_lib.data.live.snapshots import Item, Kind, Pulled

# It logs what it also raises, or what its answer then shows; a pull says each thing once, at its end.
logging.getLogger("yfinance").setLevel(logging.CRITICAL)

SOURCE, VENDOR = "yahoo", "Yahoo"
CHART = "/v8/finance/chart/"
SECONDS_PER_DAY = 86_400
RECENT = pd.Timedelta(days=4)  # older sessions are over, wherever the exchange is
COLUMNS = {
    "Close": "close",
    "Adj Close": "adj_close",
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Volume": "volume",
    "Dividends": "dividend",
    "Stock Splits": "split",
}


class YahooSession(Session[Response]):
    """The session that yfinance asks through: it says what went wrong before yfinance turns it into something else."""

    def __init__(self, *, timeout_s: float) -> None:
        super().__init__(impersonate="chrome")
        self.timeout_s = timeout_s

    def request(self, method: str, url: str, **options: Any) -> Response:  # type: ignore[override]  # noqa: ANN401
        """Ask, and judge the answer."""
        path = urlsplit(url).path
        try:
            response = super().request(method, url, **{**options, "timeout": self.timeout_s})  # type: ignore[arg-type]
        except faults.Timeout:
            raise TransientError(f"Yahoo did not answer within {self.timeout_s:g} s") from None
        except (faults.IncompleteRead, faults.ChunkedEncodingError):
            raise TransientError("Yahoo cut the connection in the middle of its answer") from None
        except faults.RequestException as error:
            raise _lost(error) from None
        if path.startswith(CHART):
            judge_status(VENDOR, response.status_code, response.headers.get("Retry-After"))
            judge_body(VENDOR, response.content)
            judge_chart(unquote(path.removeprefix(CHART)), response)
        return response


def _lost(error: faults.RequestException) -> TransientError:
    reachable = error.code not in {curl_cffi.CurlECode.COULDNT_CONNECT, curl_cffi.CurlECode.COULDNT_RESOLVE_HOST}
    return TransientError(f"Yahoo {'cut the connection' if reachable else 'cannot be reached'}", for_all=not reachable)


def judge_chart(symbol: str, response: Response) -> None:
    """Raise where an answer for one symbol's prices holds none, those of another one, or two for one day.

    A refused crumb (401, 403) passes: yfinance fetches another.
    """
    if response.status_code in {401, 403}:
        return
    try:
        chart = json.loads(response.content)["chart"]
        result = chart["result"]
    except (ValueError, KeyError, TypeError):
        if not response.ok:
            raise RefusedError(f"Yahoo answered {response.status_code} for {symbol}") from None
        raise TransientError("Yahoo sent an answer that is cut off or no JSON") from None
    if chart.get("error"):
        raise RefusedError(f"Yahoo has no {symbol}: {chart['error'].get('description')}")
    if not result:
        raise RefusedError(f"Yahoo sent an empty answer for {symbol}")
    named = result[0].get("meta", {}).get("symbol", symbol)
    if named != symbol:
        raise RefusedError(f"Yahoo answers for {named} when asked for {symbol}: was it renamed?")
    _stop_at_two_for_one_day(symbol, result[0])


def _stop_at_two_for_one_day(symbol: str, result: dict[str, Any]) -> None:
    """Yfinance keeps the first of two rows in silence; on the last day the second one is only the latest price."""
    seconds, quotes = result.get("timestamp") or [], result["indicators"]["quote"][0].get("close") or []
    if len(seconds) != len(quotes):
        raise RefusedError(f"Yahoo sent {len(quotes)} prices on {len(seconds)} dates for {symbol}")
    numbers = (np.array(seconds, dtype=np.int64) + int(result["meta"].get("gmtoffset", 0))) // SECONDS_PER_DAY
    if len(np.unique(numbers)) == len(numbers):
        return
    days = pd.to_datetime(numbers, unit="D")
    closes = pd.Series(quotes, days, dtype=float)[days < days.max()]
    differing = closes.groupby(level=0).nunique(dropna=False)
    if (differing > 1).any():
        day = differing.index[differing > 1][0]
        raise RefusedError(f"Yahoo sent two different closes for {symbol} on {day.date()}")


class Yahoo:
    """The client: one request an item."""

    source = SOURCE

    def __init__(self, *, session: Session[Response], cache: Path) -> None:
        """Set yfinance up: to raise what it would log, and to keep time zones of symbols with the snapshots."""
        yfinance.config.debug.hide_exceptions = False
        # It shows deprecation warnings of its own use of pandas, a few for each symbol; nothing of ours.
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning, module="yfinance")
        cache.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(cache))
        self._session = session
        self._time_zone = "America/New_York"

    def fetch(self, items: Sequence[Item], *, now: pd.Timestamp) -> list[Pulled]:
        """Fetch the whole history of each item's symbol.

        Raises
        ------
        RefusedError, TransientError
            Yahoo has no such symbol, or gave no usable answer.
        """
        return [self._fetch(item, now) for item in items]

    def _fetch(self, item: Item, now: pd.Timestamp) -> Pulled:
        symbol = describe_asset(item.name).yahoo or item.name
        query = {"symbol": symbol, "period": "max", "interval": "1d", "auto_adjust": "False"}
        try:
            ticker = yfinance.Ticker(symbol, session=self._session)
            ticker._tz = self._time_zone  # spares a second request for each symbol; the answer itself says its zone
            history = ticker.history(
                period="max", interval="1d", auto_adjust=False, actions=True, repair=False, keepna=True, timeout=None
            )
        except yfinance.exceptions.YFRateLimitError:
            raise TransientError("Yahoo is throttling", for_all=True) from None
        except (yfinance.exceptions.YFException, KeyError, TypeError, ValueError, IndexError) as error:
            raise RefusedError(f"Yahoo sent nothing usable for {symbol} ({type(error).__name__}: {error})") from None
        frame, left_out = in_shape(history, symbol, now)
        return Pulled(item, frame, query, f"yfinance {version('yfinance')}", left_out)


def in_shape(history: pd.DataFrame, symbol: str, now: pd.Timestamp) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Bring a history into the columns of `Kind.PRICES`; a session that is not over at `now` is left out."""
    days = pd.DatetimeIndex(history.index).tz_localize(None).as_unit("us")
    columns = {name: history[theirs].to_numpy(dtype=float) for theirs, name in COLUMNS.items()}
    frame = pd.DataFrame({"date": days, **columns})
    recent = days[days >= now.tz_localize(None) - RECENT]
    unfinished = [day for day in recent if not is_finished(day, now)]
    frame = frame[~frame["date"].isin(unfinished)] if unfinished else frame
    if frame["close"].isna().all():
        raise RefusedError(f"Yahoo sent no close for {symbol}")
    return frame, tuple(f"{day.date()}: the session is not over yet" for day in unfinished)


def item_for(symbol: str) -> Item:
    """Name a symbol's prices."""
    return Item(SOURCE, Kind.PRICES, symbol)
