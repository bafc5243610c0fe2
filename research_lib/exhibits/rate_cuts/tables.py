"""Tables of the rate-cut study."""

from collections.abc import Sequence

import pandas as pd

from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.exhibits.table import Table, table
from research_lib.stats.event_study import WindowResult
from research_lib.stats.regimes import RegimeDifference, Response
from research_lib.studies.rate_cuts import Conditioning, GridStudy, LegStudy, Market, RegimeStudy, SensitivityStudy
from research_lib.studies.result import Unavailable

TESTS = (
    "95% interval and sign-flip p: exact, over all patterns of signs, a cycle at a time; smallest: the least p that so "
    "few cycles can give; ∞: too few for an interval. Placement p: against the events shifted to every other place. "
    "Holm: adjusted for the horizons of this table. without one: range of the mean when each cycle is left out."
)


def cycles(frame: pd.DataFrame) -> Table:
    """Show the easing cycles and what surrounded each first cut."""
    rows = [
        {
            "first cut": str(first)[:10],
            "last cut": show.date(row["last_cut"]),
            "cuts": show.count(row["cuts"]),
            "total (bp)": show.number(row["total_bp"], 0),
            "days": show.count(row["length_days"]),
            "last hike": show.date(row["last_hike"]),
            "months on hold": show.number(row["months_on_hold"], 1),
            "10 less 2 years (pp)": _points(row["curve"]),
            "credit spread (pp)": _points(row["credit_spread"]),
            "small less large before": show.percent_change(row["relative_before"], 1),
            "recession announced": _yes(row["recession_announced"]),
            "recession in 12 months (hindsight)": _yes(row["recession_within_12_months_hindsight"]),
        }
        for first, row in frame.iterrows()
    ]
    note = (
        "Decision dates. Curve, spread and small less large (the half year before) are as known on the day before the "
        "decision; the last column was not known. The last cycle may not be over."
    )
    return table("Easing cycles", rows, note=note)


def windows(study: LegStudy | Unavailable, *, of: str, unit: str) -> Table | Prose:
    """Show one leg before, on and after the events."""
    if isinstance(study, Unavailable):
        return Prose(f"*{of}: {study.reason}*")
    families = [("before", study.before), ("around", study.around), ("after", study.after)]
    rows = [_window_row(when, result) for when, family in families for result in family]
    note = f"{unit.capitalize()} from the event's own (0); {study.measure.upper()}. n: events inside the data. {TESTS}"
    return table(of, rows, note=note)


def _window_row(when: str, result: WindowResult) -> dict[str, str]:
    return {
        "window": f"{when}, {result.window.name.replace('-', '−')}",
        "n": show.count(result.n),
        "cut off": show.count(result.n_left_out),
        "mean": show.percent_change(result.mean),
        "95% interval": show.interval(result.low, result.high, show.percent_change),
        "median": show.percent_change(result.median),
        "positive": show.percent(result.positive_share, 0),
        "base": show.percent_change(result.base),
        "sign-flip p": show.p_value(result.p_sign_flip),
        "smallest": show.p_value(result.p_sign_flip_smallest),
        "Holm": show.p_value(result.p_sign_flip_holm),
        "placement p": show.p_value(result.p_placement),
        "placement Holm": show.p_value(result.p_placement_holm),
        "without one": show.interval(result.without_one_low, result.without_one_high, show.percent_change),
    }


def regimes(study: RegimeStudy, market: Market) -> Table:
    """Show the mean of small less large in each state of policy."""
    rows = [
        {
            "state": mean.state,
            "periods": show.count(mean.n),
            "spells": show.count(mean.spells),
            "mean": show.percent_change(mean.mean, 3),
            "95% interval": show.interval(mean.low, mean.high, _fine),
            "positive": show.percent(mean.positive_share, 0),
        }
        for mean in study.means
    ]
    note = (
        f"A {_unit(market)}'s {market.name}; the state is the one known before it. Block-bootstrap intervals. "
        "easing: from a first cut to the next hike; tightening: from a hike to the next cut; hold: 180 days without."
    )
    return table("Small less large by the state of policy", rows, note=note)


def regime_differences(found: Sequence[RegimeDifference]) -> Table:
    """Show the differences between states."""
    rows = [
        {
            "states": f"{one.first} less {one.second}",
            "periods": show.count(one.n),
            "difference": show.percent_change(one.difference, 3),
            "95% interval": show.interval(one.low, one.high, _fine),
            "p": show.p_value(one.p_shift),
            "smallest p": show.p_value(one.p_smallest),
        }
        for one in found
    ]
    return table(
        "Differences between states", rows, note="p: against the states shifted to every other place in the sample."
    )


