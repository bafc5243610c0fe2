"""Pages in headless Chromium: understood at once, whole at every width, quiet, and open to all."""

import re
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import PARAMETERS
from research_lib.reports.html import render, to_pdf
from research_lib.reports.index import write_index
from research_lib.reports.record import Finding, Status, read_record, read_records
from research_lib.studies.parameters import MODELS

pytestmark = [pytest.mark.browser, pytest.mark.notebook]

CLAIMS = "04_claims"
PAGES = [*(f"{study}/baseline.html" for study in sorted(MODELS) if study != CLAIMS), f"{CLAIMS}/sayings.html"]
FAILED = "03_record_sigma/broken.failed.html"
ALL = [*PAGES, FAILED, "index.html"]
WIDTHS = [390, 768, 1280]
VIOLATIONS = {"resultTypes": ["violations"]}
CONTRAST = {**VIOLATIONS, "runOnly": ["color-contrast"]}
MEASURES = Path(__file__).with_name("measures.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The reports on bundled data, one that failed in its middle, one left out and a sweep: what an index has to show."""
    folder = tmp_path_factory.mktemp("site")
    files = [str((PARAMETERS / page).with_suffix(".yaml")) for page in PAGES]
    result = CliRunner().invoke(app, ["run", *files, "--output", str(folder)])
    assert result.exit_code == 0, result.output
    made = folder / "03_record_sigma" / "baseline"
    good = read_record(made.with_suffix(".findings.json"))
    notebook = nbformat.read(made.with_suffix(".ipynb"), as_version=4)
    error = nbformat.v4.new_output("error", ename="KeyError", evalue="'x'", traceback=["\x1b[31mKeyError\x1b[0m: 'x'"])
    notebook.cells[6:] = [nbformat.v4.new_code_cell("values['x']", outputs=[error])]
    failed = good.with_(slug="broken", status=Status.FAILED, message="cell 5: KeyError: 'x'", cell=5)
    (folder / FAILED).write_text(render(notebook, failed), encoding="utf-8")
    write_index(folder, [
        *read_records(folder), failed, good.with_(slug="live", status=Status.LEFT_OUT, message="no live snapshot"),
        good.with_(slug="changed", previous=good.with_(numbers=[("2nd", good.numbers[0][1]), *good.numbers[1:]])),
        *(good.with_(slug=f"baseline--window={n}", parameters={**good.parameters, "window": n},
                     findings=[Finding(name="after_21", value=n / 1e4, unit="points", low=-0.01, high=0.02)]) for n in (20, 50, 100)),
    ])  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def axe():
    needs = "axe_playwright_python.sync_playwright"
    return pytest.importorskip(needs, reason="needs axe: pip install -e .[browser]").Axe()


@pytest.fixture
def opened(browser):
    """Open a page, and close it after the test; what it asked for and what it complained of come with it."""
    pages = []

    def at(path, *, width=1280, script=True):
        page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=script)
        pages.append((page, troubles := []))
        page.route(re.compile("^(?!file:)"), lambda route: route.abort())
        page.on("request", lambda request: None if request.url == path.as_uri() else troubles.append(request.url))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(path.as_uri())
        page.evaluate(MEASURES)
        return pages[-1]

    yield at
    for page, _ in pages:
        page.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ALL)
def test_a_page_is_quiet_and_whole_at_every_width_and_in_other_fonts(site, opened, name, width):
    page, troubles = opened(site / name, width=width)
    fonts = [f"document.body.style.fontFamily = '{font}'" for font in ("", "monospace", "serif")]
    for change in (*fonts, "openFolds()"):
        page.evaluate(change)
        assert page.evaluate("tooWide()") <= 0, change
    assert not troubles


@pytest.mark.parametrize("name", ALL)
def test_a_page_is_open_to_all_in_light_and_dark(site, opened, axe, name):
    page, _ = opened(site / name)
    page.evaluate("dropStrokes()")
    if name not in PAGES:
        page.evaluate("openFolds()")
    for scheme, options in (("light", VIOLATIONS), ("dark", CONTRAST)):  # contrast is all that the scheme changes
        page.emulate_media(color_scheme=scheme)
        found = axe.run(page, options=options)
        assert not found.violations_count, found.generate_report()


def test_axe_would_find_a_violation(site, opened, axe):
    page, _ = opened(site / "index.html")
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    assert "color-contrast" in axe.run(page, options=CONTRAST).generate_snapshot()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_little_and_says_it_at_once(site, opened, name, width):
    page, _ = opened(site / name, width=width)
    first = page.locator(".exhibit").first.bounding_box()
    assert first["y"] < 650
    if width == 1280:
        assert first["y"] + first["height"] < 1000  # its source line may stand below the first screen, the picture not
    assert page.locator(".exhibit .picture, .exhibit table").first.bounding_box()["y"] < 900
    text = page.evaluate("unfolded()")
    assert len(text.split()) <= 600
    assert page.evaluate("height()") <= 3500
    assert not re.findall(r"\b[a-z]\w*_\w+|∞|\bnan\b|\bNone\b|\b1 \w+s (?:of|in)\b", text)
    assert page.evaluate("outside()") <= 2  # labels stay inside their pictures, and large enough
    assert page.locator("svg.wide").first.is_visible() is (width > 390)
    assert width == 390 or page.evaluate("smallest()") >= 11 * min(1, width / 860)


def test_code_shows_at_one_switch_without_script(site, opened):
    page, _ = opened(site / PAGES[0], script=False)
    assert not page.locator(".code").first.is_visible()
    page.get_by_label("Show code").check()
    assert page.locator(".code").first.is_visible()
    failed, _ = opened(site / FAILED, script=False)
    assert failed.locator(".code:visible").count() == 1


def test_the_index_is_one_screen_and_a_half_and_filters(site, opened):
    page, _ = opened(site / "index.html")
    assert page.evaluate("height()") <= 1600
    rows, left = page.locator(".reports tbody tr:not(.family):visible"), page.get_by_role("button", name="not made")
    assert rows.count() == len(PAGES) + 3
    left.click()
    assert (rows.count(), left.get_attribute("aria-pressed")) == (1, "true")
    page.get_by_role("button", name="all").click()
    for words, found in (("claims sayings", 1), ("nothing at all", 0)):
        page.get_by_label("Words").fill(words)
        assert (rows.count(), page.locator(".reports tbody:visible").count()) == (found, found)


@pytest.mark.usefixtures("browser")  # which skips where there is none
def test_a_page_prints_as_a_short_pdf(site):
    pdf = to_pdf(site / PAGES[-2]).read_bytes()
    assert pdf.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
