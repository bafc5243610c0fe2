"""The commands as they are typed."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import PARAMETERS, PROJECT
from tests.conftest import read_table

NAME = "03_record_sigma/smoke"
SMOKE = f"params/{NAME}.yaml"
MISTAKES = read_table("mistakes.yaml")


def invoke(*words, **options):
    return CliRunner(**options).invoke(app, [str(word) for word in words])


@pytest.fixture(autouse=True)
def in_the_project_with_nothing_pulled(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("RESEARCH_LIB_SNAPSHOTS", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "command", ["run", "check", "list", "compare", "claims", "new", "lab", "sync", "data pull", "data verify"]
)
def test_help_has_examples_that_exist_and_no_words_of_programmers(command):
    done = invoke(*command.split(), "--help", env={"COLUMNS": "80"})
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    examples = [line.split()[3:] for line in lines if line.startswith("    python -m research_lib ")]
    assert {" ".join(words[: len(command.split())]) for words in examples} == {command}
    for name in re.findall(r"\d\d_\w+/\w+", done.stdout):
        assert (PARAMETERS / f"{name}.yaml").exists(), name
    assert max(map(len, lines)) <= 80
    assert not re.search(r"<\w|boolean|FILE --", done.stdout)


def test_help_needs_no_heavy_package_and_the_version_is_said():
    assert re.fullmatch(r"research-lib \d+\.\d+\.\d+\n", invoke("--version").stdout)
    assert invoke("data", "pull", "-h").stdout == invoke("data", "pull", "--help").stdout
    code = "import sys; import research_lib.cli; print([m for m in ('pandas', 'numpy', 'jupyter_client') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("module", ["typer", "research_lib.params", "research_lib.reports.run", "pandas"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_line_whatever_is_being_imported(module, number):
    code = f"""
