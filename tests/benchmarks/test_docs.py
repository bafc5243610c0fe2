"""The pages of proof: the code of docs/peers.md runs and its equals are equal; what the other pages name exists."""

import re
from pkgutil import resolve_name

from research_lib.project import PROJECT

DOCS = PROJECT / "docs"


def test_what_the_page_of_peers_calls_equal_is_equal():
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "peers.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    exec("\n".join(blocks), {})  # noqa: S102  # our own page


def test_each_fault_names_a_test_that_exists():
    text = (DOCS / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == len(re.findall(r"^\| \d+ ", text, re.MULTILINE)) >= 80
    code = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    assert {name for _, name in rows} <= set(re.findall(r"def (test_\w+)\(", code))


def test_the_walks_name_what_exists():
    walks = (DOCS / "architecture.md").read_text(encoding="utf-8").split("## From a parameter file")[1]
    names = re.findall(r"`((?:cli|params|data|stats|exhibits|studies|reports)\.[\w.]+)`", walks)
    assert len(names) > 30
    for name in names:
        resolve_name(f"research_lib.{name}")
