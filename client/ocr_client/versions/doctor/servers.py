"""What the servers say: against the files, and against what traffic needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ocr_client.config import ClientConfig
from ocr_client.control import Endpoint
from ocr_client.versions.errors import ControlError, EndpointDownError, RepositoryError
from ocr_client.versions.fleet import servers_of
from ocr_client.versions.site import Site
from ocr_client.versions.traffic import Use
from ocr_rollout.core.routing import Arm

from .finding import Finding, Mender, quoted

UP = "ocrctl server up --detach"
AGAIN = f"ocrctl server down && {UP}"
COMPOSE = "docker-compose.yml"


def findings(
    site: Site, config: ClientConfig, used: tuple[Use, ...], mender: Mender
) -> Iterator[Finding]:
    listed = _listed(site)
    if not site.fleet.endpoints:
        what = f"no server of yours serves {site.repository.root}; only files were looked at"
        yield Finding("note", "servers", what, f"{UP}; or name it: --endpoint HTTP,GRPC")
    for endpoint in site.fleet.endpoints:
        yield from _endpoint(site, endpoint, listed, mender)
    ours = {endpoint.http for endpoint in site.fleet.endpoints}
    for url in config.triton.urls:
        if ours and url not in ours:
            what = (
                f"triton.urls sends requests there, and it is not among {', '.join(sorted(ours))}"
            )
            named = mender.models("doctor", f"--endpoint {url},GRPC")
            yield Finding("warning", url, what, f"correct triton.urls, or name it: {named}")
    yield from _in_use(site, used, listed, mender)
    yield from _cold_start(site, used, listed)


def _listed(site: Site) -> dict[str, tuple[int, ...]]:
    """Of every model whose configuration can be read."""
    found = {}
    for name in site.repository.models():
        try:
            found[name] = site.repository.model(name).listed()
        except RepositoryError:  # noqa: PERF203  # told by `files`
            continue
    return found


def _endpoint(
    site: Site, endpoint: Endpoint, listed: dict[str, tuple[int, ...]], mender: Mender
) -> Iterator[Finding]:
    try:
        states = site.fleet.control.index(endpoint)
    except ControlError as error:
        down = isinstance(error, EndpointDownError)
        yield Finding("error", str(endpoint), str(error), UP if down else "see the message")
        return
    ready = {
        Arm(state.model, int(state.version))
        for state in states
        if state.ready and state.version.isdigit()
    }
    reasons = {f"{state.model}:{state.version}": state.reason for state in states}
    wanted = {Arm(model, number) for model, numbers in listed.items() for number in numbers}
    mend = mender.models("recover")
    for arm in sorted(wanted - ready):
        reason = reasons.get(str(arm), "")
        what = (
            f"config.pbtxt lists it, {endpoint} does not serve it{': ' if reason else ''}{reason}"
        )
        yield Finding("error", str(arm), what, mend)
    for arm in sorted(ready - wanted):
        what = f"{endpoint} serves it, config.pbtxt does not list it: gone after the next start"
        yield Finding("error", str(arm), what, mend)


def _in_use(
    site: Site, used: tuple[Use, ...], listed: dict[str, tuple[int, ...]], mender: Mender
) -> Iterator[Finding]:
    for arm in dict.fromkeys(use.arm for use in _needed(site, used)):
        if arm.version in listed.get(arm.model, ()):
            continue
        why = next(use.why for use in used if use.arm == arm)
        here = site.repository.version(arm).path.is_dir()
        kept = site.repository.retired(arm.model).version(arm.version).path.is_dir()
        mend = (
            mender.models("activate", arm)
            if here or kept
            else mender.models("publish", arm.model, "FILE", f"--version {arm.version}")
        )
        yield Finding("error", str(arm), f"{why}, and config.pbtxt does not list it", mend)


def _needed(site: Site, used: tuple[Use, ...]) -> list[Use]:
    """Without models that only help, where the repository has none of them."""
    there = set(site.repository.models())
    return [use for use in used if not use.helps or use.arm.model in there]


def _cold_start(
    site: Site, used: tuple[Use, ...], listed: dict[str, tuple[int, ...]]
) -> Iterator[Finding]:
    """What the next start would load; its list is the embedded server's, or compose's."""
    for where, models, mend in _start_lists(site):
        loads = [f"{model}:{number}" for model in models for number in listed.get(model, ())]
        what = f"a start would load {', '.join(loads) or 'nothing'}"
        yield Finding("note", where, what)
        needed = _needed(site, used)
        for model in sorted({use.arm.model for use in needed} - set(models)):
            why = next(use.why for use in used if use.arm.model == model)
            what = f"its start list lacks {model} ({why}): after the next start nobody serves it"
            yield Finding("error", where, what, mend.format(model=model))


def _start_lists(site: Site) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for server in servers_of(site.repository.root):
        yield f"server {server.http_url}", server.models, AGAIN
    compose: Path = site.repository.root.parent / COMPOSE
    if not compose.is_file():
        return
    text = compose.read_text(encoding="utf-8", errors="replace")
    models = tuple(re.findall(r"--load-model=([\w.-]+)", text))
    if models:
        line = rf"s/^( *- --load-model=){re.escape(models[-1])}$/&\n\1{{model}}/"
        mend = f"sed -i -E '{line}' {quoted(compose)}"
        yield COMPOSE, models, mend
