"""FRED, through pandas-datareader: one series a request, its newest vintage, no key needed."""

from collections.abc import Sequence
from importlib.metadata import version

import pandas as pd
import requests
from pandas_datareader.fred import FredReader

from research_lib.data.live.network import RefusedError, TransientError
from research_lib.data.live.snapshots import Item, Pulled

SOURCE = "fred"
START = "1900-01-01"  # without one, pandas-datareader fetches the last five years


class Fred:
    """The client."""

    source = SOURCE

    def __init__(self, *, session: requests.Session) -> None:
        self._session = session

    def fetch(self, items: Sequence[Item], *, now: pd.Timestamp) -> list[Pulled]:  # noqa: ARG002  # no sessions here
        """Fetch each series whole.

        Raises
        ------
        RefusedError, TransientError
            FRED has no such series, or gave no usable answer.
        """
        return [self._fetch(item) for item in items]

    def _fetch(self, item: Item) -> Pulled:
        reader = FredReader(item.name, start=START, session=self._session, retry_count=0)
        try:
            frame = reader.read()
        except (TransientError, RefusedError):
            raise
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RefusedError(f"FRED sent nothing usable for {item.name} ({type(error).__name__})") from None
        values = frame[item.name]
        if not isinstance(frame.index, pd.DatetimeIndex) or not pd.api.types.is_numeric_dtype(values):
            raise RefusedError(f"FRED sent something else than dates and numbers for {item.name}")
        if values.notna().sum() == 0:
            raise RefusedError(f"FRED sent an empty answer for {item.name}")
        shaped = pd.DataFrame({"date": frame.index.as_unit("us"), "value": values.to_numpy(dtype=float)})
        query = {"symbol": item.name, "start": START}
        return Pulled(item, shaped, query, f"pandas-datareader {version('pandas-datareader')}")
