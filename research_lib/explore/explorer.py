"""What the explorers have in common: controls that make validated parameters, and views that are drawn when shown."""

import asyncio
import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic

import ipywidgets as widgets

from research_lib.data import DataCard, open_source
from research_lib.errors import ResearchError
from research_lib.exhibits.figure import Figure, Places, Prose, sketches
from research_lib.exhibits.table import Table
from research_lib.parameter_files import read_parameters, shown, write_parameters
from research_lib.params import MODELS, Model, NotebookParameters, validate
from research_lib.project import PARAMETERS

Exhibit = Figure | Table | Prose
Values = dict[str, Any]

# So long, in seconds, a change waits for the next one; and between two exhibits the kernel looks for one.
PAUSE, GLANCE = 0.03, 0.005
NAMED = 3
WIDE = {"description_width": "9rem"}
FITTED = {"button_width": "max-content"}
CONTROL_WIDTH, AS_WIDE = "20rem", {"width": "max-content"}


class Study(Generic[Model]):
    """What an explorer shows; one subclass a notebook.

    Attributes
    ----------
    start : NotebookParameters
        Where it begins; what no control changes stays.
    source : Source
        Where the data is from.
    views : dict of str to callable
        Takes parameters, gives exhibits one by one; only the one that is looked at is computed.
    """

    views: dict[str, Callable[[Model], Iterator[Exhibit]]]

    def __init__(self, start: Model) -> None:
        self.start = start
        self.source = open_source(start.source, data_dir=start.data_dir)

    def cards(self, params: Model) -> Sequence[DataCard]:
        """Return the cards of the data that these parameters compute on."""
        raise NotImplementedError

    def complete(self, values: Values) -> Values:
        """Make parameters of the controls' values, where they are not the same."""
        return values


class Explorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """Controls above, what the study says below; a change is answered at once, a newer one first.

    Attributes
    ----------
    controls : dict of str to Widget
        By the parameter that each sets.
    view : ToggleButtons
        Which view is shown.
    exhibits : VBox
        The view's exhibits, as HTML.
    status : HTML
        What it is computed on, or in one line what is wrong.
    name, replace, write, written
        Of the parameter file.
    """

    def __init__(self, study: Study[Any], controls: Mapping[str, widgets.Widget]) -> None:
        self.study, self.notebook = study, notebook_of(type(study.start))
        self._places: Places = {}
        self._pending: asyncio.Task[None] | None = None
        self.view = widgets.ToggleButtons(options=list(study.views), description="Show", style=FITTED)
        self.settings = widgets.Box(layout=widgets.Layout(flex_flow="row wrap"))
        self.exhibits, self.status = widgets.VBox(), widgets.HTML()
        self.name = widgets.Text(description="Name", placeholder="my_threshold", style=WIDE)
        self.replace = widgets.Checkbox(description="Replace a file of this name", indent=False)
        self.write, self.written = widgets.Button(description="Write parameter file", layout=AS_WIDE), widgets.HTML()
        self.write.on_click(self._write)
        self.view.observe(self._changed, "value")
        self.set_controls(controls)
        file = widgets.Box([self.name, self.replace, self.write], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([self.settings, self.view, self.status, self.exhibits, file, self.written])
        self.add_class("research-lib-explorer")
        for _ in self._answer():
            pass

    def set_controls(self, controls: Mapping[str, widgets.Widget]) -> None:
        """Show these controls in place of those that were there."""
        self.controls = dict(controls)
        for control in self.controls.values():
            control.style, control.layout.width = WIDE, control.layout.width or CONTROL_WIDTH
            control.observe(self._changed, "value")
        self.settings.children = tuple(self.controls.values())

    def parameters(self) -> NotebookParameters:
        """Return the settings, validated; a `ParameterError` says what is wrong with them."""
        values = self.study.complete({name: control.value for name, control in self.controls.items()})
        return validate(MODELS[self.notebook], self.study.start.model_dump() | values, origin="settings")

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
        began, self.status.value = time.perf_counter(), _line("status", "Computing …")
        try:
            params = self.parameters()
            shown_exhibits = self.study.views[self.view.value](params)
            place = 0
            while (exhibit := self._next(shown_exhibits)) is not None:
                self._put(place, exhibit)
                place += 1
                yield
            self.exhibits.children = self.exhibits.children[:place]
            milliseconds = 1000 * (time.perf_counter() - began)
            self.status.value = _line("status", f"{describe(self.study.cards(params))}; {milliseconds:.0f} ms")
        except Exception as error:  # whatever it is: a line, and the explorer goes on
            self.exhibits.children = ()
            self.status.value = _line("alert", one_line(error))

    def _next(self, exhibits: Iterator[Exhibit]) -> Exhibit | None:
        with sketches(self._places):
            return next(exhibits, None)

    def _put(self, place: int, exhibit: Exhibit) -> None:
        kept = self.exhibits.children
        if isinstance(exhibit, Prose):  # Lab itself knows Markdown
            shown_as = widgets.Output(outputs=(_markdown(exhibit),))
        elif place < len(kept) and isinstance(kept[place], widgets.HTML):
            kept[place].value = exhibit._repr_html_()
            return
        else:
            shown_as = widgets.HTML(exhibit._repr_html_())
        self.exhibits.children = (*kept[:place], shown_as, *kept[place + 1 :])

    def _write(self, _: object) -> None:
        folder, slug = PARAMETERS / self.notebook, self.name.value.strip()
        try:
            path = write_parameters(folder, slug, self.parameters(), replace=self.replace.value)
        except ResearchError as error:
            self.written.value = _line("alert", one_line(error))
            return
        self.written.value = _line("status", f"Written. Its report: python -m research_lib run {shown(path)}")


def _markdown(prose: Prose) -> dict[str, object]:
    return {"output_type": "display_data", "data": {"text/markdown": prose.text}, "metadata": {}}


def begin(model: type[Model], file: str, settings: Mapping[str, object]) -> Model:
    """Make the parameters that an explorer begins with: of a parameter file by its name, if any, and settings over it.

    Raises
    ------
    ParameterError
        There is no such file, or a setting is wrong.
    """
    values = read_parameters(PARAMETERS / notebook_of(model) / f"{file}.yaml").model_dump() if file else {}
    return validate(model, values | dict(settings), origin="settings")


def notebook_of(model: type[NotebookParameters]) -> str:
    """Name the notebook of a parameter model."""
    return next(name for name, known in MODELS.items() if known is model)


def describe(cards: Sequence[DataCard]) -> str:
    """Say in one line what is computed on: source, names, span."""
    names = list(dict.fromkeys(card.name if len(cards) < NAMED else card.id for card in cards))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    sources = ", ".join(dict.fromkeys(card.source for card in cards))
    span = f"{min(card.first for card in cards)} to {max(card.last for card in cards)}" if cards else "nothing"
    return f"{sources}: {', '.join(names[:NAMED])}{more}, {span}"


def one_line(error: Exception) -> str:
    """Say in one line what is wrong."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ResearchError) else f"{type(error).__name__}: {text}"


def _line(role: str, text: str) -> str:
    colour = "var(--jp-error-color1)" if role == "alert" else "inherit"
    return f'<p role="{role}" style="color:{colour}">{html.escape(text)}</p>'


# Numbers are typed or stepped by the arrow keys: ipywidgets' sliders have no name that a screen reader could say.
whole = partial(widgets.BoundedIntText, continuous_update=False)
decimal = partial(widgets.BoundedFloatText, continuous_update=False)
