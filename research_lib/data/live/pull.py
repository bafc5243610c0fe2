"""Pull what parameter files need: plan it, ask for it, keep it, and say what could not be had."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import pandas as pd

from research_lib.data.calendar import last_close
from research_lib.data.catalog import describe_asset, describe_series, vendor_name
from research_lib.data.live.network import RateLimiter, RefusedError, RetryPolicy, StoppedError, TransientError
from research_lib.data.live.source import SERVES, as_raw
from research_lib.data.live.store import Item, Kind, Pulled, Snapshot, Store, describe_changes, describe_loss
from research_lib.data.quality import check_loads
from research_lib.data.source import Source
from research_lib.errors import DataError, MissingDataError, nearest
from research_lib.project import CHECK_SECONDS, noted_interrupts

if TYPE_CHECKING:
    from research_lib.data.live.vendors import Vendor

GAPS_S = {"sec": 0.125}  # between requests: the SEC allows ten a second


@dataclass
class Outcome:
    """What became of a pull: snapshots kept, items pulled too recently to be asked for, failed (and why), not asked."""

    kept: list[Snapshot] = field(default_factory=list)
    fresh: list[Item] = field(default_factory=list)
    failed: dict[Item, str] = field(default_factory=dict)
    not_asked: list[Item] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything is there and in use."""
        return not (self.failed or self.not_asked or any(one.lost or one.broken for one in self.kept))

    def lines(self) -> list[str]:
        """Say what was kept and what was not, a line an item, and how much of each at the end."""
        said = []
        for one in self.kept:
            left_out = f" ({'; '.join(one.left_out)})" if one.left_out else ""
            said.append(f"{one.item}: {one.rows:,} rows, {one.first} to {one.last}{left_out}")
            if one.broken:
                said.append(f"not in use: {one.item}: no report could load it: {one.broken}")
            elif one.lost:
                what = "reports go on with the one before it; to use this one, pull again with --accept"
                said.append(f"not in use: {one.item}: {one.lost}; {what}")
        said += [f"failed: {item}: {reason}" for item, reason in self.failed.items()]
        again = f", {len(self.fresh)} pulled not long ago and left as they are" if self.fresh else ""
        held = sum(bool(one.lost or one.broken) for one in self.kept)
        said.append(f"{len(self.kept)} snapshots kept{f' ({held} not in use)' if held else ''}{again}, "
                    f"{len(self.failed)} failed")  # fmt: skip
        if self.not_asked:
            said.append(f"stopped: {len(self.not_asked)} not asked for yet; the same command goes on from here")
        return said


def pull_for(
    parameters: Sequence[Any],
    store: Store,
    *,
    policy: RetryPolicy,
    accept: bool = False,
    tell: Callable[[int, int, str], object] = lambda *_: None,
) -> Outcome:
    """Pull what parameter sets need from the live sources that they name.

    Parameters
    ----------
    parameters : sequence of Parameters
        Of each: `source`, `data_dir`, `symbols`, `optional_symbols`, `series`, `companies` (how many of the largest).
    store : Store
    policy : RetryPolicy
    accept : bool
        Use snapshots that lack some of the history of those before them.
    tell : callable
        Takes how many items are done, of how many, and the last one.

    Raises
    ------
    DataError
        A source cannot be used at all: no folder, no identity for the SEC, no list of companies.
    """
    from research_lib.data.live.vendors import VENDORS, Sec

    live = [one for one in parameters if set(one.source.split("+")) & set(SERVES)]
    names = dict.fromkeys(name for one in live for name in one.source.split("+") if name in SERVES)
    vendors = {name: VENDORS[name](store, timeout_s=policy.timeout_s) for name in names}
    count = max((getattr(one, "companies", 0) for one in live if "sec" in one.source.split("+")), default=0)
    companies: list[str] = []
    if count and isinstance(sec := vendors.get("sec"), Sec):
        try:
            companies = RateLimiter(policy).ask(lambda: sec.largest(count))
        except TransientError as error:
            raise DataError(f"the list of companies cannot be had: {error}") from None
    items = dict.fromkeys(item for one in live for item in plan(one, companies))
    return pull(list(items), store, vendors, policy=policy, accept=accept, tell=tell)


def plan(parameters: Any, companies: Sequence[str] = ()) -> list[Item]:  # noqa: ANN401  # any parameter model
    """List the items that a parameter set needs, each from the first source that has it, as a study takes it.

    What no source has is left out: the report does without, or says so itself.
    """
    from research_lib.data import open_source

    names = parameters.source.split("+")
    files = {name: open_source(name, data_dir=parameters.data_dir) for name in names if name not in SERVES}
    firms = list(companies[: getattr(parameters, "companies", 0)]) if "sec" in names else []
    assets = (*getattr(parameters, "symbols", ()), *getattr(parameters, "optional_symbols", ()))
    symbols = dict.fromkeys([*(asset.partition(":")[0] for asset in assets), *firms])
    wanted = {Kind.COMPANIES: firms, Kind.PRICES: symbols, Kind.SERIES: getattr(parameters, "series", ())}
    found = (_choose(names, files, kind, name) for kind, needed in wanted.items() for name in needed)
    return [item for item in found if item]


