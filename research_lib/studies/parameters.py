"""The parameters of the four studies: each is one field, from which `sync` writes the cell and the documentation.

Light to import: the runner reads these for every report before any study is loaded.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator
from pydantic_core import ErrorDetails

from research_lib import params
from research_lib.errors import nearest
from research_lib.params import AssetName, Day, OptionalAssetName, Parameters, cell_text, markdown_table, parameter
from research_lib.project import NOTEBOOKS, PROJECT, write_whole
from research_lib.studies.claims import language

SigmaName = Literal["price_z", "price_z_prior", "distance_z", "distance_expanding", "distance_vol", "return_z"]
BP = "basis points"
DDOF = {1: "of a sample", 0: "of a population"}
EVENTS = [date(2007, 9, 18), date(2019, 7, 31), date(2020, 3, 16), date(2022, 11, 10)]
MONTHLY_LEGS = (("S1", "S5"), ("SMB", ""))
HORIZONS = {"monthly": (1, 3, 6, 12), "daily": (1, 5, 21, 63, 126, 252)}
EXAMPLE = {"title": "An example: Black Monday", "as_of": "1987-10-19"}
FELL = {"of": "GSPC", "take": "change 1"}
EXAMPLE_CLAIM = {"id": "X1", "article": "X", "says": "it fell 20.5%", "check": FELL, "is": "-20.5%"}


class RecordSigma(Parameters):
    """Parameters of `03_record_sigma`."""

    asset: AssetName = parameter("GSPC", "Asset", "the price studied: SYMBOL, or SYMBOL:field if not its close")
    benchmark: OptionalAssetName = parameter("IXIC", "Benchmark", "the price to compare with; empty for none")
    assets: list[AssetName] = parameter(["GSPC", "IXIC"], "Compared assets", "assets compared by sigma", min_length=1)
    definition: SigmaName = parameter("price_z", "Definition", "which sigma the headline uses")
    window: int = parameter(50, "Window", "how far the averages look back", unit="sessions", step=5, ge=5, le=1000)
    ddof: int = parameter(1, "Deviation", "standard deviation of a sample: 1; population: 0", names=DDOF, ge=0, le=1)
    threshold: float = parameter(
        2.5, "Threshold", "how extreme a session must be; negative for falls", unit="σ", step=0.1, ge=-20, le=20
    )
    cluster_gap: int = parameter(10, "Gap joined", "the longest gap within an episode", unit="sessions", ge=0, le=252)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        limit = (self.window - 1) / (self.window if self.ddof else self.window - 1) ** 0.5
        if self.threshold == 0:
            raise ValueError("threshold 0 is no threshold: write how many standard deviations, such as 2.5 or -2.5")
        if self.definition == "price_z" and abs(self.threshold) >= limit:
            below = f"a price_z over {self.window} sessions with ddof {self.ddof} is below {limit:.2f}"
            raise ValueError(f"threshold {self.threshold:g} can never be passed: {below}")
        if self.benchmark == self.asset:
            raise ValueError(f"benchmark {self.benchmark} is the asset itself; name another, or leave it empty")
        return self

    @property
    def symbols(self) -> list[str]:
        """The prices that the report cannot do without, the asset first."""
        return list(filter(None, [self.asset, self.benchmark]))

    @property
    def optional_symbols(self) -> list[str]:
        """The prices whose records are compared, where the source has them."""
        return self.assets


class RateCuts(Parameters):
    """Parameters of `01_rate_cut_regimes`."""

    frequency: Literal["monthly", "daily"] = parameter("monthly", "Frequency", "the length of a period")
    small: AssetName = parameter("S1", "Small caps", "monthly S1 or SMB; daily a price such as RUT")
    large: OptionalAssetName = parameter("S5", "Large caps", "monthly S5 (empty with SMB); daily a price such as GSPC")
    horizon: int = parameter(
        12, "Horizon", "window: monthly 1, 3, 6, 12; daily 1, 5, 21, 63, 126, 252", unit="periods", ge=1, le=252
    )
    min_cut_bp: float = parameter(
        25.0, "Smallest first cut", "the smallest cut that can begin a cycle", unit=BP, step=5, gt=0, le=300
    )
    min_tightening_bp: float = parameter(
        50.0, "Hikes before it", "total hikes that must precede a first cut", unit=BP, step=25, gt=0, le=1000
    )
    pause_days: int = parameter(
        365, "Or a pause of", "without such hikes, the time since the last cut", unit="days", step=5, ge=30, le=3650
    )
    announced_only: bool = parameter(False, "Announced only", "use only decisions since 1994-02, which were announced")

    @model_validator(mode="after")
    def _fits_frequency(self) -> Self:
        daily, legs = self.frequency == "daily", f"small {self.small}, large {self.large or '(empty)'}"
        if self.horizon not in HORIZONS[self.frequency]:
            known = ", ".join(map(str, HORIZONS[self.frequency]))
            raise ValueError(f"horizon {self.horizon} is none of the {self.frequency} horizons: {known}")
        if {"S1", "S5", "SMB"} & {self.small, self.large} if daily else (self.small, self.large) not in MONTHLY_LEGS:
            others = "prices such as RUT and GSPC need frequency: daily"
            raise ValueError(f"{legs}: monthly there are S1 and S5, and SMB with large empty; {others}")
        if daily and self.large in ("", self.small):
            raise ValueError(f"{legs}: small minus large is the question; name two prices")
        if daily and len({leg.endswith((":total", ":adj_close")) for leg in self.symbols}) == 2:
            raise ValueError(f"{legs}: one has dividends in it and the other has not; give :total to both or neither")
        return self

    @property
    def symbols(self) -> list[str]:
        """The prices of both legs; months are series."""
        return [] if self.frequency == "monthly" else [self.small, self.large]

    @property
    def optional_symbols(self) -> list[str]:
        """The broad market, and by sessions the other pairs of small and large."""
        return ["GSPC"] if self.frequency == "monthly" else ["GSPC", "RUT", "IWM", "SPY", "IWC"]

    @property
    def series(self) -> list[str]:
        """Factors and size portfolios by months; yields, spreads and the funds rate."""
        monthly = ["SMB", "MKT_RF", "S1V1", "S1V3", "S1V5", "S5V1", "S5V3", "S5V5", "RF", "AAA", "BAA"]
        return ["DFF", *(monthly if self.frequency == "monthly" else ["DGS2", "DGS10", "BAMLH0A0HYM2", "BAA10Y"])]


class Leverage(Parameters):
    """Parameters of `02_leverage_net_debt`; it names no price: the companies' own are found with their statements."""

    large: int = parameter(500, "Large", "how many count as large, by size", unit="companies", step=50, ge=30, le=5000)
    small: int = parameter(2000, "Small", "how many come next, as small", unit="companies", step=100, ge=30, le=20_000)
    exclude_financials: bool = parameter(True, "Without financials", "no financials or real estate; needs sectors")
    quoted_large: float = parameter(1.4, "Quoted for large", "net debt / EBITDA as published", unit="turns", step=0.1)
    quoted_small: float = parameter(4.0, "Quoted for small", "net debt / EBITDA as published", unit="turns", step=0.1)
    zombie_years: int = parameter(3, "Zombie after", "how long cover must be below 1", unit="years", ge=1, le=10)
    fiscal_year: int = parameter(0, "Fiscal year", "the year of the headline; 0 for the latest", ge=0, le=2100)
    events: list[Day] = parameter(EVENTS, "Chosen days", "days whose returns are regressed on leverage", min_length=1)
    stress_bp: int = parameter(200, "Stress", "by how much interest rates rise", unit=BP, step=25, ge=-1000, le=2000)
    stress_share: float = parameter(0.5, "Share refinanced", "the share of debt refinanced", step=0.05, gt=0, le=1)

    optional_symbols: ClassVar[list[str]] = ["GSPC"]  # the market, for betas
    # Rates that debt is priced by, and what the long proxies are made of.
    series: ClassVar[list[str]] = ["DGS2", "DGS3MO", "DFF", "DGS10", "SMB", "MKT_RF", "RF", "AAA", "BAA"]

    @property
    def companies(self) -> int:
        """As many as both groups hold."""
        return self.large + self.small


