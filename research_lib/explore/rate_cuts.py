"""The explorer of `01_rate_cut_regimes`."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import ipywidgets as widgets

from research_lib.data import DataCard
from research_lib.data.catalog import Asset
from research_lib.exhibits.rate_cuts import figures, tables
from research_lib.explore.explorer import Exhibit, Explorer, Study, Values, begin, decimal, whole
from research_lib.params import HORIZONS, MONTHLY_LEGS, RateCuts
from research_lib.stats.event_study import event_paths
from research_lib.stats.policy_cycles import CycleRule
from research_lib.studies import rate_cuts as study
from research_lib.studies.rate_cuts.around import RELATIVE
from research_lib.studies.rate_cuts.load import DAILY_PAIRS

Legs = tuple[str, str, str]  # frequency, small, large


def rate_cuts(file: str = "", **settings: object) -> Explorer:
    """Explore first cuts of easing cycles: every path, what came before and after, the cycles themselves.

    Parameters
    ----------
    file : str
        A parameter file of `params/01_rate_cut_regimes/` to begin with, without its ending.
    **settings
        Parameters that go before the file's, or the defaults.
    """
    explored = _RateCuts(begin(RateCuts, file, settings))
    return Explorer(explored, explored.controls())


class _RateCuts(Study[RateCuts]):
    def __init__(self, start: RateCuts) -> None:
        super().__init__(start)
        self.load = lru_cache(maxsize=4)(self._load)
        self.rates = lru_cache(maxsize=2)(
            lambda frequency: study.load_rates(self.source, monthly=frequency == "monthly", as_of=start.as_of)
        )
        self.views = {"Every path": self.paths, "Before and after": self.windows, "The cycles": self.cycles}

    def _load(self, frequency: str, small: str, large: str) -> study.Market:
        return study.load_market(self.source, small, large, monthly=frequency == "monthly", as_of=self.start.as_of)

    def market(self, params: RateCuts) -> study.Market:
        return self.load(params.frequency, params.small, params.large)

    def policy(self, params: RateCuts) -> study.Policy:
        rule = CycleRule(params.min_cut_bp, params.min_tightening_bp, params.pause_days)
        known_to = params.as_of or self.market(params).legs.index[-1].date()
        return study.load_policy(as_of=known_to, rule=rule, announced_only=params.announced_only)

    def paths(self, params: RateCuts) -> Iterator[Exhibit]:
        market, span = self.market(params), params.horizon
        events = study.find_events(self.policy(params), market)
        yield figures.paths(event_paths(market.legs, events.positions, before=max(span // 2, 1), after=span), market)

    def windows(self, params: RateCuts) -> Iterator[Exhibit]:
        market, unit = self.market(params), "months" if params.frequency == "monthly" else "sessions"
        legs = study.study_events(market, study.find_events(self.policy(params), market), seed=params.seed)
        relative = legs[RELATIVE if params.large else market.name]
        yield tables.windows(relative, of=f"{market.name} around first cuts", unit=unit)
        yield figures.horizons(relative, of=market.name, unit=unit, headline=params.horizon)

    def cycles(self, params: RateCuts) -> Iterator[Exhibit]:
        around = self.rates(params.frequency).around
        yield tables.cycles(study.cycles_table(self.policy(params), self.market(params), around=around))

    def cards(self, params: RateCuts) -> Sequence[DataCard]:
        return self.market(params).cards

    def complete(self, values: Values) -> Values:
        """Take the legs' control apart; a horizon that the other frequency does not have is its longest."""
        frequency, small, large = values.pop("legs")
        horizon = values["horizon"] if values["horizon"] in HORIZONS[frequency] else HORIZONS[frequency][-1]
        return {**values, "frequency": frequency, "small": small, "large": large, "horizon": horizon}

    def controls(self) -> dict[str, widgets.Widget]:
        start = self.start
        rule = {
            "min_cut_bp": decimal(description="First cut (bp)", min=1, max=300, step=25, value=start.min_cut_bp),
            "min_tightening_bp": decimal(
                description="Hikes before (bp)", min=1, max=1000, step=25, value=start.min_tightening_bp
            ),
            "pause_days": whole(description="Or pause (days)", min=30, max=3650, step=5, value=start.pause_days),
            "announced_only": widgets.Checkbox(
                description="Only since 1994, announced", value=start.announced_only, indent=False
            ),
        }
        return _pair_and_horizon(_legs(start, self.source.symbols()), start.horizon) | rule


def _legs(start: RateCuts, symbols: Sequence[str]) -> list[Legs]:
    """List the pairs that the source has, the one to begin with first."""
    there = [pair for pair in DAILY_PAIRS if all(Asset.parse(one).symbol in symbols for one in pair)]
    pairs = [(start.frequency, start.small, start.large), *(("monthly", *pair) for pair in MONTHLY_LEGS)]
    return list(dict.fromkeys([*pairs, *(("daily", *pair) for pair in there)]))


def _pair_and_horizon(legs: Sequence[Legs], horizon: int) -> dict[str, widgets.Widget]:
    """Make the two controls of which the first decides what the second offers."""
    named = [(" less ".join(filter(None, pair[1:])) + f", {pair[0]}", pair) for pair in legs]
    first = widgets.Dropdown(description="Small less large", options=named, value=legs[0])
    second = widgets.Dropdown(description="Horizon (periods)", options=HORIZONS[legs[0][0]], value=horizon)

    def offer(_: object) -> None:
        known = HORIZONS[first.value[0]]
        if tuple(second.options) != known:
            second.options, second.value = known, known[-1]

    first.observe(offer, "value")
    return {"legs": first, "horizon": second}
