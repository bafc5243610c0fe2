"""What a pull makes of a vendor's answers, sound and not: what is kept, what is said, and what reports then use."""

import io
import json
import os
import signal
import time
import zipfile
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_prices, load_series, open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.catalog import Asset, known_series, known_symbols, vendor_name
from research_lib.data.live import pull as pulling
from research_lib.data.live.network import RateLimiter, RetryPolicy, connection_fault, read_retry_after
from research_lib.data.live.pull import plan
from research_lib.data.live.store import SERVES, Item, Pulled
from research_lib.data.live.vendors import VENDORS, check_chart, read_monthly
from research_lib.errors import DataError, MissingDataError
from tests.data.live.conftest import DAYS, QUICK
from tests.data.live.loopback import FRENCH, Answer, as_json, chart, clients, fred_csv, french_zip, split

RUT = Item("yahoo", "RUT")
GOOD = as_json(chart("^RUT", DAYS))
OTHERS = ("GSPC", "VIX", "IWM")


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


def test_a_sound_answer_is_kept_and_read(pull_rut, store):
    said, complete = pull_rut(GOOD)
    assert complete
    assert "yahoo RUT: 198 rows, 2023-10-02 to 2024-07-16" in said
    assert said[-1] == "4 snapshots kept, 0 failed"
    prices = load_prices(open_source("yahoo"), ["RUT", "IWM:total", "RUT:high"], as_of=date(2024, 7, 16))
    assert prices["RUT"].tolist() == pytest.approx(list(100 + np.arange(len(DAYS)) * 0.1))
    assert prices["RUT"].index.equals(DAYS)
    card = prices.cards[0]
    assert (card.source, card.vintage.sha256) == ("yahoo", store.snapshots(RUT)[0].sha256)
    assert card.origin.startswith("^RUT, column close, pulled 20")
    with pytest.raises(DataError, match="source yahoo has no bid of RUT; it has close, adj_close"):
        load_prices(open_source("yahoo"), ["RUT:bid"])


ZERO = [100.0 + n % 7 for n in range(len(DAYS) - 1)] + [0.0]
PERMANENT = {
    "404": (Answer(b'{"chart":{"result":null,"error":{"description":"No data found"}}}', 404),
            "Yahoo has no ^RUT: No data found"),
    "404 without a word": (Answer(b"{}", 404), "Yahoo answered 404 for ^RUT"),
    "an empty result": (as_json({"chart": {"result": [], "error": None}}), "Yahoo sent an empty answer for ^RUT"),
    "renamed": (as_json(chart("^RUT", DAYS, meta={"symbol": "^NEW"})), "Yahoo answers for ^NEW when asked for ^RUT"),
    "another interval": (as_json(chart("^RUT", DAYS, meta={"dataGranularity": "1wk"})),
                         "Yahoo sent prices every 1wk for ^RUT when asked for daily ones"),
    "two closes on one day": (as_json(chart("^RUT", [*DAYS[:3], *DAYS[2:]])),
                              "Yahoo sent two different closes for ^RUT on 2023-10-04"),
    "no close at all": (as_json(chart("^RUT", DAYS, [None] * len(DAYS))), "the answer holds no close"),
    "prices without dates": (as_json(chart("^RUT", DAYS, stamps=[])), "Yahoo sent 198 prices on 0 dates for ^RUT"),
    "a null where a table was": (as_json({"chart": {"result": [{"meta": None, "indicators": None}]}}),
                                 "Yahoo sent nothing usable for ^RUT (TypeError"),
}  # fmt: skip
PASSING = {
    "429": (Answer(b"Too Many Requests", 429), "Yahoo is throttling (429)"),
    "429 as JSON with status 200": (as_json({"finance": {"error": {"code": "Too Many Requests"}}}), "Yahoo is throttling"),
    "500": (Answer(b"oops", 500), "Yahoo has a fault (500)"),
    "truncated JSON": (Answer(GOOD.body[:500]), "Yahoo sent an answer that is cut off or no JSON"),
    "HTML": (Answer(b"<!DOCTYPE html><html>Will be right back"), "Yahoo sent a web page in place of data"),
    "too slow": (Answer(GOOD.body, delay_s=1.0), "Yahoo did not answer within 0.4 s"),
    "cut halfway": (Answer(GOOD.body, cut=True), "Yahoo cut the connection in the middle of its answer"),
}  # fmt: skip


