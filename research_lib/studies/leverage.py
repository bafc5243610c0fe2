"""How indebted small companies are against large ones, whom rate moves hurt or help, and what refinancing does.

Each function makes one exhibit of `02_leverage_net_debt`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from research_lib.data import DataSet
from research_lib.data.fundamentals import Fundamentals
from research_lib.data.fundamentals.bundled_firms import BundledFirms
from research_lib.data.price_panel import PricePanel, month_ends
from research_lib.errors import InsufficientDataError
from research_lib.shown import Shown
from research_lib.stats.cross_section import (
    EventDay,
    PortfolioSort,
    Regression,
    event_days,
    exposures,
    fama_macbeth,
    portfolio_sort,
    rate_interaction,
    rises_and_falls,
)
from research_lib.stats.inference import CONFIDENCE, Floats, holm
from research_lib.stats.panel import build_panel
from research_lib.stats.policy_cycles import PolicyState, policy_states
from research_lib.stats.ratios import (
    DEFAULT_LIMITS,
    LARGE,
    SMALL,
    GroupRatio,
    Limits,
    alternative_definitions,
    assign_groups,
    below_one,
    contributions,
    group_ratio,
    impossible_rows,
    is_financial,
    measure,
    ratio_draws,
    solvency,
    zombie_flags,
)
from research_lib.stats.refinancing import DEBT_SHARES, RATE_MOVES_BP, break_even, stress_map

GROUPS = (LARGE, SMALL)
REGRESSORS = ("leverage", "negative", "size", "beta")
CONTROLS = ("size", "beta")
HEAVIEST = 10

# What the articles say of 2023: "about 1.4 for the S&P 500, more than 4 for the Russell 2000 or S&P 600".
QUOTED = {LARGE: 1.4, SMALL: 4.0}


@dataclass(frozen=True)
class Options(Shown):
    """How companies are chosen and judged.

    Attributes
    ----------
    large, small : int
        Companies in the group `large`, by market value when their report came out, and the next ones, in `small`.
    exclude_financials : bool
        Leave financials and real estate out, where the source has sectors.
    zombie_years : int
        Consecutive years with cover below one that make a zombie.
    limits : Limits
        What no company can be.
    draws, seed : int
        Of the bootstrap.
    """

    large: int = 500
    small: int = 2000
    exclude_financials: bool = True
    zombie_years: int = 3
    limits: Limits = DEFAULT_LIMITS
    draws: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Firms(Shown):
    """Companies made ready: each row measured, judged, and put in its group.

    Attributes
    ----------
    every : DataFrame
        All rows with `rule` (which caught it, empty for none) and `group` among all rows, wrong ones included.
    clean : DataFrame
        Rows that no rule caught, with `group` among themselves, `financial` and `zombie`.
    sector_share : float
        Rows of `clean` with a sector; where it is zero, financials could not be told apart and are still in.
    simulated : bool
        Not a real company among them.
    options : Options
    """

    every: pd.DataFrame
    clean: pd.DataFrame
    sector_share: float
    simulated: bool
    options: Options

    @property
    def chosen(self) -> pd.DataFrame:
        """The rows of `clean` that the headline is made of: in a group, and no financials if they are left out."""
        kept = self.clean[self.clean["group"] != ""]
        return kept[~kept["financial"]] if self.options.exclude_financials else kept

    @property
    def last_year(self) -> int:
        """The last fiscal year in which both groups have companies."""
        years = self.chosen.groupby("group")["fiscal_year"].agg(set)
        common: set[int] = set.intersection(*years) if set(GROUPS) <= set(years.index) else set()
        if not common:
            raise InsufficientDataError(
                f"no fiscal year has companies in both size groups; with large: {self.options.large} there are too few "
                f"companies with a market value"
            )
        return int(max(common))

    def year(self, asked: int | None) -> int:
        """Return the fiscal year asked for, by default the last; one that is not there in both groups is an error."""
        if asked is None:
            return self.last_year
        chosen = self.chosen[self.chosen["fiscal_year"] == asked]
        if set(chosen["group"]) != set(GROUPS):
            raise InsufficientDataError(
                f"fiscal year {asked} has no companies in both size groups; the last that has is {self.last_year}"
            )
        return asked


def prepare(fundamentals: Fundamentals, *, options: Options | None = None) -> Firms:
    """Measure companies, set impossible rows aside, and form the size groups."""
    chosen = options or Options()
    firms = measure(fundamentals.rows)
    firms = firms.assign(rule=impossible_rows(firms, limits=chosen.limits))
    every = firms.assign(group=assign_groups(firms, large=chosen.large, small=chosen.small))
    clean = firms[firms["rule"] == ""]
    below = below_one(clean["operating_income"].to_numpy(), clean["interest"].to_numpy())
    clean = clean.assign(
        group=assign_groups(clean, large=chosen.large, small=chosen.small),
        financial=is_financial(clean["sector"]).astype(bool),
        zombie=zombie_flags(clean, below, zombie_years=chosen.zombie_years),
    )
    return Firms(every, clean, float(clean["sector"].notna().mean()), fundamentals.simulated, chosen)


def indebtedness(firms: Firms) -> pd.DataFrame:
    """Describe net debt to EBITDA by fiscal year and group: the columns of `GroupRatio`."""
    return _by_year_and_group(firms.chosen, lambda rows: asdict(_ratio(rows, firms.options)))


def cover_and_zombies(firms: Firms) -> pd.DataFrame:
    """Describe interest cover and zombies by fiscal year and group: the columns of `Solvency`."""
    options = firms.options
    return _by_year_and_group(firms.chosen, lambda rows: asdict(solvency(rows, draws=options.draws, seed=options.seed)))


def definitions(firms: Firms) -> pd.DataFrame:
    """Show the ratio by fiscal year and group on every definition in use.

    Returns
    -------
    DataFrame
        The columns of `Definitions`, with `as_filed` (sum over sum of all rows, wrong ones included),
        `with_financials` and `without_financials` (NaN where no company has a sector).
    """
    table = _by_year_and_group(firms.chosen, lambda rows: asdict(alternative_definitions(rows)))
    grouped = firms.clean[firms.clean["group"] != ""]
    sums = {"as_filed": firms.every[firms.every["group"] != ""], "with_financials": grouped}
    sums["without_financials"] = grouped[~grouped["financial"]]
    joined = table.join(pd.DataFrame({name: _plain_ratios(rows) for name, rows in sums.items()}))
    return joined if firms.sector_share > 0 else joined.assign(without_financials=np.nan)


def set_aside(firms: Firms) -> pd.DataFrame:
    """List the rows that a rule caught, the heaviest first."""
    caught = firms.every[firms.every["rule"] != ""]
    names = ["company", "fiscal_year", "rule", "group", "net_debt", "ebitda", "total_assets", "price", "market_value"]
    return caught[names].sort_values("net_debt", key=lambda values: values.abs(), ascending=False)


@dataclass(frozen=True)
class Explanation(Shown):
    """A ratio as filed, what makes it so, and what is left when impossible rows are set aside.

    Attributes
    ----------
    fiscal_year, group
        Of which.
    as_filed : float
        Sum over sum of all rows, groups formed of all rows.
    without_caught : float
        Of the same companies, those aside that a rule caught.
    cleaned : GroupRatio
        The headline: groups formed anew of what is left, financials out if they are.
    rows : DataFrame
        The ten heaviest rows as filed, from `contributions`: what the ratio would be without each, and its rule.
    """

    fiscal_year: int
    group: str
    as_filed: float
    without_caught: float
    cleaned: GroupRatio
    rows: pd.DataFrame


def negative_as_filed(firms: Firms) -> list[Explanation]:
    """Explain each fiscal year and group whose ratio is negative as filed, by the name of the rows."""
    ratios = _plain_ratios(firms.every[firms.every["group"] != ""])
    return [explain(firms, int(year), str(group)) for year, group in ratios.index[ratios < 0]]


def as_filed(firms: Firms, *, fiscal_year: int | None = None) -> list[Explanation]:
    """Explain every ratio that is negative as filed, and those of one fiscal year, by default the last.

    Raises
    ------
    InsufficientDataError
        No fiscal year has companies in both groups.
    """
    year, negative = firms.year(fiscal_year), negative_as_filed(firms)
    known = {(one.fiscal_year, one.group) for one in negative}
    return [*negative, *(explain(firms, year, group) for group in GROUPS if (year, group) not in known)]


def explain(firms: Firms, fiscal_year: int, group: str) -> Explanation:
    """Explain one year's ratio as filed."""
    filed = _select(firms.every, fiscal_year, group)
    cleaned = _ratio(_select(firms.chosen, fiscal_year, group), firms.options)
    kept, heaviest = filed[filed["rule"] == ""], contributions(filed).head(HEAVIEST)
    return Explanation(fiscal_year, group, _plain_ratio(filed), _plain_ratio(kept), cleaned, heaviest)


