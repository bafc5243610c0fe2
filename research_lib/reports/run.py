"""Run notebooks through Papermill, one report for each parameter file."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from research_lib.data import load_prices, open_source
from research_lib.errors import DataError, InsufficientDataError, ParameterError, ReportError, ResearchError
from research_lib.findings import FINDINGS_MIME
from research_lib.params import NotebookParameters, read_parameters
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from research_lib.reports.kernels import LocalKernelManager

SMOKE = "smoke"
# Errors that IPython names but the runner never sees as objects: they were raised in the kernel.
USER_ERRORS = frozenset(error.__name__ for error in ResearchError.__subclasses__())


class Status(StrEnum):
    """How a report ended."""

    OK = "ok"
    FAILED = "failed"
    INSUFFICIENT_DATA = "insufficient_data"
    LEFT_OUT = "left_out"


@dataclass(frozen=True)
class Report:
    """A report to make: a parameter file, its validated parameters, and where the report goes."""

    notebook: str
    slug: str
    parameters: NotebookParameters
    folder: Path

    @property
    def name(self) -> str:
        """Name the report as notebook/slug."""
        return f"{self.notebook}/{self.slug}"


@dataclass(frozen=True)
class Result:
    """What became of a report: `message` says why where it is not ok."""

    name: str
    status: Status
    message: str = ""
    page: Path | None = None


def all_parameter_files() -> list[Path]:
    """List every parameter file of the project but the smoke ones."""
    return [path for path in sorted(PARAMETERS.glob("*/*.yaml")) if path.stem != SMOKE]


def plan(paths: Sequence[Path], *, overrides: Mapping[str, object], output: Path) -> list[Report]:
    """Read and validate parameter files; nothing runs unless all of them are right.

    Raises
    ------
    ParameterError
        With the faults of every file, one a line.
    """
    reports, faults = [], []
    for path in paths:
        try:
            parameters = read_parameters(path, overrides=overrides)
        except ParameterError as error:
            faults.append(str(error))
            continue
        notebook = path.resolve().parent.name
        reports.append(Report(notebook, path.stem, parameters, output / notebook))
    if faults:
        raise ParameterError("\n".join(faults))
    return reports


def make_all(reports: Sequence[Report], *, leave_out_absent: bool, tell: Callable[[str], object]) -> list[Result]:
    """Make reports one after the other; all of their data is looked at first, so that nothing starts in vain.

    Parameters
    ----------
    reports : sequence of Report
        Of `plan`.
    leave_out_absent : bool
        Whether a report whose data folder is absent is left out, with that reason, instead of being an error.
    tell : callable
        Takes a line of progress.

    Raises
    ------
    DataError
        A source lacks what a report asks for, or what it has cannot be used.
    """
    results = [_settle_before(report, leave_out_absent=leave_out_absent) for report in reports]
    for i, (report, settled) in enumerate(zip(reports, results, strict=True)):
        start = time.monotonic()
        results[i] = result = settled or make(report)
        detail = result.message or f"{_shown(result.page)}, {time.monotonic() - start:.1f} s"
        tell(f"{result.name}: {result.status}: {detail}")
    return [result for result in results if result]


def _settle_before(report: Report, *, leave_out_absent: bool) -> Result | None:
    """Load every price that the parameters name: a fault in them is found before a kernel starts."""
    parameters = report.parameters
    try:
        source = open_source(parameters.source, data_dir=parameters.data_dir)
    except DataError as error:
        if leave_out_absent:
            return Result(report.name, Status.LEFT_OUT, str(error))
        raise
    try:
        if parameters.symbols:
            load_prices(source, parameters.symbols, as_of=parameters.as_of)
    except InsufficientDataError as error:
        return insufficient(report, str(error))
    return None


def make(report: Report) -> Result:
    """Execute a report's notebook and write its page, its notebook and its findings, all of them or none.

    Whatever stood there before stays when the notebook fails.
    """
    from papermill.exceptions import PapermillExecutionError

    report.folder.mkdir(parents=True, exist_ok=True)
    with _beside(report.folder) as temporary:
        try:
            executed = _execute(report, temporary / "executed.ipynb")
        except PapermillExecutionError as error:
            return _explain_failure(report, error)
        return _publish(report, executed, temporary)


def _execute(report: Report, path: Path) -> NotebookNode:
    import papermill

    executed: NotebookNode = papermill.execute_notebook(
        NOTEBOOKS / f"{report.notebook}.ipynb",
        path,
        parameters=report.parameters.model_dump(mode="json"),
        progress_bar=False,
        cwd=PROJECT,
        kernel_manager_class=LocalKernelManager,
    )
    return executed


def _explain_failure(report: Report, error: Any) -> Result:  # noqa: ANN401  # Papermill is untyped
    if error.ename == InsufficientDataError.__name__:
        return insufficient(report, error.evalue)
    message = error.evalue if error.ename in USER_ERRORS else f"cell {error.exec_count}: {error.ename}: {error.evalue}"
    return Result(report.name, Status.FAILED, message)


def insufficient(report: Report, message: str) -> Result:
    """Record that there is too little data; a report that stands there already is left as it is."""
    path = report.folder / f"{report.slug}.findings.json"
    if not path.exists() or _read_status(path) != Status.OK:
        report.folder.mkdir(parents=True, exist_ok=True)
        with _beside(report.folder) as temporary:
            written = temporary / path.name
            _write_record(written, report, Status.INSUFFICIENT_DATA, {"data": [], "findings": [], "answer": message})
            written.replace(path)
    return Result(report.name, Status.INSUFFICIENT_DATA, message)


def _publish(report: Report, executed: NotebookNode, temporary: Path) -> Result:
    from nbformat import write

    from research_lib.reports.html import render

    written = {suffix: temporary / f"{report.slug}.{suffix}" for suffix in ("ipynb", "findings.json", "html")}
    executed.metadata.pop("papermill", None)  # times and this machine's paths; the page's provenance says the rest
    write(executed, written["ipynb"])
    _write_record(written["findings.json"], report, Status.OK, read_findings(executed))
    written["html"].write_text(render(executed, name=report.notebook, slug=report.slug), encoding="utf-8")
    for path in written.values():
        path.replace(report.folder / path.name)
    return Result(report.name, Status.OK, page=report.folder / f"{report.slug}.html")


def read_findings(executed: NotebookNode) -> dict[str, Any]:
    """Take the findings, the data they rest on and the one-line answer out of an executed notebook.

    Raises
    ------
    ReportError
        No cell shows its findings.
    """
    bundles = [bundle for cell in executed.cells for bundle in _bundles(cell) if FINDINGS_MIME in bundle]
    if not bundles:
        raise ReportError("the notebook shows no findings: end it with a cell that does")
    answers = [
        bundle.get("text/markdown", "")
        for cell in executed.cells
        if "headline" in cell.metadata.get("tags", [])
        for bundle in _bundles(cell)
    ]
    return {**bundles[-1][FINDINGS_MIME], "answer": " ".join(answers).replace("**", "")}


def _bundles(cell: NotebookNode) -> Iterator[Any]:
    yield from (output["data"] for output in cell.get("outputs", []) if "data" in output)


def _write_record(path: Path, report: Report, status: Status, content: Mapping[str, Any]) -> None:
    record = {
        "notebook": report.notebook,
        "slug": report.slug,
        "status": status,
        "answer": content["answer"],
        "parameters": report.parameters.model_dump(mode="json"),
        "data": content["data"],
        "findings": content["findings"],
    }
    path.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _read_status(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["status"])
    except (ValueError, KeyError):
        return ""


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Give a temporary folder on the same file system as the reports, so that a rename into place is atomic."""
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as name:
        yield Path(name)


def _shown(page: Path | None) -> str:
    return "" if page is None else os.path.relpath(page)
