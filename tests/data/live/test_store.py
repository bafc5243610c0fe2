"""The store: nothing half written, nothing overwritten, nothing damaged read; and which vintage a date reads."""

import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_prices, open_source
from research_lib.data.live.network import RetryPolicy
from research_lib.data.live.pull import is_fresh, pull_for
from research_lib.data.live.store import Item, compare
from research_lib.errors import DataError, MissingDataError
from tests.data.live.conftest import DAYS, prices
from tests.data.live.loopback import as_json, chart

RUT = Item("yahoo", "RUT")


@pytest.fixture
def keep(store):
    """Keep prices of RUT from a level on, pulled at a time of UTC."""
    return lambda level, pulled, **about: store.keep(RUT, prices(level), now=pd.Timestamp(pulled, tz="UTC"), **about)


def first_close(as_of=None):
    return load_prices(open_source("yahoo"), ["RUT"], as_of=as_of)["RUT"].iloc[0]


def alter(path, where):
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


def test_what_is_kept_is_read_back_and_nothing_is_overwritten(store, keep):
    kept = [keep(100, f"2024-07-17T1{hour}:00", query={"symbol": "^RUT"}, notes=("said",)) for hour in range(3)]
    assert (store.items(), store.snapshots(RUT)) == ([RUT], kept)
    assert (kept[0].rows, kept[0].first, kept[0].last) == (len(DAYS), "2023-10-02", "2024-07-16")
    assert kept[0].fetched == datetime(2024, 7, 17, 10, tzinfo=UTC)
    pd.testing.assert_frame_equal(store.read(RUT)[0], prices())


@pytest.mark.parametrize("name", ["..", "BRK.B", "^X", "A/B", "EURUSD=X", "M&M.NS", "Å %2e"])
def test_a_name_cannot_leave_its_folder(store, name):
    kept = store.keep(Item("yahoo", name), prices())
    assert store.items() == [Item("yahoo", name)]
    assert kept.path.parent.parent == store.directory / "yahoo"


def test_one_altered_byte_is_found_and_the_one_before_is_used(store, keep):
    old, new = keep(100, "2024-07-17"), keep(200, "2024-07-18")
    for where in np.linspace(0, new.path.stat().st_size - 1, 40).astype(int):  # data and what the file says of itself
        assert first_close() == 200
        alter(new.path, where)
        assert store.verify() == ([old], [new.path])
        assert load_prices(open_source("yahoo"), ["RUT"]).cards[0].vintage.sha256 == old.sha256
        alter(new.path, where)
    alter(new.path, 50)
    assert "1 damaged and not read" in load_prices(open_source("yahoo"), ["RUT"]).cards[0].origin
    alter(old.path, 50)
    with pytest.raises(MissingDataError, match="no intact snapshot of RUT; run: python -m research_lib data"):
        first_close()
    keep(200, "2024-07-19")
    assert first_close() == 200


def test_nothing_was_pulled(keep):
    with pytest.raises(MissingDataError, match=r"source yahoo: no snapshot yet; run: python -m research_lib data pull"):
        open_source("yahoo")
    keep(100, "2024-07-17")
    assert open_source("yahoo+fred+french").symbols() == ["RUT"]
    with pytest.raises(MissingDataError, match=r"source sec: no snapshot yet"):
        open_source("sec+yahoo")
    with pytest.raises(MissingDataError, match=r"source yahoo: no intact snapshot of IWM; run: python -m"):
        load_prices(open_source("yahoo"), ["IWM"])


SESSION = date(2024, 7, 16)  # over at 20:00 UTC
PULLS = ["2024-07-10T12:00", "2024-07-16T19:00", "2024-07-16T21:00", "2024-07-20T12:00", "2024-07-23T23:59",
         "2024-07-24T00:00", "2025-01-01T00:00"]  # fmt: skip


@pytest.mark.parametrize(
    ("there", "held", "as_of", "read"),
    [
        (range(7), [], None, 6),  # without a date, the newest
        (range(7), [6, 5], None, 4),  # of those that lack no history
        ([5, 6], [5, 6], None, 6),  # at last those that do
        (range(7), [], SESSION, 4),  # the newest within a week
        (range(7), [3, 4], SESSION, 2),
        ([0, 1, 5, 6], [], SESSION, 5),  # none within it: the first later one, which has the least hindsight
        ([0, 1], [], SESSION, 1),  # the session was not over in any: the newest of them
    ],
)
def test_which_vintage_a_date_reads(keep, there, held, as_of, read):
    for number in there:
        keep(100.0 + number, PULLS[number], held="5 rows" if number in held else "")
    [card] = load_prices(open_source("yahoo"), ["RUT"], as_of=as_of).cards
    assert card.vintage.fetched_at.startswith(PULLS[read])
    assert first_close(as_of) == 100 + read


