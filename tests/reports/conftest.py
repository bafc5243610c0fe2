"""Real reports, made once for all tests that look at pages, and a browser to look with."""

import json
import shutil

import nbformat
import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.params import MODELS
from research_lib.project import PARAMETERS
from research_lib.reports.html import Failure, render

OF_THE_ENVIRONMENT = "a-value-of-the-environment"
STUDIES = sorted(MODELS)


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """The smoke report of every notebook."""
    output = tmp_path_factory.mktemp("reports")
    paths = [str(PARAMETERS / study / "smoke.yaml") for study in STUDIES]
    result = CliRunner(env={"DATA_API_KEY": OF_THE_ENVIRONMENT}).invoke(app, ["run", *paths, "--output", str(output)])
    assert result.exit_code == 0, result.output
    return output


@pytest.fixture(scope="session")
def executed(reports):
    """The executed notebook of a study, without its page."""
    return lambda study: nbformat.read(reports / study / "smoke.ipynb", as_version=4)


@pytest.fixture(scope="session")
def site(reports, tmp_path_factory):
    """The reports, one that failed in its middle, and a sweep: what an index has to show."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(reports, folder, dirs_exist_ok=True)
    study = "03_record_sigma"
    record = json.loads((folder / study / "smoke.findings.json").read_text(encoding="utf-8"))
    error = "ZeroDivisionError: division by zero"
    failed = {**record, "status": "failed", "message": f"cell 12: {error}", "cell": 12, "findings": []}
    (folder / study / "smoke.failed.json").write_text(json.dumps(failed), encoding="utf-8")
    (folder / study / "smoke.failed.html").write_text(
        render(broken(nbformat.read(folder / study / "smoke.ipynb", as_version=4)), name=study, slug="smoke",
               failure=Failure(12, error, record["parameters"])), encoding="utf-8",
    )  # fmt: skip
    before = {**record, "inputs": "other", "findings": []}
    (folder / study / "smoke.previous.json").write_text(json.dumps(before), encoding="utf-8")
    for window in range(20, 32):
        point = {**record, "slug": f"smoke--window={window}", "parameters": {**record["parameters"], "window": window}}
        (folder / study / f"{point['slug']}.findings.json").write_text(json.dumps(point), encoding="utf-8")
    return folder


def broken(notebook, *, at="records-table", error="division by zero"):
    """A notebook as Papermill leaves it where a cell fails: that cell's error, nothing after, two cells put in."""
    place = next(i for i, cell in enumerate(notebook.cells) if cell.id == at)
    for cell in notebook.cells[place:]:
        cell.outputs = []
    traceback = ["\x1b[31mZeroDivisionError\x1b[39m", "File /home/someone/kit/research_lib/studies/sigma.py:3"]
    notebook.cells[place].outputs = [
        nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue=error, traceback=traceback)
    ]
    said = nbformat.v4.new_markdown_cell('<span id="papermill-error-cell">An Exception was encountered</span>')
    said.metadata.tags = ["papermill-error-cell-tag"]
    notebook.cells.insert(place, said)
    notebook.cells.insert(0, said)
    return notebook
