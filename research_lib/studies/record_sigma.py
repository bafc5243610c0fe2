"""Study 03: how extreme a move is, how rare, and what followed; in order: data, results, exhibits, words, summary."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from research_lib.data import DataSet, load_prices, load_prices_if_any, require_sessions
from research_lib.data.catalog import describe_asset
from research_lib.data.companies import PricePanel, load_price_panel
from research_lib.errors import DataError, InsufficientDataError
from research_lib.exhibits import charts
from research_lib.exhibits.exhibit import DAY, QUIET, Column, Figure
from research_lib.exhibits.findings import Summary
from research_lib.exhibits.format import NONE, ordinal, plural, prose_date, show
from research_lib.stats.estimate import Estimate
from research_lib.stats.event_study import Legs, event_study
from research_lib.stats.extremes import find_episodes, return_period, return_periods, years_between
from research_lib.stats.history import HistoricalRank, change, rank_in_history
from research_lib.stats.sigma import SigmaName, SigmaSettings, scan, sigma_path
from research_lib.studies import parameters
from research_lib.studies.study import Find, Study, figure, result, table

# Each definition, the windows it takes where it has some of its own, and its name in words.
DEFINITIONS: tuple[tuple[SigmaName, dict[str, Any], str], ...] = (
    ("price_z", {}, "close, average and σ of {n} days (usual)"),
    ("price_z_prior", {}, "close, average and σ of the {n} days before"),
    ("distance_z", {"distance_sessions": 252}, "distance, σ of its last 252 days"),
    ("distance_z", {"distance_sessions": 50}, "distance, σ of its last 50 days"),
    ("distance_expanding", {}, "distance, σ of all its days so far"),
    ("distance_vol", {}, "distance, σ of daily returns"),
    ("return_z", {"return_sessions": 5}, "5-day move, σ of daily returns"),
    ("return_z", {"return_sessions": 1}, "1-day move, σ of daily returns"),
)
WEEK, MONTH = "horizon == 5", "horizon == 21"  # of a table by horizons, the rows that findings are about
HORIZONS = (1, 5, 10, 21, 63, 126, 252)  # sessions, as are the next two
MOVES = (1, 2, 3, 5, 6, 10, 15, 20)
DRAWN = 130  # of the price around the day: half a year
LEAST_HISTORY, LEAST_COMPANIES = 252, 20  # before a company's record, or a share of companies, means something
FEW_EPISODES = 20  # fewer are no ground for "no signal"
DETECTABLE = 2.8 / 3.92  # of an interval's width: an effect of 1.96 + 0.84 errors is found four times in five
NO_SIGNAL = "What followed is not shown to differ from other days"

OF = ("n", Column("of", "count"))
RANKS = ("value", "rank", OF, ("end", Column("from the", "text")), "since")
EXTREMES = ("n", "highest", "highest_date", "lowest", "lowest_date")
MOVED = (("horizon", Column("sessions", "count")), *RANKS, "episode_rank")
AFTER = (("horizon", Column("sessions after", "count")), "n", "mean", ("base", Column("other days")),
         ("value", Column("difference", "points")), ("interval", Column("95% interval", "points")), "p", "p_holm",
         "share_positive", "n_cut")  # fmt: skip


class RecordSigma(Study):
    """How extreme a move is, how rare, and what followed earlier ones."""

    Parameters = parameters.RecordSigma
    FINDINGS = (
        Find("asof_date", "day", "date", "date", "last session of {p.asset}"),
        Find("asof_sigma", "day", "value", "sigma", "{p.definition} of {p.asset}, n {p.window}, ddof {p.ddof}"),
        Find("asof_sigma_rank", "day", "rank", "rank", "1 + the sessions with a higher value"),
        Find("asof_sigma_lowest_rank", "day", "lowest_rank", "rank", "1 + the sessions with a lower value"),
        Find("peak_sigma", "day", "highest", "sigma", "highest value on record"),
        Find("peak_date", "day", "highest_date", "date", "session of peak_sigma"),
        Find("trough_sigma", "day", "lowest", "sigma", "lowest value on record"),
        Find("trough_date", "day", "lowest_date", "date", "session of trough_sigma"),
        Find("move_5", "moves", "value", "change", "simple return over the last 5 sessions", rows=WEEK),
        Find("move_5_rank", "moves", "rank", "rank", "of sessions, the most extreme first", rows=WEEK),
        Find("move_5_episode_rank", "moves", "episode_rank", "rank", "of episodes", rows=WEEK),
        Find("relative_move_5", "relative_moves", "value", "points", "less the benchmark's", rows=WEEK),
        Find("relative_move_5_rank", "relative_moves", "rank", "rank", "of sessions", rows=WEEK),
        Find("relative_move_5_episode_rank", "relative_moves", "episode_rank", "rank", "of episodes", rows=WEEK),
        Find("episodes", "count", "value", "count", "clusters of sessions {s.beyond}, gaps up to {p.cluster_gap} joined"),
        Find("return_period_level", "level", "value", "sigma", "the level that the return period is about"),
        Find("return_period_years", "return_period", "value", "years", "{s.how_often[2]}", interval=("none", "")),
        Find("return_period_shortest", "return_period", "low", "years", "over thresholds, with and without the record"),
        Find("return_period_longest", "return_period", "high", "years", "the same; none where a tail ends below"),
        Find("forward_mean_21", "after", "mean", "change", "mean 21-session return from an episode's first close", rows=MONTH),
        Find("forward_base_21", "after", "base", "change", "mean 21-session return from all other sessions", rows=MONTH),
        Find("forward_excess_21", "after", "value", "points", "forward_mean_21 less forward_base_21", rows=MONTH),
        Find("forward_p_21", "after", "p", "p", "two-sided, of the excess, with Hodrick's errors", rows=MONTH),
        Find("forward_p_holm_21", "after", "p_holm", "p", "the same, Holm over the horizons shown", rows=MONTH),
    )  # fmt: skip
    p: parameters.RecordSigma
    DATA = ("asset", "prices", "compared", "panel")
    QUESTION = "How extreme is the move, how rare, and what followed?"
    CONTROLS = ("asset", "definition", "window", "threshold", "cluster_gap", "ddof")
    VIEWS: ClassVar[dict[str, tuple[str, ...]]] = {
        "Price and episodes": ("history", "largest"), "Definitions": ("ranks", "definitions"),
        "What followed": ("what_followed", "after"), "How rare": ("return_levels", "thresholds")}  # fmt: skip

    def __init__(self, params: parameters.RecordSigma, *, loaded: dict[Any, Any] | None = None) -> None:
        super().__init__(params, loaded=loaded)
        self.settings = SigmaSettings(params.window, params.ddof)
        self.side = 1 if params.threshold > 0 else -1  # episodes are rises, or falls
        self.beyond = f"{'above' if self.side > 0 else 'below'} {params.threshold:g}σ".replace("-", "−")
        info, self.benchmark = describe_asset(params.asset), describe_asset(params.benchmark).name
        self.name = f"The {info.name}" if info.kind == "index" and info.name != info.symbol else info.name
        self.words = next(words for name, _, words in DEFINITIONS if name == params.definition).format(n=params.window)

    @result
    def prices(self) -> DataSet:
        """Prices of the asset and its benchmark."""
        return self.load(load_prices, tuple(self.p.symbols))

    @result
    def panel(self) -> PricePanel:
        """Prices of many companies."""
        try:
            panel = self.load(load_price_panel)
        except DataError as fault:
            raise InsufficientDataError(str(fault)) from None
        if panel is None:
            raise InsufficientDataError("this source has no panel of company prices, or it begins later")
        return panel

    @result
    def compared(self) -> dict[str, DataSet | None]:
        """Prices of the compared assets; None for one that the source lacks."""
        return {asset: self.load(load_prices_if_any, (asset,)) for asset in self.p.assets}

    @property
    def asset(self) -> DataSet:
        """Prices of the asset alone."""
        return DataSet(self.prices.values[[self.p.asset]], self.prices.cards[:1])

    @result
    def close(self) -> "pd.Series[float]":
        """The asset's closes."""
        return require_sessions(self.prices[self.p.asset])

    @result
    def path(self) -> "pd.Series[float]":
        """The headline sigma on every session that has one."""
        return sigma_path(self.close, self.p.definition, self.settings)

    @result
    def day(self) -> HistoricalRank:
        """The last session in its history, under the headline definition."""
        if self.path.index[-1] != (last := self.close.index[-1]):
            still = f"prices do not vary over {self.p.window} sessions"
            raise InsufficientDataError(f"{self.p.asset}: {still} to {last.date()}")
        return rank_in_history(self.path, gap=self.p.cluster_gap)

    @result
    def episodes(self) -> pd.DataFrame:
        """Episodes beyond the threshold."""
        return find_episodes(self.path, self.p.threshold, gap_sessions=self.p.cluster_gap)

    @result
    def count(self) -> Estimate:
        """The number of episodes, and the sessions in which they were looked for."""
        return Estimate(len(self.episodes), len(self.path))

    @result
    def level(self) -> float:
        """The level whose return period is asked for: the day's where it is beyond the threshold, else the record."""
        return self.day.value if self.side * self.day.value > abs(self.p.threshold) else self.largest["peak"].iloc[0]

    @result
    def return_period(self) -> Estimate:
        """The years between episodes that reach the level."""
        return return_period(self.thresholds, self.p.threshold)

    @result
    def sigma_of_companies(self) -> pd.DataFrame:
        """The headline sigma of every company."""
        return scan(self.panel.values, self.p.definition, self.settings)

    @figure
    def history(self) -> Figure:
        """The price around the day, and sigma in all history."""
        day, n, close = self.day, self.p.window, self.close
        average, spread = close.rolling(n).mean(), close.rolling(n).std(ddof=self.p.ddof)
        near, last = close.index[-DRAWN:], float(close.iloc[-1])
        lines = [charts.Line(close[near], width=1.8), charts.Line(average[near], f"{n}-day average", dashed=True)]
        bands = [charts.Band((average - k * spread)[near], (average + k * spread)[near], f"+{k}σ") for k in (3, 2, 1)]
        today = f"{day.date.day} {day.date:%b}: {show(last, 'price')}, {_sigma(day.value, 2)}"
        span = f"{plural(len(near), 'session')} to {prose_date(day.date)}"
        price = charts.Panel(span, lines, bands, [charts.Mark(day.date, last, today)], height_px=230)
        others = self.episodes.sort_values("peak", key=abs, ascending=False).query("peak_date != @day.date")
        peaks = [*zip(others["peak_date"][:3], others["peak"], strict=False), (day.date, day.value)]
        marks = [charts.Mark(at, x, f"{at:%b %Y}: {_sigma(x)}", DAY if at == day.date else QUIET) for at, x in peaks]
        span, line = f"{day.first.year} to {day.date.year}", charts.Line(self.path, colour=QUIET, width=0.7)
        whole = charts.Panel(f"standard deviations, {span}", [line], (), marks, zero=True, unit="sigma", height_px=161)
        return charts.series(
            [price, whole],
            title=f"{_sigma(day.value)}: {self.place}", data=self.path.round(3).rename("sigma").to_frame(),
            deck=f"{describe_asset(self.p.asset).name}: close, {n}-day average and 1 to 3 standard deviations; below, all sessions",
            alt=f"{self.name} stood at {_sigma(day.value, 2)} on {prose_date(day.date)}: {self.place}.",
        )  # fmt: skip

    @figure
    def ranks(self) -> Figure:
        """The day's rank under every definition."""
        known = self.definitions.dropna(subset="rank").set_index("definition")
        rank, places, title = known["rank"], known.apply(_place, axis=1), " ".join(self.on_definitions)
        return charts.intervals(
            pd.DataFrame({"value": rank, "filled": rank == 1, "text": places}), name="rank (1: most extreme)", unit="rank",
            data=known, title=title,
            deck=f"Rank among all sessions, {prose_date(self.day.date)}; filled: a record",
            alt=f"{title}; ranks run from {rank.min():,.0f} to {rank.max():,.0f}.",
            note="Distance: from the average, in percent. Each distance or move is divided by the σ named beside it.",
        )  # fmt: skip

    @figure
    def what_followed(self) -> Figure:
        """What followed the episodes, less what followed other days."""
        rows = self.after.set_axis([plural(horizon, "session") for horizon in self.after["horizon"]])
        said = "; ".join(f"{show(value, 'points')} over {span}" for span, value in rows["value"].items())
        least, most = int(rows["n"].min()), int(rows["n"].max())
        return charts.intervals(
            rows[["value", "low", "high"]], name="difference, with 95% interval (points)", data=self.after, title=self.signal,
            deck=f"Mean return after {f'{least} to ' * (least < most)}{plural(most, 'episode')} {self.beyond}, less other days",
            alt=f"{self.signal}: {said}.", note="Where a bar crosses zero, the difference may be chance.",
        )  # fmt: skip

    @figure
    def return_levels(self) -> Figure:
        """How often episodes reach a level."""
        (_, _, sentence), top, n = self.how_often, self.largest.iloc[0], len(self.largest)
        years, lines = self.thresholds["years"].iloc[0], []
        for tail in self.thresholds.dropna(subset="shape").to_dict("records"):
            levels = np.linspace(tail["threshold"] + 0.01 * self.side, 1.05 * top["peak"], 60)
            fitted, name = pd.Series(levels, years_between(tail, levels)), f"from {_sigma(tail['threshold'], 2)}"
            width = 2.4 if np.isclose(tail["threshold"], self.p.threshold) else 1.0
            lines.append(charts.Line(fitted[fitted.index < 10 * years], name, width=width))
        return charts.curve(
            lines, points=self.largest["peak"].set_axis(years / np.arange(1, n + 1)), log_x=True, data=self.thresholds,
            marks=[charts.Mark(years, top["peak"], f"{top['peak_date']:%b %Y}")], title=sentence, unit="sigma", x_unit="years",
            name="peak (σ)", x_name="years between episodes as extreme", alt=f"{sentence}. Dots: {n} peaks; lines: {len(lines)} tails.",
            deck=f"Dots: {plural(n, 'episode')} {self.beyond} in {years:.0f} years. Lines: tails fitted beyond four thresholds",
        )  # fmt: skip

    @partial(figure, on=("panel",))
    def breadth(self) -> Figure:
        """The share of companies beyond the threshold."""
        sigma, n = self.sigma_of_companies, self.sigma_of_companies.notna().sum(axis=1)
        share = ((self.side * sigma > abs(self.p.threshold)).sum(axis=1) / n)[n >= LEAST_COMPANIES]
        if share.empty:
            raise InsufficientDataError(f"no session has {LEAST_COMPANIES} companies of known sigma")
        day, shown = share.idxmax(), show(share.max(), "share")
        stood = f"{show(share.iloc[-1], 'share')} of companies stood {self.beyond} on {prose_date(share.index[-1])}"
        early = f"Company data end before {prose_date(self.day.date)}: " if share.index[-1] < self.day.date else ""
        line, mark = charts.Line(share, width=0.8), charts.Mark(day, share.max(), f"{day:%b %Y}: {shown}")
        return charts.series(
            [charts.Panel(f"share of companies {self.beyond}", [line], (), [mark], unit="share")],
            title=early + stood, alt=f"{early}{stood}; the most were {shown} on {prose_date(day)}.", data=share.rename("share").to_frame(),
            deck=f"{sigma.shape[1]:,} companies; {show(self.panel.still_quoted_share, 'share')} of them are quoted to the end",
        )  # fmt: skip

    @table("{s.on_definitions[0]} {s.on_definitions[1]}", ("definition", *RANKS, *EXTREMES[1:]), unit="sigma")
    def definitions(self) -> pd.DataFrame:
        """The day under every definition."""
        n, paths = self.p.window, {}
        for name, own, words in DEFINITIONS:
            paths[words.format(n=n)] = scan(self.close.to_frame(), name, replace(self.settings, **own)).iloc[:, 0]
        return _ranked("definition", paths)

    @table("The highest and lowest σ of each asset", ("asset", *EXTREMES), unit="sigma",
           note="A longer history has had more chances of a record.", on=("compared",))  # fmt: skip
    def records(self) -> pd.DataFrame:
        """Each compared asset's highest and lowest sigma; of one without data or values, a row that says nothing."""
        found: dict[str, Any] = {asset: dict.fromkeys(EXTREMES) for asset in self.compared}
        for asset, prices in self.compared.items():
            with suppress(InsufficientDataError):
                path = prices and sigma_path(prices[asset], self.p.definition, self.settings)
                found[asset] |= {} if path is None else vars(rank_in_history(path))
        return pd.DataFrame([{"asset": describe_asset(asset).name, **row} for asset, row in found.items()])

    @table("{s.name}: moves up to the day", MOVED, unit="change")
    def moves(self) -> pd.DataFrame:
        """The asset's own moves."""
        return _ranked("horizon", {k: change(self.close, k) for k in MOVES}, self.p.cluster_gap)

    @table("The same, less {s.benchmark}, on common sessions", MOVED, unit="points", on=("prices",))
    def relative_moves(self) -> pd.DataFrame:
        """The asset's moves against the benchmark."""
        if not self.p.benchmark:
            raise InsufficientDataError("no benchmark is given")
        pair = self.prices.values[[self.p.asset, self.p.benchmark]].dropna()
        if pair.empty or pair.index[-1] != self.close.index[-1]:
            raise InsufficientDataError(f"{self.benchmark} has no price on {self.close.index[-1]:%Y-%m-%d}")
        less = {k: change(pair.iloc[:, 0], k) - change(pair.iloc[:, 1], k) for k in MOVES}
        return _ranked("horizon", less, self.p.cluster_gap)

    @table("The most extreme episodes {s.beyond}", ("start", "end", "beyond", "peak", "peak_date"), unit="sigma", most=12,
           note="An episode is dated by its first session; its peak is known only in hindsight.")  # fmt: skip
    def largest(self) -> pd.DataFrame:
        """The most extreme episodes."""
        if self.episodes.empty:
            raise InsufficientDataError(f"{self.name} was never {self.beyond} in {len(self.path):,} sessions")
        return self.episodes.rename(columns={"sessions": "beyond"}).sort_values("peak", key=abs, ascending=False)

    @table("{s.how_often[2]}", ("threshold", "n", "shape", ("value", Column("years")), "without"), unit="years",
           note="A dash: too few episodes, or the fitted tail ends below the level.")  # fmt: skip
    def thresholds(self) -> pd.DataFrame:
        """Return periods by threshold."""
        return return_periods(self.path, self.level, self.p.threshold, gap_sessions=self.p.cluster_gap)

    @table("{s.name}: what followed", AFTER, unit="change")
    def after(self) -> pd.DataFrame:
        """What followed the episodes, from their first closes on."""
        returns = self.close.pct_change().loc[self.path.index[0] :]
        if len(returns) <= HORIZONS[-1]:
            raise InsufficientDataError(f"{len(returns):,} sessions are too few for windows of {HORIZONS[-1]}")
        return event_study(Legs(returns), returns.index.get_indexer(self.largest["start"]), HORIZONS)

    @table("Companies at a record on {s.panel.card.last}", ("company", "value", ("end", Column("record", "text")), OF),
           unit="sigma", most=12, on=("panel",))  # fmt: skip
    def at_record(self) -> pd.DataFrame:
        """Companies at a record."""
        sigma = self.sigma_of_companies
        found = pd.DataFrame({"value": sigma.iloc[-1], "n": sigma.notna().sum()}).rename_axis("company").reset_index()
        ends = [sigma.iloc[-1] == sigma.max(), sigma.iloc[-1] == sigma.min()]
        found["end"] = np.select(ends, ["highest", "lowest"], "")
        return found[(found["end"] != "") & (found["n"] >= LEAST_HISTORY)].sort_values("value", ascending=False)

    @property
    def place(self) -> str:
        """The day's rank: the highest of 9,235 sessions since 1987."""
        return f"the {_place(self.day.from_nearer_end())} sessions since {self.day.first.year}"

    @property
    def on_definitions(self) -> tuple[str, str]:
        """On how many definitions other than the headline's the day is a record: a number, and what it says."""
        others = self.definitions.set_index("definition")["rank"].drop(self.words).dropna()
        records, too = int((others == 1).sum()), " too" if self.day.from_nearer_end()["rank"] == 1 else ""
        return f"{records} of {len(others)}", f"other definitions make{'s' if records == 1 else ''} it a record{too}"

    @property
    def how_often(self) -> tuple[str, str, str]:
        """How often the level comes back: a number, its label, and both in a sentence."""
        found, peaks = self.return_period, f"{'peaks' if self.side > 0 else 'lows'} of {_sigma(self.level)}"
        if np.isnan(found.value):
            seen = (self.episodes["peak"].abs() >= abs(self.level)).sum()
            number, note = f"{seen} in {self.thresholds['years'].iloc[0]:.0f} years", "the data cannot say how rare"
            return number, f"{peaks} or beyond; {note}", f"{peaks.capitalize()} or beyond: {number}; {note}"
        value, low, high = (show(one, "years") for one in (found.value, found.low, found.high))
        number, note = f"{value} years", f"{low} to {high} by other thresholds"
        return number, f"between {peaks}; {note}", f"{peaks.capitalize()} come about every {number}; {note}"

    @property
    def signal(self) -> str:
        """Whether what followed differs from what follows other days."""
        if self.after["p"].isna().all():
            return f"Too few episodes ({len(self.episodes)}) to say what follows"
        found = self.after.loc[self.after["p_holm"] < 0.05, "horizon"]
        return NO_SIGNAL if found.empty else f"What followed differed over {', '.join(map(str, found))} sessions"

    @property
    def headline(self) -> str:
        """Whether the gap or move was a record, and a signal, in at most 70 characters."""
        day = self.day
        what = "was a record" if day.rank == 1 else "was a record low" if day.lowest_rank == 1 else "was no record"
        if day.n < LEAST_HISTORY:
            what = f"has only {plural(day.n, 'session')} to be held against"
        told = (self.findings["forward_mean_21"].n or 0) >= FEW_EPISODES and self.level == day.value
        then = "" if not told else " No signal shown." if self.signal == NO_SIGNAL else " What followed was unusual."
        gap = "move" if self.p.definition == "return_z" else "gap"
        lines = [f"{who}'s {_sigma(day.value)} {gap} {what}.{then}" for who in (self.name, self.p.asset)]
        return next((line for line in lines if len(line) <= 70), lines[-1])

    def summary(self) -> Summary:
        """Say what the report found."""
        day, standing, others = self.day, self.day.from_nearer_end(), self.on_definitions
        mean, base, excess = (self.findings[f"forward_{name}_21"] for name in ("mean", "base", "excess"))
        years = self.findings["return_period_shortest"]
        stood = f"stood at {_sigma(day.value, 2)} ({self.words})"
        if self.p.definition == "price_z":
            side = "above" if day.value > 0 else "below"
            stood = f"closed {show(abs(day.value), 'sigma')} standard deviations {side} its {self.p.window}-day average"
        followed = f"What followed: {'none of it is over yet' if mean.n == 0 else mean.definition}"
        power = "One history: the largest value has been seen once."
        if mean.value is not None:
            after = plural(mean.n or 0, "episode" if mean.n == len(self.episodes) else "earlier episode")
            returned = f"its 21-session return {'was' if mean.n == 1 else 'averaged'} {mean}, {base} after other days"
            followed = f"After {after} {self.beyond} {returned}"
        if excess.low is not None and excess.high is not None:
            least = show(DETECTABLE * (excess.high - excess.low), "points").lstrip("+")
            power = f"{plural(mean.n or 0, 'episode')}: a difference of less than {least} over 21 sessions would often go unseen."
            followed += f"; a difference under {least} could go unseen"
        judged = "holds" if standing["rank"] == 1 else "depends" if self.definitions["rank"].eq(1).any() else "finding"
        standfirst = f"{self.name} {stood} on {prose_date(day.date)}, {self.place}. {' '.join(others)}. {followed}."
        numbers = (
            (ordinal(standing["rank"]), f"{standing['end']} of {day.n:,} sessions since {day.first.year}"),
            others,
            self.how_often[:2] if years.n else (NONE, years.definition),
            (f"{excess}", f"21 sessions after earlier episodes, minus other days ({excess.interval})"),
        )
        limits = (
            "Closes only: a close is known after trading ends, and an index leaves out dividends.",
            "The window and the threshold were chosen by people who had seen the history.",
            power,
        )
        change = "Another common definition, intraday prices or a longer history that gives another rank."
        verdict = "open" if day.n < LEAST_HISTORY else judged
        claim = "" if verdict == "finding" else f"{_sigma(day.value)} is the {standing['end']} on record"
        return Summary(verdict, self.headline, standfirst, numbers, "history", limits, change, claim=claim)


def _sigma(value: float, digits: int = 1) -> str:
    return f"{show(value, 'sigma', digits=digits)}σ"


def _place(one: Mapping[str, Any]) -> str:
    return f"{one['end'] if one['rank'] == 1 else ordinal(int(one['rank'])) + ' ' + one['end']} of {one['n']:,.0f}"


def _ranked(name: str, histories: "Mapping[Any, pd.Series[float]]", gap: int = 10) -> pd.DataFrame:
    """Rank the last value of some series from the nearer end, a row each; one must have a value."""
    known = {key: one for key, one in histories.items() if np.isfinite(one.iloc[-1])}
    if not known:
        raise InsufficientDataError(f"there is no value on {next(iter(histories.values())).index[-1]:%Y-%m-%d}")
    rows = {key: rank_in_history(one, gap=gap).from_nearer_end() for key, one in known.items()}
    return pd.DataFrame.from_dict(rows, orient="index").reindex(list(histories)).rename_axis(name).reset_index()
