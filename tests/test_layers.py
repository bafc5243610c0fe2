"""One way: params, data → stats → studies → exhibits, findings → notebooks; reports know no study."""

import ast

import pytest

from research_lib.project import PROJECT

LIBRARY = PROJECT / "research_lib"
BASE = {"errors", "project"}
ALLOWED = {
    "errors": set(),
    "project": set(),
    "interrupts": set(),
    "names": set(),
    "shown": set(),
    "claims_file": {"names"},
    "params": BASE | {"names", "claims_file"},
    "data": BASE | {"interrupts", "data"},
    "stats": BASE | {"names", "shown", "stats"},
    "studies": BASE | {"names", "shown", "claims_file", "params", "data", "stats", "studies"},
    "exhibits": BASE | {"params", "data", "stats", "studies", "exhibits", "findings"},
    "findings": BASE | {"data", "stats", "studies", "findings", "exhibits"},
    "parameter_files": BASE | {"params"},
    "preload": {"data", "stats", "exhibits"},  # and by name every module that a notebook may use
    "explore": BASE
    | {"names", "claims_file", "params", "parameter_files", "data", "stats", "studies", "exhibits", "explore"},
    "provenance": BASE | {"params", "exhibits"},
    "reports": BASE | {"interrupts", "params", "parameter_files", "data", "findings", "reports"},
    "cli": BASE | {"params", "parameter_files", "data", "studies", "reports", "cli"},
    "__main__": {"cli"},
    "__init__": set(),
}
MODULES = sorted(LIBRARY.rglob("*.py"))


def imports(path):
    """Every module that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def layer(path):
    first = path.relative_to(LIBRARY).parts[0]
    return first.removesuffix(".py")


def forbidden(path, of_layer):
    used = {name.split(".")[1] for name in imports(path) if name.startswith("research_lib.")}
    return {module for module in used if module in ALLOWED} - ALLOWED[of_layer]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_one_way(path):
    assert not forbidden(path, layer(path))


# Claims drives every study of the kit; the others never import each other, nor it.
DRIVERS = {"claims": {"sigma", "rate_cuts", "leverage"}}


def test_studies_never_import_each_other():
    for path in (LIBRARY / "studies").rglob("*.py"):
        own = path.relative_to(LIBRARY / "studies").parts[0].removesuffix(".py")
        studies = {name.split(".")[2] for name in imports(path) if name.startswith("research_lib.studies.")}
        assert studies <= {own, "result"} | DRIVERS.get(own, set()), path.name


def test_only_data_knows_a_vendor():
    vendors = {"yfinance", "pandas_datareader", "edgar", "exchange_calendars"}
    for path in MODULES:
        if layer(path) != "data":
            assert not vendors & {name.split(".")[0] for name in imports(path)}, path.name


def test_a_forbidden_import_would_be_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from research_lib.studies import sigma\n")
    assert forbidden(path, "stats") == {"studies"}
    assert not forbidden(path, "exhibits")
