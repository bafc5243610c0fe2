"""Tables of the record-sigma study."""

from collections.abc import Sequence

from research_lib.data.catalog import describe_asset
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.exhibits.table import Table, table
from research_lib.stats.events import Outcome
from research_lib.stats.extremes import ReturnPeriod, return_period
from research_lib.stats.moves import Streak
from research_lib.stats.standing import Standing
from research_lib.stats.trend import Breakout, Crossings
from research_lib.studies.result import Unavailable
from research_lib.studies.sigma import (
    AssetRecord,
    Episodes,
    EpisodeStudy,
    LongMove,
    Move,
    SigmaOfDay,
    Specification,
    SpotVolatility,
    TrendOfDay,
)

SHOWN_MOVES = (1, 2, 3, 5, 6, 10, 15, 20)
SHOWN_EPISODES = 12
RARITY_LEVELS = (3.0, 3.5, 4.0, 4.5)


def of_day(day: SigmaOfDay) -> Table:
    """Show the last session under every definition."""
    rows = [
        {
            "definition": found.label + (" (headline)" if found is day.headline else ""),
            **_of_definition(found.standing),
        }
        for found in day.definitions
    ]
    settings = day.headline.settings
    note = (
        f"Window n = {settings.window_sessions} sessions, ddof {settings.ddof}. Rank 1 is the highest of the sessions "
        f"that have a value. Under price_z no value can exceed {day.limit:.2f}. A price σ is not a normal variate."
    )
    return table(f"{_name(day.asset)} on {show.date(day.standing.date)}, under every definition", rows, note=note)


def _of_definition(found: Standing | None) -> dict[str, str]:
    if found is None:
        return dict.fromkeys(["value (σ)", "rank", "last higher", "record (σ)", "record date"], show.NONE)
    return {
        "value (σ)": show.number(found.value, 3),
        **_rank(found),
        "last higher": show.date(found.last_higher),
        "record (σ)": show.number(found.record),
        "record date": show.date(found.record_date),
    }


def records(found: Sequence[AssetRecord], day: SigmaOfDay) -> Table:
    """Show each asset's highest sigma under the headline definition."""
    rows = [
        {
            "asset": _name(record.asset),
            "record (σ)": show.number(record.record),
            "on": show.date(record.record_date),
            "value now (σ)": show.number(record.value),
            "rank now": show.count(record.rank or None),
            "sessions": show.count(record.n),
            "from": show.date(record.first),
            "to": show.date(record.last),
        }
        for record in found
    ]
    note = (
        f"{day.headline.label}, n {day.headline.settings.window_sessions}, ddof {day.headline.settings.ddof}. "
        "A longer history has had more chances of a record: compare only over common years."
    )
    return table("Each asset's highest σ", rows, note=note)


def moves(found: Sequence[Move], *, asset: str) -> Table:
    """Show the asset's own moves that end on the last session."""
    rows = [
        {
            "sessions": str(move.sessions),
            "move": show.percent_change(move.asset.value),
            **_rank(move.asset),
            "percentile": show.percent(move.asset.percentile, 1),
            "stands": move.asset.since,
        }
        for move in found
        if move.sessions in SHOWN_MOVES
    ]
    note = "Simple returns of closes. Rank 1 is the greatest rise of all sessions."
    return table(f"{_name(asset)}: moves that end on the last session", rows, note=note, left=["stands"])


def relative_moves(found: Sequence[Move], *, asset: str, benchmark: str) -> Table | Prose:
    """Show the moves against the benchmark, as a difference and as a ratio."""
    rows = [
        {
            "sessions": str(move.sessions),
            "difference": show.percent_change(move.difference.value),
            **_rank(move.difference),
            "stands": move.difference.since,
            "ratio": show.percent_change(move.ratio.value),
            "ratio rank": _rank(move.ratio)["rank"],
            "ratio stands": move.ratio.since,
        }
        for move in found
        if move.sessions in SHOWN_MOVES and move.difference and move.ratio
    ]
    if not rows:
        return Prose("*No benchmark is given: nothing to compare the asset's moves with.*")
    note = (
        f"On common sessions. difference: simple return of {asset} less that of {benchmark}, in points; ratio: return "
        f"of {asset}/{benchmark}."
    )
    last = show.date(next(move.difference.date for move in found if move.difference))
    title = f"{_name(asset)} against {_name(benchmark)}, to {last}"
    return table(title, rows, note=note, left=["stands", "ratio stands"])


