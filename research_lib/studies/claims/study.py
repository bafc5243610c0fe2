"""The study of published claims: its exhibits, and the picture of one."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pandas as pd

from research_lib.data import DataCard
from research_lib.errors import InsufficientDataError
from research_lib.exhibits import charts
from research_lib.exhibits.exhibit import VERDICT_LOOK, Column, Figure, tally
from research_lib.exhibits.findings import Finding, Findings, Summary
from research_lib.exhibits.format import KINDS, plural
from research_lib.studies import parameters
from research_lib.studies.claims.lines import Lines
from research_lib.studies.claims.verdict import DEPENDS, FAILS, HOLDS, NO_DATA, OPEN, ROUGHLY, VERDICTS, Result, judge
from research_lib.studies.study import Study, figure, result, table

WORDS = {name: VERDICT_LOOK[name][2] for name in VERDICTS}  # for each verdict, as a reader sees it
COLUMNS = ("id", "verdict", "says", "stated", ("shown", Column("computed", "text")), "depends_on")


def as_cards(subject: str, title: Callable[[int], str], none: str, chosen: Callable[[Result], bool]) -> result[Any]:
    """Make an exhibit of some claims as cards; where there is none it says so."""

    def drawn(study: "Claims") -> charts.Cards:
        if not (found := list(filter(chosen, study.results))):
            raise InsufficientDataError(none)
        cards = [one.as_record() | {"history": getattr(one.reading, "path", None)} for one in found]
        data = pd.DataFrame(cards).drop(columns="history")
        return charts.Cards("", title(len(found)), data, deck="As of each article's date", cards=cards)

    drawn.__doc__ = subject
    return figure(drawn)


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
        """The cards of what the claims needed; that of the series that ends last goes first."""
        cards = self.lines.cards.values() if self.results else ()
        return tuple(sorted(cards, key=lambda card: card.last, reverse=True))

    @result
    def counts(self) -> Mapping[str, int]:
        """How many claims have each verdict."""
        return dict.fromkeys(VERDICTS, 0) | Counter(one.verdict for one in self.results)

    @result
    def findings(self) -> Findings:
        """How many claims have each verdict, and each claim's figure."""
        n = len(self.results)
        found = [Finding(re.sub("[ -]", "_", one), k, "count", n, f"claims: {one}") for one, k in self.counts.items()]
        for row in (one.as_record() for one in self.results):
            value, unit, *parts = (row.get(name) for name in ("computed", "unit", "n", "low", "high"))
            unit, text = "date" if isinstance(value, str) else unit or "number", f"{row['verdict']}: {row['says']}"
            found.append(Finding(f"claim_{row['id']}", value, unit, parts[0], text, *parts[1:]))
        return Findings(tuple(found), tuple(card.as_record() for card in self.cards))

    @figure
    def scoreboard(self) -> Figure:
        """The scoreboard."""
        rows = self.all_claims
        counts = pd.crosstab(rows["article"], rows["verdict"])[[WORDS[name] for name in VERDICTS if self.counts[name]]]
        counts = counts.rename(index=lambda name: self.p.articles[name].title)
        decided = sum(self.counts[name] for name in (HOLDS, ROUGHLY, DEPENDS, FAILS))
        return charts.stacked(
            counts if len(counts) <= 12 else counts.sum().to_frame("all articles").T,
            title=f"Of {plural(len(rows), 'claim')}, data can decide {decided}", data=counts,
            alt=f"Verdicts on {tally(one.verdict for one in self.results)}.", deck="Claims by article and verdict",
        )  # fmt: skip

    wrong = as_cards("Figures that do not hold", lambda n: plural(n, "claim does not hold", "claims do not hold"),
                     "no figure that the data decides fails", lambda one: one.verdict == FAILS and not one.is_ours)  # fmt: skip
    readings = as_cards("Readings that are not borne out", lambda n: f"{plural(n, 'vague statement')} not borne out, on our reading",
                        "no vague word fails", lambda one: one.verdict == FAILS and one.is_ours)  # fmt: skip
    undecided = as_cards("Claims that depend on a definition", lambda _: "What decides where a claim leaves a definition open",
                         "no claim leaves open what decides", lambda one: one.verdict == DEPENDS)  # fmt: skip
    forecasts = as_cards("Forecasts, and what happened", lambda _: "What was forecast, how often it had happened, and what came",
                         "no claim is a forecast", lambda one: one.claim.kind == "forecast")  # fmt: skip

    @figure
    def picture(self) -> Figure:
        """A claim's figure in its history."""
        drawn = [one for one in self.results if getattr(one.reading, "path", None) is not None] or self.results
        return picture(min(drawn, key=lambda one: one.verdict != FAILS or one.is_ours))  # the first figure that fails

    @table("Every claim with its verdict", COLUMNS, unit="text")
    def all_claims(self) -> pd.DataFrame:
        """Every claim."""
        return pd.DataFrame([one.as_record() for one in self.results]).replace({"verdict": WORDS})

    def summary(self) -> Summary:
        """Say how many claims hold, which do not, and what that rests on."""
        counts, wrong = self.counts, [one for one in self.results if one.verdict == FAILS and not one.is_ours]
        holds = counts[HOLDS] + counts[ROUGHLY]
        decided = holds + counts[DEPENDS] + counts[FAILS]
        undecided = len(self.results) - decided
        text = f"Verdicts on {tally(one.verdict for one in self.results)}."
        for one in wrong[:1]:
            text += f" One that fails: {one.claim.says} (published {one.claim.figure.text}, computed {one.shown})."
        return Summary(
            verdict="finding" if decided else NO_DATA,
            headline=f"Of {plural(decided, 'claim')} that could be checked, {holds} hold and {counts[FAILS]} fail",
            standfirst=text,
            numbers=(
                (str(holds), f"hold, {counts[ROUGHLY]} of them roughly"),
                (str(counts[FAILS]), f"fail, {counts[FAILS] - len(wrong)} of them on our reading"),
                (str(counts[DEPENDS]), "depend on a definition that is left open"),
                (str(undecided), f"not decided: {counts[OPEN]} not shown, {undecided - counts[OPEN]} for want of data"),
            ),
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
    reading, claim = found.reading, found.claim
    if reading is None or reading.path is None:
        raise InsufficientDataError(f"there is no history to draw: {found.text}")
    of_line = reading.kind if claim.checks[0].say.word == "value" else "number"
    kind = of_line if reading.events is None or reading.events.count() < 2 else str(reading.events.name)
    says = f"{claim.says[:1].upper()}{claim.says[1:]}: {found.verdict}"
    deck = f"published {claim.figure.text}, computed {found.shown}"
    look = {"shown": found.shown, "unit": KINDS[kind]["shown"], "title": says, "alt": found.text, "deck": deck}
    return charts.history(reading.path, reading.events, **look)
