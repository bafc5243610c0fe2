"""From a check to its verdict: say one thing of the days chosen, by the studies' functions, and hold it against what was published."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from math import inf, isnan, prod
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from research_lib.data.calendar import exchange_sessions, next_session, sessions_between
from research_lib.data.load import require_history
from research_lib.data.policy import load_target_changes
from research_lib.errors import InsufficientDataError, ParameterError, ResearchError, listed
from research_lib.exhibits.findings import plain
from research_lib.exhibits.format import CHANGED, CHANGES, NONE, Published, amount, plural, scale, sentence, show_kind
from research_lib.stats import bootstrap, cases, event_study, extremes, history, policy, randomization, regression
from research_lib.studies.claims.language import CYCLES, YEAR, Article, Check, Choices, Claim, Phrase, read, write
from research_lib.studies.claims.lines import BOUNDS, CALENDAR, Days, Lines, Series, Values

VERDICTS = ("holds", "roughly", "depends", "fails", "open", "stand-in", "no data", "untestable")
HOLDS, ROUGHLY, DEPENDS, FAILS, OPEN, STAND_IN, NO_DATA, UNTESTABLE = VERDICTS
EXACT = {"rank": 2, "count": 1}  # below these a figure is near nothing: a record that is second is none
first_of = partial(listed, most=3, letters=500, between="; ")

SAID: dict[str, Callable[[Series], float]] = {"value": lambda x: x.iloc[-1], "total": lambda x: prod(1.0 + x) - 1}
SAID |= {"highest": Series.max, "longest": Series.max, "lowest": Series.min, "mean": Series.mean, "share": Series.mean}
SAID |= {"median": Series.median, "count": Series.sum, "deviation": lambda x: x.mask(np.isinf(x)).std(skipna=False)}
OF_DAYS = ("date", "first date", "count", "share", "longest", "since")  # not of a line's values
PLACES = ("rank", "since", "percentile", "as far", "return period")  # in all of the history


@dataclass(frozen=True)
class Reading:
    """What one definition gives; a value of None is a day that does not exist."""

    value: float | pd.Timestamp | None
    kind: str  # a key of `KINDS`
    n: int  # what it rests on; of an interval the independent cases
    first: pd.Timestamp  # of the history looked at
    last: pd.Timestamp
    cases: str = "values"  # what n counts
    choices: Choices = ()
    low: float = np.nan
    high: float = np.nan
    uncertain: bool = False  # an interval was asked for, though the cases may be too few for one
    ties: int = 0  # earlier values equal to a ranked one
    higher: Days | None = field(default=None, compare=False)  # the days that outrank it, or share a place with the day
    path: Series | None = field(default=None, compare=False)  # the line up to the day
    events: Series | None = field(default=None, compare=False)  # the cases, named by their kind

    def sure(self, found: Any, shift: float = 0.0) -> "Reading":  # noqa: ANN401
        """Return it with the interval of an estimate, or of a row of a frame."""
        noun = self.cases.replace("cases", "separate cases")  # whose windows do not overlap, or a run of days as one
        return replace(self, n=int(found.n), cases=noun, low=found.low - shift, high=found.high - shift, uncertain=True)


def read_all(check: Check, lines: Lines, day: pd.Timestamp, *, uncertain: bool = False) -> list[Reading]:
    """Return a check's readings as known at the close of a day; a tie with a record makes two, where it matters."""
    found, ties = replace(_read(check, lines, day, uncertain), choices=check.choices), read("when", "record with ties")
    tied = tuple(replace(ties, line=one.line) if one.word == "record" else one for one in check.when)
    if tied == check.when or check.after is not None or check.say.word not in ("count", "share"):
        return [found]
    left_out, counted = ((*check.choices, ("ties", name)) for name in ("not counted", "counted"))
    other = replace(_read(replace(check, when=tied), lines, day, uncertain), choices=counted)
    return [found] if other.value == found.value else [replace(found, choices=left_out), other]


