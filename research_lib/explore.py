"""Explorers for JupyterLab: one class, whose controls come from the parameters' model and whose views are exhibits.

from research_lib import explore
explore.sigma()                     # or explore.sigma("nasdaq", threshold=3.0), rate_cuts, leverage, claims
"""

import asyncio
import html
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args, get_origin

import ipywidgets as widgets

from research_lib.errors import ResearchError
from research_lib.params import Parameters, read_parameters, validate, write_parameters
from research_lib.project import PARAMETERS, display_path
from research_lib.studies.study import Study, study_class

# So long, in seconds, a change waits for the next one; between two exhibits the kernel looks for one.
PAUSE, GLANCE = 0.03, 0.005
WIDE = {"description_width": "9rem"}
CONTROL_WIDTH = "24rem"
ASSET_FIELDS = ("asset", "benchmark")  # fields whose choices are what the source has


class Explorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Controls above, then the answer as a sentence, then the exhibits; a change is answered at once, a newer one first.

    Attributes
    ----------
    controls : dict of str to Widget
        By the parameter that each sets.
    view : ToggleButtons
        Which exhibits are shown.
    answer, exhibits, status : Widget
        The headline of these settings, the exhibits, and what is wrong, if anything.
    pinned : HTML
        An earlier setting, to compare with.
    """

    def __init__(self, study: type[Study], notebook: str, start: Parameters) -> None:
        self.study, self.notebook, self.start = study, notebook, start
        self._loaded: dict[Any, Any] = {}
        self._pending: asyncio.Task[None] | None = None
        self.controls = {name: control(start, name, self._choices(name)) for name in study.CONTROLS}
        self.view = widgets.ToggleButtons(
            options=list(study.VIEWS), description="Show", style={"button_width": "max-content"}
        )
        self.answer, self.status, self.pinned, self.written = (widgets.HTML() for _ in range(4))
        self.exhibits = widgets.VBox()
        self.pin = widgets.Button(description="Pin this setting", layout={"width": "max-content"})
        self.name = widgets.Text(description="Name", placeholder="my_threshold", style=WIDE)
        self.replace = widgets.Checkbox(description="Replace a file of this name", indent=False)
        self.write = widgets.Button(description="Write parameter file", layout={"width": "max-content"})
        for one in self.controls.values():
            one.observe(self._changed, "value")
        self.view.observe(self._changed, "value")
        self.pin.on_click(self._pin)
        self.write.on_click(self._write)
        row = partial(widgets.Box, layout=widgets.Layout(flex_flow="row wrap"))
        settings, file = row(list(self.controls.values())), row([self.pin, self.name, self.replace, self.write])
        super().__init__(
            [settings, self.view, self.status, self.answer, self.exhibits, file, self.written, self.pinned]
        )
        self.add_class("research-lib-explorer")
        for _ in self._answer():
            pass

    def parameters(self) -> Parameters:
        """Return the settings, validated; a `ParameterError` says what is wrong with them."""
        values = {name: one.value for name, one in self.controls.items()}
        return validate(self.study.Parameters, self.start.model_dump() | values, origin="settings")

    def _choices(self, name: str) -> Sequence[str]:
        """List the assets of the source for a field that is one."""
        if name not in ASSET_FIELDS:
            return ()
        known = self.study(self.start, loaded=self._loaded).source.symbols()
        return sorted({str(getattr(self.start, name)), *known})

    def _changed(self, _: object) -> None:
        if self._pending:
            self._pending.cancel()
        self._pending = asyncio.get_running_loop().create_task(self._answer_soon())

    async def _answer_soon(self) -> None:
        """Answer piece by piece; a newer change ends it between two pieces."""
        await asyncio.sleep(PAUSE)
        for _ in self._answer():
            await asyncio.sleep(GLANCE)

    def _answer(self) -> Iterator[None]:
        self.status.value = _line("status", "Computing …")
        try:
            study = self.study(self.parameters(), loaded=self._loaded)
            yield from self._show(study)
            self.status.value = _line("status", study.source_line)
        except Exception as error:  # whatever it is: a line, and the explorer goes on
            self.exhibits.children, self.answer.value = (), ""
            text = " ".join(str(error).split())
            known = isinstance(error, ResearchError)
            self.status.value = _line("alert", text if known else f"{type(error).__name__}: {text}")

    def _show(self, study: Study) -> Iterator[None]:
        summary = study.show("summary")
        self.answer.value = f"<p><b>{html.escape(summary.headline)}</b> {html.escape(summary.standfirst)}</p>"
        for place, name in enumerate(names := self.study.VIEWS[self.view.value]):
            shown = _as_html(study.show(name))
            kept = self.exhibits.children
            if place < len(kept):
                kept[place].value = shown
            else:
                self.exhibits.children = (*kept, widgets.HTML(shown))
            yield
        self.exhibits.children = self.exhibits.children[: len(names)]

    def _pin(self, _: object) -> None:
        """Keep this setting's answer and first exhibit below, to compare with the next."""
        settings = ", ".join(f"{one.description}: {one.value}" for one in self.controls.values())
        shown = self.exhibits.children[0].value if self.exhibits.children else ""
        self.pinned.value = f"<h4>Pinned: {html.escape(settings)}</h4>{self.answer.value}{shown}"

    def _write(self, _: object) -> None:
        try:
            folder = PARAMETERS / self.notebook
            path = write_parameters(folder, self.name.value.strip(), self.parameters(), replace=self.replace.value)
        except ResearchError as error:
            self.written.value = _line("alert", " ".join(str(error).split()))
            return
        self.written.value = _line("status", f"Written. Its report: python -m research_lib run {display_path(path)}")


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


def _as_html(exhibit: Any) -> str:  # noqa: ANN401  # a table, a figure, or the reason why there is none
    if hasattr(exhibit, "_repr_html_"):
        return str(exhibit._repr_html_())
    return f"<p><i>{html.escape(str(exhibit))}</i></p>"


def _line(role: str, text: str) -> str:
    colour = "var(--jp-error-color1)" if role == "alert" else "inherit"
    return f'<p role="{role}" style="color:{colour}">{html.escape(text)}</p>'
