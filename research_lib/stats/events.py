"""Episodes beyond a threshold, dated when they could be known, and what followed them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from research_lib.shown import Shown
from research_lib.stats.inference import holm, placement_test, sign_flip_test

FEW_EVENTS = 20  # up to so many, all patterns of signs are counted
HORIZONS_SESSIONS = (1, 5, 10, 21, 63, 126, 252)


@dataclass(frozen=True)
class Episode(Shown):
    """A cluster of sessions above a threshold.

    Attributes
    ----------
    start : Timestamp
        The first session above: the episode's date, known on its close.
    end : Timestamp
        The last session above.
    peak, peak_date : float, Timestamp
        The highest value, known only in hindsight.
    sessions_above : int
        Sessions above the threshold.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    peak: float
    peak_date: pd.Timestamp
    sessions_above: int


def find_episodes(path: "pd.Series[float]", threshold: float, *, cluster_gap_sessions: int = 10) -> list[Episode]:
    """Join the sessions above a threshold into episodes.

    Parameters
    ----------
    path : Series
        A value for each session, without gaps.
    threshold : float
        A session is above when its value is greater.
    cluster_gap_sessions : int
        Sessions above with at most this many others between them belong to one episode.
    """
    rows = np.flatnonzero(path.to_numpy() > threshold)
    breaks = np.flatnonzero(np.diff(rows) - 1 > cluster_gap_sessions) + 1
    clusters = np.split(rows, breaks) if len(rows) else []
    values = path.to_numpy()
    return [_episode(path.index, values, cluster) for cluster in clusters]


def _episode(dates: pd.Index, values: np.ndarray, rows: np.ndarray) -> Episode:
    peak = rows[values[rows].argmax()]
    return Episode(dates[rows[0]], dates[rows[-1]], float(values[peak]), dates[peak], len(rows))


def forward_returns(close: "pd.Series[float]", sessions: int) -> "pd.Series[float]":
    """Return P[t+h]/P[t] - 1 in decimals from each close; NaN where the window runs past the data."""
    return close.shift(-sessions) / close - 1


@dataclass(frozen=True)
class Outcome(Shown):
    """What followed the events over one horizon.

    Attributes
    ----------
    horizon_sessions : int
        h.
    n : int
        Events whose window lies inside the data.
    cut_off : int
        Events whose window runs past the data's end: left out.
    mean, median, share_positive : float
        Of the returns after the events, in decimals; NaN where n is 0.
    base, base_share_positive : float
        Mean and share positive on all other sessions.
    excess, excess_low, excess_high : float
        Mean less that of all sessions, and its 95% interval, from random placement.
    n_base : int
        Those sessions; their windows overlap.
    p_value, p_smallest, p_holm : float
        Two-sided placement p-value, the smallest one possible, and the p-value adjusted for the number of horizons.
    p_sign_flip : float
        Where n is at most 20: exact sign-flip p-value of the returns less the mean of all sessions; else NaN. It takes
        episodes as independent: over long horizons their windows overlap.
    """

    horizon_sessions: int
    n: int
    cut_off: int
    mean: float
    median: float
    share_positive: float
    base: float
    base_share_positive: float
    n_base: int
    excess: float
    excess_low: float
    excess_high: float
    p_value: float
    p_smallest: float
    p_sign_flip: float = np.nan
    p_holm: float = np.nan


def what_followed(
    forward: "dict[int, pd.Series[float]]", events: Sequence[pd.Timestamp], *, since: pd.Timestamp
) -> list[Outcome]:
    """Compare the returns after events with those after all other sessions, per horizon.

    Parameters
    ----------
    forward : dict of int to Series
        For each horizon in sessions, the return that follows each session; NaN where it is cut off.
    events : sequence of Timestamp
        The events' sessions.
    since : Timestamp
        The first session on which an event could have been seen: earlier ones are no base rate for it. Events
        before it, or on a session that the returns do not have, do not count.

    Returns
    -------
    list of Outcome
        One a horizon, p-values adjusted over all of them (Holm).
    """
    outcomes = [_outcome(horizon, series.loc[since:], events) for horizon, series in forward.items()]
    adjusted = holm([outcome.p_value for outcome in outcomes])
    return [replace(outcome, p_holm=float(p)) for outcome, p in zip(outcomes, adjusted, strict=True)]


def _outcome(horizon: int, forward: "pd.Series[float]", events: Sequence[pd.Timestamp]) -> Outcome:
    seen = [event for event in events if event in forward.index]
    known = forward.dropna()
    inside = known.index.isin(seen)
    n, cut_off = int(inside.sum()), len(seen) - int(inside.sum())
    if n == 0:
        return _without_events(horizon, known, cut_off)
    values = np.asarray(known, dtype=np.float64)
    after, others = values[inside], values[~inside]
    placed = placement_test(values, np.flatnonzero(inside))
    return Outcome(
        horizon_sessions=horizon,
        n=n,
        cut_off=cut_off,
        mean=placed.mean,
        median=float(np.median(after)),
        share_positive=float((after > 0).mean()),
        base=float(others.mean()) if len(others) else np.nan,
        base_share_positive=float((others > 0).mean()) if len(others) else np.nan,
        n_base=len(others),
        excess=placed.mean - placed.base,
        excess_low=placed.excess_low,
        excess_high=placed.excess_high,
        p_value=placed.p_value,
        p_smallest=placed.p_smallest,
        p_sign_flip=sign_flip_test(after - placed.base).p_value if n <= FEW_EVENTS else np.nan,
    )


def _without_events(horizon: int, known: "pd.Series[float]", cut_off: int) -> Outcome:
    nan = float("nan")
    base, share = (float(known.mean()), float((known > 0).mean())) if len(known) else (nan, nan)
    return Outcome(horizon, 0, cut_off, nan, nan, nan, base, share, len(known), nan, nan, nan, nan, nan)
