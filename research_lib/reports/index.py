"""The front page of all reports: what changed, the claims' score, a card a question, a line a report, a picture a sweep."""

import base64
import hashlib
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd

from research_lib.exhibits.exhibit import FRAME_STYLE
from research_lib.exhibits.figure import VERDICT_LOOK, ink_on
from research_lib.exhibits.findings import FIELDS
from research_lib.exhibits.format import show
from research_lib.params import show_setting
from research_lib.project import write_whole
from research_lib.reports.html import PARTS, TEMPLATES, safely
from research_lib.reports.record import MADE, Finding, Record, Status, differing, read_records
from research_lib.studies.parameters import MODELS

POINT = "--"  # stands before the settings of one point of a sweep, in its slug
BASELINE = "baseline"
MOST_DIFFERENCES = 2
OF_THE_DATA = ("source", "as_of")  # named after what a study itself asks
UNSAID = {"data_dir", "seed"}
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\d“])")  # where the next one begins


def write_index(output: Path, records: Sequence[Record]) -> None:
    """Write `index.html` and `findings.csv` of all reports below `output`, and of `records` that have left none there."""
    known = {record.name: record for record in read_records(output)}
    for record in records:
        before = known.get(record.name)
        if before is None or record.status not in {*MADE, Status.INTERRUPTED}:
            known[record.name] = record.with_(previous=before.good) if before else record
    # 20 before 100
    ordered = sorted(known.values(), key=lambda one: re.sub(r"\d+", lambda digits: digits[0].zfill(12), one.name))
    grouped = groupby(ordered, key=lambda one: (one.notebook, "".join(one.slug.partition(POINT)[:2])))
    together = [(f"{notebook}/{slug.removesuffix(POINT)}", list(group)) for (notebook, slug), group in grouped]
    single = [group[0] for _, group in together if len(group) == 1]  # one point is no sweep
    families = [list(group) for _, group in groupby(single, key=lambda record: record.notebook)]
    answers = [one for family in families if (one := _answer(family))]
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    PARTS.filters.update(as_words=as_words, differs=_differs, first_sentence=lambda text: SENTENCE.split(text, 1)[0])
    page = PARTS.get_template("index.html.j2").render(
        lines=single, show=show, script=script,
        families=[(family, min(family, key=lambda one: (not one.parameters, one.slug != BASELINE))) for family in families],
        failed_pages={one.link() for one in ordered if one.good is not one and (output / one.link()).is_file()},
        sweeps=[(base, points, safely(_picture, base, points)) for base, points in together if len(points) > 1],
        cards=[(record, record.hero and _thumbnail(output / record.link())) for record in answers],
        score=next(((record, counts) for record in answers if (counts := _score(record))), None),
        changes={record.name: changed for record in single if (changed := _changes(record))},
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip
    found = [(good, one) for record in ordered if (good := record.good) for one in good.findings]
    numbers = [{"notebook": good.notebook, "slug": good.slug, **one.model_dump()} for good, one in found]
    table = pd.DataFrame(numbers, columns=["notebook", "slug", *FIELDS], dtype=object)
    write_whole({output / "findings.csv": table.to_csv(index=False).encode(), output / "index.html": page.encode()})


def as_words(name: str) -> str:
    """Write a name as words: 01_rate_cut_regimes is rate cut regimes."""
    return re.sub(r"^\d+_", "", name).replace("/", ", ").replace("_", " ")


def _changes(now: Record) -> list[str]:
    """Say how verdict and numbers differ from those of the report before it, which other inputs made."""
    if (before := now.previous) is None or now.good is before:
        return []
    old, verdicts = {label: value for value, label in before.numbers}, [before.verdict, now.verdict]
    changed = [f"{label}: {old[label]} → {value}" for value, label in now.numbers if old.get(label, value) != value]
    return [" → ".join(verdicts)] * (before.verdict != now.verdict) + changed


def _differs(record: Record, base: Record) -> str:
    """Say how a report differs from another of its notebook."""
    fields = getattr(MODELS.get(record.notebook), "model_fields", {})
    values = differing([record.parameters, base.parameters])
    names = sorted((name for name in values if name not in UNSAID), key=OF_THE_DATA.__contains__)
    titles = [fields[name].title if name in fields else as_words(name) for name in names]
    said = [f"{title}: {show_setting(values[name][0])}" for title, name in zip(titles, names, strict=True)]
    more = f" and {len(said) - MOST_DIFFERENCES} more" if len(said) > MOST_DIFFERENCES else ""
    return ", ".join(said[:MOST_DIFFERENCES]) + more


def _answer(family: Sequence[Record]) -> Record | None:
    """Choose the report that answers a notebook's question: on the user's own data, else the baseline, else the fullest."""
    answered = [record.good for record in family if record.good and record.good.headline]
    own = lambda one: one.parameters.get("source", "bundled") != "bundled"
    return max(answered, key=lambda one: (own(one), one.slug == BASELINE, len(one.findings)), default=None)


def _thumbnail(page: Path) -> str:
    """Return the first picture of a page, as it is drawn for a phone."""
    html = page.read_text(encoding="utf-8") if page.is_file() else ""
    return "".join(re.findall(r'<svg class="narrow".*?</svg>', html, re.DOTALL)[:1])


def _score(record: Record) -> list[tuple[str, int, str, str]]:
    """Count a report's verdicts, where its findings are counts by verdict."""
    found = {one.name: one.value for one in record.findings if isinstance(one.value, int)}
    looks = [(found.get(re.sub(r"\W", "_", verdict), 0), look) for verdict, look in VERDICT_LOOK.items()]
    counts = [(word, count, colour, ink_on(colour)) for count, (colour, _, word) in looks if count]
    return counts if {"holds", "fails"} <= found.keys() else []


def _picture(base: str, points: Sequence[Record]) -> str:
    """Draw the first number that has an interval (else the first) over the one parameter that is swept; of trials, nothing."""
    from research_lib.exhibits.charts import Band, Line, curve

    found = [(good.parameters, number) for one in points if (good := one.good) for number in good.findings]
    numbers = [(parameters, number) for parameters, number in found if isinstance(number.value, int | float)]
    measured = [number for _, number in numbers if isinstance(number.value, float)]  # and not counted
    chosen = min(measured, key=lambda number: number.low is None, default=Finding(name="", value=None))
    drawn = [(parameters, number) for parameters, number in numbers if number.name == chosen.name]
    swept = differing([parameters for parameters, _ in drawn])
    if len(drawn) < 2 or len(swept) != 1:
        return ""
    ((parameter, at),) = swept.items()
    numeric = all(type(one) in (int, float) for one in at)
    rows = [(number.value, number.low, number.high) for _, number in drawn]
    frame = pd.DataFrame(rows, at if numeric else None, ["value", "low", "high"], dtype=float).sort_index()
    known, name, over = frame.dropna(), as_words(chosen.name), as_words(parameter)
    said = [f"{over} {show_setting(one)}: {show(row[0], chosen.unit)}" for one, row in zip(at, rows, strict=True)]
    ends = [show(value, chosen.unit) for value in (frame["value"].min(), frame["value"].max())]
    figure = curve(
        [Line(frame["value"])],
        bands=[Band(known["low"], known["high"], "95% interval")] if len(known) else [],
        points=frame["value"], height_px=150, name=name, unit=chosen.unit, data=frame, deck=as_words(base), alt="; ".join(said),
        x_name=over if numeric else f"{over}, in their order", title=f"{name[0].upper()}{name[1:]}: {' to '.join(ends)}",
        id=f"sweep-{base.replace('/', '-')}",
    )  # fmt: skip
    return figure._repr_html_().replace(FRAME_STYLE, "")
