"""Real data inside packages the kit depends on, read at run time, as `facts/packaged.csv` lists it.

The packages' own loaders import their whole package (seconds), and arch's puts French months into 1970 on pandas 3.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from research_lib.data.catalog import fact_rows, known_symbols
from research_lib.data.source import PRICES, RawSeries, Source
from research_lib.errors import DataError, MissingDataError

FILES = fact_rows("packaged.csv")
LARGE_COMPANIES = "large_companies"  # adjusted closes from 1990 of twenty that were chosen by hindsight


@dataclass(frozen=True)
class Bundled(Source):
    """The offline source; of prices it has closes alone."""

    name: str = "bundled"

    def names(self, kind: str) -> list[str]:
        """List the symbols or series that are here."""
        names = dict.fromkeys(name.split()[0] for name in FILES if name != LARGE_COMPANIES)
        return [name for name in names if (name in known_symbols()) == (kind == PRICES)]

    def read(self, kind: str, name: str, field: str, as_of: date | None = None) -> RawSeries:  # noqa: ARG002
        """Join the vintages of a series, each used for days that those before it lack; on their common days they are equal."""
        if name not in self.names(kind):
            raise MissingDataError(f"source bundled has no {kind} of {name}; it has {', '.join(self.names(kind))}")
        if field not in {"close", "value"}:
            raise MissingDataError(f"source bundled has only the close of {name}, no {field}")
        loaded = {part: load_packaged(part) for part in FILES if part.split()[0] == name}
        values = pd.concat([frame[FILES[part]["column"]] for part, (frame, _) in loaded.items()])
        values = values[~values.index.duplicated()]
        origin = ", then ".join(f"{label}, column {FILES[part]['column']}" for part, (_, label) in loaded.items())
        return RawSeries(name, origin, pd.Series(values.index), values.reset_index(drop=True), source=self.name)


@cache
def load_packaged(name: str) -> tuple[pd.DataFrame, str]:
    """Read the file of a row of `packaged.csv` by its dates in order, and name it with its package's version."""
    file, remedy = FILES[name], "install the versions in requirements.lock"
    spec = find_spec(file["package"])
    if spec is None or spec.origin is None:
        raise DataError(f"package {file['package']} is not installed; {remedy}")
    frame = pd.read_csv(Path(spec.origin).parent / file["path"], na_values=".")
    days = pd.Series(frame.eval(file["dates"])).map(lambda day: day if isinstance(day, str) else f"{day:.0f}")
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(days, format=file["format"]), name="date")).sort_index()
    label = f"{file['package']} {version(file['package'])} {Path(file['path']).name}"
    found = [str(len(frame)), *(f"{frame.index[end]:%Y-%m-%d}" for end in (0, -1))]
    known, ends = [float(file["first_value"]), float(file["last_value"])], frame[file["column"]].iloc[[0, -1]]
    if found != [file["rows"], file["first"], file["last"]] or not np.allclose(ends, known, rtol=1e-7):
        span = f"{file['rows']} rows, {file['first']} to {file['last']}"
        raise DataError(f"{label} is not the data set that the kit knows ({span}); {remedy}")
    return frame, label
