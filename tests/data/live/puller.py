"""A process that pulls from the test's server, to be killed or run twice: `python -m tests.data.live.puller`."""

import sys
import warnings
from pathlib import Path

from research_lib.data.live.network import Manners
from research_lib.data.live.pull import Task, pull
from research_lib.data.live.snapshots import Item, Kind, Store
from tests.data.live.loopback import clients


def main(port: str, folder: str, symbols: str) -> None:
    warnings.simplefilter("ignore")  # yfinance's use of pandas
    led = clients(int(port), Path(folder) / "yfinance")
    tasks = [Task((Item("yahoo", Kind.PRICES, f"S{n:02d}"),)) for n in range(int(symbols))]
    outcome = pull(tasks, Store(Path(folder)), led, manners=Manners(first_wait_s=0.01))
    print(len(outcome.kept), len(outcome.fresh), len(outcome.failed), len(outcome.not_asked), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
