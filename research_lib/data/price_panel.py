"""Prices of many companies side by side, one file with a column for each: CSV or Parquet."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from research_lib.data.calendar import sessions_between
from research_lib.data.card import DataCard
from research_lib.data.catalog import Asset
from research_lib.data.folder import Folder
from research_lib.data.live.source import Snapshots, parts_of
from research_lib.data.quality import Fault, FaultKind
from research_lib.data.source import Source
from research_lib.errors import DataError, InsufficientDataError

# In this order: the user's own file goes first.
PANEL_FILES = ("price_panel.parquet", "price_panel.csv", "simfin/daily_adj_close.parquet", "simfin/daily_adj_close.csv")

# A price within so many days of the panel's end counts as still quoted.
STILL_QUOTED_DAYS = 14

SURVIVORS_SHARE = 0.98  # of those ever quoted; in a fair sample of US small caps about 5% leave each year


@dataclass(frozen=True)
class PricePanel:
    """Prices of companies and what they cover.

    Attributes
    ----------
    values : DataFrame of shape (sessions, companies)
        float64, positive or NaN; adjusted for splits and, where the file is, for dividends; sorted unique dates.
    card : DataCard
        Of the whole panel.
    still_quoted_share : float
        Companies with a price in the last two weeks of the panel, of those that ever have one.
    simulated : bool
        Not a real price among them.
    """

    values: pd.DataFrame
    card: DataCard
    still_quoted_share: float
    simulated: bool = False

    @property
    def survivors_only(self) -> bool:
        """Say whether (nearly) all are still quoted at the end: failures are missing, and returns look too good."""
        return self.still_quoted_share >= SURVIVORS_SHARE


def load_price_panel(source: Source, *, as_of: date | None = None) -> PricePanel | None:
    """Load the panel of company prices, cut at `as_of`; None where the source has none.

    A folder has a file; of live sources, it is the adjusted closes of the companies whose facts are there.

    Raises
    ------
    DataError
        The file has no dates, a date twice, or a cell that is no number.
    InsufficientDataError
        It holds nothing up to `as_of`.
    """
    for part in parts_of(source):
        if isinstance(part, Folder) and (name := _find(part.directory)):
            frame, origin = _read(part.directory / name, name), name
        elif isinstance(part, Snapshots) and part.companies():
            frame, origin = _adjusted_closes(source.at(as_of), part.companies()), "adjusted closes, each as pulled"
        else:
            continue
        frame = frame if as_of is None else frame[frame.index <= pd.Timestamp(as_of)]
        return make_price_panel(frame, source=source.name, origin=origin) if frame.shape[1] else None
    return None


def _find(directory: Path) -> str | None:
    return next((name for name in PANEL_FILES if (directory / name).is_file()), None)


def _adjusted_closes(source: Source, companies: Sequence[str]) -> pd.DataFrame:
    has = set(source.symbols())
    raw = {name: source.read_price(Asset(name, "adj_close")) for name in companies if name in has}
    closes = {
        name: pd.Series(one.values.to_numpy(), pd.DatetimeIndex(one.dates), dtype=float) for name, one in raw.items()
    }
    return pd.DataFrame(closes).rename_axis("date")


def make_price_panel(frame: pd.DataFrame, *, source: str, origin: str) -> PricePanel:
    """Check prices of shape (sessions, companies), leave out those that are not positive, and describe the rest."""
    if frame.empty:
        raise InsufficientDataError(f"{origin}: holds no prices up to as_of")
    twice = frame.index[frame.index.duplicated()]
    if len(twice):
        raise DataError(f"{origin}: the date {twice[0].date()} stands twice")
    values = frame.sort_index().astype(np.float64)
    bad = values.le(0) | np.isinf(values)
    faults = [
        Fault(FaultKind.BAD_PRICE, None, str(values.index[row].date()), f"{values.columns[column]}")
        for row, column in np.argwhere(bad.to_numpy())
    ]
    values = values.mask(bad).rename_axis("date")
    values = values.loc[:, values.notna().any()]
    card = _make_card(values, source=source, origin=origin, faults=tuple(faults))
    return PricePanel(values, card, _still_quoted(values), simulated=source == "simulated")


def month_ends(panel: PricePanel) -> pd.DatetimeIndex:
    """Return the last exchange session of each month that is over in the panel and has prices."""
    index = panel.values.index
    sessions = sessions_between(index[0], index[-1] + pd.offsets.MonthEnd(1))
    last = pd.Series(sessions, sessions).groupby([sessions.year, sessions.month]).max()
    return pd.DatetimeIndex(index.intersection(pd.DatetimeIndex(last)), name="date")


def _read(path: Path, shown: str) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, engine="pyarrow")
    except (OSError, ValueError) as error:
        raise DataError(f"{shown}: cannot be read ({error})") from None
    frame = frame.set_index("date") if "date" in frame.columns else frame
    if not pd.api.types.is_datetime64_any_dtype(frame.index.dtype):
        try:
            frame = frame.set_axis(pd.to_datetime(frame.index.astype(str), format="%Y-%m-%d"))
        except ValueError:
            raise DataError(f"{shown}: no column or index date of the form yyyy-mm-dd") from None
    texts = [str(name) for name, dtype in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    if texts:
        raise DataError(f"{shown}, column {texts[0]}: holds a cell that is not a number")
    return frame.set_axis(pd.DatetimeIndex(frame.index, name="date").as_unit("us"))


def _still_quoted(values: pd.DataFrame) -> float:
    recent = values[values.index > values.index[-1] - pd.Timedelta(days=STILL_QUOTED_DAYS)]
    return float(recent.notna().any().mean())


def _make_card(values: pd.DataFrame, *, source: str, origin: str, faults: tuple[Fault, ...]) -> DataCard:
    numbers = np.ascontiguousarray(values.to_numpy(), dtype="<f8")
    days = values.index.to_numpy().astype("datetime64[D]").astype("<i8")
    names = "\n".join(map(str, values.columns)).encode()
    sessions = sessions_between(values.index[0], values.index[-1])
    digest = hashlib.sha256(names)
    digest.update(days.data)
    digest.update(numbers.data)
    return DataCard(
        source=source,
        id="price_panel",
        name=f"Prices of {values.shape[1]:,} companies",
        origin=origin,
        first=str(values.index[0].date()),
        last=str(values.index[-1].date()),
        rows=len(values),
        gaps=int((~sessions.isin(values.index)).sum()),
        sha256=digest.hexdigest(),
        faults=faults,
    )
