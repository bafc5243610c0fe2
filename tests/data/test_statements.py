"""Company statements are read as their files say, dated by what was known, and what cannot be true in them is named."""

import csv
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research_lib.data import open_source
from research_lib.data.companies import load_statements
from research_lib.data.statements import COLUMNS, NAMES, Found, make_statements
from research_lib.errors import DataError, InsufficientDataError
from tests import companies
from tests.companies import write_simfin

SOUND = {
    "company": "AAA", "fiscal_year": "2020", "period_end": "2020-12-31", "known_from": "2021-02-15", "currency": "USD",
    "short_term_debt": "10", "long_term_debt": "50", "cash": "20", "operating_income": "15",
    "depreciation_amortization": "5", "interest_expense": "3",
}  # fmt: skip


def write_own(folder, *changes, drop=()):
    """Write fundamentals.csv: a sound row for each mapping of changes to it."""
    lines = [SOUND | change for change in changes]
    names = [name for name in dict.fromkeys(name for line in lines for name in line) if name not in drop]
    with (folder / "fundamentals.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(lines)
    return folder


def load(folder, **options):
    return load_statements(open_source("folder", data_dir=str(folder)), **options)


def refuse(folder, message, error=DataError, **options):
    with pytest.raises(error, match=message):
        load(folder, **options)


def named(loaded):
    usual = ("no market value", "zero or a placeholder, taken as missing")
    return [(fault.kind, fault.detail) for fault in loaded.card.faults if fault.kind not in usual]


def test_own_file_keeps_what_it_says_and_what_it_leaves_out_follows_from_the_rest(tmp_path):
    loaded = load(write_own(tmp_path, {}, {"company": "BBB", "cash": "", "long_term_debt": ""}))
    assert list(loaded.values.columns) == list(NAMES)
    first, second = loaded.values.to_dict("records")
    assert [first[name] for name in ("debt", "short_term_debt", "interest_expense")] == [60, 10, 3]
    assert first["published"] == first["known_from"] == pd.Timestamp("2021-02-15")
    assert np.isnan([second["long_term_debt"], second["debt"], second["cash"]]).all()  # no one said that it is zero
    assert "no market value: 2, first AAA: no count of shares" in loaded.card.fault_summary()
    rows = load(write_own(tmp_path, {"debt": "340"}, drop=("short_term_debt", "long_term_debt"))).values
    assert rows["debt"].tolist() == [340], "total debt alone is enough"
    assert rows[["short_term_debt", "long_term_debt"]].isna().all(axis=None)
    paid = {"price": "4", "shares": "25"}
    changes = (
        {},
        {"market_value": "7"},
        {"market_value": "0"},
        {"market_value": "999999"},
        {"price": "0.5", "shares": "0.8"},
    )
    rows = load(write_own(tmp_path, *(paid | change | {"company": f"C{n}"} for n, change in enumerate(changes)))).values
    assert rows["market_value"].tolist() == [100, 7, 100, 100, 0.4], "what was paid goes in a placeholder's place"
    rows = load(write_own(tmp_path, {"restated_on": "NA", "published": "NA"})).values
    assert (rows["restated_on"].isna().all(), rows["published"].dt.year.tolist()) == (True, [2021]), (
        "R writes no date as NA"
    )


def test_parquet_and_compustats_names_are_the_same_table(tmp_path):
    written = load(write_own(tmp_path, {}, {"company": "NA", "sector": "Financials"})).values
    assert written["company"].tolist() == ["AAA", "NA"], "a ticker NA is a company"
    frame = pd.read_csv(tmp_path / "fundamentals.csv", parse_dates=["period_end", "known_from"], keep_default_na=False)
    frame["sector"] = frame["sector"].replace("Financials", "40")
    theirs = {name: row["also_called"].split("|")[-1] for name, row in COLUMNS.items() if row["also_called"]}
    values = [name for name in NAMES if not name.endswith("_from") or name == "known_from"]
    for folder, table in {"own": frame.drop(columns="sector"), "compustat": frame.rename(columns=theirs)}.items():
        (tmp_path / folder).mkdir()
        table.to_parquet(tmp_path / folder / "fundamentals.parquet")
        expected = written[values] if folder == "compustat" else written[values].assign(sector=np.nan)
        found = load(tmp_path / folder).values[values].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_dtype=False)


ENDS = ["2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31", "2021-03-31"]
KNOWN = ["2020-05-01", "2020-08-01", "2020-11-01", "2021-02-15", "2021-05-01"]


