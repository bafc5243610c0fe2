"""The command line. Heavy packages are imported by the commands that need them, so that `--help` is quick."""

import json
import os
import shlex
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated, Any

from typer import Argument, Exit, Option, Typer, echo
from typer.core import TyperArgument, TyperGroup

from research_lib import __version__
from research_lib.errors import ParameterError, ResearchError, nearest
from research_lib.project import PARAMETERS, PROJECT, REPORTS, display_path, snapshots_folder

COMMAND, FAILED, WRONG_USE, INTERRUPTED = "python -m research_lib", 1, 2, 130
NONE: list[str] = []
TyperArgument.display_type_rich = lambda *_, **__: ""  # type: ignore[method-assign]  # no <list[str]> in the help


def _folder(text: str | Path) -> Path:
    if ":/" in str(text) or not str(text).strip():
        raise ResearchError(f"'{text}' is no folder; to stores such as s3:// Papermill itself writes")
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111  # an unknown ~name stays as it is


Words = Annotated[list[str], Argument(metavar="FILE", help="Parameter files, folders, notebooks; all if left out.")]
Settings = Annotated[list[str], Option("--set", metavar="NAME=VALUE", help="Set a parameter; repeat it for more.")]
Notebooks = Annotated[Path | None, Option(parser=_folder, metavar="FOLDER", help="Folder of notebooks, if elsewhere.")]
Output = Annotated[Path, Option(parser=_folder, metavar="FOLDER", help="In place of reports/.", show_default=False)]
AsJson = Annotated[bool, Option("--json", help="Print JSON, for programs.")]


