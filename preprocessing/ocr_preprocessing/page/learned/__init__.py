"""Finding lines by a model: what it is shown, what its maps mean, and how they become quads."""

from ocr_preprocessing.finder_spec import FinderSpec, finds_lines

from .find import find_lines_learned
from .maps import AskMaps, MapsError

__all__ = ["AskMaps", "FinderSpec", "MapsError", "find_lines_learned", "finds_lines"]
