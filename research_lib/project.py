"""Where the project's own folders are."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"
PARAMETERS = PROJECT / "params"
REPORTS = PROJECT / "reports"

SNAPSHOTS_VARIABLE = "RESEARCH_LIB_SNAPSHOTS"


def from_project(path: str | Path) -> Path:
    """Resolve a path in a parameter file: relative ones start at the project's folder, wherever one runs from."""
    return (PROJECT / path).resolve()


def snapshots_folder() -> Path:
    """Return where snapshots of live data are: `data/snapshots`, or what RESEARCH_LIB_SNAPSHOTS says.

    An environment variable, because kernels inherit it, and because it says nothing about what a report is made of.
    """
    return from_project(os.environ.get(SNAPSHOTS_VARIABLE, "data/snapshots"))
