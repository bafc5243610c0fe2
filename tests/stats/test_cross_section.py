"""Slopes, premiums, rate interactions and chosen days against plain loops, and under planted and no effects."""

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import FamaMacBeth

from research_lib.data.companies import month_ends
from research_lib.errors import InsufficientDataError
from research_lib.stats.cross_section import daily_slopes, event_days, fama_macbeth, monthly_slopes, rises_and_falls
from research_lib.stats.cross_section import leverage_rate_interaction as interaction
from research_lib.stats.leverage import add_ratios
from research_lib.stats.panel import as_known, build_panel, latest_known
from research_lib.stats.regression import cosine_mean
from tests.data.simulated import DEFAULT_PLANTED, simulate_panel
from tests.validity.leverage import made_panel
from tests.validity.nulls import stochastic_volatility

NAMES = ["leverage", "negative", "size"]


def slope_of(section, *columns):
    """Regress a period's returns in one step, with a constant."""
    exog = np.column_stack([*(section[name] for name in columns), np.ones(len(section))])
    return np.linalg.lstsq(exog, section["return"].to_numpy(), rcond=None)[0][: len(columns)]


def test_monthly_slopes_are_those_of_a_loop_and_their_mean_is_linearmodels():
    panel, _ = made_panel(premium=0.002)
    panel.iloc[::17, 0] = np.nan
    slopes, kept = monthly_slopes(panel, NAMES), panel.dropna(subset="return")
    for day, section in kept.groupby(level="date"):
        np.testing.assert_allclose(slopes.loc[day, NAMES], slope_of(section, *NAMES), rtol=1e-9)
        assert slopes.loc[day, "companies"] == len(section)
    theirs = FamaMacBeth(kept["return"], kept[NAMES].assign(constant=1.0)).fit().params
    table = fama_macbeth(slopes)
    np.testing.assert_allclose(table["value"], theirs[NAMES], rtol=1e-9)
    size = cosine_mean(slopes["size"])
    assert table.loc["size"].tolist() == [size.value, 40, size.low, size.high, size.p]


def test_within_sectors_is_the_same_as_dummies():
    panel, _ = made_panel(premium=0.002, seed=3)
    other = panel.index.get_level_values("company") < "C040"
    panel = panel.assign(sector=np.where(other, "X", None), other=other, **{"return": panel["return"] + 0.05 * other})
    found = monthly_slopes(panel, ["leverage", "size"], within="sector")
    for day, section in panel.groupby(level="date"):
        np.testing.assert_allclose(
            found.loc[day].iloc[:2], slope_of(section, "leverage", "size", "other")[:2], rtol=1e-9
        )


def test_months_that_cannot_be_estimated_are_left_out_and_24_are_needed():
    panel, _ = made_panel(periods=27)
    names, dates = (panel.index.unique(level) for level in ("company", "date"))
    panel.loc[(slice(None), dates[0]), "negative"] = 0.0
    few = panel.drop([(name, dates[1]) for name in names[19:]] + [(name, dates[2]) for name in names[20:]])
    assert monthly_slopes(few, ["leverage", "negative"]).index.equals(dates[2:])  # 19 are too few, 20 are not
    assert len(monthly_slopes(panel[panel.index.get_level_values("date") < dates[24]], ["leverage"])) == 24
    with pytest.raises(InsufficientDataError, match=r"23 months have 20 companies or more .*; 24 are needed"):
        monthly_slopes(panel[panel.index.get_level_values("date") < dates[23]], ["leverage"])


def test_rate_moves_are_split_by_sign_and_a_fall_is_positive():
    level = pd.Series([0.01, 0.02, 0.015], pd.DatetimeIndex(["2020-01-10", "2020-02-28", "2020-03-15"]))
    ends = pd.DatetimeIndex(["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-15", "2020-04-30"])
    moves = rises_and_falls(level, ends)
    ended = [np.nan, np.nan]  # in March
    np.testing.assert_allclose(moves, [[1, 0], [0, 0.5], [0, 0], ended], atol=1e-12)
    assert list(moves.columns) == ["rise", "fall"]


def test_the_interaction_is_the_regression_of_slopes_on_moves():
    panel, moves = made_panel(premium=0.001, rise=-0.01, fall=0.02, seed=1)
    slopes = monthly_slopes(panel, ["leverage", "negative"])
    found = interaction(slopes, moves)
    expected = slope_of(moves.assign(**{"return": slopes["leverage"]}), "rise", "fall")
    np.testing.assert_allclose(found["value"], expected, rtol=1e-9)
    assert found["n"].tolist() == [40, 40]
    assert interaction(slopes, moves.assign(fall=0.0)).index.tolist() == ["rise"]  # it never fell
    with pytest.raises(InsufficientDataError, match="did not move"):
        interaction(slopes, 0 * moves)


def test_planted_effects_lie_in_their_intervals_95_times_in_100():
    planted, hits = pd.Series({"rise": -0.02, "fall": 0.01}), []
    for seed in range(60):
        panel, moves = made_panel(companies=60, premium=0.002, **planted, seed=1000 + seed)
        slopes = monthly_slopes(panel, ["leverage", "negative"])
        truths = {**planted, "leverage": 0.002 + (moves * planted).sum(axis=1).mean()}
        table = pd.concat([interaction(slopes, moves), fama_macbeth(slopes)])
        hits.append({name: table["low"][name] <= truth <= table["high"][name] for name, truth in truths.items()})
    assert (pd.DataFrame(hits).mean() >= 0.95 - 3.5 * 0.0281).all()


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=150, years=6, seed=1)
    return data, add_ratios(data.statements.values)


