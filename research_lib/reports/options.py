"""How to run: what the command line's options ask for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes
    ----------
    jobs : int
        How many reports at once.
    force : bool
        Whether to make a report again although nothing that it depends on has changed.
    timeout_seconds : float or None
        After which a report's kernel is killed.
    leave_out_absent : bool
        Whether a report whose data is absent is left out, with that reason, instead of being an error.
    """

    jobs: int
    force: bool = False
    timeout_seconds: float | None = None
    leave_out_absent: bool = False
