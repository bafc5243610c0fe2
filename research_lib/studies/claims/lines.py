"""Prices and series, what is taken of them, each cut at the end of its history first, and which days meet a condition."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial, reduce
from typing import Any

import numpy as np
import pandas as pd

from research_lib.data import DataCard, Source, catalog, load
from research_lib.data.calendar import next_session
from research_lib.errors import InsufficientDataError, ParameterError
from research_lib.exhibits.format import CHANGED, CHANGES, amount
from research_lib.stats import cases, history, sigma
from research_lib.studies import leverage, rate_cuts
from research_lib.studies.claims.language import SECTIONS, SPELLED, YEAR, Line, Phrase, read

Series = pd.Series  # of numbers or marks, by day
Days = pd.DatetimeIndex
PERIOD = {"session": "D", "week": "W-FRI", "month": "M", "quarter": "Q", "year": "Y"}
BOUNDS = {"above": Series.gt, "below": Series.lt, "at least": Series.ge, "at most": Series.le}
ROLLING = {"average": "mean", "highest": "max", "lowest": "min", "deviation": "std"}
PRICES = ("level", "ratio", "number")  # change in percent of themselves; all else changes in points


@dataclass(frozen=True)
class Values:
    """A line's values by day."""

    series: Series
    kind: str  # a key of `KINDS`; none of two prices less each other, of which only the days mean something
    period: str = "session"  # how far apart they are
    noun: str = "values"  # or runs, each up to its last; cases; years, of a season; episodes, by their first day
    close: Series | None = None  # what the change of a high or low is measured from

    @property
    def days(self) -> Days:
        """The days."""
        return Days(self.series.index)

    def of(self, series: Series, kind: str = "", noun: str = "values") -> "Values":
        """Return other values on the same line."""
        return Values(series, kind or self.kind, self.period, noun)

    def known(self) -> "Values":
        """Return those that have a value; there must be one."""
        if not self.kind:
            raise ParameterError("less: a difference of prices means nothing; take a step of both (change 5)")
        if (found := self.series.dropna()).empty:
            raise InsufficientDataError("a line has no value: its history is too short for what is taken of it")
        return replace(self, series=found)


