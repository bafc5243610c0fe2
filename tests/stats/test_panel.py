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

DAY, NAN = pd.Timestamp, np.nan
# The last two are 550 and 551 days after the end of 2020.
DATES = pd.to_datetime(["2021-02-26", "2021-03-01", "2021-03-02", "2021-06-30", "2022-07-04", "2022-07-05"])
KNOWN = [  # fiscal years, when they are known from, and which of them counts on each of the dates
    ({2020: "2021-03-01"}, [NAN, NAN, 2020, 2020, 2020, NAN]),  # from the day after: a report may come after the close
    ({2020: "2021-06-01", 2019: "2020-01-31"}, [2019, 2019, 2019, 2020, 2020, NAN]),
    ({2020: "2021-03-01", 2019: "2021-03-15"}, [NAN, NAN, 2020, 2020, 2020, NAN]),  # a late report of an earlier period
    ({2020: None}, [NAN] * 6),
]


@pytest.mark.parametrize(("firms", "years"), KNOWN)
def test_what_counts_on_a_date_was_published_before(firms, years):
    table = measured(*(company("A", year, known_from=pd.Timestamp(day)) for year, day in firms.items()))
    known = latest_known(table, DATES, pd.Index(["A", "B"]))
    assert as_known(table["fiscal_year"], known)[:, 0].tolist() == pytest.approx(years, nan_ok=True)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_latest_known_agrees_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    dates, names = pd.date_range("2018-01-31", periods=20, freq="2ME", unit="us"), pd.Index(["C0", "C1", "C2", "C3"])
    firms = measured(
        *(company(name, year, known_from=DAY(f"{year + 1}-01-01") + pd.Timedelta(days=int(rng.integers(10, 500))))
          for name in [*names, "NO PRICE"] for year in range(2016, 2021))
    )  # fmt: skip
    found = as_known(firms["fiscal_year"], latest_known(firms, dates, names))
    for row, day in enumerate(dates):
        latest = firms[firms["known_from"] < day].groupby("company")[["fiscal_year", "period_end"]].max().reindex(names)
        fresh = (day - latest["period_end"]).dt.days <= 550
        np.testing.assert_array_equal(found[row], latest["fiscal_year"].where(fresh))


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=60, years=4, seed=2)
    return add_ratios(data.statements.values), data.panel.values, month_ends(data.panel)


def test_the_panel_agrees_with_a_loop(simulated):
    firms, prices, months = simulated
    firms = firms.assign(ebitda=firms["ebitda"].where(firms["company"] != firms["company"].iloc[0], 0.0))
    panel, checked = build_panel(firms, prices, months), 0
    for begin, end in zip(months[10:-1:7], months[11::7], strict=False):
        known = firms[firms["known_from"] < begin].groupby("company").last()
        known = known[(begin - known["period_end"]).dt.days <= 550]
        at = panel.xs(end, level="date")
        assert set(at.index) == set(known.index)
        ratio = (known["net_debt"] / known["ebitda"]).where(known["ebitda"] > 0)
        expected = pd.DataFrame(
            {
                "return": (prices.loc[end] / prices.loc[begin] - 1)[known.index],
                "negative": (known["ebitda"] <= 0).astype(float),
                "leverage": ratio.clip(*ratio.quantile([0.05, 0.95])).fillna(0),
                "size": np.log(known["market_value"]),
            }
        )
        pd.testing.assert_frame_equal(at[[*expected]], expected.loc[at.index], check_names=False)
        checked += len(at)
    assert checked > 150


