"""Published claims: every figure against a calculation by hand, and nothing from after an article's date."""

import csv
import json
import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from research_lib.claims_file import CHECK_MODELS
from research_lib.cli import app
from research_lib.data import open_source
from research_lib.errors import DataError, MissingDataError, ParameterError
from research_lib.parameter_files import read_claims
from research_lib.params import Claims, validate
from research_lib.project import PARAMETERS
from research_lib.studies.claims import Archive, Verdict, check_claims
from research_lib.studies.claims.registry import CHECKS
from tests.conftest import random_walk, write_prices

ARTICLES = PARAMETERS / "04_claims" / "articles.yaml"


def claim(check, asserted=None, **fields):
    asserted = asserted or {"value": 1, "unit": "percent", "tolerance": 0.1}
    return {
        "id": "T1",
        "article": "T",
        "kind": "number",
        "says": "a test",
        "check": check,
        "asserted": asserted,
        **fields,
    }


def claims_of(*claims, as_of="2005-01-31", **parameters):
    values = {"articles": {"T": {"title": "Test", "as_of": as_of}}, "claims": list(claims), **parameters}
    return validate(Claims, values, origin="claims.yaml")


def checked(folder, *claims, **parameters):
    """Judge claims on a folder of prices."""
    params = claims_of(*claims, source="folder", data_dir=str(folder), **parameters)
    return check_claims(params, open_source("folder", data_dir=str(folder)))[0]


@pytest.fixture
def walks(tmp_path):
    """Two prices from 2000 to 2005, with holidays of their own."""
    for symbol, seed in (("RUT", 1), ("GSPC", 2)):
        write_prices(tmp_path, symbol, random_walk(1500, seed=seed))
    return tmp_path


# --- the file


def test_every_original_claim_is_there_and_no_other(shared_data):
    original = yaml.safe_load((shared_data.parent / "claims.yaml").read_text(encoding="utf-8"))
    params = read_claims(ARTICLES)
    assert {re.sub(r"[a-z]$", "", one.id) for one in params.claims} == {one["id"] for one in original["claims"]}
    kinds = {one["id"]: one["kind"] for one in original["claims"]}
    assert sum(kind == "external" for kind in kinds.values()) <= sum(one.kind == "external" for one in params.claims)
    for name, article in original["articles"].items():
        assert params.articles[name].as_of == article["as_of"]
        assert params.articles[name].title == article["title"]
    assert all(one.article == one.id[0] for one in params.claims)


def test_every_check_has_its_model_and_is_used():
    used = {one.check.name for one in read_claims(ARTICLES).claims}
    assert set(CHECKS) | {"untestable"} == set(CHECK_MODELS) == used


def test_claims_come_back_the_same_from_a_notebook():
    params = read_claims(ARTICLES)
    assert Claims.from_notebook(params.model_dump(mode="json")) == params


# --- bad input: one line that names the claim, what is wrong and what is allowed

CHANGE = {"name": "change", "assets": ["RUT"], "sessions": 5}


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (claim({**CHANGE, "name": "chnage"}), "claim T1: unknown check chnage; did you mean change?"),
        (claim({**CHANGE, "asset": "RUT"}), "asset: unknown argument of check change; did you mean assets?"),
        (claim({"name": "change", "assets": ["RUT"]}), "check: give one of sessions, start, period"),
        (claim({**CHANGE, "sessions": 0}), "check.sessions: 0: should be greater than or equal to 1"),
        (claim({**CHANGE, "benchmarks": ["A", "B"]}), "2 benchmarks for 1 assets"),
        (claim({**CHANGE, "end": "2005-02-01"}), "2005-02-01 is after its article's date, 2005-01-31"),
        (claim({**CHANGE, "end": "2004-02-30"}), "check.end: '2004-02-30': must be a date like 2024-07-16"),
        (claim(CHANGE, {"value": 1, "unit": "percent"}), "asserted: tolerance is missing"),
        (claim(CHANGE, {"value": 1, "unit": "percent", "tolerance": -1}), "asserted.tolerance: -1: should be greater"),
        (claim(CHANGE, {"value": 1, "unit": "sigma", "tolerance": 1}), "unit sigma: check change gives percent"),
        (claim(CHANGE, {"value": 1, "unit": "percnt", "tolerance": 1}), "asserted.unit: 'percnt': should be 'percent'"),
        (claim(CHANGE, {"unit": "date", "first": "2004-01-01"}), "asserted: unit date: give first and last"),
        (claim(CHANGE, artcle="T"), "artcle: unknown field; did you mean article?"),
        (claim(CHANGE, article="U"), "claim T1: unknown article U (known: T)"),
        (claim(CHANGE, kind="external"), "kind external goes with check untestable"),
        ({"id": "T1"}, "claim T1: article: is missing"),
    ],
)
def test_a_faulty_claim_is_one_line(faulty, message):
    with pytest.raises(ParameterError) as error:
        claims_of(faulty)
    first = str(error.value).splitlines()[0]
    assert first.startswith("claims.yaml: ")
    assert message in first


