"""How numbers are shown: `show(value, unit)`, one formatter for tables, findings, headlines, the index and the terminal."""

from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite

import numpy as np
import pandas as pd

NONE = "–"  # an en dash: there is no number
LONG_YEARS = 100_000


def show(value: object, unit: str = "number", *, digits: int | None = None) -> str:
    """Show a value in its unit; an en dash where there is no finite number.

    Parameters
    ----------
    value : object
        Decimals for fractions, changes and points: 0.0115 is 1.15%.
    unit : str
        A key of `UNITS`; any other is written behind a plain number.
    digits : int, optional
        Decimal places, where not the unit's own.
    """
    if isinstance(value, str):
        return value or NONE
    if value is None or value is pd.NaT:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float | np.integer | np.floating):
        return (
            str(value.strftime("%Y-%m" if unit == "month" else "%Y-%m-%d"))
            if hasattr(value, "strftime")
            else str(value)
        )
    if not isfinite(100 * value):  # as a percentage too
        return NONE
    number = value if isinstance(value, int) else value.item() if isinstance(value, np.generic) else value
    write = UNITS.get(unit)
    return _signed(write(number, digits) if write else f"{_number(number, digits)} {unit}")


def interval(low: float, high: float, unit: str = "number", *, digits: int | None = None) -> str:
    """Show both ends of an interval; an en dash where one is not known."""
    ends = [show(low, unit, digits=digits), show(high, unit, digits=digits)]
    if NONE in ends:
        return NONE
    short = ends[0].removesuffix(" pp") if ends[1].endswith(" pp") else ends[0]
    return f"{short} to {ends[1]}"


def prose_date(day: date) -> str:
    """Write a date as a sentence does: 16 July 2024."""
    return f"{day.day} {day:%B %Y}"


def ordinal(number: int) -> str:
    """Write 1st, 2nd, 3rd, 4th, 11th."""
    last = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{last}"


def plural(count: int, noun: str, many: str = "") -> str:
    """Write a count with its noun: 1 cycle, 8 cycles."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def _signed(text: str) -> str:
    """Write a true minus sign, which does not break from its number, and no sign before zero."""
    if text[:1] in ("+", "-") and not any(digit in text for digit in "123456789"):
        text = text[1:]
    return text.replace("-", "−")


def _plain(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _number(value: float, digits: int | None) -> str:
    if isinstance(value, int) and digits is None:
        return _plain(value, 0)
    return _plain(value, (0 if abs(value) >= 1000 else 2) if digits is None else digits)


def _percent(value: float, digits: int | None) -> str:
    return f"{100 * value:,.{2 if digits is None else digits}f}%"


def _change(value: float, digits: int | None) -> str:
    return f"{100 * value:+,.{2 if digits is None else digits}f}%"


def _points(value: float, digits: int | None) -> str:
    return f"{100 * value:+,.{1 if digits is None else digits}f} pp"


def _p(value: float, digits: int | None) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.{3 if digits is None else digits}f}"


def _years(value: float, digits: int | None) -> str:
    if value > LONG_YEARS:
        return f"over {LONG_YEARS:,}"
    if digits is not None:
        return _plain(value, digits)
    return _plain(value, 1) if value < 10 else f"{float(f'{value:.2g}'):,.0f}"


def _fixed(digits: int) -> Callable[[float, int | None], str]:
    return lambda value, asked: _plain(value, digits if asked is None else asked)


# A unit's name, and how a value in it is written.
UNITS: Mapping[str, Callable[[float, int | None], str]] = {
    "fraction": _percent,
    "share": lambda value, digits: _percent(value, 0 if digits is None else digits),
    "change": _change,
    "points": _points,
    "percent": lambda value, digits: _percent(value / 100, digits),
    "sigma": _fixed(2),
    "ratio": _fixed(2),
    "turns": _fixed(2),
    "correlation": _fixed(2),
    "t": _fixed(2),
    "price": _fixed(2),
    "number": _number,
    "count": lambda value, _: _plain(value, 0),
    "rank": lambda value, _: _plain(value, 0),
    "sessions": lambda value, _: _plain(value, 0),
    "days": lambda value, _: _plain(value, 0),
    "months": lambda value, _: _plain(value, 0),
    "periods": lambda value, _: _plain(value, 0),
    "year": lambda value, _: f"{value:.0f}",
    "years": _years,
    "bp": lambda value, digits: f"{value:+,.{0 if digits is None else digits}f} bp",
    "p": _p,
}
