"""`check`: say what is wrong with parameter files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from research_lib.errors import ResearchError

if TYPE_CHECKING:
    from research_lib.reports.checks import Check

WRONG = 2


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Parameter files, folders or glob patterns; none: all but the smoke ones."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter that goes before the files'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check parameter files, and that the data they name is there, without running them.

    Exit status: 0, all right; 2, one is wrong, or one that was named has no data.
    """
    from research_lib.parameter_files import parse_setting
    from research_lib.reports.checks import Verdict, check_files

    try:
        overrides = dict(parse_setting(setting) for setting in settings or [])
        checks = check_files(paths or [], overrides=overrides)
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG) from None
    typer.echo(json.dumps([asdict(each) for each in checks], indent=2) if as_json else _as_text(checks))
    if any(each.verdict is Verdict.WRONG or (paths and each.verdict is Verdict.NO_DATA) for each in checks):
        raise typer.Exit(WRONG)


def _as_text(checks: "list[Check]") -> str:
    lines = [f"{each.file}: {each.verdict.replace('_', ' ')}" for each in checks if not each.faults]
    return "\n".join(lines + [fault for each in checks for fault in each.faults])
