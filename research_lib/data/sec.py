"""The SEC's company facts as statements: a row a company and fiscal year, as it was known on a date.

A number that two tags may share is compared, never added: `LongTermDebt` most often includes the part due in a year.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from research_lib.data.catalog import fact_rows
from research_lib.data.quality import Fault
from research_lib.data.readers import refusal
from research_lib.errors import InsufficientDataError

# For each item, sums of tags in the order in which they are tried: the first whose tags are all there counts.
WAYS = {name: [way.split("+") for way in row["tags"].split("|")] for name, row in fact_rows("sec_tags.csv").items()}
DEBT = ("current", "due", "convertible", "borrowed", "paper", "noncurrent", "total")
SHARES = "EntityCommonStockSharesOutstanding"  # on the cover of a report, some weeks after the period's end
TAGS = frozenset({SHARES, *(tag for ways in WAYS.values() for way in ways for tag in way)})

YEAR_DAYS = (350, 380)  # a fiscal year: 52 or 53 weeks
ANNUAL_FORMS = ("10-K", "10-KT", "20-F", "40-F")  # and as amended: 10-K/A
INTO_JANUARY = pd.Timedelta(days=7)  # years of 52 or 53 weeks end some days before or after the calendar's
YEAR, REPORT, FACT = ["company", "period_end"], ["company", "accession"], ["company", "tag", "end"]

# A later value in a coarser unit (12,345 thousand, then 12 million) is rounding, no restatement; so is a change of less
# than half a percent. The earlier value stays: to move the day on which the whole row was known would cost more.
ROUNDING_UNITS = (1e6, 1e5, 1e3)
ROUNDING_SHARE = 0.005


def facts_frame(content: dict[str, Any]) -> pd.DataFrame:
    """Bring a company's facts into a table, a row a fact and filing; of IFRS only total assets, to tell such a company."""
    tags = {"us-gaap": TAGS, "dei": TAGS, "ifrs-full": {"Assets"}}  # in others, the same names mean other things
    rows = [
        (taxonomy, tag, unit, fact.get("start"), fact["end"], fact["filed"], fact["val"], fact["accn"], fact["form"])
        for taxonomy, described in content["facts"].items()
        for tag in described.keys() & tags.get(taxonomy, set())
        for unit, facts in described[tag]["units"].items()
        for fact in facts
    ]
    columns = ["taxonomy", "tag", "unit", "start", "end", "filed", "value", "accession", "form"]
    frame = pd.DataFrame(rows, columns=columns).sort_values(["taxonomy", "tag"], kind="stable", ignore_index=True)
    dates = {name: pd.to_datetime(frame[name]).astype("datetime64[us]") for name in ("start", "end", "filed")}
    return frame.assign(**dates, value=frame["value"].astype(float))


