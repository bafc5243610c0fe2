"""The language of claims, read strictly, each wrong word named; words.txt is the one place where a word stands."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property, partial
from importlib.resources import files
from itertools import chain, product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from research_lib.errors import nearest
from research_lib.exhibits.format import FIGURES, NONE, NUMBER, UNIT, Published, read_figure
from research_lib.params import Span, read_span

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]
Choices = tuple[tuple[str, str], ...]

GRAMMAR = (files(__package__) / "words.txt").read_text(encoding="utf-8").replace("FIGURES", FIGURES)
BLOCKS = re.findall(r"^\[(.+)\]\n((?:.+\n)+)", GRAMMAR, re.MULTILINE)
SECTIONS = {name: [line.partition(" | ")[::2] for line in lines.splitlines()] for name, lines in BLOCKS}
SPELLED = {name: {one: right for forms, right in rows for one in forms.split("|")} for name, rows in SECTIONS.items()}
ALIASES, HINTS = SPELLED["names"], SPELLED["instead of"]
CYCLES = [[f"{kind} {one}" for one in members.split()] for kind, members in SECTIONS["ranked among"]]
YEAR = {"session": 252, "week": 365.25 / 7, "month": 12, "quarter": 4, "year": 1}  # how many of each make one
OPERANDS = ("of", "per", "less")
LINE_KEYS = (*OPERANDS, "every", "take")
CHECK_KEYS = (*LINE_KEYS, "when", "quiet", "then", "after", "say", "from", "at", "to")
MOST_READINGS = 500
ELECTIONS = {kind: range(1800 + k, 2100, 4) for k, kind in enumerate(dict(SECTIONS["ranked among"])["years"].split())}
PLACES = {"number": NUMBER, "unit": UNIT}
for place, way in SECTIONS["places"]:  # by those before it
    PLACES[place] = re.sub(r"<(\w+)>", lambda found: f"(?:{PLACES[found[1]]})", way)


def grammar(forms: str = GRAMMAR.partition("\n\n[ranked")[0]) -> str:
    """Write the whole language on a page, or some forms of it, as a person writes them."""
    return re.sub(r"<\w+:([^>]+)>", r"\1", forms.replace("<level>", "<x>|average <k>")).replace("?", "")


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """Make a form's pattern: [ ] may be left out, <place> is an argument, <place:a|b> one of some words."""
    form = form.replace("[", "(?:").replace("]", ")?")
    return re.compile(re.sub(r"<(\w+):?([^>]*)>", lambda m: f"(?P<{m[1]}>{m[2] or PLACES.get(m[1], '.+')})", form))


@dataclass(frozen=True)
class Phrase:
    """One word with its arguments, a condition also with the other line that it is about; equal where their texts are."""

    word: str
    text: str
    places: Mapping[str, Any] = field(compare=False, default_factory=dict)  # as read; "" for one that is left out
    line: "Line | None" = None

    def __getitem__(self, place: str) -> Any:  # noqa: ANN401
        return self.places.get(place, "")


@dataclass(frozen=True)
class Line:
    """A price or series, alone, over another or less another, and what is taken of it; `of` may be a line itself."""

    of: "str | Line"
    per: "str | Line | None" = None
    less: "str | Line | None" = None
    every: str = "session"
    take: tuple[Phrase, ...] = ()

    @property
    def bare(self) -> "Line":
        """The price, series or pair that it begins with, before anything is taken of it."""
        return self.of.bare if isinstance(self.of, Line) else replace(self, take=())


@dataclass(frozen=True)
class Check:
    """One line of the language without lists, and the choices that led to it."""

    line: Line
    say: Phrase
    when: tuple[Phrase, ...] = ()
    quiet: int = 0
    then: Line | None = None
    after: Phrase | None = None
    excess: str = ""
    start: date | None = None
    asked: Span | None = None
    to: date | None = None
    choices: Choices = ()

    @property
    def says_date(self) -> bool:
        """Whether the answer is a day."""
        return "date" in self.say.word or "since" in self.say.word

    @property
    def outcome(self) -> Line:
        """What one asks of: the line, what followed on it or another, or how its season went."""
        seasons = (one for one in self.when if one.word == "season" and not one.line and not self.line.take)
        step = self.after or next(seasons, None)
        return replace((self.then or self.line).bare, take=(step,)) if step else self.line

    def names(self) -> list[str]:
        """Return the prices and series that it needs."""
        parts: list[Any] = [self.line, self.then, *(one.line for one in self.when)]
        for one in parts:  # grows as lines within lines are met
            if isinstance(one, Line):
                names = " ".join(step["name"] or step["names"] for step in one.take).split()
                parts += [one.of, one.per, one.less, *names]
        return [one for one in parts if isinstance(one, str) and one]