class _Commands(TyperGroup):
    """Commands that say the user's mistake in one line."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # Typer's own
        try:
            return super().invoke(ctx)
        except (ResearchError, OSError, UnicodeEncodeError) as error:
            if isinstance(error, BrokenPipeError):  # nobody reads the output any more
                raise
            echo(str(error).split("] ", 1)[-1] if isinstance(error, OSError) else error, err=True)  # no [Errno 2]
            raise Exit(WRONG_USE) from None


def _examples(*commands: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {COMMAND} {command}" for command in commands)


TYPER: dict[str, Any] = {"no_args_is_help": True, "pretty_exceptions_enable": False, "rich_markup_mode": None}
app = Typer(cls=_Commands, add_completion=False, epilog=_examples("run 03_record_sigma/baseline", "lab"), **TYPER)
data = Typer(cls=_Commands, help="Pull live data into snapshots, and verify them.", **TYPER)
app.add_typer(data, name="data")


@app.callback(invoke_without_command=True, context_settings={"help_option_names": ["--help", "-h"]})
def main(version: Annotated[bool, Option("--version", help="Show the version and exit.")] = False) -> None:
    """Make reports from the research notebooks and their parameter files."""
    if version:
        echo(f"research-lib {__version__}")
        raise Exit


@app.command(epilog=_examples("run", "run 03_record_sigma/baseline --grid window=20,50"))
def run(  # noqa: PLR0913, PLR0917  # each is an option of the command
    words: Words = NONE,
    settings: Settings = NONE,
    grid: Annotated[list[str], Option(metavar="NAME=A,B,…", help="Make a report for each value.")] = NONE,
    output: Output = REPORTS,
    notebooks: Notebooks = None,
    jobs: Annotated[int, Option(min=1, metavar="N", help="How many reports at once.")] = (os.cpu_count() or 1) + 1,
    timeout: Annotated[float | None, Option(min=0.1, max=1e6, metavar="SECONDS", help="Stop a slower report.")] = None,
    cluster: Annotated[str, Option(metavar="ADDRESS", help="The Dask scheduler to run on, or `local`.")] = "",
    pdf: Annotated[bool, Option("--pdf", help="Also print each page to PDF (needs Chromium).")] = False,
    force: Annotated[bool, Option("--force", help="Make all reports, changed or not.")] = False,
    resume: Annotated[bool, Option("--resume", help="Finish the last run, with its files and settings.")] = False,
) -> None:
    """Make the reports of parameter files, and their index.

    A report is made again only when its notebook, parameters, data or the library changed. Exit status: 0, all made; 1, a report failed
    or has too little data; 2, a file or option is wrong (the others are made); 130, Ctrl-C (what is finished is kept).
    """
    from research_lib.reports import plan, run

    if resume and (words or settings or grid or notebooks):
        raise ParameterError("--resume takes its files and settings from the last run: leave them out")
    asked: Any = {"words": words, "settings": settings, "grid": grid, "notebooks": notebooks and str(notebooks)}
    try:
        request = json.loads((output / "summary.json").read_bytes())["request"] if resume else asked
        words, settings, grid, place = (request[one] for one in asked)
    except (OSError, ValueError, KeyError, TypeError):
        raise ResearchError(f"{display_path(output)}: there is no run to resume; run without --resume") from None
    options = run.Options(jobs, force, timeout, leave_out_absent=not words, cluster=cluster)
    planned = plan.plan(words, settings, grid, output=output, notebooks=place)
    records = run.run(planned, output=output, options=options, request=request)
    made = [record for record in records if record.status in {"ok", "unchanged"}]
    for record in made if pdf else []:
        from research_lib.reports.html import to_pdf

        echo(f"pdf: {display_path(to_pdf(output / record.link()))}")
    statuses = [str(record.status) for record in records]
    if missing := statuses.count("interrupted"):
        kept = f"interrupted: {len(made)} of {len(made) + missing} reports are done and kept"
        echo(f"{kept}; go on with: {COMMAND} run --resume --output {shlex.quote(display_path(output))}", err=True)
        raise Exit(INTERRUPTED)
    raise Exit(WRONG_USE if "wrong" in statuses else FAILED if {"failed", "insufficient_data"} & {*statuses} else 0)


@app.command(epilog=_examples("check", "check params/03_record_sigma --set window=100"))
def check(words: Words = NONE, settings: Settings = NONE, notebooks: Notebooks = None) -> None:
    """Check parameter files and their data: ✓ can run, ✗ is wrong (exit status 2), – is skipped: its data is not here."""
    from research_lib.reports import plan, run

    planned = plan.plan(words, settings, notebooks=notebooks)
    unfit = run.check(planned.reports, leave_out_absent=not words)
    lines = [f"✓ {report.name}" for report in planned.reports if report.name not in unfit]
    for record in [*planned.faults, *unfit.values()]:
        mark, start = "–" if record.status == "left_out" else "✗", f"{record.name}: "
        lines += [f"{mark} {start}{line.removeprefix(start)}" for line in record.message.splitlines()]
    echo("\n".join(sorted(lines, key=lambda line: line[2:].partition(":")[0])))
    raise Exit(WRONG_USE if any(line[0] == "✗" for line in lines) else 0)


@app.command("list", epilog=_examples("list", "list --long"))
def list_reports(
    output: Output = REPORTS,
    notebooks: Notebooks = None,
    long: Annotated[bool, Option("--long", help="Also show the file and the whole summary.")] = False,
) -> None:
    """List the reports: when each was made, and its headline."""
    from research_lib.reports import plan, record

    good = {one.name: one for one in record.read_records(output) if one.status == "ok"}
    files = {f"{file.parent.name}/{file.stem}": file for file in plan.Places(notebooks).find()}
    for name in sorted({*good, *files}):
        it, file = good.get(name), files.get(name, output / f"{name}.html")  # made by --set, it has no file
        made, said, full = (it.started[:10], it.headline, it.standfirst) if it else ("not yet", "", "")
        more = f"\n    {display_path(file)}\n    {full}".rstrip() if long else ""
        echo(f"{name:{max(map(len, [*good, *files]))}}  {made:10}  {said}".rstrip() + more)


@app.command(epilog=_examples("compare 03_record_sigma/baseline", "compare 03_record_sigma/baseline --all"))
def compare(
    a: Annotated[str, Argument(metavar="A", help="A report, as notebook/name or the path of its page.")],
    b: Annotated[str, Argument(metavar="B", help="Another; if left out, A before its last change.")] = "",
    output: Output = REPORTS,
    everything: Annotated[bool, Option("--all", help="Show all findings, not only the key ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two reports; ≠ marks intervals that do not overlap."""
    from rich.console import Console

    from research_lib.reports import compare

    first = compare.find_record(a, output=output)
    left, right = (first, compare.find_record(b, output=output)) if b else (first.previous, first)
    if left is None:
        raise ResearchError(f"{a}: there is no run before it with other parameters, data or code; name another report")
    compared = compare.differences(left, right)
    if as_json:
        echo(json.dumps(compared, indent=2, ensure_ascii=False))
        return
    for letter, one in zip("AB", (left, right), strict=True):
        echo(f"{letter}  {one.name}, made {one.started[:16].replace('T', ' ')}: {one.headline or one.title}")
    Console(width=max(80, get_terminal_size().columns)).print(*compare.shown(compared, everything=everything), sep="\n")


