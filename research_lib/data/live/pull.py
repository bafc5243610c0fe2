"""Pull what parameter files need: plan it, ask for it, keep it, and say what could not be had."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from research_lib.data.calendar import is_finished, last_close
from research_lib.data.catalog import describe_asset, describe_series, vendor_name
from research_lib.data.live.network import RateLimiter, RefusedError, RetryPolicy, reason
from research_lib.data.live.store import SERVES, SHAPES, Item, Kind, Pulled, Snapshot, Store, compare
from research_lib.data.live.vendors import VENDORS, Sec, Vendor
from research_lib.data.load import open_source
from research_lib.data.quality import check_loads
from research_lib.data.source import RawSeries
from research_lib.errors import DataError
from research_lib.project import CHECK_SECONDS, noted_interrupts

Tell = Callable[[int, int, str], object]  # how many items are done, of how many, and the last one
GAPS_S = {"sec": 0.125}  # between requests: the SEC allows ten a second


@dataclass
class Outcome:
    """What became of a pull: snapshots kept, items too fresh to be asked for, failed (and why), and not asked."""

    kept: list[Snapshot] = field(default_factory=list)
    fresh: list[Item] = field(default_factory=list)
    failed: dict[Item, str] = field(default_factory=dict)
    not_asked: list[Item] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything is there and in use."""
        return not (self.failed or self.not_asked or any(one.held for one in self.kept))

    def settle(self, item: Item, fetched: Future[Snapshot | None]) -> None:
        """Note what became of an item (None: it is fresh): its failure is its own, whatever was raised."""
        try:
            if snapshot := fetched.result():
                self.kept.append(snapshot)
            else:
                self.fresh.append(item)
        except CancelledError:
            self.not_asked.append(item)
        except Exception as error:
            self.failed[item] = reason(error)

    def lines(self) -> list[str]:
        """Say what was kept and what was not, a line an item, and how much of each at the end."""
        said, held = [], sum(one.held for one in self.kept)
        for one in self.kept:
            notes = f" ({'; '.join(one.notes)})" if one.notes else ""
            said.append(f"{one.item}: {one.rows:,} rows, {one.first} to {one.last}{notes}")
            why = f"no report could load it: {one.broken}" if one.broken else one.lost
            way_out = ", if there is one; pull again later" if one.broken else "; to use this one, pull with --accept"
            if why:
                said.append(f"not in use: {one.item}: {why}; reports go on with the snapshot before it{way_out}")
        said += [f"failed: {item}: {reason}" for item, reason in self.failed.items()]
        counts = [f"{len(self.kept)} snapshots kept" + (f" ({held} not in use)" if held else "")]
        counts += [f"{len(self.fresh)} pulled not long ago and left as they are"] if self.fresh else []
        said.append(", ".join([*counts, f"{len(self.failed)} failed"]))
        if self.not_asked:
            said.append(f"stopped: {len(self.not_asked)} not asked for yet; the same command goes on from here")
        return said


def pull_for(
    parameters: Sequence[Any], store: Store, *, policy: RetryPolicy, accept: bool = False, tell: Tell = lambda *_: None
) -> Outcome:
    """Pull what parameter sets need from the live sources that they name; `DataError` where one cannot be used at all.

    Of each set it reads `source`, `data_dir`, `symbols`, `optional_symbols`, `series`, `companies` (how many of the
    largest). `accept` puts snapshots into use that lack some of the history of those before them.
    """
    names = dict.fromkeys(name for one in parameters for name in one.source.split("+") if name in SERVES)
    vendors = {name: VENDORS[name](store, timeout_s=policy.timeout_s) for name in names}
    count, companies = max((getattr(one, "companies", 0) for one in parameters), default=0), []
    if count and isinstance(sec := vendors.get("sec"), Sec):
        try:
            companies = RateLimiter(policy).ask(lambda: sec.largest(count))
        except Exception as error:
            raise DataError(f"the list of companies cannot be had: {reason(error)}") from None
    items = dict.fromkeys(item for one in parameters for item in plan(one, companies))
    return pull(items, store, vendors, policy=policy, accept=accept, tell=tell)


