"""Company statements are read as their files say, dated by what was known, and what cannot be true in them is named."""

from datetime import date
from itertools import zip_longest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research_lib.data import open_source
from research_lib.data.companies import load_statements
from research_lib.data.statements import COLUMNS
from research_lib.errors import DataError, InsufficientDataError
from tests.companies import write_simfin
from tests.conftest import read_table

CASES = read_table("data/statements.yaml")


def write_own(folder, *changes):
    """Write fundamentals.csv: a sound row for each mapping of changes to it; None in the first: the column is not there."""
    lacking = [name for name, value in changes[0].items() if value is None]
    rows = pd.DataFrame([CASES["sound"] | change for change in changes]).drop(columns=lacking)
    rows.to_csv(folder / "fundamentals.csv", index=False)
    return folder


def load(folder, **options):
    return load_statements(open_source("folder", data_dir=str(folder)), **options)


def refuse(folder, message, error=DataError, **options):
    with pytest.raises(error, match=message):
        load(folder, **options)


def write_case(folder, case):
    """Write a case's rows of companies A, B, C…, or a row for each company and quarter of a flow."""
    rows, flow = case.get("rows", []), case.get("flow", "operating_income")
    flows = [
        {"company": company, flow: value, **quarter} for company, values in case.get("quarters", {}).items()
        for value, quarter in zip(values, CASES["quarters"], strict=False)
    ]  # fmt: skip
    named = [{"company": "ABCDEFGH"[n]} | row for n, row in enumerate(rows)]
    return write_own(folder, *([row | one for row, one in zip_longest(rows, flows, fillvalue={})] if flows else named))


def check(loaded, case):
    """Hold what columns hold, what was found wrong, and a part of what the card says against a case."""
    assert list(loaded.values.columns) == list(COLUMNS)
    for column, expected in case.get("values", {}).items():
        values = [None if pd.isna(value) else value for value in loaded.values[column]]
        assert values == [pd.Timestamp(one) if isinstance(one, date) else one for one in expected]
    usual = ("no market value", "zero or a placeholder, taken as missing")
    named = [(fault.kind, fault.detail) for fault in loaded.card.faults if fault.kind not in usual]
    assert named == [(kind, one) for kind, cases in case.get("faults", {}).items() for one in cases]
    assert case.get("said", "") in f"{loaded.card.origin}: {loaded.card.fault_summary()}"


@pytest.mark.parametrize("case", CASES["read"].values(), ids=CASES["read"])
def test_what_a_file_says_counts_and_what_is_wrong_in_it_is_named(tmp_path, case):
    check(load(write_case(tmp_path, case), as_of=case.get("as_of")), case)


@pytest.mark.parametrize(("case", "message"), CASES["refused"])
def test_what_cannot_be_true_stops_with_its_row(tmp_path, case, message):
    folder = write_case(tmp_path, case if isinstance(case, dict) else {"rows": case})
    refuse(folder, message, InsufficientDataError if "holds nothing" in message else DataError)


def simfin_rows(rows):
    return {(line.rpartition(" ")[0], int(line[-4:])): cells for line, cells in rows.items()}


SIMFIN = simfin_rows(CASES["simfin_rows"])


@pytest.mark.parametrize("case", CASES["simfin"].values(), ids=CASES["simfin"])
def test_simfins_files_are_joined_and_what_they_lack_is_named(tmp_path, case):
    write_simfin(tmp_path, SIMFIN | simfin_rows(case.get("rows", {})), case.get("prices"))
    for name, text in case.get("files", {}).items():
        (tmp_path / "simfin" / name).write_text(text)
    if "changed" in case:
        name, old, new = case["changed"]
        path = tmp_path / "simfin" / name
        path.write_text(path.read_text().replace(old, new))
    if "refused" in case:
        refuse(tmp_path, case["refused"])
    else:
        check(load(tmp_path, as_of=case.get("as_of")), case)


