"""What a claims file may say: articles, claims, and what each check takes. Studies compute; nothing is computed here."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import ErrorDetails

from research_lib.names import AssetName, SigmaName

Unit = Literal[
    "percent", "percentage_points", "basis_points", "points", "sigma", "rank", "sessions", "weeks", "count", "times",
    "correlation", "years", "date",
]  # fmt: skip
Kind = Literal["number", "record", "state", "tendency", "forecast", "external"]
RelativeKind = Literal["difference", "ratio"]
Price = Literal["close", "low to high", "during the day"]
Extreme = Literal["last", "highest", "lowest"]
Leg = Literal["small", "large", "small less large"]


def iso_day(value: object) -> object:
    """Read a date of a YAML file, or of a notebook, where it is a text."""
    if isinstance(value, datetime):
        raise ValueError("must be a date without a time, like 2024-07-16")
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date like 2024-07-16") from None


Day = Annotated[date, BeforeValidator(iso_day)]
Count = Annotated[int, Field(ge=1, le=5000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Some = Annotated[list[AssetName], Field(min_length=1)]


class Strict(BaseModel):
    """Nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Check(Strict):
    """What a check takes; `units` are those that its figure can have."""

    units: ClassVar[tuple[Unit, ...]]

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """Those that its figure can have with these arguments."""
        return self.units

    def values_of(self, *names: str) -> Iterator[Any]:
        """Give the values of some fields, those of checks inside it too; lists one by one."""
        for name, value in self:
            if isinstance(value, Check | Window):
                yield from value.values_of(*names) if isinstance(value, Check) else ()
            elif name in names and value:
                yield from value if isinstance(value, list) else [value]

    @property
    def assets_named(self) -> list[str]:
        """Every price that it names."""
        return list(self.values_of("asset", "assets", "benchmarks", "others", "volatility"))

    @property
    def series_named(self) -> list[str]:
        """Every series that it names."""
        return list(self.values_of("series", "less", "driver"))

    @property
    def companies_named(self) -> int:
        """How many companies it is about, the largest first."""
        return 0

    @property
    def days(self) -> list[date]:
        """Every date that it names."""
        found = [value for _, value in self if isinstance(value, date)]
        inside = [value for _, value in self if isinstance(value, Check | Window)]
        return found + [day for one in inside for day in (one.days if isinstance(one, Check) else (one.start, one.end))]


