"""Ken French's data library, through pandas-datareader: monthly factors and size portfolios."""

from collections.abc import Sequence
from importlib.metadata import version

import pandas as pd
import requests
from pandas_datareader.famafrench import FamaFrenchReader

from research_lib.data.catalog import PERCENT
from research_lib.data.live.french_names import FACTORS, PORTFOLIOS, dataset_of
from research_lib.data.live.network import RefusedError, TransientError
from research_lib.data.live.snapshots import Item, Pulled

SOURCE = "french"
START = "1900-01-01"
MISSING = (-99.99, -999.0)
MONTHLY = 0  # the first table of a file; of portfolios, the one weighted by value


class French:
    """The client: one file holds several series."""

    source = SOURCE

    def __init__(self, *, session: requests.Session) -> None:
        self._session = session

    def fetch(self, items: Sequence[Item], *, now: pd.Timestamp) -> list[Pulled]:  # noqa: ARG002  # no sessions here
        """Fetch the file that all of the items stand in.

        Raises
        ------
        RefusedError, TransientError
            The file is not there, or not what it was.
        """
        dataset = dataset_of(items[0].name)
        reader = FamaFrenchReader(dataset, start=START, session=self._session, retry_count=0)
        try:
            table = reader.read()[MONTHLY]
        except (TransientError, RefusedError):
            raise
        except Exception as error:  # a file that changed fails in many ways, BadZipFile among them
            raise RefusedError(f"{dataset}: not a file as Ken French publishes it ({type(error).__name__})") from None
        return [self._pick(item, dataset, table) for item in items]

    def _pick(self, item: Item, dataset: str, table: pd.DataFrame) -> Pulled:
        columns = {str(name).strip(): name for name in table.columns}
        name = (FACTORS | PORTFOLIOS)[item.name]
        if name not in columns or not isinstance(table.index, pd.PeriodIndex) or table.index.freqstr != "M":
            raise RefusedError(f"{dataset}: no monthly column {name}; it has {', '.join(columns)}")
        values = table[columns[name]].astype(float)
        values = values.mask(values.isin(MISSING))
        # Portfolios are kept as decimals: facts/series.csv has them so, as another of their publishers does.
        values = values * PERCENT if item.name in PORTFOLIOS else values
        frame = pd.DataFrame({"date": table.index.to_timestamp().as_unit("us"), "value": values.to_numpy()})
        query = {"symbol": f"{dataset}, {name}", "start": START}
        return Pulled(item, frame, query, f"pandas-datareader {version('pandas-datareader')}")
