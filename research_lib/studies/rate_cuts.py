"""Study 01, rate cuts: what small caps do around them, and whether it is the cut, the regime, the recession or chance."""

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from research_lib.data import DataCard, DataSet, Source, load_prices, load_series, load_series_if_any, require_sessions
from research_lib.data.catalog import describe_asset
from research_lib.data.policy import ANNOUNCED_SINCE, load_recessions, load_target_changes
from research_lib.errors import DataError, InsufficientDataError
from research_lib.exhibits import charts
from research_lib.exhibits.exhibit import LARGE_CAPS, SMALL_CAPS, Column, Figure
from research_lib.exhibits.findings import Summary
from research_lib.exhibits.format import NONE, interval, plural, show
from research_lib.stats import policy
from research_lib.stats.estimate import LEVEL, Estimate, holm
from research_lib.stats.event_study import Legs, Test, event_paths, event_study, window_outcomes
from research_lib.stats.randomization import LEAST_GROUPS, sign_flip, sign_flip_difference, smallest_detectable
from research_lib.stats.regression import cosine_mean, ols
from research_lib.stats.specification import SpecificationCurve, specification_curve
from research_lib.studies import parameters
from research_lib.studies.study import MISSING, Find, Study, figure, result, table

# By months: a name, and the series that a leg is the mean of; a fifth by size has three book-to-market portfolios.
MONTHLY = {"S1": ("the smallest fifth", ["S1V1", "S1V3", "S1V5"]), "S5": ("the largest fifth", ["S5V1", "S5V3", "S5V5"]),
           "SMB": ("SMB, the small minus big factor", ["SMB"])}  # fmt: skip
PAIRS = {"daily": (("RUT", "GSPC"), ("IWM:total", "SPY:total"), ("IWC:total", "SPY:total")),
         "monthly": parameters.MONTHLY_LEGS}  # fmt: skip
SPREADS = ("BAMLH0A0HYM2", "BAA10Y")
RATES = {"daily": ("DGS2", "DGS10", *SPREADS), "monthly": ("RF", "AAA", "BAA")}
YIELDS = {"2-year yield": ("DGS2", 1), "10-year yield": ("DGS10", 1), "bill rate": ("RF", 12)}  # 12: of a month, a year
STALE = pd.Timedelta(days=7)  # a yield is carried over holidays of the bond market, not over gaps
LEAST_SPREAD_DAYS = 504  # a credit spread that has just begun gives way to the next one
WINDOWS = {
    "daily": {-126: "6 months before", -63: "3 months before", -21: "1 month before", 0: "the day of the cut", 1: "1 day after",
              5: "1 week after", 21: "1 month after", 63: "3 months after", 126: "6 months after", 252: "12 months after"},
    "monthly": {-6: "6 months before", -3: "3 months before", -1: "1 month before", 0: "the month of the cut",
                1: "1 month after", 3: "3 months after", 6: "6 months after", 12: "12 months after"},
}  # fmt: skip
OTHER_MEASURES = {"beta_adjusted": "{s.span} after, less beta times the market's return",
                  "with_dividends": "{s.span} after, with dividends, {s.total_returns.name}"}  # fmt: skip
REGIMES = (policy.EASING, policy.TIGHTENING, policy.ON_HOLD)
MOST_PATHS = 15

FLIPS = "p compares the mean with all combinations of plus and minus of the cycles; an interval needs six cycles."
AROUND = ("window", "n", "n_apart", ("value", Column("mean")), "interval", "p", "p_holm", "share_positive", "jackknife")
EXCESS = ("mean", "base", ("value", Column("excess", "points")), ("interval", Column("95% interval", "points")), "p",
          "p_holm")  # fmt: skip
SLOPE = (("value", Column("pp for each point", "ratio")), ("interval", Column("95% interval", "ratio")))
DAILY_MEAN = (("value", Column("mean", "small points")), ("interval", Column("95% interval", "small points")))


@dataclass(frozen=True)
class ReturnPair:
    """Simple returns a period of small and large caps, decimals, without gaps, on one calendar."""

    name: str  # as a sentence says it: "Russell 2000 minus S&P 500"
    small: "pd.Series[float]"
    large: "pd.Series[float] | None"  # None: `small` is a difference published as one series (SMB), or a market alone
    market: "pd.Series[float]"  # what betas are fitted on: of months the whole market, of sessions the large leg
    monthly: bool  # months, dated by their last day; otherwise sessions
    dividends: bool
    cards: tuple[DataCard, ...]

    @property
    def index(self) -> pd.DatetimeIndex:
        """The periods."""
        return pd.DatetimeIndex(self.small.index)

    @property
    def difference(self) -> "pd.Series[float]":
        """Small minus large, period by period."""
        return self.small if self.large is None else self.small - self.large

    @property
    def legs(self) -> Legs:
        """The pair as `event_study` takes it: compounded where there are two legs."""
        return Legs(self.small, self.large, self.large is not None)


