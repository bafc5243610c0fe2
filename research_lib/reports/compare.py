"""Two reports side by side: which findings differ, and by more than their intervals allow."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research_lib.errors import ReportError, nearest
from research_lib.reports.record import FAILED, GOOD, Finding, Record, differing, read_record

if TYPE_CHECKING:
    from rich.table import Table

KEY_FINDINGS = 6  # a study's first findings are those that it is about
DIFFERENCE_UNITS = {"fraction": "points", "share": "points", "change": "points"}


def differences(a: Record, b: Record) -> dict[str, Any]:
    """Compare two reports, as plain JSON values: every finding, and of parameters and data the pairs that differ."""
    found = [{one.name: one for one in record.findings} for record in (a, b)]
    cards = [{str(card.get("id")): card for card in record.data} for record in (a, b)]
    unequal = lambda a, b: {name: (a.get(name), b.get(name)) for name in differing([a, b])}
    return {
        "a": a.name,
        "b": b.name,
        "parameters": unequal(a.parameters, b.parameters),
        "data": unequal(*cards),
        "findings": [_pair(*(one.get(name) for one in found)) for name in {**found[0], **found[1]}],
    }


def _pair(*two: Finding | None) -> dict[str, Any]:
    """Compare a finding of two reports, which one of them may lack."""
    found = [one for one in two if one]
    a, b = (one and one.model_dump(include={"value", "n", "low", "high"}) for one in two)
    values = [one.value for one in found if isinstance(one.value, int | float)]
    ends = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
    difference = values[1] - values[0] if len(values) == 2 else None
    apart = len(ends) == 2 and max(low for low, _ in ends) > min(high for _, high in ends)
    name, unit = found[0].name, found[0].unit
    return {"name": name, "unit": unit, "a": a, "b": b, "difference": difference, "intervals_apart": apart}


def find_record(name: str, *, output: Path) -> Record:
    """Read the record of a report, by `notebook/slug` below `output`, or by the path of its record or page."""
    given = Path(os.path.expanduser(name))  # noqa: PTH111  # an unknown ~name stays as it is
    path = given.with_suffix(f".{GOOD}") if given.suffix == ".html" else given
    path = path if path.suffix == ".json" and path.is_file() else output / f"{name}.{GOOD}"
    if not path.is_file():
        known = [str(one.relative_to(output)).removesuffix(f".{GOOD}") for one in sorted(output.glob(f"*/*.{GOOD}"))]
        hint = "; its last run failed" if (output / f"{name}.{FAILED}").is_file() else ""
        hint = hint or nearest(name, known).partition(" (known")[0] or "; run it first"
        raise ReportError(f"{name}: there is no such report in {output}{hint}")
    if (record := read_record(path)) is None:
        raise ReportError(f"{path}: not a record of findings")
    return record


def shown(compared: Mapping[str, Any], *, everything: bool) -> "list[Table | str]":
    """Show a comparison for a terminal: its key findings (or all), those whose intervals are apart, and what differs."""
    from rich.table import Column, Table
    from rich.text import Text

    from research_lib.exhibits.format import interval, show

    pairs = compared["findings"]
    known = [pair["name"] for pair in pairs if any(pair[one] and pair[one]["value"] is not None for one in "ab")]
    kept = [pair for pair in pairs if everything or pair["intervals_apart"] or pair["name"] in known[:KEY_FINDINGS]]
    heads = ("finding", "A", "95%: low to high", "B", "95%: low to high", "n", "B less A", "")
    columns = [Column(head, no_wrap=head in {"finding", "A", "B"}) for head in heads]
    findings = Table(*columns, box=None, pad_edge=False)
    for pair in kept:
        cells, unit, less, found = [], pair["unit"], pair["difference"], [pair[one] for one in "ab"]
        for one in found:
            ends = None if one is None or None in (one["low"], one["high"]) else (one["low"], one["high"])
            cells += ["–" if one is None else show(one["value"], unit), interval(*ends, unit) if ends else ""]
        counts = dict.fromkeys(f"{one['n']:,}" for one in found if one and one["n"] is not None)
        cells += [" / ".join(counts), "" if less is None else show(less, DIFFERENCE_UNITS.get(unit, unit))]
        findings.add_row(*map(Text, (pair["name"], *cells, "≠" if pair["intervals_apart"] else "")))
    made_of = Table(Column("made of", no_wrap=True), "A", "B", box=None)
    data = {name: [one and f"{one['first']} to {one['last']}" for one in two] for name, two in compared["data"].items()}
    for name, two in (compared["parameters"] | data).items():
        made_of.add_row(*map(Text, (name, *("–" if one is None else str(one) for one in two))))
    more = [f"{len(pairs) - len(kept)} more findings: --all"] if len(kept) < len(pairs) else []
    return [findings, *([made_of] if made_of.row_count else []), *more]
