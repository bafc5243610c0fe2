"""The runner on real kernels: what fails, is killed, interrupted, repeated or swept, and what is wrong before it runs."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from research_lib.params import NotebookParameters
from research_lib.project import noted_interrupts
from research_lib.reports import make, run
from research_lib.reports.inputs import Inputs
from research_lib.reports.plan import Report
from research_lib.reports.record import PAGE, Record, Status
from research_lib.reports.run import describe, publish
from tests.conftest import random_walk, read_table, write_prices
from tests.reports.conftest import FINDINGS, MARK, SAME_CODE, alive, folders_of, wait_for

pytestmark = pytest.mark.notebook


def test_a_failing_cell_gives_a_report_up_to_it_and_the_others_go_on(project):
    project.notebook("print('before')", "if seed == 1:\n    1 / 0", "print('never reached')", FINDINGS)
    done = project.run(project.file("bad"), project.file("good", "seed: 2\n"))
    assert done.exit_code == 1
    assert "small/bad: failed: cell 3: ZeroDivisionError: division by zero" in done.stdout
    bad = {f"bad.failed.{ending}" for ending in ("html", "json", "ipynb")}
    assert project.made() == {*bad, "good.html", "good.findings.json", "good.ipynb"}
    page = project.page("bad.failed.html")
    parts = ("ZeroDivisionError", "before", "never reached", "Exception was encountered")
    assert [part in page for part in parts] == [True, True, False, False]
    record = project.record("bad.failed.json")
    assert (record["status"], record["cell"], record["parameters"]["seed"]) == ("failed", 3, 1)
    assert project.record("good.findings.json")["title"] == "A small notebook"
    assert project.summary()["counts"] == {"failed": 1, "ok": 1}
    assert "bad.failed.html" in (project.output / "index.html").read_text(encoding="utf-8")


def test_a_failure_leaves_the_last_good_report_and_is_gone_with_the_next(project):
    path, pages = project.file(), []
    for cell, status in (("", 0), ("1 / 0", 1), ("print('mended')", 0)):
        project.notebook(cell)
        assert project.run(path).exit_code == status
        assert ("a.failed.html" in project.made()) is bool(status)
        pages.append(project.page())
    assert pages[0] == pages[1]
    assert "mended" in pages[2]


def test_what_a_newer_report_lacks_does_not_stand_beside_it(tmp_path):
    report = Report(tmp_path / "own.ipynb", "a", NotebookParameters(), tmp_path / "own")
    good, failed = report.record(Status.OK), report.record(Status.FAILED, "no kernel")
    publish(report, failed, {PAGE: b"an earlier one"})
    publish(report, failed, {})
    assert [path.name for path in report.folder.iterdir()] == ["a.failed.json"]
    publish(report, good, {"figures/hero.svg": b"", "summary.txt": b"", "pdf": b""})
    publish(report, good, {})
    assert [path.name for path in report.folder.rglob("*") if path.is_file()] == ["a.findings.json"]


ENDS = read_table("reports/ends.yaml")


def test_the_message_says_what_happened_in_the_cell_as_the_reader_counts(project):
    for name, row in ENDS.items():
        project.notebook("print('before')", "", row.get("cell", ""), "print('after')", name=name, **row.get("spec", {}))
        project.file(name=name)
    project.notebook("exit", name="last")
    done = project.run(project.folder / "params", project.file(name="last"))
    assert done.exit_code == 1
    said = dict(line.split("/a: ", 1) for line in done.stdout.splitlines() if "/a: " in line)
    assert said["last"].startswith("ok (")
    assert {name: said[name] for name, row in ENDS.items() if not said[name].startswith(row["said"])} == {}
    for name in (name for name, row in ENDS.items() if "cell" in row):
        assert project.made(name) == {"a.failed.html", "a.failed.json", "a.failed.ipynb"}
        assert project.record("a.failed.json", name)["cell"] == (3 if "cell 3" in said[name] else None)
        assert "before" in project.page("a.failed.html", name)
    assert "after" in project.page("a.failed.html", "goes_on")  # what ran is shown


def test_an_error_that_is_meant_or_an_end_that_is_asked_for_is_no_failure(project):
    meant = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    project.notebook(meant, "print('after')", "raise SystemExit", "print('never reached')")
    done = project.run(project.file())
    assert done.exit_code == 0, done.output
    assert "cell 4: the notebook ended itself" in done.stdout
    assert "ZeroDivisionError" in project.page()


def test_what_a_cell_has_detached_ends_with_the_run(project):
    project.notebook(f"import subprocess\nsubprocess.Popen(['sleep', '{MARK}'], start_new_session=True)")
    running = project.start(project.file())
    assert "a: ok" in running.communicate(timeout=120)[0]
    wait_for(lambda: not alive(MARK) and not folders_of(running.pid))


@pytest.mark.parametrize("seconds", ["0.1", "6"])
def test_a_report_over_its_timeout_is_stopped_with_all_that_it_started(project, seconds):
    """Before its kernel has come up too."""
    start = f"subprocess.Popen(['sleep', '{MARK}'], start_new_session={{}})"
    project.notebook(f"import subprocess\n{start.format(False)}\n{start.format(True)}.wait()")
    done = project.run(project.file(), "--timeout", seconds)
    assert re.search(rf"a: failed: (cell \d: )?over its timeout of {seconds} s", done.stdout)
    wait_for(lambda: not alive(MARK))


def test_a_page_that_cannot_be_rendered_loses_nothing_that_was_computed(project, monkeypatch):
    project.notebook("print('computed')")
    render = make.render
    monkeypatch.setattr(make, "render", lambda book, *how, **at: 1 / 0 if book.cells else render(book, *how, **at))
    done = project.run(project.file())
    assert "a: failed: its page cannot be made: ZeroDivisionError: division by zero" in done.stdout
    assert project.made() == {"a.failed.html", "a.failed.json", "a.failed.ipynb"}
    assert "its page cannot be made" in project.page("a.failed.html")
    assert "computed" in str(project.executed("a.failed.ipynb").cells[-1].outputs)


# --- where reports go


def test_a_full_disk_fails_the_report_and_leaves_nothing_half_written(project):
    project.notebook("print('x' * 100_000)")
    project.output.mkdir()
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", project.output]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        done = project.run(project.file())
        assert done.exit_code in {1, 2}
        assert "No space left on device" in done.output
        assert project.made() == set()
    finally:
        subprocess.run([shutil.which("umount"), project.output], check=True)


def test_nobody_reads_the_output_any_more(project):
    project.notebook("import time\ntime.sleep(1)")
    running = project.start(project.file())
    running.stdout.close()
    assert running.wait(60) == 0
    assert (project.output / "index.html").exists()


@pytest.mark.parametrize(("files", "said"), [(64, "4 done"), (48, "only 48 files may be open at once (ulimit -n)")])
def test_where_few_files_may_be_open_fewer_reports_are_made_at_once(project, files, said):
    project.notebook()
    limit = f"{SAME_CODE}\nimport resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))"
    running = project.start(project.file(), "--grid", "seed=0,1,2,3", "--jobs", "4", first=limit)
    output, _ = running.communicate(timeout=120)
    assert said in (output if running.returncode else f"{output.count(': ok ')} done"), output


# --- what is unchanged


def saved_by_jupyterlab(project):
    path = project.notebook(FINDINGS)
    content = json.loads(path.read_text())
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11.7", "file_extension": ".py"}
    own = {"tags": ["parameters"], "jupyter": {"source_hidden": True}}
    content["cells"][1] |= {"execution_count": 7, "metadata": own}
    path.write_text(json.dumps(content, indent=4))


# What is done, and the sources whose reports are then made anew.
CHANGES = {
    "nothing": (lambda project: project.notebook(FINDINGS), ""),
    "saved by JupyterLab": (saved_by_jupyterlab, ""),
    "a hidden file": (lambda project: (project.folder / "notebooks" / ".hidden").touch(), ""),
    "another notebook": (lambda project: project.notebook(name="other"), ""),
    "a link to nowhere": (lambda project: (project.folder / "notebooks" / "a.csv").symlink_to("nowhere"), ""),
    "a cell": (lambda project: project.notebook("seed = 5", FINDINGS), "folder yahoo"),
    "a tag": (lambda project: project.notebook(FINDINGS, tag="other"), "folder yahoo"),
    "a module beside it": (lambda project: (project.folder / "notebooks" / "helper.py").touch(), "folder yahoo"),
    "data": (lambda project: write_prices(project.folder / "data", "ABC", project.walk * 1.01), "folder"),
    "a snapshot": (lambda project: (project.folder / "yahoo" / "hash.parquet").touch(), "yahoo"),
    "the code": (lambda _: setattr(Inputs, "code", "another"), "folder yahoo"),
}


@pytest.mark.parametrize(("act", "anew"), CHANGES.values(), ids=CHANGES)
def test_what_a_report_depends_on(project, monkeypatch, act, anew):
    monkeypatch.setenv("RESEARCH_LIB_SNAPSHOTS", str(project.folder))
    (project.folder / "yahoo").mkdir()
    project.walk, notebook = random_walk(1500, seed=1), project.notebook(FINDINGS)
    write_prices(project.folder / "data", "ABC", project.walk)
    folder = {"source": "folder", "data_dir": str(project.folder / "data"), "asset": "ABC"}
    asked = {"folder": folder, "yahoo": {"source": "yahoo"}}
    before = {source: Inputs().of(notebook, one) for source, one in asked.items()}
    act(project)
    after = {source: Inputs().of(notebook, one) for source, one in asked.items()}
    assert {source for source in asked if before[source] != after[source]} == set(anew.split())
    assert Inputs().of(notebook, folder | {"asset": "DEF"}) != after["folder"]


def test_a_run_with_nothing_changed_makes_nothing_and_needs_no_heavy_package(project):
    """So that it takes less than a second; and one that makes a report none of jsonschema's grammar, which takes one more."""
    say = "print(*(one in sys.modules for one in ('lark', 'pandas', 'jupyter_client')))"
    first = f"{SAME_CODE}\nimport atexit, sys\natexit.register(lambda: {say})"
    run = lambda: project.start(path, first=first).communicate(timeout=120)[0]
    project.notebook()
    path = project.file()
    assert "\nFalse " in run()
    before = (project.output / "small" / "a.html").stat().st_mtime_ns
    assert re.search(r"(?s)a: unchanged.*\nFalse False False\n$", run())
    assert (project.output / "small" / "a.html").stat().st_mtime_ns == before
    trial = project.file("trial")
    project.run(trial)
    for file in (trial, *(project.output / "small").glob("trial.*")):
        file.unlink()
    assert "a: unchanged" in project.run(path).stdout
    index = project.output / "index.html"
    assert "trial" not in index.read_text(encoding="utf-8")
    os.utime(index, (0, 0))  # as where a run was killed before it could write it
    assert "a: unchanged" in project.run(path).stdout
    assert index.stat().st_mtime > 0


