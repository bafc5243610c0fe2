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

from research_lib.data import DataCard, Source, load_prices, load_series
from research_lib.data.calendar import exchange_sessions
from research_lib.data.catalog import Asset, describe_asset, describe_series, known_series, known_symbols
from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.errors import DataError, InsufficientDataError, MissingDataError, ParameterError, nearest
from research_lib.stats import cases, history
from research_lib.stats.policy import policy_events, policy_states, recession_within
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies.claims import language
from research_lib.studies.claims.language import Condition, Line, Phrase, read, read_figure, read_span

T = TypeVar("T")
Series = pd.Series  # of numbers, by day
Days = pd.DatetimeIndex
PERIOD = {"week": "W-FRI", "month": "M", "quarter": "Q", "year": "Y"}
YEAR = {"session": 252, "week": 365.25 / 7, "month": 12, "quarter": 4, "year": 1}  # how many of each make one
PUBLISHED = {"weekly": "week", "monthly": "month", "quarterly": "quarter"}  # series, else by sessions
BOUNDS = {"above": "gt", "below": "lt", "at least": "ge", "at most": "le"}
ROLLING = {"average": "mean", "highest": "max", "lowest": "min", "deviation": "std"}
SIGMAS = {"": "price_z", "prior": "price_z_prior", "distance": "distance_z", "expanding": "distance_expanding"}
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
CHANGES = {"fraction", *CHANGED.values()}
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
    def days(self) -> Days:
        """The days."""
        return Days(self.series.index)

    @property
    def start(self) -> Series:
        """What changes are measured from."""
        return self.series if self.close is None else self.close.reindex(self.series.index)

    def of(self, series: Series, kind: str = "", *, runs: bool = False) -> "Values":
        """Return other values on the same line."""
        return Values(series, kind or self.kind, self.period, runs)

    def known(self) -> "Values":
        """Return those that have a value; there must be one."""
        if (found := self.series.dropna()).empty:
            raise InsufficientDataError("a line has no value: its history is too short for what is taken of it")
        return replace(self, series=found)


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
        asset, info, known = Asset.parse(name), describe_series(name), {*known_series(), *self.source.series_ids()}
        if asset.symbol not in self.symbols and name not in known:
            raise MissingDataError(f"unknown price or series {name}{nearest(name, sorted(known | self.symbols))}")
        is_price = asset.symbol in self.symbols
        loaded = (load_prices if is_price else load_series)(self.source, [name], as_of=self.as_of)
        self.cards[name], series = loaded.cards[0], loaded[name]
        if is_price:
            close = self.raw(asset.symbol).series if asset.field in ("high", "low", "open") else None
            return Values(series, "level", close=close)
        period = PUBLISHED.get(info.frequency, "session")
        if "Fama-French" in info.name:
            before = Days(series.index[:1]) - pd.offsets.MonthEnd()
            return Values(pd.concat([pd.Series(1.0, index=before), (1 + series).cumprod()]), "level", period)
        return Values(series, "yield" if info.scale != 1 else "number", period)

    def values(self, line: Line, end: pd.Timestamp) -> Values:
        """Return what a line gives up to a day."""
        return self.keep((line, end), lambda: self._take(line, end))

    def pair(self, line: Line, end: pd.Timestamp) -> tuple[Values, Values | None]:
        """Return a line before anything is taken of it, and what is subtracted, on the days that both have."""
        return self.keep(("pair", replace(line, take=()), end), lambda: self._pair(line, end))

    def _pair(self, line: Line, end: pd.Timestamp) -> tuple[Values, Values | None]:
        left = self._operand(line.of, line, end)
        if line.per is not None and not _has_steps(line.per):
            left = _joined(left, self._operand(line.per, line, end), divide=True)
        if not left.series.notna().any():
            raise InsufficientDataError(f"{self.title(bare(line))} has no value up to {end.date()}")
        if line.less is None or _has_steps(line.less):
            return left, None
        right = self._operand(line.less, line, end)
        common = left.known().days.intersection(right.known().days)
        if not len(common):
            raise InsufficientDataError(f"{self.title(bare(line))}: the two have no day in common up to {end.date()}")
        return replace(left, series=left.series[common]), replace(right, series=right.series[common])

    def _operand(self, one: str | Line, line: Line, end: pd.Timestamp) -> Values:
        if isinstance(one, Line):
            return self.values(one, end)
        raw = self.raw(one)
        cut = raw.series.loc[:end]
        if line.every in ("session", raw.period):
            return replace(raw, series=cut)
        period = Days(cut.index).to_period(PERIOD[line.every])
        over = ~period.duplicated(keep="last") & (period != next_session(end).to_period(PERIOD[line.every]))
        return Values(cut[over], raw.kind, line.every)  # the last value of each period that is over, on its own day

    def _take(self, line: Line, end: pd.Timestamp) -> Values:
        (left, right), steps, done = self.pair(line, end), line.take, 0
        if right is not None:
            if left.kind == "level":  # of two prices the first step is taken of each
                if not steps:
                    raise ParameterError("less: a difference of prices means nothing; take a step of both (change 5)")
                left, right, done = self.step(left, steps[0], end), self.step(right, steps[0], end), 1
            left = _joined(left, right, divide=False)
        for place, step in enumerate(steps[done:], done):
            left = self.step(left, step, end, steps[place - 1] if place else None)
        other = next((one for one in (line.per, line.less) if one is not None and _has_steps(one)), None)
        return left if other is None else _joined(left, self._operand(other, line, end), divide=other is line.per)

    def step(self, values: Values, step: Phrase, end: pd.Timestamp, before: Phrase | None = None) -> Values:
        """Take one step; a correlation is of changes like the one taken before it."""
        if step.word == "correlation with" and step["k"]:
            mine, other = self.changes(values, before, [step["name"]], end)
            return values.of(history.rolling_correlation(mine, other, step.number()), "correlation")
        if step.word in BASES:
            return _a_year(moved(values, BASES[step.word](values, step), step["kind"]), step)
        if step.word not in STEPS:
            raise ParameterError(f"take: `{step.text}` must be the last step")
        return STEPS[step.word](values, step)

    def changes(self, values: Values, before: Phrase | None, names: Sequence[str], end: pd.Timestamp) -> list[Series]:
        """Return a line's changes and the like ones of others; of a volatility index, as of a yield, in points."""
        found = [values.series if values.kind in CHANGES else moved(values, values.start.shift()).series]
        alike = before.text if before and before.word in ("change", "to date") else "change 1"
        for name in names:
            points = describe_asset(name).kind == "volatility" and alike.endswith(tuple("0123456789"))
            step = read("take", f"{alike} points" if points else alike)
            found.append(self.values(Line(name, every=values.period, take=(step,)), end).series)
        if values.period == "session":
            return found
        period = PERIOD[values.period]
        return [one.set_axis(Days(one.index).to_period(period).to_timestamp()) for one in found]

    def title(self, one: str | Line | None) -> str:
        """Say in words what a line is of."""
        if isinstance(one, Line):
            other = one.per or one.less
            beside = (" over " if one.per else " minus ") + self.title(other) if other else ""
            steps = [*([] if one.every == "session" else [f"every {one.every}"]), *(step.text for step in one.take)]
            taken = "".join(f", {step}" for step in steps)
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


