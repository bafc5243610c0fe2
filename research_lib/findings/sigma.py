"""The findings of `03_record_sigma`."""

from collections.abc import Sequence

from research_lib.data.card import DataCard
from research_lib.findings import Finding, Findings
from research_lib.stats.events import Outcome
from research_lib.studies.result import Unavailable
from research_lib.studies.sigma import EpisodeStudy, Move, SigmaOfDay

FORWARD_SESSIONS = 21
MOVE_SESSIONS = 5


def sigma_findings(
    cards: Sequence[DataCard],
    day: SigmaOfDay,
    *,
    moves: Sequence[Move],
    episodes: EpisodeStudy,
    outcomes: Sequence[Outcome] | Unavailable,
) -> Findings:
    """Name the study's numbers."""
    return Findings(
        tuple(cards),
        (
            *_of_day(day),
            *_of_moves(next(move for move in moves if move.sessions == MOVE_SESSIONS)),
            *_of_episodes(episodes),
            *_of_outcomes(outcomes),
        ),
    )


def _of_day(day: SigmaOfDay) -> list[Finding]:
    standing, settings = day.standing, day.headline.settings
    what = f"{day.headline.label} of {day.asset}, n {settings.window_sessions}, ddof {settings.ddof}"
    return [
        Finding("asof_date", str(standing.date.date()), "date", day.sessions, f"last session of {day.asset}"),
        Finding("asof_sigma", standing.value, "sigma", standing.n, f"{what}, on the last session"),
        Finding("asof_sigma_rank", standing.rank, "rank", standing.n, "1 + the sessions with a higher value"),
        Finding("peak_sigma", standing.record, "sigma", standing.n, f"highest {what}"),
        Finding("peak_date", str(standing.record_date.date()), "date", standing.n, "session of peak_sigma"),
    ]


def _of_moves(move: Move) -> list[Finding]:
    k = move.sessions
    own, relative = move.asset, move.difference
    n = relative.n if relative else 0
    none = "" if relative else "; none: no benchmark is given"
    difference = f"{k}-session return less the benchmark's, on common sessions{none}"
    return [
        Finding(f"move_{k}", own.value, "fraction", own.n, f"simple return over the last {k} sessions"),
        Finding(f"move_{k}_rank", own.rank, "rank", own.n, "1 + the sessions with a greater move"),
        Finding(f"relative_move_{k}", relative.value if relative else None, "fraction", n, difference),
        Finding(
            f"relative_move_{k}_rank",
            relative.rank if relative else None,
            "rank",
            n,
            "1 + the sessions with a greater one",
        ),
    ]


def _of_episodes(study: EpisodeStudy) -> list[Finding]:
    n, index, rarity = len(study.episodes), study.index, study.rarity
    above = f"{study.definition} above {study.threshold:g}"
    return [
        Finding(
            "episodes", n, "episodes", len(study.path),
            f"clusters of sessions with {above}, gaps up to {study.cluster_gap_sessions} sessions joined",
        ),
        Finding(
            "extremal_index", index.value, "share", index.n, "Ferro-Segers; share of exceedances that start a cluster",
            index.low, index.high,
        ),
        Finding(
            "return_period_years", rarity.years, "years", rarity.n,
            f"mean time between episodes that reach {rarity.level:.4g}; null: too few episodes, or the tail ends below",
            rarity.low, rarity.high,
        ),
    ]  # fmt: skip


def _of_outcomes(outcomes: Sequence[Outcome] | Unavailable) -> list[Finding]:
    h = FORWARD_SESSIONS
    if isinstance(outcomes, Unavailable):
        names = (f"forward_mean_{h}", f"forward_base_{h}", f"forward_p_{h}")
        return [Finding(name, None, "fraction", 0, outcomes.reason) for name in names]
    after = next(outcome for outcome in outcomes if outcome.horizon_sessions == h)
    what = f"{h}-session return from the close of an episode's first session"
    return [
        Finding(f"forward_mean_{h}", after.mean, "fraction", after.n, f"mean {what}", after.low, after.high),
        Finding(f"forward_base_{h}", after.base, "fraction", after.n_base, f"mean {h}-session return from all others"),
        Finding(f"forward_p_{h}", after.p_value, "p-value", after.n, "two-sided, all circular placements"),
        Finding(f"forward_p_holm_{h}", after.p_holm, "p-value", after.n, "the same, Holm over the horizons shown"),
    ]
