"""What was known when: against plain loops, and never from the future."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research_lib.data.calendar import sessions_between
from research_lib.data.companies import month_ends
from research_lib.stats.cross_section import fama_macbeth, monthly_slopes
from research_lib.stats.leverage import add_ratios
from research_lib.stats.panel import as_known, build_panel, latest_known, rolling_beta, winsorised_ratio
from tests.companies import company, measured
from tests.data.simulated import Planted, simulate_panel

DATES = pd.DatetimeIndex(
    ["2021-02-26", "2021-03-01", "2021-03-02", "2021-06-30", "2022-03-31", "2022-12-30"], name="date"
)


def known_years(*firms, dates=DATES):
    rows = measured(*firms)
    known = latest_known(rows, dates, pd.Index(["A", "B"]))
    return as_known(rows["fiscal_year"], known)[:, 0].tolist()


def test_a_report_is_known_the_day_after():
    """It may come after the close of its own day."""
    years = known_years(company("A", 2020, known_from=pd.Timestamp("2021-03-01")))
    assert years[:4] == pytest.approx([np.nan, np.nan, 2020, 2020], nan_ok=True)


def test_a_restated_value_is_not_known_before_its_restatement():
    restated = company("A", 2020, published=pd.Timestamp("2021-01-31"), known_from=pd.Timestamp("2021-06-01"))
    first = company("A", 2019, published=pd.Timestamp("2020-01-31"), known_from=pd.Timestamp("2020-01-31"))
    assert known_years(restated, first)[:4] == [2019, 2019, 2019, 2020]


def test_a_report_grows_too_old():
    years = known_years(company("A", 2020, known_from=pd.Timestamp("2021-03-01")))
    assert years[4:] == pytest.approx([2020, np.nan], nan_ok=True)  # 455 and 729 days after its period's end


def test_a_late_report_of_an_earlier_period_changes_nothing():
    late = company("A", 2019, known_from=pd.Timestamp("2021-03-15"))
    assert known_years(company("A", 2020, known_from=pd.Timestamp("2021-03-01")), late)[3] == 2020


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_latest_known_agrees_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2018-01-31", periods=20, freq="2ME", unit="us")
    names = pd.Index([f"C{number}" for number in range(6)])

    def reported(name, year):
        day = pd.Timestamp(f"{year + 1}-01-01") + pd.Timedelta(days=int(rng.integers(10, 500)))
        return company(name, year, known_from=day)

    firms = measured(*(reported(name, year) for name in [*names, "NO PRICE"] for year in range(2016, 2021)))
    found = as_known(firms["fiscal_year"], latest_known(firms, dates, names))
    for row, day in enumerate(dates):
        for column, name in enumerate(names):
            own = firms[(firms["company"] == name) & (firms["known_from"] < day)]
            last = own[own["period_end"] == own["period_end"].max()]
            fresh = len(last) and (day - last["period_end"].iloc[0]).days <= 550
            expected = last["fiscal_year"].iloc[0] if fresh else np.nan
            assert found[row, column] == pytest.approx(expected, nan_ok=True)


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=60, years=4, seed=2)
    return add_ratios(data.statements.values), data.panel.values, month_ends(data.panel)


def test_the_panel_agrees_with_a_loop(simulated):
    firms, prices, months = simulated
    panel = build_panel(firms, prices, months)
    checked = 0
    for begin, end in zip(months[10:-1:7], months[11::7], strict=False):
        known = firms[firms["known_from"] < begin].groupby("company").last()
        known = known[(begin - known["period_end"]).dt.days <= 550]
        at = panel.xs(end, level="date")
        assert set(at.index) == set(known.index)
        ratio = (known["net_debt"] / known["ebitda"]).where(known["ebitda"] > 0)
        np.testing.assert_allclose(at["return"], (prices.loc[end] / prices.loc[begin] - 1)[at.index])
        np.testing.assert_allclose(at["size"], np.log(known["market_value"])[at.index])
        assert (at["negative"] == (known["ebitda"] <= 0)[at.index]).all()
        bounds = ratio.quantile([0.05, 0.95])
        np.testing.assert_allclose(at["leverage"], ratio.clip(*bounds).fillna(0)[at.index])
        checked += len(at)
    assert checked > 150


def test_beta_agrees_with_a_regression(simulated):
    prices = simulated[1].copy()
    prices.iloc[100:140, 3] = np.nan
    market = simulated[1].mean(axis=1)
    betas = rolling_beta(prices, prices.index, market=market)
    returns, driver = prices.pct_change(fill_method=None), market.pct_change()
    for row in (300, 500, len(prices) - 1):
        for column in (0, 3, 17):
            window = pd.concat([returns.iloc[:, column], driver], axis=1).iloc[row - 251 : row + 1].dropna()
            expected = np.polyfit(window.iloc[:, 1], window.iloc[:, 0], 1)[0]
            assert betas[row, column] == pytest.approx(expected, rel=1e-8)
    assert np.isnan(betas[100]).all()  # too few sessions
    assert np.isfinite(betas[140, 0])


def up_to(panel, day):
    return panel[panel.index.get_level_values("date") <= day]


def test_no_price_after_the_period_matters(simulated):
    firms, prices, months = simulated
    cut = months[20]
    later = prices.copy()
    later[later.index > cut] *= np.random.default_rng(0).uniform(0.5, 2, later[later.index > cut].shape)
    before, after = (up_to(build_panel(firms, p, months), cut) for p in (prices, later))
    pd.testing.assert_frame_equal(before, after)


def test_no_report_after_the_period_matters(simulated):
    firms, prices, months = simulated
    cut, changed = months[20], firms.copy()
    future = changed["known_from"] >= months[19]  # the report of the day on which the last period begins is too late
    changed.loc[future, ["net_debt", "ebitda", "market_value"]] *= -7.0
    assert future.any()
    pd.testing.assert_frame_equal(*(up_to(build_panel(rows, prices, months), cut) for rows in (firms, changed)))


def test_taking_the_period_end_for_the_publication_would_find_what_no_one_could_earn():
    """A look-ahead effect is planted between the year's end and publication; the study must not find it."""
    premiums = {"known_from": [], "period_end": []}
    for seed in range(3):
        data = simulate_panel(companies=120, years=6, planted=Planted(0, 0, 0, leak=0.2), seed=seed)
        firms, months = add_ratios(data.statements.values), month_ends(data.panel)
        for column, found in premiums.items():
            panel = build_panel(firms.assign(known_from=firms[column]), data.panel.values, months)
            found.append(fama_macbeth(monthly_slopes(panel, ["leverage", "negative"])).loc["leverage"])
    assert all(honest["low"] <= 0 <= honest["high"] for honest in premiums["known_from"])
    assert all(cheat["low"] > 0 for cheat in premiums["period_end"])
    honest, cheat = (np.mean([slope["value"] for slope in premiums[name]]) for name in ("known_from", "period_end"))
    assert cheat > 0.004
    assert abs(honest) < 0.001


