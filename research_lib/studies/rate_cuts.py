"""What small caps do around rate cuts, and whether it is the cut, the regime, the recession, or chance.

Each exhibit is one call: load a `Market` and a `Policy`, choose events, and hand them on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd

from research_lib.data import DataCard, Source, load_prices, load_series
from research_lib.data.policy import ANNOUNCED_SINCE, load_recessions, load_target_changes
from research_lib.errors import DataError, InsufficientDataError
from research_lib.stats.event_study import (
    Events,
    Legs,
    Measure,
    Positions,
    Window,
    WindowResult,
    adjust_for_horizons,
    study_window,
    window_outcomes,
)
from research_lib.stats.inference import (
    DEFAULT_BLOCKS,
    Blocks,
    Floats,
    Power,
    permutation_test,
    sign_flip_power,
    sign_flip_test,
)
from research_lib.stats.policy_cycles import (
    DEFAULT_RULE,
    Cycle,
    CycleRule,
    PolicyState,
    bill_rate_steps,
    cycle_of,
    easing_cycles,
    policy_states,
    recession_announced,
    recession_within,
    to_sessions,
)
from research_lib.stats.regimes import (
    Agreement,
    MarkovFit,
    RegimeDifference,
    RegimeMean,
    Response,
    Sensitivity,
    agreement,
    fit_markov,
    known_before,
    local_projections,
    rate_sensitivity,
    regime_difference,
    regime_means,
    rolling_sensitivity,
    sensitivity_by_regime,
)
from research_lib.stats.specification_grid import Grid, GridAxes, robustness_grid

HORIZONS_SESSIONS = (1, 5, 21, 63, 126, 252)
HORIZONS_MONTHS = (1, 3, 6, 12)
HALF_YEAR = {False: 126, True: 6}  # periods: sessions, months

# A fifth of companies by size is made of its three book-to-market portfolios, in equal parts.
SIZE_FIFTHS = {"S1": ("S1V1", "S1V3", "S1V5"), "S5": ("S5V1", "S5V3", "S5V5")}
SMB = "SMB"

# A bill rate wanders more than a target does: only a rise of a full point counts as a tightening.
PROXY_RULE = CycleRule(min_tightening_bp=100.0)
MONTHS_PER_YEAR = 12

LONGEST_STEP_DAYS = 20  # a daily series' median step is one day, a monthly one's thirty
STALE_DAYS = 7  # a yield is carried over holidays of the bond market, not over gaps
FAST_DAYS, FAST_BP = 91, 75.0
LARGE_FIRST_CUT_BP = 50.0


class EventKind(StrEnum):
    """Which decisions an event study is about."""

    FIRST_CUTS = "first cuts"
    ALL_CUTS = "all cuts"
    LAST_HIKES = "last hikes"
    UNSCHEDULED_CUTS = "unscheduled cuts"


@dataclass(frozen=True)
class Market:
    """Returns of small and large caps, and what they were made from.

    Attributes
    ----------
    name : str
        As it is written in tables.
    legs : Legs
        Small and large; of a published difference (SMB) or a market alone, one series.
    broad : Series of shape (periods,)
        Return of the market: of months the whole market's, of sessions the large leg's.
    monthly : bool
        Months, dated by their last day; otherwise sessions.
    cards : tuple of DataCard
        The data behind it.
    """

    name: str
    legs: Legs
    broad: "pd.Series[float]"
    monthly: bool
    cards: tuple[DataCard, ...]

    @property
    def relative(self) -> "pd.Series[float]":
        """Small less large, period by period."""
        return self.legs.difference()

    @property
    def horizons(self) -> tuple[int, ...]:
        """The usual horizons, in the market's periods."""
        return HORIZONS_MONTHS if self.monthly else HORIZONS_SESSIONS


