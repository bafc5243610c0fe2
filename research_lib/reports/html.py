"""From an executed notebook to one HTML page that needs no network and no script, and to the files beside it."""

import base64
import json
import mimetypes
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html import escape, unescape
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from research_lib.errors import ReportError
from research_lib.exhibits.figure import FRAME_STYLE, STYLE, badge
from research_lib.reports.record import Record, Status

TEMPLATES = Path(__file__).parent / "templates"
HEADLINE_TAG, FOLD_TAG, PAPERMILL_ERROR_TAG = "headline", "fold", "papermill-error-cell-tag"
MANY_CELLS = 256  # of all notebooks together
SHOWN_LINES, MOST_LINES = 40, 2_000  # of a text: the rest is folded, or cut
FOLDED_CHARACTERS, MOST_CHARACTERS = 60_000, 3_000_000  # of a user's HTML
PICTURE_BYTES = 5_000_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PDF_SECONDS = 120

MACHINE_PATH = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:)?(?:[/\\][^\s/\\:'\"<>]+)+[/\\](?=[^\s/\\:'\"<>])")
WARNING_LINE = re.compile(r"^.*?:\d+: (?P<warning>\w*Warning: .*)$")
NOT_A_COLOUR = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]")  # of a terminal: moves the cursor, clears a line
COLOUR = re.compile(r"\x1b\[[\d;]*m")
NOT_FOR_A_PAGE = ("script", "iframe", "object", "embed", "link", "meta", "base", "noscript")
MADE = {Status.OK, Status.UNCHANGED}


class MathRenderer(IPythonRenderer):
    """Renders formulas as MathML, which browsers draw by themselves, and headings with a name to link to."""

    def inline_math(self, body: str) -> str:
        """Render a formula inside a sentence."""
        return _mathml(body, display="inline")

    def block_math(self, body: str) -> str:
        """Render a formula on its own line."""
        return _scrolling(_mathml(body, display="block"), "Formula")

    def latex_environment(self, name: str, body: str) -> str:
        """Render an environment such as align; without numbers, which nothing refers to."""
        name = f"{name.rstrip('*')}*" if name.startswith(("align", "equation", "gather")) else name
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def table(self, text: str) -> str:
        """Render a table."""
        return _scrolling(f"<table>{text}</table>", "Table")

    def heading(self, text: str, level: int, **_: Any) -> str:  # noqa: ANN401  # mistune's signature
        """Render a heading that the list of contents can link to."""
        return f'<h{level} id="{_anchor(text)}">{text}</h{level}>\n'


@dataclass
class Section:
    """A part of a page: its cells as HTML; with a heading it is folded."""

    heading: str = ""
    parts: list[str] = field(default_factory=list)


def render(notebook: NotebookNode, record: Record, *, folder: Path | None = None) -> str:
    """Render an executed notebook, as far as it went, as a page; its own folder has the pictures that its Markdown names."""
    own = [cell for cell in notebook.cells if PAPERMILL_ERROR_TAG not in cell.metadata.get("tags", [])]
    cells, warnings = _take_warnings(own)
    first = cells[0].source.strip() if cells and cells[0].cell_type == "markdown" else ""
    title, _, question = first.removeprefix("# ").partition("\n") if first.startswith("# ") else ("", "", "")
    answered = bool(record.headline) and record.status in MADE
    sections = _sections(cells[1:] if title else cells, folder, answered=answered)
    hero = _take_hero(sections, record.hero) if answered else ""
    question = "" if answered else _markdown(question, folder, trusted=True)
    return _page(
        record, title=title or record.notebook, question=question, hero=hero, sections=sections, warnings=warnings
    )


def failed_page(record: Record, reason: str) -> str:
    """Return the page of a report whose rendering failed: what is known of it, and the reason."""
    message = f"{record.message} The page could not be made: {reason}".strip()
    return _page(record.with_(message=message, status=Status.FAILED), title=record.notebook, sections=[])


def _page(record: Record, *, sections: Sequence[Section], **parts: Any) -> str:  # noqa: ANN401
    open_html = "".join("".join(section.parts) for section in sections if not section.heading)
    headings = re.findall(r'<h2 id="([^"]*)">(.*?)</h2>|<p class="title" id="([^"]*)-title">(.*?)</p>', open_html)
    return templates().get_template("page.html.j2").render(
        record=record,
        made=record.status in MADE,
        sections=sections,
        first_fold=next((i for i, section in enumerate(sections) if section.heading), len(sections)),
        contents=[(a or c, unescape(re.sub("<.*?>", "", b or d))) for a, b, c, d in headings],
        summary=summary_text(record),
        data_to=data_to(record),
        version=version("research-lib"),
        **parts,
    )  # fmt: skip


