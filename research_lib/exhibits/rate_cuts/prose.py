"""Sentences of the rate-cut study; every number in them is computed."""

from research_lib.data.catalog import describe_asset
from research_lib.data.policy import EffectiveRateCheck
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.stats.event_study import WindowResult
from research_lib.studies.rate_cuts import Answer, Conditioning, LegStudy, Policy
from research_lib.studies.result import Unavailable


def headline(found: Answer) -> Prose:
    """Answer the notebook's question in a few sentences that can be quoted."""
    market, horizon, grid, power = found.market, found.horizon, found.grid, found.power
    unit = "months" if market.monthly else "sessions"
    after = result_over(found.study, horizon)
    sentences = [
        f"Over the {horizon} {unit} after the first cut of an easing cycle, **{market.label} made "
        f"{show.percent_change(after.mean)} on average** (n = {after.n}, 95% interval "
        f"{show.interval(after.low, after.high, show.percent_change)}), and was positive in "
        f"{round(after.positive_share * after.n)} of {after.n}: {_verdict(after)}.",
        _before(found.study, unit),
        _sell_off(found.broad),
        f"Of {len(grid.grid.table):,} ways to ask the question, {show.percent(grid.grid.share_positive, 0)} come out "
        f"positive and {show.percent(grid.grid.share_significant, 0)} differ from chance at 5%; the answer above is "
        f"higher than {show.percent(grid.place, 0)} of them.",
        f"{power.n} cycles are few: an effect of {show.percent(power.effect, 0)} would be found in "
        f"{show.percent(power.power, 0)} of such samples.",
    ]
    return Prose(" ".join(sentence for sentence in sentences if sentence))


def result_over(study: LegStudy, horizon: int) -> WindowResult:
    """Return what followed over one horizon."""
    return next(result for result in study.after if result.window.last == horizon)


def _verdict(result: WindowResult) -> str:
    tests = (
        f"sign-flip p = {show.p_value(result.p_sign_flip)}, where {show.p_value(result.p_sign_flip_smallest)} is the "
        f"smallest possible; placement p = {show.p_value(result.p_placement)}"
    )
    found = max(result.p_sign_flip, result.p_placement) < 0.05
    return f"{'more than chance' if found else 'no more than chance'} ({tests})"


def _before(study: LegStudy, unit: str) -> str:
    before = next(result for result in study.before if result.window.first in {-6, -126})
    if before.n == 0:
        return ""
    return (
        f"In the {-before.window.first} {unit} before the cut it made {show.percent_change(before.mean)} "
        f"(n = {before.n}, sign-flip p = {show.p_value(before.p_sign_flip)}): {_front_run(before)}."
    )


def _front_run(before: WindowResult) -> str:
    if before.mean <= 0:
        return "small caps did not run ahead of it"
    return "small caps ran ahead of it" if before.p_sign_flip < 0.05 else "no more than chance of running ahead of it"


def _sell_off(broad: LegStudy | Unavailable) -> str:
    if isinstance(broad, Unavailable):
        return ""
    day, week = broad.around[0], next(result for result in broad.after if result.window.last == 5)
    return (
        f"The broad market ({describe_asset(broad.leg).name}) moved {show.percent_change(day.mean)} on the day itself and "
        f"{show.percent_change(week.mean)} over the next five sessions (n = {week.n}, placement p = "
        f"{show.p_value(week.p_placement)}, {show.p_value(week.p_placement_holm)} after Holm)."
    )


def events(policy: Policy, study: LegStudy) -> Prose:
    """Say how many first cuts there are, and how many fall inside the data."""
    cut_off = ", ".join(show.date(cycle.first_cut) for cycle in policy.cut_off)
    beginning = f"The table of decisions starts at {cut_off}: that cycle is cut off and left out. " if cut_off else ""
    return Prose(f"{beginning}Of {len(policy.cycles)} first cuts, {study.around[0].n} fall inside the data.")


def conditions(found: Conditioning) -> Prose:
    """Say what the numbers of events allow."""
    known = found.differences.dropna(subset=["p_value"])
    significant = known[known["p_value"] < 0.05]
    possible = int((known["p_smallest"] < 0.05).sum())
    what = ", ".join(str(split) for split in significant.index) or "none"
    return Prose(
        f"Of {len(found.differences)} divisions, {possible} have enough events on both sides for a p-value below 5% at "
        f"all; it is below in: {what}. With {len(found.differences)} divisions tried, one in twenty would be by chance."
    )


def decisions(check: EffectiveRateCheck | Unavailable) -> Prose:
    """Say how well the table of decisions agrees with the effective federal funds rate."""
    if isinstance(check, Unavailable):
        return Prose(f"*The table of decisions against the effective funds rate: {check.reason}*")
    return Prose(
        f"While a target is in force, the effective federal funds rate lies {check.median_gap_bp:.0f} bp from it, in the "
        f"median of {check.n} targets (furthest {show.number(check.largest_gap_bp, 0)} bp, after {check.largest_on}); it "
        f"followed {show.percent(check.same_direction, 0)} of {check.n_large} changes of at least 25 bp in their direction."
    )
