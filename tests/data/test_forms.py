"""What people have is read to the last digit in every form that is known; what is ambiguous or no table is refused."""

import gzip
import io
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

SESSIONS = sessions_between(pd.Timestamp("2023-12-20"), pd.Timestamp("2024-02-20"))  # days after the twelfth among them
NY, TOKYO, LONDON = "America/New_York", "Asia/Tokyo", "Europe/London"


DAY, TWO_SYMBOLS = "{d:%Y-%m-%d},", "{d:%Y-%m-%d},{v!r},7.5,8.5"
LINES = {  # a header, and a line for each day
    "the kit's own": ("date,close", DAY + "{v!r}"),
    "capitals and blanks": (" Date , Close ", " {d:%Y-%m-%d} , {v!r} "),
    "a nameless index": (",Close", DAY + "{v!r}"),
    "Yahoo": ("Date,Open,High,Low,Close,Adj Close,Volume", DAY + "1,2,3,{v!r},9,100"),
    "yfinance, one symbol": ("Price,Close,High,Volume\nTicker,AAA,AAA,AAA\nDate,,,", DAY + "{v!r},1,2"),
    "yfinance, two symbols": ("Price,Close,Close,Open\nTicker,AAA,BBB,AAA\nDate,,,", TWO_SYMBOLS),
    "yfinance, by symbol": ("Ticker,AAA,BBB,AAA\nPrice,Close,Close,Open\nDate,,,", TWO_SYMBOLS),
    "yfinance, with its zone": ("Date,Close", "{d:%Y-%m-%d} 00:00:00-05:00,{v!r}"),
    "FRED": ("observation_date,SP500", DAY + "{v!r}"),
    "Stooq": ("Date,Open,High,Low,Close,Volume", DAY + "1,2,3,{v!r},9"),
    "Stooq's archive": ("<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
                        "AAA.US,D,{d:%Y%m%d},000000,1,2,3,{v!r},9,0"),
    "Nasdaq, dollars": ("Date;Close/Last", "{d:%m/%d/%Y};${v:,.2f}"),
    "quantmod": ('"","AAA.Open","AAA.Close"', '"{d:%Y-%m-%d}",1,{v!r}'),
    "Investing.com": ('"Date","Price","Open","Vol.","Change %"', '"{d:%m/%d/%Y}","{v:,.2f}","1.00","1.55M","0.49%"'),
    "Investing.com, day first": ('"Date","Price","Vol."', '"{d:%d/%m/%Y}","{v:,.2f}","1.55M"'),
    "Investing.com, months in words": ('"Date","Price","Vol."', '"{d:%b %d, %Y}","{v:,.2f}","1.55M"'),
    "day, month in words": ("date,close", "{d:%d-%b-%Y},{v!r}"),
    "Excel's midnight": ("date,close", "{d:%m/%d/%Y} 0:00,{v!r}"),
    "midnight in America": ("date,close", "{d:%m/%d/%Y} 12:00:00 AM,{v!r}"),
    "SAS": ("PERMNO,date,PRC", "1,{d:%d%b%Y},-{v!r}"),
    "New York's midnight in UTC": ("Date,Close", "{d:%Y-%m-%d}T05:00:00Z,{v!r}"),
    "LSEG, below titles": (".AAA Price History\nStart Date,12/20/2023\n\nExchange Date,Close,%Chg", '{d:%d-%b-%Y},"{v:,.2f}",0.1%'),
    "Bloomberg, below titles": ("Security,AAA US Equity\n\nDate,PX_LAST,PX_VOLUME", "{d:%m/%d/%Y},{v!r},9"),
    "R's zoo": ('"Index","AAA.Close","AAA.Adjusted"', '"{d:%Y-%m-%d}",{v!r},7'),
    "Alpha Vantage, pandas": ("date,1. open,4. close", DAY + "1,{v!r}"),
    "euros": ("date,close", DAY + "{v!r} €"),
    "with its symbol": ("date,ticker,close", DAY.replace(",", ",AAA,") + "{v!r}"),
}  # fmt: skip
PACKED = {  # of a text in another form
    "CRLF": ("the kit's own", lambda text: text.replace("\n", "\r\n")),
    "CR": ("the kit's own", lambda text: text.replace("\n", "\r")),
    "blank lines": ("the kit's own", lambda text: "\n" + text.replace("\n", "\n\n")),
    "tabs": ("the kit's own", lambda text: text.replace(",", "\t")),
    "Excel's sep": ("the kit's own", lambda text: "sep=,\n" + text),
    "semicolons": ("the kit's own", lambda text: text.replace(",", ";")),
    "newest first": ("the kit's own", lambda text: "\n".join(["date,close", *text.splitlines()[:0:-1], ""])),
    "decimal comma": ("Nasdaq, dollars", lambda text: text.replace("$", "").translate(str.maketrans(",.", ".,"))),
    "Switzerland": ("Nasdaq, dollars", lambda text: text.replace("$", "").replace(",", "'")),
    "thin spaces": ("Nasdaq, dollars", lambda text: text.replace("$", "").replace(",", "\u202f")),
    "footer": ("the kit's own", lambda text: text + "\nDownloaded from Barchart.com\n"),
    "comment": ("the kit's own", lambda text: "# of Tiingo, 2024\n" + text),
    "BOM": ("the kit's own", lambda text: text.encode("utf-8-sig")),
    "UTF-16": ("the kit's own", lambda text: text.encode("utf-16")),
    "gzip": ("the kit's own", lambda text: gzip.compress(text.encode())),
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
REFUSED = {
    "Excel's day numbers": lambda d: f"{(d - pd.Timestamp('1899-12-30')).days}",
    "seconds since 1970": lambda d: f"{d.value // 10**6}",
    "two digits of a year": lambda d: f"{d:%m/%d/%y}",
    "the time of the close": lambda d: f"{d:%Y-%m-%d} 16:00",
    "Tokyo in UTC": lambda d: str(d.tz_localize(TOKYO).tz_convert("UTC")),
    "weeks": lambda d: f"{d:%G-W%V-%u}",
    "months of another language": lambda d: f"{d:%d}. Okt {d:%Y}",
}


def write(folder, content, kind="prices", name="AAA.csv"):
    (folder / kind).mkdir(exist_ok=True)
    (folder / kind / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return open_source("folder", data_dir=str(folder))


def load(folder, content, name="AAA.csv"):
    return load_prices(write(folder, content, name=name), ["AAA"])["AAA"]


def series(folder, name, text):
    return load_series(write(folder, text, "series", f"{name}.csv"), [name])[name]


def refusal(folder, content, read=load, *args, **options):
    with pytest.raises(DataError) as caught:
        read(folder, *args, content, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) <= 400
    return line


@st.composite
def closes(draw, digits=None):
    values = draw(st.lists(st.floats(0.01, 1e6), min_size=len(SESSIONS), max_size=len(SESSIONS)))
    return pd.Series(values if digits is None else np.maximum(np.round(values, digits), 0.01), SESSIONS)


fuzzed = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def text_of(close, header, line):
    return "".join(one + "\n" for one in (header, *(line.format(d=day, v=value) for day, value in close.items())))


def packed(form, close):
    """Return the name and bytes of a file of a form."""
    if form in FRAMES:
        FRAMES[form](close.to_frame("close").rename_axis("date")).to_parquet(buffer := io.BytesIO())
        return "AAA.parquet", buffer.getvalue()
    lines, change = PACKED.get(form, (form, str))
    return "AAA.csv", change(text_of(close, *LINES[lines]))


TWO_DIGITS = {form for form, (_, line) in LINES.items() if ".2f" in line}
TWO_DIGITS |= {form for form, (lines, _) in PACKED.items() if lines in TWO_DIGITS}


@pytest.mark.parametrize("form", [*LINES, *PACKED, *FRAMES])
@given(close=closes(), rounded=closes(digits=2))
@fuzzed
def test_prices_are_read_to_the_last_digit_from_every_form(tmp_path, form, close, rounded):
    close = rounded if form in TWO_DIGITS else close
    name, content = packed(form, close)
    assert load(tmp_path, content, name).equals(close.rename("AAA"))
    (tmp_path / "prices" / name).unlink()


@pytest.mark.parametrize("form", REFUSED)
@given(close=closes())
@fuzzed
def test_dates_of_another_form_are_refused_with_their_rows(tmp_path, form, close):
    lines = [f"{REFUSED[form](day)},{value!r}" for day, value in close.items()]
    assert ", row 2: not " in refusal(tmp_path, "\n".join(["date,close", *lines]))


def test_a_time_that_is_midnight_nowhere_known_is_refused_in_parquet_too(tmp_path):
    """Tokyo's midnight is 15:00 UTC of the day before: cut off, each price would be known a day too early."""
    index = SESSIONS.tz_localize(TOKYO).tz_convert("UTC").rename("date")
    pd.DataFrame({"close": 100.0}, index).to_parquet(buffer := io.BytesIO())
    line = refusal(tmp_path, buffer.getvalue(), name="AAA.parquet")
    first = "prices/AAA.parquet, row 1: not a date (yyyy-mm-dd): '2023-12-19 15:00:00+00:00' (write the day at the exchange, without a time); row 2: "
    assert line.startswith(first)
    assert line.endswith(f"; and {len(SESSIONS) - 3} more")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("date,close\n10/11/2025,5\n11/11/2025,6\n", "row 2: not a date (yyyy-mm-dd): '10/11/2025' is "
         "2025-10-11 or 2025-11-10"),
        ("date,close\n13/01/2024,5\n01/14/2024,6\n", "row 2: not a date (yyyy-mm-dd): '13/01/2024'; "
         "row 3: not a date (yyyy-mm-dd): '01/14/2024'"),
        ('date,close\n2024-01-12,"3,010"\n2024-01-16,"2,999"\n', "column close, row 2 (2024-01-12): not a number: '3,010' (3010 or "
         "3.010? write it without the comma); row 3 (2024-01-16): not a number: '2,999' (2999 or 2.999? write it without the comma)"),
        ("date;close\n2024-01-12;3.010\n2024-01-15;NA\n2024-01-16;2.999\n", "column close, row 2: '3.010' could be 3.01 or 3010; write it with "
         "two decimals, or without a point"),
        ("date;close\n2024-01-12;999\n2024-01-15;-3.010\n", "column close, row 3: '-3.010' could be -3.01 or -3010; write it with "
         "two decimals, or without a point"),
        ('date,close\n2024-01-12,1e3\n2024-01-16,"3,010"\n', "column close, row 3 (2024-01-16): not a number: '3,010' (3010 or "
         "3.010? write it without the comma)"),
        ('date,close\n2024-01-12,"3,010.50"\n2024-01-16,"2.999,50"\n', "column close, row 2 (2024-01-12): not a number: '3,010.50'; "
         "row 3 (2024-01-16): not a number: '2.999,50'"),
    ],
)  # fmt: skip
def test_what_could_be_two_things_is_refused_with_both(tmp_path, text, line):
    assert refusal(tmp_path, text) == f"prices/AAA.csv, {line}"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("01/01/2024,5\n02/02/2024,6\n", [5, 6]),  # the same whichever comes first
        ('2024-01-12,"3,010"\n2024-01-16,999.5\n', [3010, 999.5]),  # one price shows the separator for the others
        ('2024-01-12,"3,010"\n2024-01-16,"999,5"\n', [3.01, 999.5]),
        ('2024-01-12,"1,234,567"\n2024-01-16,"2,000"\n', [1_234_567, 2000]),
        ("2024-01-12\t1.404\n2024-01-16\t0.999\n2024-01-17\t1\n", [1.404, 0.999, 1]),  # no thousands begin with a zero
        ("2024-01-12,1.404\n2024-01-16,NA\n2024-01-17,2.505\n", [1.404, 2.505]),
        ('2024-01-12,1e3\n2024-01-16,.5\n2024-01-17,"$1,000"\n', [1000, 0.5, 1000]),
    ],
)
def test_what_can_mean_only_one_thing_is_read(tmp_path, text, values):
    assert load(tmp_path, f"date{text[10]}close\n" + text).tolist() == values


