"""`run`: parameter files in, reports out."""

from pathlib import Path
from typing import Annotated

import typer

from research_lib.errors import ResearchError

FAILED, WRONG_USE = 1, 2


def run(
    paths: Annotated[list[Path] | None, typer.Argument(help="Parameter files; none: all but the smoke ones.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter that goes before the file's.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where the reports go; default: reports/ in the project.")] = None,
) -> None:
    """Run parameter files through Papermill and write reports and their index.

    Exit status: 0, all made; 1, a report failed or has too little data; 2, wrong use, parameters or data: none ran.
    """
    from research_lib.params import parse_setting
    from research_lib.project import REPORTS
    from research_lib.reports import run as runner
    from research_lib.reports.index import write_index

    folder = output or REPORTS
    try:
        overrides = dict(parse_setting(setting) for setting in settings or [])
        reports = runner.plan(paths or runner.all_parameter_files(), overrides=overrides, output=folder)
        results = runner.make_all(reports, leave_out_absent=not paths, tell=typer.echo)
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from None
    typer.echo(f"index: {write_index(folder, results)}")
    if any(result.status in {runner.Status.FAILED, runner.Status.INSUFFICIENT_DATA} for result in results):
        raise typer.Exit(FAILED)
