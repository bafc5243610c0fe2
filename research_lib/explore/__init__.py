"""Explorers for JupyterLab: settings to move, and what a study says to them; each ends in a parameter file."""

from research_lib.explore.claims import claims
from research_lib.explore.leverage import leverage
from research_lib.explore.rate_cuts import rate_cuts
from research_lib.explore.sigma import sigma

__all__ = ["claims", "leverage", "rate_cuts", "sigma"]
