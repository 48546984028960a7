"""`ocrctl rollout start | approve | pause | resume | rollback | clear | set-weight`.

Each is one compare-and-set on the shared state with its line in the audit log, or a refusal that
leaves everything as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    Approver,
    By,
    Config,
    Json,
    Note,
    Reason,
    StoreURL,
    complain,
    login,
    print_json,
    refusing,
    share_bp,
)

# What needs scipy, OpenCV or tritonclient is imported in the verbs: `ocrctl --help` waits for none.
if TYPE_CHECKING:
    from ocr_rollout.core.transition import Transition

NoServerCheck = Annotated[
    bool, typer.Option("--no-server-check", help="Do not ask Triton whether both arms are ready.")
]


def start(
    *,
    by: By = None,
    note: Note = "",
    repository: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the candidate's model.onnx lies.")
    ] = Path("model_repository"),
    digest: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="Of model.onnx, where it does not lie here."),
    ] = None,
    no_server_check: NoServerCheck = False,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Begin the configuration's plan with its first phase.

    Example: ocrctl rollout start --by ann --note "as decided on Monday"
    """
    with refusing():
        from ocr_client.operations import orders, setting, weights  # noqa: PLC0415

        there = setting.setting(config, store)
        found = weights.given(digest) or weights.of_model(repository, there.plan.candidate)
        done = orders.start(
            there, digest=found, by=_who(by), note=note, check=not no_server_check, tell=complain
        )
        _tell(done, as_json=as_json)


def approve(
    *,
    by: Approver = None,
    note: Note = "",
    no_server_check: NoServerCheck = False,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Let the rollout through the gate at which it waits; after the last one it is complete.

    Example: ocrctl rollout approve --by ann --note "200 texts read, no complaint"
    """
    with refusing():
        from ocr_client.operations import orders, setting  # noqa: PLC0415

        there = setting.setting(config, store)
        # Never the login: an approval is a person's word, not a session's.
        done = orders.approve(
            there, by=by or "", note=note, check=not no_server_check, tell=complain
        )
        _tell(done, as_json=as_json)


def pause(
    *,
    by: By = None,
    reason: Reason = "",
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Keep the share where it is. The candidate is judged, and taken back, all the same.

    Example: ocrctl rollout pause --reason "over the weekend"
    """
    with refusing():
        from ocr_client.operations import orders, setting  # noqa: PLC0415

        there = setting.without_plan(config, store)
        _tell(orders.pause(there, by=_who(by), reason=reason), as_json=as_json)


def resume(
    *,
    by: By = None,
    reason: Reason = "",
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Go on after a pause, or after a freeze (then on fresh counts).

    Example: ocrctl rollout resume --by ann
    """
    with refusing():
        from ocr_client.operations import orders, setting  # noqa: PLC0415

        there = setting.without_plan(config, store)
        _tell(orders.resume(there, by=_who(by), reason=reason), as_json=as_json)


def rollback(
    *,
    by: By = None,
    reason: Reason = "",
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Take the candidate back to 0 at once. Its weights get no traffic until `clear`.

    Needs the store and nothing else: no Triton, and with --store no configuration either.

    Example: ocrctl rollout rollback --by ann --reason "wrong dates on invoices"
    """
    with refusing():
        from ocr_client.operations import orders, setting  # noqa: PLC0415

        there = setting.without_plan(config, store)
        _tell(orders.rollback(there, by=_who(by), reason=reason), as_json=as_json)


def clear(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="Of a tombstone; see `status`.")],
    *,
    by: By = None,
    note: Note = "",
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Let rolled-back weights be tried again. It starts nothing.

    The first 8 characters of the digest, or more, will do where they are one tombstone's.

    Example: ocrctl rollout clear be33240d --by ann --note "it was the decoder"
    """
    with refusing():
        from ocr_client.operations import orders, setting  # noqa: PLC0415

        there = setting.without_plan(config, store)
        _tell(orders.clear(there, digest=digest, by=_who(by), note=note), as_json=as_json)


def set_weight(
    weight_bp: Annotated[
        int, typer.Argument(metavar="SHARE", parser=share_bp, help="E.g. 0.2 or 20%.")
    ],
    *,
    by: By = None,
    note: Note = "",
    no_server_check: NoServerCheck = False,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Another share in the same phase, within the plan's blast radius, until the next phase.

    The phase's dwell time and samples begin anew.

    Example: ocrctl rollout set-weight 5% --by ann --note "fewer until Monday"
    """
    with refusing():
        from ocr_client.operations import orders, setting  # noqa: PLC0415

        there = setting.setting(config, store)
        check = not no_server_check
        done = orders.set_weight(
            there, weight_bp=weight_bp, by=_who(by), note=note, check=check, tell=complain
        )
        _tell(done, as_json=as_json)


def _who(by: str | None) -> str:
    """Who acts: as given, else the login name; empty (and refused) where there is neither."""
    return login() if by is None else by


def _tell(done: Transition, *, as_json: bool) -> None:
    if as_json:
        print_json({"audit": done.audit.to_dict(), "state": done.state.to_dict()})
        return
    from ocr_client.operations.words import moved  # noqa: PLC0415

    entry = done.audit
    print(f"{entry.rollout_id}: {entry.action} by {entry.who}: {moved(entry)} ({entry.why})")