@dataclass(frozen=True)
class Policy:
    """Rate decisions, the cycles in them, and recessions, as known by one date.

    Attributes
    ----------
    changes : DataFrame
        As `load_target_changes` gives it.
    changes_bp : Series of shape (changes,)
        Basis points by decision date; with a proxy, its steps stand before the table's.
    cycles : tuple of Cycle
        In order, without one that is cut off; those before `proxy_until` are the proxy's.
    cut_off : tuple of Cycle
        Left out: the table starts within them.
    recessions : DataFrame
        As `load_recessions` gives it.
    known_to : Timestamp
        Nothing later is known.
    proxy_until : Timestamp or None
        Before it, decisions are steps of the bill rate, not decisions.
    rule : CycleRule
        Of the table's cycles.
    """

    changes: pd.DataFrame
    changes_bp: "pd.Series[float]"
    cycles: tuple[Cycle, ...]
    cut_off: tuple[Cycle, ...]
    recessions: pd.DataFrame
    known_to: pd.Timestamp
    proxy_until: pd.Timestamp | None
    rule: CycleRule

    @cached_property
    def first_cuts(self) -> pd.DatetimeIndex:
        """Decision dates of the first cuts."""
        return pd.DatetimeIndex([cycle.first_cut for cycle in self.cycles])

    def states(self, dates: pd.DatetimeIndex, *, hold_days: int = 180) -> "pd.Series[str]":
        """Return the state of policy on each date, by the decisions up to that day."""
        return policy_states(self.changes_bp, dates, rule=self.rule, hold_days=hold_days)


def load_policy(
    *,
    as_of: date | None = None,
    rule: CycleRule = DEFAULT_RULE,
    announced_only: bool = False,
    bill_rate: "pd.Series[float] | None" = None,
) -> Policy:
    """Load the decisions and find the cycles.

    Parameters
    ----------
    as_of : date, optional
        The last date that may be known; without it, today.
    rule : CycleRule
        What makes a cut the first one.
    announced_only : bool
        Only decisions since 1994-02, which were announced on their day.
    bill_rate : Series of shape (months,), optional
        Monthly return of a one-month bill, decimals: a proxy for the years before the table starts.
    """
    known_to = pd.Timestamp(as_of) if as_of else pd.Timestamp.now().normalize()
    changes = load_target_changes(as_of=known_to)
    changes = changes[changes.index >= ANNOUNCED_SINCE] if announced_only else changes
    if changes.empty:
        raise InsufficientDataError(f"no announced decision is known up to as_of {known_to:%Y-%m-%d}")
    found = easing_cycles(changes["change_bp"], rule=rule)
    policy = Policy(
        changes=changes,
        changes_bp=changes["change_bp"],
        cycles=tuple(cycle for cycle in found if not cycle.cut_off),
        cut_off=tuple(cycle for cycle in found if cycle.cut_off),
        recessions=load_recessions(as_of=known_to),
        known_to=known_to,
        proxy_until=None,
        rule=rule,
    )
    return policy if bill_rate is None else _with_proxy(policy, bill_rate)


def _with_proxy(policy: Policy, bill_rate: "pd.Series[float]") -> Policy:
    start = policy.changes.index[0]
    steps = bill_rate_steps(bill_rate[bill_rate.index < start] * MONTHS_PER_YEAR)
    cycles = [cycle for cycle in easing_cycles(steps, rule=PROXY_RULE) if not cycle.cut_off]
    return replace(
        policy,
        changes_bp=pd.concat([steps, policy.changes_bp]),
        cycles=(*cycles, *policy.cycles),
        proxy_until=start,
    )


def load_market(
    source: Source, small: str, large: str = "", *, monthly: bool = False, as_of: date | None = None
) -> Market:
    """Load small and large caps.

    Parameters
    ----------
    source : Source
        Where from.
    small, large : str
        Daily: assets, such as RUT and GSPC; without `large`, `small` is a market by itself. Monthly: `S1` and `S5`,
        the smallest and largest fifth of companies, or `SMB` alone, a difference published as one series.
    monthly : bool
        Months instead of sessions.
    as_of : date, optional
        The last date that may be known.

    Raises
    ------
    DataError
        The names do not fit the frequency, or the source lacks them.
    """
    if monthly:
        return _load_months(source, small, large, as_of)
    for name in (small, large):
        if name in {SMB, *SIZE_FIFTHS}:
            raise DataError(f"{name} is monthly, but sessions are asked for: name prices (RUT, GSPC), or take months")
    data = load_prices(source, [name for name in (small, large) if name], as_of=as_of)
    prices = data.values.dropna()
    _stop_at_months(prices, small)
    returns = prices.pct_change().iloc[1:]
    legs = Legs(returns[small], returns[large] if large else None)
    return Market(_name(small, large), legs, returns[large or small], monthly=False, cards=data.cards)


