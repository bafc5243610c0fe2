"""How numbers are shown: percent, dates, p-values; an en dash where there is none."""

from collections.abc import Callable

import numpy as np
import pandas as pd

NONE = "–"


def number(value: float | None, digits: int = 2) -> str:
    """Show a plain number; infinity as ∞."""
    if value is None or np.isnan(value):
        return NONE
    return "∞" if np.isposinf(value) else _signed(f"{value:,.{digits}f}")


def percent(value: float | None, digits: int = 2) -> str:
    """Show a decimal in percent."""
    return NONE if value is None or np.isnan(value) else _signed(f"{100 * value:,.{digits}f}%")


def percent_change(value: float | None, digits: int = 2) -> str:
    """Show a decimal change in percent, always with its sign."""
    return NONE if value is None or np.isnan(value) else _signed(f"{100 * value:+,.{digits}f}%")


def count(value: float | None) -> str:
    """Show a whole number."""
    return NONE if value is None or np.isnan(value) else f"{int(value):,}"


def p_value(value: float | None) -> str:
    """Show a p-value with as many digits as matter."""
    if value is None or np.isnan(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def date(value: pd.Timestamp | None) -> str:
    """Show a date as yyyy-mm-dd."""
    return NONE if value is None or pd.isna(value) else str(value.date())


def years(value: float | None) -> str:
    """Show a return period: digits where they mean something, ∞ where it never comes back."""
    if value is None or np.isnan(value):
        return NONE
    if np.isposinf(value):
        return "∞"
    if value > 100_000:
        return "over 100,000"
    return f"{value:,.1f}" if value < 10 else f"{float(f'{value:.2g}'):,.0f}"


def interval(low: float | None, high: float | None, show: Callable[[float | None], str]) -> str:
    """Show both ends of an interval."""
    shown = [show(low), show(high)]
    return NONE if NONE in shown else f"{shown[0]} to {shown[1]}"


def _signed(text: str) -> str:
    return text.replace("-", "−")  # a true minus sign, which does not break from its number
