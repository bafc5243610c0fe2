"""A whole report, made without a kernel: every exhibit is shown, and no word of it is a code, a NaN or an infinity."""

import json
import re

from research_lib.errors import ResearchError
from research_lib.exhibits.exhibit import JUDGED, VERDICT_LOOK, Figure
from research_lib.studies.study import Missing
from tests.conftest import read_table

SAID = read_table("studies/said.yaml")  # by study
NO_NUMBER = re.compile(r"\bnan\b|\binf\b|∞|\bNone\b|NaT|<NA>|\{|\}")
CODES = re.compile(r"price_z|distance_z|return_z|DGS\d")  # a reason may name a parameter's value, what is shown may not
PICTURES = re.compile(r"<style.*?</style>|<svg.*?</svg>|<[^>]*>", re.DOTALL)


def words_of(shown):
    """What a reader reads of an exhibit, without pictures; held against what each must have."""
    if isinstance(shown, Missing):
        assert 5 < len(repr(shown)) < 400
        return repr(shown)
    html = shown._repr_html_()
    assert 8 < len(shown.title) < 160
    assert f'id="{shown.id}"' in html
    assert "CSV</a>" in html
    assert not isinstance(shown, Figure) or (len(shown.alt) > 25 and len(shown.data.columns))
    return PICTURES.sub(" ", html)


def check_summary(summary):
    assert summary.verdict in VERDICT_LOOK
    assert len(summary.headline) <= 70
    assert bool(summary.claim) == (summary.verdict in JUDGED)
    assert len(summary.standfirst.split()) <= 60
    assert len(summary.limits) in (0, 3, 4)
    said = [summary.headline, summary.standfirst, summary.change_mind, *summary.limits, *sum(summary.numbers, ())]
    assert not NO_NUMBER.search(" ".join(said))
    assert not CODES.search(" ".join(said))


def said_by(study):
    """Make the whole report and hold every part of it against what no page may show; return what its first screen says."""
    for name in study.exhibits():
        shown = study.show(name)
        words = words_of(shown)
        assert not NO_NUMBER.search(words), name
        assert isinstance(shown, Missing) or (shown.id == name and not CODES.search(words)), name
    json.dumps(study.findings.as_record(), allow_nan=False)
    try:
        summary = study.show.summary
    except ResearchError as refused:
        return f"refused: {refused}"
    check_summary(summary)
    assert summary.hero in {"", *study.exhibits()}
    return f"{summary.verdict}: {summary.headline} {summary.standfirst}"
