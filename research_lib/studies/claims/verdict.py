"""From readings to a verdict: what a published figure is worth, what that depends on, and what happened afterwards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isinf, isnan
from typing import Any

import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.errors import DataError, InsufficientDataError, ParameterError
from research_lib.exhibits.findings import plain
from research_lib.exhibits.format import NONE, plural, show
from research_lib.studies.claims.evaluate import (
    Lines,
    Reading,
    bare,
    days_when,
    next_session,
    on_the_way,
    read_all,
    scale,
)  # fmt: skip
from research_lib.studies.claims.language import Article, Check, Claim, Figure, Phrase, Span, read

HOLDS, ROUGHLY, FAILS, DEPENDS = "holds", "roughly", "fails", "depends"
OPEN, NO_DATA, STAND_IN, UNTESTABLE = "open", "no data", "stand-in", "untestable"
VERDICTS = (HOLDS, ROUGHLY, DEPENDS, FAILS, OPEN, STAND_IN, NO_DATA, UNTESTABLE)
GOOD = (HOLDS, ROUGHLY)
ROUGH_DIGITS = 2.5 + 1e-9  # beyond half a unit of the last digit: three units in all
ROUNDING = 1e-9  # of a figure: what adding and dividing doubles may leave
LISTED = 3
LAST_DAY = pd.Timestamp("2200-01-01")
SMALL = 0.01  # differences below a point are shown to two places
UNIT_SHOWN = {
    "level": "price", "yield": "fraction", "fraction": "change", "difference": "points",
    "day": "date", "session": "sessions", "month": "months", "year": "years",
}  # fmt: skip
AFTER_WORDS = {"rank": "rank {}", "sigma": "{} σ"} | dict.fromkeys(
    ("session", "week", "month", "quarter", "year"), "{} {}s"
)


@dataclass(frozen=True)
class Result:
    """A claim with its verdict; the first reading is the headline's, `text` says what the verdict rests on."""

    claim: Claim
    article: Article
    verdict: str
    text: str
    readings: tuple[tuple[Reading, str], ...] = ()
    as_of: pd.Timestamp | None = None
    happened: str = ""

    @property
    def reading(self) -> Reading | None:
        """The headline's reading."""
        return self.readings[0][0] if self.readings else None

    @property
    def computed(self) -> str:
        """The headline's value with its unit."""
        return NONE if self.reading is None else shown(self.reading, self.reading.value, self.claim.figure.unit)

    @property
    def stated(self) -> str:
        """The published figure."""
        return self.claim.figure.text if self.claim.checks else NONE

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values, in the order in which programs read them."""
        claim = self.claim
        record: dict[str, Any] = {
            **{name: getattr(claim, name) for name in ("id", "article", "kind", "says")},
            "verdict": self.verdict,
            "as_of": self.as_of,
            "depends_on": self.text,
            "happened": self.happened or None,
        }
        if claim.checks:
            figure, check = claim.figure, claim.checks[0]
            record |= {"stated": figure.text, "comparison": figure.comparison, "unit": figure.unit}
            record |= {"lowest": figure.low, "highest": figure.high, "from": check.start}
            record["at"] = None if check.asked is None else [plain(day) for day in check.asked]
        if self.reading is not None:
            reading = self.reading
            is_number = isinstance(reading.value, float)
            factor = scale(reading.kind, claim.figure.unit, claim.figure.text) if is_number else 1.0
            record["computed"] = reading.value * factor if isinstance(reading.value, float) else reading.value
            record |= {name: getattr(reading, name) for name in ("n", "cases", "first", "last")}
            record |= {"low": reading.low * factor, "high": reading.high * factor}
        return {name: plain(one) for name, one in record.items()}


def judge(claim: Claim, article: Article, lines: Lines) -> Result:
    """Give a claim's verdict from the readings of its definitions, on each day that may be the article's last."""
    if claim.untestable:
        return Result(claim, article, UNTESTABLE, sentence(f"needs {claim.untestable}"))
    days, found, missing = _sessions(article.span), [], dict[str, None]()
    days = days[-1:] if claim.checks[0].special else days
    for day in days:
        dated = (("as of", str(day.date())),) if len(days) > 1 else ()
        for check in claim.checks:
            try:
                for one in read_all(check, lines, day, uncertain=claim.kind != "fact"):
                    whole = replace(one, choices=(*check.choices, *one.choices, *dated))
                    found.append((whole, verdict_of(whole, claim.figure)))
            except (InsufficientDataError, DataError) as reason:
                missing[str(reason)] = None
            except ParameterError as fault:
                raise ParameterError(f"claim {claim.id} of article {claim.article}: {fault}") from None
    happened = what_happened(claim, lines, days[-1]) if claim.kind == "forecast" else ""
    if not found:
        return Result(claim, article, NO_DATA, sentence("; ".join(missing)), (), days[-1], happened)
    verdict = _overall(claim, [one for _, one in found], lacks_some=bool(missing))
    parts = [_evidence(claim, *found[0], lines), claim.stand_in]
    if verdict == DEPENDS:
        parts.append(_what_decides(found))
    elif len(found) > 1 and not claim.stand_in:
        parts.append("on both definitions" if len(found) == 2 else f"on all {len(found)} definitions")
    parts.append("left out: " + _listed(list(missing)) if missing else "")
    if days[-1].date() != article.span[1]:
        parts.append(f"{article.span[1]} was no session, {days[-1].date()} counts")
    text = sentence("; ".join(filter(None, parts)))
    return Result(claim, article, verdict, text, tuple(found), days[-1], happened)


def _sessions(span: Span) -> list[pd.Timestamp]:
    """Return the sessions of a span; of one without any, the last before it."""
    first, last = map(pd.Timestamp, span)
    before = sessions_between(first - pd.Timedelta(days=14), last)
    return list(before[before >= first]) or [before[-1] if len(before) else last]


def _overall(claim: Claim, verdicts: Sequence[str], *, lacks_some: bool) -> str:
    """Combine the verdicts of all definitions: it depends where some hold and others do not."""
    if claim.stand_in:
        return STAND_IN
    if claim.kind == "forecast" and claim.checks[0].says_date:  # a condition, which may yet be met
        return OPEN
    if claim.all:
        return FAILS if FAILS in verdicts else NO_DATA if lacks_some else verdicts[0]
    good = sum(one in GOOD for one in verdicts)
    return DEPENDS if 0 < good < len(verdicts) else verdicts[0]


def verdict_of(reading: Reading, figure: Figure) -> str:
    """Hold one reading against what was published."""
    if not isinstance(reading.value, float):
        day, span = reading.value, figure.days
        agrees = day is None if span is None else day is not None and span[0] <= day.date() <= span[1]
        return NO_DATA if reading.begins_late else HOLDS if agrees else FAILS
    factor = scale(reading.kind, figure.unit, figure.text)
    value, low, high = (factor * one for one in (reading.value, reading.low, reading.high))
    if isnan(value):
        return OPEN
    if reading.begins_late:  # in the longer history a rank or count could only be larger
        return FAILS if reading.kind in ("rank", "count") and value > figure.high else NO_DATA
    if not reading.uncertain:
        return _of_fact(value, figure, reading)
    if high < figure.low or low > figure.high:
        return FAILS
    return HOLDS if figure.low <= low and high <= figure.high else OPEN


def _of_fact(value: float, figure: Figure, reading: Reading) -> str:
    """Hold a number that is known exactly; one off by up to three units of the last published digit holds roughly."""
    beyond = max(figure.low - value, value - figure.high)
    is_exact = reading.kind in ("rank", "count")
    if beyond <= ROUNDING * max(1.0, *(abs(end) for end in (figure.low, figure.high) if not isinf(end))):
        return HOLDS
    if reading.kind == "rank" and value <= figure.high and figure.low <= value + reading.ties:
        return HOLDS
    if figure.comparison == "about":
        is_first = reading.kind == "rank" and figure.high < 2  # a record that is second is none
        return ROUGHLY if beyond <= ROUGH_DIGITS * figure.digit and not is_first else FAILS
    bound = figure.high if figure.comparison == "at most" else figure.low
    return ROUGHLY if bound and not is_exact and beyond <= figure.digit / 2 else FAILS


def shown(reading: Reading, value: float | pd.Timestamp | None, unit: str = "") -> str:
    """Show a value in its kind's unit, a yield in basis points on request; what does not come to pass as never."""
    if value is None or (isinstance(value, float) and isinf(value)):
        return "never"
    if reading.kind == "share":
        return show(value, "share", digits=1)
    if isinstance(value, float) and (reading.kind == "yield change" or (reading.kind == "yield" and unit == "bp")):
        return show(10_000 * value, "bp")
    digits = 2 if reading.kind == "difference" and abs(value) < SMALL else None
    text = show(value, UNIT_SHOWN.get(reading.kind, reading.kind), digits=digits)
    return AFTER_WORDS.get(reading.kind, "{}").format(text, reading.kind)