def _load_months(source: Source, small: str, large: str, as_of: date | None) -> Market:
    if (small, large) == (SMB, ""):
        data = load_series(source, [SMB, "MKT_RF", "RF"], as_of=as_of)
        values = data.values.dropna()
        return Market(SMB, Legs(values[SMB]), values["MKT_RF"] + values["RF"], monthly=True, cards=data.cards)
    if small not in SIZE_FIFTHS or large not in SIZE_FIFTHS:
        asked = _name(small, large)
        raise DataError(f"{asked}: monthly there are SMB alone, and {' less '.join(SIZE_FIFTHS)}; others are daily")
    data = load_series(source, [*SIZE_FIFTHS[small], *SIZE_FIFTHS[large], "MKT_RF", "RF"], as_of=as_of)
    values = data.values.dropna()
    small_leg, large_leg = (values[list(SIZE_FIFTHS[name])].mean(axis=1) for name in (small, large))
    broad = values["MKT_RF"] + values["RF"]
    return Market(_name(small, large), Legs(small_leg, large_leg), broad, monthly=True, cards=data.cards)


def _stop_at_months(prices: pd.DataFrame, name: str) -> None:
    if len(prices) < 2:
        raise InsufficientDataError(f"{name}: {len(prices)} sessions with all prices; a return needs two")
    step = int(prices.index.to_series().diff().dt.days.median())
    if step > LONGEST_STEP_DAYS:
        raise DataError(f"{name}: its dates are {step} days apart, but sessions are asked for: daily prices are needed")


def _name(small: str, large: str) -> str:
    return f"{small} less {large}" if large else small


def to_months(market: Market) -> Market:
    """Compound a daily market into full months; the first and an unfinished last one are left out."""
    if market.monthly:
        return market
    small, large = market.legs.small, market.legs.large
    legs = Legs(_compound(small), None if large is None else _compound(large))
    return replace(market, legs=legs, broad=_compound(market.broad), monthly=True)


def _compound(returns: "pd.Series[float]") -> "pd.Series[float]":
    grown = (1 + returns).resample("ME").prod() - 1
    last = returns.index[-1]
    finished = (last + pd.offsets.BDay()).month != last.month
    return grown.iloc[1:] if finished else grown.iloc[1:-1]


def find_events(policy: Policy, market: Market, kind: EventKind = EventKind.FIRST_CUTS) -> Events:
    """Place decisions in a market's periods; several in one period are one event.

    Raises
    ------
    InsufficientDataError
        None of them falls inside the data.
    """
    decisions, cycles = _decisions(policy, kind)
    positions = to_sessions(decisions, market.legs.index, monthly=market.monthly)
    again = pd.Series(positions).duplicated().to_numpy() & (positions >= 0)
    events = Events(positions[~again], cycles[~again])
    if events.n_inside == 0:
        first, last = market.legs.index[[0, -1]].strftime("%Y-%m-%d")
        raise InsufficientDataError(
            f"{market.name}: 0 of {len(decisions)} {kind} fall inside its data ({first} to {last})"
        )
    return events


def _decisions(policy: Policy, kind: EventKind) -> tuple[pd.DatetimeIndex, Positions]:
    """Return decision dates of a kind, with their cycles; a last hike goes with the cycle that it precedes."""
    if kind is EventKind.LAST_HIKES:
        hikes = {cycle.last_hike: number for number, cycle in enumerate(policy.cycles) if cycle.last_hike is not None}
        return pd.DatetimeIndex(list(hikes)), np.array(list(hikes.values()), dtype=np.intp)
    if kind is EventKind.FIRST_CUTS:
        dates = policy.first_cuts
    elif kind is EventKind.ALL_CUTS:
        dates = pd.DatetimeIndex([cut for cycle in policy.cycles for cut in cycle.cuts])
    else:
        unscheduled = policy.changes["scheduled"].eq(False).fillna(False) & (policy.changes["change_bp"] < 0)
        dates = pd.DatetimeIndex(policy.changes.index[unscheduled.to_numpy(dtype=bool)])
    return dates, cycle_of(dates, list(policy.cycles))