def test_beta_agrees_with_a_regression(simulated):
    prices, market = simulated[1].copy(), simulated[1].mean(axis=1)
    prices.iloc[100:140, 3] = np.nan
    betas = rolling_beta(prices, prices.index, market=market)
    returns, driver = prices.pct_change(fill_method=None), market.pct_change()
    for row in (300, 500, len(prices) - 1):
        for column in (0, 3, 17):
            window = pd.concat([returns.iloc[:, column], driver], axis=1).iloc[row - 251 : row + 1].dropna()
            expected = np.polyfit(window.iloc[:, 1], window.iloc[:, 0], 1)[0]
            assert betas[row, column] == pytest.approx(expected, rel=1e-8)
    assert np.isfinite(betas[[125, 126], 0]).tolist() == [False, True]  # 126 sessions are needed
    own = returns.mean(axis=1)  # by default the market is the mean return
    expected = own.iloc[249:501].cov(returns.iloc[249:501, 0]) / own.iloc[249:501].var()
    assert rolling_beta(prices, prices.index)[500, 0] == pytest.approx(expected)


def test_nothing_after_the_period_matters(simulated):
    """Neither a later price nor a later report; that of the day on which the last period begins is too late as well."""
    firms, prices, months = simulated
    cut, later, changed = months[20], prices.copy(), firms.copy()
    later[later.index > cut] *= np.random.default_rng(0).uniform(0.5, 2, later[later.index > cut].shape)
    future = changed["known_from"] >= months[19]
    assert future.any()
    changed.loc[future, ["net_debt", "ebitda", "market_value"]] *= -7.0
    panels = [build_panel(*given, months) for given in ((firms, prices), (firms, later), (changed, prices))]
    before, *others = (panel[panel.index.get_level_values("date") <= cut] for panel in panels)
    for other in others:
        pd.testing.assert_frame_equal(before, other)


def test_taking_the_period_end_for_the_publication_would_find_what_no_one_could_earn():
    """A look-ahead effect is planted between the year's end and publication; the study must not find it."""
    found = {"known_from": [], "period_end": []}
    for seed in range(3):
        data = simulate_panel(companies=120, years=6, planted=Planted(0, 0, 0, leak=0.2), seed=seed)
        firms, months = add_ratios(data.statements.values), month_ends(data.panel)
        for column, slopes in found.items():
            panel = build_panel(firms.assign(known_from=firms[column]), data.panel.values, months)
            slopes.append(fama_macbeth(monthly_slopes(panel, ["leverage", "negative"])).loc["leverage"])
    honest, cheat = (pd.DataFrame(slopes) for slopes in found.values())
    assert ((honest["low"] <= 0) & (honest["high"] >= 0)).all()
    assert (cheat["low"] > 0).all()
    assert cheat["value"].mean() > 0.004
    assert abs(honest["value"].mean()) < 0.001


@given(st.integers(0, 10_000))
def test_a_ratio_is_winsorised_by_date_at_numpys_quantiles(seed):
    rng = np.random.default_rng(seed)
    net_debt, ebitda = rng.normal(size=(2, 5, 40))
    ebitda[rng.random(ebitda.shape) < np.linspace(0, 1, 5)[:, None]] = np.nan
    for debt, income, pulled in zip(net_debt, ebitda, winsorised_ratio(net_debt, ebitda), strict=True):
        ratio = np.where(income > 0, debt / income, np.nan)
        bounds = np.nanquantile(ratio, [0.05, 0.95]) if np.isfinite(ratio).any() else (np.nan, np.nan)
        np.testing.assert_allclose(pulled, np.clip(ratio, *bounds), rtol=1e-12)


def test_a_company_without_a_next_price_has_no_return():
    days = sessions_between(DAY("2021-01-04"), DAY("2021-06-30"))
    prices = pd.DataFrame({"A": 10.0, "B": 10.0}, index=days.rename("date"))
    prices.loc["2021-05-03":, "B"] = np.nan
    months = pd.DatetimeIndex(["2021-03-31", "2021-04-30", "2021-05-28"], name="date")
    panel = build_panel(measured(company("A"), company("B")), prices, months)
    assert panel.index.tolist() == [("A", months[1]), ("A", months[2]), ("B", months[1])]
