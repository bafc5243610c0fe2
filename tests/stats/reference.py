"""Plain versions of what several tests compare with."""

from itertools import product

import numpy as np
import pandas as pd

from tests.conftest import read_table

CASES = read_table("stats/cases.yaml")


def dated(values):
    """Put numbers on business days."""
    return pd.Series(np.asarray(values, dtype=float), pd.bdate_range("2000-01-03", periods=len(values), name="date"))


def slope_of(section, *columns):
    """Regress a period's returns in one step, with a constant."""
    exog = np.column_stack([*(section[name] for name in columns), np.ones(len(section))])
    return np.linalg.lstsq(exog, section["return"].to_numpy(), rcond=None)[0][: len(columns)]


def known_on(firms, day):
    """Return each company's row that was public before a day, not older than 550 days, with its winsorised `ratio`."""
    known = firms[firms["known_from"] < day].groupby("company").last()
    known = known[(day - known["period_end"]).dt.days <= 550]
    ratio = (known["net_debt"] / known["ebitda"]).where(known["ebitda"] > 0)
    return known.assign(ratio=ratio.clip(*ratio.quantile([0.05, 0.95])))


def patterns(n):
    """Return every pattern of n signs, a row each."""
    return np.array([*product((1, -1), repeat=n)])
