"""Net debt to EBITDA, interest cover and zombies of groups of companies, and what refinancing does to them.

A group's ratio adds up its companies before it divides. A part that is unknown leaves the company out, never as zero; a
share that rests on too few companies, or on less than half of the group, is NaN.
"""

from collections.abc import Callable, Mapping
from itertools import product
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.errors import InsufficientDataError
from research_lib.stats.bootstrap import ratio_of_sums
from research_lib.stats.estimate import NORMAL_QUANTILE

LARGE, SMALL = "large", "small"
GROUPS = (LARGE, SMALL)
LEAST_FIRMS = 30
LEAST_KNOWN = 0.5  # of the group: below it, the known are those without debt, who need no interest to be known
CONTRIBUTORS = 5
ESTIMATED = ("value", "low", "high", "n")
BASIS_POINT = 1e-4
RATE_MOVES_BP, DEBT_SHARES = (-200, -100, 100, 200, 300, 400, 500), (0.1, 0.25, 0.5, 0.75, 1.0)  # of a stress map
HOLDS, NOT_CONTRADICTED, FAILS = "holds", "not contradicted", "does not hold"

# As GICS, ICB, SimFin and SIC-based files name them; compared without regard to case.
FINANCIAL_SECTORS = ("financials", "financial services", "finance", "financial", "banks", "insurance", "real estate")


def prepare(
    statements: pd.DataFrame, *, large: int = 500, small: int = 2000, exclude_financials: bool, zombie_years: int = 3
) -> pd.DataFrame:
    """Measure companies, set impossible rows aside, and form the size groups of each fiscal year.

    Adds to `add_ratios` the columns rule (why a row is impossible, or empty), financial, zombie (cover below one in
    each of the last `zombie_years`), group (empty for none; financials are left out once groups are formed), size_group
    (with financials) and group_as_filed (with impossible rows). InsufficientDataError: financials are to be left out
    and no row has a sector.
    """
    if exclude_financials and statements["sector"].isna().all():
        raise InsufficientDataError(
            "the statements have no sectors, so financials cannot be left out; set exclude_financials: false"
        )
    firms = add_ratios(statements)
    firms["rule"] = impossible_rows(firms)
    clean = firms["rule"].eq("")
    size_group = assign_groups(firms[clean], large=large, small=small).reindex(firms.index, fill_value="")
    financial = firms["sector"].str.casefold().isin(FINANCIAL_SECTORS).astype(bool)
    return firms.assign(
        financial=financial,
        zombie=zombie_flags(firms[clean], zombie_years=zombie_years).reindex(firms.index),
        group=size_group.mask(financial, "") if exclude_financials else size_group,
        size_group=size_group,
        group_as_filed=assign_groups(firms, large=large, small=small),
    )


def add_ratios(statements: pd.DataFrame) -> pd.DataFrame:
    """Add net_debt, ebitda and interest to the last row of each company and fiscal year; NaN where a part is missing.

    Net debt = debt - cash and short-term investments; EBITDA = operating income + depreciation and amortization;
    interest is the expense, and zero where none is given and there is no debt.
    """
    ordered = statements.sort_values(["company", "fiscal_year", "period_end"], kind="stable")
    latest = ordered.drop_duplicates(["company", "fiscal_year"], keep="last")
    interest = latest["interest_expense"]
    return latest.assign(
        net_debt=latest["debt"] - latest["cash"],
        ebitda=latest["operating_income"] + latest["depreciation_amortization"],
        interest=interest.mask(interest.isna() & latest["debt"].eq(0), 0.0),
    )


