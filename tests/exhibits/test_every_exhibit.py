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
EARLY = {
    "01_rate_cut_regimes": date(1985, 6, 28),
    "02_leverage_net_debt": date(1955, 6, 30),
    "03_record_sigma": date(1950, 3, 31),
}


def of(notebook, **changes):
    values = read_parameters(PARAMETERS / notebook / "smoke.yaml", MODELS[notebook])
    return study_class(notebook)(values.model_copy(update=changes))


@pytest.fixture(scope="module", params=sorted(STUDIES))
def study(request):
    return of(request.param)


def check(name, shown):
    if isinstance(shown, Missing):
        assert 5 < len(repr(shown)) < 400
        assert not NO_NUMBER.search(repr(shown))
        return
    assert isinstance(shown, (Table, Figure))
    assert shown.id == name
    assert 8 < len(shown.title) < 160
    html = shown._repr_html_()
    assert f'id="{name}"' in html
    words = " ".join(re.sub("<[^>]*>", " ", html.replace(FRAME_STYLE, "")).split())
    assert not NO_NUMBER.search(words)
    if isinstance(shown, Figure):
        assert len(shown.alt) > 25
        assert len(shown.data.columns)
        assert not NO_NUMBER.search(shown.alt)
    assert "CSV</a>" in html


def test_every_exhibit_states_something_and_says_it_in_words_too(study):
    assert len(study.exhibits()) >= 4
    for name in study.exhibits():
        check(name, study.show(name))
        assert len(study.exhibits()[name].subject) > 5


def test_the_hero_is_an_exhibit_and_no_name_is_one_of_the_common(study):
    summary = study.show.summary
    assert not summary.hero or summary.hero in study.exhibits()
    assert not {"summary", "findings", "data", "parameters", "provenance"} & set(study.exhibits())
    assert len(summary.headline) <= 70
    assert len(summary.standfirst.split()) <= 60


@pytest.mark.parametrize("notebook", EARLY)
def test_where_data_is_missing_the_reason_stands_in_its_place(notebook):
    study = of(notebook, as_of=EARLY[notebook])
    missing = 0
    for name in study.exhibits():
        shown = study.show(name)
        check(name, shown)
        missing += isinstance(shown, Missing)
    assert missing
