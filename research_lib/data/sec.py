"""The SEC's company facts as statements: a row a company and fiscal year, as it was known on a date.

A number that two tags may share is compared, never added: `LongTermDebt` most often includes the part due in a year.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research_lib.data.catalog import fact_rows
from research_lib.data.quality import Fault
from research_lib.data.readers import refusal
from research_lib.errors import InsufficientDataError

Items: TypeAlias = "pd.Series[float]"  # one item, a value a fiscal year

# For each item, sums of tags in the order in which they are tried: the first whose tags are all there counts.
WAYS = {name: [way.split("+") for way in row["tags"].split("|")] for name, row in fact_rows("sec_tags.csv").items()}
DEBT = ("current", "due", "convertible", "borrowed", "paper", "noncurrent", "total")
SHARES = "EntityCommonStockSharesOutstanding"  # on the cover of a report, some weeks after the period's end
TAGS = frozenset({SHARES, *(tag for ways in WAYS.values() for way in ways for tag in way)})

YEAR_DAYS = (350, 380)  # a fiscal year: 52 or 53 weeks
ANNUAL_FORMS = ("10-K", "10-KT", "20-F", "40-F")  # and as amended: 10-K/A
INTO_JANUARY = pd.Timedelta(days=7)  # years of 52 or 53 weeks end some days before or after the calendar's
FACT = ["company", "tag", "start", "end"]

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
    usable = facts[(facts["unit"].isin(["USD", "shares"])) & (facts["taxonomy"] != "ifrs-full")]
    rows, faults = annual_reports(usable)
    for company, own in facts[~facts["company"].isin(rows["company"])].groupby("company"):
        found = {"IFRS"} if (own["taxonomy"] == "ifrs-full").any() else set(own["unit"]) - {"USD", "shares"}
        said = f"{company} ({', '.join(sorted(found))})" if found else str(company)
        faults.append(Fault("no annual report in US GAAP and dollars (left out)", "", said))
    if rows.empty:
        raise InsufficientDataError(str(refusal("source sec: no statements", map(str, faults), len(faults))))
    # The value of each fact that stands, `since` when, is the last one but for rounding; `first` is when it had any.
    ordered = usable.sort_values([*FACT, "filed", "accession"], kind="stable")
    groups = ordered.groupby(FACT, dropna=False, sort=False)
    amount, before = ordered["value"], groups["value"].shift()
    unit = np.select([amount.ne(0) & (amount % size == 0) for size in ROUNDING_UNITS], ROUNDING_UNITS, 0.0)
    changed = before.isna() | ((amount - before).abs() > np.maximum(unit / 2, ROUNDING_SHARE * before.abs()))
    values = ordered.assign(first=groups["filed"].transform("first"))[changed].rename(columns={"filed": "since"})
    values = values.drop_duplicates(FACT, keep="last")
    days = (values["end"] - values["start"]).dt.days
    values = values[(days.isna() | days.between(*YEAR_DAYS)) & values["tag"].ne(SHARES)]
    owned = rows[["company", "period_end", "published"]].rename(columns={"period_end": "end"}).reset_index()
    values = owned.merge(values, on=["company", "end"])
    in_time = values["first"] <= values["published"]  # what only a later report gives was not known with the row
    values = values[in_time].drop_duplicates(["index", "tag"], keep="last")
    values = values.set_index(["index", "tag"])
    value = values["value"].unstack().reindex(rows.index)  # noqa: PD010
    since = values["since"].unstack().reindex(rows.index)  # noqa: PD010
    items, dates = {}, {"published": rows["published"]}
    for name, ways in WAYS.items():
        sums = [value.reindex(columns=way).sum(axis=1, min_count=len(way)) for way in ways]
        known = [since.reindex(columns=way).max(axis=1, skipna=False) for way in ways]
        items[name], dates[name] = _first(sums), _first(known)
    known_from = pd.DataFrame(dates).max(axis=1)
    short, long, origin = _debt({name: items.pop(name) for name in DEBT}, rows["company"])
    rows = rows.assign(**items, short_term_debt=short, long_term_debt=long, debt_from=origin, currency="USD")
    rows = rows.assign(known_from=known_from, restated_on=known_from.where(known_from > rows["published"]))
    report = ["company", "accession"]
    classes = usable[usable["tag"] == SHARES].drop_duplicates([*report, "end", "value"])  # on the cover
    shares = classes.groupby([*report, "end"])["value"].sum().groupby(level=report).last().rename("shares")
    rows = rows.join(shares, on=report)
    for company, own in rows[rows["shares"].isna()].groupby("company"):
        faults.append(Fault("no count of shares on the report's cover", "", str(company), len(own)))
    return rows, faults


def annual_reports(facts: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Find each company's fiscal years (by their ends), the last in each annual report, and the first report of each.

    A year ends on or before its report's day, and on a date that at least half as many of the report's facts have as
    its most usual one: a typing error is outvoted. What a fact calls its fiscal year is not used: companies differ.
    """
    days = (facts["end"] - facts["start"]).dt.days
    whole, report = days.between(*YEAR_DAYS), facts["form"].str.removesuffix("/A").isin(ANNUAL_FORMS)
    dated = facts[report & (facts["tag"] != SHARES) & (whole | facts["start"].isna())].assign(whole=whole)
    dated, keys = dated.rename(columns={"end": "period_end", "filed": "published"}), ["company", "accession"]
    years = dated.groupby([*keys, "period_end", "published"]).agg(votes=("tag", "size"), whole=("whole", "any"))
    years = years[years["whole"]].reset_index().sort_values("period_end")
    possible = years["period_end"] <= years["published"]
    most = years["votes"].where(possible).groupby([years[key] for key in keys]).transform("max")
    believed = possible & (2 * years["votes"] >= most)
    last = years[believed].groupby(keys)["period_end"].last().rename("last")
    doubted = years[~believed].join(last, on=keys)
    doubted = doubted[~(doubted["period_end"] < doubted["last"])].astype("str")  # an earlier one is for comparison
    cases = doubted["company"] + ": to " + doubted["period_end"]
    words = "a year that the rest of its filing contradicts (left out)"
    faults = [Fault(words, *one) for one in zip(doubted["published"], cases, strict=True)]
    years = years[believed].drop_duplicates(keys, keep="last").sort_values(["published", "accession"])
    years["fiscal_year"] = (years["period_end"] - INTO_JANUARY).dt.year
    first = years.drop_duplicates(["company", "period_end"]).drop_duplicates(["company", "fiscal_year"])
    return first[["company", "period_end", "accession", "published", "fiscal_year"]].reset_index(drop=True), faults


