"""From an executed notebook to one HTML page that needs no network and no script."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

TEMPLATES = Path(__file__).parent / "templates"
HEADLINE_TAG = "headline"


@dataclass(frozen=True)
class Failure:
    """Why."""

    cell: int | None
    error: str
    parameters: Mapping[str, object]


class MathRenderer(IPythonRenderer):
    """Renders formulas as MathML, which browsers draw by themselves."""

    def inline_math(self, body: str) -> str:
        """Render a formula inside a sentence."""
        return str(convert(body))

    def block_math(self, body: str) -> str:
        """Render a formula on its own line."""
        return str(convert(body, display="block"))


class ReportExporter(HTMLExporter):
    """nbconvert's `basic` template in the kit's own style: code folded, formulas drawn without script."""

    def markdown2html(self, context: Any, source: str) -> str:  # noqa: ANN401, ARG002  # nbconvert's signature
        """Render a Markdown cell."""
        return str(MarkdownWithMath(renderer=MathRenderer(escape=False)).render(source))

    # jinja2 must be told, as nbconvert tells it, that the filter takes the context.
    markdown2html.jinja_pass_arg = HTMLExporter.markdown2html.jinja_pass_arg  # type: ignore[attr-defined]


def render(notebook: NotebookNode, *, name: str, slug: str, failure: Failure | None = None) -> str:
    """Render an executed notebook as a page.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs.
    name, slug : str
        The notebook's name and that of its parameter file, shown above the title.
    """
    exporter = ReportExporter(template_name="report", extra_template_basedirs=[str(TEMPLATES)])
    report = {
        "title": f"{title_of(notebook)}: {slug}",
        "notebook": name,
        "slug": slug,
        "highlighting": HtmlFormatter(style="default").get_style_defs(".highlight"),
    }
    html, _ = exporter.from_notebook_node(join_silent_code(answer_first(notebook)), resources={"report": report})
    return str(html)


def title_of(notebook: NotebookNode) -> str:
    """Return a notebook's first heading."""
    first = notebook.cells[0].source.strip().splitlines()
    return first[0].lstrip("# ") if first else "Report"


def answer_first(notebook: NotebookNode) -> NotebookNode:
    """Return a copy whose headline stands right under the title; the notebook itself can only compute it later."""
    headline = [cell for cell in notebook.cells if HEADLINE_TAG in cell.metadata.get("tags", [])]
    rest = [cell for cell in notebook.cells[1:] if cell not in headline]
    return NotebookNode({**notebook, "cells": [notebook.cells[0], *headline, *rest]})


def join_silent_code(notebook: NotebookNode) -> NotebookNode:
    """Return a copy in which code that shows nothing stands before the next code, in one fold instead of several."""
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        before = cells[-1] if cells else None
        if before and before.cell_type == cell.cell_type == "code" and not before.outputs:
            cells[-1] = NotebookNode({**cell, "source": f"{before.source}\n\n{cell.source}"})
        else:
            cells.append(cell)
    return NotebookNode({**notebook, "cells": cells})
