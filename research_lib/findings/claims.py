"""The findings of `04_claims`."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from research_lib.data.card import DataCard
from research_lib.findings import Finding, Findings
from research_lib.studies.claims import Result, Verdict, scaled


def claims_findings(cards: Sequence[DataCard], results: Sequence[Result]) -> Findings:
    """Name the number of each verdict, and every claim's computed figure by the claim's id."""
    counts = Counter(result.verdict for result in results)
    of_verdicts = [
        Finding(verdict.replace(" ", "_"), counts[verdict], "checks", len(results), f"checks with verdict {verdict}")
        for verdict in Verdict
    ]
    return Findings(tuple(cards), (*of_verdicts, *map(_of_claim, results)))


def _of_claim(result: Result) -> Finding:
    value = str(result.computed.date()) if isinstance(result.computed, pd.Timestamp) else result.computed
    low, high = _interval(result)
    asserted = f" (asserted {result.asserted})" if result.asserted else ""
    return Finding(
        result.claim.id,
        value,
        result.unit or "none",
        result.n,
        f"{result.verdict}: {result.claim.says}{asserted}",
        low,
        high,
    )


def _interval(result: Result) -> tuple[float | None, float | None]:
    if result.reading is None or result.claim.asserted is None or np.isnan(result.reading.low):
        return None, None
    low, high = (scaled(end, result.claim.asserted.unit) for end in (result.reading.low, result.reading.high))
    return (low, high) if isinstance(low, float) and isinstance(high, float) else (None, None)
