"""Repository, servers and store side by side: what does not fit, and the command that mends it.

Reads only. `examine` asks the parts in the order in which things break: files, servers, traffic,
machine.
"""

from __future__ import annotations

from ocr_client.config import ClientConfig
from ocr_client.versions.errors import RepositoryError
from ocr_client.versions.site import Site
from ocr_client.versions.traffic import Use, read_state, uses

from . import files, machine, servers
from .finding import Finding, Mender

__all__ = ["Finding", "examine"]


def examine(
    site: Site, config: ClientConfig, *, options: str = "", config_options: str = ""
) -> tuple[Finding, ...]:
    """Never raises for what it is to find.

    options, config_options: what the commands in the advice end with, the second where a verb
    reads the configuration.
    """
    mender = Mender(site, options, config_options)
    found: list[Finding] = []
    used: tuple[Use, ...] = ()
    try:
        state = read_state(config)
        used = uses(config, state)
    except RepositoryError as error:
        mend = "see that the store can be reached, then: ocrctl models doctor"
        found.append(Finding("error", "store", str(error), mend))
    found = [*files.findings(site, used, mender), *found]
    found += servers.findings(site, config, used, mender)
    found += machine.findings(site, config, used, mender)
    return tuple(found)
