"""Study 02: how indebted small companies are against large ones, whom rates hurt; data, results, exhibits, summary."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import pandas as pd

from research_lib.data import DataCard, DataSet, Source, load_series
from research_lib.data.companies import Companies, load_bundled_firms, load_companies, load_statements, month_ends
from research_lib.data.statements import Table
from research_lib.errors import InsufficientDataError, MissingDataError
from research_lib.exhibits import charts
from research_lib.exhibits.exhibit import CONTEXT, LARGE_CAPS, SMALL_CAPS, Column, Figure
from research_lib.exhibits.findings import Summary
from research_lib.exhibits.format import NONE, interval, plural, show
from research_lib.stats import cross_section, leverage
from research_lib.stats.bootstrap import ratio_of_sums
from research_lib.stats.cross_section import rises_and_falls
from research_lib.stats.estimate import Estimate, holm
from research_lib.stats.leverage import FAILS, GROUPS, HOLDS, LARGE, LEAST_FIRMS, NOT_CONTRADICTED, SMALL, hold_quote
from research_lib.stats.panel import build_panel
from research_lib.stats.regression import ols
from research_lib.studies import parameters
from research_lib.studies.study import MISSING, Find, Study, figure, result, table

WORDS = {  # what a slope is of
    "leverage": "a turn of net debt to EBITDA",
    "negative": "EBITDA of zero or less",
    "rise": "a rise of the rate by one point",
    "fall": "a fall of the rate by one point",
    "spread": "Baa−Aaa spread wider by a point",
    "bill_rise": "bill rate up by a point",
    "bill_fall": "bill rate down by a point",
    "debt_to_capital": "debt to capital",
}
FIGURES = pd.read_csv(Path(__file__).with_name("firms.csv"), index_col=0)  # in words: what has each
PUBLISHED_BY = 5  # the month by which the statements of the year before are out
SLOPES = ("regressor", "value", "interval", "p", "p_holm", "n")
VERDICTS = {FAILS: "fails", NOT_CONTRADICTED: "open", HOLDS: "holds"}  # of the report, the gravest first


def in_words(fit: pd.DataFrame) -> pd.DataFrame:
    """Keep the slopes that a question is about: `driver`, in words as `regressor`, and `p_holm` over them."""
    rows = fit.loc[fit.index.isin(WORDS)].rename_axis("driver").reset_index()
    return rows.assign(regressor=rows["driver"].map(WORDS), p_holm=holm(rows["p"]))


def times(ratio: float, digits: int = 2) -> str:
    """Write a ratio as a multiple: 2.72×."""
    return f"{show(ratio, 'turns', digits=digits)}×"


def ends(row: Any, unit: str) -> str:  # noqa: ANN401  # a row or an Estimate
    """Write an interval in a sentence, or that there is none."""
    shown = interval(row.low, row.high, unit)
    return "too few for an interval" if shown == NONE else f"95% interval {shown}"


class Leverage(Study):
    """Study 02: small against large companies, rate moves, and refinancing."""

    Parameters = parameters.Leverage
    FINDINGS = (
        Find("nd_ebitda_{group}", "typical", "value", "turns",
             "Σ net debt / Σ EBITDA of {group} companies, fiscal {fiscal_year}", rows=True),
        Find("nd_ebitda_median_{group}", "typical", "median", "turns",
             "median net debt / EBITDA of {group} companies with positive EBITDA, fiscal {fiscal_year}", rows=True, n="n_defined"),
        Find("nd_ebitda_top5_share_{group}", "typical", "top_share", "fraction",
             "1 - ratio without the five companies that move it most ({top}) / ratio, {group}, fiscal {fiscal_year}", rows=True),
        Find("ebitda_negative_share_{group}", "typical", "share_no_ebitda", "fraction",
             "{group} companies with EBITDA of zero or less, fiscal {fiscal_year}", rows=True),
        Find("net_cash_share_{group}", "typical", "share_net_cash", "fraction",
             "{group} companies with more cash than debt, fiscal {fiscal_year}", rows=True),
        Find("due_within_year_{group}", "typical", "due_within_year", "fraction",
             "short-term over all debt of {group} companies, fiscal {fiscal_year}", rows=True, n="n_split"),
        Find("nd_ebitda_gap", "gap", "value", "turns", "small minus large, Σ net debt / Σ EBITDA"),
        Find("quote_{group}", "quotes", "verdict", "verdict", "quoted {said}{quoted:g}, {group} companies", rows=True, n=""),
        Find("cover_{group}", "cover", "value", "turns",
             "Σ operating income / Σ interest of {group} companies with interest to pay, fiscal {fiscal_year}", rows="headline"),
        Find("zombie_share_{group}", "cover", "zombie_share", "fraction",
             "{group} companies with cover below 1 in each of {p.zombie_years} fiscal years to {fiscal_year}",
             rows="headline", interval=("zombie_low", "zombie_high"), n="n_history"),
        Find("stress_zombie_share_{group}", "stresses", "zombie_share", "fraction",
             "the same, had {debt_share:.0%} of debt cost {rate_move_bp:+g} bp in those years", rows="asked", n="n_history"),
        Find("leverage_premium", "premium", "value", "fraction",
             "Fama-MacBeth: return a month for a turn of net debt to EBITDA; n in months"),
        Find("leverage_x_rate_{driver}", "interaction", "value", "fraction",
             "return a month that {regressor} adds for a turn of net debt to EBITDA", rows=True),
        Find("small_less_large_x_{driver}", "spreads", "value", "fraction", "SMB a month, {regressor}", rows="control == 'alone'"),
        Find("small_less_large_x_{driver}_beside_market", "spreads", "value", "fraction",
             "SMB a month, {regressor}, with the market held fixed", rows="driver == 'spread' and control != 'alone'"),
        Find("debt_to_capital_slope", "debt_and_return", "value", "fraction",
             "price change 1990 to 1994 per unit of debt to capital in 1990, size held equal"),
    )  # fmt: skip
    QUESTION: ClassVar[str] = "How indebted are small companies against large ones, and who is hurt when rates move?"
    CONTROLS = ("large", "small", "exclude_financials", "fiscal_year", "stress_bp", "stress_share")
    VIEWS: ClassVar[dict[str, tuple[str, ...]]] = {
        "Small against large": ("hero", "typical"), "By year": ("ratio_by_year", "cover"),
        "Refinancing": ("refinancing_map",), "Credit spreads": ("spread_effects",)}  # fmt: skip
    p: parameters.Leverage
    DATA = ("companies", "factors", "firms_1990")

    @classmethod
    def known_on(cls, source: Source, day: date, *, prices: bool = False, **settings: object) -> Self:
        """Make the study of what an open source had by a day, with or without prices; without financials where it has sectors."""
        statements = load_statements(source, as_of=day).values
        companies = load_companies(source, as_of=day) if prices else Companies(statements)
        study = cls.from_params(as_of=day, exclude_financials=companies.has_sectors, **settings)
        vars(study).update(source=source, companies=companies)
        return study

    @result
    def companies(self) -> Companies:
        """Companies, their prices, and what moves them."""
        return self.load(load_companies)

    @result
    def factors(self) -> DataSet:
        """Monthly size factor and market, bill rate and corporate yields."""
        return self.load(load_series, ("SMB", "MKT_RF", "RF", "AAA", "BAA"))

    @result
    def firms_1990(self) -> Table:
        """The 142 firms of 1990, where the source has no others."""
        if self.p.source != "bundled" or (self.p.as_of or date.max) < date(1994, 12, 31):
            raise InsufficientDataError("only the bundled source has the firms of 1990 to 1994, known by 1994-12-31")
        return load_bundled_firms()

    @property
    def main_cards(self) -> tuple[DataCard, ...]:
        """The cards of what the headline is about."""
        return self.cards_of("factors" if self.lacking else "companies")

    @result
    def lacking(self) -> str:
        """Why the proxy stands in for the quoted figures; empty where they can be checked."""
        try:
            _ = self.quotes
        except MissingDataError as reason:
            with suppress(*MISSING):
                return str(reason) if self.factors else ""
            raise  # what the companies lack, rather than what the proxy does
        return ""

    # Groups.

    @result
    def firms(self) -> pd.DataFrame:
        """Companies in their groups."""
        asked = {name: getattr(self.p, name) for name in ("large", "small", "exclude_financials", "zombie_years")}
        return leverage.prepare(self.companies.statements, **asked)

    @result
    def fiscal_year(self) -> int:
        """The year asked for, or the last with enough companies in both groups."""
        sizes = pd.crosstab(self.firms["fiscal_year"], self.firms["group"]).reindex(columns=list(GROUPS), fill_value=0)
        years, asked = sizes.index[(sizes >= LEAST_FIRMS).all(axis=1)], self.p.fiscal_year
        if len(years) and asked in (0, *years):
            return int(asked or years[-1])
        takes, those = self.p.large + min(self.p.large, self.p.small), ", ".join(map(str, years)) or "none"
        raise InsufficientDataError(
            f"{f'fiscal year {asked}' if asked else 'the last fiscal year'}: {LEAST_FIRMS} companies in both size groups "
            f"are needed, and {takes:,} with a market value (large: {self.p.large:,}); years that have them: {those}"
        )

    def members(self, group: str, column: str = "group") -> pd.DataFrame:
        """Return the companies of one group in the headline's year."""
        return self.firms[(self.firms["fiscal_year"] == self.fiscal_year) & (self.firms[column] == group)]

    def yearly(self, describe: Callable[..., dict[str, Any]]) -> pd.DataFrame:
        """Describe each group by fiscal year; `headline` marks the headline's."""
        year, found = self.fiscal_year, leverage.by_year_and_group(self.firms, partial(describe, seed=self.p.seed))
        return found.assign(headline=found["fiscal_year"] == year)

    def of(self, group: str) -> Any:  # noqa: ANN401  # a row
        """Return the headline's ratio of one group, with all that goes with it."""
        return next(self.typical[self.typical["group"] == group].itertuples())

    @result
    def gap(self) -> Estimate:
        """Small minus large net debt to EBITDA."""
        small, large = (self.members(group)[["net_debt", "ebitda"]].dropna() for group in (SMALL, LARGE))
        return ratio_of_sums(small, less=large, seed=self.p.seed)

    @result
    def stresses(self) -> pd.DataFrame:
        """What repricing does to each group, by share of debt and rate move; `asked` marks the case of the parameters."""
        asked = {"rate_move_bp": self.p.stress_bp, "debt_share": self.p.stress_share}
        return leverage.stress_map(self.firms, self.fiscal_year, asked, zombie_years=self.p.zombie_years)

    def figure_of(self, words: str, group: str = SMALL) -> dict[str, Any]:
        """Say a figure of `FIGURES` of a group in the headline's year: large, small, or "small minus large".

        Returns value, kind, n, what n counts as `cases`, and first and last day; the latest year must be the one that was due.
        """
        (name, column, kind, base), year, day = map(str, FIGURES.loc[words]), self.fiscal_year, self.p.as_of
        if day and not self.p.fiscal_year and year < day.year - (1 if day.month >= PUBLISHED_BY else 2):
            raise InsufficientDataError(f"the newest statements are of fiscal {year}, too old; name a year")
        rows = getattr(self, name).query("asked" if name == "stresses" else "headline").set_index("group")
        rows = rows.loc[group.split(" minus ")]
        if rows[column].isna().any():
            raise InsufficientDataError(f"{words}: it is not known of enough companies of fiscal {year}")
        value, *less = rows[column]
        kind, cases = "difference" if less and kind == "share" else kind, f"companies {self.financials}"
        span = {"first": pd.Timestamp(year, 1, 1), "last": pd.Timestamp(year, 12, 31)}
        return {"value": float(value - sum(less)), "kind": kind, "n": int(rows[base].sum()), "cases": cases, **span}

    # Returns, beside what was known before.

    @result
    def prices(self) -> pd.DataFrame:
        """Prices of companies."""
        if self.companies.panel is None:
            raise InsufficientDataError("the source has no prices of companies")
        return self.companies.panel.values

    @result
    def known_firms(self) -> pd.DataFrame:
        """Companies whose returns are looked at: all but impossible rows, and financials if they are left out."""
        return self.firms[self.firms["rule"].eq("") & ~(self.firms["financial"] & self.p.exclude_financials)]

    @result
    def months(self) -> pd.DatetimeIndex:
        """Ends of the holding periods."""
        return month_ends(self.companies.panel)

    @result
    def slopes(self) -> pd.DataFrame:
        """Monthly slopes of returns on leverage."""
        panel = build_panel(self.known_firms, self.prices, self.months, market=self.companies.market)
        within = "sector" if self.companies.has_sectors else ""
        return cross_section.monthly_slopes(panel, ("leverage", "negative", "size", "beta"), within=within)

    @result
    def spreads(self) -> pd.DataFrame:
        """Small minus large when credit spreads and bill rates move, alone and with the market held fixed."""
        values = self.factors.values
        bill = (12 * values["RF"]).dropna()
        moves = rises_and_falls(bill, pd.DatetimeIndex(bill.index)).add_prefix("bill_")
        spread = (100 * (values["BAA"] - values["AAA"])).diff().rename("spread")
        alone = pd.concat([spread, moves], axis=1, join="inner")
        beside = {"alone": alone, "market held fixed": alone.join(values["MKT_RF"])}
        fits = ((name, ols(values["SMB"], known, cov="wild", seed=self.p.seed)) for name, known in beside.items())
        return pd.concat([in_words(fit).assign(control=name) for name, fit in fits], ignore_index=True)

    def double_edge(self, rate: "pd.Series[float]", move: str) -> dict[str, Any]:
        """Say what a rise or fall of a rate by a point adds to a month's return for a turn of net debt to EBITDA, as `figure_of`."""
        moves = rises_and_falls(rate, self.months)
        found: Any = cross_section.leverage_rate_interaction(self.slopes, moves).drop(columns="p").to_dict("index")
        if move not in found:
            raise InsufficientDataError(f"the rate did not {move} in the months with prices")
        return found[move] | {"kind": "fraction", "cases": "months", "first": self.months[0], "last": self.months[-1]}

    @figure
    def hero(self) -> Figure:
        """The quoted ratios, or the proxy where the source has no companies."""
        if self.lacking:
            return self.exhibit("spread_effects")
        names = [f"large, ranks 1 to {self.p.large:,}", f"small, ranks {self.p.large + 1:,} to {self.p.companies:,}"]
        frame = self.quotes.set_axis(names)[["value", "low", "high", "quoted"]]
        owed = [f"{times(row.value, 1)} (n {row.n:,})" for row in self.quotes.itertuples()]
        return charts.intervals(
            frame.assign(text=owed), name="net debt to EBITDA, sum over companies", unit="turns", bar=True, title=self.quote_title,
            deck=f"Fiscal {self.fiscal_year}, {self.financials}; ranks by market value, n with data; lines: 95% intervals; red: "
            "what is quoted, for small companies as more than that", data=self.quotes,
            alt=f"Net debt to EBITDA: large {owed[0]}, small {owed[1]}. {self.quote_title}.",
            colours=dict(zip(names, (LARGE_CAPS, SMALL_CAPS), strict=True)),
        )  # fmt: skip

    @figure
    def ratio_by_year(self) -> Figure:
        """Net debt to EBITDA by fiscal year."""
        frame = self.by_year.set_index("fiscal_year")
        both = self.by_year.pivot_table(index="fiscal_year", columns="group", values="value", dropna=False).dropna()
        return charts.intervals(
            frame[["group", "value", "low", "high"]], name="net debt to EBITDA, sum over companies", unit="turns",
            title="Relative to EBITDA, small companies owed more than large ones in "
            f"{(both[SMALL] > both[LARGE]).sum()} of {plural(len(both), 'year')}",
            deck=f"By fiscal year, {self.financials}; lines: 95% intervals", data=frame.reset_index(),
            note="Companies with losses are in the sums. An interval shows how much the ratio would change with other companies.",
            alt="; ".join(f"fiscal {row.Index} {row.group} {times(row.value)}" for row in frame.itertuples()) + ".",
        )  # fmt: skip

    @table(lambda s: f"The typical small company owes {'more' if s.of(SMALL).median > s.of(LARGE).median else 'no more'} than "
           "the typical large one, relative to EBITDA",
           ("group", "median", ("n_defined", Column("n of median", "count")), "share_no_ebitda", "share_net_cash", "due_within_year", "n"),
           unit="turns",
           deck="Median net debt to EBITDA where EBITDA is positive, shares of companies and of debt; fiscal {s.fiscal_year}",
           note="Debt due soon is refinanced first. The statements do not show which debt has a floating rate.")  # fmt: skip
    def typical(self) -> pd.DataFrame:
        """The typical company, and debt due within a year."""
        return self.by_year.query("headline").reset_index(drop=True)

    @figure
    def refinancing_map(self) -> Figure:
        """Refinancing."""
        small = self.stresses.query("group == @SMALL")
        part = small.query("rate_move_bp != 0")
        frame = part.pivot_table(index="debt_share", columns="rate_move_bp", values="added")
        before = show(small.query("rate_move_bp == 0")["share_below_one"].iloc[0], "share")
        after = show(small["share_below_one"].iloc[-1], "share")  # all debt, the greatest move
        most = f"At {show(float(frame.columns[-1]), 'bp')} on all debt {after} of small companies would not earn their interest"
        frame.columns = [show(float(move), "bp").removesuffix(" bp") for move in frame.columns]
        return charts.heat_map(
            frame.set_axis([f"{share:.0%} of debt" for share in frame.index], axis=0),
            ends=(SMALL_CAPS, CONTEXT), data=part,
            title=f"{most}; without it, {before}",
            deck="Percentage points of small companies added to those with interest cover below 1, by rate move in basis "
            f"points and share of debt that pays it; of those whose interest is known, fiscal {self.fiscal_year}, all else equal",
            note="Where a rate move changes little, low earnings are the problem, not rates.",
            alt=f"{most}; without it, {before}.",
        )  # fmt: skip

    @partial(figure, on=("factors",))
    def spread_effects(self) -> Figure:
        """Small minus large when credit spreads and bill rates move."""
        frame = self.spreads.rename(columns={"control": "group"}).set_index("regressor")
        frame["text"] = [show(value, "points") for value in frame["value"]]
        return charts.intervals(
            frame[["value", "low", "high", "group", "text"]], name="return of small minus large in the month, points",
            unit="points", colours={"alone": CONTEXT, "market held fixed": SMALL_CAPS}, title=self.spread_title,
            deck=f"SMB for a move of one point; grey: without control, orange: market held fixed; "
            f"{plural(int(frame['n'].iloc[0]), 'month')}; 95% intervals, wild bootstrap-t", data=self.spreads,
            alt="; ".join(f"{row.Index}, {row.group}: {row.text}" for row in frame.itertuples()) + ".",
        )  # fmt: skip

    @table("{s.quote_title}", ("group", "quoted", "value", "interval", "n", "verdict"), unit="turns",
           deck="Net debt to EBITDA, sums over companies, fiscal {s.fiscal_year}, {s.financials}",
           note="holds: the figure rounds to what is quoted, or the whole interval is above it. not contradicted: the quoted figure lies "
           "inside the interval, or there is none because the group has fewer than 200 companies.")  # fmt: skip
    def quotes(self) -> pd.DataFrame:
        """The quoted figures."""
        frame = self.typical.assign(quoted=[self.p.quoted_large, self.p.quoted_small], said=["", "more than "])
        if unknown := list(frame.loc[frame["value"].isna(), "group"]):
            why = "none has debt, cash, operating_income and depreciation_amortization, or EBITDA sums to zero or less"
            raise MissingDataError(f"net debt to EBITDA of {unknown[0]} companies is undefined: {why}")
        verdicts = [hold_quote(row, row.quoted, more_than=row.group == SMALL) for row in frame.itertuples()]
        return frame.assign(verdict=verdicts)

    @table("Net debt to EBITDA by fiscal year",
           ("fiscal_year", "group", "n", "value", "interval", "median", "share_no_ebitda", "without_top", "top"), unit="turns",
           note="A group of fewer than 30 companies is left out; an interval needs 200.")  # fmt: skip
    def by_year(self) -> pd.DataFrame:
        """Net debt to EBITDA by fiscal year."""
        return self.yearly(leverage.group_ratio)

    @table("The ratio on seven definitions, fiscal {s.fiscal_year}",
           ("group", ("value", Column("sum over sum")), "median", "mean_of_ratios", "positive_only", "never_restated",
            "with_financials", "as_filed"), unit="turns")  # fmt: skip
    def definitions(self) -> pd.DataFrame:
        """The ratio on seven definitions."""
        groups = {name: [self.members(one, name) for one in GROUPS] for name in ("size_group", "group_as_filed")}
        found = {name: [leverage.group_ratio(one)["value"] for one in both] for name, both in groups.items()}
        return self.typical.assign(with_financials=found["size_group"], as_filed=found["group_as_filed"])

    @table("Rows set aside because their values are impossible", ("rule", "n", "company", "fiscal_year", "bn_net_debt", "bn_ebitda"),
           deck="Of {s.firms.shape[0]:,} rows; with each rule, the row of the largest net debt",
           note="A row is judged by itself, its market value and the company's earlier years.")  # fmt: skip
    def excluded(self) -> pd.DataFrame:
        """Rows set aside."""
        caught = self.firms[self.firms["rule"] != ""].sort_values("net_debt", key=abs, ascending=False)
        caught = caught.assign(n=caught.groupby("rule")["company"].transform("size"))
        return caught.drop_duplicates("rule").eval("bn_net_debt = net_debt / 1e9\nbn_ebitda = ebitda / 1e9")

    @table("Interest cover, and zombies",
           ("fiscal_year", "group", "n", "value", "interval", "median", "share_below_one", ("n_known", Column("n of below 1", "count")),
            "zombie_share", ("n_history", Column("n of zombies", "count")), "coverage"), unit="turns",
           note="Cover: operating income over interest, summed over the n that pay interest; below 1: of all whose interest is known. "
           "Zombies: cover below 1 for {p.zombie_years} years in a row. Empty: interest known of under 30 companies or half.")  # fmt: skip
    def cover(self) -> pd.DataFrame:
        """Interest cover by fiscal year."""
        return self.yearly(leverage.interest_cover)

    @table("What went with leverage, a month", SLOPES, unit="change",
           deck="Monthly returns on what had been published before the month, size and beta held equal; n months",
           note=lambda s: "Fama and MacBeth (1973) with equal-weighted cosine errors; a median of "
           f"{s.slopes['companies'].median():,.0f} companies a month, because a restated value counts from its restatement."
           + " Companies that failed are missing from the prices." * s.companies.panel.survivors_only)  # fmt: skip
    def premium(self) -> pd.DataFrame:
        """Returns and leverage."""
        return in_words(cross_section.fama_macbeth(self.slopes))

    @table("Do indebted companies' shares react more when rates move?", SLOPES, unit="change",
           deck="Monthly slopes of returns on net debt to EBITDA, on moves of the {s.companies.rate_name} in points; n months",
           note="Restricted wild bootstrap-t. A positive value of a fall means that the indebted gained when the rate fell.")  # fmt: skip
    def interaction(self) -> pd.DataFrame:
        """Leverage when rates move."""
        slopes, rate = self.slopes, self.companies.rate
        if rate is None:
            raise InsufficientDataError("the source has no rate (series/DGS2.csv)")
        return in_words(cross_section.leverage_rate_interaction(slopes, rises_and_falls(rate, self.months)))

    @table("Did the indebted move more on chosen days?", ("event", "date", "value", "interval", "p", "p_holm", "n"), unit="change",
           deck="Return for a turn of net debt to EBITDA on the day; n companies",
           note="Slopes are larger in turmoil: each is scaled by the 21 sessions before it and held against the 252 before "
           "(Cohn, Johnson, Liu and Wardlaw, 2023). A dash: no statements or prices of that time.")  # fmt: skip
    def chosen_days(self) -> pd.DataFrame:
        """Chosen days."""
        found = cross_section.event_days(cross_section.daily_slopes(self.known_firms, self.prices), self.p.events)
        if found["value"].isna().all():
            raise InsufficientDataError("none of the chosen days has prices and 120 sessions before it")
        return found

    @table("Debt in 1990 and the share price to 1994", ("regressor", "value", "interval", "p", "n"), on=("firms_1990",),
           note="Price change on debt to capital, log of net income held equal; one cross-section of firms that were all still "
           "quoted at its end. HC3 errors.")  # fmt: skip
    def debt_and_return(self) -> pd.DataFrame:
        """The 142 firms of 1990."""
        values = self.firms_1990.values
        return in_words(ols(values["price_return"], values[["debt_to_capital", "log_net_income"]], cov="HC3"))

    @property
    def financials(self) -> str:
        """Whether financials are in."""
        return f"{'without' if self.p.exclude_financials else 'with'} financials"

    @property
    def quote_title(self) -> str:
        """What becomes of the quoted figures."""
        large, small = (f"is {one}" if one == NOT_CONTRADICTED else one for one in self.quotes["verdict"])
        return f"The {self.p.quoted_large:g} {large}, the “more than {self.p.quoted_small:g}” {small}"

    @property
    def spread_title(self) -> str:
        """What a wider spread does to small minus large."""
        effect = self.spreads.query("driver == 'spread'").iloc[-1]
        if not effect.p < 0.05:
            return "Small caps are not shown to lag when spreads widen"
        size = show(abs(effect.value), "points").lstrip("+")
        return f"Small caps {'lag' if effect.value < 0 else 'lead'} {size} when spreads widen by a point"

    def summary(self) -> Summary:
        """Return the first screen: the quoted figures where the source has companies, else the proxy."""
        return self._of_spreads() if self.lacking else self._of_quotes()

    def _of_quotes(self) -> Summary:
        small, large, no_ebitda = self.of(SMALL), self.of(LARGE), show(self.of(SMALL).share_no_ebitda, "share")
        row: Any = min(self.quotes[::-1].itertuples(), key=lambda one: list(VERDICTS).index(one.verdict))  # small first
        group, quote, owed = row.group.capitalize(), f"{row.said}{row.quoted:g}", f"{row.value:.1f}"
        doubt = "shown" if row.said and row.value > row.quoted else "ruled out"
        headline = {
            FAILS: f"{group} companies owe {owed} times EBITDA; “{quote}” fails",
            NOT_CONTRADICTED: f"{group} companies owe {owed} times EBITDA; “{quote}” is not {doubt}",
            HOLDS: f"{group} companies do owe {quote} times EBITDA: {owed}",
        }[row.verdict]
        return Summary(
            VERDICTS[row.verdict],
            headline,
            f"In fiscal {self.fiscal_year} small US companies together owed {times(small.value)} EBITDA, large ones "
            f"{times(large.value)} ({self.financials}). The median small company with positive EBITDA owed {times(small.median)}, "
            f"the median large one {times(large.median)}. {no_ebitda} of small companies have zero or negative EBITDA; "
            f"{show(small.share_net_cash, 'share')} hold more cash than debt.",
            (
                (times(small.value), f"small companies, {ends(small, 'turns')}, n {small.n:,}"),
                (times(large.value), f"large companies, {ends(large, 'turns')}, n {large.n:,}"),
                (no_ebitda, "of small companies have zero or negative EBITDA"),
                (times(small.median), f"the median small company with positive EBITDA; large {times(large.median)}"),
            ),
            "hero",
            (
                "Groups are ranks by market value, not the members of an index, and the year is not that of the quotes.",
                "Statements show no contracts: which debt floats, is hedged or falls due when is unknown.",
                "Intervals cover only which companies happen to be in a group, not errors in their statements.",
            ),
            "Another definition, year or group under which the quoted figure holds.",
            claim=f"{row.group} companies owe {quote} times EBITDA",
        )

    def _of_spreads(self) -> Summary:
        alone, rise, _, effect, *_ = self.spreads.itertuples()  # spread and bill rate; then beside the market
        by_alone, beside = show(alone.value, "points"), show(effect.value, "points")
        return Summary(
            "stand-in",
            f"No company data: {self.spread_title[0].lower()}{self.spread_title[1:]}",
            f"The published ratios cannot be checked: {self.lacking}. In {effect.n:,} months small minus large returned "
            f"{by_alone} for each point by which the Baa−Aaa spread widened, and {beside} with the market held fixed. "
            "Spreads stand in for leverage.",
            (
                (beside, f"small minus large, spread wider by a point, market held fixed, {ends(effect, 'points')}"),
                (by_alone, f"with the market left in, {ends(alone, 'points')}"),
                (show(rise.value, "points"), f"bill rate up by a point, market left in, {ends(rise, 'points')}"),
                (f"{effect.n:,}", "months of size factor, bill rate and corporate yields"),
            ),
            "hero",
            (
                "Small companies are said to owe more than large ones; they are also younger, less liquid and of other industries.",
                "Yields are means of the month, so the slopes are too small.",
                "The 142 firms are one cross-section of companies that were still quoted in 1994.",
            ),
            "Company statements: put fundamentals.csv or SimFin's files into a folder and set source: folder.",
        )
