"""From an executed notebook to one HTML page that needs no network and no script."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html import escape, unescape
from typing import Any

from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from research_lib.params import show_setting
from research_lib.reports.text import TEMPLATES, TERMINAL_COLOUR, first_sentence, without_paths

HEADLINE_TAG = "headline"
PAPERMILL_ERROR_TAG = "papermill-error-cell-tag"
MANY_CELLS = 256  # of all notebooks together
WARNING_LINE = re.compile(r"^.*?:\d+: (?P<warning>\w*Warning: .*)$")


@dataclass(frozen=True)
class Failure:
    """Why a report ended before its end.

    Attributes
    ----------
    cell : int or None
        Number of the failing cell; None where it is not known.
    error : str
        In one line.
    parameters : mapping
        What the report was asked for, by name.
    """

    cell: int | None
    error: str
    parameters: Mapping[str, object] = field(default_factory=dict)


class MathRenderer(IPythonRenderer):
    """Renders formulas as MathML, which browsers draw by themselves, and headings with a name to link to."""

    def inline_math(self, body: str) -> str:
        """Render a formula inside a sentence."""
        return _mathml(body, display="inline")

    def block_math(self, body: str) -> str:
        """Render a formula on its own line, which scrolls where it is too wide."""
        return (
            f'<div class="scroll" role="group" tabindex="0" aria-label="Formula">{_mathml(body, display="block")}</div>'
        )

    def table(self, text: str) -> str:
        """Render a table, which scrolls where it is too wide."""
        return f'<div class="scroll" role="group" tabindex="0" aria-label="Table"><table>{text}</table></div>'

    def heading(self, text: str, level: int, **_: Any) -> str:  # noqa: ANN401  # mistune's signature
        """Render a heading that the list of contents can link to."""
        return f'<h{level} id="{anchor(re.sub("<.*?>", "", unescape(text)))}">{text}</h{level}>\n'


class ReportExporter(HTMLExporter):
    """nbconvert with the kit's own template: code folded, formulas drawn without script, no text taken for HTML."""

    def markdown2html(self, context: Any, source: str) -> str:  # noqa: ANN401, ARG002  # nbconvert's signature
        """Render Markdown, of a cell or printed from data."""
        return str(MarkdownWithMath(renderer=MathRenderer(escape=True, allow_harmful_protocols=False)).render(source))

    def from_notebook_node(  # type: ignore[override]  # as nbconvert itself overrides it
        self,
        nb: NotebookNode,
        resources: dict[str, Any] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> tuple[str, dict[str, Any]]:
        """Render without nbconvert's second pass over the whole page, for alternative texts and focus: they are there."""
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)

    # jinja2 must be told, as nbconvert tells it, that the filter takes the context.
    markdown2html.jinja_pass_arg = HTMLExporter.markdown2html.jinja_pass_arg  # type: ignore[attr-defined]


def render(notebook: NotebookNode, *, name: str, slug: str, failure: Failure | None = None) -> str:
    """Render an executed notebook as a page.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs; after a failure, with those up to the failing cell.
    name, slug : str
        The notebook's name and that of its parameter file, shown above the title.
    failure : Failure, optional
        Why it ended before its end: the page then says so under its title, and shows the cells up to there.
    """
    cells, warnings = take_warnings(until_failure(notebook.cells))
    answer, rest = answer_first(cells)
    heading, _, question = rest[0].source.strip().partition("\n") if rest else ("Report", "", "")
    title = heading.lstrip("# ")
    body = join_silent_code(rest[1:])
    report = {
        "title": title,
        "notebook": name,
        "slug": slug,
        "question": question,
        "failure": failure,
        "contents": contents([*answer, *body]),
        "warnings": warnings,
        "answer": answer,
        "light": HtmlFormatter(style="default").get_style_defs(".highlight"),
        "dark": HtmlFormatter(style="github-dark").get_style_defs(".highlight"),
    }
    html, _ = _exporter().from_notebook_node(NotebookNode({**notebook, "cells": body}), resources={"report": report})
    return str(html)


@cache
def _exporter() -> ReportExporter:
    exporter = ReportExporter(template_name="report", extra_template_basedirs=[str(TEMPLATES)])
    for shown in (without_style, without_paths, show_setting, highlight):
        exporter.register_filter(shown.__name__, shown)
    return exporter


