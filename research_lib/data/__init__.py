"""Where numbers come from: sources, their checks and cards. The only package that knows a vendor."""

from research_lib.data.bundled import Bundled
from research_lib.data.card import DataCard
from research_lib.data.folder import Folder
from research_lib.data.load import (
    DataSet,
    load_prices,
    load_prices_if_any,
    load_series,
    load_series_if_any,
    open_source,
)
from research_lib.data.source import Source

__all__ = [
    "Bundled",
    "DataCard",
    "DataSet",
    "Folder",
    "Source",
    "load_prices",
    "load_prices_if_any",
    "load_series",
    "load_series_if_any",
    "open_source",
]
