"""Measure how often a test rejects, or an interval misses, where nothing is to be found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

LEVELS = (0.01, 0.05, 0.10)
Draw = Callable[[np.random.Generator], Any]


@dataclass(frozen=True)
class Quantity:
    """A printed p-value or interval, and how to draw it once where nothing is to be found."""

    name: str  # as a reader knows it: "mean after first cuts, 126 sessions: p"
    null: str  # what the data are drawn from
    # From a random generator to the p-value, or to whether the interval missed; NaN or None: the page says "too few".
    draw: Draw
    fast: bool = False  # quick enough for `make test`


def misses(found: Any, truth: float = 0.0) -> bool | None:
    """Say whether a 95% interval, of an estimate or a printed row, misses the truth; None where there is none."""
    return None if np.isnan(found.low) else bool(found.low > truth or found.high < truth)


def printed(name: str, null: str, row: Draw, part: str = "p", *, fast: bool = False) -> Quantity:
    """Declare the printed p, or the interval, of the row that `row` draws."""
    draw = {"p": lambda rng: float(row(rng)["p"]), "interval": lambda rng: misses(row(rng))}[part]
    return Quantity(f"{name}: {part}", null, draw, fast)


def measure(quantity: Quantity, *, draws: int, seed: int = 0) -> dict[str | float, Any]:
    """Return the share of draws that reject at 1, 5 and 10%, or, of an interval, that miss (under 5%)."""
    rng = np.random.default_rng([seed, *quantity.name.encode(), *quantity.null.encode()])
    found = [quantity.draw(rng) for _ in range(draws)]
    given = [value for value in found if value is not None and not np.isnan(value)]
    row: dict[str | float, Any] = {"name": quantity.name, "null": quantity.null, "draws": len(given)}
    if not given:
        return row | {"kind": "no number: too few"}
    if isinstance(given[0], (bool, np.bool_)):
        return row | {"kind": "interval misses", 0.05: float(np.mean(given))}
    # A p-value on the edge is a rejection; rounding must not decide.
    return row | {"kind": "p rejects"} | {level: float(np.mean(np.array(given) <= level + 1e-9)) for level in LEVELS}


def to_markdown(rows: pd.DataFrame) -> str:
    """Write the measured sizes as a Markdown table; a size beyond three Monte Carlo errors is marked."""
    lines = ["| quantity | data with no effect | kind | draws | 1% | 5% | 10% |", "|---|---|---|---|---|---|---|"]
    for row in rows.to_dict("records"):
        sizes = [_size(row.get(level), level, int(row["draws"])) for level in LEVELS]
        lines.append(f"| {row['name']} | {row['null']} | {row['kind']} | {row['draws']:,} | {' | '.join(sizes)} |")
    return "\n".join(lines)


def _size(share: object, level: float, draws: int) -> str:
    if not isinstance(share, float) or np.isnan(share):
        return ""
    apart = (share - level) / np.sqrt(level * (1 - level) / draws)  # in Monte Carlo errors
    mark = " **too often**" if apart > 3 else " (seldom)" if apart < -3 else ""
    return f"{100 * share:.1f}{mark}"
