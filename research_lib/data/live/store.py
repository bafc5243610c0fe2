"""What was pulled from the network: kept in a folder, hashed, never overwritten; and the sources that read it.

    objects/<sha256>.parquet                                          the data
    manifest/<source>/<kind>/<name>/<fetched at>-<hash>.json         what it is, one file for each pull of an item

A file is whole before it gets its name, and the data before its manifest: a killed pull leaves nothing half written.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

import pandas as pd
from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from research_lib.data.calendar import is_finished
from research_lib.data.catalog import Asset
from research_lib.data.source import RawSeries, Vintage
from research_lib.errors import DataError, MissingDataError
from research_lib.project import write_whole

PULL_COMMAND = "python -m research_lib data pull"

# Late values and corrections of the last sessions come within days; what a vendor changes later is hindsight.
SETTLING_DAYS = 7
SAME_SHARE = 1e-6  # vendors send prices as single floats, and not always the same digits


class Kind(StrEnum):
    """What a snapshot holds, and so which columns."""

    PRICES = "prices"  # date, close, adj_close, open, high, low, volume, dividend, split
    SERIES = "series"  # date, value: in the unit of facts/series.csv
    COMPANIES = "companies"  # one company's facts: tag, unit, start, end, filed, value, ...


SERVES = {"yahoo": Kind.PRICES, "fred": Kind.SERIES, "french": Kind.SERIES, "sec": Kind.COMPANIES}
# Of each kind the column of days, the columns that tell rows apart, and the one without which a row says nothing.
SHAPES = {
    Kind.PRICES: ("date", ["date"], "close"),
    Kind.SERIES: ("date", ["date"], "value"),
    Kind.COMPANIES: ("filed", ["taxonomy", "tag", "unit", "start", "end", "filed", "accession"], "value"),
}


@dataclass(frozen=True, order=True)
class Item:
    """One thing that a vendor has: the prices of RUT from Yahoo."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source} {self.name}"

    @property
    def kind(self) -> Kind:
        """What it is, which its source decides."""
        return SERVES[self.source]


