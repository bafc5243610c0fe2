"""Prices and series, what is taken of them, each cut at the end of its history first, and which days meet a condition."""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from research_lib.data import DataCard, Source, load_prices, load_series
from research_lib.data.calendar import exchange_sessions
from research_lib.data.catalog import Asset, describe_asset, describe_series, known_series, known_symbols
from research_lib.data.policy import load_recessions, load_target_changes
from research_lib.errors import InsufficientDataError, MissingDataError, ParameterError, nearest
from research_lib.stats import cases, history
from research_lib.stats.policy import policy_events, policy_states, recession_within
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies.claims import language
from research_lib.studies.claims.language import YEAR, Condition, Line, Phrase, read, read_figure, read_span

T = TypeVar("T")
Series = pd.Series  # of numbers, by day
Days = pd.DatetimeIndex
PERIOD = {"week": "W-FRI", "month": "M", "quarter": "Q", "year": "Y"}
PUBLISHED = {"weekly": "week", "monthly": "month", "quarterly": "quarter"}  # series, else by sessions
BOUNDS = {"above": "gt", "below": "lt", "at least": "ge", "at most": "le"}
ROLLING = {"average": "mean", "highest": "max", "lowest": "min", "deviation": "std"}
SIGMAS = {"": "price_z", "prior": "price_z_prior", "distance": "distance_z", "expanding": "distance_expanding"}
LEAST_BREAKOUT = 3  # closes that one is drawn from