def impossible_rows(firms: pd.DataFrame) -> "pd.Series[str]":
    """Name the first rule that each row breaks, empty for none; what is missing breaks none.

    A row is judged by itself, by its market value and by the company's earlier years: nothing later is looked at. The
    limits lie above what any company has reported (Walmart's revenue, 681 billion dollars; ICBC's assets, 6.7 trillion;
    Saudi Aramco's EBITDA, 300 billion; Nvidia's market value, 5 trillion).
    """
    usual = firms["currency"].mode()
    value, debt, assets, ebitda = (firms[name] for name in ("market_value", "debt", "total_assets", "ebitda"))
    smallest = assets.groupby(firms["company"], sort=False).cummin()
    grown = (assets > 500 * smallest) & (smallest > 1e7)  # from less, a shell may be filled by a merger
    apart = firms["total_equity"].abs() > 50 * value
    enterprise = value + debt
    rules = {
        "in another currency": firms["currency"].ne(usual.iloc[0] if len(usual) else ""),
        "negative debt": firms[["short_term_debt", "long_term_debt", "debt"]].lt(0).any(axis=1),
        "negative cash": firms["cash"] < 0,
        "no assets": assets <= 0,
        "cash above total assets": firms["cash"] > 1.01 * assets,  # less is rounding in the file
        "debt above total liabilities": debt > 1.01 * firms["total_liabilities"],
        "larger than any company": (firms["revenue"] > 7e11) | (assets > 7e12) | (ebitda.abs() > 4e11) | (value > 6e12),
        "assets in another unit than in an earlier year": grown,
        # A price below a dollar may be that of a company that has failed.
        "book value and market value in different units": apart & firms["price"].gt(1.0),
        "EBITDA out of proportion to market value and debt": (ebitda > 2.5 * enterprise) | (ebitda < -100 * enterprise),
    }
    broken = np.stack([flags.to_numpy(dtype=bool) for flags in rules.values()])
    first = np.where(broken.any(axis=0), broken.argmax(axis=0), len(rules))
    return pd.Series(np.array([*rules, ""], dtype=object)[first], firms.index, dtype="str", name="rule")


def assign_groups(firms: pd.DataFrame, *, large: int, small: int) -> "pd.Series[str]":
    """Put the largest `large` companies of each fiscal year into large, the next `small` into small, others into none.

    A year in which fewer than twice `large` companies (or `large` + `small`) have a market value has no groups: of the
    first reports of a data set, or the few whose values were not restated later, all would be among the largest.
    """
    by_year = firms.groupby("fiscal_year")["market_value"]
    rank = by_year.rank(ascending=False, method="first").where(by_year.transform("count") >= large + min(large, small))
    group = np.select([rank <= large, rank <= large + small], [LARGE, SMALL], "")
    return pd.Series(group, firms.index, dtype="str", name="group")


def cover_below_one(firms: pd.DataFrame) -> "pd.Series[float]":
    """Flag interest cover below one by 1.0 and 0.0, NaN where unknown; who pays no interest cannot fall short of it."""
    income, interest = firms["operating_income"], firms["interest"]
    return ((interest > 0) & (income < interest)).astype(float).where(income.notna() & interest.notna())


def zombie_flags(firms: pd.DataFrame, *, zombie_years: int) -> "pd.Series[float]":
    """Flag cover below one in each of the last fiscal years; NaN where so many years in a row are not known.

    The rows are sorted by company and fiscal year, all years together.
    """
    flags = below = cover_below_one(firms)
    company, year = pd.Series(pd.factorize(firms["company"])[0], firms.index), firms["fiscal_year"]
    for lag in range(1, zombie_years):
        unbroken = company.eq(company.shift(lag)) & year.sub(year.shift(lag)).eq(lag)
        flags = (flags * below.shift(lag)).where(unbroken)
    return flags


def _with_known_cover(firms: pd.DataFrame) -> pd.DataFrame:
    """Keep the companies of a group whose cover is known, `below` one or not; none where they are too few."""
    known = firms.assign(below=cover_below_one(firms)).dropna(subset="below")
    return known if len(known) >= max(LEAST_FIRMS, LEAST_KNOWN * len(firms)) else known[:0]


def by_year_and_group(firms: pd.DataFrame, describe: Callable[[pd.DataFrame], Mapping[str, Any]]) -> pd.DataFrame:
    """Describe each fiscal year and group that has 30 companies: a row each; one must have them."""
    grouped = firms[firms["group"] != ""].groupby(["fiscal_year", "group"])
    enough = ((key, rows) for key, rows in grouped if len(rows) >= LEAST_FIRMS)
    rows = [{"fiscal_year": year, "group": group, **describe(part)} for (year, group), part in enough]
    if not rows:
        raise InsufficientDataError(f"no group has {LEAST_FIRMS} companies with a market value")
    return pd.DataFrame(rows)


