"""A report of a real rollout: real models read real images, people check the kept pictures."""

import csv
import re

import cv2
import numpy as np
import pytest
from benchmarks.rollout_site import wait_until
from gate import CANDIDATE, SAMPLES, STABLE, Gate, as_json

from ocr_client import OCRClient
from ocr_preprocessing.load import load_image

pytestmark = [pytest.mark.server, pytest.mark.slow]
PLAN = f"""
model_routing: {{stable: "{STABLE}", candidate: "{CANDIDATE}"}}
rollout:
  id: r1
  phases:
    - {{share: 0.5, min_dwell: 0, min_samples: 20}}
    - {{share: 1.0, min_dwell: 0, min_samples: 20}}
shadow: {{share: 1.0}}
review: {{stable: 1.0, candidate: 1.0, disputes: 1.0, keep_images: true}}
"""


@pytest.fixture
def gate(tmp_path, triton):
    gate = Gate(tmp_path, triton=triton)
    text = gate.file.read_text("utf-8")
    gate.file.write_text(f"{PLAN}\n{text[text.index('triton:') :]}", "utf-8")
    return gate.started()


def shadowed(client):
    """Of stable's answers those that were read again or left out, and what is still to be done."""
    found = client.metrics()
    done = sum(n for name, n in found.items() if name.startswith("ocr_client_shadow_total"))
    return done, found["ocr_client_shadow_waiting"] + found["ocr_client_review_waiting"]


def test_what_was_read_and_checked_stands_in_the_report(gate, tmp_path):
    with (SAMPLES[0].parent / "labels.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        labels = {row["file"]: row["text"] for row in rows}
    truths, shadows = {}, 0
    with OCRClient.from_config(gate.file) as client:
        for path in SAMPLES:
            line = load_image(path)
            for cut in range(6):  # small differences, so that no two are one image
                image = np.ascontiguousarray(line[:, cut:])
                truths[image.tobytes()] = labels[path.name]
                found = client.recognize(image, user_id=f"u{cut}")
                shadows += found.reason == "stable_range"
        # They come after the answers, and what is kept for people after them.
        wait_until(lambda: shadowed(client) == (shadows, 0), "the shadows", limit_s=120)
    desk = gate.people
    while (task := desk.next("ann")) is not None:
        picture = cv2.imdecode(np.frombuffer(desk.image(task.sample_id), np.uint8), 0)
        desk.review(task.sample_id, truths[picture.tobytes()], by="ann", kind="print")
    status = gate.said("status")
    assert gate.run("report", "--out", tmp_path / "out").exit_code == 0
    document = as_json(tmp_path / "out")
    for name in ("review", "shadow", "verdicts", "generation"):
        assert document["status"][name] == status[name], "as `status` says it"
    assert document["status"]["arms"]["candidate"]["arm"] == CANDIDATE
    worst = document["disagreements"]["worst"]
    assert worst, "on sixty lines both differ somewhere"
    assert all(one["has_picture"] and one["truth"] in truths.values() for one in worst)
    assert [one["distance"] for one in worst] == sorted(
        (w["distance"] for w in worst), reverse=True
    )
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert len(re.findall("<img ", page)) == len(worst)
    assert document["calibration"]["stable"]["n"] == status["review"]["stable"]["lines_right"]["n"]
