"""Reports executed by a Dask cluster: the same plan, the same files; its workers need this project installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from research_lib.errors import ReportError
from research_lib.interrupts import CHECK_SECONDS
from research_lib.reports.inputs import Inputs
from research_lib.reports.plan import Report
from research_lib.reports.records import Status
from research_lib.reports.running import RunningReport
from research_lib.reports.store import Made

if TYPE_CHECKING:
    from distributed import Client

LOST_WORKERS = 3  # a report that has taken this many workers down with it is not tried on another
CONNECT_SECONDS = 10


@contextmanager
def open_cluster(address: str, jobs: int) -> Iterator["ClusterWorkers"]:
    """Connect to a Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, such as tcp://host:8786; `local` starts one of `jobs` processes on this machine.
    jobs : int
        For `local`.

    Raises
    ------
    ReportError
        Dask is not installed, or nothing answers there.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ReportError("--cluster needs dask.distributed: pip install research-lib[cluster]") from error
    # Workers of this machine start kernels, which Dask's own kind of process, a daemon, may not.
    with dask.config.set({"distributed.scheduler.allowed-failures": LOST_WORKERS, "distributed.worker.daemon": False}):
        local = (
            LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) if address == "local" else None
        )
        try:
            with Client(local or address, timeout=CONNECT_SECONDS) as client:
                yield ClusterWorkers(client)
        except OSError as error:
            raise ReportError(f"--cluster {address}: no Dask scheduler answers there ({error})") from error
        finally:
            if local is not None:
                local.close()


class ClusterWorkers:
    """The workers of a Dask cluster; one that dies has its reports run by another."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def warm_up(self) -> None:
        """Begin nothing: each worker starts its own kernels."""

    def make(self, report: Report, *, inputs: str, running: RunningReport, timeout_seconds: float | None) -> Made:
        """Have a worker execute a report and render it, and wait for its files."""
        from distributed.scheduler import KilledWorker

        future = self._client.submit(_make_there, report, inputs, timeout_seconds, pure=False)
        while not running.stopped_because:
            try:
                made: Made = future.result(timeout=CHECK_SECONDS)
            except TimeoutError:
                continue
            except KilledWorker:
                return Made(Status.FAILED, f"{LOST_WORKERS} workers died while they made it (out of memory?)")
            return made
        future.cancel()
        return Made(Status.FAILED, running.stopped_because)


def _make_there(report: Report, inputs: str, timeout_seconds: float | None) -> Made:
    """Make a report on a worker, if it would be the same report there."""
    from research_lib.reports.make import make

    if Inputs().of(report) != inputs:
        return Made(Status.FAILED, "the cluster's worker has another version of the notebook, library, Python or data")
    return make(report, inputs=inputs, running=RunningReport(), timeout_seconds=timeout_seconds)
