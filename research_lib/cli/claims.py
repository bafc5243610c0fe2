"""`claims`: a claims file in, verdicts out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from research_lib.cli.run import WRONG_USE
from research_lib.errors import ResearchError


def claims(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A claims file, like params/04_claims/articles.yaml.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter that goes before the file's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the verdicts as JSON.")] = False,
) -> None:
    """Check every claim of a file as of its article's date, and say what each verdict hangs on.

    Exit status: 0, all checked, whatever the verdicts; 2, a faulty file, source or data.
    """
    from research_lib.data import open_source
    from research_lib.parameter_files import parse_setting, read_claims
    from research_lib.studies.claims import as_text, check_claims

    try:
        overrides = dict(parse_setting(setting) for setting in settings or [])
        params = read_claims(path, overrides=overrides)
        results, _ = check_claims(params, open_source(params.source, data_dir=params.data_dir))
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from None
    if as_json:
        typer.echo(
            json.dumps([result.as_record() for result in results], indent=2, ensure_ascii=False, allow_nan=False)
        )
        return
    for name, article in params.articles.items():
        typer.echo(f"\n{name}  {article.title} ({article.as_of})")
        for result in results:
            if result.claim.article == name:
                typer.echo(as_text(result))
