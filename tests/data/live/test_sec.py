"""Facts as filed: what was known on a date, and who asks is nobody's business."""

import json
from datetime import date
from time import monotonic

import numpy as np
import pandas as pd
import pytest

from research_lib.data import open_source
from research_lib.data.fundamentals import load_fundamentals
from research_lib.data.live import clients, pull
from research_lib.data.live.network import Manners, RefusedError
from research_lib.data.live.sec import Sec, in_shape
from research_lib.data.live.snapshots import Item, Kind, Pulled
from research_lib.data.price_panel import load_price_panel
from research_lib.data.quality import FaultKind
from research_lib.errors import DataError, InsufficientDataError
from tests.data.live.conftest import DAYS
from tests.data.live.loopback import Answer, LedWebSession, as_json, chart

IDENTITY = "Jo Doe jo@example.org"


def fact(value, filed, *, start="2022-01-01", end="2022-12-31", form="10-K", accession=None):
    return {"val": value, "filed": filed, "end": end, "form": form, "fy": int(filed[:4]), "fp": "FY",
            "accn": accession or f"A-{filed}"} | ({"start": start} if start else {})  # fmt: skip


def stock(value, filed, **options):
    return fact(value, filed, start=None, **options)


def company(**tags):
    """A company's facts: one annual report of 2022, filed on 2023-02-20, with what `tags` change."""
    filed = "2023-02-20"
    usual = {
        "OperatingIncomeLoss": [fact(100e6, filed)], "DepreciationDepletionAndAmortization": [fact(20e6, filed)],
        "InterestExpense": [fact(5e6, filed)], "Revenues": [fact(900e6, filed)],
        "LongTermDebtNoncurrent": [stock(300e6, filed)], "Assets": [stock(2e9, filed)],
        "CashAndCashEquivalentsAtCarryingValue": [stock(50e6, filed)],
    }  # fmt: skip
    shares = [stock(10e6, filed, end="2023-02-10")]
    described = {tag: {"units": {"USD": facts}} for tag, facts in (usual | tags).items()}
    return {
        "cik": 1,
        "facts": {"us-gaap": described, "dei": {"EntityCommonStockSharesOutstanding": {"units": {"shares": shares}}}},
    }


@pytest.fixture
def statements(store):
    """Keep a company's facts and load its statements as of a date."""

    def load(content, as_of=None):
        store.keep(Pulled(Item("sec", Kind.COMPANIES, "ABC"), in_shape(content, "ABC"), {}, "test"))
        return load_fundamentals(open_source("sec"), as_of=as_of)

    return load


def test_a_report_is_known_from_the_day_it_was_filed(statements):
    content = company()
    with pytest.raises(InsufficientDataError, match="nothing was filed by as_of 2023-02-19"):
        statements(content, date(2023, 2, 19))
    row = statements(content, date(2023, 2, 20)).rows.iloc[0]
    assert str(row["known_from"].date()) == "2023-02-20"
    assert (row["operating_income"], row["depreciation_amortization"], row["interest_expense"]) == (100e6, 20e6, 5e6)
    assert (row["long_term_debt"], row["short_term_debt"], row["cash"], row["shares"]) == (300e6, 0, 50e6, 10e6)
    assert row["debt_from"] == "balance sheet, one kind tagged"
    assert (row["fiscal_year"], str(row["period_end"].date())) == (2022, "2022-12-31")


RESTATED = company(
    OperatingIncomeLoss=[
        fact(100e6, "2023-02-20"),
        fact(60e6, "2024-02-20"),
        fact(150e6, "2024-02-20", start="2023-01-01", end="2023-12-31"),
    ]
)


def test_a_restated_value_is_not_seen_before_its_filing(statements):
    before = statements(RESTATED, date(2024, 2, 19)).rows
    assert before["operating_income"].tolist() == [100e6]
    assert before["restated_on"].isna().all()
    after = statements(RESTATED, date(2024, 2, 20)).rows.set_index("fiscal_year")
    assert after["operating_income"].to_dict() == {2022: 60e6, 2023: 150e6}
    assert str(after["known_from"][2022].date()) == "2024-02-20", "the row as it stands was not known before"
    assert str(after["restated_on"][2022].date()) == "2024-02-20"


