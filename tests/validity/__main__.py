"""Measure all quantities and write docs/validity.md: `python -m tests.validity [--draws 1000] [--only WORD]`."""

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import pandas as pd

from research_lib.errors import ResearchError
from tests.validity.measure import Quantity, measure, to_markdown

STUDIES = ("rate_cuts", "sigma", "leverage", "claims")
PAGE = Path("docs/validity.md")


def all_quantities() -> dict[str, tuple[Quantity, ...]]:
    """Return the quantities of every study that declares some."""
    names = [name for name in STUDIES if find_spec(f"tests.validity.{name}")]
    return {name: import_module(f"tests.validity.{name}").QUANTITIES for name in names}


def _measure(task: tuple[str, int, int]) -> dict[str | float, Any]:
    study, number, draws = task
    quantity = all_quantities()[study][number]
    try:
        return {"study": study} | measure(quantity, draws=draws)
    except ResearchError as error:  # the shared data are not there
        kind = f"not measured: {error}"
        return {"study": study, "name": quantity.name, "null": quantity.null, "draws": 0, "kind": kind}


def main() -> None:
    """Measure, show, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.validity", description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--only", default="", help="measure the quantities with this word, and write no page")
    asked = parser.parse_args()
    tasks = [
        (study, number, asked.draws)
        for study, quantities in all_quantities().items()
        for number, quantity in enumerate(quantities)
        if asked.only in f"{study} {quantity.name} {quantity.null}"
    ]
    with Pool(2) as pool:
        rows = pd.DataFrame(pool.imap(_measure, tasks))
    text = "\n\n".join(f"## {study}\n\n{to_markdown(part)}" for study, part in rows.groupby("study", sort=False))
    sys.stdout.write(text + "\n")
    if not asked.only:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(INTRODUCTION.format(draws=asked.draws) + text + "\n", encoding="utf-8")


INTRODUCTION = """# Do p-values and intervals keep their size?

Written by `make validity` (`python -m tests.validity`, seed 0), with {draws:,} draws a row. Each row draws data in which
nothing is to be found, computes a printed quantity by the study's own function, and counts: how often p is at most 1, 5
and 10%, or how often the 95% interval misses the truth. A size more than three Monte Carlo errors above its level is
marked "too often"; one below it "(seldom)": the test is cautious there, often because so few cases cannot give a
smaller p. The Monte Carlo error at 5% is 0.7 points with 1,000 draws.

"""

if __name__ == "__main__":
    main()
