"""A study computes what is asked for, once; what the data cannot give is said once, where it would have stood."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from research_lib.data import DataCard, DataSet
from research_lib.errors import InsufficientDataError, ParameterError
from research_lib.exhibits.findings import FINDINGS_MIME, SUMMARY_MIME, Findings, Summary, show_findings
from research_lib.project import NOTEBOOKS
from research_lib.stats.estimate import Estimate
from research_lib.studies.parameters import RecordSigma as RecordSigmaParameters
from research_lib.studies.study import (
    COMMON_EXHIBITS,
    STUDIES,
    Find,
    Missing,
    Study,
    figure,
    result,
    study_class,
    table,
)

computed: list[str] = []


class Small(Study):
    """A study of nothing, for the tests."""

    Parameters = RecordSigmaParameters
    QUESTION = "Is it so?"
    FINDINGS = (
        Find("after_{horizon}", "after", rows=True, unit="change", what="{horizon} sessions after, of {p.asset}"),
        Find("share_{horizon}", "after", "share_positive", rows=True, unit="share"),
        Find("gap", "gap", unit="points", what="the gap"),
        Find("day", "day", unit="date"),
        Find("relative_{horizon}", "relative", rows=True, unit="change"),
    )

    @table("{p.asset} after {s.cases} episodes", ("horizon", "n", "value", "interval", "p"), unit="change", most=2)
    def after(self):
        """What followed."""
        computed.append("after")
        columns = {
            "horizon": [1, 5, 21],
            "n": [3, 3, 2],
            "value": [0.01, -0.02, 0.0],
            "share_positive": [1.0, 0.5, 0.0],
        }
        ends = {"low": [-0.1, np.nan, -0.3], "high": [0.1, np.nan, 0.3], "p": [0.5, 1.0, np.nan]}
        return pd.DataFrame(columns | ends)

    @result
    def cases(self):
        computed.append("cases")
        return 3

    @result
    def gap(self):
        return Estimate(0.1, n=5, low=-0.1, high=0.2)

    @result
    def day(self):
        return pd.Timestamp("1984-08-03")

    @result
    def benchmark(self):
        computed.append("benchmark")
        raise InsufficientDataError("no benchmark is given")

    @table("Against the benchmark", ("horizon", "value"))
    def relative(self):
        """What followed against the benchmark."""
        return self.benchmark

    @figure
    def picture(self):
        """The picture."""
        return self.benchmark

    def summary(self):
        return Summary("holds", f"A gap of {self.findings['gap']:1}", "So it is.", (("+10.0 pp", "gap"),), "picture")


@pytest.fixture
def study():
    computed.clear()
    return Small.from_params()


def test_nothing_is_computed_before_it_is_asked_for_and_then_once(study):
    assert not computed
    assert study.after is study.after
    study.show.after  # noqa: B018
    assert computed == ["after", "cases"]


def test_a_table_shows_what_the_glossary_says(study):
    shown = study.show.after
    assert shown.title == "GSPC after 3 episodes"
    assert list(shown.cells.columns) == ["after", "n", "value", "95% interval", "p"]
    assert shown.cells.iloc[0].tolist() == ["1", "3", "+1.00%", "−10.00% to +10.00%", "0.500"]
    assert len(shown.cells) == 2
    assert shown.cells.iloc[1]["95% interval"] == "–"
    assert "two-sided" in repr(shown)


def test_what_is_missing_is_said_once_under_its_own_name(study):
    assert isinstance(study.show.relative, Missing)
    assert study.show.relative == "What followed against the benchmark: no benchmark is given"
    assert study.show("picture") == "The picture: no benchmark is given"
    assert computed == ["benchmark"]  # the reason is kept, like a result
    with pytest.raises(InsufficientDataError, match="no benchmark is given"):
        study.relative  # noqa: B018


def test_exhibits_are_found_by_tab_and_a_misspelt_one_names_the_nearest(study):
    assert dir(study.show)[:3] == ["after", "data", "findings"]
    assert set(dir(study.show)) == {"after", "relative", "picture", *COMMON_EXHIBITS}
    with pytest.raises(AttributeError, match=r"afer: unknown exhibit; did you mean after\?"):
        study.show.afer  # noqa: B018


def test_findings_are_one_line_each(study):
    found = study.findings
    assert [one.name for one in found.findings] == [
        *("after_1", "after_5", "after_21", "share_1", "share_5", "share_21", "gap", "day", "relative")
    ]
    assert (found["after_1"].value, found["after_1"].n, found["after_1"].low) == (0.01, 3, -0.1)
    assert found["after_1"].definition == "1 sessions after, of GSPC"
    assert found["share_1"].low is None
    assert (found["gap"].value, found["gap"].n, found["gap"].high) == (0.1, 5, 0.2)
    assert found["day"].value == "1984-08-03"
    assert (found["relative"].value, found["relative"].definition) == (None, "no benchmark is given")
    assert f"{found['after_5']}, {found['after_5']:1}" == "−2.00%, −2.0%"


def test_the_runner_reads_findings_and_summary(study):
    bundle, about = study.show.findings._repr_mimebundle_()
    assert bundle[FINDINGS_MIME]["findings"][0]["value"] == 0.01
    assert about == {"research_lib": {"id": "findings", "title": "Findings by name", "kind": "table"}}
    record = study.show.summary._repr_mimebundle_()[SUMMARY_MIME]
    assert (record["question"], record["headline"], record["hero"]) == ("Is it so?", "A gap of +10.0 pp", "picture")
    assert record["numbers"] == [["+10.0 pp", "gap"]]


def test_a_verdict_that_is_none_is_refused():
    with pytest.raises(ValueError, match="verdict 'true' is none of holds"):
        Summary("true", "", "")


def test_findings_of_ones_own_notebook():
    found = show_findings(mean=0.5, gap=Estimate(1.0, n=4), share={"value": 0.25, "unit": "share", "n": 8})
    assert [one.name for one in found.findings] == ["mean", "gap", "share"]
    assert (found["gap"].n, found["gap"].low, f"{found['share']}") == (4, None, "25%")
    with pytest.raises(ValueError, match="finding x: unknown field valu"):
        show_findings(x={"valu": 3})
    with pytest.raises(ValueError, match="named twice: gap"):
        Findings((found["gap"], found["gap"]))


def test_parameters_are_validated():
    with pytest.raises(ParameterError, match="did you mean window"):
        Small.from_params(windo=3)
    assert Small.from_notebook({"In": ["", "window = 60"], "window": 60}).p.window == 60


def test_shown_parameters_and_provenance(study):
    rows = study.show.parameters.data.set_index("parameter")
    assert rows.loc["window", "shown"] == "50"
    assert rows.loc["window", "meaning"]
    assert "commit" in study.show.provenance.data["name"].tolist()


@pytest.mark.parametrize("notebook", STUDIES)
def test_every_study_has_a_model_a_question_exhibits_and_controls(notebook):
    study = study_class(notebook)
    assert study.QUESTION.endswith("?")
    assert study.FINDINGS or "findings" in vars(study)
    exhibits = study.exhibits()
    assert all(one.subject for one in exhibits.values())
    assert set(study.CONTROLS) <= set(study.Parameters.model_fields)
    assert {name for names in study.VIEWS.values() for name in names} <= set(exhibits)


@pytest.mark.parametrize("notebook", [name for name in STUDIES if name != "04_claims"])
def test_a_notebook_shows_every_exhibit_once_and_computes_nothing(notebook):
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert sorted(re.findall(r"study\.show\.(\w+)", code)) == sorted(
        [*study_class(notebook).exhibits(), *COMMON_EXHIBITS]
    )
    assert "def " not in code


class Dated(Small):
    """A study whose only series has a value a day, to 2020-01-31."""

    DATA = ("held",)

    @result
    def held(self):
        card = DataCard("made", "OWN", "Own", "", "2019-01-01", "2020-01-31", 396, 0, "", ())
        return DataSet(pd.DataFrame(), (card,))


@pytest.mark.parametrize(
    ("as_of", "limits"),
    [("2020-01-31", 0), ("2020-02-05", 0), ("2020-02-20", 1), ("2020-03-10", None), ("2024-01-01", None)],
)
def test_data_that_end_before_the_day_asked_for_are_said_and_after_a_month_refused(as_of, limits):
    study = Dated.from_params(as_of=as_of)
    if limits is None:
        with pytest.raises(
            InsufficientDataError, match=f"^Own: the data end on 2020-01-31, long before as_of {as_of}; name"
        ):
            _ = study.show.summary
    else:
        assert list(study.show.summary.limits) == [f"Own: the data end on 2020-01-31, before {as_of}."] * limits
    assert study.show.after.source == "Source: Own; bundled data to 2020-01-31."


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("research_lib.studies.record_sigma", {"matplotlib", "great_tables", "statsmodels", "numba", "IPython"}),
        ("research_lib.studies.parameters", {"pandas", "numpy", "matplotlib"}),
    ],
)
def test_importing_a_study_is_cheap(module, heavy):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {heavy!r}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
