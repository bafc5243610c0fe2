"""Record-sigma episodes: how extreme a move is on every definition, how rare, and what followed earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from research_lib.errors import InsufficientDataError
from research_lib.names import SIGMA_NAMES, SigmaName
from research_lib.shown import Shown
from research_lib.stats import trend
from research_lib.stats.events import HORIZONS_SESSIONS, Episode, Outcome, find_episodes, forward_returns, what_followed
from research_lib.stats.extremes import (
    ExtremalIndex,
    ReturnPeriod,
    Tail,
    extremal_index,
    fit_tail,
    return_period,
)
from research_lib.stats.inference import holm
from research_lib.stats.moves import (
    RelativeKind,
    Streak,
    common_sessions,
    k_session_returns,
    relative_moves,
    spot_volatility_correlation,
    streaks,
)
from research_lib.stats.sigma import SigmaSettings, scan, sigma_paths
from research_lib.stats.standing import Standing, standing
from research_lib.studies.result import Unavailable

DISTANCE_SESSIONS = (252, 50)  # m, of distance_z; the first is the headline's
RETURN_SESSIONS = (5, 1)  # k, of return_z
MOVE_SESSIONS = tuple(range(1, 21))
CORRELATION_SESSIONS = (5, 10, 21)
AVERAGE_SESSIONS = (50, 200)
STREAK_BOUNDS = (0.005, 0.01, 0.02, -0.005, -0.01, -0.02)
BREAKOUT_SESSIONS = (252, 1008)  # one year and four
LONG_VIEW_MONTHS = (1, 3, 6, 12)
GRID_WINDOWS = (20, 50, 100, 200)
GRID_HORIZON_SESSIONS = 21

NO_VOLATILITY = Unavailable("this source has neither the asset's volatility index nor GSPC and VIX as a proxy.")


@dataclass(frozen=True)
class DefinitionOfDay(Shown):
    """The last session under one definition; `standing` is None where the definition has no value on it."""

    name: SigmaName
    settings: SigmaSettings
    standing: Standing | None

    @property
    def label(self) -> str:
        """Name the definition with the windows it depends on."""
        match self.name:
            case "distance_z":
                return f"distance_z, m {self.settings.distance_sessions}"
            case "return_z":
                return f"return_z, k {self.settings.return_sessions}"
            case _:
                return self.name


@dataclass(frozen=True)
class SigmaOfDay(Shown):
    """One asset's last session under every definition.

    Attributes
    ----------
    asset : str
        The asset.
    sessions : int
        Its closes up to the day.
    headline : DefinitionOfDay
        The definition that was asked for.
    standing : Standing
        The day under it.
    definitions : tuple of DefinitionOfDay
        Under each, in the order of the notebook's list.
    limit : float
        The highest value that `price_z` can take over this window.
    """

    asset: str
    sessions: int
    headline: DefinitionOfDay
    standing: Standing
    definitions: tuple[DefinitionOfDay, ...]
    limit: float


def sigma_of_day(close: "pd.Series[float]", definition: SigmaName, settings: SigmaSettings) -> SigmaOfDay:
    """Compute the last session's sigma under every definition, with its rank in all history.

    Parameters
    ----------
    close : Series
        Closes up to the day, shape (sessions,); named by the asset.
    definition : str
        The headline one of `SIGMA_NAMES`.
    settings : SigmaSettings
        Its window and ddof; the variants of distance_z and return_z take their own m and k.

    Raises
    ------
    InsufficientDataError
        The headline definition has no value on the day.
    """
    variants = [
        replace(settings, distance_sessions=m, return_sessions=k)
        for m, k in zip(DISTANCE_SESSIONS, RETURN_SESSIONS, strict=True)
    ]
    paths = [sigma_paths(close, variant) for variant in variants]
    definitions = [DefinitionOfDay(name, variants[0], _last(paths[0][name])) for name in SIGMA_NAMES]
    definitions.insert(3, DefinitionOfDay("distance_z", variants[1], _last(paths[1]["distance_z"])))
    definitions.append(DefinitionOfDay("return_z", variants[1], _last(paths[1]["return_z"])))
    headline = next(day for day in definitions if day.name == definition)
    if headline.standing is None:
        raise InsufficientDataError(
            f"{close.name}: {definition} over {settings.window_sessions} sessions has no value on "
            f"{close.index[-1].date()}, session {len(close)} of the data; {settings.needed(definition)} "
            f"closes that vary are needed: a later as_of, a shorter window, or a longer history"
        )
    n = settings.window_sessions
    limit = (n - 1) / float(np.sqrt(n * settings.ddof + (n - 1) * (1 - settings.ddof)))
    return SigmaOfDay(str(close.name), len(close), headline, headline.standing, tuple(definitions), limit)


def _last(path: "pd.Series[float]") -> Standing | None:
    return None if np.isnan(path.iloc[-1]) else standing(path)


@dataclass(frozen=True)
class AssetRecord(Shown):
    """One asset's highest sigma.

    Attributes
    ----------
    asset : str
        The asset.
    first, last : Timestamp
        The first session that has a value, and the last with a price.
    n : int
        Sessions that have a value; 0 where the history is too short, and then all else is missing.
    value, rank : float, int
        On its last session.
    record, record_date : float, Timestamp
        The highest.
    """

    asset: str
    first: pd.Timestamp | None
    last: pd.Timestamp
    n: int
    value: float
    rank: int
    record: float
    record_date: pd.Timestamp | None


def records_across(prices: pd.DataFrame, definition: SigmaName, settings: SigmaSettings) -> list[AssetRecord]:
    """Find each asset's highest sigma under one definition, the highest of all first.

    Parameters
    ----------
    prices : DataFrame
        Closes, shape (sessions, assets), NaN where an asset has none.
    definition, settings
        As for `sigma_of_day`.
    """
    scanned, d = scan(prices, settings), SIGMA_NAMES.index(definition)

    def date(row: int) -> pd.Timestamp | None:
        return None if row < 0 else prices.index[row]

    records = [
        AssetRecord(
            asset=asset,
            first=date(scanned.first_row[i, d]),
            last=prices[asset].dropna().index[-1],
            n=int(scanned.sessions[i, d]),
            value=float(scanned.value[i, d]),
            rank=int(scanned.rank[i, d]),
            record=float(scanned.record[i, d]),
            record_date=date(scanned.record_row[i, d]),
        )
        for i, asset in enumerate(prices.columns)
    ]
    return sorted(records, key=lambda record: -np.inf if np.isnan(record.record) else record.record, reverse=True)


@dataclass(frozen=True)
class Move(Shown):
    """A k-session move that ends on the last session, in decimals.

    Attributes
    ----------
    sessions : int
        k.
    asset : Standing
        The asset's own simple return.
    difference, ratio : Standing or None
        Against the benchmark; None without one.
    """

    sessions: int
    asset: Standing
    difference: Standing | None
    ratio: Standing | None


def moves(close: "pd.Series[float]", benchmark: "pd.Series[float] | None") -> list[Move]:
    """Rank the last session's moves over 1 to 20 sessions, alone and against a benchmark, in all history.

    Raises
    ------
    InsufficientDataError
        There are no more closes, or common ones with the benchmark, than the longest move has sessions.
    """
    _need(len(close), MOVE_SESSIONS[-1] + 1, f"moves of {close.name}")

    def against(k: int, kind: RelativeKind) -> Standing | None:
        return None if benchmark is None else standing(relative_moves(close, benchmark, k, kind=kind))

    if benchmark is not None:
        common = len(common_sessions(close, benchmark))
        _need(common, MOVE_SESSIONS[-1] + 1, f"moves of {close.name} against {benchmark.name}")
    return [
        Move(k, standing(k_session_returns(close, k)), against(k, "difference"), against(k, "ratio"))
        for k in MOVE_SESSIONS
    ]


def streaks_of_day(close: "pd.Series[float]") -> list[Streak]:
    """Find the runs of daily moves beyond several bounds, up and down."""
    return [streaks(close, bound) for bound in STREAK_BOUNDS]


@dataclass(frozen=True)
class Episodes(Shown):
    """The episodes of one asset and definition above a threshold.

    Attributes
    ----------
    asset, definition : str
        Whose, and of what.
    path : Series
        The sigma on each session.
    threshold : float
        Episodes are sessions above it.
    cluster_gap_sessions : int
        Sessions between exceedances that are still one episode.
    episodes : tuple of Episode
        In order.
    """

    asset: str
    definition: SigmaName
    path: "pd.Series[float]"
    threshold: float
    cluster_gap_sessions: int
    episodes: tuple[Episode, ...]

    @property
    def starts(self) -> list[pd.Timestamp]:
        """The episodes' dates."""
        return [episode.start for episode in self.episodes]