@dataclass(frozen=True)
class QuoteCheck(Shown):
    """The figure that the articles quote, on this data and definition.

    Attributes
    ----------
    fiscal_year : int
        Of the data; the articles speak of 2023.
    large, small : GroupRatio
        The groups.
    gap, gap_low, gap_high : float
        Small less large, with a 95% bootstrap interval over firms.
    large_holds : bool or None
        1.4 lies in the interval of the large.
    small_holds : bool or None
        The interval of the small lies above 4 (True), below (False), or has it inside (None: cannot be told).
    """

    fiscal_year: int
    large: GroupRatio
    small: GroupRatio
    gap: float
    gap_low: float
    gap_high: float
    large_holds: bool
    small_holds: bool | None


def check_quote(firms: Firms, *, fiscal_year: int | None = None) -> QuoteCheck:
    """Hold "more than 4 for small against 1.4 for large" against one fiscal year, by default the last.

    Raises
    ------
    InsufficientDataError
        No fiscal year has companies in both groups.
    """
    year, options = firms.year(fiscal_year), firms.options
    rows = {group: _select(firms.chosen, year, group) for group in GROUPS}
    large, small = (_ratio(rows[group], options) for group in GROUPS)
    # Seeds apart: the groups share no company.
    drawn = [_draws(rows[group], options.draws, options.seed + apart) for apart, group in enumerate(GROUPS)]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(drawn[1] - drawn[0], tails, method="inverted_cdf")
    above, below = small.low > QUOTED[SMALL], small.high <= QUOTED[SMALL]
    return QuoteCheck(
        fiscal_year=year,
        large=large,
        small=small,
        gap=small.ratio - large.ratio,
        gap_low=float(low),
        gap_high=float(high),
        large_holds=large.low <= QUOTED[LARGE] <= large.high,
        small_holds=True if above else False if below else None,
    )


