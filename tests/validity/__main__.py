"""Measure all quantities and write the tables of docs/validity.md: `python -m tests.validity [--draws 1000] [--only WORD]`."""

import argparse
import sys
from multiprocessing import Pool
from pathlib import Path

import pandas as pd

from research_lib.errors import ResearchError
from tests.validity.measure import measure, to_markdown
from tests.validity.quantities import QUANTITIES

PAGE = Path("docs/validity.md")


def _measure(number, draws):
    study, quantity = QUANTITIES[number]
    try:
        return {"study": study} | measure(quantity, draws=draws)
    except ResearchError as error:  # the shared data are not there
        kind = f"not measured: {error}"
        return {"study": study, "name": quantity.name, "null": quantity.null, "draws": 0, "kind": kind}


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
