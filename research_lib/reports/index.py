"""The front page of all reports: what changed, the claims' score, a card a question, a line a report, a picture a sweep."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import pandas as pd

from research_lib.errors import listed
from research_lib.exhibits.exhibit import FRAME_STYLE, VERDICT_LOOK
from research_lib.exhibits.findings import FIELDS
from research_lib.exhibits.format import show
from research_lib.params import show_setting
from research_lib.project import write_whole
from research_lib.reports.html import PARTS, TEMPLATES, safely
from research_lib.reports.record import MADE, Finding, Record, Status, differing, read_records
from research_lib.studies.parameters import MODELS

POINT = re.compile("(/.*?--).*")  # in a report's name: the settings of one point of a sweep follow
BASELINE = "baseline"
OF_THE_DATA = ("source", "as_of")  # named after what a study itself asks
UNSAID = {"data_dir", "seed"}
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\d“])")  # where the next one begins


def write_index(output: Path, records: Sequence[Record]) -> None:
    """Write `index.html` and `findings.csv` of all reports below `output`, and of `records` that have left none there."""
    found = [*read_records(output), *records]
    good = {one.name: one for one in found if one.status in MADE}
    failed = {one.name: one for one in found if one.status not in {*MADE, Status.INTERRUPTED}}
    latest = {one.name: one for one in found} | good | failed
    names = sorted(latest, key=lambda name: re.sub(r"\d+", lambda it: it[0].zfill(12), name))  # 20 before 100
    together = [(base, [latest[name] for name in group]) for base, group in groupby(names, partial(POINT.sub, r"\1"))]
    lines = [group[0] for _, group in together if len(group) == 1]  # one point is no sweep
    made = [good[one.name] for one in lines if one.name in good]
    by_notebook = attrgetter("notebook")
    # The answer to a notebook's question: on the user's own data, else the baseline, else the fullest.
    rank = lambda one: (one.parameters.get("source", "bundled") != "bundled", one.slug == BASELINE, len(one.findings))
    answers = [max(group, key=rank) for _, group in groupby(filter(attrgetter("headline"), made), by_notebook)]
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    PARTS.filters.update(as_words=as_words, differs=_differs, first_sentence=lambda text: SENTENCE.split(text, 1)[0])
    page = PARTS.get_template("index.html.j2").render(
        lines=lines, made=made, last_good=good, show=show, picture=partial(safely, _picture), script=script,
        families=[list(group) for _, group in groupby(lines, by_notebook)],
        failed_pages={one.link() for one in failed.values() if (output / one.link()).is_file()},
        sweeps=[(base.removesuffix("--"), points) for base, points in together if len(points) > 1],
        cards=[(record, record.hero and _thumbnail(output / record.link())) for record in answers],
        score=next(((record, counts) for record in answers if (counts := _score(record))), None),
        changes={record.name: changed for record in lines if (changed := _changes(record))},
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip
    every = [good[name] for name in names if name in good]
    numbers = [{"notebook": one.notebook, "slug": one.slug, **it.model_dump()} for one in every for it in one.findings]
    table = pd.DataFrame(numbers, columns=["notebook", "slug", *FIELDS], dtype=object)
    write_whole({output / "findings.csv": table.to_csv(index=False).encode(), output / "index.html": page.encode()})


def as_words(name: str) -> str:
    """Write a name as words: 01_rate_cut_regimes is rate cut regimes."""
    return re.sub(r"^\d+_", "", name).replace("/", ", ").replace("_", " ")


def _changes(now: Record) -> list[str]:
    """Say how verdict and numbers differ from those of the report before it, which other inputs made."""
    both = [now.previous or now, now]
    said = [{"verdict": one.verdict} | {label: value for value, label in one.numbers} for one in both]
    return [f"{label}: {' → '.join(two)}" for label, two in differing(said).items() if all(two)]


def _differs(record: Record, family: Sequence[Record]) -> str:
    """Say how a report differs from its notebook's baseline, or where there is none from the first."""
    base = min(family, key=lambda one: (not one.parameters, one.slug != BASELINE))
    fields = getattr(MODELS.get(record.notebook), "model_fields", {})
    pairs = differing([record.parameters, base.parameters])
    names = sorted((name for name in pairs if name not in UNSAID), key=OF_THE_DATA.__contains__)
    said = [f"{fields[it].title if it in fields else as_words(it)}: {show_setting(pairs[it][0])}" for it in names]
    return listed(said, most=2, letters=200) if said else ""


def _thumbnail(page: Path) -> str:
    """Return the first picture of a page, as it is drawn for a phone."""
    html = page.read_text(encoding="utf-8") if page.is_file() else ""
    return "".join(re.findall(r'<svg class="narrow".*?</svg>', html, re.DOTALL)[:1])


def _score(record: Record) -> list[tuple[int, Sequence[str]]]:
    """Count a report's verdicts, each with its look, where its findings are counts by verdict."""
    found = {one.name: one.value for one in record.findings if isinstance(one.value, int)}
    counts = [(found.get(re.sub(r"\W", "_", verdict), 0), look) for verdict, look in VERDICT_LOOK.items()]
    return counts if {"holds", "fails"} <= found.keys() else []


def _picture(base: str, points: Sequence[Record]) -> str:
    """Draw the first number that has an interval (else the first) over the one parameter that is swept; of trials, nothing."""
    from research_lib.exhibits.charts import Band, Line, curve

    found = [(one.parameters, it) for one in points if one.status in MADE for it in one.findings]
    measured = [it for _, it in found if isinstance(it.value, float)]  # and not counted
    first = min(measured, key=lambda it: it.low is None, default=Finding(name="", value=None))
    drawn = [(asked, it) for asked, it in found if it.name == first.name and isinstance(it.value, int | float)]
    swept = differing([asked for asked, _ in drawn])
    if len(swept) != 1:
        return ""
    ((parameter, at),) = swept.items()
    name, over, numeric = as_words(first.name), as_words(parameter), all(type(one) in (int, float) for one in at)
    rows = [(it.value, it.low, it.high) for _, it in drawn]
    frame = pd.DataFrame(rows, at if numeric else None, ["value", "low", "high"], dtype=float).sort_index()
    values, known, shown = frame["value"], frame.dropna(), [show(value, first.unit) for value, _, _ in rows]
    figure = curve(
        [Line(values)], bands=[Band(known["low"], known["high"], "95% interval")] if len(known) else [], points=values,
        height_px=150, name=name, unit=first.unit, x_name=over if numeric else f"{over}, in their order", data=frame,
        title=f"{name[0].upper()}{name[1:]}: {show(values.min(), first.unit)} to {show(values.max(), first.unit)}",
        alt="; ".join(f"{over} {show_setting(one)}: {value}" for one, value in zip(at, shown, strict=True)),
        deck=as_words(base), id=f"sweep-{base.replace('/', '-')}",
    )  # fmt: skip
    return figure._repr_html_().replace(FRAME_STYLE, "")
