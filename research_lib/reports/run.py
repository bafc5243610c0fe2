"""Make many reports: several at once, what is unchanged not again, one's failure no other's, an interrupt no loss."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from research_lib.errors import InsufficientDataError, MissingDataError, ReportError
from research_lib.project import CHECK_SECONDS, noted_interrupts, write_whole
from research_lib.reports.inputs import Inputs
from research_lib.reports.plan import Plan, Report
from research_lib.reports.record import (
    FAILED,
    FAILED_NOTEBOOK,
    FAILED_PAGE,
    GOOD,
    PAGE,
    Record,
    Status,
    read_record,
    read_records,
)

if TYPE_CHECKING:  # Jupyter's modules take a second: the runner loads them once there is something to execute
    from research_lib.reports.kernels import Execution
    from research_lib.reports.make import Made

SUMMARY, INDEX = "summary.json", "index.html"
INTERRUPTED = "interrupted"
LOST_WORKERS = 3  # a report that has taken this many workers of a cluster down with it is not tried on another
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes
    ----------
    jobs : int
        How many reports at once.
    force : bool
        Make a report again although nothing that it depends on has changed.
    timeout_seconds : float or None
        After which a report's kernel is killed.
    leave_out_absent : bool
        Leave out a report whose data is not here, instead of calling it wrong.
    cluster : str
        Address of a Dask scheduler; `local` for one of `jobs` processes; empty for kernels of this machine.
    keep : bool
        Let the fork server stay for the next run.
    """

    jobs: int = 1
    force: bool = False
    timeout_seconds: float | None = None
    leave_out_absent: bool = False
    cluster: str = ""
    keep: bool = False


class Watcher(Protocol):
    """Is told how a run goes, from several threads."""

    def started(self, name: str) -> None:
        """Hear that a report is being made."""

    def finished(self, record: Record) -> None:
        """Hear what became of a report."""


class Submit(Protocol):
    """Executes and renders one report, here or on a cluster; `make.make` is one."""

    def __call__(
        self,
        notebook: Path,
        parameters: Mapping[str, Any],
        asked: Record,
        *,
        execution: "Execution",
        timeout_seconds: float | None,
    ) -> "Made":
        """Make a report; called from several threads."""


@dataclass(frozen=True)
class Task:
    """A report to make, the record it begins with, and its execution."""

    report: Report
    asked: Record
    execution: "Execution"


def run(
    plan: Plan,
    *,
    output: Path,
    options: Options,
    request: Mapping[str, Any],
    watch: Callable[[int], AbstractContextManager[Watcher]],
) -> list[Record]:
    """Make the reports of a plan, and write the summary and the index of all reports below a folder.

    Parameters
    ----------
    plan : Plan
        What to make, and what is wrong with the rest.
    output : Path
        The folder of all reports.
    options : Options
        How to run.
    request : mapping
        What was asked for on the command line; kept in the summary, so that an interrupted run can go on.
    watch : callable
        Takes the number of reports, gives what is told of them.

    Returns
    -------
    list of Record
        One for each report and each fault; after an interrupt those not made are `interrupted`.

    Raises
    ------
    ReportError
        The folder cannot be written, or the cluster not be reached: nothing ran.
    """
    _write(output, {output / SUMMARY: _summary(request, [], finished=False)})  # so that a killed run can be resumed
    with noted_interrupts() as interrupted:
        with watch(len(plan.reports) + len(plan.faults)) as watcher:
            records = _make_all(plan, options, watcher, interrupted)
        finished = not any(record.status is Status.INTERRUPTED for record in records)
        _write(output, {output / SUMMARY: _summary(request, records, finished=finished)})
        if not (output / INDEX).exists() or any(record.status is not Status.UNCHANGED for record in records):
            _write_index(output, records)
    return records


def check(reports: Sequence[Report], *, leave_out_absent: bool) -> dict[str, Record]:
    """Look at the data that reports ask for, without a kernel; return records of those that cannot be made of it."""
    from research_lib.data.check import check_sources
    from research_lib.params import Parameters

    ours = [(report, report.parameters) for report in reports if isinstance(report.parameters, Parameters)]
    found: dict[str, Record] = {}
    for (report, _), error in zip(ours, check_sources([parameters for _, parameters in ours]), strict=True):
        if error is not None:
            status = Status.WRONG
            if isinstance(error, InsufficientDataError):
                status = Status.INSUFFICIENT_DATA
            elif isinstance(error, MissingDataError) and leave_out_absent:
                status = Status.LEFT_OUT
            found[report.name] = report.record(status, str(error))
    return found


