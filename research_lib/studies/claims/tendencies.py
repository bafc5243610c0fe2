"""What usually happens: seasons, rate cuts, regimes, what followed; with its n, its interval and its p-value."""

from dataclasses import replace

import numpy as np
import pandas as pd

from research_lib.claims_file import (
    DrawdownAhead,
    FactorMean,
    Followed,
    PolicyRegime,
    RateCuts,
    RateSensitivity,
    Seasonal,
)
from research_lib.errors import InsufficientDataError
from research_lib.stats.events import find_episodes, forward_returns, what_followed
from research_lib.stats.inference import Blocks, bootstrap_mean, placement_test
from research_lib.stats.moves import common_sessions, relative_moves
from research_lib.stats.policy_cycles import recession_announced, recession_within
from research_lib.stats.regimes import known_before, rate_sensitivity
from research_lib.studies.claims.context import Context
from research_lib.studies.claims.moves import at, within
from research_lib.studies.claims.registry import afterwards, check
from research_lib.studies.claims.result import Axes, Computed, Happened, Reading, over
from research_lib.studies.rate_cuts import Policy, find_events, rate_drivers, study_events, to_months

SESSIONS_PER_YEAR, MONTHS_PER_YEAR = 252, 12
REPLICATIONS = 499


def _proportion(hits: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a share."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, n, method="wilson")
    return float(low), float(high)


def _seasons(months: list[int], close: "pd.Series[float]") -> "pd.Series[float]":
    """Return the returns of these months together, and of every other run of as many; unfinished ones left out."""
    ends = close.resample("ME").last()
    finished = (close.index[-1] + pd.offsets.BDay()).month != close.index[-1].month
    ends = ends if finished else ends.iloc[:-1]
    dates = pd.DatetimeIndex(ends.index)
    return ends[(dates.month - max(months)) % len(months) == 0].pct_change().dropna()


@check("seasonal")
def seasonal(args: Seasonal, context: Context) -> Computed:
    """Compare the return of some months with that of all seasons, or count how often it reaches a threshold."""
    close = context.price(args.asset)
    returns = _seasons(args.months, close)
    inside = pd.DatetimeIndex(returns.index).month == max(args.months)
    chosen, rest = returns[inside], returns[~inside]
    if len(chosen) < 2 or not len(rest):
        raise InsufficientDataError(f"{args.asset}: {len(chosen)} such seasons are too few")
    basis = (
        f"{args.asset}, {len(chosen)} years: mean {chosen.mean():+.2%}, positive in {(chosen > 0).mean():.0%}; the other "
        f"{len(rest)} seasons {rest.mean():+.2%} and {(rest > 0).mean():.0%}"
    )
    reading = Reading(np.nan, len(chosen), close.index[0], close.index[-1], basis, history=chosen)
    if args.reaches_percent is None:
        placed = placement_test(np.asarray(returns, dtype=np.float64), np.flatnonzero(inside))
        return Computed(
            "Mean return of these months less that of all seasons as long",
            (replace(reading, value=placed.mean - placed.base, low=placed.excess_low, high=placed.excess_high,
                     p_value=placed.p_value, p_smallest=placed.p_smallest, base=placed.base),),
        )  # fmt: skip
    hits = int((chosen >= args.reaches_percent / 100).sum())
    low, high = _proportion(hits, len(chosen))
    basis = f"{hits} of {len(chosen)} years reached {args.reaches_percent:+g}%; {basis}"
    definition = f"Share of years in which these months returned at least {args.reaches_percent:g}%"
    return Computed(definition, (replace(reading, value=hits / len(chosen), low=low, high=high, basis=basis),))


@afterwards("seasonal")
def _season_later(args: Seasonal, then: Context, now: Context) -> Happened:
    close = now.price(args.asset)
    first = pd.Timestamp(then.day.year, min(args.months), 1)
    before, during = (
        close.loc[: first - pd.Timedelta(days=1)],
        close.loc[first : first + pd.DateOffset(months=len(args.months), days=-1)],
    )
    start, last = float(before.iloc[-1]), during.index[-1]
    text = (
        f"{during.iloc[-1] / start - 1:+.2%} from {before.index[-1].date()} to {last.date()}, at the highest close "
        f"{during.max() / start - 1:+.2%}"
    )
    return Happened(text, last)


@check("rate_cuts")
def rate_cuts(args: RateCuts, context: Context) -> Computed:
    """Take the mean outcome around first cuts, flipping cycles' signs; a leg alone is held against all other days."""
    market, policy = context.market(args.small, args.large), _chosen(context.policy(), args.only)
    events = find_events(policy, market)
    study = study_events(market, events, horizons=args.horizons, seed=context.seed)[args.leg]
    results = {result.window: result for result in (study.before if args.side == "before" else study.after)}
    by_length = {max(abs(window.first), abs(window.last)): result for window, result in results.items()}

    def read(horizon: int) -> Reading:
        result = by_length[horizon]
        if not result.n:
            raise InsufficientDataError(f"{market.name}: no first cut has {horizon} sessions {args.side} it")
        basis = (
            f"{result.n} first cuts ({args.only}), {horizon} sessions {args.side}: {args.leg} {result.mean:+.2%} on average, "
            f"positive in {round(result.positive_share * result.n)}; all days {result.base:+.2%}"
        )
        return Reading(result.mean, result.n, market.legs.index[0], market.legs.index[-1], basis, (), result.low,
                       result.high, result.p_sign_flip, result.p_sign_flip_smallest, result.base,
                       history=pd.Series(result.outcomes))  # fmt: skip

    return over(
        {"sessions": args.horizons}, read, definition=f"Sum of daily returns {args.side} first cuts, {args.leg}"
    )


def _chosen(policy: Policy, only: str) -> Policy:
    """Keep the cycles whose first cut was outside of a recession, announced then or known in hindsight."""
    if only == "all":
        return policy
    dates = policy.first_cuts
    if only == "no recession announced":
        outside = ~recession_announced(dates, policy.recessions)
    else:
        outside = (
            recession_within(dates, policy.recessions, known_to=policy.known_to).eq(False).fillna(False).to_numpy(bool)
        )
    return replace(policy, cycles=tuple(cycle for cycle, keep in zip(policy.cycles, outside, strict=True) if keep))


@check("policy_regime")
def policy_regime(args: PolicyRegime, context: Context) -> Computed:
    """Take the mean of small less large, a year, on the days that began in these states of policy."""
    market, policy = context.market(args.small, args.large), context.policy()
    states = known_before(policy.states(market.legs.index))
    inside = states.isin(args.states).to_numpy()
    if inside.sum() < SESSIONS_PER_YEAR:
        raise InsufficientDataError(f"{market.name}: {inside.sum()} sessions in {', '.join(args.states)} are too few")
    found = bootstrap_mean(
        np.asarray(market.relative, dtype=np.float64),
        inside,
        blocks=Blocks(replications=REPLICATIONS, seed=context.seed),
    )
    low, mean, high = (SESSIONS_PER_YEAR * value for value in (found.low, found.mean, found.high))
    all_days = SESSIONS_PER_YEAR * float(market.relative.mean())
    basis = f"{market.name} made {mean:+.2%} a year in {found.n:,} sessions of {' or '.join(args.states)}; on all days {all_days:+.2%}"
    index = market.legs.index
    reading = Reading(mean, found.n, index[0], index[-1], basis, (), low, high, base=all_days)
    return Computed(f"Mean daily difference while policy is in {' or '.join(args.states)}, a year", (reading,))


@afterwards("policy_regime")
def _regime_later(args: PolicyRegime, then: Context, now: Context) -> Happened:
    market, policy = now.market(args.small, args.large), now.policy()
    later = market.legs.index[market.legs.index > then.session]
    states = policy.states(later)
    out = states.index[~states.isin(args.states).to_numpy()]
    end = out[0] if len(out) else later[-1]
    made = float(market.relative.loc[later[0] : end].sum())
    until = "the first cut" if len(out) else "the end of the data"
    return Happened(f"{market.name} {made:+.2%} (sum of daily differences) to {until}, {end.date()}", end)


@check("rate_sensitivity")
def sensitivity(args: RateSensitivity, context: Context) -> Computed:
    """Regress small less large on changes of yields by full months; the share of its variance that they explain."""
    market = to_months(context.market(args.small, args.large))
    levels = pd.DataFrame({name: context.series(name) for name in args.drivers})

    def read(driver: str) -> Reading:
        chosen = args.drivers if driver == "all of them" else [driver]
        drivers = rate_drivers(market, levels[chosen]).drop(columns="market")
        fit = rate_sensitivity(market.relative, drivers)
        slopes = ", ".join(
            f"{str(name)[2:].upper()} {row.coefficient / 100:+.2%} for a point more (p = {row.p_value:.2f})"
            for name, row in fit.table.iloc[1:].iterrows()
        )
        index, root = market.legs.index, np.arctanh(np.sqrt(fit.r_squared))
        reach = 1.959964 / np.sqrt(fit.n - 3)  # Fisher's transformation of the multiple correlation
        low, high = (float(np.tanh(max(end, 0.0)) ** 2) for end in (root - reach, root + reach))
        return Reading(
            fit.r_squared, fit.n, index[0], index[-1], f"{driver}: {slopes}; R² {fit.r_squared:.1%}", (), low, high
        )

    axes: Axes = {"drivers": ["all of them", *args.drivers] if len(args.drivers) > 1 else args.drivers}
    return over(axes, read, definition=f"R² of {market.name} on changes of yields, by month")


@check("factor")
def factor(args: FactorMean, context: Context) -> Computed:
    """Take a monthly factor's mean, a year, since some years; or its correlation with another."""
    values = context.series(args.series)
    other = context.series(args.against) if args.against else None

    def read(start: int) -> Reading:
        part = values.loc[pd.Timestamp(start, 1, 1) :]
        if len(part) < 10 * MONTHS_PER_YEAR:
            raise InsufficientDataError(f"{args.series}: {len(part)} months since {start} are too few")
        if other is not None:
            pair = pd.concat([part, other], axis=1, join="inner").to_numpy()
            return _correlation(pair, part, f"{args.series} and {args.against}")
        found = bootstrap_mean(
            np.asarray(part, dtype=np.float64), blocks=Blocks(replications=REPLICATIONS, seed=context.seed)
        )
        low, mean, high = (MONTHS_PER_YEAR * value for value in (found.low, found.mean, found.high))
        basis = f"{args.series} made {mean:+.2%} a year in {found.n} months since {part.index[0].date()}"
        return Reading(mean, found.n, part.index[0], part.index[-1], basis, (), low, high)

    what = f"Correlation of {args.series} with {args.against}" if args.against else f"Mean of {args.series}, a year"
    return over({"since": args.starts}, read, definition=what)


def _correlation(pair: "np.ndarray", part: "pd.Series[float]", names: str) -> Reading:
    """Give a correlation with the interval of Fisher's transformation."""
    n, value = len(pair), float(np.corrcoef(pair.T)[0, 1])
    low, high = np.tanh(np.arctanh(value) + np.array([-1, 1]) * 1.959964 / np.sqrt(n - 3))
    basis = f"{names} have a correlation of {value:+.2f} in {n} months since {part.index[0].date()}"
    return Reading(value, n, part.index[0], part.index[-1], basis, (), float(low), float(high))


@check("followed")
def followed(args: Followed, context: Context) -> Computed:
    """Take what small less large did after earlier episodes of moves nearly as large, less what it did on all days."""
    path, forward, largest = _episode_parts(args, context)
    threshold = args.share_of_move * largest
    starts = [one.start for one in find_episodes(path, threshold) if one.start < pd.Timestamp(args.within.start)]
    outcomes = {one.horizon_sessions: one for one in what_followed(forward, starts, since=path.index[0])}

    def read(horizon: int) -> Reading:
        found = outcomes[horizon]
        if not found.n:
            raise InsufficientDataError(f"{path.name}: no earlier episode went above {threshold:.1%}")
        basis = (
            f"{found.n} earlier episodes above {threshold:+.1%} in {args.sessions} sessions: {found.mean:+.2%} over the next "
            f"{horizon}, positive in {found.share_positive:.0%}; all other days {found.base:+.2%}"
        )
        return Reading(found.excess, found.n, path.index[0], path.index[-1], basis, (), found.excess_low, found.excess_high,
                       found.p_value, found.p_smallest, found.base, history=path)  # fmt: skip

    return over(
        {"sessions after": args.horizons}, read, definition="Excess of what followed earlier episodes over all days"
    )


def _episode_parts(args: Followed, context: Context) -> "tuple[pd.Series[float], dict[int, pd.Series[float]], float]":
    pair = common_sessions(context.price(args.asset), context.price(args.benchmark))
    name = f"{args.asset} less {args.benchmark}"
    path = relative_moves(pair["asset"], pair["benchmark"], args.sessions).dropna().rename(name)
    forward = {h: forward_returns(pair["asset"], h) - forward_returns(pair["benchmark"], h) for h in args.horizons}
    return path, forward, float(within(path, args.within).max())


@afterwards("followed")
def _followed_later(args: Followed, then: Context, now: Context) -> Happened:
    path, forward, _ = _episode_parts(args, now)
    parts = []
    for horizon, returns in forward.items():
        value = float(returns.loc[then.session])
        parts.append(
            f"not yet over {horizon} sessions" if np.isnan(value) else f"{value:+.2%} over the next {horizon} sessions"
        )
    return Happened(f"{path.name}: {', '.join(parts)} from {then.session.date()}", path.index[-1])


@check("drawdown_ahead")
def drawdown_ahead(args: DrawdownAhead, context: Context) -> Computed:
    """Count how often the lowest close of the next sessions is so much below a close, on windows that do not overlap."""
    close = context.price(args.asset)
    falls = _worst_ahead(close, args.sessions).dropna().iloc[:: -args.sessions]
    hits = int((falls <= -args.falls_percent / 100).sum())
    if not len(falls):
        raise InsufficientDataError(f"{args.asset}: {len(close)} sessions are too few for windows of {args.sessions}")
    low, high = _proportion(hits, len(falls))
    basis = f"{hits} of {len(falls):,} windows of {args.sessions} sessions of {args.asset} fell by {args.falls_percent:g}% or more"
    reading = Reading(
        hits / len(falls), len(falls), close.index[0], close.index[-1], basis, (), low, high, history=falls
    )
    return Computed(
        f"Share of windows of {args.sessions} sessions with a fall of {args.falls_percent:g}% below their start",
        (reading,),
    )


def _worst_ahead(close: "pd.Series[float]", sessions: int) -> "pd.Series[float]":
    lowest = close[::-1].rolling(sessions).min()[::-1].shift(-1)
    return lowest / close - 1


@afterwards("drawdown_ahead")
def _drawdown_later(args: DrawdownAhead, then: Context, now: Context) -> Happened:
    close = now.price(args.asset)
    window = close.loc[then.session :].iloc[: args.sessions + 1]
    day = at(window, "lowest")
    text = f"at worst {window.min() / window.iloc[0] - 1:+.2%}, on {day.date()}, in {len(window) - 1} sessions to {window.index[-1].date()}"
    return Happened(text, window.index[-1])
