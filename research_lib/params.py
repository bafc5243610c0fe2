"""`Parameters`: a parameter is one pydantic field. YAML files in and out, notebooks' `parameters` cells, and every fault.

From a field come the notebook's cell, the row in the documentation and the explorer's control: its type, bounds, title,
unit (`json_schema_extra`) and one sentence (`description`).
"""

import ast
import itertools
import json
import re
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Optional, Self, TypeVar, Union

import yaml
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError, create_model, model_validator
from pydantic_core import ErrorDetails

from research_lib.errors import ParameterError, nearest
from research_lib.project import display_path, write_whole

SOURCES = ("bundled", "folder", "yahoo", "fred", "french", "sec")
FOLDER = "with folder: where it is, relative to the project; of several, by commas, the first that is there"
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML may be built without the C library
SECRET_NAME = re.compile(r"(^|_)(api_?key|key|token|secret|password|passwd|credentials?)(_|$)", re.IGNORECASE)
EXTENDS = "extends"
ASSET_PATTERN = r"^[A-Za-z0-9.^=_-]+(:[a-z_]+)?$"
AssetName = Annotated[str, Field(pattern=ASSET_PATTERN)]
OptionalAssetName = Annotated[str, Field(pattern=f"^$|{ASSET_PATTERN}")]
Model = TypeVar("Model", bound=BaseModel)
# Types and bounds as JSON schema names them, and as a cell and the documentation do.
TYPES = {"boolean": "bool", "integer": "int", "number": "float", "array": "list", "object": "dict"}
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def iso_day(value: object) -> object:
    """Read a date from a YAML file, or from a notebook, where it is a text."""
    if isinstance(value, datetime):
        raise ValueError("must be a date without a time, like 2024-07-16")
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise ValueError("must be a date like 2024-07-16") from None


Day = Annotated[date, BeforeValidator(iso_day)]
OptionalDay = Annotated[date | None, BeforeValidator(iso_day)]
TYPE_NAMES = {"date": Day, "Optional": Optional, "Union": Union, "Literal": Literal, "List": list, "Dict": dict}
TYPE_NAMES |= {one.__name__: one for one in (bool, int, float, str, list, dict)}  # in the annotations of a user's cell


def parameter(default: Any, title: str, text: str, **options: Any) -> Any:  # noqa: ANN401  # as pydantic's Field
    """Declare a parameter once: default, title and one sentence.

    Options are its `unit`, the `step` of its control, the `names` of its choices, and pydantic's bounds.
    """
    extra: Any = {key: options.pop(key) for key in ("unit", "step", "names") if key in options}
    options |= {"allow_inf_nan": False} if isinstance(default, float) else {}
    return Field(default, title=title, description=text, json_schema_extra=extra, **options)


class NotebookParameters(BaseModel):
    """What a notebook's `parameters` cell sets: strict, unchangeable, and nothing besides."""

    model_config = {"extra": "forbid", "frozen": True, "strict": True, "serialize_by_alias": True}

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, object]) -> Self:
        """Validate the parameters that stand in a notebook's namespace, `globals()`.

        Known names are taken whatever set them. Unknown names are looked for in the cells that set parameters: those of
        Papermill, and those that set a known name; there a name that is only a step on the way may be used.
        """
        history, known = namespace.get("In"), set(cls.model_fields)
        others = _unknown_in_cells(history, known) if isinstance(history, list) and any(history) else set(namespace)
        values = {name: namespace[name] for name in known & set(namespace)}
        for name in (others - known - {"In", "Out"}) & set(namespace):
            if not (name.startswith("_") or callable(namespace[name]) or isinstance(namespace[name], ModuleType)):
                values[name] = namespace[name]
        return validate(cls, values, origin="the notebook's parameters")

    def shown(self) -> dict[str, str]:
        """Return each parameter as text; long collections by their size."""
        return {name: show_setting(value) for name, value in self.model_dump().items()}


class Parameters(NotebookParameters):
    """What every notebook of the kit takes: where its data comes from, up to when, and the seed of its random numbers."""

    source: str = parameter("bundled", "Source", f"{', '.join(SOURCES)}; several joined by +")
    data_dir: str = parameter("", "Folder", FOLDER)
    as_of: OptionalDay = parameter(None, "As of", "the last date that may be known; empty is the last there is")
    seed: int = parameter(0, "Seed", "the seed of random draws", ge=0)

    @model_validator(mode="after")
    def _known_sources(self) -> Self:
        names = self.source.split("+")
        for name in names:
            if name not in SOURCES:
                raise ValueError(f"source: unknown source {name!r}{nearest(name, SOURCES)}; join several with +")
        if len(set(names)) < len(names):
            raise ValueError(f"source: {self.source} names a source twice")
        if "folder" in names and not self.data_dir:
            raise ValueError("data_dir is needed with source: folder (the folder that holds prices/)")
        if "folder" not in names and self.data_dir:
            raise ValueError(f"data_dir is given, but source is {self.source}: say source: folder")
        return self


