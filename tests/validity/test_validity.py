"""A quick version of `python -m tests.validity`: fewer draws, and a bound that a true size of 8% passes seldom."""

import pytest

from tests.validity.__main__ import measure
from tests.validity.quantities import QUANTITIES

DRAWS, BOUND = 400, 0.077  # 5% and two and a half Monte Carlo errors
FAST = [quantity for _, quantity in QUANTITIES if quantity.fast]


@pytest.mark.parametrize("quantity", FAST, ids=lambda quantity: f"{quantity.name} ({quantity.null})")
def test_keeps_its_size(quantity):
    row = measure(quantity, draws=DRAWS)
    assert (row["draws"], row[0.05] <= BOUND) == (DRAWS, True)
