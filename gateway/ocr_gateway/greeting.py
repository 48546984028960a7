"""What `ocrctl serve` says when it begins: where it is, and who will answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ocr_client import Arm, OCRClient, OCRError

from .tokens import Tokens

Line = tuple[str, str]


def lines(client: OCRClient, forced: Arm | None, tokens: Tokens, address: str) -> Iterator[Line]:
    """Name and value of each, for people. No token is among them: only where it lies."""
    yield "serving", address
    yield "pages", f"{address}/ to read, {address}/rollout, {address}/review"
    yield "REST", f"POST {address}/ocr; all of it: {address}/openapi.json"
    yield "admin", f"token in {tokens.admin.path}"
    if tokens.reviewer is not None:
        yield "reviewers", f"token in {tokens.reviewer.path}"
    yield "routing", _routing(client, forced)
    yield "Triton", _triton(client, forced)
    yield "stop", "Ctrl-C"


def show(found: Iterable[Line]) -> None:
    for name, value in found:
        print(f"  {name:<9} {value}", flush=True)


def _routing(client: OCRClient, forced: Arm | None) -> str:
    if forced is not None:
        return f"off: {forced} answers everything (--model)"
    standing = client.rollout
    if not standing.enabled:
        return f"{standing.stable} answers everything; the configuration gives no share away"
    share = f"{standing.candidate} has {standing.weight * 100:g} %, {standing.stable} the rest"
    phase = f"phase {standing.phase} of {standing.phases}, " if standing.phase else ""
    return f"{share} (rollout {standing.rollout}, {phase}{standing.status.replace('_', ' ')})"


def _triton(client: OCRClient, forced: Arm | None) -> str:
    urls = ", ".join(client.config.triton.urls)
    try:
        client.check(forced)
    except OCRError as error:
        return f"NOT READY: {error}"
    return f"{urls} answers"
