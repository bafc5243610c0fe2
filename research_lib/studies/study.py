"""`Study`: parameters, and results that are computed when first asked for.

A result is one cached method that gives a plain pandas object, an `Estimate` or a number. An exhibit is a result with a
title: `@table` for a frame, `@figure` for a picture. What the data cannot give raises `InsufficientDataError` where it is
computed; `study.show` says it once, where it would have stood. A finding is one line: `Find`.
"""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from research_lib.errors import InsufficientDataError, MissingDataError, nearest
from research_lib.params import Parameters, validate
from research_lib.project import PROJECT

if TYPE_CHECKING:
    import pandas as pd

    from research_lib.data import DataCard, Source
    from research_lib.exhibits.findings import Finding, Findings, Summary
    from research_lib.exhibits.table import ColumnName, Table

T = TypeVar("T")
Text = str | Callable[[Any], str]  # a template over {p.…} and {s.…}, or a function of the study
MISSING = (InsufficientDataError, MissingDataError)

# The notebooks that have a study of their own; any other notebook's parameters are those of its `parameters` cell.
STUDIES = {
    "01_rate_cut_regimes": "research_lib.studies.rate_cuts:RateCuts",
    "02_leverage_net_debt": "research_lib.studies.leverage:Leverage",
    "03_record_sigma": "research_lib.studies.record_sigma:RecordSigma",
    "04_claims": "research_lib.studies.claims.study:Claims",
}
PACKAGES = ("research-lib", "pandas", "numpy", "scipy", "statsmodels", "arch", "papermill")
COMMON_TABLES = {
    "data": ("What was read", ["series", "name", "origin", "first", "last", "rows", "gaps", "found", "sha256"]),
    "parameters": ("Parameters", ["parameter", "shown", "meaning"]),
    "provenance": ("Code, packages and data", ["name", "shown"]),
}
COMMON_EXHIBITS = ("summary", "findings", *COMMON_TABLES)
NAMED_SOURCES = 3


class result(cached_property[T]):  # noqa: N801  # a decorator, as property is
    """A method that is computed when first asked for and then kept; so is the reason why it cannot be."""

    def __init__(self, method: Callable[[Any], T], kind: str = "result", **options: Any) -> None:  # noqa: ANN401
        super().__init__(method)
        self.kind, self.options = kind, options  # of a table, how it is shown

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
    """Make a method that returns a frame a result that `show` shows as a table: `unit`, `deck`, `note`, `most` rows."""
    return lambda method: result(method, "table", title=title, columns=columns, **look)


def figure(method: Callable[[Any], T]) -> result[T]:
    """Make a method that draws a figure an exhibit; it is drawn when it is first shown."""
    return result(method, "figure")


