"""Every exhibit of the leverage study: marked where companies are made up, and a reason where there is nothing."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.companies import Companies, load_companies
from research_lib.data.fundamentals import make_fundamentals
from research_lib.errors import InsufficientDataError
from research_lib.exhibits.figure import Figure, Prose
from research_lib.exhibits.leverage import figures, prose, tables
from research_lib.exhibits.table import Table
from research_lib.findings.leverage import leverage_findings, of_groups, of_proxies, of_returns
from research_lib.studies import leverage
from research_lib.studies.result import Unavailable, attempt
from tests.companies import company, rows

NAMES = {
    *(f"{name}_{group}" for group in ("large", "small") for name in (
        "nd_ebitda", "nd_ebitda_median", "nd_ebitda_top5_share", "ebitda_negative_share", "zombie_share", "cover",
        "stress_zombie_share")),
    "leverage_premium", "leverage_x_rate_up", "leverage_x_rate_down",
}  # fmt: skip


@pytest.fixture(scope="module")
def bundled() -> Companies:
    return load_companies(open_source("bundled"))


def parts(companies, factors=None, **options):
    """What the notebook makes, by name."""
    firms = leverage.prepare(companies.fundamentals, options=leverage.Options(draws=50, **options))
    returns = attempt(leverage.monthly_returns, firms, companies.prices)
    return {
        "firms": firms,
        "quote": attempt(leverage.check_quote, firms),
        "filed": attempt(leverage.as_filed, firms),
        "by_year": leverage.indebtedness(firms),
        "definitions": leverage.definitions(firms),
        "aside": leverage.set_aside(firms),
        "solvency": leverage.cover_and_zombies(firms),
        "refinancing": attempt(leverage.refinancing, firms, rate_move_bp=150, debt_share=0.3),
        "groups": attempt(leverage.other_groups, companies.fundamentals, options=firms.options),
        "returns": returns,
        "sorts": attempt(leverage.sorts, returns),
        "premium": attempt(leverage.leverage_premium, returns),
        "edge": attempt(leverage.double_edge, returns, companies.rate),
        "events": attempt(leverage.events, firms, companies.prices, ["2007-09-18", "2030-01-02"]),
        "spreads": attempt(leverage.small_less_large_on_spreads, factors),
        "cross": attempt(leverage.debt_and_return, companies.firms_1990),
    }


def of_companies(made):
    """Every table and figure that is about the companies."""
    firms, sides = made["firms"], ("leverage x up", "leverage x down")
    return [
        tables.quote(made["quote"], firms), tables.other_groups(made["groups"], firms),
        tables.indebtedness(made["by_year"], firms), tables.contributors(made["by_year"], firms),
        tables.definitions(made["definitions"], firms), tables.explanations(made["filed"], firms),
        tables.heaviest(made["filed"], firms), tables.set_aside(made["aside"], firms),
        tables.cover(made["solvency"], firms), tables.stress(made["refinancing"], firms),
        tables.break_even(made["refinancing"], firms), tables.coverage(made["returns"], firms),
        tables.sorts(made["sorts"], firms), tables.events(made["events"], firms),
        tables.regressions(made["premium"], firms, title="Premium", note="n"),
        figures.ratio_by_year(made["by_year"], firms),
        figures.by_definition(made["quote"], made["definitions"], firms), figures.cover(made["solvency"], firms),
        figures.stress_map(made["refinancing"], firms), figures.sorts(made["sorts"], firms),
        figures.coefficients(made["edge"], firms, regressors=sides, title="Edge", unit="return (%)"),
        figures.events(made["events"], firms),
    ]  # fmt: skip


def findings(made):
    groups = of_groups(made["quote"], made["solvency"], made["refinancing"], made["firms"])
    returns = of_returns(made["premium"], made["edge"], made["firms"])
    return leverage_findings([], groups, returns, of_proxies(made["spreads"], made["cross"]))


@pytest.fixture(scope="module")
def simulated(bundled):
    factors = load_series(open_source("bundled"), ["SMB", "RF", "AAA", "BAA"])
    return parts(bundled, factors, large=200, small=400)


@pytest.fixture(scope="module")
def real():
    """Hand-made companies, no prices: the large owe 1.4 and the small 5 turns; one row turns the large negative."""
    large = [company(f"L{n:02d}", market_value=900.0 + n, price=10.0, cash=32.0) for n in range(20)]
    small = [company(f"S{n:02d}", market_value=300.0 + n, price=10.0, long_term_debt=110.0) for n in range(20)]
    wrong = company("WRONG", market_value=1000.0, price=10.0, cash=20_000.0)
    data = make_fundamentals(rows(*large, *small, wrong), source="folder", origin="made")
    return parts(Companies(data, None, None, None, "", None, None, None, ()), large=20, small=20)


def test_every_exhibit_of_made_up_companies_says_so(simulated):
    shown = of_companies(simulated)
    assert isinstance(shown[0], Prose)  # the quote: no verdict on the real world
    for exhibit in shown[1:]:
        assert isinstance(exhibit, Table | Figure)
        assert exhibit.title.startswith("Simulated companies: ")
    for figure in (one for one in shown if isinstance(one, Figure)):
        assert figure.alt.startswith("Simulated companies: ")
        assert re.search(r"\d", figure.alt)
        assert figure.svg.startswith("<svg")


def test_exhibits_hold_no_missing_number(simulated, real):
    for exhibit in [*of_companies(simulated), *of_companies(real)]:
        if isinstance(exhibit, Table):
            assert exhibit.note
            assert len(exhibit.cells)
            assert not exhibit.cells.isin(["nan", "None", "NaT"]).any(axis=None)
        text = exhibit.alt if isinstance(exhibit, Figure) else repr(exhibit)
        assert not re.search(r"\bnan\b|\bNone\b", text), text


def test_without_prices_the_return_parts_say_so_and_the_rest_stands(real):
    shown = of_companies(real)
    reasons = [one.text for one in shown if isinstance(one, Prose)]
    assert len(reasons) == 7  # coverage, sorts, events, regressions; three figures
    assert all("no prices of companies" in text for text in reasons)
    assert not any(one.title.startswith("Simulated") for one in shown if not isinstance(one, Prose))


def test_the_headline_says_whether_the_quote_holds(real):
    text = prose.headline(real["quote"], real["filed"], real["by_year"], real["firms"]).text
    assert "holds on this data and definition" in text
    assert "**5.00 times EBITDA**" in text
    assert "**1.40**" in text
    assert "n = 20" in text
    assert "for large in fiscal 2020 (above all because of WRONG; cleaned 1.40)" in text
    assert "the data has no sectors" in text


@pytest.mark.parametrize(
    ("large", "small", "words"),
    [
        (True, False, "does not hold on this data and definition**: the 1.4 does, the 4 does not"),
        (False, True, "does not hold on this data and definition**: the 4 does, the 1.4 does not"),
        (False, False, "does not hold on this data and definition**: neither figure does"),
        (True, None, "cannot be told on this data and definition**"),
        (False, None, "cannot be told on this data and definition**"),
    ],
)
def test_the_verdict_is_that_of_both_figures(real, large, small, words):
    quote = replace(real["quote"], large_holds=large, small_holds=small)
    assert words in prose.headline(quote, real["filed"], real["by_year"], real["firms"]).text


def test_made_up_companies_give_no_verdict(simulated):
    text = prose.headline(simulated["quote"], simulated["filed"], simulated["by_year"], simulated["firms"]).text
    assert "cannot be checked on the bundled data" in text
    assert not re.search(r"times EBITDA", text)


def test_prose_of_the_bundled_data_has_numbers_and_n(simulated, bundled):
    assert "n = 142" in prose.cross_section(simulated["cross"]).text
    assert "n = 1,108 months" in prose.spreads(simulated["spreads"]).text
    text = prose.returns(simulated["premium"], simulated["edge"], planted=bundled.planted).text
    assert text.startswith("SIMULATED companies")
    assert "planted: +0.20%" in text
    assert "planted: −1.00% and +1.00%" in text


def test_findings_of_made_up_companies_cannot_pass_for_real(simulated):
    found = findings(simulated)
    names = {one.name for one in found.findings}
    assert names >= NAMES
    for name in NAMES:
        assert found[name].value is None
        assert "no amounts of debt" in found[name].definition
        assert found[f"simulated_{name}"].value is not None
        assert found[f"simulated_{name}"].definition.startswith("SIMULATED: ")
    assert not any("quote" in name for name in names if name.startswith("simulated"))
    assert found["debt_to_capital_slope"].n == 142
    assert found["small_less_large_x_spread"].value == simulated["spreads"]["SMB"].table.loc["spread", "coefficient"]


def test_findings_of_real_companies_have_their_numbers(real):
    found = findings(real)
    assert {one.name for one in found.findings} >= NAMES
    assert (found["nd_ebitda_large"].value, found["nd_ebitda_small"].value) == (1.4, 5.0)
    assert (found["nd_ebitda_large"].n, found["nd_ebitda_small"].low) == (20, 5.0)
    assert found["nd_ebitda_gap"].value == pytest.approx(3.6)
    assert (found["quote_large"].value, found["quote_small"].value) == ("holds", "holds")
    # Interest 3 + 0.3 x (120 of debt) x 1.5% = 3.54, operating income 15: nobody falls, and one year is no history.
    assert found["cover_small"].value == 5.0
    assert np.isnan(found["stress_zombie_share_small"].value)
    assert found["leverage_premium"].value is None
    assert "no prices of companies" in found["leverage_premium"].definition
    assert "no rate" not in found["leverage_x_rate_up"].definition  # the first thing that is missing
    assert found["debt_to_capital_slope"].value is None


def test_one_group_alone_is_a_reason_everywhere():
    data = make_fundamentals(rows(*(company(f"C{n}") for n in range(3))), source="folder", origin="made")
    made = parts(Companies(data, None, None, None, "", None, None, None, ()), large=20, small=20)
    assert isinstance(made["quote"], Unavailable)
    text = prose.headline(made["quote"], made["filed"], made["by_year"], made["firms"]).text
    assert "no fiscal year has companies in both size groups" in text
    assert findings(made)["nd_ebitda_small"].value is None
    assert findings(made)["nd_ebitda_small"].unit == "turns"
    for exhibit in of_companies(made):
        assert not re.search(r"\bnan\b", repr(exhibit))


def test_a_year_that_is_not_there_is_said(simulated):
    found = attempt(leverage.check_quote, simulated["firms"], fiscal_year=1999)
    assert found.reason == "fiscal year 1999 has no companies in both size groups; the last that has is 2011"


def test_attempts_pass_on_the_first_reason_and_hide_no_other_error():
    def fails(error):
        raise error

    assert attempt(fails, InsufficientDataError("too few")).reason == "too few"
    assert attempt(fails, Unavailable("before")).reason == "before"
    assert attempt(dict, key=Unavailable("named")).reason == "named"
    assert attempt(dict, a=1) == {"a": 1}
    with pytest.raises(ZeroDivisionError):
        attempt(fails, ZeroDivisionError())


def test_the_1990_firms_are_not_known_before_their_prices_are(bundled):
    early = load_companies(open_source("bundled"), as_of=pd.Timestamp("1994-12-30").date())
    assert early.firms_1990 is None
    assert bundled.firms_1990.values.shape == (142, 4)
    assert "firms_1990" in {card.id for card in bundled.cards}
    assert isinstance(figures.debt_and_return(leverage.debt_and_return(bundled.firms_1990), bundled.firms_1990), Figure)
    assert "1990 to 1994" in attempt(leverage.debt_and_return, early.firms_1990).reason


def test_other_groups_are_the_quote_on_their_own(simulated, bundled):
    for options, check in simulated["groups"]:
        alone = leverage.check_quote(leverage.prepare(bundled.fundamentals, options=options))
        assert check.small.ratio == alone.small.ratio
    assert [options.large for options, _ in simulated["groups"]] == [200, 500, 500, 1000]


def test_easing_is_what_was_decided_by_the_months_end(simulated):
    changes = pd.Series([50.0, -50.0, 25.0], pd.to_datetime(["2007-01-31", "2007-09-18", "2008-01-31"]))
    easing = leverage.easing_months(simulated["returns"], changes)
    assert easing["2007-09":"2007-12"].all()
    assert not easing["2007-02":"2007-08"].any()
    assert not easing["2008-01":"2008-02"].any()
    with pytest.raises(InsufficientDataError, match="no rate decisions"):
        leverage.easing_months(simulated["returns"], None)
