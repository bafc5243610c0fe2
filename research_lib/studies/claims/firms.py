"""Companies: what they owe, what refinancing does to them, and how their prices go with rates."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from research_lib.claims_file import DoubleEdge, Firms, Leverage, Refinancing
from research_lib.errors import InsufficientDataError
from research_lib.stats.policy_cycles import DAYS_PER_MONTH
from research_lib.stats.ratios import LARGE, SMALL, group_ratio
from research_lib.stats.refinancing import stress
from research_lib.studies import leverage as study
from research_lib.studies.claims.context import Context
from research_lib.studies.claims.registry import check
from research_lib.studies.claims.result import Computed, Reading

LABELS = {
    "net_debt_to_ebitda": "net debt to EBITDA",
    "due_within_year": "share of debt due within a year",
    "negative_ebitda_share": "share of companies without EBITDA",
    "cover": "interest cover",
    "below_one_share": "share of companies with interest cover below one",
    "below_one_debt_share": "share of debt of companies with interest cover below one",
}


@check("leverage")
def leverage(args: Leverage, context: Context) -> Computed:
    """Take a ratio of one group of companies, or the small one's less the large one's."""
    firms = _prepare(args, context)
    column = "ratio" if args.measure == "net_debt_to_ebitda" else args.measure

    def read(year: int) -> Reading:
        ratios = {group: group_ratio(_rows(firms, year, group), seed=context.seed) for group in (SMALL, LARGE)}
        values = {group: float(getattr(ratio, column)) for group, ratio in ratios.items()}
        counts = {group: ratio.n_used for group, ratio in ratios.items()}
        interval = (np.nan, np.nan)
        if column == "ratio" and args.group in ratios:
            interval = ratios[args.group].low, ratios[args.group].high
        elif column == "negative_ebitda_share":
            interval = _share_interval(args, values, counts)
        return _reading(
            args, firms, (values, counts), f"{LABELS[args.measure]} in {_when(firms, year, context)}", interval
        )

    proxy = f"needs {args.proxy_for}; what follows is a proxy and decides nothing" if args.proxy_for else ""
    return Computed(f"{LABELS[args.measure].capitalize()}, {args.group}", (_in_year(args, firms, read),), proxy=proxy)


def _share_interval(args: Firms, values: dict[str, float], counts: dict[str, int]) -> tuple[float, float]:
    """Give the 95% interval of a share of companies, or of the difference of two, by the normal limit."""
    groups = [args.group] if args.group in values else [SMALL, LARGE]
    reach = 1.959964 * float(np.sqrt(sum(values[one] * (1 - values[one]) / counts[one] for one in groups)))
    return _of(args, values) - reach, _of(args, values) + reach


@check("refinancing")
def refinancing(args: Refinancing, context: Context) -> Computed:
    """Take interest cover or firms below one with a share of debt repriced, or what repricing adds."""
    firms = _prepare(args, context)

    def read(year: int) -> Reading:
        values, counts = {}, {}
        for group in (SMALL, LARGE):
            members = firms.clean.index.to_series().isin(_rows(firms, year, group).index)
            after, before = (
                stress(firms.clean, members, rate_move_bp=move, debt_share=args.debt_share,
                       zombie_years=firms.options.zombie_years)
                for move in (args.rate_move_bp, 0)
            )  # fmt: skip
            values[group] = float(getattr(after, args.measure)) - (
                float(getattr(before, args.measure)) if args.added else 0.0
            )
            counts[group] = after.n
        return _reading(args, firms, (values, counts), f"{what} in {_when(firms, year, context)}", (np.nan, np.nan))

    what = LABELS[args.measure]
    if args.rate_move_bp:
        how = "added by" if args.added else "after"
        what += f" {how} repricing {args.debt_share:.0%} of debt by {args.rate_move_bp:+d} bp"
    return Computed(f"{what.capitalize()}, {args.group}", (_in_year(args, firms, read),))


@check("double_edge")
def double_edge(args: DoubleEdge, context: Context) -> Computed:
    """Regress companies' monthly returns on leverage times rises and falls of a rate."""
    firms = context.once("firms", lambda: study.prepare(context.fundamentals()))
    returns = context.once("returns", lambda: study.monthly_returns(firms, context.panel()))
    edge = context.once(args.driver, lambda: study.double_edge(returns, context.series(args.driver)))
    found = edge["all"]
    effect = found["leverage x up" if args.move == "rise" else "leverage x down"]
    # The regressor `down` is negative: what a fall adds is minus its coefficient.
    sign = 1.0 if args.move == "rise" else -1.0
    value, ends = sign * effect.value, sorted([sign * effect.low, sign * effect.high])
    basis = (
        f"in a month in which {args.driver} made a point of {args.move}, one turn more of net debt to EBITDA added "
        f"{value:+.2%} to a company's return; {found.n_companies:,} companies, {found.n_periods} months"
    )
    basis += ", survivors only" if returns.survivors_only else ""
    months = returns.months
    reading = Reading(value, found.n, months[0], months[-1], basis, (), ends[0], ends[1], effect.p_value)
    return Computed(f"Leverage times the {args.move} of {args.driver}, by month", (reading,))


def _prepare(args: Firms, context: Context) -> study.Firms:
    options = study.Options(args.large, args.small)
    return context.once(options, lambda: study.prepare(context.fundamentals(), options=options))


def _rows(firms: study.Firms, year: int, group: str) -> pd.DataFrame:
    return firms.chosen[(firms.chosen["fiscal_year"] == year) & (firms.chosen["group"] == group)]


def _when(firms: study.Firms, year: int, context: Context) -> str:
    """Name a fiscal year, and how old its statements are on the day: old ones say little of what looms."""
    ends = pd.DatetimeIndex(firms.chosen.loc[firms.chosen["fiscal_year"] == year, "period_end"]).sort_values()
    end = ends[len(ends) // 2]
    return f"fiscal {year}, which ended {round((context.day - end).days / DAYS_PER_MONTH)} months before"


def _of(args: Firms, values: dict[str, float]) -> float:
    return values[args.group] if args.group in values else values[SMALL] - values[LARGE]


def _reading(
    args: Firms,
    firms: study.Firms,
    of_groups: tuple[dict[str, float], dict[str, int]],
    what: str,
    interval: tuple[float, float],
) -> Reading:
    values, counts = of_groups
    value = _of(args, values)
    if np.isnan(value):
        raise InsufficientDataError(f"{what} is undefined")
    is_share = "percent" in args.units_now
    shown = [
        f"{group} {f'{one:.1%}' if is_share else f'{one:.2f}'} (n = {counts[group]:,})" for group, one in values.items()
    ]
    known, n = pd.DatetimeIndex(firms.clean["known_from"]), counts.get(args.group, sum(counts.values()))
    return Reading(value, n, known.min(), known.max(), f"{what}: {', '.join(shown)}", (), *interval)


def _in_year(args: Firms, firms: study.Firms, read: Callable[[int], Reading]) -> Reading:
    """Read the year asked for; where there is none, say what the last one gave."""
    try:
        year = firms.year(args.fiscal_year)
    except InsufficientDataError as error:
        last = read(firms.last_year)
        raise InsufficientDataError(f"{error}; there, {last.basis}") from None
    return read(year)
