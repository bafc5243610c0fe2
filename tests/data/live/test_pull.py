"""What a pull makes of a vendor's answers, sound and not: what is kept, what is said, and what reports then use."""

import json
import time
from datetime import date
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from curl_cffi.requests import Session
from curl_cffi.requests.exceptions import CertificateVerifyError, ProxyError, SSLError

from research_lib.data import load_prices, load_series, open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.catalog import KNOWN_SERIES, KNOWN_SYMBOLS, vendor_name
from research_lib.data.live import pull as pulling
from research_lib.data.live.store import SERVES, Item
from research_lib.data.live.vendors import VENDORS, RefusedError, TransientError, Yahoo, check_chart
from research_lib.errors import DataError, MissingDataError
from tests.conftest import read_table
from tests.data.live import loopback
from tests.data.live.conftest import DAYS, NEEDS, QUICK, prices
from tests.data.live.loopback import Answer, as_json, chart, company, led

RUT, OTHERS = Item("yahoo", "RUT"), ("GSPC", "VIX", "IWM")
GOOD, CLOSES = as_json(chart("^RUT", DAYS)), list(100 + np.arange(len(DAYS)) * 0.1)


@pytest.fixture
def pull_rut(vendors, pull):
    """Pull RUT and three others; the answers for RUT are the test's. The lines that are said, and whether all is there."""
    for symbol in OTHERS:
        vendors.prices(vendor_name("yahoo", symbol), as_json(chart(vendor_name("yahoo", symbol), DAYS)))

    def run(*answers, **options):
        vendors.prices("^RUT", *answers)
        outcome = pull("yahoo", symbols=("RUT", *OTHERS), **options)
        return outcome.lines(), outcome.complete

    return run


def loaded(*names, **options):
    return load_prices(open_source("yahoo"), names or ["RUT"], **options)


def test_a_sound_answer_is_kept_and_read_without_the_network(pull_rut, store, vendors, monkeypatch):
    said, complete = pull_rut(GOOD)
    assert (said[2], said[-1]) == ("yahoo RUT: 198 rows, 2023-10-02 to 2024-07-16", "4 snapshots kept, 0 failed")
    assert complete
    vendors.server_close()
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was touched"))
    found = loaded("RUT", "IWM:total", "RUT:high", as_of=date(2024, 7, 16))
    pd.testing.assert_series_equal(found["RUT"], pd.Series(CLOSES, DAYS), check_names=False, check_freq=False)
    assert found.cards[0].origin.startswith("^RUT, column close, pulled 20")
    assert (found.cards[0].source, found.cards[0].vintage.sha256) == ("yahoo", store.snapshots(RUT)[0].sha256)
    with pytest.raises(DataError, match="source yahoo has no bid of RUT; it has close, adj_close"):
        loaded("RUT:bid")
    with pytest.raises(MissingDataError, match="source yahoo has no series, and so no SMB"):
        open_source("yahoo").read("series", "SMB", "value")


TREASURY = pd.Series(np.linspace(4, 9, 3000), pd.date_range("1962-01-02", periods=3000, freq="B"))
MONTHS = pd.period_range("1990-01", "2023-12", freq="M").strftime("%Y%m")
FACTORS_FILE, PORTFOLIOS_FILE = (f"/pages/faculty/ken.french/ftp/{name}_CSV.zip"
                                 for name in ("F-F_Research_Data_Factors", "25_Portfolios_5x5"))  # fmt: skip


def french_tables(*columns, seed=0):
    values = np.random.default_rng(seed).normal(0.5, 4, (len(MONTHS), len(columns))).round(2)
    return {"Monthly": pd.DataFrame(values, MONTHS, columns), "Annual": pd.DataFrame(1.0, range(1950, 2024), columns)}


FACTORS = french_tables("Mkt-RF", "SMB", "HML")
# One item of each vendor: what asks for it, its path, and a sound answer.
ONE = {
    RUT: ({"symbols": ("RUT",)}, "/v8/finance/chart/^RUT", GOOD),
    Item("fred", "DGS10"): ({"series": ("DGS10",)}, "/graph/fredgraph.csv?DGS10", loopback.fred_csv("DGS10", TREASURY)),
    Item("french", "SMB"): ({"series": ("SMB",)}, FACTORS_FILE, loopback.french_zip(FACTORS)),
    Item("sec", "ABC"): ({"companies": 1}, "/api/xbrl/companyfacts/CIK0000000001.json", as_json(company())),
}
ANSWERS = read_table("data/live/answers.yaml")
INSTEAD = [(item, one.pop("said"), one, n) for kind, n in (("stays", 1), ("passes", QUICK.attempts))
           for item in ONE for one in ANSWERS[kind].get(item.source, [])]  # fmt: skip