def plan(parameters: Any, companies: Sequence[str] = ()) -> list[Item]:  # noqa: ANN401  # any parameter model
    """List the items that a parameter set needs, each from the first source that has it, as a study takes it.

    What no source has is left out: the report does without, or says so itself.
    """
    names = parameters.source.split("+")
    firms = companies[: getattr(parameters, "companies", 0)] if "sec" in names else ()
    assets = (*getattr(parameters, "symbols", ()), *getattr(parameters, "optional_symbols", ()))
    symbols = [*(asset.partition(":")[0] for asset in assets), *firms]
    wanted = {Kind.COMPANIES: firms, Kind.PRICES: symbols, Kind.SERIES: getattr(parameters, "series", ())}
    here = {name: open_source(name, data_dir=parameters.data_dir) for name in names if name not in SERVES}

    def has(source: str, kind: Kind, name: str) -> bool:
        if source in SERVES:
            return SERVES[source] is kind and bool(vendor_name(source, name))
        listed = {Kind.PRICES: here[source].symbols, Kind.SERIES: here[source].series_ids}
        return kind in listed and name in listed[kind]()

    first = {
        (kind, name): next((source for source in names if has(source, kind, name)), "")
        for kind, named in wanted.items()
        for name in named
    }
    return [Item(source, name) for (_, name), source in first.items() if source in SERVES]


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
    vendors: Mapping[str, Vendor],
    *,
    policy: RetryPolicy,
    accept: bool = False,
    tell: Tell = lambda *_: None,
) -> Outcome:
    """Pull items into a store, a few at once; what fails does not stop the others, whatever it raises.

    Only one pull at a time: another one waits. A source that throttles to the end of an item's attempts, or cannot be
    reached, is asked for nothing more.
    """
    outcome, limiters = Outcome(), {name: RateLimiter(policy, gap_s=GAPS_S.get(name, 0.0)) for name in vendors}

    def fetch(item: Item) -> Snapshot | None:
        asked = pd.Timestamp.now("UTC")  # a session that ends while the answer comes is not in it
        if is_fresh(store, item, now=asked, policy=policy):
            return None
        brought = limiters[item.source].ask(lambda: vendors[item.source].fetch(item))
        return keep(store, brought, now=asked)

    with store.lock():
        with noted_interrupts() as interrupted, ThreadPoolExecutor(policy.at_once) as pool:
            futures = {pool.submit(fetch, item): item for item in items}
            pending = set(futures)
            while pending and not interrupted():
                done, pending = wait(pending, CHECK_SECONDS)
                for future in done:
                    tell(len(futures) - len(pending), len(futures), str(futures[future]))
            pool.shutdown(wait=False, cancel_futures=True)
            for limiter in limiters.values():
                limiter.stop()
        for future, item in futures.items():
            outcome.settle(item, future)
        if accept:
            newest = [*outcome.kept, *(store.snapshots(item)[-1] for item in outcome.fresh)]
            accepted = {one.item: store.accept(one) for one in newest if one.lost and not one.broken}
            outcome.kept = [accepted.get(one.item, one) for one in outcome.kept]
    outcome.kept.sort(key=lambda one: one.item)
    return outcome


def keep(store: Store, brought: Pulled, *, now: pd.Timestamp) -> Snapshot:
    """Keep what was brought, but hold it back where it lacks history that was there, or could not be loaded.

    The price of a session that is not over at `now` is left out.
    """
    item, frame, notes, lost, broken = brought.item, brought.frame, brought.notes, "", ""
    _, keys, column = SHAPES[item.kind]
    if item.kind is Kind.PRICES:
        recent = frame["date"][frame["date"] >= now.tz_localize(None) - pd.Timedelta(days=4)]  # others are over
        unfinished = [day for day in recent if not is_finished(day, now)]
        frame = frame[~frame["date"].isin(unfinished)]
        notes = (*notes, *(f"{day.date()}: the session is not over yet" for day in unfinished))
    if frame[column].isna().all():
        raise RefusedError(f"the answer holds no {column}")
    if item.kind is not Kind.COMPANIES:
        info = describe_asset(item.name) if item.kind is Kind.PRICES else describe_series(item.name)
        try:
            check_loads(RawSeries(item.name, brought.query.get("symbol", ""), frame["date"], frame[column]), info)
        except DataError as error:
            broken = str(error)
    sound = (one for one in reversed(store.snapshots(item)) if not one.held and store.is_intact(one))
    if before := next(sound, None):
        lost, changed = compare(item.kind, store.read_exactly(before, [*keys, column]), frame)
        notes = (*notes, changed) if changed else notes
    brought = brought._replace(frame=frame, notes=notes)
    return store.keep(brought, now=now.to_pydatetime(), lost=lost, broken=broken)
