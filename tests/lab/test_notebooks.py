"""Notebooks in JupyterLab: kernels like ordinary ones, nothing asked, and nothing changed by opening and saving."""

import json
import re
from functools import partial

import pytest

from research_lib.project import NOTEBOOKS
from tests.reports.test_kernels import IDIOMS, execute, kinds, write_idioms

pytestmark = [pytest.mark.browser, pytest.mark.notebook]
OF_THE_FRONT_END = ("?", "import plotly")  # Lab has a pager, and plotly looks where it is
SAVE = "async () => { await window.jupyterapp.commands.execute('docmanager:save') }"


def test_the_idioms_show_in_jupyterlab_what_an_ordinary_kernel_shows(lab, opened, tmp_path):
    write_idioms(lab.root / "notebooks" / "idioms.ipynb")
    tab = opened("idioms")
    tab.run_all()
    tab.page.evaluate(SAVE)
    cells = json.loads((lab.root / "notebooks" / "idioms.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = {cell["id"]: [_Output(one) for one in cell.get("outputs", [])] for cell in cells}
    ordinary = execute(tmp_path, "nbclient")
    different = [source for i, source in enumerate(IDIOMS) if kinds(shown[f"idiom-{i}"]) != kinds(ordinary[i])]
    assert [source for source in different if not source.startswith(OF_THE_FRONT_END)] == []
    assert tab.page.get_by_text("official Jupyter news").count() == 0


class _Output(dict):
    """An output of a notebook's file, read like one of nbformat."""

    __getattr__ = dict.__getitem__


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_opening_and_saving_a_notebook_changes_nothing_but_the_version_of_python(lab, opened, path):
    tab = opened(path.stem)
    copy = lab.root / "notebooks" / path.name
    before = copy.read_text(encoding="utf-8")
    tab.page.evaluate(SAVE)
    without_version = partial(re.sub, r'"version": "3[^"]*"', "")  # of the kernel's Python, which JupyterLab writes
    assert without_version(copy.read_text(encoding="utf-8")) == without_version(before)
