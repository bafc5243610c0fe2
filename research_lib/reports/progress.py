"""How a run goes, in the terminal."""

import os
import sys
from pathlib import Path
from threading import Lock
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from research_lib.project import display_path
from research_lib.reports.record import FAILED_PAGE, PAGE, Record, Status

STYLES = {Status.OK: "green", Status.UNCHANGED: "dim", Status.LEFT_OUT: "dim", Status.INSUFFICIENT_DATA: "yellow"}


class Progress:
    """A bar in a terminal, a line for every report that is finished, and where to look at the end."""

    def __init__(self, total: int, output: Path) -> None:
        self._console, self._output, self._lock = Console(soft_wrap=True), output, Lock()
        columns = [BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")]
        self._bar = Bar(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._say(f"index: {display_path(self._output / 'index.html')}", "")

    def started(self, name: str) -> None:
        """Show which report was begun last."""
        self._bar.update(self._task, description=name)

    def finished(self, record: Record) -> None:
        """Say in a line what became of a report."""
        self._bar.update(self._task, advance=1)
        self._say(describe(record, self._output), STYLES.get(record.status, "red"))

    def _say(self, line: str, style: str) -> None:
        try:
            with self._lock:
                self._console.print(line, style=style, markup=False, highlight=False)
        except (OSError, SystemExit):  # nobody reads it any more, or the disk is full: the reports are what counts
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for the rest of the process


def describe(record: Record, output: Path) -> str:
    """Say in a line what became of a report: its headline or what went wrong, and where its page is."""
    if record.status is Status.WRONG:
        lines = [line.removeprefix(f"{record.name}: ") for line in record.message.splitlines()]
        return "\n".join(f"{record.name}: wrong: {line}" for line in lines)
    as_of, ends = str(record.parameters.get("as_of") or ""), [str(card.get("last", "")) for card in record.data]
    late = f"as_of is {as_of}, but the data ends on {max(ends)}" if ends and as_of > max(ends) else ""
    made = record.status in {Status.OK, Status.UNCHANGED}
    page = output / record.link(PAGE if made else FAILED_PAGE)
    took = (
        f"{record.duration_seconds:.1f} s" if record.duration_seconds and record.status is not Status.UNCHANGED else ""
    )
    said = "; ".join(filter(None, [record.headline, record.message, late]))
    where = ", ".join(filter(None, [display_path(page) if page.exists() else "", took]))
    return f"{record.name}: {record.status}: {said}" + (f" ({where})" if where else "")
