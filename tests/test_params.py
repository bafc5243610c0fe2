"""A bad parameter gets one clear line: name, value, what is allowed, the nearest name."""

import re
from datetime import date

import nbformat
import pytest

from research_lib.errors import ParameterError
from research_lib.params import (
    cell_text,
    markdown_table,
    model_from_cell,
    parse_axis,
    parse_setting,
    read_parameters,
    read_values,
    validate,
    write_parameters,
)  # fmt: skip
from research_lib.studies.parameters import MODELS, Leverage, RateCuts, RecordSigma


@pytest.fixture
def write(tmp_path):
    """Write a parameter file of the sigma notebook."""
    folder = tmp_path / "03_record_sigma"
    folder.mkdir()

    def put(text, slug="mine"):
        (folder / f"{slug}.yaml").write_text(text)
        return folder / f"{slug}.yaml"

    return put


MISSPELT = "treshold: unknown parameter; did you mean threshold?"
BAD_VALUES = [
    (RecordSigma, {"treshold": 3.0}, [MISSPELT]),
    (RecordSigma, {"window": 4}, ["window", "4", "greater than or equal to 5"]),
    (RecordSigma, {"window": 50.0}, ["window", "50.0", "valid integer"]),
    (RecordSigma, {"window": "50"}, ["window", "'50'", "valid integer"]),
    (RecordSigma, {"window": True}, ["window", "True", "valid integer"]),
    (RecordSigma, {"ddof": 2}, ["ddof", "2", "less than or equal to 1"]),
    (RecordSigma, {"threshold": 0.0}, ["threshold 0 is no threshold"]),
    (RecordSigma, {"threshold": float("nan")}, ["threshold", "finite"]),
    (RecordSigma, {"threshold": 7.0}, ["threshold 7 can never be passed", "6.93"]),
    (RecordSigma, {"threshold": -7.0}, ["threshold -7 can never be passed", "6.93"]),
    (RecordSigma, {"threshold": 7.0, "ddof": 0}, ["can never be passed", "7.00"]),
    (RecordSigma, {"cluster_gap": -1}, ["cluster_gap", "greater than or equal to 0"]),
    (RecordSigma, {"definition": "zscore"}, ["definition", "'zscore'", "price_z", "return_z"]),
    (RecordSigma, {"source": "yahooo"}, ["source", "'yahooo'", "did you mean yahoo?", "sec"]),
    (RecordSigma, {"source": "fred+fred"}, ["names a source twice"]),
    (RecordSigma, {"as_of": "16.7.2024"}, ["as_of", "'16.7.2024'", "2024-07-16"]),
    (RecordSigma, {"as_of": 20240716}, ["as_of", "20240716"]),
    (RecordSigma, {"assets": []}, ["assets", "at least 1"]),
    (RecordSigma, {"assets": "GSPC"}, ["assets", "'GSPC'", "a valid list, like [first, second]"]),
    (RecordSigma, {"benchmark": "S&P"}, ["benchmark", "'S&P'", "IWM:total"]),
    (RecordSigma, {"asset": "S&P 500"}, ["asset", "'S&P 500'", "IWM:total"]),
    (RecordSigma, {"asset": "GSPC", "benchmark": "GSPC"}, ["benchmark GSPC is the asset itself"]),
    (RecordSigma, {"source": "folder"}, ["data_dir is needed"]),
    (RecordSigma, {"data_dir": "x"}, ["data_dir is given, but source is bundled"]),
    (RecordSigma, {"seed": -1}, ["seed", "greater than or equal to 0"]),
    (RateCuts, {"frequency": "daily", "horizon": 21}, ["S1, S5 and SMB are monthly", "frequency: monthly"]),
    (RateCuts, {"small": "RUT", "large": "GSPC"}, ["RUT", "monthly there are S1 and S5", "frequency: daily"]),
    (RateCuts, {"horizon": 7}, ["horizon 7 is none of the monthly horizons: 1, 3, 6, 12"]),
    (RateCuts, {"frequency": "daily", "small": "RUT", "large": "", "horizon": 21}, ["large is needed"]),
    (RateCuts, {"frequency": "weekly"}, ["frequency", "'monthly' or 'daily'"]),
    (RateCuts, {"min_cut_bp": -25.0}, ["min_cut_bp", "greater than 0"]),
    (RateCuts, {"announced_only": "yes"}, ["announced_only", "'yes'"]),
    (Leverage, {"large": 5}, ["large", "5", "greater than or equal to 30"]),
    (Leverage, {"stress_share": 0.0}, ["stress_share", "greater than 0"]),
    (Leverage, {"stress_share": 1.5}, ["stress_share", "less than or equal to 1"]),
    (Leverage, {"stress_bp": 1.5}, ["stress_bp", "1.5", "valid integer"]),
    (Leverage, {"zombie_years": 0}, ["zombie_years", "greater than or equal to 1"]),
    (Leverage, {"exclude_financials": "yes"}, ["exclude_financials", "'yes'", "valid boolean"]),
    (Leverage, {"events": []}, ["events", "at least 1"]),
    (Leverage, {"events": ["16.3.2020"]}, ["events", "2024-07-16"]),
    (Leverage, {"events": "2020-03-16"}, ["events", "valid list"]),
    (Leverage, {"zombie_year": 2}, ["zombie_year: unknown parameter; did you mean zombie_years?"]),
]


