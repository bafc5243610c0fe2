from dataclasses import astuple, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research_lib.data import DataSet, Source, load_series, open_source
from research_lib.errors import DataError, InsufficientDataError
from research_lib.stats.event_study import Legs, Measure, Window, event_paths, window_outcomes
from research_lib.stats.inference import Blocks, permutation_test
from research_lib.stats.policy_cycles import CycleRule
from research_lib.stats.regimes import rate_sensitivity
from research_lib.stats.specification_grid import GridAxes, usual_rules
from research_lib.studies.rate_cuts import (
    EventKind,
    Market,
    Policy,
    Surroundings,
    cut_responses,
    cycles_table,
    find_events,
    last_before,
    load_market,
    load_policy,
    power_of_sign_flip,
    rate_drivers,
    study_conditions,
    study_events,
    study_regimes,
    study_robustness,
    study_sensitivity,
    to_months,
)

AS_OF = date(2018, 12, 31)
FEW = Blocks(replications=99)


@pytest.fixture(scope="module")
def bundled() -> Source:
    return open_source("bundled")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(as_of=AS_OF)


def write_folder(directory: Path, *, altered_after: str = "") -> Source:
    """Write a user's folder of made-up prices and yields, 1987 to 2018; with all after a date replaced."""
    rng = np.random.default_rng(0)
    index = pd.bdate_range("1987-09-10", "2018-12-31", name="date")
    market, noise = rng.normal(0.0003, [[0.010], [0.006]], (2, len(index)))
    yields = rng.normal(0, 0.0005, (3, len(index))).cumsum(axis=1) % 0.03 + 0.02
    table = pd.DataFrame(
        {"RUT": market + noise, "GSPC": market, "DGS2": yields[0], "DGS10": yields[1], "BAA10Y": yields[2]}, index
    )
    if altered_after:
        later = table.index > altered_after
        table.loc[later] = np.abs(rng.normal(0.002, 0.03, (later.sum(), 5)))
    for kind, names, column in (("prices", ["RUT", "GSPC"], "close"), ("series", ["DGS2", "DGS10", "BAA10Y"], "value")):
        (directory / kind).mkdir(parents=True)
        for name in names:
            values = 100 * (1 + table[name]).cumprod() if kind == "prices" else table[name] * 100
            values.rename(column).to_csv(directory / kind / f"{name}.csv")
    return open_source("folder", data_dir=str(directory))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return write_folder(tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module")
def daily(folder: Source) -> Market:
    return load_market(folder, "RUT", "GSPC")


def levels(source: Source, as_of: date | None = None) -> DataSet:
    return load_series(source, ["DGS2", "DGS10", "BAA10Y"], as_of=as_of)


def around(data: DataSet) -> Surroundings:
    return Surroundings((data["DGS10"] - data["DGS2"]).dropna(), data["BAA10Y"])


def flat(result: object) -> str:
    """Write a result out in full, so that two can be compared, missing values and all."""
    with (
        np.printoptions(threshold=10**7, precision=17),
        pd.option_context("display.max_rows", None, "display.precision", 15),
    ):
        return repr(result)


def test_smb_is_as_published_by_fama_and_french(bundled: Source) -> None:
    smb = load_market(bundled, "SMB", monthly=True).relative["1963-07":"1991-12"]
    assert len(smb) == 342
    assert 100 * smb.mean() == pytest.approx(0.27, abs=0.005)
    assert smb.mean() / smb.std() * np.sqrt(len(smb)) == pytest.approx(1.73, abs=0.05)


def test_bundled_first_cuts_are_the_designs_that_fall_inside(bundled: Source, policy: Policy) -> None:
    market = load_market(bundled, "SMB", monthly=True)
    events = find_events(policy, market)
    months = market.legs.index[events.positions].strftime("%Y-%m")
    assert list(months) == ["1984-09", "1987-11", "1989-06", "1995-07", "1998-09", "2001-01", "2007-09"]
    later = find_events(load_policy(as_of=date(2025, 12, 31)), market)
    assert (len(later), later.n_inside) == (9, 7)
    assert policy.cut_off[0].first_cut == pd.Timestamp("1982-10-01")


def test_the_proxy_reaches_back_and_is_marked(bundled: Source) -> None:
    market = load_market(bundled, "S1", "S5", monthly=True)
    rate = load_series(bundled, ["RF"])["RF"]["1953-12-31":]
    table = cycles_table(load_policy(as_of=AS_OF, bill_rate=rate), market)
    proxies = table[table["proxy"]]
    assert proxies.index[-1] < pd.Timestamp("1982-10-01")
    assert list(table.index[~table["proxy"]]) == list(load_policy(as_of=AS_OF).first_cuts)
    # Easing that began late in 1957, in 1960, 1970, 1974, 1980 and 1981 is found by a bill rate within half a year.
    for began in ("1957-11-15", "1960-06-10", "1970-02-15", "1974-07-15", "1980-04-15", "1981-06-15"):
        waited = (proxies.index - pd.Timestamp(began)).days
        assert ((waited >= 0) & (waited <= 190)).any(), began


@pytest.mark.parametrize(
    ("kind", "number"),
    [(EventKind.FIRST_CUTS, 7), (EventKind.LAST_HIKES, 7), (EventKind.ALL_CUTS, 73), (EventKind.UNSCHEDULED_CUTS, 6)],
)
def test_numbers_of_events(policy: Policy, daily: Market, kind: EventKind, number: int) -> None:
    events = find_events(policy, daily, kind)
    assert len(events) == number
    assert len(np.unique(events.positions[events.positions >= 0])) == events.n_inside


def test_several_cuts_in_a_month_are_one_event(policy: Policy, bundled: Source) -> None:
    market = load_market(bundled, "SMB", monthly=True)
    events = find_events(policy, market, EventKind.ALL_CUTS)
    months = {(cut.year, cut.month) for cycle in policy.cycles for cut in cycle.cuts}
    assert len(events) == len(months) < 73


def move_cut(policy: Policy, days: int) -> Policy:
    """Move the decision of 2001-01-03, a Wednesday."""
    cut = policy.cycles[5]
    assert cut.first_cut == pd.Timestamp("2001-01-03")
    moved = replace(cut, first_cut=cut.first_cut + pd.Timedelta(days=days))
    return replace(policy, cycles=(*policy.cycles[:5], moved, *policy.cycles[6:]))


def test_a_day_moves_the_event_and_a_weekend_does_not(policy: Policy, daily: Market) -> None:
    at = {days: int(find_events(move_cut(policy, days), daily).positions[5]) for days in (0, 1, 2, 3, 4, 5)}
    assert [at[days] - at[0] for days in (1, 2)] == [1, 2]
    assert at[3] == at[4] == at[5] == at[0] + 3  # Saturday, Sunday, Monday
    assert daily.legs.index[at[5]] == pd.Timestamp("2001-01-08")


def test_prices_after_all_cuts_say_how_many_fall_inside(policy: Policy, daily: Market) -> None:
    late = replace(daily, legs=Legs(daily.legs.small["2009":], daily.legs.large["2009":]))
    with pytest.raises(InsufficientDataError, match="RUT less GSPC: 0 of 7 first cuts fall inside its data"):
        find_events(policy, late)


def test_a_horizon_past_the_data_is_left_out_and_counted(policy: Policy, daily: Market) -> None:
    short = replace(daily, legs=Legs(daily.legs.small[:"2007-12"], daily.legs.large[:"2007-12"]))
    result = study_events(short, find_events(policy, short))["small less large"]
    assert [(window.n, window.n_left_out) for window in result.after] == [(6, 1)] * 4 + [(5, 2)] * 2


def test_daily_parameters_on_monthly_data_are_refused(bundled: Source, tmp_path: Path) -> None:
    for small, large in (("SMB", ""), ("S1", "S5")):
        with pytest.raises(DataError, match=f"{small} is monthly, but sessions are asked for"):
            load_market(bundled, small, large)
    with pytest.raises(DataError, match="RUT less GSPC: monthly there are SMB alone, and S1 less S5"):
        load_market(bundled, "RUT", "GSPC", monthly=True)
    (tmp_path / "prices").mkdir()
    months = pd.date_range("2000-01-31", periods=24, freq="ME", name="date")
    pd.Series(np.linspace(100, 120, 24), months, name="close").to_csv(tmp_path / "prices" / "FUND.csv")
    with pytest.raises(DataError, match="FUND: its dates are 31 days apart, but sessions are asked for"):
        load_market(open_source("folder", data_dir=str(tmp_path)), "FUND")


def test_a_published_difference_has_no_bhar(policy: Policy, bundled: Source) -> None:
    market = load_market(bundled, "SMB", monthly=True)
    with pytest.raises(DataError, match="no legs to compound"):
        study_events(market, find_events(policy, market), measure=Measure.BHAR)
    with pytest.raises(DataError, match="no legs to compound"):
        study_robustness(policy, [market], GridAxes([CycleRule()], (1,)))


def test_legs_add_up_and_are_adjusted_as_families(policy: Policy, daily: Market) -> None:
    legs = study_events(daily, find_events(policy, daily))
    assert list(legs) == ["small", "large", "small less large"]
    for small, large, both in zip(*(leg.after for leg in legs.values()), strict=True):
        assert both.mean == pytest.approx(small.mean - large.mean)
    family = legs["small less large"].after
    assert len(family) == 6
    assert all(each.p_placement_holm >= each.p_placement for each in family)


def test_the_broad_market_alone_is_tested_offline(policy: Policy, bundled: Source) -> None:
    market = load_market(bundled, "GSPC")
    result = study_events(market, find_events(policy, market), horizons=(1, 5))["GSPC"]
    day = result.around[0]
    returns = market.legs.small
    expected = [returns[str(cut.date())] for cut in policy.first_cuts]
    assert day.n == 7
    assert day.mean == pytest.approx(np.mean(expected))
    assert returns["2001-01-03"] == pytest.approx(0.0501, abs=5e-4)  # the surprise cut's day, S&P 500 +5.0%


def test_what_is_said_of_a_cycle_was_known_before_its_cut(policy: Policy, folder: Source, daily: Market) -> None:
    known = around(levels(folder))
    table = cycles_table(policy, daily, around=known)
    for column, values in (("curve", known.curve), ("credit_spread", known.credit_spread)):
        cut = policy.first_cuts[5]
        assert table.loc[cut, column] == values[values.index < cut].iloc[-1]
        changed = values.copy()
        changed[changed.index >= cut] = 9.9
        again = cycles_table(policy, daily, around=replace(known, **{column: changed}))
        assert again.loc[cut, column] == table.loc[cut, column]
    at = daily.legs.index.get_loc(policy.first_cuts[5])
    assert table["relative_before"].iloc[5] == pytest.approx(daily.relative.iloc[at - 126 : at].sum())
    assert not table["recession_announced"].any()
    assert table["recession_within_12_months_hindsight"].tolist() == [False] * 5 + [True] * 2


def test_last_before() -> None:
    values = pd.Series([1.0, 2.0], pd.DatetimeIndex(["2000-01-03", "2000-01-05"]))
    days = pd.DatetimeIndex(["2000-01-03", "2000-01-04", "2000-01-05", "2000-01-06"])
    np.testing.assert_array_equal(last_before(values, days), [np.nan, 1.0, 1.0, 2.0])
    assert np.isnan(last_before(None, days)).all()


def test_months_are_compounded_and_unfinished_ones_left_out(daily: Market) -> None:
    until = replace(daily, legs=Legs(daily.legs.small[:"2018-10-30"], daily.legs.large[:"2018-10-30"]))
    months = to_months(until)
    assert months.monthly
    assert list(months.legs.index[[0, -1]]) == [pd.Timestamp("1987-10-31"), pd.Timestamp("2018-09-30")]
    assert months.legs.small["2001-01-31"] == pytest.approx((1 + daily.legs.small["2001-01"]).prod() - 1)
    assert to_months(daily).legs.index[-1] == pd.Timestamp("2018-12-31")


def test_drivers_are_changes_over_the_markets_periods(folder: Source, daily: Market) -> None:
    data = levels(folder).values
    gappy = data.drop(data.index[(data.index > "2001-03-01") & (data.index < "2001-04-15")])
    drivers = rate_drivers(daily, gappy)
    assert list(drivers.columns) == ["market", "d_dgs2", "d_dgs10", "d_baa10y"]
    assert drivers.loc["2000-05-16", "d_dgs10"] == pytest.approx(
        data.loc["2000-05-16", "DGS10"] - data.loc["2000-05-15", "DGS10"]
    )
    assert drivers.loc["2001-03-12":"2001-04-16", "d_dgs10"].isna().all()  # carried over a week, not over a gap


def test_sensitivity_is_composed(policy: Policy, folder: Source, daily: Market) -> None:
    drivers = rate_drivers(daily, levels(folder).values)
    found = study_sensitivity(policy, daily, drivers, split="d_dgs10", window=500)
    pd.testing.assert_frame_equal(found.full.table, rate_sensitivity(daily.relative, drivers).table)
    assert {"d_dgs10_up", "d_dgs10_down"} <= set(found.split.table.index)
    assert len(found.by_regime.table) == 3 * 5
    assert found.rolling.shape[1] == 5
    assert [response.horizon for response in found.responses] == list(daily.horizons)


def test_a_planted_response_to_cuts_is_found(policy: Policy, daily: Market) -> None:
    small = daily.legs.small.copy()
    for cut, size in policy.changes_bp[policy.changes_bp < 0].items():
        at = small.index.searchsorted(cut) + 1
        if small.index[0] <= cut and at < len(small):
            small.iloc[at] += 0.01 * -size / 25
    response = cut_responses(policy, replace(daily, legs=Legs(small, daily.legs.large)), horizons=(1,))[0]
    assert response.coefficient == pytest.approx(0.01, abs=3 * response.standard_error)
    assert response.p_value < 1e-6


def test_conditions_divide_the_first_cuts(policy: Policy, folder: Source, daily: Market) -> None:
    known = around(levels(folder))
    found = study_conditions(policy, daily, horizon=21, around=known)
    values = window_outcomes(daily.legs, Window.after(21))[find_events(policy, daily).positions[1:]]
    means = {(mean.split, mean.group): mean for mean in found.means}
    recession = means["recession within 12 months", "recession"]
    assert (recession.n, recession.hindsight) == (2, True)
    assert recession.mean == pytest.approx(values[-2:].mean())
    inverted = np.array([known.curve[known.curve.index < cut].iloc[-1] < 0 for cut in policy.first_cuts[1:]])
    assert means["curve", "inverted"].n == inverted.sum()
    exact = permutation_test(values, np.array([False] * 4 + [True] * 2))
    assert found.differences.loc["recession within 12 months", "p_value"] == pytest.approx(exact.p_value)
    assert means["recession announced", "recession"].n == 0
    assert np.isnan(found.differences.loc["recession announced", "difference"])
    size = means["size of the first cut", "50 bp or more"]
    assert (size.n, size.hindsight) == (3, False)  # 1987, 2001, 2007
    speed = {group: means["speed of the cycle", group].n for group in ("fast", "slow")}
    assert speed == {"fast": 4, "slow": 2}  # 1987: 69 bp within 91 days; 1995: no second cut until December


def test_power_is_that_of_the_events_inside(policy: Policy, daily: Market) -> None:
    events = find_events(policy, daily)
    power = power_of_sign_flip(daily, events, effect=0.02, horizon=63)
    assert (power.n, power.effect) == (6, 0.02)
    assert 0 < power.power < 1
    assert power_of_sign_flip(daily, events, effect=1.0, horizon=63).power == 1.0


def test_the_grid_holds_the_headline(policy: Policy, daily: Market) -> None:
    grid = study_robustness(policy, [daily], GridAxes(usual_rules(), (21, 63), start_years=(1987,)))
    assert len(grid.table) == 27 * 2 * 2
    row = grid.table.query(
        "measure == 'car' and horizon == 63 and min_cut_bp == 25 and min_tightening_bp == 50 and pause_days == 365"
    ).iloc[0]
    headline = study_events(daily, find_events(policy, daily))["small less large"].after[3]
    assert (row["n"], row["mean"]) == (headline.n, pytest.approx(headline.mean))
    assert row["p_placement"] == pytest.approx(headline.p_placement)
    with pytest.raises(DataError, match="all daily or all monthly"):
        study_robustness(policy, [daily, to_months(daily)], GridAxes([CycleRule()], (1,)))


def everything(source: Source, as_of: date) -> list[object]:
    policy, market = load_policy(as_of=as_of), load_market(source, "RUT", "GSPC", as_of=as_of)
    data = levels(source, as_of)
    regimes = study_regimes(policy, market, blocks=FEW)
    sensitivity = study_sensitivity(policy, market, rate_drivers(market, data.values), split="d_dgs10", window=500)
    events = find_events(policy, market)
    return [
        cycles_table(policy, market, around=around(data)),
        *(
            study_events(market, find_events(policy, market, kind), measure=Measure.BHAR)
            for kind in list(EventKind)[1:]
        ),
        event_paths(market.legs, events.positions, before=63, after=126),
        [astuple(mean) for mean in (*regimes.means, *regimes.differences)],
        regimes.markov.filtered.iloc[::20],
        *(getattr(sensitivity, name).table for name in ("full", "split", "by_regime")),
        study_conditions(policy, market, horizon=63, around=around(data)),
        study_robustness(policy, [market], GridAxes(usual_rules()[::5], (21, 252), start_years=(1987, 1994))),
    ]


def test_altering_data_after_as_of_changes_nothing(folder: Source, tmp_path: Path) -> None:
    as_of = date(2008, 3, 31)
    altered = write_folder(tmp_path, altered_after="2008-03-31")
    for known, later_altered in zip(everything(folder, as_of), everything(altered, as_of), strict=True):
        assert flat(known) == flat(later_altered)
    market = [load_market(source, "RUT", "GSPC").relative for source in (folder, altered)]
    assert not market[0].equals(market[1])  # the alteration is there to be seen


def test_planted_effect_after_first_cuts_is_found(policy: Policy, daily: Market) -> None:
    events = find_events(policy, daily)
    small = daily.legs.small.copy()
    for at in events.positions[events.positions >= 0]:
        small.iloc[at + 1 : at + 22] += 0.01
    market = replace(daily, legs=Legs(small, daily.legs.large))
    month = study_events(market, events)["small less large"].after[2]
    assert month.p_sign_flip == month.p_sign_flip_smallest
    assert month.low < 0.21 < month.high
    assert month.p_placement < 0.01


def test_the_real_daily_data_goes_through(shared_data: Path) -> None:
    source, as_of = open_source("folder", data_dir=str(shared_data)), date(2025, 12, 31)
    policy, market = load_policy(as_of=as_of), load_market(source, "RUT", "GSPC", as_of=as_of)
    events = find_events(policy, market)
    assert (len(events), events.n_inside) == (9, 8)
    result = study_events(market, events)
    assert [window.n for window in result["small less large"].after] == [8] * 6
    assert np.isfinite([window.p_placement for window in result["small less large"].after]).all()
    regimes = study_regimes(policy, market, blocks=FEW)
    assert {mean.state for mean in regimes.means} == {"easing", "hold", "tightening"}
