"""What studies have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from research_lib.errors import InsufficientDataError
from research_lib.shown import Shown

Result = TypeVar("Result")


@dataclass(frozen=True)
class Unavailable(Shown):
    """In place of a result: what this data cannot show, and what would be needed."""

    reason: str


def attempt(study: Callable[..., Result], *inputs: object, **options: object) -> Result | Unavailable:
    """Make one part of a study, or say why this data cannot: a report stands without it.

    Parameters
    ----------
    study : callable
        Makes the part; `InsufficientDataError` is what it raises where there is too little.
    *inputs, **options
        What it takes; where one of them is itself unavailable, its reason is passed on.
    """
    missing = [value for value in (*inputs, *options.values()) if isinstance(value, Unavailable)]
    if missing:
        return missing[0]
    try:
        return study(*inputs, **options)
    except InsufficientDataError as error:
        return Unavailable(str(error))
