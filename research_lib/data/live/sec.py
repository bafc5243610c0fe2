"""The SEC's company facts: every number of every report as it was filed, with the day on which it was.

Asked over plain HTTPS: one JSON a company is all there is to it. edgartools would bring fourteen further packages,
a cache and a rate limiter of its own, beside ours, and gives the same numbers.
"""

import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import pandas as pd
import requests

from research_lib.data.fundamentals.sec_tags import TAGS
from research_lib.data.live.network import RefusedError, TransientError
from research_lib.data.live.snapshots import Item, Pulled
from research_lib.errors import MissingDataError

SOURCE = "sec"
IDENTITY = "SEC_IDENTITY"
LIST_URL = "https://www.sec.gov/files/company_tickers.json"
TAXONOMIES = {"us-gaap", "dei"}  # of others, tags of the same name mean other things
FACTS_URL = "https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010d}.json"


def read_identity() -> str:
    """Return who asks, as the SEC wants to know; it goes into one header and nowhere else.

    Raises
    ------
    MissingDataError
        The environment does not say.
    """
    identity = os.environ.get(IDENTITY, "").strip()
    if not identity:
        raise MissingDataError(
            f"the SEC wants to know who asks: set the environment variable {IDENTITY} to a name and an e-mail address"
        )
    return identity


class Sec:
    """The client."""

    source = SOURCE

    def __init__(self, *, session: requests.Session, identity: str) -> None:
        session.headers["User-Agent"] = identity
        self._session = session
        self._ciks: dict[str, int] = {}

    def largest(self, count: int) -> list[str]:
        """Return the tickers of the largest companies by today's market value, each company once.

        Those of today: companies that failed or were bought since are not among them.
        """
        content = self._ask(LIST_URL)
        try:
            rows = [(str(row["ticker"]), int(row["cik_str"])) for row in content.values()]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise RefusedError("the SEC's list of companies is not what it was") from None
        first: dict[int, str] = {}
        for ticker, cik in rows:
            first.setdefault(cik, ticker)
        self._ciks = dict(rows)
        return list(first.values())[:count]

    def fetch(self, items: Sequence[Item], *, now: pd.Timestamp) -> list[Pulled]:  # noqa: ARG002  # no sessions here
        """Fetch the facts of each company.

        Raises
        ------
        RefusedError, TransientError
            The SEC has no such company, or gave no usable answer.
        """
        return [self._fetch(item) for item in items]

    def _fetch(self, item: Item) -> Pulled:
        if item.name not in self._ciks:
            self.largest(0)
        if item.name not in self._ciks:
            raise RefusedError(f"the SEC lists no {item.name}")
        cik = self._ciks[item.name]
        frame = in_shape(self._ask(FACTS_URL.format(cik=cik)), item.name)
        query = {"symbol": f"CIK{cik:010d}", "tags": ", ".join(sorted(TAGS))}
        return Pulled(item, frame, query, f"requests {version('requests')}")

    def _ask(self, url: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._session.get(url).content)
        except ValueError:
            raise TransientError("the SEC sent an answer that is cut off or no JSON") from None
        return content


def in_shape(content: dict[str, Any], name: str) -> pd.DataFrame:
    """Bring a company's facts into one table, a row a fact and filing: the tags that the kit uses.

    Raises
    ------
    RefusedError
        There are none, or the answer has another form.
    """
    try:
        rows = [
            (taxonomy, tag, unit, fact.get("start"), fact["end"], fact["filed"], fact["val"], fact["accn"],
             fact.get("fy"), fact["form"])
            for taxonomy, tags in content["facts"].items() if taxonomy in TAXONOMIES
            for tag, described in tags.items() if tag in TAGS
            for unit, facts in described["units"].items()
            for fact in facts
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError):
        raise RefusedError(f"the SEC's facts of {name} are not in the form they were") from None
    if not rows:
        raise RefusedError(f"the SEC has none of the facts that the kit uses for {name} (another accounting standard?)")
    columns = ["taxonomy", "tag", "unit", "start", "end", "filed", "value", "accession", "fiscal_year", "form"]
    frame = pd.DataFrame(rows, columns=columns)
    dates = {name: pd.to_datetime(frame[name]).astype("datetime64[us]") for name in ("start", "end", "filed")}
    return frame.assign(**dates, value=frame["value"].astype(float), fiscal_year=frame["fiscal_year"].astype("Int64"))
