"""From readings to a verdict: what a published figure is worth, what that depends on, and what happened afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import inf, isnan
from typing import Any

import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.errors import ParameterError, ResearchError, listed
from research_lib.exhibits.findings import plain
from research_lib.exhibits.format import NONE, plural, sentence, show
from research_lib.studies.claims.evaluate import Reading, read_all
from research_lib.studies.claims.language import ABOUT, Article, Check, Claim, Figure, read
from research_lib.studies.claims.lines import KINDS, Lines, scale

VERDICTS = ("holds", "roughly", "depends", "fails", "open", "stand-in", "no data", "untestable")
HOLDS, ROUGHLY, DEPENDS, FAILS, OPEN, STAND_IN, NO_DATA, UNTESTABLE = VERDICTS
EXACT = {"rank": 2, "count": 1}  # below these a figure is near nothing: a record that is second is none
ROUGH_DIGITS = 2.5  # beyond half a unit of the last digit: three units in all
ROUNDING = 1e-9  # of a figure: what adding and dividing doubles may leave

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
        record = claim.model_dump(include={"id", "article", "kind", "says", "reading", "quote", "by"})
        published = (article.title, article.publisher, article.published or str(article.as_of[1]))
        record |= {"source": ", ".join(filter(None, published)), "verdict": self.verdict, "as_of": self.as_of}
        record |= {"depends_on": self.text, "happened": self.happened or None, "shown": self.shown}
        for check in claim.checks[:1]:
            record |= {"stated": figure.text, "comparison": figure.comparison, "lowest": figure.low}
            record |= {"highest": figure.high, "unit": figure.unit, "from": check.start}
            record["at"] = check.asked and [plain(day) for day in check.asked]
        if reading is not None:
            found = _in_unit(reading, figure)
            record |= {name: getattr(found, name) for name in ("n", "cases", "first", "last", "low", "high")}
            record["computed"] = found.value
        return {name: plain(one) for name, one in record.items()}


def judge(claim: Claim, article: Article, lines: Lines) -> Result:
    """Give a claim's verdict from the readings of its definitions, on each day that may be the article's last."""
    if claim.untestable:
        return Result(claim, article, UNTESTABLE, sentence(f"needs {claim.untestable}"))
    check, (first, last), figure = claim.checks[0], map(pd.Timestamp, article.as_of), claim.figure
    days = [*sessions_between(first if check.line.of else last, last)] or [last]  # of companies the last counts
    happened = what_happened(check, lines, days[-1]) if claim.kind == "forecast" else ""
    result = partial(Result, claim, article, as_of=days[-1], happened=happened)
    found, missing = list[Found](), dict[str, str]()
    for day, one in product(days, claim.checks):
        if one.asked and day < pd.Timestamp(one.asked[0]) <= days[-1]:
            continue  # the author knew the day that the claim is about
        dated = (("as of", str(day.date())),) if len(days) > 1 else ()
        try:
            for reading in read_all(one, lines, day, uncertain=claim.kind != "fact"):
                path = reading.path if isinstance(reading.value, float) else None  # of a day there is none to draw
                whole = replace(reading, choices=(*one.choices, *reading.choices, *dated), path=path)
                found.append((whole, verdict_of(whole, figure)))
        except ParameterError as fault:
            missing[f"the line does not fit together: {fault}"] = UNTESTABLE
        except ResearchError as reason:
            missing[str(reason)] = NO_DATA
    if not found:
        return result(next(iter(missing.values())), sentence(first_of(missing)))
    parts, reading = _evidence(claim, found, lines), found[0][0]
    parts += [f"left out: {first_of(missing)}"] if missing else []
    verdicts = [own for _, own in found]
    rules = (
        (bool(claim.stand_in), STAND_IN),
        (claim.kind == "forecast" and check.says_date, OPEN),  # a condition, which may yet be met
        (claim.all and FAILS in verdicts, FAILS),
        (claim.all and bool(missing), NO_DATA),
        (not claim.all and len({*map(_agrees, found)}) > 1, DEPENDS),
    )
    verdict = next((verdict for is_so, verdict in rules if is_so), verdicts[0])
    value = shown(reading, reading.value, figure.unit)
    return result(verdict, sentence("; ".join(parts)), tuple(found), reading, value)


def _agrees(found: Found) -> bool:  # a count or rank that is only near does not, beside one that is right
    reading, verdict = found
    return verdict == HOLDS or (verdict == ROUGHLY and reading.kind not in EXACT)


def _in_unit(reading: Reading, figure: Figure) -> Reading:
    """Return a reading in the unit of what was published; a day as it is."""
    if not isinstance(reading.value, float):
        return reading
    factor = scale(reading.kind, figure.unit, figure.text)
    return replace(reading, value=factor * reading.value, low=factor * reading.low, high=factor * reading.high)


def verdict_of(reading: Reading, figure: Figure) -> str:
    """Hold one reading against what was published; `roughly` is up to three units of the last published digit off."""
    found = _in_unit(reading, figure)
    value, low, high = found.value, found.low, found.high
    if not isinstance(value, float):
        days: Any = filter(None, [value]) if reading.higher is None else reading.higher
        is_right = any(figure.days[0] <= day.date() <= figure.days[1] for day in days) if figure.days else value is None
        return NO_DATA if reading.begins_late else HOLDS if is_right else FAILS
    digits = ROUGH_DIGITS if figure.comparison == ABOUT else 0.5
    if value < 0 <= figure.low or figure.high <= 0 < value or figure.high < EXACT.get(reading.kind, -inf):
        digits = 0.0  # a loss is not roughly a gain, nor is the second a record
    rounding = ROUNDING * max(1.0, min(abs(figure.low), abs(figure.high)))
    is_inside = figure.low <= value + reading.ties and value <= figure.high  # tied ranks share their places
    beyond = max(figure.low - value - reading.ties, value - figure.high)
    contains, meets = figure.low <= low and high <= figure.high, not (high < figure.low or figure.high < low)
    rules = (
        (isnan(value), OPEN),
        (reading.begins_late, FAILS if reading.kind in EXACT and value > figure.high else NO_DATA),  # it only grows
        (reading.uncertain, HOLDS if contains else OPEN if meets else FAILS),
        (is_inside or beyond <= rounding, HOLDS),
        (beyond <= rounding + digits * figure.digit, ROUGHLY),
    )
    return next((verdict for is_so, verdict in rules if is_so), FAILS)


def shown(reading: Reading, value: float | pd.Timestamp | None, unit: str = "") -> str:
    """Show a value in its kind's unit, or in basis points where they were published; what never comes to pass as never."""
    if value is None or value in (inf, -inf):
        return "never"
    kind = KINDS[reading.kind]
    return str(kind["form"].format(show(value, "fraction in bp" if unit == "bp" else kind["shown"])))


