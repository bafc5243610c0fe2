"""Real notebooks through the real Papermill; what goes wrong costs one line and no report that was there."""

import json
import re
import subprocess
import sys

import nbformat
import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from research_lib.reports import plan
from research_lib.reports.html import render
from research_lib.reports.plan import find_parameter_files
from tests.conftest import random_walk, write_prices

SMOKE = PARAMETERS / "03_record_sigma" / "smoke.yaml"
NAMES = {
    "asof_sigma", "asof_sigma_rank", "peak_sigma", "peak_date", "episodes", "extremal_index", "return_period_years",
    "forward_mean_21", "forward_base_21", "forward_p_21", "move_5", "relative_move_5", "relative_move_5_rank",
}  # fmt: skip

pytestmark = pytest.mark.notebook


def command(*words):
    return CliRunner().invoke(app, ["run", *map(str, words)])


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """One report, made once for the tests that read it."""
    output = tmp_path_factory.mktemp("reports")
    result = command(SMOKE, "--output", output)
    assert result.exit_code == 0, result.output
    return output


@pytest.fixture(scope="module")
def page(smoke):
    return (smoke / "03_record_sigma" / "smoke.html").read_text(encoding="utf-8")


def test_a_report_is_three_files_and_a_line_in_the_index(smoke):
    names = sorted(path.name for path in (smoke / "03_record_sigma").iterdir())
    assert names == ["smoke.findings.json", "smoke.html", "smoke.ipynb"]
    index = (smoke / "index.html").read_text(encoding="utf-8")
    assert 'href="03_record_sigma/smoke.html"' in index
    assert "<td>ok</td>" in index
    assert "IXIC, 1999-01-04 to 2003-12-31" in index
    assert '"Segoe UI"' in index  # the style is not escaped, as texts are


def test_findings_have_their_names_and_are_plain(smoke):
    record = json.loads((smoke / "03_record_sigma" / "smoke.findings.json").read_text(encoding="utf-8"))
    assert {"notebook", "slug", "status", "parameters", "data", "findings"} <= set(record)
    assert (record["notebook"], record["slug"], record["status"]) == ("03_record_sigma", "smoke", "ok")
    assert {finding["name"] for finding in record["findings"]} >= NAMES
    for finding in record["findings"]:
        assert set(finding) == {"name", "value", "unit", "n", "low", "high", "definition"}
    assert record["data"][0]["id"] == "IXIC"
    assert record["data"][0]["last"] == "2003-12-31"
    assert re.fullmatch(r"[0-9a-f]{64}", record["data"][0]["sha256"])


def test_the_page_reads_from_the_top(page):
    title, answer, data = page.index("<h1"), page.index("standard deviations</strong>"), page.index('id="Data"')
    assert title < answer < data
    assert "<title>Record-sigma episodes: smoke</title>" in page
    assert '<html lang="en">' in page


def test_formulas_are_drawn_without_script(page):
    assert page.count("<math") > 10
    assert "$$" not in page
    assert r"\frac" not in re.sub(r"<annotation.*?</annotation>", "", page)


def test_no_warning_reaches_the_reader(page):
    assert "Warning" not in page


def test_the_notebook_is_kept_with_its_outputs(smoke):
    executed = nbformat.read(smoke / "03_record_sigma" / "smoke.ipynb", as_version=4)
    assert any(cell.get("outputs") for cell in executed.cells)
    injected = next(cell for cell in executed.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert 'as_of = "2003-12-31"' in injected.source
    assert str(PROJECT) not in (smoke / "03_record_sigma" / "smoke.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--set", "treshold=3"], ["treshold: unknown parameter; did you mean threshold?"]),
        (["--set", "window=fifty"], ["window", "'fifty'"]),
        (["--set", "asset=RUT"], ["source bundled has no prices of RUT; it has GSPC, IXIC, VIX"]),
        (["--set", "source=folder"], ["data_dir is needed"]),
        (["--set", "source=folder", "--set", "data_dir=nowhere"], ["data_dir nowhere: there is no such folder"]),
        (["--set", "window"], ["write name=value"]),
    ],
)
def test_a_mistake_costs_one_line_and_no_report(smoke, words, parts):
    before = {path: path.read_bytes() for path in (smoke / "03_record_sigma").iterdir()}
    result = command(SMOKE, "--output", smoke, *words)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output
    for part in parts:
        assert part in result.stderr
    assert {path: path.read_bytes() for path in (smoke / "03_record_sigma").iterdir()} == before


def test_an_unknown_file_names_the_nearest(tmp_path):
    result = command(SMOKE.with_name("smoek.yaml"), "--output", tmp_path)
    assert result.exit_code == 2
    assert "did you mean smoke.yaml?" in result.stderr


def test_a_bad_row_is_named_before_a_kernel_starts(tmp_path):
    close = random_walk(400, seed=1)
    path = write_prices(tmp_path, "ABC", close)
    text = path.read_text().replace("2000-02-01,", "2000-02-01,x")
    path.write_text(text)
    settings = ["source=folder", f"data_dir={tmp_path}", "asset=ABC", "benchmark=", "assets=[ABC]"]
    result = command(SMOKE, "--output", tmp_path / "out", *(word for one in settings for word in ("--set", one)))
    assert result.exit_code == 2
    assert re.fullmatch(
        r"03_record_sigma/smoke: prices/ABC.csv, column close, row \d+ \(2000-02-01\): not a number: 'x[\d.]+'",
        result.stderr.strip(),
    )


