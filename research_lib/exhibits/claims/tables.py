"""Tables of the claims study."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from research_lib.exhibits import format as show
from research_lib.exhibits.claims import DECIDED, of_verdict, verdict_text
from research_lib.exhibits.figure import Prose
from research_lib.exhibits.table import Table, table
from research_lib.studies.claims import Judged, Reading, Result, Verdict, scaled, score, show_value

WORDS = ("verdict", "claim", "what it hangs on")


def wrong(results: Sequence[Result]) -> Table | Prose:
    """Show first what was published and is wrong, and why."""
    rows = [_row(result) for result in of_verdict(list(results), Verdict.FAILS)]
    if not rows:
        return Prose("*Nothing that this source decides is wrong.*")
    note = "Asserted by the article, computed as of its date on the definition that stands in the table of methods."
    return table("Published, and wrong", rows, note=note, left=WORDS)


def depending(results: Sequence[Result]) -> Table | Prose:
    """Show what holds on some definitions and not on others."""
    rows = [_row(result) for result in of_verdict(list(results), Verdict.DEPENDS)]
    if not rows:
        return Prose("*Nothing that this source decides hangs on the definition.*")
    return table(
        "True on one definition, not on another", rows, note="Computed: on the headline definition.", left=WORDS
    )


def by_article(titles: Mapping[str, str], results: Sequence[Result]) -> list[Table]:
    """Show every claim, an article at a time; titles by article, as they are shown."""
    note = (
        "difference: computed less asserted. ● holds, ◐ roughly (within the stated margin), ✕ fails, ◆ depends on the "
        "definition, ○ not enough data, – untestable."
    )
    return [
        table(f"{name}: {title}", [_row(one) for one in results if one.claim.article == name], note=note, left=WORDS)
        for name, title in titles.items()
        if any(one.claim.article == name for one in results)
    ]


def _row(result: Result) -> dict[str, str]:
    return {
        "id": result.claim.id,
        "verdict": verdict_text(result.verdict),
        "claim": result.claim.says,
        "asserted": result.asserted or show.NONE,
        "computed": show_value(result.computed, result.unit),
        "difference": show_value(result.difference, "count" if result.unit == "rank" else result.unit),
        "what it hangs on": result.hangs_on,
    }


def scores(results: Sequence[Result]) -> Table:
    """Count verdicts by article."""
    counts = score(results)
    rows = [_score_row(str(name), counts.loc[name]) for name in counts.index]
    rows.append(_score_row("all", counts.sum()))
    note = "hold: holds and roughly, of those that are decided (holds, roughly, fails, depends)."
    return table("Score by article", rows, note=note)


def _score_row(name: str, counts: "pd.Series[int]") -> dict[str, str]:
    decided = int(sum(counts[str(verdict)] for verdict in DECIDED))
    hold = int(counts[str(Verdict.HOLDS)] + counts[str(Verdict.ROUGHLY)])
    cells = {verdict_text(verdict): show.count(counts[str(verdict)]) for verdict in Verdict}
    return {"article": name, **cells, "hold": f"{hold} of {decided}"}


def uncertain(results: Sequence[Result]) -> Table | Prose:
    """Show tendencies with what they rest on: value, base, n, interval, p."""
    found = [(one, one.reading) for one in results if one.reading and one.claim.kind == "tendency"]
    rows = [_evidence_row(result, reading) for result, reading in found if reading]
    if not rows:
        return Prose("*This source can show none of the tendencies.*")
    note = (
        "On the headline definition. all days: the base rate. interval: 95%; p: two-sided, by sign-flip, placement or "
        "regression as in the study concerned. smallest: the least p that so few cases can give."
    )
    return table("Tendencies: what history shows", rows, note=note, left=["verdict", "claim"])


def _evidence_row(result: Result, reading: Reading) -> dict[str, str]:
    show_it = partial(_shown, unit=result.unit)
    return {
        "id": result.claim.id,
        "verdict": verdict_text(result.verdict),
        "claim": result.claim.says,
        "value": show_it(reading.value),
        "all days": show_it(reading.base),
        "n": show.count(reading.n),
        "95% interval": show.interval(reading.low, reading.high, show_it),
        "p": show.p_value(reading.p_value),
        "smallest": show.p_value(reading.p_smallest),
    }


def forecasts(results: Sequence[Result]) -> Table | Prose:
    """Show forecasts as two things: the base rate known then, and what happened."""
    rows = [
        {
            "id": one.claim.id,
            "claim": one.claim.says,
            "base rate then": show_value(one.computed, one.unit),
            "n": show.count(one.n),
            "95% interval": show.interval(one.reading.low, one.reading.high, partial(_shown, unit=one.unit)),
            "verdict by it": verdict_text(one.verdict),
            "what happened": one.happened.text if one.happened else "not in the data",
        }
        for one in results
        if one.reading and (one.happened or one.claim.kind == "forecast")
    ]
    if not rows:
        return Prose("*This source can show none of the forecasts.*")
    note = "The verdict rests on what was known on the article's date alone; what happened is seen from the data's end."
    return table(
        "Forecasts: known then, and what happened", rows, note=note, left=["claim", "verdict by it", "what happened"]
    )


def definitions(results: Sequence[Result]) -> Table | Prose:
    """Show every definition of the claims whose verdict depends on it."""
    rows = [
        _definition_row(result, one) for result in of_verdict(list(results), Verdict.DEPENDS) for one in result.grid
    ]
    if not rows:
        return Prose("*No verdict depends on the definition.*")
    note = "All combinations that the source can give, the headline first; each judged by itself."
    return table("The definitions that disagree", rows, note=note, left=["claim", "definition", "alone"])


def _definition_row(result: Result, one: Judged) -> dict[str, str]:
    return {
        "id": result.claim.id,
        "definition": "; ".join(f"{axis} {choice}" for axis, choice in one.axes),
        "asserted": result.asserted,
        "computed": show_value(one.value, result.unit),
        "alone": verdict_text(one.verdict),
    }


def methods(results: Sequence[Result]) -> Table:
    """Show how each claim was checked: check and arguments, tolerance, data."""
    rows = [
        {
            "id": one.claim.id,
            "kind": one.claim.kind,
            "check": _call(one),
            "tolerance": show.NONE if one.claim.asserted is None else show.number(one.claim.asserted.tolerance, 3),
            "definition": one.definition or show.NONE,
            "as of": show.date(one.as_of),
            "n": show.count(one.n or None),
            "first": show.date(one.first),
            "last": show.date(one.last),
        }
        for one in results
    ]
    note = "as of: the last session up to the article's date. n: values of the history, events, or companies."
    return table("How each was checked", rows, note=note, left=["kind", "check", "definition"])


def _call(result: Result) -> str:
    arguments = result.claim.check.model_dump(mode="json", exclude_defaults=True, exclude={"name", "needs"})
    written = "; ".join(f"{name} {_argument(value)}" for name, value in arguments.items())
    return f"{result.claim.check.name}: {written}" if written else result.claim.check.name


def _argument(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(_argument(one) for one in value.values())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shown(value: float | pd.Timestamp | None, *, unit: str) -> str:
    return (
        show.NONE
        if value is None or (isinstance(value, float) and np.isnan(value))
        else show_value(scaled(value, unit), unit)
    )
