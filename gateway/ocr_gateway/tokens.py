"""The tokens of the service: where they lie, and whether a given one is one of them.

| token | file |
|---|---|
| admin | `OCR_ROLLOUT_ADMIN_TOKEN_FILE`, else `service.admin_token_file`, else one that is made |
| reviewer | `service.reviewer_token_file`; none where that is left out |

A token is never logged, printed, or kept in memory: what is kept is its SHA-256.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from .settings import ServiceSettings

ADMIN_VARIABLE: Final = "OCR_ROLLOUT_ADMIN_TOKEN_FILE"
STATE_VARIABLE: Final = "OCR_ROLLOUT_STATE"
SHORTEST: Final = 20  # characters: from there on nobody guesses it, however fast
LONGEST: Final = 500
_ACCEPTED = re.compile(rf"[A-Za-z0-9._~+/=-]{{{SHORTEST},{LONGEST}}}")  # what a header may bear

Role = Literal["reviewer", "admin"]


class TokenError(Exception):
    """A file of a token that cannot be used, in one line that says what to do."""


@dataclasses.dataclass(frozen=True)
class Token:
    """path: of its file. digest: SHA-256 of the token."""

    role: Role
    path: Path
    digest: bytes = dataclasses.field(repr=False)

    def is_given(self, digest: bytes) -> bool:
        """Takes as long whatever the digest is."""
        return hmac.compare_digest(self.digest, digest)


@dataclasses.dataclass(frozen=True)
class Tokens:
    """reviewer: None where nobody may only review."""

    admin: Token
    reviewer: Token | None = None

    def role_of(self, given: str) -> Role | None:
        """Whose token it is; None: nobody's."""
        digest = _digest(given)
        # Both are compared each time, so that the time says nothing of which one was near.
        found = [token for token in (self.admin, self.reviewer) if token and token.is_given(digest)]
        return found[0].role if found else None


def load(settings: ServiceSettings, environment: Mapping[str, str] = os.environ) -> Tokens:
    """All workers and services of one user on one host come to the same admin token.

    Raises TokenError.
    """
    named = environment.get(ADMIN_VARIABLE)
    configured = Path(named) if named else settings.admin_token_file
    admin = _token("admin", configured or _made(environment))
    if settings.reviewer_token_file is None:
        return Tokens(admin)
    reviewer = _token("reviewer", settings.reviewer_token_file)
    if reviewer.digest == admin.digest:
        raise TokenError(
            f"{reviewer.path}: holds the admin's token, and reviewers may not order; "
            "put another one into it"
        )
    return Tokens(admin, reviewer)


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """As the embedded server chooses it: OCR_ROLLOUT_STATE, else in the XDG state folder.

    Raises TokenError where this user has no home.
    """
    if own := environment.get(STATE_VARIABLE):
        return Path(own).absolute()
    if base := environment.get("XDG_STATE_HOME"):
        return Path(base).absolute() / "ocr-rollout"
    try:
        return Path.home() / ".local/state/ocr-rollout"
    except RuntimeError:
        raise TokenError(
            f"there is no place for the admin token: set {STATE_VARIABLE} to a folder, or "
            f"{ADMIN_VARIABLE} to a file that holds one"
        ) from None


def _token(role: Role, path: Path) -> Token:
    content = _read(path).strip()
    if _ACCEPTED.fullmatch(content) is None:
        raise TokenError(
            f"{path}: not a token; accepted: one line of {SHORTEST} to {LONGEST} characters of "
            "A-Z a-z 0-9 . _ ~ + / = -, e.g. of: openssl rand -hex 32"
        )
    return Token(role, path, _digest(content))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _read(path: Path) -> str:
    """Raises TokenError, also where others than this user could read or change it."""
    try:
        # Non-blocking: a named pipe is refused, and not waited for.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _refuse_exposed(path, os.fstat(fd))
            return os.read(fd, LONGEST + 2).decode("ascii", "replace")
        finally:
            os.close(fd)
    except OSError as error:
        raise TokenError(f"{path}: {_reason(error)}; it is to hold a token") from None


def _refuse_exposed(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise TokenError(f"{path}: not a regular file; name a file that holds the token")
    mine, others = found.st_uid == os.geteuid(), found.st_mode & 0o077
    if mine and others:
        raise TokenError(
            f"{path}: others can read or change it (mode {stat.S_IMODE(found.st_mode):o}); "
            f"put a new token into it and run: chmod 600 {path}"
        )
    # A mounted secret belongs to root, and is read through a group (Kubernetes' fsGroup).
    if not mine and (found.st_uid != 0 or others & ~0o040):
        raise TokenError(
            f"{path}: belongs to user {found.st_uid} with mode "
            f"{stat.S_IMODE(found.st_mode):o}; accepted: your own with mode 600, or root's 440"
        )


def _made(environment: Mapping[str, str]) -> Path:
    """The file of the token that is made where none is configured."""
    path = state_folder(environment) / "service" / "admin-token"
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_once(path, secrets.token_urlsafe(32))
        except OSError as error:
            raise TokenError(
                f"{path}: cannot be made: {_reason(error)}; set {STATE_VARIABLE} to a folder that "
                f"can be written, or {ADMIN_VARIABLE} to a file that holds a token"
            ) from None
    return path


def _write_once(path: Path, token: str) -> None:
    """Complete or not at all; of several processes the first one's stands. Raises OSError."""
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=".token-")  # mode 600, a new file
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(fd)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)  # unlike a rename it replaces nothing
    finally:
        Path(temporary).unlink()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
