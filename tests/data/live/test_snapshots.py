"""The store: nothing half written, nothing overwritten, nothing damaged read; and which vintage a date reads."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread

import pandas as pd
import pytest

from research_lib.data import load_prices, open_source
from research_lib.data.live.network import Manners
from research_lib.data.live.pull import Task, is_fresh, pull
from research_lib.data.live.snapshots import SETTLING_DAYS, Item, Kind, Pulled, in_order
from research_lib.errors import DataError, MissingDataError
from tests.data.live.conftest import DAYS
from tests.data.live.loopback import as_json, chart

RUT = Item("yahoo", Kind.PRICES, "RUT")


def pulled(level=100.0, item=RUT):
    frame = pd.DataFrame({"date": DAYS.as_unit("us"), "close": level, "volume": 1.0, "split": 0.0})
    return Pulled(item, frame, {"symbol": "^RUT"}, "yfinance 1")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def alter(path, where):
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(bytes(content))


def data_file(store, snapshot):
    return store.directory / "objects" / f"{snapshot.sha256}.parquet"


def manifest_files(store):
    return sorted(store.directory.glob("manifest/*/*/*/*.json"))


def test_what_is_kept_is_read_back_with_its_manifest(store):
    kept = store.keep(pulled(), now=at("2024-07-17T10:00"))
    assert store.items() == [RUT]
    assert store.snapshots(RUT) == [kept]
    assert (kept.rows, kept.first, kept.last) == (len(DAYS), "2023-10-02", "2024-07-16")
    assert kept.fetched_at == "2024-07-17T10:00:00.000000+00:00"
    pd.testing.assert_frame_equal(store.read(RUT).frame, pulled().frame)


def test_equal_data_is_kept_once_and_every_pull_is_on_record(store):
    for hour in (10, 11, 12):
        store.keep(pulled(), now=at(f"2024-07-17T{hour}:00"))
    assert len(store.snapshots(RUT)) == 3
    assert len(list((store.directory / "objects").iterdir())) == 1


@pytest.mark.parametrize("name", ["..", "BRK.B", "^X", "A/B", "EURUSD=X"])
def test_a_name_cannot_leave_its_folder(store, name):
    item = Item("yahoo", Kind.PRICES, name)
    store.keep(pulled(item=item))
    assert store.items() == [item]
    assert manifest_files(store)[0].parent.parent == store.directory / "manifest/yahoo/prices"


@pytest.mark.parametrize("where", [0, 1000, -1])
def test_one_altered_byte_is_found_and_the_one_before_is_used(store, data_command, where):
    old = store.keep(pulled(100.0), now=at("2024-07-17T10:00"))
    new = store.keep(pulled(200.0), now=at("2024-07-18T10:00"))
    assert load_prices(open_source("yahoo"), ["RUT"])["RUT"].iloc[0] == 200
    alter(data_file(store, new), where)
    [damage] = store.verify().damaged
    assert damage.path == data_file(store, new)
    loaded = load_prices(open_source("yahoo"), ["RUT"])
    assert loaded["RUT"].iloc[0] == 100
    assert loaded.cards[0].vintage.sha256 == old.sha256
    assert "1 that would go before it damaged" in loaded.cards[0].origin
    shown = data_command("verify")
    assert shown.exit_code == 1
    assert "1 intact, 1 damaged" in shown.output
    with pytest.raises(DataError, match="damaged"):
        store.read_exactly(new)


def test_an_altered_manifest_is_found_and_not_used(store):
    store.keep(pulled(100.0), now=at("2024-07-17T10:00"))
    store.keep(pulled(200.0), now=at("2024-07-18T10:00"))
    path = manifest_files(store)[-1]
    path.write_text(path.read_text().replace("2024-07-18", "2024-07-19"))
    assert [damage.what for damage in store.verify().damaged] == ["the manifest was altered"]
    assert store.read(RUT).frame["close"].iloc[0] == 100


def test_where_all_are_damaged_the_command_to_run_is_said(store):
    alter(data_file(store, store.keep(pulled())), 50)
    with pytest.raises(
        MissingDataError, match=r"every snapshot of RUT is damaged; run: python -m research_lib data pull"
    ):
        load_prices(open_source("yahoo"), ["RUT"])


def test_a_damaged_file_is_mended_when_the_same_comes_again(store):
    snapshot = store.keep(pulled(), now=at("2024-07-17T10:00"))
    alter(data_file(store, snapshot), 50)
    store.keep(pulled(), now=at("2024-07-18T10:00"))
    assert store.verify().damaged == ()


def test_nothing_was_pulled(store):
    with pytest.raises(
        MissingDataError, match=r"source yahoo: no snapshot yet; run: python -m research_lib data pull --for"
    ):
        open_source("yahoo")
    store.keep(pulled())
    assert open_source("yahoo+fred+french").symbols() == ["RUT"]
    with pytest.raises(MissingDataError, match=r"source sec: no snapshot yet"):
        open_source("sec+yahoo")
    with pytest.raises(
        MissingDataError, match=r"source yahoo has no snapshot of IWM; run: python -m research_lib data pull --for"
    ):
        load_prices(open_source("yahoo"), ["IWM"])


SESSION = date(2024, 7, 16)  # over at 20:00 UTC
PULLS = [
    "2024-07-10T12:00",
    "2024-07-16T19:00",
    "2024-07-16T21:00",
    "2024-07-20T12:00",
    "2024-07-23T23:59",
    "2024-07-24T00:00",
    "2025-01-01T00:00",
]


@pytest.mark.parametrize(
    ("there", "as_of", "read"),
    [
        (range(7), None, 6),  # without a date, the newest
        (range(7), SESSION, 4),  # the newest within a week
        ([0, 1, 2], SESSION, 2),
        ([0, 1, 5, 6], SESSION, 5),  # none within it: the first later one, which has the least hindsight
        ([0, 1], SESSION, 1),  # the session was not over in any: the newest of them
        ([5, 6], SESSION, 5),
    ],
)
def test_which_vintage_a_date_reads(store, there, as_of, read):
    for number in there:
        store.keep(pulled(100.0 + number), now=at(PULLS[number]))
    loaded = load_prices(open_source("yahoo"), ["RUT"], as_of=as_of)
    assert loaded["RUT"].iloc[0] == 100 + read
    assert loaded.cards[0].vintage.fetched_at.startswith(PULLS[read])


def test_a_settled_date_reads_the_same_whatever_is_pulled_later(store):
    store.keep(pulled(100.0), now=at("2024-07-17T10:00"))
    before = load_prices(open_source("yahoo"), ["RUT"], as_of=SESSION).cards
    for days in range(SETTLING_DAYS, 100, 13):
        store.keep(pulled(200.0 + days), now=at("2024-07-17T10:00") + timedelta(days=days))
        assert load_prices(open_source("yahoo"), ["RUT"], as_of=SESSION).cards == before


def test_the_order_keeps_every_snapshot_as_a_last_resort(store):
    snapshots = [store.keep(pulled(100.0 + n), now=at(moment)) for n, moment in enumerate(PULLS)]
    assert sorted(in_order(snapshots, as_of=SESSION), key=snapshots.index) == snapshots


def test_garbage_is_collected_and_nothing_else(store):
    old, new = store.keep(pulled(1.0), now=at("2024-07-17T10:00")), store.keep(pulled(2.0), now=at("2024-07-18T10:00"))
    hurt = store.keep(pulled(3.0), now=at("2024-07-19T10:00"))
    alter(data_file(store, hurt), 10)
    (store.directory / "objects" / ".writing-abc").write_bytes(b"half")
    (manifest_files(store)[0].parent / ".writing-abc").write_bytes(b"half")
    (store.directory / "objects" / f"{'0' * 64}.parquet").write_bytes(b"no manifest names it")
    assert len(store.verify().stray) == 3
    assert len(store.collect_garbage()) == 5
    assert store.snapshots(RUT) == [old, new]
    assert (store.verify().damaged, store.verify().stray) == ((), ())
    assert len(store.collect_garbage(keep=1)) == 2
    assert store.snapshots(RUT) == [new]
    assert store.verify().intact == 1


def test_what_is_young_is_not_asked_for_again_unless_a_session_ended(store):
    store.keep(pulled(), now=at("2024-07-16T19:00"))
    hours = timedelta(hours=6)
    assert is_fresh(store, RUT, now=pd.Timestamp("2024-07-16T19:59Z"), max_age=hours)
    assert not is_fresh(store, RUT, now=pd.Timestamp("2024-07-16T20:01Z"), max_age=hours)
    assert not is_fresh(store, RUT, now=pd.Timestamp("2024-07-16T19:59Z"), max_age=timedelta(minutes=5))
    series = Item("fred", Kind.SERIES, "DGS10")
    store.keep(pulled(item=series), now=at("2024-07-16T19:00"))
    assert is_fresh(store, series, now=pd.Timestamp("2024-07-16T20:01Z"), max_age=hours)
    alter(data_file(store, store.snapshots(series)[0]), 10)
    assert not is_fresh(store, series, now=pd.Timestamp("2024-07-16T20:01Z"), max_age=hours)


DIES = """
import os, pathlib, sys
from research_lib.data.live import snapshots
from tests.data.live.test_snapshots import pulled
calls, real = 0, pathlib.Path.replace
def replace(path, target):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        path.write_bytes(path.read_bytes()[:10]) if sys.argv[3] == "before" else real(path, target)
        os._exit(9)
    return real(path, target)
