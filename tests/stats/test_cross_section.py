"""Slopes, premiums, rate interactions and chosen days against plain loops, and under planted and no effects."""

import numpy as np
import pandas as pd
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.stats.cross_section import daily_slopes, event_days, fama_macbeth, monthly_slopes, rises_and_falls
from research_lib.stats.cross_section import leverage_rate_interaction as interaction
from research_lib.stats.leverage import add_ratios
from research_lib.stats.regression import cosine_mean
from tests.data.simulated import simulate_panel
from tests.stats.reference import dated, known_on, slope_of
from tests.validity.quantities import made_panel


def test_monthly_slopes_are_those_of_a_loop_and_a_premium_is_their_mean():
    """Within sectors, slopes are those of a regression with a dummy for the other sector."""
    names = ["leverage", "negative", "size"]
    panel, _ = made_panel(premium=0.002)
    panel.iloc[::17, 0] = np.nan
    panel["other"] = 1.0 * (panel.index.get_level_values("company") < "C040")
    panel["return"] += 0.05 * panel["other"]
    panel["sector"] = np.where(panel["other"], "X", None)
    for within, more in (("sector", ["other"]), ("", [])):
        slopes = monthly_slopes(panel, names, within=within)
        for day, section in panel.dropna(subset="return").groupby(level="date"):
            expected = [*slope_of(section, *names, *more)[:3], len(section)]
            np.testing.assert_allclose(slopes.loc[day], expected, rtol=1e-9)
    table, size = fama_macbeth(slopes), cosine_mean(slopes["size"])
    np.testing.assert_allclose(table["value"], slopes[names].mean(), rtol=1e-9)
    assert table.loc["size"].tolist() == [size.value, 40, size.low, size.high, size.p]


def test_months_that_cannot_be_estimated_are_left_out_and_24_are_needed():
    panel, _ = made_panel(periods=27)
    names, dates = (panel.index.unique(level) for level in ("company", "date"))
    panel.loc[(slice(None), dates[0]), "negative"] = 0.0
    few = panel.drop([(name, dates[1]) for name in names[19:]] + [(name, dates[2]) for name in names[20:]])
    assert monthly_slopes(few, ["leverage", "negative"]).index.equals(dates[2:])  # 19 are too few, 20 are not
    day = panel.index.get_level_values("date")
    assert len(monthly_slopes(panel[day < dates[24]], ["leverage"])) == 24
    with pytest.raises(InsufficientDataError, match=r"23 months have 20 companies or more .*; 24 are needed"):
        monthly_slopes(panel[day < dates[23]], ["leverage"])


def test_the_interaction_is_the_regression_of_slopes_on_rises_and_falls():
    level = pd.Series([0.01, 0.02, 0.015], pd.DatetimeIndex(["2020-01-10", "2020-02-28", "2020-03-15"]))
    ends = pd.DatetimeIndex(["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-15", "2020-04-30"])
    expected = [[1, 0], [0, 0.5], [0, 0], [np.nan, np.nan]]  # it ended in March
    np.testing.assert_allclose(rises_and_falls(level, ends), expected, atol=1e-12)
    panel, moves = made_panel(premium=0.001, rise=-0.01, fall=0.02, seed=1)
    slopes = monthly_slopes(panel, ["leverage", "negative"])
    found = interaction(slopes, moves)
    expected = slope_of(moves.assign(**{"return": slopes["leverage"]}), "rise", "fall")
    np.testing.assert_allclose(found["value"], expected, rtol=1e-9)
    assert found["n"].tolist() == [40, 40]
    assert interaction(slopes, moves.assign(fall=0.0)).index.tolist() == ["rise"]  # it never fell
    with pytest.raises(InsufficientDataError, match="did not move"):
        interaction(slopes, 0 * moves)


def test_the_slope_of_a_session_is_on_what_was_known_before_it_and_a_shock_is_found_on_its_day():
    data = simulate_panel(companies=150, years=6, seed=1)
    firms, prices, shocked = add_ratios(data.statements.values), data.panel.values.iloc[:900].copy(), 800
    prices.iloc[700, 15:] = np.nan  # fewer than 20 companies: no slope
    ratio = known_on(firms, prices.index[shocked])["ratio"].reindex(prices.columns).fillna(0)
    prices.iloc[shocked:] *= 1 - 0.01 * ratio
    slopes = daily_slopes(firms, prices)
    assert np.isnan(slopes["slope"].iloc[700])
    for row in (500, 650, 899):
        frame = known_on(firms, prices.index[row])[["ratio"]]
        frame = frame.assign(**{"return": prices.iloc[row] / prices.iloc[row - 1] - 1}).dropna()
        assert slopes.iloc[row].tolist() == [pytest.approx(slope_of(frame, "ratio")[0]), len(frame)]
    found = event_days(slopes, [prices.index[shocked]]).iloc[0]
    assert (found["value"], found["p"]) == (pytest.approx(-0.01, abs=0.002), found["p_smallest"])
    assert found["high"] < 0


def test_a_chosen_day_is_held_against_the_scaled_days_before_it():
    slopes = dated(np.random.default_rng(0).normal(0, 0.01, 400)).to_frame("slope").assign(n=100)
    day, absolute = slopes.index[350], slopes["slope"].abs()
    saturday = slopes.index[slopes.index.day_of_week == 4][60] + pd.Timedelta(days=1)
    found = event_days(slopes, [day, saturday, pd.Timestamp("1999-01-04"), pd.Timestamp("2030-01-01")])
    assert found["date"].tolist()[:2] == [day, saturday + pd.Timedelta(days=2)]
    assert found["value"].isna().tolist() == [False, False, True, True]
    scaled = [absolute.iloc[t] / absolute.iloc[t - 21 : t].median() for t in range(98, 351)]
    one, reach = found.iloc[0], sorted(scaled[:-1])[-12] * absolute.iloc[329:350].median()
    value, as_large = slopes["slope"][day], sum(other >= scaled[-1] for other in scaled[:-1])
    expected = {"n": 100, "n_reference": 252, "low": value - reach, "value": value, "high": value + reach,
                "p": (1 + as_large) / 253, "p_smallest": 1 / 253}  # fmt: skip
    assert one[[*expected]].to_dict() == pytest.approx(expected)
    slopes.iloc[351:, 0] *= 50  # nothing after the day matters
    assert event_days(slopes, [day]).iloc[0][["p", "low"]].equals(one[["p", "low"]])
    early = event_days(slopes, [slopes.index[140], slopes.index[141]])  # scaled from the 22nd: 119 and 120 days before
    assert (early["n_reference"].tolist(), early["p"].isna().tolist()) == ([119, 120], [True, False])
