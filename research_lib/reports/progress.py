"""How a run goes, in the terminal."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from research_lib.reports.records import Result, Status

MARKS = {Status.OK: "green", Status.UNCHANGED: "dim", Status.LEFT_OUT: "dim", Status.INSUFFICIENT_DATA: "yellow"}


class ProgressDisplay:
    """A bar with the time left, a line for every report that runs, and one for every report that is finished.

    Where the output is no terminal, only the finished ones.
    """

    def __init__(self, total: int, *, console: Console) -> None:
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
        self._progress = Progress(
            *columns,
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._progress.add_task("reports", total=total)
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def started(self, name: str) -> None:
        """Show that a report runs."""
        self._running[name] = self._progress.add_task(f"  {name}", total=None)

    def finished(self, result: Result) -> None:
        """Show what became of a report."""
        if result.name in self._running:
            self._progress.remove_task(self._running.pop(result.name))
        self._progress.advance(self._all)
        self._progress.console.print(
            describe(result), style=MARKS.get(result.status, "red"), soft_wrap=True, markup=False, highlight=False
        )


def describe(result: Result) -> str:
    """Say in a line what became of a report."""
    page = f" {os.path.relpath(result.page)}" if result.page else ""
    seconds = f", {result.seconds:.1f} s" if result.seconds else ""
    return f"{result.name}: {result.status}:{' ' + result.message if result.message else ''}{page}{seconds}"


def say_how_it_ended(results: Sequence[Result], *, console: Console, index: Path | None) -> None:
    """Say where the index is, and after an interrupt how to go on."""
    interrupted = sum(result.status is Status.INTERRUPTED for result in results)
    if interrupted:
        made = f"{len(results) - interrupted} of {len(results)} reports are done and kept"
        console.print(f"interrupted: {made}; go on with: python -m research_lib run --resume", soft_wrap=True)
    if index is not None:
        console.print(f"index: {os.path.relpath(index)}", soft_wrap=True, highlight=False)
