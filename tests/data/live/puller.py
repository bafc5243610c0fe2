"""A process that pulls from the test's server, to be killed or run twice: `python -m tests.data.live.puller`."""

import signal
import sys
from pathlib import Path

from research_lib.data.live.network import RetryPolicy
from research_lib.data.live.pull import pull
from research_lib.data.live.store import Item, Store
from tests.data.live.loopback import clients


def main(port: str, folder: str, symbols: str) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    store = Store(Path(folder))
    items = [Item("yahoo", f"S{n:02d}") for n in range(int(symbols))]
    led = clients(int(port), store, names=["yahoo"])
    outcome = pull(items, store, led, policy=RetryPolicy(first_wait_s=0.01))
    print(len(outcome.kept), len(outcome.fresh), len(outcome.failed), len(outcome.not_asked), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
