"""The project's own files agree with each other."""

import ast
import re
import tomllib

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from research_lib.parameter_files import read_parameters
from research_lib.params import MODELS
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT

NOTEBOOK_FILES = sorted(NOTEBOOKS.glob("*.ipynb"))
STUDY_FILES = [NOTEBOOKS / f"{study}.ipynb" for study in MODELS]
MOST_PARAMETERS = 12


def locked(python: str) -> dict[str, str]:
    """The lock's versions for one Python, by package."""
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line.strip()]
    applying = [one for one in found if one.marker is None or one.marker.evaluate(environment)]
    return {canonicalize_name(one.name): str(one.specifier) for one in applying}


def conda_environment():
    content = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    python = next(entry for entry in content["dependencies"] if str(entry).startswith("python="))
    return python.removeprefix("python="), pip


def project_table():
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_environment_has_the_versions_of_the_lock():
    python, pip = conda_environment()
    pinned = [Requirement(line) for line in pip if not line.startswith("--")]
    versions = locked(python)
    assert {canonicalize_name(one.name): str(one.specifier) for one in pinned} == {
        canonicalize_name(Requirement(line).name): versions[canonicalize_name(Requirement(line).name)]
        for line in project_table()["dependencies"]
    }
    assert "--constraint requirements.lock" in pip


def test_environment_has_the_packages_that_were_asked_for():
    names = {Requirement(line).name for line in conda_environment()[1] if not line.startswith("--")}
    assert {"jupyterlab", "pandas", "statsmodels", "seaborn", "papermill", "yfinance"} <= names


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_lock_satisfies_the_project(python):
    versions = locked(python)
    table = project_table()
    wanted = [*table["dependencies"], *(line for extra in table["optional-dependencies"].values() for line in extra)]
    for line in wanted:
        requirement = Requirement(line)
        version = versions[canonicalize_name(requirement.name)].removeprefix("==")
        assert requirement.specifier.contains(version), line


def test_lock_pins_everything_and_names_no_host():
    text = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links| @ ", text)
    assert all("==" in line for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("path", NOTEBOOK_FILES, ids=lambda path: path.stem)
def test_notebook_is_thin_and_without_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for cell in cells:
        assert not cell.outputs
        assert cell.execution_count is None
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(cell.source)))
    lengths = [len(cell.source.splitlines()) for cell in cells if "parameters" not in cell.metadata.get("tags", [])]
    assert sum(lengths) / len(lengths) < 6


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.stem)
def test_parameters_cell_has_the_defaults_of_the_model(path):
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    statements = ast.parse(cell.source).body
    assert all(isinstance(statement, ast.AnnAssign) for statement in statements)
    values = {statement.target.id: ast.literal_eval(statement.value) for statement in statements}
    assert len(values) <= MOST_PARAMETERS
    model = MODELS[path.stem]
    assert set(values) == set(model.model_fields)
    assert model(**values) == model()


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.stem)
def test_every_parameter_is_explained_without_an_equals_sign(path):
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    for line in cell.source.splitlines():
        comment = line.partition("#")[2]
        assert comment.strip(), line
        assert "=" not in comment, line


@pytest.mark.parametrize(
    "path", sorted(PARAMETERS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_parameter_files_are_valid(path):
    assert read_parameters(path)


@pytest.mark.parametrize("notebook", sorted(MODELS))
def test_every_notebook_has_its_parameter_files(notebook):
    assert (NOTEBOOKS / f"{notebook}.ipynb").is_file()
    slugs = {path.stem for path in (PARAMETERS / notebook).glob("*.yaml")}
    assert "smoke" in slugs
    assert slugs & {"baseline", "articles"}
