"""A process that pulls from the test's server, to be killed or run twice: `python -m tests.data.live.puller`."""

import signal
import sys
from pathlib import Path

from research_lib.data.live.network import RetryPolicy
from research_lib.data.live.pull import pull
from research_lib.data.live.store import Item, Store
from tests.data.live.loopback import clients

if __name__ == "__main__":
    port, folder, symbols = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    store = Store(Path(folder))
    items = [Item("yahoo", f"S{n:02d}") for n in range(int(symbols))]
    outcome = pull(items, store, clients(int(port), store, names=["yahoo"]), policy=RetryPolicy(first_wait_s=0.01))
    print(outcome.lines()[-1])  # noqa: T201
    print(len(outcome.kept), len(outcome.fresh), len(outcome.failed), len(outcome.not_asked), flush=True)  # noqa: T201
