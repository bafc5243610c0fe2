"""Papermill's engine on kernels that start at once; `papermill --engine research-lib` uses it without our command."""

from typing import Any

from papermill.engines import NBClientEngine

from research_lib.project import PROJECT
from research_lib.reports.running import RunningReport


class WarmEngine(NBClientEngine):  # type: ignore[misc]  # Papermill is untyped
    """Executes a notebook in the project's folder, on a forked kernel."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,  # noqa: ANN401
        kernel_name: str,
        running: RunningReport | None = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Execute as Papermill does; `running`, where given, gets to know the notebook and the kernel."""
        running = running or RunningReport()
        running.notebook = nb_man.nb
        # Not Papermill's `cwd`, which moves this whole process, with the reports that run beside.
        resources = {"metadata": {"path": str(PROJECT)}}
        super().execute_managed_notebook(
            nb_man, kernel_name, kernel_manager_class=running.manager_class(), resources=resources, **options
        )
