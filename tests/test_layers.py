"""One way, no circles: the layers as an ordered list, and each file's imports held against it."""

import ast
from graphlib import CycleError, TopologicalSorter

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


def imports(path):
    """Every module that a file imports while it is loaded or run, wherever the import stands; not those for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    typing_only = {id(node) for test in tests for node in ast.walk(test)}
    for node in ast.walk(tree):
        if id(node) not in typing_only and isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif id(node) not in typing_only and isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def own_imports(path):
    return {name for name in imports(path) if name.startswith("research_lib.")}


def own_room(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def faults(path, own):
    """The rooms that a file may not know."""
    used = {name.split(".")[1] for name in own_imports(path)} & FLOOR.keys() - {own}
    return {name for name in used if FLOOR[name] >= FLOOR[own] or name in FORBIDDEN.get(own, ())}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_one_way(path):
    assert not faults(path, own_room(path))


def module(path):
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def package(path):
    return module(path.parent) if path.parent != LIBRARY else module(path)


@pytest.mark.parametrize("name_of", [module, package])
def test_nothing_imports_itself_by_a_way_round(name_of):
    """Neither a file nor a package; a package may hold others, which are then part of it."""
    names, graph = {module(path): name_of(path) for path in FILES}, {}
    for path in FILES:
        used = {names[name] for name in own_imports(path) if name in names}
        own = name_of(path)
        graph.setdefault(own, set()).update(one for one in used if one != own and not own.startswith(f"{one}."))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"circle: {' > '.join(circle.args[1])}")


def test_studies_never_import_each_other():
    """Claims drives all of them; the others know neither it nor each other."""
    shared = {"study", "common", "parameters", "sync"}
    for path in (LIBRARY / "studies").rglob("*.py"):
        own = path.relative_to(LIBRARY / "studies").parts[0].removesuffix(".py")
        studies = {name.split(".")[2] for name in own_imports(path) if name.startswith("research_lib.studies.")}
        assert own in ("claims", "parameters") or studies <= {own} | shared, path.name


def test_only_data_knows_a_vendor():
    known = {
        path.name: VENDORS & {name.split(".")[0] for name in imports(path)}
        for path in FILES
        if own_room(path) != "data"
    }
    assert {name: vendors for name, vendors in known.items() if vendors} == {}


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        ("def f():\n    from research_lib.studies import record_sigma\n", "stats", {"studies"}),
        ("def f():\n    from research_lib.studies import record_sigma\n", "reports", set()),
        ("from research_lib.data import load_prices\n", "stats", {"data"}),
        ("import research_lib.params\n", "stats", {"params"}),
        ("if TYPE_CHECKING:\n    from research_lib.data import DataSet\n", "stats", set()),
    ],
)
def test_a_forbidden_import_would_be_found(tmp_path, text, own, found):
    (tmp_path / "module.py").write_text(text)
    assert faults(tmp_path / "module.py", own) == found
