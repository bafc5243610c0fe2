"""Explorers for JupyterLab: one class, whose controls come from the parameters' model and whose views are exhibits.

from research_lib import explore
explore.sigma()                     # or explore.sigma("nasdaq", threshold=3.0), rate_cuts, leverage, claims
"""

import asyncio
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import ipywidgets as widgets
import yaml
from pydantic import ValidationError

from research_lib.errors import InsufficientDataError, ParameterError, ResearchError
from research_lib.params import SLUG, Parameters, read_parameters, read_values, validate, write_parameters
from research_lib.project import PARAMETERS, display_path, write_whole
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import Study, study_class

# So long, in seconds, a change waits for the next one; between two exhibits the kernel looks for one.
PAUSE, GLANCE = 0.03, 0.005
WIDE = {"description_width": "9rem"}
CONTROL_WIDTH = "24rem"
FITTED = {"width": "max-content"}
KNOWN = (ResearchError, ValueError, yaml.YAMLError)  # the user's mistakes: the message alone is said
ASSET_FIELDS = ("asset", "benchmark")  # fields whose choices are what the source has
row = partial(widgets.Box, layout=widgets.Layout(flex_flow="row wrap"))


class Answering(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Controls that are answered when they change; a newer change ends the answer to an older one.

    Attributes
    ----------
    answer, exhibits, status : Widget
        What these settings say as a sentence, what they show, and what is wrong, if anything.
    """

    def __init__(self, rows: Sequence[widgets.Widget], watched: Sequence[widgets.Widget]) -> None:
        self._pending: asyncio.Task[None] | None = None
        self.status, self.answer, self.written, self.pinned = (widgets.HTML() for _ in range(4))
        self.exhibits = widgets.VBox()
        self.pin = widgets.Button(description="Pin this setting", layout=FITTED)
        self.name = widgets.Text(description="Name", placeholder="my_threshold", style=WIDE)
        self.write = widgets.Button(description="Write", layout=FITTED)
        self.file = row([self.pin, self.name, self.write])
        for one in watched:
            one.observe(self._changed, "value")
        self.pin.on_click(self._pin)
        self.write.on_click(self._write)
        super().__init__([*rows, self.status, self.answer, self.exhibits, self.file, self.written, self.pinned])
        self.add_class("research-lib-explorer")
        for _ in self._answer():
            pass

    def _respond(self) -> Iterator[str]:
        """Give the sentence that answers, then the exhibits, as HTML."""
        raise NotImplementedError

    def _keep(self, name: str) -> Path:
        """Write these settings under a name."""
        raise NotImplementedError

    def _settings(self) -> str:
        """Say these settings in a line."""
        raise NotImplementedError

    def _changed(self, _: object) -> None:
        if self._pending:
            self._pending.cancel()
        self._pending = asyncio.get_running_loop().create_task(self._answer_soon())

    async def _answer_soon(self) -> None:
        await asyncio.sleep(PAUSE)
        for _ in self._answer():
            await asyncio.sleep(GLANCE)

    def _answer(self) -> Iterator[None]:
        from research_lib.exhibits.figure import wide_only

        self.status.value, place, answers = _line("status", "Computing …"), 0, self._respond()
        try:
            while True:
                with wide_only():
                    shown = next(answers, None)
                if shown is None:
                    break
                kept = (self.answer, *self.exhibits.children)
                if place < len(kept):
                    kept[place].value = shown
                else:
                    self.exhibits.children = (*kept[1:], widgets.HTML(shown))
                place += 1
                yield
            self.exhibits.children = self.exhibits.children[: place - 1]
            self.status.value = _line("status", "")
        except Exception as error:  # whatever it is: a line, and the explorer goes on
            self.exhibits.children, self.answer.value = (), ""
            text = " ".join(str(error).split())
            self.status.value = _line("alert", text if isinstance(error, KNOWN) else f"{type(error).__name__}: {text}")

    def _pin(self, _: object) -> None:
        """Keep this setting's answer and first exhibit below, to compare with the next."""
        shown = self.exhibits.children[0].value if self.exhibits.children else ""
        self.pinned.value = f"<h4>Pinned: {html.escape(self._settings())}</h4>{self.answer.value}{shown}"

    def _write(self, _: object) -> None:
        try:
            path = display_path(self._keep(self.name.value.strip()))
            self.written.value = _line("status", f"Written. Its report: python -m research_lib run {path}")
        except ResearchError as error:
            self.written.value = _line("alert", " ".join(str(error).split()))


class Explorer(Answering):
    """The explorer of a study: a control for each of its parameters, and its exhibits by view.

    Attributes
    ----------
    controls : dict of str to Widget
        By the parameter that each sets.
    view : ToggleButtons
        Which exhibits are shown.
    """

    def __init__(self, study: type[Study], notebook: str, start: Parameters) -> None:
        self.study, self.notebook, self.start = study, notebook, start
        self._loaded: dict[Any, Any] = {}
        self.controls = {name: control(start, name, self._choices(name)) for name in study.CONTROLS}
        self.view = widgets.ToggleButtons(
            options=list(study.VIEWS), description="Show", style={"button_width": "max-content"}
        )
        self.replace = widgets.Checkbox(description="Replace a file of this name", indent=False)
        super().__init__([row(list(self.controls.values())), self.view], [*self.controls.values(), self.view])
        self.write.description = "Write parameter file"
        self.file.children = (*self.file.children[:2], self.replace, self.write)

    def parameters(self) -> Parameters:
        """Return the settings, validated; a `ParameterError` says what is wrong with them."""
        values = {name: one.value for name, one in self.controls.items()}
        found: Parameters = validate(self.study.Parameters, self.start.model_dump() | values, origin="settings")
        return found

    def _choices(self, name: str) -> Sequence[str]:
        """List the assets of the source for a field that is one."""
        if name not in ASSET_FIELDS:
            return ()
        known = self.study(self.start, loaded=self._loaded).source.symbols()
        return sorted({str(getattr(self.start, name)), *known})

    def _respond(self) -> Iterator[str]:
        study = self.study(self.parameters(), loaded=self._loaded)
        summary = study.show("summary")
        yield f"<p><b>{html.escape(summary.headline)}</b> {html.escape(summary.standfirst)}</p>"
        for name in self.study.VIEWS[self.view.value]:
            yield _as_html(study.show(name))

    def _settings(self) -> str:
        return ", ".join(f"{one.description}: {one.value}" for one in self.controls.values())

    def _keep(self, name: str) -> Path:
        return write_parameters(PARAMETERS / self.notebook, name, self.parameters(), replace=self.replace.value)


class ClaimExplorer(Answering):
    """One line of the claims language to edit, its verdict, what it depends on, and its picture."""

    def __init__(self, start: Any) -> None:  # noqa: ANN401  # the parameters of the claims' notebook
        from research_lib.data import open_source
        from research_lib.studies.claims.language import WORDS
        from research_lib.studies.claims.lines import Lines

        self.start = start
        self._lines = Lines(open_source(start.source, data_dir=start.data_dir))
        claims = [one for one in start.claims if not one.untestable]
        self.claim = widgets.Dropdown(
            description="Claim", options=[(f"{one.id}: {one.says}", one) for one in claims], layout={"width": "100%"}
        )
        self.line = widgets.Textarea(description="Line", continuous_update=False, layout={"width": "100%"})
        self.stated = widgets.Text(description="Published", continuous_update=False)
        self.kind = widgets.Dropdown(description="Kind", options=["fact", "tendency", "forecast"])
        forms = [(f"{one.part}: {one.shown}", one) for one in WORDS]
        self.word = widgets.Dropdown(description="Words", options=[("look up a word of the language", None), *forms])
        self.claim.observe(self._take, "value")
        self._take(None)
        rows = [self.claim, self.line, row([self.stated, self.kind, self.word])]
        super().__init__(rows, [self.line, self.stated, self.kind, self.word])
        self.write.description = "Write claim"

    def _take(self, _: object) -> None:
        """Put the chosen claim into the fields."""
        chosen = self.claim.value
        self.line.value = yaml.safe_dump(chosen.check, default_flow_style=True, width=200, sort_keys=False).strip()
        self.stated.value, self.kind.value = str(chosen.stated), chosen.kind

    def _respond(self) -> Iterator[str]:
        from research_lib.studies.claims.study import explain, picture

        line, article = yaml.safe_load(self.line.value), self.start.articles[self.claim.value.article]
        try:
            found = explain(line, self.stated.value, self._lines, as_of=article.as_of, kind=self.kind.value)
        except ValidationError as error:
            raise ParameterError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        word = self.word.value
        hint = f"<p><code>{html.escape(word.shown)}</code>: {html.escape(word.meaning)}</p>" if word else ""
        yield f"<p><b>{html.escape(found.verdict)}</b>. {html.escape(found.text)}</p>{hint}"
        with suppress(InsufficientDataError):
            yield _as_html(picture(found))
        rows = [
            (", ".join(text for _, text in one.choices) or "as written", verdict) for one, verdict in found.readings
        ]
        cells = "".join(f"<tr><td>{html.escape(text)}</td><td>{verdict}</td></tr>" for text, verdict in rows)
        yield f"<table><tr><th>definition</th><th>verdict</th></tr>{cells}</table>"

    def _settings(self) -> str:
        return str(self.line.value)

    def _keep(self, name: str) -> Path:
        """Add the line to a claims file as a claim of the same article; a file that is not there begins with it."""
        if not re.fullmatch(SLUG, name):
            raise ParameterError(f"name {name!r}: write small letters, digits, - and _, such as my_claims")
        path, chosen = PARAMETERS / "04_claims" / f"{name}.yaml", self.claim.value
        values: Any = {"source": self.start.source, "data_dir": self.start.data_dir, "articles": {}, "claims": []}
        values |= read_values(path) if path.exists() else {}
        taken, number = {one["id"] for one in values["claims"]}, len(values["claims"]) + 1
        claim = {
            "id": f"{chosen.article}{number}",
            "article": chosen.article,
            "says": chosen.says,
            "kind": self.kind.value,
        }
        if claim["id"] in taken:
            raise ParameterError(f"{display_path(path)}: the id {claim['id']} is taken")
        claim |= {"check": yaml.safe_load(self.line.value), "is": self.stated.value}
        article = self.start.articles[chosen.article].model_dump(exclude_defaults=True)
        articles = {chosen.article: article} | values["articles"]
        whole = values | {"articles": articles, "claims": [*values["claims"], claim]}
        validate(type(self.start), whole, origin=display_path(path))
        write_whole({path: yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120).encode()})
        return path