@pytest.mark.parametrize(("model", "values", "parts"), BAD_VALUES, ids=[str(values) for _, values, _ in BAD_VALUES])
def test_bad_values(model, values, parts):
    with pytest.raises(ParameterError) as caught:
        validate(model, values, origin="here.yaml")
    message = str(caught.value)
    assert message.startswith("here.yaml: ")
    assert "\n" not in message
    assert [part for part in parts if part not in message] == []


def test_all_faults_are_said_at_once():
    with pytest.raises(ParameterError) as caught:
        validate(RecordSigma, {"window": 1, "ddof": 9, "colour": "red"}, origin="here.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_dates_are_read_from_text_and_from_yaml():
    assert RecordSigma(as_of="2024-07-16").as_of == RecordSigma(as_of=date(2024, 7, 16)).as_of == date(2024, 7, 16)
    assert RecordSigma(as_of="").as_of is None
    assert Leverage(events=["2020-03-16"]) == Leverage(events=[date(2020, 3, 16)])
    assert (Leverage().fiscal_year, getattr(Leverage(), "symbols", [])) == (0, [])


# --- files


def test_overrides_go_before_the_file_and_the_file_before_the_one_it_extends(write):
    write("window: 20\nthreshold: 3.0\nasset: IXIC\nbenchmark: GSPC\n", "base")
    parameters = read_parameters(write("extends: base.yaml\nwindow: 30\nddof: 0\n"), RecordSigma, {"ddof": 1})
    assert (parameters.window, parameters.threshold, parameters.asset, parameters.ddof) == (30, 3.0, "IXIC", 1)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- a\n- b\n", "name: value"),
        ("as_of: 2024-02-30\n", "day is out of range"),
        ("a: [1\n", "not a YAML file"),
        ("", "name: value"),
        ("1: 2\n", "name: value"),
        ("window: 20\nwindow: 50\n", "'window' stands here twice"),
        ("asset: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("? [a, b]\n: 1\n", "not a YAML file"),
        ("says: a: b\n", "in quotes"),
    ],
)
def test_files_that_are_no_mapping(write, text, part):
    with pytest.raises(ParameterError, match=rf"mine\.yaml.*{part}"):
        read_parameters(write(text), RecordSigma)


@pytest.mark.parametrize(
    ("base", "part"),
    [
        ("../base.yaml", "must name another file of the same folder"),
        ("mine.yaml", "must name another file of the same folder"),
        ("3", "must name another file of the same folder"),
        ("''", "must name another file of the same folder"),
        ("none.yaml", "there is no such file"),
        ("second.yaml", "second.yaml itself extends a file"),
    ],
)
def test_a_file_that_cannot_be_extended(write, base, part):
    write("extends: base.yaml\n", "second")
    with pytest.raises(ParameterError, match=part):
        read_parameters(write(f"extends: {base}\n"), RecordSigma)


def test_a_mapping_takes_over_the_names_of_another(write):
    path = write("one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\n")
    assert read_values(path)["two"] == {"a": 1, "b": 3}


def test_a_missing_file_names_the_nearest_and_a_folder_is_none(write):
    path = write("window: 50\n", "baseline")
    with pytest.raises(ParameterError, match=r"did you mean baseline.yaml"):
        read_parameters(path.with_name("basline.yaml"), RecordSigma)
    with pytest.raises(ParameterError, match="cannot be read"):
        read_parameters(path.parent, RecordSigma)


@pytest.mark.parametrize("name", ["api_key", "fred_key", "token", "my_password", "secret", "API_KEY", "credentials"])
def test_a_secret_is_no_parameter_and_its_value_is_not_shown(write, name):
    with pytest.raises(ParameterError, match="reports show every parameter") as caught:
        read_parameters(write(f"{name}: abc123\n"), RecordSigma)
    assert "abc123" not in str(caught.value)


def test_what_is_written_is_read_back(tmp_path):
    params = RecordSigma(window=60, as_of=date(1984, 8, 3))
    path = write_parameters(tmp_path / "03_record_sigma", "mine", params)
    assert read_parameters(path, RecordSigma) == params
    assert path.read_text() == "source: bundled\nas_of: 1984-08-03\nwindow: 60\n"
    with pytest.raises(ParameterError, match="is there already"):
        write_parameters(path.parent, "mine", params)