def files_beside(notebook: NotebookNode, record: Record) -> dict[str, bytes]:
    """Return the files that stand beside a page: each figure as SVG, a small one of the hero, a summary for an e-mail."""
    files = {}
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        about = output.get("metadata", {}).get("research_lib", {})
        if about.get("kind") != "figure":
            continue
        html, name = output.data["text/html"], about["id"]
        if found := re.search(r'href="data:image/svg\+xml,([^"]*)"', html):
            files[f"{record.slug}.figures/{name}.svg"] = unquote(found[1]).encode()
        if name == record.hero and (found := re.search(r'<svg class="narrow".*?</svg>', html, re.DOTALL)):
            files[f"{record.slug}.figures/{name}.small.svg"] = found[0].encode()
    if record.headline:
        files[f"{record.slug}.summary.txt"] = (summary_text(record) + "\n").encode()
    return files


def summary_text(record: Record) -> str:
    """Say a report in about 80 words, for an e-mail."""
    return f"{record.headline}\n\n{record.standfirst}\n\n({record.name}, data to {data_to(record) or 'unknown'})"


def data_to(record: Record) -> str:
    """Return the last day of the data that a report rests on; empty where that is not known."""
    return max((str(card.get("last") or "") for card in record.data), default="")


def to_pdf(page: Path) -> Path:
    """Print a page as PDF beside it, by a Chromium that is installed."""
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None:
        raise ReportError(f"no PDF of {page.name}: it needs Chromium or Chrome, which is not installed")
    target = page.with_suffix(".pdf")
    # As root, and in most containers, Chromium has no sandbox; it opens a page of ours that runs no script.
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
    try:
        subprocess.run(  # noqa: S603  # a browser, and a page of ours
            [browser, *options, page.resolve().as_uri()], check=True, capture_output=True, timeout=PDF_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ReportError(f"no PDF of {page.name}: {Path(browser).name} failed ({type(error).__name__})") from error
    return target


def _take_warnings(cells: Sequence[NotebookNode]) -> tuple[list[NotebookNode], list[tuple[str, int]]]:
    """Return the cells without what they wrote to the error stream, and each message of it with its count."""
    messages: Counter[str] = Counter()
    kept = []
    for cell in cells:
        outputs = list(_joined(cell.get("outputs", [])))
        messages.update(line for output in outputs if _is_warning(output) for line in _messages(output.text))
        kept.append(NotebookNode({**cell, "outputs": [output for output in outputs if not _is_warning(output)]}))
    return kept, messages.most_common()


def without_paths(text: str) -> str:
    """Shorten this machine's paths to the names of files."""
    return MACHINE_PATH.sub("", text)


@cache
def templates() -> Environment:
    """Return the templates of pages and index, and what they share."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    code = f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}"
    environment.globals.update(exhibit_style=STYLE, code_style=code, badge=badge, anchor=_anchor)
    environment.filters["without_paths"] = without_paths
    return environment


def _sections(cells: Sequence[NotebookNode], folder: Path | None, *, answered: bool) -> list[Section]:
    """Render cells; one tagged as a fold begins a section, which ends with the next heading of its rank."""
    sections = [Section()]
    for cell in cells:
        tags, changes = cell.metadata.get("tags", []), {}
        heading = re.match(r"## +(.+)\n?", cell.source) if cell.cell_type == "markdown" else None
        if heading and FOLD_TAG in tags:
            sections.append(Section(re.sub(r"[*`]", "", heading[1])))
            changes["source"] = cell.source[heading.end() :]
        elif heading and sections[-1].heading:
            sections.append(Section())
        if answered and HEADLINE_TAG in tags:  # it stands on top
            changes["outputs"] = []
        sections[-1].parts.append(_cell(NotebookNode({**cell, **changes}), folder))
    return sections


def _take_hero(sections: Sequence[Section], hero: str) -> str:
    """Take the cell of the picture that stands on top out of its section."""
    for section in sections:
        for i, part in enumerate(section.parts):
            if hero and f'<figure class="exhibit figure" id="{hero}"' in part:
                return section.parts.pop(i)
    return ""


def _cell(cell: NotebookNode, folder: Path | None) -> str:
    if cell.cell_type == "code":
        shown = "".join(_safely(_show, output, folder) for output in cell.outputs)
        failing = " failing" if any(output.output_type == "error" for output in cell.outputs) else ""
        return f'{shown}<div class="code{failing}">{_highlighted(cell.source)}</div>' if cell.source.strip() else shown
    if not cell.source.strip():
        return ""
    if cell.cell_type == "raw":
        return _text(cell.source)
    source = cell.source
    for name, data in cell.get("attachments", {}).items():
        kind, picture = next(iter(data.items()))
        source = source.replace(f"(attachment:{name}", f"(data:{kind};base64,{''.join(picture)}")
    return f'<div class="text">{_safely(_markdown, source, folder, trusted=True)}</div>'


def _safely(show: Callable[..., str], *what: Any, **how: Any) -> str:  # noqa: ANN401
    """Render one part of a page, or say that it cannot be: it never costs the page."""
    try:
        return show(*what, **how)
    except Exception as error:  # whatever a library says to an odd output
        return _missing(f"This part could not be shown ({type(error).__name__}: {without_paths(str(error))[:200]}).")


def _show(output: NotebookNode, folder: Path | None) -> str:  # noqa: C901, PLR0911  # a line a kind
    """Render an output: the best of what it offers that needs no script."""
    if output.output_type == "stream":
        return _text(output.text)
    if output.output_type == "error":
        trace = _folded("Traceback", _text("\n".join(output.traceback))) if output.traceback else ""
        said = escape(without_paths(COLOUR.sub("", output.evalue)))
        return f'<p class="error"><strong>{escape(output.ename)}</strong>: {said}</p>{trace}'
    data = {kind: "".join(part) if isinstance(part, list) else part for kind, part in output.data.items()}
    if "research_lib" in output.get("metadata", {}):
        return str(data["text/html"]).replace(FRAME_STYLE, "")  # the page has it once
    for kind in ("text/html", "image/svg+xml"):
        if kind in data and (shown := _foreign(data[kind], folder)):
            return shown
    if words := data.get("text/markdown") or data.get("text/latex"):
        return f'<div class="text">{_markdown(words, folder)}</div>'
    for kind in sorted(data, reverse=True):
        if kind.startswith("image/"):
            width = str(output.get("metadata", {}).get(kind, {}).get("width", ""))
            size = f' width="{width}"' if width.isdigit() else ""
            alt = escape(data.get("text/plain", "Picture"))
            return f'<p><img src="data:{kind};base64,{data[kind].strip()}" alt="{alt}"{size}></p>'
    if "application/json" in data:
        return _text(json.dumps(data["application/json"], indent=2, ensure_ascii=False))
    alive = next((kind for kind in data if kind.startswith("application/") or kind == "text/html"), "")
    if alive or "text/plain" not in data:  # a widget, a chart that is script
        return _missing(f"An interactive output ({alive}) stood here; it needs script, which this page does not have.")
    return _text(data["text/plain"])


def _foreign(html: str, folder: Path | None) -> str:
    """Render HTML that is not the kit's own; empty where nothing is left of it without its script."""
    if len(html) > MOST_CHARACTERS:
        return _missing(f"An output of {len(html):,} characters is left out; it stands in the notebook.")
    framed = _scrolling(shown, "Output") if (shown := _cleaned(html, folder)) else ""
    return framed if len(html) < FOLDED_CHARACTERS else _folded(f"{len(html):,} characters of output", framed)


def _markdown(source: str, folder: Path | None, *, trusted: bool = False) -> str:
    """Render Markdown: its author's own may hold HTML, a text from data not."""
    renderer = MathRenderer(escape=not trusted, allow_harmful_protocols=False)
    html = str(MarkdownWithMath(renderer=renderer).render(source))
    return _cleaned(html, folder) if "<img" in html or (trusted and "<" in source) else html


def _cleaned(html: str, folder: Path | None) -> str:
    """Close what is open in HTML, and take out what a page without script and network cannot have."""
    soup = BeautifulSoup(re.sub(r"^\s*<\?xml.*?\?>|<!DOCTYPE.*?>", "", html, flags=re.DOTALL), "html.parser")
    for tag in soup.find_all(NOT_FOR_A_PAGE):
        tag.decompose()
    for tag in soup.find_all(True):
        for name in [name for name in tag.attrs if name.startswith("on")]:
            del tag[name]
        if re.match(r"\s*(javascript|vbscript|data:text):?", str(tag.get("href", "")), re.IGNORECASE):
            del tag["href"]
        if tag.name == "img":
            _embed(tag, folder)
    has_picture = soup.find(["img", "svg", "math", "hr", "input", "progress", "video", "audio", "canvas"])
    return str(soup) if has_picture or soup.get_text(strip=True) else ""


def _embed(picture: Tag, folder: Path | None) -> None:
    """Put a picture that is a file beside the notebook into the page; name one that cannot be had."""
    address = str(picture.get("src", ""))
    if not picture.get("alt"):
        picture["alt"] = Path(address).name if not address.startswith("data:") else "Picture"
    if address.startswith("data:image/"):
        return
    path = folder / unquote(address) if folder and "//" not in address else None
    kind = mimetypes.guess_type(address)[0] or ""
    if path and kind.startswith("image/") and path.is_file() and path.stat().st_size < PICTURE_BYTES:
        picture["src"] = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    else:
        picture.name, picture.attrs = "em", {}
        picture.string = f"[picture not in this page: {address}]"


def _text(text: str) -> str:
    """Render text as a terminal would show it in the end; what is long is folded, what is endless is cut."""
    lines = without_paths(_overwritten(text)).splitlines()
    first, more, cut = lines[:SHOWN_LINES], lines[SHOWN_LINES:MOST_LINES], len(lines) - MOST_LINES
    if cut > 0:
        more.append(f"… {cut:,} more lines stand in the notebook")
    shown = [f'<pre tabindex="0">{ansi2html(chr(10).join(part))}</pre>' for part in (first, more)]
    return shown[0] + (_folded(f"{len(lines) - SHOWN_LINES:,} more lines", shown[1]) if more else "")


def _overwritten(text: str) -> str:
    """Let what follows a carriage return overwrite the line, as a progress bar does."""

    def last(line: str) -> str:
        shown = ""
        for part in line.rstrip("\r").split("\r"):
            shown = part + shown[len(part) :]
        return shown

    return "\n".join(map(last, NOT_A_COLOUR.sub("", text).split("\n")))


def _joined(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Join what was written to one stream bit by bit."""
    before: NotebookNode | None = None
    for output in outputs:
        if before and output.output_type == "stream" == before.output_type and output.name == before.name:
            before = NotebookNode({**before, "text": before.text + output.text})
            continue
        if before:
            yield before
        before = output
    if before:
        yield before


def _messages(text: str) -> Iterator[str]:
    """Read what was written to the error stream: of a warning its class and words, not its place and line of code."""
    lines = iter(COLOUR.sub("", _overwritten(text)).splitlines())
    for line in lines:
        found = WARNING_LINE.match(line)
        if found:
            next(lines, None)  # the line of code that warned
        if line.strip():
            yield without_paths(found["warning"] if found else line).strip()


def _is_warning(output: NotebookNode) -> bool:
    return bool(output.output_type == "stream" and output.name == "stderr")


@lru_cache(maxsize=MANY_CELLS)
def _highlighted(source: str) -> str:
    """Render a cell's code; reports of one notebook share most of their cells."""
    return str(Highlight2HTML(pygments_lexer="ipython3")(source))


def _mathml(body: str, *, display: str) -> str:
    try:
        return str(convert(body.replace("<", r"\lt ").replace(">", r"\gt "), display=display))
    except Exception:  # its errors share no class; dollars in a text from data need be no formula
        return f"<code>{escape(body)}</code>"


def _anchor(heading: str) -> str:
    return "to-" + re.sub(r"[^\w-]+", "-", unescape(re.sub("<.*?>", "", heading)).strip()).strip("-").lower()


def _scrolling(html: str, what: str) -> str:
    return f'<div class="scroll" role="group" tabindex="0" aria-label="{what}">{html}</div>'


def _folded(what: str, html: str) -> str:
    return f'<details class="long"><summary>{what}</summary>{html}</details>'


def _missing(sentence: str) -> str:
    return f'<p class="missing">{escape(sentence)}</p>'