def read(part: str, text: object) -> Phrase:
    """Read one phrase of a part; a `ValueError` names the word and what is allowed."""
    written, forms = " ".join(str(text).replace("−", "-").split()), [form for form, _ in SECTIONS[part]]
    for form in forms:
        if found := _pattern(form).fullmatch(written):
            places = {name: READERS.get(name, str)(one) for name, one in found.groupdict().items() if one}
            bare = " ".join(re.sub(r"\[[^]]*\]|<[^>]*>", " ", form).split())
            return Phrase(places.get("word", bare), written, places)
    leads = {way: re.split(r" ?[<\[]", way)[0].split("|") for way in map(grammar, forms)}
    first = written.partition(" ")[0]
    ways = [way for way, words in leads.items() if words == [""] or first in " ".join(words).split()]
    hints = (way for wrong, way in HINTS.items() if re.search(rf"(?i)(?<![a-z])(?:{wrong})(?![a-z])", written))
    hint, allowed = next(hints, ""), " or ".join(ways)
    allowed = f"{allowed} ({hint})" if allowed and hint else allowed or hint
    known = f"; write {allowed}" if allowed else nearest(first, dict.fromkeys(chain(*leads.values())))
    raise ValueError(f"{part}: cannot read {written!r}{known}")


def read_checks(raw: object) -> tuple[Check, ...]:
    """Read a check: each list in it is an axis, each combination one reading; the first choices are the headline's."""
    combinations = _expand(name_keys(raw), "check")
    if not 1 <= len(combinations) <= MOST_READINGS:
        raise ValueError(f"check: its lists make {len(combinations)} readings; write 1 to {MOST_READINGS}")
    return tuple(_check(one, choices) for choices, one in combinations)


def name_keys(raw: object) -> object:
    """Give a check's keys their names: YAML reads a bare `on` as true, and papermill writes that as text."""
    if isinstance(raw, Mapping):
        return {"on" if str(key) == "True" else str(key): name_keys(one) for key, one in raw.items()}
    return [name_keys(one) for one in raw] if isinstance(raw, list | tuple) else raw


def _expand(value: Any, name: str) -> list[tuple[Choices, Any]]:  # noqa: ANN401
    if isinstance(value, Mapping):
        parts = [[(inner, (key, one)) for inner, one in _expand(under, key)] for key, under in value.items()]
        return [(tuple(chain(*(inner for inner, _ in one))), dict(item for _, item in one)) for one in product(*parts)]
    if name in ("on", "years") or not isinstance(value, list | tuple):  # of days or years: one condition, not an axis
        return [((), value)]
    members = [(((name, write(one)),) if len(value) > 1 else (), one) for one in value]
    return [((*choice, *inner), found) for choice, one in members for inner, found in _expand(one, name)]


def write(value: object) -> str:
    """Write a part of a check as one line of text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {write(one)}" for key, one in value.items())
    return ", ".join(map(write, value)) if isinstance(value, list | tuple) else str(value)


def _check(raw: Any, choices: Choices) -> Check:  # noqa: ANN401  # whatever a user wrote
    if not isinstance(raw, dict):
        raise ValueError(f"check: {raw!r}: write a line like {{of: RUT, take: change 5, say: value}}")
    excess = raw.pop("less") if raw.get("less") in ("all days", "rest of year") else ""
    line, say = _line(raw, CHECK_KEYS), read("say", raw.get("say", "value"))
    if not line.bare.of and (line.of or {*raw} - {"of", "say"} or say.word != "value"):
        raise ValueError(f"of: `{write(raw['of'])}` stands alone: without take, when, at, from and the like")
    then = raw.get("then", {})
    then = then if isinstance(then, dict) else {"of": then}
    after = then.pop("after", raw.get("after"))
    when = _when(raw["when"], raw) if "when" in raw else ()
    quiet = read("quiet", raw.get("quiet", 0))["k"] or 0
    after = None if after is None else read("after", after)
    start, asked, to = (None if raw.get(key) is None else read_span(raw[key], key) for key in ("from", "at", "to"))
    then = _line(then, every=raw.get("every", "session")) if then else None
    check = Check(line, say, when, quiet, then, after, excess, start and start[0], asked, to and to[1], choices)
    is_of_season = check.outcome is not line and not after and say.word == "mean"
    fits = {"": after or not then, "all days": after and when, "rest of year": is_of_season and not then}
    if not fits[excess]:
        raise ValueError("`then` needs `after`; less: all days `after` and `when`; rest of year a season and say: mean")
    return check


def _line(raw: Any, known: Sequence[str] = LINE_KEYS, **base: Any) -> Line:  # noqa: ANN401
    """Read a line; what is taken of an operand is taken before the two meet, as is then what is taken of the line."""
    for key in (key for key in raw if key not in known):
        raise ValueError(f"check: unknown word {key}{nearest(str(key), known)}; a text with a comma needs quotes")
    raw = {**base, **raw}
    if raw.get("of") is None:
        raise ValueError("of: is missing; write the price or series that the claim is about, like of: RUT")
    every = read("every", raw.get("every", "session")).word
    take = tuple(read("take", one) for one in re.split(r"\s+then\s+", str(raw["take"]))) if "take" in raw else ()
    own: dict[str, Any] = {"every": every, "of": raw["of"] if isinstance(raw["of"], str) else None}
    parts = map(raw.get, OPERANDS)
    of, per, less = (_line(one, **own) if isinstance(one, Mapping) else one and _name(one) for one in parts)
    if isinstance(of, str) and " " in of:  # companies, or a normal tail
        return Line("", take=(read("of", of),))
    if isinstance(of, Line) and per is None and less is None:
        return replace(of, take=(*of.take, *take))
    if any(isinstance(one, Line) and one.take for one in (per, less)):
        return Line(Line(of, every=every, take=take), per, less, every)
    return Line(of, per, less, every, take)


def _name(raw: object) -> str:
    symbol, colon, column = str(raw).strip().lstrip("^.$").partition(":")
    return ALIASES.get(symbol, symbol) + colon + column


def _when(raw: Any, check: Mapping[str, Any], line: Line | None = None) -> tuple[Phrase, ...]:  # noqa: ANN401
    """Read conditions, a text or a mapping; with a part of a line or a season's bound, of another line of the same prices."""
    if not isinstance(raw, Mapping):
        return tuple(replace(read("when", one), line=line) for one in re.split(r"\s+and\s+(?!\d)", str(raw)))
    other = {key: raw[key] for key in LINE_KEYS if key in raw}
    own = {key: "" if one is None else write(one) for key, one in raw.items() if key not in (*LINE_KEYS, "and")}
    if "season" in own and len(own) > 1 and "years" not in own:
        other["take"] = f"season {own.pop('season')}"
    if other and "of" not in other:
        other = {key: check[key] for key in (*OPERANDS, "every") if key in check} | other
    text = " and ".join(one if key in ("is", "when") else f"{key} {one}".strip() for key, one in own.items())
    return _when(text, check, _line(other) if other else None) + (_when(raw["and"], check) if "and" in raw else ())


