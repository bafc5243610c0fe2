"""Explorers for JupyterLab: controls made of the parameters' model, and the exhibits that they change.

`explore.sigma()`, or `explore.sigma("nasdaq", threshold=3.0)`; also `rate_cuts`, `leverage` and `claims`.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
import yaml
from ipywidgets import Widget

from research_lib.errors import InsufficientDataError, ResearchError
from research_lib.exhibits.figure import wide_only
from research_lib.params import Parameters, file_named, read_parameters, read_values, validate, write_parameters
from research_lib.project import PARAMETERS, data_folder, display_path, write_whole
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import Study, study_class

PAUSE, GLANCE = 0.03, 0.005  # seconds that a change waits for the next one, and that the kernel looks for one
FITTED = {"button_width": "max-content"}
WIDE = {"description_width": "9rem"}
SLIDERS = {"integer": widgets.IntSlider, "number": widgets.FloatSlider}
button = partial(widgets.Button, layout={"width": "max-content"})
row = partial(widgets.Box, layout=widgets.Layout(flex_flow="row wrap"))


class Answering(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Controls that are answered when they change; a newer change ends the answer to an older one.

    A subclass gives `_respond` (the sentence that answers, then up to `n` exhibits, as HTML) and `_keep` (under a name).
    """

    def __init__(self, rows: list[Any], settings: list[Any], other: Widget, write: str, n: int, *more: Widget) -> None:
        self._pending: asyncio.Task[None] | None = None
        self.settings = settings  # `other` changes what is shown, but is no setting
        self.status, self.written, self.pinned, *self.parts = (widgets.HTML() for _ in range(4 + n))
        self.pin, self.write = button(description="Pin this setting"), button(description=write)
        self.name = widgets.Text(description="Name", placeholder="my_threshold", style=WIDE)
        for one in (*settings, other):
            one.observe(self._changed, "value")
        self.pin.on_click(self._pin)
        self.write.on_click(self._write)
        file = row([self.pin, self.name, *more, self.write])
        super().__init__([*rows, self.status, widgets.VBox(self.parts), file, self.written, self.pinned])
        self.add_class("research-lib-explorer")
        with wide_only():
            list(self._answer())

    def _changed(self, _: object) -> None:
        if self._pending:
            self._pending.cancel()
        self._pending = asyncio.get_running_loop().create_task(self._answer_soon())

    async def _answer_soon(self) -> None:
        await asyncio.sleep(PAUSE)
        with wide_only():  # the task's own setting
            for _ in self._answer():
                await asyncio.sleep(GLANCE)

    def _answer(self) -> Iterator[None]:
        """Show each part of the answer when it is there, in the place of a part of the last one."""
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
        """Keep this setting's answer and first exhibit below, to compare with the next."""
        settings = ", ".join(f"{one.description}: {one.value}" for one in self.settings)
        self.pinned.value = f"<h4>Pinned: {escape(settings)}</h4>{self.parts[0].value}{self.parts[1].value}"

    def _write(self, _: object) -> None:
        try:
            path = display_path(self._keep(self.name.value.strip()))
            self.written.value = _line("status", f"Written. Its report: python -m research_lib run {path}")
        except (ResearchError, OSError, yaml.YAMLError) as error:
            self.written.value = _line("alert", str(error))


class Explorer(Answering):
    """The explorer of a study: a control for each of its parameters, and its exhibits by view."""

    def __init__(self, study: type[Study], notebook: str, start: Parameters) -> None:
        self.study, self.notebook, self.start = study, notebook, start
        self._loaded, self.controls = dict[Any, Any](), dict[str, Widget]()
        for name in study.CONTROLS:
            known = study(start, loaded=self._loaded).source.symbols() if name in ("asset", "benchmark") else ()
            self.controls[name] = control(start, name, sorted({*known, getattr(start, name)}) if known else ())
        self.view = widgets.ToggleButtons(options=[*study.VIEWS], description="Show", style=FITTED)
        self.replace = widgets.Checkbox(description="Replace a file of this name", indent=False)
        shown, n = [*self.controls.values()], max(map(len, study.VIEWS.values()))
        super().__init__([row(shown), self.view], shown, self.view, "Write parameter file", n, self.replace)

    def parameters(self) -> Any:  # noqa: ANN401  # the study's own
        """Return the settings, validated; a `ParameterError` says what is wrong with them."""
        values = {name: one.value for name, one in self.controls.items()}
        return validate(self.study.Parameters, self.start.model_dump() | values, origin="settings")

    def _respond(self) -> Iterator[str]:
        study = self.study(self.parameters(), loaded=self._loaded)
        summary = study.show("summary")
        yield f"<p><b>{escape(summary.headline)}</b> {escape(summary.standfirst)}</p>"
        for name in self.study.VIEWS[self.view.value]:
            shown = study.show(name)
            if getattr(shown, "kind", "") == "figure":
                shown = replace(shown, data=pd.DataFrame())  # to write its numbers as CSV takes longer than to draw it
            yield shown._repr_html_() if hasattr(shown, "_repr_html_") else f"<p><i>{escape(str(shown))}</i></p>"

    def _keep(self, name: str) -> Path:
        return write_parameters(PARAMETERS / self.notebook, name, self.parameters(), replace=self.replace.value)


