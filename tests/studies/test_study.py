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
from research_lib.exhibits.findings import FINDINGS_MIME, SUMMARY_MIME, Finding, Summary, show_findings
from research_lib.params import read_parameters
from research_lib.project import NOTEBOOKS, PARAMETERS
from research_lib.stats.estimate import Estimate
from research_lib.studies.parameters import MODELS
from research_lib.studies.parameters import RecordSigma as RecordSigmaParameters
from research_lib.studies.study import Find, Missing, Study, figure, result, study_class, table
from tests.studies.reports import SAID, said_by

computed: list[str] = []


class Small(Study):
    """A study of nothing, for the tests; its only series has a value a day, to 2020-01-31."""

    Parameters = RecordSigmaParameters
    QUESTION = "Is it so?"
    DATA = ("held",)
    FINDINGS = (
        Find("after_{horizon}", "after", rows=True, unit="change", what="{horizon} sessions after, of {p.asset}"),
        Find("share_{horizon}", "after", "share_positive", rows="horizon > 1", unit="share"),
        Find("gap", "gap", unit="points", what="the gap"),
        Find("day", "day", unit="date"),
        Find("relative_{horizon}", "benchmark", rows=True, unit="change"),
    )

    @result
    def held(self):
        card = DataCard("made", "OWN", "Own", "", "2019-01-01", "2020-01-31", 396, 0, "", ())
        return DataSet(pd.DataFrame(), (card,))

    @table("{p.asset} after {s.gap.n} episodes", ("horizon", "n", "value", "interval", "p"), unit="change", most=2)
    def after(self):
        """What followed."""
        computed.append("after")
        ends = {"low": [-0.1, np.nan, -0.3], "high": [0.1, np.nan, 0.3], "p": [0.5, 1.0, np.nan]}
        values = {"value": [0.01, -0.02, 0.0], "share_positive": [1.0, 0.5, 0.0]}
        return pd.DataFrame({"horizon": [1, 5, 21], "n": [3, 3, 2]} | values | ends)

    @result
    def gap(self):
        computed.append("gap")
        return Estimate(0.1, n=5, low=-0.1, high=0.2)

    @result
    def day(self):
        return pd.Timestamp("1984-08-03")

    @result
    def benchmark(self):
        computed.append("benchmark")
        raise InsufficientDataError("no benchmark is given")

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


def test_a_table_is_computed_once_when_it_is_shown_and_says_what_the_glossary_says(study):
    assert not computed
    assert study.after is study.after
    shown = study.show.after
    assert computed == ["after", "gap"]
    assert shown.title == "GSPC after 5 episodes"
    assert list(shown.cells.columns) == ["after", "n", "value", "95% interval", "p"]
    assert shown.cells.iloc[0].tolist() == ["1", "3", "+1.00%", "−10.00% to +10.00%", "0.500"]
    assert shown.cells["95% interval"].tolist()[1:] == ["–"]
    assert "two-sided" in repr(shown)


def test_what_is_missing_is_said_once_under_its_own_name(study):
    assert isinstance(study.show.picture, Missing)
    assert study.show("picture") == "The picture: no benchmark is given"
    assert study.show.picture._repr_markdown_() == "*The picture: no benchmark is given.*"
    assert computed == ["benchmark"]  # the reason is kept, like a result
    with pytest.raises(InsufficientDataError, match="no benchmark is given"):
        study.picture  # noqa: B018


def test_exhibits_are_found_by_tab_and_a_misspelt_one_names_the_nearest(study):
    assert set(dir(study.show)) == {*study.exhibits(), "summary", "findings", "data", "parameters", "provenance"}
    with pytest.raises(AttributeError, match=r"afer: unknown exhibit; did you mean after\?"):
        study.show.afer  # noqa: B018
    with pytest.raises(ParameterError, match="did you mean window"):
        Small.from_params(windo=3)
    assert Small.from_notebook({"In": ["", "window = 60"], "window": 60}).p.window == 60


