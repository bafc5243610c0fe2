"""Facts as filed: what was known on a date, numbers that two tags share, and companies that lack something named."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import open_source
from research_lib.data.companies import load_price_panel, load_statements
from research_lib.data.live.store import Item
from research_lib.data.sec import facts_frame, read_facts
from research_lib.errors import DataError, InsufficientDataError
from tests.conftest import read_table
from tests.data.live.conftest import DAYS, pull, store, vendors  # noqa: F401  # fixtures
from tests.data.live.loopback import FILED, Answer, as_json, chart, company, fact, stock


def read(*contents):
    """Statements and faults of companies A, B, C…"""
    named = [facts_frame(content).assign(company="ABCDEFGH"[n]) for n, content in enumerate(contents)]
    return read_facts(pd.concat(named, ignore_index=True))


CASES = read_table("data/filings.yaml")


@pytest.mark.parametrize(("how", "debts"), [(how, one) for how, cases in CASES["debt"].items() for one in cases])
def test_a_number_that_two_tags_share_is_compared_and_never_added(how, debts):
    short, long, tags = debts
    none = {"LongTermDebtNoncurrent": None}
    row = read(company(**none | {tag: [stock(1e6 * value)] for tag, value in tags.items()}))[0].iloc[0]
    assert row[["short_term_debt", "long_term_debt"]].tolist() == pytest.approx([1e6 * short, 1e6 * long], nan_ok=True)
    assert row["debt_from"] == how


def test_who_repeats_a_number_in_one_year_does_in_the_others():
    years = {"2022-12-31": FILED, "2023-12-31": "2024-02-20"}
    tags = {"LongTermDebtCurrent": (584, 100), "ShortTermBorrowings": (584, 130), "LongTermDebtNoncurrent": (900, 900)}
    stocks = {tag: [stock(1e6 * value, filed, end=end) for value, (end, filed) in zip(values, years.items(), strict=True)]
              for tag, values in tags.items()}  # fmt: skip
    flows = [fact(1e6, filed, start=f"{end[:4]}-01-01", end=end) for end, filed in years.items()]
    assert read(company(OperatingIncomeLoss=flows, **stocks))[0]["short_term_debt"].tolist() == [584e6, 130e6]


def restated(times=1):
    """Facts of 2022 and 2023; what was filed in 2024 may be altered."""
    year, filed = {"start": "2023-01-01", "end": "2023-12-31"}, "2024-02-20"
    return company(OperatingIncomeLoss=[fact(100e6), fact(60e6 * times, filed), fact(150e6 * times, filed, **year)])


def statements(store, content, as_of):  # noqa: F811
    """Keep a company's facts and load its statements as of a date."""
    store.keep(Item("sec", "ABC"), facts_frame(content))
    return load_statements(open_source("sec"), as_of=as_of)


def test_a_report_is_known_from_the_day_it_was_filed(store):  # noqa: F811
    with pytest.raises(InsufficientDataError, match="nothing was filed by as_of 2023-02-19"):
        statements(store, company(), date(2023, 2, 19))
    loaded = statements(store, company(), date(2023, 2, 20))
    row = loaded.values.iloc[0]
    assert [str(row[day].date()) for day in ("period_end", "published", "known_from")] == ["2022-12-31", FILED, FILED]
    figures = row[["fiscal_year", "operating_income", "debt", "cash", "shares"]].tolist()
    assert figures == [2022, 100e6, 300e6, 50e6, 10e6]
    assert loaded.card.origin == "annual reports as filed; debt from: balance sheet, one kind tagged 1"


def test_a_restated_value_is_not_seen_before_its_filing(store):  # noqa: F811
    after = statements(store, restated(), date(2024, 2, 20)).values.set_index("fiscal_year")
    assert after["operating_income"].to_dict() == {2022: 60e6, 2023: 150e6}
    dates = [str(after[name][2022].date()) for name in ("published", "known_from", "restated_on")]
    assert dates == [FILED, "2024-02-20", "2024-02-20"]
    before, altered = (statements(store, restated(times), date(2024, 2, 19)) for times in (1, 7))
    assert (before.values["operating_income"].tolist(), before.values["restated_on"].notna().any()) == ([100e6], False)
    pd.testing.assert_frame_equal(before.values, altered.values)
    assert before.card == altered.card


