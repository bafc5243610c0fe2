"""The findings of `01_rate_cut_regimes`."""

from collections.abc import Sequence

from research_lib.data.card import DataCard
from research_lib.findings import Finding, Findings
from research_lib.stats.event_study import WindowResult
from research_lib.studies.rate_cuts import Answer, GridStudy, LegStudy, Market, RegimeStudy, SensitivityStudy
from research_lib.studies.result import Unavailable


def rate_cut_findings(
    cards: Sequence[DataCard],
    answer: Answer,
    *,
    regimes: RegimeStudy,
    sensitivity: SensitivityStudy | Unavailable,
) -> Findings:
    """Name the study's numbers."""
    market, study = answer.market, answer.study
    inside = study.around[0].n
    return Findings(
        tuple(cards),
        (
            Finding("first_cuts", inside, "events", inside, "first cuts inside the data"),
            *(finding for result in study.after for finding in _of_window(result, market)),
            *_before(study, market),
            *_of_broad(answer.broad),
            *_of_sensitivity(sensitivity),
            *_of_regimes(regimes, market),
            *_of_grid(answer.grid),
        ),
    )


def _of_window(result: WindowResult, market: Market) -> list[Finding]:
    h, n, unit = result.window.last, result.n, "months" if market.monthly else "sessions"
    what = f"{market.name} over {h} {unit} after first cuts, sum of differences"
    return [
        Finding(f"rel_mean_{h}", result.mean, "fraction", n, f"mean {what}", result.low, result.high),
        Finding(f"rel_p_signflip_{h}", result.p_sign_flip, "p-value", n,
                f"exact; the smallest possible is {result.p_sign_flip_smallest:.4g}"),
        Finding(f"rel_p_placement_{h}", result.p_placement, "p-value", n, "all circular placements"),
        Finding(f"rel_positive_{h}", result.positive_share, "fraction", n, "share of events above zero"),
    ]  # fmt: skip


def _before(study: LegStudy, market: Market) -> list[Finding]:
    before = next(result for result in study.before if result.window.first in {-6, -126})
    what = f"mean {market.name} over the {-before.window.first} {'months' if market.monthly else 'sessions'} before"
    return [Finding("pre_cut_126", before.mean, "fraction", before.n, what, before.low, before.high)]


def _of_broad(broad: LegStudy | Unavailable) -> list[Finding]:
    if isinstance(broad, Unavailable):
        return [Finding("market_mean_1", None, "fraction", 0, broad.reason)]
    next_session = broad.after[0]
    what = f"mean {broad.leg} over the session after first cuts"
    return [
        Finding(
            "market_mean_1", next_session.mean, "fraction", next_session.n, what, next_session.low, next_session.high
        )
    ]


def _of_sensitivity(found: SensitivityStudy | Unavailable) -> list[Finding]:
    return [_beta(found, side) for side in ("up", "down")]


def _beta(found: SensitivityStudy | Unavailable, side: str) -> Finding:
    name, unit = f"beta_dgs10_{side}", "points a point"
    if isinstance(found, Unavailable) or f"d_dgs10_{side}" not in found.split.table.index:
        return Finding(name, None, unit, 0, "none: the source has no 10-year yield (DGS10)")
    row, n = found.split.table.loc[f"d_dgs10_{side}"].to_dict(), found.split.n
    what = (
        f"small less large on {side} moves of the 10-year yield; market, 2-year yield and spread held fixed; "
        f"Newey-West with {found.split.lags} lags"
    )
    return Finding(name, row["coefficient"], unit, n, what, row["low"], row["high"])


def _of_regimes(found: RegimeStudy, market: Market) -> list[Finding]:
    easing = next(mean for mean in found.means if mean.state == "easing")
    difference, per = found.differences[0], "month" if market.monthly else "session"
    return [
        Finding(
            "regime_easing_mean", easing.mean, "fraction", easing.n, f"mean {market.name} a {per} of easing",
            easing.low, easing.high,
        ),
        Finding(
            "regime_difference", difference.difference, "fraction", difference.n,
            f"a {per}, {difference.first} less {difference.second}; p {difference.p_shift:.3f} over all shifts",
            difference.low, difference.high,
        ),
    ]  # fmt: skip


def _of_grid(study: GridStudy) -> list[Finding]:
    grid, n = study.grid, len(study.grid.table)
    return [
        Finding("spec_share_positive", grid.share_positive, "fraction", n, "specifications whose mean is positive"),
        Finding("spec_share_significant", grid.share_significant, "fraction", n, "placement p at most 5%"),
        Finding(
            "spec_headline_place", study.place, "fraction", n, "specifications whose effect is below the headline's"
        ),
    ]
