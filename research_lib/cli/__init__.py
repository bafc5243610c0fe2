"""The command line. Heavy packages are imported by the commands that need them: `--help` is quick."""

import typer

from research_lib.cli import data
from research_lib.cli.check import check
from research_lib.cli.claims import claims
from research_lib.cli.compare import compare
from research_lib.cli.lab import JUPYTER, lab
from research_lib.cli.list import list_files
from research_lib.cli.run import run

app = typer.Typer(
    help="Make reports from the research notebooks and their parameter files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def main() -> None:
    """Make reports from the research notebooks and their parameter files."""


app.command("list")(list_files)
for command in (check, run, compare, claims):
    app.command()(command)
app.command(context_settings=JUPYTER)(lab)
app.add_typer(data.app, name="data")
