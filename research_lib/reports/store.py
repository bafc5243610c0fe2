"""Where reports are kept: each file whole or not at all, none made by two runs at once, none lost to a failure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from research_lib.errors import ReportError
from research_lib.reports.past import read_record_if_any
from research_lib.reports.plan import Report
from research_lib.reports.records import (
    FAILED,
    FAILED_PAGE,
    FINDINGS,
    PREVIOUS,
    Result,
    Status,
    write_whole,
)


@dataclass(frozen=True)
class Made:
    """What became of an execution: how it ended, and the report's files by suffix.

    Attributes
    ----------
    status, message, cell : Status, str, int or None
        As in `Result`.
    seconds : float
        How long it took.
    files : mapping of str to bytes
        Such as `html`; the record stands last, since a report whose record is there counts as made.
    """

    status: Status
    message: str = ""
    cell: int | None = None
    seconds: float = 0.0
    files: Mapping[str, bytes] = field(default_factory=dict)


def publish(report: Report, made: Made) -> Result:
    """Put a report's files in place; a report that failed stands beside the last good one, never in its place.

    Raises
    ------
    ReportError
        They cannot be written.
    """
    files: dict[Path, bytes] = {}
    before = read_record_if_any(report.file(FINDINGS))
    if before and made.status is Status.OK and json.loads(made.files[FINDINGS])["inputs"] != before.inputs:
        files[report.file(PREVIOUS)] = report.file(FINDINGS).read_bytes()
    write_whole(files | {report.file(suffix): content for suffix, content in made.files.items()})
    for suffix in {FAILED, FAILED_PAGE} - set(made.files):
        report.file(suffix).unlink(missing_ok=True)
    page = next((report.file(suffix) for suffix in made.files if suffix.endswith("html")), None)
    return Result(report.name, made.status, made.message, made.cell, page, made.seconds)


def locked(report: Report) -> FileLock:
    """Give the lock of a report, which another run that makes it holds meanwhile; it ends with its process."""
    folder = report.folder.parent / ".locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{report.folder.parent}: cannot be written ({error.strerror})") from error
    return FileLock(folder / f"{report.notebook}--{report.slug}.lock")


def kept(report: Report, inputs: str) -> Result | None:
    """Return a result where the report stands there already, made of the same inputs, and nothing failed since.

    One whose last session was not over is made again: the same file may hold one session more by now.
    """
    record = read_record_if_any(report.file(FINDINGS))
    page = report.file("html")
    if record is None or record.inputs != inputs or any(card.get("unfinished") for card in record.data):
        return None
    if not page.exists() or report.file(FAILED).exists():
        return None
    return Result(report.name, Status.UNCHANGED, page=page)
