"""Is what was published true? Every claim of a claims file, recomputed as of its date, with what its verdict hangs on."""

from research_lib.studies.claims import extremes, firms, moves, tendencies, trend  # noqa: F401  # they register checks
from research_lib.studies.claims.context import Archive, Context
from research_lib.studies.claims.judge import as_text, check_claims, score, show_value
from research_lib.studies.claims.result import Computed, Happened, Judged, Reading, Result, Verdict, scaled

__all__ = [
    "Archive",
    "Computed",
    "Context",
    "Happened",
    "Judged",
    "Reading",
    "Result",
    "Verdict",
    "as_text",
    "check_claims",
    "scaled",
    "score",
    "show_value",
]
