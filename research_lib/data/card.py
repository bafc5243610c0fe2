"""The data card: which data a number was made from, and what was found in it."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from research_lib.data.quality import CleanSeries, Fault, FaultKind, count_faults
from research_lib.data.source import RawSeries, Vintage


@dataclass(frozen=True)
class DataCard:
    """One series of a study: where it is from, what it spans, its hash, and its faults."""

    source: str
    id: str
    name: str
    origin: str
    first: str
    last: str
    rows: int
    gaps: int  # exchange sessions (known from 1970 on) or months from first to last without a value
    sha256: str  # of the dates and values that the study saw, nothing after `as_of` among them
    faults: tuple[Fault, ...]
    vintage: Vintage | None = None  # the snapshot behind it, where it came from the network

    def as_record(self) -> dict[str, Any]:
        """Return what a report's record says of the data; `unfinished` where a session was left out as such."""
        names = ("source", "id", "first", "last", "rows", "gaps", "sha256")
        unfinished = any(fault.kind == FaultKind.UNFINISHED for fault in self.faults)
        special = {"unfinished": unfinished, "snapshot": self.vintage and asdict(self.vintage)}
        return {name: getattr(self, name) for name in names} | {name: said for name, said in special.items() if said}

    def fault_summary(self) -> str:
        """Say in one line what was found, each kind with its number and first case."""
        first = {fault.kind: fault for fault in reversed(self.faults)}
        counts = count_faults(self.faults)
        return "; ".join(f"{kind}: {n:,}, first {first[kind].case}" for kind, n in counts.items()) or "none found"


def make_card(series: CleanSeries, raw: RawSeries, *, source: str, name: str) -> DataCard:
    """Describe a clean series, and where it came from."""
    values, counts = series.values, count_faults(series.faults)
    return DataCard(
        source=raw.source or source,
        id=str(values.name),
        name=name,
        origin=raw.origin,
        first=str(values.index[0].date()),
        last=str(values.index[-1].date()),
        rows=len(values),
        gaps=counts.get(FaultKind.MISSING_SESSION, 0) + counts.get(FaultKind.MISSING_PERIOD, 0),
        sha256=hash_series(values),
        faults=series.faults,
        vintage=raw.vintage,
    )


def hash_series(values: "pd.Series[float]") -> str:
    """Hash dates (as days since 1970) and values (as little-endian doubles), whatever file they came from."""
    days = values.index.to_numpy().astype("datetime64[D]").astype("<i8")
    return hashlib.sha256(days.tobytes() + values.to_numpy().astype("<f8").tobytes()).hexdigest()
