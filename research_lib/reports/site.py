"""A site of reports: what was asked for, the reports, the summary for programs, the index for people."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from research_lib.errors import ParameterError
from research_lib.interrupts import noted_interrupts
from research_lib.parameter_files import parse_axis, parse_setting
from research_lib.reports.index import write_index
from research_lib.reports.options import Options
from research_lib.reports.plan import Report, plan
from research_lib.reports.records import Result
from research_lib.reports.run import Watcher, Workers, make_all, settle
from research_lib.reports.summary import Request, write_summary


def make_site(
    request: Request,
    *,
    output: Path,
    options: Options,
    workers: Workers,
    watch: Callable[[int], AbstractContextManager[Watcher]],
) -> list[Result]:
    """Make the reports that are asked for, and write the summary and the index of them all.

    Parameters
    ----------
    request : Request
        Parameter files, settings, a sweep.
    output : Path
        The folder of the site.
    options : Options
        How to run.
    workers : Workers
        What executes the reports.
    watch : callable
        Takes the number of reports, gives what is told of them.

    Raises
    ------
    ResearchError
        The parameters or their data are wrong, or the folder cannot be written: nothing ran.
    """
    tasks = settle(_plan(request, output), options=options, workers=workers)
    write_summary(output, request, [], finished=False)  # so that a run which is killed can be resumed
    with noted_interrupts() as interrupted:
        with watch(len(tasks)) as watcher:
            results = make_all(tasks, options=options, workers=workers, watcher=watcher, interrupted=interrupted)
        write_summary(output, request, results, finished=True)
        write_index(output, results)
    return results


def _plan(request: Request, output: Path) -> list[Report]:
    axes = [parse_axis(setting) for setting in request.grid]
    names = [name for name, _ in axes]
    if len(set(names)) < len(names):
        raise ParameterError(f"--grid: {', '.join(names)}: give each parameter once, with all of its values")
    overrides = dict(parse_setting(setting) for setting in request.settings)
    return plan([Path(path) for path in request.paths], overrides=overrides, grid=dict(axes), output=output)
