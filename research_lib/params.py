"""Parameters as pydantic fields, of which cell, documentation and control are made; YAML files, days, and what is wrong."""

import ast
import json
import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from research_lib.errors import ParameterError, clipped, nearest
from research_lib.project import display_path, write_whole

SOURCES = ("bundled", "folder", "yahoo", "fred", "french", "sec")
FOLDER = "with source folder: the data folder; of several, separated by commas, the first that exists"
HIDDEN = r"(?i)(\w*_)?((api|access|private)_?key|secret|passw(or)?d|credentials?)(_\w*)?=|\w*(key|token)\w*=(?=\S*\d)\S{16,}$"
ASSET_PATTERN = r"^[A-Za-z0-9.^=_-]+(:[a-z_]+)?$"
AssetName = Annotated[str, Field(pattern=ASSET_PATTERN)]
OptionalAssetName = Annotated[str, Field(pattern=f"^$|{ASSET_PATTERN}")]
Span = tuple[date, date]  # both ends are in it
Model = TypeVar("Model", bound=BaseModel)
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def iso_day(value: object) -> object:
    """Read a date from a YAML file, or from a notebook, where it is a text."""
    if value is None or value == "":
        return None
    with suppress(ValueError):
        return datetime.strptime(str(value), "%Y-%m-%d").date()  # noqa: DTZ007  # a day has no zone
    raise ValueError("must be a date without a time, like 2024-07-16")


def read_span(raw: object, part: str = "on") -> Span:
    """Read a day, month or year, or a span (`2024-07-09 to 2024-07-16`, {first, last}, [first, last]), both ends in it."""
    ends = [raw["first"], raw["last"]] if isinstance(raw, Mapping) and {*raw} == {"first", "last"} else raw
    text = re.sub("[T ]00:00:00", "", " to ".join(map(str, ends if isinstance(ends, list | tuple) else [ends])))
    with suppress(ValueError):
        ((begin, end),) = re.findall(r"^(\d{4}(?:-\d\d){,2})(?: to (\d{4}(?:-\d\d){,2}))?$", text)
        first, last = (date.fromisoformat(one[:10]) for one in (f"{begin}-01-01", f"{end or begin}-12-01"))
        last = last if len(end or begin) > len("2024-07") else last.replace(day=monthrange(last.year, last.month)[1])
        if first <= last:
            return first, last
    raise ValueError(f"{part}: {text!r} is no day; write 2024-07-16, 2024-07, 2024, or A to B, the earlier first")


Day = Annotated[date, BeforeValidator(iso_day)]
OptionalDay = Annotated[date | None, BeforeValidator(iso_day)]


def parameter(default: Any, title: str, text: str, **options: Any) -> Any:  # noqa: ANN401  # as pydantic's Field
    """Declare a parameter once; options are its `unit`, its control's `step`, its choices' `names`, pydantic's bounds."""
    extra: Any = {key: options.pop(key) for key in ("unit", "step", "names") if key in options}
    return Field(default, title=title, description=text, json_schema_extra=extra, **options)


class NotebookParameters(BaseModel):
    """What a notebook's `parameters` cell sets: strict, unchangeable, and nothing besides."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, serialize_by_alias=True, allow_inf_nan=False)

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """Validate the parameters that stand in a notebook's namespace, `globals()`, whatever set them.

        Unknown names are looked for in cells that set parameters; what such a cell itself reads is a step on the way.
        """
        known, found = set(cls.model_fields), set()
        for cell in map(str, namespace.get("In", ())):
            with suppress(SyntaxError):
                names = [one for one in ast.walk(ast.parse(as_python(cell))) if isinstance(one, ast.Name)]
                stored = {one.id for one in names if isinstance(one.ctx, ast.Store) and one.id[0] != "_"}
                if cell.startswith("# Parameters") or known & stored:
                    found |= stored - {one.id for one in names if isinstance(one.ctx, ast.Load)}
        others = {name for name in found & set(namespace) if not callable(namespace[name])}
        values = {name: namespace[name] for name in (known & set(namespace)) | others}
        return validate(cls, values, origin="the notebook's parameters")


class Parameters(NotebookParameters):
    """What every notebook of the kit takes: where its data comes from, up to when, and the seed of its random numbers."""

    source: str = parameter("bundled", "Source", f"{', '.join(SOURCES)}; join several with +")
    data_dir: str = parameter("", "Folder", FOLDER)
    as_of: OptionalDay = parameter(None, "As of", "the last date whose data may be used; empty for all")
    seed: int = parameter(0, "Seed", "the seed of random draws", ge=0)

    @model_validator(mode="after")
    def _known_sources(self) -> Self:
        names = self.source.split("+")
        for name in (one for one in names if one not in SOURCES):
            raise ValueError(f"source: unknown source {name!r}{nearest(name, SOURCES)}; join several with +")
        if ("folder" in names) != bool(self.data_dir):
            raise ValueError("source folder needs data_dir, the folder that holds prices/; other sources do not")
        return self


def validate(model: type[Model], values: Mapping[str, object], *, origin: str) -> Model:
    """Make a model of plain values, or raise one `ParameterError` that lists every fault."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = [getattr(model, "explain_fault", explain_fault)(fault, model, values) for fault in error.errors()]
        raise ParameterError("\n".join(f"{origin}: {fault}" for fault in faults)) from None


