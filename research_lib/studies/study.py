"""`Study`: parameters, and results that are computed when first asked for.

A result is one cached method that gives a plain pandas object, an `Estimate` or a number. An exhibit is a result with a
title: `@table` for a frame, `@figure` for a picture. What the data cannot give raises `InsufficientDataError` where it is
computed; `study.show` says it once, where it would have stood. A finding is one line: `Find`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from research_lib.errors import InsufficientDataError, nearest
from research_lib.params import Parameters, validate
from research_lib.studies.common import COMMON_EXHIBITS, MISSING, Find, common_table

if TYPE_CHECKING:
    import pandas as pd

    from research_lib.data import DataCard, Source
    from research_lib.exhibits.findings import Findings, Summary
    from research_lib.exhibits.table import ColumnName

T = TypeVar("T")
Text = str | Callable[[Any], str]  # a template over {p.…} and {s.…}, or a function of the study

# The notebooks that have a study of their own; any other notebook's parameters are those of its `parameters` cell.
STUDIES = {
    "01_rate_cut_regimes": "research_lib.studies.rate_cuts:RateCuts",
    "02_leverage_net_debt": "research_lib.studies.leverage:Leverage",
    "03_record_sigma": "research_lib.studies.record_sigma:RecordSigma",
    "04_claims": "research_lib.studies.claims.study:Claims",
}
NAMED_SOURCES = 2
LATE_DAYS, TOO_LATE_DAYS = 7, 31  # by which the data may end before the day asked for


class result(cached_property[T]):  # noqa: N801  # a decorator, as property is
    """A method that is computed when first asked for and then kept; so is the reason why it cannot be."""

    def __init__(self, method: Callable[[Any], T], kind: str = "result", **look: Any) -> None:  # noqa: ANN401
        super().__init__(method)
        self.kind, self.look = kind, look  # of an exhibit, how it is shown

    def __get__(self, study: Any, owner: type[Any] | None = None) -> Any:  # noqa: ANN401  # the method's own type
        if study is None:
            return self
        reasons = study.__dict__.setdefault("_reasons", {})
        if self.attrname in reasons:
            raise reasons[self.attrname]
        try:
            return super().__get__(study, owner)
        except MISSING as reason:
            reasons[self.attrname] = reason
            raise

    @property
    def subject(self) -> str:
        """What it is about: the first line of its documentation."""
        return (self.__doc__ or self.attrname or "").strip().splitlines()[0].rstrip(".")


def table(title: Text, columns: Sequence[ColumnName], **look: Any) -> Callable[..., result[pd.DataFrame]]:  # noqa: ANN401
    """Make a method that returns a frame a result that `show` shows as a table.

    Further: `unit`, `deck`, `note`, `most` rows; `on` names the data that it rests on, if not the study's first.
    """
    return lambda method: result(method, "table", title=title, columns=columns, **look)


def figure(method: Callable[[Any], T]) -> result[T]:
    """Make a method that draws a figure an exhibit; it is drawn when it is first shown."""
    return result(method, "figure")


def figure_on(*data: str) -> Callable[[Callable[[Any], T]], result[T]]:
    """Do as `figure` does, for one that rests on other data than the study's first."""
    return lambda method: result(method, "figure", on=data)


@dataclass(frozen=True)
class Missing:
    """What stands in place of an exhibit that the data cannot give."""

    subject: str
    reason: str

    def _repr_markdown_(self) -> str:
        return f"*{self.subject}: {self.reason.rstrip('.')}.*"

    def __repr__(self) -> str:
        return f"{self.subject}: {self.reason}"