def streaks(found: Sequence[Streak]) -> Table:
    """Show runs of daily moves beyond bounds."""
    rows = [
        {
            "daily moves": f"{'above' if streak.bound > 0 else 'below'} {show.percent_change(streak.bound, 1)}",
            "in a row now": show.count(streak.current),
            "runs at least as long": show.count(streak.as_long or None),
            "longest run": show.count(streak.longest),
            "it ended": show.date(streak.longest_end),
        }
        for streak in found
    ]
    n = show.count(found[0].n)
    return table("Streaks of daily moves", rows, note=f"Sessions in a row; {n} daily moves. Runs: in all history.")


def episodes(study: Episodes) -> Table:
    """Show the highest episodes."""
    highest = sorted(study.episodes, key=lambda episode: episode.peak, reverse=True)[:SHOWN_EPISODES]
    rows = [
        {
            "date (first session above)": show.date(episode.start),
            "last above": show.date(episode.end),
            "sessions above": show.count(episode.sessions_above),
            "peak (σ)": show.number(episode.peak),
            "peak date": show.date(episode.peak_date),
        }
        for episode in highest
    ]
    note = (
        f"{len(highest)} of {len(study.episodes)}. Sessions above {study.threshold:g}, joined where at most "
        f"{study.cluster_gap_sessions} others lie between. The peak is known only in hindsight; "
        f"what follows is measured from the first session."
    )
    rows = rows or [{"date (first session above)": "none"}]
    return table(f"{_name(study.asset)}: the highest episodes", rows, note=note)


def rarity(study: EpisodeStudy) -> Table:
    """Show return periods of some levels, and what a normal table would say."""
    index = study.index
    levels = {*(level for level in RARITY_LEVELS if level > study.threshold), study.rarity.level}
    rows = [_rarity_row(return_period(study.tail, level)) for level in sorted(levels)]
    note = (
        f"Years between episodes that reach the level: Poisson arrivals and a generalised Pareto tail (shape "
        f"{show.number(study.tail.shape)}) of {study.tail.n} episode peaks above {study.threshold:g}; ∞: the fitted "
        f"tail ends below. The normal table's answer is wrong here: days are not independent, nor is the σ normal. "
        f"Extremal index {show.number(index.value)} (95% interval {show.interval(index.low, index.high, show.number)}, "
        f"{index.n} sessions above)."
    )
    return table("How rare is it?", rows, note=note)


def _rarity_row(period: ReturnPeriod) -> dict[str, str]:
    return {
        "level (σ)": show.number(period.level),
        "return period (years)": show.years(period.years),
        "95% interval": show.interval(period.low, period.high, show.years),
        "a normal table would say": show.years(period.normal_years),
    }


def followed(outcomes: Sequence[Outcome] | Unavailable, *, of: str) -> Table | Prose:
    """Show what followed the episodes, per horizon."""
    if isinstance(outcomes, Unavailable):
        return Prose(f"*What followed, {of}: {outcomes.reason}*")
    rows = [
        {
            "sessions after": str(outcome.horizon_sessions),
            "n": show.count(outcome.n),
            "cut off": show.count(outcome.cut_off),
            "mean": show.percent_change(outcome.mean),
            "median": show.percent_change(outcome.median),
            "positive": show.percent(outcome.share_positive, 0),
            "base rate": show.percent_change(outcome.base),
            "base positive": show.percent(outcome.base_share_positive, 0),
            "excess": show.percent_change(outcome.excess),
            "95% interval": show.interval(outcome.excess_low, outcome.excess_high, show.percent_change),
            "p": show.p_value(outcome.p_value),
            "smallest": show.p_value(outcome.p_smallest),
            "p (Holm)": show.p_value(outcome.p_holm),
            "sign-flip p": show.p_value(outcome.p_sign_flip),
        }
        for outcome in outcomes
    ]
    note = (
        "From the close of each episode's first session. cut off: windows that run past the data. base rate: all other "
        "sessions. excess: mean less that of all sessions, with the interval of the same test as p: two-sided, all "
        "circular placements of the episodes. smallest: the least p that it can give. Holm: adjusted for the number of "
        "horizons. sign-flip: exact, up to 20 episodes."
    )
    return table(f"What followed, {of}", rows, note=note)


