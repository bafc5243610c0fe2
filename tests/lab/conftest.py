"""A real JupyterLab with the kit's kernels, and a real browser to look at it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from tests.reports.conftest import wait_for

SECONDS = 90
READY = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN_ALL = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }"
EXECUTE = """async code => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({code, store_history: false});
    const said = [];
    future.onIOPub = message => {
        if (message.header.msg_type === 'stream') said.push(message.content.text);
        if (message.header.msg_type === 'error') said.push(message.content.traceback.join('\\n'));
    };
    const reply = await future.done;
    return {status: reply.content.status, said: said.join('')};
}"""


@dataclass(frozen=True)
class Lab:
    """A running server: its folder, with copies of the notebooks and parameter files, its address and token."""

    root: Path
    url: str
    token: str

    def address(self, notebook):
        return f"{self.url}lab/tree/notebooks/{notebook}.ipynb?token={self.token}&reset"


def start_lab(folder, *options):
    """Start Lab on a copy of the notebooks, whose explorers write their parameter files beside it."""
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    shutil.copytree(PARAMETERS, folder / "params")
    shutil.copytree(PROJECT / "docs" / "pictures", folder / "docs" / "pictures")  # the start page shows one
    start = folder / "notebooks" / "00_start_here.ipynb"
    here = "import research_lib.explore; from pathlib import Path; research_lib.explore.PARAMETERS = "
    lines = [f"{here}Path({str(folder / 'params')!r})\n", "from research_lib import explore"]
    # A line of the cell is a line of the file, as JupyterLab writes it.
    text = start.read_text(encoding="utf-8").replace(json.dumps(lines[1]), ",\n    ".join(map(json.dumps, lines)))
    start.write_text(text, encoding="utf-8")
    tracker = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}', encoding="utf-8")  # cells out of sight are drawn too
    root = ["--allow-root"] if os.getuid() == 0 else []
    command = [
        sys.executable, "-m", "research_lib", "lab", "--no-browser", "--port=0", "--expose-app-in-browser", *root,
        f"--ServerApp.root_dir={folder}", *options,
    ]  # fmt: skip
    kinds = ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")
    places = ("settings", "workspaces", "runtime", "data")
    own = {name: str(folder / place) for name, place in zip(kinds, places, strict=True)}
    with (folder / "lab.log").open("wb") as log:
        return subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with start_lab(folder) as process:
        written = lambda: [path for path in (folder / "runtime").glob("jpserver-*.json") if path.stat().st_size]
        wait_for(lambda: written() or process.poll() is not None, SECONDS)
        assert written(), (folder / "lab.log").read_text(encoding="utf-8")[-2000:]
        said = json.loads(written()[0].read_text(encoding="utf-8"))
        yield Lab(folder, said["url"], said["token"])
        process.terminate()


class Page:
    """A browser's tab with one notebook; `troubles` is what the console complained of."""

    def __init__(self, context, lab, notebook):
        self.page, self.troubles = context.new_page(), []
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("console", lambda said: self.troubles.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.goto(lab.address(notebook))
        self.page.wait_for_function(READY)

    def run_all(self):
        self.page.evaluate(RUN_ALL)

    def execute(self, code):
        return self.page.evaluate(EXECUTE, code)

    def in_kernel(self, call):
        self.page.evaluate(f"async () => {{ await window.jupyterapp.shell.currentWidget.sessionContext.{call} }}")

    @property
    def errors(self):
        found = self.page.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedError")
        return found.all_inner_texts()


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
