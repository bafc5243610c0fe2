"""From a check to its readings: what the data gives on each definition, by the same functions as the studies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data.calendar import exchange_sessions
from research_lib.errors import InsufficientDataError, ParameterError
from research_lib.stats import cases, cross_section, history
from research_lib.stats.bootstrap import correlation
from research_lib.stats.estimate import Estimate
from research_lib.stats.event_study import event_study
from research_lib.stats.extremes import calendar_years, return_period, return_periods
from research_lib.stats.randomization import season_less_rest, sign_flip
from research_lib.stats.regression import cosine_mean, ols
from research_lib.studies.claims.language import Check, Choices, Line, Phrase, read, read_span, read_years, write
from research_lib.studies.claims.lines import (
    CHANGED,
    CHANGES,
    STATES,
    YEAR,
    Days,
    Lines,
    Series,
    Values,
    amount,
    bare,
    days_when,
    decisions,
    meets,
    season_days,
)

STALE_DAYS = {"session": 7, "week": 21, "month": 92, "quarter": 200}  # holidays; and series come out with a delay
LATE_DAYS = {"quarter": 45 + 92, "year": 45 + 366}  # by which a history may begin after the day that the claim names
FEW_CYCLES = 20
TAIL_SHARE = 0.99  # of the history lies below the threshold of a return period
PUBLISHED_BY = 5  # the month by which the statements of the year before are out
LEAST_BREAKOUT = 3  # closes that a resistance is drawn from
DAY_WORDS = {"count", "share", "longest", "since", "date", "first date", "previous date"}  # not about a line's values
CALENDAR = {"season", "years", "weekday", "session of", "same session of", "on", "policy"}  # nor are these conditions


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
    base: float = np.nan  # what an excess is held against
    uncertain: bool = False  # an interval was asked for, though the cases may be too few for one
    begins_late: bool = False  # the claim names an earlier start of history than the data has
    ties: int = 0  # earlier values equal to a ranked one
    higher: Days | None = field(default=None, compare=False)  # the days that outrank it
    path: Series | None = field(default=None, compare=False)  # the line up to the day
    events: Series | None = field(default=None, compare=False)  # the cases


@dataclass(frozen=True)
class Cases:
    """What something is said of: a line's values through time, or single cases among them."""

    values: Series
    kind: str
    first: pd.Timestamp  # of the history
    path: Series  # the line
    noun: str = "cases"
    total: int = 0  # of the periods that they are among
    apart: Series | None = None  # those of outcomes that do not overlap
    signed: bool = False  # a share is of those above zero, where it names no bound
    base: float = np.nan  # what an excess is held against
    estimate: Estimate | None = None


def read_all(check: Check, lines: Lines, day: pd.Timestamp, *, uncertain: bool = False) -> list[Reading]:
    """Return a check's readings as known at the close of a day; a tie with a record makes two, where it matters."""
    found, ties = _read(check, lines, day, uncertain), read("when", "record with ties")
    tied = tuple(replace(one, phrase=ties) if one.phrase.word == "record" else one for one in check.when)
    if tied == check.when or check.after is not None or check.say.word not in ("count", "share"):
        return [found]
    other = _read(replace(check, when=tied), lines, day, uncertain)
    both = [replace(one, choices=(("ties", name),)) for one, name in ((found, "not counted"), (other, "counted"))]
    return [found] if other.value == found.value else both


