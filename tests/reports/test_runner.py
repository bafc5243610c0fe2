"""The runner on real kernels: what fails, is killed, interrupted, repeated, swept, or goes elsewhere.

The notebook is a small one in place of a study's, so that it is the runner's time that passes here.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from papermill.iorw import papermill_io
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.params import RecordSigma
from research_lib.reports import kernels, plan

pytestmark = pytest.mark.notebook

NOTEBOOK = "03_record_sigma"
FINDINGS = (
    "from IPython.display import display\n"
    "finding = dict(name='answer', value=seed, unit='', n=1, low=None, high=None, definition='the seed')\n"
    "content = {'findings': [finding], 'data': []}\n"
    "display({'application/vnd.research-lib.findings+json': content, 'text/plain': 'findings'}, raw=True)"
)
# The command on another folder of notebooks, in a process of its own, and in those that a cluster starts.
DRIVER = """
import os
from pathlib import Path
from research_lib.reports import plan
plan.NOTEBOOKS = Path(os.environ["NOTEBOOKS"])
if __name__ == "__main__":
    from research_lib.cli import app
    app()
"""


class Project:
    """A folder with one small notebook, its parameter files, and what its runs make."""

    def __init__(self, folder):
        self.folder, self.output = folder, folder / "out"
        self.notebooks = folder / "notebooks"
        self.parameters = folder / "params" / NOTEBOOK
        self.notebooks.mkdir()
        self.parameters.mkdir(parents=True)
        self.started = []

    def notebook(self, *cells, kernel="python3", tag="parameters"):
        defaults = "\n".join(f"{name} = {value!r}" for name, value in RecordSigma().model_dump(mode="json").items())
        made = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": kernel, "language": "python", "display_name": "Python"}},
            cells=[
                nbformat.v4.new_markdown_cell("# A small notebook"),
                nbformat.v4.new_code_cell(defaults, metadata={"tags": [tag]}),
                *map(nbformat.v4.new_code_cell, cells),
                nbformat.v4.new_code_cell(FINDINGS),
            ],
        )
        nbformat.write(made, self.notebooks / f"{NOTEBOOK}.ipynb")

    def file(self, slug="small", text="seed: 1\n"):
        path = self.parameters / f"{slug}.yaml"
        path.write_text(text)
        return path

    def run(self, *words):
        return CliRunner().invoke(app, ["run", *map(str, words), "--output", str(self.output)])

    def start(self, *words, first=""):
        driver = self.folder / "driver.py"
        driver.write_text(f"{first}\n{DRIVER}")
        running = subprocess.Popen(
            [sys.executable, driver, "run", *map(str, words), "--output", self.output],
            env={**os.environ, "NOTEBOOKS": str(self.notebooks)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(running)
        return running

    def end(self):
        """End what a test that failed left running."""
        for running in self.started:
            with running:
                running.kill()

    def made(self):
        folder = self.output / NOTEBOOK
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def record(self, name):
        return json.loads((self.output / NOTEBOOK / name).read_text(encoding="utf-8"))

    def summary(self):
        return json.loads((self.output / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Project(tmp_path)
    monkeypatch.setattr(plan, "NOTEBOOKS", made.notebooks)
    yield made
    made.end()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


# --- a failing report


def test_a_failing_cell_gives_a_report_up_to_it_and_the_others_go_on(project):
    project.notebook("print('before')", "if seed == 1:\n    1 / 0", "print('never reached')")
    done = project.run(project.file("bad"), project.file("good", "seed: 2\n"))
    assert done.exit_code == 1
    assert f"{NOTEBOOK}/bad: failed: cell 4: ZeroDivisionError: division by zero" in done.stdout
    assert project.made() == {"bad.failed.html", "bad.failed.json", "good.html", "good.findings.json", "good.ipynb"}
    page = (project.output / NOTEBOOK / "bad.failed.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in page
    assert "before" in page
    assert "never reached" not in page
    record = project.record("bad.failed.json")
    assert (record["status"], record["cell"], record["parameters"]["seed"]) == ("failed", 4, 1)
    assert project.summary()["counts"] == {"failed": 1, "ok": 1}
    assert "bad.failed.html" in (project.output / "index.html").read_text(encoding="utf-8")


def test_a_failure_leaves_the_last_good_report_and_is_gone_with_the_next(project):
    project.notebook()
    path = project.file()
    assert project.run(path).exit_code == 0
    good = (project.output / NOTEBOOK / "small.html").read_bytes()
    project.notebook("1 / 0")
    assert project.run(path).exit_code == 1
    assert (project.output / NOTEBOOK / "small.html").read_bytes() == good
    assert "small.failed.html" in project.made()
    project.notebook()
    assert project.run(path).exit_code == 0
    assert not any("failed" in name for name in project.made())


def test_a_killed_kernel_fails_its_report_and_says_in_which_cell(project):
    project.notebook("print('before')", "import os, signal\nif seed == 1:\n    os.kill(os.getpid(), signal.SIGKILL)")
    done = project.run(project.file("bad"), project.file("good", "seed: 2\n"))
    assert done.exit_code == 1
    assert "bad: failed: its kernel died in cell 4 (out of memory?)" in done.stdout
    assert f"{NOTEBOOK}/good: ok" in done.stdout
    assert {"bad.failed.html", "good.html"} <= project.made()


def test_a_report_over_its_timeout_is_stopped(project):
    project.notebook("import time\nif seed == 1:\n    time.sleep(600)")
    done = project.run(project.file("slow"), project.file("quick", "seed: 2\n"), "--timeout", "5")
    assert done.exit_code == 1
    assert "slow: failed: stopped: over its timeout of 5 s" in done.stdout
    assert f"{NOTEBOOK}/quick: ok" in done.stdout


def test_an_unknown_kernel_is_one_line(project):
    project.notebook(kernel="julia-9")
    done = project.run(project.file())
    assert done.exit_code == 1
    assert "the notebook's kernel 'julia-9' is not installed" in done.stdout


def test_a_notebook_without_a_parameters_cell_never_runs(project):
    project.notebook(tag="other")
    done = project.run(project.file())
    assert done.exit_code == 2
    assert "no cell has the tag parameters" in done.stderr


def test_a_notebook_that_shows_no_findings_fails(project):
    project.notebook("raise SystemExit")
    done = project.run(project.file())
    assert done.exit_code == 1
    assert "small: failed" in done.stdout


# --- where reports go


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield folder
    subprocess.run([shutil.which("umount"), str(folder)], check=True)


def test_a_full_disk_fails_the_report_and_leaves_nothing_half_written(project, small_disk):
    project.notebook("print('x' * 100_000)")
    project.output = small_disk
    done = project.run(project.file())
    assert done.exit_code == 1
    assert "No space left on device" in done.stdout
    assert project.made() == set()


def test_a_folder_that_cannot_be_written_is_one_line(project):
    project.notebook()
    project.output = Path("/proc/reports")
    done = project.run(project.file())
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "/proc/reports" in done.stderr
    assert "cannot be written" in done.stderr


def test_papermill_writes_reports_to_an_address(project, monkeypatch):
    """To one of its stores; S3 and its like are others, which need their own packages and servers."""
    received = {}

    class Store:
        def write(self, text, path):
            received[path] = text

        def pretty_path(self, path):
            return path

    project.notebook()
    monkeypatch.setattr(papermill_io, "_handlers", [("store://", Store()), *papermill_io._handlers])
    done = CliRunner().invoke(app, ["run", str(project.file()), "--output", "store://site"])
    assert done.exit_code == 0, done.output
    names = {f"{NOTEBOOK}/small.html", f"{NOTEBOOK}/small.ipynb", f"{NOTEBOOK}/small.findings.json"}
    assert set(received) == {f"store://site/{name}" for name in {*names, "index.html", "summary.json"}}
    assert "A small notebook" in received[f"store://site/{NOTEBOOK}/small.html"]


def test_an_interrupt_while_reports_are_sent_elsewhere_says_so(project, monkeypatch):
    class Store:
        def write(self, content, path):  # noqa: ARG002  # as Papermill calls it
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    project.notebook()
    monkeypatch.setattr(papermill_io, "_handlers", [("store://", Store()), *papermill_io._handlers])
    done = CliRunner().invoke(app, ["run", str(project.file()), "--output", "store://site"])
    assert done.exit_code == 130
    assert done.stderr == "interrupted: what is made is only in part at store://site\n"


def test_an_address_that_nothing_writes_to_is_one_line(project):
    project.notebook()
    done = CliRunner().invoke(app, ["run", str(project.file()), "--output", "nostore://site"])
    assert done.exit_code == 2
    assert "nostore://site" in done.stderr
    assert "cannot be written" in done.stderr


# --- what is unchanged


def test_unchanged_reports_are_not_made_again(project):
    project.notebook()
    path = project.file()
    assert project.run(path).exit_code == 0
    before = (project.output / NOTEBOOK / "small.html").stat().st_mtime_ns
    again = project.run(path)
    assert (again.exit_code, "small: unchanged" in again.stdout) == (0, True)
    assert (project.output / NOTEBOOK / "small.html").stat().st_mtime_ns == before
    assert "small: ok" in project.run(path, "--force").stdout
    assert (project.output / NOTEBOOK / "small.html").stat().st_mtime_ns > before


@pytest.mark.parametrize("change", ["parameters", "notebook"])
def test_a_changed_report_is_made_again_and_the_one_before_is_kept(project, change):
    project.notebook()
    path = project.file()
    project.run(path)
    if change == "parameters":
        path.write_text("seed: 5\n")
    else:
        project.notebook("seed = 5")
    assert "small: ok" in project.run(path).stdout
    assert project.record("small.previous.json")["findings"][0]["value"] == 1
    assert project.record("small.findings.json")["findings"][0]["value"] == 5


def test_changed_data_makes_a_report_again(project, walk):
    from tests.conftest import write_prices

    data = project.folder / "data"
    settings = f"source: folder\ndata_dir: {data}\nasset: ABC\nbenchmark: ''\nassets: [ABC]\n"
    project.notebook()
    path = project.file(text=settings)
    write_prices(data, "ABC", walk)
    assert "small: ok" in project.run(path).stdout
    assert "small: unchanged" in project.run(path).stdout
    write_prices(data, "ABC", walk * 1.01)
    assert "small: ok" in project.run(path).stdout


def test_a_report_whose_last_session_was_not_over_is_made_again(project):
    project.notebook()
    path = project.file()
    project.run(path)
    record = project.record("small.findings.json")
    record["data"] = [{"source": "yahoo", "id": "ABC", "last": "2024-01-04", "unfinished": True}]
    (project.output / NOTEBOOK / "small.findings.json").write_text(json.dumps(record))
    assert "small: ok" in project.run(path).stdout
    assert "small: unchanged" in project.run(path).stdout


def test_a_report_of_other_code_is_made_again(project, monkeypatch):
    from research_lib.reports.inputs import Inputs

    project.notebook()
    path = project.file()
    project.run(path)
    monkeypatch.setattr(Inputs, "code", "another")
    assert "small: ok" in project.run(path).stdout


# --- sweeps


def test_a_sweep_makes_a_report_for_each_combination(project):
    project.notebook()
    done = project.run(project.file(), "--grid", "window=20,50,100", "threshold=2.5,3")
    assert done.exit_code == 0, done.output
    slugs = {name.removesuffix(".html") for name in project.made() if name.endswith(".html")}
    assert slugs == {f"small--threshold={high}--window={window}" for high in ("2.5", "3") for window in (20, 50, 100)}
    assert project.record("small--threshold=2.5--window=20.findings.json")["parameters"]["threshold"] == 2.5


def test_a_sweep_with_a_wrong_point_runs_none(project):
    project.notebook()
    done = project.run(project.file(), "--grid", "window=20,2")
    assert done.exit_code == 2
    assert "window: 2" in done.stderr
    assert project.made() == set()


def test_a_value_that_no_file_may_have_in_its_name_stays_below_the_folder(project):
    project.notebook()
    done = project.run(project.file(), "--grid", "as_of=,../../2020-01-01")
    assert done.exit_code == 2
    found = plan.plan([project.file()], overrides={}, grid={"asset": ["GSPC", "../x"][:1]}, output=project.output)
    assert found[0].slug == "small--asset=GSPC"
    slug = plan._slug("small", {"asset": "../../x"})
    assert "/" not in slug
    assert slug != plan._slug("small", {"asset": ".._.._x"})


def test_a_hundred_reports(project):
    project.notebook()
    done = project.run(project.file(), "--grid", f"seed={','.join(map(str, range(100)))}")
    assert done.exit_code == 0, done.output
    assert project.summary()["counts"] == {"ok": 100}
    values = {project.record(f"small--seed={seed}.findings.json")["findings"][0]["value"] for seed in range(100)}
    assert values == set(range(100))
    assert not _kernels(os.getpid())


def _kernels(owner):
    """List the kernels below a process: what its fork server has forked."""
    server = [child for child in psutil.Process(owner).children() if kernels.PRELOADED in " ".join(child.cmdline())]
    forked = [kernel for one in server for kernel in one.children()]
    return [kernel for kernel in forked if kernel.status() != psutil.STATUS_ZOMBIE]


# --- interrupted, killed, twice


def prepares_kernels(process):
    children = psutil.Process(process.pid).children()
    return any("forkserver" in word for child in children for word in child.cmdline())


@pytest.mark.parametrize("seconds", [0.0, 0.7, 1.5])
def test_an_interrupt_while_kernels_get_ready_is_one_clear_end(project, seconds):
    """Ctrl-C goes to every process of the terminal, so also to the one that is still importing what kernels need."""
    project.notebook("import time", "time.sleep(60)")
    running = project.start(project.file())
    wait_for(lambda: prepares_kernels(running))
    time.sleep(seconds)
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted: " in output
    assert len(output.splitlines()) <= 3, output
    assert not (project.output / NOTEBOOK / "small.html").exists()


def test_an_interrupt_keeps_what_is_made_and_resume_goes_on(project):
    marker = project.folder / "go"
    project.notebook(f"import time, os\nwhile seed and not os.path.exists({str(marker)!r}):\n    time.sleep(0.1)")
    running = project.start(project.file(), "--grid", "seed=0,1,2", "--jobs", "1")
    wait_for(lambda: "small--seed=0.html" in project.made())
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert "interrupted: 1 of 3 reports are done and kept" in output
    assert "Traceback" not in output
    assert project.made() == {f"small--seed=0.{suffix}" for suffix in ("html", "ipynb", "findings.json")}
    assert project.summary()["finished"] is False
    marker.touch()
    done = project.run("--resume")
    assert done.exit_code == 0, done.output
    assert "small--seed=0: unchanged" in done.stdout
    assert project.summary()["counts"] == {"unchanged": 1, "ok": 2}


# Gives an interrupt to a thread that is not the main one, as the system may.
TO_ANOTHER_THREAD = """
import os, signal, threading, time
def pass_on():
    while not os.path.exists({marker!r}):
        time.sleep(0.05)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
