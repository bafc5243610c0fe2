"""`python -m research_lib`: the command line."""

import codecs
import os
import signal
import sys


def _stop(*_: object) -> None:
    """End with one line whenever Ctrl-C or SIGTERM comes, while packages are imported too."""
    os.write(2, b"interrupted\n")
    raise SystemExit(130)


for _number in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(_number) is not signal.SIG_IGN:  # as it is under nohup
        signal.signal(_number, _stop)

# An ASCII terminal shows a minus sign as -, and all else that it lacks as ?.
codecs.register_error("plain", lambda lost: ("-" if lost.object[lost.start] in "−–" else "?", lost.start + 1))  # type: ignore[attr-defined]
for _stream in filter(None, (sys.stdout, sys.stderr)):
    _stream.reconfigure(errors="plain")

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # on matrices so small threads take more time than they save

from research_lib.cli import app  # noqa: E402  # from here on an interrupt is heard

app(prog_name="python -m research_lib")
