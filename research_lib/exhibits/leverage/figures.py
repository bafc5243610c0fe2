"""Figures of the leverage study."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from research_lib.data.fundamentals.bundled_firms import BundledFirms
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import BLUE, GREY, ORANGE, Figure, Prose, canvas, finish
from research_lib.exhibits.leverage import (
    PORTFOLIOS,
    REGRESSORS,
    each,
    groups_in_words,
    heading,
    sectors_in_words,
    signed_bp,
)
from research_lib.exhibits.leverage.tables import DEFINITION_NAMES
from research_lib.exhibits.reasons import or_reason
from research_lib.stats.cross_section import PortfolioSort, Regression
from research_lib.stats.ratios import LARGE, SMALL
from research_lib.studies.leverage import GROUPS, QUOTED, Events, Firms, QuoteCheck, Refinancing

LABEL_SIZE = 9
# Colour, marker and place beside the tick: the marker tells the groups apart without colour.
STYLES: dict[str, tuple[str, str, float]] = {
    LARGE: (BLUE, "o", -0.08),
    SMALL: (ORANGE, "D", 0.08),
    "all": (GREY, "s", 0),
}
PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}  # behind labels on lines
ODD = 6.0  # ratios beyond it, either sign, are drawn at the edge and labelled


def ratio_by_year(found: pd.DataFrame, firms: Firms) -> Figure:
    """Draw each group's ratio by fiscal year with its interval, and what is quoted."""
    years = _common_years(found)
    with canvas(height_inches=3.8) as drawn:
        axes = drawn.subplots()
        for group in GROUPS:
            _series(axes, found, group, years, ("ratio", "low", "high"))
            if firms.simulated:
                continue  # made-up companies neither confirm nor refute what is quoted
            axes.axhline(QUOTED[group], color=STYLES[group][0], linestyle=":", linewidth=1.5)
            more = "more than " if group == SMALL else ""
            axes.annotate(f"quoted, {group}: {more}{QUOTED[group]:g}", (0.01, QUOTED[group]), size=LABEL_SIZE,
                          xycoords=("axes fraction", "data"), va="bottom", bbox=PLATE)  # fmt: skip
        _year_axis(axes, years, "Σ net debt / Σ EBITDA (turns)")
        axes.margins(x=0.25, y=0.12)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    words = "; ".join(
        f"{row.group} {row.ratio:.2f} ({show.interval(row.low, row.high, show.number)})" for row in _last(found, years)
    )
    against = "" if firms.simulated else ", against the quoted 4 and 1.4"
    return finish(
        drawn,
        title=heading(firms, "Net debt to EBITDA, small and large companies"),
        caption=f"Bars: 95% bootstrap intervals over firms; {groups_in_words(firms.options)}; "
        f"{sectors_in_words(firms)}.",
        alt=heading(firms, f"Fiscal {years[-1] if years else show.NONE}: {words}{against}."),
    )


@or_reason("Definitions")
def by_definition(quote: QuoteCheck, found: pd.DataFrame, firms: Firms) -> Figure:
    """Draw the ratio of the quote's year on every definition, both groups."""
    year = found.loc[quote.fiscal_year]
    names = [name for name in DEFINITION_NAMES if year[name].notna().any()]
    with canvas(height_inches=3.8) as drawn:
        axes = drawn.subplots()
        for group in [group for group in GROUPS if group in year.index]:
            colour, marker, _ = STYLES[group]
            values = year.loc[group, names].to_numpy(dtype=float)
            axes.plot(np.clip(values, -ODD, ODD), range(len(names)), marker, color=colour, markersize=7, label=group)
            if not firms.simulated:
                axes.axvline(QUOTED[group], color=colour, linestyle=":", linewidth=1.5)
            for place in np.flatnonzero(np.abs(values) > ODD):
                side = float(np.sign(values[place]))
                axes.annotate(f"{group} {show.number(values[place], 1)}", (side * ODD, place), size=LABEL_SIZE,
                              ha="right" if side > 0 else "left", va="center", xytext=(-8 * side, 0),
                              textcoords="offset points")  # fmt: skip
        axes.set_yticks(range(len(names)), [DEFINITION_NAMES[name] for name in names])
        axes.invert_yaxis()
        axes.set_xlabel("net debt to EBITDA (turns)" + ("" if firms.simulated else "; dotted: quoted"))
        drawn.legend(frameon=False, loc="outside lower center", ncols=2)
    spans = {group: year.loc[group, names].astype(float) for group in GROUPS if group in year.index}
    words = "; ".join(f"{group} from {span.min():.2f} to {span.max():.2f}" for group, span in spans.items())
    return finish(
        drawn,
        title=heading(firms, f"Fiscal {quote.fiscal_year} on every definition in use"),
        caption=f"Values beyond {ODD:g} turns are drawn at the edge, with their number; {sectors_in_words(firms)}.",
        alt=heading(firms, f"By definition, {words}."),
    )


