"""The study on hand-made companies, on simulated ones, and on the real files against a plain reading of them."""

import csv
import math
from collections import defaultdict
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.fundamentals import load_fundamentals, make_fundamentals
from research_lib.data.fundamentals.bundled_firms import load_bundled_firms
from research_lib.data.price_panel import load_price_panel
from research_lib.data.simulated import DEFAULT_PLANTED, simulate_panel
from research_lib.errors import InsufficientDataError
from research_lib.stats.cross_section import rate_interaction, rises_and_falls
from research_lib.stats.ratios import LARGE, SMALL
from research_lib.studies.leverage import (
    Options,
    check_quote,
    cover_and_zombies,
    debt_and_return,
    definitions,
    double_edge,
    events,
    explain,
    indebtedness,
    leverage_premium,
    monthly_returns,
    negative_as_filed,
    prepare,
    refinancing,
    set_aside,
    size_on_spreads,
    sorts,
)
from tests.companies import company, rows

GROUPS = [LARGE, SMALL]


def made(*companies, **options):
    return prepare(make_fundamentals(rows(*companies), source="folder", origin="made"), options=Options(**options))


def sized(name, value, **values):
    return company(name, market_value=value, price=10.0, **values)


# Large: net debt 40 and 60, EBITDA 20 and 20. Small: 40 and 160, 20 and 10.
HAND_MADE = (
    sized("L1", 900.0),
    sized("L2", 800.0, long_term_debt=70.0),
    sized("S1", 300.0),
    sized("S2", 200.0, long_term_debt=170.0, total_liabilities=200.0, operating_income=5.0),
    sized("TINY", 100.0),
)
WRONG = sized("WRONG", 1000.0, cash=20_000.0)  # more cash than assets: alone it turns the ratio negative


def test_hand_made_groups_have_the_ratios_of_arithmetic():
    table = indebtedness(made(*HAND_MADE, large=2, small=2, draws=10))["ratio"]
    assert table.to_dict() == {(2020, LARGE): 100 / 40, (2020, SMALL): 200 / 30}


def test_a_negative_ratio_is_explained_by_name_with_the_clean_one_beside():
    firms = made(*HAND_MADE, WRONG, large=3, small=1, draws=10)
    (found,) = negative_as_filed(firms)
    assert (found.fiscal_year, found.group) == (2020, LARGE)
    assert found.as_filed == (100 - 19_940) / 60  # L1, L2 and WRONG
    assert found.without_caught == 100 / 40
    assert found.cleaned.ratio == 140 / 60  # S1 takes its place
    assert found.rows["company"].iloc[0] == "WRONG"
    assert found.rows["rule"].iloc[0] == "cash above total assets"
    assert found.rows["ratio_without"].iloc[0] == 100 / 40
    assert set_aside(firms)[["company", "rule"]].values.tolist() == [["WRONG", "cash above total assets"]]
    assert definitions(firms).loc[(2020, LARGE), "as_filed"] == found.as_filed


def test_financials_are_out_where_sectors_are_known():
    bank = sized("BANK", 950.0, sector="Financial Services", long_term_debt=110.0)
    firms = made(*HAND_MADE, bank, large=3, small=2, draws=10)
    table = definitions(firms).loc[(2020, LARGE)]
    assert (table["sum_over_sum"], table["with_financials"]) == (100 / 40, 200 / 60)
    assert table["without_financials"] == 100 / 40
    assert firms.sector_share == 1 / 6
    kept = made(*HAND_MADE, bank, large=3, small=2, draws=10, exclude_financials=False)
    assert indebtedness(kept).loc[(2020, LARGE), "ratio"] == 200 / 60


def test_without_sectors_no_one_claims_to_have_left_financials_out():
    firms = made(*HAND_MADE, large=2, small=2, draws=10)
    assert firms.sector_share == 0
    assert definitions(firms)["without_financials"].isna().all()


def test_the_quote_is_held_against_both_groups():
    many = [sized(f"L{n:02d}", 900.0 + n, cash=32.0) for n in range(30)]  # 28 / 20
    few = [sized(f"S{n:02d}", 300.0 + n, long_term_debt=110.0) for n in range(30)]  # 100 / 20
    check = check_quote(made(*many, *few, large=30, small=30, draws=200))
    assert (check.large.ratio, check.small.ratio) == (1.4, 5.0)
    assert check.large_holds
    assert check.small_holds is True
    assert (check.gap, check.gap_low, check.gap_high) == pytest.approx((3.6, 3.6, 3.6))
    low = [sized(f"S{n:02d}", 300.0 + n) for n in range(30)]
    assert check_quote(made(*many, *low, large=30, small=30, draws=200)).small_holds is False
    mixed = [sized(f"S{n:02d}", 300.0 + n, long_term_debt=32.0 + 4 * n, total_liabilities=200.0) for n in range(30)]
    assert check_quote(made(*many, *mixed, large=30, small=30, draws=200)).small_holds is None


