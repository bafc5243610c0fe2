"""How many standard deviations a price is from its average, on every definition in use.

A window's mean and sum of squared deviations are merged from windows half as long (Chan, Golub and LeVeque, 1983).
Nothing is ever subtracted from a running sum, so no error builds up over a long history, as it does in pandas' own
rolling standard deviation, and the work grows with the logarithm of the window.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.stats.estimate import Floats

SigmaName = Literal[
    "price_z", "price_z_prior", "distance_z", "distance_expanding", "distance_vol", "return_z", "return_z_prior"
]  # fmt: skip

# A standard deviation below this share of the mean is rounding noise of a flat or evenly growing stretch: undefined.
FLAT_TOLERANCE = 1e-12


@dataclass(frozen=True)
class SigmaSettings:
    """What the definitions leave open: n, ddof (1 sample, 0 population), m of `distance_z`, k of `return_z`."""

    window_sessions: int = 50
    ddof: int = 1
    distance_sessions: int = 252
    return_sessions: int = 5

    def needed(self, definition: SigmaName) -> int:
        """Return how many closes a definition's first value needs."""
        n, k = self.window_sessions, self.return_sessions
        more = {"distance_z": self.distance_sessions - 1, "distance_expanding": n - 1, "price_z": 0,
                "return_z": max(1, k + 1 - n), "return_z_prior": k + 1}  # fmt: skip
        return n + more.get(definition, 1)


def sigma_path(
    close: "pd.Series[float]", definition: SigmaName, settings: SigmaSettings = SigmaSettings()
) -> "pd.Series[float]":
    """Compute one definition, in standard deviations, on the sessions of an asset's closes that have a value.

    With P the close, MA_n and s_n the mean and standard deviation over the last n sessions, d = P/MA_n - 1 and r the
    daily returns:

    - price_z = (P - MA_n) / s_n(P), the session itself inside the window: at most (n-1)/sqrt(n) with ddof 1;
    - price_z_prior = (P - MA_n[t-1]) / s_n(P)[t-1], the n sessions before;
    - distance_z = d / s_m(d); distance_expanding = d / s(d) over all sessions so far, once there are n of them;
    - distance_vol = d / s_n(r); return_z = log(P / P[t-k]) / (sqrt(k) s_n(r)); return_z_prior, the same over s_n(r)[t-k].

    InsufficientDataError: no session has a value, because a window does not fit, or none varies.
    """
    path = scan(close.to_frame(), definition, settings).iloc[:, 0].dropna()
    if path.empty:
        raise InsufficientDataError(
            f"{close.name}: {definition} over {settings.window_sessions} sessions has no value in "
            f"{len(close)} sessions; at least {settings.needed(definition)} closes that vary are needed"
        )
    return path


def scan(
    prices: pd.DataFrame, definition: SigmaName = "price_z", settings: SigmaSettings = SigmaSettings()
) -> pd.DataFrame:
    """Compute one definition for every asset of a panel of closes, shape (sessions, assets).

    An asset's sessions are its own: where it has no price (NaN), the session is skipped, not filled.
    """
    matrix = prices.to_numpy(dtype=np.float64)
    out = np.full_like(matrix, np.nan)
    for column in range(matrix.shape[1]):
        known = ~np.isnan(matrix[:, column])
        out[known, column] = _sigma(matrix[known, column], definition, settings)
    return pd.DataFrame(out, prices.index, prices.columns, copy=False)


def _sigma(price: Floats, definition: SigmaName, settings: SigmaSettings) -> Floats:
    n, ddof, k = settings.window_sessions, settings.ddof, settings.return_sessions
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 and NaN where nothing varies: no value
        lag = {"price_z_prior": 1, "return_z_prior": k}.get(definition, 0)
        if definition.startswith("price_z"):
            mean, deviation = _rolling(price, n, ddof)
            return (price - _lagged(mean, lag)) / _lagged(deviation, lag)
        returns = (price - _lagged(price, 1)) / _lagged(price, 1)
        if definition.startswith("return_z"):
            deviation = _lagged(_rolling(returns, n, ddof)[1], lag)
            return np.asarray(np.log(price / _lagged(price, k)) / (k**0.5 * deviation))
        mean = _rolling(price, n, ddof)[0]
        distance = (price - mean) / mean
        if definition == "distance_vol":
            return distance / _rolling(returns, n, ddof)[1]
        if definition == "distance_z":
            return distance / _rolling(distance, settings.distance_sessions, ddof)[1]
        so_far = pd.Series(distance).expanding(n)  # only ever adds: loses no digits
        return distance / _unless_flat(so_far.std(ddof).to_numpy(), so_far.mean().to_numpy())


def _rolling(x: Floats, n: int, ddof: int) -> tuple[Floats, Floats]:
    """Return each window's mean and standard deviation at its last row; NaN before, and in every window with a NaN."""
    mean, deviation = np.full(len(x), np.nan), np.full(len(x), np.nan)
    if len(x) >= n:
        mean[n - 1 :], squares = _moments(x, n)
        deviation[n - 1 :] = np.sqrt(squares / (n - ddof))
    return mean, _unless_flat(deviation, mean)


def _moments(x: Floats, n: int) -> tuple[Floats, Floats]:
    """Return the mean and the sum of squared deviations of every n values in a row."""
    if n == 1:
        return x, np.zeros_like(x)
    half = n // 2
    mean, squares = _moments(x, half)
    apart = mean[half:] - mean[:-half]
    mean, squares = mean[:-half] + apart / 2, squares[:-half] + squares[half:] + apart**2 * (half / 2)
    if n % 2:  # one value more
        apart = x[n - 1 :] - mean[:-1]
        mean, squares = mean[:-1] + apart / n, squares[:-1] + apart**2 * ((n - 1) / n)
    return mean, squares


def _unless_flat(deviation: Floats, mean: Floats) -> Floats:
    return np.where(deviation > FLAT_TOLERANCE * np.abs(mean), deviation, np.nan)


def _lagged(x: Floats, rows: int) -> Floats:
    return pd.Series(x).shift(rows).to_numpy(dtype=np.float64) if rows else x
