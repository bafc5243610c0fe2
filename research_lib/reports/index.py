"""The front page of all reports: what changed, the claims' score, a card a question, a line a report, a picture a sweep."""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from research_lib.exhibits.figure import VERDICT_LOOK, ink_on
from research_lib.exhibits.format import show
from research_lib.project import write_whole
from research_lib.reports.html import MADE, TEMPLATES, data_to, setting, templates, without_paths
from research_lib.reports.record import FAILED_PAGE, PAGE, Record, Status, differing, with_whole_numbers
from research_lib.studies.study import parameters_model

POINT = "--"  # stands before the settings of one point of a sweep, in its slug
BASELINE = "baseline"
MOST_DIFFERENCES = 2
OF_THE_DATA = ("source", "as_of")  # named after what a study itself asks
UNSAID = {"data_dir", "seed"}
CSV_COLUMNS = ("name", "value", "unit", "n", "low", "high", "definition")
Line = dict[str, Any]  # a report as the index shows it


def write_index(output: Path, records: Sequence[Record]) -> Path:
    """Write `index.html` over all reports, and `findings.csv` with their numbers; return the path of the first.

    There is one record a report: of those just made or left out the new one, of the others the one that is kept.
    """
    ordered = sorted(records, key=lambda record: with_whole_numbers(record.name))
    single = [record for record in ordered if POINT not in record.slug]
    swept = groupby((one for one in ordered if POINT in one.slug), key=lambda one: one.name.split(POINT)[0])
    families = [list(_family(list(group))) for _, group in groupby(single, key=lambda record: record.notebook)]
    lines = [line for family in families for line in family]
    cards = [card for family in families for card in _card(output, family)]
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    page = templates().get_template("index.html.j2").render(
        lines=lines,
        families=families,
        sweeps=[_sweep(base, list(points)) for base, points in swept],
        cards=cards,
        score=next((score for line, _ in cards for score in _score(line)), None),
        as_words=as_words,
        first_sentence=first_sentence,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip
    path = output / "index.html"
    write_whole({path: page.encode(), output / "findings.csv": _findings_csv(ordered)})
    return path


def as_words(name: str) -> str:
    """Write a name as words: 01_rate_cut_regimes is rate cut regimes."""
    return re.sub(r"^\d+_", "", name).replace("/", ", ").replace("_", " ")


def first_sentence(text: str) -> str:
    """Return a text's first sentence; all of it where it has but one."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\d“])", text, maxsplit=1)[0]


def _line(record: Record, differs: str) -> Line:
    """Say of a report what it found (of a failed one, before it failed), how it differs, and what changed since."""
    made = record.status in MADE
    good = record if made else record.previous
    numbers = [f"{as_words(one.name)} {show(one.value, one.unit)}" for one in (good.findings[:3] if good else ())]
    return {
        "record": record,
        "good": good,
        "differs": differs,
        "page": quote(record.link(PAGE if made else FAILED_PAGE)),
        "message": "" if made else without_paths(record.message),
        "not_made": record.status == Status.LEFT_OUT,  # its data is not here, which is no error
        "headline": (good.headline or ", ".join(numbers)) if good else "",
        "data_to": data_to(good) if good else "",
        "changes": list(_changes(record, record.previous)) if made and record.previous else [],
    }


def _changes(now: Record, before: Record) -> Iterator[str]:
    """Say how verdict and numbers differ from those of the report before it, which other inputs made."""
    if before.verdict != now.verdict:
        yield f"{before.verdict} → {now.verdict}"
    old = {label: value for value, label in before.numbers}
    yield from (f"{label}: {old[label]} → {value}" for value, label in now.numbers if old.get(label, value) != value)


def _family(records: Sequence[Record]) -> Iterator[Line]:
    """Give each report of a notebook a line that says how it differs from the baseline, or from the first."""
    known = [record for record in records if record.parameters]
    base = next((record for record in known if record.slug == BASELINE), known[0] if known else records[0])
    model = parameters_model(records[0].notebook)
    titles = {name: field.title or name for name, field in model.model_fields.items()} if model else {}
    for record in records:
        differ = set(differing([base.parameters, record.parameters])) - UNSAID if record.parameters else set()
        names = sorted(differ, key=lambda name: (name in OF_THE_DATA, [*record.parameters, *differ].index(name)))
        settings = [f"{titles.get(one, as_words(one))} {setting(record.parameters.get(one))}" for one in names]
        more = f" and {len(settings) - MOST_DIFFERENCES} more" if len(settings) > MOST_DIFFERENCES else ""
        yield _line(record, ", ".join(settings[:MOST_DIFFERENCES]) + more)


def _card(output: Path, lines: Sequence[Line]) -> Iterator[tuple[Line, str]]:
    """Give the report that answers a notebook's question, with the picture of its hero.

    One on the user's own data goes before one on what ships; then the baseline; then the one that found the most.
    """
    answered = [line for line in lines if line["good"] and line["good"].headline]
    if answered:
        line = max(answered, key=lambda one: _rank(one["good"]))
        good = line["good"]
        picture = output / good.notebook / f"{good.slug}.figures" / f"{good.hero}.small.svg"
        yield line, picture.read_text(encoding="utf-8") if good.hero and picture.is_file() else ""


def _rank(record: Record) -> tuple[bool, bool, int]:
    own_data = record.parameters.get("source", "bundled") != "bundled"
    return own_data, record.slug == BASELINE, len(record.findings)


def _score(line: Line) -> Iterator[tuple[Line, list[tuple[str, int, str, str]]]]:
    """Give the counts of a report's verdicts, where its findings are counts by verdict."""
    found: Mapping[str, Any] = {one.name: one.value for one in line["good"].findings} if line["good"] else {}
    counts = [
        (word, int(count), colour, ink_on(colour))
        for verdict, (colour, _, word) in VERDICT_LOOK.items()
        if (count := found.get(re.sub(r"\W", "_", verdict)))
    ]
    if {"holds", "fails"} <= set(found) and counts:
        yield line, counts


def _sweep(base: str, points: Sequence[Record]) -> dict[str, Any]:
    """Give a sweep's points, and its first number that has an interval (else its first), to be drawn over what is swept."""
    lines = [_line(point, point.slug.split(POINT, 1)[1].replace("=", " ")) for point in points]
    good = [line["good"] for line in lines if line["good"]]
    differs = differing([record.parameters for record in good])
    numbers = [one for one in (good[0].findings if good else ()) if isinstance(one.value, float)]
    name = next((one.name for one in sorted(numbers, key=lambda one: one.low is None)), "")
    drawn = []
    for i, record in enumerate(good):
        x = record.parameters.get(differs[0]) if differs else i
        at = {"at": x if isinstance(x, (int, float)) else i, "x": setting(x)}
        found = [one for one in record.findings if one.name == name and isinstance(one.value, float)]
        drawn += [{**at, "found": one, "shown": show(one.value, one.unit)} for one in found]
    what = as_words(f"{name} by {', '.join(differs)}")
    return {"base": as_words(base), "what": what, "lines": lines, "drawn": drawn, "show": show}


def _findings_csv(records: Sequence[Record]) -> bytes:
    """Write the numbers of all reports as one table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("notebook", "slug", *CSV_COLUMNS))
    for good in filter(None, (_line(record, "")["good"] for record in records)):
        rows = ([getattr(one, name) for name in CSV_COLUMNS] for one in good.findings)
        writer.writerows((good.notebook, good.slug, *row) for row in rows)
    return text.getvalue().encode()