threading.Thread(target=pass_on, daemon=True).start()
"""


def test_an_interrupt_that_the_system_gives_to_another_thread_is_heard(project):
    marker = project.folder / "interrupt"
    project.notebook("import time", "time.sleep(60)")
    running = project.start(project.file(), first=TO_ANOTHER_THREAD.format(marker=str(marker)))
    wait_for(lambda: _kernels(running.pid))
    marker.touch()
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130, output
    assert "interrupted: 0 of 1 reports are done and kept" in output


def test_interrupts_that_come_again_and_again_are_one_clear_end(project):
    project.notebook("import time", "time.sleep(60)")
    running = project.start(project.file(), "--grid", "seed=0,1,2")
    wait_for(lambda: _kernels(running.pid))
    for _ in range(5):
        running.send_signal(signal.SIGINT)
        time.sleep(0.02)
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130, output
    assert "interrupted: 0 of 3 reports are done and kept" in output
    assert "Traceback" not in output
    assert project.summary()["finished"] is False


def test_a_killed_runner_takes_its_kernels_with_it_and_can_be_resumed(project):
    marker = project.folder / "go"
    project.notebook(f"import time, os\nwhile seed and not os.path.exists({str(marker)!r}):\n    time.sleep(0.1)")
    running = project.start(project.file(), "--grid", "seed=0,1,2")
    wait_for(lambda: "small--seed=0.html" in project.made())
    wait_for(lambda: _kernels(running.pid))
    below = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    wait_for(lambda: not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in below))
    assert not [name for name in project.made() if name.startswith(".making")]
    marker.touch()
    assert project.run("--resume").exit_code == 0
    assert {f"small--seed={seed}.html" for seed in range(3)} <= project.made()
    owned = f"{kernels.SOCKETS}{running.pid}-*"
    assert not list(Path(kernels.tempfile.gettempdir()).glob(owned))


def test_the_same_run_twice_at_once_makes_each_report_once(project):
    log = project.folder / "log"
    project.notebook(f"open({str(log)!r}, 'a').write(f'{{seed}}\\n')")
    first, second = (project.start(project.file(), "--grid", "seed=0,1,2,3") for _ in range(2))
    outputs = [running.communicate(timeout=120)[0] for running in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert sorted(log.read_text().split()) == ["0", "1", "2", "3"]
    assert sum(output.count(": unchanged") for output in outputs) == 4


# --- kernels


def test_a_kernel_is_forked_from_one_thread_with_the_stack_imported(project):
    project.notebook(
        "import sys\nassert {'seaborn', 'statsmodels.api', 'great_tables'} <= set(sys.modules)",
        "import os\nassert len(os.listdir(f'/proc/{os.getppid()}/task')) == 1",
        "import matplotlib\nassert 'inline' in matplotlib.get_backend()",
    )
    done = project.run(project.file())
    assert done.exit_code == 0, done.output


def test_kernels_share_no_state(project):
    project.notebook("import seaborn\nassert not hasattr(seaborn, 'left_here')\nseaborn.left_here = True")
    done = project.run(project.file(), "--grid", "seed=1,2,3", "--jobs", "1")
    assert done.exit_code == 0, done.output


def test_a_kernel_is_not_open_to_others(project):
    folder = project.folder / "seen"
    project.notebook(
        "import glob, os, stat\n"
        f"import tempfile\nfolders = glob.glob(tempfile.gettempdir() + '/{kernels.SOCKETS}*')\n"
        "assert folders\n"
        "for folder in folders:\n    mode = stat.S_IMODE(os.stat(folder).st_mode)\n    assert mode & 0o077 == 0, (folder, oct(mode))"
    )
    done = project.run(project.file())
    assert done.exit_code == 0, done.output
    assert not folder.exists()


def test_without_fork_ordinary_kernels_make_the_same_report(project, monkeypatch):
    project.notebook()
    path = project.file()
    assert project.run(path).exit_code == 0
    forked = project.record("small.findings.json")
    monkeypatch.setattr(kernels, "fork_is_safe", lambda: False)
    assert project.run(path, "--force").exit_code == 0
    assert project.record("small.findings.json")["findings"] == forked["findings"]


def test_a_fork_server_that_cannot_start_costs_time_and_no_report(project):
    project.notebook("import sys\nassert 'seaborn' not in sys.modules")
    (project.folder / "runs_threads.py").write_text("raise SystemExit('several threads')")
    running = project.start(
        project.file(), first="from research_lib.reports import kernels; kernels.PRELOADED = 'runs_threads'"
    )
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output


def test_a_notebook_may_have_processes_of_its_own(project):
    project.notebook(
        "import multiprocessing\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    assert pool.map(abs, [-1]) == [1]"
    )
    done = project.run(project.file())
    assert done.exit_code == 0, done.output


def test_papermill_alone_can_use_the_engine(project):
    project.notebook()
    notebook, output = project.notebooks / f"{NOTEBOOK}.ipynb", project.folder / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(notebook), str(output), "--engine", "research-lib"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert output.exists()


# --- a cluster


def test_a_cluster_makes_the_same_reports_and_outlives_a_worker(project):
    marker = project.folder / "first"
    project.notebook(
        f"import os, signal, psutil\nif seed == 1 and not os.path.exists({str(marker)!r}):\n"
        f"    open({str(marker)!r}, 'w').close()\n"
        "    worker = next(p for p in psutil.Process().parents() if 'multiprocessing.spawn' in ' '.join(p.cmdline()))\n"
        "    os.kill(worker.pid, signal.SIGKILL)"
    )
    running = project.start(project.file(), "--grid", "seed=0,1", "--cluster", "local", "--jobs", "1")
    output, _ = running.communicate(timeout=180)
    assert running.returncode == 0, output
    assert marker.exists()
    assert project.summary()["counts"] == {"ok": 2}


def test_a_cluster_that_does_not_answer_is_one_line(project):
    project.notebook()
    done = project.run(project.file(), "--cluster", "tcp://127.0.0.1:1")
    assert done.exit_code == 2
    assert "no Dask scheduler answers" in done.stderr
