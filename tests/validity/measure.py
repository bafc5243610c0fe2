"""Measure how often a test rejects, or an interval misses, where nothing is to be found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

LEVELS = (0.01, 0.05, 0.10)


@dataclass(frozen=True)
class Quantity:
    """A printed p-value or interval, and how to draw it once where nothing is to be found.

    Attributes
    ----------
    name : str
        As a reader knows it: "mean after first cuts, 126 sessions: p".
    null : str
        What the data are drawn from.
    draw : function
        From a random generator to the p-value, or to whether the 95% interval missed (a bool). NaN or None: the page
        says "too few" in place of a number.
    fast : bool
        Quick enough for `make test`.
    most : int
        Draws at most, where one takes long.
    """

    name: str
    null: str
    draw: Callable[[np.random.Generator], float | bool | None]
    fast: bool = False
    most: int = 1_000_000


def measure(quantity: Quantity, *, draws: int, seed: int = 0) -> dict[str | float, Any]:
    """Return the share of draws that reject at 1, 5 and 10%, or, of an interval, that miss (under 5%)."""
    rng = np.random.default_rng([seed, *quantity.name.encode(), *quantity.null.encode()])
    found = [quantity.draw(rng) for _ in range(min(draws, quantity.most))]
    given = [value for value in found if value is not None and not np.isnan(value)]
    row: dict[str | float, Any] = {
        "name": quantity.name,
        "null": quantity.null,
        "draws": len(given),
        "none": len(found) - len(given),
    }
    if not given:
        return row | {"kind": "no number: too few"}
    if isinstance(given[0], (bool, np.bool_)):
        return row | {"kind": "interval misses", 0.05: float(np.mean(given))}
    # A p-value on the edge is a rejection; rounding must not decide.
    return row | {"kind": "p rejects"} | {level: float(np.mean(np.array(given) <= level + 1e-9)) for level in LEVELS}


def standard_error(level: float, draws: int) -> float:
    """Return the Monte Carlo error of a share whose truth is `level`."""
    return float(np.sqrt(level * (1 - level) / draws)) if draws else np.nan


def to_markdown(rows: pd.DataFrame) -> str:
    """Write the measured sizes as a Markdown table; a size beyond three Monte Carlo errors is marked."""
    lines = ["| quantity | nothing to be found in | kind | draws | 1% | 5% | 10% |", "|---|---|---|---|---|---|---|"]
    for row in rows.to_dict("records"):
        cells = [str(row["name"]), str(row["null"]), str(row["kind"]), f"{row['draws']:,}"]
        lines.append(
            "| " + " | ".join([*cells, *(_size(row.get(level), level, int(row["draws"])) for level in LEVELS)]) + " |"
        )
    return "\n".join(lines)


def _size(share: object, level: float, draws: int) -> str:
    if not isinstance(share, float) or np.isnan(share):
        return ""
    apart = (share - level) / standard_error(level, draws)
    mark = " **too often**" if apart > 3 else " (seldom)" if apart < -3 else ""
    return f"{100 * share:.1f}{mark}"
