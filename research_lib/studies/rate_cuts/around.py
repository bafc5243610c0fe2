"""What happened before, on and after cuts; divided by what surrounded them; under every definition."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from research_lib.data import Source, load_series_if_any
from research_lib.errors import DataError, InsufficientDataError
from research_lib.shown import Shown
from research_lib.stats.event_study import (
    Events,
    Legs,
    Measure,
    Window,
    WindowResult,
    adjust_for_horizons,
    study_window,
    window_outcomes,
)
from research_lib.stats.inference import (
    Floats,
    Power,
    permutation_test,
    sign_flip_power,
    sign_flip_test,
)
from research_lib.stats.policy_cycles import (
    CycleRule,
    recession_announced,
    recession_within,
    to_sessions,
)
from research_lib.stats.specification_grid import Grid, GridAxes, join_grids, robustness_grid, usual_rules
from research_lib.studies.rate_cuts.load import (
    FAST_BP,
    FAST_DAYS,
    LARGE_FIRST_CUT_BP,
    NOTHING_KNOWN,
    SMB,
    EventKind,
    Market,
    Policy,
    Surroundings,
    find_events,
    last_before,
    load_policy,
)
from research_lib.studies.result import Unavailable

RELATIVE = "small less large"
START_YEARS = (0, 1985, 1990, 1995, 2000)  # 0: all of the data


@dataclass(frozen=True)
class LegStudy(Shown):
    """One leg around one kind of event.

    Attributes
    ----------
    leg : str
        small, large, or small less large.
    measure : Measure
        How returns are put together.
    before, around, after : tuple of WindowResult
        Front-running, the day itself (and the days beside it), and what followed; `before` and `after` are families
        of horizons, each with Holm's p-values over itself.
    """

    leg: str
    measure: Measure
    before: tuple[WindowResult, ...]
    around: tuple[WindowResult, ...]
    after: tuple[WindowResult, ...]


def study_events(
    market: Market, events: Events, *, measure: Measure = Measure.CAR, horizons: Sequence[int] = (), seed: int = 0
) -> dict[str, LegStudy]:
    """Study small, large, and small less large around events.

    A leg by itself rises over time and is tested against the mean of all periods; the difference against zero.

    Parameters
    ----------
    measure : Measure
        CAR or BHAR; SMB has no legs to compound, so that it has no BHAR.
    horizons : sequence of int
        Periods; by default the market's usual ones.

    Returns
    -------
    dict of LegStudy
        By leg; of a market without legs, the relative one alone, named by the market.

    Raises
    ------
    DataError
        BHAR is asked of a published difference.
    """
    _stop_at_published(market, measure)
    chosen = tuple(horizons) or market.horizons
    legs = market.legs
    if legs.large is None:
        alone = market.name != SMB
        return {market.name: _study_leg(market.name, legs, events, (measure, chosen, alone, seed))}
    return {
        "small": _study_leg("small", Legs(legs.small), events, (measure, chosen, True, seed)),
        "large": _study_leg("large", Legs(legs.large), events, (measure, chosen, True, seed)),
        RELATIVE: _study_leg(RELATIVE, legs, events, (measure, chosen, False, seed)),
    }


def _study_leg(leg: str, legs: Legs, events: Events, options: tuple[Measure, tuple[int, ...], bool, int]) -> LegStudy:
    measure, horizons, less_base, seed = options

    def study(window: Window) -> WindowResult:
        outcomes = window_outcomes(legs, window, measure=measure)
        return study_window(outcomes, window, events, less_base=less_base, seed=seed)

    before = adjust_for_horizons([study(Window.before(periods)) for periods in horizons])
    around = [study(Window(0, 0)), study(Window(-1, 1))]
    after = adjust_for_horizons([study(Window.after(periods)) for periods in horizons])
    return LegStudy(leg, measure, tuple(before), tuple(around), tuple(after))


def _stop_at_published(market: Market, measure: Measure) -> None:
    if market.name == SMB and measure is Measure.BHAR:
        raise DataError("SMB is published as a difference: it has no legs to compound, so ask for a CAR, or S1 and S5")


def power_of_sign_flip(market: Market, events: Events, *, effect: float, horizon: int, seed: int = 0) -> Power:
    """Say how often an effect of this size would be found over so many events, from the spread of all periods."""
    outcomes = window_outcomes(market.legs, Window.after(horizon))
    covered = outcomes[np.isfinite(outcomes)]
    n = int(np.isfinite(outcomes[events.positions[events.positions >= 0]]).sum())
    return sign_flip_power(covered, n=n, effect=effect, seed=seed)


@dataclass(frozen=True)
class SplitMean(Shown):
    """The outcome after first cuts of one sort.

    Attributes
    ----------
    split, group : str
        What divides them, and the sort.
    hindsight : bool
        The division was not known on the day.
    n, mean, low, high, p_sign_flip, p_sign_flip_smallest
        As in `WindowResult`; a mean of no events is NaN.
    """

    split: str
    group: str
    hindsight: bool
    n: int
    mean: float
    low: float
    high: float
    p_sign_flip: float
    p_sign_flip_smallest: float


@dataclass(frozen=True)
class Conditioning(Shown):
    """First cuts divided by what surrounded them.

    Attributes
    ----------
    means : tuple of SplitMean
        Two a split.
    differences : DataFrame
        Index: splits; columns `difference` (first group less second), `p_value` (exact, over all ways of dealing the
        events into groups of these sizes), `p_smallest`, `n_unknown` (events that cannot be told).
    """

    means: tuple[SplitMean, ...]
    differences: pd.DataFrame


def study_conditions(
    policy: Policy, market: Market, *, horizon: int, around: Surroundings = NOTHING_KNOWN, seed: int = 0
) -> Conditioning:
    """Divide what followed first cuts by recession, curve, credit spread, and speed of the cycle.

    Parameters
    ----------
    horizon : int
        Periods after the cut, CAR.
    around : Surroundings
        Without a curve or a spread, its split is left out.
    seed : int
        Of random deals, where there are too many events to count all.
    """
    positions = to_sessions(policy.first_cuts, market.legs.index, monthly=market.monthly)
    outcomes = window_outcomes(market.legs, Window.after(horizon))
    inside = np.flatnonzero(positions >= 0)
    inside = inside[np.isfinite(outcomes[positions[inside]])]
    values = outcomes[positions[inside]]
    means, differences = [], {}
    for (split, first, second, hindsight), member in _splits(policy, around).items():
        told = member.iloc[inside]
        for name, flag in ((first, True), (second, False)):
            part = values[told.eq(flag).fillna(False).to_numpy(dtype=bool)]
            means.append(_split_mean((split, name, hindsight), part))
        differences[split] = _difference(values, told, seed=seed)
    return Conditioning(tuple(means), pd.DataFrame.from_dict(differences, orient="index").rename_axis("split"))


def _splits(policy: Policy, around: Surroundings) -> "dict[tuple[str, str, str, bool], pd.Series[bool]]":
    """Divide the first cuts; keys: split, its two groups, whether it is hindsight; values missing where unknown."""
    dates = policy.first_cuts
    announced = pd.Series(recession_announced(dates, policy.recessions), dates, dtype="boolean")
    first_bp = pd.Series([policy.changes_bp[cycle.first_cut] for cycle in policy.cycles], dates)
    found = {
        ("recession within 12 months", "recession", "none", True): recession_within(
            dates, policy.recessions, known_to=policy.known_to
        ),
        ("recession announced", "recession", "none", False): announced,
        ("speed of the cycle", "fast", "slow", True): _is_fast(policy),
        ("size of the first cut", "50 bp or more", "less", False): (first_bp <= -LARGE_FIRST_CUT_BP).astype("boolean"),
    }
    if around.curve is not None:
        slope = pd.Series(last_before(around.curve, dates), dates)
        found["curve", "inverted", "not inverted", False] = (slope < 0).astype("boolean").mask(slope.isna())
    if around.credit_spread is not None:
        spread = pd.Series(last_before(around.credit_spread, dates), dates)
        usual = pd.Series(last_before(around.credit_spread.expanding().median(), dates), dates)
        above = (spread > usual).astype("boolean").mask(spread.isna())
        found["credit spread against its median to date", "above", "below", False] = above
    return found


def _is_fast(policy: Policy) -> "pd.Series[bool]":
    """Say whether at least `FAST_BP` were cut within `FAST_DAYS` of the first cut; missing while that time runs."""
    dates = policy.first_cuts
    ends = dates + pd.Timedelta(days=FAST_DAYS)
    cuts = policy.changes_bp[policy.changes_bp < 0]
    totals = [float(cuts[start:end].sum()) for start, end in zip(dates, ends, strict=True)]
    fast = pd.Series(np.asarray(totals) <= -FAST_BP, dates, dtype="boolean")
    return fast.mask(~fast.to_numpy(dtype=bool) & np.asarray(ends > policy.known_to))


def _split_mean(key: tuple[str, str, bool], values: Floats) -> SplitMean:
    if len(values) == 0:
        return SplitMean(*key, 0, np.nan, np.nan, np.nan, np.nan, np.nan)
    result = sign_flip_test(values)
    return SplitMean(*key, result.n, result.mean, result.low, result.high, result.p_value, result.p_smallest)


def _difference(values: Floats, told: "pd.Series[bool]", *, seed: int) -> dict[str, float]:
    known = told.notna().to_numpy()
    first = told[known].to_numpy(dtype=bool)
    unknown = {"n_unknown": int((~known).sum())}
    if first.all() or not first.any():
        return {"difference": np.nan, "p_value": np.nan, "p_smallest": np.nan, **unknown}
    result = permutation_test(values[known], first, seed=seed)
    return {"difference": result.difference, "p_value": result.p_value, "p_smallest": result.p_smallest, **unknown}


@dataclass(frozen=True)
class GridStudy(Shown):
    """The headline's question under every definition.

    Attributes
    ----------
    grid : Grid
        All specifications.
    markets : tuple of str
        Their legs.
    headline : Series
        The headline's own row of the grid.
    place : float
        The share of specifications whose effect, in standard deviations of its placements, is below the headline's.
    """

    grid: Grid
    markets: tuple[str, ...]
    headline: "pd.Series[float]"
    place: float


def study_grid(policy: Policy, markets: Sequence[Market], *, horizon: int) -> GridStudy:
    """Ask the headline's question under every definition; the first market is the headline's, measured by CAR.

    Parameters
    ----------
    policy : Policy
        Its rule joins the usual ones; a proxy's cycles take no part.
    markets : sequence of Market
        All daily, or all monthly.
    horizon : int
        The headline's.
    """
    rules = list(dict.fromkeys([policy.rule, *usual_rules()]))
    grid = study_robustness(policy, markets, GridAxes(rules, markets[0].horizons, start_years=START_YEARS))
    mine = grid.table[grid.table["market"] == markets[0].name]
    headline = {
        "market": markets[0].name,
        "start_year": int(mine["start_year"].min()),
        "measure": Measure.CAR,
        "horizon": horizon,
        **vars(policy.rule),
    }
    row = mine[np.logical_and.reduce([np.asarray(mine[name] == value) for name, value in headline.items()])]
    return GridStudy(grid, tuple(market.name for market in markets), row.iloc[0], grid.place_of(headline))


def study_robustness(policy: Policy, markets: Sequence[Market], axes: GridAxes) -> Grid:
    """Vary the definitions on every market; a published difference has no BHAR and takes part with its CARs only."""
    if len({market.monthly for market in markets}) > 1:
        raise DataError("robustness grid: markets must be all daily or all monthly: a horizon counts their periods")
    grids = [
        robustness_grid(
            policy.changes["change_bp"], {market.name: market.legs}, _axes_for(market, axes), monthly=market.monthly
        )
        for market in markets
    ]
    return join_grids(grids)


def _axes_for(market: Market, axes: GridAxes) -> GridAxes:
    if market.name != SMB:
        return axes
    if Measure.CAR not in axes.measures:
        _stop_at_published(market, Measure.BHAR)
    return replace(axes, measures=(Measure.CAR,))


NO_LEGS = Unavailable("a published difference has no legs of its own.")


def study_compounded(market: Market, events: Events, *, seed: int = 0) -> LegStudy | Unavailable:
    """Study small less large by BHAR, the difference of compounded returns."""
    if market.legs.large is None:
        return NO_LEGS
    return study_events(market, events, measure=Measure.BHAR, seed=seed)[RELATIVE]


def study_other_decisions(policy: Policy, market: Market, *, seed: int = 0) -> dict[str, LegStudy | Unavailable]:
    """Study small less large around all cuts, last hikes and unscheduled cuts, by the kind's name."""

    def study(kind: EventKind) -> LegStudy | Unavailable:
        try:
            events = find_events(policy, market, kind)
        except InsufficientDataError as error:
            return Unavailable(f"{error}.")
        return _relative(study_events(market, events, seed=seed))

    return {str(kind): study(kind) for kind in EventKind if kind is not EventKind.FIRST_CUTS}


