"""The index of all reports."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from research_lib.reports.html import TEMPLATES
from research_lib.reports.records import Result


@dataclass(frozen=True)
class Line:
    """One report in the index: `page` is empty where there is none to open."""

    name: str
    page: str
    status: str
    answer: str
    data: tuple[str, ...]


def write_index(output: Path, results: Sequence[Result]) -> Path:
    """Write `index.html` over every report below `output`, and the ones that were just left out or failed."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    style = (TEMPLATES / "report" / "report.css").read_text(encoding="utf-8")
    lines = sorted(_lines(output, results), key=lambda line: line.name)
    page = environment.get_template("index.html.j2").render(reports=lines, style=style)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=output, delete=False, encoding="utf-8") as file:
        file.write(page)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(output / "index.html")
    return output / "index.html"


def _lines(output: Path, results: Sequence[Result]) -> Iterator[Line]:
    latest = {result.name: result for result in results}
    for path in output.glob("*/*.findings.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        name = f"{record['notebook']}/{record['slug']}"
        result = latest.pop(name, None)
        page = f"{name}.html" if (output / f"{name}.html").exists() else ""
        data = tuple(_spans(record["data"]))
        failed = result is not None and not result.page
        status = f"{result.status}: {result.message}" if result and failed else record["status"]
        yield Line(name, quote(page), status, record["answer"], data)
    for result in latest.values():
        yield Line(result.name, "", result.status, result.message, ())


def _spans(cards: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Name the first series and its dates, which the report is about, and count the others."""
    yield from (f"{card['id']}, {card['first']} to {card['last']}" for card in cards[:1])
    if len(cards) > 1:
        yield f"and {len(cards) - 1} more"
