"""JupyterLab as a person uses it: notebooks run and are saved, explorers answer, kernels start again."""

import re
from functools import partial

import nbformat
import psutil
import pytest
import yaml
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import NOTEBOOKS
from tests.lab.conftest import KERNEL
from tests.reports.conftest import wait_for
from tests.reports.test_kernels import IDIOMS, execute, kinds, running, write_idioms

pytestmark = [pytest.mark.browser, pytest.mark.notebook]

START = "00_start_here"
# By notebook, in the order of the landing page: a slider, what is put into it (where bundled data answers to it), a view.
MOVES = {
    "03_record_sigma": ("Threshold (σ)", "3.1", "What followed"),
    "01_rate_cut_regimes": ("Smallest first cut (basis points)", "50", "Paths"),
    "02_leverage_net_debt": ("", "", "Credit spreads"),
}
ORDER = [*MOVES, "04_claims"]
OF_THE_FRONT_END = ("?", "import plotly")  # Lab has a pager, and plotly looks where it is
RUN, SAVE = "notebook:run-all-cells", "docmanager:save"


@pytest.fixture
def start(opened):
    tab = opened(START)
    tab.command(RUN)
    tab.page.wait_for_function("document.querySelectorAll('.research-lib-explorer [role=status]').length >= 4")
    return tab


def explorer(tab, notebook):
    return tab.page.locator(".research-lib-explorer").nth(ORDER.index(notebook))


def change(tab, found, act, *words):
    """Do something to an explorer, and wait until what it shows is another."""
    shown = "element => element.querySelector('.widget-vbox').innerHTML"
    before = found.evaluate(shown)
    act(*words)
    other = f"([element, before]) => ({shown})(element) !== before"
    done = "element.querySelector('[role]') && !element.innerText.includes('Computing')"
    tab.page.wait_for_function(f"{other} && {done}", arg=[found.element_handle(), before])


def enter(field, value, key="Enter"):
    """Type a value, as a person does."""
    field.fill(value)
    field.press(key)


def slider(found, label):
    return found.locator(".widget-slider", has_text=label).locator(".widget-readout")


def test_explorers_answer(start):
    for notebook, (label, value, view) in MOVES.items():
        found = explorer(start, notebook)
        change(start, found, found.get_by_role("button", name=view).click)
        if label:
            change(start, found, enter, slider(found, label), value)
    claims = explorer(start, "04_claims")
    change(start, claims, enter, claims.get_by_label("Published"), "-30%", "Tab")
    assert not start.errors


def test_a_mistake_is_one_line(start):
    found = explorer(start, "03_record_sigma")
    enter(slider(found, "Threshold (σ)"), "19")
    [alert] = found.get_by_role("alert").inner_text().splitlines()
    assert "threshold 19 can never be passed" in alert
    enter(slider(found, "Threshold (σ)"), "2")
    found.locator("svg").first.wait_for()
    said = start.execute("explore.sigma(windo=60)")
    assert said["status"] == "error"
    [line] = said["said"].splitlines()
    assert "did you mean window?" in line


def test_exploring_ends_in_a_report(start, lab):
    found = explorer(start, "03_record_sigma")
    write = found.get_by_role("button", name="Write parameter file")
    change(start, found, enter, slider(found, "Threshold (σ)"), "2.9")
    enter(found.get_by_role("textbox", name="Name"), "from_lab", "Tab")
    write.click()
    found.get_by_text("Written.").wait_for()
    path = lab.root / "params" / "03_record_sigma" / "from_lab.yaml"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["threshold"] == 2.9
    write.click()
    found.get_by_text("is there already").wait_for()
    result = CliRunner().invoke(app, ["run", str(path), "--output", str(lab.root / "reports")])
    assert result.exit_code == 0, result.output
    assert "2.9σ" in (lab.root / "reports" / "03_record_sigma" / "from_lab.html").read_text(encoding="utf-8")


def test_the_keyboard_reaches_every_field_and_each_has_a_name(start):
    """Sliders have a label beside them, but ipywidgets gives their handles no name: they are not counted."""
    for notebook in ORDER:
        found = explorer(start, notebook)
        names = found.evaluate("""element => [...element.querySelectorAll('input, select, button, textarea')]
            .filter(one => one.tabIndex >= 0)
            .map(one => one.labels?.[0]?.innerText || one.getAttribute('aria-label') || one.innerText || '?')""")
        assert names
        assert "?" not in names, names


def process_of(tab):
    return psutil.Process(int(tab.execute("import os; print(os.getpid())")["said"]))


def test_kernels_are_forked_go_on_after_an_interrupt_and_start_again_in_the_middle(opened):
    tab = opened("03_record_sigma")
    first = process_of(tab)
    server = first.parent()
    assert any("forkserver" in word for word in server.cmdline())
    tab.page.evaluate(f"setTimeout(() => {KERNEL}.interrupt(), 1500)")
    said = tab.execute("import time; time.sleep(100)")
    assert said["status"] == "error"
    assert "KeyboardInterrupt" in re.sub(r"\x1b\[[\d;]*m", "", said["said"])
    assert process_of(tab) == first
    tab.page.evaluate(f"void window.jupyterapp.commands.execute('{RUN}')")
    tab.page.locator(".jp-OutputArea-output").first.wait_for()
    tab.in_kernel("restartKernel()")
    tab.page.wait_for_function(f"{KERNEL}.status === 'idle'")
    second = process_of(tab)
    assert second.pid != first.pid
    assert second.parent() == server
    tab.command(RUN)
    assert not tab.errors
    tab.in_kernel("shutdown()")
    wait_for(lambda: not running(second))


def test_the_idioms_show_in_jupyterlab_what_an_ordinary_kernel_shows(lab, opened, tmp_path):
    path = lab.root / "notebooks" / "idioms.ipynb"
    write_idioms(path)
    tab = opened("idioms")
    tab.command(RUN)
    tab.command(SAVE)
    shown = {cell.id: cell.get("outputs", []) for cell in nbformat.read(path, as_version=4).cells}
    ordinary = execute(tmp_path, "nbclient")
    different = [source for i, source in enumerate(IDIOMS) if kinds(shown[f"idiom-{i}"]) != kinds(ordinary[i])]
    assert [source for source in different if not source.startswith(OF_THE_FRONT_END)] == []
    assert tab.page.get_by_text("official Jupyter news").count() == 0


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_saving_a_notebook_changes_only_the_version_of_python_and_run_all_ends_without_an_error(lab, opened, path):
    tab, copy = opened(path.stem), lab.root / "notebooks" / path.name
    before = copy.read_text(encoding="utf-8")
    tab.command(SAVE)
    without_version = partial(re.sub, r'"version": "3[^"]*"', "")  # of the kernel's Python, which JupyterLab writes
    assert without_version(copy.read_text(encoding="utf-8")) == without_version(before)
    tab.command(RUN)
    assert not tab.errors
    assert tab.page.locator(".jp-OutputArea-output").count() > 3
