"""From a check to its readings: choose days, find what each gives, and say one thing of that, by the studies' functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
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
from research_lib.stats.extremes import return_period, return_periods
from research_lib.stats.randomization import season_less_rest, sign_flip
from research_lib.stats.regression import cosine_mean, ols
from research_lib.studies.claims import language
from research_lib.studies.claims.language import YEAR, Check, Choices, Condition, Line, Phrase, read, read_span, write
from research_lib.studies.claims.lines import CHANGED, CHANGES, Days, Lines, Series, amount, decisions, meets, seasons

STALE_DAYS = {"session": 7, "week": 21, "month": 92, "quarter": 200}  # holidays; and series come out with a delay
LATE_DAYS = {"quarter": 45 + 92}  # by which a history may begin after the day that the claim names
FEW_CYCLES = 20
TAIL_SHARE = 0.99  # of the history lies below the threshold of a return period
PUBLISHED_BY = 5  # the month by which the statements of the year before are out
PANDAS = {"mean": "mean", "median": "median", "deviation": "std", "highest": "max", "longest": "max", "lowest": "min"}
OF_EACH = {"count", "date", "first date", "previous date"}  # also of a case whose value is not known yet
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
    uncertain: bool = False  # an interval was asked for, though the cases may be too few for one
    begins_late: bool = False  # the claim names an earlier start of history than the data has
    ties: int = 0  # earlier values equal to a ranked one
    higher: Days | None = field(default=None, compare=False)  # the days that outrank it, or share a place with the day
    path: Series | None = field(default=None, compare=False)  # the line up to the day
    events: Series | None = field(default=None, compare=False)  # the cases, named by their kind


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
    if check.say["what"]:
        return _rank_among(check, lines, day)
    take = check.line.take
    is_size = take and take[-1].word.endswith("episodes") and not (take[-1]["what"] or take[-1]["unit"])
    if check.say.word == "longest" and is_size:
        length = read("take", f"{take[-1].text} length")
        check = replace(check, line=replace(check.line, take=(*take[:-1], length)))
    asked = Question(check, lines, day, uncertain)
    season = next((one.phrase for one in check.when if one.phrase.word == "season" and one.line is None), None)
    if take and take[-1].word in ("correlation with", "slope on") and not take[-1]["k"]:
        return _association(asked, take[-1])
    if check.after is not None:
        return _what_followed(asked, check.after)
    return _seasons(asked, season) if season is not None and not take else _on_days(asked)


class Question:
    """A check on a day: the history that it looks at, from `start` to `end`, and the days that it asks about."""

    def __init__(self, check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> None:
        self.check, self.lines, self.uncertain, self.word = check, lines, uncertain, check.say.word
        span = check.asked and (pd.Timestamp(check.asked[0]), min(pd.Timestamp(check.asked[1]), day))
        if span and span[0] > day:
            raise ParameterError(f"at: {span[0].date()} is after {day.date()}, the last day that the article knew")
        self.end = min(day, pd.Timestamp(check.to or (span[1] if span and not check.after else day)))
        self.last_asked = span[1] if span else day
        begins, named = [self._begins(name) for name in check.names()], pd.Timestamp(check.start or day)
        self.begins_late = any((one - named).days > late for one, late in begins)
        self.start = max([one for one, _ in begins] + ([named] if check.start else []))
        if self.start > self.end:
            raise ParameterError(f"from: {self.start.date()} is after {self.end.date()}, where the history ends")
        if span and span[0] == span[1] and check.after:  # what followed is counted from the last value up to the day
            days = lines.pair(check.line, self.end)[0].known().days
            span = (max(days[days <= span[1]], default=span[1]),) * 2
        is_window = bool(check.asked and check.asked[0] < check.asked[1]) or check.to or check.after
        self.window: Any = slice(*span) if span and is_window else None
        self.places_day = any(word in self.word for word in ("rank", "since", "percentile", "as far", "return period"))

    def _begins(self, name: str) -> tuple[pd.Timestamp, int]:
        """Say when a price or series begins, and how much later than asked it may; one that stopped before the end is said."""
        values = self.lines.raw(name)
        days = values.series.loc[: self.end].dropna().index
        if not len(days) or (self.end - days[-1]).days > STALE_DAYS.get(values.period, 366):
            ends = f"ends on {days[-1].date()}, before" if len(days) else "has no value up to"
            raise InsufficientDataError(f"{self.lines.title(name)} {ends} {self.end.date()}")
        return days[0], LATE_DAYS.get(values.period, 45)

    def chosen(self, days: Days) -> NDArray[np.bool_]:
        """Mark the days from `start`, in the window that is asked about; a rank is among all days from `start`."""
        chosen = np.asarray(days >= self.start)
        if self.window is not None and not self.places_day:
            chosen &= np.asarray((days >= self.window.start) & (days <= self.window.stop))
        return chosen

    def days(self, line: Line) -> "pd.Series[bool]":
        """Mark the chosen days that meet the conditions, cooled off."""
        met = self.lines.days_when(self.lines.days_of(line, self.end), self.check.when, self.end).loc[self.start :]
        if self.check.quiet:
            rows = np.flatnonzero(met.to_numpy())
            kept = rows[cases.spaced(rows, self.check.quiet + 1)]
            met = pd.Series(np.isin(np.arange(len(met)), kept), index=met.index)
        return met[self.chosen(Days(met.index))]

    def say(  # noqa: PLR0913  # what is said of
        self, x: Series, kind: str, path: Series, noun: str = "cases", *, total: int = 0, apart: Series | None = None,
        signed: bool = False, base: float = np.nan, estimate: Estimate | None = None,
    ) -> Reading:  # fmt: skip
        """Say the word that is asked for: of values through time, or of cases; `apart` are outcomes that do not overlap."""
        word, op, through_time = self.word, self.check.say["op"], noun == "values"
        late, path = self.begins_late and word != "value", path.loc[self.start :].dropna()
        is_of_all = late or self.places_day or (word == "value" and through_time) or self.window is None
        days = (path if is_of_all else path.loc[self.window]).index
        first, last = (days[0], days[-1]) if len(days) else (self.end, self.end)
        x = x if word in OF_EACH and not op else x.dropna()
        if through_time and not self.places_day and word != "value" and estimate is None:
            x = self._asked_about(x)
        parts: dict[str, Any] = {"cases": noun, "path": path, "begins_late": late, "first": first, "last": last}
        parts |= {"n": len(x), "events": None if through_time else x.rename(kind)}
        shown, shift = (CHANGED.get(kind, kind), base) if self.check.excess else (kind, 0.0)
        if estimate is not None:
            return Reading(estimate.value, shown, **parts | (_interval(estimate) if self.uncertain else {}))
        bound = op or ("above" if signed and word == "share" else "")
        if word == "count" or (word == "share" and (len(x) if bound else total)):
            hits = meets(x, bound, self.check.say["x"] or "0", kind) if bound else pd.Series(True, x.index)
            tested = hits if apart is None else hits[apart.index]
            n, n_tested = (len(x), len(tested)) if bound else (total, total if apart is None else len(apart))
            if self.uncertain and word == "share":
                parts |= _interval(cases.share(int(tested.sum()), n_tested), shift)
            return Reading(float(hits.sum()) / (n if word == "share" else 1) - shift, word, **parts)
        if len(x):
            return self._summary(x, shown, apart, shift, parts)
        if self.check.says_date:
            return Reading(None, "day", **parts)
        raise InsufficientDataError(f"there is no case of it from {first.date()} to {last.date()}")

    def _summary(self, x: Series, kind: str, apart: Series | None, shift: float, parts: dict[str, Any]) -> Reading:
        value: Any = np.nan
        if (word := self.word) == "total":
            if kind not in CHANGES:
                raise ParameterError(f"say: total compounds changes, and the line gives a {kind}")
            value = prod(1.0 + x) - 1
        elif word == "value":
            value = float(x.iloc[-1]) - shift
        elif word not in PANDAS:
            return self._place(x, parts)
        elif word != "deviation" or np.isfinite(x).all():
            value = getattr(x, PANDAS[word])() - shift
        if self.uncertain and word == "median":
            parts |= _interval(cases.median(x if apart is None else apart), shift)
        return Reading(float(value), kind, **parts)

    def _asked_about(self, x: Series) -> Series:
        asked = x if self.window is None else x.loc[self.window]
        if not len(asked):
            raise InsufficientDataError(
                f"it has no value in the days asked about, {write(self.check.asked or self.start)}"
            )
        return asked

    def _place(self, x: Series, parts: dict[str, Any]) -> Reading:
        """Say where the day that is asked about, or the extreme of a window, stands in the history up to it."""
        word, dates, x = self.word, Days(x.index), -x if "lowest" in self.word else x
        is_start = word == "since" and self.check.when and not self.check.after
        if parts["cases"] != "values" and (is_start or word in DAY_WORDS - {"since"}):
            row = {"first date": 0, "since": 0, "previous date": -2}.get(word, -1)
            return Reading(dates[row] if len(x) >= abs(row) else None, "day", **parts)
        asked = x.iloc[-1:] if self.window is None and "date" not in word else self._asked_about(x)
        day = Days(asked.index)[int(asked.argmax())]
        if "date" in word:
            return Reading(day, "day", higher=Days(asked.index[asked == asked.max()]), **parts)
        others = x[dates != day] if self.check.to else x[dates < day]
        stands = history.rank_in_history(pd.concat([others, x[dates == day]]), gap=self.check.quiet)
        if word == "return period":
            if not np.isfinite(x).all():
                raise ParameterError("say: return period: on some days the line is never reached")
            threshold = float(x.quantile(TAIL_SHARE if stands.value > 0 else 1 - TAIL_SHARE))
            found = return_period(return_periods(x, stands.value, threshold), threshold)
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


def _on_days(asked: Question) -> Reading:
    """Say something of a line's values, on all days or on those that meet a condition; a run or a fall is one case."""
    check, word, lines, line = asked.check, asked.word, asked.lines, asked.check.line
    is_about_days = bool(check.when) and word in DAY_WORDS and not check.say["op"]
    values = (lines.days_of if is_about_days else lines.values)(line, asked.end)
    is_mean, signed = asked.uncertain and word == "mean", values.kind in CHANGES
    if values.noun == "episodes":  # chosen by their first day
        x, met = values.series[asked.chosen(values.days)], lines.days_when(values, check.when, asked.end)
        x, price = x[met.reindex(x.index, fill_value=False)], lines.pair(line.bare, asked.end)[0].series
        return asked.say(x, values.kind, price, values.noun, total=len(x))
    path = values.known().series.loc[asked.start :]
    if not check.when:
        x = history.run_ends(path) if values.noun == "runs" and word != "value" else path
        estimate = cosine_mean(x[asked.chosen(Days(x.index))]) if is_mean else None
        return asked.say(x, values.kind, path, "values", total=len(x), signed=signed, estimate=estimate)
    met = asked.days(line)
    met = met[met.index.isin(path.index)]
    path = path.loc[met.index[0] :] if len(met) else path
    if word in ("longest", "since"):
        lengths = history.spell_lengths(met).astype(float)
        if word == "since":
            return asked.say(path[met.index][len(met) - int(lengths.iloc[-1]) :], values.kind, path)
        ends = history.run_ends(lengths)
        return asked.say(ends if len(ends) else lengths.iloc[-1:], values.period, path, "values")
    x = path[met.index][met]
    signed &= all(inner.phrase.word in CALENDAR and inner.line is None for one in check.when for inner in one.each())
    estimate = sign_flip(x, groups=(met != met.shift()).cumsum()[met]) if is_mean and len(x) else None
    return asked.say(x, values.kind, path, total=len(met), signed=signed, estimate=estimate)