def quarters(incomes, *, company="AAA", **changes):
    lists = {"operating_income": [str(income) for income in incomes]} | changes
    return [
        {"company": company, "period_end": ENDS[n], "known_from": KNOWN[n], "fiscal_period": f"Q{n % 4 + 1}",
         "fiscal_year": str(2020 + n // 4)} | {name: values[n] for name, values in lists.items()}
        for n in range(len(incomes))
    ]  # fmt: skip


def test_quarters_are_summed_to_years_known_when_the_last_was(tmp_path):
    loaded = load(write_own(tmp_path, *quarters([1, 2, 4, 8, 16])))
    assert loaded.values["operating_income"].tolist() == [1 + 2 + 4 + 8, 2 + 4 + 8 + 16]
    assert (loaded.values["cash"].tolist(), loaded.values["depreciation_amortization"].tolist()) == ([20, 20], [20, 20])
    assert [kind for kind, _ in named(loaded)] == ["a quarter without the three before it (left out)"] * 3
    late = quarters([1, 2, 4, 3], restated_on=["", "2021-09-01", "", ""])
    assert load(write_own(tmp_path, *late)).values["known_from"].tolist() == [pd.Timestamp("2021-09-01")]
    both = load(write_own(tmp_path, *quarters([1, 2, 4, 3]), {"operating_income": "11"})).values
    assert both["operating_income"].tolist() == [11], "the annual report goes before its quarters"
    refuse(write_own(tmp_path, *quarters([1, 2, 4])), r"holds nothing", InsufficientDataError)


@pytest.mark.parametrize("column", ["operating_income", "depreciation_amortization", "interest_expense"])
def test_flows_of_the_year_so_far_are_refused(tmp_path, column):
    so_far = [str(value) for value in (10, 21, 29, 42, 11)]
    rows = [row for name in "ABC" for row in quarters([10, 11, 8, 13, 11], company=name, **{column: so_far})]
    with pytest.raises(DataError, match=rf"column {column}: in 3 of 3 company years quarters rise .*, first A 2020;"):
        load(write_own(tmp_path, *rows))


def test_flows_of_a_few_that_may_be_of_the_year_so_far_are_named(tmp_path):
    """A retailer may earn most before Christmas; that most companies' quarters grow by like steps cannot be."""
    incomes = {"A": [10, 21, 29, 42], "B": [10, 11, 9, 10], "C": [10, 12, 15, 40], "D": [1, 2, 4, 8, 9]}
    loaded = load(write_own(tmp_path, *(row for name, own in incomes.items() for row in quarters(own, company=name))))
    found = [said for kind, said in named(loaded) if kind == "quarters that rise like sums of the year so far"]
    assert found == ["A 2020: operating_income"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{}, {}], r"fundamentals.csv, row 3: a second row of AAA 2020 FY"),
        ([{}, {"cash": "12k", "company": "B"}], r"column cash, row 3: not a number: '12k'"),
        ([{"cash": "inf"}], r"column cash, row 2: not a number: 'inf'"),
        ([{"known_from": "soon"}], r"column known_from, row 2: not a date \(yyyy-mm-dd\): 'soon'"),
        ([{"fiscal_year": "FY20"}], r"column fiscal_year, row 2: not a whole number: 'FY20'"),
        ([{}, {"company": "B", "fiscal_year": ""}], r"column fiscal_year, row 3: empty"),
        ([{}, {"company": ""}], r"column company, row 3: empty"),
        ([{}, {"company": "B", "currency": ""}], r"column currency, row 3: empty"),
        ([{"company": name, "cash": "-5"} for name in "ABC"], r"column cash: negative in 3 of 3 rows, first A 2020; it is positive here"),
        ([{"fiscal_period": "H1"}], r"row 2: fiscal_period 'H1'; allowed: FY, Q1, Q2, Q3, Q4"),
        ([{"depreciation_amortization": "-5"}],
         r"column depreciation_amortization: negative in 1 of 1 rows, first AAA 2020; it is positive here"),
        ([{"company": name, "interest_expense": "-5"} for name in "ABCD"],
         r"column interest_expense: negative in 4 of 4 rows, first A 2020; it is positive here: turn the sign"),
        ([{"total_assets": "900", "cash": "20000"}], r"cash is 22 times total_assets in most rows: one of them is in another unit"),
        ([{"total_assets": "200000000", "market_value": "300"}], r"market_value is 1.5e-06 times total_assets in most rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_stops_with_its_row(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        load(write_own(tmp_path, *changes))


def test_net_interest_income_of_a_few_is_no_wrong_sign_and_all_missing_columns_are_named_at_once(tmp_path):
    rows = load(write_own(tmp_path, {}, {"company": "B", "interest_expense": "-5"}, {"company": "C"})).values
    assert rows["interest_expense"].tolist() == [3, -5, 3]
    write_own(tmp_path, {"operating_incomes": "1"}, drop=("operating_income", "cash", "long_term_debt"))
    refuse(tmp_path, r"no column long_term_debt, cash, operating_income; it has company, .* and 1 more")


LEFT_OUT = {
    "B": ({"known_from": ""}, "no past date on which it was known (left out)"),
    "C": ({"known_from": "2051-02-15"}, "no past date on which it was known (left out)"),
    "D": ({"known_from": "2020-12-30"}, "published before its period ended (left out)"),
    "E": ({"fiscal_year": "2012"}, "a fiscal year that does not go with its period's end (left out)"),
    "F": ({"fiscal_year": "20"}, "a fiscal year that does not go with its period's end (left out)"),
}


def test_rows_that_cannot_be_dated_are_left_out_and_counted(tmp_path):
    loaded = load(write_own(tmp_path, {}, *({"company": name} | change for name, (change, _) in LEFT_OUT.items())))
    assert loaded.values["company"].tolist() == ["AAA"]
    years = {name: change.get("fiscal_year", "2020") for name, (change, _) in LEFT_OUT.items()}
    assert named(loaded) == [(kind, f"{name} {years[name]}") for name, (_, kind) in LEFT_OUT.items()]
    refuse(write_own(tmp_path, LEFT_OUT["D"][0]), r"holds nothing \(2020-12-30: published", InsufficientDataError)


def test_what_may_be_true_is_named(tmp_path):
    year = {"company": "KKK", "total_assets": "900", "revenue": "300"}
    next_year = {"company": "KKK", "fiscal_year": "2021", "period_end": "2021-12-31", "known_from": "2022-02-15",
                 "total_assets": "950000", "revenue": "310000", "cash": "19000", "short_term_debt": "11000"}  # fmt: skip
    loaded = load(write_own(
        tmp_path, {"market_value": "0"}, {"company": "NINES", "market_value": "999999"}, {"company": "JPN", "currency": "jpy"},
        {"company": "OK", "market_value": "5", "price": "0.8", "known_from": "2021-01-07"}, {"company": "SUM", "debt": "80"}, year, next_year,
    ))  # fmt: skip
    assert named(loaded) == [
        ("debt is not the sum of short-term and long-term debt (the total counts)", "SUM 2020"),
        ("amounts about 1,000 times those of the year before", "KKK 2021"),
        ("in another currency than most (set aside in sums)", "JPN 2020"),
        ("published within a week of its period's end: too early for a report", "OK 2020"),
    ]
    said = loaded.card.fault_summary()
    assert "zero or a placeholder, taken as missing: 2, first 2021-02-15 (AAA 2020: market_value)" in said
    assert "no market value: 5, first AAA: no count of shares" in said
    assert loaded.values.set_index("company")[["market_value", "price"]].dropna().loc["OK"].tolist() == [5.0, 0.8]
    assert loaded.values["market_value"].count() == 1


def test_two_share_classes_of_one_company_count_once(tmp_path):
    same = {"cash": "30", "revenue": "300", "total_assets": "900"}
    names = {"company": "GOOG"}, {"company": "GOOGL", "market_value": "700"}
    loaded = load(write_own(tmp_path, *(same | name for name in names), {}))
    assert loaded.values["company"].tolist() == ["AAA", "GOOGL"]
    assert named(loaded) == [("a second share class of the same company (left out)", "GOOG 2020 is GOOGL")]


def test_a_restated_value_counts_from_its_restatement(tmp_path):
    write_own(tmp_path, {}, {"company": "B", "restated_on": "2022-03-01"})
    rows = load(tmp_path).values.set_index("company")
    assert rows["known_from"].dt.year.to_dict() == {"AAA": 2021, "B": 2022}
    assert rows["published"].dt.year.to_dict() == {"AAA": 2021, "B": 2021}
    for day in (date(2021, 2, 15), date(2021, 12, 31), date(2022, 2, 28)):  # the first is the day of publication
        assert load(tmp_path, as_of=day).values["company"].tolist() == ["AAA"]
    made = make_statements(Found(rows.reset_index(), [], "x"), source="x", as_of=date(2022, 3, 1))
    assert len(made.values) == 2
    assert "restated: known from the restatement: 1, first 2022-03-01 (B 2020)" in load(tmp_path).card.fault_summary()


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
    loaded = load(tmp_path)
    by_key = loaded.values.set_index(["company", "fiscal_year"])
    first, second, third = (by_key.loc[key] for key in SIMFIN)
    assert (first["short_term_debt"], first["long_term_debt"], first["debt"], first["cash"]) == (10, 200, 210, 30)
    assert first[["interest_expense", "depreciation_amortization"]].tolist() == [6, 9]
    assert (first["price"], first["market_value"]) == (5, 500)  # the next session after a Sunday
    assert (second["debt"], second["interest_expense"], second["depreciation_amortization"]) == (0, -2, 7)
    assert "convention" in second["debt_from"]
    assert np.isnan(second["price"])  # 19 days after publication is another price
    assert (third["shares"], third["market_value"]) == (50, 350)
    assert third[["depreciation_amortization", "interest_expense"]].isna().all()
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
        ("no company name (left out)", "simfin/us-income-annual.csv, row 6"),
        ("no company name (left out)", "simfin/us-balance-annual.csv, row 5"),
        ("no company name (left out)", "simfin/us-cashflow-annual.csv, row 6"),
        ("no row of this company and year in SimFin's other files (left out)", "CCC 2020"),
    ]
    write_simfin(tmp_path, SIMFIN, [("AAA", 0.0, "2020-03-01"), ("AAA", 5.0, "2021-03-01")])
    loaded = load(tmp_path)
    assert loaded.values["price"].dropna().tolist() == [5]
    said = "zero or a placeholder, taken as missing: 1, first 2020-03-01 (AAA 2019: price)"
    assert said in loaded.card.fault_summary()
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


def test_sound_rows_have_no_fault():
    rows = companies.rows(companies.company("A"), companies.company("B", cash=21.0))
    assert make_statements(Found(rows, [], "y"), source="x").card.faults == ()
