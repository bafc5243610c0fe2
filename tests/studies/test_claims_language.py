"""The language of claims: what is read, and how a wrong word is answered."""

import re

import pytest
import yaml

from research_lib.errors import ParameterError
from research_lib.exhibits.format import read_figure
from research_lib.params import read_parameters, validate
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.claims import language
from research_lib.studies.claims.language import ALIASES, SECTIONS, read, read_checks
from research_lib.studies.parameters import Claims
from tests.conftest import read_table
from tests.studies.test_claims import ARGUMENTS

PAGE = (PROJECT / "docs" / "claims.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\d+\.\s+(\{.*\})\s+(?:kind: \w+, )?is: (.*?)(?:\s+#.*)?$", PAGE, re.M)
WORDS = [(part, form) for part in ("take", "when", "after", "say", "of") for form, _ in SECTIONS[part]]
FILES = sorted((PARAMETERS / "04_claims").glob("*.yaml"))
CASES = read_table("studies/claims_language.yaml")


def parse(line: str) -> tuple[language.Check, ...]:
    return read_checks(yaml.safe_load(line))


def test_every_example_of_the_page_reads() -> None:
    assert len(EXAMPLES) == 38
    for line, figure in EXAMPLES:
        value = {"check": yaml.safe_load(line), "is": yaml.safe_load(figure.split(": ")[-1])}
        assert language.Claim.model_validate(GOOD | value).figure


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_that_ships_reads_and_holds_no_sentence_of_an_article(path) -> None:
    found = read_parameters(path, Claims)
    again = validate(Claims, found.model_dump(mode="json"), origin="the notebook's cell")
    ours, theirs = ([(one.checks, one.figure) for one in file.claims] for file in (found, again))
    assert ours == theirs
    assert ours
    assert not any(claim.quote for claim in found.claims)


def test_the_files_have_every_claim_of_the_lists() -> None:
    names = {claim.id for claim in read_parameters(PARAMETERS / "04_claims" / "articles.yaml", Claims).claims}
    asked = {f"{one}{n + 1:02}" for one, most in zip("ABCDE", (21, 19, 21, 11, 15), strict=True) for n in range(most)}
    assert asked <= {name[:3] for name in names}
    assert len(read_parameters(PARAMETERS / "04_claims" / "wild.yaml", Claims).claims) == 116


@pytest.mark.parametrize(("part", "form"), WORDS, ids=map(": ".join, WORDS))
def test_every_form_is_read_with_and_without_what_may_be_left_out(part, form) -> None:
    for text in (re.sub(r"\[[^]]*\]", "", form), form.replace("[", "").replace("]", "")):
        argument = lambda m: (m[2] or ARGUMENTS[m[1]][-1]).split("|")[-1].replace("?", "")
        written = re.sub(r"<(\w+)(?::([^>]*))?>", argument, text)
        found = read(part, written)
        assert found.text == written
        assert found == read(part, f"  {written.replace(' ', '  ')} ")
    assert language.grammar(form) in language.grammar()


def test_known_aliases_are_understood() -> None:
    for name, right in (ALIASES | {"GSPC": "GSPC"}).items():
        assert {read_checks({"of": f"{mark}{name}"})[0].line.of for mark in ("", "^", ".")} == {right}


def test_a_list_is_an_axis_and_its_members_come_in_order() -> None:
    found = parse("{of: [RUT, IWM], take: [change 1, change 5], say: value}")
    named = [f"{one.line.of} {one.line.take[0].text}" for one in found]
    assert named == ["RUT change 1", "RUT change 5", "IWM change 1", "IWM change 5"]
    assert found[1].choices == (("of", "RUT"), ("take", "change 5"))
    assert parse("[{of: RUT}, {of: IWM}]")[1].line.of == "IWM"
    for key in ("on", "'True'"):  # YAML reads a bare `on` as true, which papermill writes as text
        (found,) = parse(f"{{of: RUT, when: {{{key}: [2019-07-31, 2007-09-18]}}}}")
        assert found.when[0].word == "on"


def test_strings_and_mappings_of_conditions_mean_the_same() -> None:
    same = ["season Sep and years midterm", "{season: Sep, years: midterm}", "{season: Sep, and: {years: midterm}}"]
    first, *others = ({*parse(f"{{of: GSPC, when: {one}}}")[0].when} for one in same)
    assert others == [first] * 2
    bounded = parse("{of: GSPC, when: {season: Sep, and: {season: Jan-Aug, below: 0}}}")[0].when
    assert bounded[1].line.take[0].text == "season Jan-Aug"


@pytest.mark.parametrize(("written", "low", "high", "unit"), CASES["figures"])
def test_the_last_digit_sets_the_tolerance(written: object, low: float, high: float, unit: str) -> None:
    found = read_figure(written)
    assert (found.low, found.high, found.unit) == (pytest.approx(low), pytest.approx(high), unit)


@pytest.mark.parametrize(("written", "ends"), CASES["seasons"])
def test_seasons_have_two_ends(written: str, ends: list[list[object]]) -> None:
    assert [list(one) for one in language.read_season(written)] == ends


GOOD = {"id": "A1", "article": "A", "says": "s", "check": {"of": "GSPC"}, "is": 5}


def claims(*claims, **article) -> Claims:
    values = {"articles": {"A": {"title": "t", "as_of": "2018-02-05"} | article}, "claims": list(claims)}
    return validate(Claims, values, origin="mine.yaml")


@pytest.mark.parametrize(
    ("change", "says"), [*(({"check": check}, says) for check, says in CASES["checks"]), *CASES["claims"]]
)
def test_a_fault_is_one_line_that_names_file_article_claim_and_word(change, says) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)) as raised:
        claims(GOOD | change)
    assert "\n" not in str(raised.value)


def test_every_faulty_claim_is_said_at_once_and_a_claim_stands_once() -> None:
    with pytest.raises(ParameterError) as raised:
        claims(GOOD | {"id": "X1", "is": "?"}, GOOD, GOOD | {"id": "X2", "kind": "?"})
    assert [line[:20] for line in str(raised.value).splitlines()] == ["mine.yaml: claim X1 ", "mine.yaml: claim X2 "]
    with pytest.raises(ParameterError, match="article A: as_of: 'February' is no day"):
        claims(GOOD, as_of="February")
    with pytest.raises(ParameterError, match="claim A1 stands twice"):
        claims(GOOD, GOOD)
