"""A bad parameter gets one clear line: name, value, what is allowed, the nearest name."""

import re
from datetime import date, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from research_lib import params
from research_lib.errors import ParameterError
from research_lib.studies.parameters import MODELS, Leverage, RateCuts, RecordSigma

MISSPELT = "treshold: unknown parameter; did you mean threshold?"
BAD_VALUES = {
    RecordSigma: [
        ({"treshold": 3.0}, [MISSPELT]),
        ({"window": 4}, ["window", "4", "greater than or equal to 5"]),
        *(({"window": value}, ["window", repr(value), "valid integer"]) for value in (50.0, "50", True, print)),
        ({"threshold": 0.0}, ["threshold 0 is no threshold"]),
        ({"threshold": float("nan")}, ["threshold", "finite"]),
        ({"threshold": -7.0}, ["threshold -7 can never be passed", "6.93"]),
        ({"threshold": 7.0, "ddof": 0}, ["can never be passed", "7.00"]),
        ({"definition": "zscore"}, ["definition", "'zscore'", "price_z", "return_z"]),
        ({"source": "yahooo"}, ["source", "'yahooo'", "did you mean yahoo?", "sec"]),
        *((values, ["source folder needs data_dir, the folder"]) for values in ({"source": "folder"}, {"data_dir": "x"})),
        ({"as_of": "16.7.2024"}, ["as_of", "'16.7.2024'", "2024-07-16"]),
        ({"as_of": 20240716}, ["as_of", "20240716", "like 2024-07-16"]),
        ({"as_of": datetime.fromisoformat("2015-01-01 12:00")}, ["as_of: 2015-01-01 12:00:00", "without a time, like 2024-07-16"]),
        ({"assets": []}, ["assets", "at least 1"]),
        ({"assets": "GSPC"}, ["assets", "'GSPC'", "a list, such as [a, b]"]),
        ({"asset": "../../etc/passwd"}, ["asset", "'../../etc/passwd'", "IWM:total"]),
        ({"asset": True}, ["asset: True: should be a text: put it in quotes"]),  # asset: ON, in YAML
        ({"asset": "GSPC", "benchmark": "GSPC"}, ["benchmark GSPC is the asset itself"]),
    ],
    RateCuts: [
        ({"frequency": "daily", "horizon": 21}, ["S1, S5 and SMB are monthly", "frequency: monthly"]),
        ({"small": "RUT", "large": "GSPC"}, ["RUT", "monthly there are S1 and S5", "frequency: daily"]),
        ({"horizon": 7}, ["horizon 7 is none of the monthly horizons: 1, 3, 6, 12"]),
        ({"frequency": "daily", "small": "RUT", "large": "", "horizon": 21}, ["large is needed"]),
        ({"min_cut_bp": -25.0}, ["min_cut_bp", "greater than 0"]),
    ],
    Leverage: [
        ({"stress_share": 50.0}, ["stress_share", "50", "less than or equal to 1"]),
        ({"events": ["16.3.2020"]}, ["events", "2024-07-16"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "values", "parts"),
    [(model, values, parts) for model, cases in BAD_VALUES.items() for values, parts in cases],
    ids=str,
)
def test_bad_values(model, values, parts):
    with pytest.raises(ParameterError) as caught:
        params.validate(model, values, origin="here.yaml")
    message = str(caught.value)
    assert message.startswith("here.yaml: ")
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []


def test_all_faults_are_said_at_once():
    with pytest.raises(ParameterError) as caught:
        params.validate(RecordSigma, {"window": 1, "ddof": 9, "colour": "red"}, origin="here.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_dates_are_read_from_text_and_from_yaml():
    assert RecordSigma(as_of="2024-07-16").as_of == RecordSigma(as_of=date(2024, 7, 16)).as_of == date(2024, 7, 16)
    assert RecordSigma(as_of="").as_of is None
    assert Leverage(events=["2020-03-16"]) == Leverage(events=[date(2020, 3, 16)])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "yes"),
        (None, "–"),
        ([], "–"),
        (["a", 2], "a, 2"),
        ({"a": 1}, "{'a': 1}"),
        ([{}] * 90, "90 entries"),
        (0, "0"),
    ],
)
def test_a_setting_is_shown_in_a_line(value, shown):
    assert params.show_setting(value) == shown


# --- files


@pytest.fixture
def write(tmp_path):
    """Write a parameter file of the sigma notebook."""

    def put(text, slug="mine"):
        (tmp_path / f"{slug}.yaml").write_bytes(text.encode(errors="surrogateescape"))
        return tmp_path / f"{slug}.yaml"

    return put


def test_overrides_go_before_the_file_and_the_file_before_the_one_it_extends(write):
    write("window: 20\nthreshold: 3.0\nasset: IXIC\nbenchmark: GSPC\n", "base")
    parameters = params.read_parameters(write("extends: base.yaml\nwindow: 30\nddof: 0\n"), RecordSigma, {"ddof": 1})
    assert (parameters.window, parameters.threshold, parameters.asset, parameters.ddof) == (30, 3.0, "IXIC", 1)
    assert params.read_parameters(write("# all defaults\n"), RecordSigma) == RecordSigma()


@pytest.mark.parametrize(
    ("base", "said"), [("none.yaml", "none.yaml: cannot be read"), ("mine.yaml", "itself extends")]
)
def test_a_file_that_cannot_be_extended(write, base, said):
    with pytest.raises(ParameterError, match=said):
        params.read_parameters(write(f"extends: {base}\n"), RecordSigma)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- a\n- b\n", "name: value"),
        ("as_of: 2024-02-30\n", "day is out of range"),
        ("a: [1\n", "not a YAML file"),
        ("a:\n\t- 1\n", "not a YAML file"),
        ("a: caf\udce9\n", "not a YAML file"),  # of another encoding than UTF-8
        ("1: 2\n", "name: value"),
        ("window: 20\nwindow: 50\n", "'window' stands here twice in line 1"),
        ("asset: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("? [a, b]\n: 1\n", "not a YAML file"),
        ("says: a: b\n", "in quotes"),
    ],
)
def test_files_that_are_no_mapping(write, text, part):
    with pytest.raises(ParameterError, match=rf"mine\.yaml.*{part}"):
        params.read_parameters(write(text), RecordSigma)


