"""From a check to its readings: choose days, take what each gives, and say one thing of that, by the studies' functions."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from research_lib.data.calendar import exchange_sessions, next_session
from research_lib.errors import InsufficientDataError, ParameterError
from research_lib.stats import cases, history
from research_lib.stats.bootstrap import correlation
from research_lib.stats.estimate import Estimate
from research_lib.stats.event_study import mean_outcome
from research_lib.stats.extremes import years_to
from research_lib.stats.randomization import season_less_rest, sign_flip
from research_lib.stats.regression import cosine_mean, ols
from research_lib.studies.claims import lines as of_lines
from research_lib.studies.claims.language import CYCLES, YEAR, Check, Choices, Phrase, read, write
from research_lib.studies.claims.lines import CALENDAR, CHANGED, CHANGES, Days, Lines, Series, Values, amount

# By how many days a history may end before the day asked for (series come out with a delay), and begin after `from`.
DAYS_OFF = {"session": (7, 45), "week": (21, 45), "month": (92, 45), "quarter": (200, 137), "year": (366, 45)}
SAID: dict[str, Callable[[Series], float]] = {"value": lambda x: x.iloc[-1], "total": lambda x: prod(1.0 + x) - 1}
SAID |= {"highest": Series.max, "longest": Series.max, "lowest": Series.min, "mean": Series.mean, "share": Series.mean}
SAID |= {"median": Series.median, "count": Series.sum, "deviation": lambda x: x.mask(np.isinf(x)).std(skipna=False)}
OF_DAYS = ("date", "first date", "count", "share", "longest", "since")  # not of a line's values
PLACES = ("rank", "since", "percentile", "as far", "return period")  # in all of the history
Test = Callable[[Series], Estimate]


@dataclass(frozen=True)
class Reading:
    """What one definition gives; a value of None is a day that does not exist."""

    value: float | pd.Timestamp | None
    kind: str  # a key of `UNITS`
    n: int  # what it rests on; of an interval the independent cases
    first: pd.Timestamp  # of the history looked at
    last: pd.Timestamp
    cases: str = "values"  # what n counts
    choices: Choices = ()
    low: float = np.nan
    high: float = np.nan
    uncertain: bool = False  # an interval was asked for, though the cases may be too few for one
    begins_late: bool = False  # the claim names an earlier start of history than the data has
    ties: int = 0  # earlier values equal to a ranked one
    higher: Days | None = field(default=None, compare=False)  # the days that outrank it, or share a place with the day
    path: Series | None = field(default=None, compare=False)  # the line up to the day
    events: Series | None = field(default=None, compare=False)  # the cases, named by their kind

    def sure(self, found: Any, shift: float = 0.0) -> "Reading":  # noqa: ANN401
        """Return it with the interval of an estimate, or of a row of a frame."""
        return replace(self, n=int(found.n), low=found.low - shift, high=found.high - shift, uncertain=True)


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
        check = replace(check, line=replace(check.line, take=(*before, read("take", f"{last.text} days"))))
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
        self.begins_late = False
        first, last = map(pd.Timestamp, check.asked or (day, day))
        if first > day:
            raise ParameterError(f"at: {first.date()} is after {day.date()}, the last day that the article knew")
        self.has_window = bool(check.asked and (first < last or check.to or check.after))
        self.last = last = min(last, day)
        self.end = min(day, pd.Timestamp(check.to or (day if check.after else last)))
        named, begins = pd.Timestamp(check.start or day), [pd.Timestamp(check.start)] if check.start else []
        for name in check.names():
            days, (stale, late) = lines.raw(name).days, DAYS_OFF[lines.raw(name).period]
            known = days[: days.searchsorted(self.end, side="right")]
            if not len(known) or (self.end - known[-1]).days > stale:
                ends = f"ends on {known[-1].date()}, before" if len(known) else "has no value up to"
                raise InsufficientDataError(f"{lines.title(name)} {ends} {self.end.date()}")
            begins.append(days[0])
            self.begins_late |= (days[0] - named).days > late
        self.start = max(begins)
        if self.start > self.end:
            raise ParameterError(f"from: {self.start.date()} is after {self.end.date()}, where the history ends")
        if check.after and first == last:  # what followed is counted from the last value up to the day
            days = lines.values(check.line.bare, self.end).days
            first = last = next(reversed(days[days <= last]), last)
        self.window = slice(first, last) if self.has_window else slice(None)
        is_last = self.word == "value" and not check.when and not check.after
        is_among_all = is_last or any(one in self.word for one in PLACES)
        self.among = slice(None) if is_among_all else self.window  # the days that the word is said of

    def chosen(self, values: Any) -> Any:  # noqa: ANN401  # a series or frame
        """Return what is from `start`, in the days that are asked about."""
        return values.loc[self.start :].loc[self.among]

    def days(self, values: Values) -> Series:
        """Mark which of the chosen days meet the conditions, cooled off."""
        met = self.lines.days_when(values, self.check.when, self.end).loc[self.start :]
        if self.check.quiet and self.check.when:
            met[met] = np.isin(np.arange(met.sum()), cases.spaced(np.flatnonzero(met), self.check.quiet + 1))
        return met.loc[self.among]

    def say(self, found: Values, met: Series, path: Series, test: Test = sign_flip, length: int = 0) -> Reading:
        """Say the word that is asked for, of the days that are met or their excess; cases less than `length` apart overlap."""
        check, word, kind, path = self.check, self.word, found.kind, path.loc[self.start :].dropna()
        late, base = self.begins_late and word != "value", 0.0
        days = path.index if late else self.chosen(path).index
        first, last = (days[0], days[-1]) if len(days) else (self.end, self.end)
        outcomes = found.series.reindex(met.index)
        x, others = outcomes[met], outcomes[~met].dropna()
        x = x if found.noun == "episodes" and word in OF_DAYS[:3] else x.dropna()
        events = None if found.noun == "values" else x.rename(kind)
        reading = Reading(np.nan, kind, len(x), first, last, found.noun, begins_late=late, events=events,
                          path=None if check.says_date else path)  # fmt: skip  # of a day there is none to draw
        if word in ("count", "share"):
            calendar = all(one.word in CALENDAR and not one.line for one in check.when)
            are_changes = check.after or found.noun == "years" or (kind in CHANGES and calendar)  # whatever the value
            op = check.say["op"] or ("above" if word == "share" and are_changes else "")
            bound, kind = amount(check.say["x"] or "0", kind) if op else 0.0, word
            x, others = (of_lines.BOUNDS[op](one, bound) for one in (x, others)) if op else (met, others)
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
            sure = test(x - base)
            return replace(reading, value=sure.value).sure(sure)
        apart = x.iloc[cases.spaced(found.days.get_indexer(x.index), length)] if length else x
        sure = cases.median(apart) if word == "median" else cases.share(int(apart.sum()), len(apart))
        return reading.sure(sure, base)

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
            found = years_to(x, x[day])
            return replace(reading, value=found.value, kind="year", cases="episodes").sure(found)
        others = x[x.index != day] if self.check.to else x[x.index < day]
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
    if values.kind or not check.when or word not in OF_DAYS or check.say["op"]:
        values = values.known()
        met = met[met.index.isin(values.days)]
    if not check.when:
        if values.noun == "runs" and word != "value":
            met = met[met.index.isin(history.run_ends(values.series.loc[asked.start :]).index)]
        return asked.say(replace(values, noun="values"), met, values.series, cosine_mean)
    path = values.series.loc[met.index[0] :] if len(met) else values.series
    lengths = history.spell_lengths(met).astype(float)
    if word == "longest":
        ends = history.run_ends(lengths) if met.any() else lengths[-1:]
        return asked.say(values.of(ends, values.period), ends.notna(), path)
    if word == "since":  # the first day of the run that is under way
        asked.word, met = "first date", met & (np.arange(len(met)) >= len(met) - lengths[-1:].sum())
    runs = (met != met.shift()).cumsum()[met]
    return asked.say(replace(values, noun="cases"), met, path, partial(sign_flip, groups=runs))


def _what_followed(asked: Question, after: Phrase) -> Reading:
    """Say something of what followed the days that meet a condition, or all days where there is none."""
    check, lines, line = asked.check, asked.lines, asked.check.outcome.bare
    values = lines.values(line, asked.end)
    if after["date"]:  # as many sessions; those after the data are the exchange's
        until, period = pd.Timestamp(after["date"][1]), values.period
        days = values.days if until <= asked.end else exchange_sessions()
        n = int(((days > asked.last) & (days <= until)).sum())
        if not n or (period != "session" and until > asked.end):
            said = f"{after.text} is no span from {asked.last.date()}"
            raise ParameterError(f"after: {said}; write a number of {period}s")
        after = read("after", f"{n} {after['path']}")
    if asked.uncertain and asked.word == "value" and not check.asked:
        raise ParameterError("say: a tendency or forecast is judged by many cases: say mean, median or share")
    ahead, path = lines.values(replace(line, take=(after,)), asked.end), values.series
    index, days = ahead.days, asked.chosen(ahead.series).index
    if check.when:
        met = asked.days(lines.values(check.line, asked.end))
        rows = index.searchsorted(met.index[met & (met.index >= index[:1].min())])  # of another calendar
        days, path = index[rows[rows < len(index)]], path.loc[max([*index[:1], *met.index[:1]], default=asked.end) :]
    met = (ahead.series.notna() & index.isin(days)).loc[asked.start :]
    length = round(abs(after.number("n")) * YEAR[ahead.period] / YEAR[after["unit"] or ahead.period])
    is_plain = values.kind in ("level", "") and not (after["unit"] or after["path"])
    events = [one["event"] for one in check.when if one["event"] and one.line is None]
    test = partial(
        mean_outcome, length=length, horizon=after.number("n"), days=values.days if check.when else None,
        prices=[one.series for one in lines.legs(line, asked.end)] if is_plain else (),
        cycles=of_lines.decisions(events[0], asked.end) if events else None, less_base=bool(check.excess),
    )  # fmt: skip
    return asked.say(ahead, met, path, test, length)


def _of_seasons(asked: Question) -> Reading:
    """Say something of a season's change, a case a year; a condition is about another season of it, or the close before."""
    check, lines, end, line = asked.check, asked.lines, asked.end, asked.check.outcome.bare
    season = check.outcome.take[0]
    if asked.word == "since":
        raise ParameterError("say: since is of days, not of seasons: say date, first date or highest since")
    path = lines.values(line, end).series.dropna()
    index, changed = Days(path.index), lines.values(check.outcome, end)
    inside, year, listed = cases.seasons(index, next_session(index[-1]), *season["season"])
    met = index[listed["before"] + 1].isin(asked.chosen(path).index)
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
    found = season_less_rest(daily[used], inside[used], year[used])
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
    if found[0].begins_late:
        raise InsufficientDataError(f"the data begins on {found[0].first.date()}, after {check.start}")
    rank = 1.0 + sum(sign * one.value > sign * found[0].value for one in found)
    return replace(found[0], value=rank, kind="rank", n=len(cycle), cases=f"{own.word.rstrip('s')}s")


