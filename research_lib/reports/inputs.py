"""What a report depends on, as one hash: while it is the same, the report need not be made again."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import requires, version
from itertools import islice
from pathlib import Path
from typing import Any

from research_lib.project import PROJECT, data_folder, snapshots_folder

LARGE_BYTES, MANY_FILES = 20_000_000, 5_000
NO_INPUTS = {"__pycache__", "params", "reports"}  # folders beside a notebook


class Inputs:
    """Hashes of what the reports of one run depend on; the library, each notebook and data folder are read once."""

    def __init__(self) -> None:
        self._known: dict[object, str] = {}

    @cached_property
    def code(self) -> str:
        """Hash of the library, Python, and the packages that it needs."""
        library = PROJECT / "research_lib"
        files = sorted(path for path in library.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        parts = [f"{path.relative_to(library)} {_of_file(path)}" for path in files]
        needed = [line for line in requires("research-lib") or [] if "extra ==" not in line]
        names = [found[0] for line in needed if (found := re.match(r"[\w.-]+", line))]
        return _hash(*parts, sys.version, *(f"{name} {version(name)}" for name in names))

    def of(self, notebook: Path, parameters: Mapping[str, Any], *, output: Path | None = None) -> str:
        """Hash a notebook, the parameters it is to have and the data they name, and the code; `output` is no input."""
        source, folder = str(parameters.get("source") or ""), str(parameters.get("data_dir") or "")
        if notebook not in self._known:
            self._known[notebook] = _hash(*_of_notebook(notebook, output))
        if (source, folder) not in self._known:
            self._known[source, folder] = _hash(source, *_of_data(source, folder))
        asked = json.dumps(dict(parameters), sort_keys=True)
        return _hash(self._known[notebook], asked, self._known[source, folder], self.code)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(hashlib.sha256(part.encode()).hexdigest() for part in parts).encode()).hexdigest()


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_notebook(notebook: Path, output: Path | None) -> Iterator[str]:
    """Read what runs and is shown: sources and tags, and not what JupyterLab writes when it opens and saves.

    An own notebook may import modules and read files beside it, so these count too: all but notebooks, pages and hidden
    files; of large ones size and time, of very many the first.
    """
    from research_lib.studies.study import parameters_model

    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        yield json.dumps([cell["cell_type"], "".join(cell["source"]), sorted(tags), cell.get("attachments", {})])
    yield content.get("metadata", {}).get("kernelspec", {}).get("name", "")
    if parameters_model(notebook.stem) is None:
        for path in islice(_beside(notebook.parent, output), MANY_FILES):
            state = path.stat()
            small = state.st_size <= LARGE_BYTES
            yield f"{path} {_of_file(path) if small else (state.st_size, state.st_mtime_ns)}"


def _beside(folder: Path, output: Path | None) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NO_INPUTS and Path(at, name) != output)
        for name in sorted(names):
            path = Path(at, name)
            if not name.startswith(".") and path.suffix not in {".ipynb", ".html"} and path.is_file():
                yield path
        folders[:] = [name for name in folders if not name.startswith(".")]


def _of_data(source: str, data_dir: str) -> Iterator[str]:
    """List the state of a source's data; bundled data belongs to versions of packages, which are part of the code."""
    if data_dir:
        folder = data_folder(data_dir)
        yield from (f"{path} {_of_file(path)}" for path in sorted(folder.rglob("*")) if path.is_file())
    for name in source.split("+") if source else ():  # the name of a snapshot's entry holds the hash of its content
        yield from sorted(path.name for path in (snapshots_folder() / "manifest" / name).rglob("*.json"))
