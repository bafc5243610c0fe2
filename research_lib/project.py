"""Where the project's own folders are."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"
PARAMETERS = PROJECT / "params"
REPORTS = PROJECT / "reports"


def from_project(path: str | Path) -> Path:
    """Resolve a path in a parameter file: relative ones start at the project's folder, wherever one runs from."""
    return (PROJECT / path).resolve()
