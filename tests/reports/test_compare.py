"""Two reports side by side."""

import json

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.reports.record import Finding, Record

CARD = {"id": "GSPC", "first": "1950-01-03", "last": "2018-12-31"}
OTHER = {"id": "RUT", "first": "1987-09-10", "last": "2024-07-16"}
UNITS = {"text": "text", "share": "fraction"}
# By finding: value, low, high and n.
A = {
    "apart": (1.0, 0.5, 1.5), "touching": (1.0, 0.5, 1.5), "alone_a": (1.0,), "text": ("yes",), "share": (0.5,), "half": (1.0, 0.5),
}  # fmt: skip
B = {
    "apart": (3.0, 2.5, 3.5, 1234), "touching": (2.0, 1.5, 2.5), "text": ("no",), "share": (0.25,), "half": (9.0, 8.0),
    "alone_b": (None,), **{f"more_{i}": (i,) for i in range(4)},
}  # fmt: skip


def write(folder, slug, findings, ending="findings", **changes):
    parts = {name: dict(zip(("value", "low", "high", "n"), one, strict=False)) for name, one in findings.items()}
    found = [Finding(name=name, **{"unit": UNITS.get(name, "sigma"), "n": 9, **one}) for name, one in parts.items()]
    usual = {"status": "ok", "parameters": {"window": 50, "asset": "GSPC"}, "data": [CARD], "findings": found}
    record = Record(notebook="99_made", slug=slug, **{**usual, **changes})
    (folder / "99_made").mkdir(exist_ok=True)
    (folder / "99_made" / f"{slug}.{ending}.json").write_text(record.model_dump_json())
    return record


@pytest.fixture
def two(tmp_path):
    write(tmp_path, "a", A)
    write(tmp_path, "b", B, data=[OTHER], previous=write(tmp_path, "b", {"apart": (0.0, -0.1, 0.1)}),
          parameters={"window": 100, "asset": "[red]GSPC[/]", "new": [1, 2]})  # fmt: skip
    write(tmp_path, "broken", {}, status="failed", ending="failed")
    return tmp_path


def command(folder, *words):
    return CliRunner().invoke(app, ["compare", *map(str, words), "--output", str(folder)], env={"COLUMNS": "150"})


def test_only_intervals_that_do_not_overlap_are_marked_and_what_differs_is_named(two):
    page = two / "99_made" / "b.html"
    asked = ("99_made/a", page), (page, "99_made/a"), ("99_made/a", "99_made/a"), ("99_made/b",)
    compared, turned, same, alone = (json.loads(command(two, *words, "--json").stdout) for words in asked)
    pairs = {one["name"]: one for one in compared["findings"]}
    assert (compared["a"], compared["b"], len(pairs)) == ("99_made/a", "99_made/b", 11)
    for one in (compared, turned):
        assert [pair["name"] for pair in one["findings"] if pair["intervals_apart"]] == ["apart"]
    assert pairs["apart"] == {
        "name": "apart", "unit": "sigma", "a": {"value": 1.0, "n": 9, "low": 0.5, "high": 1.5},
        "b": {"value": 3.0, "n": 1234, "low": 2.5, "high": 3.5}, "difference": 2.0, "intervals_apart": True,
    }  # fmt: skip
    assert (pairs["share"]["difference"], pairs["text"]["difference"]) == (-0.25, None)
    assert (pairs["alone_a"]["b"], pairs["alone_b"]["a"]) == (None, None)
    assert compared["parameters"] == {"window": [50, 100], "asset": ["GSPC", "[red]GSPC[/]"], "new": [None, [1, 2]]}
    assert (set(compared["data"]), same["parameters"], same["data"]) == ({"GSPC", "RUT"}, {}, {})
    assert [alone["findings"][0][side]["value"] for side in "ab"] == [0.0, 3.0]  # with the run before it


def test_the_command_shows_both_with_the_key_findings_first(two):
    done = command(two, "99_made/a", "99_made/b")
    assert done.exit_code == 0, done.output
    for line in (
        "apart 1.00 0.50 to 1.50 3.00 2.50 to 3.50 9 / 1,234 2.00 ≠", "share 50.00% – 25.00% – 9 −25.0 pp", "more findings: --all",
        "window: 50 in A, 100 in B", "asset: GSPC in A, [red]GSPC[/] in B", "RUT: – in A, 1987-09-10 to 2024-07-16 in B",
    ):  # fmt: skip
        assert line in " ".join(done.stdout.split())
    assert ("more_3" in done.stdout, done.stdout.count("≠")) == (False, 1)
    assert "more_3" in command(two, "99_made/a", "99_made/b", "--all").stdout


@pytest.mark.parametrize(("name", "part"), [
    ("99_made/bb", "did you mean 99_made/b?"), ("99_made/absent.html", "there is no such report"), ("nothing", "run it first"),
    ("99_made/broken", "its last run failed"), ("other.json", "there is no such report"), ("", "no run before it"),
])  # fmt: skip
def test_what_is_no_report_is_one_line(two, name, part, monkeypatch):
    monkeypatch.chdir(two)
    (two / "other.json").write_text('{"a": 1}')
    result = command(two, "99_made/a", *([name] if name else []))
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 1)
    assert part in result.stderr
