"""The checks by name: one function of arguments and context each, and of some what came afterwards."""

from collections.abc import Callable
from typing import Any, TypeVar

from research_lib.studies.claims.context import Context
from research_lib.studies.claims.result import Computed, Happened

Checks = Callable[[Any, Context], Computed]
Afterwards = Callable[[Any, Context, Context], Happened]
Function = TypeVar("Function", bound=Callable[..., object])

CHECKS: dict[str, Checks] = {}
AFTERWARDS: dict[str, Afterwards] = {}


def check(name: str) -> Callable[[Function], Function]:
    """Register a check under the name that claims files use; its arguments are `claims_file.CHECK_MODELS[name]`."""
    return _into(CHECKS, name)


def afterwards(name: str) -> Callable[[Function], Function]:
    """Register what came after: a function of the arguments, the context then and the context at the data's end."""
    return _into(AFTERWARDS, name)


def _into(registry: dict[str, Any], name: str) -> Callable[[Function], Function]:
    def add(function: Function) -> Function:
        registry[name] = function
        return function

    return add