def test_a_changed_report_is_made_again_and_keeps_what_it_said_before(project):
    module = project.folder / "notebooks" / "helper.py"
    module.write_text("FACTOR = 1\n")
    project.notebook("from helper import FACTOR", "seed = seed * FACTOR", FINDINGS)
    path = project.file()
    project.run(path)
    # Of another size: Python takes the compiled module for new where size and time, in whole seconds, are the same.
    module.write_text("FACTOR = 5  # not 1\n")
    for words in ((), ("--force",)):
        assert "a: ok" in project.run(path, *words).stdout
        record = project.record()
        assert (record["previous"]["findings"][0]["value"], record["findings"][0]["value"]) == (1, 5)
        assert record["previous"]["previous"] is None
    card = {"source": "yahoo", "id": "ABC", "last": "2024-01-04", "unfinished": True}  # that session was not over
    (project.output / "small" / "a.findings.json").write_text(json.dumps({**project.record(), "data": [card]}))
    assert "a: ok" in project.run(path).stdout
    assert "a: unchanged" in project.run(path).stdout


def test_a_sweep_stands_beside_the_report_of_the_file_and_a_wrong_value_stops_only_itself(project):
    project.notebook(FINDINGS, parameters="seed = 0\nwindow = 50")
    path = project.file()
    project.run(path)
    done = project.run(path, "--grid", "window=20,x", "--grid", "seed=0:4:1")
    assert done.exit_code == 2, done.output
    assert "window: 'x'" in done.stdout
    assert project.summary()["counts"] == {"ok": 5, "wrong": 5}
    made = [project.record(f"a{name}.findings.json") for name in ("", *(f"--seed={i}--window=20" for i in range(5)))]
    assert [record["findings"][0]["value"] for record in made] == [1, *range(5)]
    assert [record["parameters"].get("window") for record in made[1:]] == [20] * 5
    assert "a--seed%3D4--window%3D20.html" in (project.output / "index.html").read_text(encoding="utf-8")


