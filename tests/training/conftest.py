from pathlib import Path

import pytest

FONTS = Path(__file__).parents[2] / "build" / "fonts-small"


@pytest.fixture(scope="session")
def fonts_folder() -> Path:
    """The small fonts that `make test` fetches first."""
    assert (FONTS / "fonts.json").exists(), "run `make test`, which fetches the fonts"
    return FONTS
