"""A bad parameter gets one clear line: name, value, what is allowed, the nearest name."""

import re
from datetime import date

import pytest

from research_lib.errors import ParameterError
from research_lib.params import (
    cell_text,
    markdown_table,
    model_from_cell,
    parse_axis,
    parse_setting,
    read_parameters,
    validate,
    write_parameters,
)
from research_lib.studies.parameters import MODELS, Leverage, RateCuts, RecordSigma


def fault(**values):
    with pytest.raises(ParameterError) as caught:
        validate(RecordSigma, values, origin="here.yaml")
    return str(caught.value)


def test_misspelt_name_gets_the_nearest():
    assert fault(treshold=3.0).startswith("here.yaml: treshold: unknown parameter; did you mean threshold?")


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"window": 4}, ["window", "4", "greater than or equal to 5"]),
        ({"window": 50.0}, ["window", "50.0", "valid integer"]),
        ({"window": "50"}, ["window", "'50'", "valid integer"]),
        ({"window": True}, ["window", "True", "valid integer"]),
        ({"ddof": 2}, ["ddof", "2", "less than or equal to 1"]),
        ({"threshold": 0.0}, ["threshold 0 is no threshold"]),
        ({"threshold": float("nan")}, ["threshold", "finite"]),
        ({"threshold": 7.0}, ["threshold 7 can never be passed", "6.93"]),
        ({"threshold": -7.0}, ["threshold -7 can never be passed", "6.93"]),
        ({"threshold": 7.0, "ddof": 0}, ["can never be passed", "7.00"]),
        ({"cluster_gap": -1}, ["cluster_gap", "greater than or equal to 0"]),
        ({"definition": "zscore"}, ["definition", "'zscore'", "price_z", "return_z"]),
        ({"source": "yahooo"}, ["source", "'yahooo'", "did you mean yahoo?", "sec"]),
        ({"as_of": "16.7.2024"}, ["as_of", "'16.7.2024'", "2024-07-16"]),
        ({"as_of": 20240716}, ["as_of", "20240716"]),
        ({"assets": []}, ["assets", "at least 1"]),
        ({"assets": "GSPC"}, ["assets", "'GSPC'", "a valid list, like [first, second]"]),
        ({"benchmark": "S&P"}, ["benchmark", "'S&P'", "IWM:total"]),
        ({"asset": "S&P 500"}, ["asset", "'S&P 500'", "IWM:total"]),
        ({"asset": "GSPC", "benchmark": "GSPC"}, ["benchmark GSPC is the asset itself"]),
        ({"source": "folder"}, ["data_dir is needed"]),
        ({"data_dir": "x"}, ["data_dir is given, but source is bundled"]),
        ({"seed": -1}, ["seed", "greater than or equal to 0"]),
    ],
)
def test_bad_values(values, parts):
    message = fault(**values)
    assert message.startswith("here.yaml: ")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_all_faults_are_said_at_once():
    assert len(fault(window=1, ddof=9, colour="red").splitlines()) == 3


def test_dates_are_read_from_text_and_from_yaml():
    assert RecordSigma(as_of="2024-07-16").as_of == RecordSigma(as_of=date(2024, 7, 16)).as_of == date(2024, 7, 16)
    assert RecordSigma(as_of="").as_of is None


def test_file_and_overrides(tmp_path):
    path = tmp_path / "03_record_sigma" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("asset: IXIC\nbenchmark: GSPC\nwindow: 20\n")
    parameters = read_parameters(path, RecordSigma, {"window": 100})
    assert (parameters.asset, parameters.window) == ("IXIC", 100)


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
    ],
)
def test_files_that_are_no_mapping(tmp_path, text, part):
    path = tmp_path / "03_record_sigma" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ParameterError, match=part) as caught:
        read_parameters(path, RecordSigma)
    assert "mine.yaml" in str(caught.value)


def test_a_folder_is_no_parameter_file(tmp_path):
    with pytest.raises(ParameterError, match="cannot be read"):
        read_parameters(tmp_path, RecordSigma)


