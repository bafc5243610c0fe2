"""The studies through the runner, and through Papermill alone."""

import json
import re
import subprocess
import sys

import nbformat
import pytest

from research_lib.project import NOTEBOOKS, PARAMETERS

pytestmark = pytest.mark.notebook
SMOKE = PARAMETERS / "03_record_sigma" / "smoke.yaml"


def test_a_report_is_a_page_a_notebook_and_a_record(reports):
    folder, index = reports / "03_record_sigma", (reports / "index.html").read_text(encoding="utf-8")
    record = json.loads((folder / "smoke.findings.json").read_text(encoding="utf-8"))
    assert (record["notebook"], record["slug"], record["status"]) == ("03_record_sigma", "smoke", "ok")
    assert record["question"]
    assert (0 < len(record["headline"]) <= 70, len(record["numbers"])) == (True, 4)
    assert record["data"][0]["last"] == "2003-12-31"
    assert re.fullmatch(r"[0-9a-f]{64}", record["data"][0]["sha256"])
    for finding in record["findings"]:
        assert set(finding) == {"name", "value", "unit", "n", "low", "high", "definition"}
    assert ('href="03_record_sigma/smoke.html"' in index, '<svg class="narrow"' in index) == (True, True)
    assert (folder / "smoke.figures" / f"{record['hero']}.svg").exists()
    notebook = nbformat.read(folder / "smoke.ipynb", as_version=4)
    assert any(cell.get("outputs") for cell in notebook.cells)
    injected = next(cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert 'as_of = "2003-12-31"' in injected.source


@pytest.mark.parametrize(
    ("words", "said"),
    [(["-f", SMOKE], ""), (["-p", "treshold", "3"], "treshold: unknown parameter; did you mean threshold?")],
)
def test_papermill_alone_runs_a_notebook_and_refuses_a_misspelt_parameter(tmp_path, words, said):
    command = [sys.executable, "-m", "papermill", NOTEBOOKS / "03_record_sigma.ipynb", tmp_path / "out.ipynb", *words]
    done = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (bool(done.returncode), said in done.stderr) == (bool(said), True), done.stderr
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    outputs = [output.output_type for cell in executed.cells for output in cell.get("outputs", [])]
    assert ("error" in outputs) == bool(said)
