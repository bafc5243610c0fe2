"""From readings to a verdict: what a published figure is worth, what that depends on, and what happened afterwards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import inf, isinf, isnan
from typing import Any

import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.errors import DataError, InsufficientDataError, ParameterError, listed
from research_lib.exhibits.findings import plain
from research_lib.exhibits.format import NONE, plural, show
from research_lib.studies.claims.evaluate import Reading, read_all
from research_lib.studies.claims.language import ABOUT, Article, Check, Claim, Figure, read
from research_lib.studies.claims.lines import KINDS, Lines, next_session, scale

VERDICTS = ("holds", "roughly", "depends", "fails", "open", "stand-in", "no data", "untestable")
HOLDS, ROUGHLY, DEPENDS, FAILS, OPEN, STAND_IN, NO_DATA, UNTESTABLE = VERDICTS
EXACT = {"rank": 2, "count": 1}  # below these a figure is near nothing: a record that is second is none
ROUGH_DIGITS = 2.5 + 1e-9  # beyond half a unit of the last digit: three units in all
ROUNDING = 1e-9  # of a figure: what adding and dividing doubles may leave
SMALL = 0.01  # shares and differences below a point are shown to two places

first_of = partial(listed, most=3, letters=500, between="; ")
Found = tuple[Reading, str]  # with its own verdict


@dataclass(frozen=True)
class Result:
    """A claim with its verdict; `reading` is the first, the headline's, and `text` says what the verdict rests on."""

    claim: Claim
    article: Article
    verdict: str
    text: str
    readings: tuple[Found, ...] = ()
    reading: Reading | None = None
    shown: str = NONE  # the headline's value with its unit
    as_of: pd.Timestamp | None = None
    happened: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether it is our reading that is judged: of a vague word, or of a forecast."""
        return bool(self.claim.reading) or self.claim.kind == "forecast"

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values, in the order in which programs read them."""
        claim, article, figure, reading = self.claim, self.article, self.claim.figure, self.reading
        said = ("id", "article", "kind", "says", "reading", "quote", "by")
        record: dict[str, Any] = {name: getattr(claim, name) for name in said}
        published = (article.title, article.publisher, article.published or str(article.as_of[1]))
        record["source"] = ", ".join(filter(None, published))
        record |= {"verdict": self.verdict, "as_of": self.as_of, "depends_on": self.text}
        record |= {"happened": self.happened or None, "shown": self.shown}
        for check in claim.checks[:1]:
            record |= {"stated": figure.text, "comparison": figure.comparison, "lowest": figure.low}
            record |= {"highest": figure.high, "unit": figure.unit, "from": check.start}
            record["at"] = check.asked and [plain(day) for day in check.asked]
        if reading is not None:
            record |= {name: getattr(reading, name) for name in ("n", "cases", "first", "last")}
            record |= zip(("computed", "low", "high"), _in_unit(reading, figure), strict=True)
        return {name: plain(one) for name, one in record.items()}


def judge(claim: Claim, article: Article, lines: Lines) -> Result:
    """Give a claim's verdict from the readings of its definitions, on each day that may be the article's last."""
    if claim.untestable:
        return Result(claim, article, UNTESTABLE, sentence(f"needs {claim.untestable}"))
    first, last = map(pd.Timestamp, article.as_of)
    before = sessions_between(first - pd.Timedelta(days=14), last)
    days = list(before[before >= first]) or [*before[-1:]] or [last]
    days = days if claim.checks[0].line.of else days[-1:]  # of companies the last counts
    found, missing = list[Found](), dict[str, None]()
    for day, check in product(days, claim.checks):
        if check.asked and day < pd.Timestamp(check.asked[0]) <= days[-1]:
            continue  # the author knew the day that the claim is about
        dated = (("as of", str(day.date())),) if len(days) > 1 else ()
        try:
            for one in read_all(check, lines, day, uncertain=claim.kind != "fact"):
                path = one.path if isinstance(one.value, float) else None  # of a day there is none to draw
                whole = replace(one, choices=(*check.choices, *one.choices, *dated), path=path)
                found.append((whole, verdict_of(whole, claim.figure)))
        except (InsufficientDataError, DataError) as reason:
            missing[str(reason)] = None
        except ParameterError as fault:
            text = sentence(f"the line does not fit together: {fault}")
            return Result(claim, article, UNTESTABLE, text, as_of=days[-1])
    happened = what_happened(claim.checks[0], lines, days[-1]) if claim.kind == "forecast" else ""
    if not found:
        return Result(claim, article, NO_DATA, sentence(first_of(missing)), as_of=days[-1], happened=happened)
    parts, reading = _evidence(claim, found, lines), found[0][0]
    if missing:
        parts.append(f"left out: {first_of(missing)}")
    if days[-1] != last:
        parts.append(f"{last.date()} was no session, {days[-1].date()} counts")
    verdict, value = _overall(claim, found, lacks_some=bool(missing)), shown(reading, reading.value, claim.figure.unit)
    return Result(claim, article, verdict, sentence("; ".join(parts)), tuple(found), reading, value, days[-1], happened)