class Pulled(NamedTuple):
    """What a client brought: rows, the query that asks for them again (never who asked), and what to say of them."""

    item: Item
    frame: pd.DataFrame
    query: dict[str, str]
    library: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The manifest of one pull: when (ISO 8601, UTC), the span of its rows, and the hash that names its data."""

    item: Item
    query: dict[str, str]
    fetched_at: str
    library: str
    rows: int
    first: str
    last: str
    sha256: str
    notes: tuple[str, ...] = ()
    lost: str = ""  # what it lacks of the snapshot before it
    broken: str = ""  # why no study could load it

    @property
    def fetched(self) -> pd.Timestamp:
        """When it was pulled, tz-aware."""
        return pd.Timestamp(self.fetched_at)

    @property
    def held(self) -> bool:
        """Whether a sound snapshot goes before it."""
        return bool(self.lost or self.broken)


MANIFEST = TypeAdapter(Snapshot)


@dataclass(frozen=True)
class Store:
    """A folder of snapshots."""

    directory: Path

    def items(self, source: str = "*") -> list[Item]:
        """List what was ever pulled, in order."""
        found = (self.directory / "manifest").glob(f"{source}/*/*/")
        return sorted(Item(path.parts[-3], unquote(path.name)) for path in found if path.parts[-3] in SERVES)

    def snapshots(self, item: Item) -> list[Snapshot]:
        """List an item's snapshots, the oldest first; a damaged manifest is left out (`verify` lists it)."""
        return [snapshot for path in sorted(self._folder(item).glob("*.json")) if (snapshot := _read_manifest(path))]

    def keep(self, pulled: Pulled, *, now: datetime | None = None, lost: str = "", broken: str = "") -> Snapshot:
        """Write a snapshot; what stands there already is never touched."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        item, frame, query, library, notes = pulled
        buffer, days = io.BytesIO(), frame[SHAPES[item.kind][0]]
        table = pa.table({str(name): pa.array(column, from_pandas=True) for name, column in frame.items()})
        pq.write_table(table, buffer, compression="zstd")  # half the time that pandas takes around it
        fetched = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")
        span, digest = (str(days.min().date()), str(days.max().date())), hashlib.sha256(buffer.getvalue()).hexdigest()
        snapshot = Snapshot(item, query, fetched, library, len(days), *span, digest, notes, lost, broken)
        self._write(snapshot, {} if self.is_intact(snapshot) else {self._object(snapshot): buffer.getvalue()})
        return snapshot

    def accept(self, snapshot: Snapshot) -> Snapshot:
        """Let a snapshot that lacks some history be used like any other: the same data under one more manifest."""
        accepted = replace(snapshot, lost="")
        self._write(accepted, {})
        return accepted

    def read(self, item: Item, *, as_of: date | None = None) -> tuple[pd.DataFrame, Snapshot, int]:
        """Read the snapshot that goes with `as_of` by the rule of `in_order`, and count the damaged ones before it."""
        wanted = in_order(self.snapshots(item), as_of=as_of)
        for damaged, snapshot in enumerate(wanted):
            if self.is_intact(snapshot):
                return self.read_exactly(snapshot), snapshot, damaged
        what = f"every snapshot of {item.name} is damaged" if wanted else f"no snapshot of {item.name} was pulled"
        raise MissingDataError(f"source {item.source}: {what}; run: {PULL_COMMAND}")

    def read_exactly(self, snapshot: Snapshot, columns: list[str] | None = None) -> pd.DataFrame:
        """Read one intact snapshot, or some of its columns."""
        return pd.read_parquet(self._object(snapshot), columns=columns)

    def is_intact(self, snapshot: Snapshot) -> bool:
        """Say whether a snapshot's data is there as it was written."""
        try:
            with self._object(snapshot).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == snapshot.sha256
        except OSError:
            return False

    def verify(self) -> tuple[dict[Path, Snapshot], dict[Path, str], list[Path]]:
        """Compare every file with its hash: intact snapshots, damaged files with what is wrong, files of no snapshot."""
        intact, damaged = dict[Path, Snapshot](), dict[Path, str]()
        stray = self._files()
        for path in sorted(self.directory.glob("manifest/*/*/*/*.json")):
            data = self._object(snapshot) if (snapshot := _read_manifest(path)) else path
            if snapshot is None:
                damaged[path] = "the manifest was altered"
            elif self.is_intact(snapshot):
                intact[path] = snapshot
            else:
                damaged[data] = f"{snapshot.item}, pulled {snapshot.fetched_at}: its data was altered or is gone"
            stray -= {path, data}
        return intact, damaged, sorted(stray)

    def collect_garbage(self) -> list[Path]:
        """Remove all but intact snapshots; only under `lock`: a pull's files look like that at first."""
        intact, _, _ = self.verify()
        doomed = sorted(self._files().difference(intact, map(self._object, intact.values())))
        for path in doomed:
            path.unlink()
        return doomed

    def lock(self) -> FileLock:
        """Return the lock that a pull and a clean-up hold; the system lets go of it when its process ends."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            (self.directory / ".lock").write_bytes(b"")
        except OSError as error:
            raise DataError(f"{self.directory}: snapshots cannot be written there ({error.strerror})") from None
        return FileLock(self.directory / ".lock")

    def is_busy(self) -> bool:
        """Say whether a pull or a clean-up is running."""
        try:
            with self.lock().acquire(timeout=0):
                return False
        except Timeout:
            return True

    def _write(self, snapshot: Snapshot, data: dict[Path, bytes]) -> None:
        text = MANIFEST.dump_json(snapshot, indent=1)
        name = f"{snapshot.fetched.strftime('%Y%m%dT%H%M%S.%fZ')}-{hashlib.sha256(text).hexdigest()[:16]}.json"
        write_whole({**data, self._folder(snapshot.item) / name: text})

    def _files(self) -> set[Path]:
        return {*self.directory.glob("objects/*"), *self.directory.glob("manifest/*/*/*/*")}

    def _folder(self, item: Item) -> Path:
        # A dot is quoted too: `..` would be a folder of its own.
        return self.directory / "manifest" / item.source / item.kind / quote(item.name, safe="").replace(".", "%2E")

    def _object(self, snapshot: Snapshot) -> Path:
        return self.directory / "objects" / f"{snapshot.sha256}.parquet"


def in_order(snapshots: Sequence[Snapshot], *, as_of: date | None = None) -> list[Snapshot]:
    """Put an item's snapshots in the order in which a study takes them: the first that is intact.

    Without `as_of`, the newest first. With it: first those of the `SETTLING_DAYS` after its session, the newest first;
    then later ones, the oldest first (the least hindsight); at last earlier ones. So once a date is a week past, further
    pulls change nothing in a report on it. Held snapshots come after all others.
    """

    def place(snapshot: Snapshot) -> tuple[bool, int, float]:
        fetched, age_s = snapshot.fetched, -snapshot.fetched.timestamp()
        if as_of is None or not is_finished(pd.Timestamp(as_of), fetched):
            return snapshot.held, 2, age_s
        is_late = fetched.date() > as_of + timedelta(days=SETTLING_DAYS)
        return snapshot.held, int(is_late), -age_s if is_late else age_s

    return sorted(snapshots, key=place)


def compare(kind: Kind, older: pd.DataFrame, newer: pd.DataFrame) -> tuple[str, str]:
    """Say which rows with a value a newer snapshot lacks, and which values it changed; empty where there are none."""
    day, keys, value = SHAPES[kind]
    old, new = (frame[[*keys, value]][frame[value].notna()] for frame in (older, newer))
    both = old.merge(new, "left", on=keys, suffixes=("", "_new"), indicator="found")
    gone = both["found"] == "left_only"
    moved = (both[f"{value}_new"] - both[value]).abs() > SAME_SHARE * both[value].abs()
    lost, changed = (
        f"{len(days):,} {what}, those of {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}" if len(days) else ""
        for what, days in (("rows fewer", both[day][gone]), ("values changed", both[day][moved]))
    )
    return lost + f"; it begins on {new[day].min():%Y-%m-%d}" * bool(lost and len(new)), changed


def _read_manifest(path: Path) -> Snapshot | None:
    """Read a manifest; None where it is not what it was: its name ends with its hash."""
    try:
        content = path.read_bytes()
        is_sound = path.stem.endswith(hashlib.sha256(content).hexdigest()[:16])
        return MANIFEST.validate_json(content) if is_sound else None
    except (OSError, ValidationError):  # not to be read, or of another form
        return None


@dataclass(frozen=True)
class Snapshots:
    """What was pulled from one vendor; `as_of` decides which vintages are read (`store.in_order`)."""

    name: str
    store: Store
    as_of: date | None = None

    def at(self, as_of: date | None) -> Self:
        """Return the source with the vintages that go with a date."""
        return replace(self, as_of=as_of)

    def symbols(self) -> list[str]:
        """List the symbols whose prices were pulled."""
        return self._names(Kind.PRICES)

    def series_ids(self) -> list[str]:
        """List the series that were pulled."""
        return self._names(Kind.SERIES)

    def companies(self) -> list[str]:
        """List the companies whose facts were pulled."""
        return self._names(Kind.COMPANIES)

    def require_any(self) -> None:
        """Raise where nothing was ever pulled from the vendor."""
        if not self.store.items(self.name):
            raise MissingDataError(f"source {self.name}: no snapshot yet; run: {PULL_COMMAND}")

    def read_price(self, asset: Asset) -> RawSeries:
        """Read one field of one symbol, with its volume and splits."""
        field = "adj_close" if asset.field == "total" else asset.field
        return replace(self._read(Kind.PRICES, asset.symbol, field), id=str(asset))

    def read_series(self, series_id: str) -> RawSeries:
        """Read one series in its published unit."""
        return self._read(Kind.SERIES, series_id, "value")

    def read_company(self, name: str) -> pd.DataFrame:
        """Read a company's facts as filed, a row a fact and filing."""
        return self.store.read(Item(self.name, name), as_of=self.as_of)[0]

    def _names(self, kind: Kind) -> list[str]:
        return [item.name for item in self.store.items(self.name) if item.kind is kind]

    def _read(self, kind: Kind, name: str, column: str) -> RawSeries:
        if kind is not SERVES[self.name]:
            raise MissingDataError(f"source {self.name} has no {kind}, and so no {name}")
        frame, snapshot, damaged = self.store.read(Item(self.name, name), as_of=self.as_of)
        if column not in frame:
            fields = ", ".join(frame.columns.drop("date"))
            raise MissingDataError(f"source {self.name} has no {column} of {name}; it has {fields}")
        origin = f"{snapshot.query.get('symbol', name)}, column {column}, pulled {snapshot.fetched:%Y-%m-%d %H:%M} UTC"
        origin += f", snapshot {snapshot.sha256[:12]}"
        origin += f" ({damaged} that would go before it damaged: data verify)" if damaged else ""
        traded, vintage = (frame.get("volume"), frame.get("split")), Vintage(snapshot.fetched_at, snapshot.sha256)
        return RawSeries(name, origin, frame["date"], frame[column], *traded, self.name, vintage)
