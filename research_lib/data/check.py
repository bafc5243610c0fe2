"""Look at the data that parameter files name, as a run would, before a kernel starts."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

from research_lib.data.companies import load_companies
from research_lib.data.load import load_prices, load_series, open_source
from research_lib.data.source import Bundled, Source, parts_of
from research_lib.errors import InsufficientDataError, MissingDataError, ResearchError

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
        for field, load in {"symbols": load_prices, "optional_symbols": load_prices, "series": load_series}.items():
            can_be_absent = () if field == "symbols" else (MissingDataError, InsufficientDataError)
            faults = (find_once(load, source, params.as_of, name) for name in getattr(params, field, ()))
            if fault := next((one for one in faults if one and not isinstance(one, can_be_absent)), None):
                return fault
        reads_own = getattr(params, "companies", 0) and not all(isinstance(part, Bundled) for part in parts_of(source))
        return find_once(load_companies, source, params.as_of) if reads_own else None

    return [check(params) for params in parameters]


def _find_fault(load: Callable[..., Any], source: Source, as_of: date | None, *name: str) -> ResearchError | None:
    try:
        found = load(source, *([name] if name else []), as_of=as_of)
    except ResearchError as error:
        return error
    if load is load_prices and as_of and as_of - date.fromisoformat(last := found.cards[0].last) > LONGEST_GAP:
        return InsufficientDataError(f"{name[0]} ends on {last}, more than a month before as_of {as_of}")
    return None
