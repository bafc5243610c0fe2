"""The command line. Heavy packages are imported by the commands that need them, so that `--help` is quick."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from research_lib.errors import ParameterError, ReportError, ResearchError
from research_lib.project import PROJECT, REPORTS, display_path, snapshots_folder

if TYPE_CHECKING:
    from research_lib.reports.plan import Plan
    from research_lib.reports.record import Record

COMMAND = "python -m research_lib"
FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
PROCESSORS = os.cpu_count() or 1
FILES = (
    "Parameter files, folders or patterns of them, names such as 03_record_sigma/baseline, or notebooks; "
    "none: all but the smoke files."
)
Words = Annotated[list[str] | None, typer.Argument(metavar="FILE", help=FILES, show_default=False)]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Goes before the files' value.")
]
Notebooks = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the notebooks are, if elsewhere.")]
Output = Annotated[Path, typer.Option(metavar="FOLDER", help="Where reports are.", show_default="reports/")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

TYPER: dict[str, Any] = {"no_args_is_help": True, "pretty_exceptions_enable": False, "rich_markup_mode": None}
HELP = "Make reports from the research notebooks and their parameter files."
BEGIN = f"Begin with: {COMMAND} list · {COMMAND} run 03_record_sigma/baseline · {COMMAND} lab"
app = typer.Typer(help=HELP, epilog=BEGIN, add_completion=False, **TYPER)
data = typer.Typer(help="Pull live data into snapshots, and look after them.", **TYPER)
app.add_typer(data, name="data")


def _examples(*commands: str) -> str:
    return "Examples: " + " · ".join(f"{COMMAND} {command}" for command in commands)


@contextmanager
def _one_line() -> Iterator[None]:
    """Say the user's mistake, or an interrupt, in one line."""
    try:
        yield
    except (ResearchError, KeyboardInterrupt) as error:
        typer.echo(str(error) or "interrupted", err=True)
        raise typer.Exit(WRONG_USE if isinstance(error, ResearchError) else INTERRUPTED) from None


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"research-lib {version('research-lib')}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Make reports from the research notebooks and their parameter files."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an ASCII terminal shows ? for σ


def _plan(words: list[str], settings: list[str], grid: list[str], output: Path, notebooks: Path | None) -> "Plan":
    from research_lib.params import parse_axis, parse_setting
    from research_lib.reports.plan import plan

    axes = [parse_axis(axis) for axis in grid]
    if len(dict(axes)) < len(axes):
        raise ParameterError("--grid: give each parameter once, with all of its values")
    overrides = dict(map(parse_setting, settings))
    return plan(words, overrides=overrides, grid=dict(axes), output=output, notebooks=notebooks)