@pytest.mark.parametrize("fault", PERMANENT)
def test_an_answer_that_is_none_is_named_and_the_others_are_kept(pull_rut, store, vendors, fault):
    answer, reason = PERMANENT[fault]
    said, complete = pull_rut(answer)
    assert not complete
    assert any(line.startswith(f"failed: yahoo RUT: {reason}") for line in said)
    assert said[-1] == "3 snapshots kept, 1 failed"
    assert store.snapshots(RUT) == []
    assert vendors.times_asked("RUT") == 1, "it would answer the same again"


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_asked_for_again_and_one_that_stays_leaves_what_was_there(
    pull_rut, store, vendors, fault
):
    answer, reason = PASSING[fault]
    assert pull_rut(answer, GOOD)[1]
    assert vendors.times_asked("RUT") == 2
    before = store.snapshots(RUT)
    said, complete = pull_rut(answer)
    assert not complete
    assert f"failed: yahoo RUT: {reason}" in said
    assert vendors.times_asked("RUT") == 2 + 3
    assert store.snapshots(RUT) == before


def test_who_throttles_is_waited_for_as_long_as_it_asks(pull_rut, vendors):
    start = time.monotonic()
    assert pull_rut(Answer(b"", 429, {"Retry-After": "0.3"}), GOOD)[1]
    assert time.monotonic() - start > 0.3
    said, _ = pull_rut(Answer(b"", 429, {"Retry-After": "3600"}))
    assert "failed: yahoo RUT: Yahoo is throttling (429); it asks to wait 3600 s" in said
    assert vendors.times_asked("RUT") == 3
    assert [read_retry_after(text) for text in ("120", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", None)] == [120, 0, 0, 0]


def test_a_refused_crumb_is_fetched_anew(pull_rut, vendors, store):
    refused = as_json({"finance": {"error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, status=401)
    for path, body in {"/consent": b"no consent needed", "/v1/test/getcrumb": b"newcrumb", "/": b""}.items():
        vendors.answer(path, Answer(body))
    assert pull_rut(refused, GOOD)[1]
    assert "newcrumb" not in "".join(path.read_text() for path in store.directory.rglob("*.json"))
    said, _ = pull_rut(refused)
    assert any(line.startswith("failed: yahoo RUT: Yahoo sent nothing usable for ^RUT") for line in said)


def test_a_vendor_that_cannot_be_reached_is_asked_for_nothing_more(pull_rut, vendors):
    vendors.stop()
    said, _ = pull_rut(GOOD)
    assert sum("Yahoo cannot be reached" in line for line in said) == 4
    assert said[-1] == "0 snapshots kept, 4 failed"


def test_a_certificate_or_a_proxy_in_between_is_said():
    from curl_cffi.requests.exceptions import CertificateVerifyError, ProxyError, SSLError

    for error in (CertificateVerifyError("unable to get local issuer certificate", 60),
                  SSLError("CERTIFICATE_VERIFY_FAILED certificate verify failed", 35)):  # fmt: skip
        fault = connection_fault("FRED", error, 30)
        assert str(fault).startswith("FRED shows a certificate that this machine does not trust")
        assert "REQUESTS_CA_BUNDLE" in str(fault)
        assert (fault.for_all, fault.again) == (True, False)
    proxy = connection_fault("the SEC", ProxyError("CONNECT tunnel failed, response 403", 56), 30)
    assert str(proxy) == "the proxy on the way to the SEC lets nothing through: see HTTPS_PROXY"


def test_a_history_that_got_shorter_is_kept_but_not_used_until_accepted(pull_rut, store):
    pull_rut(GOOD)
    short = as_json(chart("^RUT", DAYS[20:], 100 + np.arange(20, len(DAYS)) * 0.1))
    said, complete = pull_rut(short)
    assert not complete
    first, begins = (str(DAYS[n].date()) for n in (0, 20))
    [line] = [line for line in said if line.startswith("not in use: yahoo RUT")]
    assert f"20 rows fewer, those of {first} to {DAYS[19].date()}; it begins on {begins}" in line
    assert line.endswith("reports go on with the snapshot before it; to use this one, pull with --accept")
    assert said[-1] == "4 snapshots kept (1 not in use), 0 failed"
    assert load_prices(open_source("yahoo"), ["RUT"])["RUT"].size == len(DAYS)
    assert pull_rut(short)[1] is False, "it is said each time"
    assert pull_rut(short, accept=True, max_age_hours=10**6)[1], "what was pulled a moment ago is not asked for again"
    assert load_prices(open_source("yahoo"), ["RUT"])["RUT"].size == len(DAYS) - 20
    assert pull_rut(short)[1]
    assert len(store.snapshots(RUT)) == 5


def test_a_snapshot_that_no_report_could_load_does_not_hide_the_one_before(pull_rut):
    pull_rut(GOOD)
    said, complete = pull_rut(as_json(chart("^RUT", DAYS, ZERO)), accept=True)
    assert not complete
    [line] = [line for line in said if line.startswith("not in use: yahoo RUT: no report could load it")]
    assert "^RUT, row 197 (2024-07-16): a price that is not positive: '0.0'" in line
    assert load_prices(open_source("yahoo"), ["RUT"])["RUT"].iloc[-1] == pytest.approx(100 + (len(DAYS) - 1) * 0.1)


class OneFails:
    """A vendor that takes a moment; an exception that nobody lists for one item, Ctrl-C at the third of the others."""

    def __init__(self, interrupts=False):
        self.asked, self.interrupts = 0, interrupts

    def fetch(self, item):
        self.asked += 1
        if item.name == "S3" and not self.interrupts:
            raise AttributeError("'NoneType' object has no attribute 'get'")
        if self.interrupts and self.asked == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.02)
        closes = 9.0 + np.arange(len(DAYS))
        frame = pd.DataFrame({"date": DAYS.as_unit("us"), "close": closes, "volume": 1.0, "split": 0.0})
        return Pulled(item, frame, {}, "test")


def test_any_exception_of_one_item_is_that_items_failure(store):
    items = [Item("yahoo", f"S{n}") for n in range(8)]
    outcome = pulling.pull(items, store, {"yahoo": OneFails()}, policy=QUICK)
    assert len(outcome.kept) == 7
    assert outcome.failed == {items[3]: "unexpected AttributeError: 'NoneType' object has no attribute 'get'"}


def test_what_an_interrupt_left_unasked_is_not_told_as_done_with(store, monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.default_int_handler)  # a background job ignores it
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    items, told = [Item("yahoo", f"S{n}") for n in range(50)], []
    try:
        clients, policy = {"yahoo": OneFails(interrupts=True)}, RetryPolicy(at_once=1)
        outcome = pulling.pull(items, store, clients, policy=policy, tell=lambda *what: told.append(what))
    finally:
        signal.signal(signal.SIGINT, before)
    assert 3 <= len(outcome.kept) < 30
    assert {what for _, _, what in told} <= {str(snapshot.item) for snapshot in outcome.kept}
    assert len(outcome.kept) + len(outcome.not_asked) == 50
    said = f"stopped: {len(outcome.not_asked)} not asked for yet; the same command goes on from here"
    assert outcome.lines()[-1] == said


def test_a_full_disk_is_a_failure_and_no_traceback(store, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(store), "keep", full)
    outcome = pulling.pull([RUT], store, {"yahoo": OneFails()}, policy=QUICK)
    assert outcome.failed == {RUT: "[Errno 28] No space left on device"}


def faults_of(name="RUT"):
    return [(str(fault.kind), fault.date) for fault in load_prices(open_source("yahoo"), [name]).cards[0].faults]


def test_shuffled_null_and_lost_rows_are_sorted_left_out_and_listed(pull_rut, store):
    assert pull_rut(as_json(chart("^RUT", [*DAYS[5:], *DAYS[:5]], 100 + np.roll(np.arange(len(DAYS)), -5) * 0.1)))[1]
    assert store.read(RUT)[0]["date"].is_monotonic_increasing
    closes = [None if n in {1, 2} else 100.0 + n % 7 for n in range(len(DAYS))]
    volume = [0 if n == 2 else 1000 for n in range(len(DAYS))]
    pull_rut(as_json(chart("^RUT", DAYS, closes, volume=volume)), accept=True)
    assert ("a volume but no price (left out)", "2023-10-03") in faults_of()
    assert ("no value (left out)", "2023-10-04") in faults_of()
    pull_rut(as_json(chart("^RUT", DAYS.delete(7))), accept=True)
    assert ("an exchange session is missing", str(DAYS[7].date())) in faults_of()


@pytest.mark.parametrize(
    ("events", "said"), [({}, "none recorded"), (split("2023-11-01", 4), "a split of 4 is recorded")]
)
def test_a_move_like_a_split_is_flagged_and_not_repaired(pull_rut, events, said):
    at = list(DAYS).index(pd.Timestamp("2023-11-01"))
    closes = [400.0 + i % 3 for i in range(at)] + [100.0 + i % 3 for i in range(len(DAYS) - at)]
    assert pull_rut(as_json(chart("^RUT", DAYS, closes, events=events)))[1]
    prices = load_prices(open_source("yahoo"), ["RUT"])
    assert "step like a split" in prices.cards[0].fault_summary()
    assert said in prices.cards[0].fault_summary()
    assert prices["RUT"].tolist() == closes


HALF_DAY = sessions_between(pd.Timestamp("2023-11-20"), pd.Timestamp("2023-11-24"))  # the bell rings at 13:00
WHOLE_DAY = sessions_between(pd.Timestamp("2024-07-10"), pd.Timestamp("2024-07-16"))


@pytest.mark.parametrize(
    ("days", "now", "last"),
    [(HALF_DAY, "2023-11-24T17:59Z", "2023-11-22"), (HALF_DAY, "2023-11-24T18:00Z", "2023-11-24"),
     (WHOLE_DAY, "2024-07-16T19:59Z", "2024-07-15"), (WHOLE_DAY, "2024-07-16T20:00Z", "2024-07-16")],
)  # fmt: skip
def test_a_session_that_is_not_over_is_left_out_and_said(vendors, store, days, now, last):
    dividend = {"dividends": {"1": {"date": int((days[1] + pd.Timedelta(hours=15)).timestamp()), "amount": 1.5}}}
    vendors.prices("SPY", as_json(chart("SPY", days, adjclose=list(range(len(days))), events=dividend)))
    yahoo = clients(vendors.port, store, names=["yahoo"])["yahoo"]
    kept = pulling.keep(store, yahoo.fetch(Item("yahoo", "SPY")), now=pd.Timestamp(now))
    assert kept.notes == (() if last == str(days[-1].date()) else (f"{days[-1].date()}: the session is not over yet",))
    assert kept.query == {"symbol": "SPY", "period": "max", "interval": "1d", "auto_adjust": "False"}
    frame = store.read_exactly(kept)
    assert str(frame["date"].iloc[-1].date()) == kept.last == last
    assert frame["adj_close"].tolist() == list(range(len(frame)))
    assert frame["dividend"].iloc[1] == 1.5


def test_days_are_those_of_the_exchanges_own_zone_summer_and_winter():
    midnights = pd.date_range("2024-03-25", "2024-04-05", tz="Europe/London")  # the clock changes on the 31st
    content = chart("X", [], closes=list(range(12)), stamps=[int(day.timestamp()) for day in midnights],
                    meta={"exchangeTimezoneName": "Europe/London", "gmtoffset": 0})  # fmt: skip
    check_chart("X", json.dumps(content).encode(), 200)


def test_recorded_answers_of_the_real_vendor(shared_data, vendors, store):
    yahoo = clients(vendors.port, store, names=["yahoo"])["yahoo"]
    recorded = json.loads((shared_data / "wire/yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json").read_text())["response"]
    vendors.prices("AAPL", as_json(recorded["bodyJson"]))
    pulled = yahoo.fetch(Item("yahoo", "AAPL"))
    [quote] = recorded["bodyJson"]["chart"]["result"][0]["indicators"]["quote"]
    assert pulled.frame["close"].tolist() == quote["close"]
    assert pulled.frame["split"].tolist().count(4.0) == 1, "the split of 2020-08-31"
    for name in ("notimestamp-quotes-length", "notimestamp-weird-quote"):
        fake = json.loads((shared_data / f"wire/yahoo/chart-{name}.fake.json").read_text())["response"]
        with pytest.raises(DataError, match="prices on 0 dates for AAPL"):
            check_chart("AAPL", json.dumps(fake["bodyJson"]).encode(), 200)


def test_series_come_whole_and_in_their_own_unit(vendors, pull):
    values = pd.Series(np.linspace(4, 9, 3000), pd.date_range("1962-01-02", periods=3000, freq="B"))
    values.iloc[5] = np.nan
    vendors.series("DGS10", fred_csv("DGS10", values))
    said = pull("fred", series=("DGS10",)).lines()
    assert said[0].startswith("fred DGS10: 3,000 rows, 1962-01-02"), "not the last five years only"
    loaded = load_series(open_source("fred"), ["DGS10"])
    assert loaded["DGS10"].iloc[0] == pytest.approx(0.04)
    assert loaded["DGS10"].size == 2999
    vendors.series("DGS10", fred_csv("DGS10", values[-780:]))
    said = pull("fred", series=("DGS10",)).lines()
    assert "not in use: fred DGS10: 2,219 rows fewer, those of 1962-01-02 to" in said[1]
    assert load_series(open_source("fred"), ["DGS10"])["DGS10"].size == 2999


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"<html>not found", 404), "FRED answered 404"),
        (Answer(b"<html>We are down", 200), "FRED sent a web page in place of data"),
        (Answer(b"slow", 429), "FRED is throttling (429)"),
        (Answer(b"", 500), "FRED has a fault (500)"),
        (Answer(b"observation_date,DGS10\n2024-01-02,4.1\n2024-01-0", cut=True), "FRED cut the connection"),
        (Answer(b"observation_date,DGS10\n", 200), "the answer holds no value"),
        (Answer(b"", 200), "FRED sent nothing usable for DGS10"),
        (
            Answer(b"observation_date,DGS10\n2024-01-02,n/a\n2024-01-03,oops\n"),
            "FRED sent nothing usable for DGS10 (ValueError: could not convert string to float: 'oops')",
        ),
        (Answer(b"observation_date,DGS10\n", delay_s=1.0), "FRED did not answer within 0.4 s"),
    ],
)
def test_what_fred_sends_instead(vendors, pull, answer, said):
    vendors.series("DGS10", answer)
    outcome = pull("fred", series=("DGS10",))
    assert outcome.lines()[0].startswith("failed: fred DGS10: ")
    assert said in outcome.lines()[0]


