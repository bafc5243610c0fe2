"""Both sides in one run, in turn: the ratio of their times, with its range over the rounds. No time is ever asserted."""

import re
import statistics
import subprocess
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from research_lib.project import PROJECT

measured = pytest.mark.skipif("not config.getoption('benchmark_enable')", reason="measures, tests nothing: make bench")
STATUS = Path("/proc/self/status")


def seconds(work):
    """Time a function, or a command in a process of its own."""
    start = time.perf_counter()
    if callable(work):
        work()
    else:
        subprocess.run([*map(str, work)], cwd=PROJECT, check=True, capture_output=True)
    return time.perf_counter() - start


def report(what, mine, other, ratio):
    print(f"\n| {what} | {mine:.3g} s | {other:.3g} s | {ratio} |")


def compare(what, ours, theirs, *, rounds=3, part=1.0):
    """Time both in turn and print the medians and the ratio; of theirs only a `part` is run, and scaled up."""
    pairs = [(seconds(ours), seconds(theirs) / part) for _ in range(rounds)]
    mine, other = map(statistics.median, zip(*pairs, strict=True))
    ratios = sorted(their_time / our_time for our_time, their_time in pairs)
    ends = f"{ratios[0]:.2f} to {ratios[-1]:.2f}, {rounds} rounds"
    report(what, mine, other, f"{statistics.median(ratios):.2f} ({ends})")


def growth(what, sizes, work):
    """Print and return the seconds that `work(size)` takes for each size."""
    times = {size: seconds(partial(work, size)) for size in sizes}
    print(f"\n| {what} | " + " | ".join(f"{size:,}: {took:.3g} s" for size, took in times.items()) + " |")
    return times


def memory(field):
    """Return the bytes that Linux says this process holds ("VmRSS"), or held at most ("VmHWM")."""
    return 1024 * int(re.search(rf"{field}:\s+(\d+)", STATUS.read_text(encoding="utf-8"))[1])


def alone(work, *words):
    """Return what a function gives in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, words)