# --- the command line


@pytest.mark.parametrize(
    ("parse", "setting", "expected"),
    [
        (parse_setting, "window=100", ("window", 100)),
        (parse_setting, "asset=RUT", ("asset", "RUT")),
        (parse_setting, "assets=[A, B]", ("assets", ["A", "B"])),
        (parse_setting, "benchmark=", ("benchmark", "")),
        (parse_setting, "as_of=2024-07-16", ("as_of", date(2024, 7, 16))),
        (parse_axis, "window=20,50", ("window", [20, 50])),
        (parse_axis, "window=20:60:20", ("window", [20, 40, 60])),
        (parse_axis, "assets=[GSPC],[GSPC, IXIC]", ("assets", [["GSPC"], ["GSPC", "IXIC"]])),
        (parse_axis, "as_of=2024-07-16", ("as_of", [date(2024, 7, 16)])),
    ],
)
def test_a_setting_and_an_axis_of_a_sweep(parse, setting, expected):
    assert parse(setting) == expected


WRONG_SETTINGS = {
    parse_setting: ["window", "=3", "x=[1", "as_of=2024-02-30"],
    parse_axis: ["window", "window=", "window=20,20", "=3", "window=[20", "window=20,,30", "window=20-100",
                 "window=20:100", "window=20:100:0", "window=100:20:20"],
}  # fmt: skip


@pytest.mark.parametrize(("parse", "setting"), [(one, text) for one, texts in WRONG_SETTINGS.items() for text in texts])
def test_a_setting_that_is_none(parse, setting):
    option = {parse_setting: "--set", parse_axis: "--grid"}[parse]
    with pytest.raises(ParameterError, match=f"{option} {re.escape(setting)}"):
        parse(setting)


# --- notebooks


def test_a_misspelt_parameter_beside_the_right_ones_is_found_in_the_notebook():
    namespace = {**RecordSigma().model_dump(), "In": [], "_x": 1, "validate": validate, "pytest": pytest}
    assert RecordSigma.from_notebook(namespace) == RecordSigma()
    with pytest.raises(ParameterError, match=re.escape(MISSPELT)):
        RecordSigma.from_notebook({**namespace, "treshold": 3.0})


CELLS = ["", 'asset: str = "GSPC"  # whose\nwindow: int = 50', "# Parameters\nwindow = 60\n", "monthly = asset == 'S1'"]
NAMESPACE = {"asset": "GSPC", "window": 60, "monthly": False, "x": 3, "unit": "months", "half": 30, "threshold": 2.5}


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline",
        "unit = 'months'",  # a result, in a cell that sets no parameter
        "window = int(60)\nprint(window)",
        '"""Settings."""\nwindow = 60',
        "%%time\nwindow = 60",
        "window, threshold = 60, 2.5",
        "half = 30\nwindow = 2 * half",  # a step on the way
        "half = 30\nwindow = max(half * i for i in (1, 2))",
        "window = 30\nwindow += 30",
        "_helper = 3\nwindow = 60",
    ],
)
def test_a_cell_may_hold_anything(cell):
    assert RecordSigma.from_notebook({**NAMESPACE, "In": [*CELLS, cell, "x = 3"]}).window == 60


@pytest.mark.parametrize(
    "cell",
    ["# Parameters\ntreshold = 3", "window = 60\ntreshold: float = 3.0", "window = 60\nif window:\n    treshold = 3"],
)
def test_a_misspelt_parameter_is_found_in_the_cells_of_parameters(cell):
    with pytest.raises(ParameterError, match=re.escape(MISSPELT)):
        RecordSigma.from_notebook({**NAMESPACE, "In": [*CELLS, cell], "treshold": 3.0})


def test_a_parameter_that_is_set_to_a_function_is_refused():
    with pytest.raises(ParameterError, match=r"window: <built-in function print>: .*valid integer"):
        RecordSigma.from_notebook({"In": ["", "window = print"], "window": print})


@pytest.mark.parametrize("model", MODELS.values())
def test_cell_and_document_are_made_of_the_fields(model):
    values = {}
    exec(cell_text(model), {}, values)  # noqa: S102  # the cell that the kit itself writes
    values.pop("__annotations__")
    assert set(values) == set(model.model_fields)
    assert model(**values) == model()
    assert all(line.partition("#")[2].strip() for line in cell_text(model).splitlines())
    assert all(f"| `{name}` |" in markdown_table(model) for name in model.model_fields)


# --- one's own notebook: what its cell says of each parameter, a value that is taken, and one that is refused