@lru_cache(maxsize=MANY_CELLS)
def highlight(source: str) -> str:
    """Render a cell's code; reports of one notebook share most of their cells."""
    return str(Highlight2HTML(pygments_lexer="ipython3")(source))


def anchor(text: str) -> str:
    """Make the name that a heading is linked by."""
    return re.sub(r"[^\w-]+", "-", text.strip()).strip("-")


def contents(cells: Sequence[NotebookNode]) -> list[tuple[str, str]]:
    """List the sections, each with the name to link to and its heading."""
    headings = [
        re.sub(r"[*`]", "", line)
        for cell in cells
        if cell.cell_type == "markdown"
        for line in re.findall(r"^## +(.+)$", cell.source, flags=re.MULTILINE)
    ]
    return [(anchor(heading), heading) for heading in headings]


def until_failure(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return the cells up to the one that failed, all if none did; without the ones by which Papermill says so."""
    own = [cell for cell in cells if PAPERMILL_ERROR_TAG not in cell.metadata.get("tags", [])]
    failed = (i for i, cell in enumerate(own) if _has_failed(cell))
    return own[: next(failed, len(own)) + 1]


def take_warnings(cells: Sequence[NotebookNode]) -> tuple[list[NotebookNode], list[tuple[str, int]]]:
    """Return the cells without what they wrote to the error stream, and each message of it with its count."""
    messages: Counter[str] = Counter()
    kept = []
    for cell in cells:
        outputs = cell.get("outputs", [])
        messages.update(line for output in outputs if _is_warning(output) for line in _messages(output.text))
        kept.append(_with(cell, outputs=[output for output in outputs if not _is_warning(output)]))
    return kept, messages.most_common()


def answer_first(cells: Sequence[NotebookNode]) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """Divide cells into the headline, its code in one cell, and the rest; no headline where it was not reached."""
    headline = [cell for cell in cells if HEADLINE_TAG in cell.metadata.get("tags", [])]
    code = [cell for cell in headline if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    if not outputs or any(_has_failed(cell) for cell in headline):
        return [], list(cells)
    joined = _with(code[0], source="\n\n".join(cell.source for cell in code), outputs=_one_line_first(outputs))
    text = [cell for cell in headline if cell.cell_type != "code"]
    return [*text, joined], [cell for cell in cells if cell not in headline]


def join_silent_code(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return cells in which code that shows nothing stands before the next code, in one fold instead of several."""
    joined: list[NotebookNode] = []
    for cell in cells:
        before = joined[-1] if joined else None
        if before and before.cell_type == cell.cell_type == "code" and not before.outputs:
            joined[-1] = _with(cell, source=f"{before.source}\n\n{cell.source}")
        else:
            joined.append(cell)
    return joined


def without_style(html: str) -> str:
    """Take the style out of a table by great_tables: the page has one for all of them."""
    return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL) if "gt_table" in html else html


def _mathml(body: str, *, display: str) -> str:
    try:
        return str(convert(body.replace("<", r"\lt ").replace(">", r"\gt "), display=display))
    except Exception:  # its errors share no class; dollars in a text from data need be no formula
        return f"<code>{escape(body)}</code>"


def _one_line_first(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Give the answer's first sentence a paragraph of its own."""
    first = outputs[0]
    text = first.get("data", {}).get("text/markdown", "")
    sentence = first_sentence(text)
    if not text or sentence.count("**") % 2:  # it ends inside bold words
        return list(outputs)
    divided = f"{sentence}\n\n{text[len(sentence) :].lstrip()}"
    return [_with(first, data={**first.data, "text/markdown": divided}), *outputs[1:]]


def _messages(text: str) -> Iterator[str]:
    """Read what was written to the error stream: of a warning its class and words, not its place and line of code."""
    lines = iter(TERMINAL_COLOUR.sub("", text).splitlines())
    for line in lines:
        found = WARNING_LINE.match(line)
        if found:
            next(lines, None)  # the line of code that warned
        if line.strip():
            yield without_paths(found["warning"] if found else line).strip()


def _is_warning(output: NotebookNode) -> bool:
    return bool(output.output_type == "stream" and output.name == "stderr")


def _has_failed(cell: NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _with(node: NotebookNode, **changes: object) -> NotebookNode:
    return NotebookNode({**node, **changes})
