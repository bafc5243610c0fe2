"""How many standard deviations a price is from its average, on every definition in use, in one pass.

A window's mean and sum of squared deviations are merged from two halves (Chan, Golub and LeVeque, 1983): the end of
one block of sessions and the beginning of the next. Nothing is ever subtracted from a running sum, so that no error
builds up over a long history, as it does in pandas' own rolling standard deviation.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.names import SIGMA_NAMES, SigmaName
from research_lib.shown import Shown

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

# A standard deviation below this share of the mean is rounding noise of a flat or evenly growing stretch: undefined.
FLAT_TOLERANCE = 1e-12

PRICE_Z, PRICE_Z_PRIOR, DISTANCE_Z, DISTANCE_EXPANDING, DISTANCE_VOL, RETURN_Z = range(6)


@dataclass(frozen=True)
class SigmaSettings(Shown):
    """What the definitions leave open.

    Attributes
    ----------
    window_sessions : int
        n, of the moving average, its standard deviation and that of daily returns.
    ddof : int
        1 for the sample's, 0 for the population's standard deviation.
    distance_sessions : int
        m, over which `distance_z` takes the standard deviation of the distance from the average.
    return_sessions : int
        k, of `return_z`.
    """

    window_sessions: int = 50
    ddof: int = 1
    distance_sessions: int = 252
    return_sessions: int = 5

    def needed(self, definition: SigmaName) -> int:
        """Return the closes that a definition's first value needs."""
        n = self.window_sessions
        more = {
            "price_z": 0,
            "price_z_prior": 1,
            "distance_z": self.distance_sessions - 1,
            "distance_expanding": n - 1,
            "distance_vol": 1,
            "return_z": max(1, self.return_sessions + 1 - n),
        }
        return n + more[definition]


@dataclass(frozen=True)
class SigmaScan(Shown):
    """Where the last session of each asset stands in its own history, under each definition.

    All arrays have the shape (assets, 6), definitions in the order of `SIGMA_NAMES`; positions count the rows of the
    prices that were scanned, -1 where there is none.

    Attributes
    ----------
    value : float array
        At the asset's last session; NaN where undefined.
    rank : int array
        1 + the number of sessions with a higher value; 0 where the value is undefined.
    sessions : int array
        Sessions that have a value.
    record : float array
        The highest value.
    record_row, last_higher_row, first_row : int array
        Where the record is, the last session above `value`, and the first that has a value.
    """

    value: Floats
    rank: Integers
    sessions: Integers
    record: Floats
    record_row: Integers
    last_higher_row: Integers
    first_row: Integers


def sigma_paths(close: "pd.Series[float]", settings: SigmaSettings | None = None) -> pd.DataFrame:
    """Compute all six definitions on every session of one asset.

    Parameters
    ----------
    close : Series
        Closing prices, without gaps; shape (sessions,).
    settings : SigmaSettings, optional
        What the definitions leave open.

    Returns
    -------
    DataFrame
        Shape (sessions, 6), in standard deviations, columns `SIGMA_NAMES`; NaN where a window does not fit or does
        not vary.

    Notes
    -----
    With P the close, MA_n and s_n the mean and standard deviation over the last n sessions, d = P/MA_n - 1 and r the
    daily simple returns:

    - price_z = (P - MA_n) / s_n(P), the session itself inside the window;
    - price_z_prior = (P - MA_n[t-1]) / s_n(P)[t-1], the n sessions before;
    - distance_z = d / s_m(d);
    - distance_expanding = d / s(d), over all sessions so far, once there are n of them;
    - distance_vol = d / s_n(r);
    - return_z = log(P / P[t-k]) / (sqrt(k) s_n(r)).
    """
    prices = np.ascontiguousarray(close, dtype=np.float64)
    out = np.full((len(SIGMA_NAMES), len(prices)), np.nan)
    _sigma_of_asset(prices, _as_arguments(settings or SigmaSettings()), out)
    return pd.DataFrame(out.T, index=close.index, columns=list(SIGMA_NAMES))


def sigma_path(
    close: "pd.Series[float]", definition: SigmaName, settings: SigmaSettings | None = None
) -> "pd.Series[float]":
    """Compute one definition on the sessions that have a value.

    Raises
    ------
    InsufficientDataError
        No session has one.
    """
    settings = settings or SigmaSettings()
    path = sigma_paths(close, settings)[definition].dropna()
    if path.empty:
        raise InsufficientDataError(
            f"{close.name}: {definition} over {settings.window_sessions} sessions has no value in "
            f"{len(close)} sessions; at least {settings.needed(definition)} are needed"
        )
    return path.rename(str(close.name))


def scan(prices: pd.DataFrame, settings: SigmaSettings | None = None) -> SigmaScan:
    """Compute all definitions of all assets, and keep where each asset's last session stands.

    The memory needed beyond the prices is a few paths of one asset per processor.

    Parameters
    ----------
    prices : DataFrame
        float64, shape (sessions, assets); NaN where an asset has no price. An asset's sessions are its own: a gap is
        skipped, not filled.
    settings : SigmaSettings, optional
        What the definitions leave open.
    """
    matrix = prices.to_numpy(dtype=np.float64)
    assets, arguments = matrix.shape[1], _as_arguments(settings or SigmaSettings())
    floats = np.full((2, assets, len(SIGMA_NAMES)), np.nan)
    integers = np.zeros((5, assets, len(SIGMA_NAMES)), dtype=np.int64)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numba's own threads do not survive a fork
        list(pool.map(lambda share: _scan_assets(matrix, share, arguments, floats, integers), _shares(assets)))
    rank, sessions, *rows = integers
    return SigmaScan(floats[0], rank, sessions, floats[1], *rows)