@dataclass(frozen=True)
class Surroundings:
    """What surrounded decisions, decimals, each value dated by when it was known; None where a source has none.

    Attributes
    ----------
    curve : Series or None
        10-year less 2-year yield.
    credit_spread : Series or None
        Of low over high grade.
    """

    curve: "pd.Series[float] | None" = None
    credit_spread: "pd.Series[float] | None" = None


NOTHING_KNOWN = Surroundings()


def cycles_table(policy: Policy, market: Market, *, around: Surroundings = NOTHING_KNOWN) -> pd.DataFrame:
    """Describe every cycle.

    Returns
    -------
    DataFrame
        A row a cycle, by its first cut. `curve` and `credit_spread` are the last values before that day,
        `relative_before` the sum of small less large over the half year before it. `recession_announced` is what was
        known on the day; `recession_within_12_months_hindsight` was not. `proxy`: from the bill rate, not a decision.
    """
    dates = policy.first_cuts
    half_year = window_outcomes(market.legs, Window.before(HALF_YEAR[market.monthly]))
    at = to_sessions(dates, market.legs.index, monthly=market.monthly)
    recession = recession_within(dates, policy.recessions, known_to=policy.known_to)
    columns = {
        "last_cut": [cycle.last_cut for cycle in policy.cycles],
        "cuts": [len(cycle.cuts) for cycle in policy.cycles],
        "total_bp": [cycle.total_bp for cycle in policy.cycles],
        "length_days": [cycle.length_days for cycle in policy.cycles],
        "last_hike": pd.DatetimeIndex([cycle.last_hike for cycle in policy.cycles]),
        "months_on_hold": [cycle.months_on_hold for cycle in policy.cycles],
        "curve": last_before(around.curve, dates),
        "credit_spread": last_before(around.credit_spread, dates),
        "relative_before": np.where(at >= 0, half_year[at], np.nan),
        "recession_announced": recession_announced(dates, policy.recessions),
        "recession_within_12_months_hindsight": recession.to_numpy(),
        "proxy": dates < (policy.proxy_until or dates.min()),
    }
    return pd.DataFrame(columns, index=dates.rename("first_cut"))


def last_before(values: "pd.Series[float] | None", dates: pd.DatetimeIndex) -> Floats:
    """Return the last value dated before each date, NaN where there is none; shape (dates,)."""
    if values is None or values.empty:
        return np.full(len(dates), np.nan)
    at = values.index.searchsorted(dates, side="left") - 1
    return np.where(at >= 0, values.to_numpy(dtype=np.float64)[at], np.nan)


@dataclass(frozen=True)
class LegStudy:
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
        "small less large": _study_leg("small less large", legs, events, (measure, chosen, False, seed)),
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
class RegimeStudy:
    """Small less large by the state of policy, and by a Markov-switching model.

    Attributes
    ----------
    means : tuple of RegimeMean
        By state, per period of the market.
    differences : tuple of RegimeDifference
        Easing less tightening, easing less hold, tightening less hold.
    markov : MarkovFit
        Of the months of small less large.
    markov_agreement : Agreement
        Of "the regime of the higher mean is likelier than not" (filtered) with "policy is easing", by months.
    """

    means: tuple[RegimeMean, ...]
    differences: tuple[RegimeDifference, ...]
    markov: MarkovFit
    markov_agreement: Agreement


def study_regimes(
    policy: Policy, market: Market, *, hold_days: int = 180, blocks: Blocks = DEFAULT_BLOCKS
) -> RegimeStudy:
    """Compare the states of policy, each as known before the period."""
    states = known_before(policy.states(market.legs.index, hold_days=hold_days))
    pairs = [
        (PolicyState.EASING, PolicyState.TIGHTENING),
        (PolicyState.EASING, PolicyState.HOLD),
        (PolicyState.TIGHTENING, PolicyState.HOLD),
    ]
    months = to_months(market).relative
    markov = fit_markov(months)
    judged = known_before(policy.states(pd.DatetimeIndex(months.index), hold_days=hold_days)).dropna()
    likelier = markov.filtered.iloc[:, -1] > 0.5
    return RegimeStudy(
        means=tuple(regime_means(market.relative, states, blocks=blocks)),
        differences=tuple(regime_difference(market.relative, states, *pair, blocks=blocks) for pair in pairs),
        markov=markov,
        markov_agreement=agreement(likelier, judged == PolicyState.EASING),
    )


