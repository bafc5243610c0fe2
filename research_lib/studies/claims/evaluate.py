"""From a check to its readings: what the data gives on each definition, by the same functions as the studies.

Every line is cut at the end of its history before anything is taken of it, so that later days cannot matter.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data import DataCard, Source, load_prices, load_series
from research_lib.data.calendar import exchange_sessions
from research_lib.data.catalog import Asset, describe_asset, describe_series, known_series, known_symbols
from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.errors import DataError, InsufficientDataError, MissingDataError, ParameterError, nearest
from research_lib.stats import cross_section, history
from research_lib.stats.bootstrap import correlation
from research_lib.stats.estimate import Estimate
from research_lib.stats.event_study import event_study
from research_lib.stats.extremes import calendar_years, return_period, return_periods
from research_lib.stats.policy import policy_events, policy_states, recession_within
from research_lib.stats.randomization import season_less_rest, sign_flip
from research_lib.stats.regression import cosine_mean, ols
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies.claims import language
from research_lib.studies.claims.language import Check, Choices, Condition, Line, Phrase, read, read_figure, read_span

T = TypeVar("T")
Series = pd.Series  # of numbers, by day
STALE_DAYS = {"session": 7}  # a bond market's holidays; a monthly series comes out with a delay
LATE_DAYS = 45  # a history may begin so long after the day that the claim names
FEW_CYCLES = 20
TAIL_SHARE = 0.99  # of the history lies below the threshold of a return period
PERIOD = {"week": "W-FRI", "month": "M", "quarter": "Q", "year": "Y"}
BOUNDS = {"above": "gt", "below": "lt", "at least": "ge", "at most": "le"}
PUBLISHED_BY = 5  # the month by which the statements of the year before are out
STATES = ("easing", "tightening", "on hold")

# How each kind of value is written: its units, the first that of a bare figure, and what one of it is in each.
UNITS: dict[str, dict[str, float]] = {
    "level": {"points": 1.0},
    "number": {"": 1.0, "points": 1.0},
    "yield": {"%": 100.0, "bp": 10_000.0, "pp": 100.0},
    "yield change": {"bp": 10_000.0, "pp": 100.0, "points": 100.0},
    "fraction": {"%": 100.0, "bp": 10_000.0},
    "difference": {"pp": 100.0, "%": 100.0, "points": 100.0, "bp": 10_000.0},
    "share": {"%": 100.0},
    "ratio": {"times": 1.0},
    "sigma": {"sigma": 1.0},
    "correlation": {"": 1.0},
    "count": {"cases": 1.0, "times": 1.0, "session": 1.0, "days": 1.0},
    "rank": {"": 1.0},
    "day": {"": 1.0},
    "session": {"session": 1.0, "days": 1.0},
} | {period: {period: 1.0} for period in PERIOD}
PRICES = ("level", "ratio", "number")  # change in percent of themselves; all else changes in points
CHANGED = {"yield": "yield change", "fraction": "difference"}


@dataclass(frozen=True)
class Values:
    """A line's values by day."""

    series: Series
    kind: str  # a key of `UNITS`
    period: str = "session"  # how far apart they are
    runs: bool = False  # counts of a run or of time since: their history counts runs, not days
    close: Series | None = None  # what the change of a high or low is measured from

    def of(self, series: Series, kind: str = "", *, runs: bool = False) -> "Values":
        """Return other values on the same line."""
        return Values(series, kind or self.kind, self.period, runs)


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
    higher: pd.DatetimeIndex | None = field(default=None, compare=False)  # the days that outrank it
    path: Series | None = field(default=None, compare=False)  # the line up to the day
    events: Series | None = field(default=None, compare=False)  # the cases


