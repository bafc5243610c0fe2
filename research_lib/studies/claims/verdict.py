"""From readings to a verdict: what a published figure is worth, what that depends on, and what happened afterwards."""

from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import inf, isnan
from typing import Any

import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.errors import ParameterError, ResearchError, listed
from research_lib.exhibits.findings import plain
from research_lib.exhibits.format import NONE, plural, scale, sentence, show_kind
from research_lib.studies.claims.evaluate import Reading, read_all
from research_lib.studies.claims.language import ABOUT, Article, Check, Claim, Figure, read
from research_lib.studies.claims.lines import Lines

VERDICTS = ("holds", "roughly", "depends", "fails", "open", "stand-in", "no data", "untestable")
HOLDS, ROUGHLY, DEPENDS, FAILS, OPEN, STAND_IN, NO_DATA, UNTESTABLE = VERDICTS
EXACT = {"rank": 2, "count": 1}  # below these a figure is near nothing: a record that is second is none

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
            record |= {"stated": figure.text, "comparison": figure.comparison, "unit": figure.unit, "from": check.start}
            record |= {"lowest": figure.low, "highest": figure.high, "at": check.asked and [*map(str, check.asked)]}
        if reading is not None:
            factor = scale(reading.kind, figure.unit, figure.text)
            record |= {name: getattr(reading, name) for name in ("n", "cases", "first", "last")}
            record |= {"low": factor * reading.low, "high": factor * reading.high}
            record["computed"] = factor * reading.value if isinstance(reading.value, float) else reading.value
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
    for day, way in product(days, claim.checks):
        if way.asked and day < pd.Timestamp(way.asked[0]) <= days[-1]:
            continue  # the author knew the day that the claim is about
        dated = (("as of", str(day.date())),) if len(days) > 1 else ()
        try:
            for one in read_all(way, lines, day, uncertain=claim.kind != "fact"):
                found.append((replace(one, choices=(*one.choices, *dated)), verdict_of(one, figure)))
        except ResearchError as reason:
            missing[str(reason)] = UNTESTABLE if isinstance(reason, ParameterError) else NO_DATA
    if not found:
        return result(next(iter(missing.values())), sentence(first_of(missing)))
    agree = [own == HOLDS or (own == ROUGHLY and one.kind not in EXACT) for one, own in found]  # a near count does not
    reading, own = found[0]
    rules = (
        (bool(claim.stand_in), STAND_IN),
        (claim.kind == "forecast" and check.says_date, OPEN),  # a condition, which may yet be met
        (claim.all and any(own == FAILS for _, own in found), FAILS),
        (claim.all and bool(missing), NO_DATA),
        (not claim.all and len(set(agree)) > 1, DEPENDS),
    )
    verdict = next((verdict for is_so, verdict in rules if is_so), own)
    value = show_kind(reading.value, reading.kind, figure.unit)
    decides = claim.stand_in or (_definitions(found, agree, figure.unit) if len(found) > 1 else "")
    parts = [*_evidence(claim, reading, own, lines), decides, f"left out: {first_of(missing)}" if missing else ""]
    return result(verdict, sentence("; ".join(filter(None, parts))), tuple(found), reading, value)


def verdict_of(reading: Reading, figure: Figure) -> str:
    """Hold one reading against what was published; `roughly` is up to three units of the last published digit off."""
    value, low, high = reading.value, reading.low, reading.high
    if not isinstance(value, float):
        days: Any = filter(None, [value]) if reading.higher is None else reading.higher
        is_right = any(figure.days[0] <= day.date() <= figure.days[1] for day in days) if figure.days else value is None
        return NO_DATA if reading.begins_late else HOLDS if is_right else FAILS
    factor = scale(reading.kind, figure.unit, figure.text)
    least, most = figure.low / factor, figure.high / factor
    digits = 2.5 if figure.comparison == ABOUT else 0.5  # beyond half a unit of the last: three units in all
    if value < 0 <= least or most <= 0 < value or most < EXACT.get(reading.kind, -inf):
        digits = 0.0  # a loss is not roughly a gain, nor is the second a record
    beyond = round(factor * max(least - value - reading.ties, value - most), 9)  # tied ranks share their places
    rules = (
        (isnan(value), OPEN),
        (reading.begins_late, FAILS if reading.kind in EXACT and value > most else NO_DATA),  # it only grows
        (reading.uncertain, HOLDS if least <= low and high <= most else FAILS if high < least or most < low else OPEN),
        (not beyond > 0, HOLDS),  # NaN where both are infinite
        (beyond <= digits * figure.digit, ROUGHLY),
    )
    return next((verdict for is_so, verdict in rules if is_so), FAILS)