def _as_arguments(settings: SigmaSettings) -> tuple[int, int, int, int]:
    return settings.window_sessions, settings.ddof, settings.distance_sessions, settings.return_sessions


def _shares(assets: int) -> Iterator[tuple[int, int]]:
    step = -(-assets // (4 * (os.cpu_count() or 1)))  # some shares per processor, lest one waits for the other
    yield from ((start, min(start + step, assets)) for start in range(0, assets, max(step, 1)))


@njit(cache=True, nogil=True, error_model="numpy")
def _rolling_moments(x: Floats, n: int, mean: Floats, squares: Floats) -> None:
    """Write each window's mean and sum of squared deviations at its last session; sessions before n - 1 stay NaN."""
    tail_mean, tail_squares = np.zeros(n + 1), np.zeros(n + 1)
    share = 1 / np.arange(1, n + 1)  # multiplied by in the loop: a division each would take most of its time
    for start in range(0, len(x), n):
        head_mean = head_squares = 0.0
        for j in range(min(n, len(x) - start)):  # j + 1 sessions of this block, n - 1 - j of the one before
            delta = x[start + j] - head_mean
            head_mean += delta * share[j]
            head_squares += delta * (x[start + j] - head_mean)
            apart = tail_mean[j + 1] - head_mean
            rest = (n - 1 - j) * share[n - 1]
            if start > 0 or j == n - 1:
                mean[start + j] = head_mean + apart * rest
                squares[start + j] = head_squares + tail_squares[j + 1] + apart * apart * rest * (j + 1)
        if start + n <= len(x):
            block_mean = block_squares = 0.0
            for j in range(n - 1, -1, -1):  # the block's last n - j sessions
                delta = x[start + j] - block_mean
                block_mean += delta * share[n - 1 - j]
                block_squares += delta * (x[start + j] - block_mean)
                tail_mean[j], tail_squares[j] = block_mean, block_squares


@njit(cache=True, nogil=True, error_model="numpy")
def _deviation(squares: float, mean: float, count: int) -> float:
    deviation = np.sqrt(squares / count)
    return deviation if deviation > FLAT_TOLERANCE * abs(mean) else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _sigma_of_asset(p: Floats, arguments: tuple[int, int, int, int], out: Floats) -> None:
    """Write the six definitions into `out`, shape (6, sessions), which holds NaN."""
    n, ddof, _, k = arguments
    size = len(p)
    if size < n:
        return
    mean, squares = np.full(size, np.nan), np.full(size, np.nan)
    _rolling_moments(p, n, mean, squares)
    distance = (p - mean) / mean
    for t in range(n - 1, size):
        deviation = _deviation(squares[t], mean[t], n - ddof)
        out[PRICE_Z, t] = (p[t] - mean[t]) / deviation
        if t + 1 < size:
            out[PRICE_Z_PRIOR, t + 1] = (p[t + 1] - mean[t]) / deviation
    _distance_sigma(distance[n - 1 :], arguments, out[:, n - 1 :])
    returns = (p[1:] - p[:-1]) / p[:-1]
    _rolling_moments(returns, n, mean[1:], squares[1:])
    for t in range(n, size):
        deviation = _deviation(squares[t], mean[t], n - ddof)
        out[DISTANCE_VOL, t] = distance[t] / deviation
        if t >= k:
            out[RETURN_Z, t] = np.log(p[t] / p[t - k]) / (np.sqrt(k) * deviation)


@njit(cache=True, nogil=True, error_model="numpy")
def _distance_sigma(distance: Floats, arguments: tuple[int, int, int, int], out: Floats) -> None:
    n, ddof, m, _ = arguments
    size = len(distance)
    mean, squares = np.full(size, np.nan), np.full(size, np.nan)
    _rolling_moments(distance, m, mean, squares)
    so_far = so_far_squares = 0.0
    for t in range(size):
        delta = distance[t] - so_far
        so_far += delta / (t + 1)
        so_far_squares += delta * (distance[t] - so_far)
        if t >= n - 1:
            out[DISTANCE_EXPANDING, t] = distance[t] / _deviation(so_far_squares, so_far, t + 1 - ddof)
        if t >= m - 1:
            out[DISTANCE_Z, t] = distance[t] / _deviation(squares[t], mean[t], m - ddof)


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_assets(
    matrix: Floats, share: tuple[int, int], arguments: tuple[int, int, int, int], floats: Floats, integers: Integers
) -> None:
    """Scan the assets from `share[0]` to `share[1]`; the results' fields lie along the first axis of the last two."""
    for asset in range(share[0], share[1]):
        column = matrix[:, asset]
        rows = np.flatnonzero(~np.isnan(column))
        out = np.full((6, len(rows)), np.nan)
        _sigma_of_asset(column[rows], arguments, out)
        for d in range(6):
            _rank_last(out[d], rows, floats[:, asset, d], integers[:, asset, d])


@njit(cache=True, nogil=True, error_model="numpy")
def _rank_last(path: Floats, rows: Integers, floats: Floats, integers: Integers) -> None:
    """Write value and record; rank, sessions, and the rows of the record, of the last higher value and of the first."""
    last = path[-1] if len(path) else np.nan
    record, record_row, higher, sessions, last_higher_row, first_row = np.nan, -1, 0, 0, -1, -1
    for t in range(len(path)):
        if np.isnan(path[t]):
            continue
        sessions += 1
        if first_row < 0:
            first_row = rows[t]
        if not path[t] <= record:
            record, record_row = path[t], rows[t]
        if path[t] > last:
            higher += 1
            last_higher_row = rows[t]
    floats[0], floats[1] = last, record
    integers[0] = 0 if np.isnan(last) else higher + 1
    integers[1], integers[2], integers[3], integers[4] = sessions, record_row, last_higher_row, first_row
