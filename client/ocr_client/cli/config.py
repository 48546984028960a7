"""`ocrctl config check`: whether a configuration can be used, and what it says."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_rollout.core.plan import Plan

FAILED = 1
_BUCKETS = 10_000  # basis points
_UNITS_S = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s"))

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Look at a configuration before a program does."""


@app.command()
def check(
    where: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="A config.yaml, or the address of one.")
    ],
    as_json: Annotated[  # noqa: FBT002  # a switch of the command line
        bool, typer.Option("--json", help="One JSON object, also for a mistake.")
    ] = False,
) -> None:
    """Say whether a configuration is accepted, and what it comes to; change nothing.

    Example: ocrctl config check config.yaml

    A URL is asked with the credentials in OCR_ROLLOUT_CONFIG_USER and _PASSWORD, or in
    OCR_ROLLOUT_CONFIG_TOKEN (and _TOKEN_HEADER, for a header that is not Authorization).

    Exit code 0: accepted; 1: not, and stderr says why in one line; 2: wrong usage.
    """
    # Imported here, so that `ocrctl --help` need not wait for them.
    from ocr_client.errors import ConfigError  # noqa: PLC0415
    from ocr_client.reload import open_source, read_config  # noqa: PLC0415

    try:
        source = open_source(where)
        config = read_config(source)
    except ConfigError as error:
        if as_json:
            _print_json({"ok": False, "error": str(error)})
        else:
            print(f"ocrctl: {error}", file=sys.stderr)
        raise typer.Exit(FAILED) from None
    found = facts(config)
    if as_json:
        _print_json({"ok": True, "source": source.name, **found})
        return
    print(f"{source.name}: ok")
    for name, value in _lines(config, found):
        print(f"  {name:<10} {value}")


def facts(config: ClientConfig) -> dict[str, Any]:
    """Plain values, shares 0..1. No password, URL of a receiver or secret is among them."""
    from ocr_client.notifications import shown  # noqa: PLC0415
    from ocr_client.otlp import shown as pushed  # noqa: PLC0415

    plan = config.plan()
    return {
        "stable": str(plan.stable),
        "candidate": str(plan.candidate),
        "candidate_enabled": config.weight_enabled,
        "sticky": plan.sticky,
        "share": None if config.rollout else config.model_routing.candidate_weight_bp / _BUCKETS,
        "rollout": config.rollout.to_dict() if config.rollout else None,
        "errors_limit": plan.limits.errors,
        "store": _store(config.store.url),
        "shadow": config.shadow.share_bp / _BUCKETS,
        "rescue": config.rescue.enabled,
        "reload": {"watch": config.reload.watch, "poll_s": config.reload.poll_s},
        "endpoints": list(config.triton.urls),
        "notifications": shown.facts(config.notifications),
        "otlp": pushed.facts(config.otlp),
        "unread": dict(config.sections.unread),
    }


def _lines(config: ClientConfig, found: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each fact, for people."""
    from ocr_client.notifications import shown  # noqa: PLC0415
    from ocr_client.otlp import shown as pushed  # noqa: PLC0415

    routing = config.model_routing
    lines = [("stable", found["stable"]), ("candidate", found["candidate"])]
    if not routing.crnn_enabled:
        lines.append(("share", "0 %: crnn_enabled is false, stable alone answers"))
    elif config.rollout is None:
        lines.append(
            ("share", f"{found['share'] * 100:g} % by gray_scale_ratio, sticky {found['sticky']}")
        )
    if config.rollout is not None:
        lines += _plan(config.rollout)
    reload = config.reload
    lines += [(name, f"not checked: {reason}") for name, reason in found["unread"].items()]
    return [
        *lines,
        ("taken back", f"above {found['errors_limit'] * 100:g} % of failed requests"),
        ("shadow", f"{found['shadow'] * 100:g} % of stable's requests"),
        ("rescue", "on" if found["rescue"] else "off"),
        ("store", found["store"]),
        ("endpoints", ", ".join(found["endpoints"])),
        ("reload", f"on a change, and every {reload.poll_s:g} s" if reload.watch else "off"),
        *shown.lines(config.notifications),
        *pushed.lines(config.otlp),
    ]


def _plan(plan: Plan) -> list[tuple[str, str]]:
    rules = f"holdout {plan.holdout_bp / 100:g} %, {plan.limits.mode}, {plan.on_failure} on failure"
    title = f"{plan.rollout_id}: {len(plan.phases)} phases, sticky {plan.sticky}, {rules}"
    lines = [("rollout", title)]
    for number, phase in enumerate(plan.phases):
        share = f"{plan.weight_bp(number) / 100:g} %"
        least = f"{_duration(phase.min_dwell_s)} and {phase.min_samples} requests"
        aim = f": {phase.aim}" if phase.aim else ""
        text = f"{share} for at least {least}, gate {phase.gate}{aim}"
        lines.append((f"  phase {number + 1}", text))
    return lines


def _duration(seconds: float) -> str:
    """In the largest unit that it fills, as the plan takes it."""
    for unit_s, name in _UNITS_S:
        if seconds >= unit_s:
            return f"{seconds / unit_s:g} {name}"
    return f"{seconds:g} s"


def _store(url: str | None) -> str:
    """Without what may be a password."""
    if url is None:
        return "memory of each process"
    head, at, tail = url.rpartition("@")
    return f"{head.partition('//')[0]}//...@{tail}" if at else url


def _print_json(value: dict[str, Any]) -> None:
    # JSON is UTF-8; what no encoder takes becomes \udcxx, which JSON can read
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    print(json.dumps(value, ensure_ascii=False))
