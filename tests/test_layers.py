"""One way, no circles: the layers as an ordered list, and each file's imports held against it."""

import ast
from graphlib import TopologicalSorter

import pytest

from research_lib.project import PROJECT

LIBRARY = PROJECT / "research_lib"
# Each layer may import those before it; those that stand together do not know each other.
LAYERS = ({"errors", "project"}, {"params"}, {"data", "stats"}, {"exhibits"}, {"studies"}, {"explore", "reports"},
          {"cli"}, {"__main__"})  # fmt: skip
FLOOR = {room: number for number, layer in enumerate(LAYERS) for room in layer}
FORBIDDEN = {"stats": {"params"}}  # numbers in, numbers out
VENDORS = {"yfinance", "pandas_datareader", "exchange_calendars", "curl_cffi"}
FILES = sorted(path for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py")


def imports(text):
    """Every module that a file imports while it is loaded or run, wherever the import stands; not those for types alone."""
    tree, found = ast.parse(text), set()
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    typing_only = {id(node) for test in tests for node in ast.walk(test)}
    for node in (one for one in ast.walk(tree) if id(one) not in typing_only):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


IMPORTS = {path: imports(path.read_text(encoding="utf-8")) for path in FILES}


def room(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def faults(names, own):
    """The rooms that a file may not know."""
    used = {name.split(".")[1] for name in names if name.startswith("research_lib.")} & FLOOR.keys() - {own}
    return {name for name in used if FLOOR[name] >= FLOOR[own] or name in FORBIDDEN.get(own, ())}


def test_imports_go_one_way():
    assert {path.name: faults(names, room(path)) for path, names in IMPORTS.items() if faults(names, room(path))} == {}
    assert faults(imports("def f():\n    from research_lib.studies import record_sigma\n"), "stats") == {"studies"}
    assert faults(imports("import research_lib.params\n"), "stats") == {"params"}
    assert not faults(imports("if TYPE_CHECKING:\n    from research_lib.data import DataSet\n"), "stats")


def module(path):
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def package(path):
    return module(path.parent) if path.parent != LIBRARY else module(path)


@pytest.mark.parametrize("name_of", [module, package])
def test_nothing_imports_itself_by_a_way_round(name_of):
    """Neither a file nor a package; a package may hold others, which are then part of it."""
    names, graph = {module(path): name_of(path) for path in FILES}, {}
    for path, imported in IMPORTS.items():
        own, used = name_of(path), {names[name] for name in imported & names.keys()}
        graph.setdefault(own, set()).update(one for one in used if one != own and not own.startswith(f"{one}."))
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_studies_never_import_each_other():
    """Claims drives all of them; the others know neither it nor each other."""
    for path in (LIBRARY / "studies").rglob("*.py"):
        own = path.relative_to(LIBRARY / "studies").parts[0].removesuffix(".py")
        studies = {name.split(".")[2] for name in IMPORTS[path] if name.startswith("research_lib.studies.")}
        assert own in {"claims", "parameters"} or studies <= {own, "study", "common", "parameters"}, path.name


def test_only_data_knows_a_vendor():
    assert [path.name for path, names in IMPORTS.items() if room(path) != "data" and names & VENDORS] == []
