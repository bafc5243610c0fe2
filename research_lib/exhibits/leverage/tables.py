"""Tables of the leverage study."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.exhibits.leverage import (
    PORTFOLIOS,
    REGRESSORS,
    VERDICT,
    each,
    groups_in_words,
    heading,
    sectors_in_words,
    signed_bp,
    variant_in_words,
)
from research_lib.exhibits.reasons import or_reason
from research_lib.exhibits.table import Table, table
from research_lib.stats.cross_section import MeanReturn, PortfolioSort, Regression
from research_lib.stats.ratios import LARGE, SMALL, GroupRatio
from research_lib.studies.leverage import (
    QUOTED,
    Events,
    Explanation,
    Firms,
    Options,
    QuoteCheck,
    Refinancing,
    Returns,
)

SHOWN_ROWS = 12
DEFINITION_NAMES = {
    "sum_over_sum": "Σ/Σ (headline)",
    "median": "median",
    "mean_of_ratios": "mean of ratios",
    "trimmed_mean": "trimmed mean",
    "positive_only": "Σ/Σ, EBITDA > 0 only",
    "never_restated": "Σ/Σ, never restated",
    "with_financials": "Σ/Σ, with financials",
    "without_financials": "Σ/Σ, without financials",
    "as_filed": "Σ/Σ as filed, nothing set aside",
}


@or_reason("The quoted figure")
def quote(found: QuoteCheck, firms: Firms) -> Table | Prose:
    """Hold the quoted figure against both groups."""
    if firms.simulated:
        return Prose("*The quoted figure: made-up companies neither confirm nor refute it.*")
    gap = {"group": "small less large", "quoted": show.number(QUOTED[SMALL] - QUOTED[LARGE], 1) + " or more",
           "found": show.number(found.gap), "95% interval": _range(found.gap_low, found.gap_high),
           "n": show.NONE, "quote": show.NONE}  # fmt: skip
    rows = [
        _quoted(LARGE, found.large, f"{QUOTED[LARGE]:g}", VERDICT[found.large_holds]),
        _quoted(SMALL, found.small, f"more than {QUOTED[SMALL]:g}", VERDICT[found.small_holds]),
        gap,
    ]
    note = (
        f"Σ net debt / Σ EBITDA, fiscal {found.fiscal_year}; {groups_in_words(firms.options)}; "
        f"{sectors_in_words(firms)}. Intervals: bootstrap over firms, {firms.options.draws:,} draws. The "
        "quoted figures speak of 2023."
    )
    return table(heading(firms, "Net debt to EBITDA against what is quoted"), rows, note=note)


def _quoted(group: str, ratio: GroupRatio, quoted: str, verdict: str) -> dict[str, str]:
    return {
        "group": group,
        "quoted": quoted,
        "found": show.number(ratio.ratio),
        "95% interval": _range(ratio.low, ratio.high),
        "n": show.count(ratio.n_used),
        "quote": verdict,
    }


@or_reason("Other groups")
def other_groups(found: Sequence[tuple[Options, QuoteCheck]], firms: Firms) -> Table:
    """Show the quote's two ratios for groups of other sizes."""
    rows = [
        {
            "groups": variant_in_words(options, firms),
            "fiscal year": str(check.fiscal_year),
            "large": show.number(check.large.ratio),
            "large n": show.count(check.large.n_used),
            "small": show.number(check.small.ratio),
            "small 95% interval": _range(check.small.low, check.small.high),
            "small n": show.count(check.small.n_used),
            "“more than 4”": show.NONE if firms.simulated else VERDICT[check.small_holds],
        }
        for options, check in found
    ]
    note = f"The first row is the headline's; {sectors_in_words(firms)}."
    return table(heading(firms, "The same question for other groups"), rows, note=note)