# --- interrupted, killed, twice


@pytest.mark.parametrize(("number", "times"), [(signal.SIGINT, 5), (signal.SIGTERM, 1)])
def test_an_interrupt_keeps_what_is_made_and_resume_goes_on(project, number, times):
    project.waiting()
    files = project.file(), project.file("wrong", "sed: 1\n")
    running = project.start(*files, "--grid", "seed=0,1,2", "--jobs", "1")
    wait_for(lambda: "a--seed=0.html" in project.made() and project.runs.exists())
    for _ in range(times):
        running.send_signal(number)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert "interrupted: 1 of 3 reports are done and kept" in output
    assert f"run --resume --output {shlex.quote(str(project.output))}" in output
    assert "Traceback" not in output
    wait_for(lambda: not alive(MARK))
    assert {name for name in project.made() if "seed=0" not in name} == set()
    assert project.summary()["counts"] == {"wrong": 3, "ok": 1, "interrupted": 2}
    project.go.touch()
    assert project.run("--resume").exit_code == 2
    assert project.summary()["counts"] == {"wrong": 3, "unchanged": 1, "ok": 2}


def test_an_interrupt_that_is_ignored_from_the_start_stays_so():
    """As of a job in the background of a script."""
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with noted_interrupts() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert not interrupted()
    signal.signal(signal.SIGINT, usual)