# How each kind is shown, what its differences are, and what one of it is in its units, the first that of a bare figure.
KINDS: Any = pd.read_csv(Path(__file__).with_name("kinds.csv"), index_col="kind", keep_default_na=False).T.to_dict()
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
    noun: str = "values"  # or runs, each counted up to its last; years, of a season; episodes, by their first day
    close: Series | None = None  # what the change of a high or low is measured from

    @property
    def days(self) -> Days:
        """The days."""
        return Days(self.series.index)

    @property
    def start(self) -> Series:
        """What changes are measured from."""
        return self.series if self.close is None else self.close.reindex(self.series.index)

    def of(self, series: Series, kind: str = "", noun: str = "values") -> "Values":
        """Return other values on the same line."""
        return Values(series, kind or self.kind, self.period, noun)

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
        """Make something the first time it is asked for."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def raw(self, name: str) -> Values:
        """Return a price or series on its own days; a factor's returns as a price that grows by them."""
        return self.keep(name, lambda: self._read(name))

    def _read(self, name: str) -> Values:
        asset, info, known = Asset.parse(name), describe_series(name), {*known_series(), *self.source.series_ids()}
        is_price = asset.symbol in self.symbols
        if not is_price and name not in known:
            like = nearest(name, sorted(known | self.symbols)).partition(" (known")[0]
            here = shorten(", ".join(sorted({*self.source.symbols(), *self.source.series_ids()})), 80, placeholder=" …")
            raise MissingDataError(f"unknown price or series {name}{like} (here: {here or 'none'})")
        loaded = (load_prices if is_price else load_series)(self.source, [name], as_of=self.as_of)
        self.cards[name], series = loaded.cards[0], loaded[name]
        if is_price:
            close = self.raw(asset.symbol).series if asset.field in ("high", "low", "open") else None
            return Values(series, "level", close=close)
        period, days = PUBLISHED.get(info.frequency, "session"), Days(series.index)
        if period == "session" and (days[-1] - days[0]).days < len(days):  # it has weekends, which are no sessions
            series = series[days.dayofweek.isin(range(5))]
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
        if line.per is not None:
            left = _joined(left, _like(left, self._operand(line.per, line, end)), divide=True)
        if line.less is None:
            return left, None
        right = _like(left, self._operand(line.less, line, end))
        if isinstance(line.less, Line):
            return _joined(left, right, divide=False), None
        common = left.known().days.intersection(right.known().days)
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
        (left, right), steps = self.pair(line, end), line.take
        if right is not None:
            if left.kind == "level":  # of two prices the first step is taken of each
                if not steps:
                    raise ParameterError("less: a difference of prices means nothing; take a step of both (change 5)")
                left, right = (self.step(one, steps[:1], end) for one in (left, right))
                steps = steps[1:]
            left = _joined(left, right, divide=False)
        for place in range(len(line.take) - len(steps), len(line.take)):
            left = self.step(left, line.take[: place + 1], end)
        return left

    def step(self, values: Values, steps: Sequence[Phrase], end: pd.Timestamp) -> Values:
        """Take the last of some steps; a correlation is of changes like the one taken before it."""
        *before, step = steps
        if step.word == "correlation with" and step["k"]:
            mine, other = self.changes(values, before, [step["name"]], end)
            return values.of(history.rolling_correlation(mine, other, step.number()), "correlation")
        if values.noun == "episodes":
            raise ParameterError(f"take: `{before[-1].text}` must be the last step")
        return taken(values, step)

    def changes(self, values: Values, before: Sequence[Phrase], names: Any, end: pd.Timestamp) -> list[Series]:  # noqa: ANN401
        """Return a line's changes and the like ones of others; of a volatility index, as of a yield, in points."""
        found = [values.series if values.kind in CHANGES else moved(values, values.start.shift()).series]
        alike = next((one.text for one in before[-1:] if one.word in ("change", "to date")), "change 1")
        for name in names:
            points = describe_asset(name).kind == "volatility" and alike.endswith(tuple("0123456789"))
            step = read("take", f"{alike} points" if points else alike)
            found.append(_like(values, self.values(Line(name, every=values.period, take=(step,)), end)).series)
        return found

    def days_of(self, line: Line, end: pd.Timestamp) -> Values:
        """Return what conditions are about: a line's values; of two prices with no step the days alone."""
        left, right = self.pair(line, end)
        return left if right is not None and left.kind == "level" and not line.take else self.values(line, end)

    def days_when(self, values: Values, when: Sequence[Condition], end: pd.Timestamp) -> "pd.Series[bool]":
        """Mark the days of a line that meet all conditions; `lasts` and `first in` look at those before them."""
        met = values.series.notna() | (values.noun == "episodes")
        for one in when if len(met) else ():
            if one.phrase.word == "lasts":
                met = history.spell_lengths(met) == one.phrase.number()
            elif one.phrase.word == "first in":
                met &= met.astype(float).shift().rolling(one.phrase.number()).max() == 0
            elif one.either:
                ways = [self.days_when(values, way, end).reindex(met.index, fill_value=False) for way in one.either]
                met &= np.logical_or.reduce(ways)
            elif "recession" in one.phrase.word:
                dated = self.keep(("NBER", end), lambda: load_recessions(as_of=end))
                known = recession_within(Days(met.index[met]), dated, known_to=end, months=one.phrase.number())
                met[met] = (known == (not one.phrase.word.startswith("no"))).fillna(False).to_numpy(dtype=bool)
            elif one.line is None:
                met &= marks(values, one.phrase)
            else:  # another line's last value counts, from its first on; that of a season on the season's last day
                other = self.values(one.line, end).known()
                state, is_of_season = marks(other, one.phrase).astype(float), other.noun == "years"
                met = met if is_of_season else met.loc[other.days[0] :]
                met &= state.reindex(met.index, method=None if is_of_season else "ffill") > 0
        return met

    def title(self, one: str | Line | None) -> str:
        """Say in words what a line is of."""
        if isinstance(one, Line):
            other = one.per or one.less
            beside = (" over " if one.per else " minus ") + self.title(other) if other else ""
            every = "" if one.every == "session" or isinstance(one.of, Line) else f", every {one.every}"
            ways = language.SECTIONS["in words"]
            said = [next((re.sub(a, b, x.text) for a, b in ways if re.fullmatch(a, x.text)), x.text) for x in one.take]
            period = "session" if str(one.bare.of).partition(":")[0] in self.symbols else "period"
            steps = "".join(f", {step}" for step in said).replace("PERIOD", one.bare.every.replace("session", period))
            return self.title(one.of) + beside + every + steps
        asset = Asset.parse(one or "")
        known = describe_asset(str(asset)).name if asset.symbol in self.symbols else describe_series(one or "").name
        names = {"close": "", "total": " with dividends", "adj_close": " with dividends"}
        return known + names.get(asset.field, f" ({asset.field})")