pathlib.Path.replace = replace
snapshots.Store(pathlib.Path(sys.argv[1])).keep(pulled(200.0))
"""


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_step_of_keeping_the_store_verifies(store, write, when):
    store.keep(pulled(100.0))
    died = subprocess.run([sys.executable, "-c", DIES, store.directory, str(write), when], check=False)
    assert died.returncode == 9
    assert store.verify().damaged == ()
    kept = (write, when) == (2, "after")
    assert store.read(RUT).frame["close"].iloc[0] == (200 if kept else 100)
    assert len(store.verify().stray) == (0 if kept else 1 + (write == 2))
    store.keep(pulled(200.0))
    assert store.read(RUT).frame["close"].iloc[0] == 200


def test_the_commands_show_check_and_clean_up(store, data_command):
    assert "no snapshots yet" in data_command("status").output
    store.keep(pulled(1.0), now=at("2024-07-17T10:00"))
    hurt = store.keep(pulled(2.0), now=at("2024-07-18T10:00"))
    [line] = [line for line in data_command("status").output.splitlines() if "RUT" in line]
    assert line.split() == ["yahoo", "RUT", "2024-07-18", "10:00", "198", "2023-10-02", "2024-07-16", "2"]
    assert data_command("verify").exit_code == 0
    alter(data_file(store, hurt), 10)
    assert data_command("verify").exit_code == 1
    assert data_command("gc").output == "removed 2 files\n"
    assert data_command("verify").output == "1 intact, 0 damaged\n"


SYMBOLS = 60


@pytest.fixture
def many(vendors):
    for n in range(SYMBOLS):
        vendors.prices(f"S{n:02d}", as_json(chart(f"S{n:02d}", DAYS, [100.0 + n] * len(DAYS)), delay_s=0.02))
    return vendors


def puller(vendors, store):
    words = [sys.executable, "-m", "tests.data.live.puller", str(vendors.port), str(store.directory), str(SYMBOLS)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(vendors, asked):
    """Wait until the server was asked so often."""
    while len(vendors.asked) < asked:
        time.sleep(0.002)


def test_killed_at_random_points_the_store_verifies_and_the_next_pull_goes_on(many, store):
    moments = random.Random()  # noqa: S311  # another point each time
    for _ in range(3):
        process = puller(many, store)
        until(many, len(many.asked) + moments.randint(8, SYMBOLS // 4))
        time.sleep(moments.uniform(0.0, 0.05))
        process.kill()
        process.communicate()
        check = store.verify()
        assert check.damaged == ()
    before = {item.name: many.times_asked(f"/{item.name}") for item in store.items() if store.snapshots(item)}
    said = puller(many, store).communicate()[0].splitlines()[-1]
    kept, fresh, failed, not_asked = map(int, said.split())
    assert (kept + fresh, failed, not_asked) == (SYMBOLS, 0, 0)
    assert fresh == len(before)
    assert {name: many.times_asked(f"/{name}") for name in before} == before, "what was kept is not asked for again"
    assert store.verify().intact == SYMBOLS
    assert 0 < fresh < SYMBOLS


def test_two_pulls_at_once_ask_for_each_symbol_once(many, store):
    both = [puller(many, store), puller(many, store)]
    said = [process.communicate()[0].splitlines()[-1].split() for process in both]
    assert sorted(said) == [["0", str(SYMBOLS), "0", "0"], [str(SYMBOLS), "0", "0", "0"]]
    assert many.times_asked("/S") == SYMBOLS
    check = store.verify()
    assert (check.intact, check.damaged, check.stray) == (SYMBOLS, (), ())


def test_interrupted_by_the_user_it_says_what_is_kept(many, store):
    process = puller(many, store)
    until(many, SYMBOLS // 4)
    os.kill(process.pid, signal.SIGINT)
    kept, fresh, failed, not_asked = map(int, process.communicate()[0].splitlines()[-1].split())
    assert not_asked > 0
    assert (kept + not_asked, fresh, failed) == (SYMBOLS, 0, 0)
    assert store.verify().intact == kept


class InterruptedAtTheThird:
    """A vendor that takes a moment to answer; the user presses Ctrl-C when it is asked for the third time."""

    source = "yahoo"

    def __init__(self):
        self.asked = 0

    def fetch(self, items, *, now):  # noqa: ARG002  # as a client is called
        self.asked += 1
        if self.asked == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        return [pulled(item=item) for item in items]


def test_what_an_interrupt_left_unasked_is_not_told_as_done_with(store):
    tasks = [Task((Item("yahoo", Kind.PRICES, f"S{n}"),)) for n in range(50)]
    told = []
    outcome = pull(tasks, store, {"yahoo": InterruptedAtTheThird()}, manners=Manners(at_once=1), tell=told.append)
    assert 3 <= len(outcome.kept) < 20
    assert [task.items[0] for task in told] == [snapshot.item for snapshot in outcome.kept]
    assert {*told, *outcome.not_asked} == {*tasks}
    assert outcome.failed == []


def test_a_pull_that_waits_for_another_says_so(store, vendors, data_command, parameter_file):
    vendors.prices("^RUT", as_json(chart("^RUT", DAYS)))
    held = Event()

    def hold():
        with store.lock():
            held.set()
            time.sleep(0.3)

    other = Thread(target=hold)
    other.start()
    held.wait()
    assert store.is_busy()
    assert "another pull is running: this one waits for it" in data_command("pull", "--for", parameter_file()).output
    other.join()
    assert not store.is_busy()
    assert store.snapshots(RUT)


def test_a_folder_that_cannot_be_made_is_said_in_one_line(data_command, parameter_file, store):
    store.directory.parent.joinpath("snapshots").write_text("a file in its place")
    result = data_command("pull", "--for", parameter_file())
    assert result.exit_code == 2
    assert "the folder of snapshots cannot be made" in result.output


class Full:
    """A client that meets a full disk."""

    source = "yahoo"

    def fetch(self, _items, **_):
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_a_failure_and_no_traceback(store):
    outcome = pull([Task((RUT,))], store, {"yahoo": Full()}, manners=Manners())
    assert [str(failure) for failure in outcome.failed] == ["yahoo RUT: [Errno 28] No space left on device"]
