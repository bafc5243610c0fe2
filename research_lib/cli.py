"""The command line. Heavy packages are imported by the commands that need them, so that `--help` is quick."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research_lib.errors import ParameterError, ReportError, ResearchError
from research_lib.project import PROJECT, REPORTS, display_path

if TYPE_CHECKING:
    from research_lib.data.live.store import Store
    from research_lib.reports.record import Record

COMMAND = "python -m research_lib"
FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
START = "notebooks/00_start_here.ipynb"
WHAT = (
    "Parameter files, folders or patterns of them, names such as 03_record_sigma/baseline, or notebooks; "
    "none: all but the smoke files."
)
Words = Annotated[list[str] | None, typer.Argument(metavar="[FILE]…", help=WHAT, show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter that goes before the files'. Repeatable."),
]
Notebooks = Annotated[
    Path | None, typer.Option("--notebooks", metavar="FOLDER", help="Where notebooks stand, if not in the project.")
]
Output = Annotated[Path, typer.Option(metavar="FOLDER", help="Where reports go.", show_default="reports/")]

app = typer.Typer(
    help="Make reports from the research notebooks and their parameter files.",
    epilog=f"Begin with: {COMMAND} list · {COMMAND} run 03_record_sigma/baseline · {COMMAND} lab",
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None,
)  # fmt: skip
data = typer.Typer(
    help="Pull live data into snapshots, and look after them.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(data, name="data")


def _example(*commands: str) -> str:
    return "Examples: " + " · ".join(f"{COMMAND} {command}" for command in commands)


@contextmanager
def _one_line() -> Iterator[None]:
    """Say the user's mistake in a line, and end with the status of wrong use; an interrupt likewise."""
    try:
        yield
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"research-lib {version('research-lib')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[  # noqa: ARG001  # its callback says it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Make reports from the research notebooks and their parameter files."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an ASCII terminal shows ? for σ


@app.command(
    epilog=_example("run", "run 03_record_sigma/baseline --set window=100", "run FILE --grid window=20,50,100")
)
def run(  # noqa: PLR0913, PLR0917  # each is an option of the command
    words: Words = None,
    settings: Settings = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=A,B,…", help="A sweep: a report for each value. Repeatable: for each combination."),
    ] = None,
    output: Output = REPORTS,
    notebooks: Notebooks = None,
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many reports at once.", show_default="processors + 1")
    ] = (os.cpu_count() or 1) + 1,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="After which a report is stopped.")
    ] = None,
    cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="The Dask scheduler to run on, or `local`.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="Print each page to PDF too (needs Chromium).")] = False,
    force: Annotated[bool, typer.Option("--force", help="Make also the reports that nothing has changed for.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last run, as it was asked for.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep kernels ready for the next run, for five minutes.")
    ] = True,
) -> None:
    """Run parameter files through Papermill and write reports and their index.

    A report is not made again while its notebook, parameters, data and the library are the same. An interrupt (Ctrl-C)
    keeps what is made. Exit status: 0, all made; 1, a report failed or has too little data; 2, a file or option is
    wrong (the other reports are made); 130, interrupted.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: as by Ctrl-C
    with _one_line():
        if "://" in str(output) or ":/" in str(output):
            raise ReportError(f"--output {output}: reports go to a folder; to a store such as s3:// Papermill writes")
        folder = output.expanduser().absolute()
        axes = [*(grid or []), *(word for word in words or [] if grid and _is_axis(word))]
        request: dict[str, Any] = {
            "words": [_from_anywhere(word) for word in words or [] if word not in axes],
            "settings": settings or [], "grid": axes, "notebooks": notebooks and str(notebooks.expanduser().absolute()),
            "jobs": jobs, "timeout": timeout, "cluster": cluster, "keep": keep,
        }  # fmt: skip
        if resume:
            if words or settings or grid:
                raise ParameterError(
                    "--resume: goes on with what the last run was asked for; leave files and settings out"
                )
            request = _last_request(folder)
        records = _run(request, folder, force=force)
        if pdf:
            _print_pages(records, folder)
    statuses = {str(record.status) for record in records}
    if "interrupted" in statuses:
        again = f"{COMMAND} run --resume" + ("" if folder == REPORTS else f" --output {shlex.quote(str(output))}")
        done = sum(record.status != "interrupted" for record in records)
        typer.echo(f"interrupted: {done} of {len(records)} reports are done and kept; go on with: {again}", err=True)
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(WRONG_USE if "wrong" in statuses else FAILED if statuses & {"failed", "insufficient_data"} else 0)


def _run(request: dict[str, Any], output: Path, *, force: bool) -> "list[Record]":
    from research_lib.params import parse_axis, parse_setting
    from research_lib.reports.plan import plan
    from research_lib.reports.run import Options
    from research_lib.reports.run import run as run_plan

    axes = [parse_axis(axis) for axis in request["grid"]]
    if len(dict(axes)) < len(axes):
        raise ParameterError("--grid: give each parameter once, with all of its values")
    planned = plan(
        request["words"], overrides=dict(map(parse_setting, request["settings"])), grid=dict(axes), output=output,
        notebooks=Path(request["notebooks"]) if request["notebooks"] else None,
    )  # fmt: skip
    options = Options(
        jobs=request["jobs"], force=force, timeout_seconds=request["timeout"], leave_out_absent=not request["words"],
        cluster=request["cluster"], keep=request["keep"],
    )  # fmt: skip
    return run_plan(planned, output=output, options=options, request=request)


def _is_axis(word: str) -> bool:
    """Whether a word after `--grid` is one more axis, as in `--grid window=20,50 threshold=2,3`, and no file."""
    return "=" in word and not Path(word).exists()


def _from_anywhere(word: str) -> str:
    """Make a path absolute, so that a run can go on from another folder; a report's name stays."""
    path = Path(word).expanduser()
    return str(path.absolute()) if path.exists() else word


