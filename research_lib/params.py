"""One strict model per notebook: the names, types, ranges and cross-field rules of its parameters."""

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from types import ModuleType
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from research_lib.claims_file import Article, Claim, explain_fault
from research_lib.errors import ParameterError
from research_lib.names import AssetName, OptionalAssetName, SigmaName

SOURCES = ("bundled", "folder", "yahoo", "fred", "french", "sec")

Model = TypeVar("Model", bound="NotebookParameters")

# What IPython itself puts into a notebook's namespace; never a parameter.
INJECTED = "# Parameters"  # what Papermill begins its cell with
NOTEBOOK_NAMES = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})


class NotebookParameters(BaseModel):
    """What every notebook takes: where its data comes from, up to when, and the seed of its random numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    source: str = "bundled"
    data_dir: str = ""
    as_of: date | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def symbols(self) -> list[str]:
        """Every price that the parameters name."""
        return []

    @property
    def optional_symbols(self) -> list[str]:
        """Prices that the report uses where its source has them."""
        return []

    @property
    def series(self) -> list[str]:
        """Every series that the report uses where its source has it."""
        return []

    @property
    def companies(self) -> int:
        """How many companies, the largest first, the report is about."""
        return 0

    @field_validator("source")
    @classmethod
    def _known_sources(cls, value: str) -> str:
        names = value.split("+")
        for name in names:
            if name not in SOURCES:
                raise ValueError(
                    f"unknown source {name!r}{_nearest(name, dict.fromkeys(SOURCES))}; join several with +"
                )
        if len(set(names)) < len(names):
            raise ValueError("names a source twice")
        return value

    @field_validator("as_of", mode="before")
    @classmethod
    def _read_date(cls, value: object) -> object:
        if isinstance(value, str):
            return None if value == "" else _iso_date(value)
        if isinstance(value, datetime):
            raise ValueError("must be a date without a time, like 2024-07-16")
        return value

    @model_validator(mode="after")
    def _folder_needs_a_folder(self) -> Self:
        names_folder = "folder" in self.source.split("+")
        if names_folder and not self.data_dir:
            raise ValueError("data_dir is needed with source: folder (the folder that holds prices/)")
        if not names_folder and self.data_dir:
            raise ValueError(f"data_dir is given, but source is {self.source}: say source: folder")
        return self

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, object]) -> Self:
        """Validate the parameters that stand in a notebook's namespace, `globals()`.

        Papermill puts a misspelt parameter beside the right one and goes on; here it is an error.

        Parameters
        ----------
        namespace : mapping
            The notebook's globals, once its parameters are set. With IPython's history in it, only names that cells of
            parameters set are looked at, so that such a cell may be run again among the results of later ones.

        Raises
        ------
        ParameterError
            A parameter is unknown, missing, mistyped or out of range.
        """
        history = namespace.get("In")
        names = set(namespace)
        if isinstance(history, list) and any(history):
            names = _set_by_parameter_cells(history, cls.model_fields)
        values = {name: value for name, value in namespace.items() if name in names and _may_be_parameter(name, value)}
        return validate(cls, values, origin="the notebook's parameters")


class RecordSigma(NotebookParameters):
    """Parameters of `03_record_sigma`."""

    asset: AssetName = "GSPC"
    benchmark: OptionalAssetName = "IXIC"
    assets: Annotated[list[AssetName], Field(min_length=1)] = ["GSPC", "IXIC"]
    definition: SigmaName = "price_z"
    window: Annotated[int, Field(ge=5, le=1000)] = 50
    ddof: Annotated[int, Field(ge=0, le=1)] = 1
    threshold: Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)] = 2.5
    cluster_gap: Annotated[int, Field(ge=0, le=252)] = 10

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        limit = (self.window - 1) / (self.window if self.ddof else self.window - 1) ** 0.5
        if self.definition == "price_z" and self.threshold >= limit:
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
        """Small less large, by months, for the long view."""
        return ["SMB"]


MONTHLY_LEGS = (("S1", "S5"), ("SMB", ""))
HORIZONS = {"monthly": (1, 3, 6, 12), "daily": (1, 5, 21, 63, 126, 252)}


class RateCuts(NotebookParameters):
    """Parameters of `01_rate_cut_regimes`."""

    frequency: Literal["monthly", "daily"] = "monthly"
    small: AssetName = "S1"
    large: OptionalAssetName = "S5"
    horizon: Annotated[int, Field(ge=1, le=252)] = 12
    min_cut_bp: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = 25.0
    min_tightening_bp: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 50.0
    pause_days: Annotated[int, Field(ge=30, le=3650)] = 365
    announced_only: bool = False

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
            raise ValueError("large is needed with frequency: daily (small less large is the question)")
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


class Leverage(NotebookParameters):
    """Parameters of `02_leverage_net_debt`; it names no price: the companies' own are found with their statements."""

    large: Annotated[int, Field(ge=20, le=5000)] = 500
    small: Annotated[int, Field(ge=20, le=20_000)] = 2000
    exclude_financials: bool = True
    zombie_years: Annotated[int, Field(ge=1, le=10)] = 3
    fiscal_year: Annotated[int, Field(ge=0, le=2100)] = 0
    events: Annotated[list[date], Field(min_length=1)] = [
        date(2007, 9, 18),
        date(2019, 7, 31),
        date(2020, 3, 16),
        date(2022, 11, 10),
    ]
    stress_bp: Annotated[int, Field(ge=-1000, le=2000)] = 200
    stress_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5

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
        return ["DGS2", "DGS3MO", "DFF", "DGS10", "SMB", "RF", "AAA", "BAA", "S1V3", "S5V3"]

    @property
    def companies(self) -> int:
        """As many as both groups hold."""
        return self.large + self.small

    @property
    def event_dates(self) -> list[str]:
        """The event days as texts."""
        return [str(day) for day in self.events]

    @field_validator("events", mode="before")
    @classmethod
    def _read_dates(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        if any(isinstance(day, datetime) for day in value):
            raise ValueError("must be dates without a time, like 2024-07-16")
        return [_iso_date(day) if isinstance(day, str) else day for day in value]


EXAMPLE_ARTICLES = {"X": Article(title="An example: Black Monday", as_of=date(1987, 10, 19))}
EXAMPLE_CLAIM = {
    "id": "X01",
    "article": "X",
    "kind": "number",
    "says": "the S&P 500 fell by 20.5% in one day",
    "check": {"name": "change", "assets": ["GSPC"], "sessions": 1},
    "asserted": {"value": -20.5, "unit": "percent", "tolerance": 0.05},
}


class Claims(NotebookParameters):
    """Parameters of `04_claims`: a claims file. A price that the source lacks is a claim's own trouble, not a fault."""

    roughly_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 10.0
    articles: Annotated[dict[str, Article], Field(min_length=1)] = EXAMPLE_ARTICLES
    claims: Annotated[list[Claim], Field(min_length=1)] = [Claim.model_validate(EXAMPLE_CLAIM)]

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        ids = [claim.id for claim in self.claims]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"claims: the id {twice[0]} stands twice")
        for claim in self.claims:
            if claim.article not in self.articles:
                raise ValueError(
                    f"claim {claim.id}: unknown article {claim.article}{_nearest(claim.article, self.articles)}"
                )
            as_of = self.articles[claim.article].as_of
            if late := [day for day in claim.check.days if day > as_of]:
                raise ValueError(f"claim {claim.id}: {late[0]} is after its article's date, {as_of}")
        return self

    @property
    def optional_symbols(self) -> list[str]:
        """Every price that a claim is about, its session's high and low too, which come with it."""
        return sorted({asset.split(":")[0] for claim in self.claims for asset in claim.check.assets_named})

    @property
    def series(self) -> list[str]:
        """Every series that a claim is about."""
        return sorted({series for claim in self.claims for series in claim.check.series_named})

    @property
    def companies(self) -> int:
        """As many as the largest groups that a claim is about."""
        return max((claim.check.companies_named for claim in self.claims), default=0)

    def settings(self) -> dict[str, object]:
        """Return the parameters without the claims themselves, which the report shows one by one."""
        return self.model_dump(exclude={"articles", "claims"}) | {
            "articles": sorted(self.articles),
            "claims": f"{len(self.claims)}, {self.claims[0].id} to {self.claims[-1].id}",
        }


