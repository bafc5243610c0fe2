"""Parameter files: YAML in, a validated model out, or every fault in it."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from research_lib.errors import ParameterError
from research_lib.params import MODELS, Claims, NotebookParameters, model_for, validate

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML was built without the C library: slower, the same otherwise
    from yaml import SafeLoader  # type: ignore[assignment]

SECRET_NAME = re.compile(r"(^|_)(api_?key|key|token|secret|password|passwd|credentials?)(_|$)", re.IGNORECASE)


EXTENDS = "extends"
SLUG = r"[a-z0-9][a-z0-9_-]*"


class _UniqueKeys(SafeLoader):
    """YAML's safe loader, which takes a name twice in silence, made to refuse it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for (key, _), name in zip(node.value, names, strict=True):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands here twice", key.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_parameters(path: Path, *, overrides: Mapping[str, object] | None = None) -> NotebookParameters:
    """Read and validate a parameter file; the folder it stands in names its notebook.

    Parameters
    ----------
    path : Path
        A YAML file with one mapping, `params/<notebook>/<slug>.yaml`.
    overrides : mapping, optional
        Values that go before the file's.

    Raises
    ------
    ParameterError
        The file is absent or no mapping, or a value is wrong; the message lists all faults.
    """
    values = _read_mapping(path) | dict(overrides or {})
    refuse_secrets(values, origin=shown(path))
    return validate(model_for(path.resolve().parent.name), values, origin=shown(path))


def read_claims(path: Path, *, overrides: Mapping[str, object] | None = None) -> Claims:
    """Read and validate a claims file, wherever it lies; as `read_parameters` otherwise."""
    values = _read_mapping(path) | dict(overrides or {})
    refuse_secrets(values, origin=shown(path))
    return validate(Claims, values, origin=shown(path))


def write_parameters(folder: Path, slug: str, params: NotebookParameters, *, replace: bool = False) -> Path:
    """Write a parameter file of what differs from the defaults, ready for `run`; whole, or not at all.

    Parameters
    ----------
    folder : Path
        `params/<notebook>`, of the notebook that they are for.
    slug : str
        The file's name without its ending.
    replace : bool
        Overwrite a file that is there.

    Raises
    ------
    ParameterError
        The name may be no file's, or the file is there already, or cannot be written.
    """
    path = folder / f"{slug}.yaml"
    if not re.fullmatch(SLUG, slug):
        raise ParameterError(f"name {slug!r}: write small letters, digits, - and _, such as my_threshold")
    if path.exists() and not replace:
        raise ParameterError(f"{shown(path)} is there already: take another name, or ask for it to be replaced")
    values = {"source": params.source, **params.model_dump(exclude_defaults=True)}
    try:
        _write_whole(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))
    except OSError as error:
        raise ParameterError(f"{shown(path)}: cannot be written ({error.strerror})") from error
    return path


def _write_whole(path: Path, text: str) -> None:
    """Write a file beside its place, then put it there; two writers at once do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        draft = Path(folder, path.name)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)


def refuse_secrets(values: Mapping[str, object], *, origin: str) -> None:
    """Raise a `ParameterError` where a parameter is named like a secret: parameters are written into reports."""
    faults = [
        f"{origin}: {name}: reports show every parameter, so a secret cannot be one: set it in the environment"
        for name in values
        if SECRET_NAME.search(name)
    ]
    if faults:
        raise ParameterError("\n".join(faults))


def parse_setting(setting: str) -> tuple[str, object]:
    """Split `name=value` from the command line; the value is read as YAML, so that 50 is a number."""
    name, text = _split(setting, option="--set", example="window=100")
    return name, _read_value(text, setting=f"--set {setting}") if text else ""


def parse_axis(setting: str) -> tuple[str, list[object]]:
    """Split `name=first,second,…` of a sweep; a value that is a list is written `[a, b]`."""
    name, text = _split(setting, option="--grid", example="window=20,50,100")
    values = _read_value(f"[{text}]", setting=f"--grid {setting}")
    if not isinstance(values, list) or not values or None in values:
        raise ParameterError(f"--grid {setting}: write at least one value, for example --grid window=20,50,100")
    if len({repr(value) for value in values}) < len(values):
        raise ParameterError(f"--grid {setting}: a value stands there twice")
    return name, values


def shown(path: Path) -> str:
    """Name a file as the user would: from the folder they are in, where it lies below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def nearest_file(path: Path) -> str:
    """Say which parameter file beside an absent one has the most similar name, or which notebooks there are."""
    siblings = sorted(file.name for file in path.parent.glob("*.yaml"))
    nearest = get_close_matches(path.name, siblings, n=1)
    if nearest:
        return f"; did you mean {nearest[0]}?"
    return "" if siblings else f" (parameter files stand in params/<notebook>/; notebooks: {', '.join(MODELS)})"


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


def _read_mapping(path: Path) -> dict[str, object]:
    """Read a file's values; where it `extends` another, over that one's."""
    values = _read_file(path)
    if EXTENDS not in values:
        return values
    base = values.pop(EXTENDS)
    if not isinstance(base, str) or Path(base).name != base or base == path.name:
        raise ParameterError(f"{shown(path)}: {EXTENDS}: {base!r}: must name another file of the same folder")
    below = _read_file(path.with_name(base))
    if EXTENDS in below:
        raise ParameterError(f"{shown(path)}: {EXTENDS}: {base} itself extends a file; name the first one")
    return below | values


def _read_file(path: Path) -> dict[str, object]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506  # a safe loader
    except FileNotFoundError:
        raise ParameterError(f"{shown(path)}: there is no such file{nearest_file(path)}") from None
    except (yaml.YAMLError, ValueError) as error:  # not YAML, not UTF-8, or a date that is none
        raise ParameterError(f"{shown(path)}: not a YAML file ({' '.join(str(error).split())})") from None
    except OSError as error:
        raise ParameterError(f"{shown(path)}: cannot be read ({error.strerror})") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ParameterError(f"{shown(path)}: must hold lines of the form name: value")
    return content
