"""From a check to its readings: what the data gives on each definition, by the same functions as the studies.

Every line is cut at the end of its history before anything is taken of it, so that later days cannot matter.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data import DataCard, Source, load_prices, load_series
from research_lib.data.calendar import exchange_sessions
from research_lib.data.catalog import Asset, describe_asset, describe_series, known_series, known_symbols
from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.errors import DataError, InsufficientDataError, MissingDataError, ParameterError, nearest
from research_lib.stats import history
from research_lib.stats.bootstrap import correlation
from research_lib.stats.estimate import Estimate
from research_lib.stats.event_study import event_study
from research_lib.stats.extremes import calendar_years, return_period, return_periods
from research_lib.stats.policy import policy_events, policy_states, recession_within
from research_lib.stats.randomization import season_less_rest, sign_flip
from research_lib.stats.regression import cosine_mean, ols
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies.claims.language import (
    Check, Choices, Condition, Line, Phrase, read, read_figure, read_season, read_span, read_years,
)  # fmt: skip

T = TypeVar("T")
Step = Callable[["Lines", "Values", Phrase, pd.Timestamp], "Values"]

STALE_DAYS = {"session": 7}  # a bond market's holidays
STALE = 366  # of a monthly series, which comes out with a delay
LATE_DAYS = 45  # a history may begin so long after the day that the claim names
FEW_CYCLES = 20
TAIL_SHARE = 0.99  # of the history lies below the threshold of a return period
PERIOD = {"week": "W-FRI", "month": "M", "quarter": "Q", "year": "Y"}
SIGMAS = {"": "price_z", "prior": "price_z_prior", "distance": "distance_z", "expanding": "distance_expanding", "volatility": "distance_vol"}  # fmt: skip
STATES = frozenset({"easing", "tightening", "on hold"})
SEASON = "season"
ROLLING = {"average": "mean", "highest": "max", "lowest": "min", "deviation": "std"}

# How each kind of value is written: its units, the first being that of a bare figure, and what one of it is in each.
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
} | {period: {period: 1.0} | ({"days": 1.0} if period == "session" else {}) for period in ("session", *PERIOD)}
PERCENTS = frozenset({"fraction", "difference", "yield", "yield change", "share"})
PRICES = frozenset({"level", "ratio", "number"})  # change in percent of themselves; all else in points
CHANGED = {"yield": "yield change", "fraction": "difference"}


@dataclass(frozen=True)
class Values:
    """A line's values by day: the kind is a key of `UNITS`, `period` how far apart they are.

    `runs` marks counts of a run or of time since, whose history counts runs, not days; `close` is what the change of a
    high or low is measured from.
    """

    series: "pd.Series[float]"
    kind: str
    period: str = "session"
    runs: bool = False
    close: "pd.Series[float] | None" = None

    def of(self, series: "pd.Series[float]", kind: str, *, runs: bool = False) -> "Values":
        """Return other values on the same line."""
        return Values(series, kind, self.period, runs)


@dataclass(frozen=True)
class Reading:
    """What one definition gives; `kind` is a key of `UNITS`, and a value of None a day that does not exist."""

    value: float | pd.Timestamp | None
    kind: str
    n: int  # what it rests on; of an interval the independent cases
    first: pd.Timestamp  # of the history looked at
    last: pd.Timestamp
    cases: str = "values"  # what n counts
    choices: Choices = ()
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    base: float = np.nan  # what an excess is held against
    uncertain: bool = False  # an interval was asked for, though the cases may be too few for one
    begins_late: bool = False  # the claim names an earlier start of history than the data has
    ties: int = 0  # earlier values equal to a ranked one
    higher: pd.DatetimeIndex | None = field(default=None, compare=False)  # the days that outrank it
    path: "pd.Series[float] | None" = field(default=None, compare=False)  # the line up to the day
    events: "pd.Series[float] | None" = field(default=None, compare=False)  # the cases


class Lines:
    """Prices, series and what is taken of them: each is read once and computed once for all claims."""

    def __init__(self, source: Source, *, as_of: date | None = None, seed: int = 0) -> None:
        self.source, self.as_of, self.seed = source, as_of, seed
        self.symbols = {*known_symbols(), *source.symbols()}
        self.names = self.symbols | {*known_series(), *source.series_ids()}
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
        """Return a price or series on its own days."""
        return self.keep(name, lambda: self._read(name))

    def _read(self, name: str) -> Values:
        asset = Asset.parse(name)
        if asset.symbol not in self.names:
            raise ParameterError(f"unknown price or series {name}{nearest(asset.symbol, sorted(self.names))}")
        if asset.symbol in self.symbols:
            loaded, period = load_prices(self.source, [name], as_of=self.as_of), "session"
            close = self.raw(asset.symbol).series if asset.field in ("high", "low", "open") else None
            values = Values(loaded[name], "level", close=close)
        else:
            loaded, info = load_series(self.source, [name], as_of=self.as_of), describe_series(name)
            period = "month" if info.frequency == "monthly" else "session"
            values = Values(loaded[name], "yield" if info.scale != 1 else "number", period)
            if "Fama-French" in info.name:  # returns: made a price that grows by them
                values = values.of((1 + values.series).cumprod(), "level")
        self.cards[name] = loaded.cards[0]
        return values

    def values(self, line: Line, end: pd.Timestamp) -> Values:
        """Return what a line gives up to a day."""
        return self.keep((line, end), lambda: self._take(line, end))

    def pair(self, line: Line, end: pd.Timestamp) -> tuple[Values, Values | None]:
        """Return a line before anything is taken of it, and what is subtracted, on the days that both have."""
        left = self._operand(line.of, line.every, end)
        if line.per is not None and not _has_steps(line.per):
            left = _joined(left, self._operand(line.per, line.every, end), divide=True)
        if line.less is None or _has_steps(line.less):
            return left, None
        right = self._operand(line.less, line.every, end)
        common = left.series.dropna().index.intersection(right.series.dropna().index)
        return replace(left, series=left.series[common]), replace(right, series=right.series[common])

    def _operand(self, one: str | Line, every: str, end: pd.Timestamp) -> Values:
        if isinstance(one, Line):
            return self.values(one, end)
        raw = self.raw(one)
        cut = replace(raw, series=raw.series.loc[:end])
        return cut if every in ("session", raw.period) else _resample(cut, every, end)

    def _take(self, line: Line, end: pd.Timestamp) -> Values:
        left, right = self.pair(line, end)
        steps = list(line.take)
        if right is not None and left.kind == "level":  # two prices: the first step is of each
            if not steps:
                raise ParameterError("less: a difference of prices means nothing; take a step of both, like change 5")
            left, right = (_step(self, one, steps[0], end) for one in (left, right))
            steps = steps[1:]
        own = next((one for one in (line.per, line.less) if _has_steps(one)), None)
        if own is not None:
            for step in steps:
                left = _step(self, left, step, end)
            right, steps = self._operand(own, line.every, end), []
        if right is not None:
            left = _joined(left, right, divide=own is not None and own is line.per)
        for step in steps:
            left = _step(self, left, step, end)
        return left

    def title(self, one: str | Line | None) -> str:
        """Say in words what a line is of."""
        if isinstance(one, Line):
            other = f" over {self.title(one.per)}" if one.per else f" minus {self.title(one.less)}" if one.less else ""
            every = "" if one.every == "session" else f", every {one.every}"
            return ", ".join([f"{self.title(one.of)}{other}{every}", *(step.text for step in one.take)])
        if not one:
            return ""
        asset = Asset.parse(one)
        known = describe_asset(one).name if asset.symbol in self.symbols else describe_series(one).name
        field_names = {"close": "", "total": " with dividends", "adj_close": " with dividends"}
        return known + field_names.get(asset.field, f" ({asset.field})")


def _has_steps(one: str | Line | None) -> bool:
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
    known = day >= sessions[0] and row < len(sessions)
    return sessions[row] if known else day + pd.offsets.BDay()


def _resample(values: Values, every: str, end: pd.Timestamp) -> Values:
    """Keep the last value of each week, month … that is over, on its own day."""
    period = pd.DatetimeIndex(values.series.index).to_period(PERIOD[every])
    over = ~period.duplicated(keep="last") & (period != next_session(end).to_period(PERIOD[every]))
    return Values(values.series[over], values.kind, every)


# Steps: what may be taken of a line


def _step(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    if step.word not in STEPS:
        raise ParameterError(f"take: `{step.word}` must be the last step")
    return STEPS[step.word](lines, values, step, end)


def _over(values: Values, base: "pd.Series[float]", kind: str, series: "pd.Series[float] | None" = None) -> Values:
    """Return the change from a base: in percent of a price, in points of all else, unless `kind` says so."""
    series = values.series.reindex(base.index) if series is None else series
    if (kind or ("percent" if values.kind in PRICES else "points")) == "points":
        return values.of(series - base, CHANGED.get(values.kind, values.kind))
    ratio = (series / base).where(base > 0)
    return values.of(pd.Series(np.log(ratio), index=base.index) if kind == "log" else ratio - 1, "fraction")


def _before(values: Values) -> "pd.Series[float]":
    return values.series if values.close is None else values.close.reindex(values.series.index)


def _change(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    return _over(values, _before(values).shift(step.number()), step["kind"])


def _change_since(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    day = pd.Timestamp(read_span(step["date"], "change since")[1])
    known = _before(values).loc[:day].dropna()
    if known.empty:
        raise InsufficientDataError(f"there is no value up to {day.date()}, from which the change is asked")
    return _over(values, pd.Series(known.iloc[-1], index=values.series.loc[known.index[-1] :].index), step["kind"])


def _to_date(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    period = pd.DatetimeIndex(values.series.index).to_period(PERIOD[step["period"]])
    before = _before(values).groupby(period).last().shift()
    return _over(values, pd.Series(before.reindex(period).to_numpy(), index=values.series.index), "")


def _rolling(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    return values.of(getattr(values.series.rolling(step.number()), ROLLING[step.word])(), values.kind)


def _distance(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    series = values.series
    if step.word == "distance to average":
        return _over(values, series.rolling(step.number()).mean(), "")
    record = step.word == "distance to record"
    return _over(values, series.cummax() if record else series * 0 + amount(step["x"], values.kind), "")


def _z(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    name: Any = "return_z" if step["moved"] else SIGMAS[step["definition"]]
    settings = SigmaSettings(step.number(), int(step["ddof"] or 1), return_sessions=step.number("moved") or 1)
    return values.of(sigma_path(values.series.dropna(), name, settings), "sigma")


def _drawdown(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    return values.of(history.drawdown(values.series.dropna(), step.number() or None), "fraction")


def _run(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    met = days_when(lines, values, (Condition(read("when", step["condition"])),), end)
    count = history.spell_lengths if step.word == "spell" else history.age
    return values.of(count(met).where(values.series.notna()).astype(float), values.period, runs=True)


def _correlation(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    mine, other = _changes(lines, values, [step["name"]], end)
    return values.of(history.rolling_correlation(mine, other, step.number()), "correlation")


def _changes(lines: Lines, values: Values, names: Sequence[str], end: pd.Timestamp) -> "list[pd.Series[float]]":
    """Return the one-period changes of a line and of others; of a volatility index, as of a yield, in points."""
    own = (
        values.series
        if values.kind in ("fraction", "difference")
        else _change(lines, values, read("take", "change 1"), end).series
    )
    points = {name: " points" if describe_asset(name).kind == "volatility" else "" for name in names}
    return [own, *(lines.values(Line(name, every=values.period, take=(read("take", f"change 1{unit}"),)), end).series
                   for name, unit in points.items())]  # fmt: skip


def _time_to(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    left = amount(step["x"], values.kind) - values.series
    periods = left / (values.series.diff(step.number()) / step.number())
    return values.of(periods.where((periods >= 0) & (left != 0), np.inf).where(left != 0, 0.0), values.period)


def _ahead(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    """Return the change over the next periods, by the day before them; NaN where they are not over."""
    series = values.series.dropna()
    index = pd.DatetimeIndex(series.index)
    if step["unit"]:
        months = step.number("n") * (12 if step["unit"] == "years" else 1)
        target = index + pd.DateOffset(months=months)
        stop = index.searchsorted(target, side="right") - 1
        stop[target >= next_session(index[-1])] = -1
    else:
        stop = np.arange(len(index)) + step.number("n")
    begin = np.flatnonzero((stop >= 0) & (stop < len(index)))
    first, last = np.minimum(begin, stop[begin]), np.maximum(begin, stop[begin])
    if not step["path"]:
        found = _over(values, series.iloc[first], "", pd.Series(series.to_numpy()[last], index=index[first]))
        return replace(found, series=pd.Series(found.series.to_numpy(), index=index[begin]).reindex(index))
    prices = series.to_numpy()
    ways = [_on_the_way(prices[a : b + 1], step["path"]) for a, b in zip(first, last, strict=True)]
    return values.of(pd.Series(ways, index=index[begin], dtype=float).reindex(index), "fraction")


def _on_the_way(prices: NDArray[np.float64], path: str) -> float:
    if path == "drawdown":
        return float((prices / np.maximum.accumulate(prices)).min() - 1)
    return float((prices[1:].max() if path == "highest" else prices[1:].min()) / prices[0] - 1)


def _season(lines: Lines, values: Values, step: Phrase, end: pd.Timestamp) -> Values:
    """Return the change over each season that is over, from the close before it, on its last day."""
    series = values.series.dropna()
    inside, year, is_open = season_days(pd.DatetimeIndex(series.index), step["season"], end)
    rows = pd.Series(np.flatnonzero(inside)).groupby(year[inside])
    ends = pd.DataFrame({"first": rows.min() - 1, "last": rows.max()})
    ends = ends[(ends["first"] >= 0) & ~ends.index.isin(is_open)]
    base = pd.Series(series.to_numpy()[ends["first"]], index=series.index[ends["last"]])
    return _over(values, base, "")


STEPS: dict[str, Step] = {
    "change": _change, "change since": _change_since, "to date": _to_date, 
    "distance to average": _distance, "distance to record": _distance, "distance to": _distance, "z": _z,
    "drawdown": _drawdown, "spell": _run, "age of": _run, "correlation with": _correlation,
    "periods to at the pace of": _time_to, SEASON: _season, "": _ahead,
} | dict.fromkeys(ROLLING, _rolling)  # fmt: skip


def season_days(
    index: pd.DatetimeIndex, text: str, end: pd.Timestamp
) -> tuple[NDArray[np.bool_], NDArray[np.intp], list[int]]:
    """Mark a season's days; give each day the year of the next season's end, and the years whose season is not over.

    A season within one calendar year belongs to that year, and one over New Year to the year in which it ends.
    """
    (how_first, n_first, opens), (how_last, n_last, closes) = read_season(text)
    month, over_new_year = index.month.to_numpy(), opens > closes
    year = index.year.to_numpy() + ((month > closes) & over_new_year)
    inside = (month >= opens) | (month <= closes) if over_new_year else (month >= opens) & (month <= closes)
    in_month = pd.Series(0, index=range(len(index))).groupby(index.to_period("M"))
    if how_first == "last":
        inside &= (month != opens) | (in_month.cumcount(ascending=False) < n_first).to_numpy()
    if how_last == "first":
        inside &= (month != closes) | (in_month.cumcount() < n_last).to_numpy()
    after = next_session(end)
    last_year = int(after.year + (after.month > closes and over_new_year))
    in_close = int(((year == last_year) & (month == closes)).sum())
    over = in_close >= n_last if how_last == "first" else after.month > closes and not over_new_year
    return inside, year, [] if over else [last_year]


def amount(text: str, kind: str) -> float:
    """Turn a written bound into decimals; of a line in percent it must say its unit, unless it is zero."""
    figure = read_figure(text, is_date=False)
    value = (figure.low + figure.high) / 2
    if kind in PERCENTS and not figure.unit and value:
        raise ParameterError(f"{text}: the line is in percent: write {text}% or {text} bp")
    return value / scale(kind, figure.unit, text)


def scale(kind: str, unit: str, text: str) -> float:
    """Return what one of a kind of value is in a unit; `ParameterError` where it cannot be written so."""
    units = UNITS[kind]
    if unit and unit not in units:
        known = " or ".join(filter(None, units)) or "a bare number"
        raise ParameterError(f"{text}: the line gives a {kind}; write it in {known}")
    return units[unit] if unit else next(iter(units.values()))


# Conditions: which days


def days_when(lines: Lines, values: Values, when: Sequence[Condition], end: pd.Timestamp) -> "pd.Series[bool]":
    """Mark the days of a line that meet all conditions; `lasts` and `first in` look at those before them."""
    met = values.series.notna()
    for one in when:
        if one.phrase.word == "lasts":
            met = history.spell_lengths(met) == one.phrase.number()
        elif one.phrase.word == "first in":
            met &= met.astype(float).shift().rolling(one.phrase.number()).max() == 0
        elif one.line is not None:
            other = lines.values(one.line, end)
            known = replace(other, series=other.series.dropna())
            found = days_when(lines, known, (replace(one, line=None),), end).astype(float)
            met &= found.reindex(met.index, method="ffill") > 0
        else:
            met &= np.asarray(_days(lines, values, one, end), dtype=bool)
    return met


def _days(lines: Lines, values: Values, one: Condition, end: pd.Timestamp) -> Any:  # noqa: ANN401  # marks, a day each
    series, phrase, word, index = values.series, one.phrase, one.phrase.word, pd.DatetimeIndex(values.series.index)
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
    if "session" in word:
        return _ordinal(index, phrase, end)
    if word == SEASON:
        return season_days(index, phrase["season"], end)[0]
    if word == "years":
        return index.year.isin(list(read_years(phrase["years"])))
    if word == "policy" and phrase["event"] in STATES:
        return policy_states(load_target_changes(as_of=end)["change_bp"], index) == phrase["event"]
    if word in ("policy", "on"):
        listed = [read_span(day)[0] for day in phrase["days"].split(",")] if word == "on" else None
        days = pd.DatetimeIndex(listed) if listed else decisions(lines, phrase["event"], end).index
        return np.isin(np.arange(len(index)), index.searchsorted(days[days >= index[0]]))
    known = recession_within(index, load_recessions(), known_to=end)
    return (known == (not word.startswith("no"))).fillna(False)


BOUNDS = {"above": "gt", "below": "lt", "at least": "ge", "at most": "le"}


def meets(series: "pd.Series[float]", word: str, bound: str, kind: str) -> "pd.Series[bool]":
    """Mark the values on one side of a written bound."""
    found: pd.Series[bool] = getattr(series, BOUNDS[word])(amount(bound, kind))
    return found


def decisions(lines: Lines, event: str, end: pd.Timestamp) -> "pd.Series[Any]":
    """Return the Fed's decisions of a kind up to a day, each with its cycle's number."""

    def find() -> "pd.Series[Any]":
        changes = load_target_changes(as_of=end)
        if event in ("cut", "hike"):
            chosen = changes["change_bp"] < 0 if event == "cut" else changes["change_bp"] > 0
            return pd.Series(np.arange(chosen.sum()), index=changes.index[chosen])
        return policy_events(changes, event)  # type: ignore[arg-type]

    return lines.keep(("policy", event, end), find)


def _ordinal(index: pd.DatetimeIndex, phrase: Phrase, end: pd.Timestamp) -> NDArray[np.bool_]:
    period = index.to_period(PERIOD[phrase["period"]])
    groups = pd.Series(0, index=range(len(index))).groupby(period)
    from_start, n = groups.cumcount().to_numpy() + 1, phrase.number("n")
    if n >= 0:
        return from_start == (n or from_start[-1])
    unfinished = np.asarray(period == next_session(end).to_period(PERIOD[phrase["period"]]))
    return (groups.cumcount(ascending=False).to_numpy() + 1 == -n) & ~unfinished


# Readings: what is said


def read_all(check: Check, lines: Lines, day: pd.Timestamp, *, uncertain: bool = False) -> list[Reading]:
    """Return a check's readings as known at the close of a day; a tie with a record makes two, where it matters.

    Raises
    ------
    InsufficientDataError, MissingDataError
        The source cannot give it.
    ParameterError
        A step, bound or unit does not fit the line.
    """
    found = _reading(check, lines, day, uncertain)
    if check.say.word in ("count", "share") and check.after is None:
        tied = tuple(replace(one, phrase=read("when", "record with ties")) if one.phrase.word == "record" else one
                     for one in check.when)  # fmt: skip
        other = _reading(replace(check, when=tied), lines, day, uncertain) if tied != check.when else found
        if other.value != found.value:
            names = ("not counted", "counted")
            return [replace(one, choices=(("ties", name),)) for one, name in zip((found, other), names, strict=True)]
    return [found]


def _reading(check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> Reading:
    if check.special:
        from research_lib.studies.claims import firms

        return firms.read_special(check, lines, day)
    asked = Question(check, lines, day, uncertain)
    last = check.line.take[-1].word if check.line.take else ""
    if last in LAST_STEPS and not (last == "correlation with" and check.line.take[-1]["k"]):
        return LAST_STEPS[last](asked)
    if check.after is not None:
        return _what_followed(asked)
    if not last and any(one.phrase.word == SEASON and one.line is None for one in check.when):
        return _of_seasons(asked)
    return _on_days(asked) if check.when else _through_time(asked)


class Question:
    """A check on a day: the history that it looks at, from `start` to `end`, and the days that it asks about."""

    def __init__(self, check: Check, lines: Lines, day: pd.Timestamp, uncertain: bool) -> None:
        self.check, self.lines, self.uncertain, self.word = check, lines, uncertain, check.say.word
        if check.at and pd.Timestamp(check.at[0]) > day:
            raise ParameterError(f"at: {check.at[0]} is after {day.date()}, the last day that the article knew")
        ends = [pd.Timestamp(one) for one in (check.at and check.at[1], check.to) if one]
        self.end = min(day, max(ends)) if ends and not (check.after and not check.to) else day
        self.at = (pd.Timestamp(check.at[0]), min(pd.Timestamp(check.at[1]), self.end)) if check.at else None
        self.start = None if check.start is None else pd.Timestamp(check.start)

    def known(self, line: Line) -> Values:
        """Return a line up to the end; one that has no value, or stopped long before, is said."""
        values = self.lines.values(line, self.end)
        days = values.series.dropna().index
        if not len(days) or (self.end - days[-1]).days > STALE_DAYS.get(values.period, STALE):
            ends = f"ends on {days[-1].date()}, before" if len(days) else "has no value up to"
            raise InsufficientDataError(f"{self.lines.title(line)} {ends} {self.end.date()}")
        return values

    def days(self, values: Values) -> "pd.Series[bool]":
        """Mark the days from `start` that meet the conditions, the cool-off passed over."""
        met = days_when(self.lines, values, self.check.when, self.end).loc[self.start :]
        if not self.check.quiet:
            return met
        rows = np.flatnonzero(met.to_numpy())
        kept = rows[_apart(rows, self.check.quiet + 1)]
        return pd.Series(np.isin(np.arange(len(met)), kept), index=met.index)

    def say(self, x: "pd.Series[float]", kind: str, first: pd.Timestamp, **more: Any) -> Reading:  # noqa: ANN401
        """Say the word that is asked for, of values (`total` None) or of cases among `total` periods."""
        late = self.start is not None and (first - self.start).days > LATE_DAYS and self.word != "value"
        begin = first if self.start is None or late else max(first, self.start)
        estimate, total, independent = (more.pop(name, None) for name in ("estimate", "total", "independent"))
        more = {"n": len(x), "path": x, "cases": "values" if total is None else "cases"} | more
        more |= {"first": begin, "last": self.end, "begins_late": late, "events": None if total is None else x}
        if estimate is not None:
            parts = {"value": estimate.value, "n": estimate.n, "low": estimate.low, "high": estimate.high}
            return Reading(kind=kind, p=estimate.p, uncertain=True, **{**more, **parts})
        if self.word in ("count", "share"):
            return self._share(x, kind, total, independent, more)
        if not len(x):
            if self.check.says_date:
                return Reading(None, "day", **more)
            raise InsufficientDataError(f"there is no case of it from {begin.date()} to {self.end.date()}")
        if self.word in SUMMARIES:
            of = x if self.at is None or self.word == "value" or self.check.after else x.loc[self.at[0] : self.at[1]]
            if self.uncertain and self.word == "median":
                low, high = _median_interval(x if independent is None else independent)
                more |= {"low": low, "high": high, "uncertain": True}
            value = SUMMARIES[self.word](of) if len(of) else np.nan
            shift = more.get("base", np.nan)
            is_excess = not np.isnan(shift)
            return Reading(
                float(value) - (shift if is_excess else 0.0), CHANGED.get(kind, kind) if is_excess else kind, **more
            )
        return self._place(x, kind, total is not None, more)

    def _share(
        self, x: "pd.Series[float]", kind: str, total: int | None, independent: Any, more: dict[str, Any]
    ) -> Reading:  # noqa: ANN401
        bound = self.check.say["op"] or ("above" if independent is not None and self.word == "share" else "")
        hits = meets(x, bound, self.check.say["x"] or "0", kind) if bound else x.notna()
        if self.word == "count":
            return Reading(float(hits.sum()), "count", **more)
        whole = len(x) if bound else total or 0
        if not whole:
            raise InsufficientDataError(f"there is no case of it up to {self.end.date()}")
        value, base = float(hits.sum()) / whole, more.get("base", np.nan)
        if self.uncertain:
            alone = hits if independent is None else hits[x.index.isin(independent.index)]
            n = len(alone) if bound else whole
            low, high = _share_interval(int(alone.sum()), n)
            more |= {"n": n, "low": low, "high": high, "uncertain": True}
        return Reading(value if np.isnan(base) else value - base, "share", **more)

    def _place(self, x: "pd.Series[float]", kind: str, are_cases: bool, more: dict[str, Any]) -> Reading:
        word, low = self.word, "lowest" in self.word
        asked = x.loc[self.at[0] : self.at[1]] if self.at and self.at[0] < self.at[1] else x.iloc[-1:]
        if self.at and self.check.to:
            asked = x.loc[self.at[0] : self.at[1]]
        if not len(asked):
            raise InsufficientDataError(f"there is no session from {self.check.at} in it")
        if are_cases and "date" in word:
            spot = {"first date": 0, "previous date": -2}.get(word, -1)
            return Reading(x.index[spot] if len(x) >= abs(spot) else None, "day", **more)
        if word in ("date", "date of lowest"):
            of = asked if self.at else x
            return Reading(of.idxmin() if low else of.idxmax(), "day", **more)
        day = asked.idxmin() if low else asked.idxmax()
        others = x.drop(day) if self.check.to else x.loc[:day].iloc[:-1]
        stands = history.rank_in_history(pd.concat([others, x.loc[[day]]]))
        if word in ("rank", "lowest rank"):
            beat = others.index[(others < stands.value) if low else (others > stands.value)]
            return Reading(
                float(stands.lowest_rank if low else stands.rank), "rank", ties=stands.ties, higher=beat, **more
            )
        if word == "return period":
            threshold = float(x.quantile(TAIL_SHARE if stands.value > 0 else 1 - TAIL_SHARE))
            years = calendar_years(pd.DatetimeIndex(x.index))
            found = return_period(return_periods(x, stands.value, threshold), threshold, years)
            parts = {"low": found.low, "high": found.high, "n": found.n, "cases": "episodes", "uncertain": True}
            return Reading(found.value, "year", **more | parts)
        if word in ("percentile", "share as far"):
            far = stands.rank if stands.percentile >= 0.5 else stands.lowest_rank
            return Reading(
                stands.percentile if word == "percentile" else (far + stands.ties) / stands.n, "share", **more
            )
        return Reading(stands.lowest_since if low else stands.highest_since, "day", **more)


SUMMARIES: dict[str, Callable[["pd.Series[float]"], Any]] = {
    "value": lambda x: x.iloc[-1], "mean": lambda x: x.mean(), "median": lambda x: x.median(),
    "deviation": lambda x: x.std(), "total": lambda x: (1 + x).prod() - 1, "highest": lambda x: x.max(),
    "lowest": lambda x: x.min(), "longest": lambda x: x.max(),
}  # fmt: skip


def _through_time(asked: Question) -> Reading:
    """Say something of all values of a line; of runs, each counts once, at its end."""
    values = asked.known(asked.check.line)
    x = values.series.loc[asked.start :].dropna()
    if values.runs and asked.word != "value":
        x = x[np.append(np.diff(x.to_numpy()) < 0, True) & (x > 0).to_numpy()]
    estimate = cosine_mean(x) if asked.uncertain and asked.word == "mean" else None
    return asked.say(x, values.kind, values.series.first_valid_index(), estimate=estimate)


def _on_days(asked: Question) -> Reading:
    """Say something of the days that meet a condition."""
    values = asked.known(asked.check.line)
    met = asked.days(values)
    if asked.at:
        met = met.loc[asked.at[0] : asked.at[1]] if asked.at[0] < asked.at[1] else met
    path = values.series.loc[asked.start :]
    first = values.series.first_valid_index()
    if asked.word in ("since", "longest"):
        runs = history.spells(met)
        if asked.word == "longest":
            return replace(
                asked.say(path, values.period, first, n=len(runs)),
                value=float(runs["length"].max()) if len(runs) else 0.0,
            )
        start = runs["start"].iloc[-1] if len(runs) and runs["ongoing"].iloc[-1] else None
        return Reading(start, "day", len(path), first, asked.end, path=path)
    x, estimate = values.series[met.index][met], None
    if asked.uncertain and asked.word == "mean" and len(x):
        estimate = sign_flip(x, groups=(met != met.shift()).cumsum()[met])
    return asked.say(x, values.kind, first, total=len(met), path=path, estimate=estimate)


def _what_followed(asked: Question) -> Reading:
    """Say something of what followed the days that meet a condition, or all days where there is none."""
    check, after = asked.check, asked.check.after
    assert after is not None  # noqa: S101  # the caller has seen to it
    if after["date"]:
        sessions, begin = exchange_sessions(), asked.at[1] if asked.at else asked.end
        n = int(((sessions > begin) & (sessions <= pd.Timestamp(read_span(after["date"], "after")[1]))).sum())
        after = Phrase("", f"{n} {after['path']}".strip(), {**after.values, "n": str(n)})
    line = bare(check.then or check.line)
    moved = (
        asked.known(replace(line, take=(after,)))
        if False
        else asked.lines.values(replace(line, take=(after,)), asked.end)
    )
    index = pd.DatetimeIndex(moved.series.index)
    rows = np.arange(int(index.searchsorted(asked.start)) if asked.start is not None else 0, len(index))
    if check.when:
        met = asked.days(asked.known(check.line))
        met = met.loc[asked.at[0] : asked.at[1]] if asked.at else met
        rows = index.searchsorted(met.index[met])
        rows = rows[rows < len(index)]
    cases = moved.series.iloc[rows].dropna()
    length = abs(after.number("n")) * {"months": 21, "years": 252}.get(after["unit"], 1)
    others = moved.series.loc[asked.start :].drop(index[rows]).dropna()
    more: dict[str, Any] = {
        "base": _base(asked, others),
        "total": len(rows),
        "path": asked.lines.values(line, asked.end).series,
    }
    if asked.uncertain and asked.word == "mean" and len(cases):
        more["estimate"] = _mean_estimate(asked, line, after, rows, cases, length)
    more["independent"] = cases.iloc[_apart(index.get_indexer(cases.index), length)]
    return asked.say(cases, moved.kind, index[0], **more)


def bare(line: Line) -> Line:
    """Return the price, series or pair that a line begins with, before anything is taken of it."""
    while isinstance(line.of, Line):
        line = replace(line.of, every=line.every)
    per, less = (None if _has_steps(one) else one for one in (line.per, line.less))
    return replace(line, per=per, less=less, take=())


def _base(asked: Question, others: "pd.Series[float]") -> float:
    if not asked.check.excess or not len(others):
        return np.nan
    if asked.word == "share":
        return float(meets(others, asked.check.say["op"] or "above", asked.check.say["x"] or "0", "fraction").mean())
    return float(others.median() if asked.word == "median" else others.mean())


def _mean_estimate(asked: Question, line: Line, after: Phrase, rows: Any, cases: Any, length: int) -> Estimate:  # noqa: ANN401
    """Test a mean of outcomes as the event study does: few cycles of policy by signs, many events by a dummy."""
    left, right = asked.lines.pair(line, asked.end)
    begins = np.diff(left.series.index.get_indexer(cases.index), prepend=-length)
    if left.kind != "level" or after["unit"] or after["path"]:
        return sign_flip(cases, groups=np.cumsum(begins >= length))
    returns = left.series.pct_change().iloc[1:]
    less = None if right is None else right.series.pct_change().iloc[1:]
    rows, groups, test = rows[rows > 0], None, "dummy"
    events = [one.phrase["event"] for one in asked.check.when if one.phrase.word == "policy" and one.line is None]
    if events and events[0] not in STATES and len(cases) <= FEW_CYCLES:
        cycles = decisions(asked.lines, events[0], asked.end)
        before = cycles.index.searchsorted(left.series.index[rows], side="right") - 1
        groups, test = (
            cycles.to_numpy()[np.maximum(before, 0)],
            "sign flip from base" if asked.check.excess else "sign flip",
        )
    row = event_study(returns, rows - 1, [after.number("n")], less=less, groups=groups, test=test).iloc[0]  # type: ignore[arg-type]
    shift = 0.0 if asked.check.excess or test == "sign flip" else row["base"]
    ends = (row["value"] + shift, int(row["n"]), row["low"] + shift, row["high"] + shift, row["p"])
    return Estimate(*ends, base=row["base"])


def _of_seasons(asked: Question) -> Reading:
    """Say something of the change over a season, a case a year; other conditions hold at the close before it."""
    line = bare(asked.check.then or asked.check.line)
    step = next(one.phrase for one in asked.check.when if one.phrase.word == SEASON and one.line is None)
    moved = asked.lines.values(replace(line, take=(step,)), asked.end)
    daily = asked.lines.values(replace(line, take=(read("take", "change 1"),)), asked.end)
    index = pd.DatetimeIndex(daily.series.index)
    inside, year, is_open = season_days(index, step["season"], asked.end)
    before = {one: row for one, row in zip(year[inside][::-1], np.flatnonzero(inside)[::-1] - 1, strict=True)}
    x = moved.series.dropna()
    years = year[index.get_indexer(x.index)]
    keep = np.array([asked.start is None or index[before[one] + 1] >= asked.start for one in years], dtype=bool)
    for one in asked.check.when:
        if one.phrase.word == "years":
            keep &= np.isin(years, list(read_years(one.phrase["years"])))
        elif one.phrase is not step:
            met = days_when(
                asked.lines, asked.known(one.line or asked.check.line), (replace(one, line=None),), asked.end
            )
            known = met.astype(float).reindex(index, method="ffill").to_numpy() > 0
            keep &= np.array([known[before[y]] for y in years], dtype=bool)
    x, years = x[keep], years[keep]
    more: dict[str, Any] = {
        "independent": x,
        "total": len(x),
        "cases": "years",
        "path": asked.lines.values(line, asked.end).series if line.less is None else x,
    }
    if asked.check.excess and asked.word == "mean":
        used = np.isin(year, years)
        rest = season_less_rest(daily.series.fillna(0.0)[used], inside[used], year[used])
        length = inside[used].sum() / max(len(years), 1)
        more["estimate"] = Estimate(rest.value * length, rest.n, rest.low * length, rest.high * length, rest.p)
    elif asked.uncertain and asked.word == "mean" and len(x):
        more["estimate"] = sign_flip(x)
    return asked.say(x, moved.kind, index[0], **more)


def _falls(asked: Question) -> Reading:
    """Say something of the falls of a line from its peaks; the depth of one under way is not yet known."""
    step, line = asked.check.line.take[-1], replace(asked.check.line, take=asked.check.line.take[:-1])
    series = asked.known(line).series.dropna()
    found = history.fall_episodes(series, abs(amount(step["x"].rstrip("% ") + "%", "fraction")))
    found = found if asked.start is None else found[found["peak"] >= asked.start]
    over = found if asked.word == "count" else found[~found["ongoing"]]
    depth = "sessions" if asked.word == "longest" else "depth"
    x = pd.Series(over[depth].to_numpy(dtype=float), index=pd.DatetimeIndex(over["peak"]))
    kind = "session" if asked.word == "longest" else "fraction"
    return asked.say(x, kind, series.index[0], total=len(x), cases="falls", path=series)


def _breakout(asked: Question) -> Reading:
    """Hold a line against a resistance on each day that is asked about, drawn anew from the days before it."""
    step, line = asked.check.line.take[-1], replace(asked.check.line, take=asked.check.line.take[:-1])
    series = asked.known(line).series.dropna()
    first = series.index.searchsorted(asked.at[0]) if asked.at else len(series) - 1
    try:
        found = {series.index[row]: history.breakouts(series.iloc[: row + 1], step.number())["value"][step["line"]]
                 for row in range(int(first), len(series))}  # fmt: skip
    except ValueError as error:
        raise InsufficientDataError(str(error)) from None
    x = pd.Series(found, dtype=float).dropna()
    return asked.say(x, "fraction", series.index[max(int(first) - step.number(), 0)], path=series)


def _association(asked: Question) -> Reading:
    """Return the correlation of a line's changes with another's, or their slope on several, over all of the history."""
    step, line = asked.check.line.take[-1], replace(asked.check.line, take=asked.check.line.take[:-1])
    values = asked.known(line)
    names = (step["names"] or step["name"]).replace(",", " ").split()
    frame = pd.concat(_changes(asked.lines, values, names, asked.end), axis=1, keys=["y", *names], sort=True)
    frame = frame.loc[asked.start :].dropna()
    if step["name"]:
        found = correlation(
            frame["y"], frame[names[0]], block=24 if values.period == "month" else 63, seed=asked.lines.seed
        )
    else:
        row = ols(frame["y"], frame[names], "wild" if asked.uncertain else "HC1").loc[names[0]]
        found = Estimate(row["value"], int(row["n"]), row["low"], row["high"], row["p"])
    return asked.say(frame["y"], "correlation", frame.index[0], estimate=found)


LAST_STEPS: dict[str, Callable[[Question], Reading]] = {
    "fall episodes": _falls, "breakout": _breakout, "slope on": _association, "correlation with": _association,
}  # fmt: skip


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


def _median_interval(x: "pd.Series[float]") -> tuple[float, float]:
    """Return the 95% interval of a median by order statistics; NaN under six cases."""
    from scipy.stats import binom

    ordered, n = np.sort(x.to_numpy(dtype=float)), len(x)
    spot = int(binom.ppf(0.025, n, 0.5)) - 1
    return (float(ordered[spot]), float(ordered[n - 1 - spot])) if n >= 6 else (np.nan, np.nan)