def test_parquet_and_compustats_names_are_the_same_table(tmp_path):
    written = load(write_own(tmp_path, {}, {"company": "NA", "sector": "Financials"})).values
    assert written["company"].tolist() == ["AAA", "NA"], "a ticker NA is a company"
    frame = pd.read_csv(tmp_path / "fundamentals.csv", parse_dates=["period_end", "known_from"], keep_default_na=False)
    frame["sector"] = frame["sector"].replace("Financials", "40")
    theirs = {name: row["also_called"].split("|")[-1] for name, row in COLUMNS.items() if row["also_called"]}
    values = [name for name in COLUMNS if not name.endswith("_from") or name == "known_from"]
    for folder, table in {"own": frame.drop(columns="sector"), "compustat": frame.rename(columns=theirs)}.items():
        (tmp_path / folder).mkdir()
        table.to_parquet(tmp_path / folder / "fundamentals.parquet")
        expected = written[values] if folder == "compustat" else written[values].assign(sector=np.nan)
        found = load(tmp_path / folder).values[values].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_dtype=False)


@settings(max_examples=15)
@given(st.fixed_dictionaries({"cash": st.sampled_from(["-1", "1e12"]), "currency": st.sampled_from(["EUR", "USD"]),
                              "interest_expense": st.sampled_from(["-5", "5"]), "market_value": st.sampled_from(["0", "1e9"])}))  # fmt: skip
def test_nothing_known_later_matters(tmp_path_factory, change):
    folder, later = tmp_path_factory.mktemp("own"), {"known_from": "2021-06-01", "market_value": "4"}
    before = load(write_own(folder, {"market_value": "9"}, later | {"company": "B"}), as_of=date(2021, 3, 1))
    changed = [later | change | {"company": name} for name in "BCDE"]
    after = load(write_own(folder, {"market_value": "9"}, *changed), as_of=date(2021, 3, 1))
    assert before.card == after.card
    pd.testing.assert_frame_equal(before.values, after.values)
    refuse(folder, r"nothing known by as_of 2019-01-01", InsufficientDataError, as_of=date(2019, 1, 1))


def test_an_opened_folder_is_read_once_whatever_the_dates(tmp_path):
    source = open_source("folder", data_dir=str(write_own(tmp_path, {}, {"company": "B", "known_from": "2021-06-01"})))
    both = load_statements(source).values
    write_own(tmp_path, {"cash": "7"})
    early = load_statements(source, as_of=date(2021, 3, 1)).values
    assert (both["company"].tolist(), early["cash"].tolist()) == (["AAA", "B"], [20])
    assert load(tmp_path).values["cash"].tolist() == [7], "opened again"


def test_a_folder_without_statements_says_what_to_put_there(tmp_path):
    refuse(tmp_path, r"no company statements; expected fundamentals.csv .* or SimFin's simfin/us-income-annual.csv")
    with pytest.raises(DataError, match=r"bundled data hold no company statements"):
        load_statements(open_source("bundled"))
    write_simfin(tmp_path, SIMFIN)
    rows = load(write_own(tmp_path, {"company": "MINE"})).values
    assert rows["company"].tolist() == ["MINE"], "the own file goes first"
    (tmp_path / "fundamentals.parquet").touch()
    refuse(tmp_path, r"holds fundamentals.csv and fundamentals.parquet: remove one of them")


def test_real_simfin_has_six_rows_under_two_names(shared_data):
    """All else of these files is held against a plain reading in tests/benchmarks/test_data.py."""
    loaded = load(shared_data)
    second = [fault.detail for fault in loaded.card.faults if fault.kind.startswith("a second share class")]
    assert (len(second), "HTA 2021 is HR" in second) == (6, True), "a merged company among them"
    priced = loaded.values["price"].notna()
    assert priced.sum() > 8_000
    assert loaded.values["market_value"][priced].equals((loaded.values["price"] * loaded.values["shares"])[priced])
