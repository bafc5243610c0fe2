"""A real JupyterLab with the kit's kernels, and a real browser to look at it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT

SECONDS = 90
# Cells out of sight are drawn too; and Lab does not ask whether it may fetch news.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false"},
}
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
    for name, values in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    root = ["--allow-root"] if os.getuid() == 0 else []
    command = [
        sys.executable, "-m", "research_lib", "lab", "--no-browser", "--port=0", "--expose-app-in-browser", *root,
        f"--ServerApp.root_dir={folder}", *options,
    ]  # fmt: skip
    own = {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTER_DATA_DIR": "data",
    }
    environment = {**os.environ, **{name: str(folder / where) for name, where in own.items()}}
    with (folder / "lab.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def wait_for_lab(process, folder):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for path in (folder / "runtime").glob("jpserver-*.json"):
            said = json.loads(path.read_text(encoding="utf-8") or "{}")
            if said:
                return Lab(folder, said["url"], said["token"])
        time.sleep(0.05)
    raise AssertionError((folder / "lab.log").read_text(encoding="utf-8")[-2000:])


def stop_lab(process):
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    process = start_lab(folder)
    yield wait_for_lab(process, folder)
    stop_lab(process)


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
        return self.page.evaluate(
            f"async () => {{ await window.jupyterapp.shell.currentWidget.sessionContext.{call} }}"
        )

    @property
    def errors(self):
        return self.page.locator(
            "[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedError"
        ).all_inner_texts()

    def keep_picture(self, name):
        folder = Path(tempfile.gettempdir()) / "research-lib-lab-pictures"
        folder.mkdir(exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")


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
