"""The glossary: heading, format, unit and meaning of each column that any table or finding shows, once.

A table is a title, a frame and a list of these names; the note under it is made of the meanings of what it shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """How one quantity is shown wherever it appears.

    Attributes
    ----------
    heading : str
        What stands above it.
    unit : str
        A unit of `format.show`; empty takes the unit of the table.
    meaning : str
        One sentence or clause for the note; empty where the heading says it all.
    words : bool
        Text, aligned left.
    digits : int or None
        Decimal places, where not the unit's own.
    """

    heading: str
    unit: str = ""
    meaning: str = ""
    words: bool = False
    digits: int | None = None


GLOSSARY: Mapping[str, Column] = {
    # Estimates: the same names in every frame.
    "value": Column("value"),
    "n": Column("n", "count"),
    "n_cut": Column("cut off", "count", "windows that run past the end of the data"),
    "mean": Column("mean"),
    "median": Column("median"),
    "share_positive": Column("positive", "share"),
    "base": Column("all days", "", "the mean of all other periods, which the value is held against"),
    "interval": Column("95% interval"),
    "jackknife": Column("leaving one out", "", "the lowest and the highest value when any one case is left out"),
    "p": Column("p", "p", "two-sided"),
    "p_holm": Column("p (Holm)", "p", "adjusted for all windows shown for this question"),
    "p_smallest": Column("smallest p", "p", "the smallest p that so few cases can give"),
    # Time.
    "horizon": Column("after", "count"),
    "window": Column("window", "text", words=True),
    "date": Column("date", "date"),
    "first": Column("from", "date"),
    "last": Column("to", "date"),
    "month": Column("month", "month"),
    "year": Column("year", "year"),
    "fiscal_year": Column("fiscal year", "year"),
    # Names.
    "name": Column("name", "text", words=True),
    "asset": Column("asset", "text", words=True),
    "definition": Column("definition", "text", words=True),
    "group": Column("group", "text", words=True),
    # Ranks.
    "rank": Column("rank", "rank", "1 is the most extreme"),
    "rank_of": Column("of", "count"),
    "since": Column("most extreme since", "text", words=True),
    # Record sigma.
    "beyond": Column("sessions beyond", "count"),
    "company": Column("company", "text", words=True),
    "end": Column("last beyond", "date"),
    "episode_rank": Column("rank by episode", "rank", "sessions a few days apart count once"),
    "highest": Column("highest"),
    "highest_date": Column("highest on", "date"),
    "lowest": Column("lowest"),
    "lowest_date": Column("lowest on", "date"),
    "peak": Column("peak"),
    "peak_date": Column("peak on", "date"),
    "ratio": Column("ratio", "change"),
    "ratio_rank": Column("rank of ratio", "rank"),
    "shape": Column("shape", "ratio", "of the fitted tail: the higher, the more often it goes far beyond"),
    "start": Column("first beyond", "date"),
    "threshold": Column("threshold", "sigma"),
    "without": Column("without the record"),
    # Companies and their debts.
    "bn_ebitda": Column("EBITDA (bn)", "number", "billions of the row's own currency", digits=1),
    "bn_net_debt": Column("net debt (bn)", "number", digits=1),
    "control": Column("beside", "text", words=True),
    "coverage": Column("coverage", "share", "the share of the group's companies whose amounts are known"),
    "due_within_year": Column("due within a year", "share", "short-term over all debt"),
    "event": Column("day", "date"),
    "groups": Column("groups", "text", words=True),
    "large": Column("large"),
    "months": Column("months", "count"),
    "quoted": Column("quoted"),
    "regressor": Column("of", "text", words=True),
    "rule": Column("why", "text", words=True),
    "share_below_one": Column("cover below 1", "share", "companies whose income does not cover their interest"),
    "share_net_cash": Column("net cash", "share", "companies with more cash than debt"),
    "share_no_ebitda": Column("no EBITDA", "share", "companies with EBITDA of zero or less"),
    "small": Column("small"),
    "top": Column("the five", "text", "whose leaving out, each alone, moves the ratio most", words=True),
    "top_share": Column("the five are", "change", "1 − without / with; negative where they lower it"),
    "verdict": Column("verdict", "text", words=True),
    "without_top": Column("without the five"),
    "zombie_share": Column("zombies", "fraction", "companies with cover below 1 for years in a row"),
    # Rate cuts.
    "a_year": Column("a year", "points", "the mean of a period times the periods of a year"),
    "curve": Column("10-year less 2-year", "points", "the last before the cut", digits=2),
    "cuts": Column("cuts", "count"),
    "differs": Column("differ at 5%", "share", "of the ways with at least six first cuts"),
    "driver": Column("driver", "text", words=True),
    "first_cut": Column("first cut", "date"),
    "largest_gap_bp": Column("largest gap", "bp"),
    "last_cut": Column("last cut", "date"),
    "leg": Column("of", "text", words=True),
    "median_gap_bp": Column("median gap", "bp"),
    "null_mean": Column("with no effect", "share", "the same with a random sign for each period, on average"),
    "on_hold": Column("since last hike", "days"),
    "outcome": Column("outcome", "points"),
    "over": Column("over", "text", words=True),
    "positive": Column("positive", "share"),
    "recession": Column("recession", "text", "one within 12 months of the cut, by hindsight (NBER)", words=True),
    "regime": Column("policy", "text", words=True),
    "same_direction": Column("moved the same way", "share", "changes of 25 bp and more that the rate followed"),
    "spells": Column("spells", "count", "times it was entered, as far as the data reach"),
    "spread": Column("credit spread", "points", "the last before the cut", digits=2),
    "total_bp": Column("total", "bp"),
    # Parameters, data and findings of a report.
    "parameter": Column("parameter", "text", words=True),
    "shown": Column("value", "text", words=True),
    "meaning": Column("meaning", "text", words=True),
    "series": Column("series", "text", words=True),
    "origin": Column("source", "text", words=True),
    "rows": Column("rows", "count"),
    "gaps": Column("gaps", "count", "exchange sessions without a value, counted from 1970 on"),
    "found": Column("found", "text", "faults that do not stop a run, with their number and first place", words=True),
    "sha256": Column("sha256", "text", "of the dates and values used, its first 12 digits", words=True),
    "finding": Column("finding", "text", words=True),
    "unit": Column("unit", "text", words=True),
    "interval_text": Column("95% interval", "text"),
}
