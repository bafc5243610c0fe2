"""The language of claims: what is read, and how a wrong word is answered."""

import re
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from research_lib.errors import ParameterError
from research_lib.params import read_parameters, validate
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.claims import language
from research_lib.studies.claims.language import (
    ALIASES,
    SECTIONS,
    read,
    read_checks,
    read_figure,
    read_season,
    read_span,
)
from research_lib.studies.parameters import Claims

EXAMPLE = re.compile(r"\d+\.\s+(\{.*\})\s+(?:kind: \w+, )?is: (.*?)(?:\s+#.*)?")
WORDS = [(part, form) for part in ("take", "when", "after", "say", "of") for form, _ in SECTIONS[part]]
FILES = sorted((PARAMETERS / "04_claims").glob("*.yaml"))
ARGUMENTS = {
    "k": "21", "lookback": "63", "n": "-3", "x": "5%", "y": "7%", "name": "VIX", "names": "HML, SMB", "condition": "above 0", "date": "2024-07",
    "season": "Nov-Apr", "level": "average 200", "percent": "20%", "years": "1974, 1990", "days": "2019-07-31", "year": "2021", "share": "50", "moved": "6", "bp": "200",
}  # fmt: skip


def parse(line: str) -> tuple[language.Check, ...]:
    return read_checks(yaml.safe_load(line))


def examples() -> list[tuple[str, str]]:
    lines = (PROJECT / "docs" / "claims.md").read_text(encoding="utf-8").splitlines()
    return [found.groups() for line in lines if (found := EXAMPLE.fullmatch(line.strip()))]


def test_every_example_of_the_page_reads() -> None:
    assert len(examples()) == 35
    for line, figure in examples():
        (check, *_) = parse(line)
        read_figure(yaml.safe_load(figure.split(": ")[-1]), is_date=check.says_date)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_that_ships_reads(path) -> None:
    found = read_parameters(path, Claims)
    assert found.claims
    again = validate(Claims, found.model_dump(mode="json"), origin="the notebook's cell")
    ours, theirs = ([(one.checks, one.stated and one.figure) for one in file.claims] for file in (found, again))
    assert ours == theirs


def test_what_ships_holds_no_sentence_of_an_article() -> None:
    assert not any(claim.quote for path in FILES for claim in read_parameters(path, Claims).claims)


def test_the_files_have_every_claim_of_the_lists() -> None:
    names = {claim.id for claim in read_parameters(PARAMETERS / "04_claims" / "articles.yaml", Claims).claims}
    for letter, last in {"A": 21, "B": 19, "C": 21, "D": 11, "E": 15}.items():
        for number in range(1, last + 1):
            assert any(re.fullmatch(f"{letter}{number:02}[a-z]?", name) for name in names), f"{letter}{number:02}"
    assert len(read_parameters(PARAMETERS / "04_claims" / "wild.yaml", Claims).claims) == 116


@pytest.mark.parametrize(("part", "form"), WORDS, ids=map(": ".join, WORDS))
def test_every_form_is_read_with_and_without_what_may_be_left_out(part, form) -> None:
    for text in (re.sub(r"\[[^]]*\]", "", form), form.replace("[", "").replace("]", "")):
        written = re.sub(
            r"<(\w+)(?::([^>]*))?>", lambda m: (m[2] or ARGUMENTS[m[1]]).split("|")[-1].replace("?", ""), text
        )
        found = read(part, written)
        assert found.text == written
        assert found == read(part, f"  {written.replace(' ', '  ')} ")
    assert language.grammar(form) in language.grammar()


@pytest.mark.parametrize("written", [*ALIASES, *(f"^{name}" for name in ALIASES), "^GSPC", ".SPX"])
def test_known_aliases_are_understood(written: str) -> None:
    bare = written.lstrip("^.")
    assert read_checks({"of": written})[0].line.of == ALIASES.get(bare, bare)


def test_a_list_is_an_axis_and_its_members_come_in_order() -> None:
    found = parse("{of: [RUT, IWM], take: [change 1, change 5], say: value}")
    assert [(one.line.of, one.line.take[0].text) for one in found] == [
        ("RUT", "change 1"), ("RUT", "change 5"), ("IWM", "change 1"), ("IWM", "change 5")]  # fmt: skip
    assert found[1].choices == (("of", "RUT"), ("take", "change 5"))
    assert parse("[{of: RUT}, {of: IWM}]")[1].line.of == "IWM"
    for key in ("on", "'True'"):  # YAML reads a bare `on` as true, which papermill writes as text
        (found,) = parse(f"{{of: RUT, when: {{{key}: [2019-07-31, 2007-09-18]}}}}")
        assert found.when[0].phrase.word == "on"