@app.command(epilog=_examples("claims 04_claims/sayings --verdict fails", "claims new mine", "claims words"))
def claims(
    words: Annotated[list[str], Argument(metavar="FILE|new NAME|words", help="Files to check; or see above.")],
    settings: Settings = NONE,
    verdict: Annotated[str, Option(metavar="VERDICT", help="Show only holds, fails, depends, …")] = "",
    article: Annotated[str, Option(metavar="ARTICLE", help="Show only this article of the file.")] = "",
    as_json: AsJson = False,
    as_csv: Annotated[bool, Option("--csv", help="Print CSV, for a spreadsheet.")] = False,
) -> None:
    """Check each claim as of its article's date. `new NAME` writes an example, `words` lists the language. Exit status 2: a fault."""
    from research_lib.params import write_new
    from research_lib.studies.claims.language import grammar

    if words[0] == "words":
        echo(grammar())
    elif words[0] == "new":
        name = " ".join(words[1:]) or "mine"
        path = PARAMETERS / "04_claims" / f"{name}.yaml"
        write_new(name, {path: (PROJECT / "research_lib/studies/claims/new.yaml").read_text(encoding="utf-8")})
        echo(f"wrote {display_path(path)}; check it: {COMMAND} claims 04_claims/{name}")
    else:
        _judge(words, settings, article, verdict.replace("not shown", "open"), as_json, as_csv)


def _judge(words: list[str], settings: list[str], article: str, verdict: str, as_json: bool, as_csv: bool) -> None:
    """Judge the claims of files, and write those that are asked for; a fault of one file never loses the others."""
    import pandas as pd

    from research_lib.exhibits.charts import cards_text
    from research_lib.params import parse_setting, read_values, validate
    from research_lib.reports.plan import Places
    from research_lib.studies.claims.study import WORDS, Claims

    found, faults = list[dict[str, Any]](), list[str]()
    for path in dict.fromkeys(path for word in words for path in Places().find(word)):
        try:
            if "claims" not in (values := read_values(path, dict(map(parse_setting, settings)))):
                raise ParameterError(f"{path}: holds no claims; `run` makes its report, `claims new` a claims file")
            study = Claims(validate(Claims.Parameters, values, origin=display_path(path)))
            found += [one.as_record() for one in study.results]
        except ResearchError as error:
            faults.append(str(error))
    articles = dict.fromkeys(one["article"] for one in found)
    for name, asked, known in (("article", article, articles), ("verdict", verdict, WORDS)):
        if found and asked not in {"", *known}:
            faults.append(f"no {name} {asked}{nearest(asked, known)}")
        found = [one for one in found if asked in {"", one[name]}]
    if as_json:
        echo(json.dumps(found, indent=1, ensure_ascii=False))
    elif as_csv:
        echo(pd.DataFrame(found).to_csv(index=False), nl=False)
    elif found or not faults:
        echo(cards_text(found, max(40, get_terminal_size().columns)))
    if faults:
        raise ParameterError("\n".join(dict.fromkeys(faults)))


