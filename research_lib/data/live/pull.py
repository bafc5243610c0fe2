"""Pull what parameter files need: plan it, ask for it, keep it, and say what could not be had."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Protocol

import pandas as pd

from research_lib.data.calendar import last_close
from research_lib.data.live.french_names import dataset_of
from research_lib.data.live.network import Manners, RefusedError, StoppedError, TransientError, Turnstile
from research_lib.data.live.snapshots import Item, Kind, Pulled, Snapshot, Store
from research_lib.data.live.source import SERVES
from research_lib.data.source import Source
from research_lib.interrupts import CHECK_SECONDS, noted_interrupts

GAPS_S = {"sec": 0.125}  # between requests: the SEC allows ten a second


class Client(Protocol):
    """One vendor's client: the only thing that touches the network."""

    source: str

    def fetch(self, items: Sequence[Item], *, now: pd.Timestamp) -> list[Pulled]:
        """Fetch items that come with one answer."""
        ...


@dataclass(frozen=True)
class Needs:
    """What a report is made of: symbols, ids of series, and companies by their tickers."""

    prices: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """Items of one source that come with one answer."""

    items: tuple[Item, ...]

    @property
    def source(self) -> str:
        """Whom to ask."""
        return self.items[0].source

    def __str__(self) -> str:
        return f"{self.source} {', '.join(item.name for item in self.items)}"


@dataclass(frozen=True)
class Failure:
    """A task that brought nothing, and why."""

    task: Task
    reason: str

    def __str__(self) -> str:
        return f"{self.task}: {self.reason}"


@dataclass
class Outcome:
    """What became of a pull.

    Attributes
    ----------
    kept : list of Snapshot
        Pulled now.
    fresh : list of Task
        Pulled so recently that they were not asked for again.
    failed : list of Failure
    not_asked : list of Task
        The pull was stopped before.
    """

    kept: list[Snapshot] = field(default_factory=list)
    fresh: list[Task] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    not_asked: list[Task] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Say whether everything is there."""
        return not self.failed and not self.not_asked


def plan(sources: Mapping[str, Source | None], needs: Needs) -> list[Task]:
    """Choose the source of each need as a study does: the first that has it.

    Parameters
    ----------
    sources : mapping
        By name, in order; of those that need no network, the source itself.
    needs : Needs

    Returns
    -------
    list of Task
        What no source has is left out: the report does without, or says so itself.
    """
    prices = [item for name in needs.prices if (item := _choose(sources, Kind.PRICES, name))]
    series = [item for name in needs.series if (item := _choose(sources, Kind.SERIES, name))]
    companies = [Item("sec", Kind.COMPANIES, name) for name in needs.companies if "sec" in sources]
    together: dict[tuple[str, str], list[Item]] = {}
    for item in series:
        together.setdefault((item.source, dataset_of(item.name) or item.name), []).append(item)
    return [*(Task((item,)) for item in (*companies, *prices)), *(Task(tuple(items)) for items in together.values())]


def _choose(sources: Mapping[str, Source | None], kind: Kind, name: str) -> Item | None:
    for source_name, source in sources.items():
        if source is not None:
            if name in (source.symbols() if kind is Kind.PRICES else source.series_ids()):
                return None
        elif SERVES[source_name] is kind and (source_name == "french") == bool(dataset_of(name)):
            return Item(source_name, kind, name)
    return None


def is_fresh(store: Store, item: Item, *, now: pd.Timestamp, max_age: timedelta) -> bool:
    """Say whether an item's newest snapshot is so young, and no session ended since, that asking again is idle."""
    snapshots = store.snapshots(item)
    if not snapshots or now - snapshots[-1].fetched >= max_age:
        return False
    ended_since = item.kind is Kind.PRICES and snapshots[-1].fetched < last_close(now)
    return not ended_since and store.is_intact(snapshots[-1])


def pull(
    tasks: Iterable[Task],
    store: Store,
    clients: Mapping[str, Client],
    *,
    manners: Manners,
    tell: Callable[[Task], object] = lambda _: None,
) -> Outcome:
    """Pull tasks into a store, a few at once; what fails does not stop the others.

    Parameters
    ----------
    tasks : iterable of Task
        Of `plan`.
    store : Store
        Where to; only one pull at a time, another one waits for it.
    clients : mapping
        By source.
    manners : Manners
        How politely.
    tell : callable
        Takes each task that is done with.

    Notes
    -----
    When a source throttles to the end of an item's attempts, or cannot be reached, it is asked for nothing more.
    """
    outcome = Outcome()
    with store.lock():
        now = pd.Timestamp.now("UTC")
        wanted: list[Task] = []
        for task in tasks:
            fresh = all(is_fresh(store, item, now=now, max_age=manners.max_age) for item in task.items)
            (outcome.fresh if fresh else wanted).append(task)
        _pull_all(_Pull(store, clients, Turnstiles(manners)), wanted, outcome, manners.at_once, tell)
    return outcome


class Turnstiles:
    """One turnstile a source, and which sources are closed."""

    def __init__(self, manners: Manners) -> None:
        self._turnstiles = {name: Turnstile(manners, gap_s=GAPS_S.get(name, 0.0)) for name in SERVES}
        self.closed: dict[str, str] = {}

    def stop(self) -> None:
        """Let nothing more through."""
        for turnstile in self._turnstiles.values():
            turnstile.stop()

    def ask(self, source: str, call: Callable[[], list[Pulled]]) -> list[Pulled]:
        """Ask a source, unless it is closed; close it where nothing else would get through either."""
        if source in self.closed:
            raise TransientError(f"not asked: {self.closed[source]}")
        try:
            return self._turnstiles[source].ask(call)
        except TransientError as error:
            if error.for_all:
                self.closed.setdefault(source, str(error))
            raise


@dataclass(frozen=True)
class _Pull:
    store: Store
    clients: Mapping[str, Client]
    turnstiles: Turnstiles

    def __call__(self, task: Task) -> list[Snapshot]:
        asked = pd.Timestamp.now("UTC")  # a session that ends while the answer comes is not in it
        client = self.clients[task.source]
        brought = self.turnstiles.ask(task.source, lambda: client.fetch(task.items, now=asked))
        return [self.store.keep(pulled, now=asked.to_pydatetime()) for pulled in brought]


def _pull_all(
    one: _Pull, tasks: Sequence[Task], outcome: Outcome, at_once: int, tell: Callable[[Task], object]
) -> None:
    ended: SimpleQueue[Future[list[Snapshot]]] = SimpleQueue()
    with noted_interrupts() as interrupted, ThreadPoolExecutor(at_once) as pool:
        running = {pool.submit(one, task): task for task in tasks}
        for future in running:
            future.add_done_callback(ended.put)
        while running:
            if interrupted():
                one.turnstiles.stop()
                pool.shutdown(wait=False, cancel_futures=True)
            with suppress(Empty):
                future = ended.get(timeout=CHECK_SECONDS)
                task = running.pop(future)
                if _settle(outcome, task, future):
                    tell(task)


def _settle(outcome: Outcome, task: Task, future: Future[list[Snapshot]]) -> bool:
    """Enter what became of a task; say whether it was asked for at all."""
    try:
        outcome.kept += future.result()
    except (CancelledError, StoppedError):
        outcome.not_asked.append(task)
        return False
    except (RefusedError, OSError) as error:  # the network, or the disk
        outcome.failed.append(Failure(task, str(error)))
    return True
