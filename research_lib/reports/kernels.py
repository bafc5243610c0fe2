"""Kernels that start at once: each is forked from one process that has imported the stack already.

`ForkedProvisioner` is named among the project's entry points, so Jupyter finds it like any other kernel provisioner.
"""

import asyncio
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import shutil
import signal
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

PROVISIONER = "research-lib-forked"
PRELOADED = "research_lib.preload"
SOCKETS = "research-lib-kernel-"  # and the process that owns them


class ForkedKernel:
    """A forked kernel's process, with the methods of `subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait for the kernel's end and return its exit code."""
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel."""
        if self.pid and self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the kernel."""
        self._process.kill()


class ForkedProvisioner(LocalProvisioner):
    """Forks this project's own Python kernels; starts every other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ANN401
        """Fork a kernel, or start it from its command line where that is not possible."""
        if not (fork_is_safe() and _is_own_python(cmd) and _library_is_as_it_was()):
            return await super().launch_kernel(cmd, **kwargs)
        arguments, environment = cmd[cmd.index("-f") :], dict(kwargs.get("env") or os.environ)
        try:
            process = await asyncio.to_thread(fork_kernel, arguments, cwd=kwargs.get("cwd"), environment=environment)
        except (OSError, EOFError):  # the fork server has ended, since a package that it imported runs threads
            return await super().launch_kernel(cmd, **kwargs)
        self.process = ForkedKernel(process)  # type: ignore[assignment]  # it has the methods that are called
        self.pid = self.pgid = process.pid
        return self.connection_info


class WarmKernelManager(AsyncKernelManager):
    """Starts forked kernels, and speaks to each through sockets in a folder of its own that only this user can open."""

    def __init__(self, **settings: object) -> None:
        folder = tempfile.mkdtemp(prefix=f"{SOCKETS}{os.getpid()}-")
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        own = {"transport": "ipc", "ip": f"{folder}/socket", "connection_file": f"{folder}/kernel.json"}
        super().__init__(**{**(own if sys.platform != "win32" else {}), **settings})

    def cleanup_connection_file(self) -> None:
        """Remove the connection file, and the folder that it stands in with the sockets."""
        super().cleanup_connection_file()
        self._remove_folder()

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernel that the notebook names, provisioned by us."""
        spec = super().kernel_spec
        if spec is not None:
            spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return spec


def fork_is_safe() -> bool:
    """Whether kernels may be forked.

    Not on Windows, which cannot fork, nor on macOS, whose own libraries run threads; nor by a daemon, which Python
    forbids children.
    """
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def start_fork_server() -> None:
    """Start the process that kernels are forked from, where there is none yet; it does not wait for it."""
    if fork_is_safe():
        _remove_sockets_of_the_dead()
        multiprocessing.set_forkserver_preload([PRELOADED])
        multiprocessing.resource_tracker.ensure_running()  # which would let interrupts through again
        with _without_interrupts():
            multiprocessing.forkserver.ensure_running()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process that is started meanwhile not hear Ctrl-C, which is ours: while it imports it would die of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fork_kernel(arguments: Sequence[str], *, cwd: str | None, environment: Mapping[str, str]) -> ForkServerProcess:
    """Start a kernel from the fork server, which starts with the first and ends with this process.

    Parameters
    ----------
    arguments : sequence of str
        For the kernel, `-f` and its connection file among them.
    cwd : str, optional
        The folder it runs in.
    environment : mapping
        All of its environment.
    """
    start_fork_server()
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_run_kernel, args=(list(arguments), cwd, dict(environment)))
    process.start()
    return process


def _run_kernel(arguments: list[str], cwd: str | None, environment: dict[str, str]) -> None:
    """Become a kernel; this runs in the forked process."""
    Thread(target=_end_with_the_runner, daemon=True).start()
    os.setsid()  # an interrupt from the terminal is the runner's, not the kernel's
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nor one that came before; ipykernel listens while it runs a cell
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with Path(os.devnull).open("wb") as nowhere:  # what a kernel logs of its own end is not the user's
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd or Path.cwd())
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def _end_with_the_runner() -> None:
    """End a kernel whose runner was killed; the fork server lives as long as any kernel, so that is no sign."""
    runner = multiprocessing.parent_process()
    if runner is not None:
        runner.join()
        os._exit(1)


def _remove_sockets_of_the_dead() -> None:
    """Remove what a runner that was killed could not."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SOCKETS}*"):
        owner = folder.name.removeprefix(SOCKETS).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _library_is_as_it_was() -> bool:
    """Whether no module was edited since this process began: what is forked would know only the old one."""
    began = psutil.Process().create_time()
    return all(path.stat().st_mtime < began for path in Path(__file__).parent.parent.rglob("*.py"))


def _is_own_python(cmd: Sequence[str]) -> bool:
    own = Path(sys.executable)
    return "ipykernel_launcher" in cmd and Path(cmd[0]).parent == own.parent
