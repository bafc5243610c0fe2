"""Explorers without a browser: what they show, say, drop and write."""

import asyncio
import html
from pathlib import Path

import ipywidgets as widgets
import pytest

from research_lib import explore
from research_lib.errors import ParameterError, ResearchError
from research_lib.params import read_parameters
from research_lib.studies.parameters import RecordSigma
from research_lib.studies.record_sigma import RecordSigma as Study

# By explorer: a control, and another value for it.
CHANGES = {
    "03_record_sigma": ("threshold", 3.0),
    "01_rate_cut_regimes": ("min_cut_bp", 50.0),
    "02_leverage_net_debt": ("stress_bp", 300),
}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(explore, "PARAMETERS", tmp_path)
    return tmp_path


def change(explorer, **values):
    """Change controls within one turn of the loop, as quick clicks do, and wait for the answer."""

    async def act():
        for name, value in values.items():
            (getattr(explorer, "controls", {}).get(name) or getattr(explorer, name)).value = value
        if explorer._pending:
            await explorer._pending

    asyncio.run(act())


def write(explorer, name="mine"):
    """Write the setting under a name, and return what is said of it."""
    explorer.name.value = name
    explorer.write.click()
    return explorer.written.value


def text(explorer):
    return "\n".join(one.value for one in explorer.parts[1:])


@pytest.mark.parametrize("notebook", CHANGES)
def test_every_view_answers_a_change(notebook):
    explorer = explore.open_explorer(notebook)
    name, value = CHANGES[notebook]
    before, shown = explorer.controls[name].value, {}
    for view in explorer.view.options:
        change(explorer, view=view)
        shown[view] = text(explorer)
        assert 'role="status"' in explorer.status.value, explorer.status.value
        assert shown[view]
    change(explorer, view=explorer.view.options[0])
    change(explorer, **{name: value})
    assert 'role="status"' in explorer.status.value, explorer.status.value
    change(explorer, **{name: before})
    assert text(explorer) == shown[explorer.view.options[0]]


def test_the_answer_is_the_studys_and_changes_with_the_settings():
    explorer = explore.sigma()
    for window in (60, 40):
        change(explorer, window=window)
        summary = Study.from_params(window=window).summary()
        assert explorer.parts[0].value.startswith(f"<p><b>{html.escape(summary.headline)}</b>")


def test_data_is_loaded_once_for_all_settings():
    explorer = explore.sigma()
    kept = dict(explorer._loaded)
    change(explorer, window=60)
    change(explorer, threshold=2.0)
    assert kept
    assert explorer._loaded.keys() == kept.keys()
    assert all(explorer._loaded[key] is value for key, value in kept.items())


def test_a_setting_is_pinned_to_compare_with_the_next():
    explorer = explore.sigma()
    pinned = explorer.parts[0].value
    explorer.pin.click()
    change(explorer, window=200)
    assert pinned in explorer.pinned.value
    assert "Window (sessions): 50" in explorer.pinned.value


def test_a_mistake_is_one_line_and_the_explorer_goes_on():
    explorer = explore.sigma()
    change(explorer, threshold=19.0)
    assert 'role="alert"' in explorer.status.value
    assert "threshold 19 can never be passed" in explorer.status.value
    assert not any(part.value for part in explorer.parts)
    change(explorer, threshold=2.0)
    assert 'role="status"' in explorer.status.value
    assert text(explorer)


def test_a_misspelt_setting_is_refused():
    with pytest.raises(ParameterError, match="did you mean window"):
        explore.sigma(windo=60)
    with pytest.raises(ResearchError, match="05_mine: this notebook has no study"):
        explore.open_explorer("05_mine")


def test_what_is_superseded_is_dropped(monkeypatch):
    explorer, drawn = explore.sigma(), []
    respond = explorer._respond
    monkeypatch.setattr(explorer, "_respond", lambda: drawn.append(explorer.parameters().threshold) or respond())

    async def hurry():
        for threshold in (2.0, 2.1, 2.2, 2.3):
            explorer.controls["threshold"].value = threshold
            await asyncio.sleep(0)
        await explorer._pending

    asyncio.run(hurry())
    assert drawn == [2.3]


