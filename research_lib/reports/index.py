"""The front page of all reports: what changed, the claims' score, a card a question, a line a report, a picture a sweep."""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from research_lib.exhibits.exhibit import FRAME_STYLE
from research_lib.exhibits.figure import VERDICT_LOOK, ink_on
from research_lib.exhibits.findings import FIELDS
from research_lib.exhibits.format import show
from research_lib.project import write_whole
from research_lib.reports.html import TEMPLATES, data_to, setting, templates, without_paths
from research_lib.reports.record import FAILED_PAGE, MADE, PAGE, Finding, Record, Status, differing, with_whole_numbers
from research_lib.studies.parameters import MODELS

POINT = "--"  # stands before the settings of one point of a sweep, in its slug
BASELINE = "baseline"
MOST_DIFFERENCES = 2
OF_THE_DATA = ("source", "as_of")  # named after what a study itself asks
UNSAID = {"data_dir", "seed"}
Line = dict[str, Any]  # a report as the index shows it


def write_index(output: Path, records: Sequence[Record]) -> Path:
    """Write `index.html` over all reports, and `findings.csv` with their numbers; return the path of the first.

    There is one record a report: of those just made or left out the new one, of the others the one that is kept.
    """
    ordered = sorted(records, key=lambda record: with_whole_numbers(record.name))
    grouped = groupby(ordered, key=lambda one: one.name.removesuffix(one.slug) + "".join(one.slug.partition(POINT)[:2]))
    together = [(base, list(group)) for base, group in grouped]
    single = [record for _, group in together for record in group if len(group) == 1]  # one point is no sweep
    families = [list(_family(list(group))) for _, group in groupby(single, key=lambda record: record.notebook)]
    for line in (line for family in families for line in family if line["message"]):
        if not (output / line["record"].link(FAILED_PAGE)).is_file():  # wrong parameters leave none
            line["page"] = ""
    answers = [line for family in families for line in _answer(family)]
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    page = templates().get_template("index.html.j2").render(
        lines=[line for family in families for line in family],
        families=families,
        sweeps=[_sweep(base.removesuffix(POINT), points) for base, points in together if len(points) > 1],
        cards=[(line, _thumbnail(output, line["good"])) for line in answers],
        score=next(((line, counts) for line in answers if (counts := _score(line["good"]))), None),
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
        "not_made": record.status is Status.LEFT_OUT,  # its data is not here, which is no error
        "headline": (good.headline or ", ".join(numbers) or good.title) if good else "",
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
    model = MODELS.get(records[0].notebook)
    titles = {name: field.title or name for name, field in model.model_fields.items()} if model else {}
    for record in records:
        differ = set(differing([base.parameters, record.parameters])) - UNSAID if record.parameters else set()
        names = sorted(differ, key=lambda name: (name in OF_THE_DATA, [*record.parameters, *differ].index(name)))
        settings = [f"{titles.get(one, as_words(one))} {setting(record.parameters.get(one))}" for one in names]
        more = f" and {len(settings) - MOST_DIFFERENCES} more" if len(settings) > MOST_DIFFERENCES else ""
        yield _line(record, ", ".join(settings[:MOST_DIFFERENCES]) + more)


def _answer(lines: Sequence[Line]) -> list[Line]:
    """Choose the report that answers a notebook's question: on the user's own data, else the baseline, else the fullest."""
    answered = [line for line in lines if line["good"] and line["good"].headline]
    return sorted(answered, key=lambda line: _rank(line["good"]), reverse=True)[:1]


def _rank(record: Record) -> tuple[bool, bool, int]:
    own_data = record.parameters.get("source", "bundled") != "bundled"
    return own_data, record.slug == BASELINE, len(record.findings)


def _thumbnail(output: Path, record: Record) -> str:
    picture = output / record.notebook / f"{record.slug}.figures" / f"{record.hero}.small.svg"
    return picture.read_text(encoding="utf-8") if record.hero and picture.is_file() else ""


def _score(record: Record) -> list[tuple[str, int, str, str]]:
    """Count a report's verdicts, where its findings are counts by verdict."""
    found: dict[str, Any] = {one.name: one.value for one in record.findings}
    counts = [
        (word, int(found.get(re.sub(r"\W", "_", verdict)) or 0), colour, ink_on(colour))
        for verdict, (colour, _, word) in VERDICT_LOOK.items()
    ]
    return [one for one in counts if one[1]] if {"holds", "fails"} <= set(found) else []


def _sweep(base: str, points: Sequence[Record]) -> dict[str, Any]:
    """Give a sweep's points, and a picture of its first number that has an interval (else its first)."""
    lines = [_line(point, point.slug.split(POINT, 1)[1].replace("=", " ")) for point in points]
    good = [line for line in lines if line["good"]]
    found = [(line, one) for line in good for one in line["good"].findings if isinstance(one.value, int | float)]
    numbers = [one for line, one in found if line is good[0] and isinstance(one.value, float)]
    chosen = min(numbers, key=lambda one: one.low is None, default=None)
    drawn = [(line, one) for line, one in found if chosen and one.name == chosen.name]
    picture = _picture(base, drawn) if len(drawn) > 1 else ""
    return {"base": as_words(base), "lines": lines, "picture": picture}


def _picture(base: str, points: Sequence[tuple[Line, Finding]]) -> str:
    """Draw a number over the parameter that is swept; over the settings in their order, where they are no numbers."""
    import pandas as pd

    from research_lib.exhibits.charts import Band, Line, curve

    parameters, first = [line["good"].parameters for line, _ in points], points[0][1]
    name, unit = as_words(first.name), first.unit
    swept = differing(parameters)
    at = [one.get(swept[0]) if len(swept) == 1 else None for one in parameters]
    over = as_words(", ".join(swept))
    numeric = all(type(one) in (int, float) for one in at)
    rows = [(one.value, one.low, one.high) for _, one in points]
    frame = pd.DataFrame(rows, at if numeric else None, ["value", "low", "high"], dtype=float).sort_index()
    known = frame.dropna()
    ends = [show(end, unit) for end in (frame["value"].min(), frame["value"].max())]
    figure = curve(
        [Line(frame["value"])],
        bands=[Band(known["low"], known["high"], "95% interval")] if len(known) else [],
        points=frame["value"], height_px=150, name=name, unit=unit, x_name=over if numeric else f"{over}, in their order",
        title=f"{name[0].upper()}{name[1:]}: {ends[0]} to {ends[1]}", deck=as_words(base), data=frame,
        alt="; ".join(f"{line['differs']}: {show(one.value, unit)}" for line, one in points),
    )  # fmt: skip
    return replace(figure, id=f"sweep-{base.replace('/', '-')}")._repr_html_().replace(FRAME_STYLE, "")


def _findings_csv(records: Sequence[Record]) -> bytes:
    """Write the numbers of all reports as one table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("notebook", "slug", *FIELDS))
    for good in filter(None, (record if record.status in MADE else record.previous for record in records)):
        writer.writerows((good.notebook, good.slug, *(getattr(one, name) for name in FIELDS)) for one in good.findings)
    return text.getvalue().encode()
