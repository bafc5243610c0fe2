"""`python -m research_lib`: the command line."""

import os
import signal


def _stop(*_: object) -> None:
    """End with one line whenever Ctrl-C or SIGTERM comes, while packages are imported too."""
    os.write(2, b"interrupted\n")
    raise SystemExit(130)


for _number in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(_number) is not signal.SIG_IGN:  # as it is under nohup
        signal.signal(_number, _stop)

from research_lib.cli import app  # noqa: E402  # from here on an interrupt is heard

app(prog_name="python -m research_lib")
