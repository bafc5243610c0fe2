"""From readings to a verdict: what a claim's figure is worth, what it depends on, and what happened afterwards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isnan
from typing import Any

import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.errors import DataError, InsufficientDataError, ParameterError
from research_lib.exhibits.findings import plain
from research_lib.exhibits.format import interval, plural, show
from research_lib.studies.claims.evaluate import SEASON, Lines, Reading, bare, days_when, next_session, read_all, scale
from research_lib.studies.claims.language import Article, Check, Claim, Figure, read

HOLDS, ROUGHLY, FAILS, DEPENDS = "holds", "roughly", "fails", "depends"
OPEN, NO_DATA, STAND_IN, UNTESTABLE = "open", "no data", "stand-in", "untestable"
VERDICTS = (HOLDS, ROUGHLY, DEPENDS, FAILS, OPEN, STAND_IN, NO_DATA, UNTESTABLE)
GOOD = frozenset({HOLDS, ROUGHLY})

ROUGH_DIGITS = 2.5  # beyond half a unit of the last digit: three units in all
ROUNDING = 1e-9  # of a figure: what adding and dividing doubles may leave
LISTED = 3
SHOWN = {
    "level": "price", "yield": "fraction", "yield change": "bp", "fraction": "change", "difference": "points",
    "day": "date", "session": "sessions", "month": "months", "year": "years",
}  # fmt: skip


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
        return "" if self.reading is None else shown(self.reading, self.reading.value)

    @property
    def stated(self) -> str:
        """The published figure."""
        return self.claim.figure.text if self.claim.checks else ""

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values, in the order in which programs read them."""
        claim, reading = self.claim, self.reading
        figure, check = (claim.figure, claim.checks[0]) if claim.checks else (None, None)
        value = None if reading is None else reading.value
        if isinstance(value, float) and reading is not None and figure is not None:
            value *= scale(reading.kind, figure.unit, figure.text)
        record = {
            "id": claim.id, "article": claim.article, "kind": claim.kind, "says": claim.says, "verdict": self.verdict,
            "computed": value, "stated": self.stated or None, "comparison": figure and figure.comparison,
            "lowest": figure and figure.low, "highest": figure and figure.high, "unit": reading and reading.kind,
            "from": check and check.start, "at": check and check.asked and check.asked[1], "as_of": self.as_of,
            "n": reading and reading.n, "first": reading and reading.first, "last": reading and reading.last,
            "low": reading and reading.low, "high": reading and reading.high, "depends_on": self.text,
            "reading": claim.reading or None, "happened": self.happened or None,
        }  # fmt: skip
        return {name: plain(one) for name, one in record.items()}


def judge(claim: Claim, article: Article, lines: Lines) -> Result:
    """Give a claim's verdict from the readings of each of its definitions, on each day that may be the article's last."""
    if claim.untestable:
        return Result(claim, article, UNTESTABLE, f"Needs {claim.untestable}.")
    days = _days(article.span)
    uncertain = claim.kind != "fact"
    found: list[tuple[Reading, str]] = []
    missing: dict[str, None] = {}
    for day in days:
        for check in claim.checks:
            try:
                readings = read_all(check, lines, day, uncertain=uncertain)
                for one in readings:
                    dated = (("as of", str(day.date())),) if len(days) > 1 else ()
                    whole = replace(one, choices=(*check.choices, *one.choices, *dated))
                    found.append((whole, verdict_of(whole, claim.figure)))
            except (InsufficientDataError, DataError) as reason:
                missing[str(reason)] = None
            except ParameterError as fault:
                raise ParameterError(f"claim {claim.id} of article {claim.article}: {fault}") from None
    if not found:
        return Result(claim, article, NO_DATA, _sentence("; ".join(missing)), as_of=days[-1])
    verdict = STAND_IN if claim.stand_in else _overall([one for _, one in found])
    text = _text(claim, found, verdict, list(missing), lines, days[-1], article.span[1])
    happened = _happened(claim, lines, days[-1]) if claim.kind == "forecast" else ""
    return Result(claim, article, verdict, text, tuple(found), days[-1], happened)


def _days(span: tuple[date, date]) -> list[pd.Timestamp]:
    """Return the sessions of a span; of one without any, the last session before it."""
    first, last = map(pd.Timestamp, span)
    sessions = list(sessions_between(first, last))
    before = sessions_between(first - pd.Timedelta(days=14), last)
    return sessions or [before[-1] if len(before) else last]


