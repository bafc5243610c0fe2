"""`Parameters`: a parameter is one pydantic field. YAML files in and out, notebooks' `parameters` cells, and every fault.

From a field come the notebook's cell, the row in the documentation and the explorer's control: its type, bounds, title,
unit (`json_schema_extra`) and one sentence (`description`).
"""

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Optional, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import ErrorDetails, PydanticUndefined

from research_lib.errors import ParameterError, nearest
from research_lib.project import display_path, write_whole

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML was built without the C library: slower, the same otherwise
    from yaml import SafeLoader  # type: ignore[assignment]

SOURCES = ("bundled", "folder", "yahoo", "fred", "french", "sec")
INJECTED = "# Parameters"  # what Papermill begins its cell with
NOT_PARAMETERS = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})  # what IPython puts into a namespace
SECRET_NAME = re.compile(r"(^|_)(api_?key|key|token|secret|password|passwd|credentials?)(_|$)", re.IGNORECASE)
EXTENDS = "extends"
SLUG = r"[a-z0-9][a-z0-9_-]*"
ASSET_PATTERN = r"^[A-Za-z0-9.^=_-]+(:[a-z_]+)?$"
AssetName = Annotated[str, Field(pattern=ASSET_PATTERN)]
OptionalAssetName = Annotated[str, Field(pattern=f"^$|{ASSET_PATTERN}")]
Model = TypeVar("Model", bound=BaseModel)


def iso_day(value: object) -> object:
    """Read a date from a YAML file, or from a notebook, where it is a text."""
    if isinstance(value, datetime):
        raise ValueError("must be a date without a time, like 2024-07-16")
    if not isinstance(value, str) or value == "":
        return None if value == "" else value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date like 2024-07-16") from None


Day = Annotated[date, BeforeValidator(iso_day)]
OptionalDay = Annotated[date | None, BeforeValidator(iso_day)]


def parameter(
    default: Any,  # noqa: ANN401  # of the field's own type
    title: str,
    text: str,
    *,
    unit: str = "",
    step: float | None = None,
    names: Mapping[Any, str] | None = None,
    **bounds: Any,  # noqa: ANN401  # pydantic's ge, gt, le, lt, min_length
) -> Any:  # noqa: ANN401  # as pydantic's Field
    """Declare a parameter once: default, title, one sentence, unit, its control's step and the names of its choices."""
    extra: Any = {key: value for key, value in {"unit": unit, "step": step, "names": names}.items() if value}
    bounds |= {"allow_inf_nan": False} if isinstance(default, float) else {}
    return Field(default, title=title, description=text, json_schema_extra=extra, **bounds)


class NotebookParameters(BaseModel):
    """What a notebook's `parameters` cell sets: strict, unchangeable, and nothing besides."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, object]) -> Self:
        """Validate the parameters that stand in a notebook's namespace, `globals()`.

        Known names are taken whatever set them. Unknown names are looked for in the cells that set parameters: those of
        Papermill, and those that set a known name; there a name that is only a step on the way may be used.

        Raises
        ------
        ParameterError
            A parameter is unknown, missing, mistyped or out of range.
        """
        history, known = namespace.get("In"), cls.model_fields
        cells = [str(cell) for cell in history if cell] if isinstance(history, list) else []
        others = _unknown_in_cells(cells, known) if cells else set(namespace) - set(known)
        others = {name for name in others & set(namespace) if _may_be_parameter(name, namespace[name])}
        values = {name: value for name, value in namespace.items() if name in known or name in others}
        return validate(cls, values, origin="the notebook's parameters")

    def shown(self) -> dict[str, str]:
        """Return each parameter as text; long collections by their size."""
        return {name: show_setting(value) for name, value in self.model_dump().items()}


class Parameters(NotebookParameters):
    """What every notebook of the kit takes: where its data comes from, up to when, and the seed of its random numbers."""

    source: str = parameter("bundled", "Source", f"{', '.join(SOURCES)}; several joined by +")
    data_dir: str = parameter(
        "",
        "Folder",
        "with folder: where it is, relative to the project; of several, by commas, the first that is there",
    )
    as_of: OptionalDay = parameter(None, "As of", "the last date that may be known; empty is the last there is")
    seed: int = parameter(0, "Seed", "the seed of random draws", ge=0)

    @property
    def symbols(self) -> list[str]:
        """Every price that the parameters name."""
        return []

    @property
    def optional_symbols(self) -> list[str]:
        """Prices that the report uses where its source has them."""
        return []

    @property
    def series(self) -> list[str]:
        """Every series that the report uses where its source has it."""
        return []

    @property
    def companies(self) -> int:
        """How many companies, the largest first, the report is about."""
        return 0

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
    name = ".".join(str(part) for part in fault["loc"][:1])
    message = re.sub(r"^(Value error|Input) ?,? ?", "", fault["msg"])
    if fault["type"] == "extra_forbidden":
        return f"{name}: unknown parameter{nearest(name, model.model_fields)}"
    if fault["type"] == "string_pattern_mismatch":
        return f"{name}: {fault['input']!r} is no asset; write SYMBOL or SYMBOL:field, like RUT or IWM:total"
    if fault["type"] == "list_type":
        return f"{name}: {fault['input']!r}: should be a valid list, like [first, second]"
    return f"{name}: {_short(fault['input'])}: {message}" if name else message


def show_setting(value: object) -> str:
    """Show a parameter's value in a line."""
    if isinstance(value, Mapping):
        return (
            f"{len(value)}: {', '.join(map(str, [*value][:6]))}" + (", …" if len(value) > 6 else "") if value else "–"
        )
    if isinstance(value, list | tuple):
        return f"{len(value)} entries" if value and isinstance(value[0], Mapping) else ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


