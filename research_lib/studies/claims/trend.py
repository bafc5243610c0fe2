"""Record closes, averages, breakouts, weekly closes; spreads and their signs."""

import pandas as pd

from research_lib.claims_file import Breakout, Crossing, RecordCloses, SpreadSign, WeeklyCloses, ZeroAhead
from research_lib.errors import InsufficientDataError
from research_lib.stats.moves import common_sessions
from research_lib.stats.trend import breakouts, fitted_line, weekly_closes
from research_lib.studies.claims.context import Context
from research_lib.studies.claims.registry import afterwards, check
from research_lib.studies.claims.result import Axes, Computed, Happened, Reading, over

DEFINITIONS = ("fitted line", "fitted line + 2 s.d.", "line through falling peaks", "highest close")


@check("record_closes")
def record_closes(args: RecordCloses, context: Context) -> Computed:
    """Count the record closes of a year to the day, or find the first."""

    def read(asset: str) -> Reading:
        close = context.price(asset)
        days = pd.DatetimeIndex(close.index[(close > close.cummax().shift()).to_numpy()])
        of_year, before = days[days.year == args.year], days[days.year < args.year]
        prior = f", the one before that year on {before[-1].date()} at {close[before[-1]]:,.2f}" if len(before) else ""
        if args.which == "first" and not len(of_year):
            raise InsufficientDataError(
                f"{asset} had no record close in {args.year} by {close.index[-1].date()}{prior}"
            )
        listed = ", ".join(str(day.date()) for day in of_year[-6:]) or "none"
        value = of_year[0] if args.which == "first" else float(len(of_year))
        basis = f"record closes of {asset} in {args.year}: {len(of_year)} ({listed}){prior}"
        return Reading(value, len(close), close.index[0], close.index[-1], basis, history=close)

    return over({"of": args.assets}, read, definition=f"Record closes in {args.year}: {args.which}")


@check("crossing")
def crossing(args: Crossing, context: Context) -> Computed:
    """Find when the close came above its average: first in the day's year, and last."""

    def read(asset: str, window: int, which: str) -> Reading:
        close = context.price(asset)
        average = close.rolling(window).mean().dropna()
        above = close[average.index] > average
        crossed = pd.DatetimeIndex(above.index[(above & ~above.shift(fill_value=True)).to_numpy()])
        chosen = crossed[crossed.year == context.day.year][:1] if which == "first of the year" else crossed[-1:]
        if not len(chosen):
            raise InsufficientDataError(f"{asset} did not come above its {window}-session average ({which})")
        basis = f"{asset} came above its {window}-session average on {chosen[0].date()} ({which})"
        return Reading(chosen[0], len(above), close.index[0], close.index[-1], basis)

    axes: Axes = {"of": args.assets, "window": args.windows, "which": args.which}
    return over(axes, read, definition="Day on which the close came above its average")


@check("breakout")
def breakout(args: Breakout, context: Context) -> Computed:
    """Measure how far the line is above resistance drawn from the sessions before, on four definitions."""
    pairs = zip(args.assets, args.benchmarks or [""] * len(args.assets), strict=True)
    names = [f"{asset}/{benchmark}" if benchmark else asset for asset, benchmark in pairs]

    def read(name: str, lookback: int, definition: str) -> Reading:
        asset, _, benchmark = name.partition("/")
        line = context.price(asset)
        if benchmark:
            pair = common_sessions(line, context.price(benchmark))
            line = pair["asset"] / pair["benchmark"]
        if len(line) <= lookback:
            raise InsufficientDataError(f"{name}: {len(line)} sessions are too few to look back {lookback}")
        judged = [fitted_line(line, lookback_sessions=lookback), *breakouts(line, lookback_sessions=lookback)]
        found = {one.definition: one for one in judged}[definition]
        if found.holds is None:
            raise InsufficientDataError(f"{name}: no {definition} can be drawn over {lookback} sessions")
        basis = (
            f"{name} is at {found.value:.4f}, its resistance ({definition}, {lookback} sessions) at {found.level:.4f}"
        )
        value = found.value / found.level - 1
        return Reading(value, lookback, line.index[-lookback - 1], line.index[-1], basis, history=line)

    axes: Axes = {"of": names, "lookback": args.lookbacks, "resistance": DEFINITIONS}
    return over(axes, read, definition="Distance above resistance drawn from the sessions before")