@pytest.mark.parametrize(
    ("as_of", "part"),
    [
        ("1999-02-01", "price_z over 50 sessions has no value on 1999-02-01"),
        ("1990-01-01", "begins on 1999-01-04, after as_of"),
    ],
)
def test_too_little_history_is_a_status_of_its_own(tmp_path, as_of, part):
    result = command(SMOKE, "--output", tmp_path, "--set", f"as_of={as_of}")
    assert result.exit_code == 1
    assert "insufficient_data" in result.stdout
    assert part in result.stdout
    assert "Traceback" not in result.output
    record = json.loads((tmp_path / "03_record_sigma" / "smoke.failed.json").read_text())
    assert (record["status"], record["findings"]) == ("insufficient_data", [])
    assert part in record["message"]


def test_too_little_history_leaves_a_report_that_was_there(smoke):
    before = {path: path.read_bytes() for path in (smoke / "03_record_sigma").iterdir()}
    assert command(SMOKE, "--output", smoke, "--set", "as_of=1999-02-01").exit_code == 1
    after = {path: path.read_bytes() for path in (smoke / "03_record_sigma").iterdir()}
    assert before.items() <= after.items()


def test_a_report_without_its_data_is_left_out_with_the_reason(tmp_path, monkeypatch):
    folder = tmp_path / "params" / "03_record_sigma"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("source: folder\ndata_dir: nowhere\n")
    (folder / "other.yaml").write_text(f"source: folder\ndata_dir: {tmp_path}\n")
    (tmp_path / "prices").mkdir()
    monkeypatch.setattr(plan, "PARAMETERS", tmp_path / "params")
    done = command("--output", tmp_path / "out")
    assert done.exit_code == 0
    assert "mine: left_out: data_dir nowhere: there is no such folder" in done.stdout
    assert re.search("other: left_out: .*no prices of GSPC", done.stdout)


def test_an_output_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = command(SMOKE, "--output", tmp_path / "file")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_all_means_every_parameter_file_but_the_smoke_ones():
    names = {path.stem for path in find_parameter_files([])}
    assert {"baseline", "nasdaq", "russell_july_2024"} <= names
    assert "smoke" not in names


def test_papermill_alone_runs_a_notebook(tmp_path):
    """Without the kit's command: the notebook and a parameter file are enough."""
    papermill = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOKS / "03_record_sigma.ipynb"),
        str(tmp_path / "out.ipynb"),
    ]
    done = subprocess.run([*papermill, "-f", str(SMOKE)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert not any(output.output_type == "error" for cell in executed.cells for output in cell.get("outputs", []))
    assert "standard deviations" in render(executed, name="03_record_sigma", slug="out")


def test_papermill_alone_refuses_a_misspelt_parameter(tmp_path):
    papermill = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOKS / "03_record_sigma.ipynb"),
        str(tmp_path / "out.ipynb"),
    ]
    done = subprocess.run(
        [*papermill, "-p", "treshold", "3"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "treshold: unknown parameter; did you mean threshold?" in done.stderr


def test_russell_2000_report_has_the_published_figures(shared_data, tmp_path):
    """`run params/03_record_sigma/russell_july_2024.yaml`, as a journalist would."""
    path = PARAMETERS / "03_record_sigma" / "russell_july_2024.yaml"
    assert (
        command(path, "--output", tmp_path, "--set", "source=folder", "--set", f"data_dir={shared_data}").exit_code == 0
    )
    record = json.loads((tmp_path / "03_record_sigma" / "russell_july_2024.findings.json").read_text())
    found = {finding["name"]: finding["value"] for finding in record["findings"]}
    assert (round(found["asof_sigma"], 3), found["asof_sigma_rank"]) == (4.417, 1)
    assert (round(found["move_5"], 4), round(found["relative_move_5"], 4)) == (0.1154, 0.0992)
    assert found["relative_move_5_rank"] == 1


@pytest.fixture(scope="module")
def rate_cuts(tmp_path_factory):
    output = tmp_path_factory.mktemp("rate_cuts")
    result = command(PARAMETERS / "01_rate_cut_regimes" / "smoke.yaml", "--output", output)
    assert result.exit_code == 0, result.output
    return output / "01_rate_cut_regimes"


def test_rate_cuts_open_with_an_answer(rate_cuts):
    page = (rate_cuts / "smoke.html").read_text(encoding="utf-8")
    assert "Large caps alone, against its own mean: a published difference" in page
    assert page.index("<h1") < page.index("after the first cut of an easing cycle") < page.index('id="Data"')
    assert "Warning" not in page
    assert "<script" not in page
    record = json.loads((rate_cuts / "smoke.findings.json").read_text(encoding="utf-8"))
    found = {finding["name"]: finding["value"] for finding in record["findings"]}
    assert found["first_cuts"] == 6  # 1984, 1987, 1989, 1995, 1998, 2001
    assert all(card["last"] <= "2005-12-31" for card in record["data"])


def test_rate_cuts_without_a_first_cut_in_the_data_say_how_many_there_are(tmp_path):
    smoke = PARAMETERS / "01_rate_cut_regimes" / "smoke.yaml"
    result = command(smoke, "--output", tmp_path, "--set", "as_of=1983-12-31")
    assert result.exit_code == 1
    assert re.search(r"insufficient_data: SMB: 0 of \d+ first cuts fall inside its data", result.stdout)


def test_daily_rate_cuts_run_on_a_folder(shared_data, tmp_path):
    path = PARAMETERS / "01_rate_cut_regimes" / "daily.yaml"
    assert command(path, "--output", tmp_path, "--set", f"data_dir={shared_data}").exit_code == 0
    record = json.loads((tmp_path / "01_rate_cut_regimes" / "daily.findings.json").read_text())
    found = {finding["name"]: finding["value"] for finding in record["findings"]}
    assert found["first_cuts"] == 8
    assert found["beta_dgs10_up"] is not None