# Parameter files


def read_values(path: Path, overrides: Mapping[str, object] | None = None) -> dict[str, object]:
    """Read a parameter file's values, over those of the file that it `extends`; `overrides` go before them.

    Raises
    ------
    ParameterError
        The file is absent or no mapping, or names a secret; the message lists all faults.
    """
    values = _read_file(path)
    if EXTENDS in values:
        base = values.pop(EXTENDS)
        if not isinstance(base, str) or Path(base).name != base or base == path.name:
            raise ParameterError(
                f"{display_path(path)}: {EXTENDS}: {base!r}: must name another file of the same folder"
            )
        below = _read_file(path.with_name(base))
        if EXTENDS in below:
            raise ParameterError(f"{display_path(path)}: {EXTENDS}: {base} itself extends a file; name the first one")
        values = below | values
    values = values | dict(overrides or {})
    faults = [
        f"{display_path(path)}: {name}: reports show every parameter, so a secret cannot be one: set it in the environment"
        for name in values
        if SECRET_NAME.search(name)
    ]
    if faults:
        raise ParameterError("\n".join(faults))
    return values


def read_parameters(path: Path, model: type[Model], overrides: Mapping[str, object] | None = None) -> Model:
    """Read and validate a parameter file; as `read_values` otherwise."""
    return validate(model, read_values(path, overrides), origin=display_path(path))


def write_parameters(folder: Path, slug: str, params: Parameters, *, replace: bool = False) -> Path:
    """Write a parameter file of what differs from the defaults, ready for `run`; whole, or not at all.

    Raises
    ------
    ParameterError
        The name may be no file's, or the file is there already, or cannot be written.
    """
    path = folder / f"{slug}.yaml"
    if not re.fullmatch(SLUG, slug):
        raise ParameterError(f"name {slug!r}: write small letters, digits, - and _, such as my_threshold")
    if path.exists() and not replace:
        raise ParameterError(f"{display_path(path)} is there already: take another name, or ask for it to be replaced")
    values = {"source": params.source, **params.model_dump(exclude_defaults=True)}
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    try:
        write_whole({path: text.encode()})
    except OSError as error:
        raise ParameterError(f"{display_path(path)}: cannot be written ({error.strerror})") from error
    return path


def parse_setting(setting: str) -> tuple[str, object]:
    """Split `name=value` from the command line; the value is read as YAML, so that 50 is a number."""
    name, text = _split(setting, option="--set", example="window=100")
    return name, _read_value(text, setting=f"--set {setting}") if text else ""


def parse_axis(setting: str) -> tuple[str, list[object]]:
    """Split `name=first,second,…` of a sweep, or `name=first:last:step` of whole numbers; a list is written `[a, b]`."""
    name, text = _split(setting, option="--grid", example="window=20,50,100")
    if ends := re.fullmatch(r"(-?\d+):(-?\d+):(\d+)", text.strip()):
        first, last, step = map(int, ends.groups())
        values: object = list(range(first, last + 1, step)) if step else []
    else:
        values = _read_value(f"[{text}]", setting=f"--grid {setting}")
    if not isinstance(values, list) or not values or None in values:
        raise ParameterError(f"--grid {setting}: write values, such as --grid window=20,50,100 or window=20:100:20")
    if re.fullmatch(r"\d+-\d+", text.strip()):
        raise ParameterError(
            f"--grid {setting}: write a range as {text.strip().replace('-', ':')}:20 (first:last:step)"
        )
    if len({repr(value) for value in values}) < len(values):
        raise ParameterError(f"--grid {setting}: a value stands there twice")
    return name, values