def control(start: Parameters, name: str, choices: Sequence[Any] = ()) -> widgets.Widget:
    """Make the control of a parameter from its field: type, bounds, step, title, unit and choices."""
    field, value = type(start).model_fields[name], getattr(start, name)
    extra: Mapping[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = f" ({extra['unit']})" if extra.get("unit") else ""
    common = {
        "description": f"{field.title}{unit}",
        "value": value,
        "tooltip": field.description or "",
        "style": WIDE,
        "layout": {"width": CONTROL_WIDTH},
    }
    bounds = {key: getattr(one, key) for one in field.metadata for key in ("ge", "gt", "le", "lt") if hasattr(one, key)}
    names: Mapping[Any, str] = extra.get("names", {})
    literal = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if field.annotation is bool:
        return widgets.Checkbox(**common, indent=False)
    if options := choices or [*names] or literal:
        return widgets.Dropdown(options=[(names.get(one, str(one)), one) for one in options], **common)
    if field.annotation in (int, float):
        step = extra.get("step", 1)
        low = bounds.get("ge", bounds.get("gt", 0) + step)
        kind = widgets.IntSlider if field.annotation is int else widgets.FloatSlider
        return kind(min=low, max=bounds.get("le", 10 * abs(value) or 10), step=step, continuous_update=False, **common)
    return widgets.Text(continuous_update=False, **common)


def open_explorer(notebook: str, file: str = "", **settings: object) -> Explorer:
    """Open a notebook's explorer: at a parameter file of it by name, if any, with settings that go before the file's.

    Raises
    ------
    ParameterError
        There is no such file, or a setting is wrong.
    """
    study = study_class(notebook)
    if study is None:
        raise ResearchError(f"{notebook}: this notebook has no study, and so no explorer")
    values = read_parameters(PARAMETERS / notebook / f"{file}.yaml", study.Parameters).model_dump() if file else {}
    return Explorer(study, notebook, validate(study.Parameters, values | settings, origin="settings"))


sigma = partial(open_explorer, "03_record_sigma")
rate_cuts = partial(open_explorer, "01_rate_cut_regimes")
leverage = partial(open_explorer, "02_leverage_net_debt")


def claims(file: str = "sayings", **settings: object) -> ClaimExplorer:
    """Open the explorer of claims at a claims file of `params/04_claims/`, with settings that go before the file's."""
    model = MODELS["04_claims"]
    return ClaimExplorer(read_parameters(PARAMETERS / "04_claims" / f"{file}.yaml", model, settings))


def _as_html(exhibit: Any) -> str:  # noqa: ANN401  # a table, a figure, or the reason why there is none
    if hasattr(exhibit, "_repr_html_"):
        return str(exhibit._repr_html_())
    return f"<p><i>{html.escape(str(exhibit))}</i></p>"


def _line(role: str, text: str) -> str:
    colour = "var(--jp-error-color1)" if role == "alert" else "inherit"
    return f'<p role="{role}" style="color:{colour}">{html.escape(text)}</p>'
