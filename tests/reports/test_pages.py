"""What a page looks like: of small notebooks made here, and of every study's smoke report."""

import re
from base64 import b64encode

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from research_lib.exhibits.figure import Figure, canvas, finish
from research_lib.exhibits.table import parameters_table, table
from research_lib.project import PROJECT
from research_lib.reports.html import Failure, render
from tests.reports.conftest import OF_THE_ENVIRONMENT, STUDIES, broken

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def shows(**data):
    kinds = {"html": "text/html", "markdown": "text/markdown", "plain": "text/plain"}
    return new_output("display_data", {kinds[kind]: value for kind, value in data.items()})


def complains(text):
    return new_output("stream", name="stderr", text=text)


def code(*outputs, source="show()", tags=()):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def page(*cells, failure=None):
    notebook = new_notebook(cells=[new_markdown_cell("# A title\n\nA question?"), *cells])
    return render(notebook, name="99_made", slug="here", failure=failure)


def body(html):
    return html.partition("<body>")[2]


def test_title_and_answer_stand_first_whatever_their_place():
    answer = code(shows(markdown="**Yes**, by 3.5 points. It may be chance."), tags=["headline"])
    html = body(page(new_markdown_cell("## Data"), code(shows(plain="later")), answer))
    order = [
        html.index(text) for text in ("<h1>A title</h1>", "<strong>Yes</strong>", "A question?", 'id="Data"', "later")
    ]
    assert order == sorted(order)
    assert "<p><strong>Yes</strong>, by 3.5 points.</p>" in html  # its first sentence is a paragraph of its own


def test_contents_lead_to_every_section_and_code_is_folded():
    html = body(
        page(new_markdown_cell("## `Data`, and *more*"), code(shows(plain="1")), new_markdown_cell("## Data & rest"))
    )
    links = dict(re.findall(r'<li><a href="#([^"]*)">(.*?)</a>', html))
    assert links == {"Data-and-more": "Data, and more", "Data-rest": "Data &amp; rest"}
    for name in links:
        assert f'<h2 id="{name}">' in html
    assert html.count('<details class="code">') == 1


def test_warnings_are_counted_at_the_end_without_the_place_where_they_arose():
    warning = (
        "/home/someone/lib/python3.13/site-packages/numpy/core.py:9: RuntimeWarning: divide by zero\n  return a / b\n"
    )
    cell = code(complains(warning), shows(plain="result"))
    html = body(page(cell, code(complains(warning + "\x1b[31mread /home/someone/data/file.csv\x1b[0m\n"))))
    assert "RuntimeWarning: divide by zero <strong>(2 times)</strong>" in html
    assert "read file.csv <strong>(1 time)</strong>" in html
    assert html.index("result") < html.index('id="warnings"')
    assert "/home/someone" not in html
    assert "a / b" not in html
    assert "No cell gave a warning" in page(code(shows(plain="result")))


def test_text_from_data_stays_text():
    evil_table = table(EVIL, [{"a": EVIL, "b": EVIL}], note=EVIL)._repr_html_()
    html = body(
        page(
            code(shows(markdown=EVIL), shows(markdown=f"Said {EVIL}")),
            code(shows(markdown="[here](javascript:alert(1))"), shows(markdown=f"With $\\text{{{EVIL}}}$")),
            code(shows(html=evil_table)),
            code(shows(html=parameters_table({"asset": EVIL})._repr_html_())),
            code(shows(plain=EVIL), new_output("stream", name="stdout", text=EVIL), complains(EVIL)),
            new_markdown_cell(f"## {EVIL}"),
            code(source=f"asset = '{EVIL}'"),
            failure=Failure(3, EVIL, {EVIL: EVIL}),
        )
    )
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html
    assert html.count("&lt;script&gt;") > 8


def test_dollars_in_text_from_data_cost_no_report():
    assert "}{" in page(code(shows(markdown="from $}{$ on")))


def test_a_failed_report_says_so_on_top_and_ends_with_the_failing_cell(executed):
    study = "03_record_sigma"
    failure = Failure(
        12, "ZeroDivisionError: division by zero in /home/someone/kit/a.py", {"asset": "IXIC", "window": 50}
    )
    html = body(render(broken(executed(study)), name=study, slug="smoke", failure=failure))
    banner = re.search(r'<section [^>]*class="failure" role="alert".*?</section>', html, re.S)[0]
    for part in (
        "stopped in cell 12.",
        "division by zero in a.py",
        "<dt>asset</dt><dd>IXIC</dd>",
        "<dt>window</dt><dd>50</dd>",
    ):
        assert part in banner
    assert html.index("<h1") < html.index(banner) < html.index("standard deviations</strong>")
    assert html.count('<details class="code" open') == 1  # the failing cell's
    assert html.index('<span class="n">records</span>') > html.index(
        '<p class="error"><strong>ZeroDivisionError</strong>: division by zero'
    )
    for part in ("relative_moves", "papermill", "An Exception", "Findings", "/home/someone", "\x1b"):
        assert part not in html, part


