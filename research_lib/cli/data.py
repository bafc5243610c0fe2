"""`data`: live data, pulled into snapshots, and what is in them."""

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from research_lib.cli.run import FAILED, WRONG_USE
from research_lib.errors import ResearchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from research_lib.data.live.network import Manners
    from research_lib.data.live.pull import Client, Outcome, Task
    from research_lib.data.live.snapshots import Item, Store
    from research_lib.params import NotebookParameters

app = typer.Typer(help="Pull live data into snapshots, and look after them.", no_args_is_help=True)


@app.command()
def pull(
    files: Annotated[
        list[Path] | None, typer.Option("--for", help="Parameter files; none: all that name a live source.")
    ] = None,
    max_age_hours: Annotated[
        float, typer.Option("--max-age", min=0, help="What was pulled within so many hours is not pulled again.")
    ] = 6,
) -> None:
    """Pull what parameter files need; an interrupted pull goes on where it was.

    Exit status: 0, everything is there; 1, something could not be had, or the pull was stopped; 2, wrong use.
    """
    from research_lib.data.live.clients import open_clients
    from research_lib.data.live.network import Manners
    from research_lib.data.live.pull import pull as pull_tasks
    from research_lib.data.live.source import SERVES

    with _wrong_use():
        store, manners = _store(), Manners(max_age=timedelta(hours=max_age_hours))
        if store.is_busy():
            typer.echo("another pull is running: this one waits for it", err=True)
        parameters = _live(_parameters(files))
        names = {name for one in parameters for name in one.source.split("+") if name in SERVES}
        clients = open_clients(names, manners=manners, store=store)
        companies = _companies(parameters, clients, manners)
        tasks = _plan(parameters, companies)
        with _progress(len(tasks)) as tell:
            outcome = pull_tasks(tasks, store, clients, manners=manners, tell=tell)
    _report(outcome)
    if not outcome.complete:
        raise typer.Exit(FAILED)


@app.command()
def status() -> None:
    """List what is there: from when it is, what it spans, and how many snapshots of it there are."""
    from rich.console import Console
    from rich.table import Table

    store = _store()
    table = Table("source", "item", "pulled (UTC)", "rows", "first", "last", "snapshots", box=None)
    for item in store.items():
        snapshots = store.snapshots(item)
        if snapshots:
            newest = snapshots[-1]
            pulled = f"{newest.fetched:%Y-%m-%d %H:%M}"
            cells = (pulled, f"{newest.rows:,}", newest.first, newest.last, str(len(snapshots)))
            table.add_row(item.source, item.name, *cells)
    Console().print(table if table.row_count else f"no snapshots yet in {store.directory}")


@app.command()
def verify() -> None:
    """Compare every snapshot with its hash. Exit status 1 where one is damaged; it is not used, whoever asks."""
    check = _store().verify()
    for damage in check.damaged:
        typer.echo(f"damaged: {damage.path}: {damage.what}", err=True)
    stray = f"; {len(check.stray)} files of an interrupted pull (data gc removes them)" if check.stray else ""
    typer.echo(f"{check.intact} intact, {len(check.damaged)} damaged{stray}")
    if check.damaged:
        raise typer.Exit(FAILED)


@app.command()
def diff(
    names: Annotated[list[str] | None, typer.Argument(help="Items, such as RUT or DGS10; none: all.")] = None,
) -> None:
    """Show what the newest snapshot changed in the history of the one before it."""
    from research_lib.data.live.compare import compare

    store = _store()
    with _wrong_use():
        for item in _named(store, names or []):
            snapshots = store.snapshots(item)
            if len(snapshots) < 2:
                typer.echo(f"{item}: one snapshot, nothing to compare it with")
                continue
            older, newer = snapshots[-2:]
            changes = compare(item.kind, store.read_exactly(older), store.read_exactly(newer))
            typer.echo(f"{item}: {older.fetched:%Y-%m-%d %H:%M} to {newer.fetched:%Y-%m-%d %H:%M} UTC: {changes}")


