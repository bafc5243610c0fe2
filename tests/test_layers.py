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


PATHS = {".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
         for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py"}  # fmt: skip
IMPORTS = {name: imports(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}


def faults(names, own):
    """The rooms that a file may not know; numbers in, numbers out: statistics know no parameters."""
    used = {name.split(".")[1] for name in names if name.startswith("research_lib.")} & FLOOR.keys() - {own}
    return {name for name in used if FLOOR[name] >= FLOOR[own] or (own, name) == ("stats", "params")}


def test_imports_go_one_way_and_only_data_knows_a_vendor():
    assert {name.split(".")[1] for name, names in IMPORTS.items() if names & VENDORS} == {"data"}
    assert {name: wrong for name, names in IMPORTS.items() if (wrong := faults(names, name.split(".")[1]))} == {}
    assert faults(imports("def f():\n    from research_lib.studies import record_sigma\n"), "stats") == {"studies"}
    assert faults(imports("import research_lib.params\n"), "stats") == {"params"}
    assert not faults(imports("if TYPE_CHECKING:\n    from research_lib.data import DataSet\n"), "stats")


@pytest.mark.parametrize("of_packages", [False, True])
def test_nothing_imports_itself_by_a_way_round(of_packages):
    """Neither a file nor a package; a package may hold others, which are then part of it."""
    inside = lambda name: PATHS[name].name != "__init__.py" and name.count(".") > 1
    owners = {name: name.rpartition(".")[0] if of_packages and inside(name) else name for name in PATHS}
    graph = {}
    for name, imported in IMPORTS.items():
        own, used = owners[name], {owners[one] for one in imported & owners.keys()}
        graph.setdefault(own, set()).update(one for one in used if one != own and not own.startswith(f"{one}."))
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_studies_never_import_each_other():
    """Claims drives all of them; the others know neither it nor each other."""
    for file in (name for name in IMPORTS if name.startswith("research_lib.studies.")):
        own = file.split(".")[2]
        studies = {name.split(".")[2] for name in IMPORTS[file] if name.startswith("research_lib.studies.")}
        assert own in {"claims", "parameters"} or studies <= {own, "study", "common", "parameters"}, file
