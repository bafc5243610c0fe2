"""What would stop a report for its data is found before a kernel starts, each file being loaded once."""

from types import SimpleNamespace

import pytest

from research_lib.data import check
from tests.conftest import random_walk, read_table, write_prices
from tests.data.test_statements import write_own

CASES = read_table("data/check.yaml")


@pytest.fixture
def folder(tmp_path):
    write_prices(tmp_path, "AAA", random_walk(60, seed=1))
    write_prices(tmp_path, "VIX", random_walk(60, seed=1) - 200)
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "DGS10.csv").write_text("date,value\n2024-01-02,4.05\n")
    (tmp_path / "series" / "BAD.csv").write_text("date,value\n2024-01-02,x\n")
    return tmp_path


def needs(root, folder=".", **names):
    source = ("folder", str(root / folder)) if folder else ("bundled", "")
    return SimpleNamespace(**{"source": source[0], "data_dir": source[1], "as_of": None, "symbols": [], **names})


def test_each_set_of_parameters_has_its_own_fault(folder):
    (folder / "other").mkdir()
    found = check.check_sources([needs(folder, **names) for names, *_ in CASES.values()])
    for (_, *expected), fault in zip(CASES.values(), found, strict=True):
        kind, said = expected or ("NoneType", "None")
        assert (type(fault).__name__, said in str(fault)) == (kind, True)


def test_statements_and_panel_are_loaded_too(folder):
    write_own(folder, {})
    (folder / "price_panel.csv").write_text("date,A\n2024-01-02,x\n")
    said = "price_panel.csv, column A, row 2: not a number: 'x'"
    assert list(map(str, check.check_sources([needs(folder, companies=10)]))) == [said]
    (folder / "fundamentals.csv").write_text("company,fiscal_year\nA,2021\n")
    assert "no column period_end, known_from, currency" in str(check.check_sources([needs(folder, companies=10)])[0])


def test_a_sweep_loads_nothing_twice(folder, monkeypatch):
    loaded, load = [], check.load_prices
    counted = lambda source, names, as_of: loaded.append(names) or load(source, names, as_of=as_of)
    monkeypatch.setattr(check, "load_prices", counted)
    sweep = [needs(folder, symbols=["AAA"], window=window) for window in range(50)]
    assert check.check_sources(sweep) == [None] * 50
    assert loaded == [("AAA",)]