def test_strings_and_mappings_of_conditions_mean_the_same() -> None:
    same = [
        "{of: GSPC, when: season Sep and years midterm}",
        "{of: GSPC, when: {season: Sep, years: midterm}}",
        "{of: GSPC, when: {season: Sep, and: {years: midterm}}}",
    ]
    first = parse(same[0])[0].when
    assert [set(parse(one)[0].when) for one in same] == [set(first)] * 3
    bounded = parse("{of: GSPC, when: {season: Sep, and: {season: Jan-Aug, below: 0}}}")[0].when
    assert bounded[1].line is not None
    assert bounded[1].line.take[0].text == "season Jan-Aug"


@pytest.mark.parametrize(
    ("written", "low", "high", "unit"),
    [
        ("11.5%", 11.45, 11.55, "%"), (1.7, 1.65, 1.75, ""), ("1.70%", 1.695, 1.705, "%"), (9, 8.5, 9.5, ""),
        ("2,068.63", 2068.625, 2068.635, ""), ("-14.7 bp", -14.75, -14.65, "bp"), ("−14.7 basis points", -14.75, -14.65, "bp"),
        ("at least 5", 5, float("inf"), ""), ("less than 0%", float("-inf"), 0, "%"), ("about 26%", 25, 27, "%"),
        ("2.0 ± 0.1", 1.9, 2.1, ""), ("50 to 100 years", 50, 100, "year"), ("-25 to -10%", -25, -10, "%"),
        ("3 ± 0.5 sigma", 2.5, 3.5, "sigma"), ("more than 15 points", 15, float("inf"), "points"), ("5th", 4.5, 5.5, ""),
        ("15 bps", 14.5, 15.5, "bp"), ("~5%", 4, 6, "%"), (">5%", 5, float("inf"), "%"), ("twice", 1.5, 2.5, "cases"), ("4x", 3.5, 4.5, "times"),
    ],
)  # fmt: skip
def test_the_last_digit_sets_the_tolerance(written: object, low: float, high: float, unit: str) -> None:
    found = read_figure(written)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.unit == unit


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_days_months_and_years_are_spans(day: date) -> None:
    assert read_span(day) == read_span(day.isoformat()) == (day, day)
    first, last = read_span(f"{day:%Y-%m}")
    assert (first.day, first.month, last.month, last.year) == (1, day.month, day.month, day.year)
    assert read_span(f"{day.year} to {day.year + 1}") == (date(day.year, 1, 1), date(day.year + 1, 12, 31))


def test_seasons_have_two_ends() -> None:
    assert read_season("Nov-Apr") == [(11, "", 0), (4, "", 0)]
    assert read_season("september") == read_season("Sept") == [(9, "", 0), (9, "", 0)]
    assert read_season("Q4") == [(10, "", 0), (12, "", 0)]
    assert read_season("last 5 sessions of Dec-first 2 of Jan") == [(12, "last", 5), (1, "first", 2)]
    assert read_season("15 Dec-10 Jan") == read_season("Dec 15-Jan 10") == [(12, "day", 15), (1, "day", 10)]


def claims(*claims, **article) -> Claims:
    values = {"articles": {"A": {"title": "t", "as_of": "2018-02-05"} | article}, "claims": list(claims)}
    return validate(Claims, values, origin="mine.yaml")