import importlib.abc, os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests in the background ignores it
class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Interrupt())
sys.argv[1:] = ["check", {SMOKE!r}]
runpy.run_module("research_lib", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(("words", "said"), MISTAKES.items())
def test_a_mistake_is_one_line_and_makes_no_report(tmp_path, monkeypatch, words, said):
    (tmp_path / "article.yaml").write_text("says: Small caps rose.\n")
    (tmp_path / "TMP").mkdir()
    monkeypatch.setattr("research_lib.cli.PARAMETERS", Path("/dev/null"))
    monkeypatch.setattr("research_lib.cli.REPORTS", tmp_path / "made")
    words = words.replace("SMOKE", SMOKE).replace("TMP/", f"{tmp_path}/").replace("TMP", f"{tmp_path}/TMP")
    where = ["--output", tmp_path / "made"] if words.startswith("run") and "--output" not in words else []
    done = invoke(*shlex.split(words), *where)
    lines = [line for line in done.output.splitlines() if line and not line.startswith(("index: ", "Usage: ", "Try "))]
    assert (done.exit_code, len(lines)) == (2, 1), done.output
    assert said.replace("SMOKE", SMOKE) in lines[0]
    assert not (tmp_path / "made" / "03_record_sigma").exists()


def test_make_answers_what_people_type():
    options = {"capture_output": True, "text": True, "cwd": PROJECT}
    plan = {one: subprocess.run(["make", "-n", one], check=False, **options) for one in ("report", "reports", "reprot")}  # noqa: S607
    assert plan["reports"].stdout == plan["report"].stdout
    assert "research_lib run" in plan["report"].stdout
    assert "make help" in plan["reprot"].stdout + plan["reprot"].stderr


def test_all_faults_of_all_files_stand_there_at_once(tmp_path):
    (tmp_path / "03_record_sigma").mkdir()
    first, second = (tmp_path / "03_record_sigma" / f"{name}.yaml" for name in ("first", "second"))
    first.write_text("windw: 20\nthreshold: -100\n")
    second.write_text("window: 20\nwindow: 50\n")
    done = invoke("check", first, second, SMOKE)
    assert done.exit_code == 2
    parts = ["first: .*threshold", "first: .*windw", "second: .*'window' stands here twice"]
    patterns = [*(f"✗ 03_record_sigma/{part}" for part in parts), f"✓ {NAME}"]
    assert all(re.match(*pair) for pair in zip(patterns, done.stdout.splitlines(), strict=True)), done.stdout
    first.write_text("threshold: -100\n")
    assert invoke("check", first, "--set", "threshold=3").exit_code == 0


def test_absent_data_is_wrong_only_where_it_was_asked_for():
    named, unnamed = invoke("check", PARAMETERS / "03_record_sigma" / "live.yaml"), invoke("check")
    assert (named.exit_code, unnamed.exit_code) == (2, 0)
    assert "data pull" in named.stdout
    assert "<notebook>" not in named.stdout
    assert "– 03_record_sigma/live: " in unnamed.stdout
    assert "✓ 03_record_sigma/baseline\n" in unnamed.stdout


def test_claims_takes_several_files(tmp_path):
    done = invoke("claims", SMOKE, "04_claims/smoke")
    assert ("HOLDS" in done.stdout, "holds no claims" in done.stderr) == (True, True)
    other = tmp_path / "other.yaml"
    other.write_text((PARAMETERS / "04_claims" / "smoke.yaml").read_text())
    one, both = (json.loads(invoke("claims", "04_claims/smoke", *more, "--json").stdout) for more in ((), (other,)))
    assert both == one * 2
    table = invoke("claims", "04_claims/smoke", other, "--csv").stdout.splitlines()
    assert (table[0][:3], len(table)) == ("id,", 1 + len(both))


def test_a_new_claims_file_is_checked_and_a_line_that_does_not_fit_never_loses_the_others(tmp_path, monkeypatch):
    """Words are checked when the file is read; whether they fit together is known with the data."""
    monkeypatch.setattr("research_lib.cli.PARAMETERS", tmp_path)
    path = tmp_path / "04_claims" / "mine.yaml"
    assert "check it: python -m research_lib claims 04_claims/mine\n" in invoke("claims", "new", "mine").stdout
    assert "is there already" in invoke("claims", "new", "mine").stderr
    first = path.read_text(encoding="utf-8")
    assert "HOLDS A1" in invoke("claims", path).stdout
    wrong = "  - {id: A0, article: A, says: s, check: {of: GSPC, when: above 5%, say: count}, is: 5}\n"
    path.write_text(first + wrong, encoding="utf-8")
    text = invoke("claims", path).stdout
    assert "holds 1, untestable 1" in text
    assert text.index("HOLDS A1") < text.index("UNTESTABLE A0")
    assert "5%: the line gives a level; write it in points." in " ".join(text.split())
    path.write_text(first.replace("the S&P 500 fell", "S&P 500: it fell"), encoding="utf-8")
    assert "quotation marks" in invoke("claims", path).stderr


def test_claims_puts_counts_first_then_what_fails():
    say = lambda *words, **options: invoke("claims", "04_claims/sayings", *words, **options).stdout
    text = say(env={"COLUMNS": "72"})
    places = [text.index(f"{word} ") for word in ("46 claims:", "\nFAILS", "\nDEPENDS", "\nNOT SHOWN", "\nHOLDS")]
    assert (places, max(map(len, text.splitlines())) <= 72) == (sorted(places), True)
    assert say("--verdict", "not shown") == say("--verdict", "open") != ""
    records = json.loads(say("--verdict", "fails", "--json"))
    assert {one["verdict"] for one in records} == {"fails"}
    assert {"says", "kind", "comparison", "lowest", "highest", "from", "at", "depends_on", "n"} <= set(records[0])
    assert len(say("--article", "fed", "--csv").splitlines()) == 4


def test_too_little_history_is_a_status_of_its_own(tmp_path):
    done = invoke("run", SMOKE, "--output", tmp_path, "--set", "as_of=1900-01-01")
    assert done.exit_code == 1
    assert "03_record_sigma/smoke--as_of=1900-01-01: insufficient data: " in done.stdout
    record = json.loads((tmp_path / "03_record_sigma" / "smoke--as_of=1900-01-01.failed.json").read_text())
    assert (record["status"], record["findings"]) == ("insufficient_data", [])


def test_a_folder_is_found_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    invoke("run", "nothing", "--output", "~/made")
    assert (tmp_path / "made" / "index.html").exists()
    assert invoke("list", "--output", "~nobody_of_this_name/made").exit_code == 0
    assert f"run '{tmp_path}/a b/params/q/first.yaml'" in invoke("new", "q", "--folder", tmp_path / "a b").stdout


def test_list_is_a_line_a_report_with_its_headline(tmp_path):
    made = tmp_path / "03_record_sigma" / "baseline.findings.json"
    made.parent.mkdir()
    record = {"notebook": "03_record_sigma", "slug": "baseline", "status": "ok", "started": "2026-11-20T10:00:00"}
    made.write_text(json.dumps(record | {"headline": "The record of 1984 stands", "standfirst": "Since 1950."}))
    made.with_name("baseline--window=100.findings.json").write_text(
        json.dumps(record | {"slug": "baseline--window=100"})
    )  # made by --set, without a file
    lines = [line.split(maxsplit=2) for line in invoke("list", "--output", tmp_path).stdout.splitlines()]
    names = {f"{path.parent.name}/{path.stem}" for path in PARAMETERS.glob("*/*.yaml") if path.stem != "smoke"}
    assert sorted(line[0] for line in lines) == sorted({*names, "03_record_sigma/baseline--window=100"})
    assert ["03_record_sigma/baseline", "2026-11-20", "The record of 1984 stands"] in lines
    assert ["03_record_sigma/nasdaq", "not", "yet"] in lines
    long = invoke("list", "--output", tmp_path, "--long").stdout
    assert "    params/03_record_sigma/baseline.yaml\n    Since 1950.\n" in long


def test_sync_says_what_is_stale_and_writes_nothing(monkeypatch):
    stale = PROJECT / "docs" / "parameters.md"
    monkeypatch.setattr("research_lib.studies.parameters.sync", lambda *, check: [stale] if check else [])
    done = invoke("sync", "--check")
    assert (done.exit_code, done.stdout) == (1, "stale: docs/parameters.md\n")
    assert invoke("sync").exit_code == 0


def test_lab_passes_options_on_and_asks_nothing_of_the_network(monkeypatch):
    given = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", given.extend)
    monkeypatch.setattr("research_lib.reports.forkserver.FORK_SERVER.start", lambda: None)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    assert invoke("lab", "--allow-root", "--ServerApp.ip=0.0.0.0").exit_code == 0
    assert given == ["--allow-root", "--ServerApp.ip=0.0.0.0"]
    kit, others = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    settings = json.loads(Path(kit, "jupyter_server_config.json").read_text())
    assert (others, settings["ServerApp"]["ip"], settings["LabApp"]["news_url"]) == ("mine", "127.0.0.1", None)
