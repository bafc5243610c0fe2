"""`Study`: parameters, and results that are computed when first asked for.

A result is one cached method that gives a plain pandas object, an `Estimate` or a number. An exhibit is a result with a
title: `@table` for a frame, `@figure` for a picture. What the data cannot give raises `InsufficientDataError` where it is
computed; `study.show` says it once, where it would have stood. A finding is one line: `Find`.
"""

import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import version
from typing import Any, ClassVar, Self, TypeVar

import pandas as pd

from research_lib.data import DataCard, Source, open_source
from research_lib.errors import InsufficientDataError, MissingDataError, ResearchError, nearest
from research_lib.exhibits.exhibit import ColumnName, Table
from research_lib.exhibits.findings import Finding, Findings, Summary, plain
from research_lib.params import Parameters, show_setting, validate
from research_lib.project import PROJECT
from research_lib.studies.parameters import MODELS

T = TypeVar("T")
Text = str | Callable[[Any], str]  # a template over {p.…} and {s.…}, or a function of the study

# Where the study of each model is, a class of the same name.
MODULES = {"Claims": "claims.study", "Leverage": "leverage", "RateCuts": "rate_cuts", "RecordSigma": "record_sigma"}
MISSING = (InsufficientDataError, MissingDataError)
READ = ["series", "name", "origin", "first", "last", "rows", "gaps", "found"]
PACKAGES = ("research-lib", "pandas", "numpy", "scipy", "statsmodels", "arch", "papermill")
LATE_DAYS, TOO_LATE_DAYS = 7, 31  # by which a next value may be missing on the day asked for


class result(cached_property[T]):  # noqa: N801  # a decorator, as property is
    """A method that is computed when first asked for and then kept; so is the reason why it cannot be."""

    def __init__(self, method: Callable[[Any], T], kind: str = "result", **look: Any) -> None:  # noqa: ANN401
        super().__init__(method)
        self.kind, self.look = kind, look  # of an exhibit, how it is shown
        self.subject = (method.__doc__ or method.__name__).splitlines()[0].rstrip(".")

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


def table(title: Text, columns: Sequence[ColumnName], **look: Any) -> Callable[..., result[pd.DataFrame]]:  # noqa: ANN401
    """Make a method that returns a frame a result that `show` shows as a table.

    Further: `unit`, `deck`, `note`, `most` rows; `on` names the data that it rests on, if not the study's first.
    """
    return partial(result, kind="table", title=title, columns=columns, **look)


figure = partial(result, kind="figure")  # makes a method that draws a figure an exhibit; partial(figure, on=…) as above


@dataclass(frozen=True)
class Find:
    """One finding, or one a row of a frame: where its number is, its unit, and what it means.

    `result` names the study's result: an `Estimate`, a number, or a frame; `column` its field or column. With `rows`, true
    or a query, there is one a row, and `name` and `what` are templates over it, {p.…} and {s.…}; `interval`, `n`: columns.
    """

    name: str
    result: str
    column: str = "value"
    unit: str = "number"
    what: str = ""
    rows: bool | str = False
    interval: tuple[str, str] | None = None
    n: str = "n"

    def of(self, study: "Study") -> Iterator[Finding]:
        """Look it up in a study; where the data cannot give it, the value is None and the reason is said."""
        try:
            found = getattr(study, self.result)
        except MISSING as reason:
            yield Finding(re.sub(r"_?\{[^}]*\}", "", self.name), None, self.unit, None, str(reason))
            return
        if isinstance(found, pd.DataFrame):
            chosen = found.query(self.rows) if isinstance(self.rows, str) else found if self.rows else found[:1]
            rows: list[Any] = chosen.to_dict("records")
        else:
            rows = [vars(found) if hasattr(found, "__dataclass_fields__") else {self.column: found}]
        low, high = self.interval or (("low", "high") if self.column == "value" else ("", ""))
        for row in rows:
            words = {**row, "p": study.p, "s": study}
            value, n, *ends = (plain(row.get(one)) for one in (self.column, self.n, low, high))
            name, what = self.name.format(**words), self.what.format(**words)
            yield Finding(name, value, self.unit, None if n is None else int(n), what, *ends)


class Missing(str):
    """The sentence that stands in place of an exhibit which the data cannot give."""

    def _repr_markdown_(self) -> str:
        return f"*{self}.*"


class Show:
    """Shows a study's exhibits by name: `study.show.after`, found by Tab, or `study.show("after")`."""

    def __init__(self, study: "Study") -> None:
        self._study = study

    def __dir__(self) -> list[str]:
        return [*self._study.exhibits(), "summary", "findings", "data", "parameters", "provenance"]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a table, a figure, or the reason why there is none
        """Return the exhibit of this name, or one sentence on what it lacks."""
        known = [] if name.startswith("_") else dir(self)
        if name not in known:
            raise AttributeError(f"{name}: unknown exhibit{nearest(name, known)}")
        if name in ("summary", "findings"):
            return self._study.opening() if name == "summary" else self._study.findings
        try:
            return self._study.exhibit(name)
        except MISSING as reason:
            return Missing(f"{getattr(type(self._study), name).subject}: {reason}".rstrip("."))

    __call__ = __getattr__


