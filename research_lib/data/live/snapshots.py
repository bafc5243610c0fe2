"""What was pulled from the network: kept in a folder, hashed, never overwritten.

    objects/<sha256>.parquet                                          the data
    manifest/<source>/<kind>/<name>/<fetched at>-<hash>.json         what it is, one file for each pull of an item

A file is complete before it gets its name, and the data before its manifest: whenever a pull is killed, the store
holds what was pulled until then, and nothing that is half written. Two pulls never write the same name with other
content.
"""

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

import pandas as pd
from filelock import FileLock, Timeout

from research_lib.data.calendar import is_finished
from research_lib.errors import DataError, MissingDataError

OBJECTS, MANIFEST, TEMPORARY = "objects", "manifest", ".writing-"
STAMP = "%Y%m%dT%H%M%S.%fZ"

# Late values and corrections of the last sessions come within days; what a vendor changes later is hindsight.
SETTLING_DAYS = 7


class Kind(StrEnum):
    """What a snapshot holds, and so which columns."""

    PRICES = "prices"  # date, close, adj_close, open, high, low, volume, dividend, split
    SERIES = "series"  # date, value: in the unit of facts/series.csv
    COMPANIES = "companies"  # one company's facts: tag, unit, start, end, filed, value, ...


@dataclass(frozen=True, order=True)
class Item:
    """One thing that a vendor has: the prices of RUT from Yahoo."""

    source: str
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.source} {self.name}"


@dataclass(frozen=True)
class Pulled:
    """What a client brought.

    Attributes
    ----------
    item : Item
    frame : DataFrame
        The columns of its kind, with a `date` (companies: `filed`) by which its span is told.
    query : mapping
        What was asked, enough to ask it again; never who asked.
    library : str
        The client and its version.
    left_out : tuple of str
        What is not in the frame, and why, for the user to read.
    """

    item: Item
    frame: pd.DataFrame
    query: Mapping[str, str]
    library: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The manifest of one pull of one item.

    Attributes
    ----------
    fetched_at : str
        ISO 8601, UTC.
    first, last : str
        The span of its rows, ISO dates.
    sha256 : str
        Of the data's file, which is named by it.
    """

    item: Item
    query: Mapping[str, str]
    fetched_at: str
    library: str
    rows: int
    first: str
    last: str
    sha256: str
    left_out: tuple[str, ...] = ()

    @property
    def fetched(self) -> pd.Timestamp:
        """When it was pulled, tz-aware."""
        return pd.Timestamp(self.fetched_at)


@dataclass(frozen=True)
class Reading:
    """An intact snapshot's data, and how many that would have gone before it are damaged."""

    frame: pd.DataFrame
    snapshot: Snapshot
    damaged: int = 0


@dataclass(frozen=True)
class Damage:
    """A file of the store that is not what it was: which, and what is wrong."""

    path: Path
    what: str


