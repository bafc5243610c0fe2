"""From an executed notebook to one HTML page that needs no network and no script, and to the files beside it."""

import base64
import json
import mimetypes
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from functools import lru_cache, partial
from html import escape, unescape
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from mistune import HTMLRenderer
from nbconvert.filters import Highlight2HTML, ansi2html, strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from research_lib.errors import ResearchError
from research_lib.exhibits.exhibit import FRAME_STYLE, STYLE, badge
from research_lib.params import show_setting
from research_lib.reports.record import MADE, Record

TEMPLATES = Path(__file__).parent / "templates"
TITLE = re.compile(r"^# +(.*\S).*\n?", re.MULTILINE)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

NAME = r"[^\s/\\:'\"<>]+"
ROOTS = "|".join(re.escape(name) for name in ("home", "Users", *(path.name for path in Path("/").iterdir())))
# Of this machine: an address such as /api/v1 is none, nor is LaTeX.
MACHINE_PATH = re.compile(rf"(?<![\w.:/])(?:/(?:{ROOTS})|[A-Za-z]:[/\\]{NAME})(?:[/\\]{NAME})*[/\\](?={NAME})")
MARKS = re.compile(r"\[(.*?)\]\(.*?\)|</?\w.*?>|[*`]|\s#+\s*$")  # of Markdown, in a heading
NOT_FOR_A_PAGE = ("script", "link", "meta", "base", "noscript")
EMBEDDED = ("img", "video", "audio", "iframe", "object", "embed")
LOADING = {"src", "srcset", "poster", "background", "data", "action", "formaction", "ping"}
SCRIPT = ("javascript:", "vbscript:", "data:text")
SEEN = ("img", "svg", "math", "hr", "input", "progress", "video", "audio", "em")
without_paths = partial(MACHINE_PATH.sub, "")  # of this machine only the names of files are shown


class _Renderer(IPythonRenderer):
    """Renders formulas as MathML, which browsers draw by themselves, tables that scroll, and headings to link to."""

    image = HTMLRenderer.image  # `_embed` looks for its data, also where it is an attachment of the cell

    def inline_math(self, body: str, display: str = "inline") -> str:
        body = re.sub(r"\\(label\{.*?\}|nonumber\b|notag\b)", "", body)  # nothing refers to them
        try:
            return str(convert(body.replace("<", r"\lt ").replace(">", r"\gt "), display=display))
        except Exception:  # its errors share no class; what is no formula, as between two dollars, stands as it is
            return f"<code>{escape(body)}</code>"

    def block_math(self, body: str) -> str:
        return _part("scrolling", "Formula", self.inline_math(body, "block"))

    def latex_environment(self, name: str, body: str) -> str:
        name = "align*" if name == "align" else name  # without the numbers
        source = f"\\begin{{{name}}}{body}\\end{{{name}}}"  # which of a table or a text stands as it is
        return f"<pre>{escape(source)}</pre>" if name.startswith(("tab", "center")) else self.block_math(source)

    def table(self, text: str) -> str:
        return _part("scrolling", "Table", f"<table>{text}</table>")

    def heading(self, text: str, level: int, **_: Any) -> str:  # noqa: ANN401  # mistune's signature
        return f'<h{level} id="{_anchor(text)}">{text}</h{level}>\n'


def render(notebook: NotebookNode, record: Record, *, folder: Path | None = None) -> str:
    """Render an executed notebook as a page; a cell tagged as a fold begins a section, up to the next heading of its rank."""
    cells = CoalesceStreamsPreprocessor().preprocess(deepcopy(notebook), {})[0].cells
    answered = bool(record.headline) and record.status in MADE
    for first in [cell for cell in cells if record.title and cell.cell_type == "markdown"][:1]:  # both stand on top
        first.source = "" if answered and record.question else TITLE.sub("", first.source, count=1)
    sections: list[tuple[str, list[str]]] = [("", [])]  # the heading of each that is folded, and its cells
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        heading = re.match(r"## +(.+)\n?", cell.source) if cell.cell_type == "markdown" else None
        if heading and "fold" in tags:
            sections.append((MARKS.sub(r"\1", heading[1]), []))
            cell.source = cell.source[heading.end() :]
        elif heading and sections[-1][0]:
            sections.append(("", []))
        if answered and "headline" in tags:  # it stands on top
            cell.outputs = []
        sections[-1][1].append(_part("cell", cell, folder))
    shown, drawn = [html for _, part in sections for html in part], f'" id="{record.hero}" aria-label'
    hero = next((html for html in shown if answered and record.hero and drawn in html), "")
    unfolded = [html for heading, part in sections for html in part if not heading and html != hero]
    contents = re.findall(r'<(?:h2|p class="title") id="([^"]*)">(.*?)</(?:h2|p)>', "".join(unfolded))
    return PARTS.get_template("page.html.j2").render(record=record, hero=hero, sections=sections, contents=contents)