class Window(Strict):
    """Days from `start` to `end`, both included."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start > self.end:
            raise ValueError(f"start {self.start} is after end {self.end}")
        return self


class Line(Check):
    """What is looked at: prices, each against its benchmark if there are any; or a series, less another."""

    assets: list[AssetName] = []
    benchmarks: list[AssetName] = []
    series: str = ""
    less: str = ""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if bool(self.assets) == bool(self.series):
            raise ValueError("give either assets or series")
        if self.benchmarks and len(self.benchmarks) != len(self.assets):
            raise ValueError(f"{len(self.benchmarks)} benchmarks for {len(self.assets)} assets: one for each, or none")
        if self.less and not self.series:
            raise ValueError("less is a second series: give series too")
        return self


class Change(Line):
    """A change over some sessions, since a date, or over a period to date; of a series, a difference."""

    name: Literal["change"]
    units = ("percent", "percentage_points", "basis_points")
    sessions: Count | None = None
    start: Day | None = None
    period: Literal["week", "month", "quarter", "year"] | None = None
    end: Day | None = None
    kinds: Annotated[list[RelativeKind], Field(min_length=1)] = ["difference"]
    prices: Annotated[list[Price], Field(min_length=1)] = ["close"]

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        if sum(value is not None for value in (self.sessions, self.start, self.period)) != 1:
            raise ValueError("give one of sessions, start, period")
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start {self.start} is not before end {self.end}")
        return self


class Level(Line):
    """A value on the day, or the highest or lowest of a window."""

    name: Literal["level"]
    units = ("points", "percent", "percentage_points", "basis_points", "times")
    statistic: Extreme = "last"
    within: Window | None = None


class Gap(Line):
    """How far one level is from another: the day's, or a window's highest or lowest."""

    name: Literal["gap"]
    units = ("percent", "percentage_points", "basis_points")
    level: Extreme = "last"
    within: Window | None = None
    against: Literal["highest", "lowest"]
    against_within: Window
    prices: Annotated[list[Price], Field(min_length=1)] = ["close"]


class Multiple(Check):
    """One change over another."""

    name: Literal["multiple"]
    units = ("times",)
    of: Annotated[Change | Gap, Field(discriminator="name")]
    over: Annotated[Change | Gap, Field(discriminator="name")]


class Target(Check):
    """What a target says of the change from a close."""

    name: Literal["target"]
    units = ("percent",)
    asset: AssetName
    target: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    end: Day | None = None


class LargestMove(Check):
    """The largest daily rise in a window."""

    name: Literal["largest_daily_move"]
    units = ("percent",)
    assets: Some
    within: Window


class Streak(Check):
    """Daily moves in a row beyond a bound, up to a day."""

    name: Literal["streak"]
    units = ("sessions",)
    assets: Some
    bound_percent: Number
    end: Day | None = None


class Record(Line):
    """Where a level or a move stands in all history to the day: rank, percentile, or the share that went as far."""

    name: Literal["record"]
    units = ("rank", "percent")
    measure: Literal["rank", "percentile", "share as far"] = "rank"
    sessions: Annotated[int, Field(ge=0, le=5000)] = 0
    end: Day | None = None
    side: Literal["highest", "lowest"] = "highest"
    kinds: Annotated[list[RelativeKind], Field(min_length=1)] = ["difference"]

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """As the arguments ask."""
        return ("rank",) if self.measure == "rank" else ("percent",)


class Since(Line):
    """The last day before a window with a value as high, or as low, as the window's own extreme."""

    name: Literal["since"]
    units = ("date",)
    within: Window
    side: Literal["highest", "lowest"] = "highest"
    near_percent: Annotated[float, Field(ge=0, le=50)] = 0.0


class Sigma(Check):
    """Standard deviations above the moving average, on every definition asked for."""

    name: Literal["sigma"]
    units = ("sigma",)
    assets: Some
    definitions: Annotated[list[SigmaName], Field(min_length=1)] = ["price_z", "price_z_prior", "distance_z"]
    ddofs: Annotated[list[Literal[0, 1]], Field(min_length=1)] = [1, 0]
    window: Annotated[int, Field(ge=5, le=1000)] = 50
    prices: Annotated[list[Price], Field(min_length=1)] = ["close"]
    end: Day | None = None


class SigmaRecord(Check):
    """An asset's sigma in a window less the highest that any other asset had until then."""

    name: Literal["sigma_record"]
    units = ("sigma",)
    asset: AssetName
    others: Some
    within: Window | None = None
    definitions: Annotated[list[SigmaName], Field(min_length=1)] = ["price_z", "price_z_prior", "distance_z"]
    ddofs: Annotated[list[Literal[0, 1]], Field(min_length=1)] = [1, 0]
    window: Annotated[int, Field(ge=5, le=1000)] = 50


class MoveSigma(Check):
    """A k-session move in standard deviations: of all k-session moves, and of scaled daily ones."""

    name: Literal["move_sigma"]
    units = ("sigma",)
    assets: Some
    sessions: Count
    ddofs: Annotated[list[Literal[0, 1]], Field(min_length=1)] = [1, 0]
    end: Day | None = None


class NormalTail(Check):
    """The share that a normal table puts beyond a number of standard deviations, in one tail and in both."""

    name: Literal["normal_tail"]
    units = ("percent",)
    sigma: Annotated[float, Field(gt=0, le=10)]