def _read(check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> Reading:
    *before, last = check.line.take or [Phrase("", "")]
    if not check.line.of:
        return _of_special(last, lines, day)
    if check.say["what"]:
        return _rank_among(check, lines, day)
    if check.say.word == "longest" and last.word == "fall episodes" and not last["unit"]:
        in_days = replace(last, text=f"{last.text}, in days", places={**last.places, "unit": "days"})
        check = replace(check, line=replace(check.line, take=(*before, in_days)))
    asked = Question(check, lines, day, uncertain)
    if last.word in ("correlation with", "slope on") and not last["k"]:
        return _association(asked, last)
    if check.after is not None:
        return _what_followed(asked, check.after)
    return _on_days(asked) if check.outcome is check.line else _of_seasons(asked)


class Question:
    """A check on a day: the history that it looks at, from `start` to `end`, and the `window` that it asks about."""

    def __init__(self, check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> None:
        self.check, self.lines, self.uncertain, self.word = check, lines, uncertain, check.say.word
        first, last = map(pd.Timestamp, check.asked or (day, day))
        if first > day:
            raise ParameterError(f"at: {first.date()} is after {day.date()}, the last day that the article knew")
        self.has_window = bool(check.asked and (first < last or check.to or check.after))
        self.last = last = min(last, day)
        self.end = min(day, pd.Timestamp(check.to or (day if check.after else last)))
        self.start = pd.Timestamp(check.start or pd.Timestamp.min)
        for name, one in ((name, lines.raw(name)) for name in check.names()):
            require_history(one.days, one.period, lines.title(name), first=check.start, last=self.end)
            self.start = max(self.start, one.days[0])
        if self.start > self.end:
            raise ParameterError(f"from: {self.start.date()} is after {self.end.date()}, where the history ends")
        if check.after and first == last:  # what followed is counted from the last value up to the day
            days = lines.values(check.line.bare, self.end).days
            first = last = next(reversed(days[days <= last]), last)
        self.window = slice(max(self.start, first), last) if self.has_window else slice(self.start, None)
        is_last = self.word == "value" and not check.when and not check.after
        is_among_all = is_last or any(one in self.word for one in PLACES)
        self.among = slice(self.start, None) if is_among_all else self.window  # the days that the word is said of

    def days(self, values: Values) -> Series:
        """Mark which of the chosen days meet the conditions, cooled off."""
        met = history.between(self.lines.days_when(values, self.check.when, self.end), self.start)
        if self.check.quiet and self.check.when:
            met[met] = np.isin(np.arange(met.sum()), cases.spaced(np.flatnonzero(met), self.check.quiet + 1))
        return history.between(met, self.among.start, self.among.stop)

    def say(self, found: Values, met: Series, path: Series, test: Any = None, length: int = 0) -> Reading:  # noqa: ANN401
        """Say the word that is asked for, of the days that are met or their excess; cases less than `length` apart overlap."""
        check, word, kind, path = self.check, self.word, found.kind, history.between(path, self.start).dropna()
        days, base = history.between(path, self.among.start, self.among.stop).index, 0.0
        first, last = (days[0], days[-1]) if len(days) else (self.end, self.end)
        outcomes = found.series.reindex(met.index)
        x, others = outcomes[met], outcomes[~met].dropna()
        x = x if found.noun == "episodes" and word in OF_DAYS[:3] else x.dropna()
        events = None if found.noun == "values" else x.rename(kind)
        reading = Reading(np.nan, kind, len(x), first, last, found.noun, events=events)
        reading = reading if check.says_date else replace(reading, path=path)  # of a day there is none to draw
        if word in ("count", "share"):
            calendar = all(one.word in CALENDAR and not one.line for one in check.when)
            are_changes = check.after or found.noun == "years" or (kind in CHANGES and calendar)  # whatever the value
            op = check.say["op"] or ("above" if word == "share" and are_changes else "")
            bound, kind = amount(check.say["x"] or "0", kind) if op else 0.0, word
            x, others = (BOUNDS[op](one, bound) for one in (x, others)) if op else (met, others)
        if not len(x) and word != "count":
            if check.says_date:
                return replace(reading, value=None, kind="day")
            raise InsufficientDataError(f"there is no case of it from {first.date()} to {last.date()}")
        if word not in SAID:
            return self._place(x, reading)
        if word == "total" and (kind not in CHANGES or check.excess):
            raise ParameterError(f"say: total compounds changes, without `less: all days`; the line gives a {kind}")
        if check.excess == "all days" and word != "count":  # which has no excess
            kind, base = CHANGED.get(kind, kind), float(others.median() if word == "median" else others.mean())
        reading = replace(reading, value=float(SAID[word](x)) - base, kind=kind)
        if not self.uncertain or word not in ("mean", "median", "share"):
            return reading
        if word == "mean":
            mean: Any = (test or randomization.sign_flip)(x - base)
            return reading.sure(mean, mean.value - reading.value)
        at, is_of_days = found.days.get_indexer(x.index), not length and found.noun in ("values", "cases")
        of_days = is_of_days and (bool((np.diff(at) == 1).any()) or cases.is_persistent(x.astype(float)))
        sure: Any = cases.median if word == "median" else cases.share
        return reading.sure(sure(x, len(cases.spaced(at, length)) if length else len(x), of_days=of_days), base)

    def _place(self, x: Series, reading: Reading) -> Reading:
        """Say which day a case is of, or where the day that is asked about, or the extreme of a window, stands in history."""
        word, x = self.word, -x if "lowest" in self.word else x
        if word in OF_DAYS[:2] and reading.cases != "values":
            return replace(reading, value=x.index[0 if word == "first date" else -1], kind="day")
        asked = x.loc[self.window] if self.has_window or "date" in word else x[-1:]
        if not len(asked):
            raise InsufficientDataError(f"it has no value in the days asked about, {write(self.check.asked)}")
        day = asked.index[int(asked.argmax())]
        if "date" in word:
            return replace(reading, value=day, kind="day", higher=Days(asked.index[asked == asked.max()]))
        if word == "return period":
            if not np.isfinite(x).all():
                raise ParameterError("say: return period: on some days the line is never reached")
            found = extremes.years_to(x, x[day])
            return replace(reading, value=found.value, kind="year", cases="episodes").sure(found)
        others = x[x.index != day] if self.check.to and "since" not in word else x[x.index < day]
        stands = history.rank_in_history(pd.concat([others, x[x.index == day]]), gap=self.check.quiet)
        if "since" in word:
            return replace(reading, value=stands.highest_since, kind="day")
        if "rank" in word:
            rank = stands.episode_rank if self.check.quiet else stands.rank
            higher = Days(others.index[others > stands.value])
            return replace(reading, value=float(rank), kind="rank", ties=stands.ties, higher=higher)
        return replace(reading, value=stands.percentile if word == "percentile" else stands.as_far, kind="share")


def _on_days(asked: Question) -> Reading:
    """Say something of a line's values, on all days or on those that meet a condition; a run or a fall is one case."""
    check, word = asked.check, asked.word
    values = asked.lines.values(check.line, asked.end)
    met = asked.days(values)
    if values.noun == "episodes":  # chosen by their first day
        return asked.say(values, met, asked.lines.values(check.line.bare, asked.end).series)
    last: Any = values.series.last_valid_index()
    if word == "value" and not check.when and last and last < max(values.days[-1], asked.window.start):
        raise InsufficientDataError(f"it has no value in the days asked about, up to {asked.last.date()}")
    if values.kind or not check.when or word not in OF_DAYS or check.say["op"]:
        values = values.known()
        met = met[met.index.isin(values.days)]
    if not check.when:
        if values.noun == "runs" and word != "value":
            met = met[met.index.isin(history.run_ends(values.series.loc[asked.start :]).index)]
        return asked.say(replace(values, noun="values"), met, values.series, cases.mean_of_days)
    path = values.series.loc[met.index[0] :] if len(met) else values.series
    lengths = history.spell_lengths(met).astype(float)
    if word == "longest":
        ends = history.run_ends(lengths) if met.any() else lengths[-1:]
        return asked.say(values.of(ends, values.period), ends.notna(), path)
    if word == "since":  # the first day of the run that is under way
        asked.word, met = "first date", met & (np.arange(len(met)) >= len(met) - lengths[-1:].sum())
    runs = (met != met.shift()).cumsum()[met]
    return asked.say(replace(values, noun="cases"), met, path, partial(cases.mean_of_days, groups=runs))


def _what_followed(asked: Question, after: Phrase) -> Reading:
    """Say something of what followed the days that meet a condition, or all days where there is none."""
    check, lines, line = asked.check, asked.lines, asked.check.outcome.bare
    values = lines.values(line, asked.end)
    if after["date"]:  # as many sessions; those after the data are the exchange's
        until = pd.Timestamp(after["date"][1])
        days = values.days if until <= asked.end else exchange_sessions()
        n = int(((days > asked.last) & (days <= until)).sum())
        if not n or (values.period != "session" and until > asked.end):
            raise ParameterError(f"after: {after.text} is no span from {asked.last.date()}; count {values.period}s")
        after = read("after", f"{n} {after['path']}")
    if asked.uncertain and asked.word == "value" and not check.asked:
        raise ParameterError("say: a tendency or forecast is judged by many cases: say mean, median or share")
    ahead, path = lines.values(replace(line, take=(after,)), asked.end), values.series
    index, days = ahead.days, Days(ahead.series.loc[asked.among].index)
    if check.when:
        met = asked.days(lines.values(check.line, asked.end))
        rows = index.searchsorted(met.index[met & (met.index >= index[:1].min())])  # of another calendar
        days, path = index[rows[rows < len(index)]], path.loc[max([*index[:1], *met.index[:1]], default=asked.end) :]
    met = (ahead.series.notna() & index.isin(days)).loc[asked.start :]
    horizon = round(after["n"] * YEAR[ahead.period] / YEAR[after["unit"] or ahead.period])
    is_plain = values.kind in ("level", "") and not after["path"]
    events = [one["event"] for one in check.when if one["event"] and one.line is None]
    begin = max(values.days.searchsorted(asked.start) - 1, 0)  # all other days are those from the start on too
    test = partial(
        event_study.mean_outcome, horizon=horizon, days=values.days[begin:] if check.when else None,
        prices=[one.series.iloc[begin:] for one in lines.legs(line, asked.end)] if is_plain else (),
        cycles=policy.policy_events(load_target_changes(as_of=asked.end), events[0]) if events else None, less_base=bool(check.excess),
    )  # fmt: skip
    return asked.say(ahead, met, path, test, abs(horizon))


def _of_seasons(asked: Question) -> Reading:
    """Say something of a season's change, a case a year; a condition is about another season of it, or the close before."""
    check, lines, end, line = asked.check, asked.lines, asked.end, asked.check.outcome.bare
    season = check.outcome.take[0]
    if asked.word == "since":
        raise ParameterError("say: since is of days, not of seasons: say date, first date or highest since")
    path = lines.values(line, end).series.dropna()
    index, changed = Days(path.index), lines.values(check.outcome, end)
    inside, year, listed = cases.seasons(index, next_session(index[-1]), *season["season"])
    met = index[listed["before"] + 1].isin(path.loc[asked.among].index)
    for one in check.when:
        if one.word == "years":
            met &= listed.index.isin(one["years"])
        elif one is not season:
            known = lines.values(one.line or line, end).known()
            state = lines.days_when(known, (replace(one, line=None),), end).astype(float)
            place = "last" if known.noun == "years" else "before"
            met &= state.reindex(index[listed[place]], method="ffill").to_numpy() > 0
    reading = asked.say(changed, pd.Series(met, index[listed["last"]]), path)
    if not check.excess:
        return reading
    daily = lines.values(replace(line, take=(read("take", "change 1"),)), end).series.reindex(index).fillna(0.0)
    used = np.isin(year, listed.index[met])
    found = randomization.season_less_rest(daily[used], inside[used], year[used])
    reading = replace(reading, value=found.value, kind=CHANGED.get(changed.kind, changed.kind))
    return reading.sure(found) if asked.uncertain else reading


def _rank_among(check: Check, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say the place of a month among the months by what it gives; so of a quarter, a weekday or a kind of year."""
    cycles = [[read("when", text) for text in cycle] for cycle in CYCLES]
    alike = [(own, cycle) for own in check.when for cycle in cycles if own.places in [one.places for one in cycle]]
    if not alike:
        raise ParameterError(f"say: `{check.say.text}` needs season Sep, season Q4 or such in `when`")
    (own, cycle), *_ = alike
    say, sign = read("say", check.say["what"]), -1 if "lowest" in check.say.word else 1
    swapped = [tuple(other if one is own else one for one in check.when) for other in (own, *cycle)]
    found: Any = [_read(replace(check, say=say, when=when), lines, day, False) for when in swapped]
    rank = 1.0 + sum(sign * one.value > sign * found[0].value for one in found)
    return replace(found[0], value=rank, kind="rank", n=len(cycle), cases=f"{own.word.rstrip('s')}s")


def _association(asked: Question, step: Phrase) -> Reading:
    """Say the correlation of a line's changes with another's, or their slope on several, over all of the history."""
    (*before, _), names = asked.check.line.take, (step["names"] or step["name"]).split()
    if asked.check.when or asked.check.after or asked.word != "value":
        raise ParameterError(f"take: `{step.text}` is of all of the history, or of `at`: without when, after and say")
    values = asked.lines.values(replace(asked.check.line, take=tuple(before)), asked.end).known()
    columns = asked.lines.changes(values, before, names, asked.end)
    frame = pd.concat(columns, axis=1, keys=["y", *names], sort=True).loc[asked.window].dropna()
    y = frame["y"]
    if step["name"]:
        block = min(24 if values.period == "month" else 63, max(len(frame) // 6, 5))
        found: Any = bootstrap.correlation(y, frame[names[0]], block=block, seed=asked.lines.seed)
    else:
        found = regression.ols(y, frame[names], "wild").loc[names[0]]
    reading = replace(asked.say(values.of(y), y.notna(), y), value=found.value, kind="correlation")
    return reading.sure(found) if asked.uncertain else reading


def _of_special(asked: Phrase, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say something of a normal variate, or of companies from the study of their debt, as known on the day."""
    if asked.word == "normal tail":
        return Reading(float(ndtr(-amount(asked["x"], "sigma"))), "share", 0, day, day)
    stress = {"stress_bp": asked["bp"], "stress_share": asked["share"] / 100} if asked["share"] else {}
    study = lines.companies(day.date(), prices=bool(asked["name"]), fiscal_year=asked["year"] or 0, **stress)
    if asked["name"]:
        return Reading(**study.double_edge(lines.raw(asked["name"]).series, asked["move"]), uncertain=True)
    return Reading(**study.figure_of(asked.word, asked["group"]))


@dataclass(frozen=True)
class Result:
    """A claim with its verdict; `reading` is the first, the headline's, and `text` says what the verdict rests on."""

    claim: Claim
    article: Article
    verdict: str
    text: str
    readings: tuple[tuple[Reading, str], ...] = ()  # each with its own verdict
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
        return Result(claim, article, UNTESTABLE, sentence(f"needs {claim.untestable.removeprefix('needs ')}"))
    check, (first, last), figure = claim.checks[0], map(pd.Timestamp, article.as_of), claim.figure
    days = [*sessions_between(first if check.line.of else last, last)] or [last]  # of companies the last counts
    happened = what_happened(check, lines, days[-1]) if claim.kind == "forecast" else ""
    result = partial(Result, claim, article, as_of=days[-1], happened=happened)
    found, missing = list[tuple[Reading, str]](), dict[str, str]()
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


def verdict_of(reading: Reading, figure: Published) -> str:
    """Hold one reading against what was published; `roughly` is up to three units of the last published digit off."""
    value, low, high = reading.value, reading.low, reading.high
    if not isinstance(value, float):
        days: Any = filter(None, [value]) if reading.higher is None else reading.higher
        is_right = any(figure.days[0] <= day.date() <= figure.days[1] for day in days) if figure.days else value is None
        return HOLDS if is_right else FAILS
    factor = scale(reading.kind, figure.unit, figure.text)
    least, most = figure.low / factor, figure.high / factor
    # A loss is not roughly a gain, nor is the second a record.
    is_other = value < 0 <= least or most <= 0 < value or most < EXACT.get(reading.kind, -inf)
    beyond = round(factor * max(least - value - reading.ties, value - most), 9)  # tied ranks share their places
    rules = (
        (isnan(value), OPEN),
        (reading.uncertain, HOLDS if least <= low and high <= most else FAILS if high < least or most < low else OPEN),
        (not beyond > 0, HOLDS),  # NaN where both are infinite
        (beyond <= figure.near and not is_other, ROUGHLY),
    )
    return next((verdict for is_so, verdict in rules if is_so), FAILS)


def _evidence(claim: Claim, reading: Reading, own: str, lines: Lines) -> list[str]:
    """Say what was computed, of how much history, how sure it is, and where it would hold."""
    check, figure, say = claim.checks[0], claim.figure, claim.checks[0].say
    said = "share above 0" if say.text == "share" and check.outcome is not check.line else say.text
    of = "" if say.word == "value" or "since" in say.word else f"{said} of "
    line = lines.title(check.outcome) if check.line.of else check.line.take[0].text
    value, low, high = (show_kind(one, reading.kind, figure.unit) for one in (reading.value, reading.low, reading.high))
    value = f"{say.text} {value}" if "since" in say.word else value
    last = "the last of " if say.word == "value" and reading.events is not None and reading.n > 1 else ""
    counted = f"{last}{plural(reading.n, reading.cases.rstrip('s'))}, {reading.first.date()} to {reading.last.date()}"
    parts = [f"{of}{line}: {value}" + (f" ({counted})" if reading.n or check.line.of else "")]
    if reading.uncertain:
        name = "range over thresholds" if say.word == "return period" else "95% interval"
        parts.append("too few for an interval, or too dependent" if isnan(reading.low) else f"{name} {low} to {high}")
    if own == FAILS and reading.higher is not None and 1 <= figure.high < len(reading.higher) + 1:
        since = reading.higher[-int(figure.high)]
        parts += [f"it would hold since {since.date()}"] if (reading.last - since).days > 365 else []
    return parts


def _definitions(found: list[tuple[Reading, str]], agree: list[bool], unit: str) -> str:
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
        if after is None and check.outcome is not check.line and len(check.when) == 1:  # its season, or the next
            ends = lines.values(check.outcome, last).days
            after = read("after", f"until {min(ends[ends > day], default=day).date()}")
        if after is None or (after["n"] or 0) < 0:
            return ""
        (it,) = read_all(Check(line, read("say", "value"), after=after, asked=(day, day)), lines, last)
    except ResearchError:  # such as where the data ends before
        return ""
    return sentence(f"{lines.title(line)}: {show_kind(it.value, it.kind)} from {it.first.date()}, after: {after.text}")
