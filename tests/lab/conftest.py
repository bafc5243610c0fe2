"""A real JupyterLab with the kit's kernels, and a real browser to look at it."""

import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from research_lib.project import PROJECT
from tests.reports.conftest import wait_for

SECONDS = 90
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
READY = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
EXECUTE = """async code => {
    const said = [], future = %s.requestExecute({code, store_history: false});
    future.onIOPub = ({content}) => said.push(content.text ?? content.traceback?.join('\\n'));
    return {status: (await future.done).content.status, said: said.join('')};
}""".replace("%s", KERNEL)
OWN = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTER_RUNTIME_DIR": "runtime",
       "JUPYTER_DATA_DIR": "data"}  # fmt: skip


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running server on copies of the notebooks, whose explorers write beside them: its folder, address and token."""
    folder = tmp_path_factory.mktemp("lab")
    for place in ("notebooks", "params", "docs/pictures"):
        shutil.copytree(PROJECT / place, folder / place)
    start = folder / "notebooks" / "00_start_here.ipynb"
    here = "import research_lib.explore; from pathlib import Path; research_lib.explore.PARAMETERS = "
    lines = [f"{here}Path({str(folder / 'params')!r})\n", "from research_lib import explore"]
    # A line of the cell is a line of the file, as JupyterLab writes it.
    text = start.read_text(encoding="utf-8").replace(json.dumps(lines[1]), ",\n    ".join(map(json.dumps, lines)))
    start.write_text(text, encoding="utf-8")
    tracker = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}', encoding="utf-8")  # cells out of sight are drawn too
    words = "--no-browser", "--port=0", "--expose-app-in-browser", "--allow-root", f"--ServerApp.root_dir={folder}"
    command = [sys.executable, "-m", "research_lib", "lab", *words]
    env, log = os.environ | {name: str(folder / place) for name, place in OWN.items()}, folder / "lab.log"
    with log.open("wb") as file, subprocess.Popen(command, env=env, stdout=file, stderr=file) as process:
        written = lambda: [path for path in (folder / "runtime").glob("jpserver-*.json") if path.stat().st_size]
        wait_for(lambda: written() or process.poll() is not None, SECONDS)
        assert written(), log.read_text(encoding="utf-8")[-2000:]
        yield SimpleNamespace(root=folder, **json.loads(written()[0].read_text(encoding="utf-8")))
        process.terminate()


class Page:
    """A browser's tab with one notebook, and what it and the console complained of."""

    def __init__(self, context, lab, notebook):
        self.page, self.troubles = context.new_page(), []
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("console", lambda said: self.troubles.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.goto(f"{lab.url}lab/tree/notebooks/{notebook}.ipynb?token={lab.token}&reset")
        self.page.wait_for_function(READY)

    def command(self, name):
        self.page.evaluate(f"async () => {{ await window.jupyterapp.commands.execute('{name}') }}")

    def execute(self, code):
        return self.page.evaluate(EXECUTE, code)

    def in_kernel(self, call):
        self.page.evaluate(f"async () => {{ await window.jupyterapp.shell.currentWidget.sessionContext.{call} }}")

    @property
    def errors(self):
        stderr = "[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedError"
        return [*self.page.locator(stderr).all_inner_texts(), *self.troubles]


@pytest.fixture
def opened(browser, lab):
    """Open a notebook in a tab of its own; afterwards its kernel is ended."""
    contexts = []

    def at(notebook):
        contexts.append(browser.new_context(viewport={"width": 1400, "height": 1000}))
        return Page(contexts[-1], lab, notebook)

    yield at
    for context in contexts:
        for page in context.pages:
            page.evaluate("async () => { await window.jupyterapp.serviceManager.sessions.shutdownAll() }")
        context.close()
