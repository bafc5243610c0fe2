"""Two runs side by side."""

import json
import re

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.reports.compare import compare, find_record
from tests.reports.test_index import finding, record, write


@pytest.fixture
def two(tmp_path):
    findings = [
        finding("apart", 1.0, low=0.5, high=1.5), finding("touching", 1.0, low=0.5, high=1.5), finding("alone_a", 1.0),
        finding("text", "yes", unit="verdict"), finding("share", 0.5, unit="fraction"), finding("half", 1.0, low=0.5),
    ]  # fmt: skip
    write(tmp_path, record("a", findings=findings))
    others = [
        finding("apart", 3.0, low=2.5, high=3.5, n=1234), finding("touching", 2.0, low=1.5, high=2.5),
        finding("text", "no", unit="verdict"), finding("share", 0.25, unit="fraction"), finding("half", 9.0, low=8.0),
        finding("alone_b", None),
    ]  # fmt: skip
    cards = [{"id": "RUT", "first": "1987-09-10", "last": "2024-07-16", "sha256": "b" * 64}]
    write(
        tmp_path, record("b", findings=others, data=cards, parameters={"window": 100, "asset": "GSPC", "new": [1, 2]})
    )
    return tmp_path


def found(folder, a="99_made/a", b="99_made/b"):
    return compare(find_record(a, output=folder), find_record(b, output=folder))


def command(folder, *words):
    return CliRunner().invoke(app, ["compare", *map(str, words), "--output", str(folder)], env={"COLUMNS": "150"})


def test_only_intervals_that_do_not_overlap_are_marked(two):
    pairs = {pair.name: pair for pair in found(two).findings}
    assert {name for name, pair in pairs.items() if pair.apart} == {"apart"}
    assert {pair.name for pair in found(two, "99_made/b", "99_made/a").findings if pair.apart} == {"apart"}
    assert (pairs["apart"].difference, pairs["share"].difference) == (2.0, -0.25)
    assert pairs["text"].difference is None
    assert (pairs["alone_a"].b, pairs["alone_b"].a) == (None, None)


def test_what_they_were_made_from_is_named_where_it_differs(two):
    compared = found(two)
    assert compared.parameters == {"window": (50, 100), "new": (None, [1, 2])}
    assert set(compared.data) == {"GSPC", "RUT"}
    same = found(two, "99_made/a", "99_made/a")
    assert not same.parameters
    assert not same.data


def test_the_command_shows_both(two):
    result = command(two, "99_made/a", "99_made/b")
    assert result.exit_code == 0
    lines = {words[1]: " ".join(words) for line in result.stdout.splitlines() if len(words := line.split()) > 2}
    assert "1 [0.5 to 1.5], n 9 │ 3 [2.5 to 3.5], n 1,234 │ 2 │ ≠" in lines["apart"]
    assert "≠" not in lines["touching"]
    assert "50.00%, n 9 │ 25.00%, n 9 │ −25.00%" in lines["share"]
    assert "50 │ 100" in lines["window"]
    assert "– │ 1987-09-10 to 2024-07-16" in lines["RUT"]
    assert re.search(r"only in A: alone_a\nonly in B: alone_b", result.stdout)


def test_json_has_every_finding(two):
    result = command(two, "99_made/a", two / "99_made" / "b.html", "--json")
    compared = json.loads(result.stdout)
    assert (compared["a"], compared["b"]) == ("99_made/a", "99_made/b")
    assert compared["findings"][0] == {
        "name": "apart", "unit": "sigma", "a": {"value": 1.0, "n": 9, "low": 0.5, "high": 1.5},
        "b": {"value": 3.0, "n": 1234, "low": 2.5, "high": 3.5}, "difference": 2.0, "intervals_apart": True,
    }  # fmt: skip
    assert len(compared["findings"]) == 7


def test_text_in_brackets_is_no_markup(two):
    write(two, record("c", parameters={"asset": "[red]GSPC[/]"}))
    assert "[red]GSPC[/]" in command(two, "99_made/a", "99_made/c").stdout


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("99_made/bb", "did you mean 99_made/b?"),
        ("99_made/absent.html", "there is no such report"),
        ("nothing", "run it first"),
    ],
)
def test_an_unknown_report_is_one_line(two, name, part):
    result = command(two, "99_made/a", name)
    assert result.exit_code == 2
    assert part in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_record_is_one_line(two):
    (two / "other.json").write_text('{"a": 1}')
    result = command(two, two / "other.json", "99_made/a")
    assert result.exit_code == 2
    assert "is no record of findings" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_run_is_compared_with_the_one_before(two):
    write(two, record("a", findings=[finding("apart", 0.0, low=-0.1, high=0.1)]), "previous")
    pairs = found(two, str(two / "99_made" / "a.previous.json"), "99_made/a").findings
    assert pairs[0].apart
