"""Explorers without a browser: what they show, say, drop and write."""

import asyncio
import html
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import pytest

from research_lib import explore
from research_lib.errors import ResearchError
from research_lib.params import read_parameters
from research_lib.studies.parameters import RecordSigma
from research_lib.studies.record_sigma import RecordSigma as Study


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(explore, "PARAMETERS", tmp_path)
    return tmp_path


def change(explorer, role="status", **values):
    """Change controls within one turn of the loop, as quick clicks do; return the exhibits of the answer."""

    async def act():
        for name, value in values.items():
            (getattr(explorer, "controls", {}).get(name) or getattr(explorer, name)).value = value
        if explorer._pending:
            await explorer._pending

    asyncio.run(act())
    assert f'role="{role}"' in explorer.status.value, explorer.status.value
    return "\n".join(one.value for one in explorer.parts[1:])


def write(explorer, name="mine"):
    """Write the setting under a name, and return what is said of it."""
    explorer.name.value = name
    explorer.write.click()
    return explorer.written.value


@pytest.mark.parametrize(("notebook", "changed"), [
    ("03_record_sigma", {"threshold": 2.2}), ("01_rate_cut_regimes", {"min_cut_bp": 50.0}), ("02_leverage_net_debt", {"stress_share": 0.3}),
])  # fmt: skip
def test_controls_come_from_the_model_every_view_answers_and_what_is_written_is_what_was_set(notebook, changed, folder):
    explorer = explore.Explorer(notebook)
    before, first = explorer.parameters(), explorer.view.options[0]
    for one, control in explorer.controls.items():
        field = type(before).model_fields[one]
        assert control.description.startswith(field.title)
        assert control.tooltip == field.description
        if isinstance(control, widgets.IntSlider):
            assert {bound.ge for bound in field.metadata if hasattr(bound, "ge")} <= {control.min}
    shown = {view: change(explorer, view=view) for view in explorer.view.options}
    assert all(shown.values())
    change(explorer, view=first, **changed)
    path = folder / notebook / "mine.yaml"
    assert f"research_lib run {notebook}/mine<" in write(explorer)
    assert read_parameters(path, type(before)) == explorer.parameters() == before.model_copy(update=changed)
    assert change(explorer, **{name: getattr(before, name) for name in changed}) == shown[first]


def test_the_answer_is_the_studys_a_setting_is_pinned_and_data_is_loaded_once():
    explorer = explore.sigma()
    kept, pinned = {key: id(one) for key, one in explorer._loaded.items()}, explorer.parts[0].value
    explorer.pin.click()
    for window in (60, 40):
        change(explorer, window=window)
        headline = html.escape(Study.from_params(window=window).summary().headline)
        assert explorer.parts[0].value.startswith(f"<p><b>{headline}</b>")
    assert pinned in explorer.pinned.value
    assert "Window (sessions): 50" in explorer.pinned.value
    assert {key: id(one) for key, one in explorer._loaded.items()} == kept != {}


@pytest.mark.parametrize(("open_one", "bad", "said", "good"), [
    (explore.sigma, {"threshold": 19.0}, "threshold 19 can never be passed", {"threshold": 2.0}),
    (partial(explore.claims, "smoke"), {"line": "{of: GSPC, tak: change 2}"}, "unknown word tak; did you mean take?",
     {"line": "{of: GSPC, take: change 2}"}),
])  # fmt: skip
def test_a_mistake_is_one_line_and_the_explorer_goes_on(open_one, bad, said, good):
    explorer = open_one()
    assert not change(explorer, role="alert", **bad).strip()
    assert said in explorer.status.value
    assert "pydantic" not in explorer.status.value
    assert change(explorer, **good)


@pytest.mark.parametrize(("open_one", "said"), [
    (partial(explore.sigma, windo=60), "did you mean window"),
    (partial(explore.Explorer, "05_mine"), "05_mine: this notebook has no study"),
    (partial(explore.claims, "smoke", claims=[]), "no claim with a line"),
])  # fmt: skip
def test_what_cannot_be_opened_is_one_line(open_one, said):
    with pytest.raises(ResearchError, match=said):
        open_one()


def test_what_is_superseded_is_dropped(monkeypatch):
    explorer, drawn = explore.sigma(), []
    monkeypatch.setattr(explorer, "_respond", lambda: drawn.append(explorer.parameters().threshold) or ())

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


def test_a_claim_is_judged_again_when_its_line_changes_and_is_written(request):
    explorer, folder = explore.claims("smoke"), request.getfixturevalue("folder")  # opened before files go elsewhere
    assert "<svg" in explorer.parts[1].value
    changes = {"holds": {}, "fails": {"line": "{of: GSPC, take: change 2}"}, "roughly": {"stated": "-24.4%"}}
    for verdict, values in changes.items():
        change(explorer, **values)
        assert f"<b>{verdict}</b>" in explorer.parts[0].value
    assert "Written." in write(explorer)
    written = read_parameters(folder / "04_claims" / "mine.yaml", type(explorer.start))
    (claim,) = written.claims
    assert (claim.check["take"], claim.stated, claim.says) == ("change 2", "-24.4%", "the line that was asked")
    assert written.articles == {claim.article: explorer.start.articles[claim.article]}
    change(explorer, role="alert", line="{of: GSPC")
    assert "write the line in braces, like {of: RUT, take: change 5}" in write(explorer, "other")
