"""Reports that go elsewhere than to a folder: made in a temporary one, then written by Papermill."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from research_lib.errors import ReportError
from research_lib.project import REPORTS


@contextmanager
def output_folder(output: str) -> Iterator[Path]:
    """Give the folder to make reports in.

    Parameters
    ----------
    output : str
        A folder; empty for the project's own; or an address that Papermill writes to, such as s3://bucket/folder:
        then a temporary folder, whose reports are written there at the end.

    Raises
    ------
    ReportError
        Papermill knows no way to write there, or it failed.
    """
    if "://" not in output:
        yield Path(output).absolute() if output else REPORTS
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        _upload(Path(name), output.rstrip("/"))


def _upload(folder: Path, address: str) -> None:
    from papermill.iorw import papermill_io

    for path in sorted(folder.rglob("*")):
        if path.is_dir() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        target = f"{address}/{path.relative_to(folder).as_posix()}"
        try:
            papermill_io.write(path.read_text(encoding="utf-8"), target, extensions=[path.suffix])
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"what is made is only in part at {address}") from None
        except Exception as error:  # each of Papermill's stores raises its own kinds
            raise ReportError(f"{target}: cannot be written ({type(error).__name__}: {error})") from error
