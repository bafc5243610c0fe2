"""How long an explorer takes from a change to its answer, the pauses in which it looks for a newer one included."""

import asyncio
import time

import pytest

from research_lib import explore

ROUNDS = 6
# By explorer: a control, and values that it takes in turn.
CHANGES = {
    explore.sigma: ("threshold", (2.2, 2.6, 3.0)),
    explore.rate_cuts: ("min_cut_bp", (50.0, 25.0, 40.0)),
    explore.leverage: ("stress_share", (0.3, 0.6, 0.9)),
    explore.claims: ("asserted.value", ("-19", "-22", "-25")),
}

pytestmark = pytest.mark.skipif(
    "not config.getoption('benchmark_enable')", reason="a measurement, not a test: make bench"
)


async def answers(explorer, view, name, values):
    """Return the seconds of each answer after the first."""
    explorer.view.value = view
    took = []
    for turn in range(ROUNDS + 1):
        start = time.perf_counter()
        explorer.controls[name].value = values[turn % len(values)]
        await explorer._pending
        took.append(time.perf_counter() - start)
    return took[1:]


@pytest.mark.parametrize("make", CHANGES, ids=lambda make: make.__name__)
def test_time_to_answer(make, capsys, benchmark):
    explorer = benchmark.pedantic(make, rounds=1)
    name, values = CHANGES[make]
    for view in explorer.view.options:
        took = asyncio.run(answers(explorer, view, name, values))
        middle, best = sorted(took)[len(took) // 2], min(took)
        with capsys.disabled():
            print(f"\n{make.__name__}, {view}: {1000 * middle:.0f} ms (best {1000 * best:.0f})", end="")