def markov(study: RegimeStudy) -> Table:
    """Show the Markov-switching model and how often it agrees with policy."""
    fit, agreed = study.markov, study.markov_agreement
    rows = [
        {
            "regime": f"{number + 1}",
            "mean a month": show.percent_change(mean),
            "standard deviation": show.percent(variance**0.5),
            "stays with probability": show.number(fit.transition[number, number]),
        }
        for number, (mean, variance) in enumerate(zip(fit.means, fit.variances, strict=True))
    ]
    note = (
        f"Filtered probabilities: no month sees the next; the parameters are of the whole sample. The regime of "
        f"the higher mean and easing agree in {show.percent(agreed.share, 0)} of {agreed.n} months; by chance it would "
        f"be {show.percent(agreed.by_chance, 0)} (kappa {show.number(agreed.kappa)})."
    )
    return table("Two regimes of small less large, found without looking at policy", rows, note=note)


def sensitivity(study: SensitivityStudy | Unavailable) -> Table | Prose:
    """Show regressions of small less large on the market, yields and spreads."""
    if isinstance(study, Unavailable):
        return Prose(f"*Rate sensitivity: {study.reason}*")
    found = [("full sample", study.full), ("up and down apart", study.split), ("by state", study.by_regime)]
    rows = [
        {
            "regression": label,
            "driver": str(name),
            "coefficient": show.number(row["coefficient"], 3),
            "95% interval": show.interval(row["low"], row["high"], show.number),
            "p": show.p_value(row["p_value"]),
        }
        for label, one in found
        for name, row in one.table.iterrows()
        if not str(name).startswith("constant")
    ]
    notes = "; ".join(f"{label}: n {one.n:,}, {one.lags} lags, R² {one.r_squared:.2f}" for label, one in found)
    equal = next((one.p_equal for _, one in found if one.p_equal == one.p_equal), None)
    note = (
        f"Newey-West errors. A coefficient of 1 on a yield: one point of small less large for each point of yield. "
        f"{notes}. Up and down alike: p {show.p_value(equal)}."
    )
    return table("What small less large moves with", rows, note=note, left=["driver"])


def responses(found: Sequence[Response], market: Market) -> Table:
    """Show local projections on a cut."""
    rows = [
        {
            f"{_unit(market)}s after": str(one.horizon),
            "n": show.count(one.n),
            "response": show.percent_change(one.coefficient),
            "95% interval": show.interval(one.low, one.high, show.percent_change),
            "p": show.p_value(one.p_value),
            "p (Holm)": show.p_value(one.p_holm),
        }
        for one in found
    ]
    note = "To 25 bp of cuts, the market's and the relative return of that period held fixed; Hodrick (1992) errors."
    return table(f"Local projections: {market.name} after a cut", rows, note=note)


def conditions(found: Conditioning) -> Table:
    """Show the outcome divided by what surrounded the first cuts."""
    rows = [
        {
            "first cuts with": f"{mean.split}: {mean.group}" + (" (hindsight)" if mean.hindsight else ""),
            "n": show.count(mean.n),
            "mean after": show.percent_change(mean.mean, 1),
            "95% interval": show.interval(mean.low, mean.high, _coarse),
            "sign-flip p": show.p_value(mean.p_sign_flip),
            "smallest": show.p_value(mean.p_sign_flip_smallest),
            "groups differ, p": _of_split(found, mean.split, "p_value", first=number % 2 == 0),
            "smallest ": _of_split(found, mean.split, "p_smallest", first=number % 2 == 0),
            "unknown": _of_split(found, mean.split, "n_unknown", first=number % 2 == 0),
        }
        for number, mean in enumerate(found.means)
    ]
    note = (
        "groups differ: exact, over all ways to deal the events into groups of these sizes. hindsight: not known then."
    )
    return table("Divided by what surrounded the cut", rows, note=note)


def _of_split(found: Conditioning, split: str, column: str, *, first: bool) -> str:
    if not first:
        return ""
    value = float(found.differences[column][split])
    return show.count(value) if column == "n_unknown" else show.p_value(value)


def grid(study: GridStudy) -> Table:
    """Show, for each value that a definition can take, how the specifications with it come out."""
    frame = study.grid.table
    axes = ["market", "measure", "horizon", "start_year", "min_cut_bp", "min_tightening_bp", "pause_days"]
    rows = [
        {
            "definition": f"{axis} {value}",
            "specifications": show.count(len(part)),
            "events": f"{part['n'].min()} to {part['n'].max()}",
            "positive": show.percent((part["mean"] > 0).mean(), 0),
            "significant": show.percent((part["p_placement"] <= 0.05).mean(), 0),
            "significant and positive": show.percent(((part["p_placement"] <= 0.05) & (part["mean"] > 0)).mean(), 0),
        }
        for axis in axes
        for value, part in frame.groupby(axis)
    ]
    note = f"Placement p at most 5%, unadjusted. Left out: {study.grid.n_left_out} with fewer than two events."
    return table("The same question under every definition", rows, note=note)


def _yes(value: object) -> str:
    return show.NONE if pd.isna(value) else ("yes" if value else "no")  # type: ignore[call-overload]


def _points(value: float) -> str:
    return show.number(100 * value)


def _fine(value: float | None) -> str:
    return show.percent_change(value, 3)


def _coarse(value: float | None) -> str:
    return show.percent_change(value, 1)


def _unit(market: Market) -> str:
    return "month" if market.monthly else "session"