@dataclass(frozen=True)
class Find:
    """One finding, or one a row of a frame: where its number is, its unit, and what it means.

    `result` names the study's result: an `Estimate`, a number, or a frame; `column` its field or column. With `rows`, true
    or a query, there is one a row, and `name` and `what` are templates over the row, {p.…} and {s.…}. `interval` and `n`
    name the columns of its interval (of `value`: low and high) and of its n.
    """

    name: str
    result: str
    column: str = "value"
    unit: str = "number"
    what: str = ""
    rows: bool | str = False
    interval: tuple[str, str] | None = None
    n: str = "n"

    def of(self, study: Study) -> Iterator[Finding]:
        """Look it up in a study; where the data cannot give it, the value is None and the reason is said."""
        from research_lib.exhibits.findings import Finding, plain

        try:
            rows = self._rows(getattr(study, self.result))
        except MISSING as reason:
            yield Finding(re.sub(r"_?\{[^}]*\}", "", self.name), None, self.unit, None, str(reason))
            return
        low, high = self.interval or (("low", "high") if self.column == "value" else ("", ""))
        for row in rows:
            words, n = {**row, "p": study.p, "s": study}, plain(row.get(self.n))
            name, what = self.name.format(**words), self.what.format(**words)
            value, ends = plain(row.get(self.column)), (plain(row.get(low)), plain(row.get(high)))
            yield Finding(name, value, self.unit, None if n is None else int(n), what, *ends)

    def _rows(self, found: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # any result
        if hasattr(found, "columns"):
            frame = found.reset_index() if found.index.name and found.index.name not in found.columns else found
            frame = frame.query(self.rows) if isinstance(self.rows, str) else frame if self.rows else frame[:1]
            return list(frame.to_dict("records"))
        if hasattr(found, "__dataclass_fields__"):
            return [{name: getattr(found, name) for name in found.__dataclass_fields__}]
        return [{self.column: found}]


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
            return replace(study.summary(), question=study.QUESTION)
        if name in COMMON_EXHIBITS:
            return study.findings if name == "findings" else study._common_table(name)
        if name not in exhibits:
            raise AttributeError(f"{name}: unknown exhibit{nearest(name, dir(self))}")
        spec = exhibits[name]
        try:
            found = getattr(study, name)
            if spec.kind == "figure":
                return replace(found, id=name, source=study.source_line)
            return study._table(name, found, **spec.options)
        except MISSING as reason:
            return Missing(spec.subject, str(reason))


class Study:
    """Parameters, and results computed when first asked for; one subclass a notebook."""

    Parameters: ClassVar[type[Any]] = Parameters
    QUESTION: ClassVar[str] = ""
    FINDINGS: ClassVar[tuple[Find, ...]] = ()
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

    @property
    def cards(self) -> tuple[DataCard, ...]:
        """The cards of the data that the report rests on; a subclass says which."""
        return ()

    @property
    def source_line(self) -> str:
        """Name the data and the last day of the first series, as the line under each exhibit does."""
        names = list(dict.fromkeys(card.name for card in self.cards))
        if not names:
            return ""
        more = f" and {len(names) - NAMED_SOURCES} more series" if len(names) > NAMED_SOURCES else ""
        return f"Source: {', '.join(names[:NAMED_SOURCES])}{more}; {self.p.source} data to {self.cards[0].last}."

    @result
    def findings(self) -> Findings:
        """All named numbers of the report."""
        from research_lib.exhibits.findings import Findings

        found = tuple(finding for one in self.FINDINGS for finding in one.of(self))
        return Findings(found, tuple(card.as_record() for card in self.cards))

    def summary(self) -> Summary:
        """Return what the first screen says; a subclass writes it as a template over its findings."""
        raise NotImplementedError

    def _table(self, name: str, data: pd.DataFrame, *, most: int | None = None, **parts: Any) -> Table:  # noqa: ANN401
        """Make a table; title, deck and note may be templates or functions of the study."""
        from research_lib.exhibits.table import Table

        for part in ("title", "deck", "note"):
            text = parts.get(part, "")
            parts[part] = text(self) if callable(text) else text.format(p=self.p, s=self)
        return Table(name, data=data if most is None else data.head(most), source=self.source_line, **parts)

    def _common_table(self, name: str) -> Table:
        import pandas as pd

        title, columns = COMMON_TABLES[name]
        if name == "data":
            rows: list[Any] = [
                {one: getattr(card, one, "") for one in columns}
                | {"series": card.id, "origin": f"{card.source}: {card.origin}"}
                | {"found": card.fault_summary(), "sha256": card.sha256[:12]}
                for card in self.cards
            ]
        elif name == "parameters":
            fields = type(self.p).model_fields
            rows = [(one, text, fields[one].description) for one, text in self.p.shown().items()]
        else:
            rows = [("commit", commit()), ("Python", platform.python_version())]
            rows += [(package, version(package)) for package in PACKAGES]
            rows += [(f"sha256 of {card.id}", card.sha256) for card in self.cards]
        return self._table(name, pd.DataFrame(rows, columns=columns), title=title, columns=columns)


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


def commit() -> str:
    """Return the project's commit, marked where files differ from it; `unknown` outside a checkout."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--dirty=, with uncommitted changes"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # nothing of a user's
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"