@dataclass(frozen=True)
class Check:
    """What `verify` found: how many snapshots are intact, what is damaged, and files that belong to no snapshot."""

    intact: int
    damaged: tuple[Damage, ...] = ()
    stray: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Store:
    """A folder of snapshots."""

    directory: Path

    def items(self, source: str = "*", kind: str = "*") -> list[Item]:
        """List what was ever pulled, in order."""
        found = (self.directory / MANIFEST).glob(f"{source}/{kind}/*/")
        return sorted(Item(path.parts[-3], Kind(path.parts[-2]), unquote(path.name)) for path in found)

    def snapshots(self, item: Item) -> list[Snapshot]:
        """List an item's snapshots, the oldest first; a damaged manifest is left out (`verify` lists it)."""
        found = sorted(self._folder(item).glob("*.json"))
        return [snapshot for path in found if (snapshot := _read_manifest(path))]

    def keep(self, pulled: Pulled, *, now: datetime | None = None) -> Snapshot:
        """Write a snapshot; what stands there already is never touched."""
        content = _to_parquet(pulled.frame)
        digest = hashlib.sha256(content).hexdigest()
        if self._read_object(digest) is None:  # new, or there but damaged
            _write(self._object(digest), content)
        fetched = now or datetime.now(UTC)
        snapshot = _describe(pulled, fetched, digest)
        text = json.dumps(asdict(snapshot), indent=1, sort_keys=True).encode()
        name = f"{fetched.strftime(STAMP)}-{hashlib.sha256(text).hexdigest()[:16]}.json"
        _write(self._folder(pulled.item) / name, text)
        return snapshot

    def read(self, item: Item, *, as_of: date | None = None) -> Reading:
        """Read the snapshot that goes with `as_of` by the rule of `in_order`; a damaged one is passed over.

        Raises
        ------
        MissingDataError
            There is none, or none that is intact.
        """
        wanted = in_order(self.snapshots(item), as_of=as_of)
        for damaged, snapshot in enumerate(wanted):
            if (content := self._read_object(snapshot.sha256)) is not None:
                return Reading(pd.read_parquet(io.BytesIO(content)), snapshot, damaged)
        if wanted:
            raise MissingDataError(
                f"source {item.source}: every snapshot of {item.name} is damaged; run: {PULL_COMMAND}"
            )
        raise MissingDataError(f"source {item.source} has no snapshot of {item.name}; run: {PULL_COMMAND}")

    def read_exactly(self, snapshot: Snapshot) -> pd.DataFrame:
        """Read one snapshot.

        Raises
        ------
        DataError
            It is damaged.
        """
        content = self._read_object(snapshot.sha256)
        if content is None:
            raise DataError(f"{snapshot.item}, pulled {snapshot.fetched_at}: its file is damaged or gone")
        return pd.read_parquet(io.BytesIO(content))

    def is_intact(self, snapshot: Snapshot) -> bool:
        """Say whether a snapshot's data is there as it was written."""
        return self._read_object(snapshot.sha256) is not None

    def verify(self) -> Check:
        """Compare every file with its hash."""
        intact, damaged, known = 0, [], set()
        for path, snapshot in self._manifests():
            if snapshot is None:
                damaged.append(Damage(path, "the manifest was altered"))
                continue
            known.add(self._object(snapshot.sha256))
            if self._read_object(snapshot.sha256) is None:
                what = f"{snapshot.item}, pulled {snapshot.fetched_at}: its data was altered or is gone"
                damaged.append(Damage(self._object(snapshot.sha256), what))
            else:
                intact += 1
        return Check(intact, tuple(damaged), tuple(path for path in self._files() if path not in known))

    def collect_garbage(self, *, keep: int | None = None) -> list[Path]:
        """Remove damaged snapshots and what belongs to none; with `keep`, all but each item's newest ones too.

        Only while no pull runs (`lock`): what it has written but not named yet would look like garbage.
        """
        kept: dict[Item, list[tuple[Path, Snapshot]]] = {}
        doomed = []
        for path, snapshot in self._manifests():
            if snapshot is None or self._read_object(snapshot.sha256) is None:
                doomed.append(path)
            else:
                kept.setdefault(snapshot.item, []).append((path, snapshot))
        if keep is not None:
            doomed += [path for named in kept.values() for path, _ in named[:-keep]]
            kept = {item: named[-keep:] for item, named in kept.items()}
        referred = {self._object(snapshot.sha256) for named in kept.values() for _, snapshot in named}
        doomed += [path for path in self._files() if path not in referred]
        for path in doomed:
            path.unlink(missing_ok=True)
        return doomed

    def lock(self) -> FileLock:
        """Return the lock that a pull and a clean-up hold; the system lets go of it when its process ends.

        Raises
        ------
        DataError
            The folder cannot be made.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.directory}: the folder of snapshots cannot be made ({error.strerror})") from None
        return FileLock(self.directory / ".lock")

    def is_busy(self) -> bool:
        """Say whether a pull or a clean-up is running."""
        try:
            with self.lock().acquire(timeout=0):
                return False
        except Timeout:
            return True

    def _manifests(self) -> Iterator[tuple[Path, Snapshot | None]]:
        """List every manifest, an item's oldest first; None for one that was altered."""
        for path in sorted((self.directory / MANIFEST).glob("*/*/*/*.json")):
            yield path, _read_manifest(path)

    def _files(self) -> Iterator[Path]:
        """List data, and what a killed pull left behind."""
        yield from sorted((self.directory / OBJECTS).glob("*"))
        yield from sorted((self.directory / MANIFEST).glob(f"*/*/*/{TEMPORARY}*"))

    def _folder(self, item: Item) -> Path:
        # A dot is quoted too: `..` would be a folder of its own.
        return self.directory / MANIFEST / item.source / item.kind / quote(item.name, safe="").replace(".", "%2E")

    def _object(self, digest: str) -> Path:
        return self.directory / OBJECTS / f"{digest}.parquet"

    def _read_object(self, digest: str) -> bytes | None:
        try:
            content = self._object(digest).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None


PULL_COMMAND = "python -m research_lib data pull --for params/<notebook>/live.yaml"


def in_order(snapshots: Sequence[Snapshot], *, as_of: date | None = None) -> list[Snapshot]:
    """Put snapshots in the order in which a study takes them: the first that is intact.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Of one item, the oldest first.
    as_of : date, optional
        The last date that may be known.

    Returns
    -------
    list of Snapshot
        Without `as_of`, the newest first. With it: first those pulled after its session was over and within
        `SETTLING_DAYS`, the newest first; then later ones, the oldest first, because each has more hindsight in it; at
        last those pulled before the session was over, the newest first. So once a date is a week past and its data
        is pulled, further pulls change nothing in a report on it.
    """
    newest_first = list(reversed(snapshots))
    if as_of is None:
        return newest_first
    session = pd.Timestamp(as_of)
    settled = (session + pd.Timedelta(days=SETTLING_DAYS + 1)).tz_localize("UTC")
    complete = [snapshot for snapshot in snapshots if is_finished(session, snapshot.fetched)]
    in_time = [snapshot for snapshot in complete if snapshot.fetched < settled]
    later = [snapshot for snapshot in complete if snapshot.fetched >= settled]
    return [*reversed(in_time), *later, *(snapshot for snapshot in newest_first if snapshot not in complete)]


def _describe(pulled: Pulled, fetched: datetime, digest: str) -> Snapshot:
    dates = pulled.frame["filed" if pulled.item.kind is Kind.COMPANIES else "date"]
    return Snapshot(
        item=pulled.item,
        query=dict(pulled.query),
        fetched_at=fetched.astimezone(UTC).isoformat(timespec="microseconds"),
        library=pulled.library,
        rows=len(dates),
        first=str(dates.min().date()),
        last=str(dates.max().date()),
        sha256=digest,
        left_out=pulled.left_out,
    )


def _read_manifest(path: Path) -> Snapshot | None:
    """Read a manifest; None where it is not what it was: its name ends with its hash."""
    content = path.read_bytes()
    if not path.stem.endswith(hashlib.sha256(content).hexdigest()[:16]):
        return None
    record = json.loads(content)
    item = Item(record["item"]["source"], Kind(record["item"]["kind"]), record["item"]["name"])
    return Snapshot(**{**record, "item": item, "left_out": tuple(record["left_out"])})


def _to_parquet(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({str(name): pa.array(column, from_pandas=True) for name, column in frame.items()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")  # half the time that pandas takes around it
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Write a file under another name and then give it its own: it is never there half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