def _what_followed(asked: Question, after: Phrase) -> Reading:
    """Say something of what followed the days that meet a condition, or all days where there is none."""
    check, lines, line = asked.check, asked.lines, (asked.check.then or asked.check.line).bare
    path = lines.pair(line, asked.end)[0].series
    if after["date"]:  # as many sessions; those after the data are the exchange's
        until = pd.Timestamp(read_span(after["date"])[1])
        days = Days(path.index) if until <= asked.end else exchange_sessions()
        if not (n := int(((days > asked.last_asked) & (days <= until)).sum())):
            raise ParameterError(f"after: {after.text} is not after {asked.last_asked.date()}")
        after = read("after", f"{n} {after['path']}")
    if asked.uncertain and asked.word == "value" and not check.asked:
        raise ParameterError("say: a tendency or forecast is judged by many cases: say mean, median or share")
    ahead = lines.values(replace(line, take=(after,)), asked.end)
    index, rows = ahead.days, np.flatnonzero(asked.chosen(ahead.days))
    if check.when:
        met = asked.days(check.line)
        rows = np.unique(index.searchsorted(met.index[met & (met.index >= index[:1].min())]))  # of another calendar
        rows, path = rows[rows < len(index)], path.loc[max([*index[:1], *met.index[:1]], default=asked.end) :]
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
    of: dict[str, Any] = {"total": len(rows), "apart": apart, "base": base, "estimate": estimate}
    return asked.say(found, ahead.kind, path, signed=True, **of)


