"""Trained versions beside made ones in one repository."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarks.rollout_site import ROOT

from ocr_rollout.core.routing import Arm


def add(repository: Path, arms: tuple[Arm, ...], beside: tuple[int, ...]) -> None:
    """Copies each of model_repository/'s arms, with its configuration, but without its warm-up.

    beside: versions of the last arm's model that lie there already, and might fail on its noise.
    """
    for arm in arms:
        source, target = ROOT / "model_repository" / arm.model, repository / arm.model
        shutil.copytree(source / str(arm.version), target / str(arm.version))
        text = (source / "config.pbtxt").read_text(encoding="utf-8")
        versions = [arm.version, *(beside if arm == arms[-1] else ())]
        listed = f"specific {{ versions: [ {', '.join(map(str, sorted(versions)))} ] }}"
        text, found = re.subn(r"specific\s*\{\s*versions:\s*\[[^\]]*\]\s*\}", listed, text)
        assert found == 1, f"{source}/config.pbtxt: no version_policy to change"
        (target / "config.pbtxt").write_text(text[: text.index("model_warmup")], encoding="utf-8")
