"""The index of all reports."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from research_lib.params import show_setting
from research_lib.reports.past import Number, Record, differing, read_record_if_any
from research_lib.reports.records import write_whole
from research_lib.reports.text import TEMPLATES, first_sentence, without_paths

if TYPE_CHECKING:
    from research_lib.reports.records import Result

OK = "ok"
AS_RECORDED = {OK, "unchanged"}  # of a run just over: its record says the rest
POINT = "--"  # stands before the settings of one point of a sweep, in its slug


@dataclass(frozen=True)
class Entry:
    """What is known of one report: its last good run, its failed one if that came later, the run before."""

    name: str
    status: str
    message: str
    good: Record | None = None
    failed: Record | None = None
    previous: Record | None = None

    @property
    def latest(self) -> Record | None:
        """The last run that left a record."""
        return self.failed or self.good


@dataclass(frozen=True)
class Line:
    """One report in the index, as it is shown; `page` and `failed_page` are links, empty where there is none."""

    entry: Entry
    page: str
    failed_page: str
    differs: Mapping[str, str]
    answer: str = ""
    key_findings: Sequence[Number] = ()
    data: Sequence[str] = ()
    changes: Sequence[str] = ()


def write_index(output: Path, results: "Sequence[Result]") -> Path:
    """Write `index.html` over every report below `output`, and the ones that were just left out or failed."""
    from jinja2 import Environment, FileSystemLoader

    entries = list(_entries(output, results))
    sweeps: dict[str, list[Entry]] = {}
    for entry in entries:
        if POINT in entry.name:
            sweeps.setdefault(entry.name.partition(POINT)[0], []).append(entry)
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("index.html.j2")
    page = template.render(
        reports=_lines(output, [entry for entry in entries if POINT not in entry.name]),
        sweeps={base: _lines(output, points) for base, points in sweeps.items()},
        counts=Counter(entry.status for entry in entries),
        style=(TEMPLATES / "report" / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    path = output / "index.html"
    write_whole({path: page.encode()})
    return path


def _entries(output: Path, results: "Sequence[Result]") -> Iterator[Entry]:
    latest = {result.name: result for result in results if result.status not in AS_RECORDED}
    files = [path for kind in ("findings", "failed") for path in output.glob(f"*/*.{kind}.json")]
    found = {f"{path.parent.name}/{path.name.rsplit('.', 2)[0]}" for path in files}
    for name in sorted(found | set(latest), key=_with_whole_numbers):
        good = read_record_if_any(output / f"{name}.findings.json")
        failed = read_record_if_any(output / f"{name}.failed.json")
        previous = read_record_if_any(output / f"{name}.previous.json")
        why = latest.get(name) or failed or good
        if why:
            yield Entry(name, str(why.status), without_paths(why.message), good, failed, previous)


def _with_whole_numbers(name: str) -> str:
    """Give what sorts 20 before 100."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(12), name)


def _lines(output: Path, entries: Sequence[Entry]) -> list[Line]:
    """Show entries; a report's siblings are the others of its notebook among them."""
    families: dict[str, list[Mapping[str, object]]] = {}
    for entry in entries:
        families.setdefault(entry.name.partition("/")[0], []).append(entry.latest.parameters if entry.latest else {})
    return [_line(output, entry, differing(families[entry.name.partition("/")[0]])) for entry in entries]


def _line(output: Path, entry: Entry, differ: Sequence[str]) -> Line:
    page, failed_page = f"{entry.name}.html", f"{entry.name}.failed.html"
    latest, good = entry.latest, entry.good
    return Line(
        entry=entry,
        page=quote(page) if (output / page).exists() else "",
        failed_page=quote(failed_page) if (output / failed_page).exists() else "",
        differs={name: show_setting(latest.parameters.get(name)) for name in differ} if latest else {},
        answer=first_sentence(good.answer).replace("`", "") if good and good.answer != entry.message else "",
        key_findings=good.key_findings() if good else (),
        data=list(_spans(latest.data)) if latest else (),
        changes=_changes(good, entry.previous) if good and entry.previous else (),
    )


def _changes(now: Record, before: Record) -> list[str]:
    """Say how the key findings differ from those of the run before."""
    if now.inputs and now.inputs == before.inputs:
        return ["inputs unchanged"]
    old = {finding.name: finding.show(finding.value) for finding in before.findings}
    new = {finding.name: finding.show(finding.value) for finding in now.key_findings()}
    changed = [f"{name} {old.get(name, 'none')} → {value}" for name, value in new.items() if old.get(name) != value]
    return changed or ["key findings as before"]


def _spans(cards: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Name the first series and its dates, which the report is about, and count the others."""
    yield from (f"{card['id']}, {card['first']} to {card['last']}" for card in cards[:1])
    if len(cards) > 1:
        yield f"and {len(cards) - 1} more"