def _evidence(claim: Claim, reading: Reading, verdict: str, lines: Lines) -> str:
    """Say what was computed, of how much history, how sure it is, and where a record that fails would hold."""
    check = claim.checks[0]
    subject = check.special.text if check.special else lines.title(check.line)
    counted = f"{plural(reading.n, reading.cases.rstrip('s'), reading.cases)}, " if reading.n else ""
    parts = [
        f"{subject}: {shown(reading, reading.value, claim.figure.unit)} ({counted}{reading.first.date()} to {reading.last.date()})"
    ]
    if reading.uncertain:
        ends = [shown(reading, end) for end in (reading.low, reading.high)]
        parts.append(
            f"too few for an interval (n = {reading.n:,})" if NONE in ends else f"95% interval {' to '.join(ends)}"
        )
    if verdict == ROUGHLY:
        parts.append("near the published figure, within three units of its last digit")
    if verdict == NO_DATA:
        parts.append(f"the data begins on {reading.first.date()}, after {check.start}")
    if verdict == FAILS and reading.higher is not None and 1 <= claim.figure.high <= len(reading.higher):
        parts.append(f"it would hold since {reading.higher[-int(claim.figure.high)].date()}")
    return "; ".join(parts)


def _what_decides(found: Sequence[tuple[Reading, str]]) -> str:
    """Name the choice that decides, if one alone does; else some readings on either side."""
    sides = [[one for one, verdict in found if (verdict in GOOD) is good] for good in (True, False)]
    for axis in dict(found[0][0].choices):
        holds, others = ({dict(one.choices).get(axis, ""): None for one in side} for side in sides)
        if not set(holds) & set(others):
            return f"{axis} decides: holds with {_listed(list(holds))}, not with {_listed(list(others))}"
    good, bad = (
        _listed([f"{', '.join(choice for _, choice in one.choices)} ({shown(one, one.value)})" for one in side])
        for side in sides
    )
    return f"{len(sides[0])} of {len(found)} definitions hold: {good}; not {bad}"


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def sentence(text: str) -> str:
    """Begin with a capital, end with a stop, and write true minus signs."""
    signed = re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)
    first = signed[:1] if signed[1:2].isupper() else signed[:1].upper()  # iShares stays
    return first + signed[1:] + ("" if signed.endswith(".") else ".")


