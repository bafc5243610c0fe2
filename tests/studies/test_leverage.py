"""The study on hand-made companies, on simulated ones, and on the real files against a plain reading of them."""

import csv
import json
import math
import re
from collections import defaultdict
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.companies import Companies, PricePanel
from research_lib.data.statements import Found, make_statements
from research_lib.errors import InsufficientDataError, MissingDataError, ParameterError
from research_lib.stats.estimate import Estimate
from research_lib.stats.leverage import FAILS, HOLDS, LARGE, NOT_CONTRADICTED, SMALL, hold_quote
from research_lib.studies.leverage import Leverage
from research_lib.studies.study import Missing
from tests.companies import company, rows
from tests.data.simulated import DEFAULT_PLANTED, simulate_panel
from tests.studies.reports import NO_NUMBER, check_summary, said_by, words_of

GROUPS = [LARGE, SMALL]
SHARED = {"source": "folder", "data_dir": "../shared/data", "exclude_financials": False}


def of_companies(companies, panel=None, rate=None, **values):
    """The study of made-up companies, given as rows or as a frame."""
    statements = companies if isinstance(companies, pd.DataFrame) else rows(*companies)
    made = make_statements(Found(statements, [], "made"), source="folder")
    study = Leverage.from_params(**{"exclude_financials": False} | values)
    vars(study)["companies"] = Companies(
        statements=made.values, panel=panel, market=None, rate=rate, rate_name="2-year Treasury yield", firms_1990=None, cards=(made.card,),
    )  # fmt: skip
    return study


def sized(name, value, **values):
    return company(name, market_value=value, price=10.0, **values)


def groups_of(n, large, small, year=2020):
    """n large companies and n small ones, which have other values than the usual; no two report the same revenue."""
    return [
        sized(f"{letter}{k:03d}", value + k, year=year, revenue=value + k, **values)
        for letter, value, values in (("L", 2000.0, large), ("S", 300.0, small))
        for k in range(n)
    ]


LOW = {"cash": 32.0}  # net debt 28, EBITDA 20: a ratio of 1.4
HIGH = {"long_term_debt": 110.0, "total_liabilities": 200.0}  # 100 / 20


@pytest.mark.parametrize(
    ("found", "quoted", "more_than", "verdict"),
    [
        (Estimate(1.42, 500, 1.08, 1.79), 1.4, False, HOLDS),  # it rounds to 1.4
        (Estimate(1.06, 500, 0.62, 1.53), 1.4, False, NOT_CONTRADICTED),  # a wide interval makes nothing hold
        (Estimate(1.65, 500, 1.30, 2.00), 1.4, False, NOT_CONTRADICTED),
        (Estimate(2.00, 500, 1.80, 2.20), 1.4, False, FAILS),
        (Estimate(2.72, 1432, 2.35, 3.11), 4.0, True, FAILS),
        (Estimate(3.90, 1432, 3.50, 4.30), 4.0, True, NOT_CONTRADICTED),
        (Estimate(4.20, 1432, 3.80, 4.60), 4.0, True, NOT_CONTRADICTED),
        (Estimate(4.60, 1432, 4.10, 5.10), 4.0, True, HOLDS),
        (Estimate(5.00, 40), 4.0, True, NOT_CONTRADICTED),  # too few for an interval
        (Estimate(1.38, 40), 1.4, False, HOLDS),
    ],
)
def test_a_quoted_figure_is_held_against_point_and_interval(found, quoted, more_than, verdict):
    assert hold_quote(found, quoted, more_than=more_than) == verdict