def test_a_mapping_takes_over_the_names_of_another(write):
    assert params.read_values(write("one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\n"))["two"] == {"a": 1, "b": 3}


@pytest.mark.parametrize("name", ["api_key", "my_password", "API_KEY", "credentials", "fred_key: 0123456789abcdef #"])
def test_a_secret_is_no_parameter_and_its_value_is_not_shown(write, name):
    with pytest.raises(ParameterError, match="reports show every parameter") as caught:
        params.read_parameters(write(f"{name}: abc123\n"), RecordSigma)
    assert "abc123" not in str(caught.value)


def test_what_is_written_is_read_back(tmp_path):
    wanted = RecordSigma(window=60, as_of=date(1984, 8, 3))
    path = params.write_parameters(tmp_path / "03_record_sigma", "mine", wanted)
    assert params.read_parameters(path, RecordSigma) == wanted
    assert path.read_text() == "source: bundled\nas_of: 1984-08-03\nwindow: 60\n"
    with pytest.raises(ParameterError, match="is there already"):
        params.write_parameters(path.parent, "mine", wanted)


# --- the command line


@pytest.mark.parametrize(
    ("parse", "setting", "expected"),
    [
        (params.parse_setting, "window=100", ("window", 100)),
        (params.parse_setting, "asset=RUT", ("asset", "RUT")),
        (params.parse_setting, "tolerance=1e-6", ("tolerance", 1e-6)),
        (params.parse_setting, "window=010", ("window", "010")),
        (params.parse_setting, "time=10:30", ("time", "10:30")),
        (params.parse_setting, "window=-1_000", ("window", -1000)),
        (params.parse_setting, "benchmark=", ("benchmark", "")),
        (params.parse_setting, "as_of=2024-07-16", ("as_of", date(2024, 7, 16))),
        (params.parse_axis, "window=20,50", ("window", [20, 50])),
        (params.parse_axis, "window=20:60:20", ("window", [20, 40, 60])),
        (params.parse_axis, "assets=[GSPC],[GSPC, IXIC]", ("assets", [["GSPC"], ["GSPC", "IXIC"]])),
    ],
)
def test_a_setting_and_an_axis_of_a_sweep(parse, setting, expected):
    assert parse(setting) == expected


WRONG_SETTINGS = {
    params.parse_setting: ["window", "=3", "x=[1", "as_of=2024-02-30"],
    params.parse_axis: ["window", "window=", "=3", "window=[20", "window=20,,30", "window=20-100", "window=20:50", "window=20:50:0",
                 "window=100:20:20", "window=0:99999999999999999999:1"],
}  # fmt: skip


@pytest.mark.parametrize(("parse", "setting"), [(one, text) for one, texts in WRONG_SETTINGS.items() for text in texts])
def test_a_setting_that_is_none(parse, setting):
    option = {params.parse_setting: "--set", params.parse_axis: "--grid"}[parse]
    with pytest.raises(ParameterError, match=f"{option} {re.escape(setting)}"):
        parse(setting)


def test_an_ordinary_key_is_a_parameter(write):
    values = {"sort_key": "permno_and_fiscal_year", "token_limit": 100, "key": "S1V1", "secretary": "A. B."}
    assert params.read_values(write(yaml.safe_dump(values))) == values


@given(st.one_of(st.integers(), st.booleans(), st.dates(), st.text("abc XYZ:#'", min_size=1)))
def test_a_setting_reads_what_yaml_writes(value):
    assert params.parse_setting(f"x={yaml.safe_dump(value, default_flow_style=True)}") == ("x", value)


# --- notebooks: what the cells of a kernel set, and what they set besides

CELLS = ["", 'asset: str = "GSPC"  # whose\nwindow: int = 50', "# Parameters\nwindow = 60\n", "monthly = asset == 'S1'"]
NAMESPACE = {"asset": "GSPC", "window": 60, "monthly": False, "x": 3, "unit": "months", "half": 30, "threshold": 2.5,
             "names": [], "_helper": 3, "f": max}  # fmt: skip


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline",
        "unit = 'months'",  # a result, in a cell that sets no parameter
        "window = int(60)\nprint(window)",
        '"""Settings."""\nwindow = 60',
        "%%time\nwindow = 60",
        "names = !ls\nwindow = len(names)",
        "window, threshold = 60, 2.5",
        "half = 30\nwindow = 2 * half",  # a step on the way
        "half = 30\nwindow = max(half * i for i in (1, 2))",
        "window = 30\nwindow += 30",
        "_helper = 3\nf = lambda: 3\nwindow = 60",
    ],
)
def test_a_cell_may_hold_anything(cell):
    assert RecordSigma.from_notebook({**NAMESPACE, "In": [*CELLS, cell, "x = 3"]}).window == 60


@pytest.mark.parametrize(
    "cell",
    [
        "# Parameters\ntreshold = 3",
        "window = 60\ntreshold: float = 3.0",
        "window = 60\nif window:\n    treshold = 3",
        '%%time\nnote = """\n%d of them\n"""\n_ = note\nwindow, treshold = 60, 3',
    ],
)
def test_a_misspelt_parameter_is_found_in_the_cells_of_parameters(cell):
    with pytest.raises(ParameterError, match=re.escape(MISSPELT)):
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