def _mean_outcome(asked: Question, line: Line, after: Phrase, rows: Any, found: Series, length: int) -> Estimate:  # noqa: ANN401
    """Test a mean of outcomes as the event study does: few cycles of policy by signs, many events by a dummy."""
    left, right = asked.lines.pair(line, asked.end)
    if not asked.check.when:  # all days: outcomes that do not overlap say how sure the mean of all is
        spaced = found.iloc[:: max(length, 1)]
        return sign_flip(spaced + (found.mean() - spaced.mean()))
    if left.kind != "level" or after["unit"] or after["path"]:
        is_apart = np.diff(left.series.index.get_indexer(found.index), prepend=-length) >= length
        return sign_flip(found, groups=np.cumsum(is_apart))
    rows, groups, test = rows[rows > 0], None, "dummy"
    events = [one.phrase["event"] for one in asked.check.when if one.phrase["event"] and one.line is None]
    if events and len(found) <= FEW_CYCLES:
        cycles = decisions(events[0], asked.end)
        before = cycles.index.searchsorted(left.series.index[rows], side="right") - 1
        groups = cycles.to_numpy()[np.maximum(before, 0)]
        test = "sign flip from base" if asked.check.excess else "sign flip"
    returns, less = (None if one is None else one.series.pct_change().iloc[1:] for one in (left, right))
    study: Any = event_study
    row = study(returns, rows - 1, [after.number("n")], less=less, groups=groups, test=test).iloc[0]
    return _estimate(row, 0.0 if asked.check.excess or test == "sign flip" else row["base"])


