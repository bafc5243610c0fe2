"""How a report's kernel is started."""

import sys

from jupyter_client.manager import AsyncKernelManager


class LocalKernelManager(AsyncKernelManager):
    """An ordinary kernel that is spoken to through files of this user, not through open ports."""

    def __init__(self, **settings: object) -> None:
        transport = "tcp" if sys.platform == "win32" else "ipc"
        super().__init__(**{"transport": transport, **settings})