def _last_request(output: Path) -> dict[str, Any]:
    from research_lib.reports.run import SUMMARY

    try:
        request: dict[str, Any] = json.loads((output / SUMMARY).read_text(encoding="utf-8"))["request"]
    except FileNotFoundError:
        raise ReportError(f"{display_path(output / SUMMARY)}: no run to resume; run without --resume") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ReportError(f"{display_path(output / SUMMARY)}: cannot be read; run without --resume") from None
    return request


def _print_pages(records: "Sequence[Record]", output: Path) -> None:
    from research_lib.reports.html import to_pdf

    for record in records:
        if record.status in {"ok", "unchanged"}:
            typer.echo(f"pdf: {display_path(to_pdf(output / record.link()))}")


@app.command(epilog=_example("check", "check params/03_record_sigma --set window=100"))
def check(
    words: Words = None,
    settings: Settings = None,
    notebooks: Notebooks = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check parameter files, and that the data they name is there, without running them.

    Exit status: 0, all right; 2, one is wrong, or one that was named has no data.
    """
    from research_lib.params import parse_setting
    from research_lib.reports.plan import plan
    from research_lib.reports.run import check as check_data

    with _one_line():
        planned = plan(words or [], overrides=dict(map(parse_setting, settings or [])), grid={}, output=REPORTS,
                       notebooks=notebooks)  # fmt: skip
        unfit = check_data(planned.reports, leave_out_absent=not words)
    found = [(record.name, "wrong", record.message) for record in planned.faults]
    for report in planned.reports:
        record = unfit.get(report.name)
        verdict = "right" if record is None else "no data" if record.status == "left_out" else "wrong"
        found.append((report.name, verdict, record.message if record else ""))
    if as_json:
        rows = [
            {"name": name, "verdict": verdict, "faults": text.splitlines()} for name, verdict, text in sorted(found)
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for name, verdict, text in sorted(found):
            typer.echo(
                f"✓ {name}" if verdict == "right" else "\n".join(f"✗ {name}: {line}" for line in text.splitlines())
            )
    if any(verdict == "wrong" for _, verdict, _ in found):
        raise typer.Exit(WRONG_USE)


@app.command("list", epilog=_example("list", "list --long"))
def list_reports(
    output: Output = REPORTS,
    notebooks: Notebooks = None,
    long: Annotated[
        bool, typer.Option("--long", help="With the file and what the report says in two sentences.")
    ] = False,
) -> None:
    """List the parameter files, a line each: when its report was made, and what it said."""
    from research_lib.reports.plan import Places
    from research_lib.reports.record import GOOD, read_record

    places = Places(notebooks)
    files = places.find()
    names = [f"{file.parent.name}/{file.stem}" for file in files]
    width = max(map(len, names), default=0)
    for name, file in zip(names, files, strict=True):
        record = read_record(output.expanduser() / f"{name}.{GOOD}")
        made = record.started[:10] if record else "not yet"
        typer.echo(f"{name:{width}}  {made:10}  {record.headline if record else ''}".rstrip())
        if long:
            typer.echo(
                f"    {display_path(file)}" + (f"\n    {record.standfirst}" if record and record.standfirst else "")
            )


@app.command(
    epilog=_example("compare 03_record_sigma/baseline 03_record_sigma/nasdaq", "compare 03_record_sigma/baseline")
)
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A report as notebook/slug, or the path of its page.")],
    b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="Another; none: A is compared with the run before it.")
    ] = None,
    output: Output = REPORTS,
    everything: Annotated[bool, typer.Option("--all", help="All findings, not only the key ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, with all findings.")] = False,
) -> None:
    """Compare the findings of two reports; ≠ marks intervals that do not overlap.

    Exit status: 0; 2, there is no such report.
    """
    from research_lib.reports.compare import compare as compare_records
    from research_lib.reports.compare import find_record, tables

    with _one_line():
        folder = output.expanduser().absolute()
        first = find_record(a, output=folder)
        second = find_record(b, output=folder) if b is not None else first.previous
        if second is None:
            raise ReportError(f"{a}: there is no run before it with other parameters or data; name another report")
        compared = compare_records(first, second) if b is not None else compare_records(second, first)
    if as_json:
        typer.echo(json.dumps(compared.as_record(), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console()
    console.print(
        f"A  {compared.a.name}, made {compared.a.started[:16].replace('T', ' ')}: {compared.a.headline}", markup=False
    )
    console.print(
        f"B  {compared.b.name}, made {compared.b.started[:16].replace('T', ' ')}: {compared.b.headline}", markup=False
    )
    for table in tables(compared, everything=everything):
        console.print("", table, sep="\n")
    left = len(compared.findings) - len(compared.key_findings)
    if left and not everything:
        console.print(f"\n{left} more findings: --all")


@app.command(
    epilog=_example("claims params/04_claims/sayings.yaml", "claims FILE --verdict fails --json", "claims new mine")
)
def claims(
    path: Annotated[
        str, typer.Argument(metavar="FILE", help="A claims file; `new` writes a first one; `words` lists the language.")
    ],
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="With `new`: what to call it.")] = "mine",
    settings: Settings = None,
    verdict: Annotated[str | None, typer.Option(metavar="VERDICT", help="Only claims with this verdict.")] = None,
    article: Annotated[str | None, typer.Option(metavar="ARTICLE", help="Only claims of this article.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Check every claim of a file as of its article's date, and say what each verdict depends on.

    Exit status: 0, all checked, whatever the verdicts; 2, a faulty file, source or data.
    """
    from shutil import get_terminal_size

    from research_lib.params import parse_setting
    from research_lib.reports.plan import Places
    from research_lib.studies.claims.command import claims_report, new_claims, words

    with _one_line():
        if path == "words":
            typer.echo(words())
        elif path == "new":
            made = new_claims(name)
            typer.echo(f"wrote {display_path(made)}; check it: {COMMAND} claims {display_path(made)}")
        else:
            for file in [Path(path)] if Path(path).is_file() else Places().find(path):
                typer.echo(
                    claims_report(
                        file,
                        verdict=verdict,
                        article=article,
                        as_json=as_json,
                        as_csv=as_csv,
                        width=get_terminal_size().columns,
                        overrides=dict(map(parse_setting, settings or [])),
                    )  # fmt: skip
                )


@app.command(epilog=_example("new my_question", "new my_question --folder ~/research"))
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the notebook, such as my_question.")],
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to.", show_default="the project")] = PROJECT,
) -> None:
    """Write a first notebook of your own and its parameter file, ready to run."""
    from research_lib.reports.plan import write_own

    with _one_line():
        notebook, file = write_own(name, folder.expanduser().absolute())
    typer.echo(f"wrote {display_path(notebook)}\nwrote {display_path(file)}")
    typer.echo(f"make its report:  {COMMAND} run {display_path(file)}\nwork on it:       {COMMAND} lab")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog=_example("lab", "lab --no-browser --port=9999", "lab --allow-root"),
)
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the notebooks, for this machine only, with kernels that start at once.

    Further arguments are passed to JupyterLab.
    """
    from jupyterlab.labapp import LabApp

    from research_lib.reports.forkserver import FORK_SERVER
    from research_lib.reports.kernels import PROVISIONER

    FORK_SERVER.start()  # it imports what kernels need while Lab and the browser start
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": str(PROJECT),
        "LabApp.default_url": f"/lab/tree/{START}",
        "KernelProvisionerFactory.default_provisioner_name": PROVISIONER,
        # Nothing is asked of the network, nor of the user.
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    given = {argument.partition("=")[0] for argument in context.args}
    LabApp.launch_instance(
        [*(f"--{name}={value}" for name, value in settings.items() if f"--{name}" not in given), *context.args]
    )


@app.command(epilog=_example("sync", "sync --check"))
def sync(
    only_check: Annotated[bool, typer.Option("--check", help="Write nothing; status 1 if something is stale.")] = False,
) -> None:
    """Write the notebooks' parameters cells and docs/parameters.md from the parameter models."""
    from research_lib.studies.sync import sync as sync_files

    stale = sync_files(check=only_check)
    for path in stale:
        typer.echo(f"{'stale' if only_check else 'written'}: {display_path(path)}")
    raise typer.Exit(FAILED if only_check and stale else 0)


