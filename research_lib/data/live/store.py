"""What was pulled from the network: kept in a folder, hashed, never overwritten; and the sources that read it.

A file `<source>/<name>/<pulled at>-<sha256>.parquet` says in its metadata what it is. It is whole before it gets its
name: a killed pull leaves nothing half written. What was altered does not have its name's hash, and is not read.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import pandas as pd
from filelock import FileLock
from pydantic import AliasChoices, AwareDatetime, BaseModel, Field

from research_lib.data.calendar import last_finished
from research_lib.data.source import PRICES, SERIES, RawSeries, Source, Vintage
from research_lib.errors import DataError, MissingDataError
from research_lib.project import write_whole

PULL_COMMAND = "python -m research_lib data pull"
# Late values and corrections of the last sessions come within days; what a vendor changes later is hindsight.
SETTLING_DAYS = 7
SAME_SHARE = 1e-6  # vendors send prices as single floats, and not always the same digits
METADATA = b"snapshot"  # what a file says of itself

# What a vendor has: prices (date, close, adj_close, open, high, low, volume, split), series (date, value: in the unit of
# facts/series.csv), or companies' facts as filed; and of each the column of days, and the one that a row is for.
COMPANIES = "companies"
SERVES = {"yahoo": PRICES, "fred": SERIES, "french": SERIES, "sec": COMPANIES}
SHAPES = {PRICES: ("date", "close"), SERIES: ("date", "value"), COMPANIES: ("filed", "value")}


class Item(NamedTuple):
    """One thing that a vendor has: the prices of RUT from Yahoo."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source} {self.name}"


class Snapshot(BaseModel, frozen=True):
    """What one pull of an item brought, and the file that holds it."""

    item: Item
    fetched: AwareDatetime
    rows: int
    first: str
    last: str
    query: dict[str, str] = {}  # asks for the same again, and never says who asked
    notes: tuple[str, ...] = ()
    held: str = Field("", validation_alias=AliasChoices("held", "lost"))  # why a sound snapshot goes before it
    path: Path = Path()

    @property
    def sha256(self) -> str:
        """The hash of its file."""
        return self.path.stem.rpartition("-")[2]


