"""Kernels that start at once, each forked from a process that has imported the stack already.

`ForkedProvisioner` is named among the project's entry points, so JupyterLab finds it like any kernel provisioner.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode

PROVISIONER = "research-lib-forked"
LONGEST_FOLDER = 80  # of a kernel's sockets: the system allows 107 bytes for the whole path


class ForkServer:
    """The hold of this process on the fork server, for all its kernels."""

    def __init__(self) -> None:
        self._identity = ""
        self._hold: socket.socket | None = None

    def start(self) -> None:
        """Find or start the server; it goes on importing while this process does other things."""
        if not fork_is_safe():
            return
        from research_lib.reports.forkserver import connect, identity

        current = identity()
        if current == self._identity:
            return
        self.release()
        with contextlib.suppress(OSError):
            self._hold = connect()
        self._identity = current  # also of one that cannot be started: it is not tried for every kernel

    def fork(self, arguments: Sequence[str], *, cwd: str, environment: Mapping[str, str]) -> "ForkedKernel":
        """Fork a kernel.

        Raises
        ------
        OSError
            There is no server: kernels must be started one by one.
        """
        self.start()
        if self._hold is None:
            raise OSError("no fork server")
        from research_lib.reports.forkserver import connect

        connection = connect()
        request = {"arguments": list(arguments), "cwd": cwd, "environment": dict(environment)}
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            return ForkedKernel(int(connection.recv(64)), connection)
        except (OSError, ValueError) as error:
            connection.close()
            reason = self._why_it_ended()
            self.release()
            raise OSError(reason) from error

    def release(self, *, keep_seconds: float = 0) -> None:
        """Let go of the server, which then ends, or stays for the next run."""
        if self._hold is None:
            return
        with contextlib.suppress(OSError), self._hold:
            if keep_seconds:
                self._hold.sendall(json.dumps({"keep_seconds": keep_seconds}).encode() + b"\n")
        self._hold = None

    def _why_it_ended(self) -> str:
        with contextlib.suppress(OSError, AttributeError):
            self._hold.settimeout(1)  # type: ignore[union-attr]
            if reason := self._hold.recv(4096).decode().strip():  # type: ignore[union-attr]
                logging.getLogger(__name__).warning("kernels are started one by one: %s", reason)
                return reason
        return "the fork server has ended"


FORK_SERVER = ForkServer()


class ForkedKernel:
    """A forked kernel's process, with the methods of `subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid, self._connection, self._exit_code = pid, connection, None if pid else 0
        connection.setblocking(False)

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        if self._exit_code is None:
            with contextlib.suppress(BlockingIOError):
                self._hear()
        return self._exit_code

    def wait(self) -> int | None:
        """Wait for the kernel's end and return its exit code."""
        if self._exit_code is None:
            self._connection.settimeout(None)
            self._hear()
        return self._exit_code

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel."""
        self.send_signal(signal.SIGKILL)

    def _hear(self) -> None:
        try:
            told = self._connection.recv(64)
        except BlockingIOError:
            raise
        except OSError:
            told = b""
        self._exit_code = int(told or -signal.SIGKILL)  # without a word: the server was killed, and its kernels with it
        self._connection.close()


class ForkedProvisioner(LocalProvisioner):
    """Forks this project's own Python kernels; starts every other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        """Fork a kernel, or start it from its command line where that is not possible."""
        if not await self._fork(cmd, **kwargs):
            await super().launch_kernel(cmd, **kwargs)
        execution = getattr(self.parent, "execution", None)
        if execution is not None:
            execution.started(self.process)
        return self.connection_info

    async def _fork(self, cmd: list[str], **kwargs: Any) -> bool:  # noqa: ANN401
        if not (fork_is_safe() and "ipykernel_launcher" in cmd and Path(cmd[0]).parent == Path(sys.executable).parent):
            return False
        arguments, environment = cmd[cmd.index("-f") :], dict(kwargs.get("env") or os.environ)
        self.cwd = str(kwargs.get("cwd") or Path.cwd())  # type: ignore[assignment]
        try:
            forked = await asyncio.to_thread(FORK_SERVER.fork, arguments, cwd=self.cwd, environment=environment)
        except OSError:
            return False
        self.process = forked  # type: ignore[assignment]  # it has the methods that are called
        self.pid = self.pgid = forked.pid
        return True


class WarmKernelManager(AsyncKernelManager):
    """Starts forked kernels, and speaks to each through sockets in a folder that only this user can open."""

    def __init__(self, **settings: object) -> None:
        folder = _short_folder()
        own: dict[str, object] = {}
        if folder:
            self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            own = {"transport": "ipc", "ip": f"{folder}/socket", "connection_file": f"{folder}/kernel.json"}
        super().__init__(**{**own, **settings})

    def cleanup_connection_file(self) -> None:
        """Remove the connection file, and the folder that it stands in with the sockets."""
        super().cleanup_connection_file()
        if hasattr(self, "_remove_folder"):
            self._remove_folder()

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernel that the notebook names, provisioned by us."""
        spec = super().kernel_spec
        if spec is not None:
            spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return spec


def fork_is_safe() -> bool:
    """Return whether kernels may be forked: on Linux only, since macOS's own libraries run threads."""
    return sys.platform == "linux"


def _short_folder() -> str | None:
    """Make a folder whose path is short enough for sockets; None where there is none: the kernel then uses TCP."""
    if sys.platform == "win32":
        return None
    from research_lib.reports.forkserver import private_folder

    with contextlib.suppress(OSError):
        return tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=private_folder())
    return None


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
        return self._process.poll() if self._process else None  # type: ignore[no-any-return]

    def stop(self, reason: str = "") -> None:
        """Kill the kernel and all that it started; Papermill then ends with an error, which `reason` explains."""
        self.stopped_because = self.stopped_because or reason
        if self._process is not None and self._process.poll() is None:
            from research_lib.reports.forkserver import end_tree

            end_tree(self._process.pid)

    def started(self, process: Any) -> None:  # noqa: ANN401  # a Popen, or a ForkedKernel
        """Hear of the kernel's process; it is too late where the execution was stopped meanwhile."""
        self._process = process
        if self.stopped_because:
            self.stop()

    def manager_class(self) -> type[WarmKernelManager]:
        """Return a class of kernel managers whose provisioner tells this execution of its process."""
        return type("KnownKernelManager", (WarmKernelManager,), {"execution": self})

    def note_exit(self, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Note which cell asked its kernel to end; nbclient calls this after each cell."""
        payload = execute_reply["content"].get("payload", [])
        if any(part.get("source") == "ask_exit" for part in payload):
            self.left_at = cell_index
