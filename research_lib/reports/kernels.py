"""Kernels that start at once, each forked from a process that has imported the stack already, in runs and JupyterLab."""

import asyncio
import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from research_lib.reports.forkserver import FORK_SERVER, end_tree


class Execution:
    """A notebook while it runs: as far as it went, and a way to stop its kernel from another thread."""

    def __init__(self) -> None:
        self.notebook: NotebookNode = new_notebook()
        self.stopped_because = ""
        self.replied: tuple[int, Mapping[str, Any]] = 0, {}  # the last cell that ended, and what its kernel said of it
        self.left = False  # that cell called `exit`
        self.process: Any = None  # a Popen, or a ForkedKernel

    def stop(self, reason: str = "") -> None:
        """Kill the kernel and all that it started; Papermill then ends with an error, which `reason` explains."""
        self.stopped_because = self.stopped_because or reason
        if self.process is not None:
            end_tree(self.process.pid)

    def note(self, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Note what a cell's end is; nbclient calls this after each."""
        if not self.left:  # cells below one that calls `exit` may be replied to as well
            self.replied = cell_index, execute_reply["content"]
            self.left = any(part.get("source") == "ask_exit" for part in self.replied[1].get("payload", []))


class ForkedProvisioner(LocalProvisioner):
    """Forks this project's own Python kernels, found by its entry point; starts every other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        """Fork a kernel, or start it from its command line where that is not possible."""
        execution: Execution = getattr(self.parent, "execution", Execution())
        if not isinstance(self.parent, WarmKernelManager):  # JupyterLab: a kernel has the library as it is now
            FORK_SERVER.start()
        forked, folder = None, str(kwargs.get("cwd") or Path.cwd())
        if "ipykernel_launcher" in cmd and Path(cmd[0]).parent == Path(sys.executable).parent:  # Python, and this one
            environment = {**(kwargs.get("env") or os.environ), "JPY_PARENT_PID": str(os.getpid())}
            arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
            forked = await asyncio.to_thread(FORK_SERVER.fork, arguments, folder, environment)
        if forked is None:
            await super().launch_kernel(cmd, **kwargs)
        else:
            self.process = forked  # type: ignore[assignment]  # it has the methods that are called
            self.pid, self.pgid, self.cwd = forked.pid, forked.pid, folder
        execution.process = self.process
        if execution.stopped_because:  # meanwhile
            execution.stop()
        return self.connection_info


class WarmKernelManager(AsyncKernelManager):
    """Starts forked kernels, and speaks to each through sockets in the fork server's folder; without one, by TCP."""

    execution: Execution  # that hears of the kernel's process

    def __init__(self, **settings: object) -> None:
        if FORK_SERVER.connection is None:
            FORK_SERVER.start()
        if folder := FORK_SERVER.folder:
            own = folder / uuid.uuid4().hex[:8]
            settings |= {"transport": "ipc", "ip": str(own), "connection_file": f"{own}.json"}
        super().__init__(**settings)
        KernelProvisionerFactory.instance(parent=self.parent).default_provisioner_name = "research-lib-forked"
