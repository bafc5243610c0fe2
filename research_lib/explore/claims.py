"""The explorer of `04_claims`."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import ipywidgets as widgets
import yaml
from pydantic.fields import FieldInfo

from research_lib.claims_file import Claim
from research_lib.data import DataCard
from research_lib.errors import ParameterError
from research_lib.exhibits.claims import figures, tables, verdict_text
from research_lib.exhibits.figure import Prose
from research_lib.explore.explorer import Exhibit, Explorer, Study, Values, begin
from research_lib.params import Claims
from research_lib.studies.claims import Result, check_claims, show_value

MEANT = ("about", "at_least", "at_most")
ASSERTED = ("value", "tolerance", "is", "first", "last")


def claims(file: str = "", **settings: object) -> Explorer:
    """Explore what was published: pick a claim, change its definition or what it asserts, and watch the verdict.

    Parameters
    ----------
    file : str
        A parameter file of `params/04_claims/` to begin with, without its ending.
    **settings
        Parameters that go before the file's, or the defaults.
    """
    explored = _Claims(begin(Claims, file, settings))
    explorer = Explorer(explored, explored.controls())

    def show_its_own(_: object) -> None:
        explorer.set_controls(explored.controls())

    explored.pick.observe(show_its_own, "value")
    return explorer


class _Claims(Study[Claims]):
    def __init__(self, start: Claims) -> None:
        super().__init__(start)
        self.by_id = {claim.id: claim for claim in start.claims}
        names = [(f"{claim.id}: {claim.says}", claim.id) for claim in start.claims]
        self.pick = widgets.Dropdown(description="Claim", options=names, layout={"width": "100%"})
        self.judge = lru_cache(maxsize=4)(
            lambda written: check_claims(Claims.model_validate_json(written), self.source)
        )
        self.views = {"Verdict": self.verdict, "In its history": self.history, "How it is checked": self.method}

    def results(self, params: Claims) -> list[Result]:
        return self.judge(params.model_dump_json())[0]

    def verdict(self, params: Claims) -> Iterator[Exhibit]:
        (result,) = self.results(params)
        figure = f"{show_value(result.computed, result.unit)} computed, {result.asserted or 'nothing'} asserted"
        yield Prose(f"**{verdict_text(result.verdict)}**: {result.claim.says}\n\n{figure}. {result.hangs_on}")
        yield tables.definitions([result])

    def history(self, params: Claims) -> Iterator[Exhibit]:
        yield figures.in_history(self.results(params))

    def method(self, params: Claims) -> Iterator[Exhibit]:
        yield tables.methods(self.results(params))

    def cards(self, params: Claims) -> Sequence[DataCard]:
        return self.judge(params.model_dump_json())[1].cards

    def complete(self, values: Values) -> Values:
        """Make a claims file of one claim, changed as the controls say."""
        claim = self.by_id[values.pop("claim")]
        return {"articles": {claim.article: self.start.articles[claim.article]}, "claims": [_changed(claim, values)]}

    def controls(self) -> dict[str, widgets.Widget]:
        return {"claim": self.pick, **_controls(self.by_id[self.pick.value])}


def _controls(claim: Claim) -> dict[str, widgets.Widget]:
    """Make a control for each argument of the check, and for what is asserted."""
    arguments = {name: info for name, info in type(claim.check).model_fields.items() if name != "name"}
    made = {f"check.{name}": _control(name, info, getattr(claim.check, name)) for name, info in arguments.items()}
    asserted = claim.asserted.model_dump(exclude_none=True) if claim.asserted else {}
    known = {name: asserted[name] for name in ASSERTED if name in asserted}
    made |= {f"asserted.{name}": _text(f"asserted: {name}", value) for name, value in known.items()}
    if "asserted.is" in made:
        made["asserted.is"] = widgets.Dropdown(description="asserted: is", options=MEANT, value=known["is"])
    return made


def _control(name: str, info: FieldInfo, value: Any) -> widgets.Widget:  # noqa: ANN401
    kind, label = info.annotation, name.replace("_", " ")
    if kind is bool:
        return widgets.Checkbox(description=label, value=value, indent=False)
    if get_origin(kind) is Literal:
        return widgets.Dropdown(description=label, options=get_args(kind), value=value)
    inner = get_args(kind)[0] if get_origin(kind) is list else None
    if get_origin(inner) is Literal:
        return widgets.SelectMultiple(
            description=label, options=get_args(inner), value=tuple(value), rows=len(get_args(inner))
        )
    return _text(label, value.model_dump() if hasattr(value, "model_dump") else value)


def _text(label: str, value: object) -> widgets.Widget:
    """Make a field for a value that is written as in a claims file; empty for none."""
    written = "" if value in (None, "") else yaml.safe_dump(value, default_flow_style=True, width=1000)
    return widgets.Text(description=label, value=written.removesuffix("...\n").strip(), continuous_update=False)


def _changed(claim: Claim, values: Values) -> dict[str, Any]:
    """Return the claim with the controls' values."""
    changed = claim.model_dump()
    for name, value in values.items():
        part, _, field = name.partition(".")
        read = _read(field, value) if isinstance(value, str) else value
        changed[part][field] = list(read) if isinstance(read, tuple) else read
        if read is None:
            del changed[part][field]
    return changed


def _read(name: str, text: str) -> Any:  # noqa: ANN401
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ParameterError(f"{name}: cannot be read ({' '.join(str(error).split())})") from None
