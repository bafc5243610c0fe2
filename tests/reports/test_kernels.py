"""A forked kernel is a kernel: what an ordinary one shows, it shows; and the server that it is forked from."""

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from papermill.exceptions import PapermillExecutionError

from research_lib.reports import forkserver
from research_lib.reports.forkserver import FORK_SERVER, ForkServer
from tests.reports.conftest import FINDINGS, wait_for

pytestmark = pytest.mark.notebook

# Cells as people write them, in the order of a working day; the last line of each is what it shows.
IDIOMS = (Path(__file__).parent / "idioms.txt").read_text(encoding="utf-8").rstrip("\n").split("\n# %%\n")
SAME_TEXT = ("__name__", "os.getcwd", "import signal", "os.environ", "os.getpgid", "np.random", "get_ipython()",
             "import locale")  # fmt: skip
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# Without pseudo-terminals these fail, on either kernel.
NO_TERMINAL = () if Path("/dev/pts/ptmx").exists() else ("!", "listing = !", "%%bash")


def write_idioms(path):
    tags, spec = {"tags": ["raises-exception"]}, {"name": "python3", "language": "python", "display_name": "Python"}
    cells = [nbformat.v4.new_code_cell(source, metadata=tags, id=f"idiom-{i}") for i, source in enumerate(IDIOMS)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)


