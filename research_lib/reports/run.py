"""Make many reports: several at once, what is unchanged not again, one's failure no other's, an interrupt no loss."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

from filelock import Timeout

from research_lib.errors import DataError, InsufficientDataError, MissingDataError, ReportError
from research_lib.interrupts import CHECK_SECONDS
from research_lib.params import NotebookParameters
from research_lib.reports.inputs import Inputs
from research_lib.reports.options import Options
from research_lib.reports.plan import Report
from research_lib.reports.preflight import price_check, source_check
from research_lib.reports.records import Result, Status
from research_lib.reports.running import RunningReport
from research_lib.reports.store import Made, kept, locked, publish

INTERRUPTED = "interrupted"


class Watcher(Protocol):
    """Is told how a run goes, from several threads."""

    def started(self, name: str) -> None:
        """Hear that a report is being made."""

    def finished(self, result: Result) -> None:
        """Hear what became of a report."""


class Workers(Protocol):
    """What executes reports: kernels of this machine, or a cluster."""

    def make(self, report: Report, *, inputs: str, running: RunningReport, timeout_seconds: float | None) -> Made:
        """Execute one report's notebook and render it; called from several threads."""

    def warm_up(self) -> None:
        """Begin what takes a while, now that there is work."""


@dataclass(frozen=True)
class Task:
    """A report to make.

    Attributes
    ----------
    report : Report
        Of `plan`.
    inputs : str
        The hash of what it depends on.
    settled : Result or None
        What became of it without a kernel; None where it needs one.
    running : RunningReport
        Its execution.
    """

    report: Report
    inputs: str
    settled: Result | None = None
    running: RunningReport = field(default_factory=RunningReport)


def settle(reports: Sequence[Report], *, options: Options, workers: Workers) -> list[Task]:
    """Find which reports need no kernel, and look at the data of the others, so that nothing starts in vain.

    Raises
    ------
    DataError
        A source lacks what a report asks for, or what it has cannot be used.
    """
    inputs = Inputs()
    tasks = [Task(report, inputs.of(report)) for report in reports]
    tasks = [task if options.force else replace(task, settled=kept(task.report, task.inputs)) for task in tasks]
    tasks = _check(tasks, source_check, options)
    if any(task.settled is None for task in tasks):
        workers.warm_up()
    return _check(tasks, price_check(), options)


def make_all(
    tasks: Sequence[Task],
    *,
    options: Options,
    workers: Workers,
    watcher: Watcher,
    interrupted: Callable[[], bool],
) -> list[Result]:
    """Make the reports that are not settled.

    Parameters
    ----------
    tasks : sequence of Task
        Of `settle`.
    options : Options
        How.
    workers : Workers
        Where.
    watcher : Watcher
        Is told of every report that starts and ends.
    interrupted : callable
        Says whether to end: of `noted_interrupts`.

    Returns
    -------
    list of Result
        One for each report, in their order; after an interrupt (Ctrl-C) those not made are `interrupted`.
    """
    results = {task.report.name: task.settled for task in tasks if task.settled}
    for result in results.values():
        watcher.finished(result)
    pending = [task for task in tasks if not task.settled]
    results |= {result.name: result for result in _run(pending, options, workers, watcher, interrupted)}
    return [results[task.report.name] for task in tasks]


def _check(tasks: Sequence[Task], check: Callable[[NotebookParameters], None], options: Options) -> list[Task]:
    left_out = options.leave_out_absent
    return [task if task.settled else replace(task, settled=_settle(task, check, left_out)) for task in tasks]


def _settle(task: Task, check: Callable[[NotebookParameters], None], leave_out_absent: bool) -> Result | None:
    """Say what becomes of a report whose data is absent or too little; None for one to be made."""
    report = task.report
    try:
        check(report.parameters)
    except MissingDataError as error:
        if leave_out_absent:
            return Result(report.name, Status.LEFT_OUT, str(error))
        raise MissingDataError(f"{report.name}: {error}") from error
    except DataError as error:
        raise DataError(f"{report.name}: {error}") from error
    except InsufficientDataError as error:
        from research_lib.reports.make import insufficient

        return publish(report, insufficient(report, str(error), inputs=task.inputs))
    return None


def _run(
    tasks: Sequence[Task], options: Options, workers: Workers, watcher: Watcher, interrupted: Callable[[], bool]
) -> list[Result]:
    """Run tasks on threads (their work is done by kernels); on an interrupt end their kernels, and then the threads."""
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(_finish, task, options, workers, watcher, interrupted) for task in tasks]
        while wait(futures, timeout=CHECK_SECONDS).not_done:
            if interrupted():
                _stop(tasks)
        return [future.result() for future in futures]


def _stop(tasks: Sequence[Task]) -> None:
    """End every kernel; again and again, since one may be about to start."""
    for task in tasks:
        task.running.stop(INTERRUPTED)


def _finish(
    task: Task, options: Options, workers: Workers, watcher: Watcher, interrupted: Callable[[], bool]
) -> Result:
    not_made = Result(task.report.name, Status.INTERRUPTED, "not made")
    try:
        with locked(task.report).acquire(cancel_check=interrupted):
            result = _make(task, options, workers, watcher) if not interrupted() else not_made
    except Timeout:  # of the lock, which another run holds: an interrupt ended the waiting for it
        result = not_made
    except ReportError as error:
        result = Result(task.report.name, Status.FAILED, str(error))
    except Exception as error:  # a defect in the runner costs one report, not all that follow
        result = Result(task.report.name, Status.FAILED, f"{type(error).__name__}: {error}")
    watcher.finished(result)
    return result


def _make(task: Task, options: Options, workers: Workers, watcher: Watcher) -> Result:
    report = task.report
    if not options.force and (result := kept(report, task.inputs)):
        return result  # another run has made it while this one waited for it
    watcher.started(report.name)
    made = workers.make(report, inputs=task.inputs, running=task.running, timeout_seconds=options.timeout_seconds)
    if made.status is not Status.OK and task.running.stopped_because == INTERRUPTED:
        return Result(report.name, Status.INTERRUPTED, "not made")
    return publish(report, made)
