"""Pull what parameter files need: plan it, ask for it, keep it, and say what could not be had."""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import pandas as pd

from research_lib.data.calendar import last_finished
from research_lib.data.catalog import describe_asset, describe_series, vendor_name
from research_lib.data.live.store import COMPANIES, SERVES, SHAPES, Item, Snapshot, Store, compare
from research_lib.data.live.vendors import VENDORS, Fetched, RefusedError, RetryPolicy, Sec
from research_lib.data.load import open_source
from research_lib.data.quality import clean
from research_lib.data.source import PRICES, SERIES, RawSeries
from research_lib.errors import DataError, ResearchError
from research_lib.project import CHECK_SECONDS, noted_interrupts

Tell = Callable[[int, int, str], object]  # how many items are done, of how many, and the last one


class Outcome(NamedTuple):
    """What became of a pull: snapshots kept, items too fresh to be asked for, failed (and why), and not asked."""

    kept: list[Snapshot]
    fresh: list[Item]
    failed: dict[Item, str]
    not_asked: list[Item]

    @property
    def complete(self) -> bool:
        """Whether everything is there and in use."""
        return not (self.failed or self.not_asked or any(one.held for one in self.kept))

    def lines(self) -> list[str]:
        """Say what was kept and what was not, a line an item, and how much of each at the end."""
        kept = ["; ".join([f"{it.item}: {it.rows:,} rows, {it.first} to {it.last}", *it.notes]) for it in self.kept]
        held = [f"not in use: {it.item}: {it.held}" for it in self.kept if it.held]
        failed = [f"failed: {item}: {why}" for item, why in self.failed.items()]
        counts = f"{len(kept)} snapshots kept" + (f" ({len(held)} not in use)" if held else "")
        counts += f", {len(self.fresh)} pulled not long ago and left as they are" if self.fresh else ""
        stopped = f"stopped: {len(self.not_asked)} not asked for yet; the same command goes on from here"
        said = [*sorted(kept), *sorted(held), *sorted(failed), f"{counts}, {len(failed)} failed"]
        return [*said, stopped] if self.not_asked else said


def reason(error: Exception) -> str:
    """Say in one line why an item could not be had, whatever was raised: what a changed answer does to its reader."""
    if isinstance(error, (DataError, OSError)):  # a vendor, the network, or the disk
        return str(error)
    return f"the answer is not in the form it was ({type(error).__name__}: {' '.join(str(error).split())[:200]})"


def pull_for(
    parameters: Sequence[Any], store: Store, *, policy: RetryPolicy, accept: bool = False, tell: Tell = lambda *_: None
) -> Outcome:
    """Pull what parameter sets need from the live sources that they name; what fails does not stop the others.

    `DataError` where a source cannot be used at all. `accept` puts into use what lacks some of the history before it.
    """
    parameters = [one for one in parameters if {*SERVES} & {*str(getattr(one, "source", "")).split("+")}]
    if not parameters:
        raise DataError(f"nothing to pull: no live source is named, such as {' or '.join(SERVES)}")
    names = dict.fromkeys(name for one in parameters for name in one.source.split("+") if name in SERVES)
    vendors = {name: VENDORS[name](policy) for name in names}
    try:
        asked = any(getattr(one, "companies", 0) for one in parameters)
        companies = list(sec.numbers) if asked and isinstance(sec := vendors.get("sec"), Sec) else []
    except Exception as error:
        raise DataError(f"the list of companies cannot be had: {reason(error)}") from None
    items = dict.fromkeys(item for one in parameters for item in plan(one, companies))
    outcome = Outcome([], [], {}, list(items))

    def fetch(item: Item) -> None:
        now = pd.Timestamp.now("UTC")  # a session that ends while the answer comes is not in it
        try:
            if is_fresh(store, item, now=now, policy=policy):
                outcome.fresh.append(item)
            else:
                outcome.kept.append(keep(store, item, vendors[item.source].fetch(item), now=now, accept=accept))
        except CancelledError:
            return
        except Exception as error:  # a failure is this item's own, whatever was raised
            outcome.failed[item] = reason(error)
        outcome.not_asked.remove(item)

    with store.lock(), noted_interrupts() as interrupted, ThreadPoolExecutor(policy.at_once) as pool:
        futures = {pool.submit(fetch, item): str(item) for item in items}
        pending = set(futures)
        while pending and not interrupted():
            done, pending = wait(pending, CHECK_SECONDS)
            for future in done:
                tell(len(futures) - len(pending), len(futures), futures[future])
        pool.shutdown(wait=False, cancel_futures=True)
        for vendor in vendors.values():
            vendor.stop.set()
    return outcome


