"""The findings of `02_leverage_net_debt`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from research_lib.data.card import DataCard
from research_lib.exhibits.leverage import VERDICT
from research_lib.findings import Finding, Findings
from research_lib.stats.cross_section import Regression
from research_lib.stats.ratios import LARGE
from research_lib.studies.leverage import GROUPS, Firms, QuoteCheck, Refinancing
from research_lib.studies.result import Unavailable

NO_AMOUNTS = "none: the bundled data has no amounts of debt and earnings of real companies, and no prices of them"
MONTHLY = "a month, as a decimal, for each turn of net debt to EBITDA"


def leverage_findings(cards: Sequence[DataCard], *parts: Iterable[Finding]) -> Findings:
    """Put the study's numbers together; the other functions of this module make the parts."""
    return Findings(tuple(cards), tuple(finding for part in parts for finding in part))


def of_groups(
    quote: QuoteCheck | Unavailable, solvency: pd.DataFrame, refinancing: Refinancing | Unavailable, firms: Firms
) -> list[Finding]:
    """Name what the size groups owe and how they cover it; None with the reason where the data has no groups."""
    if isinstance(quote, Unavailable):
        return _for_real([Finding(name, None, unit, None, quote.reason) for name, unit in GROUP_UNITS.items()], firms)
    year, found = quote.fiscal_year, []
    for group in GROUPS:
        found += _of_ratio(quote, group, year)
        found += _of_cover(solvency.xs((year, group)), group, f"fiscal {year}, {firms.options.zombie_years} years")
        found += [] if isinstance(refinancing, Unavailable) else [_of_stress(refinancing, group)]
    return _for_real([*found, *_of_quote(quote)], firms)


def _of_quote(quote: QuoteCheck) -> list[Finding]:
    n, gap = quote.large.n_used + quote.small.n_used, "small less large; bootstrap over firms of both"
    verdicts = {"large": (quote.large_holds, "1.4"), "small": (quote.small_holds, "more than 4")}
    return [
        Finding("nd_ebitda_gap", quote.gap, "turns", n, gap, quote.gap_low, quote.gap_high),
        *(
            Finding(
                f"quote_{group}",
                VERDICT[holds],
                "verdict",
                None,
                f"“{said}” for {group} companies, fiscal {quote.fiscal_year}",
            )
            for group, (holds, said) in verdicts.items()
        ),
    ]


UNITS = {
    "nd_ebitda": "turns",
    "nd_ebitda_median": "turns",
    "nd_ebitda_top5_share": "fraction",
    "ebitda_negative_share": "fraction",
    "cover": "times",
    "zombie_share": "fraction",
    "stress_zombie_share": "fraction",
}
GROUP_UNITS = {f"{name}_{group}": unit for group in GROUPS for name, unit in UNITS.items()}


def _of_ratio(quote: QuoteCheck, group: str, year: int) -> list[Finding]:
    one = quote.large if group == LARGE else quote.small
    what = f"net debt / EBITDA of {group} companies, fiscal {year}"
    positive = round(one.n_used * (1 - one.negative_ebitda_share)) if one.n_used else 0
    return [
        Finding(f"nd_ebitda_{group}", one.ratio, "turns", one.n_used, f"Σ/Σ, {what}", one.low, one.high),
        Finding(f"nd_ebitda_median_{group}", one.median, "turns", positive, f"median where EBITDA > 0, {what}"),
        Finding(f"nd_ebitda_top5_share_{group}", one.top_share, "fraction", one.n_used,
                f"1 - ratio without the five that move it most ({', '.join(one.top)}) / ratio, {what}"),
        Finding(f"ebitda_negative_share_{group}", one.negative_ebitda_share, "fraction", one.n_used,
                f"{group} companies with EBITDA of zero or less, fiscal {year}"),
    ]  # fmt: skip