def study_with_proxy(
    source: Source, market: Market, *, rule: CycleRule, as_of: date, seed: int = 0
) -> LegStudy | Unavailable:
    """Study small less large around first cuts, turning points of the bill rate standing in before the table starts."""
    bills = load_series_if_any(source, ["RF"], as_of=as_of) if market.monthly else None
    if bills is None:
        return Unavailable("it needs monthly data and the one-month bill rate RF.")
    policy = load_policy(as_of=as_of, rule=rule, bill_rate=bills["RF"])
    return _relative(study_events(market, find_events(policy, market), seed=seed))


def _relative(studies: dict[str, LegStudy]) -> LegStudy:
    """Take small less large, or the only leg there is."""
    return studies.get(RELATIVE) or next(iter(studies.values()))


@dataclass(frozen=True)
class Answer(Shown):
    """What the headline rests on.

    Attributes
    ----------
    market : Market
        Small and large.
    horizon : int
        The headline's, in the market's periods.
    study : LegStudy
        Small less large around first cuts.
    broad : LegStudy or Unavailable
        The broad market, daily.
    grid : GridStudy
        The same question under every definition.
    power : Power
        Of so few cycles.
    """

    market: Market
    horizon: int
    study: LegStudy
    broad: LegStudy | Unavailable
    grid: GridStudy
    power: Power


PLANTED_EFFECT = 0.02


def answer(policy: Policy, market: Market, markets: Sequence[Market], *, broad: Market | None, horizon: int) -> Answer:
    """Put together what the headline rests on: small less large around first cuts, and how sure that is.

    Parameters
    ----------
    policy, market, horizon
        As elsewhere.
    markets : sequence of Market
        For the grid, the market itself first.
    broad : Market, optional
        A daily broad market, for the day itself.

    Raises
    ------
    InsufficientDataError
        No first cut falls inside the data, or none is followed by so many periods.
    """
    events = find_events(policy, market)
    study = _relative(study_events(market, events))
    if next(result.n for result in study.after if result.window.last == horizon) == 0:
        raise InsufficientDataError(f"{market.name}: none of {len(events)} first cuts has {horizon} periods after it")
    return Answer(
        market=market,
        horizon=horizon,
        study=study,
        broad=Unavailable("this source has no daily broad market (GSPC).")
        if broad is None
        else _relative(study_events(broad, find_events(policy, broad))),
        grid=study_grid(policy, markets, horizon=horizon),
        power=power_of_sign_flip(market, events, effect=PLANTED_EFFECT, horizon=horizon),
    )
