"""What client and Triton cost on top of the model: a line through both, against the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.lines import crops
from benchmarks.models import served_session, versions
from benchmarks.report import Row, Section
from benchmarks.timing import interleave, median

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, TritonSettings
from ocr_client.transport import TritonTransport
from ocr_export.repository import Version
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton

GOAL_MS = 1.0
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
        "One loop takes all of them in turn, on a 100x1000 crop as BGR pixels: 320 px at height"
        " 32. The client's time holds gray conversion, stages, hashing, HTTP and decoding.",
    )


def _one_model(version: Version, url: str, rounds: int) -> list[Row]:
    arm = Arm(version.name, version.number)
    crop = crops(1, noise=2.0)[0]
    spec = LineSpec()
    tensor = prepare_line(load_image(crop), spec).windows[0].pixels[np.newaxis]
    session = served_session(version)
    transport = TritonTransport((url,))
    with OCRClient(ClientConfig(triton=TritonSettings(urls=(url,)))) as client:
        calls: dict[str, Callable[[], object]] = {
            "bare session": lambda: session.run(["codepoints", "confidence"], {"image": tensor}),
            "client": lambda: client.recognize(crop, arm=arm),
            "of which stages": lambda: prepare_line(load_image(crop), spec),
            "of which HTTP and Triton": lambda: transport.infer(
                arm, tensor, timeout_s=10.0, request_id="benchmark"
            ),
        }
        times = interleave(calls, rounds=rounds, warm_up=10)
    transport.close()
    above = median(times["client"] - times["bare session"])
    between = float(np.median(times["client"]) - np.median(times["bare session"]))
    return [
        *(Row(f"{arm}: {name}", float(np.median(ms)), "ms") for name, ms in times.items()),
        Row(
            f"{arm}: client above bare, difference of medians",
            between,
            "ms",
            goal=f"<= {GOAL_MS:g} ms",
            met=between <= GOAL_MS,
        ),
        Row(
            f"{arm}: client above bare, median of paired differences",
            above.median,
            "ms",
            f"95 %: {above.low:.2f}..{above.high:.2f}",
            f"<= {GOAL_MS:g} ms",
            above.median <= GOAL_MS,
        ),
    ]
