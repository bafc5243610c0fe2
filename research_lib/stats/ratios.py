"""How indebted a group of companies is, how sure one can be of it, and which few rows it hangs on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.shown import Shown
from research_lib.stats.inference import CONFIDENCE, Floats

Flags = NDArray[np.bool_]

CONTRIBUTORS = 5
LARGE, SMALL = "large", "small"

# As GICS, ICB, SimFin and SIC-based files name them; compared without regard to case.
FINANCIAL_SECTORS = ("financials", "financial services", "finance", "financial", "banks", "insurance", "real estate")

# Internal contradictions smaller than this are rounding in the file.
ROUNDING = 0.01


@dataclass(frozen=True)
class Limits(Shown):
    """What no company can be; amounts in US dollars, or whatever most rows are in.

    Attributes
    ----------
    revenue, total_assets, ebitda, market_value : float
        Each above the largest that any company has reported (Walmart, 681 billion of revenue in fiscal 2025; ICBC,
        6.7 trillion of assets; Saudi Aramco's EBITDA, about 300 billion; Nvidia, 5 trillion of market value).
    growth : float
        Total assets over the smallest of the company's earlier years: a factor of a thousand is a change of unit.
    growth_from : float
        Earlier assets from which that is judged: a shell that is filled by a merger may well grow so.
    book_to_market : float
        Book equity, either sign, over market value: more means shares in thousands, or statements in another unit.
    price_from : float
        Price from which that is judged: below a dollar it may be the price of a company that has failed.
    ebitda_to_value, loss_to_value : float
        EBITDA, and its negative, over market value plus debt: no one sells a company for five months' earnings.
    """

    revenue: float = 7e11
    total_assets: float = 7e12
    ebitda: float = 4e11
    market_value: float = 6e12
    growth: float = 500.0
    growth_from: float = 1e7
    book_to_market: float = 50.0
    price_from: float = 1.0
    ebitda_to_value: float = 2.5
    loss_to_value: float = 100.0


DEFAULT_LIMITS = Limits()


def measure(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what the definitions rest on to rows of fundamentals, the last row of each company and fiscal year.

    Adds `debt`, `net_debt`, `ebitda` (NaN where a part is missing), and `interest`: the expense, zero where none is
    given and there is no debt. Sorted by company and fiscal year.

    Notes
    -----
    Net debt = short-term + long-term debt - cash and short-term investments. EBITDA = operating income + D&A.
    """
    ordered = rows.sort_values(["company", "fiscal_year", "period_end"], kind="stable")
    latest = ordered[~ordered.duplicated(["company", "fiscal_year"], keep="last")]
    debt = latest["short_term_debt"] + latest["long_term_debt"]
    interest = latest["interest_expense"]
    return latest.assign(
        debt=debt,
        net_debt=debt - latest["cash"],
        ebitda=latest["operating_income"] + latest["depreciation_amortization"],
        interest=interest.mask(interest.isna() & debt.eq(0), 0.0),
    )


def impossible_rows(firms: pd.DataFrame, *, limits: Limits = DEFAULT_LIMITS) -> "pd.Series[str]":
    """Name the first rule that catches each row; empty where none does.

    A row is judged by itself, by its market value and by the company's earlier years: nothing later is looked at.

    Parameters
    ----------
    firms : DataFrame
        From `measure`, all companies and years together.
    limits : Limits
        What no company can be.

    Returns
    -------
    Series of str
        On the index of `firms`; comparisons with a missing value catch nothing.
    """
    rules = {**_contradictions(firms), **_beyond(firms, limits), **_against_market(firms, limits)}
    caught = np.stack([flags.to_numpy(dtype=bool) for flags in rules.values()])
    names = np.array([*rules, ""], dtype=object)
    first = np.where(caught.any(axis=0), caught.argmax(axis=0), len(rules))
    return pd.Series(names[first], firms.index, dtype="str", name="rule")


def _contradictions(firms: pd.DataFrame) -> dict[str, "pd.Series[bool]"]:
    above = 1 + ROUNDING
    usual = firms["currency"].mode()
    return {
        "in another currency": firms["currency"].ne(usual.iloc[0] if len(usual) else ""),
        "negative debt": firms["short_term_debt"].lt(0) | firms["long_term_debt"].lt(0),
        "negative cash": firms["cash"] < 0,
        "no assets": firms["total_assets"] <= 0,
        "cash above total assets": firms["cash"] > above * firms["total_assets"],
        "debt above total liabilities": firms["debt"] > above * firms["total_liabilities"],
    }


def _beyond(firms: pd.DataFrame, limits: Limits) -> dict[str, "pd.Series[bool]"]:
    smallest = firms["total_assets"].groupby(firms["company"], sort=False).cummin()  # up to and with the row's year
    grown = firms["total_assets"] > limits.growth * smallest
    return {
        "larger than any company": (firms["revenue"] > limits.revenue)
        | (firms["total_assets"] > limits.total_assets)
        | (firms["ebitda"].abs() > limits.ebitda)
        | (firms["market_value"] > limits.market_value),
        "assets in another unit than in an earlier year": grown & smallest.gt(limits.growth_from),
    }


def _against_market(firms: pd.DataFrame, limits: Limits) -> dict[str, "pd.Series[bool]"]:
    value = firms["market_value"]
    apart = firms["total_equity"].abs() > limits.book_to_market * value
    enterprise = value + firms["debt"]
    return {
        "book value and market value in different units": apart & firms["price"].gt(limits.price_from),
        "EBITDA out of proportion to market value and debt": (firms["ebitda"] > limits.ebitda_to_value * enterprise)
        | (firms["ebitda"] < -limits.loss_to_value * enterprise),
    }


def assign_groups(firms: pd.DataFrame, *, large: int, small: int) -> "pd.Series[str]":
    """Put the largest `large` companies of each fiscal year into `large`, the next `small` into `small`.

    Parameters
    ----------
    firms : DataFrame
        With `fiscal_year` and `market_value`, each as of the date on which its row became known.
    large, small : int
        Companies in each group; further ones, and those without a market value, are in none (empty).
    """
    rank = firms.groupby("fiscal_year")["market_value"].rank(ascending=False, method="first")
    group = np.select([rank <= large, rank <= large + small], [LARGE, SMALL], "")
    return pd.Series(group, firms.index, dtype="str", name="group")


def is_financial(sector: "pd.Series[str]") -> "pd.Series[bool]":
    """Flag financials and real estate; a company without a sector is not flagged, because no one knows."""
    return sector.str.casefold().isin(FINANCIAL_SECTORS)


@dataclass(frozen=True)
class GroupRatio(Shown):
    """Net debt to EBITDA of one group in one year, and what it rests on.

    Attributes
    ----------
    n, n_used : int
        Firms; those with net debt and EBITDA known, which is what everything below is of.
    coverage : float
        n_used / n.
    value_coverage : float
        The same by market value, NaN without any.
    net_debt, ebitda : float
        Sums, in the rows' currency.
    ratio, low, high : float
        Sum over sum, NaN where the sum of EBITDA is not positive; 95% bootstrap interval over firms, infinite at
        the end where resampled EBITDA is not positive.
    median : float
        Of the firms with positive EBITDA, where alone the ratio is defined.
    negative_ebitda_share : float
        Firms with EBITDA of zero or less.
    net_cash_share : float
        Firms with net debt below zero.
    due_within_year : float
        Short-term debt over all debt, sum over sum.
    top : tuple of str
        The five companies whose leaving out, each alone, moves the ratio most, the first one most.
    top_share : float
        How much of the ratio the five are: 1 - without_top / ratio. Negative where they lower it.
    without_top : float
        The ratio without all five.
    """

    n: int
    n_used: int
    coverage: float
    value_coverage: float
    net_debt: float
    ebitda: float
    ratio: float
    low: float
    high: float
    median: float
    negative_ebitda_share: float
    net_cash_share: float
    due_within_year: float
    top: tuple[str, ...]
    top_share: float
    without_top: float


def group_ratio(firms: pd.DataFrame, *, draws: int = 1000, seed: int = 0) -> GroupRatio:
    """Take a group's net debt to EBITDA, all its firms together.

    Parameters
    ----------
    firms : DataFrame
        From `measure`, the rows of one group and year.
    draws, seed : int
        Of the bootstrap; with no draws the interval is NaN.

    Notes
    -----
    Sum of net debt / sum of EBITDA: firms with EBITDA of zero or less are in both sums.
    """
    used = firms[firms["net_debt"].notna() & firms["ebitda"].notna()]
    net_debt, ebitda = used["net_debt"].to_numpy(), used["ebitda"].to_numpy()
    ratio = _over(net_debt.sum(), ebitda.sum())
    low, high = ratio_interval(net_debt, ebitda, draws=draws, seed=seed)
    top = leave_one_out(net_debt, ebitda).argsort(kind="stable")[::-1][:CONTRIBUTORS]
    without = _over(net_debt.sum() - net_debt[top].sum(), ebitda.sum() - ebitda[top].sum())
    return GroupRatio(
        n=len(firms),
        n_used=len(used),
        coverage=_over(len(used), len(firms)),
        value_coverage=_over(used["market_value"].sum(), firms["market_value"].sum()),
        net_debt=float(net_debt.sum()),
        ebitda=float(ebitda.sum()),
        ratio=ratio,
        low=low,
        high=high,
        median=median_ratio(net_debt, ebitda),
        negative_ebitda_share=_share(ebitda <= 0),
        net_cash_share=_share(net_debt < 0),
        due_within_year=_over(used["short_term_debt"].sum(), used["debt"].sum()),
        top=tuple(used["company"].to_numpy()[top].tolist()),
        top_share=1 - without / ratio if ratio else np.nan,
        without_top=without,
    )


def leave_one_out(net_debt: Floats, ebitda: Floats) -> Floats:
    """Return how far the ratio moves, without its sign, when each firm, shape (n,), is left out alone."""
    rest = ebitda.sum() - ebitda
    without = np.divide(net_debt.sum() - net_debt, rest, out=np.full(len(rest), np.inf), where=rest > 0)
    return np.asarray(np.abs(without - _over(net_debt.sum(), ebitda.sum())))


def ratio_interval(net_debt: Floats, ebitda: Floats, *, draws: int, seed: int) -> tuple[float, float]:
    """Return the 95% percentile interval of the ratio of sums, over firms drawn with replacement.

    Parameters
    ----------
    net_debt, ebitda : arrays of shape (n,)
        In one currency.

    Notes
    -----
    Firms are drawn, not rows of a time series: it says how much the ratio hangs on which firms happen to be in the
    group (Davison and Hinkley, 1997, section 2.4), nothing about errors in the statements.
    """
    if draws == 0 or len(ebitda) == 0:
        return np.nan, np.nan
    ratios = ratio_draws(net_debt, ebitda, draws=draws, seed=seed)
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(ratios, tails, method="inverted_cdf")  # no interpolation: a draw may be infinite
    return float(low), float(high)


def ratio_draws(net_debt: Floats, ebitda: Floats, *, draws: int, seed: int) -> Floats:
    """Return resampled ratios, shape (draws,); infinite where resampled EBITDA is not positive."""
    drawn = np.random.default_rng(seed).integers(0, len(ebitda), size=(draws, len(ebitda)), dtype=np.int32)
    over, under = net_debt[drawn].sum(axis=1), ebitda[drawn].sum(axis=1)
    return np.asarray(np.divide(over, under, out=np.full(draws, np.inf), where=under > 0))


def median_ratio(net_debt: Floats, ebitda: Floats) -> float:
    """Return the median ratio of the firms with positive EBITDA, NaN without any."""
    defined = ebitda > 0
    return float(np.median(net_debt[defined] / ebitda[defined])) if defined.any() else np.nan


def contributions(firms: pd.DataFrame) -> pd.DataFrame:
    """Show which rows a group's ratio hangs on, the heaviest first.

    Returns
    -------
    DataFrame
        Indexed as `firms`; `company`, `net_debt`, `ebitda`, `ratio_without` (the ratio when this row alone is left
        out) and `moves_by` (the ratio less that), with the `rule` that catches the row where `firms` has one.
    """
    used = firms[firms["net_debt"].notna() & firms["ebitda"].notna()]
    net_debt, ebitda = used["net_debt"].to_numpy(), used["ebitda"].to_numpy()
    rest = ebitda.sum() - ebitda
    without = np.divide(net_debt.sum() - net_debt, rest, out=np.full(len(rest), np.nan), where=rest > 0)
    columns = [name for name in ("company", "fiscal_year", "net_debt", "ebitda", "rule") if name in used]
    moved = used[columns].assign(ratio_without=without, moves_by=_over(net_debt.sum(), ebitda.sum()) - without)
    order = np.argsort(-leave_one_out(net_debt, ebitda), kind="stable")
    return moved.iloc[order]


@dataclass(frozen=True)
class Definitions(Shown):
    """The ratio of one group and year on each definition in use; NaN where it is not defined.

    Attributes
    ----------
    sum_over_sum : float
        The headline: net debt over EBITDA, all firms together.
    median : float
        Of firms with positive EBITDA.
    mean_of_ratios : float
        The same firms, each with one vote.
    trimmed_mean : float
        The mean of ratios without the lowest and the highest `TRIM` of them.
    positive_only : float
        Sum over sum of the firms with positive EBITDA: what is left when losses are dropped silently.
    never_restated : float
        Sum over sum of the rows whose values are those first published.
    n, n_positive, n_never_restated : int
        Firms in each.
    """

    sum_over_sum: float
    median: float
    mean_of_ratios: float
    trimmed_mean: float
    positive_only: float
    never_restated: float
    n: int
    n_positive: int
    n_never_restated: int


TRIM = 0.05


def alternative_definitions(firms: pd.DataFrame) -> Definitions:
    """Take one group's ratio on every definition in use; rows from `measure`, of one group and year."""
    from scipy.stats import trim_mean

    used = firms[firms["net_debt"].notna() & firms["ebitda"].notna()]
    positive = used[used["ebitda"] > 0]
    ratios = (positive["net_debt"] / positive["ebitda"]).to_numpy()
    first = used[~(used["restated_on"] > used["known_from"])]
    return Definitions(
        sum_over_sum=_ratio_of(used),
        median=float(np.median(ratios)) if len(ratios) else np.nan,
        mean_of_ratios=float(ratios.mean()) if len(ratios) else np.nan,
        trimmed_mean=float(trim_mean(ratios, TRIM)) if len(ratios) else np.nan,
        positive_only=_ratio_of(positive),
        never_restated=_ratio_of(first),
        n=len(used),
        n_positive=len(positive),
        n_never_restated=len(first),
    )


def below_one(operating_income: Floats, interest: Floats) -> Floats:
    """Flag interest cover below one: 1.0 where it is, 0.0 where not, NaN where unknown.

    A firm without net interest to pay has no cover, and cannot fall short of it.
    """
    flags = ((interest > 0) & (operating_income < interest)).astype(np.float64)
    return np.where(np.isnan(operating_income) | np.isnan(interest), np.nan, flags)


def zombie_flags(firms: pd.DataFrame, below: Floats, *, zombie_years: int) -> Floats:
    """Flag firms whose cover was below one in each of the last `zombie_years` fiscal years.

    Parameters
    ----------
    firms : DataFrame
        From `measure`: sorted by company and fiscal year, all years together.
    below : array of shape (rows,)
        From `below_one`.

    Returns
    -------
    array of shape (rows,)
        1.0 or 0.0; NaN where that many consecutive years are not known: history is too short to tell.
    """
    company, year = pd.factorize(firms["company"])[0], firms["fiscal_year"].to_numpy()
    flags = below.copy()
    for lag in range(1, zombie_years):
        flags[:lag] = np.nan
        unbroken = (company[lag:] == company[:-lag]) & (year[lag:] - year[:-lag] == lag)
        flags[lag:] = np.where(unbroken, np.minimum(flags[lag:], below[:-lag]), np.nan)
    return flags


@dataclass(frozen=True)
class Solvency(Shown):
    """How well one group's operating income covers its interest in one year.

    Attributes
    ----------
    n, n_payers : int
        Firms with cover known; those with net interest to pay.
    cover : float
        Sum of operating income / sum of interest, of the payers.
    cover_low, cover_high : float
        95% bootstrap interval over firms.
    median_cover : float
        Of the payers.
    below_one_share : float
        Firms with cover below one this year, of n.
    n_history, n_short_history : int
        Firms whose last `zombie_years` years are known, and those where they are not: they are in no zombie share.
    zombie_share, zombie_low, zombie_high : float
        Of the n_history firms, with a 95% Wilson interval.
    zombie_debt_share : float
        The zombies' share of those firms' debt.
    """

    n: int
    n_payers: int
    cover: float
    cover_low: float
    cover_high: float
    median_cover: float
    below_one_share: float
    n_history: int
    n_short_history: int
    zombie_share: float
    zombie_low: float
    zombie_high: float
    zombie_debt_share: float


def solvency(firms: pd.DataFrame, *, draws: int = 1000, seed: int = 0) -> Solvency:
    """Describe one group's interest cover; rows from `measure`, with `zombie` flags from `zombie_flags`."""
    from statsmodels.stats.proportion import proportion_confint

    income, interest = firms["operating_income"].to_numpy(), firms["interest"].to_numpy()
    below = below_one(income, interest)
    pays = ~np.isnan(below) & (interest > 0)
    low, high = ratio_interval(income[pays], interest[pays], draws=draws, seed=seed)
    known = firms[firms["zombie"].notna()]
    zombies = known["zombie"].to_numpy() == 1
    wilson = proportion_confint(zombies.sum(), len(zombies), method="wilson") if len(zombies) else (np.nan, np.nan)
    return Solvency(
        n=int((~np.isnan(below)).sum()),
        n_payers=int(pays.sum()),
        cover=_over(income[pays].sum(), interest[pays].sum()),
        cover_low=low,
        cover_high=high,
        median_cover=float(np.median(income[pays] / interest[pays])) if pays.any() else np.nan,
        below_one_share=_share(below[~np.isnan(below)] == 1),
        n_history=len(known),
        n_short_history=len(firms) - len(known),
        zombie_share=_share(zombies),
        zombie_low=float(wilson[0]),
        zombie_high=float(wilson[1]),
        zombie_debt_share=_over(known["debt"].to_numpy()[zombies].sum(), known["debt"].sum()),
    )


def _ratio_of(firms: pd.DataFrame) -> float:
    return _over(firms["net_debt"].sum(), firms["ebitda"].sum())


def _over(above: float, below: float) -> float:
    return float(above / below) if below > 0 else np.nan


def _share(flags: Flags | Sequence[bool]) -> float:
    return float(np.mean(flags)) if len(flags) else np.nan