@data.command(epilog=_example("data pull", "data pull --for params/03_record_sigma/live.yaml"))
def pull(
    files: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="FILE", help="Parameter files; none: all that name a live source."),
    ] = None,
    max_age_hours: Annotated[
        float,
        typer.Option("--max-age", min=0, metavar="HOURS", help="What was pulled within them is not pulled again."),
    ] = 6,
    accept: Annotated[bool, typer.Option("--accept", help="Use also what lacks some of its earlier history.")] = False,
) -> None:
    """Pull what parameter files need; an interrupted pull goes on where it was.

    Exit status: 0, everything is there; 1, something could not be had, or the pull was stopped; 2, wrong use.
    """
    from datetime import timedelta

    from rich.console import Console
    from rich.progress import Progress

    from research_lib.data.live.network import RetryPolicy
    from research_lib.data.live.pull import pull_for
    from research_lib.data.live.source import SERVES
    from research_lib.reports.plan import plan

    with _one_line():
        planned = plan(files or [], overrides={}, grid={}, output=REPORTS)
        if files and planned.faults:
            raise ParameterError("\n".join(record.message for record in planned.faults))
        parameters = [report.parameters for report in planned.reports if hasattr(report.parameters, "source")]
        live = [one for one in parameters if set(str(one.source).split("+")) & set(SERVES)]
        if not live:
            names = ", ".join(report.name for report in planned.reports) if files else "no parameter file"
            raise ParameterError(f"{names}: names no live source ({', '.join(SERVES)}), so there is nothing to pull")
        store = _store()
        if store.is_busy():
            typer.echo("another pull is running: this one waits for it", err=True)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("pulling", total=None)
            outcome = pull_for(
                live, store, policy=RetryPolicy(max_age=timedelta(hours=max_age_hours)), accept=accept,
                tell=lambda done, total, what: progress.update(bar, completed=done, total=total, description=what[:40]),
            )  # fmt: skip
    typer.echo("\n".join(outcome.lines()))
    raise typer.Exit(0 if outcome.complete else FAILED)