class Lines:
    """Prices, series and what is taken of them: each is read once and computed once for all claims."""

    def __init__(self, source: Source, *, as_of: date | None = None, seed: int = 0) -> None:
        self.source, self.as_of, self.seed = source, as_of, seed
        self.cards: dict[str, DataCard] = {}
        self.raw, self.legs, self.values = cache(self._read), cache(self._legs), cache(self._take)
        self.companies = cache(partial(leverage.Leverage.known_on, source))

    def _read(self, name: str) -> Values:
        """Return a price or series on its own days."""
        series, kind, period, self.cards[name] = load.load_levels(self.source, name, as_of=self.as_of)
        symbol, column = catalog.split_asset(name)
        close = self.raw(symbol).series if column in ("high", "low", "open") else None
        return Values(series, kind, period, close=close)

    def _operand(self, one: str | Line, every: str, end: pd.Timestamp) -> Values:
        if isinstance(one, Line):
            return self.values(one, end)
        raw = self.raw(one)
        cut = raw.series.loc[:end]
        if every in ("session", raw.period):
            return replace(raw, series=cut)
        is_last = cases.nth_of_period(Days(cut.index), -1, PERIOD[every], next_session(end))
        return Values(cut[is_last], raw.kind, every)  # of each period that is over, on its own day

    def _legs(self, line: Line, end: pd.Timestamp) -> list[Values]:
        """Return what a line begins with: of two prices less each other both, on their common days."""
        parts = (line.of, line.per, line.less)
        left, *others = (self._operand(one, line.every, end) for one in parts if one is not None)
        if line.per is not None:
            a, b = _on_common_days(left, below := others.pop(0))
            if (left.kind in PRICES) != (below.kind in PRICES):
                raise ParameterError(f"per: {left.kind} over {below.kind}: the two have different units")
            left = left.of(a / b.where(b != 0), "ratio", left.noun)
        if not others or left.kind != "level" or (isinstance(line.less, Line) and line.less.take):
            return [reduce(_less, others, left)]
        pair = zip((left, *others), _on_common_days(left, *others), strict=True)
        return [replace(one, series=series) for one, series in pair]

    def _take(self, line: Line, end: pd.Timestamp) -> Values:
        """Return what a line gives up to a day; of two prices the first step is taken of each."""
        if not line.take:
            first, *others = self.legs(line, end)
            return replace(first, kind="") if others else first
        *before, step = line.take
        start = replace(line, take=tuple(before))
        taken = [self.values(start, end)] if before else self.legs(start, end)
        return reduce(_less, (self._step(one, before, step, end) for one in taken))

    def _step(self, values: Values, before: Sequence[Phrase], step: Phrase, end: pd.Timestamp) -> Values:
        """Take a step; a correlation is of changes like the one taken before it."""
        is_over = values.noun == "episodes"
        if is_over or (step.word not in STEPS and not step["k"]):  # of all of the history
            raise ParameterError(f"take: `{(before[-1] if is_over else step).text}` must be the last step")
        if step.word == "correlation with":
            mine, other = self.changes(values, before, [step["name"]], end)
            return values.of(history.rolling_correlation(mine, other, step["k"]), "correlation")
        if step["unit"] in YEAR and values.period in ("month", "quarter", "year"):  # by dates it could be a period off
            raise ParameterError(f"`{step.text}`: of a line by {values.period} write a number of {values.period}s")
        is_price = values.kind in PRICES and (values.series.dropna() > 0).all()
        if (step["path"] or step.word in ("volatility", "z of change", "fall episodes", "breakout")) and not is_price:
            raise ParameterError(f"`{step.text}` is of a price above zero; of another line take change 1 first")
        return STEPS[step.word](values, step)

    def changes(self, values: Values, before: Sequence[Phrase], names: list[str], end: pd.Timestamp) -> list[Series]:
        """Return what is taken of a line, else its changes, and the like of others; of a volatility index changes in points."""
        found = [(values if before or values.kind in CHANGES else _change(values, read("take", "change 1"))).series]
        *first, alike = before or [read("take", "change 1")]
        is_plain = alike.word == "change" and not alike["kind"]
        for name in names:
            points = " points" if is_plain and catalog.describe_asset(name).kind == "volatility" else ""
            other = self.values(Line(name, every=values.period, take=(*first, read("take", alike.text + points))), end)
            found.append(_on_common_days(values, other)[1])
        return found

    def days_when(self, values: Values, when: Sequence[Phrase], end: pd.Timestamp) -> "pd.Series[bool]":
        """Mark the days of a line that meet all conditions; `lasts` and `first in` look at those before them."""
        met = values.series.notna() | (values.noun == "episodes")
        for one in when if len(met) else ():
            if one.word == "lasts":
                met = history.spell_lengths(met) == one["k"]
            elif one.word == "first in":
                met &= met.astype(float).shift().rolling(one["k"]).max() == 0
            elif one.line is None:
                met &= marks(values, one)
            else:  # another line's last value counts, from its first on; that of a season on the season's last day
                other = self.values(one.line, end).known()
                is_of_season = other.noun == "years"
                met = met if is_of_season else met.loc[other.days[0] :]
                found = marks(other, one)
                if one.word.startswith("crosses"):  # once, on its day or the next
                    found = rate_cuts.first_from(Days(met.index), other.days[found])
                met &= found.astype(float).reindex(met.index, method=None if is_of_season else "ffill") > 0
        return met

    def title(self, one: str | Line | None) -> str:
        """Say in words what a line is of."""
        if not isinstance(one, Line):
            return catalog.in_words(one or "")
        other = one.per or one.less
        beside = (" over " if one.per else " minus ") + self.title(other) if other else ""
        every = "" if one.every == "session" or isinstance(one.of, Line) else f", every {one.every}"
        ways = SECTIONS["in words"]
        said = [next((re.sub(a, b, x.text) for a, b in ways if re.fullmatch(a, x.text)), x.text) for x in one.take]
        period = one.bare.every if one.bare.every != "session" else self.raw(str(one.bare.of)).period
        return ", ".join([self.title(one.of) + beside + every, *said]).replace("PERIOD", period)


