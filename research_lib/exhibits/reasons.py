"""What stands in place of an exhibit where the data cannot give it."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from research_lib.exhibits.figure import Prose
from research_lib.studies.result import Unavailable

Found = TypeVar("Found")
Options = ParamSpec("Options")
Shown = TypeVar("Shown")

Exhibit = Callable[Concatenate[Found, Options], Shown]
ExhibitOrReason = Callable[Concatenate[Found | Unavailable, Options], Shown | Prose]


def or_reason(subject: str) -> Callable[[Exhibit[Found, Options, Shown]], ExhibitOrReason[Found, Options, Shown]]:
    """Let an exhibit of a result take `Unavailable` too: it then says the reason under its subject."""

    def decorate(exhibit: Exhibit[Found, Options, Shown]) -> ExhibitOrReason[Found, Options, Shown]:
        @wraps(exhibit)
        def shown(found: Found | Unavailable, /, *args: Options.args, **options: Options.kwargs) -> Shown | Prose:
            if isinstance(found, Unavailable):
                return Prose(f"*{subject}: {found.reason}.*")
            return exhibit(found, *args, **options)

        return shown

    return decorate
