"""Make many reports: several at once, what is unchanged not again, one's failure no other's, an interrupt no loss."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from rich.console import Console
from rich.progress import track

from research_lib.errors import InsufficientDataError, MissingDataError, ResearchError
from research_lib.params import Parameters
from research_lib.project import CHECK_SECONDS, display_path, noted_interrupts, write_whole
from research_lib.reports.inputs import Inputs
from research_lib.reports.plan import Plan, Report
from research_lib.reports.record import FAILED, FAILURE, GOOD, PAGE, Record, Status, read_record

INDEX = "index.html"
IN_SUMMARY = {"notebook", "slug", "status", "message", "cell", "headline", "duration_seconds"}
STYLES = {Status.OK: "green", Status.UNCHANGED: "dim", Status.INSUFFICIENT_DATA: "yellow"}
INTERRUPTED, CONNECT_SECONDS = "interrupted", 10
LATE_DAYS = 7  # over which it is said that the data ends before the day asked for
OPEN, OPEN_EACH = 38, 25  # files, in a run and for a kernel


class Options(NamedTuple):
    """How to run."""

    jobs: int = 1  # how many reports at once
    force: bool = False  # make a report again although nothing that it depends on has changed
    timeout_seconds: float | None = None  # after which a report's kernel is killed
    leave_out_absent: bool = False  # leave out a report whose data is not here, instead of calling it wrong
    cluster: str = ""  # address of a Dask scheduler, or `local`


def run(plan: Plan, *, output: Path, options: Options, request: Mapping[str, Any]) -> list[Record]:
    """Make the reports of a plan; write the summary and the index of all reports below `output`; return what became of each.

    The summary keeps `request`, what the command line asked for, to go on with. `ResearchError`: nothing could run.
    """
    try:
        with noted_interrupts() as interrupted:
            _write(output, request, [])  # so that a run which is killed can be resumed
            records = _tell(_make(plan, options, interrupted), len(plan.reports) + len(plan.faults), output)
            ended = {record.name for record in records}
            records += [one.record(Status.INTERRUPTED, "not made") for one in plan.reports if one.name not in ended]
            _write(output, request, records)
    except OSError as error:
        raise ResearchError(f"reports cannot be written to {output}: {error}") from error
    return records


def _write(output: Path, request: Mapping[str, Any], records: Sequence[Record]) -> None:
    """Write what was asked for and what came of it, for programs; and the index, where it is not as it would be."""
    words = [str(Path(one).absolute()) if one and Path(one).exists() else one for one in request["words"]]
    content = {
        "request": {**request, "words": words},  # so that it can be resumed from any folder
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": dict(Counter(str(record.status) for record in records)),
        "reports": [{"name": one.name, **one.model_dump(mode="json", include=IN_SUMMARY)} for one in records],
    }
    output.mkdir(parents=True, exist_ok=True)
    with FileLock(output / ".lock"):  # as for all that is written below
        for draft in (one for at in ("", "*/", "*/*.figures/") for one in output.glob(f"{at}.making-*")):
            draft.unlink()  # which a run that was killed has left
        write_whole({output / "summary.json": (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()})
        index, changed = output / INDEX, any(one.status is not Status.UNCHANGED for one in records)
        times = [one.stat().st_mtime for one in output.glob("*/")]  # later than the index's after a kill or a removal
        if records and (changed or not index.exists() or index.stat().st_mtime <= max(times, default=0)):
            from research_lib.reports.index import write_index

            write_index(output, records)  # the run that ends last has read all that is there


def _make(plan: Plan, options: Options, interrupted: Callable[[], bool]) -> Iterator[Record]:
    """Give what became of each report as soon as it is known; of what an interrupt ended, nothing."""
    yield from plan.faults
    inputs, pending = Inputs(), list[Report]()
    for one in plan.reports:
        report = one._replace(inputs=inputs.of(one.notebook, one.record(Status.OK).parameters))
        if not options.force and (kept := up_to_date(report)):
            yield kept
        else:
            pending.append(report)
    if not pending or interrupted():
        return
    with ExitStack() as stack:
        pool = stack.enter_context(_cluster(options, stack) if options.cluster else _threads(options, stack))
        unfit = check(pending, leave_out_absent=options.leave_out_absent)
        for report, record in ((one, unfit[one.name]) for one in pending if one.name in unfit):
            # Of what is wrong or left out nothing is kept.
            yield publish(report, record, {}) if record.status is Status.INSUFFICIENT_DATA else record
        yield from _execute([one for one in pending if one.name not in unfit], pool, options, interrupted)


def _execute(
    reports: Sequence[Report], pool: Executor, options: Options, interrupted: Callable[[], bool]
) -> Iterator[Record]:
    """Have reports executed, and put each in its place when it has ended; an interrupt ends their kernels."""
    from research_lib.reports.kernels import Execution

    going = dict[Future[Any], tuple[Report, Execution]]()
    for report in reports:
        asked, execution = report.record(Status.OK), Execution()
        going[pool.submit(_work, report.notebook, report.injected, asked, execution, options)] = report, execution
    while going:
        if interrupted():
            for future, (_, execution) in going.items():  # again and again: a kernel may be about to start
                future.cancel()
                execution.stop(INTERRUPTED)
        for future in wait(going, CHECK_SECONDS, FIRST_COMPLETED).done:
            report, execution = going.pop(future)
            stopped = execution.stopped_because == INTERRUPTED
            try:
                record, files = future.result()
                if record.status is Status.OK or not stopped:
                    yield publish(report, record, files)
            except Exception as error:  # a folder that cannot be written, a worker that is gone, a defect in the runner
                if not stopped:  # and so perhaps cancelled
                    yield report.record(Status.FAILED, f"{type(error).__name__}: {error}")


def _work(notebook: Path, parameters: Any, asked: Record, execution: Any, options: Options) -> Any:  # noqa: ANN401
    """Make a report; on a cluster's worker only if it would be the same report there."""
    from research_lib.reports.make import make

    if options.cluster and Inputs().of(notebook, asked.parameters) != asked.inputs:
        raise ResearchError("the cluster's worker has another version of the notebook, library, Python or data")
    return make(notebook, parameters, asked, execution, options.timeout_seconds)