def _runs(args: WeeklyCloses, context: Context) -> "pd.Series[int]":
    """Count the weekly closes in a row above the level, up to each week since the start."""
    weeks = weekly_closes(context.price(args.asset)).loc[pd.Timestamp(args.start) :]
    if weeks.empty:
        raise InsufficientDataError(f"no week since {args.start} is over")
    above = (weeks > args.level).astype(int)
    return above.groupby((above == 0).cumsum()).cumsum()


@check("weekly_closes")
def weekly_closes_above(args: WeeklyCloses, context: Context) -> Computed:
    """Find the most weekly closes in a row above a level since a date."""
    runs, close = _runs(args, context), context.price(args.asset)
    basis = (
        f"{args.asset} had at most {runs.max()} weekly closes in a row above {args.level:,.0f} since {args.start}; "
        f"{int((runs > 0).sum())} of {len(runs)} weeks closed above it"
    )
    reading = Reading(float(runs.max()), len(runs), close.index[0], close.index[-1], basis)
    return Computed(f"Weekly closes in a row above {args.level:,.0f}", (reading,))


@afterwards("weekly_closes")
def _weekly_closes_later(args: WeeklyCloses, then: Context, now: Context) -> Happened:
    runs = _runs(args, now)
    longest = int(_runs(args, then).max())
    later = runs[(runs.index > then.session) & (runs > longest)]
    last = runs.index[-1]
    if later.empty:
        return Happened(f"no longer run by {last.date()}", last)
    return Happened(f"{longest + 1} in a row on {later.index[0].date()}; {int(runs.max())} by {last.date()}", last)


@check("spread_sign")
def spread_sign(args: SpreadSign, context: Context) -> Computed:
    """Find since when a spread has had the sign that it has on the day; zero counts as neither."""
    spread = context.spread(args.series, args.less)
    signs = spread.map(lambda value: (value > 0) - (value < 0))
    kept = signs[signs != 0]
    changed = kept.index[(kept != kept.shift()).to_numpy()]
    sign = {1: "positive", -1: "negative"}[int(kept.iloc[-1])]
    basis = (
        f"{args.series} less {args.less} has been {sign} since {changed[-1].date()} and was "
        f"{1e4 * spread.iloc[-1]:+.0f} bp on {spread.index[-1].date()}"
    )
    reading = Reading(changed[-1], len(spread), spread.index[0], spread.index[-1], basis, history=spread)
    return Computed("Day since when the sign of the spread has been what it is", (reading,))


@check("zero_ahead")
def zero_ahead(args: ZeroAhead, context: Context) -> Computed:
    """Count the sessions until a spread is zero if it goes on as over the last ones; infinite where it goes away."""
    spread = context.spread(args.series, args.less)

    def read(pace: int) -> Reading:
        if len(spread) <= pace:
            raise InsufficientDataError(f"{spread.name}: {len(spread)} days are too few for a pace over {pace}")
        last, step = float(spread.iloc[-1]), float(spread.iloc[-1] - spread.iloc[-1 - pace]) / pace
        ahead = -last / step if step * last < 0 else float("inf")
        basis = (
            f"{1e4 * last:+.0f} bp on {spread.index[-1].date()}, {1e4 * step:+.2f} bp a session over the last {pace}"
        )
        return Reading(ahead, len(spread), spread.index[0], spread.index[-1], basis, history=spread)

    return over({"pace": args.paces}, read, definition="Sessions until the spread is zero at its recent pace")


@afterwards("zero_ahead")
def _zero_later(args: ZeroAhead, then: Context, now: Context) -> Happened:
    spread = now.spread(args.series, args.less)
    later, sign = spread.loc[then.day :].iloc[1:], float(then.spread(args.series, args.less).iloc[-1])
    crossed = later[later * sign < 0]
    last = spread.index[-1]
    if crossed.empty:
        return Happened(f"no change of sign by {last.date()}", last)
    sessions = int((later.index <= crossed.index[0]).sum())
    return Happened(f"changed its sign on {crossed.index[0].date()}, {sessions} sessions later", last)
