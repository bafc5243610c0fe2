"""Results that show themselves where a notebook's cell ends with one."""

import re
from collections.abc import Sequence
from dataclasses import fields
from html import escape
from inspect import getdoc
from math import isnan
from typing import Any, ClassVar

MANY = 12  # items of a collection that are still shown one by one


class Shown:
    """A dataclass that a notebook shows as a table of its fields, under what its documentation says it is."""

    __dataclass_fields__: ClassVar[dict[str, Any]]  # every subclass is a dataclass

    def _repr_html_(self) -> str:
        about = re.split(r"\n\s*\n", getdoc(type(self)) or "")[0]
        rows = "".join(_row(name, [_cell(value)]) for name, value in _items(self))
        return f"<table><caption>{type(self).__name__}: {escape(about)}</caption>{rows}</table>"


def _items(result: Shown) -> list[tuple[str, Any]]:
    return [(field.name, getattr(result, field.name)) for field in fields(result)]


def _row(name: str, cells: Sequence[str]) -> str:
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _cell(value: Any) -> str:  # noqa: ANN401  # any field
    """Show a field: a few results, or cells of a frame, as a table; anything else in a line."""
    few = hasattr(value, "__len__") and 0 < len(value) <= MANY
    if few and isinstance(value, tuple | list) and all(isinstance(item, Shown) for item in value):
        header = "".join(f'<th scope="col">{name}</th>' for name, _ in _items(value[0]))
        rows = "".join(_row(str(n), [_line(part) for _, part in _items(item)]) for n, item in enumerate(value, start=1))
        return f"<table><tr><td></td>{header}</tr>{rows}</table>"
    if few and isinstance(value, dict):
        return f"<table>{''.join(_row(str(name), [_line(item)]) for name, item in value.items())}</table>"
    return str(value._repr_html_()) if few and hasattr(value, "_repr_html_") else _line(value)


def _line(value: Any) -> str:  # noqa: ANN401  # any field
    """Show a value in a line: numbers in six digits, results by field, of what is long its size and span."""
    if isinstance(value, Shown):
        return "; ".join(f"{name} {_line(part)}" for name, part in _items(value))
    if isinstance(value, tuple | list) and len(value) <= MANY:
        return ", ".join(map(_line, value)) or "none"
    if value is None or (isinstance(value, float) and isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value) if isinstance(value, str) or not hasattr(value, "__len__") else _size(value)
    return escape(text.replace(" 00:00:00", ""))  # days of a calendar, which pandas writes with their midnight


def _size(value: Any) -> str:  # noqa: ANN401  # a pandas or numpy object, or any collection
    size = " × ".join(f"{n:,}" for n in getattr(value, "shape", (len(value),)))
    index: Any = getattr(value, "index", ())  # a method, of a list
    span = f", {index[0]} to {index[-1]}" if not callable(index) and len(index) else ""
    return f"{type(value).__name__}, {size}{span}"