def up_to_date(report: Report, inputs: str) -> Record | None:
    """Return the record of a report that is there already, made of the same inputs, and nothing failed since.

    One whose last session was not over is made again: the same file may hold one session more by now.
    """
    record = read_record(report.file(GOOD))
    if record is None or record.inputs != inputs or any(card.get("unfinished") for card in record.data):
        return None
    if not report.file(PAGE).exists() or report.file(FAILED).exists():
        return None
    return record.with_(status=Status.UNCHANGED)


def _make_all(plan: Plan, options: Options, watcher: Watcher, interrupted: Callable[[], bool]) -> list[Record]:
    records = {record.name: record for record in plan.faults}
    for record in plan.faults:
        watcher.finished(record)
    inputs, pending = Inputs(), []
    for report in plan.reports:
        digest = inputs.of(report.notebook, report.record(Status.OK).parameters, output=report.folder.parent)
        kept = None if options.force else up_to_date(report, digest)
        if kept:
            records[report.name] = kept
            watcher.finished(kept)
        else:
            pending.append((report, digest))
    if pending and not interrupted():
        with open_workers(options, interrupted) as submit:
            tasks = []
            unusable = check([report for report, _ in pending], leave_out_absent=options.leave_out_absent)
            for report, digest in pending:
                if unfit := unusable.get(report.name):
                    records[report.name] = _publish_unfit(report, unfit.with_(inputs=digest))
                    watcher.finished(records[report.name])
                else:
                    from research_lib.reports.kernels import Execution

                    tasks.append(Task(report, report.record(Status.OK, inputs=digest), Execution()))
            records |= {record.name: record for record in _run(tasks, submit, options, watcher, interrupted)}
    for report, _ in pending:
        records.setdefault(report.name, report.record(Status.INTERRUPTED, "not made"))
    return list(records.values())


def _publish_unfit(report: Report, record: Record) -> Record:
    """Keep the record of a report whose data is too little; of what is wrong or left out nothing is kept."""
    if record.status is not Status.INSUFFICIENT_DATA:
        return record
    from research_lib.reports.make import Made

    return publish(report, Made(record, {FAILED: record.to_json()}))


def _run(
    tasks: Sequence[Task], submit: Submit, options: Options, watcher: Watcher, interrupted: Callable[[], bool]
) -> list[Record]:
    """Run tasks on threads (kernels do their work); on an interrupt end their kernels, and then the threads."""
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(_finish, task, submit, options, watcher, interrupted) for task in tasks]
        while wait(futures, timeout=CHECK_SECONDS).not_done:
            if interrupted():
                for task in tasks:  # again and again, since a kernel may be about to start
                    task.execution.stop(INTERRUPTED)
        return [future.result() for future in futures]


def _finish(task: Task, submit: Submit, options: Options, watcher: Watcher, interrupted: Callable[[], bool]) -> Record:
    """Make a report; whatever goes wrong costs this one only."""
    from filelock import Timeout

    report, not_made = task.report, task.asked.with_(status=Status.INTERRUPTED, message="not made")
    record = not_made
    try:
        with _locked(report).acquire(cancel_check=interrupted):
            if not interrupted():
                record = _make(task, submit, options, watcher)
    except Timeout:  # another run holds the lock, and an interrupt ended the waiting for it
        pass
    except ReportError as error:
        record = task.asked.with_(status=Status.FAILED, message=str(error))
    except Exception as error:  # a defect in the runner
        record = task.asked.with_(status=Status.FAILED, message=f"{type(error).__name__}: {error}")
    watcher.finished(record)
    return record


def _make(task: Task, submit: Submit, options: Options, watcher: Watcher) -> Record:
    report, asked, execution = task.report, task.asked, task.execution
    if not options.force and (kept := up_to_date(report, asked.inputs)):
        return kept  # another run has made it while this one waited for it
    watcher.started(report.name)
    made = submit(report.notebook, report.injected, asked, execution=execution, timeout_seconds=options.timeout_seconds)
    if made.record.status is not Status.OK and execution.stopped_because == INTERRUPTED:
        return asked.with_(status=Status.INTERRUPTED, message="not made")
    return publish(report, made)


def _locked(report: Report) -> Any:  # noqa: ANN401  # filelock's class, imported where there is work
    """Return the lock of a report, which another run that makes it holds; it ends with its process."""
    from filelock import FileLock

    folder = report.folder.parent / ".locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"{report.folder.parent}: cannot be written ({error.strerror})") from error
    return FileLock(folder / f"{report.notebook.stem}--{report.slug}.lock")


