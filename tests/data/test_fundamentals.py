"""Company statements are read as their files say, dated by publication, and every fault in them is named."""

import csv
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import open_source
from research_lib.data.fundamentals import load_fundamentals
from research_lib.data.fundamentals.bundled_firms import load_bundled_firms
from research_lib.data.fundamentals.columns import COLUMNS, NAMES
from research_lib.data.quality import FaultKind
from research_lib.errors import DataError, InsufficientDataError
from tests.companies import write_simfin

REQUIRED = [column.name for column in COLUMNS if column.required]
SOUND = {
    "company": "AAA",
    "fiscal_year": "2020",
    "period_end": "2020-12-31",
    "known_from": "2021-02-15",
    "currency": "USD",
    "short_term_debt": "10",
    "long_term_debt": "50",
    "cash": "20",
    "operating_income": "15",
    "depreciation_amortization": "5",
    "interest_expense": "3",
}


def write_own(folder, *changes, header=None):
    """Write fundamentals.csv: a sound row for each mapping of changes to it."""
    lines = [dict(SOUND) | change for change in changes]
    names = header or list(dict.fromkeys(name for line in lines for name in line))
    text = [",".join(names), *(",".join(line.get(name, "") for name in names) for line in lines)]
    (folder / "fundamentals.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    return folder


def load(folder, **options):
    return load_fundamentals(open_source("folder", data_dir=str(folder)), **options)


def kinds(fundamentals):
    return [(fault.kind, fault.row) for fault in fundamentals.card.faults]


def test_own_file_keeps_what_it_says(tmp_path):
    loaded = load(write_own(tmp_path, {}, {"company": "BBB", "cash": "", "long_term_debt": ""}))
    assert list(loaded.rows.columns) == list(NAMES)
    first, second = loaded.rows.to_dict("records")
    assert (first["short_term_debt"], first["long_term_debt"], first["interest_expense"]) == (10, 50, 3)
    assert first["known_from"] == pd.Timestamp("2021-02-15")
    assert np.isnan(second["long_term_debt"])  # no one said that it is zero
    assert np.isnan(second["cash"])
    assert not loaded.simulated
    assert loaded.card.faults == ()


def test_own_market_value_is_price_times_shares(tmp_path):
    loaded = load(write_own(tmp_path, {"price": "4", "shares": "25"}))
    assert loaded.rows["market_value"].tolist() == [100.0]
    assert "price x shares" in loaded.rows["market_value_from"].iloc[0]


def test_own_parquet_is_the_same_table(tmp_path):
    written = load(write_own(tmp_path, {}, {"company": "BBB"})).rows
    frame = pd.read_csv(tmp_path / "fundamentals.csv", parse_dates=["period_end", "known_from"])
    (tmp_path / "parquet").mkdir()
    frame.to_parquet(tmp_path / "parquet" / "fundamentals.parquet")
    columns = [name for name in NAMES if not name.endswith("_from") or name == "known_from"]
    pd.testing.assert_frame_equal(load(tmp_path / "parquet").rows[columns], written[columns])


def test_quarters_are_summed_to_years(tmp_path):
    ends = ["2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31", "2021-03-31"]
    known = ["2020-05-01", "2020-08-01", "2020-11-01", "2021-02-15", "2021-05-01"]
    periods = ["Q1", "Q2", "Q3", "Q4", "Q1"]
    years = ["2020"] * 4 + ["2021"]
    incomes = [1, 2, 4, 8, 16]
    changes = [
        {"period_end": e, "known_from": k, "fiscal_period": p, "fiscal_year": y, "operating_income": str(i)}
        for e, k, p, y, i in zip(ends, known, periods, years, incomes, strict=True)
    ]
    loaded = load(write_own(tmp_path, *changes))
    assert loaded.rows["operating_income"].tolist() == [1 + 2 + 4 + 8, 2 + 4 + 8 + 16]
    assert loaded.rows["cash"].tolist() == [20, 20]  # at the period's end, not summed
    assert loaded.rows["depreciation_amortization"].tolist() == [20, 20]
    assert [kind for kind, _ in kinds(loaded)] == [FaultKind.PART_OF_A_YEAR] * 3


def test_a_missing_quarter_makes_no_year(tmp_path):
    ends = ["2020-03-31", "2020-06-30", "2020-12-31", "2021-03-31"]
    changes = [
        {"period_end": end, "known_from": "2021-05-01", "fiscal_period": f"Q{n}", "fiscal_year": "2020"}
        for n, end in enumerate(ends, start=1)
    ]
    with pytest.raises(InsufficientDataError, match=r"holds nothing"):
        load(write_own(tmp_path, *changes))


def test_a_late_correction_dates_the_sum_of_quarters(tmp_path):
    ends = ["2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31"]
    known = ["2020-05-01", "2021-09-01", "2020-11-01", "2021-02-15"]
    changes = [
        {"period_end": end, "known_from": day, "fiscal_period": f"Q{n}"}
        for n, (end, day) in enumerate(zip(ends, known, strict=True), start=1)
    ]
    assert load(write_own(tmp_path, *changes)).rows["known_from"].tolist() == [pd.Timestamp("2021-09-01")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{}, {}], r"fundamentals.csv, rows 2, 3: AAA 2020 FY stands 2 times"),
        ([{}, {"cash": "12k", "company": "B"}], r"fundamentals.csv, row 3, column 'cash': '12k' is not a number"),
        ([{"known_from": "15.02.2021"}], r"row 2, column 'known_from': '15.02.2021' is not a date \(yyyy-mm-dd\)"),
        ([{"fiscal_year": "FY20"}], r"row 2, column 'fiscal_year': 'FY20' is not a whole number"),
        ([{"fiscal_period": "H1"}], r"row 2: fiscal_period 'H1'; allowed: FY, Q1, Q2, Q3, Q4"),
    ],
)
def test_bad_cells_stop_with_their_row(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        load(write_own(tmp_path, *changes))


def test_columns_of_another_year_are_named(tmp_path):
    header = [name if name != "operating_income" else "operating_incomes" for name in REQUIRED]
    write_own(tmp_path, {"operating_incomes": "1"}, header=header)
    with pytest.raises(DataError, match=r"no column 'operating_income'; did it become 'operating_incomes'"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "fundamentals.csv: the file is empty"),
        (";".join(REQUIRED) + "\n", "its only column is .* must be separated by ','"),
        (",".join(REQUIRED) + "\n", "holds a header but no rows"),
        (",".join([*REQUIRED, "cash"]) + "\n", "a column's name stands twice"),
        (",".join(REQUIRED) + "\nAAA,2020\n", "row 2: 2 cells where the header has 11"),
    ],
)
def test_broken_files_are_named(tmp_path, text, message):
    (tmp_path / "fundamentals.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_latin_1_file_is_named(tmp_path):
    write_own(tmp_path, {})
    (tmp_path / "fundamentals.csv").write_bytes("soci\xe9t\xe9,b\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"not UTF-8"):
        load(tmp_path)


def test_a_folder_without_statements_says_what_to_put_there(tmp_path):
    with pytest.raises(DataError, match=r"no company statements; expected fundamentals.csv with columns company"):
        load(tmp_path)


def test_bundled_has_no_statements():
    with pytest.raises(DataError, match=r"source bundled has no company statements"):
        load_fundamentals(open_source("bundled"))


def test_rows_that_cannot_be_dated_are_left_out_and_counted(tmp_path):
    early = {"company": "BBB", "known_from": "2020-12-30"}
    loaded = load(write_own(tmp_path, {}, early, {"company": "CCC", "known_from": ""}))
    assert loaded.rows["company"].tolist() == ["AAA"]
    assert sorted(kinds(loaded)) == sorted([(FaultKind.UNDATED, 4), (FaultKind.PUBLISHED_EARLY, 3)])
    assert "BBB 2020" in {fault.detail for fault in loaded.card.faults}


def test_another_currency_is_reported(tmp_path):
    loaded = load(write_own(tmp_path, {}, {"company": "BBB"}, {"company": "JPN", "currency": "JPY"}))
    assert kinds(loaded) == [(FaultKind.OTHER_CURRENCY, 4)]


def test_nothing_known_later_matters(tmp_path):
    before = load(write_own(tmp_path, {}, {"company": "B", "known_from": "2021-06-01"}), as_of=date(2021, 3, 1))
    changed = {"company": "B", "known_from": "2021-06-02", "cash": "-1", "currency": "EUR"}
    after = load(write_own(tmp_path, {}, changed, {"company": "C", "known_from": "2021-06-01"}), as_of=date(2021, 3, 1))
    assert before.card == after.card
    pd.testing.assert_frame_equal(before.rows, after.rows)
    assert before.rows["company"].tolist() == ["AAA"]


def test_nothing_known_yet_is_said(tmp_path):
    with pytest.raises(InsufficientDataError, match=r"nothing known by as_of 2019-01-01"):
        load(write_own(tmp_path, {}), as_of=date(2019, 1, 1))


# income: shares, diluted, revenue, D&A (negative), operating income, net interest (negative is a cost)
# balance: cash, assets, short-term debt, long-term debt, liabilities, equity; cash flow: D&A
SIMFIN = {
    ("AAA", 2019): ("100;110;500;-7;40;-6", "30;900;10;200;500;400", "9"),
    ("AAA", 2020): ("100;110;500;-7;40;2", "30;900;;;500;400", ""),
    ("BBB", 2020): (";50;500;;40;", "30;900;10;;500;400", ""),
}


def test_simfin_is_joined_and_its_signs_turned(tmp_path):
    write_simfin(tmp_path, SIMFIN, [("AAA", 5.0, "2020-03-02"), ("AAA", 6.0, "2021-03-20"), ("BBB", 7.0, "2021-03-01")])
    loaded = load(tmp_path)
    by_key = loaded.rows.set_index(["company", "fiscal_year"])
    first = by_key.loc[("AAA", 2019)]
    assert (first["short_term_debt"], first["long_term_debt"], first["cash"]) == (10, 200, 30)
    assert (first["interest_expense"], first["depreciation_amortization"]) == (6, 9)
    assert first["depreciation_from"] == "cash flow"
    assert (first["price"], first["market_value"]) == (5, 500)  # the next session after a Sunday
    second = by_key.loc[("AAA", 2020)]
    assert (second["short_term_debt"], second["long_term_debt"]) == (0, 0)
    assert "convention" in second["debt_from"]
    assert (second["interest_expense"], second["depreciation_amortization"]) == (-2, 7)
    assert second["depreciation_from"] == "income statement"
    assert np.isnan(second["price"])  # 19 days after publication is another price
    third = by_key.loc[("BBB", 2020)]
    assert (third["shares"], third["market_value"]) == (50, 350)
    assert np.isnan(third["depreciation_amortization"])
    assert np.isnan(third["interest_expense"])
    assert loaded.rows["sector"].isna().all()


def test_simfin_rows_without_a_partner_are_left_out_and_counted(tmp_path):
    write_simfin(tmp_path, SIMFIN | {("CCC", 2020): ("1;1;1;;1;", None, "")})
    loaded = load(tmp_path)
    assert "CCC" not in set(loaded.rows["company"])
    assert kinds(loaded) == [(FaultKind.UNMATCHED, 5)]
    assert "CCC 2020 is not in simfin/us-balance-annual.csv" in loaded.card.faults[0].detail


def test_simfin_is_known_when_its_last_file_is(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    path = tmp_path / "simfin" / "us-balance-annual.csv"
    path.write_text(path.read_text().replace("2019;FY;2019-12-31;2020-03-01", "2019;FY;2019-12-31;2020-04-15"))
    assert load(tmp_path).rows["known_from"].iloc[0] == pd.Timestamp("2020-04-15")


def test_simfin_columns_of_another_year_are_named(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    path = tmp_path / "simfin" / "us-balance-annual.csv"
    path.write_text(path.read_text().replace('"Long Term Debt"', '"Long-Term Debt & Leases"'))
    with pytest.raises(DataError, match=r"simfin/us-balance-annual.csv: no column 'Long Term Debt'; did it become"):
        load(tmp_path)


def test_a_simfin_company_twice_is_named(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    path = tmp_path / "simfin" / "us-cashflow-annual.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(DataError, match=r"simfin/us-cashflow-annual.csv, rows 2, 5: AAA 2019 stands 2 times"):
        load(tmp_path)


def test_simfin_prices_that_are_no_prices_are_counted(tmp_path):
    write_simfin(tmp_path, SIMFIN, [("AAA", 0.0, "2020-03-01"), ("AAA", 5.0, "2021-03-01")])
    loaded = load(tmp_path)
    assert kinds(loaded) == [(FaultKind.BAD_PRICE, 2)]
    assert loaded.rows["price"].dropna().tolist() == [5]


def test_simfin_without_prices_has_no_market_value(tmp_path):
    loaded = load(write_simfin(tmp_path, SIMFIN))
    assert loaded.rows["market_value"].isna().all()
    assert set(loaded.rows["market_value_from"]) == {"no simfin/Annual_Stock_Price_Performance.csv"}


def test_simfin_sectors_are_read_where_they_are(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    (tmp_path / "simfin" / "us-companies.csv").write_text("Ticker;SimFinId;IndustryId\nAAA;1;104\nBBB;2;\n")
    (tmp_path / "simfin" / "industries.csv").write_text("IndustryId;Sector;Industry\n104;Financial Services;Banks\n")
    assert load(tmp_path).rows["sector"].fillna("").tolist() == ["Financial Services", "Financial Services", ""]


def test_own_file_goes_first(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    assert load(write_own(tmp_path, {"company": "MINE"})).rows["company"].tolist() == ["MINE"]


def number(cell):
    return float(cell) if cell else 0.0


def test_real_simfin_sums_agree_with_a_plain_reading_of_the_files(shared_data):
    loaded = load(shared_data).rows
    files = {}
    for name in ("income", "balance", "cashflow"):
        with (shared_data / "simfin" / f"us-{name}-annual.csv").open(encoding="utf-8") as file:
            files[name] = {(row["Ticker"], row["Fiscal Year"]): row for row in csv.DictReader(file, delimiter=";")}
    keys = files["income"].keys() & files["balance"].keys() & files["cashflow"].keys()
    assert len(loaded) == len(keys) > 10_000
    debt = sum(
        number(files["balance"][k]["Short Term Debt"]) + number(files["balance"][k]["Long Term Debt"]) for k in keys
    )
    assert loaded["short_term_debt"].sum() + loaded["long_term_debt"].sum() == pytest.approx(debt, rel=1e-12)
    interest = -sum(number(files["income"][k]["Interest Expense, Net"]) for k in keys)
    assert loaded["interest_expense"].sum() == pytest.approx(interest, rel=1e-12)
    column = "Depreciation & Amortization"
    depreciation = sum(
        number(files["cashflow"][k][column]) if files["cashflow"][k][column] else -number(files["income"][k][column])
        for k in keys
    )
    assert loaded["depreciation_amortization"].sum() == pytest.approx(depreciation, rel=1e-12)


def test_real_market_values_agree_with_a_plain_reading_of_the_files(shared_data):
    loaded = load(shared_data).rows.set_index(["company", "fiscal_year"])
    with (shared_data / "simfin" / "Annual_Stock_Price_Performance.csv").open(encoding="utf-8") as file:
        prices = {(row["Ticker"], row["Date"]): row["Open Price"] for row in csv.DictReader(file)}
    with (shared_data / "simfin" / "us-income-annual.csv").open(encoding="utf-8") as file:
        checked = 0
        for row in csv.DictReader(file, delimiter=";"):
            price = prices.get((row["Ticker"], row["Publish Date"]))
            if price and row["Shares (Basic)"] and float(price) > 0:
                found = loaded["market_value"].loc[row["Ticker"], int(row["Fiscal Year"])]
                assert found == pytest.approx(float(price) * float(row["Shares (Basic)"]))
                checked += 1
    assert checked > 8_000


def test_bundled_firms_are_what_their_labels_say():
    firms = load_bundled_firms()
    assert firms.values.shape == (142, 4)
    assert firms.values["debt_to_capital"].between(0, 0.8).all()
    assert firms.values["debt_to_capital"].mean() == pytest.approx(0.2565, abs=1e-4)  # the data set's own description
    assert firms.values["price_return"].between(-1, 2).all()
