"""Every exhibit of every study: it states something, says it in words too, and gives its reason where data is missing."""

import re
from datetime import date

import pytest

from research_lib.exhibits.exhibit import FRAME_STYLE
from research_lib.exhibits.figure import Figure
from research_lib.exhibits.table import Table
from research_lib.params import read_parameters
from research_lib.project import PARAMETERS
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import STUDIES, Missing, study_class

NO_NUMBER = re.compile(r"\bnan\b|\bNone\b|∞|\binf\b|\{|\}|<NA>|NaT")
EARLY = {"01_rate_cut_regimes": "1985-06-28", "02_leverage_net_debt": "1955-06-30", "03_record_sigma": "1950-03-31"}


def of(notebook, **changes):
    values = read_parameters(PARAMETERS / notebook / "smoke.yaml", MODELS[notebook])
    return study_class(notebook)(values.model_copy(update=changes))


def check(name, shown):
    """Check an exhibit, and say whether the data could not give it."""
    words = repr(shown)
    if isinstance(shown, Missing):
        assert 5 < len(words) < 400
    else:
        assert isinstance(shown, (Table, Figure))
        assert shown.id == name
        assert 8 < len(shown.title) < 160
        html = shown._repr_html_()
        assert f'id="{name}"' in html
        assert "CSV</a>" in html
        words += re.sub("<[^>]*>", " ", html.replace(FRAME_STYLE, ""))
    if isinstance(shown, Figure):
        assert len(shown.alt) > 25
        assert len(shown.data.columns)
    assert not NO_NUMBER.search(words)
    return isinstance(shown, Missing)


@pytest.mark.parametrize("notebook", sorted(STUDIES))
def test_every_exhibit_and_the_summary_state_something_and_say_it_in_words_too(notebook):
    study = of(notebook)
    exhibits, summary = study.exhibits(), study.show.summary
    assert len(exhibits) >= 4
    for name, exhibit in exhibits.items():
        check(name, study.show(name))
        assert len(exhibit.subject) > 5
    assert not summary.hero or summary.hero in exhibits
    assert len(summary.headline) <= 70
    assert len(summary.standfirst.split()) <= 60


@pytest.mark.parametrize("notebook", EARLY)
def test_where_data_is_missing_the_reason_stands_in_its_place(notebook):
    study = of(notebook, as_of=date.fromisoformat(EARLY[notebook]))
    assert sum(check(name, study.show(name)) for name in study.exhibits())
