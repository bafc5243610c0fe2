"""What studies have in common."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """In place of a result: what this data cannot show, and what would be needed."""

    reason: str