@pytest.mark.parametrize("name", ["api_key", "fred_key", "token", "my_password", "secret", "API_KEY", "credentials"])
def test_a_secret_is_no_parameter_and_its_value_is_not_shown(tmp_path, name):
    path = tmp_path / "03_record_sigma" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(f"{name}: abc123\n")
    with pytest.raises(ParameterError, match="reports show every parameter") as caught:
        read_parameters(path, RecordSigma)
    assert "abc123" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("window=20,50", ("window", [20, 50])),
        ("window=20:60:20", ("window", [20, 40, 60])),
        ("assets=[GSPC],[GSPC, IXIC]", ("assets", [["GSPC"], ["GSPC", "IXIC"]])),
        ("as_of=2024-07-16", ("as_of", [date(2024, 7, 16)])),
    ],
)
def test_an_axis_of_a_sweep(setting, expected):
    assert parse_axis(setting) == expected


@pytest.mark.parametrize(
    "setting", ["window", "window=", "window=20,20", "=3", "window=[20", "window=20,,30", "window=20-100"]
)
def test_an_axis_that_is_none(setting):
    with pytest.raises(ParameterError, match=f"--grid {re.escape(setting)}"):
        parse_axis(setting)


def test_a_missing_file_names_the_nearest(tmp_path):
    folder = tmp_path / "03_record_sigma"
    folder.mkdir()
    (folder / "baseline.yaml").write_text("window: 50\n")
    with pytest.raises(ParameterError, match=r"did you mean baseline.yaml"):
        read_parameters(folder / "basline.yaml", RecordSigma)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("window=100", ("window", 100)), ("asset=RUT", ("asset", "RUT")), ("assets=[A, B]", ("assets", ["A", "B"])),
     ("benchmark=", ("benchmark", "")), ("as_of=2024-07-16", ("as_of", date(2024, 7, 16)))],
)  # fmt: skip
def test_settings_of_the_command_line(setting, expected):
    assert parse_setting(setting) == expected


@pytest.mark.parametrize("setting", ["window", "=3", "x=[1", "as_of=2024-02-30"])
def test_bad_settings(setting):
    with pytest.raises(ParameterError, match="--set"):
        parse_setting(setting)


def test_a_misspelt_parameter_beside_the_right_ones_is_found_in_the_notebook():
    namespace = {
        **RecordSigma().model_dump(),
        "treshold": 3.0,
        "In": [],
        "_x": 1,
        "validate": validate,
        "pytest": pytest,
    }
    with pytest.raises(ParameterError, match="treshold: unknown parameter; did you mean threshold"):
        RecordSigma.from_notebook(namespace)
    del namespace["treshold"]
    assert RecordSigma.from_notebook(namespace) == RecordSigma()


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"frequency": "daily", "horizon": 21}, ["S1, S5 and SMB are monthly", "frequency: monthly"]),
        ({"small": "RUT", "large": "GSPC"}, ["RUT", "monthly there are S1 and S5", "frequency: daily"]),
        ({"horizon": 7}, ["horizon 7 is none of the monthly horizons: 1, 3, 6, 12"]),
        ({"frequency": "daily", "small": "RUT", "large": "", "horizon": 21}, ["large is needed"]),
        ({"frequency": "weekly"}, ["frequency", "'monthly' or 'daily'"]),
        ({"min_cut_bp": -25.0}, ["min_cut_bp", "greater than 0"]),
        ({"announced_only": "yes"}, ["announced_only", "'yes'"]),
    ],
)
def test_bad_values_of_rate_cuts(values, parts):
    with pytest.raises(ParameterError) as caught:
        validate(RateCuts, values, origin="here.yaml")
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"large": 5}, ["large", "5", "greater than or equal to 30"]),
        ({"stress_share": 0.0}, ["stress_share", "greater than 0"]),
        ({"stress_share": 1.5}, ["stress_share", "less than or equal to 1"]),
        ({"stress_bp": 1.5}, ["stress_bp", "1.5", "valid integer"]),
        ({"zombie_years": 0}, ["zombie_years", "greater than or equal to 1"]),
        ({"exclude_financials": "yes"}, ["exclude_financials", "'yes'", "valid boolean"]),
        ({"events": []}, ["events", "at least 1"]),
        ({"events": ["16.3.2020"]}, ["events", "2024-07-16"]),
        ({"events": "2020-03-16"}, ["events", "valid list"]),
        ({"zombie_year": 2}, ["zombie_year: unknown parameter; did you mean zombie_years?"]),
    ],
)
def test_bad_values_of_the_leverage_study(values, parts):
    with pytest.raises(ParameterError) as caught:
        validate(Leverage, values, origin="here.yaml")
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_event_days_are_read_from_text_and_from_yaml():
    assert Leverage(events=["2020-03-16"]) == Leverage(events=[date(2020, 3, 16)])
    assert (Leverage().year, Leverage(fiscal_year=2021).year, getattr(Leverage(), "symbols", [])) == (None, 2021, [])