def test_findings_are_one_line_each_and_the_runner_reads_them_and_the_summary(study):
    found = study.findings
    names = [one.name for one in found.findings]
    assert names == ["after_1", "after_5", "after_21", "share_5", "share_21", "gap", "day", "relative"]
    assert found["after_1"] == Finding("after_1", 0.01, "change", 3, "1 sessions after, of GSPC", -0.1, 0.1)
    assert found["share_5"] == Finding("share_5", 0.5, "share", 3)
    assert found["gap"] == Finding("gap", 0.1, "points", 5, "the gap", -0.1, 0.2)
    assert found["day"].value == "1984-08-03"
    assert found["relative"] == Finding("relative", None, "change", definition="no benchmark is given")
    assert f"{found['after_5']}, {found['after_5']:1}" == "−2.00%, −2.0%"
    bundle, about = study.show.findings._repr_mimebundle_()
    assert bundle[FINDINGS_MIME]["findings"][0]["value"] == 0.01
    assert about["research_lib"] == {"id": "findings", "title": "Findings by name", "kind": "table"}
    record = study.show.summary._repr_mimebundle_()[SUMMARY_MIME]
    assert record.items() >= {"question": "Is it so?", "headline": "A gap of +10.0 pp", "hero": "picture"}.items()
    assert record["numbers"] == (("+10.0 pp", "gap"),)


def test_findings_of_ones_own_notebook():
    found = show_findings(mean=0.5, gap=Estimate(1.0, n=4), share={"value": 0.25, "unit": "share", "n": 8})
    assert [one.name for one in found.findings] == ["mean", "gap", "share"]
    assert (found["gap"].n, found["gap"].low, f"{found['share']}") == (4, None, "25%")
    for wrong, said in (({"valu": 3}, "valu=3: write value"), ([3], r"value=\[3\]: .* a text or a date")):
        with pytest.raises(ValueError, match=f"finding x: {said}"):
            show_findings(x=wrong)


def test_what_every_study_shows(study):
    assert study.show.data.data.iloc[0][["series", "last", "found"]].tolist() == ["OWN", "2020-01-31", "none found"]
    window = study.show.parameters.data.set_index("parameter").loc["window"]
    assert (window["shown"], bool(window["meaning"])) == ("50 sessions", True)
    assert {"commit", "pandas", "sha256 of OWN"} <= set(study.show.provenance.data["name"])


@pytest.mark.parametrize("notebook", MODELS)
def test_a_study_has_what_its_notebook_and_explorer_show(notebook):
    study, cells = study_class(notebook), json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))["cells"]
    exhibits = study.exhibits()
    assert study.QUESTION.endswith("?")
    assert study.FINDINGS or "findings" in vars(study)
    assert len(exhibits) >= 4
    assert all(len(one.subject) > 5 for one in exhibits.values())
    assert set(study.CONTROLS) <= set(study.Parameters.model_fields)
    assert {name for names in study.VIEWS.values() for name in names} <= set(exhibits)
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    if notebook != "04_claims":
        assert sorted(re.findall(r"study\.show\.(\w+)", code)) == sorted(dir(study.from_params().show))


@pytest.mark.parametrize(("notebook", "as_of"), [*((name, "") for name in MODELS), *SAID["early"].items()])
def test_every_exhibit_states_something_and_says_it_in_words_too_or_gives_its_reason(notebook, as_of):
    given = {"as_of": as_of} if as_of else {}
    study = study_class(notebook)(read_parameters(PARAMETERS / notebook / "smoke.yaml", MODELS[notebook], given))
    assert said_by(study)
    assert any(isinstance(study.show(name), Missing) for name in study.exhibits()) >= bool(as_of)


@pytest.mark.parametrize("as_of", ["2020-01-31", "2020-02-05", "2020-02-20", "2020-03-10", "2024-01-01"])
def test_data_that_end_before_the_day_asked_for_are_said_and_after_a_month_refused(as_of):
    study = Small.from_params(as_of=as_of)
    if as_of > "2020-03-01":
        said = f"^Own: the data end on 2020-01-31, long before as_of {as_of}; name"
        with pytest.raises(InsufficientDataError, match=said):
            study.show.summary  # noqa: B018
    else:
        said = f"Own: the data end on 2020-01-31, before {as_of}."
        assert list(study.show.summary.limits) == ([said] if as_of == "2020-02-20" else [])
    assert study.show.after.source == "Source: Own; bundled data to 2020-01-31."


def test_importing_a_study_is_cheap():
    heavy = "['matplotlib', 'great_tables', 'statsmodels', 'numba', 'IPython']"
    code = f"import sys, research_lib.studies.record_sigma; print(*sys.modules.keys() & {heavy})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
