"""Records, standard deviations, and how rare a move is."""

import numpy as np
import pandas as pd

from research_lib.claims_file import (
    MoveSigma,
    NormalTail,
    Record,
    ReturnPeriod,
    Sigma,
    SigmaRecord,
    Since,
    SpotVolatility,
)
from research_lib.data.catalog import Asset, choose_volatility, describe_asset
from research_lib.errors import InsufficientDataError
from research_lib.names import SigmaName
from research_lib.stats.events import find_episodes
from research_lib.stats.extremes import fit_tail, return_period
from research_lib.stats.moves import RelativeKind, k_session_returns, relative_moves, spot_volatility_correlation
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.stats.standing import standing
from research_lib.studies.claims.context import Context
from research_lib.studies.claims.moves import at, load_line, names_of, show_level, up_to, within
from research_lib.studies.claims.registry import check
from research_lib.studies.claims.result import Axes, Computed, Reading, over

DAILY_WINDOW = 50  # sessions of the daily standard deviation that a move is scaled by
PREFIX = "σ"


def move_history(context: Context, name: str, kind: str, sessions: int) -> "pd.Series[float]":
    """Take the k-session moves of an asset (`RUT`), or of one against another (`RUT/GSPC`), on every day."""
    asset, _, benchmark = name.partition("/")
    if not benchmark:
        return k_session_returns(context.price(asset), sessions).dropna().rename(name)
    chosen: RelativeKind = "ratio" if kind == "ratio" else "difference"
    return relative_moves(context.price(asset), context.price(benchmark), sessions, kind=chosen).dropna().rename(name)


@check("record")
def record(args: Record, context: Context) -> Computed:
    """Rank the last level or move in all history so far; 1 is the highest, or the lowest."""
    relative = bool(args.benchmarks and args.sessions)
    axes: Axes = {"of": names_of(args), "kind": args.kinds if relative else ["alone"]}
    what = f"{args.sessions}-session move" if args.sessions else "level"
    definition = f"{args.measure.capitalize()} of the {what} in all history to the day, 1 being the {args.side}"
    return over(axes, lambda name, kind: _record(args, context, name, kind), definition=definition)


def _record(args: Record, context: Context, name: str, kind: str) -> Reading:
    if args.series or not args.sessions:
        line = load_line(args, name, context)
        history = line.diff(args.sessions).dropna() if args.sessions else line
    else:
        history = move_history(context, name, kind, args.sessions)
    history = up_to(history, args.end)
    found = standing(history if args.side == "highest" else -history)
    best = history.loc[found.record_date]
    basis = (
        f"{_shown(history.iloc[-1], args)} on {found.date.date()} is rank {found.rank:,} of {found.n:,}; the {args.side} is "
        f"{_shown(best, args)} on {found.record_date.date()}"
    )
    as_far = float(
        (history >= history.iloc[-1]).mean() if args.side == "highest" else (history <= history.iloc[-1]).mean()
    )
    value = {"rank": float(found.rank), "percentile": found.percentile, "share as far": as_far}[args.measure]
    return Reading(value, found.n, found.first, found.date, f"{name}: {basis}", history=history)


def _shown(value: float, args: Record) -> str:
    return f"{value:+.2%}" if args.sessions else show_level(value, is_series=bool(args.series))


@check("since")
def since(args: Since, context: Context) -> Computed:
    """Find the last day before the window with a value as extreme as the window's own, or nearly."""
    sign = 1.0 if args.side == "highest" else -1.0

    def read(name: str) -> Reading:
        line = load_line(args, name, context)
        inside = within(line, args.within)
        day = at(inside, args.side)
        extreme = float(inside.loc[day])
        earlier = line.loc[: pd.Timestamp(args.within.start) - pd.Timedelta(days=1)]
        bound = sign * extreme * (1 - sign * args.near_percent / 100)
        reached = earlier[sign * earlier >= bound]
        if reached.empty:
            raise InsufficientDataError(
                f"{name} was never as {args.side[:-3]} before: its data begins on {line.index[0].date()}"
            )
        shown = [show_level(one, is_series=bool(args.series)) for one in (extreme, float(reached.iloc[-1]))]
        basis = (
            f"{name}: {shown[0]} on {day.date()}; before that it was there on {reached.index[-1].date()}, at {shown[1]}"
        )
        return Reading(reached.index[-1], len(line), line.index[0], line.index[-1], basis, history=line)

    near = f", within {args.near_percent:g}%" if args.near_percent else ""
    return over({"of": names_of(args)}, read, definition=f"Last day before with a value as {args.side[:-3]}{near}")