def test_a_killed_runner_leaves_nothing_running_and_can_be_resumed(project):
    project.waiting()
    running = project.start(project.file(), "--grid", "seed=0,1,2")
    wait_for(lambda: "a--seed=0.html" in project.made() and alive(MARK))
    running.kill()
    running.wait()
    wait_for(lambda: not alive(MARK) and not folders_of(running.pid))
    (project.output / "small" / ".making-a.html-x").touch()  # as where it is killed while it writes
    project.go.touch()
    assert project.run("--resume").exit_code == 0
    assert not [name for name in project.made() if name.startswith(".making")]
    assert {f"a--seed={seed}.html" for seed in range(3)} <= project.made()


def test_the_same_run_twice_at_once_leaves_whole_reports_also_with_a_long_tmpdir(project):
    """Sockets have short names: in a long folder they fail, so they stand elsewhere."""
    project.notebook(FINDINGS)
    folders = [project.folder / ("t" * max(length - len(str(project.folder)) - 1, 1)) for length in (75, 150)]
    for folder in folders:
        folder.mkdir()
    own = [{**os.environ, "TMPDIR": str(folder)} for folder in folders]
    both = [project.start(project.file(), "--grid", "seed=0,1,2,3", env=one) for one in own]
    outputs = [running.communicate(timeout=120)[0] for running in both]
    assert [running.returncode for running in both] == [0, 0], outputs
    values = [project.record(f"a--seed={seed}.findings.json")["findings"][0]["value"] for seed in range(4)]
    assert values == [0, 1, 2, 3]
    assert not [name for name in project.made() if name.startswith(".making")]


def test_a_worker_that_has_something_else_than_the_run_makes_nothing(project):
    report = Report(project.notebook(), "a", NotebookParameters(), project.output, inputs="another")
    with ThreadPoolExecutor(1) as pool:
        (record,) = run._execute([report], pool, run.Options(cluster="local"), lambda: False)
    assert (record.status, "another version" in record.message, project.output.exists()) == ("failed", True, False)


def test_a_cluster_makes_the_same_reports_and_outlives_a_worker(project):
    project.notebook(
        "import os, signal\nif seed == 1 and not os.path.exists('.first'):\n"
        "    open('.first', 'w').close()\n    os.kill(int(os.environ['JPY_PARENT_PID']), signal.SIGKILL)"
    )
    workers = {"DASK_DISTRIBUTED__WORKER__PRELOAD": repr([SAME_CODE])}  # they know no edit of the library either
    words = [project.file(), "--grid", "seed=0,1", "--cluster", "local", "--jobs", "1"]
    running = project.start(*words, env={**os.environ, **workers})
    output, _ = running.communicate(timeout=180)
    assert running.returncode == 0, output
    assert (project.folder / "notebooks" / ".first").exists()
    assert project.summary()["counts"] == {"ok": 2}


def test_a_line_says_what_was_found_where_it_is_and_where_data_ends_long_before_as_of(tmp_path):
    made = Record(notebook="n", slug="a", status="ok", headline="It rose", duration_seconds=1.23)
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "a.html").touch()
    assert describe(made, tmp_path) == f"n/a: ok: It rose ({tmp_path}/n/a.html, 1.2 s)"
    made = made.with_(data=[{"id": "GSPC", "last": "2024-07-12"}, {"id": "VIX", "last": "2024-07-31"}])
    for as_of in ("2024-07-31", "2024-07-12", "2024-07-13", "yesterday", None):
        said = describe(made.with_(parameters={"as_of": as_of}), tmp_path)
        assert ("It rose; as_of is 2024-07-31, but the data ends on 2024-07-12" in said) is (as_of == "2024-07-31")
    wrong = Record(notebook="n", slug="a", status="wrong", message="a.yaml: one\na.yaml: two")
    assert describe(wrong, tmp_path) == "n/a: wrong: a.yaml: one\na.yaml: two"