def _overall(claim: Claim, found: Sequence[Found], *, lacks_some: bool) -> str:
    """Combine the verdicts of all definitions: it depends where some hold and others do not."""
    verdicts = [verdict for _, verdict in found]
    rules = (
        (bool(claim.stand_in), STAND_IN),
        (claim.kind == "forecast" and claim.checks[0].says_date, OPEN),  # a condition, which may yet be met
        (claim.all and FAILS in verdicts, FAILS),
        (claim.all and lacks_some, NO_DATA),
        (not claim.all and len(set(map(_agrees, found))) > 1, DEPENDS),
    )
    return next((verdict for is_so, verdict in rules if is_so), verdicts[0])


def _agrees(found: Found) -> bool:  # a count or rank that is only near does not, beside one that is right
    reading, verdict = found
    return verdict == HOLDS or (verdict == ROUGHLY and reading.kind not in EXACT)


def _in_unit(reading: Reading, figure: Figure) -> tuple[Any, float, float]:
    """Return a value and its interval in the unit of what was published; a day as it is."""
    is_number = isinstance(reading.value, float)
    factor: Any = scale(reading.kind, figure.unit, figure.text) if is_number else 1.0
    return factor * reading.value if is_number else reading.value, factor * reading.low, factor * reading.high


def verdict_of(reading: Reading, figure: Figure) -> str:
    """Hold one reading against what was published; `roughly` is up to three units of the last published digit off."""
    value, low, high = _in_unit(reading, figure)
    if not isinstance(value, float):
        same = reading.higher if reading.higher is not None else [] if value is None else [value]
        span = figure.days
        is_right = value is None if span is None else any(span[0] <= one.date() <= span[1] for one in same)
        return NO_DATA if reading.begins_late else HOLDS if is_right else FAILS
    beyond, bound = max((figure.low - value, figure.low), (value - figure.high, figure.high))
    is_inside = figure.low <= value + reading.ties and value <= figure.high  # tied ranks share their places
    if is_about := figure.comparison == ABOUT:  # nor is a gain that was a loss near
        is_exact = figure.high < EXACT.get(reading.kind, -inf) or value * (figure.low + figure.high) < 0
    else:
        is_exact = reading.kind in EXACT or not bound
    rules = (
        (isnan(value), OPEN),
        (reading.begins_late, FAILS if reading.kind in EXACT and value > figure.high else NO_DATA),  # it only grows
        (reading.uncertain and (high < figure.low or low > figure.high), FAILS),
        (reading.uncertain, HOLDS if figure.low <= low and high <= figure.high else OPEN),
        (is_inside or beyond <= ROUNDING * max(1.0, abs(bound)), HOLDS),
        (beyond <= figure.digit * (ROUGH_DIGITS if is_about else 0.5) and not is_exact, ROUGHLY),
    )
    return next((verdict for is_so, verdict in rules if is_so), FAILS)


def shown(reading: Reading, value: float | pd.Timestamp | None, unit: str = "") -> str:
    """Show a value in its kind's unit, a yield in basis points on request; what does not come to pass as never."""
    kind, number = reading.kind, value if isinstance(value, float) else 0.0
    if value is None or isinf(number):
        return "never"
    if kind == "yield change" or (kind == "yield" and unit == "bp"):
        return show(10_000 * number, "bp").lstrip("+" if kind == "yield" else "")
    digits = 1 + (abs(number) < SMALL) if kind in ("share", "difference") else None
    return KINDS[kind]["form"].format(show(value, KINDS[kind]["shown"], digits=digits))


