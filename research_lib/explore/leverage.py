"""The explorer of `02_leverage_net_debt`."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import ipywidgets as widgets

from research_lib.data import DataCard
from research_lib.data.companies import load_companies
from research_lib.exhibits import format as show
from research_lib.exhibits.figure import Prose
from research_lib.exhibits.leverage import each, figures, signed_bp, tables
from research_lib.explore.explorer import Exhibit, Explorer, Study, begin, decimal, whole
from research_lib.params import Leverage
from research_lib.studies import leverage as study
from research_lib.studies.result import Unavailable, attempt

DRAWS = 100  # of the bootstrap: enough to look at; the report takes more


def leverage(file: str = "", **settings: object) -> Explorer:
    """Explore net debt: the ratio of small and large companies by year, and their cover once debt is repriced.

    Parameters
    ----------
    file : str
        A parameter file of `params/02_leverage_net_debt/` to begin with, without its ending.
    **settings
        Parameters that go before the file's, or the defaults.
    """
    explored = _Leverage(begin(Leverage, file, settings))
    return Explorer(explored, explored.controls())


class _Leverage(Study[Leverage]):
    def __init__(self, start: Leverage) -> None:
        super().__init__(start)
        self.companies = load_companies(self.source, as_of=start.as_of, seed=start.seed)
        self.prepare = lru_cache(maxsize=2)(lambda options: study.prepare(self.companies.fundamentals, options=options))
        self.by_year = lru_cache(maxsize=4)(lambda options: study.indebtedness(self.prepare(options)))
        self.repriced = lru_cache(maxsize=4)(self._repriced)
        self.views = {
            "Net debt to EBITDA": self.ratio, "Year by year": self.table, "What is quoted": self.quoted,
            "Cover map": self.cover_map, "Cover after repricing": self.cover,
        }  # fmt: skip

    def _repriced(
        self, options: study.Options, year: int | None, rate_move_bp: int, debt_share: float
    ) -> study.Refinancing | Unavailable:
        firms = self.prepare(options)
        return attempt(study.refinancing, firms, fiscal_year=year, rate_move_bp=rate_move_bp, debt_share=debt_share)

    def firms(self, params: Leverage) -> study.Firms:
        return self.prepare(_options(params))

    def stress(self, params: Leverage) -> study.Refinancing | Unavailable:
        return self.repriced(_options(params), params.year, params.stress_bp, params.stress_share)

    def ratio(self, params: Leverage) -> Iterator[Exhibit]:
        yield figures.ratio_by_year(self.by_year(_options(params)), self.firms(params))

    def table(self, params: Leverage) -> Iterator[Exhibit]:
        yield tables.indebtedness(self.by_year(_options(params)), self.firms(params))

    def quoted(self, params: Leverage) -> Iterator[Exhibit]:
        found = attempt(study.check_quote, self.firms(params), fiscal_year=params.year)
        yield tables.quote(found, self.firms(params))

    def cover_map(self, params: Leverage) -> Iterator[Exhibit]:
        yield figures.stress_map(self.stress(params), self.firms(params))

    def cover(self, params: Leverage) -> Iterator[Exhibit]:
        found = self.stress(params)
        if not isinstance(found, Unavailable):
            yield _in_words(found)
        yield tables.stress(found, self.firms(params))

    def cards(self, params: Leverage) -> Sequence[DataCard]:  # noqa: ARG002
        return self.companies.cards[:1]

    def controls(self) -> dict[str, widgets.Widget]:
        start = self.start
        rows = self.companies.fundamentals.rows
        years = [("the last", 0), *((str(year), int(year)) for year in sorted({*rows["fiscal_year"]}, reverse=True))]
        financials = widgets.Checkbox(description="Without financials", value=start.exclude_financials, indent=False)
        return {
            "large": whole(description="Large companies", min=20, max=5000, step=50, value=start.large),
            "small": whole(description="Small companies", min=20, max=20_000, step=100, value=start.small),
            "exclude_financials": financials,
            "zombie_years": whole(description="Zombie after (years)", min=1, max=10, value=start.zombie_years),
            "fiscal_year": widgets.Dropdown(description="Fiscal year", options=years, value=start.fiscal_year),
            "stress_bp": whole(description="Rate move (bp)", min=-1000, max=2000, step=25, value=start.stress_bp),
            "stress_share": decimal(
                description="Debt repriced, share", min=0.05, max=1, step=0.05, value=start.stress_share
            ),
        }


def _in_words(found: study.Refinancing) -> Prose:
    """Say what becomes of the case that was asked for."""
    asked = (found.table["rate_move_bp"] == found.rate_move_bp) & (found.table["debt_share"] == found.debt_share)
    groups = "; ".join(
        f"{row.group} {show.number(row.cover)}, with {show.percent(row.below_one_share, 1)} of companies below 1"
        for row in each(found.table[asked])
    )
    move, share = signed_bp(found.rate_move_bp), show.percent(found.debt_share, 0)
    return Prose(f"**Cover with {share} of debt repriced by {move} bp:** {groups}.")


def _options(params: Leverage) -> study.Options:
    return study.Options(
        params.large, params.small, params.exclude_financials, params.zombie_years, draws=DRAWS, seed=params.seed
    )