def test_one_group_alone_is_said_to_be_too_little():
    with pytest.raises(InsufficientDataError, match=r"no fiscal year has companies in both size groups"):
        check_quote(made(*HAND_MADE, large=10, small=10))


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=150, years=6, seed=1)
    return data, prepare(data.fundamentals, options=Options(large=50, small=90, draws=50))


def test_every_exhibit_of_simulated_companies_says_that_they_are(simulated):
    data, firms = simulated
    assert firms.simulated
    assert monthly_returns(firms, data.prices).simulated


def test_the_planted_effect_is_recovered_by_the_study(simulated):
    data, firms = simulated
    returns = monthly_returns(firms, data.prices)
    premium = leverage_premium(returns)
    assert set(premium) == {"all", LARGE, SMALL}
    for result in premium.values():
        own = result.table.loc["leverage"]
        assert own["low"] <= DEFAULT_PLANTED.premium <= own["high"]
    edge = double_edge(returns, data.rate)["all"].table
    assert edge.loc["leverage x up", "low"] <= DEFAULT_PLANTED.rate_up <= edge.loc["leverage x up", "high"]
    assert edge.loc["leverage x down", "low"] <= DEFAULT_PLANTED.rate_down <= edge.loc["leverage x down", "high"]
    found = sorts(returns)
    assert found["all"].premium.low > 0
    assert set(found) == {"all", LARGE, SMALL}


def test_a_regime_is_the_one_known_when_the_month_begins(simulated):
    data, firms = simulated
    returns = monthly_returns(firms, data.prices)
    first, middle = returns.months[0], returns.months[40]
    table = double_edge(returns, data.rate, easing=pd.Series([False, True], [first, middle]))["all"].table
    moves = rises_and_falls(data.rate, returns.months)
    by_hand = rate_interaction(
        returns.panel, moves.assign(easing=moves.index > middle), controls=["size", "beta"]
    ).table
    pd.testing.assert_frame_equal(table, by_hand)
    day_after = pd.Series([False, True], [first, middle + pd.Timedelta(days=1)])
    later = double_edge(returns, data.rate, easing=day_after)["all"].table
    by_hand = moves.assign(easing=moves.index > returns.months[41])  # it was not yet known at the month's end
    pd.testing.assert_frame_equal(later, rate_interaction(returns.panel, by_hand, controls=["size", "beta"]).table)


def test_the_study_needs_prices_only_for_returns(simulated):
    _, firms = simulated
    with pytest.raises(InsufficientDataError, match=r"no prices of companies .*nothing can be said of returns"):
        monthly_returns(firms, None)
    assert len(indebtedness(firms)) == 12


def test_coverage_counts_companies_without_prices(simulated):
    data, firms = simulated
    prices = data.prices
    priced = prices.values.columns[:100]
    fewer = type(prices)(prices.values[priced], prices.card, 1.0, simulated=True)
    table = monthly_returns(firms, fewer).coverage
    assert table["n"].loc[2008].to_dict() == {LARGE: 50, SMALL: 90}
    chosen = firms.chosen[firms.chosen["fiscal_year"] == 2008]
    for group in GROUPS:
        own = chosen[chosen["group"] == group]
        assert table.loc[(2008, group), "priced"] == own["company"].isin(priced).sum()
        value = own["market_value"]
        assert table.loc[(2008, group), "value_share"] == pytest.approx(
            value[own["company"].isin(priced)].sum() / value.sum()
        )
    assert monthly_returns(firms, fewer).survivors_only


def test_refinancing_without_a_move_is_the_plain_zombie_share(simulated):
    _, firms = simulated
    result = refinancing(firms)
    plain = cover_and_zombies(firms)
    for group in GROUPS:
        still = result.table[(result.table["group"] == group) & (result.table["rate_move_bp"] == 0)]
        assert still["zombie_share"].unique() == pytest.approx([plain.loc[(result.fiscal_year, group), "zombie_share"]])
    assert len(result.table) == 2 * 8 * 5
    assert set(result.break_even["group"]) == set(GROUPS)


def test_event_days_come_as_a_table(simulated):
    data, firms = simulated
    found = events(firms, data.prices, ["2008-03-18"])
    assert found.days[["asked", "session"]].values.tolist() == [["2008-03-18", "2008-03-18"]]
    assert len(found.slopes) > 1_000


