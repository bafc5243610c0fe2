"""A process that pulls from the test's server, to be killed or run twice: `python -m tests.data.live.puller`."""

import signal
import sys
from pathlib import Path
from types import SimpleNamespace

from research_lib.data.live.network import RetryPolicy
from research_lib.data.live.pull import pull_for
from research_lib.data.live.store import Store
from research_lib.data.live.vendors import VENDORS
from tests.data.live.loopback import led

if __name__ == "__main__":
    port, folder, symbols = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    VENDORS.update(led(int(port)))
    needs = SimpleNamespace(source="yahoo", symbols=[f"S{n:04d}" for n in range(int(symbols))])
    outcome = pull_for([needs], Store(Path(folder)), policy=RetryPolicy(first_wait_s=0.01, timeout_s=5))
    print(outcome.lines()[-1])  # noqa: T201
    print(*map(len, outcome), flush=True)  # noqa: T201  # kept, fresh, failed, not asked
