"""From claims to verdicts."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from research_lib.claims_file import Asserted, Claim, Unit, Untestable, nearest
from research_lib.data import Source
from research_lib.data.catalog import Asset, known_series, known_symbols
from research_lib.errors import InsufficientDataError, MissingDataError
from research_lib.params import Claims
from research_lib.studies.claims.context import Archive, Context
from research_lib.studies.claims.registry import AFTERWARDS, CHECKS
from research_lib.studies.claims.result import (
    SCALES,
    Computed,
    Happened,
    Judged,
    Reading,
    Result,
    Verdict,
    judge_value,
    scaled,
    verdict_of,
    weigh,
)

UNCERTAIN_KINDS = frozenset({"tendency", "forecast"})
COMPARISONS = {"about": "", "at_least": "at least ", "at_most": "at most "}
UNIT_SIGNS = {
    "percent": "%", "percentage_points": " points", "basis_points": " bp", "points": "", "sigma": " σ", "times": "×",
    "correlation": "", "count": "", "rank": "",
}  # fmt: skip
WHOLE = frozenset({"rank", "sessions", "weeks", "count"})
LISTED, SHORT_GRID = 3, 4


def check_claims(params: Claims, source: Source) -> tuple[list[Result], Archive]:
    """Judge every claim on what the source can give; the archive holds what was read.

    Raises
    ------
    MissingDataError
        A claim names an asset or series that neither the catalog nor the source knows.
    DataError
        A file that is there cannot be used.
    """
    _stop_at_unknown(params, source)
    as_of = None if params.as_of is None else pd.Timestamp(params.as_of)
    archive = Archive(source, as_of=as_of, seed=params.seed)
    contexts = {name: Context(archive, pd.Timestamp(article.as_of)) for name, article in params.articles.items()}
    judged = [_judge(claim, contexts[claim.article], archive, params.roughly_percent / 100) for claim in params.claims]
    return judged, archive


def score(results: Sequence[Result]) -> pd.DataFrame:
    """Count verdicts: index the articles in order, columns the verdicts."""
    table = pd.DataFrame([{"article": one.claim.article, "verdict": str(one.verdict)} for one in results])
    counts = pd.crosstab(table["article"], table["verdict"])
    return counts.reindex(columns=[str(verdict) for verdict in Verdict], fill_value=0)


def _stop_at_unknown(params: Claims, source: Source) -> None:
    symbols, series = [*known_symbols(), *source.symbols()], [*known_series(), *source.series_ids()]
    for claim in params.claims:
        for asset in claim.check.assets_named:
            symbol = Asset.parse(asset).symbol
            if symbol not in symbols:
                raise MissingDataError(f"claim {claim.id}: unknown asset {asset}{nearest(symbol, sorted({*symbols}))}")
        for name in claim.check.series_named:
            if name not in series:
                raise MissingDataError(f"claim {claim.id}: unknown series {name}{nearest(name, sorted({*series}))}")


def _judge(claim: Claim, context: Context, archive: Archive, roughly: float) -> Result:
    if isinstance(claim.check, Untestable) or claim.asserted is None:
        needs = claim.check.needs if isinstance(claim.check, Untestable) else ""
        return _without(claim, context, Verdict.UNTESTABLE, f"It would take {needs}.")
    try:
        computed = CHECKS[claim.check.name](claim.check, context)
    except InsufficientDataError as error:
        return _without(claim, context, Verdict.NOT_ENOUGH_DATA, _sentence(str(error)))
    return _with(claim, context, computed, roughly, _afterwards(claim, context, archive))


def _without(claim: Claim, context: Context, verdict: Verdict, why: str) -> Result:
    asserted = claim.asserted
    shown, unit = (show_asserted(asserted), asserted.unit) if asserted else ("", "")
    return Result(claim, verdict, None, None, shown, unit, "", context.session, 0, None, None, why)


def _with(claim: Claim, context: Context, computed: Computed, roughly: float, later: Happened | None) -> Result:
    asserted = claim.asserted
    assert asserted is not None  # noqa: S101  # `_judge` has seen to it
    reading = computed.readings[0]
    grid = tuple(_one(one, claim.kind in UNCERTAIN_KINDS, asserted, roughly) for one in computed.readings)
    verdict = verdict_of(grid)
    if computed.proxy or (computed.undecided_without and verdict is not Verdict.FAILS):
        verdict = Verdict.NOT_ENOUGH_DATA
    value = grid[0].value
    difference = None if isinstance(value, pd.Timestamp) or asserted.value is None else value - asserted.value
    return Result(
        claim, verdict, value, difference, show_asserted(asserted), asserted.unit, computed.definition, context.session,
        reading.n, reading.first, reading.last, _hangs_on(claim, context, computed, grid, verdict), grid, reading, later,
    )  # fmt: skip


def _one(reading: Reading, uncertain: bool, asserted: Asserted, roughly: float) -> Judged:
    value = scaled(reading.value, asserted.unit)
    if reading.reaches and asserted.value is not None:  # true at some time of the day: the nearest counts
        low, high = (float(end) * SCALES.get(asserted.unit, 1.0) for end in reading.reaches)
        value = min(max(asserted.value, low), high)
    verdict = weigh(judge_value(value, asserted, roughly=roughly), reading, asserted, uncertain=uncertain)
    return Judged(reading.axes, value, verdict)


def _afterwards(claim: Claim, context: Context, archive: Archive) -> Happened | None:
    """Look at what came after, from the end of the data; None where nothing did, or nothing can be said."""
    name = claim.check.name
    if name not in AFTERWARDS:
        return None
    try:
        ends = [archive.price(asset).index[-1] for asset in claim.check.assets_named]
        ends += [archive.series(one).index[-1] for one in claim.check.series_named]
        if min(ends) <= context.day:
            return None
        happened = AFTERWARDS[name](claim.check, context, Context(archive, min(ends)))
        return replace(happened, text=_sentence(happened.text))
    except InsufficientDataError:
        return None


def as_text(result: Result) -> str:
    """Write a result for a terminal: verdict, claim, figures and what it hangs on, a line each."""
    figures = (
        f"{show_value(result.computed, result.unit)} computed, {result.asserted} asserted; " if result.unit else ""
    )
    lines = [
        f"  {result.claim.id:6}{result.verdict.upper():16}{result.claim.says}",
        f"{'':24}{figures}{result.hangs_on}",
    ]
    later = [f"{'':24}What happened: {result.happened.text}"] if result.happened else []
    return "\n".join(lines + later)


def show_asserted(asserted: Asserted) -> str:
    """Write what a claim says as one would."""
    if asserted.unit == "date":
        return str(asserted.first) if asserted.first == asserted.last else f"{asserted.first} to {asserted.last}"
    if asserted.unit == "rank" and asserted.value == 1:
        return "rank 1"
    figure = f"{asserted.value:,}".removesuffix(".0").replace("-", "−")
    return f"{COMPARISONS[asserted.comparison]}{figure}{UNIT_SIGNS.get(asserted.unit, f' {asserted.unit}')}"


def show_value(value: float | pd.Timestamp | None, unit: str) -> str:
    """Write a figure with its unit."""
    if value is None or (not isinstance(value, pd.Timestamp) and np.isnan(value)):
        return "–"
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    sign = UNIT_SIGNS.get(unit, f" {unit}")
    digits = 0 if unit in WHOLE else 1 if unit in {"basis_points", "years"} else 2
    prefix = "rank " if unit == "rank" else ""
    return (f"{prefix}{value:,.{digits}f}{sign}").replace("inf", "∞").replace("-", "−")


def _hangs_on(claim: Claim, context: Context, computed: Computed, grid: tuple[Judged, ...], verdict: Verdict) -> str:
    """Say in one sentence what the verdict rests on: the computation, and the definitions where they disagree."""
    reading, unit = computed.readings[0], claim.asserted.unit if claim.asserted else "points"
    parts = [_open_question(computed, verdict), _split(grid, unit), reading.basis, _evidence(reading, unit)]
    if len(grid) > 1 and len({one.verdict for one in grid}) == 1:
        parts.append(f"the same on all {len(grid)} definitions")
    if computed.left_out and not computed.undecided_without:
        parts.append(f"left out: {'; '.join(computed.left_out[:LISTED])}")
    if context.session != context.day:
        parts.append(f"{context.day.date()} was no session: {context.session.date()} counts")
    return _sentence("; ".join(filter(None, parts)))


def _open_question(computed: Computed, verdict: Verdict) -> str:
    """Say why there is not enough data, where something is missing or chance is not excluded."""
    if verdict is not Verdict.NOT_ENOUGH_DATA:
        return ""
    if computed.proxy:
        return computed.proxy
    if computed.undecided_without:
        return f"open, for it {computed.undecided_without}"
    return f"the interval of {computed.readings[0].n:,} cases leaves it open"


def _split(grid: Sequence[Judged], unit: Unit) -> str:
    """Name the choice that decides, if one alone does; else some definitions on either side."""
    holding = [one for one in grid if one.verdict in {Verdict.HOLDS, Verdict.ROUGHLY}]
    others = [one for one in grid if one not in holding]
    if not holding or not others:
        return ""
    for axis in dict(grid[0].axes):
        sides = [list(dict.fromkeys(dict(one.axes)[axis] for one in side)) for side in (holding, others)]
        if not set(sides[0]) & set(sides[1]):
            return f"hangs on {axis}: holds with {_listed(sides[0])}, not with {_listed(sides[1])}"
    if len(grid) > SHORT_GRID:
        return f"{len(holding)} of {len(grid)} definitions hold: {_by_choice(grid, holding)}"
    shown = [_listed([f"{one.label} ({show_value(one.value, unit)})" for one in side]) for side in (holding, others)]
    return f"{len(holding)} of {len(grid)} definitions hold: {shown[0]}; not {shown[1]}"


def _by_choice(grid: Sequence[Judged], holding: Sequence[Judged]) -> str:
    """Count what holds for each choice of the axis that tells most."""
    shares: dict[str, dict[str, tuple[int, int]]] = {}
    for axis in dict(grid[0].axes):
        choices = dict.fromkeys(dict(one.axes)[axis] for one in grid)
        shares[axis] = {
            choice: (
                sum(dict(one.axes)[axis] == choice for one in holding),
                sum(dict(one.axes)[axis] == choice for one in grid),
            )
            for choice in choices
        }
    spread = {axis: np.ptp([hits / n for hits, n in found.values()]) for axis, found in shares.items()}
    axis = max(spread, key=lambda one: spread[one])
    return ", ".join(f"{choice} {hits} of {n}" for choice, (hits, n) in shares[axis].items())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return "; ".join(names[:LISTED]) + more


def _evidence(reading: Reading, unit: Unit) -> str:
    parts = []
    if not np.isnan(reading.low):
        low, high = (show_value(scaled(end, unit), unit) for end in (reading.low, reading.high))
        parts.append(f"95% interval {low} to {high}")
    if not np.isnan(reading.p_value):
        smallest = "" if np.isnan(reading.p_smallest) else f", smallest possible {reading.p_smallest:.3f}"
        parts.append(f"p = {reading.p_value:.3f}{smallest}")
    return ", ".join(parts)


def _sentence(text: str) -> str:
    """Begin with a capital, end with a stop, and write true minus signs."""
    signed = re.sub(r"(?<![\w.-])-(?=[\d∞])", "−", text)
    return signed[:1].upper() + signed[1:] + ("" if signed.endswith(".") else ".")
