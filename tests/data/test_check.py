"""What would stop a report for its data is found before a kernel starts, each file being loaded once."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from research_lib.data import check
from research_lib.errors import DataError, InsufficientDataError, MissingDataError
from tests.conftest import random_walk, write_prices
from tests.data.test_statements import write_own


@pytest.fixture
def folder(tmp_path):
    write_prices(tmp_path, "AAA", random_walk(60, seed=1))
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "DGS10.csv").write_text("date,value\n2024-01-02,4.05\n")
    return tmp_path


def needs(folder=None, **names):
    source = {"source": "folder", "data_dir": str(folder)} if folder else {"source": "bundled", "data_dir": ""}
    return SimpleNamespace(**{**source, "as_of": None, "symbols": [], **names})


def faults(*parameters):
    return check.check_sources(parameters)


def test_what_is_there_and_right_has_no_faults(folder):
    there = needs(folder, symbols=["AAA"], series=["DGS10"])
    assert faults(there, needs(symbols=["GSPC"], companies=100)) == [None, None]


def test_each_set_of_parameters_has_its_own_fault(folder):
    (folder / "series" / "BAD.csv").write_text("date,value\n2024-01-02,x\n")
    found = faults(
        needs(folder, symbols=["AAA"]),
        needs(folder, symbols=["BBB"]),
        needs(folder, series=["BAD"]),
        needs(folder, symbols=["AAA"], as_of=date(1999, 1, 1)),
        needs(folder / "nowhere"),
        needs(folder, companies=10),
    )
    kinds = [None, MissingDataError, DataError, InsufficientDataError, MissingDataError, MissingDataError]
    assert [fault and type(fault) for fault in found] == kinds
    assert str(found[2]) == "series/BAD.csv, column value, row 2 (2024-01-02): not a number: 'x'"


def test_what_a_report_can_do_without_may_be_absent_but_not_broken(folder):
    absent = needs(folder, symbols=["AAA"], optional_symbols=["VIX", "AAA:total"], series=["SMB"])
    assert faults(absent) == [None]
    write_prices(folder, "VIX", random_walk(60, seed=1) - 200)
    assert "not positive" in str(faults(absent)[0])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fundamentals.csv", "company,fiscal_year\nA,2021\n", "no column period_end, known_from, currency"),
        ("price_panel.csv", "date,A\n2024-01-02,x\n", "price_panel.csv, column A, row 2: not a number: 'x'"),
    ],
)
def test_statements_and_panel_are_loaded_too(folder, name, text, said):
    write_own(folder, {})
    (folder / name).write_text(text)
    assert said in str(faults(needs(folder, companies=10))[0])


def test_a_sweep_loads_nothing_twice(folder, monkeypatch):
    loaded, load = [], check.load_prices
    counted = lambda source, names, as_of: loaded.append(names) or load(source, names, as_of=as_of)
    monkeypatch.setattr(check, "load_prices", counted)
    sweep = [needs(folder, symbols=["AAA"], window=window) for window in range(50)]
    assert faults(*sweep) == [None] * 50
    assert loaded == [("AAA",)]


def test_a_price_that_ends_long_before_as_of_is_too_little_data(folder):
    last = random_walk(60, seed=1).index[-1].date()
    soon, late = last + timedelta(days=31), last + timedelta(days=32)
    found = faults(*(needs(folder, symbols=["AAA"], as_of=day) for day in (soon, late)))
    assert found[0] is None
    assert isinstance(found[1], InsufficientDataError)
    assert str(found[1]) == f"AAA ends on {last}, more than a month before as_of {late}"
    assert faults(needs(folder, optional_symbols=["AAA"], as_of=late)) == [None]
