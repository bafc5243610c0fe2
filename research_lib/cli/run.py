"""`run`: parameter files in, reports out."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from research_lib.errors import ParameterError, ResearchError

if TYPE_CHECKING:
    from research_lib.reports.options import Options
    from research_lib.reports.records import Result
    from research_lib.reports.summary import Request

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
FILES = "Parameter files, folders of them or glob patterns; none: all but the smoke ones."


def run(  # noqa: PLR0913, PLR0917  # each is an option of the command
    paths: Annotated[list[str] | None, typer.Argument(help=FILES, show_default=False)] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter that goes before the files'.")
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=A,B,…", help="A sweep: a report for each value, or combination of several."),
    ] = None,
    output: Annotated[
        str, typer.Option(help="Where reports go, if not to reports/: a folder, or an address of Papermill's (s3://…).")
    ] = "",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many reports at once, if not one more than processors.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="After which a report is stopped.")
    ] = None,
    cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="The Dask scheduler to run on, or `local`.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Make also the reports that nothing has changed for.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last run, as it was asked for.")] = False,
) -> None:
    """Run parameter files through Papermill and write reports and their index.

    A report is not made again while its notebook, parameters, data and the library are the same. An interrupt (Ctrl-C)
    keeps what is made. Exit status: 0, all made; 1, a report failed or has too little data; 2, wrong use, parameters
    or data: none ran; 130, interrupted.
    """
    words = [word for word in paths or [] if not (grid and _is_axis(word))]
    axes = [*(grid or []), *(word for word in paths or [] if word not in words)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: as by Ctrl-C
    try:
        request = _request(words, settings or [], axes, resume=resume)
        options = _options(jobs, timeout, force=force, everything=not words)
        results = _make(request, output, options, cluster)
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt as interrupt:  # before a report was begun, or after the last: in between they are noted
        typer.echo(f"interrupted: {str(interrupt) or 'no report was being made'}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(_exit_status(results))


def _is_axis(word: str) -> bool:
    """Whether a word after `--grid` is one more of its values, `--grid window=20,50 threshold=2,3`, and no file."""
    return "=" in word and not Path(word).exists()


def _request(words: list[str], settings: list[str], axes: list[str], *, resume: bool) -> "Request | None":
    """Say what is asked for; None for what the last run was asked for."""
    from research_lib.reports.summary import Request

    if resume and (words or settings or axes):
        raise ParameterError("--resume: goes on with what the last run was asked for; leave files and settings out")
    paths = tuple(os.path.abspath(word) for word in words)  # noqa: PTH100  # Path.resolve would follow links
    return None if resume else Request(paths, tuple(settings), tuple(axes))


def _options(jobs: int | None, timeout: float | None, *, force: bool, everything: bool) -> "Options":
    from research_lib.reports.options import Options

    jobs = jobs or (os.cpu_count() or 1) + 1  # a report waits for messages, and for the disk, part of its time
    return Options(jobs, force=force, timeout_seconds=timeout, leave_out_absent=everything)


def _make(request: "Request | None", output: str, options: "Options", cluster: str) -> "list[Result]":
    from research_lib.reports.remote import output_folder
    from research_lib.reports.summary import SUMMARY, read_request
    from research_lib.reports.workers import open_workers

    with output_folder(output) as folder, open_workers(cluster, options.jobs) as workers:
        if options.force or not (folder / SUMMARY).exists():
            workers.warm_up()  # there is work for sure: it begins while this process imports what it needs itself
        from rich.console import Console

        from research_lib.reports.progress import ProgressDisplay, say_how_it_ended
        from research_lib.reports.site import make_site

        console = Console()
        results = make_site(
            request or read_request(folder),
            output=folder,
            options=options,
            workers=workers,
            watch=lambda total: ProgressDisplay(total, console=console),
        )
        say_how_it_ended(results, console=console, index=None if "://" in output else folder / "index.html")
    return results


def _exit_status(results: "list[Result]") -> int:
    from research_lib.reports.records import Status

    statuses = {result.status for result in results}
    if Status.INTERRUPTED in statuses:
        return INTERRUPTED
    return FAILED if statuses & {Status.FAILED, Status.INSUFFICIENT_DATA} else 0
