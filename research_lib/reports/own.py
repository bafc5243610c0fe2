"""A notebook of the user's own: its parameters' model, made of the cell that sets them; and a first one, written."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

from pydantic import Field, TypeAdapter, create_model

from research_lib.errors import ParameterError
from research_lib.params import SOURCES, NotebookParameters, OptionalDay, Parameters, as_python, write_new
from research_lib.project import display_path
from research_lib.studies.parameters import MODELS

# What the annotations of a user's cell may be made of; YAML has lists, no tuples.
KINDS: dict[str, Any] = {one.__name__: one for one in (bool, int, float, str, list, dict)}
KINDS |= {"date": OptionalDay, "tuple": Annotated[tuple, Field(strict=False)], "List": list, "Dict": dict}
KINDS |= {"Optional": Optional, "Union": Union, "Literal": Literal}


def model_of(notebook: Path) -> type[NotebookParameters]:
    """Return the model of a notebook's parameters: its study's, else one made of the cell with the tag `parameters`."""
    shown = display_path(notebook)
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = ["".join(one["source"]) for one in cells if "parameters" in one.get("metadata", {}).get("tags", [])]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ParameterError(f"{shown}: not a notebook ({' '.join(str(error).split())})") from None
    if len(tagged) != 1:  # a second one would set its own values over those of a parameter file
        said = f"{len(tagged) or 'no'} cells have the tag `parameters`: give it to the one cell that sets them"
        raise ParameterError(f"{shown}: {said}")
    try:
        return MODELS.get(notebook.stem) or _model_from_cell(notebook.stem, as_python(tagged[0]))
    except SyntaxError as error:
        raise ParameterError(f"{shown}: its parameters cell is no Python ({error})") from None


def _model_from_cell(stem: str, cell: str) -> type[NotebookParameters]:
    """Make a model of a `parameters` cell: names, types, defaults and help stand there.

    Where the cell sets `source` to one of the kit's sources, the model has the kit's own parameters and rules too.
    """
    fields = dict[str, Any]()
    body = [one for one in ast.parse(cell).body if not isinstance(one, ast.FunctionDef | ast.ClassDef)]
    for node in (one for part in body for one in ast.walk(part) if isinstance(one, ast.Assign | ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        rest = cell.split("\n")[(node.end_lineno or 1) - 1].encode()[node.end_col_offset :].decode()
        for name, value in (pair for target in targets for pair in _pairs(target, node.value)):
            # A name that the model itself has, such as copy, gets another one there.
            own = f"{name}_" if hasattr(NotebookParameters, name) else name
            kind, default = _type_and_default(getattr(node, "annotation", None), value)
            look: Any = {"alias": name, "description": rest.partition("#")[2].strip()}
            fields[own] = kind, Field(default, validate_default=kind is OptionalDay, **look)
    of_the_kit = "source" in fields and {*str(fields["source"][1].default).split("+")} <= {*SOURCES}
    if of_the_kit:
        fields.pop("as_of", None)  # is the kit's own
    return create_model(stem, __base__=Parameters if of_the_kit else NotebookParameters, **fields)


def _pairs(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    """Give each name that an assignment sets, with the code of its value; of several, low, high = 1, 2, each with its own."""
    if isinstance(target, ast.Name) and target.id[0] != "_":
        yield target.id, value
    names, values = getattr(target, "elts", []), getattr(value, "elts", [])
    for one, part in zip(names, values if len(values) == len(names) else repeat(None), strict=False):
        yield from _pairs(one, part)


def _type_and_default(annotation: ast.expr | None, value: ast.expr | None) -> tuple[Any, Any]:
    """Take a parameter's type from its annotation, else its value; what is computed has no default and, but a date, no type."""
    try:
        default = ast.literal_eval(value)  # type: ignore[arg-type]  # None is no literal either
        json.dumps(default)  # what a record cannot hold, such as bytes, counts as computed
    except (ValueError, TypeError):
        default = None
    is_date = isinstance(value, ast.Call) and "date" in ast.unparse(value.func).split(".")  # dt.date.today()
    name = ast.unparse(annotation) if annotation else "date" if is_date else type(default).__name__
    try:
        kind = eval(re.sub(r"\b(datetime|dt|typing|t)\.", "", name).strip("'\""), {"__builtins__": {}}, KINDS)  # noqa: S307
        TypeAdapter(kind)
    except Exception:  # any other type admits every value
        kind = Any
    return (kind | None if default is None else kind), default


def write_own(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a first notebook of the user's own and its parameter file, below a folder's `notebooks` and `params`."""
    notebook, file = folder / "notebooks" / f"{name}.ipynb", folder / "params" / name / "first.yaml"
    text = (Path(__file__).parent / "templates" / "own.ipynb").read_text(encoding="utf-8").replace("NAME", name)
    write_new(name, {notebook: text, file: "# Set what the parameters cell sets.\nasset: IXIC\nwindow: 126\n"})
    return notebook, file
