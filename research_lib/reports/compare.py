"""Two reports side by side: which findings differ, and by more than their intervals allow."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from research_lib.errors import ResearchError, nearest
from research_lib.exhibits.format import interval, plural, show
from research_lib.params import show_setting
from research_lib.reports.record import GOOD, MADE, Finding, Record, differing, read_record, read_records

KEY_FINDINGS = 6  # a study's first findings are those that it is about
DIFFERENCE_UNITS = {"fraction": "points", "share": "points", "change": "points"}
NOTHING = dict.fromkeys(("value", "n", "low", "high"))


def differences(a: Record, b: Record) -> dict[str, Any]:
    """Compare two reports, as plain JSON values: every finding, and of parameters and data the pairs that differ."""
    in_a, in_b = ({one.name: one for one in record.findings} for record in (a, b))
    return {
        "a": a.name,
        "b": b.name,
        "parameters": differing([a.parameters, b.parameters]),
        "data": differing([{str(card.get("id")): card for card in record.data} for record in (a, b)]),
        "findings": [_pair(in_a.get(name), in_b.get(name)) for name in in_a | in_b],
    }


def _pair(*two: Finding | None) -> dict[str, Any]:
    """Compare a finding of two reports, which one of them may lack."""
    found = [one for one in two if one]
    values = [one.value for one in found if isinstance(one.value, int | float)]
    ends = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
    difference = values[1] - values[0] if len(values) == 2 else None
    apart = len(ends) == 2 and max(low for low, _ in ends) > min(high for _, high in ends)
    a, b = (one and one.model_dump(include={*NOTHING}) for one in two)
    name, unit = found[0].name, found[0].unit
    return {"name": name, "unit": unit, "a": a, "b": b, "difference": difference, "intervals_apart": apart}


def find_record(name: str, *, output: Path) -> Record:
    """Read the record of a report, by `notebook/slug` below `output`, or by the path of its record or page."""
    path, known = Path(name), {one.name: one for one in reversed(read_records(output))}  # the last good one goes before
    record = known.get(name) or read_record(path.with_suffix(f".{GOOD}") if path.suffix == ".html" else path)
    if record is None:
        raise ResearchError(f"{name}: there is no such report in {output}; run it first{nearest(name, known)}")
    if record.status not in MADE:
        raise ResearchError(f"{name}: its last run failed: {record.message}")
    return record


def shown(compared: Mapping[str, Any], *, everything: bool) -> list[Table | Text | str]:
    """Show a comparison for a terminal: its key findings (or all), those whose intervals are apart, and what differs."""
    pairs = [pair for pair in compared["findings"] if any((pair[one] or NOTHING)["value"] is not None for one in "ab")]
    kept = [pair for i, pair in enumerate(pairs) if everything or i < KEY_FINDINGS or pair["intervals_apart"]]
    heads = ("finding", "A", "95%: low to high", "B", "95%: low to high", "n", "B less A", "")
    findings = Table(*(Column(head, no_wrap=head in {"finding", "A", "B"}) for head in heads), box=None, pad_edge=False)
    for pair in kept:
        unit, two = pair["unit"], [pair[one] or NOTHING for one in "ab"]
        cells = [(show(one["value"], unit), interval(one["low"], one["high"], unit)) for one in two]
        counts = " / ".join(dict.fromkeys(show(one["n"], "count") for one in two if one["n"] is not None))
        less, mark = show(pair["difference"], DIFFERENCE_UNITS.get(unit, unit)), "≠" if pair["intervals_apart"] else ""
        findings.add_row(*map(Text, (pair["name"], *cells[0], *cells[1], counts, less, mark)))
    days = {it: [one and f"{one['first']} to {one['last']}" for one in two] for it, two in compared["data"].items()}
    made_of = [(name, *map(show_setting, two)) for name, two in (compared["parameters"] | days).items()]
    more = [f"{plural(len(pairs) - len(kept), 'more finding')}: --all"] if len(kept) < len(pairs) else []
    return [findings, *(Text(f"{name}: {a} in A, {b} in B") for name, a, b in made_of), *more]