def explain_fault(fault: ErrorDetails, model: type[BaseModel], values: Mapping[str, object]) -> str:  # noqa: ARG001
    """Say in one line what is wrong with a parameter."""
    name, wrong = str(next(iter(fault["loc"]), "")), fault["input"]
    known = [field.alias or own for own, field in model.model_fields.items()]
    plain = {
        "extra_forbidden": f"{name}: unknown parameter{nearest(name, known)}",
        "missing": f"{name}: is missing",
        "list_type": "should be a list, such as [a, b]",
        "string_type": "should be a text: put it in quotes",
    }
    if ASSET_PATTERN in fault.get("ctx", {}).get("pattern", ""):
        plain["string_pattern_mismatch"] = "is no asset; write SYMBOL or SYMBOL:field, like RUT or IWM:total"
    message = plain.get(fault["type"]) or re.sub(r"^(Value error|Input) ?,? ?", "", fault["msg"])
    shown = clipped(wrong if isinstance(wrong, date) else repr(wrong), 80)
    return message if not name or message.startswith(f"{name}: ") else f"{name}: {shown}: {message}"


def show_setting(value: object) -> str:
    """Show a parameter's value in a line: a long collection by its size, a dash where there is nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if isinstance(value, dict | list | tuple) and len(text) > 100:
        return f"{len(value)} entries"
    return "–" if value is None or text in {"", "{}"} else text


def read_values(path: Path, overrides: Mapping[str, object] | None = None) -> dict[str, object]:
    """Read a parameter file's values, over those of the file that it `extends`; `overrides` go before them."""
    shown, values = display_path(path), _read_file(path)
    if "extends" in values:
        values = _read_file(path.parent / str(values.pop("extends"))) | values
        if "extends" in values:
            raise ParameterError(f"{shown}: extends a file that itself extends one; name the first one")
    values |= dict(overrides or {})
    if secrets := [name for name, value in values.items() if re.match(HIDDEN, f"{name}={value}")]:
        raise ParameterError(f"{shown}: {', '.join(secrets)}: reports show every parameter: set it in the environment")
    return values


def read_parameters(path: Path, model: type[Model], overrides: Mapping[str, object] | None = None) -> Model:
    """Read and validate a parameter file."""
    return validate(model, read_values(path, overrides), origin=display_path(path))


def write_new(name: str, files: Mapping[Path, str], *, replace: bool = False) -> None:
    """Write files by a name that the user chose, whole or not at all; only if asked to in place of others."""
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise ParameterError(f"name {name!r}: write letters, digits, - and _, such as my_question")
    if not replace and (taken := next(filter(Path.exists, files), None)):
        raise ParameterError(f"{display_path(taken)} is there already: take another name")
    write_whole({path: text.encode() for path, text in files.items()})


def parse_setting(setting: str, option: str = "--set", form: str = "{}") -> tuple[str, Any]:
    """Split `name=value` from the command line; the value is read as YAML, so that 50 is a number."""
    name, separator, text = map(str.strip, setting.partition("="))
    if not (name and separator):
        raise ParameterError(f"{option} {setting}: write name=value, for example {option} window=100")
    return name, _read_yaml(form.format(text), f"{option} {setting}: the value cannot be read") if text else ""