def cover(found: pd.DataFrame, firms: Firms) -> Figure:
    """Draw interest cover and the share of zombies by fiscal year."""
    years = _common_years(found)
    shares = found.assign(**{name: 100 * found[name] for name in ("zombie_share", "zombie_low", "zombie_high")})
    with canvas(height_inches=5.2) as drawn:
        top, bottom = drawn.subplots(2, 1, sharex=True)
        for group in GROUPS:
            _series(top, found, group, years, ("cover", "cover_low", "cover_high"))
            _series(bottom, shares, group, years, ("zombie_share", "zombie_low", "zombie_high"))
        top.axhline(1, color=GREY, linewidth=0.8)
        _year_axis(top, years, "interest cover (times)")
        _year_axis(bottom, years, "zombies (% of companies)")
        top.set_xlabel("")
        top.set_ylim(bottom=0)
    words = "; ".join(
        f"{row.group} cover {row.cover:.2f}, zombies {show.percent(row.zombie_share, 1)}" for row in _last(found, years)
    )
    return finish(
        drawn,
        title=heading(firms, "Interest cover, and zombies"),
        caption=f"Top: Σ operating income / Σ interest. Bottom: cover below 1 for {firms.options.zombie_years} years "
        "on end; absent where history is too short. Bars: 95% intervals.",
        alt=heading(firms, f"Fiscal {years[-1] if years else show.NONE}: {words}."),
    )


@or_reason("Refinancing")
def stress_map(found: Refinancing, firms: Firms) -> Figure:
    """Draw the share of companies with cover below 1 over rate moves and shares of debt."""
    tables = {group: part.pivot_table(index="debt_share", columns="rate_move_bp", values="below_one_share")
              for group, part in found.table.groupby("group")}  # fmt: skip
    highest = max(float(part.max().max()) for part in tables.values())
    with canvas(height_inches=3.6) as drawn:
        for axes, group in zip(drawn.subplots(1, 2, sharey=True), GROUPS, strict=True):
            part = 100 * tables[group]
            axes.imshow(part, cmap="Blues", vmin=0, vmax=max(180 * highest, 1), aspect="auto", origin="lower")
            for (row, column), value in np.ndenumerate(part.to_numpy()):
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", size=LABEL_SIZE)
            axes.set_xticks(range(part.shape[1]), [signed_bp(float(move)) for move in part.columns], size=8)
            axes.set_yticks(range(len(part)), [f"{100 * share:.0f}%" for share in part.index])
            axes.set_xlabel(f"{group}: rate move (basis points)")
            axes.grid(visible=False)
        drawn.axes[0].set_ylabel("share of debt repriced")
    corner = {group: tables[group].iloc[-1, [0, -1]].tolist() for group in GROUPS}
    words = "; ".join(f"{group} {low:.0%} to {high:.0%}" for group, (low, high) in corner.items())
    moves = tables[SMALL].columns.astype(float)
    return finish(
        drawn,
        title=heading(firms, f"Interest cover below 1, % of companies, fiscal {found.fiscal_year}"),
        caption="Darker is more. All else equal: earnings stay, and each company's debt is repriced by the same.",
        alt=heading(
            firms, f"Below 1, all debt repriced by {signed_bp(moves[0])} to {signed_bp(moves[-1])} bp: {words}."
        ),
    )


