"""Typed tables and panels: names in any spelling, cells of their kinds, and what is wrong with its row."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data import readers
from research_lib.data.readers import DATE, INTEGER, NUMBER, TEXT, open_sheet, read_panel, read_table
from research_lib.errors import DataError, MissingDataError, listed
from tests.data.test_forms import CASES

KINDS = {"company": TEXT, "fiscal_year": INTEGER, "debt": NUMBER}
SESSIONS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-07-08"], name="Date")


def read(folder, table, kinds=KINDS, **options):
    path = folder / ("table.csv" if isinstance(table, str) else "table.parquet")
    path.write_bytes(table.encode() if isinstance(table, str) else table.to_parquet())
    return read_table(open_sheet(path, path.name), kinds, **options)


def test_names_may_be_spelt_as_in_a_sheet_and_a_company_called_na_is_a_company(tmp_path):
    text = "Fiscal Year;Company;Other;DEBT;published\n2021;NA;x;1.5;2022-02-03\n\n2022;NULL;y;NA;\n"
    frame = read(tmp_path, text, KINDS | {"published": DATE, "sector": TEXT}, needed=list(KINDS))  # no sector is there
    published = pd.to_datetime(["2022-02-03", None]).as_unit("us")
    expected = {"company": ["NA", "NULL"], "fiscal_year": [2021, 2022], "debt": [1.5, np.nan], "published": published}
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected, index=[2, 4]))  # lines of the file
    assert read(tmp_path, "company,sector,fiscal_year,debt\nTIME,Media,2021,1\n")["company"].tolist() == ["TIME"]


@pytest.mark.parametrize(("text", "line"), CASES["no statements"])
def test_a_wrong_cell_or_column_is_named(tmp_path, text, line):
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, keys=["company"])
    assert str(caught.value) == f"table.csv{line}"


def test_a_long_list_is_counted_and_a_missing_file_named(tmp_path):
    assert listed("ABCDEFGHI") == listed("ABCDEFGH") + " and 1 more" == "A, B, C, D, E, F, G, H and 1 more"
    with pytest.raises(MissingDataError, match=r"nowhere\.csv: there is no such file"):
        open_sheet(tmp_path / "nowhere.csv", "nowhere.csv")


@pytest.mark.parametrize("years", [[2021, 2022], [2021.0, 2022.0], ["2021", "2022"], np.int16([2021, 2022])])
def test_parquet_gives_the_same_kinds_and_names_rows_from_one(tmp_path, years):
    table = pd.DataFrame({"Company": ["A", "NA"], "Fiscal Year": years, "debt": np.float32([1.5, 2])})
    expected = pd.DataFrame({"company": ["A", "NA"], "fiscal_year": [2021, 2022], "debt": [1.5, 2]}, index=[1, 2])
    pd.testing.assert_frame_equal(read(tmp_path, table), expected)
    with pytest.raises(DataError, match=r"table\.parquet, column Fiscal Year, row 2: empty"):
        read(tmp_path, table.assign(**{"Fiscal Year": [years[0], None]}))


def test_rows_that_stand_twice_are_named(tmp_path):
    frame = read(tmp_path, "company,fiscal_year,debt\nA,2021,1\nB,2021,1\nA,2021,2\n")
    with pytest.raises(DataError, match=r"^table.csv, row 4: a second row of A 2021$"):
        readers.require_unique(frame, ["company", "fiscal_year"], "table.csv")
    readers.require_unique(frame, ["company", "fiscal_year", "debt"], "table.csv")


PRICES = pd.DataFrame({"AAA": [1.0, 2, 3], "BRK.B": [4.0, np.nan, 6]}, SESSIONS)
PANELS = {
    "plain": PRICES,
    "New York": PRICES.tz_localize("America/New_York"),
    "Stooq": PRICES.add_suffix(".US"),
    "Arrow's types": PRICES.reset_index().convert_dtypes(dtype_backend="pyarrow").set_index("Date"),
    "fields and symbols": pd.concat({"Close": PRICES * 2, "Adj Close": PRICES, "Volume": PRICES}, axis=1),
    "closes and symbols": pd.concat({"Close": PRICES, "Open": PRICES * 2}, axis=1),
    "symbols and fields": pd.concat({"Close": PRICES, "Open": PRICES * 2}, axis=1).swaplevel(axis=1),
}
BELOW = PRICES.melt(ignore_index=False, var_name="ticker", value_name="close")
PANELS |= {"one below the other": BELOW, "with adjusted closes": BELOW.assign(adjClose=BELOW["close"], close=9)}
UNREADABLE = {
    "other fields": (pd.concat({"Volume": PRICES}, axis=1), ": no column adj_close or close of any symbol; it has .*AAA:volume"),
    "a symbol twice": (PRICES.set_axis(["AAA", "AAA"], axis=1), ": column AAA stands twice in the header"),
    "times": (PRICES.set_axis(SESSIONS + pd.Timedelta(hours=16)), ", row {first}: not a date"),
    "infinity": (PRICES.assign(AAA=[1, np.inf, 2]), ", column AAA, row {second}: not a number: 'inf'"),
    "texts": (PRICES.assign(AAA=["1", "x", "2"]), ", column AAA, row {second}: not a number: 'x'"),
}  # fmt: skip
WRITTEN = {(form, suffix) for form in PANELS | UNREADABLE for suffix in (".csv", ".parquet")}
WRITTEN -= {("a symbol twice", ".parquet")}  # no such file can be written


@pytest.mark.parametrize(("form", "suffix"), sorted(WRITTEN))
def test_a_panel_has_sessions_and_companies_whatever_its_form(tmp_path, form, suffix):
    path, first = tmp_path / f"p{suffix}", 1 if suffix == ".parquet" else 2
    frame, fault = UNREADABLE.get(form, (PANELS.get(form), ""))
    getattr(frame, f"to_{suffix[1:]}")(path)
    if fault:
        with pytest.raises(DataError, match="^" + path.name + fault.format(first=first, second=first + 1)):
            read_panel(path, path.name)
        return
    expected = PRICES.rename_axis("date").set_axis(SESSIONS.as_unit("us").rename("date"))
    pd.testing.assert_frame_equal(read_panel(path, path.name), expected)
