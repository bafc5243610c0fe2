"""The index, of records made here."""

import re
from urllib.parse import unquote

from research_lib.exhibits.exhibit import VERDICT_LOOK
from research_lib.reports.index import write_index
from research_lib.reports.record import Finding, Record
from tests.conftest import read_table
from tests.reports.conftest import words

EVIL = '<script>alert("1")</script>'
RESULT = {
    "question": "Does it rise?", "verdict": "holds", "headline": "It rose in 3 of 8 cycles", "standfirst": "By 2 points. More follows.",
    "numbers": [("+0.3 pp", "in a year (−9.8 to +10.4)"), ("3 of 8", "cycles")], "hero": "hero",
}  # fmt: skip


def record(name, status="ok", *, to="2018-12-31", summary=RESULT, **changes):
    notebook, slug = name.split("/")
    usual = {"parameters": {"window": 50, "asset": "GSPC"}, "started": "2026-11-21T18:00", "data": [{"last": to}]}
    return Record(notebook=notebook, slug=slug, status=status, **usual | (summary if status == "ok" else {}) | changes)


def finding(value, name="mean_return", **changes):
    return Finding(name=name, value=value, **{"unit": "points", "n": 8, **changes})


def index(folder, *records):
    write_index(folder, records)
    return (folder / "index.html").read_text(encoding="utf-8")


def every(pattern, page):
    """What stands in each match of a pattern, as words."""
    return [words(one) for one in re.findall(pattern, page, re.S)]


def rows(page):
    """The cells of each report's row as texts, by the report's name."""
    table = re.findall(r"<tr class=\"(?!family).*?</tr>", page, re.S)
    return {first: rest for first, *rest in (every(r"<t[hd].*?</t[hd]>", row) for row in table)}


def test_a_line_says_what_differs_what_was_found_and_how_sure_or_why_it_is_not_there(tmp_path):
    (tmp_path / "09_own").mkdir()
    (tmp_path / "09_own" / "a.failed.html").touch()
    for name, status, ending in (("f", "ok", "findings"), ("f", "failed", "failed"), ("g", "ok", "findings")):
        path = tmp_path / "09_own" / f"{name}.{ending}.json"
        path.write_text(record(f"09_own/{name}", status, message="no kernel").model_dump_json())
    lines = read_table("reports/index.yaml")
    expected = {line["name"].partition("/")[2].replace("_", " "): line.pop("row") for line in lines if "row" in line}
    page = index(tmp_path, *(record(**line) for line in lines))
    assert {name: row for name, row in rows(page).items() if name != "baseline"} == expected
    assert every(r'<tr class="family">.*?</tr>', page) == ["Does it rise?", "How far did it move?", "Does it rise?"]
    linked = {name: f'href="09_own/{name}.html"' in page for name in ("wide_window", "a.failed", "a", "b.failed")}
    assert [name for name in linked if not linked[name]] == ["b.failed"]
    assert "11 reports · 1 not made: the data is not here · 4 could not be made · the last made" in words(page)


def test_what_changed_stands_on_top(tmp_path):
    numbers = [("+0.1 pp", "in a year (−9.8 to +10.4)"), ("2 of 7", "cases")]
    before = record("09_own/a", verdict="open", numbers=numbers)
    same, first = record("09_own/b", previous=record("09_own/b")), record("09_own/c")
    page = index(tmp_path, record("09_own/a", previous=before), same, first)
    change = "verdict: open → holds; in a year (−9.8 to +10.4): +0.1 pp → +0.3 pp"
    assert [one[-1] for one in rows(page).values()] == [change, "", ""]
    assert page.index("Changed since the run before") < page.index(change) < page.index('class="cards"')
    assert "Changed since" not in index(tmp_path, first)
    assert "0 reports" in words(index(tmp_path / "empty"))


def test_a_question_has_one_card_of_the_baseline_with_its_picture(tmp_path):
    (tmp_path / "09_own").mkdir()
    for slug in ("a", "baseline"):
        drawn = f'<svg class="wide">no</svg><svg class="narrow">{slug}</svg><svg class="narrow">no</svg>'
        (tmp_path / "09_own" / f"{slug}.html").write_text(drawn, encoding="utf-8")
    page = index(tmp_path, record("09_own/a"), record("09_own/baseline", to="2025-12-31"), record("08_other/a"))
    says = "● claim holds Does it rise? It rose in 3 of 8 cycles By 2 points."
    assert every(r"<article.*?</article>", page) == [says, f"{says} baseline"]
    assert '<h2><a href="09_own/baseline.html"' in page
    assert "latest data 2025-12-31" in words(page)


