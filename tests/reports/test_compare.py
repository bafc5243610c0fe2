"""Two reports side by side."""

import json

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.reports.record import Finding, Record
from tests.conftest import read_table

CARD = {"id": "GSPC", "first": "1950-01-03", "last": "2018-12-31"}
OTHER = {"id": "RUT", "first": "1987-09-10", "last": "2024-07-16"}
PAIRS = read_table("reports/compare.yaml")
ABSENT = dict.fromkeys(("value", "low", "high"))


def found(side):
    """What a report found, by name."""
    named = {name: zip((*ABSENT, "n"), row[side], strict=False) for name, row in PAIRS.items() if side in row}
    return {name: {**ABSENT, "n": 9, **dict(one)} for name, one in named.items()}


def write(folder, slug, findings, ending="findings", **changes):
    every = [Finding(name=name, unit=PAIRS[name].get("unit", "sigma"), **one) for name, one in findings.items()]
    usual = {"status": "ok", "parameters": {"window": 50, "asset": "GSPC"}, "data": [CARD], "findings": every}
    record = Record(notebook="99_made", slug=slug, **usual | changes)
    (folder / "99_made").mkdir(exist_ok=True)
    (folder / "99_made" / f"{slug}.{ending}.json").write_text(record.model_dump_json())
    return record


@pytest.fixture
def two(tmp_path):
    before = write(tmp_path, "b", {"apart": {"value": 0.0}})
    write(tmp_path, "a", found("a"))
    asked = {"window": 100, "asset": "[red]GSPC[/]", "new": [1, 2]}
    write(tmp_path, "b", found("b"), data=[OTHER], previous=before, parameters=asked)
    write(tmp_path, "broken", {}, status="failed", ending="failed")
    return tmp_path


def command(folder, *words):
    return CliRunner().invoke(app, ["compare", *map(str, words), "--output", str(folder)], env={"COLUMNS": "150"})


def test_only_intervals_that_do_not_overlap_are_marked_and_what_differs_is_named(two):
    page = two / "99_made" / "b.html"
    asked = ("99_made/a", page), (page, "99_made/a"), ("99_made/a", "99_made/a"), ("99_made/b",)
    compared, turned, same, alone = (json.loads(command(two, *words, "--json").stdout) for words in asked)
    assert (compared["a"], compared["b"]) == ("99_made/a", "99_made/b")
    assert compared["findings"] == [
        {"name": name, "unit": row.get("unit", "sigma"), "a": found("a").get(name), "b": found("b").get(name),
         "difference": row.get("less"), "intervals_apart": row.get("apart", False)}
        for name, row in PAIRS.items()
    ]  # fmt: skip
    assert [pair["name"] for pair in turned["findings"] if pair["intervals_apart"]] == ["apart"]
    assert compared["parameters"] == {"window": [50, 100], "asset": ["GSPC", "[red]GSPC[/]"], "new": [None, [1, 2]]}
    assert (set(compared["data"]), same["parameters"], same["data"]) == ({"GSPC", "RUT"}, {}, {})
    assert [alone["findings"][0][side]["value"] for side in "ab"] == [0.0, 3.0]  # with the run before it


def test_the_command_shows_both_with_the_key_findings_first(two):
    done, full = command(two, "99_made/a", "99_made/b"), command(two, "99_made/a", "99_made/b", "--all")
    assert done.exit_code == 0, done.output
    shown = [f"{name} {row['shown']}" for name, row in PAIRS.items() if "shown" in row]
    differ = (
        "window: 50 in A, 100 in B",
        "asset: GSPC in A, [red]GSPC[/] in B",
        "RUT: – in A, 1987-09-10 to 2024-07-16 in B",
    )
    for line in (*shown, *differ, "1 more finding: --all"):
        assert line in " ".join(done.stdout.split())
    assert ["more " in one.stdout.replace("more finding", "") for one in (done, full)] == [False, True]
    assert "alone_b" not in full.stdout


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
