"""Helpers of the research notebooks on US small caps: data, statistics, studies, exhibits, reports."""

__version__ = "0.1.0"