def changed(**changes):
    return as_json(chart("^RUT", DAYS[changes.pop("days", slice(None))], **changes))


def sent(body=None, chart=None, fact=None, **options):
    """Make the answer of a row of the table."""
    made = as_json(company(Revenues=[loopback.fact(**fact)])) if fact else changed(**chart or {})
    return Answer(made.body if body is None else body.encode(), **options)


@pytest.mark.parametrize("row", INSTEAD, ids=lambda row: f"{row[0]}: {row[1]}")
def test_what_a_vendor_sends_instead_is_named_and_leaves_what_was_there(vendors, pull, store, row):
    item, said, instead, attempts = row
    (needs, path, good), answer = ONE[item], sent(**instead)
    vendors.answer("/files/company_tickers.json", as_json({"0": {"cik_str": 1, "ticker": "ABC"}}))
    vendors.answer(path, *[answer] * (attempts > 1), good)
    assert pull(item.source, **needs).complete, "what passes is asked for again"
    before, asked = store.snapshots(item), vendors.times_asked(path)
    vendors.answer(path, answer)
    outcome = pull(item.source, **needs)
    assert list(outcome.failed) == [item]
    assert outcome.lines()[0].startswith(f"failed: {item}: {said}")
    assert (vendors.times_asked(path) - asked, store.snapshots(item)) == (attempts, before)


def test_who_throttles_is_waited_for_as_long_as_it_asks(pull_rut, vendors):
    start = time.monotonic()
    assert pull_rut(Answer(b"", 429, {"Retry-After": "0.3"}), GOOD)[1]
    assert time.monotonic() - start > 0.3
    said, _ = pull_rut(Answer(b"", 429, {"Retry-After": "3600"}))
    assert "failed: yahoo RUT: Yahoo is throttling (429); it asks to wait 3600 s" in said
    assert vendors.times_asked("RUT") == 3


