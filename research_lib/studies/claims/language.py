"""The language of claims: a line, what to take of it, when, and what to say; read strictly, each wrong word named.

`WORDS` is the grammar: from each form both the reader and the page that `claims words` prints are made.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from itertools import product
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from research_lib.errors import nearest

Kind = Literal["fact", "tendency", "forecast"]
Span = tuple[date, date]
Choices = tuple[tuple[str, str], ...]

MOST_READINGS = 500
PERIODS = ("session", "week", "month", "quarter", "year")
EXCESS = ("all days", "rest of year")
LINE_KEYS = ("of", "per", "less", "every", "take")
CHECK_KEYS = (*LINE_KEYS, "when", "quiet", "then", "after", "say", "from", "at", "to")
FIRM_KEYS = ("firms", "ratio", "year", "say")
NO_AXIS = frozenset({"on", "years"})  # a list of days or years is one condition
ALIASES = {
    "SPX": "GSPC", "INX": "GSPC", "SP500": "GSPC", "S&P 500": "GSPC", "COMP": "IXIC", "CCMP": "IXIC", "DJIA": "DJI",
    "INDU": "DJI", "RTY": "RUT", "R2K": "RUT", "Russell 2000": "RUT", "HY OAS": "BAMLH0A0HYM2",
}  # fmt: skip
OTHER_INDEX = {"NDX": "the Nasdaq 100 has no index here: QQQ is its fund, IXIC the Nasdaq Composite"}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
QUARTERS = {"q1": "Jan-Mar", "q2": "Apr-Jun", "q3": "Jul-Sep", "q4": "Oct-Dec"}
NUMBER = r"[+-]?\d[\d,]*(?:\.\d+)?"
UNITS = {
    "%": "%", "percent": "%", "pp": "pp", "percentage points": "pp", "points": "points", "bp": "bp",
    "basis points": "bp", "sigma": "sigma", "σ": "sigma", "deviations": "sigma", "times": "times", "x": "times",
    "×": "times", "sessions": "session", "weeks": "week", "months": "month", "quarters": "quarter", "years": "year",
    "days": "days", "cases": "cases",
}  # fmt: skip
UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
PLACES = {
    "k": r"\d{1,5}",
    "n": r"-?\d{1,5}",
    "x": rf"{NUMBER} ?(?:{UNIT})?",
    "y": rf"{NUMBER} ?(?:{UNIT})?",
    "date": r"\d{4}(?:-\d\d){0,2}",
    "name": r"[^\s,]+",
    "names": r".+",
    "condition": r".+",
    "season": r".+",
}
BOUND = "[ <op:above|below|at least|at most> <x>]"


@dataclass(frozen=True)
class Word:
    """A word of a part of the language: its form, and what it means."""

    part: str
    form: str
    meaning: str

    @property
    def name(self) -> str:
        """The words that the form begins with."""
        return re.split(r"[<\[]", self.form)[0].strip()

    @property
    def shown(self) -> str:
        """The form as a person writes it."""
        return re.sub(r"<\w+:([^>]+)>", r"\1", self.form).replace("[ ", " [")


WORDS = tuple(
    Word(part, form, meaning)
    for part, forms in {
        "take": {
            "change <k>[ <kind:percent|points|log>]": "over k periods; of a yield in points",
            "change since <date>[ <kind:percent|points|log>]": "since the close of a day",
            "change from close": "of a high or low, against the close before",
            "<period:week|month|quarter|year> to date": "since the close before the period",
            "average <k>": "of the last k",
            "highest <k>": "of the last k",
            "lowest <k>": "of the last k",
            "deviation <k>": "standard deviation of the last k",
            "volatility <k>": "of log changes over the last k, a year",
            "distance to average <k>": "line over its average, less 1",
            "distance to record": "line over its highest so far, less 1",
            "distance to <x>": "line over a level, less 1",
            "z <k>[ <definition:prior|distance|expanding|volatility|return>][ ddof <ddof:0|1>]": "sigma, see study 03",
            "drawdown[ <k>]": "from the record, or from the highest of k",
            "spell <condition>": "periods in a row that meet a condition",
            "age of <condition>": "periods since a condition was last met",
            "correlation with <name>[ <k>]": "of one-period changes, over the last k or from `from`",
            "slope on <names>": "of one-period changes on the first name, the others held fixed",
            "fall episodes <x>": "falls of x% or more from a peak",
            "breakout <k> <line:band|falling peaks|highest>": "over a resistance drawn from the k before, less 1",
            "periods to <x> at the pace of <k>": "until the line reaches x if it goes on as over the last k",
        },
        "when": {
            "above <x>": "", "below <x>": "", "at least <x>": "", "at most <x>": "", "between <x> and <y>": "",
            "crosses above[ <x>]": "from one period to the next; x is 0",
            "crosses below[ <x>]": "from one period to the next; x is 0",
            "up": "above the period before", "down": "below the period before",
            "record": "above everything before; a tie is an axis", "record low": "below everything before",
            "strict record": "above everything before", "record with ties": "at or above everything before",
            "lasts <k>": "the period on which the other conditions have held k in a row",
            "session <n> of <period:week|month|quarter|year>": "counted from the end if negative",
            "same session of <period:week|month|quarter|year>": "as that of `at`",
            "season <season>": "Nov-Apr, Sep, Q4, last 5 Dec-first 2 Jan; over New Year it has the year of its end",
            "policy <event:first cut|last cut|first hike|pause|cut|unscheduled cut|hike>": "decisions of the Fed",
            "policy <event:easing|tightening|on hold>": "the state, as known on the day",
            "years <years>": "election, midterm, pre-election, post-election, or years",
            "on <date>": "a day",
            "recession within 12 months": "of a policy event; hindsight", "no recession within 12 months": "",
        },
        "after": {
            "<n>[ <unit:months|years>][ <path:highest|lowest|drawdown>]": "change over the next n; before, if negative",
            "until <date>[ <path:highest|lowest|drawdown>]": "over as many sessions as from `at` to the day",
        },
        "say": {
            "value": "", "highest": "", "lowest": "", "rank": "1 is the highest", "lowest rank": "1 is the lowest",
            "percentile": "share at or below", "share as far": "share at or beyond, on the value's own side",
            "highest since": "the last day as high", "lowest since": "the last day as low",
            "since": "of a condition: the day since when it holds", "date": "the last day of a case, or of the highest",
            "date of lowest": "", "first date": "", "previous date": "the last case but one",
            "count" + BOUND: "cases", "share" + BOUND: "of cases, or of periods; of changes: above 0",
            "longest": "", "mean": "", "median": "", "deviation": "", "total": "compounded",
            "return period": "years between moves as large",
        },
        "ratio": {
            "net debt to EBITDA": "", "interest cover[ after <k> bp on <share:\\d+>%]": "",
            "share with cover below 1[ after <k> bp on <share:\\d+>%]": "",
            "share added below 1 after <k> bp on <share:\\d+>%": "", "share without EBITDA": "",
            "share with a loss": "", "due within a year": "share of debt", "interest to debt": "",
        },
        "of": {
            "normal tail <x>": "share of a normal variate beyond x sigma, on one side",
            "double edge <move:rise|fall> of <name>": "extra return a month of indebted small companies",
        },
    }.items()
    for form, meaning in forms.items()
)  # fmt: skip


@dataclass(frozen=True)
class Phrase:
    """One word with its arguments, as read; equal where the text is."""

    word: str
    text: str
    values: Mapping[str, str] = field(compare=False, default_factory=dict)

    def __getitem__(self, place: str) -> str:
        return self.values.get(place) or ""

    def number(self, place: str = "k") -> int:
        """Return a whole number among the arguments, 0 where it is left out."""
        return int(self.values.get(place) or 0)


@dataclass(frozen=True)
class Line:
    """A price or series, alone, over or less another, and what is taken of it; `of` may be a line itself."""

    of: "str | Line"
    per: "str | Line | None" = None
    less: "str | Line | None" = None
    every: str = "session"
    take: tuple[Phrase, ...] = ()

    def names(self) -> Iterator[str]:
        """Yield the prices and series that it needs."""
        for one in (self.of, self.per, self.less):
            if isinstance(one, Line):
                yield from one.names()
            elif one:
                yield one
        for step in self.take:
            yield from filter(None, re.split(r"[,\s]+", step["name"] or step["names"]))


@dataclass(frozen=True)
class Condition:
    """A phrase about the line, about the calendar or policy, or about another line; `years` and `days` where listed."""

    phrase: Phrase
    line: Line | None = None
    season: str = ""  # the bound is about the change over this season
    days: tuple[date, ...] = ()
    years: tuple[int, ...] = ()


@dataclass(frozen=True)
class Check:
    """One line of the language without lists, and the choices that led to it."""

    line: Line
    say: Phrase
    when: tuple[Condition, ...] = ()
    quiet: int = 0
    then: Line | None = None
    after: Phrase | None = None
    excess: str = ""
    start: date | None = None
    at: Span | None = None
    to: date | None = None
    special: Phrase | None = None
    ratio: Phrase | None = None
    firms: str = ""
    year: int = 0
    choices: Choices = ()

    @property
    def says_date(self) -> bool:
        """Whether the answer is a day."""
        return "date" in self.say.word or "since" in self.say.word

    def names(self) -> list[str]:
        """Return the prices and series that it needs."""
        lines = [self.line, self.then, *(one.line for one in self.when)]
        return list(dict.fromkeys(name for line in lines if line for name in line.names()))


def read(part: str, text: object) -> Phrase:
    """Read one phrase of a part, or raise a `ValueError` that names the word and what is allowed."""
    written = re.sub(r"\s+", " ", str(text).strip().replace("−", "-"))
    for word in (one for one in WORDS if one.part == part):
        if found := _pattern(word.form).fullmatch(written):
            return Phrase(word.name or word.form, written, found.groupdict())
    names = sorted({one.name for one in WORDS if one.part == part} - {""})
    known = [one for one in WORDS if one.part == part and one.name and written.startswith(one.name)]
    if known:
        raise ValueError(f"{part}: {written!r} is incomplete or misspelt; write {' or '.join(w.shown for w in known)}")
    raise ValueError(f"{part}: unknown word {written!r}{nearest(' '.join(written.split()[:2]), names)}")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """Make a regular expression of a form: [ ] is optional, <place> an argument, <place:a|b> a choice."""
    parts = re.split(r"(<[^>]+>|\[|\])", form)
    special = {"[": "(?:", "]": ")?"}
    return re.compile("".join(special.get(one) or _place(one) for one in parts), re.IGNORECASE)


def _place(text: str) -> str:
    if not text.startswith("<"):
        return re.escape(text)
    name, _, choices = text[1:-1].partition(":")
    return f"(?P<{name}>{choices or PLACES.get(name, '.+')})"


def read_checks(raw: object) -> tuple[Check, ...]:
    """Read a check: each list in it is an axis, and each combination one reading, the first of each the headline's."""
    combinations = _expand(raw, "check")
    if len(combinations) > MOST_READINGS:
        raise ValueError(f"check: its lists make {len(combinations)} readings; at most {MOST_READINGS}")
    return tuple(_check(one, choices) for choices, one in combinations)


