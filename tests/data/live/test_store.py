"""The store: nothing half written, nothing overwritten, nothing damaged read; and which vintage a date reads."""

import os
import signal
import time
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_prices, open_source
from research_lib.data.live.pull import is_fresh, pull_for
from research_lib.data.live.store import Item, compare
from research_lib.data.live.vendors import VENDORS, RetryPolicy
from research_lib.errors import DataError, MissingDataError
from tests.conftest import read_table
from tests.data.live.conftest import DAYS, prices
from tests.data.live.loopback import as_json, chart, led

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
    assert open_source("yahoo+fred+french").names("prices") == ["RUT"]
    with pytest.raises(MissingDataError, match=r"source sec: no snapshot yet"):
        open_source("sec+yahoo")
    with pytest.raises(MissingDataError, match=r"source yahoo: no intact snapshot of IWM; run: python -m"):
        load_prices(open_source("yahoo"), ["IWM"])


SESSION = date(2024, 7, 16)  # over at 20:00 UTC
PULLS = ["2024-07-10T12:00", "2024-07-16T19:00", "2024-07-16T21:00", "2024-07-20T12:00", "2024-07-23T23:59",
         "2024-07-24T00:00", "2025-01-01T00:00"]  # fmt: skip


@pytest.mark.parametrize(("there", "held", "dated", "read"), read_table("data/live/answers.yaml")["vintages"])
def test_which_vintage_a_date_reads(keep, there, held, dated, read):
    as_of = SESSION if dated else None
    for number in there:
        keep(100.0 + number, PULLS[number], held="5 rows" if number in held else "")
    [card] = load_prices(open_source("yahoo"), ["RUT"], as_of=as_of).cards
    assert card.vintage.fetched_at.startswith(PULLS[read])
    assert first_close(as_of) == 100 + read


def test_what_a_newer_snapshot_lacks_or_changed_is_counted_with_its_span():
    old = prices()
    moved = old.assign(close=old["close"] * np.where(old.index < 5, 0.25, 1 + 1e-8))
    facts = pd.DataFrame({"tag": ["A", "B"], "start": pd.NaT, "filed": DAYS[9], "value": 1.0})
    assert compare("prices", old[7:], old) == compare("companies", facts, facts[::-1]) == ("", "")
    assert compare("prices", old, moved) == ("", "values changed: 5, from 2023-10-02 to 2023-10-06")
    assert compare("companies", facts, facts[:1])[0].startswith("rows missing: 1, from 2023-10-13 to 2023-10-13")


def test_what_is_young_is_not_asked_for_again_unless_a_session_ended(store, keep):
    keep(100, "2024-07-16T19:00")
    series, before, after = Item("fred", "DGS10"), "2024-07-16T19:59Z", "2024-07-16T20:01Z"
    kept = store.keep(series, prices().rename(columns={"close": "value"}), now=datetime(2024, 7, 16, 19, tzinfo=UTC))

    def fresh(item, now, hours=6.0):
        return is_fresh(store, item, now=pd.Timestamp(now), policy=RetryPolicy(max_age=timedelta(hours=hours)))

    found = fresh(RUT, before), fresh(RUT, after), fresh(RUT, before, 0.1), fresh(series, after)
    assert found == (True, False, False, True)
    alter(kept.path, 50)
    assert not fresh(series, after)


def test_what_a_killed_pull_left_is_not_read_and_goes_with_the_next(store, keep, monkeypatch):
    kept = keep(100, "2024-07-17")
    with monkeypatch.context() as kill:
        kill.setattr(Path, "replace", Mock(side_effect=KeyboardInterrupt))
        kill.setattr(Path, "unlink", Mock())
        with pytest.raises(KeyboardInterrupt):
            keep(200, "2024-07-18")
    assert len([*kept.path.parent.iterdir()]) == 2
    assert (store.verify(), first_close()) == (([kept], []), 100)
    pull_for([SimpleNamespace(source="yahoo")], store, policy=RetryPolicy())
    assert [*kept.path.parent.iterdir()] == [kept.path]


NAMES = [f"S{n:04d}" for n in range(60)]
SPAWN = get_context("spawn")


@pytest.fixture
def many(vendors):
    for name in NAMES:
        vendors.prices(name, as_json(chart(name, DAYS), delay_s=0.02))
    return vendors


def pull_names(port, store, tell):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    VENDORS.update(led(port))
    needs = SimpleNamespace(source="yahoo", symbols=NAMES)
    outcome = pull_for([needs], store, policy=RetryPolicy(first_wait_s=0.01, timeout_s=5))
    tell.send((outcome.lines()[-1], [*map(len, outcome)]))


def start(vendors, store):
    """Pull in a process of its own; it tells its last line, and how many are kept, fresh, failed and not asked."""
    hear, tell = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=pull_names, args=(vendors.port, store, tell))
    process.start()
    tell.close()
    return process, hear


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_or_killed_the_store_verifies_and_the_next_pull_goes_on(many, store, number):
    process, hear = start(many, store)
    while len(many.asked) < len(NAMES) // 4:
        time.sleep(0.002)
    os.kill(process.pid, number)
    process.join()
    intact, damaged = store.verify()
    kept, left = len(intact), len(NAMES) - len(intact)
    assert (damaged, left > 0) == ([], True)
    if number != signal.SIGKILL:
        said = f"stopped: {left} not asked for yet; the same command goes on from here"
        assert hear.recv() == (said, [kept, 0, 0, left])
    before = {one.item.name: many.times_asked(f"/{one.item.name}") for one in intact}
    assert start(many, store)[1].recv()[1] == [left, kept, 0, 0]
    assert {name: many.times_asked(f"/{name}") for name in before} == before, "what was kept is not asked for again"
    assert (len(store.verify()[0]), store.verify()[1]) == (len(NAMES), [])


def test_two_pulls_at_once_ask_for_each_symbol_once(many, store):
    both = [start(many, store)[1], start(many, store)[1]]
    assert sorted(one.recv()[1] for one in both) == [[0, 60, 0, 0], [60, 0, 0, 0]]
    assert many.times_asked("/S") == len(NAMES)


def test_a_folder_that_cannot_be_written_is_said_in_one_line(store):
    store.directory.write_text("a file in its place")
    with pytest.raises(DataError, match=r"snapshots cannot be written there \(File exists\)"):
        pull_for([SimpleNamespace(source="yahoo")], store, policy=RetryPolicy())
