"""A bad parameter gets one clear line: name, value, what is allowed, the nearest name. The cases stand in params.yaml."""

import re
from datetime import date

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from research_lib import params
from research_lib.errors import ParameterError
from research_lib.studies import parameters
from research_lib.studies.parameters import MODELS, Leverage, RecordSigma
from tests.conftest import read_table

CASES = read_table("params.yaml")
BAD_VALUES = [(model, *case) for model, cases in CASES["bad_values"].items() for case in cases]
BAD_VALUES.append(("RecordSigma", {"window": print}, ["integer"]))  # as a notebook may set it


@pytest.mark.parametrize(("model", "values", "parts"), BAD_VALUES, ids=str)
def test_bad_values(model, values, parts):
    with pytest.raises(ParameterError) as caught:
        params.validate(getattr(parameters, model), values, origin="here.yaml")
    message = str(caught.value)
    assert message.startswith("here.yaml: ")
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []


def test_all_faults_are_said_at_once_and_what_is_good_is_read():
    with pytest.raises(ParameterError) as caught:
        params.validate(RecordSigma, {"window": 1, "ddof": 9, "colour": "red"}, origin="here.yaml")
    assert len(str(caught.value).splitlines()) == 3
    assert RecordSigma(as_of="2024-07-16").as_of == RecordSigma(as_of=date(2024, 7, 16)).as_of == date(2024, 7, 16)
    assert RecordSigma(as_of="").as_of is None
    assert Leverage(events=["2020-03-16"]) == Leverage(events=[date(2020, 3, 16)])
    assert RecordSigma(threshold=6.95, ddof=0).threshold == 6.95  # below the 7 that price_z of 50 sessions can reach


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_days_months_and_years_are_spans(day):
    assert params.read_span(day) == params.read_span(f"{day}T00:00:00") == (day, day)
    assert params.read_span(f"{day.year} to {day.year + 1}") == (date(day.year, 1, 1), date(day.year + 1, 12, 31))
    first, last = (one.date() for one in (pd.Period(day, "M").start_time, pd.Period(day, "M").end_time))
    for text in (f"{day:%Y-%m}", {"first": f"{first}", "last": f"{last}"}, [first, last], f"{first} to {last}"):
        assert params.read_span(text) == (first, last)
    for text in (f"{day} 10:30:00", f"{day:%Y%m%d}", f"{day.year + 1} to {day}", f"{day} to {day} to {day}"):
        with pytest.raises(ValueError, match=r"at: .* is no day; write"):
            params.read_span(text, "at")


def test_a_setting_is_shown_in_a_line():
    shown = {"yes": True, "–": None, "a, 2": ["a", 2], "{'a': 1}": {"a": 1}, "90 entries": [{}] * 90, "0": 0}
    assert [params.show_setting(value) for value in shown.values()] == list(shown)
    assert params.show_setting([]) == "–"


@pytest.fixture
def write(tmp_path):
    """Write a parameter file of the sigma notebook."""

    def put(text, slug="mine"):
        (tmp_path / f"{slug}.yaml").write_bytes(text.encode(errors="surrogateescape"))
        return tmp_path / f"{slug}.yaml"

    return put


def test_overrides_go_before_the_file_and_the_file_before_the_one_it_extends(write):
    write("window: 20\nthreshold: 3.0\nasset: IXIC\nbenchmark: GSPC\n", "base")
    found = params.read_parameters(write("extends: base.yaml\nwindow: 30\nddof: 0\n"), RecordSigma, {"ddof": 1})
    assert (found.window, found.threshold, found.asset, found.ddof) == (30, 3.0, "IXIC", 1)
    assert params.read_parameters(write("# all defaults\n"), RecordSigma) == RecordSigma()


@pytest.mark.parametrize(("text", "said"), [*CASES["no_mapping"], ("a: caf\udce9\n", "not a YAML file")])  # Latin-1
def test_files_that_are_no_mapping(write, text, said):
    with pytest.raises(ParameterError, match=rf"\w+\.yaml.*{said}"):
        params.read_parameters(write(text), RecordSigma)


