"""The front page of all reports: what changed, the claims' score, a card a question, a line a report, a picture a sweep."""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from research_lib.exhibits.figure import VERDICT_LOOK, ink_on
from research_lib.exhibits.format import show
from research_lib.params import show_setting
from research_lib.project import write_whole
from research_lib.reports.html import MADE, TEMPLATES, data_to, templates, without_paths
from research_lib.reports.record import FAILED_PAGE, PAGE, Record, Status, differing, with_whole_numbers
from research_lib.studies.study import parameters_model

POINT = "--"  # stands before the settings of one point of a sweep, in its slug
BASELINE = "baseline"
MOST_DIFFERENCES = 3
OF_THE_DATA = ("source", "as_of")  # named after what a study itself asks
UNSAID = {"data_dir", "seed"}
CSV_COLUMNS = ("name", "value", "unit", "n", "low", "high", "definition")


@dataclass(frozen=True)
class Line:
    """One report as the index shows it: its last record, and how its parameters differ from the baseline's."""

    record: Record
    differs: str = ""

    @property
    def good(self) -> Record | None:
        """The last record of a whole report."""
        return self.record if self.record.status in MADE else self.record.previous

    @property
    def page(self) -> str:
        """The link to its page; of a failure, to what was made before it."""
        return quote(self.record.link(PAGE if self.record.status in MADE else FAILED_PAGE))

    @property
    def message(self) -> str:
        """Why there is no new report; empty where there is one."""
        return "" if self.record.status in MADE else without_paths(self.record.message)

    @property
    def not_made(self) -> bool:
        """Whether its data is not here, which is no error."""
        return self.record.status == Status.LEFT_OUT

    @property
    def headline(self) -> str:
        """What it found; of a notebook without a summary, its first numbers."""
        found = self.good.findings[:3] if self.good else ()
        numbers = ", ".join(f"{as_words(one.name)} {show(one.value, one.unit)}" for one in found)
        return (self.good.headline or numbers) if self.good else ""

    @property
    def data_to(self) -> str:
        """The last day of its data."""
        return data_to(self.good) if self.good else ""

    @property
    def changes(self) -> list[str]:
        """How its verdict and numbers differ from those of the report before it, which other inputs made."""
        now, before = self.record, self.record.previous
        if before is None or now.status not in MADE:
            return []
        verdict = [f"{before.verdict} → {now.verdict}"] if before.verdict != now.verdict else []
        old = {label: value for value, label in before.numbers}
        return verdict + [f"{label}: {old[label]} → {new}" for new, label in now.numbers if old.get(label, new) != new]


def write_index(output: Path, records: Sequence[Record]) -> Path:
    """Write `index.html` over all reports, and `findings.csv` with their numbers; return the path of the first.

    There is one record a report: of those just made or left out the new one, of the others the one that is kept.
    """
    ordered = sorted(records, key=lambda record: with_whole_numbers(record.name))
    single = [record for record in ordered if POINT not in record.slug]
    swept = [record for record in ordered if POINT in record.slug]
    families = [list(_lines(list(group))) for _, group in groupby(single, key=lambda record: record.notebook)]
    lines = [line for family in families for line in family]
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    page = templates().get_template("index.html.j2").render(
        lines=lines,
        families=families,
        sweeps=[_sweep(base, list(group)) for base, group in groupby(swept, key=lambda one: one.name.split(POINT)[0])],
        cards=[card for family in families for card in _card(output, family)],
        score=next((score for line in lines for score in _score(line)), None),
        data_to=max((line.data_to for line in lines), default=""),
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


def _lines(records: Sequence[Record]) -> Iterator[Line]:
    """Give each report of a notebook a line that says how it differs from the baseline, or from the first."""
    known = [record for record in records if record.parameters]
    base = next((record for record in known if record.slug == BASELINE), known[0] if known else records[0])
    model = parameters_model(records[0].notebook)
    titles = {name: field.title or name for name, field in model.model_fields.items()} if model else {}
    for record in records:
        differ = set(differing([base.parameters, record.parameters])) - UNSAID if record.parameters else set()
        names = sorted(differ, key=lambda name: (name in OF_THE_DATA, [*record.parameters, *differ].index(name)))
        settings = [f"{titles.get(one, as_words(one))} {_setting(record.parameters.get(one))}" for one in names]
        more = f" and {len(settings) - MOST_DIFFERENCES} more" if len(settings) > MOST_DIFFERENCES else ""
        yield Line(record, ", ".join(settings[:MOST_DIFFERENCES]) + more)


def _setting(value: object) -> str:
    """Show a parameter's value; of a collection that says little, its size."""
    if isinstance(value, (list, dict)) and (len(value) > 3 or any(isinstance(one, (list, dict)) for one in value)):
        return f"{len(value)} items"
    return show_setting(value) or "none"


def _card(output: Path, lines: Sequence[Line]) -> Iterator[tuple[Line, Record, str]]:
    """Give a notebook's report with the latest data, which answers its question, and the picture of its hero."""
    answered = [(line, line.good) for line in lines if line.good and line.good.headline]
    if answered:
        line, good = max(answered, key=lambda pair: (data_to(pair[1]), len(pair[1].data)))
        picture = output / good.notebook / f"{good.slug}.figures" / f"{good.hero}.small.svg"
        yield line, good, picture.read_text(encoding="utf-8") if good.hero and picture.is_file() else ""


def _score(line: Line) -> Iterator[tuple[Line, list[tuple[str, int, str, str]]]]:
    """Give the counts of a report's verdicts, where its findings are counts by verdict."""
    found: dict[str, Any] = {one.name: one.value for one in line.good.findings} if line.good else {}
    counts = [
        (word, int(count), colour, ink_on(colour))
        for verdict, (colour, _, word) in VERDICT_LOOK.items()
        if (count := found.get(re.sub(r"\W", "_", verdict)))
    ]
    if {"holds", "fails"} <= set(found) and counts:
        yield line, counts


def _sweep(base: str, points: Sequence[Record]) -> dict[str, Any]:
    """Give a sweep's points, and its first number that has an interval (else its first), to be drawn over what is swept."""
    lines = [Line(point, point.slug.split(POINT, 1)[1].replace("=", " ")) for point in points]
    good = [line.good for line in lines if line.good]
    differs = differing([record.parameters for record in good])
    numbers = [one for one in (good[0].findings if good else ()) if isinstance(one.value, float)]
    name = next((one.name for one in sorted(numbers, key=lambda one: one.low is None)), "")
    drawn = []
    for i, record in enumerate(good):
        found = next((one for one in record.findings if one.name == name and one.value is not None), None)
        if found:
            x = record.parameters.get(differs[0]) if differs else i
            ends = {
                "low": found.value if found.low is None else found.low,
                "high": found.value if found.high is None else found.high,
            }
            shown = {"x": _setting(x), "value": show(found.value, found.unit), "unit": found.unit}
            drawn.append({"at": x if isinstance(x, (int, float)) else i, "y": found.value, **ends, "shown": shown})
    what = as_words(f"{name} by {', '.join(differs)}")
    return {"base": as_words(base), "what": what, "lines": lines, "drawn": drawn, "show": show}


def _findings_csv(records: Sequence[Record]) -> bytes:
    """Write the numbers of all reports as one table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("notebook", "slug", *CSV_COLUMNS))
    for record in filter(None, (Line(record).good for record in records)):
        writer.writerows(
            (record.notebook, record.slug, *(getattr(one, name) for name in CSV_COLUMNS)) for one in record.findings
        )
    return text.getvalue().encode()