@or_reason("Portfolios by leverage")
def sorts(found: Mapping[str, PortfolioSort], firms: Firms) -> Figure:
    """Draw the mean monthly return of each portfolio, from least to most indebted, by group."""
    with canvas(height_inches=3.8) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        for name, one in found.items():
            means = list(one.means.values())
            places = np.arange(len(means)) + 2 * STYLES[name][2]
            _bars(axes, places, 100 * np.array([(m.mean, m.low, m.high) for m in means]).T, name)
        labels = list(next(iter(found.values())).means)
        axes.set_xticks(range(len(labels)), [f"{labels[0]}\nleast indebted", *labels[1:-2], f"{labels[-2]}\nmost",
                                             "EBITDA\n≤ 0"])  # fmt: skip
        axes.set_xlabel("portfolio by net debt to EBITDA, as it was known")
        axes.set_ylabel("mean return a month (%)")
        axes.legend(frameon=False, loc="upper left")
    words = "; ".join(f"{name} {show.percent_change(one.premium.mean)} ({show.percent_change(one.premium.low)} to "
                      f"{show.percent_change(one.premium.high)})" for name, one in found.items())  # fmt: skip
    return finish(
        drawn,
        title=heading(firms, "Monthly returns of portfolios by leverage"),
        caption="Equally weighted, formed each month; bars: 95% Newey-West intervals.",
        alt=heading(firms, f"Most less least indebted, a month: {words}."),
    )


@or_reason("Coefficients")
def coefficients(
    found: Mapping[str, Regression], firms: Firms | None, *, regressors: tuple[str, ...], title: str, unit: str
) -> Figure:
    """Draw chosen coefficients with their intervals, one line each; `firms` where companies are what it is about."""
    lines = [(name, regressor, one[regressor]) for regressor in regressors for name, one in found.items()
             if regressor in one.table.index]  # fmt: skip
    with canvas(height_inches=1.2 + 0.32 * len(lines)) as drawn:
        axes = drawn.subplots()
        axes.axvline(0, color=GREY, linewidth=0.8)
        for place, (name, _, slope) in enumerate(lines):
            colour, marker, _ = STYLES.get(name, STYLES[LARGE])
            middle, reach = 100 * slope.value, [[100 * (slope.value - slope.low)], [100 * (slope.high - slope.value)]]
            axes.errorbar(middle, place, xerr=reach, fmt=marker, color=colour, capsize=3)
        labels = [f"{PORTFOLIOS.get(name, name)}: {REGRESSORS[regressor]}" for name, regressor, _ in lines]
        axes.set_yticks(range(len(lines)), labels, size=LABEL_SIZE)
        axes.margins(y=0.1)
        axes.invert_yaxis()
        axes.set_xlabel(unit)
    words = "; ".join(
        f"{label}: {show.percent_change(slope.value)} ({show.interval(slope.low, slope.high, show.percent_change)})"
        for label, (_, _, slope) in zip(labels, lines, strict=True)
    )
    return finish(
        drawn,
        title=heading(firms, title) if firms else title,
        caption="Per point of change, with 95% intervals; a bar that crosses zero is no more than chance. Where a rate "
        "fell its change is negative: a positive coefficient is then a loss.",
        alt=heading(firms, f"{unit.capitalize()}: {words}.") if firms else f"{unit.capitalize()}: {words}.",
    )