@data.command()
def status() -> None:
    """List what is there: from when it is, what it spans, and how many snapshots of it there are."""
    from rich.console import Console
    from rich.table import Table

    store = _store()
    table = Table("source", "item", "pulled (UTC)", "rows", "first", "last", "snapshots", box=None)
    for item in store.items():
        if snapshots := store.snapshots(item):
            new = snapshots[-1]
            cells = (f"{new.fetched:%Y-%m-%d %H:%M}", f"{new.rows:,}", new.first, new.last, str(len(snapshots)))
            table.add_row(item.source, item.name, *cells)
    Console().print(
        table if table.row_count else f"no snapshots yet in {display_path(store.directory)}: {COMMAND} data pull"
    )


@data.command()
def verify() -> None:
    """Compare every snapshot with its hash. Exit status 1 where one is damaged; a damaged one is never used."""
    intact, damaged, stray = _store().verify()
    for path, what in damaged.items():
        typer.echo(f"damaged: {display_path(path)}: {what}", err=True)
    rest = f"; {len(stray)} files of an interrupted pull (data gc removes them)" if stray else ""
    typer.echo(f"{len(intact)} intact, {len(damaged)} damaged{rest}")
    raise typer.Exit(FAILED if damaged else 0)


@data.command(epilog=_example("data diff RUT"))
def diff(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ITEM]…", help="Such as RUT or DGS10; none: all.")
    ] = None,
) -> None:
    """Show what the newest snapshot changed in the history of the one before it."""
    from research_lib.data.live.pull import differences

    with _one_line():
        typer.echo("\n".join(differences(_store(), names or [])))


@data.command()
def gc(
    keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Keep the N newest snapshots of each; old reports may change."),
    ] = None,
) -> None:
    """Remove damaged snapshots and what an interrupted pull left behind; others only with --keep."""
    store = _store()
    with _one_line(), store.lock():
        removed = store.collect_garbage(keep=keep)
    typer.echo(f"removed {len(removed)} files")


def _store() -> "Store":
    from research_lib.data.live.store import Store
    from research_lib.project import snapshots_folder

    return Store(snapshots_folder())
