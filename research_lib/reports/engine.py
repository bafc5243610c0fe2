"""Papermill's engine on kernels that start at once: `papermill --engine research-lib`, by the project's entry point."""

from typing import Any

from papermill.engines import NBClientEngine

from research_lib.reports.forkserver import FORK_SERVER
from research_lib.reports.kernels import Execution


class WarmEngine(NBClientEngine):  # type: ignore[misc]  # Papermill is untyped
    """Executes a notebook on a forked kernel."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,  # noqa: ANN401
        kernel_name: str,
        execution: Execution | None = None,
        folder: str = "",
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Execute in `folder`; Papermill's own `cwd` would move this process there, with all reports that run beside."""
        if execution is None:
            FORK_SERVER.start()
            execution = Execution()
        else:
            nb_man.nb.metadata.papermill.pop("parameters", None)  # stand in the record; dates would not be JSON
        execution.notebook = nb_man.nb
        super().execute_managed_notebook(
            nb_man, kernel_name, kernel_manager_class=execution.manager_class(), on_cell_executed=execution.note_exit,
            resources={"metadata": {"path": folder}}, **options,
        )  # fmt: skip