def test_a_failure_before_the_headline_leaves_no_empty_answer(executed):
    html = body(
        render(broken(executed("03_record_sigma"), at="load"), name="n", slug="s", failure=Failure(None, "no", {}))
    )
    assert 'class="answer"' not in html
    assert "The answer in brief" not in html
    assert "This report stopped early.</strong>" in html


def test_pictures_are_the_smaller_of_two_and_share_no_name():
    few, many = drawn([1.0, 2.0]), drawn([float(n % 7) for n in range(3000)])
    assert "<svg " in few._repr_html_()
    assert "<img " in many._repr_html_()
    assert many.png.startswith(b"\x89PNG\r\n\x1a\n")
    assert f'src="data:image/png;base64,{b64encode(many.png).decode()}"' in many._repr_html_()
    assert len(many.svg) > len(many.png)
    assert few == drawn([1.0, 2.0])  # the same bytes each time
    other = drawn([1.0, 2.0], title="Another")
    names = [set(re.findall(r'\bid="([^"]*)"', one.svg)) for one in (few, other)]
    assert names[0]
    assert not names[0] & names[1]
    assert 'role="img" aria-label="It rises to &quot;2&quot;."' in few._repr_html_()
    assert set(re.findall(r"url\(#(\w+)\)|href=\"#(\w+)\"", few.svg)) <= {
        (a, b) for a in ["", *names[0]] for b in ["", *names[0]]
    }


def drawn(values, title="A line") -> Figure:
    with canvas() as empty:
        axes = empty.subplots()
        axes.plot(values, marker="o")
        axes.set_ylabel("value, 4.0625 at most")
    return finish(empty, title=title, caption="One value a step.", alt='It rises to "2".')


def test_a_picture_keeps_the_digits_of_its_words():
    assert "value, 4.0625 at most" in drawn([1.0, 2.0]).svg


@pytest.mark.notebook
@pytest.mark.parametrize("study", STUDIES)
class TestEveryStudy:
    @pytest.fixture
    def html(self, reports, study):
        return (reports / study / "smoke.html").read_text(encoding="utf-8")

    def test_it_needs_no_network_and_no_script_and_is_small(self, html):
        assert "<script" not in html
        assert "default-src 'none'" in html
        assert not re.search(r'(?:src|href)="(?!data:|#|\.\./index\.html)', html)
        assert not re.search(r"@import|url\((?!data:|#)", html)
        assert len(html.encode()) < 1_500_000

    def test_neither_the_environment_nor_the_machine_shows(self, reports, study):
        for path in (reports / study).iterdir():
            text = path.read_text(encoding="utf-8")
            assert OF_THE_ENVIRONMENT not in text
            assert str(PROJECT) not in text

    def test_it_reads_from_the_top(self, html):
        words = (
            "<h1",
            'class="answer"',
            "Parameters</td>",
            'id="Data"',
            "What was read</td>",
            'id="Findings"',
            'id="Provenance"',
        )
        places = [html.index(word) for word in words]
        assert places == sorted(places)
        assert html.count("<h1") == 1

    def test_every_name_is_given_once_and_every_link_leads_somewhere(self, html):
        names = re.findall(r'\bid="([^"]*)"', html)
        assert len(names) == len(set(names))
        used = re.findall(r'(?:href="#|url\(#)([^")]*)', html)
        used += re.findall(r'(?:aria-labelledby|headers)="([^"]*)"', html)
        assert {name for one in used for name in one.split()} <= set(names)

    def test_every_picture_has_words_and_a_caption(self, html, study):
        pictures = re.findall(r"<figure>.*?</figure>", html, re.S)
        assert len(pictures) >= (2 if study == "04_claims" else 5)
        for picture in pictures:
            assert re.search(r'<img [^>]*alt="[^"]{30,}"|<svg (?=[^>]*role="img")[^>]*aria-label="[^"]{30,}"', picture)
            assert re.search(r"<figcaption>.{20,}</figcaption>", picture, re.S)

    def test_its_tables_share_one_style_and_can_be_scrolled_by_keyboard(self, html):
        assert html.count("<style>") == 1
        frames = re.findall(r'<div aria-labelledby="[^"]*-title" id="t-[^>]*>|<div id="t-[^>]*>', html)
        assert len(frames) == html.count('class="gt_table"') > 5
        assert all('tabindex="0"' in frame for frame in frames)
