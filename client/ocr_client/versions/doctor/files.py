"""What the repository itself says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from ocr_client.versions import checks
from ocr_client.versions.errors import RepositoryError, UnfinishedError
from ocr_client.versions.places import ModelFolder
from ocr_client.versions.site import Site
from ocr_client.versions.traffic import Use
from ocr_rollout.core.routing import Arm

from .finding import Finding, Mender, quoted

FUTURE_S = 2.0


def findings(site: Site, used: tuple[Use, ...], mender: Mender) -> Iterator[Finding]:
    yield from _transaction(site, mender)
    yield from _top_level(site, mender)
    for name in site.repository.models():
        model = site.repository.model(name)
        for stray in model.strays():
            yield Finding(
                "error",
                f"{name}/{stray}",
                "neither config.pbtxt nor a version: a change of it loads every version anew",
                mender.aside(model.path / stray),
            )
        yield from _time_stamps(model)
        try:
            listed, text = model.listed(), model.config_text()
        except RepositoryError as error:
            yield Finding("error", name, str(error), _mend_config(model))
            continue
        busy = {use.arm for use in used}
        yield from _missing(model, listed, busy, mender)
        yield from _versions(site, model, listed, text, mender)


def _transaction(site: Site, mender: Mender) -> Iterator[Finding]:
    mend = mender.models("recover")
    try:
        found = site.journal.read()
    except UnfinishedError as error:
        path = site.repository.work / "transaction.json"
        yield Finding("error", "transaction", str(error), f"rm {quoted(path)}")
        return
    if found is not None:
        what = f"{found} is not finished (step {found.step}): under way, or it was killed"
        yield Finding("error", "transaction", what, mend)
        return
    left = [place for place in (site.repository.stage, site.repository.trash) if _filled(place)]
    if left:
        what = f"left over from a killed command: {', '.join(path.name for path in left)}"
        yield Finding("warning", "workplace", what, mend)


def _top_level(site: Site, mender: Mender) -> Iterator[Finding]:
    known = set(site.repository.models())
    for entry in sorted(site.repository.root.iterdir()):
        if entry.is_dir() and entry.name not in known:
            what = "a folder without config.pbtxt, which Triton lists as a model"
            yield Finding("warning", entry.name, what, mender.aside(entry))


def _missing(
    model: ModelFolder, listed: tuple[int, ...], busy: set[Arm], mender: Mender
) -> Iterator[Finding]:
    for number in sorted(set(listed) - set(model.there())):
        arm = Arm(model.name, number)
        what = "config.pbtxt lists it, its folder is missing: the model would not start"
        place = quoted(model.version(number).path)
        mend = (
            f"it has traffic: put {place} back from where it was trained or a backup, then: "
            f"{mender.models('recover')}"
            if arm in busy
            else mender.models("retire", arm)
        )
        yield Finding("error", str(arm), what, mend)


def _versions(
    site: Site, model: ModelFolder, listed: tuple[int, ...], text: str, mender: Mender
) -> Iterator[Finding]:
    for number in model.there():
        arm = Arm(model.name, number)
        if number not in listed:
            yield Finding(
                "note",
                str(arm),
                "lies here, config.pbtxt does not list it: served by nobody",
                f"{mender.models('activate', arm)}; or {mender.models('retire', arm)}",
            )
        else:
            yield from _version(site, model, number, text, mender)


def _version(
    site: Site, model: ModelFolder, number: int, text: str, mender: Mender
) -> Iterator[Finding]:
    arm, folder = Arm(model.name, number), model.version(number)
    mend = (
        f"put a good copy back, or publish one, move the traffic there, then: "
        f"{mender.models('retire', arm)}"
    )
    if reasons := checks.verify(arm, folder, text):
        yield Finding("error", str(arm), "; ".join(reasons), mend)
    event = site.history.last(arm)
    said = str(event.facts.get("sha256", "")) if event else ""
    if event and said and folder.model.is_file() and folder.digest() != said:
        what = (
            f"model.onnx is not the file that was proven ({event.verb}, SHA-256 {said[:12]}...): "
            "it was changed under a loaded version, and the next start would load it"
        )
        yield Finding("error", str(arm), what, mend)


def _time_stamps(model: ModelFolder) -> Iterator[Finding]:
    """Triton sees a change by a later time stamp, so one in the future hides the next change."""
    for path in (model.config, *(model.version(number).path for number in model.there())):
        ahead = path.stat().st_mtime - time.time() if path.exists() else 0.0
        if ahead > FUTURE_S:
            what = (
                f"its time stamp lies {ahead:.0f} s in the future: changes are not seen till then"
            )
            yield Finding("error", f"{model.name}/{path.name}", what, f"touch {quoted(path)}")


def _mend_config(model: ModelFolder) -> str:
    path = quoted(model.config)
    try:
        text = model.config.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = "version_policy"
    if "version_policy" in text or not model.there():
        return f"correct {path} by hand, then: ocrctl models doctor"
    listed = ", ".join(map(str, model.there()))
    line = f"version_policy {{ specific {{ versions: [ {listed} ] }} }}"
    return f"printf '\\n{line}\\n' >> {path}"


def _filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
