"""The exhibits of `04_claims`: tables, figures and sentences."""

from research_lib.studies.claims import Result, Verdict

# A shape goes with each word, so that nothing hangs on colour.
SHAPES = {
    Verdict.HOLDS: "●",
    Verdict.ROUGHLY: "◐",
    Verdict.FAILS: "✕",
    Verdict.DEPENDS: "◆",
    Verdict.NOT_ENOUGH_DATA: "○",
    Verdict.UNTESTABLE: "–",
}
DECIDED = (Verdict.HOLDS, Verdict.ROUGHLY, Verdict.FAILS, Verdict.DEPENDS)


def verdict_text(verdict: Verdict) -> str:
    """Show a verdict as a shape and a word."""
    return f"{SHAPES[verdict]}\N{NO-BREAK SPACE}{verdict}"


def of_verdict(results: list[Result], verdict: Verdict) -> list[Result]:
    """Return the results with a verdict, in the file's order."""
    return [result for result in results if result.verdict is verdict]