def validate(model: type[Model], values: Mapping[str, object], *, origin: str) -> Model:
    """Make a model of plain values, or raise one `ParameterError` that lists every fault."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        explain = getattr(model, "explain_fault", explain_fault)
        faults = [explain(fault, model, values) for fault in error.errors()]
        raise ParameterError("\n".join(f"{origin}: {fault}" for fault in faults)) from None


def explain_fault(fault: ErrorDetails, model: type[BaseModel], values: Mapping[str, object]) -> str:  # noqa: ARG001
    """Say in one line what is wrong with a parameter."""
    name, wrong = ".".join(str(part) for part in fault["loc"][:1]), fault["input"]
    message = re.sub(r"^(Value error|Input) ?,? ?", "", fault["msg"])
    if fault["type"] == "extra_forbidden":
        return f"{name}: unknown parameter{nearest(name, model.model_fields)}"
    if fault["type"] == "string_pattern_mismatch":
        return f"{name}: {wrong!r} is no asset; write SYMBOL or SYMBOL:field, like RUT or IWM:total"
    if fault["type"] == "list_type":
        return f"{name}: {wrong!r}: should be a valid list, like [first, second]"
    text = str(wrong) if isinstance(wrong, date) else repr(wrong)
    return f"{name}: {text if len(text) <= 80 else text[:79] + '…'}: {message}" if name else message


def show_setting(value: object) -> str:
    """Show a parameter's value in a line."""
    if isinstance(value, Mapping) and value:
        return f"{len(value)}: {', '.join(map(str, [*value][:6]))}{', …' if len(value) > 6 else ''}"
    if isinstance(value, list | tuple) and value:
        return f"{len(value)} entries" if isinstance(value[0], Mapping) else ", ".join(map(str, value))
    return "–" if value is None or value in ("", {}, [], ()) else str(value)


def read_values(path: Path, overrides: Mapping[str, object] | None = None) -> dict[str, object]:
    """Read a parameter file's values, over those of the file that it `extends`; `overrides` go before them."""
    shown, values = display_path(path), _read_file(path)
    if EXTENDS in values:
        base = values.pop(EXTENDS)
        if not isinstance(base, str) or Path(base).name != base or base in {"", path.name}:
            raise ParameterError(f"{shown}: {EXTENDS}: {base!r}: must name another file of the same folder")
        below = _read_file(path.with_name(base))
        if EXTENDS in below:
            raise ParameterError(f"{shown}: {EXTENDS}: {base} itself extends a file; name the first one")
        values = below | values
    values = values | dict(overrides or {})
    why = "reports show every parameter, so a secret cannot be one: set it in the environment"
    if secrets := [name for name in values if SECRET_NAME.search(name)]:
        raise ParameterError("\n".join(f"{shown}: {name}: {why}" for name in secrets))
    return values


def read_parameters(path: Path, model: type[Model], overrides: Mapping[str, object] | None = None) -> Model:
    """Read and validate a parameter file."""
    return validate(model, read_values(path, overrides), origin=display_path(path))


