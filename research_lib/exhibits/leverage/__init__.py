"""Exhibits of `02_leverage_net_debt`."""

from typing import Any

import pandas as pd

from research_lib.exhibits import format as show
from research_lib.studies.leverage import Firms, Options

VERDICT = {True: "holds", False: "does not hold", None: "cannot be told"}

SIMULATED = "Simulated companies"

# What regressors are called on show.
REGRESSORS = {
    "leverage": "leverage (one turn of EBITDA)",
    "negative": "EBITDA of zero or less",
    "size": "size (log of market value)",
    "beta": "beta",
    "leverage x up": "leverage × rate change, where it rose",
    "leverage x down": "leverage × rate change, where it fell",
    "negative x up": "EBITDA ≤ 0 × rate change, where it rose",
    "negative x down": "EBITDA ≤ 0 × rate change, where it fell",
    "leverage x easing": "leverage × policy easing",
    "negative x easing": "EBITDA ≤ 0 × policy easing",
    "spread": "credit-spread change",
    "bill_up": "bill-rate change, where it rose",
    "bill_down": "bill-rate change, where it fell",
    "debt_to_capital": "debt to capital, 0 to 100%",
    "log_net_income": "log of net income",
}


# What portfolios are called on show.
PORTFOLIOS = {"SMB": "small less large", "S1V3": "smallest fifth", "S5V3": "largest fifth"}


def heading(firms: Firms, text: str) -> str:
    """Say in every title, and in words for who does not see it, that companies are made up."""
    return f"{SIMULATED}: {text[0].lower()}{text[1:]}" if firms.simulated else text


def groups_in_words(options: Options) -> str:
    """Say who is large and who is small."""
    last = options.large + options.small
    return f"large: ranks 1 to {options.large:,} by market value when the report came out; small: to {last:,}"


def sectors_in_words(firms: Firms) -> str:
    """Say whether financials are among the companies, as far as the data can tell."""
    if firms.sector_share == 0:
        return "the data has no sectors, so that financials and real estate could not be left out"
    left = "left out" if firms.options.exclude_financials else "included"
    return f"financials and real estate are {left} ({show.percent(firms.sector_share, 0)} of rows have a sector)"


def variant_in_words(options: Options, firms: Firms) -> str:
    """Name a variant of the groups."""
    financials = f", {'without' if options.exclude_financials else 'with'} financials" if firms.sector_share else ""
    return f"{options.large:,} large, next {options.small:,}{financials}"


def signed_bp(move: float) -> str:
    """Show a rate move in basis points with its sign."""
    return f"{move:+.0f}".replace("-", "−") if move else "0"


def each(frame: pd.DataFrame) -> list[Any]:
    """Give a table's rows one by one, index and columns as attributes."""
    return list(frame.reset_index().itertuples(index=False))
