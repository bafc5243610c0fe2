"""What a run was asked for and what came of it, in one file that programs read; it lets an interrupted run go on."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from research_lib.errors import ReportError
from research_lib.reports.records import Result, Status, to_json, write_whole

SUMMARY = "summary.json"


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes
    ----------
    paths : tuple of str
        Absolute; none for all.
    settings, grid : tuple of str
        As typed, `name=value` and `name=first,second`.
    """

    paths: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    grid: tuple[str, ...] = ()


def write_summary(output: Path, request: Request, results: Sequence[Result], *, finished: bool) -> None:
    """Write what a run was asked for, and what came of it so far."""
    record = {
        "request": asdict(request),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": finished and not any(result.status is Status.INTERRUPTED for result in results),
        "counts": dict(Counter(str(result.status) for result in results)),
        "reports": [
            {**asdict(result), "page": str(result.page.relative_to(output)) if result.page else None}
            for result in results
        ],
    }
    write_whole({output / SUMMARY: to_json(record)})


def read_request(output: Path) -> Request:
    """Read what the last run below a folder was asked for.

    Raises
    ------
    ReportError
        There is no run to go on with.
    """
    path = output / SUMMARY
    try:
        request = json.loads(path.read_text(encoding="utf-8"))["request"]
        return Request(*(tuple(request[name]) for name in ("paths", "settings", "grid")))
    except FileNotFoundError:
        raise ReportError(f"{path}: no run to resume; run without --resume") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ReportError(f"{path}: cannot be read; run without --resume") from None
