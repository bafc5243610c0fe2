"""Kernels that start at once, each forked from a process that has imported the stack already.

`ForkedProvisioner` is named among the project's entry points, so JupyterLab finds it like any kernel provisioner.
"""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode

from research_lib.reports.forkserver import FORK_SERVER, end_group, end_tree

PROVISIONER = "research-lib-forked"


class ForkedKernel:
    """A forked kernel's process, with the methods of `subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
        """Fork it; raises `OSError` where that is not possible."""
        if (server := FORK_SERVER.connection) is None:
            raise OSError("no fork server")
        self._server = server
        self._exit_code: int | None = None
        try:
            self.pid = FORK_SERVER.ask(server, {"arguments": arguments, "folder": folder, "environment": environment})
        except EOFError as error:
            raise OSError("the fork server has ended") from error
        if isinstance(self.pid, OSError):  # it can fork no more
            raise self.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        if self._exit_code is None:
            try:
                self._exit_code = FORK_SERVER.ask(self._server, self.pid)
            except (EOFError, OSError):  # the server was killed, and its kernels with it
                self._exit_code = -signal.SIGKILL
        return self._exit_code

    wait = poll  # Jupyter calls it once the process has ended

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, if it is there."""
        if self.poll() is None:
            with suppress(OSError):
                os.kill(self.pid, number)


class ForkedProvisioner(LocalProvisioner):
    """Forks this project's own Python kernels; starts every other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        """Fork a kernel, or start it from its command line where that is not possible."""
        execution = getattr(self.parent, "execution", None)
        if execution is None:  # in JupyterLab, where a kernel that starts again has the library as it is now
            FORK_SERVER.start()
        try:
            if "ipykernel_launcher" not in cmd or Path(cmd[0]).parent != Path(sys.executable).parent:
                raise OSError("another Python, or another language")
            environment = {**(kwargs.get("env") or os.environ), "JPY_PARENT_PID": str(os.getpid())}
            arguments, self.cwd = cmd[cmd.index("ipykernel_launcher") + 1 :], str(kwargs.get("cwd") or Path.cwd())
            forked = await asyncio.to_thread(ForkedKernel, arguments, self.cwd, environment)
            self.process = forked  # type: ignore[assignment]  # it has the methods that are called
            self.pid = self.pgid = forked.pid
        except OSError:
            await super().launch_kernel(cmd, **kwargs)
        if execution is not None:
            execution.process = self.process
            if execution.stopped_because:  # meanwhile
                execution.stop()
        return self.connection_info


class WarmKernelManager(AsyncKernelManager):
    """Starts forked kernels, and speaks to each through sockets in the fork server's folder; without one, by TCP."""

    execution: "Execution"  # that hears of the kernel's process

    def __init__(self, **settings: object) -> None:
        if folder := FORK_SERVER.folder:
            own = folder / uuid.uuid4().hex[:8]
            settings |= {"transport": "ipc", "ip": str(own), "connection_file": f"{own}.json"}
        super().__init__(**settings)
        KernelProvisionerFactory.instance(parent=self.parent).default_provisioner_name = PROVISIONER


class Execution:
    """A notebook while it runs: as far as it went, and a way to stop its kernel from another thread."""

    def __init__(self) -> None:
        self.notebook: NotebookNode | None = None
        self.stopped_because = ""
        self.left_at: int | None = None  # the position of a cell that called `exit`
        self.process: Any = None  # a Popen, or a ForkedKernel

    def stop(self, reason: str = "") -> None:
        """Kill the kernel and all that it started; Papermill then ends with an error, which `reason` explains."""
        self.stopped_because = self.stopped_because or reason
        if self.process is not None:
            (end_tree if self.process.poll() is None else end_group)(self.process.pid)  # what it started may outlive it

    def note_exit(self, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Note which cell asked its kernel to end; nbclient calls this after each cell."""
        if any(part.get("source") == "ask_exit" for part in execute_reply["content"].get("payload", [])):
            self.left_at = cell_index