class Show:
    """Shows a study's exhibits by name: `study.show.after`, found by Tab, or `study.show("after")`."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def __dir__(self) -> list[str]:
        return [*self._study.exhibits(), *COMMON_EXHIBITS]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a table, a figure, or the reason why there is none
        if name.startswith("_"):
            raise AttributeError(name)
        return self(name)

    def __call__(self, name: str) -> Any:  # noqa: ANN401
        """Return the exhibit of this name, or one sentence on what it lacks."""
        study, exhibits = self._study, self._study.exhibits()
        if name == "summary":
            return study.opening()
        if name in COMMON_EXHIBITS:
            return study.findings if name == "findings" else common_table(study, name)
        if name not in exhibits:
            raise AttributeError(f"{name}: unknown exhibit{nearest(name, dir(self))}")
        try:
            return study.exhibit(name)
        except MISSING as reason:
            return Missing(exhibits[name].subject, str(reason))


class Study:
    """Parameters, and results computed when first asked for; one subclass a notebook."""

    Parameters: ClassVar[type[Any]] = Parameters
    QUESTION: ClassVar[str] = ""
    FINDINGS: ClassVar[tuple[Find, ...]] = ()
    DATA: ClassVar[tuple[str, ...]] = ()  # the results that hold what was read; most exhibits rest on the first
    CONTROLS: ClassVar[tuple[str, ...]] = ()  # parameters that the explorer has a control for
    VIEWS: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # what the explorer shows: exhibits by label

    def __init__(self, params: Any, *, loaded: dict[Any, Any] | None = None) -> None:  # noqa: ANN401  # the subclass's own
        """Take the parameters; `loaded` keeps data from one setting to the next, for the explorer."""
        self.p, self.show = params, Show(self)
        self._loaded: dict[Any, Any] = {} if loaded is None else loaded

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, object]) -> Self:
        """Make the study of the parameters that stand in a notebook's namespace, `globals()`."""
        return cls(cls.Parameters.from_notebook(namespace))

    @classmethod
    def from_params(cls, **values: object) -> Self:
        """Make the study of some parameters; the others have their defaults."""
        return cls(validate(cls.Parameters, values, origin=f"the parameters of {cls.__name__}"))

    @classmethod
    def exhibits(cls) -> dict[str, result[Any]]:
        """Return the study's exhibits by name, in the order in which they are written."""
        found = {name: one for base in reversed(cls.__mro__) for name, one in vars(base).items()}
        return {name: one for name, one in found.items() if isinstance(one, result) and one.kind != "result"}

    @result
    def source(self) -> Source:
        """Where the data is from."""
        from research_lib.data import open_source

        return open_source(self.p.source, data_dir=self.p.data_dir)

    def load(self, loader: Callable[..., T], *ids: Any) -> T:  # noqa: ANN401  # what a loader of `data` takes
        """Load data from the study's source, up to its `as_of`; each only once."""
        key = (loader.__name__, self.p.source, self.p.data_dir, self.p.as_of, ids)
        if key not in self._loaded:
            self._loaded[key] = loader(self.source, *ids, as_of=self.p.as_of)
        found: T = self._loaded[key]
        return found

    def cards_of(self, *data: str) -> tuple[DataCard, ...]:
        """Return the cards of the data that results of these names hold, as far as the source has it."""
        found: list[Any] = []
        for name in data:
            with suppress(*MISSING):
                held = getattr(self, name)
                found += held.values() if isinstance(held, Mapping) else [held]
        groups = (one.cards if hasattr(one, "cards") else (one.card,) for one in found if one is not None)
        return tuple({card.id: card for group in groups for card in group}.values())  # each series once

    @property
    def cards(self) -> tuple[DataCard, ...]:
        """The cards of all data that the report rests on."""
        return self.cards_of(*self.DATA)

    @property
    def main_cards(self) -> tuple[DataCard, ...]:
        """The cards of the data that the headline rests on."""
        return self.cards_of(*self.DATA[:1])

    @result
    def findings(self) -> Findings:
        """All named numbers of the report."""
        from research_lib.exhibits.findings import Findings

        found = tuple(finding for one in self.FINDINGS for finding in one.of(self))
        return Findings(found, tuple(card.as_record() for card in self.cards))

    def summary(self) -> Summary:
        """Return what the first screen says; a subclass writes it as a template over its findings."""
        raise NotImplementedError

    def opening(self) -> Summary:
        """Return the summary with its question; refuse where the data end long before the day asked for."""
        import pandas as pd

        found = replace(self.summary(), question=self.QUESTION)
        if not (self.p.as_of and self.main_cards):
            return found
        card = self.main_cards[0]
        first, last, asked = map(pd.Timestamp, (card.first, card.last, self.p.as_of))
        late_days = (asked - last - (last - first) / max(card.rows - 1, 1)).days  # since a next value was due
        if late_days > TOO_LATE_DAYS:
            raise InsufficientDataError(
                f"{card.name}: the data end on {card.last}, long before as_of {self.p.as_of}; name an earlier day, or get newer data"
            )
        said = f"{card.name}: the data end on {card.last}, before {self.p.as_of}."
        return replace(found, limits=(*found.limits, said)) if late_days > LATE_DAYS else found

    def exhibit(self, name: str) -> Any:  # noqa: ANN401  # a table or a figure
        """Compute an exhibit and give it its texts, which may be templates or functions of the study, and its source."""
        from research_lib.exhibits.table import Table

        found, made = getattr(self, name), self.exhibits()[name]
        look = dict(made.look)
        most, source = look.pop("most", None), self.source_line(*look.pop("on", self.DATA[:1]))
        if made.kind == "figure":
            return replace(found, id=name, source=found.source or source)
        for part in {"title", "deck", "note"} & look.keys():
            look[part] = look[part](self) if callable(look[part]) else look[part].format(p=self.p, s=self)
        return Table(name, data=found if most is None else found.head(most), source=source, **look)

    def source_line(self, *data: str) -> str:
        """Name the data and the last day of the first series, as the line under each exhibit does."""
        cards = self.cards_of(*data) or self.cards
        names = list(dict.fromkeys(card.name for card in cards))
        if not names:
            return ""
        more = f" and {len(names) - NAMED_SOURCES} more series" if len(names) > NAMED_SOURCES else ""
        return f"Source: {', '.join(names[:NAMED_SOURCES])}{more}; {self.p.source} data to {cards[0].last}."


def study_class(notebook: str) -> type[Study] | None:
    """Return the study of a notebook, by the notebook's name without `.ipynb`; None where it has none of its own."""
    if notebook not in STUDIES:
        return None
    module, name = STUDIES[notebook].split(":")
    return getattr(import_module(module), name)


def parameters_model(notebook: str) -> type[Parameters] | None:
    """Return the model of a notebook's parameters without importing its study; None where it has none of its own."""
    from research_lib.studies.parameters import MODELS

    return MODELS.get(notebook)
