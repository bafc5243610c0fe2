"""What all tests share."""

from pathlib import Path

import pytest

from research_lib.project import PROJECT

SHARED_DATA = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real vendors' data, which is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs real data in ../shared/data, which is not redistributed")
    return SHARED_DATA
