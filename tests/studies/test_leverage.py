"""The study on hand-made companies, on simulated ones, and on the real files."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.companies import Companies, PricePanel
from research_lib.data.statements import Found, make_statements
from research_lib.errors import InsufficientDataError, MissingDataError
from research_lib.stats.leverage import FAILS, HOLDS, LARGE, SMALL
from research_lib.studies.leverage import Leverage
from research_lib.studies.study import Missing
from tests.companies import company, rows
from tests.data.simulated import PREMIUM, RATE_EFFECT, simulate_panel
from tests.stats.reference import slope_of
from tests.studies.reports import SAID, said_by

SIZES = {"large": 40, "small": 40}
LOW = {"cash": 32.0}  # net debt 28, EBITDA 20: a ratio of 1.4
HIGH = {"long_term_debt": 110.0, "total_liabilities": 200.0}  # 100 / 20


def of_companies(companies, panel=None, rate=None, **values):
    """The study of made-up companies, given as rows or as a frame."""
    statements = companies if isinstance(companies, pd.DataFrame) else rows(*companies)
    made = make_statements(Found(statements, [], "made"), source="folder")
    study = Leverage.from_params(**{"exclude_financials": False} | values)
    vars(study)["companies"] = Companies(made.values, panel, None, rate, "2-year Treasury yield", (made.card,))
    return study


def groups_of(n, large, small):
    """n large companies and n small ones, which have other values than the usual; no two report the same revenue."""
    kinds = (("L", 2000.0, large), ("S", 300.0, small))
    sized = ((f"{name}{k:03d}", v + k, values) for name, v, values in kinds for k in range(n))
    return [company(name, market_value=v, revenue=v, **values) for name, v, values in sized]


@pytest.mark.parametrize(("large", "of_large", "small", "of_small", "quoted", "said"), SAID["leverage_headlines"])
def test_the_headline_says_what_the_verdict_is_of(large, of_large, small, of_small, quoted, said):
    """What is known on 2021-03-01 stands until the values of the next year are due."""
    ratio, options = {"low": LOW, "high": HIGH}, {"quoted_large": quoted, "as_of": "2021-12-31"}
    study = of_companies(groups_of(small, ratio[of_large], ratio[of_small]), large=large, small=small, **options)
    assert said_by(study).startswith(said)
    assert study.show.summary.claim.startswith(said.split()[1].lower())  # of the same group
    assert ("too few for an interval" in str(study.show.summary.numbers)) == (large < 200)
    assert study.gap.value == pytest.approx(study.of(SMALL).value - study.of(LARGE).value)


@pytest.mark.parametrize(("missing", "ratio", "cover"), SAID["leverage_columns"])
def test_a_column_that_is_nowhere_loses_only_what_rests_on_it(missing, ratio, cover):
    firms = [firm | {missing: np.nan} for firm in groups_of(40, LOW, HIGH)]
    if missing == "short_term_debt":  # total debt alone
        firms = [firm | {"debt": 10.0 + firm["long_term_debt"], "long_term_debt": np.nan} for firm in firms]
    study = of_companies(firms, **SIZES)
    said = said_by(study)  # nothing raises, and no NaN is shown
    if not ratio:
        assert "is undefined: none has debt, cash" in study.show.quotes
        assert study.lacking in said
        del study.lacking, study.factors
        vars(study)["_reasons"]["factors"] = InsufficientDataError("the source lacks SMB")
        with pytest.raises(MissingDataError, match="large companies is undefined: none has debt, cash"):
            study.show.summary  # noqa: B018  # what the companies lack, not the proxy
    else:
        assert study.findings["nd_ebitda_small"].value == 5.0
    assert study.cover["share_below_one"].isna().all() != cover
    assert isinstance(study.show.refinancing_map, Missing) != cover
    assert (study.findings["cover_small"].value is None) != cover
    assert missing != "short_term_debt" or study.findings["due_within_year_small"].value is None


def test_other_definitions_stand_beside_the_headlines_and_rows_set_aside_are_named():
    wrong = company("WRONG", market_value=4000.0, cash=200_000.0)  # above its assets: alone it turns the ratio negative
    bank = {"sector": "Financial Services", **HIGH}
    banks = [company(f"B{k}", market_value=3000.0 + k, revenue=50.0 + k, **bank) for k in range(10)]
    study = of_companies([*groups_of(40, LOW, HIGH), *banks, wrong], large=50, small=40, exclude_financials=True)
    large = study.definitions.set_index("group").loc[LARGE]
    assert (large["value"], large["as_filed"] < 0, large["with_financials"] > 2) == (1.4, True, True)
    assert not {"B0", "WRONG"} & set(study.known_firms["company"])  # whose returns are looked at
    assert "B0" in set(of_companies([*groups_of(40, LOW, HIGH), *banks]).known_firms["company"])
    assert study.excluded[["company", "rule", "n"]].to_numpy().tolist() == [["WRONG", "cash above total assets", 1]]


@pytest.mark.parametrize(("values", "said"), SAID["leverage"])
def test_what_is_asked_for_and_cannot_be_had_is_refused(values, said):
    assert re.match(f"refused: {said}", said_by(of_companies(groups_of(40, LOW, HIGH), **SIZES | values)))


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=150, years=6, seed=1)
    return of_companies(data.statements.values, data.panel, data.rate, large=50, small=90, events=[date(2008, 3, 18)])


def test_the_planted_effect_is_recovered_by_the_study(simulated):
    premium = simulated.premium.set_index("driver").loc["leverage"]
    edge = simulated.interaction.set_index("driver")
    assert 0 < premium["low"] <= PREMIUM <= premium["high"]
    assert edge.loc["rise", "low"] <= RATE_EFFECT <= edge.loc["rise", "high"]
    assert edge.loc["fall", "low"] <= -RATE_EFFECT <= edge.loc["fall", "high"]
    assert simulated.findings["leverage_x_rate_rise"].value == edge.loc["rise", "value"]
    assert simulated.double_edge(simulated.companies.rate, "fall")["value"] == edge.loc["fall", "value"]
    assert simulated.chosen_days["date"].tolist() == [pd.Timestamp("2008-03-18")]
    assert said_by(simulated)
    assert not [name for name in simulated.exhibits() if isinstance(simulated.show(name), Missing)]


def test_refinancing_without_a_move_adds_nothing_and_the_case_asked_for_is_named(simulated):
    still, asked = (simulated.stresses.query(case).set_index("group") for case in ("rate_move_bp == 0", "asked"))
    zombies = simulated.cover.query("headline").set_index("group")["zombie_share"]
    assert (still["added"] == 0).all()
    assert still["zombie_share"].groupby(level="group").first().to_dict() == pytest.approx(zombies.to_dict())
    assert asked.loc[SMALL, ["rate_move_bp", "debt_share"]].tolist() == [200, 0.5]
    assert simulated.figure_of("cover below 1 added by")["value"] == asked.loc[SMALL, "added"]
    assert simulated.findings["stress_zombie_share_small"].value == asked.loc[SMALL, "zombie_share"]


def test_a_figure_in_words_is_that_of_the_study_and_a_gap_the_difference_of_its_groups(simulated):
    shares = simulated.cover.query("headline").set_index("group")["share_below_one"]
    small, large, gap = (simulated.figure_of("cover below 1", group) for group in (SMALL, LARGE, "small minus large"))
    assert (small["value"], large["value"], small["kind"]) == (shares[SMALL], shares[LARGE], "share")
    assert (gap["value"], gap["n"]) == (shares[SMALL] - shares[LARGE], simulated.cover.query("headline").n_known.sum())


@pytest.mark.parametrize(("sessions", "reason"), [(0, "no prices of companies"), (110, "24 are needed")])
def test_without_prices_or_with_five_months_of_them_the_rest_stands(simulated, sessions, reason):
    held = simulated.companies
    panel = PricePanel(held.panel.values.iloc[-sessions:], held.panel.card) if sessions else None
    study = of_companies(held.statements, panel, held.rate, large=50, small=90)
    assert all(reason in shown for shown in (study.show.premium, study.show.interaction))
    assert (study.findings["leverage_premium"].value, len(study.by_year)) == (None, 12)


def test_slopes_of_bundled_data_are_those_of_least_squares():
    study = Leverage.from_params()
    values = load_series(open_source("bundled"), ["SMB", "RF", "MKT_RF", "AAA", "BAA"]).values
    bill, spread = 1200 * values["RF"].diff(), 100 * (values["BAA"] - values["AAA"]).diff()
    values = values.assign(**{"return": values["SMB"]}, spread=spread, rise=bill.clip(0), fall=-bill.clip(upper=0))
    for control, more in {"alone": [], "market held fixed": ["MKT_RF"]}.items():
        found = study.spreads[study.spreads["control"] == control]
        expected = slope_of(values.dropna(), "spread", "rise", "fall", *more)[:3]
        np.testing.assert_allclose(found["value"], expected, rtol=1e-8)
        assert (found["n"] == 1108).all()  # 1926-08 to 2018-11
    firms, slope = study.firms_1990.values, study.debt_and_return.iloc[0]
    known = firms[["debt_to_capital", "log_net_income"]].assign(**{"return": firms["price_return"]}).dropna()
    assert (slope["value"], slope["n"]) == (pytest.approx(slope_of(known, *known.columns[:2])[0]), 142)
    assert isinstance(Leverage.from_params(as_of="1994-12-30").show.debt_and_return, Missing)


@pytest.mark.parametrize(("as_of", "said"), SAID["leverage_bundled"].items())
def test_bundled_data_shows_the_proxy(as_of, said):
    study = Leverage.from_params(as_of=as_of)
    assert said_by(study).startswith(said)
    assert isinstance(study.show.quotes, Missing)
    if said.startswith("stand-in"):
        assert study.show.hero.title == study.show.spread_effects.title
        assert study.show.hero.source.startswith("Source: Small less large, SMB")


@pytest.fixture(scope="module")
def real(shared_data):  # noqa: ARG001  # skips where it is absent
    return Leverage.from_params(source="folder", data_dir="../shared/data", exclude_financials=False)


def test_the_real_headline_and_no_return_meets_a_value_before_its_restatement(real):
    assert (round(real.of(LARGE).value, 2), round(real.of(SMALL).value, 2)) == (1.42, 2.72)
    assert real.quotes["verdict"].tolist() == [HOLDS, FAILS]
    known = Leverage.known_on(real.source, date(2023, 12, 29), fiscal_year=2021)
    assert known.figure_of("net debt to EBITDA")["value"] == real.of(SMALL).value
    assert said_by(real).startswith("fails: Small companies owe 2.7 times EBITDA; “more than 4” fails In fiscal 2021")
    assert real.by_year["without_top"].between(1, 4).all()
    assert real.excluded["n"].sum() == (real.firms["rule"] != "").sum()
    firms = real.known_firms
    assert (firms["known_from"] >= firms["published"]).all()
    assert (firms["known_from"] > firms["published"]).mean() > 0.5
    assert real.slopes["companies"].median() < 600  # of some 1,500: the others were not known yet


def test_nothing_known_later_changes_the_real_past(real):
    loaded, day, tables = real.companies.statements, pd.Timestamp("2020-06-30"), []
    later = loaded["known_from"] > day
    assert later.sum() > 4_000
    for factor in (1.0, -1000.0):
        changed = loaded.copy()
        changed.loc[later, ["cash", "operating_income", "market_value", "total_assets"]] *= factor
        made = make_statements(Found(changed, [], "x"), source="folder", as_of=day.date())
        tables.append(of_companies(made.values).by_year)
    assert tables[0]["fiscal_year"].max() == 2017  # of 2018 too few values stand as they were first published
    pd.testing.assert_frame_equal(*tables)
