"""Two reports side by side."""

import json

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.reports.compare import differences, find_record
from research_lib.reports.record import Finding, Record

CARD = {"id": "GSPC", "first": "1950-01-03", "last": "2018-12-31"}


def record(slug, findings, **changes):
    made = {"parameters": {"window": 50, "asset": "GSPC"}, "data": [CARD], "started": "2026-11-20T10:00:00"}
    return Record(notebook="99_made", slug=slug, status="ok", findings=findings, **{**made, **changes})


def write(folder, made):
    (folder / "99_made").mkdir(exist_ok=True)
    (folder / "99_made" / f"{made.slug}.findings.json").write_bytes(made.to_json())


def finding(name, value, unit="sigma", n=9, **changes):
    return Finding(name=name, value=value, unit=unit, n=n, **changes)


@pytest.fixture
def two(tmp_path):
    findings = [
        finding("apart", 1.0, low=0.5, high=1.5), finding("touching", 1.0, low=0.5, high=1.5), finding("alone_a", 1.0),
        finding("text", "yes", unit="text"), finding("share", 0.5, unit="fraction"), finding("half", 1.0, low=0.5),
    ]  # fmt: skip
    others = [
        finding("apart", 3.0, low=2.5, high=3.5, n=1234), finding("touching", 2.0, low=1.5, high=2.5),
        finding("text", "no", unit="text"), finding("share", 0.25, unit="fraction"), finding("half", 9.0, low=8.0),
        finding("alone_b", None), *(finding(f"more_{i}", i) for i in range(4)),
    ]  # fmt: skip
    before = record("b", [finding("apart", 0.0, low=-0.1, high=0.1)], started="2026-11-19T10:00:00")
    write(tmp_path, record("a", findings))
    changed = {"window": 100, "asset": "[red]GSPC[/]", "new": [1, 2]}
    cards = [{"id": "RUT", "first": "1987-09-10", "last": "2024-07-16"}]
    write(tmp_path, record("b", others, data=cards, parameters=changed, previous=before))
    return tmp_path


def found(folder, a="99_made/a", b="99_made/b"):
    return differences(find_record(a, output=folder), find_record(b, output=folder))


def command(folder, *words):
    return CliRunner().invoke(app, ["compare", *map(str, words), "--output", str(folder)], env={"COLUMNS": "150"})


def cells(output):
    """Words of each line by its first, with the spaces between columns kept as |."""
    lines = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.splitlines()]
    return {line[0]: line[1:] for line in lines if line}


def test_only_intervals_that_do_not_overlap_are_marked(two):
    for a, b in (("a", "b"), ("b", "a")):
        pairs = found(two, f"99_made/{a}", f"99_made/{b}")["findings"]
        assert [pair["name"] for pair in pairs if pair["intervals_apart"]] == ["apart"]
    pairs = {pair["name"]: pair for pair in found(two)["findings"]}
    assert (pairs["apart"]["difference"], pairs["share"]["difference"]) == (2.0, -0.25)
    assert pairs["text"]["difference"] is None
    assert (pairs["alone_a"]["b"], pairs["alone_b"]["a"]) == (None, None)


def test_what_they_were_made_from_is_named_where_it_differs(two):
    compared = found(two)
    assert compared["parameters"] == {"window": (50, 100), "asset": ("GSPC", "[red]GSPC[/]"), "new": (None, [1, 2])}
    assert set(compared["data"]) == {"GSPC", "RUT"}
    same = found(two, "99_made/a", "99_made/a")
    assert not same["parameters"]
    assert not same["data"]


def test_the_command_shows_both_with_the_key_findings_first(two):
    done = command(two, "99_made/a", "99_made/b")
    assert done.exit_code == 0, done.output
    shown = cells(done.stdout)
    assert shown["apart"] == ["1.00", "0.50 to 1.50", "9", "3.00", "2.50 to 3.50", "1,234", "2.00", "≠"]
    assert "≠" not in shown["touching"]
    assert shown["share"] == ["50.0%", "9", "25.0%", "9", "−25.0 pp"] or "pp" in shown["share"][-1]
    assert shown["window"] == ["50", "100"]
    assert shown["asset"] == ["GSPC", "[red]GSPC[/]"]
    assert shown["RUT"] == ["–", "1987-09-10 to 2024-07-16"]
    assert "more_3" not in shown
    assert "more findings: --all" in done.stdout
    assert "more_3" in cells(command(two, "99_made/a", "99_made/b", "--all").stdout)


def test_json_has_every_finding(two):
    result = command(two, "99_made/a", two / "99_made" / "b.html", "--json")
    compared = json.loads(result.stdout)
    assert (compared["a"], compared["b"]) == ("99_made/a", "99_made/b")
    assert compared["findings"][0] == {
        "name": "apart", "unit": "sigma", "a": {"value": 1.0, "n": 9, "low": 0.5, "high": 1.5},
        "b": {"value": 3.0, "n": 1234, "low": 2.5, "high": 3.5}, "difference": 2.0, "intervals_apart": True,
    }  # fmt: skip
    assert len(compared["findings"]) == 11


def test_a_report_alone_is_compared_with_the_run_before_it(two):
    compared = json.loads(command(two, "99_made/b", "--json").stdout)
    assert (compared["findings"][0]["a"]["value"], compared["findings"][0]["b"]["value"]) == (0.0, 3.0)
    alone = command(two, "99_made/a")
    assert (alone.exit_code, len(alone.stderr.splitlines())) == (2, 1)
    assert "no run before it" in alone.stderr


@pytest.mark.parametrize(("name", "part"), [
    ("99_made/bb", "did you mean 99_made/b?"),
    ("99_made/absent.html", "there is no such report"),
    ("nothing", "run it first"),
    ("99_made/broken", "its last run failed"),
    ("OTHER", "not a record of findings"),
])  # fmt: skip
def test_what_is_no_report_is_one_line(two, name, part):
    (two / "99_made" / "broken.failed.json").write_text("{}")
    (two / "other.json").write_text('{"a": 1}')
    result = command(two, "99_made/a", two / "other.json" if name == "OTHER" else name)
    assert result.exit_code == 2
    assert part in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