def bare(line: Line) -> Line:
    """Return the price, series or pair that a line begins with, before anything is taken of it."""
    while isinstance(line.of, Line):
        line = replace(line.of, every=line.every)
    per, less = (None if one is not None and _has_steps(one) else one for one in (line.per, line.less))
    return replace(line, per=per, less=less, take=())


def next_session(day: pd.Timestamp) -> pd.Timestamp:
    """Return the exchange's next session, before 1970 the next weekday."""
    sessions = exchange_sessions()
    row = int(sessions.searchsorted(day, side="right"))
    return sessions[row] if day >= sessions[0] and row < len(sessions) else day + pd.offsets.BDay()


# Steps: what may be taken of a line. A change is measured from a base, which is all that its kinds differ in.


def moved(values: Values, base: Series, kind: str = "", series: Series | None = None) -> Values:
    """Return the change from a base: in percent of a price, in points of all else, unless told."""
    series = values.series.reindex(base.index) if series is None else series
    if (kind or ("percent" if values.kind in PRICES else "points")) == "points":
        return values.of(series - base, CHANGED.get(values.kind, values.kind))
    ratio = (series / base).where(base > 0)
    return values.of(ratio.where(ratio > 0).map(np.log) if kind == "log" else ratio - 1, "fraction")


def _a_year(change: Values, step: Phrase) -> Values:
    """Compound a change to one a year, if a step asks for that."""
    if step["kind"] != "a year":
        return change
    length: Any = step.number() / YEAR[step["unit"].rstrip("s") or change.period]
    if step["date"]:
        length = (change.days - pd.Timestamp(read_span(step["date"])[1])).days / 365.25
    return change.of((1 + change.series) ** (1 / np.where(length > 0, length, np.nan)) - 1)