FLOWS = ("OperatingIncomeLoss", "InterestExpense", "Revenues", "DepreciationDepletionAndAmortization")
RESTATED_VALUES = [
    {"tags": {FLOWS[0]: [[first], [later, {"filed": "2024-02-20"}]]},
     "said": {"operating_income": stands, "known_from": FILED if stands == first else "2024-02-20"}}
    for first, later, stands in CASES["restated"]
]  # fmt: skip


@pytest.mark.parametrize("case", [*CASES["reports"].values(), *RESTATED_VALUES])
def test_a_report_has_one_row_of_what_it_said_or_was_restated_later(case):
    tags = {tag: [fact(value, **dict(*more)) for value, *more in facts] for tag, facts in case["tags"].items()}
    rows, faults = read(company(**tags))
    days = {day: str(rows[day].iloc[0].date()) for day in ("period_end", "known_from")}
    [row] = rows.assign(**days).to_dict("records")
    assert row.items() >= ({"fiscal_year": 2022} | case.get("said", {})).items()
    assert [str(fault) for fault in faults] == case.get("faults", [])


def test_a_filing_of_two_companies_gives_each_its_own_shares():
    both = []
    for n, shares in enumerate((10e6, 70e6)):
        own = dict.fromkeys(FLOWS) | {"OperatingIncomeLoss": [fact(n + 1e6, accession="SHARED")]}
        both.append(company(shares=None, **own))
        classes = [stock(count, end="2023-02-10", accession="SHARED") for count in (shares, 5e6, shares)]
        both[n]["facts"]["dei"] = {"EntityCommonStockSharesOutstanding": {"units": {"shares": classes}}}
    rows, _ = read(*both)
    assert rows.set_index("company")["shares"].to_dict() == {"A": 15e6, "B": 75e6}, "its classes, each once"


def test_companies_that_lack_something_are_named_and_counted():
    foreign = company(**dict.fromkeys(FLOWS))
    ifrs = {"facts": {"ifrs-full": {"Assets": {"units": {"EUR": [stock(1e9, form="20-F")]}}}, "dei": {}}}
    chinese = {"facts": {"us-gaap": {"OperatingIncomeLoss": {"units": {"CNY": [fact(1e6, form="20-F")]}}}, "dei": {}}}
    _, faults = read(company(), company(shares=None), foreign, ifrs, chinese)
    none = "no annual report in US GAAP and dollars (left out)"
    assert [(fault.kind, fault.detail) for fault in faults] == [
        (none, "C"), (none, "D (IFRS)"), (none, "E (CNY)"),
        ("no count of shares on the report's cover", "B"),
    ]  # fmt: skip
    said = r"no statements, no annual report .*: A \(IFRS\); no annual report .*: B \(CNY\)"
    with pytest.raises(InsufficientDataError, match=said):
        read(ifrs, chinese)


def test_market_value_is_the_close_that_was_paid_times_shares(store, tmp_path):  # noqa: F811
    days, splits = DAYS[:100], np.zeros(100)
    splits[[20, 60]] = 2.0, 4.0  # closes before a split are given as halves or quarters, that of its own day is not
    frame = pd.DataFrame({"date": days.as_unit("us"), "close": 25.0, "adj_close": np.arange(100.0) + 1, "volume": 1.0,
                          "split": splits})  # fmt: skip
    store.keep(Item("yahoo", "ABC"), frame)
    published = str((days[20] - pd.Timedelta(days=1)).date())
    for name, shares in {"ABC": 10e6, "GOOGL": None, "WXYZ": 1e6}.items():
        content = json.dumps(company(shares=shares, Assets=[stock(2e9 + len(name))])).replace(FILED, published)
        store.keep(Item("sec", name), facts_frame(json.loads(content)))
    assert load_price_panel(open_source("sec")) is None
    both = open_source("sec+yahoo")
    loaded = load_statements(both)
    assert loaded.values.set_index("company").loc["ABC", ["price", "market_value"]].tolist() == [100.0, 1e9]
    said = loaded.card.fault_summary()
    assert "no count of shares on the report's cover: 1, first GOOGL" in said
    assert "no market value: 2, first GOOGL: no count of shares" in said
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "ABC.csv").write_text(f'date,close\n{published},"1,025.50"\n')
    own = load_statements(open_source("sec+folder", data_dir=str(tmp_path))).values.set_index("company")
    assert own.loc["ABC", "price"] == 1025.5, "the user's own prices are read in any form too"
    panel = load_price_panel(both)
    assert panel.values["ABC"].tolist() == frame["adj_close"].tolist()
    assert panel.card.origin == "adjusted closes, each as pulled"


