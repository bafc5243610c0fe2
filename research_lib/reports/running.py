"""A report while it is being made."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from research_lib.reports.kernels import WarmKernelManager


class RunningReport:
    """A report while Papermill executes it: its notebook so far, and a way to stop its kernel from another thread."""

    def __init__(self) -> None:
        self.notebook: NotebookNode | None = None
        self.stopped_because = ""
        self._manager: WarmKernelManager | None = None

    def manager_class(self) -> "type[WarmKernelManager]":
        """Give nbclient a class of kernel managers whose one instance stays known here."""
        from research_lib.reports.kernels import WarmKernelManager

        running = self

        class KnownKernelManager(WarmKernelManager):
            def __init__(self, **settings: object) -> None:
                super().__init__(**settings)
                running._manager = self

        return KnownKernelManager

    def stop(self, reason: str) -> None:
        """Kill the kernel; Papermill then ends with an error, which `stopped_because` explains."""
        self.stopped_because = self.stopped_because or reason
        process = getattr(getattr(self._manager, "provisioner", None), "process", None)
        if process is not None:
            process.kill()