def offset_of(step: Phrase, place: str = "k") -> pd.DateOffset | None:
    """Return the calendar's length of a step; None where it is of so many periods."""
    length: Any = {step["unit"].rstrip("s") + "s": step.number(place)}
    return pd.DateOffset(**length) if step["unit"] else None


def _before(values: Values, step: Phrase) -> Series:
    offset, start = offset_of(step), values.start
    if offset is None:
        return start.shift(step.number())
    rows = values.days.searchsorted(Days(values.days - offset), side="right") - 1
    return pd.Series(np.where(rows >= 0, start.to_numpy()[rows], np.nan), index=start.index)


def _since(values: Values, step: Phrase) -> Series:
    day = pd.Timestamp(read_span(step["date"])[1])
    known = values.start.loc[:day].dropna()
    if known.empty:
        raise InsufficientDataError(f"there is no value up to {day.date()}, from which the change is asked")
    return pd.Series(known.iloc[-1], index=values.series.loc[known.index[-1] :].index)


def _to_date(values: Values, step: Phrase) -> Series:
    period = values.days.to_period(PERIOD[step["period"]])
    before = values.start.groupby(period).last().shift()
    return pd.Series(before.reindex(period).to_numpy(), index=values.series.index)


def _from_edge(values: Values, step: Phrase) -> Series:
    if step["edge"]:
        return _rolling(values.series, step["edge"], step.number())
    return pd.Series(amount(step["x"], values.kind), index=values.series.index)


def _rolling(series: Series, word: str, k: int) -> Series:
    found: Series = getattr(series.rolling(k), ROLLING[word])()
    return found


BASES: dict[str, Callable[[Values, Phrase], Series]] = {
    "change": _before,
    "change since": _since,
    "to date": _to_date,
    "distance to record": lambda values, _: values.series.cummax(),
    "distance to": _from_edge,
}


def _volatility(values: Values, step: Phrase) -> Values:
    deviation = _rolling(history.change(values.series, 1, "log"), "deviation", step.number())
    return values.of(deviation * np.sqrt(YEAR[values.period]), "fraction")


def _z(values: Values, step: Phrase) -> Values:
    name: Any = "return_z" if step["moved"] else SIGMAS.get(step["definition"], "distance_vol")
    settings = SigmaSettings(step.number(), int(step["ddof"] or 1), return_sessions=step.number("moved") or 1)
    return values.of(sigma_path(values.series.dropna().rename("the line"), name, settings), "sigma")


def _run(values: Values, step: Phrase) -> Values:
    count = history.spell_lengths if step.word == "spell" else history.age
    met = _marks(values, read("when", step["condition"]))
    return values.of(count(met).astype(float), values.period, runs=True)


def _time_to(values: Values, step: Phrase) -> Values:
    left = amount(step["x"], values.kind) - values.series
    periods = left / (values.series.diff(step.number()) / step.number())
    return values.of(periods.mask(periods < 0, np.inf).where(left != 0, 0.0), values.period)


def _ahead(values: Values, step: Phrase) -> Values:
    """Return the change over the next periods, by the day before them; NaN where they are not over."""
    values = values.known()
    index, prices = values.days, values.series.to_numpy()
    windows = cases.windows_after(index, step.number("n"), offset_of(step, "n"), next_session(index[-1]))
    days, first, last = windows.T
    if step["path"]:
        ways = [cases.on_the_way(prices[a : b + 1], step["path"]) for _, a, b in windows]
        return values.of(pd.Series(ways, index=index[days], dtype=float).reindex(index), "fraction")
    base, ends = (pd.Series(prices[rows], index=index[days]) for rows in (first, last))
    found = moved(values, base, series=ends)
    return replace(found, series=found.series.reindex(index))


def _season(values: Values, step: Phrase) -> Values:
    """Return the change over each season that is over, from the close before it, on its last day."""
    values = values.known()
    inside, year, under_way = season_days(values.days, step["season"])
    rows = pd.Series(np.flatnonzero(inside)).groupby(year[inside])
    ends = pd.DataFrame({"before": rows.min() - 1, "last": rows.max()})
    ends = ends[(ends["before"] >= 0) & (ends.index != under_way)]
    return moved(values, pd.Series(values.series.to_numpy()[ends["before"]], index=values.days[ends["last"]]))


