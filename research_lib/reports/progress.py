"""How a run goes, in the terminal."""

import os
import sys
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from research_lib.project import display_path
from research_lib.reports.record import FAILED_PAGE, PAGE, Record, Status

STYLES = {Status.OK: "green", Status.UNCHANGED: "dim", Status.LEFT_OUT: "dim", Status.INSUFFICIENT_DATA: "yellow"}


class Progress:
    """A bar with what is being made, and a line for every report that is finished; where to look at the end.

    Where the output is no terminal, there is no bar; where nobody reads it any more, nothing is said.
    """

    def __init__(self, total: int, output: Path) -> None:
        self._console, self._output, self._lock = Console(soft_wrap=True), output, Lock()
        columns = [BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")]
        self._bar = Bar(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("", total=total)
        self._running: list[str] = []

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()
        self._say(f"index: {display_path(self._output / 'index.html')}")

    def started(self, name: str) -> None:
        """Show that a report is being made."""
        with self._lock:
            self._running.append(name)
            self._bar.update(self._task, description=", ".join(self._running))

    def finished(self, record: Record) -> None:
        """Say in a line what became of a report."""
        with self._lock:
            if record.name in self._running:
                self._running.remove(record.name)
            self._bar.update(self._task, advance=1, description=", ".join(self._running))
            self._say(describe(record, self._output), style=STYLES.get(record.status, "red"))

    def _say(self, line: str, style: str = "") -> None:
        try:
            self._console.print(line, style=style, markup=False, highlight=False)
        except (OSError, SystemExit):  # the pipe is closed, or the disk full: the reports are what counts
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for the rest of the process


def describe(record: Record, output: Path) -> str:
    """Say in a line what became of a report: its headline or what went wrong, and where its page is."""
    if record.status is Status.WRONG:
        return "\n".join(f"{record.name}: wrong: {line}" for line in record.message.splitlines())
    said = "; ".join(filter(None, [record.headline, record.message, as_of_note(record)]))
    pages = [output / record.link(suffix) for suffix in (PAGE, FAILED_PAGE)]
    page = pages[record.status not in {Status.OK, Status.UNCHANGED}]
    where = [display_path(page)] if page.exists() else []
    took = (
        [f"{record.duration_seconds:.1f} s"]
        if record.duration_seconds and record.status is not Status.UNCHANGED
        else []
    )
    return f"{record.name}: {record.status}: {said}" + (f" ({', '.join(where + took)})" if where + took else "")


def as_of_note(record: Record) -> str:
    """Say where the data ends before the day that the report is to speak of."""
    as_of, last = (
        str(record.parameters.get("as_of") or ""),
        max((str(card.get("last", "")) for card in record.data), default=""),
    )
    return f"as_of is {as_of}, but the data ends on {last}" if last and as_of > last else ""
