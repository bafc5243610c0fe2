"""What several tests need."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import settings

from research_lib.project import PROJECT

settings.register_profile("kit", deadline=None)  # a time is never asserted: a slow machine is no fault
settings.load_profile("kit")


def read_table(name: str):
    """Read the cases of a test from a YAML file below tests."""
    return yaml.safe_load((PROJECT / "tests" / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that is not part of the project."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real data folder ../shared/data, which is not part of the project")
    return folder


@pytest.fixture(scope="module")  # not longer: Playwright runs an event loop, which no other may run beside
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e .[browser]")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("needs Chromium: install chromium, on Debian by apt-get install chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


def random_walk(sessions: int, *, seed: int, sd: float = 0.01, name: str = "WALK") -> pd.Series:
    steps = np.random.default_rng(seed).normal(0.0002, sd, sessions)
    dates = pd.bdate_range("2000-01-03", periods=sessions, name="date", unit="us")
    return pd.Series(100 * np.exp(steps.cumsum()), dates, name=name)


def write_prices(folder: Path, symbol: str, close: pd.Series) -> Path:
    """Write a price as the folder source reads it."""
    path = folder / "prices" / f"{symbol}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    close.rename("close").to_csv(path, index_label="date")
    return path