MONTHS = pd.period_range("1990-01", "2023-12", freq="M").strftime("%Y%m")
SIZES = [{"11": "SMALL LoBM", "15": "SMALL HiBM", "51": "BIG LoBM", "55": "BIG HiBM"}.get(f"{s}{v}", f"ME{s} BM{v}")
         for s in range(1, 6) for v in range(1, 6)]  # fmt: skip


def french_tables(columns, seed=0):
    values = np.random.default_rng(seed).normal(0.5, 4, (len(MONTHS), len(columns))).round(2)
    annual = pd.DataFrame(np.ones((74, len(columns))), [str(year) for year in range(1950, 2024)], columns)
    return {"Monthly": pd.DataFrame(values, MONTHS, columns), "Annual": annual}


def test_factors_and_portfolios_come_from_one_file_each(vendors, pull):
    factors, portfolios = french_tables(["Mkt-RF", "SMB", "HML"]), french_tables(SIZES, seed=1)
    portfolios["Monthly"].loc["199002", "ME1 BM3"] = -99.99
    vendors.answer(f"{FRENCH}/F-F_Research_Data_Factors_CSV.zip", french_zip("F-F_Research_Data_Factors", factors))
    vendors.answer(f"{FRENCH}/25_Portfolios_5x5_CSV.zip", french_zip("25_Portfolios_5x5", portfolios))
    outcome = pull("french", series=("SMB", "MKT_RF", "HML", "S1V3", "S5V5", "RF", "DGS10"))
    assert vendors.times_asked("_CSV.zip") == 2
    assert [str(one.item) for one in outcome.kept] == [f"french {n}" for n in ("HML", "MKT_RF", "S1V3", "S5V5", "SMB")]
    assert list(outcome.failed.values()) == ["F-F_Research_Data_Factors: no monthly column RF; it has Mkt-RF, SMB, HML"]
    loaded = load_series(open_source("french"), ["SMB", "S1V3", "S5V5"], as_of=date(2023, 12, 31))
    assert loaded["SMB"].iloc[0] == pytest.approx(factors["Monthly"]["SMB"].iloc[0] / 100)
    assert loaded["S5V5"].iloc[-1] == pytest.approx(portfolios["Monthly"]["BIG HiBM"].iloc[-1] / 100)
    assert loaded["S1V3"].size == len(MONTHS) - 1
    assert loaded["SMB"].index[-1] == pd.Timestamp("2023-12-31")
    vendors.answer(f"{FRENCH}/F-F_Research_Data_Factors_CSV.zip", Answer(b"PK no zip"))
    said = pull("french", series=("SMB",)).lines()[0]
    assert said.startswith("failed: french SMB: F-F_Research_Data_Factors: not a file as Ken French publishes it")