# Ranks by market value: as the default, as the S&P 500 and 600, as the Russell 1000 and 2000.
GROUP_SIZES = ((500, 2000), (500, 600), (1000, 2000))


def other_groups(
    fundamentals: Fundamentals, *, options: Options, fiscal_year: int | None = None
) -> list[tuple[Options, QuoteCheck]]:
    """Hold the quote against groups of other sizes, and with financials in or out.

    Raises
    ------
    InsufficientDataError
        No such groups can be formed.
    """
    sizes = [size for size in GROUP_SIZES if size != (options.large, options.small)]
    variants = [options, *(replace(options, large=large, small=small) for large, small in sizes)]
    if fundamentals.rows["sector"].notna().any():
        variants += [replace(options, exclude_financials=not options.exclude_financials)]
    checked = []
    for variant in variants:
        with suppress(InsufficientDataError):
            checked.append((variant, check_quote(prepare(fundamentals, options=variant), fiscal_year=fiscal_year)))
    if not checked:
        raise InsufficientDataError("no fiscal year has companies in both size groups, whatever their size")
    return checked


@dataclass(frozen=True)
class Refinancing(Shown):
    """What repricing debt does to both groups in one fiscal year.

    Attributes
    ----------
    fiscal_year : int
    rate_move_bp, debt_share : float
        The case that the findings name.
    table : DataFrame
        Rows of `Stress` for each `group`, over all rate moves and shares of debt.
    break_even : DataFrame
        `BreakEven` for each group and share of debt.
    """

    fiscal_year: int
    rate_move_bp: float
    debt_share: float
    table: pd.DataFrame
    break_even: pd.DataFrame