@dataclass(frozen=True)
class Store:
    """A folder of snapshots."""

    directory: Path

    def items(self, source: str = "*") -> list[Item]:
        """List what was ever pulled, in order."""
        folders = self.directory.glob(f"{source}/*/")
        return sorted(Item(path.parent.name, unquote(path.name)) for path in folders if path.parent.name in SERVES)

    def snapshots(self, item: Item) -> list[Snapshot]:
        """List an item's snapshots, the oldest first; a file that is not as it was written is left out."""
        import pyarrow.parquet as pq

        found = []
        for path in sorted(self._folder(item).glob("*.parquet")):
            content = path.read_bytes()
            if path.stem.endswith(f"-{hashlib.sha256(content).hexdigest()}"):
                snapshot = Snapshot.model_validate_json(pq.read_schema(io.BytesIO(content)).metadata[METADATA])
                found.append(snapshot.model_copy(update={"path": path}))
        return found

    def keep(self, item: Item, frame: pd.DataFrame, *, now: datetime | None = None, **about: Any) -> Snapshot:  # noqa: ANN401
        """Write a snapshot, with `about` as in `Snapshot`; what stands there already is never touched."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        days, fetched = frame[SHAPES[SERVES[item.source]][0]], (now or datetime.now(UTC)).astimezone(UTC)
        span = {"rows": len(days), "first": str(days.min().date()), "last": str(days.max().date())}
        snapshot = Snapshot(item=item, fetched=fetched, **span, **about)
        columns = {str(name): pa.array(column, from_pandas=True) for name, column in frame.items()}
        table = pa.table(columns, metadata={METADATA: snapshot.model_dump_json()})
        pq.write_table(table, buffer := io.BytesIO(), compression="zstd")
        name = f"{fetched:%Y%m%dT%H%M%S.%fZ}-{hashlib.sha256(buffer.getvalue()).hexdigest()}.parquet"
        write_whole({(path := self._folder(item) / name): buffer.getvalue()})
        return snapshot.model_copy(update={"path": path})

    def read(self, item: Item, *, as_of: date | None = None) -> tuple[pd.DataFrame, Snapshot, int]:
        """Read the snapshot that goes with `as_of`, and count the damaged ones. A held one goes after all others.

        Without `as_of`, the newest. With it: the newest of the `SETTLING_DAYS` after its session; else the oldest of the
        later ones (so that a pull changes nothing in a report made before); else the newest of the earlier ones.
        """
        if not (found := self.snapshots(item)):
            raise MissingDataError(f"source {item.source}: no intact snapshot of {item.name}; run: {PULL_COMMAND}")
        sound = [one for one in found if not one.held] or found
        after = [one for one in sound if as_of and pd.Timestamp(as_of) <= last_finished(pd.Timestamp(one.fetched))]
        settled = [one for one in after if as_of and one.fetched.date() <= as_of + timedelta(days=SETTLING_DAYS)]
        chosen, files = (settled or after[:1] or sound)[-1], [*self._folder(item).glob("*.parquet")]
        return pd.read_parquet(chosen.path), chosen, len(files) - len(found)

    def verify(self) -> tuple[list[Snapshot], list[Path]]:
        """Compare every snapshot with its hash: those that are intact, and the files that were altered."""
        intact = [one for item in self.items() for one in self.snapshots(item)]
        return intact, sorted({*self.directory.glob("*/*/*.parquet")} - {one.path for one in intact})

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one pull at a time write, and remove what a killed one left; the system unlocks when a process ends."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / ".lock").touch()
        except OSError as error:
            raise DataError(f"{self.directory}: snapshots cannot be written there ({error.strerror})") from None
        with FileLock(self.directory / ".lock"):
            for left in self.directory.glob("*/*/.making-*"):
                left.unlink()
            yield

    def _folder(self, item: Item) -> Path:
        # A dot is quoted too: `..` would be a folder of its own.
        return self.directory / item.source / quote(item.name, safe="").replace(".", "%2E")


def compare(kind: str, older: pd.DataFrame, newer: pd.DataFrame) -> tuple[str, str]:
    """Say which rows with a value a newer snapshot lacks, and which values it changed; empty where there are none."""
    day, value = SHAPES[kind]
    keys = [day] if day == "date" else [*older.columns.drop(value)]
    old, new = (frame[[*keys, value]].dropna(subset=value) for frame in (older, newer))
    both = old.merge(new.rename(columns={value: "now"}), "left", on=keys)
    moved = (both["now"] - both[value]).abs() > SAME_SHARE * both[value].abs()
    lost, changed = (
        f"{what}: {len(days):,}, from {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}" if len(days) else ""
        for what, days in (("rows missing", both[day][both["now"].isna()]), ("values changed", both[day][moved]))
    )
    return lost + f"; it begins on {new[day].min():%Y-%m-%d}" * bool(lost), changed


@dataclass(frozen=True, eq=False)
class Snapshots(Source):
    """What was pulled from one vendor; `as_of` decides which vintage is read (`Store.read`)."""

    store: Store

    def names(self, kind: str) -> list[str]:
        """List what was pulled."""
        return self._pulled if SERVES[self.name] == kind else []

    @cached_property
    def _pulled(self) -> list[str]:
        return [item.name for item in self.store.items(self.name)]

    def read(self, kind: str, name: str, field: str, as_of: date | None = None) -> RawSeries:
        """Read one column of what was pulled."""
        if kind != SERVES[self.name]:
            raise MissingDataError(f"source {self.name} has no {kind}, and so no {name}")
        frame, snapshot, damaged = self.store.read(Item(self.name, name), as_of=as_of)
        if (column := "adj_close" if field == "total" else field) not in frame:
            fields = ", ".join(frame.columns.drop("date"))
            raise MissingDataError(f"source {self.name} has no {column} of {name}; it has {fields}")
        origin = f"{snapshot.query.get('symbol', name)}, column {column}, pulled {snapshot.fetched:%Y-%m-%d %H:%M} UTC"
        origin += f", snapshot {snapshot.sha256[:12]}"
        origin += f" ({damaged} damaged and not read: data verify)" if damaged else ""
        vintage, splits = Vintage(snapshot.fetched.isoformat(), snapshot.sha256), frame.get("split")
        return RawSeries(name, origin, frame["date"], frame[column], splits=splits, source=self.name, vintage=vintage)
