"""Study 01 against the design's dates and figures, with planted effects, without the future, and where data are short."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.exhibits.format import interval
from research_lib.stats import regression, specification
from research_lib.stats.event_study import Legs, window_outcomes
from research_lib.stats.randomization import sign_flip
from research_lib.stats.specification import AXES
from research_lib.studies.rate_cuts import RateCuts, ReturnPair, carried, first_from, load_pair, policy_days
from research_lib.studies.study import Missing
from tests.conftest import write_prices
from tests.studies.reports import SAID, said_by

REAL = {"source": "folder", "frequency": "daily", "small": "RUT", "large": "GSPC", "horizon": 252}
SMB = {"small": "SMB", "large": ""}
DAYS, MONTHS = (pd.date_range("1987-09-10", "2018-12-31", freq=one, name="date") for one in ("B", "ME"))
CUT = pd.Timestamp("2001-01-03")  # between meetings; the S&P 500 rose by 5.0% on the day


def write_folder(directory, *, altered_after="9999"):
    """Write a user's folder of made-up prices and yields, 1987 to 2018; with all after a date replaced."""
    rng = np.random.default_rng(0)
    market, own = rng.normal(0.0003, [[0.010], [0.006]], (2, len(DAYS)))
    yields = rng.normal(0, 0.0005, (3, len(DAYS))).cumsum(axis=1) % 0.03 + 0.02
    later, made_up = DAYS.strftime("%Y-%m-%d") > altered_after, rng.uniform(0.01, 0.03, len(DAYS))
    for name, returns in (("RUT", market + own), ("GSPC", market)):
        write_prices(directory, name, pd.Series(100 * np.cumprod(1 + np.where(later, made_up, returns)), DAYS))
    for name, days in (("FLAT", DAYS), ("ENDED", DAYS[:4000]), ("MONTHLY", MONTHS)):
        write_prices(directory, name, pd.Series(100.0 + np.arange(len(days)) % 2 * (name != "FLAT"), days))
    (directory / "series").mkdir()
    for name, level in zip(("DGS2", "DGS10", "BAA10Y"), yields, strict=True):
        shown = pd.Series(100 * np.where(later, made_up, level), DAYS, name="value")
        shown.to_csv(directory / "series" / f"{name}.csv")
    return directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("folder"))


def real(folder, **values):
    return RateCuts.from_params(**REAL | {"data_dir": str(folder)} | values)


@pytest.fixture(scope="module")
def made_up(folder):
    return real(folder)


def planted(made_up, leg, effect, days):
    """Return the study of the same prices with an effect on a leg on each of the days after first cuts."""
    study, changed = RateCuts.from_params(**made_up.p.model_dump()), getattr(made_up.pair, leg).copy()
    for at in made_up.events(made_up.pair)["position"]:
        changed.iloc[at + 1 : at + 1 + days] += effect
    vars(study)["pair"] = replace(made_up.pair, **{leg: changed})
    return study


@pytest.fixture
def few_draws(monkeypatch):
    """Draw less often, where what is drawn is not the point."""
    monkeypatch.setattr(regression, "DRAWS", 39)
    monkeypatch.setattr(specification, "DRAWS", 19)


def test_the_published_figures(shared_data):
    study = real(shared_data, as_of="2025-12-31")
    found = {one.name: one.value for one in study.findings.findings}
    known = SAID["published"]["rate_cuts"]
    assert {name: found[name] for name in known} == pytest.approx(known, rel=1e-7)
    assert found["rel_mean_126"] == pytest.approx(-0.0154, abs=5e-5)
    summary = study.show.summary
    assert summary.headline == "Small caps beat large caps after 3 of 8 first cuts: no effect shown"
    assert (summary.verdict, summary.numbers[0][0], len(summary.numbers)) == ("open", "−0.6 pp", 4)
    assert "price indices without dividends" in summary.standfirst
    assert not [name for name in RateCuts.exhibits() if isinstance(study.show(name), Missing)]
    ways = study.ways.set_index("share").loc["significant"]
    assert ways["value"] < ways["null_high"]


def test_smb_is_as_published_by_fama_and_french():
    smb = RateCuts.from_params(**SMB).pair.difference["1963-07":"1991-12"]
    found = len(smb), 100 * smb.mean(), smb.mean() / smb.std() * np.sqrt(len(smb))
    assert found == (342, pytest.approx(0.27, abs=0.005), pytest.approx(1.73, abs=0.05))


@pytest.mark.usefixtures("few_draws")
def test_every_exhibit_is_made_as_of_a_day_before_some_data_began(shared_data):
    study = real(shared_data, as_of="1997-06-30")
    missing = {name for name in RateCuts.exhibits() if isinstance(study.show(name), Missing)}
    assert missing == {"with_dividends", "unscheduled"}  # funds began later; no decision was unscheduled yet
    assert len(study.rates["credit spread"]) > 2000  # one that has just begun gives way