@dataclass(frozen=True)
class EpisodeStudy(Episodes):
    """Episodes, and how rare their heights are.

    Attributes
    ----------
    index : ExtremalIndex
        The share of exceedances that start a cluster.
    tail : Tail
        Of the episodes' peaks.
    rarity : ReturnPeriod
        Of the last session's value where it is above the threshold, else of the highest on record.
    """

    index: ExtremalIndex
    tail: Tail
    rarity: ReturnPeriod


def episodes_above(
    path: "pd.Series[float]", definition: SigmaName, *, threshold: float, cluster_gap_sessions: int
) -> Episodes:
    """Find the episodes of a sigma above a threshold; parameters as of `study_episodes`."""
    found = find_episodes(path, threshold, cluster_gap_sessions=cluster_gap_sessions)
    return Episodes(str(path.name), definition, path, threshold, cluster_gap_sessions, tuple(found))


def study_episodes(
    path: "pd.Series[float]", definition: SigmaName, *, threshold: float, cluster_gap_sessions: int, seed: int
) -> EpisodeStudy:
    """Find the episodes of a sigma above a threshold, and how rare the highest values are.

    Parameters
    ----------
    path : Series
        The sigma on each session, named by the asset; of `sigma_path`.
    definition : str
        Its definition.
    threshold, cluster_gap_sessions : float, int
        As for `find_episodes`.
    seed : int
        Of the extremal index's bootstrap.
    """
    found = episodes_above(path, definition, threshold=threshold, cluster_gap_sessions=cluster_gap_sessions)
    tail = fit_tail(np.array([one.peak for one in found.episodes]), threshold=threshold, sessions=len(path))
    last, highest = float(path.iloc[-1]), float(path.max())
    return EpisodeStudy(
        **vars(found),
        index=extremal_index(path.to_numpy() > threshold, seed=seed),
        tail=tail,
        rarity=return_period(tail, last if last > threshold else highest),
    )


