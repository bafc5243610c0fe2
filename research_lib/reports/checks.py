"""Check parameter files without running them: every fault of every file at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from research_lib.errors import MissingDataError, ParameterError, ResearchError
from research_lib.parameter_files import shown
from research_lib.project import REPORTS
from research_lib.reports.plan import find_parameter_files, plan
from research_lib.reports.preflight import price_check


class Verdict(StrEnum):
    """What is to be said of a parameter file: `no_data`, where what it names is not there, is no fault of its own."""

    RIGHT = "right"
    WRONG = "wrong"
    NO_DATA = "no_data"


@dataclass(frozen=True)
class Check:
    """A parameter file, what is to be said of it, and its faults, a line each."""

    file: str
    verdict: Verdict
    faults: tuple[str, ...] = ()


def check_files(paths: Sequence[Path], *, overrides: Mapping[str, object]) -> list[Check]:
    """Check names, types, ranges and rules of parameter files, and that the data which they name can be read.

    Parameters
    ----------
    paths : sequence of Path
        Parameter files, folders of them, or glob patterns; none for every one of the project but the smoke ones.
    overrides : mapping
        Values that go before every file's.

    Raises
    ------
    ParameterError
        A folder or pattern holds no parameter file.
    """
    look = price_check()

    def check(path: Path) -> Check:
        try:
            look(plan([path], overrides=overrides, grid={}, output=REPORTS)[0].parameters)
        except ParameterError as error:
            return Check(shown(path), Verdict.WRONG, tuple(str(error).splitlines()))
        except MissingDataError as error:
            return Check(shown(path), Verdict.NO_DATA, (f"{shown(path)}: {error}",))
        except ResearchError as error:
            return Check(shown(path), Verdict.WRONG, (f"{shown(path)}: {error}",))
        return Check(shown(path), Verdict.RIGHT)

    return [check(path) for path in find_parameter_files(paths)]