def test_the_headline_is_compounded_and_a_published_difference_is_summed(made_up):
    values, frame = made_up.outcomes[252].dropna().to_numpy(), made_up.compounded
    assert frame["window"].iloc[[0, 3, 9]].tolist() == ["6 months before", "the day of the cut", "12 months after"]
    assert frame["p_holm"].min() == pytest.approx(min(1, 10 * frame["p"].min()))  # over all ten windows that are shown
    assert (made_up.headline.value, made_up.headline.p) == (pytest.approx(values.mean()), sign_flip(values).p)
    at = made_up.events(made_up.pair)["position"].iloc[0]
    small, large = (np.prod(1 + leg.iloc[at + 1 : at + 253]) for leg in (made_up.pair.small, made_up.pair.large))
    assert values[0] == pytest.approx(small - large)
    smb = RateCuts.from_params(**SMB)
    assert smb.after is smb.sums
    left_out = "Left out: 2019, 2024; the data run from 1926-07 to 2018-11; 12 months are needed."
    assert smb.show.summary.limits[0].endswith(left_out)
    assert all("published as a difference" in str(smb.show(name)) for name in ("compounded", "growth"))


def test_a_planted_effect_is_found_and_without_it_none_is_shown(made_up):
    assert made_up.show.summary.verdict == "open"
    found = planted(made_up, "small", 0.002, 252)
    assert found.headline.p == found.headline.p_smallest
    assert found.headline.low < 0.002 * 252 * 1.1 < found.headline.high
    assert found.show.summary.verdict == "holds"
    assert planted(made_up, "small", -0.002, 252).show.summary.verdict == "fails"
    month = planted(made_up, "small", 0.01, 21).compounded.set_index("horizon")
    assert month.loc[21, "p"] == month.loc[21, "p_smallest"]
    assert month.loc[-21, "p"] > 0.05


def test_a_pure_beta_bet_is_no_effect_after_adjustment(made_up):
    """Small caps that move by 1.5 times the market, which falls after every cut: the difference is all beta."""
    study = planted(made_up, "large", -0.002, 252)
    large = study.pair.large
    vars(study)["pair"] = replace(study.pair, small=1.5 * large, market=large)
    assert study.sums.set_index("horizon").loc[252, "value"] < -0.15
    adjusted = study.windows(study.pair, market=large, compounded=False).set_index("horizon")
    assert adjusted.loc[252, "value"] == pytest.approx(0, abs=1e-9)


def test_regimes_are_those_known_before_each_period(made_up):
    assert made_up.states[[CUT, CUT + pd.offsets.BDay()]].tolist() == ["on hold", "easing"]
    easing = made_up.pair.difference[made_up.states == "easing"].mean()
    assert made_up.regimes.set_index("regime").loc["easing", "value"] == pytest.approx(easing)


def test_the_broad_market_on_the_day_offline():
    study = RateCuts.from_params(as_of="2018-12-31")
    returns, found = study.broad.small, study.market.set_index("horizon")
    assert found["window"].to_dict() == {0: "the session of the cut", 1: "the session after", 5: "5 sessions after"}
    assert found.loc[0, "mean"] == pytest.approx(returns[study.events(study.broad).index].mean())
    assert returns[CUT] == pytest.approx(0.0501, abs=5e-4)


def test_what_is_said_of_a_cycle_was_known_before_its_cut(made_up):
    cycles, levels = made_up.cycles.set_index("first_cut"), made_up.rates.values
    before, on_hold = levels[levels.index < CUT].iloc[-1], (CUT - pd.Timestamp("2000-05-16")).days
    known = [before["10-year yield"] - before["2-year yield"], before["credit spread"], on_hold]
    assert cycles.loc[CUT, ["curve", "spread", "on_hold"]].tolist() == pytest.approx(known)
    assert cycles["recession"].tolist() == ["no"] * 5 + ["yes"] * 2


def test_levels_are_carried_over_holidays_and_not_over_gaps(made_up):
    levels, days = made_up.rates.values, pd.DatetimeIndex([CUT, CUT + pd.Timedelta(days=40)])
    assert carried(levels[:CUT], days, longest=pd.Timedelta(days=31))["credit spread"].notna().tolist() == [True, False]
    gappy = levels.drop(levels.index[(levels.index > "2001-03-01") & (levels.index < "2001-04-15")])
    found = carried(gappy, made_up.pair.index).diff()["10-year yield"]
    assert found["2000-05-16"] == pytest.approx(levels["10-year yield"].diff()["2000-05-16"])
    assert found["2001-03-12":"2001-04-16"].isna().all()


