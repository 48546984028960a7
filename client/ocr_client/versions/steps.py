"""The second half of every transaction: finish it, or put everything back. Both may be repeated.

They are the same after a fault, after Ctrl+C and after a kill, so that there is one way back and
it is the tested one. What a step left half done is found by looking, not by remembering.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from . import files
from .errors import LoadFailedError, RepositoryError, UnfinishedError, VersionsError, said
from .journal import Event, Transaction
from .places import Repository
from .policy import PolicyError, served_versions
from .rules import parse_config

if TYPE_CHECKING:
    from .site import Site


def finish(site: Site, transaction: Transaction) -> None:
    """From `proven` or `removing` to the end."""
    if transaction.verb == "retire":
        _take_away(site, transaction)
    else:
        _list(site, transaction)
    site.history.add(
        Event(
            site.now(), transaction.verb, transaction.arm, transaction.id, dict(transaction.facts)
        )
    )
    site.journal.clear()


def put_back(site: Site, transaction: Transaction, error: BaseException) -> None:
    """`undo` because of a fault, which the caller raises again.

    Raises UnfinishedError with both reasons when that fails as well.
    """
    site.say(f"putting everything back: {said(error)}")
    try:
        undo(site, transaction)
    except VersionsError as second:
        raise UnfinishedError(
            f"{said(error)}; and not all could be put back: {second}; to go on with that: "
            "ocrctl models recover"
        ) from error


def undo(site: Site, transaction: Transaction) -> None:
    """From any step but `removing` to where it began. Raises UnfinishedError or ControlError."""
    if transaction.step != "staged":
        restore_config(site, transaction)
        if transaction.verb == "retire":
            # Servers that had dropped the version load it again from where it still lies.
            site.fleet.load(transaction.model)
            for version in _versions(transaction.config_before):
                site.fleet.wait_ready(type(transaction.arm)(transaction.model, version))
        else:
            _drop(site, transaction)
            _take_out(site.repository, transaction)
    if transaction.verb == "publish" and transaction.origin is not None:
        files.remove(site.repository.work / transaction.origin)
    site.journal.clear()


def write_config(site: Site, transaction: Transaction) -> None:
    """Puts config_after in place; None: the model's last version leaves, so the file stays."""
    model = site.repository.model(transaction.model)
    if transaction.config_after is not None:
        files.replace(model.config, transaction.config_after.encode(), work=site.repository.work)


def restore_config(site: Site, transaction: Transaction) -> None:
    """Puts config_before in place, with a new time stamp: only then does Triton look again.

    Raises UnfinishedError when somebody else has changed the file meanwhile.
    """
    model = site.repository.model(transaction.model)
    try:
        now = model.config.read_text(encoding="utf-8")
    except FileNotFoundError:
        now = None
    if now not in (transaction.config_before, transaction.config_after, None):
        raise UnfinishedError(
            f"{model.config} was changed while {transaction} was under way; make its versions "
            f"{list(_versions(transaction.config_before))}, or delete "
            f"{site.repository.work / 'transaction.json'} if it is as it should be"
        )
    if transaction.config_before is None:
        if now is not None:
            files.remove(model.config)
    else:
        content = transaction.config_before.encode()
        files.replace(model.config, content, work=site.repository.work)


def sweep(repository: Repository) -> None:
    """Throws away what belongs to no transaction. Only with the lock, and none open."""
    for place in (repository.stage, repository.trash):
        if place.is_dir():
            files.remove(place)
    if repository.work.is_dir():
        for temporary in repository.work.glob("new-*"):
            files.remove(temporary)


def _list(site: Site, transaction: Transaction) -> None:
    """config.pbtxt names the version, and every endpoint serves by that file alone."""
    model = site.repository.model(transaction.model)
    if not model.config.exists() or model.config_text() != transaction.config_after:
        write_config(site, transaction)
    site.fleet.load(transaction.model)
    for version in _versions(transaction.config_after):
        site.fleet.wait_ready(type(transaction.arm)(transaction.model, version))
    if transaction.origin is not None and transaction.config_before is None:
        files.remove(site.repository.retired(transaction.model).config)  # it is back in place


def _drop(site: Site, transaction: Transaction) -> None:
    """No endpoint has the version any more; the others were never touched."""
    if transaction.config_before is None:
        for endpoint in site.fleet.endpoints:
            site.fleet.control.unload(endpoint, transaction.model, site.fleet.timeout_s)
    else:
        try:
            site.fleet.load(transaction.model)
        except LoadFailedError as error:  # what counts is whether the version is gone
            site.say(str(error))
    site.fleet.wait_gone(transaction.arm)


def _take_out(repository: Repository, transaction: Transaction) -> None:
    """The version's folder goes back to where it came from."""
    if transaction.origin is None:
        return
    place, origin = repository.version(transaction.arm).path, repository.work / transaction.origin
    if place.is_dir():
        files.make_folder(origin.parent)
        files.move(place, origin)
    if transaction.config_before is None:
        _remove_if_empty(repository, transaction.model)


def _take_away(site: Site, transaction: Transaction) -> None:
    """The retired version's folder goes into `retired/`, or away. No endpoint has it."""
    repository, arm = site.repository, transaction.arm
    place, model = repository.version(arm).path, repository.model(arm.model)
    aside = repository.retired(arm.model)
    if transaction.keep:
        files.make_folder(aside.path)
    else:
        files.make_folder(repository.trash)
    if place.exists():
        target = aside.version(arm.version).path
        files.move(place, target if transaction.keep else repository.trash / transaction.id)
    if transaction.config_before is not None and transaction.config_after is None:
        # The model's last version: without a version Triton takes no configuration either.
        if model.config.exists() and transaction.keep:
            files.replace(aside.config, transaction.config_before.encode(), work=repository.work)
        files.remove(model.config)
        _remove_if_empty(repository, arm.model)
    files.remove(repository.trash / transaction.id)


def _remove_if_empty(repository: Repository, model: str) -> None:
    with contextlib.suppress(OSError):  # not empty: then somebody else's, and theirs to keep
        repository.model(model).path.rmdir()


def _versions(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    try:
        return served_versions(text, parse_config)
    except PolicyError as error:
        raise RepositoryError(f"config.pbtxt: {error}") from None
