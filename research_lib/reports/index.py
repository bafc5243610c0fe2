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
from urllib.parse import quote

from markupsafe import Markup, escape

from research_lib.exhibits.figure import VERDICT_LOOK, ink_on
from research_lib.exhibits.format import show
from research_lib.params import show_setting
from research_lib.project import write_whole
from research_lib.reports.html import TEMPLATES, data_to, templates, without_paths
from research_lib.reports.record import FAILED_PAGE, PAGE, Finding, Record, Status, differing, with_whole_numbers
from research_lib.studies.study import parameters_model

POINT = "--"  # stands before the settings of one point of a sweep, in its slug
BASELINE = "baseline"
MADE = {Status.OK, Status.UNCHANGED}
MOST_DIFFERENCES, MOST_CHANGES = 3, 8
SWEEP_WIDTH, SWEEP_HEIGHT = 640, 120
CSV_COLUMNS = ("notebook", "slug", "name", "value", "unit", "n", "low", "high", "definition")


@dataclass(frozen=True)
class Line:
    """One report as the index shows it: its last good record, and its last one where that failed."""

    record: Record
    differs: str = ""

    @property
    def good(self) -> Record | None:
        """The last record of a whole report."""
        return self.record if self.record.status in MADE else self.record.previous

    @property
    def page(self) -> str:
        """The page to open: of a failure, what was made before it."""
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
        if self.good is None:
            return ""
        return self.good.headline or ", ".join(f"{as_words(one.name)} {_shown(one)}" for one in self.good.findings[:3])

    @property
    def key(self) -> tuple[str, str]:
        """The first number of its summary, and what that is."""
        return self.good.numbers[0] if self.good and self.good.numbers else ("", "")

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
        numbers = [f"{label}: {old[label]} → {value}" for value, label in now.numbers if old.get(label, value) != value]
        return [*verdict, *numbers]


@dataclass(frozen=True)
class Card:
    """A question, with the report that answers it from the latest data, and a picture."""

    line: Line
    record: Record
    picture: str

    @property
    def sentence(self) -> str:
        """The first sentence below its headline."""
        return re.split(r"(?<=[.!?])\s+(?=[A-Z\d“])", self.record.standfirst, maxsplit=1)[0]