def what_happened(claim: Claim, lines: Lines, day: pd.Timestamp) -> str:
    """Say what came after a forecast: over its own horizon, from the article's last session, never before it."""
    check = claim.checks[0]
    if check.special is not None:
        return ""
    try:
        line = bare(check.then or check.line)
        series = lines.pair(line, LAST_DAY)[0].series.dropna()
        if series.index[-1] <= day:
            return ""
        if check.after is None and not any(one.phrase.word == "season" for one in check.when):
            return _met(check, lines, day, series.index[-1])
        stop, note = _horizon(check, lines, day, pd.DatetimeIndex(series.index))
        if check.after is not None and check.after["path"]:
            value, kind = on_the_way(series.loc[day:stop].to_numpy(), check.after["path"]), "fraction"
            note = f", {check.after['path']} on the way{note}"
        else:
            step = read("take", f"change since {day.date()}")
            moved = lines.values(replace(line, take=(step,)), stop)
            value, kind = float(moved.series.iloc[-1]), moved.kind
    except (InsufficientDataError, DataError):
        return ""
    computed = shown(Reading(value, kind, 1, day, stop), value)
    return sentence(f"{lines.title(line)}: {computed} from {day.date()} to {stop.date()}{note}")


def _met(check: Check, lines: Lines, day: pd.Timestamp, last: pd.Timestamp) -> str:
    """Say when a condition was next met."""
    if not check.says_date:
        return ""
    met = days_when(lines, lines.values(check.line, last), check.when, last).loc[next_session(day) :]
    return f"Met on {met.index[met][0].date()}." if met.any() else f"Not met by {last.date()}."


def _horizon(check: Check, lines: Lines, day: pd.Timestamp, index: pd.DatetimeIndex) -> tuple[pd.Timestamp, str]:
    """Return the last day of a forecast's horizon, or of the data before it."""
    after: Phrase | None = check.after
    if after is None:  # the season under way, or else the next
        season = next(one.phrase for one in check.when if one.phrase.word == "season")
        ends = lines.values(replace(bare(check.line), take=(season,)), index[-1]).series.loc[next_session(day) :].index
        return (ends[0], "") if len(ends) else (index[-1], ", with the season not over")
    row = int(index.searchsorted(day, side="right")) - 1 + after.number("n")
    if not after["unit"] and not after["date"]:
        return (index[row], "") if row < len(index) else (index[-1], ", where the data ends")
    months = after.number("n") * (12 if after["unit"] == "years" else 1)
    stop = pd.Timestamp(after["date"]) if after["date"] else day + pd.DateOffset(months=months)
    whole = index[-1] >= stop or next_session(index[-1]) > stop
    return index[index <= stop][-1], "" if whole else ", where the data ends"