def _seasons(asked: Question, season: Phrase) -> Reading:
    """Say something of a season's change, a case a year; a condition is about another season of it, or the close before."""
    check, lines, end = asked.check, asked.lines, asked.end
    line = (check.then or check.line).bare
    changed = lines.values(replace(line, take=(season,)), end).known()
    path = lines.pair(line, end)[0].known().series
    index = Days(path.index)
    inside, year, listed = seasons(index, season["season"])
    keep = asked.chosen(index)[listed["before"] + 1]
    for one in check.when:
        if one.phrase.word == "years":
            keep &= listed.index.isin(language.read_years(one.phrase["years"]))
        elif one.phrase is not season:
            known = lines.values(one.line or line, end).known()
            met = lines.days_when(known, (replace(one, line=None),), end).astype(float)
            place = "last" if known.noun == "years" else "before"
            keep &= met.reindex(index[listed[place]], method="ffill").to_numpy() > 0
    x, years = changed.series[keep], listed.index[keep]
    estimate = sign_flip(x) if asked.uncertain and asked.word == "mean" and len(x) else None
    if check.excess:
        daily = lines.values(replace(line, take=(read("take", "change 1"),)), end).series.reindex(index)
        used = np.isin(year, years)
        rest = season_less_rest(daily.fillna(0.0)[used], inside[used], year[used])
        length = inside[used].sum() / max(len(years), 1)
        estimate = Estimate(rest.value * length, rest.n, rest.low * length, rest.high * length)
    return asked.say(x, changed.kind, path, "years", total=len(x), signed=True, estimate=estimate)


