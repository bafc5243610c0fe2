"""Figures of the rate-cut study."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from research_lib.exhibits import format as show
from research_lib.exhibits.figure import BLUE, GREY, LIGHT_BLUE, ORANGE, Figure, Prose, canvas, finish
from research_lib.exhibits.rate_cuts.prose import result_over
from research_lib.stats.policy_cycles import PolicyState
from research_lib.studies.rate_cuts import GridStudy, LegStudy, Market, Policy, RegimeStudy, SensitivityStudy
from research_lib.studies.result import Unavailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_SIZE = 8
DRIVERS = {"d_dgs10": "the 10-year yield", "d_bill": "the bill rate"}
STATE_COLOURS = {PolicyState.EASING: LIGHT_BLUE, PolicyState.TIGHTENING: "#f3d9ae", PolicyState.HOLD: "#ffffff"}


def paths(found: pd.DataFrame, market: Market) -> Figure:
    """Draw every single cycle's path around its first cut, labelled, with their mean."""
    from matplotlib.ticker import MaxNLocator

    shown, mean = 100 * found, 100 * found.mean(axis=1)
    unit = "months" if market.monthly else "sessions"
    with canvas(height_inches=4.6) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
        for event in shown:
            path = shown[event].dropna()
            axes.plot(path.index, path, color=BLUE, alpha=0.45, linewidth=1)
        axes.plot(mean.index, mean, color=ORANGE, linewidth=2.5)
        _label_ends(axes, {f"{event:%Y}": shown[event].dropna() for event in shown} | {"mean": mean})
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no half a month
        axes.set_xlabel(f"{unit} from the first cut")
        axes.set_ylabel(f"{market.name}, from the cut (points)")
        axes.margins(x=0.08)
    last = shown.ffill().iloc[-1]
    return finish(
        drawn,
        title=f"{market.name} around the first cut of each cycle",
        caption="Thin: each cycle, by the year of its first cut; thick: their mean. Sums of differences, 0 at the cut.",
        alt=f"Of {shown.shape[1]} cycles {int((last > 0).sum())} end above zero; they range from "
        f"{show.number(last.min(), 1)} to {show.number(last.max(), 1)} points, "
        f"their mean is {show.number(mean.iloc[-1], 1)}.",
    )


def _label_ends(axes: "Axes", ends: "dict[str, pd.Series[float]]") -> None:
    """Write each path's name at its end, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    apart, floor = (high - low) / 26, -np.inf
    for name, path in sorted(ends.items(), key=lambda item: item[1].iloc[-1]):
        floor = max(path.iloc[-1], floor + apart)
        axes.annotate(f" {name}", (path.index[-1], floor), size=LABEL_SIZE, va="center",
                      fontweight="bold" if name == "mean" else "normal")  # fmt: skip


def horizons(study: LegStudy, *, of: str, unit: str, headline: int) -> Figure:
    """Draw the mean after the events with its interval, beside all other periods, per horizon."""
    results = [result for result in study.after if result.n]
    places = np.arange(len(results))
    mean, low, high = (100 * np.array([getattr(r, name) for r in results]) for name in ("mean", "low", "high"))
    finite = np.isfinite(low) & np.isfinite(high)
    with canvas(height_inches=3.6) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        errors = np.where(finite, [mean - low, high - mean], 0)
        axes.errorbar(places, mean, errors, fmt="none", ecolor=BLUE, capsize=4, label="95% interval of the mean")
        for place, result in zip(places, results, strict=True):
            axes.plot(np.full(result.n, place - 0.12), 100 * result.outcomes, "o", color=GREY, markersize=3, alpha=0.7)
        axes.plot(places, mean, "o", color=BLUE, label="mean after first cuts")
        axes.plot(places + 0.12, [100 * r.base for r in results], "D", color=ORANGE, label="mean of all periods")
        axes.set_xticks(places, [f"{r.window.last}\nn {r.n}" for r in results])
        axes.set_xlabel(f"{unit} after the first cut; small dots are single cycles")
        axes.set_ylabel(f"{of} (points)")
        axes.legend(frameon=False, loc="upper left", fontsize=LABEL_SIZE)
    after = result_over(study, headline)
    return finish(
        drawn,
        title=f"What followed first cuts: {of}",
        caption="Where the interval holds zero, so few cycles do not tell an effect from chance."
        if finite.all()
        else "No bars: with so few cycles no pattern of signs is rare enough for an interval.",
        alt=f"Over {headline} {unit}: {show.percent_change(after.mean)}, interval "
        f"{show.interval(after.low, after.high, show.percent_change)}, n {after.n}.",
    )


def regimes(study: RegimeStudy, policy: Policy, market: Market) -> Figure:
    """Draw the Markov model's filtered probability over the states of policy."""
    likely = study.markov.filtered.iloc[:, -1]
    index = pd.DatetimeIndex(likely.index)
    states = policy.states(index)
    with canvas(height_inches=3.2) as drawn:
        axes = drawn.subplots()
        for state, colour in STATE_COLOURS.items():
            axes.fill_between(index, 0, 1, where=(states == state).to_numpy(), color=colour, step="pre", linewidth=0,
                              label=str(state) if state != PolicyState.HOLD else None)  # fmt: skip
        axes.plot(index, likely, color=BLUE, linewidth=0.9, label="probability of the higher-mean regime")
        axes.set_ylim(0, 1)
        axes.set_ylabel("filtered probability")
        axes.legend(frameon=True, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.08), fontsize=LABEL_SIZE)
    agreed = study.markov_agreement
    return finish(
        drawn,
        title="Regimes of small less large, and of policy",
        caption=f"{market.name} by months. If easing made the better regime, the line were high on blue ground.",
        alt=f"The two agree in {show.percent(agreed.share, 0)} of {agreed.n} months, where chance alone gives "
        f"{show.percent(agreed.by_chance, 0)}.",
    )


