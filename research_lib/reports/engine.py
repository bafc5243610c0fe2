"""Papermill's engine on kernels that start at once: `papermill --engine research-lib`, by the project's entry point."""

from typing import Any

from papermill.engines import NBClientEngine

from research_lib.reports.kernels import Execution, WarmKernelManager


class WarmEngine(NBClientEngine):  # type: ignore[misc]  # Papermill is untyped
    """Executes a notebook on a forked kernel."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # noqa: ANN401
        """Execute in `folder`; Papermill's own `cwd` would move this process there, with all reports that run beside."""
        if "execution" in options:
            nb_man.nb.metadata.papermill.pop("parameters", None)  # stand in the record; dates would not be JSON
        execution: Execution = options.pop("execution", None) or Execution()
        execution.notebook = nb_man.nb
        manager = type("OwnKernelManager", (WarmKernelManager,), {"execution": execution})
        super().execute_managed_notebook(
            nb_man, kernel_name, kernel_manager_class=manager, on_cell_executed=execution.note,
            resources={"metadata": {"path": options.pop("folder", "")}}, **options,
        )  # fmt: skip
