"""What a report depends on, as one hash: while it is the same, the report need not be made again."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.metadata import requires, version
from itertools import islice
from pathlib import Path
from typing import Any

from research_lib.project import PROJECT, data_folder, snapshots_folder
from research_lib.studies.parameters import MODELS

LARGE_BYTES, MANY_FILES = 20_000_000, 5_000


class Inputs:
    """Hashes of what the reports of one run depend on; the library, each notebook and data folder are read once."""

    def __init__(self) -> None:
        self._notebook, self._data = cache(_of_notebook), cache(_of_data)

    @cached_property
    def code(self) -> str:
        """Hash of the library, Python, and the packages that it needs."""
        files = [path for path in sorted((PROJECT / "research_lib").rglob("*")) if "__pycache__" not in path.parts]
        names = [re.split(r"[^\w.-]", line)[0] for line in requires("research-lib") or [] if "extra ==" not in line]
        return _hash(sys.version, *map(_of_file, files), *(f"{name} {version(name)}" for name in names))

    def of(self, notebook: Path, parameters: Mapping[str, Any]) -> str:
        """Hash a notebook, the parameters it is to have, the data that they name, and the code."""
        data = self._data(str(parameters.get("source") or ""), str(parameters.get("data_dir") or ""))
        return _hash(self._notebook(notebook), json.dumps(dict(parameters), sort_keys=True), data, self.code)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(hashlib.sha256(part.encode()).hexdigest() for part in parts).encode()).hexdigest()


def _of_file(path: Path) -> str:
    """Hash a file's name and content; of a large one its size and time."""
    name = f"{path.parent.name}/{path.name}"  # the same on another machine
    try:
        state = path.stat()
        if state.st_size > LARGE_BYTES:
            return f"{name} {state.st_size} {state.st_mtime_ns}"
        return f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError as error:  # a folder, gone meanwhile, or not ours to read: the report says so if it needs it
        return f"{name} {error.strerror}"


def _of_notebook(notebook: Path) -> str:
    """Hash what runs and is shown (not what JupyterLab writes as it saves), and the files beside an own notebook."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    shown = [(one["cell_type"], "".join(one["source"]), one.get("attachments")) for one in content["cells"]]
    tags = [one.get("metadata", {}).get("tags") for one in content["cells"]]
    kernel = (content.get("metadata", {}).get("kernelspec") or {}).get("name")
    beside = () if notebook.stem in MODELS else map(_of_file, islice(_beside(notebook.parent), MANY_FILES))
    return _hash(json.dumps([shown, tags, kernel]), *beside)


def _beside(folder: Path) -> Iterator[Path]:
    """Give the files that a notebook may import or read: all but notebooks, pages, reports, parameter and hidden files."""
    for at, folders, names in os.walk(folder):
        inside = [name for name in sorted(folders) if not name.startswith((".", "__")) and name != "params"]
        folders[:] = [name for name in inside if not Path(at, name, "summary.json").exists()]  # which reports have
        paths = [Path(at, name) for name in sorted(names) if name[0] != "." and not name.endswith((".ipynb", ".html"))]
        yield from filter(Path.is_file, paths)


def _of_data(source: str, data_dir: str) -> str:
    """Hash the state of a source's data; bundled data belongs to versions of packages, which are part of the code."""
    files = map(_of_file, sorted(data_folder(data_dir).rglob("*"))) if data_dir else ()
    stores = [snapshots_folder() / name for name in source.split("+") if name]
    pulled = [path.name for store in stores for path in sorted(store.rglob("*.parquet"))]  # hashes of their contents
    return _hash(source, *files, *pulled)
