"""A user's own notebook: found wherever it stands, with the parameters of its cell, run like the kit's own."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.errors import ParameterError
from research_lib.params import validate
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from research_lib.reports.own import model_of
from research_lib.reports.plan import Places, plan
from tests.conftest import read_table
from tests.reports.conftest import FINDINGS
from tests.reports.test_kernels import PIXEL

TABLES = read_table("reports/own.yaml")
OWN = Path(__file__).parent / "own"
# What the page of each of its notebooks shows, and how many pictures at least.
SHOWN = {"sales": (["13", PIXEL], 1), "fit": (["<svg", "<math"], 2), "watch": (["widget-view+json) stood here"], 2)}


@pytest.mark.parametrize(("word", "means"), TABLES["words"].items())
def test_a_report_is_found_by_any_of_its_names_and_an_unknown_name_is_answered_with_the_nearest(
    word, means, monkeypatch
):
    monkeypatch.chdir(PROJECT)
    if isinstance(means, str):
        with pytest.raises(ParameterError, match=f"{re.escape(word)}.*{re.escape(means)}"):
            Places().find(word)
    else:
        stems = {path.stem for path in Places().find(word.replace("PARAMS", str(PARAMETERS)))}
        assert {*means} <= stems
        assert len(means) > 1 or len(stems) == 1


@pytest.mark.parametrize(("notebook", "file"), TABLES["beside"])
def test_a_notebook_is_found_beside_its_parameters(tmp_path, notebook, file):
    for path, content in ((notebook, "{}"), (file, "seed: 1\n")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    assert Places().notebook_of(tmp_path / file) == tmp_path / notebook
    given = Places((tmp_path / notebook).parent)
    assert given.notebook_of(tmp_path / "elsewhere" / "mine" / "a.yaml") == tmp_path / notebook


def test_the_kits_notebook_is_meant_where_none_is_near_and_a_copy_of_it_where_that_is_named(project):
    file = project.file("mine", "window: 100\n", name="03_record_sigma")
    (report,) = plan([str(file)], output=project.output).reports
    assert (report.notebook, report.parameters.window) == (NOTEBOOKS / "03_record_sigma.ipynb", 100)
    copy = Path(shutil.copy(report.notebook, project.folder))
    assert [one.notebook for one in plan([str(copy)], output=project.output).reports] == [copy]


def test_one_bad_file_stops_itself_only(project):
    project.notebook(parameters="from datetime import date\nseed = 0\nday = date(2024, 1, 1)")
    project.notebook(name="untagged", tag="other")
    project.notebook(nbformat.v4.new_code_cell("seed = 5", metadata={"tags": ["parameters"]}), name="twice_tagged")
    (project.folder / "notebooks" / "half_written.ipynb").write_text('{"cells": [')
    for name, (text, _) in {
        **TABLES["bad"],
        "small/good": ("seed: 1", ""),
        ".ipynb_checkpoints/x": ("seed: [", ""),
    }.items():
        project.file(name.split("/")[1], f"{text}\n", name=name.split("/")[0])
    done = project.run(project.folder / "params")
    assert done.exit_code == 2
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert said.pop("small/good").startswith("ok")
    assert said.keys() == {*TABLES["bad"], "index"}
    for name, (_, fault) in TABLES["bad"].items():
        assert re.match(rf"wrong: .*\.(yaml|ipynb): .*{re.escape(fault)}", said[name])
    assert {name.split(".")[0] for name in project.made()} == {"good"}
    assert "small/misspelt" in (project.output / "index.html").read_text(encoding="utf-8")


def test_two_files_that_would_write_one_report_are_told_apart(project):
    """And a file that is named twice is one."""
    project.file(name="one/03_record_sigma", text="seed: 0\n")
    project.file(name="two/03_record_sigma")
    made = plan([str(project.folder), str(project.folder / "params")], output=project.output)
    assert [one.name for one in made.reports] == ["03_record_sigma/a"]
    assert ["as another file does" in one.message for one in made.faults] == [True]


@pytest.mark.notebook
def test_each_kind_of_parameter_reaches_the_notebook_as_what_it_is(project):
    for i, row in enumerate(TABLES["reach"]):
        name = row["file"].partition(":")[0] if ":" in row["file"] else "limit"
        project.notebook(f"print(repr({name}))", parameters=row["cell"], name=f"kind{i}")
        project.file(text=row["file"] + "\n", name=f"kind{i}")
    done = project.run(project.folder / "params")
    assert done.exit_code == 0, done.output
    shown = [project.executed(name=f"kind{i}").cells[-1].outputs[0].text for i in range(len(TABLES["reach"]))]
    assert shown == [row["shown"] + "\n" for row in TABLES["reach"]]


@pytest.mark.notebook
def test_a_notebook_without_a_parameter_file_runs_on_its_defaults(project):
    left = nbformat.v4.new_code_cell("seed = 99", metadata={"tags": ["injected-parameters"]})  # by Papermill, earlier
    done = project.run(project.notebook(left, FINDINGS))
    assert done.exit_code == 0, done.output
    assert project.record("defaults.findings.json")["findings"][0]["value"] == 0


@pytest.mark.notebook
def test_notebooks_that_were_not_written_for_the_kit_give_pages_with_all_pictures(project):
    done = project.run(OWN / "params")
    assert done.exit_code == 0, done.output
    for name, (parts, pictures) in SHOWN.items():
        page = project.page(name=name)
        assert [part for part in (*parts, "</main>") if part not in page] == []
        assert len(re.findall(r'<img[^>]*src="data:image|<svg', page)) >= pictures
        assert "<script" not in page
    assert project.run(OWN / "params").stdout.count("unchanged") == 3


@pytest.mark.notebook
def test_new_writes_a_notebook_that_runs(project):
    new = lambda name: CliRunner().invoke(app, ["new", name, "--folder", str(project.folder)])
    assert new("my_question").exit_code == 0
    content = json.loads((project.folder / "notebooks" / "my_question.ipynb").read_text())
    assert not any(cell.get("outputs") for cell in content["cells"])
    done = project.run(project.folder / "params" / "my_question" / "first.yaml")
    assert done.exit_code == 0, done.output
    record = project.record("first.findings.json", "my_question")
    assert {finding["name"] for finding in record["findings"]} == {"latest", "share_lower"}
    assert PIXEL[:5] in project.page("first.html", "my_question")
    for name, said in (("my_question", "is there already"), ("../x", "write letters, digits")):
        again = new(name)
        assert (again.exit_code, len(again.stderr.splitlines()), said in again.stderr) == (2, 1, True)


# --- one's own cell

WHOLE_CELL = "\n".join(row["line"] for row in TABLES["cell"].values())
TAKEN = {name: row["taken"] for name, row in TABLES["cell"].items() if row["taken"] is not None}
REFUSED = {name: row["refused"] for name, row in TABLES["cell"].items() if row["refused"] is not None}


def test_the_model_of_ones_own_notebook_is_its_cell(project):
    model = model_of(project.notebook(parameters=WHOLE_CELL))
    assert {field.alias: field.description for field in model.model_fields.values() if field.description} == {
        "symbol": "whose prices", "colour": "of the line", "share": "a decimal", "day": "a leap day",
        "copy": "pydantic's models have this name too",
    }  # fmt: skip
    made = validate(model, TAKEN, origin="own.yaml").model_dump()
    shown = {name: str(one) if isinstance(one, date) else one for name, one in made.items()}
    assert shown == {**TAKEN, "pair": (3, 4), "low": 1, "one": 1}
    defaults = model().model_dump()
    assert (defaults["text"], defaults["high"], defaults["weights"]) == ("\n%d of them\n", 2, {"a": 1.0})


@pytest.mark.parametrize(("name", "value"), [*REFUSED.items(), ("yeers", 3), ("hidden", 1)])
def test_bad_values_of_ones_own_notebook(project, name, value):
    model = model_of(project.notebook(parameters=WHOLE_CELL))
    with pytest.raises(ParameterError, match=f"^own.yaml: {name}: .*") as caught:
        validate(model, {name: value}, origin="own.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "said"), TABLES["none"].items())
def test_a_cell_that_is_none_says_so(tmp_path, content, said):
    (tmp_path / "05_own.ipynb").write_text(content)
    with pytest.raises(ParameterError, match=rf"05_own\.ipynb: {said}"):
        model_of(tmp_path / "05_own.ipynb")


def test_the_names_source_and_as_of_are_ones_own_unless_a_source_of_the_kit_is_named(project):
    model = model_of(project.notebook(parameters='source = "prices.csv"\nas_of = "last friday"'))
    assert model().model_dump() == {"source": "prices.csv", "as_of": "last friday"}
    model = model_of(project.notebook(parameters='source = "bundled"\nas_of = ""\nyears = 3'))
    assert set(model.model_fields) == {"source", "data_dir", "as_of", "seed", "years"}
    assert validate(model, {"as_of": "2024-07-16"}, origin="own.yaml").as_of == date(2024, 7, 16)
    with pytest.raises(ParameterError, match="unknown source 'yahooo'; did you mean yahoo"):
        validate(model, {"source": "yahooo"}, origin="own.yaml")
