"""Ctrl-C while several things are done at once: noted, and acted on where nothing can be left half done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CHECK_SECONDS = 0.2


@contextmanager
def noted_interrupts() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether an interrupt has come; for the main thread.

    None is raised as an error, which could come in the middle of anything: while a lock is taken that other threads
    wait for, or an index is written. Ask every `CHECK_SECONDS`, and never wait for longer: the system may give an
    interrupt to any thread, and Python's main thread hears of that only when it wakes.
    """
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as `signal` calls it
        noted.append(number)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield lambda: bool(noted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
