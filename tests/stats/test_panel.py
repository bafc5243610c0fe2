"""What was known when: against plain loops, and never from the future."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.calendar import sessions_between
from research_lib.data.price_panel import month_ends
from research_lib.data.simulated import Planted, simulate_panel
from research_lib.stats.cross_section import fama_macbeth, portfolio_sort
from research_lib.stats.panel import build_panel, latest_known, rolling_beta, size_groups, winsorise
from research_lib.stats.ratios import LARGE, SMALL, measure
from tests.companies import company, measured

DATES = pd.DatetimeIndex(
    ["2021-02-26", "2021-03-01", "2021-03-02", "2021-06-30", "2022-03-31", "2022-12-30"], name="date"
)
COMPANIES = pd.Index(["A", "B"])


def known_years(*firms, dates=DATES):
    rows = measured(*firms)
    return latest_known(rows, dates, COMPANIES).take(rows["fiscal_year"].to_numpy(dtype=float))[:, 0].tolist()


def test_a_report_is_known_the_day_after():
    """It may come after the close of its own day."""
    years = known_years(company("A", 2020, known_from=pd.Timestamp("2021-03-01")))
    assert years[:4] == pytest.approx([np.nan, np.nan, 2020, 2020], nan_ok=True)


def test_a_report_grows_too_old():
    years = known_years(company("A", 2020, known_from=pd.Timestamp("2021-03-01")))
    assert years[4:] == pytest.approx([2020, np.nan], nan_ok=True)  # 455 and 729 days after its period's end


def test_a_late_report_of_an_earlier_period_changes_nothing():
    late = company("A", 2019, known_from=pd.Timestamp("2021-03-15"))
    assert known_years(company("A", 2020, known_from=pd.Timestamp("2021-03-01")), late)[3] == 2020


def test_latest_known_agrees_with_a_loop():
    rng = np.random.default_rng(0)
    dates = pd.date_range("2018-01-31", periods=40, freq="ME", unit="us")
    names = pd.Index([f"C{number}" for number in range(25)])
    firms = measured(
        *(
            company(
                name, year, known_from=pd.Timestamp(f"{year + 1}-01-01") + pd.Timedelta(days=int(rng.integers(10, 500)))
            )
            for name in [*names, "NO PRICE"]
            for year in range(2016, 2021)
        )
    )
    found = latest_known(firms, dates, names).take(firms["fiscal_year"].to_numpy(dtype=float))
    for row, day in enumerate(dates):
        for column, name in enumerate(names):
            own = firms[(firms["company"] == name) & (firms["known_from"] < day)]
            last = own[own["period_end"] == own["period_end"].max()]
            fresh = len(last) and (day - last["period_end"].iloc[0]).days <= 550
            expected = last["fiscal_year"].iloc[0] if fresh else np.nan
            assert found[row, column] == pytest.approx(expected, nan_ok=True)


@pytest.fixture(scope="module")
def simulated():
    return simulate_panel(companies=60, years=4, seed=2)


def test_the_panel_agrees_with_a_loop(simulated):
    firms, prices = measure(simulated.fundamentals.rows), simulated.prices.values
    months = month_ends(simulated.prices)
    panel = build_panel(firms, prices, months, groups=(10, 20))
    checked = 0
    for begin, end in zip(months[10:-1:7], months[11::7], strict=False):
        known = firms[firms["known_from"] < begin].groupby("company").last()
        known = known[(begin - known["period_end"]).dt.days <= 550]
        at = panel.xs(end, level="date")
        assert set(at.index) == set(known.index)
        ratio = (known["net_debt"] / known["ebitda"]).where(known["ebitda"] > 0)
        np.testing.assert_allclose(at["ratio"], ratio[at.index])
        np.testing.assert_allclose(at["return"], (prices.loc[end] / prices.loc[begin] - 1)[at.index])
        np.testing.assert_allclose(at["size"], np.log(known["market_value"])[at.index])
        assert (at["negative"] == (known["ebitda"] <= 0)[at.index]).all()
        bounds = ratio.quantile([0.05, 0.95])
        np.testing.assert_allclose(at["leverage"], ratio.clip(*bounds).fillna(0)[at.index])
        rank = known["market_value"].rank(ascending=False)
        assert set(at.index[at["group"] == LARGE]) == set(rank.index[rank <= 10])
        assert set(at.index[at["group"] == SMALL]) == set(rank.index[(rank > 10) & (rank <= 30)])
        checked += len(at)
    assert checked > 150


def test_beta_agrees_with_a_regression(simulated):
    prices = simulated.prices.values.copy()
    prices.iloc[100:140, 3] = np.nan
    market = simulated.prices.values.mean(axis=1)
    betas = rolling_beta(prices, market)
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
    firms, prices, months = measure(simulated.fundamentals.rows), simulated.prices.values, month_ends(simulated.prices)
    cut = months[20]
    later = prices.copy()
    later[later.index > cut] *= np.random.default_rng(0).uniform(0.5, 2, later[later.index > cut].shape)
    before, after = (up_to(build_panel(firms, p, months), cut) for p in (prices, later))
    pd.testing.assert_frame_equal(before, after)


def test_no_report_after_the_period_matters(simulated):
    firms, months = measure(simulated.fundamentals.rows), month_ends(simulated.prices)
    cut = months[20]
    changed = firms.copy()
    future = changed["known_from"] >= months[19]  # the report of the day on which the last period begins is too late
    changed.loc[future, ["net_debt", "ebitda", "market_value"]] *= -7.0
    panels = [up_to(build_panel(rows, simulated.prices.values, months), cut) for rows in (firms, changed)]
    assert future.any()
    pd.testing.assert_frame_equal(*panels)


def test_taking_the_period_end_for_the_publication_would_find_what_no_one_could_earn():
    """A look-ahead effect is planted between the year's end and publication; the study must not find it."""
    premiums = {"known_from": [], "period_end": []}
    for seed in range(3):
        data = simulate_panel(companies=120, years=6, planted=Planted(0, 0, 0, leak=0.2), seed=seed)
        firms, months = measure(data.fundamentals.rows), month_ends(data.prices)
        for column, found in premiums.items():
            panel = build_panel(firms.assign(known_from=firms[column]), data.prices.values, months)
            table = fama_macbeth(panel, ["leverage", "negative"]).table
            found.append((table.loc["leverage"], portfolio_sort(panel).premium))
    assert all(honest["low"] <= 0 <= honest["high"] for honest, _ in premiums["known_from"])
    assert all(cheat["low"] > 0 for cheat, _ in premiums["period_end"])
    honest, cheat = (np.mean([spread.mean for _, spread in premiums[name]]) for name in ("known_from", "period_end"))
    assert cheat > 0.02
    assert abs(honest) < 0.005