@app.command(epilog=_examples("run", "run 03_record_sigma/baseline --set window=100", "run FILE --grid window=20,50"))
def run(  # noqa: PLR0913, PLR0917  # each is an option of the command
    words: Words = None,
    settings: Settings = None,
    grid: Annotated[
        list[str] | None, typer.Option(metavar="NAME=A,B,…", help="A sweep: a report for each value, or combination.")
    ] = None,
    output: Output = REPORTS,
    notebooks: Notebooks = None,
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many reports at once.", show_default="processors + 1")
    ] = PROCESSORS + 1,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="After which a report is stopped.")
    ] = None,
    cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="The Dask scheduler to run on, or `local`.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="Print each page to PDF too (needs Chromium).")] = False,
    force: Annotated[bool, typer.Option("--force", help="Make also reports that nothing has changed for.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last run, as it was asked for.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep kernels ready for the next run, for five minutes.")] = True,
) -> None:
    """Run parameter files through Papermill and write reports and their index.

    A report is not made again while its notebook, parameters, data and the library are the same. An interrupt (Ctrl-C)
    keeps what is made. Exit status: 0, all made; 1, a report failed or has too little data; 2, a file or option is
    wrong (the other reports are made); 130, interrupted.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: as by Ctrl-C
    with _one_line():
        if ":/" in str(output):
            raise ReportError("--output: reports go to a folder; Papermill itself writes to stores such as s3://")
        folder = output.expanduser().absolute()
        axes = [*(grid or []), *(word for word in words or [] if grid and "=" in word and not Path(word).exists())]
        paths = {word: Path(word).expanduser() for word in words or [] if word not in axes}
        request = {
            "words": [str(path.absolute()) if path.exists() else word for word, path in paths.items()],
            "settings": settings or [], "grid": axes, "notebooks": notebooks and str(notebooks.expanduser().absolute()),
            "jobs": jobs, "timeout": timeout, "cluster": cluster, "keep": keep,
        }  # fmt: skip
        if resume and (words or settings or grid):
            raise ParameterError("--resume: goes on with what the last run was asked for; leave files and settings out")
        records = _run(_last_request(folder) if resume else request, folder, force=force)
        for record in records if pdf else []:
            if record.status in {"ok", "unchanged"}:
                from research_lib.reports.html import to_pdf

                typer.echo(f"pdf: {display_path(to_pdf(folder / record.link()))}")
    statuses = {str(record.status) for record in records}
    if "interrupted" in statuses:
        again = f"{COMMAND} run --resume" + ("" if folder == REPORTS else f" --output {shlex.quote(str(output))}")
        done = sum(record.status != "interrupted" for record in records)
        typer.echo(f"interrupted: {done} of {len(records)} reports are done and kept; go on with: {again}", err=True)
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(WRONG_USE if "wrong" in statuses else FAILED if statuses & {"failed", "insufficient_data"} else 0)


def _run(request: dict[str, Any], output: Path, *, force: bool) -> "list[Record]":
    from research_lib.reports.run import Options
    from research_lib.reports.run import run as run_plan

    notebooks = Path(request["notebooks"]) if request["notebooks"] else None
    planned = _plan(request["words"], request["settings"], request["grid"], output, notebooks)
    options = Options(
        jobs=request["jobs"], force=force, timeout_seconds=request["timeout"], leave_out_absent=not request["words"],
        cluster=request["cluster"], keep=request["keep"],
    )  # fmt: skip
    return run_plan(planned, output=output, options=options, request=request)


def _last_request(output: Path) -> dict[str, Any]:
    path = output / "summary.json"
    try:
        request: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["request"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ReportError(f"{display_path(path)}: there is no run to resume; run without --resume") from None
    return request


@app.command(epilog=_examples("check", "check params/03_record_sigma --set window=100"))
def check(words: Words = None, settings: Settings = None, notebooks: Notebooks = None, as_json: AsJson = False) -> None:
    """Check parameter files, and that the data they name is there, without running them.

    Exit status: 0, all right; 2, one is wrong, or one that was named has no data.
    """
    from research_lib.reports.run import check as check_data

    with _one_line():
        planned = _plan(words or [], settings or [], [], REPORTS, notebooks)
        unfit = check_data(planned.reports, leave_out_absent=not words)
    faulty = {record.name: record for record in [*planned.faults, *unfit.values()]}
    names = sorted({*faulty, *(report.name for report in planned.reports)})
    verdicts = {"left_out": "no data", "insufficient_data": "too little data"}
    found = [(name, faulty.get(name)) for name in names]
    if as_json:
        rows = [
            {"name": name, "verdict": verdicts.get(fault.status, "wrong") if fault else "right",
             "faults": fault.message.splitlines() if fault else []}
            for name, fault in found
        ]  # fmt: skip
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    for name, fault in [] if as_json else found:
        mark = "✓" if fault is None else "–" if fault.status == "left_out" else "✗"
        for line in fault.message.splitlines() if fault else []:
            typer.echo(f"{mark} {name}: {line.removeprefix(f'{name}: ')}")
        if fault is None:
            typer.echo(f"{mark} {name}")
    raise typer.Exit(WRONG_USE if any(fault.status != "left_out" for fault in faulty.values()) else 0)


@app.command("list", epilog=_examples("list", "list --long"))
def list_reports(
    output: Output = REPORTS,
    notebooks: Notebooks = None,
    long: Annotated[bool, typer.Option("--long", help="With the file, and what the report says in full.")] = False,
) -> None:
    """List the parameter files, a line each: when its report was made, and what it said."""
    from research_lib.reports.plan import Places
    from research_lib.reports.record import GOOD, read_record

    files = {f"{file.parent.name}/{file.stem}": file for file in Places(notebooks).find()}
    width = max(map(len, files), default=0)
    for name, file in files.items():
        record = read_record(output.expanduser() / f"{name}.{GOOD}")
        made, said = (record.started[:10], record.headline) if record else ("not yet", "")
        typer.echo(f"{name:{width}}  {made:10}  {said}".rstrip())
        if long:
            typer.echo("\n".join(f"    {line}" for line in (display_path(file), record and record.standfirst) if line))


@app.command(
    epilog=_examples("compare 03_record_sigma/baseline 03_record_sigma/nasdaq", "compare 03_record_sigma/baseline")
)
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A report as notebook/slug, or the path of its page.")],
    b: Annotated[str, typer.Argument(metavar="[B]", help="Another; none: A is compared with the run before it.")] = "",
    output: Output = REPORTS,
    everything: Annotated[bool, typer.Option("--all", help="All findings, not only the key ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the findings of two reports; ≠ marks intervals that do not overlap.

    Exit status: 0; 2, there is no such report.
    """
    from rich.console import Console

    from research_lib.reports.compare import compare as compare_records
    from research_lib.reports.compare import find_record, tables

    with _one_line():
        folder = output.expanduser().absolute()
        first = find_record(a, output=folder)
        second = find_record(b, output=folder) if b else first.previous
        if second is None:
            raise ReportError(f"{a}: there is no run before it with other parameters or data; name another report")
    pair = (first, second) if b else (second, first)
    compared = compare_records(*pair)
    if as_json:
        typer.echo(json.dumps(compared.as_record(), indent=2, ensure_ascii=False))
        return
    console = Console()
    for letter, one in zip("AB", pair, strict=True):
        made = one.started[:16].replace("T", " ")
        console.print(f"{letter}  {one.name}, made {made}: {one.headline}", markup=False, highlight=False)
    console.print(*tables(compared, everything=everything), sep="\n")
    if more := 0 if everything else len(compared.findings) - len(compared.key_findings):
        console.print(f"{more} more findings: --all")