def _on_common_days(left: Values, right: Values) -> list[Series]:
    """Return two lines on the days that both have; of weeks, months and longer by period, whose last days may differ."""
    if left.period != right.period:
        coarser = max(left.period, right.period, key=[*YEAR].index)
        raise ParameterError(f"one line is by {left.period}, the other by {right.period}: write every: {coarser}")
    return history.on_common_days(left.known().series, right.known().series, PERIOD[left.period])


def _less(left: Values, right: Values) -> Values:
    a, b = _on_common_days(left, right)
    if left.kind != right.kind:
        raise ParameterError(f"less: {left.kind} less {right.kind}: the two have different units")
    return left.of((a - b).dropna().round(15), "difference" if left.kind == "fraction" else left.kind, left.noun)


def _how(kind: str, asked: str = "") -> tuple[Any, str]:
    """Say how a kind changes, in percent of a price, in points of all else, unless told, and the kind of that."""
    how = asked or ("percent" if kind in PRICES else "points")
    return how, CHANGED.get(kind, kind) if how == "points" else "fraction"


def _change(values: Values, step: Phrase) -> Values:
    """Return the change from a base, or the distance to one, which is all that the words differ in."""
    x, days, unit, k = values.series, values.days, step["unit"], step["k"] or 0
    start, years = x if values.close is None else values.close.reindex(x.index), k / YEAR[unit or values.period]
    if step["date"]:
        if pd.Timestamp(step["date"][0]) > days[-1]:
            raise ParameterError(f"take: {step.text} begins after {days[-1].date()}, the last day that is known")
        since = start.loc[: pd.Timestamp(step["date"][1])].dropna()[-1:]
        base, years = since.reindex(x.index, method="ffill"), (days - since.index.max()).days / 365.25
    elif step["period"]:
        base = history.earlier(start, days.to_period(PERIOD[step["period"]]).start_time - pd.Timedelta(days=1))
    elif step.word == "change":
        base = history.ago(start, k, unit)
    elif step.word == "drawdown":
        base = x.rolling(k or len(x), min_periods=1).max()
    else:
        base = x * 0 + _level_of(values, step["level"] or "highest")
    if step["kind"] == "a year":
        return values.of((1 + history.change(x, base)) ** (1 / years) - 1, "fraction")
    how, kind = _how(values.kind, step["kind"])
    return values.of(history.change(x, base, how), kind)


def _level_of(values: Values, text: str) -> Any:  # noqa: ANN401  # a number, or a line's own level by day
    word, _, k = text.replace(" of", "").partition(" ")
    if word not in ROLLING:
        return amount(text, values.kind)
    return getattr(values.series.rolling(int(k)) if k else values.series.expanding(), ROLLING[word])()


def _z(values: Values, step: Phrase) -> Values:
    name: Any = SPELLED["sigmas"][f"{step.word} {step['definition']}".strip()]
    settings = sigma.SigmaSettings(step["k"], int(step["ddof"] or 1), return_sessions=step["moved"] or 1)
    return values.of(sigma.sigma_path(values.series.dropna().rename("the line"), name, settings), "sigma")


def _episodes(values: Values, step: Phrase) -> Values:
    """Return the size or length of falls by their first day; one under way has none yet."""
    found = history.falls(values.known().series, step["percent"], to_record=bool(step["end"]))
    return values.of(*((found["days"], "length in days") if step["unit"] else (found["depth"], "fraction")), "episodes")


def _outcomes(values: Values, step: Phrase) -> Values:
    """Return the change of each season that is over, by its last day, or what comes in the next periods, by the day before."""
    x, (how, kind) = values.known().series, _how(values.kind)
    end = next_session(x.index[-1])
    if step["season"]:
        _, _, listed = cases.seasons(Days(x.index), end, *step["season"])
        return values.of(history.change(x.iloc[listed["last"]], x.to_numpy()[listed["before"]], how), kind, "years")
    found = cases.after(x, step["n"], end, unit=step["unit"], path=step["path"], kind=how)
    return values.of(found, "fraction" if step["path"] else kind, "cases")


