"""Sentences of the claims study."""

from collections import Counter
from collections.abc import Sequence

from research_lib.exhibits.claims import DECIDED, of_verdict
from research_lib.exhibits.figure import Prose
from research_lib.studies.claims import Result, Verdict, show_value

NAMED = 6
PLURALS = {
    Verdict.HOLDS: "hold",
    Verdict.ROUGHLY: "hold roughly",
    Verdict.FAILS: "fail",
    Verdict.DEPENDS: "depend on the definition",
}


def headline(results: Sequence[Result], *, source: str) -> Prose:
    """Say how many claims hold, and which published figures are wrong."""
    counts = Counter(result.verdict for result in results)
    decided = sum(counts[verdict] for verdict in DECIDED)
    articles = len({result.claim.article for result in results})
    what = ", ".join(f"{counts[verdict]} {PLURALS[verdict]}" for verdict in DECIDED if counts[verdict]) or "none"
    return Prose(
        f"**Of {len(results)} checks of what {articles} {'article' if articles == 1 else 'articles'} said, source {source} "
        f"decides {decided}: {what}.** {counts[Verdict.NOT_ENOUGH_DATA]} lack data, {counts[Verdict.UNTESTABLE]} cannot be "
        f"tested on any. {_wrong(results)}"
    )


def _wrong(results: Sequence[Result]) -> str:
    failing = of_verdict(list(results), Verdict.FAILS)
    figures = [result for result in failing if result.claim.kind in {"number", "state", "record"}] or failing
    if not figures:
        return "Nothing that was decided is wrong."
    named = [
        f"{result.claim.says} ({result.claim.id}; it is {show_value(result.computed, result.unit)})"
        for result in figures[:NAMED]
    ]
    more = f"; and {len(failing) - len(named)} more in the table below" if len(failing) > len(named) else ""
    return f"Wrong are: {'; '.join(named)}{more}."
