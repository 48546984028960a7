"""Nothing of a server outlives it, not even a stub that cannot notice that it is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from processes import is_gone, stubs, wait_until

pytestmark = pytest.mark.server

SOON_S = 5.0  # the stubs' own look takes two seconds, where they can look


@pytest.fixture
def family(parent) -> tuple[int, int, list[int]]:
    """Supervisor, Triton, and its two stubs: stopped, so that whatever ends them is not they."""
    _, supervisor, triton = parent
    deaf = stubs(triton, "crnn") + stubs(triton, "convnext")
    assert len(deaf) == 2
    for stub in deaf:
        os.kill(stub, signal.SIGSTOP)
    return supervisor, triton, deaf


@pytest.mark.parametrize("killed", [("supervisor",), ("triton",), ("supervisor", "triton")])
def test_kill_9_takes_deaf_stubs_along(family, killed: tuple[str, ...]) -> None:
    supervisor, triton, deaf = family
    for name in killed:
        os.kill({"supervisor": supervisor, "triton": triton}[name], signal.SIGKILL)
    # A supervisor that is left starts another Triton.
    gone = [triton, *deaf] if killed == ("triton",) else [supervisor, triton, *deaf]
    wait_until(lambda: all(map(is_gone, gone)), seconds=SOON_S)


def test_a_killed_program_takes_deaf_stubs_along(parent, family, state: Path) -> None:
    """The supervisor stops Triton in order, which waits for stubs in vain, and then kills them."""
    process = parent[0]
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: all(map(is_gone, [family[0], family[1], *family[2]])), seconds=30)
    assert list((state / "servers").iterdir()) == []
