"""Make many reports: several at once, what is unchanged not again, one's failure no other's, an interrupt no loss."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from research_lib.errors import InsufficientDataError, MissingDataError, ReportError, ResearchError
from research_lib.params import Parameters
from research_lib.project import CHECK_SECONDS, display_path, noted_interrupts, write_whole
from research_lib.reports.inputs import Inputs
from research_lib.reports.plan import Plan, Report
from research_lib.reports.record import (
    FAILED,
    FAILED_PAGE,
    FAILURE,
    GOOD,
    MADE,
    PAGE,
    Record,
    Status,
    read_record,
    read_records,
)

if TYPE_CHECKING:  # Jupyter takes half a second: it is imported once there is something to execute
    from research_lib.reports.kernels import Execution
    from research_lib.reports.make import Made

SUMMARY, INDEX = "summary.json", "index.html"
STYLES = {Status.OK: "green", Status.UNCHANGED: "dim", Status.INSUFFICIENT_DATA: "yellow"}
INTERRUPTED, CONNECT_SECONDS = "interrupted", 10
FILES, FILES_OF_A_KERNEL = 38, 25  # that are open in a run
NOT_MADE = {"status": Status.INTERRUPTED, "message": "not made"}


@dataclass(frozen=True)
class Options:
    """How to run."""

    jobs: int = 1  # how many reports at once
    force: bool = False  # make a report again although nothing that it depends on has changed
    timeout_seconds: float | None = None  # after which a report's kernel is killed
    leave_out_absent: bool = False  # leave out a report whose data is not here, instead of calling it wrong
    cluster: str = ""  # address of a Dask scheduler, or `local`


def run(plan: Plan, *, output: Path, options: Options, request: Mapping[str, Any]) -> list[Record]:
    """Make the reports of a plan; write the summary and the index of all reports below `output`; return what became of each.

    `request` is what was asked for on the command line: the summary keeps it, so that an interrupted run can go on. Where
    the folder cannot be written, or the cluster not be reached, nothing runs: `ReportError`.
    """
    _write_summary(output, request, [], finished=False)  # so that a run which is killed can be resumed
    with noted_interrupts() as interrupted:
        with Progress(len(plan.reports) + len(plan.faults), output) as progress:
            records = _Run(options, progress, interrupted).make_all(plan)
        _write_summary(output, request, records, finished=all(one.status is not Status.INTERRUPTED for one in records))
        if not (output / INDEX).exists() or any(one.status is not Status.UNCHANGED for one in records):
            _write_index(output, records)
    return records


class Progress:
    """A bar in a terminal, a line for every report that is finished, and where to look at the end."""

    def __init__(self, total: int, output: Path) -> None:
        self._console, self._output, self._lock = Console(soft_wrap=True), output, Lock()
        columns = [BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")]
        self._bar = Bar(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
        self._task = self._bar.add_task("", total=total)
        self._left_out: list[str] = []

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._bar.stop()
        if self._left_out:
            why = "python -m research_lib check says what each needs"
            self._say(f"left out, their data is not here: {', '.join(self._left_out)}; {why}", "dim")
        if kind is None:
            self._say(f"index: {display_path(self._output / INDEX)}", "")

    def started(self, name: str) -> None:
        """Show which report was begun last."""
        self._bar.update(self._task, description=name)

    def finished(self, record: Record) -> Record:
        """Say in a line what became of a report; return its record."""
        self._bar.update(self._task, advance=1)
        if record.status is Status.LEFT_OUT:  # a line for all of them, at the end
            self._left_out.append(record.name)
        else:
            self._say(describe(record, self._output), STYLES.get(record.status, "red"))
        return record

    def _say(self, line: str, style: str) -> None:
        try:
            with self._lock:
                self._console.print(line, style=style, markup=False, highlight=False)
        except (OSError, SystemExit):  # nobody reads it any more, or the disk is full: the reports are what counts
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for the rest of the process


def describe(record: Record, output: Path) -> str:
    """Say in a line what became of a report: its headline or what went wrong, and where its page is."""
    if record.status is Status.WRONG:
        lines = [line.removeprefix(f"{record.name}: ") for line in record.message.splitlines()]
        return "\n".join(f"{record.name}: wrong: {line}" for line in lines)
    as_of, ends = str(record.parameters.get("as_of") or ""), str(record.data[0].get("last", "")) if record.data else ""
    late = f"as_of is {as_of}, but the data ends on {ends}" if ends and as_of > ends else ""
    page = output / record.link(PAGE if record.status in MADE else FAILED_PAGE)
    seconds = 0 if record.status is Status.UNCHANGED else record.duration_seconds
    said = "; ".join(filter(None, [record.headline, record.message, late]))
    seen = [display_path(page) if page.exists() else "", f"{seconds:.1f} s" if seconds else ""]
    where = ", ".join(filter(None, seen))
    return f"{record.name}: {record.status.replace('_', ' ')}: {said}" + (f" ({where})" if where else "")


class _Run:
    """A run under way: how, whom to tell, and whether it is to end."""

    def __init__(self, options: Options, progress: Progress, interrupted: Callable[[], bool]) -> None:
        self.options, self.progress, self.interrupted = options, progress, interrupted

    def make_all(self, plan: Plan) -> list[Record]:
        done = {record.name: self.progress.finished(record) for record in plan.faults}
        inputs, asked = Inputs(), dict[str, Record]()
        for report in plan.reports:
            record = report.record(Status.OK)
            asked[report.name] = record.with_(inputs=inputs.of(report.notebook, record.parameters))
            if kept := self._up_to_date(report, asked[report.name]):
                done[report.name] = self.progress.finished(kept)
        pending = [report for report in plan.reports if report.name not in done]
        if pending and not self.interrupted():
            with self._workers() as submit:
                unfit = check(pending, leave_out_absent=self.options.leave_out_absent)
                for report in pending:
                    if report.name in unfit:
                        record = unfit[report.name].with_(inputs=asked[report.name].inputs)
                        if record.status is Status.INSUFFICIENT_DATA:  # of what is wrong or left out nothing is kept
                            publish(report, record, {FAILED: record.to_json()})
                        done[report.name] = self.progress.finished(record)
                pending = [report for report in pending if report.name not in done]
                done |= {one.name: one for one in self._execute(pending, asked, submit)}
        return list(done.values()) + [asked[one.name].with_(**NOT_MADE) for one in pending if one.name not in done]

    def _up_to_date(self, report: Report, asked: Record) -> Record | None:
        return None if self.options.force else up_to_date(report, asked.inputs)

    def _execute(self, reports: Sequence[Report], asked: Mapping[str, Record], submit: Any) -> list[Record]:  # noqa: ANN401
        """Make reports on threads (kernels do their work); on an interrupt end their kernels, and so the threads."""
        from research_lib.reports.kernels import Execution

        work = [(report, asked[report.name], Execution(), submit) for report in reports]
        with ThreadPoolExecutor(min(self.options.jobs, most_kernels())) as pool:
            futures = [pool.submit(self._finish, *one) for one in work]
            while wait(futures, timeout=CHECK_SECONDS).not_done:
                if self.interrupted():
                    for _, _, execution, _ in work:  # again and again: a kernel may be about to start
                        execution.stop(INTERRUPTED)
            return [future.result() for future in futures]

    def _finish(self, report: Report, asked: Record, execution: "Execution", submit: Any) -> Record:  # noqa: ANN401
        """Make a report; whatever goes wrong costs this one only."""
        record = asked.with_(**NOT_MADE)
        lock = report.folder.parent / ".locks" / f"{report.name.replace('/', '--')}.lock"
        try:
            _write(lock.parent, {})
            with FileLock(lock).acquire(cancel_check=self.interrupted):
                if kept := self._up_to_date(report, asked):  # another run has made it while this one waited for it
                    record = kept
                elif not self.interrupted():
                    self.progress.started(report.name)
                    how = {"execution": execution, "timeout_seconds": self.options.timeout_seconds}
                    made = submit(report.notebook, report.injected, asked, **how)
                    if made.record.status is Status.OK or execution.stopped_because != INTERRUPTED:
                        record = publish(report, made.record, made.files)
        except Timeout:  # another run holds the lock, and an interrupt ended the waiting for it
            pass
        except Exception as error:  # a folder that cannot be written, or a defect in the runner
            if execution.stopped_because != INTERRUPTED:  # as a cluster's report is given up
                said = str(error) if isinstance(error, ResearchError) else f"{type(error).__name__}: {error}"
                record = asked.with_(status=Status.FAILED, message=said)
        return self.progress.finished(record)

    @contextmanager
    def _workers(self) -> Iterator[Any]:
        """Give what executes a report: kernels of this machine, or the workers of a Dask cluster."""
        if self.options.cluster:
            with _cluster(self.options.cluster, self.options.jobs) as submit:
                yield submit
            return
        from research_lib.reports.forkserver import FORK_SERVER, without_grammars

        FORK_SERVER.start()  # it imports what kernels need while this process looks at data
        try:
            with without_grammars():
                from research_lib.reports.make import make
            yield make
        finally:
            FORK_SERVER.release()


def most_kernels() -> int:
    """Return how many kernels the system's limit of open files allows at once."""
    if sys.platform == "win32":
        return 60  # at least 2,048 files
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = (allowed - FILES) // FILES_OF_A_KERNEL if allowed > 0 else 1000  # below 0: there is no limit
    if most < 1:
        needed = FILES + FILES_OF_A_KERNEL
        raise ReportError(f"only {allowed} files may be open at once (ulimit -n); a report needs {needed}")
    return most