class Study:
    """Parameters, and results computed when first asked for; one subclass a notebook."""

    Parameters: ClassVar[type[Any]] = Parameters
    QUESTION: ClassVar[str] = ""
    FINDINGS: ClassVar[tuple[Find, ...]] = ()
    DATA: ClassVar[tuple[str, ...]] = ()  # the results that hold what was read; most exhibits rest on the first
    CONTROLS: ClassVar[tuple[str, ...]] = ()  # parameters that the explorer has a control for
    VIEWS: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # what the explorer shows: exhibits by label
    facts_read: Any = ""  # what was read of the kit's own tables of facts
    summary: Callable[[], Summary]  # what the first screen says; a subclass writes it as a template over its results

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
        """Return the study's own exhibits by name, in the order in which they are written."""
        return {name: one for name, one in vars(cls).items() if isinstance(one, result) and one.kind != "result"}

    @result
    def source(self) -> Source:
        """Where the data is from."""
        return open_source(self.p.source, data_dir=self.p.data_dir)

    def load(self, loader: Callable[..., T], *ids: Any) -> T:  # noqa: ANN401  # what a loader of `data` takes
        """Load data from the study's source, up to its `as_of`; each only once."""
        key = (loader, self.p.source, self.p.data_dir, self.p.as_of, ids)
        if key not in self._loaded:
            self._loaded[key] = loader(self.source, *ids, as_of=self.p.as_of)
        return self._loaded[key]

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
        """The cards of the data that the headline rests on; the one that ends first goes first."""
        return tuple(sorted(self.cards_of(*self.DATA[:1]), key=lambda card: card.last))

    @result
    def findings(self) -> Findings:
        """All named numbers of the report."""
        found = tuple(finding for one in self.FINDINGS for finding in one.of(self))
        return Findings(found, tuple(card.as_record() for card in self.cards))

    def opening(self) -> Summary:
        """Return the summary with its question; refuse where the data end long before the day asked for."""
        found, cards, as_of = replace(self.summary(), question=self.QUESTION), self.main_cards, self.p.as_of
        if not (as_of and cards):
            return found
        first, last = map(date.fromisoformat, (cards[0].first, cards[0].last))
        stands = timedelta(days=366) if cards[0].id == "fundamentals" else (last - first) / max(cards[0].rows - 1, 1)
        late_days = (as_of - last - stands).days  # since a next value was due; statements are once a year
        said = f"{cards[0].name}: the data end on {last}"
        if late_days > TOO_LATE_DAYS:
            raise InsufficientDataError(f"{said}, long before as_of {as_of}; name an earlier day, or get newer data")
        return replace(found, limits=(*found.limits, f"{said}, before {as_of}.")) if late_days > LATE_DAYS else found

    def exhibit(self, name: str) -> Any:  # noqa: ANN401  # a table or a figure
        """Compute an exhibit and give it its texts, which may be templates or functions of the study, and its source."""
        found, made = getattr(self, name), getattr(type(self), name)
        look = dict(made.look)
        most, on = look.pop("most", None), look.pop("on", self.DATA[:1])
        source = "" if on is None else self.source_line(*on)
        if made.kind == "figure":
            return replace(found, id=name, source=found.source or source)
        for part in {"title", "deck", "note"} & look.keys():
            look[part] = look[part](self) if callable(look[part]) else look[part].format(p=self.p, s=self)
        return Table(name, data=found if most is None else found.head(most), source=source, **look)

    def source_line(self, *data: str) -> str:
        """Name the data and the last day of the first series, as the line under each exhibit does."""
        cards = self.cards_of(*data) or self.cards
        names = list(dict.fromkeys(card.name for card in cards))
        shown = names[: 2 if sum(map(len, names[:2])) < 60 else 1]  # two where they fit into a line of a phone
        more = f" and {len(names) - len(shown)} more series" if len(names) > len(shown) else ""
        return f"Source: {', '.join(shown)}{more}; {self.p.source} data to {cards[0].last}." if names else ""

    @table("What was read", READ, on=None, note="{s.facts_read}")
    def data(self) -> pd.DataFrame:
        """What was read."""
        rows = [(one.id, one.name, f"{one.source}: {one.origin}", one.first, one.last, one.rows, one.gaps, one.fault_summary())
                for one in self.cards]  # fmt: skip
        return pd.DataFrame(rows, columns=READ)

    @table("Parameters", ("parameter", "shown", "meaning"), on=None)
    def parameters(self) -> pd.DataFrame:
        """Parameters."""
        fields: Any = type(self.p).model_fields
        shown = {name: f"{show_setting(one)} {fields[name].json_schema_extra.get('unit', '')}" for name, one in self.p}
        rows = [(name, text.rstrip(), fields[name].description) for name, text in shown.items()]
        return pd.DataFrame(rows, columns=["parameter", "shown", "meaning"])

    @table("Code, packages and data", ("name", "shown"), on=None)
    def provenance(self) -> pd.DataFrame:
        """Code, packages and data."""
        rows = [("commit", commit()), ("Python", platform.python_version()), *((one, version(one)) for one in PACKAGES)]
        rows += [(f"sha256 of {card.id}", card.sha256) for card in self.cards]
        return pd.DataFrame(rows, columns=["name", "shown"])


def study_class(notebook: str) -> type[Study]:
    """Return the study of a notebook, by the notebook's name without `.ipynb`."""
    if notebook not in MODELS:
        raise ResearchError(f"{notebook}: this notebook has no study of the kit{nearest(notebook, MODELS)}")
    name = MODELS[notebook].__name__
    return getattr(import_module(f"research_lib.studies.{MODULES[name]}"), name)


def commit() -> str:
    """Return the project's commit, marked where files differ from it; `unknown` outside a checkout."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--dirty=, with uncommitted changes"]
    with suppress(OSError):
        found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # nothing of a user's
        return found.stdout.strip() or "unknown"
    return "unknown"
