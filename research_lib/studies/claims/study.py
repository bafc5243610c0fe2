"""The study of published claims: scoreboard, figures that do not hold, readings, forecasts; and one line explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any, ClassVar

import pandas as pd

from research_lib.data import DataCard, Source
from research_lib.errors import InsufficientDataError, ParameterError
from research_lib.exhibits import charts
from research_lib.exhibits.figure import VERDICT_LOOK, Figure, badge, frame
from research_lib.exhibits.findings import Finding, Findings, Summary, plain
from research_lib.exhibits.format import plural
from research_lib.exhibits.glossary import Column
from research_lib.studies import parameters
from research_lib.studies.claims.evaluate import Lines
from research_lib.studies.claims.language import Article, Claim
from research_lib.studies.claims.verdict import (
    DEPENDS,
    FAILS,
    GOOD,
    NO_DATA,
    OPEN,
    STAND_IN,
    UNTESTABLE,
    VERDICTS,
    Result,
    judge,
)  # fmt: skip
from research_lib.studies.study import Study, figure, result, table

SHOWN_MARKS = 6
WORDS = {GOOD[0]: "hold", GOOD[1]: "roughly hold", DEPENDS: "depend on a definition", FAILS: "fail",
         OPEN: "are not shown either way", STAND_IN: "have a stand-in only", NO_DATA: "lack data",
         UNTESTABLE: "cannot be tested"}  # fmt: skip
COLUMNS = (
    ("id", Column("claim", words=True)),
    ("verdict", Column("verdict", words=True)),
    ("says", Column("what it says", words=True)),
    ("stated", Column("published", words=True)),
    ("computed", Column("computed", words=True)),
    ("text", Column("what the verdict rests on", words=True)),
)


@dataclass(frozen=True)
class Cards:
    """Claims as cards: verdict, what is said, published and computed, the figure's history, and what it rests on."""

    title: str
    results: Sequence[Result]
    deck: str = ""
    id: str = ""
    source: str = ""

    def _repr_html_(self) -> str:
        return frame("table", self.id, self.title, f'<ul class="cards">{"".join(map(_card, self.results))}</ul>',
                     deck=self.deck, source=self.source, data=as_frame(self.results))  # fmt: skip

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        text = "\n".join(f"{one.claim.id} {one.verdict}: {one.claim.says}. {one.text}" for one in self.results)
        about = {"research_lib": {"id": self.id, "title": self.title, "kind": "table"}}
        return {"text/html": self._repr_html_(), "text/plain": f"{self.title}\n{text}"}, about


def _card(one: Result) -> str:
    path = None if one.reading is None else one.reading.path
    line = "" if path is None or len(path) < 2 else charts.sparkline(path)
    said = f"<q>{escape(one.claim.quote)}</q> {escape(one.claim.by)}<br>" if one.claim.quote else ""
    reading = f" <i>(read as: {escape(one.claim.reading)})</i>" if one.claim.reading else ""
    then = f"<br><b>What happened:</b> {escape(one.happened)}" if one.happened else ""
    return (
        f'<li id="{escape(one.claim.id)}">{badge(one.verdict)} <b>{escape(one.claim.says)}</b>{reading}<br>{said}'
        f"published {escape(one.stated)}, computed {escape(one.computed)} {line}<br>{escape(one.text)}{then}<br>"
        f"<small>{escape(one.claim.id)} · {escape(_cited(one.article))}</small></li>"
    )


def _cited(article: Article) -> str:
    last = article.span[1]
    return ", ".join(filter(None, [article.title, article.publisher, str(article.published or last)]))