@app.command(epilog=_examples("claims 04_claims/sayings", "claims FILE --verdict fails --json", "claims new mine"))
def claims(  # noqa: PLR0917  # each is an option of the command
    path: Annotated[
        str, typer.Argument(metavar="FILE|new|words", help="A claims file; or write one; or the language.")
    ],
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="With `new`: what to call the file.")] = "mine",
    settings: Settings = None,
    verdict: Annotated[str | None, typer.Option(metavar="VERDICT", help="Only claims with this verdict.")] = None,
    article: Annotated[str | None, typer.Option(metavar="ARTICLE", help="Only claims of this article.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Check every claim of a file as of its article's date, and say what each verdict depends on.

    Exit status: 0, all checked, whatever the verdicts; 2, a faulty file, source or data.
    """
    from shutil import get_terminal_size

    from research_lib.params import parse_setting
    from research_lib.reports.plan import Places
    from research_lib.studies.claims.language import grammar
    from research_lib.studies.claims.study import claims_report, new_claims

    with _one_line():
        if path == "words":
            typer.echo(grammar())
        elif path == "new":
            made = display_path(new_claims(name))
            typer.echo(f"wrote {made}; check it: {COMMAND} claims {made}")
        else:
            overrides, width = dict(map(parse_setting, settings or [])), get_terminal_size().columns
            options: dict[str, Any] = {"verdict": verdict, "article": article, "as_json": as_json, "as_csv": as_csv}
            for file in Places().find(path):
                typer.echo(claims_report(file, overrides=overrides, width=width, **options))


@app.command(epilog=_examples("new my_question", "new my_question --folder ~/research"))
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the notebook, such as my_question.")],
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to.", show_default="the project")] = PROJECT,
) -> None:
    """Write a first notebook of your own and its parameter file, ready to run."""
    from research_lib.reports.plan import write_own

    with _one_line():
        notebook, file = map(display_path, write_own(name, folder.expanduser().absolute()))
    typer.echo(f"wrote {notebook}\nwrote {file}\nmake its report: {COMMAND} run {file}\nwork on it:      {COMMAND} lab")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog=_examples("lab", "lab --no-browser --port=9999", "lab --allow-root"),
)
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the notebooks, for this machine only, with kernels that start at once.

    Further arguments are passed to JupyterLab.
    """
    from jupyterlab.labapp import LabApp

    from research_lib.reports.forkserver import FORK_SERVER
    from research_lib.reports.kernels import PROVISIONER

    FORK_SERVER.start()  # it imports what kernels need while Lab and the browser start
    own = PROJECT / "research_lib" / "reports" / "templates" / "jupyter"  # no question whether to fetch news
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(own), os.environ.get("JUPYTER_CONFIG_PATH")]))
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": PROJECT,
        "LabApp.default_url": "/lab/tree/notebooks/00_start_here.ipynb",
        "KernelProvisionerFactory.default_provisioner_name": PROVISIONER,
        # Nothing is asked of the network, nor of the user.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    given = {argument.partition("=")[0] for argument in context.args}
    ours = [f"--{name}={value}" for name, value in settings.items() if f"--{name}" not in given]
    LabApp.launch_instance([*ours, *context.args])