@given(st.integers(0, 10_000))
def test_a_ratio_is_winsorised_by_date_at_numpys_quantiles(seed):
    rng = np.random.default_rng(seed)
    net_debt, ebitda = rng.normal(size=(2, 5, 40))
    ebitda[rng.random(ebitda.shape) < np.linspace(0, 1, 5)[:, None]] = np.nan
    for debt, income, pulled in zip(net_debt, ebitda, winsorised_ratio(net_debt, ebitda), strict=True):
        ratio = np.where(income > 0, debt / income, np.nan)
        low, high = np.nanquantile(ratio, [0.05, 0.95]) if np.isfinite(ratio).any() else (np.nan, np.nan)
        np.testing.assert_allclose(pulled, np.clip(ratio, low, high), rtol=1e-12)


def test_a_company_without_a_next_price_has_no_return():
    days = sessions_between(pd.Timestamp("2021-01-04"), pd.Timestamp("2021-06-30"))
    prices = pd.DataFrame({"A": 10.0, "B": 10.0}, index=days.rename("date"))
    prices.loc["2021-05-03":, "B"] = np.nan
    months = pd.DatetimeIndex(["2021-03-31", "2021-04-30", "2021-05-28"], name="date")
    panel = build_panel(measured(company("A"), company("B")), prices, months)
    assert panel.index.tolist() == [("A", months[1]), ("A", months[2]), ("B", months[1])]
