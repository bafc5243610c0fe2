"""A change of shape keeps its numbers: every finding of every report on bundled data, held against what was pinned."""

import json
import re

import pytest

from tests.golden.__main__ import ON_THE_FOLDER, PINNED, findings_of, parameter_files

# Sums, ranks, counts and p-values from enumeration are the same on every machine to the last digits. Least squares (BLAS
# adds up in the order of the processor's registers), searches for a maximum, and what is drawn around them are not.
EXACT, FITTED = 1e-12, 1e-7
FITS = re.compile("return_period|beta|small_less_large|leverage_|debt_to_cap|regime_|nd_ebitda|cover_|smallest_effect")


def differences(was, now):
    before, after = ({one["name"]: one for one in findings} for findings in (was, now))
    yield from sorted(before.keys() ^ after.keys())
    for name in before.keys() & after.keys():
        relative = FITTED if FITS.match(name) else EXACT
        for key, value in before[name].items():
            near = pytest.approx(value, rel=relative, abs=relative / 1000) if isinstance(value, float) else value
            if after[name][key] != near:
                yield f"{name}: {key}"


FILES = [*parameter_files(PINNED), *(one for one in parameter_files(ON_THE_FOLDER) if one[1].exists())]


@pytest.mark.parametrize(("path", "pinned"), FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_findings_are_those_that_were_pinned(path, pinned):
    assert list(differences(json.loads(pinned.read_text(encoding="utf-8")), findings_of(path))) == []


def test_a_changed_number_would_be_found():
    was = [{"name": "a", "value": 0.5, "n": 8}, {"name": "b", "value": None, "n": None}]
    assert list(differences(was, [{"name": "a", "value": 0.5 + 1e-13, "n": 8}, was[1]])) == []
    assert list(differences(was, [{"name": "a", "value": 0.5 + 1e-11, "n": 8}, was[1]])) == ["a: value"]
    assert list(differences(was, [{"name": "a", "value": 0.51, "n": 9}])) == ["b", "a: value", "a: n"]
