"""Every exhibit of every study: it states something, says it in words too, and gives its reason where data is missing."""

from datetime import date

import pytest

from research_lib.params import read_parameters
from research_lib.project import PARAMETERS
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import Missing, study_class
from tests.studies.reports import said_by

EARLY = {"01_rate_cut_regimes": "1985-06-28", "02_leverage_net_debt": "1955-06-30", "03_record_sigma": "1950-03-31"}


@pytest.mark.parametrize(("notebook", "as_of"), [*((name, "") for name in MODELS), *EARLY.items()])
def test_every_exhibit_states_something_and_says_it_in_words_too_or_gives_its_reason(notebook, as_of):
    params = read_parameters(PARAMETERS / notebook / "smoke.yaml", MODELS[notebook])
    early = {"as_of": date.fromisoformat(as_of)} if as_of else {}
    study = study_class(notebook)(params.model_copy(update=early))
    assert said_by(study)
    shown = {name: study.show(name) for name in study.exhibits()}
    assert len(shown) >= 4
    assert any(isinstance(one, Missing) for one in shown.values()) >= bool(as_of)
    assert all(len(study.exhibits()[name].subject) > 5 for name in shown)