OWN_CELL = """
import datetime as dt
from datetime import date
from typing import Literal, Optional

# what the notebook is about
symbol: str = "RUT"  # whose prices
colour: str = "#ff0000"  # of the line
years = 3
share = 0.5  # a decimal
day = date(2024, 2, 29)  # a leap day
start: date = ""
end: dt.date = dt.date(2024, 1, 1)
names = ["a", "b"]
weights: dict[str, float] = {"a": 1.0}
limit: int | None = None
most: Optional[int] = 3
side: Literal["up", "down"] = "up"
numbers: list[int] = [1]
pair = (1, 2)
frame: pd.DataFrame = None
free = None
span = {"a": [date(2020, 1, 1)]}
low, high = 1, 2
one, (two, three) = 1, (2, 3)
twice = 2 * years
if years:
    inner = 3
copy = 1  # pydantic's models have this name too
%matplotlib inline
!echo "unclosed
_hidden = 1

def helper():
    unseen = 1
"""
TAKEN = {
    "symbol": "GSPC", "colour": "#00ff00", "years": 5, "share": 1, "day": "2024-02-29", "start": "2020-01-01", "end": "2024-12-31",
    "names": [], "weights": {"b": 2}, "limit": 3, "most": None, "side": "down", "numbers": [1, 2], "pair": (3, 4),
    "frame": "anything", "free": [1], "span": {}, "low": 0, "high": 5, "one": "1", "two": 2, "three": 3, "twice": 6, "inner": 4, "copy": 2,
}  # fmt: skip
REFUSED = {
    "symbol": 3, "colour": 1, "years": "three", "share": "half", "day": "29.2.2024", "start": 3, "end": "2024-13-01", "names": "a",
    "weights": {"b": "c"}, "limit": 0.5, "most": "all", "side": "left", "numbers": ["a"], "pair": 3, "low": "a", "high": 0.5,
    "inner": "x", "copy": "x", "yeers": 3, "unseen": 2, "hidden": 1,
}  # fmt: skip


@pytest.fixture
def own(tmp_path):
    """Make the model of a notebook's cell."""

    def make(cell=OWN_CELL, tags=("parameters",)):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)})])
        nbformat.write(notebook, tmp_path / "05_own.ipynb")
        return model_from_cell(tmp_path / "05_own.ipynb")

    return make


def test_the_model_of_ones_own_notebook_is_its_cell(own):
    model = own()
    assert {field.alias: field.description for field in model.model_fields.values() if field.description} == {
        "symbol": "whose prices", "colour": "of the line", "share": "a decimal", "day": "a leap day",
        "copy": "pydantic's models have this name too",
    }  # fmt: skip
    made = validate(model, {**TAKEN, "pair": [3, 4]}, origin="own.yaml").model_dump()
    days = {name: date.fromisoformat(TAKEN[name]) for name in ("start", "end")}
    assert made == {**TAKEN, **days, "day": made["day"]}
    assert str(made["day"]) == "2024-02-29"


@pytest.mark.parametrize(("name", "value"), REFUSED.items())
def test_bad_values_of_ones_own_notebook(own, name, value):
    with pytest.raises(ParameterError, match=f"^own.yaml: {name}: .*") as caught:
        validate(own(), {name: value}, origin="own.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "tags", "said"),
    [
        ("x = 3", (), r"05_own.ipynb: no cell has the tag `parameters`"),
        ("window = = 3", ("parameters",), "its parameters cell is no Python"),
        ("window = [3", ("parameters",), "its parameters cell is no Python"),
    ],
)
def test_a_cell_that_is_none_says_so(own, cell, tags, said):
    with pytest.raises(ParameterError, match=said):
        own(cell, tags)


def test_a_file_that_is_no_notebook_says_so(tmp_path):
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(ParameterError, match=r"broken.ipynb: not a notebook"):
        model_from_cell(tmp_path / "broken.ipynb")


def test_ones_own_source_and_as_of_are_ones_own(own):
    model = own('source = "prices.csv"\nas_of = "last friday"')
    assert model().model_dump() == {"source": "prices.csv", "as_of": "last friday"}
    with pytest.raises(ParameterError, match="seed: unknown parameter"):
        validate(model, {"seed": 3}, origin="own.yaml")


def test_a_notebook_that_names_a_source_of_the_kit_takes_its_parameters(own):
    model = own('source = "bundled"\nas_of = ""\nyears = 3')
    assert set(model.model_fields) == {"source", "data_dir", "as_of", "seed", "years"}
    assert validate(model, {"as_of": "2024-07-16"}, origin="own.yaml").as_of == date(2024, 7, 16)
    with pytest.raises(ParameterError, match="unknown source 'yahooo'; did you mean yahoo"):
        validate(model, {"source": "yahooo"}, origin="own.yaml")