class RecordCloses(Check):
    """Record closes of a year to the day: how many, or the date of the first."""

    name: Literal["record_closes"]
    units = ("count", "date")
    assets: Some
    year: Annotated[int, Field(ge=1900, le=2200)]
    which: Literal["count", "first"] = "count"

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """As the arguments ask."""
        return ("count",) if self.which == "count" else ("date",)


class Crossing(Check):
    """The first session of a year on which the close came above its average, or the last before the day."""

    name: Literal["crossing"]
    units = ("date",)
    assets: Some
    windows: Annotated[list[Count], Field(min_length=1)] = [200]
    which: list[Literal["first of the year", "last"]] = ["first of the year", "last"]


class Breakout(Check):
    """How far a price, or its ratio to a benchmark, is above resistance, by four definitions."""

    name: Literal["breakout"]
    units = ("percent",)
    assets: Some
    benchmarks: list[AssetName] = []
    lookbacks: Annotated[list[Count], Field(min_length=1)] = [1008]


class WeeklyCloses(Check):
    """The most weekly closes in a row above a level, since a date."""

    name: Literal["weekly_closes"]
    units = ("weeks",)
    asset: AssetName
    level: Annotated[float, Field(gt=0)]
    start: Day


class SpotVolatility(Check):
    """The correlation of daily returns with the changes of implied volatility over some sessions."""

    name: Literal["volatility_correlation"]
    units = ("correlation", "rank")
    asset: AssetName
    sessions: Count = 5
    statistic: Literal["last", "median", "rank"] = "last"

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """As the arguments ask."""
        return ("rank",) if self.statistic == "rank" else ("correlation",)


class SpreadSign(Check):
    """The date on which one series less another last changed its sign."""

    name: Literal["spread_sign"]
    units = ("date",)
    series: str
    less: str


class ZeroAhead(Check):
    """Sessions until a spread reaches zero at its pace over the last sessions."""

    name: Literal["zero_ahead"]
    units = ("sessions",)
    series: str
    less: str
    paces: Annotated[list[Count], Field(min_length=1)] = [21, 63, 126]


class Seasonal(Check):
    """Returns of some months of the year: less those of others, or how often they reach a threshold."""

    name: Literal["seasonal"]
    units = ("percent",)
    asset: AssetName
    months: Annotated[list[Annotated[int, Field(ge=1, le=12)]], Field(min_length=1, max_length=6)]
    reaches_percent: Number | None = None


class RateCuts(Check):
    """What followed, or came before, the first cuts of easing cycles."""

    name: Literal["rate_cuts"]
    units = ("percent",)
    small: AssetName = "RUT"
    large: AssetName = "GSPC"
    leg: Leg = "small less large"
    side: Literal["before", "after"] = "after"
    horizons: Annotated[list[Count], Field(min_length=1)] = [252]
    only: Literal["all", "no recession announced", "no recession within 12 months"] = "all"

    @property
    def assets_named(self) -> list[str]:
        """Both legs."""
        return [self.small, self.large]


class PolicyRegime(Check):
    """Small less large while policy is in some states, by day."""

    name: Literal["policy_regime"]
    units = ("percent",)
    small: AssetName = "RUT"
    large: AssetName = "GSPC"
    states: Annotated[list[Literal["easing", "tightening", "hold"]], Field(min_length=1)]

    @property
    def assets_named(self) -> list[str]:
        """Both legs."""
        return [self.small, self.large]


class RateSensitivity(Check):
    """How much of small less large the changes of yields explain, month by month: R squared."""

    name: Literal["rate_sensitivity"]
    units = ("percent",)
    small: AssetName = "RUT"
    large: AssetName = "GSPC"
    drivers: Annotated[list[str], Field(min_length=1)] = ["DGS2", "DGS10"]

    @property
    def assets_named(self) -> list[str]:
        """Both legs."""
        return [self.small, self.large]

    @property
    def series_named(self) -> list[str]:
        """The yields."""
        return list(self.drivers)


