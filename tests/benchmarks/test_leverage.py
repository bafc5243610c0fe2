"""Load, clean, group, sort and regress SimFin's files against plain pandas code: the same numbers, the ratio shown."""

import itertools
import time

import numpy as np
import pandas as pd
import statsmodels.api as sm

from research_lib.data import open_source
from research_lib.data.fundamentals import load_fundamentals
from research_lib.data.price_panel import load_price_panel
from research_lib.stats.cross_section import NEGATIVE, fama_macbeth, portfolio_sort
from research_lib.studies.leverage import GROUPS, Options, indebtedness, monthly_returns, prepare

KEYS = ["Ticker", "Fiscal Year"]
REGRESSORS = ["leverage", "negative", "size"]


def ours(folder):
    source = open_source("folder", data_dir=str(folder))
    firms = prepare(load_fundamentals(source), options=Options(draws=0))
    table = indebtedness(firms)
    panel = monthly_returns(firms, load_price_panel(source)).panel
    return table, portfolio_sort(panel).returns, fama_macbeth(panel, REGRESSORS, lags=3).table


def load_plainly(folder):
    files = [
        pd.read_csv(folder / "simfin" / f"us-{name}-annual.csv", sep=";") for name in ("income", "balance", "cashflow")
    ]
    names = ["Depreciation & Amortization", "Short Term Debt", "Long Term Debt", "Total Assets", "Total Liabilities"]
    names += ["Total Equity", "Cash, Cash Equivalents & Short Term Investments"]
    rows = files[0].merge(files[1][KEYS + names[1:]], on=KEYS)
    rows = rows.merge(files[2][[*KEYS, names[0]]], on=KEYS, suffixes=("_income", ""))
    prices = pd.read_csv(folder / "simfin" / "Annual_Stock_Price_Performance.csv")
    prices = prices[prices["Open Price"] > 0].assign(Date=lambda frame: pd.to_datetime(frame["Date"]))
    rows["known"], rows["end"] = pd.to_datetime(rows["Publish Date"]), pd.to_datetime(rows["Report Date"])
    prices = prices.rename(columns={"Open Price": "price"})[["Ticker", "Date", "price"]].sort_values("Date")
    rows = pd.merge_asof(
        rows.sort_values("known"),
        prices,
        left_on="known",
        right_on="Date",
        by="Ticker",
        direction="forward",
        tolerance=pd.Timedelta(days=6),
    )
    rows["value"] = rows["price"] * rows["Shares (Basic)"].fillna(rows["Shares (Diluted)"])
    rows["debt"] = rows["Short Term Debt"].fillna(0) + rows["Long Term Debt"].fillna(0)
    rows["cash"] = rows["Cash, Cash Equivalents & Short Term Investments"]
    rows["net_debt"] = rows["debt"] - rows["cash"]
    depreciation = rows["Depreciation & Amortization"].fillna(-rows["Depreciation & Amortization_income"])
    rows["ebitda"] = rows["Operating Income (Loss)"] + depreciation
    return rows


def clean_plainly(rows):
    def judge(own):
        own = own.sort_values("Fiscal Year")
        earlier = own["Total Assets"].cummin().shift()
        enterprise = own["value"] + own["debt"]
        bad = (
            (own["Short Term Debt"] < 0) | (own["Long Term Debt"] < 0) | (own["cash"] < 0) | (own["Total Assets"] <= 0)
        )
        bad |= (own["cash"] > 1.01 * own["Total Assets"]) | (own["debt"] > 1.01 * own["Total Liabilities"])
        bad |= (
            (own["Revenue"] > 7e11)
            | (own["Total Assets"] > 7e12)
            | (own["ebitda"].abs() > 4e11)
            | (own["value"] > 6e12)
        )
        bad |= (own["Total Assets"] > 500 * earlier) & (earlier > 1e7)
        bad |= (own["Total Equity"].abs() > 50 * own["value"]) & (own["price"] > 1)
        bad |= (own["ebitda"] > 2.5 * enterprise) | (own["ebitda"] < -100 * enterprise)
        return own[~bad]

    kept = pd.concat([judge(own) for _, own in rows.groupby("Ticker")])

    def rank(year):
        order = year["value"].rank(ascending=False, method="first")
        return year.assign(group=np.select([order <= 500, order <= 2500], GROUPS, ""))

    return pd.concat([rank(year) for _, year in kept.groupby("Fiscal Year")])