def _association(asked: Question, step: Phrase) -> Reading:
    """Say the correlation of a line's changes with another's, or their slope on several, over all of the history."""
    (*before, _), names = asked.check.line.take, (step["names"] or step["name"]).split()
    if asked.check.when or asked.check.after:
        raise ParameterError(f"take: `{step.text}` is of the whole history, without `when` or `after`")
    values = asked.lines.values(replace(asked.check.line, take=tuple(before)), asked.end).known()
    columns = asked.lines.changes(values, before, names, asked.end)
    frame = asked.chosen(pd.concat(columns, axis=1, keys=["y", *names], sort=True)).dropna()
    y = frame["y"]
    if step["name"]:
        block = min(24 if values.period == "month" else 63, max(len(frame) // 6, 5))
        found: Any = correlation(y, frame[names[0]], block=block, seed=asked.lines.seed)
    else:
        found = ols(y, frame[names], "wild").loc[names[0]]
    reading = replace(asked.say(values.of(y), y.notna(), y, cosine_mean), value=found.value, kind="correlation")
    return reading.sure(found) if asked.uncertain else reading


def _of_special(asked: Phrase, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say something of a normal variate, or of companies from the study of their debt, as known on the day."""
    if asked.word == "normal tail":
        from scipy.special import ndtr

        return Reading(float(ndtr(-amount(asked["x"], "sigma"))), "share", 0, day, day)
    stress = {"stress_bp": asked.number("bp"), "stress_share": int(asked["share"]) / 100} if asked["bp"] else {}
    study = lines.companies(day.date(), prices=bool(asked["name"]), fiscal_year=asked.number("year"), **stress)
    if asked["name"]:
        return Reading(**study.double_edge(lines.raw(asked["name"]).series, asked["move"]), uncertain=True)
    return Reading(**study.figure_of(asked.word, asked["group"]))
