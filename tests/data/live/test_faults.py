"""Each fault of a vendor: what the user reads, what is kept, and the exit status."""

from datetime import date
from time import monotonic

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_prices, open_source
from research_lib.data.live.snapshots import Item, Kind
from research_lib.data.quality import FaultKind
from tests.data.live.conftest import DAYS
from tests.data.live.loopback import Answer, as_json, chart, split

OTHERS = ("^GSPC", "^VIX", "^RVX", "^VXN", "^VXD")  # what the study of sigma uses besides, where it is there
RUT = Item("yahoo", Kind.PRICES, "RUT")
GOOD = as_json(chart("^RUT", DAYS))


@pytest.fixture
def pull(vendors, data_command, parameter_file):
    """Pull RUT and the others; the answers for RUT are the test's."""

    def run(*answers, max_age=0):
        for symbol in OTHERS:
            vendors.prices(symbol, as_json(chart(symbol, DAYS)))
        vendors.prices("^RUT", *answers)
        return data_command("pull", "--for", parameter_file(), "--max-age", max_age)

    return run


def test_a_sound_answer_is_kept_and_read(pull, store):
    result = pull(GOOD)
    assert result.exit_code == 0, result.output
    assert "yahoo RUT: 198 rows, 2023-10-02 to 2024-07-16" in result.output
    assert "6 snapshots kept, 0 failed" in result.output
    prices = load_prices(open_source("yahoo"), ["RUT", "RUT:adj_close", "RUT:high"], as_of=date(2024, 7, 16))
    assert prices["RUT"].index.equals(DAYS)
    assert prices["RUT"].tolist() == pytest.approx(list(100 + np.arange(len(DAYS)) * 0.1))
    card = prices.cards[0]
    assert card.source == "yahoo"
    assert card.origin.startswith("^RUT, column close, pulled 20")
    assert card.vintage.sha256 == store.snapshots(RUT)[0].sha256
    assert card.as_record()["snapshot"]["fetched_at"] == store.snapshots(RUT)[0].fetched_at


ONE_DAY_TWICE = [*DAYS[:3], *DAYS[2:]]
SHUFFLED = [*DAYS[5:], *DAYS[:5]]
PERMANENT = {
    "404": (Answer(b'{"chart":{"result":null,"error":{"description":"No data found, symbol may be delisted"}}}', 404),
            "Yahoo has no ^RUT: No data found, symbol may be delisted"),
    "404 without a word": (Answer(b"{}", 404), "Yahoo answered 404 for ^RUT"),
    "an empty result": (as_json({"chart": {"result": [], "error": None}}), "Yahoo sent an empty answer for ^RUT"),
    "renamed": (as_json(chart("^RUT", DAYS, named="^NEW")), "Yahoo answers for ^NEW when asked for ^RUT: was it renamed?"),
    "two closes on one day": (as_json(chart("^RUT", ONE_DAY_TWICE)), "Yahoo sent two different closes for ^RUT on 2023-10-04"),
    "no close at all": (as_json(chart("^RUT", DAYS, [None] * len(DAYS))), "Yahoo sent no close for ^RUT"),
    "prices without dates": (as_json(chart("^RUT", DAYS, stamps=[])), "Yahoo sent 198 prices on 0 dates for ^RUT"),
}  # fmt: skip
PASSING = {
    "429": (Answer(b"Too Many Requests", 429), "Yahoo is throttling (429)"),
    "500": (Answer(b"oops", 500), "Yahoo has a fault (500)"),
    "truncated JSON": (Answer(GOOD.body[:500]), "Yahoo sent an answer that is cut off or no JSON"),
    "HTML": (Answer(b"<!DOCTYPE html><html>Will be right back"), "Yahoo sent a web page in place of data"),
    "too slow": (Answer(GOOD.body, delay_s=1.0), "Yahoo did not answer within 0.4 s"),
    "cut halfway": (Answer(GOOD.body, cut=True), "Yahoo cut the connection in the middle of its answer"),
}


@pytest.mark.parametrize("fault", PERMANENT)
def test_an_answer_that_is_none_is_listed_and_the_others_are_kept(pull, store, vendors, fault):
    answer, said = PERMANENT[fault]
    result = pull(answer)
    assert result.exit_code == 1
    assert f"failed: yahoo RUT: {said}" in result.output
    assert "5 snapshots kept, 1 failed" in result.output
    assert store.snapshots(RUT) == []
    assert vendors.times_asked("RUT") == 1, "it would answer the same again"


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_asked_for_again(pull, store, vendors, fault):
    result = pull(PASSING[fault][0], GOOD)
    assert result.exit_code == 0, result.output
    assert vendors.times_asked("RUT") == 2
    assert store.snapshots(RUT)[0].rows == len(DAYS)


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_stays_leaves_the_snapshot_that_was_there(pull, store, vendors, fault):
    assert pull(GOOD).exit_code == 0
    before = store.snapshots(RUT)
    result = pull(PASSING[fault][0])
    assert result.exit_code == 1
    assert f"failed: yahoo RUT: {PASSING[fault][1]}" in result.output
    assert vendors.times_asked("RUT") == 1 + 3
    assert store.snapshots(RUT) == before
    card = load_prices(open_source("yahoo"), ["RUT"]).cards[0]
    assert f"pulled {before[0].fetched:%Y-%m-%d %H:%M} UTC" in card.origin


def test_who_throttles_is_waited_for_as_long_as_it_asks(pull):
    start = monotonic()
    result = pull(Answer(b"", 429, {"Retry-After": "0.3"}), GOOD)
    assert result.exit_code == 0, result.output
    assert monotonic() - start > 0.3


