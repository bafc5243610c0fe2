"""Make one report: execute its notebook, say how that ended, and render what came of it."""

import logging
import signal
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from threading import TIMEOUT_MAX, Timer
from typing import Any

import nbformat
from jupyter_core.utils import ensure_event_loop
from nbconvert.filters.ansi import strip_ansi
from nbformat import NotebookNode
from papermill.translators import PythonTranslator, papermill_translators

from research_lib import errors
from research_lib.exhibits.findings import FINDINGS_MIME, SUMMARY_MIME
from research_lib.params import validate
from research_lib.reports.html import MARKS, TITLE, files_beside, render
from research_lib.reports.kernels import Execution
from research_lib.reports.record import FAILURE, GOOD, NOTEBOOK, PAGE, Finding, Record, Status

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it logs of a failure is raised too, and told
ENGINE = "research-lib"  # engine.py, by its entry point
PUT_IN = "injected-parameters"  # the tag of the cell that Papermill adds
FAILED, FAILED_PAGE, FAILED_NOTEBOOK = FAILURE
LONGEST_MESSAGE = 300
USUAL_KERNEL = {"name": "python3", "language": "python"}
# Errors of the kit say all that is to be said: which cell raised them does not matter.
USER_ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)}


class _Translator(PythonTranslator):  # type: ignore[misc]  # Papermill is untyped
    """Writes parameters into a notebook; dates, tuples and keys as what they are, where Papermill alone writes texts."""

    @classmethod
    def translate(cls, val: object) -> str:
        if isinstance(val, date):  # no import statement: it could hide a name of the notebook's own
            return repr(val).replace("datetime.", '__import__("datetime").')
        if isinstance(val, dict):
            return f"{{{', '.join(f'{cls.translate(key)}: {cls.translate(one)}' for key, one in val.items())}}}"
        return f"tuple({cls.translate([*val])})" if isinstance(val, tuple) else str(super().translate(val))


papermill_translators.register("python", _Translator)


def make(
    notebook: Path,
    parameters: Mapping[str, Any],
    asked: Record,
    execution: Execution,
    timeout_seconds: float | None = None,
) -> tuple[Record, dict[str, bytes]]:
    """Execute a notebook in its own folder and render it, as far as it went: its record, and its files by their endings."""
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    why = f"stopped: over its timeout of {timeout_seconds or 0:g} s"
    timer = Timer(timeout_seconds or TIMEOUT_MAX, execution.stop, [why])
    timer.daemon = True
    timer.start()
    with closing(ensure_event_loop()):  # nbclient opens one for each thread and leaves it open
        outcome = _execute(notebook, parameters, execution)
    timer.cancel()
    record = asked.with_(started=started, duration_seconds=round(time.monotonic() - clock, 2))
    try:
        values = read_findings(execution.notebook) | record.model_dump(exclude_defaults=True) | outcome
        record = validate(Record, values, origin="summary")
    except Exception as error:  # a cell may show anything under their names
        record = record.with_(**_failed(f"its findings cannot be read: {error}"))
    return _render(notebook, execution.notebook, record)


def _execute(notebook: Path, parameters: Mapping[str, Any], execution: Execution) -> dict[str, object]:
    """Execute a notebook; return the status of its record, with message and cell where there is something to say."""
    import papermill
    from jupyter_client.kernelspec import KernelSpecManager
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import remove_error_markers

    said = ""
    try:
        content = nbformat.read(notebook, as_version=4)
        # One that Papermill left would set its own values where this report asks for none.
        content.cells = [cell for cell in content.cells if PUT_IN not in cell.metadata.get("tags", [])]
        spec = content.metadata.get("kernelspec") or {}
        kernel, language = ((spec.get(key) or usual).lower() for key, usual in USUAL_KERNEL.items())
        if language == "python" and kernel not in KernelSpecManager().find_kernel_specs():
            said = f"the notebook's kernel {kernel!r} is not installed here: executed on python3"
            kernel = "python3"  # in place of another machine's
        papermill.execute_notebook(
            content, None, parameters=dict(parameters), engine_name=ENGINE, kernel_name=kernel, language=language,
            execution=execution, folder=str(notebook.parent), progress_bar=False,
        )  # fmt: skip
    except PapermillExecutionError:
        remove_error_markers(execution.notebook)  # the record says it
    except Exception as error:  # of Jupyter, mostly: its kernel is gone, or could not start
        return _explain_end(execution, error)
    finally:
        execution.stop()
    return {"status": Status.OK, "message": said} | _explain_error(execution)


def _failed(message: str, cell: int | None = None) -> dict[str, object]:
    line = " ".join(strip_ansi(message).split())
    said = line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"
    return {"status": Status.FAILED, "message": said, "cell": cell}