def test_the_summary_follows_the_verdicts():
    holds = of_companies(groups_of(200, LOW, HIGH), large=200, small=200)
    assert holds.quotes["verdict"].tolist() == [HOLDS, HOLDS]
    assert (holds.of(LARGE).value, holds.of(SMALL).value) == (1.4, 5.0)
    assert holds.gap.value == pytest.approx(3.6)
    assert holds.show.summary.verdict == "holds"
    assert holds.show.summary.headline == "Small companies do owe more than 4 times EBITDA: 5.0"
    few = of_companies(groups_of(50, LOW, HIGH), large=50, small=50)
    assert few.show.summary.verdict == "open"
    assert "too few for an interval" in few.show.summary.numbers[0][1]
    low = of_companies(groups_of(200, LOW, LOW), large=200, small=200)
    assert low.show.summary.verdict == "fails"
    assert low.show.summary.headline == "Small companies owe 1.4 times EBITDA, not more than 4"
    other = of_companies(groups_of(200, HIGH, HIGH), large=200, small=200)
    assert other.show.summary.headline == "Large companies owe 5.0 times EBITDA, not 1.4"
    quoted = of_companies(groups_of(200, HIGH, HIGH), large=200, small=200, quoted_large=5.0)
    assert quoted.show.summary.verdict == "holds"


def test_without_the_interest_of_companies_their_cover_is_unknown_and_the_rest_stands():
    study = of_companies(groups_of(40, LOW | {"interest_expense": np.nan}, HIGH | {"interest_expense": np.nan}),
                         large=40, small=40)  # fmt: skip
    assert study.cover["share_below_one"].isna().all()
    assert isinstance(study.show.refinancing_map, Missing)
    assert "0.0%" not in str(study.show.cover)
    assert study.findings["cover_small"].value is None
    assert study.findings["nd_ebitda_small"].value == 5.0


@pytest.mark.parametrize("missing", ["cash", "operating_income", "short_term_debt"])
def test_a_column_that_is_nowhere_loses_only_what_rests_on_it(missing):
    firms = groups_of(40, LOW, HIGH)
    for firm in firms:
        if missing == "short_term_debt":  # total debt alone
            firm |= {"debt": firm["short_term_debt"] + firm["long_term_debt"], "long_term_debt": np.nan}
        firm[missing] = np.nan
    study = of_companies(firms, large=40, small=40)
    shown = {name: study.show(name) for name in study.exhibits()}  # nothing raises
    assert not any(NO_NUMBER.search(words_of(one)) for one in shown.values())
    json.dumps(study.findings.as_record(), allow_nan=False)
    if missing == "short_term_debt":
        assert study.of(SMALL).value == 5.0
        assert study.findings["due_within_year_small"].value is None
    else:
        assert "is undefined: a part of it is unknown" in str(shown["quotes"])
        assert study.lacking in study.show.summary.standfirst
    assert study.cover["share_below_one"].isna().all() == (missing == "operating_income")


def test_a_negative_ratio_as_filed_is_beside_the_clean_one():
    wrong = sized("WRONG", 4000.0, cash=200_000.0)  # more cash than assets: alone it turns the ratio negative
    study = of_companies([*groups_of(40, LOW, HIGH), wrong], large=40, small=40)
    table = study.definitions.set_index("group").loc[LARGE]
    assert table["as_filed"] < 0
    assert table["value"] == 1.4
    assert study.excluded[["company", "rule"]].values.tolist() == [["WRONG", "cash above total assets"]]


def test_financials_are_out_where_sectors_are_known_and_refused_where_not():
    banks = [sized(f"B{k}", 3000.0 + k, sector="Financial Services", revenue=50.0 + k, **HIGH) for k in range(10)]
    study = of_companies([*groups_of(40, LOW, HIGH), *banks], large=50, small=40, exclude_financials=True)
    assert study.of(LARGE).value == 1.4
    assert study.definitions.set_index("group").loc[LARGE, "with_financials"] > 2
    none = of_companies(groups_of(40, LOW, HIGH), exclude_financials=True)
    with pytest.raises(InsufficientDataError, match="no sectors, so financials cannot be left out"):
        none.show.summary  # noqa: B018  # the report is refused
    assert isinstance(none.show.quotes, Missing)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"large": 80}, "the last fiscal year: 30 companies in both size groups are needed, and 110 with a market value"),
        ({"fiscal_year": 2019}, "fiscal year 2019: 30 companies .* years that have them: 2020"),
    ],
)
def test_too_little_for_both_groups_is_refused_with_what_it_takes(values, said):
    study = of_companies(groups_of(30, LOW, HIGH), **{"large": 30, "small": 30} | values)
    assert re.match(f"refused: {said}", said_by(study))
    assert isinstance(study.show.quotes, Missing)


