"""The leverage notebook through the real Papermill, on both sources."""

import json
import re

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.project import PARAMETERS
from tests.companies import write_simfin

FOLDER = PARAMETERS / "02_leverage_net_debt"

pytestmark = pytest.mark.notebook


def run(slug, output, *settings):
    words = [word for setting in settings for word in ("--set", setting)]
    return CliRunner().invoke(app, ["run", str(FOLDER / f"{slug}.yaml"), "--output", str(output), *words])


def made(slug, output):
    folder = output / "02_leverage_net_debt"
    page = (folder / f"{slug}.html").read_text(encoding="utf-8")
    return page, json.loads((folder / f"{slug}.findings.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    output = tmp_path_factory.mktemp("leverage")
    result = run("smoke", output)
    assert result.exit_code == 0, result.output
    return made("smoke", output)


def test_bundled_says_first_that_it_cannot_answer(smoke):
    page, record = smoke
    assert page.index("<h1") < page.index("cannot be checked on the bundled data") < page.index('id="Data"')
    assert "142 firms" in record["answer"]
    assert "SIMULATED companies" in record["answer"]
    assert {card["source"] for card in record["data"]} == {"bundled", "simulated"}


def test_every_bundled_picture_of_companies_is_marked(smoke):
    pictures = re.findall(r'<(?:img|svg)[^>]*(?:alt|aria-label)="([^"]*)"', smoke[0])
    real = [alt for alt in pictures if not alt.startswith("Simulated companies: ")]
    assert len(pictures) == 9
    assert len(real) == 2  # the spreads since 1926, and the 142 firms
    assert not any("nan" in alt.split() for alt in pictures)


def test_bundled_findings_are_marked_or_empty(smoke):
    found = {finding["name"]: finding for finding in smoke[1]["findings"]}
    assert found["nd_ebitda_small"]["value"] is None
    assert found["leverage_premium"]["value"] is None
    assert found["simulated_leverage_premium"]["low"] < 0.002 < found["simulated_leverage_premium"]["high"]
    assert found["debt_to_capital_slope"]["n"] == 142


def test_the_page_stands_alone_and_shows_no_warning(smoke):
    assert "<script" not in smoke[0]
    assert "Warning" not in smoke[0]
    assert len(smoke[0].encode()) < 1_500_000


def test_simfin_report_answers_the_quote_and_names_the_rows(shared_data, tmp_path):
    result = run("simfin", tmp_path, f"data_dir={shared_data}")
    assert result.exit_code == 0, result.output
    page, record = made("simfin", tmp_path)
    assert page.index("does not hold on this data and definition") < page.index('id="Data"')
    assert "−3.69 for large in fiscal 2019 (above all because of TM, JD, HMC; cleaned 1.77)" in record["answer"]
    assert "the data has no sectors" in record["answer"]
    assert "Simulated" not in re.sub(r"<style.*?</style>|<details.*?</details>", "", page, flags=re.S)
    found = {finding["name"]: finding for finding in record["findings"]}
    assert found["quote_small"]["value"] == "does not hold"
    assert found["nd_ebitda_small"]["high"] < 4
    assert found["nd_ebitda_small"]["n"] > 1_400
    assert found["leverage_premium"]["n"] > 60
    assert not any(name.startswith("simulated") for name in found)


def test_statements_alone_make_a_report(tmp_path):
    """Twenty large and twenty small companies of one's own SimFin files, without any other file."""
    statements = {}
    for number in range(40):
        debt, income = 40 + number, f"1000000;1000000;900;-5;{15 + number % 7};-3"
        statements[f"C{number:02d}", 2020] = (income, f"20;500;10;{debt};300;200", "5")
    prices = [(f"C{number:02d}", 100.0 - number, "2021-03-01") for number in range(40)]
    write_simfin(tmp_path, statements, prices)
    settings = ("source=folder", f"data_dir={tmp_path}", "large=20", "small=20")
    result = run("smoke", tmp_path / "out", *settings)
    assert result.exit_code == 0, result.output
    page, record = made("smoke", tmp_path / "out")
    assert "In fiscal 2020 small companies owed" in record["answer"]
    assert "no prices of companies" in page
    assert "the source lacks SMB" in page