def read_facts(facts: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Make statements of the facts of all companies (with `company`), none filed after the date that may be known.

    A fiscal year stands with the facts of its own report, `published` that day. Where a value was restated it is the
    restated one, and the row `known_from` the day of that filing.
    """
    days = (facts["end"] - facts["start"]).dt.days
    in_dollars = facts["unit"].isin(["USD", "shares"]) & (facts["taxonomy"] != "ifrs-full")
    usable = facts[in_dollars & (days.isna() | days.between(*YEAR_DAYS))]
    rows, faults = annual_reports(usable)
    for company, own in facts[~facts["company"].isin(rows["company"])].groupby("company"):
        found = {"IFRS"} if (own["taxonomy"] == "ifrs-full").any() else set(own["unit"]) - {"USD", "shares"}
        said = f"{company} ({', '.join(sorted(found))})" if found else str(company)
        faults.append(Fault("no annual report in US GAAP and dollars (left out)", "", said))
    if rows.empty:
        raise InsufficientDataError(str(refusal("source sec: no statements", map(str, faults), len(faults))))
    # The value of each fact that stands, `since` when, is the last one but for rounding; `first` is when it had any.
    ordered = usable.sort_values(["filed", "accession"], kind="stable")
    groups = ordered.groupby(FACT, sort=False)
    amount, before = ordered["value"], groups["value"].shift()
    unit = np.select([amount.ne(0) & (amount % size == 0) for size in ROUNDING_UNITS], ROUNDING_UNITS, 0.0)
    changed = before.isna() | ((amount - before).abs() > np.maximum(unit / 2, ROUNDING_SHARE * before.abs()))
    stands = ordered.assign(first=groups["filed"].transform("first"))[changed].drop_duplicates(FACT, keep="last")
    values = rows.reset_index().merge(stands.rename(columns={"end": "period_end", "filed": "since"}), on=YEAR)
    values = values[values["first"] <= values["published"]]  # what only a later report gives was not known with the row
    by_tag: Any = values.set_index(["index", "tag"])[["value", "since"]].unstack().reindex(rows.index)  # noqa: PD010
    value, since = by_tag["value"], by_tag["since"]
    dates = {"published": rows["published"]}
    for name, ways in WAYS.items():
        rows[name] = _first([value.reindex(columns=way).sum(axis=1, min_count=len(way)) for way in ways])
        dates[name] = _first([since.reindex(columns=way).max(axis=1, skipna=False) for way in ways])
    known_from = pd.DataFrame(dates).max(axis=1)
    rows = _add_debt(rows).assign(currency="USD", known_from=known_from)
    rows["restated_on"] = known_from.where(known_from > rows["published"])
    cover = usable[usable["tag"] == SHARES].drop_duplicates([*REPORT, "end", "value"])  # each class once
    shares = cover.groupby([*REPORT, "end"])["value"].sum().groupby(level=REPORT).last().rename("shares")
    rows = rows.join(shares, on=REPORT)
    for company, own in rows[rows["shares"].isna()].groupby("company"):
        faults.append(Fault("no count of shares on the report's cover", "", str(company), len(own)))
    return rows, faults


def annual_reports(facts: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Find each company's fiscal years (by their ends), the last in each annual report, and the first report of each.

    A year ends on or before its report's day, and on a date that at least half as many of the report's facts have as
    its most usual one: a typing error is outvoted. What a fact calls its fiscal year is not used: companies differ.
    """
    of_report = facts["form"].str.removesuffix("/A").isin(ANNUAL_FORMS) & (facts["tag"] != SHARES)
    dated = facts[of_report].rename(columns={"end": "period_end", "filed": "published"})
    years = dated.groupby([*REPORT, "period_end", "published"])["start"].agg(votes="size", whole="count").reset_index()
    years = years[years["whole"] > 0].sort_values("period_end")
    possible, of_one = years["period_end"] <= years["published"], [years[key] for key in REPORT]
    believed = possible & (2 * years["votes"] >= years["votes"].where(possible).groupby(of_one).transform("max"))
    last = years["period_end"].where(believed).groupby(of_one).transform("max")
    doubted = years[~believed & ~(years["period_end"] < last)].astype("str")  # an earlier one is there for comparison
    cases = zip(doubted["published"], doubted["company"] + ": to " + doubted["period_end"], strict=True)
    faults = [Fault("a year that the rest of its filing contradicts (left out)", *one) for one in cases]
    years = years[believed & (years["period_end"] == last)].sort_values(["published", "accession"])
    years["fiscal_year"] = (years["period_end"] - INTO_JANUARY).dt.year
    first = years.drop_duplicates(YEAR).drop_duplicates(["company", "fiscal_year"])
    return first[[*YEAR, "accession", "published", "fiscal_year"]].reset_index(drop=True), faults


def _first(parts: "Sequence[pd.Series[Any]]") -> "pd.Series[Any]":
    """Take the first part that has a value, row by row."""
    return pd.concat(parts, axis=1).bfill(axis=1).iloc[:, 0]


def _add_debt(rows: pd.DataFrame) -> pd.DataFrame:
    """Add short-term and long-term debt, and how they were made (`debt_from`), to rows with the items DEBT.

    What is due and what was borrowed short are added, unless they are equal (in any year of the company), or the total
    or commercial paper shows that the second has the first in it. One kind is zero where only the other is tagged; what
    the total has beyond the long-term part is due.
    """
    current, due, convertible, borrowed, paper, noncurrent, total = (rows[name] for name in DEBT)
    borrowed = _first([borrowed.where(borrowed >= paper, borrowed + paper), borrowed, paper])
    rest = total - noncurrent
    tagged_part = _first([due, convertible])
    part = tagged_part.fillna(rest.where(rest > ROUNDING_SHARE * total))
    repeated = (part.gt(0) & _near(part, borrowed)).groupby(rows["company"]).transform("any")
    within = repeated | _near(borrowed, part + paper) | (_near(borrowed, rest) & ~_near(part, rest))
    within &= part.gt(0)
    both = (part + borrowed).where(~within, np.fmax(part, borrowed))
    short = _first([current, both, part, borrowed])
    less = total - _first([due, current - borrowed.fillna(0.0)])
    long = _first([noncurrent, less.where(less >= 0), total])
    kinds = short.notna().astype(int) + long.notna()
    alone = noncurrent.isna() & total.notna()
    unlike = rest.notna() & part.notna() & ~_near(part, rest) & ~_near(short, rest)
    origins = {
        "no debt tagged": kinds == 0,
        "balance sheet, a number tagged twice counted once": within & borrowed.notna(),
        "total less the part due": alone & (less >= 0),
        "total less the long-term part": current.isna() & tagged_part.isna() & part.notna(),
        "total, not split": alone,
        "balance sheet, one kind tagged": kinds == 1,
        "balance sheet, unlike the total that is tagged too": unlike,
    }
    short, long = (one.fillna(0.0).where(kinds == 1, one) for one in (short, long))
    origin = np.select(list(origins.values()), list(origins), "balance sheet")
    return rows.assign(short_term_debt=short, long_term_debt=long, debt_from=origin)


def _near(one: "pd.Series[float]", other: "pd.Series[float]") -> "pd.Series[bool]":
    return (one - other).abs() <= ROUNDING_SHARE * other.abs()
