"""The rate-cut study's exhibits and findings, on the bundled data."""

import re
from datetime import date

import pytest

from research_lib.data import open_source
from research_lib.exhibits.figure import Figure, Prose
from research_lib.exhibits.rate_cuts import figures, prose, tables
from research_lib.exhibits.table import Table
from research_lib.findings.rate_cuts import rate_cut_findings
from research_lib.stats.event_study import event_paths
from research_lib.stats.policy_cycles import CycleRule
from research_lib.studies import rate_cuts
from research_lib.studies.result import Unavailable

AS_OF = date(2016, 12, 31)
NAMES = {"first_cuts", "market_mean_1", "pre_cut_126", "beta_dgs10_up", "beta_dgs10_down", "regime_easing_mean",
         "regime_difference", "spec_share_positive"}  # fmt: skip


class Made:
    """Everything that the notebook makes, once."""

    def __init__(self, small, large):
        source = open_source("bundled")
        self.market = rate_cuts.load_market(source, small, large, monthly=True, as_of=AS_OF)
        markets = rate_cuts.load_alternatives(source, self.market, as_of=AS_OF)
        self.rates = rate_cuts.load_rates(source, monthly=True, as_of=AS_OF)
        self.policy = rate_cuts.load_policy(as_of=AS_OF)
        broad = rate_cuts.load_broad(source, as_of=AS_OF)
        self.answer = rate_cuts.answer(self.policy, self.market, markets, broad=broad, horizon=12)
        self.regimes = rate_cuts.study_regimes(self.policy, self.market)
        self.sensitivity = rate_cuts.sensitivity_to_rates(self.policy, self.market, self.rates)
        self.conditions = rate_cuts.study_conditions(self.policy, self.market, horizon=12, around=self.rates.around)
        self.events = rate_cuts.find_events(self.policy, self.market)
        self.others = rate_cuts.study_other_decisions(self.policy, self.market)
        self.proxied = rate_cuts.study_with_proxy(source, self.market, rule=CycleRule(), as_of=AS_OF)
        self.cards = self.market.cards

    def exhibits(self):
        market, answer = self.market, self.answer
        paths = event_paths(market.legs, self.events.positions, before=6, after=12)
        return [
            tables.cycles(rate_cuts.cycles_table(self.policy, market, around=self.rates.around)),
            tables.windows(answer.study, of="x", unit="months"),
            tables.windows(answer.broad, of="x", unit="sessions"),
            *(tables.windows(other, of="x", unit="months") for other in self.others.values()),
            tables.windows(self.proxied, of="x", unit="months"),
            tables.windows(rate_cuts.study_compounded(market, self.events), of="x", unit="months"),
            tables.regimes(self.regimes, market),
            tables.regime_differences(self.regimes.differences),
            tables.markov(self.regimes),
            tables.sensitivity(self.sensitivity),
            tables.responses(rate_cuts.cut_responses(self.policy, market), market),
            tables.conditions(self.conditions),
            tables.grid(answer.grid),
            figures.paths(paths, market),
            figures.horizons(answer.study, of="x", unit="months", headline=12),
            figures.regimes(self.regimes, self.policy, market),
            figures.rolling(self.sensitivity, driver=self.rates.split),
            figures.specification_curve(answer.grid),
            prose.headline(answer),
            prose.events(self.policy, answer.study),
            prose.conditions(self.conditions),
        ]


@pytest.fixture(scope="module", params=[("S1", "S5"), ("SMB", "")], ids=["S1 less S5", "SMB"])
def made(request):
    return Made(*request.param)


def test_every_exhibit_shows_itself(made):
    shown = made.exhibits()
    for exhibit in shown:
        assert exhibit._repr_mimebundle_() if not isinstance(exhibit, Prose) else exhibit.text
        if isinstance(exhibit, Table):
            assert not exhibit.cells.isin(["nan", "None", "NaT", "inf", "+inf%"]).any(axis=None)
        if isinstance(exhibit, Figure):
            assert re.search(r"\d", exhibit.alt)
            assert exhibit.caption
    assert sum(isinstance(exhibit, Figure) for exhibit in shown) == 5


def test_the_headline_says_how_few_and_how_sure(made):
    text = prose.headline(made.answer).text
    after = next(result for result in made.answer.study.after if result.window.last == 12)
    assert f"n = {after.n}" in text
    assert "95% interval" in text
    assert "smallest possible" in text
    assert "nan" not in text
    assert "ways to ask the question" in text


def test_findings_have_their_names_intervals_and_reasons(made):
    findings = rate_cut_findings(made.cards, made.answer, regimes=made.regimes, sensitivity=made.sensitivity)
    names = {finding.name for finding in findings.findings}
    assert names >= NAMES
    for h in (1, 3, 6, 12):
        assert {f"rel_mean_{h}", f"rel_p_signflip_{h}", f"rel_p_placement_{h}", f"rel_positive_{h}"} <= names
    assert findings["first_cuts"].value == 7
    assert findings["beta_dgs10_up"].value is None
    assert "no 10-year yield" in findings["beta_dgs10_up"].definition
    mean = findings["rel_mean_12"]
    assert mean.low < mean.value < mean.high
    findings.as_record()


def test_the_grid_is_large_and_holds_the_headline(made):
    grid = made.answer.grid
    assert len(grid.grid.table) >= 1000
    assert 0 <= grid.place <= 1
    after = next(result for result in made.answer.study.after if result.window.last == 12)
    assert grid.headline["mean"] == pytest.approx(after.mean)
    assert grid.headline["p_placement"] == pytest.approx(after.p_placement)


def test_a_figure_without_intervals_says_why():
    source = open_source("bundled")
    market = rate_cuts.load_market(source, "S1", "S5", monthly=True, as_of=AS_OF)
    announced = rate_cuts.load_policy(as_of=AS_OF, announced_only=True)
    study = rate_cuts.study_events(market, rate_cuts.find_events(announced, market))["small less large"]
    assert study.after[0].n == 4
    assert "so few cycles no pattern" in figures.horizons(study, of="x", unit="months", headline=12).caption


def test_what_is_missing_is_said():
    missing = Unavailable("no such data here.")
    for one in (
        tables.windows(missing, of="x", unit="months"), tables.sensitivity(missing), prose.decisions(missing),
    ):  # fmt: skip
        assert isinstance(one, Prose)
        assert "no such data here" in one.text
    assert figures.rolling(missing, driver="d_dgs10").text == ""


def test_decisions_agree_with_the_effective_rate(shared_data):
    source = open_source("folder", data_dir=str(shared_data))
    check = rate_cuts.check_decisions(source, rate_cuts.load_policy(as_of=AS_OF))
    assert check.same_direction > 0.9
    assert f"{check.n_large} changes" in prose.decisions(check).text
    assert isinstance(
        rate_cuts.check_decisions(open_source("bundled"), rate_cuts.load_policy(as_of=AS_OF)), Unavailable
    )