class Claims(Parameters):
    """Parameters of `04_claims`."""

    articles: dict[str, language.Article] = parameter(
        {"X": EXAMPLE}, "Articles", "what was published, and the last session each could know", validate_default=True
    )
    claims: list[language.Claim] = parameter(
        [EXAMPLE_CLAIM], "Claims", "what each article claims, and the line that tests it", validate_default=True
    )

    @property
    def optional_symbols(self) -> list[str]:
        """Prices that the claims name."""
        return self._named(series=False)

    @property
    def series(self) -> list[str]:
        """Series that the claims name."""
        return self._named(series=True)

    def _named(self, *, series: bool) -> list[str]:
        from research_lib.data.catalog import KNOWN_SERIES

        names = dict.fromkeys(name for claim in self.claims for check in claim.checks for name in check.names())
        return [name for name in names if (name in KNOWN_SERIES) is series]

    @staticmethod
    def explain_fault(fault: ErrorDetails, model: type[Any], values: Mapping[str, Any]) -> str:
        """Say which claim or article is wrong, and in what."""
        if len(fault["loc"]) < 2 or fault["loc"][0] not in ("articles", "claims"):
            return params.explain_fault(fault, model, values)
        part, which, *where = fault["loc"]
        raw, own = values[str(part)][which], language.Claim if part == "claims" else language.Article
        known = raw if isinstance(raw, Mapping) else {}
        name = f"{str(part).removesuffix('s')} {known.get('id', which)}"
        name += f" of article {known['article']}" if "article" in known else ""
        return f"{name}: {params.explain_fault({**fault, 'loc': tuple(where)}, own, known)}"

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        names = [claim.id for claim in self.claims]
        for claim in self.claims:
            if claim.article not in self.articles:
                raise ValueError(f"claim {claim.id}: no article {claim.article}{nearest(claim.article, self.articles)}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"claim {twice[0]} stands twice")
        return self


MODELS: dict[str, type[Parameters]] = {
    "01_rate_cut_regimes": RateCuts,
    "02_leverage_net_debt": Leverage,
    "03_record_sigma": RecordSigma,
    "04_claims": Claims,
}


def sync(*, check: bool = False) -> list[Path]:
    """Write the notebooks' cells and the document's tables from the models; return the files that differ, which `check` leaves."""
    document = PROJECT / "docs" / "parameters.md"
    parts, wanted = [document.read_text(encoding="utf-8").partition("\n## ")[0]], {}
    for name, model in MODELS.items():
        notebook = NOTEBOOKS / f"{name}.ipynb"
        content = json.loads(notebook.read_bytes())
        cell = next(one for one in content["cells"] if "parameters" in one["metadata"].get("tags", ()))
        cell["source"] = cell_text(model).splitlines(keepends=True)
        wanted[notebook] = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
        parts.append(f"## {name}\n\n{markdown_table(model)}\n")
    wanted[document] = "\n".join(parts).encode()
    stale = {path: text for path, text in wanted.items() if path.read_bytes() != text}
    if not check:
        write_whole(stale)
    return list(stale)
