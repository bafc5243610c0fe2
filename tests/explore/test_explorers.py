"""Explorers without a browser: what they show, say, drop and write."""

import asyncio
import re

import ipywidgets as widgets
import pytest

from research_lib import explore
from research_lib.data import DataSet
from research_lib.errors import ParameterError
from research_lib.explore import explorer as shared
from research_lib.parameter_files import read_parameters, write_parameters
from research_lib.params import RecordSigma
from research_lib.studies import sigma as study

# By explorer: a control, and another value for it.
CHANGES = {
    explore.sigma: ("threshold", 3.0),
    explore.rate_cuts: ("min_cut_bp", 50.0),
    explore.leverage: ("small", 400),
    explore.claims: ("asserted.value", "-30"),
}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(shared, "PARAMETERS", tmp_path)
    return tmp_path


def change(explorer, **values):
    """Change controls within one turn of the loop, as quick clicks do, and wait for the answer."""

    async def act():
        for name, value in values.items():
            (explorer.view if name == "view" else explorer.controls[name]).value = value
        if explorer._pending:
            await explorer._pending

    asyncio.run(act())


def text(explorer):
    parts = [one.value if isinstance(one, widgets.HTML) else str(one.outputs) for one in explorer.exhibits.children]
    return re.sub(r'src="data:[^"]*"', "", "\n".join(parts))  # a picture's words say what is in it


@pytest.mark.parametrize("make", CHANGES, ids=lambda make: make.__name__)
def test_every_view_answers_a_change(make):
    explorer = make()
    name, value = CHANGES[make]
    before = explorer.controls[name].value
    shown = {}
    for view in explorer.view.options:
        change(explorer, view=view)
        shown[view] = text(explorer)
        assert 'role="status"' in explorer.status.value, explorer.status.value
        assert shown[view]
    change(explorer, view=explorer.view.options[0])
    change(explorer, **{name: value})
    assert text(explorer) != shown[explorer.view.options[0]]
    change(explorer, **{name: before})
    assert text(explorer) == shown[explorer.view.options[0]]


def test_it_shows_what_the_study_says(bundled_prices: DataSet):
    explorer = explore.sigma()
    change(explorer, view="The day", window=60, definition="price_z_prior")
    settings = study.SigmaSettings(window_sessions=60, ddof=1)
    day = study.sigma_of_day(bundled_prices["GSPC"], "price_z_prior", settings)
    assert f"{day.standing.record:.2f}" in text(explorer)
    assert "bundled: S&amp;P 500, 1950-01-03 to 2018-12-31" in explorer.status.value


def test_a_mistake_is_one_line_and_the_explorer_goes_on():
    explorer = explore.sigma()
    change(explorer, threshold=19.0)
    assert 'role="alert"' in explorer.status.value
    assert "threshold 19 can never be passed" in explorer.status.value
    assert not explorer.exhibits.children
    change(explorer, threshold=2.0)
    assert 'role="status"' in explorer.status.value
    assert "above 2." in text(explorer)


def test_a_misspelt_setting_is_refused():
    with pytest.raises(ParameterError, match="did you mean window"):
        explore.sigma(windo=60)


def test_what_is_superseded_is_dropped(monkeypatch):
    explorer, drawn = explore.sigma(), []
    price = explorer.study.views["Price and episodes"]
    monkeypatch.setitem(
        explorer.study.views, "Price and episodes", lambda params: drawn.append(params.threshold) or price(params)
    )

    async def hurry():
        for threshold in (2.0, 2.1, 2.2, 2.3):
            explorer.controls["threshold"].value = threshold
            await asyncio.sleep(0)
        await explorer._pending

    asyncio.run(hurry())
    assert drawn == [2.3]


@pytest.mark.parametrize("make", CHANGES, ids=lambda make: make.__name__)
def test_what_is_written_is_what_was_set(make, folder):
    explorer = make()
    name, value = CHANGES[make]
    change(explorer, **{name: value})
    explorer.name.value = "mine"
    explorer.write.click()
    path = folder / explorer.notebook / "mine.yaml"
    assert read_parameters(path) == explorer.parameters()
    assert f"run {path}" in explorer.written.value


def test_a_file_is_only_replaced_when_asked(folder):
    explorer = explore.sigma()
    explorer.name.value = "mine"
    explorer.write.click()
    change(explorer, threshold=3.0)
    explorer.write.click()
    path = folder / "03_record_sigma" / "mine.yaml"
    assert "is there already" in explorer.written.value
    assert read_parameters(path).threshold == RecordSigma().threshold
    explorer.replace.value = True
    explorer.write.click()
    assert read_parameters(path).threshold == 3.0


def test_a_file_that_cannot_be_written_is_one_line_and_leaves_nothing(folder):
    (folder / "03_record_sigma").write_text("a file where a folder should be")
    with pytest.raises(ParameterError, match=r"mine.yaml: cannot be written \("):
        write_parameters(folder / "03_record_sigma", "mine", RecordSigma())
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["03_record_sigma"]
    write_parameters(folder / "other", "mine", RecordSigma())
    assert [path.name for path in (folder / "other").iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("name", ["", "../other", "A B", "x/y"])
def test_a_name_that_no_file_may_have_is_refused(name, folder):
    explorer = explore.sigma()
    explorer.name.value = name
    explorer.write.click()
    assert 'role="alert"' in explorer.written.value
    assert not list(folder.rglob("*.yaml"))


def test_every_control_has_a_name():
    for make in CHANGES:
        explorer = make()
        controls = [*explorer.controls.values(), explorer.name, explorer.replace, explorer.write, explorer.view]
        assert all(control.description for control in controls)


def test_another_claim_brings_its_own_controls():
    explorer = explore.claims("smoke")
    before = set(explorer.controls)
    change(explorer, claim="S2")
    assert "check.side" in explorer.controls
    assert set(explorer.controls) != before
    assert "no month since 1950 fell so far" in text(explorer)


def test_the_legs_decide_the_horizons(shared_data):
    explorer = explore.rate_cuts(source="folder", data_dir=str(shared_data))
    change(explorer, legs=("daily", "RUT", "GSPC"))
    assert explorer.controls["horizon"].options[-1] == 252
    assert 'role="status"' in explorer.status.value, explorer.status.value