def _overall(verdicts: Sequence[str]) -> str:
    """Combine the verdicts of all definitions: it depends where some hold and others do not."""
    good = sum(one in GOOD for one in verdicts)
    return DEPENDS if 0 < good < len(verdicts) else verdicts[0]


def verdict_of(reading: Reading, figure: Figure) -> str:
    """Hold one reading against what was published."""
    value = reading.value
    if figure.comparison == "never" or figure.days is not None or not isinstance(value, int | float):
        if value is None or figure.days is None:
            verdict = HOLDS if (value is None) == (figure.comparison == "never") else FAILS
        else:
            verdict = HOLDS if figure.days[0] <= pd.Timestamp(value).date() <= figure.days[1] else FAILS
        return NO_DATA if reading.begins_late else verdict
    factor = scale(reading.kind, figure.unit, figure.text)
    value = value * factor
    if isnan(value):
        return OPEN
    if reading.uncertain:
        low, high = reading.low * factor, reading.high * factor
        if isnan(low) or isnan(high):
            return OPEN
        verdict = HOLDS if figure.low <= low and high <= figure.high else OPEN
        verdict = FAILS if high < figure.low or low > figure.high else verdict
    else:
        verdict = _of_fact(value, figure, reading)
    if reading.begins_late:  # a rank or a count could only be larger in the longer history
        too_many = reading.kind in ("rank", "count") and value > figure.high
        return FAILS if too_many else NO_DATA
    return verdict


def _of_fact(value: float, figure: Figure, reading: Reading) -> str:
    if reading.kind == "rank" and figure.low <= value + reading.ties and value <= figure.high:
        return HOLDS
    beyond = max(figure.low - value, value - figure.high)
    if beyond <= ROUNDING * max(1.0, abs(figure.low if figure.low > -1e300 else figure.high)):
        return HOLDS
    bound = figure.high if figure.comparison == "at most" else figure.low
    if figure.comparison == "about":
        is_record = reading.kind == "rank" and figure.high < 2  # the first place has no neighbours
        return ROUGHLY if beyond <= ROUND_LIMIT * figure.digit and not is_record else FAILS
    return ROUGHLY if bound and beyond <= figure.digit / 2 and reading.kind not in ("rank", "count") else FAILS


ROUND_LIMIT = ROUGH_DIGITS + ROUNDING


def shown(reading: Reading, value: float | pd.Timestamp | None) -> str:
    """Show a value in its kind's unit."""
    if value is None:
        return "never"
    if isinstance(value, float) and abs(value) == float("inf"):
        return "never"
    text = show(value, SHOWN.get(reading.kind, reading.kind))
    words = {"rank": f"rank {text}", "session": f"{text} sessions", "month": f"{text} months", "year": f"{text} years"}
    return words.get(reading.kind, f"{text} σ" if reading.kind == "sigma" else text)


def _text(  # noqa: PLR0913  # the parts of one sentence
    claim: Claim, found: Sequence[tuple[Reading, str]], verdict: str, missing: Sequence[str], lines: Lines,
    day: pd.Timestamp, last: date,
) -> str:  # fmt: skip
    """Say what the verdict rests on: the figure, its history and interval, what decides, what is missing."""
    reading, own = found[0]
    check = claim.checks[0]
    subject = check.special.text if check.special else lines.title(check.line)
    parts = [f"{subject}: {shown(reading, reading.value)}"]
    counted = plural(reading.n, reading.cases.rstrip("s"), reading.cases)
    parts[0] += f" ({counted}, {reading.first.date()} to {reading.last.date()})"
    if reading.uncertain:
        ends = interval(reading.low, reading.high, SHOWN.get(reading.kind, reading.kind))
        parts.append(f"95% interval {ends}" if ends != "–" else f"too few for an interval (n = {reading.n:,})")
    if verdict == STAND_IN:
        parts.append(claim.stand_in)
    if own == ROUGHLY:
        parts.append("off in the last digit")
    if own == NO_DATA:
        parts.append(f"the history begins on {reading.first.date()}, later than the claim's")
    if reading.kind == "rank" and own == FAILS and reading.higher is not None and len(reading.higher):
        beaten = int(claim.figure.high)
        if 0 < beaten <= len(reading.higher):
            parts.append(f"it would hold since {reading.higher[-beaten].date()}")
    parts += [_split(found)] if verdict == DEPENDS else []
    if len(found) > 1 and verdict != DEPENDS and verdict != STAND_IN:
        parts.append("the same on both definitions" if len(found) == 2 else f"the same on all {len(found)} definitions")
    parts += [f"left out: {'; '.join(missing[:LISTED])}"] if missing else []
    parts += [f"{last} was no session, {day.date()} counts"] if day.date() != last else []
    return _sentence("; ".join(filter(None, parts)))