def pair_name(small: str, large: str = "") -> str:
    """Return how a sentence says it."""
    names = [MONTHLY[leg][0] if leg in MONTHLY else describe_asset(leg).name for leg in (small, large) if leg]
    return " minus ".join(names)


def load_pair(source: Source, small: str, large: str = "", *, as_of: date | None = None) -> ReturnPair:
    """Load small and large caps, or one market alone: `S1`, `S5` and `SMB` by months, prices such as RUT by sessions."""
    name, legs, monthly = pair_name(small, large), [leg for leg in (small, large) if leg], small in MONTHLY
    if monthly:
        parts = [MONTHLY[leg][1] for leg in legs]
        data = load_series(source, [*(one for part in parts for one in part), "MKT_RF", "RF"], as_of=as_of)
        returns = data.values.dropna()
        made, market = [returns[part].mean(axis=1) for part in parts], returns["MKT_RF"] + returns["RF"]
    else:
        data = load_prices(source, legs, as_of=as_of)
        prices = data.values.dropna()
        require_sessions(prices[small])
        returns = prices.pct_change().iloc[1:]
        made, market = [returns[leg] for leg in legs], returns[legs[-1]]
    if len(returns) < 2:
        raise InsufficientDataError(f"{name}: {len(returns)} periods have a value; two are needed")
    dividends = monthly or small.endswith((":total", ":adj_close"))
    return ReturnPair(name, made[0], made[1] if large else None, market, monthly, dividends, data.cards)


def load_rates(source: Source, frequency: str, *, as_of: date | None) -> DataSet:
    """Load the yields and one credit spread that the source has, decimals: a column each.

    Daily: 2-year and 10-year yields, the high-yield spread, else Baa less 10-year. Monthly: the bill rate, Baa less Aaa.
    """
    loaded = {name: load_series_if_any(source, [name], as_of=as_of) for name in RATES[frequency]}
    known = {name: data[name] for name, data in loaded.items() if data}
    levels = {words: a_year * known[name] for words, (name, a_year) in YIELDS.items() if name in known}
    spreads = [known[name] for name in SPREADS if name in known]
    if {"AAA", "BAA"} <= set(known):
        spreads.append((known["BAA"] - known["AAA"]).dropna())
    if spreads:
        levels["credit spread"] = next((one for one in spreads if len(one) >= LEAST_SPREAD_DAYS), spreads[-1])
    return DataSet(pd.DataFrame(levels), tuple(card for data in loaded.values() if data for card in data.cards))


def first_from(days: pd.DatetimeIndex, dates: pd.DatetimeIndex) -> "pd.Series[bool]":
    """Mark the first of some days from each date on; shape (days,)."""
    return pd.Series(np.isin(np.arange(len(days)), days.searchsorted(dates[dates >= days[0]])), days)


def policy_days(days: pd.DatetimeIndex, what: Any, months: int = 12) -> "pd.Series[bool]":  # noqa: ANN401  # a word
    """Mark days in a state of policy, the first from each decision of a kind, or (by hindsight) near a recession or far from one."""
    end = days[-1]  # nothing later is known
    if "recession" in what:
        known = policy.recession_within(days, load_recessions(as_of=end), known_to=end, months=months)
        return (known == (what == "recession within")).fillna(False)
    changes = load_target_changes(as_of=end)
    if what in REGIMES:
        return policy.policy_states(changes["change_bp"], days) == what
    return first_from(days, pd.DatetimeIndex(policy.policy_events(changes, what).index))


def carried(levels: pd.DataFrame, days: pd.DatetimeIndex, *, longest: pd.Timedelta = STALE) -> pd.DataFrame:
    """Return the levels that were known on some days, each carried over so long at most."""
    return levels.apply(lambda level: level.dropna().reindex(days, method="ffill", tolerance=longest))


