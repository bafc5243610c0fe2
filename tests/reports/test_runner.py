"""The runner on real kernels: what fails, is killed, interrupted, repeated or swept, and what is wrong before it runs."""

import json
import os
import shutil
import signal
import subprocess
import time

import nbformat
import pytest

from research_lib.reports import make, plan
from research_lib.reports.inputs import Inputs
from research_lib.reports.record import Record
from research_lib.reports.run import describe
from tests.conftest import write_prices
from tests.reports.conftest import FINDINGS, SAME_CODE, alive, folders_of, interrupt, wait_for

pytestmark = pytest.mark.notebook


# --- a failing report


def test_a_failing_cell_gives_a_report_up_to_it_and_the_others_go_on(project):
    project.notebook("print('before')", "if seed == 1:\n    1 / 0", "print('never reached')", FINDINGS)
    done = project.run(project.file("bad"), project.file("good", "seed: 2\n"))
    assert done.exit_code == 1
    assert "small/bad: failed: cell 3: ZeroDivisionError: division by zero" in done.stdout
    assert project.made() == {"bad.failed.html", "bad.failed.json", "good.html", "good.findings.json", "good.ipynb"}
    page = (project.output / "small" / "bad.failed.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in page
    assert "before" in page
    assert "never reached" not in page
    record = project.record("bad.failed.json")
    assert (record["status"], record["cell"], record["parameters"]["seed"]) == ("failed", 3, 1)
    assert project.summary()["counts"] == {"failed": 1, "ok": 1}
    assert "bad.failed.html" in (project.output / "index.html").read_text(encoding="utf-8")


def test_a_failure_leaves_the_last_good_report_and_is_gone_with_the_next(project):
    project.notebook()
    path = project.file()
    assert project.run(path).exit_code == 0
    good = (project.output / "small" / "a.html").read_bytes()
    project.notebook("1 / 0")
    assert project.run(path).exit_code == 1
    assert (project.output / "small" / "a.html").read_bytes() == good
    assert "a.failed.html" in project.made()
    project.notebook()
    assert project.run(path).exit_code == 0
    assert not any("failed" in name for name in project.made())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "its kernel was killed by SIGKILL in cell 3"),
        ("import ctypes\nctypes.string_at(0)", "its kernel was killed by SIGSEGV in cell 3"),
        ("import os\nos._exit(3)", "its kernel ended with exit code 3 in cell 3"),
        ("exit", "the notebook ended its kernel in cell 3 (exit or quit)"),
        ("%no_such_magic", "cell 3: UsageError: Line magic function `%no_such_magic` not found."),
        ("raise ValueError('two\\nlines')", "cell 3: ValueError: two lines"),
        ("def broken(:", "cell 3: SyntaxError: "),
        ("raise KeyboardInterrupt", "cell 3: KeyboardInterrupt: "),
        ("%%bash\nexit 2", "cell 3: CalledProcessError: "),
        ("input('name?')", "cell 3: StdinNotImplementedError: "),
        (
            "from research_lib.errors import DataError\nraise DataError('prices/ABC.csv: no such file')",
            "prices/ABC.csv: no such file",
        ),
    ],
)
def test_the_message_says_what_happened_in_the_cell_as_the_reader_counts(project, source, message):
    project.notebook("print('before')", "", source, "import time\ntime.sleep(3)", "print('after')")
    done = project.run(project.file())
    assert done.exit_code == 1
    assert f"small/a: failed: {message}" in done.stdout
    assert project.record("a.failed.json")["cell"] == 3
    assert "before" in (project.output / "small" / "a.failed.html").read_text(encoding="utf-8")


def test_an_error_that_is_meant_or_an_end_that_is_asked_for_is_no_failure(project):
    meant = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    project.notebook(meant, "print('after')", "raise SystemExit", "print('never reached')")
    done = project.run(project.file())
    assert done.exit_code == 0, done.output
    assert "the notebook ended itself in cell 4" in done.stdout
    page = (project.output / "small" / "a.html").read_text(encoding="utf-8")
    assert "after" in page
    assert "ZeroDivisionError" in page


def test_a_report_over_its_timeout_is_stopped_with_all_that_it_started(project):
    start = "subprocess.Popen(['sleep', '54321'], start_new_session={})"
    project.notebook(
        f"import subprocess\n{start.format(False)}\n{start.format(True)}\nsubprocess.run(['sleep', '54321'])"
    )
    done = project.run(project.file(), "--timeout", "6")
    assert done.exit_code == 1
    assert "a: failed: stopped: over its timeout of 6 s in cell 2" in done.stdout
    wait_for(lambda: not alive("54321"))


