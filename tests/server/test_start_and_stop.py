"""How servers start, fail to start, end, and what they leave behind: nothing."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from processes import is_gone, stubs, wait_until
from tiny_models import infer, write_model

from ocr_server import EmbeddedTriton, Ports, ServerError, launcher, runs
from ocr_server.triton_api import TritonAPI

pytestmark = pytest.mark.server

ANY = Ports(0, 0, 0)


def regions(run_id: str) -> list[Path]:
    return list(runs.SHARED_MEMORY.glob(f"ocr-rollout-{run_id}-*"))


def run_folders(state: Path) -> list[Path]:
    return list((state / "servers").iterdir())


def test_a_stopped_server_leaves_nothing_behind(tiny_repository: Path, state: Path) -> None:
    with EmbeddedTriton(tiny_repository, ports=ANY) as server:
        facts = server.server
        assert regions(facts.id)
        assert [found.id for found in runs.running()] == [facts.id]
    assert is_gone(facts.triton_pid)
    assert not regions(facts.id)
    assert run_folders(state) == []
    assert runs.running() == []


def test_a_server_stops_also_when_the_block_fails(tiny_repository: Path) -> None:
    seen = []

    def fail(server: EmbeddedTriton) -> None:
        seen.append(server.server.triton_pid)
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        EmbeddedTriton(tiny_repository, models=["crnn"], ports=ANY) as server,
    ):
        fail(server)
    assert is_gone(seen[0])


def test_a_killed_parent_takes_its_server_along(parent, state: Path) -> None:
    process, supervisor, triton = parent
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: is_gone(supervisor) and is_gone(triton))
    assert run_folders(state) == []


def test_a_killed_supervisor_takes_triton_and_the_stubs_along(parent) -> None:
    """The kernel kills Triton (parent-death signal), and the stubs notice."""
    _, supervisor, triton = parent
    children = stubs(triton, "crnn") + stubs(triton, "convnext")
    assert len(children) == 2
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: is_gone(triton) and all(map(is_gone, children)))


def test_leftovers_of_a_killed_server_go_at_the_next_start(
    parent, state: Path, tiny_repository: Path
) -> None:
    """All of it dies at once, so nobody can clean up: neither supervisor nor stubs."""
    _, supervisor, triton = parent
    (run,) = run_folders(state)
    os.kill(supervisor, signal.SIGSTOP)
    os.killpg(triton, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: is_gone(triton) and runs.running() == [])
    assert run.exists()
    assert regions(run.name)
    with EmbeddedTriton(tiny_repository, models=["crnn"], ports=ANY):
        assert not run.exists()
        assert not regions(run.name)


def test_two_servers_side_by_side_do_each_other_no_harm(tmp_path: Path, state: Path) -> None:
    """The second finds 8000 to 8002 taken or free, whatever else this machine runs."""
    write_model(tmp_path / "one", "crnn")
    write_model(tmp_path / "two", "crnn", versions=(2,))
    with EmbeddedTriton(tmp_path / "one") as one:
        with EmbeddedTriton(tmp_path / "two") as two:
            assert one.http_url != two.http_url
            assert one.control_key != two.control_key
            assert infer(one.http_url, "crnn:1")[0] == infer(two.http_url, "crnn:2")[0] == 200
            assert infer(two.http_url, "crnn:1")[0] == 404
        assert infer(one.http_url, "crnn:1")[0] == 200
        assert regions(one.server.id)


def test_a_taken_port_that_was_asked_for_is_an_error(tiny_repository: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with (
            pytest.raises(ServerError, match=f"port {port} is taken"),
            EmbeddedTriton(tiny_repository, ports=Ports(port, 0, 0)),
        ):
            pass


CHANGES = [
    ("TYPE_INT32 dims: [ -1 ]", "TYPE_INT32 dims: [ 8 ]", "model configuration specifies 2"),
    ("TYPE_INT32", "TYPE_INT64", "expects datatype TYPE_INT64 for output 'codepoints'"),
    ('"confidence"', '"certainty"', "unexpected inference output 'certainty'"),
    ('"image"', '"picture"', "unexpected inference input 'picture'"),
    ("1, 32, -1", "1, 48, -1", "the model expects 4 dimensions (shape [-1,1,32,-1])"),
    ("backend:", "sequence_batching { }\nbackend:", "sequence batching is not supported"),
    (
        "backend:",
        "model_transaction_policy { decoupled: true }\nbackend:",
        "decoupled transactions are not supported",
    ),
    ("backend:", "backend", "failed to read text proto"),
]


@pytest.mark.parametrize(("old", "new", "reason"), CHANGES)
def test_a_configuration_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    # Sequence batching and dynamic batching exclude each other already in Triton's core.
    folder = write_model(tmp_path / "models", "crnn", replace=(old, new))
    if "sequence" in new:
        text = (folder / "config.pbtxt").read_text()
        without = "\n".join(line for line in text.splitlines() if "dynamic" not in line)
        (folder / "config.pbtxt").write_text(without)
    with (
        pytest.raises(ServerError) as caught,
        EmbeddedTriton(tmp_path / "models", ports=ANY),
    ):
        pass
    text = str(caught.value)
    assert reason in text
    assert "crnn" in text
    assert "\n" not in text


def test_a_damaged_graph_is_refused_in_the_native_backends_words(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models", "crnn")
    (folder / "1" / "model.onnx").write_bytes(b"not a graph")
    with (
        pytest.raises(ServerError, match=r"crnn:1 did not load: .*onnx runtime error 7: Load"),
        EmbeddedTriton(tmp_path / "models", ports=ANY),
    ):
        pass


def test_a_stub_that_dies_at_once_is_reported_at_once(tiny_repository: Path) -> None:
    """Triton would wait for it for ever; without its libraries the stub cannot start."""
    plan = launcher.make_plan(tiny_repository, models=["crnn"], ports=ANY, name="t", detach=False)
    broken = dataclasses.replace(plan, variables={**plan.variables, "LD_LIBRARY_PATH": "/nowhere"})
    started = time.monotonic()
    with pytest.raises(ServerError, match="cannot open shared object file"):
        launcher.start(broken)
    assert time.monotonic() - started < broken.start_deadline_s / 2


def test_the_start_deadline_is_kept_and_the_log_stays(tiny_repository: Path, state: Path) -> None:
    with (
        pytest.raises(ServerError, match=r"not up after 0\.01 s: .*last-failure\.log"),
        EmbeddedTriton(tiny_repository, ports=ANY, start_deadline_s=0.01),
    ):
        pass
    assert (state / "last-failure.log").exists()
    assert run_folders(state) == []


def test_unusable_repositories_are_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_model(tmp_path / "models", "crnn")
    table = {
        tmp_path / "missing": ("no such folder", None),
        tmp_path / "empty": ("no model in it", None),
        tmp_path / "with space": ("shell characters", None),
        tmp_path / "a$(b)": ("shell characters", None),
        tmp_path / "models": ("'convnext' is not in .*; there are: crnn", ["convnext"]),
    }
    for repository, (reason, models) in table.items():
        with (
            pytest.raises(ServerError, match=reason),
            EmbeddedTriton(repository, models=models, ports=ANY),
        ):
            pass


def test_a_dead_stub_is_brought_back_while_others_answer(tmp_path: Path) -> None:
    """Also a second version of the same model goes on serving: only the dead one is reloaded."""
    write_model(tmp_path / "models", "crnn", versions=(1, 2))
    write_model(tmp_path / "models", "convnext")
    with EmbeddedTriton(tmp_path / "models", ports=ANY, watchdog_interval_s=0.2) as server:
        triton = server.server.triton_pid
        before = stubs(triton, "crnn/1")
        other = stubs(triton, "crnn/2")
        os.kill(server.server.supervisor_pid, signal.SIGSTOP)  # the watchdog might be quicker
        os.kill(before[0], signal.SIGKILL)
        status, text = infer(server.http_url, "crnn:1")
        os.kill(server.server.supervisor_pid, signal.SIGCONT)
        assert status == 500
        assert "not healthy" in text

        def revived() -> bool:
            assert infer(server.http_url, "convnext:1")[0] == 200
            assert infer(server.http_url, "crnn:2")[0] == 200
            # Asking a dead stub takes a second each time, so it is asked when it has come back.
            return bool(set(stubs(triton, "crnn/1")) - set(before)) and (
                infer(server.http_url, "crnn:1")[0] == 200
            )

        wait_until(revived)
        after = stubs(triton, "crnn/1")
        assert len(after) == 1
        assert after != before
        assert stubs(triton, "crnn/2") == other


def test_an_unloaded_model_stays_unloaded(tmp_path: Path) -> None:
    """The watchdog revives the dead; it does not overrule whoever unloads a model."""
    write_model(tmp_path / "models", "crnn")
    write_model(tmp_path / "models", "convnext")
    with EmbeddedTriton(tmp_path / "models", ports=ANY, watchdog_interval_s=0.1) as server:
        api = TritonAPI(server.http_url, server.control_key)
        api._call("POST", "/v2/repository/models/crnn/unload", {}, timeout_s=10)
        wait_until(lambda: infer(server.http_url, "crnn:1")[0] != 200)
        rounds = time.monotonic() + 1.0
        while time.monotonic() < rounds:
            assert infer(server.http_url, "crnn:1")[0] in (400, 404, 503)
            assert infer(server.http_url, "convnext:1")[0] == 200
