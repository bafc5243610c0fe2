"""Sentences of the record-sigma study; every number in them is computed."""

from collections.abc import Sequence

from research_lib.data.catalog import describe_asset
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.stats.events import Outcome
from research_lib.studies.result import Unavailable
from research_lib.studies.sigma import AssetRecord, EpisodeStudy, SigmaOfDay, Specification

DEVIATION = {0: "population", 1: "sample"}


def headline(day: SigmaOfDay, study: EpisodeStudy, outcomes: Sequence[Outcome] | Unavailable) -> Prose:
    """Answer the notebook's question in a few sentences that can be quoted."""
    return Prose(" ".join([_where(day), definitions(day).text, _how_rare(study), _what_followed(outcomes)]))


def definitions(day: SigmaOfDay) -> Prose:
    """Say on how many definitions the last session is a record, and what that hangs on."""
    known = [found for found in day.definitions if found.standing]
    records = [found.label for found in known if found.standing and found.standing.rank == 1]
    ranks = [found.standing.rank for found in known if found.standing]
    if len(records) == len(known):
        return Prose(f"It is a record under all {len(known)} definitions.")
    if records:
        return Prose(
            f"It is a record under {len(records)} of {len(known)} definitions ({'; '.join(records)}); under the others "
            f"its rank is as low as {max(ranks):,}."
        )
    return Prose(
        f"It is no record under any of the {len(known)} definitions: ranks run from {min(ranks):,} to {max(ranks):,}."
    )


def records(found: Sequence[AssetRecord]) -> Prose:
    """Say which asset holds the highest record."""
    known = [record for record in found if record.n]
    if not known:
        return Prose("No asset has enough history for this definition.")
    highest = known[0]
    name = describe_asset(highest.asset).name
    return Prose(
        f"Of {len(known)} {'assets' if len(known) > 1 else 'asset'}, {name} has the highest: "
        f"{highest.record:.2f} on {show.date(highest.record_date)}, in {highest.n:,} sessions from "
        f"{show.date(highest.first)}."
    )


def robustness(grid: Sequence[Specification]) -> Prose:
    """Say in how many specifications the effect has one sign, and in how many it is more than chance."""
    above = sum(one.outcome.mean > one.outcome.base for one in grid)
    different = sum(one.outcome.p_holm < 0.05 for one in grid)
    top = sum(one.standing.rank == 1 for one in grid)
    return Prose(
        f"The last session is a record in {top} of {len(grid)} specifications. What followed was above its base rate "
        f"in {above} of them, and differs from it at 5%, adjusted for their number, in {different}."
    )


def _where(day: SigmaOfDay) -> str:
    standing, settings = day.standing, day.headline.settings
    rank = "the highest" if standing.rank == 1 else f"rank {standing.rank:,}"
    record = "" if standing.rank == 1 else (
        f" The record is {standing.record:.2f}, on {show.date(standing.record_date)}."
    )  # fmt: skip
    return (
        f"On {show.date(standing.date)} the {describe_asset(day.asset).name} closed at "
        f"**{show.number(standing.value)} standard deviations** ({day.headline.label} over "
        f"{settings.window_sessions} sessions, {DEVIATION[settings.ddof]} standard deviation): {rank} of "
        f"{standing.n:,} sessions since {show.date(standing.first)}.{record}"
    )


def _how_rare(study: EpisodeStudy) -> str:
    rarity = study.rarity
    counted = f"It was above {study.threshold:g} in {len(study.episodes)} separate episodes."
    if show.years(rarity.years) == show.NONE:
        return f"{counted} That is too few to say how rare {rarity.level:.2f} is."
    often = (
        f"is beyond the end of the fitted tail (95% interval from {show.years(rarity.low)} years)"
        if rarity.years == float("inf")
        else f"comes back about every {show.years(rarity.years)} years "
        f"(95% interval {show.interval(rarity.low, rarity.high, show.years)}, n = {rarity.n})"
    )
    return f"{counted} A peak of {rarity.level:.2f} {often}."


def _what_followed(outcomes: Sequence[Outcome] | Unavailable) -> str:
    if isinstance(outcomes, Unavailable):
        return outcomes.reason
    month = next(outcome for outcome in outcomes if outcome.horizon_sessions == 21)
    if month.n == 0:
        return "No episode is followed by a whole month of data."
    verdict = "more than chance" if month.p_value < 0.05 else "no more than chance"
    return (
        f"The {month.n} episodes were followed by {show.percent_change(month.mean)} on average over 21 sessions "
        f"(95% interval {show.interval(month.low, month.high, show.percent_change)}), against "
        f"{show.percent_change(month.base)} after all other sessions: {verdict} (placement p = "
        f"{show.p_value(month.p_value)})."
    )