@dataclass(frozen=True)
class SensitivityStudy:
    """Small less large against the market, yields and credit spreads.

    Attributes
    ----------
    full, split, by_regime : Sensitivity
        Of the whole sample; with up and down moves of one driver apart; with coefficients by state of policy.
    rolling : DataFrame
        Coefficients over a moving window, dated by its end.
    responses : tuple of Response
        Local projections on 25 bp of cuts in a period, the market's and the relative return of that period held fixed.
    """

    full: Sensitivity
    split: Sensitivity
    by_regime: Sensitivity
    rolling: pd.DataFrame
    responses: tuple[Response, ...]


def rate_drivers(market: Market, levels: pd.DataFrame) -> pd.DataFrame:
    """Put the market's return beside the changes of yields and spreads over the same periods.

    Parameters
    ----------
    levels : DataFrame
        Yields and spreads, decimals, each on its own dates.

    Returns
    -------
    DataFrame of shape (periods, 1 + levels)
        `market`, and `d_` before each name in small letters. A level is carried over at most a week.
    """
    index = market.legs.index
    known = {f"d_{name.lower()}": _levels_at(levels[name].dropna(), index).diff() for name in levels.columns}
    return pd.DataFrame({"market": market.broad, **known})


def _levels_at(levels: "pd.Series[float]", index: pd.DatetimeIndex) -> "pd.Series[float]":
    at = levels.index.searchsorted(index, side="right") - 1
    age: Floats = np.asarray((index - levels.index[np.maximum(at, 0)]).days)
    fresh = (at >= 0) & (age <= STALE_DAYS)
    return pd.Series(np.where(fresh, levels.to_numpy(dtype=np.float64)[at], np.nan), index)


def study_sensitivity(
    policy: Policy, market: Market, drivers: pd.DataFrame, *, split: str, window: int
) -> SensitivityStudy:
    """Regress small less large on its drivers, in the four ways of `SensitivityStudy`.

    Parameters
    ----------
    drivers : DataFrame
        As `rate_drivers` gives it.
    split : str
        The driver whose up and down moves are told apart.
    window : int
        Periods of the rolling regression.
    """
    relative = market.relative
    states = known_before(policy.states(market.legs.index))
    return SensitivityStudy(
        full=rate_sensitivity(relative, drivers),
        split=rate_sensitivity(relative, drivers, split=split),
        by_regime=sensitivity_by_regime(relative, drivers, states),
        rolling=rolling_sensitivity(relative, drivers, window=window),
        responses=tuple(cut_responses(policy, market)),
    )


def cut_responses(policy: Policy, market: Market, *, horizons: Sequence[int] = ()) -> list[Response]:
    """Project small less large over the next periods on 25 bp of cuts, since the first decision that is known of."""
    cuts = policy.changes_bp[policy.changes_bp < 0]
    at = to_sessions(pd.DatetimeIndex(cuts.index), market.legs.index, monthly=market.monthly)
    sizes = np.zeros(len(market.legs.index))
    np.add.at(sizes, at[at >= 0], -cuts.to_numpy()[at >= 0] / 25)
    shock = pd.Series(sizes, market.legs.index)[policy.changes_bp.index[0] :]
    controls = pd.DataFrame({"market": market.broad, "relative": market.relative})
    return local_projections(market.relative, shock, tuple(horizons) or market.horizons, controls=controls)


@dataclass(frozen=True)
class SplitMean:
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
class Conditioning:
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


def study_robustness(policy: Policy, markets: Sequence[Market], axes: GridAxes) -> Grid:
    """Ask the headline's question under every definition, of the table's decisions; a proxy's cycles take no part."""
    for market, measure in product(markets, axes.measures):
        _stop_at_published(market, measure)
    if len({market.monthly for market in markets}) > 1:
        raise DataError("robustness grid: markets must be all daily or all monthly: a horizon counts their periods")
    legs = {market.name: market.legs for market in markets}
    return robustness_grid(policy.changes["change_bp"], legs, axes, monthly=markets[0].monthly)
