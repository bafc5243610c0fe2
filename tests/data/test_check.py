"""What would stop a report for its data is found before a kernel starts, each file being loaded once."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from research_lib.data import check
from research_lib.errors import DataError, InsufficientDataError, MissingDataError
from tests.conftest import random_walk, write_prices
from tests.data.test_statements import write_own

LAST = random_walk(60, seed=1).index[-1].date()


@pytest.fixture
def folder(tmp_path):
    write_prices(tmp_path, "AAA", random_walk(60, seed=1))
    write_prices(tmp_path, "VIX", random_walk(60, seed=1) - 200)
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "DGS10.csv").write_text("date,value\n2024-01-02,4.05\n")
    (tmp_path / "series" / "BAD.csv").write_text("date,value\n2024-01-02,x\n")
    return tmp_path


def needs(folder=None, **names):
    source = {"source": "folder", "data_dir": str(folder)} if folder else {"source": "bundled", "data_dir": ""}
    return SimpleNamespace(**{**source, "as_of": None, "symbols": [], **names})


LATER = LAST + timedelta(days=32)
ASKED = {
    "there and right": ({"symbols": ["AAA"], "series": ["DGS10"]}, None, ""),
    "a symbol that is not there": ({"symbols": ["BBB"]}, MissingDataError, "source folder has no prices of BBB"),
    "a cell": ({"series": ["BAD"]}, DataError, "series/BAD.csv, column value, row 2 (2024-01-02): not a number: 'x'"),
    "broken, not needed": ({"optional_symbols": ["VIX"]}, DataError, "a price that is not positive"),
    "too early": ({"symbols": ["AAA"], "as_of": date(1999, 1, 1)}, InsufficientDataError, "after as_of 1999-01-01"),
    "no companies": ({"companies": 10}, MissingDataError, "no company statements"),
    "a month late": ({"symbols": ["AAA"], "as_of": LAST + timedelta(days=31)}, None, ""),
    "later": ({"symbols": ["AAA"], "as_of": LATER}, InsufficientDataError,
              f"AAA ends on {LAST}, more than a month before as_of {LATER}"),
    "later, not needed": ({"optional_symbols": ["AAA"], "as_of": LATER}, None, ""),
    "absent, not needed": ({"optional_symbols": ["RVX", "AAA:total"], "series": ["SMB"]}, None, ""),
}  # fmt: skip


def test_each_set_of_parameters_has_its_own_fault(folder):
    (folder / "other").mkdir()
    asked = [(needs(folder, **names), kind, said) for names, kind, said in ASKED.values()] + [
        (needs(folder / "other", symbols=["AAA"]), MissingDataError, "source folder has no prices of AAA"),
        (needs(folder / "nowhere"), MissingDataError, "there is no such folder"),
        (needs(symbols=["GSPC"], companies=100), None, ""),
    ]
    found = check.check_sources([params for params, _, _ in asked])
    for (_, kind, said), fault in zip(asked, found, strict=True):
        assert (fault and type(fault), said in str(fault)) == (kind, True)


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