class ClaimExplorer(Answering):
    """One line of the claims language to edit, its verdict, what it depends on, and its picture."""

    def __init__(self, start: Any) -> None:  # noqa: ANN401  # the parameters of the claims' notebook
        from research_lib.data import open_source
        from research_lib.studies.claims.language import WORDS
        from research_lib.studies.claims.lines import Lines

        self.start, self._lines = start, Lines(open_source(start.source, data_dir=start.data_dir))
        claims = [(f"{one.id}: {one.says}", one) for one in start.claims if not one.untestable]
        words = [("look up a word of the language", None), *((f"{one.part}: {one.shown}", one) for one in WORDS)]
        self.claim = widgets.Dropdown(description="Claim", options=claims, layout={"width": "100%"})
        self.line = widgets.Textarea(description="Line", continuous_update=False, layout={"width": "100%"})
        self.stated = widgets.Text(description="Published", continuous_update=False)
        self.kind = widgets.Dropdown(description="Kind", options=["fact", "tendency", "forecast"])
        self.word = widgets.Dropdown(description="Words", options=words)
        self.claim.observe(self._take, "value")
        self._take(None)
        rows = [self.claim, self.line, row([self.stated, self.kind, self.word])]
        super().__init__(rows, [self.line, self.stated, self.kind], self.word, "Write claim", 2)

    def _take(self, _: object) -> None:
        """Put the chosen claim into the fields."""
        chosen = self.claim.value
        self.line.value = yaml.safe_dump(chosen.check, default_flow_style=True, width=200, sort_keys=False).strip()
        self.stated.value, self.kind.value = str(chosen.stated), chosen.kind

    def _respond(self) -> Iterator[str]:
        from research_lib.studies.claims.study import explain, picture

        line, day = yaml.safe_load(self.line.value), self.start.articles[self.claim.value.article].as_of
        found = explain(line, self.stated.value, self._lines, as_of=day, kind=self.kind.value)
        hint = f"<p><code>{escape(word.shown)}</code>: {escape(word.meaning)}</p>" if (word := self.word.value) else ""
        yield f"<p><b>{escape(found.verdict)}</b>. {escape(found.text)}</p>{hint}"
        with suppress(InsufficientDataError):
            yield picture(found)._repr_html_()
        readings = [(", ".join(text for _, text in one.choices), verdict) for one, verdict in found.readings]
        yield pd.DataFrame(readings, columns=["definition", "verdict"]).replace("", "as written").to_html(index=False)

    def _keep(self, name: str) -> Path:
        """Add the line to a claims file as a claim of the same article; a file that is not there begins with it."""
        path, chosen = file_named(PARAMETERS / "04_claims", name), self.claim.value
        values: Any = {"source": self.start.source, "data_dir": self.start.data_dir, "articles": {}, "claims": []}
        values |= read_values(path) if path.exists() else {}
        claim = {"id": f"{chosen.article}{len(values['claims']) + 1}", "article": chosen.article, "says": chosen.says}
        claim |= {"kind": self.kind.value, "check": yaml.safe_load(self.line.value), "is": self.stated.value}
        article = self.start.articles[chosen.article].model_dump(exclude_defaults=True)
        values |= {"articles": {chosen.article: article} | values["articles"], "claims": [*values["claims"], claim]}
        validate(type(self.start), values, origin=display_path(path))
        write_whole({path: yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120).encode()})
        return path


def control(start: Parameters, name: str, choices: Sequence[Any] = ()) -> Widget:
    """Make the control of a parameter from its field: type, bounds, step, title, unit and choices."""
    schema, value = type(start).model_json_schema()["properties"][name], getattr(start, name)
    extra: Any = type(start).model_fields[name].json_schema_extra  # in the schema the keys of names are texts
    kind, unit, names = schema["type"], schema.get("unit"), extra.get("names", {})
    common = {"value": value, "tooltip": schema["description"], "style": WIDE, "layout": {"width": "24rem"}}
    common["description"] = f"{schema['title']} ({unit})" if unit else schema["title"]
    if kind == "boolean":
        return widgets.Checkbox(**common, indent=False)
    if options := choices or [*names] or schema.get("enum"):
        return widgets.Dropdown(options=[(names.get(one, str(one)), one) for one in options], **common)
    if kind in SLIDERS:
        common["step"] = step = schema.get("step", 1)
        common["min"] = schema.get("minimum", schema.get("exclusiveMinimum", 0) + step)
        common["max"] = schema.get("maximum", 10 * abs(value) or 10)
    return SLIDERS.get(kind, widgets.Text)(continuous_update=False, **common)


def open_explorer(notebook: str, *files: str, **settings: object) -> Explorer:
    """Open a notebook's explorer at the first of its parameter files, by name, whose data is there; settings go before."""
    study = study_class(notebook)
    if study is None:
        raise ResearchError(f"{notebook}: this notebook has no study, and so no explorer")
    return Explorer(study, notebook, _first(notebook, files, settings))


sigma = partial(open_explorer, "03_record_sigma")
rate_cuts = partial(open_explorer, "01_rate_cut_regimes")
leverage = partial(open_explorer, "02_leverage_net_debt")


def claims(*files: str, **settings: object) -> ClaimExplorer:
    """Open the explorer of claims at the first of these claims files whose data is there; settings go before."""
    return ClaimExplorer(_first("04_claims", files or ("sayings",), settings))


def _first(notebook: str, files: Sequence[str], settings: Mapping[str, object]) -> Parameters:
    paths = [PARAMETERS / notebook / f"{file}.yaml" for file in files]
    found = [read_parameters(path, MODELS[notebook], settings) for path in paths]
    there = (one for one in found if not one.data_dir or data_folder(one.data_dir).is_dir())
    return next(there, found[-1]) if found else validate(MODELS[notebook], settings, origin="settings")


def _line(role: str, text: str) -> str:
    colour = "var(--jp-error-color1)" if role == "alert" else "inherit"
    return f'<p role="{role}" style="color:{colour}">{escape(" ".join(text.split()))}</p>'