def write_index(output: Path, records: Sequence[Record]) -> Path:
    """Write `index.html` over all reports, and `findings.csv` with their numbers; return the path of the first.

    Parameters
    ----------
    output : Path
        The folder of all reports.
    records : sequence of Record
        One a report: of those just made or left out the new ones, of the others what stands below the folder.
    """
    ordered = sorted(records, key=lambda record: with_whole_numbers(record.name))
    lines = [
        line for _, group in _by_notebook(one for one in ordered if POINT not in one.slug) for line in _lines(group)
    ]
    sweeps = groupby((one for one in ordered if POINT in one.slug), key=lambda one: one.name.partition(POINT)[0])
    script = (TEMPLATES / "index.js").read_text(encoding="utf-8")
    page = templates().get_template("index.html.j2").render(
        families=[(group[0], group) for _, group in _by_notebook_of_lines(lines)],
        sweeps=[_sweep(base, list(points)) for base, points in sweeps],
        cards=[card for _, group in _by_notebook_of_lines(lines) for card in _card(output, group)],
        score=next((score for line in lines for score in _score(line)), None),
        changed=[line for line in lines if line.changes][:MOST_CHANGES],
        made=[line.good for line in lines if line.good],
        not_made=[line for line in lines if line.not_made],
        failed=[line for line in lines if line.message and not line.not_made],
        as_words=as_words,
        data_to=max((line.data_to for line in lines), default=""),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip
    path = output / "index.html"
    write_whole({path: page.encode(), output / "findings.csv": _findings_csv(ordered)})
    return path


def _by_notebook(records: Iterator[Record]) -> Iterator[tuple[str, list[Record]]]:
    for notebook, group in groupby(records, key=lambda record: record.notebook):
        yield notebook, list(group)


def _by_notebook_of_lines(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    for notebook, group in groupby(lines, key=lambda line: line.record.notebook):
        yield notebook, list(group)


def _lines(records: Sequence[Record]) -> Iterator[Line]:
    """Give each report of a notebook a line that says how it differs from the baseline, or from the first."""
    known = [record for record in records if record.parameters]
    base = next((record for record in known if record.slug == BASELINE), known[0] if known else None)
    model = parameters_model(records[0].notebook)
    for record in records:
        names = differing([base.parameters, record.parameters]) if base and record.parameters else []
        titles = {
            name: getattr(model.model_fields.get(name), "title", None) or name if model else name for name in names
        }
        settings = [f"{titles[name]} {_setting(record.parameters.get(name))}" for name in names]
        more = f" and {len(settings) - MOST_DIFFERENCES} more" if len(settings) > MOST_DIFFERENCES else ""
        yield Line(record, ", ".join(settings[:MOST_DIFFERENCES]) + more)


def _setting(value: object) -> str:
    """Show a parameter's value; of a collection that says little, its size."""
    if isinstance(value, (list, dict)) and (len(value) > 3 or any(isinstance(one, (list, dict)) for one in value)):
        return f"{len(value)} items"
    return show_setting(value) or "none"


def as_words(name: str) -> str:
    """Write a file's or a finding's name as words: 01_rate_cut_regimes is rate cut regimes."""
    return re.sub(r"^\d+_", "", name).replace("/", ", ").replace("_", " ")


def _shown(finding: Finding) -> str:
    return show(finding.value, finding.unit)


def _card(output: Path, lines: Sequence[Line]) -> Iterator[Card]:
    """Give the card of a notebook: of its reports the one with the latest data."""
    answered = [(line, line.good) for line in lines if line.good and line.good.headline]
    if answered:
        line, good = max(answered, key=lambda pair: (data_to(pair[1]), len(pair[1].data)))
        picture = output / good.notebook / f"{good.slug}.figures" / f"{good.hero}.small.svg"
        yield Card(line, good, picture.read_text(encoding="utf-8") if good.hero and picture.is_file() else "")


def _score(line: Line) -> Iterator[tuple[Line, list[tuple[str, int, str, str]]]]:
    """Give the counts of a report's verdicts, where its findings are counts by verdict."""
    found = {one.name: one.value for one in line.good.findings} if line.good else {}
    counts = [
        (word, int(count), colour, ink_on(colour))
        for verdict, (colour, _, word) in VERDICT_LOOK.items()
        if isinstance(count := found.get(verdict.replace(" ", "_").replace("-", "_")), int) and count
    ]
    if {"holds", "fails"} <= set(found) and counts:
        yield line, counts


def _sweep(base: str, points: Sequence[Record]) -> tuple[str, str, Markup, list[Line]]:
    """Give a sweep's name, what is drawn, the picture, and its points."""
    differs = differing([point.parameters for point in points if point.parameters])
    lines = [Line(point, point.slug.partition(POINT)[2].replace("=", " ")) for point in points]
    good = [line.good for line in lines if line.good]
    names = [one.name for one in good[0].findings if isinstance(one.value, float)] if good else []
    ranged = [one.name for one in good[0].findings if one.name in names and one.low is not None] if good else []
    name = next(iter(ranged + names), "")
    drawn = [(one, next((f for f in one.findings if f.name == name and f.value is not None), None)) for one in good]
    shown = [(one.parameters.get(differs[0]) if differs else None, found) for one, found in drawn if found]
    what = as_words(f"{name} by {', '.join(differs)}") if shown else ""
    return as_words(base), what, _sweep_picture(shown, what), lines


def _sweep_picture(points: Sequence[tuple[object, Finding]], what: str) -> Markup:
    """Draw a value with its interval over the swept parameter; values that are no numbers stand in their order."""
    if len(points) < 2:
        return Markup("")
    numbers = [x if isinstance(x, (int, float)) else i for i, (x, _) in enumerate(points)]
    ends = [(float(f.value or 0), f.low, f.high) for _, f in points]
    low, high = (pick(end for three in ends for end in three if end is not None) for pick in (min, max))
    first, last = min(numbers), max(numbers)

    def place(x: float, y: float) -> tuple[float, float]:
        across = 60 + (SWEEP_WIDTH - 80) * (x - first) / ((last - first) or 1)
        return across, 12 + (SWEEP_HEIGHT - 42) * (high - y) / ((high - low) or 1)

    drawn = []
    for x, (value, bottom, top) in zip(numbers, ends, strict=True):
        across, down = place(x, value)
        if bottom is not None and top is not None:
            drawn.append(f'<path d="M{across:.1f} {place(x, bottom)[1]:.1f}V{place(x, top)[1]:.1f}"/>')
        drawn.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3.5"/>')
    if low < 0 < high:
        drawn.append(f'<path class="zero" d="M60 {place(first, 0)[1]:.1f}H{SWEEP_WIDTH - 20}"/>')
    unit = points[0][1].unit
    labels: list[tuple[float, float, str, str]] = [
        (0, 16, "start", show(high, unit)),
        (0, SWEEP_HEIGHT - 26, "start", show(low, unit)),
    ]
    labels += [(place(numbers[i], low)[0], SWEEP_HEIGHT - 6, "middle", _setting(points[i][0])) for i in (0, -1)]
    texts = "".join(
        f'<text x="{x:.0f}" y="{y}" text-anchor="{side}">{escape(text)}</text>' for x, y, side, text in labels
    )
    alt = "; ".join(f"{_setting(x)}: {_shown(f)}" for x, f in points[:40])
    size = f'viewBox="0 0 {SWEEP_WIDTH} {SWEEP_HEIGHT}"'
    label = escape(f"{what}: {alt}")
    picture = f'<svg class="sweep" role="img" aria-label="{label}" {size}>{"".join(drawn)}{texts}</svg>'
    return Markup(picture)  # noqa: S704  # its words are escaped


def _findings_csv(records: Sequence[Record]) -> bytes:
    """Write the numbers of all reports as one table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for good in (line.good for line in map(Line, records)):
        for one in good.findings if good else ():
            writer.writerow([good.notebook, good.slug, *(getattr(one, name) for name in CSV_COLUMNS[2:])])  # type: ignore[union-attr]
    return text.getvalue().encode()