def check(reports: Sequence[Report], *, leave_out_absent: bool) -> dict[str, Record]:
    """Look at the data that reports ask for, without a kernel; return records of those that cannot be made of it."""
    from research_lib.data.check import check_sources

    ours = [(report, report.parameters) for report in reports if isinstance(report.parameters, Parameters)]
    found: dict[str, Record] = {}
    for (report, _), error in zip(ours, check_sources([parameters for _, parameters in ours]), strict=True):
        if isinstance(error, InsufficientDataError):
            found[report.name] = report.record(Status.INSUFFICIENT_DATA, str(error))
        elif error is not None:
            absent = leave_out_absent and isinstance(error, MissingDataError)
            found[report.name] = report.record(Status.LEFT_OUT if absent else Status.WRONG, str(error))
    return found


def up_to_date(report: Report, inputs: str) -> Record | None:
    """Return the record of a report that is there already, made of the same inputs, and nothing failed since.

    One whose last session was not over is made again: the same file may hold one session more by now.
    """
    record = read_record(report.file(GOOD))
    if record is None or record.inputs != inputs or any(card.get("unfinished") for card in record.data):
        return None
    there = report.file(PAGE).exists() and not report.file(FAILED).exists()
    return record.with_(status=Status.UNCHANGED) if there else None