NO_TABLE = "not a table (a workbook, a web page, a broken download?); it should be CSV in UTF-8"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "the file is empty"),
        (b"date,close\n", "holds a header but no rows"),
        (b"sep=;\n", "no column date; it has sep=, ; call the right one date"),
        (b"sep=;\ndate;close\n2024-01-02;1x\n", "column close, row 3 (2024-01-02): not a number: '1x'"),
        (b"close\n5\n", "its only column is 'close'; it needs a date and a value, with commas between"),
        (b"day,close\n2024-01-02,10\n", "no column date; it has day, close; call the right one date"),
        (b"date,close\n2024-01-02,10\n2024-01-03\n", "row 3: Expected 2 columns, got 1: 2024-01-03"),
        (b"date,close\n\n2024-01-02,10\n2024-01-03,1,0\n", "row 4: Expected 2 columns, got 3: 2024-01-03,1,0"),
        ("date,close\n2024-01-02,10\n".encode("utf-32"), NO_TABLE),
        (b"date,close,Close\n2024-01-02,1,2\n", ": column close, Close stands twice in the header"),
        (b"date,close\n2024-01-02,10\nSource: someone,\n", "row 3: not a date (yyyy-mm-dd): 'Source: someone'"),
        (b"date,close,close\n2024-01-02,1,2\n", ": column close stands twice in the header"),
        (b'date,close,note\n2024-01-02,10,"a\n2024-01-03,11,"b"\n', "row 2: a quotation mark is not closed, or a cell holds a line break"),
        (b"PK\x03\x04 a workbook", NO_TABLE),
        (b"<!DOCTYPE html><html>", NO_TABLE),
        (b'{"chart": {"error": "Too Many Requests"}}', NO_TABLE),
        ("date,close\n2024-01-02,10é\n".encode("latin-1"), NO_TABLE),
        (gzip.compress(b"date,close\n")[:-9], NO_TABLE),
        (gzip.compress(b"date,close\n")[:12] + b"broken", NO_TABLE),
        (b"d\0a\0t\0e\0", NO_TABLE),
        (b"x" * (1 << 21), "cannot be read (field larger than field limit (131072))"),
        (b"date,close\n2024-01-02," + b"x" * 100_000, f"column close, row 2 (2024-01-02): not a number: '{'x' * 39}…"),
        (("date," + ",".join(f"c{n}" for n in range(5000)) + "\n2024-01-02" + ",1" * 5000).encode(),
         "no column close; it has date, c0, c1, c2, c3, c4, c5, c6 and 4,993 more; call the one that is meant close"),
        (b"date,close\n2024-01-02,1_000\n", "column close, row 2 (2024-01-02): not a number: '1_000'"),
        (b"date,close\n2024-02-30,10\n", "row 2: not a date (yyyy-mm-dd): '2024-02-30'"),
        (b"date,close\n2024-01-02,10\n,11\n", "row 3: empty; each row needs a date (yyyy-mm-dd) here"),
        (b"date,close\n2024-01-02,10\n2024-01-03,inf\n", "column close, row 3 (2024-01-03): not a number: 'inf'"),
        (b"date,close\n2024-01-02,10\n2024-01-02,11\n", "column close, row 3 (2024-01-02): the date stands twice: '11'"),
        (b"date,close\n2024-01-02,10\n2024-01-02,\n", "column close, row 3 (2024-01-02): the date stands twice: ''"),
        (b"date,close\n2024-01-02,0\n", "column close, row 2 (2024-01-02): a price that is not positive: '0'"),
        (b"date,log_close\n2024-01-02,8.4\n", "no column close; it has date, log_close; call the one that is meant close"),
        (b"date,GSPC\n2024-01-02,4700\n", "no column close; it has date, gspc; call the one that is meant close"),
        (b"date,symbol,close\n2024-01-02,BBB,1\n2024-01-03,CCC,1\n", "column symbol: it has BBB, CCC; keep AAA's rows, or drop the column"),
        (b"date,ticker,close\n2024-01-02,^RUT,1\n", "column ticker: it has RUT; keep AAA's rows, or drop the column"),
        (b"date,ticker,close\n2024-01-02,OLD,1\n2024-01-03,AAA,1\n", "column ticker: it has AAA, OLD; keep AAA's rows, or drop the column"),
        (b"2024-01-02,10\ndate,close\n2024-01-03,11\n", "no column date; it has 2024-01-02, 10; call the right one date"),
        (b"date,close\n2024-01-02,10\n" + b"one of many closing lines\n" * 60 + b"Total,5\n", "row 63: not a date (yyyy-mm-dd): 'Total'"),
        (b"Date,Open,Adj Close\n2024-01-02,10,9\n", "no column close; it has date, open, adj_close; ask for AAA:open"),
    ],
)  # fmt: skip
def test_files_that_are_no_tables_are_refused_with_one_line(tmp_path, content, line):
    found = refusal(tmp_path, content)
    assert found.startswith(f"prices/AAA.csv{',' if line.startswith(('row', 'column')) else ':'} ")
    assert found.endswith(line)