def write(folder, slug, text):
    path = folder / "03_record_sigma" / f"{slug}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_may_extend_another(tmp_path):
    write(tmp_path, "base", "window: 20\nthreshold: 3.0\n")
    parameters = read_parameters(write(tmp_path, "mine", "extends: base.yaml\nwindow: 30\n"), RecordSigma)
    assert (parameters.window, parameters.threshold) == (30, 3.0)


@pytest.mark.parametrize(
    ("base", "part"),
    [
        ("../base.yaml", "must name another file of the same folder"),
        ("mine.yaml", "must name another file of the same folder"),
        ("3", "must name another file of the same folder"),
        ("none.yaml", "there is no such file"),
        ("second.yaml", "second.yaml itself extends a file"),
    ],
)
def test_a_file_that_cannot_be_extended(tmp_path, base, part):
    write(tmp_path, "second", "extends: base.yaml\n")
    with pytest.raises(ParameterError, match=part):
        read_parameters(write(tmp_path, "mine", f"extends: {base}\n"), RecordSigma)


CELLS = [
    "",
    'asset: str = "GSPC"  # whose\nwindow: int = 50',
    "# Parameters\nwindow = 60\n",
    "monthly = asset == 'S1'",
    "x = 3",
]


def namespace_after(*cells, **values):
    return {"In": ["", *cells], "asset": "GSPC", "window": 60, "monthly": False, "x": 3, "unit": "months", **values}


def test_a_parameter_cell_may_be_run_again_among_results():
    parameters = RecordSigma.from_notebook(namespace_after(*CELLS, "%matplotlib inline", "unit = 'months'"))
    assert parameters.window == 60


@pytest.mark.parametrize("cell", ["# Parameters\ntreshold = 3", "window = 60\ntreshold: float = 3.0"])
def test_a_misspelt_parameter_is_found_in_the_cells_of_parameters(cell):
    with pytest.raises(ParameterError, match="treshold: unknown parameter; did you mean threshold"):
        RecordSigma.from_notebook(namespace_after(*CELLS, cell, treshold=3.0))


@pytest.mark.parametrize(
    "cell",
    [
        "window = int(60)\nprint(window)",
        '"""Settings."""\nwindow = 60',
        "%%time\nwindow = 60",
        "window, threshold = 60, 2.5",
        "half = 30\nwindow = 2 * half",
        "window = 30\nwindow += 30",
        "_helper = 3\nwindow = 60",
    ],
)
def test_a_parameters_cell_may_hold_anything(cell):
    """Known names are taken whatever set them; a step on the way is no unknown parameter."""
    assert RecordSigma.from_notebook({"In": ["", cell], "window": 60, "half": 30, "threshold": 2.5}).window == 60


def test_a_parameter_that_is_set_to_a_function_is_refused():
    with pytest.raises(ParameterError, match=r"window: <built-in function print>: .*valid integer"):
        RecordSigma.from_notebook({"In": ["", "window = print"], "window": print})


def test_what_is_written_is_read_back(tmp_path):
    params = RecordSigma(window=60, as_of=date(1984, 8, 3))
    path = write_parameters(tmp_path / "03_record_sigma", "mine", params)
    assert read_parameters(path, RecordSigma) == params
    assert path.read_text() == "source: bundled\nas_of: 1984-08-03\nwindow: 60\n"
    with pytest.raises(ParameterError, match="is there already"):
        write_parameters(path.parent, "mine", params)


