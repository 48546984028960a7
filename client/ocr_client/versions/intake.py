"""What is refused before anything is written: names, numbers, files, configurations, disk space."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ocr_rollout.core.routing import Arm

from . import checks, files
from .errors import RefusedError, RepositoryError
from .places import META_FILE, MODEL_FILE, ModelFolder, VersionFolder
from .policy import PolicyError, with_versions
from .rules import parse_config
from .site import Site

SPARE_BYTES = 64 << 20  # left on the disk beside the copy, for logs and the store


def source_of(onnx: Path) -> VersionFolder:
    """Raises RepositoryError unless model.onnx is there."""
    folder = onnx if onnx.is_dir() else onnx.parent
    if onnx.name != MODEL_FILE and not onnx.is_dir() and onnx.exists():
        raise RepositoryError(
            f"{onnx}: the file must be called {MODEL_FILE}, {META_FILE} beside it"
        )
    source = VersionFolder(folder)
    if not source.model.is_file():
        raise RepositoryError(f"{source.model}: no such file; `ocrctl export onnx` writes it")
    return source


def config_of_new(site: Site, model: str, source: VersionFolder) -> Path:
    """For a model that has none in the repository: the one kept aside, else the one exported."""
    kept = site.repository.retired(model).config
    return kept if kept.is_file() else ModelFolder(source.path.absolute().parent).config


def free_number(site: Site, model: str, version: int | None) -> int:
    """A number that was never served. Raises RepositoryError."""
    folder, aside = site.repository.model(model), site.repository.retired(model)
    known = {event.arm.version for event in site.history.events() if event.arm.model == model}
    known |= {*folder.there(), *aside.there()}
    if folder.config.exists():
        known |= set(folder.listed())
    if version is None:
        return max(known, default=0) + 1
    if version in known:
        raise RepositoryError(
            f"{model}:{version} exists or existed, and versions never change; the next free one "
            f"is {max(known) + 1}"
        )
    return version


def configs(model: ModelFolder, arm: Arm, other: Path) -> tuple[str | None, str]:
    """config.pbtxt as it is, and with the version. other: for a model that has none yet."""
    try:
        if model.config.exists():
            before = model.config_text()
            return before, with_versions(before, (*model.listed(), arm.version), parse_config)
        if not other.is_file():
            raise RepositoryError(
                f"{arm.model} is new here, so its configuration is needed too: --config-pbtxt FILE"
            )
        text = other.read_text(encoding="utf-8")
        if parse_config(text).get("name") != arm.model:
            raise RepositoryError(f"{other}: not the configuration of {arm.model}")
        return None, with_versions(text, (arm.version,), parse_config)
    except (PolicyError, ValueError, OSError) as error:
        raise RepositoryError(f"{model.config}: {error}") from None


def refuse_unfit(
    site: Site, arm: Arm, facts: checks.Facts, config: str, *, new_alphabet: bool
) -> None:
    found = checks.problems(facts, config)
    if facts.meta.get("model", arm.model) != arm.model:
        found = (*found, f"meta.json says it is a version of {facts.meta['model']}")
    model = site.repository.model(arm.model)
    if not new_alphabet and model.config.exists():
        newest = model.version(model.listed()[-1])
        served = checks.read_facts(newest.model, {}, sha256="")
        known = Arm(arm.model, model.listed()[-1])
        if (problem := checks.alphabet_problem(facts.graph, served.graph, known)) is not None:
            found = (*found, problem)
    if found:
        raise RefusedError(str(arm), found)


def refuse_same_file(site: Site, arm: Arm, sha256: str) -> None:
    aside = site.repository.retired(arm.model)
    for folder, what in (
        (site.repository.model(arm.model), "is this very file"),
        (aside, "was this very file and is kept; to serve it: ocrctl models activate"),
    ):
        for number in folder.there():
            with contextlib.suppress(RepositoryError):
                if folder.version(number).read_meta()["sha256"] == sha256:
                    raise RefusedError(str(arm), (f"{arm.model}:{number} {what}",))


def refuse_full_disk(site: Site, size: int) -> None:
    """Raises RepositoryError. A full disk stops logs and the store as well as this."""
    with files.explained(site.repository.work):
        free = shutil.disk_usage(site.repository.work).free
    if free < size + SPARE_BYTES:
        raise RepositoryError(
            f"{site.repository.work}: {free >> 20} MB free, {(size + SPARE_BYTES) >> 20} MB "
            "are needed; free some space"
        )


def what_is_there(site: Site, arm: Arm) -> str:
    numbers = (
        *site.repository.model(arm.model).there(),
        *site.repository.retired(arm.model).there(),
    )
    return f"; there are: {', '.join(map(str, sorted(numbers)))}" if numbers else ""
