"""Look at the data that parameter files name, as a run would, before a kernel starts."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeAlias

from research_lib.data.bundled import Bundled
from research_lib.data.companies import load_companies
from research_lib.data.load import load_prices, load_series, open_source
from research_lib.data.source import Source, parts_of
from research_lib.errors import InsufficientDataError, MissingDataError, ResearchError

Load: TypeAlias = Callable[..., Any]
LONGEST_GAP = timedelta(days=31)  # a needed price that ends longer before as_of says nothing of that day


def check_sources(parameters: Sequence[Any]) -> list[ResearchError | None]:
    """Load all that each set of parameters names, each file once; return for each what would stop its report, or None.

    Looked at are, where a set has them: source, data_dir, as_of, symbols, optional_symbols, series, companies (how many).
    """
    open_once: Callable[[str, str], Source] = cache(lambda name, data_dir: open_source(name, data_dir=data_dir))
    find_once = cache(_find_fault)

    def check(params: Any) -> ResearchError | None:  # noqa: ANN401  # any model of parameters
        try:
            source = open_once(params.source, params.data_dir)
        except ResearchError as error:
            return error
        companies = getattr(params, "companies", 0) and not all(isinstance(part, Bundled) for part in parts_of(source))
        loaded: list[tuple[Load, tuple[str, ...], bool]] = [
            *((load_prices, (name,), True) for name in getattr(params, "symbols", ())),
            *((load_prices, (name,), False) for name in getattr(params, "optional_symbols", ())),
            *((load_series, (name,), False) for name in getattr(params, "series", ())),
            *([(load_companies, (), True)] if companies else []),
        ]
        for load, names, is_needed in loaded:
            fault = find_once(load, source, params.as_of, names)
            if fault and (is_needed or not isinstance(fault, (MissingDataError, InsufficientDataError))):
                return fault
        return None

    return [check(params) for params in parameters]


def _find_fault(load: Load, source: Source, as_of: date | None, names: tuple[str, ...]) -> ResearchError | None:
    try:
        found = load(source, names, as_of=as_of) if names else load(source, as_of=as_of)
    except ResearchError as error:
        return error
    if load is load_prices and as_of and as_of - date.fromisoformat(last := found.cards[0].last) > LONGEST_GAP:
        return InsufficientDataError(f"{names[0]} ends on {last}, more than a month before as_of {as_of}")
    return None