def test_without_a_proxy_the_reason_is_what_the_companies_lack():
    unknown = {"cash": np.nan}
    study = of_companies(groups_of(40, LOW | unknown, HIGH | unknown), large=40, small=40)
    vars(study)["_reasons"] = {"factors": InsufficientDataError("the source lacks SMB")}
    with pytest.raises(MissingDataError, match="large companies is undefined: a part of it is unknown"):
        study.show.summary  # noqa: B018


def test_bounds_of_parameters_are_one_line():
    with pytest.raises(ParameterError, match="large"):
        Leverage.from_params(large=5)


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=150, years=6, seed=1)
    return of_companies(data.statements.values, data.panel, data.rate, large=50, small=90, events=[date(2008, 3, 18)])


def test_the_planted_effect_is_recovered_by_the_study(simulated):
    premium = simulated.premium.set_index("driver").loc["leverage"]
    assert 0 < premium["low"] <= DEFAULT_PLANTED.premium <= premium["high"]
    edge = simulated.interaction.set_index("driver")
    assert edge.loc["rise", "low"] <= DEFAULT_PLANTED.rate_up <= edge.loc["rise", "high"]
    assert edge.loc["fall", "low"] <= -DEFAULT_PLANTED.rate_down <= edge.loc["fall", "high"]
    assert simulated.findings["leverage_x_rate_rise"].value == edge.loc["rise", "value"]
    assert simulated.chosen_days["date"].tolist() == [pd.Timestamp("2008-03-18")]


def test_every_exhibit_shows_itself_and_its_frame(simulated):
    for name in simulated.exhibits():
        shown = simulated.show(name)
        if name in {"spread_effects", "debt_and_return"}:
            continue  # those of the bundled source
        assert not isinstance(shown, Missing), shown
        assert shown.title
        assert len(shown.data) >= (name != "excluded")  # no made-up row is impossible
        assert "{" not in shown.title + shown.deck


def test_refinancing_without_a_move_adds_nothing_and_the_case_asked_for_is_named(simulated):
    still = simulated.stresses.query("rate_move_bp == 0")
    assert (still["added"] == 0).all()
    zombies = simulated.cover.query("headline").set_index("group")["zombie_share"]
    assert still.groupby("group")["zombie_share"].first().to_dict() == pytest.approx(zombies.to_dict())
    one = simulated.stresses.query("asked").set_index("group").loc[SMALL]
    assert simulated.findings["stress_zombie_share_small"].value == one["zombie_share"]
    assert (one["rate_move_bp"], one["debt_share"]) == (200, 0.5)


def test_statements_alone_give_all_that_needs_no_prices(simulated):
    study = of_companies(simulated.companies.statements, large=50, small=90)
    for name in ("premium", "interaction", "chosen_days"):
        assert "no prices of companies" in str(study.show(name))
    assert len(study.by_year) == 12


def test_five_months_of_prices_are_too_few_and_said(simulated):
    panel = simulated.companies.panel
    short = PricePanel(panel.values.iloc[-110:], panel.card)
    study = of_companies(simulated.companies.statements, short, simulated.companies.rate, large=50, small=90)
    assert "24 are needed" in str(study.show.premium)
    assert "24 are needed" in str(study.show.interaction)
    assert study.findings["leverage_premium"].value is None


