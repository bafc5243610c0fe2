"""What people have is read to the last digit in every form that is known; what is ambiguous or no table is refused."""

import gzip
import re
import textwrap

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from research_lib.data import load_prices, load_series, open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.readers import read_panel
from research_lib.errors import DataError, ResearchError
from research_lib.project import PROJECT
from tests.conftest import read_table

CASES = read_table("data/forms.yaml")
SESSIONS = sessions_between(pd.Timestamp("2023-12-20"), pd.Timestamp("2024-02-20"))  # days after the twelfth among them
NY, TOKYO, LONDON = "America/New_York", "Asia/Tokyo", "Europe/London"
PRICES = "prices/AAA.csv"
KIT, NASDAQ = "the kit's own", "Nasdaq, dollars"
PACKED = {  # a text in another form
    "CRLF": (KIT, lambda text: text.replace("\n", "\r\n")),
    "CR": (KIT, lambda text: text.replace("\n", "\r")),
    "blank lines": (KIT, lambda text: "\n" + text.replace("\n", "\n\n")),
    "newest first": (KIT, lambda text: "\n".join(["date,close", *text.splitlines()[:0:-1], ""])),
    "decimal comma": (NASDAQ, lambda text: text.replace("$", "").translate(str.maketrans(",.", ".,"))),
    "Switzerland": (NASDAQ, lambda text: text.replace("$", "").replace(",", "'")),
    "thin spaces": (NASDAQ, lambda text: text.replace("$", "").replace(",", "\u202f")),
    "footer": (KIT, lambda text: text + "\nDownloaded from Barchart.com\n"),
    "BOM": (KIT, lambda text: text.encode("utf-8-sig")),
    "UTF-16": (KIT, lambda text: text.encode("utf-16")),
    "gzip": (KIT, lambda text: gzip.compress(text.encode())),
}
FRAMES = {
    "kit": lambda frame: frame.rename_axis("date").reset_index(),
    "index": lambda frame: frame,
    "texts": lambda frame: frame.rename_axis("date").reset_index().astype(str),
    "yfinance": lambda frame: frame.rename(columns={"close": "Close"}).rename_axis("Date").tz_localize(NY),
    "New York in UTC": lambda frame: frame.tz_localize(NY).tz_convert("UTC"),
    "London": lambda frame: frame.tz_localize(LONDON),
    "two levels": lambda frame: frame.set_axis(pd.MultiIndex.from_tuples([("Close", "^AAA")]), axis=1),
    "nameless index": lambda frame: frame.rename_axis(None),
    "days": lambda frame: frame.set_axis(frame.index.to_period("D")),
    "Arrow's types": lambda frame: frame.rename_axis("date").reset_index().convert_dtypes(dtype_backend="pyarrow"),
    "an index of two": lambda frame: frame.assign(symbol="AAA").set_index("symbol", append=True),
    "index and column": lambda frame: frame.assign(date=frame.index.strftime("%Y-%m-%d")),
}
NO_DATES = {
    "Excel's day numbers": lambda d: f"{(d - pd.Timestamp('1899-12-30')).days}",
    "seconds since 1970": lambda d: f"{d.value // 10**6}",
    "two digits of a year": lambda d: f"{d:%m/%d/%y}",
    "the time of the close": lambda d: f"{d:%Y-%m-%d} 16:00",
    "Tokyo in UTC": lambda d: str(d.tz_localize(TOKYO).tz_convert("UTC")),
    "weeks": lambda d: f"{d:%G-W%V-%u}",
    "months of another language": lambda d: f"{d:%d}. Okt {d:%Y}",
}
NO_TABLE = ": not a table (a workbook, a web page, a broken download?); it should be CSV in UTF-8"
NO_TEXTS = [
    *((content, NO_TABLE) for content in (
        "date,close\n2024-01-02,10\n".encode("utf-32"), b"PK\x03\x04 a workbook", b"d\0a\0t\0e\0",
        "date,close\n2024-01-02,10é\n".encode("latin-1"), gzip.compress(b"date,close\n")[:-9],
        gzip.compress(b"date,close\n")[:12] + b"broken",
    )),
    (b"x" * (1 << 21), ": cannot be read (field larger than field limit (131072))"),
    (b"date,close\n2024-01-02," + b"x" * 100_000, f", column close, row 2 (2024-01-02): not a number: '{'x' * 39}…"),
    (("date," + ",".join(f"c{n}" for n in range(5000)) + "\n2024-01-02" + ",1" * 5000).encode(),
     ": no column close; it has date, c0, c1, c2, c3, c4, c5, c6 and 4,993 more; call the one that is meant close"),
    (b"date,close\n2024-01-02,10\n" + b"one of many closing lines\n" * 60 + b"Total,5\n",
     ", row 3: Expected 2 columns, got 1: one of many closing lines"),
]  # fmt: skip


def load(folder, content, name=PRICES):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source, symbol = open_source("folder", data_dir=str(folder)), path.name.partition(".")[0]
    return (load_prices if name.startswith("prices") else load_series)(source, [symbol])[symbol]


def refusal(folder, content, name=PRICES):
    with pytest.raises(DataError, match=r"^[^\n]{,400}$") as caught:
        load(folder, content, name)
    return str(caught.value)