def _explain_error(execution: Execution) -> dict[str, object]:
    """Say which cell failed, and why; nothing where none did, or its error was meant (tag `raises-exception`)."""
    for position, cell in enumerate(execution.notebook.cells if execution.notebook else []):
        shown = [one for one in cell.get("outputs", []) if one.output_type == "error"]
        if not shown and cell.metadata.get("papermill", {}).get("exception"):  # of a magic IPython shows a text
            shown = [NotebookNode(execution.replied[1])]
        number = cell_number(execution.notebook, position)
        for error in shown if "raises-exception" not in cell.metadata.get("tags", []) else []:
            if error.ename == "SystemExit" and error.evalue in {"", "0", "None"}:
                return {"message": f"the notebook ended itself in cell {number}", "cell": number}
            if error.ename == errors.InsufficientDataError.__name__:
                return _failed(error.evalue, number) | {"status": Status.INSUFFICIENT_DATA}
            where = "" if error.ename in USER_ERRORS else f"cell {number}: {error.ename}: "
            return _failed(f"{where}{error.evalue}", number)
    return {}


def _explain_end(execution: Execution, error: Exception) -> dict[str, object]:
    """Say how a kernel ended that is no longer there, as far as the system tells."""
    last = execution.replied[0] if execution.left else _last_started(execution.notebook)
    cell = cell_number(execution.notebook, last)
    where = f" in cell {cell}" if cell else " before the first cell"
    code = execution.process.poll() if execution.process else None
    if execution.stopped_because:
        return _failed(f"{execution.stopped_because}{where}", cell)
    if execution.left:
        return _failed(f"the notebook ended its kernel{where} (exit or quit)", cell)
    if code is None or not isinstance(error, RuntimeError):
        return _failed(f"{type(error).__name__}: {error}", cell)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return _failed(f"its kernel was killed by {name}{where}", cell)
    return _failed(f"its kernel ended with exit code {code}{where}", cell)


def _last_started(notebook: NotebookNode | None) -> int | None:
    """Return the position of the last cell that Papermill started."""
    told = [cell.metadata.get("papermill", {}) for cell in notebook.cells] if notebook else []
    return max((i for i, one in enumerate(told) if one.get("start_time")), default=None)


def cell_number(notebook: NotebookNode | None, position: int | None) -> int | None:
    """Count code cells up to a position as JupyterLab numbers them: without empty ones, and those that Papermill adds."""
    if notebook is None or position is None:
        return None
    code = [cell for cell in notebook.cells[: position + 1] if cell.cell_type == "code" and cell.source.strip()]
    return sum(PUT_IN not in cell.metadata.get("tags", []) for cell in code) or None


def read_findings(notebook: NotebookNode | None) -> dict[str, Any]:
    """Take out of a notebook, as far as it went, its title, findings, the data they rest on, and summary."""
    cells = notebook.cells if notebook else []
    bundles = [output["data"] for cell in cells for output in cell.get("outputs", []) if "data" in output]
    found = [bundle[FINDINGS_MIME] for bundle in bundles if FINDINGS_MIME in bundle]
    named = {one["name"]: one for part in found for one in part.get("findings", ())}
    summaries = [bundle[SUMMARY_MIME] for bundle in bundles if SUMMARY_MIME in bundle]
    heading = TITLE.search(next((cell.source for cell in cells if cell.cell_type == "markdown"), ""))
    return {
        **(summaries[-1] if summaries else {}),
        "title": unescape(MARKS.sub(r"\1", heading[1])) if heading else "",
        "findings": [validate(Finding, one, origin=f"finding {name}") for name, one in named.items()],
        "data": list({card.get("id"): card for part in found for card in part.get("data", ())}.values()),
    }


def _render(notebook: Path, executed: NotebookNode | None, record: Record) -> tuple[Record, dict[str, bytes]]:
    """Write the page and what stands beside it; what cannot be rendered fails, and loses nothing that was computed."""
    last = _last_started(executed)
    if executed is None or last is None:  # it never got as far as a kernel
        return record, {FAILED: record.to_json()}
    executed.metadata.pop("papermill", None)  # times, and paths of this machine
    if record.status is not Status.OK:
        executed.cells = executed.cells[: last + 1]
    content = str(nbformat.writes(executed)).encode("utf-8", "replace")
    files = {FAILED_NOTEBOOK: content}
    try:
        page = render(executed, record, folder=notebook.parent).encode("utf-8", "replace")
        if record.status is Status.OK:
            beside = files_beside(executed, record)
            return record, {**beside, PAGE: page, NOTEBOOK: content, GOOD: record.to_json()}
        files[FAILED_PAGE] = page
    except Exception as error:  # of any library that a page needs
        said = f"{record.message} its page cannot be made: {type(error).__name__}: {error}"
        record = record.with_(**_failed(said, record.cell))
        with suppress(Exception):
            files[FAILED_PAGE] = render(nbformat.v4.new_notebook(), record).encode("utf-8", "replace")
    return record, {**files, FAILED: record.to_json()}