def as_frame(results: Sequence[Result]) -> pd.DataFrame:
    """Return results as a table, a row a claim."""
    rows = [{"id": one.claim.id, "article": one.claim.article, "verdict": one.verdict, "says": one.claim.says,
             "stated": one.stated, "computed": one.computed, "text": one.text, "happened": one.happened}
            for one in results]  # fmt: skip
    return pd.DataFrame(rows, columns=["id", "article", "verdict", "says", "stated", "computed", "text", "happened"])


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
        """Every claim with its verdict; what is wrong with some of them is said for all at once."""
        found, faults = [], []
        for claim in self.p.claims:
            try:
                found.append(judge(claim, self.p.articles[claim.article], self.lines))
            except ParameterError as fault:
                faults.append(str(fault))
        if faults:
            raise ParameterError("\n".join(faults))
        if not found:
            raise InsufficientDataError("there is no claim: write some in a file below params/04_claims")
        return tuple(found)

    @property
    def cards(self) -> tuple[DataCard, ...]:
        """The cards of what the claims needed."""
        _ = self.results
        return tuple(self.lines.cards.values())

    @result
    def findings(self) -> Findings:
        """How many claims have each verdict, and each claim's figure."""
        counts = [Finding(name.replace(" ", "_").replace("-", "_"), self.counts[name], "count", len(self.results),
                          f"claims that {WORDS[name]}") for name in VERDICTS]  # fmt: skip
        figures = []
        for one in self.results:
            record = one.as_record()
            value = record.get("computed")
            interval = (record.get("low"), record.get("high"))
            unit = "date" if isinstance(value, str) else record.get("unit") or "number"
            text = f"{one.verdict}: {one.claim.says}"
            figures.append(Finding(f"claim_{one.claim.id}", value, unit, record.get("n"), text, *interval))
        return Findings((*counts, *figures), tuple(card.as_record() for card in self.cards))

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many claims have each verdict."""
        verdicts = [one.verdict for one in self.results]
        return {name: verdicts.count(name) for name in VERDICTS}

    @property
    def decided(self) -> int:
        """How many claims the data decides."""
        return sum(self.counts[name] for name in (*GOOD, DEPENDS, FAILS))

    @property
    def tally(self) -> str:
        """The counts as a sentence."""
        return ", ".join(f"{count} {WORDS[name]}" for name, count in self.counts.items() if count)

    def _with(self, *verdicts: str, reading: bool = False) -> list[Result]:
        return [one for one in self.results if one.verdict in verdicts and bool(one.claim.reading) == reading]

    @figure
    def scoreboard(self) -> Figure:
        """The scoreboard."""
        rows = as_frame(self.results)
        counts = pd.crosstab(rows["article"], rows["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
        counts.index = pd.Index([_short(self.p.articles[name].title) for name in counts.index])
        shown = counts.loc[:, counts.sum() > 0] if len(counts) <= MOST_ROWS else counts.sum().to_frame("all articles").T
        looks = {name: look[0] for name, look in VERDICT_LOOK.items()}
        return charts.stacked(
            shown.loc[:, shown.sum() > 0], colours=looks, title=f"Of {plural(len(self.results), 'claim')}, {self.tally}",
            alt=f"{self.tally}.", deck="Claims by article and verdict", data=counts,
        )  # fmt: skip

    @figure
    def wrong(self) -> Cards:
        """Figures that do not hold."""
        found = self._with(FAILS)
        if not found:
            raise InsufficientDataError("none: every figure that the data decides holds, or depends on a definition")
        return Cards(
            f"{plural(len(found), 'published figure')} do not hold", found, "Recomputed as of each article's date"
        )

    @figure
    def readings(self) -> Cards:
        """Readings that are not borne out."""
        found = self._with(FAILS, reading=True)
        if not found:
            raise InsufficientDataError("none: no vague word was read in a way that fails")
        return Cards(f"{plural(len(found), 'vague statement')} not borne out, on our reading", found,
                     "The author did not name a figure: what the words were taken to mean stands beside them")  # fmt: skip

    @figure
    def undecided(self) -> Cards:
        """Claims that depend on a definition."""
        found = self._with(DEPENDS) + self._with(DEPENDS, reading=True)
        if not found:
            raise InsufficientDataError("none: no verdict hangs on what a claim leaves open")
        return Cards(
            f"{plural(len(found), 'claim')} depend on what they leave open", found, "What decides stands in each card"
        )

    @figure
    def forecasts(self) -> Cards:
        """Forecasts, and what happened."""
        found = [one for one in self.results if one.claim.kind == "forecast"]
        if not found:
            raise InsufficientDataError("no claim is a forecast")
        return Cards("What was forecast, how often that happens, and what came", found,
                     "The base rate is as known then; what happened is measured after the article only")  # fmt: skip

    @figure
    def picture(self) -> Figure:
        """A claim's figure in its history."""
        shown = [
            one
            for one in (*self._with(FAILS), *self.results)
            if one.reading is not None and one.reading.path is not None
        ]
        if not shown:
            raise InsufficientDataError("no claim has a history to draw")
        return picture(shown[0])

    @table("Every claim with its verdict", COLUMNS, deck="As of each article's date", unit="text")
    def all_claims(self) -> pd.DataFrame:
        """Every claim."""
        return as_frame(self.results)

    def summary(self) -> Summary:
        """Say how many claims hold, which do not, and what that rests on."""
        wrong, counts = self._with(FAILS), self.counts
        holds = sum(counts[name] for name in GOOD)
        verdict = NO_DATA if not self.decided else GOOD[0] if holds == self.decided else DEPENDS
        first = (
            f" One that fails: {wrong[0].claim.says} (published {wrong[0].stated}, computed {wrong[0].computed})."
            if wrong
            else ""
        )
        undecided = counts[OPEN] + counts[NO_DATA] + counts[STAND_IN] + counts[UNTESTABLE]
        return Summary(
            verdict,
            f"{holds} of {plural(self.decided, 'claim')} that data can decide hold; {counts[FAILS]} fail",
            f"Of {plural(len(self.results), 'claim')} from {plural(len(self.p.articles), 'article')}, {self.tally}.{first}",
            (
                (str(holds), f"hold, {counts[GOOD[1]]} of them roughly"),
                (str(counts[FAILS]), f"fail, {len(wrong)} of them published figures"),
                (str(counts[DEPENDS]), "depend on a definition that is left open"),
                (str(undecided), f"not decided: {counts[OPEN]} by chance, the others for want of data"),
            ),
            "scoreboard",
            (
                "A figure that fails is one that daily data does not reproduce; the series used is named in each card.",
                "A tendency holds only where its whole 95% interval does; few cases leave it open.",
                "Each claim is a paraphrase, and one line of ours computes it: another reading may give another verdict.",
            ),
            "Another vendor's data for a figure that fails; a definition that a claim names and its line does not use.",
        )