@pytest.mark.parametrize("model", MODELS.values())
def test_cell_and_document_are_made_of_the_fields(model):
    values = {}
    exec(cell_text(model), {}, values)  # noqa: S102  # the cell that the kit itself writes
    values.pop("__annotations__")
    assert set(values) == set(model.model_fields)
    assert model(**values) == model()
    assert all(line.partition("#")[2].strip() for line in cell_text(model).splitlines())
    assert all(f"| `{name}` |" in markdown_table(model) for name in model.model_fields)


OWN_CELL = """
from datetime import date

# what the notebook is about
symbol: str = "RUT"  # whose prices
years = 3
share = 0.5  # a decimal
day = date(2024, 2, 29)  # a leap day
start: date = ""
names = ["a", "b"]
weights: dict[str, float] = {"a": 1.0}
limit: int | None = None
free = None
low, high = 1, 2
twice = 2 * years
%matplotlib inline
_hidden = 1
"""


def own_notebook(tmp_path, cell=OWN_CELL, tags=("parameters",)):
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)})])
    path = tmp_path / "05_own.ipynb"
    nbformat.write(notebook, path)
    return path


def test_the_model_of_ones_own_notebook_is_its_cell(tmp_path):
    model = model_from_cell(own_notebook(tmp_path))
    assert [*model.model_fields] == [
        "symbol",
        "years",
        "share",
        "day",
        "start",
        "names",
        "weights",
        "limit",
        "free",
        "low",
        "high",
        "twice",
    ]
    assert model.model_fields["symbol"].description == "whose prices"
    made = validate(model, {"day": "2024-02-29", "limit": 3, "share": 1, "high": 5}, origin="own.yaml")
    assert (made.day, made.limit, made.share, made.high, made.symbol) == (date(2024, 2, 29), 3, 1, 5, "RUT")


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"yeers": 3}, "yeers: unknown parameter; did you mean years?"),
        ({"years": "three"}, "years: 'three': .*valid integer"),
        ({"day": "29.2.2024"}, "day: '29.2.2024': must be a date like 2024-07-16"),
        ({"names": "a"}, "names: 'a': .*valid list"),
        ({"limit": 0.5}, "limit: 0.5"),
    ],
)
def test_bad_values_of_ones_own_notebook(tmp_path, values, part):
    with pytest.raises(ParameterError, match=part):
        validate(model_from_cell(own_notebook(tmp_path)), values, origin="own.yaml")


def test_a_notebook_without_a_parameters_cell_says_so(tmp_path):
    with pytest.raises(ParameterError, match=r"05_own.ipynb: no cell has the tag `parameters`"):
        model_from_cell(own_notebook(tmp_path, tags=()))
    path = tmp_path / "broken.ipynb"
    path.write_text("{")
    with pytest.raises(ParameterError, match=r"broken.ipynb: not a notebook"):
        model_from_cell(path)
    with pytest.raises(ParameterError, match="its parameters cell is no Python"):
        model_from_cell(own_notebook(tmp_path, cell="window = = 3"))


def test_ones_own_source_and_as_of_are_ones_own(tmp_path):
    model = model_from_cell(own_notebook(tmp_path, cell='source = "prices.csv"\nas_of = "last friday"'))
    assert model().model_dump() == {"source": "prices.csv", "as_of": "last friday"}
    with pytest.raises(ParameterError, match="seed: unknown parameter"):
        validate(model, {"seed": 3}, origin="own.yaml")


def test_a_notebook_that_names_a_source_of_the_kit_takes_its_parameters(tmp_path):
    model = model_from_cell(own_notebook(tmp_path, cell='source = "bundled"\nas_of = ""\nyears = 3'))
    assert set(model.model_fields) == {"source", "data_dir", "as_of", "seed", "years"}
    assert validate(model, {"as_of": "2024-07-16"}, origin="own.yaml").as_of == date(2024, 7, 16)
    with pytest.raises(ParameterError, match="unknown source 'yahooo'; did you mean yahoo"):
        validate(model, {"source": "yahooo"}, origin="own.yaml")