def test_many_bad_rows_are_counted_and_a_broken_parquet_file_is_refused(tmp_path):
    rows = "".join(f"2024-01-{day:02},0\n" for day in range(2, 20))
    assert refusal(tmp_path, "date,close\n" + rows).endswith("; and 15 more")
    (tmp_path / "prices" / "AAA.csv").unlink()
    assert "not a Parquet file that can be read" in refusal(tmp_path, b"no parquet", name="AAA.parquet")


FRAGMENTS = [
    b'"', b",", b";", b"\n", b"\r", b"\n\n", b"\0", b"\xff", b"NA", b"%", b"-", b"1e999", b"13/13/2024", b"\t", b" 12:00", b"9" * 400,
    b"Date", b"close", b"(5)", b'"a\nb"', b"0001-01-01", b"9999-12-31", b"+99:00", b"Z", b"PAR1", b"\x1f\x8b", b"\xef\xbb\xbf",
]  # fmt: skip


@given(
    form=st.sampled_from([*LINES, *PACKED]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.sampled_from(FRAGMENTS)), min_size=1, max_size=4),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_gives_a_traceback_or_a_long_line(tmp_path, form, changes):
    content = packed(form, pd.Series(100 + np.arange(len(SESSIONS)) / 4, SESSIONS))[1]
    content = content.encode() if isinstance(content, str) else content
    for place, length, fragment in changes:
        start = int(place * len(content))
        content = content[:start] + fragment + content[start + length :]
    line = "read"
    try:
        load(tmp_path, content)
    except ResearchError as error:
        line = str(error)
    assert len(line.splitlines()) == 1
    assert len(line) <= 400