def _expand(value: object, name: str) -> list[tuple[Choices, Any]]:
    if isinstance(value, list | tuple) and name not in NO_AXIS:
        if not value:
            raise ValueError(f"{name}: an empty list")
        members = [(((name, write(one)),), one) for one in value] if len(value) > 1 else [((), value[0])]
        return [((*choice, *inner), read) for choice, one in members for inner, read in _expand(one, name)]
    if isinstance(value, Mapping):
        parts = [[(choices, (key, read)) for choices, read in _expand(one, str(key))] for key, one in value.items()]
        return [
            (tuple(c for choices, _ in one for c in choices), dict(item for _, item in one)) for one in product(*parts)
        ]
    return [((), value)]


def write(value: object) -> str:
    """Write a part of a check as one line of text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {write(one)}" for key, one in value.items())
    return ", ".join(map(write, value)) if isinstance(value, list | tuple) else str(value)


def _check(raw: object, choices: Choices) -> Check:
    if not isinstance(raw, Mapping):
        raise ValueError(f"check: {raw!r}: write a line like {{of: RUT, take: change 5, say: value}}")
    if "firms" in raw:
        _known_keys(raw, FIRM_KEYS, "check")
        firms = str(raw["firms"])
        if firms not in {"small", "large", "small less large"}:
            raise ValueError(f"firms: {firms!r}; write small, large, or small less large")
        ratio = read("ratio", raw.get("ratio", ""))
        return Check(
            Line(""), read("say", "value"), firms=firms, ratio=ratio, year=int(raw.get("year", 0)), choices=choices
        )
    _known_keys(raw, CHECK_KEYS, "check")
    of = raw.get("of")
    if isinstance(of, str) and of.startswith(("normal tail", "double edge")):
        return Check(Line(""), read("say", "value"), special=read("of", of), choices=choices)
    excess = str(raw.get("less", "")) if str(raw.get("less", "")) in EXCESS else ""
    then, after = raw.get("then"), raw.get("after")
    if isinstance(then, Mapping):
        after = then.get("after", after)
        then = {key: one for key, one in then.items() if key != "after"}
    if (then is not None) and after is None:
        raise ValueError("then: needs `after: k`, over how many periods")
    quiet = raw.get("quiet", 0)
    if not isinstance(quiet, int) or quiet < 0:
        raise ValueError(f"quiet: {quiet!r} should be a number of periods, like 63")
    return Check(
        line=_line({key: raw[key] for key in LINE_KEYS if key in raw and not (key == "less" and excess)}),
        say=read("say", raw.get("say", "value")),
        when=_when(raw["when"]) if "when" in raw else (),
        quiet=quiet,
        then=None if then is None else _line(then),
        after=None if after is None else read("after", after),
        excess=excess,
        start=None if raw.get("from") is None else read_span(raw["from"], "from")[0],
        at=None if raw.get("at") is None else read_span(raw["at"], "at"),
        to=None if raw.get("to") is None else read_span(raw["to"], "to")[1],
        choices=choices,
    )


def _known_keys(raw: Mapping[str, object], known: Sequence[str], part: str) -> None:
    for key in raw:
        if key not in known:
            raise ValueError(f"{part}: unknown word {key}{nearest(str(key), known)}")


def _line(raw: object, base: object = None) -> Line:
    if isinstance(raw, str | int):
        return Line(_name(raw))
    if not isinstance(raw, Mapping):
        raise ValueError(f"of: {raw!r} is no price, series or line; write a symbol, like RUT")
    _known_keys(raw, LINE_KEYS, "line")
    of = raw.get("of", base)
    if of is None:
        raise ValueError("of: is missing; write the price or series that the claim is about, like of: RUT")
    every = str(raw.get("every", "session"))
    if every not in PERIODS:
        raise ValueError(f"every: unknown word {every}{nearest(every, PERIODS)}")
    steps = re.split(r"\s+then\s+", str(raw["take"]).strip()) if "take" in raw else []
    return Line(
        _operand(of, of),
        _operand(raw.get("per"), of),
        _operand(raw.get("less"), of),
        every,
        tuple(_step(one) for one in steps),
    )


def _operand(raw: object, of: object) -> str | Line | None:
    if raw is None:
        return None
    return _line(raw, of) if isinstance(raw, Mapping) else _name(raw)


def _name(raw: object) -> str:
    symbol, colon, column = str(raw).strip().partition(":")
    bare = symbol.lstrip("^.$")
    if bare in OTHER_INDEX:
        raise ValueError(f"of: {raw}: {OTHER_INDEX[bare]}")
    if bare in EXCESS:
        raise ValueError(f"{raw!r}: only `less` takes it")
    return ALIASES.get(symbol, ALIASES.get(bare, bare)) + colon + column


def _step(text: str) -> Phrase:
    step = read("take", text)
    if step["condition"]:
        read("when", step["condition"])
    if step["name"]:
        return Phrase(step.word, step.text, {**step.values, "name": _name(step["name"])})
    return step


def _when(raw: object) -> tuple[Condition, ...]:
    if not isinstance(raw, Mapping):
        parts = re.split(r"\s+and\s+(?!\d)", str(raw).strip())
        return tuple(_condition(read("when", one)) for one in parts)
    own = {key: one for key, one in raw.items() if key not in LINE_KEYS and key != "and"}
    also = _when(raw["and"]) if "and" in raw else ()
    bounds = [f"{key} {one}" for key, one in own.items() if key in {"above", "below", "at least", "at most"}]
    bounds += [str(one) for key, one in own.items() if key in {"is", "when"}]
    rest = {key: one for key, one in own.items() if key not in {"above", "below", "at least", "at most", "is", "when"}}
    _known_keys(rest, ("season", "on", "policy", "years", "session", "lasts", "crosses"), "when")
    if "of" in raw:
        line = _line({key: one for key, one in raw.items() if key in LINE_KEYS})
        found = [Condition(one.phrase, line) for text in bounds for one in _when(text)]
    elif "season" in rest and bounds:
        season = str(rest.pop("season"))
        read_season(season)
        found = [Condition(read("when", text), season=season) for text in bounds]
    else:
        found = [one for text in bounds for one in _when(text)]
    for key, one in rest.items():
        if key in NO_AXIS and isinstance(one, list | tuple):
            days = tuple(read_span(day, "on")[0] for day in one) if key == "on" else ()
            years = tuple(int(str(year)) for year in one) if key == "years" else ()
            found.append(Condition(Phrase(key, f"{key} {write(one)}"), days=days, years=years))
        else:
            found.append(_condition(read("when", f"{key} {one}")))
    if not (found or also):
        raise ValueError("when: says no condition")
    return (*found, *also)


def _condition(phrase: Phrase) -> Condition:
    if phrase.word == "season":
        read_season(phrase["season"])
    if phrase.word == "on":
        return Condition(phrase, days=(read_span(phrase["date"], "on")[0],))
    if phrase.word == "years" and phrase["years"] not in {"election", "midterm", "pre-election", "post-election"}:
        years = re.fullmatch(r"\d{4}(?:(?:, ?| )\d{4})*", phrase["years"])
        if not years:
            raise ValueError(
                f"when: years {phrase['years']!r}; write election, midterm, pre-election, post-election or years"
            )
        return Condition(phrase, years=tuple(map(int, re.findall(r"\d{4}", phrase["years"]))))
    return Condition(phrase)


def read_season(text: str) -> tuple[tuple[str, int, int], tuple[str, int, int]]:
    """Read a season's two ends, each ("all" | "first" | "last", sessions, month).

    Raises
    ------
    ValueError
        It is no month, run of months, quarter, or first or last sessions of a month.
    """
    first, dash, last = QUARTERS.get(text.strip().lower(), text).partition("-")
    ends = []
    for one in (first, last if dash else first):
        found = re.fullmatch(r"(?:(first|last) (\d\d?) (?:sessions )?(?:of )?)?([A-Za-z]{3,9})\.?", one.strip())
        month = found.group(3).lower()[:3] if found else ""
        if not found or month not in MONTHS:
            raise ValueError(f"when: season {text!r}; write months like Nov-Apr or Sep, Q4, or last 5 Dec-first 2 Jan")
        ends.append((found.group(1) or "all", int(found.group(2) or 0), MONTHS.index(month) + 1))
    return ends[0], ends[1]


def read_span(raw: object, part: str) -> Span:
    """Read a day, a month, a year, or a span of them ("2024-07-09 to 2024-07-16", or {first, last}), ends included."""
    if isinstance(raw, Mapping) and set(raw) == {"first", "last"}:
        first, last = raw["first"], raw["last"]
    else:
        first, _, last = str(raw).partition(" to ")
    start, end = _days(first, part)[0], _days(last or first, part)[1]
    if start > end:
        raise ValueError(f"{part}: {raw} ends before it begins")
    return start, end


def _days(raw: object, part: str) -> Span:
    text = str(raw).strip()[:10]
    found = re.fullmatch(r"(\d{4})(?:-(\d\d?))?(?:-(\d\d?))?", text)
    try:
        year, month, day = (int(one) if one else 0 for one in found.groups()) if found else (0, 0, 0)
        if day:
            return date(year, month, day), date(year, month, day)
        end = date(year + (month in (0, 12)), month % 12 + 1, 1) if month else date(year + 1, 1, 1)
        return date(year, month or 1, 1), date.fromordinal(end.toordinal() - 1)
    except ValueError:
        raise ValueError(f"{part}: {raw!r} is no day; write 2024-07-16, 2024-07, 2024, or a span with `to`") from None


@dataclass(frozen=True)
class Figure:
    """What is published: a number, bound, range or span of days.

    Attributes
    ----------
    comparison : str
        about, at least, at most, or never (a day that does not exist).
    low, high : float
        The range that agrees with it, in its own unit.
    digit : float
        One unit of the last published digit.
    unit : str
        As in `UNITS`' values; empty for the result's own.
    days : Span, optional
        The span of days that agrees.
    """

    text: str
    comparison: str
    low: float = 0.0
    high: float = 0.0
    digit: float = 1.0
    unit: str = ""
    days: Span | None = None


def read_figure(raw: object, *, is_date: bool) -> Figure:
    """Read what is published; its last digit sets the tolerance, unless ± says another."""
    text = re.sub(r"\s+", " ", str(raw).strip().replace("−", "-"))
    if is_date:
        return Figure(text, "never") if text in {"never", "none"} else Figure(text, "about", days=read_span(raw, "is"))
    words = {"at least": "at least", "more than": "at least", "above": "at least", "at most": "at most",
             "less than": "at most", "below": "at most", "about": "about", "": "about"}  # fmt: skip
    found = re.fullmatch(
        rf"(at least|more than|above|at most|less than|below|about)? ?({NUMBER}) ?({UNIT})?"
        rf"(?: (?:±|\+/-) ?({NUMBER}))?(?: to ({NUMBER}))? ?({UNIT}|th|st|nd|rd)?",
        text,
    )
    if not found:
        raise ValueError(f"is: {raw!r} is no figure; write 11.5%, at least 5, 2.0 ± 0.1, -14.7 bp, 50 to 100 years")
    word, number, unit, wider, to, unit_after = found.groups()
    value, digit = _number(number)
    comparison = words[word or ""]
    tolerance = (
        _number(wider)[0] if wider else digit if word == "about" else digit / 2 if comparison == "about" else 0.0
    )
    low, high = sorted((value, _number(to)[0])) if to else (value - tolerance, value + tolerance)
    low, high = {"at least": (low, float("inf")), "at most": (float("-inf"), high)}.get(comparison, (low, high))
    return Figure(text, comparison, low, high, digit, UNITS.get(unit or unit_after or "", ""))


def _number(text: str) -> tuple[float, float]:
    """Return a number and one unit of its last digit."""
    plain = text.replace(",", "")
    return float(plain), 10.0 ** -len(plain.partition(".")[2])


class Article(BaseModel):
    """A text, and the last session that its author could know: a day, or a span where that is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    as_of: Any
    publisher: str = ""
    url: str = ""
    published: Any = ""

    @field_validator("as_of")
    @classmethod
    def _is_span(cls, value: object) -> object:
        read_span(value, "as_of")
        return value

    @property
    def span(self) -> Span:
        """The first and the last session that may be its last known one."""
        return read_span(self.as_of, "as_of")