def publish(report: Report, made: "Made") -> Record:
    """Put a report's files in place; one that failed stands beside the last good one, never in its place.

    Raises
    ------
    ReportError
        They cannot be written.
    """
    record, files = made.record, dict(made.files)
    before = read_record(report.file(GOOD))
    if record.status is Status.OK and before:
        same = before.inputs == record.inputs
        record = record.with_(previous=before.previous if same else before.with_(previous=None))
        files[GOOD] = record.to_json()  # last, as in `made`: with its record a report counts as made
    _write(report.folder, {report.file(suffix): content for suffix, content in files.items()})
    if record.status is Status.OK:
        for suffix in (FAILED, FAILED_NOTEBOOK, FAILED_PAGE):
            report.file(suffix).unlink(missing_ok=True)
        for path in report.file("figures").glob("*"):
            if f"figures/{path.name}" not in files:
                path.unlink(missing_ok=True)
    return record


def _write(folder: Path, files: Mapping[Path, bytes]) -> None:
    try:
        write_whole(files)
    except OSError as error:
        raise ReportError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error


def _summary(request: Mapping[str, Any], records: Sequence[Record], *, finished: bool) -> bytes:
    """Write what was asked for and what came of it, for programs."""
    kept = {"notebook", "slug", "status", "message", "cell", "headline", "duration_seconds"}
    content = {
        "request": dict(request),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": finished,
        "counts": dict(Counter(str(record.status) for record in records)),
        "reports": [{"name": one.name, **one.model_dump(mode="json", include=kept)} for one in records],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _write_index(output: Path, records: Sequence[Record]) -> None:
    """Write the index of all reports; those of this run that left no record of their own are shown as they ended."""
    from research_lib.reports.index import write_index

    known = {record.name: record for record in read_records(output)}
    for record in records:
        if record.status in {Status.WRONG, Status.LEFT_OUT} or record.name not in known:
            known[record.name] = record.with_(previous=known.get(record.name))
    try:
        write_index(output, list(known.values()))
    except OSError as error:
        raise ReportError(f"{error.filename or output}: cannot be written ({error.strerror})") from error


@contextmanager
def open_workers(options: Options, interrupted: Callable[[], bool]) -> Iterator[Submit]:
    """Give what executes reports: kernels of this machine, or a Dask cluster whose workers have this project too.

    Raises
    ------
    ReportError
        Dask is not installed, or no scheduler answers.
    """
    if options.cluster:
        with _cluster(options) as submit:
            yield submit
        return
    from research_lib.reports.forkserver import FORK_SERVER, KEEP_SECONDS, without_grammars

    FORK_SERVER.start()  # it imports what kernels need while this process looks at data
    with without_grammars():
        from research_lib.reports.make import make
    try:
        yield make
    finally:
        FORK_SERVER.release(keep_seconds=KEEP_SECONDS if options.keep and not interrupted() else 0)


@contextmanager
def _cluster(options: Options) -> Iterator[Submit]:
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise ReportError("--cluster needs dask.distributed: pip install research-lib[cluster]") from error
    from research_lib.reports.make import Made

    def submit(
        notebook: Path,
        parameters: Mapping[str, Any],
        asked: Record,
        *,
        execution: "Execution",
        timeout_seconds: float | None,
    ) -> Made:
        future = client.submit(_make_there, notebook, dict(parameters), asked, timeout_seconds, pure=False)
        while not execution.stopped_because:
            try:
                made: Made = future.result(timeout=CHECK_SECONDS)
            except TimeoutError:
                continue
            except KilledWorker:
                message = f"{LOST_WORKERS} workers of the cluster died while they made it"
                return Made(failed := asked.with_(status=Status.FAILED, message=message), {FAILED: failed.to_json()})
            return made
        future.cancel()
        return Made(asked.with_(status=Status.FAILED, message=execution.stopped_because), {})

    # Workers start kernels, which Dask's own kind of process, a daemon, may not.
    with dask.config.set({"distributed.scheduler.allowed-failures": LOST_WORKERS, "distributed.worker.daemon": False}):
        processes = {"n_workers": options.jobs, "threads_per_worker": 1, "dashboard_address": None}
        local = LocalCluster(**processes) if options.cluster == "local" else None
        try:
            with Client(local or options.cluster, timeout=CONNECT_SECONDS) as client:
                yield submit
        except OSError as error:
            raise ReportError(f"--cluster {options.cluster}: no Dask scheduler answers there ({error})") from error
        finally:
            if local is not None:
                local.close()


def _make_there(notebook: Path, parameters: Mapping[str, Any], asked: Record, timeout_seconds: float | None) -> "Made":
    """Make a report on a worker, if it would be the same report there."""
    from research_lib.reports.kernels import Execution
    from research_lib.reports.make import Made, make

    if Inputs().of(notebook, asked.parameters) != asked.inputs:
        message = "the cluster's worker has another version of the notebook, library, Python or data"
        return Made(failed := asked.with_(status=Status.FAILED, message=message), {FAILED: failed.to_json()})
    return make(notebook, parameters, asked, execution=Execution(), timeout_seconds=timeout_seconds)


def default_jobs() -> int:
    """One more than processors: a report waits for messages and the disk part of its time."""
    return (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1) + 1