class Lines:
    """Prices, series and what is taken of them: each is read once and computed once for all claims."""

    def __init__(self, source: Source, *, as_of: date | None = None, seed: int = 0) -> None:
        self.source, self.as_of, self.seed = source, as_of, seed
        self.symbols = {*known_symbols(), *source.symbols()}
        self.cards: dict[str, DataCard] = {}
        self._kept: dict[Hashable, Any] = {}

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """Make something the first time it is asked for; so is the reason why it cannot be."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except (InsufficientDataError, DataError, ParameterError) as reason:
                self._kept[key] = reason
        if isinstance(self._kept[key], Exception):
            raise self._kept[key]
        return self._kept[key]  # type: ignore[no-any-return]

    def raw(self, name: str) -> Values:
        """Return a price or series on its own days; a factor's returns as a price that grows by them."""
        return self.keep(name, lambda: self._read(name))

    def _read(self, name: str) -> Values:
        asset, info = Asset.parse(name), describe_series(name)
        if asset.symbol in self.symbols:
            loaded = load_prices(self.source, [name], as_of=self.as_of)
            close = self.raw(asset.symbol).series if asset.field in ("high", "low", "open") else None
            values = Values(loaded[name], "level", close=close)
        elif name in (known := {*known_series(), *self.source.series_ids()}):
            loaded = load_series(self.source, [name], as_of=self.as_of)
            period = "month" if info.frequency == "monthly" else "session"
            values = Values(loaded[name], "yield" if info.scale != 1 else "number", period)
            if "Fama-French" in info.name:
                before = values.series.index[:1] - pd.offsets.MonthEnd()
                values = values.of(pd.concat([pd.Series(1.0, index=before), (1 + values.series).cumprod()]), "level")
        else:
            raise MissingDataError(f"unknown price or series {name}{nearest(name, sorted(known | self.symbols))}")
        self.cards[name] = loaded.cards[0]
        return values

    def values(self, line: Line, end: pd.Timestamp) -> Values:
        """Return what a line gives up to a day."""
        return self.keep((line, end), lambda: self._take(line, end))

    def pair(self, line: Line, end: pd.Timestamp) -> tuple[Values, Values | None]:
        """Return a line before anything is taken of it, and what is subtracted, on the days that both have."""
        left = self._operand(line.of, line, end)
        if line.per is not None and not _has_steps(line.per):
            left = _joined(left, self._operand(line.per, line, end), divide=True)
        if line.less is None or _has_steps(line.less):
            return left, None
        right = self._operand(line.less, line, end)
        common = left.series.dropna().index.intersection(right.series.dropna().index)
        return replace(left, series=left.series[common]), replace(right, series=right.series[common])

    def _operand(self, one: str | Line, line: Line, end: pd.Timestamp) -> Values:
        if isinstance(one, Line):
            return self.values(one, end)
        raw = self.raw(one)
        cut = replace(raw, series=raw.series.loc[:end])
        return cut if line.every in ("session", raw.period) else _resample(cut, line.every, end)

    def _take(self, line: Line, end: pd.Timestamp) -> Values:
        (left, right), steps = self.pair(line, end), list(line.take)
        if right is not None and left.kind == "level":  # two prices: the first step is of each
            if not steps:
                raise ParameterError("less: a difference of prices means nothing; take a step of both, like change 5")
            left, right = self.step(left, steps[0], end), self.step(right, steps[0], end)
            steps = steps[1:]
        other = next((one for one in (line.per, line.less) if one is not None and _has_steps(one)), None)
        for step in steps if right is None else []:
            left = self.step(left, step, end)
        if other is not None:
            return _joined(left, self._operand(other, line, end), divide=other is line.per)
        if right is not None:
            left = _joined(left, right, divide=False)
            for step in steps:
                left = self.step(left, step, end)
        return left

    def step(self, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
        """Take one step."""
        if step.word == "correlation with":
            mine, other = self.changes(values, [step["name"]], end)
            return values.of(history.rolling_correlation(mine, other, step.number()), "correlation")
        if step.word not in STEPS:
            raise ParameterError(f"take: `{step.word}` must be the last step")
        return STEPS[step.word](values, step)

    def changes(self, values: Values, names: Sequence[str], end: pd.Timestamp) -> list[Series]:
        """Return the one-period changes of a line and of others; of a volatility index, as of a yield, in points."""
        found = [
            values.series if values.kind in CHANGED.values() or values.kind == "fraction" else moved(values).series
        ]
        for name in names:
            kind = " points" if describe_asset(name).kind == "volatility" else ""
            line = Line(name, every=values.period, take=(read("take", f"change 1{kind}"),))
            found.append(self.values(line, end).series)
        if values.period == "session":
            return found
        period = PERIOD[values.period]
        return [one.set_axis(pd.DatetimeIndex(one.index).to_period(period).to_timestamp()) for one in found]

    def title(self, one: str | Line | None) -> str:
        """Say in words what a line is of."""
        if isinstance(one, Line):
            other = one.per or one.less
            beside = (" over " if one.per else " minus ") + self.title(other) if other else ""
            steps = [*(["" if one.every == "session" else f"every {one.every}"]), *(step.text for step in one.take)]
            taken = "".join(f", {step}" for step in steps if step)
            return self.title(one.of) + (taken + beside if other and _has_steps(other) else beside + taken)
        asset = Asset.parse(one or "")
        known = describe_asset(str(asset)).name if asset.symbol in self.symbols else describe_series(one or "").name
        names = {"close": "", "total": " with dividends", "adj_close": " with dividends"}
        return known + names.get(asset.field, f" ({asset.field})")


def _has_steps(one: str | Line) -> bool:
    return isinstance(one, Line) and bool(one.take)


def _joined(left: Values, right: Values, *, divide: bool) -> Values:
    both = pd.concat([left.series, right.series], axis=1, keys=["a", "b"], sort=True).dropna()
    if divide:
        return left.of((both["a"] / both["b"]).where(both["b"] != 0), "ratio")
    if left.kind != right.kind:
        raise ParameterError(f"less: {left.kind} less {right.kind}: the two have different units")
    return left.of(both["a"] - both["b"], "difference" if left.kind == "fraction" else left.kind)


def next_session(day: pd.Timestamp) -> pd.Timestamp:
    """Return the exchange's next session, before 1970 the next weekday."""
    sessions = exchange_sessions()
    row = int(sessions.searchsorted(day, side="right"))
    return sessions[row] if day >= sessions[0] and row < len(sessions) else day + pd.offsets.BDay()


def _resample(values: Values, every: str, end: pd.Timestamp) -> Values:
    """Keep the last value of each week, month … that is over, on its own day."""
    period = pd.DatetimeIndex(values.series.index).to_period(PERIOD[every])
    over = ~period.duplicated(keep="last") & (period != next_session(end).to_period(PERIOD[every]))
    return Values(values.series[over], values.kind, every)


# Steps: what may be taken of a line


def moved(values: Values, base: Series | None = None, kind: str = "", series: Series | None = None) -> Values:
    """Return the change from a base (the value before): in percent of a price, in points of all else, unless told."""
    base = _start(values).shift() if base is None else base
    series = values.series.reindex(base.index) if series is None else series
    if (kind or ("percent" if values.kind in PRICES else "points")) == "points":
        return values.of(series - base, CHANGED.get(values.kind, values.kind))
    ratio = (series / base).where(base > 0)
    return values.of(np.log(ratio) if kind == "log" else ratio - 1, "fraction")


def _start(values: Values) -> Series:
    return values.series if values.close is None else values.close.reindex(values.series.index)


def _change_since(values: Values, step: Phrase) -> Values:
    day = pd.Timestamp(read_span(step["date"])[1])
    known = _start(values).loc[:day].dropna()
    if known.empty:
        raise InsufficientDataError(f"there is no value up to {day.date()}, from which the change is asked")
    return moved(values, pd.Series(known.iloc[-1], index=values.series.loc[known.index[-1] :].index), step["kind"])


def _to_date(values: Values, step: Phrase) -> Values:
    period = pd.DatetimeIndex(values.series.index).to_period(PERIOD[step["period"]])
    before = _start(values).groupby(period).last().shift()
    return moved(values, pd.Series(before.reindex(period).to_numpy(), index=values.series.index))


def _z(values: Values, step: Phrase) -> Values:
    names: Any = {"": "price_z", "prior": "price_z_prior", "distance": "distance_z", "expanding": "distance_expanding"}
    name = "return_z" if step["moved"] else names.get(step["definition"], "distance_vol")
    settings = SigmaSettings(step.number(), int(step["ddof"] or 1), return_sessions=step.number("moved") or 1)
    return values.of(sigma_path(values.series.dropna(), name, settings), "sigma")


def _run(values: Values, step: Phrase) -> Values:
    met = pd.Series(np.asarray(_marks(values, read("when", step["condition"])), dtype=bool), index=values.series.index)
    count = history.spell_lengths if step.word == "spell" else history.age
    return values.of(count(met).astype(float), values.period, runs=True)


def _time_to(values: Values, step: Phrase) -> Values:
    left = amount(step["x"], values.kind) - values.series
    periods = left / (values.series.diff(step.number()) / step.number())
    return values.of(periods.where((periods >= 0) & (left != 0), np.inf).where(left != 0, 0.0), values.period)


def _ahead(values: Values, step: Phrase) -> Values:
    """Return the change over the next periods, by the day before them; NaN where they are not over."""
    series, index = values.series.dropna(), pd.DatetimeIndex(values.series.dropna().index)
    if step["unit"]:
        target = index + pd.DateOffset(months=step.number("n") * (12 if step["unit"] == "years" else 1))
        stop = index.searchsorted(target, side="right") - 1
        stop[target >= next_session(index[-1])] = -1
    else:
        stop = np.arange(len(index)) + step.number("n") - (step.number("n") < 0)
    begin = np.flatnonzero((stop >= 0) & (stop < len(index)))
    is_before = step.number("n") < 0  # the periods that end with the close before the day
    first, last = (stop[begin], begin - 1) if is_before else (begin, stop[begin])
    prices = series.to_numpy()
    if step["path"]:
        ways = [on_the_way(prices[a : b + 1], step["path"]) for a, b in zip(first, last, strict=True)]
        return values.of(pd.Series(ways, index=index[begin], dtype=float).reindex(index), "fraction")
    base = pd.Series(prices[first], index=index[begin])
    found = moved(values, base, series=pd.Series(prices[last], index=index[begin]))
    return replace(found, series=found.series.reindex(index))


def on_the_way(prices: NDArray[np.float64], path: str) -> float:
    """Return the largest fall from a peak, or the highest or lowest change from the first price."""
    if path == "drawdown":
        return float((prices / np.maximum.accumulate(prices)).min() - 1)
    return float((prices[1:].max() if path == "highest" else prices[1:].min()) / prices[0] - 1)


def _season(values: Values, step: Phrase) -> Values:
    """Return the change over each season that is over, from the close before it, on its last day."""
    series = values.series.dropna()
    inside, year, under_way = season_days(pd.DatetimeIndex(series.index), step["season"])
    rows = pd.Series(np.flatnonzero(inside)).groupby(year[inside])
    ends = pd.DataFrame({"before": rows.min() - 1, "last": rows.max()})
    ends = ends[(ends["before"] >= 0) & (ends.index != under_way)]
    return moved(values, pd.Series(series.to_numpy()[ends["before"]], index=series.index[ends["last"]]))


def season_days(index: pd.DatetimeIndex, text: str) -> tuple[NDArray[np.bool_], NDArray[np.intp], int]:
    """Mark a season's days, give each day its year, and name the year whose season is not over (0: none is).

    A season within one calendar year belongs to that year, one over New Year to the year in which it ends.
    """
    (how_first, n_first, opens), (how_last, n_last, closes) = language.read_season(text)
    month, over_new_year, after = index.month.to_numpy(), opens > closes, next_session(index[-1])
    year = index.year.to_numpy() + ((month > closes) & over_new_year)
    inside = (month >= opens) | (month <= closes) if over_new_year else (month >= opens) & (month <= closes)
    in_month = pd.Series(0, index=range(len(index))).groupby(index.to_period("M"))
    if how_first == "last":
        inside &= (month != opens) | (in_month.cumcount(ascending=False) < n_first).to_numpy()
    if how_last == "first":
        inside &= (month != closes) | (in_month.cumcount() < n_last).to_numpy()
    last_year = int(after.year + (after.month > closes and over_new_year))
    if how_last == "first":
        is_over = ((year == last_year) & (month == closes)).sum() >= n_last
    else:
        is_over = after.month > closes and not over_new_year
    return inside, year, 0 if is_over else last_year


STEPS: dict[str, Callable[[Values, Phrase], Values]] = {
    "change": lambda values, step: moved(values, _start(values).shift(step.number()), step["kind"]),
    "change since": _change_since,
    "to date": _to_date,
    "average": lambda values, step: values.of(values.series.rolling(step.number()).mean()),
    "highest": lambda values, step: values.of(values.series.rolling(step.number()).max()),
    "lowest": lambda values, step: values.of(values.series.rolling(step.number()).min()),
    "deviation": lambda values, step: values.of(values.series.rolling(step.number()).std()),
    "distance to average": lambda values, step: moved(values, values.series.rolling(step.number()).mean()),
    "distance to record": lambda values, _: moved(values, values.series.cummax()),
    "distance to": lambda values, step: moved(values, values.series * 0 + amount(step["x"], values.kind)),
    "drawdown": lambda values, step: values.of(history.drawdown(values.series, step.number() or None), "fraction"),
    "z": _z,
    "spell": _run,
    "age of": _run,
    "periods to at the pace of": _time_to,
    "season": _season,
    "": _ahead,
}


def amount(text: str, kind: str) -> float:
    """Turn a written bound into decimals; of a line in percent it must say its unit, unless it is zero."""
    figure = read_figure(text)
    value = (figure.low + figure.high) / 2
    if "%" in UNITS[kind] and not figure.unit and value:
        raise ParameterError(f"{text}: the line is in percent: write {text}% or {text} bp")
    return value / scale(kind, figure.unit, text)


def scale(kind: str, unit: str, text: str) -> float:
    """Return what one of a kind of value is in a unit; `ParameterError` where it cannot be written so."""
    if unit and unit not in UNITS[kind]:
        known = " or ".join(filter(None, UNITS[kind])) or "a bare number"
        raise ParameterError(f"{text}: the line gives a {kind}; write it in {known}")
    return UNITS[kind][unit] if unit else next(iter(UNITS[kind].values()))


# Conditions: which days


def days_when(lines: Lines, values: Values, when: Sequence[Condition], end: pd.Timestamp) -> "pd.Series[bool]":
    """Mark the days of a line that meet all conditions; `lasts` and `first in` look at those before them."""
    met = values.series.notna()
    for one in when:
        if one.phrase.word == "lasts":
            met = history.spell_lengths(met) == one.phrase.number()
        elif one.phrase.word == "first in":
            met &= met.astype(float).shift().rolling(one.phrase.number()).max() == 0
        elif "recession" in one.phrase.word:
            days = pd.DatetimeIndex(met.index[met])
            known = recession_within(days, load_recessions(), known_to=end)
            met[met] = (known == (not one.phrase.word.startswith("no"))).fillna(False).to_numpy(dtype=bool)
        elif one.line is not None:
            other = lines.values(one.line, end)
            known = replace(other, series=other.series.dropna())
            marks = pd.Series(_marks(known, one.phrase), index=known.series.index, dtype=float)
            met &= marks.reindex(met.index, method="ffill") > 0
        else:
            met &= np.asarray(_marks(values, one.phrase), dtype=bool)
    return met


def _marks(values: Values, phrase: Phrase) -> Any:  # noqa: ANN401  # a mark a day, in any form
    """Mark the days that meet one condition."""
    series, word, index = values.series, phrase.word, pd.DatetimeIndex(values.series.index)
    if word in BOUNDS:
        return meets(series, word, phrase["x"], values.kind)
    if word == "between and":
        return series.between(amount(phrase["x"], values.kind), amount(phrase["y"], values.kind))
    if word.startswith("crosses"):
        return history.crossings(series, amount(phrase["x"] or "0", values.kind))[word.split()[1]]
    if word in ("up", "down"):
        return series > series.ffill().shift() if word == "up" else series < series.ffill().shift()
    if "record" in word:
        return history.records(series, low="low" in word, ties="ties" in word)
    return _calendar_marks(index, phrase)


def _calendar_marks(index: pd.DatetimeIndex, phrase: Phrase) -> Any:  # noqa: ANN401
    word, end = phrase.word, index[-1]
    if word == "season":
        return season_days(index, phrase["season"])[0]
    if word == "years":
        return index.year.isin(list(language.read_years(phrase["years"])))
    if "session" in word:
        period = index.to_period(PERIOD[phrase["period"]])
        groups, n = pd.Series(0, index=range(len(index))).groupby(period), phrase.number("n")
        from_start, from_end = groups.cumcount().to_numpy() + 1, groups.cumcount(ascending=False).to_numpy() + 1
        is_over = np.asarray(period != next_session(end).to_period(PERIOD[phrase["period"]]))
        return from_start == (n or from_start[-1]) if n >= 0 else (from_end == -n) & is_over
    if phrase["event"] in STATES:
        return policy_states(load_target_changes(as_of=end)["change_bp"], index) == phrase["event"]
    listed = [read_span(day)[0] for day in phrase["days"].split(",")] if word == "on" else []
    days = pd.DatetimeIndex(listed) if listed else decisions(phrase["event"], end).index
    return np.isin(np.arange(len(index)), index.searchsorted(days[days >= index[0]]))


def meets(series: Series, word: str, bound: str, kind: str) -> "pd.Series[bool]":
    """Mark the values on one side of a written bound."""
    found: pd.Series[bool] = getattr(series, BOUNDS[word])(amount(bound, kind))
    return found


@cache
def decisions(event: str, end: pd.Timestamp) -> Series:
    """Return the Fed's decisions of a kind up to a day, each with its cycle's number."""
    changes = load_target_changes(as_of=end)
    if event in ("cut", "hike"):
        chosen = changes["change_bp"] < 0 if event == "cut" else changes["change_bp"] > 0
        return pd.Series(np.arange(chosen.sum()), index=changes.index[chosen])
    return policy_events(changes, event)  # type: ignore[arg-type]


# Readings: what is said


def read_all(check: Check, lines: Lines, day: pd.Timestamp, *, uncertain: bool = False) -> list[Reading]:
    """Return a check's readings as known at the close of a day; a tie with a record makes two, where it matters.

    Raises
    ------
    InsufficientDataError, DataError
        The source cannot give it.
    ParameterError
        A step, bound or unit does not fit the line.
    """
    found = _reading(check, lines, day, uncertain)
    ties = read("when", "record with ties")
    tied = tuple(replace(one, phrase=ties) if one.phrase.word == "record" else one for one in check.when)
    if tied == check.when or check.after is not None or check.say.word not in ("count", "share"):
        return [found]
    other = _reading(replace(check, when=tied), lines, day, uncertain)
    if other.value == found.value:
        return [found]
    choices = ((("ties", "not counted"),), (("ties", "counted"),))
    return [replace(one, choices=choice) for one, choice in zip((found, other), choices, strict=True)]


def _reading(check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> Reading:
    if check.special is not None:
        if check.special.word == "normal tail":
            from scipy.stats import norm

            return Reading(float(norm.sf(amount(check.special["x"], "sigma"))), "share", 0, day, day)
        return _of_companies(check.special, lines, day)
    asked, last = Question(check, lines, day, uncertain), check.line.take[-1] if check.line.take else None
    if last is not None and last.word in LAST_STEPS and not (last["name"] and last["k"]):
        return LAST_STEPS[last.word](asked, last, replace(check.line, take=check.line.take[:-1]))
    if check.after is not None:
        return _what_followed(asked, check.after)
    season = next((one.phrase for one in check.when if one.phrase.word == "season" and one.line is None), None)
    if season is not None and last is None:
        return _of_seasons(asked, season)
    return _on_days(asked) if check.when else _through_time(asked)


class Question:
    """A check on a day: the history that it looks at, from `start` to `end`, and the days that it asks about."""

    def __init__(self, check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> None:
        self.check, self.lines, self.uncertain, self.word = check, lines, uncertain, check.say.word
        span = check.asked and (pd.Timestamp(check.asked[0]), min(pd.Timestamp(check.asked[1]), day))
        if span and span[0] > day:
            raise ParameterError(f"at: {span[0].date()} is after {day.date()}, the last day that the article knew")
        ends = [pd.Timestamp(check.to)] if check.to else [span[1]] if span and not check.after else [day]
        self.end, self.span = min(day, *ends), span
        self.start = None if check.start is None else pd.Timestamp(check.start)

    def known(self, line: Line) -> Values:
        """Return a line up to the end; one that has no value, or stopped long before, is said."""
        values = self.lines.values(line, self.end)
        days = values.series.dropna().index
        if not len(days) or (self.end - days[-1]).days > STALE_DAYS.get(values.period, 366):
            ends = f"ends on {days[-1].date()}, before" if len(days) else "has no value up to"
            raise InsufficientDataError(f"{self.lines.title(line)} {ends} {self.end.date()}")
        return values

    def days(self, line: Line) -> "pd.Series[bool]":
        """Mark the days from `start`, and in a span that is asked about, that meet the conditions, cooled off."""
        is_pair = line.less is not None and not line.take  # of two prices only the days matter
        values = self.lines.pair(line, self.end)[0] if is_pair else self.known(line)
        met = days_when(self.lines, values, self.check.when, self.end).loc[self.start :]
        rows = np.flatnonzero(met.to_numpy())
        if self.check.quiet:
            rows = rows[_apart(rows, self.check.quiet + 1)]
        met = pd.Series(np.isin(np.arange(len(met)), rows), index=met.index)
        return met.loc[self.span[0] : self.span[1]] if self.span and self.span[0] < self.span[1] else met

    def say(self, x: Series, kind: str, first: pd.Timestamp, estimate: Estimate | None = None, **more: Any) -> Reading:  # noqa: ANN401
        """Say the word that is asked for, of values, or of cases among `total` periods."""
        total, independent = more.pop("total", None), more.pop("independent", x)
        kind = CHANGED.get(kind, kind) if self.check.excess else kind
        late = self.start is not None and (first - self.start).days > LATE_DAYS and self.word != "value"
        begin = first if self.start is None or late else max(first, self.start)
        parts = {"n": len(x), "path": x, "cases": "values" if total is None else "cases", "last": self.end} | more
        parts |= {"first": begin, "begins_late": late, "events": None if total is None else x}
        if estimate is not None:
            parts |= {"n": estimate.n, "low": estimate.low, "high": estimate.high, "uncertain": True}
            return Reading(estimate.value, kind, **parts)
        if self.word in ("count", "share"):
            return self._share(x, kind, total, independent, parts)
        if not len(x) and self.check.says_date:
            return Reading(None, "day", **parts)
        if not len(x):
            raise InsufficientDataError(f"there is no case of it from {begin.date()} to {self.end.date()}")
        if self.word not in SUMMARIES:
            return self._place(x, total is not None, parts)
        if self.span and self.word != "value" and total is None:
            x = x.loc[self.span[0] : self.span[1]]
        if self.uncertain and self.word == "median":
            low, high = _median_interval(independent)
            parts |= {"low": low, "high": high, "n": len(independent), "uncertain": True}
        value, base = float(SUMMARIES[self.word](x)) if len(x) else np.nan, parts.get("base", np.nan)
        return (
            Reading(value, kind, **parts) if np.isnan(base) else Reading(value - base, CHANGED.get(kind, kind), **parts)
        )

    def _share(self, x: Series, kind: str, total: int | None, independent: Series, parts: dict[str, Any]) -> Reading:
        """Count cases, or those beyond a bound; of what followed, a share is of those above zero."""
        say, base = self.check.say, parts.get("base", np.nan)
        is_outcome = independent is not x and self.word == "share"
        bound = say["op"] or ("above" if is_outcome else "")
        hits = meets(x, bound, say["x"] or "0", kind) if bound else x.notna()
        if self.word == "count":
            return Reading(float(hits.sum()), "count", **parts)
        n = len(x) if bound else total or 0
        if not n:
            raise InsufficientDataError(f"there is no case of it up to {self.end.date()}")
        value = float(hits.sum()) / n
        if self.uncertain:
            alone = hits[x.index.isin(independent.index)]
            low, high = _share_interval(int(alone.sum()), len(alone) if bound else n)
            parts |= {"n": len(alone), "low": low, "high": high, "uncertain": True}
        return Reading(value if np.isnan(base) else value - base, "share", **parts)

    def _place(self, x: Series, are_cases: bool, parts: dict[str, Any]) -> Reading:
        """Say where the day that is asked about, or the extreme of a span, stands in the history up to it."""
        word, low = self.word, "lowest" in self.word
        if are_cases and "date" in word:
            row = {"first date": 0, "previous date": -2}.get(word, -1)
            return Reading(x.index[row] if len(x) >= abs(row) else None, "day", **parts)
        of_span = self.span and (self.span[0] < self.span[1] or self.check.to)
        asked = x.loc[self.span[0] : self.span[1]] if self.span and of_span else x if "date" in word else x.iloc[-1:]
        if not len(asked):
            raise InsufficientDataError(f"it has no value in the days asked about, {language.write(self.check.asked)}")
        day = asked.idxmin() if low else asked.idxmax()
        if "date" in word:
            return Reading(day, "day", **parts)
        others = x.drop(day) if self.check.to else x.loc[:day].iloc[:-1]
        stands = history.rank_in_history(pd.concat([others, x.loc[[day]]]), gap=self.check.quiet)
        if word == "return period":
            threshold = float(x.quantile(TAIL_SHARE if stands.value > 0 else 1 - TAIL_SHARE))
            years = calendar_years(pd.DatetimeIndex(x.index))
            found = return_period(return_periods(x, stands.value, threshold), threshold, years)
            parts |= {"low": found.low, "high": found.high, "n": found.n, "cases": "episodes", "uncertain": True}
            return Reading(found.value, "year", **parts)
        if "rank" in word:
            parts |= {
                "ties": stands.ties,
                "higher": others.index[others.lt(stands.value) if low else others.gt(stands.value)],
            }
            episodes = stands.lower_episodes if low else stands.higher_episodes
            rank = 1 + episodes if self.check.quiet else stands.lowest_rank if low else stands.rank
            return Reading(float(rank), "rank", **parts)
        if "since" in word:
            return Reading(stands.lowest_since if low else stands.highest_since, "day", **parts)
        far = stands.rank if stands.percentile >= 0.5 else stands.lowest_rank
        value = stands.percentile if word == "percentile" else (far + stands.ties) / stands.n
        return Reading(value, "share", **parts)


SUMMARIES: dict[str, Callable[[Series], Any]] = {
    "value": lambda x: x.iloc[-1],
    "mean": lambda x: x.mean(),
    "median": lambda x: x.median(),
    "deviation": lambda x: x.std(),
    "total": lambda x: (1 + x).prod() - 1,
    "highest": lambda x: x.max(),
    "lowest": lambda x: x.min(),
    "longest": lambda x: x.max(),
}


def _through_time(asked: Question) -> Reading:
    """Say something of all values of a line; of runs, each counts once, at its end."""
    values = asked.known(asked.check.line)
    x = values.series.loc[asked.start :].dropna()
    if values.runs and asked.word != "value":
        x = x[np.append(np.diff(x.to_numpy()) < 0, True) & (x > 0).to_numpy()]
    estimate = cosine_mean(x) if asked.uncertain and asked.word == "mean" else None
    return asked.say(x, values.kind, values.series.first_valid_index(), estimate)


def _on_days(asked: Question) -> Reading:
    """Say something of the days that meet a condition."""
    values, met = asked.known(asked.check.line), asked.days(asked.check.line)
    path, first, runs = values.series.loc[asked.start :], values.series.first_valid_index(), history.spells(met)
    if asked.word == "longest":
        lengths = pd.Series(runs["length"].to_numpy(dtype=float), index=pd.DatetimeIndex(runs["start"]))
        return asked.say(
            lengths if len(runs) else pd.Series([0.0], index=path.index[-1:]), values.period, first, path=path
        )
    if asked.word == "since":
        start = runs["start"].iloc[-1] if len(runs) and runs["ongoing"].iloc[-1] else None
        return Reading(start, "day", len(path), first, asked.end, path=path)
    x = values.series[met.index][met]
    is_mean = asked.uncertain and asked.word == "mean" and len(x) > 0
    estimate = sign_flip(x, groups=(met != met.shift()).cumsum()[met]) if is_mean else None
    return asked.say(x, values.kind, first, estimate, total=len(met), path=path)


def bare(line: Line) -> Line:
    """Return the price, series or pair that a line begins with, before anything is taken of it."""
    while isinstance(line.of, Line):
        line = replace(line.of, every=line.every)
    per, less = (None if one is not None and _has_steps(one) else one for one in (line.per, line.less))
    return replace(line, per=per, less=less, take=())


def _what_followed(asked: Question, after: Phrase) -> Reading:
    """Say something of what followed the days that meet a condition, or all days where there is none."""
    check = asked.check
    if after["date"]:
        sessions, begin = exchange_sessions(), asked.span[1] if asked.span else asked.end
        n = ((sessions > begin) & (sessions <= pd.Timestamp(read_span(after["date"])[1]))).sum()
        after = read("after", f"{n} {after['path']}")
    line = bare(check.then or check.line)
    ahead = asked.lines.values(replace(line, take=(after,)), asked.end)
    index = pd.DatetimeIndex(ahead.series.index)
    rows, index_first = (
        np.flatnonzero(index >= asked.start) if asked.start is not None else np.arange(len(index)),
        index[0],
    )
    if check.when:
        met = asked.days(check.line)
        rows = index.searchsorted(met.index[met])
        rows = rows[rows < len(index)]
        index_first = max(index[0], met.index[0]) if len(met) else index[0]
    cases = ahead.series.iloc[rows].dropna()
    others = ahead.series.loc[asked.start :].drop(index[rows]).dropna()
    length = abs(after.number("n")) * {"months": 21, "years": 252}.get(after["unit"], 1)
    more: dict[str, Any] = {
        "total": len(rows),
        "independent": cases.iloc[_apart(index.get_indexer(cases.index), length)],
    }
    if check.excess and len(others):
        is_share = asked.word == "share"
        above = meets(others, check.say["op"] or "above", check.say["x"] or "0", ahead.kind) if is_share else others
        more["base"] = float(others.median() if asked.word == "median" else above.mean())
    if asked.uncertain and asked.word == "mean" and len(cases):
        more["estimate"] = _mean_outcome(asked, line, after, rows, cases, length)
    return asked.say(cases, ahead.kind, index_first, path=asked.lines.pair(line, asked.end)[0].series, **more)


def _mean_outcome(asked: Question, line: Line, after: Phrase, rows: Any, cases: Series, length: int) -> Estimate:  # noqa: ANN401
    """Test a mean of outcomes as the event study does: few cycles of policy by signs, many events by a dummy."""
    left, right = asked.lines.pair(line, asked.end)
    apart = np.diff(left.series.index.get_indexer(cases.index), prepend=-length) >= length
    if left.kind != "level" or after["unit"] or after["path"]:
        return sign_flip(cases, groups=np.cumsum(apart))
    less = None if right is None else right.series.pct_change().iloc[1:]
    rows, groups, test = rows[rows > 0], None, "dummy"
    events = [one.phrase["event"] for one in asked.check.when if one.phrase["event"] and one.line is None]
    if events and events[0] not in STATES and len(cases) <= FEW_CYCLES:
        cycles = decisions(events[0], asked.end)
        before = cycles.index.searchsorted(left.series.index[rows], side="right") - 1
        groups = cycles.to_numpy()[np.maximum(before, 0)]
        test = "sign flip from base" if asked.check.excess else "sign flip"
    returns, n = left.series.pct_change().iloc[1:], after.number("n")
    row: dict[str, Any] = dict(event_study(returns, rows - 1, [n], less=less, groups=groups, test=test).iloc[0])  # type: ignore[arg-type]
    shift = 0.0 if asked.check.excess or test == "sign flip" else row["base"]
    return Estimate(row["value"] + shift, int(row["n"]), row["low"] + shift, row["high"] + shift)


def _of_seasons(asked: Question, season: Phrase) -> Reading:
    """Say something of the change over a season, a case a year; other conditions hold at the close before it."""
    line = bare(asked.check.then or asked.check.line)
    changed = asked.lines.values(replace(line, take=(season,)), asked.end)
    daily = asked.lines.values(replace(line, take=(read("take", "change 1"),)), asked.end).series
    index = pd.DatetimeIndex(daily.index)
    inside, year, _ = season_days(index, season["season"])
    before = dict(zip(year[inside][::-1], np.flatnonzero(inside)[::-1] - 1, strict=True))
    x = changed.series.dropna()
    years = year[index.get_indexer(x.index)]
    rows = np.array([before[one] for one in years], dtype=int)
    keep = index[rows + 1] >= asked.start if asked.start is not None else np.ones(len(x), dtype=bool)
    for one in asked.check.when:
        if one.phrase.word == "years":
            keep &= np.isin(years, list(language.read_years(one.phrase["years"])))
        elif one.phrase is not season:
            known = asked.lines.values(one.line or line, asked.end)
            known = replace(known, series=known.series.dropna())
            met = days_when(asked.lines, known, (replace(one, line=None),), asked.end)
            keep &= met.astype(float).reindex(index, method="ffill").to_numpy()[rows] > 0
    x, years = x[keep], years[keep]
    estimate = sign_flip(x) if asked.uncertain and asked.word == "mean" and len(x) else None
    if asked.check.excess and asked.word == "mean":
        used = np.isin(year, years)
        rest, length = (
            season_less_rest(daily.fillna(0.0)[used], inside[used], year[used]),
            inside[used].sum() / max(len(years), 1),
        )
        estimate = Estimate(rest.value * length, rest.n, rest.low * length, rest.high * length)
    path = asked.lines.pair(line, asked.end)[0].series
    return asked.say(x, changed.kind, index[0], estimate, independent=x.copy(), total=len(x), cases="years", path=path)


def _falls(asked: Question, step: Phrase, line: Line) -> Reading:
    """Say something of the falls of a line from its peaks; the depth of one under way is not yet known."""
    series = asked.known(line).series.dropna()
    found = history.fall_episodes(series, abs(amount(step["x"].rstrip("% ") + "%", "fraction")))
    found = found if asked.start is None else found[found["peak"] >= asked.start]
    found = found if asked.word == "count" else found[~found["ongoing"]]
    column, kind = ("sessions", "session") if asked.word == "longest" else ("depth", "fraction")
    x = pd.Series(found[column].to_numpy(dtype=float), index=pd.DatetimeIndex(found["peak"]))
    return asked.say(x, kind, series.index[0], total=len(x), cases="falls", path=series)


def _breakout(asked: Question, step: Phrase, line: Line) -> Reading:
    """Hold a line against a resistance on each day that is asked about, drawn anew from the days before it."""
    series, k = asked.known(line).series.dropna(), step.number()
    first = int(series.index.searchsorted(asked.span[0])) if asked.span else len(series) - 1
    if first < k:
        raise InsufficientDataError(f"a breakout over {k} sessions needs more of them than {first}")
    days = range(first, len(series))
    found = [history.breakouts(series.iloc[row - k : row + 1], k)["value"][step["line"]] for row in days]
    return asked.say(
        pd.Series(found, index=series.index[first:]).dropna(), "fraction", series.index[first - k], path=series
    )


def _association(asked: Question, step: Phrase, line: Line) -> Reading:
    """Return the correlation of a line's changes with another's, or their slope on several, over all of the history."""
    values = asked.known(line)
    names = (step["names"] or step["name"]).split()
    frame = pd.concat(asked.lines.changes(values, names, asked.end), axis=1, keys=["y", *names], sort=True)
    frame = frame.loc[asked.start :].dropna()
    if step["name"]:
        block = min(24 if values.period == "month" else 63, max(len(frame) // 6, 5))
        found = correlation(frame["y"], frame[names[0]], block=block, seed=asked.lines.seed)
    else:
        row: dict[str, Any] = dict(ols(frame["y"], frame[names], "wild").loc[names[0]])
        found = Estimate(row["value"], int(row["n"]), row["low"], row["high"])
    return asked.say(frame["y"], "correlation", frame.index[0], found)


def _of_companies(asked: Phrase, lines: Lines, day: pd.Timestamp) -> Reading:
    """Say something of companies from the study of their debt, as known on the day; small less large is a difference."""
    bp, share = asked.number() or 200, int(asked["share"] or 50) / 100
    study = _companies(lines, day, asked.number("year"), bp, share)
    if asked.word.startswith("double edge"):
        moves = cross_section.rises_and_falls(lines.raw(asked["name"]).series, study.months)
        row: dict[str, Any] = dict(cross_section.leverage_rate_interaction(study.slopes, moves).loc[asked["move"]])
        span = (study.months[0], study.months[-1])
        return Reading(
            row["value"], "fraction", int(row["n"]), *span, "months", (), row["low"], row["high"], uncertain=True
        )
    year, newest = study.fiscal_year, day.year - (1 if day.month >= PUBLISHED_BY else 2)
    if not asked.number("year") and year < newest:
        raise InsufficientDataError(f"the newest statements are of fiscal {year}, too old to decide; name a year")
    frame, column = (
        study.by_year,
        {"net debt to EBITDA of firms": "value", "no EBITDA": "share_no_ebitda"}.get(asked.word),
    )
    if asked.word in ("interest cover of firms", "cover below 1 of firms") and not asked["k"]:
        frame, column = study.cover, "value" if "interest" in asked.word else "share_below_one"
    elif asked["k"]:
        frame = study.stresses.query("rate_move_bp == @bp and debt_share == @share").assign(fiscal_year=year)
        column = {"interest cover of firms": "cover", "cover below 1 of firms": "share_below_one"}.get(
            asked.word, "added"
        )
    rows = frame[frame["fiscal_year"] == year].set_index("group")
    values = rows[column or "due_within_year"]
    kind = "ratio" if column in ("value", "cover") else "share"
    if asked["group"] != "small less large":
        value, n = float(values[asked["group"]]), int(rows["n"][asked["group"]])
    else:
        value, n, kind = (
            float(values["small"] - values["large"]),
            int(rows["n"].sum()),
            "ratio" if kind == "ratio" else "difference",
        )
    return Reading(value, kind, n, pd.Timestamp(year, 1, 1), pd.Timestamp(year, 12, 31), "companies")


def _companies(lines: Lines, day: pd.Timestamp, year: int, bp: int, share: float) -> Any:  # noqa: ANN401  # the study
    """Return the study of companies' debt as of a day, on the claims' own source."""
    from research_lib.studies.leverage import Leverage
    from research_lib.studies.parameters import Leverage as Parameters

    def make(without_financials: bool) -> Leverage:
        asked = {"as_of": day.date(), "fiscal_year": year, "stress_bp": bp, "stress_share": share}
        study = Leverage(Parameters(**asked, exclude_financials=without_financials))
        study.__dict__["source"] = lines.source
        return study

    def find() -> Leverage:
        study = make(True)
        return study if study.companies.has_sectors else make(False)

    return lines.keep(("companies", day, year, bp, share), find)


LAST_STEPS: dict[str, Callable[[Question, Phrase, Line], Reading]] = {
    "fall episodes": _falls,
    "breakout": _breakout,
    "slope on": _association,
    "correlation with": _association,
}


def _apart(rows: NDArray[np.intp], gap: int) -> list[int]:
    """Return which of some rows are at least `gap` after the one kept before them."""
    kept: list[int] = []
    for spot, row in enumerate(rows):
        if not kept or row - rows[kept[-1]] >= gap:
            kept.append(spot)
    return kept


def _share_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the exact 95% interval of a share (Clopper and Pearson, 1934)."""
    from scipy.stats import beta

    low = float(beta.ppf(0.025, hits, n - hits + 1)) if hits else 0.0
    return low, float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0


def _median_interval(x: Series) -> tuple[float, float]:
    """Return the 95% interval of a median by order statistics; NaN under six cases."""
    from scipy.stats import binom

    ordered, n = np.sort(x.to_numpy(dtype=float)), len(x)
    spot = int(binom.ppf(0.025, n, 0.5)) - 1
    return (float(ordered[spot]), float(ordered[n - 1 - spot])) if n >= 6 else (np.nan, np.nan)
