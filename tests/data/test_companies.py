"""Companies as studies load them: a panel in every form, survivors named, and None for what a source lacks."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import companies, open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.companies import load_companies, load_price_panel, make_price_panel, month_ends
from research_lib.data.source import load_packaged
from research_lib.errors import DataError, MissingDataError
from tests.companies import write_simfin
from tests.data.test_statements import SIMFIN

SESSIONS = sessions_between(pd.Timestamp("2020-01-02"), pd.Timestamp("2020-06-30")).rename("date")


def prices(*names):
    steps = np.random.default_rng(0).normal(0, 0.01, (len(SESSIONS), len(names)))
    return pd.DataFrame(50 * np.exp(steps.cumsum(axis=0)), SESSIONS, list(names))


def load(folder, **options):
    return load_price_panel(open_source("folder", data_dir=str(folder)), **options)


def made(frame):
    return make_price_panel(frame, source="folder", origin="x")


def write_bulk_prices(frame, path):
    long = frame.stack().rename("Adj. Close").rename_axis(["Date", "Ticker"]).reset_index()  # noqa: PD013  # names stay
    long.assign(Close=1.0).to_csv(path, sep=";", index=False)


FORMS = {"price_panel.csv.gz": pd.DataFrame.to_csv, "price_panel.parquet": pd.DataFrame.to_parquet,
         "simfin/daily_adj_close.parquet": pd.DataFrame.to_parquet, "simfin/us-shareprices-daily.csv": write_bulk_prices}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_form_holds_the_same_panel(tmp_path, name):
    frame = prices("A", "NA")
    (tmp_path / "simfin").mkdir()
    FORMS[name](frame, tmp_path / name)
    panel = load(tmp_path)
    pd.testing.assert_frame_equal(panel.values, frame, check_freq=False)
    assert (panel.card.sha256, panel.card.gaps, panel.card.faults) == (made(frame).card.sha256, 0, ())


def test_nothing_after_as_of_matters_and_two_files_are_refused(tmp_path):
    frame = prices("A", "B")
    frame.loc[pd.Timestamp("2100-01-04")] = 50.0
    frame.to_csv(tmp_path / "price_panel.csv")
    before = load(tmp_path, as_of=date(2020, 3, 31))
    pd.concat([frame[:"2020-03-31"], 30 * frame["2020-04-01":]]).to_csv(tmp_path / "price_panel.csv")
    assert load(tmp_path, as_of=date(2020, 3, 31)).card == before.card
    assert before.values.index[-1] == pd.Timestamp("2020-03-31")
    assert load(tmp_path).values.index[-1] == SESSIONS[-1], "what is not over yet is left out"
    assert load(tmp_path, as_of=date(2019, 3, 31)) is None
    frame.to_parquet(tmp_path / "price_panel.parquet")
    with pytest.raises(DataError, match=r"holds price_panel.csv and price_panel.parquet: remove one of them"):
        load(tmp_path)


def test_what_is_wrong_in_a_panel_is_left_out_or_named():
    frame = prices("A", "B", "C", "D", "E").drop(SESSIONS[20])
    frame.iloc[3, 1], frame.iloc[50:, 2], frame["D"] = 0.0, frame.iloc[50:, 2] / 4, np.nan
    frame.iloc[5, 1] = 0.0
    frame.iloc[60:, 4] = 44.0
    panel = made(frame)
    assert list(panel.values) == ["A", "B", "C", "E"]
    assert np.isnan(panel.values.iloc[[3, 5], 1]).all()
    assert panel.card.faults[1].n == 2
    days = [str(frame.index[row].date()) for row in (3, 50, 60)]
    assert [(fault.kind, fault.date, fault.detail.split(",")[0][:5]) for fault in panel.card.faults] == [
        ("an exchange session is missing", str(SESSIONS[20].date()), ""),
        ("a price that is not positive (left out)", days[0], "B"),
        ("a step like a split", days[1], "C x 0"),
        ("no price at all (left out)", "", "D"),
        ("the same value again and again", days[2], "E 44"),
    ]


def test_survivors_are_recognised():
    frame = prices(*(f"C{number}" for number in range(20)))
    assert made(frame).survivors_only
    frame.iloc[60:, :2] = np.nan
    panel = made(frame)
    assert (panel.still_quoted_share, panel.survivors_only) == (pytest.approx(0.9), False)


def test_month_ends_are_of_months_that_are_over():
    days = month_ends(made(prices("A").loc[:"2020-05-28"]))
    assert [str(day.date()) for day in days] == ["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30"]
    assert month_ends(made(prices("A").loc[:"2020-05-29"]))[-1] == pd.Timestamp("2020-05-29")


def test_a_panel_with_a_date_twice_or_of_returns_is_refused():
    frame = prices("A", "B")
    twice, returns = pd.concat([frame, frame.iloc[[5]]]), frame.pct_change()
    with pytest.raises(DataError, match=r"x: the date 2020-01-09 stands twice"):
        made(twice)
    with pytest.raises(DataError, match=r"x: .*not positive: returns in place of prices"):
        made(returns)


def test_the_real_panel_names_its_survivorship(shared_data):
    panel = load(shared_data)
    assert panel.survivors_only
    assert panel.values.shape[1] > 1_500
    assert len(month_ends(panel)) == 85  # 2016-12 to 2023-12
    assert panel.card.gaps == 0


def test_bundled_companies_are_142_firms_and_twenty_of_todays_large_ones():
    panel = load_price_panel(open_source("bundled"))
    prices, index = panel.values, load_packaged("GSPC 1990")[0]
    assert (prices.shape, prices.notna().all(axis=None), prices.index.equals(index.index)) == ((8313, 20), True, True)
    assert "twenty of today's large companies" in panel.card.origin
    # A plain average of today's winners beat the index many times over: what hindsight does.
    assert (prices.iloc[-1] / prices.iloc[0]).mean() > 5 * 3783.22 / 359.69
    values = companies.load_bundled_firms().values
    assert (values.shape, values["price_return"].between(-1, 2).all()) == ((142, 4), True)
    assert values["debt_to_capital"].mean() == pytest.approx(0.2565, abs=1e-4)  # the data set's own description
    assert load_price_panel(open_source("bundled"), as_of=date(1960, 12, 30)) is None
    with pytest.raises(MissingDataError, match="the bundled data hold no company statements"):
        load_companies(open_source("bundled"))


def test_a_folder_gives_what_it_has(tmp_path):
    write_simfin(tmp_path, SIMFIN)
    prices("AAA").to_csv(tmp_path / "price_panel.csv")
    found = load_companies(open_source("folder", data_dir=str(tmp_path)))
    assert (found.market, found.rate, found.rate_name) == (None, None, "")
    assert [card.id for card in found.cards] == ["fundamentals", "price_panel"]
    assert (len(found.statements), found.has_sectors) == (3, False)
