"""`publish` and `activate`: a version becomes ready for traffic, or nothing has changed.

```
copy ─ check ─┬─ rename into the model's folder
              ├─ load on every endpoint, with a configuration that only this load knows
              ├─ exactly this version ready, the others still ready
              ├─ every width bucket, then the golden lines, on exactly this version
              └─ config.pbtxt lists it ─ load by that file ─ ready for traffic
```
Until the last line config.pbtxt does not name the version. So a server that starts anew at any
moment loads proven versions only, and one broken version cannot take the model down with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ocr_preprocessing.finder_spec import finds_lines
from ocr_rollout.core.routing import Arm

from . import checks, files, intake, steps
from .alone import alone
from .errors import RefusedError, RepositoryError
from .golden import GoldenSet, Score, Tolerance, judge
from .journal import Transaction
from .places import VersionFolder, model_name, spec_parameters
from .proof import check_images, prove, reference_score
from .rules import parse_config
from .site import Site, refuse_no_endpoint


@dataclasses.dataclass(frozen=True)
class Standard:
    """What a version must show.

    against: the arm in production to compare with; None: the newest served version of the same
        model, and where there is none, stable.
    stable: of the clients' configuration, where it is known.
    new_alphabet: other characters than the served version's are meant.
    """

    golden: GoldenSet
    tolerance: Tolerance = dataclasses.field(default_factory=Tolerance)
    against: Arm | None = None
    stable: Arm | None = None
    new_alphabet: bool = False


@dataclasses.dataclass(frozen=True)
class Ready:
    """A version that is ready for traffic. endpoints: HTTP addresses. verdicts: of each, one line."""

    arm: Arm
    sha256: str
    endpoints: tuple[str, ...]
    cer: float
    verdicts: tuple[str, ...]


def publish(
    site: Site,
    model: str,
    onnx: Path,
    standard: Standard,
    *,
    version: int | None = None,
    config: Path | None = None,
) -> Ready:
    """A new version from files elsewhere. Raises VersionsError with everything put back.

    onnx: model.onnx, or a folder with it; meta.json beside it is checked and taken along.
    version: None: the next number. config: config.pbtxt of a model that is new here; None: the
        one in the folder above onnx.
    """
    refuse_no_endpoint(site)
    with alone(site, f"publish {model_name(model)}"):
        check_images(standard.golden)
        source = intake.source_of(onnx)
        arm = Arm(model, intake.free_number(site, model, version))
        before, after = intake.configs(
            site.repository.model(model), arm, config or intake.config_of_new(site, model, source)
        )
        meta = source.read_meta() if source.meta.exists() else {}
        facts = checks.read_facts(source.model, meta, sha256=source.digest())
        intake.refuse_unfit(site, arm, facts, after, new_alphabet=standard.new_alphabet)
        intake.refuse_same_file(site, arm, facts.sha256)
        site.fleet.check()
        intake.refuse_full_disk(site, facts.bytes)
        own_id = site.new_id()
        written = meta or checks.meta_of(arm, facts.sha256, facts.bytes, facts.graph, after)

        def stage() -> None:
            folder = VersionFolder(site.repository.stage / own_id)
            files.make_folder(folder.path)
            if files.copy_new(source.model, folder.model) != facts.sha256:
                raise RefusedError(str(source.model), ("it changed while it was copied",))
            own = {**written, "model": arm.model, "version": arm.version}
            files.write_new(
                folder.meta, (json.dumps(own, ensure_ascii=False, indent=2) + "\n").encode()
            )
            if folder.digest() != facts.sha256:
                raise RepositoryError(f"{folder.model}: the copy differs from what was written")
            files.let_read(folder.path)
            files.sync_folder(folder.path)

        transaction = _begun(
            site, "publish", arm, (before, after), f"stage/{own_id}", facts.sha256, own_id
        )
        return _serve(site, transaction, standard, stage)


def activate(site: Site, arm: Arm, standard: Standard) -> Ready:
    """A version that lies in the repository unlisted, or was retired with --keep. As `publish`."""
    refuse_no_endpoint(site)
    with alone(site, f"activate {arm}"):
        check_images(standard.golden)
        model, aside = site.repository.model(arm.model), site.repository.retired(arm.model)
        folder, origin = model.version(arm.version), None
        if not folder.path.is_dir():
            folder = aside.version(arm.version)
            origin = f"retired/{arm.model}/{arm.version}"
        if not folder.path.is_dir():
            raise RepositoryError(
                f"{arm} is not in {site.repository.root}{intake.what_is_there(site, arm)}"
            )
        if model.config.exists() and arm.version in model.listed():
            raise RepositoryError(f"{arm} is listed already; is it served? ocrctl models doctor")
        before, after = intake.configs(model, arm, aside.config)
        meta = folder.read_meta()
        facts = checks.read_facts(folder.model, meta, sha256=folder.digest())
        intake.refuse_unfit(site, arm, facts, after, new_alphabet=standard.new_alphabet)
        site.fleet.check()
        transaction = _begun(site, "activate", arm, (before, after), origin, facts.sha256, None)
        return _serve(site, transaction, standard, lambda: None)


def _serve(
    site: Site, transaction: Transaction, standard: Standard, stage: Callable[[], None]
) -> Ready:
    arm = transaction.arm
    with _all_or_nothing(site, transaction) as keep:
        stage()
        keep(site.journal.at(transaction, "placed"))
        if transaction.origin is not None:
            home = site.repository.model(arm.model).path
            if not home.exists():
                files.make_folder(home)
                files.let_read(home)
            place = site.repository.version(arm).path
            files.move(site.repository.work / transaction.origin, place)
        site.say(f"loading {arm}")
        assert transaction.config_after is not None
        site.fleet.load(arm.model, json.dumps(parse_config(transaction.config_after)))
        site.fleet.wait_ready(arm)
        for other in _served(transaction):
            site.fleet.wait_ready(other)
        verdicts, worst = _proven(site, transaction, standard)
        facts = {**transaction.facts, "cer": worst, "verdicts": list(verdicts)}
        proven = site.journal.at(dataclasses.replace(transaction, facts=facts), "proven")
        keep(proven)
        steps.finish(site, proven)
    addresses = tuple(str(endpoint) for endpoint in site.fleet.endpoints)
    return Ready(arm, transaction.facts["sha256"], addresses, worst, verdicts)


def _proven(
    site: Site, transaction: Transaction, standard: Standard
) -> tuple[tuple[str, ...], float]:
    """Of every endpoint: verdict; and the highest error rate. Raises RefusedError."""
    arm, served = transaction.arm, _served(transaction)
    assert transaction.config_after is not None
    finder = finds_lines(spec_parameters(parse_config(transaction.config_after)))
    stable = None if finder else standard.stable  # they are not to be compared
    against = standard.against or (served[-1] if served else stable)
    verdicts, worst = [], 0.0
    reference: Score | None = None
    for endpoint in site.fleet.endpoints:
        site.say(f"reading {len(standard.golden.lines)} golden lines with {arm} at {endpoint}")
        found = prove(endpoint.http, arm, standard.golden)
        if against is not None and reference is None:
            reference = reference_score(endpoint.http, against, standard.golden)
        verdict = judge(found, reference, standard.tolerance)
        if not verdict.passed:
            raise RefusedError(f"{arm} at {endpoint}", (verdict.reason,))
        site.say(f"{arm} at {endpoint}: {verdict.reason}")
        verdicts.append(f"{endpoint}: {verdict.reason}")
        worst = max(worst, found.cer)
    return tuple(verdicts), worst


@contextlib.contextmanager
def _all_or_nothing(
    site: Site, transaction: Transaction
) -> Iterator[Callable[[Transaction], None]]:
    """Undoes the transaction on any exception; `keep` says how far it has come."""
    current = transaction

    def keep(reached: Transaction) -> None:
        nonlocal current
        current = reached

    try:
        site.journal.write(transaction)
        yield keep
    except BaseException as error:
        steps.put_back(site, current, error)
        raise


def _begun(
    site: Site,
    verb: Any,
    arm: Arm,
    configs: tuple[str | None, str],
    origin: str | None,
    sha256: str,
    own_id: str | None,
) -> Transaction:
    return Transaction(
        id=own_id or site.new_id(),
        verb=verb,
        model=arm.model,
        version=arm.version,
        step="staged",
        config_before=configs[0],
        config_after=configs[1],
        origin=origin,
        keep=False,
        facts={"sha256": sha256},
        started_at=site.now(),
    )


def _served(transaction: Transaction) -> tuple[Arm, ...]:
    """The versions that are listed now, ascending."""
    text = transaction.config_before
    if text is None:
        return ()
    listed = parse_config(text)["version_policy"]["specific"]["versions"]
    return tuple(Arm(transaction.model, int(number)) for number in sorted(listed))
