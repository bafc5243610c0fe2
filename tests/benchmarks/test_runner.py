"""The runner against a loop of `papermill` and `jupyter nbconvert` over the same parameter files, both in one run."""

import compileall
import json
import math
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import nbformat
import pytest

from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from research_lib.reports.checks import Verdict, check_files

COMMAND = [sys.executable, "-m", "research_lib", "run"]
SCRIPTS = Path(sysconfig.get_path("scripts"))
SWEEP = [str(PARAMETERS / "03_record_sigma" / "smoke.yaml"), "--grid", f"seed={','.join(map(str, range(100)))}"]

pytestmark = pytest.mark.skipif(
    "not config.getoption('benchmark_enable')", reason="a measurement, not a test: make bench"
)


def seconds(words):
    start = time.perf_counter()
    subprocess.run([*map(str, words)], cwd=PROJECT, check=True, capture_output=True)
    return time.perf_counter() - start


@pytest.fixture(scope="module")
def parameter_files():
    """Every parameter file whose data is here."""
    compileall.compile_dir(PROJECT / "research_lib", quiet=1)
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2)
    checks = check_files(sorted(PARAMETERS.glob("*/*.yaml")), overrides={})
    return [PROJECT / check.file for check in checks if check.verdict is Verdict.RIGHT]


def plainly(paths, folder):
    for path in paths:
        notebook, made = path.parent.name, folder / f"{path.parent.name}-{path.stem}.ipynb"
        options = ["-f", path, "--cwd", PROJECT, "--no-progress-bar"]
        yield seconds([SCRIPTS / "papermill", NOTEBOOKS / f"{notebook}.ipynb", made, *options])
        yield seconds([SCRIPTS / "jupyter-nbconvert", "--to", "html", made])


def findings(notebook):
    """Every number that a notebook's findings hold."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    data = [output.get("data", {}) for cell in cells for output in cell.outputs]
    content = next(one for one in data if "application/vnd.research-lib.findings+json" in one)
    return {each["name"]: each for each in content["application/vnd.research-lib.findings+json"]["findings"]}


def alike(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


def test_speed_of_all_reports(parameter_files, tmp_path, capsys, benchmark):
    ours = benchmark.pedantic(seconds, args=([*COMMAND, *parameter_files, "--output", tmp_path / "ours"],), rounds=1)
    loop = sum(plainly(parameter_files, tmp_path))
    for path in parameter_files:
        mine = findings(tmp_path / "ours" / path.parent.name / f"{path.stem}.ipynb")
        plain = findings(tmp_path / f"{path.parent.name}-{path.stem}.ipynb")
        assert mine.keys() == plain.keys()
        for name, finding in mine.items():
            assert all(alike(value, plain[name][field]) for field, value in finding.items()), (path, name)
    again = seconds([*COMMAND, *parameter_files, "--output", tmp_path / "ours"])
    with capsys.disabled():
        n = len(parameter_files)
        print(f"\n{n} reports: {ours:.1f} s against {loop:.1f} s: {loop / ours:.1f} times faster; again: {again:.2f} s")


def computing(folder):
    """Seconds that the cells of the notebooks in a folder took."""
    cells = [cell for path in folder.rglob("*.ipynb") for cell in nbformat.read(path, as_version=4).cells]
    return sum(cell.metadata.get("papermill", {}).get("duration") or 0 for cell in cells)


def test_speed_of_a_sweep(tmp_path, capsys, benchmark):
    seconds([*COMMAND, *SWEEP[:1], "--output", tmp_path / "one"])
    took = benchmark.pedantic(seconds, args=([*COMMAND, *SWEEP, "--output", tmp_path / "sweep"],), rounds=1)
    summary = json.loads((tmp_path / "sweep" / "summary.json").read_text(encoding="utf-8"))
    assert summary["counts"] == {"ok": 100}
    own = computing(tmp_path / "one")
    with capsys.disabled():
        print(
            f"\n100 reports: {took / 100:.2f} s each, {took / 100 / own:.2f} times the {own:.2f} s that one's cells take"
        )