def plan(parameters: Any, companies: Sequence[str] = ()) -> list[Item]:  # noqa: ANN401  # any parameter model
    """List the items that a parameter set needs, each from the first source that has it; what none has is left out."""
    sources = parameters.source.split("+")
    firms = companies[: getattr(parameters, "companies", 0)] if "sec" in sources else ()
    assets = (*getattr(parameters, "symbols", ()), *getattr(parameters, "optional_symbols", ()), *firms)
    symbols = [asset.partition(":")[0] for asset in assets]
    wanted = {COMPANIES: firms, PRICES: symbols, SERIES: getattr(parameters, "series", ())}
    here = {name: open_source(name, data_dir=parameters.data_dir) for name in sources if name not in SERVES}

    def offers(source: str, kind: str, name: str) -> bool:
        if source in SERVES:
            return SERVES[source] == kind and bool(vendor_name(source, name))
        return kind != COMPANIES and name in here[source].names(kind)

    needs = ((kind, name) for kind, names in wanted.items() for name in names)
    first = ((next((one for one in sources if offers(one, kind, name)), ""), name) for kind, name in needs)
    return [Item(source, name) for source, name in dict.fromkeys(first) if source in SERVES]


def is_fresh(store: Store, item: Item, *, now: pd.Timestamp, policy: RetryPolicy) -> bool:
    """Say whether an item's newest snapshot is in use and so young, no session having ended since, that asking is idle."""
    newest = next(reversed(store.snapshots(item)), None)
    if newest is None or newest.held or now - newest.fetched >= policy.max_age:
        return False
    return SERVES[item.source] != PRICES or last_finished(pd.Timestamp(newest.fetched)) == last_finished(now)


def keep(store: Store, item: Item, fetched: Fetched, *, now: pd.Timestamp, accept: bool = False) -> Snapshot:
    """Keep what was fetched, but hold it back where it could not be loaded, or lacks history and that is not accepted."""
    (frame, query), kind, notes, held = fetched, SERVES[item.source], list[str](), ""
    value = SHAPES[kind][1]
    if kind == PRICES:
        is_over = frame["date"] <= last_finished(now)
        notes += [f"{day.date()}: the session is not over yet" for day in frame["date"][~is_over]]
        frame = frame[is_over]
    if frame[value].isna().all():
        raise RefusedError(f"the answer holds no {value}")
    if before := next((one for one in reversed(store.snapshots(item)) if not one.held), None):
        lost, changed = compare(kind, pd.read_parquet(before.path), frame)
        notes += [said for said in (changed, lost if accept else "") if said]
        if lost and not accept:
            held = f"{lost}; reports go on with the snapshot before it; to use this one, pull with --accept"
    if kind == COMPANIES:
        notes += [] if (frame["taxonomy"] == "us-gaap").any() else ["no facts in US GAAP: it will be left out"]
    else:
        info = describe_asset(item.name) if kind == PRICES else describe_series(item.name)
        try:
            clean(RawSeries(item.name, query["symbol"], frame["date"], frame[value]), info)
        except ResearchError as error:
            held = f"no report could load it: {error}; reports go on with the one before it, if any; pull again later"
    return store.keep(item, frame, now=now.to_pydatetime(), query=query, notes=tuple(notes), held=held)
