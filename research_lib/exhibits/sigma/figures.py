"""Figures of the record-sigma study."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data.catalog import describe_asset
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import BLUE, GREY, LIGHT_BLUE, ORANGE, Figure, Prose, canvas, finish, plain_log_ticks
from research_lib.stats.events import Outcome
from research_lib.stats.extremes import SESSIONS_PER_YEAR, return_period
from research_lib.stats.moves import relative_moves
from research_lib.studies.result import Unavailable
from research_lib.studies.sigma import Episodes, EpisodeStudy, SigmaOfDay, Specification, SpotVolatility, TrendOfDay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVE_LEVELS = 12
LABEL_SIZE = 9


def price_and_sigma(close: "pd.Series[float]", study: Episodes, day: SigmaOfDay) -> Figure:
    """Draw the price, and below it the sigma with its threshold, episodes, record and last value."""
    standing, name = day.standing, describe_asset(day.asset).name
    with canvas(height_inches=5.2) as drawn:
        top, bottom = drawn.subplots(2, 1, sharex=True, height_ratios=[1, 1.3])
        top.plot(close.index, close, color=GREY, linewidth=0.8)
        top.set_yscale("log")
        plain_log_ticks(top.yaxis)
        top.set_ylabel("close (log)")
        _draw_sigma(bottom, study, day)
    return finish(
        drawn,
        title=f"{name}: price, and standard deviations from its average",
        caption=f"Top: close, logarithmic. Bottom: {day.headline.label} over {day.headline.settings.window_sessions} "
        f"sessions; triangles are the peaks of {len(study.episodes)} episodes above {study.threshold:g}.",
        alt=f"{name} stood at {standing.value:.2f} standard deviations on {show.date(standing.date)}, rank "
        f"{standing.rank} of {standing.n} sessions; the record is {standing.record:.2f} on "
        f"{show.date(standing.record_date)}. {len(study.episodes)} episodes passed {study.threshold:g}.",
    )


def _draw_sigma(axes: "Axes", study: Episodes, day: SigmaOfDay) -> None:
    standing, first, last = day.standing, study.path.index[0], study.path.index[-1]
    axes.plot(study.path.index, study.path, color=BLUE, linewidth=0.5)
    axes.hlines(study.threshold, first, last, color=GREY, linestyle="--", linewidth=1)
    at: Any = (first, study.threshold)  # matplotlib takes dates where its types say float
    axes.annotate(f"threshold {study.threshold:g} ", at, size=LABEL_SIZE, ha="right",
                  va="center", color=GREY)  # fmt: skip
    peaks = pd.Series({episode.peak_date: episode.peak for episode in study.episodes}, dtype=float)
    axes.plot(peaks.index, peaks, "v", color=ORANGE, markersize=4)
    record = f"record {standing.record:.2f}\n{show.date(standing.record_date)}"
    _label(axes, standing.record_date, standing.record, record)
    if standing.date != standing.record_date:
        _label(axes, standing.date, standing.value, f"last {show.number(standing.value)}")
    axes.set_ylabel(f"{day.headline.name} (standard deviations)")
    axes.margins(x=0.16, y=0.22)


def relative_move_history(
    close: "pd.Series[float]", benchmark: "pd.Series[float] | None", *, sessions: int
) -> Figure | Prose:
    """Draw all k-session moves against the benchmark as a distribution over time, with the last one marked."""
    if benchmark is None:
        return Prose("*No benchmark is given: nothing to compare the asset's moves with.*")
    path = 100 * relative_moves(close, benchmark, sessions).dropna()
    name, other, last = describe_asset(str(close.name)).name, describe_asset(str(benchmark.name)).name, path.iloc[-1]
    rank = int((path > last).sum()) + 1
    with canvas(height_inches=3.4) as drawn:
        axes = drawn.subplots()
        axes.plot(path.index, path, color=BLUE, linewidth=0.5)
        axes.axhline(last, color=ORANGE, linestyle="--", linewidth=1)
        axes.plot(path.index[-1], last, "o", color=ORANGE, markersize=6)
        _label(axes, path.index[-1], last, f"last {_points(last)}")
        axes.set_ylabel(f"{sessions}-session move (points)")
        axes.margins(x=0.1, y=0.15)
    return finish(
        drawn,
        title=f"{name} less {other} over {sessions} sessions",
        caption="Difference of simple returns, in percentage points; the dashed line is the last session's level.",
        alt=f"The last {sessions}-session difference is {_points(last)} points, rank {rank} of {len(path)} sessions.",
    )


def return_levels(study: EpisodeStudy) -> Figure | Prose:
    """Draw levels against return periods: episodes, the fitted tail with its interval, a normal table."""
    if np.isnan(study.tail.shape):
        return Prose(
            f"*{study.tail.n} episodes above {study.threshold:g} are too few for a tail; a lower threshold has more.*"
        )
    with canvas(height_inches=4) as drawn:
        _draw_levels(drawn.subplots(), study)
    rarity = study.rarity
    return finish(
        drawn,
        title=f"{describe_asset(study.asset).name}: how often episodes reach a level",
        caption=f"Generalised Pareto tail of {study.tail.n} peaks in {study.tail.years:.0f} years of "
        f"{SESSIONS_PER_YEAR} sessions; a level to the right comes back more rarely.",
        alt=f"Episodes reach {rarity.level:.2f} once in {show.years(rarity.years)} years, 95% interval "
        f"{show.interval(rarity.low, rarity.high, show.years)}; a normal table would say "
        f"{show.years(rarity.normal_years)} years.",
    )


def _draw_levels(axes: "Axes", study: EpisodeStudy) -> None:
    tail, longest = study.tail, 20 * study.tail.years
    levels = np.linspace(study.threshold * 1.02, study.path.max() * 1.05, CURVE_LEVELS)
    periods = [return_period(tail, float(level)) for level in levels]
    low, high = [period.low for period in periods], [min(period.high, longest) for period in periods]
    axes.fill_betweenx(levels, low, high, color=BLUE, alpha=0.15)
    fitted = [period.years if period.years < longest else np.nan for period in periods]
    axes.plot(fitted, levels, color=BLUE, label="tail of episode peaks, 95% interval")
    peaks = np.sort(tail.peaks)[::-1]
    axes.plot(tail.years / np.arange(1, tail.n + 1), peaks, "v", color=ORANGE, markersize=4, label="episodes")
    normal = [period.normal_years for period in periods]
    axes.plot(normal, levels, color=GREY, linestyle=":", label="what a normal table would say")
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set_xlim(min(low) / 2, longest)
    axes.set_xlabel("return period (years, log)")
    axes.set_ylabel(f"{study.definition} (standard deviations)")
    axes.legend(frameon=False, loc="lower right")


def followed(outcomes: Sequence[Outcome] | Unavailable, *, of: str) -> Figure | Prose:
    """Draw the mean after the episodes less the base rate, with its interval, per horizon."""
    if isinstance(outcomes, Unavailable):
        return Prose(f"*What followed, {of}: {outcomes.reason}*")
    known = [outcome for outcome in outcomes if outcome.n]
    places = np.arange(len(known))
    excess, low, high = _excess(known)
    with canvas(height_inches=3.6) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.errorbar(places, excess, [excess - low, high - excess], fmt="o", color=BLUE, capsize=4)
        axes.set_xticks(places, [f"{o.horizon_sessions}\nn {o.n}" for o in known])
        axes.set_xlabel("sessions after the episode's first session")
        axes.set_ylabel("mean less base rate (points)")
    rejected = [str(o.horizon_sessions) for o in known if o.p_holm < 0.05]
    finding = f"differs from the base rate over {', '.join(rejected)} sessions" if rejected else "no horizon differs"
    return finish(
        drawn,
        title=f"What followed, {of}",
        caption="Mean return after episodes less that of all sessions, with the placement test's 95% interval, not adjusted "
        "for the number of horizons (Holm's p is in the table).",
        alt=f"What followed, {of}: {finding} at 5% after Holm's adjustment, {len(known)} horizons tried.",
    )


def _excess(outcomes: Sequence[Outcome]) -> list[NDArray[np.float64]]:
    """Return excess, lower and upper ends in points."""
    return [100 * np.array([getattr(o, name) for o in outcomes]) for name in ("excess", "excess_low", "excess_high")]


def spot_volatility(found: Sequence[SpotVolatility] | Unavailable, *, of: str) -> Figure | Prose:
    """Draw how the rolling correlations are distributed, with the last of each marked."""
    if isinstance(found, Unavailable):
        return Prose(f"*Spot and volatility: {found.reason}*")
    places = range(len(found))
    with canvas(height_inches=3) as drawn:
        axes = drawn.subplots()
        boxes = axes.boxplot([one.path for one in found], positions=places, orientation="horizontal", widths=0.5,
                             patch_artist=True, flierprops={"marker": ".", "markersize": 2})  # fmt: skip
        for box in boxes["boxes"]:
            box.set_facecolor(LIGHT_BLUE)
        axes.set_yticks(places, [str(one.sessions) for one in found])
        axes.invert_yaxis()
        axes.plot([one.standing.value for one in found], places, "o", color=ORANGE, markersize=8)
        for row, one in enumerate(found):
            axes.annotate(f"last {show.number(one.standing.value)}", (0.99, row), size=LABEL_SIZE, ha="right",
                          va="bottom", xycoords=("axes fraction", "data"))  # fmt: skip
        axes.set_xlabel("correlation of returns with changes of implied volatility")
        axes.set_ylabel("over sessions")
    last = "; ".join(
        f"over {one.sessions} sessions {one.standing.value:.2f}, rank {one.standing.rank} of {one.standing.n}"
        for one in found
    )
    return finish(
        drawn,
        title=f"Spot against implied volatility: {of}",
        caption="Boxes hold the middle half of all windows, whiskers reach 1.5 times as far; dots are the last window.",
        alt=f"Half of all windows of {found[0].sessions} sessions are below "
        f"{show.number(float(found[0].path.median()))}. Last: {last}.",
    )


def record_closes(found: TrendOfDay | Unavailable, *, asset: str) -> Figure | Prose:
    """Draw the number of record closes in each year."""
    if isinstance(found, Unavailable):
        return Prose(f"*Record closes: {found.reason}*")
    per_year = found.records.per_year
    with canvas(height_inches=2.6) as drawn:
        axes = drawn.subplots()
        axes.bar(per_year.index, per_year, color=BLUE, width=0.85)
        axes.annotate(f"{per_year.index[-1]}: {per_year.iloc[-1]}", (per_year.index[-1], per_year.iloc[-1]),
                      size=LABEL_SIZE, xytext=(0, 3), textcoords="offset points", ha="center")  # fmt: skip
        axes.set_ylabel("record closes a year")
    years_without = int((per_year == 0).sum())
    return finish(
        drawn,
        title=f"{describe_asset(asset).name}: closes above every earlier close",
        caption="Counted in the history that the source has; the first years make records easily.",
        alt=f"{int(per_year.iloc[-1])} record closes in {per_year.index[-1]}; "
        f"{years_without} of {len(per_year)} years had none.",
    )


def long_view(small_less_large: "pd.Series[float] | None", *, months: int = 12) -> Figure | Prose:
    """Draw small less large over the last twelve months, for the whole history."""
    if small_less_large is None or len(small_less_large) < months:
        return Prose("")
    path = 100 * small_less_large.rolling(months).sum().dropna()
    with canvas(height_inches=3) as drawn:
        axes = drawn.subplots()
        axes.plot(path.index, path, color=BLUE, linewidth=0.9)
        axes.axhline(0, color=GREY, linewidth=0.8)
        _label(axes, path.index[-1], path.iloc[-1], f"last {_points(path.iloc[-1])}")
        axes.set_ylabel(f"{months}-month sum (points)")
        axes.margins(x=0.1)
    return finish(
        drawn,
        title="Small less large since 1926" if path.index[0].year < 1930 else "Small less large",
        caption=f"Sum of the factor {small_less_large.name} over {months} months, in percentage points.",
        alt=f"Small less large over {months} months ranges from {_points(path.min())} to {_points(path.max())} points; "
        f"the last, to {str(path.index[-1])[:7]}, is {_points(path.iloc[-1])}.",
    )


def robustness(grid: Sequence[Specification]) -> Figure | Prose:
    """Draw mean less base rate after episodes for every specification, in order, with its interval."""
    ordered = sorted((one for one in grid if one.outcome.n), key=lambda one: one.outcome.excess)
    effect, low, high = _excess([one.outcome for one in ordered])
    if not ordered:
        return Prose("*No specification has an episode that is followed by enough data.*")
    places, horizon = np.arange(len(ordered)), ordered[0].outcome.horizon_sessions
    with canvas(height_inches=5.2) as drawn:
        axes = drawn.subplots()
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.errorbar(effect, places, xerr=[effect - low, high - effect], fmt="o", color=BLUE, markersize=4, capsize=2)
        axes.set_yticks(places, [f"{one.definition}, n {one.window_sessions}" for one in ordered], size=8)
        axes.set_xlabel(f"mean {horizon}-session return after episodes less base rate (points)")
    above = int((effect > 0).sum())
    different = sum(one.outcome.p_holm < 0.05 for one in grid)
    return finish(
        drawn,
        title="What followed, under every definition and window",
        caption="Each line: one specification, with the 95% interval of its own placement test, unadjusted.",
        alt=f"{above} of {len(ordered)} specifications are above their base rate; {different} differ from it at 5% after "
        f"Holm's adjustment.",
    )


def _label(axes: "Axes", x: pd.Timestamp, y: float, text: str) -> None:
    at: Any = (x, y)  # matplotlib takes dates where its types say float
    axes.annotate(text, at, size=LABEL_SIZE, xytext=(4, 4), textcoords="offset points", color="black")


def _points(value: float) -> str:
    return show.number(value)
