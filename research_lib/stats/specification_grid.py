"""A grid over definitions: the same question asked in every defensible way, so that no single one can be picked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.shown import Shown
from research_lib.stats.event_study import Legs, Measure, Positions, Window, window_outcomes
from research_lib.stats.inference import CONFIDENCE, Floats, placement_tests, sign_flip_test
from research_lib.stats.policy_cycles import CycleRule, first_cuts, to_sessions

LEAST_EVENTS = 2
USUAL_CUTS_BP, USUAL_TIGHTENINGS_BP, USUAL_PAUSES_DAYS = (12.5, 25.0, 50.0), (25.0, 50.0, 100.0), (270, 365, 730)


@dataclass(frozen=True)
class GridAxes(Shown):
    """What a robustness grid varies; its size is the product of their lengths.

    Attributes
    ----------
    rules : sequence of CycleRule
        The first cut's three parameters.
    horizons : sequence of int
        Periods after the cut.
    measures : sequence of Measure
        CAR, BHAR.
    start_years : sequence of int
        Data before is left out; years before a market's own start are one specification, not several.
    """

    rules: Sequence[CycleRule]
    horizons: Sequence[int]
    measures: Sequence[Measure] = (Measure.CAR, Measure.BHAR)
    start_years: Sequence[int] = (0,)


@dataclass(frozen=True)
class Grid(Shown):
    """Every specification, and what they say together.

    Attributes
    ----------
    table : DataFrame
        A row a specification: `market`, `start_year`, `measure`, `horizon`, `min_cut_bp`, `min_tightening_bp`,
        `pause_days`, and `n`, `mean`, `base`, `p_placement`, `z_placement`, `p_sign_flip`. Specifications without two
        events are left out.
    n_left_out : int
        Those.
    share_positive : float
        Of the specifications' means.
    share_significant, share_significant_positive : float
        Placement p-values below 5%; and of a positive mean at the same time.
    """

    table: pd.DataFrame
    n_left_out: int
    share_positive: float
    share_significant: float
    share_significant_positive: float

    def place_of(self, specification: Mapping[str, object]) -> float:
        """Return the share of specifications whose placement z is below that of this one, named by its columns."""
        table = self.table
        at = np.logical_and.reduce([np.asarray(table[name] == value) for name, value in specification.items()])
        if at.sum() != 1:
            raise InsufficientDataError(f"the grid holds {at.sum()} specifications like the headline; it must hold one")
        return float((table["z_placement"] < table["z_placement"][at].iloc[0]).mean())


def usual_rules() -> list[CycleRule]:
    """Return 27 rules: three values of each of the first cut's parameters, the default in the middle."""
    return [CycleRule(*values) for values in product(USUAL_CUTS_BP, USUAL_TIGHTENINGS_BP, USUAL_PAUSES_DAYS)]


def robustness_grid(
    changes_bp: "pd.Series[float]", markets: Mapping[str, Legs], axes: GridAxes, *, monthly: bool = False
) -> Grid:
    """Vary the definitions; each specification has its exact placement distribution over all shifts.

    Parameters
    ----------
    changes_bp : Series of shape (changes,)
        As in `easing_cycles`; cycles are found anew under each rule.
    markets : mapping of str to Legs
        Pairs of legs, by name.
    axes : GridAxes
        What to vary.
    monthly : bool
        The legs' periods are months.

    Raises
    ------
    InsufficientDataError
        No specification holds two events.
    """
    cuts = [first_cuts(changes_bp, rule=rule) for rule in axes.rules]
    blocks = []
    for name, legs in markets.items():
        positions = [to_sessions(dates, legs.index, monthly=monthly) for dates in cuts]
        starts = _distinct_starts(legs.index, axes.start_years)
        for (year, start), horizon in product(starts.items(), axes.horizons):
            block = _grid_block(_from(legs, start), [at - start for at in positions], axes, horizon)
            blocks.append(block.assign(market=name, start_year=year, horizon=horizon))
    return _summarise(pd.concat(blocks, ignore_index=True))


def join_grids(grids: Sequence[Grid]) -> Grid:
    """Put the specifications of several grids together."""
    joined = _summarise(pd.concat([grid.table for grid in grids], ignore_index=True))
    return replace(joined, n_left_out=sum(grid.n_left_out for grid in grids))


def _distinct_starts(index: pd.DatetimeIndex, years: Sequence[int]) -> dict[int, int]:
    """Place each start year in the index; of the years up to the data's first, only the last is kept."""
    starts = {year: int(index.searchsorted(pd.Timestamp(max(year, 1700), 1, 1))) for year in sorted(years)}
    whole = [year for year, start in starts.items() if start == 0]
    return {year: start for year, start in starts.items() if year not in whole[:-1] and start < len(index)}


def _from(legs: Legs, start: int) -> Legs:
    return Legs(legs.small.iloc[start:], None if legs.large is None else legs.large.iloc[start:])


def _grid_block(legs: Legs, positions: list[Positions], axes: GridAxes, horizon: int) -> pd.DataFrame:
    """Test all rules and measures on one sample and horizon; rules that give the same events share the work."""
    covered = max(len(legs.small) - horizon, 0)
    events = [np.unique(at[(at >= 0) & (at < covered)]) for at in positions]
    distinct = {at.tobytes(): at for at in events if len(at) >= LEAST_EVENTS}
    table = pd.DataFrame([vars(rule) for rule in axes.rules]).assign(n=[len(at) for at in events])
    if not distinct:
        return pd.concat([table.assign(measure=measure) for measure in axes.measures])
    window = Window.after(horizon)
    outcomes = np.stack([window_outcomes(legs, window, measure=measure)[:covered] for measure in axes.measures])
    placed = placement_tests(outcomes, list(distinct.values()))
    columns = {key: column for column, key in enumerate(distinct)}
    at = [columns.get(each.tobytes(), -1) for each in events]
    return pd.concat(
        [
            table.assign(
                measure=measure,
                mean=_pick(placed.means[row], at),
                base=placed.bases[row],
                p_placement=_pick(placed.p_values[row], at),
                z_placement=_pick(placed.z_values[row], at),
                p_sign_flip=_pick([sign_flip_test(outcomes[row, each]).p_value for each in distinct.values()], at),
            )
            for row, measure in enumerate(axes.measures)
        ]
    )


def _pick(values: Sequence[float] | Floats, at: list[int]) -> Floats:
    """Give each rule the value of its set of events; NaN where that set was too small to be tested."""
    return np.append(np.asarray(values, dtype=np.float64), np.nan)[at]


def _summarise(table: pd.DataFrame) -> Grid:
    enough = table["n"] >= LEAST_EVENTS
    kept, left_out = table[enough].reset_index(drop=True), int((~enough).sum())
    if kept.empty:
        raise InsufficientDataError(f"robustness grid: none of {left_out} specifications holds {LEAST_EVENTS} events")
    positive, significant = kept["mean"] > 0, kept["p_placement"] <= 1 - CONFIDENCE
    both = float((positive & significant).mean())
    return Grid(kept, left_out, float(positive.mean()), float(significant.mean()), both)
