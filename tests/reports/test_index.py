"""The index, of records written here."""

import html
import json
import re
from types import SimpleNamespace

import pytest

from research_lib.reports.index import write_index

EVIL = "<script>alert(1)</script>"


def finding(name, value, *, low=None, high=None, n=9, unit="sigma"):
    return {"name": name, "value": value, "unit": unit, "n": n, "low": low, "high": high, "definition": "d"}


def record(slug, *, notebook="99_made", **changes):
    return {
        "notebook": notebook, "slug": slug, "status": "ok", "answer": "It is 1. More follows.", "message": "", "cell": None,
        "parameters": {"window": 50, "asset": "GSPC"},
        "data": [{"id": "GSPC", "first": "1950-01-03", "last": "2018-12-31", "sha256": "a" * 64}],
        "findings": [finding("none", None), finding("first", 1.25, low=-0.5, high=1.5), finding("share", 0.125, unit="fraction")],
        "started": "2026-11-21T18:00:00+00:00", "duration_seconds": 4.2, "inputs": "one", **changes,
    }  # fmt: skip


def write(folder, one, kind="findings", *, pages=True):
    path = folder / one["notebook"] / f"{one['slug']}.{kind}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(one), encoding="utf-8")
    if pages and kind != "previous":
        page = path.with_name(f"{one['slug']}{'.failed' if kind == 'failed' else ''}.html")
        page.write_text("", encoding="utf-8")


def rows(folder, results=()):
    """The cells of each row of the index as texts, by the report's name."""
    page = write_index(folder, results).read_text(encoding="utf-8")
    found = {}
    for row in re.findall(r"<tr class=.*?</tr>", page, re.S):
        cells = re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
        texts = [" ".join(html.unescape(re.sub("<.*?>", " ", cell)).split()) for cell in cells]
        found[texts[0].replace("/ ", "/")] = texts[1:]
    return page, found


def test_a_row_says_what_one_wants_to_know(tmp_path):
    write(tmp_path, record("a"))
    write(tmp_path, record("b", parameters={"window": 100, "asset": "GSPC"}))
    write(tmp_path, record("c", notebook="98_other", parameters={"large": 5}))
    page, found = rows(tmp_path)
    assert found["99_made/a"] == [
        "ok",
        "window 50",
        "It is 1. first 1.25 sigma [−0.5 to 1.5] n 9 share 12.50% n 9",
        "GSPC, 1950-01-03 to 2018-12-31",
        "4 s 2026-11-21",
        "–",
    ]
    assert found["99_made/b"][1] == "window 100"
    assert found["98_other/c"][1] == "–"  # it has no sibling
    assert 'href="99_made/a.html"' in page


def test_key_findings_are_those_that_the_notebook_names(tmp_path):
    names = ["other", "return_period_years", "asof_sigma"]
    write(tmp_path, record("a", notebook="03_record_sigma", findings=[finding(name, 1.0) for name in names]))
    write(tmp_path, record("a", notebook="01_rate_cut_regimes", parameters={"horizon": 6},
                           findings=[finding(f"rel_mean_{months}", 0.01, unit="fraction") for months in (1, 6)]))  # fmt: skip
    _, found = rows(tmp_path)
    assert re.findall(r"\w+(?= 1 )", found["03_record_sigma/a"][2]) == ["asof_sigma", "return_period_years"]
    assert "rel_mean_6 1.00%" in found["01_rate_cut_regimes/a"][2]
    assert "rel_mean_1 " not in found["01_rate_cut_regimes/a"][2]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (
            {"inputs": "two", "findings": [finding("first", 1.0), finding("share", 0.125, unit="fraction")]},
            "first 1 → 1.25",
        ),
        ({"inputs": "two"}, "key findings as before"),
        ({"inputs": "one"}, "inputs unchanged"),
        ({"inputs": "two", "findings": []}, "first none → 1.25 share none → 12.50%"),
    ],
)
def test_change_against_the_run_before(tmp_path, before, said):
    write(tmp_path, record("a"))
    write(tmp_path, record("a", **before), "previous")
    assert rows(tmp_path)[1]["99_made/a"][-1] == said


def test_a_failure_stands_beside_the_last_good_run(tmp_path):
    write(tmp_path, record("a"))
    message = "cell 7: ValueError: no /home/someone/file.csv"
    write(tmp_path, record("a", status="failed", message=message, cell=7, findings=[], duration_seconds=1.0), "failed")
    write(tmp_path, record("b", status="insufficient_data", message="too short", findings=[]), "failed", pages=False)
    page, found = rows(tmp_path)
    assert found["99_made/a"][0] == "failed"
    assert (
        "cell 7: ValueError: no file.csv What was made before that Of the last good run , 2026-11-21"
        in found["99_made/a"][2]
    )
    assert "first 1.25 sigma" in found["99_made/a"][2]
    assert page.count('href="99_made/a.html"') == 2
    assert 'href="99_made/a.failed.html"' in page
    assert found["99_made/b"][:3] == ["insufficient data", "–", "too short"]
    assert 'href="99_made/b' not in page


def test_what_was_just_left_out_is_listed_and_what_was_unchanged_is_as_it_was(tmp_path):
    write(tmp_path, record("a"))
    results = [
        SimpleNamespace(name="99_made/gone", status="left_out", message="data_dir x: there is no such folder"),
        SimpleNamespace(name="99_made/a", status="unchanged", message=""),
    ]
    _, found = rows(tmp_path, results)
    assert found["99_made/gone"][:3] == ["left out", "–", "data_dir x: there is no such folder"]
    assert found["99_made/a"][0] == "ok"


def test_a_hundred_points_of_a_sweep_are_folded_under_their_base(tmp_path):
    write(tmp_path, record("baseline"))
    for window in range(100):
        write(tmp_path, record(f"baseline--window={window}", parameters={"window": window, "asset": "GSPC"}))
    page, found = rows(tmp_path)
    assert list(found) == ["99_made/baseline", *(f"99_made/baseline--window={window}" for window in range(100))]
    assert found["99_made/baseline--window=7"][2].startswith("first 1.25")  # the base says the answer
    before, _, folded = page.partition("<details")
    assert before.count("<tr class=") == 1
    assert folded.count("<tr class=") == 100
    assert "99_made/baseline: 100 points" in folded
    assert found["99_made/baseline--window=7"][1] == "window 7"
    assert found["99_made/baseline"][1] == "–"  # its points are no siblings
    assert 'href="99_made/baseline--window%3D7.html"' in page


def test_text_from_data_and_parameters_stays_text(tmp_path):
    evil = [finding(EVIL, EVIL, unit=EVIL)]
    for slug, asset in (("a", EVIL), ("b", "GSPC")):
        cards = [{"id": EVIL, "first": EVIL, "last": EVIL}]
        one = record(slug, parameters={EVIL: asset, "asset": asset}, findings=evil, answer=EVIL, data=cards)
        write(tmp_path, one)
    write(tmp_path, record("a", inputs="two", findings=[]), "previous")
    page, _ = rows(tmp_path, [SimpleNamespace(name="99_made/c", status="failed", message=EVIL)])
    assert page.count("<script") == 1  # its own
    assert page.count("&lt;script&gt;") > 10


def test_an_empty_folder_has_an_index(tmp_path):
    assert "Reports" in rows(tmp_path / "new")[0]


def test_a_file_that_is_no_record_costs_no_index(tmp_path):
    write(tmp_path, record("a"))
    (tmp_path / "99_made" / "torn.findings.json").write_text('{"notebook": "99_')
    assert list(rows(tmp_path)[1]) == ["99_made/a"]