def test_who_asks_for_a_long_wait_is_left_alone(pull, vendors):
    result = pull(Answer(b"", 429, {"Retry-After": "3600"}))
    assert result.exit_code == 1
    assert "Yahoo is throttling (429); it asks to wait 3600 s" in result.output
    assert vendors.times_asked("RUT") == 1


def test_a_refused_crumb_is_fetched_anew(pull, vendors, store):
    from yfinance.data import YfData

    refused = as_json({"finance": {"error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, status=401)
    vendors.answer("/consent", Answer(b"no consent needed"))
    vendors.answer("/v1/test/getcrumb", Answer(b"newcrumb"))
    vendors.answer("/", Answer(b""))
    result = pull(refused, GOOD)
    assert result.exit_code == 0, result.output
    assert YfData()._crumb == "newcrumb"
    assert "newcrumb" not in "".join(path.read_text() for path in store.directory.rglob("*.json"))


def test_a_crumb_that_is_never_accepted_is_a_failure(pull, vendors):
    refused = as_json({"finance": {"error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, status=401)
    vendors.answer("/consent", Answer(b"no consent needed"))
    vendors.answer("/v1/test/getcrumb", Answer(b"newcrumb"))
    vendors.answer("/", Answer(b""))
    result = pull(refused)
    assert result.exit_code == 1
    assert "failed: yahoo RUT: Yahoo sent nothing usable for ^RUT" in result.output


def test_a_vendor_that_cannot_be_reached_is_asked_for_nothing_more(data_command, parameter_file, vendors):
    vendors.stop()
    result = data_command("pull", "--for", parameter_file())
    assert result.exit_code == 1
    assert "Yahoo cannot be reached" in result.output
    assert "0 snapshots kept, 6 failed" in result.output


def test_shuffled_dates_are_sorted(pull, store):
    assert pull(as_json(chart("^RUT", SHUFFLED))).exit_code == 0
    assert store.read(RUT).frame["date"].is_monotonic_increasing
    assert store.snapshots(RUT)[0].rows == len(DAYS)


def test_null_closes_are_left_out_and_listed(pull):
    closes = [100.0, None, None, *([101.0, 102.0] * 98)][: len(DAYS)]
    volume = [1000, 1000, 0, *([1000] * (len(DAYS) - 3))]
    assert pull(as_json(chart("^RUT", DAYS, closes, volume=volume))).exit_code == 0
    prices = load_prices(open_source("yahoo"), ["RUT"])
    found = {(fault.kind, fault.date) for fault in prices.cards[0].faults}
    assert (FaultKind.VOLUME_ONLY, "2023-10-03") in found
    assert (FaultKind.MISSING_VALUE, "2023-10-04") in found
    assert {(FaultKind.MISSING_SESSION, day) for day in ("2023-10-03", "2023-10-04")} <= found
    assert prices["RUT"].size == len(DAYS) - 2


def test_a_lost_session_is_listed(pull):
    assert pull(as_json(chart("^RUT", DAYS.delete(7)))).exit_code == 0
    card = load_prices(open_source("yahoo"), ["RUT"]).cards[0]
    assert [(fault.kind, fault.date) for fault in card.faults] == [(FaultKind.MISSING_SESSION, str(DAYS[7].date()))]


@pytest.mark.parametrize(
    ("events", "said"), [({}, "none recorded"), (split("2023-11-01", 4), "a split of 4 is recorded")]
)
def test_a_move_like_a_split_is_flagged_and_not_repaired(pull, events, said):
    at = list(DAYS).index(pd.Timestamp("2023-11-01"))
    closes = [400.0 + i % 3 for i in range(at)] + [100.0 + i % 3 for i in range(len(DAYS) - at)]
    assert pull(as_json(chart("^RUT", DAYS, closes, events=events))).exit_code == 0
    prices = load_prices(open_source("yahoo"), ["RUT"])
    [fault] = [fault for fault in prices.cards[0].faults if fault.kind is FaultKind.SUSPECT_SPLIT]
    assert fault.date == "2023-11-01"
    assert "near 4" in fault.detail
    assert said in fault.detail
    assert prices["RUT"].tolist() == closes


def test_a_recorded_split_that_the_prices_have_taken_out_is_no_fault(pull):
    assert pull(as_json(chart("^RUT", DAYS, events=split("2023-11-01", 4)))).exit_code == 0
    assert load_prices(open_source("yahoo"), ["RUT"]).cards[0].faults == ()


def test_a_changed_history_is_shown_and_the_old_one_stays(pull, store, data_command):
    revised = list(100 + np.arange(len(DAYS)) * 0.1)
    revised[3] *= 1.02
    assert pull(GOOD).exit_code == 0
    assert "one snapshot, nothing to compare" in data_command("diff", "RUT").output
    assert pull(as_json(chart("^RUT", DAYS, revised))).exit_code == 0
    shown = data_command("diff", "RUT")
    assert shown.exit_code == 0
    assert "close: 1 changed, 2023-10-05 to 2023-10-05, by up to 2.00%" in shown.output
    first, second = store.snapshots(RUT)
    assert store.read_exactly(first)["close"].iloc[3] == pytest.approx(100.3)
    assert store.read_exactly(second)["close"].iloc[3] == pytest.approx(100.3 * 1.02)
    wrong = data_command("diff", "RTU")
    assert wrong.exit_code == 2
    assert "did you mean RUT?" in wrong.output