def test_a_refused_cookie_is_fetched_anew_once(pull_rut, vendors, store):
    refused = as_json({"finance": {"error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, status=401)
    for path, body in {"/consent": b"no consent needed", "/v1/test/getcrumb": b"newcrumb", "/": b""}.items():
        vendors.answer(path, Answer(body))
    assert pull_rut(refused, GOOD)[1]
    assert "newcrumb" not in "".join(map(str, store.snapshots(RUT)))
    asked = vendors.times_asked("RUT")
    assert "failed: yahoo RUT: Yahoo answered 401 Unauthorized" in pull_rut(refused)[0]
    assert vendors.times_asked("RUT") == asked + 2


def test_a_vendor_that_cannot_be_reached_is_asked_for_nothing_more(pull_rut, vendors):
    vendors.server_close()
    said, _ = pull_rut(GOOD)
    assert sum("Yahoo cannot be reached" in line for line in said) == 4
    assert said[-1] == "0 snapshots kept, 4 failed"


@pytest.mark.parametrize(
    ("error", "raised", "said"),
    [(CertificateVerifyError("unable to get local issuer certificate", 60), RefusedError, "FRED shows a certificate"),
     (SSLError("CERTIFICATE_VERIFY_FAILED certificate verify failed", 35), RefusedError, "FRED shows a certificate"),
     (ProxyError("CONNECT tunnel failed, response 403", 56), TransientError, "FRED cannot be reached .behind a proxy")],
)  # fmt: skip
def test_a_certificate_or_a_proxy_in_between_is_said(monkeypatch, error, raised, said):
    monkeypatch.setattr(Session, "request", Mock(side_effect=error))
    with pytest.raises(raised, match=said):
        VENDORS["fred"](QUICK).get("https://example.org")


SHORT = as_json(chart("^RUT", DAYS[20:], CLOSES[20:]))


@pytest.mark.parametrize(
    ("second", "said", "in_use"),
    [
        (SHORT, "not in use: yahoo RUT: rows missing: 20, from 2023-10-02 to 2023-10-27; it begins on 2023-10-30; reports go "
         "on with the snapshot before it; to use this one, pull with --accept", False),
        (changed(closes=[0.0, *CLOSES[1:]]), "not in use: yahoo RUT: no report could load it: ^RUT, row 0 (2023-10-02): a price "
         "that is not positive: '0.0'; reports go on with the one before it, if any; pull again later", False),
        (changed(closes=[50.0, *CLOSES[1:]]), "yahoo RUT: 198 rows, 2023-10-02 to 2024-07-16; values changed: 1, from "
         "2023-10-02 to 2023-10-02", True),
    ],
    ids=["shorter", "of no use", "changed"],
)  # fmt: skip
def test_a_second_pull_that_lacks_or_changed_something_says_so_each_time(pull_rut, second, said, in_use):
    pull_rut(GOOD)
    for again in (False, True):
        lines, complete = pull_rut(second)
        assert (complete, said in lines) == (in_use, not (in_use and again))
        assert lines[-1] == f"4 snapshots kept{'' if in_use else ' (1 not in use)'}, 0 failed"
        assert loaded()["RUT"].iloc[0] == (50 if in_use else 100)


def test_a_history_that_got_shorter_is_used_once_accepted(pull_rut):
    pull_rut(GOOD)
    pull_rut(SHORT)
    said, complete = pull_rut(SHORT, accept=True, max_age_hours=10**6)
    assert (said[-1], complete) == ("1 snapshots kept, 3 pulled not long ago and left as they are, 0 failed", True)
    assert said[0].startswith("yahoo RUT: 178 rows, 2023-10-30 to 2024-07-16; rows missing: 20, from 2023-10-02 to")
    assert (loaded()["RUT"].size, pull_rut(SHORT)[1]) == (len(DAYS) - 20, True)


def test_any_exception_of_one_item_is_that_items_failure_and_all_are_told(pull, monkeypatch):
    faults = {"S3": AttributeError("'NoneType' object has no attribute 'get'"), "S5": OSError(28, "No space left")}

    def fetch(_, item):
        if item.name in faults:
            raise faults[item.name]
        return prices(), {"symbol": item.name}

    monkeypatch.setattr(Yahoo, "fetch", fetch)
    names, told = [f"S{n}" for n in range(8)], []
    outcome = pull("yahoo", symbols=names, tell=lambda *what: told.append(what))
    said = "the answer is not in the form it was (AttributeError: 'NoneType' object has no attribute 'get')"
    assert outcome.failed == {Item("yahoo", "S3"): said, Item("yahoo", "S5"): "[Errno 28] No space left"}
    assert len(outcome.kept) == 6
    assert (sorted(what for _, _, what in told), told[-1][:2]) == ([f"yahoo {name}" for name in names], (8, 8))


@pytest.mark.parametrize(
    ("day", "time", "left_out"),  # on the first day the bell rings at 13:00 in New York
    [("2023-11-24", "17:59", 1), ("2023-11-24", "18:00", 0), ("2024-07-16", "19:59", 1), ("2024-07-16", "20:00", 0)],
)
def test_a_session_that_is_not_over_is_left_out_and_said(vendors, store, day, time, left_out):
    spy, days = Item("yahoo", "SPY"), sessions_between(pd.Timestamp("2023-11-20"), pd.Timestamp(day))
    vendors.prices("SPY", as_json(chart("SPY", days, adjclose=list(range(len(days))))))
    kept = pulling.keep(store, spy, led(vendors.port)["yahoo"](QUICK).fetch(spy), now=pd.Timestamp(f"{day}T{time}Z"))
    assert kept.notes == (f"{day}: the session is not over yet",) * left_out
    assert kept.query.items() >= {"symbol": "SPY", "period": "max", "interval": "1d", "auto_adjust": "False"}.items()
    frame = store.read(spy)[0]
    assert str(frame["date"].iloc[-1].date()) == kept.last == str(days[-1 - left_out].date())
    assert frame["adj_close"].tolist() == list(range(len(days) - left_out))


def test_days_are_those_of_the_exchanges_own_zone_summer_and_winter():
    midnights = pd.date_range("2024-03-25", "2024-04-05", tz="Europe/London")  # the clock changes on the 31st
    content = chart("X", [], closes=list(range(12)), stamps=[int(day.timestamp()) for day in midnights],
                    meta={"exchangeTimezoneName": "Europe/London", "gmtoffset": 0})  # fmt: skip
    check_chart("X", content["chart"])


def test_recorded_answers_of_the_real_vendor(shared_data, vendors):
    recorded, *fakes = (
        json.loads((shared_data / f"wire/yahoo/chart-{name}.json").read_text())["response"]["bodyJson"]
        for name in ("AAPL-2020-08-31-to-2020-11-07", "notimestamp-quotes-length.fake", "notimestamp-weird-quote.fake")
    )
    vendors.prices("AAPL", as_json(recorded))
    frame, _ = led(vendors.port)["yahoo"](QUICK).fetch(Item("yahoo", "AAPL"))
    assert frame["close"].tolist() == recorded["chart"]["result"][0]["indicators"]["quote"][0]["close"]
    assert frame["split"].tolist().count(4.0) == 1, "the split of 2020-08-31"
    for fake in fakes:
        with pytest.raises(DataError, match="Yahoo sent no closes for AAPL"):
            check_chart("AAPL", fake["chart"])


def test_series_come_whole_and_in_their_own_unit(vendors, pull):
    said = []
    for values in (TREASURY.mask(TREASURY.index == TREASURY.index[5]), TREASURY[-780:]):
        vendors.answer("/graph/fredgraph.csv?DGS10", loopback.fred_csv("DGS10", values))
        said += pull("fred", series=("DGS10",)).lines()
    assert said[0].startswith("fred DGS10: 3,000 rows, 1962-01-02"), "not the last five years only"
    assert "not in use: fred DGS10: rows missing: 2,219, from 1962-01-02 to" in said[3]
    series = load_series(open_source("fred"), ["DGS10"])["DGS10"]
    assert (series.size, series.iloc[0]) == (2999, pytest.approx(0.04))


@pytest.mark.parametrize(("first", "line_end"), [("", "\r\n"), ("Date", "\n"), (" ", "\r")])
def test_factors_come_from_one_file_each_whatever_stands_around_its_first_table(vendors, pull, first, line_end):
    value, equal = (french_tables("ME1 BM3", "BIG HiBM", seed=seed)["Monthly"] for seed in (1, 2))
    value.loc["199002", "ME1 BM3"] = -99.99
    for path, tables in {FACTORS_FILE: FACTORS, PORTFOLIOS_FILE: {"Value weighted": value, "Equal": equal}}.items():
        vendors.answer(path, loopback.french_zip(tables, first=first, line_end=line_end))
    outcome = pull("french", series=("SMB", "MKT_RF", "HML", "S1V3", "S5V5", "RF", "DGS10"))
    assert vendors.times_asked("_CSV.zip") == 2
    assert sorted(one.item.name for one in outcome.kept) == ["HML", "MKT_RF", "S1V3", "S5V5", "SMB"]
    assert list(outcome.failed.values()) == ["F-F_Research_Data_Factors: no monthly column RF; it has Mkt-RF, SMB, HML"]
    found = load_series(open_source("french"), ["SMB", "S1V3", "S5V5"], as_of=date(2023, 12, 31))
    np.testing.assert_allclose(found["SMB"], FACTORS["Monthly"]["SMB"] / 100)
    np.testing.assert_allclose(found["S5V5"], value["BIG HiBM"] / 100)
    assert (found["S1V3"].size, found["SMB"].index[-1]) == (len(MONTHS) - 1, pd.Timestamp("2023-12-31"))


def test_each_need_goes_to_the_first_source_that_has_it():
    def planned(source, *companies, **needs):
        return [str(item) for item in pulling.plan(SimpleNamespace(source=source, **NEEDS | needs), companies)]

    series = ("AAA", "DGS10", "SMB", "S1V1")
    assert planned("bundled+yahoo+fred", symbols=("GSPC", "RUT:high"), series=series) == ["yahoo RUT", "fred DGS10"]
    named = planned("sec+yahoo", "A", "B", "C", symbols=("GSPC",), companies=2)
    assert named == ["sec A", "sec B", "yahoo GSPC", "yahoo A", "yahoo B"]


def test_vendors_serve_what_the_catalog_says():
    assert list(VENDORS) == list(SERVES)
    assert vendor_name("fred", "SMB") == vendor_name("french", "DGS10") == ""
    assert all(vendor_name("yahoo", name) for name in KNOWN_SYMBOLS)
    assert sum(bool(vendor_name("french", name)) for name in KNOWN_SERIES) == 10


def test_a_source_is_asked_no_more_often_than_it_allows(monkeypatch):
    monkeypatch.setenv("SEC_IDENTITY", "Jo Doe jo@example.org")
    sec, start = VENDORS["sec"](QUICK), time.monotonic()
    for _ in range(5):
        sec.ask(list)
    assert time.monotonic() - start >= 4 * sec.gap_s >= 4 / 10
