"""Explorers for JupyterLab: controls made of the parameters' model, and the exhibits that they change.

`explore.sigma("nasdaq", threshold=3.0)` begins at a parameter file (of several, the first whose data is there); and so on.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
import yaml

from research_lib.data import open_source
from research_lib.errors import ResearchError
from research_lib.exhibits.exhibit import WIDE_ONLY
from research_lib.params import Parameters, read_parameters, validate, write_new
from research_lib.project import PARAMETERS, data_folder
from research_lib.studies.claims import lines, study, verdict
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import study_class

PAUSE, GLANCE = 0.03, 0.005  # seconds that a change waits for the next one, and that the kernel looks for one
FITTED, WIDE = {"button_width": "max-content"}, {"description_width": "9rem"}
SLIDERS = {"integer": widgets.IntSlider, "number": widgets.FloatSlider}
button = partial(widgets.Button, layout={"width": "max-content"})
row = partial(widgets.Box, layout=widgets.Layout(flex_flow="row wrap"))


class Answering(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Controls whose changes a subclass answers by `_respond` (a sentence, then up to `n` exhibits); a newer one goes first."""

    def __init__(self, notebook: str, rows: list[Any], settings: list[Any], n: int) -> None:
        self._pending: asyncio.Task[None] | None = None
        self.notebook, self.settings = notebook, settings
        self.status, self.written, self.pinned, *self.parts = (widgets.HTML() for _ in range(4 + n))
        self.pin, self.write = button(description="Pin this setting"), button(description="Write parameter file")
        self.name = widgets.Text(description="Name", placeholder="my_threshold", tooltip="of the file", style=WIDE)
        self.replace = widgets.Checkbox(description="Replace a file of this name", indent=False)
        for one in settings:
            one.observe(self._changed, "value")
        self.pin.on_click(self._pin)
        self.write.on_click(self._write)
        file = row([self.pin, self.name, self.replace, self.write])
        super().__init__([*rows, self.status, widgets.VBox(self.parts), file, self.written, self.pinned])
        self.add_class("research-lib-explorer")
        copy_context().run(list, self._answer())

    def _changed(self, _: object) -> None:
        if self._pending:
            self._pending.cancel()
        self._pending = asyncio.get_running_loop().create_task(self._answer_soon())

    async def _answer_soon(self) -> None:
        await asyncio.sleep(PAUSE)
        for _ in self._answer():
            await asyncio.sleep(GLANCE)

    def _answer(self) -> Iterator[None]:
        """Show each part of the answer when it is there, in the place of a part of the last one."""
        WIDE_ONLY.set(True)  # of the context that it runs in, a task's or a copy
        self.status.value, parts = _line("status", "Computing …"), [*self.parts]
        try:
            for shown in self._respond():
                parts.pop(0).value = shown
                yield
            self.status.value = _line("status", "")
        except Exception as error:  # whatever it is: a line, and the explorer goes on
            known = isinstance(error, ResearchError | ValueError | yaml.YAMLError)  # the user's mistake
            self.status.value = _line("alert", str(error) if known else f"{type(error).__name__}: {error}")
            parts = [*self.parts]
        for part in parts:  # what was there before
            part.value = ""

    def _pin(self, _: object) -> None:
        settings = ", ".join(f"{one.description}: {one.value}" for one in self.settings)
        self.pinned.value = f"<h4>Pinned: {escape(settings)}</h4>{self.parts[0].value}{self.parts[1].value}"

    def _write(self, _: object) -> None:
        name, folder = self.name.value.strip(), PARAMETERS / self.notebook
        try:
            values = {"source": self.start.source, **self.parameters().model_dump(exclude_defaults=True, by_alias=True)}
            text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
            write_new(name, {folder / f"{name}.yaml": text}, replace=self.replace.value)
            self.written.value = _line("status", f"Written. Report: python -m research_lib run {folder.name}/{name}")
        except (ResearchError, OSError, yaml.YAMLError) as error:
            self.written.value = _line("alert", str(error))


class Explorer(Answering):
    """The explorer of a study: a control for each of its parameters, and its exhibits by view."""

    def __init__(self, notebook: str, *files: str, **settings: object) -> None:
        self.study, self.start = study_class(notebook), _first(notebook, files, settings)
        self._loaded, self.controls = dict[Any, Any](), dict[str, widgets.Widget]()
        for name in self.study.CONTROLS:
            symbols = self.study(self.start, loaded=self._loaded).source.names("prices") if name == "asset" else ()
            self.controls[name] = control(self.start, name, symbols)
        self.view = widgets.ToggleButtons(options=[*self.study.VIEWS], description="Show", style=FITTED)
        shown, most = [*self.controls.values()], max(map(len, self.study.VIEWS.values()))
        super().__init__(notebook, [row(shown), self.view], [*shown, self.view], most)

    def parameters(self) -> Any:  # noqa: ANN401  # the study's own
        """Return the settings, validated; a `ParameterError` says what is wrong with them."""
        values = {name: one.value for name, one in self.controls.items()}
        return validate(self.study.Parameters, self.start.model_dump() | values, origin="settings")

    def _respond(self) -> Iterator[str]:
        study = self.study(self.parameters(), loaded=self._loaded)
        summary = study.opening()
        yield f"<p><b>{escape(summary.headline)}</b> {escape(summary.standfirst)}</p>"
        for name in self.study.VIEWS[self.view.value]:
            shown = study.show(name)
            if getattr(shown, "kind", "") == "figure":
                shown = replace(shown, data=pd.DataFrame())  # to write its numbers as CSV takes longer than to draw it
            yield shown._repr_html_() if hasattr(shown, "_repr_html_") else f"<p><i>{escape(str(shown))}</i></p>"


