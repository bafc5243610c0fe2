"""`check` and `list`, as they are typed."""

import json
import re

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import PARAMETERS, PROJECT

SMOKE = "params/03_record_sigma/smoke.yaml"


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(autouse=True)
def in_the_project_with_nothing_pulled(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("RESEARCH_LIB_SNAPSHOTS", str(tmp_path / "none"))


@pytest.fixture
def file(tmp_path):
    """Make a parameter file of the sigma notebook."""
    folder = tmp_path / "03_record_sigma"
    folder.mkdir()

    def write(name, text):
        (folder / name).write_text(text)
        return folder / name

    return write


def test_what_is_right_is_said_to_be():
    done = invoke("check", SMOKE)
    assert (done.exit_code, done.stdout) == (0, f"{SMOKE}: right\n")


def test_all_faults_of_all_files_stand_there_at_once(file):
    first = file("first.yaml", "windw: 20\nthreshold: -1\n")
    second = file("second.yaml", "window: 20\nwindow: 50\n")
    done = invoke("check", first, second, SMOKE)
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    assert lines[0] == f"{SMOKE}: right"
    assert len(lines) == 4
    for part in ("first.yaml", "windw", "window", "threshold", "second.yaml", "'window' stands here twice"):
        assert part in "\n".join(lines[1:])


def test_programs_get_the_same_as_json(file):
    path = file("first.yaml", "windw: 20\nthreshold: -1\n")
    done = invoke("check", path, SMOKE, "--json")
    assert done.exit_code == 2
    wrong, right = json.loads(done.stdout)
    assert (wrong["file"], wrong["verdict"], len(wrong["faults"])) == (str(path), "wrong", 2)
    assert right == {"file": SMOKE, "verdict": "right", "faults": []}


def test_a_setting_goes_before_the_file(file):
    assert invoke("check", SMOKE, "--set", "threshold=-1").exit_code == 2
    assert invoke("check", file("wrong.yaml", "threshold: -1\n"), "--set", "threshold=3").exit_code == 0


def test_absent_data_is_wrong_only_where_it_was_asked_for():
    live = PARAMETERS / "03_record_sigma" / "live.yaml"
    named, unnamed = invoke("check", live), invoke("check")
    assert (named.exit_code, unnamed.exit_code) == (2, 0)
    assert "data pull" in named.stdout
    assert "03_record_sigma/live.yaml: source" in unnamed.stdout
    verdicts = {each["file"]: each["verdict"] for each in json.loads(invoke("check", "--json").stdout)}
    assert verdicts["params/03_record_sigma/live.yaml"] == "no_data"
    assert verdicts["params/03_record_sigma/baseline.yaml"] == "right"


def test_a_folder_without_parameter_files_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    done = invoke("check", tmp_path / "empty")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_list_names_every_file_and_what_its_report_last_said(tmp_path):
    made = tmp_path / "03_record_sigma" / "baseline.findings.json"
    made.parent.mkdir()
    record = {"notebook": "03_record_sigma", "slug": "baseline", "status": "ok", "started": "2026-11-20T10:00:00"}
    made.write_text(json.dumps(record | {"answer": "Yes, by 0.4. It may be chance."}))
    lines = invoke("list", "--output", tmp_path).stdout.splitlines()
    files = {str(path.relative_to(PROJECT)) for path in PARAMETERS.glob("*/*.yaml") if path.stem != "smoke"}
    shown = {re.split(r"\s+", line.strip(), maxsplit=1)[0]: line for line in lines if "params/" in line}
    assert set(shown) == files
    assert "2026-11-20" in shown["params/03_record_sigma/baseline.yaml"]
    assert "Yes, by 0.4." in shown["params/03_record_sigma/baseline.yaml"]
    assert "not yet" in shown["params/03_record_sigma/nasdaq.yaml"]