def file_named(folder: Path, slug: str) -> Path:
    """Return the parameter file of a name, if it may be one."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug):
        raise ParameterError(f"name {slug!r}: write small letters, digits, - and _, such as my_threshold")
    return folder / f"{slug}.yaml"


def write_parameters(folder: Path, slug: str, params: Parameters, *, replace: bool = False) -> Path:
    """Write a parameter file of what differs from the defaults, ready for `run`; whole, or not at all."""
    path = file_named(folder, slug)
    if path.exists() and not replace:
        raise ParameterError(f"{display_path(path)} is there already: take another name, or ask for it to be replaced")
    values = {"source": params.source, **params.model_dump(exclude_defaults=True)}
    write_whole({path: yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()})
    return path


def parse_setting(setting: str) -> tuple[str, object]:
    """Split `name=value` from the command line; the value is read as YAML, so that 50 is a number."""
    name, text = _split(setting, "--set", example="window=100")
    return name, _read_yaml(text, f"--set {setting}: the value cannot be read") if text else ""


def parse_axis(setting: str) -> tuple[str, list[object]]:
    """Split `name=first,second,…` of a sweep, or `name=first:last:step` of whole numbers; a list is written `[a, b]`."""
    name, text = _split(setting, "--grid", example="window=20,50,100")
    if ends := re.fullmatch(r"(-?\d+):(-?\d+):([1-9]\d*)", text):
        text = ", ".join(map(str, range(int(ends[1]), int(ends[2]) + 1, int(ends[3]))))
    values = _read_yaml(f"[{text}]", f"--grid {setting}: the values cannot be read")
    if not isinstance(values, list) or not values or None in values or re.fullmatch(r"\d+[-:]\d+(:0)?", text):
        raise ParameterError(f"--grid {setting}: write values as 20,50,100, or a range as 20:100:20 (first:last:step)")
    if len({repr(value) for value in values}) < len(values):
        raise ParameterError(f"--grid {setting}: a value stands there twice")
    return name, values


def model_from_cell(notebook: Path) -> type[NotebookParameters]:
    """Make a model of a notebook's `parameters` cell: names, types, defaults and help stand there.

    Where the cell sets `source` to one of the kit's sources, the model has the kit's own parameters and rules too.
    """
    try:
        fields = _fields(_python(parameters_cell(notebook)))
    except (SyntaxError, tokenize.TokenError) as error:
        raise ParameterError(f"{display_path(notebook)}: its parameters cell is no Python ({error})") from None
    named = fields["source"][1].default if "source" in fields else None
    if not (isinstance(named, str) and set(named.split("+")) <= set(SOURCES)):
        return create_model(notebook.stem, __base__=NotebookParameters, **fields)
    fields["as_of"] = (OptionalDay, Field(None, description=Parameters.model_fields["as_of"].description))
    return create_model(notebook.stem, __base__=Parameters, **fields)


def parameters_cell(notebook: Path) -> str:
    """Return the source of a notebook's cell with the tag `parameters`."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{display_path(notebook)}: not a notebook ({' '.join(str(error).split())})") from None
    for cell in cells:
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            return "".join(cell["source"])
    missing = "no cell has the tag `parameters`: give that tag to the one that sets them"
    raise ParameterError(f"{display_path(notebook)}: {missing}")


def cell_text(model: type[NotebookParameters]) -> str:
    """Write the `parameters` cell of a model: name, type, default, and the field's sentence."""
    described = _described(model)
    return "\n".join(f"{name}: {one['type']} = {one['default']}  # {one['description']}" for name, one in described)


def markdown_table(model: type[NotebookParameters]) -> str:
    """Write a model's parameters as a Markdown table."""
    rows = ["| parameter | default | what it is | allowed |", "|---|---|---|---|"]
    for name, one in _described(model):
        allowed = [str(choice) for choice in one.get("enum", [])]
        allowed = allowed or [f"{words} {one[bound]:g}" for bound, words in BOUNDS.items() if bound in one]
        rows.append(f"| `{name}` | `{one['default']}` | {one['description']} | {', '.join(allowed)} |")
    return "\n".join(rows)