def test_size_groups_wait_until_enough_companies_are_known():
    value = np.array([[5.0, 4.0, 3.0, 2.0], [5.0, np.nan, 3.0, np.nan]])
    assert size_groups(value, 2, 1).tolist() == [[LARGE, LARGE, SMALL, ""], ["", "", "", ""]]


def test_winsorising_is_by_date_and_keeps_gaps():
    values = np.vstack([np.arange(101.0), np.full(101, np.nan)])
    values[0, 50] = np.nan
    pulled = winsorise(values, share=0.1)
    expected = np.nanquantile(values[0], [0.1, 0.9])
    assert (np.nanmin(pulled[0]), np.nanmax(pulled[0])) == tuple(expected)
    assert np.isnan(pulled[0, 50])
    assert np.isnan(pulled[1]).all()


def test_winsorising_takes_numpys_quantiles_however_many_are_known():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(60, 40))
    values[rng.random(values.shape) < np.linspace(0, 1, 60)[:, None]] = np.nan
    for row, pulled in zip(values, winsorise(values, share=0.07), strict=True):
        low, high = np.nanquantile(row, [0.07, 0.93]) if np.isfinite(row).any() else (np.nan, np.nan)
        np.testing.assert_allclose(pulled, np.clip(row, low, high), rtol=1e-12)


def test_a_company_without_a_next_price_has_no_return():
    days = sessions_between(pd.Timestamp("2021-01-04"), pd.Timestamp("2021-06-30"))
    prices = pd.DataFrame({"A": 10.0, "B": 10.0}, index=days.rename("date"))
    prices.loc["2021-05-03":, "B"] = np.nan
    months = pd.DatetimeIndex(["2021-03-31", "2021-04-30", "2021-05-28"], name="date")
    panel = build_panel(measured(company("A"), company("B")), prices, months)
    assert panel.index.tolist() == [("A", months[1]), ("A", months[2]), ("B", months[1])]
