"""JupyterLab on forked kernels against JupyterLab on ordinary ones, both in one run, in a real browser.

Measured is what a person waits: from Run All, two seconds after the page is open and its kernel idle, to the first figure
on the page; each time with a kernel that has run nothing. And once the whole way, from the command to that figure.
"""

import statistics
import time

import pytest

from tests.lab.conftest import Page, start_lab, stop_lab, wait_for_lab

NOTEBOOK, ROUNDS = "03_record_sigma", 3
RUN = "void window.jupyterapp.commands.execute('notebook:run-all-cells')"
ORDINARY = "--KernelProvisionerFactory.default_provisioner_name=local-provisioner"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif("not config.getoption('benchmark_enable')", reason="a measurement, not a test: make bench"),
]


def first_figure(browser, lab):
    """Open the notebook, run all of it, and return the seconds to its first figure."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = Page(context, lab, NOTEBOOK)
    tab.page.wait_for_timeout(2000)  # as long as a hand takes; until then Lab is busy with itself
    start = time.perf_counter()
    tab.page.evaluate(RUN)
    tab.page.locator(".jp-OutputArea-output figure").first.wait_for(state="attached")
    took = time.perf_counter() - start
    tab.in_kernel("shutdown()")
    context.close()
    return took


def measure(browser, folder, *options):
    """Return the seconds of each round, and those from the command to the first figure of the first."""
    folder.mkdir()
    began = time.perf_counter()
    process = start_lab(folder, *options)
    try:
        lab = wait_for_lab(process, folder)
        first = first_figure(browser, lab)
        whole = time.perf_counter() - began
        return [first, *(first_figure(browser, lab) for _ in range(ROUNDS - 1))], whole
    finally:
        stop_lab(process)


def test_time_to_the_first_figure(browser, tmp_path, capsys, benchmark):
    forked, whole = benchmark.pedantic(measure, args=(browser, tmp_path / "forked"), rounds=1)
    plain, plainly_whole = measure(browser, tmp_path / "ordinary", ORDINARY)
    ours, theirs = statistics.median(forked), statistics.median(plain)
    with capsys.disabled():
        print(f"\nRun All to the first figure: {ours:.2f} s against {theirs:.2f} s: {theirs / ours:.1f} times faster")
        print(f"from the command, all told: {whole:.1f} s against {plainly_whole:.1f} s")