@pytest.mark.parametrize("later", [100e6, 100_400_000.0, 100_000_001.0])
def test_rounding_in_a_later_report_is_no_restatement(statements, later):
    rows = statements(company(OperatingIncomeLoss=[fact(100e6, "2023-02-20"), fact(later, "2024-02-20")])).rows
    assert rows["operating_income"].tolist() == [100e6]
    assert str(rows["known_from"].iloc[0].date()) == "2023-02-20"


def test_what_only_a_later_report_tells_is_not_in_the_row(statements):
    rows = statements(company(DebtCurrent=[stock(70e6, "2024-02-20")])).rows
    assert rows["short_term_debt"].tolist() == [0.0]
    assert str(rows["known_from"].iloc[0].date()) == "2023-02-20"


def test_debt_that_nobody_tagged_is_missing_and_not_zero(statements):
    content = company()
    del content["facts"]["us-gaap"]["LongTermDebtNoncurrent"]
    row = statements(content).rows.iloc[0]
    assert np.isnan(row["long_term_debt"])
    assert np.isnan(row["short_term_debt"])
    assert row["debt_from"] == "no debt tagged"


def test_the_first_way_whose_tags_are_all_there_counts(statements):
    filed = "2023-02-20"
    content = company(
        LongTermDebtCurrent=[stock(10e6, filed)], CommercialPaper=[stock(5e6, filed)],
        ShortTermInvestments=[stock(30e6, filed)], InterestExpenseDebt=[fact(1e6, filed)],
    )  # fmt: skip
    row = statements(content).rows.iloc[0]
    assert (row["short_term_debt"], row["cash"], row["interest_expense"]) == (15e6, 80e6, 5e6)


def test_quarters_and_comparatives_make_no_rows(statements):
    content = company(
        OperatingIncomeLoss=[
            fact(100e6, "2023-02-20"), fact(90e6, "2023-02-20", start="2021-01-01", end="2021-12-31"),
            fact(30e6, "2023-05-05", start="2023-01-01", end="2023-03-31", form="10-Q"),
        ]
    )  # fmt: skip
    assert statements(content).rows["fiscal_year"].tolist() == [2022]


def test_a_year_that_ends_in_the_first_days_of_january_is_the_year_before(statements):
    tags = {"OperatingIncomeLoss": [fact(1e6, "2023-02-20", start="2022-01-02", end="2023-01-01")]}
    rows = statements(company(**tags)).rows
    assert rows["fiscal_year"].tolist() == [2022]


def test_nothing_filed_after_the_date_changes_anything(statements):
    as_of = date(2024, 2, 19)
    before = statements(RESTATED, as_of)
    content = json.loads(json.dumps(RESTATED))
    for tag in content["facts"]["us-gaap"].values():
        for one in tag["units"]["USD"]:
            one["val"] = one["val"] if one["filed"] <= str(as_of) else one["val"] * 7
    after = statements(content, as_of)
    pd.testing.assert_frame_equal(before.rows, after.rows)
    assert before.card.sha256 == after.card.sha256


def test_market_value_is_the_close_that_was_paid_times_shares(statements, store):
    days = DAYS[:100]
    split = pd.Series(0.0, range(100))
    split.iloc[60] = 4.0  # closes before it are given as quarters
    frame = pd.DataFrame(
        {"date": days.as_unit("us"), "close": 25.0, "adj_close": np.arange(100.0) + 1, "volume": 1.0, "split": split}
    )
    store.keep(Pulled(Item("yahoo", Kind.PRICES, "ABC"), frame, {}, "test"))
    content = json.loads(json.dumps(company()).replace("2023-02-20", str((days[20] - pd.Timedelta(days=1)).date())))
    statements(content)
    both = open_source("sec+yahoo")
    row = load_fundamentals(both).rows.iloc[0]
    assert (row["price"], row["market_value"]) == (100.0, 1e9)
    panel = load_price_panel(both)
    assert panel.values["ABC"].tolist() == frame["adj_close"].tolist()
    assert panel.card.origin == "adjusted closes, each as pulled"


