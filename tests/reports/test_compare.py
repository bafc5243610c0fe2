"""Two reports side by side."""

import json

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.reports.record import Finding, Record

CARD = {"id": "GSPC", "first": "1950-01-03", "last": "2018-12-31"}


def write(folder, slug, findings, **changes):
    made = {"parameters": {"window": 50, "asset": "GSPC"}, "data": [CARD], "started": "2026-11-20T10:00:00"}
    record = Record(notebook="99_made", slug=slug, status="ok", findings=findings, **{**made, **changes})
    (folder / "99_made").mkdir(exist_ok=True)
    (folder / "99_made" / f"{slug}.findings.json").write_bytes(record.to_json())
    return record


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
    write(tmp_path, "a", findings)
    before = write(tmp_path, "b", [finding("apart", 0.0, low=-0.1, high=0.1)], started="2026-11-19T10:00:00")
    changed = {"window": 100, "asset": "[red]GSPC[/]", "new": [1, 2]}
    cards = [{"id": "RUT", "first": "1987-09-10", "last": "2024-07-16"}]
    write(tmp_path, "b", others, data=cards, parameters=changed, previous=before)
    return tmp_path


def command(folder, *words):
    return CliRunner().invoke(app, ["compare", *map(str, words), "--output", str(folder)], env={"COLUMNS": "150"})


def found(folder, *words):
    done = command(folder, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def cells(output):
    """Words of each line by its first, with the spaces between columns kept as |."""
    lines = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.splitlines()]
    return {line[0]: line[1:] for line in lines if line}


def test_only_intervals_that_do_not_overlap_are_marked_and_what_differs_is_named(two):
    page = two / "99_made" / "b.html"
    for pair in (("99_made/a", page), (page, "99_made/a")):
        apart = [one["name"] for one in found(two, *pair)["findings"] if one["intervals_apart"]]
        assert apart == ["apart"]
    compared = found(two, "99_made/a", page)
    assert (compared["a"], compared["b"], len(compared["findings"])) == ("99_made/a", "99_made/b", 11)
    assert compared["findings"][0] == {
        "name": "apart", "unit": "sigma", "a": {"value": 1.0, "n": 9, "low": 0.5, "high": 1.5},
        "b": {"value": 3.0, "n": 1234, "low": 2.5, "high": 3.5}, "difference": 2.0, "intervals_apart": True,
    }  # fmt: skip
    pairs = {one["name"]: one for one in compared["findings"]}
    assert (pairs["share"]["difference"], pairs["text"]["difference"]) == (-0.25, None)
    assert (pairs["alone_a"]["b"], pairs["alone_b"]["a"]) == (None, None)
    assert compared["parameters"] == {"window": [50, 100], "asset": ["GSPC", "[red]GSPC[/]"], "new": [None, [1, 2]]}
    assert set(compared["data"]) == {"GSPC", "RUT"}
    same = found(two, "99_made/a", "99_made/a")
    assert (same["parameters"], same["data"]) == ({}, {})


def test_the_command_shows_both_with_the_key_findings_first(two):
    done = command(two, "99_made/a", "99_made/b")
    assert done.exit_code == 0, done.output
    shown = cells(done.stdout)
    assert shown["apart"] == ["1.00", "0.50 to 1.50", "3.00", "2.50 to 3.50", "9 / 1,234", "2.00", "≠"]
    assert "≠" not in shown["touching"]
    assert "pp" in shown["share"][-1]
    assert shown["window"] == ["50", "100"]
    assert shown["asset"] == ["GSPC", "[red]GSPC[/]"]
    assert shown["RUT"] == ["–", "1987-09-10 to 2024-07-16"]
    assert "more_3" not in shown
    assert "more findings: --all" in done.stdout
    assert "more_3" in cells(command(two, "99_made/a", "99_made/b", "--all").stdout)


def test_a_report_alone_is_compared_with_the_run_before_it(two):
    values = found(two, "99_made/b")["findings"][0]
    assert (values["a"]["value"], values["b"]["value"]) == (0.0, 3.0)
    alone = command(two, "99_made/a")
    assert (alone.exit_code, len(alone.stderr.splitlines())) == (2, 1)
    assert "no run before it" in alone.stderr


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("99_made/bb", "did you mean 99_made/b?"),
        ("99_made/absent.html", "there is no such report"),
        ("nothing", "run it first"),
        ("99_made/broken", "its last run failed"),
        ("other.json", "there is no such report"),
    ],
)
def test_what_is_no_report_is_one_line(two, name, part, monkeypatch):
    monkeypatch.chdir(two)
    broken = Record(notebook="99_made", slug="broken", status="failed")
    (two / "99_made" / "broken.failed.json").write_bytes(broken.to_json())
    (two / "other.json").write_text('{"a": 1}')
    result = command(two, "99_made/a", name)
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 1)
    assert part in result.stderr
