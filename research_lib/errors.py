"""What can go wrong through the user's parameters or data; each message is one line that says what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class ResearchError(Exception):
    """A fault the user can mend; its text is all that is shown, in a terminal and in a notebook."""

    def _render_traceback_(self) -> list[str]:  # one line in IPython: the fault is not in the code
        return [f"{type(self).__name__}: {self}"]


class ParameterError(ResearchError):
    """A parameter is misspelt, missing, mistyped or out of range."""


class DataError(ResearchError):
    """A source lacks what was asked for, or holds what no study can use."""


class MissingDataError(DataError):
    """A source does not have what was asked for: its folder, or a file in it."""


class InsufficientDataError(ResearchError):
    """The data is sound, but there is too little of it for the question."""


def clipped(cell: object, most: int = 40) -> str:
    """Show a cell or name in a message, which stays a line."""
    text = " ".join(str(cell).split())
    return text if len(text) <= most else f"{text[:most]}…"


def listed(names: Iterable[object], most: int = 8, *, letters: int = 30, between: str = ", ") -> str:
    """List names in a message: the first ones, clipped to so many letters, and how many more there are."""
    shown = [clipped(name, letters) for name in names]
    return (between.join(shown[:most]) or "none") + (f" and {len(shown) - most:,} more" if len(shown) > most else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name is most like a wrong one, and which there are (the first 40): the end of an error's line."""
    names, low = list(map(str, known)), name.lower()
    close = get_close_matches(name, names, n=1) or [it for it in names if low in it.lower() and len(it) < 4 * len(low)]
    meant = f"; did you mean {close[0]}?" if close and close[0] != name else ""
    return f"{meant} (known: {listed(names, 40, letters=80)})"
