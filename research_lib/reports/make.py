"""Make one report: execute its notebook, say how that ended, and render what came of it."""

import logging
import signal
from collections.abc import Mapping
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
Outcome = tuple[Status, str, int | None]  # how it ended, what is to be said, and how many cells it reached, if not all


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
    notebook: Path, parameters: Mapping[str, Any], asked: Record, execution: Execution, timeout: float | None = None
) -> tuple[Record, dict[str, bytes]]:
    """Execute a notebook in its own folder and render it, as far as it went: its record, and its files by their endings."""
    started, over = datetime.now(UTC), f"over its timeout of {timeout or 0:g} s"
    timer = Timer(timeout or TIMEOUT_MAX, execution.stop, [over])
    timer.daemon = True
    timer.start()
    with closing(ensure_event_loop()):  # nbclient opens one for each thread and leaves it open
        status, said, reached = _execute(notebook, parameters, execution)
    timer.cancel()
    executed, seconds = execution.notebook, (datetime.now(UTC) - started).total_seconds()
    code = [one for one in executed.cells[: reached or 0] if one.cell_type == "code" and one.source.strip()]
    cell = sum(PUT_IN not in one.metadata.get("tags", []) for one in code) or None  # as JupyterLab numbers them
    record = asked.with_(
        status=status, cell=cell, message=_line(f"cell {cell}: {said}" if cell else said),
        started=started.isoformat(timespec="seconds"), duration_seconds=round(seconds, 2),
    )  # fmt: skip
    try:
        values = read_findings(executed) | record.model_dump(exclude_defaults=True)
        record = validate(Record, values, origin="summary")
    except Exception as error:  # a cell may show anything under their names
        record = record.with_(status=Status.FAILED, message=_line(f"its findings cannot be read: {error}"))
    executed.cells = [one for one in executed.cells if one.metadata.get("papermill", {}).get("start_time")]  # that ran
    executed.metadata.pop("papermill", None)  # times, and paths of this machine
    try:
        page = render(executed, record, folder=notebook.parent)
    except Exception as error:  # of any library that a page needs; nothing that was computed is lost
        message = _line(f"{record.message} its page cannot be made: {type(error).__name__}: {error}")
        record = record.with_(status=Status.FAILED, message=message)
        page = render(nbformat.v4.new_notebook(), record)
    beside = files_beside(page) if record.status is Status.OK else {}
    files = {**beside, PAGE: page, NOTEBOOK: str(nbformat.writes(executed))}
    return record, {name: text.encode("utf-8", "replace") for name, text in files.items()}


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
            execution=execution, resources={"metadata": {"path": str(notebook.parent)}}, progress_bar=False,
        )  # fmt: skip
    except PapermillExecutionError:
        remove_error_markers(execution.notebook)  # the record says it
    except Exception as error:  # of Jupyter, mostly: its kernel is gone, or could not start
        return _explain_end(execution, error)
    finally:
        execution.stop()
    return _explain_error(execution) or (Status.OK, said, None)


def _explain_error(execution: Execution) -> Outcome | None:
    """Say which cell failed, and why; nothing where none did, or its error was meant (tag `raises-exception`)."""
    for reached, cell in enumerate(execution.notebook.cells, 1):
        shown = [one for one in cell.get("outputs", []) if one.output_type == "error"]
        if cell.metadata.get("papermill", {}).get("exception"):
            shown.append(execution.replied)  # of a magic IPython shows a text
        if shown and "raises-exception" not in cell.metadata.get("tags", []):
            name, text = shown[0]["ename"], shown[0]["evalue"]
            if name == "SystemExit" and text in {"", "0", "None"}:
                return Status.OK, "the notebook ended itself", reached
            little = name == errors.InsufficientDataError.__name__
            said = text if hasattr(errors, name) else f"{name}: {text}"  # the kit's own say all that is to be said
            return Status.INSUFFICIENT_DATA if little else Status.FAILED, said, reached
    return None


def _explain_end(execution: Execution, error: Exception) -> Outcome:
    """Say how a kernel ended that is no longer there, as far as the system tells, and after which cell."""
    code = execution.process.poll() if execution.process else None
    said = execution.stopped_because or f"{type(error).__name__}: {error}"
    if not execution.stopped_because and code is not None and isinstance(error, RuntimeError):
        how = f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"
        said = f"its kernel {how}"
    started = [cell for cell in execution.notebook.cells if cell.metadata.get("papermill", {}).get("start_time")]
    return Status.FAILED, said, len(started)


def _line(message: str) -> str:
    return shorten(strip_ansi(message), 300, placeholder=" …")


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