def test_without_prices_there_is_no_market_value_and_no_panel(statements):
    assert statements(company()).rows["market_value"].isna().all()
    assert load_price_panel(open_source("sec")) is None


def test_a_source_without_statements_says_which_have_them(store):
    store.keep(
        Pulled(Item("fred", Kind.SERIES, "DFF"), pd.DataFrame({"date": DAYS.as_unit("us"), "value": 1.0}), {}, "test")
    )
    with pytest.raises(DataError, match="source fred has no company statements; use source: folder or sec"):
        load_fundamentals(open_source("fred"))


def test_a_company_without_an_annual_report_is_listed(statements, store):
    foreign = company(
        OperatingIncomeLoss=[fact(1e6, "2023-02-20", form="6-K")],
        Revenues=[],
        DepreciationDepletionAndAmortization=[],
        InterestExpense=[],
    )
    store.keep(Pulled(Item("sec", Kind.COMPANIES, "XYZ"), in_shape(foreign, "XYZ"), {}, "test"))
    faults = statements(company()).card.faults
    assert [(fault.kind, fault.detail) for fault in faults] == [(FaultKind.NO_ANNUAL_REPORT, "XYZ")]


@pytest.fixture
def largest_two(vendors, data_command, parameter_file, monkeypatch):
    """Pull what the study of leverage needs of two companies; the facts of the first are the test's."""
    led = clients.open_clients(["yahoo"])["yahoo"]
    sec = Sec(session=LedWebSession(vendors.port, "the SEC", timeout_s=0.4), identity=IDENTITY)
    monkeypatch.setattr(clients, "open_clients", lambda *_, **__: {"yahoo": led, "sec": sec})
    monkeypatch.setattr(pull, "GAPS_S", {})
    tickers = [(1, "ABC"), (1, "ABC-B"), *((n, f"C{n:02d}") for n in range(2, 60))]
    listed = {str(n): {"cik_str": cik, "ticker": ticker, "title": ""} for n, (cik, ticker) in enumerate(tickers)}
    vendors.answer("/files/company_tickers.json", as_json(listed))
    for cik, ticker in tickers:
        vendors.prices(ticker, as_json(chart(ticker, DAYS)))
        vendors.answer(f"/api/xbrl/companyfacts/CIK{cik:010d}.json", as_json(company()))
    vendors.prices("^GSPC", as_json(chart("^GSPC", DAYS)))

    def run(*answers, source="sec"):
        vendors.answer("/api/xbrl/companyfacts/CIK0000000001.json", *answers)
        path = parameter_file(source, "", "02_leverage_net_debt", large=20, small=20)
        return data_command("pull", "--for", path, "--max-age", 0)

    return run


