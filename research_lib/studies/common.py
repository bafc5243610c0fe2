"""What every study shows: its findings, one line each, and the tables of data, parameters and provenance."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from research_lib.errors import InsufficientDataError, MissingDataError
from research_lib.project import PROJECT

if TYPE_CHECKING:
    import pandas as pd

    from research_lib.exhibits.findings import Finding
    from research_lib.exhibits.table import Table
    from research_lib.studies.study import Study

MISSING = (InsufficientDataError, MissingDataError)
PACKAGES = ("research-lib", "pandas", "numpy", "scipy", "statsmodels", "arch", "papermill")
COMMON_TABLES = {
    "data": ("What was read", ["series", "name", "origin", "first", "last", "rows", "gaps", "found", "sha256"]),
    "parameters": ("Parameters", ["parameter", "shown", "meaning"]),
    "provenance": ("Code, packages and data", ["name", "shown"]),
}
COMMON_EXHIBITS = ("summary", "findings", *COMMON_TABLES)
LONGEST_STEP_DAYS = 4  # between two sessions, as they are in the middle
NO_ENDS = ("", "")  # of a finding whose `low` and `high` are no confidence interval


@dataclass(frozen=True)
class Find:
    """One finding, or one a row of a frame: where its number is, its unit, and what it means.

    `result` names the study's result: an `Estimate`, a number, or a frame; `column` its field or column. With `rows`, true
    or a query, there is one a row, and `name` and `what` are templates over the row, {p.…} and {s.…}. `interval` and `n`
    name the columns of its interval (of `value`: low and high) and of its n.
    """

    name: str
    result: str
    column: str = "value"
    unit: str = "number"
    what: str = ""
    rows: bool | str = False
    interval: tuple[str, str] | None = None
    n: str = "n"

    def of(self, study: Study) -> Iterator[Finding]:
        """Look it up in a study; where the data cannot give it, the value is None and the reason is said."""
        from research_lib.exhibits.findings import Finding, plain

        try:
            rows = self._rows(getattr(study, self.result))
        except MISSING as reason:
            yield Finding(re.sub(r"_?\{[^}]*\}", "", self.name), None, self.unit, None, str(reason))
            return
        low, high = self.interval or (("low", "high") if self.column == "value" else NO_ENDS)
        for row in rows:
            words = {**row, "p": study.p, "s": study}
            value, n, *ends = (plain(row.get(one)) for one in (self.column, self.n, low, high))
            name, what = self.name.format(**words), self.what.format(**words)
            yield Finding(name, value, self.unit, None if n is None else int(n), what, *ends)

    def _rows(self, found: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # any result
        if hasattr(found, "columns"):
            chosen = found.query(self.rows) if isinstance(self.rows, str) else found if self.rows else found[:1]
            return list(chosen.to_dict("records"))
        return [vars(found) if hasattr(found, "__dataclass_fields__") else {self.column: found}]


def common_table(study: Study, name: str) -> Table:
    """Show what was read, the parameters, or what the report was made with."""
    import pandas as pd

    from research_lib.exhibits.table import Table

    title, columns = COMMON_TABLES[name]
    if name == "data":
        rows: list[Any] = [
            {one: getattr(card, one, "") for one in columns}
            | {"series": card.id, "origin": f"{card.source}: {card.origin}"}
            | {"found": card.fault_summary(), "sha256": card.sha256[:12]}
            for card in study.cards
        ]
    elif name == "parameters":
        fields = type(study.p).model_fields
        rows = [(one, text, fields[one].description) for one, text in study.p.shown().items()]
    else:
        rows = [("commit", commit()), ("Python", platform.python_version())]
        rows += [(package, version(package)) for package in PACKAGES]
        rows += [(f"sha256 of {card.id}", card.sha256) for card in study.cards]
    return Table(name, title, pd.DataFrame(rows, columns=columns), columns)


def require_sessions(closes: pd.Series[float]) -> pd.Series[float]:
    """Return prices by sessions as they are; refuse what is weeks or months apart."""
    steps = closes.index.to_series().diff().dt.days
    step_days = int(steps.median()) if len(closes) > 1 else 0
    if step_days > LONGEST_STEP_DAYS:
        raise InsufficientDataError(f"{closes.name}: its prices are {step_days} days apart; sessions are needed")
    return closes


def commit() -> str:
    """Return the project's commit, marked where files differ from it; `unknown` outside a checkout."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--dirty=, with uncommitted changes"]
    with suppress(OSError):
        found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # nothing of a user's
        return found.stdout.strip() or "unknown"
    return "unknown"
