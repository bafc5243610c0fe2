"""Moves over k sessions, alone and against another asset; streaks; and spot moves against implied volatility."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from research_lib.shown import Shown

RelativeKind = Literal["difference", "ratio"]


def k_session_returns(close: "pd.Series[float]", sessions: int) -> "pd.Series[float]":
    """Return P[t]/P[t-k] - 1, a simple return in decimals; shape as given, NaN on the first k sessions."""
    return close / close.shift(sessions) - 1


def common_sessions(close: "pd.Series[float]", benchmark: "pd.Series[float]") -> pd.DataFrame:
    """Put two assets side by side on the sessions that both have; columns `asset` and `benchmark`."""
    pair = pd.concat([close, benchmark], axis=1, keys=["asset", "benchmark"], sort=True)
    return pair.dropna()


def relative_moves(
    close: "pd.Series[float]", benchmark: "pd.Series[float]", sessions: int, *, kind: RelativeKind = "difference"
) -> "pd.Series[float]":
    """Return an asset's k-session return against another's, on their common sessions, in decimals.

    Parameters
    ----------
    close, benchmark : Series
        Closing prices.
    sessions : int
        k.
    kind : {"difference", "ratio"}
        `difference`: R_a - R_b. `ratio`: (1 + R_a)/(1 + R_b) - 1, the return of the price ratio.
    """
    pair = common_sessions(close, benchmark)
    if kind == "ratio":
        return k_session_returns(pair["asset"] / pair["benchmark"], sessions)
    return k_session_returns(pair["asset"], sessions) - k_session_returns(pair["benchmark"], sessions)


@dataclass(frozen=True)
class Streak(Shown):
    """Runs of consecutive daily moves beyond a bound.

    Attributes
    ----------
    bound : float
        Positive: returns above it count; negative: returns below it.
    current : int
        Sessions in the run that ends on the last session; 0 where that one is no part of a run.
    longest, longest_end : int, Timestamp or None
        The longest run and its last session, the most recent of equally long ones.
    as_long : int
        Runs at least as long as the current one, itself included; 0 where there is no current one.
    n : int
        Daily moves looked at.
    """

    bound: float
    current: int
    longest: int
    longest_end: pd.Timestamp | None
    as_long: int
    n: int


def streaks(close: "pd.Series[float]", bound: float) -> Streak:
    """Find the runs of daily simple returns above a positive bound, or below a negative one."""
    returns = k_session_returns(close, 1).dropna()
    beyond = (returns > bound) if bound >= 0 else (returns < bound)
    lengths = beyond.astype(int).groupby((~beyond).cumsum()).cumsum()
    ends = lengths[lengths.shift(-1, fill_value=0) == 0]
    ends = ends[ends > 0]
    current = int(lengths.iloc[-1]) if len(lengths) else 0
    longest = int(ends.max()) if len(ends) else 0
    return Streak(
        bound=bound,
        current=current,
        longest=longest,
        longest_end=ends.index[ends == longest][-1] if longest else None,
        as_long=int((ends >= current).sum()) if current else 0,
        n=len(returns),
    )


def rolling_correlation(x: "pd.Series[float]", y: "pd.Series[float]", sessions: int) -> "pd.Series[float]":
    """Return Pearson's correlation over the last `sessions` common dates, each window by itself.

    Windows of five numbers leave nothing for the rounding errors of pandas' rolling sums. A window in which one
    side does not vary has no correlation and is left out.
    """
    pair = pd.concat([x, y], axis=1, keys=["x", "y"], sort=True).dropna()
    if len(pair) < sessions:
        return pd.Series(dtype=float, index=pair.index[:0])
    windows = sliding_window_view(pair.to_numpy(), sessions, axis=0)
    apart = windows - windows.mean(axis=2, keepdims=True)
    products = (apart[:, 0] * apart[:, 1]).sum(axis=1)
    squares = (apart**2).sum(axis=2).prod(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = products / np.sqrt(squares)
    return pd.Series(correlation, index=pair.index[sessions - 1 :]).dropna().clip(-1, 1)


def spot_volatility_correlation(
    close: "pd.Series[float]", volatility: "pd.Series[float]", sessions: int
) -> "pd.Series[float]":
    """Correlate daily returns with the daily changes (in points) of a volatility index over the last sessions."""
    pair = common_sessions(close, volatility)
    return rolling_correlation(k_session_returns(pair["asset"], 1), pair["benchmark"].diff(), sessions)
