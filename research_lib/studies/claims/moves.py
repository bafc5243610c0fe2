"""Changes, levels and what lies between them."""

from typing import cast

import numpy as np
import pandas as pd

from research_lib.claims_file import Change, Gap, LargestMove, Level, Line, Multiple, Streak, Target, Window
from research_lib.data.catalog import Asset
from research_lib.errors import InsufficientDataError
from research_lib.stats.moves import common_sessions, k_session_returns, relative_moves, streaks
from research_lib.studies.claims.context import Context
from research_lib.studies.claims.registry import check
from research_lib.studies.claims.result import Axes, Computed, Reading, over


def names_of(args: Line) -> list[str]:
    """Name what a check looks at: `RUT`, `RUT/GSPC`, `DGS10`, `DGS10 less DGS2`."""
    if args.series:
        return [f"{args.series} less {args.less}" if args.less else args.series]
    pairs = zip(args.assets, args.benchmarks or [""] * len(args.assets), strict=True)
    return [f"{asset}/{benchmark}" if benchmark else asset for asset, benchmark in pairs]


def load_line(args: Line, name: str, context: Context) -> "pd.Series[float]":
    """Load what `names_of` named; a price with a benchmark is their ratio."""
    if args.less:
        return context.spread(args.series, args.less)
    if args.series:
        return context.series(name)
    asset, _, benchmark = name.partition("/")
    if not benchmark:
        return context.price(asset)
    pair = common_sessions(context.price(asset), context.price(benchmark))
    return (pair["asset"] / pair["benchmark"]).rename(name)


def up_to(values: "pd.Series[float]", day: object) -> "pd.Series[float]":
    """Cut at a day, if one is given; it must have a value within a week."""
    if day is None:
        return values
    cut = values.loc[: pd.Timestamp(str(day))]
    if cut.empty or (pd.Timestamp(str(day)) - cut.index[-1]).days > 7:
        raise InsufficientDataError(f"{values.name} has no value around {day}")
    return cut


def within(values: "pd.Series[float]", window: Window | None) -> "pd.Series[float]":
    """Return the values of a window; the data must begin before it."""
    if window is None:
        return values
    inside = values.loc[pd.Timestamp(window.start) : pd.Timestamp(window.end)]
    if inside.empty or values.index[0] > pd.Timestamp(window.start):
        raise InsufficientDataError(f"{values.name} does not cover {window.start} to {window.end}")
    return inside


def at(values: "pd.Series[float]", statistic: str) -> pd.Timestamp:
    """Return the day of the last, highest or lowest value."""
    dates, numbers = pd.DatetimeIndex(values.index), values.to_numpy()
    if statistic == "last":
        return dates[-1]
    return dates[int(numbers.argmax() if statistic == "highest" else numbers.argmin())]


def show_level(value: float, *, is_series: bool) -> str:
    """Write a level as it is quoted: a rate in percent, a price in points."""
    return f"{100 * value:.2f}%" if is_series else f"{value:,.2f}" if value >= 10 else f"{value:.4f}"


@check("change")
def change(args: Change, context: Context) -> Computed:
    """Take the change of each line; with benchmarks as a difference of returns, as the ratio's return, or both."""
    axes: Axes = {"of": names_of(args), "kind": args.kinds if args.benchmarks else ["alone"], "prices": args.prices}
    what = "Difference" if args.series else "Simple return"
    against = " against the benchmark" if args.benchmarks else ""
    return over(
        axes, lambda name, kind, price: _change(args, context, (name, kind, price)), definition=f"{what}{against}"
    )


def _change(args: Change, context: Context, choice: tuple[str, str, str]) -> Reading:
    name, kind, price = choice
    line = up_to(load_line(args, name, context), args.end)
    start, end = span(args, line)
    sessions = end - start
    if price != "close":
        return _intraday(context, name, (line.index[start], line.index[end]), price)
    history = _history(args, context, (name, kind), sessions, line)
    first, last = (show_level(line.iloc[row], is_series=bool(args.series)) for row in (start, end))
    basis = f"{name} went from {first} on {line.index[start].date()} to {last} on {line.index[end].date()}"
    basis += _legs(context, name, (line.index[start], line.index[end])) if kind == "difference" else ""
    return Reading(float(history.iloc[-1]), len(line), line.index[0], line.index[-1], basis, history=history)