@check("sigma")
def sigma(args: Sigma, context: Context) -> Computed:
    """Take the last session's standard deviations from the moving average on every definition asked for."""
    axes: Axes = {"of": args.assets, "definition": args.definitions, "ddof": args.ddofs, "prices": args.prices}

    def read(asset: str, definition: SigmaName, ddof: int, price: str) -> Reading:
        close = up_to(context.price(asset), args.end)
        if price != "close":
            high = up_to(context.price(f"{Asset.parse(asset).symbol}:high"), args.end)
            close = pd.concat([close.iloc[:-1], high.iloc[-1:]])
        path = sigma_path(close, definition, SigmaSettings(args.window, ddof))
        if path.index[-1] != close.index[-1]:
            raise InsufficientDataError(f"{asset}: {definition} has no value on {close.index[-1].date()}")
        found = standing(path)
        basis = (
            f"{asset} stood at {found.value:.2f} {PREFIX} on {found.date.date()} ({definition}, ddof {ddof}, "
            f"{args.window} sessions), rank {found.rank:,} of {found.n:,}"
        )
        return Reading(found.value, found.n, close.index[0], found.date, basis, history=path)

    return over(axes, read, definition=f"Standard deviations from the {args.window}-session average")


@check("sigma_record")
def sigma_record(args: SigmaRecord, context: Context) -> Computed:
    """Take an asset's highest sigma in the window less the highest that any other asset had to the day."""
    others, missing = [], []
    for other in args.others:
        try:
            context.price(other)
        except InsufficientDataError as error:
            missing.append(str(error))
        else:
            others.append(other)
    if not others:
        raise InsufficientDataError("; ".join(missing))

    def read(definition: SigmaName, ddof: int) -> Reading:
        settings = SigmaSettings(args.window, ddof)
        own = sigma_path(context.price(args.asset), definition, settings)
        mine = within(own, args.within) if args.within else own.iloc[-1:]
        paths = {other: sigma_path(context.price(other), definition, settings) for other in others}
        highest = max(paths, key=lambda other: paths[other].max())
        theirs, day = paths[highest].max(), at(mine, "highest")
        basis = (
            f"{args.asset} stood at {mine.max():.2f} {PREFIX} on {day.date()}; the highest of {', '.join(others)} is "
            f"{theirs:.2f} {PREFIX}, {highest} on {at(paths[highest], 'highest').date()} ({definition}, ddof {ddof})"
        )
        n = sum(len(path) for path in paths.values())
        return Reading(
            float(mine.max() - theirs), n, min(path.index[0] for path in paths.values()), own.index[-1], basis
        )

    found = over(
        {"definition": args.definitions, "ddof": args.ddofs}, read,
        definition=f"{PREFIX} of {args.asset} less the highest that any of the others ever had",
    )  # fmt: skip
    return Computed(found.definition, found.readings, (*found.left_out, *missing), "; ".join(missing))


@check("move_sigma")
def move_sigma(args: MoveSigma, context: Context) -> Computed:
    """Put a k-session move in standard deviations: of all such moves, and of daily ones scaled by the root of k."""
    scales = ["all moves of its length", f"last {DAILY_WINDOW} daily returns x root of {args.sessions}"]

    def read(asset: str, scale: str, ddof: int) -> Reading:
        close = up_to(context.price(asset), args.end)
        moves = k_session_returns(close, args.sessions).dropna()
        move = float(moves.iloc[-1])
        if scale == scales[0]:
            deviation = float(moves.std(ddof=ddof))
        else:
            daily = k_session_returns(close, 1).iloc[-DAILY_WINDOW:]
            deviation = float(daily.std(ddof=ddof)) * float(np.sqrt(args.sessions))
        basis = f"{asset} moved by {move:+.2%} to {close.index[-1].date()}; one standard deviation is {deviation:.2%} ({scale})"
        return Reading(move / deviation, len(moves), close.index[0], close.index[-1], basis, history=moves / deviation)

    axes: Axes = {"of": args.assets, "deviation of": scales, "ddof": args.ddofs}
    return over(axes, read, definition=f"{args.sessions}-session move in standard deviations")