def test_bundled_spreads_are_a_proxy_since_1926():
    values = load_series(open_source("bundled"), ["SMB", "RF", "AAA", "BAA"]).values
    result = size_on_spreads(values[["SMB"]], bill_rate=values["RF"], aaa=values["AAA"], baa=values["BAA"])["SMB"]
    assert result.n == 1108  # 1926-08 to 2018-11
    spread = 100 * (values["BAA"] - values["AAA"]).diff()
    bill = 1200 * values["RF"].diff()
    table = pd.DataFrame({"y": values["SMB"], "s": spread, "u": bill.clip(lower=0), "d": bill.clip(upper=0)}).dropna()
    exog = np.column_stack([table[["s", "u", "d"]], np.ones(len(table))])
    expected = np.linalg.lstsq(exog, table["y"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(result.table["coefficient"], expected, rtol=1e-8)


def test_bundled_firms_give_one_cross_section():
    firms = load_bundled_firms()
    result = debt_and_return(firms)
    assert result.n == 142
    exog = np.column_stack([firms.values[["debt_to_capital", "log_net_income"]], np.ones(142)])
    expected = np.linalg.lstsq(exog, firms.values["price_return"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(result.table["coefficient"], expected, rtol=1e-8)


@pytest.fixture(scope="module")
def real(shared_data):
    return prepare(load_fundamentals(open_source("folder", data_dir=str(shared_data))), options=Options(draws=200))


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
    found = defaultdict(list)
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
    return {
        (year, group): part
        for year, firms in found.items()
        for group, part in ((LARGE, sorted(firms)[::-1][:500]), (SMALL, sorted(firms)[::-1][500:2500]))
    }


def test_real_ratios_as_filed_agree_with_a_plain_reading(real, shared_data):
    groups = plain_groups(shared_data)
    table = definitions(real)
    for year in range(2017, 2022):
        for group in GROUPS:
            used = [(n, e) for _, _, n, e in groups[year, group] if n is not None and e is not None]
            ratio = math.fsum(n for n, _ in used) / math.fsum(e for _, e in used)
            assert table.loc[(year, group), "as_filed"] == pytest.approx(ratio, rel=1e-9)


def test_real_clean_ratios_medians_and_shares_agree_with_a_plain_reading(real, shared_data):
    """With the rows that rules caught named, the rest is counted again from the files."""
    caught = set(zip(set_aside(real)["company"], set_aside(real)["fiscal_year"], strict=True))
    table = indebtedness(real)
    every = plain_groups(shared_data)
    for year in range(2017, 2022):
        firms = [f for group in GROUPS for f in every[year, group] if (f[1], year) not in caught]
        for group, part in ((LARGE, firms[:500]), (SMALL, firms[500:])):
            used = [(n, e) for _, _, n, e in part if n is not None and e is not None]
            own = table.loc[(year, group)]
            assert (own["n"], own["n_used"]) == (len(part), len(used))
            assert own["ratio"] == pytest.approx(
                math.fsum(n for n, _ in used) / math.fsum(e for _, e in used), rel=1e-9
            )
            ratios = sorted(n / e for n, e in used if e > 0)
            middle = (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
            assert own["median"] == pytest.approx(middle)
            assert own["negative_ebitda_share"] == pytest.approx(sum(e <= 0 for _, e in used) / len(used))
            assert own["net_cash_share"] == pytest.approx(sum(n < 0 for n, _ in used) / len(used))


def test_the_real_year_that_files_a_negative_ratio_is_explained(real):
    (found,) = negative_as_filed(real)
    assert (found.fiscal_year, found.group) == (2019, LARGE)
    assert found.as_filed < -3
    heavy = found.rows[found.rows["moves_by"].abs() > 1]
    assert set(heavy["company"]) == {"JD", "TM", "HMC"}
    assert (heavy["rule"] != "").all()
    assert 1 < found.without_caught < 2.5
    assert 1 < found.cleaned.low < found.cleaned.ratio < found.cleaned.high < 2.5


def test_the_real_ratios_hang_on_no_five_rows_once_cleaned(real):
    table = indebtedness(real).loc[2017:]
    assert table["ratio"].between(1, 4).all()
    assert (table["top_share"].abs() < 0.3).all()
    assert (table["coverage"] > 0.95).all()
    loosest = explain(real, 2021, SMALL)
    assert loosest.as_filed > 100 > loosest.cleaned.high


def test_nothing_published_later_changes_the_real_past(shared_data):
    folder = open_source("folder", data_dir=str(shared_data))
    loaded = load_fundamentals(folder).rows
    known = loaded["known_from"] <= "2020-06-30"
    changed = loaded.copy()
    numbers = ["cash", "operating_income", "market_value", "total_assets"]
    changed.loc[~known, numbers] *= -1000.0
    tables = []
    for version in (loaded, changed):
        data = make_fundamentals(version, source="folder", origin="x", as_of=date(2020, 6, 30))
        tables.append(indebtedness(prepare(data, options=Options(draws=10))))
    assert (~known).sum() > 4_000
    pd.testing.assert_frame_equal(*tables)


def test_the_real_returns_know_what_they_cover(real, shared_data):
    returns = monthly_returns(real, load_price_panel(open_source("folder", data_dir=str(shared_data))))
    assert returns.survivors_only
    assert returns.coverage["share"].between(0.5, 1).all()
    assert (returns.coverage["share"].loc[2018:].xs(LARGE, level="group") > 0.8).all()