def span(args: Change, line: "pd.Series[float]") -> tuple[int, int]:
    """Find the rows from which and to which a change is taken."""
    end = len(line) - 1
    if args.sessions is not None:
        start = end - args.sessions
    else:
        first = pd.Timestamp(args.start) if args.start else _before_period(line.index[end], str(args.period))
        start = int(line.index.searchsorted(first, side="right")) - 1
    if not 0 <= start < end:
        raise InsufficientDataError(f"{line.name} does not reach back to the beginning of the change")
    return start, end


def _before_period(day: pd.Timestamp, period: str) -> pd.Timestamp:
    """Return the last day before the week, month, quarter or year that a day lies in."""
    frequency = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}[period]
    return day.to_period(frequency).start_time - pd.Timedelta(days=1)


def _history(
    args: Change, context: Context, choice: tuple[str, str], sessions: int, line: "pd.Series[float]"
) -> "pd.Series[float]":
    """Take the same change over as many sessions on every day up to the last."""
    name, kind = choice
    if args.series:
        return line.diff(sessions).dropna()
    if kind != "difference":
        return k_session_returns(line, sessions).dropna()
    asset, _, benchmark = name.partition("/")
    end = line.index[-1]
    return relative_moves(context.price(asset).loc[:end], context.price(benchmark).loc[:end], sessions).dropna()


def _legs(context: Context, name: str, days: tuple[pd.Timestamp, pd.Timestamp]) -> str:
    parts = [context.price(asset) for asset in name.split("/")]
    returns = [part.loc[days[1]] / part.loc[days[0]] - 1 for part in parts]
    return ": " + " against ".join(f"{value:+.2%}" for value in returns)


def _intraday(context: Context, name: str, days: tuple[pd.Timestamp, pd.Timestamp], price: str) -> Reading:
    """Take the most that a change can be called, or all that it was from the first close during the last day."""
    if "/" in name:
        raise InsufficientDataError("highs of two assets are not at the same time of the day")
    symbol, (start, end) = Asset.parse(name).symbol, days
    low, high = context.price(f"{symbol}:low"), context.price(f"{symbol}:high")
    if price == "low to high":
        origin, to = float(low.loc[start]), float(high.loc[end])
        basis = f"{symbol} from its low of {origin:,.2f} on {start.date()} to its high of {to:,.2f} on {end.date()}"
        return Reading(to / origin - 1, len(high), high.index[0], end, basis)
    origin = float(context.price(symbol).loc[start])
    lowest, highest = low.loc[end] / origin - 1, high.loc[end] / origin - 1
    basis = f"{symbol} was between {lowest:+.2%} and {highest:+.2%} during {end.date()}"
    return Reading(float(highest), len(high), high.index[0], end, basis, reaches=(float(lowest), float(highest)))


@check("level")
def level(args: Level, context: Context) -> Computed:
    """Take the last value, or the highest or lowest of a window."""

    def read(name: str) -> Reading:
        line = load_line(args, name, context)
        inside = within(line, args.within)
        day = at(inside, args.statistic)
        value = float(inside.loc[day])
        basis = f"{name} was {show_level(value, is_series=bool(args.series))} on {day.date()}"
        return Reading(value, len(line), line.index[0], line.index[-1], basis, history=line)

    return over({"of": names_of(args)}, read, definition=f"Value: {args.statistic}{_window_text(args.within)}")


