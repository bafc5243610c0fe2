"""What executes reports: kernels of this machine, or a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the runner's own modules take a while, in which the first kernels get ready
    from research_lib.reports.plan import Report
    from research_lib.reports.run import Workers
    from research_lib.reports.running import RunningReport
    from research_lib.reports.store import Made


class LocalWorkers:
    """Kernels of this machine, forked from one process that ends with this one."""

    def warm_up(self) -> None:
        """Start that process; it takes some seconds to import what kernels need, during which data is looked at."""
        from research_lib.reports.kernels import start_fork_server

        start_fork_server()

    def make(self, report: "Report", *, inputs: str, running: "RunningReport", timeout_seconds: float | None) -> "Made":
        """Execute a report and render it."""
        from research_lib.reports.make import make

        return make(report, inputs=inputs, running=running, timeout_seconds=timeout_seconds)


@contextmanager
def open_workers(cluster: str, jobs: int) -> "Iterator[Workers]":
    """Give what executes reports.

    Parameters
    ----------
    cluster : str
        Address of a Dask scheduler; `local` for one of `jobs` processes; empty for kernels of this machine.
    jobs : int
        How many reports at once.
    """
    if not cluster:
        yield LocalWorkers()
        return
    from research_lib.reports.cluster import open_cluster

    with open_cluster(cluster, jobs) as workers:
        yield workers