def _like(left: Values, right: Values) -> Values:
    """Return a line on the days of another; of weeks, months and longer by period, as their last days may differ."""
    if left.period != right.period:
        coarser = max(left.period, right.period, key=language.PERIODS.index)
        raise ParameterError(f"one line is by {left.period}, the other by {right.period}: write every: {coarser}")
    code = PERIOD.get(left.period, "D")
    days = Days(pd.Series(left.days, left.days.to_period(code)).reindex(right.days.to_period(code)))
    return replace(right, series=right.series.set_axis(days)[days.notna()])


def _joined(left: Values, right: Values, *, divide: bool) -> Values:
    both = pd.concat([left.series, right.series], axis=1, keys=["a", "b"], sort=True).dropna()
    if divide:
        return left.of((both["a"] / both["b"]).where(both["b"] != 0), "ratio", left.noun)
    if left.kind != right.kind:
        raise ParameterError(f"less: {left.kind} less {right.kind}: the two have different units")
    return left.of((both["a"] - both["b"]).round(15), "difference" if left.kind == "fraction" else left.kind, left.noun)


def next_session(day: pd.Timestamp) -> pd.Timestamp:
    """Return the exchange's next session, before 1970 the next weekday."""
    sessions = exchange_sessions()
    row = int(sessions.searchsorted(day, side="right"))
    return sessions[row] if day >= sessions[0] and row < len(sessions) else day + pd.offsets.BDay()


def taken(values: Values, step: Phrase) -> Values:  # noqa: C901, PLR0911, PLR0912  # one case a word
    """Take one step of a line."""
    x, k = values.series, step.number()
    match step.word:
        case "change" | "change since" | "to date" | "distance to record" | "distance to":
            change = moved(values, _base(values, step), step["kind"].replace("a year", "percent"))
            if step["kind"] != "a year":
                return change
            years = pd.Series(k / YEAR[step["unit"].rstrip("s") or change.period], x.index)
            if step["date"]:  # so long ago
                years = pd.Series((change.days - change.days[0]).days / 365.25, change.days)
            return change.of((1 + change.series) ** (1 / years.where(years > 0)) - 1)
        case "average" | "highest" | "lowest" | "deviation":
            return values.of(_rolling(x, step.word, k))
        case "volatility":
            if values.kind not in PRICES:
                raise ParameterError(f"take: `{step.text}` is of a price; else write change 1 then deviation {k}")
            deviation = _rolling(history.change(x, 1, "log"), "deviation", k)
            return values.of(deviation * np.sqrt(YEAR[values.period]), "fraction")
        case "drawdown":
            return values.of(history.drawdown(x, k or None), "fraction")
        case "size":
            return values.of(x.abs())
        case "z" | "z of change":
            name: Any = "return_z" if step["moved"] else SIGMAS.get(step["definition"], "distance_vol")
            settings = SigmaSettings(k, int(step["ddof"] or 1), return_sessions=step.number("moved") or 1)
            found = sigma_path(x.dropna().rename("the line"), name, settings)
            if step["moved"] and step["definition"]:  # prior: over the deviation of the k before the move
                spread = _rolling(history.change(x.dropna(), 1), "deviation", k)
                found *= spread / spread.shift(settings.return_sessions)
            return values.of(found, "sigma")
        case "spell" | "age of":
            count = history.spell_lengths if step.word == "spell" else history.age
            return values.of(count(marks(values, read("when", step["condition"]))).astype(float), values.period, "runs")
        case "periods to at the pace of":
            return values.of(history.periods_to(x, amount(step["x"], values.kind), k), values.period)
        case "fall episodes" | "rise episodes":  # by their first day; one under way has no known size yet
            fall, prices = abs(amount(step["percent"].rstrip("% ") + "%", "fraction")), values.known().series
            if not 0 < fall < 1 or not (prices > 0).all():
                raise ParameterError(f"take: `{step.text}`: a fall is of more than 0% and less than 100%, of a price")
            return values.of(*_episodes(prices, history.fall_episodes(prices, fall), step, values.period), "episodes")
        case "breakout":
            known = x.dropna()
            if k < LEAST_BREAKOUT or not (known > 0).all():
                raise ParameterError(f"take: `{step.text}`: a resistance is drawn from {LEAST_BREAKOUT} prices or more")
            return values.of(history.breakouts(known, k, step["line"], 63), "fraction")
        case "season":  # from the close before it, on its last day, of each that is over
            values = values.known()
            ends = seasons(values.days, step["season"])[2]
            base = pd.Series(values.series.to_numpy()[ends["before"]], index=values.days[ends["last"]])
            return replace(moved(values, base), noun="years")
        case "":
            return _ahead(values.known(), step)
    raise ParameterError(f"take: `{step.text}` must be the last step")


