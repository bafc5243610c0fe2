"""Look at the data that parameter files name, as a run would, before a kernel starts."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Protocol

from research_lib.data.bundled import Bundled
from research_lib.data.companies import load_companies
from research_lib.data.load import load_prices, load_series, open_source
from research_lib.data.source import Source, parts_of
from research_lib.errors import InsufficientDataError, MissingDataError, ResearchError


class Needs(Protocol):
    """What parameters say of the data of their report."""

    source: str
    data_dir: str
    as_of: date | None


def check_sources(parameters: Sequence[Needs]) -> list[ResearchError | None]:
    """Load all that each set of parameters names: prices, series, statements and the price panel, each file once.

    Parameters
    ----------
    parameters : sequence
        With `source`, `data_dir` and `as_of`; and as far as they have them `symbols` (needed), `optional_symbols` and
        `series` (used where the source has them) and `companies` (how many; 0: none).

    Returns
    -------
    list
        For each set what would stop its report (of prices that it needs, MissingDataError where they are not there),
        or None.
    """
    open_once = cache(lambda name, data_dir: open_source(name, data_dir=data_dir))

    @cache
    def load_once(
        load: Callable[..., object], name: str, data_dir: str, what: str, as_of: date | None
    ) -> ResearchError | None:
        source = open_once(name, data_dir)
        try:
            load(source, [what], as_of=as_of) if what else load(source, as_of=as_of)
        except ResearchError as error:
            return error
        return None

    def check(params: Needs) -> ResearchError | None:
        try:
            source = open_once(params.source, params.data_dir)
        except ResearchError as error:
            return error
        for load, what, needed in _named(source, params):
            fault = load_once(load, params.source, params.data_dir, what, params.as_of)
            if fault and (needed or not isinstance(fault, (MissingDataError, InsufficientDataError))):
                return fault
        return None

    return [check(params) for params in parameters]


def _named(source: Source, params: Needs) -> list[tuple[Callable[..., object], str, bool]]:
    """List what is loaded: by what, its name, and whether the report can do without it."""
    symbols, series = set(source.symbols()), set(source.series_ids())
    optional = [name for name in getattr(params, "optional_symbols", ()) if name.partition(":")[0] in symbols]
    companies = getattr(params, "companies", 0) and not all(isinstance(part, Bundled) for part in parts_of(source))
    return [
        *((load_prices, name, True) for name in getattr(params, "symbols", ())),
        *((load_prices, name, False) for name in optional),
        *((load_series, name, False) for name in getattr(params, "series", ()) if name in series),
        *([(load_companies, "", True)] if companies else ()),
    ]
