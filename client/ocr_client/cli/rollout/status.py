"""`ocrctl rollout status`: what is known now; with --watch, again and again."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Config, Json, StoreURL, complain, print_json, refusing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ocr_client.settings import TritonSettings

    from .facts import Facts
    from .server_facts import Sample, ServerFacts
    from .setting import Setting

EVERY_S = 2.0


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
        from . import setting  # noqa: PLC0415

        there = setting.setting(config, store)
        if not watch:
            _show(_facts_now(there), as_json=as_json)
            return
        try:
            _watch(there, as_json=as_json)
        except KeyboardInterrupt:  # how a watch is meant to end
            return


def _facts_now(there: Setting) -> Facts:
    from .facts import gather  # noqa: PLC0415
    from .server_facts import ask, facts  # noqa: PLC0415

    sample = ask(there.config.triton, time.monotonic())
    return gather(there, facts((sample,)), time.time())


def _watch(there: Setting, *, as_json: bool) -> None:
    from rich.console import Console, Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from .facts import gather  # noqa: PLC0415
    from .screen import screen  # noqa: PLC0415

    console = Console(file=sys.stdout)
    with _asking(there.config.triton) as server:

        def facts() -> Facts:
            return gather(there, server(), time.time())

        if as_json or not console.is_terminal:
            for found in _each(there, facts, complain):
                _show(found, as_json=as_json)
            return
        with Live(console=console, auto_refresh=False, screen=True) as live:

            def trouble(line: str) -> None:
                live.update(Group(*seen, Text(line, style="bold red")), refresh=True)

            seen: list[RenderableType] = []
            for found in _each(there, facts, trouble):
                seen = list(screen(found))
                live.update(Group(*seen), refresh=True)


def _each(
    there: Setting, facts: Callable[[], Facts], trouble: Callable[[str], None]
) -> Iterator[Facts]:
    """Facts now, on every change of the state, and every 2 s; without end.

    trouble: is told what is wrong with the store, in one line; then it is asked again.
    """
    from ocr_rollout.core.counts import RecordError  # noqa: PLC0415
    from ocr_rollout.core.state import StateError  # noqa: PLC0415
    from ocr_rollout.stores import StorageError  # noqa: PLC0415

    while True:
        try:
            found = facts()
            yield found
            there.to_read().wait_for_change(found.state.generation, EVERY_S)
        except (StorageError, StateError, RecordError) as error:  # noqa: PERF203  # it goes on
            trouble(f"ocrctl: {error}")
            time.sleep(EVERY_S)


@contextlib.contextmanager
def _asking(triton: TritonSettings) -> Iterator[Callable[[], ServerFacts]]:
    """Asks Triton every 2 s in a thread of its own, so that a slow answer delays no state."""
    from .server_facts import OVER_S, ask, facts  # noqa: PLC0415

    samples: deque[Sample] = deque(maxlen=round(OVER_S / EVERY_S) + 1)
    first, end = threading.Event(), threading.Event()

    def run() -> None:
        while not end.is_set():
            samples.append(ask(triton, time.monotonic()))
            first.set()
            end.wait(EVERY_S)

    thread = threading.Thread(target=run, name="ask-triton", daemon=True)
    thread.start()
    first.wait(1.0)  # mostly it is there by then, and the first picture complete
    try:
        yield lambda: facts(tuple(samples))
    finally:
        end.set()
        thread.join(timeout=EVERY_S)


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
