"""Make one report: execute its notebook, say how that ended, and render what came of it."""

import logging
import signal
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from textwrap import shorten
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
from research_lib.reports.record import NOTEBOOK, PAGE, Finding, Record, Status

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it logs of a failure is raised too, and told
PUT_IN = "injected-parameters"  # the tag of the cell that Papermill adds
LONGEST_MESSAGE = 300
Outcome = tuple[Status, str, int]  # how an execution ended: what is to be said, and how many cells it is after
# Errors of the kit say all that is to be said; of others their names belong to it.
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
    started = datetime.now(UTC)
    timer = Timer(timeout_seconds or TIMEOUT_MAX, execution.stop, [f"over its timeout of {timeout_seconds or 0:g} s"])
    timer.daemon = True
    timer.start()
    with closing(ensure_event_loop()):  # nbclient opens one for each thread and leaves it open
        status, said, reached = _execute(notebook, parameters, execution)
    timer.cancel()
    cell, seconds = _cell_number(execution.notebook.cells[:reached]), (datetime.now(UTC) - started).total_seconds()
    record = asked.with_(
        status=status, cell=cell, message=_line(f"cell {cell}: {said}" if cell else said),
        started=started.isoformat(timespec="seconds"), duration_seconds=round(seconds, 2),
    )  # fmt: skip
    try:
        values = read_findings(execution.notebook) | record.model_dump(exclude_defaults=True)
        record = validate(Record, values, origin="summary")
    except Exception as error:  # a cell may show anything under their names
        record = record.with_(status=Status.FAILED, message=_line(f"its findings cannot be read: {error}"))
    return _render(notebook, execution.notebook, record)


def _execute(notebook: Path, parameters: Mapping[str, Any], execution: Execution) -> Outcome:
    """Execute a notebook; say how that ended."""
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
        kernel, language = (spec.get("name") or "python3").lower(), (spec.get("language") or "python").lower()
        if language == "python" and kernel not in KernelSpecManager().find_kernel_specs():
            said = f"the notebook's kernel {kernel!r} is not installed here: executed on python3"
            kernel = "python3"  # in place of another machine's
        papermill.execute_notebook(
            content, None, parameters=dict(parameters), engine_name="research-lib", kernel_name=kernel, language=language,
            execution=execution, folder=str(notebook.parent), progress_bar=False,
        )  # fmt: skip
    except PapermillExecutionError:
        remove_error_markers(execution.notebook)  # the record says it
    except Exception as error:  # of Jupyter, mostly: its kernel is gone, or could not start
        return _explain_end(execution, error)
    finally:
        execution.stop()
    return _explain_error(execution) or (Status.OK, said, 0)


def _explain_error(execution: Execution) -> Outcome | None:
    """Say which cell failed, and why; nothing where none did, or its error was meant (tag `raises-exception`)."""
    for reached, cell in enumerate(execution.notebook.cells, 1):
        shown = [one for one in cell.get("outputs", []) if one.output_type == "error"]
        if not shown and cell.metadata.get("papermill", {}).get("exception"):  # of a magic IPython shows a text
            shown = [NotebookNode(execution.replied[1])]
        for error in shown if "raises-exception" not in cell.metadata.get("tags", []) else []:
            if error.ename == "SystemExit" and error.evalue in {"", "0", "None"}:
                return Status.OK, "the notebook ended itself", reached
            little = error.ename == errors.InsufficientDataError.__name__
            said = error.evalue if error.ename in USER_ERRORS else f"{error.ename}: {error.evalue}"
            return Status.INSUFFICIENT_DATA if little else Status.FAILED, said, reached
    return None


def _explain_end(execution: Execution, error: Exception) -> Outcome:
    """Say how a kernel ended that is no longer there, as far as the system tells."""
    code = execution.process.poll() if execution.process else None
    if execution.stopped_because:
        said = execution.stopped_because
    elif execution.left:
        return Status.FAILED, "the notebook ended its kernel (exit or quit)", execution.replied[0] + 1
    elif code is None or not isinstance(error, RuntimeError):
        said = f"{type(error).__name__}: {error}"
    elif code < 0:
        said = f"its kernel was ended by signal {-code} ({signal.strsignal(-code)})"
    else:
        said = f"its kernel ended with exit code {code}"
    return Status.FAILED, said, _started(execution.notebook)


def _started(notebook: NotebookNode) -> int:
    """Count the cells down to the last one that Papermill started."""
    times = [cell.metadata.get("papermill", {}).get("start_time") for cell in notebook.cells]
    return max((i for i, time in enumerate(times, 1) if time), default=0)


def _cell_number(cells: Sequence[NotebookNode]) -> int | None:
    """Count code cells as JupyterLab numbers them: without empty ones, and the one that Papermill adds."""
    code = [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]
    return sum(PUT_IN not in cell.metadata.get("tags", []) for cell in code) or None


def _line(message: str) -> str:
    return shorten(strip_ansi(message), LONGEST_MESSAGE, placeholder=" …")


def read_findings(notebook: NotebookNode) -> dict[str, Any]:
    """Take out of a notebook, as far as it went, its title, findings, the data they rest on, and summary."""
    bundles = [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    found = [bundle[FINDINGS_MIME] for bundle in bundles if FINDINGS_MIME in bundle]
    summaries = [bundle[SUMMARY_MIME] for bundle in bundles if SUMMARY_MIME in bundle]
    named = {one["name"]: one for part in found for one in part.get("findings", ())}
    heading = TITLE.search(next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), ""))
    return {
        **(summaries[-1] if summaries else {}),
        "title": unescape(MARKS.sub(r"\1", heading[1])) if heading else "",
        "findings": [validate(Finding, one, origin=f"finding {name}") for name, one in named.items()],
        "data": list({card.get("id"): card for part in found for card in part.get("data", ())}.values()),
    }


def _render(notebook: Path, executed: NotebookNode, record: Record) -> tuple[Record, dict[str, bytes]]:
    """Write the page and what stands beside it; what cannot be rendered fails, and loses nothing that was computed."""
    executed.metadata.pop("papermill", None)  # times, and paths of this machine
    if record.status is not Status.OK:
        executed.cells = executed.cells[: _started(executed)]
    content = str(nbformat.writes(executed)).encode("utf-8", "replace")
    try:
        beside = files_beside(executed, record) if record.status is Status.OK else {}
        page = render(executed, record, folder=notebook.parent)
    except Exception as error:  # of any library that a page needs
        message = _line(f"{record.message} its page cannot be made: {type(error).__name__}: {error}")
        record = record.with_(status=Status.FAILED, message=message)
        page, beside = render(nbformat.v4.new_notebook(), record), {}
    return record, {**beside, PAGE: page.encode("utf-8", "replace"), NOTEBOOK: content}