@or_reason("Event days")
def events(found: Events, firms: Firms) -> Figure:
    """Draw the slopes of all days, and where the chosen days lie among them."""
    slopes, days = 100 * found.slopes, found.days[found.days["session"] != ""]
    with canvas(height_inches=3.6) as drawn:
        axes = drawn.subplots()
        axes.hist(slopes, bins=80, color=GREY, alpha=0.6)
        top, step = axes.get_ylim()[1], min(0.14, 0.9 / max(len(days), 1))
        for place, row in enumerate(each(days)):
            axes.axvline(100 * row.slope, color=ORANGE, linestyle="--", linewidth=1.2)
            text, height = f"{row.session}, p {show.p_value(row.p_value)}", top * (0.94 - step * place)
            axes.annotate(text, (100 * row.slope, height), size=LABEL_SIZE, xytext=(3, 0), textcoords="offset points",
                          bbox=PLATE)  # fmt: skip
        axes.set_xlabel("return for each turn of net debt to EBITDA (%)")
        axes.set_ylabel("days")
    words = "; ".join(f"{row.session} {100 * row.slope:+.2f}%, p {row.p_value:.3f}" for row in each(days))
    return finish(
        drawn,
        title=heading(firms, "Returns on leverage: chosen days among all days"),
        caption=f"Grey: the slopes of {len(slopes):,} sessions. Dashed: chosen days.",
        alt=heading(
            firms,
            f"95% of {len(slopes):,} days lie within {slopes.quantile(0.025):+.2f}% to "
            f"{slopes.quantile(0.975):+.2f}%. {words or 'No chosen day is in the data'}.",
        ),
    )


@or_reason("142 firms")
def debt_and_return(found: Regression, firms: BundledFirms | None) -> Figure | Prose:
    """Draw each firm's price change against its debt, with the regression's line."""
    if firms is None:
        return Prose("")
    x, y = 100 * firms.values["debt_to_capital"], 100 * firms.values["price_return"]
    slope = found["debt_to_capital"]
    with canvas(height_inches=3.6) as drawn:
        axes = drawn.subplots()
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.plot(x, y, "o", color=BLUE, markersize=4, alpha=0.7)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, y.mean() + slope.value * (ends - x.mean()), color=ORANGE, linestyle="--")
        axes.annotate("regression line", (ends[1], y.mean() + slope.value * (ends[1] - x.mean())), size=LABEL_SIZE,
                      ha="right", xytext=(0, 5), textcoords="offset points")  # fmt: skip
        axes.set_xlabel("debt to capital in 1990 (%)")
        axes.set_ylabel("price change, 1990 to 1994 (%)")
    return finish(
        drawn,
        title=f"{found.n} firms: debt and what the share price did",
        caption="Each point is a firm; size held equal in the regression. One period, firms still quoted at its end.",
        alt=f"Ten points more debt went with {show.percent_change(slope.value / 10)} of price change, 95% interval "
        f"{show.percent_change(slope.low / 10)} to {show.percent_change(slope.high / 10)}, n = {found.n}.",
    )


def _common_years(found: pd.DataFrame) -> list[int]:
    counts = found.groupby(level="fiscal_year").size()
    return [int(year) for year in counts[counts == len(GROUPS)].index]


def _last(found: pd.DataFrame, years: list[int]) -> list[Any]:
    return [row for row in each(found) if years and row.fiscal_year == years[-1]]


def _series(axes: Any, found: pd.DataFrame, group: str, years: list[int], columns: tuple[str, str, str]) -> None:  # noqa: ANN401
    if not years:
        return
    part = found.xs(group, level="group").loc[years, list(columns)]
    part = part.replace([np.inf, -np.inf], np.nan)
    _bars(axes, np.array(years) + STYLES[group][2], part.to_numpy(dtype=float).T, group, line="-")
    known = part[columns[0]].dropna()
    if len(known):
        axes.annotate(f"{group} {show.number(known.iloc[-1], 1)}", (known.index[-1] + STYLES[group][2], known.iloc[-1]),
                      size=LABEL_SIZE, va="center", bbox=PLATE, xytext=(12, 0), textcoords="offset points")  # fmt: skip


def _bars(axes: Any, places: Any, values: Any, group: str, *, line: str = "") -> None:  # noqa: ANN401
    middle, low, high = values
    colour, marker, _ = STYLES[group]
    style = f"{marker}{line if group != SMALL else line and '--'}"
    reach = np.maximum([middle - low, high - middle], 0)  # an end may be a rounding error beyond the middle
    axes.errorbar(places, middle, reach, fmt=style, color=colour, capsize=4, label=group)


def _year_axis(axes: Any, years: list[int], label: str) -> None:  # noqa: ANN401
    axes.set_xticks(years)
    axes.set_xlabel("fiscal year")
    axes.set_ylabel(label)
    axes.margins(x=0.17)