def _episodes(prices: Series, falls: pd.DataFrame, step: Phrase, period: str) -> tuple[Series, str]:
    """Return the size or length of falls, or of the rises between them, by their first day, and its kind."""
    first, last, days = falls["peak"], falls["trough"].mask(falls["ongoing"]), Days(prices.index)
    if step.word == "rise episodes":  # from the trough of one fall to the peak of the next
        first, last = last.dropna(), first.shift(-1)[last.notna()]
    named, is_length = Days(first), bool(step["what"] or step["unit"])
    if step["what"].startswith("r"):  # back at the peak's level
        later = [(prices[top], prices.loc[low:]) for top, low in zip(first, last.fillna(days[-1]), strict=True)]
        back = pd.Series([after.index[after >= level].min() for level, after in later], first.index)
        first, last = last if step["what"] == "recovery" else first, back
    path = pd.Series((days - days[0]).days if step["unit"] else np.arange(len(days)), days) if is_length else prices
    begun, ended = (pd.Series(path.reindex(ends).to_numpy(), named) for ends in (first, last))
    if not is_length:
        return ended / begun - 1, "fraction"
    return ended - begun, "length in days" if step["unit"] else "length in sessions" if period == "session" else period


def _base(values: Values, step: Phrase) -> Series:
    """Return what a change or a distance is measured from, which is all that they differ in."""
    x, start, offset = values.series, values.start, offset_of(step)
    match step.word:
        case "change":
            return start.shift(step.number()) if offset is None else history.before_offset(start, offset)
        case "change since":
            day = pd.Timestamp(read_span(step["date"])[1])
            known = start.loc[:day].dropna()
            if known.empty:
                raise InsufficientDataError(f"there is no value up to {day.date()}, from which the change is asked")
            return pd.Series(known.iloc[-1], index=x.loc[known.index[-1] :].index)
        case "to date":
            return history.before_period(start, PERIOD[step["period"]])
    return x * 0 + _level_of(values, step["level"] or "highest")


def moved(values: Values, base: Series, kind: Any = "", series: Series | None = None) -> Values:  # noqa: ANN401
    """Return the change from a base: in percent of a price, in points of all else, unless told."""
    kind = kind or ("percent" if values.kind in PRICES else "points")
    found = history.change_from(values.series.reindex(base.index) if series is None else series, base, kind)
    if kind == "points":
        return values.of(found.round(15), CHANGED.get(values.kind, values.kind))  # 0.0512 - 0.05 is 0.0412 - 0.04
    return values.of(found, "fraction")


def offset_of(step: Phrase, place: str = "k") -> pd.DateOffset | None:
    """Return the calendar's length of a step; None where it is of so many periods."""
    length: Any = {step["unit"].rstrip("s") + "s": step.number(place)}
    return pd.DateOffset(**length) if step["unit"] else None


def _rolling(series: Series, word: str, k: int) -> Series:
    found: Series = getattr(series.rolling(k) if k else series.expanding(), ROLLING[word])()
    return found


def _level_of(values: Values, text: str) -> Any:  # noqa: ANN401  # a number, or a line's own level by day
    word, _, k = text.partition(" ")
    return _rolling(values.series, word, int(k or 0)) if word in ROLLING else amount(text, values.kind)


def _ahead(values: Values, step: Phrase) -> Values:
    """Return the change over the next periods, by the day before them; NaN where they are not over."""
    index, prices = values.days, values.series.to_numpy()
    windows = cases.windows_after(index, step.number("n"), offset_of(step, "n"), next_session(index[-1]))
    days, first, last = windows.T
    if step["path"]:
        ways = [cases.on_the_way(prices[a : b + 1], step["path"]) for _, a, b in windows]
        return values.of(pd.Series(ways, index=index[days], dtype=float).reindex(index), "fraction")
    base, ends = (pd.Series(prices[rows], index=index[days]) for rows in (first, last))
    found = moved(values, base, series=ends)
    return replace(found, series=found.series.reindex(index))