@app.command(epilog=_examples("new my_question", "new my_question --folder ~/research"))
def new(
    name: Annotated[str, Argument(metavar="NAME", help="The notebook's name, such as my_question.")],
    folder: Annotated[Path, Option(parser=_folder, metavar="FOLDER", help="Write there", show_default=False)] = PROJECT,
) -> None:
    """Write a first notebook of your own, and its parameter file."""
    from research_lib.reports.own import write_own

    notebook, file = (shlex.quote(display_path(path)) for path in write_own(name, folder))
    echo(f"wrote {notebook}\nwrote {file}\nmake its report: {COMMAND} run {file}\nwork on it:      {COMMAND} lab")


@app.command(context_settings={"ignore_unknown_options": True}, epilog=_examples("lab --allow-root", "lab --port=9999"))
def lab(options: Annotated[list[str], Argument(metavar="WORD", help="Passed on to JupyterLab.")] = NONE) -> None:
    """Open JupyterLab on the notebooks; only this machine can reach it."""
    from jupyterlab.labapp import LabApp

    from research_lib.reports.forkserver import FORK_SERVER

    os.chdir(PROJECT)
    FORK_SERVER.start()  # it imports what kernels need while Lab and the browser start
    own = PROJECT / "research_lib" / "reports" / "templates" / "jupyter"  # its settings: nothing asks the network
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, [str(own), os.environ.get("JUPYTER_CONFIG_PATH")]))
    LabApp.launch_instance(options)


@app.command(epilog=_examples("sync", "sync --check"))
def sync(check: Annotated[bool, Option("--check", help="Write nothing; exit 1 if stale.")] = False) -> None:
    """Write the parameters cells and docs/parameters.md anew. Their source is research_lib/studies/parameters.py."""
    from research_lib.studies.parameters import sync as sync_files

    stale = sync_files(check=check)
    for path in stale:
        echo(f"{'stale' if check else 'written'}: {display_path(path)}")
    raise Exit(FAILED if check and stale else 0)


@data.command(epilog=_examples("data pull", "data pull 03_record_sigma/live"))
def pull(
    words: Words = NONE,
    _: Annotated[bool, Option("--for", hidden=True)] = False,  # a word before the files
    accept: Annotated[bool, Option("--accept", help="Accept data even if older dates are gone from it.")] = False,
) -> None:
    """Pull what parameter files need, or resume a pull. Exit status 1: something could not be pulled."""
    from research_lib.data.live.pull import pull_for
    from research_lib.data.live.store import Store
    from research_lib.data.live.vendors import RetryPolicy
    from research_lib.reports.plan import plan

    planned = plan(words)
    if words and planned.faults:
        raise ParameterError("\n".join(record.message for record in planned.faults))
    named = [one.parameters for one in planned.reports]
    bar = lambda done, total, what: echo(f"\r{done:,} of {total:,}: {what:50.50}", nl=done == total, err=True)
    tell = {"tell": bar} if sys.stderr.isatty() else {}
    outcome = pull_for(named, Store(snapshots_folder()), policy=RetryPolicy(), accept=accept, **tell)
    echo("\n".join(outcome.lines()))
    raise Exit(0 if outcome.complete else FAILED)


@data.command(epilog=_examples("data verify"))
def verify() -> None:
    """List the snapshots and check each against its hash. Exit status 1: one is damaged; it is never used."""
    from research_lib.data.live.store import Store

    store = Store(snapshots_folder())
    for one in (snapshot for item in store.items() for snapshot in store.snapshots(item)[-1:]):
        echo(f"{one.item!s:24} {one.first} to {one.last}, {one.rows:,} rows, pulled {one.fetched:%Y-%m-%d %H:%M} UTC")
    intact, damaged = store.verify()
    for path in damaged:
        echo(f"damaged: {display_path(path)}: altered since it was pulled", err=True)
    echo(f"{len(intact)} snapshots intact, {len(damaged)} damaged")
    raise Exit(FAILED if damaged else 0)