def _threads(options: Options, stack: ExitStack) -> Executor:
    """Return threads that wait for kernels of this machine."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # of jsonschema; takes a second to import
    from research_lib.reports.forkserver import FORK_SERVER

    files = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else -1  # unlimited, or Windows
    most = (files - OPEN) // OPEN_EACH if files > 0 else options.jobs
    if most < 1:
        raise ResearchError(f"only {files} files may be open at once (ulimit -n); a report needs {OPEN + OPEN_EACH}")
    FORK_SERVER.start()  # it imports what kernels need while this process looks at data
    stack.callback(FORK_SERVER.release)
    return ThreadPoolExecutor(min(options.jobs, most))


def _cluster(options: Options, stack: ExitStack) -> Executor:
    """Return the workers of a Dask cluster, which have this project too."""
    local = {"n_workers": options.jobs, "threads_per_worker": 1, "dashboard_address": None}
    try:
        import dask
        from distributed import Client

        dask.config.set({"distributed.worker.daemon": False})  # workers start kernels, which a daemon may not
        where = local if options.cluster == "local" else {"address": options.cluster}
        client = stack.enter_context(Client(timeout=CONNECT_SECONDS, **where))
    except ImportError as error:
        raise ResearchError("--cluster needs dask.distributed: pip install research-lib[cluster]") from error
    except OSError as error:
        raise ResearchError(f"--cluster {options.cluster}: no Dask scheduler answers there ({error})") from error
    return client.get_executor(pure=False)  # type: ignore[no-any-return]  # Dask is untyped


def check(reports: Sequence[Report], *, leave_out_absent: bool) -> dict[str, Record]:
    """Look at the data that reports ask for, without a kernel; return records of those that cannot be made of it."""
    from research_lib.data.check import check_sources

    ours = [report for report in reports if isinstance(report.parameters, Parameters)]
    found = zip(ours, check_sources([report.parameters for report in ours]), strict=True)
    absent = Status.LEFT_OUT if leave_out_absent else Status.WRONG
    statuses = {InsufficientDataError: Status.INSUFFICIENT_DATA, MissingDataError: absent}
    return {one.name: one.record(statuses.get(type(error), Status.WRONG), str(error)) for one, error in found if error}


def up_to_date(report: Report) -> Record | None:
    """Return the record of a report that is there already, made of the same inputs, and nothing failed since."""
    record = read_record(report.file(GOOD))
    if record is None or record.inputs != report.inputs or report.file(FAILED).exists():
        return None
    over = not any(card.get("unfinished") for card in record.data)  # else the same file may hold a session more by now
    return record.with_(status=Status.UNCHANGED) if over and report.file(PAGE).exists() else None


def publish(report: Report, record: Record, made: Mapping[str, bytes]) -> Record:
    """Put a report's files in place of older ones; one that failed stands beside the last good one, never in its place."""
    good, before = record.status is Status.OK, read_record(report.file(GOOD))
    old = [report.file(suffix) for suffix in reversed(FAILURE)]  # the record last: while it is there, it is made anew
    if good:
        old += [*report.file("figures").glob("*"), report.file("summary.txt"), report.file("pdf")]
    if good and before:
        same = before.inputs == record.inputs
        record = record.with_(previous=before.previous if same else before.with_(previous=None))
    paths = {report.file(suffix if good else f"failed.{suffix}"): content for suffix, content in made.items()}
    paths[report.file(GOOD if good else FAILED)] = record.model_dump_json(indent=2).encode()  # last: it counts as made
    with FileLock(report.folder.parent / ".lock"):  # another run may make the same report
        write_whole(paths)
        for path in (one for one in old if one not in paths):
            path.unlink(missing_ok=True)
    return record