class Firms(Check):
    """Companies in two groups by market value."""

    large: Annotated[int, Field(ge=20, le=5000)] = 500
    small: Annotated[int, Field(ge=20, le=20_000)] = 2000
    fiscal_year: int | None = None
    group: Leg = "small"

    @property
    def companies_named(self) -> int:
        """Both groups."""
        return self.large + self.small


class Leverage(Firms):
    """One of the ratios of a group of companies; as a proxy it shows what there is and decides nothing."""

    name: Literal["leverage"]
    units = ("times", "percent")
    measure: Literal["net_debt_to_ebitda", "due_within_year", "negative_ebitda_share"] = "net_debt_to_ebitda"
    proxy_for: str = ""

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """As the arguments ask."""
        return ("times",) if self.measure == "net_debt_to_ebitda" else ("percent",)


class Refinancing(Firms):
    """Interest cover, firms below one, or their debt, once a share of debt is repriced."""

    name: Literal["refinancing"]
    units = ("times", "percent")
    measure: Literal["cover", "below_one_share", "below_one_debt_share"] = "cover"
    rate_move_bp: Annotated[int, Field(ge=-1000, le=2000)] = 0
    debt_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    added: bool = False

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """As the arguments ask."""
        return ("times",) if self.measure == "cover" else ("percent",)


class DoubleEdge(Check):
    """What a fall (or rise) of a rate adds to the monthly return of indebted companies, by one more of leverage."""

    name: Literal["double_edge"]
    units = ("percent",)
    driver: str = "DGS10"
    move: Literal["rise", "fall"]


class FactorMean(Check):
    """The mean month of a factor since some years; or its correlation with another."""

    name: Literal["factor"]
    units = ("percent", "correlation")
    series: str
    starts: Annotated[list[int], Field(min_length=1)] = [1926]
    against: str = ""

    @property
    def units_now(self) -> tuple[Unit, ...]:
        """As the arguments ask."""
        return ("correlation",) if self.against else ("percent",)

    @property
    def series_named(self) -> list[str]:
        """Both factors."""
        return [self.series, *filter(None, [self.against])]


class ReturnPeriod(Check):
    """Years between episodes in which a k-session move is as large as the largest of a window."""

    name: Literal["return_period"]
    units = ("years",)
    assets: Some
    benchmarks: list[AssetName]
    sessions: Count
    within: Window
    kinds: Annotated[list[RelativeKind], Field(min_length=1)] = ["ratio"]
    threshold_quantile: Annotated[float, Field(ge=0.5, lt=1)] = 0.98


class Followed(Check):
    """What followed earlier episodes of moves as large: small less large after some sessions."""

    name: Literal["followed"]
    units = ("percent",)
    asset: AssetName
    benchmark: AssetName
    sessions: Count
    within: Window
    share_of_move: Annotated[float, Field(gt=0, le=1)] = 0.6
    horizons: Annotated[list[Count], Field(min_length=1)] = [21, 63]

    @property
    def assets_named(self) -> list[str]:
        """Both."""
        return [self.asset, self.benchmark]


class DrawdownAhead(Check):
    """How often a fall of so much follows within some sessions of a close."""

    name: Literal["drawdown_ahead"]
    units = ("percent",)
    asset: AssetName
    falls_percent: Annotated[float, Field(gt=0, lt=100)]
    sessions: Count


class Untestable(Check):
    """No source has what it takes."""

    name: Literal["untestable"]
    units = get_args(Unit)
    needs: Annotated[str, Field(min_length=1)]


CheckModel = (
    Change | Level | Gap | Multiple | Target | LargestMove | Streak | Record | Since | Sigma | SigmaRecord | MoveSigma
    | NormalTail | RecordCloses | Crossing | Breakout | WeeklyCloses | SpotVolatility | SpreadSign | ZeroAhead
    | Seasonal | RateCuts | PolicyRegime | RateSensitivity | Leverage | Refinancing | DoubleEdge | FactorMean
    | ReturnPeriod | Followed | DrawdownAhead | Untestable
)  # fmt: skip
CHECK_MODELS: dict[str, type[Check]] = {
    get_args(model.model_fields["name"].annotation)[0]: model for model in get_args(CheckModel)
}