def test_the_score_counts_verdicts(tmp_path):
    counts = {"holds": 39, "fails": 15, "no_data": 11, "stand_in": 2, "open": 0}
    findings = [finding(count, name, unit="count") for name, count in counts.items()] + [finding(0.5, "share")]
    page = index(tmp_path, record("04_claims/articles", findings=findings))
    score = "39 15 2 11 67 claims (report: articles) : 39 holds 15 fails 2 stand-in 11 no data"
    assert every(r'<figure class="score".*?</figure>', page) == [score]
    assert f"flex-grow:39;background:{VERDICT_LOOK['holds'][0]}" in page
    assert 'class="score"' not in index(tmp_path, record("09_own/a", findings=[finding(0.5)]))


def test_a_sweep_is_a_picture_and_its_points_in_order(tmp_path):
    points = [
        record(f"09_own/a--window={n}", parameters={"window": n}, findings=[finding(7.0, "plain"), finding(n / 1000, low=0.01, high=0.2)])
        for n in (100, 20, 50)
    ]  # fmt: skip
    before = record("09_own/a--window=9", parameters={"window": 9}, findings=[finding(0.5)])
    page = index(tmp_path, *points, before, record("09_own/a--window=9", "failed", message="too short"))
    assert rows(page) == {}
    picture = re.search(r'<figure class="exhibit figure" id="sweep-09_own-a".*?</figure>', page, re.S)[0]
    assert 'aria-label="window 20: +2.0 pp; window 50: +5.0 pp; window 100: +10.0 pp"' in picture
    assert "Mean return: +2.0 pp to +10.0 pp" in picture
    csv_link = unquote(re.search(r'href="data:text/csv;charset=utf-8,(.*?)"', picture)[1])
    assert csv_link.splitlines()[1:] == ["20,0.02,0.01,0.2", "50,0.05,0.01,0.2", "100,0.1,0.01,0.2"]
    said = [f"window {n} : It rose in 3 of 8 cycles" for n in (20, 50, 100)]
    assert every(r"<li>.*?</li>", page.partition("Variants of")[2]) == ["window 9: too short", *said]


def test_a_point_of_a_sweep_may_lack_its_number_and_one_alone_is_no_sweep(tmp_path):
    points = [record(f"09_own/a--window={n}", findings=[finding(value)]) for n, value in ((20, 0.02), (50, None))]
    assert "2 reports with other settings" in words(index(tmp_path, *points))
    trials = [record(f"09_own/a--{one}=7", parameters={one: 7}, findings=[finding(0.1)]) for one in ("window", "gap")]
    assert "sweep-09_own-a" not in index(tmp_path / "trials", *trials)
    alone = record("09_own/a--window=100", parameters={"window": 100, "asset": "GSPC"})
    page = index(tmp_path, record("09_own/a"), alone, record("my--own/a"), record("my--own/b"))
    assert {name: cells[0] for name, cells in rows(page).items()} == {"a": "", "a--window=100": "window: 100", "b": ""}
    assert "Variants of" not in page


def test_all_findings_are_one_table(tmp_path):
    found = [finding(0.1, low=0.0, high=0.2, definition='the "mean"'), finding(None, "none")]
    good = record("09_own/a", findings=found)
    index(tmp_path, record("09_own/a", "failed"), good, record("09_own/b--x=1", findings=[finding(3, "k")]))
    assert (tmp_path / "findings.csv").read_text(encoding="utf-8").splitlines() == [
        "notebook,slug,name,value,unit,n,low,high,definition",
        '09_own,a,mean_return,0.1,points,8,0.0,0.2,"the ""mean"""',
        "09_own,a,none,,points,8,,,",
        "09_own,b--x=1,k,3,points,8,,,",
    ]


def test_text_from_data_stays_text_and_odd_names_are_linked(tmp_path):
    odd = record("09_own/a", parameters={EVIL: EVIL}, message=EVIL, findings=[finding(EVIL, EVIL)],
                 summary={**RESULT, "question": EVIL, "headline": EVIL, "standfirst": EVIL, "numbers": [(EVIL, EVIL)]})  # fmt: skip
    failed, linked = record("09_own/b", "failed", message=EVIL), record("09_own/c#1", parameters={}, previous=odd)
    page = index(tmp_path, odd, failed, linked)
    assert page.count("<script") == 1
    assert re.search(r"script-src 'sha256-[\w+/]+='", page)
    assert page.count("&lt;script&gt;") >= 8
    assert "09_own/c%231.html" in page