@pytest.mark.parametrize("notebook", CHANGES)
def test_what_is_written_is_what_was_set(notebook, folder):
    explorer = explore.open_explorer(notebook)
    name, value = CHANGES[notebook]
    change(explorer, **{name: value})
    path = folder / notebook / "mine.yaml"
    assert f"run {path}" in write(explorer)
    assert read_parameters(path, type(explorer.parameters())) == explorer.parameters()


def test_a_file_is_only_replaced_when_asked(folder):
    explorer = explore.sigma()
    write(explorer)
    change(explorer, threshold=3.0)
    path = folder / "03_record_sigma" / "mine.yaml"
    assert "is there already" in write(explorer)
    assert read_parameters(path, RecordSigma).threshold == RecordSigma().threshold
    explorer.replace.value = True
    write(explorer)
    assert read_parameters(path, RecordSigma).threshold == 3.0


def test_a_name_that_no_file_may_have_is_refused(folder):
    explorer = explore.sigma()
    for name in ("", "../other", "A B", "x/y"):
        assert 'role="alert"' in write(explorer, name)
    assert not list(folder.rglob("*.yaml"))


def test_a_folder_that_cannot_be_written_is_one_line(monkeypatch):
    explorer = explore.sigma()
    monkeypatch.setattr(explore, "PARAMETERS", Path("/dev/null"))
    assert 'role="alert"' in write(explorer)


@pytest.mark.parametrize("notebook", CHANGES)
def test_controls_come_from_the_model(notebook):
    explorer = explore.open_explorer(notebook)
    fields = explorer.study.Parameters.model_fields
    for name, control in explorer.controls.items():
        assert control.description.startswith(fields[name].title)
        assert control.tooltip == fields[name].description
        if isinstance(control, widgets.IntSlider):
            assert {one.ge for one in fields[name].metadata if hasattr(one, "ge")} <= {control.min}


def test_it_begins_at_a_parameter_file():
    assert explore.sigma("nasdaq").parameters().asset == "IXIC"


@pytest.fixture
def of_claims():
    return explore.claims("smoke")


def test_a_claim_is_judged_again_when_its_line_changes(of_claims):
    assert "<b>holds</b>" in of_claims.parts[0].value
    assert "<svg" in of_claims.parts[1].value
    change(of_claims, line="{of: GSPC, take: change 2}")
    assert "<b>fails</b>" in of_claims.parts[0].value
    change(of_claims, stated="-24.57%")
    assert "<b>holds</b>" in of_claims.parts[0].value


def test_a_wrong_word_is_one_line_and_the_explorer_goes_on(of_claims):
    change(of_claims, line="{of: GSPC, tak: change 2}")
    assert 'role="alert"' in of_claims.status.value
    assert "unknown word tak; did you mean take?" in of_claims.status.value
    assert "pydantic" not in of_claims.status.value
    change(of_claims, line="{of: GSPC, take: change 2}")
    assert 'role="status"' in of_claims.status.value


def test_a_claim_is_added_to_a_file_and_keeps_what_was_there(of_claims, folder):
    for line in ("{of: GSPC, take: change 2}", "{of: GSPC, take: change 3}"):
        change(of_claims, line=line)
        assert "Written." in write(of_claims)
    written = read_parameters(folder / "04_claims" / "mine.yaml", type(of_claims.start))
    assert [(one.id, one.check["take"]) for one in written.claims] == [("A1", "change 2"), ("A2", "change 3")]
    assert 'role="alert"' in write(of_claims, "../mine")
    change(of_claims, line="{of: GSPC")
    assert "while parsing" in write(of_claims)


def test_a_word_of_the_language_is_looked_up(of_claims):
    word = next(value for label, value in of_claims.word.options if label.startswith("take: average"))
    change(of_claims, word=word)
    assert word.meaning in of_claims.parts[0].value


def test_it_begins_at_the_first_file_whose_data_is_there(folder):
    (folder / "03_record_sigma").mkdir()
    for name, text in {"mine": f"source: folder\ndata_dir: {folder / 'data'}\n", "kit": "window: 60\n"}.items():
        (folder / "03_record_sigma" / f"{name}.yaml").write_text(text)
    explorer = explore.sigma("mine", "kit")
    assert explorer.parameters().window == 60
    (folder / "data").mkdir()
    assert explore.sigma("mine", "kit").parameters().source == "folder"
