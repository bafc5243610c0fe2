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


@pytest.fixture
def of_claims():
    return explore.claims("smoke")


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
def test_controls_come_from_the_model_every_view_answers_and_what_is_written_is_what_was_set(notebook, folder):
    explorer = explore.open_explorer(notebook)
    (name, value), before, shown = CHANGES[notebook], explorer.parameters(), {}
    for one, control in explorer.controls.items():
        field = type(before).model_fields[one]
        assert control.description.startswith(field.title)
        assert control.tooltip == field.description
        if isinstance(control, widgets.IntSlider):
            assert {bound.ge for bound in field.metadata if hasattr(bound, "ge")} <= {control.min}
    for view in explorer.view.options:
        change(explorer, view=view)
        shown[view] = text(explorer)
        assert 'role="status"' in explorer.status.value, explorer.status.value
        assert shown[view]
    first = explorer.view.options[0]
    change(explorer, view=first, **{name: value})
    assert 'role="status"' in explorer.status.value, explorer.status.value
    path = folder / notebook / "mine.yaml"
    assert f"research_lib run {notebook}/mine<" in write(explorer)
    assert read_parameters(path, type(before)) == explorer.parameters() == before.model_copy(update={name: value})
    change(explorer, **{name: getattr(before, name)})
    assert text(explorer) == shown[first]


def test_the_answer_is_the_studys_a_setting_is_pinned_and_data_is_loaded_once():
    explorer = explore.sigma()
    kept, pinned = dict(explorer._loaded), explorer.parts[0].value
    explorer.pin.click()
    for window in (60, 40):
        change(explorer, window=window)
        summary = Study.from_params(window=window).summary()
        assert explorer.parts[0].value.startswith(f"<p><b>{html.escape(summary.headline)}</b>")
    assert pinned in explorer.pinned.value
    assert "Window (sessions): 50" in explorer.pinned.value
    assert kept
    assert [(key, id(one)) for key, one in explorer._loaded.items()] == [(key, id(one)) for key, one in kept.items()]


def test_a_mistake_is_one_line_and_the_explorer_goes_on(of_claims):
    explorer = explore.sigma()
    change(explorer, threshold=19.0)
    assert 'role="alert"' in explorer.status.value
    assert "threshold 19 can never be passed" in explorer.status.value
    assert not any(part.value for part in explorer.parts)
    change(of_claims, line="{of: GSPC, tak: change 2}")
    assert "unknown word tak; did you mean take?" in of_claims.status.value
    assert "pydantic" not in of_claims.status.value
    for one, good in ((explorer, {"threshold": 2.0}), (of_claims, {"line": "{of: GSPC, take: change 2}"})):
        change(one, **good)
        assert 'role="status"' in one.status.value
        assert text(one)
    with pytest.raises(ParameterError, match="did you mean window"):
        explore.sigma(windo=60)
    with pytest.raises(ResearchError, match="05_mine: this notebook has no study"):
        explore.open_explorer("05_mine")
    with pytest.raises(ResearchError, match="no claim with a line"):
        explore.claims("smoke", claims=[])


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


def test_a_file_is_only_replaced_when_asked_and_a_wrong_name_or_place_is_one_line(folder, monkeypatch):
    explorer, path = explore.sigma(), folder / "03_record_sigma" / "mine.yaml"
    for name in ("", "../other", "A B", "x/y"):
        assert 'role="alert"' in write(explorer, name)
    assert not list(folder.rglob("*.yaml"))
    write(explorer)
    change(explorer, threshold=3.0)
    assert "is there already" in write(explorer)
    assert read_parameters(path, RecordSigma).threshold == RecordSigma().threshold
    explorer.replace.value = True
    write(explorer)
    assert read_parameters(path, RecordSigma).threshold == 3.0
    monkeypatch.setattr(explore, "PARAMETERS", Path("/dev/null"))
    assert 'role="alert"' in write(explorer)


def test_it_begins_at_the_first_file_whose_data_is_there(folder):
    (folder / "03_record_sigma").mkdir()
    for name, said in {"mine": f"source: folder\ndata_dir: {folder / 'data'}\n", "kit": "window: 60\n"}.items():
        (folder / "03_record_sigma" / f"{name}.yaml").write_text(said)
    assert explore.sigma("mine", "kit").parameters().window == 60
    (folder / "data").mkdir()
    assert explore.sigma("mine", "kit").parameters().source == "folder"


def test_a_claim_is_judged_again_when_its_line_changes_and_is_written(of_claims, folder):
    assert "<svg" in of_claims.parts[1].value
    changes = {"holds": {}, "fails": {"line": "{of: GSPC, take: change 2}"}, "roughly": {"stated": "-24.4%"}}
    for verdict, values in changes.items():
        change(of_claims, **values)
        assert f"<b>{verdict}</b>" in of_claims.parts[0].value
    assert "Written." in write(of_claims)
    written = read_parameters(folder / "04_claims" / "mine.yaml", type(of_claims.start))
    (claim,) = written.claims
    assert (claim.check["take"], claim.stated, claim.says) == ("change 2", "-24.4%", of_claims.claim.value.says)
    assert written.articles == {claim.article: of_claims.start.articles[claim.article]}
    change(of_claims, line="{of: GSPC")
    assert "while parsing" in write(of_claims, "other")
