"""`retire`: a version leaves the servers, then the disk; never one that traffic needs.

```
not in use ─ config.pbtxt without it ─ load ─ index: unloaded ─ still not in use ─ folder goes
```
Triton answers what is in flight before it unloads, so nothing is lost to requests under way.
"""

from __future__ import annotations

from collections.abc import Callable

from ocr_rollout.core.routing import Arm

from . import intake, steps
from .alone import alone
from .errors import RepositoryError, UnfinishedError, said
from .journal import Transaction
from .policy import PolicyError, with_versions
from .rules import parse_config
from .site import Site, refuse_no_endpoint
from .traffic import Use, refuse_in_use

Uses = Callable[[], tuple[Use, ...]]


def retire(
    site: Site, arm: Arm, uses: Uses, *, keep: bool = False, stop_old: bool = False, by: str = ""
) -> None:
    """Raises InUseError, and VersionsError with the version still served.

    uses: reads who uses which arm, now; asked again before the folder goes.
    keep: the folder goes to the workplace, where `activate` finds it.
    stop_old: gives up the way back of a completed rollout; by says who.
    """
    if stop_old and not by.strip():
        raise RepositoryError("who gives up the way back? name the person: --by YOUR-NAME")
    refuse_no_endpoint(site)
    with alone(site, f"retire {arm}"):
        refuse_in_use(arm, uses(), stop_old=stop_old)
        model = site.repository.model(arm.model)
        listed = model.listed() if model.config.exists() else ()
        if arm.version not in {*listed, *model.there()}:
            there = intake.what_is_there(site, arm)
            raise RepositoryError(f"{arm} is not in {site.repository.root}{there}")
        before = model.config_text() if model.config.exists() else None
        rest = tuple(number for number in listed if number != arm.version)
        others = [number for number in model.there() if number not in (*rest, arm.version)]
        if listed == (arm.version,) and others:
            raise RepositoryError(
                f"{arm} is the last served version of {arm.model}, and {arm.model}:{others[0]} "
                "lies there unserved; activate or retire that first"
            )
        site.fleet.check()
        transaction = Transaction(
            id=site.new_id(),
            verb="retire",
            model=arm.model,
            version=arm.version,
            step="leaving" if arm.version in listed else "removing",
            config_before=before,
            config_after=_without(site, arm, before, rest) if rest or not listed else None,
            origin=None,
            keep=keep,
            facts={"sha256": _digest(site, arm), "by": by},
            started_at=site.now(),
        )
        _retire(site, transaction, rest, lambda: refuse_in_use(arm, uses(), stop_old=stop_old))


def _retire(
    site: Site, transaction: Transaction, rest: tuple[int, ...], still_free: Callable[[], None]
) -> None:
    arm = transaction.arm
    try:
        site.journal.write(transaction)
        if transaction.step == "leaving":
            steps.write_config(site, transaction)
            site.say(f"unloading {arm}")
            if transaction.config_after is None:
                for endpoint in site.fleet.endpoints:
                    site.fleet.control.unload(endpoint, arm.model, site.fleet.timeout_s)
            else:
                site.fleet.load(arm.model)
            site.fleet.wait_gone(arm)
            for number in rest:
                site.fleet.wait_ready(Arm(arm.model, number))
            still_free()
            transaction = site.journal.at(transaction, "removing")
        steps.finish(site, transaction)
    except BaseException as error:
        _put_back(site, transaction, error)
        raise


def _put_back(site: Site, transaction: Transaction, error: BaseException) -> None:
    if transaction.step == "removing":
        raise UnfinishedError(
            f"{said(error)}; {transaction.arm} is unloaded, its files are not all put away: "
            "ocrctl models recover"
        ) from error
    steps.put_back(site, transaction, error)


def _without(site: Site, arm: Arm, before: str | None, rest: tuple[int, ...]) -> str | None:
    """An unlisted version changes no configuration."""
    if before is None or not rest:
        return before
    try:
        return with_versions(before, rest, parse_config)
    except PolicyError as error:
        raise RepositoryError(f"{site.repository.model(arm.model).config}: {error}") from None


def _digest(site: Site, arm: Arm) -> str:
    try:
        return str(site.repository.version(arm).read_meta()["sha256"])
    except RepositoryError:
        return ""  # a version whose files are missing can be retired, too