def _read(check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> Reading:
    if check.special is not None:
        return _of_special(check.special, lines, day)
    asked, last = Question(check, lines, day, uncertain), check.line.take[-1] if check.line.take else None
    season = next((one.phrase for one in check.when if one.phrase.word == "season" and one.line is None), None)
    if last is not None and last.word in LAST_STEPS and not (last["name"] and last["k"]):
        return LAST_STEPS[last.word](asked, last, replace(check.line, take=check.line.take[:-1]))
    if check.after is not None:
        return asked.say(_what_followed(asked, check.after))
    if season is not None and last is None:
        return asked.say(_seasons(asked, season))
    return _on_days(asked) if check.when else _through_time(asked)


class Question:
    """A check on a day: the history that it looks at, from `start` to `end`, and the days that it asks about."""

    def __init__(self, check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> None:
        self.check, self.lines, self.uncertain, self.word = check, lines, uncertain, check.say.word
        span = check.asked and (pd.Timestamp(check.asked[0]), min(pd.Timestamp(check.asked[1]), day))
        if span and span[0] > day:
            raise ParameterError(f"at: {span[0].date()} is after {day.date()}, the last day that the article knew")
        ends = [pd.Timestamp(check.to)] if check.to else [span[1]] if span and not check.after else [day]
        self.end, self.last_asked = min(day, *ends), span[1] if span else day
        if span and span[0] == span[1] and check.after:  # what followed is counted from the last value up to the day
            days = lines.pair(check.line, self.end)[0].known().days
            span = (max(days[days <= span[1]], default=span[1]),) * 2
        self.window = slice(*span) if span and (span[0] < span[1] or check.to or check.after) else None
        self.places_day = any(word in self.word for word in ("rank", "since", "percentile", "as far", "return period"))
        self.named = None if check.start is None else pd.Timestamp(check.start)
        self.begins = []  # when each condition's line does, and its period
        for one in check.when:
            if one.line is not None:  # a season's change stands on its last day
                values = lines.pair(bare(one.line), self.end)[0] if one.is_of_season else self.known(one.line)
                self.begins.append((values.known().days[0], values.period))
        self.start = max([*filter(None, [self.named]), *(first for first, _ in self.begins)], default=None)

    def known(self, line: Line | str) -> Values:
        """Return a line up to the end, or a price or series; one that has no value, or stopped long before, is said."""
        values = self.lines.raw(line) if isinstance(line, str) else self.lines.values(line, self.end)
        days = values.series.loc[: self.end].dropna().index
        if not len(days) or (self.end - days[-1]).days > STALE_DAYS.get(values.period, 366):
            ends = f"ends on {days[-1].date()}, before" if len(days) else "has no value up to"
            raise InsufficientDataError(f"{self.lines.title(line)} {ends} {self.end.date()}")
        return values

    def chosen(self, days: Days) -> NDArray[np.bool_]:
        """Mark the days from `start`, in the window that is asked about; a rank is among all days from `start`."""
        chosen = np.ones(len(days), dtype=bool) if self.start is None else np.asarray(days >= self.start)
        if self.window is not None and not self.places_day:
            chosen &= np.asarray((days >= self.window.start) & (days <= self.window.stop))
        return chosen

    def looked_at(self, line: Line) -> Values:
        """Return what conditions are about; of two prices with no step the days alone."""
        left, right = self.lines.pair(line, self.end)
        return left if right is not None and left.kind == "level" and not line.take else self.known(line)

    def days(self, line: Line) -> "pd.Series[bool]":
        """Mark the chosen days that meet the conditions, cooled off."""
        met = days_when(self.lines, self.looked_at(line), self.check.when, self.end).loc[self.start :]
        if self.check.quiet:
            rows = np.flatnonzero(met.to_numpy())
            kept = rows[cases.spaced(rows, self.check.quiet + 1)]
            met = pd.Series(np.isin(np.arange(len(met)), kept), index=met.index)
        return met[self.chosen(Days(met.index))]

    def say(self, found: Cases) -> Reading:
        """Say the word that is asked for, of values through time or of cases."""
        word, x, kind, shift = self.word, found.values, found.kind, 0.0
        begins = [(found.first, self.check.line.every), *self.begins]
        named = self.named or max(begins)[0]
        late = word != "value" and any((day - named).days > LATE_DAYS.get(period, 45) for day, period in begins)
        first, last = self._taken_from(found, whole=late)
        parts: dict[str, Any] = {"cases": found.noun, "base": found.base, "path": found.path, "begins_late": late}
        parts |= {"n": len(x), "first": first, "last": last, "events": None if found.noun == "values" else x}
        if self.check.excess:
            kind, shift = CHANGED.get(kind, kind), found.base
        if found.estimate is not None:
            return Reading(found.estimate.value, kind, **parts | _interval(found.estimate))
        if found.noun == "values" and not self.places_day and word != "value":
            parts["n"] = len(x := self._asked_about(x))
        if word in ("count", "share"):
            return self._count(x, found, shift, parts)
        if not len(x):
            if self.check.says_date:
                return Reading(None, "day", **parts)
            raise InsufficientDataError(f"there is no case of it from {first.date()} to {last.date()}")
        if word not in SUMMARIES:
            return self._place(x, parts)
        if word == "total" and found.kind not in CHANGES:
            raise ParameterError(f"say: total compounds changes, and the line gives a {found.kind}")
        if self.uncertain and word == "median":
            parts |= _interval(cases.median(x if found.apart is None else found.apart), shift)
        return Reading(float(SUMMARIES[word](x)) - shift, kind, **parts)

    def _taken_from(self, found: Cases, *, whole: bool) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Return the first and the last day that the cases are taken from, if no line stopped long before."""
        for name in self.check.names():
            self.known(name)
        begin, end = max(found.first, self.start or found.first), self.end
        if self.window is not None and not (whole or self.places_day or (self.word, found.noun) == ("value", "values")):
            begin, end = max(begin, self.window.start), min(end, self.window.stop)
        days = found.path.loc[begin:end].index
        return (days[0], days[-1]) if len(days) else (begin, end)

    def _count(self, x: Series, found: Cases, shift: float, parts: dict[str, Any]) -> Reading:
        """Count the cases, or those beyond a bound; a share is of them, or of all periods that they are among."""
        word, say = self.word, self.check.say
        bound = say["op"] or ("above" if found.signed and word == "share" else "")
        hits = meets(x, bound, say["x"] or "0", found.kind) if bound else x.notna()
        n = len(x) if bound else found.total
        if word == "count":
            return Reading(float(hits.sum()) - shift, word, **parts)
        if not n:
            raise InsufficientDataError(f"there is no case of it up to {self.end.date()}")
        if self.uncertain:
            hit = hits if found.apart is None else hits[x.index.isin(found.apart.index)]
            parts |= _interval(cases.share(int(hit.sum()), len(hit) if bound else n), shift)
        return Reading(float(hits.sum()) / n - shift, word, **parts)

    def _asked_about(self, x: Series) -> Series:
        asked = x if self.window is None else x.loc[self.window]
        if not len(asked):
            span = write(self.check.asked or f"from {self.start}")
            raise InsufficientDataError(f"it has no value in the days asked about, {span}")
        return asked

    def _place(self, x: Series, parts: dict[str, Any]) -> Reading:
        """Say where the day that is asked about, or the extreme of a window, stands in the history up to it."""
        word, dates, x = self.word, Days(x.index), -x if "lowest" in self.word else x
        if "date" in word and parts["cases"] != "values":
            row = {"first date": 0, "previous date": -2}.get(word, -1)
            return Reading(dates[row] if len(x) >= abs(row) else None, "day", **parts)
        asked = x.iloc[-1:] if self.window is None and "date" not in word else self._asked_about(x)
        day = Days(asked.index)[int(asked.argmax())]
        if "date" in word:
            return Reading(day, "day", **parts)
        others = x[dates != day] if self.check.to else x[dates < day]
        stands = history.rank_in_history(pd.concat([others, x[dates == day]]), gap=self.check.quiet)
        if word == "return period":
            threshold = float(x.quantile(TAIL_SHARE if stands.value > 0 else 1 - TAIL_SHARE))
            found = return_period(return_periods(x, stands.value, threshold), threshold, calendar_years(dates))
            return Reading(found.value, "year", **parts | {"cases": "episodes"} | _interval(found))
        if "rank" in word:
            rank = 1 + stands.higher_episodes if self.check.quiet else stands.rank
            higher = Days(others.index[others > stands.value])
            return Reading(float(rank), "rank", ties=stands.ties, higher=higher, **parts)
        if "since" in word:
            return Reading(stands.highest_since, "day", **parts)
        far = stands.rank if stands.percentile >= 0.5 else stands.lowest_rank
        value = stands.percentile if word == "percentile" else (far + stands.ties) / stands.n
        return Reading(value, "share", **parts)


SUMMARIES: dict[str, Callable[[Series], Any]] = {
    "value": lambda x: x.iloc[-1],
    "mean": lambda x: x.mean(),
    "median": lambda x: x.median(),
    "deviation": lambda x: x.std() if np.isfinite(x).all() else np.nan,
    "total": lambda x: prod(1.0 + x) - 1,
    "highest": lambda x: x.max(),
    "lowest": lambda x: x.min(),
    "longest": lambda x: x.max(),
}


def _through_time(asked: Question) -> Reading:
    """Say something of all values of a line; of runs, each counts once, at its end."""
    values = asked.known(asked.check.line)
    x = path = values.series.loc[asked.start :].dropna()
    if values.runs and asked.word != "value":
        x = x[np.append(np.diff(x.to_numpy()) < 0, True) & (x > 0).to_numpy()]
    estimate = cosine_mean(x[asked.chosen(Days(x.index))]) if asked.uncertain and asked.word == "mean" else None
    first, signed = values.known().days[0], values.kind in CHANGES
    return asked.say(Cases(x, values.kind, first, path, "values", len(x), signed=signed, estimate=estimate))


def _on_days(asked: Question) -> Reading:
    """Say something of the days that meet a condition."""
    met, is_about_days = asked.days(asked.check.line), asked.word in DAY_WORDS and not asked.check.say["op"]
    values = (asked.looked_at if is_about_days else asked.known)(asked.check.line)
    path, runs, first = values.series.loc[asked.start :], history.spells(met), values.known().days[0]
    if asked.word == "longest":
        lengths = pd.Series(runs["length"].to_numpy(dtype=float), index=Days(runs["start"]))
        none = pd.Series([0.0], index=path.index[-1:])
        return asked.say(Cases(lengths if len(runs) else none, values.period, first, path, "values"))
    if asked.word == "since":
        start = runs["start"].iloc[-1] if len(runs) and runs["ongoing"].iloc[-1] else None
        return Reading(start, "day", len(path), first, asked.end, path=path)
    x, signed = values.series[met.index][met], values.kind in CHANGES
    signed &= all(one.phrase.word in CALENDAR and one.line is None for one in asked.check.when)
    is_tested = asked.uncertain and asked.word == "mean" and len(x) > 0
    estimate = sign_flip(x, groups=(met != met.shift()).cumsum()[met]) if is_tested else None
    return asked.say(Cases(x, values.kind, first, path, total=len(met), signed=signed, estimate=estimate))


def _what_followed(asked: Question, after: Phrase) -> Cases:
    """Find what followed the days that meet a condition, or all days where there is none."""
    check, lines, line = asked.check, asked.lines, bare(asked.check.then or asked.check.line)
    path = lines.pair(line, asked.end)[0].series
    if after["date"]:
        until = pd.Timestamp(read_span(after["date"])[1])
        days = Days(path.index) if until <= asked.end else exchange_sessions()
        n = int(((days > asked.last_asked) & (days <= until)).sum())
        if not n:
            raise ParameterError(f"after: {after.text} is not after {asked.last_asked.date()}")
        after = read("after", f"{n} {after['path']}")
    ahead = lines.values(replace(line, take=(after,)), asked.end)
    if not len(ahead.days):
        raise InsufficientDataError(f"{lines.title(line)}: no {after.text} are over by {asked.end.date()}")
    index, first = ahead.days, ahead.days[0]
    rows = np.flatnonzero(asked.chosen(index))
    if check.when:
        met = asked.days(check.line)
        rows = np.unique(index.searchsorted(met.index[met & (met.index >= first)]))  # perhaps of another calendar
        rows, first = rows[rows < len(index)], max([first, *met.index[:1]])
    found = ahead.series.iloc[rows].dropna()
    length = round(abs(after.number("n")) * YEAR[ahead.period] / YEAR[after["unit"].rstrip("s") or ahead.period])
    apart = found.iloc[cases.spaced(index.get_indexer(found.index), length)]
    base, estimate = np.nan, None
    if check.excess:
        others = ahead.series.loc[asked.start :].drop(index[rows]).dropna()
        if asked.word == "share":
            others = meets(others, check.say["op"] or "above", check.say["x"] or "0", ahead.kind)
        base = float(others.median() if asked.word == "median" else others.mean())
    if asked.uncertain and asked.word == "mean" and len(found):
        excess = found - base if check.excess else found
        estimate = _mean_outcome(asked, line, after, rows, excess, length)
    more: dict[str, Any] = {"total": len(rows), "apart": apart, "base": base, "estimate": estimate}
    return Cases(found, ahead.kind, first, path, signed=True, **more)


def _mean_outcome(asked: Question, line: Line, after: Phrase, rows: Any, found: Series, length: int) -> Estimate:  # noqa: ANN401
    """Test a mean of outcomes as the event study does: few cycles of policy by signs, many events by a dummy."""
    left, right = asked.lines.pair(line, asked.end)
    if left.kind != "level" or after["unit"] or after["path"] or not asked.check.when:
        apart = np.diff(left.series.index.get_indexer(found.index), prepend=-length) >= length
        return sign_flip(found, groups=np.cumsum(apart))
    rows, groups, test = rows[rows > 0], None, "dummy"
    events = [one.phrase["event"] for one in asked.check.when if one.phrase["event"] and one.line is None]
    if events and events[0] not in STATES and len(found) <= FEW_CYCLES:
        cycles = decisions(events[0], asked.end)
        before = cycles.index.searchsorted(left.series.index[rows], side="right") - 1
        groups = cycles.to_numpy()[np.maximum(before, 0)]
        test = "sign flip from base" if asked.check.excess else "sign flip"
    returns, less = (None if one is None else one.series.pct_change().iloc[1:] for one in (left, right))
    study: Any = event_study
    row = study(returns, rows - 1, [after.number("n")], less=less, groups=groups, test=test).iloc[0]
    return _estimate(row, 0.0 if asked.check.excess or test == "sign flip" else row["base"])


def _seasons(asked: Question, season: Phrase) -> Cases:
    """Find the change over a season, a case a year.

    Another season's condition is about the last of them that is over with this one; any other, about the close before.
    """
    line = bare(asked.check.then or asked.check.line)
    changed = asked.lines.values(replace(line, take=(season,)), asked.end).known()
    daily = asked.lines.values(replace(line, take=(read("take", "change 1"),)), asked.end).series
    index, x = Days(daily.index), changed.series
    inside, year, _ = season_days(index, season["season"])
    ends = index.get_indexer(changed.days)
    years = year[ends]
    begins = pd.Series(np.flatnonzero(inside)).groupby(year[inside]).min()[years].to_numpy()
    keep = asked.chosen(index)[begins]
    for one in asked.check.when:
        if one.phrase.word == "years":
            keep &= np.isin(years, list(read_years(one.phrase["years"])))
        elif one.phrase is not season:
            known = asked.lines.values(one.line or line, asked.end).known()
            met = days_when(asked.lines, known, (replace(one, line=None),), asked.end).astype(float)
            keep &= met.reindex(index, method="ffill").to_numpy()[ends if one.is_of_season else begins - 1] > 0
    x, years = x[keep], years[keep]
    estimate = sign_flip(x) if asked.uncertain and asked.word == "mean" and len(x) else None
    if asked.check.excess:
        used = np.isin(year, years)
        rest = season_less_rest(daily.fillna(0.0)[used], inside[used], year[used])
        length = inside[used].sum() / max(len(years), 1)
        estimate = Estimate(rest.value * length, rest.n, rest.low * length, rest.high * length)
    path = asked.lines.pair(line, asked.end)[0].series
    return Cases(x, changed.kind, index[0], path, "years", len(x), signed=True, estimate=estimate)


def _falls(asked: Question, step: Phrase, line: Line) -> Reading:
    """Say something of the falls of a line from its peaks, or of its rises; one under way has no known size yet."""
    series, is_fall = asked.known(line).series.dropna(), step.word == "fall episodes"
    size = abs(amount(step["x"].rstrip("% ") + "%", "fraction"))
    if not 0 < size < 1:
        raise ParameterError(f"take: `{step.text}`: a fall is of more than 0% and less than 100%")
    falls = history.fall_episodes(series, size)
    opens, closes = (Days(falls[name]) for name in ("peak", "trough"))
    if not is_fall:  # from the trough of one to the peak of the next
        opens, closes = closes[:-1], opens[1:]
    ends = series.index.get_indexer(closes) - series.index.get_indexer(opens)
    sizes = series[closes].to_numpy() / series[opens].to_numpy() - 1
    frame = pd.DataFrame({"size": sizes, "length": ends}, index=opens)
    frame = frame[asked.chosen(opens)]
    if asked.word != "count" and is_fall and len(falls) and falls["ongoing"].iloc[-1]:
        frame = frame.drop(opens[-1:], errors="ignore")
    is_length = asked.word == "longest" or step["what"]
    column, kind = ("length", asked.known(line).period) if is_length else ("size", "fraction")
    noun = "falls" if is_fall else "rises"
    return asked.say(Cases(frame[column].astype(float), kind, series.index[0], series, noun, len(frame)))


def _breakout(asked: Question, step: Phrase, line: Line) -> Reading:
    """Hold a line against a resistance on each day that is asked about, drawn anew from the days before it."""
    series, k = asked.known(line).series.dropna(), step.number()
    rows = np.arange(len(series))[-1:] if asked.window is None else np.flatnonzero(series.index >= asked.window.start)
    if k < LEAST_BREAKOUT:
        raise ParameterError(f"take: `{step.text}`: a resistance is drawn from {LEAST_BREAKOUT} values or more")
    if not (series > 0).all():
        raise ParameterError(f"take: `{step.text}`: a resistance is drawn through values above zero")
    if not len(rows) or rows[0] < k:
        raise InsufficientDataError(f"a breakout over {k} sessions needs more of them than {len(series) - 1}")
    found = [history.breakouts(series.iloc[row - k : row + 1], k)["value"][step["line"]] for row in rows]
    x = pd.Series(found, index=series.index[rows]).dropna()
    return asked.say(Cases(x, "fraction", series.index[rows[0] - k], series, "values", len(x)))


def _association(asked: Question, step: Phrase, line: Line) -> Reading:
    """Return the correlation of a line's changes with another's, or their slope on several, over all of the history."""
    values, names, before = asked.known(line), (step["names"] or step["name"]).split(), (line.take or (None,))[-1]
    frame = pd.concat(asked.lines.changes(values, before, names, asked.end), axis=1, keys=["y", *names], sort=True)
    frame = frame[asked.chosen(Days(frame.index))].dropna()
    if not len(frame):
        raise InsufficientDataError(f"{asked.lines.title(line)} has no day in common with {', '.join(names)}")
    if step["name"]:
        block = min(24 if values.period == "month" else 63, max(len(frame) // 6, 5))
        found = correlation(frame["y"], frame[names[0]], block=block, seed=asked.lines.seed)
    else:
        found = _estimate(ols(frame["y"], frame[names], "wild").loc[names[0]])
    y = frame["y"]
    return asked.say(Cases(y, "correlation", frame.index[0], y, "values", estimate=found))


LAST_STEPS: dict[str, Callable[[Question, Phrase, Line], Reading]] = {
    "fall episodes": _falls,
    "rise episodes": _falls,
    "breakout": _breakout,
    "slope on": _association,
    "correlation with": _association,
}


FIRMS = {  # where the study of companies' debt has each figure
    "net debt to EBITDA": ("by_year", "value"),
    "no EBITDA": ("by_year", "share_no_ebitda"),
    "due within a year": ("by_year", "due_within_year"),
    "interest cover": ("cover", "value"),
    "cover below 1": ("cover", "share_below_one"),
}


def _of_special(asked: Phrase, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say something of a normal variate, or of companies from the study of their debt, as known on the day."""
    if asked.word == "normal tail":
        from scipy.special import ndtr

        return Reading(float(ndtr(-amount(asked["x"], "sigma"))), "share", 0, day, day)
    bp, share, year = asked.number("bp"), int(asked["share"] or 50) / 100, asked.number("year")
    settings = {"fiscal_year": year, "stress_bp": bp or 200, "stress_share": share}
    is_of_returns = asked.word.startswith("double edge")
    study = _companies(lines, day, settings, with_prices=is_of_returns)
    if is_of_returns:
        moves = cross_section.rises_and_falls(lines.raw(asked["name"]).series, study.months)
        found = _estimate(cross_section.leverage_rate_interaction(study.slopes, moves).loc[asked["move"]])
        months = {"first": study.months[0], "last": study.months[-1], "cases": "months"}
        return Reading(found.value, "fraction", **months | _interval(found))
    newest = day.year - (1 if day.month >= PUBLISHED_BY else 2)
    if not year and study.fiscal_year < newest:
        raise InsufficientDataError(f"the newest statements are of fiscal {study.fiscal_year}, too old; name a year")
    name, column = FIRMS[asked.word.partition(" added")[0].removesuffix(" of firms")]
    frame = getattr(study, name)
    if bp:
        frame = study.stresses.query("rate_move_bp == @bp and debt_share == @share")
        frame = frame.assign(fiscal_year=study.fiscal_year)
        column = "added" if "added" in asked.word else "cover" if column == "value" else column
    rows = frame[frame["fiscal_year"] == study.fiscal_year].set_index("group")
    is_ratio, groups = column in ("value", "cover"), asked["group"].split(" minus ")
    values, n = [float(rows[column][group]) for group in groups], int(rows["n"][groups].sum())
    if np.isnan(values).any():
        raise InsufficientDataError(f"{asked.text}: it is not known of enough companies of fiscal {study.fiscal_year}")
    kind = "ratio" if is_ratio else "difference" if len(groups) > 1 or column == "added" else "share"
    span = (pd.Timestamp(study.fiscal_year, 1, 1), pd.Timestamp(study.fiscal_year, 12, 31))
    return Reading(values[0] - sum(values[1:]), kind, n, *span, f"companies {study.financials}")


def _companies(lines: Lines, day: pd.Timestamp, settings: Mapping[str, object], *, with_prices: bool) -> Any:  # noqa: ANN401
    """Return the study of companies' debt as of a day, on the claims' own source."""
    from research_lib.data.companies import MARKET, Companies, load_price_panel, load_statements
    from research_lib.data.load import load_prices_if_any
    from research_lib.studies.leverage import Leverage

    known = {"as_of": day.date()}
    found = lines.keep(("statements", day), lambda: load_statements(lines.source, **known))
    companies = Companies(found.values, None, None, None, "", None, (found.card,))
    if with_prices:
        market = load_prices_if_any(lines.source, [MARKET], **known)
        panel = lines.keep(("prices of companies", day), lambda: load_price_panel(lines.source, **known))
        companies = replace(companies, panel=panel, market=market[MARKET] if market else None)

    def make() -> Leverage:
        study = Leverage.from_params(**known, exclude_financials=companies.has_sectors, **settings)
        vars(study).update(source=lines.source, companies=companies)
        return study

    return lines.keep(("study", day, with_prices, *settings.values()), make)


def _estimate(row: Any, shift: float = 0.0) -> Estimate:  # noqa: ANN401  # of a frame
    return Estimate(row["value"] + shift, int(row["n"]), row["low"] + shift, row["high"] + shift)


def _interval(found: Estimate, shift: float = 0.0) -> dict[str, Any]:
    return {"n": found.n, "low": found.low - shift, "high": found.high - shift, "uncertain": True}