def _choose(names: Sequence[str], files: Mapping[str, Source], kind: Kind, name: str) -> Item | None:
    for source in names:
        if source in files:
            if name in (files[source].symbols() if kind is Kind.PRICES else files[source].series_ids()):
                return None
        elif SERVES[source] is kind and (kind is Kind.COMPANIES or vendor_name(source, name)):
            return Item(source, kind, name)
    return None


def is_fresh(store: Store, item: Item, *, now: pd.Timestamp, policy: RetryPolicy) -> bool:
    """Say whether an item's newest snapshot is so young, and no session ended since, that asking again is idle."""
    snapshots = store.snapshots(item)
    if not snapshots or now - snapshots[-1].fetched >= policy.max_age:
        return False
    ended_since = item.kind is Kind.PRICES and snapshots[-1].fetched < last_close(now)
    return not ended_since and store.is_intact(snapshots[-1])


def pull(
    items: Iterable[Item],
    store: Store,
    vendors: "Mapping[str, Vendor]",
    *,
    policy: RetryPolicy,
    accept: bool = False,
    tell: Callable[[int, int, str], object] = lambda *_: None,
) -> Outcome:
    """Pull items into a store, a few at once; what fails does not stop the others, whatever it raises.

    Only one pull at a time: another one waits. A source that throttles to the end of an item's attempts, or cannot be
    reached, is asked for nothing more.
    """
    outcome = Outcome()
    with store.lock():
        now = pd.Timestamp.now("UTC")
        wanted: list[Item] = []
        for item in items:
            (outcome.fresh if is_fresh(store, item, now=now, policy=policy) else wanted).append(item)
        limiters = {name: RateLimiter(policy, gap_s=GAPS_S.get(name, 0.0)) for name in vendors}

        def fetch(item: Item) -> Snapshot:
            asked = pd.Timestamp.now("UTC")  # a session that ends while the answer comes is not in it
            brought = limiters[item.source].ask(lambda: vendors[item.source].fetch(item, now=asked))
            return keep(store, brought, now=asked)

        ended: SimpleQueue[Future[Snapshot]] = SimpleQueue()
        with noted_interrupts() as interrupted, ThreadPoolExecutor(policy.at_once) as pool:
            running = {pool.submit(fetch, item): item for item in wanted}
            for future in running:
                future.add_done_callback(ended.put)
            while running:
                if interrupted():
                    for limiter in limiters.values():
                        limiter.stop()
                    pool.shutdown(wait=False, cancel_futures=True)
                with suppress(Empty):
                    future = ended.get(timeout=CHECK_SECONDS)
                    item = running.pop(future)
                    if _enter(outcome, item, future):
                        tell(len(outcome.kept) + len(outcome.failed), len(wanted), str(item))
        if accept:
            _accept(store, outcome)
    return outcome


def _enter(outcome: Outcome, item: Item, future: Future[Snapshot]) -> bool:
    """Enter what became of an item; say whether it was asked for at all."""
    try:
        outcome.kept.append(future.result())
    except (CancelledError, StoppedError):
        outcome.not_asked.append(item)
        return False
    except (RefusedError, OSError) as error:  # the network, or the disk
        outcome.failed[item] = str(error)
    except Exception as error:  # one item's failure is one item's, whatever it is
        outcome.failed[item] = f"unexpected {type(error).__name__}: {str(error)[:200]}"
    return True


def keep(store: Store, brought: Pulled, *, now: pd.Timestamp) -> Snapshot:
    """Keep what was brought, and hold it back where it lacks history that was there, or could not be loaded."""
    item, lost, broken = brought.item, "", ""
    snapshot = Snapshot(item, dict(brought.query), now.isoformat(), brought.library, 0, "", "", "")
    if item.kind is not Kind.COMPANIES:
        column = "close" if item.kind is Kind.PRICES else "value"
        info = describe_asset(item.name) if item.kind is Kind.PRICES else describe_series(item.name)
        try:
            check_loads(as_raw(brought.frame, snapshot, item.name, column), info)
        except DataError as error:
            broken = str(error)
    before = [one for one in store.snapshots(item) if not (one.lost or one.broken) and store.is_intact(one)]
    if before:
        lost = describe_loss(item.kind, store.read_exactly(before[-1]), brought.frame)
    return store.keep(brought, now=now.to_pydatetime(), lost=lost, broken=broken)


def _accept(store: Store, outcome: Outcome) -> None:
    for item in outcome.fresh:
        if (newest := store.snapshots(item)[-1]).lost:
            store.accept(newest)
    outcome.kept = [store.accept(one) if one.lost and not one.broken else one for one in outcome.kept]


def differences(store: Store, names: Sequence[str] = ()) -> list[str]:
    """Say of each item, or of those named, what the newest snapshot changed in the history of the one before it."""
    items = store.items()
    for name in names:
        if name not in {item.name for item in items}:
            raise MissingDataError(f"{name}: nothing of that name was pulled{nearest(name, [i.name for i in items])}")
    lines = []
    for item in (item for item in items if not names or item.name in names):
        pair = store.snapshots(item)[-2:]
        if len(pair) < 2:
            lines.append(f"{item}: one snapshot, nothing to compare it with")
            continue
        changes = describe_changes(item.kind, *(store.read_exactly(one) for one in pair))
        span = f"{pair[0].fetched:%Y-%m-%d %H:%M} to {pair[1].fetched:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{item}: {span}: {changes}")
    return lines
