"""Measure all quantities and write the tables of docs/validity.md: `python -m tests.validity [--draws 1000] [--only WORD]`."""

import argparse
import sys
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pandas as pd

from research_lib.errors import ResearchError
from tests.validity.quantities import QUANTITIES

PAGE, LEVELS = Path("docs/validity.md"), (0.01, 0.05, 0.10)


def measure(quantity, *, draws, seed=0):
    """Return the share of draws that reject at 1, 5 and 10%, or, of an interval, that miss (under 5%)."""
    rng = np.random.default_rng([seed, *quantity.name.encode(), *quantity.null.encode()])
    found = [quantity.draw(rng) for _ in range(draws)]
    given = np.array([value for value in found if value is not None and not np.isnan(value)])
    row = {"draws": len(given)}
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


def _measure(number, draws):
    study, quantity = QUANTITIES[number]
    row = {"study": study, "name": quantity.name, "null": quantity.null}
    try:
        return row | measure(quantity, draws=draws)
    except ResearchError as error:  # the shared data are not there
        return row | {"draws": 0, "kind": f"not measured: {error}"}


def main():
    """Measure, show, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.validity", description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--only", default="", help="measure the quantities with this word, and write no page")
    asked = parser.parse_args()
    named = enumerate(f"{study} {one.name} {one.null}" for study, one in QUANTITIES)
    with Pool(2) as pool:
        tasks = [(number, asked.draws) for number, name in named if asked.only in name]
        rows = pd.DataFrame(pool.starmap(_measure, tasks, chunksize=1))
    text = "\n\n".join(f"## {study}\n\n{to_markdown(part)}" for study, part in rows.groupby("study", sort=False))
    sys.stdout.write(text + "\n")
    if not asked.only:
        introduction, _, _ = PAGE.read_text(encoding="utf-8").partition("## ")
        PAGE.write_text(introduction + text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
