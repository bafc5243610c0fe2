"""What refinancing at another rate does to interest cover: a share of debt is repriced by some basis points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research_lib.shown import Shown
from research_lib.stats.inference import Floats
from research_lib.stats.ratios import below_one, zombie_flags

BASIS_POINT = 1e-4

RATE_MOVES_BP = (-200, -100, 0, 100, 200, 300, 400, 500)
DEBT_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Stress(Shown):
    """One group after its debt is repriced.

    Attributes
    ----------
    rate_move_bp, debt_share : float
        Basis points, and the share of all debt that they are put on.
    n : int
        Firms with operating income, interest and debt known.
    cover : float
        Sum of operating income / sum of interest, of the firms that then have interest to pay.
    below_one_share : float
        Firms with cover below one, of n.
    below_one_debt_share : float
        Their share of the firms' debt.
    zombie_share : float
        Firms whose cover would have been below one in each of the last years had they paid the new rate all along,
        of the n_history whose history is long enough.
    zombie_debt_share : float
        Their share of those firms' debt.
    n_history : int
        Firms of the zombie shares.
    """

    rate_move_bp: float
    debt_share: float
    n: int
    cover: float
    below_one_share: float
    below_one_debt_share: float
    zombie_share: float
    zombie_debt_share: float
    n_history: int


def repriced_interest(interest: Floats, debt: Floats, *, rate_move_bp: float, debt_share: float) -> Floats:
    """Return interest after repricing; a cut cannot make a payer earn interest on its debt.

    Parameters
    ----------
    interest, debt : arrays of shape (n,)
        A year's net interest expense, and all debt.
    rate_move_bp : float
        By which the rate of the repriced debt moves.
    debt_share : float
        The share of debt that is repriced, 0 to 1.

    Notes
    -----
    interest + debt_share x debt x rate_move, at least min(interest, 0).
    """
    moved = interest + debt_share * debt * rate_move_bp * BASIS_POINT
    return np.maximum(moved, np.minimum(interest, 0.0))


def stress(
    firms: pd.DataFrame, members: "pd.Series[bool]", *, rate_move_bp: float, debt_share: float, zombie_years: int
) -> Stress:
    """Reprice the debt of a group of firms.

    Parameters
    ----------
    firms : DataFrame
        From `stats.ratios.measure`, all companies and years together: zombies need the years before.
    members : Series of bool
        The rows of the group and year that is described.
    rate_move_bp, debt_share : float
        As in `repriced_interest`.
    zombie_years : int
        Consecutive years with cover below one that make a zombie.
    """
    income, debt = firms["operating_income"].to_numpy(), firms["debt"].to_numpy()
    interest = repriced_interest(firms["interest"].to_numpy(), debt, rate_move_bp=rate_move_bp, debt_share=debt_share)
    below = below_one(income, interest)
    zombie = zombie_flags(firms, below, zombie_years=zombie_years)
    chosen = members.to_numpy(dtype=bool) & ~np.isnan(below)
    pays = chosen & (interest > 0)
    below_share, below_debt = _shares(below[chosen], debt[chosen])
    zombie_share, zombie_debt = _shares(zombie[chosen], debt[chosen])
    return Stress(
        rate_move_bp=rate_move_bp,
        debt_share=debt_share,
        n=int(chosen.sum()),
        cover=float(income[pays].sum() / interest[pays].sum()) if pays.any() else np.nan,
        below_one_share=below_share,
        below_one_debt_share=below_debt,
        zombie_share=zombie_share,
        zombie_debt_share=zombie_debt,
        n_history=int((~np.isnan(zombie[chosen])).sum()),
    )


def stress_map(
    firms: pd.DataFrame,
    members: "pd.Series[bool]",
    *,
    rate_moves_bp: Sequence[float] = RATE_MOVES_BP,
    debt_shares: Sequence[float] = DEBT_SHARES,
    zombie_years: int,
) -> pd.DataFrame:
    """Reprice over all pairs of a rate move and a share of debt; one row of `Stress` each."""
    options = [(move, share) for share in debt_shares for move in rate_moves_bp]
    return pd.DataFrame(
        [
            stress(firms, members, rate_move_bp=move, debt_share=share, zombie_years=zombie_years)
            for move, share in options
        ]
    )


@dataclass(frozen=True)
class BreakEven(Shown):
    """The rate move at which firms' cover falls below one.

    Attributes
    ----------
    debt_share : float
        The share of debt that is repriced.
    n : int
        Firms with debt and with cover of at least one today: those that can still fall.
    marginal_bp : float
        The smallest of their break-even moves: the next firm to fall.
    marginal_firm : str
        Its name.
    tenth_bp, median_bp : float
        The moves at which a tenth and half of them have fallen, each firm one vote.
    median_debt_bp : float
        The move at which firms with half of their debt have fallen.
    """

    debt_share: float
    n: int
    marginal_bp: float
    marginal_firm: str
    tenth_bp: float
    median_bp: float
    median_debt_bp: float


def break_even_bp(operating_income: Floats, interest: Floats, debt: Floats, *, debt_share: float) -> Floats:
    """Return the rate move, in basis points, at which cover is exactly one; NaN without debt to reprice.

    Notes
    -----
    Solves operating income = interest + debt_share x debt x move. Negative where cover is below one already. Above
    it, the firm has interest to pay that its income does not cover.
    """
    repriced = debt_share * debt
    room = operating_income - interest
    moves = np.divide(room, repriced, out=np.full(len(room), np.nan), where=repriced > 0)
    return np.asarray(moves / BASIS_POINT)


def break_even(firms: pd.DataFrame, *, debt_share: float) -> BreakEven:
    """Describe the break-even moves of one group and year; rows from `stats.ratios.measure`."""
    income, interest, debt = (firms[name].to_numpy() for name in ("operating_income", "interest", "debt"))
    moves = break_even_bp(income, interest, debt, debt_share=debt_share)
    standing = (moves >= 0) & (below_one(income, interest) == 0)
    if not standing.any():
        return BreakEven(debt_share, 0, np.nan, "", np.nan, np.nan, np.nan)
    moves, debt = moves[standing], debt[standing]
    order = moves.argsort(kind="stable")
    fallen = np.searchsorted(np.cumsum(debt[order]), debt.sum() / 2)
    tenth, median = np.quantile(moves, [0.1, 0.5], method="inverted_cdf")
    name = str(firms["company"].to_numpy()[standing][order[0]])
    return BreakEven(
        debt_share, len(moves), float(moves[order[0]]), name, float(tenth), float(median), float(moves[order[fallen]])
    )


def _shares(flags: Floats, debt: Floats) -> tuple[float, float]:
    """Return the share of firms that are flagged, and of their debt, where the flag is known."""
    known = ~np.isnan(flags)
    if not known.any():
        return np.nan, np.nan
    total = debt[known].sum()
    return float(flags[known].mean()), float(debt[flags == 1].sum() / total) if total > 0 else np.nan
