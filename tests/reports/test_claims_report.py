"""The claims notebook through the real Papermill."""

import json
import re

import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.parameter_files import read_claims
from research_lib.project import PARAMETERS

FOLDER = PARAMETERS / "04_claims"

pytestmark = pytest.mark.notebook


def made(slug, output, *settings):
    words = [word for setting in settings for word in ("--set", setting)]
    result = CliRunner().invoke(app, ["run", str(FOLDER / f"{slug}.yaml"), "--output", str(output), *words])
    assert result.exit_code == 0, result.output
    page = (output / "04_claims" / f"{slug}.html").read_text(encoding="utf-8")
    return page, json.loads((output / "04_claims" / f"{slug}.findings.json").read_text(encoding="utf-8"))


def test_bundled_decides_what_it_can_and_says_what_the_rest_needs(tmp_path):
    page, record = made("smoke", tmp_path)
    found = {finding["name"]: finding["value"] for finding in record["findings"]}
    assert (found["holds"], found["fails"], found["not_enough_data"], found["untestable"]) == (2, 1, 1, 1)
    assert "needs RUT (Russell 2000)" in page.replace("Needs", "needs")
    assert "Of 5 checks of what 1 article said" in record["answer"]
    assert "<script" not in page
    assert "Warning" not in page


def test_the_articles_say_first_which_figures_are_wrong(shared_data, tmp_path):
    page, record = made("articles", tmp_path, "source=folder", f"data_dir={shared_data}")
    assert page.index("Published, and wrong") < page.index('id="Data"')
    found = {finding["name"]: finding for finding in record["findings"]}
    assert set(found) >= {claim.id for claim in read_claims(FOLDER / "articles.yaml").claims}
    for name in ("A05a", "B01", "B03", "B05", "D01", "E02"):
        assert found[name]["definition"].startswith("fails: ")
        assert name in page
    assert not re.search(r"\bnan\b", re.sub(r"<(style|script).*?</\1>", "", page, flags=re.S))
    assert len(page.encode()) < 2_000_000


def test_a_faulty_claim_never_starts_a_kernel(tmp_path):
    folder = tmp_path / "04_claims"
    folder.mkdir()
    text = (FOLDER / "smoke.yaml").read_text(encoding="utf-8").replace("name: change", "name: chnage", 1)
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["run", str(folder / "mine.yaml"), "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "mine.yaml: claim S1: unknown check chnage; did you mean change?" in result.output
    assert not (tmp_path / "out").exists()