# Notebooks' own parameters


def model_from_cell(notebook: Path) -> type[NotebookParameters]:
    """Make a model of a notebook's `parameters` cell: names, types, defaults and help stand there.

    Where the cell sets `source` to one of the kit's sources, the model has the kit's own parameters and rules too.

    Raises
    ------
    ParameterError
        The file is no notebook, or has no cell with the tag `parameters`.
    """
    source = parameters_cell(notebook)
    comments = [line.partition("#")[2].strip() for line in source.splitlines()]
    fields: dict[str, Any] = {}
    for statement in _statements(source, notebook):
        for target, annotation, value in _assignments(statement):
            if not target.startswith("_"):
                fields[target] = _field(annotation, value, comments[(statement.end_lineno or 1) - 1])
    named = fields["source"][1].default if "source" in fields else None
    if not (isinstance(named, str) and set(named.split("+")) <= set(SOURCES)):
        return create_model(notebook.stem, __base__=NotebookParameters, **fields)
    known = Parameters.model_fields
    common: dict[str, Any] = {
        name: (known[name].annotation, fields.pop(name)[1]) for name in [*fields] if name in known
    }
    common["as_of"] = (OptionalDay, Field(None, description=known["as_of"].description))
    return create_model(notebook.stem, __base__=Parameters, **common, **fields)


def parameters_cell(notebook: Path) -> str:
    """Return the source of a notebook's cell with the tag `parameters`."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{display_path(notebook)}: not a notebook ({' '.join(str(error).split())})") from None
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if not tagged:
        raise ParameterError(
            f"{display_path(notebook)}: no cell has the tag `parameters`: give that tag to the one that sets them"
        )
    return "".join(tagged[0]["source"])


def cell_text(model: type[NotebookParameters]) -> str:
    """Write the `parameters` cell of a model: name, type, default, and the field's sentence."""
    return "\n".join(
        f"{name}: {_python_type(field.annotation)} = {_python_value(field.default)}  # {_sentence(field)}"
        for name, field in _in_order(model)
    )


def markdown_table(model: type[NotebookParameters]) -> str:
    """Write a model's parameters as a Markdown table."""
    rows = [
        f"| `{name}` | `{_python_value(field.default)}` | {_sentence(field)} | {_allowed(field)} |"
        for name, field in _in_order(model)
    ]
    return "\n".join(["| parameter | default | what it is | allowed |", "|---|---|---|---|", *rows])


def _in_order(model: type[NotebookParameters]) -> list[tuple[str, Any]]:
    """Give the common parameters but the seed, then the model's own, then the seed."""
    fields = model.model_fields
    common = [name for name in Parameters.model_fields if name != "seed"]
    own = [name for name in fields if name not in Parameters.model_fields]
    return [(name, fields[name]) for name in [*common, *own, "seed"]]


def _sentence(field: Any) -> str:  # noqa: ANN401  # pydantic's FieldInfo
    unit = (field.json_schema_extra or {}).get("unit", "")
    return f"{field.description or field.title or ''}{f' ({unit})' if unit else ''}"


def _allowed(field: Any) -> str:  # noqa: ANN401  # pydantic's FieldInfo
    if choices := [str(choice) for choice in get_args(field.annotation) if not isinstance(choice, type)]:
        return ", ".join(choices)
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{text} {getattr(one, name):g}" for one in field.metadata for name, text in signs.items() if hasattr(one, name)
    ]
    return ", ".join(found)


def _python_type(annotation: Any) -> str:  # noqa: ANN401  # any annotation
    names = {bool: "bool", int: "int", float: "float", str: "str", dict: "dict", list: "list"}
    origin = getattr(annotation, "__origin__", annotation)
    if origin is Literal:
        return names.get(type(get_args(annotation)[0]), "str")
    return names.get(origin, "str")


def _python_value(value: object) -> str:
    if value is None:
        return '""'
    plain = json.loads(json.dumps(value, default=str))
    return repr(plain) if not isinstance(plain, str | list) else json.dumps(plain, ensure_ascii=False)


def _field(annotation: ast.expr | None, value: ast.expr | None, help_text: str) -> tuple[Any, Any]:
    try:
        default = PydanticUndefined if value is None else ast.literal_eval(value)
    except ValueError:  # computed: the notebook itself knows it
        default = PydanticUndefined
    kind = _annotated_type(ast.unparse(annotation)) if annotation is not None else _type_of(default, value)
    if default is PydanticUndefined:
        return Optional[kind], Field(None, description=help_text)  # noqa: UP045  # a type made at run time
    if default is None or (default == "" and kind is date):
        return Optional[kind if kind is not type(None) else Any], Field(default, description=help_text)  # noqa: UP045
    return kind, Field(default, description=help_text)