MODELS: dict[str, type[NotebookParameters]] = {
    "01_rate_cut_regimes": RateCuts,
    "02_leverage_net_debt": Leverage,
    "03_record_sigma": RecordSigma,
    "04_claims": Claims,
}


def model_for(notebook: str) -> type[NotebookParameters]:
    """Return the model of a notebook's parameters, by the notebook's name without `.ipynb`."""
    if notebook not in MODELS:
        raise ParameterError(f"{notebook}: unknown notebook{_nearest(notebook, MODELS)}")
    return MODELS[notebook]


def validate(model: type[Model], values: Mapping[str, object], *, origin: str) -> Model:
    """Make a model of plain values, or raise one `ParameterError` that lists every fault."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = [_explain(fault, model, values) for fault in error.errors()]
        raise ParameterError("\n".join(f"{origin}: {fault}" for fault in faults)) from None


def show_setting(value: object) -> str:
    """Show a parameter's value."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


def _explain(fault: ErrorDetails, model: type[BaseModel], values: Mapping[str, object]) -> str:
    if fault["loc"][:1] == ("claims",) and len(fault["loc"]) > 1:
        return explain_fault(fault, values["claims"])
    name = ".".join(str(part) for part in fault["loc"][:1])
    message = re.sub(r"^(Value error|Input) ?,? ?", "", fault["msg"])
    match fault["type"]:
        case "extra_forbidden":
            return f"{name}: unknown parameter{_nearest(name, model.model_fields)}"
        case "string_pattern_mismatch":
            return f"{name}: {fault['input']!r} is no asset; write SYMBOL or SYMBOL:field, like RUT or RSP:adj_close"
        case "list_type":
            return f"{name}: {fault['input']!r}: should be a valid list, like [first, second]"
        case _ if not name:
            return message
        case _:
            return f"{name}: {fault['input']!r}: {message}"


def _iso_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date like 2024-07-16") from None


def _set_by_parameter_cells(history: Sequence[str], known: Collection[str]) -> set[str]:
    """Name what was set by cells that hold nothing but literals: those of Papermill, and those that set a known name."""
    found: set[str] = set()
    for source in history:
        names = _names_of_literals(source)
        if source.startswith(INJECTED) or names & set(known):
            found |= names
    return found


def _names_of_literals(source: str) -> set[str]:
    """Name what a cell sets to literals; nothing where it does anything else."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # IPython's own commands
        return set()
    targets: list[ast.expr] = []
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                pass
            case ast.AnnAssign(target=ast.Name() as target, value=value):
                pass
            case _:
                return set()
        if value is None or any(isinstance(node, ast.Name) and node.id != "float" for node in ast.walk(value)):
            return set()
        targets.append(target)
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _may_be_parameter(name: str, value: object) -> bool:
    plain = not callable(value) and not isinstance(value, ModuleType)
    return plain and not name.startswith("_") and name not in NOTEBOOK_NAMES


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    nearest = get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{hint} (known: {', '.join(known)})"