class RateCuts(Study):
    """Small caps around rate cuts, against large caps and alone."""

    Parameters = parameters.RateCuts
    FINDINGS = (
        Find("headline", "headline", "value", "points", "{s.pair.name} over {s.span} after first cuts, {s.kind}"),
        Find("first_cuts", "sums", "n", "count", "first cuts inside the data", rows="horizon == 0"),
        Find("spec_share_{share}", "ways", "value", "share", "of the variants", rows=True),
        Find("spec_null_{share}", "ways", "null_mean", "share", "of the same variants with random signs; 90% range", rows=True,
             interval=("null_low", "null_high")),
        Find("smallest_effect", "detectable", "value", "points", "over {s.span}, found at 5% in four samples of five"),
        Find("rel_mean_{key}", "sums", "value", "points", "{s.pair.name}, {window}, mean sum of differences", rows=True),
        Find("pre_cut_126", "sums", "value", "points", "{window}, mean sum of differences", rows="horizon in (-126, -6)"),
        Find("rel_p_signflip_{key}", "sums", "p", "p", "exact sign flip, by cycle", rows=True),
        Find("rel_positive_{key}", "sums", "share_positive", "share", "share of cycles above zero", rows=True),
        Find("rel_compounded_{key}", "compounded", "value", "points", "{s.pair.name}, {window}, compounded", rows=True),
        Find("rel_compounded_p_{key}", "compounded", "p", "p", "exact sign flip, by cycle", rows=True),
        Find("rel_compounded_p_holm_{key}", "compounded", "p_holm", "p", "adjusted for the number of windows", rows=True),
        Find("rel_beta_adjusted_{key}", "beta_adjusted", "value", "points", "{window}, less beta times the market's return", rows=True),
        Find("rel_dividends_{key}", "with_dividends", "value", "points", "{s.total_returns.name}, {window}", rows=True),
        Find("market_mean_1", "market", "mean", "change", "{s.broad.name} over the session after first cuts", rows="horizon == 1"),
        Find("beta_dgs10_up", "sensitivity", "value", "ratio", "pp for each point up, in rises", rows="driver == '10-year yield, rises'"),
        Find("beta_dgs10_down", "sensitivity", "value", "ratio", "pp for each point up, in falls", rows="driver == '10-year yield, falls'"),
        Find("regime_easing_mean", "regimes", "value", "small points", "{s.pair.name} a {s.unit} of easing"),
        Find("regime_difference", "regimes", "value", "small points", "a {s.unit}, {regime}", rows="regime == 'easing less tightening'"),
    )  # fmt: skip
    QUESTION: ClassVar[str] = (
        "What do small caps do, against large caps and alone, before, on and after rate cuts? "
        "Is it the cut, the regime, the recession, or chance?"
    )
    CONTROLS = ("horizon", "min_cut_bp", "min_tightening_bp", "pause_days", "announced_only")
    VIEWS: ClassVar[dict[str, tuple[str, ...]]] = {
        "Cycle by cycle": ("hero", "followed"), "Paths": ("paths",), "Recessions": ("growth", "cycles")}  # fmt: skip
    p: parameters.RateCuts
    DATA = ("pair", "others", "broad", "rates")

    def __init__(self, params: parameters.RateCuts, *, loaded: dict[Any, Any] | None = None) -> None:
        super().__init__(params, loaded=loaded)
        self.rule = policy.CycleRule(params.min_cut_bp, params.min_tightening_bp, params.pause_days)
        self.horizons = WINDOWS[params.frequency]
        self.span = self.horizons[params.horizon].removesuffix(" after")
        daily = params.frequency == "daily"
        self.unit, self.a_year, self.beta_periods = ("session", 252, 252) if daily else ("month", 12, 36)

    @result
    def pair(self) -> ReturnPair:
        """Small and large caps."""
        return self.load(load_pair, self.p.small, self.p.large)

    @result
    def others(self) -> dict[str, ReturnPair | None]:
        """Other pairs of small and large by name; None for one that the source lacks."""
        found: dict[str, ReturnPair | None] = {}
        for legs in PAIRS[self.p.frequency]:
            if legs != (self.p.small, self.p.large):
                found[pair_name(*legs)] = None
                with suppress(DataError, InsufficientDataError):
                    found[pair_name(*legs)] = self.load(load_pair, *legs)
        return found

    @result
    def total_returns(self) -> ReturnPair:
        """Small and large caps with dividends."""
        if self.pair.dividends:
            raise InsufficientDataError(f"the returns of {self.pair.name} include dividends already")
        found = next((pair for pair in self.others.values() if pair and pair.dividends), None)
        if found is None:
            raise InsufficientDataError("this source has no IWM and SPY with dividends")
        return found

    @result
    def broad(self) -> ReturnPair:
        """Broad market by sessions."""
        return self.load(load_pair, "GSPC")

    @result
    def rates(self) -> DataSet:
        """Levels of yields and of a credit spread."""
        return self.load(load_rates, self.p.frequency)

    @result
    def changes(self) -> pd.DataFrame:
        """Changes of the federal funds target."""
        changes = load_target_changes(as_of=self.known_to)
        found = changes[changes.index >= ANNOUNCED_SINCE] if self.p.announced_only else changes
        if found.empty:
            raise InsufficientDataError(f"no announced decision is known up to {self.known_to:%Y-%m-%d}")
        return found

    @property
    def facts_read(self) -> str:
        """Say what was known of decisions and of recessions."""
        with suppress(*MISSING):  # before the first change nothing is known
            days, peaks = self.changes.index, load_recessions(as_of=self.known_to)["peak"]
            changes = f"{len(days)} changes of the target, {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d} (Federal Reserve)"
            return f"Also read: {changes}; {len(peaks)} recessions, {peaks.iloc[0]:%Y-%m} to {peaks.iloc[-1]:%Y-%m} (NBER)."
        return ""

    @property
    def known_to(self) -> pd.Timestamp:
        """Nothing later is known: `as_of`, or the last day of the data."""
        return pd.Timestamp(self.p.as_of or self.pair.index[-1])

    @property
    def kind(self) -> str:
        """What the headline's returns are."""
        made = "sums" if self.pair.large is None else "compounded"
        return f"{made}, {'with dividends' if self.pair.dividends else 'price indices without dividends'}"

    def events(self, pair: ReturnPair, kind: policy.EventKind = "first cut") -> pd.DataFrame:
        """Return decisions inside a pair's data: position and cycle by decision date; those of one period are one."""
        found = policy.policy_events(self.changes, kind, self.rule)
        at = policy.to_positions(pd.DatetimeIndex(found.index), pair.index, monthly=pair.monthly)
        frame = pd.DataFrame({"position": at, "cycle": found.to_numpy()}, index=found.index)
        inside = frame[frame["position"] >= 0].drop_duplicates("position")
        if inside.empty:
            span = " to ".join(f"{day:%Y-%m-%d}" for day in pair.index[[0, -1]])
            known = plural(len(found), "decision")
            raise InsufficientDataError(f"{kind}: {known} known, none inside the data of {pair.name} ({span})")
        return inside

    def windows(self, pair: ReturnPair, kind: policy.EventKind = "first cut", **made: Any) -> pd.DataFrame:  # noqa: ANN401
        """Study all windows around decisions; `made` says what of the pair's `Legs` is other than usual."""
        events, legs = self.events(pair, kind), replace(pair.legs, **made)
        test: Test = "dummy" if kind == "unscheduled cut" else "sign flip"
        frame = event_study(legs, events["position"], list(self.horizons), groups=events["cycle"], test=test)
        keys = [f"before_{-h}" if h < 0 else str(h) for h in frame["horizon"]]
        return frame.assign(window=frame["horizon"].map(self.horizons), key=keys)

    @result
    def after(self) -> pd.DataFrame:
        """Windows of the headline: compounded, or sums of a published difference."""
        return self.sums if self.pair.large is None else self.compounded

    def over_horizon(self, measure: str) -> Estimate:
        """Return what a table of windows says of the headline's horizon."""
        row = getattr(self, measure).set_index("horizon").loc[self.p.horizon]
        if not row["n"]:
            cuts = f"{plural(len(self.events(self.pair)), 'first cut')} inside the data"
            raise InsufficientDataError(f"{self.pair.name}: {cuts}, none with {self.span} of data after it")
        return Estimate(**row[[field.name for field in fields(Estimate)]])

    @result
    def headline(self) -> Estimate:
        """Small minus large over the headline's horizon after first cuts."""
        return self.over_horizon("after")

    @property
    def apart(self) -> int:
        """The number of cycles whose windows of the headline's horizon share no period."""
        return int(self.after.set_index("horizon").loc[self.p.horizon, "n_apart"]) if self.headline.n else 0

    @result
    def outcomes(self) -> pd.DataFrame:
        """Each cycle's outcome in each window: a row a first cut, a column a horizon."""
        events = self.events(self.pair)
        found = {h: window_outcomes(self.pair.legs, h)[events["position"]] for h in self.horizons}
        return pd.DataFrame(found, index=events.index.rename("first_cut"))

    @result
    def detectable(self) -> Estimate:
        """Smallest mean effect that so many cycles would show four times in five."""
        outcomes = window_outcomes(self.pair.legs, self.p.horizon)
        least = smallest_detectable(outcomes[np.isfinite(outcomes)], self.apart, seed=self.p.seed)
        return Estimate(least, self.headline.n)

    @result
    def states(self) -> "pd.Series[str]":
        """State of policy that was known when each period began."""
        return policy.policy_states(self.changes["change_bp"], self.pair.index, self.rule).shift(1)

    @result
    def specifications(self) -> SpecificationCurve:
        """Every variant of the question, with the actual signs and with random ones."""
        pairs = [pair for pair in (self.pair, *self.others.values()) if pair]
        legs = {pair.name: (pair.small, pair.large, pair.market) for pair in pairs}
        return specification_curve(legs, self.changes, [h for h in self.horizons if h > 0], rule=self.rule,
                                   monthly=self.pair.monthly, beta_periods=self.beta_periods, seed=self.p.seed)  # fmt: skip

    @result
    def ways(self) -> pd.DataFrame:
        """Share of variants that are positive, and that differ, and what random signs give."""
        return self.specifications.shares()

    @table("{s.pair.name} around first cuts, compounded", AROUND, unit="points", deck="{s.kind}", note=FLIPS)
    def compounded(self) -> pd.DataFrame:
        """Difference of compounded returns around first cuts."""
        if self.pair.large is None:
            raise InsufficientDataError(f"{self.pair.name} is published as a difference: it has no legs to compound")
        return self.windows(self.pair)

    @table("{s.pair.name} around first cuts, sums of differences", AROUND, unit="points", note=FLIPS)
    def sums(self) -> pd.DataFrame:
        """Sum of differences around first cuts."""
        return self.windows(self.pair, compounded=False)

    @table("{s.pair.name} around first cuts, less beta times the market's return", AROUND, unit="points",
           note="The beta is fitted before each window, over 252 sessions or 36 months. " + FLIPS)  # fmt: skip
    def beta_adjusted(self) -> pd.DataFrame:
        """Beta-adjusted difference around first cuts."""
        return self.windows(self.pair, market=self.pair.market, beta_periods=self.beta_periods)

    @table("{s.total_returns.name} around first cuts, with dividends", AROUND, unit="points", note=FLIPS,
           on=("total_returns",))  # fmt: skip
    def with_dividends(self) -> pd.DataFrame:
        """Difference of total returns around first cuts."""
        return self.windows(self.total_returns)

    @table("{s.broad.name} around first cuts", (*AROUND[:3], *EXCESS), unit="change", on=("broad",), note=FLIPS)
    def market(self) -> pd.DataFrame:
        """Broad market around first cuts, by sessions."""
        at, legs = self.events(self.broad), Legs(self.broad.small)
        days = {0: "the session of the cut", 1: "the session after", 5: "5 sessions after"}
        found = event_study(legs, at["position"], [*days], groups=at["cycle"], test="sign flip from base")
        return found.assign(window=found["horizon"].map(days))

    @table("{s.pair.name} around all cuts of the cycles", AROUND, unit="points", note=FLIPS)
    def all_cuts(self) -> pd.DataFrame:
        """Difference around all cuts."""
        return self.windows(self.pair, "all cuts")

    @table("{s.pair.name} around unscheduled cuts", (*AROUND[:2], *EXCESS), unit="points",
           note="Held against all other periods by a regression on an event dummy with Hodrick's (1992) error.")  # fmt: skip
    def unscheduled(self) -> pd.DataFrame:
        """Difference around unscheduled cuts."""
        return self.windows(self.pair, "unscheduled cut")

    @table("{s.pair.name} by the state of policy", ("regime", "n", "spells", *DAILY_MEAN, "p", "p_holm", "a_year"), unit="points",
           note="A period's mean in the state known when it began; p and interval by flipping the signs of whole spells, of all "
           "periods by the equal-weighted cosine error.")  # fmt: skip
    def regimes(self) -> pd.DataFrame:
        """Small minus large by the state of policy."""
        states = self.states.dropna()
        values, spells = self.pair.difference[states.index], states.ne(states.shift()).cumsum()
        at = {state: states.eq(state).to_numpy() for state in REGIMES}
        found = {}
        for state, inside in at.items():
            one = sign_flip(values[inside], groups=spells[inside]) if inside.any() else Estimate(np.nan, 0)
            found[state] = vars(one) | {"n": inside.sum(), "spells": one.n}
        if at[policy.EASING].any() and at[policy.TIGHTENING].any():
            one = sign_flip_difference(values, at[policy.EASING], at[policy.TIGHTENING])
            found["easing less tightening"] = vars(one) | {"n": (~at[policy.ON_HOLD]).sum(), "spells": one.n}
        found["all periods"] = vars(cosine_mean(values)) | {"spells": np.nan}
        frame = pd.DataFrame(found).T.astype(float).rename_axis("regime").reset_index()
        return frame.assign(p_holm=holm(frame["p"]), a_year=frame["value"] * self.a_year)

    @table("What {s.pair.name} moves with", ("over", "driver", "n", *SLOPE, "p", "p_holm"),
           note="Small minus large on the market and the changes of yields and a spread, the others held fixed. All are per point "
           "up: positive in falls, small caps lag in them. p and interval: restricted wild bootstrap.", on=("pair", "rates"))  # fmt: skip
    def sensitivity(self) -> pd.DataFrame:
        """Small minus large on the market, yields and a credit spread."""
        drivers = carried(self.rates.values, self.pair.index).diff().assign(market=self.pair.market)
        parts = {state: drivers[self.states == state] for state in REGIMES}
        for split in {"10-year yield", "bill rate"} & {*drivers}:
            sides = {f"{split}, rises": drivers[split].clip(lower=0), f"{split}, falls": drivers[split].clip(upper=0)}
            parts = {"all, rises and falls apart": drivers.drop(columns=split).assign(**sides), **parts}
        found = {"all periods": ols(self.pair.difference, drivers, "wild", seed=self.p.seed)}
        for over, part in parts.items():
            with suppress(InsufficientDataError):  # a state of few periods is left out
                found[over] = ols(self.pair.difference, part, "wild", seed=self.p.seed)
        frame = pd.concat(found, names=["over"]).drop("constant", level="driver").reset_index()
        return frame.assign(p_holm=holm(frame["p"]))

    @table("Easing cycles", ("first_cut", "last_cut", "cuts", "total_bp", "on_hold", "curve", "spread", "recession", "outcome"),
           on=("pair", "rates"), note="Outcome: {s.pair.name} over {s.span} after the first cut.")  # fmt: skip
    def cycles(self) -> pd.DataFrame:
        """Easing cycles, with what surrounded each first cut."""
        found = policy.easing_cycles(self.changes["change_bp"], self.rule)
        found = found[~found["cut_off"].astype(bool)]
        if found.empty:
            raise InsufficientDataError("no decision that is known was a first cut")
        dates, day_before = pd.DatetimeIndex(found.index), pd.DatetimeIndex(found.index) - pd.Timedelta(days=1)
        names = ["2-year yield", "10-year yield", "credit spread"]
        levels = carried(self.rates.values.reindex(columns=names), day_before, longest=pd.Timedelta(days=31))
        recession = policy.recession_within(dates, load_recessions(as_of=self.known_to), known_to=self.known_to)
        return found.assign(
            on_hold=(dates - pd.DatetimeIndex(found["last_hike"])).days,
            curve=(levels["10-year yield"] - levels["2-year yield"]).to_numpy(),
            spread=levels["credit spread"].to_numpy(),
            recession=["not known yet" if pd.isna(one) else "yes" if one else "no" for one in recession],
            outcome=self.outcomes[self.p.horizon].reindex(dates).to_numpy(),
        ).reset_index()

    @figure
    def hero(self) -> Figure:
        """Small minus large around each first cut."""
        shown = self.outcomes.set_axis([f"{day:%b %Y}" for day in self.outcomes.index], axis=0)
        shown.loc["Mean"] = shown.mean()
        shown.columns = names = [_short(words) for words in self.horizons.values()]
        deck = f"{self.pair.name} around the first cut of each easing cycle, percentage points"
        title, apart = f"{self.beat} over {self.span}", (names[0], _short(self.horizons[1]), "Mean")
        alt = f"{title}; the mean is {show(self.headline.value, 'points')}."
        return charts.heat_map(shown, apart=apart, title=title, deck=deck, alt=alt, data=self.outcomes)

    @figure
    def followed(self) -> Figure:
        """Mean of all cycles in each window, with its interval."""
        frame = self.after[self.after["n"] > 0].set_index("window")[["value", "low", "high", "n", "p", "p_holm"]]
        apart = frame.index[frame["p_holm"] <= LEVEL]
        few, most = frame["low"].isna().all(), plural(int(frame["n"].max()), "first cut")
        title = f"Of {len(frame)} windows around first cuts {', '.join(apart) or 'none'} show{'' if len(apart) > 1 else 's'} an effect"
        title = f"With {most} no window can show an effect, nor that there is none" if few else title
        frame["text"] = [f"{show(value, 'points')} (n {n:.0f})" for value, n in frame[["value", "n"]].to_numpy()]
        deck = f"Mean of the cycles{', too few for an interval' if few else ' and its exact 95% interval'}"
        alt = f"Over {self.span} the mean is {show(self.headline.value, 'points')} (n {self.headline.n})."
        off = ((frame["low"] > 0) | (frame["high"] < 0)).sum() > len(apart)
        note = "A bar off zero may still be chance: Holm's adjustment allows for the number of windows." if off else ""
        return charts.intervals(frame[["value", "low", "high", "text"]], name=f"{self.pair.name}, percentage points",
                                title=title, deck=deck, alt=alt, note=note, data=frame)  # fmt: skip

    @figure
    def paths(self) -> Figure:
        """Path of each cycle."""
        events, before, after = self.events(self.pair), -min(self.horizons), max(self.horizons)
        if len(events) > MOST_PATHS:
            raise InsufficientDataError(f"{len(events)} paths are too many to tell apart in a picture")
        found = event_paths(self.pair.legs, events["position"], before=before, after=after)
        days = pd.DatetimeIndex(events.index)
        found.columns = days.strftime("%Y" if days.year.is_unique else "%Y-%m")
        last, whole = found.iloc[-1].dropna(), found.dropna(axis=1)  # a mean of now these, now those cycles would jump
        ends, cycles = interval(last.min(), last.max(), "points", digits=0), plural(len(last), "cycle")
        title = f"{self.horizons[after]} the first cut, small minus large ranged from {ends} over {cycles}"
        title = f"No cycle is known {self.horizons[after]} its first cut" if last.empty else title
        without = ", ".join(found.columns.difference(whole.columns))
        mean = f"; mean of the {whole.shape[1]} known from {self.horizons[-before]} to {self.horizons[after]}"
        mean = f"{mean}{f' (without {without})' if without else ''}" if whole.shape[1] > 1 else ""
        return charts.paths(
            found, mean=whole.mean(axis=1) if mean else None, title=title, data=found,
            name=f"{self.pair.name} since the cut, percentage points", x_name=f"{self.unit}s from the first cut",
            deck=f"Each easing cycle, by its first cut{mean}", alt=f"{title}. Above zero: {(last > 0).sum()} of {len(last)}.",
        )  # fmt: skip

    @figure
    def growth(self) -> Figure:
        """Growth of small and large caps after the cut, with and without a recession."""
        if self.pair.large is None:
            raise InsufficientDataError(f"{self.pair.name} is published as a difference: it has no legs")
        events, after = self.events(self.pair), max(self.horizons)
        told = self.cycles.set_index("first_cut")["recession"].reindex(events.index)
        means, said, legs = pd.DataFrame(), [], (self.pair.small, self.pair.large)
        told = told.where(events["position"] < len(self.pair.index) - after, "not known yet")
        for answer, name in (("yes", "with a recession"), ("no", "without a recession")):
            if len(at := events.loc[told.eq(answer), "position"]):
                small, large = (event_paths(Legs(leg), at, before=0, after=after).mean(axis=1) for leg in legs)
                n = f"{name} (n\u00a0{len(at)})"
                means = means.assign(**{f"small {n}": small, f"large {n}": large})
                made = (show(leg.iloc[-1], "change", digits=0) for leg in (small, large))
                said.append(f"{name} ({plural(len(at), 'cycle')}) small caps made {', large '.join(made)}")
        if not said:
            raise InsufficientDataError("of no first cut are 12 months known, and whether a recession followed")
        title = f"After cuts {'; '.join(said)}"
        colours = {name: SMALL_CAPS if str(name).startswith("small") else LARGE_CAPS for name in means}
        deck = f"Mean growth from the close of the cut, {self.kind}; recession: begun within 12 months, by hindsight (NBER)"
        open_cycles = ", ".join(f"{day:%b %Y}" for day in told.index[told.eq("not known yet")])
        deck += f"; not known yet: {open_cycles}" if open_cycles else ""
        return charts.paths(means, colours=colours, unit="change", name="growth", x_name=f"{self.unit}s from the cut",
                            title=title, deck=deck, alt=f"{title}.", data=means)  # fmt: skip

    @partial(figure, on=("pair", "others"))
    def curve(self) -> Figure:
        """Every variant of the question, beside random signs."""
        drawn = self.specifications.quantiles(np.linspace(0, 1, 200))
        drawn.index *= 100
        missing = "; ".join(name for name, pair in self.others.items() if pair is None)
        positive, differs = self.ways.to_dict("records")
        null, least, most = (show(differs[one], "share") for one in ("null_mean", "null_low", "null_high"))
        found = show(differs["value"], "share", digits=1 if differs["value"] < 0.01 else 0)
        title = f"{found} of {differs['n']:,} variants find an effect; by chance {least} to {most} would"
        if not differs["n"]:
            title = f"Of {positive['n']:,} variants none has enough first cuts for a test"
        deck = f"By pair, measure, horizon, start and what makes a first cut. Of {positive['n']:,} variants "
        deck += f"{show(positive['value'], 'share')} are positive, and {differs['n']:,} have the {LEAST_GROUPS} cycles of a test."
        deck += f" By chance {null} on average, {least} to {most} in nine of ten histories." if differs["n"] else ""
        deck += f" Not in this source: {missing}." if missing else ""
        return charts.curve(
            [charts.Line(drawn["actual"], "actual", SMALL_CAPS, width=2.2)], zero=True, unit="points", data=drawn,
            bands=[charts.Band(drawn["low"], drawn["high"], "90% of random histories")], name="mean after first cuts, percentage points",
            x_name="variants, in order of their mean (%)", title=title, deck=deck, alt=f"{title}.",
        )  # fmt: skip

    @property
    def beat(self) -> str:
        """Count the cycles in which small caps did better."""
        values = self.outcomes[self.p.horizon].dropna()
        return f"Small caps beat large caps after {(values > 0).sum()} of {plural(len(values), 'first cut')}"

    def summary(self) -> Summary:
        """Answer the question for the headline's horizon."""
        _ = self.pair  # without it there is no report
        try:
            row = self.headline
        except InsufficientDataError as reason:
            return Summary("no data", "These data hold no first cut to judge by", str(reason))
        cycles = plural(row.n, "overlapping cycle" if self.apart < row.n else "cycle")
        verdict = "open" if row.p > LEVEL else "holds" if row.value > 0 else "fails"
        numbers = [_labelled(row, f"mean over {self.span}, {self.kind}"), _labelled(self.after.iloc[0])]
        for measure, words in OTHER_MEASURES.items():
            with suppress(InsufficientDataError):
                numbers.append(_labelled(self.over_horizon(measure), words.format(s=self)))
        shown, sure = "", f"{cycles} {'is' if row.n == 1 else 'are'} too few to tell an effect from chance."
        change = "More cycles are needed before any mean means much."
        if self.apart >= LEAST_GROUPS:
            least, ends = show(self.detectable.value, "points").lstrip("+"), interval(row.low, row.high, "points")
            shown, says = ("", "An effect is shown") if row.p <= LEVEL else (": no effect shown", "No effect is shown")
            found = f"With {cycles} the test finds {least} in four samples of five; it often misses smaller effects."
            sure = f"{says}: the 95% interval is {ends}. {found}"
            change = f"More cycles, so that effects below {least} become visible; or variants whose orange line leaves the blue band."
            numbers.append((least, f"the smallest effect that {cycles} show in four samples of five"))
        changes = self.changes if self.p.as_of else load_target_changes().loc[self.changes.index[0] :]
        days = pd.DatetimeIndex(policy.policy_events(changes, "first cut", self.rule).index)
        form = "%Y" if days.year.is_unique or len(days) > MOST_PATHS else "%Y-%m"
        judged = days.isin(self.outcomes[self.p.horizon].dropna().index)
        cuts, others = (", ".join(dict.fromkeys(days[at].strftime(form))) for at in (judged, ~judged))
        first, last = self.pair.index[[0, -1]].strftime("%Y-%m")
        left = f" Left out: {others}; the data run from {first} to {last}; {self.span} are needed." if others else ""
        limits = (
            f"{plural(row.n, 'first cut')} ({cuts}), each with a cause of its own. A single one moves the mean.{left}",
            "Returns include dividends, which published figures often leave out." if self.pair.dividends
            else "Price indices leave out dividends, of which the S&P 500 pays about half a point a year more.",
            "A decision is dated by the day it was made; none was announced before 1994, and many were expected for months.",
        )  # fmt: skip
        after = f"Over {self.span} after the first cut of an easing cycle"
        made = f"{after}, {self.pair.name} made {show(row.value, 'points')} on average ({self.kind}). {sure}"
        claim = f"small caps beat large caps over {self.span} after first cuts"
        return Summary(verdict, f"{self.beat}{shown}", made, tuple(numbers[:4]), "hero", limits, change, claim=claim)


def _labelled(one: Any, words: str = "") -> tuple[str, str]:  # noqa: ANN401  # an estimate, or a row of windows
    """Return a number, and its label: what it is, its interval where it has one, and n."""
    sure = interval(one.low, one.high, "points")
    words = words or f"{one.window} the cut"
    return show(one.value, "points"), f"{words}{'' if sure == NONE else f' ({sure})'}; n {one.n}"


def _short(words: str) -> str:
    """Write a window as a column's heading: +6m."""
    number, unit, *side = words.split()
    return unit if len(side) > 1 else f"{'+' if side == ['after'] else '−'}{number}{unit[0]}"
