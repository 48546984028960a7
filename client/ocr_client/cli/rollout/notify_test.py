"""`ocrctl rollout notify-test`: a test message to who is told, and what the receiver answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from .options import FAILED, Config, Json, fail, login, print_json, refusing

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_rollout.core.notices import Notice


def notify_test(
    *,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this one; else all that are named.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send a test message from here to each target, and say what the receiver answered.

    At once and once, past the outbox: the rollout and its audit log stay as they are. With --json
    one object a line. Exit code 1 when one was not delivered.

    Example: ocrctl rollout notify-test --target ops
    """
    with refusing():
        from ocr_client.notifications.delivery import deliver  # noqa: PLC0415
        from ocr_client.operations import setting  # noqa: PLC0415
        from ocr_rollout.stores import new_id  # noqa: PLC0415

        there, name = setting.configured(config)
    told = there.notifications
    chosen = [one for one in told.targets if target in {None, one.name}]
    if not chosen:
        names = ", ".join(one.name for one in told.targets) or "none"
        asked = "has no notifications.targets" if target is None else f"has no target {target!r}"
        fail(f"{name}: {asked}; there are: {names}")
    failed = False
    for one in chosen:
        message_id, now_s = new_id(), time.time()
        notice = _test(there, one.name, now_s)
        found = deliver(one, notice, message_id, public_url=told.public_url, now_s=now_s)
        failed = failed or not found.delivered
        if as_json:
            print_json(
                {
                    "target": one.name,
                    "kind": one.kind,
                    "delivered": found.delivered,
                    "answer": found.said,
                    "id": message_id,
                }
            )
        else:
            word = "delivered" if found.delivered else "NOT delivered"
            print(f"{one.name} ({one.kind}): {word}: {found.said}", flush=True)
    if failed:
        raise typer.Exit(FAILED)


def _test(config: ClientConfig, name: str, at_s: float) -> Notice:
    from ocr_rollout.core.notices import TEST, Notice  # noqa: PLC0415
    from ocr_rollout.core.state import AuditEntry  # noqa: PLC0415

    plan = config.plan()
    entry = AuditEntry(
        at_s=at_s,
        who=login() or "somebody",
        action=TEST,
        why="ocrctl rollout notify-test",
        generation=0,
        rollout_id=plan.rollout_id,
        candidate=str(plan.candidate),
        from_status="idle",
        to_status="idle",
        from_phase=0,
        to_phase=0,
        from_weight_bp=0,
        to_weight_bp=0,
    )
    return Notice(name, TEST, str(plan.stable), entry)
