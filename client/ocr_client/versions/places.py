"""The repository on disk, and the workplace beside it.

```
model_repository/crnn/config.pbtxt      Triton's; written here only as a whole, by rename
model_repository/crnn/2/model.onnx      and meta.json; never changed once they are there
.model_repository.versions/             same file system, not within the repository:
    transaction.json                    what is under way (see `journal`)
    history.jsonl                       what was done
    stage/                              copies that are not in the repository yet
    retired/crnn/1/                     kept versions, which `activate` brings back
    trash/                              on its way out
```
Triton takes any entry of a model directory for a reason to load all versions anew, and any
folder of the repository for a model; so the workplace lies beside it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocr_rollout.core.routing import Arm, RoutingError

from .errors import BadNameError, RepositoryError
from .files import sha256_of
from .policy import PolicyError, served_versions
from .rules import parse_config

CONFIG_FILE = "config.pbtxt"
MODEL_FILE = "model.onnx"
META_FILE = "meta.json"

_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclasses.dataclass(frozen=True)
class VersionFolder:
    """A place for one version, whether it is there or not."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / MODEL_FILE

    @property
    def meta(self) -> Path:
        return self.path / META_FILE

    def read_meta(self) -> dict[str, Any]:
        """Raises RepositoryError when it is missing or no JSON object with a digest."""
        try:
            meta = json.loads(self.meta.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RepositoryError(f"{self.meta}: missing; `ocrctl export onnx` writes it") from None
        except (OSError, ValueError) as error:
            raise RepositoryError(f"{self.meta}: cannot be read: {_reason(error)}") from None
        if not isinstance(meta, dict) or not isinstance(meta.get("sha256"), str):
            raise RepositoryError(f"{self.meta}: not a meta.json of ours: it names no sha256")
        return meta

    def digest(self) -> str:
        """SHA-256 of model.onnx as it lies there. Raises RepositoryError."""
        try:
            return sha256_of(self.model)
        except OSError as error:
            raise RepositoryError(f"{self.model}: {_reason(error)}") from None


@dataclasses.dataclass(frozen=True)
class ModelFolder:
    """A place for one model, whether it is there or not."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.path / CONFIG_FILE

    def version(self, number: int) -> VersionFolder:
        return VersionFolder(self.path / str(number))

    def config_text(self) -> str:
        """Raises RepositoryError when it cannot be read or is of another model."""
        try:
            text = self.config.read_text(encoding="utf-8")
            name = parse_config(text).get("name")
        except (OSError, ValueError) as error:
            raise RepositoryError(f"{self.config}: {_reason(error)}") from None
        if name != self.name:
            raise RepositoryError(f"{self.config}: its name is {name!r}, not {self.name!r}")
        return text

    def listed(self) -> tuple[int, ...]:
        """The versions that config.pbtxt tells Triton to load. Raises RepositoryError."""
        try:
            return served_versions(self.config_text(), parse_config)
        except PolicyError as error:
            raise RepositoryError(f"{self.config}: {error}") from None

    def there(self) -> tuple[int, ...]:
        """The numbered folders, ascending."""
        names = [entry.name for entry in _entries(self.path) if entry.is_dir()]
        return tuple(sorted(int(name) for name in names if _NUMBER.fullmatch(name)))

    def strays(self) -> tuple[str, ...]:
        """Everything else in the folder: each makes Triton load all versions anew."""
        known = {str(number) for number in self.there()} | {CONFIG_FILE}
        return tuple(sorted(entry.name for entry in _entries(self.path) if entry.name not in known))


@dataclasses.dataclass(frozen=True)
class Repository:
    """root: what Triton serves. work: the workplace; both absolute."""

    root: Path
    work: Path

    @classmethod
    def at(cls, root: Path | str, work: Path | str | None = None) -> Repository:
        """Raises RepositoryError unless it is a folder."""
        path = Path(root).resolve()
        if not path.is_dir():
            raise RepositoryError(f"model repository {root}: no such folder; name it: --repository")
        beside = path.parent / f".{path.name}.versions"
        place = beside if work is None else Path(work).resolve()
        if place == path or path in place.parents:
            raise RepositoryError(f"--work {work}: must lie outside the repository {root}")
        return cls(path, place)

    @property
    def stage(self) -> Path:
        return self.work / "stage"

    @property
    def trash(self) -> Path:
        return self.work / "trash"

    def model(self, name: str) -> ModelFolder:
        return ModelFolder(self.root / name)

    def version(self, arm: Arm) -> VersionFolder:
        return self.model(arm.model).version(arm.version)

    def retired(self, model: str) -> ModelFolder:
        """Where kept versions lie."""
        return ModelFolder(self.work / "retired" / model)

    def models(self) -> tuple[str, ...]:
        """Names of the folders with a config.pbtxt."""
        return tuple(sorted(path.parent.name for path in self.root.glob(f"*/{CONFIG_FILE}")))


def model_name(text: str) -> str:
    """Raises BadNameError."""
    try:
        return Arm.parse(f"{text}:1").model
    except RoutingError:
        raise BadNameError(
            f"{text!r} is no model name: letters, digits, '_', '-' and '.', e.g. crnn"
        ) from None


def version_number(text: str) -> int:
    """Raises BadNameError."""
    if not _NUMBER.fullmatch(text):
        raise BadNameError(
            f"{text!r} is no version: a whole number from 1 on without leading zeros, e.g. 2"
        )
    return int(text)


def arm_of(text: str) -> Arm:
    """MODEL:VERSION. Raises BadNameError."""
    name, colon, number = text.rpartition(":")
    if not colon:
        raise BadNameError(f"{text!r} is not MODEL:VERSION, e.g. crnn:2")
    return Arm(model_name(name), version_number(number))


def spec_parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """The string parameters of a parsed configuration."""
    return {
        key: str(value.get("string_value", ""))
        for key, value in config.get("parameters", {}).items()
    }


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RepositoryError(f"{folder}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return " ".join(str(error).split())