def examples():
    """Return the examples of forms in docs/data.md."""
    text = (PROJECT / "docs" / "data.md").read_text(encoding="utf-8")
    part = text.split("## Forms of files")[1].split("## What is checked")[0]
    blocks = [textwrap.dedent(block) for block in re.findall(r"(?:^    .+\n)+", part, flags=re.M)]
    return [block for block in blocks if not block.startswith("company")]  # these are statements


@pytest.mark.parametrize("text", examples())
def test_the_examples_of_the_documentation_are_read(tmp_path, text):
    if "ticker" in text:
        (tmp_path / "panel.csv").write_text(text)
        assert read_panel(tmp_path / "panel.csv", "panel.csv").loc["2024-01-02"].to_dict() == {"AAA": 12.5, "BBB": 80.1}
    elif "DGS10" in text:
        assert series(tmp_path, "DGS10", text).tolist() == [pytest.approx(0.0395)]
    else:
        assert load(tmp_path, text.replace("IWM", "AAA")).index[0] in pd.DatetimeIndex(
            ["2023-09-30", "2024-01-02", "2024-01-12"]
        )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DGS10", "date,value\n2024-01-02,4.05\n2024-01-03,\n", 0.0405),
        ("DGS10", "observation_date,DGS10\n2024-01-02,4.05\n2024-01-03,.\n", 0.0405),
        ("DGS10", "DATE,VALUE\n2024-01-02,4.05\n2024-01-03,ND\n", 0.0405),
        ("DGS10", "observation_date,DGS2,DGS10\n2024-01-02,1,4.05\n2024-01-03,1,#N/A\n", 0.0405),
        ("DGS10", "Date,Price,Open,Change %\n2024-01-02,4.05,4,0.1%\n", 0.0405),
        ("MINE", "date,value\n2024-01-02,4.05\n", 4.05),
        ("MINE", "date,level\n2024-01-02,4.05\n", 4.05),
        ("MINE", "date,value\n2024-01-02,(4.05)\n", -4.05),
        ("MINE", "date,value\n2024-01-02,\u22124.05\n", -4.05),
    ],
)
def test_a_yield_is_a_decimal_whatever_the_form(tmp_path, name, text, value):
    assert series(tmp_path, name, text).tolist() == [pytest.approx(value, abs=1e-15)]


