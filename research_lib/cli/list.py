"""`list`: what there is to run."""

from pathlib import Path
from typing import Annotated

import typer


def list_files(
    output: Annotated[Path | None, typer.Option(help="The folder of the reports; default: reports/.")] = None,
) -> None:
    """List the parameter files, and of each what its report last said."""
    from rich.console import Console
    from rich.table import Column, Table

    from research_lib.parameter_files import shown
    from research_lib.project import REPORTS
    from research_lib.reports.past import read_record_if_any
    from research_lib.reports.plan import find_parameter_files
    from research_lib.reports.text import first_sentence

    table = Table(Column("parameter file", no_wrap=True), Column("made", no_wrap=True), "answer", box=None)
    for path in find_parameter_files([]):
        record = read_record_if_any((output or REPORTS) / path.parent.name / f"{path.stem}.findings.json")
        made = (record.started[:10], first_sentence(record.answer)) if record else ("not yet", "")
        table.add_row(shown(path), *made)
    Console().print(table)