def spot_volatility(found: Sequence[SpotVolatility] | Unavailable, *, of: str) -> Table | Prose:
    """Show the correlation of returns with changes of implied volatility."""
    if isinstance(found, Unavailable):
        return Prose(f"*Spot and volatility: {found.reason}*")
    rows = [
        {
            "over sessions": str(one.sessions),
            "last": show.number(one.standing.value),
            **_rank(one.standing),
            "record": show.number(one.standing.record),
            "on": show.date(one.standing.record_date),
            "share above zero": show.percent(one.share_positive, 1),
            "from": show.date(one.standing.first),
            "to": show.date(one.standing.date),
        }
        for one in found
    ]
    note = "Pearson's, of daily returns with daily changes of the volatility index in points."
    return table(f"Spot-volatility correlation: {of}", rows, note=note)


def trend(found: TrendOfDay | Unavailable) -> Table | Prose:
    """Show where the last close is in its trend."""
    if isinstance(found, Unavailable):
        return Prose(f"*Trend: {found.reason}*")
    records = found.records
    since = f"{show.count(records.sessions_since)} sessions ago" if records.sessions_since else "the last session"
    rows = [
        {"what": "last record close", "on the last session": show.date(records.last), "detail": since},
        *(_crossing_row(crossing) for crossing in found.crossings),
        {
            "what": f"weekly closes above {show.number(found.weekly.level)}",
            "on the last session": f"{found.weekly.in_a_row} in a row",
            "detail": "the highest close of all history up to one year before",
        },
        *(_breakout_row(breakout, found.breakouts_of) for breakout in found.breakouts),
    ]
    note = (
        "Breakouts: lines drawn from the sessions before the last one; in brackets, how far the ratio is from them. A week "
        "counts when its Friday has come."
    )
    return table("Trend", rows, note=note, left=["on the last session", "detail"])


def _crossing_row(crossing: Crossings) -> dict[str, str]:
    return {
        "what": f"{crossing.window_sessions}-session average",
        "on the last session": "above" if crossing.above else "below",
        "detail": f"since {show.date(crossing.last)}; crossed up {crossing.up} times, down {crossing.down}; "
        f"above on {show.percent(crossing.share_above, 0)} of {show.count(crossing.n)} sessions",
    }


def _breakout_row(breakout: Breakout, of: str) -> dict[str, str]:
    verdict = {True: "broken out", False: "not broken out", None: "no such line"}[breakout.holds]
    level = show.NONE if breakout.holds is None else f"{breakout.level:.4g}"
    apart = "" if breakout.holds is None else f" ({show.percent_change(breakout.value / breakout.level - 1)})"
    return {
        "what": f"{of}: {breakout.definition}, {breakout.n} sessions",
        "on the last session": verdict,
        "detail": f"{breakout.value:.4g} against {level}{apart}",
    }


def long_view(found: Sequence[LongMove] | Unavailable) -> Table | Prose:
    """Show the last months of small less large in all of their history."""
    if isinstance(found, Unavailable):
        return Prose(f"*The long view: {found.reason}*")
    rows = [
        {
            "months": str(move.months),
            "small less large": show.percent_change(move.standing.value),
            **_rank(move.standing),
            "stands": move.standing.since,
            "record": show.percent_change(move.standing.record),
            "record month": str(move.standing.record_date)[:7],
        }
        for move in found
    ]
    first, last = found[0].standing.first, found[0].standing.date
    note = f"Sum of the monthly factor SMB, {str(first)[:7]} to {str(last)[:7]}: small caps of the whole US market."
    return table("The long view: small less large by months", rows, note=note, left=["stands"])


def robustness(grid: Sequence[Specification]) -> Table:
    """Show the whole grid of definitions and windows."""
    rows = [
        {
            "definition": f"{one.definition}, n {one.window_sessions}",
            "last (σ)": show.number(one.standing.value),
            **_rank(one.standing),
            "threshold (σ)": show.number(one.threshold),
            "episodes": show.count(one.episodes),
            "mean after": show.percent_change(one.outcome.mean),
            "base rate": show.percent_change(one.outcome.base),
            "p": show.p_value(one.outcome.p_value),
            "p (Holm)": show.p_value(one.outcome.p_holm),
        }
        for one in grid
    ]
    horizon = grid[0].outcome.horizon_sessions if grid else 0
    note = (
        f"Each threshold is the one that as large a share of sessions passes as of the headline's, in all history: "
        f"hindsight. After: {horizon} sessions. "
        f"Holm: adjusted for all {len(grid)} specifications."
    )
    return table("The same question under other definitions and windows", rows, note=note)


def _rank(found: Standing | None) -> dict[str, str]:
    return {"rank": show.NONE if found is None else f"{found.rank:,} of {found.n:,}"}


def _name(asset: str) -> str:
    name = describe_asset(asset).name
    return name if name == asset else f"{name} ({asset})"
