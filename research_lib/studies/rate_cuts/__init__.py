"""What small caps do around rate cuts, and whether it is the cut, the regime, the recession, or chance.

Each exhibit is one call: load a `Market` and a `Policy`, choose events, and hand them on.
"""

from research_lib.studies.rate_cuts.around import (
    Conditioning,
    GridStudy,
    LegStudy,
    SplitMean,
    power_of_sign_flip,
    study_conditions,
    study_events,
    study_grid,
    study_robustness,
)
from research_lib.studies.rate_cuts.load import (
    EventKind,
    Market,
    Policy,
    Rates,
    Surroundings,
    cycles_table,
    find_events,
    last_before,
    load_alternatives,
    load_market,
    load_policy,
    load_rates,
    to_months,
)
from research_lib.studies.rate_cuts.regimes import (
    RegimeStudy,
    SensitivityStudy,
    cut_responses,
    rate_drivers,
    study_regimes,
    study_sensitivity,
)

__all__ = [
    "Conditioning",
    "EventKind",
    "GridStudy",
    "LegStudy",
    "Market",
    "Policy",
    "Rates",
    "RegimeStudy",
    "SensitivityStudy",
    "SplitMean",
    "Surroundings",
    "cut_responses",
    "cycles_table",
    "find_events",
    "last_before",
    "load_alternatives",
    "load_market",
    "load_policy",
    "load_rates",
    "power_of_sign_flip",
    "rate_drivers",
    "study_conditions",
    "study_events",
    "study_grid",
    "study_regimes",
    "study_robustness",
    "study_sensitivity",
    "to_months",
]
