"""`compare`: two runs side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from research_lib.errors import ResearchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from research_lib.reports.compare import Comparison
    from research_lib.reports.past import Number

WRONG_USE = 2


def compare(
    a: Annotated[str, typer.Argument(help="A report as notebook/slug, or the path of its .findings.json or .html.")],
    b: Annotated[str, typer.Argument(help="The one to compare it with.")],
    output: Annotated[Path | None, typer.Option(help="The folder of the reports; default: reports/.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write it for another program.")] = False,
) -> None:
    """Show two runs side by side: what they were made from, and every finding with its interval.

    Exit status: 0; 2 where there is no such report.
    """
    import json

    from rich.console import Console

    from research_lib.project import REPORTS
    from research_lib.reports import compare as runs

    try:
        found = [runs.find_record(name, output=output or REPORTS) for name in (a, b)]
    except ResearchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from None
    comparison = runs.compare(*found)
    if as_json:
        typer.echo(json.dumps(comparison.as_record(), indent=2))
    else:
        _print(Console(highlight=False), comparison)


def _print(console: "Console", found: "Comparison") -> None:
    from rich.markup import escape

    console.print(f"[bold]A[/] {escape(found.a.name)}  {found.a.started[:16]}")
    console.print(f"[bold]B[/] {escape(found.b.name)}  {found.b.started[:16]}\n")
    _print_differing(console, "parameter", found.parameters)
    _print_differing(console, "data", {name: (_span(a), _span(b)) for name, (a, b) in found.data.items()})
    _print_findings(console, found)
    alone = [(pair.name, "A" if pair.a else "B") for pair in found.findings if not (pair.a and pair.b)]
    for name, run in alone:
        console.print(f"only in {run}: {escape(name)}")


def _print_differing(console: "Console", what: str, differing: "Mapping[str, tuple[object, object]]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from research_lib.params import show_setting

    if not differing:
        console.print(f"{what}: the same in both\n")
        return
    table = Table(what, "A", "B")
    for name, (in_a, in_b) in differing.items():
        table.add_row(*(escape(text) for text in (name, show_setting(in_a), show_setting(in_b))))
    console.print(table)


def _span(card: "Mapping[str, str] | None") -> str:
    """Say of a card what it spans, and its hash."""
    return f"{card['first']} to {card['last']}, {card['sha256'][:12]}" if card else ""


def _print_findings(console: "Console", found: "Comparison") -> None:
    from rich.markup import escape
    from rich.table import Column, Table

    first = Column("finding", overflow="fold")
    table = Table(first, "unit", "A", "B", "B less A", "", caption="≠: the 95% intervals do not overlap")
    for pair in found.findings:
        if pair.a and pair.b:
            cells = (pair.name, pair.unit, _cell(pair.a), _cell(pair.b), pair.a.show(pair.difference))
            table.add_row(*(escape(cell) for cell in cells), "≠" if pair.apart else "")
    console.print(table)


def _cell(number: "Number") -> str:
    interval = f" [{number.interval}]" if number.interval else ""
    return f"{number.show(number.value)}{interval}" + ("" if number.n is None else f", n {number.n:,}")
