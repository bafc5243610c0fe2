"""Measure how often a test rejects, or an interval misses, where nothing is to be found."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROWS = yaml.safe_load(Path(__file__).with_name("rows.yaml").read_text(encoding="utf-8"))
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


def misses(found, truth=0.0):
    """Say whether a 95% interval, of an estimate or a printed row, misses the truth; None where there is none."""
    return None if np.isnan(found.low) else bool(found.low > truth or found.high < truth)


def printed(name, null, row, part="p", *, fast=False):
    """Declare the printed p, or the interval, of the row that `row` draws."""
    draw = {"p": lambda rng: float(row(rng)["p"]), "interval": lambda rng: misses(row(rng))}[part]
    return Quantity(f"{name}: {part}", null, draw, fast)


def measure(quantity, *, draws, seed=0):
    """Return the share of draws that reject at 1, 5 and 10%, or, of an interval, that miss (under 5%)."""
    rng = np.random.default_rng([seed, *quantity.name.encode(), *quantity.null.encode()])
    found = [quantity.draw(rng) for _ in range(draws)]
    given = np.array([value for value in found if value is not None and not np.isnan(value)])
    row = {"name": quantity.name, "null": quantity.null, "draws": len(given)}
    if not len(given):
        return row | {"kind": "no number: too few"}
    if given.dtype == bool:
        return row | {"kind": "interval misses", 0.05: float(given.mean())}
    # A p-value on the edge is a rejection; rounding must not decide.
    return row | {"kind": "p rejects"} | {level: float((given <= level + 1e-9).mean()) for level in LEVELS}


def to_markdown(rows):
    """Write the measured sizes as a Markdown table; a size beyond three Monte Carlo errors is marked."""
    lines = ["| quantity | data with no effect | kind | draws | 1% | 5% | 10% |", "|---|---|---|---|---|---|---|"]
    for row in rows.to_dict("records"):
        cells = [row["name"], row["null"], row["kind"], f"{row['draws']:,}"]
        for level in LEVELS:
            share = row.get(level, np.nan)
            apart = (share - level) / np.sqrt(level * (1 - level) / max(row["draws"], 1))  # in Monte Carlo errors
            mark = " **too often**" if apart > 3 else " (seldom)" if apart < -3 else ""
            cells.append("" if np.isnan(share) else f"{100 * share:.1f}{mark}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