def refinancing(
    firms: Firms,
    *,
    fiscal_year: int | None = None,
    rate_move_bp: float = 200,
    debt_share: float = 0.5,
) -> Refinancing:
    """Reprice shares of both groups' debt by some basis points: a grid, with the case asked for in it.

    Raises
    ------
    InsufficientDataError
        No fiscal year has companies in both groups.
    """
    moves, shares = sorted({*RATE_MOVES_BP, rate_move_bp}), sorted({*DEBT_SHARES, debt_share})
    year = firms.year(fiscal_year)
    clean, years = firms.clean, firms.options.zombie_years
    tables, breaks = [], []
    for group in GROUPS:
        chosen = _select(firms.chosen, year, group)
        members = clean.index.to_series().isin(chosen.index)
        table = stress_map(clean, members, rate_moves_bp=moves, debt_shares=shares, zombie_years=years)
        tables.append(table.assign(group=group))
        breaks += [{"group": group, **asdict(break_even(chosen, debt_share=share))} for share in shares]
    return Refinancing(year, rate_move_bp, debt_share, pd.concat(tables, ignore_index=True), pd.DataFrame(breaks))


@dataclass(frozen=True)
class Returns(Shown):
    """Monthly returns beside what was known before, and how much of the companies they cover.

    Attributes
    ----------
    panel : DataFrame
        From `build_panel`.
    months : DatetimeIndex
        Ends of the holding periods, with the end of the month before the first.
    coverage : DataFrame
        By fiscal year and group: `n` companies, `priced` of them, `share`, and `value_share` by market value.
    survivors_only : bool
        (Nearly) all companies with prices are still quoted at the end: those that failed are not in the returns.
    simulated : bool
        Not a real price among them.
    """

    panel: pd.DataFrame
    months: pd.DatetimeIndex
    coverage: pd.DataFrame
    survivors_only: bool
    simulated: bool


def monthly_returns(firms: Firms, prices: PricePanel | None, *, market: "pd.Series[float] | None" = None) -> Returns:
    """Put the next month's returns beside leverage as it was known.

    Raises
    ------
    InsufficientDataError
        The source has no prices of companies: what stands on statements alone is not touched by that.
    """
    held, groups = _require_prices(prices), (firms.options.large, firms.options.small)
    months = month_ends(held)
    panel = build_panel(_not_left_out(firms), held.values, months, market=market, groups=groups)
    return Returns(panel, months, _coverage(firms.chosen, held), held.survivors_only, held.simulated)


def sorts(returns: Returns, *, portfolios: int = 5, lags: int = 3) -> dict[str, PortfolioSort]:
    """Sort on leverage: `all` companies, and each size group that has enough of them by itself."""
    results = {"all": portfolio_sort(returns.panel, portfolios=portfolios, lags=lags)}
    for group in GROUPS:
        results[group] = portfolio_sort(_of_group(returns.panel, group), portfolios=portfolios, lags=lags)
    return {name: result for name, result in results.items() if len(result.returns)}


def leverage_premium(returns: Returns, *, lags: int = 3) -> dict[str, Regression]:
    """Run Fama-MacBeth of returns on leverage, size, beta (within sectors, where there are any), by group."""
    within = "sector" if returns.panel["sector"].notna().any() else ""
    return _for_groups(returns.panel, lambda panel: fama_macbeth(panel, REGRESSORS, lags=lags, within=within))


