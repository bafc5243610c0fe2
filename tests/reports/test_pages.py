"""What a page looks like: of small notebooks made here, and of every study's smoke report."""

import base64
import re
from dataclasses import asdict, replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from research_lib.errors import ResearchError
from research_lib.exhibits import charts
from research_lib.exhibits.exhibit import Table
from research_lib.exhibits.findings import Summary
from research_lib.project import PROJECT
from research_lib.reports import html as pages
from research_lib.reports.html import files_beside, render, to_pdf
from research_lib.reports.make import read_findings
from research_lib.reports.record import Record
from research_lib.studies.parameters import MODELS
from tests.conftest import read_table
from tests.reports.conftest import OF_THE_ENVIRONMENT, words

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SHOWN = read_table("reports/shown.yaml")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
OTHER = base64.b64encode(b"another").decode()
SUMMARY = Summary(
    "holds", "The close was a record. It was no signal.", "It was the highest of 9,235 sessions. What followed was like any other day.",
    (("1st", "of 9,235 sessions"), ("−0.6 pp", "next month (−2.5 to +1.3)")), "hero", ("Closes only.", "Few episodes."),
    "A longer history.", question="How extreme is a move?",
)  # fmt: skip


def shows(metadata=None, **data):
    data = {kind if "/" in kind else f"text/{kind}": value for kind, value in data.items()}
    return new_output("display_data", data, metadata=metadata or {})


def exhibit(one):
    bundle, about = one._repr_mimebundle_()
    return new_output("display_data", bundle, metadata=about)