def _split(found: Sequence[tuple[Reading, str]]) -> str:
    """Name the choice that decides, if one alone does; else some readings on either side."""
    sides = [[one for one, verdict in found if (verdict in GOOD) is good] for good in (True, False)]
    for axis in dict(found[0][0].choices):
        holds, not_holds = ({dict(one.choices).get(axis, ""): None for one in side} for side in sides)
        if not set(holds) & set(not_holds):
            return f"{axis} decides: holds with {_listed(list(holds))}, not with {_listed(list(not_holds))}"
    texts = [
        [f"{', '.join(value for _, value in one.choices)} ({shown(one, one.value)})" for one in side] for side in sides
    ]
    return f"{len(sides[0])} of {len(found)} definitions hold: {_listed(texts[0])}; not {_listed(texts[1])}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return "; ".join(names[:LISTED]) + more


def _sentence(text: str) -> str:
    """Begin with a capital, end with a stop, and write true minus signs."""
    signed = re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)
    return signed[:1].upper() + signed[1:] + ("" if signed.endswith(".") else ".")


def _happened(claim: Claim, lines: Lines, day: pd.Timestamp) -> str:
    """Say what came after a forecast: over its own horizon, from the article's last session, never before it."""
    check = claim.checks[0]
    if check.special:
        return ""
    line = bare(check.then or check.line)
    try:
        known = lines.values(line if line.less is None else replace(line, take=(read("take", "change 1"),)), LAST_DAY)
        last = known.series.index[-1]
        if last <= day:
            return ""
        if check.after is None and any(one.phrase.word != SEASON for one in check.when):
            return _next_time(check, lines, day, last)
        stop, whole = _horizon(check, lines, day, pd.DatetimeIndex(known.series.index))
        path = check.after["path"] if check.after else ""
        if path:
            prices = known.series.loc[day:stop]
            fall = {"drawdown": (prices / prices.cummax()).min() - 1, "highest": prices.max() / prices.iloc[0] - 1,
                    "lowest": prices.min() / prices.iloc[0] - 1}[path]  # fmt: skip
            return _sentence(f"{lines.title(line)}: {path} {show(float(fall), 'change')} by {stop.date()}{whole}")
        moved = lines.values(replace(line, take=(read("take", f"change since {day.date()}"),)), stop)
    except (InsufficientDataError, DataError):
        return ""
    value = Reading(float(moved.series.iloc[-1]), moved.kind, 1, day, stop)
    return _sentence(f"{lines.title(line)}: {shown(value, value.value)} from {day.date()} to {stop.date()}{whole}")


LAST_DAY = pd.Timestamp("2200-01-01")


def _horizon(check: Check, lines: Lines, day: pd.Timestamp, index: pd.DatetimeIndex) -> tuple[pd.Timestamp, str]:
    """Return the last day of a forecast's horizon, or of the data before it."""
    after = check.after
    if after is None:  # a season: to the end of the one under way, or else of the next
        season = lines.values(
            replace(bare(check.line), take=(next(o.phrase for o in check.when if o.phrase.word == SEASON),)), index[-1]
        )
        ends = season.series.dropna().loc[next_session(day) :].index
        return (ends[0], "") if len(ends) else (index[-1], ", the season is not over")
    row = int(index.searchsorted(day, side="right")) - 1
    if after["date"]:
        stop = pd.Timestamp(after["date"])
    elif after["unit"]:
        stop = day + pd.DateOffset(**{after["unit"]: after.number("n")})
    else:
        stop = index[min(row + after.number("n"), len(index) - 1)]
        return stop, "" if row + after.number("n") < len(index) else ", the data ends there"
    return index[index.searchsorted(stop, side="right") - 1], "" if index[-1] >= stop else ", the data ends there"


def _next_time(check: Check, lines: Lines, day: pd.Timestamp, last: pd.Timestamp) -> str:
    """Say when a condition was next met."""
    met = days_when(lines, lines.values(check.line, last), check.when, last).loc[next_session(day) :]
    days = met.index[met]
    return f"Met on {days[0].date()}." if len(days) else f"Not met by {last.date()}."
