"""`lab`: JupyterLab on the notebooks."""

import typer

START = "notebooks/00_start_here.ipynb"
JUPYTER = {"allow_extra_args": True, "ignore_unknown_options": True}


def lab(context: typer.Context) -> None:
    """Open JupyterLab on the notebooks, for this machine only, with kernels that start at once.

    What follows is JupyterLab's own: `--no-browser`, `--port=9999`, `--ServerApp.root_dir=FOLDER`.
    """
    from jupyterlab.labapp import LabApp

    from research_lib.project import PROJECT
    from research_lib.reports.kernels import PROVISIONER, start_fork_server

    start_fork_server()  # it imports what kernels need while Lab and the browser start
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": PROJECT,
        "LabApp.default_url": f"/lab/tree/{START}",
        "KernelProvisionerFactory.default_provisioner_name": PROVISIONER,
        # Nothing is asked of the network.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    given = {argument.partition("=")[0] for argument in context.args}
    ours = [f"--{name}={value}" for name, value in settings.items() if f"--{name}" not in given]
    LabApp.launch_instance([*ours, *context.args])
