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
VENDORS = {"yfinance", "pandas_datareader", "exchange_calendars", "curl_cffi"}


def imports(text):
    """Every module that a file imports while it is loaded or run, wherever the import stands; not those for types alone."""
    found, left = set(), [ast.parse(text)]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            left += ast.iter_child_nodes(node)
    return found


IMPORTS = {path: imports(path.read_text("utf-8")) for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py"}


def room(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def faults(names, own):
    """The rooms that a file may not know; numbers in, numbers out: statistics know no parameters."""
    used = {name.split(".")[1] for name in names if name.startswith("research_lib.")} & FLOOR.keys() - {own}
    return {name for name in used if FLOOR[name] >= FLOOR[own] or (own, name) == ("stats", "params")}


def test_imports_go_one_way():
    assert {path.name: wrong for path, names in IMPORTS.items() if (wrong := faults(names, room(path)))} == {}
    assert faults(imports("def f():\n    from research_lib.studies import record_sigma\n"), "stats") == {"studies"}
    assert faults(imports("import research_lib.params\n"), "stats") == {"params"}
    assert not faults(imports("if TYPE_CHECKING:\n    from research_lib.data import DataSet\n"), "stats")


def module(path):
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("of_packages", [False, True])
def test_nothing_imports_itself_by_a_way_round(of_packages):
    """Neither a file nor a package; a package may hold others, which are then part of it."""
    owner = lambda path: path.parent if of_packages and path.parent != LIBRARY else path
    names, graph = {module(path): module(owner(path)) for path in IMPORTS}, {}
    for path, imported in IMPORTS.items():
        own, used = names[module(path)], {names[name] for name in imported & names.keys()}
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