def indebtedness(found: pd.DataFrame, firms: Firms) -> Table:
    """Show the ratio, what it rests on and what goes with it, by fiscal year and group."""
    rows = [
        {
            **_key(row),
            "n": show.count(row.n_used),
            "coverage": show.percent(row.coverage, 1),
            "Σ/Σ": show.number(row.ratio),
            "95% interval": _range(row.low, row.high),
            "median": show.number(row.median),
            "EBITDA ≤ 0": show.percent(row.negative_ebitda_share, 1),
            "net cash": show.percent(row.net_cash_share, 1),
            "due within a year": show.percent(row.due_within_year, 1),
        }
        for row in each(found)
    ]
    note = (
        "n: companies with net debt and EBITDA known; coverage: their share of the group. median: where EBITDA > 0. "
        "EBITDA ≤ 0 and net cash: shares of companies; due within a year: of debt. "
        f"{groups_in_words(firms.options)}; fewer where the source has no more; {sectors_in_words(firms)}."
    )
    return table(heading(firms, "Net debt to EBITDA by fiscal year"), rows, note=note)


def contributors(found: pd.DataFrame, firms: Firms) -> Table:
    """Show the five companies that each ratio hangs on most, and the ratio without them."""
    rows = [
        {
            **_key(row),
            "Σ/Σ": show.number(row.ratio),
            "without the five": show.number(row.without_top),
            "the five are": show.percent_change(row.top_share, 1),
            "companies": ", ".join(row.top),
        }
        for row in each(found)
    ]
    note = "The five whose leaving out, each alone, moves the ratio most. the five are: 1 − without / with; negative "
    return table(heading(firms, "The five largest contributors"), rows, note=f"{note}where they lower it.",
                 left=["companies"])  # fmt: skip


def definitions(found: pd.DataFrame, firms: Firms) -> Table:
    """Show the ratio on every definition in use."""
    rows = [
        {
            **_key(row),
            **{label: show.number(getattr(row, name)) for name, label in DEFINITION_NAMES.items()},
            "n": show.count(row.n),
        }
        for row in each(found)
    ]
    note = (
        "trimmed: without the lowest and highest 5% of ratios. never restated: rows whose values are those first "
        f"published. as filed: groups formed of all rows, impossible ones included. n is the headline's; "
        f"{sectors_in_words(firms)}."
    )
    return table(heading(firms, "The same ratio on every definition in use"), rows, note=note)


@or_reason("Ratios as filed")
def explanations(found: Sequence[Explanation], firms: Firms) -> Table:
    """Show ratios as filed beside the clean ones."""
    rows = [
        {
            **_key(one),
            "as filed": show.number(one.as_filed),
            "without impossible rows": show.number(one.without_caught),
            "cleaned": show.number(one.cleaned.ratio),
            "95% interval": _range(one.cleaned.low, one.cleaned.high),
            "n": show.count(one.cleaned.n_used),
            "rows that make it so": ", ".join(one.rows.loc[one.rows["rule"] != "", "company"]) or "none",
        }
        for one in found
    ]
    note = (
        "as filed: all rows. without impossible rows: the same group, without those that a rule caught. cleaned: the "
        "headline, groups formed anew. rows: of the ten heaviest, those that a rule caught."
    )
    return table(heading(firms, "Ratios as filed, and cleaned"), rows, note=note, left=["rows that make it so"])


