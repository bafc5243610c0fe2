"""Write what is made of the parameter models: each notebook's `parameters` cell, and docs/parameters.md."""

import json
from pathlib import Path

from research_lib.params import cell_text, markdown_table
from research_lib.project import NOTEBOOKS, PROJECT, write_whole
from research_lib.studies.parameters import MODELS

DOCUMENT = PROJECT / "docs" / "parameters.md"
HEAD = """# Parameters

A parameter file `params/<notebook>/<name>.yaml` is one report; anything it leaves out takes its default. This page and
the `parameters` cells of the notebooks are written by `python -m research_lib sync` from the models in
`research_lib/studies/parameters.py`.
"""


def sync(*, check: bool = False) -> list[Path]:
    """Write the notebooks' cells and the document from the models; return the files that differ, which `check` leaves."""
    parts, wanted = [HEAD], {}
    for name, model in MODELS.items():
        notebook = NOTEBOOKS / f"{name}.ipynb"
        content = json.loads(notebook.read_bytes())
        for cell in content["cells"]:
            if "parameters" in cell.get("metadata", {}).get("tags", []):
                cell["source"] = cell_text(model).splitlines(keepends=True)
        wanted[notebook] = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
        parts.append(f"## {name}\n\n{markdown_table(model)}\n")
    wanted[DOCUMENT] = "\n".join(parts).encode()
    stale = {path: text for path, text in wanted.items() if not path.exists() or path.read_bytes() != text}
    if not check:
        write_whole(stale)
    return list(stale)
