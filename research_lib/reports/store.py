"""Where reports are kept: each file whole or not at all, none made by two runs at once, none lost to a failure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from filelock import FileLock

from research_lib.errors import ReportError
from research_lib.reports.plan import Report
from research_lib.reports.records import (
    FAILED,
    FAILED_PAGE,
    FINDINGS,
    PREVIOUS,
    Result,
    Status,
    read_record,
    to_json,
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
        Such as `html`; empty where nothing could be executed.
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
    files = {report.file(suffix): content for suffix, content in made.files.items()}
    before = read_record(report.file(FINDINGS))
    if made.status is Status.OK and before is not None:
        changed = json.loads(made.files[FINDINGS])["inputs"] != before.get("inputs")
        files |= {report.file(PREVIOUS): to_json(before)} if changed else {}
    write_whole(files)
    stale = {FAILED, FAILED_PAGE} - set(made.files)
    for suffix in stale:
        report.file(suffix).unlink(missing_ok=True)
    page = next((path for path in files if path.suffix == ".html"), None)
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
    """Return a result where the report stands there already, made of the same inputs, and nothing failed since."""
    record = read_record(report.file(FINDINGS))
    page = report.file("html")
    same = record is not None and record.get("inputs") == inputs
    if not same or not page.exists() or report.file(FAILED).exists():
        return None
    return Result(report.name, Status.UNCHANGED, page=page)