def group_ratio(firms: pd.DataFrame, *, draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Take the net debt to EBITDA of one group and year, all its companies together, those with losses included.

    Returns value, low, high and n (`ratio_of_sums`) of the firms with net debt and EBITDA known, which all else rests
    on; coverage, their share of all; share_no_ebitda (zero or less); share_net_cash; due_within_year, short-term over
    all debt of the n_split firms with both; top, the five firms whose leaving out, each alone, moves the ratio most;
    without_top, the ratio without all five; top_share, 1 - without_top / value; median and mean_of_ratios of the
    n_defined firms with positive EBITDA; positive_only, their ratio; never_restated, that of values first published.
    """
    used = firms[firms["net_debt"].notna() & firms["ebitda"].notna()]
    ratio = ratio_of_sums(used[["net_debt", "ebitda"]], draws=draws, seed=seed)
    net_debt, rest = used["net_debt"].to_numpy(), used["ebitda"].sum() - used["ebitda"].to_numpy()
    alone = np.divide(net_debt.sum() - net_debt, rest, out=np.full(len(rest), np.inf), where=rest > 0)
    top = np.argsort(np.abs(alone - ratio.value), kind="stable")[::-1][:CONTRIBUTORS]
    without = _ratio(used.drop(used.index[top]))
    positive, split = used[used["ebitda"] > 0], used[used["short_term_debt"].notna()]
    ratios, has_split = positive["net_debt"] / positive["ebitda"], len(split) >= LEAST_KNOWN * len(used)
    return {name: getattr(ratio, name) for name in ESTIMATED} | {
        "coverage": _over(len(used), len(firms)),
        "share_no_ebitda": 1 - _over(len(positive), len(used)),
        "share_net_cash": _over(float((net_debt < 0).sum()), len(used)),
        "due_within_year": _over(split["short_term_debt"].sum(), split["debt"].sum()) if has_split else nan,
        "top": ", ".join(used["company"].iloc[top]),
        "without_top": without,
        "top_share": 1 - without / ratio.value if ratio.value else nan,
        "median": float(ratios.median()),
        "mean_of_ratios": float(ratios.mean()),
        "n_defined": len(positive),
        "n_split": len(split),
        "positive_only": _ratio(positive),
        "never_restated": _ratio(used[~(used["restated_on"] > used["published"])]),
    }


def interest_cover(firms: pd.DataFrame, *, draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Describe how one group's operating income covers its interest in one year; rows of `prepare`.

    Returns value, low, high and n (`ratio_of_sums`), and the median, of the firms with interest to pay; coverage, the
    share whose interest is known, or zero for want of debt; share_below_one, of the n_known; zombie_share, zombie_low,
    zombie_high (95%, Wilson) of the n_history firms whose years are known. NaN if fewer than 30 or half are known.
    """
    known = _with_known_cover(firms)
    payers, history = known[known["interest"] > 0], known["zombie"].dropna()
    cover = ratio_of_sums(payers[["operating_income", "interest"]], draws=draws, seed=seed)
    n, z = len(history) if len(history) >= LEAST_FIRMS else 0, NORMAL_QUANTILE
    hits = history.sum() if n else 0
    middle, reach = hits + z**2 / 2, z * np.sqrt(hits * (n - hits) / max(n, 1) + z**2 / 4)
    return {name: getattr(cover, name) for name in ESTIMATED} | {
        "median": float((payers["operating_income"] / payers["interest"]).median()),
        "coverage": float(cover_below_one(firms).notna().mean()),
        "share_below_one": float(known["below"].mean()),
        "n_known": len(known),
        "n_history": n,
        "zombie_share": _over(hits, n),
        "zombie_low": float((middle - reach) / (n + z**2)) if n else nan,
        "zombie_high": float((middle + reach) / (n + z**2)) if n else nan,
    }


def stress(
    firms: pd.DataFrame, members: NDArray[np.bool_], *, rate_move_bp: float, debt_share: float, zombie_years: int
) -> dict[str, Any]:
    """Reprice a share of a group's debt; a cut cannot make a payer earn interest on its debt, and all else stays.

    `firms` are all rows of `prepare`, because zombies need the years before; `members`, shape (rows,), marks the group
    and year. Returns rate_move_bp, debt_share, n (firms with income, interest and debt known), cover of the n_payers, share_below_one
    of the n, its share of their debt, and zombie_share of n_history firms, had they paid the new rate in all those
    years; NaN as in `interest_cover`.
    """
    more, paid = debt_share * firms["debt"] * rate_move_bp * BASIS_POINT, firms["interest"]
    firms = firms.assign(interest=np.maximum(paid + more, np.minimum(paid, 0.0)))
    known = _with_known_cover(firms.assign(zombie=zombie_flags(firms, zombie_years=zombie_years))[members])
    payers, history = known[known["interest"] > 0], known["zombie"].dropna()
    return {
        "rate_move_bp": rate_move_bp,
        "debt_share": debt_share,
        "n": len(known),
        "n_payers": len(payers),
        "cover": _over(payers["operating_income"].sum(), payers["interest"].sum()),
        "share_below_one": float(known["below"].mean()),
        "below_one_debt_share": _over(known["debt"][known["below"] == 1].sum(), known["debt"].sum()),
        "zombie_share": float(history.mean()) if len(history) >= LEAST_FIRMS else nan,
        "n_history": len(history),
    }


def stress_map(firms: pd.DataFrame, year: int, asked: Mapping[str, float], *, zombie_years: int) -> pd.DataFrame:
    """Reprice the debt of each group of a year: a row a group, share and move, as of `stress`, with `added` and `asked`.

    `firms` are from `prepare`. `added` is what the move adds to share_below_one; `asked` marks the rate_move_bp and
    debt_share that `asked` names. InsufficientDataError: the interest of more than half of the small is unknown.
    """
    recent = firms["rule"].eq("") & firms["fiscal_year"].between(year - zombie_years + 1, year)
    clean, rows = firms.loc[recent, ["company", "fiscal_year", "group", "operating_income", "interest", "debt"]], []
    moves, shares = {0, *RATE_MOVES_BP, asked["rate_move_bp"]}, {*DEBT_SHARES, asked["debt_share"]}
    for group, share, move in product(GROUPS, sorted(shares), sorted(moves)):
        members = (clean["fiscal_year"].eq(year) & clean["group"].eq(group)).to_numpy()
        found = stress(clean, members, rate_move_bp=move, debt_share=share, zombie_years=zombie_years)
        rows.append({"group": group, "asked": asked.items() <= found.items()} | found)
    frame = pd.DataFrame(rows)
    if frame.loc[frame["group"] == SMALL, "share_below_one"].isna().all():
        raise InsufficientDataError("the interest of more than half of the small companies is unknown")
    plain = frame[frame["rate_move_bp"] == 0].groupby("group")["share_below_one"].first()
    return frame.assign(added=frame["share_below_one"] - frame["group"].map(plain))


def hold_quote(found: Any, quoted: float, *, more_than: bool) -> str:  # noqa: ANN401  # an Estimate, or a row
    """Hold a quoted figure against the point and the interval of an estimate, `value`, `low` and `high`.

    "About" holds where the point rounds to it at its last digit, "more than" where the whole interval is above it; an
    interval that merely contains it, or is not there, does not contradict it.
    """
    decimals = len(f"{quoted:g}".partition(".")[2])
    if found.low > quoted if more_than else abs(found.value - quoted) <= 0.5 * 10**-decimals:
        return HOLDS
    inside = found.high > quoted if more_than else found.low <= quoted <= found.high
    return NOT_CONTRADICTED if inside or isnan(found.low) else FAILS


def _ratio(firms: pd.DataFrame) -> float:
    return _over(firms["net_debt"].sum(), firms["ebitda"].sum())


def _over(above: float, below: float) -> float:
    return float(above / below) if below > 0 else nan