def test_what_a_newer_snapshot_lacks_or_changed_is_counted_with_its_span():
    old = prices()
    empty = old.assign(close=old["close"].where(old.index > 1))  # a date without a close is none
    moved = old.assign(close=old["close"] * np.where(old.index < 5, 0.25, 1 + 1e-8))
    facts = pd.DataFrame({"tag": ["A", "B"], "start": pd.NaT, "filed": DAYS[9], "value": 1.0})
    assert compare("prices", old[7:], old) == compare("companies", facts, facts[::-1]) == ("", "")
    assert compare("prices", old, empty)[0] == "rows missing: 2, from 2023-10-02 to 2023-10-03; it begins on 2023-10-04"
    assert compare("prices", old, moved) == ("", "values changed: 5, from 2023-10-02 to 2023-10-06")
    assert compare("companies", facts, facts[:1])[0].startswith("rows missing: 1, from 2023-10-13 to 2023-10-13")


def test_what_is_young_is_not_asked_for_again_unless_a_session_ended(store, keep):
    keep(100, "2024-07-16T19:00")
    series, before, after = Item("fred", "DGS10"), "2024-07-16T19:59Z", "2024-07-16T20:01Z"
    kept = store.keep(series, prices().rename(columns={"close": "value"}), now=datetime(2024, 7, 16, 19, tzinfo=UTC))

    def fresh(item, now, hours=6.0):
        return is_fresh(store, item, now=pd.Timestamp(now), policy=RetryPolicy(max_age=timedelta(hours=hours)))

    assert (fresh(RUT, before), fresh(RUT, after), fresh(RUT, before, 0.1), fresh(series, after)) == (
        True,
        False,
        False,
        True,
    )
    alter(kept.path, 50)
    assert not fresh(series, after)


DIES = """
import os, pathlib, sys
from research_lib.data.live import store
from tests.data.live.test_store import RUT, prices
real = pathlib.Path.replace
def replace(path, target):
    path.write_bytes(path.read_bytes()[:10]) if sys.argv[2] == "before" else real(path, target)
    os._exit(9)
pathlib.Path.replace = replace
store.Store(pathlib.Path(sys.argv[1])).keep(RUT, prices(200.0))
"""


@pytest.mark.parametrize(("when", "read"), [("before", 100), ("after", 200)])
def test_killed_while_it_keeps_the_store_verifies_and_what_is_left_goes(store, when, read):
    store.keep(RUT, prices())
    died = subprocess.run([sys.executable, "-c", DIES, store.directory, when], check=False)
    assert died.returncode == 9
    assert (store.verify()[1], first_close()) == ([], read)
    pull_for([], store, policy=RetryPolicy())
    assert len([*store.directory.glob("*/*/*")]) == len(store.snapshots(RUT)) == read // 100


SYMBOLS = 60


@pytest.fixture
def many(vendors):
    for name in (f"S{n:04d}" for n in range(SYMBOLS)):
        vendors.prices(name, as_json(chart(name, DAYS), delay_s=0.02))
    return vendors


def puller(vendors, store):
    words = [sys.executable, "-m", "tests.data.live.puller", vendors.port, store.directory, SYMBOLS]
    return subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, text=True)


def said_by(process):
    """The last two lines: whether it was stopped, and how many items were kept, fresh, failed and not asked."""
    return process.communicate()[0].splitlines()[-2:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_or_killed_the_store_verifies_and_the_next_pull_goes_on(many, store, number):
    process = puller(many, store)
    while len(many.asked) < SYMBOLS // 4:
        time.sleep(0.002)
    process.send_signal(number)
    said, (intact, damaged) = said_by(process), store.verify()
    kept, left = len(intact), SYMBOLS - len(intact)
    assert (damaged, left > 0) == ([], True)
    stopped = f"stopped: {left} not asked for yet; the same command goes on from here"
    assert said == ([] if number == signal.SIGKILL else [stopped, f"{kept} 0 0 {left}"])
    before = {one.item.name: many.times_asked(f"/{one.item.name}") for one in intact}
    assert said_by(puller(many, store))[-1] == f"{left} {kept} 0 0"
    assert {name: many.times_asked(f"/{name}") for name in before} == before, "what was kept is not asked for again"
    assert (len(store.verify()[0]), store.verify()[1]) == (SYMBOLS, [])


def test_two_pulls_at_once_ask_for_each_symbol_once(many, store):
    both = [puller(many, store), puller(many, store)]
    assert sorted(said_by(one)[-1] for one in both) == [f"0 {SYMBOLS} 0 0", f"{SYMBOLS} 0 0 0"]
    assert many.times_asked("/S") == SYMBOLS


def test_a_folder_that_cannot_be_written_is_said_in_one_line(store):
    store.directory.write_text("a file in its place")
    with pytest.raises(DataError, match=r"snapshots cannot be written there \(File exists\)"):
        pull_for([], store, policy=RetryPolicy())
