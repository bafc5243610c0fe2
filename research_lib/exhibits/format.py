"""How numbers are shown, by one formatter for tables, findings, headlines, the index and the terminal, and how they are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import inf, isfinite, nan
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import yaml

from research_lib.errors import ParameterError
from research_lib.params import Span, read_span

NONE = "–"  # an en dash: there is no number
LONG_YEARS = 100_000
_DATA = yaml.safe_load(Path(__file__).with_name("units.yaml").read_text(encoding="utf-8"))  # says what each field is
UNITS: Mapping[str, tuple[int, str, int, str]] = {unit: tuple(fields) for unit, fields in _DATA["units"].items()}
WHOLE = {unit for unit, (_, _, places, behind) in UNITS.items() if not places and not behind}  # counts and the like
KINDS: Mapping[str, Any] = _DATA["kinds"]
CHANGED = {kind: row["changed"] for kind, row in KINDS.items() if "changed" in row}  # what such a difference is
CHANGES = {"fraction", *CHANGED.values()}  # the kinds that are changes
FIGURES = _DATA["figures"]  # examples of what is read
WRITTEN = {word: unit for unit, words in _DATA["written"].items() for word in words}
COMPARISONS = {word: comparison for comparison, words in _DATA["comparisons"].items() for word in words}
AT_LEAST, AT_MOST, ABOUT = _DATA["comparisons"]
NUMBER, UNIT = r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?", "|".join(WRITTEN)
FIGURE = re.compile(
    rf"(?:(?P<comparison>{'|'.join(COMPARISONS)}) ?)?(?P<number>{NUMBER})(?: ?(?P<unit>{UNIT}))?"
    rf"(?: ?± ?(?P<margin>{NUMBER}))?(?: to (?P<end>{NUMBER}))?(?: ?(?P<behind>{UNIT}|st|nd|rd|th))?"
)


def show(value: Any, unit: str = "number", *, digits: int | None = None) -> str:  # noqa: ANN401  # any cell of a frame
    """Show a value in its unit, which is of `UNITS` or a word to stand behind; an en dash where there is no finite number.

    Fractions, changes and points are decimals: 0.0115 is 1.15%. `digits` are decimal places, where not the unit's own.
    """
    # Of pandas, which takes long to load, only the names of its missing values are known here.
    if value is None or type(value).__name__ in ("NaTType", "NAType") or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m" if unit == "month" else "%Y-%m-%d"))
    return _number(value, unit, digits) if isinstance(value, Real) else str(value)


def _number(value: Any, unit: str, digits: int | None) -> str:  # noqa: ANN401  # any number
    if not isfinite(100 * value):  # as a percentage too
        return NONE
    if unit == "p" and value < 0.001:
        return "< 0.001"
    if unit == "years" and value > LONG_YEARS:
        return f"over {LONG_YEARS:,}"
    scale, form, places, behind = UNITS.get(unit, (1, ",", 2, f" {unit}"))
    if digits is not None and unit not in WHOLE:
        places = digits
    elif unit == "years" and value >= 10:
        value, places = float(f"{value:.2g}"), 0
    elif unit in ("rate", "difference"):
        places = 1 + (abs(value) < 0.01)
    elif unit == "number" or unit not in UNITS:
        places = 0 if isinstance(value, Integral) or abs(value) >= 1000 else 2
    text = f"{scale * value:{form}.{places}f}"
    if not any(digit in text for digit in "123456789"):  # no sign before zero
        text = text.lstrip("+-")
    return text.replace("-", "−") + behind  # a true minus sign, which does not break from its number


def interval(low: float | None, high: float | None, unit: str = "number", *, digits: int | None = None) -> str:
    """Show both ends of an interval; an en dash where one is not known."""
    ends = [show(end, unit, digits=digits) for end in (low, high)]
    if NONE in ends:
        return NONE
    return f"{ends[0].removesuffix(' pp')} to {ends[1]}"


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


def sentence(text: str) -> str:
    """Begin with a capital, end with a stop, and write true minus signs."""
    first = text[:1] if text[1:2].isupper() else text[:1].upper()  # iShares stays
    return re.sub(r"(?<![\w.)-])-(?=\d)", "−", first + text[1:].removesuffix(".") + ".")


def scale(kind: str, unit: str, text: str) -> float:
    """Return what one of a kind of figure is in a unit, or as a bare number; `text` is the figure, as written."""
    units: Mapping[str, float] = KINDS[kind]["units"]
    if unit not in units:
        known = " or ".join(filter(None, units)) or "a bare number"
        raise ParameterError(f"{text}: the line gives a {kind.replace('fraction', 'percentage')}; write it in {known}")
    return units[unit]


def show_kind(value: float | date | None, kind: str, unit: str = "") -> str:
    """Show a figure of a kind with the words around it, a yield in bp where that is the unit; what never comes to pass as never."""
    if value is None or value in (inf, -inf):
        return "never"
    look = KINDS[kind]
    text = look["form"].format(show(value, "fraction in bp" if (kind, unit) == ("yield", "bp") else look["shown"]))
    return str(text.removesuffix("s") if value == 1 else text)  # 1 session


@dataclass(frozen=True)
class Published:
    """A figure as somebody wrote it, and the range that agrees with it, in its own unit; of a day the span that it names."""

    text: str
    comparison: str = ABOUT
    low: float = 0.0
    high: float = 0.0
    near: float = 0.0  # how far beyond it is roughly so: 2.5 units of the last digit, of a bound half a unit
    unit: str = ""
    days: Span | None = None  # None also for a day that never came


def read_figure(raw: object, *, is_day: bool = False) -> Published:
    """Read a figure, or a day; its last digit sets the tolerance, unless ± says another."""
    if is_day:
        return Published(str(raw), low=nan, high=nan, days=None if raw == "never" else read_span(raw, "is"))
    text = " ".join(str(raw).replace("−", "-").replace("+/-", "±").split())
    counted = _DATA["counts"].get(text.removeprefix("only "))
    if not (found := FIGURE.fullmatch(counted or text)):
        raise ValueError(f"is: cannot read {text!r}; write {FIGURES}")
    value, margin, end = (float((found[place] or "0").replace(",", "")) for place in ("number", "margin", "end"))
    digit = 10.0 ** -max(len((found[place] or "").partition(".")[2]) for place in ("number", "margin"))
    word, comparison = found["comparison"], COMPARISONS.get(found["comparison"], ABOUT)
    tolerance = margin if found["margin"] else digit / 2 if not word else digit if comparison == ABOUT else 0.0
    low, high = sorted((value, end)) if found["end"] else (value - tolerance, value + tolerance)
    low, high = {AT_LEAST: (low, inf), AT_MOST: (-inf, high)}.get(comparison, (low, high))
    unit = WRITTEN.get(found["unit"] or found["behind"], "")
    near = 0.0 if counted else digit * (2.5 if comparison == ABOUT else 0.5)
    return Published(text, comparison, low, high, near, unit)


def amount(text: str, kind: str) -> float:
    """Turn a written figure of a kind into decimals; of percentages and their changes it must say its unit, unless it is zero."""
    figure, units = read_figure(text), KINDS[kind]["units"]
    value = (figure.low + figure.high) / 2
    if units[""] != 1 and not figure.unit and value:
        unit = "%" if "%" in units else " pp"
        raise ParameterError(f"{text}: the line is in percent: write {text}{unit} or {100 * value:,.10g} bp")
    return value / scale(kind, figure.unit, text)