STEPS: dict[str, Callable[[Values, Phrase], Values]] = {
    **dict.fromkeys(("change", "change since", "to date", "distance to record", "distance to", "drawdown"), _change),
    **dict.fromkeys(ROLLING, lambda v, one: v.of(_level_of(v, one.text))),
    "in points": lambda v, _: v.of(100 * v.series, "level"),
    "size": lambda v, _: v.of(v.series.abs()),
    "volatility": lambda v, one: v.of(history.volatility(v.series, one["k"], YEAR[v.period]), "fraction"),
    **dict.fromkeys(("z", "z of change"), _z),
    "spell": lambda v, one: v.of(history.spell_lengths(marks(v, one["condition"])), v.period, "runs"),
    "age of": lambda v, one: v.of(history.age(marks(v, one["condition"])), v.period, "runs"),
    "periods to at the pace of": lambda v, one: v.of(
        history.periods_to(v.series, amount(one["x"], v.kind), one["k"]), v.period
    ),
    "fall episodes": _episodes,
    "breakout": lambda v, one: v.of(history.breakouts(v.series, one["lookback"], one["line"]), "fraction"),
    **dict.fromkeys(("season", ""), _outcomes),
}


def marks(values: Values, phrase: Phrase) -> "pd.Series[bool]":
    """Mark the days that meet one condition."""
    if phrase.word not in (CONDITIONS if values.kind else CALENDAR):
        raise ParameterError(f"{phrase.text}: only a check's own `when` takes it, and not of a difference of prices")
    return pd.Series(np.asarray(CONDITIONS[phrase.word](values, phrase), dtype=np.bool_), values.days, dtype="bool")


# Conditions on no value of the line, and all.
CALENDAR: dict[str, Callable[[Values, Phrase], Any]] = {
    "season": lambda v, one: cases.seasons(v.days, next_session(v.days[-1]), *one["season"])[0],
    "years": lambda v, one: v.days.year.isin(one["years"]),
    "weekday": lambda v, one: v.days.day_name() == one["day"],
    "day of month": lambda v, one: v.days.day == int(one["day"]),
    "session of": lambda v, one: cases.nth_of_period(v.days, one["n"], PERIOD[one["period"]], next_session(v.days[-1])),
    "same session of": lambda v, one: cases.nth_of_period(v.days, 0, PERIOD[one["period"]], next_session(v.days[-1])),
    "on": lambda v, one: rate_cuts.first_from(v.days, Days([day for day, _ in one["days"]])),
    "policy": lambda v, one: rate_cuts.policy_days(v.days, one["event"] or one["state"]),
    "months": lambda v, one: rate_cuts.policy_days(v.days, one["near"], one["k"]),  # of a recession, or of none
}
CONDITIONS: dict[str, Callable[[Values, Phrase], Any]] = CALENDAR | {
    **dict.fromkeys(BOUNDS, lambda v, one: BOUNDS[one.word](v.series, _level_of(v, one["level"]))),
    "between and": lambda v, one: v.series.between(*(amount(one[end], v.kind) for end in "xy")),
    "crosses above": lambda v, one: history.crossed(v.series - _level_of(v, one["level"] or "0")) == 1,
    "crosses below": lambda v, one: history.crossed(v.series - _level_of(v, one["level"] or "0")) == -1,
    "up": lambda v, _: v.series > v.series.ffill().shift(),
    "down": lambda v, _: v.series < v.series.ffill().shift(),
    **dict.fromkeys(("record", "strict record"), lambda v, _: history.records(v.series)),
    "record with ties": lambda v, _: history.records(v.series, ties=True),
    "record low": lambda v, _: history.records(-v.series),
    **dict.fromkeys(("highest", "lowest"), lambda v, one: v.series == _level_of(v, one.text)),
}
