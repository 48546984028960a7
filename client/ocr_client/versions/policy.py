"""`version_policy` in the text of a config.pbtxt: read it, and write it without touching the rest.

Only the form that export writes is changed, `version_policy { specific { versions: [ 1, 2 ] } }`
(any white space). A text that says it otherwise is refused: guessing would change a file that
somebody wrote by hand. Pure; the parser is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Parse = Callable[[str], Mapping[str, Any]]

_POLICY = re.compile(
    r"^(?P<head>version_policy\s*:?\s*\{\s*specific\s*:?\s*\{\s*versions\s*:\s*)"
    r"\[[\d\s,]*\](?P<tail>\s*\}\s*\})",
    re.MULTILINE,
)


class PolicyError(ValueError):
    """The text cannot be read, or cannot be changed safely. One line."""


def served_versions(text: str, parse: Parse) -> tuple[int, ...]:
    """Ascending; what Triton loads of this model. Raises PolicyError unless it is `specific`."""
    policy = _parsed(text, parse).get("version_policy")
    specific = policy.get("specific") if isinstance(policy, dict) else None
    listed = specific.get("versions") if isinstance(specific, dict) else None
    if not listed:
        raise PolicyError(
            "version_policy is not `specific`, so that one broken version would take the model "
            "down; write version_policy { specific { versions: [ 1 ] } }"
        )
    for version in listed:
        if type(version) is not int:
            raise PolicyError(f"version_policy: {version!r} is no number of a version")
    return tuple(sorted(set(listed)))


def with_versions(text: str, versions: tuple[int, ...], parse: Parse) -> str:
    """The same text but for the list of versions. Raises PolicyError when that is not certain.

    versions: one or more; Triton knows no empty list.
    """
    if not versions or min(versions) < 1:
        raise PolicyError(f"versions {versions}: one or more numbers from 1 on are needed")
    before = _parsed(text, parse)
    listed = ", ".join(map(str, sorted(set(versions))))
    changed, count = _POLICY.subn(rf"\g<head>[ {listed} ]\g<tail>", text)
    if count == 1:
        after = _parsed(changed, parse)
        rest = [{**config, "version_policy": None} for config in (before, after)]
        if served_versions(changed, parse) == tuple(sorted(set(versions))) and rest[0] == rest[1]:
            return changed
    raise PolicyError(
        "its version_policy is not written as ocrctl writes it; make that one line of its own: "
        "version_policy { specific { versions: [ 1 ] } }"
    )


def _parsed(text: str, parse: Parse) -> dict[str, Any]:
    try:
        return dict(parse(text))
    except ValueError as error:
        raise PolicyError(str(error)) from None