@app.command(epilog=_examples("sync", "sync --check"))
def sync(check: Annotated[bool, typer.Option("--check", help="Write nothing; status 1: stale.")] = False) -> None:
    """Write the notebooks' parameters cells and docs/parameters.md from the parameter models."""
    from research_lib.studies.sync import sync as sync_files

    stale = sync_files(check=check)
    for path in stale:
        typer.echo(f"{'stale' if check else 'written'}: {display_path(path)}")
    raise typer.Exit(FAILED if check and stale else 0)


@data.command(epilog=_examples("data pull", "data pull 03_record_sigma/live"))
def pull(
    words: Words = None,
    files: Annotated[list[str] | None, typer.Option("--for", metavar="FILE", help="The same, one each.")] = None,
    max_age: Annotated[float, typer.Option(min=0, metavar="HOURS", help="Leave what was pulled within them.")] = 6,
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
    from research_lib.data.live.store import SERVES, Store

    with _one_line():
        planned = _plan([*(words or []), *(files or [])], [], [], REPORTS, None)
        if planned.faults and (words or files):
            raise ParameterError("\n".join(record.message for record in planned.faults))
        sources = [(report, str(getattr(report.parameters, "source", ""))) for report in planned.reports]
        live = [report.parameters for report, source in sources if set(source.split("+")) & set(SERVES)]
        if not live:
            names = ", ".join(report.name for report in planned.reports) if words or files else "no parameter file"
            raise ParameterError(f"{names}: names no live source ({', '.join(SERVES)}): there is nothing to pull")
        if (store := Store(snapshots_folder())).is_busy():
            typer.echo("another pull is running: this one waits for it", err=True)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("pulling", total=None)

            def tell(done: int, total: int, what: str) -> None:
                progress.update(bar, completed=done, total=total, description=what[:40])

            policy = RetryPolicy(max_age=timedelta(hours=max_age))
            outcome = pull_for(live, store, policy=policy, accept=accept, tell=tell)
    typer.echo("\n".join(outcome.lines()))
    raise typer.Exit(0 if outcome.complete else FAILED)


@data.command()
def status() -> None:
    """List what is there: from when it is, what it spans, and how many snapshots of it there are."""
    from rich.console import Console
    from rich.table import Table

    from research_lib.data.live.store import Store

    store = Store(snapshots_folder())
    table = Table("source", "item", "pulled (UTC)", "rows", "first", "last", "snapshots", box=None)
    for item in store.items():
        if snapshots := store.snapshots(item):
            new = snapshots[-1]
            cells = (f"{new.fetched:%Y-%m-%d %H:%M}", f"{new.rows:,}", new.first, new.last, str(len(snapshots)))
            table.add_row(item.source, item.name, *cells)
    nothing = f"no snapshots yet in {display_path(store.directory)}: {COMMAND} data pull"
    Console().print(table if table.row_count else nothing)


@data.command()
def verify() -> None:
    """Compare every snapshot with its hash. Exit status 1 where one is damaged; a damaged one is never used."""
    from research_lib.data.live.store import Store

    intact, damaged, stray = Store(snapshots_folder()).verify()
    for path, what in damaged.items():
        typer.echo(f"damaged: {display_path(path)}: {what}", err=True)
    rest = f"; {len(stray)} files of an interrupted pull (data gc removes them)" if stray else ""
    typer.echo(f"{len(intact)} intact, {len(damaged)} damaged{rest}")
    raise typer.Exit(FAILED if damaged else 0)


@data.command()
def gc() -> None:
    """Remove damaged snapshots and what an interrupted pull left behind."""
    from research_lib.data.live.store import Store

    store = Store(snapshots_folder())
    with _one_line(), store.lock():
        typer.echo(f"removed {len(store.collect_garbage())} files")
