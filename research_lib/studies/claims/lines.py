"""Prices and series, what is taken of them, and which days meet a condition; each is computed once.

Every line is cut at the end of its history before anything is taken of it, so that later days cannot matter.
"""

import csv
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
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
from research_lib.stats.policy import policy_events, policy_states, recession_within
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies.claims import language
from research_lib.studies.claims.language import Condition, Line, Phrase, read, read_figure, read_span

T = TypeVar("T")
Series = pd.Series  # of numbers, by day
PERIOD = {"week": "W-FRI", "month": "M", "quarter": "Q", "year": "Y"}
BOUNDS = {"above": "gt", "below": "lt", "at least": "ge", "at most": "le"}
STATES = ("easing", "tightening", "on hold")

# How each kind of value is shown, what its differences are, and its units: the first that of a bare figure, each with what
# one of the kind is in it.
with Path(__file__).with_name("kinds.csv").open(encoding="utf-8") as file:
    KINDS = {row["kind"]: row for row in csv.DictReader(file)}
UNITS = {
    kind: {unit: float(factor) for unit, factor in (one.split("=") for one in row["units"].split())}
    for kind, row in KINDS.items()
}
CHANGED = {kind: row["changed"] for kind, row in KINDS.items() if row["changed"]}
PRICES = ("level", "ratio", "number")  # change in percent of themselves; all else changes in points


@dataclass(frozen=True)
class Values:
    """A line's values by day."""

    series: Series
    kind: str  # a key of `UNITS`
    period: str = "session"  # how far apart they are
    runs: bool = False  # counts of a run or of time since: their history counts runs, not days
    close: Series | None = None  # what the change of a high or low is measured from

    @property
    def first(self) -> pd.Timestamp:
        """The first day that has a value."""
        return pd.DatetimeIndex(self.series.dropna().index)[0]

    def of(self, series: Series, kind: str = "", *, runs: bool = False) -> "Values":
        """Return other values on the same line."""
        return Values(series, kind or self.kind, self.period, runs)


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
        return self._kept[key]

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
                before = pd.DatetimeIndex(values.series.index[:1]) - pd.offsets.MonthEnd()
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
        cut = raw.series.loc[:end]
        if line.every in ("session", raw.period):
            return replace(raw, series=cut)
        period = pd.DatetimeIndex(cut.index).to_period(PERIOD[line.every])
        over = ~period.duplicated(keep="last") & (period != next_session(end).to_period(PERIOD[line.every]))
        return Values(cut[over], raw.kind, line.every)  # the last value of each period that is over, on its own day

    def _take(self, line: Line, end: pd.Timestamp) -> Values:
        (left, right), steps = self.pair(line, end), line.take
        if right is not None and left.kind == "level":  # two prices: the first step is of each
            if not steps:
                raise ParameterError("less: a difference of prices means nothing; take a step of both, like change 5")
            left, right = self.step(left, steps[0], end), self.step(right, steps[0], end)
            steps = steps[1:]
        left = left if right is None else _joined(left, right, divide=False)
        for step in steps:
            left = self.step(left, step, end)
        other = next((one for one in (line.per, line.less) if one is not None and _has_steps(one)), None)
        return left if other is None else _joined(left, self._operand(other, line, end), divide=other is line.per)

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
        is_change = values.kind in {"fraction", *CHANGED.values()}
        found = [values.series if is_change else moved(values).series]
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


# Steps: what may be taken of a line


def moved(values: Values, base: Series | None = None, kind: str = "", series: Series | None = None) -> Values:
    """Return the change from a base (the value before): in percent of a price, in points of all else, unless told."""
    base = _start(values).shift() if base is None else base
    series = values.series.reindex(base.index) if series is None else series
    if (kind or ("percent" if values.kind in PRICES else "points")) == "points":
        return values.of(series - base, CHANGED.get(values.kind, values.kind))
    ratio = (series / base).where(base > 0)
    return values.of(ratio.map(np.log) if kind == "log" else ratio - 1, "fraction")


def _start(values: Values) -> Series:
    return values.series if values.close is None else values.close.reindex(values.series.index)


def _change(values: Values, step: Phrase) -> Values:
    start = _start(values)
    if not step["unit"]:
        return moved(values, start.shift(step.number()), step["kind"])
    index = pd.DatetimeIndex(start.index)
    offset: Any = {step["unit"].rstrip("s") + "s": step.number()}
    before: pd.DatetimeIndex = index - pd.DateOffset(**offset)
    rows = index.searchsorted(before, side="right") - 1
    base = pd.Series(np.where(rows >= 0, start.to_numpy()[rows], np.nan), index=index)
    return moved(values, base, step["kind"])


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
    name: Any = "return_z" if step["moved"] else names.get(step["definition"], "distance_vol")
    settings = SigmaSettings(step.number(), int(step["ddof"] or 1), return_sessions=step.number("moved") or 1)
    return values.of(sigma_path(values.series.dropna(), name, settings), "sigma")


def _run(values: Values, step: Phrase) -> Values:
    count = history.spell_lengths if step.word == "spell" else history.age
    met = _marks(values, read("when", step["condition"]))
    return values.of(count(met).astype(float), values.period, runs=True)


