"""Where numbers come from: sources, their checks and cards. The only package that knows a vendor."""

from research_lib.data.load import DataSet as DataSet
from research_lib.data.load import load_prices as load_prices
from research_lib.data.load import load_prices_if_any as load_prices_if_any
from research_lib.data.load import load_series as load_series
from research_lib.data.load import load_series_if_any as load_series_if_any
from research_lib.data.load import open_source as open_source
from research_lib.data.load import require_sessions as require_sessions
from research_lib.data.quality import DataCard as DataCard
from research_lib.data.source import Source as Source