def test_bundled_spreads_are_those_of_least_squares():
    study = Leverage.from_params()
    values = load_series(open_source("bundled"), ["SMB", "RF", "MKT_RF", "AAA", "BAA"]).values
    bill = 1200 * values["RF"].diff()
    drivers = {"s": 100 * (values["BAA"] - values["AAA"]).diff(), "u": bill.clip(lower=0), "d": -bill.clip(upper=0)}
    for control, more in (("alone", {}), ("market held equal", {"m": values["MKT_RF"]})):
        table = pd.DataFrame({"y": values["SMB"], **drivers, **more}).dropna()
        exog = np.column_stack([table.drop(columns="y"), np.ones(len(table))])
        expected = np.linalg.lstsq(exog, table["y"].to_numpy(), rcond=None)[0]
        found = study.spreads[study.spreads["control"] == control]
        np.testing.assert_allclose(found["value"], expected[:3], rtol=1e-8)
        assert (found["n"] == 1108).all()  # 1926-08 to 2018-11
    slope = study.findings["small_less_large_x_spread"]
    assert slope.value == pytest.approx(-0.0530720, abs=1e-7)
    assert slope.low < -0.0530720 < slope.high < 0


def test_bundled_firms_give_one_cross_section_and_only_once_they_are_known():
    study = Leverage.from_params()
    firms = study.companies.firms_1990.values
    exog = np.column_stack([firms[["debt_to_capital", "log_net_income"]], np.ones(142)])
    expected = np.linalg.lstsq(exog, firms["price_return"].to_numpy(), rcond=None)[0]
    found = study.debt_and_return.iloc[0]
    assert (found["value"], found["n"]) == (pytest.approx(expected[0]), 142)
    assert isinstance(Leverage.from_params(as_of="1994-12-30").show.debt_and_return, Missing)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "stand-in: No company data: small caps lag 3.8 pp when spreads widen by a point"),
        ({"as_of": "1960-12-31"}, "stand-in: No company data: small caps lag 5.4 pp when spreads widen by a point"),
        ({"as_of": "1931-06-30"}, "stand-in: No company data: small caps do not clearly lag when spreads widen"),
        ({"as_of": "1928-12-31"}, "refused: 29 periods have all of spread, bill_rise, bill_fall; 40 are needed"),
        ({"as_of": "2018-12-31"}, "stand-in: "),  # the factor ends on 2018-11-30, and its next value is due on this day
        (
            {"as_of": "2019-03-31"},
            "refused: Small less large, SMB (Fama-French): the data end on 2018-11-30, long before",
        ),
    ],
)
def test_bundled_data_shows_the_proxy_and_no_made_up_company(values, said):
    study = Leverage.from_params(**values)
    assert said_by(study).startswith(said)
    assert "SIM" not in str(study.findings)
    assert isinstance(study.show.quotes, Missing)
    if said.startswith("stand-in"):
        assert study.show.hero.title == study.show.spread_effects.title
        assert study.show.hero.source.startswith("Source: Small less large, SMB")


@pytest.fixture(scope="module")
def real(shared_data):  # noqa: ARG001  # skips where it is absent
    return Leverage.from_params(**SHARED)