def seasons(index: Days, text: str) -> tuple[Any, Any, pd.DataFrame]:
    """Mark a season's days, give each day its year, and list the seasons that are over."""
    opens, closes = (cases.SeasonEnd(*one) for one in language.read_season(text))
    inside, year, under_way = cases.season_days(index, opens, closes, next_session(index[-1]))
    return inside, year, cases.seasons_over(inside, year, under_way)


def amount(text: str, kind: str) -> float:
    """Turn a written bound into decimals; of a line in percent it must say its unit, unless it is zero."""
    figure = read_figure(text)
    value = (figure.low + figure.high) / 2
    if "%" in UNITS[kind] and not figure.unit and value:
        raise ParameterError(f"{text}: the line is in percent: write {text}% or {100 * value:,.10g} bp")
    return value / scale(kind, figure.unit, text)


def scale(kind: str, unit: str, text: str) -> float:
    """Return what one of a kind of value is in a unit; `ParameterError` where it cannot be written so."""
    if unit and unit not in UNITS[kind]:
        known = " or ".join(filter(None, UNITS[kind])) or "a bare number"
        raise ParameterError(f"{text}: the line gives a {kind.replace('fraction', 'percentage')}; write it in {known}")
    return UNITS[kind][unit] if unit else next(iter(UNITS[kind].values()))


def meets(series: Series, word: str, bound: str, kind: str) -> "pd.Series[bool]":
    """Mark the values on one side of a written bound."""
    found: pd.Series[bool] = getattr(series, BOUNDS[word])(amount(bound, kind))
    return found


def marks(values: Values, phrase: Phrase) -> "pd.Series[bool]":  # noqa: C901, PLR0912  # one case a word
    """Mark the days that meet one condition."""
    x, days, word = values.series, values.days, phrase.word
    found: Any = None
    match word:
        case "above" | "below" | "at least" | "at most":
            found = getattr(x, BOUNDS[word])(_level_of(values, phrase["level"]))
        case "between and":
            found = x.between(amount(phrase["x"], values.kind), amount(phrase["y"], values.kind))
        case "crosses above" | "crosses below":
            found = history.crossings(x - _level_of(values, phrase["level"] or "0"))[word[8:]]
        case "up" | "down":
            found = (x > x.ffill().shift()) if word == "up" else (x < x.ffill().shift())
        case "record" | "strict record" | "record with ties" | "record low":
            found = history.records(x, low="low" in word, ties="ties" in word)
        case "highest" | "lowest":
            found = x == _rolling(x, word, phrase.number())
        case "season":
            found = seasons(days, phrase["season"])[0]
        case "years":
            found = days.year.isin(language.read_years(phrase["years"]))
        case "weekday":
            found = days.day_name() == phrase["day"]
        case "session of" | "same session of":
            n, period = phrase.number("n"), PERIOD[phrase["period"]]
            from_start, from_end = cases.places_in_period(days, period)
            is_over = days.to_period(period) != next_session(days[-1]).to_period(period)
            found = (from_end == -n) & is_over if n < 0 else from_start == (n or from_start[-1])
        case "policy" if phrase["state"]:
            found = policy_states(_target_changes(days[-1])["change_bp"], days) == phrase["state"]
        case "policy" | "on":  # each on the first session from it
            listed = [pd.Timestamp(read_span(day)[0]) for day in phrase["days"].split(",") if day]
            dates = Days(listed) if listed else decisions(phrase["event"], days[-1]).index
            found = np.isin(np.arange(len(days)), days.searchsorted(dates[dates >= days[0]]))
        case _:
            raise ParameterError(f"{phrase.text}: only `when` takes it, among the check's own conditions")
    return pd.Series(np.asarray(found, dtype=bool), index=x.index, dtype=bool)


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
    return policy_events(changes, "pause" if event == "last hike" else event)  # type: ignore[arg-type]