MOST_ROWS = 12


def _short(title: str) -> str:
    return title if len(title) <= 48 else title[:47].rsplit(" ", 1)[0] + " …"


def picture(found: Result) -> Figure:
    """Draw the line of a claim up to its day, with the cases among it."""
    reading = found.reading
    if reading is None or reading.path is None or reading.path.dropna().empty:
        raise InsufficientDataError(found.text)
    path, events = reading.path.dropna(), reading.events
    days = [] if events is None else [day for day in events.index[-SHOWN_MARKS:] if day in path.index]
    marks = [charts.Mark(day, float(path[day]), str(day.date())) for day in days]
    if isinstance(reading.value, float) and not marks:
        marks = [charts.Mark(path.index[-1], float(path.iloc[-1]), found.computed)]
    panel = charts.Panel("history of the line", [charts.Line(path)], marks=marks)
    return charts.series(
        [panel], title=f"{found.claim.says[:1].upper()}{found.claim.says[1:]}: {found.verdict}", alt=found.text,
        deck=f"published {found.stated}, computed {found.computed}", data=path.to_frame("value"),
    )  # fmt: skip


@dataclass(frozen=True)
class Explanation:
    """One line of the language, answered: the verdict, what it rests on, every reading, and the picture."""

    verdict: str
    text: str
    readings: pd.DataFrame
    figure: Figure | None


def explain(line: Mapping[str, Any] | Sequence[Any], stated: object, source: Source, *, as_of: object, kind: str = "fact",
            lines: Lines | None = None) -> Explanation:  # fmt: skip
    """Answer one line of the language as of a day; `lines` keeps what was read for the next question.

    Raises
    ------
    ValueError, ParameterError
        A word, bound or unit is wrong; the message names it.
    """
    article = Article(title="a question", as_of=as_of)
    asked = {"id": "asked", "article": "asked", "says": "the line", "check": line, "is": stated, "kind": kind}
    found = judge(Claim.model_validate(asked), article, lines or Lines(source))
    rows = [{"definition": ", ".join(choice for _, choice in one.choices) or "as written", "value": plain(one.value),
             "unit": one.kind, "n": one.n, "low": one.low, "high": one.high, "verdict": verdict}
            for one, verdict in found.readings]  # fmt: skip
    try:
        drawn: Figure | None = picture(found)
    except InsufficientDataError:
        drawn = None
    return Explanation(found.verdict, found.text, pd.DataFrame(rows), drawn)