def test_the_first_table_of_months_is_read_whatever_its_header_and_what_stands_around_it():
    tables = {
        "Value weighted": french_tables(["A", "B"])["Monthly"],
        "Equal weighted": french_tables(["A", "B"], 1)["Monthly"],
    }
    packed = french_zip("x", tables).body
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        text = file.read("x.csv").decode()
    for header, line_end in ((",A,B", "\r\n"), ("Date,A,B", "\n"), (" , A , B", "\r")):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("x.csv", text.replace(",A,B", header).replace("\r\n", line_end))
        found = read_monthly(buffer.getvalue())
        assert (found.columns.tolist(), found.index[0], len(found)) == (
            ["A", "B"],
            pd.Timestamp("1990-01-01"),
            len(MONTHS),
        )
        assert found["A"].tolist() == tables["Value weighted"]["A"].tolist()


def needs(source, **values):
    usual = {"data_dir": "", "symbols": (), "optional_symbols": (), "series": (), "companies": 0}
    return SimpleNamespace(source=source, **usual | values)


def test_each_need_goes_to_the_first_source_that_has_it(store):
    planned = plan(needs("bundled+yahoo+fred", symbols=("GSPC", "RUT:high"), series=("AAA", "DGS10", "SMB", "S1V1")))
    assert list(map(str, planned)) == ["yahoo RUT", "fred DGS10"]
    frame = pd.DataFrame({"date": DAYS.as_unit("us"), "close": 1.0, "volume": 1.0, "split": 0.0})
    store.keep(Pulled(Item("yahoo", "GSPC"), frame, {}, "test"))
    for name, served in {"bundled+yahoo": "bundled", "yahoo+bundled": "yahoo"}.items():
        assert open_source(name).read_price(Asset("GSPC")).source == served
    companies = plan(needs("sec+yahoo", symbols=("GSPC",), companies=2), ["A", "B", "C"])
    assert list(map(str, companies)) == ["sec A", "sec B", "yahoo GSPC", "yahoo A", "yahoo B"]