def files_beside(page: str) -> dict[str, str]:
    """Return, by what follows the slug, the files beside a page: its figures as SVG, and its words for an e-mail."""
    figures = re.findall(r'<a download="([\w.-]+\.svg)" href="data:image/svg\+xml,([^"]*)"', page)
    words = re.search(r'<pre class="summary"[^>]*>(.*?)</pre>', page, re.DOTALL)
    texts = {"summary.txt": unescape(words[1])} if words else {}
    return texts | {f"figures/{name}": unquote(svg) for name, svg in figures}


def to_pdf(page: Path) -> Path:
    """Print a page as PDF beside it, by a Chromium that is installed."""
    browser, target = next(filter(None, map(shutil.which, CHROMIUM)), "chromium"), page.with_suffix(".pdf")
    # As root, and in most containers, Chromium has no sandbox; it opens a page of ours that runs no script.
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
    try:
        subprocess.run([browser, *options, page.resolve().as_uri()], check=True, capture_output=True, timeout=120)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise ResearchError(f"no PDF of {page.name}: it needs Chromium or Chrome ({error})") from error
    return target


def _part(name: str, *what: object) -> str:
    """Write a part of a page by a macro."""
    return str(getattr(PARTS.get_template("output.html.j2").module, name)(*what))


def safely(show: Callable[..., str], *what: Any) -> str:  # noqa: ANN401
    """Render one part of a page, or say that it cannot be: it never costs the page."""
    try:
        return show(*what)
    except Exception as error:  # whatever a library says to an odd output
        said = f"{type(error).__name__}: {without_paths(str(error))[:200]}"
        return _part("missing", f"This part could not be shown ({said}).")


def _markdown(source: str, folder: Path | None = None, attachments: Mapping[str, Any] | None = None) -> str:
    """Render Markdown: a cell's own (with its attachments) may hold HTML, and pictures beside the notebook; others not."""
    allowed: Any = ["data:image/", "attachment:"]  # typed as a flag, read as a list
    renderer = _Renderer(escape=attachments is None, allow_harmful_protocols=allowed)
    return _cleaned(MarkdownWithMath(renderer=renderer).render(source), folder, attachments)


def _cleaned(html: str, folder: Path | None = None, attachments: Mapping[str, Any] | None = None) -> str:
    """Close what is open in HTML, and take out what a page without script and network cannot have; perhaps all."""
    soup = BeautifulSoup(re.sub(r"^\s*<\?xml.*?\?>|<!DOCTYPE.*?>", "", html, flags=re.DOTALL), "html.parser")
    for tag in soup.find_all(NOT_FOR_A_PAGE):
        tag.decompose()
    for tag in soup.find_all(True):
        if tag.name in EMBEDDED:
            _embed(tag, folder, attachments or {})
        for name, value in [*tag.attrs.items()]:
            address = re.sub(r"\s", "", str(value)).lower()
            loads = name in LOADING or (name.endswith("href") and tag.name != "a")  # a link to elsewhere may stay
            if name[:2] == "on" or address.startswith(SCRIPT) or (loads and not address.startswith(("data:", "#"))):
                del tag[name]
    return str(soup) if soup.find(SEEN) or soup.get_text(strip=True) else ""


def _embed(tag: Tag, folder: Path | None, attachments: Mapping[str, Any]) -> None:
    """Put the data of a picture into its tag, an attachment's or a file's beside the notebook; else say what stood there."""
    sources = [tag.get("src"), tag.get("data"), *(one["src"] for one in tag.select("source[src]"))]
    address = str(next(filter(None, sources), "")).strip()
    held = attachments.get(unquote(address.partition(":")[2]), {}) if address.startswith("attachment:") else {}
    data = next((f"data:{kind};base64,{content}" for kind, content in held.items()), address)
    file = unquote(re.sub(r"[?#].*", "", address))
    if folder and not data.startswith("data:") and (kind := mimetypes.guess_type(file)[0] or "").startswith("image/"):
        with suppress(OSError):
            data = f"data:{kind};base64,{base64.b64encode((folder / file).read_bytes()).decode()}"
    if not data.startswith("data:") or tag.name not in SEEN:
        said = f"{tag.name.replace('img', 'picture')} not in this page{': ' * bool(address)}{address[:200]}"
        tag.name, tag.attrs, tag.string = "em", {}, f"[{said}]"
    elif tag.name == "img":
        tag["src"], tag["alt"] = data, tag.get("alt") or "Picture"


def _anchor(heading: str) -> str:
    return "to-" + re.sub(r"[^\w-]+", "-", unescape(re.sub("<.*?>", "", heading)).strip()).strip("-").lower()


PARTS = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
LIGHT, DARK = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
PARTS.globals.update(
    code_style=f"{LIGHT}\n@media screen and (prefers-color-scheme: dark) {{ {DARK} }}", exhibit_style=STYLE,
    frame_style=FRAME_STYLE, badge=badge, anchor=_anchor, cleaned=_cleaned, safely=safely, markdown=_markdown,
    version=version("research-lib"),
)  # fmt: skip
PARTS.filters.update(
    ansi2html=ansi2html, strip_ansi=strip_ansi, without_paths=without_paths, setting=show_setting,
    highlighted=lru_cache(256)(Highlight2HTML(pygments_lexer="ipython3")),
    indented=partial(json.dumps, indent=2, ensure_ascii=False),
)  # fmt: skip