def test_the_largest_companies_are_pulled_each_once_and_nobody_is_named(largest_two, store, vendors):
    result = largest_two(as_json(company()), source="sec+yahoo")
    assert result.exit_code == 0, result.output
    assert "81 snapshots kept, 0 failed" in result.output
    names = [item.name for item in store.items("sec")]
    assert len(names) == 40
    assert "ABC" in names
    assert "ABC-B" not in names
    assert vendors.users.count(IDENTITY) == 1 + 40
    everything = b"".join(path.read_bytes() for path in store.directory.rglob("*") if path.is_file())
    for secret in (b"Jo Doe", b"jo@example.org", b"User-Agent"):
        assert secret not in everything
        assert secret.decode() not in result.output


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"", 404), "the SEC answered 404"),
        (Answer(b"", 403), "the SEC answered 403"),
        (Answer(b"", 429), "the SEC is throttling (429)"),
        (Answer(b'{"facts": {"us'), "the SEC sent an answer that is cut off or no JSON"),
        (Answer(b"<html>Undeclared tool"), "the SEC sent a web page in place of data"),
        (as_json({"facts": {"ifrs-full": {}}}), "the SEC has none of the facts that the kit uses for ABC"),
        (as_json({"fact": {}}), "the SEC's facts of ABC are not in the form they were"),
    ],
)
def test_what_the_sec_sends_instead(largest_two, store, answer, said):
    result = largest_two(answer)
    assert result.exit_code == 1
    [line] = [line for line in result.output.splitlines() if line.startswith("failed: sec ABC: ")]
    assert said in line
    assert IDENTITY not in result.output
    assert "ABC" not in [item.name for item in store.items("sec")]
    if "throttling" not in said:
        assert "39 snapshots kept, 1 failed" in result.output


def test_the_sec_is_asked_no_more_often_than_it_allows():
    turnstiles = pull.Turnstiles(Manners())
    start = monotonic()
    for _ in range(5):
        turnstiles.ask("sec", list)
    assert monotonic() - start >= 4 * pull.GAPS_S["sec"] >= 4 / 10


def test_without_an_identity_it_says_how_to_give_one(store, parameter_file, monkeypatch):  # noqa: ARG001
    from typer.testing import CliRunner

    from research_lib.cli import app

    monkeypatch.delenv("SEC_IDENTITY", raising=False)
    result = CliRunner().invoke(app, ["data", "pull", "--for", str(parameter_file("sec", "", "02_leverage_net_debt"))])
    assert result.exit_code == 2
    assert "set the environment variable SEC_IDENTITY to a name and an e-mail address" in result.output


def test_real_facts_show_restated_values_only_from_their_filing(shared_data, store):
    content = json.loads((shared_data / "wire/sec/CIK0001045810.json").read_text())
    store.keep(Pulled(Item("sec", Kind.COMPANIES, "NVDA"), in_shape(content, "NVDA"), {}, "test"))
    rows = load_fundamentals(open_source("sec")).rows.set_index("fiscal_year")
    # From the company's annual reports: fiscal 2017 had 796 million of convertible notes and 1,983 million of notes.
    assert (rows["short_term_debt"][2017], rows["long_term_debt"][2017]) == (796e6, 1983e6)
    assert (rows["operating_income"][2017], str(rows["known_from"][2017].date())) == (1934e6, "2017-03-01")
    assert rows.loc[2010:2026].index.tolist() == list(range(2010, 2027))
    for as_of in pd.to_datetime(rows["known_from"])[::4]:
        known = load_fundamentals(open_source("sec"), as_of=as_of.date()).rows
        assert (known["known_from"] <= as_of).all()
        earlier = (
            load_fundamentals(open_source("sec"), as_of=(as_of - pd.Timedelta(days=1)).date()).rows
            if as_of > rows["known_from"].min()
            else None
        )
        assert earlier is None or len(earlier) < len(known)


def test_real_filers_of_every_kind_are_read_or_refused(shared_data, store):
    for name, file in {"MRVL": "CIK0001835632", "SNOW": "snow_facts"}.items():
        content = json.loads((shared_data / f"wire/sec/{file}.json").read_text())
        store.keep(Pulled(Item("sec", Kind.COMPANIES, name), in_shape(content, name), {}, "test"))
    rows = load_fundamentals(open_source("sec")).rows
    assert rows.groupby("company").size().to_dict() == {"MRVL": 5, "SNOW": 5}
    foreign = json.loads((shared_data / "wire/sec/lpa_facts.json").read_text())
    faults = in_shape(foreign, "LPA")["tag"].unique().tolist()
    assert faults == ["EntityCommonStockSharesOutstanding"]
    with pytest.raises(RefusedError):
        in_shape({"facts": {"ifrs-full": foreign["facts"]["ifrs-full"]}}, "LPA")