GOOD = {"id": "A1", "article": "A", "says": "s", "check": {"of": "GSPC"}, "is": 5}
MANY = {"of": ["A"] * 10, "take": ["change 1"] * 10, "from": ["1950"] * 10}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("{of: GSPC, take: averge 50}", "take: cannot read 'averge 50'; did you mean average?"),
        ("{of: GSPC, take: change}", "take: cannot read 'change'; write change <k>"),
        ("{of: GSPC, take: z 50 distance of change 5}", "take: cannot read 'z 50 distance of change 5'; write z <k>"),
        ("{of: GSPC, take: spell}", "write spell|age of <condition>"),
        ("{of: GSPC, take: spell abve 3}", "when: cannot read 'abve 3'; did you mean above?"),
        ("{of: GSPC, wen: up}", "check: unknown word wen; did you mean when?"),
        ("{take: change 1}", "of: is missing"),
        ("{of: GSPC, every: wek}", "every: cannot read 'wek'; did you mean week?"),
        ("{of: GSPC, say: ranks}", "say: cannot read 'ranks'; did you mean rank?"),
        ("{of: GSPC, say: lowest date}", "or date of highest|date of lowest"),
        *((f"{{of: GSPC, when: season {one}}}", f"season: cannot read '{one.partition('-')[2].lower() if '-' in one else one.lower()}'; write <month> or")
          for one in ("13", "Decmber", "Decxyz", "Dec-Janury", "Mayo", "Dec-", "45 Dec")),
        ("{of: GSPC, when: years electon}", "write years election|post-election|midterm|pre-election or years <years>"),
        ("{of: GSPC, when: {seson: Sep}}", "when: cannot read 'seson Sep'; did you mean season?"),
        ("{of: GSPC, at: 2024-13}", "at: '2024-13' is no day; write 2024-07-16, 2024-07, 2024"),
        ("{of: GSPC, at: 2024-07-16 to 2024-07-09}", "ends before it begins"),
        ("{of: GSPC, then: VIX}", "then: needs `after`"),
        ("{of: GSPC, quiet: often}", "quiet: cannot read 'often'; write <k>"),
        ("{of: GSPC, less: all days}", "less: all days needs `after`"), ("{of: GSPC, after: 5, less: all days}", "all days needs `after` and `when`"),
        ("{of: GSPC, when: up, less: rest of year}", "less: rest of year needs a season in `when`"),
        ("{of: GSPC, when: season Sep, say: median, less: rest of year}", "say: mean, and no `take`"),
        ("{of: []}", "of: an empty list"),
        ("GSPC rose", "write a line like {of: RUT"),
        ("{of: {per: SPY}}", "of: is missing"),
        ("{of: GSPC, when: above 5,000}", "unknown word 0, behind a comma: put the text into quotes"),
        ("{of: GSPC, take: slope on HML, SMB}", "unknown word SMB, behind a comma: put the text into quotes"),
        ("{of: GSPC, after: soon}", "after: cannot read 'soon'; write <n>[ weeks|months|years]"),
        ("{of: GSPC, take: change 5 days}", "write change <k>[ weeks|months|years]"),
        ("{of: GSPC, when: season Sep or season Oct, say: share}", "a season beside `or` needs `take`"),
        ("{of: GSPC, when: 'above 1,5%'}", "when: cannot read 'above 1,5%'"),
        ("{of: GSPC, take: average 0}", "take: cannot read 'average 0'; write average|highest|lowest|deviation[ <k>]"),
        ("{of: net debt/EBITDA of small firms}", "write net debt to EBITDA of small minus large|small|large firms"),
        ({"check": {"of": "GSPC", "take": "chnge 5"}}, "mine.yaml: claim A1 of article A: take: cannot read 'chnge 5'; did you mean change?"),
        ({"chek": 1}, "claim A1 of article A: unknown word chek; did you mean check?"),
        ({"is": None}, "claim A1 of article A: is: '' is no figure; write 11.5%"),
        ({"check": None}, "claim A1 of article A: needs `check`, or `untestable`"),
        ({"article": "B"}, "claim A1: no article B"),
        ({"kind": "rumour"}, "claim A1 of article A: kind"),
        ({"check": {"of": "GSPC", "say": ["date", "value"]}}, "asks for a day and for a number"),
        ({"check": MANY}, "its lists make 1000 readings; at most 500"),
        *(({"is": one}, f"claim A1 of article A: is: {one!r} is no figure; write 11.5%") for one in ("", "much", "5 to", "nan", "1e5", "1,5%")),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_that_names_file_article_claim_and_word(change, says) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)) as raised:
        claims(GOOD | (change if isinstance(change, dict) else {"check": yaml.safe_load(change)}))
    assert "\n" not in str(raised.value)


def test_every_faulty_claim_is_said_at_once_and_a_claim_stands_once() -> None:
    with pytest.raises(ParameterError) as raised:
        claims(GOOD | {"id": "X1", "is": "?"}, GOOD, GOOD | {"id": "X2", "kind": "?"})
    assert [line[:20] for line in str(raised.value).splitlines()] == ["mine.yaml: claim X1 ", "mine.yaml: claim X2 "]
    for twice, article, says in (([GOOD], {"as_of": "February"}, "article A: as_of: 'February' is no day"), ([GOOD] * 2, {}, "claim A1 stands twice")):  # fmt: skip
        with pytest.raises(ParameterError, match=says):
            claims(*twice, **article)


def test_an_article_may_be_of_a_span() -> None:
    span = claims(GOOD, as_of={"first": "2018-02-01", "last": "2018-02-05"}, publisher="p", url="u", published="2018")
    assert span.articles["A"].as_of == (date(2018, 2, 1), date(2018, 2, 5))
    assert claims(GOOD, as_of="2018-02").articles["A"].as_of[1] == date(2018, 2, 28)
