"""Where the project's own folders are, how its files are named and written, and how an interrupt is heard."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS, PARAMETERS, REPORTS = PROJECT / "notebooks", PROJECT / "params", PROJECT / "reports"
CHECK_SECONDS = 0.2  # how often one looks whether an interrupt has come


def from_project(path: str | Path) -> Path:
    """Resolve a path in a parameter file: relative ones start at the project's folder, wherever one runs from."""
    return (PROJECT / os.path.expanduser(path)).resolve()  # noqa: PTH111  # an unknown ~name stays as it is


def data_folder(data_dir: str) -> Path:
    """Return the folder of the `data_dir` parameter: of several, separated by commas, the first that is there."""
    folders = [from_project(part.strip()) for part in data_dir.split(",")]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def snapshots_folder() -> Path:
    """Return where snapshots of live data are; kernels inherit the variable, and it says nothing about a report."""
    return from_project(os.environ.get("RESEARCH_LIB_SNAPSHOTS", "data/snapshots"))


def display_path(path: Path) -> str:
    """Name a file as the user would: from the folder they are in, where it lies below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is there whole or not at all, and the first only once the last can be written."""
    drafts: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(prefix=f".making-{path.name[:80]}-", dir=path.parent, delete=False) as file:
                drafts[path] = Path(file.name)
                file.write(content)
            drafts[path].chmod(0o644)  # tempfile lets only its owner read
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


@contextmanager
def noted_interrupts() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C and SIGTERM, in the main thread, instead of raising; gives a function that says whether one has come.

    An error raised in the middle of anything could leave a lock held or a file half written. Ask every `CHECK_SECONDS`:
    another thread may get the signal, and the main one hears of it when it wakes. What nohup ignores stays ignored.
    """
    noted: list[int] = []
    heard = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, lambda number, _: noted.append(number)) for one in heard}
    try:
        yield lambda: bool(noted)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