def _evidence(claim: Claim, found: Sequence[Found], lines: Lines) -> list[str]:
    """Say what was computed, of how much history, how sure it is, and what decides or where it would hold."""
    (reading, own), check, figure = found[0], claim.checks[0], claim.figure
    counted = f"{plural(reading.n, reading.cases.rstrip('s'), reading.cases)}, " if reading.n else ""
    is_last = check.say.word == "value" and reading.cases != "values" and reading.n > 1 and check.line.of
    span = " to ".join(dict.fromkeys(str(day.date()) for day in (reading.first, reading.last)))
    history = f"{'the last of ' if is_last else ''}{counted}{span}"
    parts = [f"{_subject(check, lines)}: {shown(reading, reading.value, figure.unit)} ({history})"]
    if reading.uncertain:
        ends = [shown(reading, end, figure.unit) for end in (reading.low, reading.high)]
        name = "range over thresholds" if check.say.word == "return period" else "95% interval"
        parts.append(f"too few for an interval (n = {reading.n:,})" if NONE in ends else f"{name} {' to '.join(ends)}")
    if own == NO_DATA:
        parts.append(f"the data begins on {reading.first.date()}, after {check.start}")
    place = int(min(figure.high, 1e9))
    if own == FAILS and reading.higher is not None and 1 <= place <= len(reading.higher):
        since = reading.higher[-place]
        parts += [f"it would hold since {since.date()}"] if reading.last - since > pd.Timedelta(days=365) else []
    if own == FAILS and isinstance(reading.value, float) and reading.value < 0 < figure.low:
        turned = replace(reading, value=-reading.value, low=-reading.high, high=-reading.low)
        if verdict_of(turned, figure) == HOLDS:
            parts.append("it would hold with the other sign: write a fall as a negative figure")
    if claim.stand_in:
        return [*parts, claim.stand_in]
    return [*parts, _definitions(found, figure.unit)] if len(found) > 1 else parts


def _subject(check: Check, lines: Lines) -> str:
    """Name what is said of which line."""
    if not check.line.of:
        return check.line.take[0].text
    said = "share above 0" if check.say.text == "share" and check.outcome is not check.line else check.say.text
    is_plain = check.say.word == "value" or "since" in check.say.word
    return ("" if is_plain else f"{said} of ") + lines.title(check.outcome)


def _definitions(found: Sequence[Found], unit: str) -> str:
    """Say on which definitions it holds and on which not, and name the choice that decides, if one alone does."""
    if len(set(map(_agrees, found))) == 1:
        wholes = (", ".join(dict(one.choices).values()) for one, _ in found)
        return f"on all {len(found)} definitions ({first_of(wholes)})"
    for axis in (*dict(found[0][0].choices), ""):
        good, bad = dict[str, str](), dict[str, str]()  # by choice, with its first value
        for one, own in found:
            choices, how = dict(one.choices), {HOLDS: "", OPEN: ", not shown"}.get(own, f", {own}")
            name = choices.get(axis, "") if axis else ", ".join(choices.values())
            side = good if _agrees((one, own)) else bad
            side.setdefault(name, f"{name} ({shown(one, one.value, unit)}{how})")
        if axis and not good.keys() & bad.keys():
            return f"{axis} decides: holds with {first_of(good.values())}; not with {first_of(bad.values())}"
    n = sum(map(_agrees, found))
    return f"{n} of {len(found)} definitions hold: {first_of(good.values())}; not {first_of(bad.values())}"


def sentence(text: str) -> str:
    """Begin with a capital, end with a stop, and write true minus signs."""
    signed = re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)
    first = signed[:1] if signed[1:2].isupper() else signed[:1].upper()  # iShares stays
    return first + signed[1:] + ("" if signed.endswith(".") else ".")


def what_happened(check: Check, lines: Lines, day: pd.Timestamp) -> str:
    """Say what came after a forecast: over its own horizon, from the article's last session, never before it."""
    line, after = check.outcome.bare, check.after
    try:
        last = max(lines.values(line, pd.Timestamp("2200-01-01")).series.dropna().index, default=day)
        if check.says_date:
            asked = replace(check, say=read("say", "first date"), start=next_session(day).date(), asked=None, to=None)
            met: Any = read_all(asked, lines, last)[0].value
            return f"Met on {met.date()}." if met is not None else f"Not met by {last.date()}."
        if check.outcome is not check.line and after is None:  # the season under way, or else the next
            ends = lines.values(check.outcome, last).days
            after = read("after", f"until {min(ends[ends > day], default=last).date()}")
        if after is None or after.number("n") < 0:
            return ""
        asked = Check(line, read("say", "value"), after=after, asked=(day.date(), day.date()))
        (found,) = read_all(asked, lines, last)
    except (InsufficientDataError, DataError, ParameterError):  # such as where the data ends before
        return ""
    return sentence(f"{lines.title(line)}: {shown(found, found.value)} from {day.date()}, after: {after.text}")
