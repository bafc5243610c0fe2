"""Nothing from the future, over all checks: the same claims file on made-up data that has every series."""

from itertools import count

import numpy as np
import pandas as pd
import pytest

from research_lib.data import open_source
from research_lib.data.simulated import simulate_panel
from research_lib.parameter_files import read_claims
from research_lib.project import PARAMETERS
from research_lib.studies.claims import Verdict, check_claims

ARTICLES = PARAMETERS / "04_claims" / "articles.yaml"
FIRST, LAST = "1999-01-04", "2025-12-31"
SYMBOLS = ("RUT", "GSPC", "IXIC", "DJI", "IWM", "SPY", "QQQ", "MDY", "RSP", "IWC", "MAGS", "VIX", "RVX", "BTC-USD")
SERIES = {"DGS10": 4.0, "DGS2": 3.5, "BAMLH0A0HYM2": 4.5, "BAA10Y": 2.5}
WITHOUT_DATA = {"normal_tail", "untestable"}


def made_up(folder, *, seed, before=None, before_seed=None):
    """Write prices, yields, factors and companies; those up to the day `before` are made with another seed."""
    numbers = count()

    def column(make, index):
        number = next(numbers)
        values = make(np.random.default_rng([seed, number]), index)
        if before is not None:
            earlier = make(np.random.default_rng([before_seed, number]), index)
            values = values.where(index > pd.Timestamp(before), earlier)
        return values

    days = pd.bdate_range(FIRST, LAST, name="date", unit="us")
    for symbol in SYMBOLS:
        close = column(_small_caps if symbol == "RUT" else _walk, days)
        frame = pd.DataFrame({"close": close, "high": close * 1.01, "low": close * 0.99, "adj_close": close * 0.9})
        _write(frame, folder / "prices" / f"{symbol}.parquet")
    for name, level in SERIES.items():
        _write(column(_yield_around(level), days).to_frame("value"), folder / "series" / f"{name}.parquet")
    months = pd.date_range("1960-01-01", LAST, freq="MS")
    factors = [column(_months, months) for _ in range(4)]
    lines = [f"{day:%Y%m},{','.join(f'{one[day]:.4f}' for one in factors)}" for day in months]
    _text(folder / "french" / "F-F_Research_Data_Factors.csv", [",Mkt-RF,SMB,HML,RF", *lines])
    _write_firms(folder, (seed, before, before_seed))


def _walk(rng, index):
    return pd.Series(100 * np.exp(rng.normal(0.0003, 0.01, len(index)).cumsum()), index)


def _small_caps(rng, index):
    """Walk about the level of 2021 to 2025, with a jump in July 2024: what some claims are about."""
    walk = _walk(rng, index)
    return walk * (2460 / walk["2023-01-03"]) * np.where(index > pd.Timestamp("2024-07-10"), 1.07, 1.0)


def _yield_around(level):
    return lambda rng, index: pd.Series(np.round(level + rng.normal(0, 0.03, len(index)).cumsum() / 3, 2), index)


def _months(rng, index):
    return pd.Series(rng.normal(0.2, 3, len(index)), index)


def _write(frame, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.rename_axis("date").reset_index().to_parquet(path)


def _text(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


_PANELS = {}


def _panel(seed):
    if seed not in _PANELS:
        made = simulate_panel(companies=560, years=20, seed=seed)
        rows = made.fundamentals.rows[made.fundamentals.rows["fiscal_year"] > 2018]
        _PANELS[seed] = rows, made.prices.values.loc["2019":]
    return _PANELS[seed]


def _write_firms(folder, choice):
    seed, before, before_seed = choice
    rows, prices = _panel(seed)
    if before is not None:
        earlier, early_prices = _panel(before_seed)
        day = pd.Timestamp(before)
        rows = pd.concat([earlier[earlier["known_from"] <= day], rows[rows["known_from"] > day]])
        rows = rows.drop_duplicates(["company", "fiscal_year"], keep="first")
        prices = pd.concat([early_prices.loc[:day], prices.loc[day + pd.Timedelta(days=1) :]])
    rows.drop(columns=["debt_from", "depreciation_from", "market_value_from", "restated_on"]).to_csv(
        folder / "fundamentals.csv", index=False
    )
    prices.to_parquet(folder / "price_panel.parquet")


def judged(folder, article=None):
    """Every claim's record and grid, by id; of one article only, if one is named."""
    overrides = {"source": "folder", "data_dir": str(folder)}
    params = read_claims(ARTICLES, overrides=overrides)
    if article is not None:
        chosen = [one.model_dump(mode="json") for one in params.claims if one.article == article]
        params = read_claims(ARTICLES, overrides={**overrides, "claims": chosen})
    results, _ = check_claims(params, open_source("folder", data_dir=str(folder)))
    return {one.claim.id: one for one in results}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    made_up(folder, seed=0)
    return judged(folder)


def test_a_folder_with_every_series_decides_what_the_others_left_open(first):
    lacking = [name for name, one in first.items() if "which source" in one.hangs_on and "left out" not in one.hangs_on]
    assert not lacking
    for name in ("A02a", "A02b", "A13a", "A13b", "B07", "C05", "C06a", "C06b", "C12a", "C12b"):
        assert first[name].verdict is not Verdict.NOT_ENOUGH_DATA, first[name].hangs_on
        assert first[name].computed is not None


@pytest.mark.parametrize(("article", "day"), [("A", "2025-10-17"), ("B", "2024-07-29"), ("C", "2024-07-16"),
                                               ("D", "2024-01-31"), ("E", "2025-10-15")])  # fmt: skip
def test_what_comes_after_changes_nothing(first, tmp_path, article, day):
    made_up(tmp_path, seed=1, before=day, before_seed=0)
    again = judged(tmp_path, article)
    happened = 0
    for name, one in again.items():
        assert one.as_record() == first[name].as_record()
        assert (one.grid, one.reading) == (first[name].grid, first[name].reading)
        happened += one.happened != first[name].happened
    assert happened or article == "C"  # what happened did change, so that the data was altered


def test_what_comes_before_changes_every_check(first, tmp_path):
    made_up(tmp_path, seed=0, before="2025-10-17", before_seed=2)
    again = judged(tmp_path)
    names = {one.claim.check.name for one in first.values()}
    changed = {one.claim.check.name for name, one in first.items() if again[name].computed != one.computed}
    flipped = [name for name, one in first.items() if again[name].verdict is not one.verdict]
    assert names - changed == WITHOUT_DATA
    assert len(flipped) > 10