def test_the_planted_effect_of_the_simulated_companies_is_found(simulated):
    data, firms = simulated
    months, planted = month_ends(data.panel), DEFAULT_PLANTED
    slopes = monthly_slopes(build_panel(firms, data.panel.values, months), ["leverage", "negative", "size", "beta"])
    table = pd.concat([fama_macbeth(slopes), interaction(slopes, rises_and_falls(data.rate, months))])
    for name, truth in {"leverage": planted.premium, "rise": planted.rate_up, "fall": -planted.rate_down}.items():
        assert table["low"][name] <= truth <= table["high"][name]
        assert table["p"][name] < 0.05


def test_the_slope_of_a_session_is_on_what_was_known_before_it(simulated):
    data, firms = simulated
    prices = data.panel.values.iloc[:900].copy()
    prices.iloc[700, 15:] = np.nan  # fewer than 20 companies: no slope
    slopes = daily_slopes(firms, prices)
    assert np.isnan(slopes["slope"].iloc[700])
    for row in (500, 650, 899):
        known = firms[firms["known_from"] < prices.index[row]].groupby("company").last()
        known = known[(prices.index[row] - known["period_end"]).dt.days <= 550]
        ratio = (known["net_debt"] / known["ebitda"]).where(known["ebitda"] > 0)
        frame = pd.DataFrame({"ratio": ratio.clip(*ratio.quantile([0.05, 0.95]))})
        frame = frame.assign(**{"return": prices.iloc[row] / prices.iloc[row - 1] - 1}).dropna()
        assert slopes.iloc[row].tolist() == [pytest.approx(slope_of(frame, "ratio")[0]), len(frame)]


def by_day(values):
    return pd.DataFrame({"slope": values, "n": 100}, pd.bdate_range("2007-01-03", periods=len(values)))


def test_a_chosen_day_is_held_against_the_scaled_days_before_it():
    slopes = by_day(np.random.default_rng(0).normal(0, 0.01, 400))
    day, absolute = slopes.index[350], slopes["slope"].abs()
    saturday = slopes.index[slopes.index.day_of_week == 4][60] + pd.Timedelta(days=1)
    found = event_days(slopes, [day, saturday, pd.Timestamp("2006-01-02"), pd.Timestamp("2030-01-01")])
    assert found["date"].tolist()[:2] == [day, saturday + pd.Timedelta(days=2)]
    assert found["value"].isna().tolist() == [False, False, True, True]
    scaled = [absolute.iloc[t] / absolute.iloc[t - 21 : t].median() for t in range(98, 351)]
    one, reach = found.iloc[0], sorted(scaled[:-1])[-12] * absolute.iloc[329:350].median()
    value, as_large = slopes["slope"][day], sum(other >= scaled[-1] for other in scaled[:-1])
    assert one[["n", "n_reference"]].tolist() == [100, 252]
    assert one[["low", "value", "high"]].tolist() == pytest.approx([value - reach, value, value + reach])
    assert one[["p", "p_smallest"]].tolist() == pytest.approx([(1 + as_large) / 253, 1 / 253])
    later = slopes.copy()
    later.iloc[351:, 0] *= 50
    again = event_days(later, [day]).iloc[0]
    assert (again["p"], again["low"]) == (one["p"], one["low"])  # nothing after the day matters
    early = event_days(slopes, [slopes.index[140], slopes.index[141]])  # scaled from the 22nd: 119 and 120 days before
    assert (early["n_reference"].tolist(), early["p"].isna().tolist()) == ([119, 120], [True, False])


def test_the_interval_of_a_chosen_day_excludes_zero_just_where_p_is_below_5_percent():
    slopes = by_day(np.random.default_rng(1).standard_t(4, 900))
    found = event_days(slopes, list(slopes.index[150::3]))
    assert ((found["low"] > 0) | (found["high"] < 0)).equals(found["p"] <= 0.05)


def test_days_drawn_at_random_are_found_5_times_in_100_though_volatility_clusters():
    slopes = by_day(stochastic_volatility(6_000, np.random.default_rng(2)))
    p = event_days(slopes, list(slopes.index[300::5]))["p"]
    for level in (0.01, 0.05, 0.1):
        assert (p <= level).mean() == pytest.approx(level, abs=3.5 * np.sqrt(level * (1 - level) / len(p)))
    plain = (slopes["slope"].abs() >= slopes["slope"].abs().quantile(0.95)).rolling(21).mean().max()
    assert plain > 0.4  # held against all other days, half of a bad month would stand out


def test_a_shock_to_leverage_is_found_on_its_day(simulated):
    data, firms = simulated
    prices, day = data.panel.values.copy(), pd.Timestamp("2008-03-18")
    known = latest_known(firms, pd.DatetimeIndex(prices.index), prices.columns)
    ratio, row = (
        as_known((firms["net_debt"] / firms["ebitda"]).where(firms["ebitda"] > 0), known),
        prices.index.get_loc(day),
    )
    prices.iloc[row:] *= 1 - 0.01 * np.nan_to_num(ratio[row])
    found = event_days(daily_slopes(firms, prices), [day]).iloc[0]
    assert found["value"] == pytest.approx(-0.01, abs=0.002)
    assert found["p"] == found["p_smallest"]
    assert found["high"] < 0