def _evidence(claim: Claim, reading: Reading, own: str, lines: Lines) -> list[str]:
    """Say what was computed, of how much history, how sure it is, and where it would hold."""
    check, figure, say = claim.checks[0], claim.figure, claim.checks[0].say
    said = "share above 0" if say.text == "share" and check.outcome is not check.line else say.text
    of = "" if say.word == "value" or "since" in say.word else f"{said} of "
    line = lines.title(check.outcome) if check.line.of else check.line.take[0].text
    value, low, high = (show_kind(one, reading.kind, figure.unit) for one in (reading.value, reading.low, reading.high))
    last = "the last of " if say.word == "value" and reading.events is not None and reading.n > 1 else ""
    counted = f"{last}{plural(reading.n, reading.cases.rstrip('s'))}, {reading.first.date()} to {reading.last.date()}"
    parts = [f"{of}{line}: {value}" + (f" ({counted})" if reading.n or check.line.of else "")]
    if reading.uncertain:
        name = "range over thresholds" if say.word == "return period" else "95% interval"
        parts.append("too few for an interval" if isnan(reading.low) else f"{name} {low} to {high}")
    if own == NO_DATA:
        parts.append(f"the data begins on {reading.first.date()}, after {check.start}")
    if own == FAILS and reading.higher is not None and 1 <= figure.high < len(reading.higher) + 1:
        parts.append(f"it would hold since {reading.higher[-int(figure.high)].date()}")
    if own == FAILS and isinstance(reading.value, float) and figure.low > 0:
        turned = verdict_of(replace(reading, value=abs(reading.value)), figure)
        parts += ["it would hold with the other sign: write a fall as a negative figure"] if turned == HOLDS else []
    return parts


def _definitions(found: list[Found], agree: list[bool], unit: str) -> str:
    """Say on which definitions it holds and on which not, and name the choice that decides, if one alone does."""
    if len(set(agree)) == 1:
        wholes = (", ".join(value for _, value in one.choices) for one, _ in found)
        return f"on all {len(found)} definitions ({first_of(wholes)})"
    for axis in (*dict(found[0][0].choices), ""):
        sides: dict[bool, dict[str, str]] = {True: {}, False: {}}  # by choice, with its first value
        for (one, own), is_good in zip(found, agree, strict=True):
            name = ", ".join(value for key, value in one.choices if axis in ("", key))
            how = {HOLDS: "", OPEN: ", not shown"}.get(own, f", {own}")
            sides[is_good].setdefault(name, f"{name} ({show_kind(one.value, one.kind, unit)}{how})")
        if not sides[True].keys() & sides[False].keys():
            break
    good, bad = (first_of(side.values()) for side in sides.values())
    what = f"{axis} decides" if axis else f"{sum(agree)} of {len(found)} definitions"
    return f"{what}: holds with {good}; not with {bad}"


def what_happened(check: Check, lines: Lines, day: pd.Timestamp) -> str:
    """Say what came after a forecast: over its own horizon, from the article's last session, never before it."""
    line, after = check.outcome.bare, check.after
    try:
        last: Any = lines.values(line, pd.Timestamp("2200-01-01")).series.last_valid_index() or day
        if check.says_date:
            asked = replace(check, say=read("say", "first date"), start=day + pd.Timedelta(days=1), asked=None, to=None)
            met: Any = read_all(asked, lines, last)[0].value
            return f"Met on {met.date()}." if met else f"Not met by {last.date()}."
        if check.outcome is not check.line and after is None:  # the season under way, or else the next
            ends = lines.values(check.outcome, last).days
            after = read("after", f"until {min(ends[ends > day], default=last).date()}")
        if after is None or after.number("n") < 0:
            return ""
        (found,) = read_all(Check(line, read("say", "value"), after=after, asked=(day, day)), lines, last)
    except ResearchError:  # such as where the data ends before
        return ""
    return sentence(f"{lines.title(line)}: {show_kind(found.value, found.kind)} from {day.date()}, after: {after.text}")
