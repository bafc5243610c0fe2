"""Sentences of the record-sigma study; every number in them is computed."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from research_lib.data.catalog import describe_asset
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.stats.events import Outcome
from research_lib.studies.result import Unavailable
from research_lib.studies.sigma import AssetRecord, EpisodeStudy, SigmaOfDay, Specification

LONGEST_CLOSURE_DAYS = 7
DEVIATION = {0: "population", 1: "sample"}


def headline(
    day: SigmaOfDay, study: EpisodeStudy, outcomes: Sequence[Outcome] | Unavailable, *, as_of: date | None = None
) -> Prose:
    """Answer the notebook's question in a few sentences that can be quoted."""
    return Prose(
        " ".join(
            [*_ends_early(day, as_of), _where(day), definitions(day).text, _how_rare(study), _what_followed(outcomes)]
        )
    )


def definitions(day: SigmaOfDay) -> Prose:
    """Say on how many definitions the last session is a record, and what that hangs on."""
    known = [found for found in day.definitions if found.standing]
    records = [found.label for found in known if found.standing and found.standing.rank == 1]
    ranks = [found.standing.rank for found in known if found.standing]
    if len(records) == len(known):
        return Prose(f"It is a record under all {len(known)} variants of the definitions.")
    if records:
        return Prose(
            f"It is a record under {len(records)} of {len(known)} variants of the definitions ({'; '.join(records)}); under the others "
            f"its rank is as low as {max(ranks):,}."
        )
    return Prose(
        f"It is no record under any of the {len(known)} variants of the definitions: ranks run from {min(ranks):,} to {max(ranks):,}."
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
    above = sum(one.outcome.excess > 0 for one in grid)
    different = sum(one.outcome.p_holm < 0.05 for one in grid)
    top = sum(one.standing.rank == 1 for one in grid)
    if not any(one.outcome.n for one in grid):
        return Prose(f"The last session is a record in {top} of {len(grid)} specifications; none has an episode.")
    return Prose(
        f"The last session is a record in {top} of {len(grid)} specifications. What followed was above its base rate "
        f"in {above} of them, and differs from it at 5%, adjusted for their number, in {different}."
    )


def _ends_early(day: SigmaOfDay, as_of: date | None) -> list[str]:
    if as_of is None or (pd.Timestamp(as_of) - day.standing.date).days <= LONGEST_CLOSURE_DAYS:
        return []
    return [f"(as_of is {as_of}, but the data of {day.asset} ends on {show.date(day.standing.date)}.)"]


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
    counted = f"It was above {study.threshold:g} in {_count(len(study.episodes), 'separate episode')}."
    if show.years(rarity.years) == show.NONE:
        return f"{counted} That is too few to say how rare {rarity.level:.2f} is."
    often = (
        f"is beyond the end of the fitted tail (95% interval from {show.years(rarity.low)} years)"
        if rarity.years == float("inf")
        else f"{_comes_back(rarity.years)} "
        f"(95% interval {show.interval(rarity.low, rarity.high, show.years)}, n = {rarity.n})"
    )
    return f"{counted} A peak of {rarity.level:.2f} {often}."


def _comes_back(years: float) -> str:
    shown = show.years(years)
    if shown.startswith("over "):
        return f"comes back less than once in {shown.removeprefix('over ')} years"
    return f"comes back about every {shown} years"


def _what_followed(outcomes: Sequence[Outcome] | Unavailable) -> str:
    if isinstance(outcomes, Unavailable):
        return outcomes.reason
    month = next(outcome for outcome in outcomes if outcome.horizon_sessions == 21)
    if month.n == 0:
        return "No episode is followed by a whole month of data."
    verdict = "is more than chance" if month.p_holm < 0.05 else "cannot be told from chance"
    return (
        f"{_count(month.n, 'episode')} with a month of data after them were followed by "
        f"{show.percent_change(month.mean)} on average over 21 sessions, against {show.percent_change(month.base)} after "
        f"all other sessions: a difference of {show.percent_change(month.excess)} (95% interval "
        f"{show.interval(month.excess_low, month.excess_high, show.percent_change)}) that {verdict} (placement p = "
        f"{show.p_value(month.p_value)}, {show.p_value(month.p_holm)} after Holm over the horizons)."
    )


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