MONTHS_AS_DAYS = pd.date_range("2023-01-01", "2024-02-01", freq="MS")


@pytest.mark.parametrize(
    ("texts", "last"),
    [
        (["202310", "202311"], "2023-11"),
        (["2023 M10", "2023 M11"], "2023-11"),
        (["Oct 2023", "Nov 2023"], "2023-11"),
        (["10/2023", "11/2023"], "2023-11"),
        (["2023Q2", "2023Q3"], "2023-09"),
        (["Q2 2023", "Q3 2023"], "2023-09"),
        (["2023"], "2023-12"),
        ([f"{day.month}/1/{day.year}" for day in MONTHS_AS_DAYS], "2024-02"),
        ([f"1/{day.month}/{day.year}" for day in MONTHS_AS_DAYS], "2024-02"),
    ],
)
def test_a_month_or_quarter_is_known_on_its_last_day(tmp_path, texts, last):
    found = series(tmp_path, "MINE", "date,value\n" + "".join(f"{text},4\n" for text in texts)).index
    step = 3 if "Q" in texts[0] else 1
    assert (
        list(found)
        == [pd.Period(last, "M").end_time.normalize() - pd.offsets.MonthEnd(step * n) for n in range(len(texts))][::-1]
    )


@pytest.mark.parametrize("text", ["2023.1", "2023-1", "2023.25"])
def test_what_may_be_a_month_or_a_quarter_is_refused(tmp_path, text):
    assert refusal(tmp_path, f"date,value\n{text},4\n", series, "MINE").endswith(f"not a date (yyyy-mm-dd): '{text}'")


@pytest.mark.parametrize("column", ["UNRATE_PC1", "UNRATE_NBD20200101", "UNRATE_Q"])
def test_another_series_or_changes_of_it_are_not_taken_for_it(tmp_path, column):
    line = refusal(tmp_path, f"observation_date,{column}\n2024-01-01,4.1\n", series, "UNRATE")
    assert line.endswith(f"no column unrate; it has date, {column.lower()}; call the one that is meant unrate")


def test_percent_signs_are_refused(tmp_path):
    line = refusal(tmp_path, "date,value\n2024-01-02,4.05%\n", series, "MINE")
    assert line == "series/MINE.csv, column value, row 2 (2024-01-02): not a number: '4.05%'"