def _described(model: type[NotebookParameters]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each parameter's JSON schema, the seed last, in Python's types and values, its unit behind the sentence."""
    for name, one in sorted(model.model_json_schema()["properties"].items(), key=lambda item: item[0] == "seed"):
        default = "" if one["default"] is None else one["default"]
        one["default"] = json.dumps(default, ensure_ascii=False) if isinstance(default, str | list) else repr(default)
        one["type"] = TYPES.get(one.get("type", ""), "str")
        one["description"] += f" ({one['unit']})" if "unit" in one else ""
        yield name, one


def _python(cell: str) -> str:
    """Blank IPython's own commands, so that lines keep their numbers."""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in cell.splitlines())


def _fields(source: str) -> dict[str, Any]:
    """Make a field of each name that the statements of a cell set; the comment behind one is its help."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    comments = {one.start[0]: one.string.lstrip("# ") for one in tokens if one.type == tokenize.COMMENT}
    found: dict[str, tuple[ast.expr | None, ast.expr | None, str]] = {}
    statements = [one for one in ast.parse(source).body if not isinstance(one, ast.FunctionDef | ast.ClassDef)]
    for statement in itertools.chain.from_iterable(map(ast.walk, statements)):
        text = comments.get(getattr(statement, "end_lineno", 0), "")
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                found[name] = annotation, value, text
            case ast.Assign(targets=targets, value=value):
                for names in (_names(target, ast.Store) for target in targets):
                    values = getattr(value, "elts", []) if len(names) > 1 else [value]  # low, high = 1, 2
                    each = values if len(values) == len(names) else [None] * len(names)
                    found |= {name: (None, one, text) for name, one in zip(names, each, strict=True)}
    # A name that the model itself has, such as copy, gets another one there.
    safe = {name: f"{name}_" if hasattr(NotebookParameters, name) else name for name in found if name[0] != "_"}
    return {other: _field(name, *found[name]) for name, other in safe.items()}


def _names(tree: ast.AST, kind: type[ast.expr_context]) -> list[str]:
    """List the names that a piece of code sets (`Store`) or reads (`Load`)."""
    return [one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, kind)]


def _field(name: str, annotation: ast.expr | None, value: ast.expr | None, text: str) -> tuple[Any, Any]:
    """Make a field: its type is its annotation's, else its value's; what is computed has neither type nor default."""
    try:
        default = ast.literal_eval(value)  # type: ignore[arg-type]  # None is no literal either
    except (ValueError, TypeError):
        default = None
    if annotation is not None:
        kind = _type(ast.unparse(annotation))
    elif default is None:
        kind = Day if isinstance(value, ast.Call) and "date" in ast.unparse(value) else Any
    else:
        kind = Annotated[tuple, Field(strict=False)] if isinstance(default, tuple) else type(default)  # YAML has lists
    optional = default is None or (default == "" and kind is Day)
    return (kind | None if optional else kind), Field(default, alias=name, description=text)


def _type(annotation: str) -> Any:  # noqa: ANN401  # a type
    """Read an annotation made of the types that YAML has; any other admits every value."""
    text = re.sub(r"\b(datetime|dt|typing|t)\.", "", annotation).strip("'\"")
    try:
        kind = eval(text, {"__builtins__": {}}, TYPE_NAMES)  # noqa: S307  # of these names alone
        TypeAdapter(kind)
    except Exception:
        return Any
    return kind


def _unknown_in_cells(cells: list[Any], known: set[str]) -> set[str]:
    """Name what the cells that set parameters set besides; a step on the way, which the cell itself reads, is none."""
    found: set[str] = set()
    for cell in filter(None, map(str, cells)):
        with suppress(SyntaxError):
            tree = ast.parse(_python(cell))
            names = set(_names(tree, ast.Store))
            if cell.startswith("# Parameters"):  # as Papermill's own cell does
                found |= names
            elif names & known:
                found |= names - set(_names(tree, ast.Load))
    return found


class _UniqueKeys(SafeLoader):  # type: ignore[misc]  # either of two classes
    """YAML's safe loader, which takes a name twice in silence, made to refuse it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]  # <<: takes over another's names
        names = [self.construct_object(key, deep=True) for key in keys]
        for key, name in zip(keys, names, strict=True):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands here twice", key.start_mark)
        return dict(super().construct_mapping(node, deep=deep))


def _split(setting: str, option: str, *, example: str) -> tuple[str, str]:
    name, separator, text = setting.partition("=")
    if not separator or not name.strip():
        raise ParameterError(f"{option} {setting}: write name=value, for example {option} {example}")
    return name.strip(), text.strip()


def _read_yaml(content: str | bytes, wrong: str) -> object:
    try:
        return yaml.load(content, Loader=_UniqueKeys)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, ValueError) as error:  # YAML makes dates itself, and 2024-02-30 is none
        text = re.sub(r'in "<\w+ string>", ', "in ", " ".join(str(error).split()))
        hint = "; put a sentence that holds a colon in quotes" if "mapping values are not allowed" in text else ""
        raise ParameterError(f"{wrong} ({text}){hint}") from None


def _read_file(path: Path) -> dict[str, object]:
    shown = display_path(path)
    try:
        content = _read_yaml(path.read_bytes(), f"{shown}: not a YAML file")
    except FileNotFoundError:
        siblings = [file.name for file in sorted(path.parent.glob("*.yaml"))]
        known = nearest(path.name, siblings) if siblings else " (parameter files stand in params/<notebook>/)"
        raise ParameterError(f"{shown}: there is no such file{known}") from None
    except OSError as error:
        raise ParameterError(f"{shown}: cannot be read ({error.strerror})") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ParameterError(f"{shown}: must hold lines of the form name: value")
    return content
