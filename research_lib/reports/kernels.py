"""Kernels that start at once, each forked from a process that has imported the stack already, in runs and JupyterLab."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from research_lib.reports.forkserver import FORK_SERVER, end_tree


class Execution:
    """A notebook while it runs: as far as it went, and a way to stop its kernel from another thread."""

    def __init__(self) -> None:
        self.notebook: NotebookNode = new_notebook()
        self.stopped_because = ""
        self.replied: Mapping[str, Any] = {}  # what its kernel said of the last cell that ended
        self.process: Any = None  # a Popen, or a ForkedKernel

    def stop(self, reason: str = "") -> None:
        """Kill the kernel and all that it started; Papermill then ends with an error, which `reason` explains."""
        self.stopped_because = self.stopped_because or reason
        if self.process is not None:
            end_tree(self.process.pid)

    def note(self, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Note what a cell's end is, and end the execution at an early `exit`; nbclient calls this after each."""
        self.replied = execute_reply["content"]
        asked = [part.get("source") for part in self.replied.get("payload", [])]
        if "ask_exit" in asked and cell_index + 1 < len(self.notebook.cells):
            self.stop("the notebook ended its kernel (exit or quit)")
            raise RuntimeError(self.stopped_because)


class ForkedProvisioner(LocalProvisioner):
    """Forks this project's own Python kernels, found by its entry point; starts every other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        """Fork a kernel, or start it from its command line where that is not possible."""
        execution: Execution | None = getattr(self.parent, "execution", None)
        if execution is None:  # JupyterLab: a kernel has the library as it is now
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
        if execution is not None:
            execution.process = self.process
            if execution.stopped_because:  # meanwhile
                execution.stop()
        return self.connection_info
