"""`ocrctl models`: versions in the repository and on the servers."""

from .verbs import app

__all__ = ["app"]