@or_reason("Rows as filed")
def heaviest(found: Sequence[Explanation], firms: Firms) -> Table:
    """Name the rows that ratios as filed hang on."""
    rows = [
        {
            **_key(one),
            "company": row.company,
            "net debt (bn)": show.number(row.net_debt / 1e9, 1),
            "EBITDA (bn)": show.number(row.ebitda / 1e9, 1),
            "ratio without it": show.number(row.ratio_without),
            "set aside because": row.rule or show.NONE,
        }
        for one in found
        for row in each(one.rows.head(SHOWN_ROWS // 3))
    ]
    note = "Of each ratio as filed, the rows that move it most; billions of the row's own currency."
    return table(heading(firms, "The rows that the ratios as filed hang on"), rows, note=note,
                 left=["company", "set aside because"])  # fmt: skip


def set_aside(found: pd.DataFrame, firms: Firms) -> Table:
    """List what was set aside, and the rule that caught it."""
    rows = [
        {
            "company": f"{row.company} {row.fiscal_year}",
            "rule": row.rule,
            "net debt (bn)": show.number(row.net_debt / 1e9, 1),
            "EBITDA (bn)": show.number(row.ebitda / 1e9, 1),
            "market value (bn)": show.number(row.market_value / 1e9, 2),
        }
        for row in each(found.head(SHOWN_ROWS))
    ]
    counted = "; ".join(f"{rule}: {n}" for rule, n in found["rule"].value_counts().items()) or "no row was caught"
    note = f"The heaviest of {len(found)} rows set aside, of {len(firms.every):,}. By rule: {counted}."
    empty = [dict.fromkeys(["company", "rule", "net debt (bn)", "EBITDA (bn)", "market value (bn)"], show.NONE)]
    return table(heading(firms, "Rows set aside as impossible"), rows or empty, note=note, left=["rule"])


def cover(found: pd.DataFrame, firms: Firms) -> Table:
    """Show interest cover and zombies."""
    rows = [
        {
            **_key(row),
            "payers": show.count(row.n_payers),
            "cover": show.number(row.cover),
            "95% interval": _range(row.cover_low, row.cover_high),
            "median": show.number(row.median_cover),
            "below 1": show.percent(row.below_one_share, 1),
            "zombies": show.percent(row.zombie_share, 1),
            "95% interval of zombies": show.interval(row.zombie_low, row.zombie_high, _percent),
            "of their debt": show.percent(row.zombie_debt_share, 1),
            "n with history": show.count(row.n_history),
            "too short": show.count(row.n_short_history),
        }
        for row in each(found)
    ]
    note = (
        f"cover: Σ operating income / Σ interest of companies with interest to pay. zombies: cover below 1 for "
        f"{firms.options.zombie_years} years on end, of companies whose history is that long; too short: the others."
    )
    return table(heading(firms, "Interest cover and zombies"), rows, note=note)


@or_reason("Refinancing")
def stress(found: Refinancing, firms: Firms) -> Table:
    """Show what rate moves do when one share of debt is repriced."""
    chosen = found.table[found.table["debt_share"] == found.debt_share]
    rows = [
        {
            "rate move (bp)": signed_bp(row.rate_move_bp),
            "group": row.group,
            "cover": show.number(row.cover),
            "below 1": show.percent(row.below_one_share, 1),
            "of debt": show.percent(row.below_one_debt_share, 1),
            "zombies": show.percent(row.zombie_share, 1),
            "zombies of debt": show.percent(row.zombie_debt_share, 1),
            "n": show.count(row.n),
        }
        for row in each(chosen.sort_values(["rate_move_bp", "group"]))
    ]
    note = (
        f"{show.percent(found.debt_share, 0)} of each one's debt repriced, fiscal {found.fiscal_year}; all else equal. "
        f"zombies: had they paid the new rate in each of the last {firms.options.zombie_years} years."
    )
    return table(heading(firms, "Cover after refinancing"), rows, note=note)


@or_reason("Break-even")
def break_even(found: Refinancing, firms: Firms) -> Table:
    """Show the rate moves at which companies fall below a cover of 1."""
    rows = [
        {
            "group": row.group,
            "debt repriced": show.percent(row.debt_share, 0),
            "next to fall (bp)": show.number(row.marginal_bp, 0),
            "which": row.marginal_firm or show.NONE,
            "a tenth fallen (bp)": show.number(row.tenth_bp, 0),
            "half fallen (bp)": show.number(row.median_bp, 0),
            "half of debt (bp)": show.number(row.median_debt_bp, 0),
            "n": show.count(row.n),
        }
        for row in each(found.break_even)
    ]
    note = f"Companies with debt and a cover of at least 1 in fiscal {found.fiscal_year}: those that can still fall."
    return table(heading(firms, "The rate rise at which cover falls below 1"), rows, note=note, left=["which"])


@or_reason("Prices")
def coverage(found: Returns, firms: Firms) -> Table:
    """Show how much of the companies the prices cover."""
    rows = [
        {
            **_key(row),
            "companies": show.count(row.n),
            "with prices": show.count(row.priced),
            "share": show.percent(row.share, 1),
            "by market value": show.percent(row.value_share, 1),
        }
        for row in each(found.coverage)
    ]
    survivors = (
        "Survivorship: the prices hold (nearly) only companies that are still quoted at the end; those that failed are "
        "missing, so that returns, of the indebted above all, look too good."
    )
    note = survivors if found.survivors_only else "Companies that left the market are among the prices."
    note = "Made-up companies never fail." if firms.simulated else note
    return table(heading(firms, "What the prices cover"), rows, note=note)


@or_reason("Portfolios by leverage")
def sorts(found: Mapping[str, PortfolioSort], firms: Firms) -> Table:
    """Show the mean monthly return of each portfolio by leverage."""
    rows = [
        {"companies": name, "portfolio": portfolio, **_mean(mean)}
        for name, one in found.items()
        for portfolio, mean in {**one.means, "most less least": one.premium}.items()
    ]
    note = (
        "Portfolio 1 is the least indebted fifth. Equally weighted, formed each month on reports published before; "
        "Newey-West intervals, 3 lags; p of a mean of zero."
    )
    return table(heading(firms, "Monthly returns by net debt to EBITDA"), rows, note=note, left=["portfolio"])


@or_reason("Regressions")
def regressions(found: Mapping[str, Regression], firms: Firms | None, *, title: str, note: str) -> Table:
    """Show the coefficients of one or more regressions of returns; `firms` where companies are what it is about."""
    rows = [
        {
            "returns of": PORTFOLIOS.get(name, name),
            "on": REGRESSORS.get(row.regressor, row.regressor),
            "coefficient": show.percent_change(row.coefficient, 3),
            "95% interval": show.interval(row.low, row.high, _points),
            "p": show.p_value(row.p_value),
            "periods": show.count(one.n_periods),
            "n": show.count(one.n),
        }
        for name, one in found.items()
        for row in each(one.table.drop("constant", errors="ignore"))
    ]
    return table(heading(firms, title) if firms else title, rows, note=note, left=["on"])


@or_reason("Event days")
def events(found: Events, firms: Firms) -> Table:
    """Show the slope of returns on leverage on the chosen days, against all other days."""
    rows = [
        {
            "day": row.asked,
            "session": row.session or "not in the data",
            "companies": show.count(row.n) if row.n else show.NONE,
            "slope": show.percent_change(row.slope, 3),
            "95% of other days": show.interval(row.low, row.high, _points),
            "p": show.p_value(row.p_value),
            "p (Holm)": show.p_value(row.p_holm),
            "smallest p": show.p_value(row.p_smallest),
            "other days": show.count(row.n_placebo),
        }
        for row in each(found.days)
    ]
    note = (
        "slope: return for each turn of net debt to EBITDA, companies with positive EBITDA. p: share of days at least "
        "as far from the median day; companies are not taken as independent. Holm: adjusted for the number of days."
    )
    return table(heading(firms, "Returns on leverage on chosen days"), rows, note=note)


def _mean(mean: MeanReturn) -> dict[str, str]:
    return {
        "mean a month": show.percent_change(mean.mean),
        "95% interval": show.interval(mean.low, mean.high, show.percent_change),
        "p": show.p_value(mean.p_value),
        "months": show.count(mean.n),
    }


def _key(row: Any) -> dict[str, str]:  # noqa: ANN401  # whatever has both
    return {"fiscal year": str(row.fiscal_year), "group": row.group}


def _range(low: float, high: float) -> str:
    return show.interval(low, high, show.number)


def _percent(value: float | None) -> str:
    return show.percent(value, 1)


def _points(value: float | None) -> str:
    return show.percent_change(value, 3)
