"""Company statements are read as their files say, dated by what was known, and what cannot be true in them is named."""

from datetime import date
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from research_lib.data import open_source
from research_lib.data.companies import load_statements
from research_lib.data.statements import COLUMNS, Found, make_statements
from research_lib.errors import DataError, InsufficientDataError
from tests.companies import write_simfin

SOUND = {
    "company": "AAA", "fiscal_year": "2020", "period_end": "2020-12-31", "known_from": "2021-02-15", "currency": "USD",
    "short_term_debt": "10", "long_term_debt": "50", "cash": "20", "operating_income": "15",
    "depreciation_amortization": "5", "interest_expense": "3",
}  # fmt: skip


def write_own(folder, *changes):
    """Write fundamentals.csv: a sound row for each mapping of changes to it; None in the first: the column is not there."""
    lacking = [name for name, value in changes[0].items() if value is None]
    rows = pd.DataFrame([SOUND | change for change in changes]).drop(columns=lacking)
    rows.to_csv(folder / "fundamentals.csv", index=False)
    return folder


def load(folder, **options):
    return load_statements(open_source("folder", data_dir=str(folder)), **options)


def refuse(folder, message, error=DataError, **options):
    with pytest.raises(error, match=message):
        load(folder, **options)


def named(loaded):
    usual = ("no market value", "zero or a placeholder, taken as missing")
    return [(fault.kind, fault.detail) for fault in loaded.card.faults if fault.kind not in usual]


ENDS = ["2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31", "2021-03-31"]
KNOWN = ["2020-05-01", "2020-08-01", "2020-11-01", "2021-02-15", "2021-05-01"]
CASES = yaml.safe_load(Path(__file__).with_name("statements.yaml").read_text(encoding="utf-8"))