def followed(close: "pd.Series[float]", study: Episodes) -> list[Outcome] | Unavailable:
    """Compare the returns that followed the episodes' dates with those that followed all other sessions.

    Parameters
    ----------
    close : Series
        The asset's closes.
    study : EpisodeStudy
        Its episodes.
    """
    return _followed({h: forward_returns(close, h) for h in HORIZONS_SESSIONS}, study)


def followed_relative(
    close: "pd.Series[float]", study: Episodes, benchmark: "pd.Series[float] | None"
) -> list[Outcome] | Unavailable:
    """Do the same for the asset's return less the benchmark's: difference of simple returns, on common sessions."""
    if benchmark is None:
        return Unavailable("no benchmark is given.")
    pair = common_sessions(close, benchmark)
    asset, other = pair["asset"], pair["benchmark"]
    return _followed({h: forward_returns(asset, h) - forward_returns(other, h) for h in HORIZONS_SESSIONS}, study)


def _followed(forward: "dict[int, pd.Series[float]]", study: Episodes) -> list[Outcome] | Unavailable:
    sessions = min(len(series.loc[study.path.index[0] :]) for series in forward.values())
    if not study.episodes:
        return Unavailable(f"{study.asset} was never above {study.threshold:g} in {len(study.path)} sessions.")
    if sessions <= max(forward):
        return Unavailable(f"{sessions} sessions are too few for windows of {max(forward)}.")
    return what_followed(forward, study.starts, since=study.path.index[0])


@dataclass(frozen=True)
class SpotVolatility(Shown):
    """The correlation of an asset's daily returns with the changes of a volatility index, over the last sessions.

    Attributes
    ----------
    sessions : int
        Of each window.
    standing : Standing
        The last one, its rank and the record.
    share_positive : float
        The share of windows above zero.
    path : Series
        All of them.
    """

    sessions: int
    standing: Standing
    share_positive: float
    path: "pd.Series[float]"


def spot_volatility(close: "pd.Series[float]", volatility: "pd.Series[float]") -> list[SpotVolatility] | Unavailable:
    """Correlate returns with changes of implied volatility over 5, 10 and 21 sessions."""
    paths = {n: spot_volatility_correlation(close, volatility, n) for n in CORRELATION_SESSIONS}
    if any(path.empty for path in paths.values()):
        return Unavailable(f"{close.name} and {volatility.name} have too few common sessions.")
    return [SpotVolatility(n, standing(path), float((path > 0).mean()), path) for n, path in paths.items()]


