"""A small project of its own for tests of the runner, and the smoke reports of the four studies for tests of pages."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import PARAMETERS
from research_lib.reports.inputs import Inputs
from research_lib.studies.parameters import MODELS

OF_THE_ENVIRONMENT = "a-value-of-the-environment"
FINDINGS = "from research_lib.exhibits.findings import show_findings\nshow_findings(answer=seed)"
MARK = f"6{os.getpid()}"  # seconds that a `sleep` is given, to know it by
# The command in a process of its own, which hears Ctrl-C also where the tests run in the background.
DRIVER = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{first}
runpy.run_module("research_lib", run_name="__main__")
"""
SAME_CODE = "from research_lib.reports.inputs import Inputs; Inputs.code = 'one state of the library'"


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """The smoke report of every study."""
    output = tmp_path_factory.mktemp("reports")
    paths = [str(PARAMETERS / study / "smoke.yaml") for study in sorted(MODELS)]
    result = CliRunner(env={"DATA_API_KEY": OF_THE_ENVIRONMENT}).invoke(app, ["run", *paths, "--output", str(output)])
    assert result.exit_code == 0, result.output
    return output


class Project:
    """A folder with notebooks, their parameter files, and what its runs make."""

    def __init__(self, folder):
        self.folder, self.output = folder, folder / "out"
        self.runs, self.go = folder / "runs", folder / "go"
        (folder / "notebooks").mkdir(parents=True)
        self.started = []

    def notebook(
        self, *cells, name="small", parameters="seed = 0", tag="parameters", kernel="python3", language="python"
    ):
        spec = {"kernelspec": {"name": kernel, "language": language, "display_name": "x"}} if kernel else {}
        first = new_markdown_cell("# A small notebook"), new_code_cell(parameters, metadata={"tags": [tag]})
        rest = [cell if isinstance(cell, dict) else new_code_cell(cell) for cell in cells]
        path = self.folder / "notebooks" / f"{name}.ipynb"
        nbformat.write(new_notebook(metadata=spec, cells=[*first, *rest]), path)
        return path

    def waiting(self):
        """Write a notebook that says that it runs, and with a seed runs on unless it is told to go."""
        self.notebook(
            "import os, subprocess",
            f"if seed and not os.path.exists({str(self.go)!r}):\n"
            f"    open({str(self.runs)!r}, 'w').close()\n    subprocess.run(['sleep', '{MARK}'])",
        )

    def file(self, slug="a", text="seed: 1\n", name="small"):
        path = self.folder / "params" / name / f"{slug}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *words):
        return CliRunner().invoke(app, ["run", "--output", str(self.output), *map(str, words)])

    def start(self, *words, first=SAME_CODE, **options):
        running = subprocess.Popen(
            [sys.executable, "-c", DRIVER.format(first=first), "run", *map(str, words), "--output", self.output],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, **options,
        )  # fmt: skip
        self.started.append(running)
        return running

    def made(self, name="small"):
        return {path.name for path in (self.output / name).glob("*")}

    def page(self, file="a.html", name="small"):
        return (self.output / name / file).read_text(encoding="utf-8")

    def record(self, file="a.findings.json", name="small"):
        return json.loads(self.page(file, name))

    def executed(self, file="a.ipynb", name="small"):
        return nbformat.read(self.output / name / file, as_version=4)

    def summary(self):
        return json.loads((self.output / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in a folder whose name has what Papermill fills in, and a space."""
    monkeypatch.setattr(Inputs, "code", "one state of the library")  # whoever edits it while tests run
    made = Project(tmp_path / "{seed} {x}")
    yield made
    for running in made.started:  # what a test that failed left
        with running:
            running.kill()


def words(html):
    """What is read of HTML."""
    return " ".join(unescape(re.sub("<.*?>", " ", html)).split())


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alive(marker):
    """List the processes whose command holds a word, such as the number of seconds that a `sleep` was given."""
    running = [one.info for one in psutil.process_iter(["cmdline", "status"])]
    return [one for one in running if marker in (one["cmdline"] or []) and one["status"] != psutil.STATUS_ZOMBIE]


def folders_of(pid):
    """List the folders of sockets that a process has left."""
    return [*Path(tempfile.gettempdir()).glob(f"research-lib-{pid}-*")]
