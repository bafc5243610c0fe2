"""What the studies say at the edges of their data: places at which a changed operator once went unseen."""

import numpy as np
import pandas as pd
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.exhibits.format import interval
from research_lib.stats.event_study import window_outcomes
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.rate_cuts.load import ReturnPair
from research_lib.studies.record_sigma import RecordSigma


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
    outcomes = window_outcomes(small, max(horizons), less=study.pair.large, compounded=of_two_legs)[at]
    np.testing.assert_allclose(drawn.iloc[-1], outcomes)
    early = of_pair(*(leg[:"2008-03-31"] for leg in (small, large, large)))  # the cycle of 2007 is six months old
    known = interval(early.outcomes[12].min(), early.outcomes[12].max(), "points", digits=0)
    assert early.outcomes[12].isna().sum() == 1
    assert early.paths.title == f"12 months after the first cut, small minus large ranged from {known} over 5 cycles"


def test_a_state_of_few_periods_has_no_sensitivity_and_all_periods_must_have_one():
    study = RateCuts.from_params()
    vars(study)["states"] = pd.Series("tightening", study.pair.index).where(
        np.arange(len(study.pair.index)) >= 12, "easing"
    )
    assert set(study.sensitivity["over"]) >= {"all periods", "tightening"}
    assert "easing" not in set(study.sensitivity["over"])
    with pytest.raises(InsufficientDataError, match="are needed"):
        of_pair(*[study.pair.difference.tail(20)] * 3).sensitivity  # noqa: B018


def test_other_definitions_than_the_headlines_are_counted_in_words():
    for ranks, said in (([2, np.nan, 3], ("0 of 1", "make")), ([7, 4, 1], ("1 of 2", "makes"))):
        study = RecordSigma.from_params()
        vars(study)["definitions"] = pd.DataFrame({"definition": [study.words, "b", "c"], "rank": ranks})
        assert study.on_definitions == (said[0], f"other definitions {said[1]} it a record")