def read_season(text: str) -> list[tuple[int, str, int]]:
    """Read a season's two ends, each (month, first or last or day, how many)."""
    first, dash, last = SPELLED["seasons"].get(text.lower(), text.replace(" to ", "-")).lower().partition("-")
    ends = [read("season", one) for one in (first, last if dash else first)]
    return [(x["month"], x["how"] or (x["day"] and "day"), int(x["day"] or 0)) for x in ends]


READERS: dict[str, Callable[[str], Any]] = {
    "condition": partial(read, "when"),
    "season": read_season,
    "month": lambda text: 1 + CYCLES[0].index(f"season {text[:3].title()}"),
    "percent": lambda text: abs(float(text.rstrip("% "))) / 100,
    "years": lambda text: ELECTIONS.get(text) or [*map(int, text.split(","))],
    "days": lambda text: [*map(read_span, re.split(", ?", text))],
    "date": read_span,
    "unit": lambda text: text.rstrip("s"),
    **dict.fromkeys(("k", "n", "moved", "lookback", "bp", "share", "year"), int),
    **dict.fromkeys(("name", "names"), lambda text: " ".join(map(_name, re.split(r",? ", text)))),
}


class Article(BaseModel, extra="forbid", frozen=True, coerce_numbers_to_str=True):
    """A text, and the last session that its author could know: a day, or a span where that is unknown."""

    title: str
    as_of: Annotated[Span, BeforeValidator(partial(read_span, part="as_of"))]
    publisher: str = ""
    url: str = ""
    published: Text = ""


class Claim(BaseModel, extra="forbid", frozen=True, coerce_numbers_to_str=True, populate_by_name=True):
    """One statement of an article, the line that computes it, and the figure that was published."""

    id: str = Field(pattern=r"^\w[\w.-]*$")
    article: str
    says: str = Field(min_length=1)
    kind: Literal["fact", "tendency", "forecast"] = "fact"
    check: Annotated[Any, BeforeValidator(name_keys)] = None
    stated: Text = Field("", alias="is")
    reading: str = ""
    stand_in: str = ""
    all: bool = False  # it is about each of its definitions: one that fails decides
    untestable: str = ""
    quote: str = ""
    by: str = ""

    @model_validator(mode="after")
    def _reads(self) -> "Claim":
        if bool(self.untestable) == (self.check is not None):
            raise ValueError("needs either `check`, or `untestable` with the data that it would take")
        if len({one.says_date for one in self.checks}) > 1:
            raise ValueError("say: asks for a day and for a number; make two claims of it")
        _ = self.figure
        return self

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Its readings; the first is the headline's."""
        return () if self.check is None else read_checks(self.check)

    @cached_property
    def figure(self) -> Published:
        """What was published."""
        return read_figure(self.stated, is_day=self.checks[0].says_date) if self.checks else Published(NONE)
