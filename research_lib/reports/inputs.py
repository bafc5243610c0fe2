"""What a report depends on, as one hash: where none of it has changed, the report need not be made again."""

import hashlib
import json
import re
import sys
from functools import cached_property
from importlib.metadata import requires, version

from research_lib.data.fingerprint import fingerprint
from research_lib.project import PROJECT
from research_lib.reports.plan import Report


class Inputs:
    """Hashes of what the reports of one run depend on; code and each data folder are read once."""

    def __init__(self) -> None:
        self._data: dict[tuple[str, str], str] = {}

    @cached_property
    def code(self) -> str:
        """Hash of the library's files, and of the versions of Python and packages."""
        library = PROJECT / "research_lib"
        files = sorted(path for path in library.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        digest = hashlib.sha256()
        for path in files:
            digest.update(str(path.relative_to(library)).encode() + b"\0" + path.read_bytes())
        digest.update("\n".join([sys.version, *_versions()]).encode())
        return digest.hexdigest()

    def of(self, report: Report) -> str:
        """Hash a report's notebook, parameters and data, and the code."""
        parameters = json.dumps(report.parameters.model_dump(mode="json"), sort_keys=True)
        notebook = report.source_notebook.read_bytes()
        parts = [notebook, parameters.encode(), self.code.encode(), self._data_of(report).encode()]
        return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def _data_of(self, report: Report) -> str:
        key = (report.parameters.source, report.parameters.data_dir)
        if key not in self._data:
            self._data[key] = fingerprint(*key)
        return self._data[key]


def _versions() -> list[str]:
    needed = [line for line in requires("research-lib") or [] if "extra ==" not in line]
    return [version(name) for line in needed if (name := re.split(r"[^\w.-]", line)[0])]