class ClaimExplorer(Answering):
    """One line of the claims language to edit, its verdict, what it depends on, and its picture."""

    def __init__(self, *files: str, **settings: object) -> None:
        self.start: Any = _first("04_claims", files or ("sayings",), settings)
        self._lines = lines.Lines(open_source(self.start.source, data_dir=self.start.data_dir))
        claims = [(f"{one.id}: {one.says}", one) for one in self.start.claims if not one.untestable]
        if not claims:
            raise ResearchError("this file has no claim with a line; write one, or name another file")
        self.claim = widgets.Dropdown(description="Claim", options=claims, layout={"width": "100%"})
        self.line = widgets.Textarea(description="Line", continuous_update=False, tooltip="", layout={"width": "100%"})
        self.stated = widgets.Text(description="Published", continuous_update=False, tooltip="such as at least 11.5%")
        self.kind = widgets.Dropdown(description="Kind", options=["fact", "tendency", "forecast"])
        self.claim.observe(self._take, "value")
        self._take(None)
        fields = [self.line, self.stated, self.kind]
        super().__init__("04_claims", [self.claim, *fields], fields, 2)

    def _take(self, _: object) -> None:
        chosen = self.claim.value  # into the fields
        self.line.value = yaml.safe_dump(chosen.check, default_flow_style=True, width=200, sort_keys=False).strip()
        self.stated.value, self.kind.value = str(chosen.stated), chosen.kind

    def parameters(self) -> Any:  # noqa: ANN401  # those of the claims' notebook
        """Return the line as a claim of the chosen one's article; a `ParameterError` says what is wrong with it."""
        chosen, kept = self.claim.value, self.start.model_dump(include={"source", "data_dir"})
        line = self.line.value.strip()
        if line[:1] not in ("{", "[") or line.count("{") != line.count("}"):
            raise ResearchError("write the line in braces, like {of: RUT, take: change 5}")
        claim = {"check": yaml.safe_load(line), "is": self.stated.value, "kind": self.kind.value}
        same = claim == {"check": chosen.check, "is": str(chosen.stated), "kind": chosen.kind}
        says = chosen.says if same else "the line that was asked"
        claim |= {"id": chosen.id, "article": chosen.article, "says": says}
        values = kept | {"articles": {chosen.article: self.start.articles[chosen.article]}, "claims": [claim]}
        return validate(type(self.start), values, origin="line")

    def _respond(self) -> Iterator[str]:
        found = verdict.judge(claim := self.parameters().claims[0], self.start.articles[claim.article], self._lines)
        yield f"<p><b>{escape(found.verdict)}</b>. {escape(found.text)}</p>"
        if found.reading is not None and found.reading.path is not None:
            yield study.picture(found)._repr_html_()
        readings = [(", ".join(text for _, text in one.choices), own) for one, own in found.readings]
        yield pd.DataFrame(readings, columns=["definition", "verdict"]).replace("", "as written").to_html(index=False)


def control(start: Parameters, name: str, choices: Collection[Any] = ()) -> widgets.Widget:
    """Make the control of a parameter from its field: type, bounds, step, title, unit and choices."""
    schema, value = type(start).model_json_schema()["properties"][name], getattr(start, name)
    kind, unit, names = schema["type"], schema.get("unit"), schema.get("names", {})
    common = {"value": value, "tooltip": schema["description"], "style": WIDE, "layout": {"width": "24rem"}}
    common["description"] = f"{schema['title']} ({unit})" if unit else schema["title"]
    if kind == "boolean":
        return widgets.Checkbox(**common, indent=False)
    options = sorted({*choices, value}) if choices else [type(value)(one) for one in names] or schema.get("enum")
    if options:
        return widgets.Dropdown(options=[(names.get(str(one), str(one)), one) for one in options], **common)
    if kind in SLIDERS:
        common["step"] = step = schema.get("step", 1)
        common["min"] = schema.get("minimum", schema.get("exclusiveMinimum", 0) + step)
        common["max"] = schema.get("maximum", 10 * abs(value) or 10)
    return SLIDERS.get(kind, widgets.Text)(continuous_update=False, **common)


sigma = partial(Explorer, "03_record_sigma")
rate_cuts = partial(Explorer, "01_rate_cut_regimes")
leverage = partial(Explorer, "02_leverage_net_debt")
claims = ClaimExplorer


def _first(notebook: str, files: Sequence[str], settings: Mapping[str, object]) -> Any:  # noqa: ANN401  # of the notebook
    found = [read_parameters(PARAMETERS / notebook / f"{file}.yaml", MODELS[notebook], settings) for file in files]
    there = (one for one in found if not one.data_dir or data_folder(one.data_dir).is_dir())
    return next(there, found[-1]) if found else validate(MODELS[notebook], settings, origin="settings")


def _line(role: str, text: str) -> str:
    colour = "var(--jp-error-color1)" if role == "alert" else "inherit"
    return f'<p role="{role}" style="color:{colour}">{escape(" ".join(text.split()))}</p>'