def _annotated_type(text: str) -> Any:  # noqa: ANN401  # a type
    plain = {"bool": bool, "int": int, "float": float, "str": str, "list": list, "dict": dict, "date": Day}
    text = text.replace("datetime.date", "date").replace("typing.", "").strip("'\"")
    inner = re.fullmatch(r"Optional\[(.*)\]|(.*) \| None|None \| (.*)|Annotated\[([^,]*),.*\]", text)
    if inner:
        kind = _annotated_type(next(filter(None, inner.groups())))
        return kind if text.startswith("Annotated") else Optional[kind]  # noqa: UP045
    return plain.get(text.partition("[")[0].lower(), Any)


def _type_of(default: object, value: ast.expr | None) -> Any:  # noqa: ANN401  # a type
    if default is PydanticUndefined:
        return Day if value is not None and "date" in ast.unparse(value) else Any
    return float | int if isinstance(default, float) else type(default) if default is not None else Any


def _assignments(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None, ast.expr | None]]:
    """Give name, annotation and value of each name that a statement sets."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield name, annotation, value
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                match target:
                    case ast.Name(id=name):
                        yield name, None, value
                    case ast.Tuple(elts=names) | ast.List(elts=names):
                        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
                        same = len(parts) == len(names)
                        for i, one in enumerate(names):
                            if isinstance(one, ast.Name):
                                yield one.id, None, parts[i] if same else value
        case _:
            return


def _statements(source: str, notebook: Path) -> list[ast.stmt]:
    try:
        return ast.parse(_without_magics(source)).body
    except SyntaxError as error:
        raise ParameterError(f"{display_path(notebook)}: its parameters cell is no Python ({error})") from None


def _without_magics(source: str) -> str:
    """Blank IPython's own commands, so that the rest can be read and lines keep their numbers."""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines())


def _unknown_in_cells(cells: Sequence[str], known: Collection[str]) -> set[str]:
    """Name what the cells that set parameters set besides; a step on the way, which the cell itself reads, is none."""
    found: set[str] = set()
    for source in cells:
        try:
            tree = ast.parse(_without_magics(source))
        except SyntaxError:
            continue
        names = {name for statement in tree.body for name, _, _ in _assignments(statement)}
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        if source.startswith(INJECTED):
            found |= names
        elif names & set(known):
            found |= names - read
    return found


def _may_be_parameter(name: str, value: object) -> bool:
    return (
        not callable(value)
        and not isinstance(value, ModuleType)
        and not name.startswith("_")
        and name not in NOT_PARAMETERS
    )


class _UniqueKeys(SafeLoader):
    """YAML's safe loader, which takes a name twice in silence, made to refuse it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for (key, _), name in zip(node.value, names, strict=True):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands here twice", key.start_mark)
        return super().construct_mapping(node, deep=deep)


def _split(setting: str, *, option: str, example: str) -> tuple[str, str]:
    name, separator, text = setting.partition("=")
    if not separator or not name.strip():
        raise ParameterError(f"{option} {setting}: write name=value, for example {option} {example}")
    return name.strip(), text


def _read_value(text: str, *, setting: str) -> object:
    try:
        return yaml.load(text, Loader=_UniqueKeys)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, ValueError) as error:  # YAML makes dates itself, and 2024-02-30 is none
        raise ParameterError(f"{setting}: the value cannot be read ({' '.join(str(error).split())})") from error


def _read_file(path: Path) -> dict[str, object]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506  # a safe loader
    except FileNotFoundError:
        siblings = [file.name for file in sorted(path.parent.glob("*.yaml"))]
        known = nearest(path.name, siblings) if siblings else " (parameter files stand in params/<notebook>/)"
        raise ParameterError(f"{display_path(path)}: there is no such file{known}") from None
    except (yaml.YAMLError, ValueError) as error:  # not YAML, not UTF-8, or a date that is none
        text = " ".join(str(error).split())
        hint = "; put a sentence that holds a colon in quotes" if "mapping values are not allowed" in text else ""
        raise ParameterError(f"{display_path(path)}: not a YAML file ({text}){hint}") from None
    except OSError as error:
        raise ParameterError(f"{display_path(path)}: cannot be read ({error.strerror})") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ParameterError(f"{display_path(path)}: must hold lines of the form name: value")
    return content


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
