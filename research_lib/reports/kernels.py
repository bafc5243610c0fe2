"""Kernels that start at once, each forked from a process that has imported the stack already.

`ForkedProvisioner` is named among the project's entry points, so JupyterLab finds it like any kernel provisioner.
"""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode

from research_lib.reports.forkserver import FORK_SERVER, end_tree

PROVISIONER = "research-lib-forked"


class ForkedKernel:
    """A forked kernel's process, with the methods of `subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: Connection) -> None:
        self.pid, self._connection = pid, connection
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        return self.wait() if self._exit_code is None and self._connection.poll() else self._exit_code

    def wait(self) -> int:
        """Wait for the kernel's end and return its exit code."""
        if self._exit_code is None:
            self._exit_code = -signal.SIGKILL  # without a word: the server was killed, and its kernels with it
            with suppress(EOFError, OSError), self._connection:
                self._exit_code = int(self._connection.recv())
        return self._exit_code

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, if it is there."""
        if self.poll() is None:
            with suppress(OSError):
                os.kill(self.pid, number)


class ForkedProvisioner(LocalProvisioner):
    """Forks this project's own Python kernels; starts every other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        """Fork a kernel, or start it from its command line where that is not possible."""
        own = "ipykernel_launcher" in cmd and Path(cmd[0]).parent == Path(sys.executable).parent
        execution = getattr(self.parent, "execution", None)
        if execution is None:  # in JupyterLab, where a kernel that starts again has the library as it is now
            FORK_SERVER.start()
        try:
            if not own:
                raise OSError("another Python, or another language")
            environment = {**(kwargs.get("env") or os.environ), "JPY_PARENT_PID": str(os.getpid())}
            folder = str(kwargs.get("cwd") or Path.cwd())
            arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
            forked = ForkedKernel(*await asyncio.to_thread(FORK_SERVER.fork, arguments, folder, environment))
            self.process = forked  # type: ignore[assignment]  # it has the methods that are called
            self.pid = self.pgid = forked.pid
            self.cwd = folder
        except OSError:
            await super().launch_kernel(cmd, **kwargs)
        if execution is not None:
            execution.started(self.process)
        return self.connection_info


class WarmKernelManager(AsyncKernelManager):
    """Starts forked kernels, and speaks to each through sockets in the fork server's folder; without one, by TCP."""

    execution: "Execution"

    def __init__(self, **settings: object) -> None:
        if folder := FORK_SERVER.folder:
            own = folder / uuid.uuid4().hex[:8]
            settings |= {"transport": "ipc", "ip": str(own), "connection_file": f"{own}.json"}
        super().__init__(**settings)

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernel that the notebook names, provisioned by us; other managers of this process go on as they did."""
        spec = super().kernel_spec
        if spec is not None:
            spec.metadata = {"kernel_provisioner": {"provisioner_name": PROVISIONER}, **spec.metadata}
        return spec


class Execution:
    """A notebook while it runs: as far as it went, and a way to stop its kernel from another thread."""

    def __init__(self) -> None:
        self.notebook: NotebookNode | None = None
        self.stopped_because = ""
        self.left_at: int | None = None  # the position of a cell that called `exit`
        self._process: Any = None

    @property
    def exit_code(self) -> int | None:
        """How the kernel ended; negative: the signal that killed it; None while it runs."""
        return self._process.poll() if self._process else None

    def started(self, process: Any) -> None:  # noqa: ANN401  # a Popen, or a ForkedKernel
        """Hear of the kernel's process; it ends at once where the execution was stopped meanwhile."""
        self._process = process
        if self.stopped_because:
            self.stop()

    def stop(self, reason: str = "") -> None:
        """Kill the kernel and all that it started; Papermill then ends with an error, which `reason` explains."""
        self.stopped_because = self.stopped_because or reason
        if self._process is not None and self._process.poll() is None:
            end_tree(self._process.pid)

    def manager_class(self) -> type[WarmKernelManager]:
        """Return a class of kernel managers that tell this execution of their process."""
        return type("KnownKernelManager", (WarmKernelManager,), {"execution": self})

    def note_exit(self, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Note which cell asked its kernel to end; nbclient calls this after each cell."""
        if any(part.get("source") == "ask_exit" for part in execute_reply["content"].get("payload", [])):
            self.left_at = cell_index
