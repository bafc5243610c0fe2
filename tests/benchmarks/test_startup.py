"""The command line's help against the import that it must not do; both in one run."""

import compileall
import os
import statistics
import subprocess
import sys
import time

import pytest

from research_lib.project import PROJECT

HELP = [sys.executable, "-m", "research_lib", "--help"]
PANDAS = [sys.executable, "-c", "import pandas"]
HEAVY = {"pandas", "numpy", "numba", "scipy", "matplotlib", "papermill", "nbconvert", "pydantic"}


def seconds(words):
    start = time.perf_counter()
    subprocess.run(words, cwd=PROJECT, check=True, capture_output=True)
    return time.perf_counter() - start


def test_help_imports_nothing_heavy():
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(HELP, cwd=PROJECT, env=environment, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "research_lib" in imported
    assert not imported & HEAVY


@pytest.mark.skipif("not config.getoption('benchmark_enable')", reason="a measurement, not a test: make bench")
def test_speed_of_help(capsys, benchmark):
    compileall.compile_dir(PROJECT / "research_lib", quiet=1)
    pairs = [(seconds(HELP), seconds(PANDAS)) for _ in range(11)]
    ratio = statistics.median(one / other for one, other in pairs)
    benchmark.pedantic(seconds, args=(HELP,), rounds=3)
    with capsys.disabled():
        print(f"\n--help: {statistics.median(one for one, _ in pairs):.2f} s, {ratio:.2f} times `import pandas`")
