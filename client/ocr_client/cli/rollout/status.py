"""`ocrctl rollout status`: what is known now; with --watch, again and again."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Config, Json, StoreURL, complain, print_json, refusing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ocr_client.operations.facts import Facts
    from ocr_client.operations.setting import Setting


def status(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again every 2 s, and on every change; until Ctrl-C.")
    ] = False,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Show the rollout: phase, share, both arms, the server, the judge, what is missing.

    With --json one object, with --watch one a line. A store that fails ends `status`; `--watch`
    says so and goes on.

    Example: ocrctl rollout status --watch
    """
    with refusing():
        from ocr_client.operations import setting  # noqa: PLC0415

        there = setting.setting(config, store)
        if not watch:
            _show(_facts_now(there), as_json=as_json)
            return
        try:
            _watch(there, as_json=as_json)
        except KeyboardInterrupt:  # how a watch is meant to end
            return


def _facts_now(there: Setting) -> Facts:
    from ocr_client.operations.facts import gather  # noqa: PLC0415
    from ocr_client.operations.server_facts import ask, facts  # noqa: PLC0415

    sample = ask(there.config.triton, time.monotonic())
    return gather(there, facts((sample,)), time.time())


def _watch(there: Setting, *, as_json: bool) -> None:
    from rich.console import Console, Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ocr_client.operations.watching import Asking, each  # noqa: PLC0415

    from .screen import screen  # noqa: PLC0415

    console, endless = Console(file=sys.stdout), threading.Event()
    with Asking(lambda: there.config.triton) as server:
        if as_json or not console.is_terminal:
            for found in each(
                lambda: there, server.facts, lambda error: complain(str(error)), endless
            ):
                _show(found, as_json=as_json)
            return
        with Live(console=console, auto_refresh=False, screen=True) as live:

            def trouble(error: Exception) -> None:
                line = Text(f"ocrctl: {error}", style="bold red")
                live.update(Group(*seen, line), refresh=True)

            seen: list[RenderableType] = []
            for found in each(lambda: there, server.facts, trouble, endless):
                seen = list(screen(found))
                live.update(Group(*seen), refresh=True)


def _show(found: Facts, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_dict())
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from ocr_client.cli.table import print_table  # noqa: PLC0415

    from .screen import screen  # noqa: PLC0415

    for part in screen(found):
        if isinstance(part, Table):
            print_table(part)
        else:
            Console(file=sys.stdout).print(part, soft_wrap=True)
