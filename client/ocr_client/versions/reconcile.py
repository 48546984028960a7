"""`recover`: what was interrupted is ended, then the servers serve what the files list."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ocr_rollout.core.routing import Arm

from . import files
from .alone import alone
from .errors import ControlError
from .site import Site

TRIES = 2  # a load by time stamp may miss a change within one tick of the server's clock


def reconcile(site: Site) -> Iterator[str]:
    """One line for each thing done. Raises VersionsError.

    Models and versions that the files do not list are unloaded; listed ones are loaded.
    """
    with alone(site, "recover"):
        for model in site.repository.models():
            folder = site.repository.model(model)
            listed = folder.listed()
            for _ in range(TRIES):
                if not _differs(site, model, listed):
                    break
                # A new time stamp: without one Triton does not look.
                content = folder.config_text().encode()
                files.replace(folder.config, content, work=site.repository.work)
                site.fleet.load(model)
                time.sleep(0.05)
                yield f"{model}: loaded anew, versions {', '.join(map(str, listed))}"
            for number in listed:
                site.fleet.wait_ready(Arm(model, number))
            for number in _extra(site, model, listed):
                site.fleet.wait_gone(Arm(model, number))
        yield from _unload_strangers(site)


def _differs(site: Site, model: str, listed: tuple[int, ...]) -> bool:
    for endpoint in site.fleet.endpoints:
        index = site.fleet.index(endpoint, model)
        if not all(number in index and index[number].ready for number in listed):
            return True
    return bool(_extra(site, model, listed))


def _extra(site: Site, model: str, listed: tuple[int, ...]) -> set[int]:
    return {
        number
        for endpoint in site.fleet.endpoints
        for number, state in site.fleet.index(endpoint, model).items()
        if number not in listed and state.ready
    }


def _unload_strangers(site: Site) -> Iterator[str]:
    """Models that a server still has although the repository has them no more."""
    known = set(site.repository.models())
    for endpoint in site.fleet.endpoints:
        states = site.fleet.control.index(endpoint)
        for model in sorted({state.model for state in states if state.ready} - known):
            try:
                site.fleet.control.unload(endpoint, model, site.fleet.timeout_s)
            except ControlError as error:  # noqa: PERF203  # a few models, seldom
                yield f"{model}: {error}"
            else:
                yield f"{model}: unloaded at {endpoint}, it is not in the repository"
