"""The glossary: heading, format, unit and meaning of each column that a table shows, once, in glossary.csv."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Column:
    """How one quantity is shown wherever it appears."""

    heading: str
    unit: str = ""  # of `format.show`; empty takes the unit of the table
    meaning: str = ""  # a sentence or clause for the note; empty where the heading says it all
    words: bool = False  # text, aligned left
    digits: int | None = None  # decimal places, where not the unit's own


with Path(__file__).with_name("glossary.csv").open(encoding="utf-8") as _file:
    GLOSSARY: Mapping[str, Column] = {
        name: Column(heading, unit, meaning, words=unit == "text", digits=int(digits) if digits else None)
        for name, heading, unit, meaning, digits in list(csv.reader(_file))[1:]
    }
