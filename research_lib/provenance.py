"""What made a report: versions, commit, machine-independent settings."""

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from shutil import which

from research_lib.exhibits.table import Table, table
from research_lib.params import show_setting
from research_lib.project import PROJECT

PACKAGES = ("research-lib", "pandas", "numpy", "scipy", "statsmodels", "numba", "arch", "great_tables", "papermill")


def provenance(values: Mapping[str, object], *, sha256: Mapping[str, str]) -> Table:
    """Show the code's commit, the versions of Python and packages, each series' hash, and every parameter."""
    rows = [
        {"what": "commit", "value": commit()},
        {"what": "Python", "value": platform.python_version()},
        *({"what": name, "value": version(name)} for name in PACKAGES),
        *({"what": f"sha256 of {name}", "value": digest} for name, digest in sha256.items()),
        *({"what": f"parameter {name}", "value": show_setting(value)} for name, value in values.items()),
    ]
    return table("Code, packages, data and parameters", rows, left=["value"])


def commit() -> str:
    """Return the project's commit, marked where files differ from it; `unknown` outside a checkout."""
    git = which("git")
    if git is None:
        return "unknown"
    found = subprocess.run(  # noqa: S603  # git, with no input of the user's
        [git, "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--dirty=, with uncommitted changes"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