def ratios_plainly(rows):
    def describe(firms):
        used = firms.dropna(subset=["net_debt", "ebitda"])
        ratio = used["net_debt"].sum() / used["ebitda"].sum()
        moved = used.apply(
            lambda row: abs(
                (used["net_debt"].sum() - row["net_debt"]) / (used["ebitda"].sum() - row["ebitda"]) - ratio
            ),
            axis=1,
        )
        rest = used.drop(moved.nlargest(5).index)
        positive = used[used["ebitda"] > 0]
        return pd.Series(
            {
                "ratio": ratio,
                "median": (positive["net_debt"] / positive["ebitda"]).median(),
                "negative_ebitda_share": (used["ebitda"] <= 0).mean(),
                "without_top": rest["net_debt"].sum() / rest["ebitda"].sum(),
            }
        )

    return rows[rows["group"] != ""].groupby(["Fiscal Year", "group"]).apply(describe)


def panel_plainly(rows, folder):
    prices = pd.read_parquet(folder / "simfin" / "daily_adj_close.parquet").astype(float)
    prices = prices.where(prices > 0)
    months = prices.groupby(prices.index.to_period("M")).tail(1).index
    parts = []
    for begin, end in itertools.pairwise(months):
        known = rows[rows["known"] < begin].sort_values("end").groupby("Ticker").tail(1).set_index("Ticker")
        known = known[(begin - known["end"]).dt.days <= 550].dropna(subset=["net_debt", "ebitda"])
        known = known[known.index.isin(prices.columns[prices.loc[begin].notna()])]
        ratio = (known["net_debt"] / known["ebitda"]).where(known["ebitda"] > 0)
        part = pd.DataFrame(
            {
                "return": prices.loc[end, known.index] / prices.loc[begin, known.index] - 1,
                "ratio": ratio,
                "negative": (known["ebitda"] <= 0).astype(float),
                "leverage": ratio.clip(*ratio.quantile([0.05, 0.95])).fillna(0.0) if len(ratio) else ratio,
                "size": np.log(known["value"]),
            }
        )
        parts.append(part.assign(date=end).reset_index(names="company"))
    return pd.concat(parts).dropna(subset=["return"])


def sort_plainly(panel):
    def place(section):
        rank = section["ratio"].rank(pct=True, method="first")
        return section.assign(portfolio=np.where(section["negative"] == 1, 6, np.ceil(rank * 5)))

    placed = pd.concat([place(section) for _, section in panel.groupby("date")])
    wide = placed.groupby(["date", "portfolio"]).apply(lambda section: section["return"].mean())
    wide = wide.reset_index(name="mean").pivot_table(index="date", columns="portfolio", values="mean")
    enough = placed[placed["portfolio"] < 6].groupby("date").size() >= 20
    return wide[enough.reindex(wide.index, fill_value=False)].set_axis([*"12345", NEGATIVE], axis=1)


def regress_plainly(panel):
    data = panel.dropna(subset=REGRESSORS)

    def slopes(section):
        if len(section) < 20 or section["negative"].nunique() < 2:
            return pd.Series(np.nan, ["const", *REGRESSORS])
        return sm.OLS(section["return"], sm.add_constant(section[REGRESSORS])).fit().params

    found = data.groupby("date").apply(slopes).dropna()
    fits = {name: sm.OLS(found[name], np.ones(len(found))) for name in REGRESSORS}
    fits = {
        name: fit.fit(cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}) for name, fit in fits.items()
    }
    return pd.DataFrame({name: [fit.params.iloc[0], fit.bse.iloc[0]] for name, fit in fits.items()}).T


def plain(folder):
    rows = clean_plainly(load_plainly(folder))
    panel = panel_plainly(rows, folder)
    return ratios_plainly(rows), sort_plainly(panel), regress_plainly(panel)


def timed(function, *arguments):
    begin = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - begin


def test_leverage_against_plain_pandas(benchmark, shared_data):
    ours(shared_data)  # imports and the file cache are no part of either
    (table, sorted_returns, slopes), seconds = min(
        (timed(ours, shared_data) for _ in range(3)), key=lambda found: found[1]
    )
    (plain_table, plain_returns, plain_slopes), plain_seconds = timed(plain, shared_data)
    columns = list(plain_table.columns)
    np.testing.assert_allclose(table[columns].to_numpy(), plain_table.to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(sorted_returns.to_numpy(), plain_returns.to_numpy(), rtol=1e-9)
    found = slopes.loc[REGRESSORS, ["coefficient", "standard_error"]]
    np.testing.assert_allclose(found.to_numpy(), plain_slopes.to_numpy(), rtol=1e-6)
    benchmark.extra_info["plain_over_ours"] = plain_seconds / seconds
    print(f"\nleverage: ours {seconds:.2f} s, plain pandas {plain_seconds:.2f} s: {plain_seconds / seconds:.1f} times")
    benchmark.pedantic(ours, args=(shared_data,), rounds=1)
