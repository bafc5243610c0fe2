"""The claims study's exhibits: words beside shapes, what is wrong first, and reasons where a source shows nothing."""

import re

import numpy as np
import pandas as pd
import pytest

from research_lib.data import open_source
from research_lib.exhibits.claims import SHAPES, figures, prose, tables
from research_lib.exhibits.figure import Figure, Prose
from research_lib.exhibits.table import Table
from research_lib.findings.claims import claims_findings
from research_lib.parameter_files import read_claims
from research_lib.params import Claims, validate
from research_lib.project import PARAMETERS
from research_lib.studies.claims import Verdict, check_claims
from tests.conftest import random_walk, write_prices

ASSERTED = {"value": 1.0, "unit": "percent", "tolerance": 0.1}


def claim(name, check, asserted=None, kind="number"):
    external = check["name"] == "untestable"
    made = {"id": name, "article": name[0], "kind": kind, "says": f"claim <{name}>", "check": check}
    return made if external else {**made, "asserted": {**ASSERTED, **(asserted or {})}}


CHANGE = {"name": "change", "assets": ["RUT"], "sessions": 5}
LEVELS = {"value": 0, "tolerance": 0, "is": "at_least"}
RELATIVE = {"name": "record", "assets": ["RUT", "GSPC"], "measure": "percentile"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One claim of each verdict, a forecast and a tendency."""
    folder = tmp_path_factory.mktemp("walks")
    up = pd.Series(np.linspace(100.0, 200.0, 1500), random_walk(1500, seed=1).index)
    write_prices(folder, "RUT", random_walk(1500, seed=1))
    write_prices(folder, "GSPC", up)
    claims = [
        claim("A1", CHANGE, {"value": -90, "is": "at_least"}),
        claim("A2", CHANGE, {"value": 77.0}),
        claim("A3", RELATIVE, {"value": 99.99, "is": "at_least"}, kind="record"),
        claim("A4", {**CHANGE, "assets": ["IWM"]}),
        claim("B1", {"name": "untestable", "needs": "what nobody has"}, kind="external"),
        claim("B2", {"name": "seasonal", "asset": "RUT", "months": [1]}, LEVELS, kind="tendency"),
        claim("B3", {"name": "drawdown_ahead", "asset": "RUT", "falls_percent": 2.0, "sessions": 20},
              {"value": 50, "is": "at_least"}, kind="forecast"),
        claim("B4", {"name": "level", "assets": ["GSPC"]}, {"value": 180.0, "unit": "points"}),
    ]  # fmt: skip
    articles = {name: {"title": f"Title {name}", "as_of": "2005-01-31"} for name in "AB"}
    values = {"articles": articles, "claims": claims, "source": "folder", "data_dir": str(folder)}
    params = validate(Claims, values, origin="test")
    return check_claims(params, open_source("folder", data_dir=str(folder)))


@pytest.fixture(scope="module")
def nothing():
    """The articles on bundled data, which decides none of their claims but that about the normal table."""
    results, archive = check_claims(read_claims(PARAMETERS / "04_claims" / "articles.yaml"), open_source("bundled"))
    return [one for one in results if one.claim.check.name != "normal_tail"], archive


def shown(results):
    found = results[0]
    return {
        "headline": prose.headline(found, source="folder"),
        "wrong": tables.wrong(found),
        "depending": tables.depending(found),
        "scores": tables.scores(found),
        "uncertain": tables.uncertain(found),
        "forecasts": tables.forecasts(found),
        "definitions": tables.definitions(found),
        "methods": tables.methods(found),
        "scorecard": figures.scorecard(found),
        "how far off": figures.how_far_off(found),
        "in history": figures.in_history(found),
        **{one.title: one for one in tables.by_article({"A": "Title A", "B": "Title B"}, found)},
    }


def test_the_made_up_claims_have_the_verdicts_to_be_shown(results):
    verdicts = {one.claim.id: one.verdict for one in results[0]}
    assert verdicts["A1"] is Verdict.HOLDS
    assert verdicts["A2"] is Verdict.FAILS
    assert verdicts["A3"] is Verdict.DEPENDS
    assert verdicts["A4"] is verdicts["B2"] is Verdict.NOT_ENOUGH_DATA
    assert verdicts["B1"] is Verdict.UNTESTABLE


def test_every_exhibit_has_its_words(results):
    for exhibit in shown(results).values():
        if isinstance(exhibit, Figure):
            assert exhibit.title
            assert exhibit.caption
            assert re.search(r"\d", exhibit.alt)
            assert exhibit.svg.startswith("<svg")
        if isinstance(exhibit, Table):
            assert "<caption" in exhibit._repr_html_() or exhibit.title in exhibit._repr_html_()
            assert "<A1>" not in exhibit._repr_html_()  # what a file says is text, not markup


def test_each_verdict_is_a_shape_and_a_word(results):
    assert len(set(SHAPES.values())) == len(Verdict)
    cells = pd.concat([one.cells for one in tables.by_article({"A": "a", "B": "b"}, results[0])])
    for one, cell in zip(results[0], cells["verdict"], strict=True):
        assert cell == f"{SHAPES[one.verdict]}\N{NO-BREAK SPACE}{one.verdict}"


def test_what_is_wrong_comes_with_both_figures_and_why(results):
    row = tables.wrong(results[0]).cells.set_index("id").loc["A2"]
    failing = next(one for one in results[0] if one.claim.id == "A2")
    assert row["asserted"] == "77%"
    assert row["computed"] == f"{failing.computed:.2f}%".replace("-", "−")
    assert row["difference"] == f"{failing.computed - 77:.2f}%".replace("-", "−")
    assert row["what it hangs on"] == failing.hangs_on
    assert "claim <A2> (A2; it is " in prose.headline(results[0], source="folder").text


def test_scores_add_up(results):
    cells = tables.scores(results[0]).cells.set_index("article")
    counts = cells.drop(columns="hold").astype(int)
    assert counts.loc["all"].sum() == len(results[0])
    assert (counts.loc["A"] + counts.loc["B"]).tolist() == counts.loc["all"].tolist()


def test_a_forecast_is_two_things(results):
    row = tables.forecasts(results[0]).cells.set_index("id").loc["B3"]
    assert row["base rate then"].endswith("%")
    assert row["what happened"].startswith("At worst")


def test_every_definition_of_what_depends_is_listed(results):
    cells = tables.definitions(results[0]).cells
    assert cells["definition"].tolist() == ["of RUT", "of GSPC"]
    assert [cell[0] for cell in cells["alone"]] == [SHAPES[Verdict.FAILS], SHAPES[Verdict.HOLDS]]


def test_findings_hold_every_claim_and_the_counts(results):
    found, archive = results
    findings = claims_findings(archive.cards, found)
    assert findings["fails"].value == sum(one.verdict is Verdict.FAILS for one in found)
    assert findings["B2"].low < findings["B2"].value < findings["B2"].high
    assert findings["A4"].value is None
    assert {card["id"] for card in findings.as_record()["data"]} == {"RUT", "GSPC"}


def test_where_nothing_is_decided_every_exhibit_says_so(nothing):
    exhibits = shown(nothing)
    for name in ("wrong", "depending", "uncertain", "forecasts", "definitions", "how far off", "in history"):
        assert isinstance(exhibits[name], Prose), name
    assert "decides 0: none" in exhibits["headline"].text
    assert "Nothing that was decided is wrong" in exhibits["headline"].text
