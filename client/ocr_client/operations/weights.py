"""The digests of weights: what a tombstone is put on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from ocr_client.versions.files import sha256_of
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import Tombstone

from .refused import RefusedError

SHORTEST = 8  # characters of a digest that stand for all of it


def of_model(repository: Path, arm: Arm) -> str:
    """SHA-256 of the arm's `model.onnx`, 64 hexadecimal digits.

    Raises RefusedError where there is none, or where the `meta.json` beside it names another one:
    then nobody knows what these weights are.
    """
    file = repository / arm.model / str(arm.version) / "model.onnx"
    try:
        digest = sha256_of(file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RefusedError(
            f"{file}: {reason}; name the model repository with --repository, or the weights' "
            "SHA-256 with --digest"
        ) from None
    said = _published(file.parent / "meta.json")
    if said is not None and said != digest:
        raise RefusedError(
            f"{file}: its SHA-256 is {digest[:12]}..., not {said[:12]}... as meta.json says; "
            "publish the version again"
        )
    return digest


def given(digest: str | None) -> str | None:
    """In lower case. Raises RefusedError unless it is a SHA-256 in hexadecimal digits."""
    if digest is None:
        return None
    if re.fullmatch(r"[0-9a-fA-F]{64}", digest) is None:
        raise RefusedError(f"--digest: {digest!r:.80} is not a SHA-256; accepted: 64 hex digits")
    return digest.lower()


def _published(file: Path) -> str | None:
    """The digest in a `meta.json`; None where there is no such file or no digest in it."""
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RefusedError(f"{file}: cannot be read: {error}; publish the version again") from None
    said = document.get("sha256") if isinstance(document, dict) else None
    return said.lower() if isinstance(said, str) else None


def spelled_out(digest: str, stones: Iterable[Tombstone]) -> str:
    """The whole digest of the one tombstone that begins so; else as it was given."""
    begin = [stone.digest for stone in stones if stone.digest.startswith(digest.lower())]
    return begin[0] if len(begin) == 1 and len(digest) >= SHORTEST else digest
