"""Sentences of the leverage study; every number in them is computed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from research_lib.data.simulated import Planted
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.exhibits.leverage import sectors_in_words
from research_lib.exhibits.reasons import or_reason
from research_lib.stats.cross_section import Coefficient, Regression
from research_lib.stats.ratios import LARGE, SMALL, GroupRatio
from research_lib.studies.leverage import QUOTED, Explanation, Firms, QuoteCheck
from research_lib.studies.result import Unavailable

QUOTE = f"“More than {QUOTED[SMALL]:g} for small against {QUOTED[LARGE]:g} for large”"
SHOWN_CULPRITS = 3
NOT_HERE = (
    f"**{QUOTE} cannot be checked on the bundled data**: it has no amounts of debt and earnings of real companies. "
    "`source: folder` with SimFin's files, or one's own, answers it. What the bundled data can show:"
)


def headline(
    quote: QuoteCheck | Unavailable, filed: Sequence[Explanation] | Unavailable, by_year: pd.DataFrame, firms: Firms
) -> Prose:
    """Say whether the quoted figure holds on this data and definition."""
    if firms.simulated:
        return Prose(NOT_HERE)
    if isinstance(quote, Unavailable) or isinstance(filed, Unavailable):
        reason = quote.reason if isinstance(quote, Unavailable) else ""
        return Prose(f"**{QUOTE} cannot be checked on this data**: {reason}.")
    parts = [
        _verdict(quote),
        _figures(quote),
        _years(by_year),
        _as_filed(filed),
        f"Note that {sectors_in_words(firms)}.",
    ]
    return Prose(" ".join(part for part in parts if part))


def _verdict(quote: QuoteCheck) -> str:
    if quote.small_holds is None:
        return f"**{QUOTE} cannot be told on this data and definition**: the interval of the small includes 4."
    if quote.small_holds and quote.large_holds:
        return f"**{QUOTE} holds on this data and definition.**"
    half = "the 1.4 does, the 4 does not" if quote.large_holds else "the 4 does, the 1.4 does not"
    none = not quote.small_holds and not quote.large_holds
    return f"**{QUOTE} does not hold on this data and definition**: {'neither figure does' if none else half}."


def _figures(quote: QuoteCheck) -> str:
    small, large = quote.small, quote.large
    return (
        f"In fiscal {quote.fiscal_year} small companies owed **{show.number(small.ratio)} times EBITDA** "
        f"({_interval_and_n(small)}), large ones **{show.number(large.ratio)}** ({_interval_and_n(large)}); the gap is "
        f"{show.number(quote.gap)} ({show.interval(quote.gap_low, quote.gap_high, show.number)}). The median company "
        f"with positive EBITDA owed {show.number(small.median)} among the small and {show.number(large.median)} among "
        f"the large; {show.percent(small.negative_ebitda_share, 0)} of the small and "
        f"{show.percent(large.negative_ebitda_share, 0)} of the large had EBITDA of zero or less."
    )


def _interval_and_n(ratio: GroupRatio) -> str:
    return f"Σ/Σ, 95% interval {show.interval(ratio.low, ratio.high, show.number)}, n = {ratio.n_used:,}"


def _years(by_year: pd.DataFrame) -> str:
    small = by_year["ratio"].xs(SMALL, level="group").dropna()
    if len(small) < 2:
        return ""
    return (
        f"From fiscal {small.index[0]} to {small.index[-1]} the small ratio ran from {show.number(small.min())} to "
        f"{show.number(small.max())}."
    )


def _as_filed(filed: Sequence[Explanation]) -> str:
    far = [one for one in filed if not one.cleaned.low <= one.as_filed <= one.cleaned.high]
    told = [
        f"{show.number(one.as_filed)} for {one.group} in fiscal {one.fiscal_year} ({_culprits(one)}; cleaned "
        f"{show.number(one.cleaned.ratio)})"
        for one in far
        if np.isfinite(one.as_filed)
    ]
    return f"As filed, with impossible rows left in, the files give {' and '.join(told)}." if told else ""


def _culprits(one: Explanation) -> str:
    caught = one.rows.loc[one.rows["rule"] != "", "company"].head(SHOWN_CULPRITS).tolist()
    return f"above all because of {', '.join(caught)}" if caught else "no single row"


def cross_section(found: Regression | Unavailable) -> Prose:
    """Say what the 142 firms show."""
    if isinstance(found, Unavailable):
        return Prose("")
    slope = found["debt_to_capital"]
    return Prose(
        f"{found.n} firms, 1990 to 1994: ten points more debt to capital went with "
        f"{_estimate(slope, times=0.1)} of price change (n = {found.n})."
    )


def spreads(found: Mapping[str, Regression] | Unavailable) -> Prose:
    """Say what small less large does when the credit spread widens: a proxy for leverage."""
    if isinstance(found, Unavailable):
        return Prose("")
    smb = found["SMB"]
    return Prose(
        f"In months in which the Baa-Aaa spread widened by one point, small less large returned "
        f"{_estimate(smb['spread'])}; n = {smb.n:,} months; a proxy for leverage, no more."
    )


@or_reason("Returns and leverage")
def returns(
    premium: Mapping[str, Regression], edge: Mapping[str, Regression] | Unavailable, *, planted: Planted | None
) -> Prose:
    """Say whether leverage paid, and what it did when rates moved; beside the truth where it was planted."""
    slope, months = premium["all"]["leverage"], premium["all"].n_periods
    truth = f" (planted: {show.percent_change(planted.premium)}, and what rates do)" if planted else ""
    told = [
        f"{'SIMULATED companies: one' if planted else 'One'} turn more of net debt to EBITDA went with "
        f"{_estimate(slope, digits=3)} a month{truth}, n = {months} months."
    ]
    if not isinstance(edge, Unavailable):
        up, down = (edge["all"][f"leverage x {side}"] for side in ("up", "down"))
        truth = f" (planted: {_both(planted.rate_up, -planted.rate_down)})" if planted else ""
        told += [
            f"A rate rise of one point added {_estimate(up)} to it, a fall of one point "
            f"{_estimate(down, times=-1)}{truth}."
        ]
    return Prose(" ".join(told))


def _both(up: float, down: float) -> str:
    return f"{show.percent_change(up)} and {show.percent_change(down)}"


def _estimate(found: Coefficient, *, times: float = 1, digits: int = 2) -> str:
    low, high = sorted((times * found.low, times * found.high))
    ends = show.interval(low, high, lambda end: show.percent_change(end, digits))
    verdict = "" if found.p_value < 0.05 else ", no more than chance"
    return f"{show.percent_change(times * found.value, digits)} (95% interval {ends}{verdict})"