def double_edge(
    returns: Returns, rate: "pd.Series[float] | None", *, easing: "pd.Series[bool] | None" = None
) -> dict[str, Regression]:
    """Let the effect of leverage differ with rises and falls of a rate, and with the rate-cut regime, by group.

    Parameters
    ----------
    returns : Returns
        From `monthly_returns`.
    rate : Series
        By date, as a decimal.
    easing : Series of bool, optional
        By date, whether policy was easing, as known then; the last value on or before the month's beginning counts.

    Raises
    ------
    InsufficientDataError
        The source has no rate, or too few companies with prices.
    """
    if rate is None:
        raise InsufficientDataError("the source has no rate (series/DGS2.csv): nothing can be said of rate moves")
    moves = rises_and_falls(rate, returns.months)
    if easing is not None:
        state = easing.astype(float).sort_index().reindex(returns.months, method="ffill")
        moves = moves.assign(easing=state.shift(1))
    return _for_groups(returns.panel, lambda panel: rate_interaction(panel, moves, controls=CONTROLS))


def easing_months(returns: Returns, changes_bp: "pd.Series[float] | None") -> "pd.Series[bool]":
    """Say for each month's end whether policy was easing, by the decisions (basis points, by date) up to then.

    Raises
    ------
    InsufficientDataError
        No decision is known, or the companies are made up: no policy bears on them.
    """
    if changes_bp is None:
        raise InsufficientDataError("no rate decisions bear on these companies")
    return policy_states(changes_bp, returns.months) == PolicyState.EASING


@dataclass(frozen=True)
class Events(Shown):
    """Chosen days against all others: rows of `EventDay` with `p_holm`, and the slope of every session."""

    days: pd.DataFrame
    slopes: "pd.Series[float]"


def events(firms: Firms, prices: PricePanel | None, dates: Sequence[str]) -> Events:
    """Compare how returns went with leverage on chosen dates (yyyy-mm-dd) with all other days: rows of `EventDay`."""
    days, slopes = event_days(_not_left_out(firms), _require_prices(prices).values, dates)
    table = pd.DataFrame(days, columns=list(EventDay.__dataclass_fields__))
    return Events(table.assign(p_holm=holm(table["p_value"].tolist())), slopes)


def size_on_spreads(
    returns: pd.DataFrame,
    *,
    bill_rate: "pd.Series[float]",
    aaa: "pd.Series[float]",
    baa: "pd.Series[float]",
    lags: int = 12,
) -> dict[str, Regression]:
    """Regress returns of size portfolios on credit-spread and bill-rate changes: a proxy for leverage, no more.

    Small companies are more indebted, but also younger, less liquid and of other industries.

    Parameters
    ----------
    returns : DataFrame
        Monthly, month ends; small less large, and any size portfolios, as decimals.
    bill_rate : Series
        A month's return on the one-month bill, as a decimal; taken times 12 for the rate.
    aaa, baa : Series
        Yields as decimals.
    lags : int
        Of the Newey-West standard errors, in months.

    Returns
    -------
    dict of str to Regression
        On `spread` (change of Baa less Aaa), `bill_up` and `bill_down`, all in percentage points.

    Notes
    -----
    Yields are means of the month: their change lags that of the month's end, and slopes are too small for it.
    """
    bill = (12 * bill_rate).dropna()
    moves = rises_and_falls(bill, pd.DatetimeIndex(bill.index)).add_prefix("bill_")
    drivers = pd.concat([(100 * (baa - aaa)).diff().rename("spread"), moves], axis=1, join="inner")
    return exposures(returns, drivers, lags=lags)


def small_less_large_on_spreads(factors: DataSet | None, portfolios: DataSet | None = None) -> dict[str, Regression]:
    """Regress small less large, and size portfolios in excess of the bill, on spreads and bill rates.

    Parameters
    ----------
    factors : DataSet or None
        `SMB`, `RF`, `AAA`, `BAA`.
    portfolios : DataSet or None
        Raw returns, where the source has any.

    Raises
    ------
    InsufficientDataError
        The source lacks a factor.
    """
    if factors is None:
        raise InsufficientDataError("the source lacks SMB and RF (french/) or AAA and BAA (series/)")
    values = factors.values
    returns = values[["SMB"]]
    if portfolios is not None:
        returns = returns.join(portfolios.values.sub(values["RF"], axis=0))
    return size_on_spreads(returns, bill_rate=values["RF"], aaa=values["AAA"], baa=values["BAA"])


