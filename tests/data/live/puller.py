"""A process that pulls from the test's server, to be killed or run twice: `python -m tests.data.live.puller`."""

import signal
import sys
from pathlib import Path

from research_lib.data.live.pull import pull
from research_lib.data.live.store import Item, Store
from tests.data.live.loopback import PATIENT, clients

if __name__ == "__main__":
    port, folder, symbols = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    items = [Item("yahoo", f"S{n:02d}") for n in range(int(symbols))]
    outcome = pull(items, Store(Path(folder)), clients(int(port), "yahoo"), policy=PATIENT)
    print(outcome.lines()[-1])  # noqa: T201
    print(*map(len, outcome), flush=True)  # noqa: T201  # kept, fresh, failed, not asked
