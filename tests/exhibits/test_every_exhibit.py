"""Every exhibit of every study: it states something, says it in words too, and gives its reason where data is missing."""

from datetime import date

import pytest

from research_lib.exhibits.figure import Figure
from research_lib.exhibits.table import Table
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
    said_by(study)
    shown = {name: study.show(name) for name in study.exhibits()}
    missing = [one for one in shown.values() if isinstance(one, Missing)]
    assert len(shown) >= 4
    assert all(5 < len(repr(one)) < 400 for one in missing)
    assert bool(missing) >= bool(as_of)
    for name, one in shown.items():
        assert len(study.exhibits()[name].subject) > 5
        if one not in missing:
            assert isinstance(one, (Table, Figure))
            assert one.id == name
            assert 8 < len(one.title) < 160
            assert f'id="{name}"' in one._repr_html_()
            assert "CSV</a>" in one._repr_html_()
        if isinstance(one, Figure):
            assert len(one.alt) > 25
            assert len(one.data.columns)
    if not as_of:
        assert study.show.summary.hero in {"", *shown}