def _time_to(values: Values, step: Phrase) -> Values:
    left = amount(step["x"], values.kind) - values.series
    periods = left / (values.series.diff(step.number()) / step.number())
    return values.of(periods.where((periods >= 0) & (left != 0), np.inf).where(left != 0, 0.0), values.period)


def _ahead(values: Values, step: Phrase) -> Values:
    """Return the change over the next periods, by the day before them; NaN where they are not over."""
    series, index = values.series.dropna(), pd.DatetimeIndex(values.series.dropna().index)
    if step["unit"]:
        target = index + pd.DateOffset(months=step.number("n") * (12 if "year" in step["unit"] else 1))
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
    "change": _change,
    "change since": _change_since,
    "to date": _to_date,
    "average": lambda values, step: values.of(values.series.rolling(step.number()).mean()),
    "highest": lambda values, step: values.of(values.series.rolling(step.number()).max()),
    "lowest": lambda values, step: values.of(values.series.rolling(step.number()).min()),
    "deviation": lambda values, step: values.of(values.series.rolling(step.number()).std()),
    "volatility": lambda values, step: values.of(
        history.change(values.series, 1, "log").rolling(step.number()).std() * np.sqrt(252), "fraction"
    ),
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
            marks = _marks(replace(other, series=other.series.dropna()), one.phrase).astype(float)
            met &= marks.reindex(met.index, method="ffill") > 0
        else:
            met &= _marks(values, one.phrase)
    return met


def _marks(values: Values, phrase: Phrase) -> "pd.Series[bool]":
    """Mark the days that meet one condition."""
    marks: list[bool] = np.asarray(MARKS[phrase.word](values, phrase), dtype=bool).tolist()
    return pd.Series(marks, index=values.series.index, dtype=bool)


def _session(values: Values, phrase: Phrase) -> NDArray[np.bool_]:
    index, n = pd.DatetimeIndex(values.series.index), phrase.number("n")
    period = index.to_period(PERIOD[phrase["period"]])
    groups = pd.Series(0, index=range(len(index))).groupby(period)
    from_start, from_end = groups.cumcount().to_numpy() + 1, groups.cumcount(ascending=False).to_numpy() + 1
    is_over = np.asarray(period != next_session(index[-1]).to_period(PERIOD[phrase["period"]]))
    return from_start == (n or from_start[-1]) if n >= 0 else (from_end == -n) & is_over


def _dated(values: Values, phrase: Phrase) -> NDArray[np.bool_]:
    """Mark days of a list, or decisions of the Fed, each on the first session from it; or the days of its state."""
    index = pd.DatetimeIndex(values.series.index)
    if phrase["event"] in STATES:
        states = policy_states(_target_changes(index[-1])["change_bp"], index)
        return np.asarray(states == phrase["event"])
    listed = [pd.Timestamp(read_span(day)[0]) for day in phrase["days"].split(",") if day]
    days = pd.DatetimeIndex(listed) if listed else decisions(phrase["event"], index[-1]).index
    return np.isin(np.arange(len(index)), index.searchsorted(days[days >= index[0]]))


MARKS: dict[str, Callable[[Values, Phrase], Any]] = {
    **dict.fromkeys(BOUNDS, lambda values, one: meets(values.series, one.word, one["x"], values.kind)),
    "between and": lambda values, one: values.series.between(
        amount(one["x"], values.kind), amount(one["y"], values.kind)
    ),
    **dict.fromkeys(
        ("crosses above", "crosses below"),
        lambda values, one: history.crossings(values.series, amount(one["x"] or "0", values.kind))[one.word[8:]],
    ),
    "up": lambda values, _: values.series > values.series.ffill().shift(),
    "down": lambda values, _: values.series < values.series.ffill().shift(),
    **dict.fromkeys(
        ("record", "strict record", "record with ties", "record low"),
        lambda values, one: history.records(values.series, low="low" in one.word, ties="ties" in one.word),
    ),
    "season": lambda values, one: season_days(pd.DatetimeIndex(values.series.index), one["season"])[0],
    "years": lambda values, one: pd.DatetimeIndex(values.series.index).year.isin(language.read_years(one["years"])),
    **dict.fromkeys(("session of", "same session of"), _session),
    **dict.fromkeys(("on", "policy"), _dated),
}


def meets(series: Series, word: str, bound: str, kind: str) -> "pd.Series[bool]":
    """Mark the values on one side of a written bound."""
    found: pd.Series[bool] = getattr(series, BOUNDS[word])(amount(bound, kind))
    return found


@cache
def _target_changes(end: pd.Timestamp) -> pd.DataFrame:
    return load_target_changes(as_of=end)


@cache
def decisions(event: str, end: pd.Timestamp) -> Series:
    """Return the Fed's decisions of a kind up to a day, each with its cycle's number."""
    changes = _target_changes(end)
    if event in ("cut", "hike"):
        chosen = changes["change_bp"] < 0 if event == "cut" else changes["change_bp"] > 0
        return pd.Series(np.arange(chosen.sum()), index=changes.index[chosen])
    return policy_events(changes, event)  # type: ignore[arg-type]


def bare(line: Line) -> Line:
    """Return the price, series or pair that a line begins with, before anything is taken of it."""
    while isinstance(line.of, Line):
        line = replace(line.of, every=line.every)
    per, less = (None if one is not None and _has_steps(one) else one for one in (line.per, line.less))
    return replace(line, per=per, less=less, take=())
