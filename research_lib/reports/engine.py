"""Papermill's engine on kernels that start at once: `papermill --engine research-lib`, by the project's entry point."""

import uuid
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from papermill.engines import NBClientEngine
from traitlets.config import Config

from research_lib.reports.forkserver import FORK_SERVER
from research_lib.reports.kernels import Execution


class WarmEngine(NBClientEngine):  # type: ignore[misc]  # Papermill is untyped
    """Executes a notebook on a forked kernel, through sockets in the fork server's folder; without one, by TCP."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # noqa: ANN401
        """Execute where `resources` say; Papermill's `cwd` would move this process there, with all reports that run beside."""
        if "execution" in options:
            nb_man.nb.metadata.papermill.pop("parameters", None)  # stand in the record; dates would not be JSON
        execution: Execution = options.pop("execution", None) or Execution()
        execution.notebook = nb_man.nb
        if FORK_SERVER.folder is None:
            FORK_SERVER.start()
        ipc = {"transport": "ipc", "connection_file": f"{FORK_SERVER.folder}/{uuid.uuid4().hex[:8]}.json"}
        KernelProvisionerFactory.instance().default_provisioner_name = "research-lib-forked"
        manager = type("OwnKernelManager", (AsyncKernelManager,), {"execution": execution})
        super().execute_managed_notebook(
            nb_man, kernel_name, kernel_manager_class=manager, on_cell_executed=execution.note,
            config=Config(AsyncKernelManager=ipc if FORK_SERVER.folder else {}), **options,
        )  # fmt: skip