def _rank_among(check: Check, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say the place of a month among the months by what it gives; so of a quarter, a weekday or a kind of year."""
    alike, texts = language.LIKE, [one.phrase.text for one in check.when]
    place = next((row for row, text in enumerate(texts) if text in alike), None)
    if place is None:
        raise ParameterError(
            f"say: `{check.say.text}` needs season Sep, season Q4, weekday Monday or the like in `when`"
        )
    before, after, own = check.when[:place], check.when[place + 1 :], check.when[place].phrase
    swapped = [(*before, Condition(read("when", text)), *after) for text in alike[own.text]]
    say, sign = read("say", check.say["what"]), -1 if "lowest" in check.say.word else 1
    found: list[Any] = [_read(replace(check, say=say, when=when), lines, day, False) for when in swapped]
    if found[0].begins_late:
        raise InsufficientDataError(f"the data begins on {found[0].first.date()}, after {check.start}")
    rank = 1.0 + sum(sign * one.value > sign * found[0].value for one in found)
    return replace(found[0], value=rank, kind="rank", n=len(found), cases=f"{own.word.rstrip('s')}s")


def _association(asked: Question, step: Phrase) -> Reading:
    """Say the correlation of a line's changes with another's, or their slope on several, over all of the history."""
    line, names = replace(asked.check.line, take=asked.check.line.take[:-1]), (step["names"] or step["name"]).split()
    if asked.check.when or asked.check.after:
        raise ParameterError(f"take: `{step.text}` is of the whole history, without `when` or `after`")
    values = asked.lines.values(line, asked.end).known()
    frame = pd.concat(asked.lines.changes(values, line.take, names, asked.end), axis=1, keys=["y", *names], sort=True)
    frame = frame[asked.chosen(Days(frame.index))].dropna()
    if not len(frame):
        raise InsufficientDataError(f"{asked.lines.title(line)} has no day in common with {', '.join(names)}")
    if step["name"]:
        block = min(24 if values.period == "month" else 63, max(len(frame) // 6, 5))
        found = correlation(frame["y"], frame[names[0]], block=block, seed=asked.lines.seed)
    else:
        found = _estimate(ols(frame["y"], frame[names], "wild").loc[names[0]])
    return asked.say(frame["y"], "correlation", frame["y"], "values", estimate=found)


FIRMS = pd.read_csv(Path(__file__).with_name("firms.csv"), index_col=0)  # where the study of their debt has each figure


def _of_special(asked: Phrase, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say something of a normal variate, or of companies from the study of their debt, as known on the day."""
    if asked.word == "normal tail":
        from scipy.special import ndtr

        return Reading(float(ndtr(-amount(asked["x"], "sigma"))), "share", 0, day, day)
    bp, share, year = asked.number("bp"), int(asked["share"] or 50) / 100, asked.number("year")
    settings = {"fiscal_year": year, "stress_bp": bp or 200, "stress_share": share}
    study = lines.keep(("study", day, *settings.values()), lambda: _companies(lines, day, settings))
    if asked.word.startswith("double edge"):
        moves = cross_section.rises_and_falls(lines.raw(asked["name"]).series, study.months)
        found = _estimate(cross_section.leverage_rate_interaction(study.slopes, moves).loc[asked["move"]])
        months = {"first": study.months[0], "last": study.months[-1], "cases": "months"}
        return Reading(found.value, "fraction", **months | _interval(found))
    if not year and study.fiscal_year < day.year - (1 if day.month >= PUBLISHED_BY else 2):
        raise InsufficientDataError(f"the newest statements are of fiscal {study.fiscal_year}, too old; name a year")
    name, column, kind = map(str, FIRMS.loc[asked.word])
    frame, groups = getattr(study, name), asked["group"].split(" minus ")
    cases_of = {"rate_move_bp": bp, "debt_share": share} if bp else {"fiscal_year": study.fiscal_year}
    rows = frame[(frame[list(cases_of)] == pd.Series(cases_of)).all(axis=1)].set_index("group")
    values, n = [float(rows[column][group]) for group in groups], int(rows["n"][groups].sum())
    if np.isnan(values).any():
        raise InsufficientDataError(f"{asked.text}: it is not known of enough companies of fiscal {study.fiscal_year}")
    kind = "difference" if len(groups) > 1 and kind == "share" else kind
    span = (pd.Timestamp(study.fiscal_year, 1, 1), pd.Timestamp(study.fiscal_year, 12, 31))
    return Reading(values[0] - sum(values[1:]), kind, n, *span, f"companies {study.financials}")


def _companies(lines: Lines, day: pd.Timestamp, settings: Mapping[str, object]) -> Any:  # noqa: ANN401
    """Return the study of companies' debt as of a day, on the claims' own source."""
    from research_lib.data.companies import load_companies
    from research_lib.studies.leverage import Leverage

    companies = lines.keep(("companies", day), lambda: load_companies(lines.source, as_of=day.date()))
    study = Leverage.from_params(as_of=day.date(), exclude_financials=companies.has_sectors, **settings)
    vars(study).update(source=lines.source, companies=companies)
    return study


def _estimate(row: Any, shift: float = 0.0) -> Estimate:  # noqa: ANN401  # of a frame
    return Estimate(row["value"] + shift, int(row["n"]), row["low"] + shift, row["high"] + shift)


def _interval(found: Estimate, shift: float = 0.0) -> dict[str, Any]:
    return {"n": found.n, "low": found.low - shift, "high": found.high - shift, "uncertain": True}
