"""The parameters of the four studies: each is one field, from which cell, documentation and explorer control are made.

Light to import: the runner reads these for every report before any study is loaded.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from research_lib.params import AssetName, OptionalAssetName, Parameters, iso_day

SigmaName = Literal["price_z", "price_z_prior", "distance_z", "distance_expanding", "distance_vol", "return_z"]
SIGMA_NAMES: tuple[SigmaName, ...] = get_args(SigmaName)
MONTHLY_LEGS = (("S1", "S5"), ("SMB", ""))
HORIZONS = {"monthly": (1, 3, 6, 12), "daily": (1, 5, 21, 63, 126, 252)}


def unit(name: str, step: float | None = None, names: dict[Any, str] | None = None) -> dict[str, Any]:
    """Say a field's unit, the step of its control, and how its choices are called."""
    return {"unit": name} | ({"step": step} if step else {}) | ({"names": names} if names else {})


class RecordSigma(Parameters):
    """Parameters of `03_record_sigma`."""

    asset: AssetName = Field(
        "GSPC", title="Asset", description="whose moves; SYMBOL, or SYMBOL:field for another column than the close"
    )
    benchmark: OptionalAssetName = Field("IXIC", title="Benchmark", description="compared with; empty for none")
    assets: list[AssetName] = Field(
        ["GSPC", "IXIC"], min_length=1, title="Compared assets", description="whose records are compared"
    )
    definition: SigmaName = Field("price_z", title="Definition", description="the headline sigma")
    window: int = Field(
        50,
        ge=5,
        le=1000,
        title="Window",
        description="of the average and its standard deviation",
        json_schema_extra=unit("sessions", 5),
    )
    ddof: int = Field(
        1,
        ge=0,
        le=1,
        title="Deviation",
        description="1 for the standard deviation of a sample, 0 for that of a population",
        json_schema_extra=unit("", names={1: "of a sample", 0: "of a population"}),
    )
    threshold: float = Field(
        2.5,
        ge=-20,
        le=20,
        allow_inf_nan=False,
        title="Threshold",
        description="beyond which an episode is; a negative one asks for falls",
        json_schema_extra=unit("σ", 0.1),
    )
    cluster_gap: int = Field(
        10,
        ge=0,
        le=252,
        title="Gap joined",
        description="below the threshold that still leave one episode",
        json_schema_extra=unit("sessions", 1),
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        limit = (self.window - 1) / (self.window if self.ddof else self.window - 1) ** 0.5
        if self.threshold == 0:
            raise ValueError("threshold 0 is no threshold: write how many standard deviations, such as 2.5 or -2.5")
        if self.definition == "price_z" and abs(self.threshold) >= limit:
            raise ValueError(
                f"threshold {self.threshold:g} can never be passed: a price_z over {self.window} sessions with ddof "
                f"{self.ddof} is below {limit:.2f}"
            )
        if self.benchmark == self.asset:
            raise ValueError(f"benchmark {self.benchmark} is the asset itself; name another, or leave it empty")
        return self

    @property
    def symbols(self) -> list[str]:
        """Every price that the parameters name, the asset first."""
        return list(dict.fromkeys(filter(None, [self.asset, self.benchmark, *self.assets])))

    @property
    def optional_symbols(self) -> list[str]:
        """The indices of implied volatility, and the S&P 500, which with the VIX stands in for the asset."""
        return ["GSPC", "VIX", "RVX", "VXN", "VXD"]

    @property
    def series(self) -> list[str]:
        """The monthly size factor, for the long view."""
        return ["SMB"]


class RateCuts(Parameters):
    """Parameters of `01_rate_cut_regimes`."""

    frequency: Literal["monthly", "daily"] = Field("monthly", title="Frequency", description="what a period is")
    small: AssetName = Field("S1", title="Small caps", description="S1 or SMB by months, else a price such as RUT")
    large: OptionalAssetName = Field(
        "S5", title="Large caps", description="S5 (empty with SMB) by months, else a price such as GSPC"
    )
    horizon: int = Field(
        12,
        ge=1,
        le=252,
        title="Horizon",
        description="after the cut that the headline is about",
        json_schema_extra=unit("periods"),
    )
    min_cut_bp: float = Field(
        25.0,
        gt=0,
        le=300,
        allow_inf_nan=False,
        title="Smallest first cut",
        description="that makes a first cut",
        json_schema_extra=unit("basis points", 5),
    )
    min_tightening_bp: float = Field(
        50.0,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        title="Hikes before it",
        description="of hikes since the last cycle that make the next one",
        json_schema_extra=unit("basis points", 25),
    )
    pause_days: int = Field(
        365,
        ge=30,
        le=3650,
        title="Or a pause of",
        description="without a cut that make the next cycle too",
        json_schema_extra=unit("days", 5),
    )
    announced_only: bool = Field(
        False, title="Announced only", description="only decisions since 1994-02, which were announced"
    )

    @model_validator(mode="after")
    def _fits_frequency(self) -> Self:
        if self.horizon not in HORIZONS[self.frequency]:
            known = ", ".join(map(str, HORIZONS[self.frequency]))
            raise ValueError(f"horizon {self.horizon} is none of the {self.frequency} horizons: {known}")
        monthly_names = {name for pair in MONTHLY_LEGS for name in pair if name}
        if self.frequency == "monthly" and (self.small, self.large) not in MONTHLY_LEGS:
            raise ValueError(
                f"small {self.small}, large {self.large or '(empty)'}: monthly there are S1 and S5, and SMB with large "
                "empty; prices such as RUT and GSPC need frequency: daily"
            )
        if self.frequency == "daily" and {self.small, self.large} & monthly_names:
            raise ValueError(f"small {self.small}, large {self.large}: S1, S5 and SMB are monthly: frequency: monthly")
        if self.frequency == "daily" and not self.large:
            raise ValueError("large is needed with frequency: daily (small minus large is the question)")
        return self

    @property
    def symbols(self) -> list[str]:
        """The prices of both legs; months are series."""
        return [] if self.frequency == "monthly" else [self.small, self.large]

    @property
    def optional_symbols(self) -> list[str]:
        """The broad market, and by sessions the other pairs of small and large."""
        other_pairs = [] if self.frequency == "monthly" else ["RUT", "IWM", "SPY", "IWC"]
        return ["GSPC", *other_pairs]

    @property
    def series(self) -> list[str]:
        """Factors and size portfolios by months; yields, spreads and the funds rate."""
        monthly = ["SMB", "MKT_RF", "S1V1", "S1V3", "S1V5", "S5V1", "S5V3", "S5V5", "RF", "AAA", "BAA"]
        return ["DFF", *(monthly if self.frequency == "monthly" else ["DGS2", "DGS10", "BAMLH0A0HYM2", "BAA10Y"])]


class Leverage(Parameters):
    """Parameters of `02_leverage_net_debt`; it names no price: the companies' own are found with their statements."""

    large: int = Field(
        500,
        ge=20,
        le=5000,
        title="Large",
        description="the largest by market value",
        json_schema_extra=unit("companies", 50),
    )
    small: int = Field(
        2000, ge=20, le=20_000, title="Small", description="the next largest", json_schema_extra=unit("companies", 100)
    )
    exclude_financials: bool = Field(
        True, title="Without financials", description="leave out financials and real estate; needs sectors"
    )
    quoted_large: float = Field(
        1.4,
        allow_inf_nan=False,
        title="Quoted for large",
        description="the published net debt / EBITDA of large companies",
        json_schema_extra=unit("turns", 0.1),
    )
    quoted_small: float = Field(
        4.0,
        allow_inf_nan=False,
        title="Quoted for small",
        description="the published net debt / EBITDA of small companies",
        json_schema_extra=unit("turns", 0.1),
    )
    zombie_years: int = Field(
        3,
        ge=1,
        le=10,
        title="Zombie after",
        description="in a row with cover below 1",
        json_schema_extra=unit("years", 1),
    )
    fiscal_year: int = Field(
        0,
        ge=0,
        le=2100,
        title="Fiscal year",
        description="of the headline; 0 is the last one",
        json_schema_extra=unit("", 1),
    )
    events: Annotated[list[date], Field(min_length=1)] = Field(
        [date(2007, 9, 18), date(2019, 7, 31), date(2020, 3, 16), date(2022, 11, 10)],
        title="Chosen days",
        description="days whose cross-section of returns is looked at",
    )
    stress_bp: int = Field(
        200,
        ge=-1000,
        le=2000,
        title="Stress",
        description="by which interest rises",
        json_schema_extra=unit("basis points", 25),
    )
    stress_share: float = Field(
        0.5,
        gt=0,
        le=1,
        allow_inf_nan=False,
        title="Share refinanced",
        description="of debt that pays the new rate, as a decimal",
        json_schema_extra=unit("", 0.05),
    )

    @property
    def year(self) -> int | None:
        """The fiscal year of the headline; None for the last one."""
        return self.fiscal_year or None

    @property
    def optional_symbols(self) -> list[str]:
        """The market, for betas."""
        return ["GSPC"]

    @property
    def series(self) -> list[str]:
        """Rates that debt is priced by, and what the long proxies are made of."""
        return ["DGS2", "DGS3MO", "DFF", "DGS10", "SMB", "MKT_RF", "RF", "AAA", "BAA", "S1V3", "S5V3"]

    @property
    def companies(self) -> int:
        """As many as both groups hold."""
        return self.large + self.small

    @field_validator("events", mode="before")
    @classmethod
    def _read_dates(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        if any(isinstance(day, datetime) for day in value):
            raise ValueError("must be dates without a time, like 2024-07-16")
        return [iso_day(day) if isinstance(day, str) else day for day in value]


MODELS: dict[str, type[Parameters]] = {
    "01_rate_cut_regimes": RateCuts,
    "02_leverage_net_debt": Leverage,
    "03_record_sigma": RecordSigma,
}