@check("normal_tail")
def normal_tail(args: NormalTail, context: Context) -> Computed:
    """Look up in a normal table what lies beyond a number of standard deviations."""
    from scipy.special import ndtr

    tails = {"one tail": float(ndtr(-args.sigma)), "both tails": float(2 * ndtr(-args.sigma))}

    def read(tail: str) -> Reading:
        basis = f"of a normal variate {tails[tail]:.2%} lie beyond {args.sigma:g} {PREFIX} ({tail})"
        return Reading(tails[tail], 0, context.session, context.session, basis)

    return over({"tails": list(tails)}, read, definition="Normal table")


@check("volatility_correlation")
def volatility_correlation(args: SpotVolatility, context: Context) -> Computed:
    """Correlate daily returns with changes of implied volatility over the last sessions; with a proxy where needed."""
    spot = choose_volatility(args.asset, context.available())
    if spot is None:
        raise InsufficientDataError(f"needs the volatility index of {args.asset}, or GSPC and VIX as a proxy")
    price, volatility = context.price(spot.asset), context.price(spot.volatility)
    path = spot_volatility_correlation(price, volatility, args.sessions)
    if path.empty:
        raise InsufficientDataError(f"{spot.asset} and {spot.volatility} have too few common sessions")
    found = standing(path)
    value = {"last": found.value, "rank": float(found.rank), "median": float(path.median())}[args.statistic]
    basis = (
        f"{spot.label}: {found.value:+.2f} over the {args.sessions} sessions to {found.date.date()}, rank {found.rank:,} of "
        f"{found.n:,}; median {path.median():+.2f}, above zero in {(path > 0).mean():.1%} of windows"
    )
    low, high = _median_interval(path.iloc[:: -args.sessions]) if args.statistic == "median" else (np.nan, np.nan)
    reading = Reading(value, found.n, found.first, found.date, basis, (), low, high, history=path)
    needed = describe_asset(args.asset).volatility_index or f"the volatility index of {args.asset}"
    proxy = f"needs {needed}; what follows is a proxy and decides nothing" if spot.is_proxy else ""
    what = f"{args.sessions}-session correlation of returns with changes of implied volatility"
    return Computed(what, (reading,), proxy=proxy)


def _median_interval(values: "pd.Series[float]") -> tuple[float, float]:
    """Return the distribution-free 95% interval of a median: two order statistics, by the binomial's normal limit."""
    ordered, n = np.sort(values.to_numpy()), len(values)
    reach = 1.959964 * np.sqrt(n) / 2
    low, high = max(int(np.floor(n / 2 - reach)), 0), min(int(np.ceil(n / 2 + reach)), n - 1)
    return float(ordered[low]), float(ordered[high])


@check("return_period")
def return_years(args: ReturnPeriod, context: Context) -> Computed:
    """Estimate the years between episodes of moves as large as the window's largest, by a generalised Pareto tail."""
    pairs = [f"{asset}/{benchmark}" for asset, benchmark in zip(args.assets, args.benchmarks, strict=True)]

    def read(name: str, kind: str) -> Reading:
        path = move_history(context, name, kind, args.sessions)
        largest = float(within(path, args.within).max())
        threshold = float(path.quantile(args.threshold_quantile))
        episodes = find_episodes(path, threshold)
        peaks = np.array([episode.peak for episode in episodes])
        period = return_period(fit_tail(peaks, threshold=threshold, sessions=len(path)), largest)
        if np.isnan(period.years):
            raise InsufficientDataError(f"{name}: {len(peaks)} episodes are too few for a tail")
        basis = (
            f"{name} moved by {largest:+.2%} in {args.sessions} sessions; of {len(peaks)} episodes above "
            f"{threshold:.1%}, {int((peaks >= largest).sum())} went as far"
        )
        return Reading(period.years, len(peaks), path.index[0], path.index[-1], basis, low=period.low, high=period.high,
                       history=path)  # fmt: skip

    return over({"of": pairs, "kind": args.kinds}, read, definition="Years between episodes that reach the move")
