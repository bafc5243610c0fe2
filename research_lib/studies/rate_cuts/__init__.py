"""Study 01: what small caps do around rate cuts."""

from research_lib.studies.rate_cuts.study import RateCuts

__all__ = ["RateCuts"]
