"""The study of published claims: its exhibits, one line explained, and what the `claims` command prints and writes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from textwrap import fill, shorten
from typing import Any, ClassVar

import pandas as pd
from pydantic import ValidationError

from research_lib.data import DataCard, Source
from research_lib.errors import InsufficientDataError, ParameterError, nearest
from research_lib.exhibits import charts
from research_lib.exhibits.exhibit import Exhibit
from research_lib.exhibits.figure import VERDICT_LOOK, Figure, badge
from research_lib.exhibits.findings import Finding, Findings, Summary
from research_lib.exhibits.format import plural
from research_lib.exhibits.table import Column
from research_lib.params import read_parameters
from research_lib.project import PARAMETERS, display_path
from research_lib.studies import parameters
from research_lib.studies.claims import verdict as verdicts
from research_lib.studies.claims.language import Article, Claim
from research_lib.studies.claims.lines import KINDS, Lines
from research_lib.studies.claims.verdict import DEPENDS, FAILS, GOOD, NO_DATA, OPEN, ROUGHLY, VERDICTS, Result, judge
from research_lib.studies.study import Study, figure, result, table

MOST_ROWS = 12
SKELETON = (files(__package__) / "new.yaml").read_text(encoding="utf-8")
CARDS = (files(__package__) / "cards.html").read_text(encoding="utf-8")
HEADINGS = {"id": "claim", "verdict": "verdict", "says": "what it says", "stated": "published", "computed": "computed"}
COLUMNS = [(name, Column(heading, words=True)) for name, heading in (HEADINGS | {"text": "what it rests on"}).items()]


@dataclass(frozen=True)
class Cards(Exhibit):
    """Claims as cards: verdict, what is said, published and computed, the history of the figure, and what it rests on."""

    results: Sequence[Result] = field(kw_only=True)
    linked: bool = field(default=True, kw_only=True)  # each card has the claim's name as its anchor

    def body(self) -> str:
        """Return the cards as HTML."""
        from jinja2 import Template

        return Template(CARDS, autoescape=True).render(vars(self), badge=badge, sparkline=charts.sparkline)

    def __repr__(self) -> str:
        lines = [f"{one.claim.id} {one.verdict}: {one.claim.says}. {one.text}" for one in self.results]
        return "\n".join([self.title, *lines])


def _cards(title: str, found: list[Result], none: str, *, linked: bool = True) -> Cards:
    if not found:
        raise InsufficientDataError(none)
    return Cards("", title, as_frame(found), deck="As of each article's date", results=found, linked=linked)


def as_frame(results: Sequence[Result]) -> pd.DataFrame:
    """Return results as a table, a row a claim."""
    said, found = ["id", "article", "says"], ["verdict", "stated", "computed", "text", "happened"]
    rows = [[getattr(one.claim, name) for name in said] + [getattr(one, name) for name in found] for one in results]
    return pd.DataFrame(rows, columns=said + found)


class Claims(Study):
    """What was published, recomputed as of its date."""

    Parameters = parameters.Claims
    QUESTION: ClassVar[str] = "Is what was published true?"

    @result
    def lines(self) -> Lines:
        """Prices and series, each read once."""
        return Lines(self.source, as_of=self.p.as_of, seed=self.p.seed)

    @result
    def results(self) -> tuple[Result, ...]:
        """Every claim with its verdict."""
        if not self.p.claims:
            raise InsufficientDataError("there is no claim: write some in a file below params/04_claims")
        return tuple(judge(claim, self.p.articles[claim.article], self.lines) for claim in self.p.claims)

    @property
    def cards(self) -> tuple[DataCard, ...]:
        """The cards of what the claims needed."""
        return tuple(self.lines.cards.values()) if self.results else ()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many claims have each verdict."""
        found = [one.verdict for one in self.results]
        return {name: found.count(name) for name in VERDICTS}

    @property
    def decided(self) -> int:
        """How many claims the data decides."""
        return sum(self.counts[name] for name in (*GOOD, DEPENDS, FAILS))

    @property
    def tally(self) -> str:
        """The counts in a line."""
        counted = ", ".join(f"{VERDICT_LOOK[name][2]} {n}" for name, n in self.counts.items() if n)
        return f"{plural(len(self.results), 'claim')}: {counted}"

    @result
    def findings(self) -> Findings:
        """How many claims have each verdict, and each claim's figure."""
        n, names = len(self.results), {name: re.sub("[ -]", "_", name) for name in self.counts}
        found = [Finding(names[name], k, "count", n, f"claims: {name}") for name, k in self.counts.items()]
        for one in self.results:
            row = one.as_record()
            unit = "date" if isinstance(row.get("computed"), str) else row.get("unit") or "number"
            parts = [row.get(name) for name in ("n", "low", "high")]
            text = f"{one.verdict}: {one.claim.says}"
            found.append(Finding(f"claim_{one.claim.id}", row.get("computed"), unit, parts[0], text, *parts[1:]))
        return Findings(tuple(found), tuple(card.as_record() for card in self.cards))

    def _failing(self, *, read: bool) -> list[Result]:
        """Return the claims that fail: published figures, or what we read into vague words and forecasts."""
        failing = [one for one in self.results if one.verdict == FAILS]
        return [one for one in failing if (bool(one.claim.reading) or one.claim.kind == "forecast") is read]

    @figure
    def scoreboard(self) -> Figure:
        """The scoreboard."""
        rows = as_frame(self.results)
        counts = pd.crosstab(rows["article"], rows["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
        counts.index = pd.Index([shorten(self.p.articles[name].title, 48, placeholder=" …") for name in counts.index])
        shown = counts if len(counts) <= MOST_ROWS else counts.sum().to_frame("all articles").T
        shown = shown.loc[:, shown.sum() > 0].rename(columns={name: look[2] for name, look in VERDICT_LOOK.items()})
        return charts.stacked(
            shown,
            colours={word: colour for colour, _, word in VERDICT_LOOK.values()},
            title=f"Of {plural(len(self.results), 'claim')}, data can decide {self.decided}",
            alt=f"The verdicts on {self.tally}.",
            deck="Claims by article and verdict",
            data=counts,
        )

    @figure
    def wrong(self) -> Cards:
        """Figures that do not hold."""
        found = self._failing(read=False)
        title = f"{plural(len(found), 'claim')} {'does' if len(found) == 1 else 'do'} not hold"
        return _cards(title, found, "every figure that the data decides holds, or depends on a definition")

    @figure
    def readings(self) -> Cards:
        """Readings that are not borne out."""
        found = self._failing(read=True)
        title = f"{plural(len(found), 'vague statement')} not borne out, on our reading"
        return _cards(title, found, "no vague word was read in a way that fails")

    @figure
    def undecided(self) -> Cards:
        """Claims that depend on a definition."""
        found = [one for one in self.results if one.verdict == DEPENDS]
        return _cards("What decides where a claim leaves a definition open", found, "no claim leaves open what decides")

    @figure
    def forecasts(self) -> Cards:
        """Forecasts, and what happened."""
        found = [one for one in self.results if one.claim.kind == "forecast"]
        title = "What was forecast, how often that had happened by then, and what came"
        return _cards(title, found, "no claim is a forecast", linked=False)

    @figure
    def picture(self) -> Figure:
        """A claim's figure in its history."""
        drawn = [one for one in (*self._failing(read=False), *self.results) if one.path is not None]
        if not drawn:
            raise InsufficientDataError("no claim has a history to draw")
        return picture(drawn[0])

    @table("Every claim with its verdict", COLUMNS, unit="text")
    def all_claims(self) -> pd.DataFrame:
        """Every claim."""
        return as_frame(self.results).replace({"verdict": {OPEN: VERDICT_LOOK[OPEN][2]}})

    def summary(self) -> Summary:
        """Say how many claims hold, which do not, and what that rests on."""
        wrong, counts = self._failing(read=False), self.counts
        holds, undecided = sum(counts[name] for name in GOOD), len(self.results) - self.decided
        text = f"Verdicts on {self.tally}."
        for one in wrong[:1]:
            text += f" One that fails: {one.claim.says} (published {one.stated}, computed {one.computed})."
        numbers = {
            f"hold, {counts[ROUGHLY]} of them roughly": holds,
            f"fail, {counts[FAILS] - len(wrong)} of them on our reading": counts[FAILS],
            "depend on a definition that is left open": counts[DEPENDS],
            f"not decided: {counts[OPEN]} not shown, {undecided - counts[OPEN]} for want of data": undecided,
        }
        return Summary(
            verdict="finding" if self.decided else NO_DATA,
            headline=f"Of {plural(self.decided, 'claim')} that could be checked, {holds} hold and {counts[FAILS]} fail",
            standfirst=text,
            numbers=tuple((str(number), label) for label, number in numbers.items()),
            hero="scoreboard",
            limits=(
                "A figure that fails is one that our data does not reproduce; the series used is named in each card.",
                "A tendency holds only if its whole 95% interval agrees; if there are too few cases, it is not shown.",
                "Each claim is a paraphrase, and one line of ours computes it: another reading may give another verdict.",
            ),
            change_mind="Other data that confirm a figure that fails; proof that our line does not use the claim's definition.",
        )


def picture(found: Result) -> Figure:
    """Draw the line of a claim up to its day, with the cases on it; or the cases, where they are changes of another."""
    reading = found.reading
    if reading is None or reading.path is None or len(path := reading.path.dropna()) < 2:
        raise InsufficientDataError(found.text)
    cases = pd.Series(dtype=float) if reading.events is None else reading.events.dropna()
    look: dict[str, Any] = {"marks": [charts.Mark(path.index[-1], float(path.iloc[-1]), found.computed)]}
    look["unit"] = KINDS[reading.kind]["shown"] if found.claim.checks[0].say.word == "value" else "number"
    drawn, name, line = path, "history of the line", charts.Line(path)
    if len(cases) > 1:
        look = {"points": cases, "unit": KINDS[str(cases.name)]["shown"]}
    if len(cases) > 1 and not cases.equals(path.reindex(cases.index)):
        drawn, name, line = cases, "each case", charts.Line(pd.Series(cases.mean(), cases.index), "mean", dashed=True)
        look["levels"] = {"": 0.0}
    says = f"{found.claim.says[:1].upper()}{found.claim.says[1:]}: {found.verdict}"
    deck = f"published {found.stated}, computed {found.computed}"
    panel = charts.Panel(name, [line], **look)
    return charts.series([panel], title=says, alt=found.text, deck=deck, data=drawn.to_frame("value"))


def explain(line: object, stated: object, source: Source | Lines, *, as_of: object, kind: str = "fact") -> Result:
    """Answer one line of the language as of a day; `Lines` in place of a source keep what was read for the next question."""
    claim: dict[str, object] = {"id": "asked", "article": "asked", "says": "the line that was asked"}
    claim |= {"check": line, "is": stated, "kind": kind}
    try:
        asked, article = Claim.model_validate(claim), Article(title="a question", as_of=as_of)
    except ValidationError as error:
        raise ParameterError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return judge(asked, article, source if isinstance(source, Lines) else Lines(source))


def claims_report(  # the command's options
    path: Path,
    *,
    verdict: str | None = None,
    article: str | None = None,
    as_json: bool = False,
    as_csv: bool = False,
    width: int = 80,
    overrides: Mapping[str, object] | None = None,
) -> str:
    """Judge the claims of a file: counts, lines that do not fit, then what fails, depends, is open, and all others."""
    study = Claims(read_parameters(path, Claims.Parameters, overrides or {}))
    verdict = {look[2]: name for name, look in VERDICT_LOOK.items()}.get(verdict or "", verdict)
    if verdict is not None and verdict not in VERDICTS:
        raise ParameterError(f"unknown verdict {verdict}{nearest(verdict, VERDICTS)}")
    if article is not None and article not in study.p.articles:
        raise ParameterError(f"{display_path(path)}: no article {article}{nearest(article, study.p.articles)}")
    chosen = [one for one in study.results if verdict in (None, one.verdict) and article in (None, one.claim.article)]
    records = [one.as_record() for one in chosen]
    if as_json:
        return json.dumps(records, indent=1, ensure_ascii=False)
    if as_csv:
        return pd.DataFrame(records).to_csv(index=False).rstrip("\n")
    order = [FAILS, DEPENDS, OPEN, *VERDICTS]
    chosen.sort(key=lambda one: -1 if verdicts.MISFIT in one.text.lower() else order.index(one.verdict))
    return "\n".join([fill(f"{study.tally}.", width), *(_lines(one, width) for one in chosen)])


def _lines(one: Result, width: int) -> str:
    source = "Tested:" if one.claim.reading or one.claim.kind != "fact" else "Published"
    figures = f"{source} {one.stated}, computed {one.computed}. " if one.readings else ""
    parts = [one.claim.says + (f" (read as: {one.claim.reading})" if one.claim.reading else ""), figures + one.text]
    parts += [f"What happened: {one.happened}"] if one.happened else []
    body = "\n".join(fill(part, max(width, 40), initial_indent="  ", subsequent_indent="  ") for part in parts)
    return f"\n{VERDICT_LOOK[one.verdict][2].upper()} {one.claim.id}\n{body}"


def new_claims(name: str) -> Path:
    """Write a first claims file with comments; refuse to replace one."""
    path = PARAMETERS / "04_claims" / f"{name}.yaml"
    if not re.fullmatch(r"[\w-]+", name):
        raise ParameterError(f"{name}: a name has letters, digits, _ and - only")
    if path.exists():
        raise ParameterError(f"{display_path(path)} is there already; choose another name")
    path.write_text(SKELETON, encoding="utf-8")
    return path
