"""The explorer of `03_record_sigma`."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import ipywidgets as widgets
import pandas as pd

from research_lib.data import DataCard, load_prices
from research_lib.exhibits.sigma import figures, tables
from research_lib.explore.explorer import Exhibit, Explorer, Study, Values, begin, decimal, whole
from research_lib.names import SIGMA_NAMES
from research_lib.params import RecordSigma
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies import sigma as study


def sigma(file: str = "", **settings: object) -> Explorer:
    """Explore record-sigma episodes: the price with its episodes, the day on every definition, what followed.

    Parameters
    ----------
    file : str
        A parameter file of `params/03_record_sigma/` to begin with, without its ending.
    **settings
        Parameters that go before the file's, or the defaults.
    """
    explored = _Sigma(begin(RecordSigma, file, settings))
    return Explorer(explored, explored.controls())


class _Sigma(Study[RecordSigma]):
    def __init__(self, start: RecordSigma) -> None:
        super().__init__(start)
        self.load = lru_cache(maxsize=8)(lambda asset: load_prices(self.source, [asset], as_of=start.as_of))
        self.views = {"Price and episodes": self.price, "The day": self.day, "What followed": self.followed}

    def close(self, params: RecordSigma) -> "pd.Series[float]":
        return self.load(params.asset)[params.asset]

    def of_day(self, params: RecordSigma) -> study.SigmaOfDay:
        return study.sigma_of_day(self.close(params), params.definition, _settings(params))

    def episodes(self, params: RecordSigma) -> study.Episodes:
        path = sigma_path(self.close(params), params.definition, _settings(params))
        return study.episodes_above(
            path, params.definition, threshold=params.threshold, cluster_gap_sessions=params.cluster_gap
        )

    def price(self, params: RecordSigma) -> Iterator[Exhibit]:
        yield figures.price_and_sigma(self.close(params), self.episodes(params), self.of_day(params))

    def day(self, params: RecordSigma) -> Iterator[Exhibit]:
        yield tables.of_day(self.of_day(params))
        yield tables.episodes(self.episodes(params))

    def followed(self, params: RecordSigma) -> Iterator[Exhibit]:
        outcomes = study.followed(self.close(params), self.episodes(params))
        yield tables.followed(outcomes, of=params.asset)
        yield figures.followed(outcomes, of=params.asset)

    def cards(self, params: RecordSigma) -> Sequence[DataCard]:
        return self.load(params.asset).cards

    def complete(self, values: Values) -> Values:
        """Leave out what the asset would be compared with: the explorer is about one."""
        return {**values, "benchmark": "", "assets": [values["asset"]]}

    def controls(self) -> dict[str, widgets.Widget]:
        start, assets = self.start, sorted({self.start.asset, *self.source.symbols()})
        deviations = [("of a sample", 1), ("of a population", 0)]
        return {
            "asset": widgets.Dropdown(description="Asset", options=assets, value=start.asset),
            "definition": widgets.Dropdown(description="Definition", options=SIGMA_NAMES, value=start.definition),
            "window": whole(description="Window (sessions)", min=5, max=1000, step=5, value=start.window),
            "threshold": decimal(description="Threshold (σ)", min=0.1, max=20, step=0.1, value=start.threshold),
            "cluster_gap": whole(description="Gap joined (sessions)", min=0, max=252, value=start.cluster_gap),
            "ddof": widgets.Dropdown(description="Deviation", options=deviations, value=start.ddof),
        }


def _settings(params: RecordSigma) -> SigmaSettings:
    return SigmaSettings(window_sessions=params.window, ddof=params.ddof)