@check("gap")
def gap(args: Gap, context: Context) -> Computed:
    """Compare one level with another: as a return of prices, as a difference of series."""
    axes: Axes = {"of": names_of(args), "prices": args.prices}
    definition = (
        f"{args.level.capitalize()}{_window_text(args.within)} against {args.against}"
        f"{_window_text(args.against_within)}"
    )
    return over(axes, lambda name, price: _gap(args, context, name, price), definition=definition)


def _gap(args: Gap, context: Context, name: str, price: str) -> Reading:
    line = load_line(args, name, context)
    tops, bottoms = line, line
    if price != "close":
        symbol = Asset.parse(name).symbol
        tops, bottoms = context.price(f"{symbol}:high"), context.price(f"{symbol}:low")
    chosen = {"last": line, "highest": tops, "lowest": bottoms}
    here, there = within(chosen[args.level], args.within), within(chosen[args.against], args.against_within)
    to, origin = at(here, args.level), at(there, args.against)
    first, last = float(there.loc[origin]), float(here.loc[to])
    value = last - first if args.series else last / first - 1
    shown = [show_level(one, is_series=bool(args.series)) for one in (last, first)]
    basis = f"{name}: {shown[0]} on {to.date()} against {shown[1]} on {origin.date()}"
    return Reading(value, len(line), line.index[0], line.index[-1], basis)


def _window_text(window: Window | None) -> str:
    return "" if window is None else f" of {window.start} to {window.end}"


@check("multiple")
def multiple(args: Multiple, context: Context) -> Computed:
    """Divide one change by another, headline by headline."""
    measures = {"change": change, "gap": gap}
    above, below = (
        measures[part.name](cast(Change, part), context).readings[0]  # type: ignore[operator]
        for part in (args.of, args.over)
    )
    if below.value == 0:
        raise InsufficientDataError("the change to divide by is zero")
    value = float(cast(float, above.value)) / float(cast(float, below.value))
    basis = f"{above.value:+.2%} ({above.basis}) over {below.value:+.2%} ({below.basis})"
    first, last = max(above.first, below.first), min(above.last, below.last)
    return Computed("One change over another", (Reading(value, min(above.n, below.n), first, last, basis),))


@check("target")
def target(args: Target, context: Context) -> Computed:
    """Divide a target by a close."""
    close = up_to(context.price(args.asset), args.end)
    value = args.target / float(close.iloc[-1]) - 1
    basis = f"{args.target:,.2f} over the close of {close.iloc[-1]:,.2f} on {close.index[-1].date()}"
    return Computed("Target over close", (Reading(value, len(close), close.index[0], close.index[-1], basis),))


@check("largest_daily_move")
def largest_daily_move(args: LargestMove, context: Context) -> Computed:
    """Find the largest daily return of a window."""

    def read(asset: str) -> Reading:
        close = context.price(asset)
        returns = k_session_returns(close, 1).dropna()
        inside = within(returns, args.within)
        day = at(inside, "highest")
        basis = f"the largest daily move of {asset} was {inside.max():+.2%} on {day.date()}"
        return Reading(float(inside.max()), len(inside), close.index[0], close.index[-1], basis, history=returns)

    return over({"of": args.assets}, read, definition=f"Largest daily return{_window_text(args.within)}")


@check("streak")
def streak(args: Streak, context: Context) -> Computed:
    """Count the daily moves in a row beyond the bound, up to the day."""

    def read(asset: str) -> Reading:
        close = up_to(context.price(asset), args.end)
        found = streaks(close, args.bound_percent / 100)
        moves = np.round(100 * k_session_returns(close, 1).iloc[-found.current - 1 :], 2).tolist()
        basis = (
            f"{asset} moved by {', '.join(f'{move:+.2f}%' for move in moves)} on the last {len(moves)} sessions to "
            f"{close.index[-1].date()}; runs at least as long as the last one: {found.as_long}"
        )
        return Reading(found.current, found.n, close.index[0], close.index[-1], basis)

    bound = f"{'above' if args.bound_percent >= 0 else 'below'} {args.bound_percent:g}%"
    return over({"of": args.assets}, read, definition=f"Daily returns {bound} in a row")
