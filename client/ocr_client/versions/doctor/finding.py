"""One finding, and how its advice is written."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path
from typing import Literal

from ocr_client.versions.site import Site

Severity = Literal["error", "warning", "note"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """error: answers are at risk. warning: the next swap is. note: good to know, nothing is wrong.

    mend: the command for it; empty for a note that needs none.
    """

    severity: Severity
    subject: str
    what: str
    mend: str = ""

    @property
    def wrong(self) -> bool:
        return self.severity != "note"


@dataclasses.dataclass(frozen=True)
class Mender:
    """Writes commands as they can be pasted into a shell.

    options: for each `ocrctl models`. config_options: for those that read the configuration.
    """

    site: Site
    options: str = ""
    config_options: str = ""

    def models(self, verb: str, *words: object) -> str:
        own = "" if verb == "recover" else self.config_options
        parts = ["ocrctl models", verb, *map(str, words), self.options, own]
        return " ".join(part for part in parts if part)

    def aside(self, path: Path) -> str:
        """Moves something out of the repository, to where nothing looks."""
        place = self.site.repository.work / "strays" / path.parent.name
        return f"mkdir -p {quoted(place)} && mv {quoted(path)} {quoted(place)}/"


def quoted(path: Path) -> str:
    """Relative where that is shorter."""
    relative = os.path.relpath(path)
    return shlex.quote(str(path) if relative.startswith("..") else relative)
