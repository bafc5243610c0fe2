"""A pull brings what the notebooks load: planned from parameters, compared with the studies and the notebooks."""

import ast
import json
import re
from itertools import chain

import pandas as pd
import pytest

from research_lib.data import companies, open_source
from research_lib.data.catalog import Asset, choose_volatility, describe_asset
from research_lib.data.live.french_names import FACTORS, PORTFOLIOS
from research_lib.data.live.pull import Needs, plan
from research_lib.data.live.snapshots import Item, Kind, Pulled
from research_lib.errors import MissingDataError, ParameterError
from research_lib.parameter_files import read_parameters
from research_lib.params import Leverage, RateCuts, RecordSigma, validate
from research_lib.project import NOTEBOOKS, PARAMETERS
from research_lib.studies.claims import check_claims
from research_lib.studies.rate_cuts import load
from tests.data.live.conftest import DAYS


def literals(notebook, function):
    """Every text in the calls of a function in a notebook."""
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    calls = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == function
    ]
    return {node.value for call in calls for node in ast.walk(call) if isinstance(node, ast.Constant)}


def symbols(parameters):
    return {Asset.parse(asset).symbol for asset in (*parameters.symbols, *parameters.optional_symbols)}


def test_rate_cuts_by_months():
    fifths = chain.from_iterable(load.SIZE_FIFTHS.values())
    wanted = {*fifths, load.SMB, "MKT_RF", "RF", *load.MONTHLY_RATES, load.FUNDS_RATE}
    assert set(RateCuts().series) == wanted
    assert symbols(RateCuts()) == {load.BROAD}


def test_rate_cuts_by_sessions():
    daily = RateCuts(frequency="daily", small="RUT", large="GSPC", horizon=252)
    assert set(daily.series) == {*load.DAILY_RATES, load.FUNDS_RATE}
    assert symbols(daily) == {Asset.parse(leg).symbol for pair in load.DAILY_PAIRS for leg in pair} | {load.BROAD}


def test_leverage():
    wanted = {*companies.RATES, *literals("02_leverage_net_debt", "load_series_if_any")}
    assert set(Leverage().series) == wanted
    assert symbols(Leverage()) == {companies.MARKET}
    assert Leverage().companies == 2500


def test_record_sigma():
    parameters = RecordSigma(asset="DJI", benchmark="", assets=["DJI"])
    assert set(parameters.series) == literals("03_record_sigma", "load_series_if_any")
    every_volatility = {describe_asset(name).volatility_index for name in ("RUT", "GSPC", "IXIC", "DJI", "IWM", "QQQ")}
    assert every_volatility <= symbols(parameters)
    assert choose_volatility("DJI", symbols(parameters)).volatility == "VXD"


@pytest.mark.parametrize("path", sorted(PARAMETERS.glob("*/live.yaml")), ids=lambda path: path.parent.name)
def test_each_live_file_reads_and_plans(path):
    parameters = read_parameters(path)
    sources = dict.fromkeys(parameters.source.split("+"))
    needs = Needs(tuple(symbols(parameters)), tuple(parameters.series), ("ABC",) if parameters.companies else ())
    items = [item for task in plan(sources, needs) for item in task.items]
    assert {item.name for item in items if item.kind is Kind.PRICES} == symbols(parameters)
    assert {item.name for item in items if item.kind is Kind.SERIES} == {
        name for name in parameters.series if "french" in sources or name not in FACTORS | PORTFOLIOS
    }
    assert all(item.source in sources for item in items)


def test_each_need_goes_to_the_first_source_that_has_it(store):
    needs = Needs(("GSPC", "RUT"), ("AAA", "DGS10", "SMB", "RF"))
    planned = plan({"bundled": open_source("bundled"), "yahoo": None, "fred": None}, needs)
    assert [str(task) for task in planned] == ["yahoo RUT", "fred DGS10"]
    store.keep(
        Pulled(
            Item("yahoo", Kind.PRICES, "GSPC"),
            pd.DataFrame({"date": DAYS.as_unit("us"), "close": 1.0, "volume": 1.0, "split": 0.0}),
            {},
            "test",
        )
    )
    for name, served in {"bundled+yahoo": "bundled", "yahoo+bundled": "yahoo"}.items():
        raw = open_source(name).read_price(Asset("GSPC"))
        assert raw.source == served
    assert open_source("yahoo+bundled").read_series("AAA").source == "bundled"
    assert open_source("yahoo+bundled").symbols() == ["GSPC", "IXIC", "VIX"]


def test_several_series_of_one_file_are_one_task():
    [task] = plan({"french": None}, Needs(series=("SMB", "RF", "DGS10")))
    assert [item.name for item in task.items] == ["SMB", "RF"]


@pytest.mark.parametrize("path", sorted(PARAMETERS.glob("*/live.yaml")), ids=lambda path: path.parent.name)
def test_without_snapshots_a_live_file_is_missing_data_which_a_run_of_all_leaves_out(path, store):
    assert store.items() == []
    with pytest.raises(MissingDataError, match=r"no snapshot yet; run: python -m research_lib data pull --for params/"):
        open_source(read_parameters(path).source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("yahoo+fredd", "unknown source 'fredd'; did you mean fred?"),
        ("yahoo+yahoo", "names a source twice"),
        ("folder+yahoo", "data_dir is needed"),
        ("yahoo+", "unknown source ''"),
    ],
)
def test_a_source_that_is_none_never_starts_anything(source, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        validate(RecordSigma, {"source": source}, origin="here")


def test_a_folder_may_be_joined_with_live_sources():
    assert validate(RecordSigma, {"source": "folder+yahoo", "data_dir": "x"}, origin="here").source == "folder+yahoo"


def test_claims():
    parameters = read_parameters(PARAMETERS / "04_claims" / "live.yaml")
    recorded = set()

    class Recording:
        name = "recording"

        def at(self, _as_of):
            return self

        def symbols(self):
            return []

        series_ids = symbols

        def read_price(self, asset):
            recorded.add(asset.symbol)
            raise MissingDataError("none")

        def read_series(self, series_id):
            recorded.add(series_id)
            raise MissingDataError("none")

    check_claims(parameters, Recording())
    assert recorded <= {*symbols(parameters), *parameters.series}
    assert {"RUT", "IXIC", "BTC-USD", "DGS10"} <= recorded
    assert parameters.companies == 2500
