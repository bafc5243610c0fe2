"""One way, no circles: the layers as an ordered list, and each file's imports held against it."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from research_lib.project import PROJECT

LIBRARY = PROJECT / "research_lib"
# Each layer may import those before it; those that stand together do not know each other.
LAYERS = (
    {"errors", "project"},
    {"params"},
    {"data", "stats"},
    {"exhibits"},
    {"studies"},
    {"explore", "reports"},
    {"cli"},
    {"__main__"},
)
NO_PARAMETERS = {"stats", "data"}  # numbers in, numbers out; the vendor's rooms know no study
VENDORS = {"yfinance", "pandas_datareader", "exchange_calendars", "curl_cffi"}
FILES = sorted(path for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py")


def imports(path):
    """Every module that a file imports while it is loaded or run, wherever the import stands; not those for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(module):
    return module.split(".")[1]


def floor(name):
    return next(number for number, layer in enumerate(LAYERS) if name in layer)


def own_imports(path):
    return {name for name in imports(path) if name.startswith("research_lib.")}


def faults(path, own):
    """The rooms that a file may not know."""
    known = {name for layer in LAYERS for name in layer}
    used = {room(name) for name in own_imports(path)} & known - {own}
    wrong = {name for name in used if floor(name) >= floor(own)}
    return (
        wrong
        | (used & {"params"} if own in NO_PARAMETERS and own == "stats" else set())
        | (used & {"data"} if own == "stats" else set())
    )


def own_room(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_one_way(path):
    assert not faults(path, own_room(path))


def test_no_file_imports_itself_by_a_way_round():
    modules = {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES
    }
    graph = {name: own_imports(path) & set(modules) - {name} for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"circle: {' > '.join(circle.args[1])}")


def test_no_package_imports_itself_by_a_way_round():
    packages = {path.parent for path in FILES}
    name_of = {folder: ".".join(folder.relative_to(PROJECT).parts) for folder in packages}
    graph = {}
    for folder in packages - {LIBRARY}:
        used = {name for path in folder.glob("*.py") for name in own_imports(path)}
        others = {other for other in name_of.values() if other not in ("research_lib", name_of[folder])}
        graph[name_of[folder]] = {
            max((other for other in others if (name + ".").startswith(other + ".")), key=len, default="")
            for name in used
            if not (name + ".").startswith(name_of[folder] + ".")
        } - {"", name_of[folder].rpartition(".")[0]}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"circle: {' > '.join(circle.args[1])}")


def test_studies_never_import_each_other():
    """Claims drives all of them; the others know neither it nor each other."""
    shared = {"study", "parameters", "sync"}
    for path in (LIBRARY / "studies").rglob("*.py"):
        own = path.relative_to(LIBRARY / "studies").parts[0].removesuffix(".py")
        studies = {name.split(".")[2] for name in own_imports(path) if name.startswith("research_lib.studies.")}
        if own not in ("claims", "parameters"):
            assert studies <= {own} | shared, path.name


def test_only_data_knows_a_vendor():
    for path in FILES:
        if own_room(path) != "data":
            assert not VENDORS & {name.split(".")[0] for name in imports(path)}, path.name


def test_a_forbidden_import_would_be_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from research_lib.studies import record_sigma\n")
    assert faults(path, "stats") == {"studies"}
    assert not faults(path, "reports")
    path.write_text("from research_lib.data import load_prices\n")
    assert faults(path, "stats") == {"data"}
