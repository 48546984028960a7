"""`ocrctl rollout plan`: the phases, gates and limits, before anything moves."""

from __future__ import annotations

from .options import Config, Json, print_json, refusing

DAY_S = 86_400.0


def show(*, config: Config = None, as_json: Json = False) -> None:
    """Print the phases, gates and limits of the plan.

    Example: ocrctl rollout plan --config config.yaml
    """
    with refusing():
        from ocr_client.operations import setting  # noqa: PLC0415

        there, name = setting.configured(config)
        plan = setting.plan_to_try(there)
    if as_json:
        print_json(plan.to_dict())
        return
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ocr_client.cli.table import print_table  # noqa: PLC0415
    from ocr_client.operations.words import percent  # noqa: PLC0415
    from ocr_rollout.core.fields import lasting  # noqa: PLC0415

    limits = plan.limits
    print(f"{plan.rollout_id}: {plan.stable} -> {plan.candidate}, sticky {plan.sticky}")
    table = Table("phase", "share", "at least", "samples", "gate", "aim")
    for k, phase in enumerate(plan.phases):
        table.add_row(
            str(k + 1),
            percent(plan.weight_bp(k)),
            lasting(phase.min_dwell_s),
            str(phase.min_samples),
            phase.gate,
            Text(phase.aim),
        )
    print_table(table)
    print(
        f"taken back ({plan.on_failure}, {limits.mode}): errors above {limits.errors:.2%}; "
        f"empty and garbled above {limits.quality_ratio:g} times stable's"
        + (f"; p95 above {limits.latency_ratio:g} times stable's" if limits.latency_ratio else "")
        + (f"; p95 above {limits.latency_p95_ms:g} ms" if limits.latency_p95_ms else "")
    )
    if limits.review is not None:
        print(
            f"reviewers: {limits.review.min_reviewed} lines before a phase is left; "
            f"{'taken back' if limits.review.binding else 'people are told'} where fewer are right "
            f"than stable's by {limits.review.margin:.2%}"
        )
    if there.rollout is None:
        print(f"(the default plan: {name} has no section rollout; {setting.HOW_TO_SHARE})")
