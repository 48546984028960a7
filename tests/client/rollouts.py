"""What the tests of a client's part in the rollout share."""

import dataclasses
import time

import numpy as np
import pytest

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import ModelRouting, RescueSettings, ShadowSettings, TritonSettings
from ocr_client.fake import FakeTransport
from ocr_client.settings import CANDIDATE, STABLE
from ocr_rollout.stores.series import read_epoch

BOTH = {STABLE: "stable", CANDIDATE: "candidate"}
GARBLED = "\ufffd\ufffd\ufffd"


def image(seed=0, width=200):
    return np.random.default_rng(seed).integers(0, 256, (32, width), np.uint8)


def configured(ratio=1.0, *, shadow=0.0, rescue=True, triton=None, **routing):
    """By a ratio alone, without a file."""
    return ClientConfig(
        ModelRouting(candidate_weight_bp=round(ratio * 10_000), **routing),
        triton or TritonSettings(),
        rescue=RescueSettings(enabled=rescue),
        shadow=ShadowSettings(share_bp=round(shadow * 10_000)),
    )


def client(arms=None, config=None, **rest):
    transport = FakeTransport(BOTH if arms is None else arms)
    return OCRClient(config or configured(), transport=transport, **rest), transport


def until(condition, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def followed(reader):
    """Until the plan has begun in the store: what was asked before belongs to no epoch of it."""
    until(lambda: reader.rollout.generation)


@dataclasses.dataclass(frozen=True)
class Counted:
    """What a client's store holds of its present epoch; the client is closed for it."""

    stable: dict
    candidate: dict
    shadow: dict
    pairs: dict


def counted(reader):
    session = reader._session
    epoch = session.begin().member.view.epoch
    with pytest.MonkeyPatch.context() as patch:  # on a busy machine, the last counts get there too
        patch.setattr("ocr_rollout.runtime.member.CLOSE_S", 60.0)
        reader.close()
    found = read_epoch(session._store, epoch, time.time())

    def outcomes(series):
        record = series.total.to_record()
        return {name: n for name, n in record.items() if not name.startswith("ms:")}

    return Counted(
        outcomes(found.stable),
        outcomes(found.candidate),
        outcomes(found.shadow),
        found.pairs.total.to_record(),
    )