def _of_cover(one: Any, group: str, what: str) -> list[Finding]:  # noqa: ANN401  # a row
    return [
        Finding(f"cover_{group}", one["cover"], "times", int(one["n_payers"]),
                f"Σ operating income / Σ interest of payers, {what.partition(',')[0]}", one["cover_low"],
                one["cover_high"]),
        Finding(f"zombie_share_{group}", one["zombie_share"], "fraction", int(one["n_history"]),
                f"cover below 1 in each of the last years ({what}), of companies with that history; null: none has",
                one["zombie_low"], one["zombie_high"]),
    ]  # fmt: skip


def _of_stress(found: Refinancing, group: str) -> Finding:
    table = found.table
    chosen = (table["rate_move_bp"] == found.rate_move_bp) & (table["debt_share"] == found.debt_share)
    row = table[chosen & (table["group"] == group)].iloc[0]
    what = f"the same, had {found.debt_share:.0%} of debt cost {found.rate_move_bp:+g} bp in all those years"
    return Finding(f"stress_zombie_share_{group}", row["zombie_share"], "fraction", int(row["n_history"]), what)


def of_returns(
    premium: Mapping[str, Regression] | Unavailable, edge: Mapping[str, Regression] | Unavailable, firms: Firms
) -> list[Finding]:
    """Name what returns did with leverage, and with leverage and rate moves."""
    per_point = f"{MONTHLY} and percentage point of"
    found = [
        *_of_slopes("leverage_premium", premium, "leverage", f"Fama-MacBeth: return {MONTHLY}, Newey-West"),
        *_of_slopes("leverage_x_rate_up", edge, "leverage x up", f"return {per_point} rate rise, two-way clustered"),
        *_of_slopes("leverage_x_rate_down", edge, "leverage x down", f"return {per_point} rate change where it fell "
                    "(negative), two-way clustered"),
    ]  # fmt: skip
    return _for_real(found, firms)


def _of_slopes(
    name: str, found: Mapping[str, Regression] | Unavailable, regressor: str, definition: str
) -> list[Finding]:
    if isinstance(found, Unavailable):
        return [Finding(name, None, "fraction", None, found.reason)]
    return [
        _of_row(
            name if who == "all" else f"{name}_{who}", one, regressor, f"{definition}; {who} companies, n in months"
        )
        for who, one in found.items()
        if regressor in one.table.index
    ] or [Finding(name, None, "fraction", None, "none: the rate did not move so in these months")]


def of_proxies(
    spreads: Mapping[str, Regression] | Unavailable, cross_section: Regression | Unavailable
) -> list[Finding]:
    """Name what can be said without amounts of debt."""
    drivers = {"spread": "Baa - Aaa spread", "bill_up": "bill-rate rise", "bill_down": "bill-rate fall (negative)"}
    names = {driver: f"small_less_large_x_{driver}" for driver in drivers}
    found = [
        Finding(names[driver], None, "fraction", None, spreads.reason)
        if isinstance(spreads, Unavailable)
        else _of_row(names[driver], spreads["SMB"], driver, f"SMB a month, per percentage point of {what}: a proxy")
        for driver, what in drivers.items()
    ]
    name, what = (
        "debt_to_capital_slope",
        "price change 1990 to 1994 per unit of debt to capital in 1990, size held equal",
    )
    if isinstance(cross_section, Unavailable):
        return [*found, Finding(name, None, "fraction", None, cross_section.reason)]
    return [*found, _of_row(name, cross_section, "debt_to_capital", what, n=cross_section.n)]


def _of_row(name: str, found: Regression, regressor: str, definition: str, *, n: int | None = None) -> Finding:
    slope = found[regressor]
    return Finding(name, slope.value, "fraction", n or found.n_periods, definition, slope.low, slope.high)


def _for_real(found: list[Finding], firms: Firms) -> list[Finding]:
    """Keep made-up companies' numbers from passing for real ones: by name, and with an empty one in their place."""
    if not firms.simulated:
        return found
    none = [replace(one, value=None, n=None, low=None, high=None, definition=NO_AMOUNTS) for one in found]
    marked = [
        replace(one, name=f"simulated_{one.name}", definition=f"SIMULATED: {one.definition}")
        for one in found
        if one.unit != "verdict"  # made-up companies neither confirm nor refute what is quoted
    ]
    return none + marked