def rolling(study: SensitivityStudy | Unavailable, *, driver: str) -> Figure | Prose:
    """Draw the moving coefficient on one driver."""
    if isinstance(study, Unavailable):
        return Prose("")
    path = study.rolling[driver].dropna()
    with canvas(height_inches=2.8) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.plot(path.index, path, color=BLUE, linewidth=1)
        axes.set_ylabel("points per point of yield")
    return finish(
        drawn,
        title=f"Sensitivity of small less large to {DRIVERS.get(driver, driver)}, over time",
        caption="Regressions over a moving window (60 months, or 504 sessions), dated by its end.",
        alt=f"The coefficient ranges from {show.number(path.min())} to {show.number(path.max())}; the last is "
        f"{show.number(path.iloc[-1])}. It is above zero in {show.percent((path > 0).mean(), 0)} of the windows.",
    )


def specification_curve(study: GridStudy) -> Figure:
    """Draw every specification's effect in order, significant ones marked, with the headline's place."""
    ordered = study.grid.table.sort_values("z_placement", ignore_index=True)
    significant = ordered["p_placement"] <= 0.05
    with canvas(height_inches=3.6) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.plot(ordered.index[~significant], ordered["z_placement"][~significant], ".", color=BLUE, markersize=2,
                  label="chance explains it")  # fmt: skip
        axes.plot(ordered.index[significant], ordered["z_placement"][significant], "^", color=ORANGE, markersize=3,
                  label="placement p at most 5%")  # fmt: skip
        at = round(study.place * (len(ordered) - 1))
        axes.plot(at, study.headline["z_placement"], "D", color="black", markersize=7)
        axes.annotate("the headline", (at, study.headline["z_placement"]), xytext=(0, -16), textcoords="offset points",
                      ha="center", size=LABEL_SIZE)  # fmt: skip
        axes.set_xlabel("specifications, in order of their effect")
        axes.set_ylabel("effect (s.d. of all placements)")
        axes.legend(frameon=False, loc="upper left", fontsize=LABEL_SIZE, markerscale=2)
    grid = study.grid
    return finish(
        drawn,
        title="Small less large after first cuts, under every definition",
        caption=f"Diamond: the headline. {len(ordered):,} specifications of the question.",
        alt=f"{show.percent(grid.share_positive, 0)} of the specifications' means are positive; "
        f"{show.percent(grid.share_significant, 0)} differ from chance at 5%. The headline is above "
        f"{show.percent(study.place, 0)} of them.",
    )
