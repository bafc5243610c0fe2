"""Look at the data that parameter files name, before a kernel starts."""

from collections.abc import Callable
from datetime import date
from functools import cache

from research_lib.data import load_prices, open_source
from research_lib.params import NotebookParameters


def source_check(parameters: NotebookParameters) -> None:
    """Open the source that parameters name.

    Raises
    ------
    DataError
        There is no such source, or nothing was ever pulled from it (MissingDataError).
    """
    open_source(parameters.source, data_dir=parameters.data_dir)


def price_check() -> Callable[[NotebookParameters], None]:
    """Give a check that loads every price which parameters name; it loads none twice, as a sweep would.

    The check raises DataError where the source lacks a price (MissingDataError) or it cannot be used, and
    InsufficientDataError where there is none up to `as_of`.
    """

    @cache
    def load(source: str, data_dir: str, symbols: tuple[str, ...], as_of: date | None) -> None:
        load_prices(open_source(source, data_dir=data_dir), symbols, as_of=as_of)

    def check(parameters: NotebookParameters) -> None:
        load(parameters.source, parameters.data_dir, tuple(parameters.symbols), parameters.as_of)

    return check