def plain_groups(folder):
    """Net debt and EBITDA by fiscal year and group, by dictionaries and loops, all rows as filed."""
    cells = {}
    for name in ("income", "balance", "cashflow"):
        with (folder / "simfin" / f"us-{name}-annual.csv").open(encoding="utf-8") as file:
            cells[name] = {(row["Ticker"], row["Fiscal Year"]): row for row in csv.DictReader(file, delimiter=";")}
    prices = defaultdict(dict)
    with (folder / "simfin" / "Annual_Stock_Price_Performance.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["Date"] and row["Open Price"]:
                prices[row["Ticker"]].setdefault(date.fromisoformat(row["Date"]), float(row["Open Price"]))
    found, seen = defaultdict(list), {}
    for key, income in cells["income"].items():
        balance, flow = cells["balance"][key], cells["cashflow"][key]
        published = date.fromisoformat(income["Publish Date"])
        near = {day: p for day, p in prices[key[0]].items() if 0 <= (day - published).days <= 6}
        shares = income["Shares (Basic)"] or income["Shares (Diluted)"]
        value = near[min(near)] * float(shares) if near and shares else None
        cash = balance["Cash, Cash Equivalents & Short Term Investments"]
        debt = float(balance["Short Term Debt"] or 0) + float(balance["Long Term Debt"] or 0)
        own, other = flow["Depreciation & Amortization"], income["Depreciation & Amortization"]
        depreciation = float(own) if own else -float(other) if other else None
        net_debt = debt - float(cash) if cash else None
        ebitda = float(income["Operating Income (Loss)"]) + depreciation if depreciation is not None else None
        if value is not None:
            found[int(key[1])].append((value, key[0], net_debt, ebitda))
            seen[key] = (income["Revenue"], balance["Total Assets"], cash)
    return found


def test_the_real_ratios_agree_with_a_plain_reading(real, shared_data):
    """Without the rows that rules caught and second share classes, named, the rest is counted again from the files."""
    loaded = set(zip(real.firms["company"], real.firms["fiscal_year"], strict=True))
    wrong = real.firms[real.firms["rule"] != ""]
    caught = set(zip(wrong["company"], wrong["fiscal_year"], strict=True))
    assert real.excluded["n"].sum() == len(wrong)
    every = plain_groups(shared_data)
    twice = {(name, year) for year, firms in every.items() for _, name, _, _ in firms} - loaded
    assert len(twice) < 20
    table = real.by_year.set_index(["fiscal_year", "group"])
    for year in range(2017, 2022):
        firms = sorted(f for f in every[year] if (f[1], year) not in caught | twice)[::-1]
        for group, part in ((LARGE, firms[:500]), (SMALL, firms[500:2500])):
            used = [(n, e) for _, _, n, e in part if n is not None and e is not None]
            own = table.loc[(year, group)]
            assert own["n"] == len(used)
            assert own["value"] == pytest.approx(
                math.fsum(n for n, _ in used) / math.fsum(e for _, e in used), rel=1e-9
            )
            ratios = sorted(n / e for n, e in used if e > 0)
            middle = (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
            assert own["median"] == pytest.approx(middle)
            assert own["share_no_ebitda"] == pytest.approx(sum(e <= 0 for _, e in used) / len(used))
            assert own["share_net_cash"] == pytest.approx(sum(n < 0 for n, _ in used) / len(used))


def test_the_real_headline(real):
    assert (round(real.of(LARGE).value, 2), round(real.of(SMALL).value, 2)) == (1.42, 2.72)
    assert real.quotes["verdict"].tolist() == [HOLDS, FAILS]
    assert real.show.summary.headline == "Small companies owe 2.7 times EBITDA, not more than 4"
    check_summary(real.show.summary)
    assert real.by_year["without_top"].between(1, 4).all()


def test_a_restated_value_meets_no_return_before_its_restatement(real):
    firms = real.known_firms
    assert (firms["known_from"] >= firms["published"]).all()
    assert (firms["known_from"] > firms["published"]).mean() > 0.5
    assert real.slopes["companies"].median() < 600  # of some 1,500: the others were not known yet


def test_nothing_known_later_changes_the_real_past(real):
    loaded, day = real.companies.statements, pd.Timestamp("2020-06-30")
    changed = loaded.copy()
    later = changed["known_from"] > day
    assert later.sum() > 4_000
    changed.loc[later, ["cash", "operating_income", "market_value", "total_assets"]] *= -1000.0
    tables = []
    for version in (loaded, changed):
        made = make_statements(Found(version, [], "x"), source="folder", as_of=day.date())
        tables.append(of_companies(made.values).by_year)
    assert tables[0]["fiscal_year"].max() == 2017  # of 2018 too few values stand as they were first published
    pd.testing.assert_frame_equal(*tables)
