"""Pages in headless Chromium: nothing leaves them, no error, no violation that axe finds, nothing cut off."""

import pytest

from research_lib.reports.index import write_index
from tests.reports.conftest import STUDIES

pytestmark = [pytest.mark.browser, pytest.mark.notebook]

SHORT = ["03_record_sigma/smoke.failed.html", "index.html"]
PAGES = [*(f"{study}/smoke.html" for study in STUDIES), *SHORT]
VIOLATIONS = {"resultTypes": ["violations"]}
CONTRAST = {**VIOLATIONS, "runOnly": ["color-contrast"]}
WIDTHS = {"phone": 390, "desktop": 1280}
# A picture has a role of its own, under which nothing is looked at; axe takes its time over thousands of strokes all the same.
DROP_STROKES = "document.querySelectorAll('svg[role=img] > *').forEach(part => part.remove())"
OPEN_FOLDS = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"


@pytest.fixture(scope="session")
def axe():
    return pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe: pip install -e .[browser]"
    ).Axe()


@pytest.fixture(scope="session")
def indexed(site):
    write_index(site, [])
    return site


@pytest.fixture
def opened(browser):
    """Open a page, and close it after the test; what it asked for and what it complained of come with it."""
    contexts = []

    def at(path, *, width=1280, scheme="light", script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
        )
        contexts.append(context)
        context.route(
            "**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort()
        )
        page, troubles = context.new_page(), []
        page.on("request", lambda request: None if request.url == path.as_uri() else troubles.append(request.url))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(path.as_uri())
        return page, troubles

    yield at
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_whole_and_open_to_all(indexed, opened, axe, name, width):
    page, troubles = opened(indexed / name, width=WIDTHS[width])
    if name in SHORT:
        page.evaluate(OPEN_FOLDS)
    page.evaluate(DROP_STROKES)
    light = axe.run(page, options=VIOLATIONS)
    page.emulate_media(color_scheme="dark")
    dark = axe.run(page, options=CONTRAST)  # all that the scheme changes
    assert not light.violations_count, light.generate_report()
    assert not dark.violations_count, dark.generate_report()
    assert not troubles
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]


def test_axe_would_find_a_violation(indexed, opened, axe):
    page, _ = opened(indexed / "index.html")
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    assert "color-contrast" in axe.run(page, options=CONTRAST).generate_snapshot()


def test_dark_is_dark_and_print_is_not(indexed, opened):
    page, _ = opened(indexed / PAGES[0], scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(23, 23, 26)"
    page.emulate_media(media="print")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    assert not page.locator("details.code, nav").first.is_visible()
    page.emulate_media(media="screen", color_scheme="light")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_the_index_sorts_and_filters(indexed, opened):
    page, _ = opened(indexed / "index.html")
    names = page.locator("table.reports").first.locator("tbody tr:visible th")
    assert names.all_inner_texts() == [f"{study}/smoke" for study in STUDIES]
    page.get_by_role("button", name="report").first.click()
    page.get_by_role("button", name="report").first.click()
    assert names.all_inner_texts() == [f"{study}/smoke" for study in reversed(STUDIES)]
    assert page.locator("thead th").first.get_attribute("aria-sort") == "descending"
    page.get_by_label("Status").select_option("failed")
    assert names.all_inner_texts() == ["03_record_sigma/smoke"]
    page.get_by_label("Status").select_option("")
    page.get_by_label("Words").fill("window=25")
    assert names.count() == 0
    assert page.locator("details.sweep tbody tr:visible").count() == 1
    assert page.get_by_role("status").inner_text() == f"1 of {len(STUDIES) + 12} reports"


def test_the_index_reads_without_script(indexed, opened):
    page, _ = opened(indexed / "index.html", script=False)
    assert page.get_by_role("row").count() > len(STUDIES)
    assert page.locator("button, input, select").count() == 0