def debt_and_return(firms: BundledFirms | None) -> Regression:
    """Regress the price change of 1990 to 1994 on debt to capital in 1990, with size: 142 firms, one cross-section.

    Notes
    -----
    Least squares with HC3 errors. The firms share one period, so that the interval leaves out the luck of the period;
    and 1990's statements came out after the period began.

    Raises
    ------
    InsufficientDataError
        The source has no such firms, or not by `as_of`.
    """
    if firms is None:
        raise InsufficientDataError("only the bundled source has the firms of 1990 to 1994, known by 1994-12-31")
    import statsmodels.api as sm

    exog = firms.values[["debt_to_capital", "log_net_income"]].assign(constant=1.0)
    fit = sm.OLS(firms.values["price_return"], exog).fit(cov_type="HC3", use_t=True)
    bounds = fit.conf_int(1 - CONFIDENCE)
    table = pd.DataFrame(
        {
            "coefficient": fit.params,
            "standard_error": fit.bse,
            "t_value": fit.tvalues,
            "p_value": fit.pvalues,
            "low": bounds[0],
            "high": bounds[1],
        }
    )
    return Regression(table.rename_axis("regressor"), len(exog), 1, len(exog))


def _ratio(rows: pd.DataFrame, options: Options) -> GroupRatio:
    return group_ratio(rows, draws=options.draws, seed=options.seed)


def _draws(rows: pd.DataFrame, draws: int, seed: int) -> Floats:
    used = rows.dropna(subset=["net_debt", "ebitda"])
    return ratio_draws(used["net_debt"].to_numpy(), used["ebitda"].to_numpy(), draws=draws, seed=seed)


def _plain_ratio(rows: pd.DataFrame) -> float:
    return group_ratio(rows, draws=0).ratio


def _plain_ratios(rows: pd.DataFrame) -> "pd.Series[float]":
    return _by_year_and_group(rows, lambda part: {"ratio": _plain_ratio(part)})["ratio"]


def _select(rows: pd.DataFrame, fiscal_year: int, group: str) -> pd.DataFrame:
    return rows[(rows["fiscal_year"] == fiscal_year) & (rows["group"] == group)]


def _by_year_and_group(rows: pd.DataFrame, describe: Callable[[pd.DataFrame], Mapping[str, object]]) -> pd.DataFrame:
    described = {key: describe(part) for key, part in rows.groupby(["fiscal_year", "group"])}
    index = pd.MultiIndex.from_tuples(list(described), names=["fiscal_year", "group"])
    return pd.DataFrame(list(described.values()), index=index)


def _of_group(panel: pd.DataFrame, group: str) -> pd.DataFrame:
    return panel[panel["group"] == group]


def _for_groups(panel: pd.DataFrame, estimate: Callable[[pd.DataFrame], Regression]) -> dict[str, Regression]:
    """Estimate for all companies and for each size group; a group with too few of them is left out."""
    results = {"all": estimate(panel)}
    for group in GROUPS:
        with suppress(InsufficientDataError):
            results[group] = estimate(_of_group(panel, group))
    return results


def _require_prices(prices: PricePanel | None) -> PricePanel:
    if prices is None:
        raise InsufficientDataError(
            "the source has no prices of companies (price_panel.csv or .parquet): nothing can be said of returns"
        )
    return prices


def _not_left_out(firms: Firms) -> pd.DataFrame:
    return firms.clean[~firms.clean["financial"]] if firms.options.exclude_financials else firms.clean


def _coverage(chosen: pd.DataFrame, prices: PricePanel) -> pd.DataFrame:
    priced = chosen["company"].isin(prices.values.columns)
    value = chosen["market_value"]
    parts = chosen.assign(n=1, priced=priced, value=value, priced_value=value.where(priced, 0.0))
    table = parts.groupby(["fiscal_year", "group"])[["n", "priced", "value", "priced_value"]].sum()
    shares = {"share": table["priced"] / table["n"], "value_share": table["priced_value"] / table["value"]}
    return table[["n", "priced"]].assign(**shares)
