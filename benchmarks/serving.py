"""What client and Triton cost on top of the model: a line through both, against the session."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from benchmarks.lines import crops
from benchmarks.models import served_session, versions
from benchmarks.report import Row, Section
from benchmarks.timing import Took, interleave, median

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, TritonSettings
from ocr_client.decode import decode_line
from ocr_client.results import Reading
from ocr_client.transport import TritonTransport
from ocr_export.config_pbtxt import read_parameters
from ocr_export.repository import Version
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, environment

GOAL_MS = 1.0
TENSOR = "client and Triton, from the same tensor to the text"
TITLE = "A line through OCRClient and embedded Triton, against the bare InferenceSession"


def measure(repository: Path, rounds: int) -> Section:
    """Raises ServerError where no embedded server can be started."""
    rows: list[Row] = []
    with versions(repository) as found:
        root = next(iter(found.values())).directory.parent.parent
        with EmbeddedTriton(root, models=tuple(found)) as triton:
            for version in found.values():
                rows += _one_model(version, triton.http_url, rounds)
    return Section(
        TITLE,
        tuple(rows),
        "One loop takes all of them in turn. The tensor is 32x320: client and Triton take it from"
        " there to the text, `recognize` from BGR pixels with gray, stages, digest and routing.",
    )


def _one_model(version: Version, url: str, rounds: int) -> list[Row]:
    arm = Arm(version.name, version.number)
    crop = crops(1, noise=2.0)[0]
    spec = LineSpec()
    line = prepare_line(load_image(crop), spec)
    tensor = line.windows[0].pixels[np.newaxis]
    session = served_session(version)
    transport = TritonTransport((url,))

    def read_tensor() -> Reading:
        """What the client does from the tensor on: ask Triton, decode."""
        answers = transport.infer(arm, tensor, timeout_s=10.0, request_id="benchmark")
        codepoints, confidence = line.join(list(zip(*answers, strict=True)))
        return decode_line(codepoints, confidence, line.x_range)

    with (
        OCRClient(ClientConfig(triton=TritonSettings(urls=(url,)))) as client,
        _servers_session(version, tensor) as (release, servers_session),
    ):
        bare = f"bare session, ONNX Runtime {release} as in the server"
        calls: dict[str, Callable[[], object]] = {
            bare: servers_session,
            f"bare session, ONNX Runtime {onnxruntime.__version__}": lambda: session.run(
                ["codepoints", "confidence"], {"image": tensor}
            ),
            TENSOR: read_tensor,
            "OCRClient.recognize, from a 100x1000 crop": lambda: client.recognize(crop, arm=arm),
            "of which loading and stages": lambda: prepare_line(load_image(crop), spec),
        }
        times = interleave(calls, rounds=rounds, warm_up=10)
    transport.close()
    rows = [Row(f"{arm}: {name}", float(np.median(ms)), "ms") for name, ms in times.items()]
    above = median(times[TENSOR] - times[bare])
    between = float(np.median(times[TENSOR]) - np.median(times[bare]))
    quiet = float(np.percentile(times[TENSOR], 10) - np.percentile(times[bare], 10))
    for name, value, detail in (
        ("difference of medians", between, ""),
        ("median of paired differences", above.median, f"95 %: {above.low:.2f}..{above.high:.2f}"),
    ):
        title = f"{arm}: the same tensor above the server's bare session, {name}"
        rows.append(Row(title, value, "ms", detail, f"<= {GOAL_MS:g} ms", value <= GOAL_MS, bare))
    title = f"{arm}: the same, difference of 10th percentiles"
    return [*rows, Row(title, quiet, "ms", "of rounds that nothing disturbed")]


@contextlib.contextmanager
def _servers_session(
    version: Version, tensor: npt.NDArray[np.uint8]
) -> Iterator[tuple[str, Callable[[], Took]]]:
    """Release of the server's ONNX Runtime, and a call that runs a session of it once."""
    parameters = read_parameters(version.config.read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, tensor)
        file.flush()
        command = [
            str(environment.ensure().python),
            str(Path(__file__).with_name("bare_session.py")),
            str(version.model),
            file.name,
            parameters["intra_op_thread_count"],
            parameters["inter_op_thread_count"],
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            asked, answers = process.stdin, process.stdout
            assert asked is not None
            assert answers is not None
            release = answers.readline().strip()

            def run() -> Took:
                asked.write("\n")
                return Took(float(answers.readline()))

            yield release, run
            asked.close()