@dataclass(frozen=True)
class TrendOfDay(Shown):
    """Where the last close is in its trend.

    Attributes
    ----------
    records : RecordCloses
        Closes above all earlier ones.
    crossings : tuple of Crossings
        Of the 50- and 200-session averages, as far as the data is long enough.
    weekly : WeeklyCloses
        Weekly closes in a row above the highest close of the time up to one year ago.
    breakouts : tuple of Breakout
        Of the ratio to the benchmark, or without one of the price, over one and four years.
    breakouts_of : str
        Which.
    """

    records: trend.RecordCloses
    crossings: tuple[trend.Crossings, ...]
    weekly: trend.WeeklyCloses
    breakouts: tuple[trend.Breakout, ...]
    breakouts_of: str


def trend_of_day(close: "pd.Series[float]", benchmark: "pd.Series[float] | None") -> TrendOfDay | Unavailable:
    """Describe the trend that the last close stands in; a year and a day of closes is needed."""
    year = BREAKOUT_SESSIONS[0]
    pair = None if benchmark is None else common_sessions(close, benchmark)
    series = close if pair is None else pair["asset"] / pair["benchmark"]
    if min(len(close), len(series)) <= year:
        return Unavailable(f"{min(len(close), len(series))} sessions are too few for a trend over {year}.")
    return TrendOfDay(
        records=trend.record_closes(close),
        crossings=tuple(trend.crossings(close, n) for n in AVERAGE_SESSIONS),
        weekly=trend.weekly_closes_above(close, float(close.iloc[:-year].max())),
        breakouts=tuple(
            breakout
            for n in BREAKOUT_SESSIONS
            if len(series) > n
            for breakout in trend.breakouts(series, lookback_sessions=n)
        ),
        breakouts_of=str(close.name) if benchmark is None else f"{close.name}/{benchmark.name}",
    )


@dataclass(frozen=True)
class LongMove(Shown):
    """A move of small less large over some months, in decimals, and where the last one stands."""

    months: int
    standing: Standing


def long_view(small_less_large: "pd.Series[float] | None") -> list[LongMove] | Unavailable:
    """Rank the last months of small less large in all of its history: the sum of the monthly differences.

    Parameters
    ----------
    small_less_large : Series, optional
        Monthly differences of returns, in decimals.
    """
    if small_less_large is None:
        return Unavailable("this source has no SMB, the monthly factor small less large (french/ in a folder).")
    if len(small_less_large) <= LONG_VIEW_MONTHS[-1]:
        return Unavailable(f"{len(small_less_large)} months are too few.")
    return [LongMove(k, standing(small_less_large.rolling(k).sum())) for k in LONG_VIEW_MONTHS]


@dataclass(frozen=True)
class Specification(Shown):
    """One definition and window of the robustness grid.

    Attributes
    ----------
    definition, window_sessions
        The specification.
    standing : Standing
        The last session under it.
    threshold : float
        The level above which as large a share of its sessions lies as of the headline's.
    episodes : int
        Above that threshold.
    outcome : Outcome
        What followed them over 21 sessions, p-values adjusted over the whole grid.
    """

    definition: SigmaName
    window_sessions: int
    standing: Standing
    threshold: float
    episodes: int
    outcome: Outcome


def robustness(close: "pd.Series[float]", study: EpisodeStudy, settings: SigmaSettings) -> list[Specification]:
    """Repeat the headline under every definition and four windows, at thresholds passed as often.

    Definitions and windows that have no value on the last session are left out.
    """
    share_above = float((study.path > study.threshold).mean())
    forward = {GRID_HORIZON_SESSIONS: forward_returns(close, GRID_HORIZON_SESSIONS)}
    found = []
    for window in GRID_WINDOWS:
        paths = sigma_paths(close, replace(settings, window_sessions=window))
        for name in SIGMA_NAMES:
            if np.isnan(paths[name].iloc[-1]):
                continue
            path = paths[name].dropna()
            threshold = float(path.quantile(1 - share_above))
            episodes = find_episodes(path, threshold, cluster_gap_sessions=study.cluster_gap_sessions)
            starts = [episode.start for episode in episodes]
            outcome = what_followed(forward, starts, since=path.index[0])[0]
            found.append(Specification(name, window, standing(path), threshold, len(episodes), outcome))
    return _adjusted(found)


def _adjusted(grid: Sequence[Specification]) -> list[Specification]:
    adjusted = holm([specification.outcome.p_value for specification in grid])
    return [
        replace(specification, outcome=replace(specification.outcome, p_holm=float(p)))
        for specification, p in zip(grid, adjusted, strict=True)
    ]


def _need(have: int, needed: int, what: str) -> None:
    if have < needed:
        raise InsufficientDataError(f"{what}: {have} are known, at least {needed} are needed")