def publish(report: Report, record: Record, made: Mapping[str, bytes]) -> Record:
    """Put a report's files in place; one that failed stands beside the last good one, never in its place."""
    files, before = dict(made), read_record(report.file(GOOD))
    if record.status is Status.OK and before:
        same = before.inputs == record.inputs
        record = record.with_(previous=before.previous if same else before.with_(previous=None))
        files[GOOD] = record.to_json()  # still last: with its record a report counts as made
    _write(report.folder, {report.file(suffix): content for suffix, content in files.items()})
    old = [report.file(suffix) for suffix in FAILURE if suffix not in files]
    if record.status is Status.OK:
        old += [path for path in report.file("figures").glob("*") if f"figures/{path.name}" not in files]
    for path in old:
        path.unlink(missing_ok=True)
    return record


def _write(folder: Path, files: Mapping[Path, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(files)
    except OSError as error:
        raise ReportError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error


def _write_summary(output: Path, request: Mapping[str, Any], records: Sequence[Record], *, finished: bool) -> None:
    """Write what was asked for and what came of it, for programs."""
    kept = {"notebook", "slug", "status", "message", "cell", "headline", "duration_seconds"}
    content = {
        "request": dict(request),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": finished,
        "counts": dict(Counter(str(record.status) for record in records)),
        "reports": [{"name": one.name, **one.model_dump(mode="json", include=kept)} for one in records],
    }
    _write(output, {output / SUMMARY: (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()})


def _write_index(output: Path, records: Sequence[Record]) -> None:
    """Write the index of all reports; those of this run that left no record of their own are shown as they ended."""
    from research_lib.reports.index import write_index

    known = {record.name: record for record in read_records(output)}
    for record in records:
        before = known.get(record.name)
        if before is None or record.status not in {*MADE, Status.INTERRUPTED}:
            good = before.previous if before and before.status is not Status.OK else before
            known[record.name] = record.with_(previous=good)
    try:
        write_index(output, list(known.values()))
    except OSError as error:
        raise ReportError(f"{error.filename or output}: cannot be written ({error.strerror})") from error


@contextmanager
def _cluster(address: str, jobs: int) -> Iterator[Any]:
    """Give what executes a report on a Dask cluster, whose workers have this project too."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ReportError("--cluster needs dask.distributed: pip install research-lib[cluster]") from error

    def submit(*task: Any, execution: "Execution", timeout_seconds: float | None) -> "Made":  # noqa: ANN401
        future = client.submit(_make_there, *task, timeout_seconds, pure=False)
        while not execution.stopped_because:
            try:
                made: Made = future.result(timeout=CHECK_SECONDS)
            except TimeoutError:
                continue
            return made
        future.cancel()
        raise ReportError(execution.stopped_because)

    # Workers start kernels, which Dask's own kind of process, a daemon, may not.
    with dask.config.set({"distributed.worker.daemon": False}), ExitStack() as opened:
        try:
            options = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
            where = opened.enter_context(LocalCluster(**options)) if address == "local" else address
            client = opened.enter_context(Client(where, timeout=CONNECT_SECONDS))
        except OSError as error:
            raise ReportError(f"--cluster {address}: no Dask scheduler answers there ({error})") from error
        yield submit


def _make_there(notebook: Path, parameters: Mapping[str, Any], asked: Record, timeout_seconds: float | None) -> "Made":
    """Make a report on a worker, if it would be the same report there."""
    from research_lib.reports.forkserver import FORK_SERVER
    from research_lib.reports.kernels import Execution
    from research_lib.reports.make import Made, make

    if Inputs().of(notebook, asked.parameters) != asked.inputs:
        message = "the cluster's worker has another version of the notebook, library, Python or data"
        return Made(failed := asked.with_(status=Status.FAILED, message=message), {FAILED: failed.to_json()})
    FORK_SERVER.start()
    return make(notebook, parameters, asked, execution=Execution(), timeout_seconds=timeout_seconds)
