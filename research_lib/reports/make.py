"""Make one report: execute its notebook, say how that ended, and keep what came of it."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Timer
from types import MappingProxyType
from typing import Any

import nbformat
from nbformat import NotebookNode

from research_lib.errors import InsufficientDataError
from research_lib.findings import FINDINGS_MIME
from research_lib.reports.html import HEADLINE_TAG, Failure, render
from research_lib.reports.plan import Report
from research_lib.reports.records import FAILED, FAILED_PAGE, FINDINGS, Status, to_json
from research_lib.reports.running import RunningReport
from research_lib.reports.store import Made

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it logs of a failure is raised too, and told
ENGINE = "research-lib"  # engine.py, by its entry point
# Errors that IPython names but the runner never sees as objects: they were raised in the kernel.
USER_ERRORS = frozenset({"ParameterError", "DataError", "MissingDataError", "InsufficientDataError"})
NOTHING_FOUND: Mapping[str, Any] = MappingProxyType({"answer": "", "data": [], "findings": []})


def make(report: Report, *, inputs: str, running: RunningReport, timeout_seconds: float | None) -> Made:
    """Execute a report's notebook and render it; of one that fails, as far as it went.

    Parameters
    ----------
    report : Report
        Of `plan`.
    inputs : str
        The hash of what it depends on, kept in its record.
    running : RunningReport
        Through which it can be stopped meanwhile.
    timeout_seconds : float or None
        After which its kernel is killed.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    made = _execute(report, running, timeout_seconds)
    found = read_findings(running.notebook)
    if made.status is Status.OK and found is NOTHING_FOUND:
        made = Made(Status.FAILED, "the notebook shows no findings: end it with a cell that does")
    made = replace(made, seconds=round(time.monotonic() - clock, 2))
    record = _record(report, made, inputs=inputs, started=started) | dict(found)
    return replace(made, files=_files(report, made, running.notebook, record))


def insufficient(report: Report, message: str, *, inputs: str) -> Made:
    """Say of a report that its data is too little, which was seen before it ran."""
    made = Made(Status.INSUFFICIENT_DATA, message)
    record = _record(report, made, inputs=inputs, started=datetime.now(UTC)) | dict(NOTHING_FOUND)
    return replace(made, files={FAILED: to_json(record)})


def _execute(report: Report, running: RunningReport, timeout_seconds: float | None) -> Made:
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from papermill.exceptions import PapermillExecutionError

    with _event_loop(), _stopped_after(running, timeout_seconds):
        try:
            papermill.execute_notebook(
                report.source_notebook,
                None,
                parameters=report.parameters.model_dump(mode="json"),
                engine_name=ENGINE,
                running=running,
                progress_bar=False,
            )
        except PapermillExecutionError as error:
            return _explain(error)
        except NoSuchKernel as error:
            return Made(
                Status.FAILED, f"the notebook's kernel {error.name!r} is not installed: jupyter kernelspec list"
            )
        except RuntimeError:  # nbclient's, of a kernel that is no longer there
            cell = _last_started(running.notebook)
            reason = running.stopped_because or f"its kernel died in cell {cell} (out of memory?)"
            return Made(Status.FAILED, reason, cell)
    return Made(Status.OK)


@contextmanager
def _event_loop() -> Iterator[None]:
    """Close the loop that nbclient opens for each thread and leaves open."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        loop.close()


@contextmanager
def _stopped_after(running: RunningReport, timeout_seconds: float | None) -> Iterator[None]:
    if timeout_seconds is None:
        yield
        return
    timer = Timer(timeout_seconds, running.stop, [f"stopped: over its timeout of {timeout_seconds:g} s"])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _explain(error: Any) -> Made:  # noqa: ANN401  # Papermill is untyped
    cell = error.exec_count
    if error.ename == InsufficientDataError.__name__:
        return Made(Status.INSUFFICIENT_DATA, error.evalue, cell)
    of_the_user = error.ename in USER_ERRORS
    return Made(Status.FAILED, error.evalue if of_the_user else f"cell {cell}: {error.ename}: {error.evalue}", cell)


def _last_started(notebook: NotebookNode | None) -> int | None:
    """Count the code cells that Papermill started; the last of them is where a kernel died."""
    cells = _as_far_as_it_went(notebook).cells if notebook else []
    return sum(cell.cell_type == "code" for cell in cells) or None


def _as_far_as_it_went(notebook: NotebookNode) -> NotebookNode:
    started = [i for i, cell in enumerate(notebook.cells) if cell.metadata.get("papermill", {}).get("start_time")]
    return NotebookNode({**notebook, "cells": notebook.cells[: max(started, default=-1) + 1]})


def _record(report: Report, made: Made, *, inputs: str, started: datetime) -> dict[str, Any]:
    return {
        "notebook": report.notebook,
        "slug": report.slug,
        "status": made.status,
        "message": made.message,
        "cell": made.cell,
        "started": started.isoformat(timespec="seconds"),
        "duration_seconds": made.seconds,
        "inputs": inputs,
        "parameters": report.parameters.model_dump(mode="json"),
    }


def _files(report: Report, made: Made, notebook: NotebookNode | None, record: Mapping[str, object]) -> dict[str, bytes]:
    """Render what was executed: a report, or the part of one before it failed."""
    if notebook is None or _last_started(notebook) is None:  # it never got as far as a kernel
        return {FAILED: to_json(record)}
    if made.status is not Status.OK:
        failure = Failure(made.cell, made.message, report.parameters.model_dump(mode="json"))
        page = render(_as_far_as_it_went(notebook), name=report.notebook, slug=report.slug, failure=failure)
        return {FAILED_PAGE: page.encode(), FAILED: to_json(record)}
    page = render(notebook, name=report.notebook, slug=report.slug)
    notebook.metadata.pop("papermill", None)  # times and this machine's paths; the page's provenance says the rest
    return {"html": page.encode(), "ipynb": nbformat.writes(notebook).encode(), FINDINGS: to_json(record)}


def read_findings(executed: NotebookNode | None) -> Mapping[str, Any]:
    """Take the findings, the data they rest on and the one-line answer out of a notebook, as far as it went."""
    cells = executed.cells if executed else []
    bundles = [bundle[FINDINGS_MIME] for cell in cells for bundle in _bundles(cell) if FINDINGS_MIME in bundle]
    if not bundles:
        return NOTHING_FOUND
    headlines = [cell for cell in cells if HEADLINE_TAG in cell.metadata.get("tags", [])]
    answers = [bundle.get("text/markdown", "") for cell in headlines for bundle in _bundles(cell)]
    return {**bundles[-1], "answer": " ".join(answers).replace("**", "")}


def _bundles(cell: NotebookNode) -> Iterator[Any]:
    yield from (output["data"] for output in cell.get("outputs", []) if "data" in output)