def _first(parts: "Sequence[pd.Series[Any]]") -> "pd.Series[Any]":
    """Take the first part that has a value, row by row."""
    return pd.concat(parts, axis=1).bfill(axis=1).iloc[:, 0]


def _debt(tagged: Mapping[str, Items], company: "pd.Series[str]") -> tuple[Items, Items, NDArray[np.str_]]:
    """Return short-term and long-term debt, and how they were made.

    What is due and what was borrowed short are added, unless they are equal (in any year of the company), or the total
    or commercial paper shows that the second has the first in it. One kind is zero where only the other is tagged; what
    the total has beyond the long-term part is due.
    """
    current, due, convertible, borrowed, paper, noncurrent, total = (tagged[name] for name in DEBT)
    borrowed = _first([borrowed.where(borrowed >= paper, borrowed + paper), borrowed, paper])
    rest = total - noncurrent
    tagged_part = _first([due, convertible])
    part = tagged_part.fillna(rest.where(rest > ROUNDING_SHARE * total))
    repeated = (part.gt(0) & _near(part, borrowed)).groupby(company).transform("any")
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
    return short, long, np.select(list(origins.values()), list(origins), "balance sheet")


def _near(one: Items, other: Items) -> "pd.Series[bool]":
    return (one - other).abs() <= ROUNDING_SHARE * other.abs()