@pytest.mark.parametrize("name", ["api_key", "my_password", "API_KEY", "credentials", "fred_key: 0123456789abcdef #"])
def test_a_secret_is_no_parameter_and_its_value_is_not_shown(write, name):
    with pytest.raises(ParameterError, match="reports show every parameter") as caught:
        params.read_parameters(write(f"{name}: abc123\n"), RecordSigma)
    assert "abc123" not in str(caught.value)
    ordinary = {"sort_key": "permno_and_fiscal_year", "token_limit": 100, "key": "S1V1", "secretary": "A. B."}
    assert params.read_values(write(yaml.safe_dump(ordinary))) == ordinary


def test_a_file_of_ones_own_is_written_once_and_a_mapping_takes_over_the_names_of_another(tmp_path, write):
    path = tmp_path / "03_record_sigma" / "mine.yaml"
    params.write_new("mine", {path: "window: 60\n"})
    with pytest.raises(ParameterError, match="is there already: take another name"):
        params.write_new("mine", {path.with_name("other.yaml"): "", path: ""})
    assert [(one.name, one.read_text()) for one in path.parent.iterdir()] == [("mine.yaml", "window: 60\n")]
    assert params.read_values(write("one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\n"))["two"] == {"a": 1, "b": 3}


@pytest.mark.parametrize("parse", [params.parse_setting, params.parse_axis])
def test_a_setting_and_an_axis_of_a_sweep_and_what_is_none(parse):
    name, option = {params.parse_setting: ("settings", "--set"), params.parse_axis: ("axes", "--grid")}[parse]
    assert {text: list(parse(text)) for text in CASES[name]} == CASES[name]
    for text in CASES[f"no_{name}"]:
        with pytest.raises(ParameterError, match=f"{option} {re.escape(text)}"):
            parse(text)


@given(st.one_of(st.integers(), st.booleans(), st.dates(), st.text("abc XYZ:#'", min_size=1)))
def test_a_setting_reads_what_yaml_writes(value):
    assert params.parse_setting(f"x={yaml.safe_dump(value, default_flow_style=True)}") == ("x", value)


# --- notebooks: what the cells of a kernel set, and what they set besides

CELLS = ["", 'asset: str = "GSPC"  # whose\nwindow: int = 50', "# Parameters\nwindow = 60\n", "monthly = asset == 'S1'"]
NAMESPACE = {"asset": "GSPC", "window": 60, "monthly": False, "x": 3, "unit": "months", "half": 30, "threshold": 2.5,
             "names": [], "_helper": 3, "f": max}  # fmt: skip


@pytest.mark.parametrize("cell", CASES["cells"])
def test_a_cell_may_hold_anything(cell):
    assert RecordSigma.from_notebook({**NAMESPACE, "In": [*CELLS, cell, "x = 3"]}).window == 60


@pytest.mark.parametrize("cell", CASES["misspelt_cells"])
def test_a_misspelt_parameter_is_found_in_the_cells_of_parameters(cell):
    with pytest.raises(ParameterError, match=r"treshold: unknown parameter; did you mean threshold\?"):
        RecordSigma.from_notebook({**NAMESPACE, "In": [*CELLS, cell], "treshold": 3.0})


@pytest.mark.parametrize("model", MODELS.values())
def test_cell_and_document_are_made_of_the_fields(model):
    values = {}
    exec(params.cell_text(model), {}, values)  # noqa: S102  # the cell that the kit itself writes
    values.pop("__annotations__")
    assert set(values) == set(model.model_fields)
    assert model(**values) == model()
    assert all(line.partition("#")[2].strip() for line in params.cell_text(model).splitlines())
    assert all(f"| `{name}` |" in params.markdown_table(model) for name in model.model_fields)