def test_the_largest_companies_are_pulled_each_once_and_nobody_is_named(vendors, pull, store):  # noqa: F811
    listed = [(1, "ABC"), (1, "ABC-B"), (2, "C02"), (3, "C03")]
    rows = {str(n): {"cik_str": cik, "ticker": ticker, "title": ""} for n, (cik, ticker) in enumerate(listed)}
    ifrs = {"facts": {"ifrs-full": {"Assets": {"units": {"EUR": [stock(1e9, form="20-F")]}}}}}
    vendors.answer("/files/company_tickers.json", as_json(rows))
    for number, content in ((1, company()), (2, ifrs)):
        vendors.answer(f"/api/xbrl/companyfacts/CIK000000000{number}.json", as_json(content))
    for _, ticker in listed:
        vendors.prices(ticker, as_json(chart(ticker, DAYS)))
    outcome = pull("sec+yahoo", companies=2)
    assert sorted(str(one.item) for one in outcome.kept) == ["sec ABC", "sec C02", "yahoo ABC", "yahoo C02"]
    assert "no facts in US GAAP: it will be left out" in outcome.lines()[1]
    assert vendors.users.count("Jo Doe jo@example.org") == 1 + 2
    everything = b"".join(path.read_bytes() for path in store.directory.rglob("*") if path.is_file())
    assert "jo@example.org" not in everything.decode("latin-1") + "".join(outcome.lines())


@pytest.mark.parametrize(("answer", "said"), [
    (None, "the SEC wants to know who asks: set SEC_IDENTITY to your name and e-mail address"),
    (Answer(b"", 429), r"the list of companies cannot be had: the SEC is throttling \(429\)"),
    (as_json({}), "the list of companies cannot be had: the SEC sent an empty list of companies"),
    (as_json([1]), "the list of companies cannot be had: the answer is not in the form it was"),
])  # fmt: skip
def test_without_an_identity_or_a_list_of_companies_it_says_so(pull, vendors, monkeypatch, answer, said):  # noqa: F811
    vendors.answer("/files/company_tickers.json", answer)
    if answer is None:
        monkeypatch.delenv("SEC_IDENTITY")
    with pytest.raises(DataError, match=said):
        pull("sec", companies=2)


def real(shared_data, name, company):
    return facts_frame(json.loads((shared_data / f"wire/sec/{name}.json").read_text())).assign(company=company)


def test_real_short_term_debt_tagged_twice_counts_once(shared_data):
    rows = read_facts(real(shared_data, "CIK0001835632", "MRVL"))[0].set_index("fiscal_year")
    twice = "balance sheet, a number tagged twice counted once"
    assert rows.loc[2023, ["short_term_debt", "long_term_debt", "debt_from"]].tolist() == [584.4e6, 3907.7e6, twice]
    assert rows["short_term_debt"].tolist() == [63.166e6, 584.4e6, 107.3e6, 129.5e6, 499.8e6]


def test_real_facts_show_restated_values_only_from_their_filing(shared_data):
    facts = real(shared_data, "CIK0001045810", "NVDA")
    rows = read_facts(facts)[0].set_index("fiscal_year")
    # From the company's annual reports: fiscal 2017 had 796 million of convertible notes and 1,983 million of notes.
    assert rows.loc[2017, ["short_term_debt", "long_term_debt", "operating_income"]].tolist() == [796e6, 1983e6, 1934e6]
    assert (rows.index.tolist(), str(rows["known_from"][2017].date())) == ([*range(2010, 2027)], "2017-03-01")
    for as_of in rows["known_from"].iloc[::5]:
        assert read_facts(facts[facts["filed"] <= as_of])[0]["known_from"].max() == as_of


def test_real_filers_of_every_kind_are_read_or_named(shared_data):
    facts = [real(shared_data, name, company) for name, company in (("snow_facts", "SNOW"), ("lpa_facts", "LPA"))]
    rows, faults = read_facts(pd.concat(facts, ignore_index=True))
    assert rows.groupby("company").size().to_dict() == {"SNOW": 5}
    assert list(map(str, faults)) == ["no annual report in US GAAP and dollars (left out): LPA (IFRS)"]