def test_vendors_serve_what_the_catalog_says():
    assert list(VENDORS) == list(SERVES)
    assert vendor_name("yahoo", "RUT") == "^RUT"
    assert vendor_name("fred", "SMB") == vendor_name("french", "DGS10") == ""
    assert all(vendor_name("yahoo", name) for name in known_symbols())
    assert sum(bool(vendor_name("french", name)) for name in known_series()) == 10


def test_a_source_is_asked_no_more_often_than_it_allows():
    limiter, start = RateLimiter(RetryPolicy(), gap_s=pulling.GAPS_S["sec"]), time.monotonic()
    for _ in range(5):
        limiter.ask(list)
    assert time.monotonic() - start >= 4 * pulling.GAPS_S["sec"] >= 4 / 10


def test_offline_with_snapshots_nothing_touches_the_network(pull_rut, vendors, monkeypatch):
    assert pull_rut(GOOD)[1]
    vendors.stop()
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was touched"))
    assert load_prices(open_source("yahoo"), ["RUT", "VIX"])["RUT"].size == len(DAYS)
    with pytest.raises(MissingDataError, match="source yahoo has no series, and so no SMB"):
        open_source("yahoo").read_series("SMB")


def test_real_prices_replayed_are_what_the_folder_has(shared_data, vendors, pull):
    folder = load_prices(open_source("folder", data_dir=str(shared_data)), ["RUT"])["RUT"]
    vendors.prices("^RUT", as_json(chart("^RUT", folder.index, folder.tolist())))
    assert pull("yahoo", symbols=("RUT",)).complete
    pd.testing.assert_series_equal(load_prices(open_source("yahoo"), ["RUT"])["RUT"], folder, check_freq=False)


def test_no_test_leaves_the_loopback_address(vendors, store):
    for client in clients(vendors.port, store, names=["yahoo", "fred"]).values():
        with pytest.raises(AssertionError, match="example"):
            client.session.get("https://example.org/")