def test_the_same_id_twice_is_an_error():
    with pytest.raises(ParameterError, match=r"claims\.yaml: claims: the id T1 stands twice"):
        claims_of(claim(CHANGE), claim(CHANGE))


def test_a_misspelt_asset_or_series_is_an_error_with_the_nearest(walks):
    with pytest.raises(MissingDataError, match=r"claim T1: unknown asset RUTT; did you mean RUT\?"):
        checked(walks, claim({**CHANGE, "assets": ["RUTT"]}))
    with pytest.raises(MissingDataError, match=r"claim T1: unknown series DGS11; did you mean DGS10\?"):
        checked(walks, claim({"name": "change", "series": "DGS11", "sessions": 5}))


def test_a_price_that_only_the_folder_knows_can_be_claimed_about(walks):
    mine = random_walk(1500, seed=3)
    write_prices(walks, "MINE", mine)
    assert checked(walks, claim({**CHANGE, "assets": ["MINE"]}))[0].n == len(mine.loc[:"2005-01-31"])


def test_a_price_that_the_source_lacks_is_not_enough_data(walks):
    result = checked(walks, claim({**CHANGE, "assets": ["IWM"]}))[0]
    assert (result.verdict, result.computed) == (Verdict.NOT_ENOUGH_DATA, None)
    assert result.hangs_on == "Needs IWM (iShares Russell 2000 ETF), which source folder does not have."


def test_dates_that_the_source_lacks_are_not_enough_data(walks):
    late, early = (checked(walks, claim(CHANGE), as_of=day)[0] for day in ("2006-06-30", "1999-06-30"))
    assert "RUT ends on 2005-09-30, before 2006-06-30" in late.hangs_on
    assert "RUT begins on 2000-01-03, after 1999-06-30" in early.hangs_on
    assert late.verdict is early.verdict is Verdict.NOT_ENOUGH_DATA