def test_days_of_policy_are_marked_by_what_was_known_on_the_last():
    then, later = (pd.bdate_range("2000-12-01", end) for end in ("2001-04-30", "2003-12-31"))
    assert list(then[policy_days(then, "first cut")]) == [CUT] == list(then[policy_days(then, "easing")])[:1]
    assert not (policy_days(then, "recession within", 3) | policy_days(then, "no recession within", 3)).any()
    assert later[policy_days(later, "recession within", 3)][0] == pd.Timestamp("2001-01-01")  # it began in April
    assert list(then[first_from(then, pd.DatetimeIndex(["1990-01-01", "2000-12-02", "2030-01-01"]))]) == [then[1]]


def of_pair(small, large, market):
    study = RateCuts.from_params()
    vars(study)["pair"] = ReturnPair("made up", small, large, market, monthly=True, dividends=True, cards=())
    return study


@pytest.mark.parametrize("of_two_legs", [True, False])
def test_the_paths_of_cycles_are_those_of_the_outcomes(of_two_legs):
    """Of two legs the difference of compounded returns, of a factor the sum, from the first window to the last."""
    months = pd.date_range("1987-01-31", "2012-12-31", freq="ME")
    small, large = (pd.Series(leg, months) for leg in np.random.default_rng(0).normal(0.01, 0.05, (2, len(months))))
    study = of_pair(small, large if of_two_legs else None, large)
    drawn, horizons = study.paths.data, study.horizons
    at = study.events(study.pair)["position"].to_numpy()
    assert len(drawn) == max(horizons) - min(horizons) + 1
    outcomes = window_outcomes(Legs(small, study.pair.large, of_two_legs), max(horizons))[at]
    np.testing.assert_allclose(drawn.iloc[-1], outcomes)
    early = of_pair(*(leg[:"2008-03-31"] for leg in (small, large, large)))  # the cycle of 2007 is six months old
    known = interval(early.outcomes[12].min(), early.outcomes[12].max(), "points", digits=0)
    assert early.outcomes[12].isna().sum() == 1
    assert early.paths.title == f"12 months after the first cut, small minus large ranged from {known} over 5 cycles"


def test_a_state_of_few_periods_has_no_sensitivity_and_all_periods_must_have_one():
    study = RateCuts.from_params()
    states = pd.Series("tightening", study.pair.index)
    vars(study)["states"] = states.where(np.arange(len(states)) >= 12, "easing")
    over = set(study.sensitivity["over"])
    assert ("tightening" in over, "all periods" in over, "easing" in over) == (True, True, False)
    with pytest.raises(InsufficientDataError, match="are needed"):
        of_pair(*[study.pair.difference.tail(20)] * 3).sensitivity  # noqa: B018


def test_a_specification_is_the_studys_own_number(made_up):
    ways, table = made_up.specifications.ways, made_up.compounded.query("horizon > 0")
    usual = "min_cut_bp == 25 and min_tightening_bp == 50 and pause_days == 365 and start_year == 0 and measure == 'compounded'"
    found = ways.query(usual)[["horizon", "n", "mean", "p"]]
    expected = table.assign(mean=table["value"], p=table["p"].where(table["n"] >= 6))[[*found]]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert not ways.duplicated(list(AXES)).any()


@pytest.mark.parametrize(("changed", "said"), SAID["rate_cuts"], ids=str)
@pytest.mark.usefixtures("few_draws")
def test_what_the_data_cannot_say_is_said_in_words(folder, changed, said):
    study = real(folder, **changed)
    assert said in said_by(study)
    assert not isinstance(study.show.data, Missing)  # what was read is shown, whatever cannot be said of it


@pytest.mark.usefixtures("few_draws")
def test_a_pair_or_a_series_that_is_missing_is_left_out_and_named_and_a_curve_of_too_few_cycles_says_so(made_up):
    assert "IWM and SPY with dividends" in str(made_up.show.with_dividends)
    assert "Not in this source: iShares Russell 2000 ETF minus SPDR S&P 500 ETF" in made_up.show.curve.deck
    yields = {"2-year yield", "10-year yield", "10-year yield, rises", "10-year yield, falls"}
    assert set(made_up.sensitivity["driver"]) == yields | {"credit spread", "market"}
    assert not isinstance(made_up.show.hero, Missing)
    few = RateCuts.from_params(announced_only=True).show.curve
    assert few.title == "Of 1,296 variants none has enough first cuts for a test"


@pytest.mark.usefixtures("few_draws")
def test_altering_data_after_as_of_changes_nothing(folder, tmp_path):
    altered = write_folder(tmp_path / "altered", altered_after="2008-03-31")
    studies = [real(one, as_of="2008-03-31") for one in (folder, altered)]
    for name in RateCuts.exhibits():
        known, later = (study.show(name) for study in studies)
        assert isinstance(known, Missing) or known.data.equals(later.data), name
        assert str(known) == str(later)
    assert studies[0].show.summary.limits[0].count("Left out: 1984, 2007; the data")  # and not 2019
    whole = [load_pair(study.source, "RUT", "GSPC").difference for study in studies]
    assert not whole[0].equals(whole[1])  # the alteration is there to be seen
