"""The embedded server as it runs: who may reach it, what it answers, how it batches."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tiny_models import infer, post, write_model

from ocr_server import EmbeddedTriton, Ports, ServerError, environment
from ocr_server.flags import CONTROL_HEADER, GRPC_PREFIX
from ocr_server.supervise import GRPC_CONTROL

pytestmark = pytest.mark.server

LISTEN = "0A"
CONTROL_CALLS = [
    "/v2/repository/index",
    "/v2/repository/models/crnn/load",
    "/v2/repository/models/crnn/unload",
    "/v2/systemsharedmemory/unregister",
    "/v2/logging",
    "/v2/trace/setting",
]


def listening_addresses(pid: int) -> dict[int, str]:
    """{port: hexadecimal local address} of all sockets on which a process listens."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and fields[9] in inodes:
                address, port = fields[1].split(":")
                found[int(port, 16)] = address
    return found


def grpc_control(server: EmbeddedTriton, key: str) -> subprocess.CompletedProcess[str]:
    own = environment.ensure()
    header = GRPC_PREFIX + CONTROL_HEADER
    return subprocess.run(
        [own.python, GRPC_CONTROL, server.grpc_url, "load", "crnn", header],
        input=key,
        env=own.variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_all_three_ports_listen_on_loopback_alone(tiny_server: EmbeddedTriton) -> None:
    urls = (tiny_server.http_url, tiny_server.grpc_url, tiny_server.metrics_url)
    listening = listening_addresses(tiny_server.server.triton_pid)
    assert set(listening) == {int(url.split(":")[1]) for url in urls}
    # 127.0.0.1, and as IPv6 sees it (gRPC binds ::ffff:127.0.0.1).
    assert set(listening.values()) <= {"0100007F", "0000000000000000FFFF00000100007F"}


@pytest.mark.parametrize("path", CONTROL_CALLS)
def test_a_control_api_without_the_key_is_refused(tiny_server: EmbeddedTriton, path: str) -> None:
    assert post(tiny_server.http_url, path)[0] == 403
    assert post(tiny_server.http_url, path, headers={CONTROL_HEADER: "guess"})[0] == 403


def test_the_key_opens_the_control_apis(tiny_server: EmbeddedTriton) -> None:
    status, index = post(
        tiny_server.http_url, "/v2/repository/index", headers=tiny_server.control_header
    )
    assert status == 200
    assert {(entry["name"], entry["state"]) for entry in index} == {
        ("crnn", "READY"),
        ("convnext", "READY"),
    }


def test_grpc_control_needs_the_key_too(tiny_server: EmbeddedTriton) -> None:
    refused = grpc_control(tiny_server, "guess")
    assert refused.returncode == 1
    assert "restricted" in refused.stderr
    assert grpc_control(tiny_server, tiny_server.control_key).returncode == 0


def test_every_start_has_a_key_of_its_own_that_others_cannot_read(
    tiny_server: EmbeddedTriton,
) -> None:
    run = Path(tiny_server.server.log).parent
    assert len(tiny_server.control_key) == 32
    assert run.stat().st_mode & 0o077 == 0


def test_metrics_name_model_and_version(tiny_server: EmbeddedTriton) -> None:
    infer(tiny_server.http_url)
    with urllib.request.urlopen(f"http://{tiny_server.metrics_url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert 'nv_inference_count{model="crnn",version="1"}' in text


def test_only_requested_outputs_are_answered(tiny_server: EmbeddedTriton) -> None:
    both = infer(tiny_server.http_url, pixel=51, outputs=("confidence", "codepoints"))
    assert both == (200, {"confidence": [pytest.approx(0.2)] * 2, "codepoints": [51, 51]})
    assert infer(tiny_server.http_url, pixel=51) == (200, {"codepoints": [51, 51]})


@pytest.mark.parametrize(
    ("arm", "shape", "status", "phrase"),
    [
        ("crnn:1", (1, 1, 31, 8), 400, "unexpected shape"),
        ("crnn:1", (17, 1, 32, 4), 400, "batch-size must be <= 16"),
        ("crnn:9", (1, 1, 32, 8), 404, "version 9"),
        ("nobody:1", (1, 1, 32, 8), 404, "unknown model"),
    ],
)
def test_a_wrong_request_gets_its_status_and_reason(
    tiny_server: EmbeddedTriton, arm: str, shape: tuple[int, ...], status: int, phrase: str
) -> None:
    got, text = infer(tiny_server.http_url, arm, shape=shape)
    assert got == status
    assert phrase in text


def test_requests_joined_in_one_batch_get_their_own_answers(tmp_path: Path) -> None:
    """The queue waits 50 ms, so eight threads meet in few batches."""
    write_model(tmp_path / "models", "crnn", delay_us=50_000)
    write_model(tmp_path / "models", "open", height="H", replace=("1, 32, -1", "1, -1, -1"))
    with EmbeddedTriton(tmp_path / "models", ports=Ports(0, 0, 0)) as server:
        with ThreadPoolExecutor(8) as pool:
            pixels = range(1, 25)
            answers = list(
                pool.map(
                    lambda pixel: infer(
                        server.http_url,
                        pixel=pixel,
                        shape=(1 + pixel % 2, 1, 32, 8),  # one row and two rows in one batch
                        outputs=("codepoints", "confidence")[: 1 + pixel % 3 // 2],
                    ),
                    pixels,
                )
            )
        for pixel, (status, outputs) in zip(pixels, answers, strict=True):
            assert status == 200
            assert outputs["codepoints"] == [pixel] * 2 * (1 + pixel % 2)
            assert ("confidence" in outputs) == (pixel % 3 == 2)
        with urllib.request.urlopen(
            f"http://{server.http_url}/v2/models/crnn/versions/1/stats", timeout=10
        ) as answer:
            stats = answer.read().decode()
        assert '"batch_size":' in stats
        executions = int(stats.split('"execution_count":')[1].split(",")[0])
        assert executions < len(pixels)
        # A fault inside the graph: the native backend's status and words, and the model lives on.
        status, text = infer(server.http_url, "open:1", shape=(1, 1, 64, 8))
        assert status == 500
        assert text.startswith("onnx runtime error ")
        assert "Squeeze" in text
        assert infer(server.http_url, "open:1")[0] == 200


def test_the_real_models_answer(triton: EmbeddedTriton) -> None:
    for arm in ("crnn:1", "convnext:1"):
        status, outputs = infer(
            triton.http_url, arm, shape=(2, 1, 32, 96), outputs=("codepoints", "confidence")
        )
        assert status == 200
        assert len(outputs["codepoints"]) == len(outputs["confidence"]) == 2 * 96 // 4


def test_outside_the_with_block_there_is_no_address(tiny_repository: Path) -> None:
    with pytest.raises(ServerError, match="with"):
        _ = EmbeddedTriton(tiny_repository).http_url


def test_importing_the_package_pulls_in_no_third_party_code() -> None:
    """The supervisor starts in a fraction of a second for that reason."""
    code = "import sys, ocr_server.supervise; print('numpy' in sys.modules, 'typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