class Asserted(Strict):
    """What a claim says: a figure, or a date between two others.

    `is` says how the figure is meant: `about` it, `at_least` or `at_most` it, each give or take the tolerance.
    """

    unit: Unit
    value: Number | None = None
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    comparison: Annotated[Literal["about", "at_least", "at_most"], Field(alias="is")] = "about"
    first: Day | None = None
    last: Day | None = None

    model_config = ConfigDict(serialize_by_alias=True, validate_by_alias=True)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.unit == "date":
            if self.first is None or self.last is None or self.value is not None:
                raise ValueError("unit date: give first and last, the days between which the claim puts it")
            if self.first > self.last:
                raise ValueError(f"first {self.first} is after last {self.last}")
        elif self.value is None or self.first or self.last:
            raise ValueError(f"unit {self.unit}: give value, and no dates")
        elif self.tolerance is None:
            raise ValueError("tolerance is missing: say how far from the value still holds, 0 for not at all")
        return self


class Article(Strict):
    """An article, and the last day that its author could know."""

    title: Annotated[str, Field(min_length=1)]
    as_of: Day


class Claim(Strict):
    """One thing that an article says, and how to check it."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    article: str
    kind: Kind
    says: Annotated[str, Field(min_length=1)]
    check: Annotated[CheckModel, Field(discriminator="name")]
    asserted: Asserted | None = None

    @model_validator(mode="after")
    def _unit_of_the_check(self) -> Self:
        external = isinstance(self.check, Untestable)
        if external != (self.kind == "external"):
            raise ValueError("kind external goes with check untestable, and no other kind does")
        if external != (self.asserted is None):
            raise ValueError("asserted: needed by every check but untestable, which takes none")
        if self.asserted and self.asserted.unit not in self.check.units_now:
            known = ", ".join(self.check.units_now)
            raise ValueError(f"unit {self.asserted.unit}: check {self.check.name} gives {known}")
        return self


def explain_fault(fault: ErrorDetails, claims: object) -> str:
    """Say in one line what is wrong in a claim: which claim, which field, what is allowed.

    Parameters
    ----------
    fault : ErrorDetails
        Of pydantic, its place below `claims`.
    claims : object
        What stands there.
    """
    position, *place = fault["loc"][1:]
    raw = claims[position] if isinstance(claims, list) and isinstance(position, int) else None
    label = raw.get("id", f"number {position}") if isinstance(raw, Mapping) else f"number {position}"
    check = next((str(part) for part in reversed(place) if part in CHECK_MODELS), "")
    return f"claim {label}: {_what(fault, [str(part) for part in place if part not in CHECK_MODELS], check)}"


def _what(fault: ErrorDetails, place: list[str], check: str) -> str:
    field = ".".join(place)
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    context: Mapping[str, Any] = fault.get("ctx", {})
    match fault["type"]:
        case "union_tag_invalid":
            return f"unknown check {context['tag']}{nearest(str(context['tag']), CHECK_MODELS)}"
        case "union_tag_not_found":
            return f"{field}: name the check: {{name: change, …}} (known: {', '.join(CHECK_MODELS)})"
        case "extra_forbidden" if place and place[0] == "check":
            known = [name for name in CHECK_MODELS[check].model_fields if name != "name"] if check else []
            return f"{place[-1]}: unknown argument of check {check}{nearest(place[-1], known)}"
        case "extra_forbidden":
            owner = Asserted if place[0] == "asserted" else Claim
            names = [info.alias or name for name, info in owner.model_fields.items()]
            return f"{field}: unknown field{nearest(place[-1], names)}"
        case "missing":
            return f"{field}: is missing"
        case _:
            shown = f" {fault['input']!r}:" if not isinstance(fault["input"], Mapping | BaseModel) else ""
            return f"{field}:{shown} {message}" if field else message


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Name the nearest of the known names, and all of them."""
    close = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"
