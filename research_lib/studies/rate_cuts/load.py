"""Markets, policy and what surrounded them: loaded, and put on one calendar."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property

import numpy as np
import pandas as pd

from research_lib.data import DataCard, Source, load_prices, load_series, load_series_if_any
from research_lib.data.catalog import describe_asset
from research_lib.data.policy import (
    ANNOUNCED_SINCE,
    EffectiveRateCheck,
    check_effective_rate,
    load_recessions,
    load_target_changes,
)
from research_lib.errors import DataError, InsufficientDataError
from research_lib.shown import Shown
from research_lib.stats.event_study import (
    Events,
    Legs,
    Positions,
    Window,
    window_outcomes,
)
from research_lib.stats.inference import (
    Floats,
)
from research_lib.stats.policy_cycles import (
    DEFAULT_RULE,
    Cycle,
    CycleRule,
    bill_rate_steps,
    cycle_of,
    easing_cycles,
    policy_states,
    recession_announced,
    recession_within,
    to_sessions,
)
from research_lib.studies.result import Unavailable

HORIZONS_SESSIONS = (1, 5, 21, 63, 126, 252)
HORIZONS_MONTHS = (1, 3, 6, 12)
HALF_YEAR = {False: 126, True: 6}  # periods: sessions, months

# A fifth of companies by size is made of its three book-to-market portfolios, in equal parts.
SIZE_FIFTHS = {"S1": ("S1V1", "S1V3", "S1V5"), "S5": ("S5V1", "S5V3", "S5V5")}
SMB = "SMB"
LEG_NAMES = {"S1": "the smallest fifth of companies", "S5": "the largest", SMB: "SMB, small less large,"}

# A bill rate wanders more than a target does: only a rise of a full point counts as a tightening.
PROXY_RULE = CycleRule(min_tightening_bp=100.0)
MONTHS_PER_YEAR = 12

DAILY_PAIRS = (("RUT", "GSPC"), ("IWM:adj_close", "SPY:adj_close"), ("IWC:adj_close", "SPY:adj_close"))
BROAD = "GSPC"
FUNDS_RATE = "DFF"
MONTHLY_PAIRS = (("S1", "S5"), (SMB, ""))
CREDIT_SPREADS = ("BAMLH0A0HYM2", "BAA10Y", "BAA_AAA")
DAILY_RATES = ("DGS2", "DGS10", "BAMLH0A0HYM2", "BAA10Y")
MONTHLY_RATES = ("RF", "AAA", "BAA")

LONGEST_STEP_DAYS = 20  # a daily series' median step is one day, a monthly one's thirty
STALE_DAYS = 7  # a yield is carried over holidays of the bond market, not over gaps
FAST_DAYS, FAST_BP = 91, 75.0
LARGE_FIRST_CUT_BP = 50.0


class EventKind(StrEnum):
    """Which decisions an event study is about."""

    FIRST_CUTS = "first cuts"
    ALL_CUTS = "all cuts"
    LAST_HIKES = "last hikes"  # hindsight: no hike is known to be the last
    UNSCHEDULED_CUTS = "unscheduled cuts"


@dataclass(frozen=True)
class Market(Shown):
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
    def label(self) -> str:
        """The legs as one would say them."""
        return " less ".join(LEG_NAMES.get(leg) or describe_asset(leg).name for leg in self.name.split(" less "))

    @property
    def relative(self) -> "pd.Series[float]":
        """Small less large, period by period."""
        return self.legs.difference()

    @property
    def horizons(self) -> tuple[int, ...]:
        """The usual horizons, in the market's periods."""
        return HORIZONS_MONTHS if self.monthly else HORIZONS_SESSIONS


@dataclass(frozen=True)
class Policy(Shown):
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
class Surroundings(Shown):
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
class Rates(Shown):
    """Yields and spreads, as far as a source has them.

    Attributes
    ----------
    levels : DataFrame
        A column each, decimals: what small less large is regressed on.
    around : Surroundings
        What surrounded decisions.
    split : str
        The driver whose up and down moves are told apart, as `rate_drivers` names it; empty without any level.
    cards : tuple of DataCard
        Of every series.
    """

    levels: pd.DataFrame
    around: Surroundings
    split: str
    cards: tuple[DataCard, ...]


def load_rates(source: Source, *, monthly: bool, as_of: date | None = None) -> Rates:
    """Load what the source has of yields and credit spreads.

    Daily: 2-year and 10-year yields, the high-yield spread, else Baa less 10-year. Monthly: the one-month bill rate,
    a year's, and Baa less Aaa.
    """
    wanted = MONTHLY_RATES if monthly else DAILY_RATES
    loaded = {name: load_series_if_any(source, [name], as_of=as_of) for name in wanted}
    known = {name: data[name] for name, data in loaded.items() if data}
    levels = _monthly_levels(known) if monthly else _daily_levels(known)
    curve = known["DGS10"] - known["DGS2"] if {"DGS10", "DGS2"} <= set(known) else None
    spread = next((levels[name].dropna() for name in CREDIT_SPREADS if name in levels), None)
    split = next((f"d_{name.lower()}" for name in ("DGS10", "BILL") if name in levels), "")
    cards = tuple(card for data in loaded.values() if data for card in data.cards)
    return Rates(levels, Surroundings(None if curve is None else curve.dropna(), spread), split, cards)


def _daily_levels(known: "dict[str, pd.Series[float]]") -> pd.DataFrame:
    spread = next((name for name in CREDIT_SPREADS if name in known), None)
    return pd.DataFrame({name: known[name] for name in ("DGS2", "DGS10", spread) if name in known})


def _monthly_levels(known: "dict[str, pd.Series[float]]") -> pd.DataFrame:
    levels = {}
    if "RF" in known:
        levels["BILL"] = known["RF"] * MONTHS_PER_YEAR
    if {"AAA", "BAA"} <= set(known):
        levels["BAA_AAA"] = known["BAA"] - known["AAA"]
    return pd.DataFrame(levels)


def load_alternatives(source: Source, market: Market, *, as_of: date | None = None) -> list[Market]:
    """Load the other pairs of small and large that the source has, for the robustness grid; the market itself first."""
    pairs = MONTHLY_PAIRS if market.monthly else DAILY_PAIRS
    found = [market]
    for small, large in pairs:
        if _name(small, large) == market.name:
            continue
        try:
            found.append(load_market(source, small, large, monthly=market.monthly, as_of=as_of))
        except (DataError, InsufficientDataError):  # this source has no such pair, or not yet
            continue
    return found


def load_broad(source: Source, *, as_of: date | None = None) -> Market | None:
    """Load the daily broad market, the S&P 500; None where the source has none."""
    if BROAD not in source.symbols():
        return None
    try:
        return load_market(source, BROAD, as_of=as_of)
    except InsufficientDataError:
        return None


def check_decisions(source: Source, policy: Policy) -> EffectiveRateCheck | Unavailable:
    """Check that the effective federal funds rate moves with the table of decisions, where the source has it."""
    loaded = load_series_if_any(source, [FUNDS_RATE], as_of=policy.known_to.date())
    if loaded is None:
        return Unavailable(f"this source has no effective federal funds rate ({FUNDS_RATE}).")
    return check_effective_rate(policy.changes, loaded[FUNDS_RATE])