class Claim(BaseModel):
    """One statement of an article, the line that computes it, and what it says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^\w[\w.-]*$", coerce_numbers_to_str=True)
    article: str = Field(coerce_numbers_to_str=True)
    says: str = Field(min_length=1)
    kind: Kind = "fact"
    check: Any = None
    stated: Any = Field(None, alias="is")
    reading: str = ""
    stand_in: str = ""
    untestable: str = ""
    quote: str = ""
    by: str = ""

    @model_validator(mode="after")
    def _reads(self) -> "Claim":
        if bool(self.untestable) == (self.check is not None):
            raise ValueError("needs a `check`, or `untestable` with the data that it would take")
        if self.check is not None and self.stated is None:
            raise ValueError("is: is missing; write what was published, like is: 11.5%")
        _ = self.figure if self.checks else None
        return self

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Its readings; the first is the headline's."""
        return read_checks(self.check) if self.check is not None else ()

    @cached_property
    def figure(self) -> Figure:
        """What was published."""
        kinds = {one.says_date for one in self.checks}
        if len(kinds) > 1:
            raise ValueError("say: asks for a day and for a number; make two claims of it")
        return read_figure(self.stated, is_date=kinds.pop())


def grammar(width: int = 100) -> str:
    """Write the whole grammar on a page."""
    import textwrap

    lines = [
        "{of: LINE, per|less: LINE, every: PERIOD, take: STEP then STEP, when: CONDITION and CONDITION, quiet: k,",
        " then: LINE, after: HORIZON, less: all days|rest of year, say: WORD, from: DAY, at: DAY or SPAN, to: DAY}",
        "A list in place of any argument is an axis of `depends`. LINE: RUT, RUT:high, IWM:total, DGS10 or {of: ...}.",
        f"PERIOD: {', '.join(PERIODS)}. Firms: {{firms: small|large|small less large, ratio: ..., year: ...}}.",
    ]
    for part in ("take", "when", "after", "say", "ratio", "of"):
        lines += ["", part]
        for word in (one for one in WORDS if one.part == part):
            gap = "  " if word.meaning else ""
            text = f"  {word.shown:<52}{gap}{word.meaning}".rstrip()
            lines += textwrap.wrap(text, width, subsequent_indent=" " * 56, drop_whitespace=True) or [text]
    return "\n".join(lines)
