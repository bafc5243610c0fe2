"""Typed tables and panels: names in any spelling, cells of their kinds, and what is wrong with its row."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.readers import (
    DATE,
    INTEGER,
    NUMBER,
    TEXT,
    listed,
    open_sheet,
    read_panel,
    read_table,
    require_unique,
)
from research_lib.errors import DataError, MissingDataError

KINDS = {"company": TEXT, "fiscal_year": INTEGER, "debt": NUMBER}
SESSIONS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-07-08"], name="Date")


def read(folder, text, kinds=KINDS, **options):
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(open_sheet(path, path.name), kinds, **options)


def refused(folder, text, kinds=KINDS, **options):
    with pytest.raises(DataError) as caught:
        read(folder, text, kinds, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) <= 400
    return line


def test_names_may_be_spelt_as_in_a_sheet_and_other_columns_are_passed_over(tmp_path):
    frame = read(tmp_path, "Fiscal Year;Company;Other;DEBT\n2021;AAA;x;1.5\n\n2022;BBB;y;\n")
    assert frame.to_dict("list")["company"] == ["AAA", "BBB"]
    assert [str(dtype) for dtype in frame.dtypes] == ["str", "int64", "float64"]
    assert frame["debt"].tolist()[0] == 1.5
    assert np.isnan(frame["debt"].iloc[1])
    assert list(frame.index) == [2, 4]  # lines of the file


def test_a_company_called_na_is_a_company_and_a_number_na_is_missing(tmp_path):
    frame = read(tmp_path, "company,fiscal_year,debt\nNA,2021,NA\nNULL,2021,5\nnan,2021,N/A\n")
    assert frame["company"].tolist() == ["NA", "NULL", "nan"]
    assert frame["debt"].isna().tolist() == [True, False, True]


def test_optional_columns_are_read_where_they_are_there(tmp_path):
    text = "company,fiscal_year,debt,published\nA,2021,1,2022-02-03\nB,2021,1,\n"
    frame = read(tmp_path, text, KINDS | {"published": DATE, "sector": TEXT}, needed=list(KINDS))
    assert list(frame) == ["company", "fiscal_year", "debt", "published"]
    assert frame["published"].tolist() == [pd.Timestamp("2022-02-03"), pd.NaT]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("company,debt\nA,1\n", "table.csv: no column fiscal_year; it has company, debt"),
        ("name,year\nA,1\n", "table.csv: no column company, fiscal_year, debt; it has name, year"),
        ("company,fiscal_yr,debt\nA,1,1\n", "table.csv: no column fiscal_year; it has company, fiscal_yr, debt; did "
         "'fiscal_year' become 'fiscal_yr'?"),
        ("company,fiscal_year,debt\nA,2021,1\nB,,1\n", "table.csv, column fiscal_year, row 3: empty; each row needs a whole number here"),
        ("company,fiscal_year,debt\nA,2021,1\n,2021,1\n", "table.csv, column company, row 3: empty; each row needs a text here"),
        ("company,fiscal_year,debt\nA,2021.5,1\n", "table.csv, column fiscal_year, row 2: not a whole number: '2021.5'"),
        ("company,fiscal_year,debt\nA,1e30,1\n", "table.csv, column fiscal_year, row 2: not a whole number: '1e30'"),
        ("company,fiscal_year,debt,Debt\nA,2021,1,2\n", "table.csv: column debt, Debt stands twice in the header"),
        ("company,fiscal_year,debt\nA,FY21,1\n", "table.csv, column fiscal_year, row 2: not a whole number: 'FY21'"),
        ("company,fiscal_year,debt\nA,2021,x\nB,2021,inf\n", "table.csv, column debt, row 2: not a number: 'x'; row 3: not a number: 'inf'"),
        ("company,fiscal_year,debt\n" + "A,2021,x\n" * 9, "table.csv, column debt, row 2: not a number: 'x'; row 3: not a number: 'x'; "
         "row 4: not a number: 'x'; and 6 more"),
    ],
)  # fmt: skip
def test_a_wrong_cell_or_column_is_named(tmp_path, text, line):
    assert refused(tmp_path, text, keys=["company"]) == line


def test_a_long_list_is_counted():
    assert listed("ABCDEFGH") == "A, B, C, D, E, F, G, H"
    assert listed("ABCDEFGHI") == "A, B, C, D, E, F, G, H and 1 more"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"nowhere\.csv: there is no such file"):
        open_sheet(tmp_path / "nowhere.csv", "nowhere.csv")


@pytest.mark.parametrize("column", [[2021, 2022], [2021.0, 2022.0], ["2021", "2022"], np.array([2021, 2022], "int16")])
def test_parquet_gives_the_same_kinds(tmp_path, column):
    path = tmp_path / "table.parquet"
    pd.DataFrame({"Company": ["A", "NA"], "Fiscal Year": column, "debt": np.float32([1.5, 2])}).to_parquet(path)
    frame = read_table(open_sheet(path, path.name), KINDS)
    assert frame["fiscal_year"].tolist() == [2021, 2022]
    assert frame["fiscal_year"].dtype == np.int64
    assert frame["company"].tolist() == ["A", "NA"]
    assert list(frame.index) == [1, 2]


def test_a_blank_year_in_parquet_is_named_with_its_row(tmp_path):
    pd.DataFrame({"company": ["A", "B"], "fiscal_year": [2021, np.nan], "debt": [1, 2]}).to_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(DataError, match=r"t\.parquet, column fiscal_year, row 2: empty"):
        read_table(open_sheet(tmp_path / "t.parquet", "t.parquet"), KINDS)


def test_rows_that_stand_twice_are_named(tmp_path):
    frame = read(tmp_path, "company,fiscal_year,debt\nA,2021,1\nB,2021,1\nA,2021,2\n")
    with pytest.raises(DataError) as caught:
        require_unique(frame, ["company", "fiscal_year"], "table.csv")
    assert str(caught.value) == (
        "table.csv, row 4: a second row of A 2021"
    )
    require_unique(frame, ["company", "fiscal_year", "debt"], "table.csv")


PRICES = pd.DataFrame({"AAA": [1.0, 2, 3], "BRK.B": [4.0, np.nan, 6]}, SESSIONS)
PANELS = {
    "plain": PRICES,
    "New York": PRICES.tz_localize("America/New_York"),
    "New York in UTC": PRICES.tz_localize("America/New_York").tz_convert("UTC"),
    "Stooq": PRICES.add_suffix(".US"),
    "Arrow's types": PRICES.reset_index().convert_dtypes(dtype_backend="pyarrow").set_index("Date"),
    "fields and symbols": pd.concat({"Close": PRICES * 2, "Adj Close": PRICES, "Volume": PRICES}, axis=1),
    "closes and symbols": pd.concat({"Close": PRICES, "Open": PRICES * 2}, axis=1),
    "symbols and fields": pd.concat({"Close": PRICES, "Open": PRICES * 2}, axis=1).swaplevel(axis=1),
}


@pytest.mark.parametrize(
    ("form", "suffix"),
    [*((form, ".parquet") for form in PANELS), *((form, ".csv") for form in PANELS if "UTC" not in form)],
)
def test_a_panel_has_sessions_and_companies_whatever_its_form(tmp_path, form, suffix):
    path = tmp_path / f"price_panel{suffix}"
    getattr(PANELS[form], f"to_{suffix[1:]}")(path)
    panel = read_panel(path, path.name)
    pd.testing.assert_frame_equal(panel, PRICES.rename_axis("date").set_axis(SESSIONS.as_unit("us").rename("date")))


def test_a_panel_of_other_fields_or_of_a_symbol_twice_is_refused(tmp_path):
    path = tmp_path / "p.parquet"
    pd.concat({"Volume": PRICES}, axis=1).to_parquet(path)
    with pytest.raises(DataError, match=r"no column adj_close or close of any symbol; it has .*AAA:volume"):
        read_panel(path, path.name)
    (tmp_path / "p.csv").write_text("date,AAA,AAA\n2024-01-02,1,2\n")
    with pytest.raises(DataError, match=r"column AAA stands twice in the header"):
        read_panel(tmp_path / "p.csv", "p.csv")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_panel_with_times_or_texts_is_refused(tmp_path, suffix):
    path = tmp_path / f"price_panel{suffix}"
    row = 2 if suffix == ".csv" else 1
    getattr(PRICES.set_axis(SESSIONS + pd.Timedelta(hours=16)), f"to_{suffix[1:]}")(path)
    with pytest.raises(DataError, match=rf"^price_panel{suffix}, row {row}: not midnight"):
        read_panel(path, path.name)
    getattr(PRICES.assign(AAA=["1", "x", "2"]), f"to_{suffix[1:]}")(path)
    with pytest.raises(DataError, match=rf"^price_panel{suffix}, column AAA, row {row + 1}: not a number: 'x'"):
        read_panel(path, path.name)