@pytest.mark.parametrize(
    ("kernel", "status", "said"),
    [("", 0, ""), ("conda-env-of-somebody-py", 0, "executed on python3"), ("julia-9", 1, "is not installed")],
)
def test_a_kernel_that_is_not_there(project, kernel, status, said):
    path = project.notebook(kernel=kernel)
    if kernel == "julia-9":
        path.write_text(path.read_text().replace('"language": "python"', '"language": "julia"'))
    done = project.run(project.file())
    assert (done.exit_code, said in done.stdout) == (status, True), done.output


def test_a_page_that_cannot_be_rendered_loses_nothing_that_was_computed(project, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no template")

    project.notebook("print('computed')")
    monkeypatch.setattr(make, "render", fail)
    done = project.run(project.file())
    assert "a: failed: its page cannot be made: RuntimeError: no template" in done.stdout
    assert project.made() == {"a.failed.html", "a.failed.json", "a.failed.ipynb"}
    assert "computed" in str(project.executed("a.failed.ipynb").cells[-1].outputs)


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
    assert done.exit_code in {1, 2}
    assert "No space left on device" in done.output
    assert project.made() == set()


@pytest.mark.parametrize(("output", "said"), [("/proc/reports", "cannot be written"), ("s3://bucket", "to a folder")])
def test_a_place_that_cannot_be_written_is_one_line(project, output, said):
    project.notebook()
    project.output = output
    done = project.run(project.file())
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


def test_nobody_reads_the_output_any_more(project):
    project.notebook("import time\ntime.sleep(1)")
    running = project.start(project.file())
    running.stdout.close()
    assert running.wait(60) == 0
    assert (project.output / "index.html").exists()


@pytest.mark.parametrize("length", [40, 68, 150])
def test_a_long_folder_for_temporary_files_does_no_harm(project, length):
    """Sockets have short names: in a long folder they fail, so they stand elsewhere."""
    folder = project.folder / ("t" * max(length - len(str(project.folder)) - 1, 1))
    folder.mkdir()
    project.notebook(FINDINGS)
    running = project.start(project.file(), env={**os.environ, "TMPDIR": str(folder)})
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output


# --- what is unchanged


def test_unchanged_reports_are_not_made_again(project):
    project.notebook()
    path = project.file()
    assert project.run(path).exit_code == 0
    before = (project.output / "small" / "a.html").stat().st_mtime_ns
    again = project.run(path)
    assert (again.exit_code, "a: unchanged" in again.stdout) == (0, True)
    assert (project.output / "small" / "a.html").stat().st_mtime_ns == before
    assert "a: ok" in project.run(path, "--force").stdout
    assert (project.output / "small" / "a.html").stat().st_mtime_ns > before


def test_a_run_with_nothing_changed_needs_no_heavy_package(project):
    """So that it takes less than a second."""
    project.notebook()
    path = project.file()
    project.run(path)
    say = "import atexit\natexit.register(lambda: print('pandas' in sys.modules, 'jupyter_client' in sys.modules))"
    output, _ = project.start(path, first=f"{SAME_CODE}\n{say}").communicate(timeout=60)
    assert "a: unchanged" in output
    assert output.endswith("False False\n")


@pytest.mark.parametrize("change", ["parameters", "notebook", "module"])
def test_a_changed_report_is_made_again_and_keeps_what_it_said_before(project, change):
    module = project.folder / "notebooks" / "helper.py"
    module.write_text("FACTOR = 1\n")
    cells = ["from helper import FACTOR", "seed = seed * FACTOR", FINDINGS]
    project.notebook(*cells)
    path = project.file()
    project.run(path)
    if change == "parameters":
        path.write_text("seed: 5\n")
    elif change == "notebook":
        project.notebook(*cells[:-1], "seed = 5", FINDINGS)
    else:
        module.write_text("FACTOR = 5\n")
    assert "a: ok" in project.run(path).stdout
    record = project.record()
    assert record["previous"]["findings"][0]["value"] == 1
    assert record["findings"][0]["value"] == 5
    assert record["previous"]["previous"] is None
    assert "a: ok" in project.run(path, "--force").stdout
    assert project.record()["previous"]["findings"][0]["value"] == 1


def test_what_jupyterlab_writes_when_it_opens_and_saves_changes_nothing(project):
    path = project.notebook(FINDINGS)
    file = project.file()
    project.run(file)
    content = json.loads(path.read_text())
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11.7", "file_extension": ".py"}
    content["cells"][1]["execution_count"] = 7
    content["cells"][1]["metadata"]["jupyter"] = {"source_hidden": True}
    path.write_text(json.dumps(content, indent=4))
    assert "a: unchanged" in project.run(file).stdout


def test_changed_data_makes_a_report_again(project, walk):
    data = project.folder / "data"
    settings = f"source: folder\ndata_dir: {data}\nasset: ABC\n"
    project.notebook(parameters="source = 'bundled'\ndata_dir = ''\nasset = 'GSPC'")
    path = project.file(text=settings)
    write_prices(data, "ABC", walk)
    assert "a: ok" in project.run(path).stdout
    assert "a: unchanged" in project.run(path).stdout
    write_prices(data, "ABC", walk * 1.01)
    assert "a: ok" in project.run(path).stdout


def test_a_report_whose_last_session_was_not_over_is_made_again(project):
    project.notebook()
    path = project.file()
    project.run(path)
    record = project.record()
    record["data"] = [{"source": "yahoo", "id": "ABC", "last": "2024-01-04", "unfinished": True}]
    (project.output / "small" / "a.findings.json").write_text(json.dumps(record))
    assert "a: ok" in project.run(path).stdout
    assert "a: unchanged" in project.run(path).stdout


def test_a_file_that_cannot_be_read_is_no_fault_of_the_runner(project):
    project.notebook()
    (project.folder / "notebooks" / "gone.csv").symlink_to(project.folder / "nowhere")
    (project.folder / "notebooks" / "loop").symlink_to(project.folder / "notebooks" / "loop")
    assert project.run(project.file()).exit_code == 0


def test_a_report_of_other_code_is_made_again(project, monkeypatch):
    project.notebook()
    path = project.file()
    project.run(path)
    monkeypatch.setattr(Inputs, "code", "another")
    assert "a: ok" in project.run(path).stdout


# --- sweeps


def test_a_sweep_makes_a_report_for_each_combination(project):
    project.notebook(parameters="seed = 0\nwindow = 50\nthreshold = 2.5")
    done = project.run(project.file(), "--grid", "window=20,50,100", "threshold=2.5,3")
    assert done.exit_code == 0, done.output
    slugs = {name.removesuffix(".html") for name in project.made() if name.endswith(".html")}
    assert slugs == {f"a--threshold={high}--window={window}" for high in ("2.5", "3") for window in (20, 50, 100)}
    assert project.record("a--threshold=2.5--window=20.findings.json")["parameters"]["threshold"] == 2.5


def test_a_wrong_point_of_a_sweep_stops_only_itself(project):
    project.notebook()
    done = project.run(project.file(), "--grid", "seed=20,x")
    assert done.exit_code == 2
    assert "seed: 'x'" in done.stdout
    assert "a--seed=20.html" in project.made()


def test_a_value_that_no_file_may_have_in_its_name_stays_below_the_folder():
    slug = plan._slug("small", {"asset": "../../x"})
    assert "/" not in slug
    assert slug != plan._slug("small", {"asset": ".._.._x"})


def test_a_hundred_reports(project):
    project.notebook(FINDINGS)
    done = project.run(project.file(), "--grid", "seed=0:99:1")
    assert done.exit_code == 0, done.output
    assert project.summary()["counts"] == {"ok": 100}
    values = {project.record(f"a--seed={seed}.findings.json")["findings"][0]["value"] for seed in range(100)}
    assert values == set(range(100))


# --- interrupted, killed, twice

WAITING = "import time, os, subprocess\nwhile seed and not os.path.exists({marker!r}):\n    subprocess.run(['sleep', '0.12345'])"


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.5, 3.0])
def test_an_interrupt_at_any_time_is_one_clear_end(project, seconds):
    """Ctrl-C goes to every process of the terminal."""
    project.notebook("import subprocess", "subprocess.run(['sleep', '65432'])")
    running = project.start(project.file())
    time.sleep(seconds)
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=30)
    assert "Traceback" not in output or "import" in output  # of a Python that was only about to start
    if seconds > 1:
        assert running.returncode == 130
        assert "interrupted" in output
        assert len(output.splitlines()) <= 3, output
    assert not (project.output / "small" / "a.html").exists()
    wait_for(lambda: not alive("65432"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_made_and_resume_goes_on(project, number):
    marker = project.folder / "go"
    project.notebook(WAITING.format(marker=str(marker)))
    running = project.start(project.file(), "--grid", "seed=0,1,2", "--jobs", "1")
    wait_for(lambda: "a--seed=0.html" in project.made())
    running.send_signal(number)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert "interrupted: 1 of 3 reports are done and kept" in output
    assert f"go on with: python -m research_lib run --resume --output {project.output}" in output
    assert "Traceback" not in output
    assert {name for name in project.made() if "seed=0" not in name} == set()
    assert project.summary()["finished"] is False
    marker.touch()
    done = project.run("--resume")
    assert done.exit_code == 0, done.output
    assert "a--seed=0: unchanged" in done.stdout
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
    marker, runs = project.folder / "interrupt", project.folder / "runs"
    project.notebook(f"import time\nopen({str(runs)!r}, 'w').close()\ntime.sleep(60)")
    running = project.start(project.file(), first=TO_ANOTHER_THREAD.format(marker=str(marker)))
    wait_for(runs.exists)
    marker.touch()
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130, output
    assert "interrupted: 0 of 1 reports are done and kept" in output


def test_interrupts_that_come_again_and_again_are_one_clear_end(project):
    runs = project.folder / "runs"
    project.notebook(f"import time\nopen({str(runs)!r}, 'w').close()\ntime.sleep(60)")
    running = project.start(project.file(), "--grid", "seed=0,1,2")
    wait_for(runs.exists)
    for _ in range(5):
        interrupt(running)
        time.sleep(0.02)
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130, output
    assert "interrupted: 0 of 3 reports are done and kept" in output
    assert "Traceback" not in output


def test_where_interrupts_are_ignored_from_the_start_they_stay_so(project):
    """As of a job in the background of a script; SIGTERM ends it."""
    runs, marker = project.folder / "runs", project.folder / "go"
    project.notebook(f"open({str(runs)!r}, 'w').close()\n" + WAITING.format(marker=str(marker)))
    running = project.start(project.file(), first="signal.signal(signal.SIGINT, signal.SIG_IGN)")
    wait_for(runs.exists)
    interrupt(running)
    marker.touch()
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output


def test_a_killed_runner_leaves_nothing_running_and_can_be_resumed(project):
    marker = project.folder / "go"
    project.notebook(WAITING.format(marker=str(marker)).replace("0.12345", "76543"))
    running = project.start(project.file(), "--grid", "seed=0,1,2")
    wait_for(lambda: "a--seed=0.html" in project.made() and alive("76543"))
    running.kill()
    running.wait()
    wait_for(lambda: not alive("76543"))
    assert not [name for name in project.made() if name.startswith(".making")]
    wait_for(lambda: not folders_of(running.pid))
    marker.touch()
    assert project.run("--resume").exit_code == 0
    assert {f"a--seed={seed}.html" for seed in range(3)} <= project.made()


def test_the_same_run_twice_at_once_makes_each_report_once(project):
    log = project.folder / "log"
    project.notebook(f"open({str(log)!r}, 'a').write(f'{{seed}}\\n')")
    log.touch()
    (project.folder / "notebooks" / ".hidden").touch()
    first, second = (project.start(project.file(), "--grid", "seed=0,1,2,3") for _ in range(2))
    outputs = [running.communicate(timeout=120)[0] for running in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert sorted(log.read_text().split()) == ["0", "1", "2", "3"]
    assert sum(output.count(": unchanged") for output in outputs) == 4


# --- a cluster


def test_a_cluster_makes_the_same_reports_and_outlives_a_worker(project):
    marker = project.folder / "first"
    project.notebook(
        f"import os, signal, psutil\nif seed == 1 and not os.path.exists({str(marker)!r}):\n"
        f"    open({str(marker)!r}, 'w').close()\n"
        "    os.kill(int(os.environ['JPY_PARENT_PID']), signal.SIGKILL)"
    )
    running = project.start(project.file(), "--grid", "seed=0,1", "--cluster", "local", "--jobs", "1", first="")
    output, _ = running.communicate(timeout=180)
    assert running.returncode == 0, output
    assert marker.exists()
    assert project.summary()["counts"] == {"ok": 2}


def test_a_cluster_that_does_not_answer_is_one_line(project):
    project.notebook()
    done = project.run(project.file(), "--cluster", "tcp://127.0.0.1:1")
    assert done.exit_code == 2
    assert "no Dask scheduler answers" in done.stderr


def test_a_line_says_what_was_found_where_it_is_and_where_data_ends_before_as_of(tmp_path):
    made = Record(notebook="n", slug="a", status="ok", headline="It rose", duration_seconds=1.23)
    assert describe(made, tmp_path) == "n/a: ok: It rose (1.2 s)"
    card = {"id": "GSPC", "last": "2018-12-31"}
    late = made.with_(parameters={"as_of": "2024-07-16"}, data=[card, {"id": "VIX", "last": "2024-07-16"}])
    assert "It rose; as_of is 2024-07-16, but the data ends on 2018-12-31" in describe(late, tmp_path)
    assert "as_of" not in describe(late.with_(parameters={"as_of": "2018-12-31"}), tmp_path)
    wrong = Record(notebook="n", slug="a", status="wrong", message="n/a: one\ntwo")
    assert describe(wrong, tmp_path) == "n/a: wrong: one\nn/a: wrong: two"