closes = st.lists(st.floats(0.01, 1e6), min_size=len(SESSIONS), max_size=len(SESSIONS))
fuzzed = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def packed(form, values):
    """Return the name and bytes of a file of a form, and the closes it holds."""
    name, change = PACKED.get(form, (form, str))
    header, line = CASES["forms"].get(name, ("", ""))
    close = pd.Series(np.maximum(np.round(values, 2), 0.01) if ".2f" in line else values, SESSIONS, name="AAA")
    if form in FRAMES:
        return "prices/AAA.parquet", FRAMES[form](close.to_frame("close").rename_axis("date")).to_parquet(), close
    text = change("\n".join([header, *(line.format(d=day, v=value) for day, value in close.items()), ""]))
    return PRICES, text if isinstance(text, bytes) else text.encode(), close


@pytest.mark.parametrize("form", [*CASES["forms"], *PACKED, *FRAMES])
@given(values=closes)
@fuzzed
def test_prices_are_read_to_the_last_digit_from_every_form(tmp_path, form, values):
    name, content, close = packed(form, values)
    assert load(tmp_path, content, name).equals(close)
    (tmp_path / name).unlink()


@pytest.mark.parametrize("form", NO_DATES)
@given(values=closes)
@fuzzed
def test_dates_of_another_form_are_refused_with_their_rows(tmp_path, form, values):
    lines = [f"{NO_DATES[form](day)},{value!r}" for day, value in zip(SESSIONS, values, strict=True)]
    assert ", row 2: not " in refusal(tmp_path, "\n".join(["date,close", *lines]))


# Tokyo's midnight is 15:00 UTC of the day before: cut off, each price would be known a day too early.
IN_TOKYO = pd.DataFrame({"close": 100.0}, SESSIONS[:1].tz_localize(TOKYO).tz_convert("UTC").rename("date")).to_parquet()
TOKYO_SAID = (
    ", row 1: not a date (yyyy-mm-dd): '2023-12-19 15:00:00+00:00' (write the day at the exchange, without a time)"
)
NO_TABLES = [*((PRICES, *case) for case in NO_TEXTS), ("prices/AAA.parquet", IN_TOKYO, TOKYO_SAID)]


@pytest.mark.parametrize(("name", "content", "said"), [*CASES["refused"], *NO_TABLES])
def test_what_is_ambiguous_or_no_table_is_refused_with_one_line(tmp_path, name, content, said):
    assert refusal(tmp_path, content, name) == name + said


def test_a_broken_parquet_file_is_refused(tmp_path):
    assert "not a Parquet file that can be read" in refusal(tmp_path, b"no parquet", "prices/AAA.parquet")


@pytest.mark.parametrize(("name", "content", "values"), CASES["read"])
def test_what_can_mean_only_one_thing_is_read(tmp_path, name, content, values):
    assert load(tmp_path, content, name).tolist() == pytest.approx(values, abs=1e-15)


@pytest.mark.parametrize(
    ("dates", "last"),
    [*CASES["periods"], *(([form.format(month) for month in range(1, 13)] + [form.format(1)[:-1] + "4"], "2024-01-31")
                          for form in ("{}/1/2023", "1/{}/2023"))],
)  # fmt: skip
def test_a_month_or_quarter_is_known_on_its_last_day(tmp_path, dates, last):
    found = load(tmp_path, "date,value\n" + "".join(f"{text},4\n" for text in dates), "series/MINE.csv").index
    assert list(found) == list(pd.date_range(end=last, periods=len(dates), freq="QE" if "Q" in dates[0] else "ME"))


FRAGMENTS = [
    b'"', b",", b";", b"\n", b"\r", b"\n\n", b"\0", b"\xff", b"NA", b"%", b"-", b"1e999", b"13/13/2024", b"\t", b" 12:00", b"9" * 400,
    b"Date", b"close", b"(5)", b'"a\nb"', b"0001-01-01", b"9999-12-31", b"+99:00", b"Z", b"PAR1", b"\x1f\x8b", b"\xef\xbb\xbf",
]  # fmt: skip


@given(
    form=st.sampled_from([*CASES["forms"], *PACKED]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(FRAGMENTS)), min_size=1, max_size=4),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_gives_a_traceback_or_a_long_line(tmp_path, form, changes):
    content = packed(form, 100 + np.arange(len(SESSIONS)) / 4)[1]
    for place, length, fragment in changes:
        start = int(place * len(content))
        content = content[:start] + fragment + content[start + length :]
    try:
        load(tmp_path, content)
    except ResearchError as error:
        line = str(error)
        assert (len(line.splitlines()), len(line) <= 400) == (1, True)


DOCUMENT = (PROJECT / "docs" / "data.md").read_text(encoding="utf-8")
DOCUMENTED = re.split("## (?:Forms of files|What is checked)", DOCUMENT)[1]
EXAMPLES = [textwrap.dedent(block) for block in re.findall(r"(?:^    .+\n)+", DOCUMENTED, flags=re.M)]


@pytest.mark.parametrize("text", [one for one in EXAMPLES if not one.startswith("company")])  # those are statements
def test_the_examples_of_the_documentation_are_read(tmp_path, text):
    if "ticker" in text:
        (tmp_path / "panel.csv").write_text(text)
        assert read_panel(tmp_path / "panel.csv", "panel.csv").loc["2024-01-02"].to_dict() == {"AAA": 12.5, "BBB": 80.1}
    elif "DGS10" in text:
        assert load(tmp_path, text, "series/DGS10.csv").tolist() == [pytest.approx(0.0395)]
    else:
        first = load(tmp_path, text.replace("IWM", "AAA")).index[0]
        assert f"{first:%Y-%m-%d}" in {"2023-09-30", "2024-01-02", "2024-01-12"}
