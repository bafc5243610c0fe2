"""What is kept of a report's run, in a form that programs read."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from research_lib.errors import ReportError

# What follows a report's slug in the names of its files.
FINDINGS, PREVIOUS, FAILED, FAILED_PAGE = "findings.json", "previous.json", "failed.json", "failed.html"


class Status(StrEnum):
    """How a report ended."""

    OK = "ok"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    INSUFFICIENT_DATA = "insufficient_data"
    LEFT_OUT = "left_out"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Result:
    """What became of a report: `message` says why where it is not ok; `cell` is the failing one's number."""

    name: str
    status: Status
    message: str = ""
    cell: int | None = None
    page: Path | None = None
    seconds: float = 0.0


def to_json(record: Mapping[str, Any]) -> bytes:
    """Write a record as JSON; a number that is none has no place in it."""
    return (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is there whole or not at all, and the first only once the last can be written.

    Raises
    ------
    ReportError
        They cannot be written: no room, no right.
    """
    try:
        with _written(files) as temporary:
            for path, written in temporary.items():
                written.replace(path)
    except OSError as error:
        raise ReportError(
            f"{error.filename or next(iter(files)).parent}: cannot be written ({error.strerror})"
        ) from error


@contextmanager
def _written(files: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """Write files beside where they shall stand, so that renaming them is atomic; what is not renamed is removed."""
    temporary: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(prefix=f".making-{path.name}-", dir=path.parent)
            temporary[path] = Path(name)
            with os.fdopen(number, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)  # mkstemp lets only its owner read
        yield temporary
    finally:
        for written in temporary.values():
            written.unlink(missing_ok=True)