def says(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def code(*outputs, source="show()", tags=()):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def asked(status="ok", **changes):
    return Record(notebook="99_made", slug="here_now", status=status, started="2026-11-26T05:00:00", **changes)


def page(*cells, record=None, folder=None, title="# A title\n\nA question?"):
    notebook = new_notebook(cells=[new_markdown_cell(title), *cells])
    record = (record or asked()).with_(title=read_findings(notebook)["title"])
    return render(notebook, record, folder=folder).partition("<body>")[2]


def in_order(html, *parts):
    return re.search(".*".join(map(re.escape, parts)), html, re.S)


@pytest.fixture(scope="module")
def answered():
    """A page with a summary, a hero and folds."""
    table = exhibit(Table("after", "What followed", pd.DataFrame({"n": [1]}), ("n",)))
    rows = pd.DataFrame({"value": [1.0, 2.0]}, ["one", "two"])
    figure = charts.intervals(rows, bar=True, name="n", title="Two is more", alt="Two is twice one.")
    about = {"title": "Record sigma", "data": [{"id": "RUT", "last": "2024-07-16"}], "inputs": "829e184e77"}
    shown = new_output("display_data", SUMMARY._repr_mimebundle_())
    cells = [
        code(shown, source="study.show.summary", tags=["headline"]), new_markdown_cell("Before the hero."),
        code(exhibit(replace(figure, id="hero", source="Source: made here.")), source="study.show.hero"),
        new_markdown_cell("## Seen at once"),
        new_markdown_cell("## Method\n\nFolded words.", metadata={"tags": ["fold"]}),
        new_markdown_cell("## All tables", metadata={"tags": ["fold"]}), code(table, table),
        new_markdown_cell("## Seen again"), code(shows(plain="at the end")),
    ]  # fmt: skip
    return page(*cells, title="# Record sigma\n\nA question?", record=asked(**asdict(SUMMARY) | about))


def test_the_answer_stands_first_then_the_picture_then_the_notebook(answered):
    assert in_order(
        answered, "Record sigma › ", "here now", "claim holds</span></span> How extreme is a move?", "<h1>The close was a record.", "It was the highest",
        ">1st</dd>", 'id="hero"', "Before the hero.", "Seen at once", "A longer history.", "Few episodes.", ">Method</h2>", "Seen again",
    )  # fmt: skip
    # The standfirst stands above, and to copy.
    assert [answered.count(part) for part in ("<h1", SUMMARY.standfirst, '<div class="code">')] == [1, 2, 4]
    assert '<input type="checkbox" id="show-code"> Show code' in answered
    assert ", data to 2024-07-16, inputs 829e184e." in words(answered).replace(" ,", ",")
    files = files_beside(answered)
    assert (set(files), files_beside(page())) == ({"figures/hero.svg", "summary.txt"}, {})
    assert "Two is more" in files["figures/hero.svg"]
    assert files["summary.txt"].startswith("The close was a record. It was no signal.\n\nIt was the highest")
    assert len(files["summary.txt"].split()) <= 80


def test_a_fold_ends_with_the_next_heading_and_contents_lead_to_every_section_and_exhibit(answered):
    folds = dict(re.findall(r'<details class="fold" id="([^"]*)">(.*?)</details>', answered, re.S))
    assert [*folds] == ["to-method", "to-all-tables"]
    assert in_order(words(answered), "Folded words.", "All tables 2 tables", "Seen again", "at the end")
    assert ("Folded words." in folds["to-method"], "at the end" in folds["to-all-tables"]) == (True, False)
    links = dict(re.findall(r'<li><a href="#([^"]*)">(.*?)</a>', answered.partition("</nav>")[0]))
    names = ["to-seen-at-once", "to-seen-again", "limits", "to-method", "to-all-tables"]
    assert (list(links), links["limits"]) == (names, "What would change our mind")
    assert all(f'id="{name}"' in answered for name in links)


def test_own_notebooks_show_everything_in_order():
    cells = code(says("one")), new_markdown_cell("## Two\n\nthree"), code(shows(plain="four")), new_raw_cell("five")
    html = page(*cells)
    assert in_order(html, ">A title</h1>", "A question?", "one", "Two</h2>", "three", "four", "five")
    assert ("badge" in html, "Contents" in html) == (False, True)
    rest = page(title="# **Own** [title](a.md)\n\nA question?", record=asked(headline="Found", verdict="finding"))
    assert ("Own title › " in rest, "A question?" in rest) == (True, True)
    bare = page(title="no title")
    assert ("<h1>99_made</h1>" in bare, "Contents" in bare) == (True, False)  # there is nothing to link to


@pytest.mark.parametrize("case", SHOWN)
def test_whatever_a_notebook_shows_is_shown_and_what_is_long_is_folded_or_cut(case):
    given = {kind: value for kind, value in case.items() if kind not in {"page", "metadata", "times"}}
    held = {kind: value * case["times"] for kind, value in given.items()} if "times" in case else given
    html = page(code(says(held["stdout"]) if "stdout" in held else shows(case.get("metadata"), **held)))
    assert case["page"] in html
    assert not re.search("<script|<iframe|=.?https://a.b", html)


def test_messages_are_folded_and_a_long_error_is_cut():
    parts = says("/home/a/core.py:9: RuntimeWa", "stderr"), says("rning: divide", "stderr")
    assert 'messages</summary><pre tabindex="0">core.py:9: RuntimeWarning: divide' in page(code(*parts))
    error = new_output("error", ename="KeyError", evalue="x" * 100_000, traceback=["in full"])
    assert f"{'x' * 1997}...</p>" in page(code(error))


def test_pictures_beside_the_notebook_and_attachments_are_taken_along(tmp_path):
    (tmp_path / "plot.png").write_bytes(base64.b64decode(PNG))
    beside = "![a plot](plot.png) ![](gone.png) ![](https://a.b/c.png)\n\n<br><em onclick='x()'>own</em>\n\n<details>\n\n*inside*\n\n</details>"
    pasted = "![kept](<attachment:a b.png>) <img src='attachment:a b.png'> ![lost](attachment:c.png) *beside*"
    cell = new_markdown_cell(pasted, attachments={"a b.png": {"image/png": OTHER}})
    html = page(new_markdown_cell(beside), cell, code(shows(markdown="![](plot.png?new)")), folder=tmp_path)
    assert [html.count(f'src="data:image/png;base64,{data}"') for data in (PNG, OTHER)] == [2, 2]
    for lost in ("gone.png", "https://a.b/c.png", "attachment:c.png"):
        assert f"[picture not in this page: {lost}]" in html
    assert ("<em>beside</em>" in html, "<em>own</em>" in html) == (True, True)
    assert re.search(r"<details>\s*<p><em>inside</em></p>\s*</details>", html)
    assert not re.search(r'src="(?!data:)', html)


def test_text_from_data_stays_text():
    table = Table("t", EVIL, pd.DataFrame({"name": [EVIL]}), ("name",), note=EVIL, deck=EVIL)
    html = page(
        code(shows(markdown=EVIL), shows(markdown=f"[here](javascript:alert(1)) with $\\text{{{EVIL}}}$"), exhibit(table)),
        code(shows(plain=EVIL), says(EVIL), says(EVIL, "stderr"), new_output("error", ename=EVIL, evalue=EVIL, traceback=[EVIL])),
        new_markdown_cell(f"## {EVIL}\n\n[there](javascript:alert(1))"),
        code(source=f"asset = '{EVIL}'"), record=asked("failed", message=EVIL, cell=3, parameters={EVIL: EVIL}),
    )  # fmt: skip
    assert "<script" not in html
    assert not re.search(r'<img(?! src="data:)', html)
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find_all(lambda tag: any(name.startswith("on") for name in tag.attrs))
    assert not soup.select("[href^='javascript:']")
    assert html.count("&lt;script&gt;") > 8


def test_a_part_that_cannot_be_shown_costs_that_part_only(monkeypatch):
    clean = pages._cleaned
    monkeypatch.setattr(pages, "_cleaned", lambda html, *rest: 1 / ("lost" not in html) and clean(html, *rest))
    html = words(page(new_markdown_cell("lost"), code(says("kept"))))
    assert re.search(r"This part could not be shown \(ZeroDivisionError: division by zero\)\. .*kept", html)


def test_a_failed_report_says_so_on_top_and_shows_the_failing_code():
    said, trace = "division by zero in /home/someone/kit/a.py", ["at /home/someone/x.py"]
    error = new_output("error", ename="ZeroDivisionError", evalue=said, traceback=trace)
    parameters = {"asset": "IXIC", "claims": [{}] * 98}
    record = asked("failed", message=f"cell 2: {said}", cell=2, headline="Old", parameters=parameters)
    html = page(code(says("before"), source="a"), code(error, source="1 / 0"), record=record)
    assert in_order(
        html, "<h1", '<section class="failure" role="alert"', "stopped in cell 2.", "in a.py", "<dt>asset</dt><dd>IXIC</dd>",
        "<dd>98 entries</dd>", "</section>", "before", '<div class="code failing">',
    )  # fmt: skip
    assert not re.search("/home/someone|Old</h1>", html)
    early = page(record=record.with_(cell=None), title="# A title")
    assert ("stopped early" in early, "What follows" in early, "What follows" in html) == (True, False, True)


def test_a_pdf_needs_chromium(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ResearchError, match=r"no PDF of a.html: it needs Chromium"):
        to_pdf(tmp_path / "a.html")


@pytest.mark.notebook
@pytest.mark.parametrize("study", sorted(MODELS))
def test_a_studys_page_needs_no_network_and_no_script_is_small_and_tells_nothing_of_the_machine(reports, study):
    html = (reports / study / "smoke.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert not re.search(r'<script|(?:src|href)="(?!data:|#|\.\./index\.html)|@import|url\((?!data:|#|%23)', html)
    assert len(html.encode()) < 1_500_000
    for path in (path for path in (reports / study).rglob("*") if path.is_file()):
        assert not re.search(f"{OF_THE_ENVIRONMENT}|{re.escape(str(PROJECT))}", path.read_text(encoding="utf-8")), path
    names = re.findall(r'\bid="([^"]*)"', html)
    assert len(names) == len(set(names))  # each is given once, and every link leads to one
    used = re.findall(r'(?:href="#|url\(#)([^")]*)|(?:aria-labelledby|headers)="([^"]*)"', html)
    assert {name for pair in used for one in pair for name in one.split()} <= set(names)