def parse_axis(setting: str) -> tuple[str, list[object]]:
    """Split `name=first,second,…` of a sweep, or `name=first:last:step` of whole numbers; a list is written `[a, b]`."""
    if ends := re.fullmatch(r"(\w+)=(-?\d+):(-?\d+):([1-9]\d*)", setting):
        name, values = ends[1], range(int(ends[2]), int(ends[3]) + 1, int(ends[4]))
    else:
        name, values = parse_setting(setting, "--grid", "[{}]")
    if not values or values[10_000:] or re.fullmatch(r".*=\d+[-:]\d+(:0)?", setting):
        raise ParameterError(f"--grid {setting}: write at most 10,000 values: 20,50 or 20:100:20 (first:last:step)")
    return name, [*values]


def cell_text(model: type[NotebookParameters]) -> str:
    """Write the `parameters` cell of a model: name, type, default, and the field's sentence."""
    return "\n".join(f"{name}: {kind} = {default}  # {text}" for name, kind, default, text, _ in _described(model))


def markdown_table(model: type[NotebookParameters]) -> str:
    """Write a model's parameters as a Markdown table."""
    rows = [f"| `{name}` | `{default}` | {text} | {allowed} |" for name, _, default, text, allowed in _described(model)]
    return "\n".join(["| parameter | default | what it is | allowed |", "|---|---|---|---|", *rows])


def _described(model: type[NotebookParameters]) -> Iterator[tuple[str, ...]]:
    """Give each parameter's name, type, default, sentence with unit and allowed values, the seed last."""
    for name, one in sorted(model.model_json_schema()["properties"].items(), key=lambda item: item[0] == "seed"):
        default = "" if one["default"] is None else one["default"]
        shown = json.dumps(default, ensure_ascii=False) if isinstance(default, str | list) else repr(default)
        allowed = one.get("enum") or [f"{words} {one[bound]:g}" for bound, words in BOUNDS.items() if bound in one]
        text = one["description"] + (f" ({one['unit']})" if "unit" in one else "")
        yield name, type(default).__name__, shown, text, ", ".join(map(str, allowed))


def as_python(cell: str) -> str:
    """Turn IPython's own commands into Python, as a kernel does; of a cell magic, take what follows it."""
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(re.sub(r"^\s*%%.*", "", cell)))  # type: ignore[no-untyped-call]


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C library may be absent
    """YAML's safe loader, which takes a name twice, or one without a colon, in silence, made to refuse both."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]  # <<: another's names
        twice = [(key, " stands here twice") for key, _ in node.value if names.count(key.value) > 1]
        whose = "".join(f" of {it.value}" for key, it in node.value if key.value == "id")
        alone = [(key, f"{whose} has no value") for key, it in node.value if it.start_mark.index == key.end_mark.index]
        for key, wrong in twice + alone:  # {is: 5,186.33} has 186.33 alone
            raise yaml.constructor.ConstructorError(None, None, f"{key.value!r}{wrong}", key.start_mark)
        return dict(super().construct_mapping(node, deep=deep))


# YAML 1.1 takes 1e-6 for a text, 010 for 8 and 10:30 for 630: here the first is a number, and the others are texts.
EXPONENT, ODD = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), re.compile(r"[-+]?0[\d_]|.*:")
_UniqueKeys.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, [*"-+0123456789"])
_read_int = lambda loader, node: node.value if ODD.match(node.value) else loader.construct_yaml_int(node)
_UniqueKeys.add_constructor("tag:yaml.org,2002:int", _read_int)
QUOTES = "; a text or number that has a comma, a colon, # or a bracket in it needs quotation marks"


def _read_yaml(content: str | bytes, wrong: str) -> Any:  # noqa: ANN401  # whatever stands there
    try:
        return yaml.load(content, Loader=_UniqueKeys)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, ValueError) as error:  # YAML makes dates itself, and 2024-02-30 is none
        text = re.sub(r'in "<\w+ string>", ', "in ", " ".join(str(error).split()))
        hint = QUOTES if re.search("no value|not allowed|expected|alias|start any token", text) else ""
        raise ParameterError(f"{wrong} ({text}){hint}") from None


def _read_file(path: Path) -> dict[str, Any]:
    shown = display_path(path)
    try:
        content = _read_yaml(path.read_bytes(), f"{shown}: not a YAML file")
    except OSError as error:
        raise ParameterError(f"{shown}: cannot be read ({error.strerror})") from None
    if not isinstance(content, dict | None) or not all(isinstance(name, str) for name in content or ()):
        raise ParameterError(f"{shown}: must hold lines of the form name: value")
    return content or {}