def describe(record: Record, output: Path) -> str:
    """Say in a line what became of a report: its headline or what went wrong, and where its page is."""
    said, page = [record.headline.rstrip("."), record.message], output / record.link()
    with suppress(ValueError):  # no days
        late = date.fromisoformat(str(record.parameters.get("as_of"))) - date.fromisoformat(record.data_to)
        if late > timedelta(LATE_DAYS):
            said.append(f"as_of is {record.parameters['as_of']}, but the data ends on {record.data_to}")
    took = "" if record.status is Status.UNCHANGED else f", {record.duration_seconds:.1f} s"
    where = f" ({display_path(page)}{took})" if page.exists() else ""
    words = record.name, record.status.replace("_", " "), "; ".join(filter(None, said))
    return ": ".join(filter(None, words)) + where


def _tell(records: Iterator[Record], total: int, output: Path) -> list[Record]:
    """Say what became of each report, above a bar in a terminal, and where to look at the end."""
    console, told = Console(soft_wrap=True), list[Record]()

    def say(line: str, style: str = "") -> None:
        try:
            console.print(line, style=style, markup=False, highlight=False)
        except (OSError, SystemExit):  # nobody reads it any more, or the disk is full: the reports are what counts
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for the rest of the process

    for record in track(records, "reports", total, console=console, transient=True, disable=not console.is_terminal):
        told.append(record)
        if record.status is not Status.LEFT_OUT:
            say(describe(record, output), STYLES.get(record.status, "red"))
    if left_out := [record.name for record in told if record.status is Status.LEFT_OUT]:
        why = "python -m research_lib check says what each needs"
        say(f"left out for want of data (usual on a fresh machine): {', '.join(left_out)}; {why}", "dim")
    say(f"index: {display_path(output / INDEX)}")
    return told