def test_a_faulty_file_stops_the_run(walks):
    (walks / "prices" / "IWM.csv").write_text("date,close\n2005-01-31,abc\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"IWM\.csv.*row 2"):
        checked(walks, claim({**CHANGE, "assets": ["IWM"]}))


def test_faulty_statements_stop_the_run_and_absent_ones_do_not(walks):
    ratio = claim({"name": "leverage"}, {"value": 4, "unit": "times", "tolerance": 0})
    assert "eeds company statements" in checked(walks, ratio)[0].hangs_on
    (walks / "fundamentals.csv").write_text("company,fiscal_year\nA,2004\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"fundamentals\.csv"):
        checked(walks, ratio)


def test_on_a_holiday_the_session_before_counts_and_is_said(walks):
    friday, holiday = (checked(walks, claim(CHANGE), as_of=day)[0] for day in ("2004-07-02", "2004-07-05"))
    assert "2004-07-05 was no session: 2004-07-02 counts" in holiday.hangs_on
    assert "no session" not in friday.hangs_on
    assert holiday.as_of == friday.as_of


# --- verdicts


def verdict(folder, value, tolerance=0.0, **asserted):
    asserted = {"value": value, "unit": "percent", "tolerance": tolerance, **asserted}
    return checked(folder, claim(CHANGE, asserted), roughly_percent=10.0)[0].verdict


def test_tolerance_and_margin_bound_the_verdict(walks):
    truth = checked(walks, claim(CHANGE))[0].computed
    assert verdict(walks, truth) is Verdict.HOLDS
    assert verdict(walks, truth + 0.05, 0.06) is Verdict.HOLDS
    assert verdict(walks, truth * 1.09) is Verdict.ROUGHLY
    assert verdict(walks, truth * 1.2) is Verdict.FAILS
    assert verdict(walks, truth - 1, **{"is": "at_least"}) is Verdict.HOLDS
    assert verdict(walks, truth + 1, **{"is": "at_most"}) is Verdict.HOLDS
    assert verdict(walks, truth + 9, **{"is": "at_least"}) is Verdict.FAILS


def test_depends_is_found_by_computing_the_definitions(walks):
    """Between the difference and the ratio lies a figure that one passes and the other does not."""
    check = {**CHANGE, "benchmarks": ["GSPC"], "kinds": ["difference", "ratio"]}
    grid = checked(walks, claim(check))[0].grid
    assert [dict(one.axes) for one in grid] == [{"kind": "difference"}, {"kind": "ratio"}]
    low, high = sorted(one.value for one in grid)
    asserted = {"value": (low + high) / 2, "unit": "percent", "tolerance": 0, "is": "at_least"}
    result = checked(walks, claim(check, asserted), roughly_percent=0.0)[0]
    assert result.verdict is Verdict.DEPENDS
    assert result.hangs_on.startswith("Hangs on kind: holds with ")


def test_a_tendency_that_chance_explains_is_left_open(walks):
    check = {"name": "seasonal", "asset": "RUT", "months": [1]}
    asserted = {"value": 0, "unit": "percent", "tolerance": 0}
    results = checked(
        walks,
        claim(check, {**asserted, "is": "at_least"}, kind="tendency"),
        claim(check, {**asserted, "is": "at_most"}, kind="tendency", id="T2"),
    )
    assert [one.verdict for one in results] == [Verdict.NOT_ENOUGH_DATA] * 2
    assert "leaves it open" in results[0].hangs_on
    assert results[0].reading.low < 0 < results[0].reading.high


# --- by hand, on the real data


@pytest.fixture(scope="module")
def found(shared_data):
    """Every claim of the articles, by id."""
    params = read_claims(ARTICLES, overrides={"source": "folder", "data_dir": str(shared_data)})
    results, archive = check_claims(params, open_source("folder", data_dir=str(shared_data)))
    assert isinstance(archive, Archive)
    return {one.claim.id: one for one in results}


@pytest.fixture(scope="module")
def column(shared_data):
    """Read a column of a raw file as a list of (ISO date, number)."""

    def read(name, field="close"):
        with (shared_data / f"{name}.csv").open(encoding="utf-8") as file:
            return [(row["date"], float(row[field])) for row in csv.DictReader(file) if row[field]]

    return read


def on(rows, day):
    return dict(rows)[day]


def test_every_claim_has_a_verdict_and_names_what_it_lacks(found):
    lacking = {
        name: re.findall(r"[Nn]eeds (\S+)", one.hangs_on) for name, one in found.items() if "eeds " in one.hangs_on
    }
    open_ones = {needed.strip(",;") for names in lacking.values() for needed in names}
    assert {"IXIC", "DJI", "QQQ", "MDY", "RVX", "BTC-USD"} <= open_ones
    assert {one.verdict for one in found.values()} == set(Verdict)
    assert all(one.hangs_on.endswith(".") for one in found.values())


def test_five_session_move_and_relative_move(found, column):
    rut, gspc = column("prices/RUT"), column("prices/GSPC")
    own = on(rut, "2024-07-16") / on(rut, "2024-07-09") - 1
    other = on(gspc, "2024-07-16") / on(gspc, "2024-07-09") - 1
    assert found["C01"].computed == pytest.approx(100 * own, rel=1e-12)
    assert found["C02"].computed == pytest.approx(100 * (own - other), rel=1e-12)
    assert found["C02"].grid[1].value == pytest.approx(100 * ((1 + own) / (1 + other) - 1), rel=1e-12)
    assert found["C01"].verdict is found["C02"].verdict is Verdict.HOLDS


def test_the_record_of_relative_moves(found, column):
    rut, gspc = dict(column("prices/RUT")), dict(column("prices/GSPC"))
    days = [day for day in sorted(rut) if day in gspc and day <= "2024-07-16"]
    pairs = list(zip(days, days[5:], strict=False))
    difference = [rut[b] / rut[a] - gspc[b] / gspc[a] for a, b in pairs]
    ratio = [rut[b] / rut[a] / (gspc[b] / gspc[a]) for a, b in pairs]
    ranks = [1 + sum(one > moves[-1] for one in moves) for moves in (difference, ratio)]
    assert [one.value for one in found["C03"].grid[:2]] == ranks == [1, 2]
    assert found["C03"].verdict is Verdict.DEPENDS


def test_sigma_by_two_passes(found, column):
    window = [value for day, value in column("prices/RUT") if day <= "2024-07-16"][-50:]
    mean = sum(window) / 50
    squares = sum((value - mean) ** 2 for value in window)
    by_ddof = [(window[-1] - mean) / (squares / (50 - ddof)) ** 0.5 for ddof in (1, 0)]
    grid = {tuple(choice for _, choice in one.axes): one for one in found["C04"].grid}
    assert grid["RUT", "price_z", "1", "close"].value == pytest.approx(by_ddof[0], rel=1e-10)
    assert grid["RUT", "price_z", "0", "close"].value == pytest.approx(by_ddof[1], rel=1e-10)
    assert (round(by_ddof[0], 3), round(by_ddof[1], 3)) == (4.417, 4.462)
    assert found["C04"].verdict is Verdict.DEPENDS
    assert "holds with price_z, not with price_z_prior" in found["C04"].hangs_on


def test_march_2018(found, column):
    moves = [on(rows, "2018-03-29") / on(rows, "2018-02-28") - 1 for rows in map(column, ("prices/RUT", "prices/GSPC"))]
    assert found["C08"].computed == pytest.approx(100 * (moves[0] - moves[1]), rel=1e-10)


def test_october_low_to_december_high_and_its_multiple(found, column):
    rut = column("prices/RUT")
    low = min(value for day, value in rut if "2023-10-15" <= day <= "2023-11-15")
    high = max(value for day, value in rut if "2023-10-15" <= day <= "2023-12-31")
    week = on(rut, "2024-07-16") / on(rut, "2024-07-09") - 1
    assert found["C10"].computed == pytest.approx(100 * (high / low - 1), rel=1e-12)
    assert found["C11"].computed == pytest.approx((high / low - 1) / week, rel=1e-12)


def test_the_target(found, column):
    assert found["E07"].computed == pytest.approx(100 * (2665 / on(column("prices/RUT"), "2025-10-14") - 1), rel=1e-12)


def test_record_closes_of_2025_and_the_record_before(found, column):
    highest, records = 0.0, []
    for day, value in column("prices/RUT"):
        if value > highest and day <= "2025-10-15":
            highest = value
            records.append(day)
    of_year = [day for day in records if day >= "2025"]
    assert found["E01b"].computed == len(of_year) == 5
    assert str(found["E03a"].computed.date()) == of_year[0] == "2025-09-18"
    assert max(day for day in records if day < "2025") == "2021-11-08" == str(found["E03b"].computed.date())


def test_the_rise_of_the_ten_year_yield(found, column):
    dgs10 = column("series/DGS10", "value")
    low = min(value for day, value in dgs10 if "2023-12-15" <= day <= "2023-12-31")
    assert found["D01"].computed == pytest.approx(100 * (on(dgs10, "2024-01-31") - low), rel=1e-9)
    assert found["D01"].verdict is Verdict.FAILS


def test_weeks_months_and_levels(found, column):
    gspc, iwm, spy = (column(f"prices/{name}") for name in ("GSPC", "IWM", "SPY"))
    for name, rows, start in (("A01a", gspc, "2025-10-10"), ("A03a", iwm, "2025-10-10"), ("A01c", gspc, "2025-09-30")):
        assert found[name].computed == pytest.approx(100 * (on(rows, "2025-10-17") / on(rows, start) - 1), rel=1e-9)
    assert found["A03b"].computed == on(iwm, "2025-10-17")
    relative = (on(iwm, "2024-07-16") / on(iwm, "2024-07-08")) / (on(spy, "2024-07-16") / on(spy, "2024-07-08")) - 1
    assert found["B05"].computed == pytest.approx(100 * relative, rel=1e-9)
    assert found["E06b"].computed == pytest.approx(
        (on(column("prices/RUT"), "2025-10-15") / 2495.50 - 1) / (on(gspc, "2025-10-15") / on(gspc, "2025-10-14") - 1),
        rel=1e-9,
    )


def test_six_days_of_july_2024(found, column):
    rut = [row for row in column("prices/RUT") if row[0] <= "2024-07-16"]
    closes = [value for _, value in rut]
    six = [b / a - 1 for a, b in zip(closes, closes[6:], strict=False)]
    mean = sum(six) / len(six)
    sd = (sum((one - mean) ** 2 for one in six) / (len(six) - 1)) ** 0.5
    assert found["B01"].computed == pytest.approx(100 * six[-1], rel=1e-12)
    assert found["B04a"].computed == pytest.approx(six[-1] / sd, rel=1e-9)
    assert found["B04b"].computed == pytest.approx(100 * sum(one >= six[-1] for one in six) / len(six), rel=1e-12)
    daily = [b / a - 1 for a, b in pairwise(closes)]
    run = next(n for n, move in enumerate(reversed(daily)) if move <= 0.01)
    assert found["B02a"].computed == run == 5
    assert found["B03"].verdict is Verdict.FAILS


def test_spreads_and_volatility(found, column):
    spread = column("series/BAMLH0A0HYM2", "value")
    assert found["A05a"].computed == pytest.approx(100 * on(spread, "2025-10-17"))
    assert found["A05c"].computed == pytest.approx(100 * max(v for d, v in spread if "2025-03-01" <= d <= "2025-06-30"))
    high = column("prices/VIX", "high")
    top = max(v for d, v in high if "2025-10-13" <= d <= "2025-10-17")
    before = max(d for d, v in high if v >= top and d < "2025-10-13")
    assert (found["A04a"].computed, str(found["A04b"].computed.date())) == (top, before)
    ten, two = dict(column("series/DGS10", "value")), dict(column("series/DGS2", "value"))
    curve = [(day, round(ten[day] - two[day], 4)) for day in sorted(ten) if day in two and day <= "2024-07-29"]
    last_positive = max(day for day, value in curve if value > 0)
    assert str(found["B10b"].computed.date()) == min(d for d, v in curve if v < 0 and d > last_positive)
    assert found["B10a"].computed == pytest.approx(100 * curve[-1][1])


def test_fourth_quarters(found, column):
    closes = [row for row in column("prices/GSPC") if row[0] <= "2025-10-17"]
    september, december = {}, {}
    for day, value in closes:
        if day[5:7] <= "09":
            september[day[:4]] = value
        december[day[:4]] = value
    quarters = [december[year] / september[year] - 1 for year in september if year != "2025"]
    reached = sum(one >= 0.05 for one in quarters)
    assert (found["A11"].n, found["A11"].computed) == (len(quarters), pytest.approx(100 * reached / len(quarters)))
    assert "2025-12-31" in found["A11"].happened.text


def test_weekly_closes_and_what_happened_later(found, column):
    weeks = {}
    for day, value in column("prices/RUT"):
        year, week, _ = date.fromisoformat(day).isocalendar()
        if "2021-11-01" <= day <= "2025-10-15":
            weeks[year, week] = value
    weeks.popitem()  # the week of the article is not over
    runs = "".join("x" if value > 2460 else " " for value in weeks.values())
    assert found["E05"].computed == max(map(len, runs.split())) == 1
    assert "2 in a row on 2025-10-31" in found["E05"].happened.text


FIELDS = ["id", "article", "verdict", "computed", "asserted", "unit", "as_of", "n", "first", "last", "hangs_on"]


def test_json_has_the_fields_in_order_and_no_nan():
    result = CliRunner().invoke(app, ["claims", str(ARTICLES.with_stem("smoke")), "--json"])
    assert result.exit_code == 0, result.output
    records = json.loads(result.output, parse_constant=pytest.fail)
    assert [record["verdict"] for record in records] == ["holds", "holds", "fails", "not enough data", "untestable"]
    assert all(list(record) == FIELDS for record in records)


def test_every_real_result_can_be_written_as_json(found):
    assert json.dumps([one.as_record() for one in found.values()], allow_nan=False)


def test_command_line_says_what_is_wrong(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        yaml.safe_dump({"articles": {"T": {"title": "x", "as_of": "2005-01-31"}}, "claims": [claim(CHANGE)]})
    )
    result = CliRunner().invoke(app, ["claims", str(path)])
    assert result.exit_code == 0
    assert "NOT ENOUGH DATA" in result.output
    path.write_text("claims: [{id: T1, check: {name: chnage}}]\n")
    result = CliRunner().invoke(app, ["claims", str(path)])
    assert result.exit_code == 2
    assert "unknown check chnage; did you mean change?" in result.output
    assert CliRunner().invoke(app, ["claims", str(Path(tmp_path, "no.yaml"))]).exit_code == 2