def season_days(index: Days, text: str) -> Any:  # noqa: ANN401  # what `cases.season_days` gives
    """Mark a season's days, give each day its year, and name the year whose season is under way."""
    opens, closes = (cases.SeasonEnd(*one) for one in language.read_season(text))
    return cases.season_days(index, opens, closes, next_session(index[-1]))


STEPS: dict[str, Callable[[Values, Phrase], Values]] = {
    **dict.fromkeys(ROLLING, lambda values, step: values.of(_rolling(values.series, step.word, step.number()))),
    "volatility": _volatility,
    "drawdown": lambda values, step: values.of(history.drawdown(values.series, step.number() or None), "fraction"),
    "size": lambda values, _: values.of(values.series.abs()),
    "z": _z,
    "z of change": _z,
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
            dated = lines.keep(("NBER", end), lambda: load_recessions(as_of=end))
            known = recession_within(Days(met.index[met]), dated, known_to=end)
            met[met] = (known == (not one.phrase.word.startswith("no"))).fillna(False).to_numpy(dtype=bool)
        elif one.line is not None:  # its last value counts; that of a season on the season's last day alone
            marks = _marks(lines.values(one.line, end).known(), one.phrase).astype(float)
            met &= marks.reindex(met.index, method=None if one.is_of_season else "ffill") > 0
        else:
            met &= _marks(values, one.phrase)
    return met


def _marks(values: Values, phrase: Phrase) -> "pd.Series[bool]":
    """Mark the days that meet one condition."""
    if phrase.word not in MARKS:
        raise ParameterError(f"{phrase.text}: only `when` takes it, among the check's own conditions")
    marks: list[bool] = np.asarray(MARKS[phrase.word](values, phrase), dtype=bool).tolist()
    return pd.Series(marks, index=values.series.index, dtype=bool)


def _session(values: Values, phrase: Phrase) -> Any:  # noqa: ANN401  # an array of marks
    n, period = phrase.number("n"), PERIOD[phrase["period"]]
    from_start, from_end = cases.places_in_period(values.days, period)
    is_over = np.asarray(values.days.to_period(period) != next_session(values.days[-1]).to_period(period))
    return (from_end == -n) & is_over if n < 0 else from_start == (n or from_start[-1])


def _dated(values: Values, phrase: Phrase) -> Any:  # noqa: ANN401
    """Mark days of a list, or decisions of the Fed, each on the first session from it; or the days of its state."""
    index = values.days
    if phrase["event"] in STATES:
        return policy_states(_target_changes(index[-1])["change_bp"], index) == phrase["event"]
    listed = [pd.Timestamp(read_span(day)[0]) for day in phrase["days"].split(",") if day]
    days = Days(listed) if listed else decisions(phrase["event"], index[-1]).index
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
    **dict.fromkeys(
        ("highest", "lowest"), lambda values, one: values.series == _rolling(values.series, one.word, one.number())
    ),
    "season": lambda values, one: season_days(values.days, one["season"])[0],
    "years": lambda values, one: values.days.year.isin(language.read_years(one["years"])),
    "weekday": lambda values, one: values.days.day_name() == one["day"],
    **dict.fromkeys(("session of", "same session of"), _session),
    **dict.fromkeys(("on", "policy"), _dated),
}


def meets(series: Series, word: str, bound: str, kind: str) -> "pd.Series[bool]":
    """Mark the values on one side of a written bound."""
    found: pd.Series[bool] = getattr(series, BOUNDS[word])(amount(bound, kind))
    return found


_all_changes = cache(load_target_changes)


def _target_changes(end: pd.Timestamp) -> pd.DataFrame:
    known = _all_changes().loc[:end]
    return known if len(known) else load_target_changes(as_of=end)  # which says that there are none


@cache
def decisions(event: str, end: pd.Timestamp) -> Series:
    """Return the Fed's decisions of a kind up to a day, each with its cycle's number."""
    changes = _target_changes(end)
    if event in ("cut", "hike"):
        chosen = changes["change_bp"] < 0 if event == "cut" else changes["change_bp"] > 0
        return pd.Series(np.arange(chosen.sum()), index=changes.index[chosen])
    return policy_events(changes, "pause" if event == "last hike" else event)  # type: ignore[arg-type]
