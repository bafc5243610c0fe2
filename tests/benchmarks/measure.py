"""Both sides in one run, in turn: the ratio of their times, with its range over the rounds. No time is ever asserted."""

import statistics
import subprocess
import time
from functools import partial

import pytest

from research_lib.project import PROJECT

measured = pytest.mark.skipif(
    "not config.getoption('benchmark_enable')", reason="a measurement, not a test: make bench"
)
ROUNDS = 3


def seconds(work):
    """Time a function, or a command in a process of its own."""
    start = time.perf_counter()
    if callable(work):
        work()
    else:
        subprocess.run([*map(str, work)], cwd=PROJECT, check=True, capture_output=True)
    return time.perf_counter() - start


def compare(what, ours, theirs, *, rounds=ROUNDS, part=1.0):
    """Time both in turn and print the medians and the ratio; of theirs only a `part` is run, and scaled up."""
    pairs = [(seconds(ours), seconds(theirs) / part) for _ in range(rounds)]
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = [their_time / our_time for our_time, their_time in pairs]
    print(f"\n| {what} | {mine:.3g} s | {other:.3g} s | {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f}, {rounds} rounds) |")  # fmt: skip


def growth(what, sizes, work):
    """Print and return the seconds that `work(size)` takes for each size."""
    times = {size: seconds(partial(work, size)) for size in sizes}
    print(f"\n| {what} | " + " | ".join(f"{size:,}: {took:.3g} s" for size, took in times.items()) + " |")
    return times
