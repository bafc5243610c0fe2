"""Where a value stands in its own history: rank, percentile, and since when there was no higher one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from research_lib.shown import Shown


@dataclass(frozen=True)
class Standing(Shown):
    """The last value of a series against all of its values.

    Attributes
    ----------
    value : float
        The last value, in the series' unit.
    date : Timestamp
        Its session.
    rank : int
        1 + the number of higher values: 1 is the highest on record.
    n : int
        Sessions that have a value, this one included.
    percentile : float
        The share of the sessions at or below the value, 0 to 1.
    record, record_date : float, Timestamp
        The highest value, and its first session.
    last_higher, last_lower : Timestamp or None
        The last session with a higher and with a lower value; None where there is none.
    first : Timestamp
        The first session that has a value.
    """

    value: float
    date: pd.Timestamp
    rank: int
    n: int
    percentile: float
    record: float
    record_date: pd.Timestamp
    last_higher: pd.Timestamp | None
    last_lower: pd.Timestamp | None
    first: pd.Timestamp

    @property
    def since(self) -> str:
        """Say since when the value is the highest, or in the lower half of its history the lowest."""
        upper = self.percentile >= 0.5
        word, last = ("highest", self.last_higher) if upper else ("lowest", self.last_lower)
        return f"{word} on record" if last is None else f"{word} since {last.date()}"


def standing(history: "pd.Series[float]") -> Standing:
    """Rank the last value of a series in all of it.

    Parameters
    ----------
    history : Series
        Ordered by date; missing values are left out.

    Raises
    ------
    ValueError
        There is no value.
    """
    known = history.dropna()
    if known.empty:
        raise ValueError("a standing needs at least one value")
    values = known.to_numpy()
    last = values[-1]
    return Standing(
        value=float(last),
        date=known.index[-1],
        rank=int((values > last).sum()) + 1,
        n=len(values),
        percentile=float((values <= last).mean()),
        record=float(values.max()),
        record_date=known.index[int(values.argmax())],
        last_higher=_last_date(known, values > last),
        last_lower=_last_date(known, values < last),
        first=known.index[0],
    )


def _last_date(series: "pd.Series[float]", where: np.ndarray) -> pd.Timestamp | None:
    rows = np.flatnonzero(where)
    return series.index[rows[-1]] if len(rows) else None
