"""Which arms have traffic, or may get it back: from the configuration and the rollout's state."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ocr_client.config import ClientConfig
from ocr_rollout.core.routing import BUCKETS, Arm
from ocr_rollout.core.state import RolloutState, StateError
from ocr_rollout.stores.errors import StorageError, StoreURLError
from ocr_rollout.stores.open import open_store

from .errors import InUseError, RepositoryError

_SQLITE = "sqlite:///"


@dataclasses.dataclass(frozen=True)
class Use:
    """why: one line.

    old: only a rollback of a completed rollout would go there, so a person may give it up.
    helps: without it everything works, if less well, so it need not be there at all.
    """

    arm: Arm
    why: str
    old: bool = False
    helps: bool = False


def uses(config: ClientConfig, state: RolloutState | None) -> tuple[Use, ...]:
    """Every reason why an arm must stay; an arm may have several. Pure."""
    routing, plan = config.model_routing, config.rollout
    found = [Use(routing.stable, "model_routing.stable in the configuration names it")]
    if plan is not None:
        found.append(Use(plan.stable, f"it is stable in the plan {plan.rollout_id}"))
    if config.pages.finder != "classical":
        why = "pages.finder_model finds the lines of pages by it"
        found.append(Use(config.pages.finder_model, why, helps=True))
    if routing.crnn_enabled and not _taken_back(config, state):
        if plan is not None:
            found.append(Use(plan.candidate, f"it is the candidate of the plan {plan.rollout_id}"))
        elif routing.candidate_weight_bp:
            share = routing.candidate_weight_bp / BUCKETS
            found.append(Use(routing.candidate, f"gray_scale_ratio gives it {share:.2%}"))
    if state is None or state.status == "idle":
        return tuple(found)
    stable, candidate = Arm.parse(state.stable), Arm.parse(state.candidate)
    said = f"rollout {state.rollout_id}"
    if state.live:
        found.append(Use(stable, f"it is stable in {said}"))
        found.append(Use(candidate, f"it has {state.weight_bp / BUCKETS:.2%} in {said}"))
    elif state.status == "completed":
        found.append(Use(candidate, f"{said} gave it all traffic"))
        found.append(Use(stable, f"a rollback of {said} goes back to it", old=True))
    else:
        found.append(Use(stable, f"it answers since {said} was rolled back"))
    return tuple(found)


def refuse_in_use(arm: Arm, found: tuple[Use, ...], *, stop_old: bool) -> None:
    """Raises InUseError. stop_old: a person gives up the way back of a completed rollout."""
    reasons = [use for use in found if use.arm == arm and not (use.old and stop_old)]
    if not reasons:
        return
    said = "; ".join(use.why for use in reasons)
    if all(use.old for use in reasons):
        raise InUseError(f"{arm} stays: {said}; to give that up: --stop-old --by YOUR-NAME")
    raise InUseError(f"{arm} stays: {said}; take its traffic away first")


def read_state(config: ClientConfig) -> RolloutState | None:
    """None: no rollout was ever started there. Raises RepositoryError: unknown is never unused."""
    url = config.store.url
    if url is None or (url.startswith(_SQLITE) and not Path(url[len(_SQLITE) :]).exists()):
        return None
    try:
        store = open_store(url)
        try:
            stored = store.state()
        finally:
            store.close()
        return None if stored is None else RolloutState.from_dict(stored.document)
    except (StorageError, StoreURLError, StateError) as error:
        raise RepositoryError(
            f"the rollout's store: {error}; without it nobody knows which arms have traffic"
        ) from None


def _taken_back(config: ClientConfig, state: RolloutState | None) -> bool:
    """Whether the configured plan ended in a rollback, so that its candidate gets nothing."""
    plan = config.rollout
    return (
        plan is not None
        and state is not None
        and state.status == "rolled_back"
        and state.rollout_id == plan.rollout_id
        and state.candidate == str(plan.candidate)
    )