def _evidence(claim: Claim, found: Sequence[Found], lines: Lines) -> list[str]:
    """Say what was computed, of how much history, how sure it is, and what decides or where it would hold."""
    (reading, own), check, figure = found[0], claim.checks[0], claim.figure
    said = "share above 0" if check.say.text == "share" and check.outcome is not check.line else check.say.text
    of = "" if check.say.word == "value" or "since" in check.say.word else f"{said} of "
    line = lines.title(check.outcome) if check.line.of else check.line.take[0].text
    is_last = check.say.word == "value" and reading.cases != "values" and reading.n > 1 and check.line.of
    counted = f"{plural(reading.n, reading.cases.rstrip('s'), reading.cases)}, " if reading.n else ""
    span = " to ".join(dict.fromkeys(str(day.date()) for day in (reading.first, reading.last)))
    value, low, high = (shown(reading, one, figure.unit) for one in (reading.value, reading.low, reading.high))
    parts = [f"{of}{line}: {value} ({'the last of ' if is_last else ''}{counted}{span})"]
    if reading.uncertain:
        name = "range over thresholds" if check.say.word == "return period" else "95% interval"
        parts.append(
            f"too few for an interval (n = {reading.n:,})" if NONE in (low, high) else f"{name} {low} to {high}"
        )
    if own == NO_DATA:
        parts.append(f"the data begins on {reading.first.date()}, after {check.start}")
    if own == FAILS and reading.higher is not None and 1 <= figure.high < len(reading.higher) + 1:
        parts.append(f"it would hold since {reading.higher[-int(figure.high)].date()}")
    if own == FAILS and isinstance(reading.value, float) and figure.low > 0:
        turned = verdict_of(replace(reading, value=abs(reading.value)), figure)
        parts += ["it would hold with the other sign: write a fall as a negative figure"] if turned == HOLDS else []
    if claim.stand_in:
        return [*parts, claim.stand_in]
    return [*parts, _definitions(found, figure.unit)] if len(found) > 1 else parts


def _definitions(found: Sequence[Found], unit: str) -> str:
    """Say on which definitions it holds and on which not, and name the choice that decides, if one alone does."""
    n = sum(map(_agrees, found))
    if n in (0, len(found)):
        wholes = (", ".join(value for _, value in one.choices) for one, _ in found)
        return f"on all {len(found)} definitions ({first_of(wholes)})"
    for axis in (*dict(found[0][0].choices), ""):
        sides: dict[bool, dict[str, str]] = {True: {}, False: {}}  # by choice, with its first value
        for one, own in found:
            name = ", ".join(value for key, value in one.choices if axis in ("", key))
            how = {HOLDS: "", OPEN: ", not shown"}.get(own, f", {own}")
            sides[_agrees((one, own))].setdefault(name, f"{name} ({shown(one, one.value, unit)}{how})")
        if not sides[True].keys() & sides[False].keys():
            break
    good, bad = (first_of(side.values()) for side in sides.values())
    if axis:
        return f"{axis} decides: holds with {good}; not with {bad}"
    return f"{n} of {len(found)} definitions hold: {good}; not {bad}"


def what_happened(check: Check, lines: Lines, day: pd.Timestamp) -> str:
    """Say what came after a forecast: over its own horizon, from the article's last session, never before it."""
    line, after = check.outcome.bare, check.after
    try:
        last: Any = lines.values(line, pd.Timestamp("2200-01-01")).series.last_valid_index() or day
        if check.says_date:
            start = (day + pd.Timedelta(days=1)).date()
            asked = replace(check, say=read("say", "first date"), start=start, asked=None, to=None)
            met: Any = read_all(asked, lines, last)[0].value
            return f"Met on {met.date()}." if met else f"Not met by {last.date()}."
        if check.outcome is not check.line and after is None:  # the season under way, or else the next
            ends = lines.values(check.outcome, last).days
            after = read("after", f"until {min(ends[ends > day], default=last).date()}")
        if after is None or after.number("n") < 0:
            return ""
        (found,) = read_all(Check(line, read("say", "value"), after=after, asked=(day.date(), day.date())), lines, last)
    except ResearchError:  # such as where the data ends before
        return ""
    return sentence(f"{lines.title(line)}: {shown(found, found.value)} from {day.date()}, after: {after.text}")