def execute(folder, engine):
    """What each idiom shows, by Papermill's engine."""
    write_idioms(folder / "idioms.ipynb")
    options = {"engine_name": engine, "resources": {"metadata": {"path": str(folder)}}, "progress_bar": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OF_THE_RUN", "told")
        patch.setenv("TZ", "Asia/Tokyo")
        # The engine of this project makes its own the usual one.
        patch.setattr(KernelProvisionerFactory.instance(), "default_provisioner_name", "local-provisioner")
        with suppress(PapermillExecutionError):
            papermill.execute_notebook(folder / "idioms.ipynb", folder / "out.ipynb", **options)
    cells = nbformat.read(folder / "out.ipynb", as_version=4).cells
    return [cell.outputs for cell in cells if cell.id.startswith("idiom")]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each idiom shows on a forked and on an ordinary kernel."""
    yield {engine: execute(tmp_path_factory.mktemp(engine), engine) for engine in ("research-lib", "nbclient")}
    FORK_SERVER.release()


def kinds(outputs):
    """Types of what a cell shows; streams as one each, since where a message is cut is chance."""
    shown = [(one.output_type, *sorted(one.get("data", {})), one.get("ename", "")) for one in outputs]
    streams = {("stream", one.name) for one in outputs if one.output_type == "stream"}
    return sorted(one for one in shown if one[0] != "stream") + sorted(streams)


@pytest.mark.parametrize("position", range(len(IDIOMS)), ids=lambda i: re.sub(r"\W+", "-", IDIOMS[i])[:40])
def test_a_forked_kernel_shows_what_an_ordinary_one_shows(outputs, position):
    shown = [outputs[engine][position] for engine in ("research-lib", "nbclient")]
    assert kinds(shown[0]) == kinds(shown[1])
    if IDIOMS[position].startswith(SAME_TEXT):
        texts = [[one.get("data", {}).get("text/plain", one.get("text")) for one in cell] for cell in shown]
        assert texts[0] == texts[1]


def test_one_kernel_was_forked_and_showed_pictures_and_no_errors(outputs):
    parents = {engine: cells[IDIOMS.index("os.getppid()")][0].data["text/plain"] for engine, cells in outputs.items()}
    assert parents["nbclient"] == str(os.getpid()) != parents["research-lib"]
    shown = [kinds(cell) for cell in outputs["research-lib"]]
    failed = [IDIOMS[i] for i, cell in enumerate(shown) if any(one[0] == "error" for one in cell)]
    assert [source for source in failed if not source.startswith(NO_TERMINAL)] == []
    assert sum("image/png" in one for cell in shown for one in cell) >= 8
    assert any("image/svg+xml" in one for cell in shown for one in cell)


def test_kernels_share_nothing_are_forked_from_one_thread_and_are_open_to_their_user_only(project):
    draws = (
        "np.random.rand(), scipy.stats.norm.rvs(), random.random(), np.random.default_rng().random(), uuid.uuid4().hex"
    )
    project.notebook(
        "import seaborn, sys\nassert not hasattr(seaborn, 'left_here')\nseaborn.left_here = True",
        "import os\nassert len(os.listdir(f'/proc/{os.getppid()}/task')) == 1",
        "import json\nfrom pathlib import Path\nspoken = json.load(open(sys.argv[sys.argv.index('-f') + 1]))",
        "assert 'scipy.optimize' in sys.modules and spoken['transport'] == 'ipc'",
        "assert os.stat(Path(spoken['ip']).parent).st_mode & 0o077 == 0",
        f"import random, uuid, numpy as np, scipy.stats\nprint({draws}, os.urandom(4).hex())",
    )
    done = project.run(project.file(), "--grid", "seed=1,2,3", "--jobs", "1")
    assert done.exit_code == 0, done.output
    drawn = [project.executed(f"a--seed={seed}.ipynb").cells[-1].outputs[0].text.split() for seed in (1, 2, 3)]
    assert [len(set(values)) for values in zip(*drawn, strict=True)] == [3] * 6


def test_without_fork_ordinary_kernels_make_the_same_report(project, monkeypatch):
    project.notebook(FINDINGS)
    path = project.file()
    assert project.run(path).exit_code == 0
    forked = project.record()
    monkeypatch.setattr(forkserver.sys, "platform", "darwin")
    assert project.run(path, "--force").exit_code == 0
    assert project.record()["findings"] == forked["findings"]


# --- the server's life: it imports nothing, so that it starts at once; kernels wait, or end with the code they are told


BEGIN = """
import os, time
from research_lib.reports import forkserver as f
f.import_all = lambda: None
f.become_kernel = lambda arguments, **_: time.sleep(600) if arguments == ["wait"] else os._exit(int(arguments[0]))
f.main()
"""
FEW = "import os\nfork, left = os.fork, [1, 2]\nos.fork = lambda: fork() if left and left.pop() else os.close(-1)\n"


@pytest.fixture
def server(monkeypatch, request):
    monkeypatch.setattr(forkserver, "BEGIN", getattr(request, "param", "") + BEGIN)
    made = ForkServer()
    made.start()
    yield made
    made.release()


def kernel(server, argument="wait"):
    return server.fork([argument], "/", {})


def ended(forked):
    wait_for(lambda: forked.poll() is not None)
    return forked.wait()


def processes(forked):
    """The kernel's and its server's."""
    return psutil.Process(forked.pid), psutil.Process(forked.pid).parent()


def running(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_kernel_can_be_ended_as_soon_as_it_is_forked_and_its_end_is_told(server):
    """Before it leads a process group of its own."""
    assert [ended(kernel(server, code)) for code in ("0", "3")] == [0, 3]
    for _ in range(20):
        forked = kernel(server)
        forkserver.end_tree(forked.pid)
        assert ended(forked) == -signal.SIGKILL
        forked.send_signal(signal.SIGKILL)  # does no harm


def test_a_server_that_is_let_go_of_ends_with_its_last_kernel_and_leaves_no_folder(server):
    folder, waiting = server.folder, kernel(server)
    both = processes(waiting)
    server.release()
    time.sleep(0.5)
    assert waiting.poll() is None
    assert all(map(running, both))
    del waiting  # as the system does when the run is killed
    wait_for(lambda: not any(map(running, both)) and not folder.exists())


def test_a_kernel_ends_with_the_server(server):
    waiting = kernel(server)
    own, parent = processes(waiting)
    parent.kill()
    assert ended(waiting) == -signal.SIGKILL
    wait_for(lambda: not running(own))
    assert kernel(server) is None


def test_where_the_library_changes_the_next_kernels_are_of_another_server(server, monkeypatch, tmp_path):
    first = kernel(server)
    server.start()
    assert processes(kernel(server))[1] == processes(first)[1]
    (tmp_path / "a.py").touch()
    monkeypatch.setattr(forkserver, "LIBRARY", tmp_path)
    server.start()
    assert processes(kernel(server))[1] != processes(first)[1]
    assert first.poll() is None


@pytest.mark.parametrize("server", [FEW], indirect=True)
def test_a_server_that_can_fork_no_more_costs_no_kernel_that_runs(server):
    some, more = [kernel(server), kernel(server)], [kernel(server), kernel(server)]
    assert more == [None, None]
    assert {one.poll() for one in some} == {None}