@app.command()
def gc(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep so many newest snapshots of each item; reports on old dates change.")
    ] = None,
) -> None:
    """Remove damaged snapshots and what an interrupted pull left behind; others only with --keep."""
    store = _store()
    with _wrong_use(), store.lock():
        removed = store.collect_garbage(keep=keep)
    typer.echo(f"removed {len(removed)} files")


def _store() -> "Store":
    from research_lib.data.live.snapshots import Store
    from research_lib.project import snapshots_folder

    return Store(snapshots_folder())


def _parameters(files: Sequence[Path] | None) -> "list[NotebookParameters]":
    from research_lib.parameter_files import read_parameters
    from research_lib.project import PARAMETERS

    return [read_parameters(path) for path in files or sorted(PARAMETERS.glob("*/*.yaml"))]


def _live(parameters: "Sequence[NotebookParameters]") -> "list[NotebookParameters]":
    from research_lib.data.live.source import SERVES

    return [one for one in parameters if set(one.source.split("+")) & set(SERVES)]


def _companies(
    parameters: "Sequence[NotebookParameters]", clients: "Mapping[str, Client]", manners: "Manners"
) -> list[str]:
    """Ask the SEC which companies are the largest, if a parameter file is about companies."""
    from research_lib.data.live.network import TransientError, Turnstile
    from research_lib.data.live.sec import Sec
    from research_lib.errors import DataError

    count = max((one.companies for one in parameters if "sec" in one.source.split("+")), default=0)
    sec = clients.get("sec")
    if not count or not isinstance(sec, Sec):
        return []
    try:
        return Turnstile(manners).ask(lambda: sec.largest(count))
    except TransientError as error:
        raise DataError(f"the list of companies cannot be had: {error}") from None


def _plan(parameters: "Sequence[NotebookParameters]", companies: Sequence[str]) -> "list[Task]":
    from research_lib.data import open_source
    from research_lib.data.live.pull import Needs, plan
    from research_lib.data.live.source import SERVES

    tasks: dict[Task, None] = {}
    for one in parameters:
        names = one.source.split("+")
        sources = {name: None if name in SERVES else open_source(name, data_dir=one.data_dir) for name in names}
        firms = companies[: one.companies] if "sec" in names else []
        symbols = [asset.partition(":")[0] for asset in (*one.symbols, *one.optional_symbols)]
        needs = Needs(tuple(dict.fromkeys((*symbols, *firms))), tuple(one.series), tuple(firms))
        tasks |= dict.fromkeys(plan(sources, needs))
    return list(tasks)


def _named(store: "Store", names: Sequence[str]) -> "list[Item]":
    from difflib import get_close_matches

    from research_lib.errors import MissingDataError

    items = store.items()
    known = {item.name for item in items}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise MissingDataError(f"{name}: nothing of that name was pulled{hint}; see: data status")
    return [item for item in items if not names or item.name in names]


def _report(outcome: "Outcome") -> None:
    for snapshot in outcome.kept:
        left_out = f" ({'; '.join(snapshot.left_out)})" if snapshot.left_out else ""
        typer.echo(f"{snapshot.item}: {snapshot.rows:,} rows, {snapshot.first} to {snapshot.last}{left_out}")
    for failure in outcome.failed:
        typer.echo(f"failed: {failure}", err=True)
    asked_again = f", {len(outcome.fresh)} pulled not long ago and left as they are" if outcome.fresh else ""
    typer.echo(f"{len(outcome.kept)} snapshots kept{asked_again}, {len(outcome.failed)} failed")
    if outcome.not_asked:
        typer.echo(f"stopped: {len(outcome.not_asked)} not asked for yet; the same command goes on from here", err=True)


@contextmanager
def _wrong_use() -> "Iterator[None]":
    try:
        yield
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from None


@contextmanager
def _progress(total: int) -> "Iterator[Callable[[Task], None]]":
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("pulling", total=total)
        yield lambda task: progress.update(bar, advance=1, description=str(task)[:40])