def quarters(flows, column="operating_income"):
    """A row for each company and quarter of a flow."""
    return [
        {"company": company, "period_end": ENDS[n], "known_from": KNOWN[n], "fiscal_period": f"Q{n % 4 + 1}",
         "fiscal_year": 2020 + n // 4, column: value} for company, values in flows.items() for n, value in enumerate(values)
    ]  # fmt: skip


def rows_of(changes):
    return [{"company": "ABCDEFGH"[n]} | change for n, change in enumerate(changes)]


@pytest.mark.parametrize("case", CASES["read"].values(), ids=CASES["read"])
def test_what_a_file_says_counts_and_what_is_wrong_in_it_is_named(tmp_path, case):
    changes, flows = case.get("rows", []), quarters(case.get("quarters", {}))
    rows = [change | flow for change, flow in zip_longest(changes, flows, fillvalue={})] if flows else rows_of(changes)
    loaded = load(write_own(tmp_path, *rows))
    assert list(loaded.values.columns) == list(COLUMNS)
    for column, expected in case.get("values", {}).items():
        values = [None if pd.isna(value) else value for value in loaded.values[column]]
        assert values == [pd.Timestamp(one) if isinstance(one, date) else one for one in expected]
    assert named(loaded) == [(kind, one) for kind, cases in case.get("faults", {}).items() for one in cases]
    assert case.get("said", "") in loaded.card.fault_summary()


@pytest.mark.parametrize(("changes", "message"), CASES["refused"])
def test_what_cannot_be_true_stops_with_its_row(tmp_path, changes, message):
    refuse(write_own(tmp_path, *rows_of(changes)), message)


@pytest.mark.parametrize("column", ["operating_income", "depreciation_amortization", "interest_expense"])
def test_flows_of_the_year_so_far_are_refused(tmp_path, column):
    rows = quarters(dict.fromkeys("ABC", (10, 21, 29, 42, 11)), column)
    refuse(
        write_own(tmp_path, *rows),
        rf"column {column}: in 3 of 3 company years quarters rise .*, first A 2020; give each",
    )


@pytest.mark.parametrize(
    ("rows", "message"), [(quarters({"A": [1, 2, 4]}), "holds nothing"), ([{"known_from": "2020-12-30"}], r"\(2020-12-30: published")]
)  # fmt: skip
def test_a_file_of_which_nothing_is_left_says_why(tmp_path, rows, message):
    refuse(write_own(tmp_path, *rows), message, InsufficientDataError)


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


def test_a_restated_value_counts_from_its_restatement(tmp_path):
    write_own(tmp_path, {}, {"company": "B", "restated_on": "2022-03-01"})
    rows = load(tmp_path).values
    assert [rows[day].dt.year.tolist() for day in ("published", "known_from")] == [[2021, 2021], [2021, 2022]]
    # The first is the day of publication.
    for day, many in {date(2021, 2, 15): 1, date(2021, 12, 31): 1, date(2022, 2, 28): 1, date(2022, 3, 1): 2}.items():
        assert load(tmp_path, as_of=day).values["company"].tolist() == ["AAA", "B"][:many]
        again = make_statements(Found(rows, [], "x"), source="x", as_of=day).values
        assert again["company"].tolist() == ["AAA", "B"][:many]


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
    with pytest.raises(DataError, match=r"source bundled has no company statements"):
        load_statements(open_source("bundled"))
    write_simfin(tmp_path, SIMFIN)
    rows = load(write_own(tmp_path, {"company": "MINE"})).values
    assert rows["company"].tolist() == ["MINE"], "the own file goes first"
    (tmp_path / "fundamentals.parquet").touch()
    refuse(tmp_path, r"holds fundamentals.csv and fundamentals.parquet: remove one of them")


# income: shares, diluted, revenue, D&A (negative), operating income, net interest (negative is a cost)
# balance: cash, assets, short-term debt, long-term debt, liabilities, equity; cash flow: D&A
SIMFIN = {
    ("AAA", 2019): ("100;110;500;-7;40;-6", "30;900;10;200;500;400", "9"),
    ("AAA", 2020): ("100;110;500;-7;40;2", "30;900;;;500;400", ""),
    ("NA", 2020): (";50;500;;40;", "30;800;10;;500;400", ""),
}


def test_simfin_is_joined_and_its_signs_turned(tmp_path):
    write_simfin(tmp_path, SIMFIN, [("AAA", 5.0, "2020-03-02"), ("AAA", 6.0, "2021-03-20"), ("NA", 7.0, "2021-03-01")])
    loaded, nan = load(tmp_path), np.nan
    expected = {
        "short_term_debt": [10, 0, 10], "long_term_debt": [200, 0, 0], "debt": [210, 0, 10], "cash": [30, 30, 30],
        "interest_expense": [6, -2, nan], "depreciation_amortization": [9, 7, nan], "shares": [100, 100, 50],
        "price": [5, nan, 7],  # the next session after a Sunday; 19 days after publication is another price
        "market_value": [500, nan, 350],
    }  # fmt: skip
    np.testing.assert_array_equal(loaded.values[[*expected]], pd.DataFrame(expected))
    assert loaded.values["sector"].isna().all()
    assert "debt from: balance sheet 2, no debt item: zero, by SimFin's convention 1" in loaded.card.origin


def test_simfins_bulk_prices_and_sectors_do(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    folder = tmp_path / "simfin"
    header = "Ticker;SimFinId;Date;Open;Low;High;Close;Adj. Close;Volume;Dividend;Shares Outstanding"
    lines = ["AAA;1;2020-03-02;9;9;9;5;1;5;;10", "NA;1;2021-03-01;9;9;9;7;1;5;;10"]
    (folder / "us-shareprices-daily.csv").write_text("\n".join([header, *lines]) + "\n")
    (folder / "us-companies.csv").write_text("Ticker;SimFinId;IndustryId\nAAA;1;104\nNA;2;\n")
    (folder / "industries.csv").write_text("IndustryId;Sector;Industry\n104;Financial Services;Banks\n")
    rows = load(tmp_path).values
    assert rows["market_value"].dropna().tolist() == [500, 350]
    assert rows["sector"].fillna("").tolist() == ["Financial Services", "Financial Services", ""]


def test_simfin_rows_without_a_partner_a_name_or_a_price_are_left_out_and_counted(tmp_path):
    broken = {("CCC", 2020): ("1;1;1;;1;", None, ""), ("", 2020): ("1;1;1;;1;", "1;1;1;1;1;1", "1")}
    loaded = load(write_simfin(tmp_path, SIMFIN | broken))
    files = "no simfin/us-shareprices-daily.csv or simfin/Annual_Stock_Price_Performance.csv"
    assert f"no market value: 2, first AAA: {files}" in loaded.card.fault_summary()
    assert set(loaded.values["company"]) == {"AAA", "NA"}
    assert named(loaded) == [
        ("no company name (left out)", "simfin/us-income-annual.csv, row 6, of 2020"),
        ("no company name (left out)", "simfin/us-balance-annual.csv, row 5, of 2020"),
        ("no company name (left out)", "simfin/us-cashflow-annual.csv, row 6, of 2020"),
        ("no row of this company and year in SimFin's other files (left out)", "CCC 2020"),
    ]
    write_simfin(tmp_path, SIMFIN, [("AAA", 0.0, "2020-03-01"), ("AAA", 5.0, "2021-03-01")])
    said = "zero or a placeholder, taken as missing: 1, first 2020-03-01 (AAA 2019: price)"
    assert (load(tmp_path).values["price"].dropna().tolist(), said in load(tmp_path).card.fault_summary()) == (
        [5],
        True,
    )
    write_simfin(tmp_path, SIMFIN, [("AAA", 5.0, "2021-03-01"), ("AAA", 5.0, "2021-03-01"), ("ZZZ", 0.0, "2021-03-01")])
    assert named(load(tmp_path)) == [], "the same price twice is one, and others' prices are no matter"
    write_simfin(tmp_path, SIMFIN, [("AAA", 5.0, "2021-03-01"), ("AAA", 6.0, "2021-03-01")])
    refuse(tmp_path, r"simfin/Annual_Stock_Price_Performance.csv, row 3: a second row of AAA 2021-03-01")


def test_a_price_after_as_of_is_not_seen(tmp_path):
    for price in (5.0, 6.0):  # of a Monday; the report came on Sunday
        loaded = load(write_simfin(tmp_path, SIMFIN, [("AAA", price, "2020-03-02")]), as_of=date(2020, 3, 1))
        assert loaded.values["price"].isna().tolist() == [True]
    assert load(tmp_path, as_of=date(2020, 3, 2)).values["price"].tolist() == [6.0]


def test_simfin_is_known_when_its_last_file_is(tmp_path):
    late = {("AAA", 2019): (*SIMFIN["AAA", 2019], ("USD", "2019-12-31", "2020-03-01", "2021-03-05"))}
    path = write_simfin(tmp_path, SIMFIN | late) / "simfin/us-balance-annual.csv"
    path.write_text(path.read_text().replace("2019-12-31;2020-03-01;2021-03-05", "2019-12-31;2020-04-15;2021-03-09"))
    row = load(tmp_path).values.iloc[0]
    assert [str(row[name].date()) for name in ("published", "known_from")] == ["2020-04-15", "2021-03-09"]


def test_simfin_columns_of_another_year_and_doubles_are_named(tmp_path):
    path = write_simfin(tmp_path, SIMFIN) / "simfin/us-balance-annual.csv"
    text = path.read_text()
    path.write_text(text.replace('"Long Term Debt"', '"Long-Term Debt & Leases"'))
    refuse(tmp_path, r"simfin/us-balance-annual.csv: no column Long Term Debt; .* become 'Long-Term Debt")
    path.write_text(text + text.splitlines()[1] + "\n")
    refuse(tmp_path, r"simfin/us-balance-annual.csv, row 5: a second row of AAA 2019")


def test_real_simfin_has_six_rows_under_two_names(shared_data):
    """All else of these files is held against a plain reading in tests/benchmarks/test_data.py."""
    loaded = load(shared_data)
    second = [fault.detail for fault in loaded.card.faults if fault.kind.startswith("a second share class")]
    assert (len(second), "HTA 2021 is HR" in second) == (6, True), "a merged company among them"
    priced = loaded.values["price"].notna()
    assert priced.sum() > 8_000
    assert loaded.values["market_value"][priced].equals((loaded.values["price"] * loaded.values["shares"])[priced])
