import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FONTS = Path(__file__).parents[2] / "build" / "fonts-small"


@pytest.fixture(scope="session")
def fonts_folder() -> Path:
    """The small fonts that `make test` fetches first."""
    assert (FONTS / "fonts.json").exists(), "run `make test`, which fetches the fonts"
    return FONTS


@pytest.fixture(autouse=True)
def _small_numbers_are_kept() -> Iterator[None]:
    """A training flushes denormal numbers to zero, for the whole process: tests after it are not
    trainings, and Hypothesis refuses to draw numbers then.
    """
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
